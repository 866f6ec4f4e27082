//! How long a frame takes the window's thread: 2,000 nodes at 1:1 and fitted to the window, 10,000 nodes fitted, and
//! how long a document of 10,000 nodes takes to open. The best of several is told, since others may use the machine.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on stops; it tells"
)]

use egui::{Context, RawInput, Rect, pos2, vec2};
use kiln_canvas::canvas::{Canvas, Lights};
use kiln_canvas::model::Document;
use kiln_core::Registry;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

fn many(count: usize) -> String {
    let mut text = String::from("Graph(kiln: 1, nodes: {\n");
    let columns = (count as f64).sqrt().ceil() as usize;
    for n in 0..count {
        let ty = ["NoiseImage", "PadImage", "DropShadow", "OutlineSubject", "SaveImage"][n % 5];
        let link =
            if n % 5 == 0 { String::new() } else { format!(", from: {{ \"image\": \"n{}.image\" }}", n - 1) };
        let _ = writeln!(text, "\"n{n}\": (type: \"{ty}\"{link}),");
    }
    text.push_str("}, canvas: { \"positions\": {\n");
    for n in 0..count {
        let _ = writeln!(text, "\"n{n}\": ({}, {}),", (n % columns) * 300, (n / columns) * 420);
    }
    text.push_str("} })");
    text
}

struct Times {
    ui: Duration,
    triangles: Duration,
}

fn frames(doc: &mut Document, registry: &Registry, zoom: Option<f32>, moving: bool) -> Times {
    let ctx = Context::default();
    kiln_canvas::look::install(&ctx);
    let (states, problems) = (BTreeMap::new(), BTreeMap::new());
    let mut canvas = Canvas::new();
    let mut best = Times { ui: Duration::MAX, triangles: Duration::MAX };
    for frame in 0..40 {
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), vec2(1600.0, 1000.0))),
            time: Some(f64::from(frame) / 60.0),
            ..RawInput::default()
        };
        if let Some(zoom) = zoom.filter(|_| frame > 2) {
            let step = if moving { frame as f32 * 3.0 } else { 0.0 };
            canvas.camera.jump(pos2(6000.0 + step, 6000.0), zoom);
        } else if moving {
            canvas.camera.pan(vec2(1.0, 0.0));
        }
        let start = Instant::now();
        let mut output = ctx.run_ui(input, |ui| {
            if frame > 0 {
                let lights = Lights { states: &states, problems: &problems, time: 0.0 };
                canvas.show(ui, doc, registry, &lights);
            }
        });
        let ui = start.elapsed();
        output.textures_delta.clear();
        let start = Instant::now();
        let primitives = ctx.tessellate(output.shapes, output.pixels_per_point);
        let triangles = start.elapsed();
        std::hint::black_box(primitives);
        if frame > 8 {
            best.ui = best.ui.min(ui);
            best.triangles = best.triangles.min(triangles);
        }
    }
    best
}

fn main() {
    let mut registry = Registry::new();
    registry.add_all(kiln_basics::nodes());
    registry.add_all(kiln_image::nodes());
    let text = many(10_000);
    let start = Instant::now();
    let mut large = Document::parse(&text).unwrap();
    println!("open 10,000 nodes: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    let mut doc = Document::parse(&many(2000)).unwrap();
    let tell = |name: &str, doc: &mut Document, zoom: Option<f32>, moving: bool| {
        let t = frames(doc, &registry, zoom, moving);
        let ms = |d: Duration| d.as_secs_f64() * 1e3;
        println!("{name}: {:.2} ms, and {:.2} ms for the triangles", ms(t.ui), ms(t.triangles));
    };
    tell("2,000 nodes at 1:1", &mut doc, Some(1.0), false);
    tell("2,000 nodes at 1:1, moving", &mut doc, Some(1.0), true);
    tell("2,000 nodes fitted", &mut doc, None, false);
    tell("2,000 nodes fitted, moving", &mut doc, None, true);
    tell("10,000 nodes fitted, moving", &mut large, None, true);
}
