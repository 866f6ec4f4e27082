//! Texts in PNG chunks.

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::{MAX_TEXT, be32, utf8};
use crate::{error::CodecError, format::Format};

const SIGNATURE: usize = 8;

/// A chunk: its type, its contents, and where it lies with length, type and checksum.
struct Chunk<'a> {
    kind: &'a [u8],
    data: &'a [u8],
    start: usize,
    end: usize,
}

impl Chunk<'_> {
    fn is_sound(&self, bytes: &[u8]) -> bool {
        let crc = crc32fast::hash(&bytes[self.start + 4..self.end - 4]);
        be32(bytes, self.end - 4) == usize::try_from(crc).ok()
    }
}

fn chunk(bytes: &[u8], start: usize) -> Result<Chunk<'_>, CodecError> {
    let cut = || CodecError::damaged(Format::Png, "a chunk is cut short");
    let len = be32(bytes, start).ok_or_else(cut)?;
    let end = start.checked_add(12).and_then(|v| v.checked_add(len)).ok_or_else(cut)?;
    let body = bytes.get(start + 4..end - 4).ok_or_else(cut)?;
    if end > bytes.len() {
        return Err(cut());
    }
    Ok(Chunk { kind: &body[..4], data: &body[4..], start, end })
}

pub(super) fn embed(bytes: &[u8], key: &str, text: &str) -> Result<Vec<u8>, CodecError> {
    if text.contains('\0') {
        return Err(CodecError::Text {
            format: Format::Png,
            remedy: "take the zero characters out".to_owned(),
        });
    }
    let mut out = Vec::with_capacity(bytes.len() + text.len() + key.len() + 32);
    out.extend_from_slice(&bytes[..SIGNATURE]);
    let mut at = SIGNATURE;
    let mut written = false;
    loop {
        let this = chunk(bytes, at)?;
        if this.kind == b"IDAT" && !written {
            write(&mut out, key, text);
            written = true;
        }
        let old = matches!(this.kind, b"iTXt" | b"tEXt" | b"zTXt")
            && this.data.strip_prefix(key.as_bytes()).is_some_and(|rest| rest.first() == Some(&0));
        if !old {
            out.extend_from_slice(&bytes[this.start..this.end]);
        }
        at = this.end;
        if this.kind == b"IEND" {
            break;
        }
    }
    if written { Ok(out) } else { Err(CodecError::damaged(Format::Png, "it has no picture data")) }
}

fn write(out: &mut Vec<u8>, key: &str, text: &str) {
    // Keyword, end, not compressed, method, no language, no translated keyword, text.
    let mut body = b"iTXt".to_vec();
    body.extend_from_slice(key.as_bytes());
    body.extend_from_slice(&[0, 0, 0, 0, 0]);
    body.extend_from_slice(text.as_bytes());
    // Texts are far below the 2 GiB a chunk may hold.
    out.extend_from_slice(&u32::try_from(body.len() - 4).unwrap_or(0).to_be_bytes());
    out.extend_from_slice(&body);
    out.extend_from_slice(&crc32fast::hash(&body).to_be_bytes());
}

pub(super) fn read(bytes: &[u8], key: &str) -> Result<Option<String>, CodecError> {
    let mut at = SIGNATURE;
    while at < bytes.len() {
        let this = chunk(bytes, at)?;
        let rest = this.data.strip_prefix(key.as_bytes()).and_then(|rest| rest.strip_prefix(&[0]));
        if let (Some(rest), b"iTXt" | b"tEXt" | b"zTXt") = (rest, this.kind) {
            if !this.is_sound(bytes) {
                return Err(CodecError::damaged(Format::Png, "the checksum of its text is wrong"));
            }
            return text_of(this.kind, rest).map(Some);
        }
        if this.kind == b"IEND" {
            break;
        }
        at = this.end;
    }
    Ok(None)
}

/// The text of a chunk, from what follows the keyword.
fn text_of(kind: &[u8], rest: &[u8]) -> Result<String, CodecError> {
    let short = || CodecError::damaged(Format::Png, "its text chunk is cut short");
    match kind {
        b"tEXt" => latin1(rest),
        b"zTXt" => latin1(&inflate(rest.get(1..).ok_or_else(short)?)?),
        _ => {
            let (flags, rest) = rest.split_at_checked(2).ok_or_else(short)?;
            let mut parts = rest.splitn(3, |b| *b == 0);
            let text = parts.nth(2).ok_or_else(short)?;
            match flags[0] {
                0 if text.len() > MAX_TEXT => Err(too_large()),
                0 => utf8(Format::Png, text.to_vec()),
                _ => utf8(Format::Png, inflate(text)?),
            }
        }
    }
}

fn latin1(bytes: &[u8]) -> Result<String, CodecError> {
    // Some programs write UTF-8 here against the rules; valid UTF-8 is hardly ever anything else.
    if bytes.len() > MAX_TEXT {
        return Err(too_large());
    }
    Ok(String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| bytes.iter().map(|b| char::from(*b)).collect()))
}

fn inflate(bytes: &[u8]) -> Result<Vec<u8>, CodecError> {
    use miniz_oxide::inflate::TINFLStatus;
    decompress_to_vec_zlib_with_limit(bytes, MAX_TEXT).map_err(|e| match e.status {
        TINFLStatus::HasMoreOutput => too_large(),
        _ => CodecError::damaged(Format::Png, "its compressed text does not unfold"),
    })
}

fn too_large() -> CodecError {
    CodecError::TooLarge { format: Format::Png, what: format!("its text is longer than {MAX_TEXT} bytes") }
}
