//! Many items through one graph: leased from a queue, settled one by one, collected by fan-ins.
//!
//! A run goes stage by stage: the items of a stage, then what collects them, then the items that need what
//! was collected. Another process that opens the same batch takes part; neither does what the other did.

use super::driver::{Driver, RUN};
use super::event::Event;
use super::frame::{Bad, Frame, Gathered, Of};
use super::waiting::{Watch, say_who_waits, until_answered};
use super::work::Kept;
use super::{Setup, receive, sinks};
use crate::cx::ItemInfo;
use crate::doors::Clock;
use crate::plan::{Plan, Scope};
use kiln_store::{BatchSpec, Counts, Items, JobState, Lease, MemoryQueue, Mode, Outcome, Queue, StoreError};
use kiln_types::Key;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// For how long a job is its worker's without a sign of life.
const LEASE_MS: u64 = 30_000;

/// Which items a batch makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchItems {
    /// From the first number up to, but without, the second.
    Range(u64, u64),
    /// The rows of a table, as items 0, 1, 2 …; each row names its columns.
    Rows(Arc<Vec<Vec<(String, String)>>>),
    /// Some rows of a table.
    SomeRows(Arc<Vec<Vec<(String, String)>>>, u64, u64),
    /// One item, with the row it had.
    One(u64, Vec<(String, String)>),
}

/// A batch to be made.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Tells it from batches of other graphs and options; see [`Plan::identity`].
    pub id: String,
    /// Its items.
    pub items: BatchItems,
    /// Goes on where an earlier run of the same batch stopped.
    pub resume: bool,
}

impl Batch {
    /// A batch of a plan. Its id says what its items are, but not how many of a range are made, nor by whom:
    /// so a later run goes on with it, and another process may join.
    #[must_use]
    pub fn new(plan: &Plan, items: BatchItems, resume: bool) -> Self {
        let mut maker = crate::keys::KeyMaker::new("batch");
        maker.key(&plan.identity());
        let mut rows = |rows: &[Vec<(String, String)>]| {
            maker.u64(rows.len() as u64);
            for (name, cell) in rows.iter().flatten() {
                maker.str(name);
                maker.str(cell);
            }
        };
        match &items {
            BatchItems::Range(..) => {}
            BatchItems::Rows(table) | BatchItems::SomeRows(table, ..) => rows(table),
            BatchItems::One(item, row) => {
                rows(std::slice::from_ref(row));
                maker.u64(*item);
            }
        }
        Self { id: maker.done().to_string()[..24].to_owned(), items, resume }
    }

