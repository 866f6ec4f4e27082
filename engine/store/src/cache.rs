//! Values on disk, a file per key.
//!
//! The folder may be shared by any number of processes: a file appears whole by a rename, and whatever is
//! not whole (torn, foreign, damaged) is a miss and is removed. Nothing is synced: a value lost to a power
//! cut is made again. Only files with the names given here, in plain folders, are ever removed; links are
//! not followed below the cache's folder, which may be a link itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_types::Key;

use crate::blobs::Blobs;
use crate::disk::{Disk, Durability, Kind, Listed, remove_stale};
use crate::entry;
use crate::error::StoreError;
use crate::millis::Millis;

const HOUR: u64 = 3_600_000;
/// Tells backup programs that this folder can be made again.
const TAG: &str = "CACHEDIR.TAG";
const TAG_TEXT: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55\n# Values of Kiln graphs. All of it can be made again, so all of it may be removed.\n";

/// A value as it is kept: bytes, and what they mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The name of the value's type.
    pub type_name: String,
    /// Which version of the type's encoding the bytes have.
    pub encoding: u32,
    /// The encoded value.
    pub bytes: Vec<u8>,
}

/// What the cache holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Values.
    pub entries: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// What a collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Values removed.
    pub removed: u64,
    /// Bytes freed.
    pub freed: u64,
    /// Unfinished files of dead processes removed.
    pub stale: u64,
    /// What stays.
    pub kept: CacheStats,
}

/// A cache of values in a folder.
#[derive(Clone)]
pub struct DiskCache {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
}

impl DiskCache {
    /// Opens a cache; the folder is made if need be.
    pub fn open(dir: impl Into<PathBuf>, disk: Arc<dyn Disk>) -> Result<Self, StoreError> {
        let dir = dir.into();
        disk.create_dirs(&dir, Durability::Fast)?;
        let tag = dir.join(TAG);
        if !disk.exists(&tag) {
            // A courtesy to others; the cache works without it.
            let _ = disk.write_atomic(&tag, TAG_TEXT, Durability::Fast);
        }
        Ok(Self { dir, disk })
    }

    /// The cache's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where a key's value lies.
    #[must_use]
    pub fn path(&self, key: &Key) -> PathBuf {
        let digits = key.to_string();
        let (shelf, name) = digits.split_at(2);
        self.dir.join(shelf).join(format!("{name}.kv"))
    }

    /// A key's file, if a plain file stands in a plain folder there.
    fn plain(&self, path: &Path) -> Result<Option<crate::disk::Metadata>, StoreError> {
        let Some(shelf) = path.parent() else { return Ok(None) };
        match self.disk.metadata(shelf)? {
            Some(meta) if meta.kind == Kind::Folder => {}
            _ => return Ok(None),
        }
        Ok(self.disk.metadata(path)?.filter(|meta| meta.kind == Kind::File))
    }

    /// Whether a value of this name seems to be here; only [`DiskCache::get`] says whether it is whole.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        matches!(self.plain(&self.path(key)), Ok(Some(meta)) if meta.len >= entry::HEADER as u64)
    }

    /// The value of this name, if it is here whole. A file that is anything else is removed.
    pub fn get(&self, key: &Key) -> Result<Option<Stored>, StoreError> {
        let path = self.path(key);
        let Some(meta) = self.plain(&path)? else { return Ok(None) };
        let found = match self.disk.read(&path, entry::MAX_FILE) {
            Ok(file) => entry::decode(key, file),
            // Collected by another process in between.
            Err(StoreError::Missing { .. }) => return Ok(None),
            Err(StoreError::TooLarge { .. }) => None,
            Err(e) => return Err(e),
        };
        if found.is_none() {
            // Should another process have just put the value here, it is made once more: no harm.
            self.disk.remove(&path)?;
            return Ok(None);
        }
        let now = self.disk.stamp_now();
        if now.since(meta.mtime()) > HOUR {
            self.disk.touch(&path, now);
        }
        Ok(found)
    }

    /// Keeps a value.
    pub fn put(&self, key: &Key, type_name: &str, encoding: u32, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.path(key);
        let file = entry::encode(key, type_name, encoding, bytes).ok_or_else(|| StoreError::TooLarge {
            path: path.clone(),
            bytes: bytes.len() as u64,
            limit: entry::MAX_VALUE,
        })?;
        let shelf = path.parent().unwrap_or(&self.dir);
        match self.disk.metadata(shelf)? {
            None => self.disk.create_dirs(shelf, Durability::Fast)?,
            Some(meta) if meta.kind == Kind::Folder => {}
            Some(_) => {
                return Err(StoreError::InTheWay {
                    path: shelf.to_owned(),
                    what: "a link or a file stands where the cache keeps a folder",
                });
            }
        }
        self.disk.write_atomic(&path, &file, Durability::Fast)
    }

    /// How many values there are, and how large.
    pub fn stats(&self) -> Result<CacheStats, StoreError> {
        Ok(sum(&self.values()?))
    }

    /// Removes every value.
    pub fn clear(&self) -> Result<Collected, StoreError> {
        self.collect(0, self.disk.stamp_now())
    }

    /// Removes the values longest unused until the rest fits the budget, and files that were never finished.
    pub fn gc(&self, budget_bytes: u64, now: Millis) -> Result<Collected, StoreError> {
        self.collect(budget_bytes, now)
    }

    fn collect(&self, budget: u64, now: Millis) -> Result<Collected, StoreError> {
        let mut done = Collected::default();
        for folder in std::iter::once(self.dir.clone()).chain(self.shelves()?) {
            done.stale += remove_stale(&*self.disk, &folder, now)?;
        }
        let mut values = self.values()?;
        done.kept = sum(&values);
        values.sort_by(|a, b| (a.meta.mtime_ns, &a.path).cmp(&(b.meta.mtime_ns, &b.path)));
        for value in values {
            if done.kept.bytes <= budget {
                break;
            }
            // Another process may have collected it: it is gone either way, but only one counts it.
            if self.disk.remove(&value.path)? {
                done.removed += 1;
                done.freed += value.meta.len;
            }
            done.kept.entries -= 1;
            done.kept.bytes -= value.meta.len;
        }
        Ok(done)
    }

    /// The plain folders this cache made.
    fn shelves(&self) -> Result<Vec<PathBuf>, StoreError> {
        let mut dirs = self.disk.list(&self.dir)?;
        dirs.retain(|d| d.meta.kind == Kind::Folder && d.name.len() == 2 && is_hex(&d.name));
        Ok(dirs.into_iter().map(|d| d.path).collect())
    }

    fn values(&self) -> Result<Vec<Listed>, StoreError> {
        let mut out = Vec::new();
        for shelf in self.shelves()? {
            let mut files = self.disk.list(&shelf)?;
            files.retain(|f| {
                let stem = f.name.strip_suffix(".kv");
                f.meta.kind == Kind::File && stem.is_some_and(|s| s.len() == 62 && is_hex(s))
            });
            out.append(&mut files);
        }
        Ok(out)
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn sum(values: &[Listed]) -> CacheStats {
    CacheStats { entries: values.len() as u64, bytes: values.iter().map(|v| v.meta.len).sum() }
}

impl Blobs for DiskCache {
    fn get(&self, key: &Key) -> Result<Option<Stored>, StoreError> {
        Self::get(self, key)
    }

    fn put(&self, key: &Key, type_name: &str, encoding: u32, bytes: &[u8]) -> Result<(), StoreError> {
        Self::put(self, key, type_name, encoding, bytes)
    }

    fn contains(&self, key: &Key) -> bool {
        Self::contains(self, key)
    }
}
