//! Gates that a person decides: parked, answered, gone on with.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
mod support;

use kiln_core::doors::{Clock, OutFolder};
use kiln_core::store::{Answer, Folder, JobState, Millis, Place, Queue, Took, Word};
use kiln_core::types::Image;
use kiln_core::{
    Batch, BatchItems, Desk, Engine, Event, NodeError, Plan, RunReport, Setup, Status, single_id,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use support::*;

const LOOKED_AT: &str = r#"
    "p": (type: "Paint", with: {"seed": 1}),
    "look": (type: "Look", from: {"value": "p.image"}, with: {"retry": "p.seed", "attempts": 3, "question": "good?"}),
    "g": (type: "Grey", from: {"image": "look.value"}),
    "w": (type: "Write", from: {"value": "g.value"}, with: {"name": "{item}.txt"}),"#;

fn batch(n: u64, resume: bool) -> Option<Batch> {
    Some(Batch { id: "test".into(), items: BatchItems::Range(0, n), resume })
}

fn make(engine: &Engine, plan: &Plan, out: &Arc<OutFolder>, n: u64, jobs: usize, resume: bool) -> RunReport {
    run(engine, plan, Setup { out: Some(out.clone()), batch: batch(n, resume), jobs, ..Setup::new("r", ".") })
}

/// What a person would say of a picture: the lighter half passes, the very dark is made again.
fn taste(grey: u8) -> Word {
    match grey {
        128.. => Word::Accept,
        30.. => Word::Reject,
        _ => Word::Redo,
    }
}

/// Answers everything that waits; how many that were.
fn answer(folder: &Folder, at: u64) -> usize {
    let reviews = folder.reviews();
    let all: Vec<_> = reviews.all(None).unwrap().into_iter().filter(|a| a.waiting).collect();
    for asked in &all {
        let q = &asked.question;
        let thumb = folder.shelf("review").get(&q.gate, q.place, &q.attempt).unwrap();
        assert_eq!((thumb.width, thumb.height, thumb.channels), (16, 8, 3));
        let given = Answer { word: taste(thumb.data[0]), reason: String::new(), at: Millis(at) };
        assert_eq!(reviews.decide(&q.gate, q.place, &q.attempt, &q.key, &given).unwrap(), Took::New);
    }
    all.len()
}

fn texts(dir: &Path, n: u64) -> BTreeMap<u64, String> {
    (0..n).filter_map(|i| Some((i, std::fs::read_to_string(dir.join(format!("{i}.txt"))).ok()?))).collect()
}

/// Runs until nothing waits.
fn to_the_end(
    nodes: &str,
    n: u64,
    jobs: usize,
    fresh: bool,
) -> (BTreeMap<u64, String>, RunReport, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let folder = out(dir.path());
    let engine = engine();
    let plan = plan(&engine, &graph(nodes), &batch_wish());
    for round in 0..40 {
        let report = make(&engine, &plan, &folder, n, jobs, round > 0 && !fresh);
        if report.status != Status::Parked {
            return (texts(dir.path(), n), report, dir);
        }
        assert!(answer(folder.folder(), round) > 0, "{report:?}");
    }
    panic!("it never ends");
}

#[test]
fn what_nobody_decided_is_parked_and_goes_on_when_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let folder = out(dir.path());
    let engine = engine();
    let plan = plan(&engine, &graph(LOOKED_AT), &batch_wish());
    assert_eq!(plan.reviews(), ["look"]);
    let setup = Setup { out: Some(folder.clone()), batch: batch(12, false), jobs: 3, ..Setup::new("r", ".") };
    let (report, events) = run_events(&engine, &plan, setup);
    assert_eq!(report.status, Status::Parked, "{report:?}");
    assert_eq!(report.items.unwrap().parked, 12);
    assert_eq!(report.waiting.len(), 12);
    assert!(report.waiting[0].reason.contains("look") && report.waiting[0].reason.contains("good?"));
    let told = events
        .iter()
        .filter(|e| matches!(e, Event::Parked { node, key, .. } if node == "look" && key.len() == 64));
    assert_eq!(told.count(), 12);
    assert!(texts(dir.path(), 12).is_empty());
    // Nothing was decided: going on makes nothing, asks nothing twice.
    let again = make(&engine, &plan, &folder, 12, 3, true);
    assert_eq!((again.status, again.ran(), again.items.unwrap().parked), (Status::Parked, 0, 12));
    // Only what was decided goes on.
    let reviews = folder.folder().reviews();
    let one = reviews.waiting("look", Place::Item(5)).unwrap().unwrap().question;
    let yes = Answer { word: Word::Accept, reason: String::new(), at: Millis(5) };
    reviews.decide("look", one.place, &one.attempt, &one.key, &yes).unwrap();
    let third = make(&engine, &plan, &folder, 12, 3, true);
    assert_eq!((third.items.unwrap().parked, third.items.unwrap().done), (11, 1), "{third:?}");
    assert_eq!(texts(dir.path(), 12).keys().copied().collect::<Vec<_>>(), [5]);
}

