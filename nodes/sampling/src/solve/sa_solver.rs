//! SA-Solver (Xue et al. 2023): stochastic Adams. A polynomial through earlier predictions carries
//! the step (the predictor), one that includes the new prediction repairs it (the corrector).

use super::levels::{finite_levels, log_ratio, signal};
use super::{Outcome, s_noise};
use crate::run::Run;
use crate::vector::{add, sum};

/// Steps with a predictor of third and a corrector of fourth order. `again` evaluates a second time
/// after the correction.
pub(super) fn sa_solver<E>(run: &mut Run<'_, E>, mut x: Vec<f32>, again: bool) -> Outcome<E> {
    let s_noise = s_noise(run);
    let eta = super::eta(run, 1.0);
    let levels = finite_levels(run);
    let (noisy_from, noisy_to) =
        (f64::from(run.space.percent_to_sigma(0.2)), f64::from(run.space.percent_to_sigma(0.8)));
    // Noise only in the middle of the way.
    let tau = |sigma: f64| if (noisy_to..=noisy_from).contains(&sigma) { eta } else { 0.0 };
    let lambdas: Vec<f64> = levels.iter().map(|&sigma| log_ratio(run.space, sigma)).collect();
    let (predictor, corrector) = (3usize, 4usize);
    let steps = run.steps();
    // A run to the very end takes lower orders on its last steps.
    let left = |i: usize| if levels[steps] == 0.0 { steps - i } else { usize::MAX };
    // Predictions, newest first, one a level.
    let mut known: Vec<Vec<f32>> = Vec::new();
    // Where the last step began, and its noise.
    let mut before: Option<(Vec<f32>, Option<Vec<f32>>, f64)> = None;
    for i in 0..steps {
        let mut denoised = run.denoise(&x, levels[i] as f32)?;
        run.show(i, &x, &denoised)?;
        known.insert(0, denoised.clone());
        known.truncate(corrector);
        if let Some((start, noise, tau_t)) = before.take() {
            // The step that led here, once more with the prediction at its end.
            let used = known.len().min(left(i));
            let nodes: Vec<f64> = (0..used).map(|k| lambdas[i - k]).collect();
            x = carry(run, &start, (levels[i - 1], levels[i]), tau_t, &nodes, &known[..used]);
            if let Some(noise) = &noise {
                add(&mut x, 1.0, noise);
            }
            if again {
                denoised = run.denoise(&x, levels[i] as f32)?;
                known[0].clone_from(&denoised);
            }
        }
        if levels[i + 1] == 0.0 {
            x = denoised;
            continue;
        }
        let tau_t = tau(levels[i + 1]);
        let used = known.len().min(predictor).min(left(i) - 1);
        let nodes: Vec<f64> = (0..used).map(|k| lambdas[i - k]).collect();
        let mut next = carry(run, &x, (levels[i], levels[i + 1]), tau_t, &nodes, &known[..used]);
        let h = lambdas[i + 1] - lambdas[i];
        let noise = (tau_t > 0.0 && s_noise > 0.0).then(|| {
            let spread = levels[i + 1] * (-libm::expm1(-2.0 * tau_t * tau_t * h)).sqrt() * s_noise;
            let mut noise = run.randn(x.len());
            noise.iter_mut().for_each(|value| *value *= spread as f32);
            noise
        });
        if let Some(noise) = &noise {
            add(&mut next, 1.0, noise);
        }
        before = Some((std::mem::replace(&mut x, next), noise, tau_t));
    }
    Ok(x)
}

/// A step without its noise: what is left of the latent, and the integral of the polynomial
/// through the predictions.
fn carry<E>(
    run: &Run<'_, E>,
    x: &[f32],
    (from, to): (f64, f64),
    tau: f64,
    nodes: &[f64],
    known: &[Vec<f32>],
) -> Vec<f32> {
    let (start, end) = (log_ratio(run.space, from), log_ratio(run.space, to));
    let h = end - start;
    let rate = 1.0 + tau * tau;
    let after = signal(run.space, to);
    let moments = moments(rate, h, nodes.len());
    let mut out = sum(&[(to / from * libm::exp(-tau * tau * h), x)]);
    for (j, prediction) in known.iter().enumerate() {
        // Times count back from the end of the step.
        let weights = polynomial(nodes, j, end);
        let factor: f64 = weights.iter().zip(&moments).map(|(w, m)| w * m).sum();
        add(&mut out, after * rate * factor, prediction);
    }
    out
}

/// The integrals of `u^k e^(rate u)` for `u` from `-h` to 0.
fn moments(rate: f64, h: f64, count: usize) -> Vec<f64> {
    // Gauss-Legendre in pieces: no cancellation, whatever the step.
    const POINTS: [(f64, f64); 4] = [
        (0.183_434_642_495_649_8, 0.362_683_783_378_362),
        (0.525_532_409_916_329, 0.313_706_645_877_887_3),
        (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
        (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
    ];
    let pieces = ((rate * h).ceil().clamp(1.0, 200.0)) as usize;
    let width = h / pieces as f64;
    let mut out = vec![0.0; count];
    for piece in 0..pieces {
        let middle = -h + (piece as f64 + 0.5) * width;
        for (at, weight) in POINTS.into_iter().flat_map(|(at, weight)| [(at, weight), (-at, weight)]) {
            let u = middle + 0.5 * width * at;
            let mut term = 0.5 * width * weight * libm::exp(rate * u);
            for slot in &mut out {
                *slot += term;
                term *= u;
            }
        }
    }
    out
}

/// The coefficients, lowest first, of the polynomial in `u = time - origin` that is 1 at the node
/// `j` and 0 at the others.
fn polynomial(nodes: &[f64], j: usize, origin: f64) -> Vec<f64> {
    let mut out = vec![1.0];
    for (k, node) in nodes.iter().enumerate().filter(|&(k, _)| k != j) {
        let scale = 1.0 / (nodes[j] - nodes[k]);
        let root = node - origin;
        let mut next = vec![0.0; out.len() + 1];
        for (power, value) in out.iter().enumerate() {
            next[power + 1] += value * scale;
            next[power] -= value * scale * root;
        }
        out = next;
    }
    out
}
