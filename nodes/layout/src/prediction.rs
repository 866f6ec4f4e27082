//! What a network predicts: the file may say it, or its weights give it away.

use std::collections::BTreeMap;

use kiln_tensor::WeightMap;

use crate::family::{Family, PredictionKind};

/// What was found out, and how.
pub(crate) struct Prediction {
    pub(crate) kind: PredictionKind,
    pub(crate) zsnr: bool,
}

/// Weights of SD2's velocity networks spread wider here than those of its noise networks.
const SD2_TELLTALE: &str = "output_blocks.11.1.transformer_blocks.0.norm1.bias";
const SD2_SPREAD: f64 = 0.09;

/// From markers, then the metadata, then the weights.
pub(crate) fn of_file(
    family: Family,
    unet: Option<&WeightMap>,
    in_channels: usize,
    markers: &[String],
    metadata: &BTreeMap<String, String>,
) -> Prediction {
    let marked = |name: &str| markers.iter().any(|marker| marker == name);
    let zsnr = marked("ztsnr");
    let said = metadata.get("modelspec.prediction_type").map(|text| text.to_lowercase());
    let kind = match said.as_deref() {
        _ if marked("v_pred") => PredictionKind::V,
        Some("v" | "v_prediction" | "v-prediction") => PredictionKind::V,
        Some("epsilon" | "eps") => PredictionKind::Eps,
        // Inpainting and depth networks of SD2 predict noise.
        _ if family == Family::Sd2 && in_channels == 4 && unet.is_some_and(spreads) => PredictionKind::V,
        _ => PredictionKind::Eps,
    };
    Prediction { kind, zsnr }
}

fn spreads(unet: &WeightMap) -> bool {
    let Some(bias) = unet.get(SD2_TELLTALE).filter(|bias| !bias.is_empty()) else { return false };
    let values = bias.to_f32();
    let n = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let variance = values.iter().map(|&v| (f64::from(v) - mean) * (f64::from(v) - mean)).sum::<f64>() / n;
    variance.sqrt() > SD2_SPREAD
}
