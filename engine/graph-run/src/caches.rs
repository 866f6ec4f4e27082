//! Where values and file hashes are kept between runs.

use crate::fail::Fail;
use crate::{say, size};
use kiln_core::document::Graph;
use kiln_core::store::{DiskCache, FileHashes, RealDisk};
use kiln_core::{Engine, Kind, Registry};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The cache's folder, if the system has a place for one.
pub fn folder(named: Option<&Path>) -> Option<PathBuf> {
    let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(named) = named {
        return Some(named.to_owned());
    }
    if let Some(named) = var("KILN_CACHE") {
        return Some(named);
    }
    if let Some(xdg) = var("XDG_CACHE_HOME").filter(|p| p.is_absolute()) {
        return Some(xdg.join("kiln"));
    }
    if cfg!(windows) {
        return var("LOCALAPPDATA").map(|p| p.join("kiln").join("cache"));
    }
    let home = var("HOME")?;
    Some(if cfg!(target_os = "macos") { home.join("Library/Caches/kiln") } else { home.join(".cache/kiln") })
}

/// How an engine is to keep things.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keep<'a> {
    /// The folder the command line names.
    pub cache: Option<&'a Path>,
    /// Nothing is kept on disk.
    pub none: bool,
    /// Bytes for values in memory.
    pub memory: Option<u64>,
    /// Values are kept on disk, not only the hashes of files.
    pub values: bool,
}

/// Bytes of a `--memory`.
///
/// # Errors
/// When it is no size.
pub fn memory(text: Option<&str>) -> Result<Option<u64>, Fail> {
    let parsed = text.map(size::parse).transpose();
    parsed.map_err(|e| Fail::wrong(format!("--memory: {e}"), None))
}

/// An engine with all nodes and these caches. What cannot be opened is told and done without: a cache only
/// saves time.
///
/// # Errors
/// When the engine cannot be made at all.
pub fn engine(registry: Registry, graph: &Graph, keep: Keep<'_>) -> Result<Engine, Fail> {
    let reads = reads_files(graph, &registry);
    let mut engine = Engine::new(registry)?;
    if let Some(bytes) = keep.memory {
        // A part for values that may be wanted again; the rest is for what is under way.
        engine = engine.with_memory(usize::try_from(bytes / 4).unwrap_or(usize::MAX));
    }
    if keep.none {
        return Ok(engine);
    }
    let Some(folder) = folder(keep.cache) else {
        say::warn(
            "this system names no place for a cache, so nothing is kept between runs (name one with --cache)",
        );
        return Ok(engine);
    };
    if keep.values {
        match DiskCache::open(&folder, Arc::new(RealDisk)) {
            Ok(disk) => engine = engine.with_disk(Arc::new(disk)),
            Err(e) => {
                say::warn(&format!("values are not kept between runs: {e}"));
                return Ok(engine);
            }
        }
    }
    if reads && (keep.values || folder.is_dir()) {
        match FileHashes::open(Some(&folder.join("files.db"))) {
            Ok(files) => engine = engine.with_files(Arc::new(files)),
            Err(e) => say::warn(&format!("the hashes of files are not kept between runs: {e}")),
        }
    }
    Ok(engine)
}

/// Whether any node of the graph may read a file: only then is the memory of file hashes worth opening.
fn reads_files(graph: &Graph, registry: &Registry) -> bool {
    let names_file = |kind: &Kind| match kind {
        Kind::File | Kind::Files | Kind::Model(_) | Kind::Prompt => true,
        Kind::List(of) => **of == Kind::File,
        _ => false,
    };
    let reads =
        |ty: &str| registry.get(ty).is_some_and(|n| n.schema().params.iter().any(|p| names_file(&p.kind)));
    graph.nodes.values().any(|n| reads(&n.ty)) || graph.graphs.values().any(|g| reads_files(g, registry))
}
