//! Few colours: pictures brought to a given palette, palettes found in pictures.
//!
//! Colours are compared in CIE Lab, where the distance is about what the eye sees.

use kiln_types::{Color, Image};

use crate::PixelError;
use crate::light::{from_lab, to_lab};
use crate::named::named;
use crate::samples::{like, within};

/// No palette has more colours.
const MAX_COLORS: usize = 256;
/// Rounds of k-means; it hardly ever needs more.
const ROUNDS: usize = 24;
/// Bits of each channel by which colours are gathered before k-means.
const BITS: usize = 5;

named! {
    /// How colours between those of the palette are suggested.
    pub enum Scatter {
        /// Not at all: every pixel takes the nearest colour.
        None = "none",
        /// By a fixed pattern of 8x8 pixels (Bayer).
        Ordered = "ordered",
        /// By handing what is missing on to the neighbours (Floyd-Steinberg).
        FloydSteinberg = "floyd-steinberg",
    }
}

/// A palette made ready for searching.
struct Swatches {
    rgb: Vec<[f32; 3]>,
    lab: Vec<[f32; 3]>,
}

impl Swatches {
    fn new(palette: &[Color]) -> Result<Self, PixelError> {
        if !(1..=MAX_COLORS).contains(&palette.len()) {
            return Err(PixelError::parameter("palette", "1 to 256 colours"));
        }
        let rgb: Vec<[f32; 3]> = palette.iter().map(|c| [c.r, c.g, c.b]).collect();
        if !rgb.iter().flatten().all(|v| within(*v, 0.0, 1.0)) {
            return Err(PixelError::parameter("palette", "colours with parts between 0 and 1"));
        }
        let lab = rgb.iter().map(|c| to_lab(*c)).collect();
        Ok(Self { rgb, lab })
    }

    /// The index of the nearest colour (the first of equals) and the squared distance.
    fn nearest(&self, rgb: [f32; 3]) -> (usize, f32) {
        nearest(&self.lab, to_lab(rgb))
    }
}

fn nearest(list: &[[f32; 3]], lab: [f32; 3]) -> (usize, f32) {
    let mut best = (0, f32::INFINITY);
    for (i, other) in list.iter().enumerate() {
        let d = distance(*other, lab);
        if d < best.1 {
            best = (i, d);
        }
    }
    best
}

fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    let d = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
}

/// Place in the order in which the pixels of an 8x8 field fill up, centred on 0, within -0.5..0.5.
fn bayer(x: usize, y: usize) -> f32 {
    let mut value = 0;
    for bit in 0..3 {
        let (x, y) = ((x >> bit) & 1, (y >> bit) & 1);
        // The finest step decides most.
        value |= ((x ^ y) << 1 | y) << (2 * (2 - bit));
    }
    (value as f32 + 0.5) / 64.0 - 0.5
}

/// Every pixel brought to the nearest colour of `palette`, mixed with the picture by `strength`.
///
/// Alpha stays; the palette's own alpha is not used.
///
/// # Errors
/// When the palette is empty or larger than 256 colours, or `strength` is not within 0..1.
pub fn map_to_palette(
    image: &Image,
    palette: &[Color],
    strength: f32,
    scatter: Scatter,
) -> Result<Image, PixelError> {
    let swatches = Swatches::new(palette)?;
    if !within(strength, 0.0, 1.0) {
        return Err(PixelError::parameter("strength", "between 0 and 1"));
    }
    let (width, channels) = (image.width(), image.channels());
    // The pattern reaches about as far as the palette's colours lie apart.
    let spread = 1.0 / libm::cbrtf(palette.len() as f32);
    let mut data = image.data().to_vec();
    for frame in data.chunks_exact_mut(image.frame_len()) {
        // What the pixels of this row and the next still have to make up for.
        let mut debt = vec![[0.0_f32; 3]; width + 2];
        let mut debt_below = vec![[0.0_f32; 3]; width + 2];
        for (y, row) in frame.chunks_exact_mut(width * channels).enumerate() {
            for (x, pixel) in row.chunks_exact_mut(channels).enumerate() {
                let own =
                    [pixel[0], pixel[1], pixel[2]].map(|v| if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) });
                let wanted = match scatter {
                    Scatter::None => own,
                    Scatter::Ordered => own.map(|v| (v + bayer(x % 8, y % 8) * spread).clamp(0.0, 1.0)),
                    Scatter::FloydSteinberg => [0, 1, 2].map(|c| (own[c] + debt[x + 1][c]).clamp(0.0, 1.0)),
                };
                let color = swatches.rgb[swatches.nearest(wanted).0];
                if scatter == Scatter::FloydSteinberg {
                    for c in 0..3 {
                        let missing = (wanted[c] - color[c]) / 16.0;
                        debt[x + 2][c] += missing * 7.0;
                        debt_below[x][c] += missing * 3.0;
                        debt_below[x + 1][c] += missing * 5.0;
                        debt_below[x + 2][c] += missing;
                    }
                }
                for c in 0..3 {
                    pixel[c] = own[c] * (1.0 - strength) + color[c] * strength;
                }
            }
            std::mem::swap(&mut debt, &mut debt_below);
            debt_below.fill([0.0; 3]);
        }
    }
    like(image, data)
}

/// A colour found in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The colour.
    pub color: Color,
    /// How much of the picture it stands for, 0..1.
    pub share: f32,
}

