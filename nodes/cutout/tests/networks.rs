//! Blocks and whole networks against torch (`tests/reference/make.py`), on odd sizes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::sync::Arc;

use common::made::{Reference, normal_tensor};
use kiln_cutout::nets::modnet::{ConvIbn, ModNet, Squeeze};
use kiln_cutout::nets::rsu::{Reach, Rsu};
use kiln_cutout::nets::u2net::U2Net;
use kiln_networks::NetError;
use kiln_tensor::ops::{Maps, Spare};
use kiln_tensor::{Compute, Tensor, Vars, VarsError};

/// Measured 1e-6 and less.
const LIMIT: f64 = 1e-5;

fn x(n: usize, c: usize, [h, w]: [usize; 2], std: f64) -> Tensor<4> {
    normal_tensor(&format!("x_{n}x{c}x{h}x{w}"), [n, c, h, w], std)
}

#[test]
fn blocks() {
    let reference = Reference::load("networks");
    for (case, levels, reach, c) in [
        ("rsu7", 7, Reach::Halved, 3),
        ("rsu4", 4, Reach::Halved, 5),
        ("rsu4f", 4, Reach::Dilated, 5),
        ("rsu5wide", 5, Reach::Halved, 36),
        ("rsu4fwide", 4, Reach::Dilated, 34),
    ] {
        let mut spare = Spare::default();
        let block = Rsu::new(&reference.vars(case), levels, reach, c).unwrap();
        for size in [[21, 34], [75, 53], [2, 3]] {
            let [h, w] = size;
            let maps = Maps::of_tensor(&x(1, c, size, 1.0), &mut spare);
            reference.check(&format!("{case}/{h}x{w}"), block.forward(&[&maps], &mut spare).tensor(), LIMIT);
        }
    }
}

#[test]
fn parts_of_modnet() {
    let reference = Reference::load("networks");
    for size in [[17, 30], [5, 4]] {
        let [h, w] = size;
        for (case, c, kernel, stride) in [("ibn", 5, 3, 1), ("ibn5", 6, 5, 1), ("ibn2", 4, 3, 2)] {
            let part = ConvIbn::new(&reference.vars(case), c, kernel, stride).unwrap();
            reference.check(&format!("{case}/{h}x{w}"), part.forward(&x(2, c, size, 1.0)), LIMIT);
        }
        let part = Squeeze::new(&reference.vars("squeeze"), 12).unwrap();
        reference.check(&format!("squeeze/{h}x{w}"), part.forward(&x(2, 12, size, 1.0)), LIMIT);
    }
}

#[test]
fn whole_networks() {
    let reference = Reference::load("networks");
    for case in ["u2net", "isnet"] {
        let net = U2Net::new(&reference.vars(case)).unwrap();
        for (n, size) in [(1, [64, 96]), (1, [75, 53]), (1, [1, 7])] {
            let [h, w] = size;
            let mut steps = Vec::new();
            let mut step = |done, all| {
                steps.push((done, all));
                Ok(())
            };
            let map = net.forward(&x(n, 3, size, 1.0), &mut step).unwrap();
            assert_eq!(map.dims(), [n, 1, h, w]);
            reference.check(&format!("{case}/{n}x{h}x{w}"), map, LIMIT);
            assert_eq!(steps, (1..=12).map(|done| (done, 12)).collect::<Vec<_>>());
        }
    }
    let net = ModNet::new(&reference.vars("modnet")).unwrap();
    for (n, size) in [(1, [64, 96]), (1, [96, 32])] {
        let [h, w] = size;
        let mut last = (0, 0);
        let mut step = |done, all| {
            last = (done, all);
            Ok(())
        };
        let map = net.forward(&x(n, 3, size, 0.5), &mut step).unwrap();
        reference.check(&format!("modnet/{n}x{h}x{w}"), map, LIMIT);
        assert_eq!(last.0, last.1);
    }
}