    /// How many items.
    #[must_use]
    pub fn len(&self) -> u64 {
        match &self.items {
            BatchItems::Range(a, b) | BatchItems::SomeRows(_, a, b) => b.saturating_sub(*a),
            BatchItems::Rows(rows) => rows.len() as u64,
            BatchItems::One(..) => 1,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn range(&self) -> (u64, u64) {
        match &self.items {
            BatchItems::Range(a, b) | BatchItems::SomeRows(_, a, b) => (*a, *b),
            BatchItems::Rows(rows) => (0, rows.len() as u64),
            BatchItems::One(item, _) => (*item, item.saturating_add(1)),
        }
    }

    pub(super) fn info(&self, item: u64) -> ItemInfo {
        let row = match &self.items {
            BatchItems::Range(..) => Vec::new(),
            BatchItems::One(_, row) => row.clone(),
            BatchItems::Rows(rows) | BatchItems::SomeRows(rows, ..) => {
                usize::try_from(item).ok().and_then(|at| rows.get(at)).cloned().unwrap_or_default()
            }
        };
        ItemInfo { item, count: self.len(), row }
    }
}

/// What a finished item leaves for the fan-ins: keys by the number of the kept value.
#[derive(Serialize, Deserialize, Default)]
struct Detail {
    #[serde(default)]
    keep: BTreeMap<u32, String>,
}

/// Leases under way, renewed by a thread of their own while workers are busy.
struct Pulse {
    leases: Arc<Mutex<BTreeMap<u64, Lease>>>,
    stop: Arc<AtomicBool>,
}

pub(super) fn run(
    driver: &mut Driver<'_>,
    batch: &Batch,
    setup: &Setup,
    clock: &dyn Clock,
) -> Result<Counts, StoreError> {
    let plan = driver.plan;
    let queue: Arc<dyn Queue> = match &setup.out {
        Some(out) => Arc::new(out.folder().queue()),
        None => Arc::new(MemoryQueue::new()),
    };
    queue.register_worker(&setup.worker, LEASE_MS, clock.now())?;
    let pulse = Pulse { leases: Arc::default(), stop: Arc::default() };
    let mut last = Counts::default();
    let result = std::thread::scope(|scope| {
        let beat = (pulse.leases.clone(), pulse.stop.clone(), queue.clone(), setup.worker.clone());
        scope.spawn(move || keep_alive(&beat.0, &beat.1, beat.2.as_ref(), &beat.3, clock));
        let mut windows: BTreeMap<u32, Vec<(u64, Key)>> = BTreeMap::new();
        let mut outcome = Ok(());
        for stage in 0..=plan.stages {
            match run_stage(driver, batch, setup, clock, &queue, &pulse, stage, &mut windows) {
                Ok(Some(counts)) => last = counts,
                Ok(None) => {}
                Err(e) => {
                    outcome = Err(e);
                    break;
                }
            }
            if setup_is_over(driver, plan, &last, setup, stage) {
                break;
            }
        }
        pulse.stop.store(true, Ordering::SeqCst);
        outcome
    });
    let _ = note_old_failures(driver, batch, queue.as_ref());
    // Only now: whoever joins while a fan-in is under way must not begin the batch anew.
    for stage in 0..=plan.stages {
        queue.leave_batch(&stage_id(&batch.id, stage), &setup.worker)?;
    }
    queue.forget_worker(&setup.worker)?;
    result.map(|()| last)
}

/// Items that failed in an earlier run, or in another process, are told as well, with their reasons.
fn note_old_failures(driver: &mut Driver<'_>, batch: &Batch, queue: &dyn Queue) -> Result<(), StoreError> {
    for stage in 0..=driver.plan.stages {
        for state in [JobState::Failed, JobState::Dead] {
            for row in queue.jobs(&stage_id(&batch.id, stage), Some(state), 0, 1000)? {
                let told = driver.failures.iter().any(|(_, item, _)| *item == Some(row.item));
                if !told && driver.failures.len() < 1000 {
                    let node = row.detail.split([':', '.']).next().unwrap_or_default().to_owned();
                    driver.failures.push((node, Some(row.item), row.detail));
                }
            }
        }
    }
    Ok(())
}

/// Whether the next stage cannot run: cancelled, or its fan-in would miss items.
fn setup_is_over(driver: &mut Driver<'_>, plan: &Plan, counts: &Counts, setup: &Setup, stage: u32) -> bool {
    if driver.ends_early() {
        return true;
    }
    let (broken, waits) = (counts.failed + counts.dead, counts.parked + counts.waiting);
    if stage < plan.stages && broken + waits > 0 && !setup.partial {
        let waiting: Vec<&str> = plan
            .order
            .iter()
            .map(|i| &plan.nodes[*i as usize])
            .filter(|n| n.stage == stage + 1 && n.node.schema().inputs.iter().any(|i| i.gather))
            .map(|n| n.id.as_str())
            .collect();
        let who = crate::words::list(&waiting);
        if broken == 0 {
            driver.note(format!(
                "{who} collects over all items, and {waits} of them wait for a person: it goes on when they are \
                 decided, or run with --partial"
            ));
            return true;
        }
        let also = if waits > 0 { format!(" and {waits} wait for a person") } else { String::new() };
        let reason = format!(
            "{who} collects over all items, but {broken} of them failed{also}: mend them with retry, or run with --partial"
        );
        driver.failures.push((waiting.first().copied().unwrap_or_default().to_owned(), None, reason));
        return true;
    }
    false
}

fn keep_alive(
    leases: &Mutex<BTreeMap<u64, Lease>>,
    stop: &AtomicBool,
    queue: &dyn Queue,
    worker: &str,
    clock: &dyn Clock,
) {
    let mut last = Instant::now();
    while !stop.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(20));
        if last.elapsed() < Duration::from_millis(LEASE_MS / 4) {
            continue;
        }
        last = Instant::now();
        let now = clock.now();
        // A beat that fails is tried again at the next; a lost lease shows when it is settled.
        let _ = queue.register_worker(worker, LEASE_MS, now);
        for lease in leases.lock().values() {
            let _ = queue.heartbeat(lease, LEASE_MS, now);
        }
    }
}

