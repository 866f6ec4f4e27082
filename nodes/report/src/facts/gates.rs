//! What gates rejected, from the folder's records.

use super::Gate;
use kiln_core::store::{Folder, Millis, StoreError};
use std::collections::BTreeMap;

/// How many runs are looked through for the last batch.
const RUNS: u32 = 200;
/// How many rejections of a gate are looked at for their reasons.
const LOOKED: u64 = 200_000;
const STEP: u32 = 5000;
/// How many reasons of a gate are told.
const TOLD: usize = 12;

/// What the gates of the last batch that had any said.
///
/// # Errors
/// The folder's records cannot be read.
pub fn gates(folder: &Folder, now: Millis) -> Result<Vec<Gate>, StoreError> {
    let (runs, verdicts) = (folder.runs(), folder.verdicts());
    let mut seen = Vec::new();
    for run in runs.runs(RUNS, now)? {
        let Some(record) = runs.run(&run.id, now)? else { continue };
        let Ok(started) = serde_json::from_str::<serde_json::Value>(&record.args_json) else { continue };
        let Some(batch) = started.get("verdicts").and_then(serde_json::Value::as_str) else { continue };
        if seen.iter().any(|s| s == batch) {
            continue;
        }
        seen.push(batch.to_owned());
        let counts = verdicts.counts(batch)?;
        if counts.is_empty() {
            continue;
        }
        let mut all = Vec::with_capacity(counts.len());
        for count in counts {
            let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
            let mut skip = 0;
            while skip < LOOKED {
                let some = verdicts.rejected(batch, &count.gate, skip, STEP)?;
                let last = some.len() < STEP as usize;
                skip += some.len() as u64;
                for found in some {
                    let words = found.reason.as_deref().map_or_else(|| "no reason kept".to_owned(), sort_of);
                    *reasons.entry(words).or_default() += 1;
                }
                if last {
                    break;
                }
            }
            let mut reasons: Vec<(String, u64)> = reasons.into_iter().collect();
            reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            if reasons.len() > TOLD {
                let rest = reasons.split_off(TOLD - 1);
                let kinds = rest.len();
                reasons.push((format!("{kinds} other reasons"), rest.iter().map(|(_, n)| n).sum()));
            }
            all.push(Gate { name: count.gate, passed: count.passed, rejected: count.rejected, reasons });
        }
        return Ok(all);
    }
    Ok(Vec::new())
}

/// A reason without its numbers, so that `score 0.31 is below 0.5` counts with its like.
fn sort_of(reason: &str) -> String {
    let mut words = String::new();
    let mut letters = reason.trim().chars().take(200).peekable();
    while let Some(c) = letters.next() {
        // Numbers that are part of a name stay: `clip2`.
        let inside = words.chars().last().is_some_and(char::is_alphanumeric);
        if c.is_ascii_digit() && !inside {
            while letters.next_if(|c| c.is_ascii_digit() || *c == '.').is_some() {}
            words.push('#');
        } else {
            words.push(if c.is_control() { ' ' } else { c });
        }
    }
    if words.is_empty() { "no reason kept".to_owned() } else { words }
}

#[cfg(test)]
mod tests {
    #[test]
    fn reasons_of_one_sort_are_told_together() {
        for (reason, sort) in [
            ("score 0.31 is below 0.5", "score # is below #"),
            ("like item 12, 3 bits apart", "like item #, # bits apart"),
            ("too like clip2", "too like clip2"),
            ("", "no reason kept"),
            ("a\nb", "a b"),
        ] {
            assert_eq!(super::sort_of(reason), sort);
        }
    }
}
