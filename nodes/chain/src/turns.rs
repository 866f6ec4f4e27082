//! What a node sets may be set to something else and back again: each change is a turn of its own, so that going back
//! is done, and a crash between does nothing twice.

use crate::mint::{Bench, MintError, name};
use crate::rpc::Rpc;
use alloy_primitives::{Address, keccak256};
use alloy_sol_types::SolCall;
use kiln_ledger::{Call, Hash, Job, Landed, Log, hex};
use std::path::Path;
use std::time::Duration;

/// The last of what was set at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// By whose key.
    pub key: Hash,
    /// How many were before it.
    pub number: u64,
}

/// The name of what is set, by which node: two nodes that set the same thing one after the other do not undo each
/// other's work.
#[must_use]
pub fn place(node: &str, contract: Address, what: &str) -> Hash {
    keccak256(format!("{node}\n{contract:#x}\n{what}")).0
}

fn log(folder: &Path, chain: u64) -> Result<Log, MintError> {
    Ok(Log::open(folder.join(format!("{chain}-turns.log")))?)
}

fn last_of(lines: &[String], place: &Hash) -> Option<Turn> {
    let wanted = hex::show(place);
    lines.iter().rev().find_map(|line| {
        let mut words = line.split(' ');
        (words.next() == Some(wanted.as_str())).then_some(())?;
        let key = hex::read_array(words.next()?)?;
        Some(Turn { key, number: words.next()?.parse().ok()? })
    })
}

/// The last turn of a place, if there was one.
///
/// # Errors
/// When the disk refuses.
pub fn last(folder: &Path, chain: u64, place: &Hash) -> Result<Option<Turn>, MintError> {
    let mut log = log(folder, chain)?;
    let (_, lines) = log.hold_within(Duration::from_secs(30))?;
    Ok(last_of(&lines, place))
}

impl<R: Rpc> Bench<'_, R> {
    /// Calls a function of a contract: once for each time that a place changes to this key.
    ///
    /// # Errors
    /// When a person has to do something.
    pub fn set(
        &self,
        key: &Hash,
        place: &Hash,
        words: &str,
        contract: Address,
        call: &impl SolCall,
    ) -> Result<Landed, MintError> {
        let number = {
            let mut log = log(self.folder, self.chain.network().chain)?;
            let (mut held, lines) = log.hold_within(Duration::from_secs(30))?;
            match last_of(&lines, place) {
                Some(turn) if turn.key == *key => turn.number,
                other => {
                    let number = other.map_or(0, |t| t.number + 1);
                    held.append(&format!("{} {} {number}", hex::show(place), hex::show(key)))?;
                    number
                }
            }
        };
        let id = if number == 0 { name(key, "call") } else { name(key, &format!("call {number}")) };
        let call = Call { to: Some(*contract.0), value: 0, data: call.abi_encode() };
        self.one(key, Job { id, words: words.into(), call })
    }
}
