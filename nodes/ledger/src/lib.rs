//! Transactions exactly once, and only those that are allowed. Plain data and decisions: no network, no keys.
//!
//! - [`log`]: a file of lines that survives a crash; what was half written is dropped.
//! - [`book`]: what was intended, sent, mined and settled for one account of one chain, kept in such a log.
//! - [`next`]: what to do next about one transaction, from the book and from what the chain says. A pure function.
//! - [`drive`]: does it, through a [`drive::World`], until everything that was wanted is on the chain for good.
//! - [`policy`]: what may be signed, and how much of it in a day.

pub mod book;
pub mod drive;
pub mod hex;
pub mod log;
pub mod next;
pub mod policy;

pub use book::{Attempt, Book, Generation, Hash, Landed, Order, Record};
pub use drive::{Call, Job, Rules, Sent, Trouble, View, World};
pub use log::{Log, LogError};
pub use policy::{Asked, Counters, Policy, Refusal};

/// An account or a contract.
pub type Address = [u8; 20];
