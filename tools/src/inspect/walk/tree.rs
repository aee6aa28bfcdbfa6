//! A tree, from its root to its overflow pages.

use super::{Owner, Walk};
use crate::inspect::finding::Finding;
use crate::inspect::page::{CellView, PageView};
use crate::inspect::record::header_fault;
use crate::inspect::vocabulary::{Code, PageUse};

/// Deeper than any tree that SQLite makes or reads.
const DEPTH_MAX: u8 = 20;

/// Whether the rows of a tree have ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TreeKind {
    Table,
    Index,
    /// As its root says: the schema does not.
    Unknown,
}

/// A page that is to be visited.
struct Visit {
    page: u32,
    /// Where the pointer to it is.
    from: u32,
    offset: usize,
    depth: u8,
    /// Row ids are above this and not above that.
    above: Option<i64>,
    up_to: Option<i64>,
}

/// What holds for the tree while it is walked.
struct TreeState {
    owner: u32,
    is_table: Option<bool>,
    leaf_depth: Option<u8>,
    last_leaf: u32,
}

/// Gets each row of a table that is walked: its row id, the cell and the page.
pub(super) type EachRow<'e> = dyn FnMut(&CellView, &PageView, &[u8]) + 'e;

impl Walk<'_> {
    /// Walks a tree, whose owner is the one with number `owner`.
    pub(super) fn tree(
        &mut self,
        owner: u32,
        root: u32,
        kind: TreeKind,
        from: (u32, usize),
        each: &mut EachRow<'_>,
    ) {
        let mut state = TreeState {
            owner,
            is_table: match kind {
                TreeKind::Table => Some(true),
                TreeKind::Index => Some(false),
                TreeKind::Unknown => None,
            },
            leaf_depth: None,
            last_leaf: 0,
        };
        let mut visits = vec![Visit {
            page: root,
            from: from.0,
            offset: from.1,
            depth: 1,
            above: None,
            up_to: None,
        }];
        let mut bytes = Vec::new();
        while let Some(visit) = visits.pop() {
            if !self.claim(visit.page, PageUse::Damaged, owner, visit.from, visit.offset) {
                continue;
            }
            let (entry, parent) = if visit.depth == 1 { (1, 0) } else { (5, visit.from) };
            self.map_entry(visit.page, entry, parent);
            if self.read(visit.page, &mut bytes) {
                self.visit(&visit, &bytes, &mut state, &mut visits, each);
            }
        }
    }

    fn visit(
        &mut self,
        visit: &Visit,
        bytes: &[u8],
        state: &mut TreeState,
        visits: &mut Vec<Visit>,
        each: &mut EachRow<'_>,
    ) {
        let name = self.owner_name(state.owner);
        let mut view = match PageView::read(visit.page, bytes, self.usable) {
            Ok(view) => view,
            Err(finding) => return self.find(finding.of(name.as_deref())),
        };
        if state
            .is_table
            .is_some_and(|is_table| is_table != view.kind.is_table())
        {
            let words = view.kind.page_use().words().words;
            let message = format!("a page of the wrong kind ({words}) in this tree");
            let finding = Finding::new(Code::WrongKind, message)
                .on(visit.page)
                .at(view.start);
            return self.find(finding.of(name.as_deref()).values(
                if view.kind.is_table() { 10 } else { 13 },
                bytes.get(view.start).copied().unwrap_or(0),
            ));
        }
        state.is_table = Some(view.kind.is_table());
        if let Some(note) = self.layout.notes.entry(visit.page) {
            (note.page_use, note.fill, note.depth) = (view.kind.page_use(), view.fill(), visit.depth);
        }
        if self.options.inside {
            for finding in view.findings.drain(..) {
                self.find(finding.of(name.as_deref()));
            }
        }
        self.shape(visit, &view, state, name.as_deref());
        self.count(&view, state);
        if view.kind.is_table() && self.options.inside {
            self.rowids(visit, &view, name.as_deref());
        }
        for cell in &view.cells {
            if self.options.records
                && (view.kind.is_leaf() || !view.kind.is_table())
                && let Some(what) = header_fault(cell, bytes)
            {
                let message = format!("the record of cell {}: {what}", cell.index);
                let finding = Finding::new(Code::BadRecord, message)
                    .on(visit.page)
                    .at(cell.offset);
                self.find(finding.of(name.as_deref()));
            }
            self.overflow(cell, visit.page, state.owner);
            if view.kind.is_leaf() {
                each(cell, &view, bytes);
            }
        }
        self.push_children(visit, &view, visits);
    }

    /// Depth, and leaves that hold nothing.
    fn shape(&mut self, visit: &Visit, view: &PageView, state: &mut TreeState, name: Option<&str>) {
        if !view.kind.is_leaf() {
            return;
        }
        let expected = *state.leaf_depth.get_or_insert(visit.depth);
        if expected != visit.depth {
            let message = format!(
                "a leaf at level {}, others of this tree are at level {expected}",
                visit.depth
            );
            let finding = Finding::new(Code::ChildDepthDiffers, message).on(visit.page);
            self.find(finding.of(name).values(expected, visit.depth));
        }
        if view.cell_count == 0 && visit.depth > 1 && self.options.inside {
            let finding =
                Finding::new(Code::EmptyLeaf, "a leaf without cells below an interior page").on(visit.page);
            self.find(finding.of(name));
        }
        let is_gap = state.last_leaf != 0 && visit.page != state.last_leaf + 1;
        state.last_leaf = visit.page;
        if is_gap && let Some(tally) = self.tally(state.owner) {
            tally.gaps += 1;
        }
    }

    fn count(&mut self, view: &PageView, state: &TreeState) {
        let is_table_interior = view.kind.is_table() && !view.kind.is_leaf();
        let depth = self.layout.notes.get(view.number).depth;
        let Some(tally) = self.tally(state.owner) else {
            return;
        };
        tally.depth = tally.depth.max(depth);
        tally.fragment_bytes += view.fragments as u64;
        if view.kind.is_leaf() {
            tally.leaf_pages += 1;
            tally.leaf_unused += view.free_bytes() as u64;
        } else {
            tally.interior_pages += 1;
            tally.interior_unused += view.free_bytes() as u64;
        }
        if is_table_interior {
            return;
        }
        tally.entries += view.cells.len() as u64;
        for cell in &view.cells {
            tally.payload_bytes += cell.total;
            tally.payload_max = tally.payload_max.max(cell.total);
            tally.entries_with_overflow += u64::from(cell.overflow.is_some());
        }
    }

    /// Row ids rise, and stay within what the pages above say.
    fn rowids(&mut self, visit: &Visit, view: &PageView, name: Option<&str>) {
        let mut last = None;
        for cell in &view.cells {
            let Some(rowid) = cell.rowid else { continue };
            if let Some(last) = last.filter(|last| rowid <= *last) {
                let message = format!("row id {rowid} of cell {} is not above {last}", cell.index);
                let finding = Finding::new(Code::RowidOutOfOrder, message)
                    .on(visit.page)
                    .at(cell.offset);
                self.find(finding.of(name).values(last, rowid));
            } else if visit.above.is_some_and(|above| rowid <= above)
                || visit.up_to.is_some_and(|up_to| rowid > up_to)
            {
                let message = format!(
                    "row id {rowid} of cell {} is not between those of the page above",
                    cell.index
                );
                let bound = visit
                    .above
                    .filter(|above| rowid <= *above)
                    .or(visit.up_to)
                    .unwrap_or(0);
                let finding = Finding::new(Code::RowidOutOfRange, message)
                    .on(visit.page)
                    .at(cell.offset);
                self.find(finding.of(name).values(bound, rowid));
            }
            last = Some(rowid);
        }
    }

    /// Children come off the stack from left to right.
    fn push_children(&mut self, visit: &Visit, view: &PageView, visits: &mut Vec<Visit>) {
        if view.kind.is_leaf() {
            return;
        }
        if visit.depth >= DEPTH_MAX {
            let finding = Finding::new(
                Code::TooDeep,
                "the tree goes on below the deepest level there can be",
            );
            return self.find(finding.on(visit.page).values(DEPTH_MAX, visit.depth + 1));
        }
        let start = visits.len();
        let mut above = visit.above;
        for cell in &view.cells {
            let up_to = cell.rowid.or(visit.up_to);
            if let Some(child) = cell.child {
                visits.push(Visit {
                    page: child,
                    from: visit.page,
                    offset: cell.offset,
                    depth: visit.depth + 1,
                    above,
                    up_to,
                });
            }
            above = cell.rowid.or(above);
        }
        if let Some(child) = view.right_child {
            visits.push(Visit {
                page: child,
                from: visit.page,
                offset: view.start + 8,
                depth: visit.depth + 1,
                above,
                up_to: visit.up_to,
            });
        }
        if let Some(new) = visits.get_mut(start..) {
            new.reverse();
        }
    }

    /// Makes an owner; its number.
    pub(super) fn own(&mut self, name: &str, kind: &'static str, table: &str, root: u32) -> u32 {
        self.layout.owners.push(Owner {
            name: name.to_owned(),
            kind,
            table: table.to_owned(),
            root,
            ..Owner::default()
        });
        self.layout.owners.len() as u32
    }
}
