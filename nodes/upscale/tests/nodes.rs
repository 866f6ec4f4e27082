//! The nodes, one graph at a time, through the engine; and what they give, written down.
//!
//! `KILN_BLESS=1` writes `tests/golden.json` anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::{Reference, picture, run as upscale, upscaler, whole, write};
use kiln_core::document::Graph;
use kiln_core::doors::Sandbox;
use kiln_core::{Cancel, Engine, Event, Node, Registry, Setup, Status, Wish};
use kiln_shelf::Shelf;
use kiln_types::{Image, Value};
use kiln_upscale::Tiles;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

type Outputs = BTreeMap<String, Value>;

/// A folder of models as people have it, and somebody who runs graphs with it.
struct Room {
    dir: tempfile::TempDir,
    shelf: Arc<Shelf>,
}

impl Room {
    fn new(cases: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("upscale_models")).unwrap();
        for case in cases {
            write(
                &dir.path().join(format!("upscale_models/{case}.safetensors")),
                &Reference::load().weights(case),
            );
        }
        Self { dir, shelf: Arc::new(Shelf::cpu()) }
    }

    fn models(&self) -> &Path {
        self.dir.path()
    }

    fn engine(&self, image: &Image) -> Engine {
        let mut registry = Registry::new();
        registry.add_all(kiln_upscale::nodes(&self.shelf));
        let image = image.clone();
        let source = Node::pure("Given", 1, move |cx| {
            cx.set("image", image.clone());
            Ok(())
        });
        registry.add(source.output("image", "Image", "The picture."));
        Engine::new(registry).unwrap()
    }

    /// Runs node `n` of these nodes; an error is in words, with the port it blames.
    fn run(
        &self,
        kind: &str,
        image: &Image,
        nodes: &str,
        hear: Arc<dyn Fn(&Event) + Send + Sync>,
        cancel: &Cancel,
    ) -> Result<Outputs, String> {
        let engine = self.engine(image);
        let text = format!(r#"Graph(kiln: 1, nodes: {{ "given": (type: "Given"), {nodes} }})"#);
        let graph = Graph::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let wish = Wish { want: vec!["n".into()], ..Wish::default() };
        let sandbox = Sandbox::new(".").with_models(self.models());
        let plan = engine.plan(&graph, &sandbox, &wish).map_err(|e| e.to_string())?;
        let mut setup = Setup::new("test", ".");
        setup.sandbox = Arc::new(sandbox);
        let report = engine.run(&plan, setup, cancel, hear).unwrap();
        match report.values.get("n") {
            Some(Ok(values)) => {
                let schema = engine.registry().get(kind).unwrap().schema().clone();
                Ok(schema.outputs.iter().map(|o| o.name.to_owned()).zip(values.iter().cloned()).collect())
            }
            _ if report.status == Status::Cancelled => Err("cancelled".into()),
            _ => Err(format!("{:?}", report.failures)),
        }
    }

    /// Runs one node behind a loaded upscaler.
    fn simple(&self, kind: &str, image: &Image, case: &str, with: &str) -> Result<Outputs, String> {
        self.run(kind, image, &after(kind, case, with), Arc::new(|_| ()), &Cancel::default())
    }
}

