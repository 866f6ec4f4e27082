//! Minting through a node that loses answers, is late, repeats itself, is too busy, and takes blocks back, while
//! somebody else uses the account and the process is killed: the end is right every time.

use super::support::*;
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use kiln_chain::chain::Chain;
use kiln_chain::contract::{Collection as C, deploying};
use kiln_chain::local::CHAIN;
use kiln_chain::mint::{Bench, MintError, Wanted};
use kiln_chain::rpc::{Rpc, RpcError};
use kiln_chain::send::Pace;
use kiln_chain::tx::Tx;
use kiln_ledger::{Rules, Trouble};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::path::Path;

struct Chance(Cell<u64>);

impl Chance {
    fn below(&self, n: u64) -> u64 {
        let x = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(x);
        let mut z = x;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n.max(1)
    }
    fn rarely(&self, of_thousand: u64) -> bool {
        self.below(1000) < of_thousand
    }
}

/// Which faults happened, and how often.
#[derive(Default, Debug)]
struct Seen {
    dropped: Cell<u32>,
    late: Cell<u32>,
    doubled: Cell<u32>,
    busy: Cell<u32>,
    reorgs: Cell<u32>,
    stolen: Cell<u32>,
    kills: Cell<u32>,
}

fn count(cell: &Cell<u32>) {
    cell.set(cell.get() + 1);
}

struct Faulty<'a> {
    node: &'a dyn Rpc,
    minter: &'a Person,
    time: Time,
    chance: Chance,
    /// Of a thousand questions.
    faults: u64,
    /// Blocks from here on may be taken back.
    from: u64,
    limbo: RefCell<Vec<Value>>,
    /// States to go back to, by their newest block.
    marks: RefCell<Vec<(u64, Value)>>,
    seen: Seen,
}

impl Faulty<'_> {
    fn ask_it(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        self.node.ask(method, params)
    }
    fn number(&self, method: &str, params: Value) -> u64 {
        serde_json::from_value::<U256>(self.ask_it(method, params).unwrap()).unwrap().to()
    }
    fn head(&self) -> u64 {
        self.number("eth_blockNumber", json!([]))
    }
    /// Whether the node has made blocks of all it has. Anvil answers before it mines: what was just sent would be in a
    /// fourth block, beyond what is promised.
    fn settled(&self) -> bool {
        for _ in 0..300 {
            match self.ask_it("txpool_status", json!([])) {
                Ok(pool) if pool["pending"] != "0x0" => {
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
                _ => return true,
            }
        }
        false
    }
    /// Three blocks are taken back; others come in their place.
    fn reorg(&self) {
        if !self.settled() {
            return;
        }
        let head = self.head();
        let mut marks = self.marks.borrow_mut();
        let Some(at) = marks.iter().rposition(|m| m.0 + 3 <= head) else { return };
        if marks[at].0 < self.from {
            return;
        }
        let (to, id) = marks[at].clone();
        if head - to > 3 {
            return;
        }
        self.ask_it("evm_revert", json!([id])).unwrap();
        marks.truncate(at);
        for _ in to..head {
            self.ask_it("evm_mine", json!([])).unwrap();
        }
        count(&self.seen.reorgs);
    }
    /// Somebody else uses the account.
    fn steal(&self) {
        let nonce = self.number("eth_getTransactionCount", json!([self.minter.address, "latest"]));
        let tx = Tx {
            chain: CHAIN,
            nonce,
            tip: 0,
            max_fee: 5_000_000_000,
            gas: 21_000,
            to: Some(Address::repeat_byte(0x55)),
            value: U256::ONE,
            data: Bytes::new(),
        };
        let raw = Bytes::from(self.minter.guard.transaction(&tx, NOW).unwrap());
        if self.ask_it("eth_sendRawTransaction", json!([raw])).is_ok() {
            count(&self.seen.stolen);
        }
    }
}

