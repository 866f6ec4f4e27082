//! What steps would need: they are done on a chain of their own, for nothing, that is thrown away.

use crate::chain::Chain;
use crate::contract::{Collection, MAX_PER_TRANSACTION, Setup};
use crate::guard::Guard;
use crate::local::Local;
use crate::mint::{Bench, MintError, Wanted};
use crate::network::Network;
use crate::send::Pace;
use crate::sign::Source;
use crate::tx::Tx;
use alloy_primitives::{Address, B256, aliases::U24};
use kiln_ledger::{Landed, Trouble};
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The contract; what is written empty is the account's own.
    Deploy(Setup),
    /// A batch's base URI.
    BaseUri(u32, String),
    /// A batch's provenance hash.
    Provenance(u32),
    /// So many tokens of a batch, so many in one transaction.
    Mint(u32, u64, u64),
    /// One token with a digest.
    One,
    /// A batch settled for ever.
    Freeze(u32),
}

/// A transaction of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// What it uses.
    pub gas: u64,
    /// What it carries.
    pub data: Vec<u8>,
}

/// Time passes only while somebody waits.
struct Still(Cell<u64>);

impl Pace for Still {
    fn now(&self) -> u64 {
        self.0.get()
    }
    fn rest(&self, ms: u64) -> Result<(), Trouble> {
        self.0.set(self.0.get().saturating_add(ms));
        Ok(())
    }
}

/// Does the steps one after the other in an empty folder; what each needs, in transactions. `now`: milliseconds since
/// 1970.
///
/// # Errors
/// When one would fail.
pub fn rehearse(folder: &Path, now: u64, steps: &[Step]) -> Result<Vec<Vec<Needed>>, MintError> {
    let stop = |e: &dyn std::fmt::Display| MintError::Stop(e.to_string());
    let network = Network::by_name("local").ok_or_else(|| stop(&"there is no embedded chain"))?;
    let local = Local::open(folder.join("local.log"), Arc::new(move || now)).map_err(|e| stop(&e))?;
    let guard = Guard::toy(Source::Toy.open(&|_| None).map_err(|e| stop(&e))?, network.chain);
    let own = guard.address();
    local.fund(own).map_err(|e| stop(&e))?;
    let chain = Chain::open(&local, network)?;
    let pace = Still(Cell::new(now));
    let bench = Bench { chain: &chain, guard: &guard, pace: &pace, folder, ceiling: u128::MAX, rules: None };
    let needed = |landed: &Landed| -> Result<Needed, MintError> {
        // The transaction itself is in the book; here only how long its data are matters.
        let raw = crate::told::raw(folder, &landed.hash).map_err(|e| stop(&e))?;
        let data = raw.and_then(|raw| Tx::read(&raw)).map(|(tx, _)| tx.data.to_vec()).unwrap_or_default();
        Ok(Needed { gas: landed.gas_used, data })
    };
    let (mut contract, mut all) = (Address::ZERO, Vec::new());
    for (at, step) in steps.iter().enumerate() {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&(at as u64 + 1).to_be_bytes());
        let landed = match step {
            Step::Deploy(setup) => {
                let or_own = |a: Address| if a.is_zero() { own } else { a };
                let mut setup = setup.clone();
                // Whoever they will be, here one account does everything.
                (setup.admin, setup.minter, setup.metadata) = (or_own(setup.admin), own, own);
                let (at, landed) = bench.deploy(&key, &setup)?;
                contract = at;
                vec![landed]
            }
            Step::BaseUri(batch, uri) => {
                let batch = U24::saturating_from(*batch);
                let call = Collection::setBaseURICall { batch, uri: uri.clone() };
                vec![bench.call(&key, "set the base URI", contract, &call)?]
            }
            Step::Provenance(batch) => {
                let call = Collection::setProvenanceCall {
                    batch: U24::saturating_from(*batch),
                    hash: B256::repeat_byte(0xa5),
                };
                vec![bench.call(&key, "set the provenance hash", contract, &call)?]
            }
            Step::Mint(batch, count, per) => {
                let per_transaction = (*per).clamp(1, MAX_PER_TRANSACTION);
                let wanted =
                    Wanted { contract, to: own, batch: *batch, count: *count, first: None, per_transaction };
                bench.mint_batch(&key, &wanted)?.1
            }
            Step::One => {
                let digest = B256::from(crate::mint::name(&key, "digest"));
                vec![bench.mint_one(&key, contract, own, digest)?.1]
            }
            Step::Freeze(batch) => {
                let call = Collection::freezeCall { batch: U24::saturating_from(*batch) };
                vec![bench.call(&key, "freeze", contract, &call)?]
            }
        };
        all.push(landed.iter().map(needed).collect::<Result<_, _>>()?);
    }
    Ok(all)
}
