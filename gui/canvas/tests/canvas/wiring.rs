//! Wires and what is put on them.

use crate::support::Bench;
use egui::{Key, Modifiers, vec2};
use kiln_core::document::Link;

const PAIR: &str = r#"Graph(kiln: 1, nodes: {
    "paper": (type: "NoiseImage"),
    "frame": (type: "PadImage"),
    "save": (type: "SaveImage"),
}, canvas: { "positions": { "paper": (0, 0), "frame": (340, 0), "save": (680, 0) } })"#;

const CHAIN: &str = r#"Graph(kiln: 1, nodes: {
    "paper": (type: "NoiseImage"),
    "frame": (type: "PadImage", from: { "image": "paper.image" }),
    "save": (type: "SaveImage", from: { "image": "frame.image" }),
}, canvas: { "positions": { "paper": (0, 0), "frame": (340, 0), "save": (680, 0) } })"#;

#[test]
fn a_wire_is_drawn_from_pin_to_pin() {
    let mut bench = Bench::of(PAIR);
    let (from, to) = (bench.at("Output image of paper"), bench.at("Input image of frame"));
    bench.drag(from, to, Modifiers::NONE);
    assert_eq!(bench.graph().nodes["frame"].from["image"].links(), [Link::new("paper", "image")]);
    // And the other way round.
    let (from, to) = (bench.at("Input image of save"), bench.at("Output image of frame"));
    bench.drag(from, to, Modifiers::NONE);
    assert_eq!(bench.graph().nodes["save"].from["image"].links(), [Link::new("frame", "image")]);
    assert!(bench.has("Wire from frame.image to save.image"));
}

#[test]
fn a_wire_that_fits_nowhere_is_not_made() {
    let mut bench = Bench::of(CHAIN);
    let before = bench.text();
    // Round in a circle.
    let (from, to) = (bench.at("Output image of frame"), bench.at("Node Noise (paper)"));
    bench.drag(from, to + vec2(0.0, 60.0), Modifiers::NONE);
    bench.key(Modifiers::NONE, Key::Escape);
    assert_eq!(bench.text(), before);
}

#[test]
fn a_wire_pulled_off_and_dropped_is_cut() {
    let mut bench = Bench::of(CHAIN);
    let from = bench.at("Input image of save");
    bench.drag(from, from + vec2(-60.0, 320.0), Modifiers::NONE);
    assert!(!bench.graph().nodes["save"].from.contains_key("image"));
    bench.key(Modifiers::COMMAND, Key::Z);
    assert!(bench.graph().nodes["save"].from.contains_key("image"));
    bench.key(Modifiers::COMMAND, Key::Y);
    assert!(!bench.graph().nodes["save"].from.contains_key("image"));
}

#[test]
fn a_dropped_wire_offers_only_what_fits() {
    let mut bench = Bench::of(PAIR);
    let from = bench.at("Output image of paper");
    bench.drag(from, from + vec2(20.0, 330.0), Modifiers::NONE);
    assert!(bench.has("Search nodes"));
    bench.type_text("noise");
    let offered = bench.labels();
    assert!(!offered.iter().any(|l| l == "Add Noise"), "a picture of noise takes no picture: {offered:?}");
    for _ in 0..5 {
        bench.key(Modifiers::NONE, Key::Backspace);
    }
    bench.type_text("frame picture");
    bench.key(Modifiers::NONE, Key::Enter);
    let graph = bench.graph();
    assert_eq!(graph.nodes["pad_image"].from["image"].links(), [Link::new("paper", "image")]);
}

#[test]
fn a_double_click_adds_a_node_there() {
    let mut bench = Bench::of(PAIR);
    let at = bench.at("Node Frame picture (frame)") + vec2(0.0, 330.0);
    bench.double_click_at(at);
    bench.type_text("invert");
    bench.key(Modifiers::NONE, Key::Enter);
    let graph = bench.graph();
    assert_eq!(graph.nodes.len(), 4);
    let (name, node) = graph.nodes.last().unwrap();
    assert!(node.ty.to_lowercase().contains("invert"), "{}", node.ty);
    let label = format!("Node {} ({name})", bench_title(&mut bench, name));
    let place = bench.at(&label);
    assert!((place - at).length() < 8.0, "{place:?} {at:?}");
}

fn bench_title(bench: &mut Bench, name: &str) -> String {
    let shape = bench.studio().canvas.scene.node(name).unwrap();
    shape.type_title.clone()
}

#[test]
fn a_node_dropped_on_a_wire_goes_into_it() {
    let mut bench = Bench::of(
        r#"Graph(kiln: 1, nodes: {
    "paper": (type: "NoiseImage"),
    "save": (type: "SaveImage", from: { "image": "paper.image" }),
    "frame": (type: "PadImage"),
}, canvas: { "positions": { "paper": (0, 0), "save": (800, 0), "frame": (400, 420) } })"#,
    );
    let node = bench.at("Node Frame picture (frame)");
    let wire = bench.at("Wire from paper.image to save.image");
    bench.drag(node, wire, Modifiers::ALT);
    let graph = bench.graph();
    assert_eq!(graph.nodes["frame"].from["image"].links(), [Link::new("paper", "image")]);
    assert_eq!(graph.nodes["save"].from["image"].links(), [Link::new("frame", "image")]);
    bench.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(bench.graph().nodes["save"].from["image"].links(), [Link::new("paper", "image")]);
}

#[test]
fn a_wire_goes_through_points() {
    let mut bench = Bench::of(CHAIN);
    let wire = bench.at("Wire from paper.image to frame.image");
    bench.drag(wire, wire + vec2(0.0, 260.0), Modifiers::NONE);
    let text = bench.text();
    assert!(text.contains("\"reroutes\": { \"frame.image\": [("), "{text}");
    bench.key(Modifiers::COMMAND, Key::Z);
    assert!(!bench.text().contains("reroutes"));
}

#[test]
fn taking_a_node_out_joins_its_wires() {
    let mut bench = Bench::of(CHAIN);
    bench.click("Node Frame picture (frame)");
    bench.key(Modifiers::COMMAND, Key::Delete);
    let graph = bench.graph();
    assert!(!graph.nodes.contains_key("frame"));
    assert_eq!(graph.nodes["save"].from["image"].links(), [Link::new("paper", "image")]);
}

#[test]
fn another_type_keeps_the_links() {
    let mut bench = Bench::of(CHAIN);
    let at = bench.at("Node Frame picture (frame)");
    bench.menu_at(at);
    bench.click("Swap the node's type");
    bench.type_text("drop shadow");
    bench.key(Modifiers::NONE, Key::Enter);
    let graph = bench.graph();
    assert_ne!(graph.nodes["frame"].ty, "PadImage");
    assert_eq!(graph.nodes["frame"].from["image"].links(), [Link::new("paper", "image")]);
    assert_eq!(graph.nodes["save"].from["image"].links()[0].node, "frame");
}

#[test]
fn a_selected_wire_is_deleted() {
    let mut bench = Bench::of(CHAIN);
    bench.click("Wire from paper.image to frame.image");
    bench.key(Modifiers::NONE, Key::Delete);
    assert!(!bench.graph().nodes["frame"].from.contains_key("image"));
}
