//! The gate that lets no two pictures pass that look alike.

use crate::ports::Said;
use kiln_core::{Node, NodeError, Param, Verdict};
use kiln_pixels::hash::{PictureHash, ahash, dhash, phash};
use kiln_types::names;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![unique_gate()]
}

/// The hashes in a mark.
fn hashes(mark: &[u8]) -> impl Iterator<Item = PictureHash> + '_ {
    mark.as_chunks::<8>().0.iter().map(|b| PictureHash(u64::from_be_bytes(*b)))
}

/// UniqueGate.
fn unique_gate() -> Node {
    Node::ordered_gate(
        "UniqueGate",
        1,
        |cx| {
            let image = cx.image("image")?;
            let kind = cx.text("hash")?;
            let mut mark = Vec::with_capacity(8 * image.batch());
            for index in 0..image.batch() {
                let hash = match &*kind {
                    "dhash" => dhash(&image, index),
                    "ahash" => ahash(&image, index),
                    _ => phash(&image, index),
                };
                mark.extend(hash.said()?.0.to_be_bytes());
            }
            Ok(mark)
        },
        |cx, mark, accepted| {
            let least = u32::try_from(cx.count("distance")?)
                .map_err(|_| NodeError::new("the distance is too large").at("distance"))?;
            let mut nearest: Option<(u32, u64)> = None;
            for (item, other) in accepted {
                for (a, b) in hashes(mark).flat_map(|a| hashes(other).map(move |b| (a, b))) {
                    let found = (a.distance(b), *item);
                    nearest = Some(nearest.map_or(found, |n| n.min(found)));
                }
            }
            Ok(match nearest {
                None => Verdict { accept: true, score: 64.0, reason: "there is no other yet".to_owned() },
                Some((bits, item)) => {
                    let accept = bits >= least;
                    let words = if accept { "enough" } else { "too few" };
                    let reason = format!("{bits} of 64 bits differ from item {item}, {words}: {least} are wanted");
                    Verdict { accept, score: f64::from(bits), reason }
                }
            })
        },
    )
    .title("Unique gate")
    .category("image/gates")
    .doc(
        "Passes pictures that look unlike every picture accepted before, in item order: a perceptual hash of 64 bits \
         has to differ in enough of them. The score is the number of bits that differ from the nearest one.",
    )
    .input("image", names::IMAGE, "The picture to judge; of a batch, every picture counts.")
    .param(
        Param::int("distance", 8, 0..=64)
            .unit("bits")
            .doc("At least so many bits have to differ: 0 passes all, 1 no equal ones, 8 none that look alike, 20 only different ones."),
    )
    .param(Param::choice("hash", &["phash", "dhash", "ahash"]).doc(
        "What is compared: the lowest frequencies, the slopes from pixel to pixel, or what is lighter than the mean.",
    ))
    .output_like("image", "image", "The picture, if it passes.")
}
