//! A file becomes blocks while it streams by.

use crate::block::Sink;
use crate::cid::{Cid, Codec};
use crate::error::CidError;
use crate::node::{Link, PbNode};
use crate::profile::Profile;
use crate::unixfs::{Kind, Unixfs};

/// A file or folder that has become blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its name.
    pub cid: Cid,
    /// How many bytes its files have.
    pub size: u64,
    /// How many bytes its blocks have, those that come twice counted twice.
    pub tsize: u64,
}

/// Cuts a file into blocks while it streams by. What is held at a time is one block and the links on the right edge of
/// the tree, however long the file is.
pub struct FileBuilder {
    profile: Profile,
    held: Vec<u8>,
    /// Nodes not yet under another, by their height.
    levels: Vec<Vec<Made>>,
}

impl FileBuilder {
    /// A file without any bytes yet.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        Self { profile, held: Vec::new(), levels: Vec::new() }
    }

    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// When a block cannot be kept.
    pub fn push(&mut self, mut bytes: &[u8], sink: &mut dyn Sink) -> Result<(), CidError> {
        let chunk = self.profile.chunk();
        while !bytes.is_empty() {
            // Kept until more comes: nobody knows yet whether it is the last.
            if self.held.len() == chunk {
                let leaf = self.leaf(sink)?;
                self.held.clear();
                self.place(leaf, 0, sink)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(chunk - self.held.len()));
            self.held.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// The file's end.
    ///
    /// # Errors
    /// When a block cannot be kept.
    pub fn finish(mut self, sink: &mut dyn Sink) -> Result<Made, CidError> {
        let leaf = self.leaf(sink)?;
        self.place(leaf, 0, sink)?;
        let mut height = 0;
        loop {
            let nodes = std::mem::take(&mut self.levels[height]);
            let highest = height + 1 == self.levels.len();
            if let ([only], true) = (nodes.as_slice(), highest) {
                return Ok(*only);
            }
            if !nodes.is_empty() {
                let node = self.node(&nodes, sink)?;
                self.place(node, height + 1, sink)?;
            }
            height += 1;
        }
    }

    /// What is held, as a block.
    fn leaf(&self, sink: &mut dyn Sink) -> Result<Made, CidError> {
        let size = self.held.len() as u64;
        if self.profile.raw_leaves() {
            let cid = Cid::of(Codec::Raw, &self.held);
            sink.put(&cid, &self.held)?;
            return Ok(Made { cid, size, tsize: size });
        }
        let data = (!self.held.is_empty()).then(|| self.held.clone());
        let leaf = Unixfs { data, size: Some(size), ..Unixfs::new(Kind::File) };
        let block = PbNode { links: Vec::new(), data: leaf.encode() }.encode();
        let cid = self.profile.name_node(&block);
        sink.put(&cid, &block)?;
        Ok(Made { cid, size, tsize: block.len() as u64 })
    }

    /// Puts a node where it belongs, and those above it that become full.
    fn place(&mut self, mut node: Made, mut height: usize, sink: &mut dyn Sink) -> Result<(), CidError> {
        loop {
            if self.levels.len() == height {
                self.levels.push(Vec::new());
            }
            self.levels[height].push(node);
            if self.levels[height].len() < self.profile.width() {
                return Ok(());
            }
            let full = std::mem::take(&mut self.levels[height]);
            node = self.node(&full, sink)?;
            height += 1;
        }
    }

    /// A node over others.
    fn node(&self, below: &[Made], sink: &mut dyn Sink) -> Result<Made, CidError> {
        let size = below.iter().map(|m| m.size).sum();
        let said = Unixfs {
            size: Some(size),
            sizes: below.iter().map(|m| m.size).collect(),
            ..Unixfs::new(Kind::File)
        };
        let link = |m: &Made| Link { cid: m.cid, name: String::new(), tsize: m.tsize };
        let block = PbNode { links: below.iter().map(link).collect(), data: said.encode() }.encode();
        let cid = self.profile.name_node(&block);
        sink.put(&cid, &block)?;
        Ok(Made { cid, size, tsize: block.len() as u64 + below.iter().map(|m| m.tsize).sum::<u64>() })
    }
}

/// The file of these bytes.
///
/// # Errors
/// When a block cannot be kept.
pub fn add_bytes(profile: Profile, bytes: &[u8], sink: &mut dyn Sink) -> Result<Made, CidError> {
    let mut file = FileBuilder::new(profile);
    file.push(bytes, sink)?;
    file.finish(sink)
}
