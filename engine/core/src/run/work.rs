//! The work itself, as a worker thread does it: load a value, run a node, judge, perform an effect.

use super::desk::Desk;
use super::event::{Event, Listener};
use super::memory::MemoryCache;
use super::thumb::thumb;
use crate::codec::Codecs;
use crate::cx::{Cancel, Cx, ItemInfo, Items, Lent, Signs, Slot};
use crate::keys;
use crate::node::{Ask, Behaviour, Effect, Node, NodeError, Verdict};
use crate::plan::converts;
use crate::recipe::Recipe;
use crate::schema::Doubt;
use kiln_store::{Attempt, DiskCache, Intended, IntentRecord, Place, Question, Shelf, Thumb};
use kiln_types::{Color, FileRef, Image, Key, Type, Value, names};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

/// What all workers of a run share.
pub(crate) struct Shared {
    pub lent: Lent,
    pub codecs: Codecs,
    pub memory: Arc<MemoryCache>,
    pub disk: Option<Arc<DiskCache>>,
    /// Values a fan-in needs, when there is no disk cache to keep them.
    pub held: Mutex<HashMap<Key, Value>>,
    /// Bytes that values under way may take.
    pub live_budget: usize,
    /// Keep what a fan-in needs in memory as well: the disk proved unreliable.
    pub hold: std::sync::atomic::AtomicBool,
    pub cancel: Cancel,
    pub listener: Arc<Listener>,
    pub owner: String,
    /// Where people see what they are asked about.
    pub desk: Option<Arc<dyn Desk>>,
    /// Where small pictures of what gates rejected are kept.
    pub rejects: Option<Rejects>,
}

/// By what a value is filed that a gate judges.
#[derive(Clone)]
pub(crate) struct Shown {
    pub place: Place,
    pub attempt: Attempt,
    /// The value.
    pub key: Key,
}

/// The shelf of rejected pictures, as far as there is room on it.
pub(crate) struct Rejects {
    pub shelf: Shelf,
    pub batch: String,
    pub room: AtomicI64,
}

impl Rejects {
    pub fn has_room(&self) -> bool {
        self.room.load(Ordering::Relaxed) > 0
    }

    /// Keeps a small picture. One that cannot be kept is missing on a sheet, and nowhere else.
    pub fn put(&self, gate: &str, shown: &Shown, thumb: &Thumb) {
        if self.shelf.has(gate, shown.place, &shown.attempt, &shown.key)
            || self.room.fetch_sub(1, Ordering::Relaxed) <= 0
        {
            return;
        }
        let _ = self.shelf.put(&self.batch, gate, shown.place, &shown.attempt, &shown.key, thumb);
    }
}

impl Shared {
    /// A value from memory or disk.
    pub fn fetch(&self, key: &Key) -> Option<(Value, &'static str)> {
        if let Some(v) = self.memory.get(key) {
            return Some((v, "memory"));
        }
        if let Some(v) = self.held.lock().get(key) {
            return Some((v.clone(), "memory"));
        }
        let stored = self.disk.as_ref()?.get(key).ok()??;
        let value = self.codecs.decode(&stored.type_name, stored.encoding, &stored.bytes).ok()?;
        Some((value, "disk"))
    }

    /// Whether [`Shared::fetch`] would find it; says where.
    pub fn where_is(&self, key: &Key) -> Option<&'static str> {
        if self.memory.get(key).is_some() || self.held.lock().contains_key(key) {
            return Some("memory");
        }
        self.disk.as_ref().is_some_and(|d| d.contains(key)).then_some("disk")
    }

    /// Keeps a value on disk, when it can be written down.
    pub fn store(&self, key: &Key, value: &Value) -> bool {
        let Some(disk) = &self.disk else { return false };
        let Some((ty, version, bytes)) = self.codecs.encode(value) else { return false };
        // A full disk costs time later, not the picture now.
        disk.put(key, &ty, version, &bytes).is_ok()
    }

    /// Keeps a value for as long as the run lasts at least.
    pub fn keep(&self, key: &Key, value: &Value) {
        // Once the cache has lost something, it is not trusted with it again.
        let stored = self.store(key, value);
        if !stored || self.hold.load(std::sync::atomic::Ordering::SeqCst) {
            self.held.lock().insert(*key, value.clone());
        }
    }
}

