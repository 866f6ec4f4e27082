//! `seal`: a folder as it is, bound.

use super::args::SealArgs;
use super::folder::{self, counted, told};
use crate::fail::Fail;
use crate::record::Started;
use crate::{say, start};
use kiln_collection::seal::{self, Files, GRAPH, Manifest, Sealed, Sealing};
use kiln_core::Plan;
use kiln_core::doors::{Clock, OutFolder, SystemClock};
use kiln_report::cards;
use kiln_report::disk::DiskFiles;
use kiln_report::sealing::{self, Evidence};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// No file that made the collection is longer than this, to be copied.
const COPIED: u64 = 16 << 20;
/// What a plan, a lock or a table ends like; models are named by their hashes, never copied.
const KINDS: [&str; 6] = ["ron", "csv", "json", "jsonl", "txt", "toml"];

/// Seals a folder, and tells what to publish.
///
/// # Errors
/// What stands in the way.
pub fn seal(args: &SealArgs) -> Result<u8, Fail> {
    if args.credentials.is_some() {
        return Err(Fail::wrong(
            "Content Credentials (C2PA) are not built into this program; nothing was sealed",
            Some(
                "seal without --credentials, and sign the pictures with a C2PA tool before: a seal that comes after takes them in",
            ),
        ));
    }
    let out = folder::open(&args.out)?;
    let mut evidence = recorded(&out);
    for file in &args.evidence {
        let bytes = folder::read(file, COPIED)?;
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        evidence.retain(|e| e.name != name);
        evidence.push(Evidence { name, bytes });
    }
    let sealed = again(&out, args.name.clone(), &folder::who(args.who.as_deref()), &evidence)?;
    let manifest = &sealed.manifest;
    if args.json {
        say::json(&json!({
            "changed": sealed.changed, "seal": manifest.seal, "items": manifest.items.len(), "files": manifest.files.len(),
            "provenance": manifest.provenance, "merkle_root": manifest.merkle_root,
            "log": { "lines": sealed.head.lines, "hash": sealed.head.hash },
        }));
        return Ok(0);
    }
    let what =
        format!("{}, {}", counted(manifest.items.len(), "item"), counted(manifest.files.len(), "file"));
    say::out(&if sealed.changed {
        format!("sealed, for the {} time: {what}", nth(manifest.seal))
    } else {
        format!("nothing changed since it was sealed: {what}")
    });
    say::out(&format!("provenance   {}", manifest.provenance));
    if let Some(root) = manifest.merkle_root {
        say::out(&format!("merkle root  {root}"));
    }
    say::out(&format!("audit log    {}", sealing::published(sealed.head)));
    Ok(0)
}

fn nth(n: u64) -> String {
    let end = match (n % 10, n % 100) {
        (1, r) if r != 11 => "st",
        (2, r) if r != 12 => "nd",
        (3, r) if r != 13 => "rd",
        _ => "th",
    };
    format!("{n}{end}")
}

/// Seals a folder under the name it has.
///
/// # Errors
/// What stands in the way.
pub fn again(
    out: &OutFolder,
    name: Option<String>,
    who: &str,
    evidence: &[Evidence],
) -> Result<Sealed, Fail> {
    let files = DiskFiles::new(out.root());
    let before = seal::read_text(&files, seal::MANIFEST, 1 << 30).ok().and_then(|t| Manifest::read(&t).ok());
    let name = name.or_else(|| before.map(|m| m.name)).filter(|n| !n.is_empty()).or_else(|| named(&files));
    let sealing = Sealing {
        name: name.unwrap_or_default(),
        actor: who.to_owned(),
        now: SystemClock.now().0,
        data_logs: data_logs(out),
        ..Sealing::default()
    };
    let mut write = sealing::writer(out);
    sealing::seal(out, evidence, sealing, &mut write).map_err(told)
}

/// What the LoRAs of the folder's last batch learned from, by the cards beside them.
fn data_logs(out: &OutFolder) -> BTreeMap<String, seal::DataLog> {
    let Some((_, started)) = last_run(out) else { return BTreeMap::new() };
    // A folder of models that is gone since is no reason not to seal.
    let sandbox = crate::access::sandbox(&started.base, &started.args.access);
    sandbox.map(|sandbox| cards::data_logs(&sandbox.models)).unwrap_or_default()
}

/// The name in `collection.json`.
fn named(files: &dyn Files) -> Option<String> {
    let text = seal::read_text(files, "collection.json", 4 << 20).ok()?;
    let document: serde_json::Value = serde_json::from_slice(&text).ok()?;
    document.get("name")?.as_str().map(str::to_owned)
}

/// What the folder's last batch was made with, where that is still known: its graph, if none is there yet, and the
/// plans, tables and the like that it reads.
fn recorded(out: &OutFolder) -> Vec<Evidence> {
    let Some((graph, started)) = last_run(out) else { return Vec::new() };
    let mut found = Vec::new();
    if !out.root().join(GRAPH).exists() {
        found.push(Evidence { name: "graph.ron".to_owned(), bytes: graph.into_bytes() });
    }
    let mut args = started.args;
    args.quiet = true;
    // A graph or plan that is gone since is no reason not to seal what is there.
    let Ok(ready) = start::prepare(&args) else { return found };
    let base = std::fs::canonicalize(&ready.source.base).unwrap_or_else(|_| ready.source.base.clone());
    for file in Plan::files(&ready.plan) {
        let kind = file.path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
        if !KINDS.contains(&kind.as_str()) || file.path.starts_with(out.root()) {
            continue;
        }
        // Where it lies below the graph, it keeps its path: so the copy of the graph finds it.
        let inside = file.path.strip_prefix(&base).ok().map(Path::to_owned);
        let name = inside.or_else(|| file.path.file_name().map(Into::into)).unwrap_or_default();
        let name = name.to_string_lossy().replace('\\', "/");
        if let Ok(bytes) = folder::read(&file.path, COPIED) {
            found.push(Evidence { name, bytes });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found.dedup_by(|a, b| a.name == b.name);
    found
}

/// The graph of the folder's last batch, and what it was started with.
pub fn last_run(out: &OutFolder) -> Option<(String, Started)> {
    let (runs, now) = (out.folder().runs(), SystemClock.now());
    for run in runs.runs(1000, now).ok()? {
        let Ok(Some(record)) = runs.run(&run.id, now) else { continue };
        let Ok(started) = serde_json::from_str::<Started>(&record.args_json) else { continue };
        if started.batch.is_some() {
            return Some((record.graph_text, started));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_counted_as_people_do() {
        let all: Vec<String> = [1, 2, 3, 4, 11, 12, 21, 113].map(super::nth).to_vec();
        assert_eq!(all, ["1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "113th"]);
    }
}
