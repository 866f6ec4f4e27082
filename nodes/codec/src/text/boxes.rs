//! Texts in AVIF: an XMP `uuid` box at the end of the file.
//!
//! The picture's own tables point into the file by position, so a box in the middle would mean to
//! rewrite them; one at the end moves nothing, and readers skip boxes they do not know.

use super::{be32, xmp};
use crate::{error::CodecError, format::Format};

/// The id under which ISO media files carry XMP.
const XMP_ID: [u8; 16] =
    [0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8, 0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac];

/// Where the XMP box lies and what it holds.
struct Found<'a> {
    start: usize,
    end: usize,
    packet: &'a [u8],
}

fn find(bytes: &[u8]) -> Result<Option<Found<'_>>, CodecError> {
    let cut = || CodecError::damaged(Format::Avif, "a box is cut short");
    let mut at = 0;
    let mut found = None;
    while at < bytes.len() {
        let kind = bytes.get(at + 4..at + 8).ok_or_else(cut)?;
        let (head, len) = match be32(bytes, at).ok_or_else(cut)? {
            // Zero: up to the end of the file; nothing could be put behind it.
            0 => (8, bytes.len() - at),
            1 => {
                let long = bytes.get(at + 8..at + 16).and_then(|b| b.try_into().ok()).ok_or_else(cut)?;
                (16, usize::try_from(u64::from_be_bytes(long)).map_err(|_| cut())?)
            }
            len => (8, len),
        };
        let end = at.checked_add(len).filter(|end| len >= head && *end <= bytes.len()).ok_or_else(cut)?;
        let body = &bytes[at + head..end];
        if let (b"uuid", Some(packet)) = (kind, body.strip_prefix(&XMP_ID)) {
            found = Some(Found { start: at, end, packet });
        }
        at = end;
    }
    Ok(found)
}

pub(super) fn embed(bytes: &[u8], key: &str, text: &str) -> Result<Vec<u8>, CodecError> {
    let old = find(bytes)?;
    let packet = xmp::with(old.as_ref().map(|f| f.packet), Format::Avif, key, text)?;
    let mut out = match old {
        // Only a box at the very end can go without moving the picture.
        Some(f) if f.end == bytes.len() => bytes[..f.start].to_vec(),
        Some(_) => {
            let remedy = "it holds XMP of another program; save it again from the picture".to_owned();
            return Err(CodecError::Text { format: Format::Avif, remedy });
        }
        None => bytes.to_vec(),
    };
    let len = u32::try_from(packet.len() + 24).map_err(|_| CodecError::option("text", "shorter"))?;
    // A last box of length zero ("up to the end") has to say its length before something follows it.
    close_last(&mut out)?;
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(b"uuid");
    out.extend_from_slice(&XMP_ID);
    out.extend_from_slice(&packet);
    Ok(out)
}

fn close_last(bytes: &mut [u8]) -> Result<(), CodecError> {
    let total = bytes.len();
    let mut at = 0;
    while let Some(len) = be32(bytes, at) {
        match len {
            0 => {
                let len =
                    u32::try_from(total - at).map_err(|_| CodecError::damaged(Format::Avif, "too long"))?;
                bytes[at..at + 4].copy_from_slice(&len.to_be_bytes());
                return Ok(());
            }
            // `find` has walked the same boxes, so a long length is known to fit.
            1 => {
                let low = be32(bytes, at + 12).unwrap_or(total);
                let high = be32(bytes, at + 8).unwrap_or(0);
                at = if high == 0 { at.saturating_add(low.max(16)) } else { total };
            }
            len => at = at.saturating_add(len.max(8)),
        }
    }
    Ok(())
}

pub(super) fn read(bytes: &[u8], key: &str) -> Result<Option<String>, CodecError> {
    match find(bytes)? {
        None => Ok(None),
        Some(found) => xmp::text(found.packet, Format::Avif, key),
    }
}
