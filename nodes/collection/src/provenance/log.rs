//! An audit log: who did what to which files, as lines that hang on each other.
//!
//! Each line is a JSON object in canonical form ([`canonical`](crate::canonical)) with the fields `action`, `actor`,
//! `hash`, `prev`, `seq`, `subjects` and `time`. `hash` is SHA-256 over the canonical object without `hash`; `prev` is the
//! hash of the line before, noughts at the beginning. So a line that is changed, taken out, put in or moved breaks the
//! chain at a place that can be named. Lines cut off at the end leave a whole chain: only who remembers the head (the
//! number of lines and the last hash) notices, so publish it.

use super::Digest;
use crate::canonical::canonical;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::io::{self, BufRead, Read};

/// The longest line that is read, in bytes.
pub const MOST_LINE: usize = 1 << 20;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When, in milliseconds since 1970, as the caller's clock has it.
    pub time: u64,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// The digests of what it was done to.
    pub subjects: Vec<Digest>,
}

/// Where a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// How many lines it has.
    pub lines: u64,
    /// The last line's hash.
    pub hash: Digest,
}

impl Head {
    /// Of a log without lines.
    pub const EMPTY: Self = Self { lines: 0, hash: Digest::ZERO };
}

/// A log that can be written on.
#[derive(Debug, Clone)]
pub struct AuditLog {
    head: Head,
}

