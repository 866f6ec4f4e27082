//! What is told of how a picture was made, read from its recipe.
//!
//! One rule for all graphs: a property is the nearest parameter of its name, going from the picture outwards. So the last
//! of two samplers is told, and a layered or mixed picture tells what took part in it and nothing else.

use kiln_collection::metadata::{Generation, LoraUse, ModelUse};
use kiln_core::{Recipe, RecipeNode, RecipeParam};
use serde_json::Value;

/// Names under which nodes have what is told, the usual one first.
const SEED: &[&str] = &["seed", "noise_seed"];
const SAMPLER: &[&str] = &["sampler", "sampler_name"];
const SCHEDULER: &[&str] = &["scheduler"];
const STEPS: &[&str] = &["steps"];
const CFG: &[&str] = &["cfg"];
const STRENGTH: &[&str] = &["strength_model", "strength"];
/// Inputs that bring the prompts.
const POSITIVE: &[&str] = &["positive"];
const NEGATIVE: &[&str] = &["negative"];

/// The engine's name and version.
#[must_use]
pub fn engine() -> String {
    format!("kiln {}", env!("CARGO_PKG_VERSION"))
}

/// What a recipe tells of a picture of this size.
#[must_use]
pub fn generation(recipe: &Recipe, size: Option<(usize, usize)>) -> Generation {
    // What samples counts first: a noise texture nearer to the picture has a seed as well.
    let sampling = recipe.nodes.iter().position(|n| has(n, STEPS));
    let near: Vec<&RecipeNode> = match sampling {
        Some(at) => recipe.upstream(at),
        None => recipe.nodes.iter().collect(),
    };
    let whole = |v: usize| u32::try_from(v).ok();
    let seed = find(&near, SEED).filter(|p| p.kind == "seed");
    let mut made = Generation {
        prompt: prompts(recipe, &near, POSITIVE),
        negative: prompts(recipe, &near, NEGATIVE),
        seed: seed.and_then(|p| p.value.as_str().map(str::to_owned)),
        engine: engine(),
        width: size.and_then(|s| whole(s.0)),
        height: size.and_then(|s| whole(s.1)),
        recipe: Some(recipe.key.clone()).filter(|key| !key.is_empty()),
        ..Generation::default()
    };
    if sampling.is_some() {
        made.sampler = find(&near, SAMPLER).and_then(text);
        made.scheduler = find(&near, SCHEDULER).and_then(text);
        made.steps = find(&near, STEPS).and_then(|p| p.value.as_u64()).and_then(|n| u32::try_from(n).ok());
        made.cfg = find(&near, CFG).and_then(|p| p.value.as_f64()).filter(|v| *v >= 0.0);
    }
    if made.prompt.is_none() && sampling.is_some() {
        made.prompt = joined(near.iter().copied().find(|n| !words_of(n).is_empty()).into_iter());
    }
    models(recipe, &mut made);
    made.attempt = recipe.gates.iter().map(|g| g.attempt).max();
    made.gates = recipe.gates.iter().flat_map(|g| g.scores.iter().cloned()).collect();
    made
}

/// The layers that took part, where a recipe has any.
#[must_use]
pub fn has_layers(recipe: &Recipe) -> bool {
    recipe.nodes.iter().any(|n| n.ty == "LayerPicture")
}

fn has(node: &RecipeNode, names: &[&str]) -> bool {
    names.iter().any(|name| node.param(name).is_some())
}

fn find<'a>(nodes: &[&'a RecipeNode], names: &[&str]) -> Option<&'a RecipeParam> {
    nodes.iter().find_map(|node| names.iter().find_map(|name| node.param(name)))
}

fn text(param: &RecipeParam) -> Option<String> {
    param.value.as_str().filter(|t| !t.is_empty()).map(str::to_owned)
}

/// The prompts that come in by an input of the nearest node that has it.
fn prompts(recipe: &Recipe, near: &[&RecipeNode], inputs: &[&str]) -> Option<String> {
    let node = near.iter().find(|n| inputs.iter().any(|i| n.input(i).is_some()))?;
    let from = inputs.iter().find_map(|i| node.input(i))?;
    joined(recipe.upstream(from).into_iter())
}

/// The words of a node's prompts.
fn words_of(node: &RecipeNode) -> Vec<String> {
    let prompts = node.params.iter().filter(|p| p.kind == "prompt");
    // LoRAs written as text are told as LoRAs.
    prompts.filter_map(text).filter(|t| lora_tags(t).is_empty()).collect()
}

fn joined<'a>(nodes: impl Iterator<Item = &'a RecipeNode>) -> Option<String> {
    let mut all: Vec<String> = Vec::new();
    for words in nodes.flat_map(words_of) {
        if !all.contains(&words) {
            all.push(words);
        }
    }
    if all.is_empty() { None } else { Some(all.join("\n")) }
}

