//! What is asked of nodes, and what is made of their answers: the right network, fees and their ceilings, data fees, a
//! transaction that is stuck.

use super::support::*;
use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use alloy_sol_types::SolValue;
use kiln_chain::chain::{Chain, ChainError};
use kiln_chain::local::Local;
use kiln_chain::mint::{Bench, MintError, Wanted};
use kiln_chain::network::{ARBITRUM_NODE, NETWORKS, Network, OP_ORACLE};
use kiln_chain::rpc::{Rpc, RpcError};
use kiln_chain::send::Pace;
use kiln_chain::tx::Tx;
use kiln_ledger::Rules;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};

type Answers = dyn Fn(&str, &Value) -> Value;

/// A node that answers what it was told to.
struct Told(Box<Answers>);

impl Rpc for Told {
    fn ask(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        Ok((self.0)(method, &params))
    }
}

#[test]
fn a_node_of_another_network_is_refused() {
    for network in NETWORKS {
        let node = |chain: u64| Told(Box::new(move |_, _| format!("{chain:#x}").into()));
        assert!(Chain::open(node(network.chain), network).is_ok());
        let no = Chain::open(node(network.chain + 1), network).err().unwrap();
        assert!(matches!(no, ChainError::OtherChain { .. }) && no.to_string().contains(network.name), "{no}");
    }
    let odd = Told(Box::new(|_, _| json!({ "what": 1 })));
    assert!(matches!(Chain::open(odd, &NETWORKS[0]), Err(ChainError::Rpc(RpcError::Nonsense(_)))));
}

#[test]
fn data_that_is_stored_elsewhere_has_a_price_of_its_own() {
    let name = |n: &str| Network::by_name(n).unwrap();
    let optimism = Told(Box::new(|method, params| match method {
        "eth_chainId" => "0x2105".into(),
        _ => {
            assert_eq!(params[0]["to"], json!(OP_ORACLE));
            let data = hex::decode(params[0]["data"].as_str().unwrap()).unwrap();
            // getL1Fee(bytes)
            assert_eq!(data[..4], hex!("49948e0e"));
            json!(Bytes::from(U256::from(123_456).abi_encode()))
        }
    }));
    let chain = Chain::open(optimism, name("base")).unwrap();
    assert_eq!(chain.data_fee(None, &[1, 2, 3], 7).unwrap(), U256::from(123_456));
    let arbitrum = Told(Box::new(|method, params| match method {
        "eth_chainId" => "0xa4b1".into(),
        _ => {
            assert_eq!(params[0]["to"], json!(ARBITRUM_NODE));
            json!(Bytes::from((1000u64, U256::from(5), U256::from(6)).abi_encode()))
        }
    }));
    let chain = Chain::open(arbitrum, name("arbitrum")).unwrap();
    assert_eq!(chain.data_fee(Some(Address::ZERO), &[1], 7).unwrap(), U256::from(7000));
    let s = Stage::ready(5);
    assert_eq!(s.field.chain().data_fee(None, &[1], 7).unwrap(), U256::ZERO);
}

/// A node that keeps transactions waiting until somebody pays enough, or until it is told to forget them.
struct Slow<'a> {
    local: &'a Local,
    /// What the tip has to be.
    least: u128,
    waiting: RefCell<Vec<(Tx, Bytes)>>,
    /// Every transaction that came.
    came: RefCell<Vec<B256>>,
    forgets: Cell<u32>,
    time: Time,
    base: Cell<u64>,
}

impl Rpc for Slow<'_> {
    fn ask(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        let mut waiting = self.waiting.borrow_mut();
        match method {
            "eth_sendRawTransaction" => {
                let raw: Bytes = serde_json::from_value(params[0].clone()).unwrap();
                let (tx, _) = Tx::read(&raw).unwrap();
                let hash = keccak256(&raw);
                self.came.borrow_mut().push(hash);
                if self.forgets.get() > 0 {
                    self.forgets.set(self.forgets.get() - 1);
                    return Ok(json!(hash));
                }
                let no = |message: &str| {
                    Err(RpcError::Refused { code: -32000, message: message.into(), data: None })
                };
                if waiting.iter().any(|(_, r)| *r == raw) {
                    return no("already known");
                }
                // As nodes do: a rival has to pay a tenth more.
                if waiting.iter().any(|(w, _)| w.nonce == tx.nonce && w.max_fee * 110 / 100 > tx.max_fee) {
                    return no("replacement transaction underpriced");
                }
                waiting.retain(|(w, _)| w.nonce != tx.nonce);
                waiting.push((tx, raw));
                Ok(json!(hash))
            }
            "eth_getTransactionByHash" => {
                let hash: B256 = serde_json::from_value(params[0].clone()).unwrap();
                if waiting.iter().any(|(_, r)| keccak256(r) == hash) {
                    return Ok(json!({ "hash": hash }));
                }
                self.local.ask(method, params)
            }
            "eth_getTransactionCount" if params[1] == "pending" => {
                let count = self.local.ask(method, params)?;
                let count: U256 = serde_json::from_value(count).unwrap();
                Ok(json!(count + U256::from(waiting.len())))
            }
            "eth_getBlockByNumber" if params[0] == "latest" => {
                let mut block = self.local.ask(method, params)?;
                block["baseFeePerGas"] = json!(U256::from(self.base.get()));
                Ok(block)
            }
            _ => self.local.ask(method, params),
        }
    }
}

