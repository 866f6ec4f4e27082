//! Grammars as `.ron` text.

use super::{Alternative, Condition, Form, Grammar, GrammarError, Part};
use crate::plan::{self, PlanError};
use crate::words;
use indexmap::IndexMap;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;

/// Words that stand before a `:` in a place.
const FORMS: [(&str, Form); 5] = [
    ("a", Form::Article),
    ("cap", Form::Capital),
    ("title", Form::Title),
    ("lower", Form::Lower),
    ("upper", Form::Upper),
];
const TRAIT: &str = "trait";
/// The most alternatives of a grammar.
const MOST_ALTERNATIVES: usize = 200_000;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename = "Grammar")]
struct File {
    start: String,
    rules: IndexMap<String, Vec<Written>>,
}

/// An alternative as it is written: a text, or a text with conditions.
struct Written {
    text: String,
    weight: f64,
    when: Vec<String>,
    unless: Vec<String>,
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text in \"quotes\", or (text: \"…\", weight: 1)")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Written, E> {
                Ok(Written { text: text.to_owned(), weight: 1.0, when: Vec::new(), unless: Vec::new() })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written, A::Error> {
                let mut written =
                    Written { text: String::new(), weight: 1.0, when: Vec::new(), unless: Vec::new() };
                let mut text = None;
                while let Some(field) = map.next_key::<String>()? {
                    match field.as_str() {
                        "text" => text = Some(map.next_value()?),
                        "weight" => written.weight = map.next_value()?,
                        "when" => written.when = map.next_value()?,
                        "unless" => written.unless = map.next_value()?,
                        other => {
                            let near = words::did_you_mean(other, ["text", "weight", "when", "unless"]);
                            return Err(de::Error::custom(format!("there is no field `{other}` here{near}")));
                        }
                    }
                }
                written.text = text.ok_or_else(|| de::Error::custom("the field `text` is missing"))?;
                if !written.weight.is_finite() || written.weight < 0.0 {
                    return Err(de::Error::custom(format!(
                        "`weight` is a number of at least 0, not {}",
                        written.weight
                    )));
                }
                Ok(written)
            }
        }
        from.deserialize_any(Either)
    }
}

pub(super) fn read(text: &str) -> Result<Grammar, GrammarError> {
    let file: File = plan::parse(text)?;
    let count = file.rules.values().map(Vec::len).sum::<usize>() + file.rules.len();
    if count > MOST_ALTERNATIVES {
        let (found, most) = (count as u64, MOST_ALTERNATIVES as u64);
        return Err(PlanError::TooMany { what: "rules and alternatives", found, most }.into());
    }
    let mut rules: IndexMap<String, Vec<Alternative>> = IndexMap::new();
    for (name, written) in &file.rules {
        let wrong = |what: &str| GrammarError::Rule { rule: name.clone(), what: what.to_owned() };
        if written.is_empty() {
            return Err(wrong("it has no alternatives"));
        }
        if name == TRAIT || FORMS.iter().any(|(form, _)| form == name) {
            return Err(wrong("this word has a meaning of its own in texts; name the rule otherwise"));
        }
        if name.trim() != name || name.is_empty() || name.contains(['{', '}', ':', '|']) {
            return Err(wrong("a rule's name has no braces, no `:` and `|`, and no spaces around it"));
        }
        let mut alternatives = Vec::with_capacity(written.len());
        for (alternative, one) in written.iter().enumerate() {
            let wrong = |what: String| GrammarError::Alternative { rule: name.clone(), alternative, what };
            alternatives.push(Alternative {
                parts: parts(&one.text, &file.rules).map_err(wrong)?,
                weight: one.weight,
                when: conditions(&one.when).map_err(wrong)?,
                unless: conditions(&one.unless).map_err(wrong)?,
                depth: usize::MAX,
            });
        }
        if alternatives.iter().all(|alternative| alternative.weight <= 0.0) {
            return Err(wrong("all its alternatives weigh nothing"));
        }
        rules.insert(name.clone(), alternatives);
    }
    if !rules.contains_key(&file.start) {
        let near = words::did_you_mean(&file.start, rules.keys().map(String::as_str));
        return Err(GrammarError::Rule {
            rule: file.start,
            what: format!("`start` names it, and there is none{near}"),
        });
    }
    measure(&mut rules)?;
    Ok(Grammar { start: file.start, rules })
}

/// Takes a text apart.
fn parts<T>(text: &str, rules: &IndexMap<String, T>) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '{' | '}' if letters.peek() == Some(&letter) => {
                letters.next();
                plain.push(letter);
            }
            '{' => {
                let mut place = String::new();
                loop {
                    match letters.next() {
                        Some('}') => break,
                        Some('{') | None => {
                            return Err(format!("`{{{place}` is not closed; `{{{{` is a brace"));
                        }
                        Some(letter) => place.push(letter),
                    }
                }
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(place_of(&place, rules)?);
            }
            '}' => return Err("a `}` without `{`; `}}` is a brace".to_owned()),
            other => plain.push(other),
        }
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

