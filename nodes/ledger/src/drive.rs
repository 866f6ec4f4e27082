//! Brings orders onto a chain, each once, whatever happens between.
//!
//! The rule: what is about to be sent is in the book, on the disk, before it is sent; and before anything is sent anew,
//! the chain is asked. All transactions of an order share a nonce until it is proved that none of them can land.

use crate::book::{Attempt, Book, Ended, Generation, Hash, Landed, Record, Writing};
use crate::log::LogError;
use crate::next::{Step, step};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The contract or account; `None` makes a contract.
    pub to: Option<crate::Address>,
    /// What is sent along, in wei.
    pub value: u128,
    /// The call, or a contract's code.
    pub data: Vec<u8>,
}

/// Something wanted once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its name: the same after a crash.
    pub id: Hash,
    /// In words.
    pub words: String,
    /// What it does.
    pub call: Call,
}

/// What the chain says of a generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The newest block.
    pub head: u64,
    /// How many nonces of the account are used up at the newest block.
    pub used: u64,
    /// The same, counting what waits in the node.
    pub pending: u64,
    /// Those of the attempts that are in a block of the chain.
    pub landed: Vec<Option<Landed>>,
    /// Whether the node knows an attempt.
    pub known: Vec<bool>,
    /// Who used the generation's nonce and in which block, when that was asked.
    pub user: Option<(Hash, u64)>,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// So many blocks, its own included, and a transaction stays.
    pub confirmations: u64,
    /// After so long a transaction that is known and not mined gets a higher fee.
    pub stuck_ms: u64,
    /// After so long a transaction that the node does not know is sent again.
    pub resend_ms: u64,
    /// How often the chain is asked.
    pub poll_ms: u64,
    /// After so long without anything new it is given up for now; the next run goes on.
    pub patience_ms: u64,
    /// So many nonces are used for one order at most.
    pub generations: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            confirmations: 3,
            stuck_ms: 90_000,
            resend_ms: 15_000,
            poll_ms: 2_000,
            patience_ms: 900_000,
            generations: 6,
        }
    }
}

/// What a node answered to a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It has it (now or from before), or a rival with the same nonce: the chain will tell.
    Taken,
    /// It never takes this one.
    Refused(String),
}

/// Why it does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No answer, too many requests: try again.
    #[error("{0}")]
    Passing(String),
    /// A person has to do something.
    #[error("{0}")]
    Stop(String),
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl From<LogError> for Trouble {
    fn from(e: LogError) -> Self {
        Self::Stop(e.to_string())
    }
}

/// The chain, the key, the clock.
pub trait World {
    /// What the chain says of these transactions of the account.
    ///
    /// # Errors
    /// When it does not answer.
    fn look(&mut self, hashes: &[Hash]) -> Result<View, Trouble>;

    /// Which transaction has a nonce of the account, and in which block; `None` if no block has it (any more).
    ///
    /// # Errors
    /// When it cannot be found out.
    fn who_used(&mut self, nonce: u64, since: u64) -> Result<Option<(Hash, u64)>, Trouble>;

    /// Tries a call, prices it, asks the policy, and signs it with this nonce. `rival`: one of ours with the same nonce
    /// that it has to outbid.
    ///
    /// # Errors
    /// When it would fail on the chain, costs too much, or is not allowed.
    fn sign(&mut self, job: &Job, nonce: u64, rival: Option<&Attempt>) -> Result<Attempt, Trouble>;

    /// The same transaction with a higher fee; `None` if the fee may not rise further.
    ///
    /// # Errors
    /// When it is not allowed.
    fn outbid(&mut self, attempt: &Attempt) -> Result<Option<Attempt>, Trouble>;

    /// Sends.
    ///
    /// # Errors
    /// When no answer came.
    fn send(&mut self, attempt: &Attempt) -> Result<Sent, Trouble>;

    /// Milliseconds.
    fn now(&self) -> u64;

    /// Lets a while pass.
    ///
    /// # Errors
    /// When somebody asked to stop.
    fn rest(&mut self, ms: u64) -> Result<(), Trouble>;

    /// Asked before anything new is begun.
    ///
    /// # Errors
    /// When somebody asked to stop.
    fn may_go_on(&self) -> Result<(), Trouble> {
        Ok(())
    }

    /// Told after each thing that was written down: `done` of `total` orders are on the chain for good.
    fn progress(&mut self, done: usize, total: usize) {
        let _ = (done, total);
    }
}

