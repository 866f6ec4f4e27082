//! Fifty attempts to have something signed that the policy forbids, or to get a key shown. All fail.

use super::support::*;
use alloy_primitives::{Address, B256, U256, hex};
use alloy_sol_types::SolCall;
use kiln_chain::contract::{Collection as C, Setup, Voucher, deploying};
use kiln_chain::guard::Guard;
use kiln_chain::sign::{Key, Secret, Signer, Source};
use kiln_chain::tx::Tx;
use kiln_ledger::Policy;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SECRET: &str = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
const PASSWORD: &str = "correct horse battery staple";
const CHAIN: u64 = 11_155_111;

fn contract() -> Address {
    Address::repeat_byte(0xaa)
}
fn owner() -> Address {
    Address::repeat_byte(0xbb)
}

fn policy() -> Policy {
    Policy::read(&format!(
        r#"(
            chains: [{CHAIN}],
            contracts: ["{:#x}"],
            functions: ["mintBatch", "mintOne", "setBaseURI", "deploy", "voucher"],
            recipients: ["{:#x}"],
            tokens: (each: 100, day: 250),
            value: (each: "0 wei", day: "0 wei"),
            gas: (each: 5000000, day: 30000000),
            max_fee: "30 gwei",
            voucher_price: "0.01 ether",
            voucher_days: 2,
        )"#,
        contract(),
        owner()
    ))
    .unwrap()
}

fn guard(dir: &Path) -> Guard {
    let key = Key::from_hex(&Secret::new(SECRET.into()), "test").unwrap();
    Guard::new(Arc::new(key), policy(), dir.join("policy.day")).unwrap()
}

fn tx(nonce: u64, call: &impl SolCall) -> Tx {
    raw(nonce, call.abi_encode())
}

fn raw(nonce: u64, data: Vec<u8>) -> Tx {
    Tx {
        chain: CHAIN,
        nonce,
        tip: 1_000_000_000,
        max_fee: 30_000_000_000,
        gas: 1_000_000,
        to: Some(contract()),
        value: U256::ZERO,
        data: data.into(),
    }
}

fn fine() -> Tx {
    tx(0, &mint(owner(), 100, 1, 0))
}

fn setup_of(to: Address) -> Setup {
    let people = People::new();
    Setup { admin: to, minter: to, metadata: to, royaltyReceiver: to, ..setup(&people, 10) }
}

