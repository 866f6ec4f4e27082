//! Bytes as `0x…` in the log's JSON.

use serde::{Deserialize, Deserializer, Serializer, de};

/// Bytes as lower-case hexadecimal digits behind `0x`.
#[must_use]
pub fn show(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("0x");
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
    text
}

/// Reads `0x…`; `None` if it is anything else.
#[must_use]
pub fn read(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// Reads `0x…` of exactly so many bytes.
#[must_use]
pub fn read_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    read(text)?.try_into().ok()
}

/// For `#[serde(with = "hex::bytes")]`.
pub(crate) mod bytes {
    use super::{Deserialize, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::show(bytes))
    }
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        super::read(&text).ok_or_else(|| de::Error::custom("not hexadecimal"))
    }
}

/// For `#[serde(with = "hex::array")]`.
pub(crate) mod array {
    use super::{Deserialize, Deserializer, Serializer, de};

    pub(crate) fn serialize<const N: usize, S: Serializer>(
        bytes: &[u8; N],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::show(bytes))
    }
    pub(crate) fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
        from: D,
    ) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(from)?;
        super::read_array(&text).ok_or_else(|| de::Error::custom(format!("not {N} bytes in hexadecimal")))
    }
}

/// The same for a value that may be missing.
pub(crate) mod maybe {
    use super::{Deserialize, Deserializer, Serializer, de};

    #[expect(clippy::ref_option, reason = "serde asks for this form")]
    pub(crate) fn serialize<const N: usize, S: Serializer>(
        bytes: &Option<[u8; N]>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => to.serialize_some(&super::show(bytes)),
            None => to.serialize_none(),
        }
    }
    pub(crate) fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<[u8; N]>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|t| super::read_array(&t).ok_or_else(|| de::Error::custom(format!("not {N} bytes"))))
            .transpose()
    }
}

/// Numbers beyond what JSON's readers take, as text.
pub(crate) mod number {
    use super::{Deserialize, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(number: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&number.to_string())
    }
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        String::deserialize(from)?.parse().map_err(|_| de::Error::custom("not a number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        assert_eq!(show(&[0, 0xab, 255]), "0x00abff");
        assert_eq!(read("0x00abFF"), Some(vec![0, 0xab, 255]));
        for odd in ["", "00", "0x0", "0xzz", "0x+1"] {
            assert_eq!(read(odd), None, "{odd}");
        }
        assert_eq!(read_array::<2>("0x010203"), None);
    }
}
