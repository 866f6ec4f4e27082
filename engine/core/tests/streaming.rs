//! Files written piece by piece follow the rules of those written at once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
mod support;
use kiln_core::doors::OutFolder;
use kiln_core::store::faults::{Faults, FaultyDisk};
use kiln_core::store::{Disk, Folder, Millis};
use kiln_core::{Cx, Doubt, Effect, Engine, Node, NodeError, Param, RunReport, Setup, Status, Wish};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use support::*;

/// How many pieces a file has here.
const PIECES: u64 = 40;

/// Writes its number again and again, and stops where it is told.
struct Stream {
    filled: Arc<AtomicU64>,
}

impl Effect for Stream {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let (number, stop) = (cx.int("number")?, cx.int("stop")?);
        let written = cx.write_by("large.bin", &mut |sink| {
            self.filled.fetch_add(1, Ordering::SeqCst);
            for piece in 0..PIECES {
                if piece as i64 == stop {
                    return Err(NodeError::new("the weights ended early"));
                }
                sink.write_all(&content(number)[..1000])?;
            }
            Ok(())
        })?;
        assert_eq!(written.bytes, PIECES * 1000);
        Ok(format!("{} {}", written.hash, written.bytes).into_bytes())
    }
}

fn content(number: i64) -> Vec<u8> {
    number.to_string().repeat(1000 * PIECES as usize).into_bytes()[..1000 * PIECES as usize].to_vec()
}

struct World {
    dir: tempfile::TempDir,
    engine: Engine,
    filled: Arc<AtomicU64>,
    overwrite: bool,
}

impl World {
    fn new() -> Self {
        let filled = Arc::new(AtomicU64::default());
        let mut registry = registry();
        registry.add(
            Node::effect("Stream", 1, Doubt::IdempotentByKey, Stream { filled: filled.clone() })
                .writes_files()
                .param(Param::int("number", 7, 0..=9))
                .param(Param::int("stop", -1, -1..=100)),
        );
        Self {
            dir: tempfile::tempdir().unwrap(),
            engine: Engine::new(registry).unwrap(),
            filled,
            overwrite: false,
        }
    }

    fn run_with(&self, nodes: &str, out: Arc<OutFolder>) -> RunReport {
        let plan = plan(&self.engine, &graph(nodes), &Wish::default());
        run(&self.engine, &plan, Setup { out: Some(out), overwrite: self.overwrite, ..Setup::new("r", ".") })
    }

    fn run(&self, nodes: &str) -> RunReport {
        self.run_with(nodes, out(self.dir.path()))
    }

    fn file(&self) -> Option<Vec<u8>> {
        std::fs::read(self.dir.path().join("large.bin")).ok()
    }

    fn unfinished(&self) -> usize {
        std::fs::read_dir(self.dir.path().join(".kiln/unfinished")).map_or(0, Iterator::count)
    }
}

fn stream(name: &str, with: &str) -> String {
    format!(r#""{name}": (type: "Stream", with: {{ {with} }}),"#)
}

fn said(report: &RunReport) -> String {
    format!("{:?}", report.failures)
}

#[test]
fn pieces_become_one_file() {
    let world = World::new();
    let report = world.run(&stream("s", ""));
    assert_eq!(report.status, Status::Done, "{}", said(&report));
    assert_eq!(world.file().unwrap(), content(7));
    assert_eq!(world.filled.load(Ordering::SeqCst), 1, "nothing stood in the way, so it was made once");
    // The same again is made over what stands there, because it is its own.
    std::fs::remove_file(world.dir.path().join("large.bin")).unwrap();
    assert_eq!(world.run(&stream("s", r#""number": 8"#)).status, Status::Done);
    assert_eq!(world.file().unwrap(), content(8));
}

#[test]
fn a_failure_half_way_leaves_nothing() {
    let world = World::new();
    for stop in [0, 20, PIECES - 1] {
        let report = world.run(&stream("s", &format!(r#""stop": {stop}"#)));
        assert!(said(&report).contains("the weights ended early"), "{}", said(&report));
        assert_eq!((world.file(), world.unfinished()), (None, 0), "stop {stop}");
    }
    // What stood there before stays.
    assert_eq!(world.run(&stream("s", "")).status, Status::Done);
    assert_ne!(world.run(&stream("s", r#""number": 3, "stop": 20"#)).status, Status::Done);
    assert_eq!((world.file().unwrap(), world.unfinished()), (content(7), 0));
}

#[test]
fn what_others_made_is_not_overwritten() {
    let mut world = World::new();
    let place = world.dir.path().join("large.bin");
    let mut longer = content(7);
    longer.push(b'!');
    let mut other = content(7);
    other[20_500] = b'!';
    for foreign in [&content(7)[..5000], &longer, &other, b""] {
        std::fs::write(&place, foreign).unwrap();
        let report = world.run(&stream("s", ""));
        assert!(said(&report).contains("in the way"), "{}", said(&report));
        assert_eq!(world.file().unwrap(), foreign);
    }
    // A failure of the content itself is told as what it is.
    std::fs::write(&place, content(7)).unwrap();
    assert!(said(&world.run(&stream("s", r#""stop": 5"#))).contains("ended early"));
    // The very same content may stand there.
    assert_eq!(world.run(&stream("s", "")).status, Status::Done);
    // Another node may not write the same file.
    let report = world.run(&stream("t", r#""number": 1"#));
    assert!(said(&report).contains("already written by"), "{}", said(&report));
    assert_eq!(world.file().unwrap(), content(7));

    let fresh = World::new();
    world.dir = fresh.dir;
    world.overwrite = true;
    std::fs::write(world.dir.path().join("large.bin"), b"foreign").unwrap();
    assert_eq!(world.run(&stream("s", "")).status, Status::Done);
    assert_eq!(world.file().unwrap(), content(7));
}

#[test]
fn what_is_told_to_be_written_outlives_a_power_cut() {
    for seed in 0..8 {
        let world = World::new();
        let disk = Arc::new(FaultyDisk::new(seed, Faults::default()));
        let folder = Folder::open(world.dir.path(), Millis(1)).unwrap();
        let out = Arc::new(OutFolder::new(world.dir.path(), folder, disk.clone()));
        assert_eq!(world.run_with(&stream("s", ""), out).status, Status::Done);
        disk.power_cut().unwrap();
        assert_eq!(world.file().unwrap(), content(7), "seed {seed}");
    }
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    let world = World::new();
    let disk = Arc::new(FaultyDisk::new(3, Faults { full: 1000, ..Faults::default() }));
    let folder = Folder::open(world.dir.path(), Millis(1)).unwrap();
    let out = Arc::new(OutFolder::new(world.dir.path(), folder, disk.clone()));
    let report = world.run_with(&stream("s", ""), out);
    assert_ne!(report.status, Status::Done);
    assert_eq!((world.file(), world.unfinished()), (None, 0));
}

#[test]
fn an_error_of_the_content_is_never_taken_for_a_taken_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut calls = 0;
    let failed = kiln_core::store::RealDisk.write_streamed(
        dir.path(),
        &dir.path().join("a"),
        &mut |_| {
            calls += 1;
            Err(std::io::ErrorKind::AlreadyExists.into())
        },
        kiln_core::store::Durability::Fast,
    );
    assert!(failed.is_err());
    assert_eq!(calls, 1);
    assert_eq!(count(dir.path()), 0);
}

fn count(dir: &Path) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}
