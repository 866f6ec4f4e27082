//! Pictures by key: fetched small on a thread of their own, kept as textures, the longest unused given up first.

use crate::canvas::Picture;
use egui::{ColorImage, Context, TextureHandle, TextureOptions, Vec2, vec2};
use kiln_runner::{FetchPicture, Runner, RunnerError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// How many pictures are kept as textures.
const KEPT: usize = 400;

/// Samples of a picture, as they are shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Pixels {
    /// Width of what is here.
    pub width: usize,
    /// Height of what is here.
    pub height: usize,
    /// Red, green, blue, alpha, not multiplied.
    pub rgba: Arc<[u8]>,
    /// The size of the picture itself.
    pub full: (u32, u32),
    /// How many there are in the batch.
    pub count: u32,
    /// The PNG file, as it came.
    pub png: Arc<[u8]>,
}

impl Pixels {
    /// Reads a picture file.
    ///
    /// # Errors
    /// When it is none.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let limits = kiln_codec::Limits::default();
        let decoded = kiln_codec::decode(bytes, &limits).map_err(|e| e.to_string())?;
        let image = decoded.image;
        let (width, height, channels) = (image.width(), image.height(), image.channels());
        let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
        let mut rgba = Vec::with_capacity(width * height * 4);
        for pixel in image.frame(0).chunks_exact(channels) {
            let at = |n: usize| pixel.get(n).copied().unwrap_or(pixel[0]);
            let alpha = if channels == 4 { pixel[3] } else { 1.0 };
            rgba.extend([byte(pixel[0]), byte(at(1)), byte(at(2)), byte(alpha)]);
        }
        let full = (width as u32, height as u32);
        Ok(Self { width, height, rgba: rgba.into(), full, count: 1, png: bytes.into() })
    }

    /// The four samples at a place.
    #[must_use]
    pub fn at(&self, x: usize, y: usize) -> Option<[u8; 4]> {
        if x >= self.width || y >= self.height {
            return None;
        }
        self.rgba.get((y * self.width + x) * 4..)?.first_chunk().copied()
    }

    /// As egui takes it.
    #[must_use]
    pub fn image(&self) -> ColorImage {
        ColorImage::from_rgba_unmultiplied([self.width, self.height], &self.rgba)
    }
}

struct Ask {
    key: String,
    output: usize,
    max_side: Option<u32>,
}

type Came = (String, Option<u32>, Result<Pixels, String>);

/// Pictures by key.
pub struct Pictures {
    ctx: Context,
    asks: Option<Sender<Ask>>,
    came: Receiver<Came>,
    to_self: Sender<Came>,
    wanted: BTreeSet<(String, Option<u32>)>,
    shown: BTreeMap<String, (TextureHandle, Pixels)>,
    large: BTreeMap<String, (TextureHandle, Pixels)>,
    order: Vec<String>,
    waiting: Vec<Ask>,
    /// Why there is no picture under a key.
    pub missing: BTreeMap<String, String>,
}

impl Pictures {
    /// No pictures yet.
    #[must_use]
    pub fn new(ctx: &Context) -> Self {
        let (to_self, came) = channel();
        Self {
            ctx: ctx.clone(),
            asks: None,
            came,
            to_self,
            wanted: BTreeSet::new(),
            shown: BTreeMap::new(),
            large: BTreeMap::new(),
            order: Vec::new(),
            waiting: Vec::new(),
            missing: BTreeMap::new(),
        }
    }