/// A batch of one stage has a name of its own in the queue.
#[must_use]
pub fn stage_id(batch: &str, stage: u32) -> String {
    if stage == 0 { batch.to_owned() } else { format!("{batch}-{stage}") }
}

#[allow(clippy::too_many_arguments, reason = "one loop over everything a stage touches")]
fn run_stage(
    driver: &mut Driver<'_>,
    batch: &Batch,
    setup: &Setup,
    clock: &dyn Clock,
    queue: &Arc<dyn Queue>,
    pulse: &Pulse,
    stage: u32,
    windows: &mut BTreeMap<u32, Vec<(u64, Key)>>,
) -> Result<Option<Counts>, StoreError> {
    let plan = driver.plan;
    if stage > 0 {
        collect(driver, batch, queue.as_ref(), stage, windows)?;
    }
    driver.ask(RUN, &sinks(plan, Scope::Run, Some(stage)));
    let mut window_frames = open_windows(driver, plan, stage);
    let item_sinks = sinks(plan, Scope::Item, Some(stage));
    if item_sinks.is_empty() {
        while !(driver.is_idle() || driver.ends_early() && driver.inflight == [0, 0]) {
            driver.pump();
            driver.dispatch();
            if driver.inflight != [0, 0] {
                receive(driver, Duration::from_millis(200));
            }
            mend(driver, batch, stage);
            close_windows(driver, plan, &mut window_frames, windows);
        }
        close_windows(driver, plan, &mut window_frames, windows);
        until_answered(driver, setup, clock, &mut super::drive)?;
        return Ok(None);
    }
    let id = stage_id(&batch.id, stage);
    driver.batch = Some(id.clone());
    let (from, to) = batch.range();
    let mode = if batch.resume { Mode::Resume } else { Mode::Fresh };
    let spec = BatchSpec { id: id.clone(), items: Items::Range(from, to), mode };
    let opened = queue.open_batch(&spec, &setup.worker, clock.now())?;
    if let Some(out) = setup.out.as_ref().filter(|_| !opened.joined) {
        // Those whose question was answered meanwhile, or is not asked any more.
        out.folder().reviews().wake_answered(&id)?;
    }
    let mut watch = Watch::new(setup)?;
    let mut stuck = false;
    let total = batch.len();
    let mut settled = {
        let c = queue.counts(&id)?;
        c.total() - c.unsettled()
    };
    let mut active: BTreeSet<u64> = BTreeSet::new();
    let mut dry_until = Instant::now();
    loop {
        let cancelled = driver.ends_early();
        if !stuck {
            watch.look(setup, false);
        }
        mend(driver, batch, stage);
        driver.pump();
        close_windows(driver, plan, &mut window_frames, windows);
        for frame in std::mem::take(&mut driver.finished) {
            if active.remove(&frame) {
                settled += u64::from(settle(driver, frame, queue.as_ref(), pulse, clock, settled, total)?);
                dry_until = Instant::now();
            }
        }
        let mut dry = Instant::now() < dry_until;
        while !cancelled && !dry && active.len() < setup.jobs.max(1) {
            match queue.claim(&id, &setup.worker, LEASE_MS, clock.now())? {
                Some(lease) => {
                    stuck = false;
                    pulse.leases.lock().insert(lease.item, lease.clone());
                    if let Some(frame) = begin(driver, batch, lease.clone(), &item_sinks) {
                        active.insert(frame);
                    } else {
                        pulse.leases.lock().remove(&lease.item);
                        settled += 1;
                        queue.settle(
                            &lease,
                            Outcome::Failed { reason: driver.last_failure() },
                            clock.now(),
                        )?;
                    }
                }
                None => {
                    dry = true;
                    dry_until = Instant::now() + Duration::from_millis(60);
                }
            }
        }
        driver.pump();
        driver.dispatch();
        if !driver.finished.is_empty() || !driver.lost.is_empty() {
            continue;
        }
        if driver.inflight != [0, 0] {
            receive(driver, Duration::from_millis(60));
            continue;
        }
        if cancelled {
            break;
        }
        if active.is_empty() && driver.is_idle() {
            let counts = queue.counts(&id)?;
            let idle = counts.ready == 0 && counts.leased == 0;
            if counts.unsettled() == 0 && counts.parked == 0 {
                break;
            }
            if idle && counts.parked > 0 {
                // What is left waits for a person, or behind what does. Looked at twice: somebody else may just
                // have brought a turn about.
                if !std::mem::replace(&mut stuck, true) {
                    dry_until = Instant::now();
                    continue;
                }
                if counts.waiting > 0 {
                    say_who_waits(driver, setup, &id, counts)?;
                }
                if !setup.wait {
                    break;
                }
                watch.wait(driver, setup, clock, &id)?;
                dry_until = Instant::now();
                continue;
            }
            stuck = false;
            // Others are at it, or an item waits for its turn.
            std::thread::sleep(Duration::from_millis(30));
        } else if driver.is_idle() {
            // Frames that cannot go on by themselves: nothing in this process will wake them.
            for frame in std::mem::take(&mut active) {
                if let Some(f) = driver.frames.get_mut(&frame) {
                    f.worst =
                        Some(Bad::Failed("the item came to a standstill: a fault of the engine".into()));
                }
                settled += u64::from(settle(driver, frame, queue.as_ref(), pulse, clock, settled, total)?);
            }
        }
    }
    for frame in active {
        driver.file_rest(frame);
        if let Some(f) = driver.close(frame)
            && let Some(lease) = f.lease
        {
            pulse.leases.lock().remove(&lease.item);
            queue.settle(&lease, Outcome::Release, clock.now())?;
        }
    }
    until_answered(driver, setup, clock, &mut super::drive)?;
    queue.counts(&id).map(Some)
}

