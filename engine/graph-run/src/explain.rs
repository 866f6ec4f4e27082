//! Seeing before and after: what would run (`--dry-run`), and why it ran (`--explain`).

use crate::args::RunArgs;
use crate::fail::Fail;
use crate::start::Ready;
use crate::{caches, make, say, table};
use kiln_core::doors::OutFolder;
use kiln_core::store::{DiskCache, EffectState, Folder, RealDisk};
use kiln_core::{KeyLine, Purity, RunReport, words};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The key of every value, of the run and of its first item. Nothing is made on disk.
///
/// # Errors
/// When the command line asks for what cannot be.
pub fn keys(args: &RunArgs, ready: &Ready) -> Result<Vec<KeyLine>, Fail> {
    let now = ready.engine.clock().now();
    let mut setup = make::setup(args, ready, now)?;
    // An effect's key names the folder, if there is one by now.
    if let Ok(folder) = Folder::open_read_only(&args.out) {
        setup.out = Some(Arc::new(OutFolder::new(&args.out, folder, Arc::new(RealDisk))));
    }
    let item = setup.batch.as_ref().map(first_item);
    Ok(ready.engine.keys(&ready.plan, &setup, item))
}

fn first_item(batch: &kiln_core::Batch) -> u64 {
    match &batch.items {
        kiln_core::BatchItems::Range(a, _)
        | kiln_core::BatchItems::SomeRows(_, a, _)
        | kiln_core::BatchItems::One(a, _) => *a,
        kiln_core::BatchItems::Rows(_) => 0,
    }
}

/// Shows the plan; runs nothing.
///
/// # Errors
/// When the command line asks for what cannot be.
pub fn dry_run(args: &RunArgs, ready: &Ready) -> Result<u8, Fail> {
    let lines = keys(args, ready)?;
    let known: BTreeMap<&str, &KeyLine> = lines.iter().map(|l| (l.node.as_str(), l)).collect();
    let folder =
        if args.no_cache { None } else { caches::folder(args.cache.as_deref()).filter(|f| f.is_dir()) };
    let journal = Folder::open_read_only(&args.out).ok().map(|f| f.journal());
    // Opened only where it is there already.
    let disk = folder.and_then(|f| DiskCache::open(f, Arc::new(RealDisk)).ok());
    let state = |node: &str| {
        let line = known.get(node)?;
        if let Some(kept) = &line.kept {
            return Some(format!("kept: {kept}"));
        }
        let key = line.key.as_ref()?.parse().ok()?;
        let entry = journal.as_ref().and_then(|j| j.lookup(&key).ok().flatten());
        if entry.is_some_and(|e| e.state == EffectState::Done) {
            return Some("done before".to_owned());
        }
        disk.as_ref().is_some_and(|d| d.contains(&key)).then(|| "kept: disk".to_owned())
    };
    let planned: Vec<_> = ready.plan.planned().collect();
    let writes: Vec<&str> =
        planned.iter().filter(|p| p.purity == Purity::Effect).map(|p| p.id.as_str()).collect();
    let items = ready.batch.as_ref().map(kiln_core::Batch::len);
    if args.json {
        let nodes: Vec<_> = planned
            .iter()
            .map(|p| {
                let line = known.get(p.id.as_str());
                json!({
                    "node": p.id, "type": p.ty, "scope": p.scope.to_string(), "stage": p.stage,
                    "effect": p.purity == Purity::Effect, "key": line.and_then(|l| l.key.clone()), "kept": state(&p.id).is_some(),
                })
            })
            .collect();
        say::json(
            &json!({ "title": ready.source.graph.title, "items": items, "out": args.out, "nodes": nodes }),
        );
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = planned
        .iter()
        .map(|p| {
            let value = state(&p.id).unwrap_or_else(|| {
                match known.get(p.id.as_str()).and_then(|l| l.later.clone()) {
                    Some(_) => "known while running".to_owned(),
                    None if p.purity == Purity::Effect => "to be done".to_owned(),
                    None => "to be made".to_owned(),
                }
            });
            vec![p.id.clone(), p.ty.clone(), p.scope.to_string(), p.stage.to_string(), value]
        })
        .collect();
    say::out(&table::lines(&["node", "type", "runs", "stage", "value"], &rows, &[3]));
    let over =
        items.map_or(String::new(), |n| format!(" over {n} items (kept and not is said of the first)"));
    match writes.as_slice() {
        [] => say::out(&format!("nothing would be written{over}")),
        names => {
            let names: Vec<String> = names.iter().map(|n| named(ready, n)).collect();
            say::out(&format!("{} would write to {}{over}", words::list(&names), args.out.display()));
        }
    }
    Ok(0)
}

/// An effect, and the name it writes under if the graph says one.
fn named(ready: &Ready, node: &str) -> String {
    let name = ready.source.graph.nodes.get(node).and_then(|n| n.with.get("name")).and_then(|l| l.as_text());
    name.map_or_else(|| node.to_owned(), |name| format!("{node} ({name})"))
}

/// Says of each node why it ran or did not.
pub fn reasons(report: &RunReport, before: Option<&BTreeMap<String, Vec<(String, String)>>>) {
    let rows: Vec<Vec<String>> = report
        .nodes
        .iter()
        .map(|(name, r)| {
            let old = before.and_then(|b| b.get(name)).map(Vec::as_slice);
            vec![name.clone(), r.why(old)]
        })
        .collect();
    say::err(&table::lines(&["node", "why"], &rows, &[]));
}
