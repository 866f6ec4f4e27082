//! The noise levels a model was trained on.

/// How much noise each of 1000 training steps adds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Betas {
    /// The square of a line between two square roots ("scaled linear").
    SqrtLinear {
        /// Of the first step.
        start: f64,
        /// Of the last step.
        end: f64,
    },
    /// A plain line.
    Linear {
        /// Of the first step.
        start: f64,
        /// Of the last step.
        end: f64,
    },
    /// The cosine path of Nichol and Dhariwal 2021.
    Cosine,
}

impl Betas {
    /// What Stable Diffusion 1, 2 and XL were trained with.
    pub const SD: Betas = Betas::SqrtLinear { start: 0.00085, end: 0.012 };

    fn values(self) -> Vec<f64> {
        const STEPS: usize = 1000;
        match self {
            Betas::Linear { start, end } => linspace(start, end, STEPS),
            Betas::SqrtLinear { start, end } => {
                linspace(start.sqrt(), end.sqrt(), STEPS).into_iter().map(|b| b * b).collect()
            }
            Betas::Cosine => {
                let alpha = |t: usize| {
                    let angle =
                        (t as f64 / STEPS as f64 + 8e-3) / (1.0 + 8e-3) * core::f64::consts::FRAC_PI_2;
                    let cos = libm::cos(angle);
                    cos * cos
                };
                (0..STEPS).map(|t| (1.0 - alpha(t + 1) / alpha(t)).clamp(0.0, 0.999)).collect()
            }
        }
    }
}

/// Noise levels, rising. Never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct SigmaTable {
    sigmas: Vec<f32>,
}

impl SigmaTable {
    /// The table of a model trained on 1000 steps, with the logarithm of each entry.
    pub(super) fn discrete(betas: Betas, zero_terminal_snr: bool) -> (Self, Vec<f32>) {
        let mut product = 1.0;
        let mut kept: Vec<f64> = betas
            .values()
            .into_iter()
            .map(|beta| {
                product *= 1.0 - beta;
                product
            })
            .collect();
        if zero_terminal_snr {
            rescale_to_zero_signal(&mut kept);
        }
        let exact: Vec<f64> = kept.into_iter().map(|kept| ((1.0 - kept) / kept).sqrt()).collect();
        let logs = exact.iter().map(|&sigma| libm::log(sigma) as f32).collect();
        (SigmaTable { sigmas: exact.into_iter().map(|sigma| sigma as f32).collect() }, logs)
    }

    /// The table of the times `1/len ..= 1`.
    pub(super) fn from_times(len: usize, sigma: impl Fn(f32) -> f32) -> Self {
        SigmaTable { sigmas: (1..=len).map(|t| sigma(t as f32 / len as f32)).collect() }
    }

    /// 1000 entries evenly spaced in their logarithm.
    pub(super) fn log_linear(min: f32, max: f32) -> Self {
        let logs =
            crate::round::linspace(libm::log(f64::from(min)) as f32, libm::log(f64::from(max)) as f32, 1000);
        SigmaTable { sigmas: logs.into_iter().map(crate::round::exp).collect() }
    }

    /// All entries.
    pub fn as_slice(&self) -> &[f32] {
        &self.sigmas
    }

    /// The least entry.
    pub fn first(&self) -> f32 {
        self.sigmas.first().copied().unwrap_or(f32::NAN)
    }

    /// The greatest entry.
    pub fn last(&self) -> f32 {
        self.sigmas.last().copied().unwrap_or(f32::NAN)
    }
}

/// Moves and stretches the signal's part so that the last step keeps (almost) none of it
/// (Lin et al. 2023). The last entry is a small number instead of 0, so that its level is finite.
fn rescale_to_zero_signal(kept: &mut [f64]) {
    const LAST: f64 = 4.897_345_189_085_343_5e-08;
    let (Some(first), Some(last)) = (kept.first().map(|k| k.sqrt()), kept.last().map(|k| k.sqrt())) else {
        return;
    };
    for k in kept.iter_mut() {
        let root = (k.sqrt() - last) * (first / (first - last));
        *k = root * root;
    }
    if let Some(k) = kept.last_mut() {
        *k = LAST;
    }
}

/// Evenly spaced numbers from both ends, as torch computes them in double precision.
fn linspace(start: f64, end: f64, len: usize) -> Vec<f64> {
    let step = (end - start) / (len as f64 - 1.0);
    let half = len / 2;
    (0..len)
        .map(|i| if i < half { start + step * i as f64 } else { end - step * (len - i - 1) as f64 })
        .collect()
}
