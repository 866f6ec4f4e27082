//! From a prompt to tokens: weights, windows, embeddings, the CLIP vocabulary.
//!
//! A prompt goes through three steps, the same that ComfyUI takes, so that the same text gives the
//! same tokens:
//!
//! 1. [`parse_weights`] reads the parentheses: `(fox)` counts 1.1 times, `(fox:1.3)` exactly 1.3.
//! 2. [`Vocabulary`] turns each piece into ids of CLIP's vocabulary; `embedding:name` becomes the
//!    vectors of a file ([`Embeddings`]).
//! 3. [`Tokenizer`] fills windows of 77 slots, each with its start, its end and its padding.
//!
//! What an editor needs beside it stands apart and is never applied by the tokenizer:
//! [`adjust_weight`] (the weight of the selection, up or down) and [`dynamic`] (`{a|b}` choices and
//! comments, resolved by a seed).
//!
//! No model is computed here, and nothing reads a file or the network.

mod adjust;
mod bpe;
mod dynamic;
mod embedding;
mod error;
mod vocabulary;
mod weights;
mod window;

pub use adjust::{WEIGHT_STEP, adjust_weight};
pub use dynamic::dynamic;
pub use embedding::{Embedding, Embeddings, NoEmbeddings};
pub use error::PromptError;
pub use vocabulary::{END, START, Vocabulary};
pub use weights::{MOST_NESTING, Weighted, parse_weights};
pub use window::{Encoding, MOST_WINDOWS, Pad, Token, Tokenizer, UnfitEmbedding, Window};
