//! What a node sees while it works: its inputs, its parameters, its item, and the doors.

use crate::doors::{Answer, Clock, Exchange, Net, OutFolder, Request, Response, Sandbox, Written};
use crate::node::NodeError;
use crate::schema::Schema;
use kiln_types::{Color, FileRef, Image, Key, Mask, Object, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Asks work to stop, between steps.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicU8>);

impl Cancel {
    /// Asks.
    pub fn cancel(&self) {
        self.0.store(1, Ordering::SeqCst);
    }
    /// Whether somebody asked.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }
}

/// Which item of a batch is being made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemInfo {
    /// Its number.
    pub item: u64,
    /// How many items the batch has.
    pub count: u64,
    /// Its row's columns, when the batch comes from a table.
    pub row: Vec<(String, String)>,
}

/// Values that are fetched one by one, so that ten thousand pictures need not be in memory at once.
pub trait Items: Send + Sync {
    /// How many.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Which item number the value at `at` belongs to.
    fn item(&self, at: usize) -> Option<u64>;
    /// Fetches one.
    ///
    /// # Errors
    /// When the cache lost it meanwhile.
    fn get(&self, at: usize) -> Result<Value, NodeError>;
}

/// A list in memory, as [`Items`].
pub(crate) struct Held(pub Arc<[Value]>);

impl Items for Held {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn item(&self, _: usize) -> Option<u64> {
        None
    }
    fn get(&self, at: usize) -> Result<Value, NodeError> {
        self.0.get(at).cloned().ok_or_else(|| NodeError::new(format!("there is no value {at}")))
    }
}

/// What a slot holds while the node works.
#[derive(Clone)]
pub(crate) enum Slot {
    One(Value),
    Items(Arc<dyn Items>),
}

/// Where a node's signs of life go.
pub trait Signs: Send + Sync {
    /// `done` of `total` steps are over.
    fn progress(&self, done: u64, total: u64);
    /// What it looks like so far.
    fn preview(&self, image: &Arc<Image>);
}

/// Signs that nobody watches.
pub(crate) struct Quiet;
impl Signs for Quiet {
    fn progress(&self, _: u64, _: u64) {}
    fn preview(&self, _: &Arc<Image>) {}
}

/// Tells the graph text that belongs into a saved picture.
pub type GraphText = dyn Fn(Option<&ItemInfo>) -> String + Send + Sync;

/// What the engine lends to a node.
#[derive(Clone)]
pub(crate) struct Lent {
    pub numeric_class: Arc<str>,
    pub sandbox: Arc<Sandbox>,
    pub out: Option<Arc<OutFolder>>,
    pub net: Arc<dyn Net>,
    pub clock: Arc<dyn Clock>,
    pub files: Arc<kiln_store::FileHashes>,
    /// By what verdicts are filed.
    pub batch: Option<Arc<str>>,
    pub graph_text: Arc<GraphText>,
    pub overwrite: bool,
}

/// What a node sees while it works.
pub struct Cx<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) id: &'a str,
    pub(crate) slots: &'a [Slot],
    pub(crate) outs: Vec<Option<Value>>,
    pub(crate) item: Option<&'a ItemInfo>,
    pub(crate) window: Option<u64>,
    pub(crate) index: Option<usize>,
    pub(crate) key: Key,
    pub(crate) lent: &'a Lent,
    pub(crate) cancel: &'a Cancel,
    pub(crate) signs: &'a dyn Signs,
    /// (largest, this attempt) bytes a picture may take when decoded.
    pub(crate) stray: Option<String>,
    /// How the values of some inputs were made, by slot.
    pub(crate) recipes: &'a [(usize, Arc<crate::recipe::Recipe>)],
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident, $variant:ident, $ty:ty, $words:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// When the slot is empty or holds another type.
        pub fn $name(&self, name: &str) -> Result<$ty, NodeError> {
            match self.value(name)? {
                Value::$variant(v) => Ok(v),
                other => Err(self.wrong(name, $words, &other)),
            }
        }
    )*};
}

