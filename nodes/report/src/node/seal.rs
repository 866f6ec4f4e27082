//! `SealCollection`: the last word of a collection.

use crate::sealing::{self, Evidence, STILL_WRITTEN, SealingError};
use kiln_collection::provenance::Digest;
use kiln_collection::seal::{self, Sealing};
use kiln_core::{Cx, Doubt, Effect, Kind, Node, NodeError, Param};
use kiln_types::{Value, names};
use serde_json::json;

pub(crate) fn nodes() -> Vec<Node> {
    vec![seal_collection()]
}

struct Seal;

fn told(error: SealingError) -> NodeError {
    match error {
        SealingError::Write(error) => error,
        SealingError::Seal(seal::SealError::Log(_) | seal::SealError::Head(_)) => NodeError::new(error)
            .hint("graph-run audit tells more; bring the log back from a copy, or move provenance/ away and begin a new one"),
        error => NodeError::new(error),
    }
}

impl Effect for Seal {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let mut evidence = Vec::new();
        for file in super::files(cx, "evidence")? {
            let name = file.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            evidence.push(Evidence { name, bytes: cx.read(&file)? });
        }
        evidence.push(Evidence { name: "graph.ron".to_owned(), bytes: cx.graph_text().into_bytes() });
        let sealing = Sealing {
            name: cx.text("name")?.to_string(),
            actor: cx.text("by")?.to_string(),
            now: cx.now(),
            leave_out: STILL_WRITTEN.map(str::to_owned).to_vec(),
            events: Vec::new(),
            data_logs: crate::cards::data_logs(cx.models()),
        };
        let out = cx.out_folder()?.clone();
        cx.pause()?;
        let mut write = |path: &str, bytes: &[u8]| cx.write(path, bytes).map(|_| ());
        let sealed = sealing::seal(&out, &evidence, sealing, &mut write).map_err(told)?;
        let manifest = &sealed.manifest;
        let outcome = json!({
            "manifest": Digest::sha256(sealed.manifest_text.as_bytes()),
            "bytes": sealed.manifest_text.len(),
            "log": sealed.log_text.len(),
            "provenance": manifest.provenance,
            "root": manifest.merkle_root,
            "seal": manifest.seal,
        });
        Ok(outcome.to_string().into_bytes())
    }

    fn stands(&self, cx: &Cx<'_>, outcome: &[u8]) -> bool {
        let (Ok(out), Ok(outcome)) = (cx.out_folder(), serde_json::from_slice::<serde_json::Value>(outcome))
        else {
            return false;
        };
        let number = |name: &str| outcome.get(name).and_then(serde_json::Value::as_u64).unwrap_or(u64::MAX);
        out.stands(seal::MANIFEST, number("bytes")) && out.stands(seal::LOG, number("log"))
    }

    fn outputs(&self, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        let bad = || NodeError::new("the journal's entry cannot be read");
        let outcome: serde_json::Value = serde_json::from_slice(outcome).map_err(|_| bad())?;
        let text = |name: &str| outcome.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let number = outcome.get("seal").and_then(serde_json::Value::as_i64).ok_or_else(bad)?;
        Ok(vec![
            ("provenance", Value::from(text("provenance"))),
            ("merkle_root", Value::from(text("root"))),
            ("seal", Value::Int(number)),
            ("path", Value::from(seal::MANIFEST)),
        ])
    }
}

/// Seals the folder of a collection.
fn seal_collection() -> Node {
    super::after_items(Node::effect("SealCollection", 1, Doubt::IdempotentByKey, Seal))
        .title("Seal collection")
        .category("collection")
        .doc(
            "Hashes every file of the output folder when all items are made, and writes provenance/: the hashes, the \
             provenance hash over all pictures in token order, the root of a Merkle tree by which single tokens are \
             proven, a copy of the graph, and an audit log of what the collection was made with (for a LoRA with a card beside it, \
             NAME.card.json, the hash of the log of its training data as well) and who decided what. \
             Sealing again adds to the log and never rewrites it; graph-run audit finds whatever changed since. Folders \
             that are still written when the graph is done (rejected, review) are left out; graph-run seal takes them in.",
        )
        .writes_files()
        .param(Param::text("name", "").doc("The collection's name."))
        .param(Param::text("by", "Kiln").doc("Who seals, as the audit log names them."))
        .param(
            Param::list("evidence", Kind::File)
                .doc("Files that made the collection, copied into provenance/: the plan, locks, logs of training data, licences."),
        )
        .output("provenance", names::TEXT, "The provenance hash, 64 hexadecimal digits.")
        .output("merkle_root", names::TEXT, "The root of the Merkle tree; nothing without items.")
        .output("seal", names::INT, "Which sealing of the folder this is, from 1.")
        .output("path", names::TEXT, "The file with all hashes, below the output folder.")
}
