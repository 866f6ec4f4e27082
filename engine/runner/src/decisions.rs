//! People's decisions over parked items, kept in the output folder: `.kiln/decisions.jsonl`, a line each.
//!
//! A decision is written there first and then into the folder's database, which wakes the item. Should the
//! process die in between, the next run brings the database up to date ([`import`]).

use crate::error::RunnerError;
use crate::message::{Decide, Decision, RunId};
use kiln_store::{Answer, Attempt, Folder, Millis, Place, Took, Word};
use kiln_types::Key;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// A decision as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The version of the line.
    pub v: u32,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// The batch in the folder's queue.
    pub batch: String,
    /// The run that parked the item.
    pub run: RunId,
    /// Which attempt of the item, counted from 1: `2`, or `1.3` within another region's attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<String>,
    /// The item, the gate, what was looked at, and the decision.
    #[serde(flatten)]
    pub decide: Decide,
}

/// The longest file that is read.
const LONGEST: u64 = 256 << 20;

/// A decision as the folder's database has it.
#[must_use]
pub fn answer(decision: &Decision, at: Millis) -> Answer {
    let (word, reason) = match decision {
        Decision::Accept => (Word::Accept, ""),
        Decision::Reject { reason } => (Word::Reject, reason.as_str()),
        Decision::Redo => (Word::Redo, ""),
    };
    Answer { word, reason: reason.to_owned(), at }
}

/// Brings the folder's database up to date: what was decided and is not there yet. Says how many decisions
/// were new.
///
/// # Errors
/// When the file is there but cannot be read, or the database refuses.
pub fn import(out: &Path, folder: &Folder) -> Result<u64, RunnerError> {
    let reviews = folder.reviews();
    let mut new = 0;
    for decided in read(out)? {
        let place = decided.decide.item.map_or(Place::Run, Place::Item);
        let given = answer(&decided.decide.decision, Millis(decided.at));
        let exact = decided.attempt.as_deref().and_then(|a| a.parse::<Attempt>().ok());
        let key = decided.decide.key.as_deref().and_then(|k| k.parse::<Key>().ok());
        let of = match (exact, key) {
            (Some(attempt), Some(key)) => Some((attempt, key)),
            // Whatever waited there at that time.
            (_, key) => reviews
                .waiting(&decided.decide.gate, place)?
                .map(|asked| asked.question)
                .filter(|q| q.asked.0 <= decided.at && key.is_none_or(|k| k == q.key))
                .map(|q| (q.attempt, q.key)),
        };
        if let Some((attempt, key)) = of {
            let took = reviews.decide(&decided.decide.gate, place, &attempt, &key, &given)?;
            new += u64::from(took == Took::New);
        }
    }
    Ok(new)
}

/// The file of an output folder.
#[must_use]
pub fn path(out: &Path) -> PathBuf {
    out.join(".kiln").join("decisions.jsonl")
}

/// Adds a decision; it is on the disk once this returns.
///
/// # Errors
/// When the disk refuses.
pub fn record(out: &Path, decided: &Decided) -> Result<(), RunnerError> {
    let path = path(out);
    let fail = |e: &dyn std::fmt::Display| RunnerError::Store {
        what: format!("{} cannot be written: {e}", path.display()),
    };
    let mut line = serde_json::to_vec(decided).map_err(|e| fail(&e))?;
    line.push(b'\n');
    let mut file = File::options().create(true).read(true).append(true).open(&path).map_err(|e| fail(&e))?;
    // A line that a crash cut off is closed first, so that it spoils only itself.
    if !ends_whole(&mut file).map_err(|e| fail(&e))? {
        line.insert(0, b'\n');
    }
    file.write_all(&line).and_then(|()| file.sync_all()).map_err(|e| fail(&e))
}

fn ends_whole(file: &mut File) -> std::io::Result<bool> {
    use std::io::{Seek, SeekFrom};
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last[0] == b'\n')
}

/// Every decision that was recorded in an output folder, the oldest first. Lines that cannot be read (one
/// that a crash cut off, one of a later version) are left out.
///
/// # Errors
/// When the file is there but cannot be read.
pub fn read(out: &Path) -> Result<Vec<Decided>, RunnerError> {
    use std::io::{BufRead, BufReader};
    let path = path(out);
    let fail = |e: &dyn std::fmt::Display| RunnerError::Store {
        what: format!("{} cannot be read: {e}", path.display()),
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(fail(&e)),
    };
    // Line by line as bytes: one that is no text spoils only itself.
    let lines = BufReader::new(file.take(LONGEST)).split(b'\n');
    let mut all = Vec::new();
    for line in lines {
        let line = line.map_err(|e| fail(&e))?;
        all.extend(serde_json::from_slice::<Decided>(&line).ok());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_survive_a_line_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".kiln")).unwrap();
        let one = |item, decision| Decided {
            v: 1,
            at: 5,
            batch: "b".into(),
            run: RunId("r".into()),
            attempt: None,
            decide: Decide { item: Some(item), gate: "look".into(), key: None, decision },
        };
        assert_eq!(read(dir.path()).unwrap(), []);
        let (a, b) = (one(1, Decision::Accept), one(2, Decision::Reject { reason: "a\nb".into() }));
        record(dir.path(), &a).unwrap();
        let file = path(dir.path());
        let mut text = std::fs::read(&file).unwrap();
        text.extend(b"\xff\xfe\0not text\n{\"v\":1,\"at");
        std::fs::write(&file, text).unwrap();
        record(dir.path(), &b).unwrap();
        assert_eq!(read(dir.path()).unwrap(), [a, b]);
    }
}
