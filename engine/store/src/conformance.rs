//! What every queue has to do, as a test any implementation can be put to.
//!
//! ```
//! kiln_store::conformance::queue(&|| Box::new(kiln_store::MemoryQueue::new()))?;
//! # Ok::<(), String>(())
//! ```

use std::error::Error;

use crate::millis::Millis;
use crate::queue::{BatchSpec, Counts, Items, JobState, Lease, Mode, Opened, Outcome, Queue};

type Checked = Result<(), Box<dyn Error>>;
type Check = fn(&dyn Queue) -> Checked;

macro_rules! same {
    ($left:expr, $right:expr, $what:expr) => {{
        let (left, right) = ($left, $right);
        if left != right {
            return Err(format!("{}: got {left:?}, wanted {right:?}", $what).into());
        }
    }};
}

const B: &str = "b";
const LEASE: u64 = 1000;

/// Puts a queue to the test: `make` gives a new, empty one each time, which gives a job up after 5 deliveries.
/// The error names the first thing that is wrong.
pub fn queue(make: &dyn Fn() -> Box<dyn Queue>) -> Result<(), String> {
    let checks: [(&str, Check); 12] = [
        ("an unknown batch is empty", unknown),
        ("jobs come in item order, each once", order),
        ("every outcome has its state", outcomes),
        ("a lease runs out", leases),
        ("a heartbeat keeps a lease", heartbeats),
        ("a job that is never settled dies", poison),
        ("a waiting job comes back in its turn", waiting),
        ("resuming keeps what is settled", resuming),
        ("starting fresh keeps nothing", fresh),
        ("a second worker joins", joining),
        ("jobs are retried by state and item", retrying),
        ("a worker that says goodbye leaves its jobs", goodbye),
    ];
    for (name, check) in checks {
        check(&*make()).map_err(|e| format!("{name}: {e}"))?;
    }
    Ok(())
}

fn open(q: &dyn Queue, items: Items, mode: Mode, worker: &str, now: u64) -> Result<Opened, Box<dyn Error>> {
    Ok(q.open_batch(&BatchSpec { id: B.to_owned(), items, mode }, worker, Millis(now))?)
}

fn claim(q: &dyn Queue, now: u64) -> Result<Lease, Box<dyn Error>> {
    Ok(q.claim(B, "w", LEASE, Millis(now))?.ok_or("there should be a job to claim")?)
}

fn none(q: &dyn Queue, now: u64) -> Checked {
    same!(q.claim(B, "w", LEASE, Millis(now))?, None, "there should be nothing to claim");
    Ok(())
}

fn settle(q: &dyn Queue, lease: &Lease, outcome: Outcome) -> Checked {
    same!(q.settle(lease, outcome, Millis(1))?, true, "the lease should hold");
    Ok(())
}

fn done() -> Outcome {
    Outcome::Done { detail: "d".to_owned() }
}

fn unknown(q: &dyn Queue) -> Checked {
    same!(q.counts(B)?, Counts::default(), "counts");
    same!(q.jobs(B, None, 0, 10)?, vec![], "jobs");
    same!(q.retry(B, &JobState::ALL, None, Millis(0))?, 0, "retry");
    same!(q.wake(B, 0)?, false, "wake");
    same!(q.is_settled_below(B, 9)?, true, "settled below");
    none(q, 0)?;
    let lease = Lease { batch: B.to_owned(), item: 0, token: 1, attempt: 1 };
    same!(q.heartbeat(&lease, 1, Millis(0))?, false, "heartbeat");
    same!(q.settle(&lease, done(), Millis(0))?, false, "settle");
    let far = BatchSpec { id: B.to_owned(), items: Items::Range(0, u64::MAX), mode: Mode::Fresh };
    same!(q.open_batch(&far, "w", Millis(0)).is_err(), true, "a range beyond all measure is refused");
    same!(q.counts(B)?, Counts::default(), "counts after a refusal");
    open(q, Items::Range(5, 5), Mode::Fresh, "w", 0)?;
    none(q, 0)
}

