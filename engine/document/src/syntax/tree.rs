//! The untyped tree: RON values with their places and comments.

use crate::{Lit, comments::Notes, problem::Pos};

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) at: Pos,
    pub(crate) value: Value,
}

/// A value: a leaf, or something with entries.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Never a list, tuple, struct or map, unless empty.
    Leaf(Lit),
    Group(Box<Group>),
}

/// Something with entries.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) shape: Shape,
    pub(crate) name: Option<String>,
    pub(crate) entries: Vec<Entry>,
    /// Comments after the last entry.
    pub(crate) inside: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    List,
    Tuple,
    Struct,
    Map,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) at: Pos,
    pub(crate) key: Key,
    pub(crate) value: Tree,
    pub(crate) notes: Option<Box<Notes>>,
}

/// What stands before the colon.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    /// In lists and tuples.
    None,
    /// In structs.
    Name(String),
    /// In maps, nearly always.
    Text(String),
    /// In maps with other keys.
    Other(Box<Lit>),
}

impl Entry {
    pub(crate) fn notes_mut(&mut self) -> &mut Notes {
        self.notes.get_or_insert_default()
    }
}

impl Tree {
    pub(crate) fn leaf(at: Pos, lit: Lit) -> Self {
        Self { at, value: Value::Leaf(lit) }
    }

    pub(crate) fn group(at: Pos, shape: Shape, entries: Vec<Entry>) -> Self {
        Self { at, value: Value::Group(Box::new(Group { shape, name: None, entries, inside: Vec::new() })) }
    }

    /// What kind of value it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Leaf(lit) => lit.kind(),
            Value::Group(group) => match group.shape {
                Shape::List => "a list",
                Shape::Tuple => "a tuple",
                Shape::Struct => "a struct",
                Shape::Map => "a map",
            },
        }
    }

    /// The value alone; comments within it are handed to `keep`.
    pub(crate) fn into_lit(self, keep: &mut dyn FnMut(&[Step<'_>], Notes)) -> Lit {
        convert(self, &mut Vec::new(), keep)
    }

    /// The comments of the whole tree, in order; they are taken out of it.
    pub(crate) fn drain_comments(&mut self, into: &mut Vec<String>) {
        if let Value::Group(group) = &mut self.value {
            for entry in &mut group.entries {
                if let Some(notes) = entry.notes.take() {
                    into.extend(notes.before.into_iter().filter(|comment| !comment.is_empty()));
                    entry.value.drain_comments(into);
                    into.extend(notes.after);
                } else {
                    entry.value.drain_comments(into);
                }
            }
            into.append(&mut group.inside);
        }
    }
}

/// One step of the way to a value within a literal.
#[derive(Clone, Debug)]
pub(crate) enum Step<'a> {
    Index(usize),
    Name(std::borrow::Cow<'a, str>),
    Key(std::borrow::Cow<'a, str>),
    Other(String),
}

impl std::fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Name(name) => write!(f, ".{}", crate::path::Field(name)),
            Self::Key(key) => write!(f, ".{}", crate::path::Quoted(key)),
            Self::Other(key) => write!(f, ".{}", crate::path::Other(key)),
        }
    }
}

fn convert(tree: Tree, steps: &mut Vec<Step<'static>>, keep: &mut dyn FnMut(&[Step<'_>], Notes)) -> Lit {
    let group = match tree.value {
        Value::Leaf(lit) => return lit,
        Value::Group(group) => *group,
    };
    if !group.inside.is_empty() {
        keep(steps, Notes { inside: group.inside, ..Notes::default() });
    }
    let mut list = Vec::new();
    let mut fields = Vec::new();
    let mut map = Vec::new();
    match group.shape {
        Shape::List | Shape::Tuple => list.reserve_exact(group.entries.len()),
        Shape::Struct => fields.reserve_exact(group.entries.len()),
        Shape::Map => map.reserve_exact(group.entries.len()),
    }
    for (index, entry) in group.entries.into_iter().enumerate() {
        // The way is only spelled out where a comment could ask for it.
        let nested = matches!(entry.value.value, Value::Group(_));
        let step = (nested || entry.notes.is_some()).then(|| match &entry.key {
            Key::None => Step::Index(index),
            Key::Name(name) => Step::Name(name.clone().into()),
            Key::Text(key) => Step::Key(key.clone().into()),
            Key::Other(key) => Step::Other(key.to_string()),
        });
        let pushed = step.is_some();
        steps.extend(step);
        if let Some(notes) = entry.notes {
            keep(steps, *notes);
        }
        let value = convert(entry.value, steps, keep);
        if pushed {
            steps.pop();
        }
        match entry.key {
            Key::None => list.push(value),
            Key::Name(name) => fields.push((name, value)),
            Key::Text(key) => map.push((Lit::Text(key), value)),
            Key::Other(key) => map.push((*key, value)),
        }
    }
    match group.shape {
        Shape::List => Lit::List(list),
        Shape::Tuple if group.name.is_none() && list.is_empty() => Lit::Unit(None),
        Shape::Tuple => Lit::Tuple(group.name, list),
        Shape::Struct => Lit::Struct(group.name, fields),
        Shape::Map => Lit::Map(map),
    }
}
