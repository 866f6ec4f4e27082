//! A small world for the tests: an engine, a folder with a plan and layers, runs over items.

use kiln_core::document::Graph;
use kiln_core::doors::{Net, NoNet, OutFolder, Sandbox};
use kiln_core::store::{Folder, Millis, RealDisk};
use kiln_core::types::{Image, Value};
use kiln_core::{Batch, BatchItems, Cancel, Engine, Registry, RunReport, Setup, Wish};
use std::path::Path;
use std::sync::Arc;

pub fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.add_all(kiln_basics::nodes());
    registry.add_all(kiln_image::nodes());
    registry.add_all(kiln_items::nodes());
    kiln_items::add_codecs(&mut registry);
    registry
}

pub fn engine() -> Engine {
    Engine::new(registry()).unwrap()
}

pub fn graph(nodes: &str) -> Graph {
    Graph::parse(&format!("Graph(kiln: 1, nodes: {{ {nodes} }})")).unwrap_or_else(|e| panic!("{e}\n{nodes}"))
}

pub fn out(dir: &Path) -> Arc<OutFolder> {
    let folder = Folder::open(dir, Millis(1)).unwrap();
    Arc::new(OutFolder::new(dir, folder, Arc::new(RealDisk)))
}

/// How to run: over so many items, with so many workers.
pub struct How<'a> {
    pub want: &'a [&'a str],
    pub items: Option<u64>,
    pub jobs: usize,
    pub out: Option<&'a Path>,
    pub net: Arc<dyn Net>,
    pub text: &'static str,
}

impl Default for How<'_> {
    fn default() -> Self {
        Self { want: &[], items: None, jobs: 2, out: None, net: Arc::new(NoNet), text: "" }
    }
}

/// Runs a graph, whose files lie in `base`; or the problems of the graph.
pub fn run(engine: &Engine, base: &Path, nodes: &str, how: &How<'_>) -> Result<RunReport, String> {
    let wish = Wish {
        want: how.want.iter().map(|w| (*w).to_owned()).collect(),
        batch: how.items.is_some(),
        columns: Vec::new(),
    };
    let plan = engine.plan(&graph(nodes), &Sandbox::new(base), &wish).map_err(|e| e.to_string())?;
    let batch = how.items.map(|n| Batch::new(&plan, BatchItems::Range(0, n), true));
    let text = how.text;
    let setup = Setup {
        jobs: how.jobs,
        batch,
        out: how.out.map(out),
        net: how.net.clone(),
        graph_text: Arc::new(move |_| text.to_owned()),
        ..Setup::new("test", base)
    };
    Ok(engine.run(&plan, setup, &Cancel::default(), Arc::new(|_| {})).unwrap())
}

/// The outputs of the node `n` without items, or why it gave none.
pub fn outputs(base: &Path, nodes: &str) -> Result<Vec<Value>, String> {
    outputs_of(&engine(), base, nodes)
}

pub fn outputs_of(engine: &Engine, base: &Path, nodes: &str) -> Result<Vec<Value>, String> {
    let report = run(engine, base, nodes, &How { want: &["n"], ..How::default() })?;
    match report.values.get("n") {
        Some(Ok(values)) => Ok(values.clone()),
        _ => Err(report.failures.first().map(|f| f.2.clone()).unwrap_or_default()),
    }
}

/// A value in words; floats to the bit.
pub fn show(v: &Value) -> String {
    match v {
        Value::Text(v) => v.to_string(),
        Value::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join("; ")),
        Value::Image(i) => format!("{}x{}x{}", i.width(), i.height(), i.channels()),
        Value::Seed(v) => format!("seed {v}"),
        Value::Int(v) => v.to_string(),
        Value::Float(v) => format!("{v:?}"),
        Value::Bool(v) => v.to_string(),
        Value::Color(v) => v.to_string(),
        Value::Object(o) => o.type_name().to_owned(),
        other => format!("{other:?}"),
    }
}

