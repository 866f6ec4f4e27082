//! From a submission to a run: the text read, parameters set, the graph checked and planned, folders opened.

use crate::decisions;
use crate::error::RunnerError;
use crate::message::{Failure, Items, Submit, Summary, WantedValue};
use crate::set;
use kiln_core::doors::{Net, OutFolder, Sandbox};
use kiln_core::{
    Batch, BatchItems, Engine, Event, ItemInfo, Plan, Problem, RunReport, Setup, Severity, Wish,
};
use kiln_document::Graph;
use kiln_store::{Folder, NodeStat, Presence, RealDisk, RunStart};
use kiln_types::Value;
use std::path::Path;
use std::sync::Arc;

/// Rejections told in a summary; the stream told them all.
const REJECTIONS: usize = 1000;
/// Characters of a text told in a summary.
const WORDS: usize = 4096;

/// A sound graph.
pub(crate) struct Prepared {
    pub graph: Graph,
    pub plan: Plan,
    pub sandbox: Arc<Sandbox>,
    pub batch: Option<Batch>,
}

/// Checks everything that can be checked before the run, and tells all that is wrong.
pub(crate) fn prepare(engine: &Engine, job: &Submit) -> Result<Prepared, Vec<Problem>> {
    let mut graph = Graph::parse(&job.graph).map_err(|p| p.0.into_iter().map(of_text).collect::<Vec<_>>())?;
    let mut problems = Vec::new();
    for (name, word) in &job.set {
        if let Err(problem) = set::set(&mut graph, engine.registry(), name, word) {
            problems.push(*problem);
        }
    }
    let (items, columns) = match &job.items {
        None => (None, Vec::new()),
        Some(Items::Range(from, to)) => (Some(BatchItems::Range(*from, *to)), Vec::new()),
        Some(Items::Rows { columns, rows, some }) => {
            for (at, row) in rows.iter().enumerate().filter(|(_, r)| r.len() != columns.len()).take(20) {
                let what = format!("row {at} has {} words for {} columns", row.len(), columns.len());
                problems.push(Problem::of_graph(what, None));
            }
            let named = |row: &Vec<String>| columns.iter().cloned().zip(row.iter().cloned()).collect();
            let rows: Arc<Vec<Vec<(String, String)>>> = Arc::new(rows.iter().map(named).collect());
            let items = match some {
                Some((from, to)) => BatchItems::SomeRows(rows.clone(), *from, (*to).min(rows.len() as u64)),
                None => BatchItems::Rows(rows),
            };
            (Some(items), columns.clone())
        }
    };
    let mut sandbox = Sandbox::new(if job.base.is_empty() { "." } else { &job.base });
    sandbox.roots.extend(job.allow_read.iter().map(Into::into));
    if let Some(most) = job.limits.max_file {
        sandbox.max_file = most;
    }
    let wish = Wish { want: job.want.clone(), batch: items.is_some(), columns };
    let (plan, found) = engine.check(&graph, &sandbox, &wish);
    if plan.is_none() {
        problems.extend(found);
    }
    if let Some(plan) = &plan
        && plan.has_effects()
        && job.out.is_none()
    {
        let hint = Some("name an output folder".to_owned());
        problems.push(Problem::of_graph("the graph writes files, but there is no output folder", hint));
    }
    let Some(plan) = plan.filter(|_| problems.iter().all(|p| p.severity != Severity::Error)) else {
        return Err(problems);
    };
    let batch = items.map(|items| Batch::new(&plan, items, job.resume));
    Ok(Prepared { graph, plan, sandbox: Arc::new(sandbox), batch })
}

fn of_text(p: kiln_document::Problem) -> Problem {
    let what = if p.path.is_empty() { p.what } else { format!("{} (at {})", p.what, p.path) };
    Problem { place: Some((p.line, p.column)), ..Problem::of_graph(what, p.hint) }
}

/// Makes the network a run may use, from the hosts it asks for.
pub type NetDoor = dyn Fn(&[String]) -> Arc<dyn Net> + Send + Sync;

/// What a run holds while it is under way.
pub(crate) struct Opened {
    pub setup: Setup,
    pub folder: Option<Folder>,
    _presence: Option<Presence>,
}

