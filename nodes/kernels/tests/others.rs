//! Normalisation, activations, pooling, resizing and widening against double precision.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::*;
use kiln_kernels::*;

#[test]
fn group_norms() {
    for (n, c, hw, groups) in
        [(1, 1, 1, 1), (2, 6, 17, 3), (1, 32, 65, 32), (2, 12, 1000, 4), (1, 64, 600, 2)]
    {
        for (offset, act) in [(0.0, Act::None), (1000.0, Act::None), (0.5, Act::Silu), (0.0, Act::Relu)] {
            let x: Vec<f32> = noise(n * c * hw, 1).iter().map(|v| v + offset).collect();
            let (gamma, beta) = (noise(c, 2), noise(c, 3));
            let got = same_everywhere(|| {
                let mut out = vec![f32::NAN; x.len()];
                group_norm(
                    n,
                    c,
                    hw,
                    groups,
                    1e-5,
                    Stored::f32(&gamma),
                    Stored::f32(&beta),
                    act,
                    &x,
                    &mut out,
                );
                out
            });
            let size = c / groups * hw;
            let mut want = Vec::new();
            for (g, x) in x.chunks(size).enumerate() {
                let mean = x.iter().map(|&v| f64::from(v)).sum::<f64>() / size as f64;
                let spread = x.iter().map(|&v| square(f64::from(v) - mean)).sum::<f64>() / size as f64;
                for (i, &v) in x.iter().enumerate() {
                    let channel = g % groups * (c / groups) + i / hw;
                    let y = (f64::from(v) - mean) / (spread + f64::from(1e-5f32)).sqrt();
                    want.push(act64(act, y * f64::from(gamma[channel]) + f64::from(beta[channel])));
                }
            }
            // With a large common offset the input itself has few bits left for what differs.
            let limit = if offset > 100.0 { 2e-4 } else { 1e-6 };
            close(&got, &want, limit, &format!("{n} {c} {hw} {groups} {offset}"));
        }
    }
}

#[test]
fn row_norms() {
    for (rows, c) in [(1, 1), (7, 17), (33, 65), (3, 5000), (200, 320)] {
        let x: Vec<f32> = noise(rows * c, 1).iter().map(|v| 3.0 * v + 0.7).collect();
        let (gamma, beta) = (noise(c, 2), noise(c, 3));
        let layer = same_everywhere(|| {
            let mut out = vec![f32::NAN; x.len()];
            layer_norm(rows, c, 1e-5, Some(Stored::f32(&gamma)), Some(Stored::f32(&beta)), &x, &mut out);
            out
        });
        let rms = same_everywhere(|| {
            let mut out = vec![f32::NAN; x.len()];
            rms_norm(rows, c, 1e-6, Some(Stored::f32(&gamma)), &x, &mut out);
            out
        });
        let soft = same_everywhere(|| {
            let mut out = vec![f32::NAN; x.len()];
            softmax_rows(rows, c, &x, &mut out);
            out
        });
        let (mut want_layer, mut want_rms, mut want_soft) = (Vec::new(), Vec::new(), Vec::new());
        for x in x.chunks(c) {
            let x: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
            let mean = x.iter().sum::<f64>() / c as f64;
            let spread = x.iter().map(|v| square(v - mean)).sum::<f64>() / c as f64;
            let square = x.iter().map(|v| v * v).sum::<f64>() / c as f64;
            let all: f64 = x.iter().map(|v| libm::exp(*v)).sum();
            for (i, v) in x.iter().enumerate() {
                let (g, b) = (f64::from(gamma[i]), f64::from(beta[i]));
                want_layer.push((v - mean) / (spread + f64::from(1e-5f32)).sqrt() * g + b);
                want_rms.push(v / (square + f64::from(1e-6f32)).sqrt() * g);
                want_soft.push(libm::exp(*v) / all);
            }
        }
        close(&layer, &want_layer, 1e-6, "layer");
        close(&rms, &want_rms, 1e-6, "rms");
        close(&soft, &want_soft, 1e-6, "softmax");
    }
}

#[test]
fn activations() {
    let x: Vec<f32> = (0..40001).map(|i| (i - 20000) as f32 * 0.001).collect();
    for act in [
        Act::None,
        Act::Silu,
        Act::Gelu,
        Act::QuickGelu,
        Act::GeluTanh,
        Act::Relu,
        Act::Relu6,
        Act::LeakyRelu(0.1),
        Act::Sigmoid,
        Act::Tanh,
    ] {
        let got = same_everywhere(|| {
            let mut x = x.clone();
            activate(act, &mut x);
            x
        });
        for (x, got) in x.iter().zip(got) {
            let want = act64(act, f64::from(*x));
            // The tails of GELU cancel: there the error is absolute.
            assert!(
                (f64::from(got) - want).abs() <= 3e-7 * want.abs().max(x.abs().into()).max(0.1),
                "{act:?} {x}: {got} {want}"
            );
        }
    }
}

