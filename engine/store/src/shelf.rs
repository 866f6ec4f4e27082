//! Small pictures kept for people to look at: what a gate rejected, what waits for a decision.
//!
//! A picture is a file of its own, named by gate, place and attempt: putting it there again replaces it. A
//! file that is torn, or none of ours, is as good as none.

use std::path::{Path, PathBuf};

use kiln_types::Key;

use crate::disk::{Disk, Durability, RealDisk};
use crate::error::StoreError;
use crate::place::{Attempt, Place};

const MAGIC: &[u8; 8] = b"kilnthm1";
const HEAD: usize = 8 + 32 + 32 + 5;
/// No side of a small picture is longer.
pub const LONGEST: u16 = 1024;

/// A small picture: 8 bits a sample, 3 or 4 samples a pixel, the fourth straight alpha.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumb {
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// 3 or 4.
    pub channels: u8,
    /// Row by row.
    pub data: Vec<u8>,
}

impl Thumb {
    /// A picture of these samples; none if they do not fit together.
    #[must_use]
    pub fn new(width: u16, height: u16, channels: u8, data: Vec<u8>) -> Option<Self> {
        let sides = (1..=LONGEST).contains(&width) && (1..=LONGEST).contains(&height);
        let fits = data.len() == usize::from(width) * usize::from(height) * usize::from(channels);
        (sides && (3..=4).contains(&channels) && fits).then_some(Self { width, height, channels, data })
    }
}

/// A folder of small pictures.
#[derive(Clone, Debug)]
pub struct Shelf {
    dir: PathBuf,
}

impl Shelf {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Where it lies.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, gate: &str, place: Place, attempt: &Attempt) -> PathBuf {
        let mut hasher = blake3::Hasher::new();
        for part in [gate, &place.to_string(), &attempt.to_string()] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        self.dir.join(format!("{}.thumb", &hasher.finalize().to_hex()[..40]))
    }

    /// Puts a picture there.
    pub fn put(
        &self,
        batch: &str,
        gate: &str,
        place: Place,
        attempt: &Attempt,
        key: &Key,
        thumb: &Thumb,
    ) -> Result<(), StoreError> {
        let mut file = Vec::with_capacity(HEAD + thumb.data.len());
        file.extend(MAGIC);
        file.extend(key.0);
        file.extend(blake3::hash(batch.as_bytes()).as_bytes());
        file.extend(thumb.width.to_le_bytes());
        file.extend(thumb.height.to_le_bytes());
        file.push(thumb.channels);
        file.extend(lz4_flex::block::compress(&thumb.data));
        RealDisk.create_dirs(&self.dir, Durability::Fast)?;
        RealDisk.write_atomic(&self.path(gate, place, attempt), &file, Durability::Fast)
    }

    /// Whether there is a picture of this very value.
    #[must_use]
    pub fn has(&self, gate: &str, place: Place, attempt: &Attempt, key: &Key) -> bool {
        use std::io::Read;
        let mut head = [0; 8 + 32];
        let read = std::fs::File::open(self.path(gate, place, attempt))
            .and_then(|mut file| file.read_exact(&mut head).map(|()| head));
        read.is_ok_and(|head| head[..8] == *MAGIC && head[8..] == key.0)
    }

    /// Whether there is a picture, of whichever value.
    #[must_use]
    pub fn holds(&self, gate: &str, place: Place, attempt: &Attempt) -> bool {
        self.path(gate, place, attempt).is_file()
    }

    /// The picture, if there is one.
    #[must_use]
    pub fn get(&self, gate: &str, place: Place, attempt: &Attempt) -> Option<Thumb> {
        let file = RealDisk.read(&self.path(gate, place, attempt), 64 << 20).ok()?;
        let (head, packed) = file.split_at_checked(HEAD)?;
        let width = u16::from_le_bytes([head[72], head[73]]);
        let height = u16::from_le_bytes([head[74], head[75]]);
        let channels = head[76];
        if head[..8] != *MAGIC || width.max(height) > LONGEST || channels > 4 {
            return None;
        }
        let size = usize::from(width) * usize::from(height) * usize::from(channels);
        let data = lz4_flex::block::decompress(packed, size).ok()?;
        Thumb::new(width, height, channels, data)
    }

    /// How many pictures there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.files().count()
    }

    /// Takes away the pictures that other batches left.
    pub fn keep_only(&self, batch: &str) {
        use std::io::Read;
        let ours = blake3::hash(batch.as_bytes());
        for path in self.files() {
            let mut head = [0; 72];
            let read = std::fs::File::open(&path).and_then(|mut file| file.read_exact(&mut head));
            if read.is_err() || head[40..72] != *ours.as_bytes() {
                // Left there, it only takes up room.
                let _ = RealDisk.remove(&path);
            }
        }
    }

    fn files(&self) -> impl Iterator<Item = PathBuf> + use<> {
        let entries = std::fs::read_dir(&self.dir).ok().into_iter().flatten();
        entries
            .filter_map(|e| e.ok())
            .map(|e| e.path())
            .filter(|p| p.extension().is_some_and(|e| e == "thumb"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_back_and_torn_ones_are_none() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(dir.path().join("a").join("b"));
        let (one, two) = (Attempt::first(), Attempt(vec![2]));
        let thumb = Thumb::new(3, 2, 3, (0..18).collect()).unwrap();
        let (key, other) = (Key([1; 32]), Key([2; 32]));
        assert_eq!(shelf.get("g", Place::Item(1), &one), None);
        shelf.put("b", "g", Place::Item(1), &one, &key, &thumb).unwrap();
        assert_eq!(shelf.get("g", Place::Item(1), &one), Some(thumb.clone()));
        assert!(shelf.has("g", Place::Item(1), &one, &key) && !shelf.has("g", Place::Item(1), &one, &other));
        assert_eq!(shelf.get("g", Place::Item(1), &two), None);
        shelf.put("c", "g", Place::Item(1), &two, &other, &thumb).unwrap();
        shelf.put("c", "g", Place::Item(1), &two, &other, &thumb).unwrap();
        assert_eq!(shelf.count(), 2);
        shelf.keep_only("c");
        assert_eq!(shelf.count(), 1);
        let path = shelf.path("g", Place::Item(1), &two);
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(shelf.get("g", Place::Item(1), &two), None, "{cut}");
        }
        for at in 0..whole.len() {
            let mut odd = whole.clone();
            odd[at] ^= 0xff;
            std::fs::write(&path, odd).unwrap();
            let _ = shelf.get("g", Place::Item(1), &two);
        }
        assert_eq!(Thumb::new(0, 2, 3, vec![]), None);
        assert_eq!(Thumb::new(3, 2, 3, vec![0; 17]), None);
    }
}
