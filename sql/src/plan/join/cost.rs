//! Estimates: how many rows, how much work.
//!
//! They are kept as SQLite keeps them, as ten times the logarithm to base two, so that the same statistics lead to the same
//! choices. Where there are no statistics, SQLite's guesses are used: a million rows in a table, ten for
//! an equality on an index's first column, fewer for each further one.

use crate::catalog::{Column, Index, IndexSource, Table};
use crate::value::Affinity;
use smallvec::{SmallVec, smallvec};

/// Ten times the binary logarithm of a number of rows or of steps of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::plan) struct LogEst(pub i16);

/// What is added to the larger of two estimates to get their sum, by how much they differ.
const SUM: [i16; 32] = [
    10, 10, 9, 9, 8, 8, 7, 7, 7, 6, 6, 6, 5, 5, 5, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2,
];

impl LogEst {
    /// One row, one step.
    pub const ONE: LogEst = LogEst(0);

    /// The estimate of a number.
    pub fn of(number: u64) -> LogEst {
        if number < 2 {
            return LogEst(0);
        }
        const EIGHTHS: [i16; 8] = [0, 2, 3, 5, 6, 7, 8, 9];
        let magnitude = number.ilog2() as i16;
        let eighths = if magnitude >= 3 {
            number >> (magnitude - 3)
        } else {
            number << (3 - magnitude)
        };
        LogEst(magnitude * 10 + EIGHTHS[(eighths & 7) as usize])
    }

    /// The estimate of a cost that a virtual table tells.
    pub fn of_cost(cost: f64) -> LogEst {
        match cost > 1.0 {
            true => LogEst((cost.log2() * 10.0).min(10_000.0) as i16),
            false => LogEst(0),
        }
    }

    /// The estimate of a sum.
    #[inline]
    pub fn sum(self, other: LogEst) -> LogEst {
        LogEst(sum(self.0.into(), other.0.into()).min(i16::MAX.into()) as i16)
    }

    /// The estimate of a product.
    pub fn times(self, other: LogEst) -> LogEst {
        LogEst(self.0.saturating_add(other.0))
    }

    /// The estimate plus a constant.
    pub fn plus(self, more: i16) -> LogEst {
        LogEst(self.0.saturating_add(more))
    }

    /// The estimate of the logarithm: the steps of a descent in a tree of so many rows.
    pub fn log(self) -> LogEst {
        if self.0 <= 10 {
            LogEst(0)
        } else {
            LogEst(LogEst::of(self.0 as u64).0 - 33)
        }
    }

    /// As a number.
    pub fn number(self) -> f64 {
        2f64.powf(f64::from(self.0) / 10.0)
    }
}

/// The estimate of a sum, of estimates that are kept wide.
#[inline]
pub(super) fn sum(one: i32, other: i32) -> i32 {
    let (more, less) = (one.max(other), one.min(other));
    let apart = (more - less) as usize;
    match SUM.get(apart) {
        Some(&added) => more + i32::from(added),
        None => more + i32::from(apart < 50),
    }
}

/// The rows of a table.
pub(super) fn table_rows(table: &Table) -> LogEst {
    match table.row_count {
        Some(rows) => LogEst::of(rows),
        None if table.indexes.iter().any(|index| index.statistics.is_some()) => {
            let counted = table
                .indexes
                .iter()
                .find_map(|index| index.statistics.as_ref()?.first().copied());
            LogEst::of(counted.unwrap_or(1_048_576))
        }
        None => LogEst(200),
    }
}

/// Rows in all, then for an equality on 1, 2, .. leading columns.
pub(super) type PrefixRows = SmallVec<[LogEst; 6]>;

/// Rows of an index in all, then for an equality on its first column, its first two, and so on.
pub(super) fn index_rows(index: &Index, rows: LogEst) -> PrefixRows {
    let mut estimates = prefix_rows(
        index.columns.len(),
        index.statistics.as_deref(),
        rows,
        index.filter.is_some(),
    );
    if index.unique.is_some()
        && index.statistics.is_none()
        && let Some(last) = estimates.last_mut()
    {
        *last = LogEst(0);
    }
    estimates
}

