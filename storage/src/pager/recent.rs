//! What the last commit of this connection wrote, if it was little.
//!
//! Small commits one after the other change the same pages: the end of a table, the head of the file. With a log each commit puts a page in a
//! new place of the file, so the next change would have to read it through a part of the map that nobody has touched yet. Its buffer is at
//! hand; it is kept and given back for changing.
//!
//! - I1 a buffer holds what the page is in the newest snapshot of this connection as long as `token` is the pager's: nobody else has
//!   committed. It is given out once, so that what a transaction makes of it is not found here after a rollback.

use std::sync::Arc;

use super::overlay::Overlay;
use crate::format::PageNo;

/// More pages than this are not kept.
const PAGES_MAX: usize = 8;

/// Pages as the last commit left them.
#[derive(Debug, Default)]
pub(super) struct RecentPages {
    pages: Vec<(PageNo, Arc<[u8]>)>,
    token: u64,
}

impl RecentPages {
    /// Keeps what was committed just now, and forgets what was kept before.
    pub(super) fn keep(&mut self, committed: &Overlay, token: u64) {
        self.pages.clear();
        self.token = token;
        committed.lend_few(PAGES_MAX, &mut self.pages);
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.pages.clear();
    }

    /// The page, for changing. `token` is that of the snapshot.
    #[inline]
    pub(super) fn take(&mut self, page: PageNo, token: u64) -> Option<Arc<[u8]>> {
        if self.token != token {
            return None;
        }
        let at = self.pages.iter().position(|(kept, _)| *kept == page)?;
        Some(self.pages.swap_remove(at).1)
    }
}
