//! Resizing pictures and masks to any size.
//!
//! Pixel centres lie at half-integers and the sides are mapped onto each other. All methods but
//! [`Method::Lanczos`] work on the f32 samples and do not widen their kernel when shrinking.

use kiln_types::{Image, Mask};

use crate::alpha::{premultiply, unpremultiply};
use crate::named::named;
use crate::samples::round_size;
use crate::{PixelError, lanczos};

named! {
    /// How a picture is resampled.
    pub enum Method {
        /// The pixel whose area holds the new pixel's centre.
        NearestExact = "nearest-exact",
        /// Between the two nearest pixels on each axis.
        Bilinear = "bilinear",
        /// The mean of all pixels that the new pixel touches.
        Area = "area",
        /// A cubic through the four nearest pixels on each axis (a = -0.75); may leave 0..1.
        Bicubic = "bicubic",
        /// Windowed sinc of three lobes, widened when shrinking, on 8-bit samples; a 4-channel picture
        /// is weighted by its alpha.
        Lanczos = "lanczos",
    }
}

named! {
    /// What happens to a picture whose shape is not that of the size asked for.
    pub enum Crop {
        /// It is stretched.
        Disabled = "disabled",
        /// Its middle, as large as possible in the new shape, is used.
        Center = "center",
    }
}

/// One axis of a resample: for each new place, the old places it is made of, and their weights.
struct Taps {
    /// `bounds[i]..bounds[i + 1]` are the taps of place `i`.
    bounds: Vec<usize>,
    index: Vec<usize>,
    weight: Vec<f32>,
}

impl Taps {
    fn new(from: usize, to: usize, method: Method) -> Self {
        let mut taps = Self { bounds: Vec::with_capacity(to + 1), index: Vec::new(), weight: Vec::new() };
        taps.bounds.push(0);
        let scale = from as f32 / to as f32;
        let last = from - 1;
        for o in 0..to {
            let center = scale * (o as f32 + 0.5);
            match method {
                Method::NearestExact => taps.push((center as usize).min(last), 1.0),
                Method::Bilinear | Method::Lanczos => {
                    let at = (center - 0.5).max(0.0);
                    let low = (at as usize).min(last);
                    let high = (low + 1).min(last);
                    let t = (at - low as f32).clamp(0.0, 1.0);
                    taps.push(low, 1.0 - t);
                    taps.push(high, t);
                }
                Method::Area => {
                    // Whole-number arithmetic: the borders are exact at any size.
                    let start = (o as u64 * from as u64 / to as u64) as usize;
                    let end = ((o as u64 + 1) * from as u64).div_ceil(to as u64) as usize;
                    (start..end.min(from)).for_each(|i| taps.push(i, 1.0));
                }
                Method::Bicubic => {
                    let at = center - 0.5;
                    let low = at.floor();
                    for (k, w) in cubic(at - low).into_iter().enumerate() {
                        let i = low as isize + k as isize - 1;
                        taps.push(i.clamp(0, last as isize) as usize, w);
                    }
                }
            }
            taps.bounds.push(taps.index.len());
        }
        taps
    }

    fn push(&mut self, index: usize, weight: f32) {
        self.index.push(index);
        self.weight.push(weight);
    }

    fn of(&self, place: usize) -> (&[usize], &[f32]) {
        let range = self.bounds[place]..self.bounds[place + 1];
        (&self.index[range.clone()], &self.weight[range])
    }
}

/// Weights of four neighbours for a place `t` past the second one.
fn cubic(t: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f32| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    [far(t + 1.0), near(t), near(1.0 - t), far((1.0 - t) + 1.0)]
}

/// Rows kept resampled across: no method mixes more of them at once.
const KEPT: usize = 4;

