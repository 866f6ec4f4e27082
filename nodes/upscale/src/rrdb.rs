//! RRDBNet: ESRGAN's and Real-ESRGAN's network.
//!
//! A convolution, then blocks of three dense blocks each (five convolutions that see all before them), another
//! convolution added to where the blocks began, then doublings by nearest and convolution, and two more convolutions.
//! Real-ESRGAN's x2 and x1 networks are x4 ones that see a picture of which every 2x2 or 4x4 pixels became channels.
//!
//! What comes after the blocks is many times larger than what the blocks see: it runs in strips, each with the margin
//! its convolutions look at, so that memory does not grow with the square of the scale.

use kiln_networks::NetError;
use kiln_tensor::ops::{MapConv, MapThen, Maps, Slope};
use kiln_tensor::{Compute, Tensor, Vars, VarsError, Weight};

use crate::network::Steps;

/// How much of a block's result is added to what came in.
const RESIDUAL: f32 = 0.2;
/// Of every activation: leaky ReLU.
const LEAKY: Slope = Slope::One(0.2);
const NONE: Slope = Slope::One(1.0);

/// More than any known model: a file that says more is wrong, or means harm.
const MOST_BLOCKS: usize = 256;
const MOST_FEATURES: usize = 4096;
const MOST_UPS: usize = 4;

/// Rows of the blocks' size around a strip. The layers after them look at two; four, and strips of a multiple of four
/// rows, begin where the kernels' tiles do: the numbers are those of the whole picture, to the bit.
const MARGIN: usize = 4;
/// Numbers of one layer's result in a strip, about: 64 MB.
const STRIP: usize = 16 << 20;

/// Five convolutions, each of which sees what came in and the results of all before it.
#[derive(Debug)]
struct Dense {
    convs: [MapConv; 5],
    /// ESRGAN+: a 1x1 convolution of what came in is added to the second result, and that to the fourth.
    shortcut: Option<MapConv>,
}

/// What a tile is worked on in, from block to block.
#[derive(Default)]
struct Room {
    growth: [Maps; 4],
    shortcut: Maps,
}

/// The network.
#[derive(Debug)]
pub(crate) struct Rrdb {
    first: MapConv,
    blocks: Vec<[Dense; 3]>,
    body: MapConv,
    ups: Vec<MapConv>,
    high: MapConv,
    last: MapConv,
    features: usize,
    growth: usize,
    /// So many pixels of a side become channels first.
    shuffle: usize,
    scale: usize,
    compute: Compute,
}

impl Rrdb {
    /// Builds it from its weights; width, depth and scale show in their names and shapes.
    pub(crate) fn new(vars: &Vars) -> Result<Self, VarsError> {
        let shape = |name: &str| vars.any(name).map(|w| w.shape().to_vec());
        let first = shape("conv_first.weight")?;
        let growth = shape("body.0.rdb1.conv1.weight")?.first().copied().unwrap_or(0);
        let &[features, c_in, 3, 3] = first.as_slice() else {
            return Err(vars.odd(format!("\"conv_first.weight\" is no 3x3 convolution: {first:?}")));
        };
        let count = vars.count("body");
        let range = 1..=MOST_FEATURES;
        if !range.contains(&features) || !range.contains(&growth) || count > MOST_BLOCKS {
            return Err(vars.odd(format!(
                "{count} blocks of {features} features, growing by {growth}, make no upscaler known here"
            )));
        }
        let ups = (1..=MOST_UPS + 1).take_while(|k| vars.has(&format!("conv_up{k}.weight"))).count();
        let shuffle = (1..=8usize).find(|d| 3 * d * d == c_in).filter(|d| (1 << ups) % d == 0);
        let Some(shuffle) = shuffle.filter(|_| ups <= MOST_UPS) else {
            return Err(vars.odd(format!(
                "{c_in} channels in and {ups} doublings make no scale: colour pictures have 3, 12 or 48 channels here"
            )));
        };
        let conv = |name: &str, c_in, c_out, slope| conv(&vars.at(name), c_in, c_out, slope);
        let mut blocks = Vec::new();
        for n in 0..count {
            let rdb = |k: usize| Dense::new(&vars.at(format!("body.{n}.rdb{k}")), features, growth);
            blocks.push([rdb(1)?, rdb(2)?, rdb(3)?]);
        }
        let scale = (1 << ups) / shuffle;
        let ups = (1..=ups).map(|k| conv(&format!("conv_up{k}"), features, features, LEAKY));
        Ok(Self {
            scale,
            ups: ups.collect::<Result<_, _>>()?,
            first: conv("conv_first", c_in, features, NONE)?,
            blocks,
            body: conv("conv_body", features, features, NONE)?,
            high: conv("conv_hr", features, features, LEAKY)?,
            last: conv("conv_last", features, 3, NONE)?,
            features,
            growth,
            shuffle,
            compute: vars.compute().clone(),
        })
    }

