//! The queue in memory: for one process, for tests, and as the plainest reading of what a queue does.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;

use crate::error::StoreError;
use crate::millis::Millis;
use crate::queue::{
    BatchSpec, Counts, JobRow, JobState, Lease, MAX_DELIVERIES, Mode, Opened, Outcome, Queue, WORKER_TTL_MS,
};
use crate::sqlite_queue::{UNSETTLED, poison};

struct Job {
    wanted: bool,
    state: JobState,
    token: u64,
    deliveries: u32,
    lease_until: Millis,
    worker: String,
    detail: String,
}

#[derive(Default)]
struct Batch {
    jobs: BTreeMap<u64, Job>,
    /// The wanted items of each state.
    by_state: [BTreeSet<u64>; 8],
    members: BTreeSet<String>,
}

impl Batch {
    fn at(&self, state: JobState) -> &BTreeSet<u64> {
        &self.by_state[state as usize]
    }

    /// Changes a job, and keeps the sets in step.
    fn change(&mut self, item: u64, work: impl FnOnce(&mut Job)) {
        let Some(job) = self.jobs.get_mut(&item) else { return };
        self.by_state[job.state as usize].remove(&item);
        work(job);
        if job.wanted {
            self.by_state[job.state as usize].insert(item);
        }
    }

    fn set(&mut self, item: u64, state: JobState, detail: String) {
        self.change(item, |job| {
            job.state = state;
            job.detail = detail;
            job.worker.clear();
            job.lease_until = Millis(0);
            if !state.is_settled() {
                job.deliveries = 0;
            }
        });
    }

    /// A lease that was lost: the job is ready, or has been lost too often.
    fn lose(&mut self, item: u64, max: u32) {
        self.change(item, |job| {
            job.worker.clear();
            job.lease_until = Millis(0);
            job.state = if job.deliveries < max { JobState::Ready } else { JobState::Dead };
            if job.state == JobState::Dead {
                job.detail = poison(job.deliveries);
            }
        });
    }

    fn settled_below(&self, item: u64) -> bool {
        UNSETTLED.iter().all(|&state| self.at(state).first().is_none_or(|&low| low >= item))
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for state in JobState::ALL {
            *counts.of(state) = self.at(state).len() as u64;
        }
        counts
    }

    /// The job of a lease that still holds.
    fn held(&self, lease: &Lease) -> bool {
        self.jobs
            .get(&lease.item)
            .is_some_and(|job| job.state == JobState::Leased && job.token == lease.token)
    }
}

#[derive(Default)]
struct State {
    batches: BTreeMap<String, Batch>,
    workers: BTreeMap<String, Millis>,
}

impl State {
    fn register(&mut self, worker: &str, until: Millis) {
        let known = self.workers.entry(worker.to_owned()).or_insert(until);
        *known = until.max(*known);
    }

    fn is_alive(&self, worker: &str, now: Millis) -> bool {
        self.workers.get(worker).is_some_and(|&until| until > now)
    }
}

/// A queue that lives as long as the process.
pub struct MemoryQueue {
    state: Mutex<State>,
    max_deliveries: u32,
}

impl Default for MemoryQueue {
    fn default() -> Self {
        Self { state: Mutex::default(), max_deliveries: MAX_DELIVERIES }
    }
}

impl MemoryQueue {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How often a job is handed out without ever coming back before it counts as dead.
    #[must_use]
    pub fn max_deliveries(mut self, times: u32) -> Self {
        self.max_deliveries = times.max(1);
        self
    }
}

impl Queue for MemoryQueue {
    fn open_batch(&self, spec: &BatchSpec, worker: &str, now: Millis) -> Result<Opened, StoreError> {
        let items = spec.items.all()?;
        let mut state = self.state.lock();
        let state = &mut *state;
        let batch = state.batches.entry(spec.id.clone()).or_default();
        let workers = &state.workers;
        batch.members.retain(|w| w == worker || workers.get(w).is_some_and(|&until| until > now));
        let joined = batch.counts().unsettled() > 0 && batch.members.iter().any(|w| w != worker);
        batch.members.insert(worker.to_owned());
        if !joined {
            batch.jobs.values_mut().for_each(|job| job.wanted = false);
            batch.by_state.iter_mut().for_each(BTreeSet::clear);
        }
        for item in items {
            batch.jobs.entry(item).or_insert_with(|| Job {
                wanted: false,
                state: JobState::Ready,
                token: 0,
                deliveries: 0,
                lease_until: Millis(0),
                worker: String::new(),
                detail: String::new(),
            });
            batch.change(item, |job| job.wanted = true);
            if !joined && spec.mode == Mode::Fresh {
                batch.set(item, JobState::Ready, String::new());
            }
        }
        if !joined {
            for item in batch.at(JobState::Leased).clone() {
                batch.lose(item, self.max_deliveries);
            }
        }
        let counts = batch.counts();
        state.register(worker, now.plus(WORKER_TTL_MS));
        Ok(Opened { joined, ready: counts.ready, done: counts.done })
    }

    fn leave_batch(&self, batch: &str, worker: &str) -> Result<(), StoreError> {
        if let Some(batch) = self.state.lock().batches.get_mut(batch) {
            batch.members.remove(worker);
        }
        Ok(())
    }

