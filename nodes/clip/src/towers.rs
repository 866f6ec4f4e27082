//! A CLIP, opened: pictures and texts become vectors that can be compared.

use std::path::Path;
use std::sync::Arc;

use kiln_networks::NetError;
use kiln_networks::clip_text::{ClipText, Config as TextConfig, Layer, Slot};
use kiln_networks::transformer::Naming;
use kiln_prompt::{END, START, Vocabulary};
use kiln_tensor::compute::values;
use kiln_tensor::{Act, Compute, Vars, Weight, WeightMap};
use kiln_types::{Embedding, Image};
use kiln_weights::WeightFile;
use serde::{Deserialize, Serialize};

use crate::error::ClipError;
use crate::preprocess::Preprocess;
use crate::sort::{Sorted, Tower, file_name, sort};
use crate::vision::{ImageTower, VisionConfig};

/// The activation inside the layers, which no file tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Activation {
    /// By kind: the quick one for OpenAI's sizes (B/32, B/16, L/14) under transformers' names and for files with the
    /// marks of OpenAI's own training; the exact one for all others, which OpenCLIP trained.
    #[default]
    Auto,
    /// `x * sigmoid(1.702 x)`: OpenAI's, and OpenCLIP's whose names end in `-quickgelu` (DFN, MetaCLIP).
    QuickGelu,
    /// The exact one: OpenCLIP's own (LAION, DataComp).
    Gelu,
}

/// How many tokens of pictures are worked on at once: more would be no faster.
const TOKENS_AT_ONCE: usize = 4096;
/// How many texts.
const TEXTS_AT_ONCE: usize = 32;
/// Tokens of CLIP's vocabulary.
const VOCABULARY: usize = 49_408;

/// A CLIP: an image tower, a text tower, or both.
#[derive(Debug)]
pub struct Towers {
    name: Arc<str>,
    vision: Option<ImageTower>,
    text: Option<ClipText>,
    scale: f64,
    bytes: usize,
}

impl Towers {
    /// Opens a file: safetensors, or a torch checkpoint, read as data. It is mapped, not copied.
    ///
    /// # Errors
    /// When it cannot be read, is something else, or its weights do not go together.
    pub fn open(path: &Path, compute: &Compute) -> Result<Self, ClipError> {
        Self::open_with(path, compute, Activation::Auto)
    }

    /// The same where the activation is set by hand.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(path: &Path, compute: &Compute, activation: Activation) -> Result<Self, ClipError> {
        let file = WeightFile::open(path)?;
        let name = file_name(&file);
        let Sorted { vision, text, scale, open_ai } = sort(&file)?;
        let bytes = [&vision, &text].iter().filter_map(|t| t.as_ref()).map(|t| bytes_of(&t.weights)).sum();
        let vars = |tower: Tower| Vars::new(&name, Arc::new(tower.weights), compute);

