//! The subject's own colours, without what shines through from the old background.
//!
//! After Germer, Uelwer, Conrad and Harmeling 2020, "Fast Multi-Level Foreground Estimation". At the edge a
//! picture `I` is a mixture, `I = alpha F + (1 - alpha) B`. The foreground `F` and the background `B` are
//! those that mix to the picture and are smooth except where alpha steps: for every pixel and its four
//! neighbours they make
//!
//! `(alpha F + (1 - alpha) B - I)^2 + sum over neighbours j of w_j ((F - F_j)^2 + (B - B_j)^2)`
//!
//! small, `w_j = 0.00001 + |alpha - alpha_j|`. With the neighbours held still that is two linear equations
//! in two unknowns for each channel. They are solved pixel by pixel, in reading order, again and again: first
//! on a picture of one pixel, from there on ever larger ones (each about twice the last), so that colours
//! travel far in few rounds. Outside the picture lies its border.

use kiln_types::{Image, Mask};

use crate::PixelError;
use crate::samples::{clean, cycled, cycled_mask};

/// How much neighbours are alike even where alpha is flat.
const SMOOTH: f32 = 1e-5;
/// Rounds on pictures of at most [`SMALL`] pixels a side, and on larger ones.
const ROUNDS: [usize; 2] = [10, 2];
const SMALL: usize = 32;
/// Pixels more opaque than this have the foreground's colour, the others up to 1 less this the background's:
/// for where to start.
const SURE: f32 = 0.9;

/// Foreground and background of every pixel.
type Pair = [[f32; 3]; 2];

/// A picture and its alpha at some size.
struct Level {
    w: usize,
    h: usize,
    colors: Vec<[f32; 3]>,
    alpha: Vec<f32>,
}

impl Level {
    /// The place in a picture of `w` x `h` that place `i` of this one shows.
    fn place_in(&self, w: usize, h: usize, i: usize) -> usize {
        let at = |v: usize, own: usize, other: usize| v * other / own;
        at(i / self.w, self.h, h) * w + at(i % self.w, self.w, w)
    }

    /// This picture at another size, without mixing pixels.
    fn resized(&self, w: usize, h: usize) -> Self {
        let mut small = Self { w, h, colors: Vec::new(), alpha: Vec::new() };
        let places: Vec<usize> = (0..w * h).map(|i| small.place_in(self.w, self.h, i)).collect();
        small.colors = places.iter().map(|i| self.colors[*i]).collect();
        small.alpha = places.iter().map(|i| self.alpha[*i]).collect();
        small
    }

    /// One round over all pixels.
    fn improve(&self, pairs: &mut [Pair]) {
        let (w, h) = (self.w, self.h);
        for y in 0..h {
            let rows = [y.saturating_sub(1) * w, y * w, (y + 1).min(h - 1) * w];
            for x in 0..w {
                let i = rows[1] + x;
                let near =
                    [rows[0] + x, rows[1] + x.saturating_sub(1), rows[1] + (x + 1).min(w - 1), rows[2] + x];
                let (alpha, color) = (self.alpha[i], self.colors[i]);
                let (mut front, mut back, mut weights) = ([0.0_f32; 3], [0.0_f32; 3], 0.0_f32);
                for k in near {
                    let weight = SMOOTH + (alpha - self.alpha[k]).abs();
                    weights += weight;
                    let [f, b] = pairs[k];
                    for c in 0..3 {
                        front[c] += weight * f[c];
                        back[c] += weight * b[c];
                    }
                }
                let rest = 1.0 - alpha;
                let (ff, fb, bb) = (alpha * alpha + weights, alpha * rest, rest * rest + weights);
                // (a^2 + s)(r^2 + s) - a^2 r^2, without what cancels out.
                let det = weights * (alpha * alpha + rest * rest + weights);
                let pair = &mut pairs[i];
                for c in 0..3 {
                    let (f, b) = (alpha * color[c] + front[c], rest * color[c] + back[c]);
                    pair[0][c] = ((bb * f - fb * b) / det).clamp(0.0, 1.0);
                    pair[1][c] = ((ff * b - fb * f) / det).clamp(0.0, 1.0);
                }
            }
        }
    }

    /// The mean colour of the pixels whose alpha is as asked for; the whole picture's if there are none.
    fn mean(&self, wanted: impl Fn(f32) -> bool) -> [f32; 3] {
        let mean_of = |wanted: &dyn Fn(f32) -> bool| {
            let (mut sum, mut count) = ([0.0_f64; 3], 0.0_f64);
            for (color, _) in self.colors.iter().zip(&self.alpha).filter(|(_, a)| wanted(**a)) {
                sum.iter_mut().zip(color).for_each(|(s, v)| *s += f64::from(*v));
                count += 1.0;
            }
            (count > 0.0).then(|| sum.map(|s| (s / count) as f32))
        };
        mean_of(&wanted).or_else(|| mean_of(&|_| true)).unwrap_or_default()
    }

