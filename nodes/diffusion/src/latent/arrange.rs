//! Latent pixels moved without being mixed: mirrored, turned, cut out.

use super::{planes, resize::cut};
use crate::values::Latent;
use kiln_core::NodeError;
use kiln_pixels::geometry::{Flip, Turn, flip_mask, rotate_mask};

/// The latent mirrored. The noise mask stays as it is.
///
/// # Errors
/// When the latent is too large.
pub fn flip(latent: &Latent, how: Flip) -> Result<Latent, NodeError> {
    planes(latent, |plane| flip_mask(plane, how))
}

/// The latent turned clockwise. The noise mask stays as it is.
///
/// # Errors
/// When the latent is too large.
pub fn rotate(latent: &Latent, how: Turn) -> Result<Latent, NodeError> {
    planes(latent, |plane| rotate_mask(plane, how))
}

/// Where a part of `size` latent pixels at `at` begins and ends within `whole`.
///
/// A part that stands over is cut off, and then begins earlier by what is left of 8 latent pixels, so that a part of a
/// multiple of 64 pixels stays one.
fn span(at: usize, size: usize, whole: usize) -> [usize; 2] {
    let at = at.min(whole.saturating_sub(8));
    let end = at.saturating_add(size);
    if end > whole { [at.saturating_sub((end - whole) % 8), whole] } else { [at, end] }
}

/// The part of `size` (height, width) at `at` (top, left), all in latent pixels, as far as the latent reaches.
///
/// # Errors
/// When the size is empty.
pub fn crop(latent: &Latent, at: [usize; 2], size: [usize; 2]) -> Result<Latent, NodeError> {
    if size.contains(&0) {
        return Err(NodeError::new(format!("a part of {}x{} latent pixels is empty", size[1], size[0]))
            .hint("make it larger"));
    }
    let [top, bottom] = span(at[0], size[0], latent.height());
    let [left, right] = span(at[1], size[1], latent.width());
    cut(latent, [top, left, bottom - top, right - left])
}
