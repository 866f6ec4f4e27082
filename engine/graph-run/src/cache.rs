//! `cache`: how much is kept between runs, and getting rid of it.

use crate::args::{CacheAction, CacheArgs};
use crate::fail::Fail;
use crate::{caches, say, size};
use kiln_core::doors::{Clock, SystemClock};
use kiln_core::store::{Collected, DiskCache, RealDisk};
use kiln_core::words;
use serde_json::json;
use std::sync::Arc;

/// Looks at the cache, or empties it.
///
/// # Errors
/// When there is no place for one, or it cannot be read.
pub fn run(args: &CacheArgs) -> Result<u8, Fail> {
    let Some(folder) = caches::folder(args.cache.as_deref()) else {
        return Err(Fail::wrong(
            "this system names no place for a cache",
            Some("name one with --cache or $KILN_CACHE"),
        ));
    };
    let budget = match &args.action {
        CacheAction::Gc { budget } => {
            size::parse(budget).map_err(|e| Fail::wrong(format!("--budget: {e}"), None))?
        }
        _ => 0,
    };
    // Looking makes no folder.
    let cache = folder.is_dir().then(|| DiskCache::open(&folder, Arc::new(RealDisk))).transpose()?;
    if matches!(args.action, CacheAction::Stats) {
        let stats = cache.as_ref().map(DiskCache::stats).transpose()?.unwrap_or_default();
        if args.json {
            say::json(&json!({ "folder": folder, "values": stats.entries, "bytes": stats.bytes }));
        } else {
            say::out(&format!(
                "{}: {} values, {}",
                folder.display(),
                stats.entries,
                words::bytes(stats.bytes)
            ));
        }
        return Ok(0);
    }
    let done = match (&cache, &args.action) {
        (None, _) => Collected::default(),
        (Some(cache), CacheAction::Clear) => cache.clear()?,
        (Some(cache), _) => cache.gc(budget, SystemClock.now())?,
    };
    if args.json {
        say::json(&json!({
            "folder": folder, "removed": done.removed, "freed": done.freed, "unfinished": done.stale,
            "values": done.kept.entries, "bytes": done.kept.bytes,
        }));
    } else {
        say::out(&format!(
            "{}: {} values removed, {} freed; {} values stay, {}",
            folder.display(),
            done.removed,
            words::bytes(done.freed),
            done.kept.entries,
            words::bytes(done.kept.bytes)
        ));
    }
    Ok(0)
}
