//! DPM-Solver++ (Lu et al. 2022): exponential steps on the prediction, with one or two evaluations.

use super::levels::{ancestral, flow_ancestral, level, log_ratio};
use super::{Outcome, eta, s_noise};
use crate::run::Run;
use crate::vector::{add, slope, sum};

/// Two predictions in a line.
pub(super) fn dpmpp_2m<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    let mut last: Option<Vec<f32>> = None;
    for i in 0..run.steps() {
        let denoised = run.denoise(&x, run.sigmas[i])?;
        run.show(i, &x, &denoised)?;
        if run.sigmas[i + 1] == 0.0 {
            x = denoised;
            last = None;
            continue;
        }
        let (t, t_next) = (-libm::log(run.at(i)), -libm::log(run.at(i + 1)));
        let h = t_next - t;
        let (keep, take) = (run.at(i + 1) / run.at(i), -libm::expm1(-h));
        x = match &last {
            None => sum(&[(keep, &x), (take, &denoised)]),
            Some(last) => {
                let r = (t + libm::log(run.at(i - 1))) / h;
                let more = 1.0 / (2.0 * r);
                sum(&[(keep, &x), (take * (1.0 + more), &denoised), (-take * more, last)])
            }
        };
        last = Some(denoised);
    }
    Ok(x)
}

/// Two predictions in a line, CFG++.
pub(super) fn dpmpp_2m_cfg_pp<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    let mut last: Option<Vec<f32>> = None;
    for i in 0..run.steps() {
        let (denoised, uncond) = run.denoise_both(&x, run.sigmas[i])?;
        run.show(i, &x, &denoised)?;
        if run.sigmas[i + 1] == 0.0 {
            x = denoised;
            last = None;
            continue;
        }
        let (t, t_next) = (-libm::log(run.at(i)), -libm::log(run.at(i + 1)));
        let h = t_next - t;
        let keep = libm::exp(-h);
        x = sum(&[(1.0, &denoised), (-keep, &uncond), (keep, &x)]);
        if let Some(last) = &last {
            let r = (t + libm::log(run.at(i - 1))) / h;
            let more = -libm::expm1(-h) / (2.0 * r);
            add(&mut x, more, &denoised);
            add(&mut x, -more, last);
        }
        last = Some(uncond);
    }
    Ok(x)
}

/// Two evaluations a step, then fresh noise.
pub(super) fn dpmpp_2s_ancestral<E>(run: &mut Run<'_, E>, mut x: Vec<f32>, cfg_pp: bool) -> Outcome<E> {
    if run.space.is_flow() && !cfg_pp {
        return flow_2s_ancestral(run, x);
    }
    let (eta, s_noise) = (eta(run, 1.0), s_noise(run));
    let ask = |run: &mut Run<'_, E>, x: &[f32], sigma: f32| {
        if cfg_pp {
            run.denoise_both(x, sigma).map(|(denoised, uncond)| (denoised, Some(uncond)))
        } else {
            run.denoise(x, sigma).map(|denoised| (denoised, None))
        }
    };
    for i in 0..run.steps() {
        let sigma = run.sigmas[i];
        let (denoised, uncond) = ask(run, &x, sigma)?;
        run.show(i, &x, &denoised)?;
        let (from, to) = (run.at(i), run.at(i + 1));
        let (down, up) = ancestral(from, to, eta);
        if down == 0.0 {
            let d = slope(&x, uncond.as_ref().unwrap_or(&denoised), sigma);
            x = sum(&[(1.0, &denoised), (down, &d)]);
        } else {
            let (t, t_next) = (-libm::log(from), -libm::log(down));
            let h = t_next - t;
            let middle = libm::exp(-(t + 0.5 * h));
            // CFG++ moves the latent by how far the guidance reaches, as last seen.
            let guided = |x: &[f32], uncond: &Option<Vec<f32>>| match uncond {
                None => x.to_vec(),
                Some(uncond) => sum(&[(1.0, x), (1.0, &denoised), (-1.0, uncond)]),
            };
            let base = guided(&x, &uncond);
            let half = sum(&[(middle / from, &base), (-libm::expm1(-h * 0.5), &denoised)]);
            let (denoised_2, uncond_2) = ask(run, &half, middle as f32)?;
            let base = guided(&x, &uncond_2);
            x = sum(&[(down / from, &base), (-libm::expm1(-h), &denoised_2)]);
        }
        if to > 0.0 && eta > 0.0 {
            let noise = run.randn(x.len());
            add(&mut x, up * s_noise, &noise);
        }
    }
    Ok(x)
}

/// The same on a straight path.
fn flow_2s_ancestral<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    let (eta, s_noise) = (eta(run, 1.0), s_noise(run));
    for i in 0..run.steps() {
        let denoised = run.denoise(&x, run.sigmas[i])?;
        run.show(i, &x, &denoised)?;
        let (from, to) = (run.at(i), run.at(i + 1));
        if to == 0.0 {
            x = denoised;
            continue;
        }
        let step = flow_ancestral(from, to, eta);
        // Pure noise has no logarithm: the second look is just below it.
        let middle = if from >= 1.0 {
            0.9999
        } else {
            let (t, t_next) = (log_ratio(run.space, from), log_ratio(run.space, step.down));
            level(run.space, t + 0.5 * (t_next - t))
        };
        let part = middle / from;
        let half = sum(&[(part, &x), (1.0 - part, &denoised)]);
        let denoised_2 = run.denoise(&half, middle as f32)?;
        let part = step.down / from;
        x = sum(&[(part, &x), (1.0 - part, &denoised_2)]);
        if eta > 0.0 {
            let noise = run.randn(x.len());
            x = sum(&[(step.fade, &x), (step.noise * s_noise, &noise)]);
        }
    }
    Ok(x)
}
