//! A needle agrees with the whole comparison, and finds what begins alike.

use super::*;
use crate::btree::edit::PageEdit;
use crate::btree::model::Random;
use crate::format::PageNo;
use crate::format::page::PageKind;

const NO: PageNo = PageNo::new(2).unwrap();

/// A leaf whose only entry is `record`.
fn page_of(record: &[u8]) -> Vec<u8> {
    page_with(&[record], 512)
}

fn page_with(records: &[&[u8]], size: usize) -> Vec<u8> {
    let limits = PayloadLimits::index(size);
    let mut page = vec![0; size];
    let mut edit = PageEdit::init(NO, &mut page, size, PageKind::IndexLeaf);
    for (at, record) in records.iter().enumerate() {
        let cell = edit.place(at, record.len() + 1, &limits).unwrap().unwrap();
        cell[0] = record.len() as u8;
        cell[1..].copy_from_slice(record);
    }
    page
}

/// Texts that begin alike, have zeros in them, or are longer than an entry's may be.
fn some_text(random: &mut Random) -> Vec<u8> {
    let mut text = b"ninety thousand nine hundred ninety"[..random.below(36)].to_vec();
    let more = random.below(24);
    text.extend((0..more).map(|_| b"\0n "[random.below(3)]));
    text
}

#[test]
fn what_begins_alike_is_found() {
    let mut random = Random::new(3);
    for round in 0..300 {
        let descending = round % 2 == 1;
        let column = KeyColumn {
            collation: Collation::Binary,
            descending,
        };
        let order = KeyOrder {
            columns: vec![column, KeyColumn::default()],
        };
        let mut texts: Vec<Vec<u8>> = (0..40).map(|_| some_text(&mut random)).collect();
        texts.extend_from_within(..10);
        texts.sort();
        if descending {
            texts.reverse();
        }
        let records: Vec<Vec<u8>> = texts
            .iter()
            .map(|text| {
                let mut record = Vec::new();
                let text = &text[..text.len().min(57)];
                record::encode(&[ValueRef::Text(text), ValueRef::Integer(5)], &mut record);
                record
            })
            .collect();
        let slices: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        let page = page_with(&slices, 8192);
        let page = PageRef::parse(NO, &page, 8192).unwrap();
        let limits = PayloadLimits::index(8192);
        for wanted in texts
            .iter()
            .cloned()
            .chain((0..40).map(|_| some_text(&mut random)))
        {
            let key = [ValueRef::Text(&wanted)];
            let count = |upper: bool| {
                let before = |record: &&&[u8]| match order.compare_record(record, &key).unwrap() {
                    Ordering::Equal => upper,
                    order => order == Ordering::Less,
                };
                slices.iter().filter(before).count()
            };
            for (bound, at) in [(Bound::Lower, count(false)), (Bound::Upper, count(true))] {
                let found = Needle::new(&order, &key, Some(bound)).narrow(&page, &limits, (0, slices.len()));
                assert_eq!((found.low, found.high), (at, at), "{wanted:?} {bound:?}");
                assert!(!found.met_equal || count(true) > count(false));
            }
            let needle = Needle::new(&order, &key, None);
            for (at, record) in slices.iter().enumerate() {
                let told = needle.order_of(&page, &limits, at);
                let whole = order.compare_record(record, &key).unwrap();
                assert_eq!(told, Some(whole).filter(|order| order.is_ne()), "{wanted:?}");
            }
        }
    }
}

fn cells(narrowed: Narrowed) -> (usize, usize) {
    (narrowed.low, narrowed.high)
}

#[test]
fn a_needle_agrees_with_the_whole_comparison() {
    use ValueRef::*;
    let samples = [
        Null,
        Integer(i64::MIN),
        Integer(-70_000),
        Integer(-1),
        Integer(0),
        Integer(1),
        Integer(2),
        Integer(127),
        Integer(128),
        Integer(1 << 40),
        Integer(i64::MAX),
        Real(-1.5),
        Real(2.0),
        Text(b""),
        Text(b"abcdefg"),
        Text(b"abcdefgh"),
        Text(b"abcdefghi"),
        Text(b"abcdefgi"),
        Text(b"abcdefghijklmno"),
        Text(b"abcdefghijklmnop"),
        Text(b"abcdefghijklmnopq"),
        Text(b"abcdefghijklmnoq"),
        Text(b"ABCDEFGH"),
        Text(&[b'x'; 90]),
        Blob(b"abcdefgh"),
    ];
    for collation in [Collation::Binary, Collation::NoCase] {
        for descending in [false, true] {
            let column = KeyColumn {
                collation: collation.clone(),
                descending,
            };
            let order = KeyOrder {
                columns: vec![column, KeyColumn::default()],
            };
            for stored in samples {
                for wanted in samples {
                    let mut entry = Vec::new();
                    record::encode(&[stored, Integer(5)], &mut entry);
                    let key = [wanted, Integer(7)];
                    let needle = Needle::new(&order, &key, None);
                    let mut wanted_record = Vec::new();
                    record::encode(&key, &mut wanted_record);
                    let of_record = Needle::of_record(&order, &wanted_record);
                    let mut page = page_of(&entry);
                    let narrow = |page: &[u8]| {
                        let page = PageRef::parse(NO, page, 512).unwrap();
                        cells(needle.narrow(&page, &PayloadLimits::index(512), (0, 1)))
                    };
                    let halved = match order.compare_record(&entry, &key).unwrap() {
                        Ordering::Less => (1, 1),
                        _ => (0, 0),
                    };
                    let narrowed = narrow(&page);
                    assert!(narrowed == (0, 1) || narrowed == halved, "{stored:?} {wanted:?}");
                    let view = PageRef::parse(NO, &page, 512).unwrap();
                    let narrowed = cells(of_record.narrow(&view, &PayloadLimits::index(512), (0, 1)));
                    assert!(narrowed == (0, 1) || narrowed == halved, "{stored:?} {wanted:?}");
                    // Changed anywhere it answers something, and reads nothing outside.
                    let cell = 512 - entry.len() - 1;
                    for at in (8..10).chain(cell..cell + 5) {
                        for mask in [0x01, 0x80, 0xff] {
                            page[at] ^= mask;
                            let _ = narrow(&page);
                            page[at] ^= mask;
                        }
                    }
                }
            }
        }
    }
}
