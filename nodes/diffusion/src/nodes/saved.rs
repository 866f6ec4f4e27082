//! Files that nodes save: their names, and what the journal remembers of them.

use kiln_core::doors::Written;
use kiln_core::template::{fill, places};
use kiln_core::{Cx, Given, NodeError};

/// The endings of these files: a name of nothing else is none.
const ENDINGS: &[&str] = &[".latent", ".safetensors"];

/// A filled-in text without what would lead to another folder or is not allowed in names.
fn tame(text: &str) -> String {
    let odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    text.chars().map(|c| if odd(c) { '-' } else { c }).collect()
}

/// The file's name for this item and this place in a list, with its ending.
pub(in crate::nodes) fn file_name(cx: &Cx<'_>, template: &str, ending: &str) -> Result<String, NodeError> {
    let filled = fill(template, &|place| match place {
        "item" => cx.item().map(|i| i.item.to_string()),
        "window" => cx.window().map(|w| w.to_string()),
        "index" => Some(cx.index().unwrap_or(0).to_string()),
        column => {
            let (_, cell) = cx.item()?.row.iter().find(|(name, _)| name == column)?;
            Some(tame(cell))
        }
    })
    .map_err(|e| e.at("name"))?;
    let stem = filled.strip_suffix(ending).unwrap_or(&filled);
    // What the name does not tell apart is counted from 1.
    let numbered = places(template).iter().any(|p| p == "index");
    Ok(match cx.index().filter(|_| !numbered) {
        Some(at) => format!("{stem}-{}{ending}", at + 1),
        None => format!("{stem}{ending}"),
    })
}

/// Whether the name makes the node run once per item.
pub(in crate::nodes) fn names_items(given: &Given<'_>) -> bool {
    let own = |place: &String| !matches!(place.as_str(), "index" | "window");
    given.text("name").is_some_and(|name| places(&name).iter().any(own))
}

/// What is wrong with a name before anything runs.
pub(in crate::nodes) fn check_name(given: &Given<'_>) -> Vec<NodeError> {
    let Some(name) = given.text("name") else { return Vec::new() };
    let mut found = Vec::new();
    let stem = ENDINGS.iter().find_map(|e| name.strip_suffix(e)).unwrap_or(&name);
    if stem.trim().is_empty() || stem.ends_with('/') {
        let wrong = NodeError::new(format!("{name:?} is not a file's name")).at("name");
        found.push(wrong.hint("write a name: \"checkpoints/mine\""));
    }
    if let Err(e) = fill(&name, &|_| Some("0".to_owned())) {
        found.push(e.at("name"));
    }
    found
}

/// What the journal keeps of a file: its length and path.
pub(in crate::nodes) fn outcome(file: &Written) -> Vec<u8> {
    format!("{} {}", file.bytes, file.path).into_bytes()
}

/// The length and path of an outcome.
pub(in crate::nodes) fn remembered(outcome: &[u8]) -> Result<(u64, String), NodeError> {
    let bad = || NodeError::new("the journal's entry of this file cannot be read");
    let text = std::str::from_utf8(outcome).map_err(|_| bad())?;
    let (bytes, path) = text.split_once(' ').ok_or_else(bad)?;
    Ok((bytes.parse().map_err(|_| bad())?, path.to_owned()))
}

/// Whether the file of an outcome is still there.
pub(in crate::nodes) fn still_there(cx: &Cx<'_>, outcome: &[u8]) -> bool {
    let (Ok(out), Ok((bytes, path))) = (cx.out_folder(), remembered(outcome)) else { return false };
    out.stands(&path, bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
    use super::*;

    #[test]
    fn outcomes_can_be_read() {
        assert_eq!(remembered(b"12 a b.latent").unwrap(), (12, "a b.latent".to_owned()));
        assert!(remembered(b"nonsense").is_err());
        assert!(remembered(&[0xff]).is_err());
        assert_eq!(tame("../a:b"), "..-a-b");
    }
}
