//! A token's picture made again: the graph found, the item named, everything in a folder of its own.

use super::seal::last_run;
use crate::args::{Access, RunArgs};
use crate::device::Device;
use crate::fail::Fail;
use crate::picture::{self, Note};
use crate::record::run_id;
use crate::source::{self, Source};
use crate::start::Ready;
use crate::{make, sets, start};
use kiln_collection::metadata::{ModelUse, Remake};
use kiln_collection::provenance::Digest;
use kiln_collection::seal::{self, Found};
use kiln_core::document::{Graph, Lit, Mode};
use kiln_core::doors::{Clock, SystemClock};
use kiln_core::store::Folder;
use kiln_core::types::{Image, Value};
use kiln_core::{Kind, Purity, Scope};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// No picture's file is longer, in bytes.
pub const PICTURE: u64 = 1 << 30;
/// No more files are looked at when a model is searched by its hash.
const SEARCHED: usize = 20_000;

/// A folder that is gone afterwards.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes one.
    ///
    /// # Errors
    /// The system has no place for it.
    pub fn new() -> Result<Self, Fail> {
        let path = std::env::temp_dir().join(format!("kiln-{}", run_id(SystemClock.now())));
        std::fs::create_dir_all(&path)
            .map_err(|e| Fail::Failed(format!("error: {} cannot be made: {e}", path.display())))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed lies in the system's place for such things.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Where a collection lies, and what its graphs may do.
pub struct Shop<'a> {
    /// The output folder.
    pub out: &'a Path,
    /// The graph, where somebody names it.
    pub graph: Option<&'a Path>,
    /// What it may read and reach.
    pub access: &'a Access,
    /// Where its models run.
    pub device: &'a Device,
}

/// How an item's seeds are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// As the graph draws them.
    AsWritten,
    /// As at this attempt, from 0, where gates draw again; the gates themselves let everything pass.
    Accepted(u32),
    /// All seeds that differ from item to item, as at this attempt.
    Next(u32),
}

/// A picture that was made.
pub struct Made {
    /// The folder it is in.
    pub scratch: Scratch,
    /// Its path below that folder.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Parameters that were set for it, as a graph writes them.
    pub set: BTreeMap<String, String>,
}

/// The hash of a picture's pixels.
///
/// # Errors
/// It cannot be decoded.
pub fn pixels(bytes: &[u8]) -> Result<(Digest, Image), String> {
    let decoded = kiln_codec::decode(bytes, &kiln_codec::Limits::default()).map_err(|e| e.to_string())?;
    let image = decoded.image;
    let digest = seal::pixels(image.width(), image.height(), image.channels(), image.frame(0));
    Ok((digest, image))
}

/// The graph of a collection, without its note.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn graph_of(shop: &Shop<'_>, found: &Found) -> Result<(Source, Option<Note>), Fail> {
    let mut source = match shop.graph {
        Some(path) => source::read(path)?,
        None => recorded(shop, found)?,
    };
    let note = picture::take(&mut source.graph);
    Ok((source, note))
}

fn recorded(shop: &Shop<'_>, found: &Found) -> Result<Source, Fail> {
    let copy = shop.out.join(seal::GRAPH);
    let mut source = if copy.is_file() {
        source::read(&copy)?
    } else if let Some(picture) = found.picture.as_ref().map(|p| shop.out.join(p)).filter(|p| p.is_file()) {
        source::read(&picture)?
    } else {
        return Err(Fail::wrong(
            format!(
                "no graph of token {} is known: neither {} nor its picture is there",
                found.token,
                seal::GRAPH
            ),
            Some("name it with --graph"),
        ));
    };
    // Its paths start where the graph was; where that is gone, beside the copy.
    if let Ok(folder) = Folder::open_read_only(shop.out)
        && let Some(base) = base_of(shop.out, folder)
    {
        source.base = base;
    }
    Ok(source)
}

fn base_of(out: &Path, folder: Folder) -> Option<PathBuf> {
    let out = kiln_core::doors::OutFolder::new(out, folder, std::sync::Arc::new(kiln_core::store::RealDisk));
    let (_, started) = last_run(&out)?;
    started.base.is_dir().then_some(started.base)
}

