//! Matrix products with a weight of shape (out, in), as linear layers and 1x1 convolutions have it.

use burn::tensor::Tensor;
use kiln_kernels::{self as kernels, Act};

use super::conv::with_bias;
use super::{act_plain, from_columns, geglu_plain, to_columns};
use crate::compute::Compute;
use crate::flat::{self, Flat};
use crate::weight::Weight;

/// What happens to a result before it is written: activation, then sum.
#[derive(Clone, Copy)]
pub struct LinearThen<'a, const D: usize> {
    /// The activation.
    pub act: Act,
    /// Added afterwards, of the result's shape.
    pub add: Option<&'a Tensor<D>>,
}

impl<const D: usize> Default for LinearThen<'_, D> {
    fn default() -> Self {
        Self { act: Act::None, add: None }
    }
}

fn run(
    l: &kernels::Linear,
    x: &[f32],
    weight: &Weight,
    bias: Option<&Weight>,
    act: Act,
    add: Option<&[f32]>,
) -> Vec<f32> {
    let mut out = vec![0.0; l.batch * l.rows * l.n];
    weight.with(|w| {
        with_bias(bias, |bias| {
            kernels::linear(l, x, w, kernels::Then { bias, shift: None, act, add }, &mut out);
        });
    });
    out
}

/// `x . weight^T + bias` over the last dimension.
#[must_use]
pub fn linear<const D: usize>(
    x: &Tensor<D>,
    weight: &Weight,
    bias: Option<&Weight>,
    then: LinearThen<'_, D>,
    compute: &Compute,
) -> Tensor<D> {
    let Some(flat) = Flat::of(x) else {
        return linear_plain(x, weight, bias, then, compute);
    };
    let mut dims = x.dims();
    let k = dims[D - 1];
    let n = weight.shape()[0];
    let l = kernels::Linear {
        batch: 1,
        rows: dims[..D - 1].iter().product(),
        k,
        n,
        x_columns: false,
        out_columns: false,
        w_transposed: false,
    };
    dims[D - 1] = n;
    let add = then.add.and_then(Flat::of);
    flat::tensor(run(&l, flat.values(), weight, bias, then.act, add.as_ref().map(Flat::values)), dims)
}

/// The same of burn's operations.
#[must_use]
pub fn linear_plain<const D: usize>(
    x: &Tensor<D>,
    weight: &Weight,
    bias: Option<&Weight>,
    then: LinearThen<'_, D>,
    compute: &Compute,
) -> Tensor<D> {
    let dtype = x.dtype();
    let mut dims = x.dims();
    let rows: usize = dims[..D - 1].iter().product();
    let w = weight.on::<2>(compute, dtype);
    let mut y = x.clone().reshape([rows, dims[D - 1]]).matmul(w.transpose());
    if let Some(bias) = bias {
        y = y + bias.on::<1>(compute, dtype).unsqueeze::<2>();
    }
    dims[D - 1] = weight.shape()[0];
    let y = act_plain(then.act, y).reshape(dims);
    match then.add {
        Some(add) => y + add.clone(),
        None => y,
    }
}

/// `linear` of a picture's pixels: (images, channels, height, width) becomes (images, pixels, out), with no copy between.
#[must_use]
pub fn linear_columns(x: &Tensor<4>, weight: &Weight, bias: Option<&Weight>, compute: &Compute) -> Tensor<3> {
    let [b, c, h, w] = x.dims();
    let Some(flat) = Flat::of(x) else {
        return linear_plain(&from_columns(x.clone()), weight, bias, LinearThen::default(), compute);
    };
    let n = weight.shape()[0];
    let l = kernels::Linear {
        batch: b,
        rows: h * w,
        k: c,
        n,
        x_columns: true,
        out_columns: false,
        w_transposed: false,
    };
    flat::tensor(run(&l, flat.values(), weight, bias, Act::None, None), [b, h * w, n])
}

/// `linear` back into a picture: (images, pixels, channels) becomes (images, out, height, width), `add` added.
#[must_use]
pub fn linear_to_columns(
    x: &Tensor<3>,
    size: [usize; 2],
    weight: &Weight,
    bias: Option<&Weight>,
    add: Option<&Tensor<4>>,
    compute: &Compute,
) -> Tensor<4> {
    let [b, rows, k] = x.dims();
    let n = weight.shape()[0];
    let Some(flat) = Flat::of(x) else {
        let y = to_columns(linear_plain(x, weight, bias, LinearThen::default(), compute), size);
        return match add {
            Some(add) => y + add.clone(),
            None => y,
        };
    };
    let l =
        kernels::Linear { batch: b, rows, k, n, x_columns: false, out_columns: true, w_transposed: false };
    let add = add.and_then(Flat::of);
    flat::tensor(
        run(&l, flat.values(), weight, bias, Act::None, add.as_ref().map(Flat::values)),
        [b, n, size[0], size[1]],
    )
}

/// `value x gelu(gate)` of a linear layer twice as wide: value rows first, gate rows after.
#[must_use]
pub fn linear_geglu(x: &Tensor<3>, weight: &Weight, bias: Option<&Weight>, compute: &Compute) -> Tensor<3> {
    let Some(flat) = Flat::of(x) else {
        return geglu_plain(linear_plain(x, weight, bias, LinearThen::default(), compute));
    };
    let [b, rows, k] = x.dims();
    let n = weight.shape()[0] / 2;
    let l = kernels::Linear {
        batch: 1,
        rows: b * rows,
        k,
        n,
        x_columns: false,
        out_columns: false,
        w_transposed: false,
    };
    let mut out = vec![0.0; b * rows * n];
    weight.with(|w| with_bias(bias, |bias| kernels::linear_geglu(&l, flat.values(), w, bias, &mut out)));
    flat::tensor(out, [b, rows, n])
}
