//! The document's file: opened, saved whole or not at all, and kept beside it while it is being edited, so that a
//! crash loses at most a few seconds.

use super::Document;
use kiln_core::document::Problems;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};

/// Under which name a Kiln picture carries its graph.
const GRAPH_KEY: &str = "kiln";

/// Why a file was not opened or saved.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read or written.
    #[error("{0}: {1}")]
    Io(PathBuf, #[source] std::io::Error),
    /// It is no graph.
    #[error("{0} is not a graph this version can read:\n{1}")]
    Text(PathBuf, #[source] Problems),
    /// It is a picture without a graph.
    #[error("{0} is a picture, but carries no graph: only pictures that Kiln saved do")]
    NoGraph(PathBuf),
}

/// Opens a `.ron`, or the graph that a picture carries.
///
/// # Errors
/// When it cannot be read or is no graph.
pub fn open(path: &Path) -> Result<Document, FileError> {
    let bytes = std::fs::read(path).map_err(|e| FileError::Io(path.to_owned(), e))?;
    let text = match text_of(&bytes) {
        Some(text) => text,
        None => return Err(FileError::NoGraph(path.to_owned())),
    };
    Document::parse(&text).map_err(|e| FileError::Text(path.to_owned(), e))
}

/// The document in a file's bytes: the text itself, or what a picture carries.
#[must_use]
pub fn text_of(bytes: &[u8]) -> Option<String> {
    let is_picture = bytes.starts_with(b"\x89PNG") || bytes.starts_with(&[0xff, 0xd8]);
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    if is_picture || is_webp {
        let found = kiln_codec::read_text(bytes, GRAPH_KEY).ok().flatten()?;
        // A Kiln picture carries the graph, or a record that holds it.
        return match serde_json::from_str::<serde_json::Value>(&found) {
            Ok(json) => json.get("graph").and_then(|g| g.as_str()).map(str::to_owned),
            Err(_) => Some(found),
        };
    }
    Some(String::from_utf8_lossy(bytes).into_owned())
}

/// Writes a file whole or not at all.
///
/// # Errors
/// When the disk says no; the file is then as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let fail = |e| FileError::Io(path.to_owned(), e);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(fail)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}.part", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        std::fs::rename(&beside, path)?;
        // The name is on disk when its folder is; where folders cannot be synced, the rename has to do.
        if let Ok(folder) = std::fs::File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    };
    write().map_err(|e| {
        let _ = std::fs::remove_file(&beside);
        fail(e)
    })
}

/// Where unsaved work is kept: one file for each window, with the place it belongs to in its first line. A thread of
/// its own writes, so that a slow disk holds up nobody.
#[derive(Debug)]
pub struct Keeper {
    file: PathBuf,
    kept: Option<u64>,
    writer: Sender<Task>,
    failed: Receiver<FileError>,
}

#[derive(Debug)]
enum Task {
    Write(String),
    Clear,
    Tell(Sender<()>),
}

/// Unsaved work that an earlier window left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is kept.
    pub kept: PathBuf,
    /// The file it belongs to, if it had one.
    pub path: Option<PathBuf>,
    /// The document's text.
    pub text: String,
}

const MARK: &str = "// Unsaved work of Kiln; belongs to: ";

impl Keeper {
    /// A keeper in a folder, for one window.
    #[must_use]
    pub fn new(folder: &Path, window: &str) -> Self {
        let file = folder.join(format!("{window}.ron"));
        let (writer, tasks) = channel();
        let (tell, failed) = channel();
        let own = file.clone();
        std::thread::spawn(move || work(&own, &tasks, &tell));
        Self { file, kept: None, writer, failed }
    }

    /// Has the document kept as it is now, if it changed since the last time. Says whether it did.
    ///
    /// # Errors
    /// When an earlier one could not be written.
    pub fn keep(&mut self, doc: &Document, path: Option<&Path>) -> Result<bool, FileError> {
        if let Ok(why) = self.failed.try_recv() {
            self.kept = None;
            return Err(why);
        }
        if self.kept == Some(doc.state()) {
            return Ok(false);
        }
        let of = path.map(|p| p.display().to_string()).unwrap_or_default();
        let text = format!("{MARK}{}\n{}", of.replace(['\n', '\r'], " "), doc.to_text());
        // The thread lives as long as this.
        let _ = self.writer.send(Task::Write(text));
        self.kept = Some(doc.state());
        Ok(true)
    }

    /// The document is saved: there is nothing to keep.
    pub fn clear(&mut self) {
        let _ = self.writer.send(Task::Clear);
        self.kept = None;
        self.flush();
    }

    /// Waits until everything is on disk.
    pub fn flush(&self) {
        let (tell, done) = channel();
        if self.writer.send(Task::Tell(tell)).is_ok() {
            let _ = done.recv();
        }
    }

    /// Where it keeps.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }
}

/// The writer's work. Of several documents that wait, only the latest is written.
fn work(file: &Path, tasks: &Receiver<Task>, tell: &Sender<FileError>) {
    let mut next = tasks.recv().ok();
    while let Some(task) = next.take() {
        match task {
            Task::Write(text) => {
                next = tasks.try_recv().ok();
                if !matches!(next, Some(Task::Write(_)))
                    && let Err(why) = write_whole(file, text.as_bytes())
                    && tell.send(why).is_err()
                {
                    return;
                }
            }
            // A file that is not there is what is wanted.
            Task::Clear => drop(std::fs::remove_file(file)),
            Task::Tell(done) => drop(done.send(())),
        }
        if next.is_none() {
            next = tasks.recv().ok();
        }
    }
}

/// Unsaved work in a folder, by windows whose process is gone.
#[must_use]
pub fn left_behind(folder: &Path, lives: &dyn Fn(&str) -> bool) -> Vec<Found> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<Found> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let kept = entry.path();
            let window = kept.file_name()?.to_str()?.strip_suffix(".ron")?.to_owned();
            if window.starts_with('.') || lives(&window) {
                return None;
            }
            let text = std::fs::read_to_string(&kept).ok()?;
            let (first, rest) = text.split_once('\n')?;
            let path = first.strip_prefix(MARK)?;
            let path = (!path.is_empty()).then(|| PathBuf::from(path));
            Some(Found { kept, path, text: rest.to_owned() })
        })
        .collect();
    found.sort_by(|a, b| a.kept.cmp(&b.kept));
    found
}
