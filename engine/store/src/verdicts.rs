//! What gates said of each item: every rejection with its score and reason, and what passed in the end. It is
//! filed by batch, item and gate, and outlives the run, so that what is made of an item later can still tell.

use std::sync::Arc;

use rusqlite::{OptionalExtension, Row, params};

use crate::error::StoreError;
use crate::folder::{Inner, unsigned};
use crate::place::{Attempt, Place};
use crate::sqlite_queue::{batch_made, batch_number};

/// What became of a value at a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Judged {
    /// It was rejected.
    Rejected,
    /// It passed.
    Passed,
    /// It was rejected, and passed as the best of all attempts.
    Best,
}

impl Judged {
    fn from_number(number: i64) -> Self {
        match number {
            1 => Self::Passed,
            2 => Self::Best,
            _ => Self::Rejected,
        }
    }
}

/// A verdict as it is filed.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The gate.
    pub gate: String,
    /// Whose value.
    pub place: Place,
    /// Which attempt.
    pub attempt: Attempt,
    /// What became of it.
    pub judged: Judged,
    /// How good it was.
    pub score: f64,
    /// Why; none of very many rejections are kept.
    pub reason: Option<String>,
}

/// How often a gate said what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateCounts {
    /// The gate.
    pub gate: String,
    /// Values that passed, as the best ones too.
    pub passed: u64,
    /// Values that were rejected.
    pub rejected: u64,
}

/// The verdicts of a folder.
#[derive(Clone)]
pub struct Verdicts {
    inner: Arc<Inner>,
}

const FOUND: &str = "SELECT gate, scope, item, attempt, state, score, reason FROM verdict";

fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    let attempt: String = row.get(3)?;
    Ok(Found {
        gate: row.get(0)?,
        place: Place::from_sql(row.get(1)?, row.get(2)?),
        attempt: Attempt::read(&attempt),
        judged: Judged::from_number(row.get(4)?),
        score: row.get(5)?,
        reason: row.get(6)?,
    })
}

impl Verdicts {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// Files what gates said of a place in one round of the regions around them (`around`; empty at the
    /// outermost). It replaces what they said in that round before, and what passed in another.
    pub fn put(
        &self,
        batch: &str,
        place: Place,
        gates: &[&str],
        around: &Attempt,
        verdicts: &[Found],
    ) -> Result<(), StoreError> {
        let (scope, item) = place.sql()?;
        // Each attempt of this round begins so; none of another does.
        let begins = if around.0.is_empty() { String::new() } else { format!("{around}.") };
        self.inner.write("write down verdicts", |tx| {
            let n = batch_made(tx, batch)?;
            for gate in gates {
                tx.prepare_cached(
                    "DELETE FROM verdict WHERE batch = ?1 AND scope = ?2 AND item = ?3 AND gate = ?4
                     AND (substr(attempt, 1, length(?5)) = ?5 OR state <> 0)",
                )?
                .execute(params![n, scope, item, gate, begins])?;
            }
            let mut put = tx.prepare_cached(
                "INSERT OR REPLACE INTO verdict (batch, scope, item, gate, attempt, state, score, reason)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?;
            for v in verdicts {
                // The database has no number that is none.
                let score = if v.score.is_nan() { 0.0 } else { v.score.clamp(f64::MIN, f64::MAX) };
                let attempt = v.attempt.to_string();
                put.execute(params![n, scope, item, v.gate, attempt, v.judged as i64, score, v.reason])?;
            }
            Ok(())
        })
    }

    /// What passed at each gate for a place.
    pub fn passes(&self, batch: &str, place: Place) -> Result<Vec<Found>, StoreError> {
        Ok(self.of(batch, place)?.into_iter().filter(|v| v.judged != Judged::Rejected).collect())
    }

    /// Everything that gates said of a place, by gate and attempt.
    pub fn of(&self, batch: &str, place: Place) -> Result<Vec<Found>, StoreError> {
        let (scope, item) = place.sql()?;
        let mut all: Vec<Found> = self.inner.read("read the verdicts", |c| {
            let Some(n) = batch_number(c, batch)? else { return Ok(Vec::new()) };
            c.prepare_cached(&format!("{FOUND} WHERE batch = ?1 AND scope = ?2 AND item = ?3"))?
                .query_map(params![n, scope, item], found)?
                .collect()
        })?;
        all.sort_by(|a, b| (&a.gate, &a.attempt).cmp(&(&b.gate, &b.attempt)));
        Ok(all)
    }

    /// What a gate rejected, in the order of the items; at most `limit` of it, from the `skip`-th on.
    pub fn rejected(&self, batch: &str, gate: &str, skip: u64, limit: u32) -> Result<Vec<Found>, StoreError> {
        let mut all: Vec<Found> = self.inner.read("read the rejections", |c| {
            let Some(n) = batch_number(c, batch)? else { return Ok(Vec::new()) };
            let skip = i64::try_from(skip).unwrap_or(i64::MAX);
            c.prepare_cached(&format!(
                "{FOUND} WHERE batch = ?1 AND gate = ?2 AND state <> 1 ORDER BY scope, item, attempt LIMIT ?3 OFFSET ?4"
            ))?
            .query_map(params![n, gate, limit, skip], found)?
            .collect()
        })?;
        all.sort_by(|a, b| (a.place, &a.attempt).cmp(&(b.place, &b.attempt)));
        Ok(all)
    }

    /// How often each gate passed and rejected, by name.
    pub fn counts(&self, batch: &str) -> Result<Vec<GateCounts>, StoreError> {
        self.inner.read("count the verdicts", |c| {
            let Some(n) = batch_number(c, batch)? else { return Ok(Vec::new()) };
            c.prepare_cached(
                "SELECT gate, sum(state <> 0), sum(state <> 1) FROM verdict WHERE batch = ?1
                 GROUP BY gate ORDER BY gate",
            )?
            .query_map([n], |row| {
                Ok(GateCounts {
                    gate: row.get(0)?,
                    passed: unsigned(row.get(1)?),
                    rejected: unsigned(row.get(2)?),
                })
            })?
            .collect()
        })
    }

    /// How many rejections of a gate are kept with their reason.
    pub fn with_reason(&self, batch: &str, gate: &str) -> Result<u64, StoreError> {
        self.inner.read("count the rejections", |c| {
            let Some(n) = batch_number(c, batch)? else { return Ok(0) };
            let count: Option<i64> = c
                .prepare_cached(
                    "SELECT count(*) FROM verdict WHERE batch = ?1 AND gate = ?2 AND state <> 1
                     AND reason IS NOT NULL",
                )?
                .query_row(params![n, gate], |row| row.get(0))
                .optional()?;
            Ok(count.map_or(0, unsigned))
        })
    }
}
