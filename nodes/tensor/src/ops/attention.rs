//! Scaled dot product attention over several heads.

use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{DType, Tensor, module};
use kiln_kernels as kernels;

use crate::flat::{self, Flat};

/// How to attend.
#[derive(Clone, Copy, Debug)]
pub struct Attend<'a> {
    /// Heads: the last dimension is cut into so many parts.
    pub heads: usize,
    /// A position sees only itself and those before it, counted from the first.
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

/// Scores held at once by `attention_plain`: 128 MiB of them.
const SCORES: usize = 1 << 25;

/// The same of burn's operations, in 32 bit whatever the tensor's precision: scores leave the range of 16 bit before they
/// are scaled. A block of queries at a time, because the scores of a large picture exceed any card's memory.
#[must_use]
pub fn attention_plain(q: &Tensor<3>, k: &Tensor<3>, v: &Tensor<3>, how: Attend<'_>) -> Tensor<3> {
    attention_in_blocks(q, k, v, how, SCORES)
}

/// `attention_plain` with at most `scores` scores at once (but one query at least).
#[must_use]
pub fn attention_in_blocks(
    q: &Tensor<3>,
    k: &Tensor<3>,
    v: &Tensor<3>,
    how: Attend<'_>,
    scores: usize,
) -> Tensor<3> {
    let dtype = q.dtype();
    let [batch, q_len, width] = q.dims();
    let kv_len = k.dims()[1];
    let head_dim = width / how.heads;
    let split = |t: &Tensor<3>| {
        let len = t.dims()[1];
        t.clone().cast(DType::F32).reshape([batch, len, how.heads, head_dim]).swap_dims(1, 2)
    };
    let (q, k, v) = (split(q), split(k), split(v));
    let mask = how.mask.map(|m| m.clone().cast(DType::F32).reshape([1, 1, q_len, kv_len]));
    let rows = (scores / (batch * how.heads * kv_len).max(1)).clamp(1, q_len.max(1));
    let mut parts = Vec::with_capacity(q_len.div_ceil(rows));
    let mut from = 0;
    while from < q_len {
        let causal = how.causal && from < kv_len;
        let to = (from + rows).min(if causal { kv_len.min(q_len) } else { q_len });
        // With the keys up to the block's last query burn's triangle lies where the whole one lies.
        let keys = if causal { to } else { kv_len };
        let bias = mask.as_ref().map(|m| {
            let m = m.clone().narrow(2, from, to - from).narrow(3, 0, keys);
            m.expand([batch, how.heads, to - from, keys])
        });
        let options = AttentionModuleOptions { is_causal: causal, ..AttentionModuleOptions::default() };
        let (k, v) = (k.clone().narrow(2, 0, keys), v.clone().narrow(2, 0, keys));
        parts.push(module::attention(q.clone().narrow(2, from, to - from), k, v, None, bias, options));
        from = to;
    }
    let out = if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 2) };
    out.swap_dims(1, 2).reshape([batch, q_len, width]).cast(dtype)
}
