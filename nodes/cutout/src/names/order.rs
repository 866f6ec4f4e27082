//! An ONNX graph whose weights have numbers for names: the n-th convolution of the file is the n-th of the network.
//!
//! That holds because each convolution of these networks needs the one before it, so an exporter cannot write them in
//! another order. The few that stand beside (the maps of the six sizes) are told by their single channel.
//! Kernel, channels, steps and distances of taps are compared with the network's own, one by one.

use kiln_weights::{OnnxGraph, OnnxNode, Stored, WeightFile};

use super::{Found, Named, others, weights};
use crate::cutout::Kind;
use crate::nets::mobilenet::STAGES;
use crate::nets::rsu::Reach;
use crate::nets::u2net::DOWN;

/// A convolution of the graph.
struct Conv<'a> {
    node: &'a OnnxNode,
    weight: &'a Stored,
    bias: Option<&'a Stored>,
    /// Channels out, channels of one group, height and width of the kernel.
    shape: [usize; 4],
}

/// A convolution of a network: its name, kernel, step and distance of taps; whether every channel stands for itself.
struct Wanted {
    name: String,
    kernel: usize,
    stride: usize,
    dilation: usize,
    single: bool,
}

impl Wanted {
    fn new(name: impl Into<String>, kernel: usize) -> Self {
        Self { name: name.into(), kernel, stride: 1, dilation: 1, single: false }
    }

    fn fits(&self, conv: &Conv<'_>) -> bool {
        let [c_out, c_in, kh, kw] = conv.shape;
        let groups = conv.node.int("group", 1);
        [kh, kw] == [self.kernel; 2]
            && conv.node.sizes("strides", [1; 2]) == [self.stride; 2]
            && conv.node.sizes("dilations", [1; 2]) == [self.dilation; 2]
            && conv.node.sizes("pads", [0; 4]) == [self.dilation * (self.kernel / 2); 4]
            && if self.single { c_in == 1 && usize::try_from(groups) == Ok(c_out) } else { groups == 1 }
    }
}

/// Finds a network by the order of its convolutions; an error is the rest of a sentence about the file.
pub(super) fn find(file: &WeightFile, graph: &OnnxGraph) -> Result<Found, String> {
    let mut convs = Vec::new();
    for node in graph.nodes().iter().filter(|node| node.op == "Conv") {
        let weight = node.inputs.get(1).and_then(|name| file.constant(name));
        let Some((weight, shape)) = weight.and_then(|w| Some((w, <[usize; 4]>::try_from(w.shape()).ok()?)))
        else {
            return Err(others::UNKNOWN.into());
        };
        let bias = node.inputs.get(2).filter(|name| !name.is_empty()).and_then(|name| file.constant(name));
        convs.push(Conv { node, weight, bias, shape });
    }
    if let Some(found) = u_shaped(&convs)? {
        return Ok(found);
    }
    modnet(file, graph, &convs)?.ok_or_else(|| others::UNKNOWN.into())
}

/// Names of the convolutions along the U, in the order in which they are used.
fn blocks() -> Vec<Wanted> {
    let numbered = (1..).zip(DOWN);
    let up = numbered
        .clone()
        .take(5)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .map(|(n, b)| (format!("stage{n}d"), b));
    let all = numbered.map(|(n, b)| (format!("stage{n}"), b)).chain(up);
    let mut wanted = Vec::new();
    for (stage, (levels, reach)) in all {
        let dilation = |level: usize| match reach {
            Reach::Halved => 1 + usize::from(level == levels),
            Reach::Dilated => 1 << (level - 1),
        };
        let conv =
            |name: String, dilation| Wanted { dilation, ..Wanted::new(format!("{stage}.{name}.conv_s1"), 3) };
        wanted.push(conv("rebnconvin".into(), 1));
        wanted.extend((1..=levels).map(|level| conv(format!("rebnconv{level}"), dilation(level))));
        wanted.extend((1..levels).rev().map(|level| conv(format!("rebnconv{level}d"), dilation(level))));
    }
    wanted
}

