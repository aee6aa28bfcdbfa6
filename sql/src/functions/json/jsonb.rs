//! JSONB: the binary form that every JSON text is turned into before anything is done with it.
//!
//! ```text
//!   element = header payload          header: low 4 bits of the first byte = kind
//!                                             high 4 bits = payload size 0..=11, or 12, 13, 14, 15:
//!                                             the size follows big-endian in 1, 2, 4, 8 bytes
//!   kind 0 null   1 true   2 false    no payload
//!        3 integer   4 integer in JSON5's hexadecimal   5 real   6 real in JSON5's forms: their text
//!        7 text that needs no escapes   8 with JSON's escapes   9 with JSON5's   10 raw, to be escaped
//!        11 array: elements   12 object: label, value, label, value, ..
//! ```
//!
//! A blob may come from anywhere: sizes are checked whenever an element is read, and reading goes strictly forward.

/// The deepest nesting of arrays and objects.
pub(super) const DEPTH_MAX: usize = 1000;

/// What an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    True,
    False,
    Integer,
    Integer5,
    Real,
    Real5,
    Text,
    TextEscaped,
    Text5,
    TextRaw,
    Array,
    Object,
}

const KINDS: [Kind; 13] = [
    Kind::Null,
    Kind::True,
    Kind::False,
    Kind::Integer,
    Kind::Integer5,
    Kind::Real,
    Kind::Real5,
    Kind::Text,
    Kind::TextEscaped,
    Kind::Text5,
    Kind::TextRaw,
    Kind::Array,
    Kind::Object,
];

impl Kind {
    /// The name that `json_type` gives.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::True => "true",
            Kind::False => "false",
            Kind::Integer | Kind::Integer5 => "integer",
            Kind::Real | Kind::Real5 => "real",
            Kind::Text | Kind::TextEscaped | Kind::Text5 | Kind::TextRaw => "text",
            Kind::Array => "array",
            Kind::Object => "object",
        }
    }

    pub(super) fn is_text(self) -> bool {
        matches!(self, Kind::Text | Kind::TextEscaped | Kind::Text5 | Kind::TextRaw)
    }

    pub(super) fn is_container(self) -> bool {
        matches!(self, Kind::Array | Kind::Object)
    }

    /// Text whose bytes are the characters themselves.
    pub(super) fn is_verbatim(self) -> bool {
        matches!(self, Kind::Text | Kind::TextRaw)
    }
}

/// One element inside a blob.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    pub(super) kind: Kind,
    /// Where its header starts.
    pub(super) start: usize,
    /// Where its payload starts.
    pub(super) payload: usize,
    /// One past its payload.
    pub(super) end: usize,
}

impl Element {
    /// The element at `at`; `None` when its kind or size is not possible there.
    pub(super) fn at(blob: &[u8], at: usize) -> Option<Element> {
        let first = *blob.get(at)?;
        let kind = *KINDS.get(usize::from(first & 15))?;
        let wide = |bytes: usize| {
            let size = blob.get(at + 1..at + 1 + bytes)?;
            let value = size
                .iter()
                .fold(0u64, |value, byte| value << 8 | u64::from(*byte));
            Some((usize::try_from(value).ok()?, bytes + 1))
        };
        let (size, header) = match first >> 4 {
            small @ 0..=11 => (usize::from(small), 1),
            12 => wide(1)?,
            13 => wide(2)?,
            14 => wide(4)?,
            _ => wide(8)?,
        };
        let payload = at + header;
        let end = payload.checked_add(size).filter(|end| *end <= blob.len())?;
        Some(Element {
            kind,
            start: at,
            payload,
            end,
        })
    }

    pub(super) fn bytes<'a>(&self, blob: &'a [u8]) -> &'a [u8] {
        &blob[self.payload..self.end]
    }
}

/// Whether a blob is taken for JSONB: its outermost element fits it exactly. Blobs that could also be short JSON texts are checked to the bottom.
pub(super) fn looks_like_jsonb(blob: &[u8]) -> bool {
    let Some(element) = Element::at(blob, 0) else {
        return false;
    };
    let size = element.end - element.payload;
    let bare = matches!(element.kind, Kind::Null | Kind::True | Kind::False);
    if element.end != blob.len() || (bare && size != 0) {
        return false;
    }
    let could_be_text = matches!(blob[0], b'{' | b'[' | b'0'..=b'9');
    size > 7 || !could_be_text || super::validity::first_error(blob).is_none()
}

/// Bytes that the size of a payload takes after the first byte of a header.
fn size_bytes(size: usize) -> usize {
    match size {
        0..=11 => 0,
        12..=0xff => 1,
        0x100..=0xffff => 2,
        _ => 4,
    }
}

