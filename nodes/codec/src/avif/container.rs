//! The boxes of an AVIF file: which bytes are the picture, which its alpha, and how they are to be shown.
//!
//! Every length in the file is a claim: slices are taken with `get`, loops are bounded by the bytes there are.

use crate::{error::CodecError, format::Format};

/// No more items, properties or pieces than this are looked at.
const MOST: usize = 4096;

/// What is needed to show the file's picture.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// The picture's AV1 data.
    pub(super) color: Vec<u8>,
    /// The AV1 data of its alpha.
    pub(super) alpha: Option<Vec<u8>>,
    /// Width and height as the container tells them.
    pub(super) size: Option<[u32; 2]>,
    /// Matrix coefficients and full range, where the container overrides the data.
    pub(super) matrix: Option<(u8, bool)>,
    /// Quarter turns against the clock.
    pub(super) turns: u8,
    /// After the turns: mirrored top to bottom (0) or left to right (1).
    pub(super) mirror: Option<u8>,
    /// Whether a colour profile came along.
    pub(super) has_profile: bool,
    /// Whether the colours are weighted by alpha.
    pub(super) premultiplied: bool,
}

fn damaged(what: &str) -> CodecError {
    CodecError::damaged(Format::Avif, what)
}

fn cut() -> CodecError {
    damaged("a box is cut short")
}

/// A reader that never runs past its end.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], CodecError> {
        let (head, rest) = self.0.split_at_checked(n).ok_or_else(cut)?;
        self.0 = rest;
        Ok(head)
    }
    /// A big-endian number of 0 to 8 bytes.
    fn number(&mut self, bytes: usize) -> Result<u64, CodecError> {
        Ok(self.take(bytes)?.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
    }
    fn small(&mut self, bytes: usize) -> Result<u32, CodecError> {
        u32::try_from(self.number(bytes)?).map_err(|_| cut())
    }
    /// The version and flags that many boxes start with.
    fn version(&mut self) -> Result<(u8, u32), CodecError> {
        Ok((self.take(1)?[0], self.small(3)?))
    }
    /// The next box: its type and contents.
    fn next_box(&mut self) -> Result<Option<(&'a [u8], Reader<'a>)>, CodecError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let whole = *self;
        let len = self.number(4)?;
        let kind = self.take(4)?;
        let (head, len) = match len {
            0 => (8, whole.0.len()),
            1 => (16, usize::try_from(self.number(8)?).map_err(|_| cut())?),
            len => (8, usize::try_from(len).map_err(|_| cut())?),
        };
        let body = self.take(len.checked_sub(head).ok_or_else(cut)?)?;
        Ok(Some((kind, Reader(body))))
    }
    /// The first box of a type.
    fn find(mut self, wanted: &[u8]) -> Result<Option<Reader<'a>>, CodecError> {
        while let Some((kind, body)) = self.next_box()? {
            if kind == wanted {
                return Ok(Some(body));
            }
        }
        Ok(None)
    }
}

/// The contents of the file.
pub(super) fn read(bytes: &[u8]) -> Result<Contents, CodecError> {
    let mut meta = Reader(bytes).find(b"meta")?.ok_or_else(|| damaged("it has no list of pictures"))?;
    meta.version()?;
    let need = |kind: &'static [u8; 4]| meta.find(kind)?.ok_or_else(|| damaged("a list is missing"));
    let mut first = need(b"pitm")?;
    let primary = if first.version()?.0 == 0 { first.small(2)? } else { first.small(4)? };
    match item_kind(need(b"iinf")?, primary)?.as_deref() {
        Some(b"av01") => {}
        Some(b"grid") => {
            let remedy = "its picture is cut into tiles; convert the file to PNG or WebP".to_owned();
            return Err(CodecError::CannotRead { format: Format::Avif, remedy });
        }
        _ => return Err(damaged("its picture is not there")),
    }
    let idat = meta.find(b"idat")?.map_or(&[][..], |r| r.0);
    let data = |item| item_data(need(b"iloc")?, item, bytes, idat);
    let properties = Properties::read(need(b"iprp")?)?;
    let mut contents = Contents { color: data(primary)?, ..Contents::default() };
    properties.apply(primary, &mut contents)?;
    if let Some(refs) = meta.find(b"iref")? {
        for (kind, from, to) in references(refs)? {
            if kind == b"auxl" && to == primary && properties.is_alpha(from)? && contents.alpha.is_none() {
                contents.alpha = Some(data(from)?);
            }
            contents.premultiplied |= kind == b"prem" && from == primary;
        }
    }
    Ok(contents)
}

/// The type of an item.
fn item_kind(mut list: Reader<'_>, item: u32) -> Result<Option<Vec<u8>>, CodecError> {
    let wide = list.version()?.0 > 0;
    list.take(if wide { 4 } else { 2 })?;
    for _ in 0..MOST {
        let Some((kind, mut entry)) = list.next_box()? else { break };
        if kind != b"infe" {
            continue;
        }
        let id = match entry.version()?.0 {
            2 => entry.small(2)?,
            3 => entry.small(4)?,
            _ => continue,
        };
        entry.take(2)?;
        if id == item {
            return Ok(Some(entry.take(4)?.to_vec()));
        }
    }
    Ok(None)
}

