//! How names, numbers and strings are spelled in RON.

use std::fmt;

use unicode_ident::{is_xid_continue, is_xid_start};

/// Whitespace, as RON has it.
pub(crate) fn is_space(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t'
            | '\n'
            | '\r'
            | '\x0B'
            | '\x0C'
            | '\u{85}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{2028}'
            | '\u{2029}'
    )
}

pub(crate) fn is_ident_start(c: char) -> bool {
    c == '_' || is_xid_start(c)
}

pub(crate) fn is_ident_char(c: char) -> bool {
    is_xid_continue(c)
}

/// What may stand in a raw identifier, `r#some-name`.
pub(crate) fn is_raw_ident_char(c: char) -> bool {
    matches!(c, '.' | '+' | '-') || is_xid_continue(c)
}

/// Whether a character is invisible, or moves what stands around it: these are escaped so that what a reviewer
/// sees is what is there.
fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{FEFF}' | '\u{200E}' | '\u{200F}' | '\u{2028}' | '\u{2029}'
            | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// A string with its quotes, on one line, with as few escapes as will do.
pub(crate) fn write_quoted(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    let mut start = 0;
    for (at, c) in text.char_indices() {
        if !(c == '"' || c == '\\' || needs_escape(c)) {
            continue;
        }
        out.write_str(&text[start..at])?;
        start = at + c.len_utf8();
        match c {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            '\0' => out.write_str("\\0")?,
            c => write!(out, "\\u{{{:x}}}", u32::from(c))?,
        }
    }
    out.write_str(&text[start..])?;
    out.write_char('"')
}

/// A character with its quotes.
pub(crate) fn write_char(out: &mut impl fmt::Write, c: char) -> fmt::Result {
    match c {
        '\'' => out.write_str("'\\''"),
        '\\' => out.write_str("'\\\\'"),
        '\n' => out.write_str("'\\n'"),
        '\r' => out.write_str("'\\r'"),
        '\t' => out.write_str("'\\t'"),
        '\0' => out.write_str("'\\0'"),
        c if needs_escape(c) => write!(out, "'\\u{{{:x}}}'", u32::from(c)),
        c => write!(out, "'{c}'"),
    }
}

/// Whether a text is worth a raw string over several lines: it has line breaks, and nothing in it that an editor
/// or a version control might change unseen (trailing blanks, carriage returns, invisible characters).
pub(crate) fn reads_well_raw(text: &str) -> bool {
    text.contains('\n')
        && !text.trim_matches('\n').is_empty()
        && !text.chars().any(|c| c != '\n' && needs_escape(c))
        && !text.split('\n').any(|line| line.ends_with(is_space))
}

/// A raw string with as many `#` as it needs.
pub(crate) fn write_raw(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    let mut hashes = 0;
    let mut run = None;
    for c in text.chars() {
        run = match (c, run) {
            ('"', _) => Some(0),
            ('#', Some(n)) => Some(n + 1),
            _ => None,
        };
        hashes = hashes.max(run.map_or(0, |n: usize| n + 1));
    }
    out.write_char('r')?;
    (0..hashes).try_for_each(|_| out.write_char('#'))?;
    out.write_char('"')?;
    out.write_str(text)?;
    out.write_char('"')?;
    (0..hashes).try_for_each(|_| out.write_char('#'))
}

/// Words that RON reads as values, so that as a name they need `r#`.
pub(crate) fn is_value_word(name: &str) -> bool {
    matches!(name, "true" | "false" | "inf" | "inff32" | "inff64" | "NaN" | "NaNf32" | "NaNf64")
}

/// A name: bare if that will do, else raw. What RON has no way to write is replaced by `_`.
pub(crate) fn write_name(out: &mut impl fmt::Write, name: &str, force_raw: bool) -> fmt::Result {
    let mut chars = name.chars();
    let plain = chars.next().is_some_and(is_ident_start) && chars.all(is_ident_char);
    if plain && !force_raw {
        return out.write_str(name);
    }
    if name.is_empty() {
        return out.write_char('_');
    }
    out.write_str("r#")?;
    name.chars().try_for_each(|c| out.write_char(if is_raw_ident_char(c) { c } else { '_' }))
}

/// A float in the shortest spelling that reads back the same.
pub(crate) fn write_float(out: &mut impl fmt::Write, value: f64) -> fmt::Result {
    // Rust's `{:?}` is that spelling, with `.0` or an exponent so that it stays a float.
    write!(out, "{value:?}")
}