/// Opens the folders and makes the setup.
pub(crate) fn open(
    engine: &Arc<Engine>,
    run: &str,
    job: &Submit,
    prepared: &Prepared,
    net: Option<&NetDoor>,
) -> Result<Opened, RunnerError> {
    let mut setup = Setup::new(run, &prepared.sandbox.base);
    setup.sandbox = prepared.sandbox.clone();
    setup.batch = prepared.batch.clone();
    setup.overwrite = job.overwrite;
    setup.explain = job.explain;
    setup.partial = job.partial;
    setup.wait = job.wait;
    if let Some(jobs) = job.jobs {
        setup.jobs = jobs.clamp(1, 4096);
    }
    if let Some(bytes) = job.limits.live_bytes {
        setup.live_budget = bytes;
    }
    if let Some(net) = net.filter(|_| !job.allow_net.is_empty()) {
        setup.net = net(&job.allow_net);
    }
    let (graph, held) = (prepared.graph.clone(), engine.clone());
    setup.graph_text = Arc::new(move |item| text_for(&graph, &held, item));
    let (mut folder, mut presence) = (None, None);
    if let Some(out) = &job.out {
        let now = engine.clock().now();
        let opened = Folder::open(Path::new(out), now)?;
        // What was decided while nobody ran it.
        decisions::import(Path::new(out), &opened)?;
        let here = opened.presence(now)?;
        setup.worker = here.id().to_owned();
        opened.runs().start_run(&RunStart {
            id: run.to_owned(),
            graph_title: prepared.graph.title.clone(),
            graph_text: prepared.graph.to_text(),
            args_json: args(job),
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            worker: setup.worker.clone(),
            now,
        })?;
        setup.out = Some(Arc::new(OutFolder::new(out, opened.clone(), Arc::new(RealDisk))));
        folder = Some(opened);
        presence = Some(here);
    }
    Ok(Opened { setup, folder, _presence: presence })
}

/// What the run was asked for; the graph has a place of its own in the record.
fn args(job: &Submit) -> String {
    serde_json::to_string(&Submit { graph: String::new(), ..job.clone() }).unwrap_or_default()
}

/// The graph as it belongs into a picture of an item: with what its row sets.
fn text_for(graph: &Graph, engine: &Engine, item: Option<&ItemInfo>) -> String {
    match item.filter(|i| !i.row.is_empty()) {
        None => graph.to_text(),
        Some(item) => {
            let mut own = graph.clone();
            for (name, word) in &item.row {
                // A column that no parameter is named after is there for file names.
                let _ = set::set(&mut own, engine.registry(), name, word);
            }
            own.to_text()
        }
    }
}

/// Writes the run's end into its record.
pub(crate) fn record_end(
    folder: &Folder,
    run: &str,
    summary: &Summary,
    engine: &Engine,
) -> Result<(), RunnerError> {
    let stat = |(name, n): (&String, &kiln_core::NodeReport)| NodeStat {
        node: name.clone(),
        ty: n.ty.clone(),
        ran: n.ran,
        cached: n.cached(),
        failed: n.failed,
        ms: n.ms as u64,
        bytes: n.bytes,
        key: n.key.clone(),
    };
    let stats: Vec<NodeStat> = summary.nodes.iter().map(stat).collect();
    folder.runs().node_stats(run, &stats)?;
    let json = serde_json::to_string(summary).unwrap_or_default();
    folder.runs().finish_run(run, summary.status.word(), &json, engine.clock().now())?;
    Ok(())
}

/// A report as it is sent.
pub(crate) fn summary(report: RunReport, batch: Option<&Batch>) -> Summary {
    let (ran, cached) = (report.ran(), report.cached());
    let value = |wanted: &kiln_core::Wanted| match wanted {
        Ok(values) => WantedValue {
            types: values.iter().map(|v| v.ty().to_string()).collect(),
            words: values.iter().map(words).collect(),
            missing: None,
        },
        Err(reason) => WantedValue { missing: Some(reason.clone()), ..WantedValue::default() },
    };
    Summary {
        status: report.status,
        began: true,
        ms: finite(report.ms),
        ran,
        cached,
        values: report.values.iter().map(|(name, w)| (name.clone(), value(w))).collect(),
        failures: report
            .failures
            .into_iter()
            .map(|(node, item, reason)| Failure { node, item, reason })
            .collect(),
        rejections: report
            .rejections
            .into_iter()
            .take(REJECTIONS)
            .map(|r| kiln_core::Rejection { score: finite(r.score), ..r })
            .collect(),
        nodes: report.nodes,
        items: report.items,
        waiting: report.waiting,
        gave_up: report.gave_up,
        notes: report.notes,
        batch: batch.map(|b| b.id.clone()),
    }
}

/// A small value in words.
fn words(value: &Value) -> Option<String> {
    Some(match value {
        Value::Bool(v) => v.to_string(),
        Value::Int(v) => v.to_string(),
        Value::Float(v) => v.to_string(),
        Value::Seed(v) => v.to_string(),
        Value::Size(w, h) => format!("{w}x{h}"),
        Value::Color(c) => c.to_string(),
        Value::Text(t) => t.chars().take(WORDS).collect(),
        _ => return None,
    })
}

/// JSON has no infinity, and what is not a number cannot be compared.
fn finite(v: f64) -> f64 {
    if v.is_nan() { 0.0 } else { v.clamp(f64::MIN, f64::MAX) }
}

/// An event as it can be sent.
pub(crate) fn sendable(event: &Event) -> Event {
    let mut event = event.clone();
    match &mut event {
        Event::Rejected { score: v, .. }
        | Event::Finished { ms: v, .. }
        | Event::RunFinished { ms: v, .. } => *v = finite(*v),
        _ => {}
    }
    event
}
