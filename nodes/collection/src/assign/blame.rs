//! Who is to blame: the smallest set of demands that still contradict each other, in words.

use super::claim::{Claim, Counted, Ground, What};
use super::model::{Bound, Model};
use super::search::Active;
use crate::plan::{Plan, Rule};
use crate::words;

/// A demand of the plan that cannot be met together with the others named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Culprit {
    /// An exact count.
    Exactly {
        /// The group's name.
        group: String,
        /// The value's name, or `none`.
        value: String,
        /// How many are asked for.
        count: u64,
    },
    /// A value whose weight or count is nought.
    Never {
        /// The group's name.
        group: String,
        /// The value's name, or `none`.
        value: String,
    },
    /// A value that has a weight and so is wanted somewhere.
    Wanted {
        /// The group's name.
        group: String,
        /// The value's name, or `none`.
        value: String,
    },
    /// A rule.
    Rule {
        /// Its place in the plan's list, from 0.
        number: usize,
        /// What it says.
        text: String,
    },
    /// The size of the collection.
    Size {
        /// How many items.
        items: u64,
    },
    /// That no two items are alike.
    Distinct,
}

impl std::fmt::Display for Culprit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly { group, value, count } => write!(f, "exactly {count} `{group}: {value}`"),
            Self::Never { group, value } => write!(f, "no `{group}: {value}` at all (nought is asked for)"),
            Self::Wanted { group, value } => write!(f, "`{group}: {value}` has a weight"),
            Self::Rule { number, text } => write!(f, "rule {}: {text}", number + 1),
            Self::Size { items } => write!(f, "{} items", words::number(*items)),
            Self::Distinct => f.write_str("no two items alike"),
        }
    }
}

/// Demands that contradict each other: leave out any one of them, and the others go together as far as this reason
/// goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The demands.
    pub culprits: Vec<Culprit>,
    /// How they contradict each other, with the numbers.
    pub why: String,
}

impl std::fmt::Display for Contradiction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)?;
        for culprit in &self.culprits {
            write!(f, "\n    - {culprit}")?;
        }
        Ok(())
    }
}

/// A demand as the model knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    Rule(usize),
    Slot(usize, u32),
}

/// How often a claim may be proven again while it is shrunk.
const MOST_TRIES: usize = 3000;

/// Shrinks a claim to its culprits and puts it into words.
pub(crate) fn blame(plan: &Plan, model: &Model, claim: &Claim) -> Contradiction {
    let everything = Active::everything(model, plan.rules.len());
    let kept = shrink(model, claim, &everything);
    let active = only(&everything, &kept);
    let ground = claim.holds(model, &active).unwrap_or(Ground::Searched);
    let culprits = culprits(plan, model, claim, &kept, &ground);
    Contradiction { why: why(plan, model, claim, &ground, &active), culprits }
}

/// Everything switched off but these.
fn only(everything: &Active, kept: &[Demand]) -> Active {
    let mut active = everything.clone();
    active.rules.fill(false);
    active.bounds.iter_mut().for_each(|bounds| bounds.fill(false));
    for demand in kept {
        set(&mut active, *demand, true);
    }
    active
}

fn set(active: &mut Active, demand: Demand, on: bool) {
    match demand {
        Demand::Rule(rule) => active.rules[rule] = on,
        Demand::Slot(group, slot) => active.bounds[group][slot as usize] = on,
    }
}

/// Leaves out demands, many at a time and then fewer, as long as the claim still holds.
fn shrink(model: &Model, claim: &Claim, everything: &Active) -> Vec<Demand> {
    let mut active = everything.clone();
    let mut kept: Vec<Demand> = (0..everything.rules.len()).map(Demand::Rule).collect();
    for (group, bounds) in everything.bounds.iter().enumerate() {
        let said = (0u32..).zip(bounds).map(|(slot, _)| slot);
        let said = said.filter(|slot| model.groups[group].bounds[*slot as usize] != Bound::Free);
        kept.extend(said.map(|slot| Demand::Slot(group, slot)));
    }
    // What lies in other rooms has no part in it.
    if let Some(room) = claim.room() {
        let here = |demand: &Demand| match demand {
            Demand::Slot(group, _) => model.rooms[room].contains(group),
            Demand::Rule(_) => true,
        };
        kept.retain(here);
        active = only(everything, &kept);
    }
    let mut tries = 0;
    let mut size = kept.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        while at < kept.len() && tries < MOST_TRIES {
            let chunk: Vec<Demand> = kept[at..(at + size).min(kept.len())].to_vec();
            chunk.iter().for_each(|demand| set(&mut active, *demand, false));
            tries += 1;
            if claim.holds(model, &active).is_some() {
                kept.drain(at..at + chunk.len());
            } else {
                chunk.iter().for_each(|demand| set(&mut active, *demand, true));
                at += chunk.len();
            }
        }
        if size == 1 {
            return kept;
        }
        size = (size / 2).max(1);
    }
}