/// What a task is to do.
pub(crate) enum Job {
    /// Fetch the outputs from the disk cache.
    Load(Vec<(usize, Key)>),
    /// Run a pure node.
    Pure,
    /// Choose an input.
    Select,
    /// Judge.
    Gate,
    /// Make a mark.
    Mark,
    /// Show a person what they are to decide about.
    Ask,
    /// Change the world.
    Effect,
    /// Store the input under this key.
    Keep(Key),
}

/// One piece of work.
pub(crate) struct Task {
    pub frame: u64,
    pub node: u32,
    pub generation: u32,
    pub job: Job,
    pub def: Arc<Node>,
    pub id: Arc<str>,
    pub slots: Vec<Slot>,
    pub mapped: Vec<bool>,
    pub key: Key,
    pub outs: usize,
    pub item: Option<Arc<ItemInfo>>,
    pub window: Option<u64>,
    /// Store the outputs however quick they were made.
    pub keep: bool,
    /// What a gate judges, when a person may come to see it.
    pub shown: Option<Shown>,
    /// How inputs were made, for nodes that read it.
    pub recipes: Vec<(usize, Arc<Recipe>)>,
}

/// What came of it.
pub(crate) enum Done {
    Outs(Vec<Option<Value>>),
    Effect {
        outs: Vec<Option<Value>>,
        before: bool,
    },
    Chosen(String),
    Verdict(Verdict),
    Mark(Vec<u8>, Option<Thumb>),
    Asked(Ask),
    Kept,
    /// The cache lost the value meanwhile.
    Lost,
}

pub(crate) struct TaskResult {
    pub frame: u64,
    pub node: u32,
    pub generation: u32,
    pub done: Result<Done, NodeError>,
    pub ms: f64,
}

struct NodeSigns<'a> {
    shared: &'a Shared,
    id: &'a str,
    key: Key,
    item: Option<u64>,
}

impl Signs for NodeSigns<'_> {
    fn progress(&self, done: u64, total: u64) {
        (self.shared.listener)(&Event::Progress { node: self.id.to_owned(), item: self.item, done, total });
    }
    fn preview(&self, image: &Arc<Image>) {
        let (width, height) = (image.width() as u32, image.height() as u32);
        let mut maker = keys::KeyMaker::new("preview");
        maker.key(&self.key);
        let key = maker.done();
        self.shared.memory.put(key, Value::Image(image.clone()));
        (self.shared.listener)(&Event::Preview {
            node: self.id.to_owned(),
            item: self.item,
            width,
            height,
            key: key.to_string(),
        });
    }
}

/// Does a piece of work. A panic of a node is its failure, not the program's end.
pub(crate) fn perform(task: Task, shared: &Shared) -> TaskResult {
    let begun = Instant::now();
    let (frame, node, generation) = (task.frame, task.node, task.generation);
    let id = task.id.clone();
    let work = std::panic::AssertUnwindSafe(|| perform_inner(task, shared, begun));
    let done = std::panic::catch_unwind(work).unwrap_or_else(|panic| {
        let words = panic
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Err(NodeError::new(format!("the node {id} broke: {words}"))
            .hint("this is a fault in Kiln; please report it"))
    });
    TaskResult { frame, node, generation, done, ms: begun.elapsed().as_secs_f64() * 1000.0 }
}

