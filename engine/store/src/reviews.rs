//! What people are asked, and what they answered.
//!
//! A question is a gate's, about a place (an item) and an attempt. It names the value that was looked at by
//! its key, and so does the answer: of another value it says nothing. A question that is not answered waits,
//! and its item is parked; the transaction that writes the answer makes the item ready again, so whoever
//! works on the batch goes on with it. An item that comes to be parked just after its answer was written is
//! ready at once, and one that was settled by an answer since changed is made again.

use std::sync::Arc;

use kiln_types::Key;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::error::StoreError;
use crate::folder::{Inner, item_sql};
use crate::millis::Millis;
use crate::ordered;
use crate::place::{Attempt, Place};
use crate::sqlite_queue::{batch_made, batch_number};

/// No text of a question or an answer is kept longer.
const LONGEST: usize = 4000;

/// What a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Word {
    /// It passes.
    Accept,
    /// It does not.
    Reject,
    /// It is to be made once more.
    Redo,
}

impl Word {
    /// The word itself.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Redo => "redo",
        }
    }

    fn number(self) -> i64 {
        self as i64
    }

    fn from_number(number: i64) -> Self {
        match number {
            0 => Self::Accept,
            1 => Self::Reject,
            _ => Self::Redo,
        }
    }
}

/// What a person is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The gate.
    pub gate: String,
    /// Whose value.
    pub place: Place,
    /// Which attempt.
    pub attempt: Attempt,
    /// The value.
    pub key: Key,
    /// The question in words.
    pub question: String,
    /// What else to know of this one.
    pub note: String,
    /// When it was asked.
    pub asked: Millis,
}

/// What a person answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The decision.
    pub word: Word,
    /// Why; may be empty.
    pub reason: String,
    /// When.
    pub at: Millis,
}

/// A question, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The question.
    pub question: Question,
    /// The answer to it.
    pub answer: Option<Answer>,
    /// Somebody's item waits for the answer.
    pub waiting: bool,
    /// It was answered before, but the value is another one now.
    pub moved: bool,
    /// What was last read from or written to a file for it; a program's own note.
    pub seen: String,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// It is written down.
    New,
    /// It said so already.
    Same,
}

/// The questions and answers of a folder.
#[derive(Clone)]
pub struct Reviews {
    inner: Arc<Inner>,
}

/// A job is handed out: what it waited for, it asks again if it gets there.
pub(crate) fn begins(tx: &Transaction<'_>, batch: i64, item: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE question SET waiting = 0 WHERE batch = ?1 AND scope = 0 AND item = ?2 AND waiting = 1",
    )?
    .execute(params![batch, item])?;
    tx.prepare_cached(
        "UPDATE question SET changed = 0 WHERE batch = ?1 AND scope = 0 AND item = ?2 AND changed = 1",
    )?
    .execute(params![batch, item])?;
    Ok(())
}

/// Whether an answer about an item changed since it was handed out.
pub(crate) fn is_changed(tx: &Connection, batch: i64, item: i64) -> rusqlite::Result<bool> {
    tx.prepare_cached("SELECT 1 FROM question WHERE batch = ?1 AND scope = 0 AND item = ?2 AND changed = 1")?
        .exists(params![batch, item])
}

/// Whether everything an item asked is answered. One that asked nothing waits for something else.
pub(crate) fn is_answered(tx: &Connection, batch: i64, item: i64) -> rusqlite::Result<bool> {
    let asked = tx
        .prepare_cached("SELECT 1 FROM question WHERE batch = ?1 AND scope = 0 AND item = ?2")?
        .exists(params![batch, item])?;
    let waiting = tx
        .prepare_cached(
            "SELECT 1 FROM question WHERE batch = ?1 AND scope = 0 AND item = ?2 AND waiting = 1",
        )?
        .exists(params![batch, item])?;
    Ok(asked && !waiting)
}

