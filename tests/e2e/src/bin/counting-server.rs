//! A small world for effects to change: it counts every request, and is not always kind.
//!
//! `POST /keyed` drops repeats by `Idempotency-Key`; `POST /asked` does what it is told, every time, and
//! `GET /status?key=K` says whether it was. Some requests are done and never answered, some are dropped
//! before anything is done, and answers take a while, so that a kill often falls between doing and hearing.
#![allow(clippy::print_stdout, reason = "it prints its port")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Default)]
struct World {
    requests: u64,
    unanswered: u64,
    /// How often each key was done, by path.
    done: BTreeMap<(String, String), u64>,
}

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let unkind = args.next().is_none_or(|a| a != "kind");
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    let world = Arc::new(Mutex::new(World::default()));
    for stream in listener.incoming() {
        let world = world.clone();
        std::thread::spawn(move || {
            // A client that was killed is no news.
            let _ = stream.and_then(|s| serve(s, &world, unkind));
        });
    }
    Ok(())
}

fn serve(mut stream: TcpStream, world: &Mutex<World>, unkind: bool) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut parts = first.split_whitespace();
    let (method, target) =
        (parts.next().unwrap_or_default().to_owned(), parts.next().unwrap_or_default().to_owned());
    let (mut length, mut key) = (0usize, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "idempotency-key" => key = value.trim().to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length.min(1 << 20)];
    reader.read_exact(&mut body)?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (status, answer) = match (method.as_str(), path) {
        ("GET", "/report") => {
            let Ok(w) = world.lock() else { return Ok(()) };
            let lines: Vec<String> =
                w.done.iter().map(|((path, key), n)| format!("{path} {key} {n}")).collect();
            (200, format!("{} {}\n{}", w.requests, w.unanswered, lines.join("\n")))
        }
        ("GET", "/status") => {
            let key = query.trim_start_matches("key=").to_owned();
            let done = world.lock().is_ok_and(|w| w.done.contains_key(&("/asked".to_owned(), key)));
            if done { (200, "done".to_owned()) } else { (404, "unknown".to_owned()) }
        }
        ("POST", "/keyed" | "/asked") => {
            let turn = {
                let Ok(mut w) = world.lock() else { return Ok(()) };
                w.requests += 1;
                w.requests
            };
            if unkind && turn % 97 == 13 {
                return Ok(());
            }
            if let Ok(mut w) = world.lock() {
                let count = w.done.entry((path.to_owned(), key)).or_default();
                if path == "/asked" || *count == 0 {
                    *count += 1;
                }
                if unkind && turn % 89 == 7 {
                    w.unanswered += 1;
                    return Ok(());
                }
            }
            if unkind {
                std::thread::sleep(Duration::from_millis(turn * 7 % 12));
            }
            (200, "ok".to_owned())
        }
        _ => (400, "what?".to_owned()),
    };
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(answer.as_bytes())
}