/// All outputs of the node `n` in words, or its error.
pub fn told(base: &Path, nodes: &str) -> String {
    match outputs(base, nodes) {
        Ok(values) => values.iter().map(show).collect::<Vec<_>>().join(" | "),
        Err(e) => format!("error: {e}"),
    }
}

pub const PLAN: &str = r##"(
    name: "Foxes", size: 60, seed: 7,
    groups: [
        (name: "Sky", values: [
            (name: "Dusk", weight: 3, prompt: "violet dusk", is: "#804080"),
            (name: "Noon", weight: 2, prompt: "bright noon", negative: "night", is: "#a0d0ff"),
        ]),
        (name: "Fur", show: "Coat of fur", values: [
            (name: "Red", weight: 5), (name: "Silver", weight: 3, prompt: "silver fox"),
            (name: "Golden", exactly: 2, show: "Solid Gold", prompt: "golden fox",
             loras: [(file: "gold.safetensors", strength: 0.8)], set: {"sampler.cfg": 5.5}),
        ]),
        (name: "Hat", chance: 0.5, values: [
            (name: "Cap", loras: [(file: "gold.safetensors", strength: 0.2)]), (name: "Crown", exactly: 3),
            (name: "Hood"), (name: "Beret"),
        ]),
        (name: "Level", display: number, max_value: 9, values: [(name: "1"), (name: "5"), (name: "9")]),
        (name: "Grain", hidden: true, values: [(name: "Fine"), (name: "Coarse")]),
    ],
    rules: [Implies(trait: "Fur: Golden", then: ["Hat: Crown"])],
    tiers: [(name: "Legendary", any_of: ["Fur: Golden"])],
)"##;

/// A picture file of one rule.
pub fn png(path: &Path, width: u32, height: u32, rule: impl Fn(u32, u32) -> [u8; 4]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::RgbaImage::from_fn(width, height, |x, y| image::Rgba(rule(x, y))).save(path).unwrap();
}

/// A folder with a plan, a folder of layers, and a table of hands.
pub fn world() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path();
    std::fs::write(base.join("foxes.ron"), PLAN).unwrap();
    std::fs::write(base.join("hands.csv"), "item,Fur,Hat\n3,Golden,Crown\n4,,none\n").unwrap();
    let layers = base.join("layers");
    for (n, name) in ["Dusk#3", "Noon"].iter().enumerate() {
        let tone = 40 + 90 * n as u32;
        png(&layers.join(format!("1-Sky/{name}.png")), 24, 16, |x, y| {
            [tone as u8, (x * 9) as u8, (y * 12) as u8, 255]
        });
    }
    for (n, name) in ["Red#5", "Silver#3", "Gold#1"].iter().enumerate() {
        png(&layers.join(format!("2-Fur/{name}.png")), 24, 16, |x, y| {
            let inside = (x as i32 - 12).pow(2) + (y as i32 - 9).pow(2) < 40;
            [200, (60 * n) as u8, 30, if inside { 255 } else { 0 }]
        });
    }
    png(&layers.join("3-Hat/none#2.png"), 24, 16, |_, _| [0; 4]);
    png(&layers.join("3-Hat/Cap.png"), 24, 16, |_, y| [20, 30, 240, if y < 4 { 128 } else { 0 }]);
    dir
}

/// Traits of the plan's items.
pub const TRAITS: &str = r#"
    "plan": (type: "TraitPlan", with: { "file": "foxes.ron" }),
    "all": (type: "AssignTraits", from: { "plan": "plan.plan" }),
    "own": (type: "ItemTraits", from: { "assignment": "all.assignment" }),
"#;

/// Traits of the folder's items.
pub const LAYERS: &str = r#"
    "plan": (type: "TraitPlan", with: { "file": "layers" }),
    "all": (type: "AssignTraits", from: { "plan": "plan.plan" }, with: { "size": 12 }),
    "own": (type: "ItemTraits", from: { "assignment": "all.assignment" }),
"#;

pub fn picture(value: &Value) -> Arc<Image> {
    match value {
        Value::Image(image) => image.clone(),
        other => panic!("{other:?} is no picture"),
    }
}
