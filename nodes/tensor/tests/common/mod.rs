//! One table of every operation: each with the call networks make and the same of burn's operations. `ops.rs` holds
//! both to the same numbers on the processor, `gpu.rs` a graphics card to the processor.
#![allow(dead_code, reason = "every test uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use burn::tensor::module;
use burn::tensor::ops::AvgPoolOptions;
use kiln_tensor::compute::values;
use kiln_tensor::ops::{self, Attend, ConvSpec, ConvThen, LinearThen};
use kiln_tensor::{Act, Compute, Tensor, Weight};

/// Numbers from -1 to 1, the same on every machine.
pub fn numbers(seed: u64, len: usize) -> Vec<f32> {
    (1..=len as u64)
        .map(|i| {
            let mut z =
                seed.wrapping_mul(0xD1B5_4A32_D192_ED03).wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) >> 40) as f32 / 8_388_608.0 - 1.0
        })
        .collect()
}

/// Such a tensor.
pub fn tensor<const D: usize>(compute: &Compute, seed: u64, shape: [usize; D]) -> Tensor<D> {
    compute.tensor(numbers(seed, shape.iter().product()), shape)
}

/// Such a weight.
pub fn weight(seed: u64, shape: &[usize]) -> Weight {
    Weight::from_f32(shape, numbers(seed, shape.iter().product()))
}

/// |a - b| / |a|; infinite when lengths differ or something is not a number.
pub fn relative(wanted: &[f32], found: &[f32]) -> f64 {
    if wanted.len() != found.len() || found.iter().any(|v| !v.is_finite()) {
        return f64::INFINITY;
    }
    let square = |v: f64| v * v;
    let off: f64 = wanted.iter().zip(found).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let all: f64 = wanted.iter().map(|a| square(f64::from(*a))).sum();
    (off / all.max(1e-60)).sqrt()
}

type Run = Box<dyn Fn(&Compute) -> Vec<f32>>;

/// One operation with one shape.
pub struct Case {
    pub name: &'static str,
    /// The call networks make.
    pub run: Run,
    /// The same of burn's operations.
    pub plain: Run,
}

fn case<const D: usize>(
    name: &'static str,
    run: impl Fn(&Compute) -> Tensor<D> + 'static,
    plain: impl Fn(&Compute) -> Tensor<D> + 'static,
) -> Case {
    let flat = |f: Box<dyn Fn(&Compute) -> Tensor<D>>| move |c: &Compute| values(f(c)).unwrap();
    Case { name, run: Box::new(flat(Box::new(run))), plain: Box::new(flat(Box::new(plain))) }
}

/// Every operation.
pub fn cases() -> Vec<Case> {
    [convolutions(), products(), attentions(), norms(), activations(), shapes()]
        .into_iter()
        .flatten()
        .collect()
}

/// Operations as large as they are in Stable Diffusion at a quarter of its pixels: cards choose their programs by size.
pub fn large() -> Vec<Case> {
    let rows = |c: &Compute| tensor::<3>(c, 61, [1, 1024, 320]);
    let text = |c: &Compute| tensor::<3>(c, 62, [1, 77, 320]);
    let picture = |c: &Compute| tensor::<4>(c, 63, [1, 320, 32, 32]);
    let w = |out: usize| weight(64, &[out, 320]);
    let ones = || (weight(65, &[320]), weight(66, &[320]));
    let attend = move |name, heads, keys: fn(&Compute) -> Tensor<3>| {
        let run = move |c: &Compute, f: fn(&Tensor<3>, &Tensor<3>, &Tensor<3>, Attend<'_>) -> Tensor<3>| {
            f(&rows(c), &keys(c), &keys(c), Attend::heads(heads))
        };
        case(name, move |c| run(c, ops::attention), move |c| run(c, ops::attention_plain))
    };
    vec![
        convolution("conv 3x3", [1, 320, 16, 16], [320, 320, 3, 3], ConvSpec::padded(1), None, None),
        case(
            "linear with a gate",
            move |c| ops::linear_geglu(&rows(c), &w(2560), None, c),
            move |c| ops::geglu_plain(ops::linear_plain(&rows(c), &w(2560), None, LinearThen::default(), c)),
        ),
        case(
            "linear of one row",
            move |c| ops::linear(&tensor::<2>(c, 67, [1, 320]), &w(1280), None, LinearThen::default(), c),
            move |c| {
                ops::linear_plain(&tensor::<2>(c, 67, [1, 320]), &w(1280), None, LinearThen::default(), c)
            },
        ),
        attend("attention", 8, rows),
        attend("attention over a text", 8, text),
        attend("attention with one head", 1, rows),
        case(
            "group norm",
            move |c| ops::group_norm(&picture(c), 32, 1e-5, &ones().0, &ones().1, Act::Silu, c),
            move |c| ops::group_norm_plain(&picture(c), 32, 1e-5, &ones().0, &ones().1, Act::Silu, c),
        ),
        case(
            "layer norm",
            move |c| ops::layer_norm(&rows(c), 1e-5, &ones().0, &ones().1, c),
            move |c| ops::layer_norm_plain(&rows(c), 1e-5, &ones().0, &ones().1, c),
        ),
    ]
}

