//! The whole collection's document.

use super::token::text;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The metadata of a whole collection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    /// The collection's name.
    pub name: String,
    /// A short name of capitals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// A text about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// A wide picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub banner_image: Option<String>,
    /// A picture for lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub featured_image: Option<String>,
    /// A page about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_link: Option<String>,
    /// Accounts that may change it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collaborators: Vec<String>,
    /// What creators get of a sale, in hundredths of a percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seller_fee_basis_points: Option<u32>,
    /// Who gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_recipient: Option<String>,
    /// What marketplaces do not read, but people may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<CollectionProperties>,
}

/// What marketplaces do not read, but people may.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CollectionProperties {
    /// How many tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The provenance hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<String>,
    /// The Merkle root over all tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merkle_root: Option<String>,
    /// The hash of the assignment of traits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Whatever else somebody wants to say.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl Collection {
    /// The document as a JSON value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The document as the text of a file: always the same bytes for the same content.
    #[must_use]
    pub fn to_text(&self) -> String {
        text(self)
    }
}
