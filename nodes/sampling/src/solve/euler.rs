//! Euler's method and its relatives.

use super::Outcome;
use crate::run::Run;
use crate::vector::slope;

/// One straight step per level, with optional extra noise before each.
pub(super) fn euler<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    for i in 0..run.steps() {
        let (sigma, next) = (run.sigmas[i], run.sigmas[i + 1]);
        let denoised = run.denoise(&x, sigma)?;
        run.show(i, &x, &denoised)?;
        let d = slope(&x, &denoised, sigma);
        let dt = next - sigma;
        x.iter_mut().zip(&d).for_each(|(x, d)| *x += d * dt);
    }
    Ok(x)
}
