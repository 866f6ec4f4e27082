//! Embeddings: pictures or words as directions, made by one model.
//!
//! Each vector has length 1, so that the product of two is their cosine: how alike they are. Vectors of different
//! models mean different things, so an embedding knows its model, and a comparison with another model's is refused.

use crate::{Object, Value};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// No vector is wider.
const WIDEST: usize = 1 << 16;
/// The longest name of a model, in bytes.
const LONGEST_NAME: usize = 256;

/// Why numbers are no embedding, or two embeddings cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmbeddingError {
    /// The count of numbers does not make whole vectors.
    Shape {
        /// The width of a vector.
        width: usize,
        /// How many numbers there are.
        numbers: usize,
    },
    /// A vector has no direction: it is zero, or holds what is not a number.
    NoDirection {
        /// Which one, from 0.
        row: usize,
    },
    /// The model's name is too long.
    Name,
    /// Two models made them.
    Models {
        /// The first one's model.
        one: Arc<str>,
        /// The other one's.
        other: Arc<str>,
    },
}

impl fmt::Display for EmbeddingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape { width, numbers } => {
                write!(f, "{numbers} numbers are not vectors of {width}")
            }
            Self::NoDirection { row } => {
                write!(f, "vector {row} has no direction: it is zero, or holds what is not a number")
            }
            Self::Name => write!(f, "the model's name has more than {LONGEST_NAME} bytes"),
            Self::Models { one, other } => write!(
                f,
                "one embedding was made by {one}, the other by {other}: only those of one model can be compared"
            ),
        }
    }
}

impl std::error::Error for EmbeddingError {}

/// A batch of vectors of length 1 that one model made: of pictures, or of texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    model: Arc<str>,
    width: usize,
    vectors: Vec<f32>,
}

impl Embedding {
    /// Vectors of `width` numbers, one after the other, brought to length 1. `model` names what made them, shortly: the
    /// same name means that they can be compared.
    ///
    /// # Errors
    /// When the numbers are not at least one whole vector, or one has no direction.
    pub fn new(
        model: impl Into<Arc<str>>,
        width: usize,
        mut vectors: Vec<f32>,
    ) -> Result<Self, EmbeddingError> {
        let shape = EmbeddingError::Shape { width, numbers: vectors.len() };
        if width == 0 || width > WIDEST || vectors.is_empty() || !vectors.len().is_multiple_of(width) {
            return Err(shape);
        }
        for (row, vector) in vectors.chunks_exact_mut(width).enumerate() {
            let length = length(vector);
            if !(length.is_finite() && length > 0.0) {
                return Err(EmbeddingError::NoDirection { row });
            }
            vector.iter_mut().for_each(|v| *v = (f64::from(*v) / length) as f32);
        }
        Self::as_it_is(model.into(), width, vectors)
    }

    fn as_it_is(model: Arc<str>, width: usize, vectors: Vec<f32>) -> Result<Self, EmbeddingError> {
        if model.len() > LONGEST_NAME {
            Err(EmbeddingError::Name)
        } else {
            Ok(Self { model, width, vectors })
        }
    }

    /// What made it.
    #[must_use]
    pub fn model(&self) -> &Arc<str> {
        &self.model
    }

    /// Numbers of a vector.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many vectors.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.vectors.len() / self.width
    }

    /// All vectors, one after the other.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.vectors
    }

    /// The vectors.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.vectors.chunks_exact(self.width)
    }

    /// Whether both are of one model.
    ///
    /// # Errors
    /// When they are not, with both models' names.
    pub fn comparable(&self, other: &Self) -> Result<(), EmbeddingError> {
        if self.model == other.model && self.width == other.width {
            return Ok(());
        }
        let named = |e: &Self| format!("{} ({} numbers)", e.model, e.width).into();
        Err(EmbeddingError::Models { one: named(self), other: named(other) })
    }

    /// How alike each vector is to each of another's: -1 to 1, row by row.
    ///
    /// # Errors
    /// When another model made the other one.
    pub fn similarities(&self, other: &Self) -> Result<Vec<f64>, EmbeddingError> {
        self.comparable(other)?;
        Ok(self.rows().flat_map(|a| other.rows().map(move |b| cosine(a, b))).collect())
    }

    /// The bytes it is stored as.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(12 + self.model.len() + 4 * self.vectors.len());
        for length in [self.model.len(), self.width, self.batch()] {
            // More than 2^32 vectors would not be in memory.
            out.extend(u32::try_from(length).unwrap_or(0).to_le_bytes());
        }
        out.extend(self.model.as_bytes());
        self.vectors.iter().for_each(|v| out.extend(v.to_le_bytes()));
        out
    }

    /// Reads what [`Self::to_bytes`] wrote, the same numbers bit for bit; none when it is something else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let number = |at: usize| {
            let four = bytes.get(at..at + 4)?.first_chunk()?;
            usize::try_from(u32::from_le_bytes(*four)).ok()
        };
        let (name, width, batch) = (number(0)?, number(4)?, number(8)?);
        let (name, numbers) = bytes.get(12..)?.split_at_checked(name)?;
        let (numbers, rest) = numbers.as_chunks::<4>();
        if !rest.is_empty() || numbers.is_empty() || width == 0 || width > WIDEST {
            return None;
        }
        let vectors: Vec<f32> = numbers.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let sound = batch.checked_mul(width) == Some(vectors.len())
            && vectors.chunks_exact(width).all(|v| (length(v) - 1.0).abs() < 1e-3);
        let name = std::str::from_utf8(name).ok()?;
        sound.then(|| Self::as_it_is(name.into(), width, vectors).ok()).flatten()
    }
}

