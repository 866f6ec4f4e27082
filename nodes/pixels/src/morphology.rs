//! Erosion, dilation and what is made of them, with a square kernel.
//!
//! Nothing outside the picture takes part. The kernel's centre is at half its size, rounded down: with an
//! even size the window of an erosion reaches one pixel further to the left and up, that of a dilation one
//! further to the right and down, so that opening and closing move nothing.

use kiln_types::{Image, Mask};

use crate::PixelError;
use crate::named::named;
use crate::samples::{like, like_mask};

/// No kernel is larger; the sides of a picture are not either.
const MAX_KERNEL: usize = 1 << 17;

named! {
    /// A morphological operation.
    pub enum Morph {
        /// The smallest sample of the window.
        Erode = "erode",
        /// The largest sample of the window.
        Dilate = "dilate",
        /// Eroded, then dilated: small light spots go.
        Open = "open",
        /// Dilated, then eroded: small dark spots go.
        Close = "close",
        /// Dilated less eroded: outlines.
        Gradient = "gradient",
        /// The light spots that opening removes.
        TopHat = "top_hat",
        /// The dark spots that closing removes.
        BottomHat = "bottom_hat",
    }
}

/// The smallest or largest sample.
trait Pick: Copy {
    /// What any sample wins against.
    const NONE: f32;
    /// How far before its pixel the window of a kernel begins.
    fn before(kernel: usize) -> usize;
    fn pick(a: f32, b: f32) -> f32;
}

#[derive(Clone, Copy)]
struct Min;
#[derive(Clone, Copy)]
struct Max;

impl Pick for Min {
    const NONE: f32 = f32::INFINITY;
    fn before(kernel: usize) -> usize {
        kernel / 2
    }
    fn pick(a: f32, b: f32) -> f32 {
        // Written out: it compiles to one instruction, where `f32::min` must also look for NaN.
        if b < a { b } else { a }
    }
}

impl Pick for Max {
    const NONE: f32 = f32::NEG_INFINITY;
    fn before(kernel: usize) -> usize {
        (kernel - 1) / 2
    }
    fn pick(a: f32, b: f32) -> f32 {
        if b > a { b } else { a }
    }
}

/// Each sample of `line` becomes the pick of itself and its next `window - 1` at distances of `step`.
///
/// Windows of 2, 4, 8... are built of two halves each, the last one of two that overlap, so the work grows
/// with the logarithm of the window.
fn slide<P: Pick>(line: &mut [f32], scratch: &mut [f32], window: usize, step: usize) {
    let mut size = 1;
    while size < window {
        let ahead = size.min(window - size) * step;
        // In blocks, the part read ahead copied first, so that the compiler sees two separate spans.
        let mut at = 0;
        while at + ahead < line.len() {
            let n = scratch.len().min(line.len() - at - ahead);
            scratch[..n].copy_from_slice(&line[at + ahead..at + ahead + n]);
            for (a, b) in line[at..at + n].iter_mut().zip(&scratch[..n]) {
                *a = P::pick(*a, *b);
            }
            at += n;
        }
        size += size.min(window - size);
    }
}

/// The pick over square windows in frames of `w` x `h` pixels of `c` channels.
fn filter<P: Pick>(data: &mut [f32], w: usize, h: usize, c: usize, kernel: usize) {
    let reach = |n: usize| {
        let before = P::before(kernel).min(n - 1);
        let after = (kernel - 1 - P::before(kernel)).min(n - 1);
        (before, before + 1 + after)
    };
    let stride = w * c;
    let (left, across) = reach(w);
    let (above, down) = reach(h);
    let mut line = vec![P::NONE; (w + across - 1) * c];
    let mut column = vec![P::NONE; (h + down - 1) * stride];
    let mut scratch = vec![0.0; 2048];
    for frame in data.chunks_exact_mut(stride * h) {
        for row in frame.chunks_exact_mut(stride) {
            line.fill(P::NONE);
            line[left * c..left * c + stride].copy_from_slice(row);
            slide::<P>(&mut line, &mut scratch, across, c);
            row.copy_from_slice(&line[..stride]);
        }
        column.fill(P::NONE);
        column[above * stride..above * stride + frame.len()].copy_from_slice(frame);
        slide::<P>(&mut column, &mut scratch, down, stride);
        frame.copy_from_slice(&column[..stride * h]);
    }
}

