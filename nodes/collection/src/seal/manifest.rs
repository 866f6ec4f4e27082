//! `provenance.json`: the hashes of everything.

use crate::provenance::{Digest, Head, MerkleError, MerkleTree, Provenance, token_leaf};
use serde::{Deserialize, Serialize};

/// The format's number.
pub const FORMAT: u32 = 1;

/// How somebody without this program can check it all.
const ABOUT: &str = "sha256 and blake3 are of each file's bytes. provenance is SHA-256 over the items' sha256 as small \
    hexadecimal digits, joined in token order. merkle_root is OpenZeppelin's StandardMerkleTree over (uint256 token, \
    bytes32 sha256). The last line with action \"seal\" in audit.jsonl has the SHA-256 of this file first among its subjects.";

/// What a collection's files come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The format, 1.
    pub kiln: u32,
    /// What the numbers are.
    pub about: String,
    /// The collection's name.
    pub name: String,
    /// Which sealing of the collection this is, from 1.
    pub seal: u64,
    /// When, in milliseconds since 1970.
    pub time: u64,
    /// Where the audit log ended before this sealing wrote to it.
    pub before: Head,
    /// The provenance hash over all items.
    pub provenance: Digest,
    /// The Merkle tree's root; none without items.
    pub merkle_root: Option<Digest>,
    /// Folders that are not sealed.
    pub left_out: Vec<String>,
    /// The tokens that have a picture, in their order.
    pub items: Vec<ItemRecord>,
    /// All files, by path.
    pub files: Vec<FileRecord>,
}

/// A token and its picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemRecord {
    /// The token's number.
    pub token: u64,
    /// Its picture's path.
    pub picture: String,
    /// Its document's path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// SHA-256 of the picture.
    pub sha256: Digest,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Its path below the folder.
    pub path: String,
    /// How long it is.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// blake3 of its bytes.
    pub blake3: Digest,
}

impl Manifest {
    /// A manifest of these items and files.
    pub(super) fn new(
        name: String,
        left_out: Vec<String>,
        items: Vec<ItemRecord>,
        files: Vec<FileRecord>,
    ) -> Self {
        let digests: Vec<Digest> = items.iter().map(|item| item.sha256).collect();
        let mut all = Self {
            kiln: FORMAT,
            about: ABOUT.to_owned(),
            name,
            seal: 1,
            time: 0,
            before: Head::EMPTY,
            provenance: Provenance::of(&digests),
            merkle_root: None,
            left_out,
            items,
            files,
        };
        all.merkle_root = all.tree().ok().map(|tree| tree.root());
        all
    }

    /// The Merkle tree over the items.
    ///
    /// # Errors
    /// There are no items.
    pub fn tree(&self) -> Result<MerkleTree, MerkleError> {
        let leaves: Vec<Digest> = self.items.iter().map(|item| token_leaf(item.token, item.sha256)).collect();
        MerkleTree::new(&leaves)
    }

    /// The text of the file: a line for each item and file, so that two of them can be compared by eye.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut head = self.clone();
        let (items, files) = (std::mem::take(&mut head.items), std::mem::take(&mut head.files));
        let pretty = serde_json::to_string_pretty(&head).unwrap_or_default();
        fn lines<T: Serialize>(all: &[T]) -> String {
            let line = |one: &T| format!("    {}", serde_json::to_string(one).unwrap_or_default());
            let lines: Vec<String> = all.iter().map(line).collect();
            if lines.is_empty() { "[]".to_owned() } else { format!("[\n{}\n  ]", lines.join(",\n")) }
        }
        let body = pretty.trim_end_matches('}').trim_end();
        let body = body.trim_end_matches("\"items\": [],\n  \"files\": []");
        format!("{body}\"items\": {},\n  \"files\": {}\n}}\n", lines(&items), lines(&files))
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    /// It is no manifest of this format.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let found: Self = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        if found.kiln != FORMAT {
            return Err(format!("it has format {}, and this program reads format {FORMAT}", found.kiln));
        }
        Ok(found)
    }

    /// Whether both seal the same, whenever that was.
    pub(super) fn seals_the_same(&self, other: &Self) -> bool {
        self.name == other.name
            && self.left_out == other.left_out
            && self.items == other.items
            && self.files == other.files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_read_back_and_has_a_line_for_each_file() {
        let digest = Digest::sha256(b"x");
        let item = ItemRecord { token: 3, picture: "3.png".into(), metadata: None, sha256: digest };
        let file = FileRecord { path: "a \"b\"}".into(), bytes: 1, sha256: digest, blake3: digest };
        for (items, files) in [(vec![], vec![]), (vec![item.clone(), item], vec![file.clone(), file])] {
            let manifest = Manifest::new("Hats".into(), vec![".kiln".into()], items, files);
            let text = manifest.to_text();
            assert_eq!(Manifest::read(text.as_bytes()), Ok(manifest.clone()), "{text}");
            assert_eq!(text.lines().filter(|l| l.contains("3.png")).count(), manifest.items.len());
        }
        assert!(Manifest::read(b"{}").is_err());
    }
}