fn order(q: &dyn Queue) -> Checked {
    let opened = open(q, Items::List(vec![7, 3, 11, 3]), Mode::Fresh, "w", 0)?;
    same!(opened, Opened { joined: false, ready: 3, done: 0 }, "opened");
    for (item, now) in [(3, 0), (7, 1), (11, 2)] {
        let lease = claim(q, now)?;
        same!((lease.item, lease.attempt), (item, 1), "the lowest first");
        settle(q, &lease, done())?;
        same!(q.settle(&lease, done(), Millis(now))?, false, "a lease is settled once");
    }
    none(q, 3)?;
    same!(q.counts(B)?, Counts { done: 3, ..Counts::default() }, "counts");
    same!(q.claim("other", "w", LEASE, Millis(4))?, None, "another batch has its own jobs");
    Ok(())
}

fn outcomes(q: &dyn Queue) -> Checked {
    open(q, Items::Range(0, 6), Mode::Fresh, "w", 0)?;
    let reason = || "r".to_owned();
    let all = [
        done(),
        Outcome::Failed { reason: reason() },
        Outcome::Skipped { reason: reason() },
        Outcome::Parked { reason: reason() },
        Outcome::Waiting { gate: "g".to_owned() },
    ];
    for outcome in all {
        let lease = claim(q, 0)?;
        settle(q, &lease, outcome)?;
    }
    claim(q, 0)?;
    let wanted =
        Counts { leased: 1, waiting: 1, parked: 1, done: 1, failed: 1, skipped: 1, ..Counts::default() };
    same!(q.counts(B)?, wanted, "counts");
    let rows = q.jobs(B, None, 0, 10)?;
    let shown: Vec<_> = rows.iter().map(|r| (r.item, r.state, r.detail.as_str())).collect();
    let wanted = vec![
        (0, JobState::Done, "d"),
        (1, JobState::Failed, "r"),
        (2, JobState::Skipped, "r"),
        (3, JobState::Parked, "r"),
        (4, JobState::Waiting, "g"),
        (5, JobState::Leased, ""),
    ];
    same!(shown, wanted, "jobs");
    let some: Vec<_> = q.jobs(B, None, 2, 2)?.iter().map(|r| r.item).collect();
    same!(some, vec![2, 3], "jobs from an item on");
    let some: Vec<_> = q.jobs(B, Some(JobState::Parked), 0, 9)?.iter().map(|r| r.item).collect();
    same!(some, vec![3], "jobs of a state");
    same!((q.is_settled_below(B, 3)?, q.is_settled_below(B, 4)?), (true, false), "settled below");
    Ok(())
}

fn leases(q: &dyn Queue) -> Checked {
    open(q, Items::Range(0, 1), Mode::Fresh, "w", 0)?;
    let first = claim(q, 0)?;
    none(q, LEASE - 1)?;
    let second = claim(q, LEASE)?;
    same!((second.item, second.attempt), (0, 2), "delivered again");
    same!(q.settle(&first, done(), Millis(LEASE))?, false, "the first lease is lost");
    same!(q.heartbeat(&first, LEASE, Millis(LEASE))?, false, "and stays lost");
    same!(q.counts(B)?.leased, 1, "nothing changed");
    // Late, but nobody else was given the job: the work counts.
    same!(q.settle(&second, done(), Millis(99 * LEASE))?, true, "a late settling");
    Ok(())
}

fn heartbeats(q: &dyn Queue) -> Checked {
    open(q, Items::Range(0, 1), Mode::Fresh, "w", 0)?;
    let lease = claim(q, 0)?;
    same!(q.heartbeat(&lease, LEASE, Millis(900))?, true, "held");
    none(q, 1500)?;
    same!(q.heartbeat(&lease, 1, Millis(1500))?, true, "held");
    none(q, 1899)?;
    same!(claim(q, 1900)?.attempt, 2, "a shorter heartbeat does not shorten a lease, and it ends");
    Ok(())
}

