//! Questions and answers, and how they move jobs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_store::{
    Answer, Attempt, BatchSpec, Folder, Found, Items, JobState, Judged, Millis, Mode, Outcome, Place,
    Question, Queue, Recorded, Took, Word,
};
use kiln_types::Key;

const B: &str = "b";

fn question(item: u64, attempt: u32, key: u8) -> Question {
    Question {
        gate: "look".into(),
        place: Place::Item(item),
        attempt: Attempt(vec![attempt]),
        key: Key([key; 32]),
        question: "good?".into(),
        note: "n".into(),
        asked: Millis(10),
    }
}

fn says(word: Word, at: u64) -> Answer {
    Answer { word, reason: "r".into(), at: Millis(at) }
}

fn folder(dir: &tempfile::TempDir, items: u64) -> Folder {
    let folder = Folder::open(dir.path(), Millis(0)).unwrap();
    let spec = BatchSpec { id: B.into(), items: Items::Range(0, items), mode: Mode::Fresh };
    folder.queue().open_batch(&spec, "w", Millis(0)).unwrap();
    folder
}

fn state(folder: &Folder, item: u64) -> JobState {
    folder.queue().jobs(B, None, item, 1).unwrap()[0].state
}

fn decide(folder: &Folder, q: &Question, answer: &Answer) -> Took {
    folder.reviews().decide(&q.gate, q.place, &q.attempt, &q.key, answer).unwrap()
}

fn park(folder: &Folder, q: &Question) -> Option<Answer> {
    let lease = folder.queue().claim(B, "w", 1000, Millis(1)).unwrap().unwrap();
    assert_eq!(Place::Item(lease.item), q.place);
    let found = folder.reviews().ask(Some(B), q).unwrap();
    if found.is_none() {
        assert!(folder.queue().settle(&lease, Outcome::Parked { reason: "p".into() }, Millis(1)).unwrap());
    }
    found
}

#[test]
fn an_answer_wakes_the_item_that_asked() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(&dir, 2);
    let q = question(0, 1, 1);
    assert_eq!(park(&folder, &q), None);
    assert_eq!(state(&folder, 0), JobState::Parked);
    assert_eq!(park(&folder, &question(1, 1, 1)), None);
    assert_eq!(folder.reviews().version().unwrap(), 0);
    assert_eq!(decide(&folder, &q, &says(Word::Accept, 20)), Took::New);
    assert_eq!((state(&folder, 0), state(&folder, 1)), (JobState::Ready, JobState::Parked));
    assert_eq!(decide(&folder, &q, &says(Word::Accept, 21)), Took::Same);
    assert_eq!(folder.reviews().version().unwrap(), 1);
    // Handed out again, it finds its answer.
    assert_eq!(park(&folder, &q).unwrap().word, Word::Accept);
    let found = folder.reviews().look(Some(B), "look", q.place, &q.attempt, &q.key).unwrap().unwrap();
    assert_eq!((found.answer.unwrap().reason.as_str(), found.waiting), ("r", false));
    assert_eq!(folder.reviews().gates().unwrap(), ["look"]);
    assert_eq!(folder.reviews().lowest_waiting(B).unwrap(), Some(1));
}

#[test]
fn an_answer_between_the_question_and_the_parking_is_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(&dir, 1);
    let q = question(0, 1, 1);
    let lease = folder.queue().claim(B, "w", 1000, Millis(1)).unwrap().unwrap();
    assert_eq!(folder.reviews().ask(Some(B), &q).unwrap(), None);
    decide(&folder, &q, &says(Word::Reject, 20));
    folder.queue().settle(&lease, Outcome::Parked { reason: "p".into() }, Millis(1)).unwrap();
    assert_eq!(state(&folder, 0), JobState::Ready);
    // One that waits for something else is left as it is.
    let lease = folder.queue().claim(B, "w", 1000, Millis(1)).unwrap().unwrap();
    folder.reviews().ask(Some(B), &question(0, 2, 2)).unwrap();
    folder.queue().settle(&lease, Outcome::Parked { reason: "p".into() }, Millis(1)).unwrap();
    assert_eq!(state(&folder, 0), JobState::Parked);
    assert_eq!(folder.reviews().wake_answered(B).unwrap(), 0);
    folder.reviews().withdraw(B, 0).unwrap();
    assert_eq!(folder.reviews().wake_answered(B).unwrap(), 1);
}

#[test]
fn an_answer_belongs_to_the_value_that_was_shown() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(&dir, 1);
    let reviews = folder.reviews();
    let (one, two) = (question(0, 1, 1), question(0, 1, 2));
    reviews.ask(Some(B), &one).unwrap();
    decide(&folder, &one, &says(Word::Accept, 20));
    assert_eq!(reviews.ask(Some(B), &two).unwrap(), None);
    let all = reviews.all(None).unwrap();
    assert!(all.len() == 1 && all[0].moved && all[0].waiting && all[0].answer.is_none(), "{all:?}");
    // An answer about what is no longer asked is kept for when it is.
    assert_eq!(decide(&folder, &one, &says(Word::Redo, 30)), Took::New);
    assert!(reviews.waiting("look", Place::Item(0)).unwrap().is_some());
    assert_eq!(reviews.ask(Some(B), &one).unwrap().unwrap().word, Word::Redo);
    assert_eq!(reviews.waiting("look", Place::Item(0)).unwrap(), None);
    reviews.note_seen(&[(&one, "redo"), (&two, "never")]).unwrap();
    assert_eq!(reviews.all(Some("look")).unwrap()[0].seen, "redo");
    assert_eq!(reviews.all(Some("other")).unwrap(), []);
}

