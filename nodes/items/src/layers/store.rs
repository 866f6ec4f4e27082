//! Decoded layers, kept for all workers within a budget.

use kiln_core::NodeError;
use kiln_types::{Image, Key};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many pixels of a row are looked at together.
pub const BLOCK: usize = 16;

/// What a block of a row is like, so that whole blocks can be passed over or copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cover {
    /// Nothing is there.
    Empty,
    /// Everything below is hidden.
    Full,
    /// Some of both.
    Some,
}

/// The samples of a layer: red, green, blue and alpha side by side, alpha not multiplied in.
#[derive(Debug)]
pub enum Samples {
    /// 8 bits, as most files have them.
    Bytes(Vec<u8>),
    /// More.
    Floats(Vec<f32>),
}

/// A decoded layer.
#[derive(Debug)]
pub struct Picture {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// The samples.
    pub samples: Samples,
    /// For each row its blocks.
    pub cover: Vec<Cover>,
}

impl Picture {
    /// Takes a decoded picture, the first of a batch. `deep`: its samples are more than bytes.
    #[must_use]
    pub fn new(image: &Image, deep: bool) -> Self {
        let (width, height, channels) = (image.width(), image.height(), image.channels());
        let pixels = image.frame(0).chunks_exact(channels);
        let four = pixels.map(|p| [p[0], p[1], p[2], if channels > 3 { p[3].clamp(0.0, 1.0) } else { 1.0 }]);
        let samples = if deep {
            Samples::Floats(four.flatten().collect())
        } else {
            // The samples are bytes over 255, so the nearest byte is the one there was.
            Samples::Bytes(four.flatten().map(|v| (v * 255.0 + 0.5) as u8).collect())
        };
        let mut made = Self { width, height, samples, cover: Vec::new() };
        made.cover = made.covers();
        made
    }

    /// How many blocks a row has.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.width.div_ceil(BLOCK)
    }

    fn covers(&self) -> Vec<Cover> {
        let alpha = |at: usize| match &self.samples {
            Samples::Bytes(v) => f32::from(v[at * 4 + 3]) / 255.0,
            Samples::Floats(v) => v[at * 4 + 3],
        };
        let mut all = Vec::with_capacity(self.blocks() * self.height);
        for y in 0..self.height {
            for block in 0..self.blocks() {
                let row = y * self.width;
                let range = row + block * BLOCK..row + ((block + 1) * BLOCK).min(self.width);
                let (mut empty, mut full) = (true, true);
                for a in range.map(alpha) {
                    empty &= a <= 0.0;
                    full &= a >= 1.0;
                }
                all.push(match (empty, full) {
                    (true, _) => Cover::Empty,
                    (_, true) => Cover::Full,
                    _ => Cover::Some,
                });
            }
        }
        all
    }

    fn bytes(&self) -> usize {
        self.cover.len()
            + match &self.samples {
                Samples::Bytes(v) => v.len(),
                Samples::Floats(v) => v.len() * 4,
            }
    }
}

/// By what a layer is kept: the hash of its file, and the size it was brought to.
pub type Name = (Key, Option<(usize, usize)>);

struct Shelf {
    pictures: BTreeMap<Name, (Arc<Picture>, u64)>,
    used: usize,
    tick: u64,
}

/// The layers in use.
pub struct LayerStore {
    shelf: Mutex<Shelf>,
    budget: usize,
}

impl LayerStore {
    /// A store of at most so many bytes; one layer is kept however large it is.
    #[must_use]
    pub fn new(budget: usize) -> Self {
        let shelf = Shelf { pictures: BTreeMap::new(), used: 0, tick: 0 };
        Self { shelf: Mutex::new(shelf), budget }
    }

    /// A layer, decoded by `load` when it is not here.
    ///
    /// # Errors
    /// What `load` says.
    pub fn get(
        &self,
        name: Name,
        load: impl FnOnce() -> Result<Picture, NodeError>,
    ) -> Result<Arc<Picture>, NodeError> {
        {
            let mut shelf = self.shelf.lock();
            shelf.tick += 1;
            let tick = shelf.tick;
            if let Some((picture, last)) = shelf.pictures.get_mut(&name) {
                *last = tick;
                return Ok(picture.clone());
            }
        }
        // Decoded without the lock: that two workers do it at once is rarer than that all wait for one.
        let made = Arc::new(load()?);
        let mut shelf = self.shelf.lock();
        let tick = shelf.tick;
        if let Some((picture, _)) = shelf.pictures.get(&name) {
            return Ok(picture.clone());
        }
        shelf.used += made.bytes();
        shelf.pictures.insert(name, (made.clone(), tick));
        while shelf.used > self.budget && shelf.pictures.len() > 1 {
            let oldest = shelf.pictures.iter().min_by_key(|(_, (_, last))| *last).map(|(name, _)| *name);
            let Some((gone, _)) = oldest.and_then(|name| shelf.pictures.remove(&name)) else { break };
            shelf.used -= gone.bytes();
        }
        Ok(made)
    }

    /// How many layers are kept, and how many bytes they take.
    #[must_use]
    pub fn kept(&self) -> (usize, usize) {
        let shelf = self.shelf.lock();
        (shelf.pictures.len(), shelf.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_unused_goes_first() {
        let picture = || Picture::new(&Image::zeros(1, 8, 8, 4).unwrap(), false);
        let each = picture().bytes();
        let store = LayerStore::new(each * 2);
        let name = |n: u8| (Key([n; 32]), None);
        let load = |n: u8| store.get(name(n), || Ok(picture())).unwrap();
        load(1);
        load(2);
        load(1);
        load(3);
        assert_eq!(store.kept(), (2, each * 2));
        let gone = store.get(name(2), || Err(NodeError::new("gone")));
        assert_eq!(gone.unwrap_err().what, "gone");
        assert!(store.get(name(1), || Err(NodeError::new("gone"))).is_ok());
    }
}
