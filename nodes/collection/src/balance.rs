//! What weights come to, before anything is made: planned counts, what a change moves, how rare each value will be.

use crate::assign::{self, Assignment};
use crate::plan::Plan;

/// A plan's counts, group by group.
#[derive(Debug, Clone, PartialEq)]
pub struct Balance {
    /// How many items.
    pub size: u64,
    /// The groups, in the plan's order.
    pub groups: Vec<GroupBalance>,
}

/// One group's counts.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupBalance {
    /// The group's name.
    pub name: String,
    /// Its values in the plan's order; where items can have none, that comes last.
    pub values: Vec<ValueBalance>,
}

/// One value's counts.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueBalance {
    /// The value's name, or `none`.
    pub name: String,
    /// How many items the weights ask for (before rules).
    pub planned: u64,
    /// How many there were: in the plan or the assignment it is compared with.
    pub before: Option<u64>,
    /// The share of all items.
    pub share: f64,
    /// How surprising the value is, in bits: one more for half as many items. Infinite where there are none.
    pub rarity: f64,
}

/// What a plan's weights come to.
#[must_use]
pub fn balance(plan: &Plan) -> Balance {
    let group = |group: &crate::plan::Group| {
        let names = group.values.iter().map(|value| value.name.clone());
        let none = group.nothing().map(|_| "none".to_owned());
        let quotas = assign::group_quotas(group, plan.size);
        let values =
            names.chain(none).zip(quotas).map(|(name, planned)| value(name, planned, plan.size)).collect();
        GroupBalance { name: group.name.clone(), values }
    };
    Balance { size: plan.size, groups: plan.groups.iter().map(group).collect() }
}

fn value(name: String, planned: u64, size: u64) -> ValueBalance {
    let share = planned as f64 / size.max(1) as f64;
    let rarity = if planned == 0 { f64::INFINITY } else { -libm::log2(share) };
    ValueBalance { name, planned, before: None, share, rarity }
}

impl Balance {
    /// The same, compared with another plan: values are found by their names.
    #[must_use]
    pub fn against_plan(mut self, before: &Plan) -> Self {
        let before = balance(before);
        self.compare(|group, value| {
            let group = before.groups.iter().find(|known| known.name == group)?;
            Some(group.values.iter().find(|known| known.name == value)?.planned)
        });
        self
    }

    /// The same, compared with what an assignment of a plan has.
    #[must_use]
    pub fn against(mut self, plan: &Plan, before: &Assignment) -> Self {
        let counts: Vec<Vec<u64>> = (0..plan.groups.len()).map(|group| before.counts(group)).collect();
        self.compare(|group, value| {
            let at = plan.groups.iter().position(|known| known.name == group)?;
            let values = &plan.groups[at].values;
            let slot = values.iter().position(|known| known.name == value);
            let slot = slot.or_else(|| (value == "none").then_some(values.len()))?;
            counts[at].get(slot).copied()
        });
        self
    }

    fn compare(&mut self, before: impl Fn(&str, &str) -> Option<u64>) {
        for group in &mut self.groups {
            for value in &mut group.values {
                value.before = before(&group.name, &value.name);
            }
        }
    }

    /// A table for people, in plain text.
    #[must_use]
    pub fn table(&self) -> String {
        let compared = self.groups.iter().flat_map(|group| &group.values).any(|value| value.before.is_some());
        let mut rows = vec![["", "items", "before", "change", "share", "rarity"].map(str::to_owned)];
        for group in &self.groups {
            rows.push([
                group.name.clone(),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
            ]);
            for value in &group.values {
                let change = value.before.map(|before| {
                    let by = i128::from(value.planned) - i128::from(before);
                    if by == 0 { "=".to_owned() } else { format!("{by:+}") }
                });
                let before = match value.before {
                    Some(before) => before.to_string(),
                    None if compared => "new".to_owned(),
                    None => String::new(),
                };
                let rarity =
                    if value.rarity.is_finite() { format!("{:.2}", value.rarity) } else { "-".to_owned() };
                rows.push([
                    format!("  {}", value.name),
                    value.planned.to_string(),
                    before,
                    change.unwrap_or_default(),
                    format!("{:.2}%", value.share * 100.0),
                    rarity,
                ]);
            }
        }
        let shown: Vec<usize> = if compared { vec![0, 1, 2, 3, 4, 5] } else { vec![0, 1, 4, 5] };
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..6).map(width).collect();
        let mut text = String::new();
        for row in &rows {
            let mut line = String::new();
            for &column in &shown {
                let pad = " ".repeat(widths[column].saturating_sub(row[column].chars().count()));
                if column == 0 {
                    line.push_str(&row[column]);
                    line.push_str(&pad);
                } else {
                    line.push_str("  ");
                    line.push_str(&pad);
                    line.push_str(&row[column]);
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Group, TraitValue};

    fn plan(crowns: u64) -> Plan {
        let hats =
            vec![TraitValue::new("Crown").exactly(crowns), TraitValue::new("Cap"), TraitValue::new("Hood")];
        let mut hat = Group::new("Hat", hats);
        hat.chance = Some(0.75);
        Plan::new(40, 1, vec![hat])
    }

    #[test]
    fn a_change_is_shown_before_anything_is_made() {
        let balance = balance(&plan(10)).against_plan(&plan(2));
        let expected = "\
              items  before  change   share  rarity
Hat
  Crown     10       2      +8  25.00%    2.00
  Cap       10      14      -4  25.00%    2.00
  Hood      10      14      -4  25.00%    2.00
  none      10      10       =  25.00%    2.00
";
        let trimmed = |text: &str| -> Vec<Vec<String>> {
            text.lines().map(|l| l.split_whitespace().map(str::to_owned).collect()).collect()
        };
        assert_eq!(trimmed(&balance.table()), trimmed(expected), "{}", balance.table());
    }

    #[test]
    fn new_values_and_assignments_are_compared_by_name() {
        let mut new = plan(10);
        new.groups[0].values.push(TraitValue::new("Fez"));
        let found = assign::assign(&Plan { allow_duplicates: true, ..plan(2) }).unwrap();
        let balance = balance(&new).against(&plan(2), &found);
        let before: Vec<Option<u64>> = balance.groups[0].values.iter().map(|v| v.before).collect();
        assert_eq!(before, [Some(2), Some(14), Some(14), None, Some(10)]);
        assert!(balance.table().contains("new"));
    }
}
