//! Dependencies point one way, and no room holds what it must not know.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

fn metadata() -> serde_json::Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let out = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Everything a package is built from (not what it is tested with), by name.
fn needs(metadata: &serde_json::Value) -> BTreeMap<String, BTreeSet<String>> {
    let names: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["id"].as_str().unwrap(), p["name"].as_str().unwrap()))
        .collect();
    let direct: BTreeMap<&str, Vec<&str>> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| {
            let normal = n["deps"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|d| d["dep_kinds"].as_array().unwrap().iter().any(|k| k["kind"].is_null()));
            (n["id"].as_str().unwrap(), normal.map(|d| d["pkg"].as_str().unwrap()).collect())
        })
        .collect();
    let members = metadata["workspace_members"].as_array().unwrap();
    members
        .iter()
        .map(|m| {
            let mut todo = vec![m.as_str().unwrap()];
            let mut seen = BTreeSet::new();
            while let Some(id) = todo.pop() {
                for next in &direct[id] {
                    if seen.insert(names[next].to_owned()) {
                        todo.push(next);
                    }
                }
            }
            (names[m.as_str().unwrap()].to_owned(), seen)
        })
        .collect()
}

#[test]
fn dependencies_point_one_way() {
    // What each room may use of the house.
    let allowed: &[(&str, &[&str])] = &[
        ("kiln-types", &[]),
        ("kiln-document", &[]),
        ("kiln-store", &["kiln-types"]),
        ("kiln-core", &["kiln-types", "kiln-document", "kiln-store"]),
        ("kiln-runner", &["kiln-types", "kiln-document", "kiln-store", "kiln-core"]),
        ("kiln-pixels", &["kiln-types"]),
        ("kiln-codec", &["kiln-types"]),
        ("kiln-basics", &["kiln-types", "kiln-document", "kiln-store", "kiln-core"]),
        (
            "kiln-image",
            &["kiln-types", "kiln-document", "kiln-store", "kiln-core", "kiln-pixels", "kiln-codec"],
        ),
        ("kiln-dialect", &["kiln-types", "kiln-document", "kiln-store", "kiln-core"]),
        ("kiln-kernels", &[]),
        ("kiln-weights", &[]),
        ("kiln-sampling", &[]),
        ("kiln-prompt", &[]),
        ("kiln-tensor", &["kiln-kernels", "kiln-weights"]),
        ("kiln-networks", &["kiln-kernels", "kiln-weights", "kiln-tensor"]),
        ("kiln-layout", &["kiln-kernels", "kiln-weights", "kiln-tensor"]),
        (
            "kiln-shelf",
            &[
                "kiln-types",
                "kiln-document",
                "kiln-store",
                "kiln-core",
                "kiln-kernels",
                "kiln-weights",
                "kiln-tensor",
            ],
        ),
        ("kiln-collection", &["kiln-types"]),
        ("kiln-cid", &[]),
        ("kiln-ledger", &[]),
        ("kiln-chain", &["kiln-types", "kiln-document", "kiln-store", "kiln-core", "kiln-ledger"]),
        (
            "kiln-storage",
            &["kiln-types", "kiln-document", "kiln-store", "kiln-core", "kiln-cid", "kiln-collection"],
        ),
        (
            "kiln-canvas",
            &["kiln-types", "kiln-document", "kiln-store", "kiln-core", "kiln-runner", "kiln-codec"],
        ),
        ("kiln-characters", &[]),
    ];
    let needs = needs(&metadata());
    for (room, may) in allowed {
        let house: BTreeSet<&str> =
            needs[*room].iter().map(String::as_str).filter(|n| n.starts_with("kiln-")).collect();
        let may: BTreeSet<&str> = may.iter().copied().collect();
        let wrong: Vec<_> = house.difference(&may).collect();
        assert!(wrong.is_empty(), "{room} must not know {wrong:?}");
    }
}

#[test]
fn libraries_know_neither_models_nor_chains_nor_windows() {
    let banned: &[(&str, &[&str])] = &[
        ("kiln-core", &["burn", "alloy", "egui", "image", "ureq"]),
        ("kiln-store", &["burn", "alloy", "egui", "image", "ureq"]),
        ("kiln-document", &["rusqlite", "burn", "alloy", "egui"]),
        ("graph-run", &["egui", "eframe"]),
        ("kiln-pixels", &["image", "rusqlite"]),
        ("kiln-kernels", &["burn", "kiln-core"]),
        ("kiln-sampling", &["burn", "kiln-core"]),
        ("kiln-dialect", &["burn"]),
        ("kiln-nodes", &["egui", "eframe"]),
        ("kiln-upscale", &["kiln-diffusion", "kiln-image"]),
        ("kiln-cutout", &["kiln-diffusion", "kiln-image"]),
        ("kiln-clip", &["kiln-diffusion"]),
        ("kiln-collection", &["burn", "kiln-core"]),
        ("kiln-items", &["burn", "kiln-diffusion", "kiln-storage", "kiln-chain"]),
        ("kiln-report", &["burn", "kiln-items", "kiln-storage", "kiln-chain"]),
        ("kiln-cid", &["kiln-core"]),
        ("kiln-ledger", &["kiln-core", "alloy-primitives"]),
        ("kiln-storage", &["burn", "kiln-chain", "ureq"]),
        ("kiln-chain", &["burn", "kiln-storage", "ureq"]),
        ("kiln-canvas", &["burn", "alloy-primitives", "kiln-nodes", "eframe"]),
    ];
    let needs = needs(&metadata());
    for (room, banned) in banned {
        for name in *banned {
            assert!(!needs[*room].contains(*name), "{room} must not know {name}");
        }
    }
}
