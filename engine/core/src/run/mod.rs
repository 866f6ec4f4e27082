//! Running a plan: pulled values, workers, gates, items and fan-ins.

mod asking;
mod batch;
pub mod desk;
mod driver;
pub mod event;
mod filing;
mod frame;
mod keying;
mod limit;
mod memory;
mod recipes;
mod regions;
pub mod report;
mod review;
mod settling;
pub mod thumb;
mod waiting;
mod work;
mod working;

pub use memory::MemoryCache;

use crate::cx::{Cancel, GraphText, Lent};
use crate::doors::{Clock, Net, NoNet, OutFolder, Sandbox, SystemClock};
use crate::plan::{Finder, Plan, Scope, Wish};
use crate::problem::{Problem, Problems};
use crate::registry::Registry;
use crate::schema::{Lane, Purity};
use driver::{Driver, RUN};
use event::{EVENTS_VERSION, Event, Listener};
use frame::{Bad, Of};
use kiln_document::Graph;
use kiln_store::{DiskCache, FileHashes};
use kiln_types::{Key, Value};
use parking_lot::Mutex;
use report::{RunReport, Status};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use batch::{Batch, BatchItems, stage_id};

/// What outlives a run: the nodes, the caches, the memory of files.
pub struct Engine {
    registry: Arc<Registry>,
    memory: Arc<MemoryCache>,
    disk: Option<Arc<DiskCache>>,
    files: Arc<FileHashes>,
    clock: Arc<dyn Clock>,
    numeric_class: Arc<str>,
}

/// What one run is given.
pub struct Setup {
    /// The run's id, for records and events.
    pub run: String,
    /// Which files may be read.
    pub sandbox: Arc<Sandbox>,
    /// Where files, journal and queue go.
    pub out: Option<Arc<OutFolder>>,
    /// The network, if any is allowed.
    pub net: Arc<dyn Net>,
    /// Processor threads, and items under way at once.
    pub jobs: usize,
    /// Items to make.
    pub batch: Option<Batch>,
    /// The graph as it belongs into a saved picture.
    pub graph_text: Arc<GraphText>,
    /// Files that Kiln did not make may be replaced.
    pub overwrite: bool,
    /// Remember what went into each key.
    pub explain: bool,
    /// Fan-ins run even when items failed.
    pub partial: bool,
    /// Shows people what they are to decide about.
    pub desk: Option<Arc<dyn desk::Desk>>,
    /// Stays until nothing waits for a person any more.
    pub wait: bool,
    /// So many rejected pictures are kept, small, in the output folder.
    pub keep_rejected: usize,
    /// Who this process is, for leases; made by [`kiln_store::Presence`] where there is a folder.
    pub worker: String,
    /// No new work begins while values under way take more bytes than this.
    pub live_budget: usize,
}

impl Setup {
    /// A run that reads in `base`, without network, output folder or items.
    pub fn new(run: impl Into<String>, base: impl Into<std::path::PathBuf>) -> Self {
        Self {
            run: run.into(),
            sandbox: Arc::new(Sandbox::new(base)),
            out: None,
            net: Arc::new(NoNet),
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            batch: None,
            graph_text: Arc::new(|_| String::new()),
            overwrite: false,
            explain: false,
            partial: false,
            desk: None,
            wait: false,
            keep_rejected: 2000,
            worker: format!("process-{}", std::process::id()),
            live_budget: 4 << 30,
        }
    }
}

impl Engine {
    /// An engine with these nodes, a memory budget of 256 MiB and no disk cache.
    ///
    /// # Errors
    /// When the memory of file hashes cannot be set up.
    pub fn new(registry: Registry) -> Result<Self, kiln_store::StoreError> {
        Ok(Self {
            registry: Arc::new(registry),
            memory: Arc::new(MemoryCache::new(256 << 20)),
            disk: None,
            files: Arc::new(FileHashes::open(None)?),
            clock: Arc::new(SystemClock),
            numeric_class: "cpu-f32-1".into(),
        })
    }