fn culprits(plan: &Plan, model: &Model, claim: &Claim, kept: &[Demand], ground: &Ground) -> Vec<Culprit> {
    let mut culprits: Vec<Culprit> = kept
        .iter()
        .map(|demand| match demand {
            Demand::Rule(number) => Culprit::Rule { number: *number, text: rule_text(&plan.rules[*number]) },
            Demand::Slot(group, slot) => slot_culprit(plan, model, *group, *slot),
        })
        .collect();
    match claim {
        // The value itself may have been let go as a demand: with a weight it is as impossible as with a count.
        Claim::Slot { group, slot, .. } | Claim::FewOf { group, slot, .. } => {
            let own = slot_culprit(plan, model, *group, *slot);
            if !culprits.contains(&own) {
                culprits.push(own);
            }
        }
        Claim::Few => culprits.push(Culprit::Size { items: plan.size }),
        Claim::Counts { .. } => {
            let all = |(row, _): &(Counted, i128)| row.what == What::All;
            if matches!(ground, Ground::Rows(rows) if rows.iter().any(all)) {
                culprits.push(Culprit::Size { items: plan.size });
            }
        }
        Claim::Nobody { .. } | Claim::Together { .. } => {}
    }
    let alike = |(row, _): &(Counted, i128)| row.what == What::Alike;
    let distinct = match ground {
        Ground::Different(_) => true,
        Ground::Rows(rows) => rows.iter().any(alike),
        Ground::Searched => false,
    };
    if distinct {
        culprits.push(Culprit::Distinct);
    }
    culprits.sort();
    culprits
}

pub(crate) fn slot_name(plan: &Plan, group: usize, slot: u32) -> String {
    plan.groups[group].values.get(slot as usize).map_or_else(|| "none".to_owned(), |value| value.name.clone())
}

fn slot_culprit(plan: &Plan, model: &Model, group: usize, slot: u32) -> Culprit {
    let value = slot_name(plan, group, slot);
    let group_name = plan.groups[group].name.clone();
    match model.groups[group].bounds[slot as usize] {
        Bound::Exactly(count) if count > 0 => Culprit::Exactly { group: group_name, value, count },
        Bound::Exactly(_) | Bound::Never => Culprit::Never { group: group_name, value },
        Bound::Free => Culprit::Wanted { group: group_name, value },
    }
}

