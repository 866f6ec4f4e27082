//! Euler's method and its relatives: one evaluation and one straight step per level.

use super::levels::{ancestral, flow_ancestral, signal};
use super::{Outcome, churn, eta, s_noise};
use crate::run::Run;
use crate::vector::{add, slope, sum};

/// One straight step per level, with optional extra noise before each.
pub(super) fn euler<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    let mut extra = churn::Churn::new(run, x.len());
    for i in 0..run.steps() {
        let sigma = extra.raise(run, i, &mut x);
        let denoised = run.denoise(&x, sigma)?;
        run.show(i, &x, &denoised)?;
        let d = slope(&x, &denoised, sigma);
        add(&mut x, f64::from(run.sigmas[i + 1] - sigma), &d);
    }
    Ok(x)
}

/// A longer step down, then fresh noise.
pub(super) fn euler_ancestral<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    let (eta, s_noise) = (eta(run, 1.0), s_noise(run));
    for i in 0..run.steps() {
        let denoised = run.denoise(&x, run.sigmas[i])?;
        run.show(i, &x, &denoised)?;
        let (sigma, next) = (run.at(i), run.at(i + 1));
        if next == 0.0 {
            x = denoised;
        } else if run.space.is_flow() {
            let step = flow_ancestral(sigma, next, eta);
            let part = step.down / sigma;
            x = sum(&[(part, &x), (1.0 - part, &denoised)]);
            if eta > 0.0 {
                let noise = run.randn(x.len());
                x = sum(&[(step.fade, &x), (step.noise * s_noise, &noise)]);
            }
        } else {
            let (down, up) = ancestral(sigma, next, eta);
            if down == 0.0 {
                x = denoised;
            } else {
                let d = slope(&x, &denoised, run.sigmas[i]);
                add(&mut x, down - sigma, &d);
                let noise = run.randn(x.len());
                add(&mut x, up * s_noise, &noise);
            }
        }
    }
    Ok(x)
}

/// CFG++: to the guided prediction, and away from it along the negative prompt's direction.
/// `eta` 0 adds no noise.
pub(super) fn euler_cfg_pp<E>(run: &mut Run<'_, E>, mut x: Vec<f32>, eta: f64) -> Outcome<E> {
    let s_noise = s_noise(run);
    for i in 0..run.steps() {
        let (sigma, next) = (run.at(i), run.at(i + 1));
        let (denoised, uncond) = run.denoise_both(&x, run.sigmas[i])?;
        run.show(i, &x, &denoised)?;
        if next == 0.0 {
            x = denoised;
            continue;
        }
        let (before, after) = (signal(run.space, sigma), signal(run.space, next));
        let (down, up) = ancestral(sigma / before, next / after, eta);
        let part = after * down / sigma;
        x = sum(&[(after, &denoised), (part, &x), (-part * before, &uncond)]);
        if eta > 0.0 {
            let noise = run.randn(x.len());
            add(&mut x, after * up * s_noise, &noise);
        }
    }
    Ok(x)
}

/// Euler with the slope moved on by how much it changed since the last step.
pub(super) fn gradient_estimation<E>(run: &mut Run<'_, E>, mut x: Vec<f32>, cfg_pp: bool) -> Outcome<E> {
    let gamma = run.options.gamma.map_or(2.0, f64::from);
    let mut last: Option<Vec<f32>> = None;
    for i in 0..run.steps() {
        let sigma = run.sigmas[i];
        let (denoised, towards) = if cfg_pp {
            let (denoised, uncond) = run.denoise_both(&x, sigma)?;
            (denoised, Some(uncond))
        } else {
            (run.denoise(&x, sigma)?, None)
        };
        run.show(i, &x, &denoised)?;
        let d = slope(&x, towards.as_ref().unwrap_or(&denoised), sigma);
        let next = run.at(i + 1);
        let step = next - run.at(i);
        if next == 0.0 {
            x = denoised;
        } else {
            x = if cfg_pp { sum(&[(1.0, &denoised), (next, &d)]) } else { sum(&[(1.0, &x), (step, &d)]) };
            if let Some(last) = &last {
                add(&mut x, (gamma - 1.0) * step, &d);
                add(&mut x, (1.0 - gamma) * step, last);
            }
        }
        last = Some(d);
    }
    Ok(x)
}
