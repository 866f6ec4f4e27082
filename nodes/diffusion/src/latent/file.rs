//! Latents in files: safetensors with the tensor `latent_tensor`, as ComfyUI's `.latent` files are.
//!
//! Beside it lie, when the latent has them, its noise mask and the numbers its pictures remember. ComfyUI passes those
//! by.

use crate::values::{Latent, NoiseMask};
use kiln_core::NodeError;
use kiln_weights::{Dtype, Stored, TensorPlan, WeightFile, widen, write_safetensors};
use std::collections::BTreeMap;
use std::io::Write;

/// The latent's numbers.
const LATENT: &str = "latent_tensor";
/// Its presence says that the numbers do not carry a model's scale.
const UNSCALED: &str = "latent_format_version_0";
const MASK: &str = "noise_mask";
const INDEX: &str = "batch_index";
/// The key of a latent pixel's side in pixels.
const FACTOR: &str = "pixels_per_latent_pixel";
/// Files from before the marker hold numbers at the scale of Stable Diffusion 1.
const OLD_SCALE: f32 = 1.0 / 0.18215;
/// The highest number a picture may remember: noise is drawn up to it.
const HIGHEST: usize = kiln_sampling::noise::MAX_BATCH_INDEX;
/// The most numbers that masks may have.
const MOST: usize = 1 << 28;

fn plan(name: &str, dtype: Dtype, shape: &[usize]) -> TensorPlan {
    TensorPlan { name: name.to_owned(), dtype, shape: shape.to_vec() }
}

fn floats(out: &mut dyn Write, values: &[f32]) -> std::io::Result<()> {
    values.iter().try_for_each(|v| out.write_all(&v.to_le_bytes()))
}

/// The bytes of a latent's file; `notes` are kept in it as text, by key.
///
/// # Errors
/// When the notes are too long.
pub fn to_bytes(latent: &Latent, notes: &BTreeMap<String, String>) -> Result<Vec<u8>, NodeError> {
    let mut plans = vec![plan(LATENT, Dtype::F32, &latent.shape), plan(UNSCALED, Dtype::F32, &[0])];
    if let Some(mask) = &latent.mask {
        plans.push(plan(MASK, Dtype::F32, &[mask.batch, 1, mask.height, mask.width]));
    }
    if let Some(index) = &latent.batch_index {
        plans.push(plan(INDEX, Dtype::I64, &[index.len()]));
    }
    let mut metadata = notes.clone();
    metadata.insert(FACTOR.to_owned(), latent.factor.to_string());
    let mut bytes = Vec::new();
    write_safetensors(&mut bytes, &plans, &metadata, |plan, out| match plan.name.as_str() {
        LATENT => floats(out, &latent.samples),
        MASK => floats(out, latent.mask.as_ref().map_or(&[], |m| &m.data)),
        INDEX => {
            latent.batch_index.iter().flatten().try_for_each(|v| out.write_all(&(*v as i64).to_le_bytes()))
        }
        _ => Ok(()),
    })
    .map_err(NodeError::new)?;
    Ok(bytes)
}

/// A tensor that is in the file but is not what it should be.
fn wrong(file: &WeightFile, name: &str, what: &str) -> NodeError {
    NodeError::new(format!("{}: {name} {what}", file.path().display()))
}

/// The numbers of a tensor, all of them ordinary, into `out`, which is as long.
fn read(file: &WeightFile, tensor: &Stored, out: &mut [f32]) -> Result<(), NodeError> {
    tensor.check_intact().map_err(NodeError::new)?;
    if !tensor.is_float() {
        return Err(wrong(file, tensor.name(), "holds whole numbers, not the numbers of a picture"));
    }
    widen(tensor.dtype(), tensor.bytes(), out);
    match out.iter().position(|v| !v.is_finite()) {
        Some(at) => {
            Err(wrong(file, tensor.name(), &format!("holds something that is not a number at place {at}"))
                .hint("make the latent again"))
        }
        None => Ok(()),
    }
}

fn noise_mask(file: &WeightFile, tensor: &Stored) -> Result<NoiseMask, NodeError> {
    let (batch, height, width) = match *tensor.shape() {
        [batch, height, width] | [batch, 1, height, width] => (batch, height, width),
        _ => {
            return Err(wrong(file, MASK, &format!("has the shape {:?}, not that of masks", tensor.shape())));
        }
    };
    if tensor.is_empty() || tensor.len() > MOST {
        return Err(wrong(file, MASK, &format!("has the shape {:?}: empty or too large", tensor.shape())));
    }
    let mut data = vec![0.0; tensor.len()];
    read(file, tensor, &mut data)?;
    Ok(NoiseMask { batch, height, width, data })
}

fn batch_index(file: &WeightFile, tensor: &Stored, batch: usize) -> Result<Vec<usize>, NodeError> {
    tensor.check_intact().map_err(NodeError::new)?;
    if tensor.dtype() != Dtype::I64 || tensor.shape() != [batch] {
        return Err(wrong(
            file,
            INDEX,
            &format!("is {} {:?}, not {batch} whole numbers", tensor.dtype().name(), tensor.shape()),
        ));
    }
    let number = |bytes: &[u8; 8]| usize::try_from(i64::from_le_bytes(*bytes)).ok().filter(|n| *n <= HIGHEST);
    let numbers: Option<Vec<usize>> = tensor.bytes().as_chunks::<8>().0.iter().map(number).collect();
    numbers.ok_or_else(|| wrong(file, INDEX, &format!("counts pictures outside 0 to {HIGHEST}")))
}

/// The latent in an opened file.
///
/// # Errors
/// When the file holds no latent, or a damaged one.
pub fn from_file(file: &WeightFile) -> Result<Latent, NodeError> {
    let tensor =
        file.require(LATENT).map_err(|e| NodeError::new(e).hint("choose a file that SaveLatent wrote"))?;
    let shape: [usize; 4] = tensor.shape().try_into().map_err(|_| {
        wrong(file, LATENT, &format!("has the shape {:?}", tensor.shape()))
            .hint("a latent of pictures has four sides: pictures, channels, height, width")
    })?;
    let mut latent =
        Latent::zeros(shape).map_err(|e| wrong(file, LATENT, &format!("cannot be used: {}", e.what)))?;
    read(file, tensor, &mut latent.samples)?;
    if file.get(UNSCALED).is_none() {
        latent.samples.iter_mut().for_each(|v| *v *= OLD_SCALE);
    }
    if let Some(tensor) = file.get(MASK) {
        latent.mask = Some(noise_mask(file, tensor)?);
    }
    if let Some(tensor) = file.get(INDEX) {
        latent.batch_index = Some(batch_index(file, tensor, shape[0])?);
    }
    if let Some(text) = file.metadata().get(FACTOR) {
        latent.factor = text
            .parse()
            .ok()
            .filter(|n| (1..=64).contains(n))
            .ok_or_else(|| wrong(file, FACTOR, "is no whole number from 1 to 64"))?;
    }
    Ok(latent)
}
