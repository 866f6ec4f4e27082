//! Which network a file holds, and its weights under the names of the original checkpoints.
//!
//! Named files say it themselves, whatever prefix a training left in front. An ONNX exporter that folds batch norms
//! gives the new weights numbers for names: those are told by the order of the convolutions ([`order`]).

mod order;
mod others;

use std::collections::BTreeMap;

use kiln_tensor::{Weight, WeightMap};
use kiln_weights::{Stored, WeightFile};

use crate::cutout::Kind;
use crate::error::CutoutError;

/// A network's weights by their original names.
pub struct Found {
    /// Which network.
    pub kind: Kind,
    /// The weights it needs, and perhaps more.
    pub weights: WeightMap,
}

/// What tells a network: a weight that must be there, another one, and what the two together are.
const TELLING: [(&str, &str, Kind); 3] = [
    ("stage1.rebnconvin.conv_s1.weight", "conv_in.weight", Kind::IsNet),
    ("stage1.rebnconvin.conv_s1.weight", "outconv.weight", Kind::U2Net),
    ("backbone.model.features.0.0.weight", "f_branch.conv_f.0.layers.0.weight", Kind::ModNet),
];

/// Finds the network in a file.
///
/// # Errors
/// When there is none of this family; the message says what there is, where that can be told.
pub fn find(file: &WeightFile) -> Result<Found, CutoutError> {
    let name = file.path().file_name().unwrap_or_default().to_string_lossy();
    let refuse = |what: String| CutoutError::Other { file: name.clone().into_owned(), what };
    if let Some(found) = named(file) {
        if let Some(classes) = classes(&found) {
            return Err(refuse(others::classes(classes)));
        }
        return Ok(found);
    }
    if let Some(what) = others::look(file) {
        return Err(refuse(what));
    }
    match file.graph() {
        Some(graph) => order::find(file, graph).map_err(refuse),
        None => Err(refuse(others::UNKNOWN.into())),
    }
}

/// The weights of a file that names them, without what stands before every name.
fn named(file: &WeightFile) -> Option<Found> {
    let (prefix, kind) = file.names().find_map(|name| {
        TELLING.iter().find_map(|(first, second, kind)| {
            let prefix = name.strip_suffix(first)?;
            (prefix.is_empty() || prefix.ends_with('.')).then_some(())?;
            file.get(&format!("{prefix}{second}"))?;
            Some((prefix.to_owned(), *kind))
        })
    })?;
    let weights = file.iter().filter_map(|stored| {
        let name = stored.name().strip_prefix(&prefix)?;
        // Counters of a training are no weights.
        stored.is_float().then(|| (name.to_owned(), Weight::stored(stored.clone())))
    });
    Some(Found { kind, weights: weights.collect() })
}

/// Maps a U-shaped network gives, if those are not one.
fn classes(found: &Found) -> Option<usize> {
    let weight = found.weights.get("side1.weight").filter(|_| found.kind != Kind::ModNet)?;
    weight.shape().first().copied().filter(|maps| *maps != 1)
}

/// Weights in the making.
type Named = BTreeMap<String, Stored>;

fn weights(named: Named) -> WeightMap {
    named.into_iter().map(|(name, stored)| (name, Weight::stored(stored))).collect()
}
