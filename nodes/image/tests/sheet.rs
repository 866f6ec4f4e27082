//! Contact sheets: built row by row, they are what they would be at once; over items, lists and windows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]
mod common;

use common::{Run, engine, graph, items, out, picture, run};
use kiln_core::Status;
use kiln_core::types::{Color, Image};
use kiln_pixels::sheet::{Cell, SheetOptions, contact_sheet};

#[test]
fn a_sheet_of_rows_is_the_sheet_at_once() {
    let engine = engine();
    let source =
        r#""p": (type: "NoiseImage", with: { "size": (30, 20), "seed": Fixed(4), "batch": 7, "scale": 6 }),"#;
    let all: Image = (*picture(&engine, &source.replace("\"p\"", "\"n\""))).clone();
    for (columns, caption, title) in
        [(3, "no {index}", "Seven"), (0, "", ""), (7, "{index}", ""), (1, "", "Title")]
    {
        let made = picture(
            &engine,
            &format!(
                r##"{source} "n": (type: "ContactSheet", from: {{ "images": "p.image" }}, with: {{ "cell": (40, 32),
                   "columns": {columns}, "margin": 5, "caption": "{caption}", "title": "{title}",
                   "background": "#203040", "ink": "#ffffff", "text_size": 9 }}),"##
            ),
        );
        let captions: Vec<String> = (0..7).map(|i| caption.replace("{index}", &i.to_string())).collect();
        let cells: Vec<Cell<'_>> = captions
            .iter()
            .enumerate()
            .map(|(index, caption)| Cell { image: &all, index, caption })
            .collect();
        let options = SheetOptions {
            cell: [40, 32],
            columns,
            margin: 5,
            background: Color::parse("#203040").unwrap(),
            ink: Color::WHITE,
            text_size: 9.0,
            title: title.to_owned(),
        };
        assert!(
            *made == contact_sheet(&cells, &options).unwrap(),
            "{columns} columns, {caption:?}, {title:?}"
        );
    }
}

#[test]
fn items_are_collected_in_windows() {
    let engine = engine();
    let dir = tempfile::tempdir().unwrap();
    let nodes = |window: u32, name: &str| {
        format!(
            r#""a": (type: "NoiseImage", with: {{ "size": (12, 12), "seed": 1, "scale": 4 }}),
               "n": (type: "ContactSheet", from: {{ "images": "a.image" }},
                     with: {{ "cell": (8, 8), "columns": 2, "margin": 1, "window": {window} }}),
               "s": (type: "SaveImage", from: {{ "images": "n.image" }}, with: {{ "name": "{name}" }}),"#
        )
    };
    for (window, name) in [(0, "all"), (3, "part{window}")] {
        let how = Run { out: Some(out(dir.path())), batch: Some(items(5)), ..Run::default() };
        let report = run(&engine, &graph(&nodes(window, name)), how).unwrap();
        assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    }
    let size = |name: &str| {
        let bytes = std::fs::read(dir.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let made = kiln_codec::decode(&bytes, &kiln_codec::Limits::default()).unwrap().image;
        (made.width(), made.height())
    };
    assert_eq!(size("all.png"), (19, 28));
    assert_eq!(size("part0.png"), (19, 19));
    assert_eq!(size("part1.png"), (19, 10));
}

#[test]
fn a_sheet_too_large_is_refused() {
    let engine = engine();
    let nodes = r#""p": (type: "SolidColor", with: { "size": (2, 2), "batch": 8 }),
        "n": (type: "ContactSheet", from: { "images": "p.image" }, with: { "cell": (16000, 16000), "columns": 8 }),"#;
    let report = run(&engine, &graph(nodes), Run { want: &["n"], ..Run::default() }).unwrap();
    assert!(report.failures[0].2.contains("make the cells smaller"), "{:?}", report.failures);
}
