//! `review`: what waits for a person's decision, and decisions from the command line.

use super::{Imported, desk, folder, import, picture_name, waiting, write_list};
use crate::args::ReviewArgs;
use crate::fail::Fail;
use crate::{make, runs, say};
use kiln_core::doors::{Clock, OutFolder, SystemClock};
use kiln_core::store::{Answer, Asked, Place, Word};
use serde_json::json;
use std::collections::BTreeMap;

/// How many pictures of a gate are listed.
const SHOWN: usize = 50;
/// No range names more items.
const MOST: u64 = 1_000_000;

/// Takes decisions, or lists what waits.
///
/// # Errors
/// When there is no such folder, or nothing waits where something is decided.
pub fn run(args: &ReviewArgs) -> Result<u8, Fail> {
    // Nothing is made where nothing was ever run.
    drop(runs::look(&args.out)?);
    let now = SystemClock.now();
    let out = make::open_out(&args.out, now)?.folder;
    let mut said = Vec::new();
    let gates = out.folder().reviews().gates()?;
    for gate in &gates {
        let Imported { complaints, .. } = import(&out, gate, now)?;
        said.extend(complaints);
    }
    kiln_runner::decisions::import(out.root(), out.folder())
        .map_err(|e| Fail::Failed(format!("error: {e}")))?;
    let decided = decide(args, &out)?;
    if decided > 0 {
        for gate in &gates {
            said.extend(write_list(&out, gate)?);
        }
    }
    let left = waiting(out.folder())?;
    if args.json {
        json(&out, decided, &left);
    } else {
        if decided > 0 {
            say::out(&format!(
                "{} decided",
                if decided == 1 { "1 picture".to_owned() } else { format!("{decided} pictures") }
            ));
        }
        list(&out, args.gate.as_deref(), &left, decided > 0);
    }
    said.iter().for_each(|words| say::warn(words));
    Ok(0)
}

/// What the options say, in their order: places, the decision, why.
fn said(args: &ReviewArgs) -> Result<Vec<(Vec<Place>, Word, String)>, Fail> {
    let options = [(&args.accept, Word::Accept), (&args.reject, Word::Reject), (&args.redo, Word::Redo)];
    let mut all = Vec::new();
    for (texts, word) in options {
        for text in texts {
            let (places, reason) = text.split_once(':').unwrap_or((text, ""));
            let reason = reason.trim().trim_matches('"').to_owned();
            all.push((places_of(places, text)?, word, reason));
        }
    }
    Ok(all)
}

fn places_of(text: &str, whole: &str) -> Result<Vec<Place>, Fail> {
    let wrong = |part: &str| {
        Fail::wrong(
            format!("{whole:?}: {part:?} is no item"),
            Some("items are written 3 or 3,7-9, a reason follows a colon: --reject 4:\"too dark\""),
        )
    };
    let mut all = Vec::new();
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        match part.split_once('-') {
            Some((from, to)) => {
                let ends = (from.trim().parse::<u64>(), to.trim().parse::<u64>());
                let (Ok(from), Ok(to)) = ends else { return Err(wrong(part)) };
                if to < from || to - from >= MOST {
                    return Err(wrong(part));
                }
                all.extend((from..=to).map(Place::Item));
            }
            None => all.push(part.parse().map_err(|()| wrong(part))?),
        }
    }
    if all.is_empty() { Err(wrong(text)) } else { Ok(all) }
}

