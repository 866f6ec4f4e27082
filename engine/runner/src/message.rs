//! The messages: what a client asks, what a runner tells. One JSON object each, one per line on a pipe.
//!
//! ```
//! use kiln_runner::{Request, RequestMessage};
//! let line = r#"{"v":1,"seq":1,"body":{"kind":"hello","versions":[1],"client":"canvas"}}"#;
//! let message: RequestMessage = serde_json::from_str(line)?;
//! assert!(matches!(message.body, Request::Hello { .. }));
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! Fields that are not known are passed over, so a newer side may add some. A kind that is not known is
//! answered with an error. What changes the meaning of a field raises [`VERSION`].

use crate::error::RunnerError;
use kiln_core::{Event, GaveUp, NodeReport, Problem, Rejection, Status, Waiting};
use kiln_store::Counts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The version of the messages.
pub const VERSION: u32 = 1;
/// The versions spoken here.
pub const VERSIONS: &[u32] = &[VERSION];
/// No line on a pipe is longer.
pub const MAX_LINE: usize = 64 << 20;

/// A run's name, chosen by the client or by the runner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

impl RunId {
    /// A name that no other run has.
    #[must_use]
    pub fn fresh() -> Self {
        use std::hash::{BuildHasher, RandomState};
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let chance = RandomState::new().hash_one((n, std::process::id(), std::time::SystemTime::now()));
        Self(format!("run-{chance:016x}"))
    }

    /// Whether it is fit for records and file names.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.:".contains(&b);
        (1..=100).contains(&self.0.len()) && self.0.bytes().all(fits)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What every message is wrapped in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope<B> {
    /// The version of the messages.
    pub v: u32,
    /// In a request: its number, chosen by the client. In the stream: its place. Else 0.
    #[serde(default)]
    pub seq: u64,
    /// The number of the request that this answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<u64>,
    /// The run that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// What it says.
    pub body: B,
}

/// A message to a runner.
pub type RequestMessage = Envelope<Request>;
/// A message from a runner.
pub type Message = Envelope<Answer>;

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Request {
    /// The first message: the versions the client speaks.
    Hello {
        /// The versions.
        versions: Vec<u32>,
        /// Who it is, for people.
        #[serde(default)]
        client: String,
    },
    /// Run a graph, after those that wait already. The envelope's `run` names it.
    Submit(Box<Submit>),
    /// Stop the run that the envelope names.
    Cancel {},
    /// Decide over a parked item of the run that the envelope names.
    Decide(Decide),
    /// Send the stream from here on, in place of an earlier subscription.
    Subscribe {
        /// Everything after this place, as far as it is kept; nothing: from now on.
        #[serde(default)]
        after: Option<u64>,
    },
    /// Send a picture.
    FetchPicture(FetchPicture),
}

/// A graph to be run, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Submit {
    /// The run's name; none: the runner chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<RunId>,
    /// The document's text.
    pub graph: String,
    /// The folder that the graph's paths start from, and that it may read.
    pub base: String,
    /// Exposed names or `node.param`, and the word each is set to, as on a command line.
    pub set: Vec<(String, String)>,
    /// The nodes whose results are wanted; none: every effect, or every leaf.
    pub want: Vec<String>,
    /// The output folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out: Option<String>,
    /// The items to make; none: the graph runs once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Items>,
    /// Goes on where an earlier run of the same items stopped.
    pub resume: bool,
    /// Processor threads; none: as many as there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<usize>,
    /// More folders that may be read.
    pub allow_read: Vec<String>,
    /// Hosts that may be asked, where the runner was given a network.
    pub allow_net: Vec<String>,
    /// Limits.
    pub limits: Limits,
    /// Files that Kiln did not make may be replaced.
    pub overwrite: bool,
    /// Remember what went into each key.
    pub explain: bool,
    /// Fan-ins run even when items failed.
    pub partial: bool,
    /// Stays under way until nothing waits for a person's decision any more, or it is cancelled.
    pub wait: bool,
}

/// Which items a run makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Items {
    /// From the first number up to, but without, the second.
    Range(u64, u64),
    /// A table.
    Rows {
        /// The columns' names: exposed names or `node.param`.
        columns: Vec<String>,
        /// The rows, a word for each column.
        rows: Vec<Vec<String>>,
        /// Only these rows, from the first number up to, but without, the second.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        some: Option<(u64, u64)>,
    },
}

/// Limits of a run; what is not said is the engine's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// No file of more bytes is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_file: Option<u64>,
    /// No new work begins while values under way take more bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_bytes: Option<usize>,
}

/// A person's decision over an item that waits at a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decide {
    /// The item; none outside a batch, or where the gate decides for all items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<u64>,
    /// The gate's name.
    pub gate: String,
    /// The key of the value that was looked at, as the event `parked` told it: of another one the decision
    /// says nothing, and is refused. None: whatever waits there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The decision.
    pub decision: Decision,
}

