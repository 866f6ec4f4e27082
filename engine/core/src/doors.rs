//! The one door to files, the network and the clock.
//!
//! A node never reaches out by itself: it asks its [`crate::Cx`], which asks these. So a run can be
//! refused a network, kept inside its folders, replayed, and tested without any of them.

pub use crate::exchange::{Answer, Content, Exchange};
use crate::held::Held;
use crate::node::NodeError;
use kiln_store::{Folder, Millis};
use kiln_types::{FileRef, Key};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Tells the time; the engine itself never reads a clock.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970.
    fn now(&self) -> Millis;

    /// Lets a while pass: a person has not answered yet.
    fn pause(&self, time: std::time::Duration) {
        std::thread::sleep(time);
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A request to the network.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Where to.
    pub url: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// An answer from the network.
#[derive(Clone, Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Body, at most a few MiB.
    pub body: Vec<u8>,
}

/// The network, when a run is allowed one.
pub trait Net: Send + Sync {
    /// Sends and waits for the answer.
    ///
    /// # Errors
    /// When the address is not allowed, or no answer came.
    fn send(&self, request: &Request) -> Result<Response, NodeError>;

    /// The same for what is large, slow or secret. A network that knows nothing of that sends it as it can: all at
    /// once, and without a token.
    ///
    /// # Errors
    /// As [`Net::send`], or when there is no such token.
    fn exchange(&self, exchange: Exchange<'_>) -> Result<Answer, NodeError> {
        if exchange.token.is_some() {
            return Err(NodeError::new("this network has no tokens"));
        }
        let mut body = Vec::new();
        match exchange.content {
            Content::None => {}
            Content::Bytes(bytes) => body.extend_from_slice(bytes),
            Content::Stream(stream) => {
                stream.read_to_end(&mut body)?;
            }
        }
        let headers = exchange.headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let (method, url) = (exchange.method.to_owned(), exchange.url.to_owned());
        let answer = self.send(&Request { method, url, headers, body })?;
        if answer.body.len() as u64 > exchange.most {
            return Err(NodeError::new(format!("the answer is longer than {} bytes", exchange.most)));
        }
        Ok(Answer::new(answer.status, Vec::new(), Box::new(io::Cursor::new(answer.body)), None))
    }
}

/// A network that is refused: the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNet;

impl Net for NoNet {
    fn send(&self, request: &Request) -> Result<Response, NodeError> {
        let host = request.url.split('/').nth(2).unwrap_or(&request.url);
        Err(NodeError::new(format!("the network is off, so {} was not asked", request.url))
            .hint(format!("allow it with --allow-net {host}")))
    }

    fn exchange(&self, exchange: Exchange<'_>) -> Result<Answer, NodeError> {
        let (method, url) = (exchange.method.to_owned(), exchange.url.to_owned());
        self.send(&Request { method, url, headers: Vec::new(), body: Vec::new() })?;
        Err(NodeError::new("the network is off"))
    }
}

/// Which files a graph may read, and how relative paths are meant.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// The folder of the graph: relative paths start here.
    pub base: PathBuf,
    /// Folders that may be read, `base` among them.
    pub roots: Vec<PathBuf>,
    /// Trees of model folders, searched for models by name.
    pub models: Vec<PathBuf>,
    /// No file of more bytes is read.
    pub max_file: u64,
}

