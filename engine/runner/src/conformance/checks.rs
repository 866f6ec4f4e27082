//! The checks.

use super::tools::{
    Checked, LONG, about, events, has_status, holds, job, out, refused, summary, until, until_ends, words,
};
use crate::decisions;
use crate::error::RunnerError;
use crate::message::{Answer, Decide, Decision, FetchPicture, Items, RunId, Submit};
use crate::runner::Runner;
use kiln_core::{Event, Severity, Status};
use std::path::Path;
use std::time::Duration;

type Check = fn(&dyn Runner, &Path) -> Checked;

pub(super) const ALL: [(&str, Check); 15] = [
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
    ("a decision wakes what waits for it", wakes),
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
    let accept = Decide { item: Some(3), gate: "look".into(), key: None, decision: Decision::Accept };
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

const LOOKED_AT: &str = r#""s": (type: "TestSlow", with: {"steps": 1, "ms": 1, "each": true}),
    "look": (type: "TestReview", from: {"value": "s.value"}),
    "save": (type: "TestWrite", from: {"value": "look.value"}),"#;

fn decide(runner: &dyn Runner, dir: &Path) -> Checked {
    let mut stream = runner.subscribe(None);
    let items = Some(Items::Range(0, 3));
    let batch = Submit { items, out: out(dir), ..job(dir, LOOKED_AT) };
    let run = runner.submit(batch.clone()).map_err(words)?;
    let all = until_ends(&mut stream, 1)?;
    let ended = summary(&all, &run)?;
    has_status(&ended, Status::Parked)?;
    holds!(ended.items.is_some_and(|c| c.parked == 3) && ended.waiting.len() == 3, "it waits: {ended:?}");
    let name = ended.batch.ok_or("the batch has no name")?;
    let told = events(&all, &run).into_iter().find_map(|e| match e {
        Event::Parked { item: Some(1), node, key, .. } => Some((node.clone(), key.clone())),
        _ => None,
    });
    let (gate, key) = told.ok_or("nobody was told that item 1 waits")?;
    holds!(gate == "look", "the gate is {gate}");
    let redo = Decide { item: Some(1), gate, key: Some(key), decision: Decision::Redo };
    for odd in [
        Decide { item: Some(7), ..redo.clone() },
        Decide { gate: "other".into(), ..redo.clone() },
        Decide { item: None, ..redo.clone() },
        Decide { key: Some("0".repeat(64)), ..redo.clone() },
    ] {
        refused(runner.decide(&run, odd), |e| matches!(e, RunnerError::NotParked { .. }))?;
    }
    let yes = Decide { decision: Decision::Accept, key: None, ..redo.clone() };
    let no = Decide { item: Some(2), decision: Decision::Reject { reason: "dull".into() }, ..yes.clone() };
    runner.decide(&run, yes.clone()).wait(LONG).map_err(words)?;
    runner.decide(&run, no.clone()).wait(LONG).map_err(words)?;
    refused(runner.decide(&run, yes.clone()), |e| matches!(e, RunnerError::NotParked { .. }))?;
    let kept = decisions::read(&dir.join("out")).map_err(words)?;
    let same = |at: usize, d: &Decide| {
        let k: Option<&decisions::Decided> = kept.get(at);
        k.is_some_and(|k| (k.decide.item, &k.decide.decision, &k.batch) == (d.item, &d.decision, &name))
    };
    holds!(kept.len() == 2 && same(0, &yes) && same(1, &no), "kept: {kept:?}");
    let again = runner.submit(Submit { resume: true, ..batch }).map_err(words)?;
    let all = until_ends(&mut stream, 1)?;
    let ended = summary(&all, &again)?;
    has_status(&ended, Status::Parked)?;
    holds!(ended.items.is_some_and(|c| (c.done, c.skipped, c.parked) == (1, 1, 1)), "items: {ended:?}");
    holds!(ended.rejections.iter().any(|r| r.reason == "dull"), "rejections: {ended:?}");
    Ok(())
}

fn wakes(runner: &dyn Runner, dir: &Path) -> Checked {
    let mut stream = runner.subscribe(None);
    let items = Some(Items::Range(0, 4));
    let batch = Submit { items, out: out(dir), wait: true, ..job(dir, LOOKED_AT) };
    let run = runner.submit(batch).map_err(words)?;
    let parked = |m: &crate::Message| match &m.body {
        Answer::Event { event: Event::Parked { item: Some(item), key, .. } } => Some((*item, key.clone())),
        _ => None,
    };
    for _ in 0..4 {
        let seen = until(&mut stream, |m| parked(m).is_some())?;
        let (item, key) = seen.iter().find_map(parked).ok_or("it vanished")?;
        let decision = match item {
            3 => Decision::Reject { reason: "no".into() },
            _ => Decision::Accept,
        };
        let said = Decide { item: Some(item), gate: "look".into(), key: Some(key), decision };
        runner.decide(&run, said).wait(LONG).map_err(words)?;
    }
    let all = until_ends(&mut stream, 1)?;
    let ended = summary(&all, &run)?;
    has_status(&ended, Status::Done)?;
    holds!(ended.items.is_some_and(|c| (c.done, c.skipped) == (3, 1)), "items: {ended:?}");
    // One that nobody answers is stopped as any other.
    let items = Some(Items::Range(4, 5));
    let patient = Submit { items, out: out(dir), wait: true, ..job(dir, LOOKED_AT) };
    let run = runner.submit(patient).map_err(words)?;
    until(&mut stream, |m| parked(m).is_some())?;
    runner.cancel(&run).wait(LONG).map_err(words)?;
    let all = until_ends(&mut stream, 1)?;
    has_status(&summary(&all, &run)?, Status::Cancelled)
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
