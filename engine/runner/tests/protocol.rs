//! The messages as lines: greetings, versions, unknown and broken lines, and twenty thousand mutations.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use kiln_runner::{Answer, InProcess, Message, RunnerError, conformance, serve_lines};
use parking_lot::Mutex;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn runner() -> InProcess {
    InProcess::new(Arc::new(conformance::engine(None).unwrap()), conformance::encoder())
}

/// The end of an input, after a while.
struct Pause(Duration);

impl Read for Pause {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        std::thread::sleep(std::mem::take(&mut self.0));
        Ok(0)
    }
}

/// What a worker answers to lines.
fn talk(input: &[u8]) -> Vec<Message> {
    talk_for(input, Duration::ZERO)
}

/// The same; the worker has some time before its input ends.
fn talk_for(input: &[u8], time: Duration) -> Vec<Message> {
    let sink = Sink::default();
    serve_lines(&runner(), input.chain(Pause(time)), sink.clone(), 1 << 16).unwrap();
    let text = String::from_utf8(std::mem::take(&mut *sink.0.lock())).unwrap();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn errors(lines: &[&str]) -> Vec<RunnerError> {
    talk(lines.join("\n").as_bytes())
        .into_iter()
        .filter_map(|m| match m.body {
            Answer::Error { why, words } => {
                assert!(!words.is_empty());
                Some(why)
            }
            _ => None,
        })
        .collect()
}

const HELLO: &str = r#"{"v":1,"seq":1,"body":{"kind":"hello","versions":[1]}}"#;

#[test]
fn greetings() {
    let all = talk(
        br#"{"v":7,"seq":5,"new":1,"body":{"kind":"hello","versions":[1,2,3],"client":"x","mood":"good"}}"#,
    );
    assert!(
        matches!(all[..], [Message { v: 1, re: Some(5), body: Answer::Welcome { version: 1, .. }, .. }]),
        "{all:?}"
    );
    let newer = errors(&[r#"{"v":2,"seq":1,"body":{"kind":"hello","versions":[2,3]}}"#]);
    assert_eq!(newer, [RunnerError::Version { asked: vec![2, 3], spoken: vec![1] }]);
    assert!(newer[0].to_string().contains("2, 3"));
    assert_eq!(errors(&[r#"{"v":1,"seq":1,"run":"r","body":{"kind":"cancel"}}"#]), [RunnerError::NoHello]);
    let later = errors(&[HELLO, r#"{"v":2,"seq":1,"run":"r","body":{"kind":"cancel"}}"#]);
    assert_eq!(later, [RunnerError::Version { asked: vec![2], spoken: vec![1] }]);
}

#[test]
fn answers_come_before_the_stream_that_they_begin() {
    let submit = r#"{"v":1,"seq":2,"run":"r","body":{"kind":"submit","graph":"Graph(kiln: 1, nodes: {})"}}"#;
    let subscribe = r#"{"v":1,"seq":3,"body":{"kind":"subscribe","after":0}}"#;
    let lines = [HELLO, submit, subscribe].join("\n");
    for _ in 0..200 {
        let all = talk(lines.as_bytes());
        let order: Vec<Option<u64>> = all.iter().map(|m| m.re).collect();
        assert_eq!(order, [Some(1), Some(2), Some(3), None], "{all:?}");
        assert!(all[3].body.is_end());
    }
}

#[test]
fn broken_lines_are_answered_and_the_next_is_understood() {
    let huge = format!(r#"{{"v":1,"seq":2,"body":{{"kind":"submit","graph":"{}"}}}}"#, "x".repeat(1 << 17));
    let deep = "[".repeat(60_000);
    let all = errors(&[
        HELLO,
        "not json",
        "{\"v\":1",
        &huge,
        &deep,
        "",
        r#"{"v":1,"seq":3,"body":{"kind":"dance"}}"#,
        r#"{"v":1,"seq":3,"body":{}}"#,
        r#"{"v":1,"seq":3,"body":null}"#,
        r#"{"v":-1,"seq":3,"body":{"kind":"hello"}}"#,
        r#"{"v":1,"seq":4,"body":{"kind":"cancel"}}"#,
        r#"{"v":1,"seq":5,"run":"nobody","body":{"kind":"cancel"}}"#,
    ]);
    assert_eq!(all.len(), 10, "{all:?}");
    let count = |f: fn(&RunnerError) -> bool| all.iter().filter(|e| f(e)).count();
    assert_eq!(count(|e| matches!(e, RunnerError::TooLong { .. })), 1);
    assert_eq!(count(|e| matches!(e, RunnerError::UnknownRun { .. })), 1);
    assert_eq!(count(|e| matches!(e, RunnerError::BadMessage { .. })), 8);
    assert!(
        all.iter().any(|e| e.to_string().contains("dance") && e.to_string().contains("submit")),
        "{all:?}"
    );
}

#[test]
fn reasons_of_a_newer_runner_are_read() {
    let why: RunnerError = serde_json::from_str(r#"{"error":"out-of-tea","cups":3}"#).unwrap();
    assert_eq!(why, RunnerError::Unknown);
    let back: RunnerError =
        serde_json::from_str(&serde_json::to_string(&RunnerError::Timeout).unwrap()).unwrap();
    assert_eq!(back, RunnerError::Timeout);
}

/// A generator of its own, so that a failure can be repeated.
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

#[test]
fn mutated_lines_are_answered_and_nothing_breaks() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out").display().to_string();
    let graph = r#"Graph(kiln: 1, nodes: {\"a\": (type: \"TestNumber\", with: {\"n\": 3})})"#;
    let seeds = [
        HELLO.to_owned(),
        format!(r#"{{"v":1,"seq":2,"run":"r1","body":{{"kind":"submit","graph":"{graph}","set":[["a.n","4"]],"want":["a"],"jobs":1}}}}"#),
        format!(r#"{{"v":1,"seq":3,"body":{{"kind":"submit","graph":"{graph}","out":"{out}","items":{{"range":[0,3]}},"jobs":2}}}}"#),
        format!(r#"{{"v":1,"seq":3,"body":{{"kind":"submit","graph":"{graph}","items":{{"rows":{{"columns":["a.n"],"rows":[["1"],["2"]]}}}}}}}}"#),
        r#"{"v":1,"seq":4,"run":"r1","body":{"kind":"cancel"}}"#.to_owned(),
        r#"{"v":1,"seq":5,"run":"r1","body":{"kind":"decide","item":1,"gate":"g","decision":{"reject":{"reason":"no"}}}}"#.to_owned(),
        r#"{"v":1,"seq":6,"body":{"kind":"subscribe","after":0}}"#.to_owned(),
        format!(r#"{{"v":1,"seq":7,"body":{{"kind":"fetch-picture","key":"{}","max_side":8}}}}"#, "0a".repeat(32)),
    ];
    let tokens = [
        "\"",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "-1",
        "1e999",
        "null",
        "18446744073709551616",
        "\\u0000",
        "\u{fffd}",
    ];
    let mut chance = Chance(0x5eed_1234_5678_9abc);
    let mut input = format!("{HELLO}\n").into_bytes();
    for n in 0..20_000 {
        let mut line = seeds[chance.next(seeds.len())].clone().into_bytes();
        for _ in 0..=chance.next(3) {
            let at = chance.next(line.len());
            match chance.next(6) {
                0 => line[at] ^= 1 << chance.next(8),
                1 => line.truncate(at.max(1)),
                2 => drop(line.remove(at)),
                3 => drop(line.splice(at..at, tokens[chance.next(tokens.len())].bytes())),
                4 => {
                    let other = seeds[chance.next(seeds.len())].as_bytes();
                    line.splice(at.., other[chance.next(other.len())..].iter().copied());
                }
                _ => line[at] = chance.next(256) as u8,
            }
            if line.is_empty() {
                line.push(b'{');
            }
        }
        // What would write where the test does not want it.
        let text = String::from_utf8_lossy(&line);
        if text.contains("\"out\"") && !text.contains(&format!("\"out\":\"{out}")) {
            continue;
        }
        line.retain(|b| *b != b'\n');
        input.extend(line);
        input.push(b'\n');
        if n % 64 == 0 {
            input.extend(HELLO.as_bytes());
            input.push(b'\n');
        }
    }
    let (mut good, mut bad, mut ran) = (0, 0, 0);
    for message in talk_for(&input, Duration::from_secs(4)) {
        match &message.body {
            Answer::Error { .. } => bad += 1,
            Answer::Finished(summary) => {
                ran += usize::from(summary.began);
                assert!(summary.failures.iter().all(|f| !f.reason.contains("fault")), "{summary:?}");
            }
            _ => good += 1,
        }
    }
    assert!(good > 300 && bad > 1000 && ran > 10, "{good} good, {bad} bad, {ran} ran");
}
