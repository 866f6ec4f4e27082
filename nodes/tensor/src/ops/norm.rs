//! Group norm (with its activation) and layer norm. Statistics are made in 32 bit whatever the tensor's precision.

use burn::tensor::{DType, Tensor};
use kiln_kernels::{self as kernels, Act};

use super::act_plain;
use crate::compute::Compute;
use crate::flat::{self, Flat};
use crate::weight::Weight;

/// Group norm over (images, channels, height, width), then an activation.
#[must_use]
pub fn group_norm(
    x: &Tensor<4>,
    groups: usize,
    eps: f32,
    gamma: &Weight,
    beta: &Weight,
    act: Act,
    compute: &Compute,
) -> Tensor<4> {
    let Some(flat) = Flat::of(x) else {
        return group_norm_plain(x, groups, eps, gamma, beta, act, compute);
    };
    let [n, c, h, w] = x.dims();
    let mut out = vec![0.0; n * c * h * w];
    gamma.with(|gamma| {
        beta.with(|beta| {
            kernels::group_norm(n, c, h * w, groups, eps, gamma, beta, act, flat.values(), &mut out);
        });
    });
    flat::tensor(out, [n, c, h, w])
}

/// The same of burn's operations.
#[must_use]
pub fn group_norm_plain(
    x: &Tensor<4>,
    groups: usize,
    eps: f32,
    gamma: &Weight,
    beta: &Weight,
    act: Act,
    compute: &Compute,
) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let dtype = x.dtype();
    let x = x.clone().cast(DType::F32).reshape([n, groups, c / groups * h * w]);
    let y = normal(x, eps).reshape([n, c, h, w]);
    let y = y * gamma.on::<1>(compute, DType::F32).reshape([1, c, 1, 1])
        + beta.on::<1>(compute, DType::F32).reshape([1, c, 1, 1]);
    act_plain(act, y).cast(dtype)
}

/// Subtracts the mean and divides by the deviation, over the last dimension.
fn normal<const D: usize>(x: Tensor<D>, eps: f32) -> Tensor<D> {
    let x = x.clone() - x.mean_dim(D - 1);
    let var = (x.clone() * x.clone()).mean_dim(D - 1);
    x / (var + eps).sqrt()
}

/// Layer norm over the last dimension.
#[must_use]
pub fn layer_norm<const D: usize>(
    x: &Tensor<D>,
    eps: f32,
    gamma: &Weight,
    beta: &Weight,
    compute: &Compute,
) -> Tensor<D> {
    let Some(flat) = Flat::of(x) else {
        return layer_norm_plain(x, eps, gamma, beta, compute);
    };
    let dims = x.dims();
    let c = dims[D - 1];
    let rows = dims[..D - 1].iter().product();
    let mut out = vec![0.0; rows * c];
    gamma.with(|gamma| {
        beta.with(|beta| kernels::layer_norm(rows, c, eps, Some(gamma), Some(beta), flat.values(), &mut out));
    });
    flat::tensor(out, dims)
}

/// The same of burn's operations.
#[must_use]
pub fn layer_norm_plain<const D: usize>(
    x: &Tensor<D>,
    eps: f32,
    gamma: &Weight,
    beta: &Weight,
    compute: &Compute,
) -> Tensor<D> {
    let dims = x.dims();
    let c = dims[D - 1];
    let rows: usize = dims[..D - 1].iter().product();
    let dtype = x.dtype();
    let y = normal(x.clone().cast(DType::F32).reshape([rows, c]), eps);
    let y = y * gamma.on::<1>(compute, DType::F32).unsqueeze::<2>()
        + beta.on::<1>(compute, DType::F32).unsqueeze::<2>();
    y.cast(dtype).reshape(dims)
}
