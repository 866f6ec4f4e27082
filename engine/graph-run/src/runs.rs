//! `runs`: what was run in an output folder.

use crate::args::RunsArgs;
use crate::fail::Fail;
use crate::record::{Ended, Started, when};
use crate::{say, summary, table};
use kiln_core::doors::{Clock, SystemClock};
use kiln_core::store::{Folder, Found, Judged, Place, RunRecord, Runs, StoreError};
use kiln_core::words;
use serde_json::json;
use std::path::Path;

/// How many items that did not end well are told.
const SHOWN: u32 = 50;

/// Opens a folder to look at it.
///
/// # Errors
/// When nothing was ever run into it.
pub fn look(dir: &Path) -> Result<Folder, Fail> {
    Folder::open_read_only(dir).map_err(|e| match e {
        e if e.is_missing() || !dir.join(".kiln").exists() => Fail::wrong(
            format!("nothing was run into {}", dir.display()),
            Some("name the output folder with --out"),
        ),
        e => e.into(),
    })
}

/// Lists the runs of a folder, or shows one.
///
/// # Errors
/// When there is no such folder or run.
pub fn run(args: &RunsArgs) -> Result<u8, Fail> {
    let folder = look(&args.out)?;
    let runs = folder.runs();
    match (&args.id, args.item) {
        (None, _) => list(args, &runs),
        (Some(id), None) => show(args, &folder, &runs, id),
        (Some(id), Some(item)) => of_item(args, &folder, &runs, id, item),
    }
}

fn list(args: &RunsArgs, runs: &Runs) -> Result<u8, Fail> {
    let found = runs.runs(args.limit, SystemClock.now())?;
    let ended = |json: &Option<String>| json.as_deref().and_then(|j| serde_json::from_str::<Ended>(j).ok());
    if args.json {
        let all: serde_json::Value = found
            .iter()
            .map(|r| {
                let e = ended(&r.summary_json);
                json!({
                    "id": r.id, "title": r.graph_title, "status": r.status, "started": r.started.0,
                    "finished": r.finished.map(|f| f.0), "ms": e.as_ref().map(|e| e.ms),
                    "ran": e.as_ref().map(|e| e.ran), "cached": e.as_ref().map(|e| e.cached), "items": e.and_then(|e| e.items),
                })
            })
            .collect();
        say::json(&all);
        return Ok(0);
    }
    if found.is_empty() {
        say::out(&format!("nothing was run into {} yet", args.out.display()));
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|r| {
            let e = ended(&r.summary_json);
            let of = |f: &dyn Fn(&Ended) -> String| e.as_ref().map_or_else(|| "-".to_owned(), f);
            vec![
                r.id.clone(),
                when(r.started),
                r.status.clone(),
                of(&|e| e.ran.to_string()),
                of(&|e| e.cached.to_string()),
                of(&|e| e.items.as_ref().map_or_else(|| "-".to_owned(), |c| c.total().to_string())),
                of(&|e| words::duration(e.ms)),
                r.graph_title.clone(),
            ]
        })
        .collect();
    say::out(&table::lines(
        &["run", "began (UTC)", "status", "ran", "cached", "items", "time", "title"],
        &rows,
        &[3, 4, 5, 6],
    ));
    Ok(0)
}

fn record(args: &RunsArgs, runs: &Runs, id: &str) -> Result<RunRecord, Fail> {
    let found = runs.run(id, SystemClock.now()).map_err(|e| match e {
        StoreError::Refused { what, remedy } => Fail::wrong(what, Some(remedy)),
        e => e.into(),
    })?;
    found.ok_or_else(|| {
        Fail::wrong(
            format!("there is no run {id:?} in {}", args.out.display()),
            Some("graph-run runs lists them"),
        )
    })
}

/// By what a run's verdicts are filed.
fn filed(record: &RunRecord) -> Option<String> {
    serde_json::from_str::<Started>(&record.args_json).ok().and_then(|s| s.verdicts.or(s.batch))
}

fn verdict_json(v: &Found) -> serde_json::Value {
    let outcome = match v.judged {
        Judged::Rejected => "rejected",
        Judged::Passed => "passed",
        Judged::Best => "best",
    };
    // From 0, as in events.
    json!({
        "gate": v.gate, "attempt": v.attempt.own() - 1, "path": v.attempt.to_string(), "outcome": outcome,
        "score": v.score, "reason": v.reason,
    })
}

/// What gates said of one item, in this run and the earlier ones of its batch.
fn of_item(args: &RunsArgs, folder: &Folder, runs: &Runs, id: &str, item: u64) -> Result<u8, Fail> {
    let record = record(args, runs, id)?;
    let place = if serde_json::from_str::<Started>(&record.args_json).is_ok_and(|s| s.batch.is_none()) {
        Place::Run
    } else {
        Place::Item(item)
    };
    let found = match filed(&record) {
        Some(batch) => folder.verdicts().of(&batch, place)?,
        None => Vec::new(),
    };
    if args.json {
        let gates: Vec<_> = found.iter().map(verdict_json).collect();
        say::json(&json!({ "id": record.run.id, "item": item, "verdicts": gates }));
        return Ok(0);
    }
    if found.is_empty() {
        say::out(&format!("no gate said anything of item {item}"));
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|v| {
            let outcome = match v.judged {
                Judged::Rejected => "rejected",
                Judged::Passed => "passed",
                Judged::Best => "passed as the best",
            };
            let score = crate::rejected::short(v.score);
            let reason = v.reason.clone().unwrap_or_default();
            vec![v.gate.clone(), v.attempt.to_string(), outcome.to_owned(), score, reason]
        })
        .collect();
    say::out(&table::lines(&["gate", "attempt", "outcome", "score", "reason"], &rows, &[1, 3]));
    Ok(0)
}

