//! A small world for the tests: an engine with this family's nodes, graphs from text, an output folder.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]

use kiln_core::document::Graph;
use kiln_core::doors::{OutFolder, Sandbox};
use kiln_core::store::{Folder, Millis, RealDisk};
use kiln_core::types::{Image, Value, names};
use kiln_core::{Batch, BatchItems, Cancel, Engine, Kind, Registry, RunReport, Schema, Setup, Wish};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder of all test pictures.
pub fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").canonicalize().unwrap()
}

pub fn engine() -> Engine {
    let mut registry = Registry::new();
    registry.add_all(kiln_image::nodes());
    Engine::new(registry).unwrap()
}

pub fn graph(nodes: &str) -> Graph {
    Graph::parse(&format!("Graph(kiln: 1, nodes: {{ {nodes} }})")).unwrap_or_else(|e| panic!("{e}\n{nodes}"))
}

pub fn out(dir: &Path) -> Arc<OutFolder> {
    let folder = Folder::open(dir, Millis(1)).unwrap();
    Arc::new(OutFolder::new(dir, folder, Arc::new(RealDisk)))
}

pub fn items(n: u64) -> Batch {
    Batch { id: "test".into(), items: BatchItems::Range(0, n), resume: false }
}

pub fn rows(rows: &[&[(&str, &str)]]) -> Batch {
    let row = |r: &&[(&str, &str)]| r.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    Batch {
        id: "test".into(),
        items: BatchItems::Rows(Arc::new(rows.iter().map(row).collect())),
        resume: false,
    }
}

/// A run: what to do, where, and over which items.
#[derive(Default)]
pub struct Run<'a> {
    pub want: &'a [&'a str],
    pub out: Option<Arc<OutFolder>>,
    pub batch: Option<Batch>,
    pub text: &'static str,
}

/// The report of a run, or the problems of its graph.
pub fn run(engine: &Engine, graph: &Graph, how: Run<'_>) -> Result<RunReport, String> {
    let sandbox = Sandbox::new(fixtures());
    let wish = Wish {
        want: how.want.iter().map(|w| (*w).to_owned()).collect(),
        batch: how.batch.is_some(),
        columns: Vec::new(),
    };
    let plan = engine.plan(graph, &sandbox, &wish).map_err(|e| e.to_string())?;
    let mut setup = Setup::new("test", fixtures());
    setup.jobs = 2;
    setup.out = how.out;
    setup.batch = how.batch;
    let text = how.text;
    setup.graph_text = Arc::new(move |_| text.to_owned());
    Ok(engine.run(&plan, setup, &Cancel::default(), Arc::new(|_| {})).unwrap())
}

/// The outputs of the node `n`.
pub fn outputs(engine: &Engine, nodes: &str) -> Result<Vec<Value>, String> {
    let report = run(engine, &graph(nodes), Run { want: &["n"], ..Run::default() })?;
    match report.values.get("n") {
        Some(wanted) => {
            wanted.clone().map_err(|e| format!("{e} {:?} {:?}", report.failures, report.rejections))
        }
        None => Err(format!("no value: {:?} {:?}", report.failures, report.rejections)),
    }
}

/// The first output of the node `n`, a picture.
pub fn picture(engine: &Engine, nodes: &str) -> Arc<Image> {
    match outputs(engine, nodes).unwrap_or_else(|e| panic!("{e}\n{nodes}")).first() {
        Some(Value::Image(image)) => image.clone(),
        other => panic!("{other:?} is no picture\n{nodes}"),
    }
}

/// Nodes that give something of each type to feed others with.
pub const SOURCES: &str = r##"
    "photo": (type: "NoiseImage", with: { "size": (40, 30), "seed": Fixed(5), "scale": 9, "color": true }),
    "other": (type: "NoiseImage", with: { "size": (24, 32), "seed": Fixed(6), "scale": 7, "color": true }),
    "soft": (type: "MaskFromLuminance", from: { "image": "photo.image" }),
    "clear": (type: "JoinImageWithAlpha", from: { "image": "photo.image", "alpha": "soft.mask" }),
    "pair": (type: "NoiseImage", with: { "size": (20, 16), "seed": Fixed(7), "batch": 2, "scale": 5, "color": true }),
    "list": (type: "Unbatch", from: { "image": "pair.image" }),
