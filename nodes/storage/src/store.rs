//! Blocks on disk, below an output folder: `ipfs/blocks`, `ipfs/pins`.
//!
//! Any number of processes may share it. A block is written beside its place and renamed, so a kill leaves no half
//! block; every block read is held against its name all the same. The folder of blocks has the layout of Kubo's own
//! (`flatfs`, `next-to-last/2`), so that other programs can read it.
//!
//! A *pin* says that all blocks below a root are kept. It is written when they are all there, checked and synced. Who
//! puts blocks takes a [`Hold`] first and keeps it until the pin is written: while there is one, nothing is collected.

use crate::error::StorageError;
use kiln_cid::{Cid, CidError, MAX_BLOCK, Sink, Source, Walk, What, look, read_file};
use kiln_store::{Disk, Durability, StoreError};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// No folder or file has more blocks.
pub(crate) const MOST_BLOCKS: usize = 50_000_000;
/// The layout of the folder of blocks, as Kubo writes it down.
const LAYOUT: &str = "/repo/flatfs/shard/v1/next-to-last/2\n";

/// A pin: what is kept, and where else it was put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The root, as the node that made it calls it.
    pub cid: String,
    /// What a person calls it.
    pub name: String,
    /// Whether it is a folder.
    pub folder: bool,
    /// How many bytes its files have.
    pub bytes: u64,
    /// How many blocks it has.
    pub blocks: u64,
    /// The places that keep it as well, and gave it back: addresses.
    #[serde(default)]
    pub places: Vec<String>,
}

/// While one is held, nothing is collected.
pub struct Hold {
    _file: File,
}

/// What collecting came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blocks that a pin keeps.
    pub kept: u64,
    /// Blocks removed.
    pub removed: u64,
    /// Their bytes.
    pub freed: u64,
}

/// What looking at every block of a pin came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The pin.
    pub pin: Pin,
    /// How many blocks were looked at.
    pub blocks: u64,
    /// What is wrong, if anything is.
    pub fault: Option<String>,
}

/// Blocks on disk.
#[derive(Clone)]
pub struct BlockStore {
    root: PathBuf,
    disk: Arc<dyn Disk>,
}

