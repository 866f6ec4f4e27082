//! Ordered gates: whatever the timing, the outcome is that of going through the items one by one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests, helpers included")]

use kiln_store::{
    BatchSpec, Folder, Items, JobState, Lease, Millis, Mode, OrderedLog, Outcome, Prefix, Queue, Recorded,
};
use proptest::prelude::*;

const B: &str = "b";
const G: &str = "g";

/// Accepts what differs by more than 2 from everything accepted, as a gate against look-alikes would.
fn accepts(accepted: &[(u64, Vec<u8>)], mark: u8) -> bool {
    accepted.iter().all(|(_, other)| other[0].abs_diff(mark) > 2)
}

fn one_by_one(marks: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut accepted = Vec::new();
    for (item, &mark) in (0..).zip(marks) {
        if accepts(&accepted, mark) {
            accepted.push((item, vec![mark]));
        }
    }
    accepted
}

/// Decides one item if it can be; says which have to be decided again.
fn decide(log: &OrderedLog, item: u64, mark: u8) -> Option<Vec<u64>> {
    let Prefix::Ready { accepted, chain } = log.prefix(B, G, item).unwrap() else { return None };
    let mark = accepts(&accepted, mark).then_some([mark]);
    match log.record(B, G, item, mark.as_ref().map(|m| &m[..]), &chain).unwrap() {
        Recorded::Yes { redecide } => Some(redecide),
        Recorded::Moved => panic!("nobody else is here"),
    }
}

fn accepted(log: &OrderedLog) -> Vec<(u64, Vec<u8>)> {
    match log.prefix(B, G, 1000).unwrap() {
        Prefix::Ready { accepted, .. } => accepted,
        Prefix::NotYet { waiting_for } => panic!("{waiting_for} is not decided"),
    }
}

#[test]
fn a_changed_item_is_felt_above_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = Folder::open(dir.path(), Millis(0)).unwrap().ordered();
    let mut marks = [10, 20, 11, 30, 21];
    for item in 0..5 {
        assert_eq!(decide(&log, item, marks[item as usize]), Some(vec![]));
    }
    assert_eq!(accepted(&log), one_by_one(&marks));
    let before = log.chain_of(B, G, 4).unwrap();
    // The same again changes nothing above.
    assert_eq!(decide(&log, 1, 20), Some(vec![]));
    marks[1] = 30;
    assert_eq!(log.forget(B, G, 1).unwrap(), [2, 3, 4]);
    assert_eq!(decide(&log, 3, 30), None, "2 stands on what is no more");
    assert_eq!(decide(&log, 1, 30), Some(vec![2, 3, 4]));
    for item in 2..5 {
        assert!(decide(&log, item, marks[item as usize]).is_some());
    }
    assert_eq!(accepted(&log), one_by_one(&marks));
    assert_ne!(log.chain_of(B, G, 4).unwrap(), before);
    assert_eq!(log.invalidate_from(B, G, 0).unwrap(), []);
    // Back as it was: the chain is the same again.
    marks[1] = 20;
    decide(&log, 1, 20);
    for item in 2..5 {
        decide(&log, item, marks[item as usize]);
    }
    assert_eq!(log.chain_of(B, G, 4).unwrap(), before);
}

#[test]
fn a_decision_on_an_old_prefix_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = Folder::open(dir.path(), Millis(0)).unwrap().ordered();
    decide(&log, 0, 10);
    let Prefix::Ready { chain, .. } = log.prefix(B, G, 1).unwrap() else { panic!("ready") };
    decide(&log, 0, 50);
    assert_eq!(log.record(B, G, 1, Some(b"m"), &chain).unwrap(), Recorded::Moved);
    assert_eq!(log.chain_of(B, G, 1).unwrap(), None);
    assert_eq!(log.prefix("other", G, 9).unwrap(), log.prefix(B, "other", 9).unwrap());
    let Prefix::Ready { accepted, chain } = log.prefix_from(B, G, 1, 9).unwrap() else { panic!("ready") };
    assert!(accepted.is_empty());
    assert_eq!(log.chain_below(B, G, 9).unwrap(), chain);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Workers take items, lose them, wait, fail and finish in any order; items are made anew half way. In the
    /// end the accepted are those of going one by one over the items that did not fail.
    #[test]
    fn the_outcome_does_not_depend_on_timing(
        marks in proptest::collection::vec(0..60_u8, 1..14),
        failing in proptest::collection::vec(proptest::bool::weighted(0.2), 14),
        choices in proptest::collection::vec((0..4_usize, 0..10_u8), 400),
        remade in proptest::option::of((0..14_usize, 0..60_u8)),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path(), Millis(0)).unwrap();
        let (queue, log) = (folder.queue(), folder.ordered());
        let mut marks = marks;
        let spec = BatchSpec { id: B.into(), items: Items::Range(0, marks.len() as u64), mode: Mode::Fresh };
        queue.open_batch(&spec, "w", Millis(0)).unwrap();
        let mut hands: Vec<Lease> = Vec::new();
        let mut remade = remade.filter(|(item, _)| *item < marks.len());
        let settle = |lease: &Lease, outcome| queue.settle(lease, outcome, Millis(0)).unwrap();
        let mut choices = choices.into_iter().chain(std::iter::repeat((0, 9))).take(2000);
        loop {
            let Some((hand, what)) = choices.next() else { panic!("it does not end") };
            if hands.len() < 4 && let Some(lease) = queue.claim(B, "w", 1 << 30, Millis(0)).unwrap() {
                hands.push(lease);
            }
            if hands.is_empty() {
                let Some((item, mark)) = remade.take() else { break };
                marks[item] = mark;
                log.forget(B, G, item as u64).unwrap();
                queue.retry(B, &JobState::ALL, Some(&[item as u64]), Millis(0)).unwrap();
                continue;
            }
            let lease = hands.swap_remove(hand % hands.len());
            let item = lease.item as usize;
            match what {
                0 => { settle(&lease, Outcome::Release); }
                _ if failing[item] => { settle(&lease, Outcome::Failed { reason: String::new() }); }
                _ => match decide(&log, lease.item, marks[item]) {
                    None => { settle(&lease, Outcome::Waiting { gate: G.into() }); }
                    Some(_) if what == 1 => hands.push(lease),
                    Some(_) => {
                        settle(&lease, Outcome::Done { detail: String::new() });
                    }
                },
            }
        }
        let mut wanted = Vec::new();
        for (item, &mark) in marks.iter().enumerate().filter(|(item, _)| !failing[*item]) {
            if accepts(&wanted, mark) {
                wanted.push((item as u64, vec![mark]));
            }
        }
        prop_assert_eq!(accepted(&log), wanted);
    }
}
