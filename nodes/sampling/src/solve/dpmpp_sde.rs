//! DPM-Solver++ as a stochastic equation: the same exponential steps, with noise from a Brownian path.

use super::levels::{ancestral, finite_levels, level_between, log_ratio, signal};
use super::{Outcome, eta, s_noise};
use crate::run::Run;
use crate::sampler::Solver;
use crate::vector::{add, sum};

/// Two evaluations a step.
pub(super) fn dpmpp_sde<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    let (eta, s_noise) = (eta(run, 1.0), s_noise(run));
    let r = run.options.r.map_or(0.5, f64::from);
    let levels = finite_levels(run);
    for i in 0..run.steps() {
        let (from, to) = (levels[i], levels[i + 1]);
        let denoised = run.denoise(&x, from as f32)?;
        run.show(i, &x, &denoised)?;
        if to == 0.0 {
            x = denoised;
            continue;
        }
        let (t, t_next) = (log_ratio(run.space, from), log_ratio(run.space, to));
        let middle = level_between(run.space, from, to, r);
        let t_middle = t + r * (t_next - t);
        let before = signal(run.space, from);

        let half = noisy_step(run, &x, &denoised, (t, t_middle), (from, middle), before, eta, s_noise);
        let denoised_2 = run.denoise(&half, middle as f32)?;
        let share = 1.0 / (2.0 * r);
        let mean = sum(&[(1.0 - share, &denoised), (share, &denoised_2)]);
        x = noisy_step(run, &x, &mean, (t, t_next), (from, to), before, eta, s_noise);
    }
    Ok(x)
}

/// A step down towards a prediction with its noise, between two times and their levels.
#[allow(clippy::too_many_arguments, reason = "the numbers of one formula")]
fn noisy_step<E>(
    run: &mut Run<'_, E>,
    x: &[f32],
    denoised: &[f32],
    (t, t_next): (f64, f64),
    (from, to): (f64, f64),
    before: f64,
    eta: f64,
    s_noise: f64,
) -> Vec<f32> {
    let (down, up) = ancestral(libm::exp(-t), libm::exp(-t_next), eta);
    let h = -libm::log(down) - t;
    let after = signal(run.space, to);
    let mut out = sum(&[(after / before * libm::exp(-h), x), (-after * libm::expm1(-h), denoised)]);
    if eta > 0.0 && s_noise > 0.0 {
        let noise = run.brownian(from as f32, to as f32, x.len());
        add(&mut out, after * up * s_noise, &noise);
    }
    out
}

/// Two predictions in a line.
pub(super) fn dpmpp_2m_sde<E>(run: &mut Run<'_, E>, mut x: Vec<f32>, solver: Solver) -> Outcome<E> {
    let (eta, s_noise) = (eta(run, 1.0), s_noise(run));
    let levels = finite_levels(run);
    // The last prediction and the length of its step.
    let mut last: Option<(Vec<f32>, f64)> = None;
    for i in 0..run.steps() {
        let (from, to) = (levels[i], levels[i + 1]);
        let denoised = run.denoise(&x, from as f32)?;
        run.show(i, &x, &denoised)?;
        if to == 0.0 {
            x = denoised;
            last = None;
            continue;
        }
        let h = log_ratio(run.space, to) - log_ratio(run.space, from);
        let h_eta = h * (eta + 1.0);
        let after = signal(run.space, to);
        let take = -libm::expm1(-h_eta);
        x = sum(&[(to / from * libm::exp(-h * eta), &x), (after * take, &denoised)]);
        if let Some((old, h_last)) = &last {
            let more = h / h_last
                * after
                * match solver {
                    Solver::Heun => take / -h_eta + 1.0,
                    Solver::Midpoint => 0.5 * take,
                };
            add(&mut x, more, &denoised);
            add(&mut x, -more, old);
        }
        if eta > 0.0 && s_noise > 0.0 {
            let noise = run.brownian(from as f32, to as f32, x.len());
            add(&mut x, to * (-libm::expm1(-2.0 * h * eta)).sqrt() * s_noise, &noise);
        }
        last = Some((denoised, h));
    }
    Ok(x)
}

/// Three predictions in a parabola.
pub(super) fn dpmpp_3m_sde<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    let (eta, s_noise) = (eta(run, 1.0), s_noise(run));
    let levels = finite_levels(run);
    // The last predictions and the lengths of their steps, newest first.
    let mut last: Vec<(Vec<f32>, f64)> = Vec::new();
    for i in 0..run.steps() {
        let (from, to) = (levels[i], levels[i + 1]);
        let denoised = run.denoise(&x, from as f32)?;
        run.show(i, &x, &denoised)?;
        if to == 0.0 {
            x = denoised;
            last.clear();
            continue;
        }
        let h = log_ratio(run.space, to) - log_ratio(run.space, from);
        let h_eta = h * (eta + 1.0);
        let after = signal(run.space, to);
        let expm1 = libm::expm1(-h_eta);
        x = sum(&[(to / from * libm::exp(-h * eta), &x), (-after * expm1, &denoised)]);
        let phi_2 = expm1 / h_eta + 1.0;
        match last.as_slice() {
            [(old, h_1), (older, h_2), ..] => {
                let (r0, r1) = (h_1 / h, h_2 / h);
                // The first differences as factors of the three predictions.
                let near = [1.0 / r0, -1.0 / r0, 0.0];
                let far = [0.0, 1.0 / r1, -1.0 / r1];
                let phi_3 = phi_2 / h_eta - 0.5;
                let factor = |k: usize| {
                    let bend = (near[k] - far[k]) / (r0 + r1);
                    let d1 = near[k] + bend * r0;
                    after * (phi_2 * d1 - phi_3 * bend)
                };
                add(&mut x, factor(0), &denoised);
                add(&mut x, factor(1), old);
                add(&mut x, factor(2), older);
            }
            [(old, h_1)] => {
                let more = after * phi_2 * h / h_1;
                add(&mut x, more, &denoised);
                add(&mut x, -more, old);
            }
            [] => {}
        }
        if eta > 0.0 && s_noise > 0.0 {
            let noise = run.brownian(from as f32, to as f32, x.len());
            add(&mut x, to * (-libm::expm1(-2.0 * h * eta)).sqrt() * s_noise, &noise);
        }
        last.insert(0, (denoised, h));
        last.truncate(2);
    }
    Ok(x)
}