/// Writes the decisions down; says how many. All of them are looked at before any is.
fn decide(args: &ReviewArgs, out: &OutFolder) -> Result<u64, Fail> {
    let said = said(args)?;
    let mut by_place: BTreeMap<Place, Vec<Asked>> = BTreeMap::new();
    for a in waiting(out.folder())?.into_values().flatten() {
        if args.gate.as_ref().is_none_or(|g| *g == a.question.gate) {
            by_place.entry(a.question.place).or_default().push(a);
        }
    }
    let mut decisions: BTreeMap<Place, (Asked, Word, String)> = BTreeMap::new();
    let mut none = Vec::new();
    for (places, word, reason) in said {
        for place in places {
            match by_place.get(&place).map(Vec::as_slice) {
                None | Some([]) => none.push(place.to_string()),
                Some([one]) => {
                    if let Some((_, before, _)) =
                        decisions.insert(place, (one.clone(), word, reason.clone())).filter(|b| b.1 != word)
                    {
                        let what = format!("{place} is decided twice, {} and {}", before.word(), word.word());
                        return Err(Fail::wrong(what, None));
                    }
                }
                Some(several) => {
                    let gates: Vec<&str> = several.iter().map(|a| a.question.gate.as_str()).collect();
                    return Err(Fail::wrong(
                        format!("{place} waits at several gates: {}", gates.join(", ")),
                        Some("name one of them with --gate"),
                    ));
                }
            }
        }
    }
    if !none.is_empty() {
        let more = if none.len() > 10 { format!(" and {} more", none.len() - 10) } else { String::new() };
        none.truncate(10);
        return Err(Fail::wrong(
            format!("nothing waits for a decision on {}{more}; nothing was decided", none.join(", ")),
            Some("graph-run review lists what waits"),
        ));
    }
    let now = SystemClock.now();
    for (a, word, reason) in decisions.values() {
        let (q, given) = (&a.question, Answer { word: *word, reason: reason.clone(), at: now });
        out.folder().reviews().decide(&q.gate, q.place, &q.attempt, &q.key, &given)?;
    }
    Ok(decisions.len() as u64)
}

fn list(out: &OutFolder, gate: Option<&str>, left: &BTreeMap<String, Vec<Asked>>, decided: bool) {
    let shown: Vec<_> = left.iter().filter(|(g, _)| gate.is_none_or(|gate| gate == *g)).collect();
    if shown.is_empty() {
        say::out("nothing waits for a person's decision");
    }
    for (gate, all) in shown {
        let question = all.first().map_or("", |a| a.question.question.as_str());
        let colon = if question.is_empty() { "" } else { ": " };
        say::out(&format!("{gate}{colon}{question}  ({} wait)", all.len()));
        for a in all.iter().take(SHOWN) {
            let q = &a.question;
            let again = if a.moved { "  asked again, the picture is another one" } else { "" };
            let note =
                if q.note.is_empty() { String::new() } else { format!("  {}", q.note.replace('\n', " ")) };
            say::out(&format!(
                "  {}  attempt {}  {}/{}{note}{again}",
                q.place,
                q.attempt,
                folder(gate),
                picture_name(q, 0)
            ));
        }
        if all.len() > SHOWN {
            say::out(&format!("  … {} in all", all.len()));
        }
        desk::where_to(out, gate).iter().for_each(|line| say::out(line));
    }
    if decided {
        say::out("go on with the command of the run and --resume; one that is under way goes on by itself");
    }
}

fn json(out: &OutFolder, decided: u64, left: &BTreeMap<String, Vec<Asked>>) {
    let one = |a: &Asked| {
        let q = &a.question;
        json!({
            "item": q.place.item(), "of": q.place.to_string(), "attempt": q.attempt.to_string(),
            "key": q.key.to_string(), "note": q.note, "question": q.question, "asked": q.asked.0, "changed": a.moved,
            "picture": out.root().join(folder(&q.gate)).join(picture_name(q, 0)).display().to_string(),
        })
    };
    let gates: BTreeMap<&str, Vec<serde_json::Value>> =
        left.iter().map(|(gate, all)| (gate.as_str(), all.iter().map(one).collect())).collect();
    say::json(&json!({ "decided": decided, "waiting": gates }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_written_as_people_do() {
        let of = |text: &str| {
            places_of(text, text).map(|p| p.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(of("3, 7-9,run").unwrap(), "3 7 8 9 run");
        for odd in ["", "x", "9-7", "0-99999999999", "1-", "-1", "3;4"] {
            assert!(of(odd).is_err(), "{odd:?}");
        }
        let args = ReviewArgs {
            accept: vec!["3".into()],
            reject: vec!["4,5: \"too: dark\"".into()],
            ..ReviewArgs::default()
        };
        let all = said(&args).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!((all[1].1, all[1].2.as_str()), (Word::Reject, "too: dark"));
    }
}
