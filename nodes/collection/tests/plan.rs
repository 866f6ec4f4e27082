//! Reading plans: what is understood, and what people are told when something is wrong.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_collection::assign::{AssignError, assign};
use kiln_collection::check::check;
use kiln_collection::plan::{Group, Pick, Plan, PlanError, Rule, Setting, Share, TraitValue};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../examples/plan.ron");

fn wrong(text: &str) -> String {
    Plan::from_ron(text).unwrap_err().to_string()
}

#[test]
fn the_example_is_read_whole() {
    let plan = Plan::from_ron(EXAMPLE).unwrap();
    assert_eq!(
        (plan.size, plan.seed, plan.groups.len(), plan.rules.len(), plan.tiers.len()),
        (2000, 7, 7, 6, 2)
    );
    let aurora = &plan.groups[0].values[3];
    assert_eq!(aurora.share(), Share::Exactly(24));
    assert_eq!((aurora.loras[0].file.as_str(), aurora.loras[0].strength), ("aurora.safetensors", 0.8));
    assert_eq!(plan.groups[0].values[2].set["sampler.cfg"], Setting::Float(5.5));
    assert_eq!(plan.groups[1].values[3].shown(), "Solid Gold");
    assert_eq!(plan.groups[3].nothing(), Some(Share::Weight(5.0)));
    let traits = plan.traits("Fur: Golden | White").unwrap();
    assert_eq!((traits.group, traits.pick.clone()), (1, Pick::Some { values: vec![2, 3], none: false }));
    assert!(traits.holds(Some(3)) && !traits.holds(Some(0)) && !traits.holds(None));
    assert!(plan.traits("Hat: *").unwrap().holds(Some(0)) && !plan.traits("Hat: *").unwrap().holds(None));
    assert!(plan.traits("Hat: none").unwrap().holds(None));
}

#[test]
fn what_is_written_is_read_back() {
    let plan = Plan::from_ron(EXAMPLE).unwrap();
    let text = plan.to_ron();
    assert_eq!(Plan::from_ron(&text).unwrap(), plan, "{text}");
}

#[test]
fn slips_are_told_with_their_line() {
    let text = EXAMPLE.replace("(name: \"Noon\", weight: 20", "(name: \"Noon\", wieght: 20");
    assert!(wrong(&text).starts_with("line 14, column "), "{}", wrong(&text));
    assert!(
        wrong(&text).contains("there is no field `wieght` here; did you mean `weight`?"),
        "{}",
        wrong(&text)
    );
    assert!(wrong(&text).contains("Noon"), "the line itself is shown: {}", wrong(&text));

    let text = EXAMPLE.replace("Never(trait", "Nevr(trait");
    assert!(wrong(&text).contains("there is no rule `Nevr`; did you mean `Never`?"), "{}", wrong(&text));

    let text = EXAMPLE.replace("weight: 40", "weight: -1");
    assert!(wrong(&text).starts_with("line 13, "), "{}", wrong(&text));
    assert!(wrong(&text).contains("`weight` is a number of at least 0, not -1"), "{}", wrong(&text));

    for number in ["NaN", "inf", "-inf", "1e999"] {
        let text = EXAMPLE.replace("weight: 40", &format!("weight: {number}"));
        assert!(wrong(&text).contains("line 13, "), "{number}: {}", wrong(&text));
    }
    let text = EXAMPLE.replace("chance: 0.66", "chance: 1.5");
    assert!(wrong(&text).contains("`chance` lies between 0 and 1, not 1.5"), "{}", wrong(&text));
    let text = EXAMPLE.replace("percent: 4", "percent: 104");
    assert!(wrong(&text).contains("`percent` lies between 0 and 100, not 104"), "{}", wrong(&text));
    let text = EXAMPLE.replace("exactly: 24", "exactly: 99999999999999999999999");
    assert!(wrong(&text).contains("line 17, "), "{}", wrong(&text));
    let text = EXAMPLE.replace("    size: 2000,\n", "");
    assert!(wrong(&text).contains("the field `size` is missing"), "{}", wrong(&text));
    let text = EXAMPLE.replace("strength: 0.8", "strength: inf");
    assert!(wrong(&text).contains("`strength` is a number"), "{}", wrong(&text));
}

