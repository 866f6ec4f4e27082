//! Runs: what became of nodes, pictures, the queue and decisions.

use crate::support::Bench;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use kiln_canvas::canvas::Status;

const ONE: &str = r#"Graph(kiln: 1, title: "Paper", nodes: {
    "paper": (type: "NoiseImage", with: { "size": (64, 64), "seed": 7 }),
    "frame": (type: "PadImage", from: { "image": "paper.image" }, with: { "size": 4 }),
    "save": (type: "SaveImage", from: { "image": "frame.image" }, with: { "name": "one" }),
}, canvas: { "positions": { "paper": (0, 0), "frame": (340, 0), "save": (680, 0) } })"#;

fn done(bench: &mut Bench, runs: usize) {
    bench.until("the run", |s| s.session.runs.len() == runs && !s.session.is_busy());
}

fn status(bench: &mut Bench, node: &str) -> Status {
    bench.studio().session.states.get(node).map(|s| s.status.clone()).unwrap_or_default()
}

#[test]
fn a_run_shows_times_pictures_and_what_was_kept() {
    let mut bench = Bench::of(ONE);
    bench.key(Modifiers::COMMAND, Key::Enter);
    done(&mut bench, 1);
    assert!(matches!(status(&mut bench, "paper"), Status::Done { .. }));
    for _ in 0..200 {
        std::thread::sleep(std::time::Duration::from_millis(10));
        bench.settle();
    }
    let missing = bench.studio().session.pictures.missing.clone();
    assert!(missing.is_empty(), "{missing:?}");
    bench.until("the picture", |s| s.session.states.get("save").is_some_and(|s| s.picture.is_some()));
    assert!(bench.folder.path().join("out/one.png").is_file());
    assert_eq!(bench.studio().session.history.made.len(), 1);
    // Again: nothing has to be made.
    bench.key(Modifiers::COMMAND, Key::Enter);
    done(&mut bench, 2);
    assert!(!matches!(status(&mut bench, "paper"), Status::Running { .. }));
    let why = bench.studio().session.states["frame"].why.clone();
    assert!(!why.is_empty());
    assert_eq!(bench.studio().session.runs[1].summary.as_ref().unwrap().ran, 0);
}

#[test]
fn run_to_here_makes_only_what_it_needs() {
    let mut bench = Bench::of(ONE);
    bench.click("Node Frame picture (frame)");
    bench.key(Modifiers::SHIFT, Key::Enter);
    done(&mut bench, 1);
    assert_eq!(bench.studio().session.runs[0].job.want, ["frame"]);
    assert!(matches!(status(&mut bench, "frame"), Status::Done { .. }));
    assert!(!bench.folder.path().join("out/one.png").exists());
}

#[test]
fn a_failure_stands_on_the_node_with_what_to_do() {
    let text = ONE.replace(
        "\"paper\": (type: \"NoiseImage\", with: { \"size\": (64, 64), \"seed\": 7 })",
        "\"paper\": (type: \"LoadImage\", with: { \"file\": \"nowhere.png\" })",
    );
    let mut bench = Bench::of(&text);
    bench.key(Modifiers::COMMAND, Key::Enter);
    done(&mut bench, 1);
    assert!(
        matches!(status(&mut bench, "paper"), Status::Failed { .. }),
        "{:?}",
        bench.studio().session.states
    );
    assert!(bench.studio().checker.by_node.contains_key("paper"));
}

#[test]
fn a_change_runs_by_itself_after_a_rest() {
    let mut bench = Bench::of(ONE);
    bench.click("Run on every change");
    bench.click("Value color of paper");
    bench.until("the run", |s| s.session.runs.len() == 1 && !s.session.is_busy());
    assert!(bench.studio().session.runs[0].job.automatic);
    // What it looks at is made, but nothing outside is changed.
    assert!(!bench.folder.path().join("out").join("one.png").exists());
}

#[test]
fn a_batch_makes_its_items() {
    let mut bench = Bench::of(&ONE.replace("\"one\"", "\"{item:03}\""));
    bench.studio().batch = serde_batch(3);
    bench.key(Modifiers::COMMAND, Key::Enter);
    done(&mut bench, 1);
    assert_eq!(bench.studio().session.runs[0].items, Some((3, 3)));
    for n in 0..3 {
        assert!(bench.folder.path().join(format!("out/{n:03}.png")).is_file());
    }
    bench.until("the gallery", |s| s.session.history.made.len() == 3);
}

fn serde_batch(count: u64) -> kiln_canvas::app::Batch {
    kiln_canvas::app::Batch { on: true, from: 0, count }
}

#[test]
fn the_graph_of_a_picture_is_restored_and_compared() {
    let mut bench = Bench::of(ONE);
    bench.key(Modifiers::COMMAND, Key::Enter);
    done(&mut bench, 1);
    bench.until("the gallery", |s| s.session.history.made.len() == 1);
    bench.click("Value color of paper");
    let made = bench.studio().session.history.made[0].clone();
    bench.studio().compare(&made);
    bench.settle();
    assert_eq!(bench.studio().canvas.selection.nodes.iter().collect::<Vec<_>>(), ["paper"]);
    bench.studio().restore(&made);
    bench.settle();
    bench.click("Discard");
    assert!(!bench.graph().nodes["paper"].with.contains_key("color"));
}