#[test]
fn nothing_outside_the_policy_is_signed() {
    let dir = quick_dir();
    let guard = guard(dir.path());
    let stranger = Address::repeat_byte(0xcc);
    let t = |change: &dyn Fn(&mut Tx)| {
        let mut tx = fine();
        change(&mut tx);
        tx
    };
    let mut longer = mint(owner(), 1, 1, 0).abi_encode();
    longer.push(0);
    let mut dirty = mint(owner(), 1, 1, 0).abi_encode();
    dirty[4] = 1;
    let selector = mint(owner(), 1, 1, 0).abi_encode()[..4].to_vec();
    let mut other_code = deploying(&setup_of(owner()));
    other_code[100] ^= 1;
    let deploy = |data: Vec<u8>| Tx { to: None, gas: 5_000_000, ..raw(0, data) };
    let attempts: Vec<(&str, Tx)> = vec![
        ("chains", t(&|t| t.chain = 1)),
        ("chains", t(&|t| t.chain = 0)),
        ("chains", t(&|t| t.chain = 31337)),
        ("contracts", t(&|t| t.to = Some(stranger))),
        ("contracts", t(&|t| t.to = Some(Address::ZERO))),
        ("tokens.each", tx(0, &mint(owner(), 101, 1, 0))),
        (
            "tokens.each",
            tx(0, &C::mintBatchCall { to: owner(), quantity: U256::MAX, batch: u24(1), first: U256::ZERO }),
        ),
        ("recipients", tx(0, &mint(stranger, 1, 1, 0))),
        ("recipients", tx(0, &C::mintOneCall { to: stranger, digest: B256::ZERO, id: B256::ZERO })),
        ("value.each", t(&|t| t.value = U256::ONE)),
        ("value.each", t(&|t| t.value = U256::MAX)),
        ("gas.each", t(&|t| t.gas = 5_000_001)),
        ("gas.each", t(&|t| t.gas = u64::MAX)),
        ("max_fee", t(&|t| t.max_fee = 30_000_000_001)),
        ("max_fee", t(&|t| t.max_fee = u128::MAX)),
        ("functions", tx(0, &C::withdrawCall { to: owner() })),
        ("functions", tx(0, &C::grantRoleCall { role: B256::ZERO, account: owner() })),
        ("functions", tx(0, &C::beginDefaultAdminTransferCall { newAdmin: owner() })),
        ("functions", tx(0, &C::acceptDefaultAdminTransferCall {})),
        ("functions", tx(0, &C::renounceRoleCall { role: B256::ZERO, account: owner() })),
        ("functions", tx(0, &C::setProvenanceCall { batch: u24(1), hash: B256::ZERO })),
        ("functions", tx(0, &C::freezeCall { batch: u24(1) })),
        ("functions", tx(0, &C::setDigestCall { tokenId: U256::ZERO, digest: B256::ZERO })),
        ("functions", tx(0, &C::setApprovalForAllCall { operator: owner(), approved: true })),
        (
            "functions",
            tx(0, &C::transferFromCall { from: guard.address(), to: owner(), tokenId: U256::ZERO }),
        ),
        ("functions", tx(0, &C::pauseCall {})),
        // A plain transfer, nothing, nonsense, almost the right thing.
        ("functions", raw(0, Vec::new())),
        ("functions", raw(0, vec![1])),
        ("functions", raw(0, selector.clone())),
        ("functions", raw(0, longer)),
        ("functions", raw(0, dirty)),
        ("functions", raw(0, [selector, vec![0xff; 128]].concat())),
        ("functions", raw(0, b"mintBatch".to_vec())),
        // Another contract, or this one with somebody else in charge.
        ("functions", deploy(other_code)),
        ("functions", deploy(vec![0x60, 0x00])),
        ("functions", deploy(Vec::new())),
        ("recipients", deploy(deploying(&setup_of(stranger)))),
        ("recipients", deploy(deploying(&Setup { minter: stranger, ..setup_of(owner()) }))),
        ("recipients", deploy(deploying(&Setup { royaltyReceiver: stranger, ..setup_of(owner()) }))),
    ];
    assert_eq!(attempts.len(), 39);
    for (at, (rule, tx)) in attempts.iter().enumerate() {
        let no = guard.transaction(tx, NOW).expect_err(rule).to_string();
        assert!(no.contains(&format!("`{rule}`")), "attempt {at}: wanted {rule}: {no}");
        assert!(!shows_key(&no), "attempt {at}");
    }
    let expires = |days: u64| U256::from(NOW / 1000 + days * 86_400);
    let price = U256::from(10_000_000_000_000_000u64);
    let v = Voucher { id: B256::ZERO, to: owner(), digest: B256::ZERO, price, expires: expires(2) };
    let vouchers: Vec<(&str, Voucher, u64, Address)> = vec![
        ("chains", v.clone(), 1, contract()),
        ("contracts", v.clone(), CHAIN, stranger),
        ("recipients", Voucher { to: stranger, ..v.clone() }, CHAIN, contract()),
        ("voucher_price", Voucher { price: price - U256::ONE, ..v.clone() }, CHAIN, contract()),
        ("voucher_days", Voucher { expires: expires(2) + U256::ONE, ..v.clone() }, CHAIN, contract()),
        ("voucher_days", Voucher { expires: U256::MAX, ..v.clone() }, CHAIN, contract()),
    ];
    for (rule, voucher, chain, contract) in vouchers {
        let no = guard.voucher(&voucher, chain, contract, NOW).expect_err(rule).to_string();
        assert!(no.contains(&format!("`{rule}`")), "wanted {rule}: {no}");
    }
    // Nothing of it counted; and what is allowed is signed.
    guard.transaction(&fine(), NOW).unwrap();
    guard.voucher(&v, CHAIN, contract(), NOW).unwrap();
    guard.transaction(&deploy(deploying(&setup_of(owner()))), NOW).unwrap();
    guard.transaction(&tx(1, &mint(owner(), 100, 1, 100)), NOW).unwrap();
    // The day is full: in this process, in another, with another nonce.
    for g in [guard, self::guard(dir.path())] {
        let no = g.transaction(&tx(2, &mint(owner(), 100, 1, 200)), NOW).unwrap_err().to_string();
        assert!(no.contains("`tokens.day`"), "{no}");
    }
}

