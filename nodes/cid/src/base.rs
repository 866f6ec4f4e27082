//! Bytes as text: base32, base58 and base16, as multibase spells them.

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Base 32 in small letters, without padding.
pub(crate) fn to_32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(BASE32[(held >> bits) as usize & 31]));
        }
    }
    if bits > 0 {
        text.push(char::from(BASE32[(held << (5 - bits)) as usize & 31]));
    }
    text
}

/// Reads base 32 in small or large letters; the bits left over have to be zero.
pub(crate) fn from_32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut held, mut bits) = (0u32, 0);
    for letter in text.bytes() {
        let value = match letter.to_ascii_lowercase() {
            l @ b'a'..=b'z' => l - b'a',
            l @ b'2'..=b'7' => l - b'2' + 26,
            _ => return None,
        };
        held = (held << 5) | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    (bits < 5 && held & ((1 << bits) - 1) == 0).then_some(bytes)
}

/// Base 58, as Bitcoin spells it.
pub(crate) fn to_58(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|b| **b == 0).count();
    let mut digits: Vec<u8> = Vec::new();
    for byte in &bytes[zeros..] {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            digits.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    let digit = |d: &u8| char::from(BASE58[usize::from(*d)]);
    std::iter::repeat_n('1', zeros).chain(digits.iter().rev().map(digit)).collect()
}

/// Reads base 58. The time grows with the square of the length: only for short texts.
pub(crate) fn from_58(text: &str) -> Option<Vec<u8>> {
    let zeros = text.bytes().take_while(|b| *b == b'1').count();
    let mut bytes: Vec<u8> = Vec::new();
    for letter in text.bytes().skip(zeros) {
        let mut carry = BASE58.iter().position(|l| *l == letter)? as u32;
        for byte in &mut bytes {
            carry += u32::from(*byte) * 58;
            *byte = carry as u8;
            carry >>= 8;
        }
        while carry > 0 {
            bytes.push(carry as u8);
            carry >>= 8;
        }
    }
    Some(std::iter::repeat_n(0, zeros).chain(bytes.into_iter().rev()).collect())
}

/// Reads hexadecimal digits.
pub(crate) fn from_16(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|p| Some(digit(p[0])? << 4 | digit(p[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_texts() {
        assert_eq!(to_32(b"foobar"), "mzxw6ytboi");
        assert_eq!(to_58(b"hello world"), "StV1DL6CwTryKyV");
        assert_eq!(to_58(&[0, 0, 1]), "112");
        assert_eq!(from_16("00fF"), Some(vec![0, 255]));
        assert_eq!((from_16("0"), from_16("zz"), from_32("1"), from_58("0")), (None, None, None, None));
        assert_eq!(from_32("mzxw6ytboj"), None, "bits left over");
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert_eq!(from_32(&to_32(&bytes)), Some(bytes.clone()));
            prop_assert_eq!(from_32(&to_32(&bytes).to_uppercase()), Some(bytes.clone()));
            prop_assert_eq!(from_58(&to_58(&bytes)), Some(bytes));
        }
    }
}
