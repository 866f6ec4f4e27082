//! Pictures saved into a folder: once, durably, under names of their own, with their graph inside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]
mod common;

use common::{Run, engine, graph, items, out, rows, run};
use kiln_codec::{Format, Limits, decode, read_text, sniff};
use kiln_core::types::Image;
use kiln_core::{Batch, Engine, RunReport, Status};
use std::path::Path;

struct World {
    engine: Engine,
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self { engine: engine(), dir: tempfile::tempdir().unwrap() }
    }

    fn try_run(&self, nodes: &str, batch: Option<Batch>) -> Result<RunReport, String> {
        let how = Run { out: Some(out(self.dir.path())), batch, text: "the graph", ..Run::default() };
        run(&self.engine, &graph(nodes), how)
    }

    fn run(&self, nodes: &str) -> RunReport {
        let report = self.try_run(nodes, None).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(report.status, Status::Done, "{:?}", report.failures);
        report
    }

    fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        list(self.dir.path(), self.dir.path(), &mut found);
        found.sort();
        found
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.dir.path().join(name))
            .unwrap_or_else(|e| panic!("{name}: {e}, {:?}", self.files()))
    }

    fn read(&self, name: &str) -> Image {
        decode(&self.bytes(name), &Limits::default()).unwrap().image
    }
}

fn list(root: &Path, dir: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            list(root, &path, found);
        } else if name.ends_with("png")
            || name.ends_with("jpeg")
            || name.ends_with("jpg")
            || name.ends_with("webp")
        {
            found.push(name);
        }
    }
}

const PHOTO: &str =
    r#""a": (type: "NoiseImage", with: { "size": (24, 16), "seed": Fixed(5), "scale": 6, "color": true }),"#;

