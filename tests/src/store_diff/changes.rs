//! Single operations on the trees of a table, each compared with the model at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use aludel_storage::btree::{IndexCursor, Seek, TableCursor};
use aludel_storage::format::{KeyOrder, PageNo, ValueRef};
use aludel_storage::pager::Pager;

use super::episode::{Outcome, said};
use super::model::{
    Content, Model, Table, first_of, index_order, key_of, key_order, place, put, sought, sought_record,
};
use super::records::{First, Record, entry, keyed, row};
use crate::random::Random;

/// The cursors of a table that live as long as its root.
pub(super) struct Cursors {
    pub(super) root: PageNo,
    pub(super) index_root: Option<PageNo>,
    pub(super) rows: TableCursor,
    pub(super) records: IndexCursor,
    pub(super) index: IndexCursor,
    /// Nothing but these cursors has changed the trees since they were used, so that they can be vouched for.
    pub(super) trusted: bool,
}

impl Cursors {
    pub(super) fn of(table: &Table) -> Cursors {
        Cursors {
            root: table.root,
            index_root: table.index,
            rows: TableCursor::new(table.root),
            records: IndexCursor::new(table.root, key_order()),
            index: IndexCursor::new(table.index.unwrap_or(table.root), index_order()),
            trusted: false,
        }
    }
}

const SEEKS: [Seek; 5] = [Seek::Eq, Seek::Ge, Seek::Gt, Seek::Le, Seek::Lt];

/// One operation on a rowid table and its index.
pub(super) fn change_rows(
    pager: &mut Pager,
    cursors: &mut Cursors,
    rows: &mut BTreeMap<i64, Record>,
    append: bool,
    random: &mut Random,
) -> Outcome<String> {
    let last = rows.keys().next_back().copied().unwrap_or(0);
    let id = match random.below(20) {
        _ if append => last.saturating_add(1),
        0 => i64::MAX - random.below(3) as i64,
        1 => i64::MIN + random.below(3) as i64,
        2 => -(random.below(300) as i64),
        3 => 1 << random.below(62),
        _ => random.below(300) as i64,
    };
    match random.below(10) {
        0..=4 if !append && rows.len() > 200 => remove_row(pager, cursors, rows, id),
        0 | 1 if !append => remove_row(pager, cursors, rows, id),
        2 | 3 if !append => seek_row(pager, cursors, rows, id, random),
        _ => {
            let record = row(&First::random(random), pager.usable_size(), random);
            if let Some(old) = rows.get(&id) {
                let gone = entry(first_of(old), id);
                if !cursors.index.remove(pager, &key_of(&gone, 2)).map_err(said)? {
                    return Err(format!("row {id} has no entry in the index"));
                }
            }
            cursors.rows.insert(pager, id, &record).map_err(said)?;
            let new = entry(first_of(&record), id);
            cursors.index.insert(pager, &new).map_err(said)?;
            let len = record.len();
            rows.insert(id, record);
            Ok(format!("insert {id}, {len} bytes"))
        }
    }
}

fn remove_row(
    pager: &mut Pager,
    cursors: &mut Cursors,
    rows: &mut BTreeMap<i64, Record>,
    near: i64,
) -> Outcome<String> {
    let found = cursors.rows.seek(pager, near, Seek::Ge).map_err(said)?;
    let expected = sought(rows, near, Seek::Ge).map(|(id, row)| (id, Arc::clone(row)));
    let Some((id, record)) = expected else {
        return match found {
            true => Err(format!("a row from {near} on, where there is none")),
            false => Ok(format!("nothing to delete from {near} on")),
        };
    };
    if !found || cursors.rows.rowid() != id {
        return Err(format!(
            "no row {id} from {near} on, but {}",
            cursors.rows.rowid()
        ));
    }
    cursors.rows.delete(pager).map_err(said)?;
    let gone = entry(first_of(&record), id);
    if !cursors.index.remove(pager, &key_of(&gone, 2)).map_err(said)? {
        return Err(format!("row {id} has no entry in the index"));
    }
    rows.remove(&id);
    let next = cursors
        .rows
        .next(pager)
        .map_err(said)?
        .then(|| cursors.rows.rowid());
    if next == sought(rows, id, Seek::Gt).map(|(id, _)| id) {
        Ok(format!("delete {id}"))
    } else {
        Err(format!("after deleting {id} the next row is {next:?}"))
    }
}

fn seek_row(
    pager: &Pager,
    cursors: &mut Cursors,
    rows: &BTreeMap<i64, Record>,
    id: i64,
    random: &mut Random,
) -> Outcome<String> {
    let how = *random.pick(&SEEKS);
    let mut found = cursors.rows.seek(pager, id, how).map_err(said)?;
    let mut expected = sought(rows, id, how);
    for step in 0..4 {
        let own = found.then(|| cursors.rows.rowid());
        if own != expected.map(|(id, _)| id) {
            return Err(format!(
                "seek {how:?} {id}, {step} steps on: {own:?}, not {expected:?}"
            ));
        }
        let Some((at, record)) = expected else {
            break;
        };
        let mut spill = Vec::new();
        if cursors.rows.payload(pager, &mut spill).map_err(said)? != &**record {
            return Err(format!("row {at} has another payload"));
        }
        let back = matches!(how, Seek::Le | Seek::Lt);
        (found, expected) = if back {
            (
                cursors.rows.prev(pager).map_err(said)?,
                sought(rows, at, Seek::Lt),
            )
        } else {
            (
                cursors.rows.next(pager).map_err(said)?,
                sought(rows, at, Seek::Gt),
            )
        };
    }
    if random.one_in(10) && cursors.rows.count(pager).map_err(said)? != rows.len() as u64 {
        return Err("the count is wrong".to_owned());
    }
    Ok(format!("seek {how:?} {id}"))
}

