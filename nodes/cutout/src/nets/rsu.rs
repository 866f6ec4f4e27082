//! The residual U-block of U²-Net: a small U of convolutions, added to what came in.

use kiln_tensor::ops::{self, ConvSpec, ConvThen, MapConv, MapThen, Maps, Slope, Spare};
use kiln_tensor::{Act, Vars, VarsError};

use super::conv::Conv;

/// Pictures of fewer pixels are convolved as planes: in blocks, more time goes into the kernel's transform than it saves.
const SMALL: usize = 32 * 32;

/// A 3x3 convolution with batch norm and, in blocks, ReLU; called REBNCONV by its authors.
#[derive(Debug)]
pub(super) struct MapsConv {
    conv: Conv,
    /// The same for large pictures, if its taps are neighbours.
    map: Option<MapConv>,
    act: Act,
}

impl MapsConv {
    /// With or without ReLU.
    pub(super) fn of(conv: Conv, relu: bool) -> Self {
        let map = (conv.spec == ConvSpec::padded(1) && conv.compute.is_cpu()).then(|| MapConv {
            weight: conv.weight.clone(),
            bias: conv.bias.clone(),
            scale: 1.0,
            slope: Slope::One(if relu { 0.0 } else { 1.0 }),
        });
        Self { conv, map, act: if relu { Act::Relu } else { Act::None } }
    }

    fn new(vars: &Vars, name: &str, c_in: usize, dilation: usize) -> Result<Self, VarsError> {
        let spec = ConvSpec { dilation: [dilation; 2], ..ConvSpec::padded(dilation) };
        Ok(Self::of(Conv::folded(&vars.at(name), "conv_s1", "bn_s1", c_in, 3, spec)?, true))
    }

    fn c_out(&self) -> usize {
        self.conv.c_out()
    }

    /// Of `sources` as if their channels followed each other; then `add` is added.
    pub(super) fn forward(&self, sources: &[&Maps], add: Option<&Maps>, spare: &mut Spare) -> Maps {
        let size = sources.first().map_or([0, 0], |maps| maps.size());
        if let Some(map) = self.map.as_ref().filter(|_| size[0] * size[1] >= SMALL) {
            let mut out = spare.room(self.c_out(), size);
            map.run(sources, MapThen { add, ..MapThen::default() }, &self.conv.compute, &mut out);
            return out;
        }
        let tensors: Vec<_> = sources.iter().map(|maps| maps.tensor()).collect();
        let x = match tensors.as_slice() {
            [one] => one.clone(),
            many => ops::join_channels(&many.iter().collect::<Vec<_>>()),
        };
        let add = add.map(Maps::tensor);
        let then = ConvThen { act: self.act, add: add.as_ref(), ..ConvThen::default() };
        Maps::of_tensor(&self.conv.forward_then(&x, then), spare)
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
    first: MapsConv,
    down: Vec<MapsConv>,
    bottom: MapsConv,
    /// From the bottom upwards.
    up: Vec<MapsConv>,
}

impl Rsu {
    /// A block that takes `c_in` channels.
    pub fn new(vars: &Vars, levels: usize, reach: Reach, c_in: usize) -> Result<Self, VarsError> {
        let dilation = |level: usize| match reach {
            Reach::Halved if level == levels => 2,
            Reach::Halved => 1,
            Reach::Dilated => 1 << (level - 1),
        };
        let first = MapsConv::new(vars, "rebnconvin", c_in, 1)?;
        let c_out = first.c_out();
        let mut c = c_out;
        let mut down: Vec<MapsConv> = Vec::new();
        for level in 1..levels {
            down.push(MapsConv::new(vars, &format!("rebnconv{level}"), c, dilation(level))?);
            c = down.last().map_or(c, MapsConv::c_out);
        }
        let bottom = MapsConv::new(vars, &format!("rebnconv{levels}"), c, dilation(levels))?;
        let mut c = bottom.c_out();
        let mut up: Vec<MapsConv> = Vec::new();
        for (level, partner) in (1..levels).zip(&down).rev() {
            up.push(MapsConv::new(vars, &format!("rebnconv{level}d"), c + partner.c_out(), dilation(level))?);
            c = up.last().map_or(c, MapsConv::c_out);
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
        self.first.c_out()
    }

    /// Through the block; it sees `sources` as if their channels followed each other.
    #[must_use]
    pub fn forward(&self, sources: &[&Maps], spare: &mut Spare) -> Maps {
        let whole = self.first.forward(sources, None, spare);
        let mut levels: Vec<Maps> = Vec::new();
        for conv in &self.down {
            let made = match levels.last() {
                None => conv.forward(&[&whole], None, spare),
                Some(above) if self.reach == Reach::Dilated => conv.forward(&[above], None, spare),
                Some(above) => {
                    let half = above.halved(spare);
                    let made = conv.forward(&[&half], None, spare);
                    spare.give(half);
                    made
                }
            };
            levels.push(made);
        }
        let mut h = self.bottom.forward(&[levels.last().unwrap_or(&whole)], None, spare);
        for conv in &self.up {
            let Some(partner) = levels.pop() else { break };
            if h.size() != partner.size() {
                let resized = h.resized(partner.size(), spare);
                spare.give(std::mem::replace(&mut h, resized));
            }
            let add = levels.is_empty().then_some(&whole);
            let made = conv.forward(&[&h, &partner], add, spare);
            spare.give(std::mem::replace(&mut h, made));
            spare.give(partner);
        }
        spare.give(whole);
        h
    }
}
