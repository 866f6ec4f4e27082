//! Layers drawn over each other, through the engine.

use crate::support::*;
use kiln_core::doors::Sandbox;
use kiln_core::{Batch, BatchItems, Cancel, Setup, Wish};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

fn with(more: &str) -> String {
    format!(r#"{LAYERS} "n": (type: "LayerPicture", from: {{ "traits": "own.traits" }}, with: {{ {more} }})"#)
}

#[test]
fn layers_of_an_item_become_its_picture() {
    let dir = world();
    let made = outputs(dir.path(), &with("")).unwrap();
    let image = picture(&made[0]);
    assert_eq!((image.width(), image.height(), image.channels()), (24, 16, 3));
    let layers = show(&made[1]);
    assert!(layers.starts_with("[1-Sky/") && layers.contains("; 2-Fur/"), "{layers}");
    // Without the ground there is something to see through.
    let some = picture(&outputs(dir.path(), &with(r#""groups": ["Fur"]"#)).unwrap()[0]);
    assert_eq!(some.channels(), 4);
    assert_eq!(some.pixel(0, 0, 0), [0.0; 4]);
    let on_white =
        picture(&outputs(dir.path(), &with(r##""groups": ["Fur"], "background": "#ffffff""##)).unwrap()[0]);
    assert_eq!((on_white.channels(), on_white.pixel(0, 0, 0)), (3, [1.0; 3].as_slice()));
}

#[test]
fn layers_lie_on_another_picture() {
    let dir = world();
    let text = format!(
        r##"{LAYERS} "sky": (type: "SolidColor", with: {{ "size": (24, 16), "color": "#00ff00" }}),
            "n": (type: "LayerPicture", from: {{ "traits": "own.traits", "below": "sky.image" }}, with: {{ "groups": ["Fur"] }})"##
    );
    let made = picture(&outputs(dir.path(), &text).unwrap()[0]);
    assert_eq!((made.channels(), made.pixel(0, 0, 0)), (3, [0.0, 1.0, 0.0].as_slice()));
}

#[test]
fn sizes_and_damage_are_named() {
    let dir = world();
    png(&dir.path().join("layers/2-Fur/Red#5.png"), 30, 30, |_, _| [1, 2, 3, 255]);
    png(&dir.path().join("layers/2-Fur/Silver#3.png"), 30, 30, |_, _| [1, 2, 3, 255]);
    png(&dir.path().join("layers/2-Fur/Gold#1.png"), 30, 30, |_, _| [1, 2, 3, 255]);
    let said = told(dir.path(), &with(""));
    assert!(said.contains("30x30") && said.contains("24x16") && said.contains("2-Fur"), "{said}");
    let made = picture(&outputs(dir.path(), &with(r#""other_sizes": "scale""#)).unwrap()[0]);
    assert_eq!((made.width(), made.height()), (24, 16));
    for name in ["Red#5", "Silver#3", "Gold#1"] {
        std::fs::write(dir.path().join(format!("layers/2-Fur/{name}.png")), b"\x89PNG\r\n\x1a\nnothing")
            .unwrap();
    }
    let said = told(dir.path(), &with(""));
    assert!(said.starts_with("error") && said.contains("2-Fur"), "{said}");
    assert!(told(dir.path(), &with(r#""groups": ["Furr"]"#)).contains("did you mean \"Fur\""));
    assert!(
        told(
            dir.path(),
            &format!(r#"{TRAITS} "n": (type: "LayerPicture", from: {{ "traits": "own.traits" }})"#)
        )
        .contains("no trait of this item has a layer")
    );
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(dir)
        .unwrap()
        .filter_map(|e| {
            let e = e.unwrap();
            let name = e.file_name().into_string().unwrap();
            e.path().is_file().then(|| (name, std::fs::read(e.path()).unwrap()))
        })
        .collect()
}

#[test]
fn pictures_do_not_depend_on_workers() {
    let world = world();
    let text = format!(
        r#"{LAYERS} "draw": (type: "LayerPicture", from: {{ "traits": "own.traits" }}),
           "save": (type: "SaveImage", from: {{ "image": "draw.image" }}, with: {{ "name": "{{item}}" }})"#
    );
    let mut seen: Option<BTreeMap<String, Vec<u8>>> = None;
    for jobs in [1, 4] {
        let dir = tempfile::tempdir().unwrap();
        let how = How { items: Some(12), jobs, out: Some(dir.path()), ..How::default() };
        let report = run(&engine(), world.path(), &text, &how).unwrap();
        assert!(report.failures.is_empty(), "{:?}", report.failures);
        let files = files(dir.path());
        assert_eq!(files.len(), 12);
        match &seen {
            None => seen = Some(files),
            Some(before) => assert!(*before == files),
        }
    }
}

/// How often a node worked, when the same graph runs once more after `change`.
fn worked_again(change: impl Fn(&Path), node: &str) -> u64 {
    let world = world();
    let engine = engine();
    let text = format!(
        r#"{LAYERS} "draw": (type: "LayerPicture", from: {{ "traits": "own.traits" }}),
           "save": (type: "SaveImage", from: {{ "image": "draw.image" }}, with: {{ "name": "{{item}}" }})"#
    );
    let mut last = 0;
    for round in 0..2 {
        if round == 1 {
            change(world.path());
        }
        let dir = tempfile::tempdir().unwrap();
        let wish = Wish { batch: true, ..Wish::default() };
        let plan = engine.plan(&graph(&text), &Sandbox::new(world.path()), &wish).unwrap();
        let batch = Some(Batch::new(&plan, BatchItems::Range(0, 12), true));
        let setup = Setup { jobs: 1, batch, out: Some(out(dir.path())), ..Setup::new("t", world.path()) };
        let report = engine.run(&plan, setup, &Cancel::default(), Arc::new(|_| {})).unwrap();
        assert!(report.failures.is_empty(), "{:?}", report.failures);
        last = report.nodes[node].ran;
    }
    last
}

#[test]
fn only_what_changed_is_drawn_again() {
    assert_eq!(worked_again(|_| {}, "draw"), 0);
    // A file beside the layers makes another plan, and the same pictures.
    let note = |base: &Path| std::fs::write(base.join("layers/note.txt"), "for later").unwrap();
    assert_eq!(worked_again(note, "draw"), 0);
    let other = |base: &Path| png(&base.join("layers/3-Hat/Cap.png"), 24, 16, |_, _| [9, 9, 9, 255]);
    let again = worked_again(other, "draw");
    assert!(again > 0 && again < 12, "only those with a cap: {again}");
}
