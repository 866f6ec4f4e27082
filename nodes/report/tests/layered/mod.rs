//! A layered collection from a folder of layers to its seal, and the plain loop that it is held against. The test makes
//! a small one; `examples/collection.rs` measures a large one.
#![allow(dead_code, reason = "the test and the measurement use a part each")]

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, Rgba, RgbaImage};
use kiln_core::document::Graph;
use kiln_core::doors::{OutFolder, Sandbox};
use kiln_core::store::{Folder, Millis, RealDisk};
use kiln_core::types::Value;
use kiln_core::{Batch, BatchItems, Cancel, Engine, Registry, Setup, Wish};
use kiln_items::values::{AssignmentValue, Traits};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const GROUPS: [&str; 8] = ["Sky", "Ground", "Body", "Coat", "Face", "Eyes", "Hat", "Held"];
const VALUES: u32 = 9;

/// Draws the layers: a ground that covers everything, and soft shapes that lie on it.
pub fn layers(root: &Path, side: u32) {
    for (group, name) in GROUPS.iter().enumerate() {
        let folder = root.join(format!("{}-{name}", group + 1));
        std::fs::create_dir_all(&folder).unwrap();
        for value in 0..VALUES {
            let (g, v) = (group as f32, value as f32);
            let drawn = RgbaImage::from_fn(side, side, |x, y| {
                let (fx, fy) = (x as f32 / side as f32, y as f32 / side as f32);
                if group == 0 {
                    let tone = (fy * 120.0 + v * 12.0) as u8;
                    return Rgba([tone, 90 + (v * 9.0) as u8, 200 - tone / 2, 255]);
                }
                let (cx, cy) = (0.5 + 0.03 * (g - 4.0), 0.2 + 0.08 * g);
                let d = ((fx - cx) * (fx - cx) + (fy - cy) * (fy - cy)).sqrt();
                let r = 0.12 + 0.03 * v / 9.0 + 0.04 * (8.0 - g) / 8.0;
                let alpha = ((r - d) * 60.0).clamp(0.0, 1.0);
                let grain = ((x * 7 + y * 13 + value * 31) % 17) as u8;
                Rgba([(30 * group) as u8 + grain, (25 * value) as u8, 120 + grain, (alpha * 255.0) as u8])
            });
            drawn.save(folder.join(format!("V{value}#{}.png", value + 1))).unwrap();
        }
    }
}

pub fn engine() -> Engine {
    let mut registry = Registry::new();
    registry.add_all(kiln_image::nodes());
    registry.add_all(kiln_items::nodes());
    registry.add_all(kiln_report::nodes());
    kiln_items::add_codecs(&mut registry);
    Engine::new(registry).unwrap()
}

fn graph(items: u64, compression: u8) -> Graph {
    Graph::parse(&format!(
        r#"Graph(kiln: 1, nodes: {{
            "plan": (type: "TraitPlan", with: {{ "file": "layers" }}),
            "all": (type: "AssignTraits", from: {{ "plan": "plan.plan" }}, with: {{ "size": {items} }}),
            "own": (type: "ItemTraits", from: {{ "assignment": "all.assignment" }}),
            "rarity": (type: "Rarity", from: {{ "assignment": "all.assignment" }}),
            "draw": (type: "LayerPicture", from: {{ "traits": "own.traits" }}),
            "save": (type: "SaveImage", from: {{ "image": "draw.image" }},
                     with: {{ "name": "images/{{item}}", "compression": {compression}, "embed": false }}),
            "token": (type: "TokenMetadata",
                      from: {{ "assignment": "all.assignment", "picture": "draw.image", "rarity": "rarity.rarity", "traits": "own.traits" }},
                      with: {{ "name": "Layered {{number}}", "more_attributes": ["Rank (number): {{rank}}"] }}),
            "document": (type: "SaveToken", from: {{ "files": "save.files", "number": "token.number", "token": "token.token" }}),
            "sheet": (type: "CollectionMetadata", from: {{ "assignment": "all.assignment" }}, with: {{ "title": "Layered" }}),
            "report": (type: "CollectionReport", from: {{ "items": "document.path", "after": "sheet.path" }}),
            "seal": (type: "SealCollection", from: {{ "items": "document.path", "after": "report.path" }}, with: {{ "name": "Layered" }}),
        }})"#
    ))
    .unwrap()
}

