//! A picture carries its graph: it can be run, and makes itself again.

use crate::place::{PAPER, Place};

#[test]
fn a_picture_makes_itself_again() {
    let place = Place::paper();
    place.run(&["paper.ron", "--set", "seed=99", "--set", "size=20x20", "--quiet"]).ends(0);
    place.run(&["out/paper.png", "--out", "again", "--no-cache"]).ends(0);
    assert_eq!(place.bytes("again/paper.png"), place.bytes("out/paper.png"));
    // With another setting it is another picture, made from the same graph.
    place.run(&["out/paper.png", "--out", "other", "--set", "seed=1"]).ends(0);
    assert_ne!(place.bytes("other/paper.png"), place.bytes("out/paper.png"));
    place.run(&["fmt", "--stdout", "out/paper.png"]).ends(0).says("\"seed\": 99").says("\"size\": (20, 20)");
    place.run(&["fmt", "out/paper.png"]).ends(2).complains("stays as it is");
    place.run(&["check", "out/paper.png"]).ends(0);
}

#[test]
fn an_item_makes_itself_again() {
    let place = Place::papers();
    place.run(&["paper.ron", "--items", "5", "--quiet"]).ends(0);
    place.run(&["out/003.png", "--out", "again", "--no-cache"]).ends(0).says("1 item");
    assert_eq!(place.files("again"), ["003.png"]);
    assert_eq!(place.bytes("again/003.png"), place.bytes("out/003.png"));
    place.run(&["fmt", "--stdout", "out/003.png"]).ends(0).says("run: (item: 3)");
    // Its grandchild, too.
    place.run(&["again/003.png", "--out", "third", "--no-cache"]).ends(0);
    assert_eq!(place.bytes("third/003.png"), place.bytes("out/003.png"));
    // Other items of the same graph.
    place.run(&["out/003.png", "--items", "4..5", "--out", "other", "--no-cache"]).ends(0);
    assert_eq!(place.bytes("other/004.png"), place.bytes("out/004.png"));
}

#[test]
fn an_item_of_a_table_makes_itself_again() {
    let place = Place::new();
    place.write("paper.ron", PAPER);
    place.write("rows.csv", "who,size,seed\nAda,16x16,5\nBob,18x18,6\n");
    place.run(&["paper.ron", "--rows", "rows.csv", "--set", "name={item}_{who}", "--quiet"]).ends(0);
    place.run(&["out/1_Bob.png", "--out", "again", "--no-cache"]).ends(0);
    assert_eq!(place.files("again"), ["1_Bob.png"]);
    assert_eq!(place.bytes("again/1_Bob.png"), place.bytes("out/1_Bob.png"));
    let text = place.run(&["fmt", "--stdout", "out/1_Bob.png"]).ends(0).out;
    assert!(
        text.contains("Fixed(6)") && text.contains("(18, 18)") && text.contains("\"who\": \"Bob\""),
        "{text}"
    );
}

#[test]
fn other_files_are_told_apart() {
    let place = Place::paper();
    place.run(&["paper.ron", "--quiet"]).ends(0);
    let png = place.bytes("out/paper.png");
    place.write("torn.png", &png[..60]);
    assert_eq!(place.run(&["torn.png"]).code, 2);
    place.write("noise.bin", [0xff, 0xfe, 0, 1, 2, 0x80]);
    place.run(&["noise.bin"]).ends(2).complains("neither a graph nor a picture");
    place.write("plain.bmp", [b"BM".as_slice(), &[0; 60]].concat());
    assert_eq!(place.run(&["plain.bmp"]).code, 2);
}

#[test]
fn other_kinds_of_files_carry_it_too() {
    let place = Place::paper();
    for (format, ending) in [("jpeg", "jpg"), ("webp", "webp")] {
        place.run(&["paper.ron", "--set", &format!("save.format={format}"), "--quiet"]).ends(0);
        let file = format!("out/paper.{ending}");
        place.run(&[&file, "--out", "again", "--no-cache"]).ends(0);
        assert_eq!(place.bytes(&format!("again/paper.{ending}")), place.bytes(&file), "{format}");
    }
    place.run(&["paper.ron", "--set", "save.embed=false", "--out", "bare", "--quiet"]).ends(0);
    place.run(&["bare/paper.png"]).ends(2).complains("carries no graph");
}
