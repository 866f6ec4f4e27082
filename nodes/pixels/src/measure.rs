//! Numbers that say something about a picture's quality.
//!
//! Luma means 8-bit luma, `(19595 R + 38470 G + 7471 B + 32768) >> 16` of the samples as bytes, rounded to
//! nearest, as Pillow's mode "L". Sums are exact or in one fixed order. Alpha is not looked at except by
//! [`subject`].

use kiln_types::{Image, Mask};

use crate::PixelError;
use crate::samples::reflect;

/// A gradient this strong (of at most 1443, by the Sobel kernels on bytes) counts as an edge.
const EDGE: i64 = 100;
/// Luma from here up is clipped highlight.
const BRIGHT: u8 = 253;
/// Luma up to here is clipped shadow.
const DARK: u8 = 2;

/// What [`measure`] finds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// The mean luma, 0..1.
    pub brightness: f64,
    /// The standard deviation of luma (RMS contrast), 0..0.5.
    pub contrast: f64,
    /// Hasler and Süsstrunk 2003: with `rg = R - G` and `yb = (R + G) / 2 - B` on bytes,
    /// `sqrt(var rg + var yb) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2)`. 15 slightly, 45 quite, 82 highly colourful.
    pub colourfulness: f64,
    /// The variance of luma's Laplacian (the four neighbours minus four times the pixel, border mirrored
    /// without repeating it), as OpenCV's `Laplacian(...).var()`. Below about 100 a photo looks soft.
    pub sharpness: f64,
    /// Shannon entropy of the luma histogram, in bits, 0..8.
    pub entropy: f64,
    /// Immerkaer 1996: `sqrt(pi / 2) / (6 (w - 2) (h - 2))` times the sum of the absolute values of luma under
    /// `[1 -2 1; -2 4 -2; 1 -2 1]`: the deviation of white noise, in bytes. 0 for pictures below 3x3.
    pub noise: f64,
    /// The share of pixels whose Sobel gradient `sqrt(gx^2 + gy^2)` of luma is above 100.
    pub edges: f64,
    /// The share of pixels with luma of 253 or more.
    pub highlights: f64,
    /// The share of pixels with luma of 2 or less.
    pub shadows: f64,
    /// How visible the seam is between pictures side by side, and between pictures one above the other. The step
    /// between two pixels is the root of the mean of their squared differences over red, green and blue
    /// in bytes. For side by side, the steps from each column to the next are averaged along the column, those
    /// from the last to the first likewise; this is one plus the latter, divided by one plus the step
    /// that 95 percent of the others do not exceed (nearest rank). 1 or less cannot be seen; 2 can. 1 for a
    /// single column.
    pub seams: [f64; 2],
}

/// The nearest byte.
pub(crate) fn nearest_byte(v: f32) -> u8 {
    // `as` saturates and maps a NaN to 0.
    (v * 255.0 + 0.5) as u8
}

/// A picture's luma, in bytes.
pub(crate) fn luma_bytes(frame: &[f32], channels: usize) -> Vec<u8> {
    let luma = |p: &[f32]| {
        let [r, g, b] = [p[0], p[1], p[2]].map(|v| u32::from(nearest_byte(v)));
        ((19595 * r + 38470 * g + 7471 * b + 32768) >> 16) as u8
    };
    frame.chunks_exact(channels).map(luma).collect()
}

fn frame(image: &Image, index: usize) -> Result<&[f32], PixelError> {
    if index < image.batch() {
        return Ok(image.frame(index));
    }
    Err(PixelError::parameter("index", "a picture of the batch"))
}

/// The numbers for picture `index` of the batch.
///
/// # Errors
/// When there is no such picture.
pub fn measure(image: &Image, index: usize) -> Result<Quality, PixelError> {
    let frame = frame(image, index)?;
    let luma = luma_bytes(frame, image.channels());
    let (width, height) = (image.width(), image.height());
    let mut histogram = [0_u64; 256];
    for v in &luma {
        histogram[usize::from(*v)] += 1;
    }
    let count = luma.len() as f64;
    let moment = |power: u32| {
        let sum: u64 = histogram.iter().zip(0_u64..).map(|(n, v)| n * v.pow(power)).sum();
        sum as f64 / count
    };
    let mean = moment(1);
    let share = |range: std::ops::RangeInclusive<u8>| {
        range.map(|v| histogram[usize::from(v)]).sum::<u64>() as f64 / count
    };
    let entropy = histogram.iter().filter(|n| **n > 0).fold(0.0, |sum, n| {
        let p = *n as f64 / count;
        sum - p * libm::log2(p)
    });
    let (sharpness, edges) = structure(&luma, width, height);
    Ok(Quality {
        brightness: mean / 255.0,
        contrast: (moment(2) - mean * mean).max(0.0).sqrt() / 255.0,
        colourfulness: colourfulness(frame, image.channels()),
        sharpness,
        entropy,
        noise: noise(&luma, width, height),
        edges,
        highlights: share(BRIGHT..=255),
        shadows: share(0..=DARK),
        seams: seams(frame, [width, height, image.channels()]),
    })
}

