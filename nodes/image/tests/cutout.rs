//! What a studio does after the cut-out, as graphs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]
mod common;

use common::{Run, engine, graph, outputs, picture, run};
use kiln_core::types::{Image, Value};

/// A soft white disc on nothing, 60 x 40, and the same before green.
const DISC: &str = r##"
    "ramp": (type: "GradientImage", with: { "size": (60, 40), "shape": "radial", "from": "#ffffff", "to": "#000000", "radius": 0.6 }),
    "soft": (type: "MaskFromLuminance", from: { "image": "ramp.image" }),
    "edge": (type: "RefineMask", from: { "image": "ramp.image", "mask": "soft.mask" }, with: { "radius": 0, "contrast": 0.6 }),
    "white": (type: "SolidColor", with: { "size": (60, 40), "color": "#e0c0a0" }),
    "green": (type: "SolidColor", with: { "size": (60, 40), "color": "#10d040" }),
    "photo": (type: "ImageCompositeMasked", from: { "destination": "green.image", "source": "white.image", "mask": "edge.mask" }),
    "disc": (type: "RemoveHalo", from: { "image": "photo.image", "mask": "edge.mask" }),
"##;

fn values(nodes: &str) -> Vec<Value> {
    outputs(&engine(), &format!("{DISC} {nodes}")).unwrap_or_else(|e| panic!("{e}\n{nodes}"))
}

fn image(value: &Value) -> &Image {
    match value {
        Value::Image(image) => image,
        other => panic!("{other:?} is no picture"),
    }
}

fn ints(values: &[Value]) -> Vec<i64> {
    let int = |v: &Value| if let Value::Int(v) = v { Some(*v) } else { None };
    values.iter().filter_map(int).collect()
}

#[test]
fn no_green_is_left_at_the_edge() {
    let made = values(r#""n": (type: "RemoveHalo", from: { "image": "photo.image", "mask": "edge.mask" }),"#);
    let soft: Vec<_> =
        image(&made[0]).data().chunks_exact(4).filter(|p| p[3] > 0.02 && p[3] < 0.98).collect();
    assert!(soft.len() > 100);
    let wanted = [0xe0, 0xc0, 0xa0].map(|v| v as f32 / 255.0);
    for p in soft {
        assert!(p.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 0.03), "{p:?}");
    }
}

#[test]
fn a_cut_out_is_placed_and_found_again() {
    let made = values(
        r##""n": (type: "PlaceOn", from: { "image": "disc.image" },
             with: { "size": (200, 100), "color": "#204060", "place": "bottom right", "scale": 0.5, "x": -4 }),"##,
    );
    let picture = image(&made[0]);
    assert_eq!((picture.width(), picture.height(), picture.channels()), (200, 100, 3));
    let [x, y, w, h] = ints(&made)[..] else { panic!("{made:?}") };
    assert_eq!((x + w, y + h, h), (196, 100, 50));
    assert_eq!(picture.pixel(0, 0, 0)[0], 32.0 / 255.0);
    let middle = picture.pixel(0, (y + h / 2) as usize, (x + w / 2) as usize);
    assert!((middle[0] - 0xe0 as f32 / 255.0).abs() < 0.01, "{middle:?}");
    // A see-through canvas keeps alpha; a linked background gives the size.
    let clear = values(
        r##""n": (type: "PlaceOn", from: { "image": "disc.image" }, with: { "size": (9, 9), "color": "#ffffff00" }),"##,
    );
    assert_eq!(image(&clear[0]).channels(), 4);
    let behind = r#""n": (type: "PlaceOn", from: { "image": "disc.image", "background": "green.image" }),"#;
    assert_eq!(image(&values(behind)[0]).width(), 60);
    let sized = behind.replace("}),", "}, with: { \"canvas\": \"size\", \"size\": (33, 77) }),");
    assert_eq!(image(&values(&sized)[0]).height(), 77);
}

#[test]
fn shadows_and_lines_stand_around_the_subject() {
    for (node, with) in [
        ("DropShadow", r#""x_offset": 20, "y_offset": -30"#),
        ("GroundShadow", r#""shape": "silhouette", "lean": 2.0"#),
        ("OutlineSubject", r#""width": 30"#),
    ] {
        let made = values(&format!(
            r#""n": (type: "{node}", from: {{ "image": "disc.image" }}, with: {{ {with} }}),"#
        ));
        let (with_it, alone) = (image(&made[0]), image(&made[1]));
        assert_eq!((with_it.width(), with_it.height()), (alone.width(), alone.height()));
        assert!(with_it.width() > 60 && with_it.channels() == 4, "{node}");
        let [x, y] = ints(&made)[..] else { panic!("{made:?}") };
        // The subject is where the corner says.
        let p = with_it.pixel(0, 20 + y as usize, 30 + x as usize);
        assert!(p[3] == 1.0 && (p[1] - 0xc0 as f32 / 255.0).abs() < 0.01, "{node}: {p:?}");
        let fixed = values(&format!(
            r#""n": (type: "{node}", from: {{ "image": "disc.image" }}, with: {{ {with}, "grow": false }}),"#
        ));
        assert_eq!((image(&fixed[0]).width(), &ints(&fixed)[..]), (60, &[0_i64, 0][..]));
    }
}

#[test]
fn a_picture_is_cropped_to_its_subject_or_says_why_not() {
    let made = values(
        r#""n": (type: "CropToMask", from: { "image": "disc.image" }, with: { "shape": "aspect", "margin_percent": 10 }),"#,
    );
    let part = image(&made[0]);
    assert_eq!(part.width(), part.height());
    let padded = values(
        r##""n": (type: "CropToMask", from: { "image": "photo.image", "mask": "edge.mask" }, with: { "margin": 30, "pad": true }),"##,
    );
    assert!(image(&padded[0]).channels() == 4 && ints(&padded)[1] < 0);
    let none = r#""none": (type: "SolidMask", with: { "value": 0.0, "width": 60, "height": 40 }),
        "n": (type: "CropToMask", from: { "image": "photo.image", "mask": "none.mask" }, with: { SET }),"#;
    let stop = run(
        &engine(),
        &graph(&format!("{DISC} {}", none.replace("SET", ""))),
        Run { want: &["n"], ..Run::default() },
    )
    .unwrap();
    assert!(stop.failures[0].2.contains("nothing is selected above 0.5"), "{:?}", stop.failures);
    let whole = values(&none.replace("SET", r#""empty": "whole picture""#));
    assert_eq!((image(&whole[0]).width(), ints(&whole)), (60, vec![0, 0, 60, 40]));
}

#[test]
fn batches_go_through_together() {
    let nodes = r#"
        "two": (type: "NoiseImage", with: { "size": (30, 24), "seed": Fixed(4), "batch": 2, "scale": 8, "color": true }),
        "m": (type: "MaskFromLuminance", from: { "image": "two.image" }),
        "cut": (type: "RemoveHalo", from: { "image": "two.image", "mask": "m.mask" }),
        "lit": (type: "DropShadow", from: { "image": "cut.image" }),
        "n": (type: "PlaceOn", from: { "image": "lit.image" }, with: { "size": (64, 48) }),"#;
    let made = picture(&engine(), nodes);
    assert_eq!((made.batch(), made.width()), (2, 64));
    assert_ne!(made.frame(0), made.frame(1));
}
