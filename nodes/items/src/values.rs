//! What travels between these nodes: plans, assignments, an item's traits, a collection's rarity.

use kiln_collection::assign::Assignment;
use kiln_collection::metadata::{Attribute, Display};
use kiln_collection::plan::{Plan, Setting};
use kiln_core::codec::ObjectCodec;
use kiln_core::{Cx, NodeError, Registry, words};
use kiln_types::{FileRef, Key, Object, Value};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::path::Path;
use std::sync::Arc;

/// The names of these types, as ports spell them.
pub mod names {
    /// [`super::PlanValue`].
    pub const TRAIT_PLAN: &str = "TraitPlan";
    /// [`super::AssignmentValue`].
    pub const TRAIT_ASSIGNMENT: &str = "TraitAssignment";
    /// [`super::Traits`].
    pub const TRAITS: &str = "Traits";
    /// [`super::RarityValue`].
    pub const RARITY: &str = "Rarity";
}

/// A layer's picture: its name in the plan, where it lies, and the hash of what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The name the plan gives it.
    pub name: String,
    /// The hash of the file.
    pub hash: [u8; 32],
    /// Where it lies on this machine.
    pub path: String,
}

impl Layer {
    /// The file, to be read.
    #[must_use]
    pub fn file(&self) -> FileRef {
        FileRef { path: Path::new(&self.path).into(), hash: Key(self.hash) }
    }
}

/// A trait plan, with the files of its layers and where its weights come from.
#[derive(Clone, Debug)]
pub struct PlanValue {
    /// The plan.
    pub plan: Plan,
    /// Whether the plan itself says how many items there are.
    pub sized: bool,
    /// For each group and value, the layer's file.
    pub layers: Vec<Vec<Option<Layer>>>,
    /// The hash of the feed its weights come from.
    pub feed: Option<String>,
}

/// Which item has which traits.
#[derive(Debug)]
pub struct AssignmentValue {
    /// The plan, with the size and seed that were used.
    pub plan: Arc<PlanValue>,
    /// The assignment.
    pub assignment: Assignment,
    /// Items that were given traits by hand, in order.
    pub hands: Vec<u64>,
}

/// A plain value of a trait or a setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Plain {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Text(String),
}

impl From<&Setting> for Plain {
    fn from(setting: &Setting) -> Self {
        match setting {
            Setting::Bool(v) => Self::Bool(*v),
            Setting::Int(v) => Self::Int(*v),
            Setting::Float(v) => Self::Float(*v),
            Setting::Text(v) => Self::Text(v.clone()),
        }
    }
}

impl Plain {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Bool(v) => v.to_string(),
            Self::Int(v) => v.to_string(),
            Self::Float(v) => v.to_string(),
            Self::Text(v) => v.clone(),
        }
    }

    /// As a number, where it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Bool(_) => None,
            Self::Int(v) => Some(*v as f64),
            Self::Float(v) => Some(*v),
            Self::Text(v) => v.trim().parse().ok().filter(|n: &f64| n.is_finite()),
        }
    }
}

/// One trait of an item, and what comes with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trait {
    /// The group's name in the plan.
    pub group: String,
    /// The group's name for collectors.
    pub group_shown: String,
    /// The value's name in the plan.
    pub value: String,
    /// The value's name for collectors.
    pub shown: String,
    /// What it stands for, where that is not its name.
    pub is: Option<Plain>,
    /// Words for the prompt.
    pub prompt: Option<String>,
    /// Words for the negative prompt.
    pub negative: Option<String>,
    /// LoRAs and their strengths.
    pub loras: Vec<(String, f64)>,
    /// Parameters it sets, by `node.parameter`.
    pub set: Vec<(String, Plain)>,
    /// Its picture.
    pub layer: Option<Layer>,
    /// How its picture acts on what lies below.
    pub blend: Option<String>,
    /// How strongly its picture shows.
    pub opacity: Option<f64>,
    /// The number it is shown as.
    pub number: Option<f64>,
    /// How the number is shown.
    pub display: Option<Display>,
    /// The largest number there can be.
    pub max_value: Option<f64>,
    /// No attribute of the token.
    pub hidden: bool,
}