/// The step across the wrap against those inside, along rows and down columns.
fn seams(frame: &[f32], [width, height, channels]: [usize; 3]) -> [f64; 2] {
    let bytes: Vec<[i32; 3]> = frame
        .chunks_exact(channels)
        .map(|p| [p[0], p[1], p[2]].map(|v| i32::from(nearest_byte(v))))
        .collect();
    let step = |a: usize, b: usize| {
        let sum: i32 = bytes[a].iter().zip(&bytes[b]).map(|(a, b)| (a - b) * (a - b)).sum();
        (f64::from(sum) / 3.0).sqrt()
    };
    // Sums of the steps from each column, or row, to the next; from the last one to the first.
    let (mut across, mut down) = (vec![0.0_f64; width], vec![0.0_f64; height]);
    for (y, down) in down.iter_mut().enumerate() {
        let (row, next) = (y * width, (y + 1) % height * width);
        for (x, across) in across.iter_mut().enumerate() {
            *across += step(row + x, row + (x + 1) % width);
            *down += step(row + x, next + x);
        }
    }
    let ratio = |mut steps: Vec<f64>, count: usize| {
        steps.iter_mut().for_each(|s| *s /= count as f64);
        let wrap = steps.pop().unwrap_or(0.0);
        steps.sort_by(f64::total_cmp);
        let usual = steps.get((steps.len() * 95).div_ceil(100).saturating_sub(1)).copied().unwrap_or(wrap);
        (1.0 + wrap) / (1.0 + usual)
    };
    [ratio(across, height), ratio(down, width)]
}

/// The Laplacian's variance and the share of edges.
fn structure(luma: &[u8], width: usize, height: usize) -> (f64, f64) {
    let (mut sum, mut squares, mut edges) = (0_i64, 0_i64, 0_u64);
    let near = |i: usize, n: usize| [reflect(i as isize - 1, n), reflect(i as isize + 1, n)];
    for y in 0..height {
        let [up, down] = near(y, height);
        let row = |y: usize| &luma[y * width..(y + 1) * width];
        let (above, here, below) = (row(up), row(y), row(down));
        for x in 0..width {
            let [left, right] = near(x, width);
            let at = |row: &[u8], x: usize| i64::from(row[x]);
            let laplace = at(above, x) + at(below, x) + at(here, left) + at(here, right) - 4 * at(here, x);
            sum += laplace;
            squares += laplace * laplace;
            let column = |x: usize| at(above, x) + 2 * at(here, x) + at(below, x);
            let line = |row: &[u8]| at(row, left) + 2 * at(row, x) + at(row, right);
            let (gx, gy) = (column(right) - column(left), line(below) - line(above));
            edges += u64::from(gx * gx + gy * gy > EDGE * EDGE);
        }
    }
    let count = luma.len() as f64;
    let mean = sum as f64 / count;
    ((squares as f64 / count - mean * mean).max(0.0), edges as f64 / count)
}

fn noise(luma: &[u8], width: usize, height: usize) -> f64 {
    if width < 3 || height < 3 {
        return 0.0;
    }
    let mut sum = 0_u64;
    for y in 1..height - 1 {
        let row = |y: usize| &luma[y * width..(y + 1) * width];
        let second =
            |row: &[u8], x: usize| i32::from(row[x - 1]) - 2 * i32::from(row[x]) + i32::from(row[x + 1]);
        let (above, here, below) = (row(y - 1), row(y), row(y + 1));
        for x in 1..width - 1 {
            sum += u64::from((second(above, x) - 2 * second(here, x) + second(below, x)).unsigned_abs());
        }
    }
    let inner = (width - 2) as f64 * (height - 2) as f64;
    std::f64::consts::FRAC_PI_2.sqrt() * sum as f64 / (6.0 * inner)
}

