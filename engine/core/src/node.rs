//! One definition per node: a schema and what it does.
//!
//! A node is one Rust function that returns a [`Node`]:
//!
//! ```
//! use kiln_core::{Node, Param};
//! use kiln_types::{Value, names};
//!
//! fn double() -> Node {
//!     Node::pure("Double", 1, |cx| {
//!         let twice = cx.float("value")? * 2.0;
//!         cx.set("value", twice);
//!         Ok(())
//!     })
//!     .title("Double")
//!     .category("number")
//!     .doc("Twice the number.")
//!     .param(Param::float("value", 1.0, -1e9..=1e9).doc("The number."))
//!     .output("value", names::FLOAT, "Twice the number.")
//! }
//! assert_eq!(double().schema().name, "Double");
//! ```

use crate::cx::Cx;
use crate::schema::{Doubt, Input, Kind, Lane, Output, Param, Purity, Schema};
use kiln_types::{Type, Value};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Why a node could not do its work; a person reads it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}{}", .hint.as_ref().map(|h| format!(" ({h})")).unwrap_or_default())]
pub struct NodeError {
    /// What was wrong.
    pub what: String,
    /// Which port or parameter, where one is to blame.
    pub port: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// The work was cancelled, not wrong.
    pub cancelled: bool,
    /// The cache lost a collected value: it is made again, and the work begins anew.
    pub lost: bool,
    /// A person took out of the collection what would be made: the item is left out, and nothing is wrong.
    pub left_out: bool,
}

impl NodeError {
    /// An error in words.
    pub fn new(what: impl fmt::Display) -> Self {
        Self {
            what: what.to_string(),
            port: None,
            hint: None,
            cancelled: false,
            lost: false,
            left_out: false,
        }
    }
    /// The answer of work that noticed a cancel.
    #[must_use]
    pub fn cancelled() -> Self {
        Self {
            what: "cancelled".into(),
            port: None,
            hint: None,
            cancelled: true,
            lost: false,
            left_out: false,
        }
    }
    /// Names the port or parameter to blame.
    #[must_use]
    pub fn at(mut self, port: impl Into<String>) -> Self {
        self.port = Some(port.into());
        self
    }
    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

macro_rules! node_error_from {
    ($($ty:ty),*) => {$(
        impl From<$ty> for NodeError {
            fn from(e: $ty) -> Self {
                Self::new(e)
            }
        }
    )*};
}
node_error_from!(kiln_types::PictureError, kiln_types::ColorError, std::io::Error, kiln_store::StoreError);

/// What a gate says of a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Whether it passes.
    pub accept: bool,
    /// How good it is, higher is better: `then: "best"` picks by it.
    pub score: f64,
    /// Why, in words and numbers.
    pub reason: String,
}

/// What a person is asked of a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// The question; the same for every value, as a rule.
    pub question: String,
    /// What else to know of this value.
    pub note: String,
}

/// The values parameters have when they are all known beforehand.
pub struct Given<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) get: &'a dyn Fn(usize) -> Option<Value>,
}

impl Given<'_> {
    /// A parameter's value, when it is set and not linked.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<Value> {
        self.schema.slot(name).and_then(|slot| (self.get)(slot))
    }
    /// A text parameter's value, when it is set and not linked.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::Text(t) => Some(t.to_string()),
            _ => None,
        }
    }
    /// A number parameter's value, when it is set and not linked.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.value(name)? {
            Value::Int(v) => Some(v as f64),
            Value::Float(v) => Some(v),
            _ => None,
        }
    }
    /// A check box's value, when it is set and not linked.
    #[must_use]
    pub fn bool(&self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Value::Bool(v) => Some(v),
            _ => None,
        }
    }
}

