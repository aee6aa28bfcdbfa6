//! Segments: sorted, immutable lists of words with their doclists, kept as small B+trees in blocks.
//!
//! ```text
//! leaf      0   length term  length doclist   prefix length suffix  length doclist ..
//! interior  h   leftmost-child   length term   prefix length suffix ..     (children are numbered on from the leftmost)
//! ```
//!
//! `h` is the height: 1 above the leaves. All numbers are varints; a term shares its first `prefix` bytes with the one before. A key of an interior node is
//! greater than all terms left of it and not greater than any to its right. Leaves of a segment are consecutive blocks, then come the
//! interior nodes level by level; the root is in %_segdir. A segment of one leaf has that as its root.
//!
//! Writes make small segments on level 0. When a level has 16, they become one on the next level. Where several segments have a row of a
//! word, the newest one is right: the higher idx on the lower level.
//!
//! | module | what it does |
//! |---|---|
//! | `node` | reads and appends entries of nodes |
//! | `reader` | goes through a segment word by word, from any word on |
//! | `merge` | goes through several at once, with one doclist for each word |
//! | `writer` | makes a segment of words that come in order |
//! | `incremental` | merges a level in small steps |

pub(super) mod incremental;
pub(super) mod merge;
pub(super) mod node;
pub(super) mod reader;
pub(super) mod writer;
