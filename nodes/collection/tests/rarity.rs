//! Rarity against OpenRarity's own numbers, and against the formulas as collectors write them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use indexmap::IndexMap;
use kiln_collection::Chance;
use kiln_collection::assign::assign;
use kiln_collection::plan::Plan;
use kiln_collection::rarity::{Census, Measure, Options, TRAIT_COUNT};
use serde::Deserialize;

type Item = IndexMap<String, String>;

#[derive(Deserialize)]
struct Case {
    name: String,
    items: Vec<Item>,
    reference: Vec<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    score: f64,
    rank: u64,
    unique: u64,
    sum: f64,
    arithmetic: f64,
    geometric: f64,
    harmonic: f64,
}

fn census(items: &[Item]) -> Census {
    let pairs = |item: &Item| item.iter().map(|(k, v)| (k.clone(), v.clone())).collect::<Vec<_>>();
    let all: Vec<Vec<(String, String)>> = items.iter().map(pairs).collect();
    Census::new(all.iter().map(|item| item.iter().map(|(k, v)| (k.as_str(), v.as_str()))), Options::default())
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1e-3)
}

#[test]
fn every_number_is_open_raritys() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("fixtures/rarity.json")).unwrap();
    assert_eq!(cases.len(), 11);
    for Case { name, items, reference } in cases {
        let census = census(&items);
        let open = census.scores(Measure::Open);
        let ranks = census.ranks(Measure::Open);
        let (sums, averages) = (census.scores(Measure::Score), census.scores(Measure::Average));
        let (bits, products) = (census.scores(Measure::StatisticalBits), census.scores(Measure::Statistical));
        for (at, expected) in reference.iter().enumerate() {
            let here = format!("{name}, item {at}");
            assert!(near(open[at], expected.score), "{here}: {} {}", open[at], expected.score);
            assert_eq!(ranks[at], expected.rank, "{here}: rank");
            assert_eq!(census.unique(at), expected.unique, "{here}: unique");
            assert!(near(sums[at], expected.sum), "{here}: {} {}", sums[at], expected.sum);
            let groups = census.groups().count() as f64;
            assert!(near(sums[at] / groups, expected.arithmetic), "{here}: arithmetic");
            // The mean of frequencies is one over the harmonic mean of their inverses; their product is the geometric
            // mean's power.
            assert!(near(averages[at], 1.0 / expected.harmonic), "{here}: average");
            assert!(near(bits[at], libm::log2(expected.geometric) * groups), "{here}: statistical bits");
            assert!(near(-libm::log2(products[at]), bits[at]), "{here}: statistical");
        }
    }
}

#[test]
fn the_ranking_is_the_references_whole() {
    #[derive(Deserialize)]
    struct File {
        traits: Vec<Item>,
        ranked: Vec<Line>,
    }
    #[derive(Deserialize)]
    struct Line {
        id: usize,
        rank: u64,
        score: f64,
        unique: u64,
    }
    let file: File = serde_json::from_str(include_str!("fixtures/openrarity.json")).unwrap();
    let ranked = census(&file.traits).open_rarity();
    for (ours, theirs) in ranked.iter().zip(&file.ranked) {
        assert_eq!((ours.item, ours.rank, ours.unique), (theirs.id, theirs.rank, theirs.unique));
        assert!(near(ours.score, theirs.score));
    }
    assert_eq!(ranked.len(), file.ranked.len());
}

#[test]
fn formulas_by_hand() {
    // Four items: 2 caps, 1 crown, 1 without; eyes red everywhere but once.
    let items: [&[(&str, &str)]; 4] = [
        &[("Hat", "Cap"), ("Eyes", "Red")],
        &[("Hat", "Cap"), ("Eyes", "Red")],
        &[("Hat", "Crown"), ("Eyes", "Red")],
        &[("Eyes", "Blue")],
    ];
    let census = Census::new(items.iter().map(|item| item.iter().copied()), Options { trait_count: false });
    let same = |a: Vec<f64>, b: [f64; 4]| assert!(a.iter().zip(b).all(|(a, b)| near(*a, b)), "{a:?} {b:?}");
    same(census.scores(Measure::Score), [2.0 + 4.0 / 3.0, 2.0 + 4.0 / 3.0, 4.0 + 4.0 / 3.0, 8.0]);
    same(census.scores(Measure::Statistical), [0.375, 0.375, 0.1875, 0.0625]);
    same(census.scores(Measure::Average), [0.625, 0.625, 0.5, 0.25]);
    assert_eq!(census.ranks(Measure::Statistical), [3, 3, 2, 1]);
    assert_eq!(census.ranks(Measure::Average), [3, 3, 2, 1]);
    assert_eq!(census.ranks(Measure::Score), [3, 3, 2, 1]);
    let hat = census.groups().next().unwrap();
    assert_eq!(hat, ("hat", vec![(Some("cap"), 2), (Some("crown"), 1), (None, 1)]));
    assert!(census.groups().all(|(name, _)| name != TRAIT_COUNT));
    let counted = Census::new(items.iter().map(|item| item.iter().copied()), Options::default());
    assert_eq!(
        counted.groups().last().unwrap(),
        (TRAIT_COUNT, vec![(Some("2"), 3), (Some("1"), 1), (None, 0)])
    );
}

#[test]
fn order_changes_not_a_bit() {
    let plan = Plan::from_ron(include_str!("../examples/plan.ron")).unwrap();
    let found = assign(&plan).unwrap();
    let mut items: Vec<(usize, Vec<(&str, &str)>)> =
        (0..found.len()).map(|item| (item, found.traits(&plan, item))).collect();
    let straight = Census::new(items.iter().map(|(_, t)| t.iter().copied()), Options::default());
    let mut chance = Chance::new(1, "order");
    chance.shuffle(&mut items);
    items.iter_mut().for_each(|(_, traits)| chance.shuffle(traits));
    let shuffled = Census::new(items.iter().map(|(_, t)| t.iter().copied()), Options::default());
    for measure in
        [Measure::Open, Measure::Score, Measure::Statistical, Measure::StatisticalBits, Measure::Average]
    {
        let (one, other) = (straight.scores(measure), shuffled.scores(measure));
        let (ranks, other_ranks) = (straight.ranks(measure), shuffled.ranks(measure));
        for (at, (item, _)) in items.iter().enumerate() {
            assert_eq!(one[*item].to_bits(), other[at].to_bits());
            assert_eq!(ranks[*item], other_ranks[at]);
        }
    }
    assert_eq!(straight.entropy().to_bits(), shuffled.entropy().to_bits());
    // The ten golden foxes and the crowns are the rarest.
    let legendary = |item: usize| plan.tier(&found.item(item)).unwrap() == Some("Legendary");
    let ranked = Census::of(&plan, &found, Options::default()).open_rarity();
    assert!(ranked[..8].iter().filter(|r| legendary(r.item)).count() >= 6);
}

#[test]
fn nothing_at_all_is_no_trouble() {
    let none: [&[(&str, &str)]; 0] = [];
    let census = Census::new(none.iter().map(|item| item.iter().copied()), Options::default());
    assert!(census.is_empty() && census.open_rarity().is_empty() && census.ranks(Measure::Score).is_empty());
    assert_eq!((census.information(3), census.unique(3)), (0.0, 0));
}
