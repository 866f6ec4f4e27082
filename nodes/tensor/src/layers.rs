//! Layers: an operation with its weights in it, taken from a checkpoint by name.

use burn::tensor::Tensor;
use kiln_kernels::Act;

use crate::compute::Compute;
use crate::ops::{self, ConvSpec, ConvThen, LinearThen};
use crate::vars::{Vars, VarsError};
use crate::weight::Weight;

/// A two-dimensional convolution.
#[derive(Clone, Debug)]
pub struct Conv2d {
    weight: Weight,
    bias: Option<Weight>,
    spec: ConvSpec,
    compute: Compute,
}

impl Conv2d {
    /// Takes `weight` (out, in, height, width) and, when there is one, `bias` below this name.
    pub fn new(vars: &Vars, spec: ConvSpec) -> Result<Self, VarsError> {
        let weight = vars.any("weight")?;
        if weight.shape().len() != 4 {
            return Err(VarsError::Shape {
                file: vars.file().into(),
                name: vars.full("weight"),
                found: weight.shape().to_vec(),
                wanted: vec![0; 4],
            });
        }
        let bias = vars.has("bias").then(|| vars.get("bias", &[weight.shape()[0]])).transpose()?;
        Ok(Self { weight, bias, spec, compute: vars.compute().clone() })
    }

    /// The same, which must have these channels.
    pub fn sized(
        vars: &Vars,
        c_in: usize,
        c_out: usize,
        kernel: usize,
        spec: ConvSpec,
    ) -> Result<Self, VarsError> {
        vars.get("weight", &[c_out, c_in / spec.groups, kernel, kernel])?;
        Self::new(vars, spec)
    }

    /// Channels in.
    #[must_use]
    pub fn c_in(&self) -> usize {
        self.weight.shape()[1] * self.spec.groups
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

/// A linear layer; a 1x1 convolution's weight will do, too.
#[derive(Clone, Debug)]
pub struct Linear {
    weight: Weight,
    bias: Option<Weight>,
    compute: Compute,
}

impl Linear {
    /// Takes `weight` (out, in) or (out, in, 1, 1) and, when there is one, `bias` below this name.
    pub fn new(vars: &Vars) -> Result<Self, VarsError> {
        let weight = vars.any("weight")?;
        let weight = match weight.shape() {
            [_, _] => weight,
            [o, i, 1, 1] | [o, i, 1] => weight.reshaped(vec![*o, *i]),
            found => {
                let found = found.to_vec();
                return Err(VarsError::Shape {
                    file: vars.file().into(),
                    name: vars.full("weight"),
                    found,
                    wanted: vec![0; 2],
                });
            }
        };
        let bias = vars.has("bias").then(|| vars.get("bias", &[weight.shape()[0]])).transpose()?;
        Ok(Self { weight, bias, compute: vars.compute().clone() })
    }

    /// The same, which must have these widths.
    pub fn sized(vars: &Vars, k: usize, n: usize) -> Result<Self, VarsError> {
        let layer = Self::new(vars)?;
        if layer.weight.shape() == [n, k] {
            Ok(layer)
        } else {
            let found = layer.weight.shape().to_vec();
            Err(VarsError::Shape {
                file: vars.file().into(),
                name: vars.full("weight"),
                found,
                wanted: vec![n, k],
            })
        }
    }

    /// Made of weights at hand: `weight` is (out, in).
    #[must_use]
    pub fn of(weight: Weight, bias: Option<Weight>, compute: &Compute) -> Self {
        Self { weight, bias, compute: compute.clone() }
    }

    /// Width in.
    #[must_use]
    pub fn k(&self) -> usize {
        self.weight.shape()[1]
    }

    /// Width out.
    #[must_use]
    pub fn n(&self) -> usize {
        self.weight.shape()[0]
    }

    /// Over the last dimension.
    #[must_use]
    pub fn forward<const D: usize>(&self, x: &Tensor<D>) -> Tensor<D> {
        self.forward_then(x, Act::None, None)
    }

    /// Over the last dimension, then an activation, then a sum.
    #[must_use]
    pub fn forward_then<const D: usize>(
        &self,
        x: &Tensor<D>,
        act: Act,
        add: Option<&Tensor<D>>,
    ) -> Tensor<D> {
        ops::linear(x, &self.weight, self.bias.as_ref(), LinearThen { act, add }, &self.compute)
    }

    /// A picture's pixels: (images, channels, height, width) becomes (images, pixels, out).
    #[must_use]
    pub fn from_picture(&self, x: &Tensor<4>) -> Tensor<3> {
        ops::linear_columns(x, &self.weight, self.bias.as_ref(), &self.compute)
    }

    /// Back into a picture, `add` added.
    #[must_use]
    pub fn to_picture(&self, x: &Tensor<3>, size: [usize; 2], add: Option<&Tensor<4>>) -> Tensor<4> {
        ops::linear_to_columns(x, size, &self.weight, self.bias.as_ref(), add, &self.compute)
    }

    /// `value x gelu(gate)`, for a layer with value and gate rows.
    #[must_use]
    pub fn geglu(&self, x: &Tensor<3>) -> Tensor<3> {
        ops::linear_geglu(x, &self.weight, self.bias.as_ref(), &self.compute)
    }
}

/// Group norm with its activation.
#[derive(Clone, Debug)]
pub struct GroupNorm {
    gamma: Weight,
    beta: Weight,
    groups: usize,
    eps: f32,
    compute: Compute,
}

impl GroupNorm {
    /// Takes `weight` and `bias` below this name; `groups` must divide their length.
    pub fn new(vars: &Vars, groups: usize, eps: f32) -> Result<Self, VarsError> {
        let gamma = vars.any("weight")?;
        let c = gamma.len();
        if gamma.shape().len() != 1 || groups == 0 || !c.is_multiple_of(groups) {
            return Err(vars.odd(format!(
                "\"{}\" of shape {:?} cannot be cut into {groups} groups",
                vars.full("weight"),
                gamma.shape()
            )));
        }
        let beta = vars.get("bias", &[c])?;
        Ok(Self { gamma, beta, groups, eps, compute: vars.compute().clone() })
    }

    /// Norm, then activation.
    #[must_use]
    pub fn forward(&self, x: &Tensor<4>, act: Act) -> Tensor<4> {
        ops::group_norm(x, self.groups, self.eps, &self.gamma, &self.beta, act, &self.compute)
    }
}

/// Layer norm.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    gamma: Weight,
    beta: Weight,
    eps: f32,
    compute: Compute,
}

impl LayerNorm {
    /// Takes `weight` and `bias` of this width below this name.
    pub fn new(vars: &Vars, width: usize, eps: f32) -> Result<Self, VarsError> {
        Ok(Self {
            gamma: vars.get("weight", &[width])?,
            beta: vars.get("bias", &[width])?,
            eps,
            compute: vars.compute().clone(),
        })
    }

    /// Over the last dimension.
    #[must_use]
    pub fn forward<const D: usize>(&self, x: &Tensor<D>) -> Tensor<D> {
        ops::layer_norm(x, self.eps, &self.gamma, &self.beta, &self.compute)
    }
}