        let mut quick = open_ai;
        let mut image_tower = None;
        if let Some(tower) = vision {
            let naming = tower.naming;
            if !tower.weights.contains_key(projection_name(naming)) {
                return Err(ClipError::NoTower {
                    model: name,
                    lacks: "projection of its image tower",
                    wants: "one (visual_projection.weight, or visual.proj)",
                });
            }
            let vars = vars(tower);
            let mut config = VisionConfig::infer(&vars, naming, Act::Gelu)?;
            quick |= naming == Naming::HuggingFace && is_open_ais(&config);
            config.block.activation = act(activation, quick);
            image_tower = Some(ImageTower::new(&vars, config)?);
        }
        let mut text_tower = None;
        if let Some(tower) = text {
            let vars = vars(tower);
            let mut config = TextConfig::infer(&vars)?;
            // Without an image tower beside it: OpenAI's are 512 and 768 wide, as is none of LAION's larger ones.
            let alone = image_tower.is_none()
                && config.naming == Naming::HuggingFace
                && matches!(config.width, 512 | 768);
            config.activation = act(activation, quick || alone);
            text_tower = Some(ClipText::with(&vars, config)?);
        }
        let label = match (&image_tower, &text_tower) {
            (Some(tower), _) => tower.config().name(),
            (None, Some(tower)) => format!("CLIP text {}", tower.width()),
            (None, None) => String::new(),
        };
        let towers = Self {
            name: label.into(),
            vision: image_tower,
            text: text_tower,
            scale: scale.unwrap_or(100.0),
            bytes,
        };
        towers.go_together(&name)?;
        Ok(towers)
    }

    fn go_together(&self, file: &str) -> Result<(), ClipError> {
        let image = self.vision.as_ref().map(|v| v.config().projection);
        let Some(text) = &self.text else { return Ok(()) };
        match (image, text.projection_width()) {
            (Some(image), Some(text)) if image != text => Err(ClipError::Input(format!(
                "{file}: its image tower gives {image} numbers, but its text tower {text}: they are not of one CLIP"
            ))),
            (None, None) => Err(ClipError::NoTower {
                model: file.to_owned(),
                lacks: "text projection: it is the text encoder of a diffusion model",
                wants: "one (text_projection)",
            }),
            _ => Ok(()),
        }
    }

    /// The same under a name of its own: embeddings of the same name can be compared.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// What it is called: its size, ViT-L/14, until it is named.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The image tower.
    #[must_use]
    pub fn vision(&self) -> Option<&ImageTower> {
        self.vision.as_ref()
    }

    /// The text tower.
    #[must_use]
    pub fn text_tower(&self) -> Option<&ClipText> {
        self.text.as_ref()
    }

    /// What cosines are multiplied by before a softmax makes probabilities of them; 100 where the file does not say.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Bytes of the weights, where they lie.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The width of an embedding.
    #[must_use]
    pub fn width(&self) -> usize {
        let image = self.vision.as_ref().map(|v| v.config().projection);
        image.or_else(|| self.text.as_ref()?.projection_width()).unwrap_or(0)
    }

    /// One vector for each picture, of batches each one of theirs.
    ///
    /// # Errors
    /// When there is no image tower, or no picture.
    pub fn image(&self, images: &[Image]) -> Result<Embedding, ClipError> {
        let images: Vec<&Image> = images.iter().collect();
        self.image_with(&images, Preprocess::default(), &|| false, &mut |_, _| {})
    }

    /// The same with a way to bring pictures to size, asked between layers whether to `stop`, and telling how many
    /// pictures of how many are done.
    ///
    /// # Errors
    /// As [`Self::image`]; when stopped.
    pub fn image_with(
        &self,
        images: &[&Image],
        preprocess: Preprocess,
        stop: &dyn Fn() -> bool,
        done: &mut dyn FnMut(usize, usize),
    ) -> Result<Embedding, ClipError> {
        let tower = self.vision.as_ref().ok_or_else(|| self.lacks("image tower", "both towers"))?;
        let config = tower.config();
        let pictures: Vec<(&Image, usize)> =
            images.iter().flat_map(|image| (0..image.batch()).map(|i| (*image, i))).collect();
        let tokens = (config.side / config.patch) * (config.side / config.patch) + 1;
        let at_once = (TOKENS_AT_ONCE / tokens).max(1);
        let mut vectors = Vec::with_capacity(pictures.len() * config.projection);
        for (part, pictures_now) in pictures.chunks(at_once).enumerate() {
            let mut planes = Vec::with_capacity(pictures_now.len() * 3 * config.side * config.side);
            for (image, index) in pictures_now {
                if stop() {
                    return Err(NetError::Cancelled.into());
                }
                preprocess.planes(image, *index, config.side, &mut planes);
            }
            vectors.extend(values(tower.forward(&planes, stop)?)?);
            done(part * at_once + pictures_now.len(), pictures.len());
        }
        self.embedding(config.projection, vectors, "picture")
    }

    /// One vector for each text. A text of more tokens than the tower reads (75) is cut off.
    ///
    /// # Errors
    /// When there is no text tower, or no text.
    pub fn text(&self, texts: &[&str]) -> Result<Embedding, ClipError> {
        self.text_with(texts, &|| false)
    }

    /// The same, asked now and then whether to `stop`.
    ///
    /// # Errors
    /// As [`Self::text`]; when stopped.
    pub fn text_with(&self, texts: &[&str], stop: &dyn Fn() -> bool) -> Result<Embedding, ClipError> {
        let tower = self.text.as_ref().ok_or_else(|| self.lacks("text tower", "both towers"))?;
        let width =
            tower.projection_width().ok_or_else(|| self.lacks("text projection", "one (text_projection)"))?;
        let config = tower.config();
        if config.vocabulary != VOCABULARY || config.positions < 3 {
            return Err(ClipError::Input(format!(
                "{} reads windows of {} out of a vocabulary of {} tokens, but CLIP's vocabulary has {VOCABULARY}",
                self.name, config.positions, config.vocabulary
            )));
        }
        let mut vectors = Vec::with_capacity(texts.len() * width);
        for part in texts.chunks(TEXTS_AT_ONCE) {
            if stop() {
                return Err(NetError::Cancelled.into());
            }
            let windows = windows(part, config.positions);
            let projected = tower.encode(&windows, Layer::LAST)?.projected;
            vectors.extend(projected.map(values).transpose()?.unwrap_or_default());
        }
        self.embedding(width, vectors, "text")
    }

    fn lacks(&self, lacks: &'static str, wants: &'static str) -> ClipError {
        ClipError::NoTower { model: self.name.to_string(), lacks, wants }
    }

    fn embedding(&self, width: usize, vectors: Vec<f32>, what: &str) -> Result<Embedding, ClipError> {
        if vectors.is_empty() {
            return Err(ClipError::Input(format!("there is no {what} to look at")));
        }
        Embedding::new(self.name.clone(), width, vectors)
            .map_err(|source| ClipError::Spoiled { model: self.name.to_string(), source })
    }
}

fn bytes_of(weights: &WeightMap) -> usize {
    weights.values().map(Weight::bytes).sum()
}

fn projection_name(naming: Naming) -> &'static str {
    match naming {
        Naming::HuggingFace => "visual_projection.weight",
        Naming::OpenClip => "visual.proj",
    }
}

fn act(asked: Activation, quick: bool) -> Act {
    match asked {
        Activation::QuickGelu => Act::QuickGelu,
        Activation::Auto if quick => Act::QuickGelu,
        Activation::Auto | Activation::Gelu => Act::Gelu,
    }
}

/// The sizes that OpenAI trained.
fn is_open_ais(config: &VisionConfig) -> bool {
    matches!((config.block.width, config.patch), (768, 32 | 16) | (1024, 14))
}

/// Texts as windows, as long as the longest needs: a tower sees nothing of what follows a text's end.
fn windows(texts: &[&str], positions: usize) -> Vec<Vec<Slot<'static>>> {
    let vocabulary = Vocabulary::get();
    let ids: Vec<Vec<u32>> = texts
        .iter()
        .map(|text| {
            let words = vocabulary.encode(text);
            [START].into_iter().chain(words.into_iter().take(positions - 2)).chain([END]).collect()
        })
        .collect();
    let longest = ids.iter().map(Vec::len).max().unwrap_or(0);
    ids.into_iter()
        .map(|mut ids| {
            ids.resize(longest, END);
            ids.into_iter().map(Slot::Id).collect()
        })
        .collect()
}
