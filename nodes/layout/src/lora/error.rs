//! Why a LoRA file cannot be used.

use std::path::PathBuf;

use crate::error::shown;

/// Why a LoRA file cannot be used: which file, which tensor, what to do.
#[derive(Debug, thiserror::Error, Clone, PartialEq)]
#[non_exhaustive]
pub enum LoraError {
    /// It is something else.
    #[error("{} is no LoRA: it looks like {looks} (its first name is {})", file.display(), shown(first))]
    NotALora {
        /// The file.
        file: PathBuf,
        /// What it looks like.
        looks: String,
        /// The first of its names.
        first: String,
    },
    /// A module lacks one of its tensors.
    #[error("{}: {} has {has}, but no {lacks}; the file is incomplete, download it again", file.display(), shown(module))]
    Missing {
        /// The file.
        file: PathBuf,
        /// The module.
        module: String,
        /// What is there.
        has: &'static str,
        /// What is not.
        lacks: &'static str,
    },
    /// A tensor has a shape that cannot be.
    #[error("{}: the tensor {} has the shape {found:?}: {why}", file.display(), shown(tensor))]
    Shape {
        /// The file.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// Its shape.
        found: Vec<usize>,
        /// Why that cannot be.
        why: String,
    },
    /// A number that is none.
    #[error(
        "{}: the tensor {} holds a NaN or an infinity (number {at}); the training went wrong or the file is damaged",
        file.display(),
        shown(tensor)
    )]
    NotFinite {
        /// The file.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// The first place.
        at: usize,
    },
    /// The same tensor under two names.
    #[error("{}: the tensor {} says the same thing as another one about its module", file.display(), shown(tensor))]
    Twice {
        /// The file.
        file: PathBuf,
        /// The second of them.
        tensor: String,
    },
    /// A form of change Kiln does not compute.
    #[error("{}: {} is {form}, which Kiln does not compute", file.display(), shown(tensor))]
    Form {
        /// The file.
        file: PathBuf,
        /// A tensor of this form.
        tensor: String,
        /// The form.
        form: &'static str,
    },
    /// The modules are not those of this model.
    #[error(
        "{} was made for another model: {matched} of {total} modules match (first that does not: {first}){}",
        file.display(),
        hint.as_ref().map(|hint| format!("; the file says it is for {}", shown(hint))).unwrap_or_default()
    )]
    OtherModel {
        /// The file.
        file: PathBuf,
        /// How many modules match.
        matched: usize,
        /// Of how many.
        total: usize,
        /// The first that does not, and why.
        first: String,
        /// What the file says about the model it was made for.
        hint: Option<String>,
    },
}
