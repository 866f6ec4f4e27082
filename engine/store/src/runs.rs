//! Records of runs: what was run, how long each node took, what became of each item.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, Row, params};

use crate::error::StoreError;
use crate::folder::{Inner, item_sql, unsigned};
use crate::millis::Millis;

/// The status of a run that has not ended.
pub const RUNNING: &str = "running";
/// The status shown for a run that did not end, and whose worker is no more.
pub const INTERRUPTED: &str = "interrupted";

/// A run that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStart {
    /// Its id, unique in the folder.
    pub id: String,
    /// The graph's title.
    pub graph_title: String,
    /// The whole graph, as text.
    pub graph_text: String,
    /// What it was run with, as JSON.
    pub args_json: String,
    /// Which engine ran it.
    pub engine: String,
    /// Who runs it: a [`crate::Presence`]'s id. When it is no more and the run has no end, it was interrupted.
    pub worker: String,
    /// When it begins.
    pub now: Millis,
}

/// What a node did in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeStat {
    /// The node.
    pub node: String,
    /// Its type.
    pub ty: String,
    /// How often it ran.
    pub ran: u64,
    /// How often its value was there already.
    pub cached: u64,
    /// How often it failed.
    pub failed: u64,
    /// For how long it ran.
    pub ms: u64,
    /// How much it made.
    pub bytes: u64,
    /// The key of its value, if it has only one.
    pub key: Option<String>,
}

/// Something that happened to an item in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemEvent {
    /// The item.
    pub item: u64,
    /// What happened.
    pub status: String,
    /// More about it, as JSON.
    pub detail_json: String,
}

/// A run, in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// Its id.
    pub id: String,
    /// The graph's title.
    pub graph_title: String,
    /// Running, interrupted, or what the run's end said.
    pub status: String,
    /// When it began.
    pub started: Millis,
    /// When it ended.
    pub finished: Option<Millis>,
    /// What the run's end said, as JSON.
    pub summary_json: Option<String>,
}

/// A run, in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// The run in a line.
    pub run: RunSummary,
    /// The whole graph, as text.
    pub graph_text: String,
    /// What it was run with, as JSON.
    pub args_json: String,
    /// Which engine ran it.
    pub engine: String,
    /// Who ran it.
    pub worker: String,
    /// What each node did, in the order they were reported.
    pub nodes: Vec<NodeStat>,
    /// How many items have which latest status.
    pub items: BTreeMap<String, u64>,
}

/// The run records of a folder.
#[derive(Clone)]
pub struct Runs {
    inner: Arc<Inner>,
}

const COLUMNS: &str = "id, title, status, started, finished, summary, worker, graph, args, engine";

fn summary(row: &Row<'_>) -> rusqlite::Result<(RunSummary, String)> {
    let run = RunSummary {
        id: row.get(0)?,
        graph_title: row.get(1)?,
        status: row.get(2)?,
        started: Millis::from_sql(row.get(3)?),
        finished: row.get::<_, Option<i64>>(4)?.map(Millis::from_sql),
        summary_json: row.get(5)?,
    };
    Ok((run, row.get(6)?))
}

