//! Pictures in numbers.

use crate::palette::{colors, colors_param};
use crate::ports::{Said, choice};
use kiln_core::{Node, Param};
use kiln_pixels::hash::{HashKind, Pillow, hash};
use kiln_pixels::measure::{Quality, Subject, measure, subject, subject_of_alpha};
use kiln_pixels::palette::palette_coverage;
use kiln_types::{Value, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![image_measures(), subject_measures(), palette_measures(), image_hash()]
}

/// What is measured: name, how to get it, and what it says.
pub(crate) type Measure = (&'static str, fn(&Quality) -> f64, &'static str);

/// Every measure.
pub(crate) const MEASURES: [Measure; 11] = [
    ("brightness", |q| q.brightness, "The mean brightness, 0 to 1."),
    ("contrast", |q| q.contrast, "How far brightness spreads (standard deviation), 0 to 0.5; 0.2 is usual."),
    (
        "colourfulness",
        |q| q.colourfulness,
        "After Hasler and Suesstrunk: 0 grey, 15 slightly, 45 quite, 82 highly colourful.",
    ),
    (
        "sharpness",
        |q| q.sharpness,
        "The variance of the Laplacian on 8 bits; below about 100 a photo looks soft.",
    ),
    ("entropy", |q| q.entropy, "How evenly shades are used, in bits, 0 to 8; a photo has about 7."),
    (
        "noise",
        |q| q.noise,
        "The deviation of the noise, in 8-bit steps (Immerkaer); a clean photo is below 3.",
    ),
    ("edges", |q| q.edges, "The share of pixels on an edge, 0 to 1."),
    ("highlights", |q| q.highlights, "The share of pixels that are all but white, 0 to 1."),
    ("shadows", |q| q.shadows, "The share of pixels that are all but black, 0 to 1."),
    (
        "seam_x",
        |q| q.seams[0],
        "How visible the seam is when the picture is repeated side by side: the step across it, against what 95 percent of the steps inside do not exceed; up to 1 it cannot be seen.",
    ),
    (
        "seam_y",
        |q| q.seams[1],
        "How visible the seam is when the picture is repeated one above the other; up to 1 it cannot be seen.",
    ),
];

fn index() -> Param {
    Param::int("index", 0, 0..=65535).doc("Which picture of a batch, counted from 0.")
}

/// ImageMeasures.
fn image_measures() -> Node {
    let mut node = Node::pure("ImageMeasures", 2, |cx| {
        let found = measure(&*cx.image("image")?, cx.count("index")?).said()?;
        for (name, get, _) in MEASURES {
            cx.set(name, get(&found));
        }
        cx.set("clipped", found.highlights + found.shadows);
        Ok(())
    })
    .title("Measure picture")
    .category("image/measure")
    .doc("What can be said of a picture in numbers.")
    .input("image", names::IMAGE, "The picture, or a batch of them.")
    .param(index());
    for (name, _, doc) in MEASURES {
        node = node.output(name, names::FLOAT, doc);
    }
    node.output("clipped", names::FLOAT, "The share of pixels that are all but white or black, 0 to 1.")
}

/// SubjectMeasures.
fn subject_measures() -> Node {
    Node::pure("SubjectMeasures", 2, |cx| {
        let index = cx.count("index")?;
        let found: Subject = match cx.maybe_mask("mask")? {
            Some(mask) => subject(&mask, index).said()?,
            None => subject_of_alpha(&*cx.image("image")?, index).said()?,
        };
        cx.set("area", found.area);
        cx.set("off_center", found.off_center);
        cx.set("center_x", found.center[0]);
        cx.set("center_y", found.center[1]);
        cx.set("touches", found.touches.contains(&true));
        cx.set("border", found.border);
        Ok(())
    })
    .title("Measure subject")
    .category("image/measure")
    .doc("Where the subject stands in a picture: what its alpha shows, or what a mask selects.")
    .input("image", names::IMAGE, "The picture, or a batch of them.")
    .optional("mask", names::MASK, "Where the subject is (1); when not linked, the picture's alpha tells.")
    .param(index())
    .output("area", names::FLOAT, "The share of the picture that the subject takes, 0 to 1.")
    .output("off_center", names::FLOAT, "How far from the middle it stands: 0 in the middle, 1 in a corner.")
    .output("center_x", names::FLOAT, "Its centre of gravity: 0 left, 1 right.")
    .output("center_y", names::FLOAT, "Its centre of gravity: 0 top, 1 bottom.")
    .output("touches", names::BOOL, "Whether it touches the picture's border.")
    .output(
        "border",
        names::FLOAT,
        "The share of the picture's border that it touches: how much it is cut off, 0 to 1.",
    )
}

/// PaletteMeasures.
fn palette_measures() -> Node {
    Node::pure("PaletteMeasures", 1, |cx| {
        let palette = colors(cx, "colors")?;
        let found =
            palette_coverage(&*cx.image("image")?, cx.count("index")?, &palette, cx.float32("tolerance")?)
                .said()?;
        cx.set("coverage", f64::from(found.covered));
        cx.set("distance", f64::from(found.mean_distance));
        let shares: Vec<Value> = found.shares.iter().map(|s| Value::Float(f64::from(*s))).collect();
        cx.set("shares", Value::list(shares));
        Ok(())
    })
    .title("Measure palette")
    .category("image/measure")
    .doc("How well a picture keeps to a palette. Pixels less than half opaque do not count.")
    .input("image", names::IMAGE, "The picture, or a batch of them.")
    .param(colors_param("The palette: 1 to 256 colours, [\"#101820\", \"#f2aa4c\"]."))
    .param(
        Param::float("tolerance", 10.0, 0.0..=200.0)
            .step(0.5)
            .doc("How near a pixel has to be (CIE Lab distance): 2.3 is just visible, 10 is similar."),
    )
    .param(index())
    .output("coverage", names::FLOAT, "The share of pixels near some colour of the palette, 0 to 1.")
    .output(
        "distance",
        names::FLOAT,
        "The mean distance (CIE Lab, 1976) of the pixels to their nearest colour.",
    )
    .output_list(
        "shares",
        names::FLOAT,
        "For each colour of the palette, the share of pixels near it, 0 to 1.",
    )
}

/// ImageHash.
fn image_hash() -> Node {
    Node::pure("ImageHash", 2, |cx| {
        let (image, index) = (cx.image("image")?, cx.count("index")?);
        let pillow = choice(cx, "pillow", Pillow::from_name)?;
        for kind in HashKind::ALL {
            cx.set(kind.name(), Value::text(hash(&image, index, *kind, pillow).said()?.to_string()));
        }
        Ok(())
    })
    .title("Perceptual hashes")
    .category("image/measure")
    .doc(
        "Sixteen hexadecimal digits that hardly change when the picture is scaled, recompressed or slightly graded. \
         They are those of the Python package imagehash bit for bit, so hashes made elsewhere can be compared \
         (whash may differ in a bit or two, where a block is as light as the middle one).",
    )
    .input("image", names::IMAGE, "The picture, or a batch of them.")
    .param(index())
    .param(Param::choice("pillow", Pillow::NAMES).doc(
        "With which version of Pillow imagehash finds the same: version 13 shrinks tall pictures in another order, \
         which turns some bits.",
    ))
    .output("phash", names::TEXT, "By its lowest frequencies: the most robust.")
    .output("dhash", names::TEXT, "By which pixels are lighter than their neighbours.")
    .output("ahash", names::TEXT, "By which pixels are lighter than the mean.")
    .output("whash", names::TEXT, "By which blocks are lighter than the middle one (Haar wavelets).")
}
