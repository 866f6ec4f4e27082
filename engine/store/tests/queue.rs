//! The queues: one suite for both, the one against the other, and what only the one on disk can do.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests, helpers included")]

use kiln_store::queue::MAX_DELIVERIES;
use kiln_store::{
    BatchSpec, Folder, Items, JobState, Lease, MemoryQueue, Millis, Mode, Outcome, Prefix, Queue, Recorded,
    conformance,
};
use proptest::prelude::*;

#[test]
fn the_queue_in_memory_conforms() {
    conformance::queue(&|| Box::new(MemoryQueue::new())).unwrap();
}

#[test]
fn the_queue_on_disk_conforms() {
    let root = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    conformance::queue(&|| {
        count.set(count.get() + 1);
        let folder = Folder::open(root.path().join(count.get().to_string()), Millis(0)).unwrap();
        Box::new(folder.queue())
    })
    .unwrap();
}

#[test]
fn a_dead_worker_s_jobs_come_back_before_their_lease_ends() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path(), Millis(0)).unwrap();
    let (queue, me, other) =
        (folder.queue(), folder.presence(Millis(0)).unwrap(), folder.presence(Millis(0)).unwrap());
    let spec = BatchSpec { id: "b".into(), items: Items::Range(0, 1), mode: Mode::Resume };
    queue.open_batch(&spec, other.id(), Millis(0)).unwrap();
    queue.claim("b", other.id(), 1 << 40, Millis(0)).unwrap().unwrap();
    // Ages later: a presence needs no word of life.
    assert!(queue.is_alive(other.id(), Millis(1 << 30)).unwrap());
    assert!(queue.open_batch(&spec, me.id(), Millis(1 << 30)).unwrap().joined);
    assert_eq!(queue.claim("b", me.id(), 10, Millis(1)).unwrap(), None);
    let name = other.id().to_owned();
    drop(other);
    assert!(!queue.is_alive(&name, Millis(1)).unwrap());
    assert_eq!(queue.claim("b", me.id(), 10, Millis(1)).unwrap().unwrap().attempt, 2);
}

#[test]
fn a_job_waits_for_its_turn_at_its_gate_only() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path(), Millis(0)).unwrap();
    let (queue, log) = (folder.queue(), folder.ordered());
    let spec = BatchSpec { id: "b".into(), items: Items::Range(0, 3), mode: Mode::Fresh };
    queue.open_batch(&spec, "w", Millis(0)).unwrap();
    let next = || queue.claim("b", "w", 1000, Millis(0)).unwrap();
    let wait = |lease: &Lease, gate: &str| {
        assert!(queue.settle(lease, Outcome::Waiting { gate: gate.into() }, Millis(0)).unwrap());
    };
    let (zero, one, two) = (next().unwrap(), next().unwrap(), next().unwrap());
    wait(&one, "g");
    wait(&two, "h");
    assert_eq!(next(), None);
    let Prefix::Ready { chain, accepted } = log.prefix("b", "g", 0).unwrap() else { panic!("the first") };
    assert!(accepted.is_empty());
    assert!(matches!(log.record("b", "g", 0, Some(b"m"), &chain).unwrap(), Recorded::Yes { .. }));
    // Item 0 is still at work further on, but it has passed g, and that is what item 1 waits for.
    assert_eq!(next().unwrap().item, 1);
    assert_eq!(next(), None);
    assert!(matches!(log.prefix("b", "h", 2).unwrap(), Prefix::NotYet { waiting_for: 0 }));
    assert!(queue.settle(&zero, Outcome::Done { detail: String::new() }, Millis(0)).unwrap());
    assert!(matches!(log.prefix("b", "h", 2).unwrap(), Prefix::NotYet { waiting_for: 1 }));
}

#[test]
fn a_job_settled_on_what_is_no_more_is_ready_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path(), Millis(0)).unwrap();
    let (queue, log) = (folder.queue(), folder.ordered());
    let spec = BatchSpec { id: "b".into(), items: Items::Range(0, 3), mode: Mode::Fresh };
    queue.open_batch(&spec, "w", Millis(0)).unwrap();
    let record = |item, mark: &[u8]| {
        let Prefix::Ready { chain, .. } = log.prefix("b", "g", item).unwrap() else { panic!("{item}") };
        log.record("b", "g", item, Some(mark), &chain).unwrap()
    };
    let hands: Vec<Lease> = (0..3).filter_map(|_| queue.claim("b", "w", 1000, Millis(0)).unwrap()).collect();
    (0..3).for_each(|item| drop(record(item, b"m")));
    let done = || Outcome::Done { detail: String::new() };
    assert!(queue.settle(&hands[1], done(), Millis(0)).unwrap());
    // Item 0 comes out otherwise: 1 is done on what is no more, and 2 is still at work.
    assert_eq!(record(0, b"other"), Recorded::Yes { redecide: vec![1, 2] });
    assert!(queue.settle(&hands[0], done(), Millis(0)).unwrap());
    assert!(queue.settle(&hands[2], done(), Millis(0)).unwrap());
    let states: Vec<_> = queue.jobs("b", None, 0, 9).unwrap().into_iter().map(|row| row.state).collect();
    assert_eq!(states, [JobState::Done, JobState::Ready, JobState::Ready]);
    // This time item 1 never gets as far as the gate; that is no reason for 2 to wait for ever.
    let one = queue.claim("b", "w", 1000, Millis(0)).unwrap().unwrap();
    assert!(queue.settle(&one, Outcome::Failed { reason: String::new() }, Millis(0)).unwrap());
    let two = queue.claim("b", "w", 1000, Millis(0)).unwrap().unwrap();
    assert_eq!((two.item, record(2, b"m")), (2, Recorded::Yes { redecide: vec![] }));
    assert!(queue.settle(&two, done(), Millis(0)).unwrap());
    let Prefix::Ready { accepted, .. } = log.prefix("b", "g", 3).unwrap() else { panic!("all is decided") };
    assert_eq!(accepted, [(0, b"other".to_vec()), (2, b"m".to_vec())]);
    assert_eq!(queue.counts("b").unwrap().unsettled(), 0);
}

