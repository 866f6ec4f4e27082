//! Batches of latents, and whose noise each of their pictures gets.
//!
//! Picture number k of a batch gets the k-th noise of a seed. A latent that was taken out of a batch remembers its
//! numbers (`batch_index`), so that it is drawn as it would have been drawn there.

use super::mix::sized_like;
use crate::values::{Latent, NoiseMask};
use kiln_core::NodeError;
use kiln_pixels::resample::Method as Flat;
use kiln_types::Mask;

/// The most numbers that masks may have.
const MOST: usize = 1 << 28;

/// Which noise each picture gets.
fn numbers(latent: &Latent) -> Vec<usize> {
    latent.batch_index.clone().unwrap_or_else(|| (0..latent.batch()).collect())
}

/// The masks of a range of places, starting again from the first when they end.
fn masks(mask: &NoiseMask, places: impl ExactSizeIterator<Item = usize>) -> Result<NoiseMask, NodeError> {
    let (batch, len) = (places.len(), mask.height * mask.width);
    let total = batch.checked_mul(len).filter(|n| *n <= MOST).ok_or_else(|| {
        NodeError::new(format!("{batch} masks of {}x{} pixels are too many", mask.width, mask.height))
            .hint("make the mask smaller")
    })?;
    let mut data = Vec::with_capacity(total);
    for place in places {
        data.extend_from_slice(&mask.data[place % mask.batch * len..][..len]);
    }
    Ok(NoiseMask { batch, height: mask.height, width: mask.width, data })
}

/// Both batches in one, the second at the first one's size. Each picture keeps the number it had in its own batch, and
/// the noise mask is the first one's.
///
/// # Errors
/// When their channels differ, or there are too many.
pub fn join(first: &Latent, second: &Latent) -> Result<Latent, NodeError> {
    let batch_index = numbers(first).into_iter().chain(numbers(second)).collect();
    let second = sized_like(first, second, Flat::Bilinear)?;
    let batch = first.batch() + second.batch();
    let shape = [batch, first.channels(), first.height(), first.width()];
    let mut samples = Latent::zeros(shape)?.samples;
    let (head, tail) = samples.split_at_mut(first.samples.len());
    head.copy_from_slice(&first.samples);
    tail.copy_from_slice(&second.samples);
    Ok(Latent {
        shape,
        samples,
        factor: first.factor,
        mask: first.mask.clone(),
        batch_index: Some(batch_index),
    })
}

/// The whole batch `amount` times. Numbers that pictures remember are counted on from repeat to repeat.
///
/// # Errors
/// When there are too many, or none.
pub fn repeat(latent: &Latent, amount: usize) -> Result<Latent, NodeError> {
    let batch =
        latent.batch().checked_mul(amount).filter(|n| *n > 0).ok_or_else(|| {
            NodeError::new(format!("a batch cannot be repeated {amount} times")).at("amount")
        })?;
    let shape = [batch, latent.channels(), latent.height(), latent.width()];
    let mut samples = Latent::zeros(shape)?.samples;
    samples.chunks_exact_mut(latent.samples.len()).for_each(|part| part.copy_from_slice(&latent.samples));
    let mask = match &latent.mask {
        Some(mask) if mask.batch > 1 => {
            let once = mask.batch.max(latent.batch());
            Some(masks(mask, (0..once * amount).map(|i| i % once).collect::<Vec<_>>().into_iter())?)
        }
        other => other.clone(),
    };
    let batch_index = latent.batch_index.as_ref().map(|known| {
        let (least, most) =
            (known.iter().min().copied().unwrap_or(0), known.iter().max().copied().unwrap_or(0));
        let offset = most - least + 1;
        (0..amount)
            .flat_map(|i| known.iter().map(move |k| k.saturating_add(i.saturating_mul(offset))))
            .collect()
    });
    Ok(Latent { shape, samples, factor: latent.factor, mask, batch_index })
}

/// `length` pictures from number `first` on, as far as the batch reaches; past the end is the last. They remember their
/// numbers.
///
/// # Errors
/// When there are too many masks, or `length` is 0.
pub fn slice(latent: &Latent, first: usize, length: usize) -> Result<Latent, NodeError> {
    if length == 0 {
        return Err(NodeError::new("a batch needs at least one picture")
            .at("length")
            .hint("set length to 1 or more"));
    }
    let first = first.min(latent.batch() - 1);
    let end = first.saturating_add(length).min(latent.batch());
    let len = latent.picture_len();
    let samples = latent.samples[first * len..end * len].to_vec();
    let mask = match &latent.mask {
        // A batch of masks longer than the pictures' may reach past them.
        Some(mask) if mask.batch > 1 => Some(masks(mask, first..end)?),
        other => other.clone(),
    };
    Ok(Latent {
        shape: [end - first, latent.channels(), latent.height(), latent.width()],
        samples,
        factor: latent.factor,
        mask,
        batch_index: Some(numbers(latent)[first..end].to_vec()),
    })
}

/// All pictures with the same noise (that of the first), or each with its own, counted from 0.
#[must_use]
pub fn seeds(latent: &Latent, fixed: bool) -> Latent {
    let mut made = latent.clone();
    made.batch_index = fixed.then(|| {
        let first = latent.batch_index.as_ref().and_then(|known| known.first()).copied().unwrap_or(0);
        vec![first; latent.batch()]
    });
    made
}

/// The latent, to be redrawn only where the mask says.
#[must_use]
pub fn with_mask(mut latent: Latent, mask: &Mask) -> Latent {
    let data = mask.data().to_vec();
    latent.mask = Some(NoiseMask { batch: mask.batch(), height: mask.height(), width: mask.width(), data });
    latent
}

/// Where the latent is redrawn, at the size the mask was set with; without one everywhere, at the picture's size.
///
/// # Errors
/// When it is too large.
pub fn mask_of(latent: &Latent) -> Result<Mask, NodeError> {
    Ok(match &latent.mask {
        Some(mask) => Mask::new(mask.batch, mask.height, mask.width, mask.data.clone())?,
        None => {
            let side = |n: usize| n.saturating_mul(latent.factor);
            Mask::filled(1, side(latent.height()), side(latent.width()), 1.0)?
        }
    })
}
