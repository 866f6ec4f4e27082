//! Scaled dot product attention over several heads.

use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Tensor, module};
use kiln_kernels as kernels;

use crate::flat::{self, Flat};

/// How to attend.
#[derive(Clone, Copy, Debug)]
pub struct Attend<'a> {
    /// Heads: the last dimension is cut into so many parts.
    pub heads: usize,
    /// A position sees only itself and those before it.
    pub causal: bool,
    /// Added to the scores before the softmax: (queries, keys).
    pub mask: Option<&'a Tensor<2>>,
}

impl Attend<'_> {
    /// Every position sees every other.
    #[must_use]
    pub fn heads(heads: usize) -> Self {
        Self { heads, causal: false, mask: None }
    }
}

/// Attention of `q` (batch, queries, heads x size) over `k` and `v` (batch, keys, heads x size), scaled by 1 / sqrt(size).
#[must_use]
pub fn attention(q: &Tensor<3>, k: &Tensor<3>, v: &Tensor<3>, how: Attend<'_>) -> Tensor<3> {
    let (Some(qf), Some(kf), Some(vf)) = (Flat::of(q), Flat::of(k), Flat::of(v)) else {
        return attention_plain(q, k, v, how);
    };
    let [batch, q_len, width] = q.dims();
    let kv_len = k.dims()[1];
    let head_dim = width / how.heads;
    let mask = how.mask.and_then(Flat::of);
    let a = kernels::Attention {
        batch,
        heads: how.heads,
        q_len,
        kv_len,
        head_dim,
        scale: 1.0 / (head_dim as f32).sqrt(),
        causal: how.causal,
        mask: mask.as_ref().map(Flat::values),
        q_stride: width,
        k_stride: width,
        v_stride: width,
    };
    let mut out = vec![0.0; batch * q_len * width];
    kernels::attention(&a, qf.values(), kf.values(), vf.values(), &mut out);
    flat::tensor(out, [batch, q_len, width])
}

/// The same of burn's operations.
#[must_use]
pub fn attention_plain(q: &Tensor<3>, k: &Tensor<3>, v: &Tensor<3>, how: Attend<'_>) -> Tensor<3> {
    let [batch, q_len, width] = q.dims();
    let head_dim = width / how.heads;
    let split = |t: &Tensor<3>| {
        let len = t.dims()[1];
        t.clone().reshape([batch, len, how.heads, head_dim]).swap_dims(1, 2)
    };
    let kv_len = k.dims()[1];
    let bias = how.mask.map(|m| {
        m.clone().reshape([1, 1, q_len, kv_len]).cast(q.dtype()).expand([batch, how.heads, q_len, kv_len])
    });
    let options = AttentionModuleOptions { is_causal: how.causal, ..AttentionModuleOptions::default() };
    module::attention(split(q), split(k), split(v), None, bias, options)
        .swap_dims(1, 2)
        .reshape([batch, q_len, width])
}
