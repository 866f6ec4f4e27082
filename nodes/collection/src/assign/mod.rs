//! Which item has which traits: the assigner.
//!
//! [`assign`] turns a plan into an [`Assignment`]: for each item and group a value, or none. The same plan, seed and
//! size give the same assignment for ever, whoever computes it where.
//!
//! # How
//!
//! 1. **Can it be?** Every item-level rule becomes clauses over *kinds* (values that no rule tells apart). A complete
//!    search says whether each wanted value can stand in an item at all; an exact linear system says whether the counts
//!    go together; counting says whether there are enough different items. A "no" is a proof, is shrunk to the demands
//!    that cause it ([`Contradiction`]) and refuses the plan.
//! 2. **How many?** Weights become whole numbers by the largest remainder: no value is off by as much as one item,
//!    unless rules ask for it; then the surplus is spread in proportion.
//! 3. **Who?** Groups that rules connect are dealt one after the other: items dealt alike so far form classes, a flow
//!    says how many of each class get what, chance says which. Rules and exact counts hold from the start, and traits
//!    are as independent of each other as the rules allow.
//! 4. **No two alike.** Items that are like another one exchange single values with other items, which changes no
//!    count. Where nearly every possible item is wanted, missing ones are looked for and counts of weighted values give
//!    way, never exact ones.
//!
//! Steps 3 and 4 are bounded. Where a plan is neither refused nor fulfilled, [`AssignError::GaveUp`] says so, and which
//! rule was hardest.

mod bits;
mod blame;
mod claim;
mod deal;
mod flow;
mod hand;
mod mend;
mod model;
mod quota;
mod search;
mod simplex;

pub use blame::{Contradiction, Culprit};
pub use hand::{ByHand, HandError};

use crate::plan::{Plan, PlanError};
use mend::{Faults, Mender};
use model::Model;
use search::Active;

pub(crate) use quota::group_quotas;

/// Why there is no assignment.
#[derive(Debug, thiserror::Error)]
pub enum AssignError {
    /// The plan itself is wrong.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Nothing fulfils the plan, and this is why.
    #[error("the plan cannot be fulfilled: {0}")]
    Impossible(Box<Contradiction>),
    /// Neither an assignment nor a proof that there is none was found.
    #[error(
        "no assignment was found in {steps} steps, and no proof that there is none; {left} faults are left, and hardest \
         to meet is {hardest}; loosen it, or try another seed"
    )]
    GaveUp {
        /// How many exchanges were tried.
        steps: u64,
        /// How many broken rules, overstepped limits and like items are left.
        left: u64,
        /// What was hardest to meet.
        hardest: String,
    },
}

/// For each item and group a value, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    size: usize,
    /// For each group, the slot of each item.
    columns: Vec<Vec<u32>>,
    /// For each group, how many values it has; that number as a slot is "none".
    values: Vec<u32>,
}

impl Assignment {
    /// An assignment put together by a caller: for each item, for each group, the value's number.
    ///
    /// # Errors
    /// An item has another number of groups than the plan, or a value that is not there.
    pub fn from_items(plan: &Plan, items: &[Vec<Option<usize>>]) -> Result<Self, PlanError> {
        let values: Vec<u32> =
            plan.groups.iter().map(|g| u32::try_from(g.values.len()).unwrap_or(u32::MAX)).collect();
        let mut columns = vec![Vec::with_capacity(items.len()); values.len()];
        for (at, item) in items.iter().enumerate() {
            if item.len() != values.len() {
                let what = format!("it has {} values, and the plan has {} groups", item.len(), values.len());
                return Err(PlanError::wrong(format!("item {at}"), what));
            }
            for ((column, value), values) in columns.iter_mut().zip(item).zip(&values) {
                let slot = match value {
                    None => *values,
                    Some(value) => match u32::try_from(*value) {
                        Ok(value) if value < *values => value,
                        _ => {
                            return Err(PlanError::wrong(
                                format!("item {at}"),
                                format!("there is no value {value}"),
                            ));
                        }
                    },
                };
                column.push(slot);
            }
        }
        Ok(Self { size: items.len(), columns, values })
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.size
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// The number of an item's value in a group; `None` where it has none, or there is no such item or group.
    #[must_use]
    pub fn value(&self, item: usize, group: usize) -> Option<usize> {
        let slot = *self.columns.get(group)?.get(item)?;
        (slot < *self.values.get(group)?).then_some(slot as usize)
    }

    /// An item's values, group by group.
    #[must_use]
    pub fn item(&self, item: usize) -> Vec<Option<usize>> {
        (0..self.columns.len()).map(|group| self.value(item, group)).collect()
    }

    /// An item's traits as names: group and value, groups without a value left out.
    #[must_use]
    pub fn traits<'a>(&self, plan: &'a Plan, item: usize) -> Vec<(&'a str, &'a str)> {
        let name = |(at, group): (usize, &'a crate::plan::Group)| {
            let value = group.values.get(self.value(item, at)?)?;
            Some((group.name.as_str(), value.name.as_str()))
        };
        plan.groups.iter().enumerate().filter_map(name).collect()
    }

    /// How many items have each value of a group; the last number counts those with none.
    #[must_use]
    pub fn counts(&self, group: usize) -> Vec<u64> {
        let Some(column) = self.columns.get(group) else { return Vec::new() };
        let mut counts = vec![0; self.values[group] as usize + 1];
        column.iter().for_each(|slot| counts[*slot as usize] += 1);
        counts
    }

