//! Whether a plan makes sense on its own, before anybody tries to fulfil it.

use super::refer::{ANY, NONE, Names};
use super::{BLENDS, Group, Plan, PlanError, Rule, Setting, Tier};
use std::collections::HashMap;

/// The most items of a plan.
pub const MOST_ITEMS: u64 = 10_000_000;
/// The most groups of a plan.
pub const MOST_GROUPS: usize = 256;
/// The most values of all groups together.
pub const MOST_VALUES: usize = 2_000_000;
/// The most rules of a plan.
pub const MOST_RULES: usize = 20_000;
/// The longest text of a plan, in bytes.
pub const MOST_TEXT: usize = 256 << 20;
/// Items times groups: what an assignment has to hold in memory.
const MOST_CELLS: u64 = 200_000_000;

/// A place in a plan, for finding its line.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Group(usize),
    Value(usize, usize),
    Rule(usize),
    Tier,
}

/// Knows on which line a part of the plan stands.
pub(crate) trait Lines {
    fn line(&self, plan: &Plan, part: Part, detail: &str) -> Option<usize>;
}

/// For plans that never were a text.
pub(crate) struct Nowhere;

impl Lines for Nowhere {
    fn line(&self, _: &Plan, _: Part, _: &str) -> Option<usize> {
        None
    }
}

pub(crate) fn check(plan: &Plan, lines: &dyn Lines) -> Result<(), PlanError> {
    many("items", plan.size, MOST_ITEMS)?;
    many("groups", plan.groups.len() as u64, MOST_GROUPS as u64)?;
    many("values", plan.groups.iter().map(|g| g.values.len() as u64).sum(), MOST_VALUES as u64)?;
    many("rules", plan.rules.len() as u64, MOST_RULES as u64)?;
    many("cells (items times groups)", plan.size.saturating_mul(plan.groups.len() as u64), MOST_CELLS)?;
    let wrong = |part, detail: &str, field: String, what: String| PlanError::Wrong {
        line: lines.line(plan, part, detail),
        field,
        what,
    };
    if plan.size == 0 {
        return Err(PlanError::wrong("size", "a collection has at least one item"));
    }
    if plan.groups.is_empty() {
        return Err(PlanError::wrong("groups", "a plan has at least one group"));
    }
    let mut seen: HashMap<String, &str> = HashMap::new();
    for (at, group) in plan.groups.iter().enumerate() {
        let field = format!("groups[{at}] \"{}\"", group.name);
        let fail = |what: String| wrong(Part::Group(at), "", field.clone(), what);
        name(&group.name, ':').map_err(fail)?;
        if let Some(other) = seen.insert(group.name.to_lowercase(), &group.name) {
            return Err(fail(format!(
                "there is a group `{other}` already; names differ by more than capitals"
            )));
        }
        check_group(group).map_err(fail)?;
        check_values(plan, at, group, lines)?;
    }
    let names = Names::new(plan);
    for (at, rule) in plan.rules.iter().enumerate() {
        check_rule(rule, &names).map_err(|(detail, what)| {
            wrong(Part::Rule(at), &detail, format!("rules[{at}] {detail}"), what)
        })?;
    }
    let mut tiers: HashMap<&str, ()> = HashMap::new();
    for (at, tier) in plan.tiers.iter().enumerate() {
        let field = format!("tiers[{at}] \"{}\"", tier.name);
        let fail = |(detail, what): (String, String)| wrong(Part::Tier, &detail, field.clone(), what);
        check_tier(tier, &names).map_err(fail)?;
        if tiers.insert(&tier.name, ()).is_some() {
            return Err(fail((String::new(), "there is a tier of this name already".to_owned())));
        }
    }
    Ok(())
}

fn many(what: &'static str, found: u64, most: u64) -> Result<(), PlanError> {
    if found > most { Err(PlanError::TooMany { what, found, most }) } else { Ok(()) }
}

