//! Names: what each stands for where it is, and what it changes for those behind it.

use aludel_sql::syntax::ast::Span;
use aludel_sql::syntax::token::{Token, TokenKind as T};

use super::{Clause, Reader};
use crate::shell::sketch::{CommonTable, NameUse, Output, Role, Rows, Source};

impl Reader<'_> {
    /// A name with what qualifies it.
    pub(super) fn name(&mut self) {
        let mut parts: Vec<Token> = vec![self.tokens[self.at]];
        let (first, mut star) = (self.at, false);
        while self.kind(1) == T::Dot {
            let after = self.kind(2);
            if after == T::Star {
                star = true;
                self.at += 2;
                break;
            }
            if !after.is_name() {
                self.at += 1;
                break;
            }
            self.at += 2;
            parts.push(self.tokens[self.at]);
        }
        let last_at = self.at;
        self.at = first;
        let dangling = self.kind(1) == T::Dot && parts.len() == 1 && !star;
        self.use_name(&parts, star, dangling, last_at);
        self.at = last_at + 1;
        self.after_operand = true;
    }

    fn use_name(&mut self, parts: &[Token], star: bool, dangling: bool, last_at: usize) {
        let texts: Vec<String> = parts.iter().map(|part| self.text(*part)).collect();
        let is_call = self
            .tokens
            .get(last_at + 1)
            .is_some_and(|token| token.kind == T::LeftParen);
        let role = if star || dangling {
            Role::Qualifier
        } else {
            self.role_of(&texts, is_call)
        };
        let takes_table = matches!(
            role,
            Role::Table | Role::Index | Role::Trigger | Role::View | Role::TableFunction | Role::Pragma
        );
        let block = self.frame().block;
        for (place, token) in parts.iter().enumerate() {
            let last = place + 1 == parts.len();
            let own = match last {
                true => role.clone(),
                false if takes_table || place + 2 < parts.len() => Role::Database,
                false => Role::Qualifier,
            };
            self.sketch.names.push(NameUse {
                span: Span::new(token.start, token.end),
                text: texts[place].clone(),
                quoted: self.sql.as_bytes().get(token.start as usize) == Some(&b'"'),
                qualifiers: texts[..place].to_vec(),
                role: own,
                block,
            });
        }
        self.after_name(&texts, star, &role, is_call);
    }

    /// What the name stands for where it is.
    fn role_of(&self, texts: &[String], is_call: bool) -> Role {
        match self.before(1) {
            T::Collate => return Role::Collation,
            T::As if !matches!(self.frame().clause, Clause::Definition) => return Role::Other,
            T::Over | T::Window => return Role::Other,
            T::By if self.before(2) == T::Indexed => return Role::Index,
            _ => {}
        }
        let qualified = texts.len() > 1;
        let in_expression = |role: Role| match (is_call, self.after_operand && !qualified) {
            (true, _) => Role::Function,
            (false, true) => Role::Other,
            (false, false) => role,
        };
        match &self.frame().clause {
            Clause::Into if self.before(1) == T::If => Role::Other,
            Clause::Into => Role::Table,
            Clause::From { due: true } if is_call => Role::TableFunction,
            Clause::From { due: true } => Role::Table,
            Clause::List | Clause::On | Clause::Expression => in_expression(Role::Column),
            Clause::Set => match self.before(1) {
                T::Set | T::Comma | T::LeftParen if !is_call => Role::TargetColumn,
                _ => in_expression(Role::Column),
            },
            Clause::Names(role) if is_call && *role == Role::TargetColumn => Role::Function,
            Clause::Names(Role::TargetColumn) if self.after_operand => Role::Other,
            Clause::Names(role) => role.clone(),
            Clause::Alter => self.altered(),
            Clause::Pragma => Role::Pragma,
            Clause::PragmaValue(pragma) => Role::PragmaValue(pragma.clone()),
            Clause::From { due: false }
            | Clause::Target
            | Clause::Start
            | Clause::With
            | Clause::WithAs
            | Clause::Definition => Role::Other,
        }
    }

    /// A name after `ALTER TABLE t`.
    fn altered(&self) -> Role {
        let verb = match self.before(1) {
            T::Column => self.before(2),
            other => other,
        };
        match verb {
            T::Rename | T::Drop => Role::TargetColumn,
            _ => Role::Other,
        }
    }

    /// What the name changes for what follows it.
    fn after_name(&mut self, texts: &[String], star: bool, role: &Role, is_call: bool) {
        let name = texts.last().cloned().unwrap_or_default();
        let database = (texts.len() > 1).then(|| texts[texts.len() - 2].clone());
        match self.frame().clause.clone() {
            Clause::With => {
                let table = CommonTable {
                    name,
                    columns: Vec::new(),
                    block: None,
                };
                self.block_mut().common_tables.push(table);
                self.frame_mut().clause = Clause::WithAs;
            }
            Clause::WithAs => {
                if let Some(table) = self.block_mut().common_tables.last_mut() {
                    table.columns.push(name);
                }
            }
            Clause::From { due: true } => {
                let rows = match is_call {
                    true => Rows::Opaque,
                    false => Rows::Table {
                        database,
                        name: name.clone(),
                    },
                };
                let alias = is_call.then_some(name);
                self.block_mut().sources.push(Source { alias, rows });
                self.frame_mut().clause = Clause::From { due: false };
            }
            Clause::From { due: false } | Clause::Target if *role == Role::Other => {
                if let Some(source) = self.block_mut().sources.last_mut() {
                    source.alias = Some(name);
                }
            }
            Clause::Into if *role == Role::Table => {
                let rows = Rows::Table { database, name };
                self.block_mut().sources.push(Source { alias: None, rows });
                let alters = self.tokens.first().is_some_and(|token| token.kind == T::Alter);
                self.frame_mut().clause = if alters { Clause::Alter } else { Clause::Target };
            }
            Clause::List => self.list_name(name, star, role),
            Clause::Pragma => self.frame_mut().clause = Clause::PragmaValue(name.to_ascii_lowercase()),
            Clause::Names(Role::Table)
                if self.tokens.first().is_some_and(|token| token.kind == T::Create) =>
            {
                self.frame_mut().clause = Clause::Definition;
            }
            _ => {}
        }
    }

    fn list_name(&mut self, name: String, star: bool, role: &Role) {
        let item = &mut self.frame_mut().item;
        match role {
            Role::Other => item.alias = Some(name),
            _ => {
                item.parts += 1;
                let output = match (star, role) {
                    (true, _) => Some(Output::TableStar(name)),
                    (false, Role::Column) => Some(Output::Column(name)),
                    _ => None,
                };
                item.output = output.filter(|_| item.parts == 1);
            }
        }
    }
}
