//! What can go wrong where results are kept.

use kiln_cid::CidError;
use kiln_core::NodeError;
use kiln_store::StoreError;

/// Why something could not be kept or given back; a person reads it.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// A name, a block or a file.
    #[error(transparent)]
    Cid(#[from] CidError),
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// What is written of a pin.
    #[error("{path} is no pin: {what}")]
    Pin {
        /// Which file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
}

impl From<StorageError> for NodeError {
    fn from(e: StorageError) -> Self {
        let hint = match &e {
            StorageError::Cid(CidError::Missing { .. } | CidError::Wrong { .. }) => {
                Some("run again: what is missing is made again")
            }
            StorageError::Pin { .. } => Some("remove the file and run again"),
            _ => None,
        };
        let said = Self::new(e);
        match hint {
            Some(hint) => said.hint(hint),
            None => said,
        }
    }
}

/// An error of names and blocks, as a node tells it.
pub(crate) fn cid_said(e: CidError) -> NodeError {
    StorageError::Cid(e).into()
}
