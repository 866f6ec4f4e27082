//! Numbers: decimal, `0x`, `0o`, `0b`, underscores, type suffixes, floats.

use crate::Lit;

/// The length of the text that looks like a number from here.
pub(crate) fn len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let signed = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let radix = matches!(bytes.get(signed..signed + 2), Some(b"0x" | b"0o" | b"0b"));
    let mut at = signed;
    while let Some(byte) = bytes.get(at) {
        let after_e = at > 0 && matches!(bytes[at - 1], b'e' | b'E') && !radix;
        match byte {
            b'.' if bytes.get(at + 1) == Some(&b'.') => break,
            b'.' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => at += 1,
            b'+' | b'-' if after_e => at += 1,
            _ => break,
        }
    }
    at
}

/// Reads a number; `Err` says what is wrong with it.
pub(crate) fn read(text: &str) -> Result<Lit, String> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let radix = match digits.get(..2) {
        Some("0x") => 16,
        Some("0o") => 8,
        Some("0b") => 2,
        _ => 10,
    };
    match digits {
        "inf" | "inff32" | "inff64" => {
            return Ok(Lit::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY }));
        }
        "NaN" | "NaNf32" | "NaNf64" => return Err(format!("`{text}` is not a number a document can hold")),
        _ => {}
    }
    let float = radix == 10
        && (digits.contains(['.', 'e', 'E']) || digits.ends_with("f32") || digits.ends_with("f64"));
    if float { read_float(text, digits, negative) } else { read_int(text, digits, radix, negative) }
}

fn read_float(text: &str, digits: &str, negative: bool) -> Result<Lit, String> {
    let digits = digits.strip_suffix("f32").or_else(|| digits.strip_suffix("f64")).unwrap_or(digits);
    let no_number = || format!("`{text}` is not a number");
    let clean_start = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if !clean_start
        || digits.bytes().any(|b| !matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-' | b'_'))
    {
        return Err(no_number());
    }
    // An underscore follows a digit or another underscore.
    let bytes = digits.as_bytes();
    if bytes.windows(2).any(|w| w[1] == b'_' && !(w[0].is_ascii_digit() || w[0] == b'_')) {
        return Err(no_number());
    }
    let value: f64 = digits.replace('_', "").parse().map_err(|_| no_number())?;
    if value.is_infinite() {
        return Err(format!(
            "`{text}` is too large for a number with a fraction (64 bits); infinity is `inf`"
        ));
    }
    Ok(Lit::Float(if negative { -value } else { value }))
}

fn read_int(text: &str, digits: &str, radix: u32, negative: bool) -> Result<Lit, String> {
    let digits = if radix == 10 { digits } else { &digits[2..] };
    let (digits, suffix) = match digits.find(['i', 'u']) {
        Some(at) => digits.split_at(at),
        None => (digits, ""),
    };
    if digits.is_empty() || digits.starts_with('_') || !digits.chars().all(|c| c == '_' || c.is_digit(radix))
    {
        return Err(format!("`{text}` is not a number"));
    }
    let too_large = || format!("`{text}` is too large for a whole number (128 bits, signed)");
    // The sign goes into the text, so that the smallest number can be read.
    let signed = format!("{}{}", if negative { "-" } else { "" }, digits.replace('_', ""));
    let value = i128::from_str_radix(&signed, radix).map_err(|_| too_large())?;
    let fits = match suffix {
        "" | "i128" => true,
        "u128" => value >= 0,
        "i8" => i8::try_from(value).is_ok(),
        "i16" => i16::try_from(value).is_ok(),
        "i32" => i32::try_from(value).is_ok(),
        "i64" => i64::try_from(value).is_ok(),
        "u8" => u8::try_from(value).is_ok(),
        "u16" => u16::try_from(value).is_ok(),
        "u32" => u32::try_from(value).is_ok(),
        "u64" => u64::try_from(value).is_ok(),
        _ => return Err(format!("`{text}` is not a number")),
    };
    if fits { Ok(Lit::Int(value)) } else { Err(format!("`{text}` does not fit its type, `{suffix}`")) }
}
