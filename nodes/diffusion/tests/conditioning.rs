//! What the prompt nodes do to entries, number by number.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
mod world;

use kiln_core::types::{Mask, Value};
use kiln_diffusion::values::{Area, Conditioning, Entry};
use std::sync::Arc;
use world::*;

fn done(node: &str, inputs: &[(&str, Value)], with: &str) -> Vec<Entry> {
    let outputs = run(node, inputs, with).unwrap_or_else(|e| panic!("{node}: {e}"));
    of::<Conditioning>(&outputs, "conditioning").entries
}

fn two() -> [Entry; 2] {
    [entry(2, &[1.0, 2.0, 3.0, 4.0], Some(&[10.0, 20.0])), entry(2, &[5.0, 6.0], None)]
}

#[test]
fn combining_puts_entries_behind_each_other() {
    let [a, b] = two();
    let both = [
        ("conditioning_1", conditioning([a.clone()])),
        ("conditioning_2", conditioning([b.clone(), a.clone()])),
    ];
    assert_eq!(done("ConditioningCombine", &both, ""), [a.clone(), b, a]);
}

#[test]
fn concatenating_appends_the_first_text_to_every_entry() {
    let [mut a, b] = two();
    a.start = 0.25;
    let from = [entry(2, &[7.0, 8.0], Some(&[1.0, 1.0])), entry(2, &[0.0, 0.0], None)];
    let made = done(
        "ConditioningConcat",
        &[("conditioning_to", conditioning([a.clone(), b])), ("conditioning_from", conditioning(&from))],
        "",
    );
    assert_eq!((made[0].tokens.rows, made[0].tokens.width), (3, 2));
    assert_eq!(made[0].tokens.data, [1.0, 2.0, 3.0, 4.0, 7.0, 8.0]);
    assert_eq!(made[1].tokens.data, [5.0, 6.0, 7.0, 8.0]);
    // Everything else stays as it was.
    assert_eq!((made[0].start, made[0].pooled.clone()), (0.25, a.pooled));
}

