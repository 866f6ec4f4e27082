//! Convolutions with the batch norm after them folded in: at use a norm is a factor and a shift for each channel.

use kiln_tensor::ops::{self, ConvSpec, ConvThen};
use kiln_tensor::{Compute, Tensor, Vars, VarsError, Weight};

/// What every one of these networks adds to a variance.
const EPS: f64 = 1e-5;

/// A convolution.
#[derive(Clone, Debug)]
pub struct Conv {
    pub(super) weight: Weight,
    pub(super) bias: Option<Weight>,
    pub(super) spec: ConvSpec,
    pub(super) compute: Compute,
}

impl Conv {
    /// Takes `weight` and, when there is one, `bias` below this name; it must take `c_in` channels and have a square kernel
    /// of this size.
    pub fn new(vars: &Vars, c_in: usize, kernel: usize, spec: ConvSpec) -> Result<Self, VarsError> {
        let c_out = vars.any("weight")?.shape().first().copied().unwrap_or(0);
        let weight = vars.get("weight", &[c_out, c_in / spec.groups, kernel, kernel])?;
        let bias = vars.has("bias").then(|| vars.get("bias", &[c_out])).transpose()?;
        if c_out == 0 {
            return Err(vars.odd(format!("\"{}\" has no channels", vars.full("weight"))));
        }
        Ok(Self { weight, bias, spec, compute: vars.compute().clone() })
    }

    /// The convolution `conv` with the batch norm `norm` after it, if the file still has one. The norm may cover the first
    /// channels only.
    pub fn folded(
        vars: &Vars,
        conv: &str,
        norm: &str,
        c_in: usize,
        kernel: usize,
        spec: ConvSpec,
    ) -> Result<Self, VarsError> {
        let made = Self::new(&vars.at(conv), c_in, kernel, spec)?;
        let norm = vars.at(norm);
        if !norm.has("weight") && !norm.has("running_var") {
            return Ok(made);
        }
        let (c_out, covered) = (made.c_out(), norm.any("running_var")?.len());
        if covered > c_out {
            let name = norm.full("running_var");
            return Err(norm.odd(format!("\"{name}\" is wider than the convolution before it")));
        }
        let values = |name: &str| norm.get(name, &[covered]).map(|values| values.to_f32());
        let (gamma, beta) = (values("weight")?, values("bias")?);
        let (mean, var) = (values("running_mean")?, values("running_var")?);
        let mut weight = made.weight.to_f32();
        let mut bias = made.bias.map_or_else(|| vec![0.0; c_out], |bias| bias.to_f32());
        for (channel, row) in weight.chunks_exact_mut(made.weight.len() / c_out).enumerate().take(covered) {
            let factor = f64::from(gamma[channel]) / (f64::from(var[channel]) + EPS).sqrt();
            for value in row {
                *value = (f64::from(*value) * factor) as f32;
            }
            let shifted = f64::from(bias[channel]) - f64::from(mean[channel]);
            bias[channel] = (shifted * factor + f64::from(beta[channel])) as f32;
        }
        Ok(Self {
            weight: Weight::from_f32(made.weight.shape(), weight),
            bias: Some(Weight::from_f32(&[c_out], bias)),
            ..made
        })
    }

    /// Channels out.
    #[must_use]
    pub fn c_out(&self) -> usize {
        self.weight.shape()[0]
    }

    /// Convolves.
    #[must_use]
    pub fn forward(&self, x: &Tensor<4>) -> Tensor<4> {
        self.forward_then(x, ConvThen::default())
    }

    /// Convolves, with what follows fused in.
    #[must_use]
    pub fn forward_then(&self, x: &Tensor<4>, then: ConvThen<'_>) -> Tensor<4> {
        ops::conv2d(x, &self.weight, self.bias.as_ref(), &self.spec, then, &self.compute)
    }
}
