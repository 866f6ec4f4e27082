//! How one value lies in a file of the cache.
//!
//! ```text
//! "KILNKV" | version u8 | flags u8 | type length u16 | encoding u32 | length u64 | stored length u64
//! | blake3 of (key, all of the above, type, payload) [32] | type | payload
//! ```
//! Integers are little-endian. The hash covers the key and the header too, so that a file under a wrong
//! name, or one flipped bit in the type, is no value. A payload that shrinks by more than a tenth is
//! stored compressed; it is hashed as stored, so nothing unverified is ever decompressed.

use kiln_types::Key;

use crate::cache::Stored;

const MAGIC: &[u8; 6] = b"KILNKV";
const VERSION: u8 = 1;
const LZ4: u8 = 1;
/// Everything before the type's name.
pub(crate) const HEADER: usize = 6 + 1 + 1 + 2 + 4 + 8 + 8 + 32;
const HASH_AT: usize = HEADER - 32;

/// The longest value that is kept.
pub(crate) const MAX_VALUE: u64 = 8 << 30;
/// The longest file that can hold one.
pub(crate) const MAX_FILE: u64 = MAX_VALUE + HEADER as u64 + u16::MAX as u64;
/// Larger values are kept as they are: the compressor counts in 32 bits.
const MAX_COMPRESSED: usize = 1 << 30;

fn digest(key: &Key, head: &[u8], rest: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&key.0).update(head);
    for part in rest {
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

/// A file's bytes; `None` if the type's name or the value is too long to be kept.
pub(crate) fn encode(key: &Key, type_name: &str, encoding: u32, bytes: &[u8]) -> Option<Vec<u8>> {
    let type_len = u16::try_from(type_name.len()).ok()?;
    if bytes.len() as u64 > MAX_VALUE {
        return None;
    }
    let squeezed = compress(bytes);
    let payload = squeezed.as_deref().unwrap_or(bytes);
    let mut out = Vec::with_capacity(HEADER + type_name.len() + payload.len());
    out.extend_from_slice(MAGIC);
    out.push(VERSION);
    out.push(if squeezed.is_some() { LZ4 } else { 0 });
    out.extend_from_slice(&type_len.to_le_bytes());
    out.extend_from_slice(&encoding.to_le_bytes());
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    let hash = digest(key, &out, &[type_name.as_bytes(), payload]);
    out.extend_from_slice(&hash);
    out.extend_from_slice(type_name.as_bytes());
    out.extend_from_slice(payload);
    Some(out)
}

/// The value a file holds, if it is whole and is the value of this key.
pub(crate) fn decode(key: &Key, mut file: Vec<u8>) -> Option<Stored> {
    let header: &[u8; HEADER] = file.first_chunk()?;
    let (magic, rest) = header.split_first_chunk::<6>()?;
    let (&[version, flags], rest) = rest.split_first_chunk::<2>()?;
    let (type_len, rest) = rest.split_first_chunk::<2>()?;
    let (encoding, rest) = rest.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let (stored, hash) = rest.split_first_chunk::<8>()?;
    if magic != MAGIC || version != VERSION || flags & !LZ4 != 0 {
        return None;
    }
    let type_len = usize::from(u16::from_le_bytes(*type_len));
    let encoding = u32::from_le_bytes(*encoding);
    let length = u64::from_le_bytes(*length);
    // The file must be exactly as long as it says; only then is its length a length to trust.
    let start = HEADER + type_len;
    let stored = u64::from_le_bytes(*stored);
    if length > MAX_VALUE || (file.len() as u64).checked_sub(start as u64)? != stored {
        return None;
    }
    if digest(key, &header[..HASH_AT], &[&file[HEADER..]]) != *hash {
        return None;
    }
    let type_name = std::str::from_utf8(&file[HEADER..start]).ok()?.to_owned();
    let bytes = if flags & LZ4 == 0 {
        file.drain(..start);
        file
    } else {
        let length = usize::try_from(length).ok()?;
        // Verified above, so this length is one that `encode` wrote; the guard is against a forged file:
        // one compressed byte never stands for more than 255.
        if length > MAX_COMPRESSED || length / 256 > file.len() {
            return None;
        }
        lz4_flex::block::decompress(&file[start..], length).ok()?
    };
    (bytes.len() as u64 == length).then_some(Stored { type_name, encoding, bytes })
}

/// The bytes compressed, if that makes them more than a tenth smaller. Float pictures hardly ever shrink,
/// so a few samples decide whether the whole is worth the time.
fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    const SAMPLE: usize = 16 << 10;
    if bytes.len() < 128 || bytes.len() > MAX_COMPRESSED {
        return None;
    }
    let shrinks = |from: usize, to: usize| to < from / 10 * 9;
    if bytes.len() > 8 * SAMPLE {
        let starts = [0, bytes.len() / 3, bytes.len() / 3 * 2];
        let packed: usize =
            starts.iter().map(|&at| lz4_flex::block::compress(&bytes[at..at + SAMPLE]).len()).sum();
        if !shrinks(SAMPLE * starts.len(), packed) {
            return None;
        }
    }
    let packed = lz4_flex::block::compress(bytes);
    shrinks(bytes.len(), packed.len()).then_some(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key([7; 32]);

    fn noise(n: usize) -> Vec<u8> {
        let mut out = vec![0; n];
        blake3::Hasher::new().finalize_xof().fill(&mut out);
        out
    }

    #[test]
    fn values_round_trip() {
        for bytes in [vec![], vec![1], noise(1000), vec![3; 1 << 20], noise(1 << 20)] {
            let file = encode(&KEY, "image", 2, &bytes).unwrap();
            let back = decode(&KEY, file).unwrap();
            assert_eq!((back.type_name.as_str(), back.encoding), ("image", 2));
            assert!(back.bytes == bytes);
        }
    }

    #[test]
    fn only_what_shrinks_is_compressed() {
        assert!(encode(&KEY, "t", 1, &vec![0; 1 << 20]).unwrap().len() < 1 << 13);
        assert_eq!(encode(&KEY, "t", 1, &noise(1 << 20)).unwrap().len(), HEADER + 1 + (1 << 20));
    }

    #[test]
    fn nothing_but_the_whole_file_is_a_value() {
        for bytes in [noise(200), vec![5; 4000]] {
            let file = encode(&KEY, "image", 1, &bytes).unwrap();
            for cut in 0..file.len() {
                assert!(decode(&KEY, file[..cut].to_vec()).is_none(), "cut at {cut}");
            }
            for at in 0..file.len() {
                let mut bad = file.clone();
                bad[at] ^= 1 << (at % 8);
                assert!(decode(&KEY, bad).is_none(), "flipped at {at}");
            }
            let mut long = file.clone();
            long.push(0);
            assert!(decode(&KEY, long).is_none());
            assert!(decode(&Key([8; 32]), file).is_none(), "another key's file");
        }
    }

    #[test]
    fn forged_lengths_allocate_nothing() {
        for (length, stored) in [(u64::MAX, u64::MAX), (MAX_VALUE, 10), (1 << 30, 10), (10, u64::MAX)] {
            let mut file = MAGIC.to_vec();
            file.extend([VERSION, LZ4]);
            file.extend(0_u16.to_le_bytes());
            file.extend(1_u32.to_le_bytes());
            file.extend(length.to_le_bytes());
            file.extend(stored.to_le_bytes());
            let hash = digest(&KEY, &file, &[&[0; 10]]);
            file.extend(hash);
            file.extend([0; 10]);
            assert!(decode(&KEY, file).is_none());
        }
        assert!(encode(&KEY, &"x".repeat(70_000), 1, b"").is_none());
    }
}
