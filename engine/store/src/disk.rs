//! The door to files.
//!
//! What has to survive a crash is written through a [`Disk`]: the real one, or one that fails on purpose
//! ([`crate::faults`]). Both share one recipe for writing a whole file or none, [`write_atomic_with`], made
//! of small steps, so that a test that cuts the power sees a step that the recipe forgot.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::StoreError;
use crate::millis::Millis;

/// How the names of unfinished files begin.
const TEMP_PREFIX: &str = ".kiln-tmp-";
const STALE_MS: u64 = 3_600_000;

/// Whether a write must outlive a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Whole or absent while the machine stays up; after a power cut, anything. For what can be made again.
    Fast,
    /// On the disk, content and name, once the call returns. For outputs.
    Durable,
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A plain file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, a pipe, a device.
    Other,
}

/// What is known of a file without reading it. Links are not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: Kind,
    /// Its length in bytes.
    pub len: u64,
    /// When its content last changed, in nanoseconds since 1970.
    pub mtime_ns: i128,
    /// The file's number on its disk; 0 where the system has none.
    pub inode: u64,
}

impl Metadata {
    /// The same as the standard library's answer.
    pub(crate) fn of(meta: &fs::Metadata) -> Self {
        let kind = if meta.is_file() {
            Kind::File
        } else if meta.is_dir() {
            Kind::Folder
        } else {
            Kind::Other
        };
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(meta);
        #[cfg(not(unix))]
        let inode = 0;
        Self { kind, len: meta.len(), mtime_ns: meta.modified().map_or(0, nanos), inode }
    }

    /// When its content last changed.
    #[must_use]
    pub fn mtime(&self) -> Millis {
        Millis(u64::try_from(self.mtime_ns / 1_000_000).unwrap_or(0))
    }
}

fn nanos(time: SystemTime) -> i128 {
    let wide = |d: Duration| i128::try_from(d.as_nanos()).unwrap_or(i128::MAX);
    time.duration_since(UNIX_EPOCH).map_or_else(|before| -wide(before.duration()), wide)
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The whole path.
    pub path: PathBuf,
    /// The name; a name that is not Unicode is listed with replacement characters, and is none of ours.
    pub name: String,
    /// What it is.
    pub meta: Metadata,
}

/// Writes a file's content, piece by piece.
pub type Fill<'a> = dyn FnMut(&mut dyn Write) -> io::Result<()> + 'a;

/// Files, as this crate needs them.
pub trait Disk: Send + Sync {
    /// The whole content of a file of at most `max_bytes`.
    fn read(&self, path: &Path, max_bytes: u64) -> Result<Vec<u8>, StoreError>;

    /// Writes a whole file or nothing: a reader sees the old content or the new, never a part.
    fn write_atomic(&self, path: &Path, bytes: &[u8], durability: Durability) -> Result<(), StoreError> {
        self.write_atomic_by(path.parent().unwrap_or(Path::new(".")), path, bytes, durability)
    }
    /// As [`Disk::write_atomic`], with the unfinished file in `scratch`, a folder of the same file system: what a
    /// kill leaves behind then lies where nobody looks.
    fn write_atomic_by(
        &self,
        scratch: &Path,
        path: &Path,
        bytes: &[u8],
        durability: Durability,
    ) -> Result<(), StoreError> {
        self.write_streamed(scratch, path, &mut |sink| sink.write_all(bytes), durability)
    }

    /// As [`Disk::write_atomic_by`], for content too large to hold at once: `fill` writes it, and is called once. What
    /// it writes before it fails leaves no trace.
    fn write_streamed(
        &self,
        scratch: &Path,
        path: &Path,
        fill: &mut Fill<'_>,
        durability: Durability,
    ) -> Result<(), StoreError>;

    /// Removes a file; false if there was none.
    fn remove(&self, path: &Path) -> Result<bool, StoreError>;

    /// What stands at the path, not following a link; `None` if nothing does.
    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, StoreError>;

    /// Whether anything stands at the path.
    fn exists(&self, path: &Path) -> bool {
        matches!(self.metadata(path), Ok(Some(_)))
    }

    /// The names in a folder, sorted; empty if there is no such folder.
    fn list(&self, folder: &Path) -> Result<Vec<Listed>, StoreError>;

    /// Makes a folder and those above it. `Durable` writes the new names to the disk as well.
    fn create_dirs(&self, path: &Path, durability: Durability) -> Result<(), StoreError>;

    /// Sets when a file was last of use. It fails quietly: a stamp is a hint.
    fn touch(&self, path: &Path, at: Millis);

    /// The time in which this disk stamps its files; only ever compared with such stamps.
    fn stamp_now(&self) -> Millis;
}

/// The small steps of which [`write_atomic_with`] is made.
pub trait Steps {
    /// Makes a new file with this content; fails if the name is taken, before anything is written.
    fn create(&self, path: &Path, fill: &mut Fill<'_>) -> io::Result<()>;
    /// Writes the file's content through to the disk.
    fn sync_file(&self, path: &Path) -> io::Result<()>;
    /// Gives the file its final name, replacing what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Writes the folder's names through to the disk.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Removes a file left by a failed step.
    fn discard(&self, path: &Path);
}

/// Writes a file whole or not at all: a temporary file in `scratch`, then a rename; `Durable` syncs the file
/// before the rename (else the new name could point at nothing after a power cut) and the folder after it
/// (else the name itself could be lost). Whatever fails, no half file and no temporary file stays behind.
pub fn write_atomic_with(
    steps: &dyn Steps,
    scratch: &Path,
    path: &Path,
    fill: &mut Fill<'_>,
    durability: Durability,
) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let scratch = if scratch.as_os_str().is_empty() { Path::new(".") } else { scratch };
    let mut begun = false;
    let temp = loop {
        let temp = scratch.join(temp_name());
        let mut once = |sink: &mut dyn Write| {
            begun = true;
            fill(sink)
        };
        match steps.create(&temp, &mut once) {
            Ok(()) => break temp,
            // Another name is tried only while nothing was written: an error of `fill` may look the same.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && !begun => {}
            Err(e) => {
                steps.discard(&temp);
                // The folder is what is missing here, not the file that is about to be made.
                let at = if e.kind() == io::ErrorKind::NotFound { scratch } else { path };
                return Err(StoreError::io(at, "write the file", e));
            }
        }
    };
    let finish = || -> io::Result<()> {
        if durability == Durability::Durable {
            steps.sync_file(&temp)?;
        }
        steps.rename(&temp, path)
    };
    if let Err(e) = finish() {
        steps.discard(&temp);
        return Err(StoreError::io(path, "write the file", e));
    }
    if durability == Durability::Durable {
        steps.sync_folder(folder).map_err(|e| StoreError::io(folder, "sync the folder", e))?;
    }
    Ok(())
}