    fn claim(
        &self,
        batch: &str,
        worker: &str,
        lease_ms: u64,
        now: Millis,
    ) -> Result<Option<Lease>, StoreError> {
        let mut state = self.state.lock();
        let Some(found) = state.batches.get_mut(batch) else { return Ok(None) };
        let leased = found.at(JobState::Leased).iter();
        let expired: Vec<(u64, u32)> = leased
            .filter_map(|item| Some((*item, found.jobs.get(item)?)))
            .filter(|(_, job)| job.lease_until <= now)
            .map(|(item, job)| (item, job.deliveries))
            .collect();
        let mut lost = None;
        for (item, deliveries) in expired {
            if deliveries < self.max_deliveries {
                lost = Some(item);
                break;
            }
            found.lose(item, self.max_deliveries);
        }
        let ready = found.at(JobState::Ready).first().copied();
        let turn = found.at(JobState::Waiting).first().copied().filter(|&item| found.settled_below(item));
        let Some(item) = ready.into_iter().chain(lost).chain(turn).min() else { return Ok(None) };
        let mut lease = Lease { batch: batch.to_owned(), item, token: 0, attempt: 0 };
        found.change(item, |job| {
            job.state = JobState::Leased;
            job.token += 1;
            job.deliveries += 1;
            job.lease_until = now.plus(lease_ms);
            worker.clone_into(&mut job.worker);
            job.detail.clear();
            lease.token = job.token;
            lease.attempt = job.deliveries;
        });
        Ok(Some(lease))
    }

    fn heartbeat(&self, lease: &Lease, lease_ms: u64, now: Millis) -> Result<bool, StoreError> {
        let mut state = self.state.lock();
        let until = now.plus(lease_ms);
        let Some(batch) = state.batches.get_mut(&lease.batch).filter(|batch| batch.held(lease)) else {
            return Ok(false);
        };
        let mut worker = String::new();
        batch.change(lease.item, |job| {
            job.lease_until = job.lease_until.max(until);
            worker.clone_from(&job.worker);
        });
        if let Some(known) = state.workers.get_mut(&worker) {
            *known = until.max(*known);
        }
        Ok(true)
    }

    fn settle(&self, lease: &Lease, outcome: Outcome, _now: Millis) -> Result<bool, StoreError> {
        let mut state = self.state.lock();
        let Some(batch) = state.batches.get_mut(&lease.batch).filter(|batch| batch.held(lease)) else {
            return Ok(false);
        };
        let (to, detail) = match outcome {
            Outcome::Done { detail } => (JobState::Done, detail),
            Outcome::Failed { reason } => (JobState::Failed, reason),
            Outcome::Skipped { reason } => (JobState::Skipped, reason),
            Outcome::Parked { reason } => (JobState::Parked, reason),
            Outcome::Waiting { gate } => (JobState::Waiting, gate),
            Outcome::Release => (JobState::Ready, String::new()),
        };
        batch.set(lease.item, to, detail);
        Ok(true)
    }

    fn counts(&self, batch: &str) -> Result<Counts, StoreError> {
        Ok(self.state.lock().batches.get(batch).map(Batch::counts).unwrap_or_default())
    }

    fn jobs(
        &self,
        batch: &str,
        state: Option<JobState>,
        from: u64,
        limit: usize,
    ) -> Result<Vec<JobRow>, StoreError> {
        let all = self.state.lock();
        let Some(batch) = all.batches.get(batch) else { return Ok(Vec::new()) };
        let fits = |job: &Job| job.wanted && state.is_none_or(|state| job.state == state);
        let rows = batch.jobs.range(from..).filter(|(_, job)| fits(job)).take(limit);
        Ok(rows
            .map(|(&item, job)| JobRow {
                item,
                state: job.state,
                detail: job.detail.clone(),
                deliveries: job.deliveries,
            })
            .collect())
    }

    fn retry(
        &self,
        batch: &str,
        states: &[JobState],
        items: Option<&[u64]>,
        _now: Millis,
    ) -> Result<u64, StoreError> {
        let mut all = self.state.lock();
        let Some(batch) = all.batches.get_mut(batch) else { return Ok(0) };
        let mut chosen = BTreeSet::new();
        for &state in states.iter().filter(|s| !matches!(s, JobState::Leased | JobState::Ready)) {
            let here = batch.at(state);
            chosen.extend(here.iter().copied().filter(|item| items.is_none_or(|list| list.contains(item))));
        }
        for &item in &chosen {
            batch.set(item, JobState::Ready, String::new());
        }
        Ok(chosen.len() as u64)
    }

    fn wake(&self, batch: &str, item: u64) -> Result<bool, StoreError> {
        self.retry(batch, &[JobState::Waiting], Some(&[item]), Millis(0)).map(|n| n > 0)
    }

    fn is_settled_below(&self, batch: &str, item: u64) -> Result<bool, StoreError> {
        Ok(self.state.lock().batches.get(batch).is_none_or(|batch| batch.settled_below(item)))
    }

    fn register_worker(&self, worker: &str, ttl_ms: u64, now: Millis) -> Result<(), StoreError> {
        self.state.lock().register(worker, now.plus(ttl_ms));
        Ok(())
    }

    fn forget_worker(&self, worker: &str) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        state.workers.remove(worker);
        for batch in state.batches.values_mut() {
            batch.members.remove(worker);
            let held = |item: &u64| {
                batch.jobs.get(item).is_some_and(|job| job.state == JobState::Leased && job.worker == worker)
            };
            let items: Vec<u64> = batch.jobs.keys().copied().filter(held).collect();
            for item in items {
                batch.set(item, JobState::Ready, String::new());
            }
        }
        Ok(())
    }

    fn is_alive(&self, worker: &str, now: Millis) -> Result<bool, StoreError> {
        Ok(self.state.lock().is_alive(worker, now))
    }
}
