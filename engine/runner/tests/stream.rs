//! A runner in this process: what a small backlog keeps, several runs at once, and its end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use kiln_core::{Event, Status};
use kiln_runner::{
    Answer, InProcess, Items, Message, Options, Receiver, RecvError, Runner, RunnerError, Submit, conformance,
};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn runner(options: Options) -> InProcess {
    InProcess::with(Arc::new(conformance::engine(None).unwrap()), conformance::encoder(), options)
}

fn slow(dir: &Path, ms: u64) -> Submit {
    let graph = format!(
        r#"Graph(kiln: 1, nodes: {{"s": (type: "TestSlow", with: {{"steps": 10, "ms": {ms}, "each": true}})}})"#
    );
    Submit { graph, base: dir.display().to_string(), ..Submit::default() }
}

fn ends(stream: &mut Receiver, mut left: usize) -> Vec<Message> {
    let (until, mut all) = (Instant::now() + Duration::from_secs(60), Vec::new());
    while left > 0 {
        assert!(Instant::now() < until, "{all:?}");
        if let Ok(message) = stream.recv_timeout(Duration::from_millis(50)) {
            left -= usize::from(message.body.is_end());
            all.push(message);
        }
    }
    all
}

#[test]
fn a_small_backlog_says_what_is_gone_and_keeps_the_ends() {
    let dir = tempfile::tempdir().unwrap();
    let runner = runner(Options { backlog: 20, ..Options::default() });
    let mut now = runner.subscribe(None);
    let first = runner.submit(slow(dir.path(), 0)).unwrap();
    ends(&mut now, 1);
    let batch = Submit { items: Some(Items::Range(0, 100)), jobs: Some(2), ..slow(dir.path(), 0) };
    let second = runner.submit(batch).unwrap();
    ends(&mut now, 1);
    let all = ends(&mut runner.subscribe(Some(0)), 2);
    let ended: Vec<_> = all.iter().filter(|m| m.body.is_end()).map(|m| m.run.clone().unwrap()).collect();
    assert_eq!(ended, [first, second]);
    let missing: u64 =
        all.iter().map(|m| if let Answer::Gap { missing } = m.body { missing } else { 0 }).sum();
    let told = all.iter().filter(|m| !matches!(m.body, Answer::Gap { .. })).count() as u64;
    assert!(missing > 50, "{missing}");
    assert_eq!(missing + told, all.last().unwrap().seq);
}

#[test]
fn runs_side_by_side_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let runner = runner(Options { parallel: 2, ..Options::default() });
    let mut stream = runner.subscribe(None);
    let (a, b) = (runner.submit(slow(dir.path(), 30)).unwrap(), runner.submit(slow(dir.path(), 31)).unwrap());
    let all = ends(&mut stream, 2);
    let begins = |run| {
        let begins = |m: &Message| matches!(m.body, Answer::Event { event: Event::RunStarted { .. } });
        all.iter().position(|m| m.run.as_ref() == Some(run) && begins(m)).unwrap()
    };
    let first_end = all.iter().position(|m| m.body.is_end()).unwrap();
    assert!(begins(&a) < first_end && begins(&b) < first_end, "{all:?}");
}

#[test]
fn a_full_queue_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let runner = runner(Options { waiting: 2, ..Options::default() });
    let results: Vec<_> = (0..8).map(|_| runner.submit(slow(dir.path(), 20))).collect();
    assert!(results.iter().any(|r| matches!(r, Err(RunnerError::Busy { .. }))), "{results:?}");
    assert!(results.iter().any(Result::is_ok));
}

#[test]
fn shutting_down_ends_every_run() {
    let dir = tempfile::tempdir().unwrap();
    let runner = runner(Options::default());
    let mut stream = runner.subscribe(None);
    for _ in 0..5 {
        runner.submit(slow(dir.path(), 2000)).unwrap();
    }
    std::thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    runner.shut_down();
    assert!(begun.elapsed() < Duration::from_secs(10), "it waited for more than a step");
    assert!(matches!(runner.submit(slow(dir.path(), 1)), Err(RunnerError::Closing)));
    let mut statuses = Vec::new();
    loop {
        match stream.recv_timeout(Duration::from_millis(10)) {
            Ok(Message { body: Answer::Finished(s), .. }) => statuses.push(s.status),
            Ok(_) => {}
            Err(RecvError::Closed) => break,
            Err(RecvError::Timeout) => panic!("not closed"),
        }
    }
    assert_eq!(statuses, [Status::Cancelled; 5]);
}
