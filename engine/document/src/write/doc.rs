//! What is written, as a tree of things that fit on a line or are broken.

use std::{borrow::Cow, fmt};

use crate::{Lit, text};

/// Something to write.
pub(super) enum Doc<'a> {
    /// Already spelled, and never broken.
    Spelled(Cow<'a, str>),
    /// A text, which may be spread over lines.
    Text(&'a str),
    /// Any value.
    Lit(&'a Lit),
    /// Brackets with entries.
    Group(Brackets<'a>, Vec<Item<'a>>),
}

/// A pair of brackets, and the name before it.
#[derive(Clone, Copy)]
pub(super) struct Brackets<'a> {
    pub(super) name: Option<(&'a str, bool)>,
    pub(super) open: char,
    pub(super) close: char,
}

impl<'a> Brackets<'a> {
    pub(super) const ROUND: Self = Self { name: None, open: '(', close: ')' };
    pub(super) const SQUARE: Self = Self { name: None, open: '[', close: ']' };
    pub(super) const BRACES: Self = Self { name: None, open: '{', close: '}' };

    pub(super) fn open(self, out: &mut impl fmt::Write) -> fmt::Result {
        if let Some((name, raw)) = self.name {
            text::write_name(out, name, raw)?;
        }
        out.write_char(self.open)
    }

    fn named(self, name: Option<&'a str>, raw: bool) -> Self {
        Self { name: name.map(|name| (name, raw)), ..self }
    }
}

/// An entry of a group.
pub(super) struct Item<'a> {
    pub(super) key: ItemKey<'a>,
    pub(super) doc: Doc<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum ItemKey<'a> {
    Index(usize),
    Name(&'a str),
    Text(&'a str),
    Other(&'a Lit),
}

impl<'a> Item<'a> {
    pub(super) fn name(name: &'a str, doc: Doc<'a>) -> Self {
        Self { key: ItemKey::Name(name), doc }
    }

    pub(super) fn text(key: &'a str, doc: Doc<'a>) -> Self {
        Self { key: ItemKey::Text(key), doc }
    }

    pub(super) fn index(index: usize, doc: Doc<'a>) -> Self {
        Self { key: ItemKey::Index(index), doc }
    }
}

impl ItemKey<'_> {
    /// The key with its colon.
    pub(super) fn write(self, out: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Self::Index(_) => return Ok(()),
            Self::Name(name) => text::write_name(out, name, false)?,
            Self::Text(key) => text::write_quoted(out, key)?,
            Self::Other(key) => flat_lit(out, key)?,
        }
        out.write_str(": ")
    }

    /// The step of the path; the same as the reader's.
    pub(super) fn step(self, path: &mut String) {
        use fmt::Write as _;
        let dot = if path.is_empty() { "" } else { "." };
        // Writing to a string cannot fail.
        let _ = match self {
            Self::Index(index) => write!(path, "[{index}]"),
            Self::Name(name) => write!(path, "{dot}{}", crate::path::Field(name)),
            Self::Text(key) => write!(path, ".{}", crate::path::Quoted(key)),
            Self::Other(key) => write!(path, ".{}", crate::path::Other(&key.to_string())),
        };
    }
}

/// A value's brackets and entries, if it has any to break.
pub(super) fn parts(lit: &Lit) -> Option<(Brackets<'_>, Vec<Item<'_>>)> {
    Some(match lit {
        Lit::List(list) => (Brackets::SQUARE, items(list)),
        Lit::Unit(None) => (Brackets::ROUND, Vec::new()),
        Lit::Tuple(name, list) => (tuple_brackets(name.as_deref(), list.len()), items(list)),
        Lit::Struct(name, fields) => {
            let items = fields.iter().map(|(name, value)| Item::name(name, Doc::Lit(value)));
            (struct_brackets(name.as_deref()), items.collect())
        }
        Lit::Map(entries) => {
            let items = entries.iter().map(|(key, value)| match key {
                Lit::Text(key) => Item::text(key, Doc::Lit(value)),
                key => Item { key: ItemKey::Other(key), doc: Doc::Lit(value) },
            });
            (Brackets::BRACES, items.collect())
        }
        _ => return None,
    })
}

fn items(list: &[Lit]) -> Vec<Item<'_>> {
    list.iter().enumerate().map(|(index, item)| Item::index(index, Doc::Lit(item))).collect()
}

/// `Some` and `None` are words of RON; as names of anything but an option they are written raw.
fn tuple_brackets(name: Option<&str>, len: usize) -> Brackets<'_> {
    let raw =
        name.is_some_and(|name| text::is_value_word(name) || name == "None" || (name == "Some" && len != 1));
    Brackets::ROUND.named(name, raw)
}

fn struct_brackets(name: Option<&str>) -> Brackets<'_> {
    let raw = name.is_some_and(|name| text::is_value_word(name) || name == "None" || name == "Some");
    Brackets::ROUND.named(name, raw)
}

/// A value on one line.
pub(crate) fn flat_lit(out: &mut impl fmt::Write, lit: &Lit) -> fmt::Result {
    match lit {
        Lit::Bool(value) => write!(out, "{value}"),
        Lit::Int(value) => write!(out, "{value}"),
        Lit::Float(value) => text::write_float(out, *value),
        Lit::Char(value) => text::write_char(out, *value),
        Lit::Text(value) => text::write_quoted(out, value),
        Lit::Unit(None) => out.write_str("()"),
        Lit::Unit(Some(name)) => text::write_name(out, name, text::is_value_word(name) || name == "Some"),
        Lit::List(list) => {
            Brackets::SQUARE.open(out)?;
            flat_list(out, list)?;
            out.write_char(']')
        }
        Lit::Tuple(name, list) => {
            tuple_brackets(name.as_deref(), list.len()).open(out)?;
            flat_list(out, list)?;
            out.write_char(')')
        }
        Lit::Struct(name, fields) => {
            struct_brackets(name.as_deref()).open(out)?;
            for (index, (name, value)) in fields.iter().enumerate() {
                out.write_str(if index > 0 { ", " } else { "" })?;
                ItemKey::Name(name).write(out)?;
                flat_lit(out, value)?;
            }
            out.write_char(')')
        }
        Lit::Map(entries) if entries.is_empty() => out.write_str("{}"),
        Lit::Map(entries) => {
            out.write_str("{ ")?;
            for (index, (key, value)) in entries.iter().enumerate() {
                out.write_str(if index > 0 { ", " } else { "" })?;
                flat_lit(out, key)?;
                out.write_str(": ")?;
                flat_lit(out, value)?;
            }
            out.write_str(" }")
        }
    }
}

fn flat_list(out: &mut impl fmt::Write, list: &[Lit]) -> fmt::Result {
    list.iter().enumerate().try_for_each(|(index, item)| {
        out.write_str(if index > 0 { ", " } else { "" })?;
        flat_lit(out, item)
    })
}
