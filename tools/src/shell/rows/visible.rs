//! Control characters made visible on their way to a terminal, for formats that leave values as they are.

use std::io::{self, Write};

/// Passes bytes on; control characters but tabs and line ends, those of Unicode's second block too, become `\x1b`.
pub(super) struct Visible<W> {
    inner: W,
    /// The lead byte of a control character in two bytes was held back.
    held: bool,
}

impl<W: Write> Visible<W> {
    pub(super) fn new(inner: W) -> Self {
        Visible { inner, held: false }
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        const LEAD: u8 = 0xc2;
        if std::mem::take(&mut self.held) {
            if (0x80..0xa0).contains(&byte) {
                out.extend_from_slice(format!("\\u{{{byte:x}}}").as_bytes());
                return;
            }
            out.push(LEAD);
        }
        match byte {
            LEAD => self.held = true,
            b'\t' | b'\n' => out.push(byte),
            0..0x20 | 0x7f => out.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
            other => out.push(other),
        }
    }
}

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut out = Vec::with_capacity(bytes.len());
        for byte in bytes {
            self.byte(*byte, &mut out);
        }
        self.inner.write_all(&out)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_text_is_left_alone() {
        let mut out = Vec::new();
        let mut visible = Visible::new(&mut out);
        visible
            .write_all("caf\u{e9}\t\u{a3}\x1b[2J\u{9b}1m\r\n".as_bytes())
            .unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "caf\u{e9}\t\u{a3}\\x1b[2J\\u{9b}1m\\x0d\n"
        );
    }
}