/// The bytes of an item, its pieces put together.
fn item_data(mut list: Reader<'_>, item: u32, file: &[u8], idat: &[u8]) -> Result<Vec<u8>, CodecError> {
    let version = list.version()?.0;
    let sizes = list.take(2)?;
    let [offset_size, length_size] = [sizes[0] >> 4, sizes[0] & 15].map(usize::from);
    let (base_size, index_size) =
        (usize::from(sizes[1] >> 4), if version > 0 { usize::from(sizes[1] & 15) } else { 0 });
    if [offset_size, length_size, base_size, index_size].iter().any(|n| !matches!(n, 0 | 4 | 8)) {
        return Err(damaged("its list of places is malformed"));
    }
    let id_size = if version < 2 { 2 } else { 4 };
    let items = list.small(id_size)?;
    for _ in 0..items {
        let id = list.small(id_size)?;
        let method = if version > 0 { list.small(2)? & 15 } else { 0 };
        list.take(2)?;
        let base = list.number(base_size)?;
        let pieces = list.small(2)?;
        let mut data = Vec::new();
        for _ in 0..pieces {
            list.take(index_size)?;
            let (offset, length) = (list.number(offset_size)?, list.number(length_size)?);
            if id != item {
                continue;
            }
            let source = match method {
                0 => file,
                1 => idat,
                _ => return Err(damaged("its picture lies in a place that is not known")),
            };
            let start = base.checked_add(offset).and_then(|v| usize::try_from(v).ok()).ok_or_else(cut)?;
            let rest = source.get(start..).ok_or_else(cut)?;
            let length = if length == 0 { rest.len() } else { usize::try_from(length).map_err(|_| cut())? };
            data.extend_from_slice(rest.get(..length).ok_or_else(cut)?);
            // Pieces may overlap; together they are never larger than the file.
            if data.len() > file.len() {
                return Err(damaged("its pieces overlap"));
            }
        }
        if id == item {
            return Ok(data);
        }
    }
    Err(damaged("its picture is not there"))
}

/// References: kind, from, to.
type Reference<'a> = (&'a [u8], u32, u32);

fn references(mut list: Reader<'_>) -> Result<Vec<Reference<'_>>, CodecError> {
    let id_size = if list.version()?.0 == 0 { 2 } else { 4 };
    let mut out = Vec::new();
    while let Some((kind, mut body)) = list.next_box()? {
        let from = body.small(id_size)?;
        for _ in 0..body.small(2)? {
            out.push((kind, from, body.small(id_size)?));
            if out.len() > MOST {
                return Err(damaged("too many references"));
            }
        }
    }
    Ok(out)
}

/// Properties, and which item has which.
struct Properties<'a> {
    all: Vec<(&'a [u8], Reader<'a>)>,
    owners: Vec<(u32, usize)>,
}

impl<'a> Properties<'a> {
    fn read(list: Reader<'a>) -> Result<Self, CodecError> {
        let mut all = Vec::new();
        let mut boxes = list.find(b"ipco")?.ok_or_else(|| damaged("it has no properties"))?;
        while let Some(property) = boxes.next_box()? {
            all.push(property);
            if all.len() > MOST {
                return Err(damaged("too many properties"));
            }
        }
        let mut owners = Vec::new();
        let mut map = list.find(b"ipma")?.ok_or_else(|| damaged("its properties belong to nothing"))?;
        let (version, flags) = map.version()?;
        for _ in 0..map.small(4)? {
            let item = map.small(if version == 0 { 2 } else { 4 })?;
            for _ in 0..map.small(1)? {
                // The highest bit says that the property matters.
                let index = if flags & 1 == 1 { map.small(2)? & 0x7fff } else { map.small(1)? & 0x7f };
                owners.push((item, index as usize));
            }
            if owners.len() > MOST {
                return Err(damaged("too many properties"));
            }
        }
        Ok(Self { all, owners })
    }

    fn of(&self, item: u32) -> impl Iterator<Item = (&'a [u8], Reader<'a>)> {
        let own = self.owners.iter().filter(move |o| o.0 == item);
        own.filter_map(|o| o.1.checked_sub(1).and_then(|i| self.all.get(i)).copied())
    }

    fn is_alpha(&self, item: u32) -> Result<bool, CodecError> {
        for (kind, mut body) in self.of(item) {
            if kind == b"auxC" {
                body.version()?;
                let name = body.0.split(|b| *b == 0).next().unwrap_or(&[]);
                return Ok(name == b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha"
                    || name == b"urn:mpeg:hevc:2015:auxid:1");
            }
        }
        Ok(false)
    }

    fn apply(&self, item: u32, contents: &mut Contents) -> Result<(), CodecError> {
        for (kind, mut body) in self.of(item) {
            match kind {
                b"ispe" => {
                    body.version()?;
                    contents.size = Some([body.small(4)?, body.small(4)?]);
                }
                b"irot" => contents.turns = body.take(1)?[0] & 3,
                b"imir" => contents.mirror = Some(body.take(1)?[0] & 1),
                b"colr" => match body.take(4)? {
                    b"nclx" => {
                        body.take(4)?;
                        let matrix = u8::try_from(body.small(2)?).unwrap_or(2);
                        contents.matrix = Some((matrix, body.take(1)?[0] & 0x80 != 0));
                    }
                    _ => contents.has_profile = true,
                },
                _ => {}
            }
        }
        Ok(())
    }
}