impl Sandbox {
    /// A graph in `base` that may read what is in or below it.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        let base = base.into();
        Self { roots: vec![base.clone()], base, models: Vec::new(), max_file: 16 << 30 }
    }

    /// Allows another folder or file.
    #[must_use]
    pub fn allow(mut self, root: impl Into<PathBuf>) -> Self {
        self.roots.push(root.into());
        self
    }

    /// Adds a tree of model folders, readable whatever its links point to: who names a tree trusts it.
    #[must_use]
    pub fn with_models(mut self, root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        self.roots.push(root.clone());
        self.models.push(root);
        self
    }

    /// The model of a kind that a graph names; a path, relative to the graph, will do as well.
    ///
    /// # Errors
    /// When there is none of that name, or the path may not be read.
    pub fn model(&self, kind: &str, name: &str) -> Result<PathBuf, NodeError> {
        if let Some(found) = crate::models::find(&self.models, kind, name) {
            return Ok(std::fs::canonicalize(&found).unwrap_or(found));
        }
        if self.base.join(name).exists() {
            return self.resolve(name);
        }
        Err(crate::models::missing(&self.models, kind, name))
    }

    /// Where a path of the graph points, links followed, if it may be read.
    ///
    /// # Errors
    /// When there is no such file, or it lies outside the allowed folders.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, NodeError> {
        if path.is_empty() || path.contains('\0') {
            return Err(NodeError::new("the path is empty").hint("name a file, relative to the graph"));
        }
        let asked = self.base.join(path);
        let inside =
            |p: &Path| self.roots.iter().any(|r| std::fs::canonicalize(r).is_ok_and(|r| p.starts_with(r)));
        match std::fs::canonicalize(&asked) {
            Ok(real) if inside(&real) => Ok(real),
            Ok(_) => {
                Err(NodeError::new(format!("{path:?} lies outside the graph's folder and the model folders"))
                    .hint(format!("if you trust this graph, allow it with --allow-read {}", asked.display())))
            }
            Err(e) => {
                let hint = match e.kind() {
                    std::io::ErrorKind::NotFound => near_name(&asked),
                    _ => None,
                };
                let err = NodeError::new(format!("{path:?} cannot be read: {e}"));
                Err(match hint {
                    Some(name) => err.hint(format!("did you mean {name:?}?")),
                    None => err.hint("paths are relative to the graph's file"),
                })
            }
        }
    }

    /// The files that `folder/*.png` names, sorted by name. `*` and `?` work in the last part only.
    ///
    /// # Errors
    /// When the folder cannot be read or lies outside the allowed folders.
    pub fn glob(&self, pattern: &str) -> Result<Vec<PathBuf>, NodeError> {
        let (folder, name) = match pattern.rsplit_once('/') {
            Some((folder, name)) => (if folder.is_empty() { "/" } else { folder }, name),
            None => (".", pattern),
        };
        let name = if name.is_empty() { "*" } else { name };
        let dir = self.resolve(folder)?;
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&dir)? {
            let entry = entry?;
            let file = entry.file_name();
            let Some(file) = file.to_str() else { continue };
            if !file.starts_with('.') && wildcard(name, file) && entry.path().is_file() {
                found.push(self.resolve(&format!("{folder}/{file}"))?);
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Whether `name` fits a pattern with `*` and `?`.
fn wildcard(pattern: &str, name: &str) -> bool {
    let (p, n): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut pi, mut ni, mut star) = (0, 0, None);
    while ni < n.len() {
        match p.get(pi) {
            Some('*') => {
                star = Some((pi, ni));
                pi += 1;
            }
            Some(c) if *c == '?' || *c == n[ni] => {
                pi += 1;
                ni += 1;
            }
            _ => match star {
                Some((sp, sn)) => {
                    star = Some((sp, sn + 1));
                    pi = sp + 1;
                    ni = sn + 1;
                }
                None => return false,
            },
        }
    }
    p[pi..].iter().all(|c| *c == '*')
}

fn near_name(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let names = std::fs::read_dir(path.parent()?)
        .ok()?
        .take(10_000)
        .filter_map(|e| e.ok()?.file_name().into_string().ok());
    crate::words::nearest(wanted, names)
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Relative to the output folder, with `/`.
    pub path: String,
    /// Hash of its bytes.
    pub hash: Key,
    /// Its length.
    pub bytes: u64,
}

/// Writes a file's content, piece by piece.
pub type Fill<'a> = dyn FnMut(&mut dyn Write) -> Result<(), NodeError> + 'a;

/// Passes bytes on, and knows their hash and how many they were.
struct Hashed<'a> {
    sink: &'a mut dyn Write,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.sink.write(bytes)?;
        self.hasher.update(&bytes[..taken]);
        self.bytes += taken as u64;
        Ok(taken)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// Compares what is written with a file, and stops at the first difference.
struct Compared {
    file: BufReader<File>,
    differs: bool,
}

impl Write for Compared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut there = [0; 4096];
        let part = bytes.len().min(there.len());
        self.differs = self.file.read_exact(&mut there[..part]).is_err() || there[..part] != bytes[..part];
        if self.differs { Err(io::Error::other("another content")) } else { Ok(part) }
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a file has exactly the content that `fill` writes. A file that cannot be opened counts as the same: writing
/// it says better what is wrong.
///
/// # Errors
/// What `fill` says, when it fails by itself.
pub(crate) fn has_content(place: &Path, fill: &mut Fill<'_>) -> Result<bool, NodeError> {
    let Ok(file) = File::open(place) else { return Ok(true) };
    let mut compared = Compared { file: BufReader::new(file), differs: false };
    match fill(&mut compared) {
        Ok(()) => Ok(matches!(compared.file.read(&mut [0]), Ok(0))),
        Err(_) if compared.differs => Ok(false),
        Err(e) => Err(e),
    }
}

/// The output folder.
pub struct OutFolder {
    root: PathBuf,
    folder: Folder,
    disk: Arc<dyn kiln_store::Disk>,
    seen: Mutex<BTreeMap<PathBuf, ()>>,
    held: OnceLock<Held>,
}

impl OutFolder {
    /// Writes go below the folder's root, through `disk`.
    pub fn new(root: impl Into<PathBuf>, folder: Folder, disk: Arc<dyn kiln_store::Disk>) -> Self {
        Self { root: root.into(), folder, disk, seen: Mutex::default(), held: OnceLock::new() }
    }

    /// The folder's database: journal, queue and run records.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The folder on disk.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What the folder is written through.
    #[must_use]
    pub fn disk(&self) -> &Arc<dyn kiln_store::Disk> {
        &self.disk
    }

    /// Where a relative path lies, if that is inside.
    ///
    /// # Errors
    /// When it is absolute, climbs out, or is one of Kiln's own files.
    pub fn place(&self, relative: &str) -> Result<PathBuf, NodeError> {
        let path = Path::new(relative);
        let odd = |c: Component<'_>| !matches!(c, Component::Normal(_));
        if relative.is_empty() || relative.contains(['\0', '\\']) || path.components().any(odd) {
            return Err(NodeError::new(format!("{relative:?} is not a name inside the output folder"))
                .hint("a graph writes below --out only: use a relative name without \"..\""));
        }
        if path.components().next().is_some_and(|c| c.as_os_str() == ".kiln") {
            return Err(NodeError::new(format!("{relative:?} is one of Kiln's own files"))
                .hint("choose another name"));
        }
        Ok(self.root.join(path))
    }

    /// What people decided about the folder's files, as it was when it was first asked for. Nodes keep to it; programs
    /// that write for those people ([`OutFolder::write`]) need not.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn held(&self) -> Result<&Held, NodeError> {
        if let Some(held) = self.held.get() {
            return Ok(held);
        }
        let read = Held::read(self)?;
        Ok(self.held.get_or_init(|| read))
    }

    /// Reads one of Kiln's own files, if it is there.
    ///
    /// # Errors
    /// It cannot be read, or is longer than it may be.
    pub fn read_own(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, NodeError> {
        let place = self.root.join(".kiln").join(name);
        let size = match std::fs::metadata(&place) {
            Ok(meta) => meta.len(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        if size > most {
            return Err(NodeError::new(format!(".kiln/{name} has {size} bytes, which are too many for it")));
        }
        Ok(Some(std::fs::read(&place)?))
    }

    /// Writes one of Kiln's own files, whole or not at all, and durably.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write_own(&self, name: &str, bytes: &[u8]) -> Result<(), NodeError> {
        let own = self.root.join(".kiln");
        let (place, scratch) = (own.join(name), own.join("unfinished"));
        for folder in place.parent().into_iter().chain([scratch.as_path()]) {
            self.enter(folder, name)?;
        }
        let mut fill = |sink: &mut dyn Write| sink.write_all(bytes);
        Ok(self.disk.write_streamed(&scratch, &place, &mut fill, kiln_store::Durability::Durable)?)
    }

    /// Writes a file whole or not at all, and durably: synced before its name appears.
    ///
    /// # Errors
    /// When the place is not inside the folder, or the disk refuses.
    pub fn write(&self, relative: &str, bytes: &[u8]) -> Result<Written, NodeError> {
        self.write_by(relative, &mut |sink| Ok(sink.write_all(bytes)?))
    }

    /// The same for content too large to hold at once: `fill` writes it, piece by piece.
    ///
    /// # Errors
    /// As [`OutFolder::write`], or what `fill` says; then nothing was written.
    pub fn write_by(&self, relative: &str, fill: &mut Fill<'_>) -> Result<Written, NodeError> {
        let place = self.place(relative)?;
        if let Some(parent) = place.parent() {
            self.enter(parent, relative)?;
        }
        // What a kill leaves unfinished lies among Kiln's own files, not among the pictures.
        let scratch = self.root.join(".kiln").join("unfinished");
        self.enter(&scratch, relative)?;
        let mut told = (Key([0; 32]), 0);
        let mut failed = None;
        let mut pass = |sink: &mut dyn Write| {
            let mut seen = Hashed { sink, hasher: blake3::Hasher::new(), bytes: 0 };
            let filled = fill(&mut seen);
            told = (Key(*seen.hasher.finalize().as_bytes()), seen.bytes);
            filled.map_err(|e| {
                failed = Some(e);
                io::Error::other("the content could not be made")
            })
        };
        let written = self.disk.write_streamed(&scratch, &place, &mut pass, kiln_store::Durability::Durable);
        if let Some(failed) = failed {
            return Err(failed);
        }
        written?;
        let (hash, bytes) = told;
        Ok(Written { path: relative.to_owned(), hash, bytes })
    }

    /// Makes the parent folder, and checks once that no link leads it outside.
    fn enter(&self, parent: &Path, relative: &str) -> Result<(), NodeError> {
        if self.seen.lock().contains_key(parent) {
            return Ok(());
        }
        // Looked at before anything is made: a link must not have folders made where it leads.
        let root = std::fs::canonicalize(&self.root)?;
        let standing = parent.ancestors().find(|p| p.symlink_metadata().is_ok()).unwrap_or(&self.root);
        if !std::fs::canonicalize(standing)?.starts_with(&root) {
            return Err(NodeError::new(format!(
                "{relative:?} leads outside the output folder through a link"
            )));
        }
        self.disk.create_dirs(parent, kiln_store::Durability::Durable)?;
        let (real, root) = (std::fs::canonicalize(parent)?, std::fs::canonicalize(&self.root)?);
        if !real.starts_with(&root) {
            return Err(NodeError::new(format!(
                "{relative:?} leads outside the output folder through a link"
            )));
        }
        if parent.starts_with(self.root.join(".kiln")) {
            let _ = kiln_store::disk::remove_stale(&*self.disk, parent, self.disk.stamp_now());
        }
        self.seen.lock().insert(parent.to_owned(), ());
        Ok(())
    }

    /// Whether a written file is still there, with its length; or as people decided about it, with any.
    #[must_use]
    pub fn stands(&self, relative: &str, bytes: u64) -> bool {
        if let Ok(held) = self.held() {
            if held.gone.contains(relative) {
                return true;
            }
            if held.kept.contains(relative) {
                return self.place(relative).is_ok_and(|p| p.is_file());
            }
        }
        self.place(relative)
            .is_ok_and(|p| std::fs::metadata(p).is_ok_and(|m| m.is_file() && m.len() == bytes))
    }
}

/// Reads a file's bytes through the sandbox that named it.
pub(crate) fn read_file(file: &FileRef, max: u64) -> Result<Vec<u8>, NodeError> {
    let bad =
        |e: &dyn std::fmt::Display| NodeError::new(format!("{} cannot be read: {e}", file.path.display()));
    let len = std::fs::metadata(&file.path).map_err(|e| bad(&e))?.len();
    if len > max {
        return Err(bad(&format!("it has {len} bytes, more than the {max} allowed")));
    }
    let bytes = std::fs::read(&file.path).map_err(|e| bad(&e))?;
    if Key(*blake3::hash(&bytes).as_bytes()) != file.hash {
        return Err(bad(&"it changed while the graph ran").hint("run again"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_fit_as_in_a_shell() {
        for (p, n, fits) in [
            ("*.png", "a.png", true),
            ("*.png", "a.jpg", false),
            ("a*b?c", "axxbyc", true),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(wildcard(p, n), fits, "{p} {n}");
        }
    }

    #[test]
    fn a_graph_reads_only_where_it_may() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("in");
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        std::fs::write(inside.join("open.png"), "x").unwrap();
        let sandbox = Sandbox::new(&inside);
        assert!(sandbox.resolve("open.png").is_ok());
        assert!(sandbox.resolve("../secret").unwrap_err().what.contains("outside"));
        assert_eq!(
            sandbox.resolve("opne.png").unwrap_err().hint.as_deref(),
            Some("did you mean \"open.png\"?")
        );
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path().join("secret"), inside.join("link")).unwrap();
            assert!(sandbox.resolve("link").is_err());
        }
        assert!(sandbox.clone().allow(dir.path()).resolve("../secret").is_ok());
    }
}
