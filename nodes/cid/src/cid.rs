//! The name of a block.

use crate::error::CidError;
use crate::{base, varint};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// What a block is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Codec {
    /// Nothing but bytes.
    Raw,
    /// A node of a file or folder.
    DagPb,
}

impl Codec {
    fn number(self) -> u64 {
        match self {
            Self::Raw => 0x55,
            Self::DagPb => 0x70,
        }
    }
}

/// The name of a block: what it is read as, and the SHA-256 of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cid {
    /// What the block is read as.
    pub codec: Codec,
    /// The SHA-256 of its bytes.
    pub digest: [u8; 32],
    /// Whether it is written the old way, as `Qm…`.
    old: bool,
}

/// How a SHA-256 of 32 bytes begins as a multihash.
const SHA256: [u8; 2] = [0x12, 32];

impl Cid {
    /// The name of a block of this content.
    #[must_use]
    pub fn of(codec: Codec, bytes: &[u8]) -> Self {
        Self::new(codec, Sha256::digest(bytes).into())
    }

    /// A name by its digest, of version 1.
    #[must_use]
    pub fn new(codec: Codec, digest: [u8; 32]) -> Self {
        Self { codec, digest, old: false }
    }

    /// The same block, named in version 0 (`Qm…`) if that can be: raw blocks have no such name.
    #[must_use]
    pub fn to_v0(self) -> Self {
        Self { old: self.codec == Codec::DagPb, ..self }
    }

    /// The same block, named in version 1.
    #[must_use]
    pub fn to_v1(self) -> Self {
        Self { old: false, ..self }
    }

    /// 0 or 1.
    #[must_use]
    pub fn version(&self) -> u8 {
        u8::from(!self.old)
    }

    /// Whether both name the same bytes, read the same way; the version does not matter.
    #[must_use]
    pub fn same_block(&self, other: &Self) -> bool {
        self.codec == other.codec && self.digest == other.digest
    }

    /// Whether these are the block's bytes.
    #[must_use]
    pub fn fits(&self, bytes: &[u8]) -> bool {
        <[u8; 32]>::from(Sha256::digest(bytes)) == self.digest
    }

    /// The name in bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(36);
        if !self.old {
            varint::put(1, &mut bytes);
            varint::put(self.codec.number(), &mut bytes);
        }
        bytes.extend(SHA256);
        bytes.extend(self.digest);
        bytes
    }

    /// How long [`Cid::to_bytes`] is.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        if self.old { 34 } else { 36 }
    }

    /// Reads a name that is all of these bytes.
    ///
    /// # Errors
    /// When they are no CID, or one that Kiln does not make or read.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CidError> {
        let mut rest = bytes;
        let shown = || bytes.iter().take(40).map(|b| format!("{b:02x}")).collect::<String>();
        let cid = Self::take(&mut rest).map_err(|what| CidError::NotACid { text: shown(), what })?;
        if rest.is_empty() {
            Ok(cid)
        } else {
            Err(CidError::NotACid { text: shown(), what: "there are bytes left over" })
        }
    }

    /// Reads a name off the front.
    pub(crate) fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        let digest = |bytes: &mut &[u8]| {
            let (head, rest) = bytes.split_at_checked(32).ok_or("it is cut off")?;
            *bytes = rest;
            <[u8; 32]>::try_from(head).map_err(|_| "it is cut off")
        };
        if bytes.starts_with(&SHA256) {
            *bytes = &bytes[2..];
            return Ok(Self { codec: Codec::DagPb, digest: digest(bytes)?, old: true });
        }
        let number = |bytes: &mut &[u8]| varint::take(bytes).ok_or("it is cut off");
        if number(bytes)? != 1 {
            return Err("it is of another version than 0 and 1");
        }
        let codec = match number(bytes)? {
            0x55 => Codec::Raw,
            0x70 => Codec::DagPb,
            _ => return Err("it names neither bytes nor a file or folder (raw, dag-pb)"),
        };
        if (number(bytes)?, number(bytes)?) != (0x12, 32) {
            return Err("its hash is not a SHA-256");
        }
        Ok(Self { codec, digest: digest(bytes)?, old: false })
    }

    /// The multihash, as Kubo's folder of blocks names its files: base 32 in large letters.
    #[must_use]
    pub fn hash_name(&self) -> String {
        let hash: Vec<u8> = SHA256.into_iter().chain(self.digest).collect();
        base::to_32(&hash).to_uppercase()
    }

    /// The digest that a [`Cid::hash_name`] stands for.
    #[must_use]
    pub fn digest_of_hash_name(name: &str) -> Option<[u8; 32]> {
        if name.len() > 64 || name.bytes().any(|b| b.is_ascii_lowercase()) {
            return None;
        }
        base::from_32(name)?.strip_prefix(&SHA256)?.try_into().ok()
    }

    /// `ipfs://` and the name.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("ipfs://{self}")
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.old {
            f.write_str(&base::to_58(&self.to_bytes()))
        } else {
            write!(f, "b{}", base::to_32(&self.to_bytes()))
        }
    }
}

