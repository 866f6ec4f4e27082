//! DPM-Solver (Lu et al. 2022): a fixed number of evaluations, or steps chosen by their error.

use super::{Outcome, eta, levels::ancestral, s_noise};
use crate::run::{Run, SampleError};
use crate::vector::{add, slope, sum};

/// The most evaluations `dpm_adaptive` may take.
const MAX_EVALUATIONS: usize = 30_000;

/// Noise over the level: what this family computes with.
type Eps = Vec<f32>;

fn sigma(t: f64) -> f64 {
    libm::exp(-t)
}

/// The times (minus the logarithm of the level) of the first and the last level above 0.
fn span<E>(run: &Run<'_, E>) -> (f64, f64) {
    let last = run.steps();
    let end = if run.at(last) == 0.0 { run.at(last - 1) } else { run.at(last) };
    (-libm::log(run.at(0)), -libm::log(end))
}

fn eps<E>(run: &mut Run<'_, E>, x: &[f32], t: f64) -> Result<(Eps, Vec<f32>), SampleError<E>> {
    let level = sigma(t) as f32;
    let denoised = run.denoise(x, level)?;
    Ok((slope(x, &denoised, level), denoised))
}

/// `x` along a slope and its change. In the order the reference rounds in: the adaptive sampler
/// looks at differences so small that it sees the rounding.
fn along(x: &[f32], whole: f64, e: &[f32], change: f64, e1: &[f32]) -> Vec<f32> {
    let (whole, change) = (whole as f32, change as f32);
    x.iter().zip(e).zip(e1).map(|((x, e), e1)| x - whole * e - change * (e1 - e)).collect()
}

fn first_order(x: &[f32], t: f64, next: f64, e: &[f32]) -> Vec<f32> {
    sum(&[(1.0, x), (-sigma(next) * libm::expm1(next - t), e)])
}

/// The second-order step, and the slope it found on its way.
fn second_order<E>(
    run: &mut Run<'_, E>,
    x: &[f32],
    (t, next): (f64, f64),
    r1: f64,
    e: &[f32],
) -> Result<(Vec<f32>, Eps), SampleError<E>> {
    let h = next - t;
    let s1 = t + r1 * h;
    let (e1, _) = eps(run, &first_order(x, t, s1, e), s1)?;
    let whole = sigma(next) * libm::expm1(h);
    let change = whole / (2.0 * r1);
    Ok((along(x, whole, e, change, &e1), e1))
}

/// The third-order step, from a slope a third of the way if there is one.
fn third_order<E>(
    run: &mut Run<'_, E>,
    x: &[f32],
    (t, next): (f64, f64),
    e: &[f32],
    e1: Option<Eps>,
) -> Outcome<E> {
    let (r1, r2) = (1.0 / 3.0, 2.0 / 3.0);
    let h = next - t;
    let e1 = match e1 {
        Some(e1) => e1,
        None => eps(run, &first_order(x, t, t + r1 * h, e), t + r1 * h)?.0,
    };
    let s2 = t + r2 * h;
    let whole = sigma(s2) * libm::expm1(r2 * h);
    let change = sigma(s2) * (r2 / r1) * (libm::expm1(r2 * h) / (r2 * h) - 1.0);
    let u2 = along(x, whole, e, change, &e1);
    let (e2, _) = eps(run, &u2, s2)?;
    let whole = sigma(next) * libm::expm1(h);
    let change = sigma(next) / r2 * (libm::expm1(h) / h - 1.0);
    Ok(along(x, whole, e, change, &e2))
}

/// Where a step with fresh noise goes down to, and how much noise follows.
fn with_noise(t: f64, next: f64, end: f64, eta: f64) -> (f64, f64) {
    if eta == 0.0 {
        return (next, 0.0);
    }
    let (down, _) = ancestral(sigma(t), sigma(next), eta);
    let lower = end.min(-libm::log(down));
    let up = sigma(next) * sigma(next) - sigma(lower) * sigma(lower);
    (lower, up.max(0.0).sqrt())
}

/// Third-order steps, and a last one or two of lower order so that the evaluations add up.
pub(super) fn dpm_fast<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    let (eta, s_noise) = (eta(run, 0.0), s_noise(run));
    let evaluations = run.steps();
    let (start, end) = span(run);
    let count = evaluations / 3 + 1;
    let mut orders = vec![3; count - 1];
    if evaluations.is_multiple_of(3) {
        orders.pop();
        orders.extend([2, 1]);
    } else {
        orders.push(evaluations % 3);
    }
    let time = |i: usize| start + (end - start) * i as f64 / count as f64;
    for (i, &order) in orders.iter().enumerate() {
        let (t, next) = (time(i), time(i + 1));
        let (lower, up) = with_noise(t, next, end, eta);
        let (e, denoised) = eps(run, &x, t)?;
        run.show(i, &x, &denoised)?;
        x = match order {
            1 => first_order(&x, t, lower, &e),
            2 => second_order(run, &x, (t, lower), 0.5, &e)?.0,
            _ => third_order(run, &x, (t, lower), &e, None)?,
        };
        if eta > 0.0 {
            let noise = run.randn(x.len());
            add(&mut x, up * s_noise, &noise);
        }
    }
    Ok(x)
}

/// Steps of a length chosen by comparing two orders.
pub(super) fn dpm_adaptive<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    let (eta, s_noise) = (eta(run, 0.0), s_noise(run));
    let order = run.options.order.unwrap_or(3).clamp(2, 3);
    let rtol = run.options.rtol.unwrap_or(0.05);
    let atol = run.options.atol.unwrap_or(0.0078);
    let (start, end) = span(run);
    let (mut t, mut h) = (start, 0.05f64);
    let mut last_low = x.clone();
    let (mut steps, mut evaluations) = (0, 0);
    let power = if eta > 0.0 { 1.5 } else { order as f64 };
    while t < end - 1e-5 {
        if evaluations > MAX_EVALUATIONS {
            return Err(SampleError::NoProgress(evaluations));
        }
        let next = end.min(t + h);
        let (lower, up) = with_noise(t, next, end, eta);
        let (e, denoised) = eps(run, &x, t)?;
        run.show(steps, &x, &denoised)?;
        let (low, high) = if order == 2 {
            (first_order(&x, t, lower, &e), second_order(run, &x, (t, lower), 0.5, &e)?.0)
        } else {
            let (low, e1) = second_order(run, &x, (t, lower), 1.0 / 3.0, &e)?;
            let high = third_order(run, &x, (t, lower), &e, Some(e1))?;
            (low, high)
        };
        let mut squares = 0.0f64;
        for ((low, high), last) in low.iter().zip(&high).zip(&last_low) {
            let allowed = atol.max(rtol * low.abs().max(last.abs()));
            let part = f64::from((low - high) / allowed);
            squares += part * part;
        }
        let error = (squares / x.len() as f64).sqrt();
        // An integral controller: the next step is as long as this error allows, within limits.
        let factor = libm::pow(1.0 / (error + 1e-8), 1.0 / power);
        let factor = 1.0 + libm::atan(factor - 1.0);
        if factor >= 0.81 {
            last_low = low;
            x = high;
            if eta > 0.0 {
                let noise = run.randn(x.len());
                add(&mut x, up * s_noise, &noise);
            }
            t = next;
        }
        // A step that is not a number has no next one.
        if factor.is_nan() {
            return Err(SampleError::NoProgress(evaluations));
        }
        h *= factor;
        steps += 1;
        evaluations += order;
    }
    Ok(x)
}
