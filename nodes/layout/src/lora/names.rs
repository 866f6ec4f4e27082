//! Every name a trainer may have given to a layer of this model.

use std::collections::BTreeMap;

use kiln_tensor::WeightMap;

use super::LoraTarget;
use crate::family::{Family, TextKind};
use crate::names::text::{InOpenClip, in_open_clip, in_transformers, is_open_clip};
use crate::names::unet::UnetNames;

/// Which part of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Unet,
    /// The n-th text encoder that was given.
    Text(usize),
}

/// A bias.
#[derive(Clone, Debug)]
pub(super) struct Bias {
    pub(super) name: String,
    pub(super) len: usize,
}

/// One layer of the model, as a LoRA sees it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) part: Part,
    pub(super) weight: String,
    /// The shape a LoRA sees: a third of the rows, or turned.
    pub(super) shape: Vec<usize>,
    pub(super) bias: Option<Bias>,
    /// Query, key or value of a joint projection.
    pub(super) third: Option<usize>,
    pub(super) turned: bool,
}

const TEXT_STARTS: [&str; 10] = [
    "lora_te",
    "text_encoder",
    "text_encoders.",
    "lycoris_text",
    "te.",
    "te1.",
    "te2.",
    "text_model.",
    "clip_l.",
    "clip_g.",
];

/// Does this module belong to a text encoder?
pub(super) fn is_text(module: &str) -> bool {
    TEXT_STARTS.iter().any(|start| module.starts_with(start))
}

/// All names with the layer each stands for.
pub(super) fn places(target: &LoraTarget<'_>) -> BTreeMap<String, Place> {
    let mut all = BTreeMap::new();
    if let Some(unet) = target.unet {
        unet_places(unet, &mut all);
    }
    for (i, (kind, weights)) in target.text.iter().enumerate() {
        let starts = text_starts(target.family, *kind);
        text_places(i, weights, &starts, &mut all);
    }
    all
}

fn unet_places(unet: &WeightMap, all: &mut BTreeMap<String, Place>) {
    let names = UnetNames::of_original(unet.keys().map(String::as_str));
    for (name, weight) in unet {
        let Some(original) = name.strip_suffix(".weight") else { continue };
        let diffusers =
            names.diffusers(name).and_then(|name| name.strip_suffix(".weight").map(str::to_owned));
        let bias_name = format!("{original}.bias");
        let bias = unet.get(&bias_name).map(|bias| Bias { name: bias_name, len: bias.len() });
        let place = Place {
            part: Part::Unet,
            weight: name.clone(),
            shape: weight.shape().to_vec(),
            bias,
            third: None,
            turned: false,
        };
        for layer in diffusers.iter().map(String::as_str).chain([original]) {
            for foreign in unet_names(layer) {
                all.entry(foreign).or_insert_with(|| place.clone());
            }
        }
    }
}

fn unet_names(layer: &str) -> Vec<String> {
    let flat = layer.replace('.', "_");
    let mut names = vec![
        format!("lora_unet_{flat}"),
        format!("lycoris_{flat}"),
        layer.to_owned(),
        format!("unet.{layer}"),
        format!("diffusion_model.{layer}"),
        format!("model.diffusion_model.{layer}"),
    ];
    // diffusers' attention processors, and the output projection without its number.
    if let Some((block, projection)) =
        [".attn1.", ".attn2."].iter().find_map(|a| layer.rsplit_once(a).map(|(b, p)| (format!("{b}{a}"), p)))
    {
        let projection = projection.strip_suffix(".0").unwrap_or(projection);
        for inside in [format!("{block}processor.{projection}"), format!("{block}{projection}")] {
            names.push(format!("unet.{inside}"));
            names.push(format!("lora_unet_{}", inside.replace('.', "_")));
            names.push(inside);
        }
    }
    names
}

/// What may come before a text encoder's own names: with dots, and with underscores.
fn text_starts(family: Family, kind: TextKind) -> (Vec<&'static str>, Vec<&'static str>) {
    let (first, comfy): (bool, [&str; 2]) = match kind {
        TextKind::ClipL => (true, ["text_encoders.clip_l.transformer.", "clip_l."]),
        TextKind::OpenClipH => (true, ["text_encoders.clip_h.transformer.", "clip_h."]),
        TextKind::OpenClipG => {
            (family == Family::SdxlRefiner, ["text_encoders.clip_g.transformer.", "clip_g."])
        }
    };
    let mut dotted = comfy.to_vec();
    let mut flat = Vec::new();
    if first {
        dotted.extend(["text_encoder.", "te.", "te1.", ""]);
        flat.extend(["lora_te_", "lora_te1_", "lycoris_text_encoder_"]);
    }
    if kind == TextKind::OpenClipG {
        dotted.extend(["text_encoder_2.", "te2."]);
        flat.extend(["lora_te2_", "lycoris_text_encoder_2_"]);
    }
    (dotted, flat)
}

fn text_places(
    part: usize,
    weights: &WeightMap,
    (dotted, flat): &(Vec<&'static str>, Vec<&'static str>),
    all: &mut BTreeMap<String, Place>,
) {
    let open = is_open_clip(weights.keys().map(String::as_str));
    for (name, weight) in weights {
        let theirs = if open { in_transformers(name) } else { vec![name.clone()] };
        for theirs in theirs {
            let Some(layer) = theirs.strip_suffix(".weight") else { continue };
            let (third, turned) = match in_open_clip(&theirs).filter(|_| open) {
                Some(InOpenClip::Third(_, third)) => (Some(third), false),
                Some(InOpenClip::Turned(_)) => (None, true),
                _ => (None, false),
            };
            let mut shape = weight.shape().to_vec();
            if let (Some(_), Some(rows)) = (third, shape.first_mut()) {
                *rows /= 3;
            }
            if turned {
                shape.reverse();
            }
            let bias_name = match (open, in_open_clip(&format!("{layer}.bias"))) {
                (true, Some(InOpenClip::Whole(name) | InOpenClip::Third(name, _))) => name,
                _ => format!("{layer}.bias"),
            };
            let bias = weights.get(&bias_name).map(|bias| Bias {
                name: bias_name,
                len: if third.is_some() { bias.len() / 3 } else { bias.len() },
            });
            let place = Place { part: Part::Text(part), weight: name.clone(), shape, bias, third, turned };
            let under = layer.replace('.', "_");
            let foreign = dotted
                .iter()
                .map(|start| format!("{start}{layer}"))
                .chain(flat.iter().map(|start| format!("{start}{under}")));
            for foreign in foreign {
                all.entry(foreign).or_insert_with(|| place.clone());
            }
        }
    }
}