fn short(text: &str) -> &str {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

fn answer(row: &Row<'_>, from: usize) -> rusqlite::Result<Option<Answer>> {
    let Some(word) = row.get::<_, Option<i64>>(from)? else { return Ok(None) };
    Ok(Some(Answer {
        word: Word::from_number(word),
        reason: row.get(from + 1)?,
        at: Millis::from_sql(row.get(from + 2)?),
    }))
}

const ASKED: &str =
    "SELECT q.gate, q.scope, q.item, q.attempt, q.key, q.question, q.note, q.asked, q.waiting, q.moved,
    q.seen, a.word, a.reason, a.at FROM question q LEFT JOIN answer a ON a.gate = q.gate AND a.scope = q.scope
    AND a.item = q.item AND a.attempt = q.attempt AND a.key = q.key";

fn asked(row: &Row<'_>) -> rusqlite::Result<Asked> {
    let attempt: String = row.get(3)?;
    Ok(Asked {
        question: Question {
            gate: row.get(0)?,
            place: Place::from_sql(row.get(1)?, row.get(2)?),
            attempt: Attempt::read(&attempt),
            key: Key(row.get(4)?),
            question: row.get(5)?,
            note: row.get(6)?,
            asked: Millis::from_sql(row.get(7)?),
        },
        waiting: row.get(8)?,
        moved: row.get(9)?,
        seen: row.get(10)?,
        answer: answer(row, 11)?,
    })
}

impl Reviews {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// Asks, or asks again. The answer, if there is one to this very value; else the question waits.
    pub fn ask(&self, batch: Option<&str>, q: &Question) -> Result<Option<Answer>, StoreError> {
        let (scope, item) = q.place.sql()?;
        let attempt = q.attempt.to_string();
        self.inner.write("write down a question", |tx| {
            let n = batch.map_or(Ok(0), |b| batch_made(tx, b))?;
            let found = tx
                .prepare_cached(
                    "SELECT word, reason, at FROM answer
                     WHERE gate = ?1 AND scope = ?2 AND item = ?3 AND attempt = ?4 AND key = ?5",
                )?
                .query_row(params![q.gate, scope, item, attempt, q.key.0], |row| answer(row, 0))
                .optional()?
                .flatten();
            let other = tx
                .prepare_cached(
                    "SELECT 1 FROM answer
                     WHERE gate = ?1 AND scope = ?2 AND item = ?3 AND attempt = ?4 AND key <> ?5",
                )?
                .exists(params![q.gate, scope, item, attempt, q.key.0])?;
            tx.prepare_cached(
                "INSERT INTO question (gate, scope, item, attempt, key, batch, waiting, changed, moved, question,
                 note, asked, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10, ?11, '')
                 ON CONFLICT (gate, scope, item, attempt) DO UPDATE SET batch = excluded.batch,
                 waiting = excluded.waiting, moved = excluded.moved, question = excluded.question,
                 note = excluded.note, asked = CASE WHEN key = excluded.key THEN asked ELSE excluded.asked END,
                 seen = CASE WHEN key = excluded.key THEN seen ELSE '' END, key = excluded.key",
            )?
            .execute(params![
                q.gate,
                scope,
                item,
                attempt,
                q.key.0,
                n,
                found.is_none(),
                other && found.is_none(),
                short(&q.question),
                short(&q.note),
                q.asked.sql()
            ])?;
            Ok(found)
        })
    }

    /// The answer about a value, and whether the question stands written down. Where it does, it is from now
    /// on this batch's.
    pub fn look(
        &self,
        batch: Option<&str>,
        gate: &str,
        place: Place,
        attempt: &Attempt,
        key: &Key,
    ) -> Result<Option<Asked>, StoreError> {
        let (scope, item) = place.sql()?;
        let attempt = attempt.to_string();
        let found = self.inner.read("look for an answer", |c| {
            let n = batch.map_or(Ok(Some(0)), |b| batch_number(c, b))?.unwrap_or(-1);
            c.prepare_cached(&format!(
                "{ASKED} WHERE q.gate = ?1 AND q.scope = ?2 AND q.item = ?3 AND q.attempt = ?4 AND q.key = ?5"
            ))?
            .query_row(params![gate, scope, item, attempt, key.0], asked)
            .optional()?
            .map(|found| {
                let ours = c
                    .prepare_cached(
                        "SELECT 1 FROM question WHERE gate = ?1 AND scope = ?2 AND item = ?3 AND attempt = ?4
                         AND batch = ?5",
                    )?
                    .exists(params![gate, scope, item, attempt, n])?;
                Ok((found, ours))
            })
            .transpose()
        })?;
        Ok(match found {
            Some((found, false)) if found.answer.is_some() => {
                self.ask(batch, &found.question)?;
                Some(found)
            }
            found => found.map(|(found, _)| found),
        })
    }

    /// Every question of a gate, or of all gates, by gate, place and attempt.
    pub fn all(&self, gate: Option<&str>) -> Result<Vec<Asked>, StoreError> {
        let mut found: Vec<Asked> = self.inner.read("list the questions", |c| {
            c.prepare_cached(&format!("{ASKED} WHERE ?1 IS NULL OR q.gate = ?1"))?
                .query_map([gate], asked)?
                .collect()
        })?;
        // Texts would sort attempt 10 before 2.
        found.sort_by(|a, b| {
            let of = |q: &Asked| (q.question.gate.clone(), q.question.place, q.question.attempt.clone());
            of(a).cmp(&of(b))
        });
        Ok(found)
    }

    /// The names of the gates that ever asked, sorted.
    pub fn gates(&self) -> Result<Vec<String>, StoreError> {
        self.inner.read("list the gates that ask", |c| {
            c.prepare_cached("SELECT DISTINCT gate FROM question ORDER BY gate")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }

    /// The question that waits at a gate about a place.
    pub fn waiting(&self, gate: &str, place: Place) -> Result<Option<Asked>, StoreError> {
        let (scope, item) = place.sql()?;
        self.inner.read("look for a question", |c| {
            c.prepare_cached(&format!(
                "{ASKED} WHERE q.gate = ?1 AND q.scope = ?2 AND q.item = ?3 AND q.waiting = 1"
            ))?
            .query_row(params![gate, scope, item], asked)
            .optional()
        })
    }

    /// Answers the question about a value, and makes the item that waits for it ready. An answer given before
    /// is replaced, unless it is the later one; an item that was settled by it is made again.
    pub fn decide(
        &self,
        gate: &str,
        place: Place,
        attempt: &Attempt,
        key: &Key,
        given: &Answer,
    ) -> Result<Took, StoreError> {
        let (scope, item) = place.sql()?;
        let attempt = attempt.to_string();
        self.inner.write_durable("write down an answer", |tx| {
            let before = tx
                .prepare_cached(
                    "SELECT word, reason, at FROM answer
                     WHERE gate = ?1 AND scope = ?2 AND item = ?3 AND attempt = ?4 AND key = ?5",
                )?
                .query_row(params![gate, scope, item, attempt, key.0], |row| answer(row, 0))
                .optional()?
                .flatten();
            let reason = short(&given.reason);
            if before
                .as_ref()
                .is_some_and(|b| b.at > given.at || (b.word, b.reason.as_str()) == (given.word, reason))
            {
                return Ok(Took::Same);
            }
            tx.prepare_cached(
                "INSERT OR REPLACE INTO answer (gate, scope, item, attempt, key, word, reason, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                gate,
                scope,
                item,
                attempt,
                key.0,
                given.word.number(),
                reason,
                given.at.sql()
            ])?;
            let batch: Option<i64> = tx
                .prepare_cached(
                    "UPDATE question SET waiting = 0, moved = 0 WHERE gate = ?1 AND scope = ?2 AND item = ?3
                     AND attempt = ?4 AND key = ?5 RETURNING batch",
                )?
                .query_row(params![gate, scope, item, attempt, key.0], |row| row.get(0))
                .optional()?;
            if let Some(batch) = batch {
                let otherwise = before.is_some_and(|b| b.word != given.word);
                wake(tx, batch, (scope == 0).then_some(item), otherwise)?;
                if otherwise {
                    tx.prepare_cached(
                        "UPDATE question SET changed = 1
                         WHERE gate = ?1 AND scope = ?2 AND item = ?3 AND attempt = ?4",
                    )?
                    .execute(params![gate, scope, item, attempt])?;
                }
            }
            Ok(Took::New)
        })
    }

    /// Notes what a file said of a question when it was last read or written.
    pub fn note_seen(&self, notes: &[(&Question, &str)]) -> Result<(), StoreError> {
        if notes.is_empty() {
            return Ok(());
        }
        let mut rows = Vec::with_capacity(notes.len());
        for (q, word) in notes {
            rows.push((q, q.place.sql()?, q.attempt.to_string(), *word));
        }
        self.inner.write("note what a file says", |tx| {
            let mut put = tx.prepare_cached(
                "UPDATE question SET seen = ?6
                 WHERE gate = ?1 AND scope = ?2 AND item = ?3 AND attempt = ?4 AND key = ?5",
            )?;
            for (q, (scope, item), attempt, word) in rows {
                put.execute(params![q.gate, scope, item, attempt, q.key.0, word])?;
            }
            Ok(())
        })
    }

    /// A number that grows with every answer.
    pub fn version(&self) -> Result<u64, StoreError> {
        self.inner.read("look for new answers", |c| {
            let n: Option<i64> =
                c.prepare_cached("SELECT max(n) FROM answer")?.query_row([], |row| row.get(0))?;
            Ok(n.map_or(0, crate::folder::unsigned))
        })
    }

    /// Makes the parked items of a batch ready that wait for no answer any more, and says how many.
    pub fn wake_answered(&self, batch: &str) -> Result<u64, StoreError> {
        self.inner.write("wake what was answered", |tx| {
            let Some(n) = batch_number(tx, batch)? else { return Ok(0) };
            let woken = tx
                .prepare_cached(
                    "UPDATE job SET state = 0, deliveries = 0, detail = NULL WHERE batch = ?1 AND state = 3
                     AND NOT EXISTS (SELECT 1 FROM question q WHERE q.batch = ?1 AND q.scope = 0
                       AND q.item = job.item AND q.waiting = 1)",
                )?
                .execute([n])?;
            Ok(woken as u64)
        })
    }

    /// How many questions of a batch's items below one wait, and the lowest such item: what an ordered gate
    /// waits for.
    pub fn lowest_waiting(&self, batch: &str) -> Result<Option<u64>, StoreError> {
        self.inner.read("look for a question", |c| {
            let Some(n) = batch_number(c, batch)? else { return Ok(None) };
            let low: Option<i64> = c
                .prepare_cached(
                    "SELECT min(item) FROM question WHERE batch = ?1 AND scope = 0 AND waiting = 1",
                )?
                .query_row([n], |row| row.get(0))?;
            Ok(low.map(crate::folder::unsigned))
        })
    }

    /// Takes an item's questions off the waiting list: a person's word is not needed any more.
    pub fn withdraw(&self, batch: &str, item: u64) -> Result<(), StoreError> {
        let item = item_sql(item)?;
        self.inner.write("withdraw a question", |tx| {
            let Some(n) = batch_number(tx, batch)? else { return Ok(()) };
            begins(tx, n, item)
        })
    }
}

/// Makes jobs ready that an answer concerns: an item's, or, where it is about what all have in common, all
/// that are parked.
fn wake(tx: &Transaction<'_>, batch: i64, item: Option<i64>, otherwise: bool) -> rusqlite::Result<()> {
    let set = "UPDATE job SET state = 0, deliveries = 0, detail = NULL WHERE batch = ?1 AND state";
    let Some(item) = item else {
        tx.prepare_cached(&format!("{set} = 3"))?.execute([batch])?;
        return Ok(());
    };
    tx.prepare_cached(&format!("{set} = 3 AND item = ?2"))?.execute(params![batch, item])?;
    if otherwise {
        tx.prepare_cached(&format!("{set} IN (4, 5, 6) AND item = ?2"))?.execute(params![batch, item])?;
        ordered::forget_item(tx, batch, item)?;
    }
    Ok(())
}
