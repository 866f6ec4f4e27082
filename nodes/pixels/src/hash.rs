//! Perceptual hashes: pictures that look alike have hashes that differ in few bits.
//!
//! The same bits as the Python package `imagehash` gives for the picture as 8-bit: luma by Pillow's
//! weights, shrunk with Pillow's Lanczos, bits row by row, the first the highest. That is Pillow before
//! version 13: newer ones shrink tall pictures (those that lose more than twice as many rows as columns) down
//! the columns first, and as each of the two passes rounds to bytes, a few of a hash's bits may differ then.

use std::fmt;

use kiln_types::Image;

use crate::measure::{luma_bytes, nearest_byte};
use crate::{PixelError, lanczos};

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
fn small(image: &Image, index: usize, width: usize, height: usize) -> Result<Vec<u8>, PixelError> {
    if index >= image.batch() {
        return Err(PixelError::parameter("index", "a picture of the batch"));
    }
    let luma = luma_bytes(image.frame(index), image.channels());
    // The resampler cuts samples off to bytes: half a step above each byte, it finds that byte.
    let samples: Vec<f32> = luma.iter().map(|v| (f32::from(*v) + 0.5) / 255.0).collect();
    let mut out = vec![0.0; width * height];
    lanczos::frames::<1>(&samples, [image.width(), image.height()], [width, height], &mut out)?;
    Ok(out.into_iter().map(nearest_byte).collect())
}

/// Which pixels are lighter than their left neighbour.
///
/// # Errors
/// When there is no picture `index` in the batch.
pub fn dhash(image: &Image, index: usize) -> Result<PictureHash, PixelError> {
    let luma = small(image, index, SIDE + 1, SIDE)?;
    Ok(PictureHash::from_bits(
        luma.chunks_exact(SIDE + 1).flat_map(|row| row.windows(2).map(|w| w[1] > w[0])),
    ))
}

/// Which pixels are lighter than the mean.
///
/// # Errors
/// When there is no picture `index` in the batch.
pub fn ahash(image: &Image, index: usize) -> Result<PictureHash, PixelError> {
    let luma = small(image, index, SIDE, SIDE)?;
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
    let side = 1_usize << image.width().min(image.height()).max(SIDE).ilog2();
    let luma = small(image, index, side, side)?;
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
    let luma = small(image, index, FINE, FINE)?;
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
