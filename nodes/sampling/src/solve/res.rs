//! The refined exponential solver (Zhang et al. 2023): two predictions, with optional fresh noise.

use super::levels::ancestral;
use super::{Outcome, s_noise};
use crate::run::Run;
use crate::vector::{add, slope, sum};

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