impl Cx<'_> {
    fn slot(&self, name: &str) -> Result<&Slot, NodeError> {
        let at = self.schema.slot(name).ok_or_else(|| {
            NodeError::new(format!(
                "{} has no input or parameter {name:?}: a fault of the node",
                self.schema.name
            ))
        })?;
        self.slots.get(at).ok_or_else(|| NodeError::new("a slot is missing: a fault of the engine"))
    }

    fn wrong(&self, name: &str, wanted: &str, got: &Value) -> NodeError {
        if got.is_none() {
            NodeError::new(format!("{name:?} is not set")).at(name).hint(format!("set or link {wanted}"))
        } else {
            NodeError::new(format!("{name:?} takes {wanted}, but got {}", got.ty())).at(name)
        }
    }

    /// The value of an input or parameter; [`Value::None`] when an optional one is not linked.
    ///
    /// # Errors
    /// When there is no such slot.
    pub fn value(&self, name: &str) -> Result<Value, NodeError> {
        match self.slot(name)? {
            Slot::One(v) => Ok(v.clone()),
            Slot::Items(items) => {
                (0..items.len()).map(|i| items.get(i)).collect::<Result<Vec<_>, _>>().map(Value::list)
            }
        }
    }

    /// Whether an optional input is linked.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.slot(name).is_ok_and(|s| !matches!(s, Slot::One(Value::None)))
    }

    getters! {
        /// A yes or no.
        bool, Bool, bool, "yes or no";
        /// Text.
        text, Text, Arc<str>, "text";
        /// A colour.
        color, Color, Color, "a colour";
        /// A file.
        file, File, FileRef, "a file";
        /// A picture.
        image, Image, Arc<Image>, "a picture";
        /// A mask.
        mask, Mask, Arc<Mask>, "a mask";
        /// Points of a curve.
        curve, Curve, Arc<[(f64, f64)]>, "a curve";
    }

    /// What passed at the gates of an item, or of the run: which attempt, how good it was, what the gate
    /// said; as the output folder has it, from earlier runs of the batch too. For what is told of a result: a
    /// node whose outputs depend on it would not be made again when it changes.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn passes(&self, item: Option<u64>) -> Result<Vec<kiln_store::Found>, NodeError> {
        let (Some(out), Some(batch)) = (&self.lent.out, &self.lent.batch) else { return Ok(Vec::new()) };
        let place = item.map_or(kiln_store::Place::Run, kiln_store::Place::Item);
        Ok(out.folder().verdicts().passes(batch, place)?)
    }

    /// A whole number.
    ///
    /// # Errors
    /// When the slot is empty or holds another type.
    pub fn int(&self, name: &str) -> Result<i64, NodeError> {
        match self.value(name)? {
            Value::Int(v) => Ok(v),
            Value::Bool(v) => Ok(i64::from(v)),
            Value::Seed(v) => {
                i64::try_from(v).map_err(|_| NodeError::new("the seed is too large for a whole number"))
            }
            other => Err(self.wrong(name, "a whole number", &other)),
        }
    }

    /// A whole number that is not negative.
    ///
    /// # Errors
    /// When the slot is empty, holds another type, or is negative.
    pub fn count(&self, name: &str) -> Result<usize, NodeError> {
        let v = self.int(name)?;
        usize::try_from(v).map_err(|_| NodeError::new(format!("{name:?} is {v}, less than 0")).at(name))
    }

    /// A number.
    ///
    /// # Errors
    /// When the slot is empty or holds another type.
    pub fn float(&self, name: &str) -> Result<f64, NodeError> {
        match self.value(name)? {
            Value::Float(v) => Ok(v),
            Value::Int(v) => Ok(v as f64),
            other => Err(self.wrong(name, "a number", &other)),
        }
    }

    /// A number as pixels use it.
    ///
    /// # Errors
    /// As [`Cx::float`].
    pub fn float32(&self, name: &str) -> Result<f32, NodeError> {
        Ok(self.float(name)? as f32)
    }

    /// A seed.
    ///
    /// # Errors
    /// When the slot is empty or holds another type.
    pub fn seed(&self, name: &str) -> Result<u64, NodeError> {
        match self.value(name)? {
            Value::Seed(v) => Ok(v),
            Value::Int(v) => u64::try_from(v).map_err(|_| NodeError::new("a seed is not negative").at(name)),
            other => Err(self.wrong(name, "a seed", &other)),
        }
    }

    /// Width and height.
    ///
    /// # Errors
    /// When the slot is empty or holds another type.
    pub fn size(&self, name: &str) -> Result<(usize, usize), NodeError> {
        match self.value(name)? {
            Value::Size(w, h) => Ok((w as usize, h as usize)),
            other => Err(self.wrong(name, "a width and a height", &other)),
        }
    }

    /// A lowest and a highest number.
    ///
    /// # Errors
    /// When the slot is empty or holds another type.
    pub fn range(&self, name: &str) -> Result<(f64, f64), NodeError> {
        match self.value(name)? {
            Value::Range(a, b) => Ok((a, b)),
            other => Err(self.wrong(name, "a range", &other)),
        }
    }

    /// A list. One value counts as a list of one, an unset input as an empty one.
    ///
    /// # Errors
    /// When there is no such slot.
    pub fn list(&self, name: &str) -> Result<Arc<[Value]>, NodeError> {
        Ok(match self.value(name)? {
            Value::List(items) => items,
            Value::None => Arc::new([]),
            one => Arc::new([one]),
        })
    }

    /// The values of a list or gathered input, to be fetched one by one.
    ///
    /// # Errors
    /// When there is no such slot.
    pub fn items(&self, name: &str) -> Result<Arc<dyn Items>, NodeError> {
        match self.slot(name)? {
            Slot::Items(items) => Ok(items.clone()),
            Slot::One(_) => Ok(Arc::new(Held(self.list(name)?))),
        }
    }

    /// A picture, when the optional input is linked.
    ///
    /// # Errors
    /// When the slot holds another type.
    pub fn maybe_image(&self, name: &str) -> Result<Option<Arc<Image>>, NodeError> {
        if self.has(name) { self.image(name).map(Some) } else { Ok(None) }
    }

    /// A mask, when the optional input is linked.
    ///
    /// # Errors
    /// When the slot holds another type.
    pub fn maybe_mask(&self, name: &str) -> Result<Option<Arc<Mask>>, NodeError> {
        if self.has(name) { self.mask(name).map(Some) } else { Ok(None) }
    }

    /// A value of a family's own type.
    ///
    /// # Errors
    /// When the slot is empty or holds another type.
    pub fn object(&self, name: &str) -> Result<Arc<dyn Object>, NodeError> {
        match self.value(name)? {
            Value::Object(o) => Ok(o),
            other => Err(self.wrong(name, "another type", &other)),
        }
    }

    /// Sets an output.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        match self.schema.output(name, 0) {
            Some(at) => self.outs[at] = Some(value.into()),
            None => self.stray = Some(name.to_owned()),
        }
    }

    /// The node's name in the graph.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id
    }

    /// The item being made; `None` outside a batch, and for nodes that did not say they use it.
    #[must_use]
    pub fn item(&self) -> Option<&ItemInfo> {
        self.item
    }

    /// Which window of items is being made.
    #[must_use]
    pub fn window(&self) -> Option<u64> {
        self.window
    }

    /// The place in the list that is mapped over.
    #[must_use]
    pub fn index(&self) -> Option<usize> {
        self.index
    }

    /// The key of what is being made; an effect's idempotency key.
    #[must_use]
    pub fn key(&self) -> Key {
        self.key
    }

    /// How the value of an input was made. `None` when the input is not linked, or was not declared with
    /// [`crate::Node::reads_recipe`].
    #[must_use]
    pub fn recipe(&self, input: &str) -> Option<&Arc<crate::recipe::Recipe>> {
        let slot = self.schema.slot(input)?;
        self.recipes.iter().find(|(s, _)| *s == slot).map(|(_, recipe)| recipe)
    }

    /// Ends the work when somebody asked to cancel: call it between steps.
    ///
    /// # Errors
    /// When somebody asked.
    pub fn pause(&self) -> Result<(), NodeError> {
        if self.cancel.is_cancelled() { Err(NodeError::cancelled()) } else { Ok(()) }
    }

    /// Lets a while pass, by the run's clock.
    ///
    /// # Errors
    /// When somebody asked to cancel meanwhile.
    pub fn rest(&self, time: std::time::Duration) -> Result<(), NodeError> {
        let mut left = time;
        while !left.is_zero() {
            self.pause()?;
            let part = left.min(std::time::Duration::from_millis(200));
            self.lent.clock.pause(part);
            left -= part;
        }
        self.pause()
    }

    /// Tells that `done` of `total` steps are over.
    pub fn progress(&self, done: u64, total: u64) {
        self.signs.progress(done, total);
    }

    /// Shows what it looks like so far.
    pub fn preview(&self, image: &Arc<Image>) {
        self.signs.preview(image);
    }

    /// A model of a kind by name, where its name comes out of a prompt (the key has its hash already).
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn model(&self, kind: &str, name: &str) -> Result<FileRef, NodeError> {
        crate::lit::FileFinder {
            sandbox: &self.lent.sandbox,
            files: &self.lent.files,
            now: self.lent.clock.now(),
        }
        .model(kind, name)
    }

    /// Reads a file whose hash is part of the key.
    ///
    /// # Errors
    /// When it cannot be read, is too large, or changed since its hash was taken.
    pub fn read(&self, file: &FileRef) -> Result<Vec<u8>, NodeError> {
        crate::doors::read_file(file, self.lent.sandbox.max_file)
    }

    /// The files in and below a folder whose hash is part of the key, by their names relative to it.
    ///
    /// # Errors
    /// When it cannot be read, changed since its hash was taken, or a link in it leads out of it.
    pub fn folder(&self, folder: &FileRef) -> Result<Vec<(String, FileRef)>, NodeError> {
        let finder = crate::lit::FileFinder {
            sandbox: &self.lent.sandbox,
            files: &self.lent.files,
            now: self.lent.clock.now(),
        };
        let (found, hash) = finder.files_below(&folder.path)?;
        if hash != folder.hash {
            return Err(NodeError::new(format!("{} changed while the graph ran", folder.path.display()))
                .hint("run again"));
        }
        let root = std::fs::canonicalize(&folder.path)?;
        for (name, file) in &found {
            if !std::fs::canonicalize(&file.path)?.starts_with(&root) {
                return Err(NodeError::new(format!("{name:?} leads out of its folder through a link")));
            }
        }
        Ok(found)
    }

    /// Writes a file below the output folder: whole, durable, and owned by this node and item, so that no
    /// other node or item can overwrite it.
    ///
    /// # Errors
    /// When there is no output folder, the name leads outside, another node or item owns the name, or a
    /// file that Kiln did not make is in the way.
    pub fn write(&self, relative: &str, bytes: &[u8]) -> Result<Written, NodeError> {
        self.write_by(relative, &mut |sink| Ok(sink.write_all(bytes)?))
    }

    /// The same for content too large to hold at once: `fill` writes it, piece by piece. Where a file stands in the
    /// way it is called once more before, to compare, and has to write the same bytes again.
    ///
    /// # Errors
    /// As [`Cx::write`], or what `fill` says; then nothing was written.
    pub fn write_by(&self, relative: &str, fill: &mut crate::doors::Fill<'_>) -> Result<Written, NodeError> {
        let out = self.out_folder()?;
        let place = out.place(relative)?;
        let held = out.held()?;
        held.may_make(relative)?;
        if held.kept.contains(relative) {
            return crate::held::as_it_is(out, relative);
        }
        let item = self.item.map(|i| i.item).or(self.window);
        // Each value of a list has files of its own as well.
        let owner = self.index.map_or_else(|| self.id.to_owned(), |at| format!("{}[{at}]", self.id));
        let known = out.folder().journal().claim_path(relative, &owner, item, &self.key)?;
        match known {
            kiln_store::Claimed::Ours => {}
            kiln_store::Claimed::Free => {
                let same = if place.exists() && !self.lent.overwrite {
                    crate::doors::has_content(&place, fill)
                } else {
                    Ok(true)
                };
                if !matches!(same, Ok(true)) {
                    out.folder().journal().release_path(relative)?;
                    same?;
                    return Err(NodeError::new(format!(
                        "{relative:?} is in the way and was not made by this graph"
                    ))
                    .hint("choose another --out or name, move the file away, or allow it with --overwrite"));
                }
            }
            kiln_store::Claimed::OwnedBy { node, item } => {
                let who =
                    item.map_or_else(|| format!("node {node:?}"), |i| format!("node {node:?}, item {i}"));
                return Err(NodeError::new(format!("{relative:?} was already written by {who}"))
                    .hint("put {item}, {index} or another name into the file's name"));
            }
        }
        out.write_by(relative, fill)
    }

    /// The folders in which models are looked for.
    #[must_use]
    pub fn models(&self) -> &[std::path::PathBuf] {
        &self.lent.sandbox.models
    }

    /// Says before anything is made whether a file may be: what a person took out of the collection may not.
    ///
    /// # Errors
    /// It was taken out; the item is left out then.
    pub fn may_write(&self, relative: &str) -> Result<(), NodeError> {
        self.out_folder()?.held()?.may_make(relative)
    }

    /// The output folder.
    ///
    /// # Errors
    /// When the run has none.
    pub fn out_folder(&self) -> Result<&Arc<OutFolder>, NodeError> {
        self.lent
            .out
            .as_ref()
            .ok_or_else(|| NodeError::new("this run has no output folder").hint("name one with --out"))
    }

    /// Sends a request, if the run may use the network.
    ///
    /// # Errors
    /// When it may not, or no answer came.
    pub fn send(&self, request: &Request) -> Result<Response, NodeError> {
        self.lent.net.send(request)
    }

    /// Sends what is large, slow or secret, if the run may use the network; the answer is read piece by piece.
    ///
    /// # Errors
    /// When it may not, or no answer came.
    pub fn exchange(&self, exchange: Exchange<'_>) -> Result<Answer, NodeError> {
        self.lent.net.exchange(exchange)
    }

    /// Milliseconds since 1970, from the run's clock.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.lent.clock.now().0
    }

    /// The graph as text, as it belongs into a saved picture: with what was set for this run and item.
    #[must_use]
    pub fn graph_text(&self) -> String {
        (self.lent.graph_text)(self.item)
    }
}
