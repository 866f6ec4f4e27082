//! The only way to a signature: the policy is asked about the very bytes that would be signed, and only then a permit is
//! made.

use crate::contract::{self, Collection, Voucher};
use crate::safe::{Proposal, Safe};
use crate::sign::{Permit, SignError, Signer};
use crate::tx::Tx;
use alloy_primitives::{Address, B256, Signature, keccak256};
use alloy_sol_types::SolInterface;
use kiln_ledger::{Asked, Counters, LogError, Policy, Refusal};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;

/// Why nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// The policy says no.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The key cannot be used.
    #[error("{0}")]
    Sign(#[from] SignError),
}

/// A signer within its policy.
pub struct Guard {
    signer: Arc<dyn Signer>,
    policy: Policy,
    /// None for a policy that counts nothing.
    counters: Option<Mutex<Counters>>,
}

const DAY_MS: u64 = 86_400_000;

impl Guard {
    /// A signer within a policy; the day's counters are kept in a file.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn new(
        signer: Arc<dyn Signer>,
        policy: Policy,
        counters: impl Into<PathBuf>,
    ) -> Result<Self, LogError> {
        Ok(Self { signer, policy, counters: Some(Mutex::new(Counters::open(counters)?)) })
    }

    /// A signer that may do anything, on one chain that is worth nothing.
    #[must_use]
    pub fn toy(signer: Arc<dyn Signer>, chain: u64) -> Self {
        Self { signer, policy: Policy::everything_on(chain), counters: None }
    }

    /// Whose signature it gives.
    #[must_use]
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// What a unit of gas may cost at most, in wei.
    #[must_use]
    pub fn max_fee(&self) -> u128 {
        self.policy.max_fee
    }

    fn allow(&self, asked: &Asked, id: B256, now: u64, makes: Option<Address>) -> Result<(), Refusal> {
        match &self.counters {
            Some(counters) => counters.lock().allow(&self.policy, asked, id.0, now, makes.map(|a| *a.0)),
            None => self.policy.judge(asked, &[]),
        }
    }

    /// Signs a transaction, if it may: as it is sent. `now`: milliseconds since 1970.
    ///
    /// # Errors
    /// When the policy or the key says no.
    pub fn transaction(&self, tx: &Tx, now: u64) -> Result<Vec<u8>, GuardError> {
        let asked = asked(tx);
        let from = self.address();
        // Of all transactions with one nonce, one can happen: they count as one.
        let mut id = b"transaction".to_vec();
        id.extend(tx.chain.to_be_bytes());
        id.extend(from.as_slice());
        id.extend(tx.nonce.to_be_bytes());
        let makes = tx.to.is_none().then(|| from.create(tx.nonce));
        self.allow(&asked, keccak256(id), now, makes)?;
        let signature = self.signer.sign(&Permit::new(tx.signing_hash()))?;
        let raw = tx.signed(&signature);
        match Tx::read(&raw) {
            Some((same, signer)) if same == *tx && signer == from => Ok(raw),
            _ => {
                Err(SignError("the signature is not the account's: the key's module is at fault".into())
                    .into())
            }
        }
    }

    /// Signs a voucher, if it may.
    ///
    /// # Errors
    /// When the policy or the key says no.
    pub fn voucher(
        &self,
        voucher: &Voucher,
        chain: u64,
        contract: Address,
        now: u64,
    ) -> Result<Signature, GuardError> {
        let left: u64 = voucher.expires.saturating_to::<u64>().saturating_sub(now / 1000);
        let asked = Asked {
            chain,
            contract: Some(*contract.0),
            function: "voucher".into(),
            recipients: vec![*voucher.to.0],
            tokens: 1,
            voucher: Some((voucher.price.saturating_to(), left.div_ceil(DAY_MS / 1000))),
            ..Asked::default()
        };
        let hash = contract::voucher_hash(voucher, chain, contract);
        // Vouchers of one id: one can be redeemed.
        let mut id = b"voucher".to_vec();
        id.extend(chain.to_be_bytes());
        id.extend(contract.as_slice());
        id.extend(voucher.id.as_slice());
        self.allow(&asked, keccak256(id), now, None)?;
        let signature = self.signer.sign(&Permit::new(hash))?;
        match signature.recover_address_from_prehash(&hash) {
            Ok(signer) if signer == self.address() => Ok(signature),
            _ => {
                Err(SignError("the signature is not the account's: the key's module is at fault".into())
                    .into())
            }
        }
    }
}

impl Guard {
    /// Signs a multisig's proposal as one of its owners, if it may: judged by what the multisig would do.
    ///
    /// # Errors
    /// When the policy or the key says no.
    pub fn proposal(&self, proposal: &Proposal, now: u64) -> Result<Signature, GuardError> {
        let mut asked = Asked {
            chain: proposal.chain,
            contract: Some(*proposal.to.0),
            via: Some(*proposal.safe.0),
            value: proposal.value.saturating_to(),
            ..Asked::default()
        };
        understand(&mut asked, proposal.to, &proposal.data);
        let hash = proposal.hash();
        self.allow(&asked, hash, now, None)?;
        let signature = self.signer.sign(&Permit::new(hash))?;
        match signature.recover_address_from_prehash(&hash) {
            Ok(signer) if signer == self.address() => Ok(signature),
            _ => {
                Err(SignError("the signature is not the account's: the key's module is at fault".into())
                    .into())
            }
        }
    }
}

