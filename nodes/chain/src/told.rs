//! What the books of a folder tell: which collections were deployed, which tokens are minted or on their way.

use crate::contract::Collection::{self, CollectionCalls};
use crate::contract::deployed;
use crate::tx::Tx;
use alloy_primitives::{Address, B256};
use alloy_sol_types::SolInterface;
use kiln_ledger::book::{Ended, Generation, peek};
use kiln_ledger::{LogError, Order};
use std::collections::BTreeMap;
use std::path::Path;

/// How far a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Sent, or about to be.
    Pending,
    /// On the chain for good.
    Done,
    /// It can never land, or changed nothing; the next run does it anew.
    Failed,
}

/// Tokens of a batch, in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The first one's number.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// Who gets them.
    pub to: Address,
    /// How far it is.
    pub state: State,
    /// The transaction.
    pub transaction: B256,
}

/// A collection that a folder had to do with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// Its name, if it was deployed from here.
    pub name: Option<String>,
    /// Tokens of batches.
    pub parts: Vec<Part>,
    /// Single tokens: the recipient, how far, the transaction. Their numbers only the chain knows.
    pub singles: Vec<(Address, State, B256)>,
    /// Anything else that is on its way, in words.
    pub pending: Vec<String>,
}

fn state(generation: &Generation) -> State {
    match &generation.ended {
        None => State::Pending,
        Some(Ended::Final(landed)) if landed.ok => State::Done,
        Some(_) => State::Failed,
    }
}

/// Everything that the books in a folder tell, by chain and contract.
///
/// # Errors
/// When a book is damaged, or the disk refuses.
pub fn read(folder: &Path) -> Result<BTreeMap<(u64, Address), Story>, LogError> {
    let mut found: BTreeMap<(u64, Address), Story> = BTreeMap::new();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(source) => {
            return Err(LogError::Disk { path: folder.to_owned(), doing: "look into it", source });
        }
    };
    let mut names: Vec<_> = entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    for name in names {
        // 31337-0x….log
        let whose = name.strip_suffix(".log").and_then(|n| n.split_once('-'));
        if !whose.is_some_and(|(_, account)| account.starts_with("0x")) {
            continue;
        }
        let (chain, _, pages) = peek(&folder.join(&name))?;
        for (_, order) in pages.orders() {
            note(&mut found, chain, order);
        }
    }
    for story in found.values_mut() {
        story.parts.sort_by_key(|p| p.first);
    }
    Ok(found)
}

fn note(found: &mut BTreeMap<(u64, Address), Story>, chain: u64, order: &Order) {
    let Some(generation) = order.generations.last() else { return };
    let (state, landed) = (state(generation), generation.mined.as_ref());
    let last = generation.attempts.last();
    let hash = landed.map(|l| l.hash).or(last.map(|a| a.hash)).unwrap_or_default();
    let transaction = B256::from(hash);
    let Some((tx, _)) = last.and_then(|a| Tx::read(&a.raw)) else { return };
    let Some(to) = tx.to else {
        let name = deployed(&tx.data).map(|setup| setup.name);
        if let Some(at) = landed.filter(|l| l.ok).and_then(|l| l.created) {
            found.entry((chain, Address::from(at))).or_default().name = name;
        }
        return;
    };
    let story = found.entry((chain, to)).or_default();
    match Collection::CollectionCalls::abi_decode_validate(&tx.data) {
        Ok(CollectionCalls::mintBatch(call)) => story.parts.push(Part {
            first: call.first.saturating_to(),
            count: call.quantity.saturating_to(),
            to: call.to,
            state,
            transaction,
        }),
        Ok(CollectionCalls::mintOne(call)) => story.singles.push((call.to, state, transaction)),
        _ if state == State::Pending => story.pending.push(order.words.clone()),
        _ => {}
    }
}

/// A transaction of some book in a folder, as it was sent.
pub(crate) fn raw(folder: &Path, hash: &kiln_ledger::Hash) -> Result<Option<Vec<u8>>, LogError> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(None) };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.contains("-0x") {
            let (_, _, pages) = peek(&entry.path())?;
            let attempts = pages
                .orders()
                .flat_map(|(_, o)| &o.generations)
                .flat_map(|g| &g.attempts)
                .find(|a| a.hash == *hash);
            if let Some(attempt) = attempts {
                return Ok(Some(attempt.raw.clone()));
            }
        }
    }
    Ok(None)
}
