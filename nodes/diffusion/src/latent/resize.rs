//! Latents at another size.

use super::bislerp::bislerp;
use super::planes;
use crate::values::Latent;
use kiln_core::NodeError;
use kiln_pixels::resample::{Crop, Method as Flat, resize_mask};

/// How latent pixels between latent pixels are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Each channel for itself.
    Flat(Flat),
    /// All channels of a pixel as one vector that turns.
    Bislerp,
}

impl Method {
    /// The names, in menu order.
    pub const NAMES: &'static [&'static str] = &["nearest-exact", "bilinear", "area", "bicubic", "bislerp"];

    /// The method of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "bislerp" => Some(Self::Bislerp),
            "nearest-exact" | "bilinear" | "area" | "bicubic" => Flat::from_name(name).map(Self::Flat),
            _ => None,
        }
    }
}

/// Shortest side that [`size_for`] gives, in pixels of the picture.
const SHORTEST: usize = 64;

/// A whole number of pixels, halves to the even one.
fn round(v: f64) -> usize {
    // `as` saturates and maps a NaN to 0; sizes that large are refused later.
    v.round_ties_even().max(0.0) as usize
}

/// Height and width in latent pixels for a size in pixels of the picture; a side of 0 follows from the other, and
/// both 0 mean: as it is.
#[must_use]
pub fn size_for(latent: &Latent, width: usize, height: usize) -> Option<[usize; 2]> {
    let (w, h) = (latent.width() as f64, latent.height() as f64);
    let (width, height) = (width as f64, height as f64);
    let least = SHORTEST as f64;
    let (width, height) = match (width > 0.0, height > 0.0) {
        (false, false) => return None,
        (false, true) => (w * height.max(least) / h, height),
        (true, false) => (width, h * width.max(least) / w),
        (true, true) => (width, height),
    };
    Some([height, width].map(|side| (round(side).max(SHORTEST) / latent.factor).max(1)))
}

/// Height and width some times as large; at least one latent pixel.
#[must_use]
pub fn size_by(latent: &Latent, factor: f64) -> [usize; 2] {
    [latent.height(), latent.width()].map(|side| round(side as f64 * factor).max(1))
}

/// Top, left, height and width of the part `height` x `width` at `y`, `x`, which must lie inside.
pub(super) fn cut(latent: &Latent, [y, x, height, width]: [usize; 4]) -> Result<Latent, NodeError> {
    planes(latent, |plane| kiln_pixels::mask::crop(plane, x, y, width, height))
}

/// The middle of a latent, as large as possible in the shape of another size.
fn middle(latent: &Latent, [height, width]: [usize; 2]) -> [usize; 4] {
    let (h, w) = (latent.height(), latent.width());
    let (old, new) = (w as f64 / h as f64, width as f64 / height as f64);
    let (mut x, mut y) = (0, 0);
    if old > new {
        x = round((w as f64 - w as f64 * (new / old)) / 2.0);
    } else if old < new {
        y = round((h as f64 - h as f64 * (old / new)) / 2.0);
    }
    // At least one pixel stays, however extreme the shapes are.
    let (x, y) = (x.min((w - 1) / 2), y.min((h - 1) / 2));
    [y, x, h - 2 * y, w - 2 * x]
}

/// The latent at the size `to` (height and width in latent pixels). The noise mask stays as it is: it is brought to the
/// latent's size when it is used.
///
/// # Errors
/// When the size is empty or too large.
pub fn resize(latent: &Latent, to: [usize; 2], method: Method, crop: Crop) -> Result<Latent, NodeError> {
    let [height, width] = to;
    if height == 0 || width == 0 {
        return Err(NodeError::new(format!("a latent of {width}x{height} latent pixels is empty"))
            .hint("make it larger"));
    }
    let part;
    let latent = if crop == Crop::Center {
        part = cut(latent, middle(latent, to))?;
        &part
    } else {
        latent
    };
    let channels = latent.channels();
    let shape = [latent.batch(), channels, height, width];
    match method {
        Method::Flat(flat) => planes(latent, |plane| resize_mask(plane, width, height, flat)),
        Method::Bislerp => {
            let mut samples = Latent::zeros(shape)?.samples;
            let len = channels * height * width;
            for (index, target) in samples.chunks_exact_mut(len).enumerate() {
                let made = bislerp(latent.picture(index), channels, [latent.height(), latent.width()], to);
                target.copy_from_slice(&made);
            }
            latent.with(shape, samples)
        }
    }
}