/// What a transaction does, read from its bytes. What is not understood gets a name that no policy lists.
#[must_use]
pub fn asked(tx: &Tx) -> Asked {
    let mut asked = Asked {
        chain: tx.chain,
        contract: tx.to.map(|to| *to.0),
        value: tx.value.saturating_to(),
        gas: tx.gas,
        max_fee: tx.max_fee,
        ..Asked::default()
    };
    let Some(to) = tx.to else {
        match contract::deployed(&tx.data) {
            Some(setup) => {
                asked.function = "deploy".into();
                let all = [setup.admin, setup.minter, setup.metadata, setup.royaltyReceiver];
                asked.recipients = all.into_iter().filter(|a| !a.is_zero()).map(|a| *a.0).collect();
            }
            None => asked.function = "deploy of another contract".into(),
        }
        return asked;
    };
    // A multisig's transaction is what the multisig does; it may do it as a plain call only.
    if let Ok(Safe::SafeCalls::execTransaction(call)) = Safe::SafeCalls::abi_decode_validate(&tx.data) {
        asked.via = asked.contract.replace(*call.to.0);
        asked.value = asked.value.max(call.value.saturating_to());
        let plain = call.operation == 0
            && call.safeTxGas.is_zero()
            && call.baseGas.is_zero()
            && call.gasPrice.is_zero()
            && call.gasToken.is_zero()
            && call.refundReceiver.is_zero();
        if plain && Safe::SafeCalls::execTransaction(call.clone()).abi_encode() == tx.data.as_ref() {
            understand(&mut asked, call.to, &call.data);
        } else {
            asked.function = "a multisig's transaction that is not a plain call".into();
        }
        return asked;
    }
    understand(&mut asked, to, &tx.data);
    asked
}

/// Reads a call: its function, who is given something, how many tokens.
fn understand(asked: &mut Asked, to: Address, data: &[u8]) {
    use Collection::CollectionCalls as C;
    if data.is_empty() {
        asked.function = "transfer of money".into();
        asked.recipients = vec![*to.0];
        return;
    }
    let call = C::abi_decode_validate(data).ok().filter(|c| c.abi_encode() == data);
    let (name, recipients, tokens): (&str, Vec<Address>, u64) = match call {
        Some(C::mintBatch(c)) => ("mintBatch", vec![c.to], c.quantity.saturating_to()),
        Some(C::mintOne(c)) => ("mintOne", vec![c.to], 1),
        Some(C::redeem(c)) => ("redeem", vec![c.voucher.to], 1),
        Some(C::voidVoucher(_)) => ("voidVoucher", vec![], 0),
        Some(C::setBaseURI(_)) => ("setBaseURI", vec![], 0),
        Some(C::setProvenance(_)) => ("setProvenance", vec![], 0),
        Some(C::setDigest(_)) => ("setDigest", vec![], 0),
        Some(C::freeze(_)) => ("freeze", vec![], 0),
        Some(C::pause(_)) => ("pause", vec![], 0),
        Some(C::unpause(_)) => ("unpause", vec![], 0),
        Some(C::setRoyalty(c)) => ("setRoyalty", vec![c.receiver], 0),
        Some(C::withdraw(c)) => ("withdraw", vec![c.to], 0),
        Some(C::approve(c)) => ("approve", vec![c.to], 0),
        Some(C::setApprovalForAll(c)) => ("setApprovalForAll", vec![c.operator], 0),
        Some(C::transferFrom(c)) => ("transferFrom", vec![c.to], 0),
        Some(C::grantRole(c)) => ("grantRole", vec![c.account], 0),
        Some(C::revokeRole(_)) => ("revokeRole", vec![], 0),
        Some(C::renounceRole(_)) => ("renounceRole", vec![], 0),
        Some(C::beginDefaultAdminTransfer(c)) => ("beginDefaultAdminTransfer", vec![c.newAdmin], 0),
        Some(C::cancelDefaultAdminTransfer(_)) => ("cancelDefaultAdminTransfer", vec![], 0),
        Some(C::acceptDefaultAdminTransfer(_)) => ("acceptDefaultAdminTransfer", vec![], 0),
        _ => {
            let start = alloy_primitives::hex::encode_prefixed(&data[..data.len().min(4)]);
            asked.function = format!("a call that is not understood ({start})");
            return;
        }
    };
    asked.function = name.into();
    asked.recipients = recipients.into_iter().filter(|a| !a.is_zero()).map(|a| *a.0).collect();
    asked.tokens = tokens;
}
