//! The rules of the sampler nodes: how "steps", "denoise" and "start at step" become noise levels.

use super::named::unlimited;
use super::{ScheduleError, Scheduler, check_steps};
use crate::sampler::Sampler;
use crate::space::Space;

/// How many steps a run with a low `denoise` may plan to keep the last of.
const MAX_PLANNED: usize = 100_000;

/// The noise levels of a sampler node. With a `denoise` of 0 or less the list is empty: the latent
/// stays as it is.
///
/// `denoise` below 1 plans a longer run and keeps its last `steps` steps. Some samplers plan one
/// step more and leave out the level before the last.
pub fn ksampler_sigmas(
    sampler: Sampler,
    scheduler: Scheduler,
    space: &Space,
    steps: usize,
    denoise: f64,
) -> Result<Vec<f32>, ScheduleError> {
    check_steps(steps)?;
    if denoise.is_nan() {
        return Err(ScheduleError::Setting { name: "denoise", value: denoise, rule: "between 0 and 1" });
    }
    if denoise > 0.9999 {
        return planned(sampler, scheduler, space, steps);
    }
    if denoise <= 0.0 {
        return Ok(Vec::new());
    }
    let longer = (steps as f64 / denoise) as usize;
    if longer > MAX_PLANNED {
        return Err(ScheduleError::Denoise { denoise, steps, longer });
    }
    let mut all = planned(sampler, scheduler, space, longer)?;
    Ok(all.split_off(all.len().saturating_sub(steps + 1)))
}

fn planned(
    sampler: Sampler,
    scheduler: Scheduler,
    space: &Space,
    steps: usize,
) -> Result<Vec<f32>, ScheduleError> {
    if !sampler.drops_penultimate() {
        return unlimited(scheduler, space, steps);
    }
    let mut all = unlimited(scheduler, space, steps + 1)?;
    if all.len() >= 2 {
        all.remove(all.len() - 2);
    }
    Ok(all)
}

/// Which part of a schedule an advanced sampler node runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KSteps {
    /// The first step to run.
    pub start: Option<usize>,
    /// The step to stop before.
    pub end: Option<usize>,
    /// Whether a run that stops early still takes all noise away ("return with leftover noise: disable").
    pub force_full_denoise: bool,
}

/// The part of a schedule that [`KSteps`] asks for. Empty when nothing is left to do.
pub fn slice_steps(sigmas: &[f32], part: KSteps) -> Vec<f32> {
    let mut out = sigmas.to_vec();
    if let Some(end) = part.end
        && end < out.len().saturating_sub(1)
    {
        out.truncate(end + 1);
        if part.force_full_denoise
            && let Some(last) = out.last_mut()
        {
            *last = 0.0;
        }
    }
    if let Some(start) = part.start {
        if start >= out.len().saturating_sub(1) {
            return Vec::new();
        }
        out.drain(..start);
    }
    out
}