impl BlockStore {
    /// The blocks below an output folder; made if there are none yet.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(out: &Path, disk: Arc<dyn Disk>) -> Result<Self, StorageError> {
        let store = Self { root: out.join("ipfs"), disk };
        for folder in ["blocks/.temp", "pins"] {
            store.disk.create_dirs(&store.root.join(folder), Durability::Durable)?;
        }
        let layout = store.blocks().join("SHARDING");
        if !store.disk.exists(&layout) {
            store.disk.write_atomic_by(&store.scratch(), &layout, LAYOUT.as_bytes(), Durability::Durable)?;
        }
        let _ = kiln_store::disk::remove_stale(&*store.disk, &store.scratch(), store.disk.stamp_now());
        Ok(store)
    }

    /// The blocks below an output folder, if there are any; nothing is made.
    #[must_use]
    pub fn existing(out: &Path, disk: Arc<dyn Disk>) -> Option<Self> {
        let root = out.join("ipfs");
        root.join("blocks").is_dir().then_some(Self { root, disk })
    }

    fn blocks(&self) -> PathBuf {
        self.root.join("blocks")
    }

    fn scratch(&self) -> PathBuf {
        self.root.join("blocks").join(".temp")
    }

    fn place(&self, cid: &Cid) -> PathBuf {
        let name = cid.hash_name();
        let shard = name.get(name.len().saturating_sub(3)..name.len() - 1).unwrap_or("_");
        self.blocks().join(shard).join(format!("{name}.data"))
    }

    fn pin_place(&self, cid: &Cid) -> PathBuf {
        self.root.join("pins").join(format!("{}.json", cid.to_v1()))
    }

    /// Keeps collectors out until it is dropped. Waits for one that is at it.
    ///
    /// # Errors
    /// When the lock cannot be taken.
    pub fn hold(&self) -> Result<Hold, StorageError> {
        self.lock("lock", false)
    }

    fn lock(&self, name: &str, alone: bool) -> Result<Hold, StorageError> {
        let path = self.root.join(name);
        let said = |e| StorageError::Io { path: path.display().to_string(), source: e };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(said)?;
        if alone { file.lock() } else { file.lock_shared() }.map_err(said)?;
        Ok(Hold { _file: file })
    }

    /// Keeps a block that has the hash of its name. One that is there already is only written again if it was damaged.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep(&self, cid: &Cid, bytes: &[u8]) -> Result<(), StorageError> {
        let place = self.place(cid);
        if self.disk.read(&place, MAX_BLOCK as u64).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        let write = || self.disk.write_atomic_by(&self.scratch(), &place, bytes, Durability::Fast);
        // The folder of its letters is missing at first; somebody else may be about to make it.
        if let (Err(_), Some(parent)) = (write(), place.parent()) {
            self.disk.create_dirs(parent, Durability::Fast)?;
            write()?;
        }
        Ok(())
    }

    /// Says that all below a root is kept: looks at every block first and has them all on the disk.
    ///
    /// # Errors
    /// When a block is missing or wrong, or the disk refuses.
    pub fn pin(&self, root: &Cid, name: &str, bytes: u64) -> Result<Pin, StorageError> {
        let mut walk = Walk::new(self, *root, MOST_BLOCKS);
        let mut blocks = 0;
        while walk.step()?.is_some() {
            blocks += 1;
        }
        self.sync(walk.seen())?;
        let folder = look(self, root)?.what == What::Folder;
        let _alone = self.lock("pins.lock", true)?;
        let places = self.pinned(root)?.map(|p| p.places).unwrap_or_default();
        let pin = Pin { cid: root.to_string(), name: name.to_owned(), folder, bytes, blocks, places };
        self.write(root, &pin)?;
        Ok(pin)
    }

    fn write(&self, root: &Cid, pin: &Pin) -> Result<(), StorageError> {
        let text = serde_json::to_string_pretty(pin).unwrap_or_default() + "\n";
        let place = self.pin_place(root);
        Ok(self.disk.write_atomic_by(&self.scratch(), &place, text.as_bytes(), Durability::Durable)?)
    }

    /// Notes another place that keeps a pin and gave it back.
    ///
    /// # Errors
    /// When there is no such pin, or the disk refuses.
    pub fn note(&self, root: &Cid, place: &str) -> Result<(), StorageError> {
        let _alone = self.lock("pins.lock", true)?;
        let mut pin = self.pinned(root)?.ok_or(StorageError::Cid(CidError::Missing { cid: *root }))?;
        if !pin.places.iter().any(|p| p == place) {
            pin.places.push(place.to_owned());
            self.write(root, &pin)?;
        }
        Ok(())
    }

    /// Has blocks, and their names, on the disk before a pin speaks of them.
    #[cfg(target_os = "linux")]
    fn sync(&self, _: &std::collections::BTreeSet<[u8; 32]>) -> Result<(), StorageError> {
        let path = self.blocks();
        let said = |e: std::io::Error| StorageError::Io { path: path.display().to_string(), source: e };
        // All at once: a folder of ten thousand files would wait for the disk ten thousand times otherwise.
        let folder = File::open(&path).map_err(said)?;
        rustix::fs::syncfs(&folder).map_err(|e| said(e.into()))
    }

    #[cfg(not(target_os = "linux"))]
    fn sync(&self, blocks: &std::collections::BTreeSet<[u8; 32]>) -> Result<(), StorageError> {
        for digest in blocks {
            let place = self.place(&Cid::new(kiln_cid::Codec::Raw, *digest));
            let said = |e| StorageError::Io { path: place.display().to_string(), source: e };
            File::options().write(true).open(&place).and_then(|f| f.sync_all()).map_err(said)?;
        }
        Ok(())
    }

    /// The pin of a root, if it is pinned.
    ///
    /// # Errors
    /// When what is written of it cannot be read.
    pub fn pinned(&self, root: &Cid) -> Result<Option<Pin>, StorageError> {
        let place = self.pin_place(root);
        if !self.disk.exists(&place) {
            return Ok(None);
        }
        self.read(&place).map(Some)
    }

    fn read(&self, place: &Path) -> Result<Pin, StorageError> {
        let bytes = self.disk.read(place, 1 << 20)?;
        serde_json::from_slice(&bytes)
            .map_err(|e| StorageError::Pin { path: place.display().to_string(), what: e.to_string() })
    }

    /// Every pin, by name of the root.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn pins(&self) -> Result<Vec<Pin>, StorageError> {
        let files = self.disk.list(&self.root.join("pins"))?;
        files.iter().filter(|f| f.name.ends_with(".json")).map(|f| self.read(&f.path)).collect()
    }

    /// Takes a pin back; its blocks stay until they are collected. False if there was none.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn unpin(&self, root: &Cid) -> Result<bool, StorageError> {
        let _alone = self.lock("pins.lock", true)?;
        Ok(self.disk.remove(&self.pin_place(root))?)
    }

    /// Looks at every block of every pin, and at the files they make.
    ///
    /// # Errors
    /// When the pins cannot be read.
    pub fn check(&self, each: &mut dyn FnMut(&Checked)) -> Result<(), StorageError> {
        for pin in self.pins()? {
            let mut checked = Checked { pin, blocks: 0, fault: None };
            if let Err(e) = self.check_one(&mut checked) {
                checked.fault = Some(e.to_string());
            }
            each(&checked);
        }
        Ok(())
    }

    fn check_one(&self, checked: &mut Checked) -> Result<(), StorageError> {
        let root: Cid = checked.pin.cid.parse()?;
        let mut walk = Walk::new(self, root, MOST_BLOCKS);
        while walk.step()?.is_some() {
            checked.blocks += 1;
        }
        let mut bytes = 0;
        crate::files::files_below(self, &root, &mut |_, cid| {
            bytes += read_file(self, cid, u64::MAX, &mut std::io::sink())?;
            Ok(())
        })?;
        if bytes != checked.pin.bytes {
            checked.fault = Some(format!("its files have {bytes} bytes instead of {}", checked.pin.bytes));
        }
        Ok(())
    }

    /// Removes every block that no pin keeps. Waits until nobody holds blocks that are not pinned yet.
    ///
    /// # Errors
    /// When a pin cannot be read or its blocks cannot be followed: then nothing is removed.
    pub fn collect(&self) -> Result<Collected, StorageError> {
        let _alone = self.lock("lock", true)?;
        let mut kept = std::collections::BTreeSet::new();
        for pin in self.pins()? {
            let mut walk = Walk::new(self, pin.cid.parse()?, MOST_BLOCKS);
            while walk.step()?.is_some() {}
            kept.extend(walk.seen().iter().copied());
        }
        let mut found = Collected::default();
        for shard in self.disk.list(&self.blocks())? {
            if shard.meta.kind != kiln_store::disk::Kind::Folder || shard.name.starts_with('.') {
                continue;
            }
            for file in self.disk.list(&shard.path)? {
                let digest = file.name.strip_suffix(".data").and_then(Cid::digest_of_hash_name);
                match digest {
                    Some(digest) if kept.contains(&digest) => found.kept += 1,
                    Some(_) if self.disk.remove(&file.path)? => {
                        found.removed += 1;
                        found.freed += file.meta.len;
                    }
                    _ => {}
                }
            }
        }
        Ok(found)
    }
}

impl Source for BlockStore {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, CidError> {
        let place = self.place(cid);
        match self.disk.read(&place, MAX_BLOCK as u64) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(e) => Err(CidError::Stopped(e.to_string())),
        }
    }
}

/// Puts blocks into a store.
pub struct Keeping<'a>(pub &'a BlockStore);

impl Sink for Keeping<'_> {
    fn put(&mut self, cid: &Cid, bytes: &[u8]) -> Result<(), CidError> {
        self.0.keep(cid, bytes).map_err(|e| CidError::Stopped(e.to_string()))
    }
}
