//! What travels on the wires of this family: a CLIP and an aesthetic head, each as the file it is in and how it is to be
//! used. They weigh nothing and are opened where they are used; embeddings are numbers ([`kiln_types::Embedding`]).

use std::path::Path;
use std::sync::Arc;

use kiln_core::codec::ObjectCodec;
use kiln_core::{Cx, NodeError, Registry};
use kiln_shelf::{Shelf, StoredFile};
use kiln_types::{Embedding, Object, Value};
use serde::{Deserialize, Serialize};

use crate::head::Head;
use crate::preprocess::Preprocess;
use crate::towers::{Activation, Towers};

/// Names of the types.
pub mod names {
    pub use kiln_types::names::EMBEDDING;

    /// A CLIP.
    pub const TOWER: &str = "ClipTower";
    /// An aesthetic head.
    pub const HEAD: &str = "AestheticHead";
}

/// A CLIP: its file and how pictures are brought to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClipTower {
    /// The file.
    pub file: StoredFile,
    /// The activation inside the layers.
    pub activation: Activation,
    /// How pictures are brought to size.
    pub preprocess: Preprocess,
    /// What its embeddings say made them; empty: its size and what is in the file.
    pub space: String,
}

impl ClipTower {
    /// A name for it in memory: equal when the towers are.
    fn digest(&self) -> [u8; 32] {
        let mut hash = blake3::Hasher::new();
        hash.update(&self.file.hash);
        hash.update(&[match self.activation {
            Activation::Auto => 0,
            Activation::QuickGelu => 1,
            Activation::Gelu => 2,
        }]);
        hash.update(self.space.as_bytes());
        *hash.finalize().as_bytes()
    }

    /// The towers, opened once for everybody. They run in 32 bit on every device: what they say is compared with fixed
    /// thresholds.
    ///
    /// # Errors
    /// When the file is none, or there is no device.
    pub fn towers(&self, shelf: &Shelf) -> Result<Arc<Towers>, NodeError> {
        shelf.shared("clip towers", self.digest(), || {
            let compute = shelf.compute()?.in_f32();
            let towers = Towers::open_with(Path::new(&self.file.path), &compute, self.activation)?;
            let name = if self.space.is_empty() {
                let start: String = self.file.hash.iter().take(4).map(|b| format!("{b:02x}")).collect();
                let by_hand = match self.activation {
                    Activation::Auto => "",
                    Activation::QuickGelu => " quick_gelu",
                    Activation::Gelu => " gelu",
                };
                format!("{} {start}{by_hand}", towers.name())
            } else {
                self.space.clone()
            };
            let bytes = towers.bytes();
            Ok((towers.named(&name), bytes))
        })
    }

    /// The embedding of texts, kept: gates ask for the same ones for every picture.
    ///
    /// # Errors
    /// When there is no text tower.
    pub fn texts(&self, cx: &Cx<'_>, shelf: &Shelf, texts: &[&str]) -> Result<Arc<Embedding>, NodeError> {
        let mut hash = blake3::Hasher::new();
        hash.update(&self.digest());
        for text in texts {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        shelf.shared("clip texts", *hash.finalize().as_bytes(), || {
            let towers = self.towers(shelf)?;
            let made = towers.text_with(texts, &|| cx.pause().is_err())?;
            let bytes = made.byte_size();
            Ok((made, bytes))
        })
    }
}

/// An aesthetic head: its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AestheticHead {
    /// The file.
    pub file: StoredFile,
}

impl AestheticHead {
    /// The head, opened once for everybody.
    ///
    /// # Errors
    /// When the file is none.
    pub fn head(&self, shelf: &Shelf) -> Result<Arc<Head>, NodeError> {
        shelf.shared("aesthetic head", self.file.hash, || {
            let head = Head::open(Path::new(&self.file.path))?;
            let bytes = head.bytes();
            Ok((head, bytes))
        })
    }
}

macro_rules! objects {
    ($($ty:ty, $name:expr;)*) => {$(
        impl Object for $ty {
            fn type_name(&self) -> &'static str {
                $name
            }
            fn byte_size(&self) -> usize {
                512
            }
            fn as_any(&self) -> &dyn std::any::Any {
                self
            }
        }
        impl From<$ty> for Value {
            fn from(value: $ty) -> Self {
                Self::Object(Arc::new(value))
            }
        }
    )*};
}

objects! {
    ClipTower, names::TOWER;
    AestheticHead, names::HEAD;
}

/// Says how embeddings are stored. Models are not: their files may lie elsewhere next time, and naming them again costs
/// nothing.
pub fn add_codecs(registry: &mut Registry) {
    registry.add_codec(
        names::EMBEDDING,
        ObjectCodec {
            version: 1,
            encode: |o| Some(o.as_any().downcast_ref::<Embedding>()?.to_bytes()),
            decode: |version, bytes| {
                let embedding = if version == 1 { Embedding::from_bytes(bytes)? } else { return None };
                Some(Arc::new(embedding))
            },
        },
    );
}

/// The value of one of this family's types on an input.
///
/// # Errors
/// When the input is empty or holds another type.
pub fn take<T: Object + Clone>(cx: &Cx<'_>, port: &str) -> Result<T, NodeError> {
    let object = cx.object(port)?;
    object.as_any().downcast_ref::<T>().cloned().ok_or_else(|| misfit(port, object.type_name()))
}

/// The same of an input that may stay unlinked.
///
/// # Errors
/// When the input holds another type.
pub fn maybe<T: Object + Clone>(cx: &Cx<'_>, port: &str) -> Result<Option<T>, NodeError> {
    if cx.has(port) { take(cx, port).map(Some) } else { Ok(None) }
}

pub(crate) fn misfit(port: &str, found: &str) -> NodeError {
    NodeError::new(format!("this is a {found}, which does not fit here")).at(port.to_owned())
}
