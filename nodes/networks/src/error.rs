//! What can be wrong with a network's weights or with what it is given.

use kiln_tensor::VarsError;
use kiln_tensor::compute::DeviceLost;

/// Why a network could not be built or run.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The file lacks a weight, or has one of another shape.
    #[error(transparent)]
    Vars(#[from] VarsError),
    /// An input has another shape than the network takes.
    #[error("{what} has the shape {found:?}, but {expected} is needed here")]
    Shape {
        /// Which input.
        what: String,
        /// What fits, in words or numbers.
        expected: String,
        /// What came.
        found: Vec<usize>,
    },
    /// A text's token that this encoder cannot look up.
    #[error("text window {window}, token {slot}: {why}")]
    Token {
        /// The window, from 0.
        window: usize,
        /// The slot in the window, from 0.
        slot: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Somebody asked to stop.
    #[error("stopped: it was cancelled")]
    Cancelled,
    /// The device stopped answering.
    #[error(transparent)]
    Device(#[from] DeviceLost),
}
