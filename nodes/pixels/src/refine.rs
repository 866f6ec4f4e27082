//! The edge of a mask made right: cleaned, fitted to the picture, smoothed, hardened, moved, softened.

use kiln_types::{Image, Mask};

use crate::PixelError;
use crate::blur::gaussian_mask;
use crate::distance::{offset, to_edge};
use crate::guided::guided_filter;
use crate::islands::{fill_holes, remove_islands};
use crate::samples::{clean, cycled_mask, like_mask, within};

/// What [`refine`] does, in the order of its fields; [`Refine::default`] does nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refine {
    /// Groups of fewer selected pixels go; see [`remove_islands`].
    pub islands: usize,
    /// Holes of fewer pixels are filled; see [`fill_holes`].
    pub holes: usize,
    /// Rounds corners and evens steps of about so many pixels: the mask is blurred with a bell curve of this
    /// deviation and made as hard again as an edge of one pixel, `0.5 + (v - 0.5) max(1, sigma sqrt(2 pi))`.
    pub smooth: f64,
    /// Radius of the guided filter's windows in pixels, 0..1024: the width of hair and blur to be found.
    pub radius: usize,
    /// The filter's `epsilon`, 1e-8..1: differences of colour below its root count as flat.
    pub epsilon: f64,
    /// How far from the mask's edge, where it crosses one half, the filter may change it, in pixels: fully up
    /// to three quarters of it, then less and less. 0: everywhere.
    pub band: f32,
    /// How much of the filter's change is made, 0..1.
    pub strength: f32,
    /// Takes off what is nearly nothing or nearly all: `c / 2` becomes 0 and `1 - c / 2` becomes 1, 0..0.98.
    pub contrast: f32,
    /// Moves the edge outwards by so many pixels, inwards by a negative number; see [`offset`].
    pub grow: f32,
    /// Softens: the deviation of a bell curve, in pixels.
    pub feather: f64,
}

impl Default for Refine {
    fn default() -> Self {
        Self {
            islands: 0,
            holes: 0,
            smooth: 0.0,
            radius: 0,
            epsilon: 1e-4,
            band: 0.0,
            strength: 1.0,
            contrast: 0.0,
            grow: 0.0,
            feather: 0.0,
        }
    }
}

fn mapped(mask: &Mask, value: impl Fn(f32) -> f32) -> Result<Mask, PixelError> {
    like_mask(mask, mask.data().iter().map(|v| value(*v)).collect())
}

fn smoothed(mask: &Mask, sigma: f64) -> Result<Mask, PixelError> {
    let soft = gaussian_mask(mask, sigma)?;
    // A blurred step rises by 1 / (sigma sqrt(2 pi)) a pixel.
    let steep = (sigma * (2.0 * std::f64::consts::PI).sqrt()).max(1.0) as f32;
    mapped(&soft, |v| clean(0.5 + (v - 0.5) * steep))
}

/// The guided filter, as far as band and strength let it.
fn fitted(image: &Image, mask: &Mask, how: &Refine) -> Result<Mask, PixelError> {
    let mut found = guided_filter(image, mask, how.radius, how.epsilon)?;
    let len = mask.frame_len();
    let mut weights = vec![how.strength; len];
    for (i, frame) in found.data_mut().chunks_exact_mut(len).enumerate() {
        let given = cycled_mask(mask, i);
        if how.band > 0.0 {
            // From 1 to 0 over the last quarter of the band.
            let share = |d: f32| ((how.band - d) / (how.band * 0.25)).clamp(0.0, 1.0);
            let far = to_edge(given, mask.width());
            weights.iter_mut().zip(&far).for_each(|(w, d)| *w = how.strength * share(*d));
        }
        for ((f, m), w) in frame.iter_mut().zip(given).zip(&weights) {
            *f = m + w * (*f - m);
        }
    }
    Ok(found)
}

/// The mask with a better edge, see [`Refine`]. It has the picture's size; the shorter batch starts again.
///
/// # Errors
/// When a parameter is out of range or the sizes differ.
pub fn refine(image: &Image, mask: &Mask, how: &Refine) -> Result<Mask, PixelError> {
    if !within(how.band, 0.0, 65536.0) {
        return Err(PixelError::parameter("band", "within 0 to 65536"));
    }
    if !within(how.strength, 0.0, 1.0) {
        return Err(PixelError::parameter("strength", "within 0 to 1"));
    }
    if !within(how.contrast, 0.0, 0.98) {
        return Err(PixelError::parameter("contrast", "within 0 to 0.98"));
    }
    if !(0.0..=64.0).contains(&how.smooth) {
        return Err(PixelError::parameter("smooth", "within 0 to 64"));
    }
    crate::mask::check_size(mask, [image.width(), image.height()])?;
    let mut mask = mapped(mask, clean)?;
    mask = remove_islands(&mask, how.islands)?;
    mask = fill_holes(&mask, how.holes)?;
    if how.smooth > 0.0 {
        mask = smoothed(&mask, how.smooth)?;
    }
    // Without a change the mask still takes the picture's batch.
    mask = fitted(image, &mask, how)?;
    if how.contrast > 0.0 {
        mask = mapped(&mask, |v| clean((v - how.contrast * 0.5) / (1.0 - how.contrast)))?;
    }
    mask = offset(&mask, how.grow)?;
    gaussian_mask(&mask, how.feather).map_err(|e| match e {
        PixelError::Parameter { what, .. } => PixelError::Parameter { name: "feather", what },
        other => other,
    })
}
