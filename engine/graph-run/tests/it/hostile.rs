//! Arguments that nobody should give: each ends with a code and words, none with a panic.

use crate::place::{PAPER, Place};

#[test]
fn odd_arguments_end_in_words() {
    let place = Place::paper();
    place.write(
        "deep.ron",
        format!(
            "Graph(kiln: 1, nodes: {{ \"a\": (type: \"X\", with: {{ \"v\": {}1{} }}) }})",
            "[".repeat(9000),
            "]".repeat(9000)
        ),
    );
    place.write("empty.ron", "");
    place.write("none.ron", "Graph(kiln: 1, nodes: {})");
    place.write("new.ron", "Graph(kiln: 999, nodes: {})");
    place.write("unknown.ron", PAPER.replace("PadImage", "PadImgae"));
    place.write(
        "circle.ron",
        PAPER
            .replace("\"with\"", "")
            .replace(r#"(type: "NoiseImage","#, r#"(type: "PadImage", from: { "image": "frame.image" },"#),
    );
    let long = "x".repeat(100_000);
    let many = format!("paper.size={}", "(".repeat(5000));
    let table: &[&[&str]] = &[
        &[""],
        &["--"],
        &["--", ""],
        &["\u{0}"[..0].trim_end(), "x"],
        &["deep.ron"],
        &["empty.ron"],
        &["none.ron"],
        &["new.ron"],
        &["unknown.ron"],
        &["circle.ron"],
        &["paper.ron", "paper.ron"],
        &["paper.ron", "--set"],
        &["paper.ron", "--set", ""],
        &["paper.ron", "--set", "="],
        &["paper.ron", "--set", "."],
        &["paper.ron", "--set", ".="],
        &["paper.ron", "--set", &long],
        &["paper.ron", "--set", &many],
        &["paper.ron", "--set", "paper.size=99999999999999999999x1"],
        &["paper.ron", "--set", "paper.\\x=1"],
        &["paper.ron", "--set", "$.x=1"],
        &["paper.ron", "--set", "frame.size=NaN"],
        &["paper.ron", "--set", "paper.scale=inf"],
        &["paper.ron", "--want", ""],
        &["paper.ron", "--want", &long],
        &["paper.ron", "--want", "*"],
        &["paper.ron", "--items", "0..18446744073709551615"],
        &["paper.ron", "--items", "18446744073709551614..18446744073709551615"],
        &["paper.ron", "--items", "1e3"],
        &["paper.ron", "--item", "-1"],
        &["paper.ron", "--jobs", "99999999999999999999999"],
        &["paper.ron", "--jobs", "-1"],
        &["paper.ron", "--memory", "-1"],
        &["paper.ron", "--memory", "99999999999999999999T"],
        &["paper.ron", "--cache", "x", "--no-cache"],
        &["paper.ron", "--allow-net", "http://x/"],
        &["paper.ron", "--allow-net", ":"],
        &["paper.ron", "--allow-read", ""],
        &["paper.ron", "--rows", "/dev/null"],
        &["paper.ron", "check"],
        &["paper.ron", "--out", ""],
        &["check"],
        &["check", "paper.ron", "paper.ron"],
        &["fmt"],
        &["fmt", "--check", "--stdout", "paper.ron"],
        &["nodes", ""],
        &["nodes", &long],
        &["nodes", "--json", "--markdown"],
        &["new", "../../etc/passwd"],
        &["new", "framed-paper", "no/such/folder/x.ron"],
        &["runs", "--out", "/dev/null"],
        &["runs", "--limit", "-1"],
        &["runs", "%"],
        &["cache", "gc", "--budget", ""],
        &["cache"],
        &["completions"],
        &["/dev/null"],
        &["/"],
        &["/proc/self/mem"],
    ];
    for args in table {
        let said = place.run(args);
        let shown: Vec<String> = args.iter().map(|a| a.chars().take(60).collect()).collect();
        assert_eq!(said.code, 2, "{shown:?}: {} {}", said.out, said.err);
        assert!(!said.err.is_empty() && !said.err.contains("panicked"), "{shown:?}: {}", said.err);
        assert!(said.err.len() < 250_000, "{shown:?}");
    }
    assert!(!place.path("out").exists());
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_names_all_the_same() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let place = Place::paper();
    let odd = OsStr::from_bytes(b"od\xff.ron");
    std::fs::copy(place.path("paper.ron"), place.dir().join(odd)).unwrap();
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_graph-run"))
        .arg(odd)
        .arg("--no-cache")
        .current_dir(place.dir())
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    let said = std::process::Command::new(env!("CARGO_BIN_EXE_graph-run"))
        .args([OsStr::new("paper.ron"), OsStr::new("--set"), OsStr::from_bytes(b"name=\xff")])
        .current_dir(place.dir())
        .output()
        .unwrap();
    assert_eq!(said.status.code(), Some(2));
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let place = Place::paper();
    let mut child = place.start(&["nodes", "--markdown"]);
    drop(child.stdout.take());
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{out:?}");
}
