//! The document, from outside: what is read, written, refused, migrated and edited.

#![allow(missing_docs)]

mod arbitrary;
mod comments;
mod corpus;
mod edit;
mod errors;
mod fixtures;
mod layout;
mod limits;
mod links;
mod migrate;
mod places;
mod referee;
mod roundtrip;
