//! The journal of effects.
//!
//! An effect changes the world, so it is written down twice: the intent before, the outcome after. An intent
//! without an outcome is a doubt, which whoever comes next resolves in the way the effect declares. While one
//! owner performs an effect it holds a lease on it, so two processes never perform one effect at once.
//!
//! ```
//! # use kiln_store::{Folder, IntentRecord, Intended, Millis};
//! # use kiln_types::Key;
//! # let dir = tempfile::tempdir()?;
//! let folder = Folder::open(dir.path(), Millis(0))?;
//! let me = folder.presence(Millis(0))?;
//! let journal = folder.journal();
//! let record = IntentRecord {
//!     key: Key([1; 32]), node: "save".into(), item: Some(3), destination: folder.id().into(),
//!     policy: "idempotent".into(), intent: b"3.png".to_vec(), owner: me.id().into(), lease_ms: 60_000,
//! };
//! assert!(matches!(journal.intend(&record, Millis(1))?, Intended::New));
//! // ... the world is changed here ...
//! assert!(journal.outcome(&record.key, me.id(), b"written", Millis(2))?);
//! assert!(matches!(journal.intend(&record, Millis(3))?, Intended::Done(_)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::sync::Arc;

use kiln_types::Key;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::StoreError;
use crate::folder::{Inner, item_sql, unsigned};
use crate::millis::Millis;

/// How far an effect is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectState {
    /// Begun; whether it happened is not known here.
    Intent,
    /// Happened.
    Done,
}

/// An effect in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its idempotency key.
    pub key: Key,
    /// The node that performs it.
    pub node: String,
    /// For which item, if for one.
    pub item: Option<u64>,
    /// What it changes: a folder's id, a contract, an address.
    pub destination: String,
    /// How a doubt about it is resolved.
    pub policy: String,
    /// How far it is.
    pub state: EffectState,
    /// What was about to be done, in the node's own words.
    pub intent: Vec<u8>,
    /// What came of it.
    pub outcome: Option<Vec<u8>>,
    /// How often it was begun.
    pub attempts: u32,
    /// When it was first begun.
    pub started: Millis,
    /// When its outcome was written.
    pub finished: Option<Millis>,
    /// Who began it last.
    pub owner: String,
}

/// An effect about to be performed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntentRecord {
    /// Its idempotency key.
    pub key: Key,
    /// The node that performs it.
    pub node: String,
    /// For which item, if for one.
    pub item: Option<u64>,
    /// What it changes.
    pub destination: String,
    /// How a doubt about it is resolved.
    pub policy: String,
    /// What is about to be done, in the node's own words.
    pub intent: Vec<u8>,
    /// Who performs it: a [`crate::Presence`]'s id, or one with a slash and a suffix. Distinct for whatever may
    /// run at once.
    pub owner: String,
    /// For how long the owner is believed to be at it; see [`Journal::renew`].
    pub lease_ms: u64,
}

/// What became of the wish to perform an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intended {
    /// Never begun before: perform it. The caller holds it.
    New,
    /// Begun before, by one who never wrote an outcome: resolve the doubt. The caller holds it. The journal
    /// keeps the old intent until [`Journal::reintend`].
    Doubtful(Entry),
    /// Happened already.
    Done(Entry),
    /// Another living owner is at it (the caller itself included, if it begun it and never gave it back).
    Busy {
        /// Who.
        owner: String,
        /// Until when, unless renewed.
        until: Millis,
    },
}

/// Whose a file's name is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// Nobody's until now; the caller's from now on.
    Free,
    /// The same node's and item's from before.
    Ours,
    /// Another's: two would write one file.
    OwnedBy {
        /// That node.
        node: String,
        /// Its item.
        item: Option<u64>,
    },
}

/// Which effects to list; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this node.
    pub node: Option<String>,
    /// Of this item.
    pub item: Option<u64>,
    /// In this state.
    pub state: Option<EffectState>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// The journal of a folder.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

