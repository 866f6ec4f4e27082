//! UniPC (Zhao et al. 2023): a predictor and a corrector of the same form, up to third order, in
//! variance-preserving coordinates.

use super::Outcome;
use crate::round;
use crate::run::{Run, SampleError};
use crate::vector::{add, sum};

/// Where a schedule that ends at 0 ends for this solver, which needs a logarithm there.
pub(super) const LAST: f32 = 0.001;

/// The step function of the solver.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The step itself.
    Bh1,
    /// Its exponential less 1.
    Bh2,
}

/// A noise level in variance-preserving coordinates.
#[derive(Clone, Copy)]
struct Point {
    sigma: f32,
    /// How much of the picture is left.
    alpha: f64,
    /// How much noise there is.
    spread: f64,
    lambda: f64,
}

impl Point {
    /// In single precision, as the reference does it: near the end its rounding is part of the result.
    fn new(sigma: f32) -> Self {
        let log_alpha = 0.5 * round::ln(1.0 / (sigma * sigma + 1.0));
        let noise = 1.0 - round::exp(2.0 * log_alpha);
        Point {
            sigma,
            alpha: f64::from(round::exp(log_alpha)),
            spread: f64::from(noise.sqrt()),
            lambda: f64::from(log_alpha - 0.5 * round::ln(noise)),
        }
    }
}

/// Runs the solver. A final level of 0 is taken as [`LAST`].
pub(super) fn uni_pc<E>(run: &mut Run<'_, E>, mut x: Vec<f32>, kind: Kind) -> Outcome<E> {
    let mut points: Vec<Point> = run.sigmas.iter().map(|&s| Point::new(s)).collect();
    if let Some(last) = points.last_mut().filter(|last| last.sigma == 0.0) {
        *last = Point::new(LAST);
    }
    let steps = run.steps();
    let most = 3.min(steps.saturating_sub(1)).max(1);
    let first = points[0].alpha as f32;
    x.iter_mut().for_each(|value| *value *= first);

    // Predictions with their points, newest first.
    let mut known: Vec<(Vec<f32>, Point)> = Vec::new();
    let denoised = predict(run, &x, points[0])?;
    run.show(0, &x, &denoised)?;
    known.insert(0, (denoised, points[0]));
    for (step, &point) in points.iter().enumerate().skip(1) {
        let order = most.min(step).min(steps + 1 - step);
        let update = Update::new(kind, &known[..order], point);
        let guess = update.predict(&x, &known[..order]);
        if step == steps {
            x = guess;
            break;
        }
        let denoised = predict(run, &guess, point)?;
        x = update.correct(&x, &known[..order], &denoised);
        run.show(step, &x, &denoised)?;
        known.insert(0, (denoised, point));
        known.truncate(most);
    }
    let last = points[steps].alpha as f32;
    x.iter_mut().for_each(|value| *value /= last);
    Ok(x)
}

/// The model's prediction for a latent in variance-preserving coordinates.
fn predict<E>(run: &mut Run<'_, E>, x: &[f32], point: Point) -> Result<Vec<f32>, SampleError<E>> {
    let scale = 1.0 / point.alpha as f32;
    let x: Vec<f32> = x.iter().map(|value| value * scale).collect();
    run.denoise(&x, point.sigma)
}

/// The numbers of one step.
struct Update {
    keep: f64,
    take: f64,
    bend: f64,
    /// Where earlier predictions lie, in steps from this one's start.
    ratios: Vec<f64>,
    predictor: Vec<f64>,
    corrector: Vec<f64>,
}

impl Update {
    fn new(kind: Kind, known: &[(Vec<f32>, Point)], to: Point) -> Self {
        let order = known.len();
        let from = known[0].1;
        let h = to.lambda - from.lambda;
        let mut ratios: Vec<f64> =
            known[1..].iter().map(|(_, point)| (point.lambda - from.lambda) / h).collect();
        let hh = -h;
        let phi_1 = libm::expm1(hh);
        let b_h = match kind {
            Kind::Bh1 => hh,
            Kind::Bh2 => phi_1,
        };
        ratios.push(1.0);
        let mut rows = Vec::new();
        let mut right = Vec::new();
        let mut phi_k = phi_1 / hh - 1.0;
        let mut factorial = 1.0;
        for power in 1..=order {
            rows.push(ratios.iter().map(|&r| libm::pow(r, power as f64 - 1.0)).collect::<Vec<f64>>());
            right.push(phi_k * factorial / b_h);
            factorial *= power as f64 + 1.0;
            phi_k = phi_k / hh - 1.0 / factorial;
        }
        let predictor = match order {
            1 => Vec::new(),
            // The solution of one equation, which the authors round.
            2 => vec![0.5],
            _ => {
                let part = order - 1;
                solve(rows[..part].iter().map(|row| row[..part].to_vec()).collect(), right[..part].to_vec())
            }
        };
        let corrector = if order == 1 { vec![0.5] } else { solve(rows, right) };
        ratios.pop();
        Update {
            keep: to.spread / from.spread,
            take: -to.alpha * phi_1,
            bend: -to.alpha * b_h,
            ratios,
            predictor,
            corrector,
        }
    }

    /// The step without the differences.
    fn straight(&self, x: &[f32], known: &[(Vec<f32>, Point)]) -> Vec<f32> {
        sum(&[(self.keep, x), (self.take, &known[0].0)])
    }

    /// Adds the differences of earlier predictions to the newest one.
    fn bend(&self, out: &mut [f32], known: &[(Vec<f32>, Point)], weights: &[f64]) {
        for (((old, _), ratio), weight) in known[1..].iter().zip(&self.ratios).zip(weights) {
            let factor = self.bend * weight / ratio;
            add(out, factor, old);
            add(out, -factor, &known[0].0);
        }
    }

    fn predict(&self, x: &[f32], known: &[(Vec<f32>, Point)]) -> Vec<f32> {
        let mut out = self.straight(x, known);
        self.bend(&mut out, known, &self.predictor);
        out
    }

    fn correct(&self, x: &[f32], known: &[(Vec<f32>, Point)], denoised: &[f32]) -> Vec<f32> {
        let mut out = self.straight(x, known);
        self.bend(&mut out, known, &self.corrector);
        let factor = self.bend * self.corrector.last().copied().unwrap_or(0.0);
        add(&mut out, factor, denoised);
        add(&mut out, -factor, &known[0].0);
        out
    }
}

/// Solves a small system of linear equations by elimination with row exchange.
fn solve(mut rows: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for column in 0..n {
        let pivot = (column..n)
            .max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))
            .unwrap_or(column);
        rows.swap(column, pivot);
        right.swap(column, pivot);
        for row in column + 1..n {
            let factor = rows[row][column] / rows[column][column];
            let (above, below) = rows.split_at_mut(row);
            for (value, pivot) in below[0].iter_mut().zip(&above[column]).skip(column) {
                *value -= factor * pivot;
            }
            right[row] -= factor * right[column];
        }
    }
    for row in (0..n).rev() {
        let done: f64 = (row + 1..n).map(|k| rows[row][k] * right[k]).sum();
        right[row] = (right[row] - done) / rows[row][row];
    }
    right
}
