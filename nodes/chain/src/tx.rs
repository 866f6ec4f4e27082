//! A transaction as EIP-1559 writes it: with a tip, and a ceiling for what a unit of gas may cost.

use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256};
use alloy_rlp::{Decodable, Encodable, Header};

/// A transaction that is not signed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tx {
    /// The chain's number.
    pub chain: u64,
    /// The account's count of transactions before it.
    pub nonce: u64,
    /// What the block's maker gets for a unit of gas, in wei.
    pub tip: u128,
    /// What a unit of gas may cost, the tip included, in wei.
    pub max_fee: u128,
    /// How much gas it may use.
    pub gas: u64,
    /// To whom; `None` makes a contract.
    pub to: Option<Address>,
    /// What is sent along, in wei.
    pub value: U256,
    /// The call, or a contract's code.
    pub data: Bytes,
}

/// EIP-1559's number.
const KIND: u8 = 2;

impl Tx {
    fn fields(&self, out: &mut Vec<u8>) {
        self.chain.encode(out);
        self.nonce.encode(out);
        self.tip.encode(out);
        self.max_fee.encode(out);
        self.gas.encode(out);
        match &self.to {
            Some(to) => to.encode(out),
            None => out.push(alloy_rlp::EMPTY_STRING_CODE),
        }
        self.value.encode(out);
        self.data.encode(out);
        // No access list.
        out.push(alloy_rlp::EMPTY_LIST_CODE);
    }

    fn envelope(fields: &[u8]) -> Vec<u8> {
        let mut out = vec![KIND];
        Header { list: true, payload_length: fields.len() }.encode(&mut out);
        out.extend_from_slice(fields);
        out
    }

    /// What is signed.
    #[must_use]
    pub fn signing_hash(&self) -> B256 {
        let mut fields = Vec::new();
        self.fields(&mut fields);
        keccak256(Self::envelope(&fields))
    }

    /// The transaction as it is sent; its hash is that of these bytes.
    #[must_use]
    pub fn signed(&self, signature: &Signature) -> Vec<u8> {
        let mut fields = Vec::new();
        self.fields(&mut fields);
        signature.v().encode(&mut fields);
        signature.r().encode(&mut fields);
        signature.s().encode(&mut fields);
        Self::envelope(&fields)
    }

    /// Reads a transaction as it is sent: itself and who signed it. `None` if it is anything else.
    #[must_use]
    pub fn read(raw: &[u8]) -> Option<(Self, Address)> {
        let (kind, mut rest) = raw.split_first()?;
        (*kind == KIND).then_some(())?;
        let header = Header::decode(&mut rest).ok()?;
        (header.list && header.payload_length == rest.len()).then_some(())?;
        let rest = &mut rest;
        let chain = u64::decode(rest).ok()?;
        let nonce = u64::decode(rest).ok()?;
        let tip = u128::decode(rest).ok()?;
        let max_fee = u128::decode(rest).ok()?;
        let gas = u64::decode(rest).ok()?;
        let to = if rest.first() == Some(&alloy_rlp::EMPTY_STRING_CODE) {
            *rest = &rest[1..];
            None
        } else {
            Some(Address::decode(rest).ok()?)
        };
        let value = U256::decode(rest).ok()?;
        let data = Bytes::decode(rest).ok()?;
        *rest = rest.strip_prefix(&[alloy_rlp::EMPTY_LIST_CODE])?;
        let odd = bool::decode(rest).ok()?;
        let (r, s) = (U256::decode(rest).ok()?, U256::decode(rest).ok()?);
        rest.is_empty().then_some(())?;
        let tx = Self { chain, nonce, tip, max_fee, gas, to, value, data };
        let signature = Signature::new(r, s, odd);
        // Nodes take the lower of the two forms of a signature only.
        signature.normalize_s().is_none().then_some(())?;
        let signer = signature.recover_address_from_prehash(&tx.signing_hash()).ok()?;
        Some((tx, signer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::hex;

    #[test]
    fn a_transaction_that_others_signed_is_read() {
        // Made by another program (eth-account 0.13), with the well-known first key of test chains.
        let raw = hex::decode(OTHERS.trim()).unwrap();
        let (tx, signer) = Tx::read(&raw).unwrap();
        assert_eq!(signer.to_checksum(None), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        assert_eq!((tx.chain, tx.nonce, tx.gas, tx.tip, tx.max_fee), (31337, 7, 100_000, 1, 3_000_000_000));
        assert_eq!(tx.to, Some(Address::repeat_byte(0x11)));
        assert_eq!((tx.value, tx.data.as_ref()), (U256::from(5), [0xab, 0xcd].as_slice()));
        for cut in 0..raw.len() {
            assert_eq!(Tx::read(&raw[..cut]), None);
        }
        // Whatever is changed in it, it is not that account's any more; and nothing makes it stumble.
        for at in 0..raw.len() {
            for bit in 0..8 {
                let mut other = raw.clone();
                other[at] ^= 1 << bit;
                assert!(Tx::read(&other).is_none_or(|(_, s)| s != signer), "{at} {bit}");
            }
        }
    }

    const OTHERS: &str = include_str!("../tests/fixtures/transaction.txt");
}
