//! Maps made smaller and larger, of tensors, and in memory that is used again.

use burn::tensor::Tensor;
use kiln_kernels as kernels;

use super::super::{max_pool2_plain, resize_bilinear_plain};
use super::{Maps, Values};
use crate::flat::Flat;

/// Memory of maps that nobody needs any more, for those that come: a network that asks the system for every result
/// spends a fifth of its time there.
#[derive(Debug, Default)]
pub struct Spare {
    kept: Vec<Vec<f32>>,
}

impl Spare {
    /// Takes maps that are done with.
    pub fn give(&mut self, maps: Maps) {
        if let Values::Blocks(values) = maps.values
            && values.capacity() > 0
        {
            self.kept.push(values);
        }
    }

    /// Room for maps of these channels: what fits best, or else nothing.
    #[must_use]
    pub fn room(&mut self, channels: usize, size: [usize; 2]) -> Maps {
        let len = kernels::blocks_len(channels, size);
        let of = |i: &usize| self.kept[*i].capacity();
        let best = (0..self.kept.len()).filter(|i| of(i) >= len).min_by_key(of);
        let values = best.map(|i| self.kept.swap_remove(i)).unwrap_or_default();
        Maps { channels: 0, size: [0, 0], values: Values::Blocks(values) }
    }

    fn values(&mut self, channels: usize, size: [usize; 2]) -> Vec<f32> {
        let Values::Blocks(mut values) = self.room(channels, size).values else { return Vec::new() };
        values.resize(kernels::blocks_len(channels, size), 0.0);
        values
    }
}

impl Maps {
    /// Of (1, channels, height, width).
    #[must_use]
    pub fn of_tensor(x: &Tensor<4>, spare: &mut Spare) -> Self {
        let [_, channels, h, w] = x.dims();
        let size = [h, w];
        let Some(flat) = Flat::of(x) else { return Self::plain(x.clone()) };
        let mut values = spare.values(channels, size);
        kernels::to_blocks(channels, size, flat.values(), &mut values);
        Self { channels, size, values: Values::Blocks(values) }
    }

    /// Half of height and width, rounded up, by the largest of 2x2 pixels.
    #[must_use]
    pub fn halved(&self, spare: &mut Spare) -> Self {
        let size = self.size.map(|side| side.div_ceil(2));
        let values = match &self.values {
            Values::Plain(x) => Values::Plain(max_pool2_plain(x)),
            Values::Blocks(x) => {
                let mut values = spare.values(self.channels, size);
                kernels::max_pool2_blocks(self.channels, self.size, x, &mut values);
                Values::Blocks(values)
            }
        };
        Self { channels: self.channels, size, values }
    }

    /// Resized with pixel centres at half-integers, as [`resize_bilinear`](crate::ops::resize_bilinear) does it.
    #[must_use]
    pub fn resized(&self, size: [usize; 2], spare: &mut Spare) -> Self {
        let values = match &self.values {
            Values::Plain(x) if self.size == size => Values::Plain(x.clone()),
            Values::Plain(x) => Values::Plain(resize_bilinear_plain(x, size)),
            Values::Blocks(x) => {
                let mut values = spare.values(self.channels, size);
                kernels::resize_bilinear_blocks(self.channels, self.size, size, x, &mut values);
                Values::Blocks(values)
            }
        };
        Self { channels: self.channels, size, values }
    }
}
