//! A change to a collection in one step: all of it happens, or none, even if the machine dies on the way.
//!
//! What is to be written lies ready among Kiln's own files first, then a note that says so, then it is done. Whoever
//! opens the folder next finishes a step that was interrupted; to do it twice changes nothing.

use super::folder::told;
use crate::fail::Fail;
use kiln_collection::provenance::Digest;
use kiln_collection::seal::{self, Event};
use kiln_core::Held;
use kiln_core::doors::{Clock, OutFolder, SystemClock};
use kiln_core::store::{Answer, Millis, Place, Word};
use kiln_report::disk::DiskFiles;
use kiln_report::sealing;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::path::PathBuf;

/// The folder of a step under way, among Kiln's own files.
const FOLDER: &str = "deciding";
/// The note about it.
const STATE: &str = "deciding/state.json";
/// The file that is locked while somebody is at it.
const LOCK: &str = "deciding.lock";
/// No note is longer, in bytes.
const LONGEST: u64 = 256 << 20;

/// Files that change, and what is told of it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Step {
    /// Files that are written, in this order.
    pub put: Vec<Put>,
    /// Files that are taken out, and where they lie afterwards among Kiln's own.
    pub out: Vec<String>,
    /// The folder for them.
    pub to: String,
    /// Who works, for the audit log.
    pub who: String,
    /// Lines of the audit log.
    pub lines: Vec<Line>,
    /// The answer to questions at gates about an item.
    pub answer: Option<Said>,
    /// The tokens that are dealt with when it is done.
    pub tokens: Vec<u64>,
    /// When it was begun.
    pub now: u64,
}

/// A file that is written.
#[derive(Debug, Serialize, Deserialize)]
pub struct Put {
    /// Its path below the output folder.
    pub path: String,
    /// Whether a run must leave it as it is from now on.
    pub kept: bool,
    /// Its bytes, while they do not lie ready yet.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

/// A line of the audit log.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    /// When.
    pub time: u64,
    /// Who.
    pub who: String,
    /// What.
    pub what: String,
    /// What it was about.
    pub subjects: Vec<Digest>,
}

/// An answer to a question at a gate.
#[derive(Debug, Serialize, Deserialize)]
pub struct Said {
    /// The item.
    pub item: u64,
    /// Whether it passes.
    pub accept: bool,
    /// Why.
    pub reason: String,
}

/// How far a list of decisions was followed.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The list's hash.
    pub list: String,
    /// Tokens that are dealt with.
    pub done: Vec<u64>,
    /// What is under way.
    pub step: Option<Step>,
}

/// Whoever holds it works on the folder alone.
pub struct Alone(#[allow(dead_code, reason = "it is held, and let go at the end")] File);

impl Alone {
    /// Waits for nobody: two who decide at once would not see each other's work.
    ///
    /// # Errors
    /// Somebody else is at it.
    pub fn with(out: &OutFolder) -> Result<Self, Fail> {
        Self::held(out)?.ok_or_else(|| {
            Fail::wrong(
                "somebody else changes this collection at this moment",
                Some("try again when they are done"),
            )
        })
    }

    fn held(out: &OutFolder) -> Result<Option<Self>, Fail> {
        let path = out.root().join(seal::OWN).join(LOCK);
        let cannot =
            |e: std::io::Error| Fail::Failed(format!("error: {} cannot be locked: {e}", path.display()));
        let file = File::options().create(true).append(true).open(&path).map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(cannot(e)),
        }
    }
}

/// How far a list was followed, if it was not followed to its end.
///
/// # Errors
/// It cannot be read.
pub fn state(out: &OutFolder) -> Result<Option<State>, Fail> {
    let Some(bytes) = out.read_own(STATE, LONGEST)? else { return Ok(None) };
    let read = serde_json::from_slice(&bytes);
    read.map(Some).map_err(|e| Fail::Failed(format!("error: .kiln/{STATE} cannot be read: {e}")))
}

fn note(out: &OutFolder, state: &State) -> Result<(), Fail> {
    let text = serde_json::to_vec(state).map_err(|e| Fail::Failed(format!("error: {e}")))?;
    Ok(out.write_own(STATE, &text)?)
}

/// Finishes what somebody began who was interrupted. Where somebody is at it at this moment, it is theirs.
///
/// # Errors
/// It cannot be finished.
pub fn finish(out: &OutFolder) -> Result<(), Fail> {
    if !out.root().join(seal::OWN).join(STATE).is_file() {
        return Ok(());
    }
    let Some(_alone) = Alone::held(out)? else { return Ok(()) };
    match state(out)? {
        Some(mut state) => apply(out, &mut state),
        None => Ok(()),
    }
}

