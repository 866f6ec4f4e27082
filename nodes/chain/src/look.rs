//! What there is of a collection and of a token, as the chain has it: for whoever wants to see, and to follow a token
//! from its owner to its bytes.

use crate::chain::{Chain, ChainError};
use crate::contract::{Collection, digest_of};
use crate::rpc::Rpc;
use alloy_primitives::{Address, B256, U256, aliases::U24};

/// A collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionState {
    /// Its name.
    pub name: String,
    /// Its short name.
    pub symbol: String,
    /// How many tokens there are.
    pub minted: u64,
    /// How many there may be.
    pub cap: u64,
    /// Whether minting is paused.
    pub paused: bool,
    /// The admin.
    pub admin: Address,
    /// The batches from 1 on that have a base URI or a provenance hash; looked for until one has neither.
    pub batches: Vec<BatchState>,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchState {
    /// Its number.
    pub batch: u32,
    /// Its base URI.
    pub uri: String,
    /// Its provenance hash; zeros if it has none.
    pub provenance: B256,
    /// Whether its base URI stays.
    pub frozen: bool,
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenState {
    /// Its number.
    pub token: u64,
    /// Whose it is.
    pub owner: Address,
    /// Where its metadata is.
    pub uri: String,
    /// Its batch; `None` if it has a digest of its own.
    pub batch: Option<BatchState>,
    /// The SHA-256 digest of its metadata, if it has one of its own.
    pub digest: Option<B256>,
}

fn batch<R: Rpc>(chain: &Chain<R>, contract: Address, number: u32) -> Result<BatchState, ChainError> {
    let batch = U24::saturating_from(number);
    Ok(BatchState {
        batch: number,
        uri: chain.call(contract, &Collection::baseURICall { batch })?,
        provenance: chain.call(contract, &Collection::provenanceCall { batch })?,
        frozen: chain.call(contract, &Collection::isFrozenCall { batch })?,
    })
}

/// Looks at a collection.
///
/// # Errors
/// When there is no answer, or it is no collection.
pub fn collection<R: Rpc>(chain: &Chain<R>, contract: Address) -> Result<CollectionState, ChainError> {
    let mut batches = Vec::new();
    for number in 1..=1000 {
        let found = batch(chain, contract, number)?;
        if found.uri.is_empty() && found.provenance.is_zero() {
            break;
        }
        batches.push(found);
    }
    Ok(CollectionState {
        name: chain.call(contract, &Collection::nameCall {})?,
        symbol: chain.call(contract, &Collection::symbolCall {})?,
        minted: chain.call(contract, &Collection::totalSupplyCall {})?.saturating_to(),
        cap: chain.call(contract, &Collection::maxSupplyCall {})?.saturating_to(),
        paused: chain.call(contract, &Collection::pausedCall {})?,
        admin: chain.call(contract, &Collection::ownerCall {})?,
        batches,
    })
}

/// Looks at a token.
///
/// # Errors
/// When there is no answer, or no such token.
pub fn token<R: Rpc>(chain: &Chain<R>, contract: Address, token: u64) -> Result<TokenState, ChainError> {
    let id = U256::from(token);
    let owner = chain.call(contract, &Collection::ownerOfCall { tokenId: id })?;
    let digest = chain.call(contract, &Collection::digestOfCall { tokenId: id })?;
    let number: u32 = chain.call(contract, &Collection::batchOfCall { tokenId: id })?.saturating_to();
    let of = if number == 0 { None } else { Some(batch(chain, contract, number)?) };
    let uri = chain.call(contract, &Collection::tokenURICall { tokenId: id })?;
    let digest = Some(digest).filter(|d| !d.is_zero());
    Ok(TokenState { token, owner, uri, batch: of, digest })
}

impl TokenState {
    /// Where what the chain says of a token does not fit together; nothing, if it does.
    #[must_use]
    pub fn breaks(&self) -> Option<String> {
        match (&self.batch, &self.digest) {
            (None, None) => Some("it has neither a batch nor a digest: nothing says what it is".into()),
            (None, Some(digest)) if digest_of(&self.uri) != Some(*digest) => {
                Some(format!("its URI {} is not that of its digest {digest}", self.uri))
            }
            (Some(batch), _) if self.uri != format!("{}{}", batch.uri, self.token) => {
                Some(format!("its URI {} is not that of its batch, {}{}", self.uri, batch.uri, self.token))
            }
            (Some(batch), _) if batch.provenance.is_zero() => Some("its batch has no provenance hash".into()),
            _ => None,
        }
    }
}
