//! What can be wrong with a model's file, or with what a tower is given.

use kiln_networks::NetError;
use kiln_tensor::VarsError;
use kiln_tensor::compute::DeviceLost;
use kiln_types::EmbeddingError;
use kiln_weights::WeightError;

/// Why a model could not be opened or asked.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// The file could not be read.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// The file lacks a weight, or has one of another shape; or the network could not be run.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The file is something else.
    #[error("{file} is not {wanted}: it looks like {looks}")]
    Foreign {
        /// The file.
        file: String,
        /// What was wanted.
        wanted: &'static str,
        /// What it is.
        looks: String,
    },
    /// The file is a CLIP of a construction that is not built here.
    #[error(
        "{file} holds {what}, which Kiln does not run; take a CLIP with a plain vision transformer (ViT)"
    )]
    NotYet {
        /// The file.
        file: String,
        /// What it holds.
        what: &'static str,
    },
    /// The side asked for is not in this file.
    #[error("{model} has no {lacks}: load a file that has {wants}")]
    NoTower {
        /// The model.
        model: String,
        /// What is not there.
        lacks: &'static str,
        /// What would help.
        wants: &'static str,
    },
    /// The vectors are no directions: a damaged weight.
    #[error("{model} gives no usable vector: {source}; its file may be damaged")]
    Spoiled {
        /// The model.
        model: String,
        /// What is wrong with the numbers.
        source: EmbeddingError,
    },
    /// The tower cannot take this.
    #[error("{0}")]
    Input(String),
}

impl From<VarsError> for ClipError {
    fn from(error: VarsError) -> Self {
        Self::Net(error.into())
    }
}

impl From<DeviceLost> for ClipError {
    fn from(error: DeviceLost) -> Self {
        Self::Net(error.into())
    }
}

impl From<ClipError> for kiln_core::NodeError {
    fn from(error: ClipError) -> Self {
        match error {
            ClipError::Net(NetError::Cancelled) => Self::cancelled(),
            other => Self::new(other),
        }
    }
}
