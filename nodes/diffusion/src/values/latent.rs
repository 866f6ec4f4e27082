//! Latent pictures.

use kiln_core::NodeError;
use serde::{Deserialize, Serialize};

/// The most numbers a latent may have.
const MOST: usize = 1 << 28;

/// Where noise may change a latent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseMask {
    /// How many.
    pub batch: usize,
    /// Height: of the picture or of the latent, it is resized when used.
    pub height: usize,
    /// Width.
    pub width: usize,
    /// 1 where the picture is redrawn.
    pub data: Vec<f32>,
}

/// Latent pictures as an autoencoder makes them, without a model's scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latent {
    /// Pictures, channels, height, width.
    pub shape: [usize; 4],
    /// The numbers.
    pub samples: Vec<f32>,
    /// Pixels of the picture per latent pixel.
    pub factor: usize,
    /// Where it may be redrawn.
    pub mask: Option<NoiseMask>,
    /// Which pictures of a larger batch these are: their noise is the one those would get.
    pub batch_index: Option<Vec<usize>>,
}

impl Latent {
    /// Latent pictures of these numbers.
    ///
    /// # Errors
    /// When the sizes do not fit each other or are too large.
    pub fn new(shape: [usize; 4], samples: Vec<f32>) -> Result<Self, NodeError> {
        let latent = Self { shape, samples, factor: 8, mask: None, batch_index: None };
        if latent.sound() {
            Ok(latent)
        } else {
            Err(NodeError::new(format!(
                "a latent of shape {shape:?} with {} numbers is too large or inconsistent",
                latent.samples.len()
            )))
        }
    }

    /// All zeros: nothing drawn yet.
    ///
    /// # Errors
    /// When it is too large.
    pub fn zeros(shape: [usize; 4]) -> Result<Self, NodeError> {
        let len = shape.iter().try_fold(1usize, |a, b| a.checked_mul(*b)).filter(|n| *n <= MOST);
        let len = len.ok_or_else(|| {
            NodeError::new(format!("a latent of shape {shape:?} is too large"))
                .hint("make it smaller, or fewer at a time")
        })?;
        Self::new(shape, vec![0.0; len])
    }

    /// How many pictures.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.shape[0]
    }

    /// Channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.shape[1]
    }

    /// Height, in latent pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.shape[2]
    }

    /// Width, in latent pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.shape[3]
    }

    /// Numbers of one picture.
    #[must_use]
    pub fn picture_len(&self) -> usize {
        self.shape[1] * self.shape[2] * self.shape[3]
    }

    /// One picture's numbers.
    #[must_use]
    pub fn picture(&self, index: usize) -> &[f32] {
        let n = self.picture_len();
        &self.samples[index * n..(index + 1) * n]
    }

    /// The same with other numbers of another size; mask and batch index stay.
    ///
    /// # Errors
    /// As [`Latent::new`].
    pub fn with(&self, shape: [usize; 4], samples: Vec<f32>) -> Result<Self, NodeError> {
        Ok(Self {
            mask: self.mask.clone(),
            batch_index: self.batch_index.clone(),
            factor: self.factor,
            ..Self::new(shape, samples)?
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        (self.samples.len() + self.mask.as_ref().map_or(0, |m| m.data.len())) * 4 + 256
    }

    pub(crate) fn sound(&self) -> bool {
        let product = |sides: &[usize]| sides.iter().try_fold(1usize, |a, b| a.checked_mul(*b));
        let mask = |m: &NoiseMask| {
            m.batch >= 1 && product(&[m.batch, m.height, m.width]) == Some(m.data.len()) && !m.data.is_empty()
        };
        self.shape.iter().all(|s| *s >= 1)
            && self.factor >= 1
            && product(&self.shape).is_some_and(|n| n <= MOST && n == self.samples.len())
            && self.mask.as_ref().is_none_or(mask)
            && self.batch_index.as_ref().is_none_or(|b| b.len() == self.shape[0])
    }
}
