//! Blocks on disk: shared by many, killed at any moment, collected, damaged.

use super::support::*;
use kiln_cid::{Cid, CidError, Codec, Profile, Sink, Source, add_bytes, fetch};
use kiln_core::store::faults::{Faults, FaultyDisk};
use kiln_storage::{BlockStore, Keeping};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn block_files(dir: &Path) -> Vec<PathBuf> {
    files(&dir.join("ipfs/blocks"))
        .into_iter()
        .filter(|p| p.extension().is_some_and(|e| e == "data"))
        .collect()
}

#[test]
fn blocks_lie_where_kubo_would_have_them() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let made = add_bytes(Profile::V1, b"hello world", &mut Keeping(&store)).unwrap();
    let [file] = block_files(dir.path()).try_into().unwrap();
    let name = format!("{}.data", made.cid.hash_name());
    assert!(name.starts_with("CIQLS"), "{name}");
    let shard = &name[name.len() - 5 - 3..name.len() - 5 - 1];
    assert_eq!(file, dir.path().join("ipfs/blocks").join(shard).join(&name));
    let layout = std::fs::read_to_string(dir.path().join("ipfs/blocks/SHARDING")).unwrap();
    assert_eq!(layout, "/repo/flatfs/shard/v1/next-to-last/2\n");
}

#[test]
fn damage_is_noticed_and_mended() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let (root, bytes) = some_folder(&store, 5);
    let report = |store: &BlockStore| {
        let mut faults = Vec::new();
        store.check(&mut |c| faults.push(c.fault.clone())).unwrap();
        faults
    };
    assert_eq!(report(&store), [None]);
    for file in block_files(dir.path()) {
        let whole = std::fs::read(&file).unwrap();
        for damaged in [whole[..whole.len() - 1].to_vec(), Vec::new(), [&whole[1..], b"x"].concat()] {
            std::fs::write(&file, damaged).unwrap();
            assert!(report(&store)[0].as_ref().unwrap().contains("other bytes"), "{file:?}");
            assert!(store.pin(&root, "again", bytes).is_err(), "what is damaged is not pinned");
        }
        std::fs::remove_file(&file).unwrap();
        assert!(report(&store)[0].as_ref().unwrap().contains("missing"));
        std::fs::write(&file, b"damaged").unwrap();
        assert_eq!(some_folder(&store, 5), (root, bytes), "making it again mends it");
        assert_eq!(report(&store), [None]);
    }
    assert_eq!(store.pins().unwrap().len(), 1);
}

#[test]
fn only_what_nobody_keeps_is_collected() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let (one, _) = some_folder(&store, 6);
    let (two, _) = some_folder(&store, 3);
    let loose = add_bytes(Profile::V0, b"nobody wants me", &mut Keeping(&store)).unwrap();
    std::fs::write(dir.path().join("ipfs/blocks/note.txt"), "not ours").unwrap();
    let before = block_files(dir.path()).len() as u64;
    let found = store.collect().unwrap();
    assert_eq!((found.kept, found.removed), (before - 1, 1));
    assert!(matches!(fetch(&store, &loose.cid), Err(CidError::Missing { .. })));
    assert!(store.unpin(&one).unwrap() && !store.unpin(&one).unwrap());
    assert!(store.collect().unwrap().removed > 0);
    store.check(&mut |c| assert_eq!(c.fault, None)).unwrap();
    assert_eq!(store.pinned(&two).unwrap().unwrap().blocks as usize, block_files(dir.path()).len());
    assert_eq!(store.pins().unwrap().len(), 1);
    // A pin whose blocks are damaged: nothing is removed, as nobody knows what it keeps.
    let root = dir.path().join("ipfs/blocks");
    let of_root = files(&root).into_iter().find(|p| p.to_string_lossy().contains(&two.hash_name())).unwrap();
    std::fs::write(of_root, "damaged").unwrap();
    add_bytes(Profile::V0, b"loose", &mut Keeping(&store)).unwrap();
    let before = block_files(dir.path()).len();
    assert!(store.collect().is_err());
    assert_eq!(block_files(dir.path()).len(), before);
}

