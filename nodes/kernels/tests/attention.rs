//! Attention against double precision.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::*;
use kiln_kernels::{Attention, attention};

fn reference(a: &Attention<'_>, q: &[f32], k: &[f32], v: &[f32]) -> Vec<f64> {
    let mut out = vec![0.0; a.batch * a.q_len * a.heads * a.head_dim];
    for b in 0..a.batch {
        for h in 0..a.heads {
            for i in 0..a.q_len {
                let mut scores = Vec::new();
                for j in 0..a.kv_len {
                    let mut s = 0.0;
                    for d in 0..a.head_dim {
                        s += f64::from(q[(b * a.q_len + i) * a.q_stride + h * a.head_dim + d])
                            * f64::from(k[(b * a.kv_len + j) * a.k_stride + h * a.head_dim + d]);
                    }
                    s *= f64::from(a.scale);
                    if let Some(mask) = a.mask {
                        let image = if mask.len() == a.q_len * a.kv_len { 0 } else { b };
                        s += f64::from(mask[(image * a.q_len + i) * a.kv_len + j]);
                    }
                    scores.push(if a.causal && j > i { f64::NEG_INFINITY } else { s });
                }
                let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let weights: Vec<f64> = scores.iter().map(|s| libm::exp(s - top)).collect();
                let all: f64 = weights.iter().sum();
                for d in 0..a.head_dim {
                    let at = (b * a.q_len + i) * a.heads * a.head_dim + h * a.head_dim + d;
                    for (j, weight) in weights.iter().enumerate() {
                        out[at] +=
                            weight / all * f64::from(v[(b * a.kv_len + j) * a.v_stride + h * a.head_dim + d]);
                    }
                }
            }
        }
    }
    out
}

fn check(a: &Attention<'_>, q: &[f32], k: &[f32], v: &[f32]) {
    let got = same_everywhere(|| {
        let mut out = vec![f32::NAN; a.batch * a.q_len * a.heads * a.head_dim];
        attention(a, q, k, v, &mut out);
        out
    });
    let d = distance(&got, &reference(a, q, k, v));
    let dims = (a.batch, a.heads, a.q_len, a.kv_len, a.head_dim);
    assert!(d < 2e-6, "{dims:?}: {d:e}");
}

fn plain(batch: usize, heads: usize, q_len: usize, kv_len: usize, head_dim: usize) -> Attention<'static> {
    let stride = heads * head_dim;
    Attention {
        batch,
        heads,
        q_len,
        kv_len,
        head_dim,
        scale: 3.0 / (head_dim as f32).sqrt(),
        q_stride: stride,
        k_stride: stride,
        v_stride: stride,
        ..Attention::default()
    }
}

#[test]
fn ragged_shapes() {
    for (b, h, q, kv, d) in [
        (1, 1, 1, 1, 1),
        (2, 3, 7, 17, 5),
        (1, 2, 65, 77, 40),
        (2, 1, 33, 129, 64),
        (1, 1, 17, 300, 80),
        (1, 2, 100, 257, 8),
        (1, 1, 40, 140, 300),
    ] {
        let a = plain(b, h, q, kv, d);
        let s = h * d;
        check(&a, &noise(b * q * s, 1), &noise(b * kv * s, 2), &noise(b * kv * s, 3));
    }
}

#[test]
fn causal_masked_and_fused() {
    for len in [1, 7, 40, 150, 290] {
        let base = Attention { causal: true, ..plain(2, 2, len, len, 24) };
        let x = noise(2 * len * 48 * 3, 9);
        let fused = Attention { q_stride: 144, k_stride: 144, v_stride: 144, ..base };
        check(&fused, &x, &x[48..], &x[96..]);
        let mut mask = noise(2 * len * len, 4);
        for (i, m) in mask.iter_mut().enumerate() {
            if i % len > 0 && i % 3 == 0 {
                *m = f32::NEG_INFINITY;
            }
        }
        check(&Attention { mask: Some(&mask), causal: false, ..fused }, &x, &x[48..], &x[96..]);
        check(&Attention { mask: Some(&mask[..len * len]), ..fused }, &x, &x[48..], &x[96..]);
    }
}

#[test]
fn large_scores_and_hidden_rows() {
    let a = Attention { scale: 1000.0, ..plain(1, 1, 20, 200, 16) };
    check(&a, &noise(20 * 16, 1), &noise(200 * 16, 2), &noise(200 * 16, 3));
    // The first block of keys is hidden, the row as a whole is not.
    let mut mask = vec![f32::NEG_INFINITY; 20 * 200];
    mask.iter_mut().enumerate().for_each(|(i, m)| {
        if i % 200 > 150 {
            *m = 0.0;
        }
    });
    let a = Attention { scale: 0.1, mask: Some(&mask), ..a };
    check(&a, &noise(20 * 16, 1), &noise(200 * 16, 2), &noise(200 * 16, 3));
    // Everything hidden is no number, as in torch; it ends, too.
    let nothing = vec![f32::NEG_INFINITY; 20 * 200];
    let mut out = vec![0.0; 20 * 16];
    attention(
        &Attention { mask: Some(&nothing), ..a },
        &noise(320, 1),
        &noise(3200, 2),
        &noise(3200, 3),
        &mut out,
    );
    assert!(out.iter().all(|x| x.is_nan()));
}
