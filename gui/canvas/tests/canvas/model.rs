//! The document under edits: every edit has its way back, whatever came before.

use crate::support::{registry, template};
use kiln_canvas::model::clip::{Paste, Selection, copy};
use kiln_canvas::model::{Area, Document, Edit, Entry, Spot, Step, Token};
use kiln_core::Registry;
use kiln_core::document::{Graph, Link, Lit, Mode, Node, ParamRef};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A small sequence of numbers that is the same every time.
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % below.max(1)
    }
}

fn pick(names: impl Iterator<Item = String>, dice: &mut Dice) -> Option<String> {
    let all: Vec<String> = names.collect();
    (!all.is_empty()).then(|| all[dice.next(all.len())].clone())
}

fn a_node(s: &Step<'_>, dice: &mut Dice) -> String {
    // Now and then one that is not there.
    if dice.next(20) == 0 {
        return "nobody".to_owned();
    }
    pick(s.graph().nodes.keys().cloned(), dice).unwrap_or_else(|| "nobody".to_owned())
}

fn some_nodes(s: &Step<'_>, dice: &mut Dice) -> Selection {
    let count = 1 + dice.next(3);
    let mut chosen =
        Selection { nodes: (0..count).map(|_| a_node(s, dice)).collect(), ..Selection::default() };
    chosen.nodes.retain(|n| s.graph().nodes.contains_key(n));
    chosen
}

/// One random change of any kind.
fn change(s: &mut Step<'_>, registry: &Registry, dice: &mut Dice) {
    let types =
        ["NoiseImage", "PadImage", "ImageBlend", "Blur", "SaveImage", "Number", "Unknown", "ContactSheet"];
    let spot = Spot::new(dice.next(2000) as f64, dice.next(2000) as f64 - 300.5);
    match dice.next(24) {
        0..=3 => {
            let ty = types[dice.next(types.len())];
            s.add_node(&ty.to_lowercase(), Node::new(ty), spot);
        }
        4 => {
            let chosen = some_nodes(s, dice);
            s.remove_nodes(&chosen.nodes);
        }
        5 => {
            let (old, new) = (a_node(s, dice), format!("name {}.{}", dice.next(50), dice.next(3)));
            s.rename(registry, &old, &new);
        }
        6..=8 => {
            let (from, to) = (a_node(s, dice), a_node(s, dice));
            let port = ["image", "image1", "images", "mask"][dice.next(4)];
            s.connect(Link::new(from, "image"), &to, port, dice.next(3) == 0);
        }
        9 => {
            let node = a_node(s, dice);
            let port = s.graph().nodes.get(&node).and_then(|n| pick(n.from.keys().cloned(), dice));
            s.disconnect(&node, &port.unwrap_or_default(), dice.next(2));
        }
        10..=12 => {
            let (node, param) = (a_node(s, dice), ["size", "seed", "color", "retry"][dice.next(4)]);
            let value = match dice.next(4) {
                0 => None,
                1 => Some(Lit::text(format!("{}.seed", a_node(s, dice)))),
                n => Some(Lit::Int(n as i128)),
            };
            s.set_param(&node, param, value);
        }
        13 => {
            let chosen = some_nodes(s, dice);
            s.toggle_mode(&chosen.nodes, [Mode::Muted, Mode::Bypassed][dice.next(2)]);
        }
        14 => {
            let chosen = some_nodes(s, dice);
            s.toggle_collapsed(&chosen.nodes);
        }
        15 => {
            let node = a_node(s, dice);
            s.set_title(&node, ["", "Grain", "frame"][dice.next(3)]);
        }
        16 => {
            let node = a_node(s, dice);
            s.move_node(&node, spot);
        }
        17 => {
            let area = Area { at: spot, size: Spot::new(200.0, 100.0) };
            if dice.next(2) == 0 {
                s.add_group("Group", area, dice.next(6) as u8);
            } else {
                s.add_note("words", area, 0);
            }
            if let Some(name) = pick(s.view().groups.keys().cloned(), dice).filter(|_| dice.next(3) == 0) {
                s.edit(Edit::Group(Entry::gone(name)));
            }
        }
        18 => {
            let node = a_node(s, dice);
            let key = kiln_canvas::model::wiring::end_key(&node, "image", 0);
            let entry = if dice.next(2) == 0 { Entry::set(key, vec![spot]) } else { Entry::gone(key) };
            s.edit(Edit::Reroute(entry));
        }
        19 => {
            let (node, param) = (a_node(s, dice), ["size", "seed"][dice.next(2)]);
            s.toggle_exposed(&node, param);
        }
        20 => {
            let node = a_node(s, dice);
            s.swap_type(registry, &node, ["ImageBlend", "PadImage", "NoiseImage"][dice.next(3)]);
        }
        21 => {
            let chosen = some_nodes(s, dice);
            s.make_subgraph(registry, &chosen, "Part");
        }
        22 => {
            let node = a_node(s, dice);
            if dice.next(2) == 0 {
                s.dissolve(&node);
            } else {
                s.pull_out(registry, &node);
            }
        }
        _ => {
            let chosen = some_nodes(s, dice);
            let text = copy(s.document(), s.scope(), &chosen);
            let how = Paste { at: Some(spot), with_links: dice.next(2) == 0 };
            s.paste(registry, &text, how).unwrap();
        }
    }
}

