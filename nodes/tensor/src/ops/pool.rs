//! Pooling: the largest of four pixels, the average of all.

use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{DType, Tensor, module};
use kiln_kernels as kernels;

use crate::flat::{self, Flat};

/// Halves height and width, rounded up, by the largest of 2x2 pixels.
#[must_use]
pub fn max_pool2(x: &Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let Some(flat) = Flat::of(x) else {
        return max_pool2_plain(x);
    };
    let (oh, ow) = (h.div_ceil(2), w.div_ceil(2));
    let mut out = vec![0.0; n * c * oh * ow];
    kernels::max_pool2(n * c, [h, w], flat.values(), &mut out);
    flat::tensor(out, [n, c, oh, ow])
}

/// The same of burn's operations.
#[must_use]
pub fn max_pool2_plain(x: &Tensor<4>) -> Tensor<4> {
    module::max_pool2d(x.clone(), MaxPoolOptions::new([2, 2]).with_ceil_mode(true))
}

/// The average of every channel: (images, channels).
#[must_use]
pub fn average(x: &Tensor<4>) -> Tensor<2> {
    let [n, c, h, w] = x.dims();
    let Some(flat) = Flat::of(x) else {
        return average_plain(x);
    };
    let pool = kernels::Pool { planes: n * c, h, w, window: [h, w], stride: [1, 1], pad: [0, 0] };
    let mut out = vec![0.0; n * c];
    kernels::avg_pool2d(&pool, flat.values(), &mut out);
    flat::tensor(out, [n, c])
}

/// The same of burn's operations.
#[must_use]
pub fn average_plain(x: &Tensor<4>) -> Tensor<2> {
    let [n, c, h, w] = x.dims();
    let dtype = x.dtype();
    x.clone().cast(DType::F32).reshape([n, c, h * w]).mean_dim(2).reshape([n, c]).cast(dtype)
}
