//! What a person decides: pictures, sheets and a list to fill in, in `review/GATE/` of the output folder.
//!
//! The folder's database knows every question and every answer. The list is a window into it: what a person
//! wrote there since it was last read is news, and goes into the database; what the database knows better (a
//! decision by another way) is written into the list. A line that a person wrote is never lost: the list is
//! written beside and renamed, after it was read once more, and what is not understood stays in it.

pub mod command;
mod desk;
mod list;

pub use desk::{ReviewDesk, where_to};

use crate::rejected;
use crate::sheets::{self, Entry, PAGE};
use kiln_core::NodeError;
use kiln_core::doors::OutFolder;
use kiln_core::store::{Answer, Asked, Millis, Place, Question, Took};
use list::{Found, Wrong};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Digits of a key that a list shows.
const SHOWN: usize = 12;
/// How often a list is merged anew because somebody saved it meanwhile.
const TRIES: usize = 5;

/// What came of reading a list.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// Decisions that were new.
    pub new: u64,
    /// What is wrong with it, in words.
    pub complaints: Vec<String>,
}

/// The folder of a gate's questions, below the output folder.
pub fn folder(gate: &str) -> String {
    format!("review/{}", sheets::folder_name(gate))
}

/// The name of a question's picture; `nth` from 0, where there are several.
pub fn picture_name(q: &Question, nth: usize) -> String {
    let place = match q.place {
        Place::Item(item) => format!("{item:05}"),
        Place::Run => "run".to_owned(),
        Place::Window(window) => format!("window{window:04}"),
    };
    let more = if nth == 0 { String::new() } else { format!("_{}", nth + 1) };
    format!("{place}-{}{more}.png", q.attempt)
}

/// The list of a gate.
pub fn list_path(out: &OutFolder, gate: &str) -> PathBuf {
    out.root().join(folder(gate)).join("decisions.csv")
}

fn shown(q: &Question) -> String {
    q.key.to_string().chars().take(SHOWN).collect()
}

/// What is remembered of a line: the decision and the reason.
fn seen(said: &str, reason: &str) -> String {
    match list::word(said) {
        Some(word) => format!("{}|{}", word.word(), reason.trim()),
        None => String::new(),
    }
}

fn seen_answer(answer: &Answer) -> String {
    format!("{}|{}", answer.word.word(), answer.reason.trim())
}

/// How the questions of a gate and the lines of its list belong together.
struct Matched<'a> {
    /// By question: the line that counts.
    lines: BTreeMap<usize, &'a list::Line>,
    /// Lines that belong to no question, or to a picture that is no more.
    others: Vec<&'a list::Line>,
    wrong: Vec<Wrong>,
}

fn matched<'a>(asked: &[Asked], found: &'a Found) -> Matched<'a> {
    let mut by_place: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    for (at, a) in asked.iter().enumerate() {
        by_place.entry(a.question.place).or_default().push(at);
    }
    let mut matched = Matched { lines: BTreeMap::new(), others: Vec::new(), wrong: Vec::new() };
    let mut stale = Vec::new();
    for line in &found.lines {
        let here = by_place.get(&line.place).map(Vec::as_slice).unwrap_or_default();
        let fits = |at: &&usize| match &line.attempt {
            Some(attempt) => asked[**at].question.attempt == *attempt,
            None => asked[**at].waiting,
        };
        let Some(at) = here.iter().find(fits).copied() else {
            if !line.said.is_empty() {
                let attempt = line.attempt.as_ref().map_or_else(String::new, |a| format!(", attempt {a}"));
                let what = format!(
                    "nobody asks about item {}{attempt}: nothing is done about it; take the line out",
                    line.place
                );
                matched.wrong.push(Wrong { line: line.number, what });
                matched.others.push(line);
            }
            continue;
        };
        let key = shown(&asked[at].question);
        if !line.shown.is_empty() && !key.starts_with(&line.shown) && !line.shown.starts_with(&key) {
            if !line.said.is_empty() {
                stale.push(line.number);
                matched.others.push(line);
            }
            continue;
        }
        match matched.lines.get(&at) {
            Some(before) if !before.said.is_empty() => {
                let same = seen(&before.said, "") == seen(&line.said, "");
                if line.said.is_empty() {
                    continue;
                }
                if !same {
                    let what = format!(
                        "it decides on item {} once more, otherwise than line {}: this one counts; take one of them out",
                        line.place, before.number
                    );
                    matched.wrong.push(Wrong { line: line.number, what });
                }
                let before = *before;
                matched.lines.insert(at, line);
                if !same {
                    matched.others.push(before);
                }
            }
            _ => {
                matched.lines.insert(at, line);
            }
        }
    }
    if let Some(first) = stale.first() {
        let what = match stale.len() {
            1 => {
                "it is about a picture that is another one now: look again, and take the line out".to_owned()
            }
            n => format!(
                "{n} lines from here on are about pictures that are others now: look again, and take them out"
            ),
        };
        matched.wrong.push(Wrong { line: *first, what });
    }
    matched
}

