//! What a multisig (a Safe) is asked to do: a file that goes from owner to owner until enough of them have signed, and
//! is then sent by anybody.

use crate::chain::{Chain, ChainError};
use crate::rpc::Rpc;
use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256};
use alloy_sol_types::{SolValue, sol};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

sol! {
    #[derive(Debug, PartialEq, Eq)]
    interface Safe {
        function execTransaction(
            address to, uint256 value, bytes calldata data, uint8 operation, uint256 safeTxGas, uint256 baseGas,
            uint256 gasPrice, address gasToken, address payable refundReceiver, bytes memory signatures
        ) external payable returns (bool success);
        function getTransactionHash(
            address to, uint256 value, bytes calldata data, uint8 operation, uint256 safeTxGas, uint256 baseGas,
            uint256 gasPrice, address gasToken, address refundReceiver, uint256 nonce
        ) external view returns (bytes32);
        function nonce() external view returns (uint256);
        function getThreshold() external view returns (uint256);
        function getOwners() external view returns (address[] memory);
    }
}

/// Why a proposal cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SafeError {
    /// The chain.
    #[error("{0}")]
    Chain(#[from] ChainError),
    /// The proposal or its file.
    #[error("{0}")]
    Proposal(String),
}

/// What a Safe is asked to do: a plain call, with its owners' signatures so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// In words, for whoever signs.
    pub words: String,
    /// The chain's number.
    pub chain: u64,
    /// The Safe.
    pub safe: Address,
    /// Whom it calls.
    pub to: Address,
    /// What it sends along, in wei.
    pub value: U256,
    /// The call.
    pub data: Bytes,
    /// The Safe's count of transactions before: it is done once.
    pub nonce: U256,
    /// Signatures, by owner.
    #[serde(default)]
    pub signatures: BTreeMap<Address, Bytes>,
}

impl Proposal {
    /// Proposes a call as the next thing a Safe does.
    ///
    /// # Errors
    /// When the chain does not answer, or it is no Safe.
    pub fn new<R: Rpc>(
        chain: &Chain<R>,
        safe: Address,
        words: &str,
        to: Address,
        data: Vec<u8>,
    ) -> Result<Self, SafeError> {
        let nonce = chain.call(safe, &Safe::nonceCall {})?;
        let proposal = Self {
            words: words.to_owned(),
            chain: chain.network().chain,
            safe,
            to,
            value: U256::ZERO,
            data: data.into(),
            nonce,
            signatures: BTreeMap::new(),
        };
        // What owners sign is computed here; the Safe has to mean the same by it.
        let there = chain.call(
            safe,
            &Safe::getTransactionHashCall {
                to,
                value: U256::ZERO,
                data: proposal.data.clone(),
                operation: 0,
                safeTxGas: U256::ZERO,
                baseGas: U256::ZERO,
                gasPrice: U256::ZERO,
                gasToken: Address::ZERO,
                refundReceiver: Address::ZERO,
                nonce,
            },
        )?;
        if there != proposal.hash() {
            return Err(SafeError::Proposal(format!(
                "{safe} is a multisig of another kind: its hashes differ"
            )));
        }
        Ok(proposal)
    }

    /// What owners sign (EIP-712).
    #[must_use]
    pub fn hash(&self) -> B256 {
        let domain = keccak256("EIP712Domain(uint256 chainId,address verifyingContract)");
        let domain = keccak256((domain, U256::from(self.chain), self.safe).abi_encode());
        let kind = keccak256(
            "SafeTx(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas,uint256 \
             gasPrice,address gasToken,address refundReceiver,uint256 nonce)",
        );
        let zero = U256::ZERO;
        let none = Address::ZERO;
        let said = (
            kind,
            self.to,
            self.value,
            keccak256(&self.data),
            zero,
            zero,
            zero,
            zero,
            none,
            none,
            self.nonce,
        );
        let mut all = vec![0x19, 0x01];
        all.extend_from_slice(domain.as_slice());
        all.extend_from_slice(keccak256(said.abi_encode()).as_slice());
        keccak256(all)
    }

