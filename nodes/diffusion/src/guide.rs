//! Asking a model with all its conditionings: areas, masks, times, strengths, and how strongly the wanted one counts.
//!
//! All texts that hold at a noise level are evaluated, those of one size together in a batch; their answers are
//! averaged by weight, and the wanted and unwanted answers combined.

use crate::runtime::BuiltUnet;
use crate::values::{Area, Concat, Conditioning, Entry, ModelValue, NoiseMask, Sizes};
use kiln_core::NodeError;
use kiln_networks::unet::{FreeUVersion, Hooks};
use kiln_sampling::{Denoised, Model, Space};
use kiln_tensor::compute::values as tensor_values;
use std::cell::Cell;
use std::sync::Arc;

/// The side an area's fading edge may have, in latent pixels.
const FADE: usize = 8;

/// A piece of the latent: height, width, top, left.
type Place = [usize; 4];

/// An entry made ready for a latent's size.
#[derive(Clone)]
struct Ready {
    context: Arc<crate::values::Tokens>,
    y: Option<Arc<[f32]>>,
    place: Option<Place>,
    /// Weights over the latent's pixels: pictures (or 1) x height x width.
    mask: Option<Arc<(usize, Vec<f32>)>>,
    strength: f32,
    sigma_start: f32,
    sigma_end: f32,
    concat: Option<Arc<[f32]>>,
}

/// A model with its conditionings for latents of one size.
pub struct Guide<'a> {
    unet: Arc<BuiltUnet>,
    space: Space,
    shape: [usize; 4],
    positive: Vec<Ready>,
    negative: Vec<Ready>,
    cfg: f32,
    rescale: Option<f32>,
    free_u: Option<kiln_networks::unet::FreeU>,
    cancelled: &'a (dyn Fn() -> bool + Sync),
    /// Pixels evaluated together at most.
    most: usize,
    not_a_number: Cell<bool>,
}

/// What the guide is made of.
pub struct Asked<'a> {
    /// The model.
    pub model: &'a ModelValue,
    /// It, built.
    pub unet: Arc<BuiltUnet>,
    /// The relation of noise levels and time steps.
    pub space: Space,
    /// What to draw.
    pub positive: &'a Conditioning,
    /// What not to draw.
    pub negative: Option<&'a Conditioning>,
    /// How strongly.
    pub cfg: f32,
    /// Pictures, channels, height, width.
    pub shape: [usize; 4],
    /// The latent at the start, scaled for the model.
    pub latent: &'a [f32],
    /// Where the latent is redrawn.
    pub mask: Option<&'a NoiseMask>,
}

impl<'a> Guide<'a> {
    /// Makes everything ready for latents of this size.
    pub fn new(asked: &Asked<'_>, cancelled: &'a (dyn Fn() -> bool + Sync)) -> Result<Self, NodeError> {
        let mut positive = placed(asked.positive, asked.shape);
        let mut negative = placed(asked.negative.unwrap_or(&Conditioning::default()), asked.shape);
        // Who asks for something in a part of the picture asks for the rest not to be there, too. What is added counts
        // for those that come after.
        add_twins(&positive, &mut negative);
        add_twins(&negative, &mut positive);
        let ready = |entries: Vec<(Entry, Option<Place>)>, is_negative: bool| {
            entries
                .iter()
                .map(|(e, place)| make_ready(e, *place, asked, is_negative))
                .collect::<Result<Vec<_>, _>>()
        };
        let free_u = asked.model.free_u.map(|f| kiln_networks::unet::FreeU {
            version: if f.version == 1 { FreeUVersion::V1 } else { FreeUVersion::V2 },
            b1: f.b1,
            b2: f.b2,
            s1: f.s1,
            s2: f.s2,
        });
        Ok(Self {
            unet: asked.unet.clone(),
            space: asked.space.clone(),
            shape: asked.shape,
            positive: ready(positive, false)?,
            negative: ready(negative, true)?,
            cfg: asked.cfg,
            rescale: asked.model.rescale_cfg,
            free_u,
            cancelled,
            most: if asked.unet.compute.is_cpu() { 2 * 64 * 64 * 4 } else { usize::MAX },
            not_a_number: Cell::new(false),
        })
    }

    /// Whether the model once answered with something that is not a number.
    #[must_use]
    pub fn went_wrong(&self) -> bool {
        self.not_a_number.get()
    }

