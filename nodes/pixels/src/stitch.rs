//! Pictures set side by side.

use kiln_types::{Color, Image};

use crate::PixelError;
use crate::batch::with_channels;
use crate::named::named;
use crate::pad::{Fill, Margins, pad};
use crate::resample::{Method, resize};
use crate::samples::{like, round_size};

named! {
    /// The side of the first picture at which the second one goes.
    pub enum Side {
        /// To the right.
        Right = "right",
        /// Below.
        Down = "down",
        /// To the left.
        Left = "left",
        /// Above.
        Up = "up",
    }
}

impl Side {
    fn beside(self) -> bool {
        matches!(self, Self::Left | Self::Right)
    }
}

/// `second` beside `first`, with `spacing` pixels of `color` between (an odd number grows by one). With
/// `match_size` the second picture is resized (Lanczos) so that the touching sides are equally long; without,
/// the shorter one is centred on a ground of the colour, when that is a shade of grey, or else on black.
/// The shorter batch repeats its last picture.
///
/// # Errors
/// When the result is too large.
pub fn stitch(
    first: &Image,
    second: &Image,
    side: Side,
    match_size: bool,
    spacing: usize,
    color: Color,
) -> Result<Image, PixelError> {
    let frames = first.batch().max(second.batch());
    let (mut a, mut b) = (lengthen(first, frames)?, lengthen(second, frames)?);
    if match_size {
        let shape = b.width() as f64 / b.height() as f64;
        let [w, h] = if side.beside() {
            [round_size((a.height() as f64 * shape).floor()), a.height()]
        } else {
            [a.width(), round_size((a.width() as f64 / shape).floor())]
        };
        b = resize(&b, w, h, Method::Lanczos)?;
    } else {
        let shade = if color.r == color.g && color.g == color.b { color.r } else { 0.0 };
        let [w, h] = [a.width().max(b.width()), a.height().max(b.height())];
        a = center(&a, w, h, side, shade)?;
        b = center(&b, w, h, side, shade)?;
    }
    let channels = a.channels().max(b.channels());
    let (a, b) = (with_channels(&a, channels)?, with_channels(&b, channels)?);
    let gap = spacing.saturating_add(spacing % 2);
    let (before, after) = if matches!(side, Side::Left | Side::Up) { (&b, &a) } else { (&a, &b) };
    join(before, after, gap, color, side.beside())
}

/// Two pictures of equal height (beside) or width with a gap between.
fn join(a: &Image, b: &Image, gap: usize, color: Color, beside: bool) -> Result<Image, PixelError> {
    let c = a.channels();
    let (w, h) = if beside {
        (a.width().saturating_add(gap).saturating_add(b.width()), a.height())
    } else {
        (a.width(), a.height().saturating_add(gap).saturating_add(b.height()))
    };
    let mut out = Image::zeros(a.batch(), h, w, c)?;
    let paint = [color.r, color.g, color.b, color.a];
    out.data_mut().chunks_exact_mut(c).for_each(|p| p.copy_from_slice(&paint[..c]));
    for (i, result) in out.data_mut().chunks_exact_mut(h * w * c).enumerate() {
        if beside {
            let (wa, wb) = (a.width() * c, b.width() * c);
            let rows = a.frame(i).chunks_exact(wa).zip(b.frame(i).chunks_exact(wb));
            for (target, (ra, rb)) in result.chunks_exact_mut(w * c).zip(rows) {
                target[..wa].copy_from_slice(ra);
                target[w * c - wb..].copy_from_slice(rb);
            }
        } else {
            let end = h * w * c;
            result[..a.frame_len()].copy_from_slice(a.frame(i));
            result[end - b.frame_len()..].copy_from_slice(b.frame(i));
        }
    }
    Ok(out)
}

/// The picture in the middle of what its touching side must measure.
fn center(image: &Image, w: usize, h: usize, side: Side, shade: f32) -> Result<Image, PixelError> {
    let mut margins = Margins::default();
    if side.beside() {
        margins.top = (h - image.height()) / 2;
        margins.bottom = h - image.height() - margins.top;
    } else {
        margins.left = (w - image.width()) / 2;
        margins.right = w - image.width() - margins.left;
    }
    if margins == Margins::default() {
        return Ok(image.clone());
    }
    pad(image, margins, Fill::Color(Color { r: shade, g: shade, b: shade, a: shade }))
}

/// The batch with its last picture repeated until it holds `frames`.
fn lengthen(image: &Image, frames: usize) -> Result<Image, PixelError> {
    if image.batch() == frames {
        return like(image, image.data().to_vec());
    }
    let mut out = Image::zeros(frames, image.height(), image.width(), image.channels())?;
    let last = image.batch() - 1;
    for (i, target) in out.data_mut().chunks_exact_mut(image.frame_len()).enumerate() {
        target.copy_from_slice(image.frame(i.min(last)));
    }
    Ok(out)
}