#[test]
fn they_stop_when_asked_to() {
    let reference = Reference::load("networks");
    let mut step = |done, _| if done == 3 { Err(NetError::Cancelled) } else { Ok(()) };
    let net = U2Net::new(&reference.vars("u2net")).unwrap();
    assert!(matches!(net.forward(&x(1, 3, [8, 8], 1.0), &mut step), Err(NetError::Cancelled)));
    let net = ModNet::new(&reference.vars("modnet")).unwrap();
    assert!(matches!(net.forward(&x(1, 3, [32, 32], 1.0), &mut step), Err(NetError::Cancelled)));
}

#[test]
fn what_does_not_fit_is_said() {
    let reference = Reference::load("networks");
    let mut go = |_, _| Ok(());
    let net = ModNet::new(&reference.vars("modnet")).unwrap();
    let error = net.forward(&x(1, 3, [33, 32], 1.0), &mut go).unwrap_err().to_string();
    assert!(error.contains("with sides of a multiple of 32"), "{error}");
    let net = U2Net::new(&reference.vars("u2net")).unwrap();
    let error = net.forward(&x(1, 4, [8, 8], 1.0), &mut go).unwrap_err().to_string();
    assert!(error.contains("(1, 3, height, width)") && error.contains("[1, 4, 8, 8]"), "{error}");

    // A weight less, and each kind of weight in another shape.
    let without = |case: &str, name: &str, shape: Option<&[usize]>| {
        let mut weights = reference.weights(case);
        assert!(weights.remove(name).is_some(), "{name}");
        if let Some(shape) = shape {
            weights.insert(name.into(), kiln_tensor::Weight::from_f32(shape, Vec::new()));
        }
        let vars = Vars::new("broken", Arc::new(weights), &Compute::cpu());
        if case == "modnet" { ModNet::new(&vars).err() } else { U2Net::new(&vars).err() }
    };
    for (case, name) in [
        ("u2net", "stage3d.rebnconv2d.conv_s1.weight"),
        ("u2net", "stage5.rebnconv4.bn_s1.running_var"),
        ("u2net", "side4.weight"),
        ("u2net", "outconv.weight"),
        ("isnet", "side1.weight"),
        ("modnet", "backbone.model.features.9.conv.3.weight"),
        ("modnet", "backbone.model.features.18.1.bias"),
        ("modnet", "lr_branch.se_block.fc.2.weight"),
        ("modnet", "f_branch.conv_f.1.layers.0.weight"),
    ] {
        let error = without(case, name, None);
        assert!(matches!(&error, Some(VarsError::Missing { name: n, .. }) if n == name), "{name}: {error:?}");
    }
    for (case, name, shape) in [
        ("u2net", "stage3d.rebnconv2d.conv_s1.weight", &[3, 6, 3, 4][..]),
        ("u2net", "stage1.rebnconvin.conv_s1.weight", &[6, 4, 3, 3]),
        ("u2net", "stage5.rebnconv4.bn_s1.weight", &[7]),
        ("isnet", "conv_in.weight", &[5, 3, 5, 5]),
        ("modnet", "backbone.model.features.9.conv.3.weight", &[27, 2, 3, 3]),
        ("modnet", "lr_branch.se_block.fc.0.weight", &[5, 19]),
        ("modnet", "hr_branch.conv_hr4x.1.layers.0.weight", &[16, 16, 1, 1]),
    ] {
        let error = without(case, name, Some(shape));
        assert!(matches!(&error, Some(VarsError::Shape { name: n, .. }) if n == name), "{name}: {error:?}");
    }
    // A convolution without any channels, and a norm wider than its convolution.
    assert!(without("u2net", "stage1.rebnconvin.conv_s1.weight", Some(&[0, 3, 3, 3])).is_some());
    let error = without("modnet", "f_branch.conv_f2x.layers.1.bnorm.running_var", Some(&[9]));
    assert!(matches!(error, Some(VarsError::Odd { .. })), "{error:?}");
}