#[test]
fn collecting_waits_for_who_is_about_to_pin() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let hold = store.hold().unwrap();
    let also = store.hold().unwrap();
    let made = add_bytes(Profile::V1, b"soon pinned", &mut Keeping(&store)).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let (other, flag) = (store.clone(), done.clone());
    let collecting = std::thread::spawn(move || {
        let found = other.collect().unwrap();
        flag.store(true, Ordering::SeqCst);
        found
    });
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert!(!done.load(Ordering::SeqCst), "it waits");
    store.pin(&made.cid, "x", made.size).unwrap();
    drop((hold, also));
    assert_eq!((collecting.join().unwrap().removed, fetch(&store, &made.cid).unwrap().len()), (0, 11));
}

#[test]
fn many_may_put_the_same_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let path = dir.path().to_owned();
            std::thread::spawn(move || some_folder(&store(&path), 60))
        })
        .collect();
    let roots: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    assert!(roots.windows(2).all(|w| w[0] == w[1]));
    let store = store(dir.path());
    store.check(&mut |c| assert_eq!(c.fault, None)).unwrap();
    assert_eq!(store.collect().unwrap().removed, 0);
    assert!(files(&dir.path().join("ipfs/blocks/.temp")).is_empty());
}

/// Run by the next test in a process of its own, which is killed.
#[test]
#[ignore = "started by the test beside it"]
fn putter() {
    let Ok(dir) = std::env::var("KILN_TEST_PUTTER") else { return };
    let store = store(Path::new(&dir));
    for i in 0u32.. {
        add_bytes(Profile::V1, &i.to_le_bytes().repeat(50_000), &mut Keeping(&store)).unwrap();
    }
}

#[test]
fn a_kill_leaves_no_wrong_block() {
    let dir = tempfile::tempdir().unwrap();
    let mut seen = 0;
    for round in 0..6u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::putter", "--ignored", "--nocapture"])
            .env("KILN_TEST_PUTTER", dir.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let blocks =
            || if dir.path().join("ipfs/blocks").exists() { block_files(dir.path()).len() } else { 0 };
        let mut patience = 0;
        while blocks() < seen + 20 && patience < 3000 {
            std::thread::sleep(std::time::Duration::from_millis(2 + round));
            patience += 1;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for file in block_files(dir.path()) {
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            let cid = Cid::new(Codec::Raw, Cid::digest_of_hash_name(&name).unwrap());
            assert!(cid.fits(&std::fs::read(&file).unwrap()), "{file:?}");
        }
        assert!(blocks() > seen);
        // The next one begins anew and finds them there.
        seen = blocks();
    }
}

#[test]
fn a_full_disk_says_so_and_leaves_nothing_wrong() {
    let dir = tempfile::tempdir().unwrap();
    drop(store(dir.path()));
    let mut failed = 0;
    for seed in 0..20 {
        let disk =
            Arc::new(FaultyDisk::new(seed, Faults { full: 200, io: 100, rename: 50, ..Faults::default() }));
        let Ok(store) = BlockStore::open(dir.path(), disk) else { continue };
        for i in 0..20u32 {
            let content = (seed as u32 * 100 + i).to_le_bytes().repeat(100);
            let cid = Cid::of(Codec::Raw, &content);
            match Keeping(&store).put(&cid, &content) {
                Ok(()) => {}
                Err(e) => {
                    failed += 1;
                    assert!(!e.to_string().is_empty());
                }
            }
        }
    }
    assert!(failed > 20, "{failed}");
    let store = store(dir.path());
    for file in block_files(dir.path()) {
        let digest = Cid::digest_of_hash_name(&file.file_stem().unwrap().to_string_lossy()).unwrap();
        assert!(fetch(&store, &Cid::new(Codec::Raw, digest)).is_ok(), "{file:?}");
    }
    assert!(store.get(&Cid::of(Codec::Raw, b"never put")).unwrap().is_none());
}
