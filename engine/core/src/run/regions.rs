//! Gates at work: an attempt is judged gate by gate; a rejection draws the region's seeds again.

use super::driver::Driver;
use super::event::Event;
use super::frame::{Bad, RegionState, State};
use super::report::Rejection;
use super::work;
use crate::cx::Cx;
use crate::keys::KeyMaker;
use crate::node::{Behaviour, NodeError, Verdict};
use crate::plan::{SlotPlan, Then};
use kiln_store::{JobState, Prefix, Queue, Recorded, Thumb};
use kiln_types::Key;
use std::sync::Arc;

impl Driver<'_> {
    pub(super) fn step_gate(&mut self, frame: u64, gate: u32) {
        let Some(region) = self.region_of_gate(gate) else {
            return self.settle_bad(
                frame,
                gate,
                Bad::Failed("a gate without a region: a fault of the engine".into()),
            );
        };
        let state = self.region(frame, region);
        if let Some(decided) = state.decided.clone() {
            return match decided {
                Ok(_) => self.open_gate(frame, gate),
                Err(bad) => self.settle_bad(frame, gate, bad),
            };
        }
        let current = self.plan.regions[region as usize].gates[state.passed];
        if current != gate {
            return self.block(frame, gate, super::driver::Stop::Undecided(frame, current));
        }
        let key = match self.key_of(frame, gate) {
            Ok(key) => key,
            Err(stop) => return self.block(frame, gate, stop),
        };
        if self.plan.nodes[gate as usize].node.asks_a_person() {
            return self.step_review(frame, gate);
        }
        if let Some((value, from)) = self.shared.fetch(&key) {
            let ordered = matches!(self.plan.nodes[gate as usize].node.behaviour, Behaviour::Ordered { .. });
            let verdict = if ordered { None } else { work::read_verdict(&value) };
            // A rejected picture is wanted on the shelf: it is judged once more, with the picture at hand.
            if verdict.as_ref().is_some_and(|v| !v.accept) && self.wants_picture(frame, gate) {
                return self.want(frame, gate);
            }
            let report = &mut self.stats[gate as usize];
            match from {
                "disk" => report.disk += 1,
                _ => report.memory += 1,
            }
            if ordered {
                if let Some(mark) = work::read_mark(&value) {
                    return self.marked(frame, gate, mark, None, false);
                }
            } else if let Some(verdict) = verdict {
                return self.judged(frame, gate, &verdict);
            }
        }
        self.want(frame, gate);
    }

    fn region(&mut self, frame: u64, region: u32) -> RegionState {
        self.frames.get_mut(&frame).map(|f| f.regions.entry(region).or_default().clone()).unwrap_or_default()
    }

    fn edit(&mut self, frame: u64, region: u32, edit: impl FnOnce(&mut RegionState)) {
        if let Some(f) = self.frames.get_mut(&frame) {
            edit(f.regions.entry(region).or_default());
        }
    }

    /// A gate's first output is its first input from now on.
    fn open_gate(&mut self, frame: u64, gate: u32) {
        let SlotPlan::Wire(wire) = self.plan.nodes[gate as usize].slots[0] else {
            return self.settle_bad(frame, gate, Bad::Failed("the gate's first input is not linked".into()));
        };
        if let Some(cell) = self.cell_mut(frame, gate) {
            cell.alias = Some(wire);
        }
        self.settle_ready(frame, gate, Vec::new());
    }

    /// Whether a small picture of what a gate judges is to be kept, should it be rejected.
    pub(super) fn wants_picture(&self, frame: u64, gate: u32) -> bool {
        let Some(rejects) = self.shared.rejects.as_ref().filter(|r| r.has_room()) else { return false };
        let SlotPlan::Wire(wire) = &self.plan.nodes[gate as usize].slots[0] else { return false };
        let ty = self.plan.nodes[wire.node as usize].outs.get(wire.port as usize);
        if ty.is_none_or(|t| t.name != kiln_types::names::IMAGE || t.list) {
            return false;
        }
        self.shown(frame, gate)
            .is_some_and(|s| !rejects.shelf.has(self.name(gate), s.place, &s.attempt, &s.key))
    }

    /// A mark was made: compare it with everything accepted in earlier items. `fresh`: just now, with the
    /// picture at hand.
    pub(super) fn marked(
        &mut self,
        frame: u64,
        gate: u32,
        mark: Vec<u8>,
        thumb: Option<&Thumb>,
        fresh: bool,
    ) {
        match self.compare(frame, gate, &mark) {
            Ok(Some(verdict)) => {
                let (verdict, chain) = verdict;
                if !verdict.accept && !fresh && self.wants_picture(frame, gate) {
                    return self.want(frame, gate);
                }
                if !verdict.accept
                    && let (Some(thumb), Some(shown)) = (thumb, self.shown(frame, gate))
                    && let Some(rejects) = &self.shared.rejects
                {
                    rejects.put(self.name(gate), &shown, thumb);
                }
                if let Some(region) = self.region_of_gate(gate) {
                    self.edit(frame, region, |s| {
                        s.marks.retain(|(g, ..)| *g != gate);
                        s.marks.push((gate, mark, chain));
                    });
                }
                self.judged(frame, gate, &verdict);
            }
            Ok(None) => {
                let name = self.name(gate).clone();
                self.settle_bad(frame, gate, Bad::NotYet(name));
            }
            Err(e) => {
                let reason = format!("{}: {e}", self.name(gate));
                let item = self.frames.get(&frame).and_then(|f| f.item().map(|i| i.item));
                self.stats[gate as usize].failed += 1;
                self.failures.push((self.name(gate).to_string(), item, reason.clone()));
                self.settle_bad(frame, gate, Bad::Failed(reason.into()));
            }
        }
    }

    /// `None`: an earlier item is not decided yet.
    fn compare(&self, frame: u64, gate: u32, mark: &[u8]) -> Result<Option<(Verdict, Key)>, NodeError> {
        let plan = &self.plan.nodes[gate as usize];
        let Behaviour::Ordered { compare, .. } = &plan.node.behaviour else {
            return Err(NodeError::new("not an ordered gate: a fault of the engine"));
        };
        let Some(f) = self.frames.get(&frame) else { return Ok(None) };
        if self.plan.batch && self.shared.lent.out.is_none() {
            return Err(NodeError::new("it compares with earlier items and needs a place to remember them")
                .hint("name an output folder with --out"));
        }
        let (accepted, chain) = match (&self.batch, f.item(), &self.shared.lent.out) {
            (Some(batch), Some(info), Some(out)) => {
                match out.folder().ordered().prefix(batch, &plan.id, info.item)? {
                    Prefix::Ready { accepted, chain } => (accepted, chain),
                    Prefix::NotYet { .. } => return Ok(None),
                }
            }
            _ => (Vec::new(), Key([0; 32])),
        };
        let slots: Vec<crate::cx::Slot> = (0..plan.slots.len())
            .map(|s| crate::cx::Slot::One(self.constant(frame, gate, s).unwrap_or(kiln_types::Value::None)))
            .collect();
        let cx = Cx {
            schema: plan.node.schema(),
            id: &plan.id,
            slots: &slots,
            outs: Vec::new(),
            item: f.item().map(|i| &**i),
            window: None,
            index: None,
            key: Key([0; 32]),
            lent: &self.shared.lent,
            cancel: &self.shared.cancel,
            signs: &crate::cx::Quiet,
            stray: None,
            recipes: &[],
        };
        compare(&cx, mark, &accepted).map(|v| Some((v, chain)))
    }

    /// A gate judged the present attempt.
    pub(super) fn judged(&mut self, frame: u64, gate: u32, verdict: &Verdict) {
        let Some(region) = self.region_of_gate(gate) else { return };
        let plan = &self.plan.regions[region as usize];
        let state = self.region(frame, region);
        // Messages are JSON, which knows no infinity.
        let told = if verdict.score.is_nan() { 0.0 } else { verdict.score.clamp(f64::MIN, f64::MAX) };
        self.count_verdict(frame, gate, verdict.accept, told, &verdict.reason);
        self.note_verdict(frame, region, gate, verdict);
        self.edit(frame, region, |s| {
            s.scores.retain(|(a, g, _)| (*a, *g) != (state.attempt, gate));
            s.scores.push((state.attempt, gate, told));
        });
        if verdict.accept {
            let passed = state.passed + 1;
            self.edit(frame, region, |s| s.passed = passed);
            if passed == plan.gates.len() {
                return self.decide(frame, region, &Ok(state.attempt));
            }
            // Open to the rest of its region, which the next gate looks at.
            self.open_gate(frame, gate);
            return self.again(frame, plan.gates[passed]);
        }
        self.stats[gate as usize].rejected += 1;
        let item = self.frames.get(&frame).and_then(|f| f.item().map(|i| i.item));
        let name = self.name(gate).to_string();
        self.say(&Event::Rejected {
            node: name.clone(),
            item,
            attempt: state.attempt,
            score: told,
            reason: verdict.reason.clone(),
        });
        if self.rejections.len() < 10_000 {
            let (score, reason) = (told, verdict.reason.clone());
            self.rejections.push(Rejection { gate: name, item, attempt: state.attempt, score, reason });
        }
        if let Some(f) = self.frames.get_mut(&frame) {
            f.rejections += 1;
        }
        let mut tried = state.tried;
        tried.push((state.passed, verdict.score));
        self.edit(frame, region, |s| s.tried.clone_from(&tried));
        let attempts = plan.attempts.saturating_add(state.extra);
        if state.attempt + 1 < attempts {
            self.restart(frame, region, state.attempt + 1);
            let first = plan.gates[0];
            return self.again(frame, first);
        }
        let why =
            format!("{}: {} (attempt {} of {attempts})", self.name(gate), verdict.reason, state.attempt + 1);
        match plan.then {
            Then::Skip => self.decide(frame, region, &Err(Bad::Skipped(why.into()))),
            Then::Fail => self.decide(frame, region, &Err(Bad::Failed(format!("rejected by {why}").into()))),
            Then::Best => {
                // Most gates passed, then the best score, then the earliest.
                let mut best = 0;
                for (at, (passed, score)) in tried.iter().enumerate() {
                    let (p, s) = tried[best];
                    if (*passed, *score) > (p, s) || (*passed == p && s.is_nan() && !score.is_nan()) {
                        best = at;
                    }
                }
                let best = best as u32;
                if best != state.attempt {
                    self.restart(frame, region, best);
                }
                self.decide(frame, region, &Ok(best));
            }
        }
    }

    /// Forgets the attempt and begins another: every member is asked anew, under its new key.
    fn restart(&mut self, frame: u64, region: u32, attempt: u32) {
        let members = self.plan.regions[region as usize].members.clone();
        for member in &members {
            let Some(cell) = self.cell_mut(frame, *member) else { continue };
            cell.generation += 1;
            cell.state = State::Idle;
            cell.key = None;
            cell.alias = None;
            cell.outs = Vec::new();
            cell.late = Vec::new();
            cell.recipes = Vec::new();
            cell.readers = 0;
            cell.load = false;
            let bytes = std::mem::take(&mut cell.bytes);
            let holds = std::mem::take(&mut cell.holds);
            self.live -= bytes;
            self.release_holds(holds);
        }
        // Inner regions begin again as well.
        for at in 0..self.plan.regions.len() as u32 {
            let mut up = self.plan.regions[at as usize].parent;
            while let Some(r) = up {
                if r == region {
                    if let Err(e) = self.file_verdicts(frame, at, None) {
                        self.note(format!("what gates said could not be written down: {e}"));
                    }
                    self.edit(frame, at, |s| *s = RegionState::default());
                    break;
                }
                up = self.plan.regions[r as usize].parent;
            }
        }
        self.edit(frame, region, |s| {
            s.attempt = attempt;
            s.passed = 0;
            s.marks.clear();
        });
    }

    fn decide(&mut self, frame: u64, region: u32, decided: &Result<u32, Bad>) {
        let gates = self.plan.regions[region as usize].gates.clone();
        self.edit(frame, region, |s| s.decided = Some(decided.clone()));
        match self.unturned(frame, region, &gates) {
            Ok(None) => {}
            // Rejected before it came to an ordered gate: that gate, too, hears of it in the items' order.
            Ok(Some(gate)) => return self.settle_region(frame, region, &gates, &Bad::NotYet(gate)),
            Err(e) => {
                let reason = format!("the decision could not be written down: {e}");
                return self.settle_region(frame, region, &gates, &Bad::Failed(reason.into()));
            }
        }
        let recorded = self.record_marks(frame, region, &gates, decided.is_ok());
        if matches!(recorded, Ok(false)) {
            // What was accepted before changed meanwhile: decide again from the first attempt.
            self.restart(frame, region, 0);
            self.edit(frame, region, |s| *s = RegionState::default());
            if let Some(f) = self.frames.get_mut(&frame) {
                f.verdicts.remove(&region);
            }
            return self.again(frame, gates[0]);
        }
        let filed = self.file_verdicts(frame, region, decided.as_ref().ok().copied());
        if let Err(e) = recorded.and_then(|_| filed.map_err(NodeError::from)) {
            let reason = format!("the decision could not be written down: {e}");
            return self.settle_region(frame, region, &gates, &Bad::Failed(reason.into()));
        }
        for gate in gates {
            match decided {
                Ok(_) => self.open_gate(frame, gate),
                Err(bad) => self.settle_bad(frame, gate, bad.clone()),
            }
        }
    }

    /// None of a region's gates has a value to pass on.
    fn settle_region(&mut self, frame: u64, region: u32, gates: &[u32], bad: &Bad) {
        self.edit(frame, region, |s| s.decided = Some(Err(bad.clone())));
        for gate in gates {
            self.settle_bad(frame, *gate, bad.clone());
        }
    }

    /// The ordered gate of a region that made no mark of the attempt and whose turn has not come.
    fn unturned(&self, frame: u64, region: u32, gates: &[u32]) -> Result<Option<Arc<str>>, NodeError> {
        let Some(f) = self.frames.get(&frame) else { return Ok(None) };
        let (Some(batch), Some(info), Some(out)) = (&self.batch, f.item(), &self.shared.lent.out) else {
            return Ok(None);
        };
        let marked =
            |gate: &u32| f.regions.get(&region).is_some_and(|s| s.marks.iter().any(|(g, ..)| g == gate));
        for gate in gates.iter().filter(|g| !marked(g)) {
            let plan = &self.plan.nodes[*gate as usize];
            if matches!(plan.node.behaviour, Behaviour::Ordered { .. })
                && out.folder().ordered().waits_for(batch, &plan.id, info.item)?.is_some()
            {
                return Ok(Some(self.name(*gate).clone()));
            }
        }
        Ok(None)
    }

    /// Tells later items what was accepted here; `false` when what this decision stands on has changed.
    fn record_marks(
        &mut self,
        frame: u64,
        region: u32,
        gates: &[u32],
        accepted: bool,
    ) -> Result<bool, NodeError> {
        let Some(f) = self.frames.get(&frame) else { return Ok(true) };
        let (Some(batch), Some(info), Some(out)) = (&self.batch, f.item(), &self.shared.lent.out) else {
            return Ok(true);
        };
        let marks = f.regions.get(&region).map(|s| s.marks.clone()).unwrap_or_default();
        let log = out.folder().ordered();
        for gate in gates {
            let plan = &self.plan.nodes[*gate as usize];
            if !matches!(plan.node.behaviour, Behaviour::Ordered { .. }) {
                continue;
            }
            let made = marks.iter().find(|(g, ..)| g == gate);
            let mark = made.map(|(_, m, _)| m.as_slice()).filter(|_| accepted);
            let chain = match made {
                Some((_, _, chain)) => *chain,
                None => log.chain_below(batch, &plan.id, info.item)?,
            };
            match log.record(batch, &plan.id, info.item, mark, &chain)? {
                Recorded::Moved => return Ok(false),
                Recorded::Yes { redecide } if redecide.is_empty() => {}
                Recorded::Yes { redecide } => {
                    // Later items stood on another past: they are decided again, in their order.
                    let states = [JobState::Done, JobState::Skipped, JobState::Failed];
                    out.folder().queue().retry(
                        batch,
                        &states,
                        Some(&redecide),
                        self.shared.lent.clock.now(),
                    )?;
                }
            }
        }
        Ok(true)
    }

    /// A gate cannot judge: its region has no outcome.
    pub(super) fn region_bad(&mut self, frame: u64, region: u32, from: u32, bad: &Bad) {
        let gates = self.plan.regions[region as usize].gates.clone();
        let undecided = self
            .frames
            .get(&frame)
            .is_some_and(|f| f.regions.get(&region).is_none_or(|s| s.decided.is_none()));
        if !undecided {
            return;
        }
        self.edit(frame, region, |s| s.decided = Some(Err(bad.clone())));
        for gate in gates {
            if gate != from {
                self.settle_bad(frame, gate, bad.clone());
            }
        }
    }

    /// The hash of what a fan-in collected.
    pub(super) fn digest(list: &[(u64, Key)]) -> Key {
        let mut maker = KeyMaker::new("gathered");
        maker.u64(list.len() as u64);
        for (item, key) in list {
            maker.u64(*item);
            maker.key(key);
        }
        maker.done()
    }
}
