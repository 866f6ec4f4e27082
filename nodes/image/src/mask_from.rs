//! Pictures into masks, and masks into pictures.

use crate::ports::{Said, choice};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_pixels::mask::{
    Channel, from_channel, from_chroma, from_color, from_color_near, from_luminance, to_image,
};
use kiln_types::{Color, Image, Mask, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![
        mask_to_image(),
        image_to_mask(),
        image_color_to_mask(),
        mask_from_color(),
        mask_from_luminance(),
        mask_from_threshold(),
        colorize_mask(),
    ]
}

fn find(
    name: &'static str,
    version: u32,
    work: impl Fn(&Cx<'_>, &Image) -> Result<Mask, NodeError> + Send + Sync + 'static,
) -> Node {
    Node::pure(name, version, move |cx| {
        let mask = work(cx, &*cx.image("image")?)?;
        cx.set("mask", mask);
        Ok(())
    })
    .category("mask/make")
    .input("image", names::IMAGE, "The picture, or a batch of them.")
    .output("mask", names::MASK, "The mask, as large as the picture.")
}

/// MaskToImage.
fn mask_to_image() -> Node {
    Node::pure("MaskToImage", 1, |cx| {
        let image = to_image(&*cx.mask("mask")?).said()?;
        cx.set("image", image);
        Ok(())
    })
    .title("Mask to picture")
    .category("mask/make")
    .doc("The mask as a grey picture: white is selected.")
    .input("mask", names::MASK, "The mask, or a batch of them.")
    .output("image", names::IMAGE, "The picture.")
}

/// ImageToMask.
fn image_to_mask() -> Node {
    find("ImageToMask", 1, |cx, image| {
        from_channel(image, choice(cx, "channel", Channel::from_name)?).said().map_err(|e| {
            e.at("channel").hint("choose red, green or blue, or load the picture with alpha: true")
        })
    })
    .title("Channel to mask")
    .doc("One channel of the picture as a mask, as it is: alpha selects what is opaque.")
    .param(Param::choice("channel", Channel::NAMES).doc("Which channel; alpha needs a picture that has it."))
}

/// ImageColorToMask.
fn image_color_to_mask() -> Node {
    find("ImageColorToMask", 1, |cx, image| {
        let [_, r, g, b] = (cx.count("color")? as u32).to_be_bytes();
        from_color(image, [r, g, b]).said()
    })
    .title("Exact colour to mask")
    .doc("Selects the pixels that have exactly this colour in 8 bits. MaskFromColor has a tolerance.")
    .param(
        Param::int("color", 0, 0..=0xff_ffff)
            .doc("The colour as a number: red times 65536, green times 256 and blue, each 0 to 255."),
    )
}

/// MaskFromColor.
fn mask_from_color() -> Node {
    find("MaskFromColor", 1, |cx, image| {
        let (color, near, soft) = (cx.color("color")?, cx.float32("tolerance")?, cx.float32("softness")?);
        match &*cx.text("compare")? {
            "chroma" => from_chroma(image, color, near, soft).said(),
            _ => from_color_near(image, color, near, soft).said(),
        }
    })
    .title("Colour to mask")
    .doc("Selects the pixels near a colour, fading out with their distance to it.")
    .param(Param::color("color", Color::rgb8(0, 255, 0)).doc("The colour."))
    .param(Param::choice("compare", &["color", "chroma"]).doc(
        "color looks at red, green and blue; chroma at the tint alone, however bright: a green screen with its \
         shadows.",
    ))
    .param(Param::float("tolerance", 0.1, 0.0..=2.0).doc(
        "Pixels this near are selected fully: 1 is from black to white; in chroma a pure colour is about 0.5 from grey.",
    ))
    .param(Param::float("softness", 0.1, 0.0..=2.0).doc("Over how much further distance the selection fades out."))
}

/// MaskFromLuminance.
fn mask_from_luminance() -> Node {
    find("MaskFromLuminance", 1, |_, image| from_luminance(image).said())
        .title("Brightness to mask")
        .doc("The picture's brightness as a mask: white is selected, black is not.")
}

/// MaskFromThreshold.
fn mask_from_threshold() -> Node {
    find("MaskFromThreshold", 1, |cx, image| {
        let (low, high) = cx.range("brightness")?;
        let mut mask = from_luminance(image).said()?;
        for v in mask.data_mut() {
            let inside = f64::from(*v) >= low && f64::from(*v) <= high;
            *v = f32::from(u8::from(inside));
        }
        Ok(mask)
    })
    .title("Brightness range to mask")
    .doc("Selects the pixels whose brightness lies in a range.")
    .param(
        Param::range("brightness", (0.5, 1.0), 0.0..=1.0)
            .doc("The darkest and the brightest that is selected: (0.5, 1)."),
    )
}

/// ColorizeMask.
fn colorize_mask() -> Node {
    Node::pure("ColorizeMask", 1, |cx| {
        let mask = cx.mask("mask")?;
        let (on, off) = (cx.color("color")?, cx.color("background")?);
        let alpha = on.a < 1.0 || off.a < 1.0;
        let channels = if alpha { 4 } else { 3 };
        let mut image = Image::zeros(mask.batch(), mask.height(), mask.width(), channels)?;
        for (p, m) in image.data_mut().chunks_exact_mut(channels).zip(mask.data()) {
            let m = m.clamp(0.0, 1.0);
            // Straight alpha: colours count by how opaque they are.
            let (wa, wb) = (m * on.a, (1.0 - m) * off.a);
            let a = wa + wb;
            let mix = |x: f32, y: f32| if a > 0.0 { (x * wa + y * wb) / a } else { 0.0 };
            let color = [mix(on.r, off.r), mix(on.g, off.g), mix(on.b, off.b), a];
            p.copy_from_slice(&color[..channels]);
        }
        cx.set("image", image);
        Ok(())
    })
    .title("Colour a mask")
    .category("mask/make")
    .doc("The mask as a picture in two colours. If one of them is see-through, the picture has alpha.")
    .input("mask", names::MASK, "The mask, or a batch of them.")
    .param(Param::color("color", Color::WHITE).doc("The colour of what is selected."))
    .param(Param::color("background", Color::BLACK).doc("The colour of the rest."))
    .output("image", names::IMAGE, "The picture.")
}
