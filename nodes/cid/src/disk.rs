//! Files and folders on disk become blocks.

use crate::block::Sink;
use crate::error::CidError;
use crate::file::{FileBuilder, Made};
use crate::folder::{Entry, folder};
use crate::profile::Profile;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// No folder lies deeper.
const DEEPEST: usize = 64;

/// The file that a reader gives.
///
/// # Errors
/// When it cannot be read, or a block cannot be kept.
pub fn add_reader(profile: Profile, reader: &mut dyn Read, sink: &mut dyn Sink) -> Result<Made, CidError> {
    let mut file = FileBuilder::new(profile);
    let mut part = vec![0; 64 << 10];
    loop {
        match reader.read(&mut part) {
            Ok(0) => return file.finish(sink),
            Ok(n) => file.push(&part[..n], sink)?,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(CidError::io("reading", e)),
        }
    }
}

/// A file, or a folder and all that is in it; names that begin with a dot are left out, unless `hidden`.
///
/// # Errors
/// When something cannot be read, has a name that is not text, or is neither a file nor a folder (a link, a pipe).
pub fn add_path(profile: Profile, path: &Path, hidden: bool, sink: &mut dyn Sink) -> Result<Made, CidError> {
    let meta = std::fs::metadata(path).map_err(|e| CidError::io(path.display(), e))?;
    if meta.is_dir() { add_folder(profile, path, hidden, sink, 0) } else { add_file(profile, path, sink) }
}

fn add_file(profile: Profile, path: &Path, sink: &mut dyn Sink) -> Result<Made, CidError> {
    let mut file = File::open(path).map_err(|e| CidError::io(path.display(), e))?;
    add_reader(profile, &mut file, sink).map_err(|e| match e {
        CidError::Io { source, .. } => CidError::io(path.display(), source),
        other => other,
    })
}

fn add_folder(
    profile: Profile,
    path: &Path,
    hidden: bool,
    sink: &mut dyn Sink,
    depth: usize,
) -> Result<Made, CidError> {
    if depth > DEEPEST {
        return Err(CidError::TooMuch { what: format!("{}: folders lie deeper than 64", path.display()) });
    }
    let said = |e| CidError::io(path.display(), e);
    let mut entries = Vec::new();
    for file in std::fs::read_dir(path).map_err(said)? {
        let file = file.map_err(said)?;
        let at = file.path();
        let name = file.file_name().into_string().map_err(|name| CidError::Name {
            name: name.to_string_lossy().into_owned(),
            what: "it is not text in UTF-8",
        })?;
        if name.starts_with('.') && !hidden {
            continue;
        }
        let kind = file.file_type().map_err(said)?;
        let made = if kind.is_dir() {
            add_folder(profile, &at, hidden, sink, depth + 1)?
        } else if kind.is_file() {
            add_file(profile, &at, sink)?
        } else {
            return Err(CidError::TooMuch {
                what: format!("{} is a link or no file: put the file itself there", at.display()),
            });
        };
        entries.push(Entry { name, made });
    }
    folder(profile, entries, sink)
}
