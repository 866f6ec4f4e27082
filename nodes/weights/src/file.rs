//! A weight file, whatever its format: its tensors by name.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::error::WeightError;
use crate::map::Mapping;
use crate::onnx::{self, OnnxGraph};
use crate::sniff::{Kind, sniff};
use crate::stored::Stored;
use crate::{safetensors, torch};

/// What a reader finds in a file.
#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) tensors: BTreeMap<String, Stored>,
    pub(crate) metadata: BTreeMap<String, String>,
    /// Tensors that are there but cannot be read, with the reason as the end of a sentence.
    pub(crate) unreadable: BTreeMap<String, String>,
    pub(crate) warnings: Vec<String>,
    /// The nodes of an ONNX file.
    pub(crate) graph: Option<OnnxGraph>,
}

/// A weight file (or the shards of one) as its tensors, sorted by name.
pub struct WeightFile {
    path: Arc<Path>,
    contents: Contents,
}

impl WeightFile {
    /// Opens a file by what is in it, not by its ending: safetensors, a torch checkpoint (`.pth`, `.pt`,
    /// `.ckpt`, `.bin`; new or old layout), or an ONNX model. Reads names and shapes; the numbers stay on disk until asked for.
    ///
    /// # Errors
    /// If the file cannot be opened, is something else, or is damaged.
    pub fn open(path: &Path) -> Result<Self, WeightError> {
        let mapping = Mapping::open(path)?;
        let contents = match sniff(&mapping)? {
            Kind::Safetensors => safetensors::read(&mapping)?,
            Kind::Zip => torch::read_zip(&mapping)?,
            Kind::Pickle => torch::read_legacy(&mapping)?,
            Kind::Onnx => onnx::read(&mapping)?,
        };
        Ok(Self { path: Arc::clone(mapping.path()), contents })
    }

    pub(crate) fn from_parts(path: &Path, contents: Contents) -> Self {
        Self { path: path.into(), contents }
    }

    pub(crate) fn into_contents(self) -> Contents {
        self.contents
    }

    /// The file, or the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file says about itself (`__metadata__` of a safetensors file).
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.contents.metadata
    }

    /// What a person should know though the file can be used: above all, code that the file wanted to run
    /// and that was not run.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.contents.warnings
    }

    /// Tensors that are there but cannot be read (a number format Kiln does not know, say), with the reason.
    #[must_use]
    pub fn unreadable(&self) -> &BTreeMap<String, String> {
        &self.contents.unreadable
    }

    /// The names, sorted.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.contents.tensors.keys().map(String::as_str)
    }

    /// The tensor with this name, if it is there and can be read.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Stored> {
        self.contents.tensors.get(name)
    }

    /// The tensor with this name, or why not.
    ///
    /// # Errors
    /// If there is none, or it is stored in a way that cannot be read.
    pub fn require(&self, name: &str) -> Result<&Stored, WeightError> {
        self.get(name).ok_or_else(|| match self.contents.unreadable.get(name) {
            Some(why) => WeightError::Tensor {
                file: self.path.to_path_buf(),
                tensor: name.to_owned(),
                why: why.clone(),
            },
            None => WeightError::Missing { file: self.path.to_path_buf(), tensor: name.to_owned() },
        })
    }

    /// The tensors, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Stored> {
        self.contents.tensors.values()
    }

    /// The nodes of an ONNX file; none in other files.
    #[must_use]
    pub fn graph(&self) -> Option<&OnnxGraph> {
        self.contents.graph.as_ref()
    }

    /// The tensor behind a name in an ONNX graph: a weight, or a constant, or either of them passed on under another
    /// name. In other files, the tensor with this name.
    #[must_use]
    pub fn constant(&self, name: &str) -> Option<&Stored> {
        let name = self.graph().map_or(name, |graph| graph.source(name));
        self.get(name).or_else(|| self.graph()?.constant(name))
    }

    /// How many tensors can be read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.contents.tensors.len()
    }

    /// Whether no tensor can be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contents.tensors.is_empty()
    }

    /// How many bytes all tensors take as stored; shared ones count each time.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.iter().fold(0, |sum, tensor| sum.saturating_add(tensor.byte_len() as u64))
    }
}

impl std::fmt::Debug for WeightFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WeightFile").field("path", &self.path).field("tensors", &self.len()).finish()
    }
}
