//! Files as people have them: prefixes, half precision, ONNX graphs without names; and files of other networks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::path::Path;

use common::made::{Reference, relative};
use common::{onnx, picture, safetensors, scratch};
use kiln_cutout::{Cutout, CutoutError, Depth, Kind};
use kiln_tensor::{Compute, WeightMap};

/// A matte of a small picture, in floats.
fn matte(path: &Path) -> (Kind, Vec<f32>) {
    let cutout = Cutout::open(path, &Compute::cpu()).unwrap_or_else(|e| panic!("{e}"));
    let made = cutout.matte_in(&picture(40, 30, 3), 0, Depth::Float, &mut |_, _| Ok(())).unwrap();
    (cutout.kind(), made.into_data())
}

fn refused(path: &Path) -> String {
    match Cutout::open(path, &Compute::cpu()) {
        Ok(found) => panic!("{:?}", found.kind()),
        Err(error) => error.to_string().replace(&format!("{}/", path.parent().unwrap().display()), ""),
    }
}

/// Convolutions with their norms folded into them, as an exporter does it, in the order the network uses them.
struct Folded {
    name: String,
    shape: Vec<usize>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    step: u64,
    dilation: u64,
}

fn fold(weights: &WeightMap, conv: &str, norm: &str, step: u64, dilation: u64) -> Folded {
    let get = |name: String| weights.get(&name).map(|w| w.to_f32());
    let shape = weights[&format!("{conv}.weight")].shape().to_vec();
    let mut weight = get(format!("{conv}.weight")).unwrap();
    let mut bias = get(format!("{conv}.bias")).unwrap_or_else(|| vec![0.0; shape[0]]);
    if let Some(var) = get(format!("{norm}.running_var")) {
        let [gamma, beta, mean] =
            ["weight", "bias", "running_mean"].map(|n| get(format!("{norm}.{n}")).unwrap());
        let each = weight.len() / shape[0];
        for c in 0..shape[0] {
            let factor = gamma[c] / (var[c] + 1e-5).sqrt();
            weight[c * each..(c + 1) * each].iter_mut().for_each(|w| *w *= factor);
            bias[c] = (bias[c] - mean[c]) * factor + beta[c];
        }
    }
    Folded { name: conv.into(), shape, weight, bias, step, dilation }
}

/// All convolutions of a U-shaped network, in order.
fn u_shaped(weights: &WeightMap) -> Vec<Folded> {
    let mut all = Vec::new();
    if weights.contains_key("conv_in.weight") {
        all.push(fold(weights, "conv_in", "-", 2, 1));
    }
    let stages = ["1", "2", "3", "4", "5", "6", "5d", "4d", "3d", "2d", "1d"];
    for stage in stages {
        let levels = match &stage[..1] {
            "1" => 7,
            "2" => 6,
            "3" => 5,
            _ => 4,
        };
        let dilated = matches!(&stage[..1], "5" | "6");
        let mut block = |name: String, dilation| {
            let at = format!("stage{stage}.rebnconv{name}");
            all.push(fold(weights, &format!("{at}.conv_s1"), &format!("{at}.bn_s1"), 1, dilation));
        };
        let at = |level: u64| if dilated { 1 << (level - 1) } else { 1 + u64::from(level == levels) };
        block("in".into(), 1);
        (1..=levels).for_each(|level| block(level.to_string(), at(level)));
        (1..levels).rev().for_each(|level| block(format!("{level}d"), at(level)));
    }
    all
}

fn sides(weights: &WeightMap) -> Vec<Folded> {
    let names = (1..=6).map(|n| format!("side{n}")).chain(["outconv".to_owned()]);
    names
        .filter(|n| weights.contains_key(&format!("{n}.weight")))
        .map(|n| fold(weights, &n, "-", 1, 1))
        .collect()
}

/// A graph of these convolutions alone: the reader looks at nothing else of it.
fn graph(convs: &[Folded], half: bool, name: impl Fn(usize, &Folded) -> String) -> Vec<Vec<u8>> {
    let mut parts = vec![onnx::input("input.1")];
    for (n, conv) in convs.iter().enumerate() {
        let (weight, bias) = (name(n, conv), format!("b{n}"));
        let kernel = conv.shape[2] as u64;
        let pad = kernel / 2 * conv.dilation;
        let single = conv.shape[1] == 1 && conv.name.contains("features");
        parts.push(onnx::node(
            "Conv",
            &["x", &weight, &bias],
            &format!("y{n}"),
            &[
                ("strides", &[conv.step; 2]),
                ("dilations", &[conv.dilation; 2]),
                ("pads", &[pad; 4]),
                ("group", &[if single { conv.shape[0] as u64 } else { 1 }]),
            ],
        ));
        parts.push(onnx::weight(&weight, &conv.shape, &conv.weight, half));
        parts.push(onnx::weight(&bias, &conv.shape[..1], &conv.bias, half));
    }
    parts
}

