//! What can be wrong with a weight file, in words a person can act on.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a weight file could not be read or written: which file, which tensor, what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WeightError {
    /// The operating system refused.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file or folder.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is something else than weights Kiln reads.
    #[error("{} is {what}: {remedy}", file.display())]
    NotWeights {
        /// The file.
        file: PathBuf,
        /// What it is.
        what: String,
        /// What to do instead.
        remedy: String,
    },
    /// The file ends before its contents do.
    #[error("{} is cut short: {what}; download it again", file.display())]
    CutShort {
        /// The file.
        file: PathBuf,
        /// What is missing.
        what: String,
    },
    /// The file contradicts itself.
    #[error("{} is damaged: {what}; download it again", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where it is wrong.
        what: String,
    },
    /// The file is larger or deeper than a weight file has any reason to be.
    #[error("{} is refused: {what}", file.display())]
    Refused {
        /// The file.
        file: PathBuf,
        /// What was too much, and the bound.
        what: String,
    },
    /// The tensor is there, but not in a way that can be read.
    #[error("{}: the tensor {} {why}", file.display(), quoted(tensor))]
    Tensor {
        /// The file.
        file: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// Why it cannot be read.
        why: String,
    },
    /// No tensor has this name.
    #[error("{} has no tensor {}", file.display(), quoted(tensor))]
    Missing {
        /// The file.
        file: PathBuf,
        /// The name that was asked for.
        tensor: String,
    },
    /// The folder does not hold a model part.
    #[error("{}: {what}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What is missing, and what to do.
        what: String,
    },
    /// A tensor made in memory, or given to the writer, does not fit its description.
    #[error("the tensor {} {why}", quoted(tensor))]
    Made {
        /// The tensor's name.
        tensor: String,
        /// What does not fit.
        why: String,
    },
    /// Writing failed.
    #[error("the weights could not be written: {0}")]
    Write(#[from] io::Error),
}

impl WeightError {
    pub(crate) fn io(file: &Path, source: io::Error) -> Self {
        Self::Io { file: file.to_path_buf(), source }
    }
    pub(crate) fn damaged(file: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_path_buf(), what: what.into() }
    }
    pub(crate) fn cut_short(file: &Path, what: impl Into<String>) -> Self {
        Self::CutShort { file: file.to_path_buf(), what: what.into() }
    }
    pub(crate) fn refused(file: &Path, what: impl Into<String>) -> Self {
        Self::Refused { file: file.to_path_buf(), what: what.into() }
    }
    pub(crate) fn not_weights(file: &Path, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::NotWeights { file: file.to_path_buf(), what: what.into(), remedy: remedy.into() }
    }
    pub(crate) fn made(tensor: &str, why: impl Into<String>) -> Self {
        Self::Made { tensor: tensor.to_owned(), why: why.into() }
    }
}

/// A name out of a file, fit for a terminal: quoted, control characters escaped, not too long.
pub(crate) fn quoted(name: &str) -> String {
    const LONGEST: usize = 160;
    if name.chars().count() <= LONGEST {
        return format!("{name:?}");
    }
    let head: String = name.chars().take(LONGEST).collect();
    format!("{head:?}...")
}
