//! The nodes in a graph: from nothing to minted tokens, once.

use super::proofs::Told;
use super::support::{Anvil, at_port_raw, quick_dir};
use kiln_chain::contract::Collection as C;
use kiln_chain::{Settings, nodes_with};
use kiln_core::document::Graph;
use kiln_core::doors::{Net, NoNet, OutFolder, Request, Response, Sandbox};
use kiln_core::store::{Folder, Millis, RealDisk};
use kiln_core::{Cancel, Engine, NodeError, Registry, RunReport, Setup, Status, Wish};
use std::path::Path;
use std::sync::Arc;

fn engine(settings: &Arc<Settings>) -> Engine {
    let mut registry = Registry::new();
    registry.add_all(nodes_with(settings, Arc::new(Told)));
    registry.add_all([super::proofs::node()]);
    Engine::new(registry).unwrap()
}

fn run(settings: &Arc<Settings>, nodes: &str, dir: &Path) -> RunReport {
    run_with(settings, nodes, dir, Arc::new(NoNet))
}

fn run_with(settings: &Arc<Settings>, nodes: &str, dir: &Path, net: Arc<dyn Net>) -> RunReport {
    let engine = engine(settings);
    let graph =
        Graph::parse(&format!("Graph(kiln: 1, nodes: {{ {nodes} }})")).unwrap_or_else(|e| panic!("{e}"));
    let plan = engine.plan(&graph, &Sandbox::new("."), &Wish::default()).unwrap_or_else(|e| panic!("{e}"));
    let folder = Folder::open(dir, Millis(1)).unwrap();
    let out = Arc::new(OutFolder::new(dir, folder, Arc::new(RealDisk)));
    let setup = Setup { out: Some(out), jobs: 4, net, ..Setup::new("test", ".") };
    engine.run(&plan, setup, &Cancel::default(), Arc::new(|_| {})).unwrap()
}

/// Whether nothing was done on the chain; proofs are only read.
fn nothing_done(report: &RunReport) -> bool {
    report.nodes.iter().all(|(name, n)| n.ran == 0 || ["kept", "doc"].contains(&name.as_str()))
}

fn nothing() -> Arc<Settings> {
    Arc::new(Settings::new(|_| None))
}

const COLLECTION: &str = r#"
    "contract": (type: "DeployContract", with: { "name": "Foxes", "symbol": "FOX", "supply": 100, "royalty": 5.0 }),
    "kept": (type: "Kept", with: { "name": "bafyfoxes", "count": 25 }),
    "doc": (type: "Kept", with: { "name": "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku" }),
    "uri": (type: "SetBaseUri", from: { "contract": "contract.contract", "pinned": "kept.pinned" }),
    "proof": (type: "SetProvenance", from: { "contract": "contract.contract" }, with: {
        "provenance": "0707070707070707070707070707070707070707070707070707070707070707" }),
    "mint": (type: "MintBatch", from: {
        "contract": "contract.contract", "uri": "uri.uri", "provenance": "proof.provenance", "pinned": "kept.pinned",
    }, with: { "count": 25, "per_transaction": 10 }),
    "wait": (type: "WaitConfirmations", from: { "transactions": "mint.transactions" }),
    "one": (type: "MintOne", from: { "contract": "contract.contract", "pinned": "doc.pinned", "after": "wait.block" },
        with: { "to": "0x00000000000000000000000000000000000000aa" }),
    "voucher": (type: "SignVoucher", from: { "contract": "contract.contract", "pinned": "kept.pinned" }, with: {
        "to": "0x00000000000000000000000000000000000000bb", "price": "0.05 ether",
        "digest": "1111111111111111111111111111111111111111111111111111111111111111" }),
    "freeze": (type: "Freeze", from: { "contract": "contract.contract", "after": "wait.transactions" }),
"#;

