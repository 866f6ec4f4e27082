//! Puts a [`Doc`] on one line if it fits, and breaks it if not.

use std::fmt::{self, Write as _};

use super::doc::{Brackets, Doc, Item, ItemKey, flat_lit, parts};
use crate::{
    Comments, Lit,
    comments::{Notes, clean},
    text,
};

/// A line is broken when it would be longer than this, in characters.
const WIDTH: usize = 100;

/// Which blank lines before an entry are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Blanks {
    /// None: people group nodes, not fields.
    None,
    /// Those between comments, but none at the beginning.
    Inner,
    /// All of them, one at a time.
    All,
}

/// The text so far, and where in the document we are.
pub(super) struct Printer<'a> {
    pub(super) out: String,
    pub(super) comments: &'a Comments,
    /// The path within the graph; kept only where there are comments to look up.
    pub(super) path: String,
    pub(super) indent: usize,
    /// How many comments were written.
    pub(super) said: usize,
}

// Writing to a string cannot fail, so the results of `write!` and its like are dropped here.
impl<'a> Printer<'a> {
    /// The way into an entry; give the result to [`Printer::leave`].
    pub(super) fn enter(&mut self, key: ItemKey<'_>) -> usize {
        let len = self.path.len();
        if !self.comments.is_empty() {
            key.step(&mut self.path);
        }
        len
    }

    pub(super) fn leave(&mut self, len: usize) {
        self.path.truncate(len);
    }

    pub(super) fn start_line(&mut self) {
        (0..self.indent).for_each(|_| self.out.push_str("    "));
    }

    /// A comment on lines of its own.
    fn comment(&mut self, comment: &str) {
        let comment = clean(comment);
        self.said += usize::from(!comment.is_empty());
        // The lines within a block comment are its own; those of several line comments are ours.
        if comment.starts_with("//") {
            for line in comment.lines() {
                self.start_line();
                self.out.push_str(line.trim_end());
                self.out.push('\n');
            }
        } else if comment.is_empty() {
            self.out.push('\n');
        } else {
            self.start_line();
            self.out.push_str(&comment);
            self.out.push('\n');
        }
    }

    /// Comments on lines of their own.
    pub(super) fn comments(&mut self, comments: &[String], blanks: Blanks) {
        // Two blank lines say no more than one.
        let mut last_blank = blanks == Blanks::Inner;
        for comment in comments {
            let blank = comment.is_empty();
            if !blank || (blanks != Blanks::None && !last_blank) {
                self.comment(comment);
            }
            last_blank = blank;
        }
    }

    /// An entry on lines of its own, with its comments.
    pub(super) fn item(&mut self, item: &Item<'a>, blanks: Blanks) {
        let len = self.enter(item.key);
        let notes = self.notes();
        self.before(notes, blanks);
        self.start_line();
        let _ = item.key.write(&mut self.out);
        self.doc(&item.doc);
        self.out.push(',');
        self.after(notes);
        self.leave(len);
    }

