//! Texts in an XMP packet: RDF in XML, as WebP and AVIF carry it.
//!
//! Each text is one property `kiln:KEY` in a description of its own, so that what other programs
//! wrote into the same packet stays as it is.

use crate::{error::CodecError, format::Format};

const HEAD: &str = "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">";
const END: &str = "</rdf:RDF>";
const TAIL: &str = "</x:xmpmeta>";
const SPACE: &str = "urn:kiln:text#";

fn opening(key: &str) -> String {
    format!("<rdf:Description rdf:about=\"\" xmlns:kiln=\"{SPACE}\"><kiln:{key}>")
}

fn closing(key: &str) -> String {
    format!("</kiln:{key}></rdf:Description>")
}

/// Where in the packet the description with `key` lies: its start, its text, its end.
fn find<'a>(packet: &'a str, key: &str) -> Option<(usize, &'a str, usize)> {
    let (open, close) = (opening(key), closing(key));
    let start = packet.find(&open)?;
    let inner = &packet[start + open.len()..];
    let len = inner.find(&close)?;
    Some((start, &inner[..len], start + open.len() + len + close.len()))
}

/// The packet with the text in it; a new packet when there is none yet.
pub(super) fn with(
    packet: Option<&[u8]>,
    format: Format,
    key: &str,
    text: &str,
) -> Result<Vec<u8>, CodecError> {
    let mut packet = match packet {
        None => format!("{HEAD}{END}{TAIL}"),
        Some(bytes) => String::from_utf8(bytes.to_vec())
            .map_err(|_| CodecError::damaged(format, "its XMP is not UTF-8"))?,
    };
    if let Some((start, _, end)) = find(&packet, key) {
        packet.replace_range(start..end, "");
    }
    let at = packet.rfind(END).ok_or_else(|| CodecError::damaged(format, "its XMP holds no RDF"))?;
    let mut entry = opening(key);
    escape(text, format, &mut entry)?;
    entry.push_str(&closing(key));
    packet.insert_str(at, &entry);
    Ok(packet.into_bytes())
}

/// The text under `key` in the packet.
pub(super) fn text(packet: &[u8], format: Format, key: &str) -> Result<Option<String>, CodecError> {
    // A packet of another program may be UTF-16; it then holds nothing of ours.
    let Ok(packet) = std::str::from_utf8(packet) else { return Ok(None) };
    match find(packet, key) {
        None => Ok(None),
        Some((_, inner, _)) => {
            unescape(inner).map(Some).ok_or_else(|| CodecError::damaged(format, "its XMP text is malformed"))
        }
    }
}

fn escape(text: &str, format: Format, out: &mut String) -> Result<(), CodecError> {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A bare carriage return would be read as a line feed.
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            c if c.is_ascii_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                let remedy = format!("take the control character U+{:04X} out", u32::from(c));
                return Err(CodecError::Text { format, remedy });
            }
            c => out.push(c),
        }
    }
    Ok(())
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split('&');
    out.push_str(pieces.next()?);
    for piece in pieces {
        let (name, rest) = piece.split_once(';')?;
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            "#13" => '\r',
            _ => return None,
        });
        out.push_str(rest);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_live_side_by_side() {
        let one = with(None, Format::WebP, "a", "1 < 2 & \"é\"\r\n").unwrap();
        let two = with(Some(&one), Format::WebP, "b", "</kiln:a></rdf:Description>").unwrap();
        let three = with(Some(&two), Format::WebP, "a", "").unwrap();
        let get = |packet: &[u8], key| text(packet, Format::WebP, key).unwrap();
        assert_eq!(get(&two, "a").as_deref(), Some("1 < 2 & \"é\"\r\n"));
        assert_eq!(get(&three, "a").as_deref(), Some(""));
        assert_eq!(get(&three, "b").as_deref(), Some("</kiln:a></rdf:Description>"));
        assert_eq!(get(&three, "c"), None);
        assert!(with(None, Format::WebP, "a", "\u{1}").is_err());
    }
}