    /// Adds an owner's signature; whose it is, it tells itself.
    ///
    /// # Errors
    /// When it is a signature of something else.
    pub fn add(&mut self, signature: &Signature) -> Result<Address, SafeError> {
        let owner = signature.normalized_s().recover_address_from_prehash(&self.hash());
        let owner = owner.map_err(|_| SafeError::Proposal("that is no signature".into()))?;
        self.signatures.insert(owner, signature.normalized_s().as_bytes().to_vec().into());
        Ok(owner)
    }

    /// Adds the signatures of a copy that went to somebody else.
    ///
    /// # Errors
    /// When it is another proposal, or a signature is none.
    pub fn merge(&mut self, other: &Self) -> Result<(), SafeError> {
        if other.hash() != self.hash() {
            return Err(SafeError::Proposal("these are two different proposals".into()));
        }
        for bytes in other.signatures.values() {
            let signature = Signature::from_raw(bytes);
            self.add(&signature.map_err(|_| SafeError::Proposal("that is no signature".into()))?)?;
        }
        Ok(())
    }

    /// The transaction that does it, once enough owners have signed.
    ///
    /// # Errors
    /// When too few have, somebody signed who is no owner, or the Safe did something else meanwhile.
    pub fn execution<R: Rpc>(&self, chain: &Chain<R>) -> Result<Safe::execTransactionCall, SafeError> {
        let stop = |what: String| Err(SafeError::Proposal(what));
        if chain.network().chain != self.chain {
            return stop(format!("the proposal is for chain {}", self.chain));
        }
        let nonce = chain.call(self.safe, &Safe::nonceCall {})?;
        if nonce != self.nonce {
            return stop(format!(
                "the multisig is at {nonce}, the proposal was for {}: propose it anew",
                self.nonce
            ));
        }
        let owners = chain.call(self.safe, &Safe::getOwnersCall {})?;
        let needed: u64 = chain.call(self.safe, &Safe::getThresholdCall {})?.saturating_to();
        let mut signatures = Vec::new();
        let mut count = 0;
        // By owner, as the Safe wants them; who is no owner would make it fail.
        for (owner, bytes) in self.signatures.iter().filter(|(owner, _)| owners.contains(owner)) {
            let signer =
                Signature::from_raw(bytes).ok().map(|s| s.recover_address_from_prehash(&self.hash()));
            if !matches!(signer, Some(Ok(signer)) if signer == *owner) {
                return stop(format!("the signature under {owner} is not theirs"));
            }
            signatures.extend_from_slice(bytes);
            count += 1;
        }
        if count < needed {
            return stop(format!("{count} of {needed} owners have signed so far"));
        }
        Ok(Safe::execTransactionCall {
            to: self.to,
            value: self.value,
            data: self.data.clone(),
            operation: 0,
            safeTxGas: U256::ZERO,
            baseGas: U256::ZERO,
            gasPrice: U256::ZERO,
            gasToken: Address::ZERO,
            refundReceiver: Address::ZERO,
            signatures: signatures.into(),
        })
    }

    /// Reads a proposal's file.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(path: &Path) -> Result<Self, SafeError> {
        let bad =
            |e: &dyn std::fmt::Display| SafeError::Proposal(format!("the proposal {}: {e}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|e| bad(&e))?;
        serde_json::from_str(&text).map_err(|e| bad(&e))
    }

    /// Writes it into a file: whole, or not at all.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), SafeError> {
        let bad =
            |e: &dyn std::fmt::Display| SafeError::Proposal(format!("the proposal {}: {e}", path.display()));
        let text = serde_json::to_string_pretty(self).map_err(|e| bad(&e))?;
        let beside = path.with_extension("unfinished");
        let write = || -> std::io::Result<()> {
            let mut file = std::fs::File::create(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&beside, path)
        };
        write().map_err(|e| bad(&e))
    }
}
