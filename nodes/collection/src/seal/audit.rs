//! The check of a sealed folder: all of it, link by link.

use super::files::{Files, hash_all, read_if_there};
use super::manifest::Manifest;
use super::work::{LONGEST, head_text, is_seal, is_sealed_by, odd};
use super::{HEAD, LOG, MANIFEST, binds, is_below};
use crate::provenance::{Digest, Head, Provenance, Record, read_log};
use std::collections::BTreeSet;

/// No more breaks than these are told one by one.
pub const MOST_BREAKS: usize = 1000;

/// What was published, to be compared with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// The provenance hash.
    pub provenance: Option<Digest>,
    /// The Merkle root.
    pub merkle_root: Option<Digest>,
    /// The last hash of a log that was published; the log may have gone on since.
    pub log: Option<Digest>,
}

/// A link that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Break {
    /// Which file.
    pub path: String,
    /// What is wrong, in words.
    pub what: String,
}

impl std::fmt::Display for Break {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

/// What an audit found.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    /// What does not hold, the first broken link first. Nothing: the folder is as it was sealed.
    pub breaks: Vec<Break>,
    /// How many there are beyond those that are told.
    pub more: u64,
    /// The manifest, if it can be read.
    pub manifest: Option<Manifest>,
    /// The log's lines, as far as the chain holds.
    pub log: Vec<(Record, Head)>,
    /// What is worth knowing, and no break.
    pub notes: Vec<String>,
}

impl Audit {
    /// Whether all holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.breaks.is_empty()
    }

    fn tell(&mut self, path: &str, what: impl Into<String>) {
        if self.breaks.len() < MOST_BREAKS {
            self.breaks.push(Break { path: path.to_owned(), what: what.into() });
        } else {
            self.more += 1;
        }
    }
}

/// Checks everything: the log's chain and end, the manifest against the log, the sums against the manifest, every file
/// against its hashes, and what was added or went missing.
#[must_use]
pub fn audit(files: &dyn Files, known: &Known) -> Audit {
    let mut found = Audit::default();
    check_log(files, known, &mut found);
    let Some(text) = manifest_text(files, &mut found) else { return found };
    if !is_sealed_by(&text, &found.log) && !found.log.is_empty() {
        found.tell(
            MANIFEST,
            format!(
                "the last seal in {LOG} is about other bytes: one of the two was changed, or a sealing was interrupted; \
                 seal again if that is known"
            ),
        );
    }
    let manifest = match Manifest::read(&text) {
        Ok(manifest) => manifest,
        Err(what) => {
            found.tell(MANIFEST, format!("it cannot be read: {what}"));
            return found;
        }
    };
    check_sums(&manifest, known, &mut found);
    check_files(files, &manifest, &mut found);
    if manifest.left_out.len() > 1 {
        let names: Vec<&str> = manifest.left_out.iter().map(String::as_str).collect();
        found.notes.push(format!("not sealed, because they were still being written: {}", names.join(", ")));
    }
    found.manifest = Some(manifest);
    found
}

fn manifest_text(files: &dyn Files, found: &mut Audit) -> Option<Vec<u8>> {
    match read_if_there(files, MANIFEST, LONGEST) {
        Ok(Some(text)) => Some(text),
        Ok(None) => {
            found.tell(MANIFEST, "it is missing: nothing says what the files have to be");
            None
        }
        Err(error) => {
            found.tell(MANIFEST, format!("it cannot be read: {error}"));
            None
        }
    }
}

fn check_log(files: &dyn Files, known: &Known, found: &mut Audit) {
    let text = match read_if_there(files, LOG, LONGEST) {
        Ok(Some(text)) => text,
        Ok(None) => {
            found.tell(LOG, "it is missing: nothing says who sealed what");
            return;
        }
        Err(error) => {
            found.tell(LOG, format!("it cannot be read: {error}"));
            return;
        }
    };
    let (lines, broken) = read_log(text.as_slice());
    found.log = lines;
    let end = found.log.last().map_or(Head::EMPTY, |(_, head)| *head);
    if let Some(broken) = &broken {
        found.tell(LOG, broken.to_string());
    } else if end == Head::EMPTY {
        found.tell(LOG, "it has no lines");
    }
    match read_if_there(files, HEAD, 4096) {
        Ok(Some(text)) if broken.is_none() => check_head(&text, end, found),
        Ok(Some(_)) => {}
        Ok(None) => found.tell(HEAD, format!("it is missing: lines cut off from {LOG} would not be noticed")),
        Err(error) => found.tell(HEAD, format!("it cannot be read: {error}")),
    }
    if let Some(hash) = known.log
        && !found.log.iter().any(|(_, head)| head.hash == hash)
    {
        found.tell(
            LOG,
            format!(
                "it never had the hash {hash} that was published: lines were cut off, or it is another log"
            ),
        );
    }
    if !found.log.iter().any(|(record, _)| is_seal(record)) && broken.is_none() && end != Head::EMPTY {
        found.tell(LOG, "it has no line that seals: lines were cut off, or the sealing was interrupted");
    }
    let after = found.log.iter().rev().take_while(|(record, _)| !is_seal(record)).count();
    if after > 0 && after < found.log.len() {
        let what = if after == 1 { "1 line was" } else { "lines were" };
        let number = if after == 1 { String::new() } else { format!("{after} ") };
        found.notes.push(format!("{number}{what} written to the log after the last seal"));
    }
}