fn perform_inner(mut task: Task, shared: &Shared, begun: Instant) -> Result<Done, NodeError> {
    if shared.cancel.is_cancelled() {
        return Err(NodeError::cancelled());
    }
    if let Job::Load(keys) = &task.job {
        let mut outs = vec![None; task.outs];
        for (port, key) in keys {
            match shared.fetch(key) {
                Some((value, _)) => outs[*port] = Some(value),
                None => return Ok(Done::Lost),
            }
        }
        return Ok(Done::Outs(outs));
    }
    if let Job::Keep(key) = &task.job {
        if let Some(Slot::One(value)) = task.slots.first() {
            shared.keep(key, value);
        }
        return Ok(Done::Kept);
    }
    convert_slots(&mut task, shared)?;
    match (&task.job, &task.def.behaviour) {
        (Job::Pure, Behaviour::Pure(run)) => {
            let outs = if task.mapped.is_empty() {
                outputs(&task, &task.slots, None, &task.key, shared, |cx| run(cx))?
            } else {
                map(&task, shared, |slots, index, key| {
                    let whole = keys::element(key, index);
                    if let Some((Value::List(stored), _)) = shared.fetch(&whole) {
                        return Ok(stored.iter().map(|v| Some(v.clone())).collect());
                    }
                    let begun = Instant::now();
                    let outs = outputs(&task, slots, Some(index), &whole, shared, |cx| run(cx))?;
                    if worth_keeping(&outs, begun) {
                        let all: Option<Vec<Value>> = outs.iter().cloned().collect();
                        if let Some(all) = all {
                            shared.store(&whole, &Value::list(all));
                        }
                    }
                    Ok(outs)
                })?
            };
            if task.keep || worth_keeping(&outs, begun) {
                for (port, value) in outs.iter().enumerate() {
                    if let Some(value) = value {
                        shared.store(&keys::port(&task.key, port), value);
                    }
                }
            }
            Ok(Done::Outs(outs))
        }
        (Job::Select, Behaviour::Select(choose)) => {
            let choose = choose.clone();
            with_cx(&task, &task.slots, None, &task.key, shared, |cx| choose(cx))
                .map(|(c, _)| Done::Chosen(c))
        }
        (Job::Gate, Behaviour::Gate(judge)) => {
            let verdict = with_cx(&task, &task.slots, None, &task.key, shared, |cx| judge(cx))?.0;
            let value = verdict_value(&verdict);
            shared.store(&task.key, &value);
            shared.memory.put(task.key, value);
            if !verdict.accept
                && let (Some(shown), Some(rejects)) = (&task.shown, &shared.rejects)
                && let Some(thumb) = first_picture(&task)
            {
                rejects.put(&task.id, shown, &thumb);
            }
            Ok(Done::Verdict(verdict))
        }
        (Job::Ask, Behaviour::Review(ask)) => {
            let ask = with_cx(&task, &task.slots, None, &task.key, shared, |cx| ask(cx))?.0;
            show(&task, &ask, shared)?;
            Ok(Done::Asked(ask))
        }
        (Job::Mark, Behaviour::Ordered { mark, .. }) => {
            let mark = with_cx(&task, &task.slots, None, &task.key, shared, |cx| mark(cx))?.0;
            let value = mark_value(&mark);
            shared.store(&task.key, &value);
            shared.memory.put(task.key, value);
            let thumb = if task.shown.is_some() { first_picture(&task) } else { None };
            Ok(Done::Mark(mark, thumb))
        }
        (Job::Effect, Behaviour::Effect(effect)) => {
            let mut before = true;
            let outs = if task.mapped.is_empty() {
                once(&task, &task.slots, None, &task.key, shared, effect.as_ref(), &mut before)?
            } else {
                map(&task, shared, |slots, index, key| {
                    once(
                        &task,
                        slots,
                        Some(index),
                        &keys::element(key, index),
                        shared,
                        effect.as_ref(),
                        &mut before,
                    )
                })?
            };
            Ok(Done::Effect { outs, before })
        }
        _ => Err(NodeError::new("the node cannot do this: a fault of the engine")),
    }
}

/// A small picture of what a gate judges.
fn first_picture(task: &Task) -> Option<Thumb> {
    match task.slots.first() {
        Some(Slot::One(Value::Image(image))) => thumb(image, 0),
        _ => None,
    }
}

