//! Model cards: what is known of a model, in a file beside it (`NAME.card.json` beside `NAME.safetensors`).
//!
//! A card names the model's hashes, its licence, the recipe and the log of what it learned from. `verify` holds the
//! models of a graph against their cards, so that nobody runs other weights than those the card tells of.

use kiln_collection::provenance::Digest;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Longer files are no cards.
const LONGEST: u64 = 4 << 20;
/// How deep below a folder of models is looked for cards.
const DEEPEST: usize = 4;
const ENDING: &str = ".card.json";

/// What is known of a model.
#[derive(Clone, Debug, Deserialize)]
pub struct Card {
    /// The model's name for people.
    #[serde(default)]
    pub title: String,
    /// The name of its file, beside the card.
    pub file: String,
    /// How long the file is.
    pub bytes: u64,
    /// Its hash.
    pub blake3: String,
    /// Its hash, as `sha256sum` tells it.
    pub sha256: String,
    /// Under which licence it may be used.
    #[serde(default)]
    pub licence: String,
    /// What it learned from.
    pub data_log: Option<DataLog>,
}

/// The list of everything a model learned from.
#[derive(Clone, Debug, Deserialize)]
pub struct DataLog {
    /// The file with the list, from the card on.
    pub file: String,
    /// Its hash.
    pub sha256: String,
    /// What it lists, in a few words.
    #[serde(default)]
    pub about: String,
}

/// Why a card cannot be believed.
#[derive(Debug)]
pub enum CardError {
    /// It cannot be read.
    Unread(PathBuf, std::io::Error),
    /// It is not what a card looks like.
    Broken(PathBuf, String),
}

impl fmt::Display for CardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(path, e) => write!(f, "the card {} cannot be read: {e}", path.display()),
            Self::Broken(path, why) => write!(f, "{} is no model card: {why}", path.display()),
        }
    }
}

/// Where the card of a model would lie.
pub fn place(model: &Path) -> PathBuf {
    let stem = model.file_stem().unwrap_or_default().to_string_lossy();
    model.with_file_name(format!("{stem}{ENDING}"))
}

/// The card of a model, if there is one.
///
/// # Errors
/// When the file beside the model is no card, or is another model's.
pub fn of(model: &Path) -> Result<Option<Card>, CardError> {
    let at = place(model);
    if !at.is_file() {
        return Ok(None);
    }
    let card = read(&at)?;
    let name = model.file_name().unwrap_or_default().to_string_lossy();
    if card.file != name {
        return Err(CardError::Broken(at, format!("it is the card of {:?}, not of {name:?}", card.file)));
    }
    Ok(Some(card))
}

fn read(at: &Path) -> Result<Card, CardError> {
    let unread = |e| CardError::Unread(at.to_owned(), e);
    let broken = |why: String| CardError::Broken(at.to_owned(), why);
    let length = std::fs::metadata(at).map_err(unread)?.len();
    if length > LONGEST {
        return Err(broken(format!("{length} bytes are too many for one")));
    }
    let bytes = std::fs::read(at).map_err(unread)?;
    let card: Card = serde_json::from_slice(&bytes).map_err(|e| broken(e.to_string()))?;
    let plain = |name: &str| !name.is_empty() && !name.contains(['/', '\\']) && name != "..";
    if !plain(&card.file) || card.data_log.as_ref().is_some_and(|log| !plain(&log.file)) {
        return Err(broken("it may only name files beside it".into()));
    }
    Ok(card)
}

/// What differs between a model and its card; `blake3` is the hash of the model as it lies there.
pub fn differences(model: &Path, card: &Card, blake3: &str) -> Vec<String> {
    let mut all = Vec::new();
    let name = model.file_name().unwrap_or_default().to_string_lossy();
    match std::fs::metadata(model).map(|m| m.len()) {
        Ok(bytes) if bytes == card.bytes => {}
        Ok(bytes) => all.push(format!("{name} has {bytes} bytes, its card says {}", card.bytes)),
        Err(e) => all.push(format!("{name} cannot be read: {e}")),
    }
    if blake3 != card.blake3 {
        all.push(format!(
            "{name} is not the model of its card: blake3 {}…, the card says {}…",
            short(blake3),
            short(&card.blake3)
        ));
    }
    if let Some(log) = &card.data_log {
        let at = model.with_file_name(&log.file);
        match std::fs::read(&at) {
            Ok(bytes) if Digest::sha256(&bytes).to_string() == log.sha256 => {}
            Ok(_) => {
                all.push(format!("{} is not the log that the card of {name} names: other bytes", log.file));
            }
            Err(e) => {
                all.push(format!("the log of what {name} learned from, {}, cannot be read: {e}", log.file));
            }
        }
    }
    all
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// Models with cards in these folders whose names stand in a text: a plan of traits, say, names LoRAs in its words.
pub fn named_in(text: &str, roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = BTreeMap::new();
    for root in roots {
        look(root, DEEPEST, &mut |card, stem| {
            if names(text, stem)
                && let Ok(known) = read(card)
            {
                let model = card.with_file_name(&known.file);
                if model.is_file() {
                    found.entry(stem.to_owned()).or_insert(model);
                }
            }
        });
    }
    found.into_values().collect()
}

/// Whether a text has this name as a word of its own.
fn names(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|t| t.chars().next());
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

fn look(folder: &Path, deep: usize, see: &mut dyn FnMut(&Path, &str)) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(stem) = name.strip_suffix(ENDING) {
            see(&path, stem);
        } else if deep > 0 && path.is_dir() {
            look(&path, deep - 1, see);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_whole_words() {
        assert!(names("<lora:kiln-night:0.8>", "kiln-night"));
        assert!(names("kiln-night", "kiln-night"));
        assert!(!names("kiln-nights and dark-kiln-night", "kiln-night"));
    }

    #[test]
    fn a_card_lies_beside_its_model() {
        assert_eq!(place(Path::new("a/b.c.safetensors")), Path::new("a/b.c.card.json"));
    }

    #[test]
    fn what_is_no_card_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("m.safetensors");
        std::fs::write(&model, b"x").unwrap();
        assert!(of(&model).unwrap().is_none());
        let good = r#"{"file":"m.safetensors","bytes":1,"blake3":"","sha256":""}"#;
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let other = good.replace("m.safe", "n.safe");
        let outside = good.replace('}', r#","data_log":{"file":"../../etc/passwd","sha256":""}}"#);
        for bad in ["", "{", "[]", "7", "{\"file\":3}", &deep, &other, &outside, &good[..40]] {
            std::fs::write(place(&model), bad).unwrap();
            let told = of(&model).unwrap_err().to_string();
            assert!(told.contains("m.card.json is no model card"), "{told}");
        }
        std::fs::write(place(&model), good).unwrap();
        let card = of(&model).unwrap().unwrap();
        assert_eq!(differences(&model, &card, "").len(), 0);
        assert_eq!(differences(&model, &card, "aa").len(), 1);
    }
}
