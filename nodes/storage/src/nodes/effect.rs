//! Keeping as an effect: intent, outcome, and what is asked after a crash.

use super::place::{Place, Root};
use crate::proof::Pinned;
use crate::store::{BlockStore, Keeping};
use kiln_cid::{Discard, Sink};
use kiln_core::{Cx, Effect, NodeError};
use kiln_types::Value;
use serde_json::Value as Json;

/// What a node wants kept, and what it makes of the proofs.
pub(super) trait Build: Send + Sync {
    /// Puts blocks into the sink; the roots in order, and what else belongs into the journal.
    fn build(&self, cx: &Cx<'_>, sink: &mut dyn Sink) -> Result<(Vec<Root>, Json), NodeError>;

    /// The outputs that follow from the proofs alone.
    fn outputs(&self, proofs: &[Pinned], extra: &Json) -> Vec<(&'static str, Value)>;

    /// The outputs that need a look at the blocks.
    fn more(
        &self,
        cx: &Cx<'_>,
        proofs: &[Pinned],
        extra: &Json,
    ) -> Result<Vec<(&'static str, Value)>, NodeError> {
        let _ = (cx, proofs, extra);
        Ok(Vec::new())
    }
}

/// The effect of a node that keeps something.
pub(super) struct Keep<B>(pub B);

/// The blocks of a run's output folder.
pub(super) fn blocks(cx: &Cx<'_>) -> Result<BlockStore, NodeError> {
    let out = cx.out_folder()?;
    Ok(BlockStore::open(out.root(), out.disk().clone())?)
}

fn outcome(proofs: &[Pinned], extra: &Json) -> Vec<u8> {
    let proofs: Vec<Json> = proofs.iter().filter_map(|p| serde_json::to_value(p).ok()).collect();
    serde_json::json!({ "pinned": proofs, "extra": extra }).to_string().into_bytes()
}

fn read(outcome: &[u8]) -> Result<(Vec<Pinned>, Json), NodeError> {
    let bad = |e: &dyn std::fmt::Display| NodeError::new(format!("the journal's entry cannot be read: {e}"));
    let mut told: Json = serde_json::from_slice(outcome).map_err(|e| bad(&e))?;
    let list = told.get("pinned").and_then(Json::as_array).cloned().unwrap_or_default();
    let proofs = list.iter().map(|p| Pinned::from_json(p.to_string().as_bytes())).collect::<Result<_, _>>();
    Ok((proofs.map_err(|e| bad(&e))?, told["extra"].take()))
}

impl<B: Build> Effect for Keep<B> {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let place = Place::of(cx)?;
        let store = blocks(cx)?;
        // Until the pins are written nobody may collect what they will keep.
        let _hold = store.hold()?;
        let (roots, extra) = self.0.build(cx, &mut Keeping(&store))?;
        let proofs = roots.iter().map(|r| place.pin(cx, &store, r)).collect::<Result<Vec<_>, _>>()?;
        Ok(outcome(&proofs, &extra))
    }

    fn ask(&self, cx: &mut Cx<'_>) -> Result<Option<Vec<u8>>, NodeError> {
        let place = Place::of(cx)?;
        let store = blocks(cx)?;
        let (roots, extra) = self.0.build(cx, &mut Discard)?;
        let mut proofs = Vec::new();
        for root in &roots {
            match place.ask(cx, &store, root)? {
                Some(proof) => proofs.push(proof),
                None => return Ok(None),
            }
        }
        Ok(Some(outcome(&proofs, &extra)))
    }

    fn stands(&self, cx: &Cx<'_>, outcome: &[u8]) -> bool {
        let (Ok(place), Ok(store), Ok((proofs, extra))) = (Place::of(cx), blocks(cx), read(outcome)) else {
            return false;
        };
        let known = |p: &Pinned| p.cid().is_ok_and(|cid| place.stands(&store, &cid));
        // Outputs that cannot be read any more are made again as well.
        proofs.iter().all(known) && self.0.more(cx, &proofs, &extra).is_ok()
    }

    fn outputs(&self, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        let (proofs, extra) = read(outcome)?;
        Ok(self.0.outputs(&proofs, &extra))
    }

    fn values(&self, cx: &Cx<'_>, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        let (proofs, extra) = read(outcome)?;
        let mut values = self.0.outputs(&proofs, &extra);
        values.extend(self.0.more(cx, &proofs, &extra)?);
        Ok(values)
    }
}

/// The outputs of one root.
pub(super) fn of_one(proofs: &[Pinned]) -> Vec<(&'static str, Value)> {
    let [proof] = proofs else { return Vec::new() };
    let cid = proof.cid().map(|c| c.to_string()).unwrap_or_default();
    vec![
        ("pinned", proof.clone().into_value()),
        ("uri", Value::from(proof.uri().as_str())),
        ("cid", Value::from(cid.as_str())),
        ("bytes", Value::Int(i64::try_from(proof.bytes()).unwrap_or(i64::MAX))),
    ]
}

/// How a pin is called where it is listed: the node, and the item.
pub(super) fn label(cx: &Cx<'_>) -> String {
    let item = cx.item().map(|i| format!(" {}", i.item));
    let window = cx.window().map(|w| format!(" {w}"));
    format!("{}{}", cx.id(), item.or(window).unwrap_or_default())
}
