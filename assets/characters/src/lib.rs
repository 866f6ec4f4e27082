//! Draws the characters that the demo models learn from: a family of small creatures with a dozen traits, each with
//! its words, drawn from a seed; the same bits on every machine.
//!
//! [`Traits`] says what a character is, [`draw()`] draws it (the picture, the exact alpha of the figure, and the figure
//! alone), [`caption()`] puts it into words. [`Traits::held_out`] says which combinations training never shows, and
//! [`stream`] writes many at once for a trainer.

mod body;
pub mod caption;
pub mod color;
mod drawing;
mod ears;
mod face;
mod figure;
mod headgear;
pub mod judge;
mod looks;
mod mouth;
mod pen;
mod pixel;
pub mod rng;
pub mod rules;
mod scene;
pub mod sheet;
mod skin;
pub mod split;
pub mod stream;
pub mod traits;
mod wear;
pub mod wish;

pub use caption::{canonical, caption, caption_in};
pub use drawing::{DrawError, Drawing, LARGEST, draw, draw_in};
pub use pixel::PIXELS;
pub use split::Split;
pub use traits::{Look, Traits};
