//! The two halves: encoder and decoder.

use kiln_tensor::layers::{Conv2d, GroupNorm};
use kiln_tensor::ops::{ConvSpec, ConvThen};
use kiln_tensor::{Act, Tensor, Vars, VarsError};

use super::config::Config;
use super::parts::{Middle, Stage, norm};

/// Pictures to the two moments of a latent.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    conv_in: Conv2d,
    /// The full resolution first, each with its way to half of it.
    down: Vec<(Stage, Option<Conv2d>)>,
    middle: Middle,
    norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Encoder {
    pub(super) fn new(vars: &Vars, config: &Config) -> Result<Self, VarsError> {
        let first = vars.shape("conv_in.weight").and_then(|s| s.first().copied()).unwrap_or(0);
        let (deepest, groups) = (config.deepest(), config.groups);
        // A row of zeros below and a column right, and none on the other sides.
        let halve = ConvSpec { pad: [0, 1, 0, 1], ..ConvSpec::padded(0).stride(2) };
        let mut down = Vec::new();
        let mut c_in = first;
        for (level, c_out) in config.channels.iter().copied().enumerate() {
            let vars = vars.at(format!("down.{level}"));
            let stage = Stage::new(&vars, config.res_blocks, c_in, c_out, groups)?;
            let step = (level + 1 < config.channels.len())
                .then(|| Conv2d::sized(&vars.at("downsample.conv"), c_out, c_out, 3, halve));
            down.push((stage, step.transpose()?));
            c_in = c_out;
        }
        Ok(Self {
            conv_in: conv(vars, "conv_in", config.image_channels, first)?,
            down,
            middle: Middle::new(&vars.at("mid"), deepest, groups)?,
            norm_out: norm(&vars.at("norm_out"), deepest, groups)?,
            conv_out: conv(vars, "conv_out", deepest, 2 * config.z_channels)?,
        })
    }

    pub(super) fn forward(&self, x: &Tensor<4>) -> Tensor<4> {
        let mut x = self.conv_in.forward(x);
        for (stage, halve) in &self.down {
            x = stage.forward(x);
            if let Some(conv) = halve {
                x = conv.forward(&x);
            }
        }
        let x = self.middle.forward(x);
        self.conv_out.forward(&self.norm_out.forward(&x, Act::Silu))
    }
}

/// Latents to pictures.
#[derive(Clone, Debug)]
pub(super) struct Decoder {
    conv_in: Conv2d,
    middle: Middle,
    /// The lowest resolution first, each with its way to twice of it.
    up: Vec<(Stage, Option<Conv2d>)>,
    norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Decoder {
    pub(super) fn new(vars: &Vars, config: &Config) -> Result<Self, VarsError> {
        let (deepest, groups) = (config.deepest(), config.groups);
        let mut up = Vec::new();
        let mut c_in = deepest;
        for (level, c_out) in config.channels.iter().copied().enumerate().rev() {
            let vars = vars.at(format!("up.{level}"));
            let stage = Stage::new(&vars, config.res_blocks + 1, c_in, c_out, groups)?;
            let step = (level > 0).then(|| conv(&vars.at("upsample"), "conv", c_out, c_out));
            up.push((stage, step.transpose()?));
            c_in = c_out;
        }
        Ok(Self {
            conv_in: conv(vars, "conv_in", config.z_channels, deepest)?,
            middle: Middle::new(&vars.at("mid"), deepest, groups)?,
            up,
            norm_out: norm(&vars.at("norm_out"), c_in, groups)?,
            conv_out: conv(vars, "conv_out", c_in, config.image_channels)?,
        })
    }

    pub(super) fn forward(&self, z: &Tensor<4>) -> Tensor<4> {
        let mut x = self.middle.forward(self.conv_in.forward(z));
        for (stage, double) in &self.up {
            x = stage.forward(x);
            if let Some(conv) = double {
                let [_, _, h, w] = x.dims();
                // The enlarged picture itself is never made.
                x = conv.forward_then(&x, ConvThen { upsample: Some([2 * h, 2 * w]), ..ConvThen::default() });
            }
        }
        let x = self.norm_out.forward(&x, Act::Silu);
        self.conv_out.forward(&x)
    }
}

fn conv(vars: &Vars, name: &str, c_in: usize, c_out: usize) -> Result<Conv2d, VarsError> {
    Conv2d::sized(&vars.at(name), c_in, c_out, 3, ConvSpec::padded(1))
}