fn load(name: &str, case: &str) -> String {
    format!(r#""{name}": (type: "LoadUpscaler", with: {{ "model": "{case}.safetensors" }}), "#)
}

fn after(kind: &str, case: &str, with: &str) -> String {
    let from = r#"{ "image": "given.image", "model": "l.model" }"#;
    format!(r#"{}"n": (type: "{kind}", from: {from}, with: {{ {with} }}), "#, load("l", case))
}

fn image(outputs: &Outputs) -> Arc<Image> {
    let Some(Value::Image(image)) = outputs.get("image") else {
        panic!("no picture in {:?}", outputs.keys())
    };
    image.clone()
}

fn size(outputs: &Outputs) -> (u32, u32) {
    let Some(Value::Size(w, h)) = outputs.get("size") else { panic!("no size in {:?}", outputs.keys()) };
    assert_eq!((*w as usize, *h as usize), (image(outputs).width(), image(outputs).height()));
    (*w, *h)
}

#[test]
fn an_upscaler_is_loaded_by_its_name_and_tells_its_scale() {
    let room = Room::new(&["old", "x2", "compact"]);
    for (case, scale) in [("old", 4), ("x2", 2), ("compact", 4)] {
        let quiet = Arc::new(|_: &Event| ());
        let made =
            room.run("LoadUpscaler", &picture(4, 4, 3), &load("n", case), quiet, &Cancel::default()).unwrap();
        assert!(
            matches!(made.get("scale"), Some(Value::Int(s)) if *s == scale),
            "{case}: {:?}",
            made.get("scale")
        );
        assert!(matches!(made.get("model"), Some(Value::Object(o)) if o.type_name() == "UpscaleModel"));
    }
}

#[test]
fn files_that_are_none_are_refused_where_they_are_loaded() {
    let room = Room::new(&["x2"]);
    let path = room.models().join("upscale_models/swin.safetensors");
    write(
        &path,
        &[("layers.0.residual_group.blocks.0.norm1.weight".to_owned(), (vec![1], vec![1.0]))]
            .into_iter()
            .collect(),
    );
    let error = room.simple("UpscaleWithModel", &picture(4, 4, 3), "swin", "").unwrap_err();
    assert!(
        error.contains("a SwinIR upscaler") && error.contains("model") && error.contains("\"l\""),
        "{error}"
    );
    let error = room.simple("UpscaleWithModel", &picture(4, 4, 3), "none", "").unwrap_err();
    assert!(error.contains("none.safetensors"), "{error}");
    let quiet = Arc::new(|_: &Event| ());
    let wrong =
        r#""n": (type: "UpscaleWithModel", from: { "image": "given.image", "model": "given.image" }), "#;
    let error =
        room.run("UpscaleWithModel", &picture(4, 4, 3), wrong, quiet, &Cancel::default()).unwrap_err();
    assert!(error.contains("UpscaleModel"), "{error}");
}

#[test]
fn a_picture_is_made_larger_in_tiles() {
    let room = Room::new(&["old", "compact x2"]);
    for (case, channels) in [("old", 4), ("compact x2", 3)] {
        let from = picture(70, 90, channels);
        let made = room.simple("UpscaleWithModel", &from, case, r#""tile_size": 64, "overlap": 8"#).unwrap();
        let wanted = upscale(&upscaler(case), &from, Tiles { side: 64, overlap: 8 }).unwrap();
        assert_eq!(image(&made).data(), wanted.data(), "{case}");
    }
    assert!(room.shelf.held() > 0, "networks stay on the shelf");
}

#[test]
fn overlaps_that_are_too_wide_are_found_before_anything_runs() {
    let room = Room::new(&["x2"]);
    for kind in ["UpscaleWithModel", "UpscaleTo"] {
        let error =
            room.simple(kind, &picture(4, 4, 3), "x2", r#""tile_size": 64, "overlap": 40"#).unwrap_err();
        assert!(error.contains("overlap") && error.contains("half a tile"), "{kind}: {error}");
    }
}

#[test]
fn a_size_is_reached_to_the_pixel() {
    let room = Room::new(&["compact x2", "x1"]);
    let from = picture(20, 30, 3);
    for (with, wanted) in [
        (r#""factor": 2.0"#, (60, 40)),
        (r#""factor": 1.3"#, (39, 26)),
        (r#""factor": 5.0"#, (150, 100)),
        (r#""by": "longest side", "side": 77"#, (77, 51)),
        (r#""by": "megapixels", "megapixels": 0.0024"#, (60, 40)),
        (r#""by": "size", "size": (50, 50)"#, (50, 33)),
        (r#""by": "size", "size": (50, 50), "fit": "cover""#, (50, 50)),
        (r#""by": "size", "size": (50, 51), "fit": "stretch""#, (50, 51)),
        (r#""by": "longest side", "side": 12"#, (12, 8)),
    ] {
        let made = room.simple("UpscaleTo", &from, "compact x2", with).unwrap();
        assert_eq!(size(&made), wanted, "{with}");
    }
    let once = room.simple("UpscaleTo", &from, "compact x2", r#""factor": 2.0"#).unwrap();
    assert_eq!(image(&once).data(), upscale(&upscaler("compact x2"), &from, whole()).unwrap().data());
    // Not larger: the network does not run.
    let same = room.simple("UpscaleTo", &from, "compact x2", r#""factor": 1.0"#).unwrap();
    assert_eq!(image(&same).data(), from.data());
    // A network that keeps the size runs once, and the filter does the rest.
    let made = room.simple("UpscaleTo", &from, "x1", r#""factor": 2.0"#).unwrap();
    assert_eq!(size(&made), (60, 40));
}

#[test]
fn progress_is_told_and_reaches_its_end() {
    let room = Room::new(&["compact x2"]);
    for (kind, with) in [("UpscaleWithModel", ""), ("UpscaleTo", r#""factor": 4.0"#)] {
        let told = Arc::new(Mutex::new(Vec::new()));
        let into = told.clone();
        let hear = Arc::new(move |event: &Event| {
            if let Event::Progress { node, done, total, .. } = event
                && node == "n"
            {
                into.lock().unwrap().push((*done, *total));
            }
        });
        room.run(kind, &picture(20, 30, 3), &after(kind, "compact x2", with), hear, &Cancel::default())
            .unwrap();
        let told = told.lock().unwrap().clone();
        assert!(told.windows(2).all(|t| t[0].0 <= t[1].0 && t[0].1 == t[1].1), "{kind}: {told:?}");
        assert!(told.last().is_some_and(|t| t.0 == t.1), "{kind}: {told:?}");
    }
}

#[test]
fn a_run_can_be_cancelled_while_a_tile_is_worked_on() {
    let room = Room::new(&["wide"]);
    let cancel = Cancel::default();
    let stop = cancel.clone();
    let hear = Arc::new(move |event: &Event| {
        if matches!(event, Event::Started { node, .. } if node == "n") {
            stop.cancel();
        }
    });
    let nodes = after("UpscaleWithModel", "wide", "");
    let error = room.run("UpscaleWithModel", &picture(64, 64, 3), &nodes, hear, &cancel).unwrap_err();
    assert_eq!(error, "cancelled");
}

/// What the nodes give, as hashes: one that changes without a new version of its node would leave caches with pictures
/// that nobody can make again.
#[test]
fn nothing_changes_without_a_new_version() {
    let room = Room::new(&["wide", "x2", "compact"]);
    let mut now = BTreeMap::new();
    for (kind, with) in [
        ("UpscaleWithModel", r#""tile_size": 64, "overlap": 16"#),
        ("UpscaleTo", r#""by": "size", "size": (99, 101), "fit": "cover", "filter": "mitchell""#),
    ] {
        for case in ["wide", "x2", "compact"] {
            let made = room.simple(kind, &picture(45, 71, 4), case, with).unwrap();
            let made = image(&made);
            let mut hash = blake3::Hasher::new();
            hash.update(format!("{made:?}").as_bytes());
            made.data().iter().for_each(|v| {
                hash.update(&v.to_bits().to_le_bytes());
            });
            let version = kiln_upscale::nodes(&room.shelf)
                .iter()
                .map(|n| (n.schema().name.to_string(), n.schema().version))
                .find(|n| n.0 == kind)
                .unwrap()
                .1;
            now.insert(format!("{kind} {version}, {case}"), hash.finalize().to_hex()[..32].to_owned());
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden.json");
    if std::env::var_os("KILN_BLESS").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&now).unwrap() + "\n").unwrap();
    }
    let known: BTreeMap<String, String> =
        serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|_| b"{}".to_vec())).unwrap();
    assert_eq!(known, now, "raise the version of the node, then KILN_BLESS=1");
}