fn colourfulness(frame: &[f32], channels: usize) -> f64 {
    // `yb` is kept doubled, so that all sums are whole numbers.
    let (mut rg, mut yb, mut rg2, mut yb2) = (0_i64, 0_i64, 0_i64, 0_i64);
    let mut count = 0.0;
    for p in frame.chunks_exact(channels) {
        let [r, g, b] = [p[0], p[1], p[2]].map(|v| i64::from(nearest_byte(v)));
        let (a, d) = (r - g, r + g - 2 * b);
        rg += a;
        yb += d;
        rg2 += a * a;
        yb2 += d * d;
        count += 1.0;
    }
    let (rg, yb) = (rg as f64 / count, yb as f64 / count / 2.0);
    let (rg2, yb2) = (rg2 as f64 / count, yb2 as f64 / count / 4.0);
    let variance = (rg2 - rg * rg + yb2 - yb * yb).max(0.0);
    variance.sqrt() + 0.3 * (rg * rg + yb * yb).sqrt()
}

/// Where the subject stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Subject {
    /// The mean of the mask: the share of the picture that it takes.
    pub area: f64,
    /// The distance of its centre of gravity from the picture's middle, as a share of half the diagonal: 0 in
    /// the middle, 1 in a corner; 0 when there is no subject.
    pub off_center: f64,
    /// The centre of gravity, 0..1 of width and height.
    pub center: [f64; 2],
    /// The smallest box around all samples of at least one half: left, top, right, bottom, in pixels, the last
    /// two one beyond; `None` when there are none.
    pub bounds: Option<[usize; 4]>,
    /// Whether the box touches the left, the top, the right, the bottom of the picture.
    pub touches: [bool; 4],
    /// The share of the picture's outermost pixels with samples of at least one half: how much of the subject is
    /// cut off. 0 when it stands free.
    pub border: f64,
}

/// The subject in mask `index` of the batch, 1 = subject.
///
/// # Errors
/// When there is no such mask.
pub fn subject(mask: &Mask, index: usize) -> Result<Subject, PixelError> {
    if index >= mask.batch() {
        return Err(PixelError::parameter("index", "a mask of the batch"));
    }
    Ok(subject_in(mask.frame(index).iter().copied(), mask.width(), mask.height()))
}

/// The subject in picture `index` of the batch: what its alpha shows. Without alpha it is the whole picture.
///
/// # Errors
/// When there is no such picture.
pub fn subject_of_alpha(image: &Image, index: usize) -> Result<Subject, PixelError> {
    let pixels = frame(image, index)?.chunks_exact(image.channels());
    let alpha = pixels.map(|p| p.get(3).copied().unwrap_or(1.0));
    Ok(subject_in(alpha, image.width(), image.height()))
}

fn subject_in(samples: impl Iterator<Item = f32>, width: usize, height: usize) -> Subject {
    let (mut total, mut sum_x, mut sum_y) = (0.0_f64, 0.0_f64, 0.0_f64);
    let (mut on_border, mut of_border) = (0_u64, 0_u64);
    let mut bounds: Option<[usize; 4]> = None;
    for (i, v) in samples.enumerate() {
        let v = f64::from(if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) });
        let (x, y) = (i % width, i / width);
        total += v;
        sum_x += v * (x as f64 + 0.5);
        sum_y += v * (y as f64 + 0.5);
        if v >= 0.5 {
            let [l, t, r, b] = bounds.unwrap_or([x, y, x + 1, y + 1]);
            bounds = Some([l.min(x), t.min(y), r.max(x + 1), b.max(y + 1)]);
        }
        if x == 0 || y == 0 || x + 1 == width || y + 1 == height {
            of_border += 1;
            on_border += u64::from(v >= 0.5);
        }
    }
    let (w, h) = (width as f64, height as f64);
    let center = if total > 0.0 { [sum_x / total / w, sum_y / total / h] } else { [0.5, 0.5] };
    let (dx, dy) = ((center[0] - 0.5) * w, (center[1] - 0.5) * h);
    Subject {
        area: total / (w * h),
        off_center: (dx * dx + dy * dy).sqrt() / ((w * w + h * h).sqrt() * 0.5),
        center,
        bounds,
        border: on_border as f64 / of_border.max(1) as f64,
        touches: bounds.map_or([false; 4], |[l, t, r, b]| [l == 0, t == 0, r == width, b == height]),
    }
}
