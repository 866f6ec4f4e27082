//! The trait plan: what a collection is made of, and in which shares.
//!
//! A plan is read from `.ron` ([`Plan::from_ron`]) or from a table ([`Plan::from_csv`]), checked, and then handed to
//! [`assign`](crate::assign). `examples/plan.ron` shows everything a plan can say.
//!
//! Rules name traits as `"Hat: Crown"`. `"Hat: Crown | Tiara"` is any of the two, `"Hat: *"` any value at all, and
//! `"Hat: none"` no hat.

mod csv;
mod error;
mod refer;
mod ron;
mod valid;

pub(crate) use self::ron::parse;
pub use error::PlanError;
pub(crate) use refer::{Names, halves};
pub use refer::{Pick, Traits};
pub use valid::{MOST_GROUPS, MOST_ITEMS, MOST_RULES, MOST_TEXT, MOST_VALUES};

use crate::metadata::Display;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// What a collection is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The collection's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How many items.
    pub size: u64,
    /// Where chance begins: another seed is another collection of the same shares.
    #[serde(default)]
    pub seed: u64,
    /// Whether two items may be alike.
    #[serde(default)]
    pub allow_duplicates: bool,
    /// The groups, in the order in which layers lie on each other and attributes are listed.
    pub groups: Vec<Group>,
    /// What always holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Names for what is special; the first that fits is an item's tier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
}

/// A group of values of which an item has one, or none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The name rules and attributes use.
    pub name: String,
    /// The name shown to collectors, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<String>,
    /// The share of items that have this group at all, 0 to 1. The others have none of its values.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "ron::share")]
    pub chance: Option<f64>,
    /// How many items have none, said as for a value. Either this or `chance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none: Option<Nothing>,
    /// How the group's layers act on what lies below: one of [`BLENDS`]; `normal` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blend: Option<String>,
    /// How strongly the group's layers show, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "ron::opacity")]
    pub opacity: Option<f64>,
    /// The values are numbers, and marketplaces show them in this way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<Display>,
    /// The largest number there can be, for a bar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_value: Option<f64>,
    /// Drawn and assigned like any other, but no attribute of the token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// The values.
    pub values: Vec<TraitValue>,
}

/// How many items have none of a group's values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {
    /// A share beside the values' weights.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "ron::weight")]
    pub weight: Option<f64>,
    /// So many items, no more and no fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exactly: Option<u64>,
    /// A share of all items in percent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "ron::percent")]
    pub percent: Option<f64>,
}

/// One value of a group, and what comes with it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraitValue {
    /// The name rules and attributes use.
    pub name: String,
    /// A share beside the other weights of the group; 1 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "ron::weight")]
    pub weight: Option<f64>,
    /// So many items, no more and no fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exactly: Option<u64>,
    /// A share of all items in percent, met as closely as the rules allow.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "ron::percent")]
    pub percent: Option<f64>,
    /// The name shown to collectors, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<String>,
    /// What it stands for where nodes read it as a number, a colour or a text; its name where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<Setting>,
    /// Words for the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Words for the negative prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative: Option<String>,
    /// LoRAs that make this value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<Lora>,
    /// Parameters this value sets, by `node.parameter`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub set: IndexMap<String, Setting>,
    /// The picture of this value, for collections that lay pictures over each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
}

/// A LoRA and how strongly it acts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lora {
    /// The file's name.
    pub file: String,
    /// How strongly; 1 is as trained.
    #[serde(default = "one", deserialize_with = "ron::finite")]
    pub strength: f64,
}

fn one() -> f64 {
    1.0
}

/// The ways in which a layer can act on what lies below it, as canvas programs name them.
pub const BLENDS: [&str; 17] = [
    "normal",
    "multiply",
    "screen",
    "overlay",
    "darken",
    "lighten",
    "color-dodge",
    "color-burn",
    "hard-light",
    "soft-light",
    "difference",
    "exclusion",
    "add",
    "hue",
    "saturation",
    "color",
    "luminosity",
];

/// What a parameter is set to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Text(String),
}

/// What always holds, for every item or over the whole collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Rule {
    /// Never together with any of these.
    Never {
        /// The trait.
        r#trait: String,
        /// What it never stands with.
        with: Vec<String>,
    },
    /// No two of these in one item.
    Apart(Vec<String>),
    /// Only where one of these is.
    Requires {
        /// The trait.
        r#trait: String,
        /// One of these has to be there.
        any_of: Vec<String>,
    },
    /// Where the trait is, all of these are set.
    Implies {
        /// The trait.
        r#trait: String,
        /// What is then there as well.
        then: Vec<String>,
    },
    /// At most so many items have all of these.
    AtMost {
        /// How many.
        count: u64,
        /// What an item has to have to be counted.
        all_of: Vec<String>,
    },
    /// At least so many items have all of these.
    AtLeast {
        /// How many.
        count: u64,
        /// What an item has to have to be counted.
        all_of: Vec<String>,
    },
}

