//! Values: on the node, in the inspector, in the form; problems and what mends them.

use crate::support::{Bench, template};
use egui::{Key, Modifiers, vec2};
use kiln_core::document::Lit;

const ONE: &str = r#"Graph(kiln: 1, nodes: {
    "paper": (type: "NoiseImage", with: { "octaves": 4, "seed": 7 }),
    "other": (type: "NoiseImage"),
    "frame": (type: "PadImage", from: { "image": "paper.image" }),
}, canvas: { "positions": { "paper": (0, 0), "other": (0, 420), "frame": (340, 0) } })"#;

#[test]
fn a_number_is_turned_by_dragging() {
    let mut bench = Bench::of(ONE);
    let at = bench.at("Value octaves of paper");
    bench.drag(at, at + vec2(13.0, 0.0), Modifiers::NONE);
    assert_eq!(bench.graph().nodes["paper"].with["octaves"], Lit::Int(6));
    // All of the drag is one step.
    bench.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(bench.graph().nodes["paper"].with["octaves"], Lit::Int(4));
}

#[test]
fn a_number_is_typed_and_may_be_a_sum() {
    let mut bench = Bench::of(ONE);
    bench.click("Value scale of paper");
    bench.type_text("10*(3+2)");
    bench.key(Modifiers::NONE, Key::Enter);
    assert_eq!(bench.graph().nodes["paper"].with["scale"], Lit::Int(50));
    bench.key(Modifiers::COMMAND, Key::Z);
    assert!(!bench.graph().nodes["paper"].with.contains_key("scale"));
}

#[test]
fn a_die_and_a_lock_for_seeds() {
    let mut bench = Bench::of(ONE);
    let row = bench.rect("Value seed of paper");
    let zoom = bench.studio().canvas.camera.zoom;
    bench.click_at(row.right_center() - vec2(24.0 * zoom, 0.0), Modifiers::NONE);
    let rolled = bench.graph().nodes["paper"].with["seed"].clone();
    assert!(matches!(rolled, Lit::Int(v) if v != 7), "{rolled}");
    bench.click_at(row.right_center() - vec2(47.0 * zoom, 0.0), Modifiers::NONE);
    let held = bench.graph().nodes["paper"].with["seed"].to_string();
    assert_eq!(held, format!("Fixed({rolled})"));
    // The same two in the inspector.
    bench.click("Node Noise (paper)");
    bench.click("Hold seed of paper");
    assert_eq!(bench.graph().nodes["paper"].with["seed"], rolled);
}

#[test]
fn a_switch_turns_on_the_node() {
    let mut bench = Bench::of(ONE);
    bench.click("Value color of paper");
    assert_eq!(bench.graph().nodes["paper"].with["color"], Lit::Bool(true));
}

#[test]
fn a_choice_is_picked() {
    let mut bench = Bench::of(ONE);
    bench.click("Node Noise (paper)");
    bench.click("kind of paper");
    let other = ["white", "value", "perlin", "ridged", "worley", "billow", "gaussian", "uniform"];
    let found = other.iter().find(|w| bench.has(w)).copied();
    let word = found.unwrap_or_else(|| panic!("{:?}", bench.labels()));
    bench.click(word);
    assert_eq!(bench.graph().nodes["paper"].with["kind"], Lit::text(word));
}

#[test]
fn several_selected_nodes_are_edited_together() {
    let mut bench = Bench::of(ONE);
    bench.click("Node Noise (paper)");
    bench.click_with("Node Noise (other)", Modifiers::SHIFT);
    bench.click("Value color of paper");
    let graph = bench.graph();
    assert_eq!(graph.nodes["paper"].with["color"], graph.nodes["other"].with["color"]);
    bench.key(Modifiers::COMMAND, Key::Z);
    assert!(!bench.graph().nodes["other"].with.contains_key("color"));
}

#[test]
fn back_to_the_default() {
    let mut bench = Bench::of(ONE);
    bench.click("Node Noise (paper)");
    bench.click("Reset octaves of paper");
    assert!(!bench.graph().nodes["paper"].with.contains_key("octaves"));
}

#[test]
fn a_node_gets_another_name_and_what_refers_to_it_follows() {
    let mut bench = Bench::of(ONE);
    bench.click("Node Noise (paper)");
    bench.click("Node name");
    bench.key(Modifiers::COMMAND, Key::A);
    bench.type_text("grain");
    bench.key(Modifiers::NONE, Key::Enter);
    let graph = bench.graph();
    assert_eq!(graph.nodes["frame"].from["image"].links()[0].node, "grain");
}

#[test]
fn the_form_sets_what_the_graph_shows() {
    let mut bench = Bench::of(&template("framed-paper"));
    bench.key(Modifiers::NONE, Key::F);
    crate::looks::keep(&mut bench, "form-dark-1x");
    bench.click("Roll seed of paper");
    assert_ne!(bench.graph().nodes["paper"].with["seed"], Lit::Int(7));
}

