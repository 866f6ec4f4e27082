//! Layered pictures made and written through the engine, against a plain loop over the `image` crate on as many threads.
//!
//! `cargo run --release -p kiln-items --example layers -- ITEMS THREADS COMPRESSION WORKERS` prints both times and their
//! ratio; both write every file, ours also syncs it to the disk and keeps a journal.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a measurement that cannot go on stops"
)]

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, Rgba, RgbaImage};
use kiln_core::document::Graph;
use kiln_core::doors::{OutFolder, Sandbox};
use kiln_core::store::{Folder, Millis, RealDisk};
use kiln_core::{Batch, BatchItems, Cancel, Engine, Registry, Setup, Wish};
use kiln_items::values::{AssignmentValue, Traits};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

const SIDE: u32 = 512;
const GROUPS: [(&str, u32); 8] =
    [("Sky", 9), ("Ground", 9), ("Body", 9), ("Coat", 9), ("Face", 9), ("Eyes", 9), ("Hat", 9), ("Held", 9)];

/// Processor time of this process so far, in seconds, where the system tells it.
fn worked() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks =
        |at: usize| after.split_whitespace().nth(at).and_then(|v| v.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// Draws the layers: a ground that covers everything, and soft shapes that lie on it.
fn layers(root: &Path) {
    for (group, (name, values)) in GROUPS.iter().enumerate() {
        let folder = root.join(format!("{}-{name}", group + 1));
        std::fs::create_dir_all(&folder).unwrap();
        for value in 0..*values {
            let (g, v) = (group as f32, value as f32);
            let image = RgbaImage::from_fn(SIDE, SIDE, |x, y| {
                let (fx, fy) = (x as f32 / SIDE as f32, y as f32 / SIDE as f32);
                if group == 0 {
                    let tone = (fy * 120.0 + v * 12.0) as u8;
                    return Rgba([tone, 90 + (v * 9.0) as u8, 200 - tone / 2, 255]);
                }
                let (cx, cy) = (0.5 + 0.1 * (g - 4.0) * 0.3, 0.2 + 0.08 * g);
                let wave = 0.02 * (((fx * 6.0 + v) % 1.0 - 0.5).abs() + ((fy * 5.0) % 1.0 - 0.5).abs());
                let d = ((fx - cx) * (fx - cx) + (fy - cy) * (fy - cy)).sqrt() + wave;
                let r = 0.12 + 0.03 * v / 9.0 + 0.04 * (8.0 - g) / 8.0;
                let alpha = ((r - d) * 60.0).clamp(0.0, 1.0);
                let grain = ((x * 7 + y * 13 + value * 31) % 17) as u8;
                Rgba([(30 * group) as u8 + grain, (25 * value) as u8, 120 + grain, (alpha * 255.0) as u8])
            });
            image.save(folder.join(format!("V{value}#{}.png", value + 1))).unwrap();
        }
    }
}

fn engine() -> Engine {
    let mut registry = Registry::new();
    registry.add_all(kiln_image::nodes());
    registry.add_all(kiln_items::nodes());
    kiln_items::add_codecs(&mut registry);
    Engine::new(registry).unwrap()
}

fn graph(items: u64, compression: u8) -> Graph {
    Graph::parse(&format!(
        r#"Graph(kiln: 1, nodes: {{
            "plan": (type: "TraitPlan", with: {{ "file": "layers" }}),
            "all": (type: "AssignTraits", from: {{ "plan": "plan.plan" }}, with: {{ "size": {items} }}),
            "own": (type: "ItemTraits", from: {{ "assignment": "all.assignment" }}),
            "draw": (type: "LayerPicture", from: {{ "traits": "own.traits" }}),
            "save": (type: "SaveImage", from: {{ "image": "draw.image" }},
                     with: {{ "name": "{{item}}", "compression": {compression}, "embed": false }}),
        }})"#
    ))
    .unwrap()
}

