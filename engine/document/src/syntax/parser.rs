//! From text to tree.
//!
//! A missing comma is noted and read on from, so that one slip does not hide the others; any other slip ends the
//! reading, since what follows it would be guesswork.

use super::{
    MAX_BYTES, MAX_DEPTH, MAX_LIT_DEPTH, MAX_PROBLEMS, MAX_VALUES,
    cursor::{self, Cursor, Trivium},
    names, number,
    string::{self, Slip},
    tree::{Entry, Group, Key, Shape, Tree, Value},
};
use crate::{Lit, Problem, Problems, comments::Notes, problem::Pos, text};

/// A whole document: one value, with the comments around it.
pub(crate) struct Parsed {
    pub(crate) tree: Tree,
    pub(crate) notes: Notes,
}

/// Reads a document.
pub(crate) fn parse_document(text: &str) -> Result<Parsed, Problems> {
    let mut parser = Parser::new(text, MAX_DEPTH);
    match parser.document() {
        Ok(parsed) if parser.problems.is_empty() => Ok(parsed),
        read => {
            let mut problems = parser.problems;
            // What ended the reading comes last; what a group's end brought to light is put in its place.
            problems.sort_by_key(|problem| (problem.line, problem.column));
            problems.extend(read.err());
            Err(Problems(problems))
        }
    }
}

/// Reads one value; comments in it are dropped.
pub(crate) fn parse_lit(text: &str) -> Result<Lit, Problem> {
    let mut parser = Parser::new(text, MAX_LIT_DEPTH);
    let parsed = parser.document()?;
    match parser.problems.into_iter().next() {
        Some(problem) => Err(problem),
        None => Ok(parsed.tree.into_lit(&mut |_, _| {})),
    }
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    /// The way to the value being read.
    way: Vec<Step<'a>>,
    max_depth: usize,
    values: usize,
    problems: Vec<Problem>,
}

