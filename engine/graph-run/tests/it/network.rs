//! The network is off unless a host is named.

use crate::place::Place;
use std::io::{Read, Write};
use std::net::TcpListener;

const HOOK: &str = r#"Graph(kiln: 1, nodes: { "hook": (type: "Webhook", with: { "url": "http://127.0.0.1:PORT/x", "body": "{}" }) })"#;

/// A server that answers so many requests, and tells what was asked.
fn server(answers: usize) -> (u16, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        let mut asked = Vec::new();
        for _ in 0..answers {
            let (mut stream, _) = listener.accept().unwrap();
            // Read to its end: hanging up on the rest of a question would take the answer away.
            let (mut whole, mut piece) = (String::new(), [0; 8192]);
            while !is_whole(&whole) {
                let n = stream.read(&mut piece).unwrap();
                assert_ne!(n, 0, "the request ends too soon");
                whole.push_str(&String::from_utf8_lossy(&piece[..n]));
            }
            asked.push(whole);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").unwrap();
        }
        asked
    };
    (port, std::thread::spawn(serve))
}

/// Whether this is all of a request.
fn is_whole(asked: &str) -> bool {
    let asked = asked.to_lowercase();
    let Some((head, body)) = asked.split_once("\r\n\r\n") else { return false };
    if head.contains("transfer-encoding: chunked") {
        return body.ends_with("0\r\n\r\n");
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.parse().unwrap())
}

#[test]
fn a_host_has_to_be_named() {
    let (port, asked) = server(1);
    let place = Place::new();
    place.write("hook.ron", HOOK.replace("PORT", &port.to_string()));
    let host = format!("127.0.0.1:{port}");
    let flag = format!("--allow-net {host}");
    place.run(&["hook.ron"]).ends(1).complains("the network is off").complains(&flag);
    place.run(&["hook.ron", "--allow-net", "127.0.0.1:9"]).ends(1).complains(&flag);
    place.run(&["hook.ron", "--allow-net", "localhost"]).ends(1).complains(&flag);
    place.run(&["hook.ron", "--allow-net", &host]).ends(0);
    // It happened, so it does not happen again.
    place.run(&["hook.ron", "--allow-net", &host]).ends(0).says("written before");
    let asked = asked.join().unwrap();
    assert!(asked[0].starts_with("POST /x HTTP/1.1"), "{asked:?}");
    assert!(asked[0].to_lowercase().contains("idempotency-key:"), "{asked:?}");
}
