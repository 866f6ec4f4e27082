//! Models, text encoders and autoencoders, as descriptions: a file and what is changed about it.

use super::StoredFile;
use serde::{Deserialize, Serialize};

/// Which part of a file is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// The part of a whole checkpoint.
    Checkpoint,
    /// A file that holds this part alone.
    Alone,
    /// A tiny autoencoder for latents of SD 1.x and 2.x.
    TinySd,
    /// A tiny autoencoder for latents of SDXL.
    TinySdxl,
}

/// Ratios of a merge for the blocks of a UNet: how much of the first model stays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockRatios {
    /// Of the way down.
    pub input: f32,
    /// Of the middle.
    pub middle: f32,
    /// Of the way up and the output.
    pub out: f32,
}

/// A change to weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// A LoRA.
    Lora {
        /// Its file.
        file: StoredFile,
        /// How strongly.
        strength: f32,
    },
    /// Mixed with another model.
    Merge {
        /// The other.
        other: Box<WeightsValue>,
        /// How much of the first stays.
        ratio: BlockRatios,
    },
}

/// Weights: files, and changes in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightsValue {
    /// The file, or two for text encoders that lie apart.
    pub files: Vec<StoredFile>,
    /// Which part of them.
    pub part: Part,
    /// What is changed.
    pub changes: Vec<Change>,
}

impl WeightsValue {
    /// A part of a file, unchanged.
    #[must_use]
    pub fn of(file: StoredFile, part: Part) -> Self {
        Self { files: vec![file], part, changes: Vec::new() }
    }

    /// A name for these weights in memory: equal when the weights are.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        // The path is a hint and does not count.
        let mut plain = self.clone();
        plain.forget_paths();
        let bytes = postcard::to_stdvec(&plain).unwrap_or_default();
        *blake3::hash(&bytes).as_bytes()
    }

    fn forget_paths(&mut self) {
        self.files.iter_mut().for_each(|f| f.path.clear());
        for change in &mut self.changes {
            match change {
                Change::Lora { file, .. } => file.path.clear(),
                Change::Merge { other, .. } => other.forget_paths(),
            }
        }
    }

    fn bytes(&self) -> usize {
        512 + self.changes.len() * 256
    }
}

/// Another relation of noise levels and time steps than the model came with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum SpaceChoice {
    /// Discrete steps; what the network predicts, and whether the last step has no signal at all.
    Discrete {
        /// What the network predicts.
        prediction: DiscretePrediction,
        /// Zero terminal signal-to-noise ratio.
        zsnr: bool,
    },
    /// Continuous, after Karras et al.
    Edm {
        /// What the network predicts.
        prediction: EdmPrediction,
        /// Highest noise level.
        sigma_max: f32,
        /// Lowest.
        sigma_min: f32,
    },
    /// Rectified flow with a shift.
    Flow {
        /// The shift.
        shift: f32,
        /// Time steps are levels times this.
        multiplier: f32,
    },
    /// Rectified flow as Flux has it.
    Flux {
        /// The shift's exponent.
        mu: f32,
    },
}

/// What a discrete model predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiscretePrediction {
    /// The noise.
    Eps,
    /// The velocity.
    V,
    /// The picture.
    X0,
}

/// What a model of continuous noise levels predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EdmPrediction {
    /// The noise.
    Eps,
    /// The velocity.
    V,
    /// What Karras et al. 2022 have it predict.
    Edm,
}

/// FreeU's four numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FreeUSettings {
    /// 1 or 2.
    pub version: u8,
    /// Backbone, deepest.
    pub b1: f32,
    /// Backbone, next.
    pub b2: f32,
    /// Skip, deepest.
    pub s1: f32,
    /// Skip, next.
    pub s2: f32,
}

/// A diffusion model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelValue {
    /// Its weights.
    pub weights: WeightsValue,
    /// Another noise schedule than its own.
    pub space: Option<SpaceChoice>,
    /// How much the guided result is brought back to the contrast of the plain one.
    pub rescale_cfg: Option<f32>,
    /// FreeU.
    pub free_u: Option<FreeUSettings>,
}

impl ModelValue {
    /// The model in a file.
    #[must_use]
    pub fn of(file: StoredFile, part: Part) -> Self {
        Self { weights: WeightsValue::of(file, part), space: None, rescale_cfg: None, free_u: None }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.weights.bytes()
    }
}

/// Text encoders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextValue {
    /// Their weights.
    pub weights: WeightsValue,
    /// Which layer is read: -1 the last, -2 the one before. None: the model's habit.
    pub stop_at: Option<i32>,
}

impl TextValue {
    pub(crate) fn bytes(&self) -> usize {
        self.weights.bytes()
    }
}

/// An autoencoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VaeValue {
    /// Its weights.
    pub weights: WeightsValue,
}

impl VaeValue {
    pub(crate) fn bytes(&self) -> usize {
        self.weights.bytes()
    }
}
