//! A text inside a picture file: the graph that made the picture travels with it.
//!
//! PNG holds it in an iTXt chunk before the picture data, JPEG in comment segments, WebP in its XMP
//! chunk, AVIF in an XMP `uuid` box at the end. Readers of these formats skip what they do not know,
//! so the picture itself is untouched, byte for byte.

mod boxes;
mod jpeg;
mod png;
pub(crate) mod riff;
mod xmp;

use crate::{
    error::CodecError,
    format::{Format, sniff},
};

/// No text longer than this is written or read (also the bound for what a compressed text may unfold to).
const MAX_TEXT: usize = 64 << 20;

/// The same file with `text` under `key` in it; a text under that key from before is replaced.
///
/// # Errors
/// When the bytes are not a file of that format, the key is not a name, or the format has no place for texts.
pub fn embed_text(bytes: &[u8], format: Format, key: &str, text: &str) -> Result<Vec<u8>, CodecError> {
    check_key(key)?;
    if text.len() > MAX_TEXT {
        return Err(CodecError::option("text", format!("at most {MAX_TEXT} bytes, not {}", text.len())));
    }
    let found = sniff(bytes)?;
    if found != format {
        return Err(CodecError::option("format", format!("{found}, which the bytes are, not {format}")));
    }
    match format {
        Format::Png => png::embed(bytes, key, text),
        Format::Jpeg => jpeg::embed(bytes, key, text),
        Format::WebP => riff::embed(bytes, key, text),
        Format::Avif => boxes::embed(bytes, key, text),
        _ => Err(CodecError::Text {
            format,
            remedy: "PNG, JPEG, WebP and AVIF have a place for it".to_owned(),
        }),
    }
}

/// The text under `key` in a picture file; `None` when there is none, or the format has no place for texts.
///
/// PNG's older text chunks are read too, so the graphs of other programs can be found by their keys.
///
/// # Errors
/// When the bytes are no picture, the file is damaged before the text is found, or the text itself is.
pub fn read_text(bytes: &[u8], key: &str) -> Result<Option<String>, CodecError> {
    check_key(key)?;
    match sniff(bytes)? {
        Format::Png => png::read(bytes, key),
        Format::Jpeg => jpeg::read(bytes, key),
        Format::WebP => riff::read(bytes, key),
        Format::Avif => boxes::read(bytes, key),
        _ => Ok(None),
    }
}

/// A key is a name that every container can spell.
fn check_key(key: &str) -> Result<(), CodecError> {
    let mut letters = key.bytes();
    let good = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-');
    if good && key.len() <= 79 {
        return Ok(());
    }
    Err(CodecError::option("key", "1 to 79 letters, digits, _ or -, starting with a letter"))
}

/// The number in four big-endian bytes at `at`.
fn be32(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_be_bytes(four.try_into().ok()?)).ok()
}

fn utf8(format: Format, bytes: Vec<u8>) -> Result<String, CodecError> {
    String::from_utf8(bytes).map_err(|_| CodecError::damaged(format, "its text is not UTF-8"))
}