#[test]
fn a_collection_is_minted_once_with_nothing_installed() {
    let (dir, settings) = (quick_dir(), nothing());
    let report = run(&settings, COLLECTION, dir.path());
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    // Again, by another process: everything is in the journal.
    let other = nothing();
    let again = run(&other, COLLECTION, dir.path());
    assert_eq!(again.status, Status::Done, "{:?}", again.failures);
    assert!(nothing_done(&again), "something was done twice");
    // And on the chain.
    let local = other.local(&dir.path().join(".kiln/chain"), 1).unwrap();
    let chain = kiln_chain::chain::Chain::open(local, super::support::network()).unwrap();
    let journal = Folder::open(dir.path(), Millis(1)).unwrap().journal();
    let entries = journal.list(&kiln_core::store::Filter::default()).unwrap();
    let outcome = |node: &str| -> serde_json::Value {
        let entry = entries.iter().find(|e| e.node == node).unwrap();
        serde_json::from_slice(entry.outcome.as_ref().unwrap()).unwrap()
    };
    let at = outcome("contract")["contract"].as_str().unwrap().parse().unwrap();
    assert_eq!(chain.call(at, &C::totalSupplyCall {}).unwrap().to::<u64>(), 26);
    assert_eq!(chain.call(at, &C::nameCall {}).unwrap(), "Foxes");
    let (first, last) =
        (outcome("mint")["first"].as_u64().unwrap(), outcome("mint")["last"].as_u64().unwrap());
    assert_eq!(last - first, 24);
    for token in [first, last] {
        let uri = chain.call(at, &C::tokenURICall { tokenId: alloy_primitives::U256::from(token) }).unwrap();
        assert_eq!(uri, format!("ipfs://bafyfoxes/{token}"));
    }
    let one = outcome("one")["token"].as_u64().unwrap();
    let uri = chain.call(at, &C::tokenURICall { tokenId: alloy_primitives::U256::from(one) }).unwrap();
    assert_eq!(uri, "ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
    assert!(chain.call(at, &C::isFrozenCall { batch: super::support::u24(1) }).unwrap());
    let voucher: serde_json::Value =
        serde_json::from_str(outcome("voucher")["voucher"].as_str().unwrap()).unwrap();
    assert_eq!(voucher["price"], "50000000000000000");
    assert_eq!(voucher["signature"].as_str().unwrap().len(), 2 + 130);
}

fn contract_of(dir: &Path, node: &str) -> alloy_primitives::Address {
    let journal = Folder::open(dir, Millis(1)).unwrap().journal();
    let entries = journal.list(&kiln_core::store::Filter::default()).unwrap();
    let entry = entries.iter().find(|e| e.node == node).unwrap();
    let outcome: serde_json::Value = serde_json::from_slice(entry.outcome.as_ref().unwrap()).unwrap();
    outcome["contract"].as_str().unwrap().parse().unwrap()
}

/// The books and the journal are new, the chain is the old one: what is there is not minted again.
#[test]
fn a_new_folder_mints_nothing_a_second_time() {
    let (first, second, settings) = (quick_dir(), quick_dir(), nothing());
    assert_eq!(run(&settings, COLLECTION, first.path()).status, Status::Done);
    let contract = contract_of(first.path(), "contract");
    std::fs::create_dir_all(second.path().join(".kiln/chain")).unwrap();
    let log = ".kiln/chain/local.log";
    std::fs::copy(first.path().join(log), second.path().join(log)).unwrap();
    let nodes = format!(
        r#""kept": (type: "Kept", with: {{ "name": "bafyfoxes", "count": 25 }}),
        "mint": (type: "MintBatch", from: {{ "pinned": "kept.pinned" }}, with: {{ "contract": "{contract}", "count": 25 }})"#
    );
    let report = run(&nothing(), &nodes, second.path());
    let said = format!("{:?}", report.failures);
    assert!(report.status != Status::Done && said.contains("token 26 is minted next, not 0"), "{said}");
    let local = nothing().local(&second.path().join(".kiln/chain"), 1).unwrap();
    let chain = kiln_chain::chain::Chain::open(local, super::support::network()).unwrap();
    assert_eq!(chain.call(contract, &C::totalSupplyCall {}).unwrap().to::<u64>(), 26);
}

#[test]
fn a_base_uri_may_be_set_back() {
    let (dir, settings) = (quick_dir(), nothing());
    // Two nodes that set it one after the other leave each other alone.
    let graph = |name: &str| {
        format!(
            r#""c": (type: "DeployContract", with: {{ "name": "A", "symbol": "A" }}),
            "a": (type: "Kept", with: {{ "name": "{name}", "count": 3 }}), "z": (type: "Kept", with: {{ "name": "z", "count": 3 }}),
            "other": (type: "SetBaseUri", from: {{ "contract": "c.contract", "pinned": "z.pinned" }}, with: {{ "batch": 2 }}),
            "uri": (type: "SetBaseUri", from: {{ "contract": "c.contract", "pinned": "a.pinned" }}),
            "later": (type: "SetBaseUri", from: {{ "contract": "c.contract", "pinned": "z.pinned" }}, with: {{ "batch": 2,
                "max_fee": 99.0 }})"#
        )
    };
    let there = || {
        let local = nothing().local(&dir.path().join(".kiln/chain"), 1).unwrap();
        let chain = kiln_chain::chain::Chain::open(local, super::support::network()).unwrap();
        let contract = contract_of(dir.path(), "c");
        (
            chain.call(contract, &C::baseURICall { batch: super::support::u24(1) }).unwrap(),
            chain.head().unwrap(),
        )
    };
    let mut blocks = Vec::new();
    for (name, sent) in
        [("x", 4), ("x", 0), ("y", 1), ("y", 0), ("x", 1), ("x", 0), ("y", 1), ("w", 1), ("x", 1)]
    {
        let report = run(&settings, &graph(name), dir.path());
        assert_eq!(report.status, Status::Done, "{:?}", report.failures);
        let (uri, head) = there();
        assert_eq!(uri, format!("ipfs://{name}/"));
        assert_eq!(head - blocks.last().copied().unwrap_or_default(), sent, "{name} after {blocks:?}");
        blocks.push(head);
    }
}

#[test]
fn a_dry_run_tells_the_cost_and_sends_nothing() {
    let (dir, settings) = (quick_dir(), nothing());
    let graph = |dry: bool| {
        format!(
            r#""c": (type: "DeployContract", with: {{ "name": "A", "symbol": "A", "supply": 100 }}),
            "k": (type: "Kept", with: {{ "name": "x", "count": 100 }}),
            "u": (type: "SetBaseUri", from: {{ "contract": "c.contract", "pinned": "k.pinned" }}),
            "p": (type: "SetProvenance", from: {{ "contract": "c.contract" }}, with: {{
                "provenance": "0707070707070707070707070707070707070707070707070707070707070707" }}),
            "m": (type: "MintBatch", from: {{ "contract": "c.contract", "uri": "u.uri", "provenance": "p.provenance",
                "pinned": "k.pinned" }},
                with: {{ "count": 100, "per_transaction": 30, "dry_run": {dry} }})"#
        )
    };
    let outcome = |node: &str| -> serde_json::Value {
        let journal = Folder::open(dir.path(), Millis(1)).unwrap().journal();
        let entries = journal.list(&kiln_core::store::Filter::default()).unwrap();
        let entry = entries.iter().rfind(|e| e.node == node).unwrap();
        serde_json::from_slice(entry.outcome.as_ref().unwrap()).unwrap()
    };
    let supply = || {
        let local = nothing().local(&dir.path().join(".kiln/chain"), 1).unwrap();
        let chain = kiln_chain::chain::Chain::open(local, super::support::network()).unwrap();
        let at = outcome("c")["contract"].as_str().unwrap().parse().unwrap();
        chain.call(at, &C::totalSupplyCall {}).unwrap().to::<u64>()
    };
    for _ in 0..2 {
        let report = run(&settings, &graph(true), dir.path());
        assert_eq!(report.status, Status::Done, "{:?}", report.failures);
        // It is asked anew each time.
        assert_eq!((report.nodes["m"].ran, supply()), (1, 0));
        let cost = outcome("m")["cost"].as_str().unwrap().to_owned();
        assert!(cost.starts_with("100 tokens in 4 transactions: ") && cost.ends_with(" ETH"), "{cost}");
    }
    let report = run(&settings, &graph(false), dir.path());
    assert_eq!((report.status, supply()), (Status::Done, 100));
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let deployed = r#""c": (type: "DeployContract", with: { "name": "A", "symbol": "A", "supply": 10 }),
        "k": (type: "Kept", with: { "name": "x", "count": 11 }), "f": (type: "Kept", with: { "name": "x" }),
        "other": (type: "Kept", with: { "name": "y", "count": 11 }),
        "some": (type: "Kept", with: { "name": "x", "count": 11, "missing": 1 }),"#;
    let on = |rest: &str| format!("{deployed}{rest}");
    let set = |kept: &str, uri: &str| {
        format!(
            r#""u": (type: "SetBaseUri", from: {{ "contract": "c.contract", "pinned": "{kept}.pinned" }}, with: {{ "uri": "{uri}" }})"#
        )
    };
    let one = |kind: &str, kept: &str, digest: &str| {
        format!(
            r#""o": (type: "{kind}", from: {{ "contract": "c.contract", "pinned": "{kept}.pinned" }}, with: {{ "digest": "{digest}" }})"#
        )
    };
    let batch = |kept: &str, with: &str| {
        format!(
            r#""m": (type: "MintBatch", from: {{ "contract": "c.contract", "pinned": "{kept}.pinned" }}, with: {{ {with} }})"#
        )
    };
    // The base URI is set first; the provenance hash does not come into it here.
    let after = |mint: &str| {
        mint.replace(r#""contract": "c.contract""#, r#""contract": "c.contract", "uri": "u.uri""#)
    };
    for (nodes, words) in [
        (r#""t": (type: "WaitConfirmations", with: { "transactions": [] }),
              "c": (type: "Freeze", from: { "after": "t.block" }, with: { "contract": "0x12" })"#.to_owned(), "no address"),
        (
            r#""t": (type: "WaitConfirmations", with: { "transactions": [] }),
              "c": (type: "Freeze", from: { "after": "t.block" }, with: { "contract": "0xF39fd6e51aad88F6F4ce6aB8827279cffFb92266" })"#
                .to_owned(),
            "typing error",
        ),
        (
            r#""t": (type: "WaitConfirmations", with: { "transactions": [] }),
              "c": (type: "Freeze", from: { "after": "t.block" }, with: { "contract": "0x0000000000000000000000000000000000000000" })"#
                .to_owned(),
            "nobody's",
        ),
        (on(&set("k", "foxes")), "no base URI"),
        (on(&set("k", "ipfs://x")), "/ at its end"),
        (on(&set("k", "ipfs://y/")), "not where the kept files are"),
        (on(&set("k", "https://a.org/ipfs/y/")), "/ipfs/x/"),
        (on(&set("f", "")), "needs a folder"),
        (on(&set("some", "")), "only 10 of the 11 files"),
        (on(&one("MintOne", "k", "12")), "SHA-256"),
        (on(&one("MintOne", "k", "")), "which of its files"),
        (on(&one("MintOne", "k", &"55".repeat(32))), "not what was kept and read back"),
        (on(&one("MintOne", "some", &"01".repeat(32))), "nothing is minted before all were"),
        (on(&one("MintOne", "f", "")), "file of one block"),
        (on(&one("UpdateMetadata", "k", &"55".repeat(32))), "not what was kept and read back"),
        (on(&batch("k", r#""count": 3"#)), "has the base URI \"\" on the chain"),
        (on(&format!("{},{}", set("k", ""), after(&batch("k", r#""count": 12"#)))), "no document for token 11: its documents are 0 to 10"),
        (on(&format!("{},{}", set("k", ""), after(&batch("k", r#""count": 2, "first": 10"#)))), "no document for token 11"),
        (on(&batch("some", r#""count": 3"#)), "only 10 of the 11 files"),
        (on(&format!("{},{}", set("k", ""), after(&batch("k", r#""count": 11"#)))), "only 10 tokens"),
        (on(&format!("{},{}", set("k", ""), after(&batch("other", r#""count": 1"#)))), "not where the kept files are: ipfs://y/"),
        (on(r#""u": (type: "Freeze", from: { "contract": "c.contract", "after": "c.transaction" })"#), "no base URI"),
        (
            on(r#""u": (type: "SignVoucher", from: { "contract": "c.contract", "pinned": "k.pinned" }, with: { "price": "5",
                "to": "0x00000000000000000000000000000000000000bb",
                "digest": "1111111111111111111111111111111111111111111111111111111111111111" })"#),
            "no amount",
        ),
        (
            r#""c": (type: "DeployContract", with: { "network": "sepolia", "name": "A", "symbol": "A" })"#
                .to_owned(),
            "KILN_RPC_SEPOLIA",
        ),
    ] {
        let dir = quick_dir();
        let report = run(&nothing(), &nodes, dir.path());
        let said: Vec<String> = report.failures.iter().map(|f| f.2.clone()).collect();
        assert!(said.iter().any(|s| s.contains(words)), "wanted {words:?} of {nodes}: {said:?}");
    }
}

#[test]
fn a_nodes_address_is_never_shown() {
    let settings = Arc::new(Settings::new(|name| {
        (name == "KILN_RPC_SEPOLIA").then(|| "https://rpc.example.org/v3/0123456789abcdef".to_owned())
    }));
    let nodes =
        r#""c": (type: "DeployContract", with: { "network": "sepolia", "name": "A", "symbol": "A" })"#;
    let report = run(&settings, nodes, quick_dir().path());
    let said = format!("{:?}", report.failures);
    assert!(said.contains("rpc.example.org") && said.contains("--allow-net rpc.example.org"), "{said}");
    assert!(!said.contains("0123456789abcdef"), "{said}");
}

/// A door to this machine.
struct Here;

impl Net for Here {
    fn send(&self, request: &Request) -> Result<Response, NodeError> {
        let port = request.url.strip_prefix("http://127.0.0.1:").and_then(|p| p.parse().ok());
        let port = port.ok_or_else(|| NodeError::new("another address"))?;
        let body = at_port_raw(port, &request.body).map_err(NodeError::new)?;
        Ok(Response { status: 200, body })
    }
}

/// Another node by changing a URL.
#[test]
fn the_same_on_anvil() {
    let Some(anvil) = Anvil::start() else { return };
    let url = format!("http://127.0.0.1:{}", anvil.port());
    let settings = Arc::new(Settings::new(move |name| (name == "KILN_RPC_LOCAL").then(|| url.clone())));
    let dir = quick_dir();
    let nodes = COLLECTION;
    let report = run_with(&settings, nodes, dir.path(), Arc::new(Here));
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    assert!(!dir.path().join(".kiln/chain/local.log").exists(), "the embedded chain was used");
    let again = run_with(&settings, nodes, dir.path(), Arc::new(Here));
    assert!(nothing_done(&again), "something was done twice");
    let chain = kiln_chain::chain::Chain::open(&anvil, super::support::network()).unwrap();
    let journal = Folder::open(dir.path(), Millis(1)).unwrap().journal();
    let entries = journal.list(&kiln_core::store::Filter::default()).unwrap();
    let entry = entries.iter().find(|e| e.node == "contract").unwrap();
    let outcome: serde_json::Value = serde_json::from_slice(entry.outcome.as_ref().unwrap()).unwrap();
    let at = outcome["contract"].as_str().unwrap().parse().unwrap();
    assert_eq!(chain.call(at, &C::totalSupplyCall {}).unwrap().to::<u64>(), 26);
    // Without the door nothing is reached, and it is said how to open it.
    let other =
        Arc::new(Settings::new(|name| (name == "KILN_RPC_LOCAL").then(|| "http://127.0.0.1:1".to_owned())));
    let report = run(&other, nodes, quick_dir().path());
    assert!(format!("{:?}", report.failures).contains("--allow-net 127.0.0.1:1"), "{:?}", report.failures);
}
