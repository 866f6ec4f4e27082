//! The language model, against a service on this machine.

use crate::support::*;
use kiln_core::NodeError;
use kiln_core::doors::{Net, Request, Response};
use kiln_core::types::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A network that reaches this machine only, over plain sockets.
struct Loopback;

impl Net for Loopback {
    fn send(&self, request: &Request) -> Result<Response, NodeError> {
        let rest = request.url.strip_prefix("http://").ok_or_else(|| NodeError::new("no http"))?;
        let (host, path) = rest.split_once('/').ok_or_else(|| NodeError::new("no path"))?;
        let mut stream = TcpStream::connect(host).map_err(NodeError::from)?;
        let mut head = format!("{} /{path} HTTP/1.1\r\nhost: {host}\r\n", request.method);
        for (name, value) in &request.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", request.body.len()));
        stream.write_all(head.as_bytes())?;
        stream.write_all(&request.body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| NodeError::new("no head"))?;
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        Ok(Response { status, body: body.as_bytes().to_vec() })
    }
}

/// A service that gives these answers, one after the other, the last one again and again. What it was asked is kept.
fn service(answers: Vec<(u16, String)>) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = asked.clone();
    std::thread::spawn(move || {
        for (at, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let mut text = Vec::new();
            let mut part = [0; 4096];
            loop {
                let Ok(read) = stream.read(&mut part) else { return };
                text.extend_from_slice(&part[..read]);
                let so_far = String::from_utf8_lossy(&text).into_owned();
                let Some((head, body)) = so_far.split_once("\r\n\r\n") else { continue };
                let length = head
                    .lines()
                    .find_map(|l| l.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
                if body.len() >= length.and_then(|l| l.parse().ok()).unwrap_or(0) {
                    break;
                }
            }
            kept.lock().unwrap().push(String::from_utf8_lossy(&text).into_owned());
            let (status, body) = &answers[at.min(answers.len() - 1)];
            let _ = write!(stream, "HTTP/1.1 {status} X\r\nconnection: close\r\n\r\n{body}");
        }
    });
    (port, asked)
}

fn said(content: &str) -> (u16, String) {
    (200, serde_json::json!({ "choices": [{ "message": { "content": content } }] }).to_string())
}

/// Asks once; what came of it, and the folder.
fn ask(port: u16, with: &str, net: Arc<dyn Net>, dir: &std::path::Path) -> Result<String, String> {
    let text = format!(
        r#""n": (type: "LanguageModel", with: {{ "url": "http://127.0.0.1:{port}/v1", "model": "m", "prompt": "Name a fox.", {with} }}),
           "save": (type: "SaveText", from: {{ "text": "n.text" }}, with: {{ "name": "a.txt", "end_line": false }})"#
    );
    let how = How { out: Some(dir), net, ..How::default() };
    let report = run(&engine(), dir, &text, &how)?;
    match report.failures.first() {
        Some(failure) => Err(failure.2.clone()),
        None => Ok(std::fs::read_to_string(dir.join("a.txt")).unwrap()),
    }
}

const SCHEMA: &str = r#""schema": "{\"type\": \"object\", \"required\": [\"name\"], \"additionalProperties\": false, \"properties\": {\"name\": {\"type\": \"string\", \"maxLength\": 12}}}""#;

#[test]
fn it_is_off_unless_the_host_is_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let error = ask(1, "", Arc::new(kiln_core::doors::NoNet), dir.path()).unwrap_err();
    assert!(error.contains("the network is off"), "{error}");
}

#[test]
fn an_answer_is_asked_for_once() {
    let dir = tempfile::tempdir().unwrap();
    let (port, asked) = service(vec![said("Rusty")]);
    assert_eq!(ask(port, "", Arc::new(Loopback), dir.path()).unwrap(), "Rusty");
    assert_eq!(ask(port, "", Arc::new(Loopback), dir.path()).unwrap(), "Rusty");
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 1, "the second time it is known");
    assert!(asked[0].starts_with("POST /v1/chat/completions"));
    assert!(asked[0].contains("Name a fox.") && !asked[0].to_lowercase().contains("authorization"));
}

