//! IPFS content addressing: what a file or a folder is called by what is in it.
//!
//! Plain functions that know no engine and no network:
//!
//! 1. [`Cid`] is the name of a block: what it is read as, and the SHA-256 of its bytes.
//! 2. [`FileBuilder`] cuts a file into blocks while it streams by, [`folder`] and [`Tree`] make folders of them; a
//!    [`Profile`] says how, so that everybody who follows it gets the same name for the same bytes.
//! 3. Blocks go into a [`Sink`] and come out of a [`Source`]; [`Memory`] is both.
//! 4. [`read_file`], [`list`] and [`find`] read files and folders back and believe nothing: every block has to have the
//!    hash it is asked by, every size has to be what was said, and depth and lengths have bounds.
//! 5. [`Walk`] visits all blocks below one, and [`car`] packs them into a CAR file and takes them out again.
//!
//! ```
//! use kiln_cid::{Discard, Profile, add_bytes};
//! let made = add_bytes(Profile::V1, b"hello world", &mut Discard)?;
//! assert_eq!(made.cid.to_string(), "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e");
//! # Ok::<(), kiln_cid::CidError>(())
//! ```

mod base;
mod block;
pub mod car;
mod cid;
mod disk;
mod error;
mod file;
mod folder;
mod hamt;
mod murmur;
mod node;
mod profile;
mod read;
mod tree;
mod unixfs;
mod varint;
mod walk;

pub use block::{Discard, MAX_BLOCK, Memory, Sink, Source, fetch};
pub use cid::{Cid, Codec};
pub use disk::{add_path, add_reader};
pub use error::CidError;
pub use file::{FileBuilder, Made, add_bytes};
pub use folder::{Entry, check_name, folder};
pub use profile::Profile;
pub use read::{Found, What, find, list, look, read_file};
pub use tree::Tree;
pub use walk::Walk;
