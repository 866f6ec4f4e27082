//! The folder and its database, the hashes of files, the records of runs.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests, helpers included")]

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use kiln_store::{
    Disk, FileHashes, Folder, Millis, NodeStat, RealDisk, RunStart, StoreError, runs::INTERRUPTED,
};
use kiln_types::Key;
use rusqlite::Connection;

#[test]
fn a_folder_keeps_its_id_wherever_it_goes() {
    let root = tempfile::tempdir().unwrap();
    let (here, there) = (root.path().join("here"), root.path().join("there é %?#"));
    let id = Folder::open(&here, Millis(1)).unwrap().id().to_owned();
    assert_eq!(id.len(), 32);
    assert_ne!(Folder::open(root.path().join("other"), Millis(1)).unwrap().id(), id);
    fs::rename(&here, &there).unwrap();
    assert_eq!(Folder::open(&there, Millis(2)).unwrap().id(), id);
    let reader = Folder::open_read_only(&there).unwrap();
    assert_eq!(reader.id(), id);
    let refused = reader.journal().release_path("x").unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused}");
    drop(reader);
    // Where the file that SQLite wants beside it cannot be made, the folder can still be read.
    let _ = fs::remove_file(there.join(".kiln/kiln.db-shm"));
    fs::create_dir(there.join(".kiln/kiln.db-shm")).unwrap();
    assert_eq!(Folder::open_read_only(&there).unwrap().id(), id);
    assert!(Folder::open_read_only(root.path()).is_err_and(|e| e.is_missing()));
    assert!(!root.path().join(".kiln").exists(), "looking makes nothing");
}

#[test]
fn many_threads_may_open_one_new_folder() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Folder::open(dir.path(), Millis(0)).unwrap().id().to_owned();
    let ids: Vec<String> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        all.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]));
}

#[test]
fn a_file_that_is_no_database_of_ours_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let refuse = |name: &str, make: &dyn Fn(&PathBuf)| -> String {
        let dir = root.path().join(name);
        fs::create_dir_all(dir.join(".kiln")).unwrap();
        let db = dir.join(".kiln/kiln.db");
        make(&db);
        let before = fs::read(&db).unwrap();
        assert!(Folder::open_read_only(&dir).is_err());
        let error = Folder::open(&dir, Millis(0)).err().unwrap().to_string();
        assert!(fs::read(&db).unwrap() == before, "the file was changed");
        assert!(error.contains("kiln.db"), "{error}");
        error
    };
    let error = refuse("text", &|db| fs::write(db, "dear diary ".repeat(500)).unwrap());
    assert!(error.contains("not a Kiln database"), "{error}");
    let error = refuse("foreign", &|db| {
        Connection::open(db).unwrap().execute_batch("CREATE TABLE diary (day TEXT)").unwrap();
    });
    assert!(error.contains("another program"), "{error}");
    let error = refuse("hashes", &|db| drop(FileHashes::open(Some(db)).unwrap()));
    assert!(error.contains("another part of Kiln"), "{error}");
    let error = refuse("newer", &|db| {
        let folder = db.parent().unwrap().parent().unwrap();
        drop(Folder::open(folder, Millis(0)).unwrap());
        let c = Connection::open(db).unwrap();
        c.execute("INSERT INTO migration (version) VALUES (99)", []).unwrap();
        c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    });
    assert!(error.contains("schema 99") && error.contains("update Kiln"), "{error}");
    let error = refuse("cut", &|db| {
        let folder = db.parent().unwrap().parent().unwrap();
        drop(Folder::open(folder, Millis(0)).unwrap());
        let whole = fs::read(db).unwrap();
        fs::write(db, &whole[..whole.len() / 2]).unwrap();
    });
    assert!(error.contains("damaged"), "{error}");
}

