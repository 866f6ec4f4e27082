//! Aesthetic heads: small networks that tell from a picture's embedding how much people would like it, about 1 to 10.
//!
//! LAION's linear ones (`weight`, `bias`), and the improved predictor of five layers: trained without activations
//! (`linearMSE`: layers 0, 2, 4, 6 and 7) or with a ReLU between layers (`reluMSE`: 0, 3, 6, 9 and 11), which shows in
//! the numbers of its layers alone.

use std::collections::BTreeMap;
use std::path::Path;

use kiln_types::Embedding;
use kiln_weights::{Stored, WeightFile};

use crate::error::ClipError;
use crate::sort::file_name;
use kiln_layout::{Looks, looks_like};

/// No layer of a head is wider.
const WIDEST: usize = 1 << 16;
/// No head has more numbers.
const MOST_NUMBERS: usize = 1 << 24;

/// The places of the layers with numbers in them.
const LINEAR: [usize; 5] = [0, 2, 4, 6, 7];
const RELU: [usize; 5] = [0, 3, 6, 9, 11];

#[derive(Clone, Debug)]
struct Layer {
    inputs: usize,
    /// (outputs, inputs)
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// An aesthetic head.
#[derive(Clone, Debug)]
pub struct Head {
    name: String,
    layers: Vec<Layer>,
    relu: bool,
}

impl Head {
    /// Reads a head from a safetensors file or a torch checkpoint.
    ///
    /// # Errors
    /// When it cannot be read or is none.
    pub fn open(path: &Path) -> Result<Self, ClipError> {
        let file = WeightFile::open(path)?;
        let name = file_name(&file);
        let foreign =
            |looks: String| ClipError::Foreign { file: name.clone(), wanted: "an aesthetic head", looks };
        if file.bytes() > 4 * MOST_NUMBERS as u64 * 2 {
            return Err(foreign(match looks_like(&file) {
                Looks::Model => "a model or a part of one".to_owned(),
                looks => looks.words(),
            }));
        }
        let (layers, relu) = layers_of(&file).ok_or_else(|| foreign(looks(&file)))?;
        let broken = |what: String| ClipError::Input(format!("{name}: {what}"));
        let mut made: Vec<Layer> = Vec::new();
        for (weight, bias) in &layers {
            let [outputs, inputs] = sides(weight);
            let before = made.last().map(|l| l.bias.len());
            if before.is_some_and(|b| b != inputs) || bias.shape() != [outputs] || inputs == 0 || outputs == 0
            {
                return Err(broken(format!(
                    "its layer {:?} of shape {:?} does not follow a layer that gives {} numbers, with a bias of {:?}",
                    weight.name(),
                    weight.shape(),
                    before.unwrap_or(inputs),
                    bias.shape()
                )));
            }
            made.push(Layer { inputs, weight: weight.to_f32(), bias: bias.to_f32() });
        }
        let outputs = made.last().map_or(0, |l| l.bias.len());
        if outputs != 1 {
            return Err(broken(format!("it gives {outputs} numbers, but a head gives one: the score")));
        }
        if made.iter().any(|l| l.weight.iter().chain(&l.bias).any(|v| !v.is_finite())) {
            return Err(broken("it holds what is not a number; download it again".to_owned()));
        }
        Ok(Self { name, layers: made, relu })
    }

    /// The file's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The width of the embeddings it judges.
    #[must_use]
    pub fn width(&self) -> usize {
        self.layers.first().map_or(0, |l| l.inputs)
    }

    /// Whether a ReLU stands between its layers.
    #[must_use]
    pub fn relu(&self) -> bool {
        self.relu
    }

    /// Bytes of its numbers.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.layers.iter().map(|l| 4 * (l.weight.len() + l.bias.len())).sum()
    }

    /// A score for each vector. Summed in order, in 64 bit: the same on every machine.
    ///
    /// # Errors
    /// When the embedding has another width: it is of another model than the head was made for.
    pub fn scores(&self, embedding: &Embedding) -> Result<Vec<f64>, ClipError> {
        if embedding.width() != self.width() {
            return Err(ClipError::Input(format!(
                "{} judges embeddings of {} numbers, but those of {} have {}: take the head that was made for this \
                 CLIP (768 is ViT-L/14, 512 is ViT-B)",
                self.name,
                self.width(),
                embedding.model(),
                embedding.width()
            )));
        }
        Ok(embedding.rows().map(|row| self.score(row)).collect())
    }

    fn score(&self, row: &[f32]) -> f64 {
        let mut x: Vec<f64> = row.iter().map(|v| f64::from(*v)).collect();
        let last = self.layers.len().saturating_sub(1);
        for (at, layer) in self.layers.iter().enumerate() {
            x = layer
                .weight
                .chunks_exact(layer.inputs)
                .zip(&layer.bias)
                .map(|(weights, bias)| {
                    let sum: f64 = weights.iter().zip(&x).map(|(w, v)| f64::from(*w) * v).sum();
                    let sum = sum + f64::from(*bias);
                    if self.relu && at < last { sum.max(0.0) } else { sum }
                })
                .collect();
        }
        x.first().copied().unwrap_or(0.0)
    }
}

fn sides(weight: &Stored) -> [usize; 2] {
    match *weight.shape() {
        [outputs, inputs] if outputs <= WIDEST && inputs <= WIDEST => [outputs, inputs],
        _ => [0, 0],
    }
}

type Pairs<'f> = Vec<(&'f Stored, &'f Stored)>;

/// The layers in their order, each weight with its bias, and whether a ReLU stands between them.
fn layers_of(file: &WeightFile) -> Option<(Pairs<'_>, bool)> {
    if file.len() == 2
        && let (Some(weight), Some(bias)) = (file.get("weight"), file.get("bias"))
    {
        return Some((vec![(weight, bias)], false));
    }
    let mut found: BTreeMap<usize, (Option<&Stored>, Option<&Stored>)> = BTreeMap::new();
    for stored in file.iter() {
        let (number, kind) = stored.name().rsplit_once("layers.")?.1.split_once('.')?;
        let slot = found.entry(number.parse().ok()?).or_default();
        match kind {
            "weight" => slot.0 = Some(stored),
            "bias" => slot.1 = Some(stored),
            _ => return None,
        }
    }
    let places: Vec<usize> = found.keys().copied().collect();
    let relu = places == RELU;
    if !relu && places != LINEAR {
        return None;
    }
    let layers: Option<Pairs<'_>> = found.into_values().map(|(w, b)| Some((w?, b?))).collect();
    Some((layers?, relu))
}

fn looks(file: &WeightFile) -> String {
    match looks_like(file) {
        Looks::Model => "a model or a part of one".to_owned(),
        Looks::Unknown => {
            "nothing Kiln knows: a head has the layers of LAION's linear heads, or of the improved \
                           aesthetic predictor"
                .to_owned()
        }
        looks => looks.words(),
    }
}
