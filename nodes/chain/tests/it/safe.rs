//! A Safe as minter: proposed, signed by two of three, sent once. `KILN_SAFE` names the folder of its artifacts, which
//! `tests/chain/run` fetches.

use super::support::*;
use alloy_primitives::{Address, B256, U256, hex};
use alloy_sol_types::{SolCall, sol};
use kiln_chain::contract::{Collection as C, role};
use kiln_chain::guard::{Guard, asked};
use kiln_chain::local::CHAIN;
use kiln_chain::mint::Bench;
use kiln_chain::safe::{Proposal, Safe};
use kiln_chain::tx::Tx;
use kiln_ledger::Policy;
use std::sync::Arc;

sol! {
    function setup(
        address[] calldata owners, uint256 threshold, address to, bytes calldata data, address fallbackHandler,
        address paymentToken, uint256 payment, address payable paymentReceiver
    ) external;
    function createProxyWithNonce(address singleton, bytes memory initializer, uint256 saltNonce)
        external returns (address proxy);
}

fn artifact(name: &str) -> Option<Vec<u8>> {
    let folder = std::path::PathBuf::from(std::env::var_os("KILN_SAFE")?);
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    Some(hex::decode(json["bytecode"].as_str().unwrap()).unwrap())
}

#[test]
fn two_of_three_mint() {
    let Some(code) = artifact("Safe.sol/Safe.json") else { return };
    let factory = artifact("proxies/SafeProxyFactory.sol/SafeProxyFactory.json").unwrap();
    let s = Stage::ready(100);
    let deploy = |code: Vec<u8>| -> Address {
        let receipt = s.field.send(&s.people.stranger, None, 0, code).unwrap();
        serde_json::from_value(receipt["contractAddress"].clone()).unwrap()
    };
    let (singleton, factory) = (deploy(code), deploy(factory));
    let owners: Vec<Person> = ["one", "two", "three"].map(person).into();
    let initializer = setupCall {
        owners: owners.iter().map(|o| o.address).collect(),
        threshold: U256::from(2),
        to: Address::ZERO,
        data: Vec::new().into(),
        fallbackHandler: Address::ZERO,
        paymentToken: Address::ZERO,
        payment: U256::ZERO,
        paymentReceiver: Address::ZERO,
    };
    let create = createProxyWithNonceCall {
        singleton,
        initializer: initializer.abi_encode().into(),
        saltNonce: U256::from(1),
    };
    let safe = s.field.read(factory, &create).unwrap();
    s.field.call(&s.people.stranger, factory, &create).unwrap();
    s.send(&s.people.admin, &C::grantRoleCall { role: role("MINTER_ROLE"), account: safe }).unwrap();

    let chain = s.field.chain();
    let call = mint(s.people.buyer.address, 50, 1, 0);
    let mut proposal = Proposal::new(&chain, safe, "mint tokens 0 to 49", s.at, call.abi_encode()).unwrap();
    let few = |p: &Proposal, words: &str| {
        let no = p.execution(&chain).unwrap_err().to_string();
        assert!(no.contains(words), "wanted {words:?}: {no}");
    };
    few(&proposal, "0 of 2 owners");
    // Each owner within a policy of their own, on a copy of the file.
    let dir = quick_dir();
    let path = dir.path().join("proposal.json");
    proposal.write(&path).unwrap();
    let policy = |contract: Address| {
        Policy::read(&format!(
            "(chains: [{CHAIN}], contracts: [\"{contract:#x}\", \"{safe:#x}\"], functions: [\"mintBatch\"], tokens: (each: 50, day: 50))"
        ))
        .unwrap()
    };
    let guard = |name: &str, policy| {
        Guard::new(Arc::new(key(name)), policy, dir.path().join(format!("{name}.day"))).unwrap()
    };
    let no = guard("one", policy(Address::ZERO)).proposal(&proposal, NOW).unwrap_err().to_string();
    assert!(no.contains("`contracts`"), "{no}");
    let other = Proposal { data: C::pauseCall {}.abi_encode().into(), ..proposal.clone() };
    assert!(
        guard("one", policy(s.at)).proposal(&other, NOW).unwrap_err().to_string().contains("`functions`")
    );
    let many = Proposal { data: mint(s.at, 51, 1, 0).abi_encode().into(), ..proposal.clone() };
    assert!(
        guard("one", policy(s.at)).proposal(&many, NOW).unwrap_err().to_string().contains("`tokens.each`")
    );
    for name in ["three", "one"] {
        let mut copy = Proposal::read(&path).unwrap();
        let signature = guard(name, policy(s.at)).proposal(&copy, NOW).unwrap();
        assert_eq!(copy.add(&signature).unwrap(), person(name).address);
        proposal.merge(&copy).unwrap();
        if name == "three" {
            few(&proposal, "1 of 2 owners");
        }
    }
    // A stranger's signature is left out; one that was tampered with is noticed; a second proposal is not merged.
    proposal.add(&guard("stranger", policy(s.at)).proposal(&proposal, NOW).unwrap()).unwrap();
    let mut wrong = proposal.clone();
    let bytes = wrong.signatures[&owners[0].address].clone();
    wrong.signatures.insert(owners[1].address, bytes);
    few(&wrong, "is not theirs");
    let another = Proposal { nonce: U256::from(5), ..proposal.clone() };
    assert!(proposal.merge(&another).unwrap_err().to_string().contains("two different"));

    // Sent by anybody, once.
    let exec = proposal.execution(&chain).unwrap();
    let books = quick_dir();
    s.field.local.fund(s.people.stranger.address).unwrap();
    let bench = Bench {
        chain: &chain,
        guard: &s.people.stranger.guard,
        pace: &s.field.time,
        folder: books.path(),
        ceiling: 10_000_000_000,
        rules: None,
    };
    let landed = bench.call(&[1; 32], "the multisig mints", safe, &exec).unwrap();
    assert_eq!(bench.call(&[1; 32], "the multisig mints", safe, &exec).unwrap(), landed);
    assert_eq!((s.supply(), s.owner(49).unwrap()), (50, s.people.buyer.address));
    assert!(landed.gas_used < 270_000, "{}", landed.gas_used);
    few(&proposal, "propose it anew");
}

