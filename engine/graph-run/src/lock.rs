//! `lock` and `verify`: what a graph runs with, written down and compared.

use crate::args::GraphArgs;
use crate::check::{self, Checked};
use crate::fail::{FAILED, Fail};
use crate::{fmt, picture, say, source};
use kiln_core::Plan;
use kiln_core::document::Lock;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// This engine.
const ENGINE: &str = env!("CARGO_PKG_VERSION");

/// Writes the lock into the graph's file.
///
/// # Errors
/// When the graph cannot run, or its file cannot be written.
pub fn lock(args: &GraphArgs) -> Result<u8, Fail> {
    if !args.set.is_empty() {
        return Err(Fail::wrong("a lock is of the graph as it stands", Some("leave --set out")));
    }
    let looked = checked(args)?;
    looked.source.is_ours()?;
    let now = used(&looked)?;
    // The graph anew: what was only for this look (a picture's note) stays where it was.
    let mut graph = source::parse(&looked.source.name, &looked.source.text)?;
    if looked.source.picture {
        return Err(Fail::wrong(
            "the graph in a picture stays as it is",
            Some("graph-run fmt --stdout PICTURE > graph.ron"),
        ));
    }
    let unknown = graph.lock.take().map(|l| l.unknown).unwrap_or_default();
    let (nodes, files) = (now.nodes.len(), now.files.len());
    graph.lock = Some(Lock {
        engine: ENGINE.to_owned(),
        nodes: now.nodes.into_iter().collect(),
        files: now.files.into_iter().collect(),
        unknown,
    });
    fmt::write(&args.graph, &graph.to_text())?;
    if args.json {
        say::json(&json!({ "engine": ENGINE, "nodes": nodes, "files": files }));
    } else {
        say::out(&format!("{}: locked: {nodes} node types, {files} files", looked.source.name));
    }
    Ok(0)
}

/// Compares a graph with its lock.
///
/// # Errors
/// When the graph has no lock, or cannot run.
pub fn verify(args: &GraphArgs) -> Result<u8, Fail> {
    let source = source::read(&args.graph)?;
    source.is_ours()?;
    let Some(lock) = &source.graph.lock else {
        return Err(Fail::wrong(
            format!("{} has no lock", source.name),
            Some(&format!("write one with graph-run lock {}", source.name)),
        ));
    };
    let looked = checked(args)?;
    let now = used(&looked)?;
    let mut differences = Vec::new();
    if lock.engine != ENGINE {
        differences.push(format!("the engine is {ENGINE}, locked with {}", lock.engine));
    }
    for (ty, version) in &lock.nodes {
        match now.nodes.get(ty) {
            Some(v) if v == version => {}
            Some(v) => differences.push(format!("{ty} has version {v}, locked with {version}")),
            None => differences.push(format!("{ty} is locked, but no longer used")),
        }
    }
    differences.extend(
        now.nodes
            .keys()
            .filter(|t| !lock.nodes.contains_key(*t))
            .map(|t| format!("{t} is used, but not locked")),
    );
    for (file, hash) in &lock.files {
        match now.files.get(file) {
            Some(h) if h == hash => {}
            Some(h) => differences.push(format!(
                "{file} has other bytes: blake3 {}…, locked with {}…",
                short(h),
                short(hash)
            )),
            None => differences.push(format!("{file} is locked, but no longer used")),
        }
    }
    differences.extend(
        now.files
            .keys()
            .filter(|f| !lock.files.contains_key(*f))
            .map(|f| format!("{f} is used, but not locked")),
    );
    if args.json {
        say::json(&json!({ "ok": differences.is_empty(), "differences": differences }));
    } else if differences.is_empty() {
        say::out(&format!(
            "{}: as locked: {} node types, {} files",
            source.name,
            now.nodes.len(),
            now.files.len()
        ));
    } else {
        differences.iter().for_each(|d| say::err(&format!("{}: {d}", source.name)));
        let n = differences.len();
        say::err(&if n == 1 { "1 difference".to_owned() } else { format!("{n} differences") });
    }
    Ok(if differences.is_empty() { 0 } else { FAILED })
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// What a graph runs with now.
struct Used {
    nodes: BTreeMap<String, u32>,
    files: BTreeMap<String, String>,
}

fn checked(args: &GraphArgs) -> Result<Checked, Fail> {
    let mut looked = check::look(args, &[])?;
    if looked.plan.is_none() {
        let all: Vec<String> =
            looked.problems.iter().map(|p| source::placed(&looked.source.name, p)).collect();
        return Err(Fail::Wrong(all.join("\n")));
    }
    picture::take(&mut looked.source.graph);
    Ok(looked)
}

/// Versions from the plan, hashes from the files as they are now: nothing remembered is believed.
fn used(looked: &Checked) -> Result<Used, Fail> {
    let Some(plan) = &looked.plan else { return Ok(Used { nodes: BTreeMap::new(), files: BTreeMap::new() }) };
    let mut files = BTreeMap::new();
    for file in Plan::files(plan) {
        let hash = looked.engine.files().hash_fresh(&file.path)?;
        files.insert(named(&looked.sandbox.base, &file.path), hash.to_string());
    }
    Ok(Used { nodes: plan.versions(), files })
}

/// A file as a lock names it: relative to the graph where it lies below, so that the folder can be moved.
fn named(base: &Path, file: &Path) -> String {
    let base = std::fs::canonicalize(base).unwrap_or_else(|_| base.to_owned());
    file.strip_prefix(&base).unwrap_or(file).to_string_lossy().replace('\\', "/")
}
