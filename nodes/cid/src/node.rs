//! A block of the codec dag-pb: links with names and sizes, and some bytes.

use crate::cid::Cid;
use crate::varint;

/// A link to another block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub cid: Cid,
    pub name: String,
    /// The bytes of all blocks below, counting those that come twice twice.
    pub tsize: u64,
}

/// A block of links and bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PbNode {
    pub links: Vec<Link>,
    pub data: Vec<u8>,
}

impl Link {
    fn inner_len(&self) -> usize {
        let (cid, name) = (self.cid.byte_len(), self.name.len());
        1 + varint::len(cid as u64) + cid + 1 + varint::len(name as u64) + name + 1 + varint::len(self.tsize)
    }

    /// How many bytes it takes in a block.
    pub(crate) fn encoded_len(&self) -> usize {
        let inner = self.inner_len();
        1 + varint::len(inner as u64) + inner
    }
}

fn put_bytes(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    varint::put(bytes.len() as u64, out);
    out.extend(bytes);
}

impl PbNode {
    /// The block's bytes: the links first, then the data, as everybody writes them.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.links.len() * 64 + self.data.len() + 8);
        for link in &self.links {
            out.push(0x12);
            varint::put(link.inner_len() as u64, &mut out);
            put_bytes(0x0a, &link.cid.to_bytes(), &mut out);
            put_bytes(0x12, link.name.as_bytes(), &mut out);
            out.push(0x18);
            varint::put(link.tsize, &mut out);
        }
        put_bytes(0x0a, &self.data, &mut out);
        out
    }

    /// Reads a block.
    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, String> {
        let cut = || "it is cut off".to_owned();
        let mut node = Self::default();
        let mut data = None;
        while !bytes.is_empty() {
            match varint::take(&mut bytes).ok_or_else(cut)? {
                0x0a => {
                    let found = varint::take_bytes(&mut bytes).ok_or_else(cut)?;
                    if data.replace(found).is_some() {
                        return Err("it has its data twice".to_owned());
                    }
                }
                0x12 => node.links.push(link(varint::take_bytes(&mut bytes).ok_or_else(cut)?)?),
                _ => return Err("it has a field that no file or folder has".to_owned()),
            }
        }
        node.data = data.unwrap_or_default().to_vec();
        Ok(node)
    }
}

fn link(mut bytes: &[u8]) -> Result<Link, String> {
    let cut = || "a link is cut off".to_owned();
    let (mut cid, mut name, mut tsize) = (None, None, None);
    while !bytes.is_empty() {
        let twice = match varint::take(&mut bytes).ok_or_else(cut)? {
            0x0a => {
                let found = varint::take_bytes(&mut bytes).ok_or_else(cut)?;
                cid.replace(Cid::from_bytes(found).map_err(|e| e.to_string())?).is_some()
            }
            0x12 => {
                let found = varint::take_bytes(&mut bytes).ok_or_else(cut)?;
                let text = std::str::from_utf8(found).map_err(|_| "a link's name is not text".to_owned())?;
                name.replace(text.to_owned()).is_some()
            }
            0x18 => tsize.replace(varint::take(&mut bytes).ok_or_else(cut)?).is_some(),
            _ => return Err("a link has a field that no link has".to_owned()),
        };
        if twice {
            return Err("a link has a field twice".to_owned());
        }
    }
    Ok(Link {
        cid: cid.ok_or("a link leads nowhere")?,
        name: name.unwrap_or_default(),
        tsize: tsize.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cid::Codec;
    use proptest::prelude::*;

    fn node() -> PbNode {
        let link = |name: &str, tsize| Link { cid: Cid::of(Codec::Raw, b"x"), name: name.to_owned(), tsize };
        PbNode { links: vec![link("", 0), link("ä", 300)], data: vec![1, 2, 3] }
    }

    #[test]
    fn blocks_come_back_and_lengths_are_right() {
        let bytes = node().encode();
        assert_eq!(PbNode::decode(&bytes), Ok(node()));
        let links: usize = node().links.iter().map(Link::encoded_len).sum();
        assert_eq!(links + 5, bytes.len());
        assert_eq!(PbNode::decode(&[]), Ok(PbNode::default()));
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = PbNode::decode(&bytes);
        }
        #[test]
        fn nor_does_a_flipped_bit(at in 0usize..100, bit in 0u8..8, cut in 0usize..100) {
            let mut bytes = node().encode();
            let place = at % bytes.len();
            bytes[place] ^= 1 << bit;
            let _ = PbNode::decode(&bytes);
            prop_assert!(PbNode::decode(&bytes[..cut.min(bytes.len())]).is_ok() || cut > 0);
        }
    }
}
