//! The extended reverse-time stochastic equation (Cui et al. 2023), up to third order.

use super::levels::{finite_levels, signal};
use super::{Outcome, s_noise};
use crate::run::Run;
use crate::vector::{add, sum};

/// How many points the integrals are summed over.
const POINTS: usize = 200;

/// How noise is scaled along the way.
fn scaler(lambda: f64) -> f64 {
    lambda * (libm::exp(libm::pow(lambda, 0.3)) + 10.0)
}

/// Up to three predictions; the noise of each step is what the scaling leaves.
pub(super) fn er_sde<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    let s_noise = s_noise(run);
    let most = run.options.order.unwrap_or(3).clamp(1, 3);
    let levels = finite_levels(run);
    // Noise over signal at each level.
    let lambdas: Vec<f64> = levels.iter().map(|&sigma| sigma / signal(run.space, sigma)).collect();
    let mut last: Option<Vec<f32>> = None;
    let mut last_change: Option<Vec<f32>> = None;
    for i in 0..run.steps() {
        let denoised = run.denoise(&x, levels[i] as f32)?;
        run.show(i, &x, &denoised)?;
        if levels[i + 1] == 0.0 {
            x = denoised;
            continue;
        }
        let (from, to) = (lambdas[i], lambdas[i + 1]);
        let after = signal(run.space, levels[i + 1]);
        let fade = after / signal(run.space, levels[i]);
        let r = scaler(to) / scaler(from);
        x = sum(&[(fade * r, &x), (after * (1.0 - r), &denoised)]);
        if let Some(old) = last.as_ref().filter(|_| most > 1) {
            let dt = to - from;
            let step = -dt / POINTS as f64;
            let points = || (0..POINTS).map(|k| to + step * k as f64);
            let area: f64 = points().map(|p| 1.0 / scaler(p)).sum::<f64>() * step;
            let width = 1.0 / (from - lambdas[i - 1]);
            let change = sum(&[(width, &denoised), (-width, old)]);
            add(&mut x, after * (dt + area * scaler(to)), &change);
            if let Some(old_change) = last_change.as_ref().filter(|_| most > 2) {
                let area: f64 = points().map(|p| (p - from) / scaler(p)).sum::<f64>() * step;
                let width = 2.0 / (from - lambdas[i - 2]);
                let factor = after * (dt * dt / 2.0 + area * scaler(to)) * width;
                add(&mut x, factor, &change);
                add(&mut x, -factor, old_change);
            }
            last_change = Some(change);
        }
        if s_noise > 0.0 {
            let spread = (to * to - from * from * r * r).max(0.0).sqrt();
            let noise = run.randn(x.len());
            add(&mut x, after * spread * s_noise, &noise);
        }
        last = Some(denoised);
    }
    Ok(x)
}
