//! Convolutions of pictures in blocks against a slow reference, the same bits everywhere.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
#![allow(clippy::print_stdout, reason = "how far off each is")]

mod common;

use common::{DTYPES, as_stored, distance, noise, same_everywhere, stored};
use kiln_kernels::{BlockConv, Dtype, Slope, Stored, blocks_len, conv_blocks, from_blocks, to_blocks};

/// One convolution and what is fused into it.
#[derive(Clone, Copy)]
struct Case {
    sources: &'static [usize],
    size: [usize; 2],
    c_out: usize,
    double: bool,
    dtype: Dtype,
    scale: f32,
    /// One slope, or one per channel.
    slope: Option<f32>,
    add: bool,
    outer: Option<f32>,
}

const PLAIN: Case = Case {
    sources: &[32],
    size: [9, 14],
    c_out: 32,
    double: false,
    dtype: Dtype::F32,
    scale: 1.0,
    slope: Some(1.0),
    add: false,
    outer: None,
};

const CASES: [Case; 13] = [
    PLAIN,
    Case { sources: &[64, 32, 32], c_out: 32, slope: Some(0.2), ..PLAIN },
    Case { sources: &[64, 96], c_out: 64, scale: 0.2, add: true, outer: Some(0.2), ..PLAIN },
    Case { sources: &[3], c_out: 64, size: [17, 5], ..PLAIN },
    Case { sources: &[64], c_out: 3, size: [70, 33], dtype: Dtype::F16, ..PLAIN },
    Case { sources: &[20, 7], c_out: 21, slope: None, add: true, ..PLAIN },
    Case { sources: &[16], c_out: 48, size: [1, 1], ..PLAIN },
    Case { sources: &[16], c_out: 16, size: [1, 40], slope: Some(0.0), ..PLAIN },
    Case { sources: &[16], c_out: 16, size: [5, 3], double: true, slope: Some(0.2), ..PLAIN },
    Case { sources: &[33], c_out: 17, size: [7, 6], double: true, dtype: Dtype::BF16, slope: None, ..PLAIN },
    Case { sources: &[300], c_out: 16, size: [8, 8], ..PLAIN },
    Case { sources: &[1], c_out: 1, size: [3, 2], outer: Some(-1.5), ..PLAIN },
    Case { sources: &[64], c_out: 32, size: [64, 64], slope: Some(0.2), ..PLAIN },
];

struct Numbers {
    planes: Vec<Vec<f32>>,
    weight: Vec<u8>,
    bias: Vec<f32>,
    slopes: Vec<f32>,
    add: Vec<f32>,
    outer: Vec<f32>,
}

fn out(case: &Case) -> [usize; 2] {
    case.size.map(|s| if case.double { 2 * s } else { s })
}

fn numbers(case: &Case) -> Numbers {
    let [h, w] = case.size;
    let c_in: usize = case.sources.iter().sum();
    let result = case.c_out * out(case)[0] * out(case)[1];
    let weight: Vec<f32> =
        noise(case.c_out * c_in * 9, 5).iter().map(|v| v / (3.0 * c_in as f32).sqrt()).collect();
    Numbers {
        planes: case.sources.iter().zip(1..).map(|(c, seed)| noise(c * h * w, seed)).collect(),
        weight: stored(&weight, case.dtype),
        bias: noise(case.c_out, 6),
        slopes: noise(case.c_out, 7),
        add: noise(result, 8),
        outer: noise(result, 9),
    }
}

fn blocks(channels: usize, size: [usize; 2], planes: &[f32]) -> Vec<f32> {
    let mut out = vec![f32::NAN; blocks_len(channels, size)];
    to_blocks(channels, size, planes, &mut out);
    out
}

