//! Sealing, and finding whatever changed since.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_collection::provenance::{AuditLog, Digest, Record};
use kiln_collection::seal::{
    self, Audit, Event, Files, Known, Manifest, Proof, ProofError, Sealed, Sealing, audit,
};
use std::collections::BTreeMap;

type Folder = BTreeMap<String, Vec<u8>>;

fn token(n: u64) -> String {
    format!(
        r#"{{"name":"Hat {n}","description":"","image":"ipfs://CID/{n:04}.png","attributes":[{{"trait_type":"Hat","value":"Cap"}}],
        "properties":{{"generation":{{"engine":"kiln 0.1.0","seed":"{}","models":[{{"name":"a.safetensors","hash":"{}"}}],
        "loras":[{{"name":"ink.safetensors","strength":0.8}}]}}}}}}"#,
        n * 77,
        Digest::blake3(b"a")
    )
}

fn folder(tokens: u64) -> Folder {
    let mut files = Folder::new();
    for n in 0..tokens {
        files.insert(format!("pictures/{n:04}.png"), format!("picture {n}").into_bytes());
        files.insert(format!("metadata/{n}.json"), token(n).into_bytes());
    }
    files.insert("collection.json".into(), b"{}".to_vec());
    files.insert("report/index.html".into(), b"<html>".to_vec());
    files.insert("provenance/graph.ron".into(), b"Graph()".to_vec());
    files.insert(".kiln/kiln.db".into(), b"changes all the time".to_vec());
    files.insert("empty.txt".into(), Vec::new());
    files
}

fn sealing(now: u64) -> Sealing {
    let event = Event::Evidence { path: seal::GRAPH.into(), hash: Digest::sha256(b"Graph()") };
    Sealing {
        name: "Hats".into(),
        actor: "Ada".into(),
        now,
        leave_out: vec![],
        events: vec![event],
        ..Sealing::default()
    }
}

fn write(files: &mut Folder, sealed: &Sealed) {
    files.insert(seal::MANIFEST.into(), sealed.manifest_text.clone().into_bytes());
    files.insert(seal::LOG.into(), sealed.log_text.clone());
    files.insert(seal::HEAD.into(), sealed.head_text.clone().into_bytes());
}

fn sealed(tokens: u64) -> Folder {
    let mut files = folder(tokens);
    let sealed = seal::seal(&files, &sealing(1000)).unwrap();
    write(&mut files, &sealed);
    files
}

fn check(files: &Folder) -> Audit {
    audit(files, &Known::default())
}

fn first(files: &Folder) -> String {
    check(files).breaks.first().map_or_else(|| panic!("nothing was found"), ToString::to_string)
}

#[test]
fn any_changed_byte_anywhere_is_found() {
    let files = sealed(3);
    assert!(check(&files).holds(), "{:?}", check(&files).breaks);
    let mut flips = 0;
    for (path, bytes) in files.iter().filter(|(path, _)| !path.starts_with(".kiln/")) {
        for at in 0..bytes.len() {
            for bit in [1u8, 32] {
                let mut changed = files.clone();
                changed.get_mut(path).unwrap()[at] ^= bit;
                let found = check(&changed);
                assert!(!found.holds(), "{path} byte {at} bit {bit}");
                // The first broken link is where the change is, or the link that binds it.
                let first = &found.breaks[0].path;
                let binding = [seal::MANIFEST, seal::LOG, seal::HEAD].contains(&path.as_str());
                assert!(first == path || binding, "{path}: {first}");
                flips += 1;
            }
        }
        // Cut off by one, and longer by one.
        let mut longer = files.clone();
        longer.get_mut(path).unwrap().push(b'\n');
        assert!(!check(&longer).holds(), "{path} longer");
        if !bytes.is_empty() {
            let mut shorter = files.clone();
            shorter.get_mut(path).unwrap().pop();
            assert!(!check(&shorter).holds(), "{path} shorter");
        }
        let mut missing = files.clone();
        missing.remove(path);
        let found = check(&missing);
        assert!(found.breaks.iter().any(|b| b.path == *path), "{path} missing: {:?}", found.breaks);
    }
    assert!(flips > 5000, "{flips}");
    // Kiln's own files are none of the collection's.
    let mut working = files.clone();
    working.insert(".kiln/kiln.db".into(), b"other".to_vec());
    assert!(check(&working).holds());
}