fn place_of<T>(place: &str, rules: &IndexMap<String, T>) -> Result<Part, String> {
    let mut forms = Vec::new();
    let mut rest = place.trim_start();
    while let Some((word, after)) = rest.split_once(':') {
        let word = word.trim();
        if let Some((_, form)) = FORMS.iter().find(|(name, _)| *name == word) {
            forms.push(*form);
            rest = after.trim_start();
        } else if word == TRAIT {
            let (group, otherwise) = match after.split_once('|') {
                Some((group, otherwise)) => (group.trim(), Some(otherwise.to_owned())),
                None => (after.trim(), None),
            };
            if group.is_empty() {
                return Err(format!("`{{{place}}}` names no group"));
            }
            return Ok(Part::Trait { group: group.to_owned(), otherwise, forms });
        } else {
            let known = FORMS.iter().map(|(name, _)| *name).chain([TRAIT]);
            let near = words::did_you_mean(word, known);
            return Err(format!(
                "`{{{place}}}`: `{word}:` is not known{near}; there are a, cap, title, lower, upper and trait"
            ));
        }
    }
    let rest = rest.trim_end();
    if rules.contains_key(rest) {
        return Ok(Part::Rule { name: rest.to_owned(), forms });
    }
    let near = words::did_you_mean(rest, rules.keys().map(String::as_str));
    Err(format!("there is no rule `{rest}`{near}"))
}

fn conditions(texts: &[String]) -> Result<Vec<Condition>, String> {
    let one = |text: &String| {
        let (group, values) =
            plan::halves(text).ok_or_else(|| format!("\"{text}\": a trait is written \"Group: Value\""))?;
        Ok(Condition {
            group: group.to_owned(),
            values: values.split('|').map(|v| v.trim().to_owned()).collect(),
        })
    };
    texts.iter().map(one).collect()
}

/// Finds how deep each alternative's shortest end is, and refuses rules without one.
fn measure(rules: &mut IndexMap<String, Vec<Alternative>>) -> Result<(), GrammarError> {
    // Rules that are known to end, worked off one after the other: each alternative waits for the last of its rules.
    let mut waiting: IndexMap<String, Vec<(usize, usize)>> = IndexMap::new();
    let mut open: Vec<Vec<usize>> = Vec::new();
    let mut shortest: Vec<usize> = vec![usize::MAX; rules.len()];
    let mut queue: std::collections::VecDeque<usize> = std::collections::VecDeque::new();
    for (rule, alternatives) in rules.values_mut().enumerate() {
        let mut counts = Vec::with_capacity(alternatives.len());
        for (at, alternative) in alternatives.iter_mut().enumerate() {
            let mut needed: Vec<&String> = Vec::new();
            for part in &alternative.parts {
                if let Part::Rule { name, .. } = part
                    && !needed.contains(&name)
                {
                    needed.push(name);
                }
            }
            counts.push(needed.len());
            needed.iter().for_each(|name| waiting.entry((*name).clone()).or_default().push((rule, at)));
            if needed.is_empty() {
                alternative.depth = 1;
                if shortest[rule] == usize::MAX {
                    shortest[rule] = 1;
                    queue.push_back(rule);
                }
            }
        }
        open.push(counts);
    }
    // The queue is in order of depth, so the last rule an alternative waits for is its deepest.
    while let Some(done) = queue.pop_front() {
        let Some((name, _)) = rules.get_index(done) else { continue };
        for &(rule, at) in waiting.get(name).map_or(&[][..], Vec::as_slice) {
            open[rule][at] -= 1;
            if open[rule][at] == 0 {
                let depth = shortest[done] + 1;
                if let Some(alternative) = rules.get_index_mut(rule).and_then(|(_, list)| list.get_mut(at)) {
                    alternative.depth = depth;
                }
                if shortest[rule] == usize::MAX {
                    shortest[rule] = depth;
                    queue.push_back(rule);
                }
            }
        }
    }
    let endless: Vec<String> = rules
        .keys()
        .zip(&shortest)
        .filter(|(_, d)| **d == usize::MAX)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    match endless.first() {
        None => Ok(()),
        Some(_) => Err(GrammarError::Rule {
            rule: endless[0].trim_matches('`').to_owned(),
            what: format!(
                "every alternative leads back to it: {} never come to an end; give one of them a text without them",
                words::list(&endless)
            ),
        }),
    }
}
