//! What a node of a file or folder says of itself.

use crate::varint;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Raw = 0,
    Folder = 1,
    File = 2,
    Link = 4,
    Shard = 5,
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unixfs {
    pub kind: Kind,
    pub data: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub sizes: Vec<u64>,
    pub hash: Option<u64>,
    pub fanout: Option<u64>,
}

impl Unixfs {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, data: None, size: None, sizes: Vec::new(), hash: None, fanout: None }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.data.as_ref().map_or(0, Vec::len) + self.sizes.len() * 5 + 24);
        let number = |tag: u8, n: u64, out: &mut Vec<u8>| {
            out.push(tag);
            varint::put(n, out);
        };
        number(0x08, self.kind as u64, &mut out);
        if let Some(data) = &self.data {
            number(0x12, data.len() as u64, &mut out);
            out.extend(data);
        }
        for (tag, field) in [(0x18, self.size)] {
            if let Some(n) = field {
                number(tag, n, &mut out);
            }
        }
        for size in &self.sizes {
            number(0x20, *size, &mut out);
        }
        for (tag, field) in [(0x28, self.hash), (0x30, self.fanout)] {
            if let Some(n) = field {
                number(tag, n, &mut out);
            }
        }
        out
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, String> {
        let cut = || "what it says of itself is cut off".to_owned();
        let mut kind = None;
        let mut found = Self::new(Kind::Raw);
        while !bytes.is_empty() {
            let tag = varint::take(&mut bytes).ok_or_else(cut)?;
            match tag {
                0x12 => found.data = Some(varint::take_bytes(&mut bytes).ok_or_else(cut)?.to_vec()),
                0x22 => {
                    // The same numbers, packed.
                    let mut packed = varint::take_bytes(&mut bytes).ok_or_else(cut)?;
                    while !packed.is_empty() {
                        found.sizes.push(varint::take(&mut packed).ok_or_else(cut)?);
                    }
                }
                // When it was last changed: not ours to keep.
                0x42 => {
                    varint::take_bytes(&mut bytes).ok_or_else(cut)?;
                }
                0x08 | 0x18 | 0x20 | 0x28 | 0x30 | 0x38 => {
                    let n = varint::take(&mut bytes).ok_or_else(cut)?;
                    match tag {
                        0x08 => kind = Some(n),
                        0x18 => found.size = Some(n),
                        0x20 => found.sizes.push(n),
                        0x28 => found.hash = Some(n),
                        0x30 => found.fanout = Some(n),
                        // Who may read it: not ours to keep.
                        _ => {}
                    }
                }
                _ => return Err("it says something of itself that no file or folder says".to_owned()),
            }
        }
        found.kind = match kind.ok_or("it does not say what it is")? {
            0 => Kind::Raw,
            1 => Kind::Folder,
            2 => Kind::File,
            4 => Kind::Link,
            5 => Kind::Shard,
            other => return Err(format!("it is neither a file nor a folder, but of kind {other}")),
        };
        Ok(found)
    }
}
