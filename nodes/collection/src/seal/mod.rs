//! A collection sealed: every file hashed, the whole of it bound together, and a check that finds what changed since.
//!
//! A sealed folder holds, in [`FOLDER`]:
//!
//! - `provenance.json` ([`Manifest`]): SHA-256 and blake3 of every file, the provenance hash over the pictures in token
//!   order, and the root of the Merkle tree that single tokens are proven by ([`Proof`]);
//! - `audit.jsonl` ([`AuditLog`](crate::provenance::AuditLog)): what the collection was made with, who decided what about
//!   which item, and each sealing, as lines that hang on each other. The last line of a seal has the hash of
//!   `provenance.json`, so one binds the other;
//! - `head.json` ([`Head`](crate::provenance::Head)): where the log ends, so that lines cut off are missed;
//! - copies of the graph and of other files that made it.
//!
//! [`seal`] makes the texts of the first three; sealing again appends to the log. [`audit`] goes through all of it and
//! names the first broken link. Nothing here opens a file: a caller lends a [`Files`] and writes what comes back, in the
//! order `provenance.json`, `audit.jsonl`, `head.json`, each whole or not at all. Whatever is interrupted in between is
//! told by [`audit`] as an unfinished seal, and sealing again finishes it.
//!
//! What a seal cannot tell: that somebody threw the whole log away and sealed anew. Publish the provenance hash and the
//! log's head; [`Known`] compares with them.

mod audit;
mod event;
mod files;
mod manifest;
mod pixels;
mod proof;
mod token;
mod work;

pub use audit::{Audit, Break, Known, MOST_BREAKS, audit};
pub use event::Event;
pub use files::{Entry, Files, Sort, hash_all, read_text};
pub use manifest::{FORMAT, FileRecord, ItemRecord, Manifest};
pub use pixels::pixels;
pub use proof::{Proof, ProofError};
pub use token::{Found, Glance, Tokens, TokensError, glance, is_picture, tokens};
pub use work::{Appended, DataLog, SealError, Sealed, Sealing, append, seal};

/// Where everything about provenance lies, below the output folder.
pub const FOLDER: &str = "provenance";
/// The hashes of all files.
pub const MANIFEST: &str = "provenance/provenance.json";
/// The audit log.
pub const LOG: &str = "provenance/audit.jsonl";
/// Where the audit log ends.
pub const HEAD: &str = "provenance/head.json";
/// The graph.
pub const GRAPH: &str = "provenance/graph.ron";
/// Kiln's own working files, which change while a run goes on and are never sealed.
pub const OWN: &str = ".kiln";

/// Files that bind the others, and so cannot be among them.
fn binds(path: &str) -> bool {
    [MANIFEST, LOG, HEAD].contains(&path)
}

/// Whether a path is one of these, or below it.
fn is_below(path: &str, folders: &[String]) -> bool {
    folders
        .iter()
        .any(|f| path.strip_prefix(f.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}
