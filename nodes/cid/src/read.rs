//! Files and folders read back from blocks that nobody has to be trusted for.

use crate::block::{Source, fetch};
use crate::cid::{Cid, Codec};
use crate::error::CidError;
use crate::folder::check_name;
use crate::hamt;
use crate::node::{Link, PbNode};
use crate::unixfs::{Kind, Unixfs};
use std::collections::BTreeSet;
use std::io::Write;

/// No file's tree is higher.
const HIGHEST: usize = 32;
/// No node of a file has more links.
const WIDEST: usize = 16_384;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A file.
    File,
    /// A folder.
    Folder,
}

/// What was found under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// File or folder.
    pub what: What,
    /// How many bytes a file says it has; of a folder, the bytes of its first block.
    pub size: u64,
}

/// A block, understood.
enum Read {
    Bytes(Vec<u8>),
    Node(PbNode, Unixfs),
}

fn open(source: &dyn Source, cid: &Cid) -> Result<(Read, usize), CidError> {
    let bytes = fetch(source, cid)?;
    let len = bytes.len();
    if cid.codec == Codec::Raw {
        return Ok((Read::Bytes(bytes), len));
    }
    let mut node = PbNode::decode(&bytes).map_err(|what| CidError::bad(cid, what))?;
    let said = Unixfs::decode(&std::mem::take(&mut node.data)).map_err(|what| CidError::bad(cid, what))?;
    Ok((Read::Node(node, said), len))
}

/// Looks at the first block only: is it a file or a folder?
///
/// # Errors
/// When the block is missing, wrong, or neither.
pub fn look(source: &dyn Source, cid: &Cid) -> Result<Found, CidError> {
    let (read, len) = open(source, cid)?;
    match read {
        Read::Bytes(bytes) => Ok(Found { what: What::File, size: bytes.len() as u64 }),
        Read::Node(node, said) => match said.kind {
            Kind::File | Kind::Raw => Ok(Found { what: What::File, size: sized(cid, &node, &said)?.0 }),
            Kind::Folder | Kind::Shard => Ok(Found { what: What::Folder, size: len as u64 }),
            Kind::Link => Err(CidError::bad(cid, "it is a symbolic link")),
        },
    }
}

/// A file node's bytes below and of its own, held against what it says.
fn sized(cid: &Cid, node: &PbNode, said: &Unixfs) -> Result<(u64, u64), CidError> {
    let own = said.data.as_ref().map_or(0, Vec::len) as u64;
    if node.links.len() != said.sizes.len() {
        return Err(CidError::bad(
            cid,
            format!("it has {} links, but says the sizes of {}", node.links.len(), said.sizes.len()),
        ));
    }
    if node.links.len() > WIDEST {
        return Err(CidError::bad(cid, format!("it has more than {WIDEST} links")));
    }
    if said.sizes.contains(&0) {
        return Err(CidError::bad(cid, "it links to nothing"));
    }
    let all = said.sizes.iter().try_fold(own, |sum, size| sum.checked_add(*size));
    let all = all.ok_or_else(|| CidError::bad(cid, "its sizes are larger than any file"))?;
    match said.size {
        Some(size) if size != all => {
            Err(CidError::bad(cid, format!("it says it has {size} bytes, but its parts say {all}")))
        }
        _ => Ok((all, own)),
    }
}

/// Writes a file's bytes to `to`, each block held against its name first. Not more than `most` bytes; how many they
/// were.
///
/// # Errors
/// When a block is missing, wrong or no part of a file, a size is not what was said, or the file is longer.
pub fn read_file(source: &dyn Source, root: &Cid, most: u64, to: &mut dyn Write) -> Result<u64, CidError> {
    let mut todo = vec![(*root, None, 0usize)];
    let mut written = 0u64;
    while let Some((cid, expected, height)) = todo.pop() {
        let (read, _) = open(source, &cid)?;
        let (bytes, node, sizes, all) = match read {
            Read::Bytes(bytes) => {
                let all = bytes.len() as u64;
                (bytes, PbNode::default(), Vec::new(), all)
            }
            Read::Node(node, mut said) => {
                if !matches!(said.kind, Kind::File | Kind::Raw) {
                    return Err(CidError::bad(&cid, "it is no part of a file"));
                }
                let (all, _) = sized(&cid, &node, &said)?;
                (said.data.take().unwrap_or_default(), node, said.sizes, all)
            }
        };
        if expected.is_some_and(|size: u64| size != all) {
            return Err(CidError::bad(&cid, "it is of another size than the block above says"));
        }
        if expected.is_none() && all > most {
            return Err(CidError::TooMuch {
                what: format!("the file {root} says it has {all} bytes, more than {most}"),
            });
        }
        if height >= HIGHEST && !node.links.is_empty() {
            return Err(CidError::bad(&cid, format!("the file's tree is higher than {HIGHEST}")));
        }
        to.write_all(&bytes).map_err(|e| CidError::io("writing what was read", e))?;
        written += bytes.len() as u64;
        let below = node.links.iter().zip(sizes).rev();
        todo.extend(below.map(|(link, size)| (link.cid, Some(size), height + 1)));
    }
    Ok(written)
}