#[test]
fn a_multisigs_transaction_is_judged_by_what_it_does() {
    let (safe, at, to) = (Address::repeat_byte(1), Address::repeat_byte(2), Address::repeat_byte(3));
    let exec = |change: &dyn Fn(&mut Safe::execTransactionCall)| {
        let mut call = Safe::execTransactionCall {
            to: at,
            value: U256::ZERO,
            data: mint(to, 7, 1, 0).abi_encode().into(),
            operation: 0,
            safeTxGas: U256::ZERO,
            baseGas: U256::ZERO,
            gasPrice: U256::ZERO,
            gasToken: Address::ZERO,
            refundReceiver: Address::ZERO,
            signatures: Vec::new().into(),
        };
        change(&mut call);
        let (value, max_fee) = (U256::ZERO, 1);
        asked(&Tx {
            chain: 1,
            nonce: 0,
            tip: 0,
            max_fee,
            gas: 1,
            to: Some(safe),
            value,
            data: call.abi_encode().into(),
        })
    };
    let fine = exec(&|_| {});
    assert_eq!((fine.function.as_str(), fine.tokens), ("mintBatch", 7));
    assert_eq!((fine.contract, fine.via), (Some(*at.0), Some(*safe.0)));
    assert_eq!(fine.recipients, [*to.0]);
    assert_eq!(exec(&|c| c.value = U256::from(9)).value, 9);
    // A delegate call could do anything; a refund is money.
    for change in [
        (|c: &mut Safe::execTransactionCall| c.operation = 1) as fn(&mut Safe::execTransactionCall),
        |c| c.gasPrice = U256::from(1),
        |c| c.refundReceiver = Address::repeat_byte(9),
        |c| c.safeTxGas = U256::from(1),
    ] {
        assert!(exec(&change).function.contains("not a plain call"));
    }
    let proposal = Proposal {
        words: String::new(),
        chain: 1,
        safe,
        to: at,
        value: U256::ZERO,
        data: Vec::new().into(),
        nonce: U256::ZERO,
        signatures: Default::default(),
    };
    assert_ne!(proposal.hash(), Proposal { chain: 2, ..proposal.clone() }.hash());
    assert_ne!(proposal.hash(), B256::ZERO);
}
