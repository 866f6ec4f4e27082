//! What can be wrong with a request to a pixel operation.

use std::fmt;

use kiln_types::PictureError;

/// Why an operation on pictures cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PixelError {
    /// The result would not be a picture: an empty or far too large size.
    Picture(PictureError),
    /// A parameter is out of its range.
    Parameter {
        /// The parameter.
        name: &'static str,
        /// What it must be.
        what: &'static str,
    },
    /// Two inputs, or an input and a parameter, do not go together.
    Mismatch(String),
}

impl PixelError {
    /// The parameter `name` is wrong: it must be `what`.
    pub(crate) fn parameter(name: &'static str, what: &'static str) -> Self {
        Self::Parameter { name, what }
    }
}

impl fmt::Display for PixelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Picture(error) => error.fmt(f),
            Self::Parameter { name, what } => write!(f, "{name} must be {what}"),
            Self::Mismatch(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for PixelError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Picture(error) => Some(error),
            Self::Parameter { .. } | Self::Mismatch(_) => None,
        }
    }
}

impl From<PictureError> for PixelError {
    fn from(error: PictureError) -> Self {
        Self::Picture(error)
    }
}
