//! The nodes in a graph: from nothing to minted tokens, once.

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
    registry.add_all(nodes_with(settings));
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

fn nothing() -> Arc<Settings> {
    Arc::new(Settings::new(|_| None))
}

const COLLECTION: &str = r#"
    "contract": (type: "DeployContract", with: { "name": "Foxes", "symbol": "FOX", "supply": 100, "royalty": 5.0 }),
    "uri": (type: "SetBaseUri", from: { "contract": "contract.contract" }, with: { "uri": "ipfs://bafyfoxes/" }),
    "proof": (type: "SetProvenance", from: { "contract": "contract.contract" }, with: {
        "provenance": "0707070707070707070707070707070707070707070707070707070707070707" }),
    "mint": (type: "MintBatch", from: {
        "contract": "contract.contract", "uri": "uri.uri", "provenance": "proof.provenance",
    }, with: { "count": 25, "per_transaction": 10 }),
    "wait": (type: "WaitConfirmations", from: { "transactions": "mint.transactions" }),
    "one": (type: "MintOne", from: { "contract": "contract.contract" }, with: {
        "to": "0x00000000000000000000000000000000000000aa",
        "digest": "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku" }),
    "voucher": (type: "SignVoucher", from: { "contract": "contract.contract" }, with: {
        "to": "0x00000000000000000000000000000000000000bb", "price": "0.05 ether",
        "digest": "1111111111111111111111111111111111111111111111111111111111111111" }),
    "freeze": (type: "Freeze", from: { "contract": "contract.contract", "after": "wait.transactions" }),
"#;

#[test]
fn a_collection_is_minted_once_with_nothing_installed() {
    let (dir, settings) = (quick_dir(), nothing());
    // One token and a batch at once: the one must not get into the batch's numbers.
    let report = run(&settings, COLLECTION, dir.path());
    let failed = report.failures.iter().map(|f| f.2.clone()).collect::<Vec<_>>();
    let tries = if report.status == Status::Done { 0 } else { 1 };
    assert!(failed.iter().all(|f| f.contains("others were minted meanwhile")), "{failed:?}");
    let report = if tries == 1 { run(&settings, COLLECTION, dir.path()) } else { report };
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    // Again, by another process: everything is in the journal.
    let other = nothing();
    let again = run(&other, COLLECTION, dir.path());
    assert_eq!(again.status, Status::Done, "{:?}", again.failures);
    assert!(again.nodes.values().all(|n| n.ran == 0), "something was done twice");
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

#[test]
fn a_dry_run_tells_the_cost_and_sends_nothing() {
    let (dir, settings) = (quick_dir(), nothing());
    let graph = |dry: bool| {
        format!(
            r#""c": (type: "DeployContract", with: {{ "name": "A", "symbol": "A", "supply": 100 }}),
            "u": (type: "SetBaseUri", from: {{ "contract": "c.contract" }}, with: {{ "uri": "ipfs://x/" }}),
            "p": (type: "SetProvenance", from: {{ "contract": "c.contract" }}, with: {{
                "provenance": "0707070707070707070707070707070707070707070707070707070707070707" }}),
            "m": (type: "MintBatch", from: {{ "contract": "c.contract", "uri": "u.uri", "provenance": "p.provenance" }},
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
    let deployed = r#""c": (type: "DeployContract", with: { "name": "A", "symbol": "A", "supply": 10 }),"#;
    let on = |rest: &str| format!("{deployed}{rest}");
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
        (
            on(r#""u": (type: "SetBaseUri", from: { "contract": "c.contract" }, with: { "uri": "foxes" })"#),
            "no base URI",
        ),
        (
            on(
                r#""u": (type: "SetBaseUri", from: { "contract": "c.contract" }, with: { "uri": "ipfs://x" })"#,
            ),
            "/ at its end",
        ),
        (
            on(r#""u": (type: "MintOne", from: { "contract": "c.contract" }, with: { "digest": "12" })"#),
            "SHA-256",
        ),
        (
            on(r#""u": (type: "MintBatch", from: { "contract": "c.contract" }, with: { "count": 3 })"#),
            "no base URI",
        ),
        (
            on(r#""u": (type: "MintBatch", from: { "contract": "c.contract" }, with: { "count": 11 })"#),
            "only 10 tokens",
        ),
        (
            on(
                r#""u": (type: "MintBatch", from: { "contract": "c.contract" }, with: { "uri": "ipfs://x/" })"#,
            ),
            "not \"ipfs://x/\"",
        ),
        (on(r#""u": (type: "Freeze", from: { "contract": "c.contract", "after": "c.transaction" })"#), "no base URI"),
        (
            on(r#""u": (type: "SignVoucher", from: { "contract": "c.contract" }, with: { "price": "5",
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
    let mut report = run_with(&settings, nodes, dir.path(), Arc::new(Here));
    if report.status != Status::Done {
        // One token and a batch at once: the batch's numbers moved on. The next run makes a new plan.
        report = run_with(&settings, nodes, dir.path(), Arc::new(Here));
    }
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    assert!(!dir.path().join(".kiln/chain/local.log").exists(), "the embedded chain was used");
    let again = run_with(&settings, nodes, dir.path(), Arc::new(Here));
    assert!(again.nodes.values().all(|n| n.ran == 0), "something was done twice");
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
