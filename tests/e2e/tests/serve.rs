//! The program as a worker: the canvas' way to run a graph.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
mod support;

use kiln_core::Event;
use kiln_runner::{Answer, FetchPicture, Items, PipeRunner, Runner, Submit};
use std::time::Duration;

#[test]
fn graph_run_serves_runs_and_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = support::command(dir.path());
    command.arg("serve");
    let runner = PipeRunner::spawn(command).unwrap();
    let mut stream = runner.subscribe(Some(0));
    let graph = r#"Graph(kiln: 1, nodes: {
        "paper": (type: "NoiseImage", with: { "size": (40, 30), "seed": 3 }),
        "save": (type: "SaveImage", from: { "image": "paper.image" }, with: { "name": "{item}" }),
    })"#;
    let submit = Submit {
        graph: graph.into(),
        base: dir.path().to_string_lossy().into_owned(),
        out: Some(dir.path().join("out").to_string_lossy().into_owned()),
        items: Some(Items::Range(0, 3)),
        ..Submit::default()
    };
    runner.submit(submit).unwrap();
    let mut key = None;
    let summary = loop {
        match stream.recv_timeout(Duration::from_secs(60)).unwrap().body {
            Answer::Event { event: Event::Finished { node, key: k, .. } } if node == "paper" => key = Some(k),
            Answer::Finished(summary) => break summary,
            Answer::Refused { problems } => panic!("{problems:?}"),
            _ => {}
        }
    };
    assert_eq!(summary.status, kiln_core::Status::Done);
    for item in 0..3 {
        assert!(dir.path().join(format!("out/{item}.png")).exists());
    }
    let fetch = FetchPicture { key: key.unwrap(), max_side: Some(20), ..FetchPicture::default() };
    let picture = runner.picture(fetch).wait(Duration::from_secs(30)).unwrap();
    assert_eq!((picture.full_width, picture.full_height), (40, 30));
    assert!(picture.width <= 20 && picture.png.starts_with(b"\x89PNG"));
}
