//! The driver against a made-up chain with every fault we know: lost, late and doubled messages, dropped transactions,
//! reorganisations, a nonce used by somebody else, nodes that lag, and a process that is killed anywhere.
//!
//! The made-up contract has no guard at all: whatever lands, counts. So what is shown here rests on the book alone.

use kiln_ledger::book::{Attempt, Book, Hash, Landed};
use kiln_ledger::{Call, Job, Rules, Sent, Trouble, View, World, drive};
use std::collections::{BTreeMap, BTreeSet};

/// A small source of chance, the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
    /// True `n` times of a thousand.
    fn rarely(&mut self, n: u64) -> bool {
        self.below(1000) < n
    }
}

#[derive(Clone)]
struct Tx {
    hash: Hash,
    nonce: u64,
    fee: u128,
    /// Which order it is for; `None`: somebody else's.
    order: Option<Hash>,
}

#[derive(Clone)]
struct Block {
    hash: Hash,
    txs: Vec<(Tx, bool)>,
}

const DEPTH: u64 = 4;

struct Sim {
    chance: Chance,
    faults: u64,
    blocks: Vec<Block>,
    pool: BTreeMap<Hash, Tx>,
    /// Sent, and not arrived yet; perhaps never.
    limbo: Vec<Tx>,
    known: BTreeMap<Hash, Tx>,
    time: u64,
    serial: u64,
    kills: u64,
    stolen: u64,
    reorgs: u64,
    /// How many transactions were in a block and then in none.
    vanished: u64,
}

impl Sim {
    fn new(seed: u64, faults: u64) -> Self {
        let genesis = Block { hash: [1; 32], txs: Vec::new() };
        Self {
            chance: Chance(seed),
            faults,
            blocks: vec![genesis],
            pool: BTreeMap::new(),
            limbo: Vec::new(),
            known: BTreeMap::new(),
            time: 0,
            serial: 0,
            kills: 0,
            stolen: 0,
            reorgs: 0,
            vanished: 0,
        }
    }
    fn used(&self) -> u64 {
        self.blocks.iter().map(|b| b.txs.len() as u64).sum()
    }
    fn fresh(&mut self, tag: u8) -> Hash {
        self.serial += 1;
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&self.serial.to_be_bytes());
        hash[31] = tag;
        hash
    }
    fn pool_it(&mut self, tx: Tx) {
        if tx.nonce < self.used() {
            return;
        }
        let rival = self.pool.values().find(|p| p.nonce == tx.nonce).cloned();
        match rival {
            Some(r) if r.fee * 110 / 100 > tx.fee => {}
            Some(r) => {
                self.pool.remove(&r.hash);
                self.pool.insert(tx.hash, tx);
            }
            None => {
                self.pool.insert(tx.hash, tx);
            }
        }
    }
    fn mine(&mut self) {
        let hash = self.fresh(2);
        let mut block = Block { hash, txs: Vec::new() };
        let mut next = self.used();
        while let Some(tx) = self.pool.values().find(|t| t.nonce == next).cloned() {
            self.pool.remove(&tx.hash);
            let ok = !self.chance.rarely(self.faults / 4);
            block.txs.push((tx, ok));
            next += 1;
            if self.chance.rarely(500) {
                break;
            }
        }
        self.blocks.push(block);
    }
    /// What happens by itself.
    fn tick(&mut self) {
        let f = self.faults;
        let (late, kept): (Vec<Tx>, Vec<Tx>) =
            std::mem::take(&mut self.limbo).into_iter().partition(|_| self.chance.rarely(300));
        self.limbo = kept;
        for tx in late {
            self.pool_it(tx);
        }
        if self.chance.rarely(f / 2) {
            let at = self.chance.below(self.pool.len() as u64) as usize;
            if let Some(hash) = self.pool.keys().nth(at).copied() {
                self.pool.remove(&hash);
            }
        }
        if self.chance.rarely(f / 3) {
            // Somebody else uses the next nonce.
            let (nonce, hash) = (self.used(), self.fresh(9));
            self.pool.retain(|_, t| t.nonce != nonce);
            self.pool.insert(hash, Tx { hash, nonce, fee: u128::MAX / 1000, order: None });
            self.stolen += 1;
        }
        if self.chance.rarely(f / 2) {
            // At most so deep that what is settled stays; the chain is never shorter for long.
            let deep = (1 + self.chance.below(DEPTH - 1)).min(self.blocks.len() as u64 - 1) as usize;
            let cut = self.blocks.split_off(self.blocks.len() - deep);
            for (tx, _) in cut.into_iter().flat_map(|b| b.txs) {
                self.vanished += 1;
                if self.chance.rarely(600) {
                    self.pool_it(tx);
                } else if self.chance.rarely(500) {
                    self.limbo.push(tx);
                }
            }
            for _ in 0..deep {
                self.mine();
            }
            self.reorgs += 1;
        }
        if self.chance.rarely(700) {
            self.mine();
        }
    }
    fn fault(&mut self) -> Result<(), Trouble> {
        if self.chance.rarely(self.faults / 3) {
            self.kills += 1;
            return Err(Trouble::Stop("killed".into()));
        }
        if self.chance.rarely(self.faults) {
            return Err(Trouble::Passing("time-out".into()));
        }
        Ok(())
    }
    fn landed(&self, hash: &Hash) -> Option<Landed> {
        self.blocks.iter().enumerate().find_map(|(n, b)| {
            b.txs.iter().find(|(t, _)| t.hash == *hash).map(|(_, ok)| Landed {
                hash: *hash,
                block: n as u64,
                block_hash: b.hash,
                ok: *ok,
                gas_used: 1,
                gas_price: 1,
                created: None,
            })
        })
    }
    /// How often each order took effect.
    fn effects(&self) -> BTreeMap<Hash, u32> {
        let mut found = BTreeMap::new();
        for (tx, ok) in self.blocks.iter().flat_map(|b| &b.txs) {
            if let (Some(order), true) = (tx.order, *ok) {
                *found.entry(order).or_insert(0) += 1;
            }
        }
        found
    }
}