fn check_head(text: &[u8], end: Head, found: &mut Audit) {
    if text == head_text(end).as_bytes() {
        return;
    }
    let what = match serde_json::from_slice::<Head>(text) {
        Ok(known) if known.lines > end.lines => {
            format!("it knows {} lines, and {LOG} has {}: lines were cut off", known.lines, end.lines)
        }
        Ok(known) if known.lines < end.lines => format!(
            "it knows {} lines, and {LOG} has {}: a sealing was interrupted, or somebody added lines; seal again if that is known",
            known.lines, end.lines
        ),
        Ok(known) if known.hash != end.hash => {
            format!(
                "it knows the hash {}, and {LOG} ends with {}: the log was written anew",
                known.hash, end.hash
            )
        }
        Ok(_) => "its content is right, but it is written in another way".to_owned(),
        Err(error) => format!("it cannot be read: {error}"),
    };
    found.tell(HEAD, what);
}

fn check_sums(manifest: &Manifest, known: &Known, found: &mut Audit) {
    let digests: Vec<Digest> = manifest.items.iter().map(|item| item.sha256).collect();
    let provenance = Provenance::of(&digests);
    if provenance != manifest.provenance {
        found.tell(
            MANIFEST,
            format!(
                "its items come to the provenance hash {provenance}, and it says {}",
                manifest.provenance
            ),
        );
    }
    let root = manifest.tree().ok().map(|tree| tree.root());
    if root != manifest.merkle_root {
        found.tell(MANIFEST, "its items come to another Merkle root than it says");
    }
    if let Some(hash) = known.provenance.filter(|hash| *hash != provenance) {
        found.tell(
            MANIFEST,
            format!("its items come to the provenance hash {provenance}, and {hash} was published"),
        );
    }
    if let Some(hash) = known.merkle_root.filter(|hash| Some(*hash) != root) {
        let root = root.map_or_else(|| "none".to_owned(), |root| root.to_string());
        found.tell(MANIFEST, format!("its items come to the Merkle root {root}, and {hash} was published"));
    }
    for pair in manifest.items.windows(2) {
        if pair[0].token >= pair[1].token {
            found.tell(MANIFEST, format!("token {} stands behind token {}", pair[1].token, pair[0].token));
        }
    }
    for item in &manifest.items {
        let at = manifest.files.binary_search_by(|file| file.path.as_str().cmp(&item.picture));
        match at.map(|at| manifest.files[at].sha256) {
            Ok(sha256) if sha256 == item.sha256 => {}
            Ok(_) => found.tell(
                MANIFEST,
                format!("token {} and its file {} have different hashes", item.token, item.picture),
            ),
            Err(_) => found.tell(
                MANIFEST,
                format!("token {} names {}, which is not among the files", item.token, item.picture),
            ),
        }
    }
}

fn check_files(files: &dyn Files, manifest: &Manifest, found: &mut Audit) {
    let entries = match files.list() {
        Ok(entries) => entries,
        Err(error) => {
            found.tell(".", format!("the folder cannot be read: {error}"));
            return;
        }
    };
    let mut there = BTreeSet::new();
    let mut odd_ones = BTreeSet::new();
    for entry in &entries {
        if binds(&entry.path) && odd(entry.sort).is_none() || is_below(&entry.path, &manifest.left_out) {
            continue;
        }
        if let Some(what) = odd(entry.sort) {
            found.tell(&entry.path, format!("it is {what}"));
            odd_ones.insert(entry.path.as_str());
        } else {
            there.insert(entry.path.as_str());
        }
    }
    let known: BTreeSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    let look: Vec<_> = manifest.files.iter().filter(|file| there.contains(file.path.as_str())).collect();
    let paths: Vec<&str> = look.iter().map(|file| file.path.as_str()).collect();
    let mut hashed = look.iter().zip(hash_all(files, &paths)).peekable();
    let token = |path: &str| {
        let item =
            manifest.items.iter().find(|item| item.picture == path || item.metadata.as_deref() == Some(path));
        item.map_or_else(String::new, |item| format!(" (token {})", item.token))
    };
    for file in &manifest.files {
        let Some((_, hashes)) = hashed.next_if(|(next, _)| next.path == file.path) else {
            if !odd_ones.contains(file.path.as_str()) {
                found.tell(&file.path, format!("it is missing{}", token(&file.path)));
            }
            continue;
        };
        match hashes {
            Err(error) => found.tell(&file.path, format!("it cannot be read: {error}")),
            Ok(hashes) if hashes.bytes != file.bytes => {
                let what = format!(
                    "it has {} bytes, and {} were sealed{}",
                    hashes.bytes,
                    file.bytes,
                    token(&file.path)
                );
                found.tell(&file.path, what);
            }
            Ok(hashes) if hashes.sha256 != file.sha256 || hashes.blake3 != file.blake3 => {
                found.tell(&file.path, format!("its bytes were changed{}", token(&file.path)));
            }
            Ok(_) => {}
        }
    }
    for path in there.difference(&known) {
        found.tell(path, "it was added after the seal");
    }
}
