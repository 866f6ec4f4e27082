//! One run: from noise and a latent to a denoised latent.

use crate::brownian::BrownianTree;
use crate::noise::Generator;
use crate::sampler::{Sampler, SamplerOptions};
use crate::schedule::MAX_STEPS;
use crate::solve;
use crate::space::Space;

/// A model's answer at one noise level.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Denoised {
    /// The clean latent, with guidance applied: what the sampler follows.
    pub cond_guided: Vec<f32>,
    /// The prediction of the negative prompt alone. Needed when it was asked for.
    pub uncond: Option<Vec<f32>>,
}

/// Something that says what a noisy latent looks like without its noise.
pub trait Model {
    /// Why it could not answer.
    type Error;

    /// One guided evaluation at `x` (the whole batch). The answer is clean latents, not raw network
    /// output: see [`Space::input`], [`Space::timestep`] and [`Space::denoised`].
    fn denoise(&mut self, x: &[f32], sigma: f32, need_uncond: bool) -> Result<Denoised, Self::Error>;
}

/// What a run starts from. All tensors hold the whole batch and are already in the model's scale.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The noise. `None` adds none: for a run that continues an unfinished one.
    pub noise: Option<&'a [f32]>,
    /// The latent to start from: zeros for a new picture.
    pub latent: &'a [f32],
    /// The sides of the latent, batch first.
    pub shape: &'a [usize],
    /// Where to redraw: 1 redraws, 0 keeps the latent. As long as the latent, or as one channel of
    /// the batch, or as one channel of one picture.
    pub mask: Option<&'a [f32]>,
}

/// What a run shows of itself, once a step, after the step's first evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Which step this is, from 0.
    pub index: usize,
    /// How many steps the run has. `dpm_adaptive` does not know: its count is the schedule's.
    pub total: usize,
    /// The noise level the step starts at.
    pub sigma: f32,
    /// The noise level it goes to.
    pub sigma_next: f32,
    /// The noisy latent at its start.
    pub x: &'a [f32],
    /// The model's clean latent for it.
    pub denoised: &'a [f32],
}

/// Why a run ended without a result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SampleError<E> {
    /// The model failed.
    #[error("{0}")]
    Model(E),
    /// The caller stopped the run between two steps.
    #[error("{0}")]
    Stopped(E),
    /// The latent has no elements.
    #[error("a latent of shape {0:?} cannot be sampled: every side must be at least 1")]
    Shape(Vec<usize>),
    /// A tensor does not fit the shape.
    #[error("the {what} has {len} elements, but the latent's shape {shape:?} has {expected}")]
    Length {
        /// Which tensor.
        what: &'static str,
        /// How long it is.
        len: usize,
        /// The shape it must fit.
        shape: Vec<usize>,
        /// How long it must be.
        expected: usize,
    },
    /// The schedule has too few or too many levels.
    #[error("the schedule has {0} noise levels: a run needs between 2 and {max}", max = MAX_STEPS + 1)]
    Sigmas(usize),
    /// A level is not a finite number, or negative.
    #[error("noise level {index} of the schedule is {value}: levels are finite and not negative")]
    Sigma {
        /// Its place in the schedule.
        index: usize,
        /// Its value.
        value: f32,
    },
    /// The model did not give the negative prompt's prediction that the sampler asked for.
    #[error("the sampler {0} follows the negative prompt's own prediction, and the model gave none")]
    NoUncond(&'static str),
    /// A setting of the sampler makes no sense.
    #[error("the sampler's setting {name} is {value}: it must be {rule}")]
    Option {
        /// Which setting.
        name: &'static str,
        /// What it was.
        value: f32,
        /// What it may be.
        rule: &'static str,
    },
    /// The adaptive sampler found no step that is exact enough.
    #[error("dpm_adaptive gave up after {0} evaluations: raise its tolerances or take another sampler")]
    NoProgress(usize),
}

