//! How long assigning takes: `cargo run --release -p kiln-collection --example assign`, or with a plan as argument.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use kiln_collection::assign::{Assignment, assign};
use kiln_collection::check::check;
use kiln_collection::plan::{Group, Plan, Rule, TraitValue};
use std::time::Instant;

/// Twelve groups of twenty values with weights, some exact counts and rules between them.
fn plan(size: u64, rules: bool) -> Plan {
    let groups = (0..12)
        .map(|group| {
            let value = |value: u32| {
                let made = TraitValue::new(format!("Value {value}"));
                if value == 0 {
                    made.exactly(size / 500)
                } else {
                    made.weighing(f64::from(1 + value * value % 37))
                }
            };
            let mut made = Group::new(format!("Group {group}"), (0..20).map(value).collect());
            made.chance = (group % 3 == 2).then_some(0.8);
            made
        })
        .collect();
    let mut plan = Plan::new(size, 7, groups);
    if rules {
        let name = |group: u32, value: u32| format!("Group {group}: Value {value}");
        for at in 0..12 {
            let next = (at + 1) % 12;
            plan.rules.push(Rule::Never { r#trait: name(at, 1), with: vec![name(next, 2), name(next, 3)] });
            if at < 6 {
                plan.rules.push(Rule::Requires {
                    r#trait: name(at, 4),
                    any_of: vec![name(at + 6, 5), name(at + 6, 6)],
                });
            }
        }
        plan.rules.push(Rule::AtMost { count: size / 1000, all_of: vec![name(0, 7), name(1, 7)] });
        plan.rules.push(Rule::AtLeast { count: size / 1000, all_of: vec![name(0, 8), name(1, 9)] });
    }
    plan
}

fn report(name: &str, plan: &Plan) {
    let begun = Instant::now();
    let result = assign(plan);
    let took = begun.elapsed();
    match result {
        Ok(found) => {
            let begun = Instant::now();
            let breaches = check(plan, &found, 5);
            println!(
                "{name}: {took:.2?}, checked in {:.2?}, {} breaches, off {}",
                begun.elapsed(),
                breaches.len(),
                off(plan, &found)
            );
            breaches.iter().for_each(|breach| println!("    {breach}"));
        }
        Err(error) => println!("{name}: {took:.2?}: {error}"),
    }
}

/// How many items would have to change for every weight to be met to the item.
fn off(plan: &Plan, found: &Assignment) -> u64 {
    let balance = kiln_collection::balance::balance(plan);
    let groups = balance.groups.iter().enumerate();
    groups
        .map(|(at, group)| {
            let counts = found.counts(at);
            group.values.iter().zip(counts).map(|(value, count)| value.planned.abs_diff(count)).sum::<u64>()
                / 2
        })
        .sum()
}

fn main() {
    if let Some(path) = std::env::args().nth(1) {
        match std::fs::read_to_string(&path).map(|text| Plan::from_ron(&text)) {
            Ok(Ok(plan)) => report(&path, &plan),
            Ok(Err(error)) => println!("{path}: {error}"),
            Err(error) => println!("{path}: {error}"),
        }
        return;
    }
    for size in [10_000, 100_000, 1_000_000] {
        report(&format!("{size} items, 12 groups"), &plan(size, false));
        report(&format!("{size} items, 12 groups, rules"), &plan(size, true));
    }
}
