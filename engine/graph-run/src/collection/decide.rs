//! `decide`: what people decided about tokens, followed.
//!
//! Everything is looked at before anything is done: a list with a slip, a picture that cannot take another's place, a
//! folder that is not as it was sealed end it here. Then token after token is done, each in one step that happens
//! wholly or not at all, its line of the audit log included. A list that was interrupted is gone on with where it
//! stopped when it is followed again. What was decided stands: no later run brings an old picture back.

use super::args::DecideArgs;
use super::folder;
use super::remade::{self, Seeds, Shop};
use super::seal::again;
use super::step::{self, Alone, Line, Put, Said, State, Step};
use crate::fail::{FAILED, Fail};
use crate::say;
use kiln_collection::provenance::Digest;
use kiln_collection::seal::{self, Files, Found, Known};
use kiln_core::doors::{Clock, OutFolder, SystemClock};
use kiln_report::decisions::{self, Decision, Word};
use kiln_report::disk::DiskFiles;
use kiln_report::sealing;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// A decision that can be followed.
struct Task {
    decision: Decision,
    found: Option<Found>,
    /// The picture that takes the place of the token's own.
    picture: Option<Vec<u8>>,
}

/// Follows a list of decisions.
///
/// # Errors
/// Everything that stands in the way; nothing is done then.
pub fn decide(args: &DecideArgs) -> Result<u8, Fail> {
    let bytes = folder::read(&args.decisions, decisions::LONGEST)?;
    let shown = args.decisions.display();
    let all =
        decisions::read(&bytes).map_err(|e| Fail::wrong(format!("{shown}: {e}\nnothing was done"), None))?;
    let out = folder::open(&args.out)?;
    let _alone = Alone::with(&out)?;
    let files = DiskFiles::new(out.root());
    let list = Digest::blake3(&bytes).to_string();
    let (mut state, going_on) = match step::state(&out)? {
        Some(state) if state.list == list => (state, true),
        _ => (State { list, ..State::default() }, false),
    };
    if sealing::is_sealed(&files) && !args.anyway && !going_on {
        let found = seal::audit(&files, &Known::default());
        if let Some(first) = found.breaks.first() {
            return Err(Fail::wrong(
                format!("{} is not as it was sealed: {first}", args.out.display()),
                Some(
                    "graph-run audit tells all of it; --anyway goes on, and the next seal takes the changes in",
                ),
            ));
        }
    }
    let beside = args.decisions.parent().map(Path::to_owned).unwrap_or_default();
    let many = all.len();
    let all: Vec<Decision> = all.into_iter().filter(|d| !state.done.contains(&d.token)).collect();
    if all.len() < many && !args.json {
        say::err(&format!(
            "{} of this list followed before it was interrupted; the rest is done now",
            folder::counted(many - all.len(), "decision")
        ));
    }
    let tasks = prepared(all, &files, &beside)?;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    tasks.iter().for_each(|t| *counts.entry(t.decision.word.name()).or_default() += 1);
    if args.dry_run {
        if args.json {
            say::json(&json!({ "would": counts, "dry_run": true }));
        } else {
            for t in &tasks {
                say::out(&format!("would {}", words(&t.decision, None)));
            }
            say::out(&summed(&counts, "nothing was done"));
        }
        return Ok(0);
    }
    let who = folder::who(args.who.as_deref());
    let shop =
        Shop { out: out.root(), graph: args.graph.as_deref(), access: &args.access, device: &args.device };
    let mut failed = Vec::new();
    let mut approved = Step { who: who.clone(), now: SystemClock.now().0, ..Step::default() };
    let (approvals, others): (Vec<&Task>, Vec<&Task>) =
        tasks.iter().partition(|task| task.decision.word == Word::Approve);
    for task in others {
        let made = prepare(task, &out, &shop, &who).and_then(|step| step::take(&out, &mut state, step));
        if let Err(error) = made {
            // A step that is under way must be finished before anything else is begun.
            if state.step.is_some() {
                return Err(error);
            }
            if let Some(count) = counts.get_mut(task.decision.word.name()) {
                *count -= 1;
            }
            failed.push((task.decision.token, error.to_string()));
        }
    }
    counts.retain(|_, n| *n > 0);
    for task in approvals {
        let own = prepare(task, &out, &shop, &who)?;
        approved.lines.extend(own.lines);
        approved.tokens.extend(own.tokens);
        if let Some(said) = &own.answer {
            step::answer(&out, said, own.now)?;
        }
    }
    if !approved.lines.is_empty() {
        step::take(&out, &mut state, approved)?;
    }
    let sealed = if sealing::is_sealed(&files) && files.place(seal::MANIFEST).is_some_and(|p| p.is_file()) {
        Some(again(&out, None, &who, &[])?)
    } else {
        None
    };
    step::close(&out);
    if args.json {
        let failed: Vec<_> =
            failed.iter().map(|(token, why)| json!({ "token": token, "error": why })).collect();
        let sealed = sealed.map(|s| json!({ "seal": s.manifest.seal, "provenance": s.manifest.provenance }));
        say::json(&json!({ "decided": counts, "failed": failed, "sealed": sealed }));
    } else {
        failed.iter().for_each(|(_, why)| say::err(why));
        let end = match &sealed {
            Some(sealed) => format!("sealed again, provenance {}", sealed.manifest.provenance),
            None => "written into the audit log".to_owned(),
        };
        if !failed.is_empty() {
            say::err(&format!("{} could not be followed", folder::counted(failed.len(), "decision")));
        }
        say::out(&summed(&counts, &end));
        say::out("graph-run report makes the page anew");
    }
    Ok(if failed.is_empty() { 0 } else { FAILED })
}

