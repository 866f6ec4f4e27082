//! The hash by which large folders are divided: the first half of MurmurHash3 for 64-bit machines, 128 bits.

const C1: u64 = 0x87c3_7b91_1142_53d5;
const C2: u64 = 0x4cf5_ad43_2745_937f;

fn part(k: u64, first: bool) -> u64 {
    if first {
        k.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2)
    } else {
        k.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1)
    }
}

fn last(mut k: u64) -> u64 {
    k = (k ^ (k >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    k = (k ^ (k >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    k ^ (k >> 33)
}

/// A little-endian number of up to eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b))
}

/// The hash, the byte that divides first in front.
pub(crate) fn hash(bytes: &[u8]) -> [u8; 8] {
    let (mut h1, mut h2) = (0u64, 0u64);
    let blocks = bytes.chunks_exact(16);
    let tail = blocks.remainder();
    for block in blocks {
        h1 ^= part(number(&block[..8]), true);
        h1 = h1.rotate_left(27).wrapping_add(h2).wrapping_mul(5).wrapping_add(0x52dc_e729);
        h2 ^= part(number(&block[8..]), false);
        h2 = h2.rotate_left(31).wrapping_add(h1).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    if tail.len() > 8 {
        h2 ^= part(number(&tail[8..]), false);
    }
    if !tail.is_empty() {
        h1 ^= part(number(&tail[..tail.len().min(8)]), true);
    }
    h1 ^= bytes.len() as u64;
    h2 ^= bytes.len() as u64;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    (h1, h2) = (last(h1), last(h2));
    h1.wrapping_add(h2).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn known_hashes() {
        // From the reference implementation: the first half for the empty text and for "hello".
        assert_eq!(hash(b""), [0; 8]);
        assert_eq!(hash(b"hello"), 0xcbd8_a7b3_41bd_9b02_u64.to_be_bytes());
        assert_eq!(
            hash(b"The quick brown fox jumps over the lazy dog"),
            0xe34b_bc7b_bc07_1b6c_u64.to_be_bytes()
        );
    }
}
