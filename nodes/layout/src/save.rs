//! A model written as one file, by the original names.

use std::collections::BTreeMap;
use std::io::{self, Write};

use half::{bf16, f16};
use kiln_tensor::{Weight, WeightMap};
use kiln_weights::{Dtype, TensorPlan, WeightError, write_safetensors};

use crate::family::{Family, PredictionKind, TextKind, TextPart};
use crate::names::text::{InOpenClip, in_open_clip, is_open_clip};

/// How the numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveAs {
    /// 32 bit.
    F32,
    /// 16 bit, the usual.
    F16,
    /// 16 bit with the range of 32.
    BF16,
}

impl SaveAs {
    const fn dtype(self) -> Dtype {
        match self {
            Self::F32 => Dtype::F32,
            Self::F16 => Dtype::F16,
            Self::BF16 => Dtype::BF16,
        }
    }
}

/// What is saved.
#[derive(Clone, Debug)]
pub struct Model<'a> {
    /// The family: it says where the text encoders go.
    pub family: Family,
    /// What the network predicts.
    pub prediction: PredictionKind,
    /// Whether the schedule ends at pure noise.
    pub zsnr: bool,
    /// The denoising network.
    pub unet: Option<&'a WeightMap>,
    /// The VAE.
    pub vae: Option<&'a WeightMap>,
    /// The text encoders.
    pub text: &'a [TextPart],
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// How many tensors.
    pub tensors: usize,
    /// Weights with numbers too large for 16 bit, which became infinite.
    pub too_large: Vec<String>,
}

/// Why a model could not be saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// This text encoder does not belong into a file of this family.
    #[error("{} has no place for the text encoder {}", family.name(), kind.name())]
    NoPlace {
        /// The family.
        family: Family,
        /// The encoder.
        kind: TextKind,
    },
    /// A text encoder lacks a third of a joint projection.
    #[error("the text encoder {} is incomplete: the parts of {name} do not fit together", kind.name())]
    Incomplete {
        /// The encoder.
        kind: TextKind,
        /// The joint weight.
        name: String,
    },
    /// Writing failed.
    #[error(transparent)]
    Weights(#[from] WeightError),
}

/// Where the numbers of one tensor come from.
enum Source {
    Whole(Weight),
    /// One below the other.
    Stacked(Vec<Weight>),
    /// Rows and columns exchanged.
    Turned(Weight),
}

/// Writes a model as a single-file checkpoint, one weight at a time.
///
/// # Errors
/// If a text encoder does not belong to the family, or writing fails.
pub fn checkpoint(
    out: &mut dyn Write,
    model: &Model<'_>,
    save_as: SaveAs,
    metadata: &BTreeMap<String, String>,
) -> Result<Saved, SaveError> {
    let mut all: BTreeMap<String, (Vec<usize>, Source)> = BTreeMap::new();
    let whole = |weight: &Weight| (weight.shape().to_vec(), Source::Whole(weight.clone()));
    for (prefix, part) in [("model.diffusion_model.", model.unet), ("first_stage_model.", model.vae)] {
        for (name, weight) in part.into_iter().flatten() {
            all.insert(format!("{prefix}{name}"), whole(weight));
        }
    }
    for part in model.text {
        let place = place(model.family, part.kind)?;
        let open = is_open_clip(part.weights.keys().map(String::as_str));
        if part.kind == TextKind::ClipL || open {
            all.extend(part.weights.iter().map(|(name, weight)| (format!("{place}{name}"), whole(weight))));
        } else {
            for (name, tensor) in open_clip(part)? {
                all.insert(format!("{place}{name}"), tensor);
            }
        }
    }
    // Empty tensors whose name is their meaning.
    let markers = [(model.prediction == PredictionKind::V, "v_pred"), (model.zsnr, "ztsnr")];
    let mut plans: Vec<TensorPlan> = all
        .iter()
        .map(|(name, (shape, _))| TensorPlan {
            name: name.clone(),
            dtype: save_as.dtype(),
            shape: shape.clone(),
        })
        .collect();
    for (_, name) in markers.iter().filter(|(wanted, _)| *wanted) {
        plans.push(TensorPlan { name: (*name).to_owned(), dtype: Dtype::F32, shape: vec![0] });
    }
    let mut metadata = metadata.clone();
    let kind = match model.prediction {
        PredictionKind::Eps => "epsilon",
        PredictionKind::V => "v",
    };
    metadata.entry("modelspec.prediction_type".to_owned()).or_insert_with(|| kind.to_owned());
    let mut saved = Saved { tensors: plans.len(), too_large: Vec::new() };
    write_safetensors(out, &plans, &metadata, |plan, sink| {
        let Some((_, source)) = all.get(&plan.name) else { return Ok(()) };
        let mut large = false;
        let weights: &[Weight] = match source {
            Source::Whole(weight) => std::slice::from_ref(weight),
            Source::Stacked(weights) => weights,
            Source::Turned(weight) => {
                large |= put(sink, &turned(weight), save_as)?;
                &[]
            }
        };
        for weight in weights {
            large |= put(sink, &weight.to_f32(), save_as)?;
        }
        if large {
            saved.too_large.push(plan.name.clone());
        }
        Ok(())
    })?;
    Ok(saved)
}