/// The models and LoRAs of a recipe, each once.
fn models(recipe: &Recipe, made: &mut Generation) {
    for node in &recipe.nodes {
        for param in &node.params {
            if let Some(kind) = param.kind.strip_prefix("model:") {
                // Plans and layers are files as well, and no models.
                if matches!(kind, "plans" | "layers") {
                    continue;
                }
                for (name, hash) in files(&param.value) {
                    if kind == "loras" {
                        let strength = STRENGTH.iter().find_map(|n| node.param(n));
                        let strength = strength.and_then(|p| p.value.as_f64()).unwrap_or(1.0);
                        made.loras.push(LoraUse { name, hash: Some(hash), strength });
                    } else if !made.models.iter().any(|m| m.hash.as_ref() == Some(&hash)) {
                        made.models.push(ModelUse { name, hash: Some(hash) });
                    }
                }
            } else if param.kind == "prompt"
                && let Some(words) = param.value.as_str()
            {
                for (name, strength) in lora_tags(words) {
                    let hash = param.files.iter().find(|(known, _)| *known == name).map(|f| f.1.clone());
                    made.loras.push(LoraUse { name, hash, strength });
                }
            }
        }
    }
}

fn files(value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Array(list) => list.iter().flat_map(files).collect(),
        Value::Object(map) => {
            let word = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
            word("file").zip(word("hash")).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// The LoRAs that a text names: `<lora:name:0.8>`.
#[must_use]
pub fn lora_tags(text: &str) -> Vec<(String, f64)> {
    let one = |piece: &str| {
        let (inside, _) = piece.split_once('>')?;
        let (name, strength) = match inside.split_once(':') {
            Some((name, strength)) => (name, strength.split(':').next()?.trim().parse().ok()?),
            None => (inside, 1.0),
        };
        let strength: f64 = strength;
        (!name.trim().is_empty() && strength.is_finite()).then(|| (name.trim().to_owned(), strength))
    };
    text.split("<lora:").skip(1).take(1000).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kiln_core::{RecipeGates, RecipeLink};
    use serde_json::json;

    fn node(id: &str, params: &[(&'static str, &str, Value)], from: &[(&'static str, usize)]) -> RecipeNode {
        let params = params
            .iter()
            .map(|(name, kind, value)| RecipeParam {
                name,
                kind: (*kind).to_owned(),
                value: value.clone(),
                files: Vec::new(),
            })
            .collect();
        let from = from.iter().map(|(input, node)| RecipeLink { input, node: *node, output: "x" }).collect();
        RecipeNode { id: id.to_owned(), ty: id.to_owned(), version: 1, params, from }
    }

    #[test]
    fn the_last_sampler_and_its_prompts_are_told() {
        let recipe = Recipe {
            key: "ab".repeat(32),
            nodes: vec![
                node("Grain", &[("seed", "seed", json!("9"))], &[("image", 1)]),
                node("Decode", &[], &[("latent", 2)]),
                node(
                    "Sample",
                    &[
                        ("seed", "seed", json!("123")),
                        ("steps", "plain", json!(20)),
                        ("cfg", "plain", json!(7.5)),
                        ("sampler", "plain", json!("euler")),
                        ("scheduler", "plain", json!("karras")),
                    ],
                    &[("model", 5), ("positive", 3), ("negative", 4)],
                ),
                node("Words", &[("text", "prompt", json!("a fox"))], &[("clip", 5)]),
                node("Words", &[("text", "prompt", json!("blurry"))], &[("clip", 5)]),
                node(
                    "Lora",
                    &[
                        ("lora", "model:loras", json!({"file": "l.safetensors", "hash": "cd".repeat(32)})),
                        ("strength_model", "plain", json!(0.8)),
                    ],
                    &[("model", 6)],
                ),
                node(
                    "Load",
                    &[(
                        "checkpoint",
                        "model:checkpoints",
                        json!({"file": "m.safetensors", "hash": "ef".repeat(32)}),
                    )],
                    &[],
                ),
            ],
            gates: vec![RecipeGates { attempt: 3, scores: vec![("sharp".to_owned(), 0.7)] }],
        };
        let told = generation(&recipe, Some((64, 32)));
        assert_eq!(told.prompt.as_deref(), Some("a fox"));
        assert_eq!(told.negative.as_deref(), Some("blurry"));
        assert_eq!(told.seed.as_deref(), Some("123"));
        assert_eq!((told.steps, told.cfg), (Some(20), Some(7.5)));
        assert_eq!((told.sampler.as_deref(), told.scheduler.as_deref()), (Some("euler"), Some("karras")));
        assert_eq!((told.models.len(), told.loras.len()), (1, 1));
        assert_eq!(told.loras[0].strength, 0.8);
        assert_eq!((told.attempt, told.gates.get("sharp")), (Some(3), Some(&0.7)));
        assert_eq!((told.width, told.height), (Some(64), Some(32)));
    }

    #[test]
    fn a_layered_picture_tells_no_sampler() {
        let nodes = vec![node("LayerPicture", &[("other_sizes", "plain", json!("refuse"))], &[])];
        let told = generation(&Recipe { key: String::new(), nodes, gates: Vec::new() }, None);
        assert_eq!((told.prompt, told.seed, told.sampler, told.recipe), (None, None, None, None));
        assert!(told.engine.starts_with("kiln "));
    }

    #[test]
    fn tags_are_read() {
        assert_eq!(
            lora_tags("a <lora:x:0.5> b <lora:y> <lora::1> <lora:z:no>"),
            [("x".to_owned(), 0.5), ("y".to_owned(), 1.0)]
        );
    }
}
