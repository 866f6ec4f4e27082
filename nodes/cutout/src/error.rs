//! Why a subject could not be found in a picture.

use kiln_networks::NetError;
use kiln_tensor::VarsError;
use kiln_tensor::compute::DeviceLost;
use kiln_types::PictureError;
use kiln_weights::WeightError;

/// Why a model could not be opened, or a picture not be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CutoutError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] WeightError),
    /// The file can be read, but is no network of this family.
    #[error("{file} {what}")]
    Other {
        /// The file.
        file: String,
        /// What it is instead, and what to do: the rest of the sentence.
        what: String,
    },
    /// A weight lacks, or has another shape than the network needs.
    #[error(transparent)]
    Vars(#[from] VarsError),
    /// The network stopped.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The device stopped answering.
    #[error(transparent)]
    Device(#[from] DeviceLost),
    /// The picture cannot be looked at.
    #[error("{0}")]
    Picture(String),
    /// The result makes no picture.
    #[error(transparent)]
    Shape(#[from] PictureError),
}
