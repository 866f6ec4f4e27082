//! CLIP: pictures and words as vectors, and the gates that judge by them.

pub mod error;
pub mod head;
mod nodes;
mod preprocess;
mod sort;
pub mod towers;
pub mod values;
pub mod vision;

pub use error::ClipError;
pub use head::Head;
pub use nodes::nodes;
pub use preprocess::{Crop, MEAN, Preprocess, Resizing, STD};
pub use towers::{Activation, Towers};
pub use values::add_codecs;