/// A step of the way, as it stands in the text.
enum Step<'a> {
    Index(usize),
    Name(&'a str),
    Key(&'a str),
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, max_depth: usize) -> Self {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        Self { cursor: Cursor::new(text), way: Vec::new(), max_depth, values: 0, problems: Vec::new() }
    }

    fn document(&mut self) -> Result<Parsed, Problem> {
        if self.cursor.text.len() > MAX_BYTES {
            return Err(self.problem(format!("the text is larger than {} MiB", MAX_BYTES >> 20)));
        }
        let mut notes = Notes::default();
        self.skip()?;
        self.take_before(&mut notes);
        while self.cursor.peek_byte() == Some(b'#') {
            self.extensions()?;
            self.skip()?;
            self.take_before(&mut notes);
        }
        if self.cursor.peek().is_none() {
            return Err(self.problem("there is nothing in it"));
        }
        let tree = self.value(&mut notes)?;
        self.skip()?;
        notes.after.extend(self.cursor.trivia.iter().map(Trivium::kept));
        if let Some(c) = self.cursor.peek() {
            let problem = self.problem(format!("after the end of the document there is `{c}`"));
            return Err(problem.hint("a document is one value: is a bracket closed too early?"));
        }
        Ok(Parsed { tree, notes })
    }

    /// `#![enable(implicit_some)]`: known to RON, without effect on a document, and not written back.
    fn extensions(&mut self) -> Result<(), Problem> {
        const KNOWN: [&str; 4] =
            ["implicit_some", "unwrap_newtypes", "unwrap_variant_newtypes", "explicit_struct_names"];
        let wrong = |this: &mut Self| {
            this.problem("this is not a RON extension header")
                .hint("it is written `#![enable(implicit_some)]`; a document needs none")
        };
        for part in ["#", "!", "[", "enable", "("] {
            self.skip()?;
            if !self.cursor.rest().starts_with(part) {
                return Err(wrong(self));
            }
            self.cursor.offset += part.len();
        }
        loop {
            self.skip()?;
            match cursor::ident(self.cursor.rest()) {
                Some((name, len)) if KNOWN.contains(&name) => self.cursor.offset += len,
                Some((name, _)) => return Err(self.problem(format!("`{name}` is not a RON extension"))),
                None => {}
            }
            self.skip()?;
            match self.cursor.peek_byte() {
                Some(b',') => self.cursor.offset += 1,
                Some(b')') => break,
                _ => return Err(wrong(self)),
            }
        }
        for part in [")", "]"] {
            self.skip()?;
            if !self.cursor.rest().starts_with(part) {
                return Err(wrong(self));
            }
            self.cursor.offset += part.len();
        }
        Ok(())
    }

    /// Reads a value; comments between its parts go to `notes`, those of its entries to the entries.
    fn value(&mut self, notes: &mut Notes) -> Result<Tree, Problem> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(self.problem(format!("there are more than {MAX_VALUES} values in the text")));
        }
        let at = self.cursor.pos();
        let rest = self.cursor.rest();
        let leaf = match rest.as_bytes().first() {
            Some(b'(') => return self.group(at, None, b'('),
            Some(b'[') => return self.group(at, None, b'['),
            Some(b'{') => return self.group(at, None, b'{'),
            Some(b'"') => self.string(string::read_quoted)?,
            Some(b'r') if rest[1..].trim_start_matches('#').starts_with('"') => {
                self.string(string::read_raw)?
            }
            Some(b'\'') => Lit::Char(self.slipping(string::read_char)?),
            Some(b'b') if rest.starts_with("b'") => self.byte()?,
            Some(b'b') if rest.starts_with("b\"") || rest.starts_with("br\"") || rest.starts_with("br#") => {
                let problem = self.problem("a byte string cannot stand in a document");
                return Err(problem.hint("write a text, or a list of numbers"));
            }
            Some(b'+' | b'-' | b'.' | b'0'..=b'9') => self.number()?,
            _ => return self.named(at, notes),
        };
        Ok(Tree::leaf(at, leaf))
    }

    fn slipping<T>(&mut self, read: fn(&str) -> Result<(T, usize), Slip>) -> Result<T, Problem> {
        match read(self.cursor.rest()) {
            Ok((value, len)) => {
                self.cursor.offset += len;
                Ok(value)
            }
            Err(slip) => {
                self.cursor.offset += slip.at;
                Err(self.problem(slip.what))
            }
        }
    }

    fn string(&mut self, read: fn(&str) -> Result<(String, usize), Slip>) -> Result<Lit, Problem> {
        self.slipping(read).map(Lit::Text)
    }

    /// `b'a'`: RON's other spelling of a small number.
    fn byte(&mut self) -> Result<Lit, Problem> {
        self.cursor.offset += 1;
        let c = self.slipping(string::read_char)?;
        if c.is_ascii() {
            Ok(Lit::Int(i128::from(u32::from(c))))
        } else {
            Err(self.problem("a byte is ASCII"))
        }
    }

    fn number(&mut self) -> Result<Lit, Problem> {
        let rest = self.cursor.rest();
        let len = number::len(rest);
        let range = rest[len..].starts_with("..");
        match number::read(&rest[..len]) {
            _ if range => {
                Err(self.problem("a range cannot stand in a document").hint("write a pair: `(0, 10)`"))
            }
            Ok(lit) => {
                self.cursor.offset += len;
                Ok(lit)
            }
            Err(_) if len == 0 || !rest[..len].contains(|c: char| c.is_ascii_alphanumeric()) => {
                Err(self.expected("a value"))
            }
            Err(what) => Err(self.problem(what)),
        }
    }

    /// A bare word, a unit, or a name before a bracket.
    fn named(&mut self, at: Pos, notes: &mut Notes) -> Result<Tree, Problem> {
        let Some((name, len)) = cursor::ident(self.cursor.rest()) else {
            return Err(self.expected("a value"));
        };
        let raw = name.len() != len;
        if !raw {
            match name {
                "true" | "false" => {
                    self.cursor.offset += len;
                    return Ok(Tree::leaf(at, Lit::Bool(name == "true")));
                }
                _ if text::is_value_word(name) => return Ok(Tree::leaf(at, self.number()?)),
                _ => {}
            }
        }
        self.cursor.offset += len;
        let end = self.cursor.offset;
        // Whether a bracket follows is found out without losing the comments that follow a bare word.
        self.skip()?;
        if self.cursor.peek_byte() == Some(b'(') && (raw || name != "None") {
            notes.before.extend(self.cursor.trivia.iter().map(Trivium::kept));
            let group = self.group(at, Some(name.to_owned()), b'(')?;
            return if raw || name != "Some" || is_option(&group) {
                Ok(group)
            } else {
                Err(self.not_option(at))
            };
        }
        if name == "Some" && !raw {
            return Err(self.not_option(at));
        }
        self.cursor.rewind(end);
        Ok(Tree::leaf(at, Lit::Unit(Some(name.to_owned()))))
    }

    fn not_option(&self, at: Pos) -> Problem {
        Problem::new(at, self.path(), "`Some` holds one value").hint("write `Some(value)`, or `None`")
    }

    fn group(&mut self, at: Pos, name: Option<String>, open: u8) -> Result<Tree, Problem> {
        if self.way.len() >= self.max_depth {
            return Err(self.problem(format!("values are nested more than {} deep", self.max_depth)));
        }
        let opened = self.cursor.pos();
        self.cursor.offset += 1;
        self.skip()?;
        let (shape, close) = match open {
            b'[' => (Shape::List, b']'),
            b'{' => (Shape::Map, b'}'),
            _ if self.cursor.at_field() => (Shape::Struct, b')'),
            _ => (Shape::Tuple, b')'),
        };
        let mut group = Group { shape, name, entries: Vec::new(), inside: Vec::new() };
        // Here and at the end of each turn the cursor stands behind trivia that nobody has taken yet.
        loop {
            let closing = self.cursor.peek_byte() == Some(close);
            let mut notes = Notes::default();
            self.share_trivia(&mut group, &mut notes, closing);
            if closing {
                self.cursor.offset += 1;
                break;
            }
            self.check_open(opened, open, close)?;
            let entry = self.entry(shape, group.entries.len(), notes)?;
            group.entries.push(entry);
            let end = self.cursor.pos();
            self.skip()?;
            match self.cursor.peek_byte() {
                Some(b',') => {
                    self.cursor.offset += 1;
                    if let Some(last) = group.entries.last_mut()
                        && !self.cursor.trivia.is_empty()
                    {
                        let after: Vec<String> = self.cursor.trivia.iter().map(Trivium::kept).collect();
                        after.into_iter().for_each(|comment| last.notes_mut().push_after(comment));
                    }
                    self.skip()?;
                }
                Some(byte) if byte == close => {}
                _ => self.missing_comma(end, opened, open, close)?,
            }
        }
        self.check_names(&group)?;
        if group.entries.is_empty() && group.inside.is_empty() {
            let leaf = match (group.shape, group.name) {
                (Shape::List, _) => Lit::List(Vec::new()),
                (Shape::Map, _) => Lit::Map(Vec::new()),
                (_, None) => Lit::Unit(None),
                (_, name) => Lit::Tuple(name, Vec::new()),
            };
            return Ok(Tree::leaf(at, leaf));
        }
        Ok(Tree { at, value: Value::Group(Box::new(group)) })
    }

    fn entry(&mut self, shape: Shape, index: usize, mut notes: Notes) -> Result<Entry, Problem> {
        let at = self.cursor.pos();
        let start = self.cursor.offset;
        let key = match shape {
            Shape::List | Shape::Tuple => {
                self.way.push(Step::Index(index));
                Key::None
            }
            Shape::Struct => {
                let Some((name, len)) = cursor::ident(self.cursor.rest()) else {
                    return Err(self.expected("a field's name"));
                };
                self.way.push(Step::Name(name));
                self.cursor.offset += len;
                self.colon(&mut notes, "field")?;
                Key::Name(name.to_owned())
            }
            Shape::Map => {
                // The key's own depth counts too.
                self.way.push(Step::Index(index));
                let mut key = self.value(&mut notes)?;
                self.way.pop();
                self.way.push(Step::Key(&self.cursor.text[start..self.cursor.offset]));
                key.drain_comments(&mut notes.before);
                self.colon(&mut notes, "name")?;
                match key.into_lit(&mut |_, _| {}) {
                    Lit::Text(text) => Key::Text(text),
                    other => Key::Other(Box::new(other)),
                }
            }
        };
        let value = self.value(&mut notes)?;
        self.way.pop();
        let notes = (!notes.is_empty()).then(|| Box::new(notes));
        Ok(Entry { at, key, value, notes })
    }

    fn colon(&mut self, notes: &mut Notes, what: &str) -> Result<(), Problem> {
        self.skip()?;
        notes.before.extend(self.cursor.trivia.iter().map(Trivium::kept));
        if self.cursor.peek_byte() != Some(b':') {
            let problem = self.expected("`:`");
            return Err(problem.hint(format!("after a {what} comes a colon, then its value")));
        }
        self.cursor.offset += 1;
        self.skip()?;
        notes.before.extend(self.cursor.trivia.iter().map(Trivium::kept));
        Ok(())
    }

    /// Gives the trivia after an opening bracket or a comma to whom they belong: what ends the line to the entry
    /// before, the rest to the entry after, or to the end of the group.
    fn share_trivia(&mut self, group: &mut Group, next: &mut Notes, closing: bool) {
        let trivia = std::mem::take(&mut self.cursor.trivia);
        let same_line = trivia.iter().take_while(|t| t.breaks == 0).count();
        // `a: 1, /* of b */ b: 2`
        let of_next = same_line == trivia.len() && self.cursor.breaks == 0 && !closing;
        let split = match group.entries.last_mut() {
            Some(last) if !of_next || trivia.last().is_some_and(Trivium::is_line) => {
                for comment in &trivia[..same_line] {
                    last.notes_mut().push_after(comment.kept());
                }
                same_line
            }
            _ => 0,
        };
        if closing {
            group.inside.extend(trivia[split..].iter().map(Trivium::kept));
            return;
        }
        let first = group.entries.is_empty();
        for comment in &trivia[split..] {
            if comment.breaks > 1 && !(first && next.before.is_empty()) {
                next.before.push(String::new());
            }
            next.before.push(comment.kept());
        }
        if self.cursor.breaks > 1 && !(first && next.before.is_empty()) {
            next.before.push(String::new());
        }
    }

    /// That no name is there twice: which of the two counts would be anybody's guess.
    fn check_names(&mut self, group: &Group) -> Result<(), Problem> {
        for names::Twice { name, first, second } in names::twice(group, MAX_PROBLEMS) {
            let mut path = self.path();
            path += &format!("{}{name}", if path.is_empty() { "" } else { "." });
            let what = if group.shape == Shape::Struct { "field" } else { "name" };
            let told =
                format!("the {what} `{name}` is there twice: at {}:{} already", first.line, first.column);
            self.note(Problem::new(second, path, told).hint("rename or remove one of them"))?;
        }
        Ok(())
    }

    /// Keeps a problem and reads on, unless there are too many.
    fn note(&mut self, problem: Problem) -> Result<(), Problem> {
        self.problems.push(problem);
        if self.problems.len() < MAX_PROBLEMS {
            return Ok(());
        }
        Err(self.problem("there are more problems than can be told"))
    }

    /// The comments before the document.
    fn take_before(&mut self, notes: &mut Notes) {
        notes.before.extend(self.cursor.trivia.iter().map(Trivium::kept));
    }

    fn skip(&mut self) -> Result<(), Problem> {
        self.cursor.skip_trivia().map_err(|()| self.problem("this comment is never closed").hint("add `*/`"))
    }

    /// After an entry stands neither a comma nor the closing bracket.
    fn missing_comma(&mut self, end: Pos, opened: Pos, open: u8, close: u8) -> Result<(), Problem> {
        self.check_open(opened, open, close)?;
        let c = self.cursor.peek().unwrap_or(' ');
        if !(text::is_ident_start(c) || c.is_ascii_digit() || matches!(c, '"' | '\'' | '(' | '[' | '{' | '-'))
        {
            let problem = self.expected(&format!("`,` or `{}`", char::from(close)));
            return Err(match c {
                ';' => problem.hint("entries are separated by commas"),
                '=' => problem.hint("a field is written `name: value`"),
                ':' if open == b'[' => problem.hint("a map is written in braces: `{ \"name\": value }`"),
                _ => problem,
            });
        }
        self.note(Problem::new(end, self.path(), "a comma is missing here"))
    }

    /// That the group opened at `opened` is not ended by the end of the text or by another's bracket.
    fn check_open(&mut self, opened: Pos, open: u8, close: u8) -> Result<(), Problem> {
        let here = self.cursor.peek();
        if !matches!(here, None | Some(')' | ']' | '}')) {
            return Ok(());
        }
        let (open, close) = (char::from(open), char::from(close));
        let at = self.cursor.pos();
        let what = match here {
            None => format!("this `{open}` is never closed"),
            Some(other) => {
                format!("this `{open}` is not closed before the `{other}` at {}:{}", at.line, at.column)
            }
        };
        Err(Problem::new(opened, self.path(), what).hint(format!("add `{close}` where it ends")))
    }

    fn expected(&mut self, what: &str) -> Problem {
        match self.cursor.peek() {
            Some(c) => self.problem(format!("expected {what}, found `{}`", c.escape_debug())),
            None => self.problem(format!("expected {what}, found the end of the text")),
        }
    }

    fn problem(&mut self, what: impl Into<String>) -> Problem {
        let at = self.cursor.pos();
        Problem::new(at, self.path(), what)
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.way {
            match step {
                Step::Index(index) => path += &format!("[{index}]"),
                Step::Name(name) | Step::Key(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path += name;
                }
            }
        }
        path
    }
}

/// Whether it is `Some(value)`.
fn is_option(tree: &Tree) -> bool {
    matches!(&tree.value, Value::Group(group) if group.shape == Shape::Tuple && group.entries.len() == 1)
}
