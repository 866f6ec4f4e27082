//! Sealing: what to write so that a folder is bound.

use super::event::Event;
use super::files::{Entry, Files, Sort, hash_all, read_if_there};
use super::manifest::{FileRecord, ItemRecord, Manifest};
use super::token::{Tokens, TokensError, tokens};
use super::{HEAD, LOG, MANIFEST, OWN, binds, is_below};
use crate::provenance::{AuditLog, Digest, Head, LogError, Record, read_log};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// The longest log or manifest that is read, in bytes.
pub(super) const LONGEST: u64 = 1 << 30;

/// What is to be sealed, by whom.
#[derive(Debug, Clone, Default)]
pub struct Sealing {
    /// The collection's name.
    pub name: String,
    /// Who seals.
    pub actor: String,
    /// When, in milliseconds since 1970.
    pub now: u64,
    /// Folders that are left out, beside Kiln's own: those that still change while this runs.
    pub leave_out: Vec<String>,
    /// What else the log is to say; what it says already is not said again. Models, LoRAs and seeds that the tokens'
    /// documents name need not be here.
    pub events: Vec<Event>,
    /// What LoRAs learned from, by the names of their files: told of those that the tokens' documents name.
    pub data_logs: BTreeMap<String, DataLog>,
}

/// What is known of a LoRA's training data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataLog {
    /// SHA-256 of the log.
    pub sha256: Digest,
    /// The hash of the LoRA's file, where it is known: of another file of the same name nothing is told.
    pub model: Option<Digest>,
}

/// What a sealing came to: texts to be written, in this order, each whole or not at all.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The hashes of all files.
    pub manifest: Manifest,
    /// `provenance.json`.
    pub manifest_text: String,
    /// `audit.jsonl`, all of it: what stood there, and new lines behind it.
    pub log_text: Vec<u8>,
    /// `head.json`.
    pub head_text: String,
    /// Where the log ends now.
    pub head: Head,
    /// How many lines the log has got.
    pub added: u64,
    /// Whether there is anything to write: nothing when the same files were sealed before.
    pub changed: bool,
    /// The tokens.
    pub tokens: Tokens,
}