#[test]
fn decisions_give_the_same_outcome_with_any_number_of_workers() {
    let (one, report, dir) = to_the_end(LOOKED_AT, 24, 1, false);
    assert!(one.len() > 12, "{one:?}");
    assert!(one.values().all(|v| v.parse::<f64>().unwrap() >= 0.5), "{one:?}");
    assert_eq!(report.status, Status::Done);
    let counts = report.items.unwrap();
    assert_eq!((counts.done, counts.done + counts.skipped), (one.len() as u64, 24), "the rest is left out");
    for (jobs, fresh) in [(4, false), (1, true), (4, true)] {
        assert_eq!(to_the_end(LOOKED_AT, 24, jobs, fresh).0, one, "{jobs} workers, fresh {fresh}");
    }
    // Each item that passed has a record of which attempt it was.
    let verdicts = out(dir.path()).folder().verdicts();
    for item in one.keys() {
        let passed = verdicts.passes("test", Place::Item(*item)).unwrap();
        assert_eq!(passed.len(), 1, "{passed:?}");
        assert_eq!(passed[0].reason.as_deref(), Some("accepted by a person"));
        let rejected = verdicts.of("test", Place::Item(*item)).unwrap().len() as u32 - 1;
        assert_eq!(passed[0].attempt.own(), rejected + 1, "every attempt before was rejected");
    }
}

#[test]
fn redo_goes_beyond_the_last_attempt() {
    let nodes = LOOKED_AT.replace("\"attempts\": 3", "\"attempts\": 1");
    let dir = tempfile::tempdir().unwrap();
    let folder = out(dir.path());
    let engine = engine();
    let plan = plan(&engine, &graph(&nodes), &batch_wish());
    let say = |word| {
        let report = make(&engine, &plan, &folder, 1, 1, true);
        let found = folder.folder().reviews().waiting("look", Place::Item(0)).unwrap();
        if let Some(asked) = found {
            let q = asked.question;
            let given = Answer { word, reason: "why not".into(), at: Millis(1) };
            folder.folder().reviews().decide(&q.gate, q.place, &q.attempt, &q.key, &given).unwrap();
            return (report, Some((q.attempt.own(), q.key)));
        }
        (report, None)
    };
    let first = say(Word::Redo).1.unwrap();
    let second = say(Word::Redo).1.unwrap();
    let third = say(Word::Reject).1.unwrap();
    assert_eq!([first.0, second.0, third.0], [1, 2, 3]);
    assert!(first.1 != second.1 && second.1 != third.1, "each is another picture");
    let (end, none) = say(Word::Accept);
    assert_eq!((end.items.unwrap().skipped, none), (1, None), "a rejection after that is the end: {end:?}");
    // Where no seed is named, there is nothing to make again.
    let nodes = r#""p": (type: "Paint", with: {"seed": 1}), "look": (type: "Look", from: {"value": "p.image"}),
        "g": (type: "Grey", from: {"image": "look.value"}),
        "w": (type: "Write", from: {"value": "g.value"}, with: {"name": "{item}.txt"}),"#;
    let (texts, report, _dir) = to_the_end(nodes, 10, 2, false);
    assert_eq!(report.items.unwrap().skipped, 10 - texts.len() as u64);
}

