//! Whole numbers of seven bits a byte, the least first.

/// Writes a number.
pub(crate) fn put(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number as u8 & 0x7f) | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// How many bytes [`put`] writes.
pub(crate) fn len(number: u64) -> usize {
    (64 - (number | 1).leading_zeros() as usize).div_ceil(7)
}

/// Reads a number off the front; `None` when it is cut off, longer than 64 bits, or written longer than it must be.
pub(crate) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for at in 0..10 {
        let byte = *bytes.get(at)?;
        let bits = u64::from(byte & 0x7f);
        if at == 9 && byte > 1 {
            return None;
        }
        number |= bits << (7 * at);
        if byte & 0x80 == 0 {
            if byte == 0 && at > 0 {
                return None;
            }
            *bytes = &bytes[at + 1..];
            return Some(number);
        }
    }
    None
}

/// Reads a number of bytes and then so many bytes off the front.
pub(crate) fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(take(bytes)?).ok()?;
    let (head, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for n in [0, 1, 127, 128, 300, 16_383, 16_384, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut out = Vec::new();
            put(n, &mut out);
            assert_eq!(out.len(), len(n), "{n}");
            let mut rest = out.as_slice();
            assert_eq!((take(&mut rest), rest.len()), (Some(n), 0));
            assert_eq!(take(&mut &out[..out.len() - 1]), None, "cut off");
        }
        assert_eq!(take(&mut [0x80, 0].as_slice()), None, "longer than it must be");
        assert_eq!(take(&mut [0xff; 10].as_slice()), None, "too large");
        assert_eq!(take_bytes(&mut [3, 1, 2].as_slice()), None);
    }
}
