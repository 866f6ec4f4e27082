//! What can go wrong with files and databases, said so that a person can act on it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// A failure of something durable: which file, what was being done, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file that is not there.
    #[error("{}: there is no such file; check the path", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The disk has no room left.
    #[error("{}: cannot {doing}: the disk is full; free some space (emptying the cache loses nothing that cannot be made again) and run again: finished work is kept", path.display())]
    Full {
        /// The file being written.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
    },
    /// The operating system refused.
    #[error("{}: cannot {doing}: {source}; {}", path.display(), remedy(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// A file larger than the reader will take into memory.
    #[error("{}: the file has {bytes} bytes, more than the {limit} read at once; use a smaller file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
        /// The most that is read.
        limit: u64,
    },
    /// A file that changed each time it was read.
    #[error("{}: the file keeps changing while it is read; wait until whatever writes it has finished", path.display())]
    Changing {
        /// The file.
        path: PathBuf,
    },
    /// Something that is not a plain file or folder stands where one is needed.
    #[error("{}: {what}; move it away or choose another path", path.display())]
    InTheWay {
        /// What stands there.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A database file that is no database, or a damaged one. It is left as it is.
    #[error("{}: this is not a Kiln database, or it is damaged ({why}); it was left untouched: move it away, and a new one is made", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        why: String,
    },
    /// A database written by a later Kiln.
    #[error("{}: written by a newer Kiln (schema {found}; this one knows up to {known}); update Kiln, or use another folder", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The latest this build knows.
        known: u32,
    },
    /// Another process held the database for longer than one waits.
    #[error("{}: another process has kept the database locked for too long; wait for it or stop it, and run again", path.display())]
    Locked {
        /// The database.
        path: PathBuf,
    },
    /// A write to a folder opened for reading.
    #[error("{}: opened for reading only; open the folder for writing, or check its permissions", path.display())]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// Any other failure of the database.
    #[error("{}: the database refused to {doing}: {source}; if it happens again, move the file away and a new one is made", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// A number or a request the store cannot hold.
    #[error("{what}; {remedy}")]
    Refused {
        /// What was asked.
        what: String,
        /// What to do instead.
        remedy: &'static str,
    },
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "check the permissions of the file and its folder",
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only: choose another folder",
        io::ErrorKind::IsADirectory => "a folder is in the way: move it or choose another name",
        io::ErrorKind::NotADirectory => "a part of the path is a file: choose another path",
        io::ErrorKind::InvalidFilename => "choose a shorter or simpler name",
        io::ErrorKind::QuotaExceeded => "your quota is used up: free some space and run again",
        _ => "check the disk, then run again",
    }
}

impl StoreError {
    /// An error of the operating system, sorted by what a person can do about it.
    pub fn io(path: &Path, doing: &'static str, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::StorageFull => Self::Full { path, doing },
            _ => Self::Io { path, doing, source },
        }
    }

    /// An error of the database, sorted likewise.
    pub(crate) fn sql(path: &Path, doing: &'static str, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::NotADatabase { path, why: source.to_string() }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::DiskFull) => Self::Full { path, doing },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            _ => Self::Database { path, doing, source },
        }
    }

    /// Whether the file simply is not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }
}