impl Rpc for Faulty<'_> {
    fn ask(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        let (c, f) = (&self.chance, self.faults);
        let no_answer = || Err(RpcError::NoAnswer("time-out".into()));
        if c.rarely(f / 4) {
            count(&self.seen.kills);
            return Err(RpcError::Closed("killed".into()));
        }
        if c.rarely(f / 2) {
            count(&self.seen.busy);
            return kiln_chain::rpc::read(429, b"slow down");
        }
        if c.rarely(f) {
            count(&self.seen.dropped);
            return no_answer();
        }
        if method != "eth_sendRawTransaction" {
            return self.ask_it(method, params);
        }
        if c.rarely(4 * f) {
            // On its way; the answer too late.
            self.limbo.borrow_mut().push(params);
            count(&self.seen.late);
            return no_answer();
        }
        if c.rarely(6 * f) {
            self.steal();
        }
        let answer = self.ask_it(method, params.clone());
        if c.rarely(2 * f) {
            let _ = self.ask_it(method, params);
            count(&self.seen.doubled);
        }
        if c.rarely(4 * f) {
            count(&self.seen.dropped);
            return no_answer();
        }
        if c.rarely(f / 2) {
            count(&self.seen.kills);
            return Err(RpcError::Closed("killed".into()));
        }
        answer
    }
}

impl Pace for Faulty<'_> {
    fn now(&self) -> u64 {
        self.time.now()
    }
    fn rest(&self, ms: u64) -> Result<(), Trouble> {
        self.time.pass(ms);
        let limbo: Vec<Value> = std::mem::take(&mut self.limbo.borrow_mut());
        for params in limbo {
            if self.chance.rarely(400) {
                let _ = self.ask_it("eth_sendRawTransaction", params);
            } else if self.chance.rarely(900) {
                self.limbo.borrow_mut().push(params);
            }
        }
        if self.chance.rarely(4 * self.faults) {
            self.reorg();
        }
        self.ask_it("evm_mine", json!([])).map_err(|e| Trouble::Stop(e.to_string()))?;
        // Of a node that mines in its own time, only what is sure: the same block before and after.
        let (settled, before) = (self.settled(), self.head());
        let id = self.ask_it("evm_snapshot", json!([])).map_err(|e| Trouble::Stop(e.to_string()))?;
        let mut marks = self.marks.borrow_mut();
        if settled && self.head() == before {
            marks.push((before, id));
        }
        if marks.len() > 8 {
            marks.remove(0);
        }
        Ok(())
    }
}

fn rules() -> Rules {
    Rules {
        confirmations: 4,
        stuck_ms: 30_000,
        resend_ms: 6_000,
        poll_ms: 2_000,
        patience_ms: 600_000,
        generations: 40,
    }
}

/// Mints through the faults on the embedded chain.
fn play(seed: u64, faults: u64, tokens: u64, per: u64) -> (Seen, Vec<u64>) {
    let (dir, time) = (quick_dir(), Time::new());
    let local = open(dir.path(), &time);
    play_on(&local, &time, seed, faults, tokens, per)
}