impl Pace for Slow<'_> {
    fn now(&self) -> u64 {
        self.time.now()
    }
    fn rest(&self, ms: u64) -> Result<(), kiln_ledger::Trouble> {
        self.time.pass(ms);
        let mut waiting = self.waiting.borrow_mut();
        let (go, stay): (Vec<_>, Vec<_>) = waiting.drain(..).partition(|(t, _)| t.tip >= self.least);
        *waiting = stay;
        for (_, raw) in go {
            self.local.ask("eth_sendRawTransaction", json!([raw])).unwrap();
        }
        self.local.ask("evm_mine", json!([])).unwrap();
        Ok(())
    }
}

fn rules() -> Rules {
    Rules {
        confirmations: 2,
        stuck_ms: 30_000,
        resend_ms: 8_000,
        poll_ms: 2_000,
        patience_ms: 600_000,
        generations: 3,
    }
}

fn mint_through(s: &Stage, slow: &Slow<'_>, ceiling: u128) -> Result<(), MintError> {
    let chain = Chain::open(slow, network()).unwrap();
    let books = quick_dir();
    let guard = &s.people.minter.guard;
    let bench =
        Bench { chain: &chain, guard, pace: slow, folder: books.path(), ceiling, rules: Some(rules()) };
    let to = s.people.buyer.address;
    let wanted = Wanted { contract: s.at, to, batch: 1, count: 3, first: None, per_transaction: 3 };
    bench.mint_batch(&[4; 32], &wanted).map(|_| ())
}

fn slow<'a>(s: &'a Stage, least: u128) -> Slow<'a> {
    s.field.local.fund(s.people.minter.address).unwrap();
    Slow {
        local: &s.field.local,
        least,
        waiting: RefCell::default(),
        came: RefCell::default(),
        forgets: Cell::new(0),
        time: s.field.time.clone(),
        base: Cell::new(1_000_000_000),
    }
}

#[test]
fn a_stuck_transaction_is_outbid_until_it_goes_through() {
    let s = Stage::ready(10);
    let node = slow(&s, 4);
    mint_through(&s, &node, 100_000_000_000).unwrap();
    // The tip was 1 and had to be 4: three higher bids, all with the same nonce, and one of them landed.
    let came = node.came.borrow();
    assert!(came.len() >= 3 && came.len() <= 5, "{} came", came.len());
    assert_eq!((s.supply(), s.field.chain().nonce(s.people.minter.address, None).unwrap()), (3, 1));
}

#[test]
fn a_fee_has_a_ceiling_that_no_bid_passes() {
    let s = Stage::ready(10);
    let node = slow(&s, u128::MAX);
    let no = mint_through(&s, &node, 3_000_000_000).unwrap_err().to_string();
    assert!(no.contains("still not settled: mint tokens 0 to 2") && no.contains("run again"), "{no}");
    for (tx, _) in node.waiting.borrow().iter() {
        assert!(tx.max_fee <= 3_000_000_000);
    }
    assert_eq!(s.supply(), 0);
    // While gas costs more than the ceiling, nothing is sent at all.
    let s = Stage::ready(10);
    let node = slow(&s, 0);
    node.base.set(50_000_000_000);
    let no = mint_through(&s, &node, 3_000_000_000).unwrap_err().to_string();
    assert!(no.contains("gas costs 50.000 gwei, more than the ceiling of 3.000 gwei"), "{no}");
    assert_eq!((node.came.borrow().len(), s.supply()), (0, 0));
}

#[test]
fn a_forgotten_transaction_is_sent_again_and_is_the_same() {
    let s = Stage::ready(10);
    let node = slow(&s, 0);
    node.forgets.set(3);
    mint_through(&s, &node, 100_000_000_000).unwrap();
    let came = node.came.borrow();
    assert_eq!(came.len(), 4);
    assert!(came.iter().all(|h| *h == came[0]));
    assert_eq!(s.supply(), 3);
}

#[test]
fn another_program_with_the_same_key_is_not_pushed_aside() {
    let s = Stage::ready(10);
    let node = slow(&s, 1_000);
    // Somebody's transaction of this account waits, and does not get anywhere.
    let tx = Tx {
        chain: 31337,
        nonce: 0,
        tip: 0,
        max_fee: 1_000_000_001,
        gas: 21_000,
        to: Some(Address::repeat_byte(1)),
        value: U256::ZERO,
        data: Bytes::new(),
    };
    let raw = s.people.minter.guard.transaction(&tx, NOW).unwrap();
    node.ask("eth_sendRawTransaction", json!([Bytes::from(raw)])).unwrap();
    let no = mint_through(&s, &node, 100_000_000_000).unwrap_err().to_string();
    assert!(no.contains("another program has a transaction of this account waiting"), "{no}");
    assert_eq!((node.came.borrow().len(), s.supply()), (1, 0));
}
