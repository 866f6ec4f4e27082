//! SEEDS (Gonzalez et al. 2023): stochastic exponential solvers with two or three evaluations a
//! step. Without noise the one with two evaluations is Heun's method in exponential form.

use super::levels::{finite_levels, level, log_ratio, signal};
use super::{Outcome, s_noise};
use crate::run::Run;
use crate::vector::{add, sum};

/// `(e^z - 1) / z`.
fn phi_1(z: f64) -> f64 {
    libm::expm1(z) / z
}

/// `(phi_1(z) - 1) / z`.
fn phi_2(z: f64) -> f64 {
    (phi_1(z) - 1.0) / z
}

/// How much a stretch of the path fades noise, and how much new noise it adds.
fn spread(h: f64, eta: f64) -> (f64, f64) {
    (libm::exp(-h * eta), (-libm::expm1(-2.0 * h * eta)).max(0.0).sqrt())
}

/// The settings of a solver with two evaluations.
pub(super) struct Two {
    /// How much fresh noise.
    pub eta: f64,
    /// Where the second evaluation lies.
    pub r: f64,
    /// Whether the weights of the two predictions satisfy the second-order condition exactly.
    pub exact: bool,
}

/// Two evaluations a step.
pub(super) fn seeds_2<E>(run: &mut Run<'_, E>, mut x: Vec<f32>, Two { eta, r, exact }: Two) -> Outcome<E> {
    let s_noise = s_noise(run);
    let noisy = eta > 0.0 && s_noise > 0.0;
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
        let h = t_next - t;
        let h_eta = h * (eta + 1.0);
        let middle = if r < 1.0 { level(run.space, t + r * h) } else { to };
        let (at_middle, at_end) = (signal(run.space, middle), signal(run.space, to));
        let (fade_1, new_1) = spread(r * h, eta);
        let (fade_2, new_2) = spread((1.0 - r) * h, eta);

        let mut half =
            sum(&[(middle / from * fade_1, &x), (-at_middle * libm::expm1(-r * h_eta), &denoised)]);
        let noise = if noisy { run.randn(x.len()) } else { Vec::new() };
        if noisy {
            add(&mut half, middle * new_1 * s_noise, &noise);
        }
        let denoised_2 = run.denoise(&half, middle as f32)?;
        let (b1, b2) = if exact {
            let b2 = phi_2(-h_eta) / r;
            (phi_1(-h_eta) - b2, b2)
        } else {
            let b2 = phi_1(-h_eta) / (2.0 * r);
            (phi_1(-h_eta) - b2, b2)
        };
        x = sum(&[
            (to / from * libm::exp(-h * eta), &x),
            (at_end * h_eta * b1, &denoised),
            (at_end * h_eta * b2, &denoised_2),
        ]);
        if noisy {
            add(&mut x, to * fade_2 * new_1 * s_noise, &noise);
            let noise = run.randn(x.len());
            add(&mut x, to * new_2 * s_noise, &noise);
        }
    }
    Ok(x)
}

/// Three evaluations a step.
pub(super) fn seeds_3<E>(run: &mut Run<'_, E>, mut x: Vec<f32>) -> Outcome<E> {
    let (eta, s_noise) = (super::eta(run, 1.0), s_noise(run));
    let r1 = run.options.r.map_or(1.0 / 3.0, f64::from);
    let r2 = run.options.r_2.map_or(2.0 / 3.0, f64::from);
    let noisy = eta > 0.0 && s_noise > 0.0;
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
        let h = t_next - t;
        let h_eta = h * (eta + 1.0);
        let (s1, s2) = (level(run.space, t + r1 * h), level(run.space, t + r2 * h));
        let (a1, a2, a3) = (signal(run.space, s1), signal(run.space, s2), signal(run.space, to));
        let (_, new_1) = spread(r1 * h, eta);
        let (fade_2, new_2) = spread((r2 - r1) * h, eta);
        let (fade_3, new_3) = spread((1.0 - r2) * h, eta);
        // The noise of the way so far, over the level it was made for.
        let mut noise = vec![0.0; x.len()];

        let mut first =
            sum(&[(s1 / from * libm::exp(-r1 * h * eta), &x), (-a1 * libm::expm1(-r1 * h_eta), &denoised)]);
        if noisy {
            add(&mut noise, new_1 * s_noise, &run.randn(x.len()));
            add(&mut first, s1, &noise);
        }
        let denoised_2 = run.denoise(&first, s1 as f32)?;

        let change = r2 / r1 * a2 * (libm::expm1(-r2 * h_eta) / (r2 * h_eta) + 1.0);
        let mut second = sum(&[
            (s2 / from * libm::exp(-r2 * h * eta), &x),
            (-a2 * libm::expm1(-r2 * h_eta) - change, &denoised),
            (change, &denoised_2),
        ]);
        if noisy {
            noise = sum(&[(fade_2, &noise), (new_2 * s_noise, &run.randn(x.len()))]);
            add(&mut second, s2, &noise);
        }
        let denoised_3 = run.denoise(&second, s2 as f32)?;

        let change = a3 / r2 * (libm::expm1(-h_eta) / h_eta + 1.0);
        x = sum(&[
            (to / from * libm::exp(-h * eta), &x),
            (-a3 * libm::expm1(-h_eta) - change, &denoised),
            (change, &denoised_3),
        ]);
        if noisy {
            noise = sum(&[(fade_3, &noise), (new_3 * s_noise, &run.randn(x.len()))]);
            add(&mut x, to, &noise);
        }
    }
    Ok(x)
}
