//! `decide`: what people decided about tokens, followed.
//!
//! Everything is looked at before anything is done: a list with a slip, a picture that cannot take another's place, a
//! folder that is not as it was sealed end it here. Then token after token is done and written into the audit log at
//! once, so that an interruption leaves nothing that nobody told.

use super::args::DecideArgs;
use super::folder::{self, told};
use super::remade::{self, Seeds, Shop};
use super::seal::again;
use crate::fail::{FAILED, Fail};
use crate::say;
use kiln_collection::provenance::Digest;
use kiln_collection::seal::{self, Event, Files, Found, Known};
use kiln_core::doors::{Clock, OutFolder, SystemClock};
use kiln_core::store::{Answer, Place, Word as Said};
use kiln_report::decisions::{self, Decision, Word};
use kiln_report::disk::DiskFiles;
use kiln_report::sealing;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
    let files = DiskFiles::new(out.root());
    if sealing::is_sealed(&files) && !args.anyway {
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
    let (mut approvals, mut failed) = (Vec::new(), Vec::new());
    for task in &tasks {
        match done(task, &out, &shop, &who) {
            Ok(event) if task.decision.word == Word::Approve => approvals.push(event),
            Ok(event) => append(&out, &who, &[event])?,
            Err(error) => {
                if let Some(count) = counts.get_mut(task.decision.word.name()) {
                    *count -= 1;
                }
                failed.push((task.decision.token, error.to_string()));
                continue;
            }
        }
        answer(&out, task)?;
    }
    counts.retain(|_, n| *n > 0);
    append(&out, &who, &approvals)?;
    let sealed = if sealing::is_sealed(&files) && files.place(seal::MANIFEST).is_some_and(|p| p.is_file()) {
        Some(again(&out, None, &who, &[])?)
    } else {
        None
    };
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

fn append(out: &OutFolder, who: &str, events: &[Event]) -> Result<(), Fail> {
    let files = DiskFiles::new(out.root());
    let appended = seal::append(&files, who, SystemClock.now().0, events).map_err(|e| told(e.into()))?;
    if appended.added > 0 {
        let mut write = sealing::writer(out);
        write(seal::LOG, &appended.log_text)?;
        write(seal::HEAD, appended.head_text.as_bytes())?;
    }
    Ok(())
}

/// Does what was decided; the line of the log.
fn done(task: &Task, out: &OutFolder, shop: &Shop<'_>, who: &str) -> Result<Event, Fail> {
    let decision = &task.decision;
    let who = if decision.who.is_empty() { who } else { &decision.who };
    let event = |more: Option<&str>, subjects: Vec<Digest>| Event::Decision {
        time: SystemClock.now().0,
        who: who.to_owned(),
        what: words(decision, more),
        subjects,
    };
    let Some(found) = &task.found else { return Ok(event(Some("it was taken out before"), Vec::new())) };
    let files = DiskFiles::new(out.root());
    let digest =
        |path: &String| seal::read_text(&files, path, remade::PICTURE).ok().map(|b| Digest::sha256(&b));
    let before: Vec<Digest> = found.picture.iter().filter_map(digest).collect();
    match decision.word {
        Word::Approve => Ok(event(None, before)),
        Word::Reject => {
            drop_token(out, found)?;
            Ok(event(None, before))
        }
        Word::Replace => {
            let (Some(picture), Some(path)) = (&task.picture, &found.picture) else {
                return Err(Fail::Failed(format!("error: token {}: no picture", found.token)));
            };
            let after = Digest::sha256(picture);
            if before.first() != Some(&after) {
                out.write(path, picture)?;
            }
            by_hand(out, found, picture, who, &decision.note)?;
            Ok(event(None, before.into_iter().chain([after]).collect()))
        }
        Word::Redo => {
            let after = redo(out, found, shop)?;
            Ok(event(None, before.into_iter().chain([after]).collect()))
        }
    }
}

/// Takes a token's files out of the collection. They lie among Kiln's own afterwards, should somebody want them back.
fn drop_token(out: &OutFolder, found: &Found) -> Result<(), Fail> {
    let to =
        out.root().join(seal::OWN).join("dropped").join(format!("{}-{}", found.token, SystemClock.now().0));
    for path in found.picture.iter().chain(&found.metadata) {
        let from = out.place(path)?;
        let place: PathBuf = to.join(path);
        let moved = std::fs::create_dir_all(place.parent().unwrap_or(&to))
            .and_then(|()| std::fs::rename(&from, &place));
        moved.map_err(|e| Fail::Failed(format!("error: {path} cannot be taken out: {e}")))?;
    }
    Ok(())
}

/// Makes a token's picture again with the next seeds; the new file's digest.
fn redo(out: &OutFolder, found: &Found, shop: &Shop<'_>) -> Result<Digest, Fail> {
    let generation = found.glance.generation.clone().unwrap_or_default();
    let remake = generation.remake.clone().unwrap_or_default();
    let attempt = generation.attempt.unwrap_or(1).max(1);
    // Attempts count from 1 for people, and from 0 where seeds are drawn: the next one has the number of this one.
    let made = remade::make(shop, found, &remake, Seeds::Next(attempt))?;
    let Some(path) = &found.picture else {
        return Err(Fail::Failed(format!("error: token {}: it has no picture", found.token)));
    };
    let (pixels, _) = remade::pixels(&made.bytes).map_err(|e| Fail::Failed(format!("error: {path}: {e}")))?;
    let file = Digest::sha256(&made.bytes);
    out.write(path, &made.bytes)?;
    document(out, found, &mut |document| {
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
    Ok(file)
}

/// Writes into a token's document that its picture was made by hand.
fn by_hand(out: &OutFolder, found: &Found, picture: &[u8], who: &str, note: &str) -> Result<(), Fail> {
    let file = Digest::sha256(picture);
    document(out, found, &mut |document| {
        sums(document, found, file);
        // Nothing of how the old picture was made is true of this one.
        let properties = &mut document["properties"];
        if let Some(properties) = properties.as_object_mut() {
            properties.shift_remove("generation");
        }
        properties["hand_made"] = json!({ "who": who, "note": note, "sha256": file });
    })
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

/// Changes a token's document, checked before it is written.
fn document(out: &OutFolder, found: &Found, change: &mut dyn FnMut(&mut Value)) -> Result<(), Fail> {
    let Some(path) = &found.metadata else { return Ok(()) };
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
    out.write(path, text.as_bytes())?;
    Ok(())
}

/// A question at a gate about this item, if one stands, is answered, too: a run that goes on later agrees.
fn answer(out: &OutFolder, task: &Task) -> Result<(), Fail> {
    let decision = &task.decision;
    let generation = task.found.as_ref().and_then(|f| f.glance.generation.as_ref());
    // Tokens may be counted from 1.
    let item = generation.and_then(|g| g.remake.as_ref()?.item).unwrap_or(decision.token);
    let word = match decision.word {
        Word::Approve => Said::Accept,
        Word::Reject => Said::Reject,
        // Their pictures are made; a run must not draw them again.
        Word::Redo | Word::Replace => return Ok(()),
    };
    let reviews = out.folder().reviews();
    for gate in reviews.gates()? {
        if let Some(asked) = reviews.waiting(&gate, Place::Item(item))? {
            let q = &asked.question;
            let given = Answer { word, reason: decision.note.clone(), at: SystemClock.now() };
            reviews.decide(&gate, q.place, &q.attempt, &q.key, &given)?;
        }
    }
    Ok(())
}
