//! The figures of a collection, counted: what the page, the charts and `figures.json` all show.

use crate::facts::CollectionFacts;
use serde::Serialize;

/// Into so many parts the range of scores is cut.
const BINS: usize = 48;

/// The figures of a collection.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figures {
    /// The collection's name.
    pub name: String,
    /// How many items there are.
    pub items: u64,
    /// How many of them have a picture.
    pub pictures: u64,
    /// The provenance hash over all pictures.
    pub provenance: Option<String>,
    /// The Merkle root over all pictures.
    pub merkle_root: Option<String>,
    /// Traits, planned and made.
    pub traits: Vec<TraitFigures>,
    /// The spread of rarity.
    pub rarity: RarityFigures,
    /// Items by tier.
    pub tiers: Vec<TierFigures>,
    /// What gates passed and rejected.
    pub gates: Vec<GateFigures>,
}

/// One sort of trait.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TraitFigures {
    /// Its name.
    pub name: String,
    /// Its values; items without one come last.
    pub values: Vec<ValueFigures>,
    /// The largest difference between planned and made, where there is a plan.
    pub off: Option<u64>,
}

/// One value of a trait.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ValueFigures {
    /// Its name; nothing for items without.
    pub name: Option<String>,
    /// How many items the plan wants.
    pub planned: Option<u64>,
    /// How many items have it.
    pub made: u64,
    /// Their share of all items.
    pub share: f64,
}

/// The spread of OpenRarity scores.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RarityFigures {
    /// The lowest score.
    pub lowest: f64,
    /// The score in the middle.
    pub median: f64,
    /// The highest score.
    pub highest: f64,
    /// How many items have a score in each part of the range.
    pub bins: Vec<Bin>,
}

/// A part of the range of scores.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Bin {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// How many items are in it.
    pub items: u64,
    /// How many of them belong to each tier, and to none.
    pub tiers: Vec<u64>,
}

/// One tier.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TierFigures {
    /// Its name; nothing for items that belong to none.
    pub name: Option<String>,
    /// How many items belong to it.
    pub items: u64,
    /// The best rank among them.
    pub best_rank: Option<u64>,
    /// Their mean score.
    pub mean_score: Option<f64>,
}

/// One gate.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GateFigures {
    /// Its name.
    pub name: String,
    /// What passed.
    pub passed: u64,
    /// What did not.
    pub rejected: u64,
    /// Why, and how often.
    pub reasons: Vec<ReasonFigures>,
}

/// Why a gate rejected.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ReasonFigures {
    /// The reason.
    pub reason: String,
    /// How often.
    pub times: u64,
}

impl Figures {
    /// Counts a collection.
    #[must_use]
    pub fn of(facts: &CollectionFacts) -> Self {
        let size = facts.size();
        let share = |n: u64| n as f64 / size.max(1) as f64;
        let one = |group: &crate::facts::Group| {
            let named = group.values.iter().map(|v| ValueFigures {
                name: Some(v.name.clone()),
                planned: v.planned,
                made: v.made,
                share: share(v.made),
            });
            let none = (group.none > 0 || group.none_planned.is_some()).then(|| ValueFigures {
                name: None,
                planned: group.none_planned,
                made: group.none,
                share: share(group.none),
            });
            let values: Vec<ValueFigures> = named.chain(none).collect();
            let off = values.iter().filter_map(|v| Some(v.planned?.abs_diff(v.made))).max();
            TraitFigures { name: group.name.clone(), values, off }
        };
        let gate = |gate: &crate::facts::Gate| GateFigures {
            name: gate.name.clone(),
            passed: gate.passed,
            rejected: gate.rejected,
            reasons: gate
                .reasons
                .iter()
                .map(|(reason, times)| ReasonFigures { reason: reason.clone(), times: *times })
                .collect(),
        };
        Self {
            name: facts.name.clone(),
            items: size,
            pictures: facts.tokens.iter().filter(|t| t.picture.is_some()).count() as u64,
            provenance: facts.provenance.clone(),
            merkle_root: facts.merkle_root.clone(),
            traits: facts.groups.iter().map(one).collect(),
            rarity: rarity(facts),
            tiers: tiers(facts),
            gates: facts.gates.iter().map(gate).collect(),
        }
    }

    /// The text of `figures.json`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

fn rarity(facts: &CollectionFacts) -> RarityFigures {
    let mut scores: Vec<f64> = facts.tokens.iter().map(|t| t.score).collect();
    scores.sort_by(f64::total_cmp);
    let (Some(lowest), Some(highest)) = (scores.first().copied(), scores.last().copied()) else {
        return RarityFigures::default();
    };
    let median = scores[scores.len() / 2];
    let width = (highest - lowest) / BINS as f64;
    let edge = |at: usize| if at == BINS { highest } else { lowest + width * at as f64 };
    let count = if width > 0.0 { BINS } else { 1 };
    let tiers = facts.tiers.len() + 1;
    let mut bins: Vec<Bin> = (0..count)
        .map(|at| Bin {
            from: edge(at),
            to: if count == 1 { highest } else { edge(at + 1) },
            items: 0,
            tiers: vec![0; tiers],
        })
        .collect();
    for token in &facts.tokens {
        let at = if count == 1 { 0 } else { (((token.score - lowest) / width) as usize).min(count - 1) };
        bins[at].items += 1;
        let tier = token.tier.map_or(tiers - 1, |t| (t as usize).min(tiers - 1));
        bins[at].tiers[tier] += 1;
    }
    RarityFigures { lowest, median, highest, bins }
}

fn tiers(facts: &CollectionFacts) -> Vec<TierFigures> {
    if facts.tiers.is_empty() {
        return Vec::new();
    }
    let figures = |name: Option<String>, at: Option<u32>| {
        let own = || facts.tokens.iter().filter(move |t| t.tier == at);
        let items = own().count() as u64;
        let mean_score = (items > 0).then(|| own().map(|t| t.score).sum::<f64>() / items as f64);
        TierFigures { name, items, best_rank: own().map(|t| t.rank).min(), mean_score }
    };
    let named =
        facts.tiers.iter().enumerate().map(|(at, t)| figures(Some(t.name.clone()), u32::try_from(at).ok()));
    let mut all: Vec<TierFigures> = named.collect();
    let rest = figures(None, None);
    if rest.items > 0 {
        all.push(rest);
    }
    all
}

/// A whole number with thin groups of three.
#[must_use]
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A share as a percentage that says as much as it needs to.
#[must_use]
pub fn percent(share: f64) -> String {
    let of = share * 100.0;
    if of == 0.0 || of >= 10.0 {
        format!("{of:.0}%")
    } else if of >= 1.0 {
        format!("{of:.1}%")
    } else {
        format!("{of:.2}%")
    }
}
