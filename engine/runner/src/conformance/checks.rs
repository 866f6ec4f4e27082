//! The checks.

use super::tools::{
    Checked, LONG, about, events, has_status, holds, job, out, refused, summary, until, until_ends, words,
};
use crate::decisions;
use crate::error::RunnerError;
use crate::message::{Answer, Decide, Decision, FetchPicture, Items, RunId, Submit};
use crate::runner::Runner;
use kiln_core::{Event, Severity, Status};
use kiln_store::{BatchSpec, Folder, JobState, Millis, Mode, Outcome, Queue};
use std::path::Path;
use std::time::Duration;

type Check = fn(&dyn Runner, &Path) -> Checked;

pub(super) const ALL: [(&str, Check); 14] = [
    ("events come in order", order),
    ("runs keep their order", queue),
    ("a second run takes what is kept", cached),
    ("a waiting run is cancelled", cancel_waiting),
    ("a run under way is cancelled and resumed", cancel_running),
    ("all problems come at once", problems),
    ("failures are told", failures),
    ("parameters and rows are set", parameters),
    ("gates reject", gates),
    ("late subscribers catch up", late),
    ("pictures come by key", pictures),
    ("what cannot be done is said", impossible),
    ("decisions are kept", decide),
    ("a flood of progress drowns nothing", flood),
];

const SUM: &str = r#""a": (type: "TestNumber", with: {"n": 2}), "b": (type: "TestNumber", with: {"n": 3}),
    "sum": (type: "TestAdd", from: {"a": "a.value", "b": "b.value"}),"#;
const SLOW_ITEMS: &str = r#""slow": (type: "TestSlow", with: {"steps": 2, "ms": 15, "each": true}),
    "save": (type: "TestWrite", from: {"value": "slow.value"}),"#;

fn order(runner: &dyn Runner, dir: &Path) -> Checked {
    let mut stream = runner.subscribe(Some(0));
    let run = runner.submit(job(dir, SUM)).map_err(words)?;
    let all = until_ends(&mut stream, 1)?;
    holds!(all.windows(2).all(|w| w[0].seq < w[1].seq), "numbers do not rise: {all:?}");
    let bodies = about(&all, &run);
    holds!(matches!(bodies.first(), Some(Answer::Accepted { before: 0, .. })), "first: {bodies:?}");
    let events = events(&all, &run);
    holds!(
        matches!(events.first(), Some(Event::RunStarted { run: r, .. }) if *r == run.0),
        "begins: {events:?}"
    );
    holds!(
        matches!(events.last(), Some(Event::RunFinished { status, .. }) if status == "done"),
        "ends: {events:?}"
    );
    let place = |name: &str| {
        events
            .iter()
            .position(|e| matches!(e, Event::Finished { node, .. } if node == name))
            .unwrap_or(usize::MAX)
    };
    let (a, b, sum) = (place("a"), place("b"), place("sum"));
    holds!(a < sum && b < sum && sum < events.len(), "a at {a}, b at {b}, sum at {sum}");
    let summary = summary(&all, &run)?;
    has_status(&summary, Status::Done)?;
    holds!(summary.ran == 3, "ran: {summary:?}");
    let value = summary.values.get("sum").and_then(|v| v.words.first().cloned().flatten());
    holds!(value.as_deref() == Some("5"), "values: {summary:?}");
    Ok(())
}

fn queue(runner: &dyn Runner, dir: &Path) -> Checked {
    let mut stream = runner.subscribe(None);
    let slow = r#""s": (type: "TestSlow", with: {"steps": 10, "ms": 10}),"#;
    let first = runner.submit(job(dir, slow)).map_err(words)?;
    let named = Submit { id: Some(RunId("second-one".into())), ..job(dir, SUM) };
    let second = runner.submit(named).map_err(words)?;
    holds!(second.0 == "second-one", "the id is {second}");
    let all = until_ends(&mut stream, 2)?;
    let at = |fits: &dyn Fn(&Answer) -> bool, run: &RunId| {
        all.iter().position(|m| m.run.as_ref() == Some(run) && fits(&m.body)).unwrap_or(usize::MAX)
    };
    let begins = |a: &Answer| matches!(a, Answer::Event { event: Event::RunStarted { .. } });
    holds!(at(&Answer::is_end, &first) < at(&begins, &second), "they overlap: {all:?}");
    has_status(&summary(&all, &second)?, Status::Done)
}

