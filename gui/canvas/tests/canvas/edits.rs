//! Nodes, groups and notes: selecting, moving, copying, folding, grouping.

use crate::support::{Bench, template};
use egui::{Key, Modifiers, vec2};
use kiln_canvas::model::Spot;
use kiln_core::document::Mode;

const THREE: &str = r#"Graph(kiln: 1, nodes: {
    "a": (type: "NoiseImage"),
    "b": (type: "PadImage", from: { "image": "a.image" }),
    "c": (type: "SaveImage", from: { "image": "b.image" }),
}, canvas: { "positions": { "a": (0, 0), "b": (340, 0), "c": (680, 0) } })"#;

fn spot(bench: &mut Bench, name: &str) -> Spot {
    bench.studio().doc.view(&[]).positions[name]
}

#[test]
fn nodes_are_moved_and_the_move_undone() {
    let mut bench = Bench::of(THREE);
    let at = bench.at("Node Noise (a)");
    bench.drag(at, at + vec2(-20.0, 160.0), Modifiers::ALT);
    assert_eq!(spot(&mut bench, "a"), Spot::new(-20.0, 160.0));
    bench.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(spot(&mut bench, "a"), Spot::new(0.0, 0.0));
}

#[test]
fn a_moved_node_lines_up_with_its_neighbour() {
    let mut bench = Bench::of(THREE);
    let at = bench.at("Node Noise (a)");
    // Four points short of the neighbour's upper edge after some way down and back.
    bench.drag(at, at + vec2(-20.0, 4.0), Modifiers::NONE);
    assert_eq!(spot(&mut bench, "a").y, 0.0);
    bench.studio().canvas.snap = kiln_canvas::canvas::Snap::Grid;
    let at = bench.at("Node Noise (a)");
    bench.drag(at, at + vec2(-31.0, 50.0), Modifiers::NONE);
    let there = spot(&mut bench, "a");
    assert_eq!((there.x.rem_euclid(24.0), there.y.rem_euclid(24.0)), (0.0, 0.0));
}

#[test]
fn a_box_selects_what_it_touches() {
    let mut bench = Bench::of(THREE);
    let (from, to) = (bench.rect("Node Noise (a)").min, bench.at("Node Frame picture (b)"));
    bench.drag(from - vec2(20.0, 30.0), to, Modifiers::NONE);
    let selected = bench.studio().canvas.selection.nodes.clone();
    assert_eq!(selected.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    bench.click_with("Node Frame picture (b)", Modifiers::COMMAND);
    assert_eq!(bench.studio().canvas.selection.nodes.len(), 1);
}

#[test]
fn deleting_and_duplicating() {
    let mut bench = Bench::of(THREE);
    bench.click("Node Frame picture (b)");
    bench.key(Modifiers::COMMAND, Key::D);
    let graph = bench.graph();
    assert_eq!(graph.nodes["b_2"].from["image"].links()[0].node, "a");
    bench.key(Modifiers::NONE, Key::Delete);
    assert!(!bench.graph().nodes.contains_key("b_2"));
    bench.key(Modifiers::COMMAND, Key::A);
    bench.key(Modifiers::NONE, Key::Delete);
    assert!(bench.graph().nodes.is_empty());
    for _ in 0..3 {
        bench.key(Modifiers::COMMAND, Key::Z);
    }
    assert_eq!(bench.graph().nodes.len(), 3);
}

#[test]
fn the_clipboard_goes_from_one_window_to_another() {
    let mut one = Bench::of(THREE);
    one.click("Node Noise (a)");
    one.click_with("Node Frame picture (b)", Modifiers::SHIFT);
    one.harness.event(egui::Event::Copy);
    one.settle();
    let text = one.studio().clipboard.clone();
    assert!(text.starts_with("Graph(") && text.contains("NoiseImage"), "{text}");
    let mut other = Bench::of(THREE);
    other.harness.event(egui::Event::Paste(text));
    other.settle();
    let graph = other.graph();
    assert_eq!(graph.nodes["b_2"].from["image"].links()[0].node, "a_2");
    assert_eq!(graph.nodes.len(), 5);
    other.harness.event(egui::Event::Paste("not a graph".to_owned()));
    other.settle();
    assert_eq!(other.graph().nodes.len(), 5);
}

#[test]
fn paste_with_links_keeps_what_it_hung_on() {
    let mut bench = Bench::of(THREE);
    bench.click("Node Frame picture (b)");
    bench.key(Modifiers::COMMAND, Key::C);
    bench.key(Modifiers::COMMAND, Key::V);
    assert!(bench.graph().nodes["b_2"].from.is_empty());
    bench.click("Node Frame picture (b)");
    bench.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::V);
    assert_eq!(bench.graph().nodes["b_3"].from["image"].links()[0].node, "a");
}

