//! RRDBNet: ESRGAN's and Real-ESRGAN's network.
//!
//! A convolution, then blocks of three dense blocks each (five convolutions that see all before them), another
//! convolution added to where the blocks began, then doublings by nearest and convolution, and two more convolutions.
//! Real-ESRGAN's x2 and x1 networks are x4 ones that see a picture of which every 2x2 or 4x4 pixels became channels.
//!
//! What comes after the blocks is many times larger than what the blocks see: it runs in strips, each with the margin
//! its convolutions look at, so that memory does not grow with the square of the scale. The numbers are the same.

use kiln_networks::NetError;
use kiln_tensor::layers::Conv2d;
use kiln_tensor::ops::{self, ConvSpec, ConvThen, Dense, DenseConv, DenseRoom, Outer};
use kiln_tensor::{Act, Compute, Tensor, Vars, VarsError, Weight};

use crate::network::Steps;

/// How much of a block's result is added to what came in.
const RESIDUAL: f32 = 0.2;
/// Of every activation.
const ACT: Act = Act::LeakyRelu(0.2);

/// More than any known model: a file that says more is wrong, or means harm.
const MOST_BLOCKS: usize = 256;
const MOST_FEATURES: usize = 4096;
const MOST_UPS: usize = 4;

/// Rows of the blocks' size that the layers after them look beyond a strip.
const MARGIN: usize = 2;
/// Numbers of one layer's result in a strip, about: 64 MB.
const STRIP: usize = 16 << 20;

/// Three dense blocks and what is added around them.
type Block = [Dense; 3];

/// The network.
#[derive(Debug)]
pub(crate) struct Rrdb {
    first: Conv2d,
    blocks: Vec<Block>,
    body: Conv2d,
    ups: Vec<Conv2d>,
    high: Conv2d,
    last: Conv2d,
    features: usize,
    growth: usize,
    /// So many pixels of a side become channels first.
    shuffle: usize,
    scale: usize,
    compute: Compute,
}

impl Rrdb {
    /// Builds it from its weights; width, depth and scale show in their names and shapes.
    pub(crate) fn new(vars: &Vars) -> Result<Self, VarsError> {
        let shape = |name: &str| vars.any(name).map(|w| w.shape().to_vec());
        let first = shape("conv_first.weight")?;
        let growth = shape("body.0.rdb1.conv1.weight")?.first().copied().unwrap_or(0);
        let &[features, c_in, 3, 3] = first.as_slice() else {
            return Err(vars.odd(format!("\"conv_first.weight\" is no 3x3 convolution: {first:?}")));
        };
        let count = vars.count("body");
        let range = 1..=MOST_FEATURES;
        if !range.contains(&features) || !range.contains(&growth) || count > MOST_BLOCKS {
            return Err(vars.odd(format!(
                "{count} blocks of {features} features, growing by {growth}, make no upscaler known here"
            )));
        }
        let ups = (1..=MOST_UPS + 1).take_while(|k| vars.has(&format!("conv_up{k}.weight"))).count();
        let shuffle = (1..=8usize).find(|d| 3 * d * d == c_in).filter(|d| (1 << ups) % d == 0);
        let Some(shuffle) = shuffle.filter(|_| ups <= MOST_UPS) else {
            return Err(vars.odd(format!(
                "{c_in} channels in and {ups} doublings make no scale: colour pictures have 3, 12 or 48 channels here"
            )));
        };
        let conv =
            |name: &str, c_in, c_out| Conv2d::sized(&vars.at(name), c_in, c_out, 3, ConvSpec::padded(1));
        let mut blocks = Vec::new();
        for n in 0..count {
            let rdb = |k: usize| dense(&vars.at(format!("body.{n}.rdb{k}")), features, growth);
            blocks.push([rdb(1)?, rdb(2)?, rdb(3)?]);
        }
        Ok(Self {
            first: conv("conv_first", c_in, features)?,
            blocks,
            body: conv("conv_body", features, features)?,
            ups: (1..=ups)
                .map(|k| conv(&format!("conv_up{k}"), features, features))
                .collect::<Result<_, _>>()?,
            high: conv("conv_hr", features, features)?,
            last: conv("conv_last", features, 3)?,
            features,
            growth,
            shuffle,
            scale: (1 << ups) / shuffle,
            compute: vars.compute().clone(),
        })
    }

    pub(crate) fn scale(&self) -> usize {
        self.scale
    }

    pub(crate) fn steps(&self) -> usize {
        self.blocks.len() + 1
    }

    /// Pictures are reflected to multiples of this: four pixels where pixels become channels.
    pub(crate) fn multiple(&self) -> usize {
        if self.shuffle == 1 { 1 } else { self.shuffle.max(4) }
    }

