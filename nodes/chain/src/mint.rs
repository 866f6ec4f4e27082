//! What the chain nodes do: each thing once, named by a key, with what has to be the same after a crash in the book.

use crate::chain::{Chain, ChainError};
use crate::contract::{self, Collection, MAX_PER_TRANSACTION, Setup, Voucher};
use crate::guard::Guard;
use crate::local::machine::TX_GAS_CAP;
use crate::rpc::{Rpc, RpcError};
use crate::send::{Pace, Sender};
use alloy_primitives::{Address, B256, U256, aliases::U24, keccak256};
use alloy_sol_types::SolCall;
use kiln_ledger::book::{Book, Pages, Record};
use kiln_ledger::{Call, Hash, Job, Landed, Log, Trouble, drive, hex};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MintError {
    /// The chain.
    #[error("{0}")]
    Chain(#[from] ChainError),
    /// A person has to do something.
    #[error("{0}")]
    Stop(String),
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl From<Trouble> for MintError {
    fn from(e: Trouble) -> Self {
        match e {
            Trouble::Cancelled => Self::Cancelled,
            Trouble::Passing(why) | Trouble::Stop(why) => Self::Stop(why),
        }
    }
}

impl From<kiln_ledger::LogError> for MintError {
    fn from(e: kiln_ledger::LogError) -> Self {
        Self::Stop(e.to_string())
    }
}

/// Tokens of a batch that are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The collection.
    pub contract: Address,
    /// Who gets them.
    pub to: Address,
    /// Their batch.
    pub batch: u32,
    /// How many.
    pub count: u64,
    /// The first one's number; `None`: whatever is next.
    pub first: Option<u64>,
    /// How many in one transaction.
    pub per_transaction: u64,
}

/// How they are minted: kept in the book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The first one's number.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// How many in one transaction.
    pub per: u64,
}

impl Plan {
    /// The transactions: first token and how many.
    #[must_use]
    pub fn parts(&self) -> Vec<(u64, u64)> {
        let per = self.per.clamp(1, MAX_PER_TRANSACTION);
        (0..self.count.div_ceil(per)).map(|i| (self.first + i * per, per.min(self.count - i * per))).collect()
    }
}

/// What minting would cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// How.
    pub plan: Plan,
    /// Gas of each transaction: the first tried on the chain, those after it counted from it.
    pub gas: Vec<u64>,
    /// What gas costs now, in wei.
    pub gas_price: u128,
    /// For data that is stored elsewhere, in wei.
    pub data_fee: U256,
    /// All together, in wei.
    pub total: U256,
}

/// A chain, a key and a book: what is needed to do something.
pub struct Bench<'a, R> {
    /// The chain.
    pub chain: &'a Chain<R>,
    /// The key.
    pub guard: &'a Guard,
    /// The clock.
    pub pace: &'a dyn Pace,
    /// Where the books are.
    pub folder: &'a Path,
    /// What a unit of gas may cost, in wei.
    pub ceiling: u128,
    /// Other than the network's own.
    pub rules: Option<drive::Rules>,
}

/// A name made of a key and a word.
#[must_use]
pub fn name(key: &Hash, word: &str) -> Hash {
    let mut bytes = key.to_vec();
    bytes.extend(word.as_bytes());
    keccak256(bytes).0
}