    /// Evaluates entries and adds each answer, weighted, to the sum it belongs to.
    fn evaluate(
        &self,
        x: &[f32],
        sigma: f32,
        jobs: &[(usize, &Ready)],
        sums: &mut [Sum],
    ) -> Result<(), NodeError> {
        let mut left: Vec<usize> = (0..jobs.len()).collect();
        while let Some(&first) = left.first() {
            let place = |i: usize| jobs[i].1.place.unwrap_or([self.shape[2], self.shape[3], 0, 0]);
            let alike = |i: usize| {
                let (a, b) = (jobs[first].1, jobs[i].1);
                let same = place(first)[..2] == place(i)[..2]
                    && a.y.as_ref().map(|y| y.len()) == b.y.as_ref().map(|y| y.len())
                    && a.concat.is_some() == b.concat.is_some();
                // Texts of very different lengths cost more together than apart.
                same && lcm(a.context.rows, b.context.rows) <= 4 * a.context.rows.min(b.context.rows)
            };
            let pixels = self.shape[0] * place(first)[0] * place(first)[1];
            let room = (self.most / pixels.max(1)).max(1);
            let group: Vec<usize> = left.iter().copied().filter(|i| alike(*i)).take(room).collect();
            left.retain(|i| !group.contains(i));
            let members: Vec<&Ready> = group.iter().map(|i| jobs[*i].1).collect();
            let answers = self.forward(x, sigma, &members, [place(first)[0], place(first)[1]])?;
            for (answer, at) in answers.iter().zip(&group) {
                let (sum, ready) = jobs[*at];
                sums[sum].add(answer, ready, place(*at), self.shape);
            }
        }
        Ok(())
    }

    /// One batch through the network; answers are clean latents of the pieces.
    fn forward(
        &self,
        x: &[f32],
        sigma: f32,
        members: &[&Ready],
        size: [usize; 2],
    ) -> Result<Vec<Vec<f32>>, NodeError> {
        let [batch, channels, ..] = self.shape;
        let [h, w] = size;
        let piece = batch * channels * h * w;
        let compute = &self.unet.compute;
        let mut pieces = Vec::with_capacity(members.len());
        let mut input = Vec::new();
        let extra = self.unet.unet.config().in_channels.saturating_sub(channels);
        for ready in members {
            let cut = cut(x, self.shape, ready.place);
            let mut scaled = vec![0.0; cut.len()];
            self.space.input(sigma, &cut, &mut scaled);
            match &ready.concat {
                Some(concat) if extra > 0 => {
                    let concat =
                        cut_channels(concat, [batch, extra, self.shape[2], self.shape[3]], ready.place);
                    for b in 0..batch {
                        input.extend_from_slice(&scaled[b * channels * h * w..(b + 1) * channels * h * w]);
                        input.extend_from_slice(&concat[b * extra * h * w..(b + 1) * extra * h * w]);
                    }
                }
                _ => input.extend_from_slice(&scaled),
            }
            pieces.push(cut);
        }
        let rows = members.iter().fold(1, |n, r| lcm(n, r.context.rows));
        let width = members[0].context.width;
        let mut context = Vec::with_capacity(members.len() * batch * rows * width);
        for ready in members {
            for _ in 0..batch {
                for _ in 0..rows / ready.context.rows {
                    context.extend_from_slice(&ready.context.data);
                }
            }
        }
        let n = members.len() * batch;
        let in_channels = input.len() / (n * h * w).max(1);
        let y = members[0].y.as_ref().map(|first| {
            let all = members.iter().flat_map(|r| {
                let y = r.y.as_deref().unwrap_or_default().to_vec();
                std::iter::repeat_n(y, batch).flatten()
            });
            compute.tensor::<2>(all.collect(), [n, first.len()])
        });
        let x_in = compute.tensor::<4>(input, [n, in_channels, h, w]);
        let context = compute.tensor::<3>(context, [n, rows, width]);
        let hooks = Hooks { free_u: self.free_u, cancelled: Some(self.cancelled), ..Hooks::default() };
        let timesteps = vec![self.space.timestep(sigma); n];
        let out = self
            .unet
            .unet
            .forward(&x_in, &timesteps, &context, y.as_ref(), &hooks)
            .map_err(|e| crate::runtime::network_error(&e))?;
        let out = tensor_values(out).map_err(NodeError::new)?;
        if let Some(bad) = out.iter().position(|v| !v.is_finite()) {
            self.not_a_number.set(true);
            return Err(NodeError::new(format!("the model's answer is not a number (first at {bad}, noise level {sigma})"))
                .hint("the weights may be damaged, a LoRA far too strong, or half precision too little: try --precision f32"));
        }
        Ok(pieces
            .iter()
            .zip(out.chunks_exact(piece))
            .map(|(x, answer)| {
                let mut clean = vec![0.0; piece];
                self.space.denoised(sigma, x, answer, &mut clean);
                clean
            })
            .collect())
    }
}

