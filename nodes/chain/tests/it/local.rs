//! The embedded chain: the same after every start, whole after every crash.

use super::support::*;
use alloy_primitives::{Address, B256, Bytes, U256};
use kiln_chain::contract::Collection as C;
use kiln_chain::local::{CHAIN, Local};
use kiln_chain::rpc::{Rpc, RpcError};
use kiln_chain::tx::Tx;
use serde_json::{Value, json};

fn story(local: &Local) -> Vec<Value> {
    let head: U256 = serde_json::from_value(local.ask("eth_blockNumber", json!([])).unwrap()).unwrap();
    (0..=head.to::<u64>())
        .map(|n| local.ask("eth_getBlockByNumber", json!([format!("{n:#x}"), true])).unwrap())
        .collect()
}

fn pay(who: &Person, nonce: u64) -> Vec<u8> {
    let tx = Tx {
        chain: CHAIN,
        nonce,
        tip: 1,
        max_fee: 2_000_000_000,
        gas: 21_000,
        to: Some(Address::repeat_byte(9)),
        value: U256::from(7),
        data: Bytes::new(),
    };
    who.guard.transaction(&tx, NOW).unwrap()
}

fn send(local: &Local, raw: &[u8]) -> Result<Value, RpcError> {
    local.ask("eth_sendRawTransaction", json!([Bytes::copy_from_slice(raw)]))
}

#[test]
fn it_is_the_same_after_every_start_and_for_everybody() {
    let (dir, time, who) = (quick_dir(), Time::new(), person("a"));
    let (one, two) = (open(dir.path(), &time), open(dir.path(), &time));
    one.fund(who.address).unwrap();
    for nonce in 0..4 {
        // By turns: each sees what the other did.
        time.pass(1_500);
        send(if nonce % 2 == 0 { &one } else { &two }, &pay(&who, nonce)).unwrap();
    }
    one.ask("evm_mine", json!([])).unwrap();
    let wanted = story(&one);
    assert_eq!(wanted.len(), 6);
    assert_eq!(story(&two), wanted);
    time.pass(1_000_000);
    assert_eq!(story(&open(dir.path(), &time)), wanted);
    let balance = |l: &Local| l.ask("eth_getBalance", json!([Address::repeat_byte(9), "latest"])).unwrap();
    assert_eq!(balance(&open(dir.path(), &time)), json!(U256::from(28)));
    // Counts of the past, as a node keeps them.
    for (at, count) in [(0, 0), (1, 1), (3, 3), (5, 4)] {
        let asked = one.ask("eth_getTransactionCount", json!([who.address, format!("{at:#x}")])).unwrap();
        assert_eq!(asked, format!("{count:#x}"));
    }
}

#[test]
fn a_crash_takes_the_last_line_at_most() {
    let (dir, time, who) = (quick_dir(), Time::new(), person("a"));
    let local = open(dir.path(), &time);
    local.fund(who.address).unwrap();
    send(&local, &pay(&who, 0)).unwrap();
    let before = (std::fs::read(dir.path().join("local.log")).unwrap(), story(&local));
    send(&local, &pay(&who, 1)).unwrap();
    let after = (std::fs::read(dir.path().join("local.log")).unwrap(), story(&local));
    drop(local);
    let at = |bytes: &[u8]| {
        std::fs::write(dir.path().join("local.log"), bytes).unwrap();
        story(&open(dir.path(), &time))
    };
    for cut in (before.0.len()..after.0.len()).step_by(7) {
        assert_eq!(at(&after.0[..cut]), before.1, "cut at {cut}");
    }
    assert_eq!(at(&after.0), after.1);
    // Sent again, it lands as before.
    at(&after.0[..after.0.len() - 1]);
    let local = open(dir.path(), &time);
    send(&local, &pay(&who, 1)).unwrap();
    assert_eq!(story(&local)[2]["transactions"], after.1[2]["transactions"].clone());
    let mut bad = after.0.clone();
    bad[40] ^= 1;
    std::fs::write(dir.path().join("local.log"), bad).unwrap();
    let no = open(dir.path(), &time).ask("eth_blockNumber", json!([])).unwrap_err();
    assert!(no.to_string().contains("damaged"), "{no}");
}

