//! The job queue: which items of a batch are to be done, by whom, and what came of it.
//!
//! A job is *ready*, *leased* to a worker, *waiting* for its turn at an ordered gate, *parked* for a person,
//! or settled: *done*, *failed*, *skipped*, or *dead* (it was handed out again and again and no worker ever
//! came back). A lease has an end; a worker that means to keep it sends heartbeats. A lease's token changes
//! with each delivery, so a worker that was given up for dead cannot settle what another has since been given.
//!
//! Every implementation passes [`crate::conformance::queue`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::millis::Millis;

/// How often a job is handed out without being settled before it counts as dead, unless said otherwise.
pub const MAX_DELIVERIES: u32 = 5;

/// For how long a worker counts as alive after it opened a batch, if it has no presence in the folder and
/// sends no word.
pub const WORKER_TTL_MS: u64 = 30_000;

/// The most items a batch may have: a slip of the pen makes no billion rows.
pub const MAX_ITEMS: u64 = 10_000_000;

/// Which items a batch has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Items {
    /// From the first number up to, but without, the second.
    Range(u64, u64),
    /// These.
    List(Vec<u64>),
}

/// What opening a batch does with what is there from before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// All of it is done again, and the decisions of its ordered gates are dropped.
    Fresh,
    /// What is settled or parked stays; what was leased is ready again.
    Resume,
}

/// A batch to be worked on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchSpec {
    /// The identity of the graph and the options.
    pub id: String,
    /// Its items. Items of an earlier opening that are not among them rest until they are wanted again.
    pub items: Items,
    /// What to do with what is there from before.
    pub mode: Mode,
}

/// A batch as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Others are working on it; nothing that was there has been changed.
    pub joined: bool,
    /// How many jobs are ready.
    pub ready: u64,
    /// How many are done.
    pub done: u64,
}

/// A job in a worker's hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The batch.
    pub batch: String,
    /// The item.
    pub item: u64,
    /// Tells this delivery from every other one of the job.
    pub token: u64,
    /// The how-manieth delivery since the job last came back in order, from 1.
    pub attempt: u32,
}

/// What became of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done {
        /// What to remember of it.
        detail: String,
    },
    /// It failed, and would fail again.
    Failed {
        /// Why.
        reason: String,
    },
    /// A gate said that the item is to be left out.
    Skipped {
        /// Why.
        reason: String,
    },
    /// It waits for a person.
    Parked {
        /// For what.
        reason: String,
    },
    /// It waits for its turn at an ordered gate, and is handed out again when the turn has come.
    Waiting {
        /// Which gate.
        gate: String,
    },
    /// The worker gives it back untried.
    Release,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// To be handed out.
    Ready,
    /// In a worker's hands.
    Leased,
    /// Waiting for its turn at an ordered gate.
    Waiting,
    /// Waiting for a person.
    Parked,
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// Left out.
    Skipped,
    /// Handed out too often without ever coming back.
    Dead,
}

impl JobState {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Ready,
        Self::Leased,
        Self::Waiting,
        Self::Parked,
        Self::Done,
        Self::Failed,
        Self::Skipped,
        Self::Dead,
    ];

    /// Whether nothing more happens to the job by itself.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Skipped | Self::Dead)
    }

    /// Its number in the database.
    pub(crate) fn number(self) -> i64 {
        self as i64
    }

    pub(crate) fn from_number(number: i64) -> Option<Self> {
        usize::try_from(number).ok().and_then(|n| Self::ALL.get(n)).copied()
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready => "ready",
            Self::Leased => "leased",
            Self::Waiting => "waiting",
            Self::Parked => "parked",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Dead => "dead",
        })
    }
}

/// How many jobs stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the states")]
pub struct Counts {
    pub ready: u64,
    pub leased: u64,
    pub waiting: u64,
    pub parked: u64,
    pub done: u64,
    pub failed: u64,
    pub skipped: u64,
    pub dead: u64,
}