fn random_edits(seed: u64, count: usize) {
    let registry = registry();
    let mut dice = Dice(seed);
    let start = r#"// Kept.
Graph(kiln: 1, expose: { "seed": "paper.seed" }, nodes: {
    // The paper.
    "paper": (type: "NoiseImage", with: { "seed": 7 /* lucky */, "size": (420, 520) }),

    "frame": (type: "PadImage", from: { "image": "paper.image" }, with: { "size": 14 }),
    "gate": (type: "QualityGate", from: { "image": "frame.image" }, with: { "retry": "paper.seed" }),
    "sub": (type: "Subgraph", graph: "Inner", from: { "image": "paper.image" }),
}, graphs: { "Inner": Graph(inputs: { "image": "Image" }, outputs: { "image": "blur.image" },
    expose: { "radius": "blur.radius" },
    nodes: { "blur": (type: "Blur", from: { "image": "$.image" }) }, canvas: { "positions": { "blur": (3, 4) } }) },
canvas: { "positions": { "paper": (0, 0) }, "later": 3 })"#;
    let mut doc = Document::parse(start).unwrap();
    let mut states = vec![(doc.to_text(), doc.state())];
    while states.len() <= count {
        // A graph that grows without end would only make the test slow.
        let crowded = doc.root().nodes.len() > 40;
        let scope = if dice.next(5) == 0 { vec!["Inner".to_owned()] } else { Vec::new() };
        let changed = doc.step(&scope, "change", |s| {
            if crowded {
                let names = s.graph().nodes.keys().take(25).cloned().collect();
                s.remove_nodes(&names);
            } else {
                change(s, &registry, &mut dice);
            }
        });
        if changed {
            states.push((doc.to_text(), doc.state()));
        }
    }
    // Every text is one that can be read, and reading it gives the same document.
    for (text, _) in states.iter().step_by(97) {
        assert_eq!(Document::parse(text).unwrap().to_text(), *text);
    }
    for (text, state) in states.iter().rev().skip(1) {
        doc.undo().unwrap();
        assert_eq!(doc.state(), *state);
        assert_eq!(doc.to_text(), *text);
    }
    assert_eq!(doc.undo(), None);
    for (text, state) in states.iter().skip(1) {
        doc.redo().unwrap();
        assert_eq!(doc.state(), *state);
        assert_eq!(doc.to_text(), *text);
    }
    assert_eq!(doc.redo(), None);
}

#[test]
fn ten_thousand_random_edits_undo_to_the_start_and_redo_to_the_end() {
    // Ten walks of a thousand edits.
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 10, failure_persistence: None, ..Config::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    runner
        .run(&proptest::num::u64::ANY, |seed| {
            random_edits(seed, 1000);
            Ok(())
        })
        .unwrap();
}

#[test]
fn nothing_changes_what_nobody_touched() {
    for name in ["framed-paper", "text-to-image", "contact-sheet", "lora-mix"] {
        let text = template(name);
        assert_eq!(Document::parse(&text).unwrap().to_text(), text, "{name}");
    }
}

