//! A plan in the form the assigner works on.
//!
//! - A **slot** is a value of a group, or "none of them" as the last slot.
//! - A **kind** is a set of slots of one group that no rule tells apart, all with a weight or all with an exact count.
//!   Rules are about kinds; only counts are about slots. A group of a million values that no rule names is one kind.
//! - Every rule about single items is a list of **clauses**: of the literals "the item's kind in this group is one of
//!   these", at least one holds.
//! - Rules about numbers are **limits**: how many items have all of some literals.
//! - Groups that share a clause or a limit, directly or through others, form a **room**; rooms know nothing of each
//!   other.

use super::bits::Bits;
use crate::plan::{Pick, Plan, PlanError, Rule, Share, Traits};
use std::collections::HashMap;

/// What is said about how many items have a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// As the weights have it.
    Free,
    /// So many.
    Exactly(u64),
    /// The weight is nought.
    Never,
}

#[derive(Debug, Clone)]
pub(crate) struct GroupModel {
    pub(crate) bounds: Vec<Bound>,
    /// The slot for "none of them".
    pub(crate) none: Option<u32>,
    pub(crate) kind_of: Vec<u32>,
    /// The slots of each kind.
    pub(crate) kinds: Vec<Vec<u32>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal {
    pub(crate) group: usize,
    pub(crate) kinds: Bits,
}

/// At least one of the literals holds.
#[derive(Debug, Clone)]
pub(crate) struct Clause {
    pub(crate) literals: Vec<Literal>,
    pub(crate) rule: usize,
}

/// So many items have all of the literals.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    pub(crate) literals: Vec<Literal>,
    pub(crate) least: u64,
    pub(crate) most: u64,
    pub(crate) rule: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) size: usize,
    pub(crate) seed: u64,
    pub(crate) distinct: bool,
    pub(crate) groups: Vec<GroupModel>,
    pub(crate) clauses: Vec<Clause>,
    pub(crate) limits: Vec<Limit>,
    /// For each group, the clauses it is in.
    pub(crate) clauses_of: Vec<Vec<u32>>,
    /// For each group, the limits it is in.
    pub(crate) limits_of: Vec<Vec<u32>>,
    /// Groups that hang together; each sorted.
    pub(crate) rooms: Vec<Vec<usize>>,
}

/// Rules taken apart into pairs.
const MOST_CLAUSES: usize = 1 << 20;
/// Memory for sets of kinds, in words; more than any plan a person writes.
const MOST_WORDS: usize = 1 << 25;

impl Model {
    pub(crate) fn new(plan: &Plan) -> Result<Self, PlanError> {
        plan.check()?;
        let names = crate::plan::Names::new(plan);
        let find = |text: &String| names.traits(text);
        let mut groups: Vec<GroupModel> = plan.groups.iter().map(group_model).collect();
        let mut raw = Raw::default();
        for (number, rule) in plan.rules.iter().enumerate() {
            raw.take(number, rule, plan.size, &find)?;
            if raw.clauses.len() > MOST_CLAUSES {
                return Err(PlanError::TooMany {
                    what: "pairs in rules",
                    found: raw.clauses.len() as u64,
                    most: MOST_CLAUSES as u64,
                });
            }
        }
        // Kinds: begin with one per group, and split by every set that a rule names.
        for traits in raw.clauses.iter().chain(&raw.limits).flat_map(|r| &r.literals) {
            split(&mut groups[traits.0.group], &traits.0);
        }
        for group in &mut groups {
            split_by_bound(group);
            collect_kinds(group);
        }
        let literals: usize = raw.clauses.iter().chain(&raw.limits).map(|r| r.literals.len()).sum();
        let widest = groups.iter().map(|g| g.kinds.len().div_ceil(64)).max().unwrap_or(1);
        if literals.saturating_mul(widest) > MOST_WORDS {
            return Err(PlanError::TooMany {
                what: "values told apart by rules, times traits in rules",
                found: literals.saturating_mul(widest) as u64 * 64,
                most: MOST_WORDS as u64 * 64,
            });
        }
        let literal = |(traits, positive): &(Traits, bool)| literal(&groups[traits.group], traits, *positive);
        let clauses: Vec<Clause> = raw
            .clauses
            .iter()
            .map(|r| Clause { literals: merged(r.literals.iter().map(literal).collect()), rule: r.rule })
            .collect();
        let limits: Vec<Limit> = raw
            .limits
            .iter()
            .map(|r| Limit {
                literals: r.literals.iter().map(literal).collect(),
                least: r.least,
                most: r.most,
                rule: r.rule,
            })
            .collect();
        let (mut clauses_of, mut limits_of) =
            (vec![Vec::new(); groups.len()], vec![Vec::new(); groups.len()]);
        for (at, clause) in (0u32..).zip(&clauses) {
            clause.literals.iter().for_each(|l| clauses_of[l.group].push(at));
        }
        for (at, limit) in (0u32..).zip(&limits) {
            limit.literals.iter().for_each(|l| limits_of[l.group].push(at));
        }
        let rooms = rooms(groups.len(), &clauses, &limits);
        Ok(Self {
            size: usize::try_from(plan.size).unwrap_or(usize::MAX),
            seed: plan.seed,
            distinct: !plan.allow_duplicates,
            groups,
            clauses,
            limits,
            clauses_of,
            limits_of,
            rooms,
        })
    }

