//! `space`: where the bytes of a file are, tree by tree, and what VACUUM would give back.

use std::io::Write;

use super::progress::walked_with;
use super::subject::{Subject, read};
use crate::cli::Target;
use crate::error::{Exit, Failure};
use crate::inspect::walk::{Layout, TreeTally, WalkOptions};
use crate::output::{Field, Format, Part, Report};

/// Prints the use of space.
///
/// # Errors
/// Those of opening and printing.
pub(super) fn space(target: &Target, out: &mut dyn Write) -> Result<Exit, Failure> {
    read(target, out, &mut |subject, out| {
        let layout = walked(subject);
        let page_size = subject.image.page_size() as u64;
        let bytes = |pages: u64| Field::Bytes(pages * page_size);
        let trees: u64 = layout.owners.iter().map(|owner| owner.tally.pages()).sum();
        let free = layout.trunks + layout.free_pages;
        let all = u64::from(layout.page_count);
        let mut report = Report::new("dbtool/space/1");
        report.fact("pages", Field::Count(all));
        report.fact("page_size", Field::Count(page_size));
        report.fact("total_bytes", bytes(all));
        report.fact("tree_bytes", bytes(trees));
        report.fact("free_bytes", bytes(free));
        report.fact("unreferenced_bytes", bytes(layout.lost_pages));
        report.fact(
            "other_bytes",
            bytes(all.saturating_sub(trees + free + layout.lost_pages)),
        );
        let packed: u64 = layout
            .owners
            .iter()
            .map(|owner| packed_pages(&owner.tally, subject.image.usable_size()))
            .sum();
        report.fact("vacuum_returns_bytes", bytes(all.saturating_sub(packed)));
        report.part(objects(&layout, page_size));
        report.complete = layout.findings.is_empty();
        report.note("vacuum returns about so much: trees packed as VACUUM packs them, no free pages");
        if subject.style.format == Format::Sql {
            writeln!(out, "{TABLE}")?;
        }
        report.print(&subject.style, out)?;
        Ok(if layout.findings.is_empty() {
            Exit::Done
        } else {
            Exit::Damaged
        })
    })
}

/// The table that the rows of the format `sql` go into.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS space(object TEXT, kind TEXT, \"table\" TEXT, root_page INT, entries INT, depth INT, pages INT, bytes INT, \
    payload_bytes INT, unused_bytes INT, fill REAL, interior_pages INT, leaf_pages INT, overflow_pages INT, overflow_entries INT, payload_max INT, gaps INT, \
    fragment_bytes INT);";

/// A walk with a progress bar.
pub(super) fn walked(subject: &Subject) -> Layout {
    walked_with(subject, &WalkOptions::default())
}

/// How full the pages of a tree are, of a hundred.
pub(super) fn fill(tally: &TreeTally, page_size: u64) -> f64 {
    let room = (tally.pages() * page_size).max(1);
    100.0 - (tally.unused().min(room) * 1000 / room) as f64 / 10.0
}

/// Pages that the tree would need if no page had room left but what VACUUM leaves: overflow chains stay as they are.
fn packed_pages(tally: &TreeTally, usable: usize) -> u64 {
    let usable = usable as u64;
    let taken = (tally.leaf_pages * usable).saturating_sub(tally.leaf_unused);
    let leaves = taken.div_ceil(usable).max(1).min(tally.leaf_pages.max(1));
    let fan_out = (tally.leaf_pages / tally.interior_pages.max(1)).max(2);
    let interior = if leaves > 1 {
        leaves.div_ceil(fan_out).min(tally.interior_pages)
    } else {
        0
    };
    leaves + interior + tally.overflow_pages
}

fn objects(layout: &Layout, page_size: u64) -> Part {
    let mut part = Part::new(
        "objects",
        &[
            "object",
            "kind",
            "table",
            "root_page",
            "entries",
            "depth",
            "pages",
            "bytes",
            "payload_bytes",
            "unused_bytes",
            "fill",
            "interior_pages",
            "leaf_pages",
            "overflow_pages",
            "overflow_entries",
            "payload_max",
            "gaps",
            "fragment_bytes",
        ],
    );
    let mut owners: Vec<_> = layout.owners.iter().collect();
    owners.sort_by_key(|owner| std::cmp::Reverse(owner.tally.pages()));
    for owner in owners {
        let tally = &owner.tally;
        part.push(vec![
            Field::text(&*owner.name),
            owner.kind.into(),
            Field::text(&*owner.table),
            Field::Number(i64::from(owner.root)),
            Field::Count(tally.entries),
            Field::Count(u64::from(tally.depth)),
            Field::Count(tally.pages()),
            Field::Bytes(tally.pages() * page_size),
            Field::Bytes(tally.payload_bytes),
            Field::Bytes(tally.unused()),
            Field::Percent(fill(tally, page_size)),
            Field::Count(tally.interior_pages),
            Field::Count(tally.leaf_pages),
            Field::Count(tally.overflow_pages),
            Field::Count(tally.entries_with_overflow),
            Field::Bytes(tally.payload_max),
            Field::Count(tally.gaps),
            Field::Bytes(tally.fragment_bytes),
        ]);
    }
    part
}