#[derive(Clone, Debug)]
enum Step {
    Open { from: u64, to: u64, fresh: bool, worker: u8 },
    Leave(u8),
    Claim { worker: u8, lease: u64 },
    Beat { lease: usize },
    Settle { lease: usize, how: u8 },
    Retry { state: usize, item: Option<u64> },
    Wake(u64),
    Forget(u8),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..6_u64, 0..8_u64, any::<bool>(), 0..3_u8)
            .prop_map(|(from, n, fresh, worker)| Step::Open { from, to: from + n, fresh, worker }),
        1 => (0..3_u8).prop_map(Step::Leave),
        8 => (0..3_u8, 1..60_u64).prop_map(|(worker, lease)| Step::Claim { worker, lease }),
        2 => (0..40_usize).prop_map(|lease| Step::Beat { lease }),
        6 => (0..40_usize, 0..6_u8).prop_map(|(lease, how)| Step::Settle { lease, how }),
        1 => (0..8_usize, proptest::option::of(0..10_u64))
            .prop_map(|(state, item)| Step::Retry { state, item }),
        1 => (0..10_u64).prop_map(Step::Wake),
        1 => (0..3_u8).prop_map(Step::Forget),
        3 => (1..50_u64).prop_map(Step::Wait),
    ]
}

fn outcome(how: u8) -> Outcome {
    let text = || how.to_string();
    match how {
        0 => Outcome::Done { detail: text() },
        1 => Outcome::Failed { reason: text() },
        2 => Outcome::Skipped { reason: text() },
        3 => Outcome::Parked { reason: text() },
        4 => Outcome::Waiting { gate: text() },
        _ => Outcome::Release,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// The queue on disk does what the plain one does, whatever is asked of both; and no item is ever in two
    /// hands.
    #[test]
    fn both_queues_agree(steps in proptest::collection::vec(step(), 1..80)) {
        let dir = tempfile::tempdir().unwrap();
        let disk = Folder::open(dir.path(), Millis(0)).unwrap().queue();
        let plain = MemoryQueue::new();
        let (mut now, mut leases) = (Millis(0), Vec::<Lease>::new());
        for step in steps {
            let name = |worker: u8| format!("worker {worker}");
            match step {
                Step::Open { from, to, fresh, worker } => {
                    let mode = if fresh { Mode::Fresh } else { Mode::Resume };
                    let spec = BatchSpec { id: "b".into(), items: Items::Range(from, to), mode };
                    let both = [&disk as &dyn Queue, &plain].map(|q| q.open_batch(&spec, &name(worker), now).unwrap());
                    prop_assert_eq!(both[0], both[1]);
                }
                Step::Leave(worker) => {
                    disk.leave_batch("b", &name(worker)).unwrap();
                    plain.leave_batch("b", &name(worker)).unwrap();
                }
                Step::Claim { worker, lease } => {
                    let both = [&disk as &dyn Queue, &plain].map(|q| q.claim("b", &name(worker), lease, now).unwrap());
                    prop_assert_eq!(&both[0], &both[1]);
                    if let Some(lease) = both[0].clone() {
                        prop_assert!(lease.attempt <= MAX_DELIVERIES);
                        for old in leases.iter().filter(|old| old.item == lease.item) {
                            prop_assert!(!disk.heartbeat(old, 1, now).unwrap());
                        }
                        leases.push(lease);
                    }
                }
                Step::Beat { lease } => if let Some(lease) = leases.get(lease) {
                    prop_assert_eq!(disk.heartbeat(lease, 20, now).unwrap(), plain.heartbeat(lease, 20, now).unwrap());
                },
                Step::Settle { lease, how } => if let Some(lease) = leases.get(lease) {
                    prop_assert_eq!(
                        disk.settle(lease, outcome(how), now).unwrap(),
                        plain.settle(lease, outcome(how), now).unwrap()
                    );
                },
                Step::Retry { state, item } => {
                    let (states, items) = ([JobState::ALL[state]], item.map(|i| [i]));
                    let items = items.as_ref().map(|i| &i[..]);
                    prop_assert_eq!(
                        disk.retry("b", &states, items, now).unwrap(),
                        plain.retry("b", &states, items, now).unwrap()
                    );
                }
                Step::Wake(item) => {
                    prop_assert_eq!(disk.wake("b", item).unwrap(), plain.wake("b", item).unwrap());
                }
                Step::Forget(worker) => {
                    disk.forget_worker(&name(worker)).unwrap();
                    plain.forget_worker(&name(worker)).unwrap();
                }
                Step::Wait(ms) => now = now.plus(ms),
            }
            prop_assert_eq!(disk.counts("b").unwrap(), plain.counts("b").unwrap());
            let rows = disk.jobs("b", None, 0, 100).unwrap();
            prop_assert_eq!(rows.len() as u64, disk.counts("b").unwrap().total());
            prop_assert_eq!(rows, plain.jobs("b", None, 0, 100).unwrap());
            for item in 0..12 {
                prop_assert_eq!(
                    disk.is_settled_below("b", item).unwrap(),
                    plain.is_settled_below("b", item).unwrap()
                );
            }
        }
    }
}