/// Opens an item's frame. `None` when its row cannot be read; the reason is the driver's last failure.
fn begin(driver: &mut Driver<'_>, batch: &Batch, lease: Lease, item_sinks: &[u32]) -> Option<u64> {
    let info = Arc::new(batch.info(lease.item));
    let set = match driver.row_values(&info) {
        Ok(set) => set,
        Err(e) => {
            driver.failures.push((e.0, Some(lease.item), e.1));
            return None;
        }
    };
    let frame = driver.open(Of::Item(info));
    if let Some(f) = driver.frames.get_mut(&frame) {
        f.set = set;
        f.lease = Some(lease);
    }
    driver.ask(frame, item_sinks);
    Some(frame)
}

/// Ends an item: its outcome goes to the queue. Tells whether it is settled for good.
fn settle(
    driver: &mut Driver<'_>,
    frame: u64,
    queue: &dyn Queue,
    pulse: &Pulse,
    clock: &dyn Clock,
    settled: u64,
    total: u64,
) -> Result<bool, StoreError> {
    driver.file_rest(frame);
    let Some(mut f) = driver.close(frame) else { return Ok(false) };
    let asked = std::mem::take(&mut f.asked);
    let Some(lease) = &f.lease else { return Ok(false) };
    let cancelled = driver.shared.cancel.is_cancelled();
    let (outcome, status, reason) = match &f.worst {
        None => (Outcome::Done { detail: detail(&f) }, "done", None),
        Some(Bad::Failed(_)) if cancelled => (Outcome::Release, "cancelled", None),
        Some(Bad::Failed(r)) => (Outcome::Failed { reason: r.to_string() }, "failed", Some(r.to_string())),
        Some(Bad::Skipped(r)) => (Outcome::Skipped { reason: r.to_string() }, "skipped", Some(r.to_string())),
        Some(Bad::Parked(r)) => (Outcome::Parked { reason: r.to_string() }, "parked", Some(r.to_string())),
        Some(Bad::NotYet(gate)) => (Outcome::Waiting { gate: gate.to_string() }, "waiting", None),
    };
    let for_good = matches!(outcome, Outcome::Done { .. } | Outcome::Failed { .. } | Outcome::Skipped { .. });
    let ours = queue.settle(lease, outcome, clock.now())?;
    pulse.leases.lock().remove(&lease.item);
    if ours {
        asked.into_iter().for_each(|w| driver.tell_parked(w));
    }
    if for_good && ours {
        (driver.shared.listener)(&Event::ItemFinished {
            item: lease.item,
            status: status.to_owned(),
            reason,
            settled: (settled + 1).min(total),
            total,
        });
    }
    Ok(for_good && ours)
}

fn detail(frame: &Frame) -> String {
    let keep = frame.kept.iter().map(|(n, k)| (*n, k.to_string())).collect();
    serde_json::to_string(&Detail { keep }).unwrap_or_default()
}

