//! One node at a time: values in, values out, through the engine.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_core::document::Graph;
use kiln_core::doors::{OutFolder, Sandbox};
use kiln_core::store::{Folder, Millis, RealDisk};
use kiln_core::types::{FileRef, Key, Object, Value};
use kiln_core::{Cancel, Engine, Node, Registry, RunReport, Setup, Wish};
use kiln_diffusion::Runtime;
use kiln_diffusion::values::{
    Conditioning, Entry, ModelValue, Part, SigmasValue, StoredFile, TextValue, Tokens, VaeValue, WeightsValue,
};
use kiln_weights::{Dtype, TensorPlan, write_safetensors};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What a node gave, by the names of its outputs.
pub type Outputs = BTreeMap<String, Value>;

/// Runs a node with these inputs; an error is the node's failure in words, with the port it blames.
pub fn run(node: &str, inputs: &[(&str, Value)], with: &str) -> Result<Outputs, String> {
    let (report, outputs) = run_in(None, node, inputs, with)?;
    match report.values.get("n") {
        Some(Ok(values)) => Ok(outputs.into_iter().zip(values.iter().cloned()).collect()),
        _ => Err(format!("{:?}", report.failures)),
    }
}

/// The same with an output folder, for effects.
pub fn run_in(
    out: Option<&Path>,
    node: &str,
    inputs: &[(&str, Value)],
    with: &str,
) -> Result<(RunReport, Vec<String>), String> {
    let mut registry = Registry::new();
    registry.add_all(kiln_diffusion::nodes(&Arc::new(Runtime::cpu())));
    let mut text = String::new();
    let mut from = String::new();
    for (at, (port, value)) in inputs.iter().enumerate() {
        let value = value.clone();
        let ty = match &value {
            Value::Object(object) => object.type_name(),
            Value::Mask(_) => kiln_core::types::names::MASK,
            other => panic!("{other:?} is no input here"),
        };
        let source = Node::pure(format!("Given{at}"), 1, move |cx| {
            cx.set("value", value.clone());
            Ok(())
        });
        registry.add(source.output("value", ty, "The value."));
        text.push_str(&format!(r#""i{at}": (type: "Given{at}"), "#));
        from.push_str(&format!(r#""{port}": "i{at}.value", "#));
    }
    text.push_str(&format!(r#""n": (type: "{node}", from: {{ {from} }}, with: {{ {with} }}),"#));
    let graph = Graph::parse(&format!("Graph(kiln: 1, nodes: {{ {text} }})"))
        .unwrap_or_else(|e| panic!("{e}\n{text}"));
    let engine = Engine::new(registry).unwrap();
    let schema = engine.registry().get(node).unwrap().schema().clone();
    let wish = Wish { want: if out.is_some() { Vec::new() } else { vec!["n".into()] }, ..Wish::default() };
    let plan = engine.plan(&graph, &Sandbox::new("."), &wish).map_err(|e| e.to_string())?;
    let mut setup = Setup::new("test", ".");
    setup.out = out.map(|dir| {
        let folder = Folder::open(dir, Millis(1)).unwrap();
        Arc::new(OutFolder::new(dir, folder, Arc::new(RealDisk)))
    });
    let report = engine.run(&plan, setup, &Cancel::default(), Arc::new(|_| {})).unwrap();
    Ok((report, schema.outputs.iter().map(|o| o.name.to_owned()).collect()))
}

/// A value of one of this family's types.
pub fn of<T: Object + Clone>(outputs: &Outputs, name: &str) -> T {
    let Some(Value::Object(object)) = outputs.get(name) else { panic!("no {name} in {:?}", outputs.keys()) };
    object.as_any().downcast_ref::<T>().unwrap().clone()
}

/// The one error a run gives; it names the port and holds the words.
#[track_caller]
pub fn fails<T>(result: Result<T, String>, port: &str, words: &str) {
    let Err(error) = result else { panic!("it works") };
    assert!(error.contains(words) && error.contains(port), "{error}");
}

/// A text of one number wide rows.
pub fn entry(width: usize, data: &[f32], pooled: Option<&[f32]>) -> Entry {
    let tokens = Tokens { rows: data.len() / width, width, data: data.to_vec() };
    Entry::new(tokens, pooled.map(<[f32]>::to_vec))
}

pub fn conditioning(entries: impl Into<Vec<Entry>>) -> Value {
    Conditioning { entries: entries.into() }.into()
}

pub fn sigmas(levels: &[f32]) -> Value {
    SigmasValue { levels: levels.to_vec() }.into()
}

pub fn levels(outputs: &Outputs, name: &str) -> Vec<f32> {
    of::<SigmasValue>(outputs, name).levels
}

/// The smallest file that passes as a Stable Diffusion 1 checkpoint: each part by its telling weights, all numbers
/// `value`, and the input's convolution for `channels` channels.
pub fn checkpoint(path: &Path, value: f32, channels: usize) -> StoredFile {
    let unet = [
        ("time_embed.0.weight", vec![2, 2]),
        ("time_embed.0.bias", vec![2]),
        ("time_embed.2.weight", vec![2, 2]),
        ("time_embed.2.bias", vec![2]),
        ("input_blocks.0.0.weight", vec![2, channels, 3, 3]),
        ("input_blocks.0.0.bias", vec![2]),
        ("input_blocks.1.0.in_layers.2.weight", vec![2, 2, 3, 3]),
        ("middle_block.0.in_layers.2.weight", vec![2, 2, 3, 3]),
        ("output_blocks.0.0.in_layers.2.weight", vec![2, 2, 3, 3]),
        ("out.0.weight", vec![2]),
        ("out.2.weight", vec![4, 2, 3, 3]),
        ("out.2.bias", vec![4]),
    ];
    let clip = [
        ("text_model.embeddings.token_embedding.weight", vec![3, 2]),
        ("text_model.embeddings.position_embedding.weight", vec![3, 2]),
        ("text_model.encoder.layers.0.self_attn.q_proj.weight", vec![2, 2]),
        ("text_model.encoder.layers.0.mlp.fc1.weight", vec![2, 2]),
        ("text_model.final_layer_norm.weight", vec![2]),
    ];
    let vae = [
        ("decoder.conv_in.weight", vec![2, 4, 3, 3]),
        ("decoder.mid.block_1.conv1.weight", vec![2, 2, 3, 3]),
        ("decoder.mid.attn_1.q.weight", vec![2, 2, 1, 1]),
        ("decoder.mid.block_2.conv1.weight", vec![2, 2, 3, 3]),
        ("decoder.up.0.block.0.conv1.weight", vec![2, 2, 3, 3]),
        ("decoder.norm_out.weight", vec![2]),
        ("decoder.conv_out.weight", vec![3, 2, 3, 3]),
    ];
    let plan = |(name, shape): &(&str, Vec<usize>), prefix: &str| TensorPlan {
        name: format!("{prefix}{name}"),
        dtype: Dtype::F32,
        shape: shape.clone(),
    };
    let mut plans: Vec<TensorPlan> = unet.iter().map(|t| plan(t, "model.diffusion_model.")).collect();
    plans.extend(clip.iter().map(|t| plan(t, "cond_stage_model.transformer.")));
    plans.extend(vae.iter().map(|t| plan(t, "first_stage_model.")));
    let mut bytes = Vec::new();
    write_safetensors(&mut bytes, &plans, &BTreeMap::new(), |plan, sink| {
        (0..plan.shape.iter().product::<usize>()).try_for_each(|_| sink.write_all(&value.to_le_bytes()))
    })
    .unwrap();
    std::fs::write(path, &bytes).unwrap();
    StoredFile::from(&FileRef { path: path.into(), hash: Key(*blake3::hash(&bytes).as_bytes()) })
}

pub fn model(file: &StoredFile) -> ModelValue {
    ModelValue::of(file.clone(), Part::Checkpoint)
}

pub fn clip(file: &StoredFile) -> TextValue {
    TextValue { weights: WeightsValue::of(file.clone(), Part::Checkpoint), stop_at: None }
}

pub fn vae(file: &StoredFile) -> VaeValue {
    VaeValue { weights: WeightsValue::of(file.clone(), Part::Checkpoint) }
}