impl Model for Guide<'_> {
    type Error = NodeError;

    fn denoise(&mut self, x: &[f32], sigma: f32, need_uncond: bool) -> Result<Denoised, NodeError> {
        if (self.cancelled)() {
            return Err(NodeError::cancelled());
        }
        let holds = |r: &&Ready| sigma <= r.sigma_start && sigma >= r.sigma_end;
        let plain = (self.cfg - 1.0).abs() <= 1e-9 && !need_uncond;
        let mut jobs: Vec<(usize, &Ready)> = self.positive.iter().filter(holds).map(|r| (0, r)).collect();
        if !plain {
            jobs.extend(self.negative.iter().filter(holds).map(|r| (1, r)));
        }
        let mut sums = [Sum::new(x.len()), Sum::new(x.len())];
        self.evaluate(x, sigma, &jobs, &mut sums)?;
        let [cond, uncond] = sums.map(Sum::mean);
        if plain || self.negative.is_empty() {
            let uncond = need_uncond.then(|| cond.clone());
            return Ok(Denoised { cond_guided: cond, uncond });
        }
        let mut guided: Vec<f32> = uncond.iter().zip(&cond).map(|(u, c)| u + (c - u) * self.cfg).collect();
        if let Some(multiplier) = self.rescale {
            rescale(&mut guided, x, &cond, &uncond, sigma, self.cfg, multiplier, self.shape[0]);
        }
        Ok(Denoised { cond_guided: guided, uncond: Some(uncond) })
    }
}

/// A weighted sum of answers.
struct Sum {
    total: Vec<f32>,
    weight: Vec<f32>,
}

impl Sum {
    fn new(len: usize) -> Self {
        Self { total: vec![0.0; len], weight: vec![1e-37; len] }
    }

    fn add(&mut self, answer: &[f32], ready: &Ready, place: Place, shape: [usize; 4]) {
        let [batch, channels, height, width] = shape;
        let [h, w, y, x] = place;
        let fade = ready.place.filter(|_| ready.mask.is_none()).map(|p| edges(p, height, width));
        for b in 0..batch {
            for c in 0..channels {
                for row in 0..h {
                    for column in 0..w {
                        let mut weight = ready.strength;
                        if let Some(mask) = &ready.mask {
                            let at = (b % mask.0) * height * width + (y + row) * width + x + column;
                            weight *= mask.1[at];
                        }
                        if let Some((rows, columns)) = &fade {
                            weight = weight * rows[row] * columns[column];
                        }
                        let to = ((b * channels + c) * height + y + row) * width + x + column;
                        let from = ((b * channels + c) * h + row) * w + column;
                        self.total[to] += answer[from] * weight;
                        self.weight[to] += weight;
                    }
                }
            }
        }
    }

    fn mean(self) -> Vec<f32> {
        self.total.iter().zip(&self.weight).map(|(t, w)| t / w).collect()
    }
}

/// How an area fades towards edges that are not the picture's: weights of its rows and columns.
fn edges([h, w, y, x]: Place, height: usize, width: usize) -> (Vec<f32>, Vec<f32>) {
    let side = |len: usize, start: usize, whole: usize| {
        let mut weights = vec![1.0f32; len];
        let reach = FADE.min(len / 4);
        for t in 0..reach {
            let weight = (1.0 / reach as f32) * (t + 1) as f32;
            if start != 0 {
                weights[t] *= weight;
            }
            if start + len < whole {
                weights[len - 1 - t] *= weight;
            }
        }
        weights
    };
    (side(h, y, height), side(w, x, width))
}

fn lcm(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a.max(1), b.max(1));
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a.max(1) / x * b.max(1)
}

fn cut(x: &[f32], shape: [usize; 4], place: Option<Place>) -> Vec<f32> {
    cut_channels(x, shape, place)
}