#[test]
fn names_may_have_anything_in_front() {
    let (_dir, at) = scratch();
    let reference = Reference::load("networks");
    for (case, kind) in [("u2net", Kind::U2Net), ("isnet", Kind::IsNet), ("modnet", Kind::ModNet)] {
        let weights = reference.weights(case);
        let plain = at("plain.safetensors");
        safetensors(&plain, &weights, str::to_owned);
        let (found, wanted) = matte(&plain);
        assert_eq!(found, kind);
        // Something to see, or the rest compares nothing.
        let (low, high) = wanted.iter().fold((1.0_f32, 0.0_f32), |(l, h), v| (l.min(*v), h.max(*v)));
        assert!(high - low > 0.1, "{case}: {low} to {high}");
        for prefix in ["module.", "model.net."] {
            let path = at("prefixed.safetensors");
            safetensors(&path, &weights, |name| format!("{prefix}{name}"));
            assert_eq!(matte(&path), (kind, wanted.clone()), "{case} {prefix}");
        }
    }
}

#[test]
fn a_graph_without_names_is_told_by_its_order() {
    let (_dir, at) = scratch();
    let reference = Reference::load("networks");
    for (case, kind) in [("u2net", Kind::U2Net), ("isnet", Kind::IsNet)] {
        let weights = reference.weights(case);
        let plain = at("plain.safetensors");
        safetensors(&plain, &weights, str::to_owned);
        let wanted = matte(&plain).1;
        let mut convs = u_shaped(&weights);
        convs.extend(sides(&weights));
        let numbered = |n: usize, _: &Folded| format!("onnx::Conv_{}", 1900 + 3 * n);
        for half in [false, true] {
            let path = at("numbered.onnx");
            std::fs::write(&path, onnx::file(&graph(&convs, half, numbered))).unwrap();
            let (found, made) = matte(&path);
            assert_eq!(found, kind);
            let off = relative(&wanted, &made);
            assert!(off < if half { 2e-2 } else { 1e-5 }, "{case}, half {half}: {off:.1e}");
            assert!(!half || off > 1e-5, "half precision shows");
        }
        // The maps of the sizes first, smallest first, under their own names.
        let mut turned = sides(&weights);
        turned.reverse();
        if kind == Kind::U2Net {
            turned.rotate_left(1);
        }
        turned.extend(u_shaped(&weights));
        let fuse = turned.iter().position(|c| c.name == "outconv").map(|at| turned.remove(at));
        turned.extend(fuse);
        let own = |n: usize, conv: &Folded| {
            if conv.name.starts_with("side") { format!("{}.weight", conv.name) } else { numbered(n, conv) }
        };
        // In an IS-Net the halving convolution has to come first: that is how it is told.
        if let Some(first) = turned.iter().position(|c| c.name == "conv_in") {
            let first = turned.remove(first);
            turned.insert(0, first);
        }
        let path = at("turned.onnx");
        std::fs::write(&path, onnx::file(&graph(&turned, false, own))).unwrap();
        assert!(relative(&wanted, &matte(&path).1) < 1e-5, "{case}, turned");
    }
}

/// MODNet's convolutions in order; those of the branches with the norms that stay.
fn modnet(weights: &WeightMap) -> Vec<Folded> {
    let mut all = vec![];
    let features = "backbone.model.features";
    all.push(fold(weights, &format!("{features}.0.0"), &format!("{features}.0.1"), 2, 1));
    for n in 1..=17 {
        let step = if matches!(n, 2 | 4 | 7 | 14) { 2 } else { 1 };
        let at = |k: usize| format!("{features}.{n}.conv.{k}");
        let ks: &[(usize, u64)] = if n == 1 { &[(0, 1), (3, 1)] } else { &[(0, 1), (3, step), (6, 1)] };
        all.extend(ks.iter().map(|(k, step)| fold(weights, &at(*k), &at(k + 1), *step, 1)));
    }
    all.push(fold(weights, &format!("{features}.18.0"), &format!("{features}.18.1"), 1, 1));
    let branches = [
        ("lr_branch.conv_lr16x", 1),
        ("lr_branch.conv_lr8x", 1),
        ("hr_branch.tohr_enc2x", 1),
        ("hr_branch.conv_enc2x", 2),
        ("hr_branch.tohr_enc4x", 1),
        ("hr_branch.conv_enc4x", 1),
        ("hr_branch.conv_hr4x.0", 1),
        ("hr_branch.conv_hr4x.1", 1),
        ("hr_branch.conv_hr4x.2", 1),
        ("hr_branch.conv_hr2x.0", 1),
        ("hr_branch.conv_hr2x.1", 1),
        ("hr_branch.conv_hr2x.2", 1),
        ("hr_branch.conv_hr2x.3", 1),
        ("f_branch.conv_lr4x", 1),
        ("f_branch.conv_f2x", 1),
        ("f_branch.conv_f.0", 1),
        ("f_branch.conv_f.1", 1),
    ];
    all.extend(branches.iter().map(|(name, step)| fold(weights, &format!("{name}.layers.0"), "-", *step, 1)));
    all
}

