//! Why a file is not the model somebody hoped for.

use std::path::{Path, PathBuf};

use kiln_weights::WeightError;

/// Why a model file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// It is something else.
    #[error("{} looks like {looks}, but {wanted} is needed here (it holds {})", file.display(), listed(names))]
    Foreign {
        /// The file.
        file: PathBuf,
        /// What it looks like.
        looks: String,
        /// What was expected.
        wanted: &'static str,
        /// The first of its names.
        names: Vec<String>,
    },
    /// It is what was asked for, but not all of it.
    #[error("{}: the {part} lacks {}; the file is incomplete, download it again", file.display(), listed(names))]
    Missing {
        /// The file.
        file: PathBuf,
        /// Which part of the model.
        part: &'static str,
        /// The names that are missing.
        names: Vec<String>,
    },
    /// Names or shapes contradict each other.
    #[error("{}: {what}", file.display())]
    Odd {
        /// The file.
        file: PathBuf,
        /// What is odd, and what to do.
        what: String,
    },
    /// Only the averaged copy of the training is there.
    #[error(
        "{} holds only the averaged weights of a training (model_ema.*), under names without dots; take the published checkpoint, or save the training as one",
        file.display()
    )]
    OnlyEma {
        /// The file.
        file: PathBuf,
    },
    /// A known kind of model that Kiln does not run.
    #[error("{} is {what}; Kiln does not run these yet", file.display())]
    NotYet {
        /// The file.
        file: PathBuf,
        /// What it is.
        what: String,
    },
    /// Reading failed.
    #[error(transparent)]
    Weights(#[from] WeightError),
}

impl LayoutError {
    pub(crate) fn odd(file: &Path, what: impl Into<String>) -> Self {
        Self::Odd { file: file.to_path_buf(), what: what.into() }
    }
    pub(crate) fn not_yet(file: &Path, what: impl Into<String>) -> Self {
        Self::NotYet { file: file.to_path_buf(), what: what.into() }
    }
}

/// A few names out of a file, fit for a terminal.
pub(crate) fn listed(names: &[String]) -> String {
    const SHOWN: usize = 4;
    if names.is_empty() {
        return "nothing".to_owned();
    }
    let mut text = names.iter().take(SHOWN).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(", ... and {} more", names.len() - SHOWN));
    }
    text
}

/// A name out of a file: quoted, control characters escaped, not too long.
pub(crate) fn shown(name: &str) -> String {
    const LONGEST: usize = 120;
    if name.chars().count() <= LONGEST {
        return format!("{name:?}");
    }
    format!("{:?}...", name.chars().take(LONGEST).collect::<String>())
}