    /// A hash over all of it: equal assignments have equal hashes, on every machine.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("kiln collection assignment 1");
        hasher.update(&(self.size as u64).to_le_bytes());
        let mut bytes = Vec::with_capacity(4096);
        for (column, values) in self.columns.iter().zip(&self.values) {
            hasher.update(&values.to_le_bytes());
            for chunk in column.chunks(1024) {
                bytes.clear();
                chunk.iter().for_each(|slot| bytes.extend(slot.to_le_bytes()));
                hasher.update(&bytes);
            }
        }
        *hasher.finalize().as_bytes()
    }
}

/// Assigns traits to items.
///
/// # Errors
/// The plan is wrong, nothing can fulfil it, or neither was found out.
pub fn assign(plan: &Plan) -> Result<Assignment, AssignError> {
    let model = Model::new(plan)?;
    let active = Active::everything(&model, plan.rules.len());
    if let Some(claim) = claim::find(&model, &active) {
        return Err(AssignError::Impossible(Box::new(blame::blame(plan, &model, &claim))));
    }
    let quotas = quota::quotas(plan);
    let mut columns: Vec<Vec<u32>> = vec![vec![0; model.size]; model.groups.len()];
    let mut stiff = Vec::new();
    for room in 0..model.rooms.len() {
        if deal_room(&model, &active, room, &quotas, &mut columns) == Dealt::ByTable {
            stiff.push(room);
        }
    }
    let mut mender = Mender::new(&model, &active, &mut columns);
    mender.mend();
    for room in stiff {
        mender.stir(&model.rooms[room]);
    }
    mender.polish(&quotas);
    let faults = mender.faults();
    if faults != Faults::default() || !mender.counts_are_exact() {
        let hardest = mender.hardest().map_or_else(
            || "that no two items are alike".to_owned(),
            |rule| format!("rule {} ({})", rule + 1, blame::rule_text(&plan.rules[rule])),
        );
        let left = faults.rules + faults.limits + faults.alike;
        return Err(AssignError::GaveUp { steps: mender.steps, left: left.unsigned_abs(), hardest });
    }
    let values = plan.groups.iter().map(|g| u32::try_from(g.values.len()).unwrap_or(u32::MAX)).collect();
    Ok(Assignment { size: model.size, columns, values })
}

/// How a room was dealt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dealt {
    /// One group after the other.
    InOrder,
    /// From counts of whole sorts of items; shows a pattern until it is stirred.
    ByTable,
    /// Without regard for rules.
    Freely,
}

/// Questions about classes that one order may cost before others are not tried for the sake of the weights.
const MOST_ASKED: usize = 20_000;

fn deal_room(
    model: &Model,
    active: &Active,
    room: usize,
    quotas: &[Vec<u64>],
    columns: &mut [Vec<u32>],
) -> Dealt {
    let orders = orders(model, room);
    let groups = &model.rooms[room];
    let mut best: Option<(u64, Vec<Vec<u32>>)> = None;
    for order in &orders {
        if let Ok(asked) = deal::deal(model, active, room, order, quotas, None, columns) {
            let off = off(groups, quotas, columns, model);
            if off == 0 || orders.len() == 1 || asked > MOST_ASKED {
                return Dealt::InOrder;
            }
            // Another order may come nearer to the weights.
            if best.as_ref().is_none_or(|(least, _)| off < *least) {
                best = Some((off, groups.iter().map(|g| columns[*g].clone()).collect()));
            }
        }
    }
    if let Some((_, kept)) = best {
        for (group, column) in groups.iter().zip(kept) {
            columns[*group] = column;
        }
        return Dealt::InOrder;
    }
    if let Some(sorts) = claim::meet_room(model, active, room) {
        for order in &orders {
            if deal::deal(model, active, room, order, quotas, Some(&sorts), columns).is_ok() {
                return Dealt::ByTable;
            }
        }
    }
    // Even that can fail, for counts that were not refused because looking at them took too long.
    let _ = deal::deal_freely(model, active, room, quotas, columns);
    Dealt::Freely
}

/// Orders worth trying: groups that many rules name first, or last.
fn orders(model: &Model, room: usize) -> Vec<Vec<usize>> {
    let groups = &model.rooms[room];
    if groups.len() == 1 {
        return vec![groups.clone()];
    }
    let weight = |group: usize| model.clauses_of[group].len() + 4 * model.limits_of[group].len();
    let exact = |group: usize| {
        model.groups[group].bounds.iter().any(|bound| matches!(bound, model::Bound::Exactly(n) if *n > 0))
    };
    let mut many = groups.clone();
    many.sort_by_key(|group| std::cmp::Reverse(weight(*group)));
    let mut exact_first = many.clone();
    exact_first.sort_by_key(|group| !exact(*group));
    let few: Vec<usize> = many.iter().rev().copied().collect();
    let mut orders = vec![many, exact_first, few];
    orders.dedup();
    orders
}

/// How far a room's counts are from the quotas.
fn off(groups: &[usize], quotas: &[Vec<u64>], columns: &[Vec<u32>], model: &Model) -> u64 {
    let mut off = 0;
    for &group in groups {
        let mut counts = vec![0u64; model.groups[group].bounds.len()];
        columns[group].iter().for_each(|slot| counts[*slot as usize] += 1);
        off += counts.iter().zip(&quotas[group]).map(|(count, quota)| count.abs_diff(*quota)).sum::<u64>();
    }
    off
}