fn summed(counts: &BTreeMap<&str, u64>, end: &str) -> String {
    let parts: Vec<String> = counts.iter().map(|(word, n)| format!("{n} to {word}")).collect();
    let parts = if parts.is_empty() { "no decisions".to_owned() } else { parts.join(", ") };
    format!("{parts}; {end}")
}

/// A decision in the words of the audit log.
fn words(decision: &Decision, more: Option<&str>) -> String {
    let Decision { word, token, file, note, .. } = decision;
    let file = file.as_ref().map(|f| format!(" with {f}")).unwrap_or_default();
    let more = more.map(|m| format!(" ({m})")).unwrap_or_default();
    let note = if note.is_empty() { String::new() } else { format!(": {note}") };
    format!("{} token {token}{file}{more}{note}", word.name())
}

/// Looks at every decision, and at the pictures that are named; everything that is wrong at once.
fn prepared(all: Vec<Decision>, files: &DiskFiles, beside: &Path) -> Result<Vec<Task>, Fail> {
    let entries = files.list().map_err(|e| Fail::wrong(format!("the folder cannot be read: {e}"), None))?;
    let tokens = seal::tokens(files, &entries, &BTreeMap::new()).map_err(|e| Fail::wrong(e, None))?;
    let by_number: BTreeMap<u64, Found> = tokens.into_iter().map(|t| (t.token, t)).collect();
    let rejected = told_before(files);
    let (mut tasks, mut wrong) = (Vec::new(), Vec::new());
    for decision in all {
        let line = decision.line;
        let found = by_number.get(&decision.token).cloned();
        let Some(found) = found else {
            if decision.word == Word::Reject && rejected.contains(&decision.token) {
                // Done before; the same list may be followed twice.
                tasks.push(Task { decision, found: None, picture: None });
            } else {
                wrong.push(format!("line {line}: there is no token {}", decision.token));
            }
            continue;
        };
        if matches!(decision.word, Word::Redo | Word::Replace) && found.picture.is_none() {
            wrong.push(format!("line {line}: token {} has no picture", decision.token));
            continue;
        }
        let picture = match &decision.file {
            None => None,
            Some(file) => match fitting(&beside.join(file), files, &found) {
                Ok(bytes) => Some(bytes),
                Err(what) => {
                    wrong.push(format!("line {line}: {file}: {what}"));
                    continue;
                }
            },
        };
        tasks.push(Task { decision, found: Some(found), picture });
    }
    if wrong.is_empty() {
        return Ok(tasks);
    }
    let many = wrong.len();
    wrong.truncate(50);
    if many > wrong.len() {
        wrong.push(format!("and {} more", many - wrong.len()));
    }
    Err(Fail::wrong(format!("{}\nnothing was done", wrong.join("\n")), None))
}