/// Whether a text can be a name.
fn name(name: &str, forbidden: char) -> Result<(), String> {
    if name.trim().is_empty() {
        Err("a name is missing".to_owned())
    } else if name.trim() != name {
        Err("a name begins and ends without spaces".to_owned())
    } else if name.chars().any(char::is_control) {
        Err("a name has no line breaks or control characters".to_owned())
    } else if name.chars().count() > 256 {
        Err("a name has at most 256 letters".to_owned())
    } else if name.contains(forbidden) {
        Err(format!("a name here has no `{forbidden}`: rules use it to take names apart"))
    } else {
        Ok(())
    }
}

fn one_of(weight: Option<f64>, exactly: Option<u64>, percent: Option<f64>) -> Result<(), String> {
    if usize::from(weight.is_some()) + usize::from(exactly.is_some()) + usize::from(percent.is_some()) > 1 {
        return Err("give one of `weight`, `exactly` and `percent`".to_owned());
    }
    if weight.is_some_and(|w| !w.is_finite() || w < 0.0) {
        return Err("`weight` is a number of at least 0".to_owned());
    }
    if percent.is_some_and(|p| !(0.0..=100.0).contains(&p)) {
        return Err("`percent` lies between 0 and 100".to_owned());
    }
    Ok(())
}

fn check_group(group: &Group) -> Result<(), String> {
    if group.values.is_empty() {
        return Err("a group has at least one value".to_owned());
    }
    if group.chance.is_some_and(|c| !(0.0..=1.0).contains(&c)) {
        return Err("`chance` lies between 0 and 1".to_owned());
    }
    if let Some(none) = &group.none {
        if group.chance.is_some() {
            return Err(
                "give one of `chance` and `none`: both say how many items have nothing here".to_owned()
            );
        }
        one_of(none.weight, none.exactly, none.percent).map_err(|what| format!("none: {what}"))?;
    }
    if let Some(blend) = group.blend.as_deref().filter(|blend| !BLENDS.contains(blend)) {
        let near = crate::words::did_you_mean(blend, BLENDS);
        let near = if near.is_empty() { format!("; there are {}", BLENDS.join(", ")) } else { near };
        return Err(format!("blend: there is no way `{blend}`{near}"));
    }
    if group.opacity.is_some_and(|o| !(0.0..=1.0).contains(&o)) {
        return Err("`opacity` lies between 0 and 1".to_owned());
    }
    if group.max_value.is_some_and(|most| !most.is_finite()) {
        return Err("`max_value` is a number".to_owned());
    }
    if (group.display.is_some() || group.max_value.is_some())
        && let Some(value) = group.values.iter().find(|value| value.number().is_none())
    {
        return Err(format!(
            "its values are shown as numbers, and `{}` is none; give it `is: 5`, or leave `display` and `max_value` out",
            value.name
        ));
    }
    let percent: f64 = group.values.iter().filter_map(|v| v.percent).sum::<f64>()
        + group.none.as_ref().and_then(|n| n.percent).unwrap_or(0.0);
    if percent > 100.0 + 1e-6 {
        return Err(format!("the percentages add up to {percent}, more than 100"));
    }
    Ok(())
}

