//! A pinning service, as its specification says and as it should not be.

use super::support::*;
use kiln_core::NodeError;
use kiln_storage::{Kubo, Pinned, Sample, Service};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A service that goes through `states`, one with each look; a gateway gives what the node has.
pub fn served(states: &[&str]) -> (Arc<Node>, Web, Arc<Mutex<Vec<Value>>>) {
    let states: Mutex<Vec<String>> = Mutex::new(states.iter().rev().map(|s| (*s).to_owned()).collect());
    let added: Arc<Mutex<Vec<Value>>> = Arc::default();
    let log = added.clone();
    let node = Arc::new(Node::default());
    let inner = node.clone();
    let web = Web::new(move |asked| {
        let Some(path) = asked.path.strip_prefix("/psa/pins") else { return inner.answer(asked) };
        if asked.headers.get("authorization").map(String::as_str) != Some("Bearer right") {
            let words = asked.headers.get("authorization").cloned().unwrap_or_default();
            let body = json!({ "error": { "reason": "UNAUTHORIZED", "details": format!("not {words}") } });
            return reply(401, body.to_string());
        }
        let mut added = log.lock().unwrap();
        let status = |pin: &Value| {
            let mut states = states.lock().unwrap();
            let state = if states.len() > 1 { states.pop().unwrap() } else { states[0].clone() };
            json!({ "requestid": "id/1", "status": state, "created": "2026-01-01T00:00:00Z", "pin": pin,
                    "delegates": ["/ip4/127.0.0.1/tcp/4001/p2p/y"], "info": { "status_details": "as it goes" } })
        };
        match (asked.method.as_str(), path) {
            ("POST", "") => {
                let pin: Value = serde_json::from_slice(&asked.body).unwrap();
                added.push(pin.clone());
                reply(202, status(&pin).to_string())
            }
            ("GET", "/id%2F1") => reply(200, status(&added[0]).to_string()),
            ("GET", _) if path.starts_with("?cid=") => {
                let list: Vec<Value> = added.iter().map(&status).collect();
                reply(200, json!({ "count": list.len(), "results": list }).to_string())
            }
            _ => reply(404, "{}"),
        }
    });
    (node, web, added)
}

struct Try {
    dir: tempfile::TempDir,
    line: Line,
    wait: u64,
}

impl Try {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir, line: Line::new(&[("KILN_TOKEN_S", "right"), ("KILN_TOKEN_W", "wr0ng")]), wait: 60 }
    }
    fn go(&self, web: &Web, token: &str, source: bool) -> Result<Pinned, NodeError> {
        let store = store(self.dir.path());
        let (root, bytes) = some_folder(&store, 4);
        let service = Service {
            url: format!("{}/psa", web.url),
            token: Some(token.to_owned()),
            patience: patience(),
            wait: Duration::from_secs(self.wait),
        };
        let kubo = source.then(|| Kubo { url: web.url.clone(), token: None, patience: patience() });
        service.pin(&self.line, &store, &root, "four", bytes, kubo.as_ref(), &web.url, Sample::All)
    }
}

#[test]
fn it_is_told_waited_for_and_read_back() {
    let (_, web, added) = served(&["queued", "queued", "pinning", "pinned"]);
    let test = Try::new();
    let proof = test.go(&web, "KILN_TOKEN_S", true).unwrap();
    assert!(proof.complete() && proof.files() == 4 && proof.place().ends_with("/psa"));
    let pins = added.lock().unwrap().clone();
    assert_eq!(pins.len(), 1);
    assert_eq!(pins[0]["name"], "four");
    assert_eq!(pins[0]["origins"][0], "/ip4/127.0.0.1/tcp/4001/p2p/x", "it may fetch from the node");
    assert_eq!((web.count("dag/import"), web.count("swarm/connect")), (1, 1));
    assert_eq!(web.count("GET /ipfs/"), 4);
    // Again: it is kept, so it is only read.
    test.go(&web, "KILN_TOKEN_S", true).unwrap();
    assert_eq!((web.count("POST /psa"), web.count("dag/import"), web.count("GET /ipfs/")), (1, 1, 8));
}

#[test]
fn it_may_fail_or_take_too_long() {
    let (_, web, _) = served(&["queued", "failed"]);
    let error = Try::new().go(&web, "KILN_TOKEN_S", true).unwrap_err();
    assert!(error.what.contains("could not fetch") && error.what.contains("as it goes"), "{error}");

    let (_, web, added) = served(&["queued"]);
    let test = Try::new();
    let error = test.go(&web, "KILN_TOKEN_S", true).unwrap_err();
    assert!(error.what.contains("still queued") && error.hint.unwrap().contains("go on waiting"));
    assert_eq!(test.line.slept.lock().unwrap().iter().sum::<u64>(), 60_000);
    // The next run goes on with the same request.
    let _ = test.go(&web, "KILN_TOKEN_S", true).unwrap_err();
    assert_eq!(added.lock().unwrap().len(), 1);
}

#[test]
fn a_service_that_lies_is_caught() {
    // It says pinned, and nobody has the content.
    let (_, web, _) = served(&["pinned"]);
    let error = Try::new().go(&web, "KILN_TOKEN_S", false).unwrap_err();
    assert!(error.what.contains("could not be read back: the answer was 404"), "{error}");
}

#[test]
fn a_wrong_token_is_not_told() {
    let (_, web, _) = served(&["pinned"]);
    let error = Try::new().go(&web, "KILN_TOKEN_W", true).unwrap_err();
    assert!(error.what.contains("UNAUTHORIZED: not Bearer ***"), "{error}");
    assert_eq!(error.port.as_deref(), Some("token"));
    assert!(!format!("{error:?}").contains("wr0ng"));
    let none = Try::new().go(&web, "KILN_TOKEN_NONE", true).unwrap_err();
    assert!(none.what.contains("KILN_TOKEN_NONE"));
}

#[test]
fn answers_without_sense_or_end_are_errors() {
    for (body, words) in [
        ("<html>", "else than JSON"),
        (r#"{"results":[{"pin":{}}]}"#, "not which it is"),
        (r#"{"results":[{"pin":{"cid":"x"}}]}"#, "not which it is"),
        (r#"{"results":[]}"#, "not which it is"),
    ] {
        let web = Web::new(move |_| reply(200, body));
        let error = Try::new().go(&web, "KILN_TOKEN_S", false).unwrap_err();
        assert!(error.what.contains(words), "{body}: {error}");
    }
    let web = Web::new(|_| Reply::Endless);
    assert!(Try::new().go(&web, "KILN_TOKEN_S", false).unwrap_err().what.contains("broke off"));
    let web = Web::new(|_| Reply::Nothing);
    assert!(Try::new().go(&web, "KILN_TOKEN_S", false).unwrap_err().what.contains("no answer"));
    let web = Web::new(|_| reply(507, "{\"error\":{\"reason\":\"FULL\"}}"));
    assert!(Try::new().go(&web, "KILN_TOKEN_S", false).unwrap_err().what.contains("507: FULL"));
}
