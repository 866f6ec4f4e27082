//! MODNet (Ke and others, 2020): a matte of a person in one pass. A branch of low resolution finds the subject, one of
//! high resolution finds its edges, and the third joins them. Only what a finished model needs is built: the two side
//! outputs of the training are left out.

use kiln_networks::NetError;
use kiln_tensor::layers::Linear;
use kiln_tensor::ops::{self, ConvSpec};
use kiln_tensor::{Act, Tensor, Vars, VarsError};

use super::conv::Conv;
use super::mobilenet::{Features, MobileNet, STAGES};
use super::{Step, fits};

/// Sides of a picture must be multiples of this.
pub const GRAIN: usize = 32;

/// A convolution, then batch norm on the first half of the channels and instance norm on the second, then ReLU; called
/// Conv2dIBNormRelu by its authors.
#[derive(Debug)]
pub struct ConvIbn {
    conv: Conv,
}

impl ConvIbn {
    /// Takes `c_in` channels, with a kernel of this size.
    pub fn new(vars: &Vars, c_in: usize, kernel: usize, stride: usize) -> Result<Self, VarsError> {
        let spec = ConvSpec::padded(kernel / 2).stride(stride);
        let conv = Conv::folded(vars, "layers.0", "layers.1.bnorm", c_in, kernel, spec)?;
        if let Some(norm) = vars.maybe("layers.1.bnorm.running_var")
            && norm.len() != conv.c_out() / 2
        {
            let (name, half) = (vars.full("layers.1.bnorm"), conv.c_out() / 2);
            return Err(vars.odd(format!("\"{name}\" covers {} channels, not {half}", norm.len())));
        }
        Ok(Self { conv })
    }

    /// Through all of it.
    #[must_use]
    pub fn forward(&self, x: &Tensor<4>) -> Tensor<4> {
        ops::instance_norm(&self.conv.forward(x), self.conv.c_out() / 2, 1e-5, Act::Relu)
    }
}

/// Several of these in a row, all with kernels of 3, as many as the file has.
fn row(vars: &Vars, c_in: usize, count: usize) -> Result<Vec<ConvIbn>, VarsError> {
    let mut c = c_in;
    let mut made: Vec<ConvIbn> = Vec::new();
    for n in 0..count {
        made.push(ConvIbn::new(&vars.at(n.to_string()), c, 3, 1)?);
        c = made.last().map_or(c, |conv| conv.conv.c_out());
    }
    Ok(made)
}

fn through(convs: &[ConvIbn], x: &Tensor<4>) -> Tensor<4> {
    let mut h: Option<Tensor<4>> = None;
    for conv in convs {
        h = Some(conv.forward(h.as_ref().unwrap_or(x)));
    }
    h.unwrap_or_else(|| x.clone())
}

/// Squeeze and excite: every channel is weighed by what all of them have on average.
#[derive(Debug)]
pub struct Squeeze {
    down: Linear,
    up: Linear,
}

impl Squeeze {
    /// On so many channels.
    pub fn new(vars: &Vars, c: usize) -> Result<Self, VarsError> {
        let down = Linear::new(&vars.at("fc.0"))?;
        let between = down.n();
        Ok(Self {
            down: Linear::sized(&vars.at("fc.0"), c, between)?,
            up: Linear::sized(&vars.at("fc.2"), between, c)?,
        })
    }

    /// Weighs.
    #[must_use]
    pub fn forward(&self, x: &Tensor<4>) -> Tensor<4> {
        let [n, c, _, _] = x.dims();
        let weights = self.down.forward_then(&ops::average(x), Act::Relu, None);
        let weights = self.up.forward_then(&weights, Act::Sigmoid, None);
        x.clone() * weights.reshape([n, c, 1, 1])
    }
}

/// MODNet.
#[derive(Debug)]
pub struct ModNet {
    backbone: MobileNet,
    squeeze: Squeeze,
    lr16x: ConvIbn,
    lr8x: ConvIbn,
    to_hr2x: ConvIbn,
    enc2x: ConvIbn,
    to_hr4x: ConvIbn,
    enc4x: ConvIbn,
    hr4x: Vec<ConvIbn>,
    hr2x: Vec<ConvIbn>,
    lr4x: ConvIbn,
    f2x: ConvIbn,
    f: ConvIbn,
    matte: Conv,
}

