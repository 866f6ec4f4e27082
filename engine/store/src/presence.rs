//! Who is alive.
//!
//! A process that works in a folder holds a lock on a file of its own there. The system drops the lock when
//! the process ends, however it ends, so what a killed process had begun is free again at once, without
//! waiting for a lease to run out. Where there is no such file (another machine's worker), its registration
//! in the database and the leases' times decide.

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::Metadata;
use crate::error::StoreError;
use crate::millis::Millis;

const DAY: u64 = 24 * 3_600_000;

/// A living process in a folder: alive until dropped, or until the process ends.
#[derive(Debug)]
pub struct Presence {
    id: String,
    /// Closing it drops the lock. None where the file system knows no locks: then the worker's registration
    /// and its leases' times decide, as for a worker of another machine.
    _lock: Option<File>,
}

impl Presence {
    /// The id under which this process works: the `worker` of the queue, the `owner` of the journal. A name
    /// that begins with it and a slash lives and dies with it, so each thread may have its own.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn enter(workers: &Path, now: Millis) -> Result<Self, StoreError> {
        let fail = |e| StoreError::io(workers, "register this process", e);
        fs::create_dir_all(workers).map_err(fail)?;
        let chance = RandomState::new().hash_one((now.0, std::process::id()));
        let id = format!("w{chance:016x}");
        let path = workers.join(&id);
        // Locked under another name first: seen unlocked for a moment, it would count as dead.
        let hidden = workers.join(format!(".{id}"));
        let lock = File::create_new(&hidden).map_err(fail)?;
        let done = lock.lock().and_then(|()| fs::rename(&hidden, &path));
        if let Err(e) = done {
            let _ = fs::remove_file(&hidden);
            if e.kind() != io::ErrorKind::Unsupported {
                return Err(fail(e));
            }
            return Ok(Self { id, _lock: None });
        }
        Ok(Self { id, _lock: Some(lock) })
    }
}

/// Whether the worker is alive, as far as its file tells.
pub(crate) fn holds_lock(workers: &Path, worker: &str) -> Option<bool> {
    let id = worker.split('/').next().unwrap_or_default();
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    // A shared lock is refused while the owner holds its own, and two who ask do not hinder each other.
    match File::open(workers.join(id)).ok()?.try_lock_shared() {
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}

/// Removes the files of processes that ended more than a day ago.
pub(crate) fn sweep(workers: &Path, now: Millis) {
    let Ok(entries) = fs::read_dir(workers) else { return };
    let paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    for path in paths {
        let Ok(meta) = fs::symlink_metadata(&path).map(|m| Metadata::of(&m)) else { continue };
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let ours = name.trim_start_matches('.').strip_prefix('w').is_some_and(|hex| hex.len() == 16);
        let old = now.since(meta.mtime()) > DAY;
        if ours && old && (name.starts_with('.') || holds_lock(workers, name) == Some(false)) {
            let _ = fs::remove_file(path);
        }
    }
}