/// Makes a token's picture in a folder of its own.
///
/// # Errors
/// When it cannot be made.
pub fn make(shop: &Shop<'_>, found: &Found, remake: &Remake, seeds: Seeds) -> Result<Made, Fail> {
    let (mut source, note) = graph_of(shop, found)?;
    let note = match (remake.item, note) {
        (Some(item), _) => {
            Some(Note::Item(item, remake.row.iter().map(|(k, v)| (k.clone(), v.clone())).collect()))
        }
        (None, Some(Note::Item(item, row))) => Some(Note::Item(item, row)),
        // A document that does not tell: tokens have the numbers of their items, as a rule.
        (None, Some(_)) => Some(Note::Item(found.token, Vec::new())),
        (None, None) => None,
    };
    let scratch = Scratch::new()?;
    let mut access = shop.access.clone();
    if let Some(links) = models(shop, &source, found, &scratch)? {
        access.models.insert(0, links);
    }
    let mut args = RunArgs {
        graph: Some(PathBuf::from(&source.name)),
        out: scratch.path().join("made"),
        no_cache: true,
        no_sheets: true,
        quiet: true,
        access,
        device: shop.device.clone(),
        ..RunArgs::default()
    };
    if let Some(note) = &note {
        picture::put(&mut source.graph, note);
    }
    // Only the picture is made: what collects over all items (ranks in documents) has no part in it.
    let saves = source.graph.nodes.iter().filter(|(_, node)| node.ty == "SaveImage");
    args.want = saves.map(|(name, _)| name.clone()).collect();
    let first = start::prepare_source(&args, again(&source))?;
    args.want = savers(&first);
    if args.want.is_empty() {
        return Err(Fail::wrong(
            format!("{}: no node of it saves a picture for each item", source.name),
            Some("remake is for graphs with SaveImage"),
        ));
    }
    let item = match &note {
        Some(Note::Item(item, _)) => Some(*item),
        _ => None,
    };
    let mut set: BTreeMap<String, String> =
        remake.set.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    match seeds {
        Seeds::AsWritten => {}
        Seeds::Next(attempt) => {
            let drawn = drawn(&first, &source.graph, item, attempt, None);
            if drawn.is_empty() {
                return Err(Fail::wrong(
                    format!(
                        "token {}: no seed of its graph differs from item to item, so there is nothing to draw again",
                        found.token
                    ),
                    Some("replace the picture, or change the graph"),
                ));
            }
            set.extend(drawn);
        }
        Seeds::Accepted(attempt) => {
            let again = retried(&source.graph);
            for (name, value) in drawn(&first, &source.graph, item, attempt, Some(&again)) {
                set.entry(name).or_insert(value);
            }
            let registry = first.engine.registry();
            for node in source.graph.nodes.values_mut() {
                let gate =
                    |t: &kiln_core::Node| matches!(t.schema().purity, Purity::Gate | Purity::OrderedGate);
                if registry.get(&node.ty).is_some_and(|t| gate(t)) {
                    node.mode = Mode::Bypassed;
                }
            }
        }
    }
    for (name, value) in &set {
        put(&mut source.graph, &first, name, value)?;
    }
    let ready = start::prepare_source(&args, source)?;
    let code = make::make(&args, &ready)?;
    if code != 0 {
        let what =
            if code == crate::fail::WAITS { "waits for a person's decision" } else { "could not be made" };
        return Err(Fail::Failed(format!("error: token {}: its picture {what}", found.token)));
    }
    let (path, bytes) = picked(&args.out, found, remake)?;
    Ok(Made { scratch, path, bytes, set })
}

/// The same source once more.
fn again(source: &Source) -> Source {
    Source {
        graph: source.graph.clone(),
        name: source.name.clone(),
        base: source.base.clone(),
        picture: source.picture,
        text: source.text.clone(),
        foreign: None,
    }
}

/// The nodes that save a picture for each item, or for the run where there are no items.
fn savers(ready: &Ready) -> Vec<String> {
    let all: Vec<_> = ready.plan.planned().filter(|p| p.ty == "SaveImage").collect();
    let own: Vec<String> = all.iter().filter(|p| p.scope == Scope::Item).map(|p| p.id.clone()).collect();
    if own.is_empty() && ready.batch.is_none() { all.into_iter().map(|p| p.id).collect() } else { own }
}

/// Seeds that gates draw again: `node.seed`.
fn retried(graph: &Graph) -> Vec<String> {
    graph.nodes.values().filter_map(|n| n.with.get("retry")?.as_text().map(str::to_owned)).collect()
}

/// What the seeds of an item come to at an attempt, for nodes that run for each item and whose seed is not fixed.
fn drawn(
    ready: &Ready,
    graph: &Graph,
    item: Option<u64>,
    attempt: u32,
    only: Option<&[String]>,
) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for planned in ready.plan.planned().filter(|p| p.scope == Scope::Item || item.is_none()) {
        let Some(node) = graph.nodes.get(&planned.id) else { continue };
        let Some(ty) = ready.engine.registry().get(&node.ty) else { continue };
        for param in ty.schema().params.iter().filter(|p| p.kind == Kind::Seed) {
            let name = format!("{}.{}", planned.id, param.name);
            if node.from.contains_key(param.name) || only.is_some_and(|only| !only.contains(&name)) {
                continue;
            }
            let written = std::iter::once(&param.name).chain(param.was).find_map(|n| node.with.get(*n));
            let seed = match (written, &param.default) {
                (Some(Lit::Int(seed)), _) => u64::try_from(*seed).ok(),
                (Some(_), _) => None,
                (None, Some(Value::Seed(seed))) => Some(*seed),
                (None, Some(Value::Int(seed))) => u64::try_from(*seed).ok(),
                (None, _) => None,
            };
            if let Some(seed) = seed {
                all.insert(name, format!("Fixed({})", kiln_core::derive_seed(seed, item, attempt)));
            }
        }
    }
    all
}

