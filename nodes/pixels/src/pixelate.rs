//! Coarser on purpose: blocks and steps.

use kiln_types::Image;

use crate::PixelError;
use crate::samples::like;

/// Squares of `block` pixels, each the mean of what it covers; at the right and the bottom edge they are
/// cut off. Colours are weighted by alpha.
///
/// # Errors
/// When `block` is 0.
pub fn pixelate(image: &Image, block: usize) -> Result<Image, PixelError> {
    if block == 0 {
        return Err(PixelError::parameter("block", "at least 1"));
    }
    let (width, height, channels) = (image.width(), image.height(), image.channels());
    let mut data = image.data().to_vec();
    for frame in data.chunks_exact_mut(image.frame_len()) {
        for top in (0..height).step_by(block) {
            for left in (0..width).step_by(block) {
                let (bottom, right) =
                    (height.min(top.saturating_add(block)), width.min(left.saturating_add(block)));
                let rows =
                    || (top..bottom).map(|y| (y * width + left) * channels..(y * width + right) * channels);
                let mean = mean(rows().flat_map(|row| frame[row].chunks_exact(channels)));
                for row in rows() {
                    for pixel in frame[row].chunks_exact_mut(channels) {
                        pixel.copy_from_slice(&mean[..channels]);
                    }
                }
            }
        }
    }
    like(image, data)
}

/// The mean of pixels, colours weighted by alpha; of clear pixels alone, the plain mean.
fn mean<'a>(pixels: impl Iterator<Item = &'a [f32]>) -> [f32; 4] {
    let (mut plain, mut weighted) = ([0.0_f64; 3], [0.0_f64; 3]);
    let (mut alpha, mut count) = (0.0_f64, 0.0_f64);
    for pixel in pixels {
        let a = f64::from(pixel.get(3).copied().unwrap_or(1.0));
        for c in 0..3 {
            plain[c] += f64::from(pixel[c]);
            weighted[c] += f64::from(pixel[c]) * a;
        }
        alpha += a;
        count += 1.0;
    }
    let (sums, weight) = if alpha > 0.0 { (weighted, alpha) } else { (plain, count) };
    let [r, g, b] = sums.map(|v| (v / weight) as f32);
    [r, g, b, (alpha / count) as f32]
}

/// Every channel brought to the nearest of `levels` equal steps from 0 to 1; alpha stays.
///
/// # Errors
/// When `levels` is not within 2..256.
pub fn posterize(image: &Image, levels: usize) -> Result<Image, PixelError> {
    if !(2..=256).contains(&levels) {
        return Err(PixelError::parameter("levels", "between 2 and 256"));
    }
    let top = (levels - 1) as f32;
    crate::grade::map_colors(image, |p| p.map(|v| (v.clamp(0.0, 1.0) * top + 0.5).floor() / top))
}