/// The at most `count` colours that stand best for picture `index` of the batch, the largest share first.
///
/// Colours are gathered in 32 steps per channel, then k-means in Lab moves the centres; it starts from the
/// commonest colour and goes on with the one that adds most (share times squared distance), so the
/// same picture always gives the same palette. Pixels less than half opaque do not count; a picture
/// without others has no palette.
///
/// # Errors
/// When `count` is not within 1..256 or there is no such picture.
pub fn extract_palette(image: &Image, index: usize, count: usize) -> Result<Vec<Found>, PixelError> {
    if !(1..=MAX_COLORS).contains(&count) {
        return Err(PixelError::parameter("count", "between 1 and 256"));
    }
    let (bins, weights) = gather(&opaque(image, index)?);
    if bins.is_empty() {
        return Ok(Vec::new());
    }
    let mut centers = start(&bins, &weights, count);
    let mut of = vec![0; bins.len()];
    for _ in 0..ROUNDS {
        let mut changed = false;
        for (bin, of) in bins.iter().zip(&mut of) {
            let best = nearest(&centers, *bin).0;
            changed |= best != *of;
            *of = best;
        }
        let mut sums = vec![[0.0_f64; 4]; centers.len()];
        for ((bin, weight), of) in bins.iter().zip(&weights).zip(&of) {
            for c in 0..3 {
                sums[*of][c] += f64::from(bin[c]) * weight;
            }
            sums[*of][3] += weight;
        }
        for (center, sum) in centers.iter_mut().zip(&sums) {
            if sum[3] > 0.0 {
                *center = [0, 1, 2].map(|c| (sum[c] / sum[3]) as f32);
            }
        }
        if !changed {
            break;
        }
    }
    let mut shares = vec![0.0_f64; centers.len()];
    for (weight, of) in weights.iter().zip(&of) {
        shares[*of] += weight;
    }
    let total: f64 = weights.iter().sum();
    let mut found: Vec<Found> = centers
        .iter()
        .zip(&shares)
        .filter(|(_, share)| **share > 0.0)
        .map(|(center, share)| {
            let [r, g, b] = from_lab(*center).map(|v| v.clamp(0.0, 1.0));
            Found { color: Color { r, g, b, a: 1.0 }, share: (share / total) as f32 }
        })
        .collect();
    found.sort_by(|a, b| b.share.total_cmp(&a.share));
    Ok(found)
}

/// The colours of a picture that are at least half opaque.
fn opaque(image: &Image, index: usize) -> Result<Vec<[f32; 3]>, PixelError> {
    if index >= image.batch() {
        return Err(PixelError::parameter("index", "a picture of the batch"));
    }
    let pixels = image.frame(index).chunks_exact(image.channels());
    Ok(pixels
        .filter(|p| p.get(3).is_none_or(|a| *a >= 0.5))
        .map(|p| [p[0], p[1], p[2]].map(|v| if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) }))
        .collect())
}

/// Means of the colours that share a cell, in Lab, and how many they are.
fn gather(colors: &[[f32; 3]]) -> (Vec<[f32; 3]>, Vec<f64>) {
    let steps = 1_usize << BITS;
    let mut cells = vec![[0.0_f64; 4]; steps * steps * steps];
    for color in colors {
        let at = color.map(|v| ((v * steps as f32) as usize).min(steps - 1));
        let cell = &mut cells[(at[0] * steps + at[1]) * steps + at[2]];
        for c in 0..3 {
            cell[c] += f64::from(color[c]);
        }
        cell[3] += 1.0;
    }
    cells
        .iter()
        .filter(|cell| cell[3] > 0.0)
        .map(|cell| (to_lab([0, 1, 2].map(|c| (cell[c] / cell[3]) as f32)), cell[3]))
        .unzip()
}

fn start(bins: &[[f32; 3]], weights: &[f64], count: usize) -> Vec<[f32; 3]> {
    let mut gain: Vec<f64> = weights.to_vec();
    let mut distances = vec![f32::INFINITY; bins.len()];
    let mut centers = Vec::new();
    while centers.len() < count {
        let best = gain.iter().enumerate().fold((0, 0.0), |b, (i, g)| if *g > b.1 { (i, *g) } else { b });
        if best.1 <= 0.0 {
            break;
        }
        let center = bins[best.0];
        centers.push(center);
        for (i, bin) in bins.iter().enumerate() {
            distances[i] = distances[i].min(distance(*bin, center));
            gain[i] = weights[i] * f64::from(distances[i]);
        }
    }
    centers
}

/// How well a palette describes a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage {
    /// The share of pixels within the tolerance of some colour of the palette, 0..1.
    pub covered: f32,
    /// For each colour of the palette, the share of pixels that are nearest to it and within the tolerance.
    pub shares: Vec<f32>,
    /// The mean distance (Lab, CIE 1976) of the pixels to their nearest colour.
    pub mean_distance: f32,
}

/// How much of picture `index` lies within `tolerance` (Lab distance; 2.3 is just visible) of `palette`.
///
/// Pixels less than half opaque do not count; a picture without others is not covered at all.
///
/// # Errors
/// When the palette is empty or too large, `tolerance` is not within 0..200, or there is no such picture.
pub fn palette_coverage(
    image: &Image,
    index: usize,
    palette: &[Color],
    tolerance: f32,
) -> Result<Coverage, PixelError> {
    let swatches = Swatches::new(palette)?;
    if !within(tolerance, 0.0, 200.0) {
        return Err(PixelError::parameter("tolerance", "between 0 and 200"));
    }
    let colors = opaque(image, index)?;
    let total = colors.len().max(1) as f64;
    let mut counts = vec![0_usize; palette.len()];
    let mut sum = 0.0_f64;
    for color in &colors {
        let (best, d) = swatches.nearest(*color);
        let d = d.sqrt();
        sum += f64::from(d);
        counts[best] += usize::from(d <= tolerance);
    }
    let share = |n: usize| (n as f64 / total) as f32;
    Ok(Coverage {
        covered: share(counts.iter().sum()),
        shares: counts.iter().map(|n| share(*n)).collect(),
        mean_distance: (sum / total) as f32,
    })
}
