//! U²-Net (Qin and others, 2020), a U of U-blocks, and IS-Net (2022), which is the same on a picture of half the sides.
//!
//! U²-Net mixes what it sees at six sizes into one map; IS-Net uses the finest one alone. Widths are read off the
//! weights, so U²-NetP and trained relatives are built by the same code.

use kiln_networks::NetError;
use kiln_tensor::ops::{self, ConvSpec, Maps, Spare};
use kiln_tensor::{Act, Tensor, Vars, VarsError};

use super::conv::Conv;
use super::rsu::{MapsConv, Reach, Rsu};
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
    Fused { sides: Vec<MapsConv>, fuse: Conv },
    /// The finest alone: IS-Net.
    Finest { side: MapsConv },
}

/// U²-Net or IS-Net.
#[derive(Debug)]
pub struct U2Net {
    /// IS-Net halves the picture first.
    conv_in: Option<Conv>,
    down: Vec<Rsu>,
    /// From the smallest to the largest.
    up: Vec<Rsu>,
    head: Head,
}

impl U2Net {
    /// Built of the weights at `vars`, where `stage1.…` begins: IS-Net if `conv_in.…` is there.
    pub fn new(vars: &Vars) -> Result<Self, VarsError> {
        let mut c = 3;
        let mut conv_in = None;
        if vars.has("conv_in.weight") {
            let conv = Conv::new(&vars.at("conv_in"), c, 3, ConvSpec::padded(1).stride(2))?;
            c = conv.c_out();
            conv_in = Some(conv);
        }
        let mut down: Vec<Rsu> = Vec::new();
        for (n, (levels, reach)) in (1..).zip(DOWN) {
            let block = Rsu::new(&vars.at(format!("stage{n}")), levels, reach, c)?;
            c = block.c_out();
            down.push(block);
        }
        let mut up = Vec::new();
        for ((n, (levels, reach)), partner) in (1..6).zip(DOWN).zip(&down).rev() {
            let block = Rsu::new(&vars.at(format!("stage{n}d")), levels, reach, c + partner.c_out())?;
            c = block.c_out();
            up.push(block);
        }
        // The smallest size's map is made of the last block down.
        let widths: Vec<usize> = up.iter().rev().map(Rsu::c_out).chain(down.last().map(Rsu::c_out)).collect();
        let single = |name: &str, c_in: usize, kernel: usize| {
            let at = vars.at(name);
            at.get("weight", &[1, c_in, kernel, kernel])?;
            Conv::new(&at, c_in, kernel, ConvSpec::padded(kernel / 2))
        };
        let side =
            |n: usize, c_in| Ok::<_, VarsError>(MapsConv::of(single(&format!("side{n}"), c_in, 3)?, false));
        let head = if conv_in.is_some() {
            Head::Finest { side: side(1, c)? }
        } else {
            let sides: Vec<MapsConv> =
                (1..).zip(&widths).map(|(n, c)| side(n, *c)).collect::<Result<_, _>>()?;
            let fuse = single("outconv", sides.len(), 1)?;
            Head::Fused { sides, fuse }
        };
        Ok(Self { conv_in, down, up, head })
    }

    /// From a picture (1, 3, height, width) to a map (1, 1, height, width) of 0 to 1.
    pub fn forward(&self, x: &Tensor<4>, step: Step<'_>) -> Result<Tensor<4>, NetError> {
        fits(x, 1)?;
        let all = self.down.len() + self.up.len() + 1;
        let mut done = 0;
        let mut next = || {
            done += 1;
            step(done, all)
        };
        let mut spare = Spare::default();
        let mut h = match &self.conv_in {
            Some(conv) => Maps::of_tensor(&conv.forward(x), &mut spare),
            None => Maps::of_tensor(x, &mut spare),
        };
        let mut seen: Vec<Maps> = Vec::new();
        for block in &self.down {
            if let Some(above) = seen.last() {
                h = above.halved(&mut spare);
            }
            seen.push(block.forward(&[&h], &mut spare));
            spare.give(std::mem::take(&mut h));
            next()?;
        }
        // Every size as the way up leaves it; the smallest first, and it is not changed.
        let mut made: Vec<Maps> = seen.pop().into_iter().collect();
        for block in &self.up {
            let (Some(below), Some(partner)) = (made.last(), seen.pop()) else { break };
            let below = below.resized(partner.size(), &mut spare);
            made.push(block.forward(&[&below, &partner], &mut spare));
            spare.give(below);
            spare.give(partner);
            next()?;
        }
        let [_, _, height, width] = x.dims();
        let mut map = |side: &MapsConv, h: &Maps| {
            ops::resize_bilinear(&side.forward(&[h], None, &mut spare).tensor(), [height, width])
        };
        let whole = match &self.head {
            // There are blocks, so there is a last one.
            Head::Finest { side } => map(side, made.last().unwrap_or(&h)),
            Head::Fused { sides, fuse } => {
                let maps: Vec<Tensor<4>> =
                    sides.iter().zip(made.iter().rev()).map(|(side, h)| map(side, h)).collect();
                fuse.forward(&ops::join_channels(&maps.iter().collect::<Vec<_>>()))
            }
        };
        next()?;
        Ok(ops::act(Act::Sigmoid, whole))
    }
}
