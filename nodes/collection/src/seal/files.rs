//! The files of a collection, as a seal sees them: paths below a folder, and bytes.

use crate::provenance::Hashes;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A file.
    File,
    /// A link, wherever it leads.
    Link,
    /// Neither file nor folder nor link, or a name that is no text.
    Odd,
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path below the folder, parts joined by `/`.
    pub path: String,
    /// What it is.
    pub sort: Sort,
}

/// A folder whose files can be listed and read.
pub trait Files: Sync {
    /// Everything below the folder but folders themselves, sorted by path. Links are listed, never followed.
    ///
    /// # Errors
    /// The folder cannot be read.
    fn list(&self) -> io::Result<Vec<Entry>>;

    /// Opens a file.
    ///
    /// # Errors
    /// It is not there, is a link or no file, or cannot be read.
    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>>;
}

/// Files in memory, by their paths.
impl Files for BTreeMap<String, Vec<u8>> {
    fn list(&self) -> io::Result<Vec<Entry>> {
        Ok(self.keys().map(|path| Entry { path: path.clone(), sort: Sort::File }).collect())
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        let bytes = self.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(bytes.as_slice()))
    }
}

/// A whole file, if it is no longer than `most` bytes.
///
/// # Errors
/// It cannot be read, or is longer.
pub fn read_text(files: &dyn Files, path: &str, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    files.open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is longer than {most} bytes")));
    }
    Ok(bytes)
}

/// The same, where a file that is not there is none.
pub(super) fn read_if_there(files: &dyn Files, path: &str, most: u64) -> io::Result<Option<Vec<u8>>> {
    match read_text(files, path, most) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// The hashes of many files, worked out by several threads, in the order of the paths.
#[must_use]
pub fn hash_all(files: &dyn Files, paths: &[&str]) -> Vec<io::Result<Hashes>> {
    let threads =
        std::thread::available_parallelism().map_or(1, usize::from).clamp(1, 8).min(paths.len().max(1));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut own = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = paths.get(at) else { return own };
            own.push((at, files.open(path).and_then(Hashes::read)));
        }
    };
    let mut all: Vec<(usize, io::Result<Hashes>)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        // A thread that stopped early leaves gaps, which are filled below.
        all.extend(others.into_iter().filter_map(|other| other.join().ok()).flatten());
        all
    });
    all.sort_by_key(|(at, _)| *at);
    let mut found = all.into_iter().peekable();
    (0..paths.len())
        .map(|at| match found.next_if(|(nth, _)| *nth == at) {
            Some((_, hashes)) => hashes,
            None => files.open(paths[at]).and_then(Hashes::read),
        })
        .collect()
}
