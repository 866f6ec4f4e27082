//! Older versions of the format, brought to the current one: a chain of functions on the untyped tree.

use crate::{
    CURRENT_VERSION, Lit, Problem, Problems,
    syntax::tree::{Group, Key, Tree, Value},
};

mod v0;

/// One step: from the version at its index to the next.
type Step = fn(&mut Group) -> Result<(), Vec<Problem>>;

/// The steps, the first from version 0. A new version adds one line here.
const STEPS: [Step; CURRENT_VERSION as usize] = [v0::migrate];

/// Brings a tree to the current version; tells which one it was, if it was older.
pub(crate) fn to_current(mut tree: Tree) -> Result<(Tree, Option<u32>), Problems> {
    let at = tree.at;
    let Value::Group(group) = &mut tree.value else {
        // No document at all: the reader tells that better.
        return match tree.value {
            Value::Leaf(Lit::Unit(_) | Lit::Tuple(..)) => Err(no_version(at).into()),
            _ => Ok((tree, None)),
        };
    };
    if group.name.as_deref().is_some_and(|name| name != "Graph") || !is_struct(group) {
        return Ok((tree, None));
    }
    let version = version(group, at)?;
    for step in STEPS.iter().skip(version as usize) {
        step(group).map_err(Problems)?;
    }
    Ok((tree, (version < CURRENT_VERSION).then_some(version)))
}

fn is_struct(group: &Group) -> bool {
    group.entries.iter().all(|entry| matches!(entry.key, Key::Name(_)))
}

fn no_version(at: crate::problem::Pos) -> Problem {
    Problem::new(at, String::new(), "the document does not say which version of the format it is written in")
        .hint(format!("add `kiln: {CURRENT_VERSION},` as its first field"))
}

fn version(group: &Group, at: crate::problem::Pos) -> Result<u32, Problem> {
    let entry = group.entries.iter().find(|entry| matches!(&entry.key, Key::Name(name) if name == "kiln"));
    let value = &entry.ok_or_else(|| no_version(at))?.value;
    let problem = |what: String| Problem::new(value.at, "kiln".to_owned(), what);
    match &value.value {
        Value::Leaf(Lit::Int(version)) if *version > i128::from(CURRENT_VERSION) => Err(problem(format!(
            "the document is written in version {version} of the format; this Kiln reads up to version {CURRENT_VERSION}"
        ))
        .hint("update Kiln")),
        Value::Leaf(Lit::Int(version)) if *version >= 0 => Ok(u32::try_from(*version).unwrap_or(CURRENT_VERSION)),
        Value::Leaf(lit) => Err(problem(format!("the version of the format is a whole number, found `{lit}`"))
            .hint(format!("write `kiln: {CURRENT_VERSION}`"))),
        Value::Group(_) => Err(problem("the version of the format is a whole number".to_owned())
            .hint(format!("write `kiln: {CURRENT_VERSION}`"))),
    }
}