fn poison(q: &dyn Queue) -> Checked {
    open(q, Items::Range(0, 2), Mode::Fresh, "w", 0)?;
    for time in 0..5 {
        same!(claim(q, time * LEASE)?.item, 0, "delivered again");
    }
    same!(claim(q, 5 * LEASE)?.item, 1, "the next job");
    let rows = q.jobs(B, Some(JobState::Dead), 0, 9)?;
    same!(rows.iter().map(|r| (r.item, r.deliveries)).collect::<Vec<_>>(), vec![(0, 5)], "dead jobs");
    same!(rows.first().is_some_and(|r| !r.detail.is_empty()), true, "with a reason");
    same!(q.retry(B, &[JobState::Dead], None, Millis(0))?, 1, "retried");
    same!(claim(q, 5 * LEASE)?.attempt, 1, "counted anew");
    Ok(())
}

fn waiting(q: &dyn Queue) -> Checked {
    open(q, Items::Range(0, 3), Mode::Fresh, "w", 0)?;
    let zero = claim(q, 0)?;
    let gate = || Outcome::Waiting { gate: "g".to_owned() };
    let (one, two) = (claim(q, 0)?, claim(q, 0)?);
    settle(q, &one, gate())?;
    settle(q, &two, gate())?;
    none(q, 0)?;
    same!(q.wake(B, 2)?, true, "woken");
    same!(q.wake(B, 2)?, false, "woken already");
    let two = claim(q, 0)?;
    same!((two.item, two.attempt), (2, 1), "woken before its turn; waiting is no lost delivery");
    settle(q, &two, gate())?;
    settle(q, &zero, Outcome::Failed { reason: String::new() })?;
    let one = claim(q, 0)?;
    same!(one.item, 1, "its turn");
    none(q, 0)?;
    settle(q, &one, Outcome::Parked { reason: String::new() })?;
    none(q, 0)?;
    same!(q.retry(B, &[JobState::Parked], None, Millis(0))?, 1, "unparked");
    let one = claim(q, 0)?;
    settle(q, &one, done())?;
    same!(claim(q, 0)?.item, 2, "its turn");
    Ok(())
}

fn resuming(q: &dyn Queue) -> Checked {
    open(q, Items::Range(0, 4), Mode::Fresh, "w", 0)?;
    let lease = claim(q, 0)?;
    settle(q, &lease, done())?;
    let lease = claim(q, 0)?;
    settle(q, &lease, Outcome::Parked { reason: "look".to_owned() })?;
    let lost = claim(q, 0)?;
    let opened = open(q, Items::Range(0, 5), Mode::Resume, "w", 1)?;
    same!(opened, Opened { joined: false, ready: 3, done: 1 }, "resumed by the same worker");
    same!(q.settle(&lost, done(), Millis(2))?, false, "the old lease is lost");
    same!(claim(q, 2)?.attempt, 2, "what was lost counts as delivered");
    let opened = open(q, Items::Range(3, 5), Mode::Resume, "w", 3)?;
    same!((opened.ready, opened.done), (2, 0), "fewer items wanted");
    same!(claim(q, 3)?.item, 3, "only what is wanted");
    let opened = open(q, Items::Range(0, 5), Mode::Resume, "w", 4)?;
    same!((opened.ready, opened.done), (3, 1), "what rested is as it was");
    same!(q.counts(B)?.parked, 1, "parked stays");
    for time in 5..20 {
        open(q, Items::Range(0, 5), Mode::Resume, "w", time)?;
        q.claim(B, "w", LEASE, Millis(time))?;
    }
    same!(q.counts(B)?.dead, 3, "a job that ends its process each time dies in the end");
    Ok(())
}

