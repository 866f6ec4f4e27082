//! Models mixed from others, and written into files of their own.

use super::saved::{check_name, file_name, names_items, outcome, remembered, still_there};
use crate::runtime::{Runtime, Wants};
use crate::values::{
    BlockRatios, Change, DiscretePrediction, ModelValue, Part, SpaceChoice, TextValue, VaeValue,
    WeightsValue, names, take,
};
use kiln_core::{Cx, Doubt, Effect, Node, NodeError, Param};
use kiln_layout::merge::{Ratios, weighted};
use kiln_layout::save::{Model, SaveAs, SaveError, checkpoint};
use kiln_layout::{PredictionKind, TextPart};
use kiln_tensor::{Weight, WeightMap};
use kiln_types::{Value, names as base};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

pub(super) fn nodes(runtime: &Arc<Runtime>) -> Vec<Node> {
    vec![
        merge_models(runtime.clone()),
        merge_blocks(runtime.clone()),
        merge_text_encoders(runtime.clone()),
        save_checkpoint(runtime.clone()),
    ]
}

const CATEGORY: &str = "diffusion/models";

fn ratio(name: &'static str) -> Param {
    Param::float(name, 1.0, 0.0..=1.0).step(0.01)
}

/// Adds a merge to the first model's changes; one that changes nothing is left out.
fn mix(into: &mut WeightsValue, other: WeightsValue, ratio: BlockRatios) {
    if ratio != (BlockRatios { input: 1.0, middle: 1.0, out: 1.0 }) {
        into.changes.push(Change::Merge { other: Box::new(other), ratio });
    }
}

/// Whether two sets of weights can be mixed: the same names have the same shapes, and there are some.
fn alike(one: &WeightMap, other: &WeightMap, port: &str) -> Result<(), NodeError> {
    let shared = weighted(one, other, &Ratios::all(0.5)).map_err(|e| NodeError::new(e).at(port))?;
    if shared.is_empty() {
        return Err(NodeError::new("the two models have no weight in common")
            .at(port)
            .hint("mix models of one family, such as two SDXL checkpoints"));
    }
    Ok(())
}

fn merged(cx: &mut Cx<'_>, runtime: &Runtime, ratio: BlockRatios) -> Result<(), NodeError> {
    let mut model: ModelValue = take(cx, "model1")?;
    let other: ModelValue = take(cx, "model2")?;
    let (one, _) = runtime.unet_map(&model.weights).map_err(|e| e.at("model1"))?;
    let (two, _) = runtime.unet_map(&other.weights).map_err(|e| e.at("model2"))?;
    alike(&one, &two, "model2")?;
    mix(&mut model.weights, other.weights, ratio);
    cx.set("model", model);
    Ok(())
}

/// MergeModels: one ratio for all.
fn merge_models(runtime: Arc<Runtime>) -> Node {
    Node::pure("MergeModels", 1, move |cx| {
        let ratio = cx.float32("ratio")?;
        merged(cx, &runtime, BlockRatios { input: ratio, middle: ratio, out: ratio })
    })
    .title("Mix models")
    .category(CATEGORY)
    .doc("A model between two others of the same family, weight by weight. LoRAs on either count along.")
    .input("model1", names::MODEL, "One model; its schedule and guidance settings stay.")
    .input("model2", names::MODEL, "The other.")
    .param(ratio("ratio").doc("How much of the first model: 1 it alone, 0 only the other, 0.5 half of each."))
    .output("model", names::MODEL, "The mixed model.")
}

/// MergeBlocks: a ratio for each stretch of the network.
fn merge_blocks(runtime: Arc<Runtime>) -> Node {
    Node::pure("MergeBlocks", 1, move |cx| {
        let ratio = BlockRatios { input: cx.float32("input")?, middle: cx.float32("middle")?, out: cx.float32("out")? };
        merged(cx, &runtime, ratio)
    })
    .title("Mix models by blocks")
    .category(CATEGORY)
    .doc(
        "A model between two others of the same family, with a ratio for each stretch of the network: the way in \
         decides what is seen, the way out how it is painted.",
    )
    .input("model1", names::MODEL, "One model; its schedule and guidance settings stay.")
    .input("model2", names::MODEL, "The other.")
    .param(ratio("input").doc("How much of the first model on the way in, and in how it reads time."))
    .param(ratio("middle").doc("How much of the first model in the middle."))
    .param(ratio("out").doc("How much of the first model on the way out."))
    .output("model", names::MODEL, "The mixed model.")
}

