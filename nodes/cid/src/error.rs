//! What can be wrong with names, blocks and files.

use crate::cid::Cid;

/// Why something could not be named, read or written; a person reads it.
#[derive(Debug, thiserror::Error)]
pub enum CidError {
    /// A text or bytes that are no CID.
    #[error("{text:?} is no CID: {what}")]
    NotACid {
        /// What was given, in short.
        text: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A block that is not there.
    #[error("block {cid} is missing")]
    Missing {
        /// Which.
        cid: Cid,
    },
    /// A block whose bytes do not have its hash.
    #[error("block {cid} holds other bytes than its name says")]
    Wrong {
        /// Which.
        cid: Cid,
    },
    /// A block that has its hash but cannot be what it is read as.
    #[error("block {cid} cannot be used: {what}")]
    Bad {
        /// Which.
        cid: Cid,
        /// What is wrong with it.
        what: String,
    },
    /// A CAR file that cannot be read.
    #[error("the CAR file is damaged at byte {at}: {what}")]
    Car {
        /// Where.
        at: u64,
        /// What is wrong there.
        what: String,
    },
    /// A name that no file in a folder may have.
    #[error("{name:?} cannot be a name in a folder: {what}")]
    Name {
        /// Which.
        name: String,
        /// Why not.
        what: &'static str,
    },
    /// A file or folder on disk that could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which, or what was being done.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A bound was reached.
    #[error("{what}")]
    TooMuch {
        /// Which.
        what: String,
    },
    /// Whoever gives or takes blocks wants no more.
    #[error("{0}")]
    Stopped(String),
}

impl CidError {
    /// A block that has its hash but cannot be what it is read as.
    pub(crate) fn bad(cid: &Cid, what: impl Into<String>) -> Self {
        Self::Bad { cid: *cid, what: what.into() }
    }
    /// What the system says of a path.
    pub fn io(path: impl std::fmt::Display, source: std::io::Error) -> Self {
        Self::Io { path: path.to_string(), source }
    }
}