/// Bilinear and bicubic: rows are resampled across, each once, and then mixed.
fn mixed_frames<const C: usize>(
    data: &[f32],
    from: [usize; 2],
    to: [usize; 2],
    method: Method,
    out: &mut [f32],
) {
    let [from_w, from_h] = from;
    let [to_w, to_h] = to;
    let columns = Taps::new(from_w, to_w, method);
    let rows = Taps::new(from_h, to_h, method);
    let (stride, wide) = (from_w * C, to_w * C);
    let mut kept = vec![0.0_f32; KEPT * wide];
    for (frame, result) in data.chunks_exact(from_h * stride).zip(out.chunks_exact_mut(to_h * wide)) {
        // The row that each slot holds; rows of one window are neighbours, so their slots differ.
        let mut held = [usize::MAX; KEPT];
        for (y, target) in result.chunks_exact_mut(wide).enumerate() {
            let (index, weight) = rows.of(y);
            for &i in index {
                if held[i % KEPT] != i {
                    held[i % KEPT] = i;
                    let slot = &mut kept[i % KEPT * wide..][..wide];
                    across::<C>(&frame[i * stride..(i + 1) * stride], &columns, slot);
                }
            }
            for (k, (&i, &w)) in index.iter().zip(weight).enumerate() {
                let row = &kept[i % KEPT * wide..][..wide];
                if k == 0 {
                    target.iter_mut().zip(row).for_each(|(t, v)| *t = v * w);
                } else {
                    target.iter_mut().zip(row).for_each(|(t, v)| *t += v * w);
                }
            }
        }
    }
}

fn across<const C: usize>(row: &[f32], columns: &Taps, out: &mut [f32]) {
    let row = row.as_chunks::<C>().0;
    for (x, pixel) in out.as_chunks_mut::<C>().0.iter_mut().enumerate() {
        let (at, weights) = columns.of(x);
        let mut sum = [0.0_f32; C];
        for (&i, &w) in at.iter().zip(weights) {
            for (s, v) in sum.iter_mut().zip(&row[i]) {
                *s += v * w;
            }
        }
        *pixel = sum;
    }
}

/// The mean of whole pixels, summed row by row.
fn area_frames<const C: usize>(data: &[f32], from: [usize; 2], to: [usize; 2], out: &mut [f32]) {
    let [from_w, from_h] = from;
    let [to_w, to_h] = to;
    let columns = Taps::new(from_w, to_w, Method::Area);
    let rows = Taps::new(from_h, to_h, Method::Area);
    let stride = from_w * C;
    for (frame, result) in data.chunks_exact(from_h * stride).zip(out.chunks_exact_mut(to_h * to_w * C)) {
        for (y, target) in result.chunks_exact_mut(to_w * C).enumerate() {
            let (down, _) = rows.of(y);
            for (x, pixel) in target.as_chunks_mut::<C>().0.iter_mut().enumerate() {
                let (along, _) = columns.of(x);
                let mut sum = [0.0_f32; C];
                for &v in down {
                    let first = v * stride + along[0] * C;
                    for values in frame[first..first + along.len() * C].as_chunks::<C>().0 {
                        sum.iter_mut().zip(values).for_each(|(s, v)| *s += v);
                    }
                }
                *pixel = sum.map(|s| s / down.len() as f32 / along.len() as f32);
            }
        }
    }
}

/// Nearest needs no arithmetic, so that samples pass untouched, whatever they are.
fn nearest_frames<const C: usize>(data: &[f32], from: [usize; 2], to: [usize; 2], out: &mut [f32]) {
    let [from_w, from_h] = from;
    let [to_w, to_h] = to;
    let columns = Taps::new(from_w, to_w, Method::NearestExact).index;
    let rows = Taps::new(from_h, to_h, Method::NearestExact).index;
    let stride = from_w * C;
    for (frame, result) in data.chunks_exact(from_h * stride).zip(out.chunks_exact_mut(to_h * to_w * C)) {
        for (target, &y) in result.chunks_exact_mut(to_w * C).zip(&rows) {
            let row = &frame[y * stride..(y + 1) * stride];
            for (pixel, &x) in target.as_chunks_mut::<C>().0.iter_mut().zip(&columns) {
                pixel.copy_from_slice(&row[x * C..(x + 1) * C]);
            }
        }
    }
}

