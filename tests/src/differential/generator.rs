//! A session from a seed: a schema, rows, and statements of one profile.
//!
//! Nothing depends on what an engine answers, so a seed always gives the same session. The parts of the language live beside this module, each
//! as further verbs of [`Generator`].

use super::compare::{Ask, Statement};
use super::schema::{Source, Table};
use super::tree::{Sort, Tree};
use crate::random::Random;

/// What a session is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Profile {
    /// Single tables, subqueries, compounds, common tables.
    Queries,
    /// Joins of all kinds.
    Joins,
    /// GROUP BY, HAVING, aggregates of all kinds.
    Aggregates,
    /// Window functions.
    Windows,
    /// INSERT, UPDATE, DELETE with constraints, conflict clauses, upsert, RETURNING, savepoints.
    Writes,
    /// Triggers and foreign keys.
    Triggers,
    /// CREATE, ALTER, DROP; generated columns, STRICT, WITHOUT ROWID, views, indexes of all kinds.
    Ddl,
    /// JSON, dates, printf and the other functions.
    Functions,
    /// Types, affinities and collations at their borders.
    Types,
}

/// All profiles, in the order in which sessions take turns.
pub const PROFILES: [Profile; 9] = [
    Profile::Queries,
    Profile::Joins,
    Profile::Aggregates,
    Profile::Windows,
    Profile::Writes,
    Profile::Triggers,
    Profile::Ddl,
    Profile::Functions,
    Profile::Types,
];

/// Makes statements.
pub(super) struct Generator {
    pub(super) random: Random,
    pub(super) profile: Profile,
    pub(super) tables: Vec<Table>,
    /// Names of indexes, with the name of their table.
    pub(super) indexes: Vec<(String, String)>,
    /// Names of triggers.
    pub(super) triggers: Vec<String>,
    /// What expressions may name, the innermost query last.
    pub(super) scopes: Vec<Vec<Source>>,
    pub(super) leaves: Leaves,
    /// Values at the borders of types are used as well.
    pub(super) wild: bool,
    pub(super) ask: Ask,
    pub(super) names: usize,
    /// Subqueries inside each other.
    pub(super) nesting: usize,
}

/// What expressions are made of in the end.
#[derive(Clone, Debug)]
pub(super) enum Leaves {
    /// Columns of the scope.
    Columns,
    /// Keys of GROUP BY, and aggregates.
    Groups(Vec<Tree>),
    /// Columns and window functions.
    Windows,
    /// Literals only.
    Literals,
}

/// All statements of a session.
pub fn session(profile: Profile, seed: u64, statements: usize) -> Vec<Statement> {
    let mut generator = Generator::new(profile, seed);
    let mut made = generator.setup();
    for _ in 0..statements {
        generator.statement(&mut made);
    }
    made
}

impl Generator {
    fn new(profile: Profile, seed: u64) -> Generator {
        Generator {
            random: Random::new(seed),
            profile,
            tables: Vec::new(),
            indexes: Vec::new(),
            triggers: Vec::new(),
            scopes: Vec::new(),
            leaves: Leaves::Columns,
            wild: profile == Profile::Types,
            ask: Ask::default(),
            names: 0,
            nesting: 0,
        }
    }

    /// The next statement or statements.
    fn statement(&mut self, made: &mut Vec<Statement>) {
        match self.profile {
            Profile::Writes => self.write_statement(made),
            Profile::Triggers => self.trigger_statement(made),
            Profile::Ddl => self.ddl_statement(made),
            Profile::Functions => made.push(self.function_statement()),
            Profile::Types => made.push(self.types_statement()),
            _ => {
                // A write now and then: statistics, indexes and pages change under the queries.
                if self.random.one_in(12) {
                    self.upkeep(made);
                } else {
                    made.push(self.query_statement());
                }
            }
        }
    }

    /// A statement of a tree, with what it left open while it was made.
    pub(super) fn finish(&mut self, tree: Tree) -> Statement {
        let ask = std::mem::take(&mut self.ask);
        Statement { tree, ask }
    }

    /// A statement that is no query.
    pub(super) fn command(&mut self, text: impl Into<String>) -> Statement {
        self.finish(Tree::text(Sort::Piece, text))
    }

    /// A name that was not used yet.
    pub(super) fn fresh(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    /// ANALYZE, another index, other rows.
    pub(super) fn upkeep(&mut self, made: &mut Vec<Statement>) {
        match self.random.below(6) {
            0 => made.push(self.command("ANALYZE")),
            1 | 2 => made.push(self.create_index()),
            3 if !self.indexes.is_empty() => {
                let at = self.random.below(self.indexes.len());
                let (name, _) = self.indexes.swap_remove(at);
                made.push(self.command(format!("DROP INDEX {name}")));
            }
            4 => made.push(self.delete_one()),
            _ => {
                let table = self.base_table();
                let rows = self.insert_rows(&table, 2);
                made.push(rows);
            }
        }
    }
}
