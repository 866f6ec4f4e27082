//! Several processes on one folder and one cache. A child is this very test program, told by its environment
//! what to do.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests, helpers included")]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use kiln_store::{
    BatchSpec, Disk, DiskCache, Durability, Folder, Intended, IntentRecord, Items, JobState, Lease, Millis,
    Mode, Outcome, Queue, RealDisk, SqliteQueue,
};
use kiln_types::Key;

const ROLE: &str = "KILN_TEST_ROLE";
const DIR: &str = "KILN_TEST_DIR";

fn spawn(role: &str, dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the children say, line by line, once all have ended well.
fn all(children: Vec<Child>) -> Vec<String> {
    let mut lines = Vec::new();
    for mut child in children {
        let mut text = String::new();
        child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(child.wait().unwrap().success(), "{text}");
        lines.extend(text.lines().filter_map(|line| line.strip_prefix("> ")).map(str::to_owned));
    }
    lines
}

/// Not a test of its own: what a child does.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let dir = PathBuf::from(std::env::var(DIR).unwrap());
    println!();
    match role.as_str() {
        "work" => work(&dir),
        "hold" => hold(&dir),
        "effect" => effect(&dir),
        "hammer" => hammer(&dir),
        "write" => write(&dir),
        other => panic!("{other}"),
    }
}

fn batch(queue: &SqliteQueue, worker: &str, items: u64) {
    let spec = BatchSpec { id: "b".into(), items: Items::Range(0, items), mode: Mode::Resume };
    queue.open_batch(&spec, worker, Millis(0)).unwrap();
}

fn done() -> Outcome {
    Outcome::Done { detail: String::new() }
}

fn work(dir: &Path) {
    let folder = Folder::open(dir, Millis(0)).unwrap();
    let (queue, me) = (folder.queue(), folder.presence(Millis(0)).unwrap());
    batch(&queue, me.id(), 500);
    while let Some(lease) = queue.claim("b", me.id(), 60_000, Millis(0)).unwrap() {
        println!("> {}", lease.item);
        assert!(queue.settle(&lease, done(), Millis(0)).unwrap());
    }
}

#[test]
fn two_processes_do_each_job_once() {
    let dir = tempfile::tempdir().unwrap();
    let lines = all((0..2).map(|_| spawn("work", dir.path())).collect());
    let mut items: Vec<u64> = lines.iter().map(|line| line.parse().unwrap()).collect();
    items.sort_unstable();
    assert!(items.into_iter().eq(0..500));
    assert_eq!(Folder::open(dir.path(), Millis(0)).unwrap().queue().counts("b").unwrap().done, 500);
}

fn hold(dir: &Path) {
    let folder = Folder::open(dir, Millis(0)).unwrap();
    let (queue, me) = (folder.queue(), folder.presence(Millis(0)).unwrap());
    batch(&queue, me.id(), 3);
    let lease = queue.claim("b", me.id(), u64::MAX, Millis(0)).unwrap().unwrap();
    assert_eq!(folder.journal().intend(&intent(me.id()), Millis(0)).unwrap(), Intended::New);
    println!("> {} {}", lease.item, lease.token);
    std::thread::sleep(std::time::Duration::from_secs(600));
}

fn intent(owner: &str) -> IntentRecord {
    IntentRecord {
        key: Key([5; 32]),
        node: "pin".into(),
        item: None,
        destination: "ipfs".into(),
        policy: "ask".into(),
        intent: owner.as_bytes().to_vec(),
        owner: owner.into(),
        lease_ms: u64::MAX,
    }
}

#[test]
fn what_a_killed_process_held_comes_back_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path(), Millis(0)).unwrap();
    let (queue, me) = (folder.queue(), folder.presence(Millis(0)).unwrap());
    let mut child = spawn("hold", dir.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines.find_map(|line| line.unwrap().strip_prefix("> ").map(str::to_owned)).unwrap();
    batch(&queue, me.id(), 3);
    let next = || queue.claim("b", me.id(), 1000, Millis(0)).unwrap();
    for item in [1, 2] {
        let lease = next().unwrap();
        assert_eq!(lease.item, item, "0 is held");
        queue.settle(&lease, done(), Millis(0)).unwrap();
    }
    assert_eq!(next(), None);
    assert!(matches!(folder.journal().intend(&intent(me.id()), Millis(0)).unwrap(), Intended::Busy { .. }));
    child.kill().unwrap();
    child.wait().unwrap();
    let again = next().unwrap();
    assert_eq!((again.item, again.attempt), (0, 2));
    assert!(matches!(folder.journal().intend(&intent(me.id()), Millis(0)).unwrap(), Intended::Doubtful(_)));
    // Should the dead come back after all, its lease is lost.
    let token = said.split(' ').nth(1).unwrap().parse().unwrap();
    let ghost = Lease { batch: "b".into(), item: 0, token, attempt: 1 };
    assert!(!queue.settle(&ghost, done(), Millis(0)).unwrap());
}

