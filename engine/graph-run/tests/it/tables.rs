//! `--rows`: tables in all their forms, and what is wrong with them.

use crate::place::{PAPER, Place};

fn width(place: &Place, name: &str) -> u32 {
    let png = place.bytes(name);
    u32::from_be_bytes(png[16..20].try_into().unwrap())
}

#[test]
fn rows_set_parameters() {
    let place = Place::paper();
    place.write(
        "rows.csv",
        "\u{FEFF}name,size,frame.size,note\r\n\"a, b\",10x10,0,free\r\nc,\"(20, 20)\",1,\"more\nlines\"\r\n",
    );
    place.run(&["paper.ron", "--rows", "rows.csv"]).ends(0).says("2 items");
    assert_eq!(place.files("out"), ["a, b.png", "c.png"]);
    assert_eq!((width(&place, "out/a, b.png"), width(&place, "out/c.png")), (10, 22));

    place.write(
        "rows.json",
        r#"[{"name": "j0", "frame.size": 0, "seed": 1}, {"seed": 1, "name": "j1", "frame.size": 0}]"#,
    );
    place.run(&["paper.ron", "--rows", "rows.json"]).ends(0);
    assert_eq!(width(&place, "out/j0.png"), 32);
    place.write("rows.jsonl", "{\"name\": \"l0\"}\n\n{\"name\": \"l1\"}\n");
    place.run(&["paper.ron", "--rows", "rows.jsonl", "--items", "1..2"]).ends(0).says("1 item");
    assert!(place.path("out/l1.png").exists() && !place.path("out/l0.png").exists());
}

#[test]
fn free_columns_fill_texts() {
    let place = Place::paper();
    place.write("rows.csv", "who,seed\nAda,1\nBob,2\n");
    place.run(&["paper.ron", "--rows", "rows.csv", "--set", "name={item}_{who}"]).ends(0);
    assert_eq!(place.files("out"), ["0_Ada.png", "1_Bob.png"]);
}

#[test]
fn what_is_wrong_has_a_line() {
    let place = Place::paper();
    let wrong = [
        ("r.csv", "name,size\na,1x1\nb\n", "r.csv:3: 1 cells, but 2 columns"),
        ("r.csv", "name,name\na,b\n", "two columns \"name\""),
        ("r.csv", "name,\na,b\n", "column 2 has no name"),
        ("r.csv", "name,size\n", "there are no rows"),
        ("r.csv", "", "there are no rows"),
        ("r.csv", "name,frame.sise\na,1\n", "did you mean frame.size?"),
        ("r.csv", "name,fram.size\na,1\n", "did you mean frame.size?"),
        ("r.json", "[{\"name\": 1}, 3]", "row 1 is no object"),
        ("r.json", "[{\"name\": 1}, {\"nam\": 1}]", "row 1 has no \"name\""),
        ("r.json", "[{", "r.json:1: "),
        ("r.jsonl", "{\"name\": \"a\"}\n{\"name\": \"b\", \"x\": 1}\n", "r.jsonl:2: "),
        ("r.txt", "name\na\n", ".csv, .json or .jsonl"),
    ];
    for (file, text, words) in wrong {
        place.write(file, text);
        let said = place.run(&["paper.ron", "--rows", file]);
        assert_eq!(said.code, 2, "{text}: {said:?}");
        assert!(said.err.contains(words), "{text}: {}", said.err);
    }
    place.write("r.csv", b"name\n\xff\n");
    place.run(&["paper.ron", "--rows", "r.csv"]).ends(2).complains("UTF-8");
    place.run(&["paper.ron", "--rows", "none.csv"]).ends(2).complains("none.csv");
    place.run(&["paper.ron", "--rows", "."]).ends(2).complains("folder");
    assert!(!place.path("out").exists(), "a table is read before anything is made");
}

#[test]
fn every_bad_cell_is_told_before_anything_is_made() {
    let place = Place::paper();
    let mut text = "name,size\n".to_owned();
    for row in 0..40 {
        text.push_str(&format!("n{row},{}\n", if row % 2 == 0 { "8x8" } else { "huge" }));
    }
    place.write("rows.csv", text);
    let said = place.run(&["paper.ron", "--rows", "rows.csv"]).ends(2);
    let said = said.complains("rows.csv:3: column \"size\"").complains("rows.csv:5:");
    assert_eq!(said.err.matches("column \"size\"").count(), 20);
    // Only the rows that are asked for have to be right.
    place.run(&["paper.ron", "--rows", "rows.csv", "--items", "0..1"]).ends(0);
    place.run(&["paper.ron", "--rows", "rows.csv", "--items", "0..41"]).ends(2).complains("40 rows");
    place.run(&["paper.ron", "--rows", "rows.csv", "--item", "40"]).ends(2).complains("40 rows");
}

#[test]
fn a_table_that_changed_is_another_batch() {
    let place = Place::new();
    place.write("paper.ron", PAPER);
    place.write("rows.csv", "name,size\na,8x8\nb,8x8\n");
    place.run(&["paper.ron", "--rows", "rows.csv", "--quiet"]).ends(0);
    place.write("rows.csv", "name,size\na,9x9\nb,8x8\n");
    let json = place.run(&["paper.ron", "--rows", "rows.csv", "--resume", "--json"]).ends(0).json();
    assert_eq!((width(&place, "out/a.png"), width(&place, "out/b.png")), (17, 16));
    assert_eq!(json["effects"]["done"], 1, "what did not change is not made again");
}