impl ModNet {
    /// Built of the weights at `vars`, where `backbone.…`, `lr_branch.…`, `hr_branch.…` and `f_branch.…` begin.
    pub fn new(vars: &Vars) -> Result<Self, VarsError> {
        let backbone = MobileNet::new(&vars.at("backbone.model"))?;
        let [c2, c4, _, _, c32] = backbone.widths();
        let at = |name: &str| vars.at(name);
        let out = |conv: &ConvIbn| conv.conv.c_out();
        let end = |convs: &[ConvIbn], c: usize| convs.last().map_or(c, out);
        let squeeze = Squeeze::new(&at("lr_branch.se_block"), c32)?;
        let lr16x = ConvIbn::new(&at("lr_branch.conv_lr16x"), c32, 5, 1)?;
        let lr8x = ConvIbn::new(&at("lr_branch.conv_lr8x"), out(&lr16x), 5, 1)?;
        let to_hr2x = ConvIbn::new(&at("hr_branch.tohr_enc2x"), c2, 1, 1)?;
        let enc2x = ConvIbn::new(&at("hr_branch.conv_enc2x"), out(&to_hr2x) + 3, 3, 2)?;
        let to_hr4x = ConvIbn::new(&at("hr_branch.tohr_enc4x"), c4, 1, 1)?;
        let enc4x = ConvIbn::new(&at("hr_branch.conv_enc4x"), out(&enc2x) + out(&to_hr4x), 3, 1)?;
        let c = out(&enc4x) + out(&lr8x) + 3;
        let hr4x = row(&at("hr_branch.conv_hr4x"), c, 3)?;
        let hr2x = row(&at("hr_branch.conv_hr2x"), end(&hr4x, c) + out(&to_hr2x), 4)?;
        let lr4x = ConvIbn::new(&at("f_branch.conv_lr4x"), out(&lr8x), 5, 1)?;
        let f2x = ConvIbn::new(&at("f_branch.conv_f2x"), out(&lr4x) + end(&hr2x, 0), 3, 1)?;
        let f = ConvIbn::new(&at("f_branch.conv_f.0"), out(&f2x) + 3, 3, 1)?;
        let last = at("f_branch.conv_f.1.layers.0");
        last.get("weight", &[1, out(&f), 1, 1])?;
        let matte = Conv::new(&last, out(&f), 1, ConvSpec::padded(0))?;
        Ok(Self {
            backbone,
            squeeze,
            lr16x,
            lr8x,
            to_hr2x,
            enc2x,
            to_hr4x,
            enc4x,
            hr4x,
            hr2x,
            lr4x,
            f2x,
            f,
            matte,
        })
    }

    /// From a picture (1, 3, height, width) of -1 to 1, with sides of multiples of [`GRAIN`], to a matte
    /// (1, 1, height, width) of 0 to 1.
    pub fn forward(&self, x: &Tensor<4>, step: Step<'_>) -> Result<Tensor<4>, NetError> {
        fits(x, GRAIN)?;
        let [_, _, h, w] = x.dims();
        let part = |by: usize| [h / by, w / by];
        let all = STAGES.len() + 4;
        let mut done = 0;
        let mut next = || {
            done += 1;
            step(done, all)
        };
        let Features { half, quarter, last } = self.backbone.forward(x, &mut next)?;
        let join = |parts: &[&Tensor<4>]| ops::join_channels(parts);
        // Where the subject is.
        let lr = self.squeeze.forward(&last);
        let lr = self.lr16x.forward(&ops::resize_bilinear(&lr, part(16)));
        let lr8x = self.lr8x.forward(&ops::resize_bilinear(&lr, part(8)));
        let lr4x = ops::resize_bilinear(&lr8x, part(4));
        next()?;
        // Where its edges are.
        let half = self.to_hr2x.forward(&half);
        let hr = self.enc2x.forward(&join(&[&ops::resize_bilinear(x, part(2)), &half]));
        let hr = self.enc4x.forward(&join(&[&hr, &self.to_hr4x.forward(&quarter)]));
        let hr = through(&self.hr4x, &join(&[&hr, &lr4x, &ops::resize_bilinear(x, part(4))]));
        next()?;
        let hr2x = through(&self.hr2x, &join(&[&ops::resize_bilinear(&hr, part(2)), &half]));
        next()?;
        // Both together.
        let lr2x = ops::resize_bilinear(&self.lr4x.forward(&lr4x), part(2));
        let f = self.f2x.forward(&join(&[&lr2x, &hr2x]));
        let f = self.f.forward(&join(&[&ops::resize_bilinear(&f, [h, w]), x]));
        let matte = ops::act(Act::Sigmoid, self.matte.forward(&f));
        next()?;
        Ok(matte)
    }
}
