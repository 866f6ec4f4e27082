//! The journal: an effect happens once, and a doubt is never forgotten.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests, helpers included")]

use kiln_store::{Claimed, EffectState, Filter, Folder, Intended, IntentRecord, Journal, Millis};
use kiln_types::Key;

fn record(n: u8, owner: &str) -> IntentRecord {
    IntentRecord {
        key: Key([n; 32]),
        node: format!("save {}", n % 2),
        item: Some(u64::from(n)),
        destination: "folder".into(),
        policy: "ask".into(),
        intent: vec![n],
        owner: owner.into(),
        lease_ms: 100,
    }
}

fn journal(dir: &tempfile::TempDir) -> Journal {
    Folder::open(dir.path(), Millis(0)).unwrap().journal()
}

#[test]
fn an_effect_from_intent_to_outcome() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (journal(&dir), journal(&dir));
    assert_eq!(a.lookup(&Key([1; 32])).unwrap(), None);
    assert_eq!(a.intend(&record(1, "a"), Millis(10)).unwrap(), Intended::New);
    let busy = Intended::Busy { owner: "a".into(), until: Millis(110) };
    assert_eq!(b.intend(&record(1, "b"), Millis(109)).unwrap(), busy);
    assert!(a.renew(&Key([1; 32]), "a", 100, Millis(100)).unwrap());
    assert!(matches!(b.intend(&record(1, "b"), Millis(199)).unwrap(), Intended::Busy { .. }));
    assert!(!b.outcome(&Key([1; 32]), "b", b"no", Millis(150)).unwrap());
    assert!(a.outcome(&Key([1; 32]), "a", b"yes", Millis(150)).unwrap());
    assert!(!a.outcome(&Key([1; 32]), "a", b"again", Millis(151)).unwrap());
    let Intended::Done(entry) = b.intend(&record(1, "b"), Millis(160)).unwrap() else { panic!("done") };
    assert_eq!((entry.outcome.as_deref(), entry.attempts), (Some(&b"yes"[..]), 1));
    assert_eq!((entry.started, entry.finished), (Millis(10), Some(Millis(150))));
    // The world lost it.
    assert!(b.forget(&Key([1; 32])).unwrap() && !b.forget(&Key([1; 32])).unwrap());
    assert_eq!(b.intend(&record(1, "b"), Millis(170)).unwrap(), Intended::New);
}

#[test]
fn an_intent_without_outcome_is_a_doubt() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(&dir);
    let key = Key([1; 32]);
    journal.intend(&record(1, "a"), Millis(0)).unwrap();
    let mut next = record(1, "b");
    next.intent = b"another".to_vec();
    let Intended::Doubtful(entry) = journal.intend(&next, Millis(100)).unwrap() else { panic!("a doubt") };
    assert_eq!((entry.intent.as_slice(), entry.attempts), (&[1][..], 2));
    // The first owner comes back too late.
    assert!(!journal.renew(&key, "a", 100, Millis(101)).unwrap());
    assert!(!journal.outcome(&key, "a", b"late", Millis(101)).unwrap());
    assert!(!journal.abandon(&key, "a").unwrap() && !journal.release(&key, "a").unwrap());
    assert!(journal.reintend(&key, "b", b"another").unwrap());
    // A second attempt that fails before the world is touched does not settle the first one's doubt.
    assert!(journal.abandon(&key, "b").unwrap());
    let Intended::Doubtful(entry) = journal.intend(&record(1, "c"), Millis(102)).unwrap() else {
        panic!("a doubt still")
    };
    assert_eq!(entry.intent, b"another");
    assert!(journal.release(&key, "c").unwrap());
    assert!(matches!(journal.intend(&record(1, "d"), Millis(103)).unwrap(), Intended::Doubtful(_)));
    assert!(!journal.forget(&key).unwrap(), "a doubt is not forgotten");
    // A first attempt that fails before the world is touched leaves nothing.
    assert_eq!(journal.intend(&record(2, "a"), Millis(0)).unwrap(), Intended::New);
    assert!(journal.abandon(&Key([2; 32]), "a").unwrap());
    assert_eq!(journal.lookup(&Key([2; 32])).unwrap(), None);
}

#[test]
fn a_dead_owner_s_effect_is_doubtful_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path(), Millis(0)).unwrap();
    let (journal, owner) = (folder.journal(), folder.presence(Millis(0)).unwrap());
    let mut held = record(1, &format!("{}/thread 3", owner.id()));
    held.lease_ms = 1 << 40;
    assert_eq!(journal.intend(&held, Millis(0)).unwrap(), Intended::New);
    assert!(matches!(journal.intend(&record(1, "b"), Millis(1)).unwrap(), Intended::Busy { .. }));
    drop(owner);
    assert!(matches!(journal.intend(&record(1, "b"), Millis(1)).unwrap(), Intended::Doubtful(_)));
}

#[test]
fn two_never_write_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(&dir);
    let claim = |node: &str, item| journal.claim_path("out/1.png", node, item, &Key([1; 32])).unwrap();
    assert_eq!(claim("save", Some(1)), Claimed::Free);
    assert_eq!(claim("save", Some(1)), Claimed::Ours);
    let owned = Claimed::OwnedBy { node: "save".into(), item: Some(1) };
    assert_eq!(claim("save", Some(2)), owned);
    assert_eq!(claim("save", None), owned);
    assert_eq!(claim("other", Some(1)), owned);
    assert!(journal.release_path("out/1.png").unwrap());
    assert_eq!(claim("other", None), Claimed::Free);
    assert_eq!(claim("other", None), Claimed::Ours);
    assert!(journal.claim_path("x", "n", Some(u64::MAX), &Key([1; 32])).is_err());
}

#[test]
fn effects_are_listed_by_what_matters() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(&dir);
    for n in 0..6 {
        journal.intend(&record(n, "a"), Millis(100 - u64::from(n))).unwrap();
    }
    journal.outcome(&Key([2; 32]), "a", b"", Millis(200)).unwrap();
    let items = |filter: Filter| -> Vec<u64> {
        journal.list(&filter).unwrap().iter().filter_map(|e| e.item).collect()
    };
    assert_eq!(items(Filter::default()), [5, 4, 3, 2, 1, 0]);
    assert_eq!(items(Filter { node: Some("save 0".into()), ..Filter::default() }), [4, 2, 0]);
    assert_eq!(items(Filter { state: Some(EffectState::Done), ..Filter::default() }), [2]);
    assert_eq!(items(Filter { item: Some(3), ..Filter::default() }), [3]);
    assert_eq!(items(Filter { limit: Some(2), ..Filter::default() }), [5, 4]);
}
