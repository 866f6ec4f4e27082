//! Traits given by hand to chosen items, with everything else kept: rules, exact counts, no two alike.
//!
//! An item that gets a value by hand gives the one it had to another item that had the wanted one, where the rules
//! allow it: so no count changes. Where nobody can exchange, the value is simply set; exact counts that this breaks, and
//! rules, refuse it.

use super::Assignment;
use crate::chance::Chance;
use crate::check;
use crate::plan::{Plan, PlanError, Rule, Traits};
use std::collections::{BTreeMap, HashMap};

/// How many items have each row of values.
type Twins = HashMap<Vec<u32>, u32>;

/// Exchanges by way of a third item that are tried for one value.
const MOST_TRIES: usize = 20_000;

/// What is given by hand to one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByHand {
    /// Which item, from 0.
    pub item: usize,
    /// For each group named: its number, and the number of the value or none.
    pub values: Vec<(usize, Option<usize>)>,
}

/// Why traits cannot be given by hand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandError {
    /// The plan itself is wrong.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// There is no such item.
    #[error("there is no item {item}: the collection has {size}, the first is 0")]
    NoItem {
        /// Which one.
        item: usize,
        /// How many there are.
        size: usize,
    },
    /// An item stands there twice.
    #[error("item {item} is given {group} twice by hand, and not the same")]
    Twice {
        /// Which item.
        item: usize,
        /// Which group.
        group: String,
    },
    /// A group or value that the plan has not.
    #[error("item {item}: the plan has no value of number {value} in group {group}")]
    NoValue {
        /// Which item.
        item: usize,
        /// Which group's number.
        group: usize,
        /// Which value's number.
        value: usize,
    },
    /// What was given by hand does not go with the plan.
    #[error("what is given by hand does not go with the plan: {}", breaches.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Breaks {
        /// What the collection would no longer keep.
        breaches: Vec<check::Breach>,
    },
}

impl Assignment {
    /// The same with traits given by hand to some items. Other items change only where they exchange a value with one
    /// of these.
    ///
    /// # Errors
    /// An item or value that is not there, or hands against the plan's rules and exact counts.
    pub fn by_hand(&self, plan: &Plan, hands: &[ByHand]) -> Result<Self, HandError> {
        let wanted = self.wanted(plan, hands)?;
        let mut made = self.clone();
        let rules = Rules::new(plan)?;
        let mut twins: Twins = HashMap::with_capacity(made.size);
        for item in 0..made.size {
            *twins.entry(made.row(item)).or_default() += 1;
        }
        for (item, values) in &wanted {
            for (group, slot) in values {
                made.give(plan, &rules, &mut twins, &wanted, (*item, *group, *slot));
            }
        }
        let breaches = check::check(plan, &made, 5);
        if breaches.is_empty() { Ok(made) } else { Err(HandError::Breaks { breaches }) }
    }

    /// The hands by item and group, as slots.
    fn wanted(
        &self,
        plan: &Plan,
        hands: &[ByHand],
    ) -> Result<BTreeMap<usize, BTreeMap<usize, u32>>, HandError> {
        let mut wanted: BTreeMap<usize, BTreeMap<usize, u32>> = BTreeMap::new();
        for hand in hands {
            if hand.item >= self.size {
                return Err(HandError::NoItem { item: hand.item, size: self.size });
            }
            for (group, value) in &hand.values {
                let none = self.values.get(*group).copied();
                let slot = match (value, none) {
                    (None, Some(none)) => Some(none),
                    (Some(value), Some(none)) => u32::try_from(*value).ok().filter(|v| *v < none),
                    (_, None) => None,
                };
                let Some(slot) = slot else {
                    let value = value.unwrap_or_default();
                    return Err(HandError::NoValue { item: hand.item, group: *group, value });
                };
                let before = wanted.entry(hand.item).or_default().insert(*group, slot);
                if before.is_some_and(|b| b != slot) {
                    let group = plan.groups.get(*group).map(|g| g.name.clone()).unwrap_or_default();
                    return Err(HandError::Twice { item: hand.item, group });
                }
            }
        }
        Ok(wanted)
    }

    fn row(&self, item: usize) -> Vec<u32> {
        self.columns.iter().map(|column| column[item]).collect()
    }

