//! A file of lines that survives a crash.
//!
//! Each line begins with a check over itself and everything before it, and is on the disk before `append` returns. The
//! last line may be torn by a crash: without its end it is dropped, for nobody was told that it is there. A wrong line
//! with its end is damage, and said so.
//!
//! Several processes may use one log: who holds it ([`Log::hold`]) sees what others added, and is alone with it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// So many hexadecimal digits of the check are written.
const DIGITS: usize = 16;

/// Why a log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk refused.
    #[error("{path}: could not {doing}: {source}")]
    Disk {
        /// Which file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What the disk said.
        source: std::io::Error,
    },
    /// A line is wrong.
    #[error(
        "{path}, line {line}: damaged; put the file back from a copy, or move it away if what it tells does not matter"
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// Somebody else holds it, for longer than was waited.
    #[error("{path}: another process is at work with it; wait for it or stop it")]
    Busy {
        /// Which file.
        path: PathBuf,
    },
    /// A line is whole, but cannot be understood.
    #[error("{path}, line {line}: {what}")]
    Strange {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
}

/// A log. It is read up to some line; [`Log::hold`] goes on from there.
#[derive(Debug)]
pub struct Log {
    file: File,
    path: PathBuf,
    /// Up to here lines are read and right.
    end: u64,
    check: blake3::Hash,
    lines: usize,
}

/// A log that nobody else can write to.
#[derive(Debug)]
pub struct Held<'a> {
    log: &'a mut Log,
}

impl Log {
    /// Opens a log; makes it if need be. Nothing is read yet.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, LogError> {
        let path = path.into();
        let fail = |doing| {
            let path = path.clone();
            move |source| LogError::Disk { path, doing, source }
        };
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).map_err(fail("make its folder"))?;
        }
        let new = !path.exists();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(fail("open it"))?;
        if new && let Some(dir) = path.parent() {
            // Its name has to outlive a power cut as well.
            let _ = File::open(dir).and_then(|dir| dir.sync_all());
        }
        Ok(Self { file, path, end: 0, check: blake3::hash(b"kiln log"), lines: 0 })
    }

    /// The lines of a log that may be at work elsewhere: nothing is locked, nothing is changed.
    ///
    /// # Errors
    /// When the disk refuses, or a line is damaged.
    pub fn peek(path: &Path) -> Result<Vec<String>, LogError> {
        let doing = |source| LogError::Disk { path: path.to_owned(), doing: "read it", source };
        let file = File::open(path).map_err(doing)?;
        let check = blake3::hash(b"kiln log");
        let mut log = Self { file, path: path.to_owned(), end: 0, check, lines: 0 };
        let mut bytes = Vec::new();
        log.file.read_to_end(&mut bytes).map_err(doing)?;
        log.take(&bytes)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many lines were read or written so far.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.lines
    }

    fn fail(&self, doing: &'static str, source: std::io::Error) -> LogError {
        LogError::Disk { path: self.path.clone(), doing, source }
    }

    /// Waits until it is ours alone, and reads what others added.
    ///
    /// # Errors
    /// When the disk refuses, or a line is damaged.
    pub fn hold(&mut self) -> Result<(Held<'_>, Vec<String>), LogError> {
        self.file.lock().map_err(|e| self.fail("lock it", e))?;
        self.held()
    }

    /// The same, but waits no longer than this.
    ///
    /// # Errors
    /// As [`Log::hold`], and [`LogError::Busy`].
    pub fn hold_within(&mut self, time: Duration) -> Result<(Held<'_>, Vec<String>), LogError> {
        let mut left = time;
        let nap = Duration::from_millis(20);
        loop {
            match self.file.try_lock() {
                Ok(()) => return self.held(),
                Err(std::fs::TryLockError::Error(e)) => return Err(self.fail("lock it", e)),
                Err(std::fs::TryLockError::WouldBlock) if left.is_zero() => {
                    return Err(LogError::Busy { path: self.path.clone() });
                }
                Err(std::fs::TryLockError::WouldBlock) => {
                    std::thread::sleep(nap.min(left));
                    left = left.saturating_sub(nap);
                }
            }
        }
    }

    fn held(&mut self) -> Result<(Held<'_>, Vec<String>), LogError> {
        match self.catch_up() {
            Ok(lines) => Ok((Held { log: self }, lines)),
            Err(e) => {
                let _ = self.file.unlock();
                Err(e)
            }
        }
    }

    fn next_check(&self, text: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.check.as_bytes());
        hasher.update(text);
        hasher.finalize()
    }

    fn catch_up(&mut self) -> Result<Vec<String>, LogError> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(self.end)).map_err(|e| self.fail("read it", e))?;
        self.file.read_to_end(&mut bytes).map_err(|e| self.fail("read it", e))?;
        let start = self.end;
        let found = self.take(&bytes)?;
        if self.end - start < bytes.len() as u64 {
            self.file.set_len(self.end).map_err(|e| self.fail("drop a torn line", e))?;
            self.file.sync_data().map_err(|e| self.fail("drop a torn line", e))?;
        }
        Ok(found)
    }

    /// The whole lines of these bytes.
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<String>, LogError> {
        let mut found = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some(end) = rest.iter().position(|b| *b == b'\n') else { break };
            // A line with its end was written whole: that it is wrong now is damage, and it may tell of something sent.
            let Some((text, check)) = self.line(&rest[..end]) else {
                return Err(LogError::Damaged { path: self.path.clone(), line: self.lines + 1 });
            };
            found.push(text);
            self.check = check;
            self.lines += 1;
            self.end += end as u64 + 1;
            rest = &rest[end + 1..];
        }
        Ok(found)
    }

    fn line(&self, line: &[u8]) -> Option<(String, blake3::Hash)> {
        let (check, text) = line.split_at_checked(DIGITS)?;
        let text = text.strip_prefix(b" ")?;
        let wanted = self.next_check(text);
        let right = wanted.to_hex();
        (right.as_bytes().get(..DIGITS) == Some(check)).then_some(())?;
        Some((String::from_utf8(text.to_vec()).ok()?, wanted))
    }
}

impl Held<'_> {
    /// Adds a line; it is on the disk when this returns. A line's end within it becomes a space.
    ///
    /// # Errors
    /// When the disk refuses; then the line is not there.
    pub fn append(&mut self, text: &str) -> Result<(), LogError> {
        let log = &mut *self.log;
        let text = text.replace(['\n', '\r'], " ");
        let check = log.next_check(text.as_bytes());
        let line = format!("{} {text}\n", &check.to_hex()[..DIGITS]);
        let written = log
            .file
            .seek(SeekFrom::Start(log.end))
            .and_then(|_| log.file.write_all(line.as_bytes()))
            .and_then(|()| log.file.sync_data());
        if let Err(e) = written {
            // What is half there must not stand before the next line.
            let _ = log.file.set_len(log.end);
            return Err(log.fail("add a line", e));
        }
        log.check = check;
        log.lines += 1;
        log.end += line.len() as u64;
        Ok(())
    }

    /// Forgets what was read: the next who holds it reads it from the start.
    pub fn rewind(&mut self) {
        (self.log.end, self.log.check, self.log.lines) = (0, blake3::hash(b"kiln log"), 0);
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.log.path
    }

    /// How many lines it has.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.log.lines
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let _ = self.log.file.unlock();
    }
}
