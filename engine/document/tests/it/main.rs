//! The document, from outside: what is read, written, refused, migrated and edited.

// A test that fails panics; the lint sees that in test functions only, and not in their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

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
