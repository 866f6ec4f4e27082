//! CAR files (version 1): blocks in one stream, the names of the roots in front.

use crate::block::{MAX_BLOCK, Sink};
use crate::cid::Cid;
use crate::error::CidError;
use crate::varint;
use crate::walk::Walk;
use std::io::{self, Read, Write};

/// No header is longer.
const MAX_HEADER: u64 = 64 << 10;

/// How a CAR file of one root begins.
fn header(root: &Cid) -> Vec<u8> {
    // {"roots": [42(h'00…')], "version": 1} in CBOR.
    let name = root.to_bytes();
    let mut cbor = vec![0xa2, 0x65];
    cbor.extend(b"roots");
    cbor.extend([0x81, 0xd8, 0x2a, 0x58, name.len() as u8 + 1, 0]);
    cbor.extend(name);
    cbor.push(0x67);
    cbor.extend(b"version");
    cbor.push(1);
    let mut bytes = Vec::with_capacity(cbor.len() + 1);
    varint::put(cbor.len() as u64, &mut bytes);
    bytes.extend(cbor);
    bytes
}

/// All blocks below a root as the bytes of a CAR file, made while they are read: what is held is one block.
pub struct Stream<'a> {
    walk: Walk<'a>,
    ready: Vec<u8>,
    at: usize,
    blocks: u64,
    failed: Option<CidError>,
}

impl<'a> Stream<'a> {
    /// The CAR file of a walk that begins at `root`.
    #[must_use]
    pub fn new(root: &Cid, walk: Walk<'a>) -> Self {
        Self { walk, ready: header(root), at: 0, blocks: 0, failed: None }
    }

    /// How many blocks were read so far.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Why reading failed, when it did: the reader's own error has no room for it.
    pub fn failed(&mut self) -> Option<CidError> {
        self.failed.take()
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ready.len() {
            self.ready.clear();
            self.at = 0;
            match self.walk.step() {
                Ok(None) => return Ok(0),
                Ok(Some((cid, bytes))) => {
                    varint::put((cid.byte_len() + bytes.len()) as u64, &mut self.ready);
                    self.ready.extend(cid.to_bytes());
                    self.ready.extend(bytes);
                    self.blocks += 1;
                }
                Err(e) => {
                    let said = io::Error::other(e.to_string());
                    self.failed = Some(e);
                    return Err(said);
                }
            }
        }
        let part = to.len().min(self.ready.len() - self.at);
        to[..part].copy_from_slice(&self.ready[self.at..self.at + part]);
        self.at += part;
        Ok(part)
    }
}

/// Writes all blocks below a root as a CAR file. How many blocks and bytes it has.
///
/// # Errors
/// When a block is missing or wrong, or `to` takes no more.
pub fn write(root: &Cid, walk: Walk<'_>, to: &mut dyn Write) -> Result<(u64, u64), CidError> {
    let mut stream = Stream::new(root, walk);
    match io::copy(&mut stream, to) {
        Ok(bytes) => Ok((stream.blocks, bytes)),
        Err(e) => Err(stream.failed().unwrap_or_else(|| CidError::io("writing the CAR file", e))),
    }
}

/// Takes blocks out of a CAR file while it streams by, each held against its name.
pub struct Reader<R> {
    from: R,
    roots: Vec<Cid>,
    at: u64,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it is none of version 1.
    pub fn new(from: R) -> Result<Self, CidError> {
        let mut reader = Self { from, roots: Vec::new(), at: 0 };
        let len = reader.length()?.ok_or_else(|| reader.bad("it is empty"))?;
        if len == 0 || len > MAX_HEADER {
            return Err(reader.bad(format!("the header has {len} bytes")));
        }
        let bytes = reader.exactly(len as usize)?;
        reader.roots = roots(&bytes).map_err(|what| reader.bad(what))?;
        Ok(reader)
    }

    /// The roots that the header names; whether they are among the blocks is not known.
    #[must_use]
    pub fn roots(&self) -> &[Cid] {
        &self.roots
    }

    /// The next block, or `None` at the end.
    ///
    /// # Errors
    /// When the file is cut off, or a block is too large or holds other bytes than its name says.
    pub fn step(&mut self) -> Result<Option<(Cid, Vec<u8>)>, CidError> {
        let Some(len) = self.length()? else { return Ok(None) };
        if len > MAX_BLOCK as u64 + 64 {
            return Err(self.bad(format!("a block has {len} bytes")));
        }
        let bytes = self.exactly(len as usize)?;
        let mut rest = bytes.as_slice();
        let cid = Cid::take(&mut rest).map_err(|what| self.bad(format!("a block's name: {what}")))?;
        if rest.len() > MAX_BLOCK {
            return Err(self.bad(format!("a block has {} bytes", rest.len())));
        }
        if cid.fits(rest) { Ok(Some((cid, rest.to_vec()))) } else { Err(CidError::Wrong { cid }) }
    }