/// Reads a gate's list, and hands what is new in it to the folder's database.
///
/// # Errors
/// When the database refuses.
pub fn import(out: &OutFolder, gate: &str, now: Millis) -> Result<Imported, NodeError> {
    let path = list_path(out, gate);
    let reviews = out.folder().reviews();
    let asked = reviews.all(Some(gate))?;
    let found = list::read(&path, asked.len());
    let mut wrong = found.wrong.clone();
    if let Some(why) = &found.unreadable {
        let what = format!("it is not read, and nothing in it counts: {why}");
        return Ok(Imported { new: 0, complaints: list::complaints(&path, &[Wrong { line: 0, what }]) });
    }
    if found.lines.is_empty() {
        return Ok(Imported { new: 0, complaints: list::complaints(&path, &wrong) });
    }
    let matched = matched(&asked, &found);
    wrong.extend(matched.wrong.iter().cloned());
    let mut notes = Vec::new();
    let mut new = 0;
    for (at, line) in &matched.lines {
        let a = &asked[*at];
        if line.said.is_empty() {
            continue;
        }
        let Some(word) = list::word(&line.said) else {
            let said: String = line.said.chars().take(40).collect();
            let what = format!("{said:?} is no decision: write accept, reject or redo");
            wrong.push(Wrong { line: line.number, what });
            continue;
        };
        let says = seen(&line.said, &line.reason);
        if says == a.seen {
            continue;
        }
        let q = &a.question;
        let given = Answer { word, reason: line.reason.clone(), at: now };
        let took = reviews.decide(&q.gate, q.place, &q.attempt, &q.key, &given)?;
        new += u64::from(took == Took::New);
        notes.push((q.clone(), says));
    }
    let notes: Vec<(&Question, &str)> = notes.iter().map(|(q, s)| (q, s.as_str())).collect();
    reviews.note_seen(&notes)?;
    wrong.sort();
    Ok(Imported { new, complaints: list::complaints(&path, &wrong) })
}

/// The rows of a list: every question that waits or is answered, with what the person wrote, then what is
/// not understood.
fn rows(asked: &[Asked], found: &Found) -> (Vec<[String; 7]>, Vec<(usize, String)>) {
    let matched = matched(asked, found);
    let mut rows = Vec::new();
    let mut notes = Vec::new();
    for (at, a) in asked.iter().enumerate() {
        let line = matched.lines.get(&at);
        let filled = line.is_some_and(|l| !l.said.is_empty() || !l.reason.is_empty());
        if !(a.waiting || a.answer.is_some() || filled) {
            continue;
        }
        let q = &a.question;
        let (mut said, mut reason) =
            line.map_or_else(Default::default, |l| (l.said.clone(), l.reason.clone()));
        if let Some(answer) = &a.answer
            && (said.is_empty() || list::word(&said).is_some())
            && seen(&said, &reason) != seen_answer(answer)
        {
            answer.word.word().clone_into(&mut said);
            reason.clone_from(&answer.reason);
        }
        if a.answer.is_some() {
            let says = seen(&said, &reason);
            if says != a.seen {
                notes.push((at, says));
            }
        }
        let mut note = list::cell(&q.note);
        if a.moved && a.answer.is_none() {
            note = format!("asked again, the picture is another one. {note}").trim_end().to_owned();
        }
        rows.push([
            q.place.to_string(),
            q.attempt.to_string(),
            picture_name(q, 0),
            note,
            said,
            reason,
            shown(q),
        ]);
    }
    rows.extend(matched.others.iter().map(|l| l.cells.clone()));
    rows.extend(found.rest.iter().cloned());
    (rows, notes)
}

