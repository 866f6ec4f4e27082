//! Pictures in numbers.

use crate::ports::Said;
use kiln_core::{Node, Param};
use kiln_pixels::hash::{ahash, dhash, phash};
use kiln_pixels::measure::{Quality, Subject, measure, subject, subject_of_alpha};
use kiln_types::{Value, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![image_measures(), subject_measures(), image_hash()]
}

/// What is measured: name, how to get it, and what it says.
pub(crate) type Measure = (&'static str, fn(&Quality) -> f64, &'static str);

/// Every measure.
pub(crate) const MEASURES: [Measure; 9] = [
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
];

fn index() -> Param {
    Param::int("index", 0, 0..=65535).doc("Which picture of a batch, counted from 0.")
}

/// ImageMeasures.
fn image_measures() -> Node {
    let mut node = Node::pure("ImageMeasures", 1, |cx| {
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
    Node::pure("SubjectMeasures", 1, |cx| {
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
}

/// ImageHash.
fn image_hash() -> Node {
    Node::pure("ImageHash", 1, |cx| {
        let (image, index) = (cx.image("image")?, cx.count("index")?);
        for (name, hash) in [("phash", phash(&image, index)), ("dhash", dhash(&image, index)), ("ahash", ahash(&image, index))] {
            cx.set(name, Value::text(hash.said()?.to_string()));
        }
        Ok(())
    })
    .title("Perceptual hashes")
    .category("image/measure")
    .doc("Sixteen hexadecimal digits that hardly change when the picture is scaled, recompressed or slightly graded.")
    .input("image", names::IMAGE, "The picture, or a batch of them.")
    .param(index())
    .output("phash", names::TEXT, "By its lowest frequencies: the most robust.")
    .output("dhash", names::TEXT, "By which pixels are lighter than their neighbours.")
    .output("ahash", names::TEXT, "By which pixels are lighter than the mean.")
}