#[test]
fn breaks_are_told_in_words() {
    let files = sealed(3);
    let with = |path: &str, bytes: &[u8]| {
        let mut files = files.clone();
        files.insert(path.into(), bytes.to_vec());
        first(&files)
    };
    assert_eq!(
        with("pictures/0001.png", b"picture X"),
        "pictures/0001.png: its bytes were changed (token 1)"
    );
    assert_eq!(
        with("metadata/2.json", b"{}"),
        format!("metadata/2.json: it has 2 bytes, and {} were sealed (token 2)", token(2).len())
    );
    assert_eq!(with("pictures/new.png", b""), "pictures/new.png: it was added after the seal");
    let mut less = files.clone();
    less.remove("pictures/0000.png");
    assert_eq!(first(&less), "pictures/0000.png: it is missing (token 0)");
    let mut swapped = files.clone();
    let (a, b) = (files["pictures/0000.png"].clone(), files["pictures/0001.png"].clone());
    swapped.insert("pictures/0000.png".into(), b);
    swapped.insert("pictures/0001.png".into(), a);
    assert_eq!(check(&swapped).breaks.len(), 2);
    assert!(first(&Folder::new()).contains("audit.jsonl: it is missing"));
}

#[test]
fn a_log_that_was_cut_or_rewritten_is_found() {
    let files = sealed(2);
    let log = String::from_utf8(files[seal::LOG].clone()).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 5, "model, lora, seeds, graph, seal: {log}");
    let with = |lines: &[&str]| {
        let mut files = files.clone();
        let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
        files.insert(seal::LOG.into(), text.into_bytes());
        files
    };
    for keep in 0..lines.len() {
        let cut = with(&lines[..keep]);
        assert!(!check(&cut).holds(), "{keep}");
        assert!(seal::seal(&cut, &sealing(2)).is_err(), "a cut log is not gone on with: {keep}");
    }
    assert!(first(&with(&lines[..4])).contains("lines were cut off"));
    assert!(first(&with(&[lines[0], lines[2], lines[1], lines[3], lines[4]])).contains("line 2"));
    assert!(first(&with(&lines[1..])).contains("line 1"));
    // Written anew from the beginning: whole in itself, but not the one that is known.
    let mut anew = folder(2);
    let other = seal::seal(&anew, &Sealing { actor: "Eve".into(), ..sealing(2000) }).unwrap();
    write(&mut anew, &other);
    assert!(check(&anew).holds());
    let published = files[seal::HEAD].clone();
    let head: kiln_collection::provenance::Head = serde_json::from_slice(&published).unwrap();
    let known = Known { log: Some(head.hash), ..Known::default() };
    assert!(audit(&files, &known).holds());
    assert!(audit(&anew, &known).breaks[0].what.contains("published"));
    let mut mixed = anew.clone();
    mixed.insert(seal::HEAD.into(), published);
    assert!(seal::seal(&mixed, &sealing(3)).unwrap_err().to_string().contains("written anew"));
}

#[test]
fn sealing_again_appends_and_never_rewrites() {
    let mut files = sealed(3);
    let before = files[seal::LOG].clone();
    // Nothing changed: nothing is written, whoever asks and whenever.
    let again = seal::seal(&files, &sealing(5000)).unwrap();
    assert!(!again.changed && again.added == 0 && again.log_text == before);
    assert_eq!(again.manifest_text.as_bytes(), files[seal::MANIFEST]);
    // A picture is replaced, and somebody says so.
    files.insert("pictures/0001.png".into(), b"by hand".to_vec());
    let decision = Event::Decision {
        time: 4000,
        who: "Bob\nEve".into(),
        what: "replace token 1: drawn by hand".into(),
        subjects: vec![Digest::sha256(b"picture 1"), Digest::sha256(b"by hand")],
    };
    let mut wish = sealing(6000);
    wish.events.push(decision);
    let sealed = seal::seal(&files, &wish).unwrap();
    assert!(sealed.changed && sealed.log_text.starts_with(&before));
    assert_eq!((sealed.added, sealed.manifest.seal), (2, 2));
    write(&mut files, &sealed);
    let found = check(&files);
    assert!(found.holds(), "{:?}", found.breaks);
    let said = &found.log[5].0;
    assert_eq!(
        (said.actor.as_str(), said.time, said.action.as_str()),
        ("Bob Eve", 4000, "replace token 1: drawn by hand")
    );
    // The same decision is not said twice.
    assert!(!seal::seal(&files, &wish).unwrap().changed);
}