impl Trait {
    /// As marketplaces show it; `None` for what is hidden.
    #[must_use]
    pub fn attribute(&self) -> Option<Attribute> {
        if self.hidden {
            return None;
        }
        Some(match self.number {
            Some(number) => Attribute {
                max_value: self.max_value,
                ..Attribute::number(self.group_shown.as_str(), number, self.display)
            },
            None => Attribute::text(self.group_shown.as_str(), self.shown.as_str()),
        })
    }
}

/// An item's traits. Neither its number nor the size of the collection is part of them: what is made of them is the
/// same for two items that are alike.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Traits {
    /// The traits, in the plan's order.
    pub traits: Vec<Trait>,
    /// Groups of which the item has none.
    pub absent: Vec<String>,
    /// The name of the tier it belongs to.
    pub tier: Option<String>,
    /// Whether some of it was given by hand.
    pub by_hand: bool,
}

impl Traits {
    /// The traits of an item.
    ///
    /// # Errors
    /// When there is no such item.
    pub fn of(from: &AssignmentValue, item: u64) -> Result<Self, NodeError> {
        let size = from.assignment.len();
        let at = usize::try_from(item).ok().filter(|at| *at < size).ok_or_else(|| {
            NodeError::new(format!("there is no item {item}: traits were assigned to {size}, from 0"))
                .hint("raise the size of AssignTraits, or make fewer items")
        })?;
        let plan = &from.plan.plan;
        let values = from.assignment.item(at);
        let tier = plan.tier(&values).map_err(NodeError::new)?.map(str::to_owned);
        let mut made = Self { tier, by_hand: from.hands.binary_search(&item).is_ok(), ..Self::default() };
        for (number, (group, value)) in plan.groups.iter().zip(&values).enumerate() {
            let Some(place) = *value else {
                made.absent.push(group.name.clone());
                continue;
            };
            let Some(value) = group.values.get(place) else { continue };
            let shown_as_number = group.display.is_some() || group.max_value.is_some();
            made.traits.push(Trait {
                group: group.name.clone(),
                group_shown: group.shown().to_owned(),
                value: value.name.clone(),
                shown: value.shown().to_owned(),
                is: value.is.as_ref().map(Plain::from),
                prompt: value.prompt.clone(),
                negative: value.negative.clone(),
                loras: value.loras.iter().map(|l| (l.file.clone(), l.strength)).collect(),
                set: value.set.iter().map(|(k, v)| (k.clone(), Plain::from(v))).collect(),
                layer: from.plan.layers.get(number).and_then(|g| g.get(place)).cloned().flatten(),
                blend: group.blend.clone(),
                opacity: group.opacity,
                number: value.number().filter(|_| shown_as_number),
                display: group.display,
                max_value: group.max_value,
                hidden: group.hidden,
            });
        }
        Ok(made)
    }

    /// The item's trait of a group; `None` where it has none.
    ///
    /// # Errors
    /// When the plan has no such group.
    pub fn find(&self, group: &str) -> Result<Option<&Trait>, NodeError> {
        let group = group.trim();
        if let Some(found) = self.traits.iter().find(|t| t.group == group) {
            return Ok(Some(found));
        }
        if self.absent.iter().any(|name| name == group) {
            return Ok(None);
        }
        let all: Vec<&str> = self.groups().collect();
        let error = NodeError::new(format!("the plan has no group {group:?}"));
        Err(match words::nearest(group, all.iter()) {
            Some(near) => error.hint(format!("did you mean {near:?}?")),
            None => error.hint(format!("it has {}", words::list(&all))),
        })
    }

