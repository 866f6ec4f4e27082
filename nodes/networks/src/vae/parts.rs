//! What both halves are made of. Tensors are handed over wherever they are not needed afterwards: at full resolution
//! each is as large as hundreds of pictures.

use kiln_tensor::layers::{Conv2d, GroupNorm, Linear};
use kiln_tensor::ops::{Attend, ConvSpec, ConvThen, attention};
use kiln_tensor::{Act, Tensor, Vars, VarsError};

/// A group norm over so many channels.
pub(super) fn norm(vars: &Vars, channels: usize, groups: usize) -> Result<GroupNorm, VarsError> {
    vars.get("weight", &[channels])?;
    GroupNorm::new(vars, groups, 1e-6)
}

/// Two convolutions and what goes past them.
#[derive(Clone, Debug)]
pub struct ResBlock {
    norm1: GroupNorm,
    conv1: Conv2d,
    norm2: GroupNorm,
    conv2: Conv2d,
    shortcut: Option<Conv2d>,
}

impl ResBlock {
    /// The block whose weights begin at `vars`.
    pub fn new(vars: &Vars, c_in: usize, c_out: usize, groups: usize) -> Result<Self, VarsError> {
        let conv = |name: &str, c_in, kernel| {
            Conv2d::sized(&vars.at(name), c_in, c_out, kernel, ConvSpec::padded(kernel / 2))
        };
        let shortcut = if vars.has_below("conv_shortcut") {
            Some(conv("conv_shortcut", c_in, 3)?)
        } else if c_in != c_out {
            Some(conv("nin_shortcut", c_in, 1)?)
        } else {
            None
        };
        Ok(Self {
            norm1: norm(&vars.at("norm1"), c_in, groups)?,
            conv1: conv("conv1", c_in, 3)?,
            norm2: norm(&vars.at("norm2"), c_out, groups)?,
            conv2: conv("conv2", c_out, 3)?,
            shortcut,
        })
    }

    /// (images, channels in, height, width) to (images, channels out, height, width).
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let h = self.norm1.forward(&x, Act::Silu);
        let h = self.conv1.forward(&h);
        let past = match &self.shortcut {
            Some(conv) => {
                let past = conv.forward(&x);
                drop(x);
                past
            }
            None => x,
        };
        let h = self.norm2.forward(&h, Act::Silu);
        self.conv2.forward_then(&h, ConvThen { add: Some(&past), ..ConvThen::default() })
    }
}

/// Attention of every pixel over all pixels, with one head.
#[derive(Clone, Debug)]
pub struct Attention {
    norm: GroupNorm,
    q: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
}

impl Attention {
    /// The block whose weights begin at `vars`.
    pub fn new(vars: &Vars, channels: usize, groups: usize) -> Result<Self, VarsError> {
        let linear = |name: &str| Linear::sized(&vars.at(name), channels, channels);
        Ok(Self {
            norm: norm(&vars.at("norm"), channels, groups)?,
            q: linear("q")?,
            k: linear("k")?,
            v: linear("v")?,
            out: linear("proj_out")?,
        })
    }

    /// (images, channels, height, width) to the same.
    #[must_use]
    pub fn forward(&self, x: &Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = x.dims();
        let h = self.norm.forward(x, Act::None);
        let [q, k, v] = [&self.q, &self.k, &self.v].map(|layer| layer.from_picture(&h));
        drop(h);
        let seen = attention(&q, &k, &v, Attend::heads(1));
        self.out.to_picture(&seen, [height, width], Some(x))
    }
}

/// The blocks of one resolution, each with its attention where there is one.
#[derive(Clone, Debug)]
pub(super) struct Stage(Vec<(ResBlock, Option<Attention>)>);

impl Stage {
    /// `count` blocks at `vars.block`, attentions at `vars.attn`.
    pub(super) fn new(
        vars: &Vars,
        count: usize,
        c_in: usize,
        c_out: usize,
        groups: usize,
    ) -> Result<Self, VarsError> {
        let blocks = (0..count).map(|i| {
            let c_in = if i == 0 { c_in } else { c_out };
            let block = ResBlock::new(&vars.at(format!("block.{i}")), c_in, c_out, groups)?;
            let name = format!("attn.{i}");
            let attention = vars.has_below(&name).then(|| Attention::new(&vars.at(&name), c_out, groups));
            Ok((block, attention.transpose()?))
        });
        Ok(Self(blocks.collect::<Result<_, VarsError>>()?))
    }

    pub(super) fn forward(&self, mut x: Tensor<4>) -> Tensor<4> {
        for (block, attention) in &self.0 {
            x = block.forward(x);
            if let Some(attention) = attention {
                x = attention.forward(&x);
            }
        }
        x
    }
}

/// The blocks at the lowest resolution, alike in both halves.
#[derive(Clone, Debug)]
pub(super) struct Middle {
    block_1: ResBlock,
    attention: Option<Attention>,
    block_2: ResBlock,
}

impl Middle {
    pub(super) fn new(vars: &Vars, channels: usize, groups: usize) -> Result<Self, VarsError> {
        let attention =
            vars.has_below("attn_1").then(|| Attention::new(&vars.at("attn_1"), channels, groups));
        Ok(Self {
            block_1: ResBlock::new(&vars.at("block_1"), channels, channels, groups)?,
            attention: attention.transpose()?,
            block_2: ResBlock::new(&vars.at("block_2"), channels, channels, groups)?,
        })
    }

    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut x = self.block_1.forward(x);
        if let Some(attention) = &self.attention {
            x = attention.forward(&x);
        }
        self.block_2.forward(x)
    }
}
