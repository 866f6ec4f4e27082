//! A text goes into a file and comes back, and the picture stays what it was.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{fixture, next, sample, small};
use kiln_codec::{CodecError, Format, SaveOptions, decode, embed_text, encode, read_text};

fn files() -> Vec<(Format, Vec<u8>)> {
    let mut files: Vec<(Format, Vec<u8>)> = [3, 4]
        .into_iter()
        .flat_map(|c| {
            [Format::Png, Format::Jpeg, Format::WebP]
                .map(|f| (f, encode(&sample(20, 10, c), 0, &SaveOptions::new(f)).unwrap()))
        })
        .collect();
    files.push((Format::WebP, fixture("lossy.webp")));
    files.push((Format::WebP, fixture("lossy_alpha.webp")));
    files.push((Format::WebP, fixture("orientation6.webp")));
    files.push((Format::Jpeg, fixture("orientation6.jpg")));
    files.push((Format::Jpeg, fixture("progressive.jpg")));
    files.push((Format::Png, fixture("anim.png")));
    files.push((Format::Avif, fixture("rgb.avif")));
    files
}

#[test]
fn texts_come_back_and_are_replaced() {
    let long: String = "graph ü 漢 😀 <&>\"'\r\n\t".repeat(20_000);
    for (format, bytes) in files() {
        assert_eq!(read_text(&bytes, "kiln").unwrap(), None, "{format}");
        let mut now = bytes.clone();
        for text in ["", "one", long.as_str(), "{\"nodes\": []}"] {
            now = embed_text(&now, format, "kiln", text).unwrap();
            assert_eq!(read_text(&now, "kiln").unwrap().as_deref(), Some(text), "{format}");
            now = embed_text(&now, format, "other", text).unwrap();
            assert_eq!(read_text(&now, "other").unwrap().as_deref(), Some(text), "{format}");
            assert_eq!(read_text(&now, "kiln").unwrap().as_deref(), Some(text), "{format}");
            assert_eq!(read_text(&now, "kil").unwrap(), None);
        }
        assert!(now.len() < bytes.len() + 1000, "{format}: the old text is gone");
        if format != Format::Avif {
            let (before, after) = (decode(&bytes, &small()).unwrap(), decode(&now, &small()).unwrap());
            assert_eq!(before, after, "{format}: the picture is the same");
        }
    }
}

#[test]
fn png_holds_it_before_the_picture() {
    let bytes = encode(&sample(8, 8, 3), 0, &SaveOptions::new(Format::Png)).unwrap();
    let bytes = embed_text(&bytes, Format::Png, "kiln", "x").unwrap();
    let at = |what: &[u8]| bytes.windows(4).position(|w| w == what).unwrap();
    assert!(at(b"IHDR") < at(b"iTXt") && at(b"iTXt") < at(b"IDAT"));
}

#[test]
fn texts_of_other_programs_are_read() {
    let bytes = fixture("texts.png");
    assert_eq!(read_text(&bytes, "prompt").unwrap().as_deref(), Some("{\"a\": 1}"));
    assert_eq!(read_text(&bytes, "workflow").unwrap().as_deref(), Some("größe"));
    assert_eq!(read_text(&bytes, "packed").unwrap().unwrap().len(), 5000);
}

#[test]
fn a_text_that_unfolds_without_end_is_refused() {
    let error = read_text(&fixture("text_bomb.png"), "kiln").unwrap_err();
    assert!(matches!(error, CodecError::TooLarge { .. }), "{error}");
    decode(&fixture("text_bomb.png"), &small()).map(|d| assert_eq!(d.image.width(), 13)).unwrap();
}

#[test]
fn wrong_keys_and_formats_are_errors() {
    let png = fixture("rgb.png");
    for key in ["", "1a", "a b", "ü", "a\0", &"k".repeat(80)] {
        assert!(embed_text(&png, Format::Png, key, "x").is_err(), "{key:?}");
        assert!(read_text(&png, key).is_err(), "{key:?}");
    }
    assert!(embed_text(&png, Format::Jpeg, "kiln", "x").is_err());
    assert!(embed_text(&png, Format::Png, "kiln", "a\0b").is_err());
    assert!(matches!(
        embed_text(&fixture("rgb.gif"), Format::Gif, "kiln", "x"),
        Err(CodecError::Text { .. })
    ));
    assert_eq!(read_text(&fixture("rgb.gif"), "kiln").unwrap(), None);
    assert!(read_text(b"nothing", "kiln").is_err());
}

#[test]
fn a_missing_part_is_noticed() {
    let bytes = encode(&sample(8, 8, 3), 0, &SaveOptions::new(Format::Jpeg)).unwrap();
    let mut bytes = embed_text(&bytes, Format::Jpeg, "kiln", &"a".repeat(150_000)).unwrap();
    let second = bytes.windows(4).position(|w| w == b"\x002/3").unwrap();
    bytes[second + 1] = b'3';
    assert!(matches!(read_text(&bytes, "kiln"), Err(CodecError::Damaged { .. })));
}

#[test]
fn hostile_containers_are_errors_and_never_panics() {
    let mut state = 7;
    for (format, bytes) in files() {
        let bytes = embed_text(&bytes, format, "kiln", "a text to lose").unwrap();
        for end in 0..bytes.len() {
            let part = &bytes[..end];
            if let Ok(Some(text)) = read_text(part, "kiln") {
                assert_eq!(text, "a text to lose", "{format}: half a text is not a text");
            }
            let _ = embed_text(part, format, "kiln", "new");
        }
        for _ in 0..1500 {
            let mut bad = bytes.clone();
            for _ in 0..1 + next(&mut state) % 4 {
                let at = next(&mut state) as usize % bad.len();
                bad[at] = [0, 255, 127, next(&mut state) as u8][next(&mut state) as usize % 4];
            }
            let _ = read_text(&bad, "kiln");
            let _ = embed_text(&bad, format, "kiln", "new");
        }
    }
}
