//! Operations on pictures and masks: plain functions from samples to samples, with no files, no
//! threads and no clock, so that the same input gives the same bytes on every machine.

pub mod alpha;
pub mod antialias;
pub mod batch;
pub mod blend;
mod blend_hsl;
pub mod blur;
pub mod canny;
pub mod composite;
pub mod curve;
pub mod distance;
mod error;
pub mod foreground;
pub mod geometry;
pub mod grade;
pub mod gradient;
pub mod guided;
pub mod hash;
pub mod islands;
mod lanczos;
pub mod layer;
pub mod light;
pub mod lut;
pub mod mask;
pub mod mask_shape;
pub mod measure;
mod median_cut;
pub mod morphology;
mod named;
pub mod noise;
pub mod pad;
pub mod palette;
pub mod pixelate;
pub mod place;
pub mod quantize;
pub mod refine;
pub mod resample;
pub mod samples;
pub mod scale;
pub mod shadow;
#[cfg(feature = "text")]
pub mod sheet;
pub mod stitch;
pub mod subject_frame;
#[cfg(feature = "text")]
pub mod text;
pub mod transform;

pub use error::PixelError;
