//! A picture as many times larger as the network makes it.

use kiln_core::Node;
use kiln_shelf::Shelf;
use kiln_types::names;
use std::sync::Arc;

use super::{run, tile_params, tiles};
use crate::value::{UPSCALE_MODEL, UpscaleModel};

/// UpscaleWithModel.
pub(super) fn upscale_with_model(shelf: Arc<Shelf>) -> Node {
    let node = Node::pure("UpscaleWithModel", 1, move |cx| {
        let (image, model) = (cx.image("image")?, UpscaleModel::take(cx, "model")?);
        let upscaler = model.built(&shelf)?;
        let mut progress = |done: usize, of: usize| cx.progress(done as u64, of as u64);
        let made = run(cx, &upscaler, &image, tiles(cx)?, &mut progress)?;
        cx.set("image", made);
        Ok(())
    })
    .title("Upscale with a model")
    .category("upscale")
    .doc(
        "A picture made larger by a network, as many times as the network was trained for. Large pictures run in \
         tiles that fade into each other, so memory stays bounded: besides the pictures themselves (the larger one \
         counts twice) a tile of 512 pixels takes about 0.45 GB with the usual networks of 64 features: 0.7 GB in all from 1024x1024 to \
         4096x4096. The network sees \
         colours only; transparency is enlarged beside it (Lanczos). Computed in 32 bit on every device.",
    )
    .input("image", names::IMAGE, "The picture, or a batch of them, made larger one by one.")
    .input("model", UPSCALE_MODEL, "The upscaler.")
    .input_was(&["upscale_model"]);
    tile_params(node).output("image", names::IMAGE, "The larger picture, or a batch of as many.").on_device()
}
