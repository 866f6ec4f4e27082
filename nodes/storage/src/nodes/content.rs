//! The files that inputs name, as blocks.

use crate::error::cid_said;
use kiln_cid::{CidError, FileBuilder, Made, Profile, Sink};
use kiln_core::{Cx, NodeError, Param};
use kiln_types::{FileRef, Key, Value};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The parameter for a profile.
pub(super) fn profile_param() -> Param {
    Param::choice("profile", &["unixfs-v1-2025", "unixfs-v0-2015"]).doc(
        "How files are cut into blocks, which decides their names: the rules of 2025 (CIDs that begin with bafy and \
         bafk), or those of 2015 (Qm).",
    )
}

/// The profile that is set.
pub(super) fn profile(cx: &Cx<'_>) -> Result<Profile, NodeError> {
    let name = cx.text("profile")?;
    Profile::named(&name).ok_or_else(|| NodeError::new(format!("{name:?} is no profile")).at("profile"))
}

/// A file that an input names.
pub(super) enum Named {
    /// An input of the graph: what is in it is part of the key.
    Given(FileRef),
    /// A file that a node wrote into the output folder.
    Saved(PathBuf, String),
}

impl Named {
    /// The file of a value: a file, or the path that a saving node gives.
    pub(super) fn of(cx: &Cx<'_>, value: &Value, port: &str) -> Result<Self, NodeError> {
        match value {
            Value::File(file) => Ok(Self::Given(file.clone())),
            Value::Text(path) => {
                let out = cx.out_folder()?;
                let place = out.place(path).map_err(|e| e.at(port))?;
                let missing = |e: std::io::Error| {
                    NodeError::new(format!("{path:?} cannot be read in the output folder: {e}"))
                        .at(port)
                        .hint("link the output of a node that saves files, or a file")
                };
                let real = std::fs::canonicalize(&place).map_err(missing)?;
                if !real.starts_with(std::fs::canonicalize(out.root())?) || !real.is_file() {
                    return Err(NodeError::new(format!("{path:?} is no file of the output folder")).at(port));
                }
                Ok(Self::Saved(real, path.to_string()))
            }
            Value::List(list) => match &**list {
                [only] => Self::of(cx, only, port),
                many => {
                    Err(NodeError::new(format!("{port:?} takes one file, but got {}", many.len())).at(port))
                }
            },
            other => Err(NodeError::new(format!(
                "{port:?} takes a file or the path of a saved one, but got {}",
                other.ty()
            ))
            .at(port)
            .hint("save it first, and link what the saving node gives")),
        }
    }

    /// Its name without folders.
    pub(super) fn file_name(&self) -> String {
        let path: &Path = match self {
            Self::Given(file) => &file.path,
            Self::Saved(path, _) => path,
        };
        path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// What a person calls it.
    fn shown(&self) -> String {
        match self {
            Self::Given(file) => file.path.display().to_string(),
            Self::Saved(_, path) => path.clone(),
        }
    }

    /// Its blocks; it is read piece by piece.
    pub(super) fn add(&self, cx: &Cx<'_>, profile: Profile, sink: &mut dyn Sink) -> Result<Made, NodeError> {
        self.add_with(cx, profile, sink, &mut |_| {})
    }

    /// The same, while somebody else sees the bytes too.
    pub(super) fn add_with(
        &self,
        cx: &Cx<'_>,
        profile: Profile,
        sink: &mut dyn Sink,
        also: &mut dyn FnMut(&[u8]),
    ) -> Result<Made, NodeError> {
        let (path, wanted): (&Path, Option<Key>) = match self {
            Self::Given(file) => (&file.path, Some(file.hash)),
            Self::Saved(path, _) => (path, None),
        };
        let said = |e: std::io::Error| NodeError::new(format!("{} cannot be read: {e}", self.shown()));
        let mut file = File::open(path).map_err(said)?;
        let mut builder = FileBuilder::new(profile);
        let mut hasher = blake3::Hasher::new();
        let mut part = vec![0; 256 << 10];
        loop {
            cx.pause()?;
            match file.read(&mut part) {
                Ok(0) => break,
                Ok(n) => {
                    if wanted.is_some() {
                        hasher.update(&part[..n]);
                    }
                    also(&part[..n]);
                    builder.push(&part[..n], sink).map_err(cid_said)?;
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(said(e)),
            }
        }
        if wanted.is_some_and(|hash| hash.0 != *hasher.finalize().as_bytes()) {
            return Err(
                NodeError::new(format!("{} changed while the graph ran", self.shown())).hint("run again")
            );
        }
        builder.finish(sink).map_err(cid_said)
    }
}

/// A name that a folder can have, out of a person's pattern.
pub(super) fn named(e: CidError, port: &str) -> NodeError {
    cid_said(e)
        .at(port)
        .hint("put {item}, {index} or {name} into the pattern, so that each file has a name of its own")
}

/// A name and its ending, with the dot.
pub(super) fn split_name(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 => name.split_at(at),
        _ => (name, ""),
    }
}
