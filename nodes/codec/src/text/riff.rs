//! Texts in WebP: the XMP chunk of the extended file layout.

use super::xmp;
use crate::{error::CodecError, format::Format};

const XMP_FLAG: u8 = 0x04;
const ALPHA_FLAG: u8 = 0x10;

fn damaged(what: &str) -> CodecError {
    CodecError::damaged(Format::WebP, what)
}

/// Type and contents.
type Chunk<'a> = (&'a [u8], &'a [u8]);

/// The chunks of the file.
fn chunks(bytes: &[u8]) -> Result<Vec<Chunk<'_>>, CodecError> {
    let cut = || damaged("a chunk is cut short");
    let size = bytes.get(4..8).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes) as usize;
    let end = size.checked_add(8).filter(|end| *end <= bytes.len()).ok_or_else(cut)?;
    let mut out = Vec::new();
    let mut at = 12;
    while at < end {
        let head: &[u8; 8] = bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).ok_or_else(cut)?;
        let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let stop = (at + 8).checked_add(len).filter(|stop| *stop <= end).ok_or_else(cut)?;
        out.push((&bytes[at..at + 4], &bytes[at + 8..stop]));
        // Chunks start at even places.
        at = stop + (len & 1);
    }
    Ok(out)
}

/// Whether every chunk lies inside the file. The library believes a length before it has seen the bytes, and
/// takes memory for it.
pub(crate) fn is_whole(bytes: &[u8]) -> Result<(), CodecError> {
    chunks(bytes).map(|_| ())
}

fn push(out: &mut Vec<u8>, kind: &[u8], data: &[u8]) -> Result<(), CodecError> {
    let len = u32::try_from(data.len()).map_err(|_| damaged("a chunk is too long"))?;
    out.extend_from_slice(kind);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(data);
    if data.len() % 2 == 1 {
        out.push(0);
    }
    Ok(())
}

pub(super) fn embed(bytes: &[u8], key: &str, text: &str) -> Result<Vec<u8>, CodecError> {
    let chunks = chunks(bytes)?;
    let old = chunks.iter().find(|c| c.0 == b"XMP ").map(|c| c.1);
    let packet = xmp::with(old, Format::WebP, key, text)?;
    let mut out = b"RIFF\0\0\0\0WEBP".to_vec();
    let (kind, first) = *chunks.first().ok_or_else(|| damaged("it is empty"))?;
    let mut head = match kind {
        b"VP8X" => first.to_vec(),
        b"VP8L" => lossless_head(first).ok_or_else(|| damaged("its picture has no head"))?,
        b"VP8 " => lossy_head(first).ok_or_else(|| damaged("its picture has no head"))?,
        _ => return Err(damaged("it does not start with a picture")),
    };
    *head.first_mut().ok_or_else(|| damaged("its head is empty"))? |= XMP_FLAG;
    push(&mut out, b"VP8X", &head)?;
    for (kind, data) in &chunks {
        if *kind != b"VP8X" && *kind != b"XMP " {
            push(&mut out, kind, data)?;
        }
    }
    push(&mut out, b"XMP ", &packet)?;
    let size = u32::try_from(out.len() - 8).map_err(|_| damaged("the file would be too long"))?;
    out[4..8].copy_from_slice(&size.to_le_bytes());
    Ok(out)
}

pub(super) fn read(bytes: &[u8], key: &str) -> Result<Option<String>, CodecError> {
    match chunks(bytes)?.iter().find(|c| c.0 == b"XMP ") {
        None => Ok(None),
        Some((_, packet)) => xmp::text(packet, Format::WebP, key),
    }
}

/// The extended layout's head: flags, three spare bytes, width - 1 and height - 1 in three bytes each.
fn extended(flags: u8, less_width: u32, less_height: u32) -> Vec<u8> {
    let mut head = vec![flags, 0, 0, 0];
    head.extend_from_slice(&less_width.to_le_bytes()[..3]);
    head.extend_from_slice(&less_height.to_le_bytes()[..3]);
    head
}

/// From a lossless picture: after one byte, 14 bits width - 1, 14 bits height - 1, one bit alpha.
fn lossless_head(data: &[u8]) -> Option<Vec<u8>> {
    let bits = u32::from_le_bytes(data.get(1..5)?.try_into().ok()?);
    let flags = if bits & (1 << 28) == 0 { 0 } else { ALPHA_FLAG };
    (data[0] == 0x2f).then(|| extended(flags, bits & 0x3fff, (bits >> 14) & 0x3fff))
}

/// From a lossy picture: after six bytes, width and height in 14 bits of two bytes each.
fn lossy_head(data: &[u8]) -> Option<Vec<u8>> {
    let side =
        |at: usize| Some(u32::from(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?)) & 0x3fff);
    Some(extended(0, side(6)?.checked_sub(1)?, side(8)?.checked_sub(1)?))
}