#[test]
fn a_locked_database_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path(), Millis(0)).unwrap();
    let other = Connection::open(folder.db_path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting = std::thread::spawn(move || folder.journal().release_path("x"));
    std::thread::sleep(Duration::from_millis(300));
    assert!(!waiting.is_finished());
    other.execute_batch("COMMIT").unwrap();
    assert!(!waiting.join().unwrap().unwrap());
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_can_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let id = Folder::open(dir.path(), Millis(0)).unwrap().id().to_owned();
    let kiln = dir.path().join(".kiln");
    fs::set_permissions(&kiln, fs::Permissions::from_mode(0o555)).unwrap();
    assert_eq!(Folder::open_read_only(dir.path()).unwrap().id(), id);
    fs::set_permissions(&kiln, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_file_s_hash_is_remembered_until_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (file, db) = (dir.path().join("model"), dir.path().join("db/hashes.db"));
    let of = |bytes: &[u8]| Key(*blake3::hash(bytes).as_bytes());
    for db in [None, Some(db.as_path())] {
        let hashes = FileHashes::open(db).unwrap();
        fs::write(&file, "one").unwrap();
        let written = RealDisk.stamp_now();
        let later = written.plus(10_000);
        assert_eq!(hashes.hash(&file, later).unwrap(), of(b"one"));
        // The same length, and the same stamp by a trick: what is remembered is believed ...
        let stamp = fs::metadata(&file).unwrap().modified().unwrap();
        fs::write(&file, "two").unwrap();
        fs::File::options().append(true).open(&file).unwrap().set_modified(stamp).unwrap();
        assert_eq!(hashes.hash(&file, later).unwrap(), of(b"one"));
        // ... except of a young file, or by one who asks for the truth.
        assert_eq!(hashes.hash(&file, written).unwrap(), of(b"two"));
        assert_eq!(hashes.hash_fresh(&file).unwrap(), of(b"two"));
        fs::write(&file, "three").unwrap();
        assert_eq!(hashes.hash(&file, later).unwrap(), of(b"three"));
    }
    // What was hashed young was not remembered.
    let hashes = FileHashes::open(Some(&db)).unwrap();
    fs::write(&file, "four").unwrap();
    let stamp = fs::metadata(&file).unwrap().modified().unwrap();
    assert_eq!(hashes.hash(&file, RealDisk.stamp_now()).unwrap(), of(b"four"));
    fs::write(&file, "five").unwrap();
    fs::File::options().append(true).open(&file).unwrap().set_modified(stamp).unwrap();
    assert_eq!(hashes.hash(&file, RealDisk.stamp_now().plus(9000)).unwrap(), of(b"five"));
    // Another process' memory is this one's too.
    drop(hashes);
    let hashes = FileHashes::open(Some(&db)).unwrap();
    assert_eq!(hashes.hash(&file, RealDisk.stamp_now().plus(9000)).unwrap(), of(b"five"));
}

#[test]
fn many_files_are_hashed_in_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let hashes = FileHashes::open(None).unwrap();
    let paths: Vec<PathBuf> = (0..40).map(|n| dir.path().join(n.to_string())).collect();
    for (n, path) in paths.iter().enumerate().filter(|(n, _)| *n != 7) {
        fs::write(path, vec![1; n * 50_000]).unwrap();
    }
    let got = hashes.hash_many(&paths, Millis(0));
    assert_eq!(got.len(), 40);
    for (n, got) in got.into_iter().enumerate() {
        match n {
            7 => assert!(got.is_err_and(|e| e.is_missing())),
            _ => assert_eq!(got.unwrap().0, *blake3::hash(&vec![1; n * 50_000]).as_bytes()),
        }
    }
    assert!(hashes.hash_many(&[], Millis(0)).is_empty());
    let folder = hashes.hash(dir.path(), Millis(0)).unwrap_err();
    assert!(folder.to_string().contains("not a plain file"), "{folder}");
}

#[test]
fn runs_are_recorded_and_found() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path(), Millis(0)).unwrap();
    let (runs, me) = (folder.runs(), folder.presence(Millis(0)).unwrap());
    let start = |id: &str, now| {
        let run = RunStart {
            id: id.into(),
            graph_title: "Foxes".into(),
            graph_text: "(nodes: {})".into(),
            args_json: "{}".into(),
            engine: "0.1".into(),
            worker: me.id().into(),
            now: Millis(now),
        };
        runs.start_run(&run)
    };
    for (id, now) in [("aab1", 5), ("aab2", 6), ("aa", 7)] {
        start(id, now).unwrap();
    }
    assert!(start("aa", 8).is_err(), "an id is one run's");
    let stat = |node: &str, ran| NodeStat { node: node.into(), ty: "t".into(), ran, ..NodeStat::default() };
    runs.node_stats("aab1", &[stat("z", 1), stat("a", 2)]).unwrap();
    runs.node_stats("aab1", &[stat("z", 3)]).unwrap();
    for (item, status) in [(2, "rejected"), (1, "done"), (2, "done"), (9, "failed")] {
        runs.item_event("aab1", item, status, "{}").unwrap();
    }
    assert!(runs.finish_run("aab2", "done", r#"{"made":3}"#, Millis(9)).unwrap());
    assert!(!runs.finish_run("none", "done", "", Millis(9)).unwrap());
    let reader = Folder::open_read_only(dir.path()).unwrap().runs();
    let record = reader.run("aab1", Millis(9)).unwrap().unwrap();
    assert_eq!(record.nodes, [stat("z", 3), stat("a", 2)]);
    assert_eq!(record.items.into_iter().collect::<Vec<_>>(), [("done".into(), 2), ("failed".into(), 1)]);
    assert_eq!(record.run.status, "running");
    let events: Vec<_> =
        reader.items("aab1", 2, 2).unwrap().into_iter().map(|e| (e.item, e.status)).collect();
    assert_eq!(events, [(2, "rejected".into()), (2, "done".into())]);
    assert_eq!(reader.run("aa", Millis(9)).unwrap().unwrap().run.id, "aa", "an id before a beginning");
    assert!(reader.run("aab", Millis(9)).unwrap_err().to_string().contains("several runs"));
    assert_eq!(reader.run("b", Millis(9)).unwrap(), None);
    drop(me);
    let shown: Vec<_> = reader.runs(2, Millis(9)).unwrap().into_iter().map(|r| (r.id, r.status)).collect();
    assert_eq!(shown, [("aa".into(), INTERRUPTED.into()), ("aab2".into(), "done".into())]);
}
