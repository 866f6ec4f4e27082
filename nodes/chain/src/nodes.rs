//! The chain nodes. Each does one thing, once: what it is about to send is in the book of its account, in the output
//! folder, before it is sent; after a crash the same key finds it there.

use crate::contract::{self, Collection, MAX_PER_TRANSACTION, Setup, Voucher, digest_of};
use crate::mint::{Bench, Wanted, name};
use crate::network::{NETWORKS, Network};
use crate::rpc::Rpc;
use crate::send::{gwei, money};
use crate::settings::{Settings, Steps, folder};
use alloy_primitives::{Address, B256, U256, aliases::U24, aliases::U48, aliases::U96};
use kiln_core::{Cx, Doubt, Effect, Kind, Node, NodeError, Param};
use kiln_ledger::{Landed, hex, policy::amount};
use kiln_types::{Value, names};
use serde_json::{Value as Json, json};
use std::sync::Arc;

type Seat<'a> = Bench<'a, Box<dyn Rpc + 'a>>;
type Work = fn(&Seat<'_>, &Cx<'_>) -> Result<Json, NodeError>;
type Outputs = &'static [&'static str];

/// The nodes of this family, with keys and addresses from the process' environment.
#[must_use]
pub fn nodes() -> Vec<Node> {
    nodes_with(&Arc::new(Settings::default()))
}

/// The same with keys and addresses from elsewhere.
#[must_use]
pub fn nodes_with(settings: &Arc<Settings>) -> Vec<Node> {
    let s = settings;
    vec![
        deploy(s),
        set_base_uri(s),
        set_provenance(s),
        mint_batch(s),
        mint_one(s),
        sign_voucher(s),
        update_metadata(s),
        freeze(s),
        wait(s),
    ]
}

/// Something done once.
struct Once {
    settings: Arc<Settings>,
    work: Work,
    outputs: Outputs,
}

impl Effect for Once {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let cx = &*cx;
        let wanted = cx.text("network")?;
        let network = Network::by_name(&wanted)
            .ok_or_else(|| NodeError::new(format!("{wanted:?} is no network")).at("network"))?;
        let chain = self.settings.chain(cx, network)?;
        let guard = self.settings.guard(network)?;
        let ceiling = (cx.float("max_fee")? * 1e9) as u128;
        let pace = Steps { cx, settings: &self.settings };
        let folder = folder(cx)?;
        let seat = Bench { chain: &chain, guard: &guard, pace: &pace, folder: &folder, ceiling, rules: None };
        Ok((self.work)(&seat, cx)?.to_string().into_bytes())
    }

    fn stands(&self, _: &Cx<'_>, outcome: &[u8]) -> bool {
        // What something would cost is asked anew each time.
        let outcome: Option<Json> = serde_json::from_slice(outcome).ok();
        outcome.is_none_or(|o| o.get("dry_run").is_none())
    }

    fn outputs(&self, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        let bad = || NodeError::new("the journal's entry cannot be read");
        let outcome: Json = serde_json::from_slice(outcome).map_err(|_| bad())?;
        self.outputs
            .iter()
            .map(|name| {
                let value = match outcome.get(*name).ok_or_else(bad)? {
                    Json::String(text) => Value::from(text.as_str()),
                    Json::Number(n) => Value::Int(n.as_i64().ok_or_else(bad)?),
                    Json::Array(list) => {
                        Value::list(list.iter().filter_map(Json::as_str).map(Value::from).collect::<Vec<_>>())
                    }
                    _ => return Err(bad()),
                };
                Ok((*name, value))
            })
            .collect()
    }
}

fn node(settings: &Arc<Settings>, kind: &'static str, outputs: Outputs, work: Work) -> Node {
    let networks: Vec<&'static str> = NETWORKS.iter().map(|n| n.name).collect();
    // Under one key the book knows what is under way and what is done: doing it again goes on where it stopped.
    let effect = Once { settings: settings.clone(), work, outputs };
    Node::effect(kind, 1, Doubt::IdempotentByKey, effect).category("chain").uses_network().param(
        Param::choice("network", &networks)
            .doc("Which network. `local` is a chain of its own in the output folder; the others need a node's address and \
                  a key, which the environment names (KILN_RPC_…, KILN_SIGNER, KILN_POLICY)."),
    ).param(
        Param::float("max_fee", 100.0, 0.0..=100_000.0)
            .unit("gwei")
            .doc("What a unit of gas may cost; while it costs more, nothing is sent."),
    )
}