/// Why nothing is sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// A file or the folder cannot be read.
    #[error("{path} cannot be read: {error}")]
    Read {
        /// Its path.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// A link or something odd.
    #[error("{path} is {what}, and a seal is about files: put the file itself there, or take it away")]
    NoFile {
        /// Its path.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// The tokens cannot be told.
    #[error(transparent)]
    Tokens(#[from] TokensError),
    /// The log is broken: nothing is appended to it.
    #[error("{LOG} is broken, so nothing is appended to it: {0}")]
    Log(LogError),
    /// The log is whole, but not the one that was left.
    #[error("{HEAD} does not fit {LOG}: {0}")]
    Head(String),
}

/// What is wrong with what is no file.
pub(super) fn odd(sort: Sort) -> Option<&'static str> {
    match sort {
        Sort::File => None,
        Sort::Link => Some("a link"),
        Sort::Odd => Some("no file, or has a name that is no text"),
    }
}

/// The text of `head.json`.
pub(super) fn head_text(head: Head) -> String {
    format!("{{\"lines\":{},\"hash\":\"{}\"}}\n", head.lines, head.hash)
}

/// Seals a folder as it is.
///
/// # Errors
/// What stands in the way, and where.
pub fn seal(files: &dyn Files, sealing: &Sealing) -> Result<Sealed, SealError> {
    let (old, said) = open_log(files)?;
    let head = said.last().map_or(Head::EMPTY, |(_, head)| *head);
    let mut left_out = vec![OWN.to_owned()];
    left_out.extend(sealing.leave_out.iter().cloned());
    left_out.sort();
    left_out.dedup();
    let (manifest, tokens) = look(files, &sealing.name, left_out)?;

    let before = read_if_there(files, MANIFEST, LONGEST).map_err(unreadable(MANIFEST))?;
    let known = before.as_deref().and_then(|text| Manifest::read(text).ok());
    let is_bound = before.as_deref().is_some_and(|text| is_sealed_by(text, &said));
    let events: Vec<Event> =
        told(&tokens, &sealing.data_logs).into_iter().chain(sealing.events.iter().cloned()).collect();
    let news = news(&events, &said, &sealing.actor, sealing.now);
    // Decisions that were written down since are bound by a seal of their own.
    let ends_sealed = said.last().is_some_and(|(record, _)| is_seal(record));
    let same = known.filter(|known| is_bound && ends_sealed && known.seals_the_same(&manifest));
    if let Some(known) = same.filter(|_| news.is_empty()) {
        let manifest_text = known.to_text();
        let head_text = head_text(head);
        return Ok(Sealed {
            manifest: known,
            manifest_text,
            log_text: old,
            head_text,
            head,
            added: 0,
            changed: false,
            tokens,
        });
    }
    let mut manifest = manifest;
    manifest.seal = said.iter().filter(|(record, _)| is_seal(record)).count() as u64 + 1;
    manifest.time = sealing.now;
    manifest.before = head;
    // The chain was followed above.
    let mut log = AuditLog::at(head);
    let mut log_text = old;
    let mut added = 0;
    for record in news {
        log_text.extend(log.append(&record).into_bytes());
        added += 1;
    }
    let manifest_text = manifest.to_text();
    let mut subjects = vec![Digest::sha256(manifest_text.as_bytes()), manifest.provenance];
    subjects.extend(manifest.merkle_root);
    let line = Record { time: sealing.now, actor: sealing.actor.clone(), action: SEAL.to_owned(), subjects };
    log_text.extend(log.append(&line).into_bytes());
    let head = log.head();
    Ok(Sealed {
        manifest,
        manifest_text,
        log_text,
        head_text: head_text(head),
        head,
        added: added + 1,
        changed: true,
        tokens,
    })
}

/// Words to append to the log without sealing: what is done to a folder before it is sealed again.
///
/// # Errors
/// The log is broken, or is not the one that was left.
pub fn append(files: &dyn Files, actor: &str, now: u64, events: &[Event]) -> Result<Appended, SealError> {
    let (mut text, said) = open_log(files)?;
    let mut log = AuditLog::at(said.last().map_or(Head::EMPTY, |(_, head)| *head));
    let news = news(events, &said, actor, now);
    for record in &news {
        text.extend(log.append(record).into_bytes());
    }
    let added = news.len() as u64;
    Ok(Appended { head_text: head_text(log.head()), log_text: text, added })
}

/// The lines that say what the log does not say yet. It is looked up by its words: a log may be long.
fn news(events: &[Event], said: &[(Record, Head)], actor: &str, now: u64) -> Vec<Record> {
    let mut lines: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for (record, _) in said {
        lines.entry(&record.action).or_default().push(record);
    }
    let mut news = Vec::new();
    for event in events {
        let record = event.record(actor, now);
        let same = lines.get(record.action.as_str());
        if !same.is_some_and(|same| same.iter().any(|line| event.is_said_by(line))) {
            news.push(record);
        }
    }
    news
}

/// A log with new lines, to be written in this order.
#[derive(Debug, Clone)]
pub struct Appended {
    /// `audit.jsonl`, all of it.
    pub log_text: Vec<u8>,
    /// `head.json`.
    pub head_text: String,
    /// How many lines are new.
    pub added: u64,
}

/// The lines of a log, and where it ended after each.
type Lines = Vec<(Record, Head)>;

/// The log as it stands, if it is whole and the one that was left.
fn open_log(files: &dyn Files) -> Result<(Vec<u8>, Lines), SealError> {
    let text = read_if_there(files, LOG, LONGEST).map_err(unreadable(LOG))?.unwrap_or_default();
    let (said, broken) = read_log(text.as_slice());
    if let Some(broken) = broken {
        return Err(SealError::Log(broken));
    }
    if let Some(known) = read_if_there(files, HEAD, 4096).map_err(unreadable(HEAD))? {
        fits(&known, &said)?;
    }
    Ok((text, said))
}

fn unreadable(path: &str) -> impl FnOnce(io::Error) -> SealError + use<> {
    let path = path.to_owned();
    move |error| SealError::Read { path, error }
}

/// The action of a line that seals.
const SEAL: &str = "seal";

/// Whether a line seals.
pub(super) fn is_seal(record: &Record) -> bool {
    record.action == SEAL
}

/// Whether the last seal of a log is about this manifest.
pub(super) fn is_sealed_by(manifest: &[u8], said: &[(Record, Head)]) -> bool {
    let last = said.iter().rev().find(|(record, _)| is_seal(record));
    last.is_some_and(|(record, _)| record.subjects.first() == Some(&Digest::sha256(manifest)))
}

/// Whether a remembered head is one that the log went through: a later end is that of an interrupted sealing.
fn fits(known: &[u8], said: &[(Record, Head)]) -> Result<(), SealError> {
    let wrong = |what: String| Err(SealError::Head(what));
    let known: Head = match serde_json::from_slice(known) {
        Ok(known) => known,
        Err(error) => return wrong(format!("it cannot be read: {error}")),
    };
    if known == Head::EMPTY {
        return Ok(());
    }
    let at = usize::try_from(known.lines - 1).ok().and_then(|at| said.get(at));
    match at {
        None => wrong(format!(
            "the log has {} lines, and {} are known: lines were cut off",
            said.len(),
            known.lines
        )),
        Some((_, head)) if head.hash != known.hash => {
            wrong(format!("line {} has another hash: the log was written anew", known.lines))
        }
        Some(_) => Ok(()),
    }
}

/// The files and tokens of a folder, hashed.
fn look(files: &dyn Files, name: &str, left_out: Vec<String>) -> Result<(Manifest, Tokens), SealError> {
    let entries = files.list().map_err(|error| SealError::Read { path: ".".to_owned(), error })?;
    let sealed: Vec<Entry> =
        entries.into_iter().filter(|e| !binds(&e.path) && !is_below(&e.path, &left_out)).collect();
    if let Some((path, what)) = sealed.iter().find_map(|e| Some((e.path.clone(), odd(e.sort)?))) {
        return Err(SealError::NoFile { path, what });
    }
    let paths: Vec<&str> = sealed.iter().map(|e| e.path.as_str()).collect();
    let mut records = Vec::with_capacity(paths.len());
    for (path, hashes) in paths.iter().zip(hash_all(files, &paths)) {
        let hashes = hashes.map_err(|error| SealError::Read { path: (*path).to_owned(), error })?;
        let (bytes, sha256, blake3) = (hashes.bytes, hashes.sha256, hashes.blake3);
        records.push(FileRecord { path: (*path).to_owned(), bytes, sha256, blake3 });
    }
    let digests: BTreeMap<String, String> =
        records.iter().map(|r| (r.path.clone(), r.sha256.to_string())).collect();
    let tokens = tokens(files, &sealed, &digests)?;
    let by_path: BTreeMap<&str, Digest> = records.iter().map(|r| (r.path.as_str(), r.sha256)).collect();
    let item = |t: &super::token::Found| {
        let picture = t.picture.clone()?;
        let sha256 = *by_path.get(picture.as_str())?;
        Some(ItemRecord { token: t.token, picture, metadata: t.metadata.clone(), sha256 })
    };
    let items = tokens.iter().filter_map(item).collect();
    Ok((Manifest::new(name.to_owned(), left_out, items, records), tokens))
}

/// What the tokens' documents say took part.
fn told(tokens: &Tokens, logs: &BTreeMap<String, DataLog>) -> Vec<Event> {
    let hash = |hash: &Option<String>| hash.as_deref().and_then(|h| h.parse::<Digest>().ok());
    let (mut models, mut loras) = (BTreeSet::new(), BTreeSet::new());
    let (mut seeds, mut count) = (String::new(), 0);
    for token in tokens {
        let Some(generation) = &token.glance.generation else { continue };
        models.extend(generation.models.iter().map(|m| (m.name.clone(), hash(&m.hash))));
        let lora = |l: &crate::metadata::LoraUse| (l.name.clone(), l.strength.to_string(), hash(&l.hash));
        loras.extend(generation.loras.iter().map(lora));
        if let Some(seed) = &generation.seed {
            seeds.push_str(&format!("{} {seed}\n", token.token));
            count += 1;
        }
    }
    let mut events: Vec<Event> = models.into_iter().map(|(name, hash)| Event::Model { name, hash }).collect();
    let mut learned = BTreeSet::new();
    for (name, _, hash) in &loras {
        // A graph may leave the ending out.
        let log = logs.get(name).or_else(|| logs.get(&format!("{name}.safetensors")));
        if let Some(log) = log.filter(|log| log.model.zip(*hash).is_none_or(|(a, b)| a == b)) {
            learned.insert((name.clone(), log.sha256));
        }
    }
    events.extend(loras.into_iter().map(|(name, strength, hash)| Event::Lora { name, strength, hash }));
    events.extend(learned.into_iter().map(|(lora, hash)| Event::DataLog { lora, hash }));
    if count > 0 {
        events.push(Event::Seeds { tokens: count, hash: Digest::sha256(seeds.as_bytes()) });
    }
    events
}
