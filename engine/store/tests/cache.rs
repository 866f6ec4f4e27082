//! The cache: never a wrong value, whatever happened to its files.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests, helpers included")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use kiln_store::disk::Kind;
use kiln_store::faults::{Faults, FaultyDisk};
use kiln_store::{Blobs, Disk, DiskCache, Durability, Millis, RealDisk, StoreError, Stored};
use kiln_types::Key;

const HOUR: u64 = 3_600_000;

fn key(n: u8) -> Key {
    Key(*blake3::hash(&[n]).as_bytes())
}

/// The value of a key: of any length, some of it compressible.
fn value(n: u8) -> Vec<u8> {
    let mut bytes = vec![0; usize::from(n) * 97];
    blake3::Hasher::new().update(&[n]).finalize_xof().fill(&mut bytes);
    bytes.extend(vec![n; usize::from(n % 4) * 3000]);
    bytes
}

fn cache(dir: &Path) -> DiskCache {
    DiskCache::open(dir, Arc::new(RealDisk)).unwrap()
}

#[test]
fn values_are_kept_counted_and_cleared() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cache(&dir.path().join("made/here"));
    assert_eq!(cache.get(&key(1)).unwrap(), None);
    for n in 0..20 {
        cache.put(&key(n), "image", u32::from(n), &value(n)).unwrap();
    }
    let wanted = Stored { type_name: "image".into(), encoding: 7, bytes: value(7) };
    assert_eq!(Blobs::get(&cache, &key(7)).unwrap(), Some(wanted));
    assert!(cache.contains(&key(7)) && !cache.contains(&key(77)));
    assert_eq!(cache.stats().unwrap().entries, 20);
    let done = cache.clear().unwrap();
    assert_eq!((done.removed, done.kept.entries, done.kept.bytes), (20, 0, 0));
    assert!(!cache.contains(&key(7)));
}

#[test]
fn what_is_longest_unused_goes_first() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cache(dir.path());
    let now = RealDisk.stamp_now();
    for n in 1..=10_u8 {
        cache.put(&key(n), "t", 1, &[n; 100]).unwrap();
        RealDisk.touch(&cache.path(&key(n)), Millis(now.0 - u64::from(n) * 2 * HOUR));
    }
    // Used: it is recent again.
    assert!(cache.get(&key(10)).unwrap().is_some());
    let all = cache.stats().unwrap().bytes;
    let done = cache.gc(all * 4 / 10, now).unwrap();
    assert_eq!((done.removed, done.kept.entries), (6, 4));
    let left: Vec<u8> = (1..=10).filter(|&n| cache.contains(&key(n))).collect();
    assert_eq!(left, [1, 2, 3, 10]);
    assert_eq!(cache.gc(all, now).unwrap().removed, 0);
}

#[test]
fn only_its_own_files_are_collected() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("cache");
    let cache = cache(&root);
    cache.put(&key(1), "t", 1, b"v").unwrap();
    let shelf = cache.path(&key(1)).parent().unwrap().to_owned();
    let outside = dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let stem = format!("{}.kv", "0".repeat(62));
    let foreign = [root.join("notes.txt"), shelf.join("x.kv"), root.join(&stem), outside.join(&stem)];
    for path in &foreign {
        fs::write(path, "mine").unwrap();
    }
    fs::create_dir(shelf.join(&stem)).unwrap();
    let stale = shelf.join(".kiln-tmp-1-1-0");
    fs::write(&stale, "half").unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&outside, root.join("00")).unwrap();
        std::os::unix::fs::symlink(outside.join(&stem), shelf.join(format!("{}.kv", "1".repeat(62))))
            .unwrap();
        // Through a link nothing is written either.
        let linked = Key([0; 32]);
        assert!(matches!(cache.put(&linked, "t", 1, b"v"), Err(StoreError::InTheWay { .. })));
        assert!(!cache.contains(&linked));
    }
    let now = RealDisk.stamp_now();
    assert_eq!(cache.gc(0, now).unwrap().stale, 0, "a temporary file may be in use");
    assert!(stale.exists());
    assert_eq!(cache.gc(0, now.plus(2 * HOUR)).unwrap().stale, 1);
    cache.clear().unwrap();
    assert!(!stale.exists() && foreign.iter().all(|path| path.exists()));
    assert_eq!(cache.stats().unwrap().entries, 0);
}

#[test]
fn a_damaged_file_is_a_miss_and_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cache(dir.path());
    let path = cache.path(&key(3));
    cache.put(&key(3), "image", 1, &value(3)[..200]).unwrap();
    let whole = fs::read(&path).unwrap();
    let damaged = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        assert_eq!(cache.get(&key(3)).unwrap(), None);
        assert!(!path.exists());
    };
    (0..whole.len()).for_each(|cut| damaged(&whole[..cut]));
    damaged(&vec![0; whole.len()]);
    damaged(&value(200));
    for at in 0..40 {
        let mut forged = whole.clone();
        forged[at..at + 8].fill(0xff);
        damaged(&forged);
    }
    // A file of 4 TB that takes no room: not read into memory.
    if fs::File::create(&path).unwrap().set_len(1 << 42).is_ok() {
        assert_eq!(cache.get(&key(3)).unwrap(), None);
        assert!(!path.exists());
    }
    fs::create_dir_all(cache.path(&key(4)).parent().unwrap()).unwrap();
    fs::write(cache.path(&key(4)), &whole).unwrap();
    assert_eq!(cache.get(&key(4)).unwrap(), None, "another key's value");
}