fn fresh(q: &dyn Queue) -> Checked {
    open(q, Items::Range(0, 3), Mode::Fresh, "w", 0)?;
    let lease = claim(q, 0)?;
    settle(q, &lease, done())?;
    let lost = claim(q, 0)?;
    let opened = open(q, Items::Range(0, 3), Mode::Fresh, "w", 1)?;
    same!(opened, Opened { joined: false, ready: 3, done: 0 }, "fresh");
    let zero = claim(q, 1)?;
    let one = claim(q, 1)?;
    same!((zero.item, one.item, one.attempt), (0, 1, 1), "from the start");
    same!(q.settle(&lost, done(), Millis(2))?, false, "a lease from before is lost");
    same!(q.settle(&one, done(), Millis(2))?, true, "the new one holds");
    Ok(())
}

fn joining(q: &dyn Queue) -> Checked {
    open(q, Items::Range(0, 3), Mode::Fresh, "w", 0)?;
    let lease = claim(q, 0)?;
    settle(q, &lease, done())?;
    let held = claim(q, 0)?;
    let opened = open(q, Items::Range(0, 4), Mode::Fresh, "v", 1)?;
    same!(opened, Opened { joined: true, ready: 2, done: 1 }, "joined: new items, nothing else");
    same!(q.heartbeat(&held, LEASE, Millis(2))?, true, "a lease is not disturbed");
    q.register_worker("w", 100_000, Millis(3))?;
    same!(open(q, Items::Range(0, 4), Mode::Resume, "v", 90_000)?.joined, true, "a word of life counts");
    same!(q.is_alive("w", Millis(90_000))?, true, "alive");
    same!(q.is_alive("w", Millis(200_000))?, false, "not for ever");
    let opened = open(q, Items::Range(0, 4), Mode::Resume, "v", 200_000)?;
    same!(opened, Opened { joined: false, ready: 3, done: 1 }, "alone again");
    open(q, Items::Range(0, 4), Mode::Resume, "w", 200_001)?;
    q.leave_batch(B, "v")?;
    same!(open(q, Items::Range(0, 4), Mode::Resume, "w", 200_002)?.joined, false, "the other left");
    open(q, Items::Range(0, 1), Mode::Resume, "w", 200_003)?;
    same!(open(q, Items::Range(0, 1), Mode::Fresh, "v", 200_004)?.joined, false, "nothing left to join");
    Ok(())
}

fn retrying(q: &dyn Queue) -> Checked {
    open(q, Items::Range(0, 6), Mode::Fresh, "w", 0)?;
    for item in 0..5 {
        let lease = claim(q, 0)?;
        let failed = Outcome::Failed { reason: String::new() };
        settle(q, &lease, if item % 2 == 0 { failed } else { done() })?;
    }
    let held = claim(q, 0)?;
    same!(q.retry(B, &[JobState::Failed], Some(&[0, 1, 2, 99]), Millis(1))?, 2, "named and failed");
    same!(q.retry(B, &[JobState::Failed, JobState::Failed], None, Millis(1))?, 1, "all that failed");
    same!(q.retry(B, &[JobState::Leased, JobState::Ready], None, Millis(1))?, 0, "not what is at work");
    same!(q.heartbeat(&held, LEASE, Millis(1))?, true, "a lease is not disturbed");
    let wanted = Counts { ready: 3, leased: 1, done: 2, ..Counts::default() };
    same!(q.counts(B)?, wanted, "counts");
    Ok(())
}

fn goodbye(q: &dyn Queue) -> Checked {
    open(q, Items::Range(0, 2), Mode::Fresh, "w", 0)?;
    let held = claim(q, 0)?;
    q.forget_worker("w")?;
    same!(q.settle(&held, done(), Millis(1))?, false, "its lease is over");
    let again = claim(q, 1)?;
    same!((again.item, again.attempt), (0, 1), "ready at once, and not counted as lost");
    let back = claim(q, 1)?;
    settle(q, &back, Outcome::Release)?;
    same!(claim(q, 1)?.attempt, 1, "given back is not lost");
    Ok(())
}
