//! What most picture nodes have in common: one picture in, one picture out, and kernels' errors in a node's words.

use kiln_codec::CodecError;
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_pixels::PixelError;
use kiln_types::{Image, Mask, names};

/// A kernel's error as a node's error.
pub(crate) trait Said<T> {
    /// The same result, naming the parameter to blame where there is one.
    fn said(self) -> Result<T, NodeError>;
}

impl<T> Said<T> for Result<T, PixelError> {
    fn said(self) -> Result<T, NodeError> {
        self.map_err(|e| match e {
            PixelError::Parameter { name, .. } => NodeError::new(&e).at(name),
            PixelError::Picture(_) | PixelError::Mismatch(_) => NodeError::new(&e),
        })
    }
}

impl<T> Said<T> for Result<T, CodecError> {
    fn said(self) -> Result<T, NodeError> {
        self.map_err(|e| match &e {
            CodecError::Option { name, what } => {
                let port = if *name == "depth" { "bits" } else { name };
                NodeError::new(format!("{port} must be {what}")).at(port)
            }
            CodecError::CannotWrite { .. } => NodeError::new(&e).at("format"),
            CodecError::Text { .. } => NodeError::new(&e).at("embed"),
            _ => NodeError::new(&e),
        })
    }
}

/// A choice by its word.
pub(crate) fn choice<T>(cx: &Cx<'_>, name: &str, find: impl Fn(&str) -> Option<T>) -> Result<T, NodeError> {
    let word = cx.text(name)?;
    find(&word).ok_or_else(|| {
        NodeError::new(format!("{word:?} is not one of the choices of {name:?}"))
            .at(name)
            .hint("graph-run nodes lists the choices")
    })
}

/// A node from one picture to one picture, both called `image`.
pub(crate) fn filter(
    name: &'static str,
    version: u32,
    work: impl Fn(&Cx<'_>, &Image) -> Result<Image, NodeError> + Send + Sync + 'static,
) -> Node {
    Node::pure(name, version, move |cx| {
        let image = cx.image("image")?;
        let made = work(cx, &image)?;
        cx.set("image", made);
        Ok(())
    })
    .input("image", names::IMAGE, "The picture, or a batch of them.")
    .output("image", names::IMAGE, "The new picture, or a batch of as many.")
}

/// A node from one mask to one mask, both called `mask`.
pub(crate) fn mask_filter(
    name: &'static str,
    version: u32,
    work: impl Fn(&Cx<'_>, &Mask) -> Result<Mask, NodeError> + Send + Sync + 'static,
) -> Node {
    Node::pure(name, version, move |cx| {
        let mask = cx.mask("mask")?;
        let made = work(cx, &mask)?;
        cx.set("mask", made);
        Ok(())
    })
    .input("mask", names::MASK, "The mask, or a batch of them.")
    .output("mask", names::MASK, "The new mask, or a batch of as many.")
}

/// A number of pixels.
pub(crate) fn pixels(name: &'static str, default: i64, least: i64, doc: &'static str) -> Param {
    Param::int(name, default, least..=16384).unit("px").doc(doc)
}

/// A place in pixels, which may lie outside.
pub(crate) fn offset(cx: &Cx<'_>, name: &str) -> Result<isize, NodeError> {
    let v = cx.int(name)?;
    isize::try_from(v).map_err(|_| NodeError::new(format!("{v} is too far away")).at(name))
}

/// Picture `index` of a batch as a batch of one.
pub(crate) fn one(image: &Image, index: usize) -> Result<Image, NodeError> {
    Ok(Image::new(1, image.height(), image.width(), image.channels(), image.frame(index).to_vec())?)
}
