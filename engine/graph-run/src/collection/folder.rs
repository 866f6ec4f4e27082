//! The folder of a collection, and who works on it.

use crate::fail::Fail;
use crate::make;
use kiln_core::doors::{Clock, OutFolder, SystemClock};
use kiln_report::disk::DiskFiles;
use kiln_report::sealing;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A collection's folder, to be looked at.
///
/// # Errors
/// There is no such folder.
pub fn look(dir: &Path) -> Result<DiskFiles, Fail> {
    if !dir.is_dir() {
        let what = format!("there is no folder {}", dir.display());
        return Err(Fail::wrong(what, Some("name the output folder of the collection")));
    }
    Ok(DiskFiles::new(dir))
}

/// A collection's folder, to be written to.
///
/// # Errors
/// There is no such folder, or it cannot be opened.
pub fn open(dir: &Path) -> Result<Arc<OutFolder>, Fail> {
    look(dir)?;
    Ok(make::open_out(dir, SystemClock.now())?.folder)
}

/// Who works: as named, or as the system knows them.
pub fn who(named: Option<&str>) -> String {
    let known = || ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let name = named.map(str::to_owned).filter(|n| !n.trim().is_empty()).or_else(known);
    name.filter(|n| !n.trim().is_empty()).unwrap_or_else(|| "somebody".to_owned())
}

/// The folder that a token's document belongs to.
///
/// # Errors
/// The document is not there, or lies in no folder.
pub fn of_token(token: &Path, named: Option<&PathBuf>) -> Result<PathBuf, Fail> {
    if let Some(named) = named {
        look(named)?;
        return Ok(named.clone());
    }
    let whole = std::fs::canonicalize(token)
        .map_err(|e| Fail::wrong(format!("{} cannot be read: {e}", token.display()), None))?;
    let folder = whole.parent().and_then(Path::parent).map(Path::to_owned);
    folder.ok_or_else(|| {
        Fail::wrong(format!("{} lies in no output folder", token.display()), Some("name it with --out"))
    })
}

/// An error of sealing, and what to do.
pub fn told(error: sealing::SealingError) -> Fail {
    use kiln_collection::seal::SealError;
    let hint = match &error {
        sealing::SealingError::Seal(SealError::Log(_) | SealError::Head(_)) => Some(
            "graph-run audit tells more; bring the log back from a copy, or move provenance/ away and begin a new one",
        ),
        _ => None,
    };
    Fail::wrong(error, hint)
}

/// `1 file`, `3 files`.
pub fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// A file of a reasonable size.
///
/// # Errors
/// It cannot be read, or is too large.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, Fail> {
    let shown = path.display();
    let wrong = |what: String| Fail::wrong(format!("{shown} {what}"), None);
    let meta = std::fs::metadata(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Fail::wrong(format!("there is no file {shown}"), None),
        _ => wrong(format!("cannot be read: {e}")),
    })?;
    if meta.len() > most {
        let size = kiln_core::words::bytes(meta.len());
        return Err(wrong(format!("has {size}: at most {} are read", kiln_core::words::bytes(most))));
    }
    std::fs::read(path).map_err(|e| wrong(format!("cannot be read: {e}")))
}