fn cut_channels(x: &[f32], [batch, channels, height, width]: [usize; 4], place: Option<Place>) -> Vec<f32> {
    let Some([h, w, top, left]) = place else { return x.to_vec() };
    let mut out = Vec::with_capacity(batch * channels * h * w);
    for plane in 0..batch * channels {
        for row in 0..h {
            let at = (plane * height + top + row) * width + left;
            out.extend_from_slice(&x[at..at + w]);
        }
    }
    out
}

/// Entries with their areas in this latent's pixels.
fn placed(conditioning: &Conditioning, shape: [usize; 4]) -> Vec<(Entry, Option<Place>)> {
    let [_, _, height, width] = shape;
    conditioning
        .entries
        .iter()
        .map(|entry| {
            let mut place = entry.area.map(|area| match area {
                Area::Latent { height: h, width: w, y, x } => [h, w, y, x],
                Area::Part { height: h, width: w, y, x } => {
                    let part = |p: f64, whole: usize| (p * whole as f64).round_ties_even().max(0.0) as usize;
                    [part(h, height).max(1), part(w, width).max(1), part(y, height), part(x, width)]
                }
            });
            if let Some(mask) = &entry.mask
                && mask.bounds
            {
                place = Some(bounds(mask, height, width));
            }
            (entry.clone(), place.map(|p| inside(p, height, width)))
        })
        .collect()
}

/// Keeps an area within the picture.
fn inside([h, w, y, x]: Place, height: usize, width: usize) -> Place {
    let (y, x) = (y.min(height.saturating_sub(1)), x.min(width.saturating_sub(1)));
    [h.clamp(1, height - y), w.clamp(1, width - x), y, x]
}

/// The box around what a mask selects, at least 8 to a side.
fn bounds(mask: &crate::values::MaskArea, height: usize, width: usize) -> Place {
    let resized = resize_mask(&mask.data, mask.batch, [mask.height, mask.width], [height, width]);
    let mut found: Option<[usize; 4]> = None;
    for (at, v) in resized.iter().enumerate() {
        if *v != 0.0 {
            let (y, x) = (at / width % height, at % width);
            let b = found.get_or_insert([y, x, y, x]);
            *b = [b[0].min(y), b[1].min(x), b[2].max(y), b[3].max(x)];
        }
    }
    match found {
        None => [8, 8, 0, 0],
        Some([top, left, bottom, right]) => [(bottom - top + 1).max(8), (right - left + 1).max(8), top, left],
    }
}

/// Adds to the other side what stands against the entries that have an area.
fn add_twins(of: &[(Entry, Option<Place>)], among: &mut Vec<(Entry, Option<Place>)>) {
    for (entry, place) in of {
        if let Some(place) = place
            && let Some(found) = twin(entry, *place, among)
        {
            among.push(found);
        }
    }
}

/// The entry that stands against `entry` on the other side: that side's tokens, in the smallest area that holds it.
fn twin(entry: &Entry, place: Place, among: &[(Entry, Option<Place>)]) -> Option<(Entry, Option<Place>)> {
    let mut best: Option<&(Entry, Option<Place>)> = None;
    for other in among {
        let better = match (other.1, best.map(|b| b.1)) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some(a), chosen) => {
                let holds = place[2] >= a[2]
                    && place[3] >= a[3]
                    && a[0] + a[2] >= place[0] + place[2]
                    && a[1] + a[3] >= place[1] + place[3];
                holds
                    && match chosen {
                        None | Some(None) => true,
                        Some(Some(c)) => c[0] * c[1] > a[0] * a[1],
                    }
            }
        };
        if better {
            best = Some(other);
        }
    }
    let best = best?;
    if best.1 == Some(place) {
        return None;
    }
    let twin = Entry {
        tokens: best.0.tokens.clone(),
        pooled: best.0.pooled.clone(),
        sizes: best.0.sizes,
        concat: best.0.concat.clone(),
        more: best.0.more.clone(),
        ..entry.clone()
    };
    Some((twin, Some(place)))
}

