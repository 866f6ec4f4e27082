//! Compares the samplers with recorded trajectories: a file of cases, each run with a denoiser in
//! closed form, so that no weights are needed.

use crate::run::{Denoised, Model, SampleError, Start, sample};
use crate::sampler::{Sampler, SamplerOptions};
use crate::space::Space;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// What one case gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Its name in the file: `space/schedule/sampler`.
    pub name: String,
    /// The greatest difference to the recorded result.
    pub max_abs: f32,
    /// That difference over the greatest absolute value of the recorded result.
    pub relative: f32,
    /// How many model calls were recorded.
    pub calls_expected: usize,
    /// How many were made.
    pub calls: usize,
    /// Whether the recorded result was finite.
    pub finite_expected: bool,
    /// Whether this one is.
    pub finite: bool,
}

impl Case {
    /// Whether the result is as near as asked for and came the same way.
    pub fn good(&self, tolerance: f32) -> bool {
        self.calls == self.calls_expected
            && self.finite == self.finite_expected
            && (!self.finite || self.relative <= tolerance)
    }
}

/// Why a file could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Not JSON of the expected form.
    #[error("this is not a file of sampler cases: {0}")]
    Form(#[from] serde_json::Error),
    /// The case's name says nothing that can be run.
    #[error(
        "case \"{0}\": the name must be space/schedule/sampler with space \"eps\" or \"flow3\" and a known sampler"
    )]
    Name(String),
    /// The recorded tensors do not fit together.
    #[error("case \"{name}\": {why}")]
    Case {
        /// Which case.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// The tensor of noise is not `[1, 4, 8, 8]`.
    #[error("the noise has {0} numbers: the cases are made for 256 ([1, 4, 8, 8])")]
    Noise(usize),
}

#[derive(serde::Deserialize)]
struct File {
    noise: Vec<f32>,
    cases: BTreeMap<String, Recorded>,
}

#[derive(serde::Deserialize)]
struct Recorded {
    sigmas: Vec<f32>,
    nfe: usize,
    finite: bool,
    /// Numbers that JSON has no name for are recorded as null.
    out: Vec<Option<f32>>,
}

/// The seed of every recorded case.
const SEED: u64 = 42;
const SHAPE: [usize; 4] = [1, 4, 8, 8];

/// Runs every case of a file and says how near the results are, in the order of the names.
pub fn samplers(text: &str) -> Result<Vec<Case>, CheckError> {
    let file: File = serde_json::from_str(text)?;
    if file.noise.len() != SHAPE.iter().product::<usize>() {
        return Err(CheckError::Noise(file.noise.len()));
    }
    file.cases.iter().map(|(name, recorded)| run_case(name, recorded, &file.noise)).collect()
}

fn run_case(name: &str, recorded: &Recorded, noise: &[f32]) -> Result<Case, CheckError> {
    let unknown = || CheckError::Name(name.to_owned());
    let fails = |why: String| CheckError::Case { name: name.to_owned(), why };
    let parts: Vec<&str> = name.split('/').collect();
    let &[space, _, sampler] = parts.as_slice() else { return Err(unknown()) };
    let space = match space {
        "eps" => Space::sd(),
        "flow3" => Space::flow(3.0, 1000.0),
        _ => return Err(unknown()),
    };
    let sampler: Sampler = sampler.parse().map_err(|_| unknown())?;
    if recorded.out.len() != noise.len() {
        return Err(fails(format!(
            "the result has {} numbers, the noise {}",
            recorded.out.len(),
            noise.len()
        )));
    }
    let mut model = ClosedForm { flow: space.is_flow(), calls: 0 };
    let latent = vec![0.0; noise.len()];
    let start = Start { noise: Some(noise), latent: &latent, shape: &SHAPE, mask: None };
    let options = SamplerOptions::default();
    let got = sample(sampler, &options, &mut model, &space, start, &recorded.sigmas, SEED, &mut |_| Ok(()))
        .map_err(|error: SampleError<Infallible>| fails(error.to_string()))?;
    let pairs = || got.iter().zip(&recorded.out).map(|(&got, out)| (got, out.unwrap_or(f32::NAN)));
    let max_abs = pairs().map(|(got, out)| (got - out).abs()).fold(0.0, f32::max);
    let scale = pairs().map(|(_, out)| out.abs()).fold(f32::MIN_POSITIVE, f32::max);
    Ok(Case {
        name: name.to_owned(),
        max_abs,
        relative: max_abs / scale,
        calls_expected: recorded.nfe,
        calls: model.calls,
        finite_expected: recorded.finite,
        finite: got.iter().all(|value| value.is_finite()),
    })
}

/// A denoiser for data around 0 with a bend in it, and a guidance of 3.
struct ClosedForm {
    flow: bool,
    calls: usize,
}

impl Model for ClosedForm {
    type Error = Infallible;

    fn denoise(&mut self, x: &[f32], sigma: f32, _: bool) -> Result<Denoised, Infallible> {
        self.calls += 1;
        let rest = 1.0 - sigma;
        let centre = |x: f32| {
            if self.flow { x * rest / (rest * rest + sigma * sigma) } else { x / (1.0 + sigma * sigma) }
        };
        let (guided, uncond) = x
            .iter()
            .map(|&x| {
                let c = centre(x);
                let cond = 0.5 * libm::tanhf(c + 0.3) + 0.5 * c;
                let uncond = 0.5 * libm::tanhf(c - 0.2) + 0.45 * c;
                (uncond + (cond - uncond) * 3.0, uncond)
            })
            .unzip();
        Ok(Denoised { cond_guided: guided, uncond: Some(uncond) })
    }
}
