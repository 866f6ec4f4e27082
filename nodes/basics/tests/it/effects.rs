//! Files and webhooks: once, whatever happens between.

use super::support::*;
use kiln_core::doors::{Net, Request, Response};
use kiln_core::{Batch, BatchItems, Cancel, Engine, NodeError, RunReport, Setup, Status, Wish};
use std::path::Path;
use std::sync::{Arc, Mutex};

type Answer = Box<dyn Fn(&Request) -> Result<(u16, String), String> + Send + Sync>;

/// A network that remembers what it was asked.
struct Web {
    answer: Answer,
    asked: Mutex<Vec<Request>>,
}

impl Web {
    fn new(answer: impl Fn(&Request) -> Result<(u16, String), String> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { answer: Box::new(answer), asked: Mutex::default() })
    }
    fn ok() -> Arc<Self> {
        Self::new(|_| Ok((200, "fine".to_owned())))
    }
    fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }
}

impl Net for Web {
    fn send(&self, request: &Request) -> Result<Response, NodeError> {
        self.asked.lock().unwrap().push(request.clone());
        let (status, body) = (self.answer)(request).map_err(NodeError::new)?;
        Ok(Response { status, body: body.into_bytes() })
    }
}

fn send(engine: &Engine, nodes: &str, dir: &Path, web: &Arc<Web>, items: Option<u64>) -> RunReport {
    let wish = Wish { batch: items.is_some(), ..Wish::default() };
    let plan = plan(engine, nodes, Path::new("."), &wish).unwrap_or_else(|e| panic!("{e}"));
    let batch = items.map(|n| Batch { id: "b".into(), items: BatchItems::Range(0, n), resume: false });
    let setup = Setup { out: Some(out(dir)), net: web.clone(), batch, ..setup(Path::new(".")) };
    engine.run(&plan, setup, &Cancel::default(), Arc::new(|_| {})).unwrap()
}

const HOOK: &str = r#"
    "words": (type: "Text", with: { "value": "say \"hi\", {brace}" }),
    "five": (type: "Integer", with: { "value": 5 }),
    "hook": (type: "Webhook", from: { "a": "words.value", "b": "five.value" }, with: {
        "url": "https://example.org/hook?name={a}",
        "body": "{\"text\": \"<{a}>\", \"n\": \"{b}\", \"list\": [\"{b:03}\", 1.5]}",
        "headers": ["X-Kind: test"],
    })"#;

#[test]
fn a_webhook_sends_json_once() {
    let (dir, web) = (tempfile::tempdir().unwrap(), Web::ok());
    let report = send(&engine(), HOOK, dir.path(), &web, None);
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    let again = send(&engine(), HOOK, dir.path(), &web, None);
    assert_eq!((again.nodes["hook"].ran, again.nodes["hook"].journal), (0, 1));
    let asked = web.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].method, "POST");
    assert_eq!(asked[0].url, "https://example.org/hook?name=say%20%22hi%22%2C%20%7Bbrace%7D");
    let body = String::from_utf8(asked[0].body.clone()).unwrap();
    assert_eq!(body, r#"{"text":"<say \"hi\", {brace}>","n":5,"list":["005",1.5]}"#);
    let header = |name: &str| asked[0].headers.iter().find(|h| h.0 == name).map(|h| h.1.as_str());
    assert_eq!(header("X-Kind"), Some("test"));
    assert_eq!(header("Content-Type"), Some("application/json"));
    assert_eq!(header("Idempotency-Key"), again.nodes["hook"].key.as_deref());
}