/// Does a step: from here on it happens, whatever happens to this process.
///
/// # Errors
/// The disk refuses.
pub fn take(out: &OutFolder, state: &mut State, step: Step) -> Result<(), Fail> {
    for (n, put) in step.put.iter().enumerate() {
        out.write_own(&format!("{FOLDER}/{n}"), &put.bytes)?;
    }
    state.step = Some(step);
    note(out, state)?;
    apply(out, state)
}

fn apply(out: &OutFolder, state: &mut State) -> Result<(), Fail> {
    let Some(step) = &state.step else { return Ok(()) };
    let mut held = Held::read(out)?;
    let before = held.clone();
    step.put.iter().filter(|put| put.kept).for_each(|put| held.keep(&put.path));
    step.out.iter().for_each(|path| held.take_out(path));
    if held != before {
        held.write(out)?;
    }
    for (n, put) in step.put.iter().enumerate() {
        let bytes = out.read_own(&format!("{FOLDER}/{n}"), super::remade::PICTURE)?;
        let bytes = bytes.ok_or_else(|| {
            Fail::Failed(format!("error: what was to be written to {} is gone from .kiln/{FOLDER}", put.path))
        })?;
        out.write(&put.path, &bytes)?;
    }
    for path in &step.out {
        aside(out, path, &step.to)?;
    }
    tell(out, step)?;
    if let Some(said) = &step.answer {
        answer(out, said, step.now)?;
    }
    let tokens = step.tokens.clone();
    let many = step.put.len();
    state.done.extend(tokens);
    state.step = None;
    note(out, state)?;
    // What cannot be removed is written over by the next step.
    (0..many)
        .for_each(|n| drop(fs::remove_file(out.root().join(seal::OWN).join(FOLDER).join(n.to_string()))));
    Ok(())
}

/// The list was followed to its end.
pub fn close(out: &OutFolder) {
    // One that stays says that all of it is done.
    let _ = fs::remove_file(out.root().join(seal::OWN).join(STATE));
}

/// Takes a file out of the collection. It lies among Kiln's own afterwards, should somebody want it back.
fn aside(out: &OutFolder, path: &str, to: &str) -> Result<(), Fail> {
    let from = out.place(path)?;
    if !from.exists() {
        return Ok(());
    }
    let place: PathBuf = out.root().join(seal::OWN).join("dropped").join(to).join(path);
    let moved = match place.parent() {
        Some(parent) => fs::create_dir_all(parent),
        None => Ok(()),
    }
    .and_then(|()| fs::rename(&from, &place));
    moved.map_err(|e| Fail::Failed(format!("error: {path} cannot be taken out: {e}")))
}

fn tell(out: &OutFolder, step: &Step) -> Result<(), Fail> {
    if step.lines.is_empty() {
        return Ok(());
    }
    let event = |line: &Line| Event::Decision {
        time: line.time,
        who: line.who.clone(),
        what: line.what.clone(),
        subjects: line.subjects.clone(),
    };
    let events: Vec<Event> = step.lines.iter().map(event).collect();
    let files = DiskFiles::new(out.root());
    // Lines that stand there already are not told twice.
    let appended =
        seal::append(&files, &step.who, SystemClock.now().0, &events).map_err(|e| told(e.into()))?;
    let mut write = sealing::writer(out);
    if appended.added > 0 {
        write(seal::LOG, &appended.log_text)?;
    }
    if seal::read_text(&files, seal::HEAD, 4096).ok().as_deref() != Some(appended.head_text.as_bytes()) {
        write(seal::HEAD, appended.head_text.as_bytes())?;
    }
    Ok(())
}

/// A question at a gate about this item, if one stands, is answered, too: a run that goes on later agrees.
///
/// # Errors
/// The folder's records cannot be read.
pub fn answer(out: &OutFolder, said: &Said, now: u64) -> Result<(), Fail> {
    let reviews = out.folder().reviews();
    for gate in reviews.gates()? {
        if let Some(asked) = reviews.waiting(&gate, Place::Item(said.item))? {
            let q = &asked.question;
            let word = if said.accept { Word::Accept } else { Word::Reject };
            let given = Answer { word, reason: said.reason.clone(), at: Millis(now) };
            reviews.decide(&gate, q.place, &q.attempt, &q.key, &given)?;
        }
    }
    Ok(())
}
