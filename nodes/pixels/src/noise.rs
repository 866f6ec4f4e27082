//! Noise: as a picture of its own, or added to one.
//!
//! Every value depends only on the seed and on where it stands (picture of the batch, row, column,
//! channel), never on what was drawn before: a larger picture continues a smaller one, and the order
//! of work does not matter.

use kiln_types::Image;

use crate::PixelError;
use crate::grade::LUMA;
use crate::named::named;
use crate::samples::{like, within};

/// More octaves than this lie below one pixel.
const MAX_OCTAVES: usize = 12;

named! {
    /// Kinds of noise.
    pub enum Noise {
        /// Every value 0..1 equally often.
        Uniform = "uniform",
        /// Around the middle with a deviation of 1/6, clipped.
        Gaussian = "gaussian",
        /// Random values on a grid, smooth between.
        Value = "value",
        /// Random slopes on a grid, smooth between (Perlin).
        Perlin = "perlin",
        /// Perlin noise in octaves, each finer and weaker: clouds.
        Fbm = "fbm",
        /// Clouds, stretched fibres and a fine grain, near white.
        Paper = "paper",
    }
}

/// The finisher of SplitMix64: one bit changed in, half of the bits changed out.
fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 64 random bits for a place; negative places are welcome.
pub(crate) fn bits(seed: u64, x: i64, y: i64, lane: u64) -> u64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let h = mix(seed.wrapping_add(STEP));
    let h = mix((h ^ x as u64).wrapping_add(STEP));
    let h = mix((h ^ y as u64).wrapping_add(STEP));
    mix((h ^ lane).wrapping_add(STEP))
}

/// 0 (with) to 1 (without).
fn uniform(bits: u64) -> f32 {
    (bits >> 40) as f32 / (1 << 24) as f32
}

/// A normal value, mean 0 and deviation 1 (Box-Muller).
fn normal(bits: u64) -> f32 {
    // Never 0, so the logarithm is finite.
    let u = ((bits >> 32) as f64 + 0.5) / 4_294_967_296.0;
    let angle = (bits & 0xffff_ffff) as f64 / 4_294_967_296.0 * std::f64::consts::TAU;
    ((-2.0 * libm::log(u)).sqrt() * libm::cos(angle)) as f32
}

/// Zero slope and zero bend at both ends.
fn fade(t: f32) -> f32 {
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}

/// The grid cell and the place within it.
fn cell(v: f32) -> (i64, f32) {
    let low = v.floor();
    (low as i64, v - low)
}

fn between(corner: impl Fn(i64, i64) -> f32, fx: f32, fy: f32) -> f32 {
    let (u, v) = (fade(fx), fade(fy));
    let (a, b) = (corner(0, 0), corner(1, 0));
    let (c, d) = (corner(0, 1), corner(1, 1));
    let (top, bottom) = (a + (b - a) * u, c + (d - c) * u);
    top + (bottom - top) * v
}

/// 0..1.
fn value(seed: u64, x: f32, y: f32, lane: u64) -> f32 {
    let ((ix, fx), (iy, fy)) = (cell(x), cell(y));
    between(|dx, dy| uniform(bits(seed, ix + dx, iy + dy, lane)), fx, fy)
}

/// About -1..1.
fn perlin(seed: u64, x: f32, y: f32, lane: u64) -> f32 {
    let ((ix, fx), (iy, fy)) = (cell(x), cell(y));
    let corner = |dx: i64, dy: i64| {
        // Sixteen directions; the diagonal ones as long as the straight ones.
        let way = (bits(seed, ix + dx, iy + dy, lane) >> 60) as usize;
        const D: f32 = 0.923_879_5;
        const E: f32 = 0.382_683_43;
        const H: f32 = std::f32::consts::FRAC_1_SQRT_2;
        const WAYS: [f32; 16] = [1.0, D, H, E, 0.0, -E, -H, -D, -1.0, -D, -H, -E, 0.0, E, H, D];
        let (gx, gy) = (WAYS[way], WAYS[(way + 12) % 16]);
        gx * (fx - dx as f32) + gy * (fy - dy as f32)
    };
    // The largest value is the square root of one half.
    between(corner, fx, fy) * std::f32::consts::SQRT_2
}