    pub(crate) fn scale(&self) -> usize {
        self.scale
    }

    pub(crate) fn steps(&self) -> usize {
        self.blocks.len() + 1
    }

    /// Pictures are reflected to multiples of this: four pixels where pixels become channels.
    pub(crate) fn multiple(&self) -> usize {
        if self.shuffle == 1 { 1 } else { self.shuffle.max(4) }
    }

    pub(crate) fn describe(&self) -> String {
        format!(
            "ESRGAN (RRDBNet), {} blocks of {} features growing by {}, {}x",
            self.blocks.len(),
            self.features,
            self.growth,
            self.scale
        )
    }

    pub(crate) fn forward(
        &self,
        planes: Vec<f32>,
        [h, w]: [usize; 2],
        steps: &Steps<'_>,
    ) -> Result<Tensor<4>, NetError> {
        let by = self.shuffle;
        let planes = if by == 1 { planes } else { unshuffled(&planes, [h, w], by) };
        let x = Maps::of(planes, 3 * by * by, [h / by, w / by], &self.compute);
        let mut first = Maps::default();
        self.first.run(&[&x], MapThen::default(), &self.compute, &mut first);
        // What goes into a block stays until its end; two others take turns in it.
        let (mut y, mut a, mut b) = (first.rows(0, h), Maps::default(), Maps::default());
        let mut room = Room::default();
        for (n, [one, two, three]) in self.blocks.iter().enumerate() {
            one.run(&y, None, &mut room, &self.compute, &mut a);
            two.run(&a, None, &mut room, &self.compute, &mut b);
            three.run(&b, Some((RESIDUAL, &y)), &mut room, &self.compute, &mut a);
            std::mem::swap(&mut y, &mut a);
            steps.at(n + 1)?;
        }
        drop((room, b));
        self.body.run(&[&y], MapThen { add: Some(&first), ..MapThen::default() }, &self.compute, &mut a);
        drop((first, y));
        self.tail_in_strips(&a, steps)
    }

    /// The layers after the blocks, strip by strip.
    fn tail_in_strips(&self, y: &Maps, steps: &Steps<'_>) -> Result<Tensor<4>, NetError> {
        let [_, w] = y.size();
        let grown = 1 << self.ups.len();
        let rows = (STRIP / (self.features * w * grown * grown).max(1)).max(8) / 4 * 4;
        self.tail_by(rows, y, steps)
    }

    fn tail_by(&self, rows: usize, y: &Maps, steps: &Steps<'_>) -> Result<Tensor<4>, NetError> {
        let [h, _] = y.size();
        let grown = 1 << self.ups.len();
        let mut room = [Maps::default(), Maps::default()];
        if rows >= h {
            return Ok(self.tail(y, &mut room));
        }
        let mut strips = Vec::new();
        for start in (0..h).step_by(rows) {
            steps.at(self.blocks.len())?;
            let end = (start + rows).min(h);
            let (from, to) = (start.saturating_sub(MARGIN), (end + MARGIN).min(h));
            let strip = self.tail(&y.rows(from, to), &mut room);
            strips.push(strip.narrow(2, (start - from) * grown, (end - start) * grown));
        }
        Ok(Tensor::cat(strips, 2))
    }

    fn tail(&self, y: &Maps, [seen, made]: &mut [Maps; 2]) -> Tensor<4> {
        let mut layers =
            self.ups.iter().map(|up| (up, true)).chain([(&self.high, false), (&self.last, false)]);
        if let Some((conv, double)) = layers.next() {
            conv.run(&[y], MapThen { double, ..MapThen::default() }, &self.compute, made);
        }
        for (conv, double) in layers {
            std::mem::swap(seen, made);
            conv.run(&[&*seen], MapThen { double, ..MapThen::default() }, &self.compute, made);
        }
        made.tensor()
    }
}

fn conv(vars: &Vars, c_in: usize, c_out: usize, slope: Slope) -> Result<MapConv, VarsError> {
    let weight = vars.get("weight", &[c_out, c_in, 3, 3])?;
    let bias = vars.has("bias").then(|| vars.get("bias", &[c_out])).transpose()?;
    Ok(MapConv { weight, bias, scale: 1.0, slope })
}

impl Dense {
    fn new(vars: &Vars, features: usize, growth: usize) -> Result<Self, VarsError> {
        let inner = |k: usize| conv(&vars.at(format!("conv{k}")), features + (k - 1) * growth, growth, LEAKY);
        let last =
            MapConv { scale: RESIDUAL, ..conv(&vars.at("conv5"), features + 4 * growth, features, NONE)? };
        let shortcut = vars.has("conv1x1.weight").then(|| {
            let weight = vars.get("conv1x1.weight", &[growth, features, 1, 1])?;
            Ok(MapConv { weight: in_the_middle(&weight), bias: None, scale: 1.0, slope: NONE })
        });
        Ok(Self {
            convs: [inner(1)?, inner(2)?, inner(3)?, inner(4)?, last],
            shortcut: shortcut.transpose()?,
        })
    }