/// Brings orders onto the chain: opens the book, and works until every job is on the chain for good; in their order, one after the other.
///
/// # Errors
/// When a person has to do something; what is under way stays in the book, and the next call goes on.
pub fn run<W: World>(
    book: &mut Book,
    world: &mut W,
    rules: Rules,
    jobs: &[Job],
) -> Result<Vec<Landed>, Trouble> {
    let mut writing = book.hold(Duration::from_millis(rules.patience_ms))?;
    run_held(&mut writing, world, rules, jobs)
}

/// The same with a book that is ours already.
///
/// # Errors
/// As [`run`].
pub fn run_held<W: World>(
    book: &mut Writing<'_>,
    world: &mut W,
    rules: Rules,
    jobs: &[Job],
) -> Result<Vec<Landed>, Trouble> {
    let mut work = Work { book, world, rules, sent: BTreeMap::new() };
    work.run(jobs)
}

struct Work<'a, 'b, W> {
    book: &'a mut Writing<'b>,
    world: &'a mut W,
    rules: Rules,
    /// When this process last sent something with an order's nonce.
    sent: BTreeMap<Hash, u64>,
}

/// What came of looking at everything once.
struct Round {
    moved: bool,
    trouble: Option<String>,
}

impl<W: World> Work<'_, '_, W> {
    fn run(&mut self, jobs: &[Job]) -> Result<Vec<Landed>, Trouble> {
        let mut quiet_since = self.world.now();
        let mut last_trouble = None;
        loop {
            self.world.may_go_on()?;
            let round = match self.round(jobs) {
                Err(Trouble::Passing(why)) => Round { moved: false, trouble: Some(why) },
                other => other?,
            };
            let done: Vec<Landed> =
                jobs.iter().filter_map(|job| self.book.pages().last(&job.id)?.succeeded().cloned()).collect();
            self.world.progress(done.len(), jobs.len());
            if done.len() == jobs.len() {
                return Ok(done);
            }
            if round.moved {
                quiet_since = self.world.now();
                last_trouble = None;
                continue;
            }
            last_trouble = round.trouble.or(last_trouble);
            if self.world.now().saturating_sub(quiet_since) >= self.rules.patience_ms {
                return Err(Trouble::Stop(self.given_up(jobs, last_trouble)));
            }
            self.world.rest(self.rules.poll_ms)?;
        }
    }

    fn given_up(&self, jobs: &[Job], trouble: Option<String>) -> String {
        let open: Vec<String> = self
            .book
            .pages()
            .open()
            .iter()
            .map(|(id, g)| {
                let words = self.book.pages().order(id).map_or("", |o| o.words.as_str());
                let hash = g.attempts.last().map(|a| crate::hex::show(&a.hash)).unwrap_or_default();
                format!("{words} (nonce {}, {hash})", g.nonce)
            })
            .collect();
        let first = jobs.first().map_or("", |j| j.words.as_str());
        let what = if open.is_empty() { format!("{first} was not sent") } else { open.join("; ") };
        let why = trouble.map(|t| format!("; the last answer was: {t}")).unwrap_or_default();
        let waited = self.rules.patience_ms / 1000;
        format!(
            "after {waited} s without news, still not settled: {what}{why}; nothing is lost: run again to go on waiting"
        )
    }

    fn round(&mut self, jobs: &[Job]) -> Result<Round, Trouble> {
        let mut round = Round { moved: false, trouble: None };
        // First what is under way, of this call or an earlier one, by nonce.
        let open: Vec<Hash> = self.book.pages().open().iter().map(|(id, _)| *id).collect();
        for id in open {
            let job = jobs.iter().find(|j| j.id == id);
            match self.advance(&id, job) {
                Ok(moved) => round.moved |= moved,
                Err(Trouble::Passing(why)) => round.trouble = Some(why),
                Err(other) => return Err(other),
            }
        }
        // Nothing is begun on top of what could not be looked at: it may have vanished.
        if round.moved || round.trouble.is_some() {
            return Ok(round);
        }
        // Then the first job that is not on its way.
        for job in jobs {
            match self.book.pages().last(&job.id) {
                Some(g) if g.succeeded().is_some() => {}
                Some(g) if g.is_open() && g.mined.as_ref().is_some_and(|m| m.ok) => {}
                // One after the other: what follows is tried against what came before.
                Some(g) if g.is_open() => return Ok(round),
                _ => {
                    round.moved |= self.begin(job)?;
                    return Ok(round);
                }
            }
        }
        Ok(round)
    }

