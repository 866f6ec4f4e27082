//! Instance norm: every channel of every picture for itself.

use burn::tensor::{DType, Tensor};
use kiln_kernels::{self as kernels, Act};

use super::act_plain;
use crate::flat::{self, Flat};

/// Brings the channels from `first` on to mean 0 and deviation 1, each for itself and without weights, and leaves those
/// before it; then an activation of all.
#[must_use]
pub fn instance_norm(x: &Tensor<4>, first: usize, eps: f32, act: Act) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let Some(flat) = Flat::of(x) else {
        return instance_norm_plain(x, first, eps, act);
    };
    let (hw, first) = (h * w, first.min(c));
    let normed = c - first;
    let (gamma, beta) = (vec![1.0; normed], vec![0.0; normed]);
    let [gamma, beta] = [&gamma, &beta].map(|values| kernels::Stored::f32(values));
    let mut out = flat.values().to_vec();
    if out.is_empty() {
        return x.clone();
    }
    for (out, x) in out.chunks_mut(c * hw).zip(flat.values().chunks(c * hw)) {
        let (kept, out) = out.split_at_mut(first * hw);
        kernels::activate(act, kept);
        if normed > 0 {
            kernels::group_norm(1, normed, hw, normed, eps, gamma, beta, act, &x[first * hw..], out);
        }
    }
    flat::tensor(out, [n, c, h, w])
}

/// The same of burn's operations.
#[must_use]
pub fn instance_norm_plain(x: &Tensor<4>, first: usize, eps: f32, act: Act) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let first = first.min(c);
    if first == c {
        return act_plain(act, x.clone());
    }
    let dtype = x.dtype();
    let t = x.clone().narrow(1, first, c - first).cast(DType::F32).reshape([n, c - first, h * w]);
    let t = t.clone() - t.mean_dim(2);
    let var = (t.clone() * t.clone()).mean_dim(2);
    let t = (t / (var + eps).sqrt()).reshape([n, c - first, h, w]).cast(dtype);
    if first == 0 {
        return act_plain(act, t);
    }
    act_plain(act, Tensor::cat(vec![x.clone().narrow(1, 0, first), t], 1))
}
