//! What a graph from a stranger may do to the disk, and what becomes of folders.

use crate::place::{PAPER, Place};

fn loads(path: &str) -> String {
    format!(
        r#"Graph(kiln: 1, nodes: {{
            "load": (type: "LoadImage", with: {{ "image": {path:?} }}),
            "save": (type: "SaveImage", from: {{ "images": "load.image" }}, with: {{ "name": "copy" }}),
        }})"#
    )
}

/// A picture beside the graph's folder, and a graph that wants it.
fn stranger() -> Place {
    let place = Place::paper();
    place.run(&["paper.ron", "--quiet", "--out", "made"]).ends(0);
    std::fs::rename(place.path("made/paper.png"), place.path("secret.png")).unwrap();
    place.write("theirs/load.ron", loads("../secret.png"));
    place
}

#[test]
fn nothing_is_read_outside() {
    let place = stranger();
    let said = place.run(&["theirs/load.ron"]).ends(2);
    said.complains("lies outside the graph's folder").complains("--allow-read");
    assert!(!place.path("out").exists());
    let whole = place.path("secret.png");
    place.write("theirs/load.ron", loads(whole.to_str().unwrap()));
    place.run(&["theirs/load.ron"]).ends(2).complains("outside");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&whole, place.path("theirs/link.png")).unwrap();
        place.write("theirs/load.ron", loads("link.png"));
        place.run(&["theirs/load.ron"]).ends(2).complains("outside");
    }
}

#[test]
fn what_is_allowed_is_read() {
    let place = stranger();
    place.run(&["theirs/load.ron", "--allow-read", "secret.png"]).ends(0);
    place.run(&["theirs/load.ron", "--allow-read", ".", "--out", "two"]).ends(0);
    place.run(&["theirs/load.ron", "--allow-read", "nowhere"]).ends(2).complains("--allow-read nowhere");
    place.run(&["theirs/load.ron", "--models", "nowhere"]).ends(2).complains("--models nowhere");
    std::fs::create_dir(place.path("shared")).unwrap();
    std::fs::rename(place.path("secret.png"), place.path("shared/secret.png")).unwrap();
    place.write("theirs/load.ron", loads("../shared/secret.png"));
    place.run(&["theirs/load.ron"]).ends(2);
    place.run(&["theirs/load.ron", "--models", "shared"]).ends(0);
    let shared = place.path("shared");
    place
        .run_with(&["theirs/load.ron", "--out", "three"], &[("KILN_MODELS", shared.to_str().unwrap())])
        .ends(0);
}

#[test]
fn nothing_is_written_outside() {
    let place = Place::paper();
    for name in ["../escaped", "/tmp/kiln-escaped", "a/../../escaped", ".kiln/kiln", "a\\\\b"] {
        let said = place.run(&["paper.ron", "--set", &format!("name={name}")]);
        assert!(said.code == 1 || said.code == 2, "{name}: {said:?}");
    }
    assert!(!place.path("escaped.png").exists());
    #[cfg(unix)]
    {
        std::fs::create_dir_all(place.path("elsewhere")).unwrap();
        std::fs::create_dir_all(place.path("out")).unwrap();
        std::os::unix::fs::symlink(place.path("elsewhere"), place.path("out/sub")).unwrap();
        place.run(&["paper.ron", "--set", "name=sub/x"]).ends(1).complains("outside");
        assert!(place.files("elsewhere").is_empty());
    }
    place.run(&["paper.ron", "--set", "name=deep/er/paper"]).ends(0);
    assert!(place.path("out/deep/er/paper.png").exists());
}

#[test]
fn files_of_others_are_left_alone() {
    let place = Place::paper();
    place.write("out/paper.png", "a letter");
    place.run(&["paper.ron"]).ends(1).complains("--overwrite");
    assert_eq!(place.text("out/paper.png"), "a letter");
    place.run(&["paper.ron", "--overwrite"]).ends(0);
    assert_ne!(place.bytes("out/paper.png"), b"a letter");
}

#[test]
fn folders_that_cannot_be_are_told() {
    let place = Place::paper();
    place.write("file", "");
    place.run(&["paper.ron", "--out", "file/out"]).ends(2).complains("--out");
    place.run(&["paper.ron", "--out", "file"]).ends(2).complains("--out");
    // A cache only saves time.
    place.run(&["paper.ron", "--cache", "file/cache"]).ends(0).complains("warning: values are not kept");
    place.run(&["paper.ron", "--memory", "lots"]).ends(2).complains("512M");
    place
        .run_with(&["paper.ron", "--out", "two"], &[("KILN_CACHE", ""), ("HOME", ""), ("XDG_CACHE_HOME", "")])
        .ends(0);
    place.write(
        "out/.kiln/kiln.db",
        "not a database at all, but long enough to be looked at as if it were one ........",
    );
    place.run(&["paper.ron"]).ends(2).complains("not a Kiln database");
}

#[test]
fn templates_are_written_once() {
    let place = Place::new();
    place.run(&["new", "framed-paper"]).ends(0).says("run it: graph-run framed-paper.ron");
    place.run(&["new", "framed-paper"]).ends(2).complains("is there already");
    place.run(&["new", "framed-paper", "other.ron"]).ends(0);
    place.run(&["new", "framed-paper", "--overwrite"]).ends(0);
    place.run(&["fmt", "--check", "framed-paper.ron", "other.ron"]).ends(0);
    place.run(&["templates"]).ends(0).says("framed-paper");
    assert!(place.run(&["templates", "--json"]).ends(0).json().as_array().unwrap().len() >= 4);
}

#[test]
fn a_graph_comes_through_a_pipe() {
    use std::io::Write;
    let place = Place::new();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_graph-run"))
        .args(["-", "--no-cache", "--quiet"])
        .current_dir(place.dir())
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(PAPER.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(place.files("out"), ["paper.png"]);
}
