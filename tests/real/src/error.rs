//! What can be wrong with a pair of ncnn files.

use std::io;
use std::path::PathBuf;

use kiln_weights::WeightError;

/// Why ncnn's files could not be converted: which file, which layer, what was wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NcnnError {
    /// The operating system refused.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file larger than any of its kind.
    #[error("{} is refused: it has {bytes} bytes, and {most} are the most", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// Its length.
        bytes: u64,
        /// The bound.
        most: u64,
    },
    /// A line of the `.param` file cannot be understood.
    #[error("{} line {line}: {what}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// The network is none of those whose names are known.
    #[error("{} is {what}; RRDBNet (Real-ESRGAN) and SRVGG (animevideov3) can be converted", file.display())]
    Unknown {
        /// The file.
        file: PathBuf,
        /// What it is.
        what: String,
    },
    /// The `.bin` file does not hold what the `.param` file promises.
    #[error("{}, layer {layer}: {what}; do the two files belong together?", file.display())]
    Bin {
        /// The file.
        file: PathBuf,
        /// The layer's name in the `.param` file.
        layer: String,
        /// What is wrong.
        what: String,
    },
    /// The weights could not be written.
    #[error(transparent)]
    Write(#[from] WeightError),
}
