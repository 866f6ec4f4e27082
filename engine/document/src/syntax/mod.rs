//! The text of RON as a tree that forgets nothing: names, order, comments, places.

mod cursor;
mod names;
mod number;
mod parser;
mod string;
pub(crate) mod tree;

pub(crate) use cursor::block_comment_len;
pub(crate) use parser::{parse_document, parse_lit};

/// How deep values may be nested.
pub(crate) const MAX_DEPTH: usize = 128;
/// How deep a value on its own may be nested, so that it fits into a document.
pub(crate) const MAX_LIT_DEPTH: usize = 64;
/// How large a document may be.
pub(crate) const MAX_BYTES: usize = 64 << 20;
/// How many values a document may hold; it bounds the memory that a small hostile text can ask for.
pub(crate) const MAX_VALUES: usize = 8_000_000;
/// How many problems are told at once.
pub(crate) const MAX_PROBLEMS: usize = 100;
