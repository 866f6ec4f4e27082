//! What a node is, as data: ports, parameters, purity, version and words.
//!
//! A schema is a value, so it can come from Rust, from a subgraph or from a plug-in. Validation, the
//! canvas' widgets, `graph-run nodes` and `docs/nodes.md` are all made from it.

use kiln_types::{Type, Value, names};
use serde::Serialize;
use std::borrow::Cow;

/// How a node treats the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purity {
    /// Same inputs, same outputs: cached.
    Pure,
    /// Passes one of its inputs on; the others are not even computed.
    Select,
    /// Passes its first input on, or rejects it.
    Gate,
    /// A gate that compares with everything accepted before, in item order.
    OrderedGate,
    /// Changes the world, and keeps a journal of it.
    Effect,
}

/// What a doubtful effect (an intent without an outcome) means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// The node can ask the world whether it happened.
    AskTheWorld,
    /// Doing it again under the same key changes nothing.
    IdempotentByKey,
    /// It may happen twice; the canvas and the run record say so.
    AtLeastOnce,
}

/// Which kind of worker runs a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Any processor thread.
    Cpu,
    /// The device's one thread; its numeric class is part of the key.
    Device,
}

/// An input port.
#[derive(Clone, Debug)]
pub struct Input {
    /// Name in `from`.
    pub name: &'static str,
    /// What it takes.
    pub ty: Type,
    /// One line for people.
    pub doc: Cow<'static, str>,
    /// May stay unlinked.
    pub optional: bool,
    /// Computed only when a [`Purity::Select`] node chooses it.
    pub lazy: bool,
    /// Collects the values of all items (or of a window of them).
    pub gather: bool,
    /// Takes several links, in order; the node sees a list.
    pub many: bool,
    /// Takes a list whole where the type says one value.
    pub whole: bool,
    /// The node also reads how the value was made: see [`crate::Cx::recipe`].
    pub recipe: bool,
    /// Other names it answers to: earlier ones, or ComfyUI's.
    pub was: &'static [&'static str],
}

/// An output port.
#[derive(Clone, Debug)]
pub struct Output {
    /// Name in links.
    pub name: &'static str,
    /// What it gives.
    pub ty: Type,
    /// One line for people.
    pub doc: Cow<'static, str>,
    /// Its type is whatever this input receives.
    pub follows: Option<&'static str>,
}

/// A parameter's widget and bounds.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A check box.
    Bool,
    /// A whole number.
    Int {
        /// Lowest.
        min: i64,
        /// Highest.
        max: i64,
        /// What a widget steps by.
        step: i64,
    },
    /// A number.
    Float {
        /// Lowest.
        min: f64,
        /// Highest.
        max: f64,
        /// What a widget steps by.
        step: f64,
    },
    /// Text.
    Text {
        /// Several lines.
        multiline: bool,
    },
    /// One of some words.
    Choice(Vec<Cow<'static, str>>),
    /// A colour.
    Color,
    /// A random seed; over items, each item draws its own from it unless it is written `Fixed(7)`.
    Seed,
    /// Width and height.
    Size {
        /// Shortest side.
        min: u32,
        /// Longest side.
        max: u32,
    },
    /// A lowest and a highest number.
    Range {
        /// Lowest bound.
        min: f64,
        /// Highest bound.
        max: f64,
    },
    /// Points of a curve.
    Curve,
    /// A file to read.
    File,
    /// Files to read: `folder/*.png`.
    Files,
    /// A model, by its name in the model folders of this kind (`checkpoints`, `loras` …); or a path.
    Model(&'static str),
    /// A prompt: text that may name embeddings.
    Prompt,
    /// Another node's parameter: `node.param`.
    ParamRef,
    /// Several values of one kind.
    List(Box<Kind>),
}

impl Kind {
    /// The type such a parameter has when linked.
    #[must_use]
    pub fn ty(&self) -> Type {
        match self {
            Self::Bool => Type::one(names::BOOL),
            Self::Int { .. } => Type::one(names::INT),
            Self::Float { .. } => Type::one(names::FLOAT),
            Self::Text { .. } | Self::Choice(_) | Self::ParamRef | Self::Prompt => Type::one(names::TEXT),
            Self::Color => Type::one(names::COLOR),
            Self::Seed => Type::one(names::SEED),
            Self::Size { .. } => Type::one(names::SIZE),
            Self::Range { .. } => Type::one(names::RANGE),
            Self::Curve => Type::one(names::CURVE),
            Self::File | Self::Model(_) => Type::one(names::FILE),
            Self::Files => Type::list(names::FILE),
            Self::List(inner) => inner.ty().as_list(),
        }
    }
}

/// A parameter: set in `with`, or linked in `from`.
#[derive(Clone, Debug)]
pub struct Param {
    /// Name in `with`.
    pub name: &'static str,
    /// Widget and bounds.
    pub kind: Kind,
    /// What it is when nobody says; `None` means it has to be set or linked.
    pub default: Option<Value>,
    /// Unit, for people: `px`, `stops`, `%`.
    pub unit: &'static str,
    /// One line for people.
    pub doc: Cow<'static, str>,
    /// Does not change the output (a label): not part of the key.
    pub cosmetic: bool,
    /// Read by the engine, not by the node (a gate's `retry`): not part of the key.
    pub control: bool,
    /// Names it had in earlier versions of the node.
    pub was: &'static [&'static str],
}