fn cached(runner: &dyn Runner, dir: &Path) -> Checked {
    let mut stream = runner.subscribe(None);
    runner.submit(job(dir, SUM)).map_err(words)?;
    let run = runner.submit(job(dir, SUM)).map_err(words)?;
    let all = until_ends(&mut stream, 2)?;
    let summary = summary(&all, &run)?;
    has_status(&summary, Status::Done)?;
    holds!(summary.ran == 0 && summary.cached > 0, "it ran again: {summary:?}");
    Ok(())
}

fn cancel_waiting(runner: &dyn Runner, dir: &Path) -> Checked {
    let mut stream = runner.subscribe(None);
    let slow = r#""s": (type: "TestSlow", with: {"steps": 30, "ms": 10}),"#;
    let first = runner.submit(job(dir, slow)).map_err(words)?;
    let second = runner.submit(job(dir, SUM)).map_err(words)?;
    runner.cancel(&second).wait(LONG).map_err(words)?;
    let all = until_ends(&mut stream, 2)?;
    let ended = summary(&all, &second)?;
    has_status(&ended, Status::Cancelled)?;
    holds!(!ended.began && events(&all, &second).is_empty(), "it began: {all:?}");
    holds!(about(&all, &first).last().is_some_and(|a| a.is_end()), "the first: {all:?}");
    has_status(&summary(&all, &first)?, Status::Done)
}

fn cancel_running(runner: &dyn Runner, dir: &Path) -> Checked {
    let mut stream = runner.subscribe(None);
    let items = Some(Items::Range(0, 12));
    let batch = Submit { out: out(dir), items, ..job(dir, SLOW_ITEMS) };
    let run = runner.submit(batch.clone()).map_err(words)?;
    let item = |m: &crate::Message| matches!(m.body, Answer::Event { event: Event::ItemFinished { .. } });
    until(&mut stream, item)?;
    runner.cancel(&run).wait(LONG).map_err(words)?;
    let all = until_ends(&mut stream, 1)?;
    let ended = summary(&all, &run)?;
    has_status(&ended, Status::Cancelled)?;
    let again = runner.submit(Submit { resume: true, ..batch }).map_err(words)?;
    let all = until_ends(&mut stream, 1)?;
    let ended = summary(&all, &again)?;
    has_status(&ended, Status::Done)?;
    let ran = ended.nodes.get("save").map_or(0, |n| n.ran);
    holds!(ran < 12, "it began anew: {ended:?}");
    holds!(ended.items.is_some_and(|c| c.done == 12), "items: {ended:?}");
    for item in 0..12 {
        let text = std::fs::read_to_string(dir.join("out").join(format!("out-{item}.txt"))).map_err(words)?;
        holds!(text == item.to_string(), "item {item}: {text:?}");
    }
    Ok(())
}

