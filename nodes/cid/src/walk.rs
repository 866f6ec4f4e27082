//! All blocks below one.

use crate::block::{Source, fetch};
use crate::cid::{Cid, Codec};
use crate::error::CidError;
use crate::node::PbNode;
use std::collections::BTreeSet;

/// Visits every block below some roots once, each before those it links to, held against its name.
pub struct Walk<'a> {
    source: &'a dyn Source,
    todo: Vec<Cid>,
    seen: BTreeSet<[u8; 32]>,
    most: usize,
}

impl<'a> Walk<'a> {
    /// Begins at a root. Not more than `most` blocks are visited.
    #[must_use]
    pub fn new(source: &'a dyn Source, root: Cid, most: usize) -> Self {
        Self { source, todo: vec![root], seen: BTreeSet::new(), most }
    }

    /// The next block, or `None` when all were visited.
    ///
    /// # Errors
    /// When a block is missing or wrong, or there are too many.
    pub fn step(&mut self) -> Result<Option<(Cid, Vec<u8>)>, CidError> {
        while let Some(cid) = self.todo.pop() {
            if self.seen.contains(&cid.digest) {
                continue;
            }
            if self.seen.len() >= self.most {
                return Err(CidError::TooMuch { what: format!("there are more than {} blocks", self.most) });
            }
            let bytes = fetch(self.source, &cid)?;
            if cid.codec == Codec::DagPb {
                let node = PbNode::decode(&bytes).map_err(|what| CidError::bad(&cid, what))?;
                let new = node.links.iter().rev().map(|l| l.cid).filter(|c| !self.seen.contains(&c.digest));
                self.todo.extend(new);
            }
            self.seen.insert(cid.digest);
            return Ok(Some((cid, bytes)));
        }
        Ok(None)
    }

    /// The digests of the blocks visited so far.
    #[must_use]
    pub fn seen(&self) -> &BTreeSet<[u8; 32]> {
        &self.seen
    }
}
