//! What there is to say about a collection, as plain data: everything a report shows comes from here.

mod gates;
mod gather;

pub use gates::gates;
pub use gather::{FactsError, gather, plan_in_graph};

use kiln_collection::plan::Plan;
use kiln_collection::rarity::{Census, Measure, Options};
use kiln_collection::seal::Tokens;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything a report shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CollectionFacts {
    /// The collection's name.
    pub name: String,
    /// A text about it.
    pub description: String,
    /// The provenance hash over all pictures.
    pub provenance: Option<String>,
    /// The Merkle root over all pictures.
    pub merkle_root: Option<String>,
    /// The traits and how many items have them, planned and made.
    pub groups: Vec<Group>,
    /// The tokens, by number.
    pub tokens: Vec<Token>,
    /// The tiers, as the plan has them, and how many items belong.
    pub tiers: Vec<Tier>,
    /// What gates rejected.
    pub gates: Vec<Gate>,
}

/// A sort of trait.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Vec<Counted>,
    /// How many items have none of them.
    pub none: u64,
    /// How many the plan wants without.
    pub none_planned: Option<u64>,
}

/// A value and how many items have it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counted {
    /// Its name.
    pub name: String,
    /// How many items have it.
    pub made: u64,
    /// How many the plan wants, where there is a plan.
    pub planned: Option<u64>,
}

/// A tier.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tier {
    /// Its name.
    pub name: String,
    /// How many items belong to it.
    pub items: u64,
}

/// A gate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gate {
    /// Its name in the graph.
    pub name: String,
    /// What passed.
    pub passed: u64,
    /// What did not.
    pub rejected: u64,
    /// Why, and how often; the most frequent first. Numbers in reasons are written `#`.
    pub reasons: Vec<(String, u64)>,
}

/// A token.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Token {
    /// Its number.
    pub token: u64,
    /// Its name.
    pub name: String,
    /// The text about it.
    pub description: String,
    /// For each group, which of its values; none where it has none.
    pub traits: Vec<Option<u32>>,
    /// Its attributes that are no traits, such as numbers.
    pub numbers: Vec<(String, String)>,
    /// OpenRarity's rank, from 1.
    pub rank: u64,
    /// OpenRarity's score.
    pub score: f64,
    /// Which of the tiers.
    pub tier: Option<u32>,
    /// Its picture's path below the output folder.
    pub picture: Option<String>,
    /// Its document's path.
    pub metadata: Option<String>,
    /// SHA-256 of its picture.
    pub sha256: Option<String>,
    /// How its picture was made, as words and their meaning.
    pub made: Vec<(String, String)>,
    /// The prompt.
    pub prompt: String,
    /// What people decided about it: the last line of the audit log, in words.
    pub decided: Option<String>,
}

/// What the facts of a collection are put together from.
#[derive(Debug, Clone, Default)]
pub struct Sources<'a> {
    /// The collection's name; else the plan's.
    pub name: String,
    /// A text about it.
    pub description: String,
    /// The plan, where there is one.
    pub plan: Option<&'a Plan>,
    /// The tokens.
    pub tokens: Tokens,
    /// SHA-256 of the pictures, by path.
    pub digests: BTreeMap<String, String>,
    /// What gates rejected.
    pub gates: Vec<Gate>,
    /// What people decided, by token.
    pub decided: BTreeMap<u64, String>,
}

