//! Runs that end before their end.
#![cfg(unix)]

use crate::place::{Place, finish};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
}

/// Waits for so many files.
fn wait_for(place: &Place, files: usize) {
    let begun = Instant::now();
    while place.files("out").len() < files {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", place.files("out"));
        std::thread::sleep(Duration::from_millis(5));
    }
}

const MANY: [&str; 6] = ["paper.ron", "--jobs", "1", "--set", "size=700x700", "--no-cache"];

#[test]
fn the_first_signal_finishes_the_step() {
    for name in ["INT", "TERM"] {
        let place = Place::papers();
        let child = place.start(&[&MANY[..], &["--items", "500"]].concat());
        wait_for(&place, 3);
        signal(&child, name);
        let said = finish(child).ends(130).complains("finishing the step").says("cancelled");
        said.complains("--resume");
        let done = place.files("out").len();
        assert!(done < 500);
        assert_eq!(place.run(&["runs", "--json"]).ends(0).json()[0]["status"], "cancelled");
        let to = (done + 2).to_string();
        let json = place.run(&[&MANY[..], &["--items", &to, "--resume", "--json"]].concat()).ends(0).json();
        assert_eq!(json["items"]["done"].as_u64(), Some(done as u64 + 2));
        assert!(json["effects"]["done"].as_u64().unwrap() <= 3, "{json}");
        assert_eq!(place.files("out").len(), done + 2);
    }
}

#[test]
fn the_second_signal_stops_at_once() {
    let place = Place::paper();
    let child =
        place.start(&["paper.ron", "--set", "size=12000x12000", "--set", "paper.octaves=12", "--no-cache"]);
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(100));
    let asked = Instant::now();
    signal(&child, "INT");
    finish(child).ends(130);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
}

#[test]
fn a_killed_run_is_gone_on_with() {
    let place = Place::papers();
    let mut child = place.start(&[&MANY[..], &["--items", "500"]].concat());
    wait_for(&place, 3);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(place.run(&["runs", "--json"]).ends(0).json()[0]["status"], "interrupted");
    let done = place.files("out").len();
    let to = (done + 2).to_string();
    let json = place.run(&[&MANY[..], &["--items", &to, "--resume", "--json"]].concat()).ends(0).json();
    assert_eq!(json["items"]["done"].as_u64(), Some(done as u64 + 2));
    assert!(json["effects"]["done"].as_u64().unwrap() <= 4, "{json}");
    place.run(&["runs"]).ends(0).says("interrupted").says("done");
}

#[test]
fn what_a_killed_process_had_begun_others_finish() {
    let place = Place::papers();
    let args = [&MANY[..], &["--items", "24", "--json"]].concat();
    let mut one = place.start(&args);
    let other = place.start(&args);
    wait_for(&place, 3);
    one.kill().unwrap();
    one.wait().unwrap();
    let json = finish(other).ends(0).json();
    assert_eq!(json["items"]["done"], 24, "{json}");
    assert_eq!(place.files("out").len(), 24);
}
