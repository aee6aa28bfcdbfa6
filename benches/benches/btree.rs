//! Records, pages and trees without SQL: what the storage layer costs by itself.
//!
//! ```text
//! cargo bench -p aludel-benches --bench btree
//! ```
//!
//! Trees live in an in-memory database, so that the disk takes no part.

use std::hint::black_box;
use std::sync::Arc;

use aludel_storage::btree::{BulkBuilder, IndexCursor, Seek, TableCursor, TreeKind, create_tree};
use aludel_storage::format::record::{self, EncodedSize};
use aludel_storage::format::{KeyOrder, PageNo, RecordView, ValueRef, varint};
use aludel_storage::pager::{Pager, PagerOptions};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const ROWS: u64 = 100_000;
const PAYLOAD: [u8; 50] = [7; 50];

/// A seeded generator, so that every run looks up the same keys.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

fn new_pager() -> Pager {
    let mut pager = Pager::in_memory(&PagerOptions::default()).expect("default options");
    pager.begin_write().expect("a private database");
    pager
}

fn new_tree(kind: TreeKind) -> (Pager, PageNo) {
    let mut pager = new_pager();
    let root = create_tree(&mut pager, kind).expect("an empty database");
    (pager, root)
}

/// A committed table tree of `ROWS` dense rows, in a read transaction.
fn filled_table() -> (Pager, PageNo) {
    let (mut pager, root) = new_tree(TreeKind::Table);
    let mut builder = BulkBuilder::new(&pager, root, TreeKind::Table).expect("an empty tree");
    for rowid in 0..ROWS as i64 {
        builder
            .push_row(&mut pager, rowid, &PAYLOAD)
            .expect("ascending rows");
    }
    builder.finish(&mut pager).expect("room");
    pager.commit().expect("a private database");
    pager.begin_read().expect("a private database");
    (pager, root)
}

fn text_of(number: u64) -> String {
    format!("key {number:012}")
}

fn text_record(number: u64, out: &mut Vec<u8>) {
    out.clear();
    let text = text_of(number);
    record::encode(
        &[ValueRef::Text(text.as_bytes()), ValueRef::Integer(number as i64)],
        out,
    );
}

/// A committed index tree of `ROWS` texts with row ids, in a read transaction.
fn filled_index() -> (Pager, IndexCursor) {
    let (mut pager, root) = new_tree(TreeKind::Index);
    let mut builder = BulkBuilder::new(&pager, root, TreeKind::Index).expect("an empty tree");
    let mut record = Vec::new();
    for number in 0..ROWS {
        text_record(number, &mut record);
        builder
            .push_record(&mut pager, &record)
            .expect("ascending records");
    }
    builder.finish(&mut pager).expect("room");
    pager.commit().expect("a private database");
    pager.begin_read().expect("a private database");
    (pager, IndexCursor::new(root, Arc::new(KeyOrder::binary(2))))
}

fn records(c: &mut Criterion) {
    let mut group = c.benchmark_group("record");
    let values = [
        ValueRef::Null,
        ValueRef::Text(b"twenty bytes of text"),
        ValueRef::Integer(123_456),
        ValueRef::Real(1.5),
        ValueRef::Integer(5),
    ];
    let mut encoded = Vec::new();
    record::encode(&values, &mut encoded);

    group.bench_function("encode five columns", |b| {
        let mut out = [0; 64];
        b.iter(|| {
            let size = EncodedSize::of(black_box(&values));
            record::write(&values, size, &mut out);
        });
    });
    group.bench_function("decode five columns", |b| {
        b.iter(|| {
            let view = RecordView::parse(black_box(&encoded)).expect("our record");
            view.columns().for_each(|value| drop(black_box(value)));
        });
    });
    group.bench_function("decode two of five columns", |b| {
        b.iter(|| {
            let view = RecordView::parse(black_box(&encoded)).expect("our record");
            view.decode(&[2, 4], |_, value| {
                black_box(value);
            })
            .expect("our record");
        });
    });
    group.bench_function("compare with a text key", |b| {
        let (order, key) = (KeyOrder::binary(2), [ValueRef::Text(b"key 000000054321")]);
        let mut record = Vec::new();
        text_record(54_321, &mut record);
        b.iter(|| order.compare_record(black_box(&record), black_box(&key)));
    });
    group.bench_function("varint of each length", |b| {
        let numbers: Vec<u64> = (0..9).map(|n| 1 << (7 * n)).collect();
        let mut bytes = [0; 9];
        b.iter(|| {
            for number in &numbers {
                varint::write(black_box(*number), &mut bytes);
                black_box(varint::read(&bytes));
            }
        });
    });
    group.finish();
}