fn save(with: &str) -> String {
    format!(r#"{PHOTO} "s": (type: "SaveImage", from: {{ "images": "a.image" }}, with: {{ {with} }}),"#)
}

#[test]
fn a_picture_is_written_once_and_made_again_when_deleted() {
    let world = World::new();
    let first = world.run(&save(r#""name": "a/b""#));
    assert_eq!((first.nodes["s"].ran, world.files()), (1, vec!["a/b.png".to_owned()]));
    let bytes = world.bytes("a/b.png");
    assert_eq!(read_text(&bytes, "kiln").unwrap().as_deref(), Some("the graph"));
    let place = world.dir.path().join("a/b.png");
    let written = std::fs::metadata(&place).unwrap().modified().unwrap();

    let again = world.run(&save(r#""name": "a/b""#));
    assert_eq!((again.nodes["s"].ran, again.nodes["s"].journal), (0, 1));
    assert_eq!(std::fs::metadata(&place).unwrap().modified().unwrap(), written);

    std::fs::remove_file(&place).unwrap();
    let third = world.run(&save(r#""name": "a/b""#));
    assert_eq!(third.nodes["s"].ran, 1);
    assert_eq!(world.bytes("a/b.png"), bytes);

    // Cut short is as good as deleted.
    std::fs::write(&place, &bytes[..20]).unwrap();
    world.run(&save(r#""name": "a/b""#));
    assert_eq!(world.bytes("a/b.png"), bytes);
}

#[test]
fn the_graph_stays_out_when_asked() {
    let world = World::new();
    world.run(&save(r#""embed": false"#));
    assert_eq!(read_text(&world.bytes("picture.png"), "kiln").unwrap(), None);
}

#[test]
fn formats_are_what_they_say() {
    let world = World::new();
    for (word, format) in [("png", Format::Png), ("jpeg", Format::Jpeg), ("webp", Format::WebP)] {
        world.run(&save(&format!(r#""name": "x_{word}", "format": "{word}""#)));
        let bytes = world.bytes(&format!("x_{word}.{}", format.extension()));
        assert_eq!(sniff(&bytes).unwrap(), format);
        assert_eq!(read_text(&bytes, "kiln").unwrap().as_deref(), Some("the graph"), "{word}");
    }
    world.run(&save(r#""name": "deep", "bits": 16"#));
    assert_eq!(decode(&world.bytes("deep.png"), &Limits::default()).unwrap().bits, 16);
    world.run(&save(r#""name": "own.PNG""#));
    assert!(world.files().contains(&"own.png".to_owned()) || world.dir.path().join("own.PNG").exists());
}

#[test]
fn what_is_loaded_is_saved_unchanged() {
    let world = World::new();
    let nodes = r#""a": (type: "LoadImage", with: { "image": "nodes/g_rgba.png", "alpha": true }),
        "s": (type: "SaveImage", from: { "images": "a.image" }),"#;
    world.run(nodes);
    let original = std::fs::read(common::fixtures().join("nodes/g_rgba.png")).unwrap();
    assert_eq!(world.read("picture.png"), decode(&original, &Limits::default()).unwrap().image);
}

#[test]
fn transparency_in_a_jpeg_shows_the_background() {
    let world = World::new();
    let nodes = r##""a": (type: "SolidColor", with: { "size": (16, 16), "color": "#00000000" }),
        "s": (type: "SaveImage", from: { "images": "a.image" },
              with: { "format": "jpeg", "background": "#ff0000", "quality": 100, "chroma": "4:4:4" }),"##;
    world.run(nodes);
    let made = world.read(&world.files()[0]);
    let p = made.pixel(0, 8, 8);
    assert!(p[0] > 0.95 && p[1] < 0.05 && p[2] < 0.05, "{p:?}");
}

#[test]
fn batches_and_lists_are_counted() {
    let world = World::new();
    let pair = r#""a": (type: "NoiseImage", with: { "size": (8, 8), "seed": Fixed(1), "batch": 2 }),
        "l": (type: "Unbatch", from: { "image": "a.image" }),"#;
    world.run(&format!(
        r#"{pair} "s": (type: "SaveImage", from: {{ "images": "a.image" }}, with: {{ "name": "batch" }}),
           "t": (type: "SaveImage", from: {{ "images": "a.image" }}, with: {{ "name": "by_{{index:02}}" }}),
           "u": (type: "SaveImage", from: {{ "images": "l.images" }}, with: {{ "name": "list" }}),
           "v": (type: "SaveImage", from: {{ "images": "l.images" }}, with: {{ "name": "of_{{index}}" }}),"#
    ));
    let expected = [
        "batch-1.png",
        "batch-2.png",
        "by_00.png",
        "by_01.png",
        "list-1.png",
        "list-2.png",
        "of_0.png",
        "of_1.png",
    ];
    assert_eq!(world.files(), expected);
    assert_eq!(world.read("list-2.png"), world.read("batch-2.png"));
}

#[test]
fn items_have_names_of_their_own() {
    let world = World::new();
    let nodes = |name: &str| {
        format!(
            r#""a": (type: "NoiseImage", with: {{ "size": (8, 8), "seed": 1 }}),
               "s": (type: "SaveImage", from: {{ "images": "a.image" }}, with: {{ "name": "{name}" }}),"#
        )
    };
    let refused = world.try_run(&nodes("same"), Some(items(3))).unwrap_err();
    assert!(refused.contains("every item would write the same file"), "{refused}");
    let report = world.try_run(&nodes("{item:03}"), Some(items(3))).unwrap();
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    assert_eq!(world.files(), ["000.png", "001.png", "002.png"]);
}

#[test]
fn rows_of_a_table_name_files_but_lead_nowhere() {
    let world = World::new();
    let nodes = r#""a": (type: "NoiseImage", with: { "size": (8, 8), "seed": 1 }),
        "s": (type: "SaveImage", from: { "images": "a.image" }, with: { "name": "set/{who}_{item}" }),"#;
    let table = rows(&[&[("who", "Ada")], &[("who", "../../etc")]]);
    let report = world.try_run(nodes, Some(table)).unwrap();
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    assert_eq!(world.files(), ["set/..-..-etc_1.png", "set/Ada_0.png"]);
    let report = world.try_run(&nodes.replace("who", "whom"), Some(rows(&[&[("who", "Ada")]]))).unwrap();
    assert!(report.failures[0].2.contains("{whom}"), "{:?}", report.failures);
}

#[test]
fn two_nodes_never_write_one_file() {
    let world = World::new();
    let nodes = format!(
        r#"{PHOTO} "b": (type: "ImageInvert", from: {{ "image": "a.image" }}),
           "s": (type: "SaveImage", from: {{ "images": "a.image" }}, with: {{ "name": "one" }}),
           "t": (type: "SaveImage", from: {{ "images": "b.image" }}, with: {{ "name": "one" }}),"#
    );
    let report = world.try_run(&nodes, None).unwrap();
    assert_eq!(report.status, Status::Failed);
    assert!(report.failures[0].2.contains("was already written by node"), "{:?}", report.failures);
    assert_eq!(world.files(), ["one.png"]);
}

#[test]
fn files_of_others_are_left_alone() {
    let world = World::new();
    std::fs::write(world.dir.path().join("picture.png"), "mine").unwrap();
    let report = world.try_run(&save(""), None).unwrap();
    assert!(report.failures[0].2.contains("is in the way"), "{:?}", report.failures);
    assert_eq!(world.bytes("picture.png"), b"mine");
}

#[test]
fn what_does_not_go_together_is_said_before_anything_runs() {
    let world = World::new();
    for (with, words) in [
        (r#""format": "jpeg", "bits": 16"#, "holds no 16 bits"),
        (r#""bits": 12"#, "write 8 or 16"),
        (r#""name": "a.jpg""#, "leave the ending out"),
        (r#""name": "{item""#, "braces"),
        (r#""name": """#, "not a file's name"),
        (r#""quality": 0"#, "outside 1 to 100"),
    ] {
        let refused = world.try_run(&save(with), None).expect_err(with);
        assert!(refused.contains(words), "{with}: {refused}");
    }
    let report = world.try_run(&save(r#""name": "../out""#), None).unwrap();
    assert!(report.failures[0].2.contains("not a name inside the output folder"), "{:?}", report.failures);
    let refused = world.try_run(&save(r#""name": "{item}""#), None).expect_err("{item}");
    assert!(refused.contains("--items"), "{refused}");
}
