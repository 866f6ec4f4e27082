//! Workflows that sample, recorded from ComfyUI, against stand-ins of the nodes they become.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_core::{Cx, Node, NodeError, Param, Registry};
use kiln_document::{Graph, Lit};

fn nothing(_: &mut Cx<'_>) -> Result<(), NodeError> {
    Ok(())
}

fn node(name: &'static str, inputs: &[&'static str], params: Vec<Param>, outputs: &[&'static str]) -> Node {
    let node = Node::pure(name, 1, nothing);
    let node = inputs.iter().fold(node, |node, input| node.input(input, "Any", ""));
    let node = params.into_iter().fold(node, Node::param);
    outputs.iter().fold(node, |node, output| node.output(output, "Any", ""))
}

/// The nodes of this build, and stand-ins where the real ones are not in it.
fn registry() -> Registry {
    let mut registry = kiln_nodes::registry();
    let int = |name| Param::int(name, 1, 0..=100_000);
    let float = |name| Param::float(name, 1.0, -1e9..=1e9);
    let sampler = || Param::choice("sampler", &["euler", "dpmpp_2m"]);
    let scheduler = || Param::choice("scheduler", &["normal", "karras"]);
    let all = [
        node("LoadCheckpoint", &[], vec![Param::file("checkpoint")], &["model", "clip", "vae"]),
        node(
            "LoadLora",
            &["model", "clip"],
            vec![Param::file("lora"), float("strength_model"), float("strength_clip")],
            &["model", "clip"],
        ),
        node("EncodePrompt", &["clip"], vec![Param::multiline("text", "")], &["conditioning"]),
        node("EmptyLatent", &[], vec![int("width"), int("height"), int("batch_size")], &["latent"]),
        node(
            "Sample",
            &["model", "positive", "negative", "latent"],
            vec![Param::seed("seed"), int("steps"), float("cfg"), sampler(), scheduler(), float("denoise")],
            &["latent"],
        ),
        node("DecodeLatent", &["latent", "vae"], vec![], &["image"]),
        node("EncodeImage", &["image", "vae"], vec![], &["latent"]),
        node("SetNoiseMask", &["latent", "mask"], vec![], &["latent"]),
        node("SaveLatent", &["samples"], vec![Param::text("filename_prefix", "latent")], &[]),
    ];
    for node in all {
        if registry.get(&node.schema().name).is_none() {
            registry.add(node);
        }
    }
    registry
}

#[test]
fn recorded_workflows_are_taken_without_a_word() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/workflows");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 6);
    let registry = registry();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.display().to_string();
        let made = kiln_dialect::read(&text, &name, &registry).unwrap_or_else(|p| panic!("{p:#?}"));
        assert!(made.notes.is_empty(), "{name}: {:?}", made.notes);
        assert_eq!(Graph::parse(&made.graph.to_text()).unwrap(), made.graph, "{name}");
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(made.graph.nodes.len(), json.as_object().unwrap().len(), "{name}");
        for (id, node) in &made.graph.nodes {
            // Every input arrived: as a link or as a value.
            let said = json[id]["inputs"].as_object().unwrap().len();
            let extra = usize::from(node.with.contains_key("rounding"));
            assert_eq!(node.from.len() + node.with.len() - extra, said, "{name} {id}: {node:?}");
        }
    }
}

#[test]
fn a_sampler_has_our_names() {
    let text = include_str!("workflows/g_lora_kohya.json").replace(": 42,", ": 18446744073709551615,");
    let made = kiln_dialect::read(&text, "lora.json", &registry()).unwrap();
    let nodes = &made.graph.nodes;
    let sample = &nodes["6"];
    assert_eq!(sample.ty, "Sample");
    assert_eq!(sample.with["seed"], Lit::Int(u64::MAX.into()));
    assert_eq!(sample.with["sampler"], Lit::text("euler"));
    let from = |node: &str, input: &str| nodes[node].from[input].links()[0].to_string();
    assert_eq!(from("6", "latent"), "5.latent");
    assert_eq!(from("6", "model"), "2.model");
    assert_eq!(from("3", "clip"), "2.clip");
    assert_eq!(from("8", "vae"), "1.vae");
    assert_eq!(nodes["2"].with["lora"], Lit::text("oracle_sd15_kohya.safetensors"));
    assert_eq!(nodes["1"].with["checkpoint"], Lit::text("oracle_sd15.safetensors"));
    assert_eq!(nodes["9"].with["name"], Lit::text("g_lora_kohya/image"));
}