fn problems(runner: &dyn Runner, dir: &Path) -> Checked {
    let mut stream = runner.subscribe(None);
    let bad = r#""a": (type: "TestNumbr"), "b": (type: "TestNumber", with: {"n": 5000}),
        "sum": (type: "TestAdd", from: {"a": "a.value"}), "save": (type: "TestWrite", from: {"value": "sum.value"}),
        "more": (type: "TestWrite", from: {"value": "b.value"}),"#;
    let run = runner.submit(job(dir, bad)).map_err(words)?;
    let broken = runner
        .submit(Submit { graph: "Graph(\n  kiln: 1,\n  nodes: {".into(), ..Submit::default() })
        .map_err(words)?;
    let all = until_ends(&mut stream, 2)?;
    let of = |run| match about(&all, run).as_slice() {
        [Answer::Refused { problems }] => Ok(problems.clone()),
        other => Err(format!("wanted problems, got {other:?}")),
    };
    let found = of(&run)?;
    let has = |node: &str, port: Option<&str>| {
        found.iter().find(|p| p.node == node && (port.is_none() || p.port.as_deref() == port))
    };
    holds!(found.iter().filter(|p| p.severity == Severity::Error).count() >= 3, "problems: {found:?}");
    let hint = has("a", None).and_then(|p| p.hint.clone()).unwrap_or_default();
    holds!(hint.contains("TestNumber"), "no hint: {found:?}");
    holds!(has("b", Some("n")).is_some_and(|p| p.what.contains("5000")), "not b.n: {found:?}");
    holds!(has("sum", Some("b")).is_some(), "not sum.b: {found:?}");
    let found = of(&broken)?;
    holds!(found.iter().any(|p| p.place.is_some_and(|(line, _)| line >= 2)), "no place: {found:?}");
    Ok(())
}