#[test]
fn one_parameter_is_one_line() {
    let text = template("framed-paper");
    let mut doc = Document::parse(&text).unwrap();
    doc.step(&[], "Set", |s| s.set_param("paper", "seed", Some(Lit::Int(8))));
    let after = doc.to_text();
    let changed = text.lines().zip(after.lines()).filter(|(a, b)| a != b).count();
    assert_eq!((changed, text.lines().count()), (1, after.lines().count()));
}

#[test]
fn a_drag_is_one_step_and_holds_one_edit() {
    let mut doc = Document::parse(&template("framed-paper")).unwrap();
    let start = doc.to_text();
    for n in 0..500 {
        doc.step_on(&[], "Set", Token(1), |s| s.set_param("frame", "size", Some(Lit::Int(n))));
    }
    doc.settle();
    assert_eq!(doc.remembered(), 1);
    doc.step_on(&[], "Set", Token(1), |s| s.set_param("frame", "size", Some(Lit::Int(3))));
    assert_eq!(doc.steps().0.len(), 2);
    doc.undo();
    assert_eq!(doc.graph(&[]).unwrap().nodes["frame"].with["size"], Lit::Int(499));
    doc.undo();
    assert_eq!(doc.to_text(), start);
}

#[test]
fn the_way_back_grows_with_the_change_and_not_with_the_document() {
    let mut graph = Graph::new();
    for n in 0..10_000 {
        graph.nodes.insert(format!("n{n}"), Node::new("NoiseImage"));
    }
    let mut doc = Document::of(graph);
    doc.step(&[], "Set", |s| s.set_param("n5000", "seed", Some(Lit::Int(1))));
    assert_eq!(doc.remembered(), 1);
    doc.step(&[], "Delete", |s| s.remove_nodes(&["n77".to_owned()].into()));
    assert!(doc.remembered() < 8, "{}", doc.remembered());
}

#[test]
fn renaming_takes_everything_along() {
    let registry = registry();
    let text = r#"Graph(kiln: 1, expose: { "seed": "paper.seed" }, nodes: {
    // Comment.
    "paper": (type: "NoiseImage"),
    "gate": (type: "QualityGate", from: { "image": "paper.image" }, with: { "retry": "paper.seed" }),
}, canvas: { "positions": { "paper": (1, 2) }, "collapsed": ["paper"] })"#;
    let mut doc = Document::parse(text).unwrap();
    doc.step(&[], "Rename", |s| assert!(s.rename(&registry, "paper", "grain")));
    let after = doc.to_text();
    assert!(!after.contains("paper"), "{after}");
    assert!(after.contains("// Comment.") && after.contains("\"grain.seed\""), "{after}");
}

#[test]
fn a_subgraph_and_back_means_the_same() {
    let registry = registry();
    let text = template("framed-paper");
    let mut doc = Document::parse(&text).unwrap();
    let chosen =
        Selection { nodes: ["good", "mat", "inked"].map(str::to_owned).into(), ..Selection::default() };
    let mut name = None;
    doc.step(&[], "Make", |s| name = s.make_subgraph(&registry, &chosen, "Press"));
    let name = name.unwrap();
    let graph = doc.graph(&[]).unwrap();
    assert_eq!(graph.nodes[&name].graph.as_deref(), Some("Press"));
    assert!(!graph.nodes.contains_key("mat"));
    let inner = &graph.graphs["Press"];
    assert_eq!((inner.inputs.len(), inner.outputs.len()), (2, 1), "{inner:?}");
    doc.step(&[], "Dissolve", |s| assert_eq!(s.dissolve(&name).unwrap().nodes.len(), 3));
    let mut before = Graph::parse(&text).unwrap();
    let mut after = doc.to_graph();
    (before.canvas, after.canvas) = (None, None);
    after.graphs.clear();
    assert!(before.semantic_eq(&after), "{}", after.to_text());
}

#[test]
fn params_shown_by_a_subgraph_stay_shown() {
    let registry = registry();
    let mut doc = Document::parse(&template("framed-paper")).unwrap();
    let chosen = Selection::node("paper");
    doc.step(&[], "Make", |s| {
        s.make_subgraph(&registry, &chosen, "Ground");
    });
    let graph = doc.graph(&[]).unwrap();
    assert_eq!(graph.expose["seed"], [ParamRef::new("ground", "seed")]);
    assert_eq!(graph.graphs["Ground"].expose["seed"], [ParamRef::new("paper", "seed")]);
}
