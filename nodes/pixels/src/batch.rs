//! Batches of pictures: repeated, taken apart and put together.

use kiln_types::{Image, Mask};

use crate::PixelError;
use crate::resample::{Crop, Method, fit};

/// No batch holds more pictures than this.
const MAX_BATCH: usize = 1 << 16;

/// The whole batch `amount` times.
///
/// # Errors
/// When the amount is 0 or the result is too large.
pub fn repeat(image: &Image, amount: usize) -> Result<Image, PixelError> {
    let frames = count(image.batch(), amount)?;
    // The sizes are checked before any memory is taken.
    let mut out = Image::zeros(frames, image.height(), image.width(), image.channels())?;
    out.data_mut().chunks_exact_mut(image.data().len()).for_each(|t| t.copy_from_slice(image.data()));
    Ok(out)
}

/// The whole batch of masks `amount` times.
///
/// # Errors
/// When the amount is 0 or the result is too large.
pub fn repeat_mask(mask: &Mask, amount: usize) -> Result<Mask, PixelError> {
    let mut out = Mask::filled(count(mask.batch(), amount)?, mask.height(), mask.width(), 0.0)?;
    out.data_mut().chunks_exact_mut(mask.data().len()).for_each(|t| t.copy_from_slice(mask.data()));
    Ok(out)
}

fn count(batch: usize, amount: usize) -> Result<usize, PixelError> {
    if amount == 0 {
        return Err(PixelError::parameter("amount", "at least 1"));
    }
    batch
        .checked_mul(amount)
        .filter(|n| *n <= MAX_BATCH)
        .ok_or(PixelError::parameter("amount", "small enough for a batch of 65536 pictures"))
}

/// `length` pictures from `index` on, as far as the batch reaches; an index past the end is the last picture.
///
/// # Errors
/// When the length is 0.
pub fn slice(image: &Image, index: usize, length: usize) -> Result<Image, PixelError> {
    let index = index.min(image.batch() - 1);
    let length = length.min(image.batch() - index);
    let len = image.frame_len();
    let data = image.data()[index * len..(index + length) * len].to_vec();
    Ok(Image::new(length, image.height(), image.width(), image.channels(), data)?)
}

/// The pictures of both batches; the second's take the size of the first, their middle cut out where the
/// shapes differ. Opaque alpha is added to the batch that has none while the other has.
///
/// # Errors
/// When the result is too large.
pub fn join(first: &Image, second: &Image) -> Result<Image, PixelError> {
    let channels = first.channels().max(second.channels());
    let frames = first.batch().saturating_add(second.batch());
    let mut out = Image::zeros(frames, first.height(), first.width(), channels)?;
    let (a, b) = (with_channels(first, channels)?, with_channels(second, channels)?);
    let b = if (b.width(), b.height()) == (a.width(), a.height()) {
        b
    } else {
        fit(&b, a.width(), a.height(), Method::Bilinear, Crop::Center)?
    };
    let (left, right) = out.data_mut().split_at_mut(a.data().len());
    left.copy_from_slice(a.data());
    right.copy_from_slice(b.data());
    Ok(out)
}

/// The picture with 3 or 4 channels: alpha dropped, or opaque alpha added.
///
/// # Errors
/// When the result is too large or `channels` is neither 3 nor 4.
pub fn with_channels(image: &Image, channels: usize) -> Result<Image, PixelError> {
    if image.channels() == channels {
        return Ok(image.clone());
    }
    let mut out = Image::zeros(image.batch(), image.height(), image.width(), channels)?;
    let pixels = image.data().chunks_exact(image.channels());
    for (pixel, target) in pixels.zip(out.data_mut().chunks_exact_mut(channels)) {
        let (color, alpha) = target.split_at_mut(3);
        color.copy_from_slice(&pixel[..3]);
        alpha.fill(1.0);
    }
    Ok(out)
}

/// How many pictures come of two batches that are worked on together: a single picture or mask goes with
/// every one of the other batch.
pub(crate) fn together(a: usize, b: usize) -> Result<usize, PixelError> {
    match (a, b) {
        (1, n) | (n, 1) => Ok(n),
        (n, m) if n == m => Ok(n),
        (n, m) => Err(PixelError::Mismatch(format!(
            "a batch of {n} and a batch of {m} do not go together: one must hold a single picture, or both equally many"
        ))),
    }
}
