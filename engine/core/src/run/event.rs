//! What happens during a run, as versioned messages: `--events` prints them, the canvas shows them.

use serde::{Deserialize, Serialize};

/// The version of the messages.
pub const EVENTS_VERSION: u32 = 1;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run began.
    RunStarted {
        /// The messages' version.
        version: u32,
        /// The run's id.
        run: String,
        /// The graph's title.
        title: String,
        /// Nodes that may run.
        nodes: u64,
        /// Items to make; none outside a batch.
        items: Option<u64>,
    },
    /// A node began to work.
    Started {
        /// The node.
        node: String,
        /// The item.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        item: Option<u64>,
    },
    /// A node did some of its steps.
    Progress {
        /// The node.
        node: String,
        /// The item.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        item: Option<u64>,
        /// Steps done.
        done: u64,
        /// Steps in all.
        total: u64,
    },
    /// A node shows what it looks like so far; the picture lies in memory under a key.
    Preview {
        /// The node.
        node: String,
        /// The item.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        item: Option<u64>,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Under which key the picture lies in memory, for a while.
        #[serde(default)]
        key: String,
    },
    /// A value was there already.
    Cached {
        /// The node.
        node: String,
        /// The item.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        item: Option<u64>,
        /// `memory`, `disk` or `journal`.
        from: String,
        /// Its key.
        key: String,
    },
    /// A node finished.
    Finished {
        /// The node.
        node: String,
        /// The item.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        item: Option<u64>,
        /// How long it took.
        ms: f64,
        /// How much it made.
        bytes: u64,
        /// Its key.
        key: String,
    },
    /// A gate rejected an attempt.
    Rejected {
        /// The gate.
        node: String,
        /// The item.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        item: Option<u64>,
        /// Which attempt, from 0.
        attempt: u32,
        /// How good it was.
        score: f64,
        /// Why.
        reason: String,
    },
    /// A node failed.
    Failed {
        /// The node.
        node: String,
        /// The item.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        item: Option<u64>,
        /// Why, and what to do.
        reason: String,
    },
    /// A gate waits for a person's decision.
    Parked {
        /// The item; none outside a batch.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        item: Option<u64>,
        /// For what.
        reason: String,
        /// The gate.
        #[serde(default)]
        node: String,
        /// Which attempt, from 0.
        #[serde(default)]
        attempt: u32,
        /// The key of the value that the decision is about.
        #[serde(default)]
        key: String,
    },
    /// An item came to its end.
    ItemFinished {
        /// The item.
        item: u64,
        /// `done`, `skipped`, `failed`, …
        status: String,
        /// Why, if not done.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        reason: Option<String>,
        /// Items settled so far.
        settled: u64,
        /// Items in all.
        total: u64,
    },
    /// The run came to its end.
    RunFinished {
        /// `done`, `failed` or `cancelled`.
        status: String,
        /// How long it took.
        ms: f64,
        /// Node runs.
        ran: u64,
        /// Values that were there already.
        cached: u64,
    },
}

/// Where events go.
pub type Listener = dyn Fn(&Event) + Send + Sync;
