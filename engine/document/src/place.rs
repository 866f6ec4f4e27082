//! Where things stood in the text, so that later checks can point to a line.
//!
//! A document of a hundred thousand nodes has a million places; so the table keeps a hash of each path instead
//! of the path. Two paths with one hash would at worst point to a wrong line.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt::{self, Write as _},
    hash::{BuildHasherDefault, Hasher},
};

use crate::{Graph, path, problem::Pos};

/// Places by the hash of their path, relative to the graph that owns the table.
#[derive(Debug, Default)]
pub(crate) struct Places(HashMap<u64, Pos, BuildHasherDefault<AsIs>>);

impl Places {
    /// Keeps a place, unless there is one already: then false.
    pub(crate) fn put(&mut self, path: PathHash, at: Pos) -> bool {
        match self.0.entry(path.0) {
            Entry::Vacant(entry) => {
                entry.insert(at);
                true
            }
            Entry::Occupied(_) => false,
        }
    }

    fn get(&self, path: PathHash) -> Option<Pos> {
        self.0.get(&path.0).copied()
    }

    /// The place of `path`, or of the nearest thing around it.
    pub(crate) fn nearest(&self, graph: &Graph, path: &str) -> Option<(usize, usize)> {
        for (name, child) in &graph.graphs {
            if let Some(rest) = path.strip_prefix(path::graph(name).as_str()) {
                if rest.is_empty() {
                    return child.place("");
                }
                if let Some(rest) = rest.strip_prefix('.') {
                    return child.place(rest);
                }
            }
        }
        let mut path = path;
        loop {
            if let Some(at) = self.get(PathHash::of(path)) {
                return Some((at.line as usize, at.column as usize));
            }
            if path.is_empty() {
                return None;
            }
            path = path::parent(path);
        }
    }
}

/// FNV-1a over a path's text: it can be extended segment by segment, so a prefix is hashed once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathHash(u64);

impl PathHash {
    pub(crate) const ROOT: Self = Self(0xcbf2_9ce4_8422_2325);

    pub(crate) fn of(path: &str) -> Self {
        Self::ROOT.text(path)
    }

    fn text(self, text: &str) -> Self {
        Self(text.bytes().fold(self.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
    }

    pub(crate) fn field(self, name: &str) -> Self {
        if self == Self::ROOT { self.text(name) } else { self.text(".").text(name) }
    }

    pub(crate) fn key(mut self, key: &str) -> Self {
        // Writing into a hash cannot fail.
        let _ = write!(self, ".{}", path::Quoted(key));
        self
    }

    pub(crate) fn index(mut self, index: usize) -> Self {
        let _ = write!(self, "[{index}]");
        self
    }
}

impl fmt::Write for PathHash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        *self = self.text(text);
        Ok(())
    }
}

/// The keys are hashes already.
#[derive(Debug, Default)]
pub(crate) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}
