//! Windows of 77 slots, as CLIP reads them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::embedding::{Embedding, Embeddings, Piece, name_and_rest, pieces};
use crate::error::PromptError;
use crate::vocabulary::{END, START, Vocabulary};
use crate::weights::parse_weights;

/// What stands in a slot of a window.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// An id of the vocabulary.
    Id(u32),
    /// One vector of a named embedding, in place of an id's own vector.
    Vector {
        /// The embedding.
        embedding: Arc<Embedding>,
        /// Which of its vectors.
        row: usize,
    },
}

/// One window: what a text encoder reads at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// What stands in each slot, and what it counts. Start, end and padding count 1.
    pub tokens: Vec<(Token, f32)>,
    /// The first slot with the end mark: the pooled vector is read there.
    pub end: usize,
}

/// A prompt as windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoding {
    /// The windows, at least one.
    pub windows: Vec<Window>,
    /// Embeddings that the prompt names and that were not found, each once, in their order.
    pub missing_embeddings: Vec<String>,
    /// Embeddings that were found and have another width than this encoder; they are left out.
    pub unfit_embeddings: Vec<UnfitEmbedding>,
}

impl Encoding {
    /// Whether anything counts other than 1: then the empty prompt is needed too.
    #[must_use]
    pub fn is_weighted(&self) -> bool {
        self.windows.iter().flat_map(|window| &window.tokens).any(|(_, weight)| *weight != 1.0)
    }
}

/// An embedding that is made for another text encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfitEmbedding {
    /// Its name.
    pub name: String,
    /// How wide its vectors are.
    pub found: usize,
    /// How wide this encoder's are.
    pub wanted: usize,
}

/// What fills a window after the end mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pad {
    /// The end mark again (`clip_l`).
    End,
    /// Id 0 (`clip_g` and `clip_h`).
    Zero,
}

/// The most windows that a prompt may need.
pub const MOST_WINDOWS: usize = 200;

/// Groups of this many tokens and more may be cut at a window's end; shorter ones move whole.
const LONG_GROUP: usize = 8;

/// How one text encoder wants its windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokenizer {
    /// What fills a window after the end mark.
    pub pad: Pad,
    /// Slots of a window.
    pub length: usize,
    /// Which set of vectors in an embedding's file is this encoder's.
    pub embedding_key: &'static str,
    /// How wide a vector of an embedding has to be.
    pub embedding_dim: usize,
    /// The most windows that a prompt may need.
    pub most_windows: usize,
}

impl Tokenizer {
    /// CLIP ViT-L: SD 1, the first encoder of SDXL, SD 3 and Flux.
    #[must_use]
    pub const fn clip_l() -> Self {
        Self {
            pad: Pad::End,
            length: 77,
            embedding_key: "clip_l",
            embedding_dim: 768,
            most_windows: MOST_WINDOWS,
        }
    }

    /// OpenCLIP ViT-bigG: the second encoder of SDXL and SD 3.
    #[must_use]
    pub const fn clip_g() -> Self {
        Self { pad: Pad::Zero, embedding_key: "clip_g", embedding_dim: 1280, ..Self::clip_l() }
    }

    /// OpenCLIP ViT-H: SD 2.
    #[must_use]
    pub const fn clip_h() -> Self {
        Self { pad: Pad::Zero, embedding_key: "clip_h", embedding_dim: 1024, ..Self::clip_l() }
    }

    /// The window of the empty prompt.
    #[must_use]
    pub fn empty(&self) -> Window {
        let mut window = Open::new(self);
        window.close();
        window.done
    }

    /// Adds empty windows until there are `count`, so that two encoders' windows go side by side.
    pub fn pad_windows(&self, encoding: &mut Encoding, count: usize) {
        while encoding.windows.len() < count {
            encoding.windows.push(self.empty());
        }
    }

    /// Turns a prompt into windows.
    ///
    /// # Errors
    ///
    /// A prompt that needs too many windows, an embedding that does not fit into one window or is
    /// damaged.
    pub fn tokenize(&self, prompt: &str, embeddings: &dyn Embeddings) -> Result<Encoding, PromptError> {
        let room = self.length.checked_sub(2).filter(|&room| room > 0);
        let room = room.ok_or(PromptError::WindowTooShort { length: self.length })?;
        let mut filling = Filling {
            tokenizer: self,
            room,
            open: Open::new(self),
            encoding: Encoding {
                windows: Vec::new(),
                missing_embeddings: Vec::new(),
                unfit_embeddings: Vec::new(),
            },
            closed: 0,
            asked: HashMap::new(),
        };
        for segment in parse_weights(prompt) {
            // Beyond what an f32 holds, a weight is the largest there is.
            #[allow(clippy::cast_possible_truncation, reason = "weights are applied in f32")]
            let weight = segment.weight.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32;
            for piece in pieces(&segment.text) {
                match piece {
                    Piece::Text(text) => filling.text(text, weight),
                    Piece::Named(named) => filling.named(named, weight, embeddings)?,
                }
            }
        }
        filling.finish()
    }
}

/// A window that is being filled.
struct Open {
    done: Window,
    pad: u32,
    length: usize,
}

