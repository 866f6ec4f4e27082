//! Token and collection metadata, as ERC-721 and the marketplaces read it.
//!
//! [`Token`] and [`Collection`] are the documents; [`Template`] makes names and descriptions; [`check_token`] and
//! [`check_collection`] hold any JSON against the schemas in `schema/` and say which field of which token is wrong.
//!
//! A document is written in two ways: [`Token::to_text`] for files (the same fields in the same order, indented, always
//! the same bytes for the same content), and [`canonical`](crate::canonical::canonical) for hashes.

mod collection;
mod schema;
mod template;
mod token;
mod validate;

pub use collection::{Collection, CollectionProperties};
pub use schema::JsonSchema;
pub use template::{Context, PLACES, Template, TemplateError};
pub use token::{
    Attribute, AttributeValue, Display, File, Generation, LoraUse, ModelUse, Properties, Remake, Token,
    attribute, attributes,
};
pub use validate::{
    COLLECTION_SCHEMA, Fault, MetadataError, TOKEN_SCHEMA, check_collection, check_token, read_token,
};