#[test]
fn mute_bypass_and_fold() {
    let mut bench = Bench::of(THREE);
    bench.click("Node Frame picture (b)");
    bench.key(Modifiers::COMMAND, Key::M);
    assert_eq!(bench.graph().nodes["b"].mode, Mode::Muted);
    bench.key(Modifiers::COMMAND, Key::B);
    assert_eq!(bench.graph().nodes["b"].mode, Mode::Bypassed);
    bench.key(Modifiers::COMMAND, Key::B);
    assert_eq!(bench.graph().nodes["b"].mode, Mode::Active);
    bench.key(Modifiers::ALT, Key::C);
    assert!(bench.text().contains("\"collapsed\": [\"b\"]"));
    assert!(!bench.has("Value size of b"));
    // The sign on its title unfolds it.
    let title = bench.rect("Node Frame picture (b)");
    bench.click_at(title.left_center() + vec2(14.0, 0.0), Modifiers::NONE);
    assert!(!bench.text().contains("collapsed"));
    assert!(bench.has("Value size of b"));
}

#[test]
fn a_group_has_a_title_and_takes_its_nodes_along() {
    let mut bench = Bench::of(THREE);
    bench.click("Node Noise (a)");
    bench.click_with("Node Frame picture (b)", Modifiers::SHIFT);
    bench.key(Modifiers::COMMAND, Key::G);
    bench.type_text("Paper");
    bench.key(Modifiers::NONE, Key::Enter);
    assert!(bench.text().contains("title: \"Paper\""), "{}", bench.text());
    let at = bench.at("Group Paper");
    bench.drag(at, at + vec2(20.0, 150.0), Modifiers::ALT);
    assert_eq!(spot(&mut bench, "a"), Spot::new(20.0, 150.0));
    assert_eq!(spot(&mut bench, "b"), Spot::new(360.0, 150.0));
    assert_eq!(spot(&mut bench, "c"), Spot::new(680.0, 0.0));
}

#[test]
fn a_note_is_written() {
    let mut bench = Bench::of(THREE);
    bench.key(Modifiers::SHIFT, Key::N);
    bench.type_text("Mind the grain");
    bench.key(Modifiers::COMMAND, Key::Enter);
    assert!(bench.text().contains("text: \"Mind the grain\""), "{}", bench.text());
    assert!(bench.has("Note Mind the grain"));
}

#[test]
fn a_title_is_written_on_the_node() {
    let mut bench = Bench::of(THREE);
    bench.click("Node Frame picture (b)");
    bench.key(Modifiers::NONE, Key::F2);
    bench.type_text("Frame");
    bench.key(Modifiers::NONE, Key::Enter);
    assert_eq!(bench.graph().nodes["b"].title.as_deref(), Some("Frame"));
    assert!(bench.has("Node Frame (b)"));
}

#[test]
fn arranging_leads_wires_to_the_right() {
    let mut bench = Bench::of(&template("framed-paper"));
    bench.key(Modifiers::NONE, Key::L);
    let graph = bench.graph();
    let view = bench.studio().doc.view(&[]).clone();
    assert_eq!(view.positions.len(), graph.nodes.len());
    for (name, node) in &graph.nodes {
        for link in node.from.values().flat_map(|s| s.links()) {
            assert!(view.positions[&link.node].x < view.positions[name].x, "{} -> {name}", link.node);
        }
    }
}

#[test]
fn fit_shows_everything_and_the_map_leads_there() {
    let mut bench = Bench::of(&template("framed-paper"));
    bench.studio().canvas.camera.jump(egui::pos2(9000.0, 9000.0), 1.0);
    bench.settle();
    assert!(!bench.has("Node Noise (paper)"));
    bench.key(Modifiers::NONE, Key::Period);
    for shape in bench.studio().canvas.scene.nodes.clone() {
        let canvas = &bench.studio().canvas;
        assert!(canvas.camera.seen(canvas.window).contains_rect(shape.rect()), "{}", shape.name);
    }
    let map = bench.studio().canvas.minimap_rect();
    bench.click_at(map.left_top() + vec2(10.0, 60.0), Modifiers::NONE);
    let canvas = &bench.studio().canvas;
    let first = canvas.scene.nodes.iter().map(|s| s.at.x).fold(f32::INFINITY, f32::min);
    assert!(canvas.camera.center.x < first + 200.0, "{} {first}", canvas.camera.center.x);
}

#[test]
fn a_subgraph_is_made_entered_and_left() {
    let mut bench = Bench::of(THREE);
    bench.click("Node Frame picture (b)");
    bench.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::G);
    let graph = bench.graph();
    assert_eq!(graph.nodes["part"].graph.as_deref(), Some("Part"));
    let at = bench.at("Node Part (part)");
    bench.double_click_at(at);
    assert_eq!(bench.studio().canvas.scope, ["Part"]);
    assert!(bench.has("Node Frame picture (b)") && bench.has("Node Comes in"));
    // What is changed inside is changed in the definition.
    bench.click("Node Frame picture (b)");
    bench.key(Modifiers::COMMAND, Key::M);
    assert_eq!(bench.graph().graphs["Part"].nodes["b"].mode, Mode::Muted);
    bench.key(Modifiers::NONE, Key::Backspace);
    assert!(bench.studio().canvas.scope.is_empty());
    // Undo goes to where it was.
    bench.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(bench.studio().canvas.scope, ["Part"]);
    bench.key(Modifiers::COMMAND, Key::Z);
    assert!(bench.graph().nodes.contains_key("b"));
}
