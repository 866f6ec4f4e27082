//! As much of the zip format as torch's archives need: the list at the end, stored entries where they lie,
//! deflated ones (somebody packed the file again) inflated within bounds. Reading over the mapping keeps
//! stored tensors in place, which is why there is no zip library here.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use crate::error::{WeightError, quoted};
use crate::map::{Mapping, Span};

const MOST_ENTRIES: u64 = 1_000_000;
/// A pickle or storage is not believed to have been squeezed further than this, all together.
const INFLATED_AT_LEAST: u64 = 64 << 20;
const INFLATED_TIMES_FILE: u64 = 8;

/// One file in the archive.
#[derive(Clone, Copy)]
struct Entry {
    method: u16,
    encrypted: bool,
    crc: u32,
    packed: u64,
    size: u64,
    header: u64,
}

/// The archive's list of entries.
pub(super) struct Archive<'m> {
    mapping: &'m Arc<Mapping>,
    entries: BTreeMap<&'m str, Entry>,
    may_inflate: u64,
}

impl<'m> Archive<'m> {
    pub(super) fn open(mapping: &'m Arc<Mapping>) -> Result<Self, WeightError> {
        let bytes = mapping.bytes();
        let cut = || WeightError::cut_short(mapping.path(), "the list at the end of its archive is missing");
        let end = find_end(bytes).ok_or_else(cut)?;
        let (count, size, start) = extent(bytes, end).ok_or_else(cut)?;
        if count > MOST_ENTRIES {
            let what = format!("its archive has {count} entries, {MOST_ENTRIES} are read");
            return Err(WeightError::refused(mapping.path(), what));
        }
        let list = start.checked_add(size).and_then(|stop| slice(bytes, start, stop));
        let mut list = list.ok_or_else(cut)?;
        let mut entries = BTreeMap::new();
        let bad = |what: &str| WeightError::damaged(mapping.path(), format!("its archive {what}"));
        for _ in 0..count {
            let (name, entry, rest) = entry(list).ok_or_else(|| bad("has a list that does not read"))?;
            list = rest;
            let Ok(name) = std::str::from_utf8(name) else { continue };
            if entries.insert(name, entry).is_some() {
                return Err(bad(&format!("has {} twice", quoted(name))));
            }
        }
        let may_inflate = INFLATED_AT_LEAST.max((bytes.len() as u64).saturating_mul(INFLATED_TIMES_FILE));
        Ok(Self { mapping, entries, may_inflate })
    }

    /// The folder that holds `data.pkl`, with its slash; the outermost, if there are several.
    pub(super) fn torch_prefix(&self) -> Option<&'m str> {
        self.entries
            .keys()
            .filter_map(|name| name.strip_suffix("data.pkl"))
            .filter(|prefix| prefix.is_empty() || prefix.ends_with('/'))
            .min_by_key(|prefix| (prefix.matches('/').count(), *prefix))
    }

    pub(super) fn has_ending(&self, ending: &str) -> bool {
        self.entries.keys().any(|name| name.ends_with(ending))
    }

    /// An entry's bytes: in place, or inflated.
    pub(super) fn read(&mut self, name: &str) -> Result<Option<Span>, WeightError> {
        let Some(&entry) = self.entries.get(name) else { return Ok(None) };
        let (file, bytes) = (self.mapping.path(), self.mapping.bytes());
        let bad = |what: &str| WeightError::damaged(file, format!("{} in its archive {what}", quoted(name)));
        if entry.encrypted {
            return Err(WeightError::not_weights(file, "an encrypted archive", "unpack it first"));
        }
        // Name and extra field come again before the data, with lengths of their own.
        let local = entry.header.checked_add(30).and_then(|stop| slice(bytes, entry.header, stop));
        let local = local.filter(|local| local.starts_with(b"PK\x03\x04"));
        let lengths =
            local.and_then(|local| Some(u64::from(u16_at(local, 26)?) + u64::from(u16_at(local, 28)?)));
        let start = lengths.and_then(|lengths| (entry.header + 30).checked_add(lengths));
        let end = start.and_then(|start| start.checked_add(entry.packed));
        let (Some(start), Some(end)) = (start, end) else {
            return Err(bad("does not begin where the list says"));
        };
        let span = usize::try_from(end).ok().and_then(|end| Span::mapped(self.mapping, start as usize..end));
        let Some(span) = span else { return Err(bad("ends beyond the file")) };
        match entry.method {
            0 if entry.packed == entry.size => Ok(Some(span)),
            0 => Err(bad("has two lengths")),
            8 => {
                self.may_inflate = self.may_inflate.checked_sub(entry.size).ok_or_else(|| {
                    let what = format!(
                        "{} in its archive would unpack to {} bytes; save it with torch again",
                        quoted(name),
                        entry.size
                    );
                    WeightError::refused(file, what)
                })?;
                inflate(span.bytes(), entry)
                    .map(|bytes| Some(Span::owned(bytes)))
                    .ok_or_else(|| bad("does not unpack to what the list says"))
            }
            method => Err(bad(&format!("is packed by a method that is not read ({method})"))),
        }
    }
}

