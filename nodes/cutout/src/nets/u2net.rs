//! U²-Net (Qin and others, 2020), a U of U-blocks, and IS-Net (2022), which is the same on a picture of half the sides.
//!
//! U²-Net mixes what it sees at six sizes into one map; IS-Net uses the finest one alone. Widths are read off the
//! weights, so U²-NetP and trained relatives are built by the same code.

use kiln_networks::NetError;
use kiln_tensor::layers::Conv2d;
use kiln_tensor::ops::{self, ConvSpec};
use kiln_tensor::{Act, Tensor, Vars, VarsError};

use super::rsu::{Reach, Rsu, like};
use super::{Step, fits};

/// Levels of the blocks on the way down.
pub const DOWN: [(usize, Reach); 6] = [
    (7, Reach::Halved),
    (6, Reach::Halved),
    (5, Reach::Halved),
    (4, Reach::Halved),
    (4, Reach::Dilated),
    (4, Reach::Dilated),
];

/// What the sizes' maps become.
#[derive(Debug)]
enum Head {
    /// All six, mixed: U²-Net.
    Fused { sides: Vec<Conv2d>, fuse: Conv2d },
    /// The finest alone: IS-Net.
    Finest { side: Conv2d },
}

/// U²-Net or IS-Net.
#[derive(Debug)]
pub struct U2Net {
    /// IS-Net halves the picture first.
    conv_in: Option<Conv2d>,
    down: Vec<Rsu>,
    /// From the smallest to the largest.
    up: Vec<Rsu>,
    head: Head,
}

impl U2Net {
    /// Built of the weights at `vars`, where `stage1.…` begins: IS-Net if `conv_in.…` is there.
    pub fn new(vars: &Vars) -> Result<Self, VarsError> {
        let mut c = 3;
        let conv_in = if vars.has("conv_in.weight") {
            let at = vars.at("conv_in");
            let conv = Conv2d::new(&at, ConvSpec::padded(1).stride(2))?;
            at.get("weight", &[conv.c_out(), 3, 3, 3])?;
            c = conv.c_out();
            Some(conv)
        } else {
            None
        };
        let mut down: Vec<Rsu> = Vec::new();
        for (n, (levels, reach)) in (1..).zip(DOWN) {
            down.push(Rsu::new(&vars.at(format!("stage{n}")), levels, reach, c)?);
            c = down.last().map_or(c, Rsu::c_out);
        }
        let mut up = Vec::new();
        for ((n, (levels, reach)), partner) in (1..6).zip(DOWN).zip(&down).rev() {
            let block = Rsu::new(&vars.at(format!("stage{n}d")), levels, reach, c + partner.c_out())?;
            c = block.c_out();
            up.push(block);
        }
        // The smallest size's map is made of the last block down.
        let widths: Vec<usize> = up.iter().rev().map(Rsu::c_out).chain(down.last().map(Rsu::c_out)).collect();
        let side =
            |n: usize, c: usize| Conv2d::sized(&vars.at(format!("side{n}")), c, 1, 3, ConvSpec::padded(1));
        let head = if conv_in.is_some() {
            Head::Finest { side: side(1, c)? }
        } else {
            let sides: Vec<Conv2d> =
                (1..).zip(&widths).map(|(n, c)| side(n, *c)).collect::<Result<_, _>>()?;
            let fuse = Conv2d::sized(&vars.at("outconv"), sides.len(), 1, 1, ConvSpec::padded(0))?;
            Head::Fused { sides, fuse }
        };
        Ok(Self { conv_in, down, up, head })
    }

    /// From pictures (images, 3, height, width) to maps (images, 1, height, width) of 0 to 1.
    pub fn forward(&self, x: &Tensor<4>, step: Step<'_>) -> Result<Tensor<4>, NetError> {
        fits(x, 1)?;
        let all = self.down.len() + self.up.len() + 1;
        let mut done = 0;
        let mut next = || {
            done += 1;
            step(done, all)
        };
        let mut h = self.conv_in.as_ref().map_or_else(|| x.clone(), |conv| conv.forward(x));
        let mut seen: Vec<Tensor<4>> = Vec::new();
        for block in &self.down {
            if let Some(above) = seen.last() {
                h = ops::max_pool2(above);
            }
            seen.push(block.forward(&h));
            next()?;
        }
        // Every size as the way up leaves it; the smallest first, and it is not changed.
        let mut made: Vec<Tensor<4>> = seen.pop().into_iter().collect();
        for block in &self.up {
            let (Some(below), Some(partner)) = (made.last(), seen.pop()) else { break };
            let both = ops::join_channels(&[&like(below, &partner), &partner]);
            drop(partner);
            made.push(block.forward(&both));
            next()?;
        }
        let map = match &self.head {
            Head::Finest { side } => made.last().map(|finest| like(&side.forward(finest), x)),
            Head::Fused { sides, fuse } => {
                let maps: Vec<Tensor<4>> =
                    sides.iter().zip(made.iter().rev()).map(|(side, h)| side.forward(h)).collect();
                let maps: Vec<Tensor<4>> = maps.iter().map(|map| like(map, x)).collect();
                Some(fuse.forward(&ops::join_channels(&maps.iter().collect::<Vec<_>>())))
            }
        };
        next()?;
        // There are blocks, so there is a map.
        Ok(ops::act(Act::Sigmoid, map.unwrap_or(h)))
    }
}