    /// Foreground and background of every pixel.
    fn solve(&self) -> Vec<Pair> {
        let mut pairs = vec![[self.mean(|a| a > SURE), self.mean(|a| a < 1.0 - SURE)]];
        let (mut w, mut h) = (1, 1);
        let levels = self.w.max(self.h).next_power_of_two().trailing_zeros();
        for level in 0..=levels {
            // From 1 to the whole size in equal ratios.
            let ratio = f64::from(level) / f64::from(levels.max(1));
            let side = |n: usize| (libm::pow(n as f64, ratio).round_ties_even() as usize).clamp(1, n);
            let last = level == levels;
            let (wide, tall) = if last { (self.w, self.h) } else { (side(self.w), side(self.h)) };
            let small = (!last).then(|| self.resized(wide, tall));
            let small = small.as_ref().unwrap_or(self);
            pairs = (0..wide * tall).map(|i| pairs[small.place_in(w, h, i)]).collect();
            (w, h) = (wide, tall);
            for _ in 0..ROUNDS[usize::from(wide > SMALL || tall > SMALL)] {
                small.improve(&mut pairs);
            }
        }
        pairs
    }
}

/// The picture with the estimated colours of its subject and the mask as its alpha: laid on anything, no
/// trace of the old background is left at its edge. Fully opaque pixels keep their colour. The mask has the
/// picture's size; the shorter batch starts again.
///
/// # Errors
/// When the sizes differ.
pub fn foreground(image: &Image, mask: &Mask) -> Result<Image, PixelError> {
    let (w, h, c) = (image.width(), image.height(), image.channels());
    crate::mask::check_size(mask, [w, h])?;
    let mut out = Image::zeros(image.batch().max(mask.batch()), h, w, 4)?;
    for (i, result) in out.data_mut().chunks_exact_mut(w * h * 4).enumerate() {
        let pixels = cycled(image, i);
        let colors = pixels.chunks_exact(c).map(|p| [p[0], p[1], p[2]].map(clean)).collect();
        let alpha = cycled_mask(mask, i).iter().map(|v| clean(*v)).collect();
        let level = Level { w, h, colors, alpha };
        let pairs = level.solve();
        let parts = pairs.iter().zip(&level.alpha).zip(pixels.chunks_exact(c));
        for (target, ((pair, alpha), pixel)) in result.as_chunks_mut::<4>().0.iter_mut().zip(parts) {
            let [r, g, b] = if *alpha >= 1.0 { [pixel[0], pixel[1], pixel[2]] } else { pair[0] };
            *target = [r, g, b, *alpha];
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_colour_before_another_comes_out_pure() {
        let (w, h) = (37, 23);
        let (front, back) = ([0.8, 0.2, 0.1], [0.1, 0.9, 0.2]);
        let alpha: Vec<f32> = (0..w * h).map(|i| ((i % w) as f32 / 10.0 - 1.2).clamp(0.0, 1.0)).collect();
        let mix = |a: f32| [0, 1, 2].map(|c| a * front[c] + (1.0 - a) * back[c]);
        let image = Image::new(1, h, w, 3, alpha.iter().flat_map(|a| mix(*a)).collect()).unwrap();
        let mask = Mask::new(1, h, w, alpha).unwrap();
        let found = foreground(&image, &mask).unwrap();
        for p in found.data().as_chunks::<4>().0.iter().filter(|p| p[3] > 0.0) {
            for c in 0..3 {
                assert!((p[c] - front[c]).abs() < 0.005, "{p:?}");
            }
        }
    }

    #[test]
    fn any_size_and_any_alpha_can_be_asked_for() {
        for (w, h) in [(1, 1), (1, 9), (300, 1), (2, 3), (33, 64)] {
            let image = Image::new(2, h, w, 3, vec![0.3; 2 * w * h * 3]).unwrap();
            for v in [0.0, 0.5, 1.0, f32::NAN] {
                let found = foreground(&image, &Mask::filled(1, h, w, v).unwrap()).unwrap();
                assert!(found.data().iter().all(|v| v.is_finite()), "{w}x{h} {v}");
                assert!(found.data().as_chunks::<4>().0.iter().all(|p| (p[0] - 0.3).abs() < 1e-3));
                assert_eq!(found.batch(), 2);
            }
        }
    }
}
