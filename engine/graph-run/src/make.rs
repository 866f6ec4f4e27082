//! The run itself: the output folder, the record, the listener, the end.

use crate::args::RunArgs;
use crate::fail::{CANCELLED, FAILED, Fail, WAITS};
use crate::progress::Progress;
use crate::record::{self, Recorder, Started};
use crate::review::ReviewDesk;
use crate::start::Ready;
use crate::{access, caches, explain, interrupt, picture, rejected, say, summary};
use kiln_core::doors::OutFolder;
use kiln_core::store::{Folder, Millis, Presence, RealDisk, RunStart};
use kiln_core::{Cancel, Event, GraphText, Lane, PlannedNode, Purity, Scope, Setup, Status};
use std::path::Path;
use std::sync::Arc;

/// Beyond so many nodes, what went into each key is written down only when asked for.
const EXPLAINED: usize = 5000;

/// A file counts as written when the disk has it, and to wait for that takes no processor: of items that write files so
/// many are under way for each processor.
const WAITING: usize = 3;
/// No more than these, unless --jobs says so.
const MOST_WAITING: usize = 48;

/// The output folder of a run.
pub struct Out {
    /// The folder.
    pub folder: Arc<OutFolder>,
    presence: Presence,
}

/// Opens an output folder, made if need be.
///
/// # Errors
/// When there can be none.
pub fn open_out(dir: &Path, now: Millis) -> Result<Out, Fail> {
    let open = || {
        let folder = Folder::open(dir, now)?;
        let presence = folder.presence(now)?;
        Ok(Out { folder: Arc::new(OutFolder::new(dir, folder, Arc::new(RealDisk))), presence })
    };
    let out = open().map_err(|e: kiln_core::store::StoreError| {
        Fail::wrong(e, Some("name another output folder with --out"))
    })?;
    // What somebody decided and could not finish is finished before anything else is done.
    crate::collection::finish(&out.folder)?;
    Ok(out)
}

/// Whether items wait for the disk rather than for a model: each of them writes files, and no model runs.
fn waits_for_disk(ready: &Ready) -> bool {
    let device = |ty: &str| ready.engine.registry().get(ty).is_some_and(|n| n.schema().lane == Lane::Device);
    let writes = |p: &PlannedNode| p.purity == Purity::Effect && p.scope == Scope::Item;
    ready.batch.is_some()
        && ready.plan.planned().any(|p| writes(&p))
        && !ready.plan.planned().any(|p| device(&p.ty))
}

/// A run's setup, but for the output folder and the items.
///
/// # Errors
/// When the command line asks for what cannot be.
pub fn setup(args: &RunArgs, ready: &Ready, now: Millis) -> Result<Setup, Fail> {
    let mut setup = Setup::new(record::run_id(now), &ready.source.base);
    setup.sandbox = ready.sandbox.clone();
    setup.net = access::net(&args.access)?;
    setup.jobs = match args.jobs {
        Some(jobs) => jobs.min(1024),
        None if waits_for_disk(ready) => setup.jobs.saturating_mul(WAITING).min(MOST_WAITING),
        None => setup.jobs,
    };
    if let Some(bytes) = caches::memory(args.memory.as_deref())? {
        setup.live_budget = usize::try_from(bytes - bytes / 4).unwrap_or(usize::MAX).max(1);
    }
    setup.overwrite = args.overwrite;
    setup.partial = args.partial;
    setup.wait = args.wait_for_review;
    if args.no_sheets {
        setup.keep_rejected = 0;
    }
    setup.explain = args.explain || ready.plan.planned().count() <= EXPLAINED;
    setup.batch = ready.batch.clone();
    setup.graph_text = picture::texts(&ready.source.graph, ready.engine.registry(), ready.told.clone());
    Ok(setup)
}

