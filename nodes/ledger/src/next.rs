//! What to do next about a transaction: decided from the book and from what the chain says, and from nothing else.

use crate::book::{Ended, Generation, Landed};
use crate::drive::{Rules, View};

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write down that it is in a block.
    Mined(Landed),
    /// Write down that it is in no block any more.
    Vanished,
    /// Write down that it is deep enough to stay.
    Final(Landed),
    /// The nonce is used up, and not by a transaction of ours that we can see: find out by whom.
    WhoUsed,
    /// Write down that it can never land: this transaction has its nonce, deep enough to stay.
    Void(crate::Hash, u64),
    /// Send this attempt (again).
    Send(usize),
    /// Sign another with the same nonce: this one is stuck, or no node takes it.
    Again,
    /// Nothing now.
    Wait,
    /// It ended.
    Ended(Ended),
}

/// Decides about a generation. `quiet` is how long ago (in milliseconds) one of its attempts was last sent by this
/// process; `None`: not yet.
#[must_use]
pub fn step(generation: &Generation, view: &View, rules: &Rules, quiet: Option<u64>) -> Step {
    if let Some(ended) = &generation.ended {
        return Step::Ended(ended.clone());
    }
    let deep = |block: u64| view.head.saturating_add(1).saturating_sub(block) >= rules.confirmations.max(1);
    let landed = view.landed.iter().flatten().find(|l| generation.attempts.iter().any(|a| a.hash == l.hash));
    if let Some(landed) = landed {
        if deep(landed.block) {
            return Step::Final(landed.clone());
        }
        let same = |m: &Landed| m.hash == landed.hash && m.block_hash == landed.block_hash;
        return if generation.mined.as_ref().is_some_and(same) {
            Step::Wait
        } else {
            Step::Mined(landed.clone())
        };
    }
    if generation.mined.is_some() {
        return Step::Vanished;
    }
    if view.used > generation.nonce {
        return match &view.user {
            None => Step::WhoUsed,
            // A node that knows the block but not the receipt yet: it comes.
            Some((hash, _)) if generation.attempts.iter().any(|a| a.hash == *hash) => Step::Wait,
            Some((hash, block)) if deep(*block) => Step::Void(*hash, *block),
            Some(_) => Step::Wait,
        };
    }
    let Some(last) = generation.attempts.iter().rposition(|a| !a.refused) else { return Step::Again };
    let known = view.known.iter().any(|k| *k);
    match quiet {
        None if !known => Step::Send(last),
        Some(quiet) if !known && quiet >= rules.resend_ms => Step::Send(last),
        // Only what is next in line can be stuck by its fee.
        Some(quiet) if known && quiet >= rules.stuck_ms && view.used == generation.nonce => Step::Again,
        _ => Step::Wait,
    }
}