    /// The names of all groups, those without a value last.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.traits.iter().map(|t| t.group.as_str()).chain(self.absent.iter().map(String::as_str))
    }

    /// A parameter that a trait sets; the last that does.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&Plain> {
        self.traits.iter().flat_map(|t| &t.set).rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Group and value of each trait, as collectors see them, without what is hidden.
    pub fn shown(&self) -> impl Iterator<Item = (&str, &str)> {
        self.traits.iter().filter(|t| !t.hidden).map(|t| (t.group_shown.as_str(), t.shown.as_str()))
    }

    /// Group and value of each trait: group names of the plan, values as collectors see them. For templates.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        self.traits.iter().map(|t| (t.group.as_str(), t.shown.as_str())).collect()
    }
}

/// How rare the items of a collection are, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RarityValue {
    /// The items, in order of their numbers.
    pub items: Vec<ItemRarity>,
    /// The tiers, rarest first: name, and up to which rank.
    pub tiers: Vec<(String, u64)>,
}

/// How rare an item is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ItemRarity {
    /// Its number.
    pub item: u64,
    /// Its rank by the measure that was chosen, from 1.
    pub rank: u64,
    /// OpenRarity's rank, from 1.
    pub open_rank: u64,
    /// OpenRarity's score.
    pub open: f64,
    /// The sum of 1/frequency.
    pub score: f64,
    /// The product of the frequencies, in bits: higher is rarer.
    pub statistical_bits: f64,
    /// The mean of the frequencies.
    pub average: f64,
    /// How many of its traits nobody else has.
    pub unique: u64,
    /// The tier it belongs to by its rank.
    pub tier: String,
}

impl RarityValue {
    /// How rare an item is.
    #[must_use]
    pub fn item(&self, item: u64) -> Option<&ItemRarity> {
        self.items.binary_search_by_key(&item, |i| i.item).ok().and_then(|at| self.items.get(at))
    }
}

/// As it is written to the cache: the plan as the text that reads back.
#[derive(Serialize, Deserialize)]
struct StoredPlan {
    plan: String,
    sized: bool,
    layers: Vec<Vec<Option<Layer>>>,
    feed: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredAssignment {
    plan: StoredPlan,
    /// Item by item, a value's number plus one; 0 is none.
    items: Vec<Vec<u32>>,
    hands: Vec<u64>,
}

impl PlanValue {
    fn stored(&self) -> StoredPlan {
        let (sized, layers, feed) = (self.sized, self.layers.clone(), self.feed.clone());
        StoredPlan { plan: self.plan.to_ron(), sized, layers, feed }
    }

    fn read(stored: StoredPlan) -> Option<Self> {
        let StoredPlan { plan, sized, layers, feed } = stored;
        let plan = Plan::from_ron(&plan).ok()?;
        let fits = layers.len() == plan.groups.len();
        fits.then_some(Self { plan, sized, layers, feed })
    }
}

fn bytes<T: Serialize>(value: &T) -> Option<Vec<u8>> {
    postcard::to_stdvec(value).ok()
}

macro_rules! object {
    ($type:ty, $name:path, size: $size:expr, content: $content:expr) => {
        impl Object for $type {
            fn type_name(&self) -> &'static str {
                $name
            }
            fn byte_size(&self) -> usize {
                let size: fn(&$type) -> usize = $size;
                size(self)
            }
            fn as_any(&self) -> &dyn Any {
                self
            }
            fn content(&self) -> Option<Vec<u8>> {
                let content: fn(&$type) -> Option<Vec<u8>> = $content;
                content(self)
            }
        }
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::Object(Arc::new(value))
            }
        }
    };
}

fn plan_size(plan: &PlanValue) -> usize {
    plan.plan.groups.iter().map(|g| g.values.len() * 300).sum::<usize>() + 1000
}

object!(PlanValue, names::TRAIT_PLAN, size: plan_size, content: |_| None);
object!(
    AssignmentValue,
    names::TRAIT_ASSIGNMENT,
    size: |v| plan_size(&v.plan) + v.assignment.len() * v.plan.plan.groups.len() * 4,
    content: |_| None
);
object!(
    Traits,
    names::TRAITS,
    size: |v| v.traits.len() * 400 + 200,
    content: |v| {
        let mut plain = v.clone();
        // Where a layer lies does not matter, what is in it does.
        plain.traits.iter_mut().filter_map(|t| t.layer.as_mut()).for_each(|l| l.path.clear());
        bytes(&plain)
    }
);
object!(RarityValue, names::RARITY, size: |v| v.items.len() * 120 + 100, content: bytes);