/// Makes everything, and tells what came of it.
///
/// # Errors
/// When it cannot begin, or its folder fails while it runs.
pub fn make(args: &RunArgs, ready: &Ready) -> Result<u8, Fail> {
    let now = ready.engine.clock().now();
    let mut setup = setup(args, ready, now)?;
    let reviews = ready.plan.reviews();
    let out = match ready.plan.has_effects() || ready.batch.is_some() || !reviews.is_empty() {
        true => Some(open_out(&args.out, now)?),
        false => None,
    };
    let mut before = None;
    let mut recorder = None;
    let mut desk = None;
    if let Some(out) = &out {
        setup.out = Some(out.folder.clone());
        out.presence.id().clone_into(&mut setup.worker);
        let runs = out.folder.folder().runs();
        if args.explain {
            before = Some(record::last_parts(&runs, &ready.source.graph.title, now));
        }
        recorder = Some(Recorder::begin(
            runs,
            &start(args, ready, &setup.run, &setup.worker, &setup.graph_text, now),
        ));
    }
    if let Some(out) = out.as_ref().filter(|_| !reviews.is_empty()) {
        let clock = ready.engine.clock().clone();
        let quiet = args.quiet || args.json || args.events || !args.wait_for_review;
        let own = Arc::new(ReviewDesk::new(out.folder.clone(), reviews, clock, args.wait_for_review, quiet));
        own.import();
        setup.desk = Some(own.clone());
        desk = Some(own);
    }
    let cancel = Cancel::default();
    interrupt::listen(&cancel);
    let shown = Arc::new(Progress::new(args.quiet));
    let recorder = recorder.map(Arc::new);
    let listener = {
        let (shown, recorder, events) = (shown.clone(), recorder.clone(), args.events);
        move |event: &Event| {
            shown.note(event);
            if let Some(recorder) = &recorder {
                recorder.note(event);
            }
            if events && let Ok(line) = serde_json::to_string(event) {
                say::out(&line);
            }
        }
    };
    let ran = ready.engine.run(&ready.plan, setup, &cancel, Arc::new(listener));
    shown.finish();
    let over = ready.engine.clock().now();
    let sheets = out.as_ref().map(|out| after(args, ready, &out.folder, desk.as_deref()));
    let report = match (ran, &recorder) {
        (Ok(report), Some(recorder)) => {
            recorder.finish(&report, over);
            report
        }
        (Ok(report), None) => report,
        (Err(e), Some(recorder)) => {
            recorder.broke(&e.to_string(), over);
            return Err(e.into());
        }
        (Err(e), None) => return Err(e.into()),
    };
    let end = summary::End {
        args,
        ready,
        report: &report,
        out: out.as_ref().map(|o| &*o.folder),
        sheets: sheets.unwrap_or_default(),
    };
    if args.explain && !args.quiet {
        explain::reasons(&report, before.as_ref());
    }
    if args.json {
        end.json(args.events);
    } else if !args.quiet && !args.events {
        end.words();
    }
    // Where the standard output belongs to a program, a person reads what went wrong beside it.
    if args.quiet || args.json || args.events {
        end.errors();
    }
    Ok(match report.status {
        Status::Done => 0,
        Status::Parked => WAITS,
        Status::Failed => FAILED,
        Status::Cancelled => CANCELLED,
    })
}

/// Whatever came of the run: what a person is to look at lies ready. The folders of sheets, and how many
/// pictures are on them.
fn after(args: &RunArgs, ready: &Ready, out: &OutFolder, desk: Option<&ReviewDesk>) -> Vec<(String, usize)> {
    if let Some(desk) = desk {
        desk.import();
        desk.write();
    }
    if args.no_sheets {
        return Vec::new();
    }
    let batch = ready.batch.as_ref().map_or_else(|| kiln_core::single_id(&ready.plan), |b| b.id.clone());
    match rejected::write(out, &batch, &ready.plan.gates()) {
        Ok(sheets) => sheets,
        Err(e) => {
            say::warn(&format!("the sheets of what was rejected are not whole: {e}"));
            Vec::new()
        }
    }
}

fn start(
    args: &RunArgs,
    ready: &Ready,
    id: &str,
    worker: &str,
    text: &Arc<GraphText>,
    now: Millis,
) -> RunStart {
    let mut started = Started::new(args, &ready.source.base);
    started.batch = ready.batch.as_ref().map(|b| b.id.clone());
    started.verdicts = Some(started.batch.clone().unwrap_or_else(|| kiln_core::single_id(&ready.plan)));
    started.stages = ready.plan.planned().map(|p| p.stage).max().unwrap_or(0);
    started.rows.clone_from(&ready.rows_hash);
    RunStart {
        id: id.to_owned(),
        graph_title: ready.source.graph.title.clone(),
        graph_text: text(None),
        args_json: serde_json::to_string(&started).unwrap_or_default(),
        engine: format!("kiln {}", env!("CARGO_PKG_VERSION")),
        worker: worker.to_owned(),
        now,
    }
}
