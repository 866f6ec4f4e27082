//! What can be wrong with a picture file, and what to do about it.

use kiln_types::PictureError;

use crate::format::Format;

/// Why bytes are not a picture, or a picture cannot become bytes.
///
/// The engine knows the file's name and puts it in front; each message says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// No format's signature fits.
    #[error(
        "this is not a picture in a known format (it starts with {start}); save it as PNG, JPEG or WebP first"
    )]
    Unknown {
        /// The first bytes, for the eye.
        start: String,
    },
    /// A known format that cannot be read.
    #[error("{format} files cannot be read: {remedy}")]
    CannotRead {
        /// The format.
        format: Format,
        /// What to do.
        remedy: String,
    },
    /// A known format that cannot be written.
    #[error("{format} files cannot be written: {remedy}")]
    CannotWrite {
        /// The format.
        format: Format,
        /// What to do.
        remedy: String,
    },
    /// The file is cut short or wrong inside.
    #[error(
        "the {format} file is damaged ({what}); get it again or save it again from the program that made it"
    )]
    Damaged {
        /// The format.
        format: Format,
        /// What does not fit.
        what: String,
    },
    /// The picture is larger than the caller allows.
    #[error("the {format} file is too large: {what}; make it smaller, or raise the limit")]
    TooLarge {
        /// The format.
        format: Format,
        /// Which limit.
        what: String,
    },
    /// A save option, a frame index or a key is out of range.
    #[error("{name} must be {what}")]
    Option {
        /// The option.
        name: &'static str,
        /// What it must be.
        what: String,
    },
    /// The format has no place for the text, or the text does not fit.
    #[error("text cannot be put into this {format} file: {remedy}")]
    Text {
        /// The format.
        format: Format,
        /// What to do.
        remedy: String,
    },
    /// The numbers do not make a picture.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

impl CodecError {
    pub(crate) fn damaged(format: Format, what: impl Into<String>) -> Self {
        Self::Damaged { format, what: what.into() }
    }
    pub(crate) fn option(name: &'static str, what: impl Into<String>) -> Self {
        Self::Option { name, what: what.into() }
    }

    /// An error of the image library, in our words.
    pub(crate) fn from_library(format: Format, error: &image::ImageError) -> Self {
        match error {
            image::ImageError::Limits(e) => Self::TooLarge { format, what: e.to_string() },
            image::ImageError::Unsupported(e) => {
                Self::CannotRead { format, remedy: format!("{e}; save the picture as an ordinary PNG first") }
            }
            other => Self::damaged(format, other.to_string()),
        }
    }
}
