//! Which tokens a folder holds: a document each in `metadata/`, and the picture that belongs to it.

use super::files::{Entry, Files, Sort, read_text};
use crate::metadata::{Attribute, AttributeValue, Generation};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// The longest document of a token that is read, in bytes.
const LONGEST: u64 = 4 << 20;

/// What a seal and a report read of a token's document. Documents of other programs are read as far as they go.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Glance {
    /// The token's name.
    pub name: String,
    /// The text about it.
    pub description: String,
    /// The address of its picture.
    pub image: String,
    /// Its traits as pairs of sort and value: attributes that are words.
    pub traits: Vec<(String, String)>,
    /// Its attributes that are numbers, as text: they are no traits to be counted.
    pub numbers: Vec<(String, String)>,
    /// Its tier.
    pub tier: Option<String>,
    /// SHA-256 of its files, as far as the document names them.
    pub digests: Vec<String>,
    /// How its picture was made, where the document tells it in our words.
    pub generation: Option<Generation>,
}

/// A token of a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its number.
    pub token: u64,
    /// Its document's path.
    pub metadata: Option<String>,
    /// Its picture's path.
    pub picture: Option<String>,
    /// What its document says.
    pub glance: Glance,
}

/// The tokens of a folder, by number.
pub type Tokens = Vec<Found>;

/// Why the tokens cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// A document cannot be read.
    #[error("{path} cannot be read as a token's document: {what}")]
    Document {
        /// Its path.
        path: String,
        /// Why.
        what: String,
    },
    /// Two documents for one token.
    #[error("{one} and {other} are both the document of token {token}; one of them has to go")]
    Twice {
        /// The token.
        token: u64,
        /// The first path.
        one: String,
        /// The other path.
        other: String,
    },
}

/// Whether a path ends like a picture's.
#[must_use]
pub fn is_picture(path: &str) -> bool {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|e| matches!(&*e, "png" | "jpg" | "jpeg" | "webp" | "avif" | "gif"))
}

/// The name of a file without folders and ending.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split_once('.').map_or(name, |(stem, _)| stem)
}

/// The number that a file's name ends with: `7`, `0007`, `token-7`.
fn number(path: &str) -> Option<u64> {
    let stem = stem(path);
    let digits = stem.len() - stem.bytes().rev().take_while(u8::is_ascii_digit).count();
    stem.get(digits..)?.parse().ok()
}

/// Reads what a document says.
///
/// # Errors
/// It is no JSON object.
pub fn glance(bytes: &[u8]) -> Result<Glance, String> {
    let document: Value = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let Value::Object(document) = document else { return Err("it is no JSON object".to_owned()) };
    let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let attributes =
        document.get("attributes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let (mut traits, mut numbers) = (Vec::new(), Vec::new());
    for attribute in attributes.iter().filter_map(|value| Attribute::deserialize(value).ok()) {
        let sort = attribute.trait_type.unwrap_or_else(|| "Property".to_owned());
        match attribute.value {
            AttributeValue::Int(n) => numbers.push((sort, n.to_string())),
            AttributeValue::Number(n) => numbers.push((sort, n.to_string())),
            AttributeValue::Text(text) => traits.push((sort, text)),
        }
    }
    let properties = document.get("properties");
    let of = |name: &str| properties.and_then(|p| p.get(name));
    let files = of("files").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Ok(Glance {
        name: text("name"),
        description: text("description"),
        image: text("image"),
        traits,
        numbers,
        tier: of("tier").and_then(Value::as_str).map(str::to_owned),
        digests: files.iter().filter_map(|f| Some(f.get("sha256")?.as_str()?.to_owned())).collect(),
        generation: of("generation").and_then(|g| Generation::deserialize(g).ok()),
    })
}

/// The tokens of a folder. `digests` tells the SHA-256 of the picture files, by path, where it is known.
///
/// A token's picture is the file that its document names: by its path, by its SHA-256, by the last part of its address;
/// else the one whose name ends with its number. A folder without documents has its pictures as tokens, by the numbers
/// in their names.
///
/// # Errors
/// A document that cannot be read, or two for one token.
pub fn tokens(
    files: &dyn Files,
    entries: &[Entry],
    digests: &BTreeMap<String, String>,
) -> Result<Tokens, TokensError> {
    let paths = || entries.iter().filter(|e| e.sort == Sort::File).map(|e| e.path.as_str());
    let working = ["report/", "rejected/", "review/", "provenance/", ".kiln/"];
    let pictures: Vec<&str> =
        paths().filter(|p| is_picture(p) && !working.iter().any(|folder| p.starts_with(folder))).collect();
    let pictures = Pictures::new(&pictures, digests);
    let mut found: BTreeMap<u64, Found> = BTreeMap::new();
    for path in paths().filter(|p| p.starts_with("metadata/") && p.ends_with(".json")) {
        let wrong = |what: String| TokensError::Document { path: path.to_owned(), what };
        // The collection's own document may lie among those of the tokens.
        let Some(token) = number(path) else { continue };
        let bytes = read_text(files, path, LONGEST).map_err(|e| wrong(e.to_string()))?;
        let glance = glance(&bytes).map_err(wrong)?;
        let picture = pictures.of(token, &glance);
        let one = Found { token, metadata: Some(path.to_owned()), picture, glance };
        if let Some(before) = found.insert(token, one) {
            let one = before.metadata.unwrap_or_default();
            return Err(TokensError::Twice { token, one, other: path.to_owned() });
        }
    }
    if found.is_empty() {
        for (token, path) in pictures.by_number {
            let Some(picture) = path else { continue };
            let glance = Glance { name: format!("#{token}"), ..Glance::default() };
            let one = Found { token, metadata: None, picture: Some(picture.to_owned()), glance };
            found.insert(token, one);
        }
    }
    Ok(found.into_values().collect())
}

/// The pictures of a folder, by what documents name them by. What two of them share names neither.
struct Pictures<'a> {
    paths: std::collections::BTreeSet<&'a str>,
    by_name: HashMap<&'a str, Option<&'a str>>,
    by_number: BTreeMap<u64, Option<&'a str>>,
    by_digest: HashMap<&'a str, &'a str>,
}

