//! Operations on pictures and masks: plain functions from samples to samples, with no files, no
//! threads and no clock, so that the same input gives the same bytes on every machine.

mod error;

pub use error::PixelError;