#[test]
fn the_history_is_there_tomorrow() {
    let data = tempfile::tempdir().unwrap();
    {
        let mut bench = Bench::with(egui::vec2(1400.0, 860.0), 1.0, Some(data.path()));
        bench.show(ONE);
        bench.key(Modifiers::COMMAND, Key::Enter);
        done(&mut bench, 1);
        bench.until("the picture", |s| s.session.states.get("save").is_some_and(|s| s.picture.is_some()));
    }
    let mut bench = Bench::with(egui::vec2(1400.0, 860.0), 1.0, Some(data.path()));
    assert_eq!(bench.studio().session.history.made.len(), 1);
    let label = bench.labels().into_iter().find(|l| l.starts_with("Made frame")).unwrap();
    bench.click(&label);
    bench.click("Restore its graph");
    assert_eq!(bench.graph().title, "Paper");
}

#[test]
fn a_person_decides_by_keyboard() {
    let text = ONE.replace(
        "\"frame\": (type: \"PadImage\", from: { \"image\": \"paper.image\" }, with: { \"size\": 4 })",
        "\"frame\": (type: \"ReviewGate\", from: { \"image\": \"paper.image\" })",
    );
    let mut bench = Bench::of(&text);
    bench.key(Modifiers::COMMAND, Key::Enter);
    done(&mut bench, 1);
    bench.until("the question", |s| !s.session.parked.is_empty());
    assert!(matches!(status(&mut bench, "frame"), Status::Parked { .. }));
    bench.key(Modifiers::NONE, Key::Y);
    let decisions = bench.folder.path().join("out/.kiln/decisions.jsonl");
    bench.until("the decision", |_| std::fs::read_to_string(&decisions).is_ok_and(|t| t.contains("accept")));
    assert!(bench.studio().session.parked.is_empty(), "{:?}", bench.studio().toast);
    bench.key(Modifiers::COMMAND, Key::Enter);
    done(&mut bench, 2);
    assert!(bench.folder.path().join("out/one.png").is_file());
}

#[test]
fn a_run_is_interrupted() {
    // Large enough to be still at it.
    let mut bench = Bench::of(&ONE.replace("(64, 64)", "(4000, 4000)"));
    bench.key(Modifiers::COMMAND, Key::Enter);
    bench.until("the start", |s| s.session.is_busy() || !s.session.runs.is_empty());
    bench.key(Modifiers::COMMAND | Modifiers::ALT, Key::Enter);
    done(&mut bench, 1);
    let phase = bench.studio().session.runs[0].phase.clone();
    assert!(
        matches!(&phase, kiln_canvas::run::Phase::Ended { how } if how == "cancelled" || how == "done"),
        "{phase:?}"
    );
}

#[test]
fn the_viewer_tells_pixels_and_compares() {
    use kiln_canvas::app::{Compare, Over};
    let mut bench = Bench::of(ONE);
    for (n, seed) in [7u64, 8].into_iter().enumerate() {
        bench.studio().doc.step(&[], "Set", |s| s.set_param("paper", "seed", Some(seed.into())));
        bench.key(Modifiers::COMMAND, Key::Enter);
        done(&mut bench, n + 1);
        bench.until("the picture", |s| {
            s.session.history.made.len() == n + 1
                && s.session.history.made.iter().all(|m| s.session.pictures.pixels(&m.key).is_some())
        });
    }
    let first = bench.labels().into_iter().find(|l| l.starts_with("Made frame")).unwrap();
    let at = bench.harness.get_all_by_label(&first).next().unwrap().rect().center();
    bench.click_at(at, Modifiers::NONE);
    bench.harness.hover_at(egui::pos2(700.0, 450.0));
    bench.settle();
    let Over::Viewer(viewer) = &bench.studio().over else { panic!("no viewer") };
    let (x, y, sample) = viewer.pixel.unwrap();
    let key = viewer.key.clone();
    assert!(x < 72 && y < 72, "{x} {y}");
    let pixels = bench.studio().session.pictures.pixels(&key).unwrap().clone();
    assert_eq!(pixels.at(x, y), Some(sample));
    for (button, mode) in
        [("Wipe", Compare::Wipe), ("Difference", Compare::Difference), ("Picture", Compare::None)]
    {
        bench.click(button);
        let Over::Viewer(viewer) = &bench.studio().over else { panic!("no viewer") };
        assert_eq!(viewer.compare, mode);
    }
    // The arrow keys go through what was made.
    bench.key(Modifiers::NONE, Key::ArrowLeft);
    let Over::Viewer(viewer) = &bench.studio().over else { panic!("no viewer") };
    assert_ne!(viewer.key, key);
    bench.key(Modifiers::NONE, Key::Escape);
    assert!(matches!(bench.studio().over, Over::None));
}
