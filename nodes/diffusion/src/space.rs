//! Which relation of noise levels and time steps a model is sampled with.

use crate::values::{DiscretePrediction, EdmPrediction, ModelValue, SpaceChoice};
use kiln_sampling::space::Betas;
use kiln_sampling::{Prediction, Space};

/// The noise of every model of this family.
const BETAS: Betas = Betas::SqrtLinear { start: 0.000_85, end: 0.012 };

/// The model's own, unless a node chose another.
#[must_use]
pub fn of(model: &ModelValue, v_prediction: bool, zsnr: bool) -> Space {
    match model.space {
        None => match (v_prediction, zsnr) {
            (true, true) => Space::sd_v_zsnr(),
            (true, false) => Space::sd_v(),
            (false, true) => Space::discrete(BETAS, true, Prediction::Eps),
            (false, false) => Space::sd(),
        },
        Some(SpaceChoice::Discrete { prediction, zsnr }) => {
            let prediction = match prediction {
                DiscretePrediction::Eps => Prediction::Eps,
                DiscretePrediction::V => Prediction::V,
                DiscretePrediction::X0 => Prediction::X0,
            };
            Space::discrete(BETAS, zsnr, prediction)
        }
        Some(SpaceChoice::Edm { prediction, sigma_max, sigma_min }) => {
            let prediction = match prediction {
                EdmPrediction::Eps => Prediction::Eps,
                EdmPrediction::V => Prediction::V,
                EdmPrediction::Edm => Prediction::Edm { sigma_data: 0.5 },
            };
            Space::edm(sigma_min, sigma_max, prediction)
        }
        Some(SpaceChoice::Flow { shift, multiplier }) => Space::flow(shift, multiplier),
        Some(SpaceChoice::Flux { mu }) => Space::flux(mu),
    }
}