/// Gives the fan-ins of a stage what the stage before left for them, making again what the cache lost.
fn collect(
    driver: &mut Driver<'_>,
    batch: &Batch,
    queue: &dyn Queue,
    stage: u32,
    windows: &BTreeMap<u32, Vec<(u64, Key)>>,
) -> Result<(), StoreError> {
    let plan = driver.plan;
    let mut lists: BTreeMap<u32, Vec<(u64, Key)>> = windows.clone();
    for before in 0..stage {
        let keeps: Vec<u32> = plan
            .keeps
            .iter()
            .map(|k| k.node)
            .filter(|n| {
                plan.nodes[*n as usize].scope == Scope::Item && plan.nodes[*n as usize].stage == before
            })
            .collect();
        if keeps.is_empty() {
            continue;
        }
        let id = stage_id(&batch.id, before);
        let (from, to) = batch.range();
        let mut at = from;
        let mut lost = Vec::new();
        loop {
            let rows = queue.jobs(&id, Some(JobState::Done), at, 1000)?;
            let Some(end) = rows.last().map(|r| r.item) else { break };
            for row in rows.iter().filter(|r| r.item < to) {
                let detail: Detail = serde_json::from_str(&row.detail).unwrap_or_default();
                for keep in &keeps {
                    let key = detail.keep.get(keep).and_then(|k| k.parse::<Key>().ok());
                    match key {
                        Some(key) => {
                            if driver.shared.where_is(&key).is_none() {
                                lost.push(row.item);
                            }
                            lists.entry(*keep).or_default().push((row.item, key));
                        }
                        None => lost.push(row.item),
                    }
                }
            }
            at = end + 1;
        }
        lost.dedup();
        driver.batch = Some(id);
        make_again(driver, batch, &lost, &keeps, &mut lists);
    }
    for index in &plan.order {
        let node = &plan.nodes[*index as usize];
        if node.stage != stage || node.scope == Scope::Item || matches!(node.scope, Scope::Window(_)) {
            continue;
        }
        for slot in 0..node.node.schema().inputs.len() as u32 {
            if let Some(list) = list_for(plan, *index, slot, &lists) {
                driver.collect(RUN, *index, slot, gathered(driver, list));
            }
        }
    }
    driver.lists = lists;
    Ok(())
}

/// The list that a gather slot collects; the values of all items, in item order.
fn list_for(
    plan: &Plan,
    node: u32,
    slot: u32,
    lists: &BTreeMap<u32, Vec<(u64, Key)>>,
) -> Option<Vec<(u64, Key)>> {
    let own = &plan.nodes[node as usize];
    own.node.schema().inputs.get(slot as usize).filter(|i| i.gather)?;
    let mut all: Vec<(u64, u32, Key)> = Vec::new();
    let mut crosses = false;
    for wire in crate::plan::wires(std::slice::from_ref(&own.slots[slot as usize])) {
        if let Some(keep) = plan.keeps.iter().find(|k| k.wire == wire && k.result.is_none()) {
            crosses = true;
            let list = lists.get(&keep.node).map(Vec::as_slice).unwrap_or_default();
            all.extend(list.iter().map(|(i, k)| (*i, keep.node, *k)));
        }
    }
    all.sort_by_key(|(item, keep, _)| (*item, *keep));
    crosses.then(|| all.into_iter().map(|(i, _, k)| (i, k)).collect())
}

fn gathered(driver: &Driver<'_>, list: Vec<(u64, Key)>) -> Gathered {
    let digest = Driver::digest(&list);
    Gathered { digest, items: Arc::new(Kept { list: list.into(), shared: driver.shared.clone() }) }
}

/// Makes values again that the cache lost: the same recipe gives the same key.
fn make_again(
    driver: &mut Driver<'_>,
    batch: &Batch,
    lost: &[u64],
    keeps: &[u32],
    lists: &mut BTreeMap<u32, Vec<(u64, Key)>>,
) {
    for item in lost {
        if driver.ends_early() {
            return;
        }
        let info = Arc::new(batch.info(*item));
        let Ok(set) = driver.row_values(&info) else { continue };
        let frame = driver.open(Of::Item(info));
        if let Some(f) = driver.frames.get_mut(&frame) {
            f.set = set;
        }
        driver.ask(frame, keeps);
        super::drive(driver);
        driver.finished.retain(|f| *f != frame);
        if let Some(f) = driver.close(frame) {
            for (keep, key) in f.kept {
                let list = lists.entry(keep).or_default();
                match list.iter_mut().find(|(i, _)| i == item) {
                    Some(entry) => entry.1 = key,
                    None => list.push((*item, key)),
                }
                list.sort_unstable_by_key(|(i, _)| *i);
            }
        }
    }
}