const COLUMNS: &str = "key, node, item, destination, policy, done, intent, outcome, attempts, started, finished, owner, lease_until";

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        key: Key(row.get(0)?),
        node: row.get(1)?,
        item: row.get::<_, Option<i64>>(2)?.map(unsigned),
        destination: row.get(3)?,
        policy: row.get(4)?,
        state: if row.get(5)? { EffectState::Done } else { EffectState::Intent },
        intent: row.get(6)?,
        outcome: row.get(7)?,
        attempts: row.get(8)?,
        started: Millis::from_sql(row.get(9)?),
        finished: row.get::<_, Option<i64>>(10)?.map(Millis::from_sql),
        owner: row.get(11)?,
    })
}

fn find(connection: &Connection, key: &Key) -> rusqlite::Result<Option<(Entry, Millis)>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM effect WHERE key = ?1"))?
        .query_row([key.0], |row| Ok((entry(row)?, Millis::from_sql(row.get(12)?))))
        .optional()
}

impl Journal {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// The effect of this key, if it was ever begun.
    pub fn lookup(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        Ok(self.inner.read("look up an effect", |c| find(c, key))?.map(|(entry, _)| entry))
    }

    /// Writes an intent down, if the effect is not done and no living owner is at it. Of any number of
    /// processes that ask at once, one is told [`Intended::New`].
    pub fn intend(&self, record: &IntentRecord, now: Millis) -> Result<Intended, StoreError> {
        let item = record.item.map(item_sql).transpose()?;
        let until = now.plus(record.lease_ms).sql();
        self.inner.write_durable("write an effect's intent", |tx| {
            let Some((entry, lease)) = find(tx, &record.key)? else {
                let sql = format!(
                    "INSERT INTO effect ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, NULL, 1, ?7, NULL, ?8, ?9)"
                );
                tx.prepare_cached(&sql)?.execute(params![
                    record.key.0,
                    record.node,
                    item,
                    record.destination,
                    record.policy,
                    record.intent,
                    now.sql(),
                    record.owner,
                    until
                ])?;
                return Ok(Intended::New);
            };
            if entry.state == EffectState::Done {
                return Ok(Intended::Done(entry));
            }
            if lease > now && !self.inner.surely_dead(&entry.owner) {
                return Ok(Intended::Busy { owner: entry.owner, until: lease });
            }
            tx.prepare_cached(
                "UPDATE effect SET owner = ?2, lease_until = ?3, attempts = attempts + 1 WHERE key = ?1",
            )?
            .execute(params![record.key.0, record.owner, until])?;
            Ok(Intended::Doubtful(Entry { attempts: entry.attempts.saturating_add(1), ..entry }))
        })
    }

    /// Replaces the intent of an effect the owner holds: its doubt is resolved, and it is begun anew.
    pub fn reintend(&self, key: &Key, owner: &str, intent: &[u8]) -> Result<bool, StoreError> {
        self.change_durable(
            "write an effect's intent",
            "UPDATE effect SET intent = ?3 WHERE key = ?1 AND owner = ?2 AND done = 0",
            params![key.0, owner, intent],
        )
    }

    /// Extends the owner's lease; false if it is no longer the owner's.
    pub fn renew(&self, key: &Key, owner: &str, lease_ms: u64, now: Millis) -> Result<bool, StoreError> {
        self.change(
            "renew an effect's lease",
            "UPDATE effect SET lease_until = ?3 WHERE key = ?1 AND owner = ?2 AND done = 0",
            params![key.0, owner, now.plus(lease_ms).sql()],
        )
    }

    /// Writes down that the effect happened; false, and nothing changed, if it is no longer the owner's.
    pub fn outcome(&self, key: &Key, owner: &str, bytes: &[u8], now: Millis) -> Result<bool, StoreError> {
        self.change_durable(
            "write an effect's outcome",
            "UPDATE effect SET done = 1, outcome = ?3, finished = ?4, lease_until = 0
             WHERE key = ?1 AND owner = ?2 AND done = 0",
            params![key.0, owner, bytes, now.sql()],
        )
    }

