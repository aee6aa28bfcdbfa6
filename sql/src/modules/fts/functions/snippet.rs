//! `snippet(t, start, end, ellipsis, column, words)`: up to four pieces of the row's text with the words of the query marked.
//!
//! One piece is tried first, then two of half the words each, and so on, until every phrase that the row has is in one of them. The best
//! piece of a column is the one with the highest score: 1000 for each phrase that no piece before has, and one for each other hit.

use std::ops::ControlFlow;

use super::Call;
use crate::error::{Error, Result};
use crate::functions::ValueSink;
use crate::modules::fts::query::matches::Matches;
use crate::modules::fts::tokenizer::Token;
use crate::modules::fts::writing::{text_of, until_nul};
use crate::value::ValueRef;
use crate::value::number::integer_of;
use crate::virtual_table::VirtualContext;

/// Pieces at most.
const PIECES_MAX: usize = 4;
/// Words of a piece at most: one bit each in a mask.
const WORDS_MAX: i64 = 64;
const NEW_PHRASE_SCORE: u32 = 1000;

/// The function.
pub(super) fn snippet(
    call: &Call<'_, '_>,
    context: &mut VirtualContext<'_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    let text = |number: usize, default: &'static str| match call.arguments.get(number) {
        None => Ok(std::borrow::Cow::Borrowed(default.as_bytes())),
        Some(value) => text_of(*value).ok_or(Error::Coded {
            // SQLITE_NOMEM, which SQLite gives for NULL here
            code: 7,
            message: "out of memory".to_owned(),
            offset: None,
        }),
    };
    let number = |number: usize, default: i64| {
        let value = call.arguments.get(number).copied();
        // SQLite takes the low 32 bits.
        value.map_or(default, |value: ValueRef<'_>| i64::from(integer_of(value) as i32))
    };
    let marks = Marks {
        start: &text(1, "<b>")?,
        end: &text(2, "</b>")?,
        ellipsis: &text(3, "<b>...</b>")?,
    };
    let column = usize::try_from(number(4, -1)).ok();
    let words = number(5, 15).clamp(-WORDS_MAX, WORDS_MAX);
    let matches = if words == 0 { None } else { call.matches(context)? };
    let Some(matches) = matches else {
        out.text(b"");
        return Ok(());
    };
    let texts = call.texts(context)?;
    let (pieces, length) = choose_pieces(call, &matches, column, words);
    let mut answer = Vec::new();
    let last = pieces.len() - 1;
    for (number, piece) in pieces.iter().enumerate() {
        if let Some(Some(text)) = texts.get(piece.column) {
            let place = Part {
                length,
                is_first: number == 0,
                is_last: number == last,
            };
            append_piece(call, text, *piece, place, marks, &mut answer)?;
        }
    }
    // Where no piece has a text, SQLite's answer is not empty but missing.
    let has_text = pieces
        .iter()
        .any(|piece| matches!(texts.get(piece.column), Some(Some(_))));
    match has_text {
        true => out.text(&answer),
        false => out.null(),
    }
    Ok(())
}

/// What goes around words and pieces.
#[derive(Clone, Copy)]
struct Marks<'m> {
    start: &'m [u8],
    end: &'m [u8],
    ellipsis: &'m [u8],
}

/// Some words of a column.
#[derive(Clone, Copy, Default)]
struct Piece {
    column: usize,
    /// The first word.
    first: i64,
    /// Phrases that have a hit in it.
    covered: u64,
    /// Words to mark, from the first on.
    marked: u64,
}

/// How a piece stands among the others.
#[derive(Clone, Copy)]
struct Part {
    length: i64,
    is_first: bool,
    is_last: bool,
}

/// The pieces, and how many words each has.
fn choose_pieces(
    call: &Call<'_, '_>,
    matches: &Matches,
    column: Option<usize>,
    words: i64,
) -> (Vec<Piece>, i64) {
    let columns: Vec<usize> = (0..call.table.columns.len())
        .filter(|number| column.is_none_or(|column| column == *number))
        .collect();
    let hits: Vec<Vec<Hits>> = columns
        .iter()
        .map(|column| column_hits(call, matches, *column))
        .collect();
    let mut count = 1;
    loop {
        let length = match words {
            0.. => (words + count as i64 - 1) / count as i64,
            _ => -words,
        };
        let (mut covered, mut seen) = (0, 0);
        let mut pieces = Vec::with_capacity(count);
        for _ in 0..count {
            let mut best = Piece::default();
            let mut best_score = None;
            for (column, hits) in columns.iter().zip(&hits) {
                seen |= hits.iter().fold(0, |seen, hits| seen | hits.bit);
                let (piece, score) = best_piece(*column, hits, length, covered);
                if best_score.is_none_or(|best| score > best) {
                    (best, best_score) = (piece, Some(score));
                }
            }
            covered |= best.covered;
            pieces.push(best);
        }
        if seen == covered || count == PIECES_MAX {
            return (pieces, length);
        }
        count += 1;
    }
}

/// The places of a phrase in a column.
struct Hits {
    bit: u64,
    words: usize,
    positions: Vec<i64>,
}

