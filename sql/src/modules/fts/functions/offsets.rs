//! `offsets(t)`: where the words of the query are, as `column word byte length` for each.

use std::ops::ControlFlow;

use super::Call;
use crate::error::Result;
use crate::functions::ValueSink;
use crate::modules::fts::doclist::corrupt;
use crate::modules::fts::writing::until_nul;
use crate::virtual_table::VirtualContext;

/// The function.
pub(super) fn offsets(
    call: &Call<'_, '_>,
    context: &mut VirtualContext<'_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    let Some(matches) = call.matches(context)? else {
        out.text(b"");
        return Ok(());
    };
    let texts = call.texts(context)?;
    let places: Vec<_> = (0..matches.phrases.len())
        .map(|phrase| matches.places(phrase, call.handle.docid))
        .collect();
    let mut answer = String::new();
    for (column, text) in texts.iter().enumerate() {
        let Some(text) = text else { continue };
        // Words of the query by where they stand: position, then number of the word.
        let mut wanted = Vec::new();
        let mut first_word = 0;
        for (phrase, places) in matches.phrases.iter().zip(&places) {
            let length = phrase.words.len();
            for place in places.iter().filter(|place| place.0 as usize == column) {
                let last = i64::from(place.1);
                wanted.extend((0..length).map(|word| (last - (length - word - 1) as i64, first_word + word)));
            }
            first_word += length;
        }
        wanted.sort_unstable();
        let mut wanted = wanted.into_iter().peekable();
        let visit = &mut |token: crate::modules::fts::tokenizer::Token<'_>| {
            while let Some((_, word)) = wanted.next_if(|(position, _)| *position <= token.position as i64) {
                if !answer.is_empty() {
                    answer.push(' ');
                }
                answer.push_str(&format!(
                    "{column} {word} {} {}",
                    token.start,
                    token.end - token.start
                ));
            }
            Ok(match wanted.peek() {
                Some(_) => ControlFlow::Continue(()),
                None => ControlFlow::Break(()),
            })
        };
        call.table
            .tokenizer
            .tokenize(until_nul(text), call.language(), visit)?;
        if wanted.peek().is_some() && call.table.content.external.is_none() {
            return Err(corrupt());
        }
    }
    // Without a word SQLite's text is not empty but missing.
    match answer.is_empty() {
        true => out.null(),
        false => out.text(answer.as_bytes()),
    }
    Ok(())
}
