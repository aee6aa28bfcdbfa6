//! `freelist`, `ptrmap`, `overflow`: the chains and maps of a file, with their breaks.

use std::io::Write;

use super::inside::links;
use super::subject::{Subject, read};
use crate::cli::Target;
use crate::error::{Exit, Failure};
use crate::inspect::page::{PageView, word};
use crate::inspect::walk::{Layout, entry_words, map_place};
use crate::inspect::{Code, Finding, PageUse};
use crate::output::{Field, Part, Report};

/// Prints the trunks of the freelist and what they list.
///
/// # Errors
/// Those of opening and printing.
pub(super) fn freelist(target: &Target, out: &mut dyn Write) -> Result<Exit, Failure> {
    read(target, out, &mut |subject, out| {
        let layout = links(subject)?;
        let mut first = Vec::new();
        page(subject, 1, &mut first)?;
        let mut part = Part::new("trunks", &["page", "next", "leaves", "pages"]);
        let mut bytes = Vec::new();
        let mut trunk = word(&first, 32);
        // The walk has entered each trunk once, so there are no more than it counted.
        for _ in 0..layout.trunks {
            if !page(subject, trunk, &mut bytes)? {
                break;
            }
            let count = (word(&bytes, 4) as usize).min(bytes.len() / 4 - 2);
            let leaves: Vec<u32> = (0..count).map(|index| word(&bytes, 8 + 4 * index)).collect();
            let next = word(&bytes, 0);
            part.push(vec![
                Field::Number(i64::from(trunk)),
                Field::Number(i64::from(next)),
                Field::Count(count as u64),
                Field::List(ranges(leaves)),
            ]);
            trunk = next;
        }
        let mut report = Report::new("dbtool/freelist/1");
        report.fact("pages", Field::Count(layout.trunks + layout.free_pages));
        report.fact("pages_by_header", Field::Count(u64::from(word(&first, 36))));
        let bytes = (layout.trunks + layout.free_pages) * subject.image.page_size() as u64;
        report.fact("free_bytes", Field::Bytes(bytes));
        report.part(part);
        let breaks = [Code::FreelistLength, Code::FreelistLeafCount];
        let of_freelist = |finding: &Finding| {
            breaks.contains(&finding.code)
                || finding
                    .page
                    .is_some_and(|page| layout.notes.get(page).page_use == PageUse::FreelistTrunk)
                || finding.page == Some(1) && finding.offset == Some(32)
        };
        end(report, &layout, &of_freelist, subject, out)
    })
}

/// Prints the pointer map, and where it disagrees with the trees.
///
/// # Errors
/// Those of opening and printing.
pub(super) fn ptrmap(target: &Target, out: &mut dyn Write) -> Result<Exit, Failure> {
    read(target, out, &mut |subject, out| {
        let layout = links(subject)?;
        let mut part = Part::new(
            "entries",
            &["page", "type", "parent", "use", "object", "map_page", "offset"],
        );
        let (mut bytes, mut held) = (Vec::new(), 0);
        let mut first = Vec::new();
        page(subject, 1, &mut first)?;
        let has_map = word(&first, 52) != 0;
        for number in (3..=layout.page_count).filter(|_| has_map) {
            let Some((map, at)) = map_place(number, subject.image.page_size(), subject.image.usable_size())
            else {
                continue;
            };
            if held != map {
                page(subject, map, &mut bytes)?;
                held = map;
            }
            part.push(vec![
                Field::Number(i64::from(number)),
                entry_words(bytes.get(at).copied().unwrap_or(0)).into(),
                Field::Number(i64::from(word(&bytes, at + 1))),
                layout.notes.get(number).page_use.words().code.into(),
                layout
                    .owner_of(number)
                    .map_or(Field::Null, |owner| Field::text(&*owner.name)),
                Field::Number(i64::from(map)),
                Field::Number(at as i64),
            ]);
        }
        let mut report = Report::new("dbtool/ptrmap/1");
        report.fact("has_pointer_map", has_map);
        report.fact("entries_total", Field::Count(part.rows.len() as u64));
        report.part(part);
        let of_map = |finding: &Finding| {
            matches!(
                finding.code,
                Code::PointerMap | Code::PointerMapReferenced | Code::LargestRoot
            )
        };
        end(report, &layout, &of_map, subject, out)
    })
}

