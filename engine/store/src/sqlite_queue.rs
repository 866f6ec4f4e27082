//! The queue in an output folder's database, for the processes of one machine.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::error::StoreError;
use crate::folder::{Inner, item_sql, unsigned};
use crate::millis::Millis;
use crate::ordered;
use crate::queue::{
    BatchSpec, Counts, JobRow, JobState, Lease, MAX_DELIVERIES, Mode, Opened, Outcome, Queue, WORKER_TTL_MS,
};
use crate::reviews;

/// The states of a job that can still change what is accepted at a gate.
pub(crate) const UNSETTLED: [JobState; 4] =
    [JobState::Ready, JobState::Leased, JobState::Waiting, JobState::Parked];

/// The queue of a folder.
#[derive(Clone)]
pub struct SqliteQueue {
    inner: Arc<Inner>,
    max_deliveries: u32,
}

impl SqliteQueue {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner, max_deliveries: MAX_DELIVERIES }
    }

    /// How often a job is handed out without ever coming back before it counts as dead.
    #[must_use]
    pub fn max_deliveries(mut self, times: u32) -> Self {
        self.max_deliveries = times.max(1);
        self
    }

    /// Whether any other living worker is at a batch that still has something to do.
    fn others(&self, tx: &Transaction<'_>, batch: i64, worker: &str, now: Millis) -> rusqlite::Result<bool> {
        let members: Vec<String> = tx
            .prepare_cached("SELECT worker FROM member WHERE batch = ?1 AND worker <> ?2 ORDER BY worker")?
            .query_map(params![batch, worker], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut living = false;
        for member in members {
            if self.inner.alive(tx, &member, now)? {
                living = true;
            } else {
                tx.prepare_cached("DELETE FROM member WHERE batch = ?1 AND worker = ?2")?
                    .execute(params![batch, member])?;
            }
        }
        if !living {
            return Ok(false);
        }
        for state in [JobState::Ready, JobState::Leased, JobState::Waiting] {
            if lowest(tx, batch, state)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Ends the leases of workers that are known to be dead; says whether there were any.
    fn reap(&self, tx: &Transaction<'_>, batch: i64, now: Millis) -> rusqlite::Result<bool> {
        let workers: Vec<String> = tx
            .prepare_cached(
                "SELECT DISTINCT worker FROM job INDEXED BY job_state
                 WHERE batch = ?1 AND wanted = 1 AND state = 1 AND lease_until > ?2",
            )?
            .query_map(params![batch, now.sql()], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut any = false;
        for worker in workers {
            if self.inner.surely_dead(&worker) {
                tx.prepare_cached(
                    "UPDATE job INDEXED BY job_state SET lease_until = 0
                     WHERE batch = ?1 AND wanted = 1 AND state = 1 AND worker = ?2",
                )?
                .execute(params![batch, worker])?;
                any = true;
            }
        }
        Ok(any)
    }

    /// The item to hand out next. Jobs that were lost too often die on the way.
    fn next(&self, tx: &Transaction<'_>, batch: i64, now: Millis) -> rusqlite::Result<Option<i64>> {
        let ready = lowest(tx, batch, JobState::Ready)?;
        let expired = loop {
            let found: Option<(i64, u32)> = tx
                .prepare_cached(
                    "SELECT item, deliveries FROM job INDEXED BY job_state
                     WHERE batch = ?1 AND wanted = 1 AND state = 1 AND lease_until <= ?2 ORDER BY item LIMIT 1",
                )?
                .query_row(params![batch, now.sql()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            match found {
                Some((item, deliveries)) if deliveries >= self.max_deliveries => {
                    die(tx, batch, item, deliveries)?;
                }
                found => break found.map(|(item, _)| item),
            }
        };
        let turn = ordered::lowest_turn(tx, batch)?;
        Ok([ready, expired, turn].into_iter().flatten().min())
    }
}

fn die(tx: &Transaction<'_>, batch: i64, item: i64, deliveries: u32) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE job SET state = 7, detail = ?3, worker = NULL, gate = NULL, lease_until = 0
         WHERE batch = ?1 AND item = ?2",
    )?
    .execute(params![batch, item, poison(deliveries)])?;
    ordered::drop_stale(tx, batch, item)
}

/// What is said of a job that kills whoever takes it.
pub(crate) fn poison(deliveries: u32) -> String {
    format!("handed out {deliveries} times, and no worker came back: does it need more memory than there is?")
}

/// The planner, knowing nothing of how many jobs are settled, would look for the lowest item of a state by
/// walking over all items below it; so each such look names its index.
fn lowest(tx: &Connection, batch: i64, state: JobState) -> rusqlite::Result<Option<i64>> {
    tx.prepare_cached(
        "SELECT item FROM job INDEXED BY job_state
         WHERE batch = ?1 AND wanted = 1 AND state = ?2 ORDER BY item LIMIT 1",
    )?
    .query_row(params![batch, state.number()], |row| row.get(0))
    .optional()
}

/// The batch's number in the database, if it was ever opened.
pub(crate) fn batch_number(connection: &Connection, id: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT n FROM batch WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()
}

/// The same; it is given one if it has none.
pub(crate) fn batch_made(tx: &Transaction<'_>, id: &str) -> rusqlite::Result<i64> {
    if let Some(n) = batch_number(tx, id)? {
        return Ok(n);
    }
    tx.execute("INSERT INTO batch (id) VALUES (?1)", [id])?;
    Ok(tx.last_insert_rowid())
}

fn register(tx: &Connection, worker: &str, ttl_ms: u64, now: Millis) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO worker (id, until) VALUES (?1, ?2)
         ON CONFLICT (id) DO UPDATE SET until = max(until, excluded.until)",
    )?
    .execute(params![worker, now.plus(ttl_ms).sql()])?;
    Ok(())
}

impl Queue for SqliteQueue {
    fn open_batch(&self, spec: &BatchSpec, worker: &str, now: Millis) -> Result<Opened, StoreError> {
        let items = spec.items.all()?.map(item_sql);
        let max = self.max_deliveries;
        self.inner.write("open a batch", |tx| {
            let batch = batch_made(tx, &spec.id)?;
            let joined = self.others(tx, batch, worker, now)?;
            register(tx, worker, WORKER_TTL_MS, now)?;
            tx.prepare_cached("INSERT OR IGNORE INTO member (batch, worker) VALUES (?1, ?2)")?
                .execute(params![batch, worker])?;
            if !joined {
                tx.execute("UPDATE job SET wanted = 0 WHERE batch = ?1", [batch])?;
            }
            {
                let mut want = tx.prepare_cached(
                    "INSERT INTO job (batch, item, wanted, state, token, deliveries, lease_until)
                     VALUES (?1, ?2, 1, 0, 0, 0, 0)
                     ON CONFLICT (batch, item) DO UPDATE SET wanted = 1 WHERE wanted = 0",
                )?;
                for item in items.flatten() {
                    want.execute(params![batch, item])?;
                }
            }
            if !joined && spec.mode == Mode::Fresh {
                tx.execute(
                    "DELETE FROM decision WHERE batch = ?1
                     AND item IN (SELECT item FROM job WHERE batch = ?1 AND wanted = 1)",
                    [batch],
                )?;
                tx.execute(
                    "UPDATE job SET state = 0, deliveries = 0, lease_until = 0, worker = NULL, gate = NULL,
                     detail = NULL WHERE batch = ?1 AND wanted = 1",
                    [batch],
                )?;
            } else if !joined {
                let lost: Vec<(i64, u32)> = tx
                    .prepare_cached(
                        "SELECT item, deliveries FROM job INDEXED BY job_state
                         WHERE batch = ?1 AND wanted = 1 AND state = 1",
                    )?
                    .query_map([batch], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect::<rusqlite::Result<_>>()?;
                for (item, deliveries) in lost {
                    if deliveries >= max {
                        die(tx, batch, item, deliveries)?;
                        continue;
                    }
                    tx.prepare_cached(
                        "UPDATE job SET state = 0, lease_until = 0, worker = NULL
                         WHERE batch = ?1 AND item = ?2",
                    )?
                    .execute(params![batch, item])?;
                }
            }
            let counts = count(tx, batch)?;
            Ok(Opened { joined, ready: counts.ready, done: counts.done })
        })
    }

    fn leave_batch(&self, batch: &str, worker: &str) -> Result<(), StoreError> {
        self.inner.write("leave a batch", |tx| {
            let sql = "DELETE FROM member WHERE worker = ?2 AND batch = (SELECT n FROM batch WHERE id = ?1)";
            tx.prepare_cached(sql)?.execute(params![batch, worker]).map(|_| ())
        })
    }

    fn claim(
        &self,
        batch: &str,
        worker: &str,
        lease_ms: u64,
        now: Millis,
    ) -> Result<Option<Lease>, StoreError> {
        self.inner.write("claim a job", |tx| {
            let Some(n) = batch_number(tx, batch)? else { return Ok(None) };
            let item = match self.next(tx, n, now)? {
                None if self.reap(tx, n, now)? => self.next(tx, n, now)?,
                found => found,
            };
            let Some(item) = item else { return Ok(None) };
            ordered::drop_stale(tx, n, item)?;
            reviews::begins(tx, n, item)?;
            let (token, attempt): (i64, u32) = tx
                .prepare_cached(
                    "UPDATE job SET state = 1, token = token + 1, deliveries = deliveries + 1,
                     lease_until = ?3, worker = ?4, gate = NULL, detail = NULL
                     WHERE batch = ?1 AND item = ?2 RETURNING token, deliveries",
                )?
                .query_row(params![n, item, now.plus(lease_ms).sql(), worker], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            let batch = batch.to_owned();
            Ok(Some(Lease { batch, item: unsigned(item), token: unsigned(token), attempt }))
        })
    }

    fn heartbeat(&self, lease: &Lease, lease_ms: u64, now: Millis) -> Result<bool, StoreError> {
        let (item, token) = (item_sql(lease.item)?, item_sql(lease.token)?);
        self.inner.write("extend a lease", |tx| {
            let Some(n) = batch_number(tx, &lease.batch)? else { return Ok(false) };
            let held = tx
                .prepare_cached(
                    "UPDATE job SET lease_until = max(lease_until, ?4)
                     WHERE batch = ?1 AND item = ?2 AND token = ?3 AND state = 1",
                )?
                .execute(params![n, item, token, now.plus(lease_ms).sql()])?;
            tx.prepare_cached(
                "UPDATE worker SET until = max(until, ?4) WHERE id =
                 (SELECT worker FROM job WHERE batch = ?1 AND item = ?2 AND token = ?3 AND state = 1)",
            )?
            .execute(params![n, item, token, now.plus(lease_ms).sql()])?;
            Ok(held > 0)
        })
    }

    fn settle(&self, lease: &Lease, outcome: Outcome, _now: Millis) -> Result<bool, StoreError> {
        let (item, token) = (item_sql(lease.item)?, item_sql(lease.token)?);
        let (state, detail, gate) = match outcome {
            Outcome::Done { detail } => (JobState::Done, Some(detail), None),
            Outcome::Failed { reason } => (JobState::Failed, Some(reason), None),
            Outcome::Skipped { reason } => (JobState::Skipped, Some(reason), None),
            Outcome::Parked { reason } => (JobState::Parked, Some(reason), None),
            Outcome::Waiting { gate } => (JobState::Waiting, None, Some(gate)),
            Outcome::Release => (JobState::Ready, None, None),
        };
        // A worker that says so itself did come back.
        self.inner.write("settle a job", |tx| {
            let Some(n) = batch_number(tx, &lease.batch)? else { return Ok(false) };
            let changed = tx
                .prepare_cached(
                    "UPDATE job SET state = ?4, detail = ?5, gate = ?6, worker = NULL, lease_until = 0,
                     deliveries = CASE WHEN ?7 THEN deliveries ELSE 0 END
                     WHERE batch = ?1 AND item = ?2 AND token = ?3 AND state = 1",
                )?
                .execute(params![n, item, token, state.number(), detail, gate, state.is_settled()])?;
            // What it was settled by was decided on a prefix that is no more, or by a person who has since said
            // otherwise; or the person it is parked for has answered meanwhile.
            let parked = state == JobState::Parked;
            if changed > 0
                && ((state.is_settled() || parked) && ordered::is_stale(tx, n, item)?
                    || state.is_settled() && reviews::is_changed(tx, n, item)?
                    || parked && reviews::is_answered(tx, n, item)?)
            {
                tx.prepare_cached(
                    "UPDATE job SET state = 0, deliveries = 0, detail = NULL WHERE batch = ?1 AND item = ?2",
                )?
                .execute(params![n, item])?;
            }
            Ok(changed > 0)
        })
    }

    fn counts(&self, batch: &str) -> Result<Counts, StoreError> {
        self.inner.read("count the jobs", |c| match batch_number(c, batch)? {
            Some(n) => count(c, n),
            None => Ok(Counts::default()),
        })
    }

    fn jobs(
        &self,
        batch: &str,
        state: Option<JobState>,
        from: u64,
        limit: usize,
    ) -> Result<Vec<JobRow>, StoreError> {
        // Beyond the greatest number there are none.
        let Ok(from) = i64::try_from(from) else { return Ok(Vec::new()) };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.inner.read("list the jobs", |c| {
            let Some(n) = batch_number(c, batch)? else { return Ok(Vec::new()) };
            // Two texts, so that each has its index.
            let (index, which) = match state {
                Some(_) => ("INDEXED BY job_state", "state = ?4"),
                None => ("", "?4 IS NULL"),
            };
            c.prepare_cached(&format!(
                "SELECT item, state, coalesce(detail, gate, ''), deliveries FROM job {index}
                 WHERE batch = ?1 AND wanted = 1 AND item >= ?2 AND {which} ORDER BY item LIMIT ?3"
            ))?
            .query_map(params![n, from, limit, state.map(JobState::number)], |row| {
                let number = row.get(1)?;
                let state = JobState::from_number(number)
                    .ok_or(rusqlite::Error::IntegralValueOutOfRange(1, number))?;
                let item = unsigned(row.get(0)?);
                Ok(JobRow { item, state, detail: row.get(2)?, deliveries: row.get(3)? })
            })?
            .collect()
        })
    }

    fn retry(
        &self,
        batch: &str,
        states: &[JobState],
        items: Option<&[u64]>,
        _now: Millis,
    ) -> Result<u64, StoreError> {
        let set = "UPDATE job SET state = 0, deliveries = 0, detail = NULL, gate = NULL
                   WHERE batch = ?1 AND wanted = 1 AND state = ?2";
        let mut states = states.to_vec();
        states.sort();
        states.dedup();
        states.retain(|s| !matches!(s, JobState::Leased | JobState::Ready));
        self.inner.write("make jobs ready again", |tx| {
            let Some(n) = batch_number(tx, batch)? else { return Ok(0) };
            let mut changed = 0;
            for state in states {
                match items {
                    None => changed += tx.prepare_cached(set)?.execute(params![n, state.number()])?,
                    Some(items) => {
                        let mut one = tx.prepare_cached(&format!("{set} AND item = ?3"))?;
                        for item in items.iter().filter_map(|&item| i64::try_from(item).ok()) {
                            changed += one.execute(params![n, state.number(), item])?;
                        }
                    }
                }
            }
            Ok(changed as u64)
        })
    }

    fn wake(&self, batch: &str, item: u64) -> Result<bool, StoreError> {
        self.retry(batch, &[JobState::Waiting], Some(&[item]), Millis(0)).map(|n| n > 0)
    }

    fn is_settled_below(&self, batch: &str, item: u64) -> Result<bool, StoreError> {
        let item = i64::try_from(item).unwrap_or(i64::MAX);
        self.inner.read("look at the jobs", |c| {
            let Some(n) = batch_number(c, batch)? else { return Ok(true) };
            for state in UNSETTLED {
                if lowest(c, n, state)?.is_some_and(|found| found < item) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    fn register_worker(&self, worker: &str, ttl_ms: u64, now: Millis) -> Result<(), StoreError> {
        self.inner.write("register a worker", |tx| register(tx, worker, ttl_ms, now))
    }

    fn forget_worker(&self, worker: &str) -> Result<(), StoreError> {
        self.inner.write("forget a worker", |tx| {
            tx.execute("DELETE FROM worker WHERE id = ?1", [worker])?;
            tx.execute("DELETE FROM member WHERE worker = ?1", [worker])?;
            // Its own word, not a lost delivery.
            tx.execute(
                "UPDATE job SET state = 0, deliveries = 0, lease_until = 0, worker = NULL
                 WHERE state = 1 AND worker = ?1",
                [worker],
            )?;
            Ok(())
        })
    }

    fn is_alive(&self, worker: &str, now: Millis) -> Result<bool, StoreError> {
        self.inner.read("look for a worker", |c| self.inner.alive(c, worker, now))
    }
}

fn count(connection: &Connection, batch: i64) -> rusqlite::Result<Counts> {
    let mut counts = Counts::default();
    let mut find = connection.prepare_cached(
        "SELECT state, count(*) FROM job INDEXED BY job_state
         WHERE batch = ?1 AND wanted = 1 GROUP BY state",
    )?;
    let mut rows = find.query([batch])?;
    while let Some(row) = rows.next()? {
        if let Some(state) = JobState::from_number(row.get(0)?) {
            *counts.of(state) = unsigned(row.get(1)?);
        }
    }
    Ok(counts)
}