impl Items {
    /// The items, if there are not too many of them.
    pub(crate) fn all(&self) -> Result<impl Iterator<Item = u64> + '_, StoreError> {
        let (range, list) = match self {
            Self::Range(from, to) => (*from..*to, &[][..]),
            Self::List(list) => (0..0, &list[..]),
        };
        let count = (list.len() as u64).max(range.end.saturating_sub(range.start));
        if count > MAX_ITEMS {
            return Err(StoreError::Refused {
                what: format!("{count} items are more than the {MAX_ITEMS} of one batch"),
                remedy: "split the items over several batches",
            });
        }
        if let Some(top) = list.iter().copied().chain(range.end.checked_sub(1)).max() {
            crate::folder::item_sql(top)?;
        }
        Ok(range.chain(list.iter().copied()))
    }
}

impl Counts {
    /// The count of one state.
    pub fn of(&mut self, state: JobState) -> &mut u64 {
        match state {
            JobState::Ready => &mut self.ready,
            JobState::Leased => &mut self.leased,
            JobState::Waiting => &mut self.waiting,
            JobState::Parked => &mut self.parked,
            JobState::Done => &mut self.done,
            JobState::Failed => &mut self.failed,
            JobState::Skipped => &mut self.skipped,
            JobState::Dead => &mut self.dead,
        }
    }

    /// All jobs.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.unsettled() + self.parked + self.done + self.failed + self.skipped + self.dead
    }

    /// Jobs that workers still have to do: neither settled nor parked.
    #[must_use]
    pub fn unsettled(&self) -> u64 {
        self.ready + self.leased + self.waiting
    }
}

/// A job, to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// The item.
    pub item: u64,
    /// Where it stands.
    pub state: JobState,
    /// The detail, the reason, or the gate that goes with the state.
    pub detail: String,
    /// How often it was handed out since it last came back in order.
    pub deliveries: u32,
}

/// A job queue.
pub trait Queue: Send + Sync {
    /// Opens a batch for a worker. If living workers are at it, joins them: new items are added, nothing else
    /// changes. Otherwise does as the mode says.
    fn open_batch(&self, spec: &BatchSpec, worker: &str, now: Millis) -> Result<Opened, StoreError>;

    /// The worker no longer works on the batch.
    fn leave_batch(&self, batch: &str, worker: &str) -> Result<(), StoreError>;

    /// Hands out the lowest item that is ready, or whose lease ran out, or whose turn at its gate has come.
    /// `None`: nothing at the moment; [`Queue::counts`] tells whether there will be.
    fn claim(
        &self,
        batch: &str,
        worker: &str,
        lease_ms: u64,
        now: Millis,
    ) -> Result<Option<Lease>, StoreError>;

    /// Extends a lease; false if it is lost.
    fn heartbeat(&self, lease: &Lease, lease_ms: u64, now: Millis) -> Result<bool, StoreError>;

    /// Ends a lease; false, and nothing changed, if it was lost. (A job whose decision at an ordered gate no
    /// longer stands is ready again, whatever the outcome says: see [`crate::ordered`].)
    fn settle(&self, lease: &Lease, outcome: Outcome, now: Millis) -> Result<bool, StoreError>;

    /// How many jobs of the batch stand where.
    fn counts(&self, batch: &str) -> Result<Counts, StoreError>;

    /// Jobs of the batch from an item on, in item order, of one state or of all.
    fn jobs(
        &self,
        batch: &str,
        state: Option<JobState>,
        from: u64,
        limit: usize,
    ) -> Result<Vec<JobRow>, StoreError>;

    /// Makes jobs in these states ready again (all of them, or those named), and says how many. A leased job
    /// is left alone. Decisions at ordered gates are not touched: see [`crate::OrderedLog::forget`].
    fn retry(
        &self,
        batch: &str,
        states: &[JobState],
        items: Option<&[u64]>,
        now: Millis,
    ) -> Result<u64, StoreError>;

    /// Makes a waiting job ready, its turn come or not; false if it was not waiting.
    fn wake(&self, batch: &str, item: u64) -> Result<bool, StoreError>;

    /// Whether every item below this one is settled.
    fn is_settled_below(&self, batch: &str, item: u64) -> Result<bool, StoreError>;

    /// Says that a worker is alive, and believed to be for so long.
    fn register_worker(&self, worker: &str, ttl_ms: u64, now: Millis) -> Result<(), StoreError>;

    /// Says that a worker is gone: it leaves its batches, and what it had leased is ready at once.
    fn forget_worker(&self, worker: &str) -> Result<(), StoreError>;

    /// Whether a worker is alive.
    fn is_alive(&self, worker: &str, now: Millis) -> Result<bool, StoreError>;
}
