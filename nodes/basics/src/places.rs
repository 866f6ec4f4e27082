//! Templates: `{item:05}`, `{index}`, a row's column, or an input of the node.

use crate::values;
use kiln_core::template;
use kiln_core::{Cx, Given, Node, NodeError};
use kiln_types::{Value, names};
use std::collections::BTreeMap;

/// The inputs that a node with a template has.
pub(crate) const INPUTS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Adds the inputs `a` to `f`.
pub(crate) fn with_inputs(node: Node) -> Node {
    INPUTS.iter().fold(node, |n, name| n.optional(name, names::ANY, "A value for the place of this name."))
}

/// What the places of a template can be filled with.
pub(crate) struct Places {
    values: BTreeMap<String, Value>,
}

impl Places {
    /// Item, index, row and linked inputs, as far as they are there.
    ///
    /// # Errors
    /// When an input cannot be read.
    pub(crate) fn of(cx: &Cx<'_>, inputs: &[&'static str]) -> Result<Self, NodeError> {
        let mut values = BTreeMap::new();
        if let Some(info) = cx.item() {
            for (name, word) in &info.row {
                values.insert(name.clone(), Value::from(word.as_str()));
            }
            values.insert("item".to_owned(), integer(info.item));
        }
        if let Some(window) = cx.window() {
            values.insert("window".to_owned(), integer(window));
        }
        if let Some(index) = cx.index() {
            values.insert("index".to_owned(), integer(index as u64));
        }
        for name in inputs.iter().filter(|n| cx.has(n)) {
            values.insert((*name).to_owned(), cx.value(name)?);
        }
        Ok(Self { values })
    }

    /// The text with its places filled.
    ///
    /// # Errors
    /// When a place has no value, or one that has no words.
    pub(crate) fn fill(&self, text: &str) -> Result<String, NodeError> {
        self.fill_with(text, &|word| word.to_owned())
    }

    /// As [`Places::fill`]; each value is written by `write` before it is put in.
    ///
    /// # Errors
    /// As [`Places::fill`].
    pub(crate) fn fill_with(&self, text: &str, write: &dyn Fn(&str) -> String) -> Result<String, NodeError> {
        let mut wordless = None;
        let trouble = std::cell::RefCell::new(&mut wordless);
        let value = |name: &str| {
            let found = values::words(self.values.get(name)?);
            match found {
                Ok(word) => Some(write(&word)),
                Err(e) => {
                    trouble.borrow_mut().replace(e.at(name.to_owned()));
                    None
                }
            }
        };
        let filled = template::fill(text, &value);
        match wordless {
            Some(e) => Err(e),
            None => filled,
        }
    }

    /// The value of a text that is one place and nothing else, when it is not text itself.
    pub(crate) fn lone(&self, text: &str) -> Option<&Value> {
        let name = text.strip_prefix('{')?.strip_suffix('}')?;
        self.values.get(name.trim()).filter(|v| !matches!(v, Value::Text(_)))
    }
}

fn integer(v: u64) -> Value {
    i64::try_from(v).map_or(Value::Seed(v), Value::Int)
}

/// Whether a text parameter needs the item: it names a place that is neither an input nor the index, or it
/// is linked, so that nobody knows yet.
pub(crate) fn needs_item(given: &Given<'_>, param: &str, inputs: &[&str]) -> bool {
    match given.value(param) {
        None => true,
        Some(Value::List(items)) => items.iter().any(|v| match v {
            Value::Text(t) => text_needs_item(t, inputs),
            _ => false,
        }),
        Some(Value::Text(t)) => text_needs_item(&t, inputs),
        Some(_) => false,
    }
}

fn text_needs_item(text: &str, inputs: &[&str]) -> bool {
    template::places(text)
        .iter()
        .any(|p| !["index", "window"].contains(&p.as_str()) && !inputs.contains(&p.as_str()))
}
