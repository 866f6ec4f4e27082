//! Dense blocks: a row of convolutions, each of which sees what came in and what all before it gave.

use burn::tensor::Tensor;
use kiln_kernels::{self as kernels, Act};

use super::conv::with_bias;
use super::{ConvSpec, ConvThen, conv2d, conv2d_plain};
use crate::compute::Compute;
use crate::flat::{self, Flat};
use crate::weight::Weight;

/// One convolution of a dense block: 3x3, step 1.
#[derive(Clone, Debug)]
pub struct DenseConv {
    /// (out, in, 3, 3): the first sees the block's input, each later one the outputs of all before it as well.
    pub weight: Weight,
    /// One number a channel.
    pub bias: Option<Weight>,
}

/// A dense block: all convolutions but the last have the activation; the last one's result is added to what came in.
#[derive(Clone, Debug)]
pub struct Dense {
    /// In their order, at least one.
    pub convs: Vec<DenseConv>,
    /// Of all convolutions but the last.
    pub act: Act,
    /// ESRGAN+: a 1x1 convolution of the input is added to the second result, and that to the fourth.
    pub shortcut: Option<Weight>,
}

/// Memory that dense blocks use one after the other.
#[derive(Debug, Default)]
pub struct DenseRoom {
    values: Vec<f32>,
}

fn spec() -> ConvSpec {
    ConvSpec::padded(1)
}

/// What came into a row of dense blocks, and what their result is multiplied by before that is added.
#[derive(Clone, Copy)]
pub struct Outer<'a> {
    /// The factor.
    pub scale: f32,
    /// Added then.
    pub add: &'a Tensor<4>,
}

/// Runs a dense block. Results lie where the next convolution reads them: nothing is copied together.
#[must_use]
pub fn dense(
    x: &Tensor<4>,
    block: &Dense,
    outer: Option<Outer<'_>>,
    room: &mut DenseRoom,
    compute: &Compute,
) -> Tensor<4> {
    let Some(flat) = Flat::of(x) else {
        return dense_plain(x, block, outer, compute);
    };
    let Some((last, inner)) = block.convs.split_last() else { return x.clone() };
    let [images, features, h, w] = x.dims();
    let plane = h * w;
    let channels = features + inner.iter().map(|c| c.weight.shape()[0]).sum::<usize>();
    if room.values.len() < channels * plane {
        room.values = vec![0.0; channels * plane];
    }
    let all = &mut room.values[..channels * plane];
    let c_out = last.weight.shape()[0];
    let mut out = vec![0.0; images * c_out * plane];
    let shortcut = block.shortcut.as_ref().map(|weight| {
        let y = conv2d(x, weight, None, &ConvSpec::padded(0), ConvThen::default(), compute);
        Flat::of(&y)
    });
    let shortcut = shortcut.flatten();
    for (image, out) in out.chunks_exact_mut((c_out * plane).max(1)).enumerate() {
        let from = &flat.values()[image * features * plane..][..features * plane];
        all[..features * plane].copy_from_slice(from);
        let mut c_in = features;
        let mut starts = Vec::new();
        for (at, conv) in inner.iter().enumerate() {
            let growth = conv.weight.shape()[0];
            let (seen, to) = all.split_at_mut(c_in * plane);
            let add = match (&shortcut, at) {
                (Some(y), 1) => Some(&y.values()[image * growth * plane..][..growth * plane]),
                (Some(_), 3) => starts.get(1).map(|start| &seen[start * plane..][..growth * plane]),
                _ => None,
            };
            one(conv, [c_in, h, w], seen, block.act, add, &mut to[..growth * plane]);
            starts.push(c_in);
            c_in += growth;
        }
        one(last, [c_in, h, w], all, Act::None, Some(from), out);
    }
    if let Some(Outer { scale, add }) = outer
        && let Some(add) = Flat::of(add)
    {
        kernels::scale_add(scale, &mut out, 1.0, add.values());
    }
    flat::tensor(out, [images, c_out, h, w])
}

fn one(
    conv: &DenseConv,
    [c_in, h, w]: [usize; 3],
    x: &[f32],
    act: Act,
    add: Option<&[f32]>,
    out: &mut [f32],
) {
    let ConvSpec { stride, pad, dilation, groups } = spec();
    let c_out = conv.weight.shape()[0];
    let shape = kernels::Conv {
        n: 1,
        c_in,
        h,
        w,
        c_out,
        kh: 3,
        kw: 3,
        stride,
        dilation,
        pad,
        groups,
        upsample: None,
    };
    conv.weight.with(|weight| {
        with_bias(conv.bias.as_ref(), |bias| {
            kernels::conv2d(&shape, x, weight, kernels::Then { bias, shift: None, act, add }, out);
        });
    });
}

/// The same of burn's operations.
#[must_use]
pub fn dense_plain(x: &Tensor<4>, block: &Dense, outer: Option<Outer<'_>>, compute: &Compute) -> Tensor<4> {
    let Some((last, inner)) = block.convs.split_last() else { return x.clone() };
    let shortcut = block
        .shortcut
        .as_ref()
        .map(|weight| conv2d_plain(x, weight, None, &ConvSpec::padded(0), ConvThen::default(), compute));
    let mut seen = vec![x.clone()];
    for (at, conv) in inner.iter().enumerate() {
        let add = match (&shortcut, at) {
            (Some(y), 1) => Some(y.clone()),
            (Some(_), 3) => seen.get(2).cloned(),
            _ => None,
        };
        let then = ConvThen { act: block.act, add: add.as_ref(), ..ConvThen::default() };
        let all = Tensor::cat(seen.clone(), 1);
        seen.push(conv2d_plain(&all, &conv.weight, conv.bias.as_ref(), &spec(), then, compute));
    }
    let then = ConvThen { add: Some(x), ..ConvThen::default() };
    let all = Tensor::cat(seen, 1);
    let y = conv2d_plain(&all, &last.weight, last.bias.as_ref(), &spec(), then, compute);
    match outer {
        Some(Outer { scale, add }) => y * scale + add.clone(),
        None => y,
    }
}
