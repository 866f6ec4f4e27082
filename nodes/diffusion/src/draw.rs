//! One sampling, from a latent and its noise to the finished latent: what every sampling node does.

use crate::damage::{self, Side};
use crate::guide::{Asked, Guide, resize_mask};
use crate::preview;
use crate::runtime::{BuiltUnet, Runtime};
use crate::values::{Conditioning, Latent, ModelValue, NoiseMask, NoiseValue, SamplerValue};
use kiln_core::{Cx, NodeError};
use kiln_sampling::sampler::Solver;
use kiln_sampling::{SampleError, Sampler, SamplerOptions, Space, Start, sample};
use std::sync::Arc;

/// What is asked of a sampling.
pub struct Drawing<'a> {
    /// The model.
    pub model: &'a ModelValue,
    /// What to draw.
    pub positive: &'a Conditioning,
    /// What not to draw.
    pub negative: Option<&'a Conditioning>,
    /// How strongly.
    pub cfg: f32,
    /// Where it starts.
    pub latent: &'a Latent,
    /// Its noise.
    pub noise: NoiseValue,
    /// The sampler.
    pub sampler: &'a SamplerValue,
    /// Noise levels.
    pub sigmas: &'a [f32],
}

/// A model made ready, with its noise schedule: to make noise levels before drawing.
pub struct Opened {
    /// The network.
    pub unet: Arc<BuiltUnet>,
    /// Its relation of noise levels and time steps.
    pub space: Space,
}

/// Builds a model's network.
pub fn open(runtime: &Runtime, model: &ModelValue) -> Result<Opened, NodeError> {
    let unet = runtime.unet(&model.weights).map_err(|e| e.at("model"))?;
    let space = crate::space::of(model, unet.v_prediction, unet.zsnr);
    Ok(Opened { unet, space })
}

/// The finished latent, and the last clean guess on the way (the same for most samplers).
pub fn draw(
    cx: &Cx<'_>,
    runtime: &Runtime,
    opened: &Opened,
    ask: &Drawing<'_>,
) -> Result<(Latent, Latent), NodeError> {
    if ask.sigmas.len() < 2 {
        return Ok((ask.latent.clone(), ask.latent.clone()));
    }
    let latent = fitting(ask.latent, opened.unet.latent_channels)?;
    let shape = latent.shape;
    let scale = opened.unet.latent_scale;
    let started = latent.samples.iter().any(|v| *v != 0.0);
    let scaled: Vec<f32> =
        if started { latent.samples.iter().map(|v| v * scale).collect() } else { latent.samples.clone() };
    let (noise, seed) = match ask.noise {
        NoiseValue::Seed(seed) => {
            let noise = kiln_sampling::noise::initial_noise(seed, &shape, latent.batch_index.as_deref())
                .map_err(NodeError::new)?;
            (Some(noise), seed)
        }
        NoiseValue::None => (None, 0),
        NoiseValue::Silent(seed) => (None, seed),
    };
    let mask = latent.mask.as_ref().map(|m| spread(m, shape));
    let whole_mask = mask.as_ref().map(|data| NoiseMask {
        batch: shape[0],
        height: shape[2],
        width: shape[3],
        data: data.clone(),
    });
    let cancelled = || cx.pause().is_err();
    let asked = Asked {
        model: ask.model,
        unet: opened.unet.clone(),
        space: opened.space.clone(),
        positive: ask.positive,
        negative: ask.negative,
        cfg: ask.cfg,
        shape,
        latent: &scaled,
        mask: whole_mask.as_ref(),
    };
    let mut guide = Guide::new(&asked, &cancelled)?;
    let (sampler, options) = settings(ask.sampler)?;
    let steps = (ask.sigmas.len() - 1) as u64;
    cx.progress(0, steps);
    let mut last = Vec::new();
    let mut previews = preview::Previews::new(runtime, &opened.unet);
    let mut on_step = |step: kiln_sampling::Step<'_>| -> Result<(), NodeError> {
        cx.progress(step.index as u64 + 1, steps);
        if let Some(image) = previews.picture(step.denoised, shape) {
            cx.preview(&image);
        }
        last.clear();
        last.extend_from_slice(step.denoised);
        cx.pause()
    };
    let start = Start { noise: noise.as_deref(), latent: &scaled, shape: &shape, mask: mask.as_deref() };
    let result = sample(sampler, &options, &mut guide, &opened.space, start, ask.sigmas, seed, &mut on_step);
    let done = result.map_err(|e| match e {
        SampleError::Model(e) if guide.went_wrong() => {
            damage::find(runtime, &ask.model.weights, Side::Unet).map_or(e, |found| found.at("model"))
        }
        SampleError::Model(e) | SampleError::Stopped(e) => e,
        other => NodeError::new(other),
    })?;
    let unscale = |values: &[f32]| -> Vec<f32> { values.iter().map(|v| v / scale).collect() };
    let clean = if last.len() == done.len() {
        latent.with(shape, unscale(&last))?
    } else {
        latent.with(shape, unscale(&done))?
    };
    Ok((latent.with(shape, unscale(&done))?, clean))
}

