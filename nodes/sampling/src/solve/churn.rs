//! Noise added before a step (Karras et al. 2022), for the samplers that allow it.

use crate::noise::Generator;
use crate::run::Run;

/// Adds noise before steps. By default it adds none.
pub(super) struct Churn {
    amount: f64,
    /// The stream of the initial noise, where that ended.
    stream: Option<Generator>,
}

impl Churn {
    pub(super) fn new<E>(run: &Run<'_, E>, len: usize) -> Self {
        let churn = run.options.s_churn.map_or(0.0, f64::from);
        let amount = (churn / run.steps() as f64).min(core::f64::consts::SQRT_2 - 1.0);
        let stream = (amount > 0.0).then(|| {
            let mut stream = Generator::new(run.seed());
            stream.randn(len);
            stream
        });
        Churn { amount, stream }
    }

    /// Raises the latent to a higher noise level, and says which.
    pub(super) fn raise<E>(&mut self, run: &Run<'_, E>, index: usize, x: &mut [f32]) -> f32 {
        let sigma = run.sigmas[index];
        let low = run.options.s_tmin.unwrap_or(0.0);
        let high = run.options.s_tmax.unwrap_or(f32::INFINITY);
        let Some(stream) = self.stream.as_mut().filter(|_| low <= sigma && sigma <= high) else {
            return sigma;
        };
        let raised = (f64::from(sigma) * (1.0 + self.amount)) as f32;
        let spread = (raised * raised - sigma * sigma).sqrt() * run.options.s_noise.unwrap_or(1.0);
        let noise = stream.randn(x.len());
        crate::vector::add(x, f64::from(spread), &noise);
        raised
    }
}