/// Masks at another size: bilinear, corners not aligned, no smoothing, as torch's `interpolate` has it.
pub(crate) fn resize_mask(data: &[f32], batch: usize, [h, w]: [usize; 2], [oh, ow]: [usize; 2]) -> Vec<f32> {
    if [h, w] == [oh, ow] {
        return data.to_vec();
    }
    let taps = |from: usize, to: usize| -> Vec<(usize, usize, f32)> {
        let scale = from as f32 / to as f32;
        (0..to)
            .map(|i| {
                let at = ((i as f32 + 0.5) * scale - 0.5).max(0.0);
                let first = (at as usize).min(from - 1);
                (first, (first + 1).min(from - 1), at - first as f32)
            })
            .collect()
    };
    let (rows, columns) = (taps(h, oh), taps(w, ow));
    let mut out = Vec::with_capacity(batch * oh * ow);
    for b in 0..batch {
        let plane = &data[b * h * w..(b + 1) * h * w];
        for (y0, y1, fy) in &rows {
            for (x0, x1, fx) in &columns {
                let top = plane[y0 * w + x0] * (1.0 - fx) + plane[y0 * w + x1] * fx;
                let bottom = plane[y1 * w + x0] * (1.0 - fx) + plane[y1 * w + x1] * fx;
                out.push(top * (1.0 - fy) + bottom * fy);
            }
        }
    }
    out
}

fn make_ready(
    entry: &Entry,
    place: Option<Place>,
    asked: &Asked<'_>,
    negative: bool,
) -> Result<Ready, NodeError> {
    let [_, _, height, width] = asked.shape;
    let config = asked.unet.unet.config();
    if let Some(wanted) = config.context_dim.filter(|w| *w != entry.tokens.width) {
        return Err(NodeError::new(format!(
            "the conditioning is {} numbers wide, but this model ({}) reads {wanted}",
            entry.tokens.width, asked.unet.family
        ))
        .at(if negative { "negative" } else { "positive" })
        .hint("encode the prompt with the text encoder of the same checkpoint"));
    }
    let y = config
        .adm
        .map(|wanted| class_vector(entry, wanted, negative, [height * 8, width * 8]))
        .transpose()?;
    let mask = entry.mask.as_ref().map(|m| {
        let mut data = resize_mask(&m.data, m.batch, [m.height, m.width], [height, width]);
        data.iter_mut().for_each(|v| *v *= m.strength);
        Arc::new((m.batch, data))
    });
    // The whole time means no limit at all, above the model's own highest level, too.
    let sigma_start =
        if entry.start > 0.0 { asked.space.percent_to_sigma(entry.start) } else { f32::INFINITY };
    let sigma_end = if entry.end < 1.0 { asked.space.percent_to_sigma(entry.end) } else { f32::NEG_INFINITY };
    let extra = config.in_channels.saturating_sub(asked.shape[1]);
    let concat =
        if extra > 0 { Some(inpaint_channels(entry.concat.as_ref(), extra, asked)?.into()) } else { None };
    Ok(Ready {
        context: entry.tokens.clone(),
        y: y.map(Into::into),
        place,
        mask,
        strength: entry.strength,
        sigma_start,
        sigma_end,
        concat,
    })
}

/// SDXL's vector: the pooled text, then the sizes as waves. Where no node names sizes, they are the picture's own.
fn class_vector(
    entry: &Entry,
    wanted: usize,
    negative: bool,
    picture: [usize; 2],
) -> Result<Vec<f32>, NodeError> {
    let pooled = entry.pooled.as_deref().cloned().unwrap_or_else(|| vec![0.0; 1280.min(wanted)]);
    let numbers = wanted.saturating_sub(pooled.len()) / 256;
    let side = |v: usize| v as f32;
    let [own_height, own_width] = picture.map(side);
    let worth = if negative { 2.5 } else { 6.0 };
    let list: Vec<f32> = match (numbers, entry.sizes) {
        (5, Some(Sizes::Refiner { width, height, aesthetic })) => {
            vec![side(height), side(width), 0.0, 0.0, aesthetic as f32]
        }
        (5, Some(Sizes::Base { width, height, crop_w, crop_h, .. })) => {
            vec![side(height), side(width), side(crop_h), side(crop_w), worth]
        }
        (5, None) => vec![own_height, own_width, 0.0, 0.0, worth],
        (_, Some(Sizes::Base { width, height, crop_w, crop_h, target_width, target_height })) => vec![
            side(height),
            side(width),
            side(crop_h),
            side(crop_w),
            side(target_height),
            side(target_width),
        ],
        (_, Some(Sizes::Refiner { width, height, .. })) => {
            vec![side(height), side(width), 0.0, 0.0, side(height), side(width)]
        }
        (_, None) => vec![own_height, own_width, 0.0, 0.0, own_height, own_width],
    };
    let mut y = pooled;
    for v in list.iter().take(numbers) {
        y.extend(kiln_networks::unet::timestep_embedding(&[*v], 256, 10000.0));
    }
    if y.len() == wanted {
        Ok(y)
    } else {
        Err(NodeError::new(format!(
            "this model wants a vector of {wanted} numbers beside the text, and the conditioning makes {}",
            y.len()
        ))
        .at(if negative { "negative" } else { "positive" })
        .hint("encode the prompt with the text encoders of the same checkpoint"))
    }
}

