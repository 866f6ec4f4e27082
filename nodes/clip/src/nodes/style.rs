//! What pictures have in common.

use super::{mean, seen};
use crate::values::{ClipTower, names, take};
use kiln_codec::{Limits, decode};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_shelf::Shelf;
use kiln_types::{Embedding, EmbeddingError, FileRef, Image, Value, names as base};
use std::sync::Arc;

/// Pictures of a folder that are looked at in one go.
const AT_ONCE: usize = 8;
/// No style is made of more pictures.
const MOST: usize = 100_000;

pub(super) fn nodes(shelf: &Arc<Shelf>) -> Vec<Node> {
    vec![style_vector(shelf.clone())]
}

fn picture(cx: &Cx<'_>, file: &FileRef) -> Result<Image, NodeError> {
    let limits = Limits { max_pixels: 1 << 27, max_bytes: 3 << 30, max_frames: 1 };
    decode(&cx.read(file)?, &limits)
        .map(|d| d.image)
        .map_err(|e| NodeError::new(format!("{}: {e}", file.path.display())).at("pictures"))
}

/// The files in the order of their names.
fn files(cx: &Cx<'_>) -> Result<Vec<FileRef>, NodeError> {
    cx.list("pictures")?
        .iter()
        .map(|value| match value {
            Value::File(file) => Ok(file.clone()),
            other => {
                Err(NodeError::new(format!("pictures are files, but one is {}", other.ty())).at("pictures"))
            }
        })
        .collect()
}

/// The mean of vectors, one direction.
fn middle(embeddings: &[Embedding]) -> Result<(Embedding, Vec<f64>), EmbeddingError> {
    let Some(first) = embeddings.first() else {
        return Err(EmbeddingError::Shape { width: 0, numbers: 0 });
    };
    let mut sum = vec![0.0_f64; first.width()];
    for row in embeddings.iter().flat_map(Embedding::rows) {
        sum.iter_mut().zip(row).for_each(|(s, v)| *s += f64::from(*v));
    }
    let count = embeddings.iter().map(Embedding::batch).sum::<usize>() as f64;
    let mean = sum.into_iter().map(|s| (s / count) as f32).collect();
    let style = Embedding::new(first.model().clone(), first.width(), mean)?;
    let mut near = Vec::new();
    for embedding in embeddings {
        near.extend(style.similarities(embedding)?);
    }
    Ok((style, near))
}

/// StyleVector.
fn style_vector(shelf: Arc<Shelf>) -> Node {
    Node::pure("StyleVector", 1, move |cx| {
        let clip: ClipTower = take(cx, "clip")?;
        let (files, images) = (files(cx)?, cx.list("images")?);
        if files.len() + images.len() == 0 {
            return Err(NodeError::new("there are no pictures to make a style of")
                .at("pictures")
                .hint("name some, \"style/*.png\", or link pictures to images"));
        }
        if files.len() + images.len() > MOST {
            return Err(NodeError::new(format!("a style of more than {MOST} pictures")).at("pictures"));
        }
        let mut embeddings = Vec::new();
        for value in images.iter() {
            let Value::Image(image) = value else {
                let what = format!("images are pictures, but one is {}", value.ty());
                return Err(NodeError::new(what).at("images"));
            };
            cx.pause()?;
            embeddings.push(seen(cx, &shelf, &clip, &[image])?);
        }
        for (part, now) in files.chunks(AT_ONCE).enumerate() {
            let pictures: Vec<Image> = now
                .iter()
                .map(|file| {
                    cx.pause()?;
                    picture(cx, file)
                })
                .collect::<Result<_, _>>()?;
            embeddings.push(seen(cx, &shelf, &clip, &pictures.iter().collect::<Vec<_>>())?);
            cx.progress((part * AT_ONCE + now.len()) as u64, files.len() as u64);
        }
        let (style, near) = middle(&embeddings).map_err(|e| {
            NodeError::new(e).at("pictures").hint("these pictures have nothing in common: take others")
        })?;
        cx.set("style", style);
        cx.set("count", i64::try_from(near.len()).unwrap_or(i64::MAX));
        cx.set("nearness", mean(&near));
        cx.set("farthest", 1.0 - near.iter().copied().fold(1.0, f64::min));
        Ok(())
    })
    .title("Style vector")
    .category("clip")
    .doc(
        "What pictures have in common: the mean of their embeddings, brought to length 1. Ten to fifty pictures of one \
         style, of different things, make a good one. Made of files, in the order of their names, of linked pictures, or \
         of both; each file counts by its content.",
    )
    .input("clip", names::TOWER, "The CLIP, with an image tower.")
    .many("images", base::IMAGE, "Pictures or batches, in order.")
    .param(
        Param::files("pictures")
            .default(Value::list(Vec::new()))
            .doc("Picture files, relative to the graph: \"style/*.png\"; * stands for anything, ? for one character."),
    )
    .output("style", names::EMBEDDING, "The style.")
    .output("count", base::INT, "How many pictures it was made of.")
    .output("nearness", base::FLOAT, "The mean cosine between the style and its pictures: near 1 when they are alike.")
    .output("farthest", base::FLOAT, "The greatest distance of its pictures from it, as StyleDistance tells it: a limit to begin with.")
    .on_device()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_has_length_one_and_opposites_have_none() {
        let of = |v: &[f32]| Embedding::new("m", 2, v.to_vec()).unwrap();
        let (style, near) = middle(&[of(&[1.0, 0.0, 0.0, 1.0])]).unwrap();
        let half = std::f32::consts::FRAC_1_SQRT_2;
        assert!(style.data().iter().all(|v| (v - half).abs() < 1e-6), "{style:?}");
        assert!(near.iter().all(|n| (n - f64::from(half)).abs() < 1e-6), "{near:?}");
        assert!(middle(&[of(&[1.0, 0.0]), of(&[-1.0, 0.0])]).is_err());
        assert!(middle(&[]).is_err());
    }
}