/// An empty latent fits any model; another must have its channels.
fn fitting(latent: &Latent, channels: usize) -> Result<Latent, NodeError> {
    if latent.channels() == channels {
        return Ok(latent.clone());
    }
    if latent.samples.iter().all(|v| *v == 0.0) {
        let shape = [latent.shape[0], channels, latent.shape[2], latent.shape[3]];
        return Ok(Latent {
            mask: latent.mask.clone(),
            batch_index: latent.batch_index.clone(),
            ..Latent::zeros(shape)?
        });
    }
    Err(NodeError::new(format!(
        "the latent has {} channels, but this model draws {channels}",
        latent.channels()
    ))
    .at("latent")
    .hint("encode the picture with this model's own autoencoder"))
}

/// A noise mask at the latent's size, one for each picture.
fn spread(mask: &NoiseMask, [batch, _, height, width]: [usize; 4]) -> Vec<f32> {
    let resized = resize_mask(&mask.data, mask.batch, [mask.height, mask.width], [height, width]);
    let plane = height * width;
    (0..batch)
        .flat_map(|b| resized[(b % mask.batch) * plane..(b % mask.batch + 1) * plane].iter().copied())
        .collect()
}

/// The sampler and its settings, as the sampling crate wants them.
pub fn settings(value: &SamplerValue) -> Result<(Sampler, SamplerOptions), NodeError> {
    let sampler: Sampler =
        value.name.parse().map_err(|_| NodeError::new(format!("there is no sampler {:?}", value.name)))?;
    let mut options = SamplerOptions::default();
    for (name, number) in &value.numbers {
        let v = Some(*number as f32);
        match name.as_str() {
            "eta" => options.eta = v,
            "s_noise" => options.s_noise = v,
            "s_churn" => options.s_churn = v,
            "s_tmin" => options.s_tmin = v,
            "s_tmax" => options.s_tmax = v,
            "r" => options.r = v,
            "r_2" => options.r_2 = v,
            "rtol" => options.rtol = v,
            "atol" => options.atol = v,
            "gamma" => options.gamma = v,
            "order" => options.order = Some(*number as usize),
            other => return Err(NodeError::new(format!("samplers have no setting {other:?}")).at("sampler")),
        }
    }
    for (name, word) in &value.words {
        match (name.as_str(), word.as_str()) {
            ("solver_type", "midpoint") => options.solver = Some(Solver::Midpoint),
            ("solver_type", "heun") => options.solver = Some(Solver::Heun),
            _ => {
                return Err(
                    NodeError::new(format!("samplers have no setting {name} = {word:?}")).at("sampler")
                );
            }
        }
    }
    Ok((sampler, options))
}