fn check_values(plan: &Plan, at: usize, group: &Group, lines: &dyn Lines) -> Result<(), PlanError> {
    let mut seen: HashMap<String, usize> = HashMap::with_capacity(group.values.len());
    for (n, value) in group.values.iter().enumerate() {
        let fail = |what: String| PlanError::Wrong {
            line: lines.line(plan, Part::Value(at, n), ""),
            field: format!("groups[{at}] \"{}\", values[{n}] \"{}\"", group.name, value.name),
            what,
        };
        name(&value.name, '|').map_err(fail)?;
        if value.name == NONE || value.name == ANY {
            return Err(fail(format!(
                "`{}` has a meaning in rules; for items without this group, give it `none: (weight: 1)` or a `chance`",
                value.name
            )));
        }
        one_of(value.weight, value.exactly, value.percent).map_err(fail)?;
        if let Some(other) = seen.insert(value.name.to_lowercase(), n) {
            let other = &group.values[other].name;
            return Err(fail(format!(
                "there is a value `{other}` already; names differ by more than capitals"
            )));
        }
        let infinite = |setting: &Setting| matches!(setting, Setting::Float(n) if !n.is_finite());
        if value.is.as_ref().is_some_and(infinite) || value.set.values().any(infinite) {
            return Err(fail("`is` and `set` take numbers that are neither NaN nor infinite".to_owned()));
        }
        if let Some(key) = value.set.keys().find(|key| !parameter(key)) {
            return Err(fail(format!("set: `{key}` is not written \"node.parameter\"")));
        }
        if value.loras.iter().any(|lora| lora.file.trim().is_empty() || !lora.strength.is_finite()) {
            return Err(fail("loras: a LoRA has a file and a strength that is a number".to_owned()));
        }
    }
    Ok(())
}

/// Whether a text is `node.parameter`.
fn parameter(key: &str) -> bool {
    key.rsplit_once('.').is_some_and(|(node, parameter)| !node.is_empty() && !parameter.is_empty())
}

/// What is wrong with a rule: the trait it stands in, and what.
type Fault = (String, String);

fn check_rule(rule: &Rule, names: &Names<'_>) -> Result<(), Fault> {
    let find = |text: &String| {
        names.traits(text).map(|traits| traits.group).map_err(|e| match e {
            PlanError::Wrong { what, .. } => (format!("\"{text}\""), what),
            other => (format!("\"{text}\""), other.to_string()),
        })
    };
    let all = |texts: &[String], field: &str| {
        if texts.is_empty() {
            return Err((String::new(), format!("`{field}` names at least one trait")));
        }
        texts.iter().map(find).collect::<Result<Vec<usize>, Fault>>()
    };
    match rule {
        Rule::Never { r#trait, with } => {
            let group = find(r#trait)?;
            if let Some(at) = all(with, "with")?.iter().position(|other| *other == group) {
                let what = "an item has one value of a group, so these are apart already; name another group";
                return Err((format!("\"{}\"", with[at]), what.to_owned()));
            }
        }
        Rule::Apart(traits) => {
            let mut groups = all(traits, "Apart")?;
            groups.sort_unstable();
            groups.dedup();
            if groups.len() != traits.len() || groups.len() < 2 {
                let what = "names two or more traits of different groups; join values of one group with `|`";
                return Err((String::new(), what.to_owned()));
            }
        }
        Rule::Requires { r#trait, any_of: others } | Rule::Implies { r#trait, then: others } => {
            let group = find(r#trait)?;
            if let Some(at) = all(others, "any_of` or `then")?.iter().position(|other| *other == group) {
                let what = "an item has one value of a group; name another group here";
                return Err((format!("\"{}\"", others[at]), what.to_owned()));
            }
        }
        Rule::AtMost { all_of, .. } | Rule::AtLeast { all_of, .. } => {
            let mut groups = all(all_of, "all_of")?;
            groups.sort_unstable();
            groups.dedup();
            if groups.len() != all_of.len() {
                let what = "`all_of` names each group once; join values of one group with `|`";
                return Err((String::new(), what.to_owned()));
            }
        }
    }
    Ok(())
}

fn check_tier(tier: &Tier, names: &Names<'_>) -> Result<(), Fault> {
    name(&tier.name, '\n').map_err(|what| (String::new(), what))?;
    for text in &tier.any_of {
        names.traits(text).map_err(|e| (format!("\"{text}\""), e.to_string()))?;
    }
    if tier.at_least == 0 || tier.at_least > tier.any_of.len() as u64 {
        let what = format!("`at_least` lies between 1 and the {} traits of `any_of`", tier.any_of.len());
        return Err((String::new(), what));
    }
    Ok(())
}