#[test]
fn modnets_graph_keeps_half_of_its_norms() {
    let (_dir, at) = scratch();
    let weights = Reference::load("networks").weights("modnet");
    let plain = at("plain.safetensors");
    safetensors(&plain, &weights, str::to_owned);
    let wanted = matte(&plain).1;
    let convs = modnet(&weights);
    assert_eq!(convs.len(), 69);
    let path = at("modnet.onnx");
    for gemm in [false, true] {
        let mut parts = graph(&convs, false, |n, _| format!("{}", 1013 + 3 * n));
        for (n, conv) in convs.iter().filter(|c| c.name.ends_with("layers.0")).enumerate().take(16) {
            let at = conv.name.replace("layers.0", "layers.1.bnorm");
            let inputs: Vec<String> =
                ["weight", "bias", "running_mean", "running_var"].map(|k| format!("n{n}{k}")).into();
            for (input, k) in inputs.iter().zip(["weight", "bias", "running_mean", "running_var"]) {
                let weight = &weights[&format!("{at}.{k}")];
                parts.push(onnx::weight(input, weight.shape(), &weight.to_f32(), false));
            }
            let names: Vec<&str> = std::iter::once("x").chain(inputs.iter().map(String::as_str)).collect();
            parts.push(onnx::node("BatchNormalization", &names, "y", &[]));
        }
        for (n, k) in ["fc.0", "fc.2"].iter().enumerate() {
            let weight = &weights[&format!("lr_branch.se_block.{k}.weight")];
            let (values, [rows, columns]) = (weight.to_f32(), [weight.shape()[0], weight.shape()[1]]);
            let name = format!("{}", 2168 + n);
            if gemm {
                parts.push(onnx::weight(&name, &[rows, columns], &values, false));
                parts.push(onnx::node("Gemm", &["x", &name], "y", &[("transB", &[1])]));
            } else {
                let turned: Vec<f32> =
                    (0..columns).flat_map(|c| values.iter().skip(c).step_by(columns).copied()).collect();
                parts.push(onnx::weight(&name, &[columns, rows], &turned, false));
                parts.push(onnx::node("MatMul", &["x", &name], "y", &[]));
            }
        }
        std::fs::write(&path, onnx::file(&parts)).unwrap();
        let (kind, made) = matte(&path);
        assert_eq!(kind, Kind::ModNet);
        let off = relative(&wanted, &made);
        assert!(off < 1e-5, "{off:.1e}");
    }
    // Without its norms, and without the squeeze.
    std::fs::write(&path, onnx::file(&graph(&convs, false, |n, _| n.to_string()))).unwrap();
    assert!(refused(&path).contains("is a MODNet, but has 0 batch norms, not 16: export it again"));
}

