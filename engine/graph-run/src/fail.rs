//! Why the program stops before its end, and which exit code that is.

use kiln_core::NodeError;
use kiln_core::store::StoreError;

/// The run failed.
pub const FAILED: u8 = 1;
/// The graph or the command is wrong: nothing was run.
pub const WRONG: u8 = 2;
/// Some of it waits for a person's decision.
pub const WAITS: u8 = 3;
/// Somebody cancelled.
pub const CANCELLED: u8 = 130;

/// Why the program stops.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fail {
    /// The graph or the command is wrong: nothing was run.
    #[error("{0}")]
    Wrong(String),
    /// Something failed while it ran.
    #[error("{0}")]
    Failed(String),
}

impl Fail {
    /// The exit code.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Wrong(_) => WRONG,
            Self::Failed(_) => FAILED,
        }
    }

    /// An error in the command, with what to do about it on a line of its own.
    pub(crate) fn wrong(what: impl std::fmt::Display, hint: Option<&str>) -> Self {
        Self::Wrong(worded(&what.to_string(), hint))
    }
}

/// `error: what`, and the hint below it.
pub(crate) fn worded(what: &str, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("error: {what}\n    {hint}"),
        None => format!("error: {what}"),
    }
}

impl From<StoreError> for Fail {
    fn from(e: StoreError) -> Self {
        Self::Failed(worded(&e.to_string(), None))
    }
}

impl From<NodeError> for Fail {
    fn from(e: NodeError) -> Self {
        Self::wrong(&e.what, e.hint.as_deref())
    }
}