fn ours(base: &Path, out: &Path, items: u64, threads: usize, compression: u8) -> f64 {
    let engine = engine();
    let begun = Instant::now();
    let wish = Wish { batch: true, ..Wish::default() };
    let plan = engine.plan(&graph(items, compression), &Sandbox::new(base), &wish).unwrap();
    let folder = Folder::open(out, Millis(1)).unwrap();
    let setup = Setup {
        jobs: threads,
        batch: Some(Batch::new(&plan, BatchItems::Range(0, items), true)),
        out: Some(Arc::new(OutFolder::new(out, folder, Arc::new(RealDisk)))),
        ..Setup::new("bench", base)
    };
    let report = engine.run(&plan, setup, &Cancel::default(), Arc::new(|_| {})).unwrap();
    assert!(report.failures.is_empty(), "{:?}", report.failures.first());
    begun.elapsed().as_secs_f64()
}

/// Which layers each item has, as the plan says.
fn lists(base: &Path, items: u64, compression: u8) -> Vec<Vec<String>> {
    let engine = engine();
    let wish = Wish { want: vec!["all".into()], ..Wish::default() };
    let plan = engine.plan(&graph(items, compression), &Sandbox::new(base), &wish).unwrap();
    let report = engine.run(&plan, Setup::new("lists", base), &Cancel::default(), Arc::new(|_| {})).unwrap();
    let values = report.values["all"].as_ref().expect("an assignment");
    let kiln_core::types::Value::Object(object) = &values[0] else { unreachable!() };
    let all = object.as_any().downcast_ref::<AssignmentValue>().unwrap();
    let paths = |item: u64| {
        let traits = Traits::of(all, item).unwrap();
        traits.traits.iter().filter_map(|t| t.layer.as_ref().map(|l| l.path.clone())).collect()
    };
    (0..items).map(paths).collect()
}

/// The floor: decode each layer once, overlay, encode, write.
fn plain(lists: &[Vec<String>], out: &Path, threads: usize, compression: u8) -> f64 {
    let begun = Instant::now();
    let known: Mutex<HashMap<String, Arc<RgbaImage>>> = Mutex::default();
    let next = AtomicU64::new(0);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed) as usize;
            let Some(layers) = lists.get(at) else { return };
            let mut canvas = RgbaImage::new(SIDE, SIDE);
            for path in layers {
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
            .write_image(&canvas, SIDE, SIDE, ExtendedColorType::Rgba8)
            .unwrap();
            std::fs::write(out.join(format!("{at}.png")), bytes).unwrap();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    begun.elapsed().as_secs_f64()
}

fn main() {
    let mut args = std::env::args().skip(1);
    let mut number = |otherwise: u64| args.next().and_then(|a| a.parse().ok()).unwrap_or(otherwise);
    let (items, threads, compression) = (number(300), number(2) as usize, number(4) as u8);
    // Workers that wait for the disk do not compute: some more of them than there are cores keep the cores busy.
    let jobs = number(threads as u64) as usize;
    let base = tempfile::tempdir().unwrap();
    layers(&base.path().join("layers"));
    let lists = lists(base.path(), items, compression);
    let (mut best_ours, mut best_plain) = (f64::INFINITY, f64::INFINITY);
    let (mut cpu_ours, mut cpu_plain) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..2 {
        let out = tempfile::tempdir().unwrap();
        let before = worked();
        best_plain = best_plain.min(plain(&lists, out.path(), threads, compression));
        cpu_plain = cpu_plain.min(worked() - before);
        let made = tempfile::tempdir().unwrap();
        let before = worked();
        best_ours = best_ours.min(ours(base.path(), made.path(), items, jobs, compression));
        cpu_ours = cpu_ours.min(worked() - before);
        let mut most = 0;
        for at in 0..items.min(20) {
            let open = |dir: &Path| image::open(dir.join(format!("{at}.png"))).unwrap().into_rgba8();
            let (a, b) = (open(out.path()), open(made.path()));
            most = most.max(a.iter().zip(b.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0));
        }
        println!("samples differ by at most {most} of 255");
    }
    let each = |time: f64| time / items as f64 * 1000.0;
    let line = |name: &str, time: f64, cpu: f64| {
        println!("{name} {time:.2} s, {:.2} ms a picture, {:.2} ms of a processor", each(time), each(cpu));
    };
    line("plain loop:", best_plain, cpu_plain);
    line("kiln:      ", best_ours, cpu_ours);
    println!("ratio: {:.3}; of processor time {:.3}", best_ours / best_plain, cpu_ours / cpu_plain);
}