/// One operation on a WITHOUT ROWID table.
pub(super) fn change_records(
    pager: &mut Pager,
    cursors: &mut Cursors,
    records: &mut Vec<Record>,
    append: bool,
    random: &mut Random,
) -> Outcome<String> {
    let cursor = &mut cursors.records;
    match random.below(10) {
        0..=4 if !append && records.len() > 200 => remove_record(pager, cursor, records, random),
        0 | 1 if !append && !records.is_empty() => remove_record(pager, cursor, records, random),
        2 | 3 if !append => seek_record(pager, cursor, records, random),
        _ => {
            let ahead = append.then(|| {
                let last = records.last().map(|record| key_of(record, 2)[1]);
                match last {
                    Some(ValueRef::Integer(last)) => last.max(60) + 1,
                    _ => 100,
                }
            });
            let record = keyed(pager.usable_size(), ahead, random);
            if random.one_in(3) {
                let probed = cursor.probe(pager, &key_of(&record, 2)).map_err(said)?;
                if probed != place(records, &key_of(&record, 2)).is_ok() {
                    return Err(format!("a probe says {probed}"));
                }
                if !probed && random.one_in(2) {
                    cursor.insert_probed(pager, &key_of(&record, 9)).map_err(said)?;
                    let len = record.len();
                    put(records, record);
                    return Ok(format!("insert probed, {len} bytes"));
                }
            }
            cursor.insert(pager, &record).map_err(said)?;
            let len = record.len();
            put(records, record);
            Ok(format!("insert, {len} bytes"))
        }
    }
}

fn remove_record(
    pager: &mut Pager,
    cursor: &mut IndexCursor,
    records: &mut Vec<Record>,
    random: &mut Random,
) -> Outcome<String> {
    let at = random.below(records.len());
    let record = Arc::clone(&records[at]);
    let key = key_of(&record, 2);
    if random.one_in(2) {
        if !cursor.remove(pager, &key).map_err(said)? {
            return Err(format!("no record {at} to remove"));
        }
        records.remove(at);
        return Ok(format!("remove record {at}"));
    }
    if !cursor.seek(pager, &key, Seek::Eq).map_err(said)? {
        return Err(format!("no record {at} to delete"));
    }
    cursor.delete(pager).map_err(said)?;
    records.remove(at);
    let more = cursor.next(pager).map_err(said)?;
    let mut spill = Vec::new();
    let next = match more {
        true => Some(cursor.payload(pager, &mut spill).map_err(said)?),
        false => None,
    };
    if next == records.get(at).map(|record| &**record) {
        Ok(format!("delete record {at}"))
    } else {
        Err(format!("after deleting record {at} the next is another"))
    }
}

fn seek_record(
    pager: &Pager,
    cursor: &mut IndexCursor,
    records: &[Record],
    random: &mut Random,
) -> Outcome<String> {
    let sample = match records.is_empty() || random.one_in(4) {
        true => keyed(pager.usable_size(), None, random),
        false => Arc::clone(random.pick(records)),
    };
    let columns = 1 + random.below(2);
    let key = key_of(&sample, columns);
    let how = *random.pick(&SEEKS);
    let found = cursor.seek(pager, &key, how).map_err(said)?;
    let mut spill = Vec::new();
    let own = match found {
        true => Some(cursor.payload(pager, &mut spill).map_err(said)?),
        false => None,
    };
    if own == sought_record(records, &key, how).map(|record| &**record) {
        Ok(format!("seek {how:?} by {columns} columns"))
    } else {
        Err(format!(
            "seek {how:?} by {columns} columns comes to another record"
        ))
    }
}

/// All trees hold what the model holds; the pager has a transaction open.
pub(super) fn compare(pager: &Pager, model: &Model) -> Outcome<()> {
    let mut spill = Vec::new();
    for (name, table) in &model.tables {
        match &table.content {
            Content::Rows(rows) => {
                let mut cursor = TableCursor::new(table.root);
                let mut more = cursor.first(pager).map_err(said)?;
                for (id, row) in rows {
                    if !more || cursor.rowid() != *id {
                        return Err(format!("{name}: row {id} is missing"));
                    }
                    if cursor.payload(pager, &mut spill).map_err(said)? != &**row {
                        return Err(format!("{name}: row {id} is another"));
                    }
                    more = cursor.next(pager).map_err(said)?;
                }
                if more {
                    return Err(format!("{name}: row {} should not be there", cursor.rowid()));
                }
                compare_records(pager, name, table.index, index_order(), &table.entries())?;
            }
            Content::Records(records) => {
                compare_records(pager, name, Some(table.root), key_order(), records)?;
            }
        }
    }
    Ok(())
}

fn compare_records(
    pager: &Pager,
    name: &str,
    root: Option<PageNo>,
    order: Arc<KeyOrder>,
    records: &[Record],
) -> Outcome<()> {
    let Some(root) = root else {
        return Ok(());
    };
    let mut cursor = IndexCursor::new(root, order);
    let mut spill = Vec::new();
    let mut more = cursor.first(pager).map_err(said)?;
    for (at, record) in records.iter().enumerate() {
        if !more || cursor.payload(pager, &mut spill).map_err(said)? != &**record {
            return Err(format!(
                "{name}: record {at} of {} is missing or another",
                records.len()
            ));
        }
        more = cursor.next(pager).map_err(said)?;
    }
    if more {
        return Err(format!("{name}: more than {} records", records.len()));
    }
    Ok(())
}
