//! An output folder and its database.
//!
//! `.kiln/kiln.db` lies inside the folder, so that what was done to the folder travels with it. The folder has
//! an id, drawn once: an effect is named by the id, not by the path, and stays the same effect when the folder
//! is moved.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::db;
use crate::disk::{RealDisk, remove_stale};
use crate::error::StoreError;
use crate::journal::Journal;
use crate::millis::Millis;
use crate::ordered::OrderedLog;
use crate::presence::{self, Presence};
use crate::reviews::Reviews;
use crate::runs::Runs;
use crate::schema;
use crate::shelf::Shelf;
use crate::sqlite_queue::SqliteQueue;
use crate::verdicts::Verdicts;

const DAY_MS: i64 = 24 * 3_600_000;

/// An output folder. A clone is the same folder; all may be used from any thread.
#[derive(Clone)]
pub struct Folder {
    inner: Arc<Inner>,
}

/// What the parts of a folder share.
pub(crate) struct Inner {
    dir: PathBuf,
    db: PathBuf,
    workers: PathBuf,
    id: String,
    connection: Mutex<Connection>,
}

impl Folder {
    /// Opens a folder for writing; makes it and its database if need be.
    pub fn open(dir: impl AsRef<Path>, now: Millis) -> Result<Self, StoreError> {
        let dir = dir.as_ref();
        let kiln = dir.join(".kiln");
        let workers = kiln.join("workers");
        let db = kiln.join("kiln.db");
        let mut connection = db::open(&db, schema::FOLDER)?;
        let fail = |e| StoreError::sql(&db, "read the folder's id", e);
        let tx = db::immediate(&mut connection).map_err(fail)?;
        let id = match stored_id(&tx).map_err(fail)? {
            Some(id) => id,
            None => {
                let id = new_id(now, dir);
                tx.execute("INSERT INTO meta (name, value) VALUES ('folder', ?1)", [&id]).map_err(fail)?;
                id
            }
        };
        // Registrations long past; those with a presence are judged by that.
        tx.execute("DELETE FROM worker WHERE until < ?1", [now.sql().saturating_sub(DAY_MS)])
            .map_err(fail)?;
        tx.commit().map_err(fail)?;
        presence::sweep(&workers, now);
        // What a killed process was just writing. A hint at most: that it cannot be removed stops nobody.
        let _ = remove_stale(&RealDisk, dir, now);
        let dir = dir.to_owned();
        Ok(Self { inner: Arc::new(Inner { dir, db, workers, id, connection: Mutex::new(connection) }) })
    }

    /// Opens a folder to look at it. Nothing is written, and a write through it is an error.
    pub fn open_read_only(dir: impl AsRef<Path>) -> Result<Self, StoreError> {
        let dir = dir.as_ref().to_owned();
        let db = dir.join(".kiln").join("kiln.db");
        let connection = db::open_read_only(&db, schema::FOLDER)?;
        let id = stored_id(&connection)
            .map_err(|e| StoreError::sql(&db, "read the folder's id", e))?
            .unwrap_or_default();
        let workers = dir.join(".kiln").join("workers");
        Ok(Self { inner: Arc::new(Inner { dir, db, workers, id, connection: Mutex::new(connection) }) })
    }

    /// The folder itself.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// The database file.
    #[must_use]
    pub fn db_path(&self) -> &Path {
        &self.inner.db
    }

    /// The folder's id, 32 hexadecimal digits: the same wherever the folder is moved.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// Registers this process as alive; see [`Presence`]. Keep it for as long as the process works here.
    pub fn presence(&self, now: Millis) -> Result<Presence, StoreError> {
        Presence::enter(&self.inner.workers, now)
    }

    /// Whether a worker is alive: by its [`Presence`] if it has one, else by its registration with the queue.
    pub fn is_alive(&self, worker: &str, now: Millis) -> Result<bool, StoreError> {
        self.inner.read("look for a worker", |c| self.inner.alive(c, worker, now))
    }

    /// The journal of effects.
    #[must_use]
    pub fn journal(&self) -> Journal {
        Journal::new(Arc::clone(&self.inner))
    }

    /// The job queue.
    #[must_use]
    pub fn queue(&self) -> SqliteQueue {
        SqliteQueue::new(Arc::clone(&self.inner))
    }

    /// The log of ordered gates.
    #[must_use]
    pub fn ordered(&self) -> OrderedLog {
        OrderedLog::new(Arc::clone(&self.inner))
    }

    /// What people are asked, and what they answered.
    #[must_use]
    pub fn reviews(&self) -> Reviews {
        Reviews::new(Arc::clone(&self.inner))
    }

    /// What gates said of each item.
    #[must_use]
    pub fn verdicts(&self) -> Verdicts {
        Verdicts::new(Arc::clone(&self.inner))
    }

    /// A shelf of small pictures: `rejected`, or `review`.
    #[must_use]
    pub fn shelf(&self, name: &str) -> Shelf {
        Shelf::new(self.inner.dir.join(".kiln").join("shelf").join(name))
    }