/// MergeTextEncoders: one ratio for all.
fn merge_text_encoders(runtime: Arc<Runtime>) -> Node {
    Node::pure("MergeTextEncoders", 1, move |cx| {
        let mut clip: TextValue = take(cx, "clip1")?;
        let other: TextValue = take(cx, "clip2")?;
        let ratio = cx.float32("ratio")?;
        let ones = runtime.text_maps(&clip.weights).map_err(|e| e.at("clip1"))?;
        let twos = runtime.text_maps(&other.weights).map_err(|e| e.at("clip2"))?;
        for (kind, one) in &ones {
            let two = twos.iter().find(|two| two.0 == *kind).ok_or_else(|| {
                NodeError::new(format!("there is no {} to mix with", kind.name()))
                    .at("clip2")
                    .hint("mix the text encoders of models of one family")
            })?;
            alike(one, &two.1, "clip2")?;
        }
        mix(&mut clip.weights, other.weights, BlockRatios { input: ratio, middle: ratio, out: ratio });
        cx.set("clip", clip);
        Ok(())
    })
    .title("Mix text encoders")
    .category(CATEGORY)
    .doc("Text encoders between those of two models of the same family, weight by weight.")
    .input("clip1", names::CLIP, "One model's text encoders; the layer they are read at stays.")
    .input("clip2", names::CLIP, "The other's.")
    .param(ratio("ratio").doc("How much of the first: 1 they alone, 0 only the other, 0.5 half of each."))
    .output("clip", names::CLIP, "The mixed text encoders.")
}

/// The key under which a graph stands in a model's file.
const GRAPH_KEY: &str = "kiln";
/// The ending of models' files.
const ENDING: &str = ".safetensors";

struct Save {
    runtime: Arc<Runtime>,
}

/// A file's bytes on their way: tells how far it is, and stops when somebody cancelled.
struct Watched<'a, 'b> {
    sink: &'a mut dyn Write,
    cx: &'a Cx<'b>,
    done: u64,
    told: u64,
    total: u64,
}

impl Write for Watched<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.cx.pause().map_err(io::Error::other)?;
        let taken = self.sink.write(bytes)?;
        self.done += taken as u64;
        if self.done >= self.told + self.total / 100 {
            self.told = self.done;
            self.cx.progress(self.done.min(self.total), self.total);
        }
        Ok(taken)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

fn save_as(cx: &Cx<'_>) -> Result<(SaveAs, u64), NodeError> {
    match &*cx.text("dtype")? {
        "f16" => Ok((SaveAs::F16, 2)),
        "bf16" => Ok((SaveAs::BF16, 2)),
        "f32" => Ok((SaveAs::F32, 4)),
        other => Err(NodeError::new(format!("{other:?} is no format of numbers")).at("dtype")),
    }
}

/// What the saved file says of its schedule: what a node chose, as far as a file can say it, else what the model came with.
fn prediction(model: &ModelValue, own: (PredictionKind, bool)) -> Result<(PredictionKind, bool), NodeError> {
    match model.space {
        None => Ok(own),
        Some(SpaceChoice::Discrete { prediction: DiscretePrediction::Eps, zsnr }) => {
            Ok((PredictionKind::Eps, zsnr))
        }
        Some(SpaceChoice::Discrete { prediction: DiscretePrediction::V, zsnr }) => {
            Ok((PredictionKind::V, zsnr))
        }
        Some(_) => Err(NodeError::new("the file cannot say which model sampling was chosen here")
            .at("model")
            .hint("save the model without it, and choose it where the file is loaded")),
    }
}

impl Save {
    fn parts(
        &self,
        weights: &WeightsValue,
        alone: Wants,
        port: &str,
    ) -> Result<Arc<kiln_layout::Parts>, NodeError> {
        let file =
            weights.files.first().ok_or_else(|| NodeError::new("this model names no file").at(port))?;
        let wants = if weights.part == Part::Alone { alone } else { Wants::Checkpoint };
        self.runtime.parts(file, wants).map_err(|e| e.at(port))
    }
}