fn table_inserts(c: &mut Criterion) {
    let mut group = c.benchmark_group("table insert");
    group.throughput(Throughput::Elements(ROWS)).sample_size(20);
    group.bench_function("ascending", |b| {
        b.iter_batched(
            || new_tree(TreeKind::Table),
            |(mut pager, root)| {
                let mut cursor = TableCursor::new(root);
                for rowid in 0..ROWS as i64 {
                    cursor.insert(&mut pager, rowid, &PAYLOAD).expect("room");
                }
                pager
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("random", |b| {
        b.iter_batched(
            || new_tree(TreeKind::Table),
            |(mut pager, root)| {
                let (mut cursor, mut random) = (TableCursor::new(root), Random(42));
                for _ in 0..ROWS {
                    cursor
                        .insert(&mut pager, random.next() as i64, &PAYLOAD)
                        .expect("room");
                }
                pager
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("in bulk", |b| b.iter(filled_table));
    group.finish();
}

fn table_reads(c: &mut Criterion) {
    let mut group = c.benchmark_group("table read");
    let (pager, root) = filled_table();
    let mut cursor = TableCursor::new(root);
    let mut random = Random(42);
    group.bench_function("seek", |b| {
        b.iter(|| cursor.seek(&pager, random.below(ROWS) as i64, Seek::Eq));
    });
    group.throughput(Throughput::Elements(ROWS));
    group.bench_function("scan by row", |b| {
        let mut spill = Vec::new();
        b.iter(|| {
            let mut more = cursor.first(&pager).expect("our tree");
            while more {
                black_box(cursor.payload(&pager, &mut spill).expect("our tree"));
                more = cursor.next(&pager).expect("our tree");
            }
        });
    });
    group.bench_function("scan by leaf", |b| {
        b.iter(|| {
            let mut more = cursor.first(&pager).expect("our tree");
            while more {
                cursor.leaf().for_each(|row| drop(black_box(row)));
                more = cursor.next_leaf(&pager).expect("our tree");
            }
        });
    });
    group.bench_function("count", |b| b.iter(|| cursor.count(&pager)));
    group.finish();
}

fn table_changes(c: &mut Criterion) {
    let mut group = c.benchmark_group("table change");
    group.throughput(Throughput::Elements(ROWS)).sample_size(20);
    let prepare = || {
        let (mut pager, root) = filled_table();
        pager.begin_write().expect("a private database");
        (pager, root)
    };
    group.bench_function("replace at random", |b| {
        b.iter_batched(
            prepare,
            |(mut pager, root)| {
                let (mut cursor, mut random) = (TableCursor::new(root), Random(42));
                for _ in 0..ROWS {
                    cursor
                        .insert(&mut pager, random.below(ROWS) as i64, &PAYLOAD)
                        .expect("room");
                }
                pager
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("delete all in order", |b| {
        b.iter_batched(
            prepare,
            |(mut pager, root)| {
                let mut cursor = TableCursor::new(root);
                let mut more = cursor.first(&pager).expect("our tree");
                while more {
                    cursor.delete(&mut pager).expect("our tree");
                    more = cursor.next(&pager).expect("our tree");
                }
                pager
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn indexes(c: &mut Criterion) {
    let mut group = c.benchmark_group("index");
    let (pager, mut cursor) = filled_index();
    let mut random = Random(42);
    group.bench_function("seek text", |b| {
        b.iter_batched(
            || text_of(random.below(ROWS)),
            |text| cursor.seek(&pager, &[ValueRef::Text(text.as_bytes())], Seek::Eq),
            BatchSize::SmallInput,
        );
    });
    group.throughput(Throughput::Elements(ROWS)).sample_size(20);
    group.bench_function("scan by leaf", |b| {
        b.iter(|| {
            let mut more = cursor.first(&pager).expect("our tree");
            while more {
                cursor.leaf().for_each(|row| drop(black_box(row)));
                more = cursor.next_leaf(&pager).expect("our tree");
            }
        });
    });
    for (name, spread) in [("insert ascending", false), ("insert random", true)] {
        group.bench_function(name, |b| {
            b.iter_batched(
                || new_tree(TreeKind::Index),
                |(mut pager, root)| {
                    let mut cursor = IndexCursor::new(root, Arc::new(KeyOrder::binary(2)));
                    let (mut random, mut record) = (Random(42), Vec::new());
                    for number in 0..ROWS {
                        let key = if spread {
                            random.next() as i64
                        } else {
                            number as i64
                        };
                        record.clear();
                        record::encode(
                            &[ValueRef::Integer(key), ValueRef::Integer(number as i64)],
                            &mut record,
                        );
                        cursor.insert(&mut pager, &record).expect("room");
                    }
                    pager
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(
    benches,
    records,
    table_inserts,
    table_reads,
    table_changes,
    indexes
);
criterion_main!(benches);
