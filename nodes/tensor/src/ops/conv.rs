//! Two-dimensional convolution.

use burn::tensor::ops::{ConvOptions, PadMode};
use burn::tensor::{DType, Tensor, module};
use kiln_kernels::{self as kernels, Act};

use super::{act_plain, upsample_nearest_plain};
use crate::compute::Compute;
use crate::flat::{self, Flat};
use crate::weight::Weight;

/// How a convolution steps and pads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvSpec {
    /// Step down and right.
    pub stride: [usize; 2],
    /// Rows and columns of zeros: top, bottom, left, right.
    pub pad: [usize; 4],
    /// Distance between taps.
    pub dilation: [usize; 2],
    /// Channel groups.
    pub groups: usize,
}

impl ConvSpec {
    /// Step 1 with `pad` zeros on every side.
    #[must_use]
    pub fn padded(pad: usize) -> Self {
        Self { stride: [1, 1], pad: [pad; 4], dilation: [1, 1], groups: 1 }
    }

    /// The same with another step.
    #[must_use]
    pub fn stride(self, stride: usize) -> Self {
        Self { stride: [stride, stride], ..self }
    }
}

/// What happens to a result before it is written, in this order: shift, activation, sum.
#[derive(Clone, Copy, Default)]
pub struct ConvThen<'a> {
    /// Added per image and channel (a time embedding).
    pub shift: Option<&'a Tensor<2>>,
    /// Then this.
    pub act: Act,
    /// Then this is added (a skip connection).
    pub add: Option<&'a Tensor<4>>,
    /// The input is resized to this height and width first, by nearest.
    pub upsample: Option<[usize; 2]>,
}

/// Convolves `x` (images, channels, height, width) with `weight` (out, in, height, width).
#[must_use]
pub fn conv2d(
    x: &Tensor<4>,
    weight: &Weight,
    bias: Option<&Weight>,
    spec: &ConvSpec,
    then: ConvThen<'_>,
    compute: &Compute,
) -> Tensor<4> {
    let Some(flat) = Flat::of(x) else {
        return conv2d_plain(x, weight, bias, spec, then, compute);
    };
    let [n, c_in, h, w] = x.dims();
    let shape = weight.shape();
    let conv = kernels::Conv {
        n,
        c_in,
        h,
        w,
        c_out: shape[0],
        kh: shape[2],
        kw: shape[3],
        stride: spec.stride,
        dilation: spec.dilation,
        pad: spec.pad,
        groups: spec.groups,
        upsample: then.upsample,
    };
    let [oh, ow] = conv.out();
    let mut out = vec![0.0; n * shape[0] * oh * ow];
    let shift = then.shift.and_then(Flat::of);
    let add = then.add.and_then(Flat::of);
    weight.with(|w| {
        with_bias(bias, |bias| {
            let then = kernels::Then {
                bias,
                shift: shift.as_ref().map(Flat::values),
                act: then.act,
                add: add.as_ref().map(Flat::values),
            };
            kernels::conv2d(&conv, flat.values(), w, then, &mut out);
        });
    });
    flat::tensor(out, [n, shape[0], oh, ow])
}

pub(super) fn with_bias<R>(bias: Option<&Weight>, f: impl FnOnce(Option<kernels::Stored<'_>>) -> R) -> R {
    match bias {
        Some(bias) => bias.with(|b| f(Some(b))),
        None => f(None),
    }
}

/// The same of burn's operations. Half precision is widened for the convolution itself: burn sums in the tensor's own
/// precision there (not so in matrix products), and thousands of products summed in 16 bit are wrong in the third digit.
#[must_use]
pub fn conv2d_plain(
    x: &Tensor<4>,
    weight: &Weight,
    bias: Option<&Weight>,
    spec: &ConvSpec,
    then: ConvThen<'_>,
    compute: &Compute,
) -> Tensor<4> {
    let dtype = x.dtype();
    let wide = |t: Tensor<4>| t.cast(DType::F32);
    let mut x = x.clone();
    if let Some(size) = then.upsample {
        x = upsample_nearest_plain(x, size);
    }
    let [top, bottom, left, right] = spec.pad;
    let mut pad = [top, left];
    if top != bottom || left != right {
        x = x.pad((left, right, top, bottom), PadMode::Constant(0.0));
        pad = [0, 0];
    }
    let options = ConvOptions::new(spec.stride, pad, spec.dilation, spec.groups);
    let bias = bias.map(|b| b.on::<1>(compute, dtype).cast(DType::F32));
    let mut y = module::conv2d(wide(x), wide(weight.on(compute, dtype)), bias, options);
    if let Some(shift) = then.shift {
        let [n, c] = shift.dims();
        y = y + shift.clone().cast(DType::F32).reshape([n, c, 1, 1]);
    }
    y = act_plain(then.act, y).cast(dtype);
    match then.add {
        Some(add) => y + add.clone(),
        None => y,
    }
}