#[test]
fn activations_of_special_numbers() {
    let x = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e30, -1e30, 0.0, -0.0, 88.7, -87.5, 89.0, 1e-40];
    let one = |act| {
        same_everywhere(|| {
            let mut x = x.to_vec();
            activate(act, &mut x);
            x
        })
    };
    for act in [
        Act::Silu,
        Act::Gelu,
        Act::QuickGelu,
        Act::GeluTanh,
        Act::Relu,
        Act::Relu6,
        Act::LeakyRelu(0.1),
        Act::Sigmoid,
        Act::Tanh,
    ] {
        let got = one(act);
        assert!(got[2].is_nan(), "{act:?} of NaN");
        assert!(got[5] == 0.0 || act == Act::Sigmoid && got[5] == 0.5);
    }
    assert_eq!(one(Act::Sigmoid)[..2], [1.0, 0.0]);
    assert_eq!(one(Act::Tanh)[..2], [1.0, -1.0]);
    assert_eq!(one(Act::Silu)[0], f32::INFINITY);
    assert_eq!(one(Act::Gelu)[3], 1e30);
    assert_eq!(one(Act::Relu)[1], 0.0);
}

#[test]
fn softmax_of_special_rows() {
    let inf = f32::INFINITY;
    let rows = [
        [1e30, -1e30, 0.0],
        [-inf, 3.0, 3.0],
        [-inf, -inf, -inf],
        [f32::NAN, 0.0, 1.0],
        [500.0, 499.0, -500.0],
    ];
    let got = same_everywhere(|| {
        let mut out = vec![0.0; 15];
        softmax_rows(5, 3, rows.as_flattened(), &mut out);
        out
    });
    assert_eq!(got[..6], [1.0, 0.0, 0.0, 0.0, 0.5, 0.5]);
    assert!(got[6..12].iter().all(|x| x.is_nan()));
    assert!((got[12] - 0.731_058_6).abs() < 1e-6 && got[14] == 0.0);
}

#[test]
fn products_of_special_numbers_end() {
    let l = Linear { batch: 1, rows: 9, k: 40, n: 33, ..Linear::default() };
    let mut x = noise(9 * 40, 1);
    x[3] = f32::NAN;
    x[50] = f32::INFINITY;
    let w = vec![1.0; 33 * 40];
    let mut out = vec![0.0; 9 * 33];
    linear(&l, &x, Stored::f32(&w), Then::default(), &mut out);
    assert!(out[..33].iter().all(|v| v.is_nan()));
    assert!(out[33..66].iter().all(|v| *v == f32::INFINITY));
    assert!(out[66..].iter().all(|v| v.is_finite()));
}

#[test]
fn pointwise() {
    let (x, y) = (noise(100_003, 1), noise(100_003, 2));
    let sum = same_everywhere(|| {
        let mut x = x.clone();
        add_into(&mut x, &y);
        x
    });
    let mix = same_everywhere(|| {
        let mut x = x.clone();
        scale_add(0.5, &mut x, -2.0, &y);
        x
    });
    for i in 0..x.len() {
        assert_eq!(sum[i], x[i] + y[i]);
        assert!((mix[i] - (0.5 * x[i] - 2.0 * y[i])).abs() < 1e-6);
    }
    let (n, c, hw) = (2, 3, 37);
    let (a, b) = (noise(c, 5), noise(c, 6));
    let mut folded = x[..n * c * hw].to_vec();
    affine_channels(n, c, hw, Stored::f32(&a), Stored::f32(&b), &mut folded);
    let mut leaky = x[..n * c * hw].to_vec();
    prelu(n, c, hw, Stored::f32(&a), &mut leaky);
    for i in 0..n * c * hw {
        let channel = i / hw % c;
        assert!((folded[i] - (x[i] * a[channel] + b[channel])).abs() < 1e-6);
        assert_eq!(leaky[i], if x[i] < 0.0 { x[i] * a[channel] } else { x[i] });
    }
}

