//! A look at an OpenEXR header before the library reads it: the library takes memory for every row of the data
//! window a header claims, before it looks whether such rows are there.

use crate::{CodecError, Format, Limits};

/// Set in the version field when a file has several parts, each with a header.
const SEVERAL_PARTS: u32 = 0x1000;

/// Whether every part's data window is a size that is allowed.
pub(crate) fn header_fits(bytes: &[u8], limits: &Limits) -> Result<(), CodecError> {
    let cut = || CodecError::damaged(Format::Exr, "its header is cut short");
    let number = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(i32::from_le_bytes);
    let text = |at: usize| -> Option<&[u8]> {
        let rest = bytes.get(at..)?;
        rest.iter().take(256).position(|b| *b == 0).map(|len| &rest[..len])
    };
    let several = number(4).ok_or_else(cut)?.cast_unsigned() & SEVERAL_PARTS != 0;
    let mut at = 8;
    loop {
        let mut attributes = 0;
        loop {
            let name = text(at).ok_or_else(cut)?;
            at += name.len() + 1;
            if name.is_empty() {
                break;
            }
            attributes += 1;
            at += text(at).ok_or_else(cut)?.len() + 1;
            let size = number(at).and_then(|n| usize::try_from(n).ok()).ok_or_else(cut)?;
            at += 4;
            if bytes.len() - at.min(bytes.len()) < size {
                return Err(cut());
            }
            if name == b"dataWindow" && size == 16 {
                let side = |low: usize, high: usize| -> Option<u32> {
                    let sides = i64::from(number(at + high)?) - i64::from(number(at + low)?) + 1;
                    u32::try_from(sides).ok().filter(|s| *s > 0)
                };
                let odd =
                    || CodecError::damaged(Format::Exr, "its data window is empty or turned inside out");
                let (width, height) = (side(0, 8).ok_or_else(odd)?, side(4, 12).ok_or_else(odd)?);
                limits.check(Format::Exr, width, height, 1)?;
            }
            at += size;
        }
        // The headers of several parts end with an empty one.
        if !several || attributes == 0 {
            return Ok(());
        }
    }
}
