//! Two models blended: changes that bring one model's weights towards another's.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_tensor::{Patch, Weight, WeightMap};

use crate::error::listed;

/// Changes by the name of the weight they change, in the order they are made.
pub type Patches = BTreeMap<String, Vec<Arc<dyn Patch>>>;

/// Two models cannot be blended.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[error(
    "the two models are of different kinds: {count} weights have other shapes, the first are {}; blend models of one family",
    listed(names)
)]
pub struct MergeError {
    /// How many.
    pub count: usize,
    /// The first of them.
    pub names: Vec<String>,
}

/// `this * keep + other * take`, number by number.
struct Blend {
    keep: f32,
    take: f32,
    other: Weight,
}

impl Patch for Blend {
    fn apply(&self, _shape: &[usize], values: &mut [f32]) {
        let other = self.other.to_f32();
        for (value, other) in values.iter_mut().zip(other) {
            *value = *value * self.keep + other * self.take;
        }
    }
}

/// How much of the first model stays, by where a weight lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Ratios {
    /// What no other rule covers.
    pub otherwise: f32,
    /// Beginnings of names with their ratio; the longest that fits counts.
    pub by_start: Vec<(String, f32)>,
}

impl Ratios {
    /// The same everywhere.
    #[must_use]
    pub fn all(ratio: f32) -> Self {
        Self { otherwise: ratio, by_start: Vec::new() }
    }

    /// For the denoising network's three stretches. What lies outside them (the time embedding) goes with the input.
    #[must_use]
    pub fn stretches(input: f32, middle: f32, output: f32) -> Self {
        let by_start =
            vec![("input".to_owned(), input), ("middle".to_owned(), middle), ("out".to_owned(), output)];
        Self { otherwise: input, by_start }
    }

    /// The ratio for one weight.
    #[must_use]
    pub fn of(&self, name: &str) -> f32 {
        self.by_start
            .iter()
            .filter(|(start, _)| name.starts_with(start.as_str()))
            .max_by_key(|(start, _)| start.len())
            .map_or(self.otherwise, |(_, ratio)| *ratio)
    }
}

/// `base * r + other * (1 - r)` for every weight both have, with r by name.
///
/// # Errors
/// If a weight has another shape in the other model.
pub fn weighted(base: &WeightMap, other: &WeightMap, ratios: &Ratios) -> Result<Patches, MergeError> {
    blended(base, other, |name| {
        let ratio = ratios.of(name);
        (ratio, 1.0 - ratio)
    })
}

/// `base + other` for every weight both have.
///
/// # Errors
/// If a weight has another shape in the other model.
pub fn sum(base: &WeightMap, other: &WeightMap) -> Result<Patches, MergeError> {
    blended(base, other, |_| (1.0, 1.0))
}

/// `(base - other) * times` for every weight both have.
///
/// # Errors
/// If a weight has another shape in the other model.
pub fn difference(base: &WeightMap, other: &WeightMap, times: f32) -> Result<Patches, MergeError> {
    blended(base, other, |_| (times, -times))
}

fn blended(
    base: &WeightMap,
    other: &WeightMap,
    shares: impl Fn(&str) -> (f32, f32),
) -> Result<Patches, MergeError> {
    let odd: Vec<String> = base
        .iter()
        .filter(|(name, weight)| other.get(*name).is_some_and(|o| o.shape() != weight.shape()))
        .map(|(name, _)| name.clone())
        .collect();
    if !odd.is_empty() {
        return Err(MergeError { count: odd.len(), names: odd.into_iter().take(4).collect() });
    }
    let mut patches = Patches::new();
    for name in base.keys() {
        let Some(other) = other.get(name) else { continue };
        let (keep, take) = shares(name);
        if keep != 1.0 || take != 0.0 {
            patches.insert(name.clone(), vec![Arc::new(Blend { keep, take, other: other.clone() })]);
        }
    }
    Ok(patches)
}

/// The weights with changes on top. `keep` holds each changed weight in memory after its first use.
#[must_use]
pub fn patched(weights: &WeightMap, patches: &Patches, keep: bool) -> WeightMap {
    weights
        .iter()
        .map(|(name, weight)| {
            let weight = match patches.get(name) {
                Some(patches) if !patches.is_empty() => weight.patched(patches.clone(), keep),
                _ => weight.clone(),
            };
            (name.clone(), weight)
        })
        .collect()
}
