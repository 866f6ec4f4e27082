//! Gates that compare with everything accepted so far.
//!
//! Such a gate is decided in item order, by whoever holds the item: the decision on an item stands on the
//! marks of all lower items that were accepted (its *prefix*), which the *chain*, a running hash over them,
//! names. Items are made in any order, by any number of workers; if a lower item changes, the decisions above
//! it stand on a prefix that is no more, and are to be made again. So the outcome never depends on timing.
//!
//! The folder's queue sees to that, in the very transaction that changes the log: a settled job whose decision
//! no longer stands is ready again, one that is settled while its decision goes stale becomes ready instead,
//! and when a job is handed out again its stale decisions are dropped, since it may not get as far this time.

use std::sync::Arc;

use kiln_types::Key;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::error::StoreError;
use crate::folder::{Inner, item_sql, unsigned};
use crate::sqlite_queue::{UNSETTLED, batch_made, batch_number};

/// What a decision stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// Everything below is decided.
    Ready {
        /// The accepted items below, in order, each with the mark it left.
        accepted: Vec<(u64, Vec<u8>)>,
        /// The hash that names this prefix.
        chain: Key,
    },
    /// A lower item is not decided yet.
    NotYet {
        /// The lowest such.
        waiting_for: u64,
    },
}

/// What became of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is in the log.
    Yes {
        /// Items above whose decisions no longer stand. The folder's queue hands them out again by itself.
        redecide: Vec<u64>,
    },
    /// The prefix has changed since it was read; nothing was recorded. Read it and decide again.
    Moved,
}

/// The decisions of a folder's ordered gates.
#[derive(Clone)]
pub struct OrderedLog {
    inner: Arc<Inner>,
}

/// The chain of nothing.
fn genesis() -> Key {
    Key(*blake3::hash(b"kiln: an ordered gate, nothing accepted").as_bytes())
}

/// The chain after one more item.
fn link(chain: &Key, item: u64, mark: Option<&[u8]>) -> Key {
    let Some(mark) = mark else { return *chain };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&chain.0).update(&item.to_le_bytes()).update(&(mark.len() as u64).to_le_bytes());
    Key(*hasher.update(mark).finalize().as_bytes())
}

/// The lowest item below that still has to be decided: unsettled and not in the log, or in the log on a
/// prefix that is no more.
fn blocker(connection: &Connection, batch: i64, gate: &str, item: i64) -> rusqlite::Result<Option<i64>> {
    let mut lowest: Option<i64> = None;
    for state in UNSETTLED {
        let found: Option<i64> = connection
            .prepare_cached(
                "SELECT item FROM job INDEXED BY job_state
                 WHERE batch = ?1 AND wanted = 1 AND state = ?2 AND item < ?3
                 AND NOT EXISTS (SELECT 1 FROM decision
                   WHERE decision.batch = ?1 AND decision.gate = ?4 AND decision.item = job.item)
                 ORDER BY item LIMIT 1",
            )?
            .query_row(params![batch, state.number(), lowest.unwrap_or(item).min(item), gate], |row| {
                row.get(0)
            })
            .optional()?;
        lowest = found.or(lowest);
    }
    // An item that rests (nobody wants it at present) is decided again by nobody, so it blocks nobody.
    let stale: Option<i64> = connection
        .prepare_cached(
            "SELECT item FROM decision WHERE batch = ?1 AND gate = ?2 AND stale = 1 AND item < ?3
             AND NOT EXISTS (SELECT 1 FROM job
               WHERE job.batch = ?1 AND job.item = decision.item AND job.wanted = 0)
             ORDER BY item LIMIT 1",
        )?
        .query_row(params![batch, gate, lowest.unwrap_or(item).min(item)], |row| row.get(0))
        .optional()?;
    Ok(stale.or(lowest))
}

