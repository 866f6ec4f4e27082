//! One token's document.

use crate::assign::Assignment;
use crate::plan::{Group, Plan, TraitValue};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The metadata of one token.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The token's name.
    pub name: String,
    /// A text about the token.
    pub description: String,
    /// Where the picture is.
    pub image: String,
    /// A page about the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_url: Option<String>,
    /// A film, sound or page that belongs to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub animation_url: Option<String>,
    /// Six hexadecimal digits, without `#`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background_color: Option<String>,
    /// The traits.
    pub attributes: Vec<Attribute>,
    /// What marketplaces do not read, but people may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Properties>,
}

/// A trait as marketplaces show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// Of which sort; a value without one is a property of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trait_type: Option<String>,
    /// How a number is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_type: Option<Display>,
    /// The value.
    pub value: AttributeValue,
    /// The largest value there can be.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "short_if_any")]
    pub max_value: Option<f64>,
}

/// A text or a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// A whole number.
    Int(i64),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

/// How a number is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Display {
    /// As a number.
    Number,
    /// As a gain.
    BoostNumber,
    /// As a gain in percent.
    BoostPercentage,
    /// As a day; the value is in seconds since 1970.
    Date,
}

impl Attribute {
    /// A trait in words.
    #[must_use]
    pub fn text(trait_type: impl Into<String>, value: impl Into<String>) -> Self {
        let value = AttributeValue::Text(value.into());
        Self { trait_type: Some(trait_type.into()), display_type: None, value, max_value: None }
    }

    /// A trait as a number, shown in a way of its own.
    #[must_use]
    pub fn number(trait_type: impl Into<String>, value: f64, display: Option<Display>) -> Self {
        let whole = value as i64;
        let value =
            if whole as f64 == value { AttributeValue::Int(whole) } else { AttributeValue::Number(value) };
        Self { trait_type: Some(trait_type.into()), display_type: display, value, max_value: None }
    }

    /// The same with the largest value there can be.
    #[must_use]
    pub fn at_most(mut self, max_value: f64) -> Self {
        self.max_value = Some(max_value);
        self
    }
}

/// What marketplaces do not read, but people may.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Properties {
    /// The tier's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// The token's files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    /// How the picture was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<Generation>,
    /// Whatever else somebody wants to say.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

/// One of a token's files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Where it is.
    pub uri: String,
    /// Its media type.
    pub r#type: String,
    /// Its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// How a picture was made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    /// The prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The negative prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative: Option<String>,
    /// The seed, as text: JavaScript loses the end of large numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// The sampler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampler: Option<String>,
    /// The schedule of noise levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<String>,
    /// How many steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// How strongly the prompt guides.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "short_if_any")]
    pub cfg: Option<f64>,
    /// How wide the picture was made, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// How high the picture was made, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// The models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelUse>,
    /// The LoRAs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<LoraUse>,
    /// The engine and its version.
    pub engine: String,
    /// Which attempt was accepted, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The score at each gate.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub gates: IndexMap<String, f64>,
    /// The picture's key: the hash of everything it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// What it takes to make the picture again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remake: Option<Remake>,
}

/// What it takes to make a picture again, bit for bit, beside the engine and the models.
///
/// The graph itself is not here: every picture carries it, and a sealed collection has a copy in `provenance/graph.ron`.
/// This says which item of it the token is, and what is to come out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remake {
    /// blake3 of the graph's text as it ran for this item, settings made: the text that rides along in its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<String>,
    /// The item's number in its batch, from 0; none for what was made without items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<u64>,
    /// How many items the batch had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// The item's row, where the batch came from a table.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub row: IndexMap<String, String>,
    /// Parameters that differ from the collection's graph for this token, by `node.parameter`, as a graph writes them:
    /// what a redo or a next version set.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub set: IndexMap<String, String>,
    /// The picture's file, below the output folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// SHA-256 of the picture's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The hash of the picture's pixels ([`seal::pixels`](crate::seal::pixels)), which stays when words in the file change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<String>,
}

/// A model that took part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelUse {
    /// The file's name.
    pub name: String,
    /// The file's digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// A LoRA that took part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoraUse {
    /// The file's name.
    pub name: String,
    /// The file's digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// How strongly.
    #[serde(serialize_with = "short")]
    pub strength: f64,
}

impl Token {
    /// The document as a JSON value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        // Numbers that JSON has no word for become `null`, which the check then names.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The document as the text of a file: always the same bytes for the same content.
    #[must_use]
    pub fn to_text(&self) -> String {
        text(self)
    }
}

/// A whole number without `.0`, as other programs write it.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn short<S: serde::Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
    // Up to 2^53 every whole number is one.
    let whole = *number as i64;
    if whole as f64 == *number && whole.unsigned_abs() <= 1 << 53 {
        to.serialize_i64(whole)
    } else {
        to.serialize_f64(*number)
    }
}

#[allow(clippy::ref_option, reason = "serde passes a reference")]
fn short_if_any<S: serde::Serializer>(number: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => short(number, to),
        None => to.serialize_none(),
    }
}

/// Indented text with a line break at its end.
pub(super) fn text(document: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}

/// An item's traits as attributes, in the plan's order and with the names that collectors see.
#[must_use]
pub fn attributes(plan: &Plan, assignment: &Assignment, item: usize) -> Vec<Attribute> {
    let values = assignment.item(item).into_iter();
    let one = |(group, value): (&Group, Option<usize>)| attribute(group, group.values.get(value?)?);
    plan.groups.iter().zip(values).filter_map(one).collect()
}

/// A value of a group as an attribute: a number where the group says so. `None` for groups that are hidden.
#[must_use]
pub fn attribute(group: &Group, value: &TraitValue) -> Option<Attribute> {
    if group.hidden {
        return None;
    }
    let number = value.number().filter(|_| group.display.is_some() || group.max_value.is_some());
    Some(match number {
        Some(number) => Attribute {
            max_value: group.max_value,
            ..Attribute::number(group.shown(), number, group.display)
        },
        None => Attribute::text(group.shown(), value.shown()),
    })
}