    /// Keeps at most so many bytes of values in memory.
    #[must_use]
    pub fn with_memory(mut self, budget: usize) -> Self {
        self.memory = Arc::new(MemoryCache::new(budget));
        self
    }

    /// Keeps values on disk as well.
    #[must_use]
    pub fn with_disk(mut self, disk: Arc<DiskCache>) -> Self {
        self.disk = Some(disk);
        self
    }

    /// Remembers the hashes of files here.
    #[must_use]
    pub fn with_files(mut self, files: Arc<FileHashes>) -> Self {
        self.files = files;
        self
    }

    /// Names the numeric class of the device lane: part of the key of what it computes.
    #[must_use]
    pub fn with_numeric_class(mut self, class: impl Into<Arc<str>>) -> Self {
        self.numeric_class = class.into();
        self
    }

    /// Tells the time by another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The nodes.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The memory of file hashes.
    #[must_use]
    pub fn files(&self) -> &FileHashes {
        &self.files
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The values kept in memory.
    #[must_use]
    pub fn memory(&self) -> &MemoryCache {
        &self.memory
    }

    /// A node's output that is still kept, by the node's key; from memory, else from disk.
    #[must_use]
    pub fn value(&self, node: &Key, output: usize) -> Option<Value> {
        self.kept(&crate::keys::port(node, output))
    }

    /// A value that is still kept, by its own key: as questions to people name it.
    #[must_use]
    pub fn kept(&self, key: &Key) -> Option<Value> {
        self.memory.get(key).or_else(|| {
            let stored = self.disk.as_ref()?.get(key).ok()??;
            self.registry.codecs().decode(&stored.type_name, stored.encoding, &stored.bytes).ok()
        })
    }

    /// Checks a graph and plans what is wanted of it.
    ///
    /// # Errors
    /// With every problem at once.
    pub fn plan(&self, graph: &Graph, sandbox: &Sandbox, wish: &Wish) -> Result<Plan, Problems> {
        Plan::new(graph, &self.registry, wish, &Finder::new(sandbox, &self.files, self.clock.now()))
    }

    /// Every problem of a graph, warnings among them.
    #[must_use]
    pub fn check(&self, graph: &Graph, sandbox: &Sandbox, wish: &Wish) -> (Option<Plan>, Vec<Problem>) {
        Plan::check(graph, &self.registry, wish, &Finder::new(sandbox, &self.files, self.clock.now()))
    }

    /// The key of every value a plan would make, as far as they are known before it runs: of the run, and of
    /// `item` in a batch.
    #[must_use]
    pub fn keys(&self, plan: &Plan, setup: &Setup, item: Option<u64>) -> Vec<KeyLine> {
        let shared = self.shared(setup, &Cancel::default(), Arc::new(|_| {}));
        let (tx, rx) = crossbeam_channel::unbounded();
        let (_, done) = crossbeam_channel::unbounded();
        let mut driver = Driver::new(plan, Arc::new(shared), 1, [tx.clone(), tx], done, Box::new(|_| {}));
        driver.explain = true;
        driver.open(Of::Run);
        let info = match (&setup.batch, item) {
            (Some(batch), Some(item)) => Some(batch.info(item)),
            _ => plan.batch.then(Default::default),
        };
        let frame = info.map(|info| {
            let info = Arc::new(info);
            let set = driver.row_values(&info).unwrap_or_default();
            let frame = driver.open(Of::Item(info));
            if let Some(f) = driver.frames.get_mut(&frame) {
                f.set = set;
            }
            frame
        });
        drop(rx);
        plan.order.iter().map(|index| driver.key_line(frame, *index)).collect()
    }

    fn shared(&self, setup: &Setup, cancel: &Cancel, listener: Arc<Listener>) -> work::Shared {
        work::Shared {
            lent: Lent {
                numeric_class: self.numeric_class.clone(),
                sandbox: setup.sandbox.clone(),
                out: setup.out.clone(),
                net: setup.net.clone(),
                clock: self.clock.clone(),
                files: self.files.clone(),
                batch: None,
                graph_text: setup.graph_text.clone(),
                overwrite: setup.overwrite,
            },
            codecs: self.registry.codecs().clone(),
            memory: self.memory.clone(),
            disk: self.disk.clone(),
            held: Mutex::new(HashMap::new()),
            live_budget: setup.live_budget,
            hold: std::sync::atomic::AtomicBool::new(false),
            cancel: cancel.clone(),
            listener,
            owner: setup.worker.clone(),
            desk: setup.desk.clone(),
            rejects: None,
        }
    }

    /// Runs a plan to its end, or until somebody cancels.
    ///
    /// # Errors
    /// When the run cannot begin or its queue fails. What a node does wrong is in the report.
    #[allow(clippy::needless_pass_by_value, reason = "a run's setup is used up by it")]
    pub fn run(
        &self,
        plan: &Plan,
        setup: Setup,
        cancel: &Cancel,
        listener: Arc<Listener>,
    ) -> Result<RunReport, kiln_store::StoreError> {
        let begun = Instant::now();
        let mut shared = self.shared(&setup, cancel, listener.clone());
        let record = setup.batch.as_ref().map_or_else(|| single_id(plan), |b| b.id.clone());
        shared.rejects = rejects(plan, &setup, &record);
        shared.lent.batch = Some(record.as_str().into());
        let shared = Arc::new(shared);
        listener(&Event::RunStarted {
            version: EVENTS_VERSION,
            run: setup.run.clone(),
            title: plan.title.clone(),
            nodes: plan.order.len() as u64,
            items: setup.batch.as_ref().map(Batch::len),
        });
        let (cpu_tx, cpu_rx) = crossbeam_channel::unbounded::<work::Task>();
        let (dev_tx, dev_rx) = crossbeam_channel::unbounded::<work::Task>();
        let (done_tx, done_rx) = crossbeam_channel::unbounded();
        let report = std::thread::scope(|scope| {
            let worker_shared = shared.clone();
            let spawn = move |lane: Lane| {
                let tasks = if lane == Lane::Cpu { cpu_rx.clone() } else { dev_rx.clone() };
                let (results, shared) = (done_tx.clone(), worker_shared.clone());
                scope.spawn(move || {
                    for task in tasks {
                        if results.send(work::perform(task, &shared)).is_err() {
                            break;
                        }
                    }
                });
            };
            let mut driver =
                Driver::new(plan, shared.clone(), setup.jobs, [cpu_tx, dev_tx], done_rx, Box::new(spawn));
            driver.explain = setup.explain;
            driver.live_budget = setup.live_budget;
            driver.root_batch = setup.batch.as_ref().map(|b| b.id.clone());
            driver.record_batch = Some(record);
            driver.open(Of::Run);
            let counts = match &setup.batch {
                Some(batch) => Some(batch::run(&mut driver, batch, &setup, self.clock.as_ref())?),
                None => {
                    let sinks = sinks(plan, Scope::Run, None);
                    driver.ask(RUN, &sinks);
                    drive(&mut driver);
                    waiting::until_answered(&mut driver, &setup, self.clock.as_ref(), &mut drive)?;
                    None
                }
            };
            Ok(finish(driver, &setup, counts, cancel))
        })?;
        let report = RunReport { ms: begun.elapsed().as_secs_f64() * 1000.0, ..report };
        listener(&Event::RunFinished {
            status: report.status.word().to_owned(),
            ms: report.ms,
            ran: report.ran(),
            cached: report.cached(),
        });
        Ok(report)
    }
}

/// A node's key, and what went into it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeyLine {
    /// The node.
    pub node: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: String,
    /// Its type's version.
    pub version: u32,
    /// The key of its first output; none when it is known only while running.
    pub key: Option<String>,
    /// Why there is no key yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub later: Option<String>,
    /// What went into it: slot, and the start of its hash. Defaults are left out.
    pub parts: Vec<(String, String)>,
    /// Whether its value is kept, and where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
}

