//! From a command line to a plan: the graph read, settings made, items known, everything checked.

use crate::args::RunArgs;
use crate::caches::{self, Keep};
use crate::device;
use crate::fail::Fail;
use crate::picture::{Note, Told};
use crate::rows::{self, Table};
use crate::source::{self, Source};
use crate::{access, explain, make, picture, say, sets};
use kiln_core::doors::Sandbox;
use kiln_core::{Batch, BatchItems, Engine, Plan, Problem, Purity, Scope, Severity, Wish};
use std::sync::Arc;

/// Everything that is known before anything runs.
pub struct Ready {
    /// The graph, settings made.
    pub source: Source,
    /// The engine, with its caches.
    pub engine: Engine,
    /// What may be read.
    pub sandbox: Arc<Sandbox>,
    /// What will run.
    pub plan: Plan,
    /// Over which items.
    pub batch: Option<Batch>,
    /// The table's hash.
    pub rows_hash: Option<String>,
    /// What saved pictures say of the run.
    pub told: Told,
}

/// Runs a graph.
///
/// # Errors
/// When it cannot begin.
pub fn run(args: &RunArgs) -> Result<u8, Fail> {
    let ready = prepare(args)?;
    if args.dry_run { explain::dry_run(args, &ready) } else { make::make(args, &ready) }
}

/// Which items are wanted, before the plan gives the batch its name.
struct Wanted {
    items: BatchItems,
    columns: Vec<String>,
    hash: Option<String>,
    all: Option<Note>,
}

/// Reads, sets, checks and plans.
///
/// # Errors
/// With every problem of the graph or the command.
pub fn prepare(args: &RunArgs) -> Result<Ready, Fail> {
    let Some(path) = &args.graph else {
        return Err(Fail::wrong("no graph is named", Some("graph-run GRAPH, or graph-run --help")));
    };
    if args.jobs == Some(0) {
        return Err(Fail::wrong("--jobs 0: nothing would ever be made", Some("1 is the least")));
    }
    prepare_source(args, source::read(path)?)
}

/// The same for a graph that is read already.
///
/// # Errors
/// With every problem of the graph or the command.
pub fn prepare_source(args: &RunArgs, mut source: Source) -> Result<Ready, Fail> {
    let memory = caches::memory(args.memory.as_deref())?;
    let runtime = args.device.runtime()?;
    let registry = kiln_nodes::registry_on(&runtime);
    let note = picture::take(&mut source.graph);
    sets::apply(&mut source.graph, &registry, &args.set)?;
    let wanted = items(args, &source, note, &registry)?;
    let sandbox = Arc::new(access::sandbox(&source.base, &args.access)?);
    let keep = Keep { cache: args.cache.as_deref(), none: args.no_cache, memory, values: !args.dry_run };
    let engine = device::name(caches::engine(registry, &source.graph, keep)?, &runtime, &source.graph)?;

    let mut wish = Wish { want: args.want.clone(), batch: wanted.is_some(), columns: Vec::new() };
    if let Some(w) = &wanted {
        // What an item's picture says of its row is in its graph already.
        wish.columns = if matches!(w.items, BatchItems::One(..)) { Vec::new() } else { w.columns.clone() };
    }
    let mut plan = planned(&engine, &source, &sandbox, &wish)?;
    let alone = wanted.as_ref().is_some_and(|w| matches!(w.items, BatchItems::One(..)));
    if alone && wish.want.is_empty() {
        // The picture of an item makes that item again, not a collection of one.
        let effect = |p: &kiln_core::PlannedNode| p.purity == Purity::Effect && p.scope == Scope::Item;
        let own: Vec<String> = plan.planned().filter(effect).map(|p| p.id).collect();
        if !own.is_empty() && own.len() < plan.planned().filter(|p| p.purity == Purity::Effect).count() {
            wish.want = own;
            plan = planned(&engine, &source, &sandbox, &wish)?;
        }
        if plan.planned().any(|p| p.stage > 0) {
            say::warn(
                "this item was made with what all items had in common; made alone, it sees only itself (name the items with --items)",
            );
        }
    }
    if !args.quiet {
        source.tell_notes();
        for problem in &plan.warnings {
            say::err(&source::placed(&source.name, problem));
        }
        if wanted.is_some() && !plan.has_items() {
            say::warn(
                "nothing in this graph differs from item to item, so it runs once; a seed that is not Fixed, a column of --rows, or {item} in a text makes items differ",
            );
        }
    }
    let (mut batch, mut rows_hash) = (None, None);
    let mut told = Told { columns: Vec::new(), all: None };
    if let Some(wanted) = wanted {
        told.columns = picture::setting_columns(&source.graph, &wanted.columns);
        told.all = wanted.all;
        batch = Some(Batch::new(&plan, wanted.items, args.resume));
        rows_hash = wanted.hash;
    }
    Ok(Ready { source, engine, sandbox, plan, batch, rows_hash, told })
}