    fn give(
        &mut self,
        plan: &Plan,
        rules: &Rules,
        twins: &mut Twins,
        wanted: &BTreeMap<usize, BTreeMap<usize, u32>>,
        (item, group, slot): (usize, usize, u32),
    ) {
        let had = self.columns[group][item];
        if had == slot {
            return;
        }
        let own = self.row(item);
        let pinned = |at: usize, group: usize| wanted.get(&at).is_some_and(|w| w.contains_key(&group));
        // Whoever gives is drawn by chance, so that no corner of the collection is worn.
        let start = Chance::indexed(plan.seed, "by hand", item as u64).below(self.size);
        let givers: Vec<usize> = (0..self.size)
            .map(|n| (start + n) % self.size)
            .filter(|other| *other != item && self.columns[group][*other] == slot && !pinned(*other, group))
            .collect();
        let free = |row: &[u32], twins: &Twins| {
            (plan.allow_duplicates || !twins.contains_key(row)) && rules.allow(row, &self.values)
        };
        let given = |other: usize| {
            let mut row = self.row(other);
            row[group] = had;
            row
        };
        if let Some(giver) = givers.iter().find(|other| free(&given(**other), twins)).copied() {
            self.put(twins, giver, &given(giver));
        } else if let Some((giver, row, third, other)) =
            self.by_way_of(&givers, &given, twins, &pinned, &free, item)
        {
            self.put(twins, third, &other);
            self.put(twins, giver, &row);
        }
        let mut row = own;
        row[group] = slot;
        self.put(twins, item, &row);
    }

    /// A giver who would become like somebody else, and who exchanges another value with a third item instead: the
    /// giver, its new row, the third item, and that one's new row.
    fn by_way_of(
        &self,
        givers: &[usize],
        given: &dyn Fn(usize) -> Vec<u32>,
        twins: &Twins,
        pinned: &dyn Fn(usize, usize) -> bool,
        free: &dyn Fn(&[u32], &Twins) -> bool,
        item: usize,
    ) -> Option<(usize, Vec<u32>, usize, Vec<u32>)> {
        let mut tries = 0;
        for &giver in givers {
            for group in 0..self.columns.len() {
                for third in (0..self.size).filter(|third| *third != giver && *third != item) {
                    let mut row = given(giver);
                    let mut other = self.row(third);
                    if pinned(giver, group) || pinned(third, group) || row[group] == other[group] {
                        continue;
                    }
                    tries += 1;
                    if tries > MOST_TRIES {
                        return None;
                    }
                    std::mem::swap(&mut row[group], &mut other[group]);
                    if row != other && free(&row, twins) && free(&other, twins) {
                        return Some((giver, row, third, other));
                    }
                }
            }
        }
        None
    }

    /// Puts an item's row, and keeps count of who is like whom.
    fn put(&mut self, twins: &mut Twins, at: usize, row: &[u32]) {
        let before = self.row(at);
        if let Some(count) = twins.get_mut(&before) {
            *count -= 1;
            if *count == 0 {
                twins.remove(&before);
            }
        }
        for (column, slot) in self.columns.iter_mut().zip(row) {
            column[at] = *slot;
        }
        *twins.entry(row.to_vec()).or_default() += 1;
    }
}

/// The rules about single items, ready to be asked often.
struct Rules(Vec<(Kind, Vec<Traits>)>);

#[derive(Clone, Copy)]
enum Kind {
    Never,
    Apart,
    Requires,
    Implies,
}