/// A rule in a sentence.
pub(crate) fn rule_text(rule: &Rule) -> String {
    let ticked = |traits: &[String]| {
        let traits: Vec<String> = traits.iter().map(|text| format!("`{text}`")).collect();
        traits
    };
    match rule {
        Rule::Never { r#trait, with } => format!("`{}` never with {}", r#trait, either(&ticked(with))),
        Rule::Apart(traits) => format!("no two of {}", words::list(&ticked(traits))),
        Rule::Requires { r#trait, any_of } => format!("`{}` requires {}", r#trait, either(&ticked(any_of))),
        Rule::Implies { r#trait, then } => format!("`{}` implies {}", r#trait, words::list(&ticked(then))),
        Rule::AtMost { count, all_of } => format!("at most {count} with {}", words::list(&ticked(all_of))),
        Rule::AtLeast { count, all_of } => format!("at least {count} with {}", words::list(&ticked(all_of))),
    }
}

fn either(texts: &[String]) -> String {
    match texts {
        [front @ .., last] if !front.is_empty() && texts.len() <= 12 => {
            format!("{} or {last}", front.join(", "))
        }
        _ => words::list(texts),
    }
}

fn why(plan: &Plan, model: &Model, claim: &Claim, ground: &Ground, active: &Active) -> String {
    match (claim, ground) {
        (Claim::Slot { group, slot, .. }, _) => {
            let name = format!("`{}: {}`", plan.groups[*group].name, slot_name(plan, *group, *slot));
            match model.groups[*group].bounds[*slot as usize] {
                Bound::Exactly(count) => {
                    format!("{name} is asked for {count} times, and no item can have it")
                }
                _ => format!(
                    "{name} has a weight, and no item can have it; give it weight 0 or change the rules"
                ),
            }
        }
        (Claim::Together { limit, .. }, _) => {
            let limit = &model.limits[*limit];
            format!("{} items are asked for of a sort of which there can be none", limit.least)
        }
        (Claim::Few, Ground::Different(different)) => few(plan, model, *different, active),
        (Claim::FewOf { group, slot, .. }, Ground::Different(different)) => {
            let name = format!("`{}: {}`", plan.groups[*group].name, slot_name(plan, *group, *slot));
            let Bound::Exactly(count) = model.groups[*group].bounds[*slot as usize] else { return name };
            format!("there are only {different} different items with {name}, and {count} are asked for")
        }
        (_, Ground::Rows(rows)) => contradiction_of_counts(plan, model, rows),
        _ => "no item can obey all of these at once".to_owned(),
    }
}

/// `4 × 3 × 2 = 24`, and what the rules leave of it.
fn few(plan: &Plan, model: &Model, different: u64, active: &Active) -> String {
    let slots: Vec<u64> = (0..model.groups.len())
        .map(|group| {
            let slots = 0u32..u32::try_from(model.groups[group].bounds.len()).unwrap_or(u32::MAX);
            slots.filter(|slot| active.usable(model, group, *slot)).count() as u64
        })
        .collect();
    let product: u64 = slots.iter().fold(1, |a, b| a.saturating_mul(*b));
    let factors: Vec<String> = slots.iter().filter(|n| **n > 1).take(16).map(u64::to_string).collect();
    let mut product_text = factors.join(" × ");
    if factors.len() > 1 {
        product_text = format!("{product_text} = {}", words::number(product));
    }
    let left = if product == different {
        format!("there are only {} different items ({product_text})", words::number(different))
    } else {
        format!("of {product_text} combinations the rules leave {} different items", words::number(different))
    };
    format!("{left}, and {} are wanted; add values or allow duplicates", words::number(plan.size))
}

/// What is asked for on one side, and what there is on the other.
fn contradiction_of_counts(plan: &Plan, model: &Model, rows: &[(Counted, i128)]) -> String {
    let unit = rows.iter().map(|(_, times)| times.abs()).min().unwrap_or(1).max(1);
    let (mut asked, mut there) = (Vec::new(), Vec::new());
    let (mut demand, mut supply) = (0i128, 0i128);
    let mut simple = true;
    for (row, times) in rows {
        simple &= times.abs() == unit;
        let (list, sum, count) = if *times > 0 {
            (&mut asked, &mut demand, row.least)
        } else {
            (&mut there, &mut supply, row.most)
        };
        *sum = sum.saturating_add(count.saturating_mul(times.abs() / unit));
        list.push(match row.what {
            What::All => format!("the collection ({count})"),
            What::Kind(group, kind) => format!("{} ({count})", kind_name(plan, model, group, kind)),
            What::Limit(limit) => format!("what rule {} counts ({count})", model.limits[limit].rule + 1),
            What::Alike => format!("different items of one sort ({count})"),
        });
    }
    let verb = if asked.len() == 1 { "needs" } else { "together need" };
    let tail = if there.len() == 1 { "has room for" } else { "together have room for" };
    if simple {
        format!(
            "{} {verb} {demand} items, and {} {tail} {supply}",
            words::list(&asked),
            if there.is_empty() { "nothing".to_owned() } else { words::list(&there) }
        )
    } else {
        format!("the counts do not go together: {} against {}", words::list(&asked), words::list(&there))
    }
}

fn kind_name(plan: &Plan, model: &Model, group: usize, kind: usize) -> String {
    let counted =
        |slot: &&u32| matches!(model.groups[group].bounds[**slot as usize], Bound::Exactly(n) if n > 0);
    let slots = &model.groups[group].kinds[kind];
    let names: Vec<String> =
        slots.iter().filter(counted).take(5).map(|slot| slot_name(plan, group, *slot)).collect();
    let more = if slots.iter().filter(counted).count() > 5 { " | …" } else { "" };
    format!("`{}: {}{more}`", plan.groups[group].name, names.join(" | "))
}