impl Open {
    fn new(tokenizer: &Tokenizer) -> Self {
        let mut tokens = Vec::with_capacity(tokenizer.length.min(1024));
        tokens.push((Token::Id(START), 1.0));
        let pad = match tokenizer.pad {
            Pad::End => END,
            Pad::Zero => 0,
        };
        Self { done: Window { tokens, end: 0 }, pad, length: tokenizer.length }
    }

    /// How many tokens of text still fit: one slot is the end mark's.
    fn left(&self) -> usize {
        self.length.saturating_sub(self.done.tokens.len() + 1)
    }

    fn close(&mut self) {
        let tokens = &mut self.done.tokens;
        tokens.push((Token::Id(END), 1.0));
        tokens.resize(self.length.max(tokens.len()), (Token::Id(self.pad), 1.0));
        let end = tokens.iter().position(|(token, _)| *token == Token::Id(END));
        self.done.end = end.unwrap_or_default();
    }
}

/// The windows so far.
struct Filling<'a> {
    tokenizer: &'a Tokenizer,
    /// Tokens of text that one window takes.
    room: usize,
    open: Open,
    encoding: Encoding,
    /// Full windows, those beyond the most allowed too, which are counted and not kept.
    closed: usize,
    /// What was asked for already: finding an embedding may mean reading a file.
    asked: HashMap<String, Option<Arc<Embedding>>>,
}

impl Filling<'_> {
    fn text(&mut self, text: &str, weight: f32) {
        let ids = Vocabulary::get().encode(text);
        self.group(ids.len(), ids.into_iter().map(|id| (Token::Id(id), weight)));
    }

    fn named(&mut self, named: &str, weight: f32, embeddings: &dyn Embeddings) -> Result<(), PromptError> {
        let (written, mut rest) = name_and_rest(named);
        let name = written.trim_matches(',');
        let mut found = self.find(written, embeddings);
        if found.is_none() && name.len() < written.len() {
            found = if name.is_empty() { None } else { self.find(name, embeddings) };
            rest = format!("{} {rest}", written.get(name.len()..).unwrap_or_default());
        }
        match found {
            Some(embedding) => self.vectors(&embedding, weight)?,
            None => {
                let missing = &mut self.encoding.missing_embeddings;
                if missing.len() < MOST_LISTED && !missing.iter().any(|known| known == name) {
                    missing.push(name.to_owned());
                }
            }
        }
        if !rest.is_empty() {
            self.text(&rest, weight);
        }
        Ok(())
    }

    fn find(&mut self, name: &str, embeddings: &dyn Embeddings) -> Option<Arc<Embedding>> {
        if let Some(known) = self.asked.get(name) {
            return known.clone();
        }
        let found = embeddings.find(name);
        self.asked.insert(name.to_owned(), found.clone());
        found
    }

    fn vectors(&mut self, embedding: &Arc<Embedding>, weight: f32) -> Result<(), PromptError> {
        let &Embedding { rows, dim, .. } = embedding.as_ref();
        let name = &embedding.name;
        if rows.checked_mul(dim) != Some(embedding.values.len()) {
            let values = embedding.values.len();
            return Err(PromptError::EmbeddingDamaged { name: name.clone(), rows, dim, values });
        }
        if dim != self.tokenizer.embedding_dim {
            let unfit = &mut self.encoding.unfit_embeddings;
            if unfit.len() < MOST_LISTED && !unfit.iter().any(|known| known.name == *name) {
                let wanted = self.tokenizer.embedding_dim;
                unfit.push(UnfitEmbedding { name: name.clone(), found: dim, wanted });
            }
            return Ok(());
        }
        if rows > self.room {
            return Err(PromptError::EmbeddingTooLong { name: name.clone(), rows, most: self.room });
        }
        let vector = |row| (Token::Vector { embedding: Arc::clone(embedding), row }, weight);
        self.group(rows, (0..rows).map(vector));
        Ok(())
    }

    /// Appends a group: whole into the next window if it is short and does not fit any more, else
    /// cut where the window is full.
    fn group(&mut self, count: usize, tokens: impl Iterator<Item = (Token, f32)>) {
        // A short group that not even an empty window could take has to be cut too.
        if count < LONG_GROUP && count <= self.room && count > self.open.left() {
            self.next();
        }
        for token in tokens {
            if self.open.left() == 0 {
                self.next();
            }
            self.open.done.tokens.push(token);
        }
    }

    fn next(&mut self) {
        self.open.close();
        let full = std::mem::replace(&mut self.open, Open::new(self.tokenizer));
        if self.closed < self.tokenizer.most_windows {
            self.encoding.windows.push(full.done);
        }
        self.closed += 1;
    }

    fn finish(mut self) -> Result<Encoding, PromptError> {
        self.next();
        if self.closed > self.tokenizer.most_windows {
            return Err(PromptError::TooManyWindows {
                windows: self.closed,
                slots: self.room,
                most: self.tokenizer.most_windows,
            });
        }
        Ok(self.encoding)
    }
}

/// How many missing or unfit embeddings are listed.
const MOST_LISTED: usize = 100;
