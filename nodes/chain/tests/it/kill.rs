//! A process that mints is killed at random moments, again and again; what is on the chain in the end is right.

use super::faults::{fund, prepare};
use super::support::*;
use alloy_primitives::{Address, U256};
use kiln_chain::chain::Chain;
use kiln_chain::contract::Collection as C;
use kiln_chain::local::Local;
use kiln_chain::mint::{Bench, Wanted};
use kiln_chain::rpc::{Rpc, RpcError};
use kiln_chain::send::Pace;
use kiln_ledger::book::Book;
use kiln_ledger::{Rules, Trouble};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Where the chain is: a folder, or a port.
enum Place {
    Folder(Box<Local>),
    Port(u16),
}

impl Place {
    fn read(text: &str) -> Self {
        match text.parse() {
            Ok(port) => Self::Port(port),
            Err(_) => Self::Folder(Box::new(Local::open(text, Arc::new(now)).unwrap())),
        }
    }
}

impl Rpc for Place {
    fn ask(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        match self {
            Self::Folder(local) => local.ask(method, params),
            Self::Port(port) => at_port(*port, method, &params),
        }
    }
}

/// A chain whose blocks come while somebody waits.
struct Real<'a>(&'a Place);

impl Pace for Real<'_> {
    fn now(&self) -> u64 {
        now()
    }
    fn rest(&self, ms: u64) -> Result<(), Trouble> {
        std::thread::sleep(Duration::from_millis(ms));
        self.0.ask("evm_mine", json!([])).map(|_| ()).map_err(|e| Trouble::Stop(e.to_string()))
    }
}

fn wanted(contract: Address, tokens: u64, per: u64) -> Wanted {
    let to = People::new().buyer.address;
    Wanted { contract, to, batch: 1, count: tokens, first: None, per_transaction: per }
}

/// The process that is killed: this test program, with the place in its environment.
#[test]
#[ignore = "started by the tests beside it"]
fn child() {
    let Ok(place) = std::env::var("KILN_KILL_PLACE") else { return };
    let var = |name: &str| std::env::var(name).unwrap();
    let place = Place::read(&place);
    let (people, books) = (People::new(), PathBuf::from(var("KILN_KILL_BOOKS")));
    let chain = Chain::open(&place, network()).unwrap();
    let rules = Rules { confirmations: 3, poll_ms: 5, stuck_ms: 5_000, resend_ms: 200, ..Rules::default() };
    let bench = Bench {
        chain: &chain,
        guard: &people.minter.guard,
        pace: &Real(&place),
        folder: &books,
        ceiling: 100_000_000_000,
        rules: Some(rules),
    };
    // From here on it counts: how long a start takes, differs between machines.
    std::io::stdout().write_all(b"\nready\n").unwrap();
    let tokens: u64 = var("KILN_KILL_TOKENS").parse().unwrap();
    let wanted = wanted(var("KILN_KILL_CONTRACT").parse().unwrap(), tokens, 250);
    bench.mint_batch(&[7; 32], &wanted).unwrap();
}

/// How many orders are begun and not settled, as the book on the disk says.
fn under_way(books: &Path, minter: Address) -> usize {
    let path = books.join(format!("31337-{minter:#x}.log"));
    if !path.exists() {
        return 0;
    }
    let mut book = Book::open(path, 31337, *minter.0).unwrap();
    let held = book.hold(Duration::from_secs(10)).unwrap();
    held.pages().open().len()
}

/// Kills so often, over as many collections as it takes.
fn killed(place_text: &str, kills: u32, tokens: u64) {
    let (mut done, mut between, mut chance) = (0, 0, now());
    while done < kills {
        let (d, b) = collection(place_text, kills - done, tokens, &mut chance);
        assert!(d > 0, "it was done before it could be killed");
        (done, between) = (done + d, between + b);
    }
    assert!(between * 3 >= done, "{between} of {done} kills fell between intent and outcome");
}

/// Mints a collection with so many kills at most; how many there were, and how many of them while something was sent and
/// not settled.
fn collection(place_text: &str, kills: u32, tokens: u64, chance: &mut u64) -> (u32, u32) {
    let place = Place::read(place_text);
    let (people, books, time) = (People::new(), quick_dir(), Time::new());
    time.0.store(now(), std::sync::atomic::Ordering::SeqCst);
    fund(&place, people.minter.address);
    let at = prepare(&place, &people, &time, tokens);
    let before = Chain::open(&place, network()).unwrap().nonce(people.minter.address, None).unwrap();
    let (mut done, mut between, mut starts) = (0, 0, 0u64);
    loop {
        starts += 1;
        assert!(starts < 1_000, "never done");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["kill::child", "--exact", "--ignored", "--nocapture"])
            .env("KILN_KILL_PLACE", place_text)
            .env("KILN_KILL_BOOKS", books.path())
            .env("KILN_KILL_TOKENS", tokens.to_string())
            .env("KILN_KILL_CONTRACT", at.to_string())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // Kept open: who cannot say that it is done would seem to have failed.
        let mut said = None;
        if done < kills {
            *chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let lines = said.insert(BufReader::new(child.stdout.take().unwrap()).lines());
            assert!(lines.by_ref().map_while(Result::ok).any(|line| line == "ready"), "it did not start");
            // Over the time that some transactions take.
            std::thread::sleep(Duration::from_micros((*chance >> 33) % 120_000));
            if child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
                child.wait().unwrap();
                done += 1;
                between += u32::from(under_way(books.path(), people.minter.address) > 0);
                continue;
            }
        }
        let out = child.wait_with_output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        break;
    }
    let chain = Chain::open(&place, network()).unwrap();
    let number = |n: U256| n.to::<u64>();
    let to = people.buyer.address;
    assert_eq!(number(chain.call(at, &C::totalSupplyCall {}).unwrap()), tokens);
    assert_eq!(number(chain.call(at, &C::nextTokenIdCall {}).unwrap()), tokens);
    assert_eq!(number(chain.call(at, &C::balanceOfCall { owner: to }).unwrap()), tokens);
    for token in (0..tokens).step_by(125).chain([tokens - 1]) {
        let id = U256::from(token);
        assert_eq!(chain.call(at, &C::ownerOfCall { tokenId: id }).unwrap(), to);
        assert_eq!(chain.call(at, &C::tokenURICall { tokenId: id }).unwrap(), format!("ipfs://one/{token}"));
    }
    // None of the account's transactions was for nothing: as many as there are parts.
    assert_eq!(chain.nonce(people.minter.address, None).unwrap() - before, tokens.div_ceil(250));
    (done, between)
}

fn kills() -> u32 {
    std::env::var("KILN_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(10)
}

#[test]
fn killed_at_random_moments_nothing_is_minted_twice() {
    let dir = quick_dir();
    killed(dir.path().join("local.log").to_str().unwrap(), kills(), 10_000);
}

#[test]
fn the_same_on_anvil() {
    let Some(anvil) = Anvil::start() else { return };
    killed(&anvil.port().to_string(), kills(), 10_000);
}
