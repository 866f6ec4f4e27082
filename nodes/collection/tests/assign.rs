//! Assignments, proven by the referee: rules hold, counts are met, contradictions are named.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_collection::Chance;
use kiln_collection::assign::{AssignError, Assignment, Culprit, assign};
use kiln_collection::balance::balance;
use kiln_collection::check::{Breach, check};
use kiln_collection::plan::{Group, Plan, Rule, TraitValue};

fn group(name: &str, values: &[(&str, u64)]) -> Group {
    // A count of nought means a weight of one.
    let value = |(name, exactly): &(&str, u64)| match exactly {
        0 => TraitValue::new(*name),
        count => TraitValue::new(*name).exactly(*count),
    };
    Group::new(name, values.iter().map(value).collect())
}

fn requires(one: &str, others: &[&str]) -> Rule {
    Rule::Requires { r#trait: one.into(), any_of: others.iter().map(|s| (*s).into()).collect() }
}

fn implies(one: &str, others: &[&str]) -> Rule {
    Rule::Implies { r#trait: one.into(), then: others.iter().map(|s| (*s).into()).collect() }
}

fn never(one: &str, others: &[&str]) -> Rule {
    Rule::Never { r#trait: one.into(), with: others.iter().map(|s| (*s).into()).collect() }
}

fn fulfilled(plan: &Plan) -> Assignment {
    let found = assign(plan).unwrap_or_else(|error| panic!("{error}"));
    let breaches = check(plan, &found, 5);
    assert!(breaches.is_empty(), "{breaches:?}");
    found
}

/// The culprits, and the words.
fn refused(plan: &Plan) -> (Vec<String>, String) {
    match assign(plan) {
        Err(AssignError::Impossible(why)) => {
            (why.culprits.iter().map(ToString::to_string).collect(), why.why.clone())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_example_is_fulfilled() {
    let plan = Plan::from_ron(include_str!("../examples/plan.ron")).unwrap();
    let found = fulfilled(&plan);
    let legendary =
        (0..found.len()).filter(|item| plan.tier(&found.item(*item)).unwrap() == Some("Legendary")).count();
    assert!((10..=20).contains(&legendary), "{legendary}");
}

#[test]
fn weights_without_rules_are_met_to_the_item() {
    let mut plan = Plan::new(
        997,
        3,
        vec![
            group("A", &[("a", 0), ("b", 0), ("c", 13), ("d", 0), ("e", 0)]),
            group("B", &[("a", 0), ("b", 0), ("c", 0), ("d", 0), ("e", 0), ("f", 0), ("g", 0)]),
            group("C", &[("a", 0), ("b", 0), ("c", 0), ("d", 0), ("e", 0), ("f", 0), ("g", 0)]),
            group(
                "D",
                &[("a", 0), ("b", 0), ("c", 0), ("d", 0), ("e", 0), ("f", 0), ("g", 0), ("h", 0), ("i", 0)],
            ),
            Group::new("E", (0..30).map(|v| TraitValue::new(format!("v{v}"))).collect()),
        ],
    );
    plan.groups[1].values[0].weight = Some(0.0);
    plan.groups[2].chance = Some(0.3);
    let found = fulfilled(&plan);
    for (at, group) in balance(&plan).groups.iter().enumerate() {
        let planned: Vec<u64> = group.values.iter().map(|v| v.planned).collect();
        assert_eq!(found.counts(at)[..planned.len()], planned);
    }
}

#[test]
fn the_same_plan_gives_the_same_assignment_for_ever() {
    let plan = Plan::from_ron(include_str!("../examples/plan.ron")).unwrap();
    let hex: String = fulfilled(&plan).hash().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, "e3c5f28ed5f511f3c58bc99f7ff059ed194e761a62351434363531069a6f5d3e");
    // However many compute it at the same time.
    let hashes: Vec<[u8; 32]> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(|| assign(&plan).unwrap().hash())).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    assert!(hashes.windows(2).all(|pair| pair[0] == pair[1]));
    let other = Plan { seed: 8, ..plan };
    assert_ne!(fulfilled(&other).hash(), hashes[0]);
}

#[test]
fn traits_stay_independent_where_no_rule_ties_them() {
    // One pair is forbidden; what the others do together is what their shares say.
    let mut plan = Plan::new(
        9000,
        5,
        vec![group("A", &[("a", 0), ("b", 0), ("c", 0)]), group("B", &[("a", 0), ("b", 0), ("c", 0)])],
    );
    plan.allow_duplicates = true;
    plan.rules.push(never("A: a", &["B: a"]));
    let found = fulfilled(&plan);
    assert_eq!(found.counts(0), [3000, 3000, 3000, 0]);
    assert_eq!(found.counts(1), [3000, 3000, 3000, 0]);
    let mut pairs = [[0u32; 3]; 3];
    for item in 0..found.len() {
        pairs[found.value(item, 0).unwrap()][found.value(item, 1).unwrap()] += 1;
    }
    let expected = [[0u32, 1500, 1500], [1500, 750, 750], [1500, 750, 750]];
    for (pairs, expected) in pairs.as_flattened().iter().zip(expected.as_flattened()) {
        assert!(pairs.abs_diff(*expected) < 100, "{pairs} for {expected}");
    }
}

#[test]
fn a_collection_can_be_everything_there_is() {
    let letters =
        [("a", 0), ("b", 0), ("c", 0), ("d", 0), ("e", 0), ("f", 0), ("g", 0), ("h", 0), ("i", 0), ("j", 0)];
    // Every combination, none twice.
    let plan = Plan::new(
        24,
        1,
        vec![group("A", &letters[..4]), group("B", &letters[..3]), group("C", &letters[..2])],
    );
    fulfilled(&plan);
    let all = vec![group("A", &letters), group("B", &letters), group("C", &letters), group("D", &letters)];
    fulfilled(&Plan::new(10_000, 1, all.clone()));
    fulfilled(&Plan::new(9_990, 1, all.clone()));
    // And with rules: 10 * 10 * 10 * 10 less the forbidden 100.
    let mut plan = Plan::new(9_900, 1, all);
    plan.rules.push(never("A: a", &["B: a"]));
    fulfilled(&plan);
    plan.size = 9_901;
    let (culprits, why) = refused(&plan);
    assert_eq!(culprits, ["rule 1: `A: a` never with `B: a`", "9 901 items", "no two items alike"]);
    assert!(why.contains("10 × 10 × 10 × 10 = 10 000") && why.contains("leave 9 900"), "{why}");
}

#[test]
fn a_nearly_full_collection_keeps_exact_counts() {
    let mut plan = Plan::new(
        50,
        4,
        vec![
            group("A", &[("a", 12), ("b", 0), ("c", 0), ("d", 0)]),
            group("B", &[("a", 9), ("b", 0), ("c", 0), ("d", 0)]),
            group("C", &[("a", 0), ("b", 0), ("c", 0), ("d", 0)]),
        ],
    );
    fulfilled(&plan);
    // With 17 of 16 possible it is refused.
    plan.groups[0].values[0].exactly = Some(17);
    let (culprits, why) = refused(&plan);
    assert_eq!(culprits, ["exactly 17 `A: a`", "no two items alike"]);
    assert_eq!(why, "there are only 16 different items with `A: a`, and 17 are asked for");
}

#[test]
fn counts_that_contradict_each_other_are_named_with_numbers() {
    let mut plan = Plan::new(
        100,
        1,
        vec![
            group("Hat", &[("Crown", 10), ("Cap", 0), ("Hood", 0)]),
            group("Fur", &[("Gold", 8), ("Red", 0), ("Grey", 0), ("Blue", 0)]),
            group("Eyes", &[("Big", 0), ("Small", 3)]),
            Group::new("Sky", ["a", "b", "c", "d"].map(TraitValue::new).into()),
            Group::new("Place", (0..9).map(|v| TraitValue::new(format!("v{v}"))).collect()),
        ],
    );
    plan.rules = vec![
        never("Eyes: Small", &["Sky: a"]),
        requires("Hat: Crown", &["Fur: Gold"]),
        never("Hat: Cap", &["Sky: b"]),
    ];
    let (culprits, why) = refused(&plan);
    assert_eq!(
        culprits,
        ["exactly 8 `Fur: Gold`", "exactly 10 `Hat: Crown`", "rule 2: `Hat: Crown` requires `Fur: Gold`"]
    );
    assert_eq!(why, "`Hat: Crown` (10) needs 10 items, and `Fur: Gold` (8) has room for 8");
    plan.groups[1].values[0].exactly = Some(10);
    fulfilled(&plan);
}

#[test]
fn two_demands_on_one_supply_are_seen_together() {
    let mut plan = Plan::new(
        100,
        1,
        vec![
            group("Hat", &[("Crown", 10), ("Cap", 0), ("Hood", 0)]),
            group("Eyes", &[("Laser", 15), ("Big", 0), ("Small", 0)]),
            group("Fur", &[("Gold", 20), ("Red", 0), ("Grey", 0)]),
            group(
                "Sky",
                &[
                    ("a", 0),
                    ("b", 0),
                    ("c", 0),
                    ("d", 0),
                    ("e", 0),
                    ("f", 0),
                    ("g", 0),
                    ("h", 0),
                    ("i", 0),
                    ("j", 0),
                    ("k", 0),
                ],
            ),
        ],
    );
    plan.rules = vec![
        requires("Hat: Crown", &["Fur: Gold"]),
        implies("Eyes: Laser", &["Fur: Gold"]),
        never("Hat: Cap", &["Sky: b"]),
    ];
    // Crown and laser may meet: 20 gold are enough.
    fulfilled(&plan);
    plan.rules.push(never("Hat: Crown", &["Eyes: Laser"]));
    let (culprits, why) = refused(&plan);
    assert_eq!(
        culprits,
        [
            "exactly 15 `Eyes: Laser`",
            "exactly 20 `Fur: Gold`",
            "exactly 10 `Hat: Crown`",
            "rule 1: `Hat: Crown` requires `Fur: Gold`",
            "rule 2: `Eyes: Laser` implies `Fur: Gold`",
            "rule 4: `Hat: Crown` never with `Eyes: Laser`",
        ]
    );
    assert!(why.contains("together need 25 items") && why.ends_with("has room for 20"), "{why}");
}

#[test]
fn implications_in_a_circle_that_bite_are_refused() {
    let mut plan = Plan::new(
        20,
        1,
        vec![
            group("A", &[("a", 0), ("x", 0), ("y", 0)]),
            group("B", &[("b", 0), ("x", 0), ("y", 0)]),
            group("C", &[("c", 0), ("x", 0), ("y", 0)]),
            group("D", &[("d", 0), ("x", 0), ("y", 0)]),
        ],
    );
    plan.rules = vec![
        implies("A: a", &["B: b"]),
        never("D: d", &["A: a"]),
        implies("B: b", &["C: c"]),
        implies("C: c", &["A: x"]),
    ];
    let (culprits, why) = refused(&plan);
    assert_eq!(
        culprits,
        [
            "`A: a` has a weight",
            "rule 1: `A: a` implies `B: b`",
            "rule 3: `B: b` implies `C: c`",
            "rule 4: `C: c` implies `A: x`",
        ]
    );
    assert!(why.starts_with("`A: a` has a weight, and no item can have it"), "{why}");
    // A circle that does not bite is fine.
    plan.rules[3] = implies("C: c", &["A: a"]);
    fulfilled(&plan);
}

#[test]
fn too_few_combinations_are_counted() {
    let letters = [("a", 0), ("b", 0), ("c", 0), ("d", 0)];
    let mut plan =
        Plan::new(100, 1, vec![group("A", &letters), group("B", &letters[..3]), group("C", &letters[..2])]);
    let (culprits, why) = refused(&plan);
    assert_eq!(culprits, ["100 items", "no two items alike"]);
    assert_eq!(
        why,
        "there are only 24 different items (4 × 3 × 2 = 24), and 100 are wanted; add values or allow duplicates"
    );
    plan.allow_duplicates = true;
    fulfilled(&plan);
}

#[test]
fn exact_counts_larger_or_smaller_than_the_collection_are_refused() {
    let plan = Plan::new(100, 1, vec![group("A", &[("a", 60), ("b", 50), ("c", 0)])]);
    let (culprits, why) = refused(&plan);
    assert_eq!(
        culprits,
        ["exactly 60 `A: a`", "exactly 50 `A: b`", "100 items"].map(String::from).to_vec(),
        "{why}"
    );
    let plan = Plan::new(100, 1, vec![group("A", &[("a", 60), ("b", 30)])]);
    let (culprits, _) = refused(&plan);
    assert_eq!(culprits, ["exactly 60 `A: a`", "exactly 30 `A: b`", "100 items"].map(String::from).to_vec());
}

#[test]
fn limits_hold_on_values_and_on_pairs() {
    let letters = [("a", 0), ("b", 0), ("c", 0), ("d", 0), ("e", 0)];
    let mut plan = Plan::new(
        500,
        2,
        vec![
            group("A", &letters),
            group("B", &letters),
            group("C", &letters),
            group("D", &letters),
            group("E", &letters),
        ],
    );
    let all_of = |names: &[&str]| names.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    plan.rules = vec![
        Rule::AtMost { count: 7, all_of: all_of(&["A: a"]) },
        Rule::AtMost { count: 3, all_of: all_of(&["B: a", "C: a"]) },
        Rule::AtLeast { count: 45, all_of: all_of(&["B: b", "C: b | c"]) },
        Rule::AtLeast { count: 5, all_of: all_of(&["A: a", "B: c", "D: a"]) },
        Rule::AtMost { count: 40, all_of: all_of(&["D: a | b"]) },
        Rule::AtMost { count: 0, all_of: all_of(&["A: b", "B: b", "C: b"]) },
        Rule::AtLeast { count: 2, all_of: all_of(&["A: c", "B: a", "C: a"]) },
    ];
    fulfilled(&plan);
    plan.rules.push(Rule::AtLeast { count: 4, all_of: all_of(&["A: c | d", "B: a", "C: a"]) });
    let (culprits, _) = refused(&plan);
    assert_eq!(
        culprits,
        ["rule 2: at most 3 with `B: a` and `C: a`", "rule 8: at least 4 with `A: c | d`, `B: a` and `C: a`"]
    );
}

/// A random plan of some groups with rules of every sort.
fn random_plan(seed: u64) -> Plan {
    let mut chance = Chance::new(seed, "random plan");
    let groups = 4 + chance.below(5);
    let mut plan = Plan::new(200 + chance.below(800) as u64, seed, Vec::new());
    for g in 0..groups {
        let mut values: Vec<TraitValue> = (0..3 + chance.below(6))
            .map(|v| TraitValue::new(format!("v{v}")).weighing(0.2 + chance.unit()))
            .collect();
        for value in values.iter_mut().take(1 + chance.below(2)) {
            if chance.below(3) == 0 {
                value.weight = None;
                value.exactly = Some(1 + chance.below(plan.size as usize / 12) as u64);
            }
        }
        let mut group = Group::new(format!("g{g}"), values);
        group.chance = (chance.below(3) == 0).then(|| 0.3 + 0.6 * chance.unit());
        plan.groups.push(group);
    }
    let name = |plan: &Plan, chance: &mut Chance, but: &[usize]| {
        let open: Vec<usize> = (0..groups).filter(|g| !but.contains(g)).collect();
        let g = open[chance.below(open.len())];
        let values = plan.groups[g].values.len();
        let text = match chance.below(6) {
            0 if plan.groups[g].chance.is_some() => "none".to_owned(),
            1 => format!("v{} | v{}", chance.below(values), chance.below(values)),
            _ => format!("v{}", chance.below(values)),
        };
        (g, format!("g{g}: {text}"))
    };
    for _ in 0..3 + chance.below(8) {
        let (a, one) = name(&plan, &mut chance, &[]);
        let (b, two) = name(&plan, &mut chance, &[a]);
        let (_, three) = name(&plan, &mut chance, &[a, b]);
        let count = chance.below(plan.size as usize / 10) as u64;
        plan.rules.push(match chance.below(6) {
            0 => Rule::Never { r#trait: one, with: vec![two, three] },
            1 => Rule::Apart(vec![one, two, three]),
            2 => Rule::Requires { r#trait: one, any_of: vec![two, three] },
            3 => Rule::Implies { r#trait: one, then: vec![two] },
            4 => Rule::AtMost { count, all_of: vec![one, two] },
            _ => Rule::AtLeast { count: count / 10, all_of: vec![one, two] },
        });
    }
    plan
}

/// What a contradiction's culprits leave of a plan: everything else is let go.
fn only_culprits(plan: &Plan, culprits: &[Culprit]) -> Plan {
    let mut small = plan.clone();
    small.rules = Vec::new();
    for group in &mut small.groups {
        for value in &mut group.values {
            value.exactly = None;
            value.percent = None;
            value.weight = None;
        }
    }
    let mut distinct = false;
    for culprit in culprits {
        match culprit {
            Culprit::Rule { number, .. } => small.rules.push(plan.rules[*number].clone()),
            Culprit::Exactly { group, value, count } => {
                let group = small.groups.iter_mut().find(|g| g.name == *group).unwrap();
                group.values.iter_mut().find(|v| v.name == *value).unwrap().exactly = Some(*count);
            }
            Culprit::Distinct => distinct = true,
            Culprit::Never { .. } | Culprit::Wanted { .. } | Culprit::Size { .. } => {}
        }
    }
    small.allow_duplicates = !distinct;
    small
}

#[test]
fn thirty_and_more_random_rule_sets_are_proven_or_rightly_refused() {
    let (mut fine, mut refused, mut gave_up) = (0, 0, Vec::new());
    for seed in 0..60 {
        let plan = random_plan(seed);
        match assign(&plan) {
            Ok(found) => {
                let breaches = check(&plan, &found, 5);
                assert!(breaches.is_empty(), "seed {seed}: {breaches:?}");
                assert_eq!(found, assign(&plan).unwrap());
                fine += 1;
            }
            Err(AssignError::Impossible(why)) => {
                // The culprits alone are refused as well, and without any one of them they are not refused for it.
                let alone = only_culprits(&plan, &why.culprits);
                assert!(
                    matches!(assign(&alone), Err(AssignError::Impossible(_))),
                    "seed {seed}: {why}\nalone they go together"
                );
                for at in 0..alone.rules.len() {
                    let mut less = alone.clone();
                    less.rules.remove(at);
                    let result = assign(&less);
                    assert!(
                        !matches!(result, Err(AssignError::Impossible(_))),
                        "seed {seed}: {why}\nrule {at} of them is innocent"
                    );
                }
                refused += 1;
            }
            Err(AssignError::GaveUp { .. }) => gave_up.push(seed),
            Err(other) => panic!("seed {seed}: {other}"),
        }
    }
    println!("fulfilled {fine}, refused {refused}, gave up {gave_up:?}");
    assert!(fine >= 30 && refused >= 8 && gave_up.is_empty(), "{fine} {refused} {gave_up:?}");
}

#[test]
fn planted_contradictions_are_found_among_innocent_rules() {
    let mut found = 0;
    for seed in 0..400 {
        let mut plan = random_plan(seed);
        if assign(&plan).is_err() {
            continue;
        }
        // Three new groups hold a contradiction of their own.
        let count = 5 + seed % 7;
        plan.groups.push(group("P", &[("p", count), ("x", 0), ("y", 0)]));
        plan.groups.push(group("Q", &[("q", count - 1), ("x", 0), ("y", 0)]));
        plan.groups.push(group("R", &[("r", 0), ("x", 0), ("y", 0)]));
        let at = plan.rules.len() / 2;
        plan.rules.insert(at, implies("P: p", &["R: r"]));
        plan.rules.push(requires("R: r", &["Q: q"]));
        let last = plan.rules.len();
        // And a tie to the others that has no part in it.
        plan.rules.push(never("Q: x", &["g0: v0"]));
        let (culprits, why) = refused(&plan);
        let expected = [
            format!("exactly {count} `P: p`"),
            format!("exactly {} `Q: q`", count - 1),
            format!("rule {}: `P: p` implies `R: r`", at + 1),
            format!("rule {last}: `R: r` requires `Q: q`"),
        ];
        assert_eq!(culprits, expected, "seed {seed}: {why}");
        found += 1;
        if found == 30 {
            return;
        }
    }
    panic!("only {found} plans");
}

#[test]
fn the_referee_sees_what_is_wrong() {
    let mut plan =
        Plan::new(4, 1, vec![group("A", &[("a", 2), ("b", 0)]), group("B", &[("a", 0), ("b", 0)])]);
    plan.rules = vec![never("A: a", &["B: a"]), Rule::AtMost { count: 1, all_of: vec!["B: b".into()] }];
    let items = |list: &[[Option<usize>; 2]]| {
        Assignment::from_items(&plan, &list.iter().map(|i| i.to_vec()).collect::<Vec<_>>()).unwrap()
    };
    let wrong = items(&[[Some(0), Some(0)], [Some(1), Some(1)], [Some(1), Some(1)], [Some(1), None]]);
    assert_eq!(
        check(&plan, &wrong, 10),
        [
            Breach::Count { group: "A".into(), value: "a".into(), planned: 2, found: 1 },
            Breach::Missing { item: 3, group: "B".into() },
            Breach::Rule { item: 0, rule: 0 },
            Breach::Limit { rule: 1, found: 2 },
            Breach::Alike { one: 1, other: 2 },
        ]
    );
    let short = items(&[[Some(0), Some(1)]]);
    assert!(check(&plan, &short, 10).contains(&Breach::Size { planned: 4, found: 1 }));
    assert!(Assignment::from_items(&plan, &[vec![Some(9), None]]).is_err());
}

#[test]
fn too_few_different_items_are_named_as_that() {
    // Nobody lacks a rule's consent here: there are 51 different items, and 60 are wanted.
    let plan = Plan::from_ron(
        r#"(size: 60, groups: [
            (name: "Sky", values: [(name: "Dusk", weight: 0), (name: "Noon")]),
            (name: "Fur", values: [(name: "Red"), (name: "Silver"), (name: "Golden", exactly: 2)]),
            (name: "Hat", chance: 0.5, values: [(name: "Cap"), (name: "Crown", exactly: 3), (name: "Hood"), (name: "Beret")]),
            (name: "Level", values: [(name: "1"), (name: "5"), (name: "9")]),
            (name: "Grain", values: [(name: "Fine"), (name: "Coarse")]),
        ], rules: [Implies(trait: "Fur: Golden", then: ["Hat: Crown"])])"#,
    )
    .unwrap();
    let told = assign(&plan).unwrap_err().to_string();
    assert!(told.contains("60") && told.contains("no two items alike"), "{told}");
}