"##;

/// The links and parameters that a node of this type needs to run.
pub fn needs(schema: &Schema, clear: bool) -> (String, Vec<(String, String)>) {
    let mut pictures = 0;
    let mut from = String::new();
    for input in &schema.inputs {
        // Embeddings come from another family.
        if input.optional && input.ty.name == names::EMBEDDING {
            continue;
        }
        let link = match (&*input.ty.name, input.ty.list) {
            (names::IMAGE, true) => "list.images",
            (names::IMAGE, false) => {
                pictures += 1;
                match (pictures, clear) {
                    (1, true) => "clear.image",
                    (1, false) => "photo.image",
                    _ => "other.image",
                }
            }
            (names::MASK, false) => "soft.mask",
            (other, list) => panic!("{}: nothing feeds {other} {list}", schema.name),
        };
        from.push_str(&format!("{:?}: {link:?}, ", input.name));
    }
    let required = schema.params.iter().filter(|p| p.default.is_none());
    let with = required.map(|p| {
        let value = match (&p.kind, p.name) {
            (Kind::File, "lut") => "\"image/warm.cube\"",
            (Kind::File, _) => "\"nodes/g_rgba.png\"",
            (Kind::List(_), _) => "[\"#101820\", \"#f2aa4c\", \"#ffffff\"]",
            _ => panic!("{}: nothing is known to set {:?} to", schema.name, p.name),
        };
        (p.name.to_owned(), value.to_owned())
    });
    (from, with.collect())
}

/// The text of a graph whose node `n` is of this type.
pub fn node_text(schema: &Schema, clear: bool, with: &[(String, String)]) -> String {
    let (from, mut all) = needs(schema, clear);
    for (name, value) in with {
        all.retain(|(n, _)| n != name);
        all.push((name.clone(), value.clone()));
    }
    let with: String = all.iter().map(|(n, v)| format!("{n:?}: {v}, ")).collect();
    format!("{SOURCES} \"n\": (type: {:?}, from: {{ {from} }}, with: {{ {with} }}),", schema.name)
}

/// Other values of a parameter, as text, to try a node with.
pub fn variants(kind: &Kind, default: Option<&Value>) -> Vec<String> {
    match kind {
        Kind::Bool => vec![(!matches!(default, Some(Value::Bool(true)))).to_string()],
        Kind::Int { min, max, .. } => {
            let now = if let Some(Value::Int(v)) = default { *v } else { *min };
            vec![(now + 3).clamp(*min, *max).to_string(), (now - 2).clamp(*min, *max).to_string()]
        }
        Kind::Float { min, max, .. } => {
            let now = if let Some(Value::Float(v)) = default { *v } else { *min };
            let up = now + ((max - now) * 0.25).min(now.abs() * 0.5 + 0.25);
            let down = now - ((now - min) * 0.25).min(now.abs() * 0.5 + 0.25);
            vec![format!("{up:?}"), format!("{down:?}")]
        }
        Kind::Text { .. } => vec!["\"Kiln {index}\"".to_owned()],
        Kind::Choice(words) => words.iter().map(|w| format!("{w:?}")).collect(),
        Kind::Color => vec!["\"#c0603080\"".to_owned(), "\"#206040\"".to_owned()],
        Kind::Seed => vec!["Fixed(9)".to_owned()],
        Kind::Size { .. } => vec!["(21, 13)".to_owned()],
        Kind::Range { min, max } => {
            let span = max - min;
            vec![format!("({:?}, {:?})", min + span * 0.25, max - span * 0.25)]
        }
        Kind::Curve => vec!["[(0, 0.1), (0.4, 0.6), (1, 0.9)]".to_owned()],
        Kind::List(of) if **of == Kind::Color => vec!["[\"#000000\", \"#c06030\"]".to_owned()],
        Kind::List(of) if matches!(**of, Kind::Text { .. }) => vec!["[\"one\"]".to_owned()],
        Kind::File | Kind::Files | Kind::Model(_) | Kind::Prompt | Kind::ParamRef | Kind::List(_) => {
            Vec::new()
        }
    }
}