#[test]
fn it_refuses_what_a_node_refuses() {
    let (dir, time, who) = (quick_dir(), Time::new(), person("a"));
    let local = open(dir.path(), &time);
    let no = |raw: &[u8]| match send(&local, raw) {
        Err(RpcError::Refused { message, .. }) => message,
        other => panic!("{other:?}"),
    };
    assert!(no(&pay(&who, 0)).contains("lack of funds"), "{}", no(&pay(&who, 0)));
    local.fund(who.address).unwrap();
    assert!(no(&pay(&who, 1)).starts_with("nonce too high"));
    send(&local, &pay(&who, 0)).unwrap();
    assert_eq!(no(&pay(&who, 0)), "already known");
    let tx = |change: &dyn Fn(&mut Tx)| {
        let mut tx = Tx::read(&pay(&who, 1)).unwrap().0;
        change(&mut tx);
        who.guard.transaction(&tx, NOW)
    };
    assert!(no(&tx(&|t| t.value = U256::ONE).map(|_| pay(&who, 0)).unwrap()).contains("known"));
    let other = tx(&|t| (t.nonce, t.value) = (0, U256::ONE)).unwrap();
    assert!(no(&other).starts_with("nonce too low"));
    for (change, words) in [
        (Box::new(|t: &mut Tx| t.gas = 16_777_217) as Box<dyn Fn(&mut Tx)>, "cap"),
        (Box::new(|t: &mut Tx| t.gas = 20_999), "gas"),
        (Box::new(|t: &mut Tx| (t.max_fee, t.tip) = (999_999_999, 0)), "fee"),
        (Box::new(|t: &mut Tx| t.tip = t.max_fee + 1), "fee"),
        (Box::new(|t: &mut Tx| t.value = U256::MAX >> 1), "fund"),
    ] {
        let said = no(&tx(&*change).unwrap()).to_lowercase();
        assert!(said.contains(words), "wanted {words}, got {said}");
    }
    assert!(no(&[2, 0xc0]).contains("rlp"));
    assert!(no(&[]).contains("rlp"));
    // The policy of a toy chain is for that chain alone.
    assert!(tx(&|t| t.chain = 1).unwrap_err().to_string().contains("`chains`"));
    assert_eq!(story(&local).len(), 2);
    assert!(matches!(local.ask("eth_mine", json!([])), Err(RpcError::Refused { code: -32601, .. })));
    assert!(matches!(local.ask("eth_getBalance", json!([])), Err(RpcError::Refused { code: -32602, .. })));
}

#[test]
fn blocks_can_be_taken_back() {
    let s = Stage::ready(10);
    s.mint(s.people.buyer.address, 2, 0).unwrap();
    let local = &s.field.local;
    let mark = local.ask("evm_snapshot", json!([])).unwrap();
    let before = story(local);
    s.mint(s.people.buyer.address, 2, 2).unwrap();
    assert_eq!(s.supply(), 4);
    local.ask("evm_revert", json!([mark])).unwrap();
    assert_eq!((s.supply(), story(local)), (2, before));
    s.mint(s.people.stranger.address, 1, 2).unwrap();
    assert_eq!(s.owner(2).unwrap(), s.people.stranger.address);
}

#[test]
fn what_is_asked_changes_nothing() {
    let s = Stage::ready(10);
    let before = story(&s.field.local);
    let call = json!({ "from": s.people.minter.address, "to": s.at,
        "data": Bytes::from(alloy_sol_types::SolCall::abi_encode(&mint(s.people.buyer.address, 3, 1, 0))) });
    for _ in 0..3 {
        s.field.ask("eth_call", json!([call, "latest"]));
        s.field.ask("eth_estimateGas", json!([call]));
    }
    assert_eq!((s.supply(), story(&s.field.local)), (0, before));
    assert!(!s.read(&C::isUsedCall { id: B256::ZERO }));
}