    /// Begins a job with a nonce of its own.
    fn begin(&mut self, job: &Job) -> Result<bool, Trouble> {
        let tried = self.book.pages().order(&job.id).map_or(0, |o| o.generations.len());
        if tried >= self.rules.generations {
            return Err(Trouble::Stop(format!(
                "{}: tried {tried} times without success; look at the account's transactions",
                job.words
            )));
        }
        let view = self.world.look(&[])?;
        let nonce = self.book.pages().free_nonce(view.used);
        if self.book.pages().open().iter().any(|(_, g)| g.is_live() && g.mined.is_none()) {
            // Something is still on its way: one after the other.
            return Ok(false);
        }
        if view.pending > nonce {
            return Err(Trouble::Passing(
                "another program has a transaction of this account waiting; two must not use one nonce"
                    .into(),
            ));
        }
        let attempt = self.world.sign(job, nonce, None)?;
        self.intend(&job.id, &job.words, &attempt, view.head)
    }

    fn intend(&mut self, id: &Hash, words: &str, attempt: &Attempt, head: u64) -> Result<bool, Trouble> {
        let record = Record::Intend { order: *id, words: words.to_owned(), attempt: attempt.clone(), head };
        self.book.write(&record)?;
        self.send(id, attempt)?;
        Ok(true)
    }

    fn send(&mut self, id: &Hash, attempt: &Attempt) -> Result<(), Trouble> {
        self.sent.insert(*id, self.world.now());
        if let Sent::Refused(why) = self.world.send(attempt)? {
            self.book.write(&Record::Refused { hash: attempt.hash, why: why.clone() })?;
            return Err(Trouble::Passing(why));
        }
        Ok(())
    }

    /// Does the next thing about an order that is under way; true if something changed.
    fn advance(&mut self, id: &Hash, job: Option<&Job>) -> Result<bool, Trouble> {
        let Some(generation) = self.book.pages().last(id).cloned() else { return Ok(false) };
        let hashes: Vec<Hash> = generation.attempts.iter().map(|a| a.hash).collect();
        let mut view = self.world.look(&hashes)?;
        let quiet = self.sent.get(id).map(|at| self.world.now().saturating_sub(*at));
        let mut next = step(&generation, &view, &self.rules, quiet);
        if next == Step::WhoUsed {
            view.user = self.world.who_used(generation.nonce, generation.since)?;
            next = match view.user {
                Some(_) => step(&generation, &view, &self.rules, quiet),
                None => Step::Wait,
            };
        }
        match next {
            Step::Mined(landed) => self.book.write(&Record::Mined { landed })?,
            Step::Vanished => {
                let hash = generation.mined.as_ref().map(|m| m.hash).unwrap_or_default();
                self.book.write(&Record::Vanished { hash })?;
                // It is not known any more where it is: to be sent at once.
                self.sent.remove(id);
            }
            Step::Final(landed) => self.book.write(&Record::Final { landed })?,
            Step::Void(by, block) => {
                self.book.write(&Record::Void { order: *id, nonce: generation.nonce, by, block })?;
            }
            Step::Send(at) => {
                if let Some(attempt) = generation.attempts.get(at) {
                    self.send(id, &attempt.clone())?;
                }
                return Ok(false);
            }
            Step::Again => return self.again(id, job, &generation, &view),
            Step::Wait | Step::WhoUsed | Step::Ended(_) => {
                if quiet.is_none() {
                    // The node has it from an earlier process: from now on count how long it is stuck.
                    self.sent.insert(*id, self.world.now());
                }
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn again(
        &mut self,
        id: &Hash,
        job: Option<&Job>,
        generation: &Generation,
        view: &View,
    ) -> Result<bool, Trouble> {
        let Some(last) = generation.attempts.last() else { return Ok(false) };
        let words = self.book.pages().order(id).map(|o| o.words.clone()).unwrap_or_default();
        if generation.attempts.len() >= 40 {
            return Ok(false);
        }
        let attempt = match (last.refused, job) {
            // No node takes it: priced and tried anew, with the same nonce.
            (true, Some(job)) => Some(self.world.sign(job, generation.nonce, None)?),
            // Of an earlier call, and nobody has it: it does not stand in the way.
            (true, None) => None,
            (false, _) => self.world.outbid(last)?,
        };
        // Counted from here, or it would be tried again at once.
        self.sent.insert(*id, self.world.now());
        match attempt {
            Some(attempt) if generation.attempts.iter().all(|a| a.hash != attempt.hash) => {
                self.intend(id, &words, &attempt, view.head)
            }
            _ => Ok(false),
        }
    }
}

/// Whether an order is done: for asking, without doing anything.
#[must_use]
pub fn outcome<'a>(pages: &'a crate::book::Pages, id: &Hash) -> Option<&'a Landed> {
    match pages.last(id)?.ended.as_ref()? {
        Ended::Final(landed) if landed.ok => Some(landed),
        _ => None,
    }
}