fn sql(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Runs {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// Begins a run; an error if the folder has one of this id.
    pub fn start_run(&self, run: &RunStart) -> Result<(), StoreError> {
        let new = self.inner.write("record a run", |tx| {
            tx.prepare_cached(
                "INSERT OR IGNORE INTO run (id, title, graph, args, engine, worker, started, status)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                run.id,
                run.graph_title,
                run.graph_text,
                run.args_json,
                run.engine,
                run.worker,
                run.now.sql(),
                RUNNING
            ])
        })?;
        if new == 0 {
            return Err(StoreError::Refused {
                what: format!("there is a run {:?} already", run.id),
                remedy: "give each run an id of its own",
            });
        }
        Ok(())
    }

    /// Records what nodes did so far; it replaces what was recorded of the same nodes.
    pub fn node_stats(&self, run: &str, stats: &[NodeStat]) -> Result<(), StoreError> {
        self.inner.write("record what the nodes did", |tx| {
            let mut put = tx.prepare_cached(
                "INSERT INTO run_node (run, node, position, ty, ran, cached, failed, ms, bytes, key)
                 VALUES (?1, ?2, (SELECT count(*) FROM run_node WHERE run = ?1), ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT (run, node) DO UPDATE SET ty = excluded.ty, ran = excluded.ran,
                 cached = excluded.cached, failed = excluded.failed, ms = excluded.ms,
                 bytes = excluded.bytes, key = excluded.key",
            )?;
            for s in stats {
                put.execute(params![
                    run,
                    s.node,
                    s.ty,
                    sql(s.ran),
                    sql(s.cached),
                    sql(s.failed),
                    sql(s.ms),
                    sql(s.bytes),
                    s.key
                ])?;
            }
            Ok(())
        })
    }

    /// Records what happened to an item.
    pub fn item_event(
        &self,
        run: &str,
        item: u64,
        status: &str,
        detail_json: &str,
    ) -> Result<(), StoreError> {
        let item = item_sql(item)?;
        self.inner.write("record what happened to an item", |tx| {
            tx.prepare_cached("INSERT INTO run_item (run, item, status, detail) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![run, item, status, detail_json])
                .map(|_| ())
        })
    }

    /// Ends a run; false if there is none of this id.
    pub fn finish_run(
        &self,
        run: &str,
        status: &str,
        summary_json: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        self.inner.write("record a run's end", |tx| {
            let ended = tx
                .prepare_cached("UPDATE run SET status = ?2, summary = ?3, finished = ?4 WHERE id = ?1")?
                .execute(params![run, status, summary_json, now.sql()])?;
            Ok(ended > 0)
        })
    }

    /// The latest runs, the last one first.
    pub fn runs(&self, limit: u32, now: Millis) -> Result<Vec<RunSummary>, StoreError> {
        self.inner.read("list the runs", |c| {
            let sql = format!("SELECT {COLUMNS} FROM run ORDER BY started DESC, rowid DESC LIMIT ?1");
            let rows: Vec<_> =
                c.prepare_cached(&sql)?.query_map([limit], summary)?.collect::<rusqlite::Result<_>>()?;
            rows.into_iter().map(|(run, worker)| self.judged(c, run, &worker, now)).collect()
        })
    }

    /// A run by its id or by a beginning of it; `None` if there is none, an error if there are several.
    pub fn run(&self, id: &str, now: Millis) -> Result<Option<RunRecord>, StoreError> {
        let found = self.inner.read("read a run", |c| {
            let sql = format!(
                "SELECT {COLUMNS} FROM run WHERE substr(id, 1, length(?1)) = ?1
                 ORDER BY id <> ?1, started DESC LIMIT 2"
            );
            let rows: Vec<_> = c
                .prepare_cached(&sql)?
                .query_map([id], |row| Ok((summary(row)?, row.get(7)?, row.get(8)?, row.get(9)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let several = rows.len() > 1;
            let Some(((run, worker), graph_text, args_json, engine)) = rows.into_iter().next() else {
                return Ok((None, false));
            };
            let exact = run.id == id;
            let run = self.judged(c, run, &worker, now)?;
            let (nodes, items) = (nodes(c, &run.id)?, items(c, &run.id)?);
            let record = RunRecord { run, graph_text, args_json, engine, worker, nodes, items };
            Ok((Some(record), several && !exact))
        })?;
        match found {
            (_, true) => Err(StoreError::Refused {
                what: format!("several runs begin with {id:?}"),
                remedy: "give more of the run's id",
            }),
            (record, false) => Ok(record),
        }
    }

    /// What happened to the items of a run, from an item on, in item order and for one item in its order.
    pub fn items(&self, run: &str, from: u64, limit: u32) -> Result<Vec<ItemEvent>, StoreError> {
        let from = item_sql(from)?;
        self.inner.read("read a run's items", |c| {
            c.prepare_cached(
                "SELECT item, status, detail FROM run_item WHERE run = ?1 AND item >= ?2
                 ORDER BY item, n LIMIT ?3",
            )?
            .query_map(params![run, from, limit], |row| {
                Ok(ItemEvent { item: unsigned(row.get(0)?), status: row.get(1)?, detail_json: row.get(2)? })
            })?
            .collect()
        })
    }

    /// A run that says it is running is believed only while its worker lives.
    fn judged(
        &self,
        connection: &Connection,
        mut run: RunSummary,
        worker: &str,
        now: Millis,
    ) -> rusqlite::Result<RunSummary> {
        if run.status == RUNNING && !self.inner.alive(connection, worker, now)? {
            INTERRUPTED.clone_into(&mut run.status);
        }
        Ok(run)
    }
}

fn nodes(connection: &Connection, run: &str) -> rusqlite::Result<Vec<NodeStat>> {
    connection
        .prepare_cached(
            "SELECT node, ty, ran, cached, failed, ms, bytes, key FROM run_node WHERE run = ?1
             ORDER BY position",
        )?
        .query_map([run], |row| {
            Ok(NodeStat {
                node: row.get(0)?,
                ty: row.get(1)?,
                ran: unsigned(row.get(2)?),
                cached: unsigned(row.get(3)?),
                failed: unsigned(row.get(4)?),
                ms: unsigned(row.get(5)?),
                bytes: unsigned(row.get(6)?),
                key: row.get(7)?,
            })
        })?
        .collect()
}

fn items(connection: &Connection, run: &str) -> rusqlite::Result<BTreeMap<String, u64>> {
    connection
        .prepare_cached(
            "SELECT status, count(*) FROM run_item WHERE n IN
             (SELECT max(n) FROM run_item WHERE run = ?1 GROUP BY item) GROUP BY status",
        )?
        .query_map([run], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?
        .collect::<rusqlite::Result<Vec<_>>>()
        .map(|rows| rows.into_iter().collect())
}