/// A name for items that are special.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The tier's name.
    pub name: String,
    /// Traits that make an item belong.
    pub any_of: Vec<String>,
    /// How many of them it takes.
    #[serde(default = "one_trait", skip_serializing_if = "is_one")]
    pub at_least: u64,
}

fn one_trait() -> u64 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(n: &u64) -> bool {
    *n == 1
}

/// How a value's number of items is said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Share {
    /// In proportion to the other weights of the group.
    Weight(f64),
    /// So many items, no more and no fewer.
    Exactly(u64),
    /// A share of all items, in percent.
    Percent(f64),
}

impl TraitValue {
    /// A value of a name, with weight 1.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The same with a weight.
    #[must_use]
    pub fn weighing(mut self, weight: f64) -> Self {
        self.weight = Some(weight);
        self
    }

    /// The same with an exact count.
    #[must_use]
    pub fn exactly(mut self, count: u64) -> Self {
        self.exactly = Some(count);
        self
    }

    /// How this value's number of items is said.
    #[must_use]
    pub fn share(&self) -> Share {
        share(self.weight, self.exactly, self.percent)
    }

    /// The name collectors see.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.show.as_deref().unwrap_or(&self.name)
    }

    /// The number it stands for, where it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match &self.is {
            Some(Setting::Int(n)) => Some(*n as f64),
            Some(Setting::Float(n)) => Some(*n),
            Some(Setting::Text(text)) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
            Some(Setting::Bool(_)) => None,
            None => self.name.trim().parse().ok().filter(|n: &f64| n.is_finite()),
        }
    }
}

fn share(weight: Option<f64>, exactly: Option<u64>, percent: Option<f64>) -> Share {
    match (exactly, percent) {
        (Some(count), _) => Share::Exactly(count),
        (None, Some(percent)) => Share::Percent(percent),
        (None, None) => Share::Weight(weight.unwrap_or(1.0)),
    }
}

impl Group {
    /// A group of a name and values.
    #[must_use]
    pub fn new(name: impl Into<String>, values: Vec<TraitValue>) -> Self {
        Self { name: name.into(), values, ..Self::default() }
    }

    /// How many items have none of the values; `None` where every item has one.
    #[must_use]
    pub fn nothing(&self) -> Option<Share> {
        match (&self.none, self.chance) {
            (Some(none), _) => Some(share(none.weight, none.exactly, none.percent)),
            (None, Some(chance)) => Some(Share::Percent((1.0 - chance) * 100.0)),
            (None, None) => None,
        }
    }

    /// The name collectors see.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.show.as_deref().unwrap_or(&self.name)
    }
}

impl Plan {
    /// An empty plan of a size and a seed.
    #[must_use]
    pub fn new(size: u64, seed: u64, groups: Vec<Group>) -> Self {
        Self {
            name: String::new(),
            size,
            seed,
            allow_duplicates: false,
            groups,
            rules: Vec::new(),
            tiers: Vec::new(),
        }
    }

    /// Reads and checks a plan.
    ///
    /// # Errors
    /// What is wrong, with its line and field.
    pub fn from_ron(text: &str) -> Result<Self, PlanError> {
        ron::read(text)
    }

    /// Reads and checks a table of values: a row each, `group` and `value` and whatever else the value has. Rules
    /// stand in the columns `never` and `requires`, traits separated by `;`.
    ///
    /// # Errors
    /// What is wrong, with its line and column.
    pub fn from_csv(text: &str, size: u64, seed: u64) -> Result<Self, PlanError> {
        csv::read(text, size, seed)
    }

    /// The plan as a `.ron` text that [`Plan::from_ron`] reads back.
    #[must_use]
    pub fn to_ron(&self) -> String {
        ron::write(self)
    }

    /// Checks a plan that was put together by a program.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), PlanError> {
        valid::check(self, &valid::Nowhere)
    }

    /// The name of the tier that an item belongs to: the first that fits. `values` holds for each group the number
    /// of the value, or `None`.
    ///
    /// # Errors
    /// A tier names a trait that is not in the plan.
    pub fn tier(&self, values: &[Option<usize>]) -> Result<Option<&str>, PlanError> {
        for tier in &self.tiers {
            let mut fits = 0;
            for name in &tier.any_of {
                let traits = self.traits(name)?;
                fits += u64::from(traits.holds(values.get(traits.group).copied().flatten()));
            }
            if fits >= tier.at_least.max(1) {
                return Ok(Some(&tier.name));
            }
        }
        Ok(None)
    }
}
