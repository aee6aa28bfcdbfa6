//! Running sessions: both engines side by side, to the first difference, and the content at the end.

use super::compare::{Ask, Difference, Kind, RowIds, Statement, difference};
use super::engines::{Engines, Outcome};
use super::function::JSON5_ARRAY;
use super::generator::{PROFILES, Profile, session};
use super::rules;
use super::shrink::shrink;
use crate::random::Random;

/// How much is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Statements in all.
    pub statements: u64,
    /// The seed of the first session.
    pub seed: u64,
    /// One profile only.
    pub profile: Option<Profile>,
    /// Stop after so many differences.
    pub differences_max: usize,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Statements that both engines ran.
    pub statements: u64,
    /// Of them, those that failed in both.
    pub failed: u64,
    /// Rows compared.
    pub rows: u64,
    /// Further ways to ask that were tried on Aludel alone.
    pub asked_again: u64,
    /// Sessions.
    pub sessions: u64,
    /// Of them, those that ended because SQLite accepted a row without its parent.
    pub orphaned: u64,
    /// What differed, made smaller.
    pub found: Vec<Found>,
}

/// A difference with what leads to it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The session that it was found in.
    pub profile: Profile,
    /// Its seed.
    pub seed: u64,
    /// The statements that are needed to see it; the last one differs.
    pub statements: Vec<Statement>,
    /// How the answers differ.
    pub difference: Difference,
}

/// Statements of a session after its schema was made.
pub const SESSION_STATEMENTS: usize = 40;

/// Runs sessions until so many statements ran.
///
/// # Errors
/// When a database cannot be opened.
pub fn run(options: &Options, progress: &dyn Fn(&Tally)) -> Result<Tally, String> {
    let mut tally = Tally::default();
    while tally.statements < options.statements && tally.found.len() < options.differences_max.max(1) {
        let profile = options
            .profile
            .unwrap_or(PROFILES[tally.sessions as usize % PROFILES.len()]);
        let seed = session_seed(options.seed, tally.sessions);
        run_session(profile, seed, &mut tally)?;
        progress(&tally);
    }
    Ok(tally)
}

fn session_seed(seed: u64, number: u64) -> u64 {
    Random::new(seed ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d)).number() >> 16
}

/// Runs one session; a difference is made smaller and added to the tally.
///
/// # Errors
/// When a database cannot be opened.
pub fn run_session(profile: Profile, seed: u64, tally: &mut Tally) -> Result<(), String> {
    tally.sessions += 1;
    let statements = session(profile, seed, SESSION_STATEMENTS);
    if let Some((at, difference)) = play(&statements, None, tally)? {
        let end = (at + 1).min(statements.len());
        let (statements, difference) = shrink(statements[..end].to_vec(), difference);
        tally.found.push(Found {
            profile,
            seed,
            statements,
            difference,
        });
    }
    Ok(())
}

/// Runs statements on empty databases, queries again in the way that is named; the first difference with the place of its statement. One of the content stands behind the last statement.
///
/// # Errors
/// When a database cannot be opened.
pub fn play(
    statements: &[Statement],
    only: Option<&'static str>,
    tally: &mut Tally,
) -> Result<Option<(usize, Difference)>, String> {
    let mut engines = Engines::open()?;
    let mut rowids = RowIds::default();
    for (at, statement) in statements.iter().enumerate() {
        let sql = statement.tree.to_string();
        match compare_one(&mut engines, statement, &sql, only, &mut rowids, tally) {
            Verdict::Same => {}
            Verdict::Apart => return Ok(None),
            Verdict::Different(found) if refused_for_a_key(&found.kind) && engines.theirs_is_orphaned() => {
                tally.orphaned += 1;
                return Ok(None);
            }
            Verdict::Different(found) => return Ok(Some((at, found))),
        }
    }
    Ok(super::content::compare_content(&mut engines).map(|found| (statements.len(), found)))
}

/// Whether we refused for a foreign key what SQLite accepted. It forgets a key's check where the program of an action of the same key, SET NULL,
/// was compiled just before.
fn refused_for_a_key(kind: &Kind) -> bool {
    matches!(kind, Kind::Failure(787, 0, _))
}

/// Whether the engines agree once the words of JSON5 are written as JSON. SQLite makes JSONB with the words of JSON5 where it remembers what the
/// text that it made was read from, and with plain ones where that was forgotten.
fn agree_in_plain_json(engines: &Engines, statement: &Statement, sql: &str) -> bool {
    let plain = sql.replace(JSON5_ARRAY, "[31,5,0.5,5.0,9e999,null]");
    let (ours, theirs) = (engines.our_outcome(&plain), engines.their_outcome(&plain));
    let order = statement.tree.order();
    plain != sql && sql.contains("jsonb") && difference(statement.ask, &order, &ours, &theirs).is_none()
}