/// Octaves of Perlin noise, each twice as fine and `gain` as strong; about -1..1.
fn fbm(seed: u64, x: f32, y: f32, lane: u64, octaves: usize, gain: f32) -> f32 {
    let (mut sum, mut total, mut strength, mut scale) = (0.0, 0.0, 1.0, 1.0);
    for octave in 0..octaves {
        // Each octave has a lane of its own, or all would be 0 at the same places.
        sum += strength * perlin(seed, x * scale, y * scale, lane + 8 * (octave as u64 + 1));
        total += strength;
        strength *= gain;
        scale *= 2.0;
    }
    sum / total
}

/// What noise to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoiseOptions {
    /// The kind.
    pub kind: Noise,
    /// The seed.
    pub seed: u64,
    /// Pixels from one grid point to the next, for the smooth kinds.
    pub scale: f32,
    /// Octaves of clouds and paper.
    pub octaves: usize,
    /// Strength of each octave compared with the one before.
    pub gain: f32,
    /// How far the values spread around the middle; 1 is the kind's own range.
    pub amount: f32,
    /// Whether the three channels differ.
    pub color: bool,
}

impl Default for NoiseOptions {
    fn default() -> Self {
        Self { kind: Noise::Fbm, seed: 0, scale: 64.0, octaves: 5, gain: 0.5, amount: 1.0, color: false }
    }
}

/// `batch` pictures of noise, each another.
///
/// # Errors
/// When the size is empty or too large, or an option is out of range: scale 1..65536, octaves 1..12, gain
/// 0..1, amount 0..10.
pub fn noise_image(
    width: usize,
    height: usize,
    batch: usize,
    options: &NoiseOptions,
) -> Result<Image, PixelError> {
    let NoiseOptions { kind, seed, scale, octaves, gain, amount, color } = *options;
    if !within(scale, 1.0, 65536.0) {
        return Err(PixelError::parameter("scale", "between 1 and 65536"));
    }
    if !(1..=MAX_OCTAVES).contains(&octaves) {
        return Err(PixelError::parameter("octaves", "between 1 and 12"));
    }
    if !within(gain, 0.0, 1.0) {
        return Err(PixelError::parameter("gain", "between 0 and 1"));
    }
    if !within(amount, 0.0, 10.0) {
        return Err(PixelError::parameter("amount", "between 0 and 10"));
    }
    let mut out = Image::zeros(batch, height, width, 3)?;
    let at = |seed: u64, x: usize, y: usize, lane: u64| {
        let (fx, fy) = (x as f32 / scale, y as f32 / scale);
        let raw = || bits(seed, x as i64, y as i64, lane);
        match kind {
            Noise::Uniform => uniform(raw()),
            Noise::Gaussian => 0.5 + normal(raw()) / 6.0,
            Noise::Value => value(seed, fx, fy, lane),
            Noise::Perlin => 0.5 + 0.5 * perlin(seed, fx, fy, lane),
            Noise::Fbm => 0.5 + 0.5 * fbm(seed, fx, fy, lane, octaves, gain),
            Noise::Paper => {
                let clouds = fbm(seed, fx, fy, lane, octaves, gain);
                // Fibres: clouds stretched along one axis, at a fixed size in pixels.
                let along = perlin(seed, x as f32 / 24.0, y as f32 / 1.7, lane + 200);
                let across = perlin(seed, x as f32 / 1.7, y as f32 / 24.0, lane + 300);
                let grain = normal(raw());
                0.9 + 0.06 * clouds + 0.03 * (along + across) + 0.012 * grain
            }
        }
    };
    let frame_len = out.frame_len();
    for (index, frame) in out.data_mut().chunks_exact_mut(frame_len).enumerate() {
        let seed = frame_seed(seed, index);
        for (y, row) in frame.chunks_exact_mut(width * 3).enumerate() {
            for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let spread = |lane| (0.5 + (at(seed, x, y, lane) - 0.5) * amount).clamp(0.0, 1.0);
                *pixel = if color { [0, 1, 2].map(spread) } else { [spread(0); 3] };
            }
        }
    }
    Ok(out)
}

