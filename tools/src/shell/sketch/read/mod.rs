//! The reader: one pass over the tokens, with a frame for each open parenthesis.
//!
//! ```text
//!   Start ── SELECT ─▶ List ── FROM ─▶ From ── ON ─▶ On ── WHERE, GROUP .. ─▶ Expression
//!     ├───── WITH ───▶ With, WithAs ─▶ Start
//!     ├───── INSERT INTO, UPDATE, DELETE FROM ─▶ Into ─▶ Target ── SET ─▶ Set
//!     └───── PRAGMA, DROP, ALTER, CREATE ...
//! ```
//!
//! `words` moves from clause to clause, `names` says what a name is where it stands.

mod names;
mod words;

use aludel_sql::syntax::lexer::Lexer;
use aludel_sql::syntax::token::{Token, TokenKind as T};

use super::{Block, Output, Role, Rows, Sketch, Source};

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
}