/// Says how these types are stored.
pub fn add_codecs(registry: &mut Registry) {
    registry.add_codec(
        names::TRAIT_PLAN,
        ObjectCodec {
            version: 1,
            encode: |o| bytes(&o.as_any().downcast_ref::<PlanValue>()?.stored()),
            decode: |version, bytes| {
                let stored = (version == 1).then(|| postcard::from_bytes(bytes).ok())??;
                Some(Arc::new(PlanValue::read(stored)?))
            },
        },
    );
    registry.add_codec(
        names::TRAIT_ASSIGNMENT,
        ObjectCodec {
            version: 1,
            encode: |o| {
                let value = o.as_any().downcast_ref::<AssignmentValue>()?;
                let slot = |v: Option<usize>| v.and_then(|v| u32::try_from(v + 1).ok()).unwrap_or(0);
                let items = (0..value.assignment.len())
                    .map(|item| value.assignment.item(item).into_iter().map(slot).collect())
                    .collect();
                bytes(&StoredAssignment { plan: value.plan.stored(), items, hands: value.hands.clone() })
            },
            decode: |version, bytes| {
                let stored: StoredAssignment = (version == 1).then(|| postcard::from_bytes(bytes).ok())??;
                let plan = PlanValue::read(stored.plan)?;
                let back = |slot: &u32| slot.checked_sub(1).map(|v| v as usize);
                let items: Vec<Vec<Option<usize>>> =
                    stored.items.iter().map(|item| item.iter().map(back).collect()).collect();
                let assignment = Assignment::from_items(&plan.plan, &items).ok()?;
                Some(Arc::new(AssignmentValue { plan: Arc::new(plan), assignment, hands: stored.hands }))
            },
        },
    );
    registry.add_codec(
        names::TRAITS,
        ObjectCodec {
            version: 1,
            encode: |o| bytes(o.as_any().downcast_ref::<Traits>()?),
            decode: |version, bytes| {
                let value: Traits = (version == 1).then(|| postcard::from_bytes(bytes).ok())??;
                Some(Arc::new(value))
            },
        },
    );
    registry.add_codec(
        names::RARITY,
        ObjectCodec {
            version: 1,
            encode: |o| bytes(o.as_any().downcast_ref::<RarityValue>()?),
            decode: |version, bytes| {
                let value: RarityValue = (version == 1).then(|| postcard::from_bytes(bytes).ok())??;
                Some(Arc::new(value))
            },
        },
    );
}

/// A value of this family that comes in; it is shared, not copied.
pub(crate) struct Taken<T>(Arc<dyn Object>, std::marker::PhantomData<T>);

impl<T: 'static> std::ops::Deref for Taken<T> {
    type Target = T;
    fn deref(&self) -> &T {
        match self.0.as_any().downcast_ref::<T>() {
            Some(value) => value,
            // Looked at when it was taken.
            None => unreachable!("the type was checked"),
        }
    }
}

/// Takes an input of this family.
///
/// # Errors
/// When it is not linked, or holds another type.
pub(crate) fn take<T: 'static>(cx: &Cx<'_>, input: &str) -> Result<Taken<T>, NodeError> {
    taken(cx.object(input)?, input)
}

/// The same of a value.
///
/// # Errors
/// When it is of another type.
pub(crate) fn taken<T: 'static>(object: Arc<dyn Object>, input: &str) -> Result<Taken<T>, NodeError> {
    if object.as_any().is::<T>() {
        Ok(Taken(object, std::marker::PhantomData))
    } else {
        Err(NodeError::new(format!("{input:?} got a value of type {}", object.type_name()))
            .at(input.to_owned()))
    }
}