/// The seed of one picture of a batch; the first one's is the seed itself.
fn frame_seed(seed: u64, index: usize) -> u64 {
    if index == 0 { seed } else { bits(seed, index as i64, 0, u64::MAX) }
}

/// The picture with noise on its colours: `amount` is the deviation (Gaussian) or the largest change
/// (uniform), in units of the whole range. Without `color` the three channels change alike.
///
/// # Errors
/// When `amount` is not within 0..1, or the kind is neither uniform nor Gaussian.
pub fn add_noise(
    image: &Image,
    kind: Noise,
    amount: f32,
    color: bool,
    seed: u64,
) -> Result<Image, PixelError> {
    if !within(amount, 0.0, 1.0) {
        return Err(PixelError::parameter("amount", "between 0 and 1"));
    }
    let draw: fn(u64) -> f32 = match kind {
        Noise::Uniform => |bits| 2.0 * uniform(bits) - 1.0,
        Noise::Gaussian => normal,
        _ => return Err(PixelError::parameter("kind", "uniform or gaussian")),
    };
    each_pixel(image, seed, |pixel, seed, x, y| {
        for (v, lane) in pixel[..3].iter_mut().zip(0_u64..) {
            let lane = if color { lane } else { 0 };
            *v += amount * draw(bits(seed, x as i64, y as i64, lane));
        }
    })
}

/// Grain as on film: strongest in the middle tones, none in black and white; `size` is a grain's width in
/// pixels.
///
/// # Errors
/// When `amount` is not within 0..1 or `size` not within 1..64.
pub fn film_grain(image: &Image, amount: f32, size: f32, seed: u64) -> Result<Image, PixelError> {
    if !within(amount, 0.0, 1.0) {
        return Err(PixelError::parameter("amount", "between 0 and 1"));
    }
    if !within(size, 1.0, 64.0) {
        return Err(PixelError::parameter("size", "between 1 and 64"));
    }
    each_pixel(image, seed, |pixel, seed, x, y| {
        let grain = if size <= 1.0 {
            normal(bits(seed, x as i64, y as i64, 0))
        } else {
            let ((ix, fx), (iy, fy)) = (cell(x as f32 / size), cell(y as f32 / size));
            between(|dx, dy| normal(bits(seed, ix + dx, iy + dy, 0)), fx, fy)
        };
        let luma = (pixel[0] * LUMA[0] + pixel[1] * LUMA[1] + pixel[2] * LUMA[2]).clamp(0.0, 1.0);
        let change = amount * grain * 4.0 * luma * (1.0 - luma);
        pixel[..3].iter_mut().for_each(|v| *v += change);
    })
}

fn each_pixel(
    image: &Image,
    seed: u64,
    f: impl Fn(&mut [f32], u64, usize, usize),
) -> Result<Image, PixelError> {
    let (width, channels) = (image.width(), image.channels());
    let mut data = image.data().to_vec();
    for (index, frame) in data.chunks_exact_mut(image.frame_len()).enumerate() {
        let seed = frame_seed(seed, index);
        for (y, row) in frame.chunks_exact_mut(width * channels).enumerate() {
            for (x, pixel) in row.chunks_exact_mut(channels).enumerate() {
                f(pixel, seed, x, y);
                for v in &mut pixel[..3] {
                    *v = if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) };
                }
            }
        }
    }
    like(image, data)
}
