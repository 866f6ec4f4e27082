//! Gates that a person decides: the answer is looked up under the value's key; where there is none, the
//! value is shown, the question asked, and the item parked.

use super::driver::{Driver, RUN};
use super::event::Event;
use super::frame::{Bad, State};
use super::report::Waiting;
use super::work::Shown;
use crate::keys;
use crate::node::{Ask, Verdict};
use crate::plan::SlotPlan;
use kiln_store::{Answer, Attempt, Place, Question, StoreError, Word};
use kiln_types::Key;

/// How many questions a report names.
const TOLD: usize = 1000;

impl Driver<'_> {
    /// Which attempt a region is at, and the regions around it before.
    pub(super) fn attempt_path(&self, frame: u64, region: u32) -> Attempt {
        let mut path = Vec::new();
        let mut at = Some(region);
        while let Some(r) = at {
            let attempt = self.frames.get(&frame).and_then(|f| f.regions.get(&r)).map_or(0, |s| s.attempt);
            path.push(attempt.saturating_add(1));
            at = self.plan.regions[r as usize].parent;
        }
        path.reverse();
        Attempt(path)
    }

    /// The key of what a gate judges; known once its own is.
    pub(super) fn judged_key(&self, frame: u64, gate: u32) -> Option<Key> {
        let SlotPlan::Wire(wire) = self.plan.nodes[gate as usize].slots.first()? else { return None };
        let (home, wire) = self.resolve(frame, gate, *wire).ok()?;
        let key = self.peek(home, wire.node)?.key?;
        Some(keys::port(&key, wire.port as usize))
    }

    /// What a gate judges, by name: for the shelf of small pictures, and for questions.
    pub(super) fn shown(&self, frame: u64, gate: u32) -> Option<Shown> {
        let region = self.region_of_gate(gate)?;
        Some(Shown {
            place: self.frames.get(&frame)?.place(),
            attempt: self.attempt_path(frame, region),
            key: self.judged_key(frame, gate)?,
        })
    }

    /// The batch that a gate's questions belong to, as the queue has it.
    fn asking_batch(&self, gate: u32) -> Option<String> {
        let root = self.root_batch.as_ref()?;
        Some(super::stage_id(root, self.plan.nodes[gate as usize].stage))
    }

    /// Is the present value decided?
    pub(super) fn step_review(&mut self, frame: u64, gate: u32) {
        let name = self.name(gate).clone();
        let Some(shown) = self.shown(frame, gate) else {
            return self.settle_bad(frame, gate, Bad::Failed("the gate's first input is not linked".into()));
        };
        let Some(out) = self.shared.lent.out.clone() else {
            let reason = format!(
                "{name}: a person decides here, and there is no place to ask (name an output folder with --out)"
            );
            return self.fail_gate(frame, gate, &reason);
        };
        let batch = self.asking_batch(gate);
        let found =
            out.folder().reviews().look(batch.as_deref(), &name, shown.place, &shown.attempt, &shown.key);
        match found {
            Err(e) => self.fail_gate(frame, gate, &format!("{name}: {e}")),
            Ok(Some(found)) => match found.answer {
                Some(answer) => self.answered(frame, gate, &answer),
                None if self.shared.desk.as_ref().is_none_or(|d| d.has(&found.question)) => {
                    self.asked(
                        frame,
                        gate,
                        Ask { question: found.question.question, note: found.question.note },
                    );
                }
                None => self.want(frame, gate),
            },
            Ok(None) => self.want(frame, gate),
        }
    }

    fn fail_gate(&mut self, frame: u64, gate: u32, reason: &str) {
        let item = self.item_of(frame);
        self.stats[gate as usize].failed += 1;
        if self.failures.len() < 1000 {
            self.failures.push((self.name(gate).to_string(), item, reason.to_owned()));
        }
        self.settle_bad(frame, gate, Bad::Failed(reason.into()));
    }

    /// The value lies where a person sees it: the question is asked.
    pub(super) fn asked(&mut self, frame: u64, gate: u32, ask: Ask) {
        let name = self.name(gate).clone();
        let (Some(shown), Some(out)) = (self.shown(frame, gate), self.shared.lent.out.clone()) else {
            return self.fail_gate(
                frame,
                gate,
                &format!("{name}: a question is not here: a fault of the engine"),
            );
        };
        let question = Question {
            gate: name.to_string(),
            place: shown.place,
            attempt: shown.attempt.clone(),
            key: shown.key,
            question: ask.question,
            note: ask.note,
            asked: self.shared.lent.clock.now(),
        };
        let batch = self.asking_batch(gate);
        let answer: Result<Option<Answer>, StoreError> =
            out.folder().reviews().ask(batch.as_deref(), &question);
        match answer {
            Err(e) => self.fail_gate(frame, gate, &format!("{name}: {e}")),
            Ok(Some(answer)) => self.answered(frame, gate, &answer),
            Ok(None) => {
                let reason = match question.question.as_str() {
                    "" => format!("{name} waits for a person's decision"),
                    asked => format!("{name} waits for a person's decision: {asked}"),
                };
                let waiting = Waiting {
                    gate: name.to_string(),
                    item: shown.place.item(),
                    attempt: shown.attempt.own() - 1,
                    key: shown.key.to_string(),
                    reason: reason.clone(),
                };
                if self.waiting.len() < TOLD {
                    self.waiting.push(waiting.clone());
                }
                match self.frames.get_mut(&frame) {
                    // Told when the item is parked, so that whoever hears of it can answer.
                    Some(f) if f.lease.is_some() => f.asked.push(waiting),
                    _ => self.tell_parked(waiting),
                }
                self.settle_bad(frame, gate, Bad::Parked(reason.into()));
            }
        }
    }

    pub(super) fn tell_parked(&self, w: Waiting) {
        self.say(&Event::Parked {
            item: w.item,
            reason: w.reason,
            node: w.gate,
            attempt: w.attempt,
            key: w.key,
        });
    }

    fn answered(&mut self, frame: u64, gate: u32, answer: &Answer) {
        let accept = answer.word == Word::Accept;
        if !accept
            && let (Some(rejects), Some(out)) = (&self.shared.rejects, &self.shared.lent.out)
            && let Some(shown) = self.shown(frame, gate)
            && let Some(thumb) =
                out.folder().shelf("review").get(self.name(gate), shown.place, &shown.attempt)
        {
            rejects.put(self.name(gate), &shown, &thumb);
        }
        let reason = match (answer.reason.as_str(), answer.word) {
            ("", Word::Accept) => "accepted by a person".to_owned(),
            ("", Word::Reject) => "rejected by a person".to_owned(),
            ("", Word::Redo) => "a person wants it made again".to_owned(),
            (why, Word::Redo) => format!("a person wants it made again: {why}"),
            (why, _) => why.to_owned(),
        };
        if answer.word == Word::Redo
            && let Some(region) = self.region_of_gate(gate)
        {
            let plan = &self.plan.regions[region as usize];
            let (attempts, draws) = (plan.attempts, !plan.seeds.is_empty());
            if let Some(state) = self.frames.get_mut(&frame).and_then(|f| f.regions.get_mut(&region))
                && draws
                && state.attempt + 1 >= attempts.saturating_add(state.extra)
            {
                state.extra = state.extra.saturating_add(1);
            }
        }
        self.judged(frame, gate, &Verdict { accept, score: f64::from(u8::from(accept)), reason });
    }

    /// Answers came: what the run itself waited for is asked again. Tells whether there was anything.
    pub(super) fn unpark_run(&mut self) -> bool {
        let plan = self.plan;
        let mut sinks = Vec::new();
        for (node, local) in self.local.iter().enumerate() {
            if plan.nodes[node].scope != crate::plan::Scope::Run {
                continue;
            }
            let Some(cell) = self.frames.get_mut(&RUN).and_then(|f| f.cells.get_mut(*local as usize)) else {
                continue;
            };
            if matches!(cell.state, State::Bad(Bad::Parked(_))) {
                cell.state = State::Idle;
                cell.generation += 1;
                cell.key = None;
                cell.late = Vec::new();
                cell.recipes = Vec::new();
                sinks.push(node as u32);
            }
        }
        if sinks.is_empty() {
            return false;
        }
        if let Some(run) = self.frames.get_mut(&RUN) {
            run.worst = None;
            for state in run.regions.values_mut() {
                if matches!(state.decided, Some(Err(Bad::Parked(_)))) {
                    state.decided = None;
                }
            }
        }
        self.waiting.retain(|w| w.item.is_some());
        let wanted: Vec<u32> = sinks
            .into_iter()
            .filter(|n| {
                self.is_keep(*n)
                    || plan.nodes[*n as usize].node.schema().purity == crate::schema::Purity::Effect
                        && plan.wanted.contains(n)
            })
            .collect();
        self.ask(RUN, &wanted);
        true
    }

    /// Where a frame's verdicts are filed.
    pub(super) fn place_of(&self, frame: u64) -> Option<Place> {
        self.frames.get(&frame).map(super::frame::Frame::place)
    }
}
