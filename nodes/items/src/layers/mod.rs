//! The layers of an item's traits drawn over each other.

pub mod blend;
pub mod draw;
pub mod store;

use crate::values::{Layer, Traits, names as own, take};
use blend::Blend;
use draw::{Base, Stroke, draw};
use kiln_codec::{Limits, decode};
use kiln_core::{Cx, Kind, Node, NodeError, Param, words};
use kiln_pixels::resample::{Method, resize_premultiplied};
use kiln_types::{Color, Image, Key, Value, names};
use std::sync::Arc;
use store::{LayerStore, Picture};

/// So many bytes of decoded layers are kept, for all workers together.
const KEPT: usize = 512 << 20;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![layer_picture(Arc::new(LayerStore::new(KEPT)))]
}

fn layer_picture(store: Arc<LayerStore>) -> Node {
    Node::pure("LayerPicture", 1, move |cx| {
        let traits = take::<Traits>(cx, "traits")?;
        let chosen = chosen(cx, &traits)?;
        let below = cx.maybe_image("below")?;
        let background = cx.color("background")?;
        let scales = &*cx.text("other_sizes")? == "scale";
        let mut size = below.as_ref().map(|b| (b.width(), b.height()));
        if size.is_none() && cx.has("size") {
            size = Some(cx.size("size")?);
        }
        let mut drawn: Vec<(Arc<Picture>, Blend, f32)> = Vec::with_capacity(chosen.len());
        for (layer, blend, opacity) in &chosen {
            cx.pause()?;
            let picture = load(cx, &store, layer, size.filter(|_| scales))?;
            let found = (picture.width, picture.height);
            let wanted = *size.get_or_insert(found);
            if found != wanted {
                return Err(NodeError::new(format!(
                    "the layer {:?} has {}x{} pixels, and the picture {}x{}",
                    layer.name, found.0, found.1, wanted.0, wanted.1
                ))
                .hint("draw all layers at one size, or set other_sizes to \"scale\""));
            }
            drawn.push((picture, *blend, *opacity));
        }
        let Some((width, height)) = size else {
            return Err(NodeError::new("no trait of this item has a layer")
                .at("traits")
                .hint("name layers in the plan, set a size, or link a picture below"));
        };
        let base = match &below {
            Some(image) if image.batch() == 1 => Base::Picture(image),
            Some(image) => {
                return Err(NodeError::new(format!("the picture below is a batch of {}", image.batch()))
                    .at("below")
                    .hint("link a single picture"));
            }
            None => Base::Color([background.r, background.g, background.b, background.a]),
        };
        let strokes: Vec<Stroke<'_>> = drawn
            .iter()
            .map(|(picture, blend, opacity)| Stroke { picture, blend: *blend, opacity: *opacity })
            .collect();
        let (channels, samples) = draw(width, height, &base, &strokes);
        cx.set("image", Value::image(Image::new(1, height, width, channels, samples)?));
        cx.set("layers", Value::list(chosen.iter().map(|c| Value::from(c.0.name.as_str())).collect::<Vec<_>>()));
        Ok(())
    })
    .title("Layer picture")
    .category("collection/pictures")
    .doc(
        "The layers of an item's traits drawn over each other in the plan's order, as layering programs do, with the \
         way and the opacity that the plan gives a group. Layers may be any picture file; each is decoded once for all \
         items. The result has alpha only where something shows through.",
    )
    .input("traits", own::TRAITS, "The item's traits.")
    .optional("below", names::IMAGE, "A picture below all layers: a painted or generated background.")
    .param(
        Param::list("groups", Kind::Text { multiline: false })
            .doc("Only the layers of these groups, so that others can be drawn above or below something else; none: all."),
    )
    .param(
        Param::size("size", 512, 512)
            .default(Value::None)
            .doc("Width and height; where nobody says them, those of the lowest layer or of the picture below."),
    )
    .param(Param::choice("other_sizes", &["refuse", "scale"]).doc(
        "What to do with a layer of another size: refuse it, or bring it to the picture's size.",
    ))
    .param(
        Param::color("background", Color { r: 0.0, g: 0.0, b: 0.0, a: 0.0 })
            .doc("What lies below all layers where no picture does."),
    )
    .output("image", names::IMAGE, "The picture.")
    .output_list("layers", names::TEXT, "The names of the layers, from the bottom up.")
}

type Chosen<'a> = (&'a Layer, Blend, f32);

/// The layers to draw, from the bottom up.
fn chosen<'a>(cx: &Cx<'_>, traits: &'a Traits) -> Result<Vec<Chosen<'a>>, NodeError> {
    let mut only = Vec::new();
    for group in cx.list("groups")?.iter() {
        let Value::Text(group) = group else { continue };
        traits.find(group).map_err(|e| e.at("groups"))?;
        only.push(group.trim().to_owned());
    }
    let mut chosen = Vec::new();
    for one in &traits.traits {
        let Some(layer) = &one.layer else { continue };
        if !only.is_empty() && !only.contains(&one.group) {
            continue;
        }
        let name = one.blend.as_deref().unwrap_or("normal");
        let blend = Blend::from_name(name).ok_or_else(|| {
            NodeError::new(format!("there is no way {name:?} to draw a layer"))
                .hint(format!("there are {}", words::list(&kiln_collection::plan::BLENDS)))
        })?;
        chosen.push((layer, blend, one.opacity.unwrap_or(1.0).clamp(0.0, 1.0) as f32));
    }
    Ok(chosen)
}

fn load(
    cx: &Cx<'_>,
    store: &LayerStore,
    layer: &Layer,
    scaled: Option<(usize, usize)>,
) -> Result<Arc<Picture>, NodeError> {
    store.get((Key(layer.hash), scaled), || {
        let named = |e: &dyn std::fmt::Display| NodeError::new(format!("the layer {:?}: {e}", layer.name));
        let bytes = cx.read(&layer.file()).map_err(|e| named(&e))?;
        let limits = Limits { max_pixels: 1 << 26, max_bytes: 2 << 30, max_frames: 1 };
        let decoded = decode(&bytes, &limits).map_err(|e| named(&e))?;
        let mut image = decoded.image;
        let mut deep = decoded.bits != 8;
        if let Some((width, height)) = scaled.filter(|s| *s != (image.width(), image.height())) {
            image = resize_premultiplied(&image, width, height, Method::Bicubic).map_err(|e| named(&e))?;
            deep = true;
        }
        Ok(Picture::new(&image, deep))
    })
}
