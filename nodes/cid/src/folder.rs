//! Names become a folder.

use crate::block::Sink;
use crate::error::CidError;
use crate::file::Made;
use crate::hamt;
use crate::node::{Link, PbNode};
use crate::profile::Profile;
use crate::unixfs::{Kind, Unixfs};

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// What it names.
    pub made: Made,
}

/// A folder of more bytes is divided.
const UNDIVIDED: usize = 262_144;

/// Whether a folder can have a file of this name.
///
/// # Errors
/// When it cannot, with the reason.
pub fn check_name(name: &str) -> Result<(), CidError> {
    let what = match name {
        "" => "it is empty",
        "." | ".." => "it stands for a folder",
        _ if name.contains('/') => "it has a slash",
        _ if name.contains('\0') => "it has a character that ends names",
        _ if name.len() > 255 => "it has more than 255 bytes",
        _ => return Ok(()),
    };
    Err(CidError::Name { name: name.chars().take(80).collect(), what })
}

/// The folder of these names; their order does not matter.
///
/// # Errors
/// When a name cannot be one or comes twice, or a block cannot be kept.
pub fn folder(profile: Profile, mut entries: Vec<Entry>, sink: &mut dyn Sink) -> Result<Made, CidError> {
    for entry in &entries {
        check_name(&entry.name)?;
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(twice) = entries.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(CidError::Name { name: twice[0].name.clone(), what: "it comes twice" });
    }
    let size = entries.iter().map(|e| e.made.size).sum();
    let links: Vec<Link> =
        entries.into_iter().map(|e| Link { cid: e.made.cid, name: e.name, tsize: e.made.tsize }).collect();
    let (cid, tsize) = if divided(profile, &links) {
        hamt::divide(profile, links, sink)?
    } else {
        let below: u64 = links.iter().map(|l| l.tsize).sum();
        let block = PbNode { links, data: Unixfs::new(Kind::Folder).encode() }.encode();
        let cid = profile.name_node(&block);
        sink.put(&cid, &block)?;
        (cid, block.len() as u64 + below)
    };
    Ok(Made { cid, size, tsize })
}

/// Whether a folder is too large for one block.
fn divided(profile: Profile, links: &[Link]) -> bool {
    let size: usize = match profile {
        // The old rule counts names and CIDs only.
        Profile::V0 => links.iter().map(|l| l.name.len() + l.cid.byte_len()).sum(),
        // The new one the block as it would be: 4 bytes say that it is a folder.
        Profile::V1 => links.iter().map(Link::encoded_len).sum::<usize>() + 4,
    };
    size > UNDIVIDED
}