fn shows_key(text: &str) -> bool {
    let text = text.to_lowercase();
    let bytes = hex::decode(SECRET).unwrap();
    let list = bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    text.contains(SECRET) || text.contains(&SECRET[10..40]) || text.contains(&list) || text.contains(PASSWORD)
}

fn open(text: &str, env: &[(&str, &str)]) -> Result<Arc<dyn Signer>, String> {
    let look = |name: &str| env.iter().find(|e| e.0 == name).map(|e| e.1.to_owned());
    Source::read(text).and_then(|s| s.open(&look)).map_err(|e| format!("{e} {e:?}"))
}

fn keystore(dir: &Path) -> PathBuf {
    let path = dir.join("key.json");
    std::fs::write(&path, include_str!("../fixtures/keystore.json")).unwrap();
    path
}

#[test]
fn a_key_is_never_shown() {
    let dir = quick_dir();
    let store = keystore(dir.path());
    let store_name = format!("keystore:{}", store.display());
    let broken = dir.path().join("broken.json");
    std::fs::write(&broken, format!("{{\"key\": \"{SECRET}\"}}")).unwrap();
    let almost = &SECRET[..63];
    let zero = "0".repeat(64);
    let mut said: Vec<String> = Vec::new();
    // Somebody puts the key itself where its place belongs, or something else is wrong.
    for (text, env) in [
        (SECRET.to_owned(), vec![]),
        (format!("0x{SECRET}"), vec![]),
        (format!("env:{SECRET}"), vec![]),
        (format!("env:0x{SECRET}"), vec![]),
        (format!("env:{}", SECRET.to_uppercase()), vec![]),
        (format!("safe:{SECRET}"), vec![]),
        (format!("key:{SECRET}"), vec![]),
        (format!("pkcs11:{SECRET}"), vec![]),
        (format!("aws:{SECRET}"), vec![]),
        (String::new(), vec![]),
        ("env:".into(), vec![]),
        ("env:KEY".into(), vec![]),
        ("env:KEY".into(), vec![("KEY", almost)]),
        ("env:KEY".into(), vec![("KEY", zero.as_str())]),
        (store_name.clone(), vec![]),
        (store_name.clone(), vec![("KILN_PASSWORD", "correct horse battery stapel")]),
        (store_name.clone(), vec![("KILN_PASSWORD_FILE", "/nowhere/at/all")]),
        (format!("keystore:{}", broken.display()), vec![("KILN_PASSWORD", PASSWORD)]),
        ("keystore:/nowhere/at/all".into(), vec![("KILN_PASSWORD", PASSWORD)]),
    ] {
        said.push(open(&text, &env).err().unwrap_or_else(|| panic!("{text} was opened")));
    }
    // What is there is shown without what it holds.
    let secret = Secret::new(SECRET.into());
    let key = Key::from_hex(&secret, "test").unwrap();
    said.push(format!("{secret} {secret:?} {secret:#?} {key:?} {key:#?}"));
    said.push(format!("{:?}", Source::read("env:KEY")));
    for text in &said {
        assert!(!shows_key(text) && !text.contains(almost), "{text}");
    }
    assert!(shows_key(&format!("x{SECRET}")), "the check itself can fail");
    assert!(said[15].contains("the password is wrong"), "{}", said[15]);
}

#[test]
fn keys_are_opened_where_they_are() {
    let dir = quick_dir();
    let store = format!("keystore:{}", keystore(dir.path()).display());
    let file = dir.path().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let wanted = Key::from_hex(&Secret::new(SECRET.into()), "test").unwrap().address();
    let shown = format!("0x{SECRET}");
    for (text, env) in [
        ("env:KEY", vec![("KEY", SECRET)]),
        ("env:KEY", vec![("KEY", shown.as_str())]),
        (store.as_str(), vec![("KILN_PASSWORD", PASSWORD)]),
        (store.as_str(), vec![("KILN_PASSWORD_FILE", file.to_str().unwrap())]),
    ] {
        assert_eq!(open(text, &env).unwrap().address(), wanted, "{text}");
    }
    let toy = open("local", &[]).unwrap().address();
    assert_eq!(toy.to_checksum(None), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
}
