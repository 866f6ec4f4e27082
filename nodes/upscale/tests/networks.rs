//! Whole networks and their blocks against torch.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
#![allow(clippy::print_stdout, reason = "how far off each is")]

mod common;

use common::{Reference, Weights, most, normal, relative, run, upscaler, whole};
use kiln_tensor::compute::values;
use kiln_tensor::ops::{MapConv, MapThen, Maps, Slope};
use kiln_tensor::{Compute, Weight};

/// Every whole network, how many times it enlarges, and what it is called.
const NETWORKS: [(&str, usize, &str); 12] = [
    ("wide", 4, "2 blocks of 64 features growing by 32, 4x"),
    ("narrow", 4, "1 blocks of 12 features growing by 6, 4x"),
    ("x2", 2, "1 blocks of 16 features growing by 8, 2x"),
    ("x1", 1, "1x"),
    ("x8", 8, "8x"),
    ("old", 4, "2 blocks of 32 features growing by 16, 4x"),
    ("old x2", 2, "2x"),
    ("plus", 4, "1 blocks of 32 features growing by 32, 4x"),
    ("first", 4, "4x"),
    ("compact", 4, "5 convolutions of 64 features, 4x"),
    ("compact x2", 2, "4 convolutions of 24 features, 2x"),
    ("relu", 3, "4 convolutions of 16 features, 3x"),
];

#[test]
fn whole_networks_compute_what_torch_does() {
    let reference = Reference::load();
    for (case, scale, told) in NETWORKS {
        let upscaler = upscaler(case);
        assert_eq!(upscaler.scale(), scale, "{case}");
        assert!(upscaler.describe().contains(told), "{case}: {}", upscaler.describe());
        let found = run(&upscaler, &reference.image(&format!("{case}.in")), whole()).unwrap();
        let mut wanted = reference.image(&format!("{case}.out"));
        wanted.data_mut().iter_mut().for_each(|v| *v = v.clamp(0.0, 1.0));
        assert_eq!([wanted.height(), wanted.width()], [found.height(), found.width()], "{case}");
        let off = most(wanted.data(), found.data());
        println!("{case:12} {off:.1e}");
        assert!(off < 1e-5, "{case}: {off:.1e}");
    }
}

/// A dense block's weights, the way networks take them.
fn block(weights: &Weights, at: &str) -> Vec<MapConv> {
    let get = |name: &str| {
        let (shape, values) = &weights[&format!("{at}{name}")];
        Weight::from_f32(shape, values.clone())
    };
    let conv = |k: usize| MapConv {
        weight: get(&format!("conv{k}.weight")),
        bias: Some(get(&format!("conv{k}.bias"))),
        scale: if k == 5 { 0.2 } else { 1.0 },
        slope: Slope::One(if k == 5 { 1.0 } else { 0.2 }),
    };
    (1..=5).map(conv).collect()
}

/// The convolutions of a dense block, one after the other, on the kernels or on burn's operations.
fn dense(x: &Maps, convs: &[MapConv], outer: Option<(f32, &Maps)>, plain: bool) -> Maps {
    let cpu = Compute::cpu();
    let mut made: Vec<Maps> = Vec::new();
    for (n, conv) in convs.iter().enumerate() {
        let sources: Vec<&Maps> = std::iter::once(x).chain(&made).collect();
        let last = n + 1 == convs.len();
        let then = MapThen { add: last.then_some(x), outer: outer.filter(|_| last), ..MapThen::default() };
        let mut out = Maps::default();
        if plain {
            out = conv.run_plain(&sources, then, &cpu);
        } else {
            conv.run(&sources, then, &cpu, &mut out);
        }
        made.push(out);
    }
    made.pop().unwrap()
}

fn x() -> Maps {
    Maps::of(normal("block/x", 64 * 9 * 14, 1.0, 0.0), 64, [9, 14], &Compute::cpu())
}

#[test]
fn blocks_compute_what_torch_does() {
    let reference = Reference::load();
    for plain in [false, true] {
        let (_, wanted) = reference.tensor("dense.out");
        let found = dense(&x(), &block(&reference.weights("dense"), ""), None, plain);
        let off = relative(&wanted, &values(found.tensor()).unwrap());
        println!("a dense block, plain {plain}: {off:.1e}");
        assert!(off < 2e-6, "a dense block, plain {plain}: {off:.1e}");

        let (_, wanted) = reference.tensor("rrdb.out");
        let weights = reference.weights("rrdb");
        let rdb = |k: usize| block(&weights, &format!("rdb{k}."));
        let inner = dense(&dense(&x(), &rdb(1), None, plain), &rdb(2), None, plain);
        let found = dense(&inner, &rdb(3), Some((0.2, &x())), plain);
        let off = relative(&wanted, &values(found.tensor()).unwrap());
        println!("three of them, plain {plain}: {off:.1e}");
        assert!(off < 2e-6, "three of them, plain {plain}: {off:.1e}");
    }
}

/// Everything a convolution can have around it, once on the kernels and once on burn's operations.
#[test]
fn kernels_and_plain_operations_agree() {
    let cpu = Compute::cpu();
    let maps = |name: &str, c: usize, [h, w]: [usize; 2]| {
        Maps::of(normal(name, c * h * w, 1.0, 0.0), c, [h, w], &cpu)
    };
    let slopes = Weight::from_f32(&[21], normal("slopes", 21, 0.3, 0.0));
    let shared = Weight::from_f32(&[1], vec![0.25]);
    for (n, slope) in
        [Slope::One(0.0), Slope::One(1.0), Slope::Each(slopes), Slope::Each(shared)].into_iter().enumerate()
    {
        let double = n % 2 == 0;
        let conv = MapConv {
            weight: Weight::from_f32(&[21, 40, 3, 3], normal("w", 21 * 40 * 9, 0.05, 0.0)),
            bias: Some(Weight::from_f32(&[21], normal("b", 21, 1.0, 0.0))),
            scale: 0.3,
            slope,
        };
        let sources = [maps("one", 33, [5, 7]), maps("two", 7, [5, 7])];
        let sources: Vec<&Maps> = sources.iter().collect();
        let size = if double { [10, 14] } else { [5, 7] };
        let (add, outer) = (maps("add", 21, size), maps("outer", 21, size));
        let then = MapThen { double, add: Some(&add), outer: Some((-0.7, &outer)) };
        // What lies in the room does not matter.
        let mut out = maps("old", 5, [9, 9]);
        conv.run(&sources, then, &cpu, &mut out);
        let plain = conv.run_plain(&sources, then, &cpu);
        assert_eq!((out.size(), out.channels()), (plain.size(), plain.channels()));
        let off = relative(&values(plain.tensor()).unwrap(), &values(out.tensor()).unwrap());
        assert!(off < 2e-6, "{n}: {off:.1e}");
        let (some, same) = (out.rows(2, 4), plain.rows(2, 4));
        let off = relative(&values(same.tensor()).unwrap(), &values(some.tensor()).unwrap());
        assert!(off < 2e-6, "rows, {n}: {off:.1e}");
    }
}