/// The lowest waiting job whose turn at its gate has come.
pub(crate) fn lowest_turn(connection: &Connection, batch: i64) -> rusqlite::Result<Option<i64>> {
    // Of the jobs waiting at one gate, only the lowest can be next: it blocks the others.
    let first: Vec<(Option<String>, i64)> = connection
        .prepare_cached(
            "SELECT gate, min(item) FROM job INDEXED BY job_state
             WHERE batch = ?1 AND wanted = 1 AND state = 2 GROUP BY gate",
        )?
        .query_map([batch], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut lowest: Option<i64> = None;
    for (gate, item) in first {
        let next = blocker(connection, batch, gate.as_deref().unwrap_or_default(), item)?.is_none();
        if next && lowest.is_none_or(|low| item < low) {
            lowest = Some(item);
        }
    }
    Ok(lowest)
}

/// The chain of the accepted items below.
fn chain_below(connection: &Connection, batch: i64, gate: &str, item: i64) -> rusqlite::Result<Key> {
    let after = connection
        .prepare_cached(
            "SELECT after FROM decision WHERE batch = ?1 AND gate = ?2 AND item < ?3
             ORDER BY item DESC LIMIT 1",
        )?
        .query_row(params![batch, gate, item], |row| row.get(0))
        .optional()?;
    Ok(after.map_or_else(genesis, Key))
}

/// Walks up from an item, brings the chains up to date, and marks the decisions that stood on another one.
/// A marked decision counts as it was until it is made again: should it come out the same, those above it
/// that were made since still stand.
fn walk(tx: &Transaction<'_>, batch: i64, gate: &str, above: i64) -> rusqlite::Result<Vec<u64>> {
    type Row = (i64, Option<Vec<u8>>, [u8; 32], [u8; 32], bool);
    let mut chain = chain_below(tx, batch, gate, above.saturating_add(1))?;
    let mut redecide = Vec::new();
    let mut from = above;
    loop {
        let row: Option<Row> = tx
            .prepare_cached(
                "SELECT item, mark, chain, after, stale FROM decision
                 WHERE batch = ?1 AND gate = ?2 AND item > ?3 ORDER BY item LIMIT 1",
            )?
            .query_row(params![batch, gate, from], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })
            .optional()?;
        let Some((item, mark, stood_on, after, was_stale)) = row else { return Ok(redecide) };
        let stale = stood_on != chain.0;
        if stale {
            redecide.push(unsigned(item));
        }
        if stale && !was_stale {
            // Done, failed, skipped or parked on that decision. What is in a worker's hands is seen to when it
            // settles.
            tx.prepare_cached(
                "UPDATE job SET state = 0, deliveries = 0, detail = NULL
                 WHERE batch = ?1 AND item = ?2 AND state IN (3, 4, 5, 6)",
            )?
            .execute(params![batch, item])?;
        }
        chain = link(&chain, unsigned(item), mark.as_deref());
        if stale != was_stale || chain.0 != after {
            tx.prepare_cached(
                "UPDATE decision SET stale = ?4, after = ?5 WHERE batch = ?1 AND gate = ?2 AND item = ?3",
            )?
            .execute(params![batch, gate, item, stale, chain.0])?;
        }
        from = item;
    }
}

/// Whether any decision on an item stands on a prefix that is no more.
pub(crate) fn is_stale(connection: &Connection, batch: i64, item: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM decision WHERE batch = ?1 AND item = ?2 AND stale = 1")?
        .exists(params![batch, item])
}

