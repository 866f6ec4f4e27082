//! `plan`: a trait plan checked, balanced and assigned before anything is made.

use super::args::{PlanArgs, PlanCommand, PlanFile};
use super::folder;
use crate::fail::{FAILED, Fail};
use crate::say;
use kiln_collection::assign::{AssignError, Assignment, assign};
use kiln_collection::balance::{Balance, balance};
use kiln_collection::layers;
use kiln_collection::plan::Plan;
use kiln_collection::rarity::{Census, Measure, Options};
use kiln_collection::seal::{Files, Sort};
use kiln_report::disk::DiskFiles;
use serde_json::json;
use std::path::Path;

/// No plan is longer, in bytes.
const LONGEST: u64 = 64 << 20;
/// How wide a bar is, in letters.
const BAR: usize = 28;

/// Checks, balances or assigns a plan.
///
/// # Errors
/// The plan cannot be read, or an option is wrong.
pub fn plan(args: &PlanArgs) -> Result<u8, Fail> {
    match &args.command {
        PlanCommand::Check { plan, json } => check(plan, *json),
        PlanCommand::Balance { plan, against, png, json } => {
            balanced(plan, against.as_deref(), png.as_deref(), *json)
        }
        PlanCommand::Assign { plan, csv, json } => assigned(plan, *csv, *json),
    }
}

/// Reads a plan: a `.ron`, a table, or a folder of layers.
///
/// # Errors
/// What is wrong with it, with the file's name.
pub fn read_plan(path: &Path, size: Option<u64>, seed: Option<u64>) -> Result<Plan, Fail> {
    let shown = path.display();
    let unsized_hint = "this plan does not say how many items it is for: give --size";
    let mut plan = if path.is_dir() {
        let size = size.ok_or_else(|| Fail::wrong(format!("{shown}: no size"), Some(unsized_hint)))?;
        let entries = DiskFiles::new(path)
            .list()
            .map_err(|e| Fail::wrong(format!("{shown} cannot be read: {e}"), None))?;
        let names: Vec<String> =
            entries.into_iter().filter(|e| e.sort == Sort::File).map(|e| e.path).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        layers_plan(&names, size, seed.unwrap_or(0))
            .map_err(|e| Fail::wrong(format!("{shown}: {e}"), None))?
    } else {
        let bytes = folder::read(path, LONGEST)?;
        let text = String::from_utf8(bytes).map_err(|_| Fail::wrong(format!("{shown} is no text"), None))?;
        let table = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
        let read = if table {
            let size = size.ok_or_else(|| Fail::wrong(format!("{shown}: no size"), Some(unsized_hint)))?;
            Plan::from_csv(&text, size, seed.unwrap_or(0))
        } else {
            Plan::from_ron(&text)
        };
        read.map_err(|e| {
            let line = e.line().map(|l| format!(":{l}")).unwrap_or_default();
            Fail::wrong(format!("{shown}{line}: {e}"), None)
        })?
    };
    plan.size = size.unwrap_or(plan.size);
    plan.seed = seed.unwrap_or(plan.seed);
    Ok(plan)
}

fn layers_plan(names: &[&str], size: u64, seed: u64) -> Result<Plan, layers::LayerError> {
    layers::plan_of(names, &layers::LayerOptions { size, seed, ..layers::LayerOptions::default() })
}

fn read(args: &PlanFile) -> Result<(Plan, Plan), Fail> {
    let before = read_plan(&args.file, args.size, args.seed)?;
    let mut plan = before.clone();
    for set in &args.set {
        change(&mut plan, set)?;
    }
    plan.check().map_err(|e| Fail::wrong(e, None))?;
    Ok((plan, before))
}

