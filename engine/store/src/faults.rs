//! A disk that fails on purpose. For tests.
//!
//! It works on real files, but remembers what has been synced and what has not. [`FaultyDisk::power_cut`]
//! then does to every unsynced content and name what a real power cut may do. Because it hooks into the
//! steps of [`crate::disk::write_atomic_with`], a forgotten sync shows up as a lost file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::disk::{Disk, Durability, Fill, Listed, Metadata, RealDisk, Steps, write_atomic_with};
use crate::error::StoreError;
use crate::millis::Millis;

/// How often each fault strikes, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// A write that reports success, though only a beginning landed (a lying disk).
    pub torn: u32,
    /// A write that reports success, though the content is zeros (a lying disk).
    pub lost: u32,
    /// A write that stops half way: the disk is full.
    pub full: u32,
    /// A write, a read or a sync that fails.
    pub io: u32,
    /// A rename that fails.
    pub rename: u32,
}

#[derive(Debug)]
struct State {
    chance: u64,
    faults: Faults,
    /// Files whose content is not synced.
    content: BTreeSet<PathBuf>,
    /// Names that are not synced, with what the disk has under each.
    names: BTreeMap<PathBuf, Option<Vec<u8>>>,
}

impl State {
    fn next(&mut self) -> u64 {
        // splitmix64: a repeatable run of chances from one seed.
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.chance;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn strikes(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.next() % 1000 < u64::from(per_mille)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % (n as u64).max(1)).unwrap_or(0)
    }

    /// Remembers what the disk has under a name before the name changes in memory only.
    fn unsync_name(&mut self, path: &Path) {
        if !self.names.contains_key(path) {
            self.names.insert(path.to_owned(), fs::read(path).ok());
        }
    }
}

/// A disk that injects faults by a seed.
#[derive(Debug)]
pub struct FaultyDisk {
    real: RealDisk,
    state: Mutex<State>,
}

impl FaultyDisk {
    /// The same seed and the same calls give the same faults.
    #[must_use]
    pub fn new(seed: u64, faults: Faults) -> Self {
        let state = State { chance: seed, faults, content: BTreeSet::new(), names: BTreeMap::new() };
        Self { real: RealDisk, state: Mutex::new(state) }
    }

    /// Changes how often faults strike.
    pub fn set_faults(&self, faults: Faults) {
        self.state.lock().faults = faults;
    }

    /// Loses what was not synced: each unsynced name may go back to what it was, and each unsynced content
    /// may be whole, empty, zeros, cut short, or noise.
    pub fn power_cut(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        for (path, before) in std::mem::take(&mut state.names) {
            if state.next().is_multiple_of(2) {
                continue;
            }
            match before {
                Some(bytes) => fs::write(&path, bytes)?,
                None if path.exists() => fs::remove_file(&path)?,
                None => {}
            }
        }
        for path in std::mem::take(&mut state.content) {
            let Ok(mut bytes) = fs::read(&path) else { continue };
            let n = state.below(bytes.len());
            match state.next() % 5 {
                0 => continue,
                1 => bytes.clear(),
                2 => bytes.fill(0),
                3 => bytes.truncate(n),
                _ => bytes[n..].fill(0xa5),
            }
            fs::write(&path, bytes)?;
        }
        Ok(())
    }
}

fn fault(kind: io::ErrorKind) -> io::Error {
    io::Error::new(kind, "injected fault")
}

impl Steps for FaultyDisk {
    fn create(&self, path: &Path, fill: &mut Fill<'_>) -> io::Result<()> {
        // Held at once, so that chance knows where to tear it: files of tests are small. `fill` may ask this disk for
        // something, so it comes before the lock.
        let mut bytes = Vec::new();
        fill(&mut bytes)?;
        let create = |bytes: &[u8]| self.real.create(path, &mut |sink| sink.write_all(bytes));
        let mut state = self.state.lock();
        state.unsync_name(path);
        state.content.insert(path.to_owned());
        let faults = state.faults;
        if state.strikes(faults.io) {
            return Err(fault(io::ErrorKind::Other));
        }
        let half = state.below(bytes.len());
        if state.strikes(faults.full) {
            create(&bytes[..half])?;
            return Err(fault(io::ErrorKind::StorageFull));
        }
        if state.strikes(faults.torn) {
            return create(&bytes[..half]);
        }
        if state.strikes(faults.lost) {
            return create(&vec![0; bytes.len()]);
        }
        create(&bytes)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let often = state.faults.io;
        if state.strikes(often) {
            return Err(fault(io::ErrorKind::Other));
        }
        state.content.remove(path);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let often = state.faults.rename;
        if state.strikes(often) {
            return Err(fault(io::ErrorKind::PermissionDenied));
        }
        state.unsync_name(from);
        state.unsync_name(to);
        self.real.rename(from, to)?;
        if state.content.remove(from) {
            state.content.insert(to.to_owned());
        } else {
            state.content.remove(to);
        }
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let often = state.faults.io;
        if state.strikes(often) {
            return Err(fault(io::ErrorKind::Other));
        }
        state.names.retain(|name, _| name.parent() != Some(path));
        Ok(())
    }

    fn discard(&self, path: &Path) {
        let mut state = self.state.lock();
        state.unsync_name(path);
        state.content.remove(path);
        self.real.discard(path);
    }
}

impl Disk for FaultyDisk {
    fn read(&self, path: &Path, max_bytes: u64) -> Result<Vec<u8>, StoreError> {
        let mut state = self.state.lock();
        let often = state.faults.io;
        if state.strikes(often) {
            return Err(StoreError::io(path, "read the file", fault(io::ErrorKind::Other)));
        }
        drop(state);
        self.real.read(path, max_bytes)
    }

    fn write_streamed(
        &self,
        scratch: &Path,
        path: &Path,
        fill: &mut Fill<'_>,
        durability: Durability,
    ) -> Result<(), StoreError> {
        write_atomic_with(self, scratch, path, fill, durability)
    }

    fn remove(&self, path: &Path) -> Result<bool, StoreError> {
        let mut state = self.state.lock();
        state.unsync_name(path);
        state.content.remove(path);
        self.real.remove(path)
    }

    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, StoreError> {
        self.real.metadata(path)
    }

    fn list(&self, folder: &Path) -> Result<Vec<Listed>, StoreError> {
        self.real.list(folder)
    }

    fn create_dirs(&self, path: &Path, durability: Durability) -> Result<(), StoreError> {
        self.real.create_dirs(path, durability)
    }

    fn touch(&self, path: &Path, at: Millis) {
        self.real.touch(path, at);
    }

    fn stamp_now(&self) -> Millis {
        self.real.stamp_now()
    }
}