    /// Fetches from this runner from now on.
    pub fn serve(&mut self, runner: Arc<dyn Runner>) {
        let (asks, todo) = channel::<Ask>();
        let (to, ctx) = (self.to_self.clone(), self.ctx.clone());
        std::thread::spawn(move || {
            for ask in todo {
                // A node tells that it finished a moment before its value can be asked for.
                let mut tries = 0;
                let got = loop {
                    let want = FetchPicture {
                        key: ask.key.clone(),
                        output: ask.output,
                        index: 0,
                        max_side: ask.max_side,
                    };
                    match runner.picture(want).wait(Duration::from_secs(60)) {
                        Err(RunnerError::NoValue { .. }) if tries < 10 => {
                            tries += 1;
                            std::thread::sleep(Duration::from_millis(50));
                        }
                        got => break got.map_err(|e| e.to_string()),
                    }
                };
                let got = got.and_then(|picture| {
                    let mut pixels = Pixels::decode(&picture.png)?;
                    pixels.full = (picture.full_width, picture.full_height);
                    pixels.count = picture.count;
                    Ok(pixels)
                });
                if to.send((ask.key, ask.max_side, got)).is_err() {
                    return;
                }
                ctx.request_repaint();
            }
        });
        for ask in self.waiting.drain(..) {
            let _ = asks.send(ask);
        }
        self.asks = Some(asks);
    }

    /// Asks for a picture, unless it is here or on its way.
    pub fn want(&mut self, key: &str, output: usize, max_side: Option<u32>) {
        let there =
            if max_side.is_some() { self.shown.contains_key(key) } else { self.large.contains_key(key) };
        if there || !self.wanted.insert((key.to_owned(), max_side)) {
            return;
        }
        let ask = Ask { key: key.to_owned(), output, max_side };
        match &self.asks {
            Some(asks) => {
                let _ = asks.send(ask);
            }
            None => self.waiting.push(ask),
        }
    }

    /// Puts a picture there that was not made by a run.
    pub fn put(&mut self, key: &str, pixels: Pixels) {
        let texture = self.ctx.load_texture(key, pixels.image(), TextureOptions::LINEAR);
        self.shown.insert(key.to_owned(), (texture, pixels));
    }

    /// Takes in what came.
    pub fn poll(&mut self) -> bool {
        let mut any = false;
        while let Ok((key, max_side, got)) = self.came.try_recv() {
            any = true;
            self.wanted.remove(&(key.clone(), max_side));
            let pixels = match got {
                Ok(pixels) => pixels,
                Err(why) => {
                    self.missing.insert(key, why);
                    continue;
                }
            };
            if max_side.is_some() {
                let texture = self.ctx.load_texture(&key, pixels.image(), TextureOptions::LINEAR);
                self.shown.insert(key.clone(), (texture, pixels));
                self.order.retain(|k| *k != key);
                self.order.push(key);
                while self.order.len() > KEPT {
                    let old = self.order.remove(0);
                    self.shown.remove(&old);
                }
            } else {
                // Whole pixels are what one looks at when it is large.
                let options =
                    TextureOptions { magnification: egui::TextureFilter::Nearest, ..TextureOptions::LINEAR };
                let texture = self.ctx.load_texture(&key, pixels.image(), options);
                if self.large.len() > 8 {
                    self.large.clear();
                }
                self.large.insert(key, (texture, pixels));
            }
        }
        any
    }

    /// A picture as it is shown on a node.
    #[must_use]
    pub fn shown(&self, key: &str) -> Option<Picture> {
        let (texture, pixels) = self.shown.get(key)?;
        let size = vec2(pixels.width as f32, pixels.height as f32);
        Some(Picture { texture: texture.id(), size, count: pixels.count })
    }

    /// The samples of a picture: all of them if they are here, else those of the small one.
    #[must_use]
    pub fn pixels(&self, key: &str) -> Option<&Pixels> {
        self.large.get(key).or_else(|| self.shown.get(key)).map(|(_, pixels)| pixels)
    }

    /// A picture as large as it is here, and the size of the picture itself.
    #[must_use]
    pub fn large(&self, key: &str) -> Option<(Picture, Vec2)> {
        let (texture, pixels) = self.large.get(key).or_else(|| self.shown.get(key))?;
        let size = vec2(pixels.width as f32, pixels.height as f32);
        let full = vec2(pixels.full.0 as f32, pixels.full.1 as f32);
        Some((Picture { texture: texture.id(), size, count: pixels.count }, full))
    }
}
