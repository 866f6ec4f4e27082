//! The chain, the key and the clock as the driver of [`kiln_ledger`] wants them.

use crate::chain::{Chain, ChainError};
use crate::guard::{Guard, GuardError};
use crate::local::machine::TX_GAS_CAP;
use crate::rpc::{Rpc, RpcError};
use crate::tx::Tx;
use alloy_primitives::{Address, B256, U256, keccak256};
use kiln_ledger::{Attempt, Hash, Job, Landed, Sent, Trouble, View, World};
use std::collections::BTreeMap;

/// What lets time pass, and tells of steps.
pub trait Pace {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;
    /// Lets a while pass.
    ///
    /// # Errors
    /// When somebody asked to stop.
    fn rest(&self, ms: u64) -> Result<(), Trouble>;
    /// Asked before anything new is begun.
    ///
    /// # Errors
    /// When somebody asked to stop.
    fn may_go_on(&self) -> Result<(), Trouble> {
        Ok(())
    }
    /// `done` of `total` transactions are settled.
    fn progress(&self, done: usize, total: usize) {
        let _ = (done, total);
    }
}

/// Sends transactions of one account to one chain.
pub struct Sender<'a, R> {
    chain: &'a Chain<R>,
    guard: &'a Guard,
    pace: &'a dyn Pace,
    /// What a unit of gas may cost, in wei.
    ceiling: u128,
    /// How often in a row a job was refused when tried: a node that lags says no for a moment.
    refused: BTreeMap<Hash, u32>,
}

fn trouble(e: &ChainError) -> Trouble {
    match e {
        ChainError::Rpc(RpcError::Closed(_)) | ChainError::OtherChain { .. } => Trouble::Stop(e.to_string()),
        _ => Trouble::Passing(e.to_string()),
    }
}

fn guarded(words: &str, e: &GuardError) -> Trouble {
    Trouble::Stop(format!("{words}: {e}"))
}

/// An amount of wei as people write it.
#[must_use]
pub fn money(wei: U256, coin: &str) -> String {
    let unit = U256::from(1_000_000_000_000_000_000u64);
    let (whole, part) = (wei / unit, wei % unit);
    let part = format!("{part:0>18}");
    let part = part[..8].trim_end_matches('0');
    let less = if whole.is_zero() && part.is_empty() && !wei.is_zero() { "< 0.00000001" } else { "" };
    match (less.is_empty(), part.is_empty()) {
        (false, _) => format!("{less} {coin}"),
        (_, true) => format!("{whole} {coin}"),
        _ => format!("{whole}.{part} {coin}"),
    }
}

/// A price of gas as people write it.
#[must_use]
pub fn gwei(wei: u128) -> String {
    format!("{}.{:03} gwei", wei / 1_000_000_000, wei % 1_000_000_000 / 1_000_000)
}

impl<'a, R: Rpc> Sender<'a, R> {
    /// `ceiling`: what a unit of gas may cost, in wei; the policy's own ceiling holds too.
    pub fn new(chain: &'a Chain<R>, guard: &'a Guard, pace: &'a dyn Pace, ceiling: u128) -> Self {
        let ceiling = ceiling.min(guard.max_fee());
        Self { chain, guard, pace, ceiling, refused: BTreeMap::new() }
    }

    fn account(&self) -> Address {
        self.guard.address()
    }

    /// What to pay for gas now: the most, and the tip.
    fn fees(&self) -> Result<(u128, u128), Trouble> {
        let prices = self.chain.prices().map_err(|e| trouble(&e))?;
        if prices.base.saturating_add(prices.tip.min(self.ceiling / 10)) > self.ceiling {
            let (now, most) = (gwei(prices.base.saturating_add(prices.tip)), gwei(self.ceiling));
            return Err(Trouble::Passing(format!("gas costs {now}, more than the ceiling of {most}")));
        }
        let max_fee = prices.base.saturating_mul(2).saturating_add(prices.tip).min(self.ceiling);
        Ok((max_fee, prices.tip.min(max_fee)))
    }

    fn attempt(&self, tx: &Tx, words: &str) -> Result<Attempt, Trouble> {
        let raw = self.guard.transaction(tx, self.pace.now()).map_err(|e| guarded(words, &e))?;
        Ok(Attempt {
            hash: keccak256(&raw).0,
            nonce: tx.nonce,
            raw,
            max_fee: tx.max_fee,
            tip: tx.tip,
            gas: tx.gas,
            refused: false,
        })
    }
}

