//! Pictures of many channels between 3x3 convolutions, as upscalers are made of: on the processor sixteen channels lie
//! side by side, elsewhere they are tensors. Results are written where the last ones were, so that a network as deep as
//! ESRGAN asks for memory once.

mod shape;

use burn::tensor::{DType, Tensor};
use kiln_kernels::{self as kernels, BlockConv};

use super::conv::with_bias;
use super::{ConvSpec, ConvThen, conv2d_plain};
use crate::compute::Compute;
use crate::flat;
use crate::weight::Weight;

pub use shape::Spare;

/// A picture of many channels.
#[derive(Debug, Default)]
pub struct Maps {
    channels: usize,
    size: [usize; 2],
    values: Values,
}

#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a handful at a time; a box would cost every operation on a card"
)]
enum Values {
    /// On the processor: see [`kernels::blocks_len`].
    Blocks(Vec<f32>),
    Plain(Tensor<4>),
}

impl Default for Values {
    fn default() -> Self {
        Self::Blocks(Vec::new())
    }
}

/// What is multiplied where a result is negative.
#[derive(Clone, Debug)]
pub enum Slope {
    /// Every channel by this: 1 changes nothing, 0 is ReLU.
    One(f32),
    /// Every channel by its own, or by the one there is (PReLU).
    Each(Weight),
}

/// A 3x3 convolution with step 1 and a border of zeros.
#[derive(Clone, Debug)]
pub struct MapConv {
    /// (out, in, 3, 3)
    pub weight: Weight,
    /// One number a channel.
    pub bias: Option<Weight>,
    /// What weight and bias are multiplied by.
    pub scale: f32,
    /// Then this.
    pub slope: Slope,
}

/// What else happens around a convolution.
#[derive(Clone, Copy, Debug, Default)]
pub struct MapThen<'a> {
    /// Whether what it sees is first made twice as large by repeating pixels.
    pub double: bool,
    /// Added to the result.
    pub add: Option<&'a Maps>,
    /// What that sum is multiplied by, and what is added then.
    pub outer: Option<(f32, &'a Maps)>,
}

impl Maps {
    /// Of planes (channels, height, width), on this device.
    #[must_use]
    pub fn of(planes: Vec<f32>, channels: usize, size: [usize; 2], compute: &Compute) -> Self {
        if compute.is_cpu() {
            return Self::of_planes(&planes, channels, size);
        }
        let values = Values::Plain(compute.tensor(planes, [1, channels, size[0], size[1]]));
        Self { channels, size, values }
    }

    fn of_planes(planes: &[f32], channels: usize, size: [usize; 2]) -> Self {
        let mut blocks = vec![0.0; kernels::blocks_len(channels, size)];
        kernels::to_blocks(channels, size, planes, &mut blocks);
        Self { channels, size, values: Values::Blocks(blocks) }
    }

    /// Of burn's operations, on any device: for tests.
    #[must_use]
    pub fn plain(x: Tensor<4>) -> Self {
        let [_, channels, h, w] = x.dims();
        Self { channels, size: [h, w], values: Values::Plain(x) }
    }

    /// Height and width.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// As (1, channels, height, width).
    #[must_use]
    pub fn tensor(&self) -> Tensor<4> {
        let [h, w] = self.size;
        match &self.values {
            Values::Plain(x) => x.clone(),
            Values::Blocks(blocks) => {
                let mut planes = vec![0.0; self.channels * h * w];
                kernels::from_blocks(self.channels, self.size, blocks, &mut planes);
                flat::tensor(planes, [1, self.channels, h, w])
            }
        }
    }

    /// Some of the rows.
    #[must_use]
    pub fn rows(&self, from: usize, to: usize) -> Self {
        let [h, w] = self.size;
        let (from, to) = (from.min(h), to.clamp(from.min(h), h));
        let values = match &self.values {
            Values::Plain(x) => Values::Plain(x.clone().narrow(2, from, to - from)),
            Values::Blocks(blocks) => {
                let row = w * kernels::BLOCK;
                let planes = blocks.chunks_exact((h * row).max(1));
                Values::Blocks(planes.flat_map(|plane| &plane[from * row..to * row]).copied().collect())
            }
        };
        Self { channels: self.channels, size: [to - from, w], values }
    }

