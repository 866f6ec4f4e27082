//! The record of a run, kept in the output folder.

use crate::args::RunArgs;
use crate::say;
use kiln_core::store::{Millis, NodeStat, RunStart, Runs};
use kiln_core::{Event, NodeReport, RunReport, Status};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

/// How many failures and rejections a record keeps in full.
const KEPT: usize = 1000;

/// What a run was started with; `retry` starts it so again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Started {
    /// The command line, every path absolute.
    pub args: RunArgs,
    /// The batch's id.
    pub batch: Option<String>,
    /// By what its gates' verdicts are filed.
    pub verdicts: Option<String>,
    /// In how many stages it ran, beyond the first.
    pub stages: u32,
    /// The table's hash.
    pub rows: Option<String>,
    /// Where the graph's paths start.
    pub base: PathBuf,
}

impl Started {
    /// Writes down a command line; paths are then the same from wherever they are read.
    #[must_use]
    pub fn new(args: &RunArgs, base: &Path) -> Self {
        let whole = |p: &PathBuf| std::path::absolute(p).unwrap_or_else(|_| p.clone());
        let mut args = args.clone();
        args.graph = args.graph.as_ref().map(whole);
        args.rows = args.rows.as_ref().map(whole);
        args.cache = args.cache.as_ref().map(whole);
        args.out = whole(&args.out);
        args.access.allow_read = args.access.allow_read.iter().map(whole).collect();
        args.access.models = args.access.models.iter().map(whole).collect();
        Self { args, base: whole(&base.to_owned()), ..Self::default() }
    }
}

/// How a run ended, as its record has it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Ended {
    /// How long it took.
    pub ms: f64,
    /// Node runs.
    pub ran: u64,
    /// Values that were there already.
    pub cached: u64,
    /// Items by state.
    pub items: Option<kiln_core::store::Counts>,
    /// What failed: node, item, reason.
    pub failures: Vec<(String, Option<u64>, String)>,
    /// What gates rejected: gate, item, attempt, score, reason.
    pub rejections: Vec<(String, Option<u64>, u32, f64, String)>,
    /// How often gates rejected.
    pub rejected: u64,
    /// The gate because of which it stopped.
    pub gave_up: Option<kiln_core::GaveUp>,
    /// What waits for a person.
    pub waiting: Vec<kiln_core::Waiting>,
    /// What went into each node's first key.
    pub parts: BTreeMap<String, Vec<(String, String)>>,
}

/// Keeps a run's record while it runs.
pub struct Recorder {
    runs: Runs,
    id: String,
    trouble: Mutex<Option<String>>,
}

impl Recorder {
    /// Begins a record. One that cannot be written is told, and stops nobody.
    pub fn begin(runs: Runs, start: &RunStart) -> Self {
        let trouble = runs.start_run(start).err().map(|e| e.to_string());
        Self { runs, id: start.id.clone(), trouble: Mutex::new(trouble) }
    }

    /// Writes down items that did not end well.
    pub fn note(&self, event: &Event) {
        let (item, status, reason) = match event {
            Event::ItemFinished { item, status, reason, .. } if status != "done" => {
                (item, status.as_str(), reason.as_deref())
            }
            Event::Parked { item: Some(item), reason, .. } => (item, "parked", Some(reason.as_str())),
            _ => return,
        };
        let detail = serde_json::json!({ "reason": reason }).to_string();
        if let Err(e) = self.runs.item_event(&self.id, *item, status, &detail) {
            self.trouble.lock().get_or_insert_with(|| e.to_string());
        }
    }

    /// Ends the record of a run that could not go on.
    pub fn broke(&self, why: &str, now: Millis) {
        let ended = Ended { failures: vec![(String::new(), None, why.to_owned())], ..Ended::default() };
        let summary = serde_json::to_string(&ended).unwrap_or_default();
        // If even this cannot be written, the run counts as interrupted.
        let _ = self.runs.finish_run(&self.id, Status::Failed.word(), &summary, now);
    }