fn run(data: &[f32], [w, h, c]: [usize; 3], op: Morph, kernel: usize) -> Result<Vec<f32>, PixelError> {
    if kernel == 0 || kernel > MAX_KERNEL + 1 {
        return Err(PixelError::parameter("kernel_size", "within 1 to 131072"));
    }
    let erode = |d: &mut Vec<f32>| filter::<Min>(d, w, h, c, kernel);
    let dilate = |d: &mut Vec<f32>| filter::<Max>(d, w, h, c, kernel);
    let less = |a: &mut Vec<f32>, b: &[f32]| a.iter_mut().zip(b).for_each(|(a, b)| *a -= b);
    let mut out = data.to_vec();
    match op {
        Morph::Erode => erode(&mut out),
        Morph::Dilate => dilate(&mut out),
        Morph::Open => {
            erode(&mut out);
            dilate(&mut out);
        }
        Morph::Close => {
            dilate(&mut out);
            erode(&mut out);
        }
        Morph::Gradient => {
            let mut low = data.to_vec();
            erode(&mut low);
            dilate(&mut out);
            less(&mut out, &low);
        }
        Morph::TopHat => {
            let mut opened = data.to_vec();
            erode(&mut opened);
            dilate(&mut opened);
            less(&mut out, &opened);
        }
        Morph::BottomHat => {
            dilate(&mut out);
            erode(&mut out);
            less(&mut out, data);
        }
    }
    Ok(out)
}

/// The operation on every channel of a picture, with a square of `kernel_size` pixels.
///
/// # Errors
/// When the size is 0 or far larger than any picture.
pub fn morphology(image: &Image, op: Morph, kernel_size: usize) -> Result<Image, PixelError> {
    let shape = [image.width(), image.height(), image.channels()];
    like(image, run(image.data(), shape, op, kernel_size)?)
}

/// The operation on a mask, with a square of `kernel_size` pixels.
///
/// # Errors
/// When the size is 0 or far larger than any mask.
pub fn morphology_mask(mask: &Mask, op: Morph, kernel_size: usize) -> Result<Mask, PixelError> {
    like_mask(mask, run(mask.data(), [mask.width(), mask.height(), 1], op, kernel_size)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_any_size_pick_what_a_search_finds() {
        let data: Vec<f32> = (0..13 * 7).map(|i| ((i * 37) % 101) as f32).collect();
        let mask = Mask::new(1, 7, 13, data.clone()).unwrap();
        let seen = |x: isize, y: isize, kernel: usize, before: usize| -> Vec<f32> {
            let span = |at: isize, n: isize| {
                let from = at - before as isize;
                from.max(0)..(from + kernel as isize).min(n)
            };
            span(y, 7)
                .flat_map(|v| span(x, 13).map(move |u| (v * 13 + u) as usize))
                .map(|i| data[i])
                .collect()
        };
        for kernel in [1_usize, 2, 3, 4, 5, 6, 7, 8, 15, 40] {
            let low = morphology_mask(&mask, Morph::Erode, kernel).unwrap();
            let high = morphology_mask(&mask, Morph::Dilate, kernel).unwrap();
            for (i, (low, high)) in low.data().iter().zip(high.data()).enumerate() {
                let (x, y) = ((i % 13) as isize, (i / 13) as isize);
                let least = seen(x, y, kernel, kernel / 2).into_iter().fold(f32::INFINITY, f32::min);
                let most = seen(x, y, kernel, (kernel - 1) / 2).into_iter().fold(0.0, f32::max);
                assert_eq!((*low, *high), (least, most), "{kernel} at {x}, {y}");
            }
        }
        assert!(morphology_mask(&mask, Morph::Open, 0).is_err());
        assert!(morphology_mask(&mask, Morph::Open, usize::MAX).is_err());
    }
}
