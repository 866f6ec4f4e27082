//! Samplers that look at the slope again before they step: Heun's method and DPM-2.

use super::levels::{ancestral, flow_ancestral};
use super::{Outcome, churn, eta, s_noise};
use crate::run::Run;
use crate::vector::{add, slope, sum};

/// The mean of the slopes at both ends.
pub(super) fn heun<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    let mut extra = churn::Churn::new(run, x.len());
    for i in 0..run.steps() {
        let sigma = extra.raise(run, i, &mut x);
        let next = run.sigmas[i + 1];
        let denoised = run.denoise(&x, sigma)?;
        run.show(i, &x, &denoised)?;
        let d = slope(&x, &denoised, sigma);
        let dt = f64::from(next - sigma);
        if next == 0.0 {
            add(&mut x, dt, &d);
        } else {
            let far = sum(&[(1.0, &x), (dt, &d)]);
            let d_2 = slope(&far, &run.denoise(&far, next)?, next);
            let mean = sum(&[(0.5, &d), (0.5, &d_2)]);
            add(&mut x, dt, &mean);
        }
    }
    Ok(x)
}

/// Heun with a slope from two levels ahead, weighted by the levels.
pub(super) fn heunpp2<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    let mut extra = churn::Churn::new(run, x.len());
    let (first, end) = (run.at(0), run.sigmas[run.steps()]);
    for i in 0..run.steps() {
        let sigma = extra.raise(run, i, &mut x);
        let next = run.sigmas[i + 1];
        let denoised = run.denoise(&x, sigma)?;
        run.show(i, &x, &denoised)?;
        let d = slope(&x, &denoised, sigma);
        let dt = f64::from(next - sigma);
        let after = run.sigmas.get(i + 2).copied();
        let Some(after) = after.filter(|_| next > end) else {
            add(&mut x, dt, &d);
            continue;
        };
        let far = sum(&[(1.0, &x), (dt, &d)]);
        let d_2 = slope(&far, &run.denoise(&far, next)?, next);
        let slopes = if after > end {
            let farther = sum(&[(1.0, &far), (f64::from(after - next), &d_2)]);
            let d_3 = slope(&farther, &run.denoise(&farther, after)?, after);
            let whole = 3.0 * first;
            let (w_2, w_3) = (f64::from(next) / whole, f64::from(after) / whole);
            sum(&[(1.0 - w_2 - w_3, &d), (w_2, &d_2), (w_3, &d_3)])
        } else {
            let w_2 = f64::from(next) / (2.0 * first);
            sum(&[(1.0 - w_2, &d), (w_2, &d_2)])
        };
        add(&mut x, dt, &slopes);
    }
    Ok(x)
}

/// The slope in the middle (of the logarithm).
pub(super) fn dpm_2<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    let mut extra = churn::Churn::new(run, x.len());
    for i in 0..run.steps() {
        let sigma = extra.raise(run, i, &mut x);
        let denoised = run.denoise(&x, sigma)?;
        run.show(i, &x, &denoised)?;
        let d = slope(&x, &denoised, sigma);
        middle_step(run, &mut x, &d, sigma, run.at(i + 1))?;
    }
    Ok(x)
}

/// The slope in the middle of a longer step down, then fresh noise.
pub(super) fn dpm_2_ancestral<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    let (eta, s_noise) = (eta(run, 1.0), s_noise(run));
    for i in 0..run.steps() {
        let sigma = run.sigmas[i];
        let denoised = run.denoise(&x, sigma)?;
        run.show(i, &x, &denoised)?;
        let d = slope(&x, &denoised, sigma);
        let next = run.at(i + 1);
        let (down, fade, spread) = if run.space.is_flow() {
            let step = flow_ancestral(run.at(i), next, eta);
            (step.down, step.fade, step.noise)
        } else {
            let (down, up) = ancestral(run.at(i), next, eta);
            (down, 1.0, up)
        };
        middle_step(run, &mut x, &d, sigma, down)?;
        if next > 0.0 && down > 0.0 {
            let noise = run.randn(x.len());
            x = sum(&[(fade, &x), (spread * s_noise, &noise)]);
        }
    }
    Ok(x)
}

/// A step down to `to` along the slope in the middle, or along `d` when `to` is 0.
fn middle_step<E>(
    run: &mut Run<'_, E>,
    x: &mut [f32],
    d: &[f32],
    sigma: f32,
    to: f64,
) -> Result<(), crate::run::SampleError<E>> {
    let from = f64::from(sigma);
    if to == 0.0 {
        add(x, to - from, d);
        return Ok(());
    }
    let middle = libm::exp(0.5 * (libm::log(from) + libm::log(to)));
    let half = sum(&[(1.0, x), (middle - from, d)]);
    let d_2 = slope(&half, &run.denoise(&half, middle as f32)?, middle as f32);
    add(x, to - from, &d_2);
    Ok(())
}
