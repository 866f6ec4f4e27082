//! Pictures to rows and back, and resizing.

use burn::tensor::Tensor;
use burn::tensor::module;
use burn::tensor::ops::{AvgPoolOptions, InterpolateMode, InterpolateOptions};
use kiln_kernels as kernels;

use crate::flat::{self, Flat};

/// (images, channels, height, width) as (images, pixels, channels).
#[must_use]
pub fn from_columns(x: Tensor<4>) -> Tensor<3> {
    let [b, c, h, w] = x.dims();
    x.reshape([b, c, h * w]).swap_dims(1, 2)
}

/// (images, pixels, channels) as (images, channels, height, width).
#[must_use]
pub fn to_columns(x: Tensor<3>, size: [usize; 2]) -> Tensor<4> {
    let [b, _, c] = x.dims();
    x.swap_dims(1, 2).reshape([b, c, size[0], size[1]])
}

/// Resizes by nearest: the source of a row is floor(row x height / new height).
#[must_use]
pub fn upsample_nearest(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    let [b, c, h, w] = x.dims();
    let Some(flat) = Flat::of(&x) else {
        return upsample_nearest_plain(x, size);
    };
    let mut out = vec![0.0; b * c * size[0] * size[1]];
    kernels::upsample_nearest(b * c, [h, w], size, flat.values(), &mut out);
    flat::tensor(out, [b, c, size[0], size[1]])
}

/// The same of burn's operations.
#[must_use]
pub fn upsample_nearest_plain(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    module::interpolate(x, InterpolateOptions::new(InterpolateMode::Nearest).with_output_size(size))
}

/// Halves height and width by the mean of 2x2.
#[must_use]
pub fn avg_pool2(x: Tensor<4>) -> Tensor<4> {
    let [b, c, h, w] = x.dims();
    let Some(flat) = Flat::of(&x) else {
        return module::avg_pool2d(x, AvgPoolOptions::new([2, 2]).with_stride([2, 2]));
    };
    let pool = kernels::Pool { planes: b * c, h, w, window: [2, 2], stride: [2, 2], pad: [0, 0] };
    let [oh, ow] = pool.out();
    let mut out = vec![0.0; b * c * oh * ow];
    kernels::avg_pool2d(&pool, flat.values(), &mut out);
    flat::tensor(out, [b, c, oh, ow])
}
