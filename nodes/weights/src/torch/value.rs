//! What a pickle builds: values in one table that refer to each other by number, so that a value used
//! twice is there once, cycles do no harm, and nothing has to be copied or dropped in depth.

use std::collections::BTreeSet;

use crate::dtype::Dtype;

/// The number of a value in its table.
pub(super) type Id = u32;

/// One value. Text lies in the pickle itself.
#[derive(Debug)]
pub(super) enum Value<'a> {
    /// `None`, floats, bytes, big integers: nothing a state dict's names or tensors are made of.
    Plain,
    Int(i64),
    Text(&'a str),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A Python class or function, by name only.
    Global(&'a str, &'a str),
    Storage(Box<Storage<'a>>),
    Tensor(Box<Tensor>),
    /// A tensor saved in a way that is not read, and why, as the end of a sentence.
    Unreadable(Box<str>),
    /// Anything else, with the state it was given.
    Object(Option<Id>),
}

/// How a storage's numbers are stored.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'a> {
    Typed(Dtype),
    /// Bytes; the tensor says what they are.
    Untyped,
    /// A class of storage that is not read.
    Other(&'a str),
}

/// A row of numbers that tensors are views of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Storage<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) key: &'a str,
    /// Where this one begins inside the storage of that key (old files keep views of storages).
    pub(super) begins: u64,
}

/// A view of a storage.
#[derive(Debug)]
pub(super) struct Tensor {
    pub(super) storage: Id,
    pub(super) dtype: Option<Dtype>,
    pub(super) offset: u64,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

/// What one pickle held.
pub(super) struct Pickle<'a> {
    pub(super) values: Vec<Value<'a>>,
    pub(super) root: Id,
    /// How many bytes it took.
    pub(super) length: usize,
    /// What it wanted to call.
    pub(super) calls: BTreeSet<String>,
}

impl<'a> Pickle<'a> {
    pub(super) fn value(&self, id: Id) -> &Value<'a> {
        const NOTHING: &Value<'static> = &Value::Plain;
        self.values.get(id as usize).unwrap_or(NOTHING)
    }

    pub(super) fn text(&self, id: Id) -> Option<&'a str> {
        match self.value(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn dict(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.value(id) {
            Value::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value under a key; the last one, as Python has it.
    pub(super) fn entry(&self, dict: Id, key: &str) -> Option<Id> {
        self.dict(dict)?.iter().rev().find(|(name, _)| self.text(*name) == Some(key)).map(|(_, value)| *value)
    }

    /// What its calls say to a person.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        self.calls.iter().map(|call| {
            format!(
                "the file wants to run {call} on the computer that loads it; nothing was run, but do not open it with other programs"
            )
        })
    }
}
