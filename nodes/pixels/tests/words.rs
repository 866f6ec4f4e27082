//! Words, contact sheets and comparisons.

#![cfg(feature = "text")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;

use kiln_pixels::{
    sheet::{Cell, Comparison, SheetOptions, compare, contact_sheet},
    text::{Align, TextStyle, Typeface, draw_text, text_size},
};
use kiln_types::{Color, Image};

fn blank(width: usize, height: usize, channels: usize) -> Image {
    Image::zeros(1, height, width, channels).unwrap()
}

fn white(typeface: Typeface, size: f32) -> TextStyle {
    TextStyle { typeface, size, color: Color::WHITE, ..TextStyle::default() }
}

fn ink(image: &Image) -> f32 {
    image.data().chunks_exact(image.channels()).map(|p| p[0]).sum()
}

#[test]
fn words_are_as_wide_and_as_black_as_pillows() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/grade/expected.json");
    let expected: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for (name, want) in expected["texts"].as_object().unwrap() {
        let (face, words) = name.split_once(' ').unwrap();
        let style = white(if face.starts_with("Hack") { Typeface::Mono } else { Typeface::Sans }, 32.0);
        let [width, _] = text_size(words, &style).unwrap();
        let got = ink(&draw_text(&blank(300, 60, 3), words, 0, 8, &style).unwrap());
        let [want_width, want_ink] = ["width", "ink"].map(|k| want[k].as_f64().unwrap());
        println!("{name}: {width} wide, {want_width} by Pillow; {got} ink, {want_ink} by Pillow");
        // Pillow fits letters to the grid ("hinting"); here they keep their own widths.
        assert!((width as f64 - want_width).abs() <= 6.0, "{name}: {width} wide, {want_width} by Pillow");
        assert!((f64::from(got) / want_ink - 1.0).abs() < 0.08, "{name}: {got} ink, {want_ink} by Pillow");
    }
}

#[test]
fn lines_break_and_stand_where_they_should() {
    let style = white(Typeface::Mono, 20.0);
    let [one, line] = text_size("word", &style).unwrap();
    let narrow = TextStyle { max_width: Some(one + 2), ..style };
    assert_eq!(text_size("word word word", &narrow).unwrap(), [one, 3 * line]);
    assert_eq!(text_size("wordword", &narrow).unwrap(), [one, 2 * line]);
    assert_eq!(text_size("a\nb\n", &style).unwrap()[1], 3 * line);
    assert_eq!(text_size("", &style).unwrap()[0], 0);
    let at = |align| {
        let style = TextStyle { align, max_width: Some(100), ..style };
        let image = draw_text(&blank(100, 30, 3), "I", 0, 0, &style).unwrap();
        let columns = (0..100).filter(|x| (0..30).any(|y| image.pixel(0, y, *x)[0] > 0.3));
        columns.sum::<usize>()
    };
    assert!(at(Align::Left) < at(Align::Center) && at(Align::Center) < at(Align::Right));
}

#[test]
fn words_lie_on_clear_pictures() {
    let style = TextStyle { color: Color::rgb8(255, 0, 0), size: 30.0, ..TextStyle::default() };
    let image = draw_text(&blank(60, 40, 4), "H", 5, 0, &style).unwrap();
    assert!(image.data().chunks_exact(4).any(|p| p == [1.0, 0.0, 0.0, 1.0]));
    assert!(image.data().chunks_exact(4).all(|p| p[3] == 0.0 || p[0] > 0.99));
}

