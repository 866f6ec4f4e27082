//! A literal: any RON value, kept as it was said.
//!
//! Unlike `ron::Value` it keeps names, tells tuples from lists, and holds every 64-bit seed exactly. What it
//! forgets is spelling: `0xFF` is written back as `255`.

use std::{fmt, str::FromStr};

use crate::{Problem, syntax};

/// Any value that can stand in a document.
///
/// A value built by hand has a few spellings of the same thing; reading gives one of them: `()` is
/// `Unit(None)`, `Name()` is an empty `Tuple`, never an empty `Struct`. `NaN`, and a name
/// or key that is there twice, can be built, but not read.
#[derive(Clone, Debug, PartialEq)]
pub enum Lit {
    /// `true`, `false`
    Bool(bool),
    /// `512`
    Int(i128),
    /// `0.5`
    Float(f64),
    /// `'a'`
    Char(char),
    /// `"text"`
    Text(String),
    /// `()`, `Name`, `None`
    Unit(Option<String>),
    /// `[1, 2]`
    List(Vec<Lit>),
    /// `(1, 2)`, `Name(1)`, `Some(1)`
    Tuple(Option<String>, Vec<Lit>),
    /// `(a: 1)`, `Name(a: 1)`
    Struct(Option<String>, Vec<(String, Lit)>),
    /// `{ "a": 1 }`
    Map(Vec<(Lit, Lit)>),
}

impl Lit {
    /// Reads one value, for instance a parameter given on the command line.
    ///
    /// It may be nested half as deep as a document, so that it fits into one.
    ///
    /// # Errors
    /// The first thing that is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        syntax::parse_lit(text)
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// What kind of value this is, in words: `a number`, `a list` …
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Char(_) => "a character",
            Self::Text(_) => "a text",
            Self::Unit(None) => "`()`",
            Self::Unit(Some(_)) => "a bare name",
            Self::List(_) => "a list",
            Self::Tuple(..) => "a tuple",
            Self::Struct(..) => "a struct",
            Self::Map(_) => "a map",
        }
    }

    /// The value of a map's text key, or of a struct's field.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => {
                entries.iter().find(|(k, _)| matches!(k, Self::Text(t) if t == key)).map(|(_, v)| v)
            }
            Self::Struct(_, fields) => fields.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// [`Lit::get`], to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match self {
            Self::Map(entries) => {
                entries.iter_mut().find(|(k, _)| matches!(k, Self::Text(t) if t == key)).map(|(_, v)| v)
            }
            Self::Struct(_, fields) => fields.iter_mut().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// On one line, in the spelling the canonical writer uses.
impl fmt::Display for Lit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::write::flat_lit(f, self)
    }
}

impl FromStr for Lit {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        Self::parse(text)
    }
}

impl From<bool> for Lit {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Lit {
    fn from(value: i64) -> Self {
        Self::Int(value.into())
    }
}

impl From<u64> for Lit {
    fn from(value: u64) -> Self {
        Self::Int(value.into())
    }
}

impl From<f64> for Lit {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Lit {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Lit {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
