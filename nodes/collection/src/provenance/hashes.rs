//! Digests of bytes and readers.

use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

/// A digest of 32 bytes, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

/// A text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 hexadecimal digits, not \"{}\"", .0.chars().take(80).collect::<String>())]
pub struct DigestError(String);

impl Digest {
    /// Nothing but noughts: what stands before the first link of a chain.
    pub const ZERO: Self = Self([0; 32]);

    /// SHA-256 of some bytes.
    #[must_use]
    pub fn sha256(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// blake3 of some bytes.
    #[must_use]
    pub fn blake3(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    /// Reads 64 hexadecimal digits, with `0x` before them or without.
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let wrong = || DigestError(text.to_owned());
        let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
        if digits.len() != 64 {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16).ok_or_else(wrong);
            *byte = u8::try_from(digit(0)? * 16 + digit(1)?).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a file's bytes come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashes {
    /// SHA-256.
    pub sha256: Digest,
    /// blake3.
    pub blake3: Digest,
    /// How many bytes.
    pub bytes: u64,
}

impl Hashes {
    /// Of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { sha256: Digest::sha256(bytes), blake3: Digest::blake3(bytes), bytes: bytes.len() as u64 }
    }

    /// Of everything a reader gives, in one reading.
    ///
    /// # Errors
    /// The reader fails.
    pub fn read(mut from: impl Read) -> io::Result<Self> {
        let (mut sha256, mut blake3) = (Sha256::new(), blake3::Hasher::new());
        let mut buffer = vec![0; 1 << 16];
        let mut bytes = 0;
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            sha256.update(&buffer[..count]);
            blake3.update(&buffer[..count]);
            bytes += count as u64;
        }
        Ok(Self {
            sha256: Digest(sha256.finalize().into()),
            blake3: Digest(*blake3.finalize().as_bytes()),
            bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests() {
        // FIPS 180-4, and blake3's own test vectors.
        let hashes = Hashes::of(b"abc");
        assert_eq!(
            hashes.sha256.to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            Hashes::of(b"").blake3.to_string(),
            "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
        );
        let long: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
        assert_eq!(Hashes::read(long.as_slice()).unwrap(), Hashes::of(&long));
    }

    #[test]
    fn digests_are_read_back_and_nothing_else_is() {
        let digest = Digest::sha256(b"x");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(format!("0x{digest}").to_uppercase().replace("0X", "0x").parse(), Ok(digest));
        for wrong in ["", "0x", "zz", &"g".repeat(64), &"é".repeat(32), &"a".repeat(65)] {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
        }
    }
}
