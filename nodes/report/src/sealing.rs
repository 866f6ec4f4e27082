//! Sealing an output folder: copies of what made it, decisions of people, and the three files that bind all.

use crate::disk::DiskFiles;
use kiln_collection::provenance::{Digest, Head};
use kiln_collection::seal::{self, Event, SealError, Sealed, Sealing};
use kiln_core::NodeError;
use kiln_core::doors::OutFolder;
use kiln_core::store::{Folder, StoreError};
use std::collections::BTreeMap;

/// Folders that `graph-run` still writes to when a graph's last node is done.
pub const STILL_WRITTEN: [&str; 2] = ["rejected", "review"];

/// Why a folder is not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealingError {
    /// The seal.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The folder's records.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file cannot be written.
    #[error("{}", .0.what)]
    Write(NodeError),
    /// Two files of one name.
    #[error("two files would both be copied to {0}; give one of them another name")]
    Twice(String),
    /// A name that is no path inside the folder.
    #[error("{0:?} is no name for a copy in provenance/")]
    Name(String),
}

impl From<NodeError> for SealingError {
    fn from(error: NodeError) -> Self {
        Self::Write(error)
    }
}

/// A file that made the collection: its name in `provenance/`, and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The path below `provenance/`.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Writes one file: below the output folder, whole or not at all.
pub type Write<'a> = dyn FnMut(&str, &[u8]) -> Result<(), NodeError> + 'a;

/// A writer for programs that own the folder.
pub fn writer(out: &OutFolder) -> impl FnMut(&str, &[u8]) -> Result<(), NodeError> + '_ {
    |path, bytes| out.write(path, bytes).map(|_| ())
}

/// What people answered at gates, as lines of the log.
///
/// # Errors
/// The folder's records cannot be read.
pub fn reviewed(folder: &Folder) -> Result<Vec<Event>, StoreError> {
    let mut all = Vec::new();
    for asked in folder.reviews().all(None)? {
        let Some(answer) = &asked.answer else { continue };
        let q = &asked.question;
        let place = match q.place.item() {
            Some(item) => format!("item {item}"),
            None => q.place.to_string(),
        };
        let why = if answer.reason.is_empty() { String::new() } else { format!(": {}", answer.reason) };
        all.push(Event::Decision {
            time: answer.at.0,
            who: "a person at the gate".to_owned(),
            what: format!("{} {place}, attempt {}, at gate {}{why}", answer.word.word(), q.attempt, q.gate),
            subjects: vec![Digest(q.key.0)],
        });
    }
    all.sort_by_key(|event| match event {
        Event::Decision { time, .. } => *time,
        _ => 0,
    });
    Ok(all)
}

/// Seals a folder: writes copies of what made it, then what binds all.
///
/// # Errors
/// What stands in the way. What was sealed before still is.
pub fn seal(
    out: &OutFolder,
    evidence: &[Evidence],
    mut sealing: Sealing,
    write: &mut Write<'_>,
) -> Result<Sealed, SealingError> {
    let mut copies: BTreeMap<String, &[u8]> = BTreeMap::new();
    for one in evidence {
        let path = format!("{}/{}", seal::FOLDER, one.name);
        let files = DiskFiles::new(out.root());
        if files.place(&path).is_none() || [seal::MANIFEST, seal::LOG, seal::HEAD].contains(&path.as_str()) {
            return Err(SealingError::Name(one.name.clone()));
        }
        if copies.insert(path.clone(), &one.bytes).is_some_and(|before| before != one.bytes) {
            return Err(SealingError::Twice(path));
        }
    }
    for (path, bytes) in copies {
        write(&path, bytes)?;
        sealing.events.push(Event::Evidence { path, hash: Digest::sha256(bytes) });
    }
    sealing.events.extend(reviewed(out.folder())?);
    let sealed = seal::seal(&DiskFiles::new(out.root()), &sealing)?;
    if sealed.changed {
        write_all(&sealed, write)?;
    }
    Ok(sealed)
}

/// Writes the three files, in the order that makes an interruption harmless.
fn write_all(sealed: &Sealed, write: &mut Write<'_>) -> Result<(), NodeError> {
    write(seal::MANIFEST, sealed.manifest_text.as_bytes())?;
    write(seal::LOG, &sealed.log_text)?;
    write(seal::HEAD, sealed.head_text.as_bytes())
}

/// Whether a folder was ever sealed.
#[must_use]
pub fn is_sealed(files: &DiskFiles) -> bool {
    files.place(seal::LOG).is_some_and(|place| place.is_file())
}

/// Where a seal's log ends, in a form to publish.
#[must_use]
pub fn published(head: Head) -> String {
    format!("{} lines, {}", head.lines, head.hash)
}