fn effect(dir: &Path) {
    let folder = Folder::open(dir, Millis(0)).unwrap();
    let (journal, me) = (folder.journal(), folder.presence(Millis(0)).unwrap());
    for n in 0..50_u8 {
        let record = IntentRecord { key: Key([n; 32]), ..intent(me.id()) };
        match journal.intend(&record, Millis(0)).unwrap() {
            Intended::New => {
                println!("> {n}");
                assert!(journal.outcome(&record.key, me.id(), b"", Millis(0)).unwrap());
            }
            Intended::Busy { .. } | Intended::Done(_) => {}
            Intended::Doubtful(entry) => panic!("{entry:?}"),
        }
    }
}

#[test]
fn an_effect_is_new_to_one_process_only() {
    let dir = tempfile::tempdir().unwrap();
    let lines = all((0..3).map(|_| spawn("effect", dir.path())).collect());
    let mut made: Vec<u8> = lines.iter().map(|line| line.parse().unwrap()).collect();
    made.sort_unstable();
    assert!(made.into_iter().eq(0..50));
}

fn hammer(dir: &Path) {
    let cache = DiskCache::open(dir, Arc::new(RealDisk)).unwrap();
    let value = |n: u8| vec![n; 1000 + usize::from(n) * 40];
    let mut chance = u64::from(std::process::id());
    for round in 0..1500_u32 {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let n = (chance >> 40) as u8 % 60;
        let key = Key(*blake3::hash(&[n]).as_bytes());
        match (chance >> 50) % 4 {
            0 => cache.put(&key, "t", u32::from(n), &value(n)).unwrap(),
            _ => {
                if let Some(found) = cache.get(&key).unwrap() {
                    assert!(found.bytes == value(n) && found.encoding == u32::from(n));
                }
            }
        }
        if round % 100 == 0 {
            cache.gc(2000, RealDisk.stamp_now()).unwrap();
        }
    }
}

#[test]
fn a_cache_may_be_hammered_by_four_processes() {
    let dir = tempfile::tempdir().unwrap();
    all((0..4).map(|_| spawn("hammer", dir.path())).collect());
    let cache = DiskCache::open(dir.path(), Arc::new(RealDisk)).unwrap();
    let later = RealDisk.stamp_now().plus(1 << 40);
    assert_eq!(cache.gc(0, later).unwrap().stale, 0, "no temporary file stays behind");
}

fn output(item: u64) -> Vec<u8> {
    vec![item as u8; 50_000 + item as usize]
}

fn write(dir: &Path) {
    let folder = Folder::open(dir, Millis(0)).unwrap();
    let (queue, me) = (folder.queue(), folder.presence(Millis(0)).unwrap());
    batch(&queue, me.id(), 60);
    while let Some(lease) = queue.claim("b", me.id(), 60_000, Millis(0)).unwrap() {
        let path = dir.join(format!("{}.png", lease.item));
        RealDisk.write_atomic(&path, &output(lease.item), Durability::Durable).unwrap();
        assert!(queue.settle(&lease, done(), Millis(0)).unwrap());
        println!("> {}", lease.item);
        std::thread::sleep(std::time::Duration::from_micros(300));
    }
}

#[test]
fn a_batch_survives_being_killed_again_and_again() {
    let dir = tempfile::tempdir().unwrap();
    let queue = || Folder::open(dir.path(), Millis(0)).unwrap().queue();
    let whole = |item: u64| std::fs::read(dir.path().join(format!("{item}.png"))).unwrap() == output(item);
    for kill_after in [1, 9, 14, 3, 11] {
        let mut child = spawn("write", dir.path());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // `nth` waits for so many outputs, or for the end.
        lines.map_while(Result::ok).filter(|line| line.starts_with("> ")).nth(kill_after - 1);
        child.kill().unwrap();
        child.wait().unwrap();
        for row in queue().jobs("b", Some(JobState::Done), 0, 100).unwrap() {
            assert!(whole(row.item), "{} is acknowledged", row.item);
        }
    }
    let before = queue().counts("b").unwrap().done;
    let lines = all(vec![spawn("write", dir.path())]);
    assert_eq!(lines.len() as u64, 60 - before, "what was done is not done again");
    assert!((0..60).all(whole));
    // What a kill left half written goes away, and nothing else.
    let later = Millis(1 << 60);
    drop(Folder::open(dir.path(), later).unwrap());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 61);
}
