//! An upscaler's file as something that makes pictures larger.

use std::cell::RefCell;
use std::path::Path;

use kiln_networks::NetError;
use kiln_networks::tile::{Pass, Scale, tiled};
use kiln_pixels::antialias::{Filter, resize_mask};
use kiln_tensor::compute::values;
use kiln_tensor::{Compute, Tensor};
use kiln_types::{Image, Mask};

use crate::error::UpscaleError;
use crate::file;
use crate::network::{Network, Steps};
pub use kiln_networks::tile::Watch;

/// How a picture is cut into tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    /// The side of a tile in the small picture, in pixels.
    pub side: usize,
    /// How far neighbours overlap, in pixels of the small picture: half a tile at most.
    pub overlap: usize,
}

impl Default for Tiles {
    fn default() -> Self {
        Self { side: 512, overlap: 32 }
    }
}

/// Tiles become no smaller than this where a device runs out of memory.
const SMALLEST: usize = 128;

impl Tiles {
    /// How many tiles a side of this length is cut into.
    fn along(self, length: usize) -> usize {
        let overlap = self.overlap.min(self.side / 2);
        if length <= self.side { 1 } else { (length - overlap).div_ceil((self.side - overlap).max(1)) }
    }
}

/// A network that makes pictures larger.
#[derive(Debug)]
pub struct Upscaler {
    network: Network,
    file: String,
    compute: Compute,
    bytes: usize,
}

impl Upscaler {
    /// Opens a file: what is in it says how it is built. It runs in 32 bit on every device.
    ///
    /// # Errors
    /// When it cannot be read or holds something else.
    pub fn open(path: &Path, compute: &Compute) -> Result<Self, UpscaleError> {
        let file = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let named = file::open(path)?;
        let bytes = named.weights.values().map(kiln_tensor::Weight::bytes).sum();
        let compute = compute.in_f32();
        Ok(Self { network: Network::new(&file, named, &compute)?, file, compute, bytes })
    }

    /// How many times wider and higher the result is.
    #[must_use]
    pub fn scale(&self) -> usize {
        self.network.scale()
    }

    /// What it is, in words: the network, its depth and width, and its scale.
    #[must_use]
    pub fn describe(&self) -> String {
        self.network.describe()
    }

    /// Bytes of its weights.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Makes every picture of the batch larger, its alpha beside it. `watch` is told of steps: several a tile. A
    /// cancelled run ends in [`NetError::Cancelled`].
    ///
    /// Besides both pictures, memory holds the larger one once more and one tile: about 0.45 GB for a tile of 512 pixels
    /// and a network of 64 features, whatever the scale. (Measured: 0.7 GB in all for 1024x1024 to 4096x4096.)
    ///
    /// # Errors
    /// When it is cancelled, the device fails, or the result would be too large.
    pub fn upscale(
        &self,
        image: &Image,
        tiles: Tiles,
        Watch { progress, cancelled }: Watch<'_>,
    ) -> Result<Image, UpscaleError> {
        let scale = self.scale();
        let (height, width) = (image.height(), image.width());
        // Nobody has touched this memory yet: a size that is too large shows here.
        let mut out = Image::zeros(
            image.batch(),
            height.saturating_mul(scale),
            width.saturating_mul(scale),
            image.channels(),
        )?;
        let (frame, channels) = (out.frame_len(), out.channels());
        for (index, to) in out.data_mut().chunks_exact_mut(frame).enumerate() {
            let mut tell = |n: usize, of: usize| progress(index * of + n, image.batch() * of);
            let planes = self.one(image, index, tiles, &mut tell, cancelled)?;
            if planes.iter().any(|v| !v.is_finite()) {
                return Err(UpscaleError::NotANumber { file: self.file.clone() });
            }
            let plane = planes.len() / 3;
            for (at, pixel) in to.chunks_exact_mut(channels).enumerate() {
                for (channel, to) in pixel.iter_mut().take(3).enumerate() {
                    *to = planes[channel * plane + at];
                }
            }
            if image.has_alpha() {
                let alpha = resampled_alpha(image, index, [height * scale, width * scale])?;
                for (pixel, alpha) in to.chunks_exact_mut(channels).zip(alpha.data()) {
                    if let Some(last) = pixel.last_mut() {
                        *last = alpha.clamp(0.0, 1.0);
                    }
                }
            }
        }
        Ok(out)
    }

