//! The content hashes of files, remembered.
//!
//! A model of several gigabytes is read once, not at every run: its hash is remembered with its path, size,
//! time of change and inode. A file that changed within the last two seconds is neither believed nor
//! remembered, because a second change in the same tick of the file system's clock would go unseen.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use kiln_types::Key;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, params};

use crate::db;
use crate::disk::Metadata;
use crate::error::StoreError;
use crate::millis::Millis;
use crate::schema;

const YOUNG_MS: u64 = 2000;
const THREADS: usize = 8;

/// What must be unchanged for a remembered hash to hold.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    size: u64,
    mtime_ns: i128,
    inode: u64,
}

impl Stamp {
    fn text(self) -> String {
        format!("{} {} {}", self.size, self.mtime_ns, self.inode)
    }

    /// Young, or stamped in the future: then nothing tells one change from the next.
    fn is_young(self, now: Millis) -> bool {
        let now_ns = i128::from(now.0) * 1_000_000;
        now_ns - self.mtime_ns < i128::from(YOUNG_MS) * 1_000_000
    }
}

enum Memory {
    Process(Mutex<HashMap<PathBuf, (Stamp, Key)>>),
    Database(PathBuf, Mutex<Connection>),
}

/// Hashes of files.
pub struct FileHashes {
    memory: Memory,
}

impl FileHashes {
    /// Hashes remembered in a database (made if need be), or, without one, for this process only.
    pub fn open(db_path: Option<&Path>) -> Result<Self, StoreError> {
        let memory = match db_path {
            None => Memory::Process(Mutex::default()),
            Some(path) => Memory::Database(path.to_owned(), Mutex::new(db::open(path, schema::FILES)?)),
        };
        Ok(Self { memory })
    }

    /// The hash of a file's bytes, read only if it is not known or may have changed.
    pub fn hash(&self, path: &Path, now: Millis) -> Result<Key, StoreError> {
        let path = path.canonicalize().map_err(|e| StoreError::io(path, "find the file", e))?;
        let stamp = stamp_of(&path, &std::fs::metadata(&path))?;
        let young = stamp.is_young(now);
        if !young && let Some(key) = self.recall(&path, stamp)? {
            return Ok(key);
        }
        let (key, stamp) = read_hash(&path)?;
        if !stamp.is_young(now) {
            self.remember(&path, stamp, key)?;
        }
        Ok(key)
    }

    /// The hash of a file's bytes as they are now, whatever is remembered.
    pub fn hash_fresh(&self, path: &Path) -> Result<Key, StoreError> {
        read_hash(path).map(|(key, _)| key)
    }

    /// The hashes of many files, in their order, several read at once.
    pub fn hash_many(&self, paths: &[PathBuf], now: Millis) -> Vec<Result<Key, StoreError>> {
        let next = AtomicUsize::new(0);
        let threads =
            std::thread::available_parallelism().map_or(1, usize::from).min(THREADS).min(paths.len());
        let work = || {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(path) = paths.get(at) else { return done };
                done.push((at, self.hash(path, now)));
            }
        };
        let mut all = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut all = work();
            for other in others {
                // A thread's panic is a bug in it; its files are then hashed once more below.
                all.extend(other.join().unwrap_or_default());
            }
            all
        });
        all.sort_by_key(|(at, _)| *at);
        let mut all = all.into_iter().peekable();
        let order = paths.iter().enumerate();
        order
            .map(|(at, path)| match all.next_if(|(n, _)| *n == at) {
                Some((_, result)) => result,
                None => self.hash(path, now),
            })
            .collect()
    }

    fn recall(&self, path: &Path, stamp: Stamp) -> Result<Option<Key>, StoreError> {
        match &self.memory {
            Memory::Process(map) => {
                Ok(map.lock().get(path).filter(|(known, _)| *known == stamp).map(|(_, key)| *key))
            }
            Memory::Database(db_path, connection) => {
                let fail = |e| StoreError::sql(db_path, "look up a file's hash", e);
                let connection = connection.lock();
                let mut find = connection
                    .prepare_cached("SELECT hash FROM file WHERE path = ?1 AND stamp = ?2")
                    .map_err(fail)?;
                let name = path.as_os_str().as_encoded_bytes();
                let hash: Option<[u8; 32]> =
                    find.query_row(params![name, stamp.text()], |row| row.get(0)).optional().map_err(fail)?;
                Ok(hash.map(Key))
            }
        }
    }

    fn remember(&self, path: &Path, stamp: Stamp, key: Key) -> Result<(), StoreError> {
        match &self.memory {
            Memory::Process(map) => {
                map.lock().insert(path.to_owned(), (stamp, key));
            }
            Memory::Database(db_path, connection) => {
                let connection = connection.lock();
                let sql = "INSERT INTO file (path, stamp, hash) VALUES (?1, ?2, ?3)
                    ON CONFLICT (path) DO UPDATE SET stamp = excluded.stamp, hash = excluded.hash";
                connection
                    .prepare_cached(sql)
                    .and_then(|mut put| {
                        put.execute(params![path.as_os_str().as_encoded_bytes(), stamp.text(), key.0])
                    })
                    .map_err(|e| StoreError::sql(db_path, "remember a file's hash", e))?;
            }
        }
        Ok(())
    }
}

fn stamp_of(path: &Path, meta: &std::io::Result<std::fs::Metadata>) -> Result<Stamp, StoreError> {
    match meta {
        Ok(meta) if !meta.is_file() => {
            Err(StoreError::InTheWay { path: path.to_owned(), what: "this is not a plain file" })
        }
        Ok(meta) => {
            let meta = Metadata::of(meta);
            Ok(Stamp { size: meta.len, mtime_ns: meta.mtime_ns, inode: meta.inode })
        }
        Err(e) => Err(StoreError::io(path, "look at the file", std::io::Error::from(e.kind()))),
    }
}

/// Reads the file once, and again if it changed meanwhile: half of one content and half of the next is the
/// hash of neither.
fn read_hash(path: &Path) -> Result<(Key, Stamp), StoreError> {
    for _ in 0..3 {
        // A pipe would block at `open` for as long as nobody writes to it.
        stamp_of(path, &std::fs::metadata(path))?;
        let fail = |e| StoreError::io(path, "read the file", e);
        let mut file = File::open(path).map_err(fail)?;
        let before = stamp_of(path, &file.metadata())?;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; 1 << 18];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    hasher.update(&buffer[..n]);
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(fail(e)),
            }
        }
        let after = stamp_of(path, &file.metadata())?;
        if before == after && hasher.count() == after.size {
            return Ok((Key(*hasher.finalize().as_bytes()), after));
        }
    }
    Err(StoreError::Changing { path: path.to_owned() })
}
