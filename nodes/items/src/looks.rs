//! Does what is rare look rare? Distances between tiers, by perceptual hash and by CLIP.

use crate::values::{RarityValue, names as own, take};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_pixels::hash::PictureHash;
use kiln_types::{Embedding, Value, names};
use serde_json::json;
use std::collections::BTreeMap;

/// Of larger tiers so many items, spread evenly, stand for all when tiers are compared as wholes.
const SAMPLE: usize = 200;
/// So many pairs are named.
const NAMED: usize = 20;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![rarity_looks()]
}

/// What is known of how an item looks.
#[derive(Default)]
struct Look {
    hash: Option<PictureHash>,
    embedding: Option<std::sync::Arc<dyn kiln_types::Object>>,
}

fn looks(cx: &Cx<'_>) -> Result<BTreeMap<u64, Look>, NodeError> {
    let mut all: BTreeMap<u64, Look> = BTreeMap::new();
    if cx.has("hashes") {
        let hashes = cx.items("hashes")?;
        for at in 0..hashes.len() {
            let value = hashes.get(at)?;
            let hash = match &value {
                Value::Text(text) => PictureHash::parse(text),
                _ => None,
            };
            let hash = hash.ok_or_else(|| {
                NodeError::new("it collects perceptual hashes of 16 digits")
                    .at("hashes")
                    .hint("link ImageHash.phash")
            })?;
            all.entry(hashes.item(at).unwrap_or(at as u64)).or_default().hash = Some(hash);
        }
    }
    if cx.has("embeddings") {
        let embeddings = cx.items("embeddings")?;
        for at in 0..embeddings.len() {
            if let Value::Object(object) = embeddings.get(at)? {
                let item = embeddings.item(at).unwrap_or(at as u64);
                all.entry(item).or_default().embedding = Some(object);
            }
        }
    }
    Ok(all)
}

/// How far apart two looks are: bits of the hash, and the cosine of the embeddings.
fn apart(a: &Look, b: &Look) -> Result<(Option<u32>, Option<f64>), NodeError> {
    let bits = a.hash.zip(b.hash).map(|(a, b)| a.distance(b));
    let of = |look: &Look| -> Option<Embedding> {
        look.embedding.as_ref()?.as_any().downcast_ref::<Embedding>().cloned()
    };
    let cosine = match (of(a), of(b)) {
        (Some(a), Some(b)) => {
            a.similarities(&b).map_err(|e| NodeError::new(e).at("embeddings"))?.first().copied()
        }
        _ => None,
    };
    Ok((bits, cosine))
}

/// Some of a tier's items, spread evenly.
fn sample(items: &[u64]) -> Vec<u64> {
    if items.len() <= SAMPLE {
        return items.to_vec();
    }
    (0..SAMPLE).map(|n| items[n * items.len() / SAMPLE]).collect()
}

fn mean(numbers: &[f64]) -> Option<f64> {
    if numbers.is_empty() { None } else { Some(numbers.iter().sum::<f64>() / numbers.len() as f64) }
}

fn rarity_looks() -> Node {
    Node::pure("RarityLooks", 1, |cx| {
        let rarity = take::<RarityValue>(cx, "rarity")?;
        let looks = looks(cx)?;
        if looks.is_empty() {
            return Err(NodeError::new("there is nothing to look at")
                .at("hashes")
                .hint("link ImageHash.phash of all items, or their embeddings"));
        }
        let mut tiers: Vec<(String, Vec<u64>)> =
            rarity.tiers.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
        for one in rarity.items.iter().filter(|i| looks.contains_key(&i.item)) {
            if let Some((_, items)) = tiers.iter_mut().find(|(name, _)| *name == one.tier) {
                items.push(one.item);
            }
        }
        tiers.retain(|(_, items)| !items.is_empty());
        let (most_bits, most_alike) = (cx.int("bits")?, cx.float("alike")?);
        let mut between = Vec::new();
        for (at, (one, own)) in tiers.iter().enumerate() {
            for (other, theirs) in &tiers[at..] {
                cx.pause()?;
                let (mut bits, mut cosines) = (Vec::new(), Vec::new());
                for a in sample(own) {
                    for b in sample(theirs).into_iter().filter(|b| *b != a) {
                        let (d, c) = apart(&looks[&a], &looks[&b])?;
                        bits.extend(d.map(f64::from));
                        cosines.extend(c);
                    }
                }
                between.push(json!({
                    "one": one, "other": other, "hash_bits": mean(&bits), "clip": mean(&cosines),
                }));
            }
        }
        let mut close: Vec<(f64, serde_json::Value, String)> = Vec::new();
        if let [(top, rare), .., (bottom, common)] = tiers.as_slice() {
            for a in rare {
                cx.pause()?;
                for b in common {
                    let (bits, cosine) = apart(&looks[a], &looks[b])?;
                    let by_hash = bits.is_some_and(|d| i64::from(d) <= most_bits);
                    let by_clip = cosine.is_some_and(|c| c >= most_alike);
                    if !(by_hash || by_clip) {
                        continue;
                    }
                    let how = match (bits.filter(|_| by_hash), cosine.filter(|_| by_clip)) {
                        (Some(d), Some(c)) => format!("{d} bits apart, {c:.3} alike"),
                        (Some(d), None) => format!("{d} bits apart"),
                        (None, Some(c)) => format!("{c:.3} alike"),
                        (None, None) => String::new(),
                    };
                    let strength = bits.map_or(64.0, f64::from) - cosine.unwrap_or(0.0) * 64.0;
                    let told = json!({ "rare": a, "common": b, "hash_bits": bits, "clip": cosine });
                    close.push((strength, told, format!("item {a} ({top}) looks like item {b} ({bottom}): {how}")));
                    // The worst are kept; a collection of twins does not fill the memory.
                    if close.len() > 10_000 {
                        close.sort_by(|x, y| x.0.total_cmp(&y.0));
                        close.truncate(NAMED);
                    }
                }
            }
        }
        close.sort_by(|x, y| x.0.total_cmp(&y.0));
        let words: Vec<&str> = close.iter().take(NAMED).map(|(_, _, words)| words.as_str()).collect();
        let pairs: Vec<&serde_json::Value> = close.iter().take(NAMED).map(|(_, told, _)| told).collect();
        let report = json!({ "between": between, "alike": pairs });
        cx.set("fine", close.is_empty());
        cx.set("warning", words.join("\n").as_str());
        cx.set("report", report.to_string().as_str());
        Ok(())
    })
    .title("Rarity looks")
    .category("collection/rarity")
    .doc(
        "Checks that what is rare looks rare: distances between tiers by perceptual hash and, where they are linked, by \
         CLIP embeddings, and a warning for each item of the rarest tier that resembles one of the commonest.",
    )
    .input("rarity", own::RARITY, "How rare the items are.")
    .optional_gather("hashes", names::TEXT, "The perceptual hash of each item's picture, from ImageHash.")
    .optional_gather("embeddings", names::EMBEDDING, "The CLIP embedding of each item's picture.")
    .param(Param::int("bits", 6, 0..=64).unit("bits").doc("Hashes that differ in so few bits look alike."))
    .param(Param::float("alike", 0.97, -1.0..=1.0).doc("Embeddings of at least this cosine look alike."))
    .output("warning", names::TEXT, "Who resembles whom, the worst first, a line each; empty when all is well.")
    .output("fine", names::BOOL, "Whether nothing rare resembles something common.")
    .output("report", names::TEXT, "The distances between tiers and the pairs, as JSON.")
}
