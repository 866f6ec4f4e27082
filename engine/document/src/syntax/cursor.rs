//! Walking through the text: places, whitespace, comments.

use crate::{problem::Pos, text};

/// A position in the text that only moves forward.
pub(crate) struct Cursor<'a> {
    pub(crate) text: &'a str,
    pub(crate) offset: usize,
    /// The last place that was asked for, from which the next one is counted.
    marked: usize,
    pos: Pos,
    /// The comments just skipped, and the line breaks after the last of them.
    pub(crate) trivia: Vec<Trivium<'a>>,
    pub(crate) breaks: u32,
}

/// A comment and how many line breaks stand before it.
#[derive(Clone, Copy)]
pub(crate) struct Trivium<'a> {
    pub(crate) text: &'a str,
    pub(crate) breaks: u32,
}

impl Trivium<'_> {
    pub(crate) fn is_line(&self) -> bool {
        self.text.starts_with("//")
    }

    /// The comment as it is kept: without trailing blanks and carriage returns.
    pub(crate) fn kept(&self) -> String {
        self.text.trim_end().replace("\r\n", "\n").replace('\r', " ")
    }
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, offset: 0, marked: 0, pos: Pos { line: 1, column: 1 }, trivia: Vec::new(), breaks: 0 }
    }

    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    pub(crate) fn peek_byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The place of the cursor.
    pub(crate) fn pos(&mut self) -> Pos {
        for byte in self.text.as_bytes().get(self.marked..self.offset).unwrap_or_default() {
            if *byte == b'\n' {
                self.pos = Pos { line: self.pos.line + 1, column: 1 };
            } else if byte & 0xC0 != 0x80 {
                self.pos.column += 1;
            }
        }
        self.marked = self.marked.max(self.offset);
        self.pos
    }

    /// Skips whitespace and comments, and remembers the comments. `Err`: the offset of a block comment that is
    /// never closed, where the cursor then stands.
    pub(crate) fn skip_trivia(&mut self) -> Result<(), ()> {
        self.trivia.clear();
        self.breaks = 0;
        loop {
            match self.peek_byte() {
                Some(b'\n') => {
                    self.breaks += 1;
                    self.offset += 1;
                }
                Some(b' ' | b'\t' | b'\r') => self.offset += 1,
                Some(b'/') => {
                    let Some(len) = comment_len(self.rest()) else { return Ok(()) };
                    let len = len?;
                    let text = &self.rest()[..len];
                    self.trivia.push(Trivium { text, breaks: self.breaks });
                    self.breaks = 0;
                    self.offset += len;
                }
                Some(0x0B | 0x0C | 0x80..) => match self.peek() {
                    Some(c) if text::is_space(c) => self.offset += c.len_utf8(),
                    _ => return Ok(()),
                },
                _ => return Ok(()),
            }
        }
    }

    /// Goes back to an offset seen before; places are never asked for behind the furthest one.
    pub(crate) fn rewind(&mut self, offset: usize) {
        self.offset = offset;
    }

    /// Whether a field begins here: a name, then a colon.
    pub(crate) fn at_field(&self) -> bool {
        let Some((_, len)) = ident(self.rest()) else { return false };
        let mut rest = &self.rest()[len..];
        loop {
            let trimmed = rest.trim_start_matches(text::is_space);
            match comment_len(trimmed) {
                Some(Ok(len)) => rest = &trimmed[len..],
                _ => return trimmed.starts_with(':') && !trimmed.starts_with("::"),
            }
        }
    }
}

/// The length of the comment that begins here, without the line break that ends it. `Err`: it never ends.
fn comment_len(text: &str) -> Option<Result<usize, ()>> {
    if text.starts_with("//") {
        return Some(Ok(text.find('\n').unwrap_or(text.len())));
    }
    text.starts_with("/*").then(|| block_comment_len(text).ok_or(()))
}

/// The length of the block comment that begins here, nested ones included, if it is closed.
pub(crate) fn block_comment_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => {
                (depth, at) = (depth.saturating_sub(1), at + 2);
                if depth == 0 {
                    return Some(at);
                }
            }
            _ if depth == 0 => return None,
            _ => at += 1,
        }
    }
    None
}

/// The name that begins here, and its length in the text (`r#` included).
pub(crate) fn ident(text: &str) -> Option<(&str, usize)> {
    for prefix in ["b\"", "b'", "br#", "br\"", "r\"", "r#\"", "r##"] {
        if text.starts_with(prefix) {
            return None;
        }
    }
    if let Some(raw) = text.strip_prefix("r#") {
        let len = raw.find(|c| !text::is_raw_ident_char(c)).unwrap_or(raw.len());
        return (len > 0).then(|| (&raw[..len], len + 2));
    }
    let first = text.chars().next().filter(|c| text::is_ident_start(*c))?;
    let tail = &text[first.len_utf8()..];
    let len = first.len_utf8() + tail.find(|c| !text::is_ident_char(c)).unwrap_or(tail.len());
    Some((&text[..len], len))
}
