//! `length()`, which queries run over whole columns.

use super::text::with_bytes;
use super::{FunctionContext, ScalarFunction, ValueSink};
use crate::error::Result;
use crate::value::ValueRef;
use crate::value::utf8::{self, until_nul};

/// `length()`.
pub(super) struct Length;

impl ScalarFunction for Length {
    fn call(
        &self,
        _: &mut FunctionContext<'_>,
        args: &[ValueRef<'_>],
        out: &mut dyn ValueSink,
    ) -> Result<()> {
        if let ValueRef::Blob(bytes) = args[0] {
            out.integer(bytes.len() as i64);
            return Ok(());
        }
        with_bytes(args[0], out, |text, out| {
            out.integer(text_length(text));
            Ok(())
        })
    }

    fn integer_of_text(&self) -> Option<fn(&[u8]) -> i64> {
        Some(text_length)
    }
}

fn text_length(text: &[u8]) -> i64 {
    let length = match is_plain(text) {
        true => text.len(),
        false => utf8::count_groups(until_nul(text)),
    };
    length as i64
}

/// Whether all bytes are ASCII and none is NUL.
fn is_plain(text: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH_BITS: u64 = 0x80 * ONES;
    let (words, rest) = text.as_chunks::<8>();
    let mut odd = 0;
    for word in words {
        let word = u64::from_ne_bytes(*word);
        odd |= word | word.wrapping_sub(ONES);
    }
    odd & HIGH_BITS == 0 && rest.iter().all(|byte| (1..0x80).contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_plain_where_each_byte_is_a_character() {
        for len in 0..20 {
            let text = vec![b'a'; len];
            assert!(is_plain(&text));
            for at in 0..len {
                for (byte, plain) in [(0, false), (1, true), (0x7f, true), (0x80, false), (0xff, false)] {
                    let mut text = text.clone();
                    text[at] = byte;
                    assert_eq!(is_plain(&text), plain, "{byte} at {at} of {len}");
                }
            }
        }
    }
}
