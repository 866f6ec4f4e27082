//! The state of nodes while they run: one frame for the run, one for each item (or window) under way.

use super::report::Waiting;
use crate::cx::{ItemInfo, Items};
use kiln_store::Place;
use kiln_types::{Key, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A node in a frame, at one attempt of its region.
pub(crate) type Seat = (u64, u32, u32);

/// Why a node gives no value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bad {
    /// It, or something it needs, failed.
    Failed(Arc<str>),
    /// A gate left it out.
    Skipped(Arc<str>),
    /// Somebody has to decide first.
    Parked(Arc<str>),
    /// Its item waits for its turn at an ordered gate.
    NotYet(Arc<str>),
}

impl Bad {
    /// What is said of it.
    pub fn words(&self) -> &Arc<str> {
        match self {
            Self::Failed(w) | Self::Skipped(w) | Self::Parked(w) | Self::NotYet(w) => w,
        }
    }

    /// Of several reasons, the highest decides what becomes of an item: one that waits for its turn comes
    /// back by itself, one that failed would fail again whatever a person says.
    pub fn rank(&self) -> u8 {
        match self {
            Self::NotYet(_) => 4,
            Self::Failed(_) => 3,
            Self::Parked(_) => 2,
            Self::Skipped(_) => 1,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum State {
    /// Nobody asked yet.
    Idle,
    /// Waits for a decision or a value before it has a key.
    Blocked,
    /// Waits for so many inputs.
    Waiting(u32),
    /// May work.
    Queued,
    /// Works.
    Running,
    /// Its value is here.
    Ready,
    /// No value.
    Bad(Bad),
}

/// One node in one frame.
#[derive(Debug)]
pub(crate) struct Cell {
    pub state: State,
    pub generation: u32,
    pub key: Option<Key>,
    /// For gates and selects: what their first output is.
    pub alias: Option<crate::plan::Wire>,
    pub outs: Vec<Option<Value>>,
    /// Files that computed paths name, by slot.
    pub late: Vec<(usize, Value)>,
    /// How the values of some inputs were made, by slot.
    pub recipes: Vec<(usize, Arc<crate::recipe::Recipe>)>,
    /// Who is to be told.
    pub waiters: Vec<Seat>,
    /// Whose values it holds on to.
    pub holds: Vec<Seat>,
    /// How many hold on to its value.
    pub readers: u32,
    /// Its value stays until the frame ends.
    pub pinned: bool,
    /// The frame is finished only when it came to an end.
    pub sink: bool,
    /// It is queued to be fetched, not to be made.
    pub load: bool,
    pub bytes: usize,
}

impl Cell {
    pub fn new() -> Self {
        Self {
            state: State::Idle,
            generation: 0,
            key: None,
            alias: None,
            outs: Vec::new(),
            late: Vec::new(),
            recipes: Vec::new(),
            waiters: Vec::new(),
            holds: Vec::new(),
            readers: 0,
            pinned: false,
            sink: false,
            load: false,
            bytes: 0,
        }
    }
}

/// How a region stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct RegionState {
    pub attempt: u32,
    /// Gates that passed this attempt.
    pub passed: usize,
    /// Attempts so far: gates passed, score of the gate that rejected.
    pub tried: Vec<(usize, f64)>,
    pub decided: Option<Result<u32, Bad>>,
    /// The mark that an ordered gate made of the present attempt, and the past it was compared with.
    pub marks: Vec<(u32, Vec<u8>, Key)>,
    /// Each gate's score at each attempt, for what is told of the one that passed.
    pub scores: Vec<(u32, u32, f64)>,
    /// Attempts beyond the last one, each asked for by a person.
    pub extra: u32,
}

/// What a frame is of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Of {
    Run,
    Item(Arc<ItemInfo>),
    Window(u64, u32),
}

/// The state of a run, an item or a window.
pub(crate) struct Frame {
    pub of: Of,
    /// Cells by the node's place among the nodes of this scope.
    pub cells: Vec<Cell>,
    pub regions: BTreeMap<u32, RegionState>,
    /// Sinks that are not settled yet.
    pub open: u32,
    /// Parameters a table sets for this item, by node and slot.
    pub set: BTreeMap<(u32, u32), Value>,
    /// What a fan-in will want, by keep node.
    pub kept: BTreeMap<u32, Key>,
    /// What a fan-in collected, for frames of a run or a window.
    pub collected: BTreeMap<(u32, u32), Gathered>,
    pub worst: Option<Bad>,
    pub lease: Option<kiln_store::Lease>,
    pub rejections: u32,
    /// What gates said in each region, not filed yet.
    pub verdicts: BTreeMap<u32, Vec<kiln_store::Found>>,
    /// Questions that wait for a person.
    pub asked: Vec<Waiting>,
}

/// The values of many items, for one wire.
#[derive(Clone)]
pub(crate) struct Gathered {
    pub digest: Key,
    pub items: Arc<dyn Items>,
}

impl Frame {
    pub fn new(of: Of, cells: usize) -> Self {
        Self {
            of,
            cells: (0..cells).map(|_| Cell::new()).collect(),
            regions: BTreeMap::new(),
            open: 0,
            set: BTreeMap::new(),
            kept: BTreeMap::new(),
            collected: BTreeMap::new(),
            worst: None,
            lease: None,
            rejections: 0,
            verdicts: BTreeMap::new(),
            asked: Vec::new(),
        }
    }

    /// By which its gates' questions and verdicts are filed.
    pub fn place(&self) -> Place {
        match &self.of {
            Of::Run => Place::Run,
            Of::Item(info) => Place::Item(info.item),
            Of::Window(window, _) => Place::Window(*window),
        }
    }

    pub fn item(&self) -> Option<&Arc<ItemInfo>> {
        match &self.of {
            Of::Item(info) => Some(info),
            _ => None,
        }
    }
}
