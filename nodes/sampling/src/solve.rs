//! The samplers themselves, by family.

mod euler;

use crate::run::{Run, SampleError};
use crate::sampler::Sampler;

/// A noisy latent on its way down, or why it never arrived.
pub(crate) type Outcome<E> = Result<Vec<f32>, SampleError<E>>;

/// Runs the sampler of the run from its noisy start.
pub(crate) fn run<E>(run: &mut Run<'_, E>, x: Vec<f32>) -> Outcome<E> {
    match run.sampler {
        Sampler::Euler | Sampler::Ddim => euler::euler(run, x),
        _ => euler::euler(run, x),
    }
}
