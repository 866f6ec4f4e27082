//! Blurring and sharpening. Outside the picture lies its mirror image, the border not repeated.

use kiln_types::{Image, Mask};

use crate::PixelError;
use crate::samples::{like, like_mask, reflect, within};

/// The largest radius of a blur in pixels: it bounds the time, not the memory.
const MAX_RADIUS: usize = 1024;

/// Samples of a bell curve at -radius..=radius that sum to 1; `sigma` in pixels.
pub(crate) fn bell(radius: usize, sigma: f64) -> Vec<f32> {
    let raw: Vec<f64> = (0..=2 * radius)
        .map(|i| {
            let x = (i as f64 - radius as f64) / sigma;
            libm::exp(-0.5 * x * x)
        })
        .collect();
    let sum: f64 = raw.iter().sum();
    raw.iter().map(|v| (v / sum) as f32).collect()
}

/// Frames of `w` x `h` pixels of `c` channels, weighted by `kernel` along rows and columns.
pub(crate) fn convolve(data: &[f32], [w, h, c]: [usize; 3], kernel: &[f32]) -> Vec<f32> {
    let radius = kernel.len() / 2;
    let stride = w * c;
    let mirror = |i: usize, n: usize| reflect(i as isize - radius as isize, n);
    let columns: Vec<usize> = (0..w + 2 * radius).map(|i| mirror(i, w) * c).collect();
    let rows: Vec<usize> = (0..h + 2 * radius).map(|i| mirror(i, h) * stride).collect();
    let mut line = vec![0.0_f32; (w + 2 * radius) * c];
    let mut across = vec![0.0_f32; stride * h];
    let mut out = vec![0.0_f32; data.len()];
    for (frame, result) in data.chunks_exact(stride * h).zip(out.chunks_exact_mut(stride * h)) {
        for (row, target) in frame.chunks_exact(stride).zip(across.chunks_exact_mut(stride)) {
            for (pixel, &x) in line.chunks_exact_mut(c).zip(&columns) {
                pixel.copy_from_slice(&row[x..x + c]);
            }
            sum_spans(target, kernel, |k| &line[k * c..k * c + stride]);
        }
        for (y, target) in result.chunks_exact_mut(stride).enumerate() {
            sum_spans(target, kernel, |k| &across[rows[y + k]..rows[y + k] + stride]);
        }
    }
    out
}

/// `out` as the weighted sum of one span for each weight. The weights read the same backwards, so the two
/// spans that share one are summed first.
fn sum_spans<'a>(out: &mut [f32], weights: &[f32], span: impl Fn(usize) -> &'a [f32]) {
    /// Sums that stay in registers while all spans are read.
    const BLOCK: usize = 32;
    let radius = weights.len() / 2;
    let last = weights.len() - 1;
    let mut at = 0;
    for block in out.as_chunks_mut::<BLOCK>().0 {
        let part = |k: usize| span(k)[at..].first_chunk::<BLOCK>();
        let mut sums = [0.0_f32; BLOCK];
        for (k, w) in weights[..radius].iter().enumerate() {
            if let (Some(a), Some(b)) = (part(k), part(last - k)) {
                sums.iter_mut().zip(a.iter().zip(b)).for_each(|(s, (a, b))| *s += w * (a + b));
            }
        }
        if let Some(a) = part(radius) {
            sums.iter_mut().zip(a).for_each(|(s, a)| *s += weights[radius] * a);
        }
        *block = sums;
        at += BLOCK;
    }
    for (i, o) in out.iter_mut().enumerate().skip(at) {
        let sides = weights[..radius].iter().enumerate();
        let sum = sides.fold(0.0, |sum, (k, w)| sum + w * (span(k)[i] + span(last - k)[i]));
        *o = sum + weights[radius] * span(radius)[i];
    }
}

fn shape(image: &Image) -> [usize; 3] {
    [image.width(), image.height(), image.channels()]
}

/// The kernel of [`blur`] and [`sharpen`]: its sigma counts in radii.
fn relative_bell(radius: usize, sigma: f64) -> Result<Vec<f32>, PixelError> {
    if radius > MAX_RADIUS {
        return Err(PixelError::parameter("radius", "at most 1024"));
    }
    if !(sigma > 0.0 && sigma.is_finite()) {
        return Err(PixelError::parameter("sigma", "a number above 0"));
    }
    Ok(bell(radius, sigma * radius as f64))
}

