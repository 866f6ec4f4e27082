//! What a crash leaves of a log.

use kiln_ledger::{Log, LogError};

fn lines(path: &std::path::Path) -> Result<Vec<String>, LogError> {
    let mut log = Log::open(path)?;
    let (_, lines) = log.hold()?;
    Ok(lines)
}

#[test]
fn a_torn_last_line_is_dropped_wherever_it_is_torn() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/log");
    let mut log = Log::open(&path).unwrap();
    let (mut held, before) = log.hold().unwrap();
    assert!(before.is_empty());
    held.append("one").unwrap();
    held.append("two\nstill two").unwrap();
    let whole = std::fs::read(&path).unwrap();
    held.append("three").unwrap();
    drop(held);
    let all = std::fs::read(&path).unwrap();
    for cut in whole.len()..all.len() {
        std::fs::write(&path, &all[..cut]).unwrap();
        assert_eq!(lines(&path).unwrap(), ["one", "two still two"], "cut at {cut}");
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        // What comes next stands whole.
        let mut log = Log::open(&path).unwrap();
        log.hold().unwrap().0.append("3").unwrap();
        assert_eq!(lines(&path).unwrap(), ["one", "two still two", "3"]);
    }
    // A disk that made the file longer before it wrote.
    let mut zeros = all.clone();
    zeros[whole.len()..].fill(0);
    std::fs::write(&path, &zeros).unwrap();
    assert_eq!(lines(&path).unwrap().len(), 2);
}

#[test]
fn damage_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let mut log = Log::open(&path).unwrap();
    let (mut held, _) = log.hold().unwrap();
    for text in ["one", "two", "three"] {
        held.append(text).unwrap();
    }
    drop(held);
    let good = std::fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        match lines(&path) {
            Err(e @ LogError::Damaged { .. }) => assert!(e.to_string().contains("damaged"), "{e}"),
            // Without the last line's end, that line was never whole.
            Ok(found) => assert_eq!((found.len(), at), (2, good.len() - 1)),
            Err(e) => panic!("{at}: {e}"),
        }
    }
}

#[test]
fn two_who_write_see_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let (mut a, mut b) = (Log::open(&path).unwrap(), Log::open(&path).unwrap());
    a.hold().unwrap().0.append("a").unwrap();
    let (mut held, seen) = b.hold().unwrap();
    assert_eq!(seen, ["a"]);
    held.append("b").unwrap();
    let busy = a.hold_within(std::time::Duration::from_millis(30)).unwrap_err();
    assert!(matches!(busy, LogError::Busy { .. }), "{busy}");
    drop(held);
    assert_eq!(a.hold().unwrap().1, ["b"]);
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let path = path.clone();
            std::thread::spawn(move || {
                let mut log = Log::open(&path).unwrap();
                for i in 0..10 {
                    log.hold().unwrap().0.append(&format!("{n} {i}")).unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    assert_eq!(lines(&path).unwrap().len(), 42);
}