impl Param {
    fn new(name: &'static str, kind: Kind, default: Option<Value>) -> Self {
        Self {
            name,
            kind,
            default,
            unit: "",
            doc: Cow::Borrowed(""),
            cosmetic: false,
            control: false,
            was: &[],
        }
    }
    /// A check box.
    #[must_use]
    pub fn bool(name: &'static str, default: bool) -> Self {
        Self::new(name, Kind::Bool, Some(Value::Bool(default)))
    }
    /// A whole number.
    #[must_use]
    pub fn int(name: &'static str, default: i64, range: std::ops::RangeInclusive<i64>) -> Self {
        Self::new(
            name,
            Kind::Int { min: *range.start(), max: *range.end(), step: 1 },
            Some(Value::Int(default)),
        )
    }
    /// A number.
    #[must_use]
    pub fn float(name: &'static str, default: f64, range: std::ops::RangeInclusive<f64>) -> Self {
        let kind = Kind::Float { min: *range.start(), max: *range.end(), step: 0.01 };
        Self::new(name, kind, Some(Value::Float(default)))
    }
    /// One line of text.
    #[must_use]
    pub fn text(name: &'static str, default: &'static str) -> Self {
        Self::new(name, Kind::Text { multiline: false }, Some(Value::from(default)))
    }
    /// Several lines of text.
    #[must_use]
    pub fn multiline(name: &'static str, default: &'static str) -> Self {
        Self::new(name, Kind::Text { multiline: true }, Some(Value::from(default)))
    }
    /// One of some words; the first is the default.
    #[must_use]
    pub fn choice(name: &'static str, words: &[&'static str]) -> Self {
        let default = words.first().map(|w| Value::from(*w));
        Self::new(name, Kind::Choice(words.iter().map(|w| Cow::Borrowed(*w)).collect()), default)
    }
    /// A colour.
    #[must_use]
    pub fn color(name: &'static str, default: kiln_types::Color) -> Self {
        Self::new(name, Kind::Color, Some(Value::Color(default)))
    }
    /// A random seed.
    #[must_use]
    pub fn seed(name: &'static str) -> Self {
        Self::new(name, Kind::Seed, Some(Value::Seed(0)))
    }
    /// Width and height.
    #[must_use]
    pub fn size(name: &'static str, width: u32, height: u32) -> Self {
        Self::new(name, Kind::Size { min: 1, max: 16384 }, Some(Value::Size(width, height))).unit("px")
    }
    /// A lowest and a highest number.
    #[must_use]
    pub fn range(name: &'static str, default: (f64, f64), bounds: std::ops::RangeInclusive<f64>) -> Self {
        let kind = Kind::Range { min: *bounds.start(), max: *bounds.end() };
        Self::new(name, kind, Some(Value::Range(default.0, default.1)))
    }
    /// Points of a curve, `[(0, 0), (1, 1)]`.
    #[must_use]
    pub fn curve(name: &'static str, default: &[(f64, f64)]) -> Self {
        Self::new(name, Kind::Curve, Some(Value::Curve(default.into())))
    }
    /// A file to read; has to be set or linked.
    #[must_use]
    pub fn file(name: &'static str) -> Self {
        Self::new(name, Kind::File, None)
    }
    /// Files to read, `folder/*.png`; has to be set or linked.
    #[must_use]
    pub fn files(name: &'static str) -> Self {
        Self::new(name, Kind::Files, None)
    }
    /// A model of a kind (`checkpoints`, `loras` …, see [`crate::models`]); has to be set or linked.
    #[must_use]
    pub fn model(name: &'static str, kind: &'static str) -> Self {
        Self::new(name, Kind::Model(kind), None)
    }
    /// A prompt: the embeddings it names belong to the key.
    #[must_use]
    pub fn prompt(name: &'static str, default: &'static str) -> Self {
        Self::new(name, Kind::Prompt, Some(Value::from(default)))
    }
    /// Another node's parameter, `node.param`; empty by default.
    #[must_use]
    pub fn param_ref(name: &'static str) -> Self {
        Self::new(name, Kind::ParamRef, Some(Value::from("")))
    }
    /// Several values of one kind, none by default.
    #[must_use]
    pub fn list(name: &'static str, of: Kind) -> Self {
        Self::new(name, Kind::List(Box::new(of)), Some(Value::list(Vec::new())))
    }
    /// Has to be set or linked.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.default = None;
        self
    }
    /// Another default.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }
    /// What a widget steps by.
    #[must_use]
    pub fn step(mut self, by: f64) -> Self {
        match &mut self.kind {
            Kind::Int { step, .. } => *step = (by as i64).max(1),
            Kind::Float { step, .. } => *step = by,
            _ => {}
        }
        self
    }
    /// Unit, for people.
    #[must_use]
    pub fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }
    /// One line for people.
    #[must_use]
    pub fn doc(mut self, doc: impl Into<Cow<'static, str>>) -> Self {
        self.doc = doc.into();
        self
    }
    /// Does not change the output.
    #[must_use]
    pub fn cosmetic(mut self) -> Self {
        self.cosmetic = true;
        self
    }
    /// Read by the engine, not by the node.
    #[must_use]
    pub fn control(mut self) -> Self {
        self.control = true;
        self
    }
    /// Names it had in earlier versions of the node; old files still load.
    #[must_use]
    pub fn was(mut self, names: &'static [&'static str]) -> Self {
        self.was = names;
        self
    }
}