/// The latent of a picture that is grey all over, which stands for "nothing known" to inpainting models.
const BLANK: [f32; 4] = [0.8223, -0.6876, 0.6364, 0.1380];

/// What an inpainting model sees beside the noise: where to draw, and the picture without it.
fn inpaint_channels(concat: Option<&Concat>, extra: usize, asked: &Asked<'_>) -> Result<Vec<f32>, NodeError> {
    let [batch, channels, height, width] = asked.shape;
    let plane = height * width;
    if extra != channels + 1 {
        return Err(NodeError::new(format!(
            "this model takes {} channels, and a latent here has {channels}",
            channels + extra
        ))
        .hint("only inpainting models (a mask and a picture beside the latent) are known to take more"));
    }
    let mask = concat.and_then(|c| c.mask.as_ref()).or(asked.mask);
    let ones = || vec![1.0; batch * plane];
    let weights: Vec<f32> = match mask {
        None => ones(),
        Some(m) => {
            let resized = resize_mask(&m.data, m.batch, [m.height, m.width], [height, width]);
            (0..batch)
                .flat_map(|b| {
                    resized[(b % m.batch) * plane..(b % m.batch + 1) * plane]
                        .iter()
                        .map(|v| v.round_ties_even())
                })
                .collect()
        }
    };
    let scale = asked.unet.latent_scale;
    let pictures: Vec<f32> = match (concat, mask) {
        (Some(c), _) => {
            let from = &c.latent;
            if from.shape[1..] != asked.shape[1..] {
                return Err(NodeError::new(format!(
                    "the picture to inpaint is {}x{} latent pixels, but the latent {width}x{height}",
                    from.width(),
                    from.height()
                ))
                .hint("encode a picture of the same size"));
            }
            (0..batch).flat_map(|b| from.picture(b % from.batch()).iter().map(|v| v * scale)).collect()
        }
        (None, Some(_)) => asked.latent.to_vec(),
        (None, None) => (0..batch * channels)
            .flat_map(|p| std::iter::repeat_n(BLANK.get(p % channels).copied().unwrap_or(0.0), plane))
            .collect(),
    };
    let mut out = Vec::with_capacity(batch * extra * plane);
    for b in 0..batch {
        out.extend_from_slice(&weights[b * plane..(b + 1) * plane]);
        out.extend_from_slice(&pictures[b * channels * plane..(b + 1) * channels * plane]);
    }
    Ok(out)
}

/// Brings the guided answer's contrast back towards the plain one's, in the space of velocities (Lin et al. 2023).
#[allow(clippy::too_many_arguments, reason = "numbers of one formula")]
fn rescale(
    guided: &mut [f32],
    x: &[f32],
    cond: &[f32],
    uncond: &[f32],
    sigma: f32,
    cfg: f32,
    multiplier: f32,
    batch: usize,
) {
    let n = guided.len() / batch.max(1);
    let (up, down) = (((sigma * sigma + 1.0) as f64).sqrt(), (sigma * sigma + 1.0) as f64);
    let deviation = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (values.len() as f64 - 1.0).max(1.0))
            .sqrt()
    };
    for b in 0..batch {
        let range = b * n..(b + 1) * n;
        let base: Vec<f64> = x[range.clone()].iter().map(|v| f64::from(*v) / down).collect();
        let velocity = |clean: &[f32]| -> Vec<f64> {
            base.iter().zip(clean).map(|(base, c)| (base - f64::from(*c)) * up / f64::from(sigma)).collect()
        };
        let (c, u) = (velocity(&cond[range.clone()]), velocity(&uncond[range.clone()]));
        let g: Vec<f64> = c.iter().zip(&u).map(|(c, u)| u + f64::from(cfg) * (c - u)).collect();
        let ratio = deviation(&c) / deviation(&g).max(1e-30);
        for ((out, g), base) in guided[range].iter_mut().zip(&g).zip(&base) {
            let v = f64::from(multiplier) * g * ratio + (1.0 - f64::from(multiplier)) * g;
            *out = (base - v * f64::from(sigma) / up) as f32;
        }
    }
}