    /// From `x` to `out`: a fifth of the last convolution's result is added to what came in.
    fn run(
        &self,
        x: &Maps,
        outer: Option<(f32, &Maps)>,
        Room { growth: [one, two, three, four], shortcut }: &mut Room,
        compute: &Compute,
        out: &mut Maps,
    ) {
        let [conv1, conv2, conv3, conv4, conv5] = &self.convs;
        let plain = MapThen::default();
        if let Some(conv) = &self.shortcut {
            conv.run(&[x], plain, compute, shortcut);
        }
        let add = |maps| MapThen { add: self.shortcut.as_ref().map(|_| maps), ..plain };
        conv1.run(&[x], plain, compute, one);
        conv2.run(&[x, one], add(&*shortcut), compute, two);
        conv3.run(&[x, one, two], plain, compute, three);
        conv4.run(&[x, one, two, three], add(&*two), compute, four);
        conv5.run(&[x, one, two, three, four], MapThen { add: Some(x), outer, ..plain }, compute, out);
    }
}

/// A 1x1 convolution's weight as a 3x3 one's.
fn in_the_middle(weight: &Weight) -> Weight {
    let [c_out, c_in] = [0, 1].map(|i| weight.shape().get(i).copied().unwrap_or(0));
    let values = weight.to_f32().iter().flat_map(|v| [0.0, 0.0, 0.0, 0.0, *v, 0.0, 0.0, 0.0, 0.0]).collect();
    Weight::from_f32(&[c_out, c_in, 3, 3], values)
}

/// Pixels to channels: pixel (dy, dx) of every `by` x `by` square of channel c becomes channel (c * by + dy) * by + dx.
fn unshuffled(planes: &[f32], [h, w]: [usize; 2], by: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(planes.len());
    for plane in planes.chunks_exact((h * w).max(1)) {
        for (dy, dx) in (0..by).flat_map(|dy| (0..by).map(move |dx| (dy, dx))) {
            for row in plane.chunks_exact(w.max(1)).skip(dy).step_by(by) {
                out.extend(row.iter().skip(dx).step_by(by));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
    use super::*;
    use kiln_tensor::WeightMap;
    use kiln_tensor::compute::values;
    use std::sync::Arc;

    /// A network of nothing but its first dense block and its tail.
    fn network(features: usize, ups: usize) -> Rrdb {
        let numbers = |seed: usize, n: usize| {
            (0..n).map(move |i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 4006.0 - 0.25)
        };
        let mut weights = WeightMap::new();
        let mut add = |name: String, c_out: usize, c_in: usize| {
            let made = numbers(weights.len(), c_out * c_in * 9).map(|v| v * 0.3).collect();
            weights.insert(format!("{name}.weight"), Weight::from_f32(&[c_out, c_in, 3, 3], made));
            let made = numbers(weights.len(), c_out).collect();
            weights.insert(format!("{name}.bias"), Weight::from_f32(&[c_out], made));
        };
        add("conv_first".into(), features, 3);
        for (rdb, k) in (1..=3).flat_map(|rdb| (1..=5).map(move |k| (rdb, k))) {
            let c_out = if k == 5 { features } else { 4 };
            add(format!("body.0.rdb{rdb}.conv{k}"), c_out, features + 4 * (k - 1));
        }
        (1..=ups).for_each(|k| add(format!("conv_up{k}"), features, features));
        ["conv_body", "conv_hr"].into_iter().for_each(|name| add(name.into(), features, features));
        add("conv_last".into(), 3, features);
        Rrdb::new(&Vars::new("made", Arc::new(weights), &Compute::cpu())).unwrap()
    }

    #[test]
    fn strips_give_the_bits_of_the_whole() {
        let steps = Steps { done: &|_| (), cancelled: &|| false };
        for ups in 0..=3 {
            let net = network(9, ups);
            for (h, w) in [(21, 10), (24, 7)] {
                let planes = (0..9 * h * w).map(|i| ((i * 31) % 101) as f32 / 50.0 - 1.0).collect();
                let y = Maps::of(planes, 9, [h, w], &Compute::cpu());
                let whole = values(net.tail_by(1000, &y, &steps).unwrap()).unwrap();
                assert_eq!(whole.len(), 3 * (h << ups) * (w << ups));
                for rows in [4, 8, 12, 20] {
                    let strips = values(net.tail_by(rows, &y, &steps).unwrap()).unwrap();
                    assert!(whole == strips, "{ups} doublings, {h} rows by {rows}");
                }
            }
        }
    }

    #[test]
    fn pixels_become_channels() {
        let planes: Vec<f32> = (0..16).map(|v| v as f32).collect();
        let found = unshuffled(&planes, [2, 4], 2);
        assert_eq!(
            found,
            [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0, 8.0, 10.0, 9.0, 11.0, 12.0, 14.0, 13.0, 15.0]
        );
    }
}
