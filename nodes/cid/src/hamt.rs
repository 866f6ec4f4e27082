//! Large folders, divided by the hashes of their names.

use crate::block::Sink;
use crate::cid::Cid;
use crate::error::CidError;
use crate::murmur;
use crate::node::{Link, PbNode};
use crate::profile::Profile;
use crate::unixfs::{Kind, Unixfs};

/// So many ways at each step.
pub(crate) const FANOUT: u64 = 256;
/// The number of the hash by which is divided.
pub(crate) const MURMUR: u64 = 0x22;
/// So many steps at most: then the hash is used up.
pub(crate) const DEPTH: usize = 8;

/// The first two letters of a link's name: which way.
pub(crate) fn way(index: u8) -> String {
    format!("{index:02X}")
}

/// Which way a name goes at a step.
pub(crate) fn index(name: &str, depth: usize) -> Option<u8> {
    murmur::hash(name.as_bytes()).get(depth).copied()
}

/// Which ways there are, the lowest in the last bit, without zeros before.
pub(crate) fn ways(indices: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut bits = [0u8; 32];
    for index in indices {
        bits[31 - usize::from(index >> 3)] |= 1 << (index & 7);
    }
    let zeros = bits.iter().take_while(|b| **b == 0).count();
    bits[zeros..].to_vec()
}

/// The folder of these links, and the bytes of its blocks.
pub(crate) fn divide(
    profile: Profile,
    links: Vec<Link>,
    sink: &mut dyn Sink,
) -> Result<(Cid, u64), CidError> {
    let mut hashed: Vec<([u8; 8], Link)> =
        links.into_iter().map(|l| (murmur::hash(l.name.as_bytes()), l)).collect();
    hashed.sort_by_key(|h| h.0);
    shard(profile, &hashed, 0, sink)
}

fn shard(
    profile: Profile,
    hashed: &[([u8; 8], Link)],
    depth: usize,
    sink: &mut dyn Sink,
) -> Result<(Cid, u64), CidError> {
    if depth == DEPTH {
        let name = hashed.first().map(|h| h.1.name.clone()).unwrap_or_default();
        return Err(CidError::Name { name, what: "another name has the same hash" });
    }
    let mut links = Vec::new();
    for group in hashed.chunk_by(|a, b| a.0[depth] == b.0[depth]) {
        let way = way(group[0].0[depth]);
        links.push(match group {
            [(_, only)] => Link { name: way + &only.name, ..only.clone() },
            many => {
                let (cid, tsize) = shard(profile, many, depth + 1, sink)?;
                Link { cid, name: way, tsize }
            }
        });
    }
    let indices = hashed.chunk_by(|a, b| a.0[depth] == b.0[depth]).map(|g| g[0].0[depth]);
    let said = Unixfs {
        data: Some(ways(indices)),
        hash: Some(MURMUR),
        fanout: Some(FANOUT),
        ..Unixfs::new(Kind::Shard)
    };
    let below: u64 = links.iter().map(|l| l.tsize).sum();
    let block = PbNode { links, data: said.encode() }.encode();
    let cid = profile.name_node(&block);
    sink.put(&cid, &block)?;
    Ok((cid, block.len() as u64 + below))
}