/// Puts what a person is asked about where they see it.
fn show(task: &Task, ask: &Ask, shared: &Shared) -> Result<(), NodeError> {
    let Some(shown) = &task.shown else { return Ok(()) };
    let Some(Slot::One(value)) = task.slots.first() else { return Ok(()) };
    // Whoever looks at it later finds it by its key.
    shared.keep(&shown.key, value);
    shared.memory.put(shown.key, value.clone());
    let pictures: Vec<Arc<Image>> = match value {
        Value::Image(image) => vec![image.clone()],
        Value::List(items) => items
            .iter()
            .filter_map(|v| match v {
                Value::Image(image) => Some(image.clone()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    if let (Some(image), Some(out)) = (pictures.first(), &shared.lent.out)
        && let Some(thumb) = thumb(image, 0)
    {
        let shelf = out.folder().shelf("review");
        shelf.put("", &task.id, shown.place, &shown.attempt, &shown.key, &thumb)?;
    }
    if let Some(desk) = &shared.desk {
        let question = Question {
            gate: task.id.to_string(),
            place: shown.place,
            attempt: shown.attempt.clone(),
            key: shown.key,
            question: ask.question.clone(),
            note: ask.note.clone(),
            asked: shared.lent.clock.now(),
        };
        desk.put(&question, &pictures)?;
    }
    Ok(())
}

/// Is it quicker to read it back than to make it again?
fn worth_keeping(outs: &[Option<Value>], begun: Instant) -> bool {
    let bytes: usize = outs.iter().flatten().map(Value::byte_size).sum();
    begun.elapsed().as_secs_f64() * 1000.0 > 4.0 + bytes as f64 / 300_000.0
}

fn with_cx<T>(
    task: &Task,
    slots: &[Slot],
    index: Option<usize>,
    key: &Key,
    shared: &Shared,
    work: impl FnOnce(&mut Cx<'_>) -> Result<T, NodeError>,
) -> Result<(T, Vec<Option<Value>>), NodeError> {
    let signs = NodeSigns { shared, id: &task.id, key: *key, item: task.item.as_ref().map(|i| i.item) };
    let mut cx = Cx {
        schema: task.def.schema(),
        id: &task.id,
        slots,
        outs: vec![None; task.outs],
        item: task.item.as_deref(),
        window: task.window,
        index,
        key: *key,
        lent: &shared.lent,
        cancel: &shared.cancel,
        signs: &signs,
        stray: None,
        recipes: &task.recipes,
    };
    let made = work(&mut cx)?;
    if let Some(stray) = cx.stray {
        return Err(NodeError::new(format!(
            "the node set an output {stray:?} that it does not have: a fault of the node"
        )));
    }
    Ok((made, cx.outs))
}

fn outputs(
    task: &Task,
    slots: &[Slot],
    index: Option<usize>,
    key: &Key,
    shared: &Shared,
    work: impl FnOnce(&mut Cx<'_>) -> Result<(), NodeError>,
) -> Result<Vec<Option<Value>>, NodeError> {
    let ((), outs) = with_cx(task, slots, index, key, shared, work)?;
    if let Some(missing) = outs.iter().position(Option::is_none) {
        let name = task.def.schema().outputs.get(missing).map_or("", |o| o.name);
        return Err(NodeError::new(format!("the node did not set its output {name:?}: a fault of the node")));
    }
    Ok(outs)
}

/// Runs over the elements of the lists that are mapped; a list of one goes with every element.
fn map(
    task: &Task,
    shared: &Shared,
    mut each: impl FnMut(&[Slot], usize, &Key) -> Result<Vec<Option<Value>>, NodeError>,
) -> Result<Vec<Option<Value>>, NodeError> {
    let schema = task.def.schema();
    let list = |slot: usize| match &task.slots[slot] {
        Slot::One(Value::List(items)) => Some(items.clone()),
        // Planned as a list, but a select node passed one value on.
        Slot::One(one) => Some(Arc::from([one.clone()])),
        Slot::Items(_) => None,
    };
    let lists: Vec<(usize, Arc<[Value]>)> = task
        .mapped
        .iter()
        .enumerate()
        .filter(|(_, m)| **m)
        .filter_map(|(s, _)| Some((s, list(s)?)))
        .collect();
    let longest = lists.iter().map(|(_, l)| l.len()).max().unwrap_or(0);
    if let Some((slot, odd)) = lists.iter().find(|(_, l)| l.len() != longest && l.len() != 1) {
        return Err(NodeError::new(format!(
            "{:?} has {} values, another list has {longest}",
            schema.slot_name(*slot),
            odd.len()
        ))
        .at(schema.slot_name(*slot))
        .hint("lists that meet have the same length, or one value"));
    }
    let mut collected: Vec<Vec<Value>> = vec![Vec::new(); task.outs];
    let mut bytes = 0usize;
    let mut slots = task.slots.clone();
    for index in 0..longest {
        if shared.cancel.is_cancelled() {
            return Err(NodeError::cancelled());
        }
        for (slot, items) in &lists {
            slots[*slot] = Slot::One(items[if items.len() == 1 { 0 } else { index }].clone());
        }
        let outs = each(&slots, index, &task.key)?;
        bytes += outs.iter().flatten().map(Value::byte_size).sum::<usize>();
        if bytes > shared.live_budget {
            let (size, limit) =
                (crate::words::bytes(bytes as u64), crate::words::bytes(shared.live_budget as u64));
            return Err(NodeError::new(format!(
                "{} of {longest} values of the list take {size} already, {limit} are allowed",
                index + 1
            ))
            .hint("make items of them (--rows, --items), which are let go one by one, or raise --memory"));
        }
        for (all, one) in collected.iter_mut().zip(outs) {
            match one {
                // A list inside a list is laid flat.
                Some(Value::List(items)) => all.extend(items.iter().cloned()),
                Some(value) => all.push(value),
                None => {}
            }
        }
    }
    Ok(collected.into_iter().map(|v| Some(Value::list(v))).collect())
}

/// Performs an effect, unless the journal knows that it happened.
fn once(
    task: &Task,
    slots: &[Slot],
    index: Option<usize>,
    key: &Key,
    shared: &Shared,
    effect: &dyn Effect,
    before: &mut bool,
) -> Result<Vec<Option<Value>>, NodeError> {
    let out = shared.lent.out.as_ref().ok_or_else(|| {
        NodeError::new("this node changes the world and needs a journal")
            .hint("name an output folder with --out")
    })?;
    let journal = out.folder().journal();
    let doubt = task.def.schema().doubt.unwrap_or(Doubt::AtLeastOnce);
    let owner = format!("{}/{}-{}", shared.owner, task.frame, task.node);
    let record = IntentRecord {
        key: *key,
        node: task.id.to_string(),
        item: task.item.as_ref().map(|i| i.item).or(task.window),
        destination: if task.def.schema().writes_files {
            out.folder().id().to_owned()
        } else {
            task.def.schema().name.to_string()
        },
        policy: format!("{doubt:?}"),
        intent: Vec::new(),
        owner: owner.clone(),
        lease_ms: EFFECT_LEASE_MS,
    };
    let read = |outcome: &[u8]| -> Result<Vec<Option<Value>>, NodeError> {
        let mut outs = vec![None; task.outs];
        let (values, _) = with_cx(task, slots, index, key, shared, |cx| effect.values(cx, outcome))?;
        for (name, value) in values {
            if let Some(at) = task.def.schema().output(name, 0) {
                outs[at] = Some(value);
            }
        }
        Ok(outs)
    };
    let stands = |outcome: &[u8]| {
        with_cx(task, slots, index, key, shared, |cx| Ok(effect.stands(cx, outcome))).map(|r| r.0)
    };
    let mut waited = 0u32;
    loop {
        match journal.intend(&record, shared.lent.clock.now())? {
            Intended::Done(entry) => {
                let outcome = entry.outcome.unwrap_or_default();
                if stands(&outcome)? {
                    return read(&outcome);
                }
                journal.forget(key)?;
            }
            Intended::Busy { .. } => {
                // Another process is at it: wait for its outcome rather than doing it twice.
                if shared.cancel.is_cancelled() {
                    return Err(NodeError::cancelled());
                }
                std::thread::sleep(std::time::Duration::from_millis(u64::from(20 + 10 * waited.min(20))));
                waited += 1;
            }
            held @ (Intended::New | Intended::Doubtful(_)) => {
                // The network may take its time: nobody else is to believe meanwhile that this was given up.
                let every = task.def.schema().uses_network.then_some(EFFECT_LEASE_MS / 4);
                let renew = || {
                    let _ = journal.renew(key, &owner, EFFECT_LEASE_MS, shared.lent.clock.now());
                };
                let done = alive(every, &renew, || {
                    let asked = match held {
                        Intended::Doubtful(_) if doubt == Doubt::AskTheWorld => {
                            with_cx(task, slots, index, key, shared, |cx| effect.ask(cx)).map(|r| r.0)?
                        }
                        _ => None,
                    };
                    if let Some(outcome) = asked {
                        return Ok(outcome);
                    }
                    *before = false;
                    with_cx(task, slots, index, key, shared, |cx| effect.perform(cx)).map(|r| r.0)
                });
                match done {
                    Ok(outcome) => {
                        journal.outcome(key, &owner, &outcome, shared.lent.clock.now())?;
                        return read(&outcome);
                    }
                    Err(e) => {
                        // Whether the world changed is not known: the intent stays, the next try resolves it.
                        journal.release(key, &owner)?;
                        return Err(e);
                    }
                }
            }
        }
    }
}

/// Does something that may take long, with a sign of life every so many milliseconds, if any.
fn alive<T>(every: Option<u64>, sign: &(dyn Fn() + Sync), work: impl FnOnce() -> T) -> T {
    use std::sync::mpsc::{RecvTimeoutError, channel};
    let Some(every) = every.map(std::time::Duration::from_millis) else { return work() };
    std::thread::scope(|scope| {
        let (done, wait) = channel::<()>();
        scope.spawn(move || {
            while wait.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                sign();
            }
        });
        let made = work();
        drop(done);
        made
    })
}

/// For how long an effect is believed to be under way without a sign of life.
const EFFECT_LEASE_MS: u64 = 120_000;

/// The few conversions between types, and files for paths that were computed.
fn convert_slots(task: &mut Task, shared: &Shared) -> Result<(), NodeError> {
    let schema = task.def.schema();
    for (at, slot) in task.slots.iter_mut().enumerate() {
        let Slot::One(value) = slot else { continue };
        if value.is_none() {
            continue;
        }
        let wanted = match schema.inputs.get(at) {
            Some(input) => input.ty.clone(),
            None => match schema.slot_param(at) {
                Some(param) => param.kind.ty(),
                None => continue,
            },
        };
        let name = schema.slot_name(at);
        if wanted.name != names::ANY {
            let new = match &*value {
                Value::List(items) => {
                    let fits = items.iter().all(|v| v.ty().name == wanted.name);
                    if fits {
                        None
                    } else {
                        let new: Result<Vec<Value>, NodeError> =
                            items.iter().map(|v| convert(v, &wanted.element(), shared)).collect();
                        Some(Value::list(new.map_err(|e| e.at(name))?))
                    }
                }
                one if one.ty().name == wanted.name => None,
                one => Some(convert(one, &wanted.element(), shared).map_err(|e| e.at(name))?),
            };
            if let Some(new) = new {
                *value = new;
            }
        }
        if wanted.list && !matches!(value, Value::List(_)) {
            let one = value.clone();
            *value = Value::list(vec![one]);
        }
        check_bounds(value, schema.slot_param(at), name)?;
    }
    Ok(())
}

/// A linked parameter keeps to the same bounds as one that is set.
fn check_bounds(value: &Value, param: Option<&crate::schema::Param>, name: &str) -> Result<(), NodeError> {
    let Some(param) = param else { return Ok(()) };
    use crate::schema::Kind;
    let outside = |v: &dyn std::fmt::Display, min: &dyn std::fmt::Display, max: &dyn std::fmt::Display| {
        Err(NodeError::new(format!("{name:?} got {v}, outside {min} to {max}")).at(name))
    };
    match (&param.kind, value) {
        (_, Value::List(items)) if !matches!(param.kind, Kind::List(_) | Kind::Files) => {
            items.iter().try_for_each(|v| check_bounds(v, Some(param), name))
        }
        (Kind::Int { min, max, .. }, Value::Int(v)) if v < min || v > max => outside(v, min, max),
        (Kind::Float { min, max, .. }, Value::Float(v)) if v.is_nan() || v < min || v > max => {
            outside(v, min, max)
        }
        (Kind::Size { min, max }, Value::Size(w, h)) if w.min(h) < min || w.max(h) > max => {
            outside(&format!("{w}x{h}"), min, max)
        }
        (Kind::Choice(words), Value::Text(t)) if !words.iter().any(|w| w == &**t) => {
            Err(NodeError::new(format!("{t:?} is not one of {}", crate::words::list(words))).at(name))
        }
        _ => Ok(()),
    }
}

fn convert(value: &Value, wanted: &Type, shared: &Shared) -> Result<Value, NodeError> {
    let ty = value.ty();
    if ty.name == wanted.name || wanted.name == names::ANY {
        return Ok(value.clone());
    }
    let no = || NodeError::new(format!("a {ty} is not a {wanted}"));
    if !converts(&ty.name, &wanted.name) {
        return Err(no());
    }
    Ok(match (value, wanted.name.as_ref()) {
        (Value::Int(v), names::FLOAT) => Value::Float(*v as f64),
        (Value::Int(v), names::SEED) => Value::Seed(u64::try_from(*v).map_err(|_| no())?),
        (Value::Seed(v), names::INT) => Value::Int(i64::try_from(*v).map_err(|_| no())?),
        (Value::Bool(v), names::INT) => Value::Int(i64::from(*v)),
        (Value::Int(v), names::TEXT) => Value::text(v.to_string()),
        (Value::Seed(v), names::TEXT) => Value::text(v.to_string()),
        (Value::Float(v), names::TEXT) => Value::text(v.to_string()),
        (Value::Bool(v), names::TEXT) => Value::text(v.to_string()),
        (Value::Color(v), names::TEXT) => Value::text(v.to_string()),
        (Value::Text(t), names::COLOR) => Value::Color(Color::parse(t)?),
        (Value::Text(t), names::FILE) => Value::File(find_file(t, shared)?),
        _ => return Err(no()),
    })
}

/// The file that a computed path names.
pub(crate) fn find_file(path: &str, shared: &Shared) -> Result<FileRef, NodeError> {
    let place = shared.lent.sandbox.resolve(path)?;
    let hash = shared.lent.files.hash(&place, shared.lent.clock.now())?;
    Ok(FileRef { path: place.into(), hash })
}

/// A verdict as it is cached.
pub(crate) fn verdict_value(v: &Verdict) -> Value {
    Value::list(vec![Value::Bool(v.accept), Value::Float(v.score), Value::text(v.reason.as_str())])
}

/// Reads a cached verdict.
pub(crate) fn read_verdict(value: &Value) -> Option<Verdict> {
    match value {
        Value::List(items) => match &**items {
            [Value::Bool(accept), Value::Float(score), Value::Text(reason)] => {
                Some(Verdict { accept: *accept, score: *score, reason: reason.to_string() })
            }
            _ => None,
        },
        _ => None,
    }
}

/// A mark as it is cached.
pub(crate) fn mark_value(mark: &[u8]) -> Value {
    Value::list(mark.iter().map(|b| Value::Int(i64::from(*b))).collect::<Vec<_>>())
}

/// Reads a cached mark.
pub(crate) fn read_mark(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::List(items) => items
            .iter()
            .map(|v| match v {
                Value::Int(b) => u8::try_from(*b).ok(),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// Values of many items, fetched from the cache one by one.
pub(crate) struct Kept {
    pub list: Arc<[(u64, Key)]>,
    pub shared: Arc<Shared>,
}

impl Items for Kept {
    fn len(&self) -> usize {
        self.list.len()
    }
    fn item(&self, at: usize) -> Option<u64> {
        self.list.get(at).map(|i| i.0)
    }
    fn get(&self, at: usize) -> Result<Value, NodeError> {
        let (item, key) =
            self.list.get(at).ok_or_else(|| NodeError::new(format!("there is no value {at}")))?;
        self.shared.fetch(key).map(|f| f.0).ok_or_else(|| {
            let lost = NodeError::new(format!("the cache lost the value of item {item}"))
                .hint("run again with --resume; if it happens often, raise the cache's budget");
            NodeError { lost: true, ..lost }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::alive;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    #[test]
    fn long_work_gives_signs_of_life_until_it_ends() {
        let signs = AtomicU32::new(0);
        let sign = || {
            signs.fetch_add(1, Ordering::SeqCst);
        };
        let made = alive(Some(2), &sign, || {
            while signs.load(Ordering::SeqCst) < 3 {
                std::thread::sleep(Duration::from_millis(1));
            }
            7
        });
        assert_eq!(made, 7);
        let ended = signs.load(Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(signs.load(Ordering::SeqCst), ended, "then it is quiet");
        assert_eq!(alive(None, &sign, || 8), 8);
        assert_eq!(alive(Some(60_000), &sign, || 9), 9, "short work does not wait for a sign");
        assert_eq!(signs.load(Ordering::SeqCst), ended);
    }
}