/// A convolution of `x` with `w` (and a bias), each with `then` on and off as its shapes say.
fn convolution(
    name: &'static str,
    x: [usize; 4],
    w: [usize; 4],
    spec: ConvSpec,
    upsample: Option<[usize; 2]>,
    all: Option<[usize; 2]>,
) -> Case {
    let run = move |c: &Compute, plain: bool| {
        let [n, c_out] = [x[0], w[0]];
        let (x, w) = (tensor(c, 1, x), weight(2, &w));
        let bias = all.map(|_| weight(3, &[c_out]));
        let shift = tensor::<2>(c, 4, [n, c_out]);
        let add = all.map(|[h, w]| tensor::<4>(c, 5, [n, c_out, h, w]));
        let then = ConvThen {
            shift: all.map(|_| &shift),
            act: if all.is_some() { Act::Silu } else { Act::None },
            add: add.as_ref(),
            upsample,
        };
        let f = if plain { ops::conv2d_plain } else { ops::conv2d };
        f(&x, &w, bias.as_ref(), &spec, then, c)
    };
    case(name, move |c| run(c, false), move |c| run(c, true))
}

fn convolutions() -> Vec<Case> {
    let downward = ConvSpec { stride: [2, 2], pad: [0, 1, 0, 1], dilation: [1, 1], groups: 1 };
    let apart = ConvSpec { stride: [1, 2], pad: [2, 1, 0, 3], dilation: [2, 1], groups: 3 };
    vec![
        convolution("conv 1x1", [1, 5, 3, 7], [6, 5, 1, 1], ConvSpec::padded(0), None, None),
        convolution(
            "conv 3x3, all that follows",
            [2, 5, 7, 9],
            [6, 5, 3, 3],
            ConvSpec::padded(1),
            None,
            Some([7, 9]),
        ),
        convolution(
            "conv 3x3 of 33 channels",
            [1, 33, 5, 6],
            [34, 33, 3, 3],
            ConvSpec::padded(1),
            None,
            None,
        ),
        convolution("conv, uneven padding", [1, 4, 7, 8], [5, 4, 3, 3], downward, None, None),
        convolution("conv in groups, taps apart", [2, 6, 7, 9], [9, 2, 3, 2], apart, None, None),
        convolution(
            "conv of a doubled picture",
            [1, 4, 3, 5],
            [5, 4, 3, 3],
            ConvSpec::padded(1),
            Some([6, 10]),
            None,
        ),
        convolution(
            "conv of a picture resized",
            [1, 4, 3, 5],
            [5, 4, 3, 3],
            ConvSpec::padded(1),
            Some([7, 9]),
            None,
        ),
    ]
}

fn products() -> Vec<Case> {
    let w = || weight(12, &[14, 19]);
    let b = || weight(13, &[14]);
    let x = |c: &Compute| tensor::<3>(c, 11, [2, 3, 19]);
    let add = |c: &Compute| tensor::<3>(c, 15, [2, 3, 14]);
    let picture = |c: &Compute| tensor::<4>(c, 14, [2, 19, 3, 5]);
    let rows = |c: &Compute| tensor::<3>(c, 16, [2, 15, 19]);
    let onto = |c: &Compute| tensor::<4>(c, 17, [2, 14, 3, 5]);
    vec![
        case(
            "linear",
            move |c| ops::linear(&tensor::<2>(c, 10, [3, 19]), &w(), None, LinearThen::default(), c),
            move |c| ops::linear_plain(&tensor::<2>(c, 10, [3, 19]), &w(), None, LinearThen::default(), c),
        ),
        case(
            "linear, all that follows",
            move |c| {
                let then = LinearThen { act: Act::Gelu, add: Some(&add(c)) };
                ops::linear(&x(c), &w(), Some(&b()), then, c)
            },
            move |c| {
                let then = LinearThen { act: Act::Gelu, add: Some(&add(c)) };
                ops::linear_plain(&x(c), &w(), Some(&b()), then, c)
            },
        ),
        case(
            "linear of a picture's pixels",
            move |c| ops::linear_columns(&picture(c), &w(), Some(&b()), c),
            move |c| {
                let x = ops::from_columns(picture(c));
                ops::linear_plain(&x, &w(), Some(&b()), LinearThen::default(), c)
            },
        ),
        case(
            "linear back into a picture",
            move |c| ops::linear_to_columns(&rows(c), [3, 5], &w(), Some(&b()), Some(&onto(c)), c),
            move |c| {
                let y = ops::linear_plain(&rows(c), &w(), Some(&b()), LinearThen::default(), c);
                ops::to_columns(y, [3, 5]) + onto(c)
            },
        ),
        case(
            "linear with a gate",
            move |c| ops::linear_geglu(&x(c), &w(), Some(&b()), c),
            move |c| ops::geglu_plain(ops::linear_plain(&x(c), &w(), Some(&b()), LinearThen::default(), c)),
        ),
    ]
}

