//! What a model's numbers mean: which noise levels it knows, what it is told about them and what it
//! answers with.

mod table;

use crate::round;

pub use table::{Betas, SigmaTable};

/// What a network's output stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Prediction {
    /// The noise (Stable Diffusion 1, XL).
    Eps,
    /// The velocity of a variance-preserving path (Stable Diffusion 2, some XL).
    V,
    /// The picture itself.
    X0,
    /// The preconditioned output of Karras et al. 2022.
    Edm {
        /// The spread of the data, 0.5 by default.
        sigma_data: f32,
    },
    /// The velocity of a straight path (Flux, Stable Diffusion 3 and most of the newer models).
    Flow {
        /// What the noise level is multiplied by before the network sees it as time.
        multiplier: f32,
    },
}

/// How noise levels and the network's times belong together.
#[derive(Clone, Debug, PartialEq)]
enum Time {
    /// The index of the nearest entry of the table.
    Discrete {
        /// The logarithm of each entry.
        log_sigmas: Vec<f32>,
    },
    /// A straight path with a shift: `s u / (1 + (s - 1) u)`.
    Shift { shift: f32 },
    /// A straight path with an exponential shift: `e^mu / (e^mu + 1 / u - 1)`.
    Mu { mu: f32 },
    /// A quarter of the logarithm.
    QuarterLog,
    /// The angle of the path, as a part of a right angle.
    Angle,
}

/// The noise levels of a model and its parameterisation, in one place ("model sampling").
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    prediction: Prediction,
    table: SigmaTable,
    time: Time,
}

/// A level above every model's: what "from the very start" means for a model with a table.
pub const ABOVE_ALL: f32 = 1e9;

impl Space {
    /// A model trained on 1000 noise steps.
    pub fn discrete(betas: Betas, zero_terminal_snr: bool, prediction: Prediction) -> Self {
        let (table, log_sigmas) = SigmaTable::discrete(betas, zero_terminal_snr);
        Space { prediction, table, time: Time::Discrete { log_sigmas } }
    }

    /// Stable Diffusion 1 and XL: predicts the noise.
    pub fn sd() -> Self {
        Self::discrete(Betas::SD, false, Prediction::Eps)
    }

    /// Stable Diffusion 2 at 768 pixels and XL models of that kind: predicts the velocity.
    pub fn sd_v() -> Self {
        Self::discrete(Betas::SD, false, Prediction::V)
    }

    /// Velocity models trained with zero signal at the last step.
    pub fn sd_v_zsnr() -> Self {
        Self::discrete(Betas::SD, true, Prediction::V)
    }

    /// A flow model with a shift (SD3: shift 3, multiplier 1000; AuraFlow: 1.73, 1; Lumina 2: 6, 1;
    /// Z-Image: 3, 1; HunyuanVideo: 7, 1000; Wan: 8, 1000; Flux schnell: 1, 1).
    pub fn flow(shift: f32, multiplier: f32) -> Self {
        let table = SigmaTable::from_times(1000, |u| shifted(shift, (u * multiplier) / multiplier));
        Space { prediction: Prediction::Flow { multiplier }, table, time: Time::Shift { shift } }
    }

    /// A flow model with an exponential shift (Flux dev and Qwen-Image: 1.15; Chroma: 1.0; Flux 2: 2.02).
    pub fn flux(mu: f32) -> Self {
        let table = SigmaTable::from_times(10_000, |u| shifted_exp(mu, u));
        Space { prediction: Prediction::Flow { multiplier: 1.0 }, table, time: Time::Mu { mu } }
    }

    /// The shift of Flux for a picture size: a straight line between 256 and 4096 image tokens.
    pub fn flux_mu(width: usize, height: usize, base_shift: f64, max_shift: f64) -> f32 {
        let slope = (max_shift - base_shift) / (4096.0 - 256.0);
        let tokens = width as f64 * height as f64 / 256.0;
        (tokens * slope + (base_shift - slope * 256.0)) as f32
    }

