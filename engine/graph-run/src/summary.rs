//! What is said at the end: what was made, where, how long it took, what went wrong.

use crate::args::RunArgs;
use crate::review;
use crate::say;
use crate::start::Ready;
use kiln_core::doors::OutFolder;
use kiln_core::types::Value;
use kiln_core::{Purity, RunReport, Status, words};
use serde_json::json;
use std::collections::BTreeSet;

/// How many failures are told.
const SHOWN: usize = 10;

/// A run that came to its end.
pub struct End<'a> {
    /// What was asked.
    pub args: &'a RunArgs,
    /// What was planned.
    pub ready: &'a Ready,
    /// What came of it.
    pub report: &'a RunReport,
    /// Where it was written.
    pub out: Option<&'a OutFolder>,
    /// Folders of sheets of what was rejected, and how many pictures are on them.
    pub sheets: Vec<(String, usize)>,
}

impl End<'_> {
    /// How many effects were done, and how many had been done before.
    fn effects(&self) -> (u64, u64) {
        let effects: BTreeSet<String> =
            self.ready.plan.planned().filter(|p| p.purity == Purity::Effect).map(|p| p.id).collect();
        let own = self.report.nodes.iter().filter(|(name, _)| effects.contains(*name));
        own.fold((0, 0), |(new, old), (_, r)| (new + r.ran, old + r.journal))
    }

    /// For a person, on the standard output.
    pub fn words(&self) {
        let r = self.report;
        for (name, value) in &r.values {
            match value {
                Ok(values) => {
                    let all: Vec<String> = values.iter().map(in_words).collect();
                    say::out(&format!("{name}: {}", all.join(", ")));
                }
                Err(reason) => say::err(&format!("{name}: {reason}")),
            }
        }
        let mut parts = vec![
            match r.status {
                Status::Done => "done",
                Status::Failed => "failed",
                Status::Parked => "waiting for a person",
                Status::Cancelled => "cancelled",
            }
            .to_owned(),
        ];
        if let Some(c) = &r.items {
            parts.push(items(c));
        }
        if let Some(out) = self.out {
            let (new, old) = self.effects();
            parts.push(match (new, old) {
                (0, 0) => "nothing written".to_owned(),
                (0, old) => format!("all {old} written before, in {}", out.root().display()),
                (new, 0) => format!("{new} written to {}", out.root().display()),
                (new, old) => format!("{new} written to {}, {old} were there", out.root().display()),
            });
        }
        parts.push(words::duration(r.ms));
        parts.push(format!("{} ran, {} cached", r.ran(), r.cached()));
        let rejected: u64 = r.nodes.values().map(|n| n.rejected).sum();
        if rejected > 0 {
            parts.push(format!("{rejected} rejected"));
        }
        say::out(&parts.join(" · "));
        self.errors();
        if r.status == Status::Cancelled && self.ready.batch.is_some() {
            say::err("go on with the same command and --resume");
        }
        for (folder, pictures) in &self.sheets {
            let dir = self.args.out.join(folder);
            let noun = if *pictures == 1 { "picture" } else { "pictures" };
            say::out(&format!("rejected: {pictures} {noun} to look at in {}", dir.display()));
        }
        if r.status == Status::Done && self.ready.batch.is_some() {
            crate::places::lines(&self.args.out).iter().for_each(|line| say::out(line));
        }
    }

    /// What waits for a person, where to look and what to do, on the standard error.
    fn waits(&self) {
        let r = self.report;
        let left = match self.out.map(|o| review::waiting(o.folder())) {
            Some(Ok(left)) => left,
            Some(Err(e)) => return say::warn(&e.to_string()),
            None => return,
        };
        let gates = self.ready.plan.reviews();
        let mut any = false;
        for gate in &gates {
            let Some((all, out)) = left.get(gate).zip(self.out) else { continue };
            any = true;
            let (n, verb) = (all.len(), if all.len() == 1 { "picture waits" } else { "pictures wait" });
            say::err(&format!("{gate}: {n} {verb} for a person's decision"));
            review::where_to(out, gate).iter().for_each(|line| say::err(line));
        }
        r.notes.iter().for_each(|note| say::err(note));
        if any && r.status != Status::Cancelled {
            let resume = if self.ready.batch.is_some() { " and --resume" } else { "" };
            say::err(&format!("then go on with the same command{resume}, or stay with --wait-for-review"));
        }
    }

    /// What failed, on the standard error.
    pub fn errors(&self) {
        let r = self.report;
        self.waits();
        if r.status == Status::Cancelled {
            return;
        }
        let mut told: BTreeSet<&(String, Option<u64>, String)> = BTreeSet::new();
        let mut left = 0;
        for failure in &r.failures {
            if told.len() < SHOWN && told.insert(failure) {
                let (node, item, reason) = failure;
                let place = item.map_or_else(|| node.clone(), |i| format!("{node}, item {i}"));
                let reason = reason.strip_prefix(&format!("{node}: ")).unwrap_or(reason);
                say::err(&format!("error in {place}: {reason}"));
            } else if !told.contains(failure) {
                left += 1;
            }
        }
        if left > 0 {
            say::err(&format!(
                "… and {left} more: graph-run runs {} --out {}",
                r.run,
                self.args.out.display()
            ));
        }
        if r.items.is_some_and(|c| c.failed + c.dead > 0) {
            say::err(&format!("mend what is wrong, then: graph-run retry --out {}", self.args.out.display()));
        }
    }

    /// For a program, on the standard output; on one line when events went there as well.
    pub fn json(&self, one_line: bool) {
        let r = self.report;
        let (new, old) = self.effects();
        let values: serde_json::Map<String, serde_json::Value> = r
            .values
            .iter()
            .map(|(name, value)| {
                let value = match value {
                    Ok(values) => match values.as_slice() {
                        [one] => value_json(one),
                        all => all.iter().map(value_json).collect(),
                    },
                    Err(reason) => json!({ "error": reason }),
                };
                (name.clone(), value)
            })
            .collect();
        let mut nodes = r.nodes.clone();
        if !self.args.explain {
            nodes.values_mut().for_each(|n| n.parts.clear());
        }
        let failures: Vec<_> = r
            .failures
            .iter()
            .map(|(node, item, reason)| json!({ "node": node, "item": item, "reason": reason }))
            .collect();
        let all = json!({
            "run": r.run,
            "title": self.ready.source.graph.title,
            "status": r.status.word(),
            "ms": r.ms,
            "ran": r.ran(),
            "cached": r.cached(),
            "rejected": r.nodes.values().map(|n| n.rejected).sum::<u64>(),
            "items": r.items,
            "out": self.out.map(|o| o.root().display().to_string()),
            "effects": { "done": new, "were_done": old },
            "failures": failures,
            "waiting": r.waiting,
            "gave_up": r.gave_up,
            "notes": r.notes,
            "sheets": self.sheets.iter().map(|(folder, n)| json!({ "folder": folder, "pictures": n })).collect::<Vec<_>>(),
            "values": values,
            "nodes": nodes,
        });
        if one_line {
            say::out(&all.to_string());
        } else {
            say::json(&all);
        }
    }
}

