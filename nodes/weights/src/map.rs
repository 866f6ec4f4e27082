//! Bytes of a file where they lie: a read-only memory mapping, and spans of it that keep it alive.
//!
//! A mapping reads the file when its bytes are touched, not when it is opened. If somebody makes the file
//! shorter while it is mapped, touching the lost part ends the process (SIGBUS on Unix; Windows does not
//! let a mapped file be shortened), and if somebody writes into it, the bytes change under the reader.
//! No program can prevent that for files it does not own; downloads and savers that write beside and
//! rename, as all common ones do, are safe: the old file lives on until it is unmapped. What can be done is
//! done: only plain files are mapped, the length is compared before and after mapping, and
//! [`Mapping::intact`] compares it again whenever a caller is about to read much.
#![allow(unsafe_code, reason = "mapping a file and letting its pages go are calls the system cannot check")]

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

use crate::error::WeightError;

/// A whole file, mapped.
pub(crate) struct Mapping {
    map: Mmap,
    file: File,
    path: Arc<Path>,
}

impl Mapping {
    /// Maps `path`. Folders, pipes and devices are refused, as is an empty file.
    pub(crate) fn open(path: &Path) -> Result<Arc<Self>, WeightError> {
        let io = |source| WeightError::io(path, source);
        // Looked at before it is opened: opening a pipe would wait for its other end.
        let kind = std::fs::metadata(path).map_err(io)?;
        if kind.is_dir() {
            return Err(WeightError::not_weights(path, "a folder", "choose the file inside it"));
        }
        if !kind.is_file() {
            return Err(WeightError::not_weights(path, "not a plain file", "copy it to a file first"));
        }
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        if length == 0 {
            return Err(WeightError::not_weights(path, "an empty file", "download it again"));
        }
        // SAFETY: the mapping is read-only and lives as long as every slice of it. That nobody shortens or
        // rewrites the file is the one thing that cannot be checked; see the module's words.
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        let mapping = Self { map, file, path: path.into() };
        mapping.intact()?;
        Ok(Arc::new(mapping))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }

    pub(crate) fn path(&self) -> &Arc<Path> {
        &self.path
    }

    /// An error if the file has another length than when it was mapped.
    pub(crate) fn intact(&self) -> Result<(), WeightError> {
        let now = self.file.metadata().map_err(|source| WeightError::io(&self.path, source))?.len();
        if now == self.map.len() as u64 {
            return Ok(());
        }
        let what = format!(
            "it had {} bytes when it was opened and has {now} now; wait until it is written, then try again",
            self.map.len()
        );
        Err(WeightError::refused(&self.path, what))
    }

    /// Asks the system to read these bytes ahead. A hint: nothing happens where it is not known.
    fn prefetch(&self, range: &Range<usize>) {
        #[cfg(unix)]
        let _ = self.map.advise_range(memmap2::Advice::WillNeed, range.start, range.len());
        #[cfg(not(unix))]
        let _ = range;
    }

    /// Lets go of the memory these bytes take in this process; touching them again reads the file again.
    fn release(&self, range: &Range<usize>) {
        #[cfg(unix)]
        {
            // SAFETY: the mapping is shared and read-only, so its pages hold nothing but what the file
            // holds: a page that is dropped comes back with the same bytes when it is touched, even while
            // slices of it are borrowed.
            let _ = unsafe {
                self.map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, range.start, range.len())
            };
        }
        #[cfg(not(unix))]
        let _ = range;
    }
}

/// Bytes held in memory because they do not lie in the file as they are wanted.
pub(crate) struct Owned(pub(crate) Vec<u8>);

/// A stretch of bytes and what keeps them alive. The range was checked when it was made.
#[derive(Clone)]
pub(crate) enum Span {
    /// In a mapped file.
    Mapped(Arc<Mapping>, Range<usize>),
    /// In memory.
    Owned(Arc<Owned>, Range<usize>),
}

impl Span {
    /// A stretch of a mapped file, if it lies inside.
    pub(crate) fn mapped(mapping: &Arc<Mapping>, range: Range<usize>) -> Option<Self> {
        mapping.bytes().get(range.clone())?;
        Some(Self::Mapped(Arc::clone(mapping), range))
    }

    pub(crate) fn owned(bytes: Vec<u8>) -> Self {
        let range = 0..bytes.len();
        Self::Owned(Arc::new(Owned(bytes)), range)
    }

    /// A stretch of this stretch, if it lies inside.
    pub(crate) fn within(&self, range: Range<usize>) -> Option<Self> {
        self.bytes().get(range.clone())?;
        Some(match self {
            Self::Mapped(map, outer) => {
                Self::Mapped(Arc::clone(map), outer.start + range.start..outer.start + range.end)
            }
            Self::Owned(bytes, outer) => {
                Self::Owned(Arc::clone(bytes), outer.start + range.start..outer.start + range.end)
            }
        })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // The range is inside, so the empty slice is never given.
        match self {
            Self::Mapped(map, range) => map.bytes().get(range.clone()).unwrap_or_default(),
            Self::Owned(bytes, range) => bytes.0.get(range.clone()).unwrap_or_default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Mapped(_, range) | Self::Owned(_, range) => range.len(),
        }
    }

    pub(crate) fn mapping(&self) -> Option<&Arc<Mapping>> {
        match self {
            Self::Mapped(map, _) => Some(map),
            Self::Owned(..) => None,
        }
    }

    pub(crate) fn prefetch(&self) {
        if let Self::Mapped(map, range) = self {
            map.prefetch(range);
        }
    }

    pub(crate) fn release(&self) {
        if let Self::Mapped(map, range) = self {
            map.release(range);
        }
    }
}
