//! What gates said is filed in the output folder: by batch, item and gate.

use super::driver::Driver;
use crate::node::Verdict;
use kiln_store::{Attempt, Found, Judged};
use std::collections::BTreeMap;

/// Rejections of a gate that are kept with their reasons; of further ones the score only.
const WITH_REASON: u64 = 10_000;
/// Letters of a reason that are kept.
const LETTERS: usize = 500;

impl Driver<'_> {
    /// Takes note of a verdict on the present attempt.
    pub(super) fn note_verdict(&mut self, frame: u64, region: u32, gate: u32, verdict: &Verdict) {
        if self.shared.lent.out.is_none() {
            return;
        }
        let (attempt, Some(place)) = (self.attempt_path(frame, region), self.place_of(frame)) else { return };
        let found = Found {
            gate: self.name(gate).to_string(),
            place,
            attempt,
            judged: if verdict.accept { Judged::Passed } else { Judged::Rejected },
            score: verdict.score,
            reason: Some(verdict.reason.chars().take(LETTERS).collect()),
        };
        if let Some(f) = self.frames.get_mut(&frame) {
            f.verdicts.entry(region).or_default().push(found);
        }
    }

    /// Files what gates of a region said. `passed`: the attempt (from 0) that came through.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(super) fn file_verdicts(
        &mut self,
        frame: u64,
        region: u32,
        passed: Option<u32>,
    ) -> Result<(), kiln_store::StoreError> {
        let (Some(out), Some(batch)) = (self.shared.lent.out.clone(), self.record_batch.clone()) else {
            return Ok(());
        };
        let Some(place) = self.place_of(frame) else { return Ok(()) };
        let taken = self.frames.get_mut(&frame).and_then(|f| f.verdicts.remove(&region)).unwrap_or_default();
        // Attempts of one round of the regions around lie together.
        let mut rounds: BTreeMap<Vec<u32>, Vec<Found>> = BTreeMap::new();
        for found in taken {
            let around = found.attempt.0[..found.attempt.0.len() - 1].to_vec();
            rounds.entry(around).or_default().push(found);
        }
        let names: Vec<std::sync::Arc<str>> =
            self.plan.regions[region as usize].gates.iter().map(|g| self.name(*g).clone()).collect();
        let gates: Vec<&str> = names.iter().map(|n| &**n).collect();
        for (around, mut round) in rounds {
            for found in &mut round {
                let through = passed.is_some_and(|a| found.attempt.own() == a.saturating_add(1));
                if through && found.judged == Judged::Rejected {
                    found.judged = Judged::Best;
                }
            }
            // What one gate let pass and another rejected did not come through.
            round.retain(|f| {
                f.judged != Judged::Passed || passed.is_some_and(|a| f.attempt.own() == a.saturating_add(1))
            });
            for found in &mut round {
                if found.judged == Judged::Passed {
                    continue;
                }
                let kept = match self.kept_reasons.get(&found.gate) {
                    Some(n) => *n,
                    None => out.folder().verdicts().with_reason(&batch, &found.gate)?,
                };
                if kept >= WITH_REASON {
                    found.reason = None;
                }
                self.kept_reasons.insert(found.gate.clone(), kept + 1);
            }
            out.folder().verdicts().put(&batch, place, &gates, &Attempt(around), &round)?;
        }
        Ok(())
    }

    /// Files what gates said so far of a frame that comes to its end undecided.
    pub(super) fn file_rest(&mut self, frame: u64) {
        let regions: Vec<u32> =
            self.frames.get(&frame).map(|f| f.verdicts.keys().copied().collect()).unwrap_or_default();
        for region in regions {
            if let Err(e) = self.file_verdicts(frame, region, None) {
                self.note(format!("what gates said could not be written down: {e}"));
            }
        }
    }

    /// Something a person ought to know, once.
    pub(super) fn note(&mut self, words: String) {
        if self.notes.len() < 100 && !self.notes.contains(&words) {
            self.notes.push(words);
        }
    }
}
