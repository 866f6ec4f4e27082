//! What a run did, node by node: the run record, `--explain` and the summary are made from it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What became of one node over the whole run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeReport {
    /// Its type.
    #[serde(rename = "type")]
    pub ty: String,
    /// How often it worked.
    pub ran: u64,
    /// How often its value was in memory.
    pub memory: u64,
    /// How often its value was on disk.
    pub disk: u64,
    /// How often its effect had happened before.
    pub journal: u64,
    /// How often it failed.
    pub failed: u64,
    /// How often it rejected.
    pub rejected: u64,
    /// Time it worked.
    pub ms: f64,
    /// Bytes it made.
    pub bytes: u64,
    /// The key of its first value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What went into that key: slot, and the start of its hash. Only when asked to explain.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub parts: Vec<(String, String)>,
}

impl NodeReport {
    /// How often its value was there already.
    #[must_use]
    pub fn cached(&self) -> u64 {
        self.memory + self.disk + self.journal
    }

    /// Why it ran or did not, in a few words; `before` is what went into its key in an earlier run.
    #[must_use]
    pub fn why(&self, before: Option<&[(String, String)]>) -> String {
        let mut words = Vec::new();
        if self.ran > 0 {
            let changed: Vec<&str> = match before {
                Some(old) => {
                    let same = |p: &(String, String)| old.contains(p);
                    let mut names: Vec<&str> =
                        self.parts.iter().filter(|p| !same(p)).map(|p| p.0.as_str()).collect();
                    let gone = old.iter().filter(|o| !self.parts.iter().any(|p| p.0 == o.0));
                    names.extend(gone.map(|o| o.0.as_str()));
                    names
                }
                None => Vec::new(),
            };
            words.push(match (before, changed.as_slice()) {
                (None, _) => "ran: nothing was kept under its key".to_owned(),
                (Some(_), []) => "ran: nothing changed, but its value was no longer kept".to_owned(),
                (Some(_), names) => format!("ran: {} changed", crate::words::list(names)),
            });
        }
        let kept = [
            (self.memory, "memory"),
            (self.disk, "the disk cache"),
            (self.journal, "the journal: it had happened"),
        ];
        for (n, place) in kept {
            if n > 0 {
                words.push(if n == 1 {
                    format!("taken from {place}")
                } else {
                    format!("{n} taken from {place}")
                });
            }
        }
        if self.rejected > 0 {
            words.push(format!("rejected {}", self.rejected));
        }
        if self.failed > 0 {
            words.push(format!("failed {}", self.failed));
        }
        if words.is_empty() {
            words.push("not needed: what reads it was there already".to_owned());
        }
        words.join("; ")
    }
}

/// A value that a run was asked for, or the reason why there is none.
pub type Wanted = Result<Vec<kiln_types::Value>, String>;

/// A rejected attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rejection {
    /// The gate.
    pub gate: String,
    /// The item.
    pub item: Option<u64>,
    /// Which attempt, from 0.
    pub attempt: u32,
    /// How good it was.
    pub score: f64,
    /// Why.
    pub reason: String,
}

/// Something that waits for a person's decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The gate.
    pub gate: String,
    /// The item.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub item: Option<u64>,
    /// Which attempt, from 0.
    pub attempt: u32,
    /// The key of the value it is about.
    pub key: String,
    /// What is asked, in words.
    pub reason: String,
}

/// A gate that rejected too many values in a row, so that the run stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GaveUp {
    /// The gate.
    pub gate: String,
    /// How many it rejected in a row.
    pub rejected: u64,
    /// What it said, the most frequent first: one of the reasons that differ in numbers only, and how many
    /// they are.
    pub reasons: Vec<(String, u64)>,
    /// The lowest, the median and the highest score.
    pub scores: [f64; 3],
}

impl std::fmt::Display for GaveUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} values in a row were rejected, so the run stopped: a limit may be set wrong. It said",
            self.rejected
        )?;
        for (at, (reason, times)) in self.reasons.iter().take(3).enumerate() {
            let before = if at == 0 { " " } else { "; " };
            match times {
                1 => write!(f, "{before}{reason:?}")?,
                n => write!(f, "{before}{n} times like {reason:?}")?,
            }
        }
        if self.reasons.len() > 3 {
            write!(f, "; and {} more", self.reasons.len() - 3)?;
        }
        let [low, middle, high] = self.scores;
        write!(
            f,
            ". Scores from {low:.4} to {high:.4}, half of them below {middle:.4}. Mend the limit and run again: \
             what is made already is kept, and the rest goes on (or set give_up_after higher, 0 for never)"
        )
    }
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Everything wanted is there.
    Done,
    /// Something wanted is not.
    Failed,
    /// Some items wait for a person.
    Parked,
    /// Somebody cancelled; it can be resumed.
    Cancelled,
}

impl Status {
    /// One word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Parked => "parked",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a run did.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The run's id.
    pub run: String,
    /// How it ended.
    pub status: Status,
    /// How long it took.
    pub ms: f64,
    /// Every needed node, by name.
    pub nodes: BTreeMap<String, NodeReport>,
    /// Values of wanted nodes that are no effects (only outside a batch).
    pub values: BTreeMap<String, Wanted>,
    /// Why things failed: node, item, reason; the first thousand.
    pub failures: Vec<(String, Option<u64>, String)>,
    /// Rejected attempts; the first ten thousand.
    pub rejections: Vec<Rejection>,
    /// The gate because of which the run stopped.
    pub gave_up: Option<GaveUp>,
    /// What waits for a person; the first thousand that this run came by.
    pub waiting: Vec<Waiting>,
    /// What else a person ought to know.
    pub notes: Vec<String>,
    /// Items by state, in a batch.
    pub items: Option<kiln_store::Counts>,
}

impl RunReport {
    /// Node runs in all.
    #[must_use]
    pub fn ran(&self) -> u64 {
        self.nodes.values().map(|n| n.ran).sum()
    }
    /// Values that were there already.
    #[must_use]
    pub fn cached(&self) -> u64 {
        self.nodes.values().map(NodeReport::cached).sum()
    }
}