/// Mints through the faults, beginning anew after each kill; then looks at everything.
fn play_on(node: &dyn Rpc, time: &Time, seed: u64, faults: u64, tokens: u64, per: u64) -> (Seen, Vec<u64>) {
    let (dir, people) = (quick_dir(), People::new());
    fund(node, people.minter.address);
    let at = prepare(node, &people, time, tokens);
    let from = serde_json::from_value::<U256>(node.ask("eth_blockNumber", json!([])).unwrap()).unwrap().to();
    let faulty = Faulty {
        node,
        minter: &people.minter,
        time: time.clone(),
        chance: Chance(Cell::new(seed)),
        faults,
        from,
        limbo: RefCell::default(),
        marks: RefCell::default(),
        seen: Seen::default(),
    };
    let to = people.buyer.address;
    let wanted = Wanted { contract: at, to, batch: 1, count: tokens, first: None, per_transaction: per };
    let books = dir.path().join("books");
    let mut tries = 0;
    let (plan, landed) = loop {
        tries += 1;
        assert!(tries < 2_000, "seed {seed}: never done");
        match run(&faulty, &people, &books, &wanted) {
            Ok(done) => break done,
            Err(MintError::Chain(e)) if e.is_passing() || e.to_string() == "killed" => {}
            Err(MintError::Stop(why))
                if why == "killed" || why.starts_with("after ") || why.contains("did not answer") => {}
            Err(e) => panic!("seed {seed}: {e}"),
        }
        faulty.rest(1_000).unwrap();
    };
    assert_eq!(landed.len() as u64, tokens.div_ceil(per));
    // What is still on its way arrives.
    for params in faulty.limbo.take() {
        let _ = node.ask("eth_sendRawTransaction", params);
    }
    let chain = Chain::open(node, network()).unwrap();
    let number = |n: U256| n.to::<u64>();
    assert_eq!(number(chain.call(at, &C::totalSupplyCall {}).unwrap()), tokens, "seed {seed}");
    assert_eq!(number(chain.call(at, &C::balanceOfCall { owner: to }).unwrap()), tokens);
    for (first, n) in plan.parts() {
        for token in [first, first + n - 1] {
            let tokenid = U256::from(token);
            assert_eq!(chain.call(at, &C::ownerOfCall { tokenId: tokenid }).unwrap(), to);
            assert_eq!(
                chain.call(at, &C::tokenURICall { tokenId: tokenid }).unwrap(),
                format!("ipfs://one/{token}")
            );
        }
    }
    // Each order's last generation is what landed; nothing is open any more.
    assert!(landed.iter().all(|l| chain.receipt(l.hash.into()).unwrap().is_some()));
    (faulty.seen, landed.iter().map(|l| l.gas_used).collect())
}

fn run(
    faulty: &Faulty<'_>,
    people: &People,
    books: &Path,
    wanted: &Wanted,
) -> Result<(kiln_chain::mint::Plan, Vec<kiln_ledger::Landed>), MintError> {
    let chain = Chain::open(faulty, network())?;
    let bench = Bench {
        chain: &chain,
        guard: &people.minter.guard,
        pace: faulty,
        folder: books,
        ceiling: 100_000_000_000,
        rules: Some(rules()),
    };
    bench.mint_batch(&[1; 32], wanted)
}

pub fn fund(node: &dyn Rpc, who: Address) {
    node.ask("anvil_setBalance", json!([who, U256::from(10u128.pow(22))])).unwrap();
}

