//! The nine schedules that have a name in every sampler node.

use super::{ScheduleError, check_finite, check_steps, extra};
use crate::round::{self, linspace};
use crate::space::Space;

/// A schedule by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheduler {
    /// Every so many entries of the model's table, from the top.
    Simple,
    /// Even steps of the model's time, ending one step before the least level.
    SgmUniform,
    /// Karras et al. 2022: dense near the end.
    Karras,
    /// Even steps of the logarithm.
    Exponential,
    /// Every so many entries of the model's table, from the bottom.
    DdimUniform,
    /// Dense at both ends, by the beta distribution.
    Beta,
    /// Even steps of the model's time.
    Normal,
    /// Slow at first, then a parabola: made for few steps of flow models.
    LinearQuadratic,
    /// Even steps of the angle: the least divergence for a simple model of the data.
    KlOptimal,
}

impl Scheduler {
    /// All of them, in the order menus show.
    pub const ALL: [Scheduler; 9] = [
        Scheduler::Simple,
        Scheduler::SgmUniform,
        Scheduler::Karras,
        Scheduler::Exponential,
        Scheduler::DdimUniform,
        Scheduler::Beta,
        Scheduler::Normal,
        Scheduler::LinearQuadratic,
        Scheduler::KlOptimal,
    ];

    /// The exact name.
    pub fn name(self) -> &'static str {
        match self {
            Scheduler::Simple => "simple",
            Scheduler::SgmUniform => "sgm_uniform",
            Scheduler::Karras => "karras",
            Scheduler::Exponential => "exponential",
            Scheduler::DdimUniform => "ddim_uniform",
            Scheduler::Beta => "beta",
            Scheduler::Normal => "normal",
            Scheduler::LinearQuadratic => "linear_quadratic",
            Scheduler::KlOptimal => "kl_optimal",
        }
    }

    /// What it does, in a line.
    pub fn doc(self) -> &'static str {
        match self {
            Scheduler::Simple => "every so many entries of the model's table, from the top",
            Scheduler::SgmUniform => "even steps of time, stopping one step above the least level",
            Scheduler::Karras => "dense near the end; good with few steps",
            Scheduler::Exponential => "even steps of the logarithm of the noise",
            Scheduler::DdimUniform => "every so many entries of the model's table, from the bottom",
            Scheduler::Beta => "dense at both ends",
            Scheduler::Normal => "even steps of time",
            Scheduler::LinearQuadratic => "slow at first, then ever faster; for flow models with few steps",
            Scheduler::KlOptimal => "even steps of the noise level's angle",
        }
    }

    /// All names, in the order menus show.
    pub fn names() -> [&'static str; 9] {
        Self::ALL.map(Scheduler::name)
    }
}

impl core::fmt::Display for Scheduler {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

impl core::str::FromStr for Scheduler {
    type Err = ScheduleError;

    fn from_str(name: &str) -> Result<Self, ScheduleError> {
        Self::ALL.into_iter().find(|s| s.name() == name).ok_or_else(|| ScheduleError::Name(name.to_owned()))
    }
}

/// The noise levels of a schedule, falling, with the final 0.
pub fn sigmas(scheduler: Scheduler, space: &Space, steps: usize) -> Result<Vec<f32>, ScheduleError> {
    check_steps(steps)?;
    unlimited(scheduler, space, steps)
}

/// The same for any number of steps from 1 up.
pub(super) fn unlimited(
    scheduler: Scheduler,
    space: &Space,
    steps: usize,
) -> Result<Vec<f32>, ScheduleError> {
    let (min, max) = (space.sigma_min(), space.sigma_max());
    let out = match scheduler {
        Scheduler::Simple => simple(space.table().as_slice(), steps),
        Scheduler::SgmUniform => timed(space, steps, true),
        Scheduler::Normal => timed(space, steps, false),
        Scheduler::Karras => extra::karras_levels(steps, min, max, 7.0)?,
        Scheduler::Exponential => extra::exponential_levels(steps, min, max)?,
        Scheduler::DdimUniform => ddim_uniform(space.table().as_slice(), steps),
        Scheduler::Beta => extra::beta_levels(space, steps, 0.6, 0.6)?,
        Scheduler::LinearQuadratic => linear_quadratic(max, steps),
        Scheduler::KlOptimal => kl_optimal(min, max, steps),
    };
    check_finite(out)
}

fn simple(table: &[f32], steps: usize) -> Vec<f32> {
    let stride = table.len() as f64 / steps as f64;
    let mut out: Vec<f32> =
        (0..steps).filter_map(|i| table.iter().nth_back((i as f64 * stride) as usize)).copied().collect();
    out.push(0.0);
    out
}

fn timed(space: &Space, steps: usize, without_last: bool) -> Vec<f32> {
    let start = space.timestep(space.sigma_max());
    let end = space.timestep(space.sigma_min());
    let mut times = if without_last {
        linspace(start, end, steps + 1)
    } else {
        // A schedule that reaches 0 by itself gets no second 0.
        let reaches_zero = space.sigma_at(end).abs() <= 1e-5;
        linspace(start, end, if reaches_zero { steps + 1 } else { steps })
    };
    let reaches_zero = !without_last && times.len() > steps;
    if without_last {
        times.pop();
    }
    let mut out: Vec<f32> = times.into_iter().map(|t| space.sigma_at(t)).collect();
    if !reaches_zero {
        out.push(0.0);
    }
    out
}

fn ddim_uniform(table: &[f32], steps: usize) -> Vec<f32> {
    let near_zero = table.get(1).is_some_and(|sigma| sigma.abs() <= 1e-5);
    let steps = if near_zero { steps + 1 } else { steps };
    let stride = (table.len() / steps).max(1);
    let mut out: Vec<f32> = table.iter().skip(1).step_by(stride).copied().collect();
    out.reverse();
    if !near_zero {
        out.push(0.0);
    }
    out
}

fn linear_quadratic(max: f32, steps: usize) -> Vec<f32> {
    const THRESHOLD: f64 = 0.025;
    if steps == 1 {
        return vec![max, 0.0];
    }
    let n = steps as f64;
    let linear = (steps / 2) as f64;
    let rest = n - linear;
    let short = linear - THRESHOLD * n;
    let a = short / (linear * rest * rest);
    let b = THRESHOLD / linear - 2.0 * short / (rest * rest);
    let c = a * linear * linear;
    let done = (0..steps).map(|i| {
        let i = i as f64;
        if i < linear { i * THRESHOLD / linear } else { a * (i * i) + b * i + c }
    });
    done.chain([1.0]).map(|done| (1.0 - done) as f32 * max).collect()
}

fn kl_optimal(min: f32, max: f32, steps: usize) -> Vec<f32> {
    let (min, max) = (round::atan(min), round::atan(max));
    let mut out: Vec<f32> = (0..steps)
        .map(|i| {
            let part = if steps == 1 { 0.0 } else { i as f32 / (steps - 1) as f32 };
            round::tan(part * min + (1.0 - part) * max)
        })
        .collect();
    out.push(0.0);
    out
}
