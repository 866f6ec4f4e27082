//! Linear layers, the gated one, and products of matrices against double precision.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::*;
use kiln_kernels::{Act, Dtype, Linear, Stored, Then, linear, linear_geglu, matmul};

fn reference(l: &Linear, x: &[f32], w: &[f32], then: &Then<'_>) -> Vec<f64> {
    let Linear { batch, rows, k, n, .. } = *l;
    let bias = then.bias.map(|b| b.widen());
    let mut out = vec![0.0; batch * rows * n];
    for b in 0..batch {
        for r in 0..rows {
            for o in 0..n {
                let mut sum = 0.0;
                for i in 0..k {
                    let x = if l.x_columns { x[(b * k + i) * rows + r] } else { x[(b * rows + r) * k + i] };
                    let w = if l.w_transposed { w[i * n + o] } else { w[o * k + i] };
                    sum += f64::from(x) * f64::from(w);
                }
                sum += bias.as_ref().map_or(0.0, |b| f64::from(b[o]));
                sum += then.shift.map_or(0.0, |s| f64::from(s[b * n + o]));
                let at = if l.out_columns { (b * n + o) * rows + r } else { (b * rows + r) * n + o };
                out[at] = act64(then.act, sum) + then.add.map_or(0.0, |a| f64::from(a[at]));
            }
        }
    }
    out
}

fn check(l: &Linear, dtype: Dtype, act: Act) {
    let Linear { batch, rows, k, n, .. } = *l;
    let x = noise(batch * rows * k, 1);
    let bytes = stored(&noise(n * k, 2), dtype);
    let w = as_stored(&bytes, dtype);
    let (bias, shift, add) = (noise(n, 3), noise(batch * n, 4), noise(batch * rows * n, 5));
    let then = Then { bias: Some(Stored::f32(&bias)), shift: Some(&shift), act, add: Some(&add) };
    for then in [Then::default(), then, Then { shift: None, ..then }] {
        let got = same_everywhere(|| {
            let mut out = vec![f32::NAN; batch * rows * n];
            linear(l, &x, w, then, &mut out);
            out
        });
        close(&got, &reference(l, &x, &w.widen(), &then), 1e-6, &format!("{l:?} {dtype:?} {act:?}"));
    }
}

#[test]
fn linear_on_ragged_shapes() {
    for (batch, rows, k, n) in [
        (1, 1, 1, 1),
        (1, 7, 17, 33),
        (2, 33, 65, 17),
        (3, 5, 300, 49),
        (1, 65, 513, 7),
        (1, 3, 257, 130),
        (2, 100, 20, 3),
    ] {
        for bits in 0..8 {
            let l = Linear {
                batch,
                rows,
                k,
                n,
                x_columns: bits & 1 > 0,
                out_columns: bits & 2 > 0,
                w_transposed: bits & 4 > 0,
            };
            check(&l, Dtype::F32, Act::None);
        }
    }
}

#[test]
fn linear_of_every_dtype_and_activation() {
    let acts = [
        Act::Silu,
        Act::Gelu,
        Act::QuickGelu,
        Act::GeluTanh,
        Act::Relu,
        Act::LeakyRelu(0.2),
        Act::Sigmoid,
        Act::Tanh,
    ];
    for dtype in DTYPES {
        for w_transposed in [false, true] {
            for out_columns in [false, true] {
                let l = Linear {
                    batch: 2,
                    rows: 19,
                    k: 41,
                    n: 37,
                    w_transposed,
                    out_columns,
                    ..Linear::default()
                };
                check(&l, dtype, Act::None);
            }
        }
    }
    for act in acts {
        check(&Linear { batch: 1, rows: 9, k: 13, n: 35, ..Linear::default() }, Dtype::F32, act);
    }
}

#[test]
fn more_than_is_packed_at_once() {
    // Wider than one group of shared panels or rows, and several blocks deep.
    for (rows, n) in [(3, 17000), (17000, 3), (16500, 16)] {
        let l = Linear { batch: 1, rows, k: 270, n, ..Linear::default() };
        let (x, w) = (noise(rows * l.k, 1), noise(n * l.k, 2));
        let mut out = vec![0.0; rows * n];
        linear(&l, &x, Stored::f32(&w), Then::default(), &mut out);
        close(&out, &reference(&l, &x, &w, &Then::default()), 1e-6, &format!("{rows} x {n}"));
    }
}

#[test]
fn gated_linear() {
    for (batch, rows, k, n) in
        [(1, 1, 1, 1), (1, 70, 33, 40), (2, 9, 300, 50), (1, 130, 257, 31), (1, 20, 64, 200)]
    {
        for bits in 0..4 {
            let l = Linear {
                batch,
                rows,
                k,
                n,
                x_columns: bits & 1 > 0,
                w_transposed: bits & 2 > 0,
                ..Linear::default()
            };
            let (x, w, bias) = (noise(batch * rows * k, 1), noise(2 * n * k, 2), noise(2 * n, 3));
            let got = same_everywhere(|| {
                let mut out = vec![f32::NAN; batch * rows * n];
                linear_geglu(&l, &x, Stored::f32(&w), Some(Stored::f32(&bias)), &mut out);
                out
            });
            let both = Then { bias: Some(Stored::f32(&bias)), ..Then::default() };
            let wide = reference(&Linear { n: 2 * n, ..l }, &x, &w, &both);
            let want: Vec<f64> = wide
                .chunks(2 * n)
                .flat_map(|row| (0..n).map(|i| row[i] * act64(Act::Gelu, row[n + i])).collect::<Vec<_>>())
                .collect();
            close(&got, &want, 1e-6, &format!("{l:?}"));
        }
    }
}

#[test]
fn products_of_matrices() {
    for (batch, m, k, n) in [(1, 1, 1, 1), (3, 7, 33, 17), (2, 65, 300, 65), (5, 16, 1, 40)] {
        let (a, b) = (noise(batch * m * k, 1), noise(batch * k * n, 2));
        let got = same_everywhere(|| {
            let mut out = vec![f32::NAN; batch * m * n];
            matmul(batch, m, k, n, &a, &b, &mut out);
            out
        });
        let mut want = Vec::new();
        for i in 0..batch {
            let l = Linear { batch: 1, rows: m, k, n, w_transposed: true, ..Linear::default() };
            want.extend(reference(
                &l,
                &a[i * m * k..(i + 1) * m * k],
                &b[i * k * n..(i + 1) * k * n],
                &Then::default(),
            ));
        }
        close(&got, &want, 1e-6, "matmul");
    }
}
