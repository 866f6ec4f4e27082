//! Batches: put together, taken apart, counted.

use crate::ports::{Said, filter, one};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_pixels::batch::{join, repeat, slice, with_channels};
use kiln_pixels::resample::{Crop, Method, fit};
use kiln_types::{Image, Value, names};
use std::sync::Arc;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![
        image_batch(),
        repeat_image_batch(),
        image_from_batch(),
        rebatch_images(),
        unbatch(),
        batch_images(),
        get_image_size(),
    ]
}

/// ImageBatch.
fn image_batch() -> Node {
    Node::pure("ImageBatch", 1, |cx| {
        let joined = join(&*cx.image("image1")?, &*cx.image("image2")?).said()?;
        cx.set("image", joined);
        Ok(())
    })
    .title("Join two batches")
    .category("image/batch")
    .doc("The pictures of both in one batch; the second's are brought to the first one's size, their middle cut out.")
    .input("image1", names::IMAGE, "The first picture or batch: its size counts.")
    .input("image2", names::IMAGE, "The second picture or batch.")
    .output("image", names::IMAGE, "The batch.")
}

/// RepeatImageBatch.
fn repeat_image_batch() -> Node {
    filter("RepeatImageBatch", 1, |cx, image| repeat(image, cx.count("amount")?).said())
        .title("Repeat batch")
        .category("image/batch")
        .doc("The whole batch several times.")
        .param(Param::int("amount", 1, 1..=4096).doc("How often."))
        .identity("image", |given| given.number("amount") == Some(1.0))
}

/// ImageFromBatch.
fn image_from_batch() -> Node {
    filter("ImageFromBatch", 1, |cx, image| {
        slice(image, cx.count("batch_index")?, cx.count("length")?).said()
    })
    .title("Part of a batch")
    .category("image/batch")
    .doc("Some pictures of a batch, as far as it reaches.")
    .param(
        Param::int("batch_index", 0, 0..=65535)
            .doc("The first of them, counted from 0; past the end is the last."),
    )
    .param(Param::int("length", 1, 1..=65536).doc("How many."))
}

/// The pictures of a list, as they are.
fn pictures(cx: &Cx<'_>, name: &str) -> Result<Vec<Arc<Image>>, NodeError> {
    cx.list(name)?
        .iter()
        .map(|v| match v {
            Value::Image(image) => Ok(image.clone()),
            other => Err(NodeError::new(format!("{name:?} takes pictures, but got {}", other.ty())).at(name)),
        })
        .collect()
}

/// All pictures as one batch of the first one's size.
fn merge(list: &[Arc<Image>]) -> Result<Image, NodeError> {
    let first = list.first().ok_or_else(|| {
        NodeError::new("there are no pictures to put together")
            .at("images")
            .hint("link a list with a picture in it")
    })?;
    let (w, h) = (first.width(), first.height());
    let channels = if list.iter().any(|i| i.has_alpha()) { 4 } else { 3 };
    let mut out = Image::zeros(list.iter().map(|i| i.batch()).sum(), h, w, channels)?;
    let mut at = 0;
    for image in list {
        let fitted;
        let mut image: &Image = image;
        if (image.width(), image.height()) != (w, h) {
            fitted = fit(image, w, h, Method::Bilinear, Crop::Center).said()?;
            image = &fitted;
        }
        let full;
        if image.channels() != channels {
            full = with_channels(image, channels).said()?;
            image = &full;
        }
        let len = image.data().len();
        out.data_mut()[at..at + len].copy_from_slice(image.data());
        at += len;
    }
    Ok(out)
}

/// BatchImages.
fn batch_images() -> Node {
    Node::pure("BatchImages", 1, |cx| {
        let batch = merge(&pictures(cx, "images")?)?;
        cx.set("image", batch);
        Ok(())
    })
    .title("List to batch")
    .category("image/batch")
    .doc("The pictures of a list as one batch; all take the size of the first, their middle cut out.")
    .input_list("images", names::IMAGE, "The pictures.")
    .output("image", names::IMAGE, "The batch.")
}

/// Unbatch.
fn unbatch() -> Node {
    Node::pure("Unbatch", 1, |cx| {
        let image = cx.image("image")?;
        let list =
            (0..image.batch()).map(|i| one(&image, i).map(Value::image)).collect::<Result<Vec<_>, _>>()?;
        cx.set("images", Value::list(list));
        Ok(())
    })
    .title("Batch to list")
    .category("image/batch")
    .doc("The pictures of a batch as a list: what follows works on each of them by itself.")
    .input("image", names::IMAGE, "The batch.")
    .output_list("images", names::IMAGE, "Its pictures, one by one.")
}

/// RebatchImages.
fn rebatch_images() -> Node {
    Node::pure("RebatchImages", 1, |cx| {
        let size = cx.count("batch_size")?.max(1);
        let mut singles = Vec::new();
        for image in pictures(cx, "images")? {
            for index in 0..image.batch() {
                singles.push(if image.batch() == 1 { image.clone() } else { Arc::new(one(&image, index)?) });
            }
        }
        let list = singles.chunks(size).map(|c| merge(c).map(Value::image)).collect::<Result<Vec<_>, _>>()?;
        cx.set("image", Value::list(list));
        Ok(())
    })
    .title("Rebatch pictures")
    .category("image/batch")
    .doc(
        "The pictures of a list of batches in batches of another size. In each batch all take the size of the \
         first, their middle cut out.",
    )
    .input_list("images", names::IMAGE, "The batches.")
    .param(Param::int("batch_size", 1, 1..=4096).doc("How many pictures a batch holds; the last may hold fewer."))
    .output_list("image", names::IMAGE, "The new batches.")
}

/// GetImageSize.
fn get_image_size() -> Node {
    Node::pure("GetImageSize", 1, |cx| {
        let image = cx.image("image")?;
        for (name, v) in [("width", image.width()), ("height", image.height()), ("batch_size", image.batch())]
        {
            cx.set(name, v as i64);
        }
        Ok(())
    })
    .title("Size of a picture")
    .category("image/measure")
    .doc("How wide and high a picture is, and how many there are in its batch.")
    .input("image", names::IMAGE, "The picture, or a batch of them.")
    .output("width", names::INT, "Its width in pixels.")
    .output("height", names::INT, "Its height in pixels.")
    .output("batch_size", names::INT, "How many pictures there are.")
}
