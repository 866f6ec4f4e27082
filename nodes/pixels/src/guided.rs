//! The guided filter (He, Sun and Tang 2010): a mask made to follow the colours of its picture.
//!
//! In every window the mask is taken for a straight-line function of the colours, `m = a . I + b`, fitted
//! by least squares with `epsilon` holding `a` back; a sample is the mean of what all windows that hold it
//! say. With `S` the covariance of the colours in the window and `cov` theirs with the mask,
//! `a = (S + epsilon E)^-1 cov` and `b = mean m - a . mean I`. Windows end at the border of the picture.

use kiln_types::{Image, Mask};

use crate::PixelError;
use crate::samples::{clean, cycled, cycled_mask};

/// The largest radius of a window, in pixels.
const MAX_RADIUS: usize = 1024;

/// Gives for every place of `w` x `h` the mean of `sample` over the window around it.
///
/// Sums run along with the window and are kept for one row of windows: memory does not grow with the height,
/// nor time with the radius.
fn window_means<const N: usize>(
    [w, h]: [usize; 2],
    radius: usize,
    sample: impl Fn(usize) -> [f64; N],
    mut give: impl FnMut(usize, [f64; N]),
) {
    let mut columns = vec![[0.0_f64; N]; w];
    let change = |columns: &mut [[f64; N]], y: usize, sign: f64| {
        for (x, column) in columns.iter_mut().enumerate() {
            let values = sample(y * w + x);
            column.iter_mut().zip(values).for_each(|(c, v)| *c += sign * v);
        }
    };
    (0..radius.min(h)).for_each(|y| change(&mut columns, y, 1.0));
    for y in 0..h {
        if y + radius < h {
            change(&mut columns, y + radius, 1.0);
        }
        if y > radius {
            change(&mut columns, y - radius - 1, -1.0);
        }
        let tall = (y + radius + 1).min(h) - y.saturating_sub(radius);
        let mut sums = [0.0_f64; N];
        let slide = |sums: &mut [f64; N], x: usize, sign: f64| {
            sums.iter_mut().zip(columns[x]).for_each(|(s, c)| *s += sign * c);
        };
        (0..radius.min(w)).for_each(|x| slide(&mut sums, x, 1.0));
        for x in 0..w {
            if x + radius < w {
                slide(&mut sums, x + radius, 1.0);
            }
            if x > radius {
                slide(&mut sums, x - radius - 1, -1.0);
            }
            let wide = (x + radius + 1).min(w) - x.saturating_sub(radius);
            let count = (wide * tall) as f64;
            give(y * w + x, sums.map(|s| s / count));
        }
    }
}

/// `a` of the window with these means of red, green, blue, the mask, their products with the mask, and the
/// products rr, rg, rb, gg, gb, bb; and `b`.
fn line(means: [f64; 13], epsilon: f64) -> [f32; 4] {
    let [r, g, b, m, rm, gm, bm, rr, rg, rb, gg, gb, bb] = means;
    let (rr, gg, bb) = (rr - r * r + epsilon, gg - g * g + epsilon, bb - b * b + epsilon);
    let (rg, rb, gb) = (rg - r * g, rb - r * b, gb - g * b);
    let cov = [rm - r * m, gm - g * m, bm - b * m];
    // The inverse of the symmetric matrix, by its cofactors.
    let (c00, c01, c02) = (gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg);
    let (c11, c12, c22) = (rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg);
    let det = rr * c00 + rg * c01 + rb * c02;
    let a = [
        (c00 * cov[0] + c01 * cov[1] + c02 * cov[2]) / det,
        (c01 * cov[0] + c11 * cov[1] + c12 * cov[2]) / det,
        (c02 * cov[0] + c12 * cov[1] + c22 * cov[2]) / det,
    ];
    let rest = m - a[0] * r - a[1] * g - a[2] * b;
    [a[0] as f32, a[1] as f32, a[2] as f32, rest as f32]
}

