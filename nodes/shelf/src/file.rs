//! A model's file as values on wires name it.

use kiln_types::FileRef;
use serde::{Deserialize, Serialize};

/// A file, as it is stored with a value: the path is a hint, the hash is what counts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredFile {
    /// Where it was.
    pub path: String,
    /// The blake3 hash of its bytes.
    pub hash: [u8; 32],
}

impl PartialEq for StoredFile {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl From<&FileRef> for StoredFile {
    fn from(file: &FileRef) -> Self {
        Self { path: file.path.display().to_string(), hash: file.hash.0 }
    }
}

impl StoredFile {
    /// The file's name without its folders.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit(['/', '\\']).next().unwrap_or(&self.path)
    }
}
