//! A real IPFS node on this machine: `tests/ipfs/start` says where. Without one these tests do nothing, unless
//! `KILN_NEEDS_IPFS` is set: then that is a failure.

use super::proxy::{Harm, Proxy};
use super::support::*;
use kiln_cid::{Cid, Discard, Profile, Tree, add_bytes, read_file};
use kiln_core::NodeError;
use kiln_storage::{BlockStore, Keeping, Kubo, Pinned, Sample};

/// The node's RPC and its gateway.
fn node() -> Option<(String, String)> {
    match (std::env::var("KILN_IPFS_API"), std::env::var("KILN_IPFS_GATEWAY")) {
        (Ok(api), Ok(gateway)) => Some((api, gateway)),
        _ if std::env::var("KILN_NEEDS_IPFS").is_ok_and(|v| v == "1") => {
            panic!("there is no IPFS node: start one with tests/ipfs/start")
        }
        _ => {
            eprintln!("left out: no IPFS node (tests/ipfs/start)");
            None
        }
    }
}

fn host(url: &str) -> String {
    url.strip_prefix("http://").unwrap().to_owned()
}

fn kubo(url: &str) -> Kubo {
    Kubo { url: url.to_owned(), token: None, patience: patience() }
}

/// Nobody has seen this before: what is sent is new to the node.
fn unique(words: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("{words} {} {}", now.as_nanos(), std::process::id())
}

/// A folder with a needle in one of its files.
fn needles(store: &BlockStore, profile: Profile, needle: &str) -> (Cid, u64) {
    let mut tree = Tree::default();
    for (name, content) in [
        ("a.txt", "a plain file\n".to_owned()),
        ("deep/b c.txt", format!("before {needle} after\n")),
        ("deep/large ü.bin", "0123456789abcdef".repeat(200_000) + needle),
    ] {
        tree.insert(name, add_bytes(profile, content.as_bytes(), &mut Keeping(store)).unwrap()).unwrap();
    }
    let made = tree.build(profile, &mut Keeping(store)).unwrap();
    store.pin(&made.cid, "needles", made.size).unwrap();
    (made.cid, made.size)
}

fn pin(
    url: &str,
    gateway: Option<&str>,
    store: &BlockStore,
    (root, bytes): (Cid, u64),
) -> Result<Pinned, NodeError> {
    kubo(url).pin(&Line::new(&[]), store, &root, bytes, gateway, Sample::All)
}

#[test]
fn files_and_folders_go_there_and_come_back() {
    let Some((api, gateway)) = node() else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    for profile in Profile::ALL {
        let folder = needles(&store, profile, &unique(profile.name()));
        for gateway in [None, Some(gateway.as_str())] {
            let proof =
                pin(&api, gateway, &store, folder).unwrap_or_else(|e| panic!("{}: {e}", profile.name()));
            assert!(proof.complete() && proof.files() == 3);
        }
        let made = add_bytes(profile, unique("one file").as_bytes(), &mut Keeping(&store)).unwrap();
        store.pin(&made.cid, "file", made.size).unwrap();
        assert!(pin(&api, Some(&gateway), &store, (made.cid, made.size)).unwrap().complete());
    }
    let stranger = add_bytes(Profile::V1, unique("never sent").as_bytes(), &mut Discard).unwrap();
    assert!(!kubo(&api).pinned(&Line::new(&[]), &stranger.cid).unwrap());
}

#[test]
fn a_divided_folder_goes_there_and_comes_back() {
    let Some((api, gateway)) = node() else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let mut tree = Tree::default();
    let words = unique("token");
    // Names so long that nine hundred of them are too many for one block.
    for i in 0..900 {
        let content = format!("{words} {i}");
        let made = add_bytes(Profile::V1, content.as_bytes(), &mut Keeping(&store)).unwrap();
        tree.insert(&format!("{i:0250}"), made).unwrap();
    }
    let made = tree.build(Profile::V1, &mut Keeping(&store)).unwrap();
    assert!(kiln_cid::look(&store, &made.cid).unwrap().size < 262_144, "it is divided");
    store.pin(&made.cid, "divided", made.size).unwrap();
    let line = Line::new(&[]);
    let gateway = Some(gateway.as_str());
    let proof = kubo(&api).pin(&line, &store, &made.cid, made.size, gateway, Sample::Files(10)).unwrap();
    assert_eq!((proof.files(), proof.read()), (900, 10));
}

