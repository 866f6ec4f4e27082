//! A node that misbehaves: nothing is proved that did not come back.

use super::support::*;
use kiln_core::NodeError;
use kiln_storage::{Kubo, Pinned, Sample};

struct World {
    _dir: tempfile::TempDir,
    store: kiln_storage::BlockStore,
    root: kiln_cid::Cid,
    bytes: u64,
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let (root, bytes) = some_folder(&store, 6);
    World { _dir: dir, store, root, bytes }
}

fn kubo(url: &str) -> Kubo {
    Kubo { url: url.to_owned(), token: None, patience: patience() }
}

fn pin(world: &World, web: &Web, gateway: bool, sample: Sample) -> Result<Pinned, NodeError> {
    let gateway = gateway.then_some(web.url.as_str());
    kubo(&web.url).pin(&Line::new(&[]), &world.store, &world.root, world.bytes, gateway, sample)
}

#[test]
fn a_folder_is_sent_pinned_and_read_back() {
    for gateway in [false, true] {
        let (world, (node, web)) = (world(), Node::serve());
        let proof = pin(&world, &web, gateway, Sample::All).unwrap();
        assert!(proof.complete() && proof.is_folder());
        assert_eq!((proof.files(), proof.bytes(), proof.place()), (6, world.bytes, web.url.as_str()));
        assert_eq!(proof.cid().unwrap(), world.root);
        assert_eq!(*node.pins.lock().unwrap(), [world.root.to_string()]);
        assert_eq!(web.count("dag/import"), 1);
        assert_eq!(web.count(if gateway { "GET /ipfs/" } else { "POST /api/v0/cat" }), 6);
        // It is there already: nothing is sent again, but everything is read again.
        pin(&world, &web, gateway, Sample::All).unwrap();
        assert_eq!((web.count("dag/import"), web.count("ipfs/")), (1, 12));
    }
}

#[test]
fn a_sample_is_a_sample() {
    let (world, (_, web)) = (world(), Node::serve());
    let proof = pin(&world, &web, false, Sample::Files(2)).unwrap();
    assert_eq!((proof.files(), proof.read(), proof.complete()), (6, 2, false));
    assert_eq!(web.count("cat?"), 2);
}

/// The place does this to every answer; the error has these words.
fn fails(words: &str, fault: impl Fn(&Asked, &Node) -> Option<Reply> + Send + Sync + 'static) {
    let world = world();
    let helper = Node::default();
    let (node, web) = Node::with(move |asked, _| fault(asked, &helper));
    let error = pin(&world, &web, false, Sample::All).unwrap_err();
    assert!(error.what.contains(words), "{words}: {error}");
    drop(node);
}