/// What is asked of a frame of this scope (and stage): effects, and values that outlive it.
fn sinks(plan: &Plan, scope: Scope, stage: Option<u32>) -> Vec<u32> {
    let fits = |n: u32| {
        let node = &plan.nodes[n as usize];
        node.scope == scope && stage.is_none_or(|s| node.stage == s)
    };
    let effect = |n: &u32| plan.nodes[*n as usize].node.schema().purity == Purity::Effect;
    let effects = plan.wanted.iter().copied().filter(effect);
    effects.chain(plan.keeps.iter().map(|k| k.node)).filter(|n| fits(*n)).collect()
}

/// Works until nothing more can happen by itself.
fn drive(driver: &mut Driver<'_>) {
    loop {
        driver.pump();
        driver.dispatch();
        if driver.inflight == [0, 0] {
            if driver.is_idle() || driver.ends_early() {
                break;
            }
            continue;
        }
        receive(driver, Duration::from_millis(200));
    }
}

/// By what the verdicts of a run outside of a batch are filed.
#[must_use]
pub fn single_id(plan: &Plan) -> String {
    format!("once-{}", &plan.identity().to_string()[..24])
}

/// The shelf of rejected pictures, if any may come to lie there.
fn rejects(plan: &Plan, setup: &Setup, record: &str) -> Option<work::Rejects> {
    let out = setup.out.as_ref()?;
    if setup.keep_rejected == 0 || plan.gates().is_empty() {
        return None;
    }
    let shelf = out.folder().shelf("rejected");
    let room = |shelf: &kiln_store::Shelf| setup.keep_rejected.saturating_sub(shelf.count());
    let mut left = room(&shelf);
    if left == 0 {
        shelf.keep_only(record);
        left = room(&shelf);
    }
    let room = i64::try_from(left).unwrap_or(i64::MAX).into();
    Some(work::Rejects { shelf, batch: record.to_owned(), room })
}

