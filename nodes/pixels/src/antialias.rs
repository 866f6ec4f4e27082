//! Resizing with a kernel that widens when shrinking, on f32 samples: no detail is skipped, nothing is
//! rounded. Colours are weighted by alpha.

use kiln_types::{Image, Mask};

use crate::PixelError;
use crate::alpha::{premultiply, unpremultiply};
use crate::named::named;

named! {
    /// The kernel of a resample.
    pub enum Filter {
        /// The mean of what is covered.
        Box = "box",
        /// A tent: between the two nearest pixels when enlarging.
        Triangle = "triangle",
        /// A cubic (a = -0.5), a little crisper than the picture.
        CatmullRom = "catmull-rom",
        /// A cubic (B = C = 1/3), a little softer.
        Mitchell = "mitchell",
        /// A windowed sinc of three lobes.
        Lanczos = "lanczos",
    }
}

impl Filter {
    /// How far the kernel reaches, in pixels of the smaller picture.
    fn support(self) -> f64 {
        match self {
            Self::Box => 0.5,
            Self::Triangle => 1.0,
            Self::CatmullRom | Self::Mitchell => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        let far = x.abs();
        match self {
            // Half open, so that a pixel on the border between two counts once.
            Self::Box => f64::from(u8::from(x > -0.5 && x <= 0.5)),
            Self::Triangle => (1.0 - far).max(0.0),
            Self::CatmullRom => cubic(far, 0.0, 0.5),
            Self::Mitchell => cubic(far, 1.0 / 3.0, 1.0 / 3.0),
            Self::Lanczos => crate::lanczos::kernel(x),
        }
    }
}

/// The cubic of Mitchell and Netravali at a distance of `x`.
fn cubic(x: f64, b: f64, c: f64) -> f64 {
    let sum = if x < 1.0 {
        ((12.0 - 9.0 * b - 6.0 * c) * x - 18.0 + 12.0 * b + 6.0 * c) * x * x + 6.0 - 2.0 * b
    } else if x < 2.0 {
        (((-b - 6.0 * c) * x + 6.0 * b + 30.0 * c) * x - 12.0 * b - 48.0 * c) * x + 8.0 * b + 24.0 * c
    } else {
        0.0
    };
    sum / 6.0
}

/// One axis: for each new place its first old place and the weights from there, which sum to 1.
struct Taps {
    first: Vec<usize>,
    bounds: Vec<usize>,
    weight: Vec<f32>,
}

impl Taps {
    fn new(from: usize, to: usize, filter: Filter) -> Self {
        let scale = from as f64 / to as f64;
        let stretch = scale.max(1.0);
        let reach = filter.support() * stretch;
        let mut taps = Self { first: Vec::with_capacity(to), bounds: vec![0], weight: Vec::new() };
        let mut weights = Vec::new();
        for o in 0..to {
            let center = (o as f64 + 0.5) * scale;
            // `as` cuts a negative number to 0.
            let start = (center - reach + 0.5) as usize;
            let end = ((center + reach + 0.5) as usize).min(from);
            weights.clear();
            weights.extend((start..end).map(|i| filter.weight((i as f64 - center + 0.5) / stretch)));
            let sum: f64 = weights.iter().sum();
            taps.first.push(start);
            taps.weight.extend(weights.iter().map(|w| if sum == 0.0 { *w } else { w / sum } as f32));
            taps.bounds.push(taps.weight.len());
        }
        taps
    }

    fn of(&self, place: usize) -> (usize, &[f32]) {
        (self.first[place], &self.weight[self.bounds[place]..self.bounds[place + 1]])
    }
}

fn frames<const C: usize>(data: &[f32], from: [usize; 2], to: [usize; 2], filter: Filter, out: &mut [f32]) {
    let [from_w, from_h] = from;
    let [to_w, to_h] = to;
    let columns = Taps::new(from_w, to_w, filter);
    let rows = Taps::new(from_h, to_h, filter);
    let stride = from_w * C;
    // Rows are mixed first, then columns: nothing larger than one row lies between.
    let mut mixed = vec![0.0_f32; stride];
    for (frame, result) in data.chunks_exact(from_h * stride).zip(out.chunks_exact_mut(to_h * to_w * C)) {
        for (y, target) in result.chunks_exact_mut(to_w * C).enumerate() {
            let (first, weights) = rows.of(y);
            mixed.fill(0.0);
            for (row, w) in frame[first * stride..].chunks_exact(stride).zip(weights) {
                mixed.iter_mut().zip(row).for_each(|(m, v)| *m += w * v);
            }
            let pixels = mixed.as_chunks::<C>().0;
            for (x, pixel) in target.as_chunks_mut::<C>().0.iter_mut().enumerate() {
                let (first, weights) = columns.of(x);
                let mut sum = [0.0_f32; C];
                for (values, w) in pixels[first..].iter().zip(weights) {
                    sum.iter_mut().zip(values).for_each(|(s, v)| *s += w * v);
                }
                *pixel = sum;
            }
        }
    }
}

/// The picture at `width` x `height`, its colours weighted by alpha.
///
/// # Errors
/// When the size is empty or too large.
pub fn resize(image: &Image, width: usize, height: usize, filter: Filter) -> Result<Image, PixelError> {
    let mut out = Image::zeros(image.batch(), height, width, image.channels())?;
    let (from, to) = ([image.width(), image.height()], [width, height]);
    if image.has_alpha() {
        frames::<4>(premultiply(image)?.data(), from, to, filter, out.data_mut());
        unpremultiply(&mut out);
    } else {
        frames::<3>(image.data(), from, to, filter, out.data_mut());
    }
    Ok(out)
}

/// The mask at `width` x `height`.
///
/// # Errors
/// When the size is empty or too large.
pub fn resize_mask(mask: &Mask, width: usize, height: usize, filter: Filter) -> Result<Mask, PixelError> {
    let mut out = Mask::filled(mask.batch(), height, width, 0.0)?;
    frames::<1>(mask.data(), [mask.width(), mask.height()], [width, height], filter, out.data_mut());
    Ok(out)
}
