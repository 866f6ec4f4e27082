//! `CollectionReport`: a page that people look at.

use crate::disk::DiskFiles;
use crate::facts::{self, gather};
use crate::report;
use kiln_collection::plan::Plan;
use kiln_core::store::Millis;
use kiln_core::{Cx, Doubt, Effect, Kind, Node, NodeError, Param};
use kiln_types::{Value, names};
use serde_json::json;

pub(crate) fn nodes() -> Vec<Node> {
    vec![collection_report()]
}

struct Report;

fn plan(cx: &Cx<'_>) -> Result<Option<Plan>, NodeError> {
    let Some(file) = super::files(cx, "plan")?.into_iter().next() else { return Ok(None) };
    let bytes = cx.read(&file)?;
    let text = String::from_utf8(bytes).map_err(|_| NodeError::new("the plan is no text").at("plan"))?;
    Plan::from_ron(&text).map(Some).map_err(|e| {
        NodeError::new(format!("{}: {e}", file.path.display()))
            .at("plan")
            .hint("graph-run plan check tells more")
    })
}

impl Effect for Report {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let plan = plan(cx)?.or_else(|| facts::plan_in_graph(&cx.graph_text()));
        let out = cx.out_folder()?.clone();
        let gates = facts::gates(out.folder(), Millis(cx.now()))?;
        cx.pause()?;
        let files = DiskFiles::new(out.root());
        let mut facts = gather(&files, plan.as_ref(), gates).map_err(NodeError::new)?;
        let name = cx.text("name")?;
        if !name.is_empty() {
            facts.name = name.to_string();
        }
        let mut write = |path: &str, bytes: &[u8]| cx.write(path, bytes).map(|_| ());
        let mut progress = |done: u64, total: u64| {
            cx.progress(done, total);
            cx.pause()
        };
        let written = report::write(&facts, &files, &mut write, &mut progress).map_err(|e| match e {
            report::ReportError::Write(e) => e,
            e => NodeError::new(e),
        })?;
        // Sheets of pictures that are no more. What cannot be removed does no harm.
        let paths: Vec<String> = written.files.iter().cloned().collect();
        let there: Vec<String> =
            kiln_collection::seal::Files::list(&files)?.into_iter().map(|e| e.path).collect();
        for path in report::stale(&there, &written) {
            if let Ok(place) = out.place(&path) {
                let _ = std::fs::remove_file(place);
            }
        }
        let page = out.place(report::PAGE)?.metadata()?.len();
        Ok(json!({ "items": facts.size(), "files": paths.len(), "page": page }).to_string().into_bytes())
    }

    fn stands(&self, cx: &Cx<'_>, outcome: &[u8]) -> bool {
        let (Ok(out), Ok(outcome)) = (cx.out_folder(), serde_json::from_slice::<serde_json::Value>(outcome))
        else {
            return false;
        };
        let page = outcome.get("page").and_then(serde_json::Value::as_u64).unwrap_or(u64::MAX);
        out.stands(report::PAGE, page)
    }

    fn outputs(&self, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        let bad = || NodeError::new("the journal's entry cannot be read");
        let outcome: serde_json::Value = serde_json::from_slice(outcome).map_err(|_| bad())?;
        let items = outcome.get("items").and_then(serde_json::Value::as_i64).ok_or_else(bad)?;
        Ok(vec![("path", Value::from(report::PAGE)), ("items", Value::Int(items))])
    }
}

/// A page about the collection.
fn collection_report() -> Node {
    super::after_items(Node::effect("CollectionReport", 1, Doubt::IdempotentByKey, Report))
        .title("Collection report")
        .category("collection")
        .doc(
            "Writes report/index.html when all items are made: one page that works from a file, without a network. It \
             shows all items in a grid to be searched and filtered, trait counts planned against made, how rarity is \
             spread, tiers, and what gates rejected and why. People approve, reject, redo or replace items there and save \
             their decisions for graph-run decide. The same figures lie beside it as PNG charts and as JSON. Link its \
             path to a seal that is to cover the report, too.",
        )
        .writes_files()
        .param(Param::text("name", "").doc("The collection's name, else that of collection.json or of the plan."))
        .param(Param::list("plan", Kind::File).doc("The trait plan (.ron), for planned counts beside those made; one file. A plan that is written into the graph is found by itself."))
        .output("path", names::TEXT, "The page, below the output folder.")
        .output("items", names::INT, "How many items it shows.")
}
