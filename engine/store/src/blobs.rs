//! Values by key, wherever they are kept.

use kiln_types::Key;

use crate::cache::Stored;
use crate::error::StoreError;

/// A place that keeps values by key. Machines that share no folder share one of these.
pub trait Blobs: Send + Sync {
    /// The value of this name, if it is kept here whole.
    fn get(&self, key: &Key) -> Result<Option<Stored>, StoreError>;

    /// Keeps a value. One name has one value, so keeping it twice is harmless.
    fn put(&self, key: &Key, type_name: &str, encoding: u32, bytes: &[u8]) -> Result<(), StoreError>;

    /// Whether a value of this name seems to be here; only [`Blobs::get`] says whether it is whole.
    fn contains(&self, key: &Key) -> bool;
}