/// Tokens that the log says were rejected.
fn told_before(files: &DiskFiles) -> Vec<u64> {
    let text = seal::read_text(files, seal::LOG, 1 << 30).unwrap_or_default();
    let (lines, _) = kiln_collection::provenance::read_log(text.as_slice());
    let number = |action: &str| action.strip_prefix("reject token ")?.split([':', ' ']).next()?.parse().ok();
    lines.iter().filter_map(|(record, _)| number(&record.action)).collect()
}

/// A picture that can take another's place: of the same format and size.
fn fitting(path: &Path, files: &DiskFiles, found: &Found) -> Result<Vec<u8>, String> {
    let bytes = folder::read(path, remade::PICTURE).map_err(|e| e.to_string().replace("error: ", ""))?;
    let new = kiln_codec::sniff(&bytes).map_err(|e| e.to_string())?;
    let own = found.picture.as_deref().unwrap_or_default();
    let before = seal::read_text(files, own, remade::PICTURE).map_err(|e| format!("{own}: {e}"))?;
    let format = kiln_codec::sniff(&before).map_err(|e| format!("{own}: {e}"))?;
    if new != format {
        return Err(format!("it is {new}, and {own} is {format}: save it as {format}"));
    }
    let (_, new) = remade::pixels(&bytes)?;
    let (_, old) = remade::pixels(&before).map_err(|e| format!("{own}: {e}"))?;
    if (new.width(), new.height()) != (old.width(), old.height()) {
        return Err(format!(
            "it is {}x{}, and {own} is {}x{}: make it the same size",
            new.width(),
            new.height(),
            old.width(),
            old.height()
        ));
    }
    Ok(bytes)
}

/// What is to be done for a decision; nothing is changed yet.
fn prepare(task: &Task, out: &OutFolder, shop: &Shop<'_>, actor: &str) -> Result<Step, Fail> {
    let decision = &task.decision;
    let now = SystemClock.now().0;
    let generation = task.found.as_ref().and_then(|f| f.glance.generation.as_ref());
    // Tokens may be counted from 1.
    let item = generation.and_then(|g| g.remake.as_ref()?.item).unwrap_or(decision.token);
    let said = |accept| Some(Said { item, accept, reason: decision.note.clone() });
    let mut step = Step { who: actor.to_owned(), tokens: vec![decision.token], now, ..Step::default() };
    let mut subjects = Vec::new();
    let mut more = None;
    if let Some(found) = &task.found {
        let files = DiskFiles::new(out.root());
        let digest =
            |path: &String| seal::read_text(&files, path, remade::PICTURE).ok().map(|b| Digest::sha256(&b));
        subjects.extend(found.picture.iter().filter_map(digest));
        match decision.word {
            Word::Approve => step.answer = said(true),
            Word::Reject => {
                step.answer = said(false);
                step.out = found.picture.iter().chain(&found.metadata).cloned().collect();
                step.to = format!("{}-{now}", found.token);
            }
            // Their pictures are made: a question at a gate about them stays as it is.
            Word::Replace => {
                let picture = task.picture.clone().unwrap_or_default();
                let who = if decision.who.is_empty() { actor } else { &decision.who };
                subjects.push(Digest::sha256(&picture));
                step.put = by_hand(out, found, picture, who, &decision.note)?;
            }
            Word::Redo => {
                let (put, after) = redo(out, found, shop)?;
                step.put = put;
                subjects.push(after);
            }
        }
    } else {
        step.answer = said(false);
        more = Some("it was taken out before");
    }
    let who = if decision.who.is_empty() { actor } else { &decision.who };
    step.lines.push(Line { time: now, who: who.to_owned(), what: words(decision, more), subjects });
    Ok(step)
}

fn no_picture(found: &Found) -> Fail {
    Fail::Failed(format!("error: token {}: it has no picture", found.token))
}

