//! The reader: one pass over the tokens, with a frame for each open parenthesis.
//!
//! ```text
//!   Start ── SELECT ─▶ List ── FROM ─▶ From ── ON ─▶ On ── WHERE, GROUP .. ─▶ Expression
//!     ├───── WITH ───▶ With, WithAs ─▶ Start
//!     ├───── INSERT INTO, UPDATE, DELETE FROM ─▶ Into ─▶ Target ── SET ─▶ Set
//!     └───── PRAGMA, DROP, ALTER, CREATE ...
//! ```

use aludel_sql::syntax::ast::Span;
use aludel_sql::syntax::lexer::Lexer;
use aludel_sql::syntax::token::{Token, TokenKind as T};

use super::{Block, CommonTable, NameUse, Output, Role, Rows, Sketch, Source};

/// Where in a statement a token stands.
#[derive(Clone, Debug, PartialEq)]
enum Clause {
    Start,
    With,
    WithAs,
    List,
    /// Whether a source is due, or an alias may come.
    From {
        due: bool,
    },
    On,
    Expression,
    /// The table that is written, altered or indexed is due.
    Into,
    Target,
    Set,
    Alter,
    Names(Role),
    Pragma,
    PragmaValue(String),
    Definition,
}

/// What becomes of a frame's rows when its parenthesis closes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Closing {
    Nothing,
    /// They are a source of the frame below.
    Source,
    /// They are those of a common table of that block.
    CommonTable {
        block: usize,
        index: usize,
    },
}

#[derive(Clone, Debug)]
struct Frame {
    clause: Clause,
    block: usize,
    /// What new blocks of this frame can see.
    base: Option<usize>,
    /// The first block of the query that the frame holds.
    first: Option<usize>,
    closing: Closing,
    item: Item,
}

/// The column of a SELECT list that is being read.
#[derive(Clone, Debug, Default)]
struct Item {
    parts: usize,
    output: Option<Output>,
    alias: Option<String>,
}

struct Reader<'s> {
    sql: &'s str,
    tokens: Vec<Token>,
    at: usize,
    frames: Vec<Frame>,
    sketch: Sketch,
    /// The table that the statement writes.
    target: usize,
    /// The token before ended an operand: a name that follows is an alias.
    after_operand: bool,
    in_trigger: bool,
}

/// Reads the statement at `start`.
pub(super) fn read(sql: &str, start: usize) -> Sketch {
    let mut lexer = Lexer::new(sql.as_bytes(), start);
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next_token();
        if token.kind == T::End {
            break;
        }
        tokens.push(token);
    }
    let mut reader = Reader {
        sql,
        tokens,
        at: 0,
        frames: Vec::new(),
        sketch: Sketch::default(),
        target: 0,
        after_operand: false,
        in_trigger: false,
    };
    let block = reader.new_block(None);
    reader
        .frames
        .push(Frame::new(Clause::Start, block, None, Closing::Nothing));
    reader.run();
    reader.sketch
}

impl Frame {
    fn new(clause: Clause, block: usize, base: Option<usize>, closing: Closing) -> Frame {
        Frame {
            clause,
            block,
            base,
            first: None,
            closing,
            item: Item::default(),
        }
    }
}