fn items(
    args: &RunArgs,
    source: &Source,
    note: Option<Note>,
    registry: &kiln_core::Registry,
) -> Result<Option<Wanted>, Fail> {
    let table = args.rows.as_deref().map(rows::read).transpose()?;
    let count = table.as_ref().map(|t: &Table| t.rows.len() as u64);
    let mut range = args.items.as_deref().map(|text| rows::range(text, count)).transpose()?;
    if let Some(item) = args.item {
        let to = item.checked_add(1).filter(|to| *to <= i64::MAX as u64);
        let Some(to) = to else {
            return Err(Fail::wrong(format!("--item {item}: no item has so great a number"), None));
        };
        if let Some(count) = count.filter(|c| item >= *c) {
            return Err(Fail::wrong(
                format!("--item {item}: the table has {count} rows, from 0 to {}", count - 1),
                None,
            ));
        }
        range = Some((item, to));
    }
    if let Some(table) = table {
        let (from, to) = range.unwrap_or((0, table.rows.len() as u64));
        table.check(&source.graph, registry, (from, to))?;
        let name = args.rows.as_deref().and_then(|p| p.file_name()).map(|n| n.to_string_lossy().into_owned());
        return Ok(Some(Wanted {
            hash: Some(table.hash()),
            all: Some(Note::Rows(from, to, name.unwrap_or_default())),
            items: BatchItems::SomeRows(table.rows, from, to),
            columns: table.columns,
        }));
    }
    let plain = |from, to| Wanted {
        items: BatchItems::Range(from, to),
        columns: Vec::new(),
        hash: None,
        all: Some(Note::Items(from, to)),
    };
    Ok(match (range, note) {
        (Some((from, to)), _) => Some(plain(from, to)),
        (None, Some(Note::Items(from, to))) if from < to && to - from <= rows::MAX_ROWS as u64 => {
            Some(plain(from, to))
        }
        (None, Some(Note::Item(item, row))) if item < i64::MAX as u64 => Some(Wanted {
            columns: row.iter().map(|(name, _)| name.clone()).collect(),
            items: BatchItems::One(item, row),
            hash: None,
            all: Some(Note::Items(item, item + 1)),
        }),
        (None, Some(Note::Rows(from, to, rows))) => {
            return Err(Fail::wrong(
                format!("{} was made of the rows {from} to {} of {rows}", source.name, to.saturating_sub(1)),
                Some(&format!("give the table with --rows {rows}")),
            ));
        }
        _ => None,
    })
}

/// Plans, or tells every problem with its place.
///
/// # Errors
/// With every problem.
fn planned(engine: &Engine, source: &Source, sandbox: &Sandbox, wish: &Wish) -> Result<Plan, Fail> {
    let (plan, problems) = engine.check(&source.graph, sandbox, wish);
    if let Some(plan) = plan {
        return Ok(plan);
    }
    let errors = problems.iter().filter(|p| p.severity == Severity::Error).count();
    let mut lines: Vec<String> = problems.iter().map(|p| source::placed(&source.name, p)).collect();
    if !wish.batch && over_items(engine, source, sandbox, wish) {
        lines.push(
            "this graph runs over items: say which with --items 0..10, or give a table with --rows"
                .to_owned(),
        );
    }
    if source.picture && problems.iter().any(reads) {
        lines.push(format!("paths in the graph of a picture start at the picture's folder; the graph's own folder can be allowed and linked there, or save the graph: graph-run fmt --stdout {}", source.name));
    }
    lines.push(format!("{}; nothing was run", source::counted(errors)));
    Err(Fail::Wrong(lines.join("\n")))
}

fn reads(problem: &Problem) -> bool {
    problem.what.contains("cannot be read")
}

/// Whether a graph that cannot run once can run over items.
pub fn over_items(engine: &Engine, source: &Source, sandbox: &Sandbox, wish: &Wish) -> bool {
    let batch = Wish { batch: true, ..wish.clone() };
    engine.check(&source.graph, sandbox, &batch).0.is_some()
}