/// What a person says of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It passes.
    Accept,
    /// It does not.
    Reject {
        /// Why.
        reason: String,
    },
    /// It is to be made once more, with another seed.
    Redo,
}

/// A picture that a client wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FetchPicture {
    /// The node's key, as the events tell it.
    pub key: String,
    /// Which output of the node, from 0.
    pub output: usize,
    /// Which picture of a batch or list, from 0.
    pub index: usize,
    /// Made smaller so that no side is longer; none: as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_side: Option<u32>,
}

/// A picture on its way to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// The node's key.
    pub key: String,
    /// Width of what is sent.
    pub width: u32,
    /// Height of what is sent.
    pub height: u32,
    /// Width of the value.
    pub full_width: u32,
    /// Height of the value.
    pub full_height: u32,
    /// How many pictures the value has.
    pub count: u32,
    /// A PNG file, base64 in JSON.
    #[serde(with = "crate::base64")]
    pub png: Vec<u8>,
}

/// What a runner tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Answer {
    /// The answer to a greeting.
    Welcome {
        /// The version that will be spoken.
        version: u32,
        /// The engine's version.
        engine: String,
        /// The version of the events.
        events: u32,
    },
    /// What was asked is done, or under way.
    Ok {},
    /// What was asked is not done.
    Error {
        /// Why, as data.
        why: RunnerError,
        /// Why, in words.
        words: String,
    },
    /// A picture.
    Picture(Picture),
    /// In the stream: the graph is sound and the run waits for its turn.
    Accepted {
        /// How many runs come before it.
        before: u64,
        /// What is worth knowing of the graph.
        warnings: Vec<Problem>,
    },
    /// In the stream: the graph has problems, all of them listed, and was not run.
    Refused {
        /// The problems.
        problems: Vec<Problem>,
    },
    /// In the stream: something happened.
    Event {
        /// What.
        event: Event,
    },
    /// In the stream: the run came to its end.
    Finished(Box<Summary>),
    /// In the stream: the worker died with the run under way.
    Lost {
        /// What happened, and what to do.
        words: String,
    },
    /// In the stream: so many messages before this one are no longer kept, or were never read.
    Gap {
        /// How many.
        missing: u64,
    },
}

impl Answer {
    /// An error, as data and in words.
    #[must_use]
    pub fn error(why: RunnerError) -> Self {
        let words = why.to_string();
        Self::Error { why, words }
    }

    /// Whether it ends its run.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Finished(_) | Self::Lost { .. })
    }

    /// Whether nobody misses it when more of the kind follow.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Event { event: Event::Progress { .. } | Event::Preview { .. } })
    }

    /// Whether it is kept when others have to go.
    #[must_use]
    pub fn is_vital(&self) -> bool {
        self.is_end() || matches!(self, Self::Event { event: Event::Failed { .. } })
    }
}

/// Something that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The node; empty when it concerns the run.
    pub node: String,
    /// The item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<u64>,
    /// Why, and what to do.
    pub reason: String,
}

/// A wanted value, without its bytes: a picture is fetched by its node's key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WantedValue {
    /// The types of the outputs.
    pub types: Vec<String>,
    /// Small values in words, one for each output.
    pub words: Vec<Option<String>>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How.
    pub status: Status,
    /// Whether it began at all, or was cancelled before its turn.
    pub began: bool,
    /// How long it took.
    pub ms: f64,
    /// Node runs.
    pub ran: u64,
    /// Values that were there already.
    pub cached: u64,
    /// Every needed node.
    #[serde(default)]
    pub nodes: BTreeMap<String, NodeReport>,
    /// Wanted values (outside a batch).
    #[serde(default)]
    pub values: BTreeMap<String, WantedValue>,
    /// What failed; the first thousand.
    #[serde(default)]
    pub failures: Vec<Failure>,
    /// Rejected attempts; the first thousand.
    #[serde(default)]
    pub rejections: Vec<Rejection>,
    /// Items by state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Counts>,
    /// What waits for a person; the first thousand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
    /// The gate because of which the run stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gave_up: Option<GaveUp>,
    /// What else is worth knowing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What the batch is called in the output folder's queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
}

impl Summary {
    /// The end of a run that was cancelled before its turn.
    #[must_use]
    pub fn never_began() -> Self {
        Self::without_work(Status::Cancelled, false, Vec::new())
    }

    /// The end of a run that could not go on.
    #[must_use]
    pub fn broken(reason: impl Into<String>) -> Self {
        let failure = Failure { node: String::new(), item: None, reason: reason.into() };
        Self::without_work(Status::Failed, true, vec![failure])
    }

    fn without_work(status: Status, began: bool, failures: Vec<Failure>) -> Self {
        Self {
            status,
            began,
            ms: 0.0,
            ran: 0,
            cached: 0,
            nodes: BTreeMap::new(),
            values: BTreeMap::new(),
            failures,
            rejections: Vec::new(),
            items: None,
            waiting: Vec::new(),
            gave_up: None,
            notes: Vec::new(),
            batch: None,
        }
    }
}