/// A closure that sees each step and can end the run by an error.
pub type OnStep<'a, E> = &'a mut dyn FnMut(Step<'_>) -> Result<(), E>;

/// Runs a sampler over a schedule and gives the denoised latent, in the model's scale.
///
/// Does everything between the latent and the result: the noise scaling, the blending under a mask
/// around every evaluation, the sampler itself and the scaling back. `on_step` is called once a step
/// and ends the run by an error, within the step. A schedule of fewer than two levels is an error;
/// the empty one of [`crate::ksampler_sigmas`] (nothing to do) is the caller's to skip.
#[allow(clippy::too_many_arguments, reason = "every one is its own thing; a struct would only rename them")]
pub fn sample<M: Model>(
    sampler: Sampler,
    options: &SamplerOptions,
    model: &mut M,
    space: &Space,
    start: Start<'_>,
    sigmas: &[f32],
    seed: u64,
    on_step: OnStep<'_, M::Error>,
) -> Result<Vec<f32>, SampleError<M::Error>> {
    let len = check(&start, sigmas)?;
    check_options(options)?;
    let zeros;
    let noise = match start.noise {
        Some(noise) => noise,
        None => {
            zeros = vec![0.0; len];
            &zeros
        }
    };
    let mask = start.mask.map(|mask| spread_mask(mask, start.shape, len)).transpose()?;
    let mask_noise = match (&mask, sampler) {
        // The one sampler whose kept part gets noise of its own.
        (Some(_), Sampler::Ddim) => Generator::new(seed.wrapping_add(1)).randn(len),
        (Some(_), _) => noise.to_vec(),
        (None, _) => Vec::new(),
    };
    let top = space.starts_at_the_top(sigmas[0]);
    let x = space.noise_scaling(sigmas[0], noise, start.latent, top);
    let mut run = Run {
        model,
        space,
        sigmas,
        options,
        sampler,
        seed,
        blend: mask.map(|mask| Blend { mask, noise: mask_noise, latent: start.latent.to_vec() }),
        on_step,
        generator: Generator::new(seed.wrapping_add(1)),
        tree: None,
    };
    let mut out = solve::run(&mut run, x)?;
    let last = sigmas[sigmas.len() - 1];
    if let Some(blend) = &run.blend {
        solve::keep_exactly(sampler, last, &mut out, &blend.mask, &blend.latent);
    }
    space.inverse_noise_scaling(solve::last_level(sampler, last), &mut out);
    Ok(out)
}

/// What every sampler works with.
pub(crate) struct Run<'a, E> {
    model: &'a mut dyn Model<Error = E>,
    pub(crate) space: &'a Space,
    pub(crate) sigmas: &'a [f32],
    pub(crate) options: &'a SamplerOptions,
    pub(crate) sampler: Sampler,
    seed: u64,
    blend: Option<Blend>,
    on_step: OnStep<'a, E>,
    generator: Generator,
    tree: Option<BrownianTree>,
}

/// The part of a latent that stays, and how.
struct Blend {
    mask: Vec<f32>,
    noise: Vec<f32>,
    latent: Vec<f32>,
}

impl<E> Run<'_, E> {
    /// How many steps the schedule has.
    pub(crate) fn steps(&self) -> usize {
        self.sigmas.len() - 1
    }

    /// A level of the schedule in double precision.
    pub(crate) fn at(&self, index: usize) -> f64 {
        f64::from(self.sigmas[index])
    }

    /// The run's seed.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The guided prediction at `x`.
    pub(crate) fn denoise(&mut self, x: &[f32], sigma: f32) -> Result<Vec<f32>, SampleError<E>> {
        Ok(self.ask(x, sigma, false)?.cond_guided)
    }

    /// The guided prediction and the negative prompt's own.
    pub(crate) fn denoise_both(
        &mut self,
        x: &[f32],
        sigma: f32,
    ) -> Result<(Vec<f32>, Vec<f32>), SampleError<E>> {
        let answer = self.ask(x, sigma, true)?;
        let uncond = answer.uncond.ok_or(SampleError::NoUncond(self.sampler.name()))?;
        self.fits("negative prompt's prediction", &uncond, x)?;
        Ok((answer.cond_guided, uncond))
    }

    fn ask(&mut self, x: &[f32], sigma: f32, need_uncond: bool) -> Result<Denoised, SampleError<E>> {
        let answer = match &self.blend {
            None => self.model.denoise(x, sigma, need_uncond).map_err(SampleError::Model)?,
            Some(blend) => {
                let kept = self.space.noise_scaling(sigma, &blend.noise, &blend.latent, false);
                let shown = mixed(x, &kept, &blend.mask);
                let mut answer =
                    self.model.denoise(&shown, sigma, need_uncond).map_err(SampleError::Model)?;
                if answer.cond_guided.len() == x.len() {
                    answer.cond_guided = mixed(&answer.cond_guided, &blend.latent, &blend.mask);
                }
                answer
            }
        };
        self.fits("model's prediction", &answer.cond_guided, x)?;
        Ok(answer)
    }

    fn fits(&self, what: &'static str, tensor: &[f32], x: &[f32]) -> Result<(), SampleError<E>> {
        if tensor.len() == x.len() {
            return Ok(());
        }
        Err(SampleError::Length { what, len: tensor.len(), shape: vec![x.len()], expected: x.len() })
    }

    /// Shows a step to the caller, who may end the run.
    pub(crate) fn show(&mut self, index: usize, x: &[f32], denoised: &[f32]) -> Result<(), SampleError<E>> {
        let at = |i: usize| self.sigmas.get(i).or(self.sigmas.last()).copied().unwrap_or(0.0);
        let (sigma, sigma_next) = (at(index), at(index + 1));
        let step = Step { index, total: self.steps(), sigma, sigma_next, x, denoised };
        (self.on_step)(step).map_err(SampleError::Stopped)
    }

    /// Fresh noise for a step: the next tensor of the run's own stream.
    pub(crate) fn randn(&mut self, len: usize) -> Vec<f32> {
        self.generator.randn(len)
    }

    /// Noise for a step of a stochastic equation, from the run's Brownian path.
    pub(crate) fn brownian(&mut self, sigma: f32, sigma_next: f32, len: usize) -> Vec<f32> {
        let (sigmas, seed) = (self.sigmas, self.seed);
        self.tree
            .get_or_insert_with(|| {
                let positive = || sigmas.iter().copied().filter(|&s| s > 0.0);
                let min = positive().fold(f32::INFINITY, f32::min);
                let max = positive().fold(0.0, f32::max);
                BrownianTree::new(seed, min, max, len)
            })
            .noise(sigma, sigma_next)
    }
}

