//! The audit log: whole chains, broken ones, and files that mean harm.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_collection::provenance::{
    AuditLog, Digest, Head, LogError, MOST_LINE, MerkleTree, Provenance, Record, token_leaf, verify,
    verify_to,
};
use proptest::prelude::*;

fn record(n: u64) -> Record {
    Record {
        time: 1_700_000_000_000 + n,
        actor: ["Ada", "Bëla \"B\"", "C\n"][n as usize % 3].to_owned(),
        action: "approve".to_owned(),
        subjects: (0..n % 3).map(|k| Digest::sha256(&[n as u8, k as u8])).collect(),
    }
}

fn log(lines: u64) -> (String, Head) {
    let mut log = AuditLog::new();
    let text = (0..lines).map(|n| log.append(&record(n))).collect();
    (text, log.head())
}

fn broken(text: &str) -> String {
    verify(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_line_is_what_it_was_when_it_was_first_written() {
    let (text, head) = log(2);
    assert_eq!(text, include_str!("fixtures/audit.jsonl"));
    assert_eq!(head.lines, 2);
    // Any program can check it: SHA-256 over the line without `,"hash":"…"`.
    let second = text.lines().nth(1).unwrap();
    let hash = format!(",\"hash\":\"{}\"", head.hash);
    assert_eq!(Digest::sha256(second.replace(&hash, "").as_bytes()), head.hash);
}

#[test]
fn whole_logs_are_whole_and_can_be_gone_on_with() {
    let (text, head) = log(20);
    assert_eq!(verify(text.as_bytes()).unwrap(), head);
    verify_to(text.as_bytes(), head).unwrap();
    let (first, _) = log(12);
    let mut resumed = AuditLog::resume(first.as_bytes()).unwrap();
    let rest: String = (12..20).map(|n| resumed.append(&record(n))).collect();
    assert_eq!(format!("{first}{rest}"), text);
    assert_eq!(verify(&b""[..]).unwrap(), Head::EMPTY);
}

#[test]
fn the_first_broken_link_is_named() {
    let (text, head) = log(9);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let edited = text.replacen("1700000000004", "1700000000005", 1);
    assert!(broken(&edited).starts_with("line 5: `hash` is "), "{}", broken(&edited));
    assert!(broken(&edited).ends_with("the line's content was changed"));
    let without: String = lines.iter().enumerate().filter(|(n, _)| *n != 3).map(|(_, l)| *l).collect();
    assert!(broken(&without).starts_with("line 4: `seq` is 4, and 3 is expected"), "{}", broken(&without));
    let twice: String = lines[..4].iter().chain(&lines[3..]).copied().collect();
    assert!(broken(&twice).starts_with("line 5: `seq` is 3, and 4 is expected"), "{}", broken(&twice));
    // A line that was made anew, with a hash of its own: the next one does not hang on it.
    let mut forger = AuditLog::resume(lines[..3].concat().as_bytes()).unwrap();
    let forged = forger.append(&Record { actor: "Mallory".into(), ..record(3) });
    let forged_text: String = lines[..3].concat() + &forged + &lines[4..].concat();
    assert!(broken(&forged_text).starts_with("line 5: `prev` is "), "{}", broken(&forged_text));
    // Written anew to the end: whole, but not the log that is known.
    let mut forged_text: String = lines[..3].concat() + &forged;
    (4..9).for_each(|n| forged_text += &forger.append(&record(n)));
    assert!(matches!(verify_to(forged_text.as_bytes(), head), Err(LogError::Head { .. })));
    // Cut off at the end.
    let short = lines[..7].concat();
    verify(short.as_bytes()).unwrap();
    let told = verify_to(short.as_bytes(), head).unwrap_err().to_string();
    assert_eq!(told, "the log has 7 lines, and 9 are known: lines were cut off at the end");
    let torn = &text[..text.len() - 10];
    assert_eq!(broken(torn), "line 9: it is cut off: its line break is missing");
    // The same content, written otherwise.
    let spaced = text.replacen("{\"action\"", "{ \"action\"", 1);
    assert_eq!(broken(&spaced), "line 1: its content is right, but it is not written in canonical form");
}

#[test]
fn hostile_files_end_in_an_error() {
    assert!(broken(&"a".repeat(MOST_LINE * 3)).contains("longer than"));
    assert!(broken("\n").starts_with("line 1: it is no log line"));
    assert!(broken(&format!("{}\n", "[".repeat(100_000))).starts_with("line 1: it is no log line"));
    assert!(verify(&[0xff, 0xfe, b'\n'][..]).is_err());
    let (text, _) = log(1);
    let more = text.replacen("{\"action\"", "{\"extra\":1,\"action\"", 1);
    assert!(broken(&more).contains("unknown field"));
    let twice = text.replacen("{\"action\"", "{\"action\":\"x\",\"action\"", 1);
    assert!(broken(&twice).contains("duplicate field"));
    let negative = text.replacen("\"seq\":0", "\"seq\":-1", 1);
    assert!(broken(&negative).starts_with("line 1: it is no log line"));
    // An endless reader is stopped at the first line.
    assert!(verify(std::io::repeat(b'x')).is_err());
}

#[test]
fn large_collections_take_moments() {
    let items: Vec<Digest> = (0..10_000u64).map(|n| Digest::sha256(&n.to_le_bytes())).collect();
    let leaves: Vec<Digest> = (0u64..).zip(&items).map(|(n, item)| token_leaf(n, *item)).collect();
    let tree = MerkleTree::new(&leaves).unwrap();
    assert!(tree.proof(9_999).unwrap().len() <= 14);
    assert_eq!(Provenance::text(&items).len(), 640_000);
}

proptest! {
    /// One changed byte anywhere is noticed.
    #[test]
    fn no_byte_can_be_changed(at in 0usize..2000, to in any::<u8>()) {
        let (text, head) = log(6);
        let mut bytes = text.into_bytes();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        prop_assert!(verify_to(bytes.as_slice(), head).is_err());
    }
}