#[test]
fn what_is_done_between_seals_is_written_down_at_once() {
    let mut files = sealed(2);
    let said =
        Event::Decision { time: 5, who: "Ada".into(), what: "reject token 1".into(), subjects: vec![] };
    let appended = seal::append(&files, "Ada", 5, std::slice::from_ref(&said)).unwrap();
    assert!(appended.added == 1 && appended.log_text.starts_with(&files[seal::LOG]));
    files.insert(seal::LOG.into(), appended.log_text);
    files.insert(seal::HEAD.into(), appended.head_text.into_bytes());
    let found = check(&files);
    assert!(
        found.holds() && found.notes[0].contains("1 line was written"),
        "{:?} {:?}",
        found.breaks,
        found.notes
    );
    assert_eq!(seal::append(&files, "Ada", 6, &[said]).unwrap().added, 0);
    // The next seal binds it, though no file changed.
    let sealed = seal::seal(&files, &sealing(7)).unwrap();
    assert!(sealed.changed && sealed.added == 1);
    write(&mut files, &sealed);
    assert!(check(&files).notes.is_empty() && !seal::seal(&files, &sealing(8)).unwrap().changed);
    files.insert(seal::LOG.into(), b"{}".to_vec());
    assert!(seal::append(&files, "Ada", 7, &[]).is_err());
}

#[test]
fn an_interrupted_sealing_is_told_and_finished() {
    let mut old = sealed(3);
    old.insert("pictures/0001.png".into(), b"another".to_vec());
    let sealed = seal::seal(&old, &sealing(9000)).unwrap();
    let mut first_only = old.clone();
    first_only.insert(seal::MANIFEST.into(), sealed.manifest_text.clone().into_bytes());
    let mut two = first_only.clone();
    two.insert(seal::LOG.into(), sealed.log_text.clone());
    for mut stopped in [old, first_only, two] {
        assert!(!check(&stopped).holds());
        let finished = seal::seal(&stopped, &sealing(9500)).unwrap();
        write(&mut stopped, &finished);
        assert!(check(&stopped).holds(), "{:?}", check(&stopped).breaks);
    }
    // From nothing, too.
    let mut new = folder(1);
    let sealed = seal::seal(&new, &sealing(1)).unwrap();
    new.insert(seal::MANIFEST.into(), sealed.manifest_text.into_bytes());
    assert!(!check(&new).holds());
    let finished = seal::seal(&new, &sealing(2)).unwrap();
    write(&mut new, &finished);
    assert!(check(&new).holds());
}

#[test]
fn the_sums_of_a_forged_manifest_do_not_fit() {
    let files = sealed(3);
    let mut manifest = Manifest::read(&files[seal::MANIFEST]).unwrap();
    manifest.items.swap(0, 1);
    manifest.items[0].token = 0;
    manifest.items[1].token = 1;
    let mut forged = files.clone();
    let text = manifest.to_text();
    forged.insert(seal::MANIFEST.into(), text.clone().into_bytes());
    // Even with a log that seals it.
    let mut log = AuditLog::resume(files[seal::LOG].as_slice()).unwrap();
    let line = Record {
        time: 2,
        actor: "Eve".into(),
        action: "seal".into(),
        subjects: vec![Digest::sha256(text.as_bytes())],
    };
    let mut bytes = files[seal::LOG].clone();
    bytes.extend(log.append(&line).into_bytes());
    forged.insert(seal::LOG.into(), bytes);
    forged.insert(seal::HEAD.into(), serde_json::to_vec(&log.head()).unwrap());
    assert!(check(&forged).breaks.iter().any(|b| b.what.contains("provenance hash")));
    let known = Known { provenance: Some(Digest::ZERO), merkle_root: Some(Digest::ZERO), log: None };
    let found = audit(&files, &known);
    assert_eq!(found.breaks.len(), 2, "{:?}", found.breaks);
}

#[test]
fn tokens_are_proven_by_themselves() {
    let files = sealed(9);
    let manifest = Manifest::read(&files[seal::MANIFEST]).unwrap();
    let root = manifest.merkle_root;
    for n in 0..9 {
        let proof = Proof::of(&manifest, n).unwrap();
        let picture = format!("picture {n}");
        let read: Proof = serde_json::from_str(&proof.to_text()).unwrap();
        assert_eq!(read.check(root, Some(picture.as_bytes())), Ok(()));
        assert!(matches!(read.check(root, Some(b"other")), Err(ProofError::Picture { .. })));
        assert!(matches!(read.check(Some(Digest::ZERO), None), Err(ProofError::OtherRoot { .. })));
        assert!(matches!(
            Proof { token: n + 1, ..read.clone() }.check(root, None),
            Err(ProofError::Leaf { .. })
        ));
        let wrong = Proof { proof: vec![], ..read };
        assert!(matches!(wrong.check(root, None), Err(ProofError::Root(_))));
    }
    assert!(Proof::of(&manifest, 9).unwrap_err().to_string().contains("from 0 to 8"));
}

