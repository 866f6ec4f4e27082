//! A latent laid on another at a place.

use super::mix::same_channels;
use super::resize::{Method, resize};
use crate::values::Latent;
use kiln_core::NodeError;
use kiln_pixels::resample::{Crop, Method as Flat, resize_mask};
use kiln_types::Mask;

/// Weights of the source's pixels, and how wide and high the weighed part is.
struct Weights {
    batch: usize,
    width: usize,
    data: Vec<f32>,
}

/// The source on the destination from `top`, `left` on, `height` x `width` of it, by its weights; as many pictures as
/// the destination has.
fn lay(
    destination: &Latent,
    source: &Latent,
    [top, left, height, width]: [usize; 4],
    weights: &Weights,
) -> Latent {
    let mut made = destination.clone();
    let (from, to) = (source.height() * source.width(), destination.height() * destination.width());
    let frame = weights.data.len() / weights.batch;
    for (index, picture) in made.samples.chunks_exact_mut(destination.picture_len()).enumerate() {
        let over = source.picture(index % source.batch());
        let weights_of = &weights.data[index % weights.batch * frame..][..frame];
        for (target, over) in picture.chunks_exact_mut(to).zip(over.chunks_exact(from)) {
            for y in 0..height {
                let row = &mut target[(top + y) * destination.width() + left..][..width];
                let weights = &weights_of[y * weights.width..][..width];
                for ((t, s), m) in row.iter_mut().zip(&over[y * source.width()..]).zip(weights) {
                    *t = s * m + *t * (1.0 - m);
                }
            }
        }
    }
    made
}

/// How much of a source of `height` x `width` at `top`, `left` lies on the destination.
fn seen(destination: &Latent, [top, left, height, width]: [usize; 4]) -> [usize; 2] {
    [
        height.min(destination.height().saturating_sub(top)),
        width.min(destination.width().saturating_sub(left)),
    ]
}

/// Ramps along the edges that lie inside the destination: from 1/feather to 1.
fn ramps(destination: &Latent, [top, left, height, width]: [usize; 4], feather: usize) -> Weights {
    let mut data = vec![1.0_f32; height * width];
    for t in 0..feather {
        let by = (1.0 / feather as f64 * (t + 1) as f64) as f32;
        if t < height {
            let mut row = |y: usize| data[y * width..(y + 1) * width].iter_mut().for_each(|v| *v *= by);
            if top != 0 {
                row(t);
            }
            if top + height < destination.height() {
                row(height - 1 - t);
            }
        }
        if t < width {
            let mut column = |x: usize| data.iter_mut().skip(x).step_by(width).for_each(|v| *v *= by);
            if left != 0 {
                column(t);
            }
            if left + width < destination.width() {
                column(width - 1 - t);
            }
        }
    }
    Weights { batch: 1, width, data }
}

/// The source on the destination with its top left corner at `at` (top, left), its inner edges softened over `feather`;
/// all in latent pixels.
///
/// # Errors
/// When their channels differ.
pub fn feathered(
    destination: &Latent,
    source: &Latent,
    at: [usize; 2],
    feather: usize,
) -> Result<Latent, NodeError> {
    same_channels(destination, source)?;
    let [top, left] = at;
    let [height, width] = seen(destination, [top, left, source.height(), source.width()]);
    if height == 0 || width == 0 {
        return Ok(destination.clone());
    }
    // A ramp longer than the part changes nothing past its end.
    let weights = ramps(destination, [top, left, height, width], feather.min(1 << 16));
    Ok(lay(destination, source, [top, left, height, width], &weights))
}

/// The source on the destination at `at` (top, left, in latent pixels) where the mask says, which is brought to the
/// source's size; everywhere without one. `resize_source` brings the source to the destination's size first.
///
/// # Errors
/// When their channels differ.
pub fn masked(
    destination: &Latent,
    source: &Latent,
    at: [usize; 2],
    resize_source: bool,
    mask: Option<&Mask>,
) -> Result<Latent, NodeError> {
    same_channels(destination, source)?;
    let resized;
    let mut source = source;
    if resize_source {
        let size = [destination.height(), destination.width()];
        resized = resize(source, size, Method::Flat(Flat::Bilinear), Crop::Disabled)?;
        source = &resized;
    }
    let [top, left] = at;
    let [height, width] = seen(destination, [top, left, source.height(), source.width()]);
    if height == 0 || width == 0 {
        return Ok(destination.clone());
    }
    let weights = match mask {
        None => Weights { batch: 1, width, data: vec![1.0; height * width] },
        Some(mask) => {
            let fitted =
                resize_mask(mask, source.width(), source.height(), Flat::Bilinear).map_err(NodeError::new)?;
            Weights { batch: fitted.batch(), width: fitted.width(), data: fitted.into_data() }
        }
    };
    Ok(lay(destination, source, [top, left, height, width], &weights))
}