    fn blocks(&self) -> Option<&[f32]> {
        match &self.values {
            Values::Blocks(blocks) => Some(blocks),
            Values::Plain(_) => None,
        }
    }
}

impl MapConv {
    /// Convolves `sources`, of one size, as if their channels followed each other. `out` is written anew, in the memory it
    /// has.
    pub fn run(&self, sources: &[&Maps], then: MapThen<'_>, compute: &Compute, out: &mut Maps) {
        let Some(first) = sources.first() else { return };
        let blocks: Option<Vec<(&[f32], usize)>> =
            sources.iter().map(|s| Some((s.blocks()?, s.channels))).collect();
        let Some(blocks) = blocks else {
            *out = self.run_plain(sources, then, compute);
            return;
        };
        let c_out = self.weight.shape()[0];
        let size = first.size.map(|side| if then.double { 2 * side } else { side });
        let mut values = match std::mem::take(&mut out.values) {
            Values::Blocks(values) => values,
            Values::Plain(_) => Vec::new(),
        };
        values.resize(kernels::blocks_len(c_out, size), 0.0);
        // One slope for all is laid out as one for each.
        let slopes = match &self.slope {
            Slope::Each(slopes) if slopes.len() == 1 => Some(slopes.to_f32().repeat(c_out)),
            Slope::Each(slopes) => Some(slopes.to_f32()),
            Slope::One(_) => None,
        };
        self.weight.with(|weight| {
            with_bias(self.bias.as_ref(), |bias| {
                let conv = BlockConv {
                    sources: &blocks,
                    size: first.size,
                    double: then.double,
                    c_out,
                    weight,
                    bias,
                    scale: self.scale,
                    slope: match (&self.slope, &slopes) {
                        (Slope::Each(_), Some(slopes)) => kernels::Slope::Each(kernels::Stored::f32(slopes)),
                        (Slope::One(slope), _) => kernels::Slope::One(*slope),
                        (Slope::Each(_), None) => kernels::Slope::One(1.0),
                    },
                    add: then.add.and_then(Maps::blocks),
                    outer: then.outer.and_then(|(scale, maps)| Some((scale, maps.blocks()?))),
                };
                kernels::conv_blocks(&conv, &mut values);
            });
        });
        *out = Maps { channels: c_out, size, values: Values::Blocks(values) };
    }

    /// The same of burn's operations.
    #[must_use]
    pub fn run_plain(&self, sources: &[&Maps], then: MapThen<'_>, compute: &Compute) -> Maps {
        let mut seen: Vec<Tensor<4>> = sources.iter().map(|s| s.tensor()).collect();
        let x = if seen.len() == 1 { seen.swap_remove(0) } else { Tensor::cat(seen, 1) };
        let [_, _, h, w] = x.dims();
        let upsample = then.double.then_some([2 * h, 2 * w]);
        let around = ConvThen { upsample, ..ConvThen::default() };
        let (weight, bias) = (&self.weight, self.bias.as_ref());
        let mut y = conv2d_plain(&x, weight, bias, &ConvSpec::padded(1), around, compute);
        if self.scale != 1.0 {
            y = y * self.scale;
        }
        y = match &self.slope {
            Slope::One(slope) if *slope == 1.0 => y,
            Slope::One(slope) => y.clone().clamp_min(0.0) + y.clamp_max(0.0) * *slope,
            Slope::Each(slopes) => {
                let dtype = y.dtype();
                let slopes = slopes.on::<1>(compute, DType::F32).reshape([1, slopes.len(), 1, 1]);
                y.clone().clamp_min(0.0) + y.clamp_max(0.0) * slopes.cast(dtype)
            }
        };
        if let Some(add) = then.add {
            y = y + add.tensor();
        }
        if let Some((scale, add)) = then.outer {
            y = y * scale + add.tensor();
        }
        Maps::plain(y)
    }
}