impl<R: Rpc> World for Sender<'_, R> {
    fn look(&mut self, hashes: &[Hash]) -> Result<View, Trouble> {
        let ask = |e: ChainError| trouble(&e);
        let account = self.account();
        let mut view = View {
            head: self.chain.head().map_err(ask)?,
            used: self.chain.nonce(account, None).map_err(ask)?,
            ..View::default()
        };
        view.pending =
            if hashes.is_empty() { self.chain.pending_nonce(account).map_err(ask)? } else { view.used };
        for hash in hashes {
            let receipt = self.chain.receipt(B256::from(*hash)).map_err(ask)?;
            let landed = match receipt {
                None => None,
                Some(r) => {
                    // A node may still tell of a block that is no longer of the chain.
                    let number: u64 = r.block_number.saturating_to();
                    let block = self.chain.block(Some(number)).map_err(ask)?;
                    block.filter(|b| b.hash == r.block_hash).map(|_| Landed {
                        hash: *hash,
                        block: number,
                        block_hash: r.block_hash.0,
                        ok: r.status == Some(U256::from(1)),
                        gas_used: r.gas_used.saturating_to(),
                        gas_price: r.effective_gas_price.unwrap_or_default().saturating_to(),
                        created: r.contract_address.map(|a| *a.0),
                    })
                }
            };
            let known = landed.is_some() || self.chain.knows(B256::from(*hash)).map_err(ask)?;
            view.known.push(known);
            view.landed.push(landed);
        }
        Ok(view)
    }

    fn who_used(&mut self, nonce: u64, since: u64) -> Result<Option<(Hash, u64)>, Trouble> {
        // The block that was newest when it was begun may be of a chain that is gone.
        let since = since.saturating_sub(64);
        let found = self.chain.who_used(self.account(), nonce, since).map_err(|e| trouble(&e))?;
        Ok(found.map(|(hash, block)| (hash.0, block)))
    }

    fn sign(&mut self, job: &Job, nonce: u64, _: Option<&Attempt>) -> Result<Attempt, Trouble> {
        let (from, call) = (self.account(), &job.call);
        let (to, value) = (call.to.map(Address::from), U256::from(call.value));
        let needed = match self.chain.estimate(from, to, value, &call.data) {
            Ok(gas) => gas,
            Err(ChainError::Reverted(why)) => {
                let tries = self.refused.entry(job.id).or_default();
                *tries += 1;
                let said = format!("{} would fail: {why}", job.words);
                return Err(if *tries < 3 { Trouble::Passing(said) } else { Trouble::Stop(said) });
            }
            Err(e) => return Err(trouble(&e)),
        };
        self.refused.remove(&job.id);
        if needed > TX_GAS_CAP {
            return Err(Trouble::Stop(format!(
                "{} needs {needed} gas, more than the {TX_GAS_CAP} that a transaction may use; make it smaller",
                job.words
            )));
        }
        let gas = needed.saturating_add(needed / 20 + 3_000).min(TX_GAS_CAP);
        let (max_fee, tip) = self.fees()?;
        let most = U256::from(gas).saturating_mul(U256::from(max_fee)).saturating_add(value);
        let has = self.chain.balance(from).map_err(|e| trouble(&e))?;
        if has < most {
            let coin = self.chain.network().coin;
            return Err(Trouble::Stop(format!(
                "{} may cost {}, and the account {from} has {}; send it more",
                job.words,
                money(most, coin),
                money(has, coin)
            )));
        }
        let chain = self.chain.network().chain;
        let tx = Tx { chain, nonce, tip, max_fee, gas, to, value, data: call.data.clone().into() };
        self.attempt(&tx, &job.words)
    }

    fn outbid(&mut self, attempt: &Attempt) -> Result<Option<Attempt>, Trouble> {
        let Some((mut tx, _)) = Tx::read(&attempt.raw) else { return Ok(None) };
        // Nodes ask for a tenth more, of both.
        let more = |fee: u128| fee.saturating_add(fee / 8).saturating_add(1);
        let (now, tip) = self.fees()?;
        let least = more(tx.max_fee);
        if least > self.ceiling {
            return Ok(None);
        }
        tx.max_fee = least.max(now).min(self.ceiling);
        tx.tip = more(tx.tip).max(tip).min(tx.max_fee);
        self.attempt(&tx, "a higher fee").map(Some)
    }

    fn send(&mut self, attempt: &Attempt) -> Result<Sent, Trouble> {
        let no = match self.chain.send(&attempt.raw) {
            Ok(()) => return Ok(Sent::Taken),
            Err(RpcError::Refused { code, message, .. }) if code != -32603 => message,
            Err(RpcError::Closed(why)) => return Err(Trouble::Stop(why)),
            Err(other) => return Err(Trouble::Passing(other.to_string())),
        };
        let said = no.to_lowercase();
        let there = [
            "already known",
            "known transaction",
            "already imported",
            "already exists",
            "nonce too low",
            "nonce too high",
            "underpriced",
        ];
        if there.iter().any(|t| said.contains(t)) {
            // It is there, or a rival is, or what comes before it is missing: looking will tell.
            return Ok(Sent::Taken);
        }
        if said.contains("insufficient funds") {
            return Err(Trouble::Stop(format!("the account {} has too little money: {no}", self.account())));
        }
        Ok(Sent::Refused(no))
    }

    fn now(&self) -> u64 {
        self.pace.now()
    }
    fn rest(&mut self, ms: u64) -> Result<(), Trouble> {
        self.pace.rest(ms)
    }
    fn may_go_on(&self) -> Result<(), Trouble> {
        self.pace.may_go_on()
    }
    fn progress(&mut self, done: usize, total: usize) {
        self.pace.progress(done, total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_for_people() {
        let eth = U256::from(1_000_000_000_000_000_000u64);
        assert_eq!(money(U256::ZERO, "ETH"), "0 ETH");
        assert_eq!(money(eth, "ETH"), "1 ETH");
        assert_eq!(money(eth / U256::from(20), "ETH"), "0.05 ETH");
        assert_eq!(money(U256::from(1), "POL"), "< 0.00000001 POL");
        assert_eq!(gwei(1_500_000_000), "1.500 gwei");
    }
}
