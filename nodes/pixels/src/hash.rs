//! Perceptual hashes: pictures that look alike have hashes that differ in few bits.
//!
//! The same bits as the Python package `imagehash` gives for the picture as 8-bit: luma by Pillow's
//! weights, shrunk with Pillow's Lanczos, bits row by row, the first the highest. Only [`whash`] may differ in a
//! bit or two, where a block is as light as the middle one: there the rounding of the wavelets decides.
//!
//! Shrinking rounds to bytes twice, along the rows and down the columns, and Pillow 13 has changed which comes
//! first: [`Pillow`] says whose hashes are wanted. It matters for tall pictures, mostly in a few bits.

use std::fmt;

use kiln_types::Image;

use crate::measure::{luma_bytes, nearest_byte};
use crate::named::named;
use crate::{PixelError, lanczos};

named! {
    /// A kind of hash.
    pub enum HashKind {
        /// By the lowest frequencies; see [`phash`].
        Phash = "phash",
        /// By slopes; see [`dhash`].
        Dhash = "dhash",
        /// By what is lighter than the mean; see [`ahash`].
        Ahash = "ahash",
        /// By what is lighter than the middle; see [`whash`].
        Whash = "whash",
    }
}

named! {
    /// The version of Pillow with which `imagehash` would find the same hash.
    pub enum Pillow {
        /// All before 13: along the rows first.
        Before13 = "before 13",
        /// 13: down the columns first when a picture loses more than twice as many rows as columns.
        From13 = "13",
    }
}

impl Pillow {
    /// Whether the number of rows changes first.
    fn rows_first(self, from: [usize; 2], to: [usize; 2]) -> bool {
        let lost = |k: usize| from[k] as isize - to[k] as isize;
        self == Self::From13 && lost(1) > 0 && lost(1) > 2 * lost(0)
    }
}

/// Side of the field of bits.
const SIDE: usize = 8;
/// Side of the picture whose frequencies make a [`phash`].
const FINE: usize = 32;

/// 64 bits that stand for a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PictureHash(pub u64);

impl PictureHash {
    /// In how many bits two hashes differ: 0 the same, about 32 nothing in common.
    #[must_use]
    pub fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }

    /// Reads the 16 hexadecimal digits that [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == 16 && text.bytes().all(|c| c.is_ascii_hexdigit());
        plain.then(|| u64::from_str_radix(text, 16).ok().map(Self)).flatten()
    }

    fn from_bits(bits: impl Iterator<Item = bool>) -> Self {
        Self(bits.fold(0, |all, bit| all << 1 | u64::from(bit)))
    }
}

impl fmt::Display for PictureHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Luma of picture `index`, shrunk.
fn small(image: &Image, index: usize, to: [usize; 2], pillow: Pillow) -> Result<Vec<u8>, PixelError> {
    if index >= image.batch() {
        return Err(PixelError::parameter("index", "a picture of the batch"));
    }
    let from = [image.width(), image.height()];
    let luma = luma_bytes(image.frame(index), image.channels());
    // The resampler cuts samples off to bytes: half a step above each byte, it finds that byte.
    let samples: Vec<f32> = luma.iter().map(|v| (f32::from(*v) + 0.5) / 255.0).collect();
    let mut out = vec![0.0; to[0] * to[1]];
    lanczos::frames_in_order::<1>(&samples, from, to, pillow.rows_first(from, to), &mut out)?;
    Ok(out.into_iter().map(nearest_byte).collect())
}

/// The hash of picture `index` of one kind, as `imagehash` finds it with this Pillow.
///
/// # Errors
/// When there is no picture `index` in the batch.
pub fn hash(image: &Image, index: usize, kind: HashKind, pillow: Pillow) -> Result<PictureHash, PixelError> {
    match kind {
        HashKind::Phash => phash_like(image, index, pillow),
        HashKind::Dhash => dhash_like(image, index, pillow),
        HashKind::Ahash => ahash_like(image, index, pillow),
        HashKind::Whash => whash_like(image, index, pillow),
    }
}

/// Which pixels are lighter than their left neighbour.
///
/// # Errors
/// When there is no picture `index` in the batch.
pub fn dhash(image: &Image, index: usize) -> Result<PictureHash, PixelError> {
    hash(image, index, HashKind::Dhash, Pillow::Before13)
}

