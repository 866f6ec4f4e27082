//! Samplers that remember earlier slopes: Adams-Bashforth in four kinds.

use super::Outcome;
use crate::run::Run;
use crate::vector::{add, slope};
use std::collections::VecDeque;

/// The slopes of the last steps, newest first.
struct Slopes {
    kept: VecDeque<Vec<f32>>,
    most: usize,
}

impl Slopes {
    fn new(most: usize) -> Self {
        Slopes { kept: VecDeque::new(), most }
    }

    fn push(&mut self, slope: Vec<f32>) {
        self.kept.truncate(self.most - 1);
        self.kept.push_front(slope);
    }

    /// Adds the slopes, newest first, each times its factor and all times `step`.
    fn add(&self, x: &mut [f32], step: f64, factors: &[f64]) {
        for (slope, factor) in self.kept.iter().zip(factors) {
            add(x, step * factor, slope);
        }
    }
}

/// One evaluation per level; `factors` says how much of each slope (newest first) to go, from the
/// step's index and the number of slopes to use. `to_end` takes the prediction itself at level 0.
fn adams<E>(
    run: &mut Run<'_, E>,
    mut x: Vec<f32>,
    order: usize,
    to_end: bool,
    factors: impl Fn(usize, usize) -> Vec<f64>,
) -> Outcome<E> {
    let mut slopes = Slopes::new(order);
    for i in 0..run.steps() {
        let denoised = run.denoise(&x, run.sigmas[i])?;
        run.show(i, &x, &denoised)?;
        if to_end && run.sigmas[i + 1] == 0.0 {
            return Ok(denoised);
        }
        slopes.push(slope(&x, &denoised, run.sigmas[i]));
        slopes.add(&mut x, 1.0, &factors(i, order.min(i + 1)));
    }
    Ok(x)
}

/// The levels in double precision.
fn levels<E>(run: &Run<'_, E>) -> Vec<f64> {
    run.sigmas.iter().map(|&s| f64::from(s)).collect()
}

/// How many slopes to use: what was asked for, within what makes sense.
fn order<E>(run: &Run<'_, E>, default: usize, most: usize) -> usize {
    run.options.order.unwrap_or(default).clamp(1, most)
}

/// Linear multistep: the polynomial through the slopes, integrated over the step.
pub(super) fn lms<E>(run: &mut Run<'_, E>, x: Vec<f32>) -> Outcome<E> {
    let (t, order) = (levels(run), order(run, 4, 8));
    adams(run, x, order, true, |i, count| {
        let nodes: Vec<f64> = (0..count).map(|k| t[i - k]).collect();
        (0..count).map(|j| integral(|tau| lagrange(&nodes, j, tau), t[i], t[i + 1])).collect()
    })
}

/// Adams-Bashforth with the factors of even steps.
pub(super) fn ipndm<E>(run: &mut Run<'_, E>, x: Vec<f32>) -> Outcome<E> {
    const EVEN: [&[f64]; 4] = [
        &[1.0],
        &[3.0 / 2.0, -1.0 / 2.0],
        &[23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0],
        &[55.0 / 24.0, -59.0 / 24.0, 37.0 / 24.0, -9.0 / 24.0],
    ];
    let (t, order) = (levels(run), order(run, 4, 4));
    adams(run, x, order, true, |i, count| {
        EVEN[count - 1].iter().map(|factor| factor * (t[i + 1] - t[i])).collect()
    })
}

/// Adams-Bashforth with factors for uneven steps.
pub(super) fn ipndm_v<E>(run: &mut Run<'_, E>, x: Vec<f32>) -> Outcome<E> {
    let (t, order) = (levels(run), order(run, 4, 4));
    adams(run, x, order, true, |i, count| {
        let step = |k: usize| t[i + 1 - k] - t[i - k];
        let h = step(0);
        uneven(h, (1..count).map(step).collect::<Vec<_>>().as_slice()).into_iter().map(|f| f * h).collect()
    })
}