    /// Forgets a done effect: the world lost it, so it is made again. False if it was not done.
    pub fn forget(&self, key: &Key) -> Result<bool, StoreError> {
        self.change_durable(
            "forget an effect",
            "DELETE FROM effect WHERE key = ?1 AND done = 1",
            params![key.0],
        )
    }

    /// Takes an intent back: the owner failed before it touched the world. A doubt from an earlier attempt
    /// stays.
    pub fn abandon(&self, key: &Key, owner: &str) -> Result<bool, StoreError> {
        self.inner.write_durable("take an effect back", |tx| {
            let first = tx
                .prepare_cached(
                    "DELETE FROM effect WHERE key = ?1 AND owner = ?2 AND done = 0 AND attempts = 1",
                )?
                .execute(params![key.0, owner])?;
            Ok(first == 1 || give_back(tx, key, owner)?)
        })
    }

    /// Gives the effect back undecided: the owner failed, perhaps after it touched the world. The next to ask
    /// is told [`Intended::Doubtful`] at once.
    pub fn release(&self, key: &Key, owner: &str) -> Result<bool, StoreError> {
        self.inner.write("give an effect back", |tx| give_back(tx, key, owner))
    }

    /// Takes a file's name for a node and an item, so that no other ever writes that file. Names are compared
    /// as they are: give one spelling per file.
    pub fn claim_path(
        &self,
        path: &str,
        node: &str,
        item: Option<u64>,
        key: &Key,
    ) -> Result<Claimed, StoreError> {
        let number = item.map(item_sql).transpose()?;
        self.inner.write_durable("claim a file's name", |tx| {
            let owner: Option<(String, Option<i64>)> = tx
                .prepare_cached("SELECT node, item FROM claimed_path WHERE path = ?1")?
                .query_row([path], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            match owner {
                Some((other, theirs)) if other != node || theirs != number => {
                    Ok(Claimed::OwnedBy { node: other, item: theirs.map(unsigned) })
                }
                found => {
                    tx.prepare_cached(
                        "INSERT INTO claimed_path (path, node, item, key) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT (path) DO UPDATE SET key = excluded.key",
                    )?
                    .execute(params![path, node, number, key.0])?;
                    Ok(if found.is_some() { Claimed::Ours } else { Claimed::Free })
                }
            }
        })
    }

    /// Gives a file's name up, whoever has it: its node was renamed, or the user says so.
    pub fn release_path(&self, path: &str) -> Result<bool, StoreError> {
        self.change_durable(
            "give up a file's name",
            "DELETE FROM claimed_path WHERE path = ?1",
            params![path],
        )
    }

    /// The effects that match, in the order they were begun.
    pub fn list(&self, filter: &Filter) -> Result<Vec<Entry>, StoreError> {
        let item = filter.item.map(item_sql).transpose()?;
        let done = filter.state.map(|state| state == EffectState::Done);
        self.inner.read("list the effects", |c| {
            let sql = format!(
                "SELECT {COLUMNS} FROM effect WHERE (?1 IS NULL OR node = ?1) AND (?2 IS NULL OR item = ?2)
                 AND (?3 IS NULL OR done = ?3) ORDER BY started, rowid LIMIT ?4"
            );
            let limit = filter.limit.map_or(-1, i64::from);
            c.prepare_cached(&sql)?.query_map(params![filter.node, item, done, limit], entry)?.collect()
        })
    }

    fn change(
        &self,
        doing: &'static str,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<bool, StoreError> {
        self.inner.write(doing, |tx| Ok(tx.prepare_cached(sql)?.execute(values)? > 0))
    }

    fn change_durable(
        &self,
        doing: &'static str,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<bool, StoreError> {
        self.inner.write_durable(doing, |tx| Ok(tx.prepare_cached(sql)?.execute(values)? > 0))
    }
}

fn give_back(connection: &Connection, key: &Key, owner: &str) -> rusqlite::Result<bool> {
    let given = connection
        .prepare_cached("UPDATE effect SET lease_until = 0 WHERE key = ?1 AND owner = ?2 AND done = 0")?
        .execute(params![key.0, owner])?;
    Ok(given > 0)
}
