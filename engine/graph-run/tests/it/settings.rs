//! `--set` in all its forms.

use crate::place::{PAPER, Place};

fn size_of(place: &Place, args: &[&str]) -> (u64, u64) {
    let json = place.run(&[&["paper.ron", "--want", "frame", "--json"], args].concat()).ends(0).json();
    let frame = &json["values"]["frame"];
    (frame["width"].as_u64().unwrap(), frame["height"].as_u64().unwrap())
}

#[test]
fn settings_reach_their_nodes() {
    let place = Place::paper();
    assert_eq!(size_of(&place, &[]), (40, 32));
    assert_eq!(size_of(&place, &["--set", "size=50x60"]), (58, 68));
    assert_eq!(size_of(&place, &["--set", "size=(50, 60)"]), (58, 68));
    assert_eq!(size_of(&place, &["--set", "paper.size=50x60", "--set", "frame.size=0"]), (50, 60));
    assert_eq!(size_of(&place, &["--set", "sides=10"]), (60, 32));
    // The last word counts.
    assert_eq!(size_of(&place, &["--set", "size=50x60", "--set", "size=10x10"]), (18, 18));
}

#[test]
fn texts_need_no_quotes() {
    let place = Place::paper();
    place.run(&["paper.ron", "--set", "name=a b=c"]).ends(0);
    place.run(&["paper.ron", "--set", "name=\"quoted\""]).ends(0);
    place.run(&["paper.ron", "--set", "frame.color=#f00", "--set", "name=123"]).ends(0);
    assert_eq!(place.files("out"), ["123.png", "a b=c.png", "quoted.png"]);
}

#[test]
fn slips_in_settings_are_told() {
    let place = Place::paper();
    let wrong = [
        ("sise=1x1", "did you mean size?"),
        ("width=3", "it exposes"),
        ("framm.size=3", "did you mean frame.size?"),
        ("frame.sise=3", "did you mean frame.size?"),
        ("frame.image=3", "is an input"),
        ("frame.size=big", "whole number"),
        ("frame.size=99999999", "outside"),
        ("frame.mode=edgy", "did you mean \"edge\"?"),
        ("frame.color=#12", "is not a colour"),
        ("size", "there is no = in it"),
        ("=3", "exposes no parameter"),
        ("frame.=3", "frame."),
        ("seed=-1", "--set seed=-1"),
    ];
    for (setting, words) in wrong {
        let said = place.run(&["paper.ron", "--set", setting]);
        assert_eq!(said.code, 2, "{setting}: {said:?}");
        assert!(said.err.contains(words), "{setting}: {}", said.err);
    }
    let said = place.run(&["paper.ron", "--set", "sise=1", "--set", "frame.sise=3"]).ends(2);
    said.complains("--set sise=1").complains("--set frame.sise=3");
    assert!(!place.path("out").exists());
}

#[test]
fn subgraphs_are_set_by_what_they_expose() {
    let place = Place::new();
    place.write(
        "sub.ron",
        r#"Graph(
            kiln: 1,
            nodes: {
                "make": (type: "Subgraph", graph: "Made"),
                "save": (type: "SaveImage", from: { "images": "make.image" }, with: { "name": "sub" }),
            },
            graphs: {
                "Made": Graph(
                    expose: { "size": ["inner.size"] },
                    outputs: { "image": "inner.image" },
                    nodes: { "inner": (type: "NoiseImage") },
                ),
            },
        )"#,
    );
    place.run(&["sub.ron", "--set", "make.size=20x10"]).ends(0);
    let png = place.bytes("out/sub.png");
    assert_eq!((&png[16..20], &png[20..24]), (&20_u32.to_be_bytes()[..], &10_u32.to_be_bytes()[..]));
    place.run(&["sub.ron", "--set", "make.sise=20x10"]).ends(2).complains("did you mean make.size?");
    place.run(&["sub.ron", "--set", "make/inner.size=20x10"]).ends(2).complains("make is a subgraph");
}

#[test]
fn a_setting_takes_the_place_of_a_link() {
    let place = Place::new();
    let with = r#"with: { "seed": 7, "size": (32, 24) }"#;
    let linked = r#"from: { "seed": "number.value" }, with: { "size": (32, 24) }"#;
    let number = r#""number": (type: "SeedNode", with: { "value": 3 }), "save": ("#;
    let text = PAPER.replace(with, linked).replace(r#""save": ("#, number);
    assert!(text.contains("number.value") && text.contains("SeedNode"));
    place.write("linked.ron", text);
    // What the link led to is no longer needed, so nobody minds that it does not exist.
    place.run(&["linked.ron"]).ends(2);
    place.run(&["linked.ron", "--set", "seed=7"]).ends(0);
}
