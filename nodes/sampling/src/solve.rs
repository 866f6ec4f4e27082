//! The samplers themselves, by family.

mod churn;
mod dpm;
mod dpmpp;
mod dpmpp_sde;
mod er_sde;
mod euler;
mod heun;
mod levels;
mod multistep;
mod renoise;
mod res;
mod sa_solver;
mod seeds;
mod uni_pc;

use crate::run::{Run, SampleError};
use crate::sampler::{Sampler, Solver};

/// A noisy latent on its way down, or why it never arrived.
pub(crate) type Outcome<E> = Result<Vec<f32>, SampleError<E>>;

/// Runs the sampler of the run from its noisy start.
pub(crate) fn run<E>(run: &mut Run<'_, E>, x: Vec<f32>) -> Outcome<E> {
    match run.sampler {
        Sampler::Euler | Sampler::Ddim => euler::euler(run, x),
        Sampler::EulerAncestral => euler::euler_ancestral(run, x),
        Sampler::EulerCfgPp => euler::euler_cfg_pp(run, x, 0.0),
        Sampler::EulerAncestralCfgPp => {
            let eta = eta(run, 1.0);
            euler::euler_cfg_pp(run, x, eta)
        }
        Sampler::Heun => heun::heun(run, x),
        Sampler::Heunpp2 => heun::heunpp2(run, x),
        Sampler::Dpm2 => heun::dpm_2(run, x),
        Sampler::Dpm2Ancestral => heun::dpm_2_ancestral(run, x),
        Sampler::ExpHeun2X0 => seeds::seeds_2(run, x, seeds::Two { eta: 0.0, r: 1.0, exact: true }),
        Sampler::ExpHeun2X0Sde => {
            let eta = eta(run, 1.0);
            seeds::seeds_2(run, x, seeds::Two { eta, r: 1.0, exact: true })
        }
        Sampler::Seeds2 => {
            let (eta, r) = (eta(run, 1.0), run.options.r.map_or(0.5, f64::from));
            seeds::seeds_2(run, x, seeds::Two { eta, r, exact: false })
        }
        Sampler::Seeds3 => seeds::seeds_3(run, x),
        Sampler::Lms => multistep::lms(run, x),
        Sampler::Ipndm => multistep::ipndm(run, x),
        Sampler::IpndmV => multistep::ipndm_v(run, x),
        Sampler::Deis => multistep::deis(run, x),
        Sampler::DpmFast => dpm::dpm_fast(run, x),
        Sampler::DpmAdaptive => dpm::dpm_adaptive(run, x),
        Sampler::Dpmpp2m => dpmpp::dpmpp_2m(run, x),
        Sampler::Dpmpp2mCfgPp => dpmpp::dpmpp_2m_cfg_pp(run, x),
        Sampler::Dpmpp2sAncestral => dpmpp::dpmpp_2s_ancestral(run, x, false),
        Sampler::Dpmpp2sAncestralCfgPp => dpmpp::dpmpp_2s_ancestral(run, x, true),
        Sampler::DpmppSde | Sampler::DpmppSdeGpu => dpmpp_sde::dpmpp_sde(run, x),
        Sampler::Dpmpp2mSde | Sampler::Dpmpp2mSdeGpu => {
            let solver = run.options.solver.unwrap_or(Solver::Midpoint);
            dpmpp_sde::dpmpp_2m_sde(run, x, solver)
        }
        Sampler::Dpmpp2mSdeHeun | Sampler::Dpmpp2mSdeHeunGpu => dpmpp_sde::dpmpp_2m_sde(run, x, Solver::Heun),
        Sampler::Dpmpp3mSde | Sampler::Dpmpp3mSdeGpu => dpmpp_sde::dpmpp_3m_sde(run, x),
        Sampler::Ddpm => renoise::ddpm(run, x),
        Sampler::Lcm => renoise::lcm(run, x),
        Sampler::ResMultistep => res::res_multistep(run, x, 0.0, false),
        Sampler::ResMultistepCfgPp => res::res_multistep(run, x, 0.0, true),
        Sampler::ResMultistepAncestral => {
            let eta = eta(run, 1.0);
            res::res_multistep(run, x, eta, false)
        }
        Sampler::ResMultistepAncestralCfgPp => {
            let eta = eta(run, 1.0);
            res::res_multistep(run, x, eta, true)
        }
        Sampler::GradientEstimation => euler::gradient_estimation(run, x, false),
        Sampler::GradientEstimationCfgPp => euler::gradient_estimation(run, x, true),
        Sampler::ErSde => er_sde::er_sde(run, x),
        Sampler::SaSolver => sa_solver::sa_solver(run, x, false),
        Sampler::SaSolverPece => sa_solver::sa_solver(run, x, true),
        Sampler::UniPc => uni_pc::uni_pc(run, x, uni_pc::Kind::Bh1),
        Sampler::UniPcBh2 => uni_pc::uni_pc(run, x, uni_pc::Kind::Bh2),
    }
}

/// Whether the sampler's result at level 0 is the prediction itself. The others stop above 0.
fn ends_at_prediction(sampler: Sampler) -> bool {
    !matches!(sampler, Sampler::DpmFast | Sampler::DpmAdaptive | Sampler::UniPc | Sampler::UniPcBh2)
}

/// Puts the latent back to the bit where the mask keeps it: rounding on the way may have moved it.
pub(crate) fn keep_exactly(sampler: Sampler, last: f32, out: &mut [f32], mask: &[f32], latent: &[f32]) {
    if last != 0.0 || !ends_at_prediction(sampler) {
        return;
    }
    for ((value, mask), latent) in out.iter_mut().zip(mask).zip(latent) {
        if *mask == 0.0 {
            *value = *latent;
        }
    }
}

/// The level a run really ends at, for a schedule that ends at `last`.
pub(crate) fn last_level(sampler: Sampler, last: f32) -> f32 {
    let lifts = matches!(sampler, Sampler::UniPc | Sampler::UniPcBh2);
    if lifts && last == 0.0 { uni_pc::LAST } else { last }
}

/// How much fresh noise, or this sampler's own default.
fn eta<E>(run: &Run<'_, E>, default: f64) -> f64 {
    run.options.eta.map_or(default, f64::from)
}

/// What fresh noise is multiplied by.
fn s_noise<E>(run: &Run<'_, E>) -> f64 {
    run.options.s_noise.map_or(1.0, f64::from)
}
