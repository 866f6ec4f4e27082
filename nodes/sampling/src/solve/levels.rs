//! What the samplers compute from noise levels alone: logarithms of the signal-to-noise ratio and
//! how a step divides into a longer way down and fresh noise.

use crate::round;
use crate::run::Run;
use crate::space::Space;

/// The logarithm of signal over noise at a level: what exponential solvers take as time.
pub(super) fn log_ratio(space: &Space, sigma: f64) -> f64 {
    if space.is_flow() { libm::log((1.0 - sigma) / sigma) } else { -libm::log(sigma) }
}

/// The level of a logarithm of signal over noise.
pub(super) fn level(space: &Space, log_ratio: f64) -> f64 {
    if space.is_flow() { 1.0 / (libm::exp(log_ratio) + 1.0) } else { libm::exp(-log_ratio) }
}

/// A level part of the way (in time) between two, in single precision: a Brownian path tells apart
/// levels that differ in the sixth digit, so the reference's rounding matters where noise is drawn.
pub(super) fn level_between(space: &Space, from: f64, to: f64, part: f64) -> f64 {
    let time = |sigma: f64| {
        let sigma = sigma as f32;
        if space.is_flow() { -round::ln(sigma / (1.0 - sigma)) } else { -round::ln(sigma) }
    };
    let (start, end) = (time(from), time(to));
    let at = start + part as f32 * (end - start);
    f64::from(if space.is_flow() { 1.0 / (1.0 + round::exp(at)) } else { round::exp(-at) })
}

/// How much of the picture is in the latent at a level.
pub(super) fn signal(space: &Space, sigma: f64) -> f64 {
    if space.is_flow() { 1.0 - sigma } else { 1.0 }
}

/// The schedule in double precision. A flow that starts at pure noise has no logarithm there, so
/// solvers that need one start a ten-thousandth below.
pub(super) fn finite_levels<E>(run: &Run<'_, E>) -> Vec<f64> {
    let mut levels: Vec<f64> = run.sigmas.iter().map(|&s| f64::from(s)).collect();
    if run.space.is_flow()
        && let Some(first) = levels.first_mut()
        && *first >= 1.0
    {
        *first = f64::from(run.space.percent_to_sigma(1e-4));
    }
    levels
}

/// An ancestral step: the level to go down to, and how much noise leads from there to the next one.
pub(super) fn ancestral(from: f64, to: f64, eta: f64) -> (f64, f64) {
    if eta == 0.0 {
        return (to, 0.0);
    }
    let up = (eta * (to * to * (from * from - to * to) / (from * from)).sqrt()).min(to);
    ((to * to - up * up).sqrt(), up)
}

/// An ancestral step of a straight path.
pub(super) struct FlowStep {
    /// The level to go down to.
    pub down: f64,
    /// What the latent is multiplied by before the noise comes.
    pub fade: f64,
    /// How much noise comes.
    pub noise: f64,
}

/// How a step of a straight path divides.
pub(super) fn flow_ancestral(from: f64, to: f64, eta: f64) -> FlowStep {
    let down = to * (1.0 + (to / from - 1.0) * eta);
    let fade = (1.0 - to) / (1.0 - down);
    let noise = (to * to - down * down * fade * fade).max(0.0).sqrt();
    FlowStep { down, fade, noise }
}
