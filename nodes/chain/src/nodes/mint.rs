//! Tokens: in batches, one by one, by voucher.

use super::{
    DIGEST, Hands, address, address_or, batch, batch_param, contract_param, digest, hash, key, node, paid,
    pinned_input,
};
use crate::contract::{self, Collection, MAX_PER_TRANSACTION, Voucher};
use crate::mint::{Wanted, name};
use crate::send::{gwei, money};
use alloy_primitives::{B256, U256};
use kiln_core::{Node, NodeError, Param};
use kiln_ledger::{hex, policy::amount};
use kiln_types::names;
use serde_json::json;

pub(super) fn mint_batch(hands: &Hands) -> Node {
    let node = node(hands, "MintBatch", &["first", "last", "transactions", "cost"], |seat, cx| {
        let (contract, number) = (address(cx, "contract")?, batch(cx)?);
        let proof = seat.proof(cx, "pinned")?;
        if cx.has("pictures") {
            seat.proof(cx, "pictures")?;
        }
        // What the batch is said to be has to be what it is on the chain: the wrong metadata is minted for ever.
        let uri = proof.base_uri(&cx.text("uri")?)?;
        let there = seat.chain.call(contract, &Collection::baseURICall { batch: number })?;
        let same = there == uri || cx.text("uri")?.trim().is_empty() && proof.base_uri(&there).is_ok();
        if there.is_empty() || !same {
            return Err(NodeError::new(format!(
                "batch {number} has the base URI {there:?} on the chain, but what was kept and read back is {uri:?}"
            ))
            .at("uri")
            .hint("link uri to SetBaseUri's output, and both to the same pinned"));
        }
        let count = cx.count("count")? as u64;
        let first = proof.tokens(cx, u64::try_from(cx.int("first")?).ok(), count)?;
        if !cx.text("provenance")?.trim().is_empty() {
            let wanted = digest(cx, "provenance")?;
            let there = seat.chain.call(contract, &Collection::provenanceCall { batch: number })?;
            if there != wanted {
                return Err(NodeError::new(format!(
                    "batch {number} has the provenance hash {there} on the chain, not {wanted}"
                ))
                .at("provenance"));
            }
        }
        let wanted = Wanted {
            contract,
            to: address_or(cx, "to", seat.guard.address())?,
            batch: number.saturating_to(),
            count,
            first: Some(first),
            per_transaction: cx.count("per_transaction")? as u64,
        };
        if cx.bool("dry_run")? {
            let cost = seat.cost(&wanted)?;
            let coin = seat.chain.network().coin;
            let words = format!(
                "{} tokens in {} transactions: {} gas at {}, and {} for data: {}",
                cost.plan.count,
                cost.gas.len(),
                cost.gas.iter().sum::<u64>(),
                gwei(cost.gas_price),
                money(cost.data_fee, coin),
                money(cost.total, coin)
            );
            let (first, last) = (cost.plan.first, cost.plan.first + cost.plan.count - 1);
            return Ok(json!({
                "first": first, "last": last, "transactions": [], "cost": words, "dry_run": true,
            }));
        }
        let (plan, landed) = seat.mint_batch(&key(cx), &wanted)?;
        let transactions: Vec<String> = landed.iter().map(hash).collect();
        Ok(json!({
            "first": plan.first, "last": plan.first + plan.count - 1,
            // The journal keeps small outcomes: of many transactions the first and the last say enough.
            "transactions": if transactions.len() <= 40 { transactions } else {
                transactions.iter().take(1).chain(transactions.last()).cloned().collect()
            },
            "cost": paid(seat, &landed),
        }))
    });
    batch_param(contract_param(pinned_input(
        node,
        "The proof that the folder of documents was read back: PinTokens' pinned. It has to have one for each token.",
    )))
        .title("Mint batch")
        .doc(
            "Mints tokens of a batch, in as many transactions as needed, each tried before it is signed. A crash, a lost \
             answer or a stuck transaction mints nothing twice and leaves nothing out.",
        )
        .param(Param::int("count", 1, 1..=1_000_000).doc("How many."))
        .param(Param::text("to", "").doc("Who gets them; empty: the signer."))
        .param(Param::int("first", -1, -1..=i64::MAX).doc(
            "The number of the first one; -1: the first that has a document in the folder. If another is next on the \
             chain it fails: the documents' names are numbers, and nothing is minted a second time by accident.",
        ))
        .param(Param::int("per_transaction", 250, 1..=MAX_PER_TRANSACTION as i64).doc(
            "How many at once. More are cheaper to mint, and dearer for the first who moves one.",
        ))
        .param(Param::bool("dry_run", false).doc("Only tell what it would cost: nothing is signed or sent."))
        .optional("pictures", crate::kept::PINNED, "The proof that all the pictures were read back: PinTokens' pictures_pinned.")
        .param(Param::text("uri", "").doc("The base URI the batch has to have; link it to SetBaseUri."))
        .param(Param::text("provenance", "").doc("The provenance hash it has to have; link it to SetProvenance."))
        .output("first", names::INT, "The first token's number.")
        .output("last", names::INT, "The last token's number.")
        .output_list("transactions", names::TEXT, "The transactions' hashes; of more than 40 the first and the last.")
        .output("cost", names::TEXT, "What it cost.")
}