fn take(named: &mut Named, name: &str, conv: &Conv<'_>) {
    named.insert(format!("{name}.weight"), conv.weight.renamed(name));
    if let Some(bias) = conv.bias {
        named.insert(format!("{name}.bias"), bias.renamed(name));
    }
}

/// U²-Net or IS-Net.
fn u_shaped(convs: &[Conv<'_>]) -> Result<Option<Found>, String> {
    let mut wanted = blocks();
    let halved = Wanted { stride: 2, ..Wanted::new("conv_in", 3) };
    let kind = if convs.first().is_some_and(|conv| halved.fits(conv)) { Kind::IsNet } else { Kind::U2Net };
    if kind == Kind::IsNet {
        wanted.insert(0, halved);
    }
    let side = |n: usize| Wanted::new(format!("side{n}"), 3);
    let (mut chain, mut sides, mut fuse) = (Vec::new(), Vec::new(), None);
    for conv in convs {
        match conv.shape {
            [1, _, 3, 3] => sides.push(conv),
            [1, 6, 1, 1] => fuse = Some(conv),
            _ => chain.push(conv),
        }
    }
    // Maps of several classes have several channels, and end up in the chain.
    if chain.len() == wanted.len() + 7
        && wanted.iter().zip(&chain).all(|(w, c)| w.fits(c))
        && let Some(last) = chain.last()
    {
        return Err(others::classes(last.shape[0]));
    }
    if chain.len() != wanted.len() || !wanted.iter().zip(&chain).all(|(wanted, conv)| wanted.fits(conv)) {
        return Ok(None);
    }
    let complete = if kind == Kind::IsNet { !sides.is_empty() } else { sides.len() == 6 && fuse.is_some() };
    if !complete {
        return Err("is a U²-Net without its last convolutions: export it again as a whole".into());
    }
    let mut named = Named::new();
    for (wanted, conv) in wanted.iter().zip(&chain) {
        take(&mut named, &wanted.name, conv);
    }
    for (nth, conv) in (1..).zip(&sides) {
        // Where an exporter kept their names, those count.
        let own = (1..=6).find(|n| conv.weight.name() == format!("side{n}.weight"));
        take(&mut named, &side(own.unwrap_or(nth)).name, conv);
    }
    if let Some(fuse) = fuse {
        take(&mut named, "outconv", fuse);
    }
    Ok(Some(Found { kind, weights: weights(named) }))
}

/// Names of MODNet's convolutions in the order in which they are used, and whether norms follow that are not folded.
fn matting() -> Vec<(Wanted, bool)> {
    let features = "backbone.model.features";
    let plain = |name: String, kernel| (Wanted::new(name, kernel), false);
    let mut wanted = vec![(Wanted { stride: 2, ..Wanted::new(format!("{features}.0.0"), 3) }, false)];
    let mut n = 1;
    for (count, stride) in STAGES {
        for nth in 0..count {
            let at = format!("{features}.{n}.conv");
            let widens = n > 1;
            if widens {
                wanted.push(plain(format!("{at}.0"), 1));
            }
            let stride = if nth == 0 { stride } else { 1 };
            let around = format!("{at}.{}", if widens { 3 } else { 0 });
            wanted.push((Wanted { stride, single: true, ..Wanted::new(around, 3) }, false));
            wanted.push(plain(format!("{at}.{}", if widens { 6 } else { 3 }), 1));
            n += 1;
        }
    }
    wanted.push(plain(format!("{features}.{n}.0"), 1));
    let normed = |name: &str, kernel: usize, stride| {
        (Wanted { stride, ..Wanted::new(format!("{name}.layers.0"), kernel) }, true)
    };
    wanted.extend([normed("lr_branch.conv_lr16x", 5, 1), normed("lr_branch.conv_lr8x", 5, 1)]);
    wanted.extend([normed("hr_branch.tohr_enc2x", 1, 1), normed("hr_branch.conv_enc2x", 3, 2)]);
    wanted.extend([normed("hr_branch.tohr_enc4x", 1, 1), normed("hr_branch.conv_enc4x", 3, 1)]);
    wanted.extend((0..3).map(|n| normed(&format!("hr_branch.conv_hr4x.{n}"), 3, 1)));
    wanted.extend((0..4).map(|n| normed(&format!("hr_branch.conv_hr2x.{n}"), 3, 1)));
    wanted.extend([normed("f_branch.conv_lr4x", 5, 1), normed("f_branch.conv_f2x", 3, 1)]);
    wanted.extend([normed("f_branch.conv_f.0", 3, 1), plain("f_branch.conv_f.1.layers.0".into(), 1)]);
    wanted
}

/// MODNet.
fn modnet(file: &WeightFile, graph: &OnnxGraph, convs: &[Conv<'_>]) -> Result<Option<Found>, String> {
    let wanted = matting();
    if convs.len() != wanted.len() || !wanted.iter().zip(convs).all(|((wanted, _), conv)| wanted.fits(conv)) {
        return Ok(None);
    }
    let mut named = Named::new();
    for ((wanted, _), conv) in wanted.iter().zip(convs) {
        take(&mut named, &wanted.name, conv);
    }
    let lacks = |what: &str| format!("is a MODNet, but {what}: export it again without changing its layers");
    // The norms on half of the channels cannot be folded by an exporter.
    let norms: Vec<&OnnxNode> = graph.nodes().iter().filter(|n| n.op == "BatchNormalization").collect();
    let after: Vec<&Wanted> = wanted.iter().filter(|w| w.1).map(|w| &w.0).collect();
    if norms.len() != after.len() {
        return Err(lacks(&format!("has {} batch norms, not {}", norms.len(), after.len())));
    }
    for (wanted, node) in after.iter().zip(norms) {
        let at = wanted.name.trim_end_matches('0');
        for (input, name) in node.inputs.iter().skip(1).zip(["weight", "bias", "running_mean", "running_var"])
        {
            let stored = file.constant(input).ok_or_else(|| lacks("its norms are computed"))?;
            let name = format!("{at}1.bnorm.{name}");
            named.insert(name.clone(), stored.renamed(&name));
        }
    }
    // The two products of the squeeze: (in, out) as a product's right side, (out, in) as a layer's weight.
    let products: Vec<(&OnnxNode, &Stored)> = graph
        .nodes()
        .iter()
        .filter(|n| n.op == "MatMul" || n.op == "Gemm")
        .filter_map(|n| Some((n, file.constant(n.inputs.get(1)?)?)))
        .collect();
    let mut weights = weights(named);
    let [first, second] = products.as_slice() else {
        return Err(lacks("has not the two products of its squeeze"));
    };
    for ((node, stored), name) in [(first, "fc.0"), (second, "fc.2")] {
        let turned = node.op == "MatMul" || node.int("transB", 0) == 0;
        let weight =
            layer(stored, turned).ok_or_else(|| lacks("the products of its squeeze have no matrix"))?;
        weights.insert(format!("lr_branch.se_block.{name}.weight"), weight);
    }
    Ok(Some(Found { kind: Kind::ModNet, weights }))
}

/// A matrix as a linear layer has it.
fn layer(stored: &Stored, turned: bool) -> Option<kiln_tensor::Weight> {
    let [rows, columns] = *stored.shape() else { return None };
    if !turned {
        return Some(kiln_tensor::Weight::stored(stored.clone()));
    }
    let values = stored.to_f32();
    let turned = (0..columns).flat_map(|c| values.iter().skip(c).step_by(columns.max(1)).copied()).collect();
    Some(kiln_tensor::Weight::from_f32(&[columns, rows], turned))
}
