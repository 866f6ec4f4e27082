//! A small world for nodes: an engine with this family's and the picture nodes, small models and pictures on disk.
#![allow(dead_code, reason = "every test uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use crate::common::{Reference, Tensors, bytes, normal, tensors, write};
use kiln_clip::Towers;
use kiln_core::document::Graph;
use kiln_core::doors::{OutFolder, Sandbox};
use kiln_core::store::{Folder, Millis, RealDisk};
use kiln_core::{Batch, BatchItems, Cancel, Engine, Registry, RunReport, Setup, Wish};
use kiln_shelf::Shelf;
use kiln_tensor::Compute;
use kiln_types::{Embedding, Image, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a node gave, by the names of its outputs.
pub type Outputs = BTreeMap<String, Value>;

pub struct World {
    pub dir: tempfile::TempDir,
    pub engine: Engine,
}

/// The picture nodes and this family's.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.add_all(kiln_image::nodes());
    registry.add_all(kiln_clip::nodes(&Arc::new(Shelf::cpu())));
    kiln_clip::add_codecs(&mut registry);
    registry
}

impl World {
    /// With `one.safetensors` (a CLIP of both towers), `head.safetensors` for it, and pictures a.ppm to c.ppm in `style`.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["models/clip_vision", "models/aesthetic", "graph/style", "out"] {
            std::fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        let world = Self { dir, engine: Engine::new(registry()).unwrap() };
        world.clip("one", "open_quick");
        world.head("head", 48);
        for (at, name) in ["a", "b", "c"].iter().enumerate() {
            world.picture(&format!("style/{name}.ppm"), 30 + at, 40, at);
        }
        world
    }

    /// A recorded CLIP in the models folder.
    pub fn clip(&self, name: &str, case: &str) {
        self.clip_of(name, &tensors(&Reference::load("towers"), case));
    }

    pub fn clip_of(&self, name: &str, tensors: &Tensors) {
        write(&self.dir.path().join(format!("models/clip_vision/{name}.safetensors")), tensors);
    }

    /// A linear head.
    pub fn head(&self, name: &str, width: usize) {
        let tensors: Tensors = [
            ("weight".to_owned(), (vec![1, width], normal("head", width, 1.0, 0.0))),
            ("bias".to_owned(), (vec![1], vec![5.0])),
        ]
        .into();
        write(&self.dir.path().join(format!("models/aesthetic/{name}.safetensors")), &tensors);
    }

    /// A picture below the graph's folder.
    pub fn picture(&self, name: &str, h: usize, w: usize, seed: usize) {
        let mut file = format!("P6\n{w} {h}\n255\n").into_bytes();
        file.extend(bytes(h, w, seed));
        std::fs::write(self.graph().join(name), file).unwrap();
    }

    pub fn graph(&self) -> PathBuf {
        self.dir.path().join("graph")
    }

    /// The CLIP as a program opens it.
    pub fn towers(&self, name: &str) -> Towers {
        let path = self.dir.path().join(format!("models/clip_vision/{name}.safetensors"));
        Towers::open(&path, &Compute::cpu()).unwrap()
    }

    /// Runs a graph; with items, as a batch.
    pub fn run(&self, nodes: &str, want: &[&str], items: Option<u64>) -> Result<RunReport, String> {
        let graph = Graph::parse(&format!("Graph(kiln: 1, nodes: {{ {nodes} }})"))
            .unwrap_or_else(|e| panic!("{e}\n{nodes}"));
        let base = self.graph();
        let sandbox = Sandbox::new(&base).with_models(self.dir.path().join("models"));
        let wish = Wish {
            want: want.iter().map(|w| (*w).to_owned()).collect(),
            batch: items.is_some(),
            columns: Vec::new(),
        };
        let plan = self.engine.plan(&graph, &sandbox, &wish).map_err(|e| e.to_string())?;
        let mut setup = Setup::new("test", &base);
        setup.sandbox = Arc::new(sandbox);
        setup.jobs = 2;
        setup.out = items.map(|_| out(&self.dir.path().join("out")));
        setup.batch =
            items.map(|n| Batch { id: "test".into(), items: BatchItems::Range(0, n), resume: false });
        Ok(self.engine.run(&plan, setup, &Cancel::default(), Arc::new(|_| {})).unwrap())
    }

    /// The outputs of the node `n` of this type.
    pub fn outputs(&self, nodes: &str) -> Result<Outputs, String> {
        let report = self.run(nodes, &["n"], None)?;
        match report.values.get("n") {
            Some(Ok(values)) => {
                let graph = Graph::parse(&format!("Graph(kiln: 1, nodes: {{ {nodes} }})")).unwrap();
                let ty = graph.nodes.get("n").unwrap().ty.clone();
                let schema = self.engine.registry().get(&ty).unwrap().schema().clone();
                Ok(schema.outputs.iter().map(|o| o.name.to_owned()).zip(values.iter().cloned()).collect())
            }
            other => Err(format!("{other:?} {:?} {:?}", report.failures, report.rejections)),
        }
    }

    /// The one rejection a gate `n` gives: its reason and score.
    pub fn rejected(&self, nodes: &str) -> (String, f64) {
        let report = self.run(nodes, &["n"], None).unwrap();
        assert_eq!(report.rejections.len(), 1, "{:?} {:?}", report.values, report.failures);
        (report.rejections[0].reason.clone(), report.rejections[0].score)
    }

    /// The failure of the node `n` in words, with the port it blames.
    #[track_caller]
    pub fn fails(&self, nodes: &str, words: &[&str]) {
        let told = self.outputs(nodes).expect_err("it works");
        assert!(words.iter().all(|w| told.contains(w)), "{told}");
    }
}

pub fn out(dir: &Path) -> Arc<OutFolder> {
    let folder = Folder::open(dir, Millis(1)).unwrap();
    Arc::new(OutFolder::new(dir, folder, Arc::new(RealDisk)))
}

pub fn embedding(outputs: &Outputs, name: &str) -> Embedding {
    let Some(Value::Object(object)) = outputs.get(name) else { panic!("no {name} in {outputs:?}") };
    object.as_any().downcast_ref::<Embedding>().unwrap().clone()
}

pub fn float(outputs: &Outputs, name: &str) -> f64 {
    match outputs.get(name) {
        Some(Value::Float(v)) => *v,
        other => panic!("{name}: {other:?}"),
    }
}

pub fn text(outputs: &Outputs, name: &str) -> String {
    match outputs.get(name) {
        Some(Value::Text(v)) => v.to_string(),
        other => panic!("{name}: {other:?}"),
    }
}

pub fn floats(outputs: &Outputs, name: &str) -> Vec<f64> {
    let Some(Value::List(list)) = outputs.get(name) else { panic!("{name}: {outputs:?}") };
    let float = |v: &Value| if let Value::Float(v) = v { *v } else { panic!("{v:?}") };
    list.iter().map(float).collect()
}

/// A batch of pictures of one size.
pub fn batch(of: &[&Image]) -> Image {
    let (h, w) = (of[0].height(), of[0].width());
    Image::new(of.len(), h, w, 3, of.iter().flat_map(|i| i.data().to_vec()).collect()).unwrap()
}