#[test]
fn rules_that_name_nothing_are_told_with_their_line() {
    let text = EXAMPLE.replace("trait: \"Hat: Crown\"", "trait: \"Hat: Crwon\"");
    assert_eq!(
        wrong(&text),
        "line 67, rules[2] \"Hat: Crwon\": `Hat` has no value `Crwon`; did you mean `Crown`?"
    );
    let text = EXAMPLE.replace("trait: \"Hat: Crown\"", "trait: \"Hut: Crown\"");
    assert!(wrong(&text).contains("there is no group `Hut`; did you mean `Hat`?"), "{}", wrong(&text));
    let text = EXAMPLE.replace("trait: \"Hat: Crown\"", "trait: \"Crown\"");
    assert!(wrong(&text).contains("a trait is written \"Group: Value\""), "{}", wrong(&text));
    let text = EXAMPLE.replace("trait: \"Hat: Crown\"", "trait: \"Sky: none\"");
    assert!(wrong(&text).contains("every item has a `Sky`"), "{}", wrong(&text));
    let text = EXAMPLE.replace("any_of: [\"Fur: Golden | White\"]", "any_of: [\"Hat: Beanie\"]");
    assert!(wrong(&text).contains("an item has one value of a group"), "{}", wrong(&text));
    let text = EXAMPLE.replace("any_of: [\"Fur: Golden\", \"Hat: Crown\"]", "any_of: [\"Fur: Goldne\"]");
    assert!(wrong(&text).starts_with("line 75, tiers[0] \"Legendary\""), "{}", wrong(&text));
}

#[test]
fn names_and_shares_are_checked() {
    let text = EXAMPLE.replace("(name: \"Silver\", weight: 20", "(name: \"red\", weight: 20");
    assert_eq!(
        wrong(&text),
        "line 21, groups[1] \"Fur\", values[1] \"red\": there is a value `Red` already; names differ by more than \
         capitals"
    );
    let text = EXAMPLE.replace("(name: \"Silver\", weight: 20", "(name: \"Red\", weight: 20");
    assert!(wrong(&text).starts_with("line 21, "), "{}", wrong(&text));
    let text = EXAMPLE.replace("(name: \"Coat\"", "(name: \"fur\"");
    assert!(wrong(&text).contains("there is a group `Fur` already"), "{}", wrong(&text));
    let text = EXAMPLE.replace("(name: \"Green\", weight: 3", "(name: \"Green\", exactly: 4, weight: 3");
    assert!(wrong(&text).contains("give one of `weight`, `exactly` and `percent`"), "{}", wrong(&text));
    let text = EXAMPLE.replace("(name: \"Green\"", "(name: \"none\"");
    assert!(wrong(&text).contains("`none` has a meaning in rules"), "{}", wrong(&text));
    for name in ["", " Green", "a|b", "a\\nb"] {
        let text = EXAMPLE.replace("(name: \"Green\"", &format!("(name: \"{name}\""));
        assert!(Plan::from_ron(&text).is_err(), "{name}");
    }
    let text = EXAMPLE.replace("sampler.cfg", "cfg");
    assert!(wrong(&text).contains("`cfg` is not written \"node.parameter\""), "{}", wrong(&text));
    assert!(wrong(&EXAMPLE.replace("size: 2000", "size: 0")).contains("at least one item"));
    let mut plan = Plan::from_ron(EXAMPLE).unwrap();
    plan.groups[0].values[0].weight = Some(f64::NAN);
    assert!(plan.check().is_err());
    assert!(matches!(assign(&plan), Err(AssignError::Plan(_))));
}

