//! What the tests share: the small files torch made, scratch folders, and what torch said is in the files.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kiln_weights::{WeightError, WeightFile};

pub fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference")
}

/// Every committed file, sorted.
pub fn fixtures() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(reference().join("files")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[derive(serde::Deserialize)]
pub struct Row {
    pub dtype: String,
    pub shape: Vec<usize>,
    pub values: Vec<serde_json::Value>,
}

/// By file, by tensor.
pub fn values() -> BTreeMap<String, BTreeMap<String, Row>> {
    serde_json::from_slice(&std::fs::read(reference().join("values.json")).unwrap()).unwrap()
}

pub struct Scratch(tempfile::TempDir);

impl Scratch {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The message about a file with these bytes, without the folder; empty where there is none.
    pub fn complaint(&self, name: &str, bytes: &[u8]) -> String {
        self.words(WeightFile::open(&self.file(name, bytes)))
    }

    pub fn words(&self, outcome: Result<WeightFile, WeightError>) -> String {
        let text = outcome.err().map(|error| error.to_string()).unwrap_or_default();
        text.replace(&format!("{}/", self.0.path().display()), "")
    }
}

/// A safetensors file with this header and these numbers.
pub fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}
