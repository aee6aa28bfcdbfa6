//! `json_patch`: RFC 7396 merge patches on JSONB.

use super::jsonb::{self, DEPTH_MAX, Element, Kind, push_element};
use super::path::{Entry, resize, same_label};
use super::text::malformed;
use crate::error::{Error, Result};

/// Applies `patch` to `target` in place.
pub(super) fn merge(target: &mut Vec<u8>, patch: &[u8]) -> Result<()> {
    merge_at(target, 0, patch, 0, 0).map(|_| ())
}

/// Merges the patch element at `patch_at` into the target element at `at`; returns how much the target grew. Recursion is bounded by `depth`.
fn merge_at(target: &mut Vec<u8>, at: usize, patch: &[u8], patch_at: usize, depth: usize) -> Result<isize> {
    let source = Element::at(patch, patch_at).ok_or_else(malformed)?;
    let old = Element::at(target, at).ok_or_else(malformed)?;
    if source.kind != Kind::Object {
        return Ok(jsonb::replace(
            target,
            at..old.end,
            &patch[source.start..source.end],
        ));
    }
    let mut grown = 0;
    if old.kind != Kind::Object {
        grown += jsonb::replace(target, old.payload..old.end, &[]);
        target[at] = target[at] & 0xf0 | Kind::Object as u8;
    }
    // The header of the target keeps its old size until all entries are in.
    let mut end = if old.kind == Kind::Object {
        old.end
    } else {
        old.payload
    };
    let mut patch_cursor = source.payload;
    while patch_cursor < source.end {
        let entry = Entry::at(patch, patch_cursor, source.end).ok_or_else(malformed)?;
        patch_cursor = entry.value.end;
        let change = merge_entry(target, old.payload, end, patch, &entry, depth)?;
        grown += change;
        end = end.saturating_add_signed(change);
    }
    if grown != 0 {
        grown += resize(target, at, grown);
    }
    Ok(grown)
}

/// Merges one entry into the object whose entries lie in `start..end`; returns how much they grew.
fn merge_entry(
    target: &mut Vec<u8>,
    start: usize,
    end: usize,
    patch: &[u8],
    entry: &Entry,
    depth: usize,
) -> Result<isize> {
    let removes = entry.value.kind == Kind::Null;
    match find_entry(target, start, end, patch, entry)? {
        Some(found) if removes => Ok(jsonb::replace(target, found.label.start..found.value.end, &[])),
        Some(found) => {
            check_depth(depth)?;
            merge_at(target, found.value.start, patch, entry.value.start, depth + 1)
        }
        None if removes => Ok(0),
        None if entry.value.kind == Kind::Object => {
            let mut added = patch[entry.label.start..entry.label.end].to_vec();
            let value_at = end + added.len();
            push_element(Kind::Null, b"", &mut added);
            let change = jsonb::replace(target, end..end, &added);
            check_depth(depth)?;
            Ok(change + merge_at(target, value_at, patch, entry.value.start, depth + 1)?)
        }
        None => Ok(jsonb::replace(
            target,
            end..end,
            &patch[entry.label.start..entry.value.end],
        )),
    }
}

fn check_depth(depth: usize) -> Result<()> {
    if depth >= DEPTH_MAX {
        Err(Error::sql("JSON nested too deep"))
    } else {
        Ok(())
    }
}

/// The entry of the target with the label of `wanted`.
fn find_entry(
    target: &[u8],
    start: usize,
    end: usize,
    patch: &[u8],
    wanted: &Entry,
) -> Result<Option<Entry>> {
    let (label, verbatim) = (wanted.label.bytes(patch), wanted.label.kind.is_verbatim());
    let mut at = start;
    while at < end {
        let entry = Entry::at(target, at, end).ok_or_else(malformed)?;
        if same_label(
            label,
            verbatim,
            entry.label.bytes(target),
            entry.label.kind.is_verbatim(),
        ) {
            return Ok(Some(entry));
        }
        at = entry.value.end;
    }
    Ok(None)
}