impl fmt::Debug for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cid({self})")
    }
}

impl FromStr for Cid {
    type Err = CidError;

    fn from_str(text: &str) -> Result<Self, CidError> {
        let bad = |what| CidError::NotACid { text: text.chars().take(80).collect(), what };
        if text.len() > 128 {
            return Err(bad("it is too long"));
        }
        if text.len() == 46 && text.starts_with("Qm") {
            let bytes = base::from_58(text).ok_or_else(|| bad("it has letters that base 58 has not"))?;
            let mut rest = bytes.as_slice();
            let cid = Self::take(&mut rest).map_err(bad)?;
            return if rest.is_empty() { Ok(cid) } else { Err(bad("it is too long")) };
        }
        let mut letters = text.chars();
        let first = letters.next().ok_or_else(|| bad("it is empty"))?;
        let rest = letters.as_str();
        let bytes = match first {
            'b' | 'B' => base::from_32(rest),
            'z' => base::from_58(rest),
            'f' | 'F' => base::from_16(rest),
            _ => return Err(bad("it begins neither with Qm nor with b, z or f")),
        };
        let bytes = bytes.ok_or_else(|| bad("it has letters that do not belong there"))?;
        let mut left = bytes.as_slice();
        match Self::take(&mut left) {
            Ok(cid) if left.is_empty() && !cid.old => Ok(cid),
            Ok(_) => Err(bad("it is too long, or of version 0 in the spelling of version 1")),
            Err(what) => Err(bad(what)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_every_spelling() {
        let v1 = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
        let cid = Cid::of(Codec::Raw, b"hello world");
        assert_eq!(cid.to_string(), v1);
        assert_eq!(v1.parse::<Cid>().unwrap(), cid);
        assert_eq!(v1.to_uppercase().parse::<Cid>().unwrap(), cid);
        let z = format!("z{}", base::to_58(&cid.to_bytes()));
        assert_eq!(z.parse::<Cid>().unwrap(), cid);
        let f: String = cid.to_bytes().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(format!("f{f}").parse::<Cid>().unwrap(), cid);
        assert_eq!(Cid::from_bytes(&cid.to_bytes()).unwrap(), cid);
        let v0 = "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD";
        let old = v0.parse::<Cid>().unwrap();
        assert_eq!((old.to_string().as_str(), old.version()), (v0, 0));
        assert!(old.to_v1().to_string().starts_with("bafybei") && old.to_v1().to_v0() == old);
        assert_eq!(cid.to_v0(), cid, "raw blocks have no old name");
        assert_eq!(Cid::digest_of_hash_name(&cid.hash_name()), Some(cid.digest));
        assert!(cid.hash_name().starts_with("CIQ"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let v1 = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
        for bad in [
            "",
            "Qm",
            "b",
            "hello",
            &v1[..v1.len() - 1],
            &format!("{v1}a"),
            &v1.replace('3', "1"),
            "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyf0",
            // sha2-512, dag-cbor, version 2, identity
            "bafkrgqg",
            "bafyreib4pff766vhpbxbhjbqqnsh5emeznvujayjj4z2iu533cprgbz23m",
            &"z".repeat(500),
            "bafkqac3imvwgy3zao5xxe3de",
        ] {
            assert!(bad.parse::<Cid>().is_err(), "{bad}");
        }
        for cut in 0..36 {
            assert!(Cid::from_bytes(&Cid::of(Codec::Raw, b"x").to_bytes()[..cut]).is_err());
        }
    }
}