#[test]
fn turning_matrices() {
    for (batch, rows, cols) in [(1, 1, 1), (2, 17, 33), (1, 130, 70), (3, 64, 16)] {
        let x = noise(batch * rows * cols, 1);
        let got = same_everywhere(|| {
            let mut out = vec![f32::NAN; x.len()];
            transpose(batch, rows, cols, &x, &mut out);
            out
        });
        for b in 0..batch {
            for r in 0..rows {
                for c in 0..cols {
                    assert_eq!(got[(b * cols + c) * rows + r], x[(b * rows + r) * cols + c]);
                }
            }
        }
    }
}

#[test]
fn halves_widen_exactly() {
    let all: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    let f16 = same_everywhere(|| Stored { dtype: Dtype::F16, bytes: &all }.widen());
    let bf16 = same_everywhere(|| Stored { dtype: Dtype::BF16, bytes: &all }.widen());
    for bits in 0..=u16::MAX {
        let (a, b) = (f16[usize::from(bits)], bf16[usize::from(bits)]);
        let (x, y) = (half::f16::from_bits(bits), half::bf16::from_bits(bits));
        assert!(a == x.to_f32() || a.is_nan() && x.is_nan());
        assert!(b == y.to_f32() || b.is_nan() && y.is_nan());
    }
}

#[test]
fn eighths_decode_by_definition() {
    let all: Vec<u8> = (0..=255).collect();
    let e4m3 = Stored { dtype: Dtype::F8E4M3, bytes: &all }.widen();
    let e5m2 = Stored { dtype: Dtype::F8E5M2, bytes: &all }.widen();
    for byte in 0..256usize {
        let sign = if byte >= 128 { -1.0 } else { 1.0 };
        let decode = |exponent: usize, fraction: usize, bits: i32, bias: i32| {
            let part = fraction as f64 / f64::from(1 << bits);
            if exponent == 0 {
                sign * part * libm::exp2(f64::from(1 - bias))
            } else {
                sign * (1.0 + part) * libm::exp2(f64::from(exponent as i32 - bias))
            }
        };
        let (e, m) = (byte >> 3 & 15, byte & 7);
        if (e, m) == (15, 7) {
            assert!(e4m3[byte].is_nan());
        } else {
            assert_eq!(f64::from(e4m3[byte]), decode(e, m, 3, 7), "{byte}");
        }
        let (e, m) = (byte >> 2 & 31, byte & 3);
        match (e, m) {
            (31, 0) => assert_eq!(e5m2[byte], sign as f32 * f32::INFINITY),
            (31, _) => assert!(e5m2[byte].is_nan()),
            _ => assert_eq!(f64::from(e5m2[byte]), decode(e, m, 2, 15), "{byte}"),
        }
    }
}

#[test]
fn vision() {
    let x = noise(2 * 5 * 7, 1);
    let mut up = vec![0.0; 2 * 10 * 13];
    upsample_nearest(2, [5, 7], [10, 13], &x, &mut up);
    for p in 0..2 {
        for y in 0..10 {
            for i in 0..13 {
                assert_eq!(up[(p * 10 + y) * 13 + i], x[(p * 5 + y * 5 / 10) * 7 + i * 7 / 13]);
            }
        }
    }
    let pool = Pool { planes: 2, h: 5, w: 7, window: [3, 2], stride: [2, 2], pad: [1, 0] };
    assert_eq!(pool.out(), [3, 3]);
    let (mut most, mut mean) = (vec![0.0; 18], vec![0.0; 18]);
    max_pool2d(&pool, &x, &mut most);
    avg_pool2d(&pool, &x, &mut mean);
    // The first window sees rows 0 and 1 (the one above is padding), columns 0 and 1.
    let seen = [x[0], x[1], x[7], x[8]];
    assert_eq!(most[0], seen.iter().copied().fold(f32::MIN, f32::max));
    assert!((mean[0] - seen.iter().sum::<f32>() / 6.0).abs() < 1e-6);
    let mut same = vec![0.0; x.len()];
    for align in [false, true] {
        resize_bilinear(2, [5, 7], [5, 7], align, &x, &mut same);
        assert_eq!(same, x);
    }
    let mut wide = vec![0.0; 4];
    resize_bilinear(1, [1, 2], [1, 4], false, &[0.0, 1.0], &mut wide);
    assert_eq!(wide, [0.0, 0.25, 0.75, 1.0]);
    resize_bilinear(1, [1, 2], [1, 4], true, &[0.0, 3.0], &mut wide);
    assert_eq!(wide, [0.0, 1.0, 2.0, 3.0]);
}
