//! The weights of a checkpoint by name, as a network's constructor asks for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::compute::Compute;
use crate::weight::Weight;

/// Weights by their name in the file.
pub type WeightMap = BTreeMap<String, Weight>;

/// A network asked for something the file does not have.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum VarsError {
    /// No such weight.
    #[error("{file} has no weight \"{name}\"")]
    Missing {
        /// The file.
        file: String,
        /// The full name.
        name: String,
    },
    /// Another shape than the network needs.
    #[error("the weight \"{name}\" in {file} has the shape {found:?}, but {wanted:?} is needed here")]
    Shape {
        /// The file.
        file: String,
        /// The full name.
        name: String,
        /// The shape in the file.
        found: Vec<usize>,
        /// The shape needed.
        wanted: Vec<usize>,
    },
    /// The shapes do not make sense together.
    #[error("{file}: {what}")]
    Odd {
        /// The file.
        file: String,
        /// What is odd.
        what: String,
    },
}

/// A view on the weights below one name.
#[derive(Clone)]
pub struct Vars {
    weights: Arc<WeightMap>,
    file: Arc<str>,
    prefix: String,
    compute: Compute,
}

impl Vars {
    /// All weights of `file` (its name is for messages).
    #[must_use]
    pub fn new(file: &str, weights: Arc<WeightMap>, compute: &Compute) -> Self {
        Self { weights, file: file.into(), prefix: String::new(), compute: compute.clone() }
    }

    /// Where the network will run.
    #[must_use]
    pub fn compute(&self) -> &Compute {
        &self.compute
    }

    /// The file's name, for messages.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The full name of a weight seen from here.
    #[must_use]
    pub fn full(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }

    /// The view below `name`.
    #[must_use]
    pub fn at(&self, name: impl AsRef<str>) -> Self {
        Self { prefix: self.full(name.as_ref()), ..self.clone() }
    }

    /// The weight, if there is one.
    #[must_use]
    pub fn maybe(&self, name: &str) -> Option<Weight> {
        self.weights.get(&self.full(name)).cloned()
    }

    /// The weight, whatever its shape.
    pub fn any(&self, name: &str) -> Result<Weight, VarsError> {
        self.maybe(name)
            .ok_or_else(|| VarsError::Missing { file: self.file.to_string(), name: self.full(name) })
    }

    /// The weight, which must have this shape.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, VarsError> {
        let weight = self.any(name)?;
        if weight.shape() == shape {
            Ok(weight)
        } else {
            Err(VarsError::Shape {
                file: self.file.to_string(),
                name: self.full(name),
                found: weight.shape().to_vec(),
                wanted: shape.to_vec(),
            })
        }
    }

    /// Is there a weight of this name?
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.weights.contains_key(&self.full(name))
    }

    /// Is there anything below this name?
    #[must_use]
    pub fn has_below(&self, name: &str) -> bool {
        let start = format!("{}.", self.full(name));
        self.weights.range(start.clone()..).next().is_some_and(|(n, _)| n.starts_with(&start))
    }

    /// How many numbered children `name.0`, `name.1` … there are in a row, from 0.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        (0..)
            .take_while(|i| {
                self.has_below(&if name.is_empty() { i.to_string() } else { format!("{name}.{i}") })
            })
            .count()
    }

    /// The shape of a weight, if it is there.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.weights.get(&self.full(name)).map(|w| w.shape().to_vec())
    }

    /// An error about this file.
    #[must_use]
    pub fn odd(&self, what: impl Into<String>) -> VarsError {
        VarsError::Odd { file: self.file.to_string(), what: what.into() }
    }
}