/// Everything there is to say of a node type.
#[derive(Clone, Debug)]
pub struct Schema {
    /// Type name in the document.
    pub name: Cow<'static, str>,
    /// Raised when the same inputs give another output.
    pub version: u32,
    /// What a person calls it.
    pub title: Cow<'static, str>,
    /// Where a menu puts it: `image/colour`.
    pub category: Cow<'static, str>,
    /// What it does.
    pub doc: Cow<'static, str>,
    /// How it treats the world.
    pub purity: Purity,
    /// What a doubtful effect means; only for effects.
    pub doubt: Option<Doubt>,
    /// Which worker runs it.
    pub lane: Lane,
    /// The effect's destination is the output folder.
    pub writes_files: bool,
    /// The effect needs the network.
    pub uses_network: bool,
    /// Looks at the paths of its files, not only at what is in them: paths are part of its key.
    pub reads_paths: bool,
    /// What is made of its outputs is named by what they hold, not by how they came to be.
    pub by_value: bool,
    /// Reads the graph's text: it is part of its key.
    pub reads_graph: bool,
    /// Input ports.
    pub inputs: Vec<Input>,
    /// Parameters.
    pub params: Vec<Param>,
    /// Output ports.
    pub outputs: Vec<Output>,
}

impl Schema {
    /// Number of slots: inputs first, then parameters.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.inputs.len() + self.params.len()
    }

    /// The slot of an input or a parameter, by its present or an earlier name.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<usize> {
        let param = |at: usize| at + self.inputs.len();
        let input = self.inputs.iter().position(|i| i.name == name);
        input
            .or_else(|| self.params.iter().position(|p| p.name == name).map(param))
            .or_else(|| self.inputs.iter().position(|i| i.was.contains(&name)))
            .or_else(|| self.params.iter().position(|p| p.was.contains(&name)).map(param))
    }

    /// The name of a slot.
    #[must_use]
    pub fn slot_name(&self, slot: usize) -> &'static str {
        match self.inputs.get(slot) {
            Some(input) => input.name,
            None => self.params.get(slot - self.inputs.len()).map_or("", |p| p.name),
        }
    }

    /// The parameter of a slot.
    #[must_use]
    pub fn slot_param(&self, slot: usize) -> Option<&Param> {
        slot.checked_sub(self.inputs.len()).and_then(|at| self.params.get(at))
    }

    /// The index of an output.
    #[must_use]
    pub fn output(&self, name: &str, nth: u32) -> Option<usize> {
        self.outputs.iter().enumerate().filter(|(_, o)| o.name == name).map(|(at, _)| at).nth(nth as usize)
    }
}