#[test]
fn other_convolutions_are_no_network() {
    let (_dir, at) = scratch();
    let weights = Reference::load("networks").weights("u2net");
    let path = at("m.onnx");
    let unknown = "m.onnx holds no network for background removal that Kiln knows";
    let write = |change: &dyn Fn(&mut Vec<Folded>)| {
        let mut convs = u_shaped(&weights);
        convs.extend(sides(&weights));
        change(&mut convs);
        std::fs::write(&path, onnx::file(&graph(&convs, false, |n, _| n.to_string()))).unwrap();
        refused(&path)
    };
    assert!(write(&|convs| drop(convs.remove(40))).starts_with(unknown));
    assert!(write(&|convs| convs[7].dilation = 1).starts_with(unknown));
    assert!(write(&|convs| convs[20].step = 2).starts_with(unknown));
    assert!(write(&|convs| convs.truncate(3)).starts_with(unknown));
    assert!(write(&|convs| convs.clear()).starts_with(unknown));
    let said = write(&|convs| convs.truncate(112));
    assert!(said.contains("is a U²-Net without its last convolutions"), "{said}");
    // Channels that do not follow each other show when the network is built.
    let said = write(&|convs| {
        convs[30].shape[1] += 1;
        let length = convs[30].shape.iter().product();
        convs[30].weight.resize(length, 0.0);
    });
    assert!(said.contains("has the shape") && said.contains("is needed here"), "{said}");
    // Maps of several classes, in both kinds of files.
    let classes = |conv: &mut Folded| {
        conv.shape[0] = 4;
        let length = conv.shape.iter().product();
        conv.weight.resize(length, 0.1);
        conv.bias.resize(4, 0.0);
    };
    let said = write(&|convs| convs[112..].iter_mut().for_each(classes));
    assert!(said.contains("gives 4 maps") && said.contains("u2net_cloth_seg"), "{said}");
    let mut named = weights.clone();
    named.insert("side1.weight".into(), kiln_tensor::Weight::from_f32(&[4, 6, 3, 3], Vec::new()));
    let path = at("cloth.safetensors");
    safetensors(&path, &named, str::to_owned);
    assert!(refused(&path).contains("gives 4 maps"));
}

#[test]
fn other_networks_are_called_by_their_name() {
    let (_dir, at) = scratch();
    let one = kiln_tensor::Weight::from_f32(&[1], vec![1.0]);
    for (name, words) in [
        (
            "bb.layers.0.blocks.0.norm1.weight",
            "is BiRefNet: it removes backgrounds, but Kiln does not read it yet",
        ),
        ("mask_decoder.iou_token.weight", "is Segment Anything: it wants to be told where"),
        ("model.22.dfl.conv.weight", "is a YOLO detector"),
        ("visual.conv1.weight", "is CLIP"),
        (
            "model.diffusion_model.input_blocks.0.0.weight",
            "is a Stable Diffusion checkpoint: load it as a checkpoint",
        ),
        ("body.0.rdb1.conv1.weight", "is an upscaler (ESRGAN): load it as an upscaler"),
        ("something.else", "holds no network for background removal that Kiln knows: U²-Net"),
    ] {
        let path = at("m.safetensors");
        safetensors(&path, &[(name.to_owned(), one.clone())].into(), str::to_owned);
        let said = refused(&path);
        assert!(said.starts_with("m.safetensors ") && said.contains(words), "{name}: {said}");
    }
    let path = at("m.onnx");
    let node = |op: &str| onnx::node(op, &["x"], "y", &[]);
    for (parts, words) in [
        (vec![onnx::input("point_coords")], "is Segment Anything"),
        (vec![onnx::input("images"), node("Conv")], "is a detector (YOLO"),
        (vec![node("DequantizeLinear")], "is quantised to whole numbers"),
        (vec![node("ConvInteger")], "get the model in 32 or 16 bit"),
        (vec![node("Softmax"); 12], "is a transformer (BiRefNet or another)"),
        (vec![node("Relu")], "holds no network"),
        (vec![node("Conv")], "holds no network"),
    ] {
        std::fs::write(&path, onnx::file(&parts)).unwrap();
        let said = refused(&path);
        assert!(said.starts_with("m.onnx ") && said.contains(words), "{said}");
    }
    std::fs::write(&path, b"\x08\x07\x12").unwrap();
    assert!(refused(&path).contains("m.onnx is cut short"));
    assert!(matches!(Cutout::open(&at("none.onnx"), &Compute::cpu()), Err(CutoutError::File(_))));
}

#[test]
fn numbers_that_are_none_are_said() {
    let (_dir, at) = scratch();
    let mut weights = Reference::load("networks").weights("u2net");
    let path = at("nan.safetensors");
    weights.insert("outconv.bias".into(), kiln_tensor::Weight::from_f32(&[1], vec![f32::NAN]));
    safetensors(&path, &weights, str::to_owned);
    let cutout = Cutout::open(&path, &Compute::cpu()).unwrap();
    let error = cutout.matte(&picture(5, 4, 3), 0).unwrap_err().to_string();
    assert!(error.contains("is not a number"), "{error}");
    let error = cutout.matte(&picture(5, 4, 3), 1).unwrap_err().to_string();
    assert!(error.contains("there is no picture 1: the batch has 1"), "{error}");
}
