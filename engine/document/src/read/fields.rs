//! Reading single values: texts, numbers, links, modes.

use super::reader::{Here, Reader};
use crate::{
    Link, Lit, Mode, ParamRef,
    syntax::tree::{Tree, Value},
};

impl Reader<'_> {
    pub(super) fn text(&mut self, here: &Here<'_>, tree: Tree) -> Option<String> {
        let at = tree.at;
        let kind = tree.kind();
        let hint = match tree.value {
            Value::Leaf(Lit::Text(text)) => return Some(text),
            Value::Leaf(lit @ (Lit::Unit(Some(_)) | Lit::Int(_) | Lit::Float(_) | Lit::Bool(_))) => {
                format!("write it in double quotes: \"{lit}\"")
            }
            _ => String::new(),
        };
        self.problem(here, at, format!("a text is needed here, found {kind}"), &hint);
        None
    }

    pub(super) fn whole_number(&mut self, here: &Here<'_>, tree: &Tree) -> Option<u32> {
        let what = match &tree.value {
            Value::Leaf(Lit::Int(value)) => match u32::try_from(*value) {
                Ok(value) => return Some(value),
                Err(_) => format!("a version is a whole number from 0 to {}, found `{value}`", u32::MAX),
            },
            Value::Leaf(lit @ Lit::Float(_)) => format!("a version is a whole number, found `{lit}`"),
            _ => format!("a version is a whole number, found {}", tree.kind()),
        };
        self.problem(here, tree.at, what, "");
        None
    }

    pub(super) fn mode(&mut self, here: &Here<'_>, tree: &Tree) -> Mode {
        let (what, name) = match &tree.value {
            Value::Leaf(Lit::Unit(Some(name))) => match Mode::from_name(name) {
                Some(mode) => return mode,
                None => (format!("there is no mode `{name}`"), Some(name)),
            },
            Value::Leaf(Lit::Text(text)) => ("a mode is written without quotes".to_owned(), Some(text)),
            _ => (format!("a mode is needed here, found {}", tree.kind()), None),
        };
        let meant = name.and_then(|name| Mode::ALL.into_iter().find(|mode| alike(mode.name(), name)));
        let hint = match meant {
            Some(mode) => format!("did you mean `{}`?", mode.name()),
            None => "the modes are `Active`, `Muted` and `Bypassed`".to_owned(),
        };
        self.problem(here, tree.at, what, &hint);
        Mode::default()
    }

    pub(super) fn link(&mut self, here: &Here<'_>, tree: &Tree) -> Option<Link> {
        let what = match &tree.value {
            Value::Leaf(Lit::Text(text)) => match text.parse() {
                Ok(link) => return Some(link),
                Err(error) => format!("{error}"),
            },
            _ => format!("a link is needed here, found {}", tree.kind()),
        };
        self.problem(here, tree.at, what, "a link is written \"node.port\"");
        None
    }

    pub(super) fn param_refs(&mut self, here: &Here<'_>, tree: Tree) -> Vec<ParamRef> {
        match self.list_items(here, tree) {
            Ok(items) => {
                let refs = items.iter().enumerate();
                refs.filter_map(|(index, item)| self.param_ref(&here.index(index), item)).collect()
            }
            Err(tree) => self.param_ref(here, &tree).into_iter().collect(),
        }
    }

    fn param_ref(&mut self, here: &Here<'_>, tree: &Tree) -> Option<ParamRef> {
        let what = match &tree.value {
            Value::Leaf(Lit::Text(text)) => match text.parse() {
                Ok(param) => return Some(param),
                Err(error) => format!("{error}"),
            },
            _ => format!("a parameter is needed here, found {}", tree.kind()),
        };
        self.problem(here, tree.at, what, "a parameter is written \"node.param\"");
        None
    }
}

/// Whether one was probably meant by the other: the same but for case, or the same beginning.
fn alike(name: &str, given: &str) -> bool {
    let (name, given) = (name.to_lowercase(), given.to_lowercase());
    given.len() >= 3 && (name.starts_with(&given) || given.starts_with(name.get(..4).unwrap_or(&name)))
}
