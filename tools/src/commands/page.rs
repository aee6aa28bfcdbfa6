//! `page` and `cell`: one page byte by byte, one record value by value.

use std::io::Write;

use super::progress::walked_with;
use super::subject::{Subject, read};
use crate::cli::{Cell, Page};
use crate::error::{Exit, Failure};
use crate::inspect::image::PageSource;
use crate::inspect::page::PageView;
use crate::inspect::record::{OwnedValue, columns, payload, serial_words};
use crate::inspect::walk::{Layout, WalkOptions, entry_words};
use crate::inspect::{Code, Finding, PageUse};
use crate::output::{Field, Part, Report, Style};

/// Prints a page.
///
/// # Errors
/// A page that is not there, and those of reading.
pub(super) fn page(page: &Page, out: &mut dyn Write) -> Result<Exit, Failure> {
    read(&page.target, out, &mut |subject, out| {
        let bytes = page_bytes(subject, page.number)?;
        let layout = links(subject);
        let note = layout.notes.get(page.number);
        let mut report = Report::new("dbtool/page/1");
        report.fact("page", Field::Number(i64::from(page.number)));
        report.fact("use", note.page_use.words().code);
        report.fact(
            "owner",
            layout
                .owner_of(page.number)
                .map_or(Field::Null, |owner| Field::text(&*owner.name)),
        );
        report.fact("from", source_words(subject.image.source(page.number)));
        let view = PageView::read(page.number, &bytes, subject.image.usable_size());
        let is_tree =
            note.page_use.is_tree() || matches!(note.page_use, PageUse::Unreferenced | PageUse::Damaged);
        let mut letters = vec![b'.'; bytes.len()];
        let mut findings = Vec::new();
        match view {
            Ok(view) if is_tree => {
                tree_page(&view, &mut report);
                letters = view.byte_map(bytes.len());
                findings.extend(view.findings);
            }
            Err(finding) if is_tree => findings.push(finding),
            _ => other_page(note.page_use, &bytes, subject, &mut report),
        }
        if !findings.is_empty() {
            report.part(super::check::findings_part(&findings));
        }
        report.print(&subject.style, out)?;
        if page.hex && !subject.style.format.is_for_programs() {
            writeln!(out)?;
            hex_dump(&bytes, &letters, &subject.style, out)?;
        }
        Ok(if findings.is_empty() {
            Exit::Done
        } else {
            Exit::Damaged
        })
    })
}

/// Prints a cell.
///
/// # Errors
/// A cell that is not there or makes no sense, and those of reading.
pub(super) fn cell(cell: &Cell, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (number, index) = parse_address(&cell.address)?;
    read(&cell.target, out, &mut |subject, out| {
        let bytes = page_bytes(subject, number)?;
        let view = PageView::read(number, &bytes, subject.image.usable_size())
            .map_err(|finding| damage(&finding))?;
        let Some(found) = view.cells.iter().find(|cell| cell.index == index) else {
            let finding = view.findings.first().cloned();
            return Err(match finding {
                Some(finding) => damage(&finding),
                None => Failure::Usage(format!(
                    "page {number} has cells 0 to {}",
                    view.cell_count.saturating_sub(1)
                )),
            });
        };
        let mut report = Report::new("dbtool/cell/1");
        report.fact("page", Field::Number(i64::from(number)));
        report.fact("cell", Field::Number(index as i64));
        report.fact("offset", Field::Number(found.offset as i64));
        report.fact("bytes", Field::Bytes(found.size as u64));
        report.fact("child", Field::number(found.child));
        report.fact("rowid", Field::number(found.rowid));
        report.fact("payload_bytes", Field::Bytes(found.total));
        report.fact("local_bytes", Field::Bytes(found.local.len() as u64));
        report.fact("overflow_page", Field::number(found.overflow));
        let mut complete = true;
        if found.total > 0 {
            let record = payload(&subject.image, found, &bytes);
            complete = record.len() as u64 == found.total;
            let encoding = subject
                .image
                .header()
                .map_or(1, |header| header.encoding.number());
            let values = columns(&record, encoding).map_err(|what| {
                damage(
                    &Finding::new(Code::BadRecord, format!("the record of cell {index}: {what}")).on(number),
                )
            })?;
            let mut part = Part::new("values", &["column", "type", "offset", "bytes", "value"]);
            for (column, value) in values.iter().enumerate() {
                part.push(vec![
                    Field::Number(column as i64),
                    Field::Text(serial_words(value.serial)),
                    Field::Number(value.offset as i64),
                    Field::Bytes(value.len as u64),
                    value_field(&value.value),
                ]);
            }
            report.part(part);
        }
        report.complete = complete;
        report.print(&subject.style, out)?;
        Ok(if complete { Exit::Done } else { Exit::Damaged })
    })
}

fn damage(finding: &Finding) -> Failure {
    Failure::Damage(finding.to_string())
}

/// `N:i`.
fn parse_address(address: &str) -> Result<(u32, usize), Failure> {
    let parts = address.split_once(':');
    let parsed = parts.and_then(|(page, cell)| Some((page.parse().ok()?, cell.parse().ok()?)));
    parsed.ok_or_else(|| {
        Failure::Usage(format!(
            "{address} is no address of a cell: write PAGE:CELL, such as 7:0"
        ))
    })
}

