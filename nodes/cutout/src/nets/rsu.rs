//! The residual U-block of U²-Net: a small U of convolutions, added to what came in.

use kiln_tensor::layers::Conv2d;
use kiln_tensor::ops::{self, ConvSpec, ConvThen};
use kiln_tensor::{Act, Tensor, Vars, VarsError};

use super::fold::folded;

/// A 3x3 convolution with batch norm and ReLU; called REBNCONV by its authors.
#[derive(Debug)]
struct Conv(Conv2d);

impl Conv {
    fn new(vars: &Vars, name: &str, c_in: usize, dilation: usize) -> Result<Self, VarsError> {
        let spec = ConvSpec { dilation: [dilation; 2], ..ConvSpec::padded(dilation) };
        folded(&vars.at(name), "conv_s1", "bn_s1", c_in, 3, spec).map(Self)
    }

    fn forward(&self, x: &Tensor<4>) -> Tensor<4> {
        self.0.forward_then(x, ConvThen { act: Act::Relu, ..ConvThen::default() })
    }

    fn forward_add(&self, x: &Tensor<4>, add: &Tensor<4>) -> Tensor<4> {
        self.0.forward_then(x, ConvThen { act: Act::Relu, add: Some(add), ..ConvThen::default() })
    }
}

/// How a block looks further without more convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Each level has half the pixels of the one above (RSU-7, -6, -5, -4).
    Halved,
    /// Each level has taps twice as far apart as the one above (RSU-4F).
    Dilated,
}

/// One block of some levels.
#[derive(Debug)]
pub struct Rsu {
    reach: Reach,
    first: Conv,
    down: Vec<Conv>,
    bottom: Conv,
    /// From the bottom upwards.
    up: Vec<Conv>,
}

impl Rsu {
    /// A block that takes `c_in` channels.
    pub fn new(vars: &Vars, levels: usize, reach: Reach, c_in: usize) -> Result<Self, VarsError> {
        let dilation = |level: usize| match reach {
            Reach::Halved if level == levels => 2,
            Reach::Halved => 1,
            Reach::Dilated => 1 << (level - 1),
        };
        let first = Conv::new(vars, "rebnconvin", c_in, 1)?;
        let c_out = first.0.c_out();
        let mut down = Vec::new();
        let mut c = c_out;
        for level in 1..levels {
            down.push(Conv::new(vars, &format!("rebnconv{level}"), c, dilation(level))?);
            c = down.last().map_or(c, |conv| conv.0.c_out());
        }
        let bottom = Conv::new(vars, &format!("rebnconv{levels}"), c, dilation(levels))?;
        let mut c = bottom.0.c_out();
        let mut up = Vec::new();
        for (level, partner) in (1..levels).zip(&down).rev() {
            up.push(Conv::new(vars, &format!("rebnconv{level}d"), c + partner.0.c_out(), dilation(level))?);
            c = up.last().map_or(c, |conv| conv.0.c_out());
        }
        if c != c_out {
            return Err(
                vars.odd(format!("\"{}\" ends in {c} channels, not {c_out}", vars.full("rebnconv1d")))
            );
        }
        Ok(Self { reach, first, down, bottom, up })
    }

    /// Channels out.
    #[must_use]
    pub fn c_out(&self) -> usize {
        self.first.0.c_out()
    }

    /// Through the block.
    #[must_use]
    pub fn forward(&self, x: &Tensor<4>) -> Tensor<4> {
        let whole = self.first.forward(x);
        let mut levels: Vec<Tensor<4>> = Vec::new();
        for conv in &self.down {
            let made = match (levels.last(), self.reach) {
                (None, _) => conv.forward(&whole),
                (Some(above), Reach::Halved) => conv.forward(&ops::max_pool2(above)),
                (Some(above), Reach::Dilated) => conv.forward(above),
            };
            levels.push(made);
        }
        let mut h = self.bottom.forward(levels.last().unwrap_or(&whole));
        for (n, conv) in self.up.iter().enumerate() {
            let Some(partner) = levels.pop() else { break };
            let both = ops::join_channels(&[&like(&h, &partner), &partner]);
            h = if n + 1 == self.up.len() { conv.forward_add(&both, &whole) } else { conv.forward(&both) };
        }
        h
    }
}

/// Resized to the height and width of `other`.
#[must_use]
pub fn like(x: &Tensor<4>, other: &Tensor<4>) -> Tensor<4> {
    let [_, _, h, w] = other.dims();
    ops::resize_bilinear(x, [h, w])
}
