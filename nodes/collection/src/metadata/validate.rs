//! Documents held against their schemas: which token, which field, what is wrong.

use super::Token;
use super::schema::Schema;
use serde_json::Value;
use std::fmt;
use std::sync::LazyLock;

/// The schema of a token's document.
pub const TOKEN_SCHEMA: &str = include_str!("../../schema/token.schema.json");
/// The schema of a collection's document.
pub const COLLECTION_SCHEMA: &str = include_str!("../../schema/collection.schema.json");

static TOKEN: LazyLock<Result<Schema, String>> = LazyLock::new(|| Schema::new(TOKEN_SCHEMA));
static COLLECTION: LazyLock<Result<Schema, String>> = LazyLock::new(|| Schema::new(COLLECTION_SCHEMA));

/// Something wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which field: `attributes[2].value`; empty for the whole document.
    pub field: String,
    /// What is wrong with it.
    pub what: String,
}

impl Fault {
    pub(super) fn new(field: &str, what: impl Into<String>) -> Self {
        Self { field: field.to_owned(), what: what.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.what)
        } else {
            write!(f, "{}: {}", self.field, self.what)
        }
    }
}

/// Why a document is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// It is not JSON.
    #[error("{}: it is not JSON: {what}", whose(.token))]
    Json {
        /// The token's number; `None` for the collection.
        token: Option<u64>,
        /// What the reader says.
        what: String,
    },
    /// Fields are wrong.
    #[error("{}: {}", whose(.token), faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Fields {
        /// The token's number; `None` for the collection.
        token: Option<u64>,
        /// What is wrong.
        faults: Vec<Fault>,
    },
}

fn whose(token: &Option<u64>) -> String {
    token.map_or_else(|| "the collection".to_owned(), |token| format!("token {token}"))
}

/// Holds a token's document against the schema.
///
/// # Errors
/// Every field that is wrong.
pub fn check_token(token: u64, document: &Value) -> Result<(), MetadataError> {
    let mut faults = ask(&TOKEN, document);
    // What the schema cannot say: one trait of a sort.
    let mut seen: Vec<&str> = Vec::new();
    for (at, attribute) in
        document.get("attributes").and_then(Value::as_array).into_iter().flatten().enumerate()
    {
        let Some(name) = attribute.get("trait_type").and_then(Value::as_str) else { continue };
        if seen.contains(&name) {
            faults.push(Fault::new(
                &format!("attributes[{at}].trait_type"),
                format!("`{name}` stands there twice"),
            ));
        }
        // A token has a handful of traits; a hostile file is not compared to the end of time.
        if seen.len() < 1000 {
            seen.push(name);
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(MetadataError::Fields { token: Some(token), faults }) }
}

/// Holds a collection's document against the schema.
///
/// # Errors
/// Every field that is wrong.
pub fn check_collection(document: &Value) -> Result<(), MetadataError> {
    let faults = ask(&COLLECTION, document);
    if faults.is_empty() { Ok(()) } else { Err(MetadataError::Fields { token: None, faults }) }
}

fn ask(schema: &Result<Schema, String>, document: &Value) -> Vec<Fault> {
    match schema {
        Ok(schema) => schema.check(document),
        // The schemas are part of this crate and read in its tests.
        Err(what) => vec![Fault::new("", format!("the schema cannot be read: {what}"))],
    }
}

/// Reads a token's document and checks it.
///
/// # Errors
/// It is not JSON, or fields are wrong.
pub fn read_token(token: u64, text: &[u8]) -> Result<Token, MetadataError> {
    let json = |error: serde_json::Error| MetadataError::Json { token: Some(token), what: error.to_string() };
    let document: Value = serde_json::from_slice(text).map_err(json)?;
    check_token(token, &document)?;
    serde_json::from_value(document).map_err(json)
}