fn show(args: &RunsArgs, folder: &Folder, runs: &Runs, id: &str) -> Result<u8, Fail> {
    let record = record(args, runs, id)?;
    let gates = match filed(&record) {
        Some(batch) => folder.verdicts().counts(&batch)?,
        None => Vec::new(),
    };
    let ended: Option<Ended> = record.run.summary_json.as_deref().and_then(|j| serde_json::from_str(j).ok());
    let items = runs.items(&record.run.id, 0, SHOWN)?;
    let reason = |detail: &str| {
        let json: serde_json::Value = serde_json::from_str(detail).unwrap_or_default();
        json["reason"].as_str().unwrap_or_default().to_owned()
    };
    if args.json {
        let nodes: serde_json::Value = record
            .nodes
            .iter()
            .map(|n| {
                json!({ "node": n.node, "type": n.ty, "ran": n.ran, "cached": n.cached, "failed": n.failed, "ms": n.ms, "bytes": n.bytes, "key": n.key })
            })
            .collect();
        let items: serde_json::Value = items
            .iter()
            .map(|i| json!({ "item": i.item, "status": i.status, "reason": reason(&i.detail_json) }))
            .collect();
        let gates_json: serde_json::Value = gates
            .iter()
            .map(|g| json!({ "gate": g.gate, "passed": g.passed, "rejected": g.rejected }))
            .collect();
        let started: serde_json::Value = serde_json::from_str(&record.args_json).unwrap_or_default();
        say::json(&json!({
            "id": record.run.id, "title": record.run.graph_title, "status": record.run.status,
            "started": record.run.started.0, "finished": record.run.finished.map(|f| f.0), "engine": record.engine,
            "summary": ended, "nodes": nodes, "items": items, "gates": gates_json, "with": started, "graph": record.graph_text,
        }));
        return Ok(0);
    }
    head(&record, ended.as_ref());
    let rows: Vec<Vec<String>> = record
        .nodes
        .iter()
        .map(|n| {
            let key = n.key.as_deref().map_or("-", |k| k.get(..12).unwrap_or(k));
            vec![
                n.node.clone(),
                n.ty.clone(),
                n.ran.to_string(),
                n.cached.to_string(),
                n.failed.to_string(),
                words::duration(n.ms as f64),
                words::bytes(n.bytes),
                key.to_owned(),
            ]
        })
        .collect();
    if !rows.is_empty() {
        say::out("");
        say::out(&table::lines(
            &["node", "type", "ran", "cached", "failed", "time", "made", "key"],
            &rows,
            &[2, 3, 4, 5, 6],
        ));
    }
    if !gates.is_empty() {
        say::out("\ngates, over all runs of the batch");
        for g in &gates {
            say::out(&format!("  {}: {} passed, {} rejected", g.gate, g.passed, g.rejected));
        }
    }
    if !items.is_empty() {
        say::out("\nitems that are not done");
        for i in &items {
            say::out(&format!("  {}: {}: {}", i.item, i.status, reason(&i.detail_json)));
        }
    }
    if let Some(ended) = &ended {
        tell("failures", &ended.failures, |(node, item, why)| format!("{}: {why}", seat(node, *item)));
        tell("rejections", &ended.rejections, |(gate, item, attempt, score, why)| {
            format!("{}, attempt {}: {why} (score {score:.4})", seat(gate, *item), attempt + 1)
        });
    }
    Ok(0)
}

fn seat(node: &str, item: Option<u64>) -> String {
    item.map_or_else(|| node.to_owned(), |i| format!("{node}, item {i}"))
}

fn tell<T>(what: &str, all: &[T], line: impl Fn(&T) -> String) {
    if all.is_empty() {
        return;
    }
    say::out(&format!("\n{what}"));
    all.iter().take(SHOWN as usize).for_each(|t| say::out(&format!("  {}", line(t))));
    if all.len() > SHOWN as usize {
        say::out(&format!("  … {} in all", all.len()));
    }
}

fn head(record: &RunRecord, ended: Option<&Ended>) {
    let run = &record.run;
    say::out(&format!("{}  {}", run.id, run.graph_title));
    let mut line = format!("{}, began {}", run.status, when(run.started));
    if let Some(e) = ended {
        line.push_str(&format!(", {}; {} ran, {} cached", words::duration(e.ms), e.ran, e.cached));
        if let Some(c) = &e.items {
            line.push_str(&format!("; {}", summary::items(c)));
        }
        if e.rejected > 0 {
            line.push_str(&format!("; {} rejected", e.rejected));
        }
    }
    say::out(&line);
    if let Ok(started) = serde_json::from_str::<Started>(&record.args_json)
        && let Some(graph) = &started.args.graph
    {
        let sets: String = started.args.set.iter().map(|s| format!(" --set {s}")).collect();
        say::out(&format!("{} with {}{sets}", record.engine, graph.display()));
    }
}