    /// One picture's planes, enlarged. Smaller tiles are tried where a card has too little memory.
    fn one(
        &self,
        image: &Image,
        index: usize,
        mut tiles: Tiles,
        progress: &mut dyn FnMut(usize, usize),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<f32>, UpscaleError> {
        loop {
            match self.in_tiles(image, index, tiles, Watch { progress: &mut *progress, cancelled }) {
                Err(NetError::Device(_)) if !self.compute.is_cpu() && tiles.side > SMALLEST => {
                    tiles.side = (tiles.side / 2).max(SMALLEST);
                }
                other => return Ok(other?),
            }
        }
    }

    fn in_tiles(
        &self,
        image: &Image,
        index: usize,
        tiles: Tiles,
        Watch { progress, cancelled }: Watch<'_>,
    ) -> Result<Vec<f32>, NetError> {
        let (height, width) = (image.height(), image.width());
        let side = tiles.side.max(1);
        let tiles = Tiles { side, overlap: tiles.overlap };
        // Only the tile that is worked on lies on the device.
        let host = Compute::cpu();
        let x: Tensor<4> = host.tensor(planes_of(image, index), [1, 3, height, width]);
        let steps = self.network.steps();
        let total = tiles.along(height) * tiles.along(width) * steps;
        let progress = RefCell::new(progress);
        let tell = |done: usize| (progress.borrow_mut())(done.min(total), total);
        let mut tile = 0;
        let mut network = |x: Tensor<4>| {
            let [_, _, h, w] = x.dims();
            let before = tile * steps;
            tile += 1;
            let done = |n: usize| tell(before + n);
            let y = self.tile(values(x)?, [h, w], &Steps { done: &done, cancelled })?;
            Ok(host.tensor(values(y.clamp(0.0, 1.0))?, [1, 3, h * self.scale(), w * self.scale()]))
        };
        let mut whole = |done: usize, _| tell(done * steps);
        let watch = Watch { progress: &mut whole, cancelled };
        let pass = Pass { tile: [side, side], overlap: tiles.overlap };
        let y = tiled(&x, &[pass], Scale::Up(self.scale()), &host, watch, &mut network)?;
        drop(x);
        Ok(values(y)?)
    }

    /// One tile, reflected to a size the network takes, and cut back.
    fn tile(&self, planes: Vec<f32>, [h, w]: [usize; 2], steps: &Steps<'_>) -> Result<Tensor<4>, NetError> {
        let by = self.network.multiple();
        let size = [h, w].map(|side| side.next_multiple_of(by));
        if size == [h, w] {
            return self.network.forward(planes, size, steps);
        }
        let y = self.network.forward(reflected(&planes, [h, w], size), size, steps)?;
        Ok(y.narrow(2, 0, h * self.scale()).narrow(3, 0, w * self.scale()))
    }
}

/// Colours as planes.
fn planes_of(image: &Image, index: usize) -> Vec<f32> {
    let frame = image.frame(index);
    let mut out = Vec::with_capacity(frame.len() / image.channels() * 3);
    for channel in 0..3 {
        out.extend(frame.iter().skip(channel).step_by(image.channels()));
    }
    out
}

/// Alpha by itself, at another size. One that is the same all over stays so: what was opaque is opaque.
fn resampled_alpha(image: &Image, index: usize, [height, width]: [usize; 2]) -> Result<Mask, UpscaleError> {
    let alpha: Vec<f32> = image.frame(index).iter().skip(3).step_by(4).copied().collect();
    if let Some(first) = alpha.first()
        && alpha.iter().all(|a| a == first)
    {
        return Ok(Mask::filled(1, height, width, *first)?);
    }
    let alpha = Mask::new(1, image.height(), image.width(), alpha)?;
    Ok(resize_mask(&alpha, width, height, Filter::Lanczos)?)
}

/// Planes with more rows below and columns to the right, mirrored at the last ones.
fn reflected(planes: &[f32], [h, w]: [usize; 2], size: [usize; 2]) -> Vec<f32> {
    let mirror = |i: usize, n: usize| {
        let turn = (2 * n).saturating_sub(2).max(1);
        let i = i % turn;
        if i < n { i } else { turn - i }
    };
    let mut out = Vec::with_capacity(planes.len() / (h * w) * size[0] * size[1]);
    for plane in planes.chunks_exact(h * w) {
        for y in 0..size[0] {
            let row = &plane[mirror(y, h) * w..][..w];
            out.extend((0..size[1]).map(|x| row[mirror(x, w)]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_stand_on_the_last_row_and_column() {
        let found = reflected(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3], [4, 4]);
        let row = |a: f32, b, c| [a, b, c, b];
        let (up, down) = (row(1.0, 2.0, 3.0), row(4.0, 5.0, 6.0));
        assert_eq!(found, [up, down, up, down].concat());
        assert_eq!(reflected(&[7.0], [1, 1], [4, 4]), [7.0; 16], "one pixel is all there is to mirror");
    }

    #[test]
    fn tiles_are_counted_as_they_are_cut() {
        let tiles = Tiles::default();
        assert_eq!([1, 512, 513, 992, 993].map(|n| tiles.along(n)), [1, 1, 2, 2, 3]);
        assert_eq!(Tiles { side: 8, overlap: 100 }.along(30), 7);
    }
}