    /// The run records.
    #[must_use]
    pub fn runs(&self) -> Runs {
        Runs::new(Arc::clone(&self.inner))
    }
}

fn stored_id(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT value FROM meta WHERE name = 'folder'", [], |row| row.get(0)).optional()
}

/// Chance from the system (the seed of the standard library's hash tables), mixed with what differs between
/// two folders anyway.
fn new_id(now: Millis, dir: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    for _ in 0..4 {
        hasher.update(&RandomState::new().hash_one(now.0).to_le_bytes());
    }
    hasher.update(&now.0.to_le_bytes());
    hasher.update(&std::process::id().to_le_bytes());
    hasher.update(dir.as_os_str().as_encoded_bytes());
    hasher.finalize().to_hex()[..32].to_owned()
}

impl Inner {
    /// Reads; all its queries see one state of the database, whatever others write meanwhile.
    pub(crate) fn read<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection.lock();
        let run = || -> rusqlite::Result<T> {
            let tx = connection.transaction()?;
            work(&tx)
        };
        run().map_err(|e| StoreError::sql(&self.db, doing, e))
    }

    /// One transaction that holds the write lock from its start. After a power cut the database is whole, but
    /// the last such transactions may be missing (`synchronous = NORMAL`): a job is then done once more.
    pub(crate) fn write<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection.lock();
        transact(&mut connection, work).map_err(|e| StoreError::sql(&self.db, doing, e))
    }

    /// The same, on the disk once it returns. An intent that a power cut could take away would let an effect
    /// happen twice, so the journal pays for a sync; and as the log is written in order, everything before it
    /// is on the disk as well. The setting is switched on the one connection, rather than kept on a second
    /// one, because two connections of one process would wait for each other by sleeping.
    pub(crate) fn write_durable<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection.lock();
        let run = || {
            connection.execute_batch("PRAGMA synchronous = FULL")?;
            let done = transact(&mut connection, work);
            connection.execute_batch("PRAGMA synchronous = NORMAL")?;
            done
        };
        run().map_err(|e| StoreError::sql(&self.db, doing, e))
    }

    /// Whether a worker is alive.
    pub(crate) fn alive(&self, connection: &Connection, worker: &str, now: Millis) -> rusqlite::Result<bool> {
        if let Some(alive) = presence::holds_lock(&self.workers, worker) {
            return Ok(alive);
        }
        connection
            .prepare_cached("SELECT 1 FROM worker WHERE id = ?1 AND until > ?2")?
            .exists((worker, now.sql()))
    }

    /// Whether a worker is known to be dead, whatever its leases say.
    pub(crate) fn surely_dead(&self, worker: &str) -> bool {
        presence::holds_lock(&self.workers, worker) == Some(false)
    }
}

fn transact<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let tx = db::immediate(connection)?;
    let out = work(&tx)?;
    tx.commit()?;
    Ok(out)
}

/// An item's number as the database keeps it.
pub(crate) fn item_sql(item: u64) -> Result<i64, StoreError> {
    i64::try_from(item).map_err(|_| StoreError::Refused {
        what: format!("item {item} is beyond the greatest number a job can have"),
        remedy: "number the items from 0",
    })
}

/// A number the database keeps; none of ours is negative.
pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_locked_for_too_long_is_said_so() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path(), Millis(0)).unwrap();
        folder.inner.connection.lock().busy_timeout(std::time::Duration::from_millis(20)).unwrap();
        let other = Connection::open(folder.db_path()).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let error = folder.journal().release_path("x").unwrap_err();
        assert!(matches!(error, StoreError::Locked { .. }), "{error}");
        assert!(error.to_string().contains("wait for it or stop it"));
        // Looking is possible all the while.
        assert_eq!(folder.journal().lookup(&kiln_types::Key([0; 32])).unwrap(), None);
        other.execute_batch("COMMIT").unwrap();
        assert!(!folder.journal().release_path("x").unwrap());
    }

    #[test]
    fn a_full_disk_is_said_so_and_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path(), Millis(0)).unwrap();
        let pages = |most: i64| {
            let connection = folder.inner.connection.lock();
            connection.query_row(&format!("PRAGMA max_page_count = {most}"), [], |_| Ok(())).unwrap();
        };
        let runs = folder.runs();
        runs.finish_run("none", "done", "", Millis(0)).unwrap();
        let run = |id: &str| crate::RunStart {
            id: id.to_owned(),
            graph_title: String::new(),
            graph_text: "x".repeat(1 << 20),
            args_json: String::new(),
            engine: String::new(),
            worker: String::new(),
            now: Millis(0),
        };
        runs.start_run(&run("a")).unwrap();
        pages(300);
        let error = runs.start_run(&run("b")).unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
        pages(1 << 20);
        runs.start_run(&run("b")).unwrap();
        assert_eq!(runs.runs(9, Millis(0)).unwrap().len(), 2);
    }
}