    /// A model of continuous noise levels, told a quarter of their logarithm.
    pub fn edm(sigma_min: f32, sigma_max: f32, prediction: Prediction) -> Self {
        Space { prediction, table: SigmaTable::log_linear(sigma_min, sigma_max), time: Time::QuarterLog }
    }

    /// A velocity model of continuous noise levels, told the angle of the path.
    pub fn v_continuous(sigma_min: f32, sigma_max: f32) -> Self {
        let table = SigmaTable::log_linear(sigma_min, sigma_max);
        Space { prediction: Prediction::V, table, time: Time::Angle }
    }

    /// What the network's output stands for.
    pub fn prediction(&self) -> Prediction {
        self.prediction
    }

    /// Whether the path is straight (`x = s noise + (1 - s) picture`) instead of `x = picture + s noise`.
    pub fn is_flow(&self) -> bool {
        matches!(self.prediction, Prediction::Flow { .. })
    }

    /// The noise levels the model was trained on, rising.
    pub fn table(&self) -> &SigmaTable {
        &self.table
    }

    /// The least noise level.
    pub fn sigma_min(&self) -> f32 {
        self.table.first()
    }

    /// The greatest noise level.
    pub fn sigma_max(&self) -> f32 {
        self.table.last()
    }

    /// The time the network is told for a noise level. A model with a table gets the nearest entry's index.
    pub fn timestep(&self, sigma: f32) -> f32 {
        match &self.time {
            Time::Discrete { log_sigmas } => nearest(log_sigmas, round::ln(sigma)) as f32,
            Time::Shift { .. } => match self.prediction {
                Prediction::Flow { multiplier } => sigma * multiplier,
                _ => sigma,
            },
            Time::Mu { .. } => sigma,
            Time::QuarterLog => 0.25 * round::ln(sigma),
            Time::Angle => round::atan(sigma) / core::f32::consts::PI * 2.0,
        }
    }

    /// The noise level of a time, also between the entries of a table.
    pub fn sigma_at(&self, timestep: f32) -> f32 {
        match &self.time {
            Time::Discrete { log_sigmas } => between(log_sigmas, timestep),
            Time::Shift { shift } => match self.prediction {
                Prediction::Flow { multiplier } => shifted(*shift, timestep / multiplier),
                _ => shifted(*shift, timestep),
            },
            Time::Mu { mu } => shifted_exp(*mu, timestep),
            Time::QuarterLog => round::exp(timestep / 0.25),
            Time::Angle => round::tan(timestep * core::f32::consts::PI / 2.0),
        }
    }

    /// The noise level when this part of the way (0 to 1) is done.
    pub fn percent_to_sigma(&self, percent: f64) -> f32 {
        let flow = self.is_flow();
        if percent <= 0.0 {
            return if flow { 1.0 } else { ABOVE_ALL };
        }
        if percent >= 1.0 {
            return 0.0;
        }
        let left = 1.0 - percent;
        match &self.time {
            Time::Discrete { log_sigmas } => between(log_sigmas, (left * 999.0) as f32),
            Time::Shift { shift } => {
                let shift = f64::from(*shift);
                (shift * left / (1.0 + (shift - 1.0) * left)) as f32
            }
            Time::Mu { mu } => {
                let e = libm::exp(f64::from(*mu));
                (e / (e + (1.0 / left - 1.0))) as f32
            }
            Time::QuarterLog | Time::Angle => {
                let low = libm::log(f64::from(self.sigma_min()));
                let high = libm::log(f64::from(self.sigma_max()));
                libm::exp(low + (high - low) * left) as f32
            }
        }
    }

    /// What the network is given instead of `x`, written to `out`.
    pub fn input(&self, sigma: f32, x: &[f32], out: &mut [f32]) {
        let divisor = match self.prediction {
            Prediction::Flow { .. } => 1.0,
            Prediction::Edm { sigma_data } => (sigma * sigma + sigma_data * sigma_data).sqrt(),
            Prediction::Eps | Prediction::V | Prediction::X0 => (sigma * sigma + 1.0).sqrt(),
        };
        for (slot, &value) in out.iter_mut().zip(x) {
            *slot = value / divisor;
        }
    }

