//! Strings and characters: escapes, raw strings, line continuation.
//!
//! A line break in a string is `\n` whatever the file's line ends are: otherwise a checkout on another system
//! would change what a graph means.

/// What is wrong with a string: how far into it, and what.
pub(crate) struct Slip {
    pub(crate) at: usize,
    pub(crate) what: String,
}

fn slip<T>(at: usize, what: impl Into<String>) -> Result<T, Slip> {
    Err(Slip { at, what: what.into() })
}

/// Reads the string that begins here with its quote; gives it and its length in the text.
pub(crate) fn read_quoted(text: &str) -> Result<(String, usize), Slip> {
    let mut out = String::new();
    let mut at = 1;
    loop {
        let rest = &text[at..];
        let Some(len) = rest.find(['"', '\\', '\r']) else { return slip(0, "this string is never closed") };
        out.push_str(&rest[..len]);
        at += len;
        match rest.as_bytes()[len] {
            b'"' => return Ok((out, at + 1)),
            b'\r' => {
                if text.as_bytes().get(at + 1) != Some(&b'\n') {
                    out.push('\r');
                }
                at += 1;
            }
            _ => at += escape(&text[at..], Some(&mut out)).map_err(|s| Slip { at: at + s.at, ..s })?.1,
        }
    }
}

/// Reads the raw string that begins here with its `r`.
pub(crate) fn read_raw(text: &str) -> Result<(String, usize), Slip> {
    let hashes = text[1..].bytes().take_while(|b| *b == b'#').count();
    let start = 1 + hashes + 1;
    if text.as_bytes().get(start - 1) != Some(&b'"') {
        return slip(0, "a raw string begins with `r\"` or `r#\"`");
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let Some(len) = text[start..].find(&end) else {
        return slip(0, format!("this raw string is never closed: it ends with `{end}`"));
    };
    Ok((text[start..start + len].replace("\r\n", "\n"), start + len + end.len()))
}

/// Reads the character that begins here with its quote.
pub(crate) fn read_char(text: &str) -> Result<(char, usize), Slip> {
    let (c, len) = match text[1..].chars().next() {
        None => return slip(0, "this character is never closed"),
        Some('\\') => match escape(&text[1..], None).map_err(|s| Slip { at: 1 + s.at, ..s })? {
            (Some(c), len) => (c, len),
            (None, _) => return slip(1, "a character cannot be a line continuation"),
        },
        Some('\'') => return slip(0, "there is no character between the quotes"),
        Some(c) => (c, c.len_utf8()),
    };
    if text[1 + len..].starts_with('\'') {
        Ok((c, len + 2))
    } else {
        slip(0, "a character in single quotes is closed after the first; a text stands in double quotes")
    }
}

/// Reads an escape, backslash included. In a string it is pushed; several `\x` may make one character there.
fn escape(text: &str, out: Option<&mut String>) -> Result<(Option<char>, usize), Slip> {
    let bytes = text.as_bytes();
    let (c, len) = match bytes.get(1) {
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'0') => ('\0', 2),
        Some(b'\\') => ('\\', 2),
        Some(b'"') => ('"', 2),
        Some(b'\'') => ('\'', 2),
        Some(b'x') => hex_bytes(text, if out.is_some() { 4 } else { 1 })?,
        Some(b'u') => unicode(text)?,
        Some(b'\n' | b'\r') if out.is_some() && (text.starts_with("\\\n") || text.starts_with("\\\r\n")) => {
            let blank = text[1..].bytes().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
            return Ok((None, 1 + blank));
        }
        _ => {
            let shown: String = text.chars().take(2).filter(|c| !c.is_control()).collect();
            return slip(0, format!("`{shown}` is not an escape; a backslash is written `\\\\`"));
        }
    };
    if let Some(out) = out {
        out.push(c);
    }
    Ok((Some(c), len))
}

/// `\x41`; up to `most` of them in a row make one character in UTF-8.
fn hex_bytes(text: &str, most: usize) -> Result<(char, usize), Slip> {
    let mut bytes = Vec::new();
    while bytes.len() < most && text[bytes.len() * 4..].starts_with("\\x") {
        let at = bytes.len() * 4;
        let digits = text.get(at + 2..at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(Ok(byte)) = digits.map(|d| u8::from_str_radix(d, 16)) else {
            return slip(at, "`\\x` is followed by two hexadecimal digits");
        };
        bytes.push(byte);
        if let Some(c) = std::str::from_utf8(&bytes).ok().and_then(|s| s.chars().next()) {
            return Ok((c, bytes.len() * 4));
        }
    }
    slip(0, "these `\\x` escapes are not a character; write it as `\\u{...}`")
}

/// `\u{1F600}`
fn unicode(text: &str) -> Result<(char, usize), Slip> {
    let digits = text.strip_prefix("\\u{").and_then(|t| t.split_once('}')).map(|(digits, _)| digits);
    let digits = digits.filter(|d| (1..=6).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_hexdigit()));
    let code = digits.and_then(|d| u32::from_str_radix(d, 16).ok());
    match (code.and_then(char::from_u32), digits) {
        (Some(c), Some(digits)) => Ok((c, 4 + digits.len())),
        (None, Some(digits)) => slip(0, format!("`\\u{{{digits}}}` is not a character of Unicode")),
        _ => slip(0, "`\\u` is followed by 1 to 6 hexadecimal digits in braces: `\\u{1F600}`"),
    }
}
