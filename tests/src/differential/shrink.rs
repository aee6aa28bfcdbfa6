//! Making a case smaller while it differs in the same way: first whole statements, then parts of trees.

use std::time::{Duration, Instant};

use super::compare::{Difference, Statement};
use super::run::differs_alike;

/// The longest that one case may take.
const TIME_MAX: Duration = Duration::from_secs(20);

/// The smallest statements found that differ as the given ones do.
pub(super) fn shrink(
    mut statements: Vec<Statement>,
    mut difference: Difference,
) -> (Vec<Statement>, Difference) {
    let until = Instant::now() + TIME_MAX;
    match differs_alike(&statements, &difference.kind) {
        Some(found) => difference = found,
        None => return (statements, difference),
    }
    loop {
        let dropped = drop_statements(&mut statements, &mut difference, until);
        let cut = cut_trees(&mut statements, &mut difference, until);
        if !(dropped || cut) || Instant::now() > until {
            return (statements, difference);
        }
    }
}

/// Drops runs of statements, long ones first.
fn drop_statements(statements: &mut Vec<Statement>, difference: &mut Difference, until: Instant) -> bool {
    let mut any = false;
    let mut chunk = statements.len() / 2;
    while chunk > 0 {
        let mut at = 0;
        while at + chunk <= statements.len() && Instant::now() < until {
            let mut kept = statements.clone();
            kept.drain(at..at + chunk);
            match differs_alike(&kept, &difference.kind) {
                Some(found) => {
                    (*statements, *difference) = (kept, found);
                    any = true;
                }
                None => at += chunk,
            }
        }
        chunk /= 2;
    }
    any
}

/// Makes trees smaller, statement by statement from the last, as long as something becomes smaller.
fn cut_trees(statements: &mut [Statement], difference: &mut Difference, until: Instant) -> bool {
    let mut any = false;
    for at in (0..statements.len()).rev() {
        'again: while Instant::now() < until {
            let before = statements[at].tree.clone();
            let length = before.to_string().len();
            for smaller in before.smaller() {
                if smaller.to_string().len() >= length || Instant::now() > until {
                    continue;
                }
                statements[at].tree = smaller;
                if let Some(found) = differs_alike(statements, &difference.kind) {
                    *difference = found;
                    any = true;
                    continue 'again;
                }
            }
            statements[at].tree = before;
            break;
        }
    }
    any
}
