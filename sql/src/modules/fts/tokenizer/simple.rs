//! `simple`: a word is a run of bytes that are no separator; ASCII letters are folded.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::{Token, TokenVisitor, Tokenizer, TokenizerFactory};
use crate::error::Result;

/// Makes simple tokenizers. The second argument, if there is one, holds the separators.
#[derive(Debug)]
pub(super) struct SimpleFactory;

impl TokenizerFactory for SimpleFactory {
    fn create(&self, arguments: &[Vec<u8>]) -> Option<Arc<dyn Tokenizer>> {
        let mut separators = [false; 128];
        match arguments.get(1) {
            Some(given) => {
                for &byte in given {
                    *separators.get_mut(usize::from(byte))? = true;
                }
            }
            None => {
                for byte in 1..128_u8 {
                    separators[usize::from(byte)] = !byte.is_ascii_alphanumeric();
                }
            }
        }
        Some(Arc::new(Simple { separators }))
    }
}

#[derive(Debug)]
struct Simple {
    separators: [bool; 128],
}

impl Tokenizer for Simple {
    fn tokenize(&self, text: &[u8], _language: i32, visit: &mut TokenVisitor<'_>) -> Result<()> {
        let separates = |byte: u8| self.separators.get(usize::from(byte)).is_some_and(|is| *is);
        let mut term = Vec::new();
        for_each_run(text, separates, |position, start, end| {
            term.clear();
            term.extend(text[start..end].iter().map(u8::to_ascii_lowercase));
            visit(Token {
                term: &term,
                start,
                end,
                position,
            })
        })
    }
}

/// Calls `visit` with number, start and end of each run of bytes that do not separate.
pub(super) fn for_each_run(
    text: &[u8],
    separates: impl Fn(u8) -> bool,
    mut visit: impl FnMut(usize, usize, usize) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut at = 0;
    let mut position = 0;
    while let Some(skipped) = text[at..].iter().position(|&byte| !separates(byte)) {
        let start = at + skipped;
        let length = text[start..].iter().position(|&byte| separates(byte));
        let end = length.map_or(text.len(), |length| start + length);
        if visit(position, start, end)?.is_break() {
            break;
        }
        position += 1;
        at = end;
    }
    Ok(())
}
