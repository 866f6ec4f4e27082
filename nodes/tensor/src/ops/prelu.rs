//! A convolution with its PReLU: a slope of its own for every channel.

use burn::tensor::{DType, Tensor};
use kiln_kernels as kernels;

use super::{ConvSpec, ConvThen, conv2d_plain, conv2d_vec};
use crate::compute::Compute;
use crate::flat::{self, Flat};
use crate::weight::Weight;

/// Convolves, then multiplies what is negative by its channel's slope (or by the one slope there is).
#[must_use]
pub fn conv2d_prelu(
    x: &Tensor<4>,
    weight: &Weight,
    bias: Option<&Weight>,
    slope: &Weight,
    spec: &ConvSpec,
    compute: &Compute,
) -> Tensor<4> {
    let Some(flat) = Flat::of(x) else {
        return conv2d_prelu_plain(x, weight, bias, slope, spec, compute);
    };
    let (mut out, shape) = conv2d_vec(&flat, x.dims(), weight, bias, spec, ConvThen::default());
    let [n, c, h, w] = shape;
    slope.with(|slope| kernels::prelu(n, c, h * w, slope, &mut out));
    flat::tensor(out, shape)
}

/// The same of burn's operations.
#[must_use]
pub fn conv2d_prelu_plain(
    x: &Tensor<4>,
    weight: &Weight,
    bias: Option<&Weight>,
    slope: &Weight,
    spec: &ConvSpec,
    compute: &Compute,
) -> Tensor<4> {
    let dtype = x.dtype();
    let y = conv2d_plain(x, weight, bias, spec, ConvThen::default(), compute).cast(DType::F32);
    let slope = slope.on::<1>(compute, DType::F32).reshape([1, slope.len(), 1, 1]);
    let below = y.clone().clamp_max(0.0) * slope;
    (y.clamp_min(0.0) + below).cast(dtype)
}
