//! Operations on pictures and masks: plain functions from samples to samples, with no files, no
//! threads and no clock, so that the same input gives the same bytes on every machine.

pub mod batch;
pub mod blend;
mod blend_hsl;
pub mod blur;
pub mod canny;
pub mod composite;
mod error;
pub mod geometry;
mod lanczos;
pub mod mask;
pub mod mask_shape;
mod median_cut;
pub mod morphology;
mod named;
pub mod pad;
pub mod quantize;
pub mod resample;
pub mod samples;
pub mod scale;
pub mod stitch;

pub use error::PixelError;