#[test]
fn a_picture_that_changed_is_asked_about_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = out(dir.path());
    let engine = engine();
    let run_seed = |seed: u64| {
        let nodes = LOOKED_AT.replace("\"seed\": 1", &format!("\"seed\": {seed}"));
        let plan = plan(&engine, &graph(&nodes), &batch_wish());
        make(&engine, &plan, &folder, 1, 1, false)
    };
    let reviews = folder.folder().reviews();
    run_seed(1);
    let q = reviews.waiting("look", Place::Item(0)).unwrap().unwrap().question;
    let yes = Answer { word: Word::Accept, reason: String::new(), at: Millis(5) };
    reviews.decide("look", q.place, &q.attempt, &q.key, &yes).unwrap();
    assert_eq!(run_seed(1).status, Status::Done);
    assert_eq!(run_seed(2).status, Status::Parked, "another picture under the same number");
    let asked = reviews.waiting("look", Place::Item(0)).unwrap().unwrap();
    assert!(asked.moved && asked.answer.is_none() && asked.question.key != q.key);
    // The first one's answer is not forgotten.
    assert_eq!(run_seed(1).status, Status::Done);
}

#[test]
fn who_changes_their_mind_has_the_item_made_again() {
    let (before, _, dir) = to_the_end(LOOKED_AT, 6, 2, false);
    let folder = out(dir.path());
    let reviews = folder.folder().reviews();
    let item = *before.keys().next().unwrap();
    let all = reviews.all(Some("look")).unwrap();
    let q = &all.iter().rfind(|a| a.question.place == Place::Item(item)).unwrap().question;
    let no = Answer { word: Word::Reject, reason: "on second thought".into(), at: Millis(100) };
    reviews.decide("look", q.place, &q.attempt, &q.key, &no).unwrap();
    let rows = folder.folder().queue().jobs("test", None, item, 1).unwrap();
    assert_eq!(rows[0].state, JobState::Ready);
    // An older answer that arrives late changes nothing.
    let late = Answer { word: Word::Accept, reason: String::new(), at: Millis(50) };
    assert_eq!(reviews.decide("look", q.place, &q.attempt, &q.key, &late).unwrap(), Took::Same);
    let engine = engine();
    let plan = plan(&engine, &graph(LOOKED_AT), &batch_wish());
    let report = make(&engine, &plan, &folder, 6, 1, true);
    assert_eq!(report.rejections.iter().filter(|r| r.reason == "on second thought").count(), 1, "{report:?}");
}

const ORDERED: &str = r#"
    "p": (type: "Paint", with: {"seed": 1}),
    "look": (type: "Look", from: {"value": "p.image"}, with: {"retry": "p.seed", "attempts": 3}),
    "u": (type: "Unlike", from: {"image": "look.value"}, with: {"then": "skip"}),
    "g": (type: "Grey", from: {"image": "u.image"}),
    "w": (type: "Write", from: {"value": "g.value"}, with: {"name": "{item}.txt"}),"#;

#[test]
fn an_ordered_gate_behind_a_person_waits_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let folder = out(dir.path());
    let engine = engine();
    let plan = plan(&engine, &graph(ORDERED), &batch_wish());
    make(&engine, &plan, &folder, 12, 2, false);
    // All but item 0 are answered: whoever passes waits for it.
    let reviews = folder.folder().reviews();
    for asked in reviews.all(None).unwrap().iter().filter(|a| a.question.place != Place::Item(0)) {
        let q = &asked.question;
        let yes = Answer { word: Word::Accept, reason: String::new(), at: Millis(1) };
        reviews.decide(&q.gate, q.place, &q.attempt, &q.key, &yes).unwrap();
    }
    let report = make(&engine, &plan, &folder, 12, 2, true);
    let counts = report.items.unwrap();
    assert_eq!((report.status, counts.parked, counts.waiting, counts.done), (Status::Parked, 1, 11, 0));
    assert!(
        report.notes.iter().any(|n| n.contains("11 items") && n.contains("item 0")),
        "{:?}",
        report.notes
    );
    answer(folder.folder(), 2);
    let (one, ..) = to_the_end(ORDERED, 30, 1, false);
    let (four, ..) = to_the_end(ORDERED, 30, 4, false);
    let (anew, ..) = to_the_end(ORDERED, 30, 4, true);
    assert!(one.len() > 3 && one.len() < 14, "only 13 of the 26 greys are light enough: {one:?}");
    assert_eq!(one, four);
    assert_eq!(one, anew);
}