impl<'a> Pictures<'a> {
    fn new(pictures: &[&'a str], digests: &'a BTreeMap<String, String>) -> Self {
        let (mut by_name, mut by_number) = (HashMap::new(), BTreeMap::new());
        for path in pictures {
            let name = path.rsplit('/').next().unwrap_or(path);
            by_name.entry(name).and_modify(|p| *p = None).or_insert(Some(*path));
            if let Some(number) = number(path) {
                by_number.entry(number).and_modify(|p| *p = None).or_insert(Some(*path));
            }
        }
        let paths: std::collections::BTreeSet<&str> = pictures.iter().copied().collect();
        let known = digests.iter().filter(|(path, _)| paths.contains(path.as_str()));
        // Twins: the first by name stands for both.
        let by_digest = known.rev().map(|(path, digest)| (digest.as_str(), path.as_str())).collect();
        Self { paths, by_name, by_number, by_digest }
    }

    fn of(&self, token: u64, glance: &Glance) -> Option<String> {
        let remake = glance.generation.as_ref().and_then(|g| g.remake.as_ref());
        let by_path = || {
            let path = remake?.picture.as_deref()?;
            self.paths.get(path).copied()
        };
        let name = || {
            let address = glance.image.split(['?', '#']).next()?;
            self.by_name.get(address.rsplit('/').next()?).copied().flatten()
        };
        let digest = || glance.digests.iter().find_map(|d| self.by_digest.get(d.as_str()).copied());
        let numbered = || self.by_number.get(&token).copied().flatten();
        by_path().or_else(name).or_else(digest).or_else(numbered).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provenance::Digest;

    fn folder(files: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
    }

    fn found(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<(u64, Option<String>)>, TokensError> {
        let digests = files.iter().map(|(p, b)| (p.clone(), Digest::sha256(b).to_string())).collect();
        let all = tokens(files, &files.list().unwrap(), &digests)?;
        Ok(all.into_iter().map(|t| (t.token, t.picture)).collect())
    }

    #[test]
    fn pictures_are_found_by_path_address_digest_and_number() {
        let digest = Digest::sha256(b"four").to_string();
        let by_digest = format!(r#"{{"name":"d","properties":{{"files":[{{"sha256":"{digest}"}}]}}}}"#);
        let files = folder(&[
            (
                "metadata/1.json",
                r#"{"name":"a","properties":{"generation":{"engine":"k","remake":{"picture":"art/x.png"}}}}"#,
            ),
            ("metadata/0002.json", r#"{"name":"b","image":"ipfs://CID/hat.PNG?x=1"}"#),
            ("metadata/token-3.json", r#"{"name":"c"}"#),
            ("metadata/4.json", &by_digest),
            ("metadata/5.json", "{}"),
            ("metadata/collection.json", "no token"),
            ("art/x.png", "one"),
            ("art/hat.PNG", "two"),
            ("art/0003.png", "three"),
            ("art/other.png", "four"),
            ("report/thumbs/5.png", "thumb"),
        ]);
        let path = |p: &str| Some(p.to_owned());
        let expected = vec![
            (1, path("art/x.png")),
            (2, path("art/hat.PNG")),
            (3, path("art/0003.png")),
            (4, path("art/other.png")),
            (5, None),
        ];
        assert_eq!(found(&files).unwrap(), expected);
    }

    #[test]
    fn a_folder_of_pictures_alone_has_tokens_by_number() {
        let files = folder(&[("a/07.png", ""), ("b/8.png", ""), ("c/8.png", ""), ("notes.txt", "")]);
        assert_eq!(found(&files).unwrap(), [(7, Some("a/07.png".to_owned()))]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = |files: &[(&str, &str)]| found(&folder(files)).unwrap_err().to_string();
        assert!(error(&[("metadata/1.json", "[")]).starts_with("metadata/1.json cannot be read"));
        assert!(error(&[("metadata/1.json", "[]")]).contains("no JSON object"));
        assert!(
            error(&[("metadata/1.json", "{}"), ("metadata/01.json", "{}")])
                .contains("both the document of token 1")
        );
        // Numbers too large for a token name none.
        assert!(found(&folder(&[("metadata/99999999999999999999999.json", "{}")])).unwrap().is_empty());
    }
}