impl Reader<'_> {
    fn run(&mut self) {
        while self.at < self.tokens.len() {
            let kind = self.kind(0);
            if kind == T::Semicolon {
                if !self.in_trigger {
                    break;
                }
                self.restart();
            } else if self.is_name_here() {
                self.name();
                continue;
            } else {
                self.token(kind);
            }
            self.at += 1;
        }
        while self.frames.len() > 1 {
            self.close();
        }
        self.end_item();
    }

    // ---- looking --------------------------------------------------------------------------------

    /// The kind of the token so many places on.
    fn kind(&self, ahead: usize) -> T {
        self.tokens
            .get(self.at + ahead)
            .map_or(T::End, |token| token.kind)
    }

    /// The kind of the token so many places back.
    fn before(&self, back: usize) -> T {
        let place = self.at.checked_sub(back);
        place
            .and_then(|place| self.tokens.get(place))
            .map_or(T::End, |token| token.kind)
    }

    fn text(&self, token: Token) -> String {
        let text = self
            .sql
            .get(token.start as usize..token.end as usize)
            .unwrap_or_default();
        let Some(quote) = text
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '`' | '[' | '\''))
        else {
            return text.to_owned();
        };
        let close = if quote == '[' { ']' } else { quote };
        let inner = text.get(1..).unwrap_or_default();
        let inner = inner.strip_suffix(close).unwrap_or(inner);
        inner.replace(&format!("{close}{close}"), &close.to_string())
    }

    /// Whether the token is a name and not a keyword.
    fn is_name_here(&self) -> bool {
        let (kind, next) = (self.kind(0), self.kind(1));
        if kind == T::Id {
            return true;
        }
        if !kind.is_name() || kind == T::String || self.before(1) == T::Or {
            return false;
        }
        let ends = matches!(next, T::Comma | T::From | T::As | T::End | T::RightParen | T::Eq);
        match self.frame().clause {
            _ if next == T::Dot || self.before(1) == T::Dot => true,
            Clause::Into | Clause::From { due: true } => !matches!(kind, T::If),
            Clause::List | Clause::Expression | Clause::Set => ends && !self.after_operand,
            _ => false,
        }
    }

    fn frame(&self) -> &Frame {
        // The first frame is never closed.
        &self.frames[self.frames.len() - 1]
    }

    fn frame_mut(&mut self) -> &mut Frame {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn block_mut(&mut self) -> &mut Block {
        let block = self.frame().block;
        &mut self.sketch.blocks[block]
    }

    // ---- blocks ---------------------------------------------------------------------------------

    fn new_block(&mut self, parent: Option<usize>) -> usize {
        self.sketch.blocks.push(Block {
            parent,
            ..Block::default()
        });
        self.sketch.blocks.len() - 1
    }

    fn begin_query(&mut self, clause: Clause) {
        self.end_item();
        let block = self.new_block(self.frame().base);
        self.sketch.blocks[block].first = self.frame().first;
        let frame = self.frame_mut();
        frame.first.get_or_insert(block);
        (frame.block, frame.clause, frame.item) = (block, clause, Item::default());
        if let Closing::CommonTable { block: owner, index } = frame.closing
            && frame.first == Some(block)
            && let Some(table) = self.sketch.blocks[owner].common_tables.get_mut(index)
        {
            table.block = Some(block);
        }
    }

    /// Another statement of a trigger.
    fn restart(&mut self) {
        while self.frames.len() > 1 {
            self.close();
        }
        self.end_item();
        let block = self.new_block(None);
        self.frames[0] = Frame::new(Clause::Start, block, None, Closing::Nothing);
        self.after_operand = false;
    }

    fn end_item(&mut self) {
        if self.frame().clause != Clause::List {
            return;
        }
        let item = std::mem::take(&mut self.frame_mut().item);
        let output = match (item.alias, item.output, item.parts) {
            (Some(alias), ..) => Output::Alias(alias),
            (None, Some(output), 1) => output,
            (None, _, 0) => return,
            _ => Output::Unnamed,
        };
        self.block_mut().outputs.push(output);
    }

    fn open(&mut self) {
        let next = self.kind(1);
        let is_query = matches!(next, T::Select | T::With | T::Values);
        let (block, in_list) = (self.frame().block, self.frame().clause == Clause::List);
        if in_list {
            self.frame_mut().item.parts += 1;
        }
        let frame = match self.frame().clause.clone() {
            Clause::From { due: true } if is_query => {
                // A subquery in FROM sees the common tables around it, but not the sources beside it.
                let base = self.frame().base;
                Frame::new(Clause::Start, block, base, Closing::Source)
            }
            Clause::From { due: true } => {
                Frame::new(Clause::From { due: true }, block, None, Closing::Nothing)
            }
            Clause::WithAs if is_query => {
                let index = self.sketch.blocks[block].common_tables.len().saturating_sub(1);
                Frame::new(
                    Clause::Start,
                    block,
                    Some(block),
                    Closing::CommonTable { block, index },
                )
            }
            Clause::WithAs => Frame::new(Clause::WithAs, block, None, Closing::Nothing),
            _ if is_query => Frame::new(Clause::Start, block, Some(block), Closing::Nothing),
            Clause::Target => Frame::new(Clause::Names(Role::TargetColumn), block, None, Closing::Nothing),
            Clause::From { due: false } if self.before(1) == T::Using => {
                Frame::new(Clause::Names(Role::Column), block, None, Closing::Nothing)
            }
            Clause::Definition => Frame::new(Clause::Definition, block, None, Closing::Nothing),
            clause @ (Clause::PragmaValue(_) | Clause::Names(_)) => {
                Frame::new(clause, block, None, Closing::Nothing)
            }
            _ => Frame::new(Clause::Expression, block, None, Closing::Nothing),
        };
        self.frames.push(frame);
        self.after_operand = false;
    }

    fn close(&mut self) {
        self.end_item();
        let Some(closed) = (self.frames.len() > 1).then(|| self.frames.pop()).flatten() else {
            return;
        };
        if closed.closing == Closing::Source {
            let rows = closed.first.map_or(Rows::Opaque, Rows::Block);
            self.block_mut().sources.push(Source { alias: None, rows });
        }
        if let Clause::From { due } = &mut self.frame_mut().clause {
            *due = false;
        }
        let in_definition = closed.closing == Closing::Nothing && self.frame().clause == Clause::Definition;
        self.after_operand = !in_definition;
    }

    // ---- tokens ---------------------------------------------------------------------------------

    /// A token that is no name.
    fn token(&mut self, kind: T) {
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

    // ---- names ----------------------------------------------------------------------------------

    /// A name with what qualifies it.
    fn name(&mut self) {
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