fn failures(runner: &dyn Runner, dir: &Path) -> Checked {
    let mut stream = runner.subscribe(None);
    let run =
        runner.submit(job(dir, r#""f": (type: "TestFail", with: {"words": "no luck"}),"#)).map_err(words)?;
    let all = until_ends(&mut stream, 1)?;
    let told = events(&all, &run);
    holds!(told.iter().any(|e| matches!(e, Event::Failed { node, .. } if node == "f")), "events: {told:?}");
    let ended = summary(&all, &run)?;
    has_status(&ended, Status::Failed)?;
    holds!(
        ended.failures.iter().any(|f| f.node == "f" && f.reason.contains("no luck")),
        "failures: {ended:?}"
    );
    Ok(())
}

fn parameters(runner: &dyn Runner, dir: &Path) -> Checked {
    let mut stream = runner.subscribe(None);
    let set = vec![("a.n".to_owned(), "40".to_owned())];
    let run = runner.submit(Submit { set, want: vec!["sum".into()], ..job(dir, SUM) }).map_err(words)?;
    let wrong = vec![
        ("a.m".to_owned(), "1".to_owned()),
        ("c.n".to_owned(), "1".to_owned()),
        ("a.n".into(), "x".into()),
    ];
    let refused = runner.submit(Submit { set: wrong, ..job(dir, SUM) }).map_err(words)?;
    let nodes = format!("{SUM} \"save\": (type: \"TestWrite\", from: {{\"value\": \"sum.value\"}}),");
    let rows = vec![vec!["10".to_owned()], vec!["20".to_owned()]];
    let items = Some(Items::Rows { columns: vec!["a.n".into()], rows, some: None });
    let table = runner.submit(Submit { items, out: out(dir), ..job(dir, &nodes) }).map_err(words)?;
    let all = until_ends(&mut stream, 3)?;
    let value = summary(&all, &run)?.values.get("sum").and_then(|v| v.words.first().cloned().flatten());
    holds!(value.as_deref() == Some("43"), "the sum is {value:?}");
    let count = match about(&all, &refused).last() {
        Some(Answer::Refused { problems }) => problems.len(),
        other => return Err(format!("wanted problems, got {other:?}")),
    };
    holds!(count == 3, "{count} problems of 3");
    has_status(&summary(&all, &table)?, Status::Done)?;
    for (item, wanted) in [(0, "13"), (1, "23")] {
        let text = std::fs::read_to_string(dir.join("out").join(format!("out-{item}.txt"))).map_err(words)?;
        holds!(text == wanted, "row {item} made {text:?}");
    }
    Ok(())
}

fn gates(runner: &dyn Runner, dir: &Path) -> Checked {
    let mut stream = runner.subscribe(None);
    let nodes = r#""s": (type: "TestSlow", with: {"steps": 0, "each": true}),
        "even": (type: "TestEven", from: {"value": "s.value"}, with: {"then": "skip"}),
        "save": (type: "TestWrite", from: {"value": "even.value"}),"#;
    let items = Some(Items::Range(0, 4));
    let run = runner.submit(Submit { items, out: out(dir), ..job(dir, nodes) }).map_err(words)?;
    let all = until_ends(&mut stream, 1)?;
    let told = events(&all, &run);
    let odd = |e: &&&Event| matches!(e, Event::Rejected { node, item: Some(1 | 3), .. } if node == "even");
    holds!(told.iter().filter(odd).count() == 2, "rejections: {told:?}");
    let ended = summary(&all, &run)?;
    has_status(&ended, Status::Done)?;
    holds!(ended.items.is_some_and(|c| c.done == 2 && c.skipped == 2), "items: {ended:?}");
    Ok(())
}

fn late(runner: &dyn Runner, dir: &Path) -> Checked {
    let mut stream = runner.subscribe(Some(0));
    runner.submit(job(dir, SUM)).map_err(words)?;
    let all = until_ends(&mut stream, 1)?;
    let again = until_ends(&mut runner.subscribe(Some(0)), 1)?;
    holds!(all == again, "another story: {all:?}, then {again:?}");
    let middle = all[all.len() / 2].seq;
    let rest = until_ends(&mut runner.subscribe(Some(middle)), 1)?;
    holds!(rest == all[all.len() / 2 + 1..], "after {middle}: {rest:?}");
    let quiet = runner.subscribe(None).recv_timeout(Duration::from_millis(20));
    holds!(quiet.is_err(), "from now on: {quiet:?}");
    Ok(())
}

fn pictures(runner: &dyn Runner, dir: &Path) -> Checked {
    let mut stream = runner.subscribe(None);
    let run = runner
        .submit(job(dir, r#""p": (type: "TestPicture", with: {"size": (64, 32), "grey": 0.25}),"#))
        .map_err(words)?;
    let all = until_ends(&mut stream, 1)?;
    let key = events(&all, &run).into_iter().find_map(|e| match e {
        Event::Finished { key, .. } => Some(key.clone()),
        _ => None,
    });
    let key = key.ok_or("no event told the key")?;
    let want = FetchPicture { key: key.clone(), ..FetchPicture::default() };
    let whole = runner.picture(want.clone()).wait(LONG).map_err(words)?;
    holds!((whole.width, whole.height, whole.count) == (64, 32, 2), "it is {whole:?}");
    holds!(whole.png.starts_with(b"\x89PNG") && whole.key == key, "it is {whole:?}");
    let small = runner
        .picture(FetchPicture { max_side: Some(16), index: 1, ..want.clone() })
        .wait(LONG)
        .map_err(words)?;
    holds!((small.width, small.height, small.full_width) == (16, 8, 64), "it is {small:?}");
    holds!(small.png.ends_with(b"[0.25, 0.25, 0.25]"), "it is {small:?}");
    refused(runner.picture(FetchPicture { index: 2, ..want.clone() }), |e| {
        matches!(e, RunnerError::NoPicture { .. })
    })?;
    refused(runner.picture(FetchPicture { output: 1, ..want.clone() }), |e| {
        matches!(e, RunnerError::NoPicture { .. })
    })?;
    refused(runner.picture(FetchPicture { output: 9, ..want }), |e| {
        matches!(e, RunnerError::NoValue { .. })
    })?;
    let odd = FetchPicture { key: "no key".into(), ..FetchPicture::default() };
    refused(runner.picture(odd), |e| matches!(e, RunnerError::NoValue { .. }))
}

fn impossible(runner: &dyn Runner, dir: &Path) -> Checked {
    let mut stream = runner.subscribe(None);
    let nobody = RunId("nobody".into());
    refused(runner.cancel(&nobody), |e| matches!(e, RunnerError::UnknownRun { .. }))?;
    let accept = Decide { item: 3, gate: "look".into(), decision: Decision::Accept };
    refused(runner.decide(&nobody, accept.clone()), |e| matches!(e, RunnerError::UnknownRun { .. }))?;
    let run = runner.submit(job(dir, SUM)).map_err(words)?;
    until_ends(&mut stream, 1)?;
    refused(runner.cancel(&run), |e| matches!(e, RunnerError::Ended { .. }))?;
    refused(runner.decide(&run, accept), |e| matches!(e, RunnerError::NotParked { .. }))?;
    let twice = runner.submit(Submit { id: Some(run), ..job(dir, SUM) });
    holds!(matches!(twice, Err(RunnerError::Taken { .. })), "the same id: {twice:?}");
    let odd = runner.submit(Submit { id: Some(RunId("a/b".into())), ..job(dir, SUM) });
    holds!(matches!(odd, Err(RunnerError::BadMessage { .. })), "an odd id: {odd:?}");
    Ok(())
}

fn decide(runner: &dyn Runner, dir: &Path) -> Checked {
    let mut stream = runner.subscribe(None);
    let items = Some(Items::Range(0, 3));
    let run = runner.submit(Submit { items, out: out(dir), ..job(dir, SLOW_ITEMS) }).map_err(words)?;
    let all = until_ends(&mut stream, 1)?;
    let batch = summary(&all, &run)?.batch.ok_or("the batch has no name")?;
    let redo = Decide { item: 1, gate: "look".into(), decision: Decision::Redo };
    refused(runner.decide(&run, redo.clone()), |e| matches!(e, RunnerError::NotParked { .. }))?;
    park(&dir.join("out"), &batch, 1).map_err(words)?;
    runner.decide(&run, redo.clone()).wait(LONG).map_err(words)?;
    let no = Decide { item: 2, decision: Decision::Reject { reason: "dull".into() }, ..redo.clone() };
    refused(runner.decide(&run, no), |e| matches!(e, RunnerError::NotParked { .. }))?;
    let kept = decisions::read(&dir.join("out")).map_err(words)?;
    holds!(
        kept.len() == 1 && kept[0].decide == redo && kept[0].batch == batch && kept[0].run == run,
        "kept: {kept:?}"
    );
    Ok(())
}

/// Parks an item, as a gate will that waits for a person.
fn park(out: &Path, batch: &str, item: u64) -> Result<(), kiln_store::StoreError> {
    let now = Millis(u64::MAX >> 2);
    let queue = Folder::open(out, now)?.queue();
    queue.retry(batch, &[JobState::Done], Some(&[item]), now)?;
    queue.register_worker("person", 1000, now)?;
    let spec = BatchSpec { id: batch.to_owned(), items: kiln_store::Items::Range(0, 3), mode: Mode::Resume };
    queue.open_batch(&spec, "person", now)?;
    if let Some(lease) = queue.claim(batch, "person", 1000, now)? {
        queue.settle(&lease, Outcome::Parked { reason: "look".into() }, now)?;
    }
    queue.leave_batch(batch, "person")
}

fn flood(runner: &dyn Runner, dir: &Path) -> Checked {
    let mut stream = runner.subscribe(None);
    let run = runner.submit(job(dir, r#""e": (type: "TestEager", with: {"n": 300000}),"#)).map_err(words)?;
    let all = until_ends(&mut stream, 1)?;
    has_status(&summary(&all, &run)?, Status::Done)?;
    let told = events(&all, &run);
    let progress = told.iter().filter(|e| matches!(e, Event::Progress { .. })).count();
    holds!(progress < 5000, "{progress} signs of progress");
    holds!(all.iter().all(|m| !matches!(m.body, Answer::Gap { .. })), "a gap");
    Ok(())
}
