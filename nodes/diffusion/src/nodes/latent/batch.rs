//! Batches of latents: put together, taken apart, and whose noise each picture gets.

use super::{choice, filter, pair};
use crate::latent::batch::{join, repeat, seeds, slice};
use kiln_core::{Node, Param};

/// The nodes of this file.
pub(super) fn nodes() -> Vec<Node> {
    vec![latent_batch(), repeat_latent_batch(), latent_from_batch(), latent_batch_seed_behavior()]
}

/// LatentBatch.
fn latent_batch() -> Node {
    let docs = [
        "The first latent or batch: its size counts, and its noise mask is kept.",
        "The second latent or batch, brought to the first one's size with its middle cut out.",
    ];
    pair("LatentBatch", ["samples1", "samples2"], docs, |_, a, b| join(a, b))
        .title("Join two latent batches")
        .category("latent/batch")
        .doc(
            "The pictures of both in one batch. Each keeps its number for noise: the first pictures of both get the same \
             noise, the second pictures too.",
        )
}

/// RepeatLatentBatch.
fn repeat_latent_batch() -> Node {
    filter("RepeatLatentBatch", |cx, latent| repeat(latent, cx.count("amount")?))
        .title("Repeat latent batch")
        .category("latent/batch")
        .doc("The whole batch several times; each repeat gets noise of its own, so that a sampler makes variations.")
        .param(Param::int("amount", 1, 1..=64).doc("How often."))
        .identity("latent", |given| given.number("amount") == Some(1.0))
}

/// LatentFromBatch.
fn latent_from_batch() -> Node {
    filter("LatentFromBatch", |cx, latent| slice(latent, cx.count("batch_index")?, cx.count("length")?))
        .title("Part of a latent batch")
        .category("latent/batch")
        .doc(
            "Some pictures of a batch, as far as it reaches. They remember their numbers and get the noise they would \
             have got in the batch: the third of four is drawn again alone, the same as before.",
        )
        .param(Param::int("batch_index", 0, 0..=4095).doc("The first of them, counted from 0; past the end is the last."))
        .param(Param::int("length", 1, 1..=4096).doc("How many."))
}

/// LatentBatchSeedBehavior.
fn latent_batch_seed_behavior() -> Node {
    filter("LatentBatchSeedBehavior", |cx, latent| {
        let fixed = choice(cx, "seed_behavior", |word| match word {
            "random" => Some(false),
            "fixed" => Some(true),
            _ => None,
        })?;
        Ok(seeds(latent, fixed))
    })
    .title("Noise of a latent batch")
    .category("latent/batch")
    .doc("Whether the pictures of a batch differ in their noise.")
    .param(Param::choice("seed_behavior", &["random", "fixed"]).default("fixed").doc(
        "random gives each picture noise of its own and forgets the numbers of a larger batch; fixed gives all of them \
         the first one's noise.",
    ))
}