#[test]
fn another_mind_has_the_item_and_those_above_decided_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(&dir, 3);
    let (queue, log) = (folder.queue(), folder.ordered());
    for item in 0..3 {
        let q = question(item, 1, 1);
        folder.reviews().ask(Some(B), &q).unwrap();
        decide(&folder, &q, &says(Word::Accept, 20));
        let lease = queue.claim(B, "w", 1000, Millis(1)).unwrap().unwrap();
        let chain = log.chain_below(B, "u", item).unwrap();
        assert_eq!(
            log.record(B, "u", item, Some(&[item as u8]), &chain).unwrap(),
            Recorded::Yes { redecide: vec![] }
        );
        queue.settle(&lease, Outcome::Done { detail: String::new() }, Millis(1)).unwrap();
    }
    decide(&folder, &question(1, 1, 1), &says(Word::Reject, 30));
    assert_eq!([0, 1, 2].map(|i| state(&folder, i)), [JobState::Done, JobState::Ready, JobState::Ready]);
    // An earlier word that comes late changes nothing.
    assert_eq!(decide(&folder, &question(1, 1, 1), &says(Word::Accept, 25)), Took::Same);
    // In a worker's hands, it is handed out once more after it was settled.
    let lease = queue.claim(B, "w", 1000, Millis(1)).unwrap().unwrap();
    assert_eq!(lease.item, 1);
    decide(&folder, &question(1, 1, 1), &says(Word::Accept, 40));
    queue.settle(&lease, Outcome::Skipped { reason: "rejected".into() }, Millis(1)).unwrap();
    assert_eq!(state(&folder, 1), JobState::Ready);
}

#[test]
fn what_all_wait_for_wakes_all() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(&dir, 3);
    for _ in 0..3 {
        let lease = folder.queue().claim(B, "w", 1000, Millis(1)).unwrap().unwrap();
        folder.queue().settle(&lease, Outcome::Parked { reason: "p".into() }, Millis(1)).unwrap();
    }
    let q = Question { place: Place::Run, ..question(0, 1, 1) };
    folder.reviews().ask(Some(B), &q).unwrap();
    assert_eq!(folder.queue().counts(B).unwrap().parked, 3);
    decide(&folder, &q, &says(Word::Accept, 20));
    assert_eq!(folder.queue().counts(B).unwrap().ready, 3);
}

#[test]
fn questions_come_in_order_and_texts_have_an_end() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(&dir, 1);
    let reviews = folder.reviews();
    for attempt in [10, 2, 1] {
        let long = Question { note: "ä".repeat(100_000), ..question(12, attempt, 1) };
        reviews.ask(None, &long).unwrap();
    }
    reviews.ask(None, &Question { place: Place::Window(3), ..question(0, 1, 1) }).unwrap();
    reviews.ask(None, &question(2, 1, 1)).unwrap();
    let all = reviews.all(None).unwrap();
    let shown: Vec<String> =
        all.iter().map(|a| format!("{}/{}", a.question.place, a.question.attempt)).collect();
    assert_eq!(shown, ["2/1", "12/1", "12/2", "12/10", "window 3/1"]);
    assert!(all.iter().all(|a| a.question.note.len() < 10_000));
    assert!(reviews.ask(None, &question(u64::MAX, 1, 1)).is_err());
}

#[test]
fn verdicts_are_replaced_round_by_round() {
    let dir = tempfile::tempdir().unwrap();
    let verdicts = folder(&dir, 1).verdicts();
    let found = |attempt: &[u32], judged, score| Found {
        gate: "g".into(),
        place: Place::Item(4),
        attempt: Attempt(attempt.to_vec()),
        judged,
        score,
        reason: Some("r".into()),
    };
    let put = |around: &[u32], all: &[Found]| {
        verdicts.put(B, Place::Item(4), &["g"], &Attempt(around.to_vec()), all).unwrap();
    };
    put(&[], &[found(&[1], Judged::Rejected, f64::NAN), found(&[2], Judged::Passed, f64::INFINITY)]);
    put(
        &[],
        &[
            found(&[1], Judged::Rejected, 0.5),
            found(&[2], Judged::Rejected, 0.7),
            found(&[3], Judged::Best, 0.9),
        ],
    );
    let passes = verdicts.passes(B, Place::Item(4)).unwrap();
    assert_eq!((passes.len(), passes[0].attempt.own(), passes[0].judged), (1, 3, Judged::Best));
    let counts = &verdicts.counts(B).unwrap()[0];
    assert_eq!((counts.passed, counts.rejected), (1, 3), "the best one was rejected as well");
    assert_eq!(verdicts.with_reason(B, "g").unwrap(), 3);
    assert_eq!(verdicts.rejected(B, "g", 1, 1).unwrap()[0].attempt.own(), 2);
    // In regions within regions, a round leaves the rejections of others alone, but one thing passes only.
    put(&[], &[]);
    put(&[1], &[found(&[1, 1], Judged::Rejected, 0.0), found(&[1, 2], Judged::Passed, 1.0)]);
    put(&[2], &[found(&[2, 1], Judged::Passed, 1.0)]);
    let all: Vec<String> = verdicts
        .of(B, Place::Item(4))
        .unwrap()
        .iter()
        .map(|v| format!("{} {:?}", v.attempt, v.judged))
        .collect();
    assert_eq!(all, ["1.1 Rejected", "2.1 Passed"]);
    assert_eq!(verdicts.of("unknown", Place::Run).unwrap(), []);
    assert_eq!(verdicts.counts("unknown").unwrap(), []);
}
