//! Where blocks go and come from.

use crate::cid::Cid;
use crate::error::CidError;
use std::collections::BTreeMap;

/// No block is larger; more is read from nobody.
pub const MAX_BLOCK: usize = 4 << 20;

/// Takes blocks.
pub trait Sink {
    /// Takes one; `bytes` have the hash that `cid` says.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn put(&mut self, cid: &Cid, bytes: &[u8]) -> Result<(), CidError>;
}

/// Gives blocks.
pub trait Source {
    /// Gives one, or `None` when it is not there. What is given is not believed: see [`fetch`].
    ///
    /// # Errors
    /// When nobody can tell.
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, CidError>;
}

/// Fetches a block and holds it against its name.
///
/// # Errors
/// When it is missing, too large, or holds other bytes than its name says.
pub fn fetch(source: &dyn Source, cid: &Cid) -> Result<Vec<u8>, CidError> {
    let bytes = source.get(cid)?.ok_or(CidError::Missing { cid: *cid })?;
    if bytes.len() > MAX_BLOCK {
        return Err(CidError::bad(cid, format!("it has {} bytes, more than {MAX_BLOCK}", bytes.len())));
    }
    if cid.fits(&bytes) { Ok(bytes) } else { Err(CidError::Wrong { cid: *cid }) }
}

/// Keeps no block: only the name is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl Sink for Discard {
    fn put(&mut self, _: &Cid, _: &[u8]) -> Result<(), CidError> {
        Ok(())
    }
}

/// Blocks in memory, by digest.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The blocks.
    pub blocks: BTreeMap<[u8; 32], Vec<u8>>,
}

impl Sink for Memory {
    fn put(&mut self, cid: &Cid, bytes: &[u8]) -> Result<(), CidError> {
        self.blocks.entry(cid.digest).or_insert_with(|| bytes.to_vec());
        Ok(())
    }
}

impl Source for Memory {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, CidError> {
        Ok(self.blocks.get(&cid.digest).cloned())
    }
}
