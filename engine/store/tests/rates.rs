//! How fast the parts are. Not checked, as machines differ: `cargo test -p kiln-store --release --test rates --
//! --ignored --nocapture` prints it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests, helpers included")]

use std::sync::Arc;
use std::time::Instant;

use kiln_store::{
    BatchSpec, DiskCache, Folder, IntentRecord, Items, MemoryQueue, Millis, Mode, Outcome, Prefix, Queue,
    RealDisk,
};
use kiln_types::Key;

fn rate(what: &str, times: u32, mut work: impl FnMut(u32)) {
    let start = Instant::now();
    (0..times).for_each(&mut work);
    println!("{what}: {:.0} per second", f64::from(times) / start.elapsed().as_secs_f64());
}

#[test]
#[ignore = "a measurement that checks nothing: cargo test --release -p kiln-store --test rates -- --ignored --nocapture"]
fn rates() {
    let dir = tempfile::tempdir_in(".").unwrap();
    let folder = Folder::open(dir.path(), Millis(0)).unwrap();
    let spec = |n| BatchSpec { id: "b".into(), items: Items::Range(0, n), mode: Mode::Resume };
    let (disk, plain) = (folder.queue(), MemoryQueue::new());
    for (name, queue) in [("on disk", &disk as &dyn Queue), ("in memory", &plain)] {
        rate(&format!("batches of 100000 opened {name}"), 1, |_| {
            queue.open_batch(&spec(100_000), "w", Millis(0)).unwrap();
        });
        rate(&format!("jobs claimed and settled {name}"), 20_000, |_| {
            let lease = queue.claim("b", "w", 1000, Millis(0)).unwrap().unwrap();
            assert!(queue.settle(&lease, Outcome::Done { detail: String::new() }, Millis(0)).unwrap());
        });
    }
    let journal = folder.journal();
    rate("effects intended and finished", 500, |n| {
        let mut key = Key([0; 32]);
        key.0[..4].copy_from_slice(&n.to_le_bytes());
        let record = IntentRecord {
            key,
            node: "n".into(),
            item: None,
            destination: "d".into(),
            policy: "p".into(),
            intent: vec![0; 100],
            owner: "w".into(),
            lease_ms: 1000,
        };
        journal.intend(&record, Millis(0)).unwrap();
        journal.outcome(&key, "w", b"", Millis(0)).unwrap();
    });
    let log = folder.ordered();
    rate("decisions at an ordered gate, the whole prefix read each time", 3000, |n| {
        let Prefix::Ready { chain, .. } = log.prefix("other", "g", n.into()).unwrap() else {
            panic!("ready")
        };
        log.record("other", "g", n.into(), Some(&[1; 8]), &chain).unwrap();
    });
    let cache = DiskCache::open(dir.path().join("cache"), Arc::new(RealDisk)).unwrap();
    let value: Vec<u8> = (0..1_u32 << 22).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    rate("values of 4 MiB put", 50, |n| cache.put(&Key([n as u8; 32]), "t", 1, &value).unwrap());
    rate("values of 4 MiB got", 50, |n| {
        cache.get(&Key([n as u8; 32])).unwrap().unwrap();
    });
    rate("small values put", 2000, |n| {
        cache.put(&Key(*blake3::hash(&n.to_le_bytes()).as_bytes()), "t", 1, b"x").unwrap();
    });
}