    /// Puts all blocks into a sink. How many there were.
    ///
    /// # Errors
    /// As [`Reader::step`], or when the sink takes no more.
    pub fn import(&mut self, sink: &mut dyn Sink) -> Result<u64, CidError> {
        let mut count = 0;
        while let Some((cid, bytes)) = self.step()? {
            sink.put(&cid, &bytes)?;
            count += 1;
        }
        Ok(count)
    }

    fn bad(&self, what: impl Into<String>) -> CidError {
        CidError::Car { at: self.at, what: what.into() }
    }

    /// A length, or `None` at the end of the file.
    fn length(&mut self) -> Result<Option<u64>, CidError> {
        let mut digits = Vec::with_capacity(10);
        loop {
            let mut byte = [0];
            let read = loop {
                match self.from.read(&mut byte) {
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    other => break other,
                }
            };
            match read {
                Ok(0) if digits.is_empty() => return Ok(None),
                Ok(0) => return Err(self.bad("it is cut off")),
                Ok(_) => {
                    digits.push(byte[0]);
                    self.at += 1;
                }
                Err(e) => return Err(CidError::io("reading the CAR file", e)),
            }
            if byte[0] & 0x80 == 0 || digits.len() == 10 {
                let number = varint::take(&mut digits.as_slice());
                return number.map(Some).ok_or_else(|| self.bad("a length cannot be read"));
            }
        }
    }

    fn exactly(&mut self, len: usize) -> Result<Vec<u8>, CidError> {
        let mut bytes = vec![0; len];
        match self.from.read_exact(&mut bytes) {
            Ok(()) => {
                self.at += len as u64;
                Ok(bytes)
            }
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err(self.bad("it is cut off")),
            Err(e) => Err(CidError::io("reading the CAR file", e)),
        }
    }
}

/// A CBOR head: its kind (0 to 7) and its number.
fn head(bytes: &mut &[u8]) -> Option<(u8, u64)> {
    let (first, rest) = bytes.split_first()?;
    let (kind, small) = (first >> 5, first & 31);
    let width = match small {
        0..=23 => {
            *bytes = rest;
            return Some((kind, u64::from(small)));
        }
        24..=27 => 1usize << (small - 24),
        _ => return None,
    };
    let (number, rest) = rest.split_at_checked(width)?;
    *bytes = rest;
    Some((kind, number.iter().fold(0, |n, b| n << 8 | u64::from(*b))))
}

fn text<'a>(bytes: &mut &'a [u8], kind: u8) -> Option<&'a [u8]> {
    let (found, len) = head(bytes)?;
    let (text, rest) = bytes.split_at_checked(usize::try_from(len).ok()?)?;
    *bytes = rest;
    (found == kind).then_some(text)
}

/// The roots that a header names.
fn roots(mut bytes: &[u8]) -> Result<Vec<Cid>, String> {
    let bad = || "the header cannot be read".to_owned();
    let bytes = &mut bytes;
    let (5, fields) = head(bytes).ok_or_else(bad)? else { return Err(bad()) };
    let (mut found, mut version) = (None, None);
    for _ in 0..fields.min(3) {
        match text(bytes, 3).ok_or_else(bad)? {
            b"version" => {
                let (0, number) = head(bytes).ok_or_else(bad)? else { return Err(bad()) };
                version = Some(number);
            }
            b"roots" => {
                let (4, count) = head(bytes).ok_or_else(bad)? else { return Err(bad()) };
                let mut list = Vec::new();
                for _ in 0..count {
                    let (6, 42) = head(bytes).ok_or_else(bad)? else { return Err(bad()) };
                    let name = text(bytes, 2).and_then(|n| n.strip_prefix(&[0])).ok_or_else(bad)?;
                    list.push(Cid::from_bytes(name).map_err(|e| e.to_string())?);
                }
                found = Some(list);
            }
            _ => return Err(bad()),
        }
    }
    match (version, found) {
        (Some(1), Some(found)) if bytes.is_empty() && fields == 2 => Ok(found),
        (Some(n), _) if n != 1 => Err(format!("it is of version {n}; only version 1 is read")),
        _ => Err(bad()),
    }
}