type Work<T> = Arc<dyn Fn(&mut Cx<'_>) -> Result<T, NodeError> + Send + Sync>;
type Compare = Arc<dyn Fn(&Cx<'_>, &[u8], &[(u64, Vec<u8>)]) -> Result<Verdict, NodeError> + Send + Sync>;

/// What an effect does to the world; see [`Node::effect`].
pub trait Effect: Send + Sync {
    /// Does it, and tells the outcome (kept in the journal, at most a few KiB).
    ///
    /// # Errors
    /// In words a person can act on.
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError>;

    /// After a crash between intent and outcome: did it happen? `Some(outcome)` when the world says yes.
    /// Only asked when the schema says [`Doubt::AskTheWorld`].
    ///
    /// # Errors
    /// When the world does not answer; the effect is then not repeated.
    fn ask(&self, cx: &mut Cx<'_>) -> Result<Option<Vec<u8>>, NodeError> {
        let _ = cx;
        Ok(None)
    }

    /// Whether what was done still stands; what somebody deleted is made again.
    fn stands(&self, cx: &Cx<'_>, outcome: &[u8]) -> bool {
        let _ = (cx, outcome);
        true
    }

    /// The node's outputs, read from the outcome.
    ///
    /// # Errors
    /// When the outcome cannot be read.
    fn outputs(&self, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        let _ = outcome;
        Ok(Vec::new())
    }

    /// The same, with a look at what the effect left in the output folder: for outputs too large for the journal.
    ///
    /// # Errors
    /// When the outcome cannot be read, or what was left is not what it says.
    fn values(&self, cx: &Cx<'_>, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        let _ = cx;
        self.outputs(outcome)
    }
}

/// What a node does.
#[derive(Clone)]
pub enum Behaviour {
    /// Computes outputs.
    Pure(Work<()>),
    /// Names the input to pass on.
    Select(Work<String>),
    /// Judges its first input.
    Gate(Work<Verdict>),
    /// Asks a person about its first input.
    Review(Work<Ask>),
    /// Makes a mark of its first input and compares it with those accepted.
    Ordered {
        /// The mark: a small fingerprint.
        mark: Work<Vec<u8>>,
        /// Compares a mark with the accepted ones, by item.
        compare: Compare,
    },
    /// Changes the world.
    Effect(Arc<dyn Effect>),
}

type GivenFn<T> = fn(&Given<'_>) -> T;

/// A node type: its schema and what it does.
#[derive(Clone)]
pub struct Node {
    schema: Schema,
    pub(crate) behaviour: Behaviour,
    pub(crate) identity: Option<(GivenFn<bool>, &'static str)>,
    pub(crate) uses_item: Option<GivenFn<bool>>,
    pub(crate) check: Option<GivenFn<Vec<NodeError>>>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({} v{})", self.schema.name, self.schema.version)
    }
}

impl Node {
    fn new(name: impl Into<Cow<'static, str>>, version: u32, purity: Purity, behaviour: Behaviour) -> Self {
        let name = name.into();
        let schema = Schema {
            title: name.clone(),
            name,
            version,
            category: Cow::Borrowed(""),
            doc: Cow::Borrowed(""),
            purity,
            doubt: None,
            lane: Lane::Cpu,
            writes_files: false,
            uses_network: false,
            reads_paths: false,
            by_value: false,
            reads_graph: false,
            inputs: Vec::new(),
            params: Vec::new(),
            outputs: Vec::new(),
        };
        Self { schema, behaviour, identity: None, uses_item: None, check: None }
    }

    /// A node that computes: same inputs, same outputs.
    pub fn pure(
        name: impl Into<Cow<'static, str>>,
        version: u32,
        run: impl Fn(&mut Cx<'_>) -> Result<(), NodeError> + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, version, Purity::Pure, Behaviour::Pure(Arc::new(run)))
    }

    /// A node that passes on the input it names; its lazy inputs are computed only when named.
    /// Its first output is that input.
    pub fn select(
        name: impl Into<Cow<'static, str>>,
        version: u32,
        choose: impl Fn(&mut Cx<'_>) -> Result<String, NodeError> + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, version, Purity::Select, Behaviour::Select(Arc::new(choose)))
    }

    /// A gate: its first output is its first input, when it passes. The parameters `retry`, `attempts`,
    /// `then` and `give_up_after` are added.
    pub fn gate(
        name: impl Into<Cow<'static, str>>,
        version: u32,
        judge: impl Fn(&mut Cx<'_>) -> Result<Verdict, NodeError> + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, version, Purity::Gate, Behaviour::Gate(Arc::new(judge))).gate_params(true)
    }

    /// A gate that compares with everything accepted so far, in item order.
    pub fn ordered_gate(
        name: impl Into<Cow<'static, str>>,
        version: u32,
        mark: impl Fn(&mut Cx<'_>) -> Result<Vec<u8>, NodeError> + Send + Sync + 'static,
        compare: impl Fn(&Cx<'_>, &[u8], &[(u64, Vec<u8>)]) -> Result<Verdict, NodeError> + Send + Sync + 'static,
    ) -> Self {
        let behaviour = Behaviour::Ordered { mark: Arc::new(mark), compare: Arc::new(compare) };
        Self::new(name, version, Purity::OrderedGate, behaviour).gate_params(true)
    }

    /// A gate that a person decides: `ask` says what they are asked. Until they answer, the item is parked.
    /// The answer belongs to the very value that was shown; of another one it says nothing.
    pub fn review_gate(
        name: impl Into<Cow<'static, str>>,
        version: u32,
        ask: impl Fn(&mut Cx<'_>) -> Result<Ask, NodeError> + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, version, Purity::Gate, Behaviour::Review(Arc::new(ask))).gate_params(false)
    }

    /// Whether a person decides here.
    #[must_use]
    pub fn asks_a_person(&self) -> bool {
        matches!(self.behaviour, Behaviour::Review(_))
    }

    /// A node that changes the world.
    pub fn effect(
        name: impl Into<Cow<'static, str>>,
        version: u32,
        doubt: Doubt,
        effect: impl Effect + 'static,
    ) -> Self {
        let mut node = Self::new(name, version, Purity::Effect, Behaviour::Effect(Arc::new(effect)));
        node.schema.doubt = Some(doubt);
        node
    }

    /// What all gates have. `by_rule`: a threshold decides, which may be set wrong; else a person.
    fn gate_params(self, by_rule: bool) -> Self {
        let (words, give_up) =
            if by_rule { (["best", "skip", "fail"], 50) } else { (["skip", "best", "fail"], 0) };
        self.param(
            Param::param_ref("retry")
                .control()
                .doc("The seed to draw again after a rejection, \"node.param\"; empty: judge once."),
        )
        .param(Param::int("attempts", 1, 1..=1000).control().doc("How often to try in all."))
        .param(
            Param::choice("then", &words)
                .control()
                .doc("After the last rejection: pass the best attempt, skip the item, or fail it."),
        )
        .param(Param::int("give_up_after", give_up, 0..=1_000_000).control().doc(
            "Stop the run when so many values in a row are rejected here, over items and attempts: a limit is \
             set wrong, most likely. What is not made yet is made by the next run. 0 never stops; one item may \
             always use all its attempts.",
        ))
    }

    /// The schema.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What a person calls it.
    #[must_use]
    pub fn title(mut self, title: impl Into<Cow<'static, str>>) -> Self {
        self.schema.title = title.into();
        self
    }
    /// Where a menu puts it.
    #[must_use]
    pub fn category(mut self, category: impl Into<Cow<'static, str>>) -> Self {
        self.schema.category = category.into();
        self
    }
    /// What it does.
    #[must_use]
    pub fn doc(mut self, doc: impl Into<Cow<'static, str>>) -> Self {
        self.schema.doc = doc.into();
        self
    }
    fn push_input(
        mut self,
        name: &'static str,
        ty: Type,
        doc: &'static str,
        set: impl FnOnce(&mut Input),
    ) -> Self {
        let mut input = Input {
            name,
            ty,
            doc: Cow::Borrowed(doc),
            optional: false,
            lazy: false,
            gather: false,
            many: false,
            whole: false,
            recipe: false,
            was: &[],
        };
        set(&mut input);
        self.schema.inputs.push(input);
        self
    }
    /// An input that has to be linked.
    #[must_use]
    pub fn input(self, name: &'static str, ty: &'static str, doc: &'static str) -> Self {
        self.push_input(name, Type::one(ty), doc, |_| {})
    }
    /// An input that takes a list.
    #[must_use]
    pub fn input_list(self, name: &'static str, ty: &'static str, doc: &'static str) -> Self {
        self.push_input(name, Type::list(ty), doc, |_| {})
    }
    /// An input that may stay unlinked.
    #[must_use]
    pub fn optional(self, name: &'static str, ty: &'static str, doc: &'static str) -> Self {
        self.push_input(name, Type::one(ty), doc, |i| i.optional = true)
    }
    /// An optional input that is computed only when a select node names it; lists pass whole.
    #[must_use]
    pub fn lazy(self, name: &'static str, ty: &'static str, doc: &'static str) -> Self {
        self.push_input(name, Type::one(ty), doc, |i| {
            i.optional = true;
            i.lazy = true;
            i.whole = true;
        })
    }
    /// An input that takes several links in order; the node sees a list.
    #[must_use]
    pub fn many(self, name: &'static str, ty: &'static str, doc: &'static str) -> Self {
        self.push_input(name, Type::list(ty), doc, |i| i.many = true)
    }
    /// An input that takes one value or a whole list as it comes.
    #[must_use]
    pub fn whole(self, name: &'static str, ty: &'static str, doc: &'static str) -> Self {
        self.push_input(name, Type::one(ty), doc, |i| i.whole = true)
    }
    /// An input that collects over items. A parameter named `window` makes it collect in windows.
    #[must_use]
    pub fn gather(self, name: &'static str, ty: &'static str, doc: &'static str) -> Self {
        self.push_input(name, Type::list(ty), doc, |i| i.gather = true)
    }
    /// An input that collects over items, and may stay unlinked.
    #[must_use]
    pub fn optional_gather(self, name: &'static str, ty: &'static str, doc: &'static str) -> Self {
        self.push_input(name, Type::list(ty), doc, |i| {
            i.gather = true;
            i.optional = true;
        })
    }
    /// Other names the last input answers to: earlier ones, or ComfyUI's.
    #[must_use]
    pub fn input_was(mut self, names: &'static [&'static str]) -> Self {
        if let Some(input) = self.schema.inputs.last_mut() {
            input.was = names;
        }
        self
    }
    /// A parameter.
    #[must_use]
    pub fn param(mut self, param: Param) -> Self {
        self.schema.params.push(param);
        self
    }
    /// An output.
    #[must_use]
    pub fn output(mut self, name: &'static str, ty: &'static str, doc: &'static str) -> Self {
        self.schema.outputs.push(Output { name, ty: Type::one(ty), doc: Cow::Borrowed(doc), follows: None });
        self
    }
    /// An output that is a list.
    #[must_use]
    pub fn output_list(mut self, name: &'static str, ty: &'static str, doc: &'static str) -> Self {
        self.schema.outputs.push(Output { name, ty: Type::list(ty), doc: Cow::Borrowed(doc), follows: None });
        self
    }
    /// An output of the type that an input receives.
    #[must_use]
    pub fn output_like(mut self, name: &'static str, input: &'static str, doc: &'static str) -> Self {
        self.schema.outputs.push(Output {
            name,
            ty: Type::one(kiln_types::names::ANY),
            doc: Cow::Borrowed(doc),
            follows: Some(input),
        });
        self
    }
    /// Runs on the device's lane.
    #[must_use]
    pub fn on_device(mut self) -> Self {
        self.schema.lane = Lane::Device;
        self
    }
    /// The effect's destination is the output folder.
    #[must_use]
    pub fn writes_files(mut self) -> Self {
        self.schema.writes_files = true;
        self
    }
    /// Needs the network.
    #[must_use]
    pub fn uses_network(mut self) -> Self {
        self.schema.uses_network = true;
        self
    }
    /// Looks at the paths of its files, not only at what is in them.
    #[must_use]
    pub fn reads_paths(mut self) -> Self {
        self.schema.reads_paths = true;
        self
    }
    /// The node also reads how the value of the last input was made: [`Cx::recipe`] tells it, and it belongs to the key.
    #[must_use]
    pub fn reads_recipe(mut self) -> Self {
        if let Some(input) = self.schema.inputs.last_mut() {
            input.recipe = true;
        }
        self
    }
    /// The node tells of the graph's text ([`Cx::graph_text`]): when the graph changes, it works again.
    #[must_use]
    pub fn reads_graph(mut self) -> Self {
        self.schema.reads_graph = true;
        self
    }
    /// What is made of its outputs is named by what they hold, not by how they came to be: when it gives the same as
    /// before, nothing downstream runs again. For small plain values, and objects that tell their
    /// [content](kiln_types::Object::content); others are named as ever.
    #[must_use]
    pub fn by_value(mut self) -> Self {
        self.schema.by_value = true;
        self
    }
    /// With these parameters the first output is `input` unchanged: the node is then passed by, and the
    /// value keeps its key.
    #[must_use]
    pub fn identity(mut self, input: &'static str, when: GivenFn<bool>) -> Self {
        self.identity = Some((when, input));
        self
    }
    /// With these parameters the node reads [`Cx::item`], so it runs once per item.
    #[must_use]
    pub fn uses_item(mut self, when: GivenFn<bool>) -> Self {
        self.uses_item = Some(when);
        self
    }
    /// A check over several parameters, made before anything runs.
    #[must_use]
    pub fn check(mut self, check: GivenFn<Vec<NodeError>>) -> Self {
        self.check = Some(check);
        self
    }

    /// The kind of the parameter in a slot.
    pub(crate) fn kind(&self, slot: usize) -> Option<&Kind> {
        self.schema.slot_param(slot).map(|p| &p.kind)
    }
}