fn run(case: &Case) -> Vec<f32> {
    let n = numbers(case);
    let size = out(case);
    let sources: Vec<(Vec<f32>, usize)> =
        case.sources.iter().zip(&n.planes).map(|(c, p)| (blocks(*c, case.size, p), *c)).collect();
    let sources: Vec<(&[f32], usize)> = sources.iter().map(|s| (s.0.as_slice(), s.1)).collect();
    let (add, outer) = (blocks(case.c_out, size, &n.add), blocks(case.c_out, size, &n.outer));
    let conv = BlockConv {
        sources: &sources,
        size: case.size,
        double: case.double,
        c_out: case.c_out,
        weight: as_stored(&n.weight, case.dtype),
        bias: Some(Stored::f32(&n.bias)),
        scale: case.scale,
        slope: case.slope.map_or(Slope::Each(Stored::f32(&n.slopes)), Slope::One),
        add: case.add.then_some(add.as_slice()),
        outer: case.outer.map(|scale| (scale, outer.as_slice())),
    };
    // What is there already does not matter.
    let mut out = vec![f32::NAN; blocks_len(case.c_out, size)];
    conv_blocks(&conv, &mut out);
    let mut planes = vec![f32::NAN; case.c_out * size[0] * size[1]];
    from_blocks(case.c_out, size, &out, &mut planes);
    let rest: f32 = blocks_rest(case.c_out, size, &out);
    assert_eq!(rest, 0.0, "channels that are not there stay zero");
    planes
}

/// The largest number in channels that are not there.
fn blocks_rest(channels: usize, size: [usize; 2], blocks: &[f32]) -> f32 {
    let there = |i: usize| i / (size[0] * size[1] * 16) * 16 + i % 16 < channels;
    blocks.iter().enumerate().filter(|(i, _)| !there(*i)).map(|(_, v)| v.abs()).fold(0.0, f32::max)
}

fn slow(case: &Case) -> Vec<f64> {
    let n = numbers(case);
    let ([h, w], [oh, ow]) = (case.size, out(case));
    let weight = as_stored(&n.weight, case.dtype).widen();
    let all: Vec<f32> = n.planes.concat();
    let c_in: usize = case.sources.iter().sum();
    let by = if case.double { 2 } else { 1 };
    let mut made = Vec::new();
    for o in 0..case.c_out {
        for y in 0..oh {
            for x in 0..ow {
                let mut sum = 0.0f64;
                for c in 0..c_in {
                    for (ky, kx) in (0..9).map(|t| (t / 3, t % 3)) {
                        let (sy, sx) = ((y + ky).wrapping_sub(1), (x + kx).wrapping_sub(1));
                        if sy < oh && sx < ow {
                            let v = all[(c * h + sy / by) * w + sx / by];
                            sum += f64::from(v) * f64::from(weight[((o * c_in + c) * 3 + ky) * 3 + kx]);
                        }
                    }
                }
                sum = (sum + f64::from(n.bias[o])) * f64::from(case.scale);
                if sum < 0.0 {
                    sum *= f64::from(case.slope.unwrap_or(n.slopes[o]));
                }
                let at = (o * oh + y) * ow + x;
                if case.add {
                    sum += f64::from(n.add[at]);
                }
                if let Some(scale) = case.outer {
                    sum = sum * f64::from(scale) + f64::from(n.outer[at]);
                }
                made.push(sum);
            }
        }
    }
    made
}

#[test]
fn pictures_in_blocks() {
    for (i, case) in CASES.iter().enumerate() {
        let off = distance(&same_everywhere(|| run(case)), &slow(case));
        println!("{i}: {off:.1e}");
        assert!(off < 3e-6, "case {i}: {off:.1e}");
    }
}

#[test]
fn weights_of_every_dtype() {
    for dtype in DTYPES {
        let case = Case { dtype, ..PLAIN };
        let off = distance(&run(&case), &slow(&case));
        assert!(off < 3e-6, "{dtype:?}: {off:.1e}");
    }
}

#[test]
fn what_is_not_a_number_stays_near() {
    let (mut planes, weight) = (noise(16 * 400, 1), noise(16 * 16 * 9, 2));
    planes[5 * 400 + 10 * 20 + 10] = f32::NAN;
    let x = blocks(16, [20, 20], &planes);
    let conv = BlockConv {
        sources: &[(&x, 16)],
        size: [20, 20],
        double: false,
        c_out: 16,
        weight: Stored::f32(&weight),
        bias: None,
        scale: 1.0,
        slope: Slope::One(0.2),
        add: None,
        outer: None,
    };
    let mut out = vec![0.0; blocks_len(16, [20, 20])];
    conv_blocks(&conv, &mut out);
    let bad = |y: usize, x: usize| out[(y * 20 + x) * 16].is_nan();
    assert!(bad(10, 10));
    assert!(
        (0..20)
            .flat_map(|y| (0..20).map(move |x| (y, x)))
            .all(|(y, x)| !bad(y, x) || (4..16).contains(&y) && (4..16).contains(&x))
    );
}
