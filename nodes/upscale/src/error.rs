//! What can be wrong with an upscaler's file or with the picture it is given.

use kiln_networks::NetError;
use kiln_pixels::PixelError;
use kiln_tensor::VarsError;
use kiln_types::PictureError;
use kiln_weights::WeightError;

/// Why an upscaler could not be opened or run.
#[derive(Debug, thiserror::Error)]
pub enum UpscaleError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] WeightError),
    /// The file holds something else.
    #[error(
        "{file} is {what}; upscalers known here are ESRGAN and Real-ESRGAN (RRDBNet), with the old names or the new, and compact ones (SRVGGNetCompact)"
    )]
    Other {
        /// The file.
        file: String,
        /// What it is.
        what: String,
    },
    /// A weight lacks or has another shape.
    #[error(transparent)]
    Weights(#[from] VarsError),
    /// The network could not run, or was stopped.
    #[error(transparent)]
    Run(#[from] NetError),
    /// The result would be no picture: far too large, above all.
    #[error("the enlarged picture cannot be: {0}")]
    Picture(#[from] PictureError),
    /// The alpha channel could not be enlarged.
    #[error("the enlarged alpha channel cannot be: {0}")]
    Alpha(#[from] PixelError),
    /// The result is not a number somewhere.
    #[error("{file} gave something that is not a number; the file or the picture is damaged")]
    NotANumber {
        /// The file.
        file: String,
    },
}