/// The first tensor where the mask is 1, the second where it is 0.
fn mixed(redrawn: &[f32], kept: &[f32], mask: &[f32]) -> Vec<f32> {
    redrawn.iter().zip(kept).zip(mask).map(|((r, k), m)| r * m + k * (1.0 - m)).collect()
}

/// The mask, repeated over channels and pictures to the length of the latent.
fn spread_mask<E>(mask: &[f32], shape: &[usize], len: usize) -> Result<Vec<f32>, SampleError<E>> {
    let batch = shape.first().copied().unwrap_or(1);
    let channels = if shape.len() > 2 { shape[1] } else { 1 };
    let plane = len / batch / channels;
    let picture = |of: usize| mask[of * plane..][..plane].repeat(channels);
    if mask.len() == len {
        Ok(mask.to_vec())
    } else if mask.len() == batch * plane {
        Ok((0..batch).flat_map(picture).collect())
    } else if mask.len() == plane {
        Ok(picture(0).repeat(batch))
    } else {
        Err(SampleError::Length { what: "mask", len: mask.len(), shape: shape.to_vec(), expected: len })
    }
}

fn check<E>(start: &Start<'_>, sigmas: &[f32]) -> Result<usize, SampleError<E>> {
    let shape = start.shape;
    let len = shape
        .iter()
        .try_fold(1usize, |n, &side| n.checked_mul(side))
        .filter(|&len| len > 0 && !shape.is_empty())
        .ok_or_else(|| SampleError::Shape(shape.to_vec()))?;
    for (what, tensor) in [("latent", Some(start.latent)), ("noise", start.noise)] {
        if let Some(found) = tensor.map(<[f32]>::len).filter(|&found| found != len) {
            return Err(SampleError::Length { what, len: found, shape: shape.to_vec(), expected: len });
        }
    }
    if !(2..=MAX_STEPS + 1).contains(&sigmas.len()) {
        return Err(SampleError::Sigmas(sigmas.len()));
    }
    match sigmas.iter().position(|s| !s.is_finite() || *s < 0.0) {
        Some(index) => Err(SampleError::Sigma { index, value: sigmas[index] }),
        None => Ok(len),
    }
}

fn check_options<E>(options: &SamplerOptions) -> Result<(), SampleError<E>> {
    let checks = [
        ("eta", options.eta, 0.0, "a number from 0 up"),
        ("s_noise", options.s_noise, f32::MIN, "a number"),
        ("s_churn", options.s_churn, 0.0, "a number from 0 up"),
        ("s_tmin", options.s_tmin, 0.0, "a number from 0 up"),
        ("r", options.r, 1e-3, "at least 0.001"),
        ("r_2", options.r_2, 1e-3, "at least 0.001"),
        ("rtol", options.rtol, 1e-6, "at least 0.000001"),
        ("atol", options.atol, 1e-6, "at least 0.000001"),
        ("gamma", options.gamma, f32::MIN, "a number"),
    ];
    for (name, value, least, rule) in checks {
        if let Some(value) = value.filter(|v| !v.is_finite() || *v < least) {
            return Err(SampleError::Option { name, value, rule });
        }
    }
    Ok(())
}
