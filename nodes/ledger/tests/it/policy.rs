//! What may be signed, and how much of it in a day.

use kiln_ledger::policy::amount;
use kiln_ledger::{Asked, Counters, Policy};

const DAY: u64 = 86_400_000;

fn policy() -> Policy {
    Policy::read(
        r#"(
            chains: [31337],
            contracts: ["0x00000000000000000000000000000000000000aa"],
            own_contracts: true,
            functions: ["mintBatch", "deploy", "voucher"],
            recipients: ["0x00000000000000000000000000000000000000bb"],
            tokens: (each: 500, day: 1000),
            value: (each: "1 ether", day: "1.5 ether"),
            gas: (each: 16777216, day: 20000000),
            max_fee: "30 gwei",
            voucher_price: "0.05 ether",
            voucher_days: 7,
        )"#,
    )
    .unwrap()
}

fn address(last: u8) -> [u8; 20] {
    let mut address = [0; 20];
    address[19] = last;
    address
}

fn asked() -> Asked {
    Asked {
        chain: 31337,
        contract: Some(address(0xaa)),
        via: None,
        function: "mintBatch".into(),
        recipients: vec![address(0xbb)],
        tokens: 400,
        value: 0,
        gas: 5_000_000,
        max_fee: 30_000_000_000,
        voucher: None,
    }
}

#[test]
fn each_rule_says_no_and_names_itself() {
    let fine = asked();
    assert_eq!(policy().judge(&fine, &[]), Ok(()));
    let eth = 1_000_000_000_000_000_000;
    let cases: Vec<(&str, Asked)> = vec![
        ("chains", Asked { chain: 1, ..fine.clone() }),
        ("contracts", Asked { contract: Some(address(1)), ..fine.clone() }),
        ("contracts", Asked { via: Some(address(2)), ..fine.clone() }),
        ("functions", Asked { function: "withdraw".into(), ..fine.clone() }),
        ("functions", Asked { function: "".into(), ..fine.clone() }),
        ("functions", Asked { function: "mintbatch".into(), ..fine.clone() }),
        ("recipients", Asked { recipients: vec![address(0xbb), address(1)], ..fine.clone() }),
        ("tokens.each", Asked { tokens: 501, ..fine.clone() }),
        ("value.each", Asked { value: eth + 1, ..fine.clone() }),
        ("gas.each", Asked { gas: 16_777_217, ..fine.clone() }),
        ("max_fee", Asked { max_fee: 30_000_000_001, ..fine.clone() }),
        ("voucher_price", Asked { voucher: Some((eth / 20 - 1, 1)), ..fine.clone() }),
        ("voucher_days", Asked { voucher: Some((eth, 8)), ..fine.clone() }),
    ];
    for (rule, asked) in cases {
        let refusal = policy().judge(&asked, &[]).unwrap_err();
        assert_eq!(refusal.rule, rule);
        assert!(refusal.to_string().contains(rule), "{refusal}");
    }
    // What an empty policy allows.
    let empty = Policy::read("(chains: [31337])").unwrap();
    assert_eq!(empty.judge(&fine, &[]).unwrap_err().rule, "functions");
    // A contract that was deployed under the policy.
    let own = Asked { contract: Some(address(9)), ..fine };
    assert_eq!(policy().judge(&own, &[address(9)]), Ok(()));
}

#[test]
fn the_day_is_counted_over_processes_and_crashes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.day");
    let allow = |id: u8, asked: &Asked, now: u64| {
        Counters::open(&path).unwrap().allow(&policy(), asked, [id; 32], now, None)
    };
    allow(1, &asked(), DAY).unwrap();
    allow(2, &asked(), DAY + 5).unwrap();
    // The same thing with a higher fee is no second one.
    allow(2, &asked(), DAY + 6).unwrap();
    let refusal = allow(3, &asked(), DAY + 7).unwrap_err();
    assert_eq!(refusal.rule, "tokens.day");
    assert!(refusal.to_string().contains("go on tomorrow"), "{refusal}");
    allow(3, &Asked { tokens: 200, ..asked() }, DAY + 7).unwrap();
    assert_eq!(allow(3, &Asked { tokens: 201, ..asked() }, DAY + 7).unwrap_err().rule, "tokens.day");
    assert_eq!(allow(4, &Asked { tokens: 0, gas: 5_000_001, ..asked() }, DAY).unwrap_err().rule, "gas.day");
    let eth = 1_000_000_000_000_000_000;
    let pays = Asked { tokens: 0, gas: 1, value: eth, ..asked() };
    allow(5, &pays, DAY).unwrap();
    assert_eq!(allow(6, &pays, DAY).unwrap_err().rule, "value.day");
    // Tomorrow is another day; but putting the clock back then does not bring today again.
    allow(7, &asked(), 2 * DAY).unwrap();
    allow(8, &asked(), DAY).unwrap();
    assert_eq!(allow(9, &asked(), DAY).unwrap_err().rule, "tokens.day");
    assert_eq!(allow(9, &asked(), 2 * DAY).unwrap_err().rule, "tokens.day");
    // A torn last line was of something that was not signed.
    let text = std::fs::read(&path).unwrap();
    std::fs::write(&path, &text[..text.len() - 3]).unwrap();
    allow(9, &asked(), 2 * DAY).unwrap();
}

#[test]
fn counters_that_cannot_be_kept_allow_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.day");
    std::fs::write(&path, "0000000000000000 x\n0000000000000000 y\n").unwrap();
    let refusal = Counters::open(&path).unwrap().allow(&policy(), &asked(), [1; 32], DAY, None).unwrap_err();
    assert!(refusal.what.contains("damaged"), "{refusal}");
}

#[test]
fn a_deployed_contract_is_known_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.day");
    let mine = Asked { contract: Some(address(9)), ..asked() };
    let mut counters = Counters::open(&path).unwrap();
    assert_eq!(counters.allow(&policy(), &mine, [1; 32], DAY, None).unwrap_err().rule, "contracts");
    let deploy = Asked { contract: None, function: "deploy".into(), tokens: 0, ..asked() };
    counters.allow(&policy(), &deploy, [2; 32], DAY, Some(address(9))).unwrap();
    counters.allow(&policy(), &mine, [1; 32], DAY, None).unwrap();
    Counters::open(&path).unwrap().allow(&policy(), &mine, [1; 32], DAY, None).unwrap();
}

#[test]
fn amounts_and_files_are_read_strictly() {
    assert_eq!(amount("0.05 ether"), Ok(50_000_000_000_000_000));
    assert_eq!(amount("30 gwei"), Ok(30_000_000_000));
    assert_eq!(amount("1.5 gwei"), Ok(1_500_000_000));
    assert_eq!(amount("7 wei"), Ok(7));
    for odd in [
        "",
        "1",
        "1ether",
        "-1 ether",
        "1.5 wei",
        ".5 ether",
        "1e3 wei",
        "1,5 ether",
        "9999999999999999999999999 ether",
    ] {
        assert!(amount(odd).is_err(), "{odd}");
    }
    for (text, word) in [
        ("()", "chains"),
        ("(chains: [1], token: (each: 1, day: 1))", "token"),
        ("(chains: [1], contracts: [\"0x12\"])", "address"),
        ("(chains: [1], tokens: (each: 1))", "day"),
        ("(chains: [1], value: (each: \"1\", day: \"1 ether\"))", "amount"),
        ("nonsense", ""),
    ] {
        let e = Policy::read(text).unwrap_err();
        assert!(e.to_string().contains(word), "{text}: {e}");
    }
}
