//! What the run tells of each node while it is drawn: state, progress, pictures, problems.

use egui::{TextureId, Vec2};
use kiln_core::Problem;
use std::collections::BTreeMap;

/// What became of a node in the last run.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Status {
    /// Nothing yet.
    #[default]
    Idle,
    /// It waits for its inputs.
    Waiting,
    /// It works.
    Running {
        /// Steps done.
        done: u64,
        /// Steps in all; 0 if nobody knows.
        total: u64,
    },
    /// It worked.
    Done {
        /// For how long.
        ms: f64,
    },
    /// Its value was there already.
    Cached {
        /// Where.
        from: String,
    },
    /// It rejected what came.
    Rejected {
        /// Why.
        reason: String,
    },
    /// It waits for a person.
    Parked {
        /// For what.
        reason: String,
    },
    /// It failed.
    Failed {
        /// Why, and what to do.
        reason: String,
    },
}

/// A picture on a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Picture {
    /// What is drawn.
    pub texture: TextureId,
    /// How large the picture is.
    pub size: Vec2,
    /// How many there are.
    pub count: u32,
}

/// Everything that is known of a node besides the document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// What became of it.
    pub status: Status,
    /// Why it ran or did not, in words.
    pub why: String,
    /// Its picture.
    pub picture: Option<Picture>,
    /// A small value in words.
    pub words: Option<String>,
}

/// What lights up on the canvas.
#[derive(Clone, Copy, Debug)]
pub struct Lights<'a> {
    /// States by node.
    pub states: &'a BTreeMap<String, State>,
    /// Problems by node.
    pub problems: &'a BTreeMap<String, Vec<Problem>>,
    /// Seconds since the beginning, for what moves.
    pub time: f64,
}

impl Lights<'_> {
    /// A node's state.
    #[must_use]
    pub fn state(&self, node: &str) -> Option<&State> {
        self.states.get(node)
    }

    /// A node's problems.
    #[must_use]
    pub fn problems(&self, node: &str) -> &[Problem] {
        self.problems.get(node).map_or(&[], Vec::as_slice)
    }
}