impl CollectionFacts {
    /// Puts the facts together.
    #[must_use]
    pub fn new(sources: Sources<'_>) -> Self {
        let Sources { name, description, plan, mut tokens, digests, gates, decided } = sources;
        let name =
            Some(name).filter(|n| !n.is_empty()).or_else(|| plan.map(|p| p.name.clone())).unwrap_or_default();
        if let Some(plan) = plan {
            tokens.iter_mut().for_each(|t| as_planned(plan, &mut t.glance));
        }
        let mut groups = Groups::of(plan);
        let traits: Vec<Vec<Option<u32>>> = tokens.iter().map(|t| groups.take(&t.glance.traits)).collect();
        let groups = groups.counted(&traits);
        let pairs = tokens.iter().map(|t| t.glance.traits.iter().map(|(g, v)| (g.as_str(), v.as_str())));
        let census = Census::new(pairs, Options::default());
        let (scores, ranks) = (census.scores(Measure::Open), census.ranks(Measure::Open));
        let mut tiers: Vec<Tier> = plan
            .map(|p| p.tiers.iter().map(|t| Tier { name: t.name.clone(), items: 0 }).collect())
            .unwrap_or_default();
        let mut all = Vec::with_capacity(tokens.len());
        let rows = tokens.into_iter().zip(traits).zip(scores.into_iter().zip(ranks));
        for ((found, mut traits), (score, rank)) in rows {
            traits.resize(groups.len(), None);
            let tier = found.glance.tier.as_ref().map(|name| {
                let at = tiers.iter().position(|t| t.name == *name).unwrap_or_else(|| {
                    tiers.push(Tier { name: name.clone(), items: 0 });
                    tiers.len() - 1
                });
                tiers[at].items += 1;
                u32::try_from(at).unwrap_or(u32::MAX)
            });
            let generation = found.glance.generation.as_ref();
            all.push(Token {
                token: found.token,
                traits,
                numbers: found.glance.numbers,
                rank,
                score: if score.is_finite() { score } else { 0.0 },
                tier,
                sha256: found.picture.as_ref().and_then(|p| digests.get(p)).cloned(),
                picture: found.picture,
                metadata: found.metadata,
                made: generation.map(made).unwrap_or_default(),
                prompt: generation.and_then(|g| g.prompt.clone()).unwrap_or_default(),
                decided: decided.get(&found.token).cloned(),
                name: found.glance.name,
                description: found.glance.description,
            });
        }
        order_tiers(plan.map_or(0, |p| p.tiers.len()), &mut tiers, &mut all);
        Self { name, description, provenance: None, merkle_root: None, groups, tokens: all, tiers, gates }
    }

    /// How many items there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.tokens.len() as u64
    }
}

/// Tiers that the plan does not order follow its own, those with the highest scores first.
fn order_tiers(planned: usize, tiers: &mut Vec<Tier>, tokens: &mut [Token]) {
    let mut sums = vec![0.0; tiers.len()];
    for token in tokens.iter() {
        if let Some(sum) = token.tier.and_then(|t| sums.get_mut(t as usize)) {
            *sum += token.score;
        }
    }
    let mean = |at: usize| sums[at] / tiers[at].items.max(1) as f64;
    let mut order: Vec<usize> = (0..tiers.len()).collect();
    if let Some(rest) = order.get_mut(planned..) {
        rest.sort_by(|a, b| mean(*b).total_cmp(&mean(*a)).then(a.cmp(b)));
    }
    let mut places = vec![0u32; order.len()];
    for (to, from) in order.iter().enumerate() {
        places[*from] = u32::try_from(to).unwrap_or(u32::MAX);
    }
    *tiers = order.iter().map(|from| tiers[*from].clone()).collect();
    for token in tokens {
        token.tier = token.tier.and_then(|t| places.get(t as usize).copied());
    }
}

/// Where there is a plan, its groups are the traits, be they shown as words or as numbers. Whatever else a document
/// tells (a rank, the name of a tier) is no trait to be counted.
fn as_planned(plan: &Plan, glance: &mut kiln_collection::seal::Glance) {
    let group = |sort: &str| plan.groups.iter().find(|g| g.shown() == sort);
    let value = |sort: &str, value: &str| {
        let same = |shown: &str| shown.parse::<f64>().is_ok_and(|n| value.parse() == Ok(n));
        group(sort)?.values.iter().map(|v| v.shown()).find(|shown| same(shown)).map(str::to_owned)
    };
    let mut rest = Vec::new();
    let (known, other) =
        std::mem::take(&mut glance.traits).into_iter().partition(|(sort, _)| group(sort).is_some());
    glance.traits = known;
    for (sort, number) in std::mem::take(&mut glance.numbers) {
        match value(&sort, &number) {
            Some(shown) => glance.traits.push((sort, shown)),
            None => rest.push((sort, number)),
        }
    }
    rest.extend::<Vec<_>>(other);
    glance.numbers = rest;
}

