//! Words that are no names: they begin and end clauses.

use aludel_sql::syntax::token::TokenKind as T;

use super::{Clause, Reader};
use crate::shell::sketch::{Output, Role};

impl Reader<'_> {
    /// A token that is no name.
    pub(super) fn token(&mut self, kind: T) {
        match kind {
            T::LeftParen => return self.open(),
            T::RightParen => return self.close(),
            _ => {}
        }
        let operand = matches!(
            kind,
            T::String
                | T::Blob
                | T::Integer
                | T::Float
                | T::SeparatedNumber
                | T::Variable
                | T::Null
                | T::EndKeyword
                | T::CurrentDate
                | T::CurrentTime
                | T::CurrentTimestamp
        );
        if self.frame().clause == Clause::List && kind != T::Comma {
            self.list_token(kind);
        }
        match self.frame().clause.clone() {
            Clause::Start => self.statement_word(kind),
            Clause::Definition => self.definition_word(kind),
            Clause::Into | Clause::Pragma => {}
            Clause::PragmaValue(_) | Clause::Names(_) | Clause::Alter => {
                if kind == T::Into {
                    self.frame_mut().clause = Clause::Expression;
                }
            }
            _ => self.query_word(kind),
        }
        self.after_operand = operand;
    }

    /// Counts what the list's column consists of.
    fn list_token(&mut self, kind: T) {
        let star = kind == T::Star && !self.after_operand;
        let is_part = star || !matches!(kind, T::Distinct | T::All | T::As | T::From);
        let item = &mut self.frame_mut().item;
        item.parts += usize::from(is_part);
        if star && item.output.is_none() {
            item.output = Some(Output::Star);
        }
    }

    /// A word where a statement may begin.
    fn statement_word(&mut self, kind: T) {
        let clause = match kind {
            T::Select => return self.begin_query(Clause::List),
            T::Values => return self.begin_query(Clause::Expression),
            T::With => {
                let block = self.new_block(self.frame().base);
                let frame = self.frame_mut();
                (frame.base, frame.block) = (Some(block), block);
                Clause::With
            }
            T::Analyze if self.before(1) == T::Explain => return,
            T::Insert | T::Replace | T::Update | T::Delete => {
                let base = self.frame().base;
                let block = self.new_block(base);
                self.target = block;
                self.frame_mut().block = block;
                Clause::Into
            }
            T::Pragma => Clause::Pragma,
            T::Alter => Clause::Into,
            T::Drop => Clause::Definition,
            T::Create => Clause::Definition,
            T::Detach | T::Vacuum => Clause::Names(Role::Database),
            T::Analyze | T::Reindex => Clause::Names(Role::Table),
            T::Attach => Clause::Expression,
            T::Savepoint | T::Release | T::Rollback | T::Begin | T::Commit | T::EndKeyword => {
                Clause::Names(Role::Other)
            }
            _ => return,
        };
        self.frame_mut().clause = clause;
    }

    /// A word of CREATE or DROP.
    fn definition_word(&mut self, kind: T) {
        let drops = self.tokens.first().is_some_and(|token| token.kind == T::Drop);
        let role = match kind {
            T::Table if drops => Role::Table,
            T::View if drops => Role::View,
            T::Index if drops => Role::Index,
            T::Trigger if drops => Role::Trigger,
            _ => {
                if kind == T::Trigger {
                    self.in_trigger = true;
                }
                self.frame_mut().clause = match kind {
                    T::On if self.frames.len() == 1 => Clause::Into,
                    T::References => Clause::Names(Role::Table),
                    T::As if matches!(self.kind(1), T::Select | T::With | T::Values) => Clause::Start,
                    _ => return,
                };
                return;
            }
        };
        self.frame_mut().clause = Clause::Names(role);
    }

    /// A word of a query or write.
    fn query_word(&mut self, kind: T) {
        let trigger_body = self.in_trigger && kind == T::Begin;
        let clause = match kind {
            T::Select if self.before(1) != T::Distinct => return self.begin_query(Clause::List),
            T::Values => return self.begin_query(Clause::Expression),
            T::Insert | T::Update | T::Delete | T::Replace
                if matches!(self.frame().clause, Clause::WithAs) =>
            {
                return self.statement_word(kind);
            }
            T::From if self.before(1) == T::Distinct && matches!(self.before(2), T::Is | T::Not) => return,
            T::From => {
                self.end_item();
                Clause::From { due: true }
            }
            T::Join => Clause::From { due: true },
            T::Left | T::Right | T::Full | T::Inner | T::Cross | T::Natural | T::Outer => return,
            T::On if self.kind(1) == T::Conflict => {
                self.frame_mut().block = self.target;
                Clause::Target
            }
            T::On => Clause::On,
            T::Using if matches!(self.frame().clause, Clause::From { .. } | Clause::On) => {
                Clause::From { due: false }
            }
            T::Set => Clause::Set,
            T::Returning => {
                self.frame_mut().block = self.target;
                Clause::Expression
            }
            T::Where | T::Having | T::Group | T::Order | T::Limit | T::Window | T::When => {
                self.end_item();
                Clause::Expression
            }
            T::Comma => return self.comma(),
            _ if trigger_body => return self.restart(),
            T::Eq if self.frame().clause == Clause::Set => Clause::Set,
            _ => return,
        };
        self.frame_mut().clause = clause;
    }

    fn comma(&mut self) {
        match self.frame().clause {
            Clause::List => self.end_item(),
            Clause::From { .. } | Clause::On => self.frame_mut().clause = Clause::From { due: true },
            Clause::WithAs if self.frame().base.is_some() => self.frame_mut().clause = Clause::With,
            _ => {}
        }
    }
}
