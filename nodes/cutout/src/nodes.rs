//! The nodes of background removal.

use crate::cutout::{Cutout, Depth};
use crate::error::CutoutError;
use crate::values::{CutoutModel, names, take};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_networks::NetError;
use kiln_pixels::samples::{from_byte, to_byte};
use kiln_shelf::{Shelf, StoredFile};
use kiln_types::{Image, Mask, names as base};
use std::path::Path;
use std::sync::Arc;

/// The nodes of this family.
#[must_use]
pub fn nodes(shelf: &Arc<Shelf>) -> Vec<Node> {
    vec![load(shelf.clone()), subject_mask(shelf.clone()), remove_background(shelf.clone())]
}

fn failed(error: CutoutError) -> NodeError {
    match error {
        CutoutError::Net(NetError::Cancelled) => NodeError::cancelled(),
        other => NodeError::new(other.to_string()),
    }
}

/// The network of a file, built once for everybody.
fn built(shelf: &Shelf, file: &StoredFile) -> Result<Arc<Cutout>, NodeError> {
    shelf.shared("cut-out", file.hash, || {
        let cutout = Cutout::open(Path::new(&file.path), shelf.compute()?).map_err(failed)?;
        let bytes = cutout.bytes();
        Ok((cutout, bytes))
    })
}

/// LoadCutoutModel: a network from its file.
fn load(shelf: Arc<Shelf>) -> Node {
    Node::pure("LoadCutoutModel", 1, move |cx| {
        let file = StoredFile::from(&cx.file("model")?);
        // Whether it is one shows here, not where it is used; and there it is wanted at once.
        built(&shelf, &file).map_err(|e| e.at("model"))?;
        cx.set("model", CutoutModel { file });
        Ok(())
    })
    .title("Load background removal model")
    .category("cutout")
    .doc(
        "A network that finds the subject of a picture. U²-Net and its small form U²-NetP (any subject, as rembg uses \
         them), IS-Net (any subject, finer edges; RMBG-1.4 is one) and MODNet (people, with their hair) are recognised by \
         what is in the file: .onnx, .pth or .safetensors, in 32 or 16 bit.",
    )
    .param(Param::model("model", "background_removal").doc("The file's name in a `background_removal` folder."))
    .output("model", names::CUTOUT_MODEL, "The network.")
}

/// Mattes of every picture of a batch, times what is not transparent already.
fn mattes(cx: &Cx<'_>, shelf: &Shelf, image: &Image) -> Result<Mask, NodeError> {
    let model = take(cx, "model")?;
    let depth = if &*cx.text("steps")? == "256" { Depth::Bytes } else { Depth::Float };
    let cutout = built(shelf, &model.file).map_err(|e| e.at("model"))?;
    let batch = image.batch();
    let mut all = Vec::with_capacity(batch * image.height() * image.width());
    for index in 0..batch {
        cx.pause()?;
        let mut step = |done: usize, of: usize| {
            cx.progress((index * of + done) as u64, (batch * of) as u64);
            cx.pause().map_err(|_| NetError::Cancelled)
        };
        let matte = cutout.matte_in(image, index, depth, &mut step).map_err(failed)?;
        all.extend(matte.into_data());
    }
    if image.has_alpha() {
        for (matte, pixel) in all.iter_mut().zip(image.data().chunks_exact(4)) {
            *matte = match depth {
                Depth::Bytes => from_byte(product(to_byte(*matte), to_byte(pixel[3]))),
                Depth::Float => *matte * pixel[3].clamp(0.0, 1.0),
            };
        }
    }
    Ok(Mask::new(batch, image.height(), image.width(), all)?)
}

/// `a * b / 255`, rounded: how pictures in bytes are multiplied everywhere.
fn product(a: u8, b: u8) -> u8 {
    let t = u32::from(a) * u32::from(b) + 128;
    (((t >> 8) + t) >> 8) as u8
}

fn steps() -> Param {
    Param::choice("steps", &["256", "continuous"]).doc(
        "`256` gives the mask in bytes, the same to the last bit as rembg makes it with this network; `continuous` keeps what \
         the network says between them: smoother where the mask is worked on further.",
    )
}

/// SubjectMask: where the subject is.
fn subject_mask(shelf: Arc<Shelf>) -> Node {
    Node::pure("SubjectMask", 1, move |cx| {
        let image = cx.image("image")?;
        let mask = mattes(cx, &shelf, &image)?;
        cx.set("mask", mask);
        Ok(())
    })
    .title("Mask of the subject")
    .category("cutout")
    .doc("Finds the subject of a picture, and how much of each pixel belongs to it: 1 inside, 0 outside, between at edges and \
          hair. What is transparent in the picture already is no part of the subject.")
    .input("image", base::IMAGE, "The picture, or a batch of them.")
    .input("model", names::CUTOUT_MODEL, "The network that looks for it.")
    .param(steps())
    .output("mask", base::MASK, "1 where the subject is.")
    .on_device()
}

/// The picture with the mask for its alpha.
fn cut(image: &Image, mask: &Mask, faded: bool) -> Result<Image, NodeError> {
    let mut out = Vec::with_capacity(mask.data().len() * 4);
    for (pixel, alpha) in image.data().chunks_exact(image.channels()).zip(mask.data()) {
        for value in pixel.iter().take(3) {
            out.push(if faded { from_byte(product(to_byte(*value), to_byte(*alpha))) } else { *value });
        }
        out.push(*alpha);
    }
    Ok(Image::new(image.batch(), image.height(), image.width(), 4, out)?)
}

/// RemoveBackground: the subject alone.
fn remove_background(shelf: Arc<Shelf>) -> Node {
    Node::pure("RemoveBackground", 1, move |cx| {
        let image = cx.image("image")?;
        let faded = &*cx.text("colours")? == "faded (rembg)";
        let mask = mattes(cx, &shelf, &image)?;
        cx.set("image", cut(&image, &mask, faded)?);
        cx.set("mask", mask);
        Ok(())
    })
    .title("Remove background")
    .category("cutout")
    .doc("Makes everything but the subject transparent. A batch is done picture by picture; what is transparent in a picture \
          already stays so.")
    .input("image", base::IMAGE, "The picture, or a batch of them.")
    .input("model", names::CUTOUT_MODEL, "The network that looks for the subject.")
    .param(steps())
    .param(Param::choice("colours", &["kept", "faded (rembg)"]).doc(
        "`kept` leaves red, green and blue as they are, under the new transparency: right for everything that is done with the \
         picture here. `faded (rembg)` multiplies them by the mask as well, as rembg's files have it: edges get darker.",
    ))
    .output("image", base::IMAGE, "The picture with the background transparent.")
    .output("mask", base::MASK, "1 where the subject is.")
    .on_device()
}
