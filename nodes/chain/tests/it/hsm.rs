//! A key in a hardware module: SoftHSM2, a module made of software. `KILN_NEEDS_HSM` says that it has to be there.

use super::support::*;
use alloy_primitives::{Address, B256, U256, keccak256};
use kiln_chain::contract::{Collection as C, Voucher};
use kiln_chain::guard::Guard;
use kiln_chain::local::CHAIN;
use kiln_chain::sign::{Module, Secret, Signer, Source};
use kiln_chain::tx::Tx;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

fn library() -> Option<PathBuf> {
    [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
    ]
    .iter()
    .map(PathBuf::from)
    .find(|p| p.exists())
}

fn done(command: &mut Command) {
    let out = command.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

/// The module's settings are in the environment, so what uses it is a process of its own.
#[test]
fn a_module_signs_within_the_policy() {
    let needed = std::env::var_os("KILN_NEEDS_HSM").is_some();
    let Some(library) = library() else {
        assert!(!needed, "SoftHSM2 is not installed");
        return;
    };
    if !needed && Command::new("pkcs11-tool").arg("--help").output().is_err() {
        return;
    }
    let dir = quick_dir();
    let conf = dir.path().join("softhsm2.conf");
    std::fs::write(&conf, format!("directories.tokendir = {}\n", dir.path().display())).unwrap();
    let env = ("SOFTHSM2_CONF", conf.as_os_str());
    let mut token = Command::new("softhsm2-util");
    done(token.env(env.0, env.1).args([
        "--init-token",
        "--free",
        "--label",
        "kiln",
        "--pin",
        "1234",
        "--so-pin",
        "5678",
    ]));
    for (label, kind, id) in [("minter", "EC:secp256k1", "01"), ("other", "EC:prime256v1", "02")] {
        let mut key = Command::new("pkcs11-tool");
        let args =
            ["--login", "--pin", "1234", "--keypairgen", "--key-type", kind, "--label", label, "--id", id];
        done(key.env(env.0, env.1).arg("--module").arg(&library).args(args));
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["hsm::child", "--exact", "--ignored", "--nocapture"])
        .env(env.0, env.1)
        .env("KILN_HSM", &library)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
}

#[test]
#[ignore = "started by the test beside it"]
fn child() {
    let Some(library) = std::env::var_os("KILN_HSM") else { return };
    let library = Path::new(&library);
    let pin = |text: &str| Secret::new(text.into());
    let module: Arc<dyn Signer> = Arc::new(Module::open(library, "minter", &pin("1234")).unwrap());
    let guard = Guard::toy(module.clone(), CHAIN);
    // About half of its signatures come in the wrong form: all that leave it are in the right one.
    let field = Field::new();
    field.local.fund(module.address()).unwrap();
    for nonce in 0..40 {
        let (to, value) = (Some(Address::repeat_byte(9)), U256::from(1));
        let tx = Tx {
            chain: CHAIN,
            nonce,
            tip: 0,
            max_fee: 2_000_000_000,
            gas: 21_000,
            to,
            value,
            data: Vec::new().into(),
        };
        field.raw(&guard.transaction(&tx, NOW).unwrap()).unwrap();
    }
    assert_eq!(field.chain().balance(Address::repeat_byte(9)).unwrap(), U256::from(40));
    // A voucher that it signed is one.
    let minter = Person { address: module.address(), guard };
    let people = People { minter, ..People::new() };
    let receipt =
        field.send(&people.admin, None, 0, kiln_chain::contract::deploying(&setup(&people, 5))).unwrap();
    let at = serde_json::from_value(receipt["contractAddress"].clone()).unwrap();
    let expires = U256::from(NOW / 1000 + 60);
    let v = Voucher {
        id: B256::repeat_byte(1),
        to: people.buyer.address,
        digest: keccak256("x"),
        price: U256::ZERO,
        expires,
    };
    let signature = people.minter.guard.voucher(&v, CHAIN, at, NOW).unwrap().as_bytes().to_vec();
    field.call(&people.buyer, at, &C::redeemCall { voucher: v, signature: signature.into() }).unwrap();
    // What does not open.
    for (label, words) in [("nobody", "no key pair labelled"), ("other", "not one of secp256k1")] {
        let no = Module::open(library, label, &pin("1234")).unwrap_err().to_string();
        assert!(no.contains(words), "wanted {words}: {no}");
    }
    let no = Module::open(Path::new("/nowhere.so"), "minter", &pin("1234")).unwrap_err().to_string();
    assert!(no.contains("could not load it"), "{no}");
    let source = Source::read(&format!("pkcs11:{}#minter", library.display())).unwrap();
    assert!(source.open(&|_| None).err().unwrap().to_string().contains("KILN_PIN"));
    assert!(!format!("{:?}", pin("1234")).contains("1234"));
}