    pub(crate) fn describe(&self) -> String {
        format!(
            "ESRGAN (RRDBNet), {} blocks of {} features growing by {}, {}x",
            self.blocks.len(),
            self.features,
            self.growth,
            self.scale
        )
    }

    pub(crate) fn forward(
        &self,
        planes: Vec<f32>,
        [h, w]: [usize; 2],
        steps: &Steps<'_>,
    ) -> Result<Tensor<4>, NetError> {
        let by = self.shuffle;
        let x: Tensor<4> = if by == 1 {
            self.compute.tensor(planes, [1, 3, h, w])
        } else {
            self.compute.tensor(unshuffled(&planes, [h, w], by), [1, 3 * by * by, h / by, w / by])
        };
        let first = self.first.forward(&x);
        let mut y = first.clone();
        let mut room = DenseRoom::default();
        for (n, block) in self.blocks.iter().enumerate() {
            let outer = Some(Outer { scale: RESIDUAL, add: &y });
            let inner = ops::dense(&y, &block[0], None, &mut room, &self.compute);
            let inner = ops::dense(&inner, &block[1], None, &mut room, &self.compute);
            y = ops::dense(&inner, &block[2], outer, &mut room, &self.compute);
            steps.at(n + 1)?;
        }
        drop(room);
        let y = self.body.forward_then(&y, ConvThen { add: Some(&first), ..ConvThen::default() });
        drop(first);
        self.tail_in_strips(&y, steps)
    }

    /// The layers after the blocks, strip by strip.
    fn tail_in_strips(&self, y: &Tensor<4>, steps: &Steps<'_>) -> Result<Tensor<4>, NetError> {
        let [_, c, h, w] = y.dims();
        let grown = 1 << self.ups.len();
        // Even, so that strips begin where a whole picture's tiles do.
        let rows = (STRIP / (c * w * grown * grown).max(1)).max(8) / 2 * 2;
        if rows >= h {
            return Ok(self.tail(y));
        }
        let mut strips = Vec::new();
        for start in (0..h).step_by(rows) {
            steps.at(self.blocks.len())?;
            let end = (start + rows).min(h);
            let (from, to) = (start.saturating_sub(MARGIN), (end + MARGIN).min(h));
            let strip = self.tail(&y.clone().narrow(2, from, to - from));
            strips.push(strip.narrow(2, (start - from) * grown, (end - start) * grown));
        }
        Ok(Tensor::cat(strips, 2))
    }

    fn tail(&self, y: &Tensor<4>) -> Tensor<4> {
        let then = || ConvThen { act: ACT, ..ConvThen::default() };
        let mut y = y.clone();
        for up in &self.ups {
            let [_, _, h, w] = y.dims();
            y = up.forward_then(&y, ConvThen { upsample: Some([2 * h, 2 * w]), ..then() });
        }
        self.last.forward(&self.high.forward_then(&y, then()))
    }
}

/// A dense block; the factor of its result is in the last convolution's weights.
fn dense(vars: &Vars, features: usize, growth: usize) -> Result<Dense, VarsError> {
    let mut convs = Vec::new();
    for k in 1..=5 {
        let at = vars.at(format!("conv{k}"));
        let c_out = if k == 5 { features } else { growth };
        let weight = at.get("weight", &[c_out, features + (k - 1) * growth, 3, 3])?;
        let bias = at.has("bias").then(|| at.get("bias", &[c_out])).transpose()?;
        let fit = |w: Weight| if k == 5 { scaled(&w) } else { w };
        convs.push(DenseConv { weight: fit(weight), bias: bias.map(fit) });
    }
    let shortcut = vars
        .has("conv1x1.weight")
        .then(|| vars.get("conv1x1.weight", &[growth, features, 1, 1]))
        .transpose()?;
    Ok(Dense { convs, act: ACT, shortcut })
}

fn scaled(weight: &Weight) -> Weight {
    let mut values = weight.to_f32();
    for value in &mut values {
        *value *= RESIDUAL;
    }
    Weight::from_f32(weight.shape(), values)
}

/// Pixels to channels: pixel (dy, dx) of every `by` x `by` square of channel c becomes channel (c * by + dy) * by + dx.
fn unshuffled(planes: &[f32], [h, w]: [usize; 2], by: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(planes.len());
    for plane in planes.chunks_exact((h * w).max(1)) {
        for (dy, dx) in (0..by).flat_map(|dy| (0..by).map(move |dx| (dy, dx))) {
            for row in plane.chunks_exact(w.max(1)).skip(dy).step_by(by) {
                out.extend(row.iter().skip(dx).step_by(by));
            }
        }
    }
    out
}