/// Takes every decision on an item out of the log: it is made anew, and may not get as far this time.
pub(crate) fn forget_item(tx: &Transaction<'_>, batch: i64, item: i64) -> rusqlite::Result<()> {
    let gates: Vec<String> = tx
        .prepare_cached("DELETE FROM decision WHERE batch = ?1 AND item = ?2 RETURNING gate")?
        .query_map(params![batch, item], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    gates.iter().try_for_each(|gate| walk(tx, batch, gate, item).map(|_| ()))
}

/// Drops such decisions: the item is made again, or not at all any more.
pub(crate) fn drop_stale(tx: &Transaction<'_>, batch: i64, item: i64) -> rusqlite::Result<()> {
    if !is_stale(tx, batch, item)? {
        return Ok(());
    }
    let gates: Vec<String> = tx
        .prepare_cached("DELETE FROM decision WHERE batch = ?1 AND item = ?2 AND stale = 1 RETURNING gate")?
        .query_map(params![batch, item], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for gate in gates {
        walk(tx, batch, &gate, item)?;
    }
    Ok(())
}

impl OrderedLog {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// What the decision on an item at a gate stands on, once every lower item of the batch is decided there
    /// or settled without having reached it.
    pub fn prefix(&self, batch: &str, gate: &str, item: u64) -> Result<Prefix, StoreError> {
        self.prefix_from(batch, gate, 0, item)
    }

    /// The same, with only those accepted that are not below `from`: for one who kept the others, and whose
    /// [`OrderedLog::chain_below`] of `from` is still what it was.
    pub fn prefix_from(&self, batch: &str, gate: &str, from: u64, item: u64) -> Result<Prefix, StoreError> {
        let (from, item) = (item_sql(from)?, item_sql(item)?);
        self.inner.read("read an ordered gate's log", |tx| {
            let Some(n) = batch_number(tx, batch)? else {
                return Ok(Prefix::Ready { accepted: Vec::new(), chain: genesis() });
            };
            if let Some(waiting_for) = blocker(tx, n, gate, item)? {
                return Ok(Prefix::NotYet { waiting_for: unsigned(waiting_for) });
            }
            let accepted = tx
                .prepare_cached(
                    "SELECT item, mark FROM decision WHERE batch = ?1 AND gate = ?2 AND item >= ?3
                     AND item < ?4 AND mark IS NOT NULL ORDER BY item",
                )?
                .query_map(params![n, gate, from, item], |row| Ok((unsigned(row.get(0)?), row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(Prefix::Ready { accepted, chain: chain_below(tx, n, gate, item)? })
        })
    }

    /// Records the decision on an item: accepted with a mark, or rejected with none, on the prefix that the
    /// chain names.
    pub fn record(
        &self,
        batch: &str,
        gate: &str,
        item: u64,
        mark: Option<&[u8]>,
        chain: &Key,
    ) -> Result<Recorded, StoreError> {
        let number = item_sql(item)?;
        self.inner.write("record a decision", |tx| {
            let n = batch_made(tx, batch)?;
            if blocker(tx, n, gate, number)?.is_some() || chain_below(tx, n, gate, number)? != *chain {
                return Ok(Recorded::Moved);
            }
            tx.prepare_cached(
                "INSERT INTO decision (batch, gate, item, mark, chain, after, stale)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)
                 ON CONFLICT (batch, gate, item) DO UPDATE SET mark = excluded.mark,
                 chain = excluded.chain, after = excluded.after, stale = 0",
            )?
            .execute(params![n, gate, number, mark, chain.0, link(chain, item, mark).0])?;
            Ok(Recorded::Yes { redecide: walk(tx, n, gate, number)? })
        })
    }

    /// The chain the decision on an item stands on, if there is one.
    pub fn chain_of(&self, batch: &str, gate: &str, item: u64) -> Result<Option<Key>, StoreError> {
        let item = item_sql(item)?;
        self.inner.read("read a decision", |c| {
            let Some(n) = batch_number(c, batch)? else { return Ok(None) };
            c.prepare_cached("SELECT chain FROM decision WHERE batch = ?1 AND gate = ?2 AND item = ?3")?
                .query_row(params![n, gate, item], |row| row.get(0).map(Key))
                .optional()
        })
    }

    /// The lowest item below that has to be decided first; `None` when it is this one's turn.
    pub fn waits_for(&self, batch: &str, gate: &str, item: u64) -> Result<Option<u64>, StoreError> {
        let item = item_sql(item)?;
        self.inner.read("look whose turn it is", |c| match batch_number(c, batch)? {
            Some(n) => Ok(blocker(c, n, gate, item)?.map(unsigned)),
            None => Ok(None),
        })
    }

    /// The chain of what is accepted below an item, as far as it is decided.
    pub fn chain_below(&self, batch: &str, gate: &str, item: u64) -> Result<Key, StoreError> {
        let item = item_sql(item)?;
        self.inner.read("read a decision", |c| match batch_number(c, batch)? {
            Some(n) => chain_below(c, n, gate, item),
            None => Ok(genesis()),
        })
    }

    /// Takes the decision on an item out of the log, because the item is to be made anew
    /// ([`crate::Queue::retry`]); names the items above that now have to be decided again.
    pub fn forget(&self, batch: &str, gate: &str, item: u64) -> Result<Vec<u64>, StoreError> {
        let item = item_sql(item)?;
        self.inner.write("forget a decision", |tx| {
            let Some(n) = batch_number(tx, batch)? else { return Ok(Vec::new()) };
            tx.prepare_cached("DELETE FROM decision WHERE batch = ?1 AND gate = ?2 AND item = ?3")?
                .execute(params![n, gate, item])?;
            walk(tx, n, gate, item)
        })
    }

    /// Marks the decisions above an item that stand on a prefix that is no more, and names them. [`Self::record`]
    /// and [`Self::forget`] do the same for what they change.
    pub fn invalidate_from(&self, batch: &str, gate: &str, item: u64) -> Result<Vec<u64>, StoreError> {
        let item = item_sql(item)?;
        self.inner.write("look through an ordered gate's log", |tx| match batch_number(tx, batch)? {
            Some(n) => walk(tx, n, gate, item),
            None => Ok(Vec::new()),
        })
    }
}