fn column_hits(call: &Call<'_, '_>, matches: &Matches, column: usize) -> Vec<Hits> {
    let mut all = Vec::new();
    for (number, phrase) in matches.phrases.iter().enumerate() {
        let places = matches.places(number, call.handle.docid);
        let here = places.iter().filter(|place| place.0 as usize == column);
        let positions: Vec<i64> = here.map(|place| i64::from(place.1)).collect();
        if !positions.is_empty() {
            all.push(Hits {
                bit: 1 << (number % 64),
                words: phrase.words.len(),
                positions,
            });
        }
    }
    all
}

/// The first of the best pieces: the one that starts the column, or one that ends with a hit.
fn best_piece(column: usize, hits: &[Hits], length: i64, covered: u64) -> (Piece, u32) {
    let at_start = [0];
    let mut ends: Vec<i64> = hits.iter().flat_map(|hits| &hits.positions).copied().collect();
    ends.sort_unstable();
    ends.dedup();
    let behind_start = ends
        .into_iter()
        .filter(|end| *end >= length)
        .map(|end| end - length + 1);
    let mut best = Piece {
        column,
        ..Piece::default()
    };
    let mut best_score = None;
    for first in at_start.into_iter().chain(behind_start) {
        let (piece, score) = rate_piece(column, hits, first, length, covered);
        if best_score.is_none_or(|best| score > best) {
            (best, best_score) = (piece, Some(score));
        }
    }
    (best, best_score.unwrap_or(0))
}

fn rate_piece(column: usize, hits: &[Hits], first: i64, length: i64, covered: u64) -> (Piece, u32) {
    let mut piece = Piece {
        column,
        first,
        covered: 0,
        marked: 0,
    };
    let mut score = 0;
    for phrase in hits {
        let from = phrase.positions.partition_point(|position| *position < first);
        let inside = phrase.positions[from..]
            .iter()
            .take_while(|position| **position < first + length);
        for position in inside {
            let is_new = (piece.covered | covered) & phrase.bit == 0;
            score += if is_new { NEW_PHRASE_SCORE } else { 1 };
            piece.covered |= phrase.bit;
            let last = 1_u64 << (position - first);
            for back in 0..phrase.words.min(length as usize) {
                piece.marked |= last.checked_shr(back as u32).unwrap_or(0);
            }
        }
    }
    (piece, score)
}

/// Appends the text of a piece.
fn append_piece(
    call: &Call<'_, '_>,
    text: &[u8],
    mut piece: Piece,
    part: Part,
    marks: Marks<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let text = until_nul(text);
    let tokenizer = call.table.tokenizer.as_ref();
    let mut is_shifted = false;
    let mut end = 0;
    let mut is_complete = false;
    let visit = &mut |token: Token<'_>| {
        let position = token.position as i64;
        if position < piece.first {
            return Ok(ControlFlow::Continue(()));
        }
        if !is_shifted {
            is_shifted = true;
            center(
                call,
                &text[token.start.min(text.len())..],
                part.length,
                &mut piece,
            )?;
            if piece.first > 0 || !part.is_first {
                out.extend_from_slice(marks.ellipsis);
            } else {
                out.extend_from_slice(text.get(..token.start).unwrap_or_default());
            }
            if position < piece.first {
                return Ok(ControlFlow::Continue(()));
            }
        }
        if position >= piece.first + part.length {
            if part.is_last {
                out.extend_from_slice(marks.ellipsis);
            }
            is_complete = true;
            return Ok(ControlFlow::Break(()));
        }
        if position > piece.first {
            out.extend_from_slice(text.get(end..token.start).unwrap_or_default());
        }
        let is_marked = piece.marked >> (position - piece.first) & 1 == 1;
        if is_marked {
            out.extend_from_slice(marks.start);
        }
        out.extend_from_slice(text.get(token.start..token.end).unwrap_or_default());
        if is_marked {
            out.extend_from_slice(marks.end);
        }
        end = token.end;
        Ok(ControlFlow::Continue(()))
    };
    tokenizer.tokenize(text, call.language(), visit)?;
    if !is_complete {
        out.extend_from_slice(text.get(end..).unwrap_or_default());
    }
    Ok(())
}

/// Moves a piece so that the marked words are in its middle, if the text behind it is long enough.
fn center(call: &Call<'_, '_>, rest: &[u8], length: i64, piece: &mut Piece) -> Result<()> {
    if piece.marked == 0 {
        return Ok(());
    }
    let left = i64::from(piece.marked.trailing_zeros());
    let right = length - 1 - i64::from(63 - piece.marked.leading_zeros());
    let desired = (left - right) / 2;
    if desired <= 0 {
        return Ok(());
    }
    let mut last = 0;
    let mut is_enough = false;
    call.table
        .tokenizer
        .tokenize(rest, call.language(), &mut |token| {
            last = token.position as i64;
            is_enough = last >= length + desired;
            Ok(if is_enough {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
    let shift = i64::from(!is_enough) + last - length;
    if shift > 0 {
        piece.first += shift;
        piece.marked = piece.marked.checked_shr(shift as u32).unwrap_or(0);
    }
    Ok(())
}
