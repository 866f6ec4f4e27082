//! What only a worker process can do: die, be started again, be left alone, write nonsense.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use kiln_core::{Event, Status};
use kiln_runner::{
    Answer, FetchPicture, InProcess, Items, Message, PipeRunner, Receiver, RunId, Runner, RunnerError,
    Submit, Summary, conformance,
};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);

fn worker(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kiln-runner-test-worker"));
    command.arg(dir.join("cache"));
    command
}

fn items(dir: &Path, n: u64, ms: u64) -> Submit {
    let graph = format!(
        r#"Graph(kiln: 1, nodes: {{
            "shared": (type: "TestSlow", with: {{"steps": 3, "ms": 20}}),
            "slow": (type: "TestSlow", with: {{"steps": 2, "ms": {ms}, "each": true}}),
            "sum": (type: "TestAdd", from: {{"a": "slow.value", "b": "shared.value"}}),
            "save": (type: "TestWrite", from: {{"value": "sum.value"}}),
        }})"#
    );
    Submit {
        graph,
        base: dir.display().to_string(),
        out: Some(dir.join("out").display().to_string()),
        items: Some(Items::Range(0, n)),
        jobs: Some(2),
        resume: true,
        ..Submit::default()
    }
}

fn simple(dir: &Path) -> Submit {
    let graph = r#"Graph(kiln: 1, nodes: {"a": (type: "TestNumber")})"#.to_owned();
    Submit { graph, base: dir.display().to_string(), ..Submit::default() }
}

fn until(stream: &mut Receiver, fits: impl Fn(&Message) -> bool) -> Vec<Message> {
    let (end, mut all) = (Instant::now() + LONG, Vec::new());
    while Instant::now() < end {
        if let Ok(message) = stream.recv_timeout(Duration::from_millis(100)) {
            let found = fits(&message);
            all.push(message);
            if found {
                return all;
            }
        }
    }
    panic!("it did not happen; but this: {all:?}");
}

fn end_of(stream: &mut Receiver, run: &RunId) -> Answer {
    until(stream, |m| m.run.as_ref() == Some(run) && m.body.is_end()).pop().unwrap().body
}

fn finished(answer: Answer) -> Summary {
    match answer {
        Answer::Finished(summary) => *summary,
        other => panic!("ended with {other:?}"),
    }
}

fn item_done(m: &Message) -> bool {
    matches!(m.body, Answer::Event { event: Event::ItemFinished { .. } })
}

