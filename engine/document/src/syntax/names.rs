//! Names that are there twice in one struct or map.

use std::{collections::HashMap, fmt};

use super::tree::{Group, Key, Shape};
use crate::{path, problem::Pos};

/// A name that is there twice, as it stands in a path, and both places.
pub(super) struct Twice {
    pub(super) name: String,
    pub(super) first: Pos,
    pub(super) second: Pos,
}

/// The names that are there twice, `most` of them at most.
pub(super) fn twice(group: &Group, most: usize) -> Vec<Twice> {
    let entries = &group.entries;
    if entries.len() < 2 || !matches!(group.shape, Shape::Struct | Shape::Map) {
        return Vec::new();
    }
    // Nearly all groups are small, and comparing a few names is quicker than hashing them.
    if entries.len() <= 4 {
        let texts: Vec<_> = entries.iter().map(|entry| Name::of(&entry.key)).collect();
        if texts.iter().enumerate().all(|(index, text)| !texts[..index].contains(text)) {
            return Vec::new();
        }
    }
    let mut seen = HashMap::with_capacity(entries.len());
    let again = entries.iter().filter_map(|entry| {
        let first = seen.insert(Name::of(&entry.key), entry.at)?;
        Some(Twice { name: Name::of(&entry.key).to_string(), first, second: entry.at })
    });
    again.take(most).collect()
}

/// A key as it can be compared.
#[derive(PartialEq, Eq, Hash)]
enum Name<'a> {
    Field(&'a str),
    Text(&'a str),
    Other(String),
}

impl<'a> Name<'a> {
    fn of(key: &'a Key) -> Self {
        match key {
            Key::None => Self::Field(""),
            Key::Name(name) => Self::Field(name),
            Key::Text(text) => Self::Text(text),
            Key::Other(lit) => Self::Other(lit.to_string()),
        }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => path::Field(name).fmt(f),
            Self::Text(text) => path::Quoted(text).fmt(f),
            Self::Other(text) => path::Other(text).fmt(f),
        }
    }
}