/// Deploys a contract whose batch 1 is ready.
pub fn prepare(node: &dyn Rpc, people: &People, time: &Time, supply: u64) -> Address {
    let send = |who: &Person, to: Option<Address>, data: Vec<u8>| -> Value {
        fund(node, who.address);
        let nonce = node.ask("eth_getTransactionCount", json!([who.address, "latest"])).unwrap();
        let nonce = serde_json::from_value::<U256>(nonce).unwrap().to();
        let (value, max_fee) = (U256::ZERO, 2_000_000_000);
        let tx = Tx { chain: CHAIN, nonce, tip: 0, max_fee, gas: 6_000_000, to, value, data: data.into() };
        let raw = Bytes::from(who.guard.transaction(&tx, time.now()).unwrap());
        let hash = node.ask("eth_sendRawTransaction", json!([raw])).unwrap();
        for _ in 0..400 {
            let receipt = node.ask("eth_getTransactionReceipt", json!([hash])).unwrap();
            if !receipt.is_null() {
                return receipt;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        panic!("it was never mined");
    };
    let receipt = send(&people.admin, None, deploying(&setup(people, supply)));
    let at: Address = serde_json::from_value(receipt["contractAddress"].clone()).unwrap();
    let uri = C::setBaseURICall { batch: u24(1), uri: "ipfs://one/".into() };
    let hash = C::setProvenanceCall { batch: u24(1), hash: alloy_primitives::B256::repeat_byte(1) };
    send(&people.metadata, Some(at), uri.abi_encode());
    send(&people.metadata, Some(at), hash.abi_encode());
    at
}

#[test]
fn without_faults_a_batch_takes_its_transactions_and_no_more() {
    let (seen, _) = play(1, 0, 25, 10);
    assert_eq!((seen.kills.get(), seen.stolen.get()), (0, 0));
}

#[test]
fn with_every_fault_each_token_is_minted_once() {
    let runs = std::env::var("KILN_FAULT_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(25u64);
    let sum = Seen::default();
    for seed in 0..runs {
        let (seen, _) = play(seed, 30, 40, 5);
        for (a, b) in [
            (&sum.dropped, &seen.dropped),
            (&sum.late, &seen.late),
            (&sum.doubled, &seen.doubled),
            (&sum.busy, &seen.busy),
            (&sum.reorgs, &seen.reorgs),
            (&sum.stolen, &seen.stolen),
            (&sum.kills, &seen.kills),
        ] {
            a.set(a.get() + b.get());
        }
    }
    // They did happen.
    for cell in [&sum.dropped, &sum.late, &sum.doubled, &sum.busy, &sum.reorgs, &sum.stolen, &sum.kills] {
        assert!(u64::from(cell.get()) >= runs / 3, "{sum:?}");
    }
}

#[test]
fn ten_thousand_tokens_through_faults() {
    play(7, 15, 10_000, 500);
}

/// The same on anvil, a chain that others wrote: `tests/chain/run` fetches and names it.
#[test]
fn the_same_on_anvil() {
    let Some(anvil) = Anvil::start() else { return };
    let time = Time::new();
    // Gas to the unit, too.
    assert_eq!(play_on(&anvil, &time, 1, 0, 25, 10).1, play(1, 0, 25, 10).1);
    let runs = std::env::var("KILN_FAULT_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(3u64);
    let reorgs: u32 = (0..runs).map(|seed| play_on(&anvil, &time, seed, 30, 40, 5).0.reorgs.get()).sum();
    assert!(reorgs > 0);
    play_on(&anvil, &time, 7, 15, 10_000, 500);
}

#[test]
fn what_cannot_work_is_said_before_anything_is_sent() {
    let s = Stage::ready(10);
    let books = quick_dir();
    let chain = s.field.chain();
    let bench = |guard| Bench {
        chain: &chain,
        guard,
        pace: &s.field.time as &dyn Pace,
        folder: books.path(),
        ceiling: 10_000_000_000,
        rules: None,
    };
    let wanted = |count, first| Wanted {
        contract: s.at,
        to: s.people.buyer.address,
        batch: 1,
        count,
        first,
        per_transaction: 5,
    };
    s.field.local.fund(s.people.minter.address).unwrap();
    s.field.local.fund(s.people.stranger.address).unwrap();
    let minter = bench(&s.people.minter.guard);
    for (wanted, words) in [
        (wanted(0, None), "no tokens"),
        (wanted(11, None), "only 10 tokens are left"),
        (wanted(3, Some(1)), "token 0 is minted next, not 1"),
        (Wanted { batch: 9, ..wanted(3, None) }, "batch 9 has no base URI"),
        (
            Wanted { contract: Address::repeat_byte(3), ..wanted(3, None) },
            "does not answer as the contract does",
        ),
    ] {
        let no = minter.mint_batch(&[2; 32], &wanted).unwrap_err().to_string();
        assert!(no.contains(words), "wanted {words:?}: {no}");
    }
    let no = bench(&s.people.stranger.guard).mint_batch(&[2; 32], &wanted(3, None)).unwrap_err().to_string();
    assert!(no.contains("lacks the role MINTER_ROLE"), "{no}");
    let poor = person("poor");
    let no = bench(&poor.guard).deploy(&[3; 32], &setup(&s.people, 5)).unwrap_err().to_string();
    assert!(no.contains("has 0 ETH; send it more"), "{no}");
    assert_eq!(s.supply(), 0);
    // The cost is told before, and is what it costs.
    let cost = minter.cost(&wanted(10, None)).unwrap();
    assert_eq!(cost.plan.parts(), [(0, 5), (5, 5)]);
    let (_, landed) = minter.mint_batch(&[2; 32], &wanted(10, None)).unwrap();
    for (at, l) in landed.iter().enumerate() {
        let off = cost.gas[at] as f64 / l.gas_used as f64;
        assert!((0.97..1.6).contains(&off), "transaction {at}: said {}, used {}", cost.gas[at], l.gas_used);
    }
    // A receiver that needs much gas for each token gets them in smaller parts.
    let big = Stage::ready(2000);
    let r = receiver(&big.field, &big.people.stranger);
    // It looks at a URI that the contract has to spell out.
    let digest = alloy_primitives::B256::repeat_byte(1);
    let one = C::mintOneCall { to: big.people.buyer.address, digest, id: digest };
    big.send(&big.people.minter, &one).unwrap();
    let look = C::tokenURICall { tokenId: U256::ZERO }.abi_encode();
    let set = Receiver::setCall { mode: 3, takesEther: true, target: big.at, data: look.into() };
    big.field.call(&big.people.stranger, r, &set).unwrap();
    big.field.local.fund(big.people.minter.address).unwrap();
    let (chain, books) = (big.field.chain(), quick_dir());
    let pace = &big.field.time as &dyn Pace;
    let guard = &big.people.minter.guard;
    let bench =
        Bench { chain: &chain, guard, pace, folder: books.path(), ceiling: 10_000_000_000, rules: None };
    let all = Wanted { contract: big.at, to: r, batch: 1, count: 1999, first: None, per_transaction: 1000 };
    let (plan, parts) = bench.mint_batch(&[5; 32], &all).unwrap();
    assert!(plan.per < 1000 && parts.iter().all(|l| l.gas_used <= 16_777_216), "{plan:?}");
    assert_eq!((big.supply(), plan.parts().iter().map(|p| p.1).sum::<u64>()), (2000, 1999));
    // Asked again, it is done already.
    let again = minter.mint_batch(&[2; 32], &wanted(10, None)).unwrap();
    assert_eq!((again.1, s.supply()), (landed, 10));
    // But not with another key, whose book knows nothing of it: that would mint everything again.
    let more = Stage::ready(100);
    let chain = more.field.chain();
    let (books, to) = (quick_dir(), more.people.buyer.address);
    let bench = |guard| Bench {
        chain: &chain,
        guard,
        pace: &more.field.time as &dyn Pace,
        folder: books.path(),
        ceiling: 10_000_000_000,
        rules: None,
    };
    let wanted = Wanted { contract: more.at, to, batch: 1, count: 3, first: None, per_transaction: 3 };
    let (minter, other) = (&more.people.minter, &more.people.stranger);
    more.field.local.fund(minter.address).unwrap();
    more.field.local.fund(other.address).unwrap();
    // Who may not mint begins nothing, and is in nobody's way.
    assert!(
        bench(&other.guard).mint_batch(&[6; 32], &wanted).unwrap_err().to_string().contains("lacks the role")
    );
    bench(&minter.guard).mint_batch(&[6; 32], &wanted).unwrap();
    let role = kiln_chain::contract::role("MINTER_ROLE");
    more.send(&more.people.admin, &C::grantRoleCall { role, account: other.address }).unwrap();
    let no = bench(&other.guard).mint_batch(&[6; 32], &wanted).unwrap_err().to_string();
    assert!(no.contains("begun with the account") && no.contains(&minter.address.to_string()), "{no}");
    assert_eq!(more.supply(), 3);
}
