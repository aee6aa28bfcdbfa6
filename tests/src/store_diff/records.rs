//! Records of chosen lengths.

use aludel_storage::btree::TreeKind;
use aludel_storage::format::ValueRef;
use aludel_storage::format::record::encode;

use crate::random::Random;

/// A record that is shared by all copies of the model.
pub(super) type Record = std::sync::Arc<[u8]>;

/// The first column of a rowid table.
#[derive(Clone, Debug)]
pub(super) enum First {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
}

impl First {
    pub(super) fn random(random: &mut Random) -> First {
        match random.below(12) {
            0 => First::Null,
            1..=6 => First::Integer(*random.clone().pick(&[
                0,
                1,
                -1,
                127,
                128,
                -129,
                32_768,
                8_388_608,
                1 << 31,
                1 << 47,
                i64::MIN,
                random.below(500) as i64,
            ])),
            7 => First::Real(random.below(1_000) as f64 / 8.0 + 0.0625),
            _ => {
                let len = random.below(40);
                First::Text(random.letters(len))
            }
        }
    }

    fn value(&self) -> ValueRef<'_> {
        match self {
            First::Null => ValueRef::Null,
            First::Integer(v) => ValueRef::Integer(*v),
            First::Real(v) => ValueRef::Real(*v),
            First::Text(v) => ValueRef::Text(v.as_bytes()),
        }
    }
}

/// A length of payload that is likely to lie where something changes: around each limit of what stays in the cell.
pub(super) fn interesting_len(kind: TreeKind, usable: usize, random: &mut Random) -> usize {
    let limits = kind.limits(usable);
    let about = match random.below(10) {
        0 => limits.max_local,
        1 => limits.min_local,
        2 => limits.min_local + limits.per_overflow,
        3 => limits.max_local + limits.per_overflow,
        4 => limits.min_local + limits.per_overflow * (1 + random.below(4)),
        5 => return random.below(usable * 3),
        _ => return random.below(60),
    };
    (about + random.below(5)).saturating_sub(2)
}

/// A record of `values` and a blob behind them, as near to `len` bytes as there is one.
fn padded(values: &[ValueRef<'_>], len: usize, fill: u8) -> Record {
    let mut filler = vec![fill; len];
    let mut record = Vec::new();
    loop {
        record.clear();
        let all: Vec<ValueRef<'_>> = values.iter().copied().chain([ValueRef::Blob(&filler)]).collect();
        encode(&all, &mut record);
        let surplus = record.len().saturating_sub(len);
        if surplus == 0 || filler.is_empty() {
            return record.into();
        }
        filler.truncate(filler.len().saturating_sub(surplus));
    }
}

/// A row of a rowid table: `a`, and a blob.
pub(super) fn row(first: &First, usable: usize, random: &mut Random) -> Record {
    let len = interesting_len(TreeKind::Table, usable, random);
    padded(&[first.value()], len, random.number() as u8)
}

/// A row of a WITHOUT ROWID table: a text without regard to case, an integer, a blob.
pub(super) fn keyed(usable: usize, ahead: Option<i64>, random: &mut Random) -> Record {
    let len = interesting_len(TreeKind::Index, usable, random);
    // Sometimes the key itself is what spills.
    let key_len = if random.one_in(8) { len } else { random.below(4) };
    let mut key: String = (0..key_len)
        .map(|_| *random.pick(&['a', 'A', 'b', 'B', 'c']))
        .collect();
    let number = match ahead {
        Some(number) => {
            key.insert_str(0, &format!("z{number:08}"));
            number
        }
        None => random.below(60) as i64 - 5,
    };
    let values = [ValueRef::Text(key.as_bytes()), ValueRef::Integer(number)];
    padded(&values, len, random.number() as u8)
}

/// A record of an index: the first column and the row id.
pub(super) fn entry(first: ValueRef<'_>, rowid: i64) -> Record {
    let mut record = Vec::new();
    encode(&[first, ValueRef::Integer(rowid)], &mut record);
    record.into()
}
