//! The parts of a sampling that can be wired one by one: noise, guider, sampler, noise levels.

use super::{Conditioning, ModelValue};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where noise comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoiseValue {
    /// From a seed.
    Seed(u64),
    /// None: the latent goes on as it is.
    None,
    /// None at the start; the seed serves samplers that add noise on their way.
    Silent(u64),
}

impl NoiseValue {
    pub(crate) fn bytes(&self) -> usize {
        16
    }

    pub(crate) fn sound(&self) -> bool {
        true
    }
}

/// A model with what it is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuiderValue {
    /// The model.
    pub model: ModelValue,
    /// What to draw.
    pub positive: Conditioning,
    /// What not to draw; None: nobody is asked.
    pub negative: Option<Conditioning>,
    /// How strongly.
    pub cfg: f32,
}

impl GuiderValue {
    pub(crate) fn bytes(&self) -> usize {
        self.model.bytes() + self.positive.bytes() + self.negative.as_ref().map_or(0, Conditioning::bytes)
    }
}

/// A sampler with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SamplerValue {
    /// Its name, as [`kiln_sampling::Sampler`] spells it.
    pub name: String,
    /// Settings that are not at their default, by name.
    pub numbers: BTreeMap<String, f64>,
    /// Settings that are words.
    pub words: BTreeMap<String, String>,
}

impl SamplerValue {
    pub(crate) fn bytes(&self) -> usize {
        256
    }

    pub(crate) fn sound(&self) -> bool {
        true
    }
}

/// Noise levels, from high to low.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SigmasValue {
    /// The levels.
    pub levels: Vec<f32>,
}

impl SigmasValue {
    pub(crate) fn bytes(&self) -> usize {
        self.levels.len() * 4 + 32
    }

    pub(crate) fn sound(&self) -> bool {
        self.levels.iter().all(|s| s.is_finite() && *s >= 0.0)
    }
}
