//! Resizing by mixing the four nearest pixels.

use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use burn::tensor::{Tensor, module};
use kiln_kernels as kernels;

use crate::flat::{self, Flat};

/// Resizes with pixel centres at half-integers, without smoothing (torch's `bilinear` without `align_corners`).
#[must_use]
pub fn resize_bilinear(x: &Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    if [h, w] == size {
        return x.clone();
    }
    let Some(flat) = Flat::of(x) else {
        return resize_bilinear_plain(x, size);
    };
    let mut out = vec![0.0; n * c * size[0] * size[1]];
    kernels::resize_bilinear(n * c, [h, w], size, false, flat.values(), &mut out);
    flat::tensor(out, [n, c, size[0], size[1]])
}

/// The same of burn's operations.
#[must_use]
pub fn resize_bilinear_plain(x: &Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    let options = InterpolateOptions::new(InterpolateMode::Bilinear).with_align_corners(false);
    module::interpolate(x.clone(), options.with_output_size(size))
}