/// The root of the sum of squares; summed in order, in 64 bit.
fn length(vector: &[f32]) -> f64 {
    vector.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>().sqrt()
}

/// The product of two vectors of length 1; summed in order, in 64 bit.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>().clamp(-1.0, 1.0)
}

impl Object for Embedding {
    fn type_name(&self) -> &'static str {
        crate::names::EMBEDDING
    }
    fn byte_size(&self) -> usize {
        size_of::<Self>() + self.model.len() + 4 * self.vectors.len()
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl From<Embedding> for Value {
    fn from(embedding: Embedding) -> Self {
        Self::Object(Arc::new(embedding))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> Embedding {
        Embedding::new("ViT-B/32 0123abcd", 2, vec![3.0, 4.0, 0.0, -2.0]).unwrap()
    }

    #[test]
    fn vectors_have_length_one() {
        let e = made();
        assert_eq!(e.data(), [0.6, 0.8, 0.0, -1.0]);
        assert_eq!((e.batch(), e.width()), (2, 2));
        let alike = e.similarities(&e).unwrap();
        assert!((alike[0] - 1.0).abs() < 1e-7 && (alike[1] + 0.8).abs() < 1e-7, "{alike:?}");
        assert_eq!(alike[1], alike[2]);
    }

    #[test]
    fn numbers_without_direction_are_refused() {
        let of = |width, numbers: &[f32]| Embedding::new("m", width, numbers.to_vec()).unwrap_err();
        assert_eq!(of(2, &[1.0, 0.0, 0.0, 0.0]), EmbeddingError::NoDirection { row: 1 });
        assert_eq!(of(1, &[f32::NAN]), EmbeddingError::NoDirection { row: 0 });
        assert_eq!(of(1, &[f32::INFINITY]), EmbeddingError::NoDirection { row: 0 });
        assert_eq!(of(2, &[1.0]), EmbeddingError::Shape { width: 2, numbers: 1 });
        assert_eq!(of(0, &[]), EmbeddingError::Shape { width: 0, numbers: 0 });
        assert!(Embedding::new("m".repeat(300), 1, vec![1.0]).is_err());
        // The largest numbers have a direction, too.
        assert_eq!(Embedding::new("m", 2, vec![f32::MAX, 0.0]).unwrap().data(), [1.0, 0.0]);
    }

    #[test]
    fn two_models_are_not_compared() {
        let other = Embedding::new("ViT-L/14 9876fedc", 2, vec![1.0, 0.0]).unwrap();
        let told = made().similarities(&other).unwrap_err().to_string();
        assert!(told.contains("ViT-B/32 0123abcd") && told.contains("ViT-L/14 9876fedc"), "{told}");
    }

    #[test]
    fn bytes_come_back_and_others_are_refused() {
        let e = made();
        let bytes = e.to_bytes();
        assert_eq!(Embedding::from_bytes(&bytes), Some(e));
        for cut in 0..bytes.len() {
            assert_eq!(Embedding::from_bytes(&bytes[..cut]), None);
            for flip in [0x01, 0x80, 0xFF] {
                let mut changed = bytes.clone();
                changed[cut] ^= flip;
                let _ = Embedding::from_bytes(&changed);
            }
        }
        let mut long = bytes.clone();
        *long.last_mut().unwrap() = 0x40;
        assert!(Embedding::from_bytes(&long).is_none(), "a vector of another length");
    }
}