    /// The kind of a slot.
    pub(crate) fn kind(&self, group: usize, slot: u32) -> usize {
        self.groups[group].kind_of[slot as usize] as usize
    }
}

fn group_model(group: &crate::plan::Group) -> GroupModel {
    let bound = |share: Share| match share {
        Share::Exactly(count) => Bound::Exactly(count),
        Share::Weight(share) | Share::Percent(share) if share <= 0.0 => Bound::Never,
        Share::Weight(_) | Share::Percent(_) => Bound::Free,
    };
    let mut bounds: Vec<Bound> = group.values.iter().map(|value| bound(value.share())).collect();
    let none = group.nothing().map(|share| {
        bounds.push(bound(share));
        u32::try_from(bounds.len() - 1).unwrap_or(u32::MAX)
    });
    GroupModel { kind_of: vec![0; bounds.len()], bounds, none, kinds: Vec::new() }
}

/// Splits a group's kinds so that the named values are told apart from the others.
fn split(group: &mut GroupModel, traits: &Traits) {
    let members: Vec<u32> = match &traits.pick {
        // "Any" and "none" part the group in the same two.
        Pick::Any => group.none.into_iter().collect(),
        Pick::Some { values, none } => values.iter().copied().chain(group.none.filter(|_| *none)).collect(),
    };
    let mut next = group.kinds.len().max(1);
    if group.kinds.is_empty() {
        // While splitting, `kinds` only counts: the slots in each.
        group.kinds = vec![vec![u32::try_from(group.bounds.len()).unwrap_or(u32::MAX)]];
    }
    let mut moved: HashMap<u32, u32> = HashMap::new();
    for slot in members {
        let old = group.kind_of[slot as usize];
        let new = *moved.entry(old).or_insert_with(|| {
            group.kinds.push(vec![0]);
            next += 1;
            u32::try_from(next - 1).unwrap_or(u32::MAX)
        });
        group.kind_of[slot as usize] = new;
        group.kinds[old as usize][0] -= 1;
        group.kinds[new as usize][0] += 1;
    }
}

/// Exact counts, weights and noughts are kinds of their own, so that a kind's least and most say all there is to say.
fn split_by_bound(group: &mut GroupModel) {
    let sort = |bound: &Bound| match bound {
        Bound::Free => 0,
        Bound::Exactly(_) => 1,
        Bound::Never => 2,
    };
    for (kind, bound) in group.kind_of.iter_mut().zip(&group.bounds) {
        *kind = *kind * 3 + sort(bound);
    }
}

/// Numbers the kinds that have slots, in the order of their first slot.
fn collect_kinds(group: &mut GroupModel) {
    let mut numbers: HashMap<u32, u32> = HashMap::new();
    let mut kinds: Vec<Vec<u32>> = Vec::new();
    for slot in 0..group.bounds.len() {
        let number = *numbers.entry(group.kind_of[slot]).or_insert_with(|| {
            kinds.push(Vec::new());
            u32::try_from(kinds.len() - 1).unwrap_or(u32::MAX)
        });
        group.kind_of[slot] = number;
        kinds[number as usize].push(u32::try_from(slot).unwrap_or(u32::MAX));
    }
    group.kinds = kinds;
}

