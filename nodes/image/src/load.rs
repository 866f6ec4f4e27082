//! Pictures from files.

use crate::ports::{Said, choice};
use kiln_codec::{Limits, alpha_mask, decode, decode_frames};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_pixels::batch::with_channels;
use kiln_pixels::mask::{Channel, from_channel, invert};
use kiln_types::{Image, Mask, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![load_image(), load_image_mask()]
}

/// The file named by the parameter `image`, decoded: with four channels when it has alpha.
fn picture(cx: &Cx<'_>, all: bool) -> Result<Image, NodeError> {
    let file = cx.file("image")?;
    let bytes = cx.read(&file)?;
    // What a picture may have at most anyway, and room for the decoder's work.
    let limits = Limits { max_pixels: 1 << 27, max_bytes: 3 << 30, max_frames: 1000 };
    let image = if all {
        decode_frames(&bytes, &limits).map(|f| f.image)
    } else {
        decode(&bytes, &limits).map(|d| d.image)
    };
    image.said().map_err(|e| NodeError::new(format!("{}: {}", file.path.display(), e.what)).at("image"))
}

/// Nothing selected.
fn nothing(image: &Image) -> Result<Mask, NodeError> {
    Ok(Mask::filled(image.batch(), image.height(), image.width(), 0.0)?)
}

/// LoadImage: a picture and the mask of what is transparent in it.
fn load_image() -> Node {
    Node::pure("LoadImage", 1, |cx| {
        let all = &*cx.text("frames")? == "all";
        let image = picture(cx, all)?;
        let mask = match alpha_mask(&image).said()? {
            Some(mask) => mask,
            None => nothing(&image)?,
        };
        let keep = cx.bool("alpha")?;
        cx.set("image", if keep || !image.has_alpha() { image } else { with_channels(&image, 3).said()? });
        cx.set("mask", mask);
        Ok(())
    })
    .title("Load picture")
    .category("image/files")
    .doc(
        "A picture from a file: PNG, JPEG, WebP, AVIF, GIF, TIFF, BMP, TGA, ICO, PNM, QOI, HDR, EXR, DDS or \
         Farbfeld, by what is in it and not by its name. It is turned upright as its EXIF data says. At most \
         256 megapixels.",
    )
    .param(Param::file("image").doc("The file, relative to the graph."))
    .param(Param::bool("alpha", false).doc(
        "Keep transparency in the picture. Off: the picture has red, green and blue only, as in ComfyUI, and the \
         mask tells what was transparent.",
    ))
    .param(
        Param::choice("frames", &["first", "all"])
            .doc("Of an animation (GIF, WebP, APNG): the first picture, or all of them as a batch."),
    )
    .output("image", names::IMAGE, "The picture.")
    .output(
        "mask",
        names::MASK,
        "1 where the picture is transparent; all 0, of the picture's size, when the file has no transparency.",
    )
}

/// LoadImageMask: one channel of a picture as a mask.
fn load_image_mask() -> Node {
    Node::pure("LoadImageMask", 1, |cx| {
        let channel = choice(cx, "channel", Channel::from_name)?;
        let image = picture(cx, false)?;
        let mask = match (channel, image.has_alpha()) {
            (Channel::Alpha, false) => nothing(&image)?,
            (Channel::Alpha, true) => invert(&from_channel(&image, channel).said()?).said()?,
            _ => from_channel(&image, channel).said()?,
        };
        cx.set("mask", mask);
        Ok(())
    })
    .title("Load mask")
    .category("image/files")
    .doc("A mask from one channel of a picture file.")
    .param(Param::file("image").doc("The file, relative to the graph."))
    .param(Param::choice("channel", &["alpha", "red", "green", "blue"]).doc(
        "Which channel. Alpha is turned around: 1 where the picture is transparent, all 0 when it has no \
         transparency.",
    ))
    .output("mask", names::MASK, "The mask, as large as the picture.")
}
