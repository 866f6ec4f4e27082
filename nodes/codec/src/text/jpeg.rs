//! Texts in JPEG comment segments.
//!
//! A segment holds at most 65533 bytes, so a text is cut into parts; each part says which text it
//! belongs to: `kiln-text`, 0, key, 0, `part/parts`, 0, bytes.

use super::{MAX_TEXT, utf8};
use crate::{error::CodecError, format::Format};

const MARK: &[u8] = b"kiln-text\0";
const LARGEST: usize = 65533;

/// A segment before the scan: its marker, its contents, and where it lies.
struct Segment<'a> {
    marker: u8,
    data: &'a [u8],
    start: usize,
    end: usize,
}

/// The segment at or after `at`; `None` where the scan starts or the file ends.
fn segment(bytes: &[u8], mut at: usize) -> Result<Option<Segment<'_>>, CodecError> {
    let cut = || CodecError::damaged(Format::Jpeg, "a segment is cut short");
    // Any number of 0xff may stand before a marker.
    while bytes.get(at..at + 2) == Some(&[0xff, 0xff]) {
        at += 1;
    }
    let [0xff, marker] = *bytes.get(at..at + 2).ok_or_else(cut)? else {
        return Err(CodecError::damaged(Format::Jpeg, "a segment does not start where it should"));
    };
    match marker {
        0xda | 0xd9 => Ok(None),
        0x01 | 0xd0..=0xd8 => Ok(Some(Segment { marker, data: &[], start: at, end: at + 2 })),
        _ => {
            let len = bytes.get(at + 2..at + 4).ok_or_else(cut)?;
            let len = usize::from(u16::from_be_bytes([len[0], len[1]]));
            let end = at + 2 + len;
            let data = bytes.get(at + 4..end).ok_or_else(cut)?;
            Ok(Some(Segment { marker, data, start: at, end }))
        }
    }
}

/// Part number, parts, bytes: when the segment is a part of the text under `key`.
fn part<'a>(segment: &Segment<'a>, key: &str) -> Option<(usize, usize, &'a [u8])> {
    if segment.marker != 0xfe {
        return None;
    }
    let rest = segment.data.strip_prefix(MARK)?.strip_prefix(key.as_bytes())?.strip_prefix(&[0])?;
    let end = rest.iter().take(16).position(|b| *b == 0)?;
    let (number, parts) = std::str::from_utf8(&rest[..end]).ok()?.split_once('/')?;
    Some((number.parse().ok()?, parts.parse().ok()?, &rest[end + 1..]))
}

pub(super) fn embed(bytes: &[u8], key: &str, text: &str) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::with_capacity(bytes.len() + text.len() + text.len() / 500 + 128);
    out.extend_from_slice(&bytes[..2]);
    let mut at = 2;
    let mut written = false;
    while let Some(this) = segment(bytes, at)? {
        // JFIF and EXIF must come first, so the text goes behind the last of the leading APP segments.
        if !written && !matches!(this.marker, 0xe0..=0xef) {
            write(&mut out, key, text);
            written = true;
        }
        if part(&this, key).is_none() {
            out.extend_from_slice(&bytes[this.start..this.end]);
        }
        at = this.end;
    }
    if !written {
        write(&mut out, key, text);
    }
    out.extend_from_slice(&bytes[at..]);
    Ok(out)
}

fn write(out: &mut Vec<u8>, key: &str, text: &str) {
    let room = LARGEST - MARK.len() - key.len() - 20;
    let parts = text.len().div_ceil(room).max(1);
    for number in 0..parts {
        let mut body = MARK.to_vec();
        body.extend_from_slice(key.as_bytes());
        body.extend_from_slice(format!("\0{}/{parts}\0", number + 1).as_bytes());
        let from = number * room;
        body.extend_from_slice(&text.as_bytes()[from..text.len().min(from + room)]);
        out.extend_from_slice(&[0xff, 0xfe]);
        // `room` leaves the length below 65536.
        out.extend_from_slice(&u16::try_from(body.len() + 2).unwrap_or(2).to_be_bytes());
        out.extend_from_slice(&body);
    }
}

pub(super) fn read(bytes: &[u8], key: &str) -> Result<Option<String>, CodecError> {
    let mut text: Vec<u8> = Vec::new();
    let mut seen = 0;
    let mut expected = None;
    let mut at = 2;
    while let Some(this) = segment(bytes, at)? {
        at = this.end;
        let Some((number, parts, data)) = part(&this, key) else { continue };
        if number != seen + 1 || number > parts || *expected.get_or_insert(parts) != parts {
            return Err(CodecError::damaged(Format::Jpeg, "the parts of its text are not in order"));
        }
        if text.len() + data.len() > MAX_TEXT {
            let what = format!("its text is longer than {MAX_TEXT} bytes");
            return Err(CodecError::TooLarge { format: Format::Jpeg, what });
        }
        text.extend_from_slice(data);
        seen = number;
    }
    match expected {
        None => Ok(None),
        Some(parts) if parts == seen => utf8(Format::Jpeg, text).map(Some),
        Some(_) => Err(CodecError::damaged(Format::Jpeg, "a part of its text is missing")),
    }
}