/// A shard's links as (way, name in the folder or empty, link), held against what it says and where it lies.
fn shard<'a>(
    cid: &Cid,
    node: &'a PbNode,
    said: &Unixfs,
    path: &[u8],
) -> Result<Vec<(u8, &'a str, &'a Link)>, CidError> {
    let bad = |what: &str| CidError::bad(cid, what);
    if (said.fanout, said.hash) != (Some(hamt::FANOUT), Some(hamt::MURMUR)) {
        return Err(bad("it is divided in a way that Kiln does not know"));
    }
    if node.links.is_empty() && !path.is_empty() {
        return Err(bad("it is a part of a folder without any names"));
    }
    let mut found: Vec<(u8, &str, &Link)> = Vec::with_capacity(node.links.len());
    for link in &node.links {
        let (way, name) = link.name.split_at_checked(2).ok_or_else(|| bad("a name is too short"))?;
        let index = u8::from_str_radix(way, 16).ok().filter(|i| hamt::way(*i) == way);
        let index = index.ok_or_else(|| bad("a name does not say which way it lies"))?;
        if found.last().is_some_and(|(before, ..)| *before >= index) {
            return Err(bad("its names are not in order"));
        }
        if name.is_empty() {
            if path.len() + 1 >= hamt::DEPTH {
                return Err(bad("the folder is divided too often"));
            }
        } else {
            check_name(name)?;
            let lies = |depth: usize, way: u8| hamt::index(name, depth) == Some(way);
            if !path.iter().enumerate().all(|(d, w)| lies(d, *w)) || !lies(path.len(), index) {
                return Err(bad("a name lies where it does not belong"));
            }
        }
        found.push((index, name, link));
    }
    if said.data.as_deref().unwrap_or_default() != hamt::ways(found.iter().map(|f| f.0)) {
        return Err(bad("it has other names than it says"));
    }
    Ok(found)
}

/// An undivided folder's links, with names that can be names.
fn plain<'a>(cid: &Cid, node: &'a PbNode) -> Result<&'a [Link], CidError> {
    let mut seen = BTreeSet::new();
    for link in &node.links {
        check_name(&link.name)?;
        if !seen.insert(link.name.as_str()) {
            return Err(CidError::bad(cid, format!("the name {:?} comes twice", link.name)));
        }
    }
    Ok(&node.links)
}

/// Tells every name of a folder and what it names, not more than `most`: in order of the names, or of their hashes when
/// the folder is divided. How many there were.
///
/// # Errors
/// When a block is missing, wrong or no folder, a name cannot be one, there are more, or `each` fails.
pub fn list(
    source: &dyn Source,
    root: &Cid,
    most: usize,
    each: &mut dyn FnMut(&str, &Cid) -> Result<(), CidError>,
) -> Result<usize, CidError> {
    let mut todo: Vec<(Cid, Vec<u8>)> = vec![(*root, Vec::new())];
    let mut count = 0usize;
    while let Some((cid, path)) = todo.pop() {
        let (Read::Node(node, said), _) = open(source, &cid)? else {
            return Err(CidError::bad(&cid, "it is no folder"));
        };
        let mut tell = |name: &str, cid: &Cid| {
            count += 1;
            if count > most {
                return Err(CidError::TooMuch {
                    what: format!("the folder {root} has more than {most} names"),
                });
            }
            each(name, cid)
        };
        match said.kind {
            Kind::Folder if path.is_empty() => {
                for link in plain(&cid, &node)? {
                    tell(&link.name, &link.cid)?;
                }
            }
            Kind::Shard => {
                let mut below = Vec::new();
                for (way, name, link) in shard(&cid, &node, &said, &path)? {
                    if name.is_empty() {
                        below.push((link.cid, path.iter().copied().chain([way]).collect()));
                    } else {
                        tell(name, &link.cid)?;
                    }
                }
                todo.extend(below.into_iter().rev());
            }
            _ => return Err(CidError::bad(&cid, "it is no folder")),
        }
    }
    Ok(count)
}

/// What lies at a path like `a/b.txt` below a folder; the empty path is the folder itself. `None` if nothing does.
///
/// # Errors
/// When a block is missing or wrong, or a part of the path is no folder.
pub fn find(source: &dyn Source, root: &Cid, path: &str) -> Result<Option<Cid>, CidError> {
    let mut here = *root;
    for name in path.split('/').filter(|p| !p.is_empty()) {
        let mut ways = Vec::new();
        here = loop {
            let (Read::Node(node, said), _) = open(source, &here)? else {
                return Err(CidError::bad(&here, "it is no folder"));
            };
            match said.kind {
                Kind::Folder if ways.is_empty() => {
                    match plain(&here, &node)?.iter().find(|l| l.name == name) {
                        Some(link) => break link.cid,
                        None => return Ok(None),
                    }
                }
                Kind::Shard => {
                    let Some(way) = hamt::index(name, ways.len()) else { return Ok(None) };
                    let links = shard(&here, &node, &said, &ways)?;
                    match links.into_iter().find(|(index, ..)| *index == way) {
                        Some((_, "", link)) => {
                            ways.push(way);
                            here = link.cid;
                        }
                        Some((_, found, link)) if found == name => break link.cid,
                        _ => return Ok(None),
                    }
                }
                _ => return Err(CidError::bad(&here, "it is no folder")),
            }
        };
    }
    Ok(Some(here))
}