/// Exactly as long as the list says, with the checksum it says.
fn inflate(packed: &[u8], entry: Entry) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than there should be, to see that there is not; memory grows with what comes.
    let mut unpacked = flate2::read::DeflateDecoder::new(packed).take(entry.size.checked_add(1)?);
    unpacked.read_to_end(&mut bytes).ok()?;
    let mut crc = flate2::Crc::new();
    crc.update(&bytes);
    (bytes.len() as u64 == entry.size && crc.sum() == entry.crc).then_some(bytes)
}

/// Where the record at the very end begins; a comment of up to 64 KiB may follow it.
fn find_end(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(22)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    (first..=last).rev().find(|&at| {
        let record = bytes.get(at..).unwrap_or_default();
        record.starts_with(b"PK\x05\x06")
            && u16_at(record, 20).is_some_and(|comment| usize::from(comment) == last - at)
    })
}

/// How many entries the list has, how long it is, and where it begins.
fn extent(bytes: &[u8], end: usize) -> Option<(u64, u64, u64)> {
    let record = bytes.get(end..)?;
    let locator =
        end.checked_sub(20).and_then(|at| bytes.get(at..end)).filter(|at| at.starts_with(b"PK\x06\x07"));
    if let Some(locator) = locator {
        let at = u64_at(locator, 8)?;
        let wide = slice(bytes, at, at.checked_add(56)?).filter(|wide| wide.starts_with(b"PK\x06\x06"))?;
        return Some((u64_at(wide, 32)?, u64_at(wide, 40)?, u64_at(wide, 48)?));
    }
    Some((u16_at(record, 10)?.into(), u32_at(record, 12)?.into(), u32_at(record, 16)?.into()))
}

/// The list's next entry: its name, what it says, and the rest of the list.
fn entry(list: &[u8]) -> Option<(&[u8], Entry, &[u8])> {
    let list = list.strip_prefix(b"PK\x01\x02")?;
    let lengths = [24, 26, 28].map(|at| u16_at(list, at).map(usize::from));
    let [Some(name), Some(extra), Some(comment)] = lengths else { return None };
    let mut entry = Entry {
        encrypted: u16_at(list, 4)? & 1 != 0,
        method: u16_at(list, 6)?,
        crc: u32_at(list, 12)?,
        packed: u32_at(list, 16)?.into(),
        size: u32_at(list, 20)?.into(),
        header: u32_at(list, 38)?.into(),
    };
    let (name, rest) = list.get(42..)?.split_at_checked(name)?;
    let (mut extra, rest) = rest.split_at_checked(extra)?;
    let rest = rest.get(comment..)?;
    // Numbers that do not fit into 32 bits follow in an extra field, in this order, only those.
    while let (Some(kind), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let (field, after) = extra.get(4..)?.split_at_checked(length.into())?;
        extra = after;
        if kind == 1 {
            let mut at = 0;
            for number in [&mut entry.size, &mut entry.packed, &mut entry.header] {
                if *number == u64::from(u32::MAX) {
                    *number = u64_at(field, at)?;
                    at += 8;
                }
            }
        }
    }
    Some((name, entry, rest))
}

fn slice(bytes: &[u8], start: u64, stop: u64) -> Option<&[u8]> {
    bytes.get(usize::try_from(start).ok()?..usize::try_from(stop).ok()?)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|number| u16::from_le_bytes(*number))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|number| u32::from_le_bytes(*number))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|number| u64::from_le_bytes(*number))
}