impl Effect for Save {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let model: ModelValue = take(cx, "model")?;
        let (dtype, width) = save_as(cx)?;
        let own = self.parts(&model.weights, Wants::Unet, "model")?;
        let (prediction, zsnr) = prediction(&model, (own.prediction, own.zsnr))?;
        let (unet, family) = self.runtime.unet_map(&model.weights).map_err(|e| e.at("model"))?;
        let mut text = Vec::new();
        if cx.has("clip") {
            let clip: TextValue = take(cx, "clip")?;
            let maps = self.runtime.text_maps(&clip.weights).map_err(|e| e.at("clip"))?;
            text.extend(maps.into_iter().map(|(kind, weights)| TextPart { kind, weights }));
        }
        let vae_parts = if cx.has("vae") {
            let vae: VaeValue = take(cx, "vae")?;
            let parts = self.parts(&vae.weights, Wants::Vae, "vae")?;
            if parts.vae.is_none() {
                return Err(NodeError::new("this file has no autoencoder").at("vae"));
            }
            Some(parts)
        } else {
            None
        };
        let vae = vae_parts.as_ref().and_then(|parts| parts.vae.as_ref());
        let numbers = |map: &WeightMap| map.values().map(Weight::len).sum::<usize>() as u64;
        let total = width
            * (numbers(&unet)
                + vae.map_or(0, numbers)
                + text.iter().map(|t| numbers(&t.weights)).sum::<u64>());
        let mut metadata = BTreeMap::new();
        let graph = if cx.bool("embed")? { cx.graph_text() } else { String::new() };
        if !graph.is_empty() {
            metadata.insert(GRAPH_KEY.to_owned(), graph);
        }
        let path = file_name(cx, &cx.text("name")?, ENDING)?;
        let whole = Model { family, prediction, zsnr, unet: Some(&unet), vae, text: &text };
        let here = &*cx;
        let written = here.write_by(&path, &mut |sink| {
            let mut watched = Watched { sink, cx: here, done: 0, told: 0, total };
            let saved = checkpoint(&mut watched, &whole, dtype, &metadata);
            // A cancel reaches this place as a failure to write.
            here.pause()?;
            let saved = saved.map_err(|e| match e {
                SaveError::NoPlace { .. } | SaveError::Incomplete { .. } => NodeError::new(e).at("clip"),
                other => NodeError::new(other),
            })?;
            match saved.too_large.first() {
                None => Ok(()),
                Some(name) => Err(NodeError::new(format!(
                    "{} weights have numbers too large for this format, the first is {name}",
                    saved.too_large.len()
                ))
                .at("dtype")
                .hint("save as bf16 or f32")),
            }
        });
        let written = written.map_err(|e| if e.port.is_some() || e.cancelled { e } else { e.at("name") })?;
        Ok(outcome(&written))
    }

    fn stands(&self, cx: &Cx<'_>, outcome: &[u8]) -> bool {
        still_there(cx, outcome)
    }

    fn outputs(&self, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        Ok(vec![("file", Value::text(remembered(outcome)?.1))])
    }
}

/// SaveCheckpoint: a model into one file.
fn save_checkpoint(runtime: Arc<Runtime>) -> Node {
    Node::effect("SaveCheckpoint", 1, Doubt::IdempotentByKey, Save { runtime })
        .title("Save checkpoint")
        .category(CATEGORY)
        .doc(
            "Writes a model into one .safetensors file in the output folder, with the names every program knows: what \
             LoRAs and mixes made of it is in the weights then. Weight by weight, so that it needs little memory; the \
             file is whole or not there.",
        )
        .writes_files()
        .input("model", names::MODEL, "The diffusion network.")
        .optional("clip", names::CLIP, "The text encoders; without them the file has none.")
        .optional("vae", names::VAE, "The autoencoder; without it the file has none.")
        .param(Param::text("name", "checkpoints/model").was(&["filename_prefix"]).doc(
            "The file's name, without its ending; folders with \"/\". {item} is the item's number ({item:05} with \
             zeros), {name} the column of that name in the table, {index} the place in a list from 0, {window} the \
             window's number.",
        ))
        .param(Param::choice("dtype", &["f16", "f32", "bf16"]).doc(
            "How numbers are stored: f16 is usual, f32 exact and twice as large, bf16 coarser with the range of f32.",
        ))
        .param(Param::bool("embed", true).doc("Put the graph into the file, so that it can be seen how the model was made."))
        .output("file", base::TEXT, "The path of the file, relative to the output folder.")
        .uses_item(names_items)
        .check(check_name)
}
