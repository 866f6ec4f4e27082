//! Traits named in rules: `"Hat: Crown | Tiara"`, `"Hat: *"`, `"Hat: none"`.

use super::{Plan, PlanError};
use crate::words;

/// The word for "none of this group".
pub(crate) const NONE: &str = "none";
/// The word for "any of this group".
pub(crate) const ANY: &str = "*";

/// Some values of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traits {
    /// The group's number.
    pub group: usize,
    /// Which of its values.
    pub pick: Pick,
}

/// Which values of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// Any of them: the group is present.
    Any,
    /// Of these, sorted; `none` says whether having none counts too.
    Some {
        /// The values' numbers.
        values: Vec<u32>,
        /// Whether having none counts too.
        none: bool,
    },
}

impl Traits {
    /// Whether an item with this value of the group counts.
    #[must_use]
    pub fn holds(&self, value: Option<usize>) -> bool {
        match (&self.pick, value) {
            (Pick::Any, value) => value.is_some(),
            (Pick::Some { none, .. }, None) => *none,
            (Pick::Some { values, .. }, Some(value)) => {
                u32::try_from(value).is_ok_and(|value| values.binary_search(&value).is_ok())
            }
        }
    }
}

/// The two halves of `Group: values`.
pub(crate) fn halves(text: &str) -> Option<(&str, &str)> {
    let (group, values) = text.split_once(':')?;
    let (group, values) = (group.trim(), values.trim());
    (!group.is_empty() && !values.is_empty()).then_some((group, values))
}

/// Finds groups and values by name, quickly.
pub(crate) struct Names<'a> {
    plan: &'a Plan,
    groups: std::collections::HashMap<&'a str, usize>,
    values: Vec<std::collections::HashMap<&'a str, u32>>,
}

impl<'a> Names<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        let groups = plan.groups.iter().enumerate().map(|(at, group)| (group.name.as_str(), at)).collect();
        let values = plan
            .groups
            .iter()
            .map(|group| (0u32..).zip(&group.values).map(|(at, value)| (value.name.as_str(), at)).collect())
            .collect();
        Self { plan, groups, values }
    }

    /// What a rule's text names.
    pub(crate) fn traits(&self, text: &str) -> Result<Traits, PlanError> {
        let field = || format!("\"{text}\"");
        let Some((group, names)) = halves(text) else {
            return Err(PlanError::wrong(field(), "a trait is written \"Group: Value\""));
        };
        let Some(&at) = self.groups.get(group) else {
            let near = words::did_you_mean(group, self.plan.groups.iter().map(|group| group.name.as_str()));
            return Err(PlanError::wrong(field(), format!("there is no group `{group}`{near}")));
        };
        if names == ANY {
            return Ok(Traits { group: at, pick: Pick::Any });
        }
        let (mut values, mut none) = (Vec::new(), false);
        for name in names.split('|').map(str::trim) {
            if name == NONE {
                if self.plan.groups[at].nothing().is_none() {
                    let what = format!(
                        "every item has a `{group}`; give the group a `chance` or a `none` before a rule speaks of it"
                    );
                    return Err(PlanError::wrong(field(), what));
                }
                none = true;
            } else if let Some(&value) = self.values[at].get(name) {
                values.push(value);
            } else {
                let near = words::did_you_mean(
                    name,
                    self.plan.groups[at].values.iter().map(|value| value.name.as_str()),
                );
                return Err(PlanError::wrong(field(), format!("`{group}` has no value `{name}`{near}")));
            }
        }
        values.sort_unstable();
        values.dedup();
        Ok(Traits { group: at, pick: Pick::Some { values, none } })
    }
}

impl Plan {
    /// What a text such as `"Hat: Crown | Tiara"` names.
    ///
    /// # Errors
    /// There is no such group or value.
    pub fn traits(&self, text: &str) -> Result<Traits, PlanError> {
        // One name alone is found by looking, without the tables for many.
        let field = || format!("\"{text}\"");
        let Some((group, _)) = halves(text) else {
            return Err(PlanError::wrong(field(), "a trait is written \"Group: Value\""));
        };
        let Some(at) = self.groups.iter().position(|known| known.name == group) else {
            let near = words::did_you_mean(group, self.groups.iter().map(|group| group.name.as_str()));
            return Err(PlanError::wrong(field(), format!("there is no group `{group}`{near}")));
        };
        let values =
            (0u32..).zip(&self.groups[at].values).map(|(n, value)| (value.name.as_str(), n)).collect();
        let mut tables: Vec<_> = std::iter::repeat_with(std::collections::HashMap::new).take(at).collect();
        tables.push(values);
        Names { plan: self, groups: [(group, at)].into_iter().collect(), values: tables }.traits(text)
    }
}