fn contract_param(node: Node) -> Node {
    node.param(Param::text("contract", "").required().doc("The collection's address."))
}

fn batch_param(node: Node) -> Node {
    node.param(Param::int("batch", 1, 1..=16_777_215).doc("Which batch: tokens that share a base URI."))
}

fn address(cx: &Cx<'_>, param: &str) -> Result<Address, NodeError> {
    let text = cx.text(param)?;
    let found: Option<Address> = text.trim().parse().ok();
    // Mixed letters are a check sum: a wrong one is a typing error.
    let letters = text.trim().trim_start_matches("0x");
    let mixed =
        letters.bytes().any(|b| b.is_ascii_uppercase()) && letters.bytes().any(|b| b.is_ascii_lowercase());
    match found {
        Some(address) if !mixed || address.to_checksum(None).trim_start_matches("0x") == letters => {
            if address.is_zero() {
                return Err(NodeError::new("the address 0 is nobody's").at(param.to_owned()));
            }
            Ok(address)
        }
        Some(_) => Err(NodeError::new(format!("{text:?} has a typing error: its capitals do not fit"))
            .at(param.to_owned())),
        None => Err(NodeError::new(format!("{text:?} is no address"))
            .at(param.to_owned())
            .hint("write it like 0x and 40 digits")),
    }
}

/// An address, or the signer's own where nothing is written.
fn address_or(cx: &Cx<'_>, param: &str, own: Address) -> Result<Address, NodeError> {
    if cx.text(param)?.trim().is_empty() { Ok(own) } else { address(cx, param) }
}

fn digest(cx: &Cx<'_>, param: &str) -> Result<B256, NodeError> {
    let text = cx.text(param)?;
    digest_of(&text).filter(|d| !d.is_zero()).ok_or_else(|| {
        NodeError::new(format!("{:?} names no SHA-256 digest", text.chars().take(80).collect::<String>()))
            .at(param.to_owned())
            .hint("write 64 hexadecimal digits, or a raw CID: bafkrei…")
    })
}

fn batch(cx: &Cx<'_>) -> Result<U24, NodeError> {
    Ok(U24::saturating_from(cx.count("batch")?))
}

fn hash(landed: &Landed) -> String {
    hex::show(&landed.hash)
}

fn key(cx: &Cx<'_>) -> [u8; 32] {
    cx.key().0
}

fn paid(seat: &Seat<'_>, landed: &[Landed]) -> String {
    let sum = landed.iter().fold(U256::ZERO, |sum, l| {
        sum.saturating_add(U256::from(l.gas_used).saturating_mul(U256::from(l.gas_price)))
    });
    money(sum, seat.chain.network().coin)
}