impl Rules {
    fn new(plan: &Plan) -> Result<Self, PlanError> {
        let mut rules = Vec::new();
        for rule in &plan.rules {
            let (kind, first, rest) = match rule {
                Rule::Never { r#trait, with } => (Kind::Never, Some(r#trait), with),
                Rule::Apart(traits) => (Kind::Apart, None, traits),
                Rule::Requires { r#trait, any_of } => (Kind::Requires, Some(r#trait), any_of),
                Rule::Implies { r#trait, then } => (Kind::Implies, Some(r#trait), then),
                Rule::AtMost { .. } | Rule::AtLeast { .. } => continue,
            };
            let all: Result<Vec<Traits>, PlanError> =
                first.into_iter().chain(rest).map(|text| plan.traits(text)).collect();
            rules.push((kind, all?));
        }
        Ok(Self(rules))
    }

    fn allow(&self, row: &[u32], values: &[u32]) -> bool {
        let has = |traits: &Traits| {
            let slot = row[traits.group];
            traits.holds((slot < values[traits.group]).then_some(slot as usize))
        };
        self.0.iter().all(|(kind, traits)| {
            let Some((first, rest)) = traits.split_first() else { return true };
            match kind {
                Kind::Never => !has(first) || !rest.iter().any(has),
                Kind::Apart => traits.iter().filter(|t| has(t)).count() < 2,
                Kind::Requires => !has(first) || rest.iter().any(has),
                Kind::Implies => !has(first) || rest.iter().all(has),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assign::assign;
    use crate::plan::{Group, TraitValue};

    fn plan() -> Plan {
        let mut hat = Group::new(
            "Hat",
            vec![TraitValue::new("Crown").exactly(4), TraitValue::new("Cap"), TraitValue::new("Hood")],
        );
        hat.chance = Some(0.8);
        let numbers = |n: u32| (0..n).map(|v| TraitValue::new(format!("V{v}"))).collect();
        let mut plan =
            Plan::new(60, 5, vec![hat, Group::new("Eyes", numbers(8)), Group::new("Fur", numbers(6))]);
        plan.rules = vec![Rule::Never { r#trait: "Hat: Crown".into(), with: vec!["Fur: V0".into()] }];
        plan
    }

    #[test]
    fn hands_change_no_count_and_keep_the_rules() {
        let plan = plan();
        let before = assign(&plan).unwrap();
        let hands: Vec<ByHand> =
            (0..4).map(|n| ByHand { item: n * 7, values: vec![(0, Some(0)), (2, Some(n + 1))] }).collect();
        let after = before.by_hand(&plan, &hands).unwrap();
        assert_eq!(check::check(&plan, &after, 10), []);
        for hand in &hands {
            assert_eq!(after.value(hand.item, 0), Some(0));
        }
        for group in 0..3 {
            assert_eq!(before.counts(group), after.counts(group));
        }
        let changed = (0..60).filter(|i| before.item(*i) != after.item(*i)).count();
        assert!(changed <= 24, "{changed} items changed");
        assert_eq!(after, before.by_hand(&plan, &hands).unwrap(), "the same again");
        assert_eq!(before, before.by_hand(&plan, &[]).unwrap());
    }

    #[test]
    fn hands_against_the_plan_are_refused() {
        let plan = plan();
        let before = assign(&plan).unwrap();
        let hand = |item, values: &[(usize, Option<usize>)]| ByHand { item, values: values.to_vec() };
        let wrong = before.by_hand(&plan, &[hand(3, &[(0, Some(0)), (2, Some(0))])]).unwrap_err();
        assert!(wrong.to_string().contains("item 3: rule 1 is broken"), "{wrong}");
        let five: Vec<ByHand> = (0..5).map(|n| hand(n, &[(0, Some(0)), (2, Some(1))])).collect();
        let wrong = before.by_hand(&plan, &five).unwrap_err();
        assert!(wrong.to_string().contains("exactly 4 are asked for"), "{wrong}");
        let twice = [hand(3, &[(0, Some(0))]), hand(3, &[(0, None)])];
        assert!(matches!(before.by_hand(&plan, &twice), Err(HandError::Twice { .. })));
        assert!(matches!(before.by_hand(&plan, &[hand(60, &[])]), Err(HandError::NoItem { .. })));
        assert!(matches!(before.by_hand(&plan, &[hand(0, &[(0, Some(9))])]), Err(HandError::NoValue { .. })));
        assert!(matches!(before.by_hand(&plan, &[hand(0, &[(9, None)])]), Err(HandError::NoValue { .. })));
        let alike = [
            hand(1, &[(0, None), (1, Some(1)), (2, Some(1))]),
            hand(2, &[(0, None), (1, Some(1)), (2, Some(1))]),
        ];
        let wrong = before.by_hand(&plan, &alike).unwrap_err();
        assert!(wrong.to_string().contains("alike"), "{wrong}");
    }
}
