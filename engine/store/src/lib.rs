//! Everything durable.
//!
//! Rooms, from the ground up: [`disk`] is the only door to files that matter; [`cache`] keeps values by
//! key; [`files`] remembers the hashes of files; [`folder`] is an output folder with its database, in
//! which live the [`journal`] of effects, the job [`queue`], the log of [`ordered`] gates, what people are
//! asked and answer ([`reviews`]), what gates said ([`verdicts`]) and the records of [`runs`]; beside it lies
//! a [`shelf`] of small pictures. Nothing here knows a node or a graph: things are named by keys, ids and item numbers.
//!
//! No module reads a clock: the caller passes `now`, so that a test can be at any time it likes. (One
//! exception, in its place: a [`disk::Disk`] knows the time its own file stamps are written in.)

pub mod blobs;
pub mod cache;
pub mod conformance;
mod db;
pub mod disk;
mod entry;
mod error;
pub mod faults;
pub mod files;
pub mod folder;
pub mod journal;
pub mod memory_queue;
mod millis;
pub mod ordered;
pub mod place;
pub mod presence;
pub mod queue;
pub mod reviews;
pub mod runs;
mod schema;
pub mod shelf;
pub mod sqlite_queue;
pub mod verdicts;

pub use blobs::Blobs;
pub use cache::{CacheStats, Collected, DiskCache, Stored};
pub use disk::{Disk, Durability, RealDisk};
pub use error::StoreError;
pub use files::FileHashes;
pub use folder::Folder;
pub use journal::{Claimed, EffectState, Entry, Filter, Intended, IntentRecord, Journal};
pub use memory_queue::MemoryQueue;
pub use millis::Millis;
pub use ordered::{OrderedLog, Prefix, Recorded};
pub use place::{Attempt, Place};
pub use presence::Presence;
pub use queue::{BatchSpec, Counts, Items, JobRow, JobState, Lease, Mode, Opened, Outcome, Queue};
pub use reviews::{Answer, Asked, Question, Reviews, Took, Word};
pub use runs::{ItemEvent, NodeStat, RunRecord, RunStart, RunSummary, Runs};
pub use shelf::{Shelf, Thumb};
pub use sqlite_queue::SqliteQueue;
pub use verdicts::{Found, GateCounts, Judged, Verdicts};