/// Whether SQLite says what we say once it has no descending index. Over one it looks through other rows for a row value with a NULL on the left
/// of IN than without.
fn agree_in_ascending_order(engines: &mut Engines, statement: &Statement, sql: &str, ours: &Outcome) -> bool {
    let theirs = [") IN (SELECT ", ") NOT IN (SELECT "]
        .iter()
        .any(|words| sql.contains(words))
        .then(|| engines.their_outcome_ascending(sql))
        .flatten();
    theirs.is_some_and(|theirs| difference(statement.ask, &statement.tree.order(), ours, &theirs).is_none())
}

/// Whether the engines agree once it is said how results of window functions compare. Where a SELECT has two windows, SQLite forgets the collation
/// of a column that such a result is compared with.
fn agree_where_windows_compare_by_bytes(engines: &Engines, statement: &Statement, sql: &str) -> bool {
    let named = with_windows_collated(sql);
    let (ours, theirs) = (engines.our_outcome(&named), engines.their_outcome(&named));
    let order = statement.tree.order();
    sql.matches(OVER).count() > 1 && difference(statement.ask, &order, &ours, &theirs).is_none()
}

const OVER: &str = " OVER (";

/// The statement with COLLATE BINARY behind each window in parentheses.
fn with_windows_collated(sql: &str) -> String {
    let mut rest = sql;
    let mut made = String::with_capacity(sql.len() * 2);
    while let Some(found) = rest.find(OVER) {
        let (before, window) = rest.split_at(found + OVER.len());
        made.push_str(before);
        let end = closing(window).unwrap_or(window.len());
        made.push_str(&with_windows_collated(&window[..end]));
        if end < window.len() {
            made.push_str(") COLLATE BINARY");
        }
        rest = window.get(end + 1..).unwrap_or_default();
    }
    made.push_str(rest);
    made
}

/// Where the parenthesis is that closes what comes before the text.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quoted) = (0, false);
    text.bytes().position(|byte| {
        match byte {
            b'\'' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth -= 1,
            _ => {}
        }
        depth < 0
    })
}

/// What is said of a statement.
enum Verdict {
    /// Both engines say the same, or what they say is left open.
    Same,
    /// A change was made in one of them only, and which is left open: nothing that follows can be compared.
    Apart,
    Different(Difference),
}

fn compare_one(
    engines: &mut Engines,
    statement: &Statement,
    sql: &str,
    only: Option<&'static str>,
    rowids: &mut RowIds,
    tally: &mut Tally,
) -> Verdict {
    let ours = engines.our_outcome(sql);
    let theirs = engines.their_outcome(sql);
    if theirs.error.is_some() && sql.starts_with("ALTER") {
        engines.forget_their_schema();
    }
    tally.statements += 1;
    tally.failed += u64::from(theirs.error.is_some());
    tally.rows += theirs.rows.len() as u64;
    let order = statement.tree.order();
    let found =
        difference(statement.ask, &order, &ours, &theirs).or_else(|| rowids.difference(sql, &ours, &theirs));
    let mut excused = |found: &Difference| {
        found.kind == Kind::Rows
            && statement.ask.query
            && (agree_in_plain_json(engines, statement, sql)
                || agree_in_ascending_order(engines, statement, sql, &ours)
                || agree_where_windows_compare_by_bytes(engines, statement, sql))
    };
    match found.filter(|found| !excused(found)) {
        Some(found) => Verdict::Different(found),
        None if !statement.ask.query && ours.error.is_some() != theirs.error.is_some() => Verdict::Apart,
        None if !statement.ask.query || theirs.error.is_some() => Verdict::Same,
        None => {
            tally.asked_again += 1;
            rules::check(engines, statement, sql, &ours, only).map_or(Verdict::Same, Verdict::Different)
        }
    }
}

/// Whether the last of the statements still differs in the same way.
pub fn differs_alike(statements: &[Statement], kind: &Kind) -> Option<Difference> {
    let only = match kind {
        Kind::Rule(name) => Some(*name),
        _ => None,
    };
    let (_, found) = play(statements, only, &mut Tally::default()).ok()??;
    (found.kind == *kind).then_some(found)
}

/// A statement from a text, compared in the way that its case says.
pub(super) fn from_text(text: &str, ask: Ask) -> Statement {
    Statement {
        tree: super::tree::Tree::text(super::tree::Sort::Piece, text),
        ask,
    }
}

#[cfg(test)]
mod tests {
    use super::with_windows_collated;

    #[test]
    fn each_window_gets_its_collation() {
        assert_eq!(
            with_windows_collated("SELECT f(a) OVER (ORDER BY g(')')), h() OVER (PARTITION BY (1)) > b"),
            "SELECT f(a) OVER (ORDER BY g(')')) COLLATE BINARY, h() OVER (PARTITION BY (1)) COLLATE BINARY > b"
        );
        assert_eq!(with_windows_collated("SELECT a OVER (b"), "SELECT a OVER (b");
    }
}
