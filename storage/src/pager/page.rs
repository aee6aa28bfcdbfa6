//! A page as readers hold it: a cheap, shared, immutable view.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;

/// The whole of one page, reserved bytes included. Cloning shares; nothing is copied.
///
/// A clean page of a mapped file is a slice of the map: its bytes stay as they are for as long as the transaction
/// that read it holds its locks, so look at it within that transaction only. A dirty page is shared with the
/// pager; when the pager changes it again while this view lives, the pager works on a copy.
#[derive(Clone)]
pub struct Page(Inner);

#[derive(Clone)]
enum Inner {
    /// A part of a map. The map is shared whole: that is one count, where a slice of it would call through a table.
    Mapped {
        map: Arc<Bytes>,
        start: usize,
        len: u32,
    },
    Private(Arc<[u8]>),
}

impl Page {
    /// The part of `map` from `start` on, which the caller has checked to lie inside it.
    #[inline]
    pub(super) fn mapped(map: Arc<Bytes>, start: usize, len: u32) -> Page {
        debug_assert!(start + len as usize <= map.len());
        Page(Inner::Mapped { map, start, len })
    }

    pub(super) fn private(bytes: Arc<[u8]>) -> Page {
        Page(Inner::Private(bytes))
    }

    /// Whether it lies in a map of the file: nobody waits for it to be let go of.
    pub(crate) fn is_mapped(&self) -> bool {
        matches!(self.0, Inner::Mapped { .. })
    }
}

impl Deref for Page {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Inner::Mapped { map, start, len } => &map[*start..*start + *len as usize],
            Inner::Private(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Page({} bytes)", self.len())
    }
}
