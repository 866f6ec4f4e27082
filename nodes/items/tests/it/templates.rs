//! The template of a layered collection, from nothing to its documents.

use crate::support::*;
use kiln_collection::metadata::read_token;
use kiln_core::document::Graph;
use kiln_core::doors::Sandbox;
use kiln_core::{Batch, BatchItems, Cancel, Engine, Setup, Wish};
use std::path::PathBuf;
use std::sync::Arc;

fn template(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../graphs").join(format!("{name}.ron"));
    let text = std::fs::read_to_string(&path).unwrap();
    let graph = Graph::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(graph.to_text(), text, "{name} is not in canonical form");
    text
}

#[test]
fn templates_are_in_canonical_form() {
    template("layered-collection");
    template("traits-to-prompts");
}

#[test]
fn a_layered_collection_is_made_from_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut registry = registry();
    registry.add_all(kiln_report::nodes());
    let engine = Engine::new(registry).unwrap();
    let graph = Graph::parse(&template("layered-collection")).unwrap();
    let wish = Wish { batch: true, ..Wish::default() };
    let plan = engine.plan(&graph, &Sandbox::new(dir.path()), &wish).unwrap_or_else(|e| panic!("{e}"));
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    let batch = Some(Batch::new(&plan, BatchItems::Range(0, 12), true));
    let setup = Setup { jobs: 2, batch, out: Some(out(dir.path())), ..Setup::new("t", dir.path()) };
    let report = engine.run(&plan, setup, &Cancel::default(), Arc::new(|_| {})).unwrap();
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    let mut names = Vec::new();
    for item in 0..12 {
        assert!(dir.path().join(format!("images/{item}.png")).is_file());
        let text = std::fs::read(dir.path().join(format!("metadata/{item}.json"))).unwrap();
        let token = read_token(item, &text).unwrap();
        assert!(token.properties.unwrap().generation.unwrap().remake.unwrap().pixels.is_some());
        names.push(token.name);
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 12, "no two names are alike");
    assert!(dir.path().join("collection.json").is_file());
    assert!(dir.path().join("report/index.html").is_file());
    let sealed = kiln_collection::seal::audit(
        &kiln_report::disk::DiskFiles::new(dir.path()),
        &kiln_collection::seal::Known::default(),
    );
    assert!(sealed.holds(), "{:?}", sealed.breaks);
}
