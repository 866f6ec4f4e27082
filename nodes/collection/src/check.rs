//! Does an assignment keep what the plan says? The referee.
//!
//! Written from the meaning of the plan alone, without anything the assigner uses: it reads rules by their names, looks
//! at every item, and counts. What it finds is said item by item.

use crate::assign::Assignment;
use crate::plan::{Plan, Rule, Share};
use std::collections::HashMap;

/// Something the assignment does not keep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// Too many or too few items.
    #[error("the plan has {planned} items, the assignment {found}")]
    Size {
        /// What the plan says.
        planned: u64,
        /// What there is.
        found: u64,
    },
    /// A group without a value although it has no "none".
    #[error("item {item}: it has no `{group}`, and every item has one")]
    Missing {
        /// Which item, from 0.
        item: usize,
        /// The group's name.
        group: String,
    },
    /// An exact count is not met.
    #[error("`{group}: {value}` is in {found} items, and exactly {planned} are asked for")]
    Count {
        /// The group's name.
        group: String,
        /// The value's name, or `none`.
        value: String,
        /// What the plan says.
        planned: u64,
        /// What there is.
        found: u64,
    },
    /// A rule about single items is broken.
    #[error("item {item}: rule {} is broken", rule + 1)]
    Rule {
        /// Which item, from 0.
        item: usize,
        /// Which rule, from 0.
        rule: usize,
    },
    /// A rule about numbers is broken.
    #[error("rule {}: {found} items have what it counts", rule + 1)]
    Limit {
        /// Which rule, from 0.
        rule: usize,
        /// How many items have what it counts.
        found: u64,
    },
    /// Two items are alike.
    #[error("items {one} and {other} are alike")]
    Alike {
        /// The earlier item, from 0.
        one: usize,
        /// The later one.
        other: usize,
    },
    /// A rule names what the plan has not.
    #[error("rule {}: \"{name}\" names nothing in the plan", rule + 1)]
    Unknown {
        /// Which rule, from 0.
        rule: usize,
        /// The trait's text.
        name: String,
    },
}

/// Everything an assignment does not keep, up to `most` breaches. Nothing: it is proven.
#[must_use]
pub fn check(plan: &Plan, assignment: &Assignment, most: usize) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let size = assignment.len();
    if size as u64 != plan.size {
        breaches.push(Breach::Size { planned: plan.size, found: size as u64 });
    }
    counts(plan, assignment, &mut breaches);
    for (number, rule) in plan.rules.iter().enumerate() {
        match Test::new(plan, number, rule) {
            Ok(test) => test.run(number, assignment, most, &mut breaches),
            Err(breach) => breaches.push(breach),
        }
        if breaches.len() >= most {
            break;
        }
    }
    if !plan.allow_duplicates {
        let mut seen: HashMap<Vec<u32>, usize> = HashMap::with_capacity(size);
        for item in 0..size {
            let values: Vec<u32> = (0..plan.groups.len())
                .map(|group| assignment.value(item, group).map_or(u32::MAX, |value| value as u32))
                .collect();
            if let Some(one) = seen.insert(values, item) {
                breaches.push(Breach::Alike { one, other: item });
            }
            if breaches.len() >= most {
                break;
            }
        }
    }
    breaches.truncate(most);
    breaches
}

/// Exact counts, shares of nought, and groups that every item has.
fn counts(plan: &Plan, assignment: &Assignment, breaches: &mut Vec<Breach>) {
    for (number, group) in plan.groups.iter().enumerate() {
        let mut found = vec![0u64; group.values.len()];
        let (mut none, mut first_none) = (0u64, None);
        for item in 0..assignment.len() {
            match assignment.value(item, number) {
                Some(value) => found[value] += 1,
                None => {
                    none += 1;
                    first_none.get_or_insert(item);
                }
            }
        }
        let mut compare = |share: Share, value: &str, found: u64| {
            let planned = match share {
                Share::Exactly(count) => count,
                Share::Weight(share) | Share::Percent(share) if share <= 0.0 => 0,
                Share::Weight(_) | Share::Percent(_) => return,
            };
            if planned != found {
                let (group, value) = (group.name.clone(), value.to_owned());
                breaches.push(Breach::Count { group, value, planned, found });
            }
        };
        for (value, found) in group.values.iter().zip(found) {
            compare(value.share(), &value.name, found);
        }
        match (group.nothing(), first_none) {
            (Some(share), _) => compare(share, "none", none),
            (None, Some(item)) => breaches.push(Breach::Missing { item, group: group.name.clone() }),
            (None, None) => {}
        }
    }
}

