//! People's decisions over parked items, kept in the output folder: `.kiln/decisions.jsonl`, a line each.

use crate::error::RunnerError;
use crate::message::{Decide, RunId};
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
    /// The item, the gate and the decision.
    #[serde(flatten)]
    pub decide: Decide,
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
    let path = path(out);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().filter_map(|l| serde_json::from_str(l).ok()).collect()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(RunnerError::Store { what: format!("{} cannot be read: {e}", path.display()) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Decision;

    #[test]
    fn decisions_survive_a_line_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".kiln")).unwrap();
        let one = |item, decision| Decided {
            v: 1,
            at: 5,
            batch: "b".into(),
            run: RunId("r".into()),
            decide: Decide { item, gate: "look".into(), decision },
        };
        assert_eq!(read(dir.path()).unwrap(), []);
        let (a, b) = (one(1, Decision::Accept), one(2, Decision::Reject { reason: "a\nb".into() }));
        record(dir.path(), &a).unwrap();
        let file = path(dir.path());
        let mut text = std::fs::read(&file).unwrap();
        text.extend(b"{\"v\":1,\"at");
        std::fs::write(&file, text).unwrap();
        record(dir.path(), &b).unwrap();
        assert_eq!(read(dir.path()).unwrap(), [a, b]);
    }
}
