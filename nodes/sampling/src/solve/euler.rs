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

/// To the prediction and up again by fresh noise.
pub(super) fn lcm<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    let s_noise = s_noise(run) as f32;
    for i in 0..run.steps() {
        let denoised = run.denoise(&x, run.sigmas[i])?;
        run.show(i, &x, &denoised)?;
        x = denoised;
        let next = run.sigmas[i + 1];
        if next > 0.0 {
            let mut noise = run.randn(x.len());
            noise.iter_mut().for_each(|value| *value *= s_noise);
            x = run.space.noise_scaling(next, &noise, &x, false);
        }
    }
    Ok(x)
}

/// The posterior step of Ho et al. 2020, in variance-preserving coordinates.
pub(super) fn ddpm<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    for i in 0..run.steps() {
        let denoised = run.denoise(&x, run.sigmas[i])?;
        run.show(i, &x, &denoised)?;
        // In single precision, as the reference does it: at low levels its rounding shows.
        let (sigma, next) = (run.sigmas[i], run.sigmas[i + 1]);
        let kept = 1.0 / (sigma * sigma + 1.0);
        let kept_next = 1.0 / (next * next + 1.0);
        let alpha = kept / kept_next;
        let d = slope(&x, &denoised, sigma);
        let scale = (1.0 / alpha).sqrt();
        let enter = (1.0 + sigma * sigma).sqrt();
        let towards = (1.0 - alpha) / (1.0 - kept).sqrt();
        x.iter_mut().zip(&d).for_each(|(x, d)| *x = scale * (*x / enter - towards * d));
        if next > 0.0 {
            let spread = ((1.0 - alpha) * (1.0 - kept_next) / (1.0 - kept)).sqrt();
            let noise = run.randn(x.len());
            add(&mut x, f64::from(spread), &noise);
            let back = (1.0 + next * next).sqrt();
            x.iter_mut().for_each(|value| *value *= back);
        }
    }
    Ok(x)
}

/// The exponential multistep of second order, with optional fresh noise.
pub(super) fn res_multistep<E>(run: &mut Run<'_, E>, mut x: Vec<f32>, eta: f64, cfg_pp: bool) -> Outcome<E> {
    let s_noise = s_noise(run);
    // The last prediction, and the level the step from it went down to.
    let mut last: Option<(Vec<f32>, f64)> = None;
    for i in 0..run.steps() {
        let sigma = run.sigmas[i];
        let (denoised, towards) = if cfg_pp {
            run.denoise_both(&x, sigma)?
        } else {
            let denoised = run.denoise(&x, sigma)?;
            (denoised.clone(), denoised)
        };
        run.show(i, &x, &denoised)?;
        let (sigma, next) = (run.at(i), run.at(i + 1));
        let (down, up) = ancestral(sigma, next, eta);
        match &last {
            Some((old, old_down)) if down > 0.0 => {
                let (t, t_next) = (-libm::log(sigma), -libm::log(down));
                let (t_old, t_before) = (-libm::log(*old_down), -libm::log(run.at(i - 1)));
                let h = t_next - t;
                let c2 = (t_before - t_old) / h;
                let phi1 = libm::expm1(-h) / -h;
                let phi2 = (phi1 - 1.0) / -h;
                let (b1, b2) = (phi1 - phi2 / c2, phi2 / c2);
                let keep = libm::exp(-h);
                if cfg_pp {
                    add(&mut x, 1.0, &denoised);
                    add(&mut x, -1.0, &towards);
                }
                x = sum(&[(keep, &x), (h * b1, &towards), (h * b2, old)]);
            }
            _ if cfg_pp => {
                let d = slope(&x, &towards, run.sigmas[i]);
                x = sum(&[(1.0, &denoised), (down, &d)]);
            }
            _ => {
                let d = slope(&x, &denoised, run.sigmas[i]);
                add(&mut x, down - sigma, &d);
            }
        }
        if next > 0.0 && eta > 0.0 {
            let noise = run.randn(x.len());
            add(&mut x, up * s_noise, &noise);
        }
        last = Some((towards, down));
    }
    Ok(x)
}
