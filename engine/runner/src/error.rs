//! Why something that was asked of a runner was not done.

use crate::message::RunId;
use serde::{Deserialize, Serialize};

/// Why something that was asked of a runner was not done. It travels as data and reads as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "error", rename_all = "kebab-case")]
pub enum RunnerError {
    /// Nobody submitted such a run here.
    #[error("there is no run {run}: it was not submitted here, or so long ago that it is forgotten")]
    UnknownRun {
        /// The run.
        run: RunId,
    },
    /// There is such a run already.
    #[error("there is a run {run} already: choose another id, or leave it to the runner")]
    Taken {
        /// The run.
        run: RunId,
    },
    /// The run is over.
    #[error("run {run} has ended: there is nothing left to cancel")]
    Ended {
        /// The run.
        run: RunId,
    },
    /// Too much waits already.
    #[error("{waiting} {what} wait already: wait for some of them")]
    Busy {
        /// How many.
        waiting: u64,
        /// Of what.
        what: String,
    },
    /// Nothing waits for that decision.
    #[error("{} of run {run} does not wait for a decision at gate {gate:?}: {why}", .item.map_or_else(|| "what is made".to_owned(), |i| format!("item {i}")))]
    NotParked {
        /// The run.
        run: RunId,
        /// The item.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<u64>,
        /// The gate.
        gate: String,
        /// What it does instead.
        why: String,
    },
    /// The value is kept no longer.
    #[error("no value is kept under {key}: run the graph again")]
    NoValue {
        /// Its key.
        key: String,
    },
    /// The value is no picture.
    #[error("the value under {key} is {ty}: only pictures and masks can be shown")]
    NoPicture {
        /// Its key.
        key: String,
        /// What it is.
        ty: String,
    },
    /// The picture does not fit into a message.
    #[error(
        "the picture takes {bytes} bytes, more than a message may have: ask for a smaller one with max_side"
    )]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// The picture could not be written.
    #[error("the picture cannot be encoded: {what}")]
    Encode {
        /// Why.
        what: String,
    },
    /// The database or a file refused.
    #[error("{what}")]
    Store {
        /// In words.
        what: String,
    },
    /// The message cannot be read.
    #[error("the message cannot be read: {what}")]
    BadMessage {
        /// Why.
        what: String,
    },
    /// The line is too long.
    #[error("the line is longer than {limit} bytes")]
    TooLong {
        /// The most it may have.
        limit: u64,
    },
    /// The other side speaks other versions.
    #[error("version {} of the messages is not spoken here, only {}: use a newer Kiln on the older side", list(.asked), list(.spoken))]
    Version {
        /// What was asked for.
        asked: Vec<u32>,
        /// What is spoken.
        spoken: Vec<u32>,
    },
    /// The first message was not a greeting.
    #[error("say hello first: {{\"v\":1,\"seq\":1,\"body\":{{\"kind\":\"hello\",\"versions\":[1]}}}}")]
    NoHello,
    /// Answers were thrown away.
    #[error("{lost} answers were thrown away because nobody read them: read faster")]
    Overrun {
        /// How many.
        lost: u64,
    },
    /// The worker program is no more.
    #[error("{what}")]
    Gone {
        /// In words, with what to do.
        what: String,
    },
    /// No answer came in time.
    #[error("no answer came in time: the runner may be busy; ask again")]
    Timeout,
    /// The runner is shutting down.
    #[error("the runner is shutting down")]
    Closing,
    /// A newer runner's reason.
    #[serde(other)]
    #[error("the runner refused for a reason that this version does not know: update Kiln")]
    Unknown,
}

fn list(versions: &[u32]) -> String {
    if versions.is_empty() {
        return "none".to_owned();
    }
    versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl From<kiln_store::StoreError> for RunnerError {
    fn from(e: kiln_store::StoreError) -> Self {
        Self::Store { what: e.to_string() }
    }
}