fn deploy(settings: &Arc<Settings>) -> Node {
    node(settings, "DeployContract", &["contract", "account", "transaction"], |seat, cx| {
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

fn set_base_uri(settings: &Arc<Settings>) -> Node {
    let node = node(settings, "SetBaseUri", &["uri", "transaction"], |seat, cx| {
        let (contract, batch) = (address(cx, "contract")?, batch(cx)?);
        let uri = cx.text("uri")?.trim().to_owned();
        let begins = ["ipfs://", "https://", "ar://"].iter().any(|s| uri.starts_with(s));
        if !begins || !uri.ends_with('/') || uri.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(NodeError::new(format!("{uri:?} is no base URI"))
                .at("uri")
                .hint("write it like ipfs://bafy…/ with / at its end: a token's number is put behind it"));
        }
        let words = format!("set the base URI of batch {batch}");
        let call = Collection::setBaseURICall { batch, uri: uri.clone() };
        let landed = seat.call(&key(cx), &words, contract, &call)?;
        Ok(json!({ "uri": uri, "transaction": hash(&landed) }))
    });
    batch_param(contract_param(node))
        .title("Set base URI")
        .doc("Sets where the metadata of a batch is: a token's URI is this and its number. May be changed until frozen.")
        .param(Param::text("uri", "").required().doc("The base URI, with / at its end: ipfs://bafy…/"))
        .output("uri", names::TEXT, "The base URI, now that it is set.")
        .output("transaction", names::TEXT, "The transaction's hash.")
}

fn set_provenance(settings: &Arc<Settings>) -> Node {
    let node = node(settings, "SetProvenance", &["provenance", "transaction"], |seat, cx| {
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

fn mint_batch(settings: &Arc<Settings>) -> Node {
    let node = node(settings, "MintBatch", &["first", "last", "transactions", "cost"], |seat, cx| {
        let (contract, number) = (address(cx, "contract")?, batch(cx)?);
        // What the batch is said to be has to be what it is on the chain: the wrong metadata is minted for ever.
        let uri = cx.text("uri")?;
        if !uri.trim().is_empty() {
            let there = seat.chain.call(contract, &Collection::baseURICall { batch: number })?;
            if there != uri.trim() {
                return Err(NodeError::new(format!(
                    "batch {number} has the base URI {there:?} on the chain, not {:?}",
                    uri.trim()
                ))
                .at("uri")
                .hint("link it to SetBaseUri's output"));
            }
        }
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
            count: cx.count("count")? as u64,
            first: u64::try_from(cx.int("first")?).ok(),
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
    batch_param(contract_param(node))
        .title("Mint batch")
        .doc(
            "Mints tokens of a batch, in as many transactions as needed, each tried before it is signed. A crash, a lost \
             answer or a stuck transaction mints nothing twice and leaves nothing out.",
        )
        .param(Param::int("count", 1, 1..=1_000_000).doc("How many."))
        .param(Param::text("to", "").doc("Who gets them; empty: the signer."))
        .param(Param::int("first", -1, -1..=i64::MAX).doc(
            "The number of the first one; -1: whatever is next. If another is next it fails: the metadata's names are \
             numbers.",
        ))
        .param(Param::int("per_transaction", 250, 1..=MAX_PER_TRANSACTION as i64).doc(
            "How many at once. More are cheaper to mint, and dearer for the first who moves one.",
        ))
        .param(Param::bool("dry_run", false).doc("Only tell what it would cost: nothing is signed or sent."))
        .param(Param::text("uri", "").doc("The base URI the batch has to have; link it to SetBaseUri."))
        .param(Param::text("provenance", "").doc("The provenance hash it has to have; link it to SetProvenance."))
        .output("first", names::INT, "The first token's number.")
        .output("last", names::INT, "The last token's number.")
        .output_list("transactions", names::TEXT, "The transactions' hashes; of more than 40 the first and the last.")
        .output("cost", names::TEXT, "What it cost.")
}

fn mint_one(settings: &Arc<Settings>) -> Node {
    let node = node(settings, "MintOne", &["token", "transaction", "cost"], |seat, cx| {
        let (contract, digest) = (address(cx, "contract")?, digest(cx, "digest")?);
        let to = address_or(cx, "to", seat.guard.address())?;
        let (token, landed) = seat.mint_one(&key(cx), contract, to, digest)?;
        Ok(json!({ "token": token, "transaction": hash(&landed), "cost": paid(seat, &[landed]) }))
    });
    contract_param(node)
        .title("Mint one")
        .doc("Mints one token whose metadata is named by its digest. Its id on the chain is this node's key, which works \
              once, whatever happens.")
        .param(Param::text("digest", "").required().doc("The metadata's SHA-256 digest, or its raw CID: bafkrei…"))
        .param(Param::text("to", "").doc("Who gets it; empty: the signer."))
        .output("token", names::INT, "The token's number.")
        .output("transaction", names::TEXT, "The transaction's hash.")
        .output("cost", names::TEXT, "What it cost.")
}

fn sign_voucher(settings: &Arc<Settings>) -> Node {
    let node = node(settings, "SignVoucher", &["voucher", "id"], |seat, cx| {
        let contract = address(cx, "contract")?;
        let price = amount(&cx.text("price")?).map_err(|e| NodeError::new(e).at("price"))?;
        let seconds = (cx.float("days")? * 86_400.0) as u64;
        let voucher = Voucher {
            id: B256::from(name(&key(cx), "token")),
            to: address(cx, "to")?,
            digest: digest(cx, "digest")?,
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
    contract_param(node)
        .title("Sign voucher")
        .doc("Signs what lets a buyer mint one token: for this buyer, this metadata, this price, once, until it expires. \
              Nothing is sent.")
        .param(Param::text("to", "").required().doc("The buyer's address."))
        .param(Param::text("digest", "").required().doc("The metadata's SHA-256 digest, or its raw CID: bafkrei…"))
        .param(Param::text("price", "0 ether").doc("What it costs: 0.05 ether."))
        .param(Param::float("days", 1.0, 0.0..=365.0).unit("d").doc("How long it is good."))
        .output("voucher", names::TEXT, "The voucher and its signature, as JSON.")
        .output("id", names::TEXT, "Its id.")
}

fn update_metadata(settings: &Arc<Settings>) -> Node {
    let node = node(settings, "UpdateMetadata", &["digest", "transaction"], |seat, cx| {
        let (contract, digest) = (address(cx, "contract")?, digest(cx, "digest")?);
        let token = cx.count("token")?;
        let call = Collection::setDigestCall { tokenId: U256::from(token), digest };
        let landed = seat.call(&key(cx), &format!("update token {token}"), contract, &call)?;
        Ok(json!({ "digest": digest.to_string(), "transaction": hash(&landed) }))
    });
    contract_param(node)
        .title("Update metadata")
        .doc("Gives a single token another digest, and tells marketplaces so. A batch is updated with SetBaseUri.")
        .param(Param::int("token", 0, 0..=i64::MAX).doc("The token's number."))
        .param(Param::text("digest", "").required().doc("The metadata's SHA-256 digest, or its raw CID: bafkrei…"))
        .output("digest", names::TEXT, "The digest, now that it is set.")
        .output("transaction", names::TEXT, "The transaction's hash.")
}

fn freeze(settings: &Arc<Settings>) -> Node {
    let node = node(settings, "Freeze", &["transaction"], |seat, cx| {
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

fn wait(settings: &Arc<Settings>) -> Node {
    node(settings, "WaitConfirmations", &["transactions", "block"], |seat, cx| {
        let list = cx.list("transactions")?;
        let rules = seat.chain.network().rules();
        let depth = match cx.count("confirmations")? as u64 {
            0 => rules.confirmations,
            n => n,
        };
        let (mut newest, mut hashes) = (0, Vec::new());
        for value in list.iter() {
            let Value::Text(text) = value else {
                return Err(NodeError::new("a hash is a text").at("transactions"));
            };
            let hash = hex::read_array::<32>(text).ok_or_else(|| {
                NodeError::new(format!("{text:?} is no transaction's hash")).at("transactions")
            })?;
            let since = seat.pace.now();
            loop {
                let (head, receipt) = (seat.chain.head(), seat.chain.receipt(B256::from(hash)));
                match (head, receipt) {
                    (Ok(head), Ok(Some(receipt))) => {
                        let block = receipt.block_number.saturating_to::<u64>();
                        if head.saturating_add(1).saturating_sub(block) >= depth {
                            // The block may have been taken back since.
                            if seat.chain.block(Some(block))?.is_some_and(|b| b.hash == receipt.block_hash) {
                                newest = newest.max(block);
                                break;
                            }
                        }
                    }
                    (Err(e), _) | (_, Err(e)) if !e.is_passing() => return Err(e.into()),
                    _ => {}
                }
                if seat.pace.now().saturating_sub(since) > rules.patience_ms {
                    return Err(NodeError::new(format!("{text} has no {depth} confirmations yet"))
                        .hint("run again to go on waiting"));
                }
                seat.pace
                    .rest(rules.poll_ms)
                    .map_err(|e| NodeError::from(crate::mint::MintError::from(e)))?;
            }
            hashes.push(text.to_string());
        }
        Ok(json!({ "transactions": hashes, "block": newest }))
    })
    .title("Wait for confirmations")
    .doc("Waits until transactions are so deep in the chain that they stay.")
    .param(Param::list("transactions", Kind::Text { multiline: false }).required().doc("Their hashes."))
    .param(
        Param::int("confirmations", 0, 0..=1000)
            .doc("How deep, their own block included; 0: what the network needs."),
    )
    .output_list("transactions", names::TEXT, "The same, now that they stay.")
    .output("block", names::INT, "The newest of their blocks.")
}
