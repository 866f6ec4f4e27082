//! A collection's contract: deploying it, its batches' metadata, freezing.

use super::{
    DIGEST, Hands, Seat, address, address_or, batch, batch_param, contract_param, digest, hash, key, node,
    pinned_input,
};
use crate::contract::{Collection, Setup};
use crate::turns::place;
use alloy_primitives::{Address, U256, aliases::U24, aliases::U48, aliases::U96};
use kiln_core::{Cx, Node, Param};
use kiln_ledger::hex;
use kiln_types::names;
use serde_json::json;

pub(super) fn deploy(hands: &Hands) -> Node {
    node(hands, "DeployContract", &["contract", "account", "transaction"], |seat, cx| {
        let own = seat.guard.address();
        let royalty = cx.float("royalty")?;
        let setup = Setup {
            name: cx.text("name")?.to_string(),
            symbol: cx.text("symbol")?.to_string(),
            admin: address_or(cx, "admin", own)?,
            adminDelay: U48::saturating_from(cx.count("admin_delay")? * 3600),
            minter: address_or(cx, "minter", own)?,
            metadata: address_or(cx, "metadata", own)?,
            maxSupply: U256::from(cx.count("supply")?),
            royaltyReceiver: if royalty > 0.0 { address_or(cx, "royalty_to", own)? } else { Address::ZERO },
            royaltyBasisPoints: U96::from((royalty * 100.0).round() as u32),
        };
        let (contract, landed) = seat.deploy(&key(cx), &setup)?;
        Ok(json!({
            "contract": contract.to_checksum(None), "account": own.to_checksum(None), "transaction": hash(&landed),
        }))
    })
    .title("Deploy contract")
    .doc(
        "Deploys a collection's contract, once: ERC-721A with roles, batches, single tokens, vouchers, royalties. On a \
         real network the admin should be a multisig.",
    )
    .param(Param::text("name", "").required().doc("The collection's name."))
    .param(Param::text("symbol", "").required().doc("Its short name: KILN."))
    .param(Param::int("supply", 10_000, 1..=1_000_000_000).doc("There are never more tokens than this."))
    .param(Param::text("admin", "").doc("Who gives roles, pauses, withdraws; empty: the signer."))
    .param(Param::int("admin_delay", 0, 0..=8760).unit("h").doc("How long before the admin's role can move on."))
    .param(Param::text("minter", "").doc("Who mints and signs vouchers; empty: the signer."))
    .param(Param::text("metadata", "").doc("Who sets base URIs and digests; empty: the signer."))
    .param(Param::float("royalty", 0.0, 0.0..=100.0).unit("%").doc("What a sale should pass on."))
    .param(Param::text("royalty_to", "").doc("To whom; empty: the signer."))
    .output("contract", names::TEXT, "The contract's address.")
    .output("account", names::TEXT, "Who signed.")
    .output("transaction", names::TEXT, "The transaction's hash.")
}

fn chain_of(seat: &Seat<'_>) -> u64 {
    seat.chain.network().chain
}

pub(super) fn set_base_uri(hands: &Hands) -> Node {
    let work = |seat: &Seat<'_>, cx: &Cx<'_>| {
        let (contract, batch) = (address(cx, "contract")?, batch(cx)?);
        let uri = seat.proof(cx, "pinned")?.base_uri(&cx.text("uri")?)?;
        let words = format!("set the base URI of batch {batch}");
        let call = Collection::setBaseURICall { batch, uri: uri.clone() };
        let place = place(cx.id(), contract, &format!("base URI {batch}"));
        let landed = seat.set(&key(cx), &place, &words, contract, &call)?;
        Ok(json!({
            "uri": uri, "transaction": hash(&landed), "place": hex::show(&place), "chain": chain_of(seat),
        }))
    };
    let node = node(hands, "SetBaseUri", &["uri", "transaction"], work);
    batch_param(contract_param(pinned_input(
        node,
        "The proof that the folder of documents was read back: PinTokens' pinned.",
    )))
    .title("Set base URI")
    .doc(
        "Sets where the metadata of a batch is: a token's URI is this and its number. Only what was kept and read back \
         can be set. May be changed until frozen.",
    )
    .param(Param::text("uri", "").doc(
        "Another address of the same folder, a gateway's: https://…/ipfs/bafy…/ ; empty: ipfs:// and its name.",
    ))
    .output("uri", names::TEXT, "The base URI, now that it is set.")
    .output("transaction", names::TEXT, "The transaction's hash.")
}

pub(super) fn set_provenance(hands: &Hands) -> Node {
    let node = node(hands, "SetProvenance", &["provenance", "transaction"], |seat, cx| {
        let (contract, batch, hash_) = (address(cx, "contract")?, batch(cx)?, digest(cx, "provenance")?);
        let words = format!("set the provenance hash of batch {batch}");
        let landed =
            seat.call(&key(cx), &words, contract, &Collection::setProvenanceCall { batch, hash: hash_ })?;
        Ok(json!({ "provenance": hash_.to_string(), "transaction": hash(&landed) }))
    });
    batch_param(contract_param(node))
        .title("Set provenance")
        .doc("Sets a batch's provenance hash, once for ever: what proves later that nothing was exchanged.")
        .param(Param::text("provenance", "").required().doc("The hash: 64 hexadecimal digits."))
        .output("provenance", names::TEXT, "The hash, now that it is set.")
        .output("transaction", names::TEXT, "The transaction's hash.")
}

pub(super) fn update_metadata(hands: &Hands) -> Node {
    let work = |seat: &Seat<'_>, cx: &Cx<'_>| {
        let contract = address(cx, "contract")?;
        let digest = seat.proof(cx, "pinned")?.digest(cx, &cx.text("digest")?)?;
        let token = cx.count("token")?;
        let call = Collection::setDigestCall { tokenId: U256::from(token), digest };
        let words = format!("update token {token}");
        let place = place(cx.id(), contract, &format!("digest {token}"));
        let landed = seat.set(&key(cx), &place, &words, contract, &call)?;
        Ok(json!({
            "digest": digest.to_string(), "transaction": hash(&landed), "place": hex::show(&place),
            "chain": chain_of(seat),
        }))
    };
    let node = node(hands, "UpdateMetadata", &["digest", "transaction"], work);
    contract_param(pinned_input(
        node,
        "The proof that the new document was read back: PinFile's or PinTokens' pinned.",
    ))
    .title("Update metadata")
    .doc(
        "Gives a single token another digest, and tells marketplaces so. A batch is updated with SetBaseUri.",
    )
    .param(Param::int("token", 0, 0..=i64::MAX).doc("The token's number."))
    .param(Param::text("digest", "").doc(DIGEST))
    .output("digest", names::TEXT, "The digest, now that it is set.")
    .output("transaction", names::TEXT, "The transaction's hash.")
}

pub(super) fn freeze(hands: &Hands) -> Node {
    let node = node(hands, "Freeze", &["transaction"], |seat, cx| {
        let contract = address(cx, "contract")?;
        let batch = U24::saturating_from(cx.count("batch")?);
        let words = format!("freeze batch {batch}");
        let landed = seat.call(&key(cx), &words, contract, &Collection::freezeCall { batch })?;
        Ok(json!({ "transaction": hash(&landed) }))
    });
    contract_param(node)
        .title("Freeze")
        .doc("Settles a batch's base URI for ever. It cannot be undone.")
        .param(
            Param::int("batch", 1, 0..=16_777_215).doc("Which batch; 0: the digests of all single tokens."),
        )
        .whole("after", names::ANY, "What has to be done before: link it to what mints.")
        .output("transaction", names::TEXT, "The transaction's hash.")
}