#[test]
fn the_node_names_files_as_we_do() {
    let Some((api, _)) = node() else { return };
    for (profile, with) in [
        (Profile::V1, "cid-version=1&raw-leaves=true&chunker=size-1048576"),
        (Profile::V0, "cid-version=0&raw-leaves=false&chunker=size-262144"),
    ] {
        let content = unique("named by both").repeat(30_000);
        let ours = add_bytes(profile, content.as_bytes(), &mut Discard).unwrap();
        let url = format!("{api}/api/v0/add?{with}&only-hash=true&pin=false&cid-base=base58btc");
        let body = format!(
            "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n{content}\r\n--x--\r\n"
        );
        let mut answer = ureq::post(&url)
            .header("Content-Type", "multipart/form-data; boundary=x")
            .send(body.as_bytes())
            .unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let told: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let theirs: Cid = told["Hash"].as_str().unwrap().parse().unwrap();
        assert!(theirs.same_block(&ours.cid), "{}: {theirs} {}", profile.name(), ours.cid);
    }
}

#[test]
fn a_byte_flipped_on_the_way_there_is_caught() {
    let Some((api, _)) = node() else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let needle = unique("flipped there");
    let folder = needles(&store, Profile::V1, &needle);
    let proxy = Proxy::new(&host(&api), move |_, line| {
        if line.contains("dag/import") { Harm::FlipThere(needle.as_bytes().to_vec()) } else { Harm::None }
    });
    // This node believes what it is sent, so only reading back tells. One that looks at hashes refuses it at once.
    let error = pin(&proxy.url, None, &store, folder).unwrap_err();
    assert!(
        error.what.contains("came back as another file: byte 7") || error.what.contains("import"),
        "{error}"
    );
    // What it holds under the name stays wrong until somebody removes it there: it is not proved later either.
    let later = kubo(&api).prove(&Line::new(&[]), &store, &folder.0, None, Sample::All);
    assert!(later.is_err());
}

#[test]
fn a_byte_flipped_on_the_way_back_is_caught() {
    let Some((api, gateway)) = node() else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let needle = unique("flipped back");
    let folder = needles(&store, Profile::V1, &needle);
    let bytes = needle.clone().into_bytes();
    let rpc = Proxy::new(&host(&api), move |_, line| {
        if line.contains("/cat") { Harm::FlipBack(bytes.clone()) } else { Harm::None }
    });
    let error = pin(&rpc.url, None, &store, folder).unwrap_err();
    assert!(error.what.contains("came back as another file: byte 7 is another"), "{error}");
    let through = Proxy::new(&host(&gateway), move |_, _| Harm::FlipBack(needle.as_bytes().to_vec()));
    let error = pin(&api, Some(&through.url), &store, folder).unwrap_err();
    assert!(error.what.contains("came back as another file"), "{error}");
    assert!(pin(&api, Some(&gateway), &store, folder).unwrap().complete());
}

#[test]
fn lost_answers_and_too_much_are_lived_through() {
    let Some((api, _)) = node() else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let folder = needles(&store, Profile::V1, &unique("lost"));
    // Every third answer is lost after the node did what it was asked, every fifth question is too much.
    let proxy = Proxy::new(&host(&api), |nth, _| match nth {
        n if n % 3 == 1 => Harm::LoseAnswer,
        n if n % 5 == 0 => Harm::TooMuch,
        _ => Harm::None,
    });
    let proof = pin(&proxy.url, None, &store, folder).unwrap();
    assert!(proof.complete());
    assert!(proxy.count.load(std::sync::atomic::Ordering::SeqCst) > 8);
    let mut out = Vec::new();
    read_file(&store, &kiln_cid::find(&store, &folder.0, "a.txt").unwrap().unwrap(), 100, &mut out).unwrap();
    assert_eq!(out, b"a plain file\n");
}