/// A folder with something that is no file.
struct WithLink(Folder, &'static str);

impl Files for WithLink {
    fn list(&self) -> std::io::Result<Vec<seal::Entry>> {
        let mut all = self.0.list()?;
        all.retain(|e| e.path != self.1);
        all.push(seal::Entry { path: self.1.into(), sort: seal::Sort::Link });
        all.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(all)
    }
    fn open(&self, path: &str) -> std::io::Result<Box<dyn std::io::Read + '_>> {
        self.0.open(path)
    }
}

#[test]
fn links_are_refused_and_found() {
    let linked = WithLink(folder(1), "pictures/away.png");
    assert!(
        seal::seal(&linked, &sealing(1)).unwrap_err().to_string().contains("pictures/away.png is a link")
    );
    // A file turned into a link, be it to the same bytes.
    for path in ["pictures/0000.png", seal::LOG, "somewhere/new"] {
        let found = audit(&WithLink(sealed(1), path), &Known::default());
        assert!(
            found.breaks.iter().any(|b| b.path == path && b.what == "it is a link"),
            "{path}: {:?}",
            found.breaks
        );
    }
}

#[test]
fn folders_still_written_are_left_out_until_they_are_sealed() {
    let mut files = folder(2);
    files.insert("rejected/gate/sheet-001.png".into(), b"sheet".to_vec());
    files.insert("rejected2.txt".into(), b"no folder of that name".to_vec());
    let mut wish = sealing(1);
    wish.leave_out = vec!["rejected".into(), "review".into()];
    let sealed = seal::seal(&files, &wish).unwrap();
    assert!(sealed.manifest.files.iter().all(|f| !f.path.starts_with("rejected/")));
    assert!(sealed.manifest.files.iter().any(|f| f.path == "rejected2.txt"));
    write(&mut files, &sealed);
    files.insert("rejected/gate/sheet-001.png".into(), b"newer".to_vec());
    let found = check(&files);
    assert!(found.holds() && found.notes[0].contains("rejected, review"), "{:?}", found.notes);
    let all = seal::seal(&files, &sealing(2)).unwrap();
    write(&mut files, &all);
    files.insert("rejected/gate/sheet-001.png".into(), b"newest".to_vec());
    assert!(!check(&files).holds());
}

#[test]
fn damaged_logs_and_manifests_say_what_to_do() {
    let files = sealed(1);
    for (path, bytes) in [
        (seal::LOG, &b""[..]),
        (seal::LOG, b"\xff\xfe\n"),
        (seal::LOG, b"{}\n"),
        (seal::HEAD, b""),
        (seal::HEAD, b"{\"lines\":99999999999,\"hash\":\"0\"}"),
        (seal::MANIFEST, b""),
        (seal::MANIFEST, b"{\"kiln\":2}"),
    ] {
        let mut damaged = files.clone();
        damaged.insert(path.into(), bytes.to_vec());
        assert!(!check(&damaged).holds(), "{path}");
    }
}

#[test]
fn ten_thousand_decisions_are_written_down_quickly() {
    let mut files = sealed(1);
    let decision = |n: u64| Event::Decision {
        time: n,
        who: "Ada".into(),
        what: format!("approve token {n}"),
        subjects: vec![],
    };
    let all: Vec<Event> = (0..10_000).map(decision).collect();
    let started = std::time::Instant::now();
    let appended = seal::append(&files, "Ada", 1, &all).unwrap();
    assert_eq!(appended.added, 10_000);
    files.insert(seal::LOG.into(), appended.log_text);
    files.insert(seal::HEAD.into(), appended.head_text.into_bytes());
    assert_eq!(seal::append(&files, "Ada", 2, &all).unwrap().added, 0);
    assert!(check(&files).holds());
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn ten_thousand_tokens_are_sealed_and_checked_quickly() {
    let started = std::time::Instant::now();
    let mut files = folder(10_000);
    let sealed = seal::seal(&files, &sealing(1)).unwrap();
    write(&mut files, &sealed);
    assert!(check(&files).holds());
    assert_eq!(sealed.manifest.items.len(), 10_000);
    // Generous: a busy machine is no fault.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
