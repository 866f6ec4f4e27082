//! Pictures to bytes and back: every common file format in, four out, with a text riding along.
//!
//! Bytes in, bytes out: files are opened and written elsewhere, so that everything here can be tested
//! and attacked without a disk. What comes in is hostile until shown otherwise: sizes are compared
//! with the caller's [`Limits`] before memory is taken. What goes out depends on the picture and the
//! options alone: same picture, same bytes.

mod alpha;
#[cfg(feature = "avif")]
mod avif;
mod decode;
mod encode;
mod error;
mod exr;
mod format;
mod frames;
mod quantise;
mod samples;
mod text;

pub use alpha::alpha_mask;
pub use decode::{Decoded, Limits, decode};
pub use encode::{Chroma, Depth, SaveOptions, encode};
pub use error::CodecError;
pub use format::{Format, sniff};
pub use frames::{Frames, decode_frames};
pub use quantise::Rounding;
pub use text::{embed_text, read_text};
