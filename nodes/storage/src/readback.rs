//! Reading back: what a place gives for a name, held against what was made.

use crate::address::encoded_path;
use crate::error::cid_said;
use crate::files::files_below;
use crate::proof::Pinned;
use crate::store::BlockStore;
use crate::wire::{Patience, Wire, persist};
use kiln_cid::{Cid, Source, What, look, read_file};
use kiln_core::NodeError;
use kiln_core::doors::Exchange;
use std::io::{Read, Write};
use std::time::Duration;

/// Where files are read back from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// Kubo's RPC, at this address (without `/api/v0`).
    Rpc(String),
    /// A gateway, at this address (without `/ipfs`).
    Gateway(String),
}

/// How much is read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// Every file.
    All,
    /// So many files, spread evenly, the first and the last among them.
    Files(u64),
}

impl Sample {
    /// Whether the file at `at` of `all` is read.
    fn takes(self, at: u64, all: u64) -> bool {
        match self {
            Self::All => true,
            Self::Files(wanted) if wanted >= all => true,
            Self::Files(0) => false,
            Self::Files(1) => at == 0,
            // The k-th of n lies at k·(all-1)/(n-1), rounded down: is there such a k for this place?
            Self::Files(n) => {
                let (last, n) = (u128::from(all - 1), u128::from(n - 1));
                let k = (u128::from(at) * n).div_ceil(last);
                k * last / n == u128::from(at)
            }
        }
    }
}

/// Compares what is written with what is read from somewhere else, and stops at the first difference.
struct Compared<'a> {
    from: &'a mut dyn Read,
    at: u64,
    fault: Option<String>,
}

impl Write for Compared<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut there = [0; 16 << 10];
        let part = bytes.len().min(there.len());
        let fault = match self.from.read_exact(&mut there[..part]) {
            Ok(()) => {
                let differs = there[..part].iter().zip(bytes).position(|(a, b)| a != b);
                differs.map(|d| format!("byte {} is another", self.at + d as u64))
            }
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                Some(format!("it ends after less than {} bytes", self.at + part as u64))
            }
            Err(e) => Some(format!("it broke off: {e}")),
        };
        if fault.is_some() {
            self.fault = fault;
            return Err(std::io::Error::other("another content"));
        }
        self.at += part as u64;
        Ok(part)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Why a file did not come back as it was made, if it did not.
fn differs(store: &dyn Source, cid: &Cid, from: &mut dyn Read) -> Result<Option<String>, NodeError> {
    let mut compared = Compared { from, at: 0, fault: None };
    let read = read_file(store, cid, u64::MAX, &mut compared);
    if let Some(fault) = compared.fault {
        return Ok(Some(fault));
    }
    read.map_err(cid_said)?;
    Ok(match compared.from.read(&mut [0]) {
        Ok(0) => None,
        _ => Some(format!("it goes on after {} bytes", compared.at)),
    })
}

/// Files of a root, by their paths in order, and their sizes.
fn wanted(store: &BlockStore, root: &Cid) -> Result<Vec<(String, Cid)>, NodeError> {
    let mut files = Vec::new();
    files_below(store, root, &mut |path, cid| {
        files.push((path.to_owned(), *cid));
        Ok(())
    })
    .map_err(cid_said)?;
    files.sort();
    Ok(files)
}

/// Why something was not read back.
pub(crate) enum NotBack {
    /// It came as something else, or the place says it has it not.
    Wrong(NodeError),
    /// Nobody answered, or somebody cancelled: nothing is known.
    Unknown(NodeError),
}

impl std::convert::From<NodeError> for NotBack {
    fn from(e: NodeError) -> Self {
        Self::Unknown(e)
    }
}

impl std::convert::From<NotBack> for NodeError {
    fn from(e: NotBack) -> Self {
        match e {
            NotBack::Wrong(e) | NotBack::Unknown(e) => e,
        }
    }
}

/// Fetches the files of a root by their paths, from where `from` says, and compares each with the blocks here, byte by
/// byte. `place` is what the proof calls the place.
///
/// # Errors
/// When a file does not come, or comes as another one.
pub fn read_back(
    wire: &dyn Wire,
    store: &BlockStore,
    root: &Cid,
    from: &From,
    sample: Sample,
    place: &str,
    patience: &Patience,
) -> Result<Pinned, NodeError> {
    Ok(try_back(wire, store, root, from, sample, place, patience)?)
}

/// The same, and whether it is known that the place has it wrong.
pub(crate) fn try_back(
    wire: &dyn Wire,
    store: &BlockStore,
    root: &Cid,
    from: &From,
    sample: Sample,
    place: &str,
    patience: &Patience,
) -> Result<Pinned, NotBack> {
    let files = wanted(store, root)?;
    let folder = look(store, root).map_err(cid_said).map_err(NotBack::Unknown)?.what == What::Folder;
    let all = files.len() as u64;
    let (mut bytes, mut read) = (0, 0);
    for (at, (path, cid)) in files.iter().enumerate() {
        let size = look(store, cid).map_err(cid_said).map_err(NotBack::Unknown)?.size;
        bytes += size;
        if sample.takes(at as u64, all) {
            one(wire, store, root, path, cid, size, from, patience)?;
            read += 1;
            wire.progress(at as u64 + 1, all);
        }
    }
    Ok(Pinned::new(root, folder, bytes, place.to_owned(), all, read))
}

#[allow(clippy::too_many_arguments, reason = "one file out of the loop above")]
fn one(
    wire: &dyn Wire,
    store: &BlockStore,
    root: &Cid,
    path: &str,
    cid: &Cid,
    size: u64,
    from: &From,
    patience: &Patience,
) -> Result<(), NotBack> {
    let slash = if path.is_empty() { "" } else { "/" };
    let within = format!("{root}{slash}{}", encoded_path(path));
    let (method, url) = match from {
        From::Rpc(base) => ("POST", format!("{base}/api/v0/cat?arg=/ipfs/{within}")),
        From::Gateway(base) => ("GET", format!("{base}/ipfs/{within}")),
    };
    let shown = if path.is_empty() { format!("{root}") } else { format!("{root}/{path}") };
    // A slow line is given 50 KiB a second.
    let timeout = Duration::from_secs(60 + size / 50_000);
    let mut tried = 0;
    loop {
        let mut answer = persist(wire, patience, false, &mut |wire| {
            // One byte more than there should be tells of an answer that goes on.
            wire.exchange(Exchange { method, timeout, most: size + 1, ..Exchange::get(&url) })
        })
        .map_err(|e| NodeError { what: format!("{shown} could not be read back: {}", e.what), ..e })?;
        let fault = match answer.status {
            200 => match differs(store, cid, answer.reader())? {
                None => return Ok(()),
                Some(fault) => format!("came back as another file: {fault}"),
            },
            status => format!("could not be read back: the answer was {status}: {}", answer.said()),
        };
        tried += 1;
        if tried >= patience.tries.clamp(1, 3) {
            return Err(NotBack::Wrong(NodeError::new(format!("{shown} {fault}")).hint(
                "nothing is minted from it; look at the place, or at what lies between, and run again",
            )));
        }
        wire.rest(patience.after(tried))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_spread_and_have_both_ends() {
        for all in 1..60u64 {
            for n in 1..70u64 {
                let taken: Vec<u64> = (0..all).filter(|at| Sample::Files(n).takes(*at, all)).collect();
                assert_eq!(taken.len() as u64, n.min(all), "{n} of {all}: {taken:?}");
                assert_eq!(taken[0], 0);
                assert!(n < 2 || taken.last() == Some(&(all - 1)));
            }
        }
    }
}
