//! Every recorded single-node run of ComfyUI, read from its API format and done again by the engine.
//!
//! `tests/fixtures/nodes/cases.json` holds the workflows beside the pictures that went in and came out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_codec::{Limits, decode};
use kiln_core::doors::{OutFolder, Sandbox};
use kiln_core::store::{Folder, Millis, RealDisk};
use kiln_core::types::Image;
use kiln_core::{Cancel, Engine, RunReport, Setup, Status, Wish};
use kiln_document::Graph;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/nodes").canonicalize().unwrap()
}

fn cases() -> Value {
    serde_json::from_slice(&std::fs::read(fixtures().join("cases.json")).unwrap()).unwrap()
}

fn run(engine: &Engine, graph: &Graph, out: &Arc<OutFolder>) -> RunReport {
    let plan =
        engine.plan(graph, &Sandbox::new(fixtures()), &Wish::default()).unwrap_or_else(|e| panic!("{e}"));
    let mut setup = Setup::new("test", fixtures());
    setup.jobs = 2;
    setup.out = Some(out.clone());
    engine.run(&plan, setup, &Cancel::default(), Arc::new(|_| {})).unwrap()
}

fn picture(path: &Path) -> Image {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    decode(&bytes, &Limits::default()).unwrap().image
}

#[test]
fn every_recorded_run_comes_out_within_one_of_255() {
    let engine = Engine::new(kiln_nodes::registry()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path(), Millis(1)).unwrap();
    let out = Arc::new(OutFolder::new(dir.path(), folder, Arc::new(RealDisk)));
    let (mut pictures, mut texts, mut wrong) = (0, 0, Vec::new());
    for (name, case) in cases().as_object().unwrap() {
        let text = serde_json::to_string_pretty(&case["graph"]).unwrap();
        let translated = kiln_dialect::read(&text, "case.json", engine.registry())
            .unwrap_or_else(|problems| panic!("{name}: {problems:#?}"));
        // What was written by hand and what was translated are one document.
        assert_eq!(Graph::parse(&translated.graph.to_text()).unwrap(), translated.graph, "{name}");
        if case["class"] == "ComfyMathExpression" {
            texts += 1;
            let own = tempfile::tempdir().unwrap();
            let folder = Folder::open(own.path(), Millis(1)).unwrap();
            let out = Arc::new(OutFolder::new(own.path(), folder, Arc::new(RealDisk)));
            assert_eq!(run(&engine, &translated.graph, &out).status, Status::Done, "{name}");
            for (file, output) in ["o", "o2"].iter().zip(case["outputs"].as_array().unwrap()) {
                let said = std::fs::read_to_string(own.path().join(format!("preview-{file}.txt"))).unwrap();
                let number = |text: &str| text.trim().parse::<f64>().unwrap();
                let wanted = number(output["text"][0].as_str().unwrap());
                assert!((number(&said) - wanted).abs() < 1e-12, "{name} {file}: {said} is not {wanted}");
            }
            continue;
        }
        let report = run(&engine, &translated.graph, &out);
        if case["status"] == "error" {
            assert_eq!(report.status, Status::Failed, "{name}");
            continue;
        }
        assert_eq!(report.status, Status::Done, "{name}: {:?}", report.failures);
        pictures += 1;
        let outputs = case["outputs"].as_array().unwrap();
        for (at, output) in outputs.iter().enumerate() {
            let number = if outputs.len() > 1 { format!("-{}", at + 1) } else { String::new() };
            let made = picture(&dir.path().join(format!("golden/{name}{number}.png")));
            let recorded = picture(&fixtures().join(output["file"].as_str().unwrap()));
            let shape = |i: &Image| (i.width(), i.height(), i.channels());
            assert_eq!(shape(&made), shape(&recorded), "{name}");
            let byte = |v: &f32| (v * 255.0).round() as i32;
            let most = made.data().iter().zip(recorded.data()).map(|(a, b)| (byte(a) - byte(b)).abs()).max();
            if most.unwrap() > 1 {
                wrong.push(format!("{name}: {most:?} of 255"));
            }
        }
    }
    assert_eq!((pictures, texts), (48, 2));
    assert!(wrong.is_empty(), "{wrong:#?}");
}
