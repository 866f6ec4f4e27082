//! Files: open, save, recovery, recent files, drops, templates.

use crate::support::{Bench, template};
use egui::{Key, Modifiers, vec2};
use kiln_canvas::model::Document;
use kiln_canvas::model::file::{Keeper, left_behind};

const ONE: &str = r#"Graph(kiln: 1, nodes: { "paper": (type: "NoiseImage", with: { "seed": 7 }) })"#;

#[test]
fn saved_and_opened_again_it_is_the_same() {
    let mut bench = Bench::of(ONE);
    bench.click("Value color of paper");
    assert!(bench.studio().is_dirty());
    bench.key(Modifiers::COMMAND, Key::S);
    assert!(!bench.studio().is_dirty());
    let path = bench.folder.path().join("graph.ron");
    let saved = std::fs::read_to_string(&path).unwrap();
    assert_eq!(saved, bench.text());
    // Undo leads away from what is saved, redo back to it.
    bench.key(Modifiers::COMMAND, Key::Z);
    assert!(bench.studio().is_dirty());
    bench.key(Modifiers::COMMAND, Key::Y);
    assert!(!bench.studio().is_dirty());
    bench.studio().open_path(&path);
    bench.settle();
    assert_eq!(bench.text(), saved);
    assert_eq!(bench.studio().settings.recent, [path]);
}

#[test]
fn save_as_asks_for_a_name_and_does_not_replace_unasked() {
    let mut bench = Bench::of(ONE);
    let other = bench.folder.path().join("other.ron");
    std::fs::write(&other, "precious").unwrap();
    bench.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::S);
    bench.click("File name");
    bench.key(Modifiers::COMMAND, Key::A);
    bench.type_text("other.ron");
    bench.click("Save");
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "precious");
    bench.click("Replace");
    assert!(std::fs::read_to_string(&other).unwrap().contains("NoiseImage"));
}

#[test]
fn a_document_with_changes_is_not_left_unasked() {
    let mut bench = Bench::of(ONE);
    bench.click("Value color of paper");
    let before = bench.text();
    bench.key(Modifiers::COMMAND, Key::N);
    assert_eq!(bench.text(), before);
    bench.click("Cancel");
    assert_eq!(bench.text(), before);
    bench.key(Modifiers::COMMAND, Key::N);
    bench.click("Discard");
    assert!(bench.graph().nodes.is_empty());
}

#[test]
fn after_a_crash_the_work_is_there() {
    let data = tempfile::tempdir().unwrap();
    let lost = {
        let mut bench = Bench::with(vec2(1200.0, 800.0), 1.0, Some(data.path()));
        bench.show(ONE);
        bench.click("Value color of paper");
        // Two seconds later it is kept; then the window is gone without a word.
        bench.harness.run_steps(60);
        let kept = data.path().join("unsaved/1.ron");
        bench.until("the keeping", |_| kept.is_file());
        bench.text()
    };
    let mut bench = Bench::with(vec2(1200.0, 800.0), 1.0, Some(data.path()));
    let label = bench.labels().into_iter().find(|l| l.contains("Recover")).unwrap();
    bench.click(&label);
    assert_eq!(bench.text(), lost);
    assert!(bench.studio().is_dirty());
}

#[test]
fn what_is_kept_is_whole_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let mut doc = Document::parse(ONE).unwrap();
    let mut keeper = Keeper::new(folder.path(), "1");
    for n in 0..20u64 {
        doc.step(&[], "Set", |s| s.set_param("paper", "seed", Some(n.into())));
        assert!(keeper.keep(&doc, None).unwrap());
        assert!(!keeper.keep(&doc, None).unwrap(), "nothing changed, nothing is written");
        keeper.flush();
        // A part of a file, as a kill would leave it.
        std::fs::write(folder.path().join(".2.ron.99.part"), "Graph(").unwrap();
        let found = left_behind(folder.path(), &|_| false);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].text, doc.to_text());
    }
    assert!(left_behind(folder.path(), &|window| window == "1").is_empty(), "of a window that lives");
    keeper.clear();
    assert!(left_behind(folder.path(), &|_| false).is_empty());
}

#[test]
fn a_graph_and_a_picture_are_dropped_on_the_window() {
    let mut bench = Bench::new();
    let path = bench.folder.path().join("dropped.ron");
    std::fs::write(&path, template("framed-paper")).unwrap();
    let ctx = bench.harness.ctx.clone();
    bench.studio().take_file(&ctx, &path, None);
    bench.settle();
    assert_eq!(bench.graph().title, "Framed paper");
    // A picture without a graph becomes a node that loads it.
    let picture = bench.folder.path().join("plain.png");
    std::fs::write(&picture, bench.still().png()).unwrap();
    bench.studio().take_file(&ctx, &picture, None);
    bench.settle();
    let graph = bench.graph();
    let loader = graph.nodes.values().last().unwrap();
    assert!(loader.with.values().any(|v| v.as_text() == Some("plain.png")), "{loader:?}");
}

#[test]
fn a_template_is_begun_with() {
    let mut bench = Bench::new();
    bench.click("Begin with a template");
    bench.click("Template Framed paper");
    assert_eq!(bench.graph().nodes.len(), 9);
    assert_eq!(bench.studio().path, None, "saving it does not overwrite the template");
}

#[test]
fn settings_stay() {
    let data = tempfile::tempdir().unwrap();
    {
        let mut bench = Bench::with(vec2(1200.0, 800.0), 1.0, Some(data.path()));
        bench.key(Modifiers::COMMAND, Key::Comma);
        bench.click("Light");
        bench.key(Modifiers::NONE, Key::Escape);
    }
    let mut bench = Bench::with(vec2(1200.0, 800.0), 1.0, Some(data.path()));
    assert_eq!(bench.studio().settings.theme, kiln_canvas::app::settings::Theme::Light);
    assert_eq!(bench.harness.ctx.theme(), egui::Theme::Light);
}

#[test]
fn the_tour_ends_with_a_picture() {
    let data = tempfile::tempdir().unwrap();
    let settings = serde_json::json!({ "out": data.path().join("out") });
    std::fs::write(data.path().join("settings.json"), settings.to_string()).unwrap();
    let mut bench = Bench::with(vec2(1400.0, 860.0), 1.0, Some(data.path()));
    for _ in 0..3 {
        bench.click("Next");
    }
    bench.click("Run it");
    bench.until("a picture", |s| s.session.states.values().any(|s| s.picture.is_some()));
    assert!(bench.studio().settings.toured);
}