#[test]
fn averaging_pads_and_cuts_the_second_text() {
    let [a, b] = two();
    let inputs = |to: &Entry, from: &Entry| {
        [("conditioning_to", conditioning([to.clone()])), ("conditioning_from", conditioning([from.clone()]))]
    };
    let part = r#""conditioning_to_strength": 0.75"#;
    // `from` has one row: the second mixes with zeros. Its vector is missing: the first's stays.
    let made = done("ConditioningAverage", &inputs(&a, &b), part);
    assert_eq!(made[0].tokens.data, [2.0, 3.0, 2.25, 3.0]);
    assert_eq!(made[0].pooled.as_deref().unwrap(), &[10.0, 20.0]);
    // `from` is longer: it is cut. `to` has no vector: the second's is taken.
    let made = done("ConditioningAverage", &inputs(&b, &a), part);
    assert_eq!((made[0].tokens.rows, made[0].tokens.data.as_slice()), (1, &[4.0, 5.0][..]));
    assert_eq!(made[0].pooled.as_deref().unwrap(), &[10.0, 20.0]);
    // Both have a vector: it is mixed alike. 10 * 0.75 + 2 * 0.25, 20 * 0.75 + 4 * 0.25.
    let c = entry(2, &[0.0, 0.0], Some(&[2.0, 4.0]));
    assert_eq!(
        done("ConditioningAverage", &inputs(&a, &c), part)[0].pooled.as_deref().unwrap(),
        &[8.0, 16.0]
    );
    // 1 is the first alone, 0 the second alone.
    assert_eq!(done("ConditioningAverage", &inputs(&a, &b), "")[0].tokens, a.tokens);
    let other = done("ConditioningAverage", &inputs(&a, &b), r#""conditioning_to_strength": 0.0"#);
    assert_eq!(other[0].tokens.data, [5.0, 6.0, 0.0, 0.0]);
}

#[test]
fn prompts_that_do_not_fit_are_told() {
    let [a, _] = two();
    let wide = entry(3, &[1.0, 2.0, 3.0], None);
    for node in ["ConditioningConcat", "ConditioningAverage"] {
        let to = ("conditioning_to", conditioning([a.clone()]));
        let with = |from: Vec<Entry>| run(node, &[to.clone(), ("conditioning_from", conditioning(from))], "");
        fails(with(vec![wide.clone()]), "conditioning_from", "2 numbers wide and the other 3");
        fails(with(Vec::new()), "conditioning_from", "empty");
    }
    let odd = entry(2, &[1.0, 2.0], Some(&[1.0, 2.0, 3.0]));
    let inputs = [("conditioning_to", conditioning([a])), ("conditioning_from", conditioning([odd]))];
    fails(run("ConditioningAverage", &inputs, ""), "conditioning_from", "2 and 3 numbers");
}

#[test]
fn areas_are_eighths_of_pixels() {
    let inputs = [("conditioning", conditioning(two()))];
    let made = done(
        "ConditioningSetArea",
        &inputs,
        r#""width": 512, "height": 264, "x": 64, "y": 15, "strength": 0.5"#,
    );
    for entry in &made {
        assert_eq!(entry.area, Some(Area::Latent { height: 33, width: 64, y: 1, x: 8 }));
        assert_eq!(entry.strength, 0.5);
    }
    let made = done(
        "ConditioningSetAreaPercentage",
        &inputs,
        r#""width": 0.5, "height": 0.25, "x": 0.125, "y": 0.75, "strength": 2.0"#,
    );
    assert_eq!(made[1].area, Some(Area::Part { height: 0.25, width: 0.5, y: 0.75, x: 0.125 }));
    assert_eq!(made[1].strength, 2.0);
    assert_eq!(done("ConditioningSetAreaStrength", &inputs, r#""strength": 3.0"#)[0].strength, 3.0);
    assert!(run("ConditioningSetArea", &inputs, r#""width": 8"#).is_err());
    assert!(run("ConditioningSetAreaPercentage", &inputs, r#""width": 1.5"#).is_err());
}

#[test]
fn masks_keep_their_numbers() {
    let mask = Mask::new(2, 1, 3, vec![0.0, 0.25, 1.0, 0.5, 0.5, 0.5]).unwrap();
    let inputs = [("conditioning", conditioning(two())), ("mask", Value::Mask(Arc::new(mask)))];
    let made = done("ConditioningSetMask", &inputs, r#""strength": 0.5"#);
    let area = made[1].mask.as_ref().unwrap();
    assert_eq!((area.batch, area.height, area.width, area.strength, area.bounds), (2, 1, 3, 0.5, false));
    assert_eq!(area.data.as_slice(), [0.0, 0.25, 1.0, 0.5, 0.5, 0.5]);
    // The entry's own strength is another thing.
    assert_eq!(made[1].strength, 1.0);
    let bounded = done("ConditioningSetMask", &inputs, r#""set_cond_area": "mask bounds""#);
    assert!(bounded[0].mask.as_ref().unwrap().bounds);
    // An area set afterwards takes the place of the mask's box.
    let after = done("ConditioningSetArea", &[("conditioning", conditioning(bounded))], "");
    assert_eq!(after[0].mask.as_ref().map(|m| m.bounds), Some(false));
}

#[test]
fn times_are_set_on_every_entry() {
    let inputs = [("conditioning", conditioning(two()))];
    let made = done("ConditioningSetTimestepRange", &inputs, r#""start": 0.2, "end": 0.7"#);
    assert_eq!(made.iter().map(|e| (e.start, e.end)).collect::<Vec<_>>(), [(0.2, 0.7), (0.2, 0.7)]);
    assert!(run("ConditioningSetTimestepRange", &inputs, r#""end": 1.2"#).is_err());
}

#[test]
fn silence_is_zero_and_keeps_its_shape() {
    let made = done("ConditioningZeroOut", &[("conditioning", conditioning(two()))], "");
    assert_eq!((made[0].tokens.rows, made[0].tokens.width), (2, 2));
    assert_eq!(made[0].tokens.data, [0.0; 4]);
    assert_eq!(made[0].pooled.as_deref().unwrap(), &[0.0, 0.0]);
    assert_eq!(made[1].pooled, None);
}