fn place(family: Family, kind: TextKind) -> Result<&'static str, SaveError> {
    match (family, kind) {
        (Family::Sd1, TextKind::ClipL) => Ok("cond_stage_model.transformer."),
        (Family::Sd2, TextKind::OpenClipH) => Ok("cond_stage_model.model."),
        (Family::SdxlBase, TextKind::ClipL) => Ok("conditioner.embedders.0.transformer."),
        (Family::SdxlBase, TextKind::OpenClipG) => Ok("conditioner.embedders.1.model."),
        (Family::SdxlRefiner, TextKind::OpenClipG) => Ok("conditioner.embedders.0.model."),
        _ => Err(SaveError::NoPlace { family, kind }),
    }
}

/// An encoder with transformers' names, as OpenCLIP would have saved it.
fn open_clip(part: &TextPart) -> Result<BTreeMap<String, (Vec<usize>, Source)>, SaveError> {
    let mut all: BTreeMap<String, (Vec<usize>, Source)> = BTreeMap::new();
    let mut thirds: BTreeMap<String, [Option<Weight>; 3]> = BTreeMap::new();
    for (name, weight) in &part.weights {
        match in_open_clip(name) {
            Some(InOpenClip::Whole(name)) => {
                all.insert(name, (weight.shape().to_vec(), Source::Whole(weight.clone())));
            }
            Some(InOpenClip::Turned(name)) if weight.shape().len() == 2 => {
                let shape = weight.shape().iter().rev().copied().collect();
                all.insert(name, (shape, Source::Turned(weight.clone())));
            }
            Some(InOpenClip::Third(name, third)) => {
                if let Some(slot) = thirds.entry(name).or_default().get_mut(third) {
                    *slot = Some(weight.clone());
                }
            }
            _ => {}
        }
    }
    for (name, parts) in thirds {
        let weights: Vec<Weight> = parts.into_iter().flatten().collect();
        let same = weights.windows(2).all(|pair| pair[0].shape() == pair[1].shape());
        let shape = weights.first().map(|weight| weight.shape().to_vec()).unwrap_or_default();
        let (Some(rows), 3, true) = (shape.first(), weights.len(), same) else {
            return Err(SaveError::Incomplete { kind: part.kind, name });
        };
        let mut stacked = shape.clone();
        stacked[0] = rows * 3;
        all.insert(name, (stacked, Source::Stacked(weights)));
    }
    Ok(all)
}

fn turned(weight: &Weight) -> Vec<f32> {
    let values = weight.to_f32();
    let [rows, columns] = *weight.shape() else { return values };
    (0..columns).flat_map(|c| (0..rows).map(move |r| (r, c))).map(|(r, c)| values[r * columns + c]).collect()
}

/// Writes numbers; says whether one of them became infinite.
fn put(sink: &mut dyn Write, values: &[f32], save_as: SaveAs) -> io::Result<bool> {
    const CHUNK: usize = 1 << 16;
    let mut large = false;
    let mut bytes = Vec::with_capacity(CHUNK * 4);
    for chunk in values.chunks(CHUNK) {
        bytes.clear();
        match save_as {
            SaveAs::F32 => bytes.extend(chunk.iter().flat_map(|v| v.to_le_bytes())),
            SaveAs::F16 => {
                for v in chunk {
                    let small = f16::from_f32(*v);
                    large |= small.is_infinite() && v.is_finite();
                    bytes.extend(small.to_le_bytes());
                }
            }
            SaveAs::BF16 => {
                for v in chunk {
                    let small = bf16::from_f32(*v);
                    large |= small.is_infinite() && v.is_finite();
                    bytes.extend(small.to_le_bytes());
                }
            }
        }
        sink.write_all(&bytes)?;
    }
    Ok(large)
}
