//! Sheets of what gates rejected, with the reasons: `rejected/GATE/sheet-001.png` in the output folder.

use crate::sheets::{self, Entry, PAGE};
use kiln_core::NodeError;
use kiln_core::doors::OutFolder;
use kiln_core::store::{Attempt, Found, Judged, Place, Verdicts};

/// How many rejections are looked through for their pictures.
const LOOKED: u64 = 100_000;
const STEP: u32 = 1000;

/// A place and an attempt, as sheets name them.
pub fn name(place: Place, attempt: &Attempt) -> String {
    match place {
        Place::Item(item) => format!("item {item} · attempt {attempt}"),
        other => format!("{other} · attempt {attempt}"),
    }
}

fn folder(gate: &str) -> String {
    format!("rejected/{}", sheets::folder_name(gate))
}

/// The rejections of which a picture was kept.
fn pictured(out: &OutFolder, verdicts: &Verdicts, batch: &str, gate: &str) -> Result<Vec<Found>, NodeError> {
    let shelf = out.folder().shelf("rejected");
    let mut all = Vec::new();
    let mut skip = 0;
    while skip < LOOKED {
        let some = verdicts.rejected(batch, gate, skip, STEP)?;
        let last = some.len() < STEP as usize;
        skip += some.len() as u64;
        all.extend(some.into_iter().filter(|v| shelf.holds(gate, v.place, &v.attempt)));
        if last {
            break;
        }
    }
    Ok(all)
}

/// Writes the sheets of a batch's gates; says which folders hold some, and how many pictures.
///
/// # Errors
/// When the folder cannot be read or written.
pub fn write(out: &OutFolder, batch: &str, gates: &[String]) -> Result<Vec<(String, usize)>, NodeError> {
    let verdicts = out.folder().verdicts();
    let counts = verdicts.counts(batch)?;
    let shelf = out.folder().shelf("rejected");
    let mut written = Vec::new();
    for gate in gates {
        let folder = folder(gate);
        let rejected = counts.iter().find(|c| c.gate == *gate).map_or(0, |c| c.rejected);
        let found = if rejected == 0 { Vec::new() } else { pictured(out, &verdicts, batch, gate)? };
        let pages = found.len().div_ceil(PAGE);
        if pages > 0 && !changed(out, &folder, &found, rejected) {
            written.push((folder, found.len()));
            continue;
        }
        sheets::write_all(out, &folder, pages, |page| {
            let part: Vec<Entry> = found
                .iter()
                .skip(page * PAGE)
                .take(PAGE)
                .map(|v| Entry {
                    thumb: shelf.get(gate, v.place, &v.attempt),
                    name: name(v.place, &v.attempt),
                    words: words(v),
                })
                .collect();
            let title = format!("{gate}: {rejected} rejected");
            let mut below = format!("sheet {} of {pages}", page + 1);
            if found.len() as u64 != rejected {
                below.push_str(&format!(", {} of them with a picture", found.len()));
            }
            sheets::sheet(&title, &below, &part).map_err(NodeError::new)
        })?;
        if pages > 0 {
            let _ = std::fs::write(mark(out, &folder), digest(&found, rejected));
            written.push((folder, found.len()));
        } else if let Ok(place) = out.place(&folder) {
            // What an earlier run left there is gone; an empty folder is of no use. One that is not empty stays.
            let _ = std::fs::remove_dir(place);
        }
    }
    Ok(written)
}

fn words(v: &Found) -> String {
    let reason = v.reason.as_deref().unwrap_or_default();
    let best = if v.judged == Judged::Best { " · passed as the best" } else { "" };
    format!("score {}{best} · {reason}", short(v.score))
}

/// A number without needless digits.
pub fn short(v: f64) -> String {
    let text = format!("{v:.4}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Where it is remembered what the sheets of a folder show.
fn mark(out: &OutFolder, folder: &str) -> std::path::PathBuf {
    let name = blake3::hash(folder.as_bytes()).to_hex();
    out.folder().shelf("rejected").dir().join(format!("{}.sheets", &name[..40]))
}

fn digest(found: &[Found], rejected: u64) -> String {
    let mut hasher = blake3::Hasher::new();
    for v in found {
        hasher.update(format!("{}/{}/{}\n", v.place, v.attempt, words(v)).as_bytes());
    }
    hasher.update(&rejected.to_le_bytes());
    hasher.finalize().to_hex().to_string()
}

/// Whether the sheets have to be drawn anew.
fn changed(out: &OutFolder, folder: &str, found: &[Found], rejected: u64) -> bool {
    let there = |page: usize| {
        out.place(&sheets::page_name(folder, page))
            .is_ok_and(|p| p.symlink_metadata().is_ok_and(|m| m.is_file()))
    };
    let pages = found.len().div_ceil(PAGE);
    let known = std::fs::read_to_string(mark(out, folder)).unwrap_or_default();
    known != digest(found, rejected) || !(0..pages).all(there) || there(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (v, text) in [
            (0.25, "0.25"),
            (-1.0, "-1"),
            (0.123_45, "0.1235"),
            (1e300, &*format!("{:.0}", 1e300)),
            (0.0, "0"),
        ] {
            assert_eq!(short(v), text);
        }
        assert_eq!(name(Place::Item(3), &Attempt(vec![1, 2])), "item 3 · attempt 1.2");
    }
}
