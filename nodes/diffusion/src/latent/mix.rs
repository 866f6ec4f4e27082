//! Two latents in one, number by number.

use super::resize::{Method, resize};
use crate::values::Latent;
use kiln_core::NodeError;
use kiln_pixels::resample::{Crop, Method as Flat};

fn words(latent: &Latent) -> String {
    let [batch, channels, height, width] = latent.shape;
    format!("{batch} of {channels} channels, {width}x{height} latent pixels")
}

/// Says no to latents that do not go together.
pub(super) fn same_channels(first: &Latent, second: &Latent) -> Result<(), NodeError> {
    if first.channels() == second.channels() {
        return Ok(());
    }
    Err(NodeError::new(format!("these latents do not go together: {} and {}", words(first), words(second)))
        .hint("make both with the same kind of model"))
}

/// The second latent at the first one's height and width, its middle cut out to the same shape.
pub(super) fn sized_like(first: &Latent, second: &Latent, method: Flat) -> Result<Latent, NodeError> {
    same_channels(first, second)?;
    if first.shape[2..] == second.shape[2..] {
        return Ok(second.clone());
    }
    resize(second, [first.height(), first.width()], Method::Flat(method), Crop::Center)
}

/// `batch` pictures of numbers made of the numbers of two latents of one size, each batch starting again when it ends.
/// Noise mask and batch index are the first one's.
fn each(
    first: &Latent,
    second: &Latent,
    batch: usize,
    work: impl Fn(f32, f32) -> f32,
) -> Result<Latent, NodeError> {
    let shape = [batch, first.channels(), first.height(), first.width()];
    let mut samples = Latent::zeros(shape)?.samples;
    for (index, target) in samples.chunks_exact_mut(first.picture_len()).enumerate() {
        let (a, b) = (first.picture(index % first.batch()), second.picture(index % second.batch()));
        target.iter_mut().zip(a.iter().zip(b)).for_each(|(t, (a, b))| *t = work(*a, *b));
    }
    let index = first.batch_index.as_ref();
    let batch_index = index.map(|known| known.iter().copied().cycle().take(batch).collect());
    Ok(Latent { shape, samples, factor: first.factor, mask: first.mask.clone(), batch_index })
}

/// Some of the first latent and the rest of the second: a factor of 1 gives the first. As many pictures as the larger
/// batch has.
///
/// # Errors
/// When their channels differ.
pub fn blend(first: &Latent, second: &Latent, factor: f64) -> Result<Latent, NodeError> {
    let second = sized_like(first, second, Flat::Bicubic)?;
    let (factor, rest) = (factor as f32, (1.0 - factor) as f32);
    each(first, &second, first.batch().max(second.batch()), |a, b| a * factor + b * rest)
}

/// Both summed, as many pictures as the first has.
///
/// # Errors
/// When their channels differ.
pub fn add(first: &Latent, second: &Latent) -> Result<Latent, NodeError> {
    each(first, &sized_like(first, second, Flat::Bilinear)?, first.batch(), |a, b| a + b)
}

/// The second taken from the first, as many pictures as the first has.
///
/// # Errors
/// When their channels differ.
pub fn subtract(first: &Latent, second: &Latent) -> Result<Latent, NodeError> {
    each(first, &sized_like(first, second, Flat::Bilinear)?, first.batch(), |a, b| a - b)
}

/// Every number times another.
#[must_use]
pub fn multiply(latent: &Latent, by: f32) -> Latent {
    let mut made = latent.clone();
    made.samples.iter_mut().for_each(|v| *v *= by);
    made
}

/// 0 where there is no number: a vector without length has no direction.
fn number(v: f32) -> f32 {
    if v.is_nan() { 0.0 } else { v.clamp(f32::MIN, f32::MAX) }
}

/// Lengths of the vectors that the channels of each latent pixel are.
fn lengths(picture: &[f32], plane: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f32; plane];
    for channel in picture.chunks_exact(plane) {
        sums.iter_mut().zip(channel).for_each(|(s, v)| *s += v * v);
    }
    sums.into_iter().map(f32::sqrt).collect()
}

/// Between two latents: directions and lengths of the pixels' vectors are mixed apart, so that the mix is not flatter
/// than both. A ratio of 1 gives the first; as many pictures as the first has.
///
/// # Errors
/// When their channels differ.
pub fn interpolate(first: &Latent, second: &Latent, ratio: f64) -> Result<Latent, NodeError> {
    let second = sized_like(first, second, Flat::Bilinear)?;
    let (mut made, plane) = (first.clone(), first.height() * first.width());
    let (ratio, rest) = (ratio as f32, (1.0 - ratio) as f32);
    for (index, target) in made.samples.chunks_exact_mut(first.picture_len()).enumerate() {
        let (a, b) = (first.picture(index), second.picture(index % second.batch()));
        let (long_a, long_b) = (lengths(a, plane), lengths(b, plane));
        for (i, t) in target.iter_mut().enumerate() {
            let p = i % plane;
            *t = number(a[i] / long_a[p]) * ratio + number(b[i] / long_b[p]) * rest;
        }
        let turned = lengths(target, plane);
        for (i, t) in target.iter_mut().enumerate() {
            let p = i % plane;
            *t = number(*t / turned[p]) * (long_a[p] * ratio + long_b[p] * rest);
        }
    }
    Ok(made)
}
