//! Results as hashes, the same on every processor: `tests/machines` runs these without AVX and on aarch64, too.
//! A hash that changes means another [`kiln_kernels::KERNEL_SET`]: caches must not share values across the change.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::noise;
use kiln_kernels as k;
use kiln_kernels::{Act, Dtype, Stored, Then};

fn hash(values: &[f32]) -> u64 {
    values
        .iter()
        .flat_map(|v| v.to_bits().to_le_bytes())
        .fold(0xCBF2_9CE4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3))
}

fn half(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| half::f16::from_f32(*v).to_le_bytes()).collect()
}

fn conv(c_in: usize, c_out: usize, kernel: usize, stride: usize) -> Vec<f32> {
    let conv = k::Conv {
        n: 2,
        c_in,
        h: 9,
        w: 13,
        c_out,
        kh: kernel,
        kw: kernel,
        stride: [stride; 2],
        dilation: [1, 1],
        pad: [kernel / 2; 4],
        groups: 1,
        upsample: None,
    };
    let [h, w] = conv.out();
    let mut out = vec![0.0; 2 * c_out * h * w];
    let (x, weight, bias) =
        (noise(2 * c_in * 9 * 13, 1), half(&noise(c_in * c_out * kernel * kernel, 2)), noise(c_out, 3));
    let then = Then { bias: Some(Stored::f32(&bias)), act: Act::Silu, ..Then::default() };
    k::conv2d(&conv, &x, Stored { dtype: Dtype::F16, bytes: &weight }, then, &mut out);
    out
}

fn blocks() -> Vec<f32> {
    let size = [9, 13];
    let lay = |c: usize, seed: u64| {
        let mut out = vec![0.0; k::blocks_len(c, size)];
        k::to_blocks(c, size, &noise(c * 9 * 13, seed), &mut out);
        out
    };
    let (one, two, add) = (lay(32, 11), lay(7, 12), lay(20, 13));
    let (weight, bias) = (half(&noise(20 * 39 * 9, 14)), noise(20, 15));
    let conv = k::BlockConv {
        sources: &[(&one, 32), (&two, 7)],
        size,
        double: false,
        c_out: 20,
        weight: Stored { dtype: Dtype::F16, bytes: &weight },
        bias: Some(Stored::f32(&bias)),
        scale: 0.2,
        slope: k::Slope::One(0.2),
        add: Some(&add),
        outer: Some((0.2, &add)),
    };
    let mut out = vec![0.0; k::blocks_len(20, size)];
    k::conv_blocks(&conv, &mut out);
    out
}

fn linear(act: Act) -> Vec<f32> {
    let l = k::Linear {
        batch: 1,
        rows: 37,
        k: 300,
        n: 65,
        x_columns: false,
        out_columns: false,
        w_transposed: false,
    };
    let mut out = vec![0.0; 37 * 65];
    let (x, weight) = (noise(37 * 300, 4), noise(65 * 300, 5));
    k::linear(&l, &x, Stored::f32(&weight), Then { act, ..Then::default() }, &mut out);
    out
}

fn attention() -> Vec<f32> {
    let (q, kv) = (noise(150 * 80, 6), noise(200 * 80, 7));
    let a = k::Attention {
        batch: 1,
        heads: 2,
        q_len: 150,
        kv_len: 200,
        head_dim: 40,
        scale: 0.158,
        q_stride: 80,
        k_stride: 80,
        v_stride: 80,
        ..k::Attention::default()
    };
    let mut out = vec![0.0; 150 * 80];
    k::attention(&a, &q, &kv, &kv, &mut out);
    out
}

#[test]
fn golden() {
    let mut norm = vec![0.0; 2 * 64 * 35];
    let (gamma, beta) = (noise(64, 8), noise(64, 9));
    let x = noise(norm.len(), 10);
    k::group_norm(2, 64, 35, 32, 1e-5, Stored::f32(&gamma), Stored::f32(&beta), Act::Silu, &x, &mut norm);
    let mut rows = vec![0.0; 70 * 64];
    k::layer_norm(70, 64, 1e-5, Some(Stored::f32(&gamma)), Some(Stored::f32(&beta)), &x, &mut rows);
    let mut soft = vec![0.0; 70 * 64];
    k::softmax_rows(70, 64, &x, &mut soft);
    let found = [
        ("convolution, 3x3 in tiles", hash(&conv(32, 40, 3, 1))),
        ("convolution, 3x3 with step 2", hash(&conv(20, 33, 3, 2))),
        ("convolution, 1x1", hash(&conv(20, 33, 1, 1))),
        ("convolution, 3x3 of blocks", hash(&blocks())),
        ("product, gelu", hash(&linear(Act::Gelu))),
        ("product, quick gelu", hash(&linear(Act::QuickGelu))),
        ("product, tanh", hash(&linear(Act::Tanh))),
        ("attention", hash(&attention())),
        ("group norm, silu", hash(&norm)),
        ("layer norm", hash(&rows)),
        ("softmax", hash(&soft)),
    ];
    let golden: [u64; 11] = [
        0xa489_750d_cf14_3f59,
        0x6b40_5e1a_3782_973d,
        0x8af6_d84e_ba24_22a6,
        0x7d82_2450_946c_5270,
        0xde12_a1d0_0f09_d3fb,
        0x7900_4e0b_576a_845e,
        0x37c0_384d_62ef_e15f,
        0x0b50_abf2_2528_eb73,
        0x68a4_99a0_7a4f_64d4,
        0xb7cb_6dbf_c6c8_c5a5,
        0x2b51_f490_6ab3_0e4f,
    ];
    let wrong: Vec<String> = found
        .iter()
        .zip(golden)
        .filter(|((_, hash), golden)| hash != golden)
        .map(|((name, hash), _)| format!("{name}: {hash:#018x}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