impl World for Sim {
    fn look(&mut self, hashes: &[Hash]) -> Result<View, Trouble> {
        self.fault()?;
        let mut view = View { head: self.blocks.len() as u64 - 1, used: self.used(), ..View::default() };
        let waiting: BTreeSet<u64> = self.pool.values().map(|t| t.nonce).collect();
        view.pending = (view.used..).find(|n| !waiting.contains(n)).unwrap();
        if self.chance.rarely(self.faults) {
            // Time passes between two questions: what is answered next is of another moment.
            self.tick();
        }
        view.landed = hashes.iter().map(|h| self.landed(h)).collect();
        view.known = hashes.iter().map(|h| self.pool.contains_key(h) || self.landed(h).is_some()).collect();
        if self.chance.rarely(self.faults) {
            // Another node answers, that has not seen the receipts yet.
            view.landed.iter_mut().for_each(|l| *l = None);
        }
        self.fault()?;
        Ok(view)
    }
    fn who_used(&mut self, nonce: u64, _: u64) -> Result<Option<(Hash, u64)>, Trouble> {
        self.fault()?;
        Ok(self
            .blocks
            .iter()
            .enumerate()
            .find_map(|(n, b)| b.txs.iter().find(|(t, _)| t.nonce == nonce).map(|(t, _)| (t.hash, n as u64))))
    }
    fn sign(&mut self, job: &Job, nonce: u64, _: Option<&Attempt>) -> Result<Attempt, Trouble> {
        self.fault()?;
        let hash = self.fresh(3);
        let attempt =
            Attempt { hash, nonce, raw: job.id.to_vec(), max_fee: 100, tip: 1, gas: 1, refused: false };
        self.known.insert(hash, Tx { hash, nonce, fee: attempt.max_fee, order: Some(job.id) });
        Ok(attempt)
    }
    fn outbid(&mut self, attempt: &Attempt) -> Result<Option<Attempt>, Trouble> {
        self.fault()?;
        let (hash, max_fee) = (self.fresh(4), attempt.max_fee * 125 / 100);
        if max_fee > 10_000 {
            return Ok(None);
        }
        let order = attempt.raw.as_slice().try_into().unwrap();
        self.known.insert(hash, Tx { hash, nonce: attempt.nonce, fee: max_fee, order: Some(order) });
        Ok(Some(Attempt { hash, max_fee, ..attempt.clone() }))
    }
    fn send(&mut self, attempt: &Attempt) -> Result<Sent, Trouble> {
        self.fault()?;
        if self.chance.rarely(self.faults / 3) {
            return Ok(Sent::Refused("no".into()));
        }
        let tx = self.known[&attempt.hash].clone();
        if self.chance.rarely(self.faults) {
            self.limbo.push(tx.clone());
            if self.chance.rarely(500) {
                // Twice: now, and once more later.
                self.pool_it(tx);
            }
        } else {
            self.pool_it(tx);
        }
        self.fault()?;
        Ok(Sent::Taken)
    }
    fn now(&self) -> u64 {
        self.time
    }
    fn rest(&mut self, ms: u64) -> Result<(), Trouble> {
        self.time += ms;
        self.tick();
        match self.fault() {
            Err(Trouble::Passing(_)) => Ok(()),
            other => other,
        }
    }
}

