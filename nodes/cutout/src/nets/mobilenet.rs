//! MobileNetV2 (Sandler and others, 2018) as a backbone: features at half, a quarter and a thirty-second of the sides.

use kiln_tensor::ops::{ConvSpec, ConvThen};
use kiln_tensor::{Act, Tensor, Vars, VarsError};

use super::conv::Conv;

/// Blocks of one width: how many, and the step of the first.
pub const STAGES: [(usize, usize); 7] = [(1, 1), (2, 2), (3, 2), (4, 2), (3, 1), (3, 2), (1, 1)];

/// Widens, looks around in each channel for itself, narrows; added to what came in where the shape allows.
#[derive(Debug)]
struct Inverted {
    widen: Option<Conv>,
    around: Conv,
    narrow: Conv,
    adds: bool,
}

const RELU6: ConvThen<'_> = ConvThen { shift: None, act: Act::Relu6, add: None, upsample: None };

impl Inverted {
    fn new(vars: &Vars, c_in: usize, stride: usize) -> Result<Self, VarsError> {
        // A block that does not widen begins with the second convolution.
        let widens = vars.has("conv.6.weight");
        let (around, narrow) = if widens {
            (["conv.3", "conv.4"], ["conv.6", "conv.7"])
        } else {
            (["conv.0", "conv.1"], ["conv.3", "conv.4"])
        };
        let widen = if widens {
            Some(Conv::folded(vars, "conv.0", "conv.1", c_in, 1, ConvSpec::padded(0))?)
        } else {
            None
        };
        let c = widen.as_ref().map_or(c_in, Conv::c_out);
        let each = ConvSpec { groups: c, ..ConvSpec::padded(1).stride(stride) };
        let around = Conv::folded(vars, around[0], around[1], c, 3, each)?;
        let narrow = Conv::folded(vars, narrow[0], narrow[1], around.c_out(), 1, ConvSpec::padded(0))?;
        Ok(Self { adds: stride == 1 && narrow.c_out() == c_in, widen, around, narrow })
    }

    fn forward(&self, x: &Tensor<4>) -> Tensor<4> {
        let wide = self.widen.as_ref().map_or_else(|| x.clone(), |conv| conv.forward_then(x, RELU6));
        let wide = self.around.forward_then(&wide, RELU6);
        self.narrow.forward_then(&wide, ConvThen { add: self.adds.then_some(x), ..ConvThen::default() })
    }
}

/// The backbone.
#[derive(Debug)]
pub struct MobileNet {
    first: Conv,
    blocks: Vec<Vec<Inverted>>,
    last: Conv,
    /// Channels at half, a quarter and an eighth of the sides, before the narrow middle, and at the end.
    widths: [usize; 5],
}

/// What the backbone sees in a picture.
pub struct Features {
    /// At half the sides.
    pub half: Tensor<4>,
    /// At a quarter.
    pub quarter: Tensor<4>,
    /// At a thirty-second.
    pub last: Tensor<4>,
}

impl MobileNet {
    /// Built of the weights at `vars`, where `features.0.0.weight` lies.
    pub fn new(vars: &Vars) -> Result<Self, VarsError> {
        let features = vars.at("features");
        let first = Conv::folded(&features.at("0"), "0", "1", 3, 3, ConvSpec::padded(1).stride(2))?;
        let mut c = first.c_out();
        let mut n = 1;
        let mut blocks = Vec::new();
        let mut ends = Vec::new();
        for (count, stride) in STAGES {
            let mut stage: Vec<Inverted> = Vec::new();
            for nth in 0..count {
                let block = Inverted::new(&features.at(n.to_string()), c, if nth == 0 { stride } else { 1 })?;
                c = block.narrow.c_out();
                stage.push(block);
                n += 1;
            }
            blocks.push(stage);
            ends.push(c);
        }
        let last = Conv::folded(&features.at(n.to_string()), "0", "1", c, 1, ConvSpec::padded(0))?;
        let widths = [ends[0], ends[1], ends[2], ends[4], last.c_out()];
        Ok(Self { first, blocks, last, widths })
    }

    /// Channels at half, a quarter and an eighth of the sides, at a sixteenth, and at the end.
    #[must_use]
    pub fn widths(&self) -> [usize; 5] {
        self.widths
    }

    /// What it sees in pictures (images, 3, height, width) with sides of multiples of 32.
    pub fn forward<E>(&self, x: &Tensor<4>, next: &mut dyn FnMut() -> Result<(), E>) -> Result<Features, E> {
        let mut h = self.first.forward_then(x, RELU6);
        let mut seen = Vec::new();
        for stage in &self.blocks {
            for block in stage {
                h = block.forward(&h);
            }
            if seen.len() < 2 {
                seen.push(h.clone());
            }
            next()?;
        }
        let last = self.last.forward_then(&h, RELU6);
        let quarter = seen.pop().unwrap_or(h);
        Ok(Features { half: seen.pop().unwrap_or_else(|| quarter.clone()), quarter, last })
    }
}