#[test]
fn tables_are_read() {
    let table = "\
group,value,weight,exactly,chance,prompt,lora,strength,never,requires,set:sampler.cfg
# Comments are fine.
Sky,Dusk,2,,,violet dusk,,,,,
Sky,Noon,1,,,,,,,,6.5
Hat,Cap,3,,,,,,,,
Hat,Crown,,4,,a crown,crown.safetensors,0.7,Sky: Noon,Fur: Gold | White,7
Hat,none,5,,,,,,,,
Fur,Gold,,,0.5,,,,,,
Fur,White,,,,,,,,,
";
    let plan = Plan::from_csv(table, 12, 9).unwrap();
    assert_eq!(plan.groups.iter().map(|g| g.values.len()).collect::<Vec<_>>(), [2, 2, 2]);
    assert_eq!(plan.groups[1].nothing(), Some(Share::Weight(5.0)));
    assert_eq!(plan.groups[2].chance, Some(0.5));
    let crown = &plan.groups[1].values[1];
    assert_eq!((crown.share(), crown.loras[0].strength), (Share::Exactly(4), 0.7));
    assert_eq!(crown.set["sampler.cfg"], Setting::Int(7));
    assert_eq!(plan.groups[0].values[1].set["sampler.cfg"], Setting::Float(6.5));
    assert_eq!(
        plan.rules,
        [
            Rule::Never { r#trait: "Hat: Crown".into(), with: vec!["Sky: Noon".into()] },
            Rule::Requires { r#trait: "Hat: Crown".into(), any_of: vec!["Fur: Gold | White".into()] },
        ]
    );
    let wrong = |from: &str, to: &str| Plan::from_csv(&table.replace(from, to), 12, 9).unwrap_err();
    assert_eq!(
        wrong("prompt,", "promt,").to_string(),
        "the table, line 1: there is no column `promt`; did you mean `prompt`?"
    );
    assert_eq!(wrong("Dusk,2", "Dusk,two").to_string(), "the table, line 3: weight: `two` is not a number");
    assert_eq!(wrong("Dusk,2", "Dusk,NaN").line(), Some(3));
    assert_eq!(wrong("Dusk,2", "Dusk,-2").line(), Some(3));
    assert_eq!(
        wrong(",4,,", ",4.5,,").to_string(),
        "the table, line 6: exactly: `4.5` is not a whole number"
    );
    assert_eq!(wrong("Sky: Noon", "Sky: Moon").line(), Some(6));
    assert!(wrong("Hat,Cap,3,,,,,,,,", "Hat,Cap,3").to_string().contains("line 5: the row has 3 cells"));
    assert_eq!(wrong("Fur,White", "Fur,gold").line(), Some(9));
}

#[test]
fn hostile_plans_are_refused_or_done_in_time() {
    // Deep nesting.
    assert!(Plan::from_ron(&"(".repeat(100_000)).is_err());
    assert!(Plan::from_ron(&format!("(size: 1, groups: {}", "[".repeat(100_000))).is_err());
    // Counts beyond everything.
    let text = EXAMPLE.replace("size: 2000", "size: 18446744073709551615");
    assert!(matches!(Plan::from_ron(&text), Err(PlanError::TooMany { what: "items", .. })));
    let text = EXAMPLE.replace("exactly: 24", "exactly: 18446744073709551615");
    let huge = Plan::from_ron(&text).unwrap();
    assert!(matches!(assign(&huge), Err(AssignError::Impossible(_))));
    // All counts huge: no sum overflows.
    let mut plan = huge;
    for value in plan.groups.iter_mut().flat_map(|g| &mut g.values) {
        (value.weight, value.percent, value.exactly) = (None, None, Some(u64::MAX));
    }
    assert!(matches!(assign(&plan), Err(AssignError::Impossible(_))));
    // Weights at the ends of what a number can be.
    let mut plan = Plan::from_ron(EXAMPLE).unwrap();
    for (at, value) in plan.groups.iter_mut().flat_map(|g| &mut g.values).enumerate() {
        if value.weight.is_some() {
            value.weight = Some([f64::MAX, f64::MIN_POSITIVE, 1.0, 5e-324][at % 4]);
        }
    }
    plan.rules.clear();
    plan.allow_duplicates = true;
    assert_eq!(check(&plan, &assign(&plan).unwrap(), 3), []);
    // A trait whose names are lists of ten thousand.
    let many: Vec<String> = (0..10_000).map(|_| "Dusk".to_owned()).collect();
    let text = EXAMPLE.replace("\"Sky: Noon\", \"Coat", &format!("\"Sky: {}\", \"Coat", many.join(" | ")));
    assert!(Plan::from_ron(&text).is_ok());
}

#[test]
fn a_million_values_are_no_trouble() {
    let values = (0..1_000_000).map(|n| TraitValue::new(format!("v{n}"))).collect();
    let few = |name: &str| Group::new(name, (0..10).map(|n| TraitValue::new(format!("v{n}"))).collect());
    let mut plan = Plan::new(5000, 1, vec![Group::new("Many", values), few("B"), few("C")]);
    plan.groups[0].values[77].weight = None;
    plan.groups[0].values[77].exactly = Some(50);
    plan.rules.push(Rule::Never { r#trait: "Many: v77".into(), with: vec!["B: v1".into()] });
    let found = assign(&plan).unwrap();
    assert_eq!(check(&plan, &found, 3), []);
    assert_eq!(found.counts(0)[77], 50);
    plan.groups[0].values[5].name = "V6".to_owned();
    assert!(plan.check().unwrap_err().to_string().contains("there is a value `V6` already"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever bytes come, reading ends with a plan or an error.
    #[test]
    fn no_text_brings_the_reader_down(cut in 0usize..3000, put in "[\\x00-\\x7f]{0,6}", skip in 0usize..20) {
        let cut = cut.min(EXAMPLE.len());
        let text = format!("{}{put}{}", &EXAMPLE[..cut], EXAMPLE.get(cut + skip..).unwrap_or(""));
        let _ = Plan::from_ron(&text).map_err(|e| e.to_string());
        let _ = Plan::from_csv(&text, 10, 1).map_err(|e| e.to_string());
    }
}
