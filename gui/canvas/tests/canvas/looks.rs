//! Pictures of the main screens: the same every run, nothing cut off. With `KILN_STILLS=folder` they are written there
//! to be looked at.

use crate::support::{Bench, template};
use egui::{Key, Modifiers, vec2};
use kiln_canvas::app::settings::Theme;
use std::fmt::Write;

pub fn keep(bench: &mut Bench, name: &str) -> Vec<u8> {
    let still = bench.still();
    if let Ok(folder) = std::env::var("KILN_STILLS") {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), still.png()).unwrap();
    }
    still.rgba
}

/// Rows of small graphs, as large as is asked.
pub fn many(count: usize) -> String {
    let mut text = String::from("Graph(kiln: 1, nodes: {\n");
    let columns = (count as f64).sqrt().ceil() as usize;
    for n in 0..count {
        let types = ["NoiseImage", "PadImage", "OutlineSubject", "ImageInvert", "SaveImage"];
        let ty = types[n % 5];
        let link = if n % 5 == 0 {
            String::new()
        } else {
            let port = "image";
            format!(", from: {{ \"{port}\": \"n{}.image\" }}", n - 1)
        };
        let _ = writeln!(text, "\"n{n}\": (type: \"{ty}\"{link}),");
    }
    text.push_str("}, canvas: { \"positions\": {\n");
    for n in 0..count {
        let _ = writeln!(text, "\"n{n}\": ({}, {}),", (n % columns) * 300, (n / columns) * 360);
    }
    text.push_str("} })");
    text
}

fn run(bench: &mut Bench) {
    bench.click("Fix: Run over items");
    bench.click("Run");
    bench.until("the run", |s| !s.session.runs.is_empty() && !s.session.is_busy());
    bench.until("the pictures", |s| s.session.states.values().filter(|s| s.picture.is_some()).count() >= 6);
}

fn screens(scale: f32, theme: Theme, tag: &str) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut bench = Bench::with(vec2(1400.0, 860.0), scale, None);
    bench.studio().settings.theme = theme;
    bench.settle();
    all.push((format!("empty-{tag}"), keep(&mut bench, &format!("empty-{tag}"))));
    bench.show(&template("framed-paper"));
    bench.key(Modifiers::NONE, Key::Period);
    // What is wrong is found by a thread; the picture shows it.
    bench.until("the check", |s| !s.checker.problems.is_empty());
    all.push((format!("template-{tag}"), keep(&mut bench, &format!("template-{tag}"))));
    all
}

#[test]
fn the_main_screens_are_the_same_every_run() {
    for (scale, theme, tag) in
        [(1.0, Theme::Dark, "dark-1x"), (1.0, Theme::Light, "light-1x"), (2.0, Theme::Dark, "dark-2x")]
    {
        let (one, two) = (screens(scale, theme, tag), screens(scale, theme, tag));
        for ((name, a), (_, b)) in one.iter().zip(&two) {
            assert_eq!(a.len(), b.len());
            let wrong = a.chunks(4).zip(b.chunks(4)).enumerate().filter(|(_, (a, b))| a != b);
            let wrong: Vec<usize> = wrong.map(|(n, _)| n).collect();
            let width = (1400.0 * scale) as usize;
            let first = wrong.first().map(|n| (n % width, n / width));
            let last = wrong.last().map(|n| (n % width, n / width));
            let count = wrong.len();
            assert!(a == b, "{name} differs between two runs, in {count} pixels from {first:?} to {last:?}");
        }
    }
}

#[test]
fn a_run_a_gallery_a_large_graph() {
    let mut bench = Bench::of(&template("framed-paper"));
    bench.key(Modifiers::NONE, Key::Period);
    run(&mut bench);
    bench.key(Modifiers::NONE, Key::L);
    keep(&mut bench, "run-dark-1x");
    let at = bench.studio().canvas.scene.node("inked").unwrap().rect().center();
    bench.studio().canvas.camera.jump(at, 1.0);
    bench.settle();
    keep(&mut bench, "close-dark-1x");
    bench.key(Modifiers::NONE, Key::Period);
    bench.click("Node Contact sheet (all)");
    keep(&mut bench, "inspector-dark-1x");
    let made = bench.labels().into_iter().find(|l| l.starts_with("Made ")).unwrap();
    bench.click(&made);
    bench.until("the large picture", |_| true);
    keep(&mut bench, "viewer-dark-1x");
    bench.key(Modifiers::NONE, Key::Escape);
    bench.key(Modifiers::COMMAND, Key::K);
    keep(&mut bench, "commands-dark-1x");
    bench.key(Modifiers::NONE, Key::Escape);
    bench.key(Modifiers::COMMAND, Key::T);
    keep(&mut bench, "templates-dark-1x");
    bench.key(Modifiers::NONE, Key::Escape);
    bench.key(Modifiers::NONE, Key::Tab);
    keep(&mut bench, "palette-dark-1x");
    let mut bench = Bench::of(&many(300));
    bench.key(Modifiers::NONE, Key::Period);
    keep(&mut bench, "many-dark-1x");
    let center = bench.studio().canvas.camera.center;
    bench.studio().canvas.camera.jump(center, 0.5);
    bench.settle();
    keep(&mut bench, "half-dark-1x");
}