#[test]
fn far_away_and_out_of_range_do_no_harm() {
    let style = TextStyle::default();
    let image = blank(20, 20, 3);
    for (x, y) in [(-10_000, 0), (isize::MAX, isize::MIN), (5, 100_000), (-3, -3)] {
        draw_text(&image, "far", x, y, &style).unwrap();
    }
    for bad in [f32::NAN, 0.0, -1.0, 1e9] {
        assert!(draw_text(&image, "a", 0, 0, &TextStyle { size: bad, ..style }).is_err());
    }
    let odd = Color { r: f32::NAN, ..Color::BLACK };
    assert!(draw_text(&image, "a", 0, 0, &TextStyle { color: odd, ..style }).is_err());
    assert!(draw_text(&image, &"a".repeat(100_001), 0, 0, &style).is_err());
    let narrow = TextStyle { max_width: Some(0), ..style };
    draw_text(&image, "漢 字 \u{0} \u{10ffff}\t\r\n 😀", 0, 0, &narrow).unwrap();
}

#[test]
fn a_sheet_holds_all_its_pictures() {
    let red = Image::new(2, 4, 8, 3, [1.0, 0.0, 0.0].repeat(64)).unwrap();
    let clear = blank(6, 6, 4);
    let long = "long ".repeat(99);
    let cell = |image, index, caption| Cell { image, index, caption };
    let cells = [cell(&red, 0, "first"), cell(&red, 1, ""), cell(&clear, 0, &long)];
    let options =
        SheetOptions { cell: [40, 30], margin: 5, title: "Sheet".to_owned(), ..SheetOptions::default() };
    let sheet = contact_sheet(&cells, &options).unwrap();
    // Two columns; a title of 48 and a caption of 24 pixels.
    assert_eq!((sheet.width(), sheet.height()), (5 + 2 * 45, 5 + 53 + 2 * (30 + 24 + 5)));
    let middle = sheet.pixel(0, 5 + 53 + 15, 5 + 20);
    assert!((middle[0] - 1.0).abs() < 0.01 && middle[1] < 0.01);
    assert_eq!(sheet.pixel(0, 5 + 53 + 59 + 15, 5 + 20), [1.0, 1.0, 1.0]);
    assert!(ink(&sheet) < (sheet.width() * sheet.height()) as f32 - 50.0);
    assert_eq!(sheet, contact_sheet(&cells, &options).unwrap());
    assert!(contact_sheet(&[], &options).is_err());
    assert!(contact_sheet(&[cell(&red, 2, "")], &options).is_err());
    let huge = SheetOptions { cell: [16384, 16384], columns: 1, ..options.clone() };
    assert!(contact_sheet(&vec![cell(&red, 0, ""); 10_000], &huge).is_err());
    assert!(contact_sheet(&cells, &SheetOptions { cell: [0, 1], ..options.clone() }).is_err());
    assert!(contact_sheet(&cells, &SheetOptions { text_size: f32::NAN, ..options }).is_err());
}

#[test]
fn comparisons_show_both() {
    let black = blank(10, 4, 3);
    let half = Image::new(1, 2, 5, 3, vec![0.5; 30]).unwrap();
    let both = compare(&black, &half, Comparison::SideBySide, 0.5, 1.0).unwrap();
    assert_eq!(both.width(), 20);
    assert!(both.pixel(0, 2, 9)[0] == 0.0 && both.pixel(0, 2, 10)[0] > 0.49);
    let wipe = compare(&black, &half, Comparison::Wipe, 0.3, 1.0).unwrap();
    assert!(wipe.pixel(0, 0, 2)[0] == 0.0 && wipe.pixel(0, 0, 3)[0] > 0.49);
    let same = compare(&black, &black, Comparison::Difference, 0.5, 1.0).unwrap();
    assert_eq!(ink(&same), 0.0);
    let hot = compare(&black, &half, Comparison::Difference, 0.5, 10.0).unwrap();
    assert_eq!(hot.pixel(0, 0, 0), [1.0, 1.0, 1.0]);
    let clear = compare(&blank(4, 4, 4), &black, Comparison::Wipe, 1.0, 1.0).unwrap();
    assert!((clear.pixel(0, 0, 0)[0] - 0.8).abs() < 1e-6);
    assert!(compare(&black, &half, Comparison::Wipe, f32::NAN, 1.0).is_err());
    assert!(compare(&black, &half, Comparison::Difference, 0.5, -1.0).is_err());
}