/// One frame of the filter, not cut to 0..1.
fn filter(
    pixels: &[f32],
    channels: usize,
    mask: &[f32],
    size: [usize; 2],
    radius: usize,
    epsilon: f64,
) -> Vec<f32> {
    let color = |i: usize| {
        let p = &pixels[i * channels..];
        [p[0], p[1], p[2]].map(|v| f64::from(clean(v)))
    };
    let mut lines = vec![[0.0_f32; 4]; mask.len()];
    let products = |i: usize| {
        let ([r, g, b], m) = (color(i), f64::from(clean(mask[i])));
        [r, g, b, m, r * m, g * m, b * m, r * r, r * g, r * b, g * g, g * b, b * b]
    };
    window_means(size, radius, products, |i, means| lines[i] = line(means, epsilon));
    let mut out = vec![0.0_f32; mask.len()];
    window_means(
        size,
        radius,
        |i| lines[i].map(f64::from),
        |i, [ar, ag, ab, rest]| {
            let [r, g, b] = color(i);
            out[i] = (ar * r + ag * g + ab * b + rest) as f32;
        },
    );
    out
}

/// The mask after the guided filter, cut to 0..1: windows of `2 radius + 1` pixels, colours (0..1) that vary
/// by less than about the root of `epsilon` count as flat. The mask has the picture's size; the shorter
/// batch starts again. A radius of 0 changes nothing.
///
/// # Errors
/// When a parameter is out of range or the sizes differ.
pub fn guided_filter(image: &Image, mask: &Mask, radius: usize, epsilon: f64) -> Result<Mask, PixelError> {
    if radius > MAX_RADIUS {
        return Err(PixelError::parameter("radius", "at most 1024"));
    }
    if !(1e-8..=1.0).contains(&epsilon) {
        return Err(PixelError::parameter("epsilon", "within 0.00000001 to 1"));
    }
    let size = [image.width(), image.height()];
    crate::mask::check_size(mask, size)?;
    let mut out = Mask::filled(image.batch().max(mask.batch()), size[1], size[0], 0.0)?;
    for (i, result) in out.data_mut().chunks_exact_mut(mask.frame_len()).enumerate() {
        let given = cycled_mask(mask, i);
        if radius == 0 {
            result.iter_mut().zip(given).for_each(|(r, v)| *r = clean(*v));
            continue;
        }
        let found = filter(cycled(image, i), image.channels(), given, size, radius, epsilon);
        result.iter_mut().zip(&found).for_each(|(r, v)| *r = clean(*v));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sliding_sums_are_the_means_of_windows() {
        let (w, h) = (7, 5);
        let value = |i: usize| [((i * 37) % 11) as f64, i as f64];
        for radius in [0, 1, 2, 3, 6, 7, 40] {
            let mut seen = 0;
            window_means([w, h], radius, value, |i, means| {
                let (x, y) = (i % w, i / w);
                let rows = y.saturating_sub(radius)..(y + radius + 1).min(h);
                let columns = x.saturating_sub(radius)..(x + radius + 1).min(w);
                let all: Vec<[f64; 2]> =
                    rows.flat_map(|v| columns.clone().map(move |u| value(v * w + u))).collect();
                for k in 0..2 {
                    let mean = all.iter().map(|v| v[k]).sum::<f64>() / all.len() as f64;
                    assert!((means[k] - mean).abs() < 1e-9, "{radius} at {i}");
                }
                seen += 1;
            });
            assert_eq!(seen, w * h);
        }
    }

    #[test]
    fn a_mask_that_is_a_function_of_the_colours_stays() {
        let data: Vec<f32> = (0..20 * 16 * 3).map(|i| ((i * 7919) % 256) as f32 / 255.0).collect();
        let image = Image::new(1, 16, 20, 3, data).unwrap();
        let red = crate::mask::from_channel(&image, crate::mask::Channel::Red).unwrap();
        let found = guided_filter(&image, &red, 3, 1e-8).unwrap();
        let worst = found.data().iter().zip(red.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-4, "{worst}");
        assert!(guided_filter(&image, &red, 1025, 1e-4).is_err());
        assert!(guided_filter(&image, &red, 3, 0.0).is_err());
        assert!(guided_filter(&image, &Mask::filled(1, 3, 3, 1.0).unwrap(), 3, 1e-4).is_err());
    }
}