/// Writes a gate's list: questions that are not in it yet, and decisions that came by other ways.
///
/// # Errors
/// When the folder cannot be written. A list that is open in an editor is left alone.
pub fn write_list(out: &OutFolder, gate: &str) -> Result<Vec<String>, NodeError> {
    let path = list_path(out, gate);
    let relative = format!("{}/decisions.csv", folder(gate));
    let reviews = out.folder().reviews();
    let mut said = Vec::new();
    for _ in 0..TRIES {
        let asked = reviews.all(Some(gate))?;
        let found = list::read(&path, asked.len());
        if let Some(why) = &found.unreadable {
            if !path.symlink_metadata().is_ok_and(|m| m.is_file()) {
                said.push(format!("{} cannot be written: {why}; take it away", path.display()));
                return Ok(said);
            }
            let Some(aside) = list::aside(&path) else {
                said.push(format!(
                    "{} is no list, and there is no more room to put it aside",
                    path.display()
                ));
                return Ok(said);
            };
            std::fs::rename(&path, &aside)?;
            said.push(format!("{} is no list ({why}): it is {} now", path.display(), aside.display()));
            continue;
        }
        let (rows, notes) = rows(&asked, &found);
        let bytes = list::write(&rows, found.style);
        let remember = || -> Result<(), NodeError> {
            let notes: Vec<(&Question, &str)> =
                notes.iter().map(|(at, s)| (&asked[*at].question, s.as_str())).collect();
            Ok(reviews.note_seen(&notes)?)
        };
        if bytes == found.bytes || rows.is_empty() && found.bytes.is_empty() {
            remember()?;
            return Ok(said);
        }
        if is_open(&path) {
            said.push(format!(
                "{} is open in another program: what is new is added once it is closed",
                path.display()
            ));
            return Ok(said);
        }
        // Somebody may have saved it this very moment: then once more.
        if list::read(&path, asked.len()).bytes != found.bytes {
            continue;
        }
        out.write(&relative, &bytes)?;
        remember()?;
        return Ok(said);
    }
    said.push(format!(
        "{} is being written by somebody else: it is brought up to date later",
        path.display()
    ));
    Ok(said)
}

/// Whether an office program has it open: they leave a file beside it that says so.
fn is_open(path: &std::path::Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let locks = [format!(".~lock.{name}#"), format!("~${name}"), format!(".{name}.swp")];
    locks.iter().any(|l| path.with_file_name(l).symlink_metadata().is_ok())
}

/// Writes the sheets of what waits at a gate. Says how many pages, and which questions are on them.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_sheets(out: &OutFolder, gate: &str) -> Result<(usize, BTreeSet<String>), NodeError> {
    let all = out.folder().reviews().all(Some(gate))?;
    let waiting: Vec<Asked> = all.into_iter().filter(|a| a.waiting).collect();
    let shelf = out.folder().shelf("review");
    let folder = folder(gate);
    let pages = waiting.len().div_ceil(PAGE);
    sheets::write_all(out, &folder, pages, |page| {
        let part: Vec<Entry> = waiting
            .iter()
            .skip(page * PAGE)
            .take(PAGE)
            .map(|a| {
                let q = &a.question;
                let again = if a.moved { "asked again, the picture is another one. " } else { "" };
                Entry {
                    thumb: shelf.get(gate, q.place, &q.attempt),
                    name: rejected::name(q.place, &q.attempt),
                    words: format!("{again}{}", q.note),
                }
            })
            .collect();
        let question = waiting.first().map_or("", |a| a.question.question.as_str());
        let title = if question.is_empty() { gate.to_owned() } else { format!("{gate}: {question}") };
        let below = format!(
            "sheet {} of {pages} · {} wait · write accept, reject or redo into decisions.csv beside this sheet",
            page + 1,
            waiting.len()
        );
        sheets::sheet(&title, &below, &part).map_err(NodeError::new)
    })?;
    Ok((pages, waiting.iter().map(|a| mark(&a.question)).collect()))
}

/// Tells a question about a picture from every other one.
fn mark(q: &Question) -> String {
    format!("{}/{}/{}", q.place, q.attempt, q.key)
}

/// What waits at the gates, by gate.
///
/// # Errors
/// When the database refuses.
pub fn waiting(out: &kiln_core::store::Folder) -> Result<BTreeMap<String, Vec<Asked>>, NodeError> {
    let mut all: BTreeMap<String, Vec<Asked>> = BTreeMap::new();
    for a in out.reviews().all(None)?.into_iter().filter(|a| a.waiting) {
        all.entry(a.question.gate.clone()).or_default().push(a);
    }
    Ok(all)
}
