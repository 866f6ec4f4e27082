//! Many items: ranges, resuming, retrying, several processes.

use crate::place::{PAPER, Place, finish};

#[test]
fn items_are_made() {
    let place = Place::papers();
    place.run(&["paper.ron", "--items", "2..5"]).ends(0).says("3 items").says("3 written to out");
    assert_eq!(place.files("out"), ["002.png", "003.png", "004.png"]);
    place.run(&["paper.ron", "--item", "7", "--quiet"]).ends(0);
    place.run(&["paper.ron", "--items", "1", "--quiet"]).ends(0);
    assert_eq!(place.files("out"), ["000.png", "002.png", "003.png", "004.png", "007.png"]);
    let json = place.run(&["paper.ron", "--items", "8", "--json"]).ends(0).json();
    assert_eq!((json["items"]["done"].as_u64(), json["effects"]["done"].as_u64()), (Some(8), Some(3)));
    let own = place.bytes("out/002.png");
    place.run(&["paper.ron", "--item", "2", "--out", "alone", "--no-cache"]).ends(0);
    assert_eq!(place.bytes("alone/002.png"), own, "an item is the same, whoever makes it and with whom");
    place.run(&["check", "paper.ron"]).ends(0);
}

#[test]
fn ranges_that_are_none_are_refused() {
    let place = Place::papers();
    for range in ["5..5", "9..3", "x", "-1", "1...4", "", "0..99999999999"] {
        let said = place.run(&["paper.ron", "--items", range]);
        assert_eq!(said.code, 2, "{range}: {said:?}");
    }
    place.run(&["paper.ron", "--item", "18446744073709551615"]).ends(2);
    place.run(&["paper.ron", "--item", "1", "--items", "2"]).ends(2);
    place.run(&["paper.ron", "--items", "2", "--jobs", "0"]).ends(2);
    assert!(!place.path("out").exists());
}

#[test]
fn items_that_do_not_differ_are_told() {
    let place = Place::new();
    place.write("same.ron", PAPER.replace("\"seed\": 7", "\"seed\": Fixed(7)"));
    place.run(&["same.ron", "--items", "3"]).ends(0).complains("differs from item to item");
}

#[test]
fn one_name_for_all_items_is_refused() {
    let place = Place::paper();
    place.run(&["paper.ron", "--items", "3"]).ends(2).complains("put {item} into the name");
}

#[test]
fn what_is_done_stays_done() {
    let place = Place::papers();
    place.run(&["paper.ron", "--items", "4", "--quiet"]).ends(0);
    let json = place.run(&["paper.ron", "--items", "6", "--resume", "--json"]).ends(0).json();
    assert_eq!(
        (json["ran"].as_u64(), json["items"]["done"].as_u64()),
        (Some(6), Some(6)),
        "two items of three nodes"
    );
}

/// Item 1 wants a name that leads outside.
fn failing() -> Place {
    let place = Place::new();
    place.write("paper.ron", PAPER);
    place.write("rows.csv", "name,seed\na,1\n../b,2\nc,3\n");
    place
}

#[test]
fn a_failed_item_leaves_the_others() {
    let place = failing();
    let said = place.run(&["paper.ron", "--rows", "rows.csv"]).ends(1);
    let said = said
        .says("3 items, 1 failed")
        .complains("error in save, item 1")
        .complains("graph-run retry --out out");
    assert!(said.err.contains("../b"), "{}", said.err);
    assert_eq!(place.files("out"), ["a.png", "c.png"]);
    let id = place.run(&["runs", "--json"]).ends(0).json()[0]["id"].as_str().unwrap().to_owned();
    place.run(&["runs", &id]).ends(0).says("items that are not done").says("1: failed").says("../b");
    place.run(&["runs"]).ends(0).says("failed").says("Paper");
    // Tried again as it is, it fails again.
    place.run(&["retry"]).ends(1).complains("1 item is tried again");
    // Whatever was mended: only what failed is made.
    place.write("rows.csv", "name,seed\na,1\nb,2\nc,3\n");
    let json = place.run(&["retry", "--json"]).ends(0).complains("its table changed").json();
    assert_eq!((json["items"]["done"].as_u64(), json["effects"]["done"].as_u64()), (Some(3), Some(1)));
    assert_eq!(place.files("out"), ["a.png", "b.png", "c.png"]);
    place.run(&["retry"]).ends(0).complains("no item failed");
    place.run(&["retry", "paper.ron"]).ends(0);
    place.run(&["retry", "other.ron"]).ends(2).complains("no batch of other.ron");
}

#[test]
fn a_mended_graph_is_tried_again() {
    let place = failing();
    place.run(&["paper.ron", "--rows", "rows.csv", "--quiet"]).ends(1);
    place.write("paper.ron", PAPER.replace("\"size\": 4", "\"size\": 5"));
    place.write("rows.csv", "name,seed\na,1\nb,2\nc,3\n");
    // The folder may be elsewhere by now.
    std::fs::rename(place.path("out"), place.path("moved")).unwrap();
    place
        .run(&["retry", "--out", "moved"])
        .ends(0)
        .complains("the graph or its table changed")
        .says("3 items");
    assert_eq!(place.files("moved"), ["a.png", "b.png", "c.png"]);
    assert!(!place.path("out").exists());
}

#[test]
fn retry_needs_a_batch() {
    let place = Place::paper();
    place.run(&["retry"]).ends(2).complains("nothing was run into out");
    place.run(&["runs"]).ends(2).complains("nothing was run into out");
    assert!(!place.path("out").exists());
    place.run(&["paper.ron", "--quiet"]).ends(0);
    place.run(&["retry"]).ends(2).complains("no batch was run");
    place.run(&["runs", "nix"]).ends(2).complains("there is no run");
}

#[test]
fn two_processes_share_a_batch() {
    let place = Place::papers();
    let args = [
        "paper.ron",
        "--items",
        "24",
        "--set",
        "size=400x400",
        "--jobs",
        "1",
        "--json",
        "--no-cache",
        "--resume",
    ];
    let both: Vec<_> = (0..2).map(|_| place.start(&args)).collect();
    let said: Vec<_> = both.into_iter().map(|c| finish(c).ends(0).json()).collect();
    assert_eq!(place.files("out").len(), 24);
    let written: u64 = said.iter().map(|s| s["effects"]["done"].as_u64().unwrap()).sum();
    assert_eq!(written, 24, "no item is made twice");
    assert!(said.iter().all(|s| s["items"]["done"] == 24 && s["status"] == "done"));
    assert_eq!(place.run(&["runs", "--json"]).ends(0).json().as_array().unwrap().len(), 2);
}

#[test]
fn how_many_at_once_changes_nothing() {
    let place = Place::papers();
    place.run(&["paper.ron", "--items", "6", "--jobs", "1", "--no-cache", "--out", "one"]).ends(0);
    place
        .run(&["paper.ron", "--items", "6", "--jobs", "8", "--no-cache", "--out", "eight", "--memory", "1M"])
        .ends(0);
    for name in place.files("one") {
        assert_eq!(place.bytes(&format!("one/{name}")), place.bytes(&format!("eight/{name}")), "{name}");
    }
}