#[test]
fn a_refused_webhook_says_why_and_is_sent_again_under_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let web = Web::new(|_| Ok((422, "the title is missing".to_owned())));
    let report = send(&engine(), HOOK, dir.path(), &web, None);
    assert_eq!(report.status, Status::Failed);
    assert!(report.failures[0].2.contains("answered 422: the title is missing"), "{:?}", report.failures);
    let fine = Web::ok();
    assert_eq!(send(&engine(), HOOK, dir.path(), &fine, None).status, Status::Done);
    let key = |w: &Web| w.asked()[0].headers.iter().find(|h| h.0 == "Idempotency-Key").unwrap().1.clone();
    assert_eq!(key(&web), key(&fine));
}

#[test]
fn each_item_is_sent_under_its_own_key() {
    let (dir, web) = (tempfile::tempdir().unwrap(), Web::ok());
    let nodes = r#""hook": (type: "Webhook", with: { "url": "https://example.org/{item}", "body": "{\"item\": \"{item}\"}" })"#;
    assert_eq!(send(&engine(), nodes, dir.path(), &web, Some(3)).status, Status::Done);
    let mut urls: Vec<String> = web.asked().iter().map(|r| r.url.clone()).collect();
    urls.sort();
    assert_eq!(urls, ["https://example.org/0", "https://example.org/1", "https://example.org/2"]);
    assert!(web.asked().iter().any(|r| r.body == br#"{"item":2}"#));
    let mut keys: Vec<String> = web.asked().iter().map(|r| r.headers.last().unwrap().1.clone()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 3);
}

const ASK: &str = r#"
    "hook": (type: "WebhookAsk", with: { "url": "https://example.org/hook", "status_url": "https://example.org/status" }),
    "say": (type: "SaveText", from: { "text": "hook.response" }, with: { "name": "answer.txt" })"#;

/// A send whose answer got lost leaves a doubt; then the status is asked.
fn after_a_doubt(status: u16) -> (RunReport, Vec<String>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let lost = Web::new(|_| Err("the connection broke".to_owned()));
    assert_eq!(send(&engine(), ASK, dir.path(), &lost, None).status, Status::Failed);
    let web = Web::new(move |r| match r.method.as_str() {
        "GET" => Ok((status, "it arrived".to_owned())),
        _ => Ok((201, "made".to_owned())),
    });
    let report = send(&engine(), ASK, dir.path(), &web, None);
    let asked = web.asked();
    let key = lost.asked()[0].headers.iter().find(|h| h.0 == "Idempotency-Key").unwrap().1.clone();
    assert_eq!(asked[0].url, format!("https://example.org/status?key={key}"));
    (report, asked.iter().map(|r| r.method.clone()).collect(), dir)
}

#[test]
fn a_webhook_that_asks_sends_again_only_when_it_did_not_arrive() {
    let (report, methods, dir) = after_a_doubt(200);
    assert_eq!((report.status, methods), (Status::Done, vec!["GET".to_owned()]));
    assert_eq!(std::fs::read_to_string(dir.path().join("answer.txt")).unwrap(), "it arrived\n");
    let (report, methods, dir) = after_a_doubt(404);
    assert_eq!((report.status, methods), (Status::Done, vec!["GET".to_owned(), "POST".to_owned()]));
    assert_eq!(std::fs::read_to_string(dir.path().join("answer.txt")).unwrap(), "made\n");
    let (report, methods, _dir) = after_a_doubt(500);
    assert_eq!((report.status, methods), (Status::Failed, vec!["GET".to_owned()]));
    assert!(report.failures[0].2.contains("could not tell whether it was sent"), "{:?}", report.failures);
}

#[test]
fn webhooks_are_refused_what_they_should_not_do() {
    for (with, wanted) in [
        (r#""url": "file:///etc/passwd""#, "is not a web address"),
        (r#""url": "https://""#, "is not a web address"),
        (r#""url": "https://a.b/ c""#, "is not a web address"),
        (r#""url": "https://a.b", "headers": ["X: a\r\nY: b"]"#, "is not a header"),
        (r#""url": "https://a.b", "headers": ["Host: other"]"#, "is set by the node"),
        (
            r#""url": "https://a.b", "body": "{\"a\": \"{zebra}\"}""#,
            "{zebra} in \"{zebra}\" has no value here",
        ),
    ] {
        let (dir, web) = (tempfile::tempdir().unwrap(), Web::ok());
        let report = send(
            &engine(),
            &format!(r#""hook": (type: "Webhook", with: {{ {with} }})"#),
            dir.path(),
            &web,
            None,
        );
        assert!(report.failures[0].2.contains(wanted), "{with}: {:?}", report.failures);
        assert!(web.asked().is_empty(), "{with}");
    }
    let bad = r#""hook": (type: "Webhook", with: { "url": "https://a.b", "body": "{" })"#;
    assert!(
        plan(&engine(), bad, Path::new("."), &Wish::default()).unwrap_err().contains("the body is not JSON")
    );
}

#[test]
fn the_network_is_off_unless_it_is_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine();
    let plan = plan(&engine, HOOK, Path::new("."), &Wish::default()).unwrap();
    let setup = Setup { out: Some(out(dir.path())), ..setup(Path::new(".")) };
    let report = engine.run(&plan, setup, &Cancel::default(), Arc::new(|_| {})).unwrap();
    assert!(report.failures[0].2.contains("--allow-net example.org"), "{:?}", report.failures);
}

#[test]
fn saved_text_is_written_once_and_made_again_when_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let web = Web::ok();
    let nodes = r#"
        "t": (type: "Text", with: { "value": "hello" }),
        "save": (type: "SaveText", from: { "text": "t.value" }, with: { "name": "deep/er/a.txt" })"#;
    let file = dir.path().join("deep/er/a.txt");
    assert_eq!(send(&engine(), nodes, dir.path(), &web, None).nodes["save"].ran, 1);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "hello\n");
    assert_eq!(send(&engine(), nodes, dir.path(), &web, None).nodes["save"].ran, 0);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(send(&engine(), nodes, dir.path(), &web, None).nodes["save"].ran, 1);
    assert!(file.exists());
}

#[test]
fn saved_text_stays_in_its_folder() {
    for name in ["../a.txt", "/tmp/a.txt", ".kiln/a.txt", "a/../../b.txt", ""] {
        let (dir, web) = (tempfile::tempdir().unwrap(), Web::ok());
        let nodes = format!(
            r#""t": (type: "Text"), "save": (type: "SaveText", from: {{ "text": "t.value" }}, with: {{ "name": "{name}" }})"#
        );
        assert_eq!(send(&engine(), &nodes, dir.path(), &web, None).status, Status::Failed, "{name}");
    }
}

#[test]
fn texts_of_a_list_need_names_of_their_own() {
    let nodes = |name: &str| {
        format!(
            r#""t": (type: "TextList", with: {{ "value": ["a", "b"] }}),
               "save": (type: "SaveText", from: {{ "text": "t.value" }}, with: {{ "name": "{name}" }})"#
        )
    };
    let (dir, web) = (tempfile::tempdir().unwrap(), Web::ok());
    assert_eq!(send(&engine(), &nodes("{index}.txt"), dir.path(), &web, None).status, Status::Done);
    assert_eq!(std::fs::read_to_string(dir.path().join("1.txt")).unwrap(), "b\n");
    let report = send(&engine(), &nodes("same.txt"), dir.path(), &web, None);
    assert!(report.failures[0].2.contains("was already written by"), "{:?}", report.failures);
}

#[test]
fn items_need_names_of_their_own() {
    let nodes = r#"
        "item": (type: "Item"), "t": (type: "ToText", from: { "value": "item.item" }),
        "save": (type: "SaveText", from: { "text": "t.text" }, with: { "name": "same.txt" })"#;
    let wish = Wish { batch: true, ..Wish::default() };
    let problem = plan(&engine(), nodes, Path::new("."), &wish).unwrap_err();
    assert!(problem.contains("every item would write the same file \"same.txt\""), "{problem}");
}
