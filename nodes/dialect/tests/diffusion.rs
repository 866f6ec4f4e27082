//! Workflows that sample, recorded from ComfyUI: every node, link and value arrives.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_document::{Graph, Lit};

#[test]
fn recorded_workflows_are_taken_without_a_word() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/workflows");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 6);
    let registry = kiln_nodes::registry();
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
    let made = kiln_dialect::read(&text, "lora.json", &kiln_nodes::registry()).unwrap();
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