#[test]
fn a_busy_service_is_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let (port, asked) = service(vec![(429, "slow down".into()), (503, String::new()), said("Rusty")]);
    assert_eq!(ask(port, "", Arc::new(Loopback), dir.path()).unwrap(), "Rusty");
    assert_eq!(asked.lock().unwrap().len(), 3);
    let dir = tempfile::tempdir().unwrap();
    let (port, _) = service(vec![(500, "broken".into())]);
    let error = ask(port, r#""attempts": 2"#, Arc::new(Loopback), dir.path()).unwrap_err();
    assert!(error.contains("no answer after 2 tries") && error.contains("broken"), "{error}");
}

#[test]
fn answers_keep_to_the_schema() {
    let dir = tempfile::tempdir().unwrap();
    let (port, asked) = service(vec![
        said("sure, here you are!"),
        said(r#"{"nmae": "Rusty"}"#),
        said("```json\n{\"name\": \"Rusty\"}\n```"),
    ]);
    assert_eq!(ask(port, SCHEMA, Arc::new(Loopback), dir.path()).unwrap(), r#"{"name":"Rusty"}"#);
    assert!(asked.lock().unwrap()[0].contains("json_schema"));
    let dir = tempfile::tempdir().unwrap();
    let (port, _) = service(vec![said(r#"{"name": "a name that is far too long"}"#)]);
    let error =
        ask(port, &format!(r#"{SCHEMA}, "attempts": 1"#), Arc::new(Loopback), dir.path()).unwrap_err();
    assert!(error.contains("name: it has 27 letters"), "{error}");
}

#[test]
fn the_key_is_sent_and_never_told() {
    let dir = tempfile::tempdir().unwrap();
    // A variable that every test process has; what is in it is the key.
    let key = std::env::var("CARGO_PKG_NAME").unwrap_or_else(|_| "kiln-items".into());
    let (port, asked) = service(vec![(401, format!("the key {key} is wrong"))]);
    let with = r#""key_from": "CARGO_PKG_NAME""#;
    let error = ask(port, with, Arc::new(Loopback), dir.path()).unwrap_err();
    assert!(error.contains("answered 401") && !error.contains(&key), "{error}");
    assert!(asked.lock().unwrap()[0].contains(&format!("Authorization: Bearer {key}")));
    let error = ask(port, r#""key_from": "KILN_NO_SUCH_KEY""#, Arc::new(Loopback), dir.path()).unwrap_err();
    assert!(error.contains("the environment has no KILN_NO_SUCH_KEY"), "{error}");
    let error = ask(port, r#""key_from": "sk-123""#, Arc::new(Loopback), dir.path()).unwrap_err();
    assert!(error.contains("names an environment variable"), "{error}");
}

#[test]
fn odd_services_do_no_harm() {
    for answer in [
        (200, "not json".to_owned()),
        (200, "{}".to_owned()),
        (200, r#"{"choices": []}"#.to_owned()),
        said("   "),
        said(&"x".repeat(70_000)),
        (404, "no such model".to_owned()),
        (302, String::new()),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (port, _) = service(vec![answer.clone()]);
        let error = ask(port, r#""attempts": 1"#, Arc::new(Loopback), dir.path()).unwrap_err();
        assert!(!error.contains("fault in Kiln"), "{error}");
    }
}

#[test]
fn a_feed_is_fetched_once_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (port, asked) = service(vec![(200, "{ \"Hat\": {\"Crown\": 3} }".into()), (200, "{}".into())]);
    let text = format!(
        r#""n": (type: "FetchJson", with: {{ "url": "http://127.0.0.1:{port}/w" }}),
           "save": (type: "SaveText", from: {{ "text": "n.json" }}, with: {{ "name": "a.txt", "end_line": false }})"#
    );
    for _ in 0..2 {
        let how = How { out: Some(dir.path()), net: Arc::new(Loopback), ..How::default() };
        let report = run(&engine(), dir.path(), &text, &how).unwrap();
        assert!(report.failures.is_empty(), "{:?}", report.failures);
    }
    assert_eq!(asked.lock().unwrap().len(), 1);
    assert_eq!(std::fs::read_to_string(dir.path().join("a.txt")).unwrap(), r#"{"Hat":{"Crown":3}}"#);
    assert_eq!(
        std::fs::read_to_string(dir.path().join("feeds/feed.json")).unwrap().trim(),
        r#"{"Hat":{"Crown":3}}"#
    );
    let _ = Value::None;
}
