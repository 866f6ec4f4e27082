//! What a picture should show: text as a model reads it, with where, when and how strongly it holds.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Text as a model reads it: a row for each token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tokens {
    /// Rows.
    pub rows: usize,
    /// Numbers in a row.
    pub width: usize,
    /// The numbers.
    pub data: Vec<f32>,
}

/// Where in the picture an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Area {
    /// Height, width, top and left in latent pixels.
    Latent {
        /// Height.
        height: usize,
        /// Width.
        width: usize,
        /// From the top.
        y: usize,
        /// From the left.
        x: usize,
    },
    /// The same in parts of the picture.
    Part {
        /// Height.
        height: f64,
        /// Width.
        width: f64,
        /// From the top.
        y: f64,
        /// From the left.
        x: f64,
    },
}

/// A mask over an entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaskArea {
    /// How many masks.
    pub batch: usize,
    /// Height.
    pub height: usize,
    /// Width.
    pub width: usize,
    /// 1 where the entry holds.
    pub data: Arc<Vec<f32>>,
    /// How strongly.
    pub strength: f32,
    /// Only the mask's bounding box is drawn.
    pub bounds: bool,
}

/// Sizes that SDXL is told of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Sizes {
    /// The base model's.
    Base {
        /// Width of the picture as the model should think it was.
        width: usize,
        /// Height.
        height: usize,
        /// Left of a crop.
        crop_w: usize,
        /// Top of a crop.
        crop_h: usize,
        /// Width it is drawn at.
        target_width: usize,
        /// Height.
        target_height: usize,
    },
    /// The refiner's.
    Refiner {
        /// Width.
        width: usize,
        /// Height.
        height: usize,
        /// How good the picture should be.
        aesthetic: f64,
    },
}

/// What an inpainting model sees beside the noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concat {
    /// The picture without what is redrawn, as an unscaled latent.
    pub latent: Arc<super::Latent>,
    /// 1 where it is redrawn.
    pub mask: Option<super::NoiseMask>,
}

/// One text with where, when and how strongly it holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The text, token by token.
    pub tokens: Arc<Tokens>,
    /// The text as one vector.
    pub pooled: Option<Arc<Vec<f32>>>,
    /// Sizes for SDXL.
    pub sizes: Option<Sizes>,
    /// How strongly it counts against others.
    pub strength: f32,
    /// Where it holds.
    pub area: Option<Area>,
    /// Where it holds, softly.
    pub mask: Option<MaskArea>,
    /// From which part of the sampling on, 0 to 1.
    pub start: f64,
    /// To which part.
    pub end: f64,
    /// For inpainting models.
    pub concat: Option<Concat>,
    /// Anything else a model family wants, by name.
    pub more: std::collections::BTreeMap<String, Vec<f32>>,
}

impl Entry {
    /// A text that holds everywhere, always.
    #[must_use]
    pub fn new(tokens: Tokens, pooled: Option<Vec<f32>>) -> Self {
        Self {
            tokens: Arc::new(tokens),
            pooled: pooled.map(Arc::new),
            sizes: None,
            strength: 1.0,
            area: None,
            mask: None,
            start: 0.0,
            end: 1.0,
            concat: None,
            more: std::collections::BTreeMap::new(),
        }
    }
}

/// Texts that hold together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conditioning {
    /// The texts, in order.
    pub entries: Vec<Entry>,
}

impl Conditioning {
    pub(crate) fn bytes(&self) -> usize {
        let one = |e: &Entry| {
            let numbers = e.tokens.data.len()
                + e.pooled.as_ref().map_or(0, |p| p.len())
                + e.mask.as_ref().map_or(0, |m| m.data.len())
                + e.more.values().map(Vec::len).sum::<usize>();
            numbers * 4 + e.concat.as_ref().map_or(0, |c| c.latent.bytes()) + 256
        };
        self.entries.iter().map(one).sum::<usize>() + 64
    }

    pub(crate) fn sound(&self) -> bool {
        self.entries.iter().all(|e| {
            e.tokens.rows.checked_mul(e.tokens.width) == Some(e.tokens.data.len())
                && e.mask.as_ref().is_none_or(|m| {
                    m.batch.checked_mul(m.height).and_then(|n| n.checked_mul(m.width)) == Some(m.data.len())
                        && !m.data.is_empty()
                })
                && e.concat.as_ref().is_none_or(|c| c.latent.sound())
        })
    }
}
