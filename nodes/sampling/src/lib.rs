//! Noise, sigmas, schedulers and samplers: how a seed becomes a latent, without a network in sight.

pub mod brownian;
pub mod check;
pub mod noise;
pub mod sampler;
pub mod schedule;
mod solve;
pub mod space;

mod round;
mod run;
mod vector;

pub use run::{Denoised, Model, SampleError, Start, Step, sample};
pub use sampler::{Sampler, SamplerOptions};
pub use schedule::{Scheduler, ksampler_sigmas};
pub use space::{Prediction, Space};