impl<R: Rpc> Bench<'_, R> {
    fn book(&self) -> Result<Book, MintError> {
        self.book_of(self.guard.address())
    }

    fn book_of(&self, account: Address) -> Result<Book, MintError> {
        let chain = self.chain.network().chain;
        let path = self.folder.join(format!("{chain}-{account:#x}.log"));
        Ok(Book::open(path, chain, *account.0)?)
    }

    /// Makes sure that something is done with one account only: what was begun with another may still land, and its book
    /// is not ours. `orders`: what it would be called in another's book.
    fn claim(&self, key: &Hash, orders: &dyn Fn(&Pages) -> Vec<Hash>) -> Result<(), MintError> {
        let (own, key) = (self.guard.address(), hex::show(key));
        let mut log = Log::open(self.folder.join(format!("{}-accounts.log", self.chain.network().chain)))?;
        let (mut held, lines) = log.hold_within(self.patience())?;
        let mut last = None;
        for (_, account) in lines.iter().filter_map(|l| l.split_once(' ')).filter(|(k, _)| *k == key) {
            let Ok(account) = account.parse::<Address>() else { continue };
            last = Some(account);
            if account == own {
                continue;
            }
            let mut book = self.book_of(account)?;
            let writing = book.hold(self.patience())?;
            if orders(writing.pages()).iter().any(|id| writing.pages().order(id).is_some()) {
                return Err(MintError::Stop(format!(
                    "this was begun with the account {account}, whose transactions may still be on their way; sign with \
                     that one"
                )));
            }
        }
        if last != Some(own) {
            held.append(&format!("{key} {own:#x}"))?;
        }
        Ok(())
    }

    fn rules(&self) -> drive::Rules {
        self.rules.unwrap_or_else(|| self.chain.network().rules())
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(self.rules().patience_ms)
    }

    /// Brings transactions onto the chain, one after the other, each once.
    ///
    /// # Errors
    /// When a person has to do something.
    pub fn run(&self, jobs: &[Job]) -> Result<Vec<Landed>, MintError> {
        let mut book = self.book()?;
        let mut writing = book.hold(self.patience())?;
        let mut sender = Sender::new(self.chain, self.guard, self.pace, self.ceiling);
        Ok(drive::run_held(&mut writing, &mut sender, self.rules(), jobs)?)
    }

    /// Calls a function of a contract, once.
    ///
    /// # Errors
    /// When a person has to do something.
    pub fn call(
        &self,
        key: &Hash,
        words: &str,
        contract: Address,
        call: &impl SolCall,
    ) -> Result<Landed, MintError> {
        let call = Call { to: Some(*contract.0), value: 0, data: call.abi_encode() };
        self.one(key, Job { id: name(key, "call"), words: words.into(), call })
    }

    pub(crate) fn one(&self, key: &Hash, job: Job) -> Result<Landed, MintError> {
        self.claim(key, &|_| vec![job.id])?;
        let landed = self.run(&[job])?;
        landed.into_iter().next().ok_or_else(|| MintError::Stop("nothing came of it".into()))
    }

    /// Deploys the contract, once; tells where it is.
    ///
    /// # Errors
    /// When a person has to do something.
    pub fn deploy(&self, key: &Hash, setup: &Setup) -> Result<(Address, Landed), MintError> {
        let call = Call { to: None, value: 0, data: contract::deploying(setup) };
        let words = format!("deploy {:?}", setup.name);
        let landed = self.one(key, Job { id: name(key, "deploy"), words, call })?;
        let created = landed.created.map(Address::from);
        let address = created.ok_or_else(|| MintError::Stop("no contract came of the deployment".into()))?;
        Ok((address, landed))
    }

    /// Mints tokens of a batch, in as many transactions as needed; tells how, and where each landed.
    ///
    /// # Errors
    /// When a person has to do something.
    pub fn mint_batch(&self, key: &Hash, wanted: &Wanted) -> Result<(Plan, Vec<Landed>), MintError> {
        let note = name(key, "plan");
        let planned = |pages: &Pages| -> Option<Plan> {
            pages.note(&note).and_then(|text| serde_json::from_str(text).ok())
        };
        self.claim(key, &|pages| {
            let plan = planned(pages);
            plan.map_or_else(Vec::new, |p| jobs(key, wanted, &p).iter().map(|j| j.id).collect())
        })?;
        let mut book = self.book()?;
        let mut writing = book.hold(self.patience())?;
        let known = planned(writing.pages());
        // A plan holds once something of it was begun; until then others may have minted, and it is made anew.
        let begun = known
            .as_ref()
            .is_some_and(|p| jobs(key, wanted, p).iter().any(|j| writing.pages().order(&j.id).is_some()));
        let plan = match known {
            Some(plan) if begun => plan,
            _ => {
                let plan = self.plan(wanted)?;
                let text = serde_json::to_string(&plan).map_err(|e| MintError::Stop(e.to_string()))?;
                writing.write(&Record::Note { name: note, text })?;
                plan
            }
        };
        let mut sender = Sender::new(self.chain, self.guard, self.pace, self.ceiling);
        let landed = drive::run_held(&mut writing, &mut sender, self.rules(), &jobs(key, wanted, &plan))?;
        Ok((plan, landed))
    }

    /// How tokens would be minted now; everything is looked at that would make it fail.
    ///
    /// # Errors
    /// When it would fail.
    pub fn plan(&self, wanted: &Wanted) -> Result<Plan, MintError> {
        let stop = |what: String| Err(MintError::Stop(what));
        if wanted.count == 0 {
            return stop("no tokens are wanted".into());
        }
        let number = |n: U256| n.saturating_to::<u64>();
        let next = number(self.chain.call(wanted.contract, &Collection::nextTokenIdCall {})?);
        let cap = number(self.chain.call(wanted.contract, &Collection::maxSupplyCall {})?);
        let first = wanted.first.unwrap_or(next);
        if first != next {
            return stop(format!(
                "token {next} is minted next, not {first}: what is minted cannot be chosen"
            ));
        }
        if wanted.count > cap.saturating_sub(next) {
            let left = cap.saturating_sub(next);
            return stop(format!("only {left} tokens are left below the cap of {cap}, not {}", wanted.count));
        }
        if self.chain.call(wanted.contract, &Collection::pausedCall {})? {
            return stop("the contract is paused".into());
        }
        let mut per = wanted.per_transaction.clamp(1, MAX_PER_TRANSACTION);
        // Tried as it will be; who takes tokens by a contract of their own may need much more gas for each.
        loop {
            let call = mint_call(wanted, first, per.min(wanted.count));
            match self.chain.estimate(self.guard.address(), Some(wanted.contract), U256::ZERO, &call) {
                Ok(gas) if gas <= TX_GAS_CAP / 20 * 19 => break,
                Err(e) if per == 1 || !may_be_gas(&e) => return Err(e.into()),
                Ok(_) if per == 1 => break,
                _ => per = per.min(wanted.count).div_ceil(2),
            }
        }
        Ok(Plan { first, count: wanted.count, per })
    }

    /// What minting would cost now.
    ///
    /// # Errors
    /// When it would fail.
    pub fn cost(&self, wanted: &Wanted) -> Result<Cost, MintError> {
        let plan = self.plan(wanted)?;
        let parts = plan.parts();
        let from = self.guard.address();
        let calls: Vec<Vec<u8>> =
            parts.iter().map(|(first, count)| mint_call(wanted, *first, *count)).collect();
        let first = match calls.first() {
            Some(call) => self.chain.estimate(from, Some(wanted.contract), U256::ZERO, call)?,
            None => 0,
        };
        // Only the first can be tried: the others need it. They differ by how many they mint.
        let each = PER_TOKEN;
        let whole = parts.first().map_or(0, |p| p.1);
        let gas: Vec<u64> = parts.iter().map(|p| first.saturating_sub((whole - p.1) * each)).collect();
        let prices = self.chain.prices()?;
        let gas_price = prices.base.saturating_add(prices.tip);
        let mut data_fee = U256::ZERO;
        if let Some(call) = calls.first() {
            // All are of one length.
            let one = self.chain.data_fee(Some(wanted.contract), call, gas_price)?;
            data_fee = one.saturating_mul(U256::from(calls.len()));
        }
        let sum: u64 = gas.iter().sum();
        let total = U256::from(sum).saturating_mul(U256::from(gas_price)).saturating_add(data_fee);
        Ok(Cost { plan, gas, gas_price, data_fee, total })
    }

    /// Mints one token with a digest of its own, once; tells its number.
    ///
    /// # Errors
    /// When a person has to do something.
    pub fn mint_one(
        &self,
        key: &Hash,
        contract: Address,
        to: Address,
        digest: B256,
    ) -> Result<(u64, Landed), MintError> {
        let id = B256::from(name(key, "token"));
        let call = Collection::mintOneCall { to, digest, id };
        let landed = self.call(key, &format!("mint a token for {to}"), contract, &call)?;
        let receipt = self.chain.receipt(B256::from(landed.hash))?;
        // SingleMinted(id, to, tokenId, digest): the third of its topics is the number.
        let kind = keccak256("SingleMinted(bytes32,address,uint256,bytes32)");
        let token = receipt.iter().flat_map(|r| &r.logs).find_map(|log| {
            let ours = log.address == contract
                && log.topics.first() == Some(&kind)
                && log.topics.get(1) == Some(&id);
            ours.then(|| log.topics.get(3).copied()).flatten()
        });
        let token = token.ok_or_else(|| MintError::Stop("the receipt tells of no token".into()))?;
        Ok((U256::from_be_bytes(token.0).saturating_to(), landed))
    }

    /// Signs a voucher: for one buyer, once.
    ///
    /// # Errors
    /// When the policy or the key says no.
    pub fn voucher(
        &self,
        contract: Address,
        voucher: &Voucher,
    ) -> Result<alloy_primitives::Signature, MintError> {
        let chain = self.chain.network().chain;
        self.guard
            .voucher(voucher, chain, contract, self.pace.now())
            .map_err(|e| MintError::Stop(e.to_string()))
    }
}

/// Whether a call may have failed for want of gas. A receiver that runs out of it looks like one that takes no tokens, so
/// every refusal of many is tried with fewer; what is wrong with one is wrong.
fn may_be_gas(e: &ChainError) -> bool {
    matches!(e, ChainError::Reverted(_) | ChainError::Rpc(RpcError::Refused { .. }))
}

/// What a token more adds to a batch's gas.
const PER_TOKEN: u64 = 1_928;

fn mint_call(wanted: &Wanted, first: u64, count: u64) -> Vec<u8> {
    Collection::mintBatchCall {
        to: wanted.to,
        quantity: U256::from(count),
        batch: U24::saturating_from(wanted.batch),
        first: U256::from(first),
    }
    .abi_encode()
}

fn jobs(key: &Hash, wanted: &Wanted, plan: &Plan) -> Vec<Job> {
    let parts = plan.parts();
    parts
        .iter()
        .map(|(first, count)| Job {
            id: name(key, &format!("mint {first} {count}")),
            words: format!("mint tokens {first} to {}", first + count - 1),
            call: Call { to: Some(*wanted.contract.0), value: 0, data: mint_call(wanted, *first, *count) },
        })
        .collect()
}