    /// Ends the record.
    pub fn finish(&self, report: &RunReport, now: Millis) {
        let stats: Vec<NodeStat> = report.nodes.iter().map(|(node, r)| stat(node, r)).collect();
        let told = report.rejections.iter();
        let mut rejections: Vec<_> =
            told.map(|r| (r.gate.clone(), r.item, r.attempt, r.score, r.reason.clone())).collect();
        // In the order of the items, not of the workers.
        rejections.sort_by(|a, b| (a.1, &a.0, a.2).cmp(&(b.1, &b.0, b.2)));
        rejections.truncate(KEPT);
        let ended = Ended {
            ms: report.ms,
            ran: report.ran(),
            cached: report.cached(),
            items: report.items,
            failures: report.failures.iter().take(KEPT).cloned().collect(),
            rejections,
            rejected: report.nodes.values().map(|n| n.rejected).sum(),
            gave_up: report.gave_up.clone(),
            waiting: report.waiting.iter().take(KEPT).cloned().collect(),
            parts: report
                .nodes
                .iter()
                .filter(|(_, r)| !r.parts.is_empty())
                .map(|(n, r)| (n.clone(), r.parts.clone()))
                .collect(),
        };
        let summary = serde_json::to_string(&ended).unwrap_or_default();
        let done = self
            .runs
            .node_stats(&self.id, &stats)
            .and_then(|()| self.runs.finish_run(&self.id, report.status.word(), &summary, now));
        if let Err(e) = done {
            self.trouble.lock().get_or_insert_with(|| e.to_string());
        }
        if let Some(e) = self.trouble.lock().take() {
            say::warn(&format!("the record of this run is not whole: {e}"));
        }
    }
}

fn stat(node: &str, r: &NodeReport) -> NodeStat {
    NodeStat {
        node: node.to_owned(),
        ty: r.ty.clone(),
        ran: r.ran,
        cached: r.cached(),
        failed: r.failed,
        ms: r.ms.round() as u64,
        bytes: r.bytes,
        key: r.key.clone(),
    }
}

/// What went into the keys of the last run of a graph that was like this one: of the same title.
pub fn last_parts(runs: &Runs, title: &str, now: Millis) -> BTreeMap<String, Vec<(String, String)>> {
    let found = runs.runs(100, now).unwrap_or_default();
    let ended = found.iter().filter(|r| r.graph_title == title).filter_map(|r| r.summary_json.as_deref());
    let mut parts = ended.filter_map(|s| serde_json::from_str::<Ended>(s).ok()).map(|e| e.parts);
    parts.find(|p| !p.is_empty()).unwrap_or_default()
}

/// An id that sorts by time: `20260214T101500-3fa9`.
#[must_use]
pub fn run_id(now: Millis) -> String {
    let chance = RandomState::new().hash_one((now.0, std::process::id())) & 0xffff_ffff;
    format!("{}-{chance:08x}", stamp(now, "", "T", ""))
}

/// The moment, in the world's time: `2026-02-14 10:15:00`.
#[must_use]
pub fn when(at: Millis) -> String {
    stamp(at, "-", " ", ":")
}

fn stamp(at: Millis, dash: &str, between: &str, colon: &str) -> String {
    let seconds = at.0 / 1000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days since 1970 to a date of our calendar, by eras of 400 years (146,097 days) that begin in March.
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + u64::from(month <= 2);
    let (h, m, s) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}{dash}{month:02}{dash}{day:02}{between}{h:02}{colon}{m:02}{colon}{s:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates() {
        assert_eq!(when(Millis(0)), "1970-01-01 00:00:00");
        assert_eq!(when(Millis(951_782_399_000)), "2000-02-28 23:59:59");
        assert_eq!(when(Millis(951_868_800_000)), "2000-03-01 00:00:00");
        assert_eq!(when(Millis(1_771_064_100_000)), "2026-02-14 10:15:00");
        assert_eq!(when(Millis(4_107_542_399_000)), "2100-02-28 23:59:59");
        assert!(run_id(Millis(1_771_064_100_000)).starts_with("20260214T101500-"));
    }

    #[test]
    fn a_command_line_comes_back() {
        let args = RunArgs {
            set: vec!["a=b".into()],
            out: "out".into(),
            jobs: Some(3),
            resume: true,
            ..RunArgs::default()
        };
        let text = serde_json::to_string(&Started::new(&args, Path::new("."))).unwrap();
        let back: Started = serde_json::from_str(&text).unwrap();
        assert_eq!((back.args.set, back.args.jobs, back.args.resume), (args.set, Some(3), true));
        assert!(back.base.is_absolute() && back.args.out.is_absolute());
    }
}