/// A trait as a rule names it: for each value of the group whether it counts, and at the end for none.
struct Set {
    group: usize,
    counts: Vec<bool>,
}

impl Set {
    fn read(plan: &Plan, text: &str) -> Option<Self> {
        let (name, values) = text.split_once(':')?;
        let group = plan.groups.iter().position(|group| group.name == name.trim())?;
        let known = &plan.groups[group].values;
        let mut counts = vec![false; known.len() + 1];
        for word in values.split('|').map(str::trim) {
            match word {
                "*" => counts[..known.len()].fill(true),
                "none" => counts[known.len()] = true,
                _ => counts[known.iter().position(|value| value.name == word)?] = true,
            }
        }
        Some(Self { group, counts })
    }

    fn has(&self, assignment: &Assignment, item: usize) -> bool {
        let value = assignment.value(item, self.group).unwrap_or(self.counts.len() - 1);
        self.counts.get(value).copied().unwrap_or(false)
    }
}

enum Test {
    /// The first never with any other.
    Never(Set, Vec<Set>),
    Apart(Vec<Set>),
    Requires(Set, Vec<Set>),
    Implies(Set, Vec<Set>),
    Count(Vec<Set>, std::ops::RangeInclusive<u64>),
}

impl Test {
    fn new(plan: &Plan, number: usize, rule: &Rule) -> Result<Self, Breach> {
        let read = |text: &String| {
            Set::read(plan, text).ok_or_else(|| Breach::Unknown { rule: number, name: text.clone() })
        };
        let all = |texts: &[String]| texts.iter().map(read).collect::<Result<Vec<Set>, Breach>>();
        Ok(match rule {
            Rule::Never { r#trait, with } => Self::Never(read(r#trait)?, all(with)?),
            Rule::Apart(traits) => Self::Apart(all(traits)?),
            Rule::Requires { r#trait, any_of } => Self::Requires(read(r#trait)?, all(any_of)?),
            Rule::Implies { r#trait, then } => Self::Implies(read(r#trait)?, all(then)?),
            Rule::AtMost { count, all_of } => Self::Count(all(all_of)?, 0..=*count),
            Rule::AtLeast { count, all_of } => Self::Count(all(all_of)?, *count..=u64::MAX),
        })
    }

    fn run(&self, rule: usize, assignment: &Assignment, most: usize, breaches: &mut Vec<Breach>) {
        if let Self::Count(sets, range) = self {
            let all = |item: &usize| sets.iter().all(|set| set.has(assignment, *item));
            let found = (0..assignment.len()).filter(all).count() as u64;
            if !range.contains(&found) {
                breaches.push(Breach::Limit { rule, found });
            }
            return;
        }
        for item in 0..assignment.len() {
            let has = |set: &Set| set.has(assignment, item);
            let kept = match self {
                Self::Never(one, others) => !has(one) || !others.iter().any(has),
                Self::Apart(sets) => sets.iter().filter(|set| has(set)).count() < 2,
                Self::Requires(one, others) => !has(one) || others.iter().any(has),
                Self::Implies(one, others) => !has(one) || others.iter().all(has),
                Self::Count(..) => true,
            };
            if !kept {
                breaches.push(Breach::Rule { item, rule });
                if breaches.len() >= most {
                    return;
                }
            }
        }
    }
}