/// Puts a share into a plan: `Hat.Crown=5`, `Hat.Crown=exactly:10`, `Hat.Crown=2.5%`.
fn change(plan: &mut Plan, set: &str) -> Result<(), Fail> {
    let wrong = |what: String, hint: &str| Fail::wrong(format!("--set {set}: {what}"), Some(hint));
    let how = "write it like --set Hat.Crown=5, =exactly:10 or =2.5%";
    let Some((name, share)) = set.rsplit_once('=') else {
        return Err(wrong("there is no = in it".to_owned(), how));
    };
    // Names may hold dots themselves: the longest group that fits counts.
    let name = name.trim();
    let groups = plan.groups.iter().enumerate();
    let fits = groups
        .filter_map(|(at, g)| Some((at, name.strip_prefix(g.name.as_str())?.strip_prefix('.')?.trim())));
    let Some((group, value)) = fits.max_by_key(|(at, _)| plan.groups[*at].name.len()) else {
        let known: Vec<&str> = plan.groups.iter().map(|g| g.name.as_str()).collect();
        return Err(wrong(
            "it names no group of the plan".to_owned(),
            &format!("the plan has {}", kiln_core::words::list(&known)),
        ));
    };
    let (weight, exactly, percent) = match share.trim() {
        text if text.starts_with("exactly:") => {
            let count =
                text["exactly:".len()..].trim().parse::<u64>().map_err(|e| wrong(e.to_string(), how))?;
            (None, Some(count), None)
        }
        text => {
            let (number, percent) = text.strip_suffix('%').map_or((text, false), |t| (t.trim(), true));
            let number: f64 = number.parse().map_err(|_| wrong(format!("{text:?} is no number"), how))?;
            if !number.is_finite() || number < 0.0 {
                return Err(wrong(format!("{text} is no share"), how));
            }
            if percent { (None, None, Some(number)) } else { (Some(number), None, None) }
        }
    };
    let group = &mut plan.groups[group];
    if value == "none" {
        group.chance = None;
        group.none = Some(kiln_collection::plan::Nothing { weight, exactly, percent });
        return Ok(());
    }
    let known: Vec<String> = group.values.iter().map(|v| v.name.clone()).collect();
    let Some(value) = group.values.iter_mut().find(|v| v.name == value) else {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let hint = match kiln_core::words::nearest(value, &known) {
            Some(near) => format!("did you mean {}.{near}?", group.name),
            None => format!("{} has {}", group.name, kiln_core::words::list(&known)),
        };
        return Err(wrong(format!("{} has no {value:?}", group.name), &hint));
    };
    (value.weight, value.exactly, value.percent) = (weight, exactly, percent);
    Ok(())
}

/// Tells a plan that cannot be fulfilled; the exit code.
fn refused(error: &AssignError, json: bool) -> Result<u8, Fail> {
    match error {
        AssignError::Plan(e) => return Err(Fail::wrong(e, None)),
        error if json => {
            let culprits: Vec<String> = match error {
                AssignError::Impossible(why) => why.culprits.iter().map(ToString::to_string).collect(),
                _ => Vec::new(),
            };
            say::json(&json!({ "ok": false, "error": error.to_string(), "culprits": culprits }));
        }
        error => say::err(&format!("error: {error}")),
    }
    Ok(FAILED)
}

fn check(args: &PlanFile, as_json: bool) -> Result<u8, Fail> {
    let (plan, _) = read(args)?;
    let made = match assign(&plan) {
        Ok(made) => made,
        Err(error) => return refused(&error, as_json),
    };
    let breaches = kiln_collection::check::check(&plan, &made, 20);
    let values: usize = plan.groups.iter().map(|g| g.values.len()).sum();
    let off = off(&plan, &made);
    if as_json {
        let breaches: Vec<String> = breaches.iter().map(ToString::to_string).collect();
        say::json(&json!({
            "ok": breaches.is_empty(), "size": plan.size, "groups": plan.groups.len(), "values": values,
            "rules": plan.rules.len(), "off": off, "hash": hex(&made.hash()), "breaches": breaches,
        }));
    } else {
        breaches.iter().for_each(|b| say::err(&format!("error: {b}")));
        let rules = folder::counted(plan.rules.len(), "rule");
        say::out(&format!(
            "{}: {}, {}, {values} values, {rules}: it can be fulfilled",
            args.file.display(),
            folder::counted(usize::try_from(plan.size).unwrap_or(usize::MAX), "item"),
            folder::counted(plan.groups.len(), "group"),
        ));
        if off > 0 {
            say::out(&format!(
                "rules move counts of weighted values by up to {off}; graph-run plan assign shows them"
            ));
        }
    }
    Ok(if breaches.is_empty() { 0 } else { FAILED })
}