/// A fan-in found a collected value lost (a torn file, a cache somebody cleared): every lost one is made
/// again and kept in memory this time, and the fan-in begins anew.
fn mend(driver: &mut Driver<'_>, batch: &Batch, stage: u32) {
    if driver.lost.is_empty() {
        return;
    }
    let plan = driver.plan;
    driver.mended += 1;
    driver.shared.hold.store(true, Ordering::SeqCst);
    let waiting = std::mem::take(&mut driver.lost);
    let mut lists = std::mem::take(&mut driver.lists);
    let now = driver.batch.take();
    for before in 0..stage {
        let keeps: Vec<u32> = lists
            .keys()
            .copied()
            .filter(|n| {
                plan.nodes[*n as usize].scope == Scope::Item && plan.nodes[*n as usize].stage == before
            })
            .collect();
        let of_keeps = lists.iter().filter(|(keep, _)| keeps.contains(keep)).flat_map(|(_, list)| list);
        let lost: BTreeSet<u64> =
            of_keeps.filter(|(_, key)| driver.shared.fetch(key).is_none()).map(|(item, _)| *item).collect();
        let lost: Vec<u64> = lost.into_iter().collect();
        driver.batch = Some(stage_id(&batch.id, before));
        make_again(driver, batch, &lost, &keeps, &mut lists);
    }
    driver.batch = now;
    driver.lists = lists;
    for (frame, node) in waiting {
        if let Some(cell) = driver.cell_mut(frame, node) {
            cell.state = super::frame::State::Idle;
        }
        driver.again(frame, node);
    }
}

/// Opens a frame for every window of a stage.
fn open_windows(driver: &mut Driver<'_>, plan: &Plan, stage: u32) -> BTreeSet<u64> {
    let mut frames = BTreeSet::new();
    let scopes: BTreeSet<Scope> = plan
        .order
        .iter()
        .map(|i| &plan.nodes[*i as usize])
        .filter(|n| n.stage == stage && matches!(n.scope, Scope::Window(_)))
        .map(|n| n.scope)
        .collect();
    for scope in scopes {
        let Scope::Window(size) = scope else { continue };
        let wanted = sinks(plan, scope, Some(stage));
        let mut count = 0;
        let mut slots = Vec::new();
        for index in plan.order.iter().filter(|i| plan.nodes[**i as usize].scope == scope) {
            for slot in 0..plan.nodes[*index as usize].node.schema().inputs.len() as u32 {
                if let Some(list) = list_for(plan, *index, slot, &driver.lists) {
                    count = count.max(list.len().div_ceil(size as usize));
                    slots.push((*index, slot, list));
                }
            }
        }
        for window in 0..count {
            let frame = driver.open(Of::Window(window as u64, size));
            for (index, slot, list) in &slots {
                let part: Vec<(u64, Key)> =
                    list.chunks(size as usize).nth(window).map(<[_]>::to_vec).unwrap_or_default();
                let gathered = gathered(driver, part);
                driver.collect(frame, *index, *slot, gathered);
            }
            driver.ask(frame, &wanted);
            frames.insert(frame);
        }
    }
    frames
}

/// Takes what finished windows leave for those who collect over windows.
fn close_windows(
    driver: &mut Driver<'_>,
    plan: &Plan,
    open: &mut BTreeSet<u64>,
    windows: &mut BTreeMap<u32, Vec<(u64, Key)>>,
) {
    let (ours, others): (Vec<u64>, Vec<u64>) =
        std::mem::take(&mut driver.finished).into_iter().partition(|f| open.contains(f));
    driver.finished = others;
    for frame in ours {
        open.remove(&frame);
        driver.file_rest(frame);
        let Some(f) = driver.close(frame) else { continue };
        if let Some(bad) = &f.worst
            && driver.window_worst.as_ref().is_none_or(|w| w.rank() < bad.rank())
        {
            driver.window_worst = Some(bad.clone());
        }
        if let Of::Window(window, _) = f.of {
            for (keep, key) in f.kept {
                let list = windows.entry(keep).or_default();
                list.push((window, key));
                list.sort_unstable_by_key(|(w, _)| *w);
            }
        }
    }
    let _ = plan;
}
