//! How files and folders become blocks, so that everybody gets the same names.

use crate::cid::{Cid, Codec};

/// A set of rules for cutting files and folders into blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// `unixfs-v1-2025`: 1 MiB blocks of bare bytes, 1024 links, names of version 1.
    #[default]
    V1,
    /// `unixfs-v0-2015`: 256 KiB blocks in wrappers, 174 links, names of version 0.
    V0,
}

impl Profile {
    /// All of them, the default first.
    pub const ALL: [Self; 2] = [Self::V1, Self::V0];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V1 => "unixfs-v1-2025",
            Self::V0 => "unixfs-v0-2015",
        }
    }

    /// The profile of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    /// How many bytes of a file one block has.
    pub(crate) fn chunk(self) -> usize {
        match self {
            Self::V1 => 1 << 20,
            Self::V0 => 1 << 18,
        }
    }

    /// How many links a node of a file has at most.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::V1 => 1024,
            Self::V0 => 174,
        }
    }

    /// Whether the ends of a file's tree are bare bytes.
    pub(crate) fn raw_leaves(self) -> bool {
        self == Self::V1
    }

    /// The name of a node.
    pub(crate) fn name_node(self, bytes: &[u8]) -> Cid {
        let cid = Cid::of(Codec::DagPb, bytes);
        match self {
            Self::V1 => cid,
            Self::V0 => cid.to_v0(),
        }
    }
}
