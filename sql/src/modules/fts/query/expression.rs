//! The tree of a query.
//!
//! Chains of one operator are kept flat: `a AND b AND c` is one node. SQLite keeps binary trees, of which it allows a depth of twelve after
//! having balanced ANDs and ORs; [`Expression::check_depth`] computes the depth that such a tree would have, so that the same queries are refused.

/// How deep the tree of a query may be.
pub(in crate::modules::fts) const DEPTH_MAX: usize = 12;

/// A query or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::modules::fts) enum Expression {
    /// Words in a row.
    Phrase(Phrase),
    /// Phrases of which each has at most so many words between itself and the one before.
    Near(Vec<Phrase>, Vec<u32>),
    /// All of them.
    And(Vec<Expression>),
    /// Any of them.
    Or(Vec<Expression>),
    /// The first and none of the others.
    Not(Box<Expression>, Vec<Expression>),
}

/// Words that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::modules::fts) struct Phrase {
    pub(in crate::modules::fts) words: Vec<Word>,
    /// The only column that counts.
    pub(in crate::modules::fts) column: Option<usize>,
}

/// A word of a phrase.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::modules::fts) struct Word {
    pub(in crate::modules::fts) term: Vec<u8>,
    /// `word*`: any word that starts so.
    pub(in crate::modules::fts) is_prefix: bool,
    /// `^word`: the first word of a column.
    pub(in crate::modules::fts) is_first: bool,
}

/// Why a tree is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::modules::fts) enum TooDeep {
    /// Told as `malformed MATCH expression`.
    Malformed,
    /// Told as what it is.
    TooLarge,
}

impl Expression {
    /// Refuses what SQLite refuses.
    pub(in crate::modules::fts) fn check_depth(&self) -> Result<(), TooDeep> {
        match self.depth(DEPTH_MAX)? > DEPTH_MAX + 1 {
            true => Err(TooDeep::TooLarge),
            false => Ok(()),
        }
    }

    /// The nodes on the longest way down in the balanced tree. `left` is what balancing allows for.
    fn depth(&self, left: usize) -> Result<usize, TooDeep> {
        if left == 0 {
            return Err(TooDeep::Malformed);
        }
        match self {
            Expression::Phrase(_) => Ok(1),
            Expression::Near(phrases, _) => Ok(phrases.len()),
            Expression::And(parts) | Expression::Or(parts) => balanced_depth(parts, left),
            Expression::Not(wanted, unwanted) => {
                let base = left.checked_sub(unwanted.len()).ok_or(TooDeep::Malformed)?;
                let mut depth = wanted.depth(base)?;
                for (number, part) in unwanted.iter().enumerate() {
                    depth = 1 + depth.max(part.depth(base + number)?);
                }
                Ok(depth)
            }
        }
    }
}

/// Pairs up neighbours as one adds in binary: a slot for each power of two.
fn balanced_depth(parts: &[Expression], left: usize) -> Result<usize, TooDeep> {
    let mut slots = [None; DEPTH_MAX];
    let slots = &mut slots[..left.min(DEPTH_MAX)];
    for part in parts {
        let mut carried = Some(part.depth(left - 1)?);
        for slot in slots.iter_mut() {
            let Some(depth) = carried else { break };
            match slot.take() {
                None => {
                    *slot = Some(depth);
                    carried = None;
                }
                Some(other) => carried = Some(1 + depth.max(other)),
            }
        }
        if carried.is_some() {
            return Err(TooDeep::TooLarge);
        }
    }
    let joined = slots
        .iter()
        .flatten()
        .copied()
        .reduce(|joined, depth| 1 + depth.max(joined));
    Ok(joined.unwrap_or(0))
}
