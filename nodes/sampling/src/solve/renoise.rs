//! Samplers that take the noise away and add fresh noise of the next level.

use super::{Outcome, s_noise};
use crate::run::Run;
use crate::vector::{add, slope};

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
