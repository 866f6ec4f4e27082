//! A diffusers folder: each part of the model in a folder of its own, beside what its scheduler says.

use std::path::Path;

use kiln_weights::{WeightError, open_folder};
use serde_json::Value;

use crate::error::{LayoutError, shown};
use crate::family::{Parts, PredictionKind};
use crate::recognise::Found;

/// A configuration of diffusers has a few hundred bytes.
const LONGEST_CONFIG: u64 = 1 << 20;

/// The pipelines whose parts belong to the families here.
const NOT_OURS: [&str; 8] = [
    "Flux",
    "StableDiffusion3",
    "PixArt",
    "Kolors",
    "HunyuanDiT",
    "StableCascade",
    "StableVideo",
    "Wuerstchen",
];

/// Takes a diffusers folder apart (the whole, or one of its parts).
///
/// # Errors
/// If it is no diffusers folder, a file is damaged, or the model is one Kiln does not run.
pub fn recognise_folder(dir: &Path) -> Result<Parts, LayoutError> {
    let index = config(&dir.join("model_index.json"))?;
    let Some(index) = index else {
        // One part of a model, in a folder of its own.
        let file = open_folder(dir)?;
        let mut found = Found::in_file(&file, "a model")?;
        found.file = dir.to_path_buf();
        return found.into_parts();
    };
    let class = index.get("_class_name").and_then(Value::as_str).unwrap_or_default();
    if NOT_OURS.iter().any(|start| class.starts_with(start)) {
        return Err(LayoutError::not_yet(dir, format!("a {} model", shown(class))));
    }
    let mut all = Found { file: dir.to_path_buf(), ..Found::default() };
    for part in ["unet", "vae", "text_encoder", "text_encoder_2"] {
        let at = dir.join(part);
        if !at.is_dir() {
            // `[null, null]` in the index means: this model has none.
            let listed =
                index.get(part).and_then(Value::as_array).is_some_and(|a| a.iter().any(|v| !v.is_null()));
            if listed {
                all.notes.push(format!("the folder {part} is missing"));
            }
            continue;
        }
        let file = match open_folder(&at) {
            Ok(file) => file,
            Err(WeightError::Folder { .. }) if part != "unet" => {
                all.notes.push(format!("the folder {part} holds no weights"));
                continue;
            }
            Err(other) => return Err(other.into()),
        };
        let found = Found::in_file(&file, wanted(part))?;
        all.notes.extend(found.notes.into_iter().map(|note| format!("{part}: {note}")));
        match part {
            "unet" => all.unet = found.unet,
            "vae" => all.vae = found.vae,
            _ => {
                for text in found.text {
                    if all.text.iter().any(|other| other.kind == text.kind) {
                        let what = format!("both text encoders are {}", text.kind.name());
                        return Err(LayoutError::odd(dir, what));
                    }
                    all.text.push(text);
                }
            }
        }
    }
    if all.unet.is_none() {
        return Err(LayoutError::odd(
            dir,
            "there is no unet folder with a denoising network; download the model again",
        ));
    }
    let mut parts = all.into_parts()?;
    if let Some(scheduler) = config(&dir.join("scheduler").join("scheduler_config.json"))? {
        scheduled(&scheduler, dir, &mut parts)?;
    }
    if let Some(vae) = config(&dir.join("vae").join("config.json"))? {
        let factor = vae.get("scaling_factor").and_then(Value::as_f64).filter(|f| f.is_finite() && *f > 0.0);
        if let Some(factor) = factor {
            parts.latent.scale = factor as f32;
        }
    }
    Ok(parts)
}

fn wanted(part: &str) -> &'static str {
    match part {
        "unet" => "a denoising network",
        "vae" => "a VAE",
        _ => "a text encoder",
    }
}

/// What the scheduler says holds: it is the model's own word.
fn scheduled(scheduler: &Value, dir: &Path, parts: &mut Parts) -> Result<(), LayoutError> {
    match scheduler.get("prediction_type").and_then(Value::as_str) {
        Some("v_prediction") => parts.prediction = PredictionKind::V,
        Some("epsilon") => parts.prediction = PredictionKind::Eps,
        Some(other) => {
            return Err(LayoutError::not_yet(
                dir,
                format!("a model whose network predicts {}", shown(other)),
            ));
        }
        None => {}
    }
    if scheduler.get("rescale_betas_zero_snr").and_then(Value::as_bool) == Some(true) {
        parts.zsnr = true;
    }
    let number = |name: &str| scheduler.get(name).and_then(Value::as_f64);
    let usual = |name: &str, value: f64| number(name).is_none_or(|found| (found - value).abs() < 1e-9);
    let schedule = scheduler.get("beta_schedule").and_then(Value::as_str).unwrap_or("scaled_linear");
    if schedule != "scaled_linear"
        || !usual("beta_start", 0.000_85)
        || !usual("beta_end", 0.012)
        || !usual("num_train_timesteps", 1000.0)
    {
        parts
            .notes
            .push("its scheduler asks for other noise levels than its family's, which are used".to_owned());
    }
    Ok(())
}

fn config(path: &Path) -> Result<Option<Value>, LayoutError> {
    if !path.is_file() {
        return Ok(None);
    }
    let io = |source| LayoutError::Weights(WeightError::Io { file: path.to_path_buf(), source });
    if std::fs::metadata(path).map_err(io)?.len() > LONGEST_CONFIG {
        return Err(LayoutError::odd(path, "this configuration is far too long to be one"));
    }
    let text = std::fs::read(path).map_err(io)?;
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|why| LayoutError::odd(path, format!("it does not read as JSON: {why}; download it again")))
}
