//! Small helpers on samples that several operations share.

use kiln_types::{Image, Mask};

use crate::PixelError;

/// A sample as a byte, cut off towards zero: what saving a picture and every 8-bit operation start from.
#[must_use]
pub fn to_byte(v: f32) -> u8 {
    // `as` maps a NaN to 0.
    (v * 255.0).clamp(0.0, 255.0) as u8
}

/// A byte as a sample.
#[must_use]
pub fn from_byte(v: u8) -> f32 {
    f32::from(v) / 255.0
}

/// Nearest whole number, halves to the even one, of a size in pixels; at least 0, at most far above any
/// allowed side.
pub(crate) fn round_size(v: f64) -> usize {
    // `as` saturates and maps a NaN to 0; 1 << 32 pixels are refused by every picture.
    v.round_ties_even().clamp(0.0, 4_294_967_296.0) as usize
}

/// The place inside `0..n` that `i` is mirrored to, the border itself not repeated.
pub(crate) fn reflect(i: isize, n: usize) -> usize {
    if n <= 1 {
        return 0;
    }
    let period = 2 * (n as isize - 1);
    let i = i.rem_euclid(period);
    (if i >= n as isize { period - i } else { i }) as usize
}

/// Whether `v` is an ordinary number within `low..=high`.
pub(crate) fn within(v: f32, low: f32, high: f32) -> bool {
    v >= low && v <= high
}

/// The sample within 0..1, 0 for what is no number.
pub(crate) fn clean(v: f32) -> f32 {
    if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) }
}

/// A picture like `image` with other samples.
pub(crate) fn like(image: &Image, data: Vec<f32>) -> Result<Image, PixelError> {
    Ok(Image::new(image.batch(), image.height(), image.width(), image.channels(), data)?)
}

/// A mask like `mask` with other samples.
pub(crate) fn like_mask(mask: &Mask, data: Vec<f32>) -> Result<Mask, PixelError> {
    Ok(Mask::new(mask.batch(), mask.height(), mask.width(), data)?)
}

/// Picture `index` of a batch that starts again from its first picture when it ends.
pub(crate) fn cycled(image: &Image, index: usize) -> &[f32] {
    image.frame(index % image.batch())
}

/// Mask `index` of a batch that starts again from its first mask when it ends.
pub(crate) fn cycled_mask(mask: &Mask, index: usize) -> &[f32] {
    mask.frame(index % mask.batch())
}
