//! The safetensors format: a length, a JSON header, and the numbers.
//!
//! As strict as the reference implementation (the crate `safetensors`): the header is at most 100 MB, the
//! tensors lie one after the other without holes or overlap and end where the file ends. Two things differ:
//! a name that comes twice is refused, and a number format Kiln does not read spoils only its own tensor.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use crate::dtype::{Dtype, count};
use crate::error::{WeightError, quoted};
use crate::file::Contents;
use crate::map::{Mapping, Span};
use crate::stored::Stored;

/// The longest header the reference implementation reads.
pub(crate) const LONGEST_HEADER: u64 = 100_000_000;

/// Reads the header; the numbers stay where they are.
pub(crate) fn read(mapping: &Arc<Mapping>) -> Result<Contents, WeightError> {
    let (file, bytes) = (mapping.path(), mapping.bytes());
    let header = header_text(file, bytes)?;
    let data_start = 8 + header.len();
    let header: Header = serde_json::from_str(header).map_err(|why| {
        WeightError::damaged(file, format!("its header does not read: {}", quoted(&why.to_string())))
    })?;

    let mut in_order: Vec<(String, Info)> = header.tensors.into_iter().collect();
    in_order.sort_by_key(|(_, info)| info.data_offsets);
    let mut contents = Contents { metadata: header.metadata, ..Contents::default() };
    let mut end_of_last = 0_u64;
    for (name, info) in in_order {
        let (start, end) = info.data_offsets;
        if start > end || start != end_of_last {
            let what = format!(
                "the tensor {} lies at {start} to {end}, where {end_of_last} was the next free byte",
                quoted(&name)
            );
            return Err(WeightError::damaged(file, what));
        }
        end_of_last = end;
        if end > (bytes.len() - data_start) as u64 {
            let what = format!(
                "the tensor {} ends at byte {} but the file has {}",
                quoted(&name),
                end.saturating_add(data_start as u64),
                bytes.len()
            );
            return Err(WeightError::cut_short(file, what));
        }
        place(mapping, &mut contents, name, &info, data_start)?;
    }
    let spare = (bytes.len() - data_start) as u64 - end_of_last;
    if spare != 0 {
        return Err(WeightError::damaged(file, format!("{spare} bytes follow the last tensor")));
    }
    Ok(contents)
}

/// The header's text, its length checked against the file's.
fn header_text<'a>(file: &Path, bytes: &'a [u8]) -> Result<&'a str, WeightError> {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(WeightError::cut_short(file, format!("it has {} bytes, not even a header", bytes.len())));
    };
    let length = u64::from_le_bytes(*length);
    if length > LONGEST_HEADER {
        let what = format!(
            "as a safetensors file its header would be {length} bytes long, and {LONGEST_HEADER} is the most there can be"
        );
        return Err(WeightError::damaged(file, what));
    }
    let header = usize::try_from(length).ok().and_then(|length| rest.get(..length));
    let Some(header) = header else {
        let what = format!("its header is {length} bytes long but the file has {}", bytes.len());
        return Err(WeightError::cut_short(file, what));
    };
    std::str::from_utf8(header).map_err(|why| {
        WeightError::damaged(file, format!("its header is not text (byte {})", why.valid_up_to() + 8))
    })
}

/// Checks that shape and format give the length the header gives, and keeps the tensor.
fn place(
    mapping: &Arc<Mapping>,
    contents: &mut Contents,
    name: String,
    info: &Info,
    data_start: usize,
) -> Result<(), WeightError> {
    let file = mapping.path();
    let length = info.data_offsets.1 - info.data_offsets.0;
    if let Some(bits) = bits(&info.dtype) {
        let wanted =
            count(&info.shape).and_then(|count| count.checked_mul(bits)).filter(|bits| bits % 8 == 0);
        if wanted.map(|bits| bits as u64 / 8) != Some(length) {
            let what = format!(
                "the tensor {} is {} {} and has {length} bytes",
                quoted(&name),
                info.dtype,
                shown(&info.shape)
            );
            return Err(WeightError::damaged(file, what));
        }
    }
    let Some(dtype) = Dtype::from_name(&info.dtype) else {
        let why = format!("is stored as {}, which Kiln does not read", quoted(&info.dtype));
        contents.unreadable.insert(name, why);
        return Ok(());
    };
    // Both ends are inside the file, so they fit.
    let (start, end) = (info.data_offsets.0 as usize, info.data_offsets.1 as usize);
    if let Some(span) = Span::mapped(mapping, data_start + start..data_start + end) {
        contents.tensors.insert(name.clone(), Stored::plain(&name, dtype, &info.shape, span, file));
    }
    Ok(())
}

/// Bits per number of every format the reference knows, so that lengths are checked for all of them.
fn bits(dtype: &str) -> Option<usize> {
    Dtype::from_name(dtype).map(|dtype| dtype.size() * 8).or(match dtype {
        "F4" => Some(4),
        "F6_E2M3" | "F6_E3M2" => Some(6),
        "F8_E8M0" | "F8_E4M3FNUZ" | "F8_E5M2FNUZ" => Some(8),
        "U16" => Some(16),
        "U32" => Some(32),
        "C64" | "U64" => Some(64),
        _ => None,
    })
}

/// A shape for a message, not longer than one reads.
fn shown(shape: &[usize]) -> String {
    shape
        .get(..12)
        .map_or_else(|| format!("{shape:?}"), |head| format!("{head:?}... ({} sides)", shape.len()))
}

#[derive(Deserialize)]
struct Info {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

#[derive(Default)]
struct Header {
    metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, Info>,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

/// Reads the header's object key by key: what a plain map type would do, but a key that comes twice is an
/// error and not a silent replacement.
struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut header = Header::default();
        let mut seen_metadata = false;
        while let Some(key) = map.next_key::<String>()? {
            let twice = if key == "__metadata__" {
                header.metadata = map.next_value::<Option<_>>()?.unwrap_or_default();
                std::mem::replace(&mut seen_metadata, true)
            } else {
                let info = map.next_value()?;
                header.tensors.insert(key.clone(), info).is_some()
            };
            if twice {
                return Err(A::Error::custom(format_args!("{} is there twice", quoted(&key))));
            }
        }
        Ok(header)
    }
}
