//! Schedules that take settings of their own.

use super::{MAX_STEPS, ScheduleError, beta::inverse_beta, check_finite, check_steps};
use crate::round::{self, linspace};
use crate::space::Space;

/// Karras et al. 2022: even steps of the `rho`-th root, then 0.
pub fn karras(steps: usize, min: f32, max: f32, rho: f64) -> Result<Vec<f32>, ScheduleError> {
    check_steps(steps)?;
    karras_levels(steps, min, max, rho)
}

pub(super) fn karras_levels(steps: usize, min: f32, max: f32, rho: f64) -> Result<Vec<f32>, ScheduleError> {
    check_range(min, max)?;
    check("rho", rho, rho > 0.0, "greater than 0")?;
    let root = |sigma: f32| libm::pow(f64::from(sigma), 1.0 / rho);
    let (low, high) = (root(min), root(max));
    let ramp = linspace(0.0, 1.0, steps);
    let (high, span) = (high as f32, (low - high) as f32);
    ended(ramp.into_iter().map(|part| round::pow(high + part * span, rho)))
}

/// Even steps of the logarithm, then 0.
pub fn exponential(steps: usize, min: f32, max: f32) -> Result<Vec<f32>, ScheduleError> {
    check_steps(steps)?;
    exponential_levels(steps, min, max)
}

pub(super) fn exponential_levels(steps: usize, min: f32, max: f32) -> Result<Vec<f32>, ScheduleError> {
    check_range(min, max)?;
    let log = |sigma: f32| libm::log(f64::from(sigma)) as f32;
    ended(linspace(log(max), log(min), steps).into_iter().map(round::exp))
}

/// A power of even steps, spread over the logarithm, then 0.
pub fn polyexponential(steps: usize, min: f32, max: f32, rho: f64) -> Result<Vec<f32>, ScheduleError> {
    check_steps(steps)?;
    check_range(min, max)?;
    check("rho", rho, rho >= 0.0, "at least 0")?;
    let (low, high) = (libm::log(f64::from(min)), libm::log(f64::from(max)));
    let ramp = linspace(1.0, 0.0, steps);
    ended(ramp.into_iter().map(|part| round::exp(round::pow(part, rho) * (high - low) as f32 + low as f32)))
}

/// Levels at even quantiles of a Laplace distribution of their logarithm, then 0.
pub fn laplace(steps: usize, min: f32, max: f32, mu: f64, beta: f64) -> Result<Vec<f32>, ScheduleError> {
    check_steps(steps)?;
    check_range(min, max)?;
    check("mu", mu, mu.is_finite(), "a number")?;
    check("beta", beta, beta.is_finite(), "a number")?;
    let (mu, beta) = (mu as f32, beta as f32);
    ended(linspace(0.0, 1.0, steps).into_iter().map(|part| {
        let off = 0.5 - part;
        let side = if off == 0.0 { 0.0 } else { off.signum() };
        let log = mu - beta * side * round::ln((1.0 - 2.0 * off.abs()) + 1e-5);
        round::exp(log).clamp(min, max)
    }))
}

/// The continuous variance-preserving path of Song et al. 2020, then 0.
pub fn vp(steps: usize, beta_d: f64, beta_min: f64, eps_s: f64) -> Result<Vec<f32>, ScheduleError> {
    check_steps(steps)?;
    check("beta_d", beta_d, beta_d >= 0.0, "at least 0")?;
    check("beta_min", beta_min, beta_min >= 0.0, "at least 0")?;
    check("eps_s", eps_s, eps_s >= 0.0, "at least 0")?;
    let (beta_d, beta_min) = (beta_d as f32, beta_min as f32);
    ended(
        linspace(1.0, eps_s as f32, steps)
            .into_iter()
            .map(|t| libm::expm1f(beta_d * t * t / 2.0 + beta_min * t).sqrt()),
    )
}

/// One to ten of the times 999, 899, 799 ... for models distilled to them, then 0.
/// `denoise` below 1 starts as many tenths later.
pub fn sd_turbo(space: &Space, steps: usize, denoise: f64) -> Result<Vec<f32>, ScheduleError> {
    check_steps(steps)?;
    check("denoise", denoise, (0.0..=1.0).contains(&denoise), "between 0 and 1")?;
    let start = 10usize.saturating_sub((10.0 * denoise) as usize);
    ended((start..10).take(steps).map(|tenth| space.sigma_at((999 - 100 * tenth) as f32)))
}

