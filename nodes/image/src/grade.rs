//! Light and colour.

use crate::ports::{Said, filter};
use kiln_core::{Node, Param};
use kiln_pixels::grade::{
    brightness, contrast, exposure, gamma, hue_shift, saturation, temperature, vibrance, white_balance,
};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![
        exposure_node(),
        white_balance_node(),
        temperature_node(),
        brightness_contrast(),
        saturation_node(),
        vibrance_node(),
        hue_shift_node(),
        gamma_node(),
    ]
}

/// Exposure.
fn exposure_node() -> Node {
    filter("Exposure", 1, |cx, image| exposure(image, cx.float32("stops")?).said())
        .title("Exposure")
        .category("image/colour")
        .doc("More or less light, as a longer or shorter exposure gives it (reckoned in linear light).")
        .param(
            Param::float("stops", 0.0, -20.0..=20.0)
                .step(0.1)
                .unit("stops")
                .doc("1 is twice the light, -1 half of it."),
        )
        .identity("image", |given| given.number("stops") == Some(0.0))
}

/// WhiteBalance.
fn white_balance_node() -> Node {
    filter("WhiteBalance", 1, |cx, image| {
        white_balance(image, cx.float32("kelvin")?, cx.float32("tint")?).said()
    })
    .title("White balance")
    .category("image/colour")
    .doc("Neutralises the light a picture was taken in: what was white under it becomes white.")
    .param(
        Param::float("kelvin", 6500.0, 1700.0..=25000.0)
            .step(50.0)
            .unit("K")
            .doc("The light's temperature: below 6500 it was redder, so the picture turns bluer."),
    )
    .param(
        Param::float("tint", 0.0, -1.0..=1.0)
            .doc("The light's tint: above 0 it was greener, so the picture turns more magenta."),
    )
    .identity("image", |given| given.number("kelvin") == Some(6500.0) && given.number("tint") == Some(0.0))
}

/// Temperature.
fn temperature_node() -> Node {
    filter("Temperature", 1, |cx, image| temperature(image, cx.float32("amount")?).said())
        .title("Warmer or cooler")
        .category("image/colour")
        .doc("Warmer or cooler, as if the light itself had changed.")
        .param(Param::float("amount", 0.0, -1.0..=1.0).doc("Towards 1 warmer, towards -1 cooler."))
        .identity("image", |given| given.number("amount") == Some(0.0))
}

/// BrightnessContrast.
fn brightness_contrast() -> Node {
    filter("BrightnessContrast", 1, |cx, image| {
        let bright = brightness(image, cx.float32("brightness")?).said()?;
        contrast(&bright, cx.float32("contrast")?, cx.float32("pivot")?).said()
    })
    .title("Brightness and contrast")
    .category("image/colour")
    .doc("Brighter or darker, then more or less contrast.")
    .param(
        Param::float("brightness", 1.0, 0.0..=10.0)
            .unit("x")
            .doc("All values times this: 1 changes nothing, 0 is black."),
    )
    .param(
        Param::float("contrast", 1.0, 0.0..=10.0)
            .unit("x")
            .doc("Distances from the pivot times this: 1 changes nothing, 0 is flat."),
    )
    .param(
        Param::float("pivot", 0.5, 0.0..=1.0)
            .doc("The value that contrast leaves as it is: 0 is black, 1 white."),
    )
    .identity("image", |given| {
        given.number("brightness") == Some(1.0) && given.number("contrast") == Some(1.0)
    })
}

/// Saturation.
fn saturation_node() -> Node {
    filter("Saturation", 1, |cx, image| saturation(image, cx.float32("factor")?).said())
        .title("Saturation")
        .category("image/colour")
        .doc("Stronger or weaker colours.")
        .param(Param::float("factor", 1.0, 0.0..=10.0).unit("x").doc("1 changes nothing, 0 is grey."))
        .identity("image", |given| given.number("factor") == Some(1.0))
}

/// Vibrance.
fn vibrance_node() -> Node {
    filter("Vibrance", 1, |cx, image| vibrance(image, cx.float32("amount")?).said())
        .title("Vibrance")
        .category("image/colour")
        .doc("Stronger colours where they are weak; what is saturated already is spared.")
        .param(Param::float("amount", 0.0, -1.0..=10.0).doc("0 changes nothing; 0.5 is visible."))
        .identity("image", |given| given.number("amount") == Some(0.0))
}

/// HueShift.
fn hue_shift_node() -> Node {
    filter("HueShift", 1, |cx, image| hue_shift(image, cx.float32("degrees")?).said())
        .title("Shift hue")
        .category("image/colour")
        .doc("All hues turned around the colour wheel.")
        .param(
            Param::float("degrees", 0.0, -360.0..=360.0)
                .step(1.0)
                .unit("degrees")
                .doc("120 makes red green."),
        )
        .identity("image", |given| given.number("degrees") == Some(0.0))
}

/// Gamma.
fn gamma_node() -> Node {
    filter("Gamma", 1, |cx, image| gamma(image, cx.float32("gamma")?).said())
        .title("Gamma")
        .category("image/colour")
        .doc("Lighter or darker middle tones; black and white stay.")
        .param(Param::float("gamma", 1.0, 0.01..=100.0).doc("Above 1 the middle gets lighter, below darker."))
        .identity("image", |given| given.number("gamma") == Some(1.0))
}