/// Takes what workers bring, waiting a while for the first.
fn receive(driver: &mut Driver<'_>, wait: Duration) -> bool {
    let Ok(first) = driver.from_workers.recv_timeout(wait) else { return false };
    let mut next = Some(first);
    while let Some(result) = next {
        let lane = driver.lane_of(result.node);
        driver.inflight[lane] -= 1;
        driver.take(result);
        next = driver.from_workers.try_recv().ok();
    }
    true
}

fn finish(
    mut driver: Driver<'_>,
    setup: &Setup,
    counts: Option<kiln_store::Counts>,
    cancel: &Cancel,
) -> RunReport {
    let plan = driver.plan;
    driver.file_rest(RUN);
    if counts.as_ref().is_some_and(|c| c.waiting > 0)
        && let Some(behind) = driver.behind.take()
    {
        driver.note(behind);
    }
    let run_bad = driver.frames.get(&RUN).and_then(|f| f.worst.clone());
    let run_bad = [run_bad, driver.window_worst.take()].into_iter().flatten().max_by_key(Bad::rank);
    let failed_items = counts.as_ref().is_some_and(|c| c.failed + c.dead > 0);
    let status = if cancel.is_cancelled() {
        Status::Cancelled
    } else if matches!(run_bad, Some(Bad::Failed(_) | Bad::NotYet(_)))
        || failed_items
        || driver.gave_up.is_some()
        || !driver.failures.is_empty() && setup.batch.is_none()
    {
        Status::Failed
    } else if counts.as_ref().is_some_and(|c| c.parked + c.waiting > 0)
        || matches!(run_bad, Some(Bad::Parked(_)))
    {
        Status::Parked
    } else {
        Status::Done
    };
    let mut nodes = BTreeMap::new();
    for index in &plan.order {
        let report = std::mem::take(&mut driver.stats[*index as usize]);
        nodes.insert(plan.nodes[*index as usize].id.clone(), report);
    }
    RunReport {
        run: setup.run.clone(),
        status,
        ms: 0.0,
        nodes,
        values: std::mem::take(&mut driver.values),
        failures: std::mem::take(&mut driver.failures),
        rejections: std::mem::take(&mut driver.rejections),
        gave_up: driver.gave_up.take(),
        waiting: std::mem::take(&mut driver.waiting),
        notes: std::mem::take(&mut driver.notes),
        items: counts,
    }
}
