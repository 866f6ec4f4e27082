//! A small world for the tests.

use kiln_core::document::Graph;
use kiln_core::doors::{OutFolder, Sandbox};
use kiln_core::store::{Folder, Millis, RealDisk};
use kiln_core::types::Value;
use kiln_core::{Batch, BatchItems, Cancel, Engine, Plan, Registry, RunReport, Setup, Wish};
use std::path::Path;
use std::sync::Arc;

pub fn engine() -> Engine {
    let mut registry = Registry::new();
    registry.add_all(kiln_basics::nodes());
    Engine::new(registry).unwrap()
}

pub fn graph(nodes: &str) -> Graph {
    Graph::parse(&format!("Graph(kiln: 1, nodes: {{ {nodes} }})")).unwrap_or_else(|e| panic!("{e}\n{nodes}"))
}

/// A folder with a few files to read.
pub fn files() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("pics")).unwrap();
    for (name, text) in [
        ("note.txt", "\u{feff}one\r\ntwo\n"),
        ("data.csv", "name,rarity\ngold,5\n\"red, dark\",1\n"),
        ("data.json", r#"{"title": "Sheet", "traits": [{"value": "gold"}, {"value": 7}], "deep/er": true}"#),
        ("pics/cat10.PNG", "a"),
        ("pics/cat2.PNG", "a"),
        ("pics/dog.txt", "c"),
    ] {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    std::fs::write(dir.path().join("latin.txt"), b"one\ncaf\xe9\n").unwrap();
    dir
}

pub fn setup(base: &Path) -> Setup {
    Setup { jobs: 2, ..Setup::new("test", base) }
}

pub fn plan(engine: &Engine, nodes: &str, base: &Path, wish: &Wish) -> Result<Plan, String> {
    engine.plan(&graph(nodes), &Sandbox::new(base), wish).map_err(|e| e.to_string())
}

/// Runs a graph once, without items, and wants these nodes.
pub fn run(engine: &Engine, nodes: &str, want: &[&str]) -> RunReport {
    let wish = Wish { want: want.iter().map(|w| (*w).to_owned()).collect(), ..Wish::default() };
    let plan = plan(engine, nodes, Path::new("."), &wish).unwrap_or_else(|e| panic!("{e}\n{nodes}"));
    engine.run(&plan, setup(Path::new(".")), &Cancel::default(), Arc::new(|_| {})).unwrap()
}

pub fn out(dir: &Path) -> Arc<OutFolder> {
    let folder = Folder::open(dir, Millis(1)).unwrap();
    Arc::new(OutFolder::new(dir, folder, Arc::new(RealDisk)))
}

/// Runs a graph over items; effects write into `dir`.
pub fn run_items(engine: &Engine, nodes: &str, items: BatchItems, dir: Option<&Path>) -> RunReport {
    let columns = match &items {
        BatchItems::Rows(rows) => {
            rows.first().map(|r| r.iter().map(|c| c.0.clone()).collect()).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let wish = Wish { batch: true, columns, ..Wish::default() };
    let plan = plan(engine, nodes, Path::new("."), &wish).unwrap_or_else(|e| panic!("{e}\n{nodes}"));
    let batch = Some(Batch { id: plan.identity().to_string(), items, resume: true });
    let setup = Setup { batch, out: dir.map(out), ..setup(Path::new(".")) };
    engine.run(&plan, setup, &Cancel::default(), Arc::new(|_| {})).unwrap()
}

/// A value in words; floats to the bit.
pub fn show(v: &Value) -> String {
    match v {
        Value::None => "nothing".to_owned(),
        Value::Bool(v) => v.to_string(),
        Value::Int(v) => v.to_string(),
        Value::Float(v) => format!("{v:?}"),
        Value::Text(v) => v.to_string(),
        Value::Color(v) => v.to_string(),
        Value::Seed(v) => format!("seed {v}"),
        Value::Size(w, h) => format!("{w}x{h}"),
        Value::Range(a, b) => format!("{a:?}..{b:?}"),
        Value::Curve(p) => format!("{p:?}"),
        Value::File(f) => f.path.file_name().unwrap().to_string_lossy().into_owned(),
        Value::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join("; ")),
        other => format!("{other:?}"),
    }
}

/// What a wanted node gave, or why it gave nothing.
pub fn outcome(report: &RunReport, node: &str) -> String {
    match report.values.get(node) {
        Some(Ok(values)) if !values.is_empty() => values.iter().map(show).collect::<Vec<_>>().join(" | "),
        other => match report.failures.first() {
            Some((_, _, why)) => format!("error: {why}"),
            None => format!("nothing: {other:?}"),
        },
    }
}