/// `16 items, 2 failed`.
pub fn items(c: &kiln_core::store::Counts) -> String {
    let all = c.total();
    let mut text = if all == 1 { "1 item".to_owned() } else { format!("{all} items") };
    let states = [
        (c.failed, "failed"),
        (c.skipped, "left out"),
        (c.parked, "wait for a person"),
        (c.dead, "given up"),
        (c.unsettled(), if c.parked > 0 && c.ready + c.leased == 0 { "behind them" } else { "not made" }),
    ];
    for (n, what) in states {
        if n > 0 {
            text.push_str(&format!(", {n} {what}"));
        }
    }
    text
}

fn in_words(value: &Value) -> String {
    match value {
        Value::None => "nothing".to_owned(),
        Value::Text(t) => t.to_string(),
        Value::List(all) => {
            let mut shown: Vec<String> = all.iter().take(20).map(in_words).collect();
            if all.len() > 20 {
                shown.push(format!("… {} in all", all.len()));
            }
            format!("[{}]", shown.join(", "))
        }
        Value::Image(i) => format!("a picture, {} x {}{}", i.width(), i.height(), batch(i.batch())),
        Value::Mask(m) => format!("a mask, {} x {}{}", m.width(), m.height(), batch(m.batch())),
        other => match value_json(other) {
            serde_json::Value::String(s) => s,
            json => json.to_string(),
        },
    }
}

fn batch(n: usize) -> String {
    if n == 1 { String::new() } else { format!(", {n} of them") }
}

/// A value for programs: what is small as it is, of pictures their size.
pub fn value_json(value: &Value) -> serde_json::Value {
    match value {
        Value::None => serde_json::Value::Null,
        Value::Bool(v) => json!(v),
        Value::Int(v) => json!(v),
        Value::Float(v) => json!(v),
        Value::Text(t) => json!(&**t),
        Value::Color(c) => {
            let [r, g, b, a] = c.to_rgba8();
            json!(if a == 255 {
                format!("#{r:02x}{g:02x}{b:02x}")
            } else {
                format!("#{r:02x}{g:02x}{b:02x}{a:02x}")
            })
        }
        Value::Seed(s) => json!(s),
        Value::Size(w, h) => json!([w, h]),
        Value::Range(a, b) => json!([a, b]),
        Value::Curve(points) => json!(&**points),
        Value::File(f) => json!({ "path": f.path.display().to_string(), "blake3": f.hash.to_string() }),
        Value::Image(i) => {
            json!({ "type": "Image", "width": i.width(), "height": i.height(), "channels": i.channels(), "batch": i.batch() })
        }
        Value::Mask(m) => {
            json!({ "type": "Mask", "width": m.width(), "height": m.height(), "batch": m.batch() })
        }
        Value::List(all) => all.iter().map(value_json).collect(),
        Value::Object(o) => json!({ "type": o.type_name(), "bytes": o.byte_size() }),
    }
}
