//! The latent nodes: empty latents, other sizes, combinations, batches, noise masks, files.
//!
//! Sizes and places are in pixels of the picture, as in ComfyUI, and become whole latent pixels (8 picture pixels wide
//! and high, cut off). What is done to the numbers is in [`crate::latent`].

mod arrange;
mod batch;
mod composite;
mod files;
mod make;
mod mask;
mod mix;
mod resize;

use crate::values::{Latent, names, take};
use kiln_core::{Cx, Node, NodeError, Param};

/// The nodes of this folder.
pub(crate) fn nodes() -> Vec<Node> {
    [
        make::nodes(),
        resize::nodes(),
        arrange::nodes(),
        composite::nodes(),
        mix::nodes(),
        batch::nodes(),
        mask::nodes(),
        files::nodes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A choice by its word.
fn choice<T>(cx: &Cx<'_>, name: &str, find: impl Fn(&str) -> Option<T>) -> Result<T, NodeError> {
    let word = cx.text(name)?;
    find(&word).ok_or_else(|| {
        NodeError::new(format!("{word:?} is not one of the choices of {name:?}"))
            .at(name)
            .hint("graph-run nodes lists the choices")
    })
}

/// A node from one latent to one latent, both called `latent`.
fn filter(
    name: &'static str,
    work: impl Fn(&Cx<'_>, &Latent) -> Result<Latent, NodeError> + Send + Sync + 'static,
) -> Node {
    Node::pure(name, 1, move |cx| {
        let latent: Latent = take(cx, "latent")?;
        let made = work(cx, &latent)?;
        cx.set("latent", made);
        Ok(())
    })
    .input("latent", names::LATENT, "The latent, or a batch of them.")
    .input_was(&["samples"])
    .output("latent", names::LATENT, "The new latent.")
}

/// A node from two latents to one.
fn pair(
    name: &'static str,
    [first, second]: [&'static str; 2],
    docs: [&'static str; 2],
    work: impl Fn(&Cx<'_>, &Latent, &Latent) -> Result<Latent, NodeError> + Send + Sync + 'static,
) -> Node {
    Node::pure(name, 1, move |cx| {
        let (a, b): (Latent, Latent) = (take(cx, first)?, take(cx, second)?);
        let made = work(cx, &a, &b).map_err(|e| if e.port.is_none() { e.at(second) } else { e })?;
        cx.set("latent", made);
        Ok(())
    })
    .input(first, names::LATENT, docs[0])
    .input(second, names::LATENT, docs[1])
    .output("latent", names::LATENT, "The new latent.")
}

/// A number of pixels of the picture.
fn pixels(name: &'static str, default: i64, least: i64, doc: &'static str) -> Param {
    Param::int(name, default, least..=16384).step(8.0).unit("px").doc(doc)
}
