//! A gate whose limit is set wrong rejects everything, and a night is lost: after so many rejections in a
//! row the run stops.

use super::driver::Driver;
use super::report::GaveUp;
use crate::plan::region_constant;
use kiln_store::{Attempt, Place};
use kiln_types::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How many kinds of reasons are told apart.
const KINDS: usize = 200;

/// What a gate rejected since it last accepted something.
#[derive(Default)]
pub(crate) struct Streak {
    limit: u64,
    count: u64,
    scores: Vec<f64>,
    /// What was counted: an item that comes back from waiting is judged twice and counts once.
    seen: BTreeSet<(Place, Attempt)>,
    /// By the reason without its numbers: the first such reason, how many.
    reasons: BTreeMap<String, (String, u64)>,
}

/// A reason without its numbers: `contrast 0.12 is below 0.2` and `contrast 0.07 is below 0.2` are one.
fn kind(reason: &str) -> String {
    let mut out = String::new();
    let mut number = false;
    for c in reason.chars().take(500) {
        let part = c.is_ascii_digit() || number && c == '.';
        if !part {
            out.push(c);
        } else if !number {
            out.push('#');
        }
        number = part;
    }
    out
}

impl Driver<'_> {
    /// Each gate's limit, as its parameters have it.
    pub(super) fn limits(plan: &crate::plan::Plan) -> BTreeMap<u32, Streak> {
        let mut all = BTreeMap::new();
        for region in &plan.regions {
            for gate in &region.gates {
                let node = &plan.nodes[*gate as usize];
                let set = match region_constant(&node.slots, &node.node, "give_up_after") {
                    Some(Value::Int(n)) => u64::try_from(*n).unwrap_or(0),
                    _ => 0,
                };
                // What one item may do, it may do.
                let limit = if set == 0 { 0 } else { set.max(u64::from(region.attempts) + 1) };
                all.insert(*gate, Streak { limit, ..Streak::default() });
            }
        }
        all
    }

    /// Takes note of a verdict; after too many rejections in a row nothing new begins.
    pub(super) fn count_verdict(&mut self, frame: u64, gate: u32, accept: bool, score: f64, reason: &str) {
        let name = self.name(gate).clone();
        let seat = match (self.place_of(frame), self.region_of_gate(gate)) {
            (Some(place), Some(region)) => (place, self.attempt_path(frame, region)),
            _ => return,
        };
        let Some(streak) = self.streaks.get_mut(&gate).filter(|s| s.limit > 0) else { return };
        if accept {
            *streak = Streak { limit: streak.limit, ..Streak::default() };
            return;
        }
        if !streak.seen.insert(seat) {
            return;
        }
        streak.count += 1;
        streak.scores.push(score);
        let kind = kind(reason);
        if streak.reasons.len() < KINDS || streak.reasons.contains_key(&kind) {
            streak.reasons.entry(kind).or_insert_with(|| (reason.chars().take(500).collect(), 0)).1 += 1;
        }
        if streak.count < streak.limit || self.gave_up.is_some() {
            return;
        }
        let mut reasons: Vec<(String, u64)> = streak.reasons.values().cloned().collect();
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        streak.scores.sort_by(f64::total_cmp);
        let at = |share: usize| streak.scores[(streak.scores.len() - 1) * share / 2];
        let scores = [at(0), at(1), at(2)];
        let gave_up = GaveUp { gate: name.to_string(), rejected: streak.count, reasons, scores };
        self.failures.push((name.to_string(), None, format!("{name}: {gave_up}")));
        self.gave_up = Some(gave_up);
    }

    /// Whether nothing new begins any more.
    pub(super) fn ends_early(&self) -> bool {
        self.gave_up.is_some() || self.shared.cancel.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn reasons_that_differ_in_numbers_are_one_kind() {
        assert_eq!(kind("contrast 0.12 is below 0.2"), "contrast # is below #");
        assert_eq!(kind("3 of 64 bits differ from item 12"), kind("11 of 64 bits differ from item 7"));
        assert_ne!(kind("too dark"), kind("too light"));
        assert_eq!(kind("v1.2.3."), "v#");
    }
}