fn quick_dir() -> tempfile::TempDir {
    // A book is synced at every line: where the memory is a disk, that costs nothing.
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn jobs(n: u8) -> Vec<Job> {
    let call = Call { to: Some([7; 20]), value: 0, data: Vec::new() };
    (0..n).map(|i| Job { id: [100 + i; 32], words: format!("job {i}"), call: call.clone() }).collect()
}

/// Runs until all is done, beginning anew after each kill; and says what the chain has in the end.
fn play(seed: u64, faults: u64, count: u8) -> Sim {
    let dir = quick_dir();
    let path = dir.path().join("book");
    let mut sim = Sim::new(seed, faults);
    let rules = Rules {
        confirmations: DEPTH,
        stuck_ms: 20_000,
        resend_ms: 4_000,
        poll_ms: 1_000,
        patience_ms: 400_000,
        generations: 60,
    };
    let jobs = jobs(count);
    let mut tries = 0;
    loop {
        tries += 1;
        assert!(tries < 5_000, "seed {seed}: never done");
        let mut book = Book::open(&path, 1, [5; 20]).unwrap();
        match drive::run(&mut book, &mut sim, rules, &jobs) {
            Ok(done) => {
                assert_eq!(done.len(), jobs.len());
                break;
            }
            Err(Trouble::Stop(why)) if why == "killed" || why.starts_with("after ") => sim.tick(),
            Err(other) => panic!("seed {seed}: {other}"),
        }
    }
    // Everything that is still somewhere arrives now.
    for tx in std::mem::take(&mut sim.limbo) {
        sim.pool_it(tx);
    }
    sim.faults = 0;
    for tx in sim.known.values().cloned().collect::<Vec<_>>() {
        sim.pool_it(tx);
    }
    for _ in 0..20 {
        sim.mine();
    }
    let effects = sim.effects();
    for job in &jobs {
        assert_eq!(effects.get(&job.id), Some(&1), "seed {seed}: {}", job.words);
    }
    assert_eq!(effects.len(), jobs.len(), "seed {seed}");
    sim
}

fn runs() -> u64 {
    std::env::var("KILN_MODEL_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(150)
}

#[test]
fn without_faults_each_order_takes_one_transaction() {
    let sim = play(1, 0, 6);
    assert_eq!(sim.used(), 6);
}

#[test]
fn with_every_fault_each_order_happens_once() {
    let (mut kills, mut stolen, mut reorgs, mut vanished) = (0, 0, 0, 0);
    for seed in 0..runs() {
        for faults in [20, 80, 200] {
            let sim = play(seed, faults, 5);
            kills += sim.kills;
            stolen += sim.stolen;
            reorgs += sim.reorgs;
            vanished += sim.vanished;
        }
    }
    // The faults did happen, or nothing was shown.
    assert!(kills > runs() && stolen > runs() / 2 && reorgs > runs() && vanished > runs() / 4);
}

/// The model can fail: a driver that forgets what it sent mints twice.
#[test]
fn without_the_book_it_would_happen_twice() {
    let mut twice = 0;
    for seed in 0..60 {
        let mut sim = Sim::new(seed, 200);
        let rules = Rules { confirmations: DEPTH, poll_ms: 1_000, resend_ms: 4_000, ..Rules::default() };
        for _ in 0..2_000 {
            let dir = quick_dir();
            let mut book = Book::open(dir.path().join("book"), 1, [5; 20]).unwrap();
            if drive::run(&mut book, &mut sim, rules, &jobs(2)).is_ok() {
                break;
            }
        }
        twice += sim.effects().values().filter(|n| **n > 1).count();
    }
    assert!(twice > 0);
}
