//! `check`: every problem of a graph, without running it.

use crate::args::{CheckArgs, GraphArgs};
use crate::caches::{self, Keep};
use crate::device;
use crate::fail::{Fail, WRONG};
use crate::source::{self, Source};
use crate::{access, picture, say, sets};
use kiln_core::doors::Sandbox;
use kiln_core::{Engine, Plan, Problem, Severity, Wish};
use serde_json::json;

/// A graph that was looked at.
pub struct Checked {
    /// The graph, settings made.
    pub source: Source,
    /// The engine.
    pub engine: Engine,
    /// What may be read.
    pub sandbox: Sandbox,
    /// The plan, if one could be made.
    pub plan: Option<Plan>,
    /// What is wrong, and what is worth knowing.
    pub problems: Vec<Problem>,
    /// It can only run over items.
    pub over_items: bool,
}

/// Reads and checks a graph: as it runs once, or over items if it cannot run otherwise.
///
/// # Errors
/// When it cannot be read, or a setting is wrong.
pub fn look(args: &GraphArgs, want: &[String]) -> Result<Checked, Fail> {
    let mut source = source::read(&args.graph)?;
    let runtime = args.device.runtime()?;
    let registry = kiln_nodes::registry_on(&runtime);
    let note = picture::take(&mut source.graph);
    sets::apply(&mut source.graph, &registry, &args.set)?;
    let sandbox = access::sandbox(&source.base, &args.access)?;
    let engine =
        device::name(caches::engine(registry, &source.graph, Keep::default())?, &runtime, &source.graph)?;
    let mut wish = Wish { want: want.to_vec(), batch: note.is_some(), columns: Vec::new() };
    let (mut plan, mut problems) = engine.check(&source.graph, &sandbox, &wish);
    let mut over_items = wish.batch;
    if plan.is_none() && !wish.batch {
        wish.batch = true;
        let (other, others) = engine.check(&source.graph, &sandbox, &wish);
        if other.is_some() {
            (plan, problems, over_items) = (other, others, true);
        }
    }
    Ok(Checked { source, engine, sandbox, plan, problems, over_items })
}

/// Tells every problem.
///
/// # Errors
/// When the graph cannot be read at all.
pub fn run(args: &CheckArgs) -> Result<u8, Fail> {
    let looked = match look(&args.graph, &args.want) {
        Ok(looked) => looked,
        Err(e) if args.graph.json => {
            say::json(&json!({ "ok": false, "problems": [{ "severity": "error", "what": e.to_string() }] }));
            return Ok(WRONG);
        }
        Err(e) => return Err(e),
    };
    let ok = looked.plan.is_some();
    let nodes = looked.plan.as_ref().map_or(0, |p| p.planned().count());
    if args.graph.json {
        say::json(&json!({
            "ok": ok, "nodes": nodes, "over_items": looked.over_items, "problems": looked.problems,
            "notes": looked.source.foreign.iter().flatten().map(ToString::to_string).collect::<Vec<_>>(),
        }));
        return Ok(if ok { 0 } else { WRONG });
    }
    looked.source.tell_notes();
    for problem in &looked.problems {
        say::err(&source::placed(&looked.source.name, problem));
    }
    let count = |s: Severity| looked.problems.iter().filter(|p| p.severity == s).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let warned = match warnings {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        n => format!(", {n} warnings"),
    };
    if ok {
        let how = if looked.over_items { " over items (--items or --rows)" } else { "" };
        let nodes = if nodes == 1 { "1 node".to_owned() } else { format!("{nodes} nodes") };
        say::out(&format!("{}: it can run{how}: {nodes}{warned}", looked.source.name));
        return Ok(0);
    }
    say::err(&format!("{}{warned}", source::counted(errors)));
    Ok(WRONG)
}