/// How far an assignment's counts are from what the weights ask for.
fn off(plan: &Plan, made: &Assignment) -> u64 {
    let compared = balance(plan).against(plan, made);
    let values = compared.groups.iter().flat_map(|g| &g.values);
    values.filter_map(|v| Some(v.planned.abs_diff(v.before?))).max().unwrap_or(0)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn balanced(args: &PlanFile, against: Option<&Path>, png: Option<&Path>, as_json: bool) -> Result<u8, Fail> {
    let (plan, before) = read(args)?;
    let mut found = balance(&plan);
    if let Some(other) = against {
        found = found.against_plan(&read_plan(other, args.size, args.seed)?);
    } else if !args.set.is_empty() {
        found = found.against_plan(&before);
    }
    if let Some(path) = png {
        let title = if plan.name.is_empty() { "Balance" } else { &plan.name };
        let bytes =
            kiln_report::chart::balance(title, &found).map_err(|e| Fail::Failed(format!("error: {e}")))?;
        std::fs::write(path, bytes)
            .map_err(|e| Fail::Failed(format!("error: {} cannot be written: {e}", path.display())))?;
    }
    // What the weights ask for may be more than the rules allow.
    let possible = assign(&plan).err();
    if as_json {
        let value = |v: &kiln_collection::balance::ValueBalance| {
            let bits = v.rarity.is_finite().then_some(v.rarity);
            json!({ "name": v.name, "items": v.planned, "before": v.before, "share": v.share, "rarity": bits })
        };
        let group = |g: &kiln_collection::balance::GroupBalance| json!({ "name": g.name, "values": g.values.iter().map(value).collect::<Vec<_>>() });
        say::json(&json!({
            "size": found.size,
            "possible": possible.is_none(),
            "error": possible.as_ref().map(ToString::to_string),
            "groups": found.groups.iter().map(group).collect::<Vec<_>>(),
        }));
    } else {
        say::out(bars(&found).trim_end());
        if let Some(error) = &possible {
            say::err(&format!("error: {error}"));
        }
    }
    Ok(if possible.is_none() { 0 } else { FAILED })
}

/// The balance as a table with bars; a mark stands where it was before.
fn bars(found: &Balance) -> String {
    let table = found.table();
    let mut lines = table.lines();
    let head = lines.next().unwrap_or_default().to_owned();
    let width = table.lines().map(|l| l.chars().count()).max().unwrap_or(0);
    let mut text = format!("{head}\n");
    for group in &found.groups {
        let most =
            group.values.iter().map(|v| v.planned.max(v.before.unwrap_or(0))).max().unwrap_or(0).max(1);
        if let Some(line) = lines.next() {
            text.push_str(line);
            text.push('\n');
        }
        for (value, line) in group.values.iter().zip(&mut lines) {
            let pad = " ".repeat(width - line.chars().count());
            text.push_str(&format!("{line}{pad}  {}\n", bar(value.planned, value.before, most).trim_end()));
        }
    }
    text
}

/// A bar of so many of the most, in eighths of a letter, and a mark where it was before.
fn bar(now: u64, before: Option<u64>, most: u64) -> String {
    const PARTS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = |n: u64| (u128::from(n) * BAR as u128 * 8 / u128::from(most)) as usize;
    let long = eighths(now).max(usize::from(now > 0));
    let mut letters: Vec<char> = vec!['█'; long / 8];
    if !long.is_multiple_of(8) {
        letters.push(PARTS[long % 8]);
    }
    letters.resize(BAR + 1, ' ');
    if let Some(before) = before.filter(|b| *b != now) {
        letters[(eighths(before) / 8).min(BAR)] = '┃';
    }
    letters.into_iter().collect()
}

fn assigned(args: &PlanFile, as_csv: bool, as_json: bool) -> Result<u8, Fail> {
    let (plan, _) = read(args)?;
    let made = match assign(&plan) {
        Ok(made) => made,
        Err(error) => return refused(&error, as_json),
    };
    let tier = |item: usize| plan.tier(&made.item(item)).ok().flatten().unwrap_or_default().to_owned();
    if as_csv {
        say::out(table_of(&plan, &made, &tier)?.trim_end());
        return Ok(0);
    }
    if as_json {
        let items: Vec<serde_json::Value> = (0..made.len())
            .map(|item| {
                let traits: serde_json::Map<String, serde_json::Value> =
                    made.traits(&plan, item).into_iter().map(|(g, v)| (g.to_owned(), v.into())).collect();
                json!({ "item": item, "traits": traits, "tier": tier(item) })
            })
            .collect();
        say::json(&json!({ "size": made.len(), "hash": hex(&made.hash()), "items": items }));
        return Ok(0);
    }
    say::out(balance(&plan).against(&plan, &made).table().replacen("before", "  made", 1).trim_end());
    say::out(&format!("{}, assignment {}", folder::counted(made.len(), "item"), &hex(&made.hash())[..16]));
    Ok(0)
}

/// The assignment as a table, with each item's tier and OpenRarity rank.
fn table_of(plan: &Plan, made: &Assignment, tier: &dyn Fn(usize) -> String) -> Result<String, Fail> {
    let broken = |e: &dyn std::fmt::Display| Fail::Failed(format!("error: the table cannot be written: {e}"));
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut head = vec!["item"];
    head.extend(plan.groups.iter().map(|g| g.name.as_str()));
    head.extend(["tier", "rank"]);
    table.write_record(&head).map_err(|e| broken(&e))?;
    let ranks = Census::of(plan, made, Options::default()).ranks(Measure::Open);
    for (item, rank) in ranks.iter().enumerate() {
        let mut row = vec![item.to_string()];
        for (at, group) in plan.groups.iter().enumerate() {
            let value = made.value(item, at).and_then(|v| group.values.get(v));
            row.push(value.map_or_else(String::new, |v| v.name.clone()));
        }
        row.extend([tier(item), rank.to_string()]);
        table.write_record(&row).map_err(|e| broken(&e))?;
    }
    let bytes = table.into_inner().map_err(|e| broken(&e))?;
    String::from_utf8(bytes).map_err(|e| broken(&e))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
    use super::*;
    use kiln_collection::plan::{Group, Share, TraitValue};

    #[test]
    fn shares_are_changed_by_name() {
        let dotted = Group::new("St. Hat", vec![TraitValue::new("Crown")]);
        let hat = Group::new("Hat", vec![TraitValue::new("v1.5"), TraitValue::new("Cap")]);
        let mut plan = Plan::new(10, 1, vec![dotted, hat]);
        for set in ["Hat.v1.5=3", "Hat.Cap=exactly:2", "St. Hat.Crown=50%", "Hat.none=1"] {
            change(&mut plan, set).unwrap();
        }
        assert_eq!(plan.groups[1].values[0].share(), Share::Weight(3.0));
        assert_eq!(plan.groups[1].values[1].share(), Share::Exactly(2));
        assert_eq!(plan.groups[0].values[0].share(), Share::Percent(50.0));
        assert_eq!(plan.groups[1].nothing(), Some(Share::Weight(1.0)));
        for (set, says) in [
            ("Hat.Cpa=1", "did you mean Hat.Cap?"),
            ("Bat.Cap=1", "names no group"),
            ("Hat.Cap", "no ="),
            ("Hat.Cap=lots", "no number"),
            ("Hat.Cap=-1", "no share"),
            ("Hat.Cap=NaN", "no share"),
        ] {
            let error = change(&mut plan, set).unwrap_err().to_string();
            assert!(error.contains(says), "{set}: {error}");
        }
    }

    #[test]
    fn bars_have_marks() {
        assert_eq!(bar(8, None, 8).trim_end(), "█".repeat(BAR));
        assert_eq!(bar(0, None, 8).trim_end(), "");
        assert_eq!(bar(1, None, 1_000_000).trim_end(), "▏");
        assert!(bar(4, Some(8), 8).ends_with('┃'));
        assert!(!bar(4, Some(4), 8).contains('┃'));
    }
}