    /// The clean picture that the network's output means, written to `out`.
    pub fn denoised(&self, sigma: f32, x: &[f32], net_out: &[f32], out: &mut [f32]) {
        let each = out.iter_mut().zip(x).zip(net_out);
        match self.prediction {
            Prediction::Eps | Prediction::Flow { .. } => {
                each.for_each(|((slot, &x), &net)| *slot = x - net * sigma);
            }
            Prediction::X0 => each.for_each(|((slot, _), &net)| *slot = net),
            Prediction::V => {
                let sum = sigma * sigma + 1.0;
                let root = sum.sqrt();
                each.for_each(|((slot, &x), &net)| *slot = x / sum - net * sigma / root);
            }
            Prediction::Edm { sigma_data } => {
                let data = sigma_data * sigma_data;
                let sum = sigma * sigma + data;
                let root = sum.sqrt();
                each.for_each(|((slot, &x), &net)| *slot = x * data / sum + net * sigma * sigma_data / root);
            }
        }
    }

    /// The noisy latent a run starts from. `max_denoise` says that the run starts at the model's
    /// greatest noise level, see [`Space::starts_at_the_top`].
    pub fn noise_scaling(&self, sigma: f32, noise: &[f32], latent: &[f32], max_denoise: bool) -> Vec<f32> {
        let each = noise.iter().zip(latent);
        if self.is_flow() {
            let rest = 1.0 - sigma;
            return each.map(|(&n, &l)| sigma * n + rest * l).collect();
        }
        let scale = if max_denoise { (1.0 + sigma * sigma).sqrt() } else { sigma };
        each.map(|(&n, &l)| n * scale + l).collect()
    }

    /// The result of a run that ended at `sigma`, for the next stage: undoes the fading of a straight path.
    pub fn inverse_noise_scaling(&self, sigma: f32, latent: &mut [f32]) {
        if !self.is_flow() || sigma == 0.0 {
            return;
        }
        let rest = 1.0 - sigma;
        latent.iter_mut().for_each(|value| *value /= rest);
    }

    /// Whether a run from this noise level starts from noise alone.
    pub fn starts_at_the_top(&self, sigma: f32) -> bool {
        let (top, sigma) = (f64::from(self.sigma_max()), f64::from(sigma));
        sigma > top || (top - sigma).abs() <= 1e-5 * top.max(sigma)
    }
}

/// The noise level of a straight path at time `u`, shifted.
fn shifted(shift: f32, u: f32) -> f32 {
    // An unshifted path is told apart because the formula would round.
    if (shift - 1.0).abs() == 0.0 { u } else { shift * u / (1.0 + (shift - 1.0) * u) }
}

/// The noise level of a straight path at time `u`, shifted by an exponent.
fn shifted_exp(mu: f32, u: f32) -> f32 {
    let e = libm::exp(f64::from(mu)) as f32;
    // Times the reciprocal, not divided: that is how the reference rounds.
    e * (1.0 / (e + (1.0 / u - 1.0)))
}

/// The index of the entry nearest to a value, in a rising list. Of two equally near ones the first.
fn nearest(list: &[f32], value: f32) -> usize {
    let above = list.partition_point(|&entry| entry < value);
    let distance = |index: usize| list.get(index).map_or(f32::INFINITY, |entry| (value - entry).abs());
    let below = above.saturating_sub(1);
    if distance(below) <= distance(above) { below } else { above.min(list.len().saturating_sub(1)) }
}

/// The exponential of the straight line between two neighbouring logarithms.
fn between(log_sigmas: &[f32], timestep: f32) -> f32 {
    let top = log_sigmas.len().saturating_sub(1);
    let t = timestep.clamp(0.0, top as f32);
    let low = t.floor() as usize;
    let high = (t.ceil() as usize).min(top);
    let part = t - t.floor();
    match (log_sigmas.get(low), log_sigmas.get(high)) {
        (Some(a), Some(b)) => round::exp((1.0 - part) * a + part * b),
        _ => f32::NAN,
    }
}