/// Removes files in a folder (not below it) that a process was writing when it was killed: those left
/// unfinished for an hour, as no write takes that long. Says how many there were.
pub fn remove_stale(disk: &dyn Disk, folder: &Path, now: Millis) -> Result<u64, StoreError> {
    let mut removed = 0;
    for file in disk.list(folder)? {
        let unfinished = file.meta.kind == Kind::File && file.name.starts_with(TEMP_PREFIX);
        if unfinished && now.since(file.meta.mtime()) > STALE_MS && disk.remove(&file.path)? {
            removed += 1;
        }
    }
    Ok(removed)
}

/// A name no other process and no other thread makes. The file's own name is left out: with it, a name of
/// the greatest length would become too long.
fn temp_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    // Process ids repeat between machines that share a folder, hence some chance as well.
    let chance = RandomState::new().hash_one(n);
    format!("{TEMP_PREFIX}{}-{n}-{chance:016x}", std::process::id())
}

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Steps for RealDisk {
    fn create(&self, path: &Path, fill: &mut Fill<'_>) -> io::Result<()> {
        let mut sink = BufWriter::new(File::options().write(true).create_new(true).open(path)?);
        fill(&mut sink)?;
        sink.flush()
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        File::options().write(true).open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    #[cfg(unix)]
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    /// Elsewhere a folder cannot be opened as a file; the system writes names through by itself.
    #[cfg(not(unix))]
    fn sync_folder(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn discard(&self, path: &Path) {
        // Best effort: what cannot be removed now is collected later by its name.
        let _ = fs::remove_file(path);
    }
}

impl Disk for RealDisk {
    fn read(&self, path: &Path, max_bytes: u64) -> Result<Vec<u8>, StoreError> {
        let fail = |e| StoreError::io(path, "read the file", e);
        let file = File::open(path).map_err(fail)?;
        let len = file.metadata().map_err(fail)?.len();
        let too_large = |bytes| StoreError::TooLarge { path: path.to_owned(), bytes, limit: max_bytes };
        if len > max_bytes {
            return Err(too_large(len));
        }
        let mut bytes = Vec::new();
        let room = usize::try_from(len).map_err(|_| too_large(len))?;
        bytes.try_reserve_exact(room).map_err(|_| too_large(len))?;
        // One byte beyond the limit tells of a file that grew, or that has no length (a pipe).
        file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
        if bytes.len() as u64 > max_bytes {
            return Err(too_large(bytes.len() as u64));
        }
        Ok(bytes)
    }

    fn write_streamed(
        &self,
        scratch: &Path,
        path: &Path,
        fill: &mut Fill<'_>,
        durability: Durability,
    ) -> Result<(), StoreError> {
        write_atomic_with(self, scratch, path, fill, durability)
    }

    fn remove(&self, path: &Path) -> Result<bool, StoreError> {
        match fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(StoreError::io(path, "remove the file", e)),
        }
    }

    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, StoreError> {
        match fs::symlink_metadata(path) {
            Ok(meta) => Ok(Some(Metadata::of(&meta))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StoreError::io(path, "look at the file", e)),
        }
    }

    fn list(&self, folder: &Path) -> Result<Vec<Listed>, StoreError> {
        let fail = |e| StoreError::io(folder, "list the folder", e);
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(fail(e)),
        };
        let mut out = Vec::new();
        for entry in entries {
            let entry = entry.map_err(fail)?;
            // Another process may remove a file between the listing and the look.
            let Ok(meta) = entry.metadata() else { continue };
            let name = entry.file_name().to_string_lossy().into_owned();
            out.push(Listed { path: entry.path(), name, meta: Metadata::of(&meta) });
        }
        out.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(out)
    }

    fn create_dirs(&self, path: &Path, durability: Durability) -> Result<(), StoreError> {
        let fail = |e| StoreError::io(path, "make the folder", e);
        let fresh: Vec<&Path> = match durability {
            Durability::Fast => Vec::new(),
            Durability::Durable => path.ancestors().take_while(|p| !p.exists()).collect(),
        };
        fs::create_dir_all(path).map_err(fail)?;
        for new in fresh {
            let above = new.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            self.sync_folder(above).map_err(fail)?;
        }
        Ok(())
    }

    fn touch(&self, path: &Path, at: Millis) {
        // A failure costs the file its place in the order of recency, nothing else.
        let Some(time) = UNIX_EPOCH.checked_add(Duration::from_millis(at.0)) else { return };
        let _ = File::options().append(true).open(path).and_then(|file| file.set_modified(time));
    }

    fn stamp_now(&self) -> Millis {
        Millis(u64::try_from(nanos(SystemTime::now()) / 1_000_000).unwrap_or(0))
    }
}