#[test]
fn a_value_is_shown_in_the_form() {
    let mut bench = Bench::of(ONE);
    let at = bench.at("Value octaves of paper");
    bench.menu_at(at);
    bench.click("Show in the form");
    assert_eq!(bench.graph().expose["octaves"][0].to_string(), "paper.octaves");
}

#[test]
fn a_problem_is_told_and_mended_with_one_click() {
    let mut bench = Bench::of(&ONE.replace("PadImage", "PadImgae"));
    bench.until("the check", |s| !s.checker.problems.is_empty());
    bench.click("Fix: Make it PadImage");
    assert_eq!(bench.graph().nodes["frame"].ty, "PadImage");
    assert_eq!(bench.graph().nodes["frame"].from["image"].links()[0].node, "paper");
    bench.until("the check", |s| s.checker.by_node.get("frame").is_none_or(Vec::is_empty));
}

#[test]
fn a_value_outside_its_range_is_brought_back() {
    let mut bench = Bench::of(&ONE.replace("\"octaves\": 4", "\"octaves\": 4000"));
    bench.until("the check", |s| !s.checker.problems.is_empty());
    let fix = bench.labels().into_iter().find(|l| l.starts_with("Fix: Use")).unwrap();
    bench.click(&fix);
    let Lit::Int(v) = bench.graph().nodes["paper"].with["octaves"] else { panic!("no number") };
    assert!(v < 4000);
}

#[test]
fn an_unknown_node_is_kept_with_its_links() {
    let text = ONE.replace("PadImage", "FromTheFuture");
    let mut bench = Bench::of(&text);
    assert!(bench.has("Input image of frame"));
    let at = bench.at("Node FromTheFuture (frame)");
    bench.drag(at, at + vec2(10.0, 60.0), Modifiers::ALT);
    let text = bench.text();
    assert!(text.contains("FromTheFuture") && text.contains("paper.image"), "{text}");
}

#[test]
fn commands_are_found_by_a_few_letters() {
    let mut bench = Bench::of(ONE);
    bench.click("Node Noise (paper)");
    bench.key(Modifiers::COMMAND, Key::K);
    bench.type_text("bypa");
    bench.key(Modifiers::NONE, Key::Enter);
    assert_eq!(bench.graph().nodes["paper"].mode, kiln_core::document::Mode::Bypassed);
}

#[test]
fn shortcuts_are_changed_and_stay() {
    let mut bench = Bench::of(ONE);
    bench.key(Modifiers::COMMAND, Key::Comma);
    bench.click("Search shortcuts");
    bench.type_text("mute");
    bench.click("Keys of Mute");
    bench.key(Modifiers::ALT, Key::K);
    bench.key(Modifiers::NONE, Key::Escape);
    bench.click("Node Noise (paper)");
    bench.key(Modifiers::ALT, Key::K);
    assert_eq!(bench.graph().nodes["paper"].mode, kiln_core::document::Mode::Muted);
    let kept = std::fs::read_to_string(bench.folder.path().join("data/settings.json")).unwrap();
    assert!(kept.contains("\"Mute\": \"Alt+K\""), "{kept}");
}

#[test]
fn colours_and_lists_are_edited_in_the_inspector() {
    let mut bench = Bench::of(
        r##"Graph(kiln: 1, nodes: { "sky": (type: "GradientImage", with: { "colors": ["#000000", "#ffffff"] }) })"##,
    );
    bench.click("Node Gradient (sky)");
    bench.click("from of sky");
    bench.key(Modifiers::COMMAND, Key::A);
    bench.type_text("#112233");
    assert_eq!(bench.graph().nodes["sky"].with["from"], Lit::text("#112233"));
    bench.click("Add colors of sky");
    let Lit::List(colors) = bench.graph().nodes["sky"].with["colors"].clone() else { panic!("no list") };
    assert_eq!(colors.len(), 3);
    bench.click("Remove colors of sky 1");
    let Lit::List(colors) = bench.graph().nodes["sky"].with["colors"].clone() else { panic!("no list") };
    assert_eq!(colors, [Lit::text("#ffffff"), Lit::text("#ffffff")]);
}

#[test]
fn words_of_a_prompt_are_given_weight() {
    let mut bench = Bench::of(r#"Graph(kiln: 1, nodes: { "words": (type: "Words") })"#);
    bench.click("Value text of words");
    bench.type_text("a red fox");
    assert_eq!(bench.graph().nodes["words"].with["text"], Lit::text("a red fox"));
    bench.key(Modifiers::COMMAND, Key::ArrowUp);
    bench.key(Modifiers::COMMAND, Key::ArrowUp);
    assert_eq!(bench.graph().nodes["words"].with["text"], Lit::text("a red (fox:1.1)"));
    bench.key(Modifiers::COMMAND, Key::ArrowDown);
    assert_eq!(bench.graph().nodes["words"].with["text"], Lit::text("a red (fox:1.05)"));
    // All of it was one stay in the editor, so it is one step.
    bench.key(Modifiers::NONE, Key::Escape);
    bench.key(Modifiers::COMMAND, Key::Z);
    assert!(!bench.graph().nodes["words"].with.contains_key("text"));
}