#[test]
fn what_is_wrong_is_told_and_nothing_is_proved() {
    fails("but says it got bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", |asked, _| {
        asked.path.contains("import").then(|| {
            reply(
                200,
                r#"{"Root":{"Cid":{"/":"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"}}}"#,
            )
        })
    });
    fails("did not pin them: disk on fire", |asked, _| {
        asked
            .path
            .contains("import")
            .then(|| reply(200, r#"{"Root":{"Cid":{"/":"x"},"PinErrorMsg":"disk on fire"}}"#))
    });
    fails("says it got nothing", |asked, _| asked.path.contains("import").then(|| reply(200, "<html>hello")));
    fails("answered 404", |asked, _| asked.path.contains("import").then(|| reply(404, "no page")));
    fails("answered 429", |asked, _| asked.path.contains("import").then(|| reply(429, "slow down")));
    fails("answered 401", |_, _| Some(reply(401, "who are you?")));
    fails("no answer", |_, _| Some(Reply::Nothing));
    fails("broke off", |asked, _| asked.path.contains("import").then_some(Reply::Endless));
    fails("broke off", |asked, _| asked.path.contains("import").then_some(Reply::Endless));
    fails("not followed", |_, _| {
        let headers = vec![("location".to_owned(), "http://evil.example/".to_owned())];
        Some(Reply::Full { status: 302, headers, body: Vec::new() })
    });
    fails("came back as another file: byte 0", |asked, _| {
        asked.path.contains("/cat").then(|| reply(200, "other bytes"))
    });
    fails("ends after less", |asked, _| asked.path.contains("/cat").then(|| reply(200, "")));
    fails("came back as another file", |asked, _| asked.path.contains("/cat").then_some(Reply::Endless));
    fails("could not be read back: the answer was 500", |asked, _| {
        asked.path.contains("/cat").then(|| reply(500, "x"))
    });
    fails("does not keep it", |asked, _| {
        asked.path.contains("pin/ls").then(|| reply(500, r#"{"Message":"path is not pinned"}"#))
    });
}

#[test]
fn a_flipped_byte_on_the_way_back_is_caught_wherever_it_is() {
    // In every file, in turn, at its first, middle and last byte.
    for file in 0..6u64 {
        for place in [0.0, 0.5, 1.0] {
            let world = world();
            let helper = std::sync::Arc::new(std::sync::Mutex::new(None::<std::sync::Arc<Node>>));
            let inner = helper.clone();
            let name = format!("%C3%B6{file}.txt");
            let (node, web) = Node::with(move |asked, _| {
                let node = inner.lock().unwrap().clone()?;
                if !(asked.path.contains("/cat") && asked.path.contains(&name)) {
                    return None;
                }
                let Reply::Full { status, headers, mut body } = node.answer(asked) else { return None };
                let at = ((body.len() - 1) as f64 * place) as usize;
                body[at] ^= 1;
                Some(Reply::Full { status, headers, body })
            });
            *helper.lock().unwrap() = Some(node);
            let error = pin(&world, &web, false, Sample::All).unwrap_err();
            assert!(error.what.contains("is another"), "{error}");
            assert!(error.hint.unwrap().contains("nothing is minted"));
        }
    }
}

#[test]
fn a_flipped_byte_on_the_way_there_is_caught() {
    let world = world();
    // A node that looks at no hashes: it takes what comes under the name it came with.
    let node = std::sync::Arc::new(Node::default());
    let inner = node.clone();
    let web = Web::new(move |asked| {
        if asked.path.contains("dag/import") {
            let mut changed = Asked {
                method: asked.method.clone(),
                path: asked.path.clone(),
                headers: asked.headers.clone(),
                body: asked.body.clone(),
            };
            let at = changed.body.windows(6).position(|w| w == b"file 3").unwrap();
            changed.body[at] = b'F';
            // Ours would refuse it; this one answers as if all were well.
            assert!(matches!(inner.answer(&changed), Reply::Full { status: 500, .. }));
            let start = changed.body.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
            let rest = &changed.body[start..];
            let root = kiln_cid::car::Reader::new(rest).unwrap().roots()[0];
            inner.pins.lock().unwrap().push(root.to_string());
            return reply(200, format!("{{\"Root\":{{\"Cid\":{{\"/\":\"{root}\"}}}}}}"));
        }
        inner.answer(asked)
    });
    let error = pin(&world, &web, false, Sample::All).unwrap_err();
    assert!(error.what.contains("could not be read back"), "{error}");
}

#[test]
fn what_passes_by_itself_is_waited_for() {
    let world = world();
    let (_, web) = Node::with(|_, nth| match nth {
        0 => Some(Reply::Nothing),
        1 => Some(Reply::Full {
            status: 429,
            headers: vec![("Retry-After".to_owned(), "9".to_owned())],
            body: Vec::new(),
        }),
        4 | 7 | 9 => Some(reply(503, "later")),
        5 => Some(Reply::Nothing),
        _ => None,
    });
    let line = Line::new(&[]);
    let proof = kubo(&web.url).pin(&line, &world.store, &world.root, world.bytes, None, Sample::All).unwrap();
    assert!(proof.complete());
    let slept = line.slept.into_inner().unwrap();
    assert_eq!(slept[..2], [500, 9000], "{slept:?}");
}

#[test]
fn a_pin_that_went_bad_is_sent_once_more() {
    let (world, (node, web)) = (world(), Node::serve());
    node.pins.lock().unwrap().push(world.root.to_string());
    let proof = pin(&world, &web, false, Sample::All).unwrap();
    assert!(proof.complete());
    assert_eq!(web.count("dag/import"), 1);
}

#[test]
fn our_own_damaged_blocks_are_not_sent() {
    let (world, (node, web)) = (world(), Node::serve());
    let leaf = kiln_cid::Cid::of(kiln_cid::Codec::Raw, b"file 0\n");
    let name = format!("{}.data", leaf.hash_name());
    let shard = name[name.len() - 8..name.len() - 6].to_owned();
    std::fs::write(world._dir.path().join("ipfs/blocks").join(shard).join(name), "FILE 0\n").unwrap();
    let error = pin(&world, &web, false, Sample::All).unwrap_err();
    assert!(error.what.contains("other bytes than its name says"), "{error}");
    assert!(node.pins.lock().unwrap().is_empty());
}

#[test]
fn a_token_is_sent_by_name_and_never_told() {
    let world = world();
    let secret = "s3cr3t-and-long";
    let (_, web) = Node::with(|asked, _| match asked.headers.get("authorization").map(String::as_str) {
        Some("Bearer s3cr3t-and-long") => None,
        other => Some(reply(401, format!("you sent {other:?}"))),
    });
    let go = |name: &str, value: &str| {
        let kubo = Kubo { token: Some(name.to_owned()), ..kubo(&web.url) };
        let line = Line::new(&[("KILN_TOKEN_A", value)]);
        kubo.pin(&line, &world.store, &world.root, world.bytes, None, Sample::Files(0))
    };
    assert!(go("KILN_TOKEN_A", secret).is_ok());
    let wrong = go("KILN_TOKEN_A", "wr0ng-t0ken").unwrap_err();
    assert!(wrong.what.contains("401") && !format!("{wrong:?}").contains("wr0ng-t0ken"), "{wrong}");
    assert!(go("KILN_TOKEN_B", secret).unwrap_err().what.contains("KILN_TOKEN_B"));
}
