//! What flows through a graph.
//!
//! This room has no dependencies, so that pixel kernels and stores can use the types without knowing
//! the engine. A type is *data* (a stable name); no Rust type id ever reaches a key, a file or a message.

mod color;
mod embedding;
mod key;
mod picture;
mod ty;
mod value;

pub use color::{Color, ColorError};
pub use embedding::{Embedding, EmbeddingError};
pub use key::{Key, KeyError};
pub use picture::{Image, Mask, PictureError};
pub use ty::{Type, names};
pub use value::{FileRef, Object, Value};