fn literal(group: &GroupModel, traits: &Traits, positive: bool) -> Literal {
    let mut kinds = Bits::none(group.kinds.len());
    match &traits.pick {
        Pick::Any => {
            let none = group.none.map(|slot| group.kind_of[slot as usize] as usize);
            (0..group.kinds.len()).filter(|kind| Some(*kind) != none).for_each(|kind| kinds.insert(kind));
        }
        Pick::Some { values, none } => {
            for slot in values.iter().copied().chain(group.none.filter(|_| *none)) {
                kinds.insert(group.kind_of[slot as usize] as usize);
            }
        }
    }
    if !positive {
        kinds = Bits::all(group.kinds.len()).without(&kinds);
    }
    Literal { group: traits.group, kinds }
}

/// Literals about the same group become one.
fn merged(literals: Vec<Literal>) -> Vec<Literal> {
    let mut merged: Vec<Literal> = Vec::with_capacity(literals.len());
    for literal in literals {
        match merged.iter_mut().find(|known| known.group == literal.group) {
            Some(known) => literal.kinds.iter().for_each(|kind| known.kinds.insert(kind)),
            None => merged.push(literal),
        }
    }
    merged
}

/// Rules taken apart, before kinds are known.
#[derive(Default)]
struct Raw {
    clauses: Vec<RawRule>,
    limits: Vec<RawRule>,
}

struct RawRule {
    /// Traits, and whether they are to hold (or not to hold).
    literals: Vec<(Traits, bool)>,
    least: u64,
    most: u64,
    rule: usize,
}

impl Raw {
    fn clause(&mut self, rule: usize, literals: Vec<(Traits, bool)>) {
        self.clauses.push(RawRule { literals, least: 0, most: 0, rule });
    }

    fn take(
        &mut self,
        number: usize,
        rule: &Rule,
        size: u64,
        find: &dyn Fn(&String) -> Result<Traits, PlanError>,
    ) -> Result<(), PlanError> {
        match rule {
            Rule::Never { r#trait, with } => {
                for other in with {
                    self.clause(number, vec![(find(r#trait)?, false), (find(other)?, false)]);
                }
            }
            Rule::Apart(traits) => {
                for (at, one) in traits.iter().enumerate() {
                    for other in &traits[at + 1..] {
                        self.clause(number, vec![(find(one)?, false), (find(other)?, false)]);
                    }
                }
            }
            Rule::Requires { r#trait, any_of } => {
                let mut literals = vec![(find(r#trait)?, false)];
                for other in any_of {
                    literals.push((find(other)?, true));
                }
                self.clause(number, literals);
            }
            Rule::Implies { r#trait, then } => {
                for other in then {
                    self.clause(number, vec![(find(r#trait)?, false), (find(other)?, true)]);
                }
            }
            Rule::AtMost { count, all_of } | Rule::AtLeast { count, all_of } => {
                let at_most = matches!(rule, Rule::AtMost { .. });
                let never = at_most && *count == 0;
                let literals: Result<Vec<_>, _> =
                    all_of.iter().map(|text| Ok((find(text)?, !never))).collect();
                if never {
                    self.clause(number, literals?);
                    return Ok(());
                }
                let (least, most) = if at_most { (0, *count) } else { (*count, size.max(*count)) };
                self.limits.push(RawRule { literals: literals?, least, most, rule: number });
            }
        }
        Ok(())
    }
}

fn rooms(groups: usize, clauses: &[Clause], limits: &[Limit]) -> Vec<Vec<usize>> {
    let mut root: Vec<usize> = (0..groups).collect();
    fn find(root: &mut [usize], mut at: usize) -> usize {
        while root[at] != at {
            root[at] = root[root[at]];
            at = root[at];
        }
        at
    }
    let sets = clauses.iter().map(|c| &c.literals).chain(limits.iter().map(|l| &l.literals));
    for literals in sets {
        for pair in literals.windows(2) {
            let (a, b) = (find(&mut root, pair[0].group), find(&mut root, pair[1].group));
            root[a.max(b)] = a.min(b);
        }
    }
    let mut rooms: Vec<Vec<usize>> = vec![Vec::new(); groups];
    for group in 0..groups {
        rooms[find(&mut root, group)].push(group);
    }
    rooms.retain(|room| !room.is_empty());
    rooms
}