fn dhash_like(image: &Image, index: usize, pillow: Pillow) -> Result<PictureHash, PixelError> {
    let luma = small(image, index, [SIDE + 1, SIDE], pillow)?;
    Ok(PictureHash::from_bits(
        luma.chunks_exact(SIDE + 1).flat_map(|row| row.windows(2).map(|w| w[1] > w[0])),
    ))
}

/// Which pixels are lighter than the mean.
///
/// # Errors
/// When there is no picture `index` in the batch.
pub fn ahash(image: &Image, index: usize) -> Result<PictureHash, PixelError> {
    hash(image, index, HashKind::Ahash, Pillow::Before13)
}

fn ahash_like(image: &Image, index: usize, pillow: Pillow) -> Result<PictureHash, PixelError> {
    let luma = small(image, index, [SIDE, SIDE], pillow)?;
    let sum: u32 = luma.iter().map(|v| u32::from(*v)).sum();
    Ok(PictureHash::from_bits(luma.iter().map(|v| u32::from(*v) * 64 > sum)))
}

/// Which of the 64 blocks of the picture are lighter than the middle one of them: the wavelet hash of
/// `imagehash` (Haar), for which the picture is first brought to a square with the largest power of two
/// that its shorter side holds, at least 8.
///
/// # Errors
/// When there is no picture `index` in the batch.
pub fn whash(image: &Image, index: usize) -> Result<PictureHash, PixelError> {
    hash(image, index, HashKind::Whash, Pillow::Before13)
}

fn whash_like(image: &Image, index: usize, pillow: Pillow) -> Result<PictureHash, PixelError> {
    let side = 1_usize << image.width().min(image.height()).max(SIDE).ilog2();
    let luma = small(image, index, [side, side], pillow)?;
    // The transform's low part holds the blocks' means less that of all: their order is that of the sums.
    let block = side / SIDE;
    let mut sums = [0_u64; SIDE * SIDE];
    for (y, row) in luma.chunks_exact(side).enumerate() {
        for (x, part) in row.chunks_exact(block).enumerate() {
            sums[y / block * SIDE + x] += part.iter().map(|v| u64::from(*v)).sum::<u64>();
        }
    }
    let mut sorted = sums;
    sorted.sort_unstable();
    let twice_middle = sorted[31] + sorted[32];
    Ok(PictureHash::from_bits(sums.iter().map(|v| 2 * v > twice_middle)))
}

/// Which of the 64 lowest frequencies (a cosine transform) are stronger than the middle one of them.
///
/// # Errors
/// When there is no picture `index` in the batch.
pub fn phash(image: &Image, index: usize) -> Result<PictureHash, PixelError> {
    hash(image, index, HashKind::Phash, Pillow::Before13)
}

fn phash_like(image: &Image, index: usize, pillow: Pillow) -> Result<PictureHash, PixelError> {
    let luma = small(image, index, [FINE, FINE], pillow)?;
    let mut cosines = [[0.0_f64; FINE]; SIDE];
    for (k, row) in cosines.iter_mut().enumerate() {
        for (i, v) in row.iter_mut().enumerate() {
            let turns = (k * (2 * i + 1)) as f64 / (2 * FINE) as f64;
            *v = libm::cos(std::f64::consts::PI * turns);
        }
    }
    // Down the columns, then along the rows, as few frequencies as are needed.
    let mut tall = [[0.0_f64; FINE]; SIDE];
    for (row, cosine) in tall.iter_mut().zip(&cosines) {
        for (x, v) in row.iter_mut().enumerate() {
            *v = (0..FINE).map(|y| f64::from(luma[y * FINE + x]) * cosine[y]).sum::<f64>() * 2.0;
        }
    }
    let mut low = [0.0_f64; SIDE * SIDE];
    for (i, v) in low.iter_mut().enumerate() {
        let (row, cosine) = (&tall[i / SIDE], &cosines[i % SIDE]);
        let sum = row.iter().zip(cosine).map(|(a, b)| a * b).sum::<f64>() * 2.0;
        // What rounding leaves of a frequency that is not there must not decide a bit.
        *v = if sum.abs() < 1e-6 { 0.0 } else { sum };
    }
    let mut sorted = low;
    sorted.sort_by(f64::total_cmp);
    let middle = (sorted[31] + sorted[32]) / 2.0;
    Ok(PictureHash::from_bits(low.iter().map(|v| *v > middle)))
}
