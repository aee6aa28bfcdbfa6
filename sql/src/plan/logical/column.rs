//! Names of columns inside a statement, and sets of them.

/// A table as it occurs in FROM (or a pseudo-table), by its number in the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::plan) struct TableId(pub u32);

/// A column of a table: the rowid, or a column by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::plan) struct ColumnNo(u32);

impl ColumnNo {
    /// The rowid; a column declared INTEGER PRIMARY KEY is always spoken of as this.
    pub const ROWID: ColumnNo = ColumnNo(0);

    /// The column at `index`.
    #[inline]
    pub fn at(index: usize) -> ColumnNo {
        ColumnNo(index as u32 + 1)
    }

    /// The position; `None` for the rowid.
    #[inline]
    pub fn index(self) -> Option<usize> {
        (self.0 as usize).checked_sub(1)
    }
}

/// A column of a table of the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::plan) struct ColumnRef {
    /// The table.
    pub table: TableId,
    /// Its column.
    pub column: ColumnNo,
}

impl ColumnRef {
    /// The column at `index` of `table`.
    #[inline]
    pub fn new(table: TableId, index: usize) -> ColumnRef {
        ColumnRef {
            table,
            column: ColumnNo::at(index),
        }
    }
}

/// A set of columns of one table. A member's rank (the members before it) is its place in a row of just these columns.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::plan) struct ColumnSet {
    /// The rowid and the first columns: most tables have no more, and most sets no other.
    first: u64,
    /// Those after them.
    more: Vec<u64>,
}

impl Clone for ColumnSet {
    #[inline]
    fn clone(&self) -> Self {
        ColumnSet {
            first: self.first,
            more: match self.more.as_slice() {
                [] => Vec::new(),
                more => more.to_vec(),
            },
        }
    }
}

impl ColumnSet {
    /// Adds a column.
    #[inline]
    pub fn insert(&mut self, column: ColumnNo) {
        match place(column) {
            (0, bit) => self.first |= bit,
            (word, bit) => self.insert_far(word - 1, bit),
        }
    }

    #[inline(never)]
    fn insert_far(&mut self, word: usize, bit: u64) {
        if self.more.len() <= word {
            self.more.resize(word + 1, 0);
        }
        self.more[word] |= bit;
    }

    /// Whether the column is a member.
    #[inline]
    pub fn contains(&self, column: ColumnNo) -> bool {
        let (word, bit) = place(column);
        self.word(word).is_some_and(|word| word & bit != 0)
    }

    #[inline]
    fn word(&self, word: usize) -> Option<u64> {
        match word {
            0 => Some(self.first),
            _ => self.more.get(word - 1).copied(),
        }
    }

    #[inline]
    fn words(&self) -> impl Iterator<Item = u64> + '_ {
        std::iter::once(self.first).chain(self.more.iter().copied())
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.words().map(|word| word.count_ones() as usize).sum()
    }

    /// The members before `column`, when it is one itself.
    #[inline]
    pub fn rank(&self, column: ColumnNo) -> Option<usize> {
        let (word, bit) = place(column);
        let last = self.word(word)?;
        if last & bit == 0 {
            return None;
        }
        let before = self.words().take(word).map(|word| word.count_ones() as usize);
        Some(before.sum::<usize>() + (last & (bit - 1)).count_ones() as usize)
    }

    /// Whether `test` holds of all members.
    #[inline]
    pub fn all(&self, test: impl Fn(ColumnNo) -> bool) -> bool {
        for (n, word) in self.words().enumerate() {
            let mut left = word;
            while left != 0 {
                if !test(ColumnNo(n as u32 * 64 + left.trailing_zeros())) {
                    return false;
                }
                left &= left - 1;
            }
        }
        true
    }

    /// Visits the members, ascending.
    #[inline]
    pub fn each(&self, mut visit: impl FnMut(ColumnNo)) {
        for (n, word) in self.words().enumerate() {
            let mut left = word;
            while left != 0 {
                visit(ColumnNo(n as u32 * 64 + left.trailing_zeros()));
                left &= left - 1;
            }
        }
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = ColumnNo> + '_ {
        self.words().enumerate().flat_map(|(n, word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(ColumnNo(n as u32 * 64 + bit))
            })
        })
    }
}

#[inline]
fn place(column: ColumnNo) -> (usize, u64) {
    (column.0 as usize / 64, 1 << (column.0 % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_count_the_members_before() {
        let mut set = ColumnSet::default();
        for index in [2, 63, 64, 200] {
            set.insert(ColumnNo::at(index));
        }
        set.insert(ColumnNo::ROWID);
        assert_eq!(set.rank(ColumnNo::ROWID), Some(0));
        assert_eq!(set.rank(ColumnNo::at(64)), Some(3));
        assert_eq!(set.rank(ColumnNo::at(200)), Some(4));
        assert_eq!(set.rank(ColumnNo::at(3)), None);
        assert_eq!(set.len(), 5);
        let members: Vec<_> = set.iter().map(ColumnNo::index).collect();
        assert_eq!(members, [None, Some(2), Some(63), Some(64), Some(200)]);
    }
}
