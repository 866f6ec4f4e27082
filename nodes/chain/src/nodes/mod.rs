//! The chain nodes. Each does one thing, once: what it is about to send is in the book of its account, in the output
//! folder, before it is sent; after a crash the same key finds it there.

mod collection;
mod mint;
mod wait;

use crate::contract::digest_of;
use crate::kept::{Looked, Proof, Proofs, proof};
use crate::mint::Bench;
use crate::network::{NETWORKS, Network};
use crate::rpc::Rpc;
use crate::send::money;
use crate::settings::{Settings, Steps, folder};
use crate::turns;
use alloy_primitives::{Address, B256, U256, aliases::U24};
use kiln_core::{Cx, Doubt, Effect, Node, NodeError, Param};
use kiln_ledger::{Landed, hex};
use kiln_types::Value;
use serde_json::Value as Json;
use std::ops::Deref;
use std::sync::Arc;

/// A bench, and the way to read proofs.
struct Seat<'a> {
    bench: Bench<'a, Box<dyn Rpc + 'a>>,
    proofs: &'a dyn Proofs,
    looked: &'a Looked,
}

impl<'a> Deref for Seat<'a> {
    type Target = Bench<'a, Box<dyn Rpc + 'a>>;
    fn deref(&self) -> &Self::Target {
        &self.bench
    }
}

impl Seat<'_> {
    /// The proof on a port, complete.
    fn proof(&self, cx: &Cx<'_>, port: &'static str) -> Result<Proof<'_>, NodeError> {
        proof(cx, port, self.proofs, self.looked)
    }
}

type Work = fn(&Seat<'_>, &Cx<'_>) -> Result<Json, NodeError>;
/// What a digest is, for manuals.
const DIGEST: &str = "The metadata's SHA-256 digest, or its raw CID: bafkrei…; it has to be of what was read back. Empty: \
                      that of the file in pinned.";
type Outputs = &'static [&'static str];

/// The nodes of this family, with keys and addresses from the process' environment; `proofs` reads what storage proves.
#[must_use]
pub fn nodes(proofs: Arc<dyn Proofs>) -> Vec<Node> {
    nodes_with(&Arc::new(Settings::default()), proofs)
}

/// The same with keys and addresses from elsewhere.
#[must_use]
pub fn nodes_with(settings: &Arc<Settings>, proofs: Arc<dyn Proofs>) -> Vec<Node> {
    let s = &Hands { settings: settings.clone(), proofs, looked: Arc::default() };
    vec![
        collection::deploy(s),
        collection::set_base_uri(s),
        collection::set_provenance(s),
        mint::mint_batch(s),
        mint::mint_one(s),
        mint::sign_voucher(s),
        collection::update_metadata(s),
        collection::freeze(s),
        wait::wait(s),
    ]
}

/// What all nodes of the family share.
#[derive(Clone)]
struct Hands {
    settings: Arc<Settings>,
    proofs: Arc<dyn Proofs>,
    looked: Arc<Looked>,
}

/// Something done once.
struct Once {
    hands: Hands,
    work: Work,
    outputs: Outputs,
}

impl Effect for Once {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let cx = &*cx;
        let network = network(cx)?;
        let settings = &self.hands.settings;
        let chain = settings.chain(cx, network)?;
        let guard = settings.guard(network)?;
        let ceiling = (cx.float("max_fee")? * 1e9) as u128;
        let pace = Steps { cx, settings };
        let folder = folder(cx)?;
        let bench =
            Bench { chain: &chain, guard: &guard, pace: &pace, folder: &folder, ceiling, rules: None };
        let seat = Seat { bench, proofs: &*self.hands.proofs, looked: &self.hands.looked };
        Ok((self.work)(&seat, cx)?.to_string().into_bytes())
    }

    fn stands(&self, cx: &Cx<'_>, outcome: &[u8]) -> bool {
        // What something would cost is asked anew each time.
        let outcome: Option<Json> = serde_json::from_slice(outcome).ok();
        let Some(outcome) = outcome else { return true };
        // The same node may have set something else since: then it is set back. What is linked is not known here.
        let moved = || -> Option<bool> {
            let place = hex::read_array(outcome.get("place")?.as_str()?)?;
            let chain = outcome.get("chain")?.as_u64()?;
            let last = turns::last(&folder(cx).ok()?, chain, &place).ok()??;
            Some(last.key != key(cx))
        };
        outcome.get("dry_run").is_none() && !moved().unwrap_or(false)
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

fn network(cx: &Cx<'_>) -> Result<&'static Network, NodeError> {
    let wanted = cx.text("network")?;
    Network::by_name(&wanted).ok_or_else(|| NodeError::new(format!("{wanted:?} is no network")).at("network"))
}

fn node(hands: &Hands, kind: &'static str, outputs: Outputs, work: Work) -> Node {
    let networks: Vec<&'static str> = NETWORKS.iter().map(|n| n.name).collect();
    // Under one key the book knows what is under way and what is done: doing it again goes on where it stopped.
    let effect = Once { hands: hands.clone(), work, outputs };
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

fn pinned_input(node: Node, doc: &'static str) -> Node {
    node.input("pinned", crate::kept::PINNED, doc)
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