#[test]
fn a_fan_in_waits_for_a_person_unless_told_not_to() {
    let nodes = r#"
        "p": (type: "Paint", with: {"seed": 1}),
        "look": (type: "Look", from: {"value": "p.image"}),
        "g": (type: "Grey", from: {"image": "look.value"}),
        "s": (type: "Sum", from: {"values": "g.value"}),
        "w": (type: "Write", from: {"value": "s.count"}),"#;
    let dir = tempfile::tempdir().unwrap();
    let folder = out(dir.path());
    let engine = engine();
    let plan = plan(&engine, &graph(nodes), &batch_wish());
    let report = make(&engine, &plan, &folder, 3, 2, false);
    assert_eq!(report.status, Status::Parked);
    assert!(report.failures.is_empty() && report.notes[0].contains("--partial"), "{report:?}");
    assert!(!dir.path().join("value.txt").exists());
    let setup =
        Setup { out: Some(folder.clone()), batch: batch(3, true), partial: true, ..Setup::new("r", ".") };
    run(&engine, &plan, setup);
    assert_eq!(std::fs::read_to_string(dir.path().join("value.txt")).unwrap(), "0");
}

/// Answers as soon as it is looked at; time flies.
struct Quick {
    folder: Folder,
    looks: AtomicU64,
    put: AtomicU64,
    fails: bool,
}

impl Desk for Quick {
    fn put(&self, _: &kiln_core::store::Question, pictures: &[Arc<Image>]) -> Result<(), NodeError> {
        assert_eq!(pictures.len(), 1);
        self.put.fetch_add(1, Ordering::SeqCst);
        if self.fails { Err(NodeError::new("the disk is full")) } else { Ok(()) }
    }
    fn look(&self, resting: bool) {
        if resting {
            self.looks.fetch_add(1, Ordering::SeqCst);
            answer(&self.folder, self.looks.load(Ordering::SeqCst));
        }
    }
}

