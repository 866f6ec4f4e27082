//! A node comes to its end: who waits for it is told, and values nobody reads any more are let go.

use super::driver::{Driver, RUN};
use super::frame::{Bad, Gathered, Seat, State};
use crate::keys;
use crate::node::Behaviour;
use kiln_types::Value;

impl Driver<'_> {
    pub(super) fn settle_ready(&mut self, frame: u64, node: u32, outs: Vec<Option<Value>>) {
        let bytes: usize = outs.iter().flatten().map(Value::byte_size).sum();
        let Some(cell) = self.cell(frame, node) else { return };
        cell.state = State::Ready;
        cell.outs = outs;
        cell.bytes = bytes;
        let waiters = std::mem::take(&mut cell.waiters);
        let holds = std::mem::take(&mut cell.holds);
        let unread = cell.readers == 0;
        self.live += bytes;
        for hold in holds {
            self.release(hold);
        }
        self.wake(waiters);
        if unread {
            self.drop_value(frame, node);
        }
        self.sink_settled(frame, node, None);
    }

    pub(super) fn settle_bad(&mut self, frame: u64, node: u32, bad: Bad) {
        let mut todo = vec![(frame, node, bad)];
        while let Some((frame, node, bad)) = todo.pop() {
            let Some(cell) = self.cell(frame, node) else { continue };
            if matches!(cell.state, State::Bad(_)) {
                continue;
            }
            cell.state = State::Bad(bad.clone());
            let waiters = std::mem::take(&mut cell.waiters);
            let holds = std::mem::take(&mut cell.holds);
            for hold in holds {
                self.release(hold);
            }
            if let Some(region) = self.gate_region.get(&node).copied() {
                self.region_bad(frame, region, node, &bad);
            }
            for (f, n, generation) in waiters {
                let Some(cell) = self.cell(f, n) else { continue };
                if cell.generation != generation {
                    continue;
                }
                match cell.state {
                    State::Waiting(_) => todo.push((f, n, bad.clone())),
                    State::Blocked => {
                        cell.state = State::Idle;
                        self.todo.push((f, n));
                    }
                    _ => {}
                }
            }
            self.sink_settled(frame, node, Some(bad));
        }
    }

    pub(super) fn sink_settled(&mut self, frame: u64, node: u32, bad: Option<Bad>) {
        if let (Some(bad), Some(name)) = (&bad, self.keep(node).and_then(|k| k.result.as_ref())) {
            let words = bad.words().to_string();
            if !self.plan.batch {
                self.values.insert(name.clone(), Err(words));
            }
        }
        if !self.cell(frame, node).is_some_and(|c| std::mem::take(&mut c.sink)) {
            return;
        }
        let Some(f) = self.frames.get_mut(&frame) else { return };
        if let Some(bad) = bad
            && f.worst.as_ref().is_none_or(|w| w.rank() < bad.rank())
        {
            f.worst = Some(bad);
        }
        f.open -= 1;
        if f.open == 0 {
            self.finished.push(frame);
        }
    }

    pub(super) fn wake(&mut self, waiters: Vec<Seat>) {
        for (f, n, generation) in waiters {
            let Some(cell) = self.cell(f, n) else { continue };
            if cell.generation != generation {
                continue;
            }
            match &mut cell.state {
                State::Waiting(missing) => {
                    *missing -= 1;
                    if *missing == 0 {
                        cell.state = State::Queued;
                        self.queue(f, n);
                    }
                }
                State::Blocked => {
                    cell.state = State::Idle;
                    self.todo.push((f, n));
                }
                _ => {}
            }
        }
    }

    pub(super) fn release(&mut self, hold: Seat) {
        let (frame, node, generation) = hold;
        let Some(cell) = self.cell(frame, node) else { return };
        if cell.generation != generation {
            return;
        }
        cell.readers = cell.readers.saturating_sub(1);
        if cell.readers == 0 && cell.state == State::Ready {
            self.drop_value(frame, node);
        }
    }

    /// Nobody reads it any more: memory keeps it within its budget, the frame lets go.
    pub(super) fn drop_value(&mut self, frame: u64, node: u32) {
        let shared_by_items = frame == RUN && self.plan.batch;
        let passes_on = matches!(
            self.def(node).behaviour,
            Behaviour::Select(_)
                | Behaviour::Gate(_)
                | Behaviour::Review(_)
                | Behaviour::Ordered { .. }
                | Behaviour::Effect(_)
        );
        let Some(cell) = self.cell(frame, node) else { return };
        let Some(key) = cell.key else { return };
        let outs = cell.outs.clone();
        if !(shared_by_items || passes_on || cell.pinned || outs.is_empty()) {
            cell.state = State::Idle;
            cell.outs = Vec::new();
            let bytes = std::mem::take(&mut cell.bytes);
            self.live -= bytes;
        }
        if !passes_on {
            for (port, value) in outs.into_iter().enumerate() {
                if let Some(value) = value {
                    self.shared.memory.put(keys::port(&key, port), value);
                }
            }
        }
    }

    /// Gives a slot the values of many items.
    pub fn collect(&mut self, frame: u64, node: u32, slot: u32, gathered: Gathered) {
        if let Some(f) = self.frames.get_mut(&frame) {
            f.collected.insert((node, slot), gathered);
        }
    }
}
