//! Schedules: which noise levels a run passes through on its way down.

mod beta;
mod extra;
mod ksampler;
mod named;

pub use extra::{
    AlignYourSteps, align_your_steps, beta, exponential, karras, laplace, polyexponential, sd_turbo, vp,
};
pub use ksampler::{KSteps, ksampler_sigmas, slice_steps};
pub use named::{Scheduler, sigmas};

/// The greatest number of steps of a run.
pub const MAX_STEPS: usize = 10_000;

/// Why a schedule could not be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    /// No steps, or too many.
    #[error("{0} steps were asked for: a run has between 1 and {MAX_STEPS}")]
    Steps(usize),
    /// A level is not a number or infinite.
    #[error(
        "the schedule has a noise level that is not a finite number: check its settings (and the model's shift)"
    )]
    NotFinite,
    /// A setting is outside of what makes sense.
    #[error("{name} is {value}: it must be {rule}")]
    Setting {
        /// Which setting.
        name: &'static str,
        /// What it was.
        value: f64,
        /// What it may be.
        rule: &'static str,
    },
    /// So low a part of the noise that the planned run is too long.
    #[error(
        "denoise {denoise} with {steps} steps would plan {longer} steps to keep the last {steps}: raise denoise"
    )]
    Denoise {
        /// The part of the noise.
        denoise: f64,
        /// The steps asked for.
        steps: usize,
        /// The steps that would be planned.
        longer: usize,
    },
    /// No scheduler has this name.
    #[error("there is no scheduler called \"{0}\"")]
    Name(String),
}

/// Fails on step counts that no run can have.
fn check_steps(steps: usize) -> Result<(), ScheduleError> {
    if (1..=MAX_STEPS).contains(&steps) { Ok(()) } else { Err(ScheduleError::Steps(steps)) }
}

/// Fails on levels that are not finite.
fn check_finite(sigmas: Vec<f32>) -> Result<Vec<f32>, ScheduleError> {
    if sigmas.iter().all(|sigma| sigma.is_finite()) { Ok(sigmas) } else { Err(ScheduleError::NotFinite) }
}