/// The factors for a step `h` after one to three earlier ones (newest first).
fn uneven(h: f64, before: &[f64]) -> Vec<f64> {
    let Some(&h1) = before.first() else { return vec![1.0] };
    let a = h / h1 / 2.0;
    let Some(&h2) = before.get(1) else { return vec![1.0 + a, -a] };
    let third = h / (3.0 * (h + h1));
    let b = (1.0 - third * (h * (h + h1)) / (h1 * (h1 + h2))) / 2.0;
    let Some(&h3) = before.get(2) else {
        return vec![1.0 + a + b, -a - (1.0 + h1 / h2) * b, b * h1 / h2];
    };
    let c = ((1.0 - third) / 2.0 + (1.0 - h / (2.0 * (h + h1))) * h / (6.0 * (h + h1 + h2)))
        * (h * (h + h1) * (h + h1 + h2))
        / (h1 * (h1 + h2) * (h1 + h2 + h3));
    let near = h1 / h2;
    let far = h1 * (h1 + h2) / (h2 * (h2 + h3));
    vec![
        1.0 + a + b + c,
        -a - (1.0 + near) * b - (1.0 + near + far) * c,
        b * near + (near + far * (1.0 + h2 / h3)) * c,
        -c * far * near,
    ]
}

/// The exponential integrator of Zhang and Chen 2022, with tabulated integrals: the polynomial
/// through the slopes as functions of a variance-preserving model's time.
pub(super) fn deis<E>(run: &mut Run<'_, E>, x: Vec<f32>) -> Outcome<E> {
    let (sigmas, order) = (levels(run), order(run, 3, 4));
    let path = VpPath::new(0.002, 80.0, 1e-3);
    let t: Vec<f64> = sigmas.iter().map(|&sigma| path.time(sigma)).collect();
    adams(run, x, order, true, |i, count| {
        if count == 1 {
            return vec![sigmas[i + 1] - sigmas[i]];
        }
        let nodes: Vec<f64> = (0..count).map(|k| t[i - k]).collect();
        // The reference's own sum: both ends count whole, over the number of points.
        const POINTS: usize = 10_000;
        let width = t[i + 1] - t[i];
        let mut factors = vec![0.0; count];
        for k in 0..POINTS {
            let tau = t[i] + width * k as f64 / (POINTS - 1) as f64;
            let speed = path.speed(tau);
            for (j, factor) in factors.iter_mut().enumerate() {
                *factor += speed * lagrange(&nodes, j, tau);
            }
        }
        factors.into_iter().map(|factor| factor * width / POINTS as f64).collect()
    })
}

/// The noise level of a variance-preserving model as a function of its time.
struct VpPath {
    start: f64,
    slope: f64,
}

impl VpPath {
    fn new(sigma_min: f64, sigma_max: f64, first_time: f64) -> Self {
        let low = libm::log(sigma_min * sigma_min + 1.0);
        let high = libm::log(sigma_max * sigma_max + 1.0);
        let slope = 2.0 * (low / first_time - high) / (first_time - 1.0);
        VpPath { start: high - 0.5 * slope, slope }
    }

    fn time(&self, sigma: f64) -> f64 {
        let log = libm::log(sigma * sigma + 1.0);
        ((self.start * self.start + 2.0 * self.slope * log).sqrt() - self.start) / self.slope
    }

    /// How fast the noise level rises at a time.
    fn speed(&self, time: f64) -> f64 {
        let kept = libm::exp(-0.5 * time * time * self.slope - time * self.start);
        0.5 * (time * self.slope + self.start) / (kept * (1.0 - kept)).sqrt()
    }
}

/// The polynomial that is 1 at the node `j` and 0 at the others.
fn lagrange(nodes: &[f64], j: usize, at: f64) -> f64 {
    let others = nodes.iter().enumerate().filter(|&(k, _)| k != j);
    others.map(|(_, node)| (at - node) / (nodes[j] - node)).product()
}

/// The integral of a polynomial of degree 7 or less: four-point Gauss quadrature, exact for these.
fn integral(f: impl Fn(f64) -> f64, from: f64, to: f64) -> f64 {
    const POINTS: [(f64, f64); 4] = [
        (-0.861_136_311_594_052_6, 0.347_854_845_137_453_85),
        (-0.339_981_043_584_856_26, 0.652_145_154_862_546_1),
        (0.339_981_043_584_856_26, 0.652_145_154_862_546_1),
        (0.861_136_311_594_052_6, 0.347_854_845_137_453_85),
    ];
    let (middle, half) = (0.5 * (from + to), 0.5 * (to - from));
    POINTS.iter().map(|&(at, weight)| weight * f(middle + half * at)).sum::<f64>() * half
}