/// Puts a parameter into a graph, as a graph writes it.
fn put(graph: &mut Graph, ready: &Ready, name: &str, value: &str) -> Result<(), Fail> {
    let wrong = |what: String| Fail::wrong(format!("{name} cannot be set to {value}: {what}"), None);
    let value = Lit::parse(value).map_err(|e| wrong(e.to_string()))?;
    for target in sets::targets(graph, name).map_err(|(what, _)| wrong(what))? {
        let place = sets::locate(graph, ready.engine.registry(), &target).map_err(|(what, _)| wrong(what))?;
        sets::put(graph, &target.node, &place, value.clone());
    }
    Ok(())
}

/// The picture that was made: the one at the token's path, or the only one.
fn picked(out: &Path, found: &Found, remake: &Remake) -> Result<(String, Vec<u8>), Fail> {
    let files = kiln_report::disk::DiskFiles::new(out);
    let entries =
        seal::Files::list(&files).map_err(|e| Fail::Failed(format!("error: {}: {e}", out.display())))?;
    let all: Vec<String> = entries.into_iter().map(|e| e.path).filter(|p| seal::is_picture(p)).collect();
    let wanted = remake.picture.as_ref().or(found.picture.as_ref());
    let path = match (wanted.filter(|w| all.contains(w)), all.as_slice()) {
        (Some(path), _) => path.clone(),
        (None, [only]) => only.clone(),
        (None, all) => {
            return Err(Fail::Failed(format!(
                "error: token {}: {} pictures were made, and none of them is called {}",
                found.token,
                all.len(),
                wanted.map_or("like its own", String::as_str)
            )));
        }
    };
    let bytes = super::folder::read(&out.join(&path), PICTURE)?;
    Ok((path, bytes))
}

/// Models that are found by their hash alone, under the names the graph knows them by; or an error that names those
/// that are missing.
fn models(
    shop: &Shop<'_>,
    source: &Source,
    found: &Found,
    scratch: &Scratch,
) -> Result<Option<PathBuf>, Fail> {
    let Some(generation) = &found.glance.generation else { return Ok(None) };
    let loras = generation.loras.iter().map(|l| ModelUse { name: l.name.clone(), hash: l.hash.clone() });
    let wanted: Vec<ModelUse> = generation.models.iter().cloned().chain(loras).collect();
    let hashed: Vec<(&ModelUse, &String)> =
        wanted.iter().filter_map(|m| Some((m, m.hash.as_ref()?))).collect();
    if hashed.is_empty() {
        return Ok(None);
    }
    let roots = crate::access::sandbox(&source.base, shop.access)?.models;
    let mut known: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut hash = |path: &Path| -> Option<String> {
        if let Some(hash) = known.get(path) {
            return Some(hash.clone());
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(std::fs::File::open(path).ok()?).ok()?;
        let text = hasher.finalize().to_hex().to_string();
        known.insert(path.to_owned(), text.clone());
        Some(text)
    };
    let links = scratch.path().join("models");
    let (mut linked, mut missing) = (false, Vec::new());
    for (model, wanted) in hashed {
        let by_name =
            kiln_core::models::kinds().find_map(|kind| kiln_core::models::find(&roots, kind, &model.name));
        // A folder of a model's parts has no hash of its own here: its name has to do.
        if by_name.as_ref().is_some_and(|p| p.is_dir() || hash(p).as_ref() == Some(wanted)) {
            continue;
        }
        let all = kiln_core::models::kinds().flat_map(|kind| {
            kiln_core::models::list(&roots, kind)
                .into_iter()
                .filter_map(|name| Some((kind, kiln_core::models::find(&roots, kind, &name)?)))
                .collect::<Vec<_>>()
        });
        match all.take(SEARCHED).find(|(_, path)| path.is_file() && hash(path).as_ref() == Some(wanted)) {
            Some((kind, path)) => {
                link(&path, &links.join(kind).join(&model.name))
                    .map_err(|e| Fail::Failed(format!("error: {} cannot be linked: {e}", path.display())))?;
                linked = true;
            }
            None => {
                let why = match by_name {
                    Some(path) => format!("{} has other bytes", path.display()),
                    None => "there is no file of that name or hash in the model folders".to_owned(),
                };
                missing.push(format!(
                    "{} (blake3 {}…): {why}",
                    model.name,
                    wanted.get(..12).unwrap_or(wanted)
                ));
            }
        }
    }
    if missing.is_empty() {
        return Ok(linked.then_some(links));
    }
    Err(Fail::wrong(
        format!("token {} was made with what is missing here:\n    {}", found.token, missing.join("\n    ")),
        Some("name a folder that has it with --models"),
    ))
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to.parent().unwrap_or(to))?;
    std::os::unix::fs::symlink(std::fs::canonicalize(from)?, to)
}

#[cfg(not(unix))]
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to.parent().unwrap_or(to))?;
    std::fs::hard_link(from, to).or_else(|_| std::fs::copy(from, to).map(|_| ()))
}
