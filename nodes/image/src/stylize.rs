//! Grain, blocks and steps: the picture made coarser on purpose.

use crate::ports::{Said, choice, filter};
use kiln_core::{Node, Param};
use kiln_pixels::noise::{Noise, add_noise, film_grain};
use kiln_pixels::pixelate::{pixelate, posterize};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![add_image_noise(), film_grain_node(), pixelate_node(), posterize_node()]
}

/// AddImageNoise.
fn add_image_noise() -> Node {
    filter("AddImageNoise", 1, |cx, image| {
        let kind = choice(cx, "kind", Noise::from_name)?;
        add_noise(image, kind, cx.float32("amount")?, cx.bool("color")?, cx.seed("seed")?).said()
    })
    .title("Add noise")
    .category("image/filter")
    .doc("Noise on the picture's colours; alpha stays.")
    .param(
        Param::choice("kind", &["gaussian", "uniform"])
            .doc("Mostly small changes, or all sizes equally often."),
    )
    .param(
        Param::float("amount", 0.05, 0.0..=1.0)
            .doc("The deviation (gaussian) or the largest change (uniform); 1 is from black to white."),
    )
    .param(Param::bool("color", false).doc("Red, green and blue change each by itself."))
    .param(Param::seed("seed").doc("Which noise."))
    .identity("image", |given| given.number("amount") == Some(0.0))
}

/// FilmGrain.
fn film_grain_node() -> Node {
    filter("FilmGrain", 1, |cx, image| {
        film_grain(image, cx.float32("amount")?, cx.float32("size")?, cx.seed("seed")?).said()
    })
    .title("Film grain")
    .category("image/filter")
    .doc("Grain as on film: strongest in the middle tones, none in black and white.")
    .param(Param::float("amount", 0.1, 0.0..=1.0).doc("How strong."))
    .param(Param::float("size", 1.5, 1.0..=64.0).step(0.1).unit("px").doc("How wide a grain is."))
    .param(Param::seed("seed").doc("Which grain."))
    .identity("image", |given| given.number("amount") == Some(0.0))
}

/// Pixelate.
fn pixelate_node() -> Node {
    filter("Pixelate", 1, |cx, image| pixelate(image, cx.count("block")?).said())
        .title("Pixelate")
        .category("image/filter")
        .doc("Squares of one colour each: the mean of what they cover.")
        .param(Param::int("block", 8, 1..=16384).unit("px").doc("The side of a square."))
        .identity("image", |given| given.number("block") == Some(1.0))
}

/// Posterize.
fn posterize_node() -> Node {
    filter("Posterize", 1, |cx, image| posterize(image, cx.count("levels")?).said())
        .title("Posterize")
        .category("image/filter")
        .doc("Red, green and blue brought to a few equal steps; alpha stays.")
        .param(Param::int("levels", 4, 2..=256).doc("How many steps, black and white among them."))
}