/// Levels at even quantiles of a beta distribution over the model's table, then 0. Levels that
/// would come twice come once, so there can be fewer than `steps`.
pub fn beta(space: &Space, steps: usize, alpha: f64, beta: f64) -> Result<Vec<f32>, ScheduleError> {
    check_steps(steps)?;
    beta_levels(space, steps, alpha, beta)
}

pub(super) fn beta_levels(
    space: &Space,
    steps: usize,
    alpha: f64,
    beta: f64,
) -> Result<Vec<f32>, ScheduleError> {
    check("alpha", alpha, alpha > 0.0 && alpha <= 1000.0, "greater than 0 and at most 1000")?;
    check("beta", beta, beta > 0.0 && beta <= 1000.0, "greater than 0 and at most 1000")?;
    let table = space.table().as_slice();
    let top = table.len().saturating_sub(1) as f64;
    let mut indices: Vec<usize> = (0..steps)
        .map(|i| 1.0 - i as f64 * (1.0 / steps as f64))
        .map(|quantile| (inverse_beta(quantile, alpha, beta) * top).round_ties_even() as usize)
        .collect();
    indices.dedup();
    ended(indices.into_iter().filter_map(|index| table.get(index)).copied())
}

/// Which model a list of [`align_your_steps`] was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlignYourSteps {
    /// Stable Diffusion 1.
    Sd1,
    /// Stable Diffusion XL.
    Sdxl,
    /// Stable Video Diffusion.
    Svd,
}

/// The measured schedules of Sabour et al. 2024, spread over any number of steps, then 0.
/// `denoise` below 1 keeps the last part.
pub fn align_your_steps(kind: AlignYourSteps, steps: usize, denoise: f64) -> Result<Vec<f32>, ScheduleError> {
    check_steps(steps)?;
    check("denoise", denoise, (0.0..=1.0).contains(&denoise), "between 0 and 1")?;
    let keep = if denoise < 1.0 { (steps as f64 * denoise).round_ties_even() as usize } else { steps };
    if keep == 0 {
        return Ok(Vec::new());
    }
    // The levels of Stable Diffusion's table at the published times (999, 850, 736 ...).
    let levels: [f64; 11] = match kind {
        AlignYourSteps::Sd1 => [
            14.6146412293,
            6.4745760956,
            3.8636745985,
            2.6946151520,
            1.8841921177,
            1.3943805092,
            0.9642583904,
            0.6523686016,
            0.3977456272,
            0.1515232662,
            0.0291671582,
        ],
        AlignYourSteps::Sdxl => [
            14.6146412293,
            6.3184485287,
            3.7681790315,
            2.1811480769,
            1.3405244945,
            0.8620721141,
            0.5550693289,
            0.3798540708,
            0.2332364134,
            0.1114188177,
            0.0291671582,
        ],
        AlignYourSteps::Svd => [700.00, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002],
    };
    let full = if steps + 1 == levels.len() { levels.to_vec() } else { log_interpolated(&levels, steps + 1) };
    let mut out: Vec<f32> = full.into_iter().skip(steps - keep).map(|sigma| sigma as f32).collect();
    if let Some(last) = out.last_mut() {
        *last = 0.0;
    }
    check_finite(out)
}

/// As many levels as asked for, on straight lines between the logarithms of the given ones.
fn log_interpolated(levels: &[f64; 11], len: usize) -> Vec<f64> {
    let span = (levels.len() - 1) as f64;
    (0..len.min(MAX_STEPS + 1))
        .map(|i| {
            let at = i as f64 / (len - 1) as f64 * span;
            let low = (at as usize).min(levels.len() - 2);
            let part = at - low as f64;
            libm::exp(libm::log(levels[low]) * (1.0 - part) + libm::log(levels[low + 1]) * part)
        })
        .collect()
}

/// The levels with the final 0, if all are finite.
fn ended(levels: impl Iterator<Item = f32>) -> Result<Vec<f32>, ScheduleError> {
    check_finite(levels.chain([0.0]).collect())
}

fn check(name: &'static str, value: f64, good: bool, rule: &'static str) -> Result<(), ScheduleError> {
    if good && value.is_finite() { Ok(()) } else { Err(ScheduleError::Setting { name, value, rule }) }
}

fn check_range(min: f32, max: f32) -> Result<(), ScheduleError> {
    check("sigma_min", f64::from(min), min > 0.0, "greater than 0")?;
    check("sigma_max", f64::from(max), max > 0.0, "greater than 0")
}
