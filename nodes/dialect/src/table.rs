//! The table of classes, `classes.ron`: data, read once.

use indexmap::IndexMap;
use kiln_document::Lit;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

const TEXT: &str = include_str!("classes.ron");

static TABLE: LazyLock<Result<Table, String>> = LazyLock::new(|| Table::parse(TEXT));

/// Every class Kiln has a counterpart of.
#[derive(Debug)]
pub struct Table {
    classes: BTreeMap<String, Class>,
}

/// What becomes of a class.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Class {
    /// Its name in the other house.
    pub class: String,
    /// Our node type. Empty: the node is left out, and the note says why.
    pub node: String,
    /// Inputs that have the same name here.
    pub takes: Vec<String>,
    /// Inputs that have another name here. Several may lead to one input that takes several links.
    pub renames: IndexMap<String, String>,
    /// Words (or numbers, or yes and no) that an input has for what we call otherwise.
    pub values: BTreeMap<String, BTreeMap<String, Const>>,
    /// How a text is to be written here.
    pub turns: BTreeMap<String, Turn>,
    /// What an input is when nothing is said of it: what older files leave out.
    pub unsaid: BTreeMap<String, Const>,
    /// Inputs that mean nothing here, each with what to tell; nothing is told when that is empty.
    pub ignores: BTreeMap<String, String>,
    /// Our output for each of its outputs; empty where there is none.
    pub gives: Vec<String>,
    /// Parameters of ours that its way of working asks for.
    pub sets: IndexMap<String, Const>,
    /// Nodes that follow, where one class is several of ours.
    pub then: Vec<Then>,
    /// What to tell whenever the class is met.
    pub note: String,
}

/// A node of ours that follows the first one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Then {
    /// Our node type.
    pub node: String,
    /// Its input, and the output of the node before it that feeds it.
    pub from: (String, String),
    /// Its parameters.
    #[serde(default)]
    pub sets: IndexMap<String, Const>,
}

/// A plain value of the table.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Const {
    /// `true`
    Bool(bool),
    /// `7`
    Int(i64),
    /// `0.5`
    Float(f64),
    /// `"word"`; `%id%` in it is the node's id.
    Text(String),
}

impl Const {
    /// As a literal, for the node of this id.
    pub fn lit(&self, id: &str) -> Lit {
        match self {
            Self::Bool(v) => (*v).into(),
            Self::Int(v) => (*v).into(),
            Self::Float(v) => (*v).into(),
            Self::Text(v) => v.replace("%id%", id).into(),
        }
    }
}

/// How a text is to be written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Turn {
    /// A file to read: `/` between folders, and no `[input]` behind it.
    File,
    /// The name of files to write: `/` between folders, braces as they are, no two nodes with one name.
    Name,
    /// Backslashes as they are: the parameter reads `\n` as the end of a line.
    Plain,
}

impl Class {
    /// Every input it knows and takes, with our name for it, in the table's order.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, &str)> {
        let same = self.takes.iter().map(|name| (name.as_str(), name.as_str()));
        same.chain(self.renames.iter().map(|(name, ours)| (name.as_str(), ours.as_str())))
    }

    /// Whether it has such an input, taken or not.
    pub fn knows(&self, input: &str) -> bool {
        self.takes.iter().any(|t| t == input)
            || self.renames.contains_key(input)
            || self.ignores.contains_key(input)
    }
}

impl Table {
    fn parse(text: &str) -> Result<Self, String> {
        let all: Vec<Class> = ron::from_str(text).map_err(|e| e.to_string())?;
        let mut classes = BTreeMap::new();
        for class in all {
            if let Some(twice) = classes.insert(class.class.clone(), class) {
                return Err(format!("{} is there twice", twice.class));
            }
        }
        Ok(Self { classes })
    }

    /// The table of this build.
    pub fn get() -> Result<&'static Self, String> {
        TABLE.as_ref().map_err(Clone::clone)
    }

    /// What becomes of a class.
    pub fn class(&self, name: &str) -> Option<&Class> {
        self.classes.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Class> {
        self.classes.values()
    }

    /// A class with a name like this one.
    pub fn nearest(&self, name: &str) -> Option<String> {
        kiln_core::words::nearest(name, self.classes.keys())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_is_there_twice_is_told() {
        let text = r#"[(class: "A", node: "X"), (class: "A", node: "Y")]"#;
        assert_eq!(Table::parse(text).unwrap_err(), "A is there twice");
        assert!(Table::parse(r#"[(class: "A", nodes: "X")]"#).is_err());
    }

    #[test]
    fn values_of_the_table_keep_their_kind() {
        let text = r#"[(class: "A", sets: {"a": 1, "b": 1.0, "c": true, "d": "x-%id%", "e": 0.1})]"#;
        let table = Table::parse(text).unwrap();
        let lits: Vec<Lit> = table.class("A").unwrap().sets.values().map(|c| c.lit("7")).collect();
        assert_eq!(lits, [Lit::Int(1), Lit::Float(1.0), true.into(), "x-7".into(), Lit::Float(0.1)]);
    }
}