fn frames<const C: usize>(
    data: &[f32],
    from: [usize; 2],
    to: [usize; 2],
    method: Method,
    out: &mut [f32],
) -> Result<(), PixelError> {
    match method {
        Method::Lanczos => lanczos::frames::<C>(data, from, to, out),
        Method::NearestExact => {
            nearest_frames::<C>(data, from, to, out);
            Ok(())
        }
        Method::Area => {
            area_frames::<C>(data, from, to, out);
            Ok(())
        }
        Method::Bilinear | Method::Bicubic => {
            mixed_frames::<C>(data, from, to, method, out);
            Ok(())
        }
    }
}

/// The picture at `width` x `height`. Alpha, where there is one, is resampled like the colours.
///
/// # Errors
/// When the size is empty or too large.
pub fn resize(image: &Image, width: usize, height: usize, method: Method) -> Result<Image, PixelError> {
    let mut out = Image::zeros(image.batch(), height, width, image.channels())?;
    let (from, to) = ([image.width(), image.height()], [width, height]);
    if image.has_alpha() {
        frames::<4>(image.data(), from, to, method, out.data_mut())?;
    } else {
        frames::<3>(image.data(), from, to, method, out.data_mut())?;
    }
    Ok(out)
}

/// The mask at `width` x `height`.
///
/// # Errors
/// When the size is empty or too large.
pub fn resize_mask(mask: &Mask, width: usize, height: usize, method: Method) -> Result<Mask, PixelError> {
    let mut out = Mask::filled(mask.batch(), height, width, 0.0)?;
    frames::<1>(mask.data(), [mask.width(), mask.height()], [width, height], method, out.data_mut())?;
    Ok(out)
}

/// [`resize`] with the colours weighted by alpha, so that what transparent pixels hide does not bleed
/// into the border. The same as [`resize`] for a picture without alpha.
///
/// # Errors
/// When the size is empty or too large.
pub fn resize_premultiplied(
    image: &Image,
    width: usize,
    height: usize,
    method: Method,
) -> Result<Image, PixelError> {
    if !image.has_alpha() || matches!(method, Method::Lanczos | Method::NearestExact) {
        return resize(image, width, height, method);
    }
    let mut out = resize(&premultiply(image)?, width, height, method)?;
    unpremultiply(&mut out);
    Ok(out)
}

/// Left, top, width and height of the middle of a picture that [`Crop::Center`] keeps.
fn middle(from: [usize; 2], to: [usize; 2]) -> [usize; 4] {
    let [w, h] = from.map(|v| v as f64);
    let (old, new) = (w / h, to[0] as f64 / to[1] as f64);
    let (mut x, mut y) = (0, 0);
    if old > new {
        x = round_size((w - w * (new / old)) / 2.0);
    } else if old < new {
        y = round_size((h - h * (old / new)) / 2.0);
    }
    // At least one pixel stays, however extreme the shapes are.
    x = x.min((from[0] - 1) / 2);
    y = y.min((from[1] - 1) / 2);
    [x, y, from[0] - 2 * x, from[1] - 2 * y]
}

/// The picture at `width` x `height`, its shape changed as `crop` says.
///
/// # Errors
/// When the size is empty or too large.
pub fn fit(
    image: &Image,
    width: usize,
    height: usize,
    method: Method,
    crop: Crop,
) -> Result<Image, PixelError> {
    if crop == Crop::Disabled || width == 0 || height == 0 {
        return resize(image, width, height, method);
    }
    let [x, y, w, h] = middle([image.width(), image.height()], [width, height]);
    resize(&crate::geometry::crop(image, x, y, w, h)?, width, height, method)
}

/// The mask at `width` x `height`, its shape changed as `crop` says.
///
/// # Errors
/// When the size is empty or too large.
pub fn fit_mask(
    mask: &Mask,
    width: usize,
    height: usize,
    method: Method,
    crop: Crop,
) -> Result<Mask, PixelError> {
    if crop == Crop::Disabled || width == 0 || height == 0 {
        return resize_mask(mask, width, height, method);
    }
    let [x, y, w, h] = middle([mask.width(), mask.height()], [width, height]);
    resize_mask(&crate::mask::crop(mask, x, y, w, h)?, width, height, method)
}