/// `blocks`: so many scores at once in the plain body.
fn attend(name: &'static str, [q, kv]: [usize; 2], causal: bool, masked: bool, blocks: usize) -> Case {
    let run = move |c: &Compute, plain: bool| {
        let mask = masked.then(|| tensor::<2>(c, 24, [q, kv]));
        let how = Attend { heads: 3, causal, mask: mask.as_ref() };
        let (q, k, v) =
            (tensor(c, 21, [2, q, 15]) * 4.0, tensor(c, 22, [2, kv, 15]) * 4.0, tensor(c, 23, [2, kv, 15]));
        if plain || !c.is_cpu() {
            ops::attention_in_blocks(&q, &k, &v, how, blocks)
        } else {
            ops::attention(&q, &k, &v, how)
        }
    };
    case(name, move |c| run(c, false), move |c| run(c, true))
}

fn attentions() -> Vec<Case> {
    vec![
        attend("attention", [7, 11], false, false, usize::MAX),
        attend("attention in blocks", [11, 7], false, false, 2 * 3 * 7 * 4),
        attend("attention, masked, in blocks", [9, 7], false, true, 2 * 3 * 7 * 4),
        attend("attention of what came before", [9, 9], true, false, usize::MAX),
        attend("attention of what came before, in blocks", [9, 9], true, true, 2 * 3 * 9 * 4),
        attend("attention of what came before, more queries than keys", [11, 6], true, false, 2 * 3 * 6 * 4),
        attend("attention of what came before, more keys than queries", [5, 8], true, false, usize::MAX),
    ]
}

fn norms() -> Vec<Case> {
    let (gamma, beta) = (|| weight(32, &[6]), || weight(33, &[6]));
    let picture = |c: &Compute| tensor::<4>(c, 31, [2, 6, 5, 3]) * 3.0 + 5.0;
    let rows = |c: &Compute| tensor::<3>(c, 34, [2, 7, 6]) * 3.0 - 2.0;
    vec![
        case(
            "group norm",
            move |c| ops::group_norm(&picture(c), 3, 1e-5, &gamma(), &beta(), Act::Silu, c),
            move |c| ops::group_norm_plain(&picture(c), 3, 1e-5, &gamma(), &beta(), Act::Silu, c),
        ),
        case(
            "layer norm",
            move |c| ops::layer_norm(&rows(c), 1e-5, &gamma(), &beta(), c),
            move |c| ops::layer_norm_plain(&rows(c), 1e-5, &gamma(), &beta(), c),
        ),
    ]
}

fn activations() -> Vec<Case> {
    let x = |c: &Compute| tensor::<2>(c, 41, [7, 13]) * 6.0;
    let one = move |name, act| case(name, move |c| ops::act(act, x(c)), move |c| ops::act_plain(act, x(c)));
    let y = |c: &Compute| tensor::<2>(c, 42, [7, 13]);
    vec![
        one("silu", Act::Silu),
        one("gelu", Act::Gelu),
        one("quick gelu", Act::QuickGelu),
        one("gelu by tanh", Act::GeluTanh),
        one("relu", Act::Relu),
        one("leaky relu", Act::LeakyRelu(0.2)),
        one("sigmoid", Act::Sigmoid),
        one("tanh", Act::Tanh),
        case("sum", move |c| ops::add(x(c), &y(c)), move |c| x(c) + y(c)),
        case("scaled sum", move |c| ops::scale_add(x(c), 0.3, y(c)), move |c| x(c) * 0.3 + y(c)),
    ]
}

fn shapes() -> Vec<Case> {
    let x = |c: &Compute| tensor::<4>(c, 51, [2, 3, 5, 7]);
    let up = move |name, size| {
        let run = move |c: &Compute| ops::upsample_nearest(x(c), size);
        case(name, run, move |c| ops::upsample_nearest_plain(x(c), size))
    };
    let halves = || AvgPoolOptions::new([2, 2]).with_stride([2, 2]);
    vec![
        up("doubled", [10, 14]),
        up("resized up", [13, 9]),
        up("resized down", [3, 5]),
        case("halved", move |c| ops::avg_pool2(x(c)), move |c| module::avg_pool2d(x(c), halves())),
    ]
}