#[test]
fn a_lying_disk_never_gives_a_wrong_value() {
    for seed in 0..15 {
        let dir = tempfile::tempdir().unwrap();
        let faults = Faults { torn: 200, lost: 200, full: 50, io: 50, rename: 50 };
        let disk = Arc::new(FaultyDisk::new(seed, faults));
        let Ok(cache) = DiskCache::open(dir.path(), disk.clone()) else { continue };
        for n in 0..60_u8 {
            let n = n % 40;
            let _ = cache.put(&key(n), "t", 1, &value(n));
            if n % 13 == 5 {
                disk.power_cut().unwrap();
            }
            for m in [n, n / 2] {
                if let Ok(Some(found)) = cache.get(&key(m)) {
                    assert!(found.bytes == value(m), "seed {seed}, value {m}");
                }
            }
        }
    }
}

#[test]
fn what_was_written_durably_outlives_a_power_cut() {
    for seed in 0..25 {
        let dir = tempfile::tempdir().unwrap();
        let faults = Faults { full: 80, io: 80, rename: 80, ..Faults::default() };
        let disk = FaultyDisk::new(seed, faults);
        let mut kept = [const { None::<Vec<u8>> }; 8];
        for n in 0..40_u8 {
            let slot = usize::from(n % 8);
            let path = dir.path().join(format!("{slot}.png"));
            let fast = disk.write_atomic(&dir.path().join("preview.png"), &value(n), Durability::Fast);
            drop(fast);
            match disk.write_atomic(&path, &value(n), Durability::Durable) {
                Ok(()) => kept[slot] = Some(value(n)),
                // Not acknowledged: either content may be there, but whole.
                Err(_) => {
                    let now = fs::read(&path).ok();
                    let ever = || (0..=n).filter(|m| m % 8 == n % 8).map(value);
                    assert!(now.is_none_or(|now| ever().any(|one| one == now)));
                    kept[slot] = None;
                }
            }
        }
        disk.power_cut().unwrap();
        for (slot, kept) in kept.iter().enumerate() {
            if let Some(kept) = kept {
                assert!(fs::read(dir.path().join(format!("{slot}.png"))).unwrap() == *kept, "seed {seed}");
            }
        }
    }
}

#[test]
fn what_was_not_synced_is_at_risk() {
    // The test above proves something only if a power cut does take what was not synced.
    let lost = (0..20).filter(|&seed| {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::new(seed, Faults::default());
        let path = dir.path().join("a");
        disk.write_atomic(&path, b"content", Durability::Fast).unwrap();
        disk.power_cut().unwrap();
        fs::read(&path).ok().as_deref() != Some(b"content")
    });
    assert!(lost.count() > 5);
}

#[test]
fn a_full_disk_leaves_no_half_file() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new(1, Faults { full: 1000, ..Faults::default() });
    let path = dir.path().join("a.png");
    fs::write(&path, "old").unwrap();
    let error = disk.write_atomic(&path, &[1; 1000], Durability::Durable).unwrap_err();
    assert!(error.to_string().contains("the disk is full; free some space"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn errors_name_the_file_and_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let missing = RealDisk.read(&dir.path().join("no.png"), 10).unwrap_err();
    assert!(missing.is_missing() && missing.to_string().contains("no.png"));
    fs::write(dir.path().join("big"), [0; 100]).unwrap();
    assert!(matches!(RealDisk.read(&dir.path().join("big"), 99), Err(StoreError::TooLarge { .. })));
    assert_eq!(RealDisk.read(&dir.path().join("big"), 100).unwrap().len(), 100);
    let folder = dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("x"), "").unwrap();
    let error = RealDisk.write_atomic(&folder, b"x", Durability::Fast).unwrap_err().to_string();
    assert!(error.contains("folder") && error.contains("move it"), "{error}");
    assert_eq!(RealDisk.list(dir.path()).unwrap().len(), 2, "no temporary file stays");
    let nowhere = RealDisk.write_atomic(&dir.path().join("none/a"), b"x", Durability::Fast).unwrap_err();
    assert!(nowhere.is_missing(), "{nowhere}");
    // A name of the greatest length can be written, so the temporary name must not be longer.
    let long = dir.path().join("n".repeat(255));
    RealDisk.write_atomic(&long, b"x", Durability::Durable).unwrap();
    assert_eq!(RealDisk.metadata(&long).unwrap().unwrap().kind, Kind::File);
    RealDisk.create_dirs(&dir.path().join("a/b/c"), Durability::Durable).unwrap();
    assert!(RealDisk.exists(&dir.path().join("a/b/c")) && !RealDisk.exists(&dir.path().join("z")));
    assert!(RealDisk.remove(&long).unwrap() && !RealDisk.remove(&long).unwrap());
}