fn page_bytes(subject: &Subject, number: u32) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let there = subject
        .image
        .page(number, &mut bytes)
        .map_err(|error| Failure::cannot_open(subject.image.path(), error))?;
    if there {
        return Ok(bytes);
    }
    let count = subject.image.page_count();
    Err(Failure::Usage(format!(
        "there is no page {number}: the database has pages 1 to {count}"
    )))
}

/// Who uses which page; the inside of pages is not looked at.
pub(super) fn links(subject: &Subject) -> Layout {
    let options = WalkOptions {
        inside: false,
        records: false,
        ..WalkOptions::default()
    };
    walked_with(subject, &options)
}

fn source_words(source: PageSource) -> String {
    match source {
        PageSource::File => "the file".to_owned(),
        PageSource::Journal(at) => format!("the journal, offset {at}"),
        PageSource::Log(at) => format!("the log, offset {at}"),
        PageSource::Nowhere => "nowhere: the file ends before it".to_owned(),
    }
}

fn tree_page(view: &PageView, report: &mut Report) {
    report.fact("header.kind", view.kind.page_use().words().code);
    report.fact("header.cells", Field::Count(view.cell_count as u64));
    report.fact(
        "header.first_freeblock",
        Field::Number(view.first_freeblock as i64),
    );
    report.fact("header.content_start", Field::Number(view.content_start as i64));
    report.fact("header.fragments", Field::Number(view.fragments as i64));
    report.fact("header.right_child", Field::number(view.right_child));
    report.fact("free_bytes", Field::Bytes(view.free_bytes() as u64));
    report.fact("fill", Field::Percent(f64::from(view.fill())));
    let mut part = Part::new(
        "cells",
        &[
            "cell",
            "offset",
            "bytes",
            "child",
            "rowid",
            "payload_bytes",
            "overflow_page",
        ],
    );
    for cell in &view.cells {
        part.push(vec![
            Field::Number(cell.index as i64),
            Field::Number(cell.offset as i64),
            Field::Bytes(cell.size as u64),
            Field::number(cell.child),
            Field::number(cell.rowid),
            Field::Bytes(cell.total),
            Field::number(cell.overflow),
        ]);
    }
    report.part(part);
    if !view.freeblocks.is_empty() {
        let mut part = Part::new("freeblocks", &["offset", "bytes"]);
        for (at, len) in &view.freeblocks {
            part.push(vec![Field::Number(*at as i64), Field::Bytes(*len as u64)]);
        }
        report.part(part);
    }
}

/// Pages of chains and of the pointer map.
fn other_page(page_use: PageUse, bytes: &[u8], subject: &Subject, report: &mut Report) {
    let word = |at| crate::inspect::page::word(bytes, at);
    match page_use {
        PageUse::Overflow => {
            report.fact("next", Field::Number(i64::from(word(0))));
            report.fact(
                "payload_bytes",
                Field::Bytes(subject.image.usable_size() as u64 - 4),
            );
        }
        PageUse::FreelistTrunk => {
            report.fact("next", Field::Number(i64::from(word(0))));
            let count = (word(4) as usize).min(bytes.len() / 4 - 2);
            let mut part = Part::new("leaves", &["page"]);
            (0..count).for_each(|index| part.push(vec![Field::Number(i64::from(word(8 + 4 * index)))]));
            report.part(part);
        }
        PageUse::PointerMap => {
            let mut part = Part::new("entries", &["offset", "type", "parent"]);
            for at in (0..subject.image.usable_size() / 5).map(|entry| entry * 5) {
                let kind = bytes.get(at).copied().unwrap_or(0);
                if kind != 0 {
                    let parent = Field::Number(i64::from(word(at + 1)));
                    part.push(vec![Field::Number(at as i64), entry_words(kind).into(), parent]);
                }
            }
            report.part(part);
        }
        _ => {}
    }
}

/// A value as a field.
pub(super) fn value_field(value: &OwnedValue) -> Field {
    match value {
        OwnedValue::Null => Field::text("NULL"),
        OwnedValue::Integer(v) => Field::text(v.to_string()),
        OwnedValue::Real(v) => Field::text(format!("{v:?}")),
        OwnedValue::Text(v) => Field::text(&**v),
        OwnedValue::Blob(v) => Field::Blob(v.clone()),
        OwnedValue::Missing => Field::text("(missing: the record ends before it)"),
    }
}

/// Sixteen bytes a line: as numbers, as what they are for, as characters.
fn hex_dump(bytes: &[u8], letters: &[u8], style: &Style, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(
        out,
        "H header  P cell pointers  C cell head  D payload  O overflow pointer  F freeblock  f fragment  R reserved"
    )?;
    for (line, (part, uses)) in bytes.chunks(16).zip(letters.chunks(16)).enumerate() {
        write!(out, "{:05x} ", line * 16)?;
        for (byte, letter) in part.iter().zip(uses) {
            write!(
                out,
                " {}",
                style.painted(&format!("{byte:02x}"), colour_of(*letter))
            )?;
        }
        let uses: String = uses.iter().map(|letter| char::from(*letter)).collect();
        let shown: String = part
            .iter()
            .map(|byte| {
                if byte.is_ascii_graphic() || *byte == b' ' {
                    char::from(*byte)
                } else {
                    '·'
                }
            })
            .collect();
        writeln!(out, "  {uses}  {shown}")?;
    }
    Ok(())
}

fn colour_of(letter: u8) -> &'static str {
    match letter {
        b'H' => "1;34",
        b'P' => "36",
        b'C' => "33",
        b'D' => "32",
        b'O' => "35",
        b'F' | b'f' => "90",
        b'R' => "31",
        _ => "2",
    }
}
