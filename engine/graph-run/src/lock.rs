//! `lock` and `verify`: what a graph runs with, written down and compared; models are held against their cards too.

use crate::args::GraphArgs;
use crate::check::{self, Checked};
use crate::fail::{FAILED, Fail};
use crate::{cards, fmt, picture, say, source};
use kiln_core::Plan;
use kiln_core::document::Lock;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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

/// Compares a graph with its lock, and its models with their cards.
///
/// # Errors
/// When the graph has neither, or cannot run.
pub fn verify(args: &GraphArgs) -> Result<u8, Fail> {
    let source = source::read(&args.graph)?;
    source.is_ours()?;
    let looked = checked(args)?;
    let now = used(&looked)?;
    let models = models(&looked, &source.graph.to_text())?;
    let carded = models.iter().filter(|m| m.card.is_some()).count();
    let mut differences: Vec<String> = models.iter().flat_map(|m| m.differences.clone()).collect();
    match &source.graph.lock {
        Some(lock) => differences.extend(changes(lock, &now)),
        None if carded == 0 && differences.is_empty() => {
            return Err(Fail::wrong(
                format!("{} has no lock, and none of its models has a card", source.name),
                Some(&format!("write a lock with graph-run lock {}", source.name)),
            ));
        }
        None => {}
    }
    let ok = differences.is_empty();
    if args.json {
        let models: Vec<_> = models.iter().map(Model::json).collect();
        say::json(&json!({ "ok": ok, "differences": differences, "models": models }));
        return Ok(if ok { 0 } else { FAILED });
    }
    models.iter().for_each(|m| say::out(&m.line()));
    if ok {
        let mut all = Vec::new();
        if source.graph.lock.is_some() {
            all.push(format!("as locked: {} node types, {} files", now.nodes.len(), now.files.len()));
        }
        if carded > 0 {
            let models = if carded == 1 { "1 model is".to_owned() } else { format!("{carded} models are") };
            all.push(format!("{models} as on the cards"));
        }
        say::out(&format!("{}: {}", source.name, all.join("; ")));
    } else {
        differences.iter().for_each(|d| say::err(&format!("{}: {d}", source.name)));
        let n = differences.len();
        say::err(&if n == 1 { "1 difference".to_owned() } else { format!("{n} differences") });
    }
    Ok(if ok { 0 } else { FAILED })
}

/// What is otherwise than a lock says.
fn changes(lock: &Lock, now: &Used) -> Vec<String> {
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
    differences
}

/// A model of the graph, and what its card says.
struct Model {
    name: String,
    bytes: u64,
    blake3: String,
    card: Option<cards::Card>,
    differences: Vec<String>,
}

impl Model {
    fn line(&self) -> String {
        let size = indicatif::HumanBytes(self.bytes);
        let Some(card) = &self.card else {
            return format!("  {}  {size}  no card: blake3 {}…", self.name, short(&self.blake3));
        };
        let learned =
            card.data_log.as_ref().map(|l| format!("  learned from {}", l.about)).unwrap_or_default();
        let mark = if self.differences.is_empty() { "as on its card" } else { "NOT as on its card" };
        format!("  {}  {size}  {mark}  {}{learned}", self.name, card.licence)
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "file": self.name, "bytes": self.bytes, "blake3": self.blake3, "differences": self.differences,
            "card": self.card.as_ref().map(|c| json!({
                "title": c.title, "licence": c.licence, "sha256": c.sha256,
                "data_log": c.data_log.as_ref().map(|l| json!({ "file": l.file, "sha256": l.sha256, "about": l.about })),
            })),
        })
    }
}

/// The models a graph loads: files in a folder of models, and those with cards that its texts name.
fn models(looked: &Checked, text: &str) -> Result<Vec<Model>, Fail> {
    let Some(plan) = &looked.plan else { return Ok(Vec::new()) };
    let roots: Vec<PathBuf> =
        looked.sandbox.models.iter().filter_map(|r| std::fs::canonicalize(r).ok()).collect();
    let mut paths: Vec<PathBuf> = Plan::files(plan).iter().map(|f| f.path.to_path_buf()).collect();
    paths.extend(cards::named_in(text, &roots));
    paths.retain(|p| cards::place(p).is_file() || roots.iter().any(|r| p.starts_with(r)));
    paths.sort();
    paths.dedup();
    let mut all = Vec::new();
    for path in paths {
        let blake3 = looked.engine.files().hash_fresh(&path)?.to_string();
        let bytes = std::fs::metadata(&path).map_or(0, |m| m.len());
        let name = named(looked, &path);
        let (card, differences) = match cards::of(&path) {
            Ok(Some(card)) => {
                let differences = cards::differences(&path, &card, &blake3);
                (Some(card), differences)
            }
            Ok(None) => (None, Vec::new()),
            Err(e) => (None, vec![e.to_string()]),
        };
        all.push(Model { name, bytes, blake3, card, differences });
    }
    Ok(all)
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
        files.insert(named(looked, &file.path), hash.to_string());
    }
    Ok(Used { nodes: plan.versions(), files })
}

/// A file as a lock names it, so that the folder can be moved: relative to the graph where it lies below; a model
/// by its place in the folder of models, wherever that is.
fn named(looked: &Checked, file: &Path) -> String {
    let whole = |p: &Path| std::fs::canonicalize(p).unwrap_or_else(|_| p.to_owned());
    let text = |p: &Path| p.to_string_lossy().replace('\\', "/");
    if let Ok(below) = file.strip_prefix(whole(&looked.sandbox.base)) {
        return text(below);
    }
    let model = looked.sandbox.models.iter().find_map(|root| file.strip_prefix(whole(root)).ok().map(text));
    model.map_or_else(|| text(file), |below| format!("models/{below}"))
}