pub(super) fn mint_one(hands: &Hands) -> Node {
    let node = node(hands, "MintOne", &["token", "transaction", "cost"], |seat, cx| {
        let contract = address(cx, "contract")?;
        let digest = seat.proof(cx, "pinned")?.digest(cx, &cx.text("digest")?)?;
        let to = address_or(cx, "to", seat.guard.address())?;
        let (token, landed) = seat.mint_one(&key(cx), contract, to, digest)?;
        Ok(json!({ "token": token, "transaction": hash(&landed), "cost": paid(seat, &[landed]) }))
    });
    contract_param(pinned_input(
        node,
        "The proof that the metadata were read back: PinFile's or PinTokens' pinned.",
    ))
        .title("Mint one")
        .doc("Mints one token whose metadata is named by its digest. Its id on the chain is this node's key, which works \
              once, whatever happens.")
        .param(Param::text("digest", "").doc(DIGEST))
        .param(Param::text("to", "").doc("Who gets it; empty: the signer."))
        .optional("after", names::ANY, "What has to be done before: link it to what mints a batch, whose numbers come first.")
        .output("token", names::INT, "The token's number.")
        .output("transaction", names::TEXT, "The transaction's hash.")
        .output("cost", names::TEXT, "What it cost.")
}

pub(super) fn sign_voucher(hands: &Hands) -> Node {
    let node = node(hands, "SignVoucher", &["voucher", "id"], |seat, cx| {
        let contract = address(cx, "contract")?;
        let price = amount(&cx.text("price")?).map_err(|e| NodeError::new(e).at("price"))?;
        let seconds = (cx.float("days")? * 86_400.0) as u64;
        let voucher = Voucher {
            id: B256::from(name(&key(cx), "token")),
            to: address(cx, "to")?,
            digest: seat.proof(cx, "pinned")?.digest(cx, &cx.text("digest")?)?,
            price: U256::from(price),
            expires: U256::from(cx.now() / 1000 + seconds),
        };
        if seat.chain.call(contract, &Collection::isUsedCall { id: voucher.id })? {
            return Err(NodeError::new("this voucher was redeemed or voided already"));
        }
        let signature = seat.voucher(contract, &voucher)?;
        let text = json!({
            "chain": seat.chain.network().chain, "contract": contract.to_checksum(None), "id": voucher.id,
            "to": voucher.to.to_checksum(None), "digest": voucher.digest, "price": voucher.price.to_string(),
            "expires": voucher.expires.to_string(), "signature": hex::show(&signature.as_bytes()),
            "uri": format!("ipfs://{}", contract::raw_cid(&voucher.digest)),
        });
        Ok(json!({ "voucher": text.to_string(), "id": voucher.id.to_string() }))
    });
    contract_param(pinned_input(
        node,
        "The proof that the metadata were read back: PinFile's or PinTokens' pinned.",
    ))
        .title("Sign voucher")
        .doc("Signs what lets a buyer mint one token: for this buyer, this metadata, this price, once, until it expires. \
              Nothing is sent.")
        .param(Param::text("to", "").required().doc("The buyer's address."))
        .param(Param::text("digest", "").doc(DIGEST))
        .param(Param::text("price", "0 ether").doc("What it costs: 0.05 ether."))
        .param(Param::float("days", 1.0, 0.0..=365.0).unit("d").doc("How long it is good."))
        .output("voucher", names::TEXT, "The voucher and its signature, as JSON.")
        .output("id", names::TEXT, "Its id.")
}