    pub(super) fn notes(&self) -> Option<&'a Notes> {
        if self.comments.is_empty() { None } else { self.comments.get(&self.path) }
    }

    /// What stands before an entry: its comments, and those for the end of its line that cannot all stand there.
    pub(super) fn before(&mut self, notes: Option<&Notes>, blanks: Blanks) {
        let Some(notes) = notes else { return };
        self.comments(&notes.before, blanks);
        let (_, rest) = split_after(&notes.after);
        self.comments(&rest, Blanks::None);
    }

    /// What ends the line of an entry, and the line break.
    pub(super) fn after(&mut self, notes: Option<&Notes>) {
        for comment in notes.map(|notes| split_after(&notes.after).0).into_iter().flatten() {
            self.said += 1;
            self.out.push(' ');
            self.out.push_str(&comment);
        }
        self.out.push('\n');
    }

    /// A value, behind its key.
    fn doc(&mut self, doc: &Doc<'a>) {
        let start = self.out.len();
        let line = self.out.rfind('\n').map_or(0, |at| at + 1);
        let used = self.out[line..].chars().count();
        // One column for the comma.
        let room = WIDTH.saturating_sub(used + 1);
        if self.comments.is_empty() || !self.comments.any_below(&self.path) {
            if (Narrow { out: &mut self.out, room }).doc(doc).is_ok() {
                return;
            }
            self.out.truncate(start);
            self.tall(doc, false);
            return;
        }
        let said = self.said;
        self.tall(doc, true);
        if self.said == said {
            // Those comments belong to entries that are gone.
            let mut line = String::new();
            if (Narrow { out: &mut line, room }).doc(doc).is_ok() {
                self.out.truncate(start);
                self.out.push_str(&line);
            }
        }
    }

    /// A value over several lines, if it can be spread over them.
    fn tall(&mut self, doc: &Doc<'a>, commented: bool) {
        match doc {
            Doc::Spelled(text) => self.out.push_str(text),
            Doc::Text(text) => self.text(text),
            Doc::Group(brackets, items) => self.broken(*brackets, items),
            Doc::Lit(Lit::Text(text)) => self.text(text),
            Doc::Lit(lit) => match parts(lit) {
                Some((brackets, items)) if commented || !items.is_empty() => self.broken(brackets, &items),
                _ => {
                    let _ = flat_lit(&mut self.out, lit);
                }
            },
        }
    }

    fn text(&mut self, text: &str) {
        let _ = if text::reads_well_raw(text) {
            text::write_raw(&mut self.out, text)
        } else {
            text::write_quoted(&mut self.out, text)
        };
    }

    fn broken(&mut self, brackets: Brackets<'_>, items: &[Item<'a>]) {
        let _ = brackets.open(&mut self.out);
        self.out.push('\n');
        self.indent += 1;
        items.iter().for_each(|item| self.item(item, Blanks::None));
        self.close(brackets);
    }

    /// The comments at the end of a group, and its closing bracket.
    pub(super) fn close(&mut self, brackets: Brackets<'_>) {
        if let Some(notes) = self.notes() {
            self.comments(&notes.inside, Blanks::None);
        }
        self.indent -= 1;
        self.start_line();
        self.out.push(brackets.close);
    }
}

/// The comments that can stand at the end of a line, and those that cannot: nothing stands behind a `//`.
fn split_after(comments: &[String]) -> (Vec<String>, Vec<String>) {
    let mut stay = Vec::new();
    let mut rest = Vec::new();
    let mut ended = false;
    for comment in comments.iter().filter(|comment| !comment.is_empty()) {
        let comment = clean(comment).into_owned();
        if ended || (comment.starts_with("//") && comment.contains('\n')) {
            rest.push(comment);
        } else {
            ended = comment.starts_with("//");
            stay.push(comment);
        }
    }
    (stay, rest)
}

/// Writes on one line, and fails when it does not fit there.
struct Narrow<'s> {
    out: &'s mut String,
    room: usize,
}

impl fmt::Write for Narrow<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // No text has more characters than bytes, so counting is rarely needed.
        let width = if text.len() <= self.room {
            text.chars().count()
        } else {
            text.chars().take(self.room + 1).count()
        };
        self.room = self.room.checked_sub(width).ok_or(fmt::Error)?;
        self.out.push_str(text);
        Ok(())
    }
}

impl Narrow<'_> {
    fn doc(&mut self, doc: &Doc<'_>) -> fmt::Result {
        match doc {
            Doc::Spelled(text) => self.write_str(text),
            Doc::Text(text) => self.text(text),
            Doc::Lit(lit) => self.lit(lit),
            Doc::Group(brackets, items) => {
                brackets.open(self)?;
                let pad = if brackets.open == '{' && !items.is_empty() { " " } else { "" };
                self.write_str(pad)?;
                for (index, item) in items.iter().enumerate() {
                    self.write_str(if index > 0 { ", " } else { "" })?;
                    item.key.write(self)?;
                    self.doc(&item.doc)?;
                }
                self.write_str(pad)?;
                self.write_char(brackets.close)
            }
        }
    }

    /// A text that reads well over several lines is not squeezed into one.
    fn text(&mut self, text: &str) -> fmt::Result {
        if text::reads_well_raw(text) { Err(fmt::Error) } else { text::write_quoted(self, text) }
    }

    fn lit(&mut self, lit: &Lit) -> fmt::Result {
        match lit {
            Lit::Text(text) => self.text(text),
            lit => {
                flat_lit(self, lit)?;
                // Asked only of what fits, so that a large value is not searched at each of its levels.
                if spreads(lit) { Err(fmt::Error) } else { Ok(()) }
            }
        }
    }
}

/// Whether there is a text in it that reads well over several lines.
fn spreads(lit: &Lit) -> bool {
    match lit {
        Lit::Text(text) => text::reads_well_raw(text),
        Lit::List(list) | Lit::Tuple(_, list) => list.iter().any(spreads),
        Lit::Struct(_, fields) => fields.iter().any(|(_, value)| spreads(value)),
        Lit::Map(entries) => entries.iter().any(|(_, value)| spreads(value)),
        _ => false,
    }
}