struct Hasty;
impl Clock for Hasty {
    fn now(&self) -> Millis {
        Millis(7)
    }
    fn pause(&self, time: Duration) {
        assert!(time >= Duration::from_millis(100), "that would be a busy loop");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn desk(folder: &Arc<OutFolder>, fails: bool) -> Arc<Quick> {
    let folder = folder.folder().clone();
    Arc::new(Quick { folder, looks: AtomicU64::new(0), put: AtomicU64::new(0), fails })
}

#[test]
fn a_run_may_wait_for_a_person() {
    let (wanted, ..) = to_the_end(LOOKED_AT, 8, 1, false);
    let dir = tempfile::tempdir().unwrap();
    let folder = out(dir.path());
    let engine = engine().with_clock(Arc::new(Hasty));
    let plan = plan(&engine, &graph(LOOKED_AT), &batch_wish());
    let quick = desk(&folder, false);
    let setup = Setup {
        out: Some(folder.clone()),
        batch: batch(8, false),
        desk: Some(quick.clone()),
        wait: true,
        ..Setup::new("r", ".")
    };
    let report = run(&engine, &plan, setup);
    assert_eq!(report.status, Status::Done, "{report:?}");
    assert_eq!(texts(dir.path(), 8), wanted);
    assert!(quick.looks.load(Ordering::SeqCst) > 1 && quick.put.load(Ordering::SeqCst) >= 8);
}

#[test]
fn a_picture_that_cannot_be_shown_is_not_asked_about() {
    let dir = tempfile::tempdir().unwrap();
    let folder = out(dir.path());
    let engine = engine();
    let plan = plan(&engine, &graph(LOOKED_AT), &batch_wish());
    let desk = desk(&folder, true);
    let setup =
        Setup { out: Some(folder.clone()), batch: batch(2, false), desk: Some(desk), ..Setup::new("r", ".") };
    let report = run(&engine, &plan, setup);
    assert_eq!((report.status, report.items.unwrap().failed), (Status::Failed, 2));
    assert!(report.failures[0].2.contains("the disk is full"));
    assert_eq!(folder.folder().reviews().all(None).unwrap(), []);
}

#[test]
fn a_single_run_parks_as_well() {
    let nodes = r#"
        "p": (type: "Paint", with: {"seed": 1}),
        "look": (type: "Look", from: {"value": "p.image"}, with: {"retry": "p.seed", "attempts": 9}),
        "g": (type: "Grey", from: {"image": "look.value"}),
        "w": (type: "Write", from: {"value": "g.value"}),"#;
    let dir = tempfile::tempdir().unwrap();
    let folder = out(dir.path());
    let engine = engine().with_clock(Arc::new(Hasty));
    let plan = plan(&engine, &graph(nodes), &kiln_core::Wish::default());
    let setup = || Setup { out: Some(folder.clone()), ..Setup::new("r", ".") };
    let report = run(&engine, &plan, setup());
    assert_eq!((report.status, report.waiting.len()), (Status::Parked, 1), "{report:?}");
    let mut report = report;
    for at in 0..9 {
        if report.status == Status::Done {
            break;
        }
        answer(folder.folder(), at);
        report = run(&engine, &plan, setup());
    }
    assert_eq!(report.status, Status::Done);
    let made = std::fs::read_to_string(dir.path().join("value.txt")).unwrap();
    assert!(made.parse::<f64>().unwrap() >= 0.5);
    let passed = folder.folder().verdicts().passes(&single_id(&plan), Place::Run).unwrap();
    assert_eq!(passed.len(), 1, "{passed:?}");
    // The same, staying until it is decided.
    let other = tempfile::tempdir().unwrap();
    let folder = out(other.path());
    let desk = desk(&folder, false);
    let setup = Setup { out: Some(folder), desk: Some(desk), wait: true, ..Setup::new("r", ".") };
    let report = run(&engine, &plan, setup);
    assert_eq!(report.status, Status::Done, "{report:?}");
    assert_eq!(std::fs::read_to_string(other.path().join("value.txt")).unwrap(), made);
    // Without a folder there is nobody to ask.
    let report = run(&engine, &plan, Setup::new("r", "."));
    assert!(report.failures.iter().any(|f| f.2.contains("--out")), "{report:?}");
}

#[test]
fn what_the_run_waits_for_holds_its_items() {
    // A person decides on what all items have in common, then each item goes on.
    let nodes = r#"
        "p": (type: "Paint", with: {"seed": Fixed(200)}),
        "look": (type: "Look", from: {"value": "p.image"}),
        "g": (type: "Grey", from: {"image": "look.value"}),
        "w": (type: "Write", from: {"value": "g.value"}, with: {"name": "{item}.txt"}),"#;
    for wait in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let folder = out(dir.path());
        let engine = engine().with_clock(Arc::new(Hasty));
        let plan = plan(&engine, &graph(nodes), &batch_wish());
        let desk: Arc<dyn Desk> = desk(&folder, false);
        let setup = |resume| Setup {
            out: Some(folder.clone()),
            batch: batch(3, resume),
            desk: Some(desk.clone()),
            wait,
            ..Setup::new("r", ".")
        };
        let mut report = run(&engine, &plan, setup(false));
        if !wait {
            assert_eq!((report.status, report.items.unwrap().parked), (Status::Parked, 3), "{report:?}");
            answer(folder.folder(), 1);
            report = run(&engine, &plan, setup(true));
        }
        assert_eq!(report.status, Status::Done, "wait {wait}: {report:?}");
        assert_eq!(texts(dir.path(), 3).len(), 3);
    }
}