/// Makes all of it in `out` with so many workers, from the layers in `base/layers`.
pub fn collection(base: &Path, out: &Path, items: u64, workers: usize, compression: u8) {
    let engine = engine();
    let wish = Wish { batch: true, ..Wish::default() };
    let plan = engine.plan(&graph(items, compression), &Sandbox::new(base), &wish).unwrap();
    let folder = Folder::open(out, Millis(1)).unwrap();
    let setup = Setup {
        jobs: workers,
        batch: Some(Batch::new(&plan, BatchItems::Range(0, items), true)),
        out: Some(Arc::new(OutFolder::new(out, folder, Arc::new(RealDisk)))),
        ..Setup::new("layered", base)
    };
    let report = engine.run(&plan, setup, &Cancel::default(), Arc::new(|_| {})).unwrap();
    assert!(report.failures.is_empty(), "{:?}", report.failures.first());
}

/// Which layers each item has, as the plan says: what they are called, and their files.
pub fn lists(base: &Path, items: u64) -> Vec<Vec<(String, String)>> {
    let engine = engine();
    let wish = Wish { want: vec!["all".into()], ..Wish::default() };
    let plan = engine.plan(&graph(items, 1), &Sandbox::new(base), &wish).unwrap();
    let report = engine.run(&plan, Setup::new("lists", base), &Cancel::default(), Arc::new(|_| {})).unwrap();
    let values = report.values["all"].as_ref().unwrap();
    let Value::Object(object) = &values[0] else { panic!("no assignment") };
    let all = object.as_any().downcast_ref::<AssignmentValue>().unwrap();
    let of = |item: u64| {
        let traits = Traits::of(all, item).unwrap();
        let layer = |t: &kiln_items::values::Trait| {
            Some((format!("{}: {}", t.group, t.shown), t.layer.as_ref()?.path.clone()))
        };
        traits.traits.iter().filter_map(layer).collect()
    };
    (0..items).map(of).collect()
}

/// The floor: decode each layer once, overlay, encode, write, with a small document beside. No rarity, no hashes, no
/// report, no journal, nothing synced to the disk.
pub fn plain(lists: &[Vec<(String, String)>], out: &Path, side: u32, threads: usize, compression: u8) {
    let known: Mutex<BTreeMap<String, Arc<RgbaImage>>> = Mutex::default();
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(layers) = lists.get(at) else { return };
            let mut canvas = RgbaImage::new(side, side);
            for (_, path) in layers {
                let found = known.lock().unwrap().get(path).cloned();
                let layer = found.unwrap_or_else(|| {
                    let made = Arc::new(image::open(path).unwrap().into_rgba8());
                    known.lock().unwrap().insert(path.clone(), made.clone());
                    made
                });
                image::imageops::overlay(&mut canvas, &*layer, 0, 0);
            }
            let mut bytes = Vec::new();
            PngEncoder::new_with_quality(
                &mut bytes,
                CompressionType::Level(compression),
                FilterType::Adaptive,
            )
            .write_image(&canvas, side, side, ExtendedColorType::Rgba8)
            .unwrap();
            std::fs::write(out.join(format!("{at}.png")), bytes).unwrap();
            let traits: Vec<_> = layers.iter().map(|(name, _)| name).collect();
            let document = serde_json::json!({ "name": format!("Layered {at}"), "attributes": traits });
            std::fs::write(out.join(format!("{at}.json")), document.to_string()).unwrap();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
}