/// How a picture was made, as words and their meaning.
fn made(generation: &kiln_collection::metadata::Generation) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut say = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            all.push((name.to_owned(), value));
        }
    };
    say("Negative", generation.negative.clone());
    say("Seed", generation.seed.clone());
    say("Sampler", generation.sampler.clone());
    say("Scheduler", generation.scheduler.clone());
    say("Steps", generation.steps.map(|n| n.to_string()));
    say("Guidance", generation.cfg.map(|n| n.to_string()));
    say("Size", generation.width.zip(generation.height).map(|(w, h)| format!("{w} × {h}")));
    let short = |hash: &Option<String>| {
        hash.as_deref().and_then(|h| h.get(..12)).map(|h| format!(" ({h}…)")).unwrap_or_default()
    };
    for model in &generation.models {
        say("Model", Some(format!("{}{}", model.name, short(&model.hash))));
    }
    for lora in &generation.loras {
        say("LoRA", Some(format!("{} at {}{}", lora.name, lora.strength, short(&lora.hash))));
    }
    say("Attempt", generation.attempt.map(|n| n.to_string()));
    for (gate, score) in &generation.gates {
        say("Gate", Some(format!("{gate}: {score}")));
    }
    say("Engine", Some(generation.engine.clone()));
    say("Recipe", generation.recipe.clone());
    all
}

/// Groups while tokens are read: known ones in the plan's order, others as they come.
struct Groups {
    names: BTreeMap<String, usize>,
    groups: Vec<(Group, BTreeMap<String, u32>)>,
}

impl Groups {
    fn of(plan: Option<&Plan>) -> Self {
        let mut all = Self { names: BTreeMap::new(), groups: Vec::new() };
        let Some(plan) = plan else { return all };
        let balance = kiln_collection::balance::balance(plan);
        for (group, planned) in plan.groups.iter().zip(&balance.groups) {
            let at = all.group(group.shown());
            for (value, planned) in group.values.iter().zip(&planned.values) {
                let value = all.value(at, value.shown()) as usize;
                // Two values may be shown under one name.
                *all.groups[at].0.values[value].planned.get_or_insert(0) += planned.planned;
            }
            if group.nothing().is_some() {
                all.groups[at].0.none_planned = planned.values.last().map(|v| v.planned);
            }
        }
        all
    }

    fn group(&mut self, name: &str) -> usize {
        if let Some(at) = self.names.get(name) {
            return *at;
        }
        self.names.insert(name.to_owned(), self.groups.len());
        self.groups.push((Group { name: name.to_owned(), ..Group::default() }, BTreeMap::new()));
        self.groups.len() - 1
    }

    fn value(&mut self, group: usize, name: &str) -> u32 {
        let (group, names) = &mut self.groups[group];
        if let Some(at) = names.get(name) {
            return *at;
        }
        let at = u32::try_from(group.values.len()).unwrap_or(u32::MAX);
        names.insert(name.to_owned(), at);
        group.values.push(Counted { name: name.to_owned(), ..Counted::default() });
        at
    }

    fn take(&mut self, traits: &[(String, String)]) -> Vec<Option<u32>> {
        let mut own = vec![None; self.groups.len()];
        for (group, value) in traits {
            let at = self.group(group);
            let value = self.value(at, value);
            if own.len() <= at {
                own.resize(at + 1, None);
            }
            own[at] = Some(value);
        }
        own
    }

    fn counted(self, tokens: &[Vec<Option<u32>>]) -> Vec<Group> {
        let mut groups: Vec<Group> = self.groups.into_iter().map(|(group, _)| group).collect();
        for traits in tokens {
            for (at, group) in groups.iter_mut().enumerate() {
                match traits.get(at).copied().flatten() {
                    Some(value) => group.values[value as usize].made += 1,
                    None => group.none += 1,
                }
            }
        }
        groups
    }
}