/// Kills the worker as the system does when memory runs out.
#[cfg(unix)]
fn kill_nine(id: u32) {
    assert!(Command::new("kill").args(["-9", &id.to_string()]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_killed_worker_is_told_of_and_started_again() {
    let dir = tempfile::tempdir().unwrap();
    let runner = PipeRunner::spawn(worker(dir.path())).unwrap();
    let mut stream = runner.subscribe(Some(0));
    let job = items(dir.path(), 20, 15);
    let run = runner.submit(job.clone()).unwrap();
    let waits = runner.submit(simple(dir.path())).unwrap();
    for _ in 0..4 {
        until(&mut stream, item_done);
    }
    let before = runner.worker().unwrap();
    kill_nine(before);
    match end_of(&mut stream, &run) {
        Answer::Lost { words } => assert!(words.contains("signal 9"), "{words}"),
        other => panic!("{other:?}"),
    }
    assert!(!runner.is_alive());
    // Nobody waits for what cannot come.
    assert!(matches!(runner.submit(simple(dir.path())), Err(RunnerError::Gone { .. })));
    let reply = runner.picture(FetchPicture::default()).wait(Duration::from_secs(1));
    assert!(matches!(reply, Err(RunnerError::Gone { .. })), "{reply:?}");

    runner.restart().unwrap();
    assert_ne!(runner.worker(), Some(before));
    // What waited is run by the new worker.
    assert_eq!(finished(end_of(&mut stream, &waits)).status, Status::Done);
    let again = runner.submit(job).unwrap();
    let summary = finished(end_of(&mut stream, &again));
    assert_eq!(summary.status, Status::Done, "{summary:?}");
    assert!(summary.nodes["slow"].ran < 20, "{:?}", summary.nodes["slow"]);
    assert_eq!(summary.nodes["shared"].ran, 0, "{:?}", summary.nodes["shared"]);
    assert_eq!(summary.items.unwrap().done, 20);
    for item in 0..20 {
        let text = std::fs::read_to_string(dir.path().join(format!("out/out-{item}.txt"))).unwrap();
        assert_eq!(text, item.to_string());
    }
}

#[test]
fn a_run_that_waits_for_a_dead_worker_can_be_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    let runner = PipeRunner::spawn(worker(dir.path())).unwrap();
    let mut stream = runner.subscribe(Some(0));
    let run = runner.submit(items(dir.path(), 100, 20)).unwrap();
    let waits = runner.submit(simple(dir.path())).unwrap();
    until(&mut stream, item_done);
    runner.kill();
    assert!(matches!(end_of(&mut stream, &run), Answer::Lost { .. }));
    runner.cancel(&waits).wait(LONG).unwrap();
    assert!(!finished(end_of(&mut stream, &waits)).began);
    assert!(matches!(runner.cancel(&run).wait(LONG), Err(RunnerError::Gone { .. })));
}

#[test]
fn a_worker_that_writes_nonsense_is_still_understood() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = worker(dir.path());
    command.env("KILN_TEST_GARBAGE", "1");
    let runner = PipeRunner::spawn(command).unwrap();
    let mut stream = runner.subscribe(Some(0));
    let run = runner.submit(simple(dir.path())).unwrap();
    let all = until(&mut stream, |m| m.run.as_ref() == Some(&run) && m.body.is_end());
    let bad = |m: &&Message| matches!(&m.body, Answer::Error { why: RunnerError::BadMessage { .. }, .. });
    assert_eq!(all.iter().filter(bad).count(), 3, "{all:?}");
    assert_eq!(finished(all.last().unwrap().body.clone()).status, Status::Done);
}

#[test]
fn a_program_that_is_no_worker_is_told_of() {
    let missing = PipeRunner::spawn(Command::new("/no/such/program"));
    assert!(missing.is_err());
    let mut command = Command::new(env!("CARGO_BIN_EXE_kiln-runner-test-worker"));
    // A file where the cache's folder should be: the worker ends at once.
    let file = tempfile::NamedTempFile::new().unwrap();
    command.arg(file.path().join("cache"));
    let runner = PipeRunner::spawn(command).unwrap();
    let mut stream = runner.subscribe(Some(0));
    let gone = until(&mut stream, |m| matches!(m.body, Answer::Error { why: RunnerError::Gone { .. }, .. }));
    assert!(format!("{gone:?}").contains("ended with code 3"), "{gone:?}");
}

struct Raw {
    child: Child,
    lines: std::sync::mpsc::Receiver<Message>,
}

impl Raw {
    fn start(dir: &Path) -> Self {
        let mut child = worker(dir).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (to, lines) = std::sync::mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines() {
                let _ = to.send(serde_json::from_str(&line.unwrap()).unwrap());
            }
        });
        Self { child, lines }
    }

    fn say(&mut self, line: &str) {
        let to = self.child.stdin.as_mut().unwrap();
        to.write_all(format!("{line}\n").as_bytes()).unwrap();
        to.flush().unwrap();
    }

    fn ends(&mut self, within: Duration) -> std::process::ExitStatus {
        let until = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if Instant::now() > until {
                let _ = self.child.kill();
                panic!("the worker lives on");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn a_worker_left_alone_finishes_its_step_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let job = items(dir.path(), 200, 20);
    let mut raw = Raw::start(dir.path());
    raw.say(r#"{"v":1,"seq":1,"body":{"kind":"hello","versions":[1]}}"#);
    raw.say(r#"{"v":1,"seq":2,"body":{"kind":"subscribe","after":0}}"#);
    let mut body = serde_json::to_value(&job).unwrap();
    body["kind"] = "submit".into();
    let line = serde_json::json!({"v": 1, "seq": 3, "run": "mine", "body": body, "later": {"more": 1}});
    raw.say(&line.to_string());
    while !item_done(&raw.lines.recv_timeout(LONG).unwrap()) {}
    drop(raw.child.stdin.take());
    assert!(raw.ends(Duration::from_secs(20)).success());
    // It said how the run ended, though nobody was bound to listen.
    let rest: Vec<Message> = raw.lines.iter().collect();
    let end = rest.iter().find(|m| m.body.is_end()).unwrap();
    assert_eq!(end.run, Some(RunId("mine".into())));
    assert_eq!(finished(end.body.clone()).status, Status::Cancelled);
    // Whoever comes next goes on where it stopped.
    let done = std::fs::read_dir(dir.path().join("out"))
        .unwrap()
        .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with("out-"));
    let done = done.count() as u64;
    assert!((1..200).contains(&done), "{done}");
    let cache = dir.path().join("cache");
    let runner = InProcess::new(Arc::new(conformance::engine(Some(&cache)).unwrap()), conformance::encoder());
    let mut stream = runner.subscribe(None);
    let job = Submit { items: Some(Items::Range(0, done + 5)), ..job };
    let run = runner.submit(job).unwrap();
    let summary = finished(end_of(&mut stream, &run));
    assert_eq!(summary.status, Status::Done, "{summary:?}");
    assert!(summary.nodes["save"].ran <= 6, "{:?}", summary.nodes["save"]);
}

#[test]
fn a_client_that_does_not_read_costs_the_worker_no_memory_and_no_work() {
    let dir = tempfile::tempdir().unwrap();
    // The worker's output is left unread: after 64 KiB it cannot write any more.
    let mut child = worker(dir.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut to = child.stdin.take().unwrap();
    let mut say = |line: String| to.write_all(format!("{line}\n").as_bytes()).unwrap();
    say(r#"{"v":1,"seq":1,"body":{"kind":"hello","versions":[1]}}"#.into());
    say(r#"{"v":1,"seq":2,"body":{"kind":"subscribe","after":0}}"#.into());
    let mut body = serde_json::to_value(items(dir.path(), 60, 0)).unwrap();
    body["kind"] = "submit".into();
    say(serde_json::json!({"v": 1, "seq": 3, "body": body}).to_string());
    for seq in 0..20_000 {
        say(format!(r#"{{"v":1,"seq":{seq},"run":"x","body":{{"kind":"cancel"}}}}"#));
    }
    let last = dir.path().join("out/out-59.txt");
    let until = Instant::now() + LONG;
    while !last.exists() {
        assert!(Instant::now() < until, "the worker stands still");
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(to);
    let until = Instant::now() + Duration::from_secs(20);
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "the worker lives on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_dropped_runner_lets_its_worker_end() {
    let dir = tempfile::tempdir().unwrap();
    let runner = PipeRunner::spawn(worker(dir.path())).unwrap();
    let mut stream = runner.subscribe(Some(0));
    runner.submit(items(dir.path(), 500, 20)).unwrap();
    until(&mut stream, item_done);
    #[cfg(target_os = "linux")]
    let process = std::path::PathBuf::from(format!("/proc/{}", runner.worker().unwrap()));
    let begun = Instant::now();
    drop(runner);
    assert!(begun.elapsed() < Duration::from_secs(1));
    #[cfg(target_os = "linux")]
    while process.exists() {
        assert!(begun.elapsed() < LONG, "the worker lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A worker that is a few lines of shell.
#[cfg(unix)]
fn shell(script: &str) -> PipeRunner {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    PipeRunner::spawn(command).unwrap()
}

#[cfg(unix)]
#[test]
fn a_worker_of_another_version_is_not_spoken_to() {
    let refusal = Message {
        v: 9,
        seq: 0,
        re: Some(1),
        run: None,
        body: Answer::error(RunnerError::Version { asked: vec![1], spoken: vec![9] }),
    };
    let line = serde_json::to_string(&refusal).unwrap();
    let runner = shell(&format!("read hello; echo '{line}'; exec sleep 600"));
    let mut stream = runner.subscribe(Some(0));
    let all = until(&mut stream, |m| matches!(m.body, Answer::Error { why: RunnerError::Gone { .. }, .. }));
    let version = |m: &Message| matches!(m.body, Answer::Error { why: RunnerError::Version { .. }, .. });
    assert!(all.iter().any(version), "{all:?}");
    assert!(!runner.is_alive());
}

#[cfg(unix)]
#[test]
fn a_line_without_an_end_and_a_closed_output_are_told_of() {
    let runner = shell("head -c 70000000 /dev/zero; echo; exec >&-; exec sleep 600");
    let mut stream = runner.subscribe(Some(0));
    let all = until(&mut stream, |m| matches!(m.body, Answer::Error { why: RunnerError::Gone { .. }, .. }));
    let long = |m: &Message| matches!(m.body, Answer::Error { why: RunnerError::TooLong { .. }, .. });
    assert!(all.iter().any(long), "{all:?}");
}

#[cfg(unix)]
#[test]
fn a_worker_that_does_not_read_holds_up_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let runner = shell("exec sleep 600");
    let begun = Instant::now();
    let big = Submit { graph: "x".repeat(1 << 20), ..simple(dir.path()) };
    for _ in 0..50 {
        runner.submit(big.clone()).unwrap();
    }
    let mut refused = None;
    for _ in 0..30_000 {
        let reply = runner.cancel(&RunId("nobody".into()));
        if let Some(answer) = reply.try_get() {
            refused = Some(answer);
            break;
        }
    }
    assert!(matches!(refused, Some(Err(RunnerError::Busy { .. }))), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let reply = runner.picture(FetchPicture::default());
    assert!(reply.wait(Duration::from_millis(50)).is_err());
    runner.kill();
}