/// Appends the shortest header for a payload of `size` bytes.
#[inline]
pub(super) fn push_header(kind: Kind, size: usize, out: &mut Vec<u8>) {
    if size <= 11 {
        out.push(kind as u8 | (size as u8) << 4);
        return;
    }
    let bytes = size_bytes(size);
    out.push(header_byte(kind as u8, size, bytes));
    out.extend_from_slice(&(size as u64).to_be_bytes()[8 - bytes..]);
}

fn header_byte(kind: u8, size: usize, size_bytes: usize) -> u8 {
    kind | match size_bytes {
        0 => (size as u8) << 4,
        1 => 0xc0,
        2 => 0xd0,
        4 => 0xe0,
        _ => 0xf0,
    }
}

/// Appends an element.
pub(super) fn push_element(kind: Kind, payload: &[u8], out: &mut Vec<u8>) {
    push_header(kind, payload.len(), out);
    out.extend_from_slice(payload);
}

/// Gives the element at `at` a payload size, and its header the shortest form. Returns how many bytes the blob grew or shrank by.
pub(super) fn set_size(blob: &mut Vec<u8>, at: usize, size: usize) -> isize {
    let old = match blob[at] >> 4 {
        0..=11 => 0,
        12 => 1,
        13 => 2,
        14 => 4,
        _ => 8,
    };
    let new = size_bytes(size);
    blob[at] = header_byte(blob[at] & 15, size, new);
    let digits = (size as u64).to_be_bytes();
    resize_range(blob, at + 1..at + 1 + old, new);
    blob[at + 1..at + 1 + new].copy_from_slice(&digits[8 - new..]);
    new as isize - old as isize
}

/// Makes the bytes of `range` `length` bytes long by moving what is behind them.
fn resize_range(blob: &mut Vec<u8>, range: std::ops::Range<usize>, length: usize) {
    let (old_end, new_end, total) = (range.end, range.start + length, blob.len());
    if new_end > old_end {
        blob.resize(total + (new_end - old_end), 0);
    }
    if new_end != old_end {
        blob.copy_within(old_end..total, new_end);
        blob.truncate(total - old_end + new_end);
    }
}

/// Replaces the bytes of `range` and returns the change in length. New content that is a little shorter than the old gets a longer header
/// instead where that fits exactly: nothing behind it moves.
pub(super) fn replace(blob: &mut Vec<u8>, range: std::ops::Range<usize>, content: &[u8]) -> isize {
    if let Some(missing) = range.len().checked_sub(content.len())
        && (1..=8).contains(&missing)
        && let Some(header) = widened_header(content, missing)
    {
        let old_header = header.len() - missing;
        blob[range.start..range.start + header.len()].copy_from_slice(&header);
        blob[range.start + header.len()..range.end].copy_from_slice(&content[old_header..]);
        return 0;
    }
    let (start, change) = (range.start, content.len() as isize - range.len() as isize);
    resize_range(blob, range, content.len());
    blob[start..start + content.len()].copy_from_slice(content);
    change
}

/// The header of the element `content`, `more` bytes longer than it is.
fn widened_header(content: &[u8], more: usize) -> Option<Vec<u8>> {
    let element = Element::at(content, 0)?;
    if matches!(element.kind, Kind::Null | Kind::True | Kind::False) {
        return None;
    }
    let size_bytes = element.payload - 1 + more;
    if !matches!(size_bytes, 1 | 2 | 4 | 8) {
        return None;
    }
    let size = element.end - element.payload;
    let mut header = vec![header_byte(element.kind as u8, size, size_bytes)];
    header.extend_from_slice(&(size as u64).to_be_bytes()[8 - size_bytes..]);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_grow_and_shrink() {
        let mut blob = Vec::new();
        push_element(Kind::Text, &[b'x'; 11], &mut blob);
        assert_eq!(blob[0], 0xb7);
        assert_eq!(set_size(&mut blob, 0, 300), 2);
        assert_eq!(&blob[..3], [0xd7, 1, 44]);
        assert_eq!(set_size(&mut blob, 0, 11), -2);
        let element = Element::at(&blob, 0).unwrap();
        assert_eq!((element.kind, element.payload, element.end), (Kind::Text, 1, 12));
    }

    #[test]
    fn hostile_sizes_are_refused() {
        assert!(Element::at(&[0xf7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 0).is_none());
        assert!(Element::at(&[0xc7], 0).is_none());
        assert!(Element::at(&[0x0d], 0).is_none());
        assert!(Element::at(&[0x27, b'a'], 0).is_none());
        assert!(Element::at(&[], 0).is_none());
    }
}
