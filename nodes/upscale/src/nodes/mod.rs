//! The nodes of upscaling.

mod load;
mod to;
mod with;

use kiln_core::{Cx, Node, NodeError, Param};
use kiln_shelf::Shelf;
use kiln_types::Image;
use std::sync::Arc;

use crate::upscaler::{Tiles, Upscaler, Watch};
use crate::value::said;

/// The nodes of this family; networks are kept on `shelf`.
#[must_use]
pub fn nodes(shelf: &Arc<Shelf>) -> Vec<Node> {
    vec![load::load_upscaler(), with::upscale_with_model(shelf.clone()), to::upscale_to(shelf.clone())]
}

/// How the picture is cut into tiles.
fn tile_params(node: Node) -> Node {
    node.param(
        Param::int("tile_size", 512, 64..=4096).step(32.0).unit("px").doc(
            "The side of a tile, in pixels of the small picture. Smaller needs less memory and more time.",
        ),
    )
    .param(
        Param::int("overlap", 32, 0..=1024)
            .step(8.0)
            .unit("px")
            .doc("How far tiles overlap and fade into each other: half a tile at most."),
    )
    .check(|given| match (given.number("tile_size"), given.number("overlap")) {
        (Some(side), Some(overlap)) if overlap * 2.0 > side => {
            vec![
                NodeError::new(format!("tiles of {side} pixels cannot overlap by {overlap}"))
                    .at("overlap")
                    .hint("half a tile at most"),
            ]
        }
        _ => Vec::new(),
    })
}

fn tiles(cx: &Cx<'_>) -> Result<Tiles, NodeError> {
    Ok(Tiles { side: cx.count("tile_size")?, overlap: cx.count("overlap")? })
}

/// Runs the network; `progress` is told of steps.
fn run(
    cx: &Cx<'_>,
    upscaler: &Upscaler,
    image: &Image,
    tiles: Tiles,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Image, NodeError> {
    let watch = Watch { progress, cancelled: &|| cx.pause().is_err() };
    upscaler.upscale(image, tiles, watch).map_err(|error| said(&error, "model"))
}
