//! The facts of a folder: tokens from their documents, digests from the pictures, the plan and the log from
//! `provenance/`.

use super::{CollectionFacts, Gate, Sources};
use kiln_collection::plan::Plan;
use kiln_collection::provenance::{Digest, MerkleTree, Provenance, read_log, token_leaf};
use kiln_collection::seal::{self, Files, TokensError, is_picture};
use kiln_core::document::{Graph, Lit};
use std::collections::BTreeMap;
use std::io;

/// No plan is longer, in bytes.
const PLAN: u64 = 64 << 20;
/// The longest log that is looked through for decisions, in bytes.
const LOG: u64 = 256 << 20;

/// Why there are no facts.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {error}")]
    Read {
        /// Its path.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// The tokens cannot be told.
    #[error(transparent)]
    Tokens(#[from] TokensError),
}

/// Gathers the facts of a folder. The plan is the caller's, or the one in `provenance/`: a file, or written into the graph.
///
/// # Errors
/// What cannot be read.
pub fn gather(
    files: &dyn Files,
    plan: Option<&Plan>,
    gates: Vec<Gate>,
) -> Result<CollectionFacts, FactsError> {
    let entries = files.list().map_err(|error| FactsError::Read { path: ".".to_owned(), error })?;
    let working = ["report/", "rejected/", "review/", "provenance/"];
    let is_own = |path: &str| is_picture(path) && !working.iter().any(|w| path.starts_with(w));
    let pictures = entries.iter().filter(|e| e.sort == seal::Sort::File && is_own(&e.path));
    let pictures: Vec<&str> = pictures.map(|e| e.path.as_str()).collect();
    let mut digests = BTreeMap::new();
    for (path, hashes) in pictures.iter().zip(seal::hash_all(files, &pictures)) {
        let hashes = hashes.map_err(|error| FactsError::Read { path: (*path).to_owned(), error })?;
        digests.insert((*path).to_owned(), hashes.sha256.to_string());
    }
    let tokens = seal::tokens(files, &entries, &digests)?;
    let found = if plan.is_none() { plan_of(files, &entries).or_else(|| sealed_graph(files)) } else { None };
    let plan = plan.or(found.as_ref());
    let (name, description) = words(files);
    let pictures: Vec<(u64, Digest)> = tokens
        .iter()
        .filter_map(|t| Some((t.token, digests.get(t.picture.as_ref()?)?.parse().ok()?)))
        .collect();
    let decided = decided(files);
    let mut facts =
        CollectionFacts::new(Sources { name, description, plan, tokens, digests, gates, decided });
    if !pictures.is_empty() {
        let all: Vec<Digest> = pictures.iter().map(|(_, digest)| *digest).collect();
        let leaves: Vec<Digest> =
            pictures.iter().map(|(token, digest)| token_leaf(*token, *digest)).collect();
        facts.provenance = Some(Provenance::of(&all).to_string());
        facts.merkle_root = MerkleTree::new(&leaves).ok().map(|tree| tree.root().to_string());
    }
    Ok(facts)
}

/// The plan among the copies in `provenance/`: the first file that is one.
fn plan_of(files: &dyn Files, entries: &[seal::Entry]) -> Option<Plan> {
    let candidate = |e: &&seal::Entry| {
        e.path.starts_with("provenance/")
            && e.path.ends_with(".ron")
            && e.path != seal::GRAPH
            && e.sort == seal::Sort::File
    };
    entries.iter().filter(candidate).take(20).find_map(|e| {
        let bytes = seal::read_text(files, &e.path, PLAN).ok()?;
        Plan::from_ron(std::str::from_utf8(&bytes).ok()?).ok()
    })
}

fn sealed_graph(files: &dyn Files) -> Option<Plan> {
    let bytes = seal::read_text(files, seal::GRAPH, PLAN).ok()?;
    plan_in_graph(std::str::from_utf8(&bytes).ok()?)
}

/// The plan that is written into a graph: the text of its `TraitPlan`, with the size and seed that `AssignTraits` sets.
/// A graph with several plans names none.
#[must_use]
pub fn plan_in_graph(graph: &str) -> Option<Plan> {
    let graph = Graph::parse(graph).ok()?;
    let mut texts =
        graph.nodes.values().filter(|n| n.ty == "TraitPlan").map(|n| n.with.get("text")?.as_text());
    let (Some(Some(text)), None) = (texts.next(), texts.next()) else { return None };
    let mut plan = Plan::from_ron(text).ok()?;
    let mut assigns = graph.nodes.values().filter(|n| n.ty == "AssignTraits");
    if let (Some(assign), None) = (assigns.next(), assigns.next()) {
        let number = |name: &str| match assign.with.get(name) {
            Some(Lit::Int(n)) => u64::try_from(*n).ok(),
            _ => None,
        };
        plan.size = number("size").filter(|n| *n > 0).unwrap_or(plan.size);
        plan.seed = number("seed").unwrap_or(plan.seed);
    }
    Some(plan)
}

/// Name and description from `collection.json`.
fn words(files: &dyn Files) -> (String, String) {
    let text = seal::read_text(files, "collection.json", 4 << 20).unwrap_or_default();
    let document: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let word =
        |name: &str| document.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    (word("name"), word("description"))
}

/// What people decided about tokens, from the audit log: the last word counts.
fn decided(files: &dyn Files) -> BTreeMap<u64, String> {
    let text = seal::read_text(files, seal::LOG, LOG).unwrap_or_default();
    let mut all = BTreeMap::new();
    for (record, _) in read_log(text.as_slice()).0 {
        let mut words = record.action.splitn(3, ' ');
        let (Some(word), Some("token"), Some(rest)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        if !crate::decisions::Word::ALL.iter().any(|w| w.name() == word) {
            continue;
        }
        let number = rest.split([':', ' ']).next().and_then(|n| n.parse::<u64>().ok());
        if let Some(token) = number {
            let note = rest.split_once(": ").map(|(_, note)| format!(": {note}")).unwrap_or_default();
            all.insert(token, format!("{word} by {}{note}", record.actor));
        }
    }
    all
}