/// Prints the overflow chains.
///
/// # Errors
/// Those of opening and printing.
pub(super) fn overflow(target: &Target, out: &mut dyn Write) -> Result<Exit, Failure> {
    read(target, out, &mut |subject, out| {
        let layout = links(subject)?;
        let mut part = Part::new(
            "chains",
            &[
                "object",
                "page",
                "cell",
                "rowid",
                "payload_bytes",
                "length",
                "expected",
                "pages",
            ],
        );
        let mut bytes = Vec::new();
        for number in 1..=layout.page_count {
            let note = layout.notes.get(number);
            if !note.page_use.is_tree() || !page(subject, number, &mut bytes)? {
                continue;
            }
            let Ok(view) = PageView::read(number, &bytes, subject.image.usable_size()) else {
                continue;
            };
            for cell in view.cells.iter().filter(|cell| cell.overflow.is_some()) {
                let rest = cell.total - cell.local.len() as u64;
                let expected = rest.div_ceil(subject.image.usable_size() as u64 - 4);
                let pages = follow(subject, cell.overflow.unwrap_or(0), expected)?;
                part.push(vec![
                    layout
                        .owner_of(number)
                        .map_or(Field::Null, |owner| Field::text(&*owner.name)),
                    Field::Number(i64::from(number)),
                    Field::Number(cell.index as i64),
                    Field::number(cell.rowid),
                    Field::Bytes(cell.total),
                    Field::Count(pages.len() as u64),
                    Field::Count(expected),
                    Field::List(ranges(pages)),
                ]);
            }
        }
        let mut report = Report::new("dbtool/overflow/1");
        report.fact("chains_total", Field::Count(part.rows.len() as u64));
        report.part(part);
        let of_chain = |finding: &Finding| {
            finding.code == Code::OverflowLength
                || finding
                    .page
                    .is_some_and(|page| layout.notes.get(page).page_use == PageUse::Overflow)
        };
        end(report, &layout, &of_chain, subject, out)
    })
}

/// The pages of a chain, as many as it should have at most.
fn follow(subject: &Subject, first: u32, expected: u64) -> Result<Vec<u32>, Failure> {
    let (mut next, mut pages, mut bytes) = (first, Vec::new(), Vec::new());
    let most = expected.min(u64::from(subject.image.page_count()));
    while next != 0 && (pages.len() as u64) < most && page(subject, next, &mut bytes)? {
        pages.push(next);
        next = word(&bytes, 0);
    }
    Ok(pages)
}

fn page(subject: &Subject, number: u32, bytes: &mut Vec<u8>) -> Result<bool, Failure> {
    let read = subject.image.page(number, bytes);
    read.map_err(|error| Failure::cannot_open(subject.image.path(), error))
}

/// Adds the breaks and prints.
fn end(
    mut report: Report,
    layout: &Layout,
    concerns: &dyn Fn(&Finding) -> bool,
    subject: &Subject,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let breaks: Vec<Finding> = layout
        .findings
        .iter()
        .filter(|finding| concerns(finding))
        .cloned()
        .collect();
    if !breaks.is_empty() {
        report.part(super::check::findings_part(&breaks));
        report.complete = false;
    }
    report.print(&subject.style, out)?;
    Ok(if breaks.is_empty() {
        Exit::Done
    } else {
        Exit::Damaged
    })
}

/// Pages in their order, with runs as `3-7`.
fn ranges(pages: Vec<u32>) -> Vec<String> {
    let mut words = Vec::new();
    let mut pages = pages.into_iter().peekable();
    while let Some(first) = pages.next() {
        let mut last = first;
        while let Some(next) = pages.next_if(|page| Some(*page) == last.checked_add(1)) {
            last = next;
        }
        words.push(if last == first {
            first.to_string()
        } else {
            format!("{first}-{last}")
        });
    }
    words
}

#[cfg(test)]
mod tests {
    #[test]
    fn runs_are_short() {
        assert_eq!(
            super::ranges(vec![5, 6, 7, 3, 9, 8, u32::MAX]),
            ["5-7", "3", "9", "8", "4294967295"]
        );
    }
}
