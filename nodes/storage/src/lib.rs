//! Where results are kept under the name of their content.
//!
//! - [`BlockStore`]: blocks and pins below the output folder, the default place. Whatever is pinned elsewhere is here
//!   as well, and is what others are held against.
//! - [`Kubo`]: a node with Kubo's RPC. The CAR file is made here and imported there, so that no default of the node has
//!   a say in the name.
//! - [`Service`]: a pinning service (IPFS Pinning Service API).
//! - [`read_back`]: fetches files again, from a node or a gateway, and compares them with what was made.
//! - [`Pinned`]: the proof of it, a value on a wire. Only a place that gave the bytes back makes one, so whoever mints
//!   can ask for it.
//! - [`nodes`]: ContentId, PinFile, PinFolder, PinTokens.

mod address;
mod error;
mod files;
mod kubo;
mod nodes;
mod proof;
mod readback;
mod service;
mod store;
mod wire;

pub use address::base_address;
pub use error::StorageError;
pub use files::files_below;
pub use kubo::Kubo;
pub use nodes::{Leaf, Png, add_codecs, leaves, nodes};
pub use proof::{PINNED, Pinned, PinnedError};
pub use readback::{From, Sample, read_back};
pub use service::{Remote, Service, State};
pub use store::{BlockStore, Checked, Collected, Hold, Keeping, Pin};
pub use wire::{Patience, Wire};