/// A token's picture made again with the next seeds, and its document; the new file's digest.
fn redo(out: &OutFolder, found: &Found, shop: &Shop<'_>) -> Result<(Vec<Put>, Digest), Fail> {
    let generation = found.glance.generation.clone().unwrap_or_default();
    let remake = generation.remake.clone().unwrap_or_default();
    let attempt = generation.attempt.unwrap_or(1).max(1);
    // Attempts count from 1 for people, and from 0 where seeds are drawn: the next one has the number of this one.
    let made = remade::make(shop, found, &remake, Seeds::Next(attempt))?;
    let path = found.picture.as_ref().ok_or_else(|| no_picture(found))?;
    let (pixels, _) = remade::pixels(&made.bytes).map_err(|e| Fail::Failed(format!("error: {path}: {e}")))?;
    let file = Digest::sha256(&made.bytes);
    let document = document(out, found, &mut |document| {
        let known = document.pointer("/properties/generation").is_some();
        sums(document, found, file);
        let Some(generation) = known.then(|| document.pointer_mut("/properties/generation")).flatten() else {
            return;
        };
        generation["attempt"] = json!(attempt + 1);
        let seeds: Vec<&String> = made.set.values().filter(|v| v.starts_with("Fixed(")).collect();
        if let [only] = seeds.as_slice()
            && generation.get("seed").is_some()
        {
            generation["seed"] = json!(only.trim_start_matches("Fixed(").trim_end_matches(')'));
        }
        // It is another picture than the one this key stood for.
        if let Some(generation) = generation.as_object_mut() {
            generation.shift_remove("recipe");
            generation.shift_remove("gates");
        }
        let remake = &mut generation["remake"];
        remake["set"] = json!(made.set);
        remake["picture"] = json!(path);
        remake["file"] = json!(file);
        remake["pixels"] = json!(pixels);
        if let Some(remake) = remake.as_object_mut() {
            remake.shift_remove("graph");
        }
    })?;
    let picture = Put { path: path.clone(), kept: true, bytes: made.bytes };
    Ok((std::iter::once(picture).chain(document).collect(), file))
}

/// A picture made by hand in a token's place, and a document that says so.
fn by_hand(
    out: &OutFolder,
    found: &Found,
    picture: Vec<u8>,
    who: &str,
    note: &str,
) -> Result<Vec<Put>, Fail> {
    let file = Digest::sha256(&picture);
    let path = found.picture.clone().ok_or_else(|| no_picture(found))?;
    let document = document(out, found, &mut |document| {
        sums(document, found, file);
        // Nothing of how the old picture was made is true of this one.
        let properties = &mut document["properties"];
        if let Some(properties) = properties.as_object_mut() {
            properties.shift_remove("generation");
        }
        properties["hand_made"] = json!({ "who": who, "note": note, "sha256": file });
    })?;
    Ok(std::iter::once(Put { path, kept: true, bytes: picture }).chain(document).collect())
}

/// Puts the new digest where the old one stood.
fn sums(document: &mut Value, found: &Found, file: Digest) {
    let old = &found.glance.digests;
    let files = document.pointer_mut("/properties/files").and_then(Value::as_array_mut);
    for one in files.into_iter().flatten() {
        if one.get("sha256").and_then(Value::as_str).is_some_and(|s| old.first().is_some_and(|o| o == s)) {
            one["sha256"] = json!(file);
        }
    }
}

/// A token's document with a change, checked; nothing for a token without one.
fn document(out: &OutFolder, found: &Found, change: &mut dyn FnMut(&mut Value)) -> Result<Option<Put>, Fail> {
    let Some(path) = &found.metadata else { return Ok(None) };
    let wrong = |what: String| Fail::Failed(format!("error: {path}: {what}"));
    let files = DiskFiles::new(out.root());
    let text = seal::read_text(&files, path, 16 << 20).map_err(|e| wrong(e.to_string()))?;
    let mut document: Value = serde_json::from_slice(&text).map_err(|e| wrong(e.to_string()))?;
    let valid = kiln_collection::metadata::check_token(found.token, &document).is_ok();
    change(&mut document);
    // One that was not ours to begin with is not held against our schema.
    if valid {
        kiln_collection::metadata::check_token(found.token, &document).map_err(|e| wrong(e.to_string()))?;
    }
    let mut text = serde_json::to_string_pretty(&document).map_err(|e| wrong(e.to_string()))?;
    text.push('\n');
    Ok(Some(Put { path: path.clone(), kept: true, bytes: text.into_bytes() }))
}