/// The picture blurred with a bell curve that ends after `radius` pixels; `sigma` is in units of the
/// radius. A radius of 0 changes nothing.
///
/// # Errors
/// When a parameter is out of range.
pub fn blur(image: &Image, radius: usize, sigma: f64) -> Result<Image, PixelError> {
    if radius == 0 {
        return Ok(image.clone());
    }
    like(image, convolve(image.data(), shape(image), &relative_bell(radius, sigma)?))
}

/// The picture with ten times `alpha` of what [`blur`] would take away added, cut to 0..1. A radius of 0
/// changes nothing.
///
/// # Errors
/// When a parameter is out of range.
pub fn sharpen(image: &Image, radius: usize, sigma: f64, alpha: f32) -> Result<Image, PixelError> {
    if !within(alpha, 0.0, 1000.0) {
        return Err(PixelError::parameter("alpha", "within 0 to 1000"));
    }
    if radius == 0 {
        return Ok(image.clone());
    }
    let mut soft = convolve(image.data(), shape(image), &relative_bell(radius, sigma)?);
    let amount = alpha * 10.0;
    for (s, v) in soft.iter_mut().zip(image.data()) {
        *s = (v + amount * (v - *s)).clamp(0.0, 1.0);
    }
    like(image, soft)
}

/// The kernel of a blur whose sigma counts in pixels; none when it is too narrow to matter.
fn pixel_bell(sigma: f64) -> Result<Option<Vec<f32>>, PixelError> {
    if !(0.0..=256.0).contains(&sigma) {
        return Err(PixelError::parameter("sigma", "within 0 to 256"));
    }
    let radius = (sigma * 4.0).ceil() as usize;
    Ok((sigma > 1e-3).then(|| bell(radius, sigma)))
}

/// The picture blurred with a bell curve of `sigma` pixels.
///
/// # Errors
/// When sigma is out of range.
pub fn gaussian(image: &Image, sigma: f64) -> Result<Image, PixelError> {
    let Some(kernel) = pixel_bell(sigma)? else { return Ok(image.clone()) };
    like(image, convolve(image.data(), shape(image), &kernel))
}

/// The mask blurred with a bell curve of `sigma` pixels.
///
/// # Errors
/// When sigma is out of range.
pub fn gaussian_mask(mask: &Mask, sigma: f64) -> Result<Mask, PixelError> {
    let Some(kernel) = pixel_bell(sigma)? else { return Ok(mask.clone()) };
    like_mask(mask, convolve(mask.data(), [mask.width(), mask.height(), 1], &kernel))
}

/// The picture with each pixel the mean of the square of `2 * radius + 1` pixels around it.
///
/// # Errors
/// When the radius is out of range.
pub fn box_blur(image: &Image, radius: usize) -> Result<Image, PixelError> {
    if radius > MAX_RADIUS {
        return Err(PixelError::parameter("radius", "at most 1024"));
    }
    if radius == 0 {
        return Ok(image.clone());
    }
    let side = 2 * radius + 1;
    like(image, convolve(image.data(), shape(image), &vec![1.0 / side as f32; side]))
}

/// The picture with `amount` times its difference to a blur of `sigma` pixels added, where that
/// difference exceeds `threshold`; cut to 0..1, alpha untouched.
///
/// # Errors
/// When a parameter is out of range.
pub fn unsharp(image: &Image, sigma: f64, amount: f32, threshold: f32) -> Result<Image, PixelError> {
    if !within(amount, 0.0, 100.0) {
        return Err(PixelError::parameter("amount", "within 0 to 100"));
    }
    if !within(threshold, 0.0, 1.0) {
        return Err(PixelError::parameter("threshold", "within 0 to 1"));
    }
    let mut out = gaussian(image, sigma)?;
    let c = image.channels();
    for (soft, pixel) in out.data_mut().chunks_exact_mut(c).zip(image.data().chunks_exact(c)) {
        for (k, (s, v)) in soft.iter_mut().zip(pixel).enumerate() {
            let edge = v - *s;
            *s = if k < 3 && edge.abs() > threshold { (v + amount * edge).clamp(0.0, 1.0) } else { *v };
        }
    }
    Ok(out)
}