/// Rows of an index for an equality on its first `count` columns, as [`index_rows`] has them. The index is not a partial one.
pub(super) fn rows_of_prefix(index: &Index, rows: LogEst, count: usize) -> LogEst {
    match &index.statistics {
        Some(counts) => counts
            .get(count)
            .map_or(guess(count.saturating_sub(1)), |&rows| LogEst::of(rows)),
        None if count == 0 => LogEst(rows.0.max(99)),
        None if count == index.columns.len() && index.unique.is_some() => LogEst(0),
        None => guess(count - 1),
    }
}

/// Rows for an equality on all columns up to the one at `column`, where nothing was counted.
fn guess(column: usize) -> LogEst {
    const GUESSES: [i16; 5] = [33, 32, 30, 28, 27];
    LogEst(GUESSES.get(column).copied().unwrap_or(23))
}

/// As [`index_rows`], for any tree that is keyed by `columns` columns.
pub(super) fn prefix_rows(
    columns: usize,
    statistics: Option<&[u64]>,
    rows: LogEst,
    partial: bool,
) -> PrefixRows {
    match statistics {
        Some(counts) => {
            let mut estimates: PrefixRows = counts
                .iter()
                .take(columns + 1)
                .map(|&count| LogEst::of(count))
                .collect();
            (estimates.len()..=columns).for_each(|column| estimates.push(guess(column.saturating_sub(1))));
            estimates
        }
        None => {
            let least = LogEst(rows.0.max(99));
            let all = if partial { least.plus(-10) } else { least };
            let mut estimates: PrefixRows = smallvec![all];
            estimates.extend((0..columns).map(guess));
            estimates
        }
    }
}

/// The guessed size of a table's rows.
pub(super) fn table_row_size(table: &Table) -> LogEst {
    LogEst(*table.summary.row_size.get_or_init(|| {
        let columns: u64 = table.columns.iter().map(column_size).sum();
        LogEst::of((columns + u64::from(table.rowid_alias.is_none())) * 4).0
    }))
}

/// The guessed size of an index's entries.
pub(super) fn index_row_size(index: &Index, table: &Table) -> LogEst {
    let own = |source: &IndexSource| match source {
        IndexSource::Column(column) => table.columns.get(*column).map_or(1, column_size),
        _ => 1,
    };
    let columns: u64 = index.columns.iter().map(|column| own(&column.source)).sum();
    let tail: u64 = match table.without_rowid {
        Some(_) => index
            .tail
            .iter()
            .map(|&column| table.columns.get(column).map_or(1, column_size))
            .sum(),
        None => 1,
    };
    LogEst::of((columns + tail) * 4)
}

/// The guessed size of a column's values, in units of four bytes.
fn column_size(column: &Column) -> u64 {
    let declared = column.declared_type.as_deref().unwrap_or("");
    if declared.is_empty() || !matches!(column.affinity, Affinity::Text | Affinity::Blob) {
        return 1;
    }
    let find = |word: &str| {
        let mut parts = declared.as_bytes().windows(word.len());
        parts.position(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    };
    let size = match find("char").or_else(|| find("blob(")) {
        Some(at) => first_number(&declared.as_bytes()[at..]),
        None => 16,
    };
    (size / 4 + 1).min(255)
}

/// The first number in a text; 0 when there is none, or one that is too large.
fn first_number(text: &[u8]) -> u64 {
    let digits = text.iter().skip_while(|byte| !byte.is_ascii_digit());
    let mut digits = digits.take_while(|byte| byte.is_ascii_digit());
    let number = digits.try_fold(0_u64, |number, digit| {
        number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    });
    number.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms() {
        let cases = [
            (0, 0),
            (1, 0),
            (2, 10),
            (3, 16),
            (10, 33),
            (16, 40),
            (1000, 99),
            (1_048_576, 200),
        ];
        for (number, expected) in cases {
            assert_eq!(LogEst::of(number).0, expected, "{number}");
        }
        assert_eq!(LogEst(200).sum(LogEst(200)).0, 210);
        assert_eq!(LogEst(200).sum(LogEst(100)).0, 200);
        assert_eq!(LogEst(200).log().0, 43);
    }
}