/// What is wrong with a log; lines count from 1.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// It cannot be read.
    #[error("the log cannot be read at line {line}: {error}")]
    Read {
        /// The line.
        line: u64,
        /// Why.
        error: io::Error,
    },
    /// A line that is none.
    #[error("line {line}: {what}")]
    Line {
        /// The line.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A line that does not follow the one before it.
    #[error("line {line}: `{field}` is {found}, and {expected} is expected: {meaning}")]
    Broken {
        /// The line.
        line: u64,
        /// The field that differs.
        field: &'static str,
        /// What stands there.
        found: String,
        /// What should.
        expected: String,
        /// What that points to.
        meaning: &'static str,
    },
    /// A chain that is whole but not the one that is known.
    #[error("the log has {found} lines, and {known} are known: {}", if found < known { "lines were cut off at the end" } else { "lines were added" })]
    Length {
        /// How many lines there are.
        found: u64,
        /// How many are known.
        known: u64,
    },
    /// A chain of the right length with another end.
    #[error("the last line's hash is {found}, and {known} is known: the log was written anew")]
    Head {
        /// The hash that is there.
        found: Digest,
        /// The one that is known.
        known: Digest,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    action: String,
    actor: String,
    hash: Digest,
    prev: Digest,
    seq: u64,
    subjects: Vec<Digest>,
    time: u64,
}

impl AuditLog {
    /// Begins a log.
    #[must_use]
    pub fn new() -> Self {
        Self { head: Head::EMPTY }
    }

    /// Goes on with a log that was written before.
    ///
    /// # Errors
    /// The log is not whole.
    pub fn resume(from: impl Read) -> Result<Self, LogError> {
        Ok(Self { head: verify(from)? })
    }

    /// Goes on with a log whose chain was followed before, and ends here.
    #[must_use]
    pub fn at(head: Head) -> Self {
        Self { head }
    }

    /// Where the log ends now.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// The next line, with its line break: the caller appends it to the file.
    #[must_use]
    pub fn append(&mut self, record: &Record) -> String {
        let (seq, prev) = (self.head.lines, self.head.hash);
        let hash = hash(record, seq, prev);
        self.head = Head { lines: seq + 1, hash };
        line(record, seq, prev, hash)
    }
}

impl Default for AuditLog {
    fn default() -> Self {
        Self::new()
    }
}

fn object(record: &Record, seq: u64, prev: Digest) -> serde_json::Value {
    json!({
        "action": record.action,
        "actor": record.actor,
        "prev": prev,
        "seq": seq,
        "subjects": record.subjects,
        "time": record.time,
    })
}

fn hash(record: &Record, seq: u64, prev: Digest) -> Digest {
    Digest::sha256(canonical(&object(record, seq, prev)).as_bytes())
}

fn line(record: &Record, seq: u64, prev: Digest, hash: Digest) -> String {
    let mut object = object(record, seq, prev);
    object["hash"] = json!(hash);
    let mut text = canonical(&object);
    text.push('\n');
    text
}

/// Follows the chain from its beginning to its end.
///
/// # Errors
/// The first line that is broken, and how.
pub fn verify(from: impl Read) -> Result<Head, LogError> {
    let (head, broken) = follow_all(from, |_, _| ());
    broken.map_or(Ok(head), Err)
}

/// Follows the chain as far as it holds: what each line says, where the log ends after it, and the line that is broken,
/// if one is.
pub fn read(from: impl Read) -> (Vec<(Record, Head)>, Option<LogError>) {
    let mut all = Vec::new();
    let (_, broken) = follow_all(from, |record, head| all.push((record, head)));
    (all, broken)
}

fn follow_all(from: impl Read, mut tell: impl FnMut(Record, Head)) -> (Head, Option<LogError>) {
    let mut from = io::BufReader::new(from);
    let mut head = Head::EMPTY;
    let mut bytes = Vec::new();
    loop {
        let number = head.lines + 1;
        bytes.clear();
        // No more than a line can be is taken in, whatever the file.
        let most = MOST_LINE as u64 + 1;
        let read = from.by_ref().take(most).read_until(b'\n', &mut bytes);
        let followed = match read {
            Ok(0) => return (head, None),
            Ok(_) => follow(head, &bytes),
            Err(error) => Err(LogError::Read { line: number, error }),
        };
        match followed {
            Ok((record, next)) => {
                head = next;
                tell(record, next);
            }
            Err(broken) => return (head, Some(broken)),
        }
    }
}

/// Follows the chain, and compares its end with one that is known.
///
/// # Errors
/// The first line that is broken, or that the end is another one.
pub fn verify_to(from: impl Read, known: Head) -> Result<(), LogError> {
    let found = verify(from)?;
    if found.lines != known.lines {
        return Err(LogError::Length { found: found.lines, known: known.lines });
    }
    if found.hash != known.hash {
        return Err(LogError::Head { found: found.hash, known: known.hash });
    }
    Ok(())
}

/// One more line.
fn follow(head: Head, bytes: &[u8]) -> Result<(Record, Head), LogError> {
    let number = head.lines + 1;
    let wrong = |what: String| LogError::Line { line: number, what };
    let Some(text) = bytes.strip_suffix(b"\n") else {
        return Err(wrong(if bytes.len() > MOST_LINE {
            format!("it is longer than {MOST_LINE} bytes")
        } else {
            "it is cut off: its line break is missing".to_owned()
        }));
    };
    let text = std::str::from_utf8(text).map_err(|_| wrong("it is not a text".to_owned()))?;
    let found: Line =
        serde_json::from_str(text).map_err(|error| wrong(format!("it is no log line: {error}")))?;
    let broken = |field, found: String, expected: String, meaning| LogError::Broken {
        line: number,
        field,
        found,
        expected,
        meaning,
    };
    if found.seq != head.lines {
        let meaning = "a line is missing, or was put in or moved";
        return Err(broken("seq", found.seq.to_string(), head.lines.to_string(), meaning));
    }
    if found.prev != head.hash {
        let meaning = "the line before was changed, or this one comes from another log";
        return Err(broken("prev", found.prev.to_string(), head.hash.to_string(), meaning));
    }
    let record =
        Record { time: found.time, actor: found.actor, action: found.action, subjects: found.subjects };
    let expected = hash(&record, found.seq, found.prev);
    if found.hash != expected {
        let meaning = "the line's content was changed";
        return Err(broken("hash", found.hash.to_string(), expected.to_string(), meaning));
    }
    if line(&record, found.seq, found.prev, found.hash).as_bytes() != bytes {
        return Err(wrong("its content is right, but it is not written in canonical form".to_owned()));
    }
    Ok((record, Head { lines: number, hash: expected }))
}
