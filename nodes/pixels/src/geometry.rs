//! Moving pixels without mixing them: mirrored, turned and cut out.

use kiln_types::{Image, Mask};

use crate::PixelError;
use crate::named::named;
use crate::samples::round_size;

named! {
    /// How a picture is mirrored.
    pub enum Flip {
        /// Upside down.
        Vertical = "vertical",
        /// Left to right.
        Horizontal = "horizontal",
    }
}

named! {
    /// A clockwise turn.
    pub enum Turn {
        /// As it is.
        None = "none",
        /// A quarter.
        Quarter = "90",
        /// Half.
        Half = "180",
        /// Three quarters.
        ThreeQuarters = "270",
    }
}

/// The picture mirrored.
///
/// # Errors
/// Never for a valid picture.
pub fn flip(image: &Image, flip: Flip) -> Result<Image, PixelError> {
    let mut out = Image::zeros(image.batch(), image.height(), image.width(), image.channels())?;
    mirror(image.data(), out.data_mut(), [image.width(), image.height(), image.channels()], flip);
    Ok(out)
}

/// The mask mirrored.
///
/// # Errors
/// Never for a valid mask.
pub fn flip_mask(mask: &Mask, flip: Flip) -> Result<Mask, PixelError> {
    let mut out = Mask::filled(mask.batch(), mask.height(), mask.width(), 0.0)?;
    mirror(mask.data(), out.data_mut(), [mask.width(), mask.height(), 1], flip);
    Ok(out)
}

fn mirror(data: &[f32], out: &mut [f32], [w, h, c]: [usize; 3], flip: Flip) {
    let stride = w * c;
    for (frame, result) in data.chunks_exact(stride * h).zip(out.chunks_exact_mut(stride * h)) {
        match flip {
            Flip::Vertical => {
                for (row, target) in frame.chunks_exact(stride).rev().zip(result.chunks_exact_mut(stride)) {
                    target.copy_from_slice(row);
                }
            }
            Flip::Horizontal => {
                for (row, target) in frame.chunks_exact(stride).zip(result.chunks_exact_mut(stride)) {
                    for (pixel, to) in row.chunks_exact(c).rev().zip(target.chunks_exact_mut(c)) {
                        to.copy_from_slice(pixel);
                    }
                }
            }
        }
    }
}

/// The picture turned clockwise.
///
/// # Errors
/// Never for a valid picture.
pub fn rotate(image: &Image, turn: Turn) -> Result<Image, PixelError> {
    let (w, h, c) = (image.width(), image.height(), image.channels());
    let (wide, tall) = if matches!(turn, Turn::None | Turn::Half) { (w, h) } else { (h, w) };
    let mut out = Image::zeros(image.batch(), tall, wide, c)?;
    turned(image.data(), out.data_mut(), [w, h, c], turn);
    Ok(out)
}

/// The mask turned clockwise.
///
/// # Errors
/// Never for a valid mask.
pub fn rotate_mask(mask: &Mask, turn: Turn) -> Result<Mask, PixelError> {
    let (w, h) = (mask.width(), mask.height());
    let (wide, tall) = if matches!(turn, Turn::None | Turn::Half) { (w, h) } else { (h, w) };
    let mut out = Mask::filled(mask.batch(), tall, wide, 0.0)?;
    turned(mask.data(), out.data_mut(), [w, h, 1], turn);
    Ok(out)
}

/// Turns frames in blocks, so that neither side of the copy leaves the cache.
fn turned(data: &[f32], out: &mut [f32], [w, h, c]: [usize; 3], turn: Turn) {
    const BLOCK: usize = 16;
    let place = |x: usize, y: usize| match turn {
        Turn::None => y * w + x,
        Turn::Half => (h - 1 - y) * w + (w - 1 - x),
        Turn::Quarter => x * h + (h - 1 - y),
        Turn::ThreeQuarters => (w - 1 - x) * h + y,
    };
    let len = w * h * c;
    for (frame, result) in data.chunks_exact(len).zip(out.chunks_exact_mut(len)) {
        for top in (0..h).step_by(BLOCK) {
            for left in (0..w).step_by(BLOCK) {
                for y in top..(top + BLOCK).min(h) {
                    for x in left..(left + BLOCK).min(w) {
                        let (from, to) = ((y * w + x) * c, place(x, y) * c);
                        result[to..to + c].copy_from_slice(&frame[from..from + c]);
                    }
                }
            }
        }
    }
}

/// The part `x..x + width`, `y..y + height` of the picture, as far as the picture reaches; a corner past
/// the picture moves to its last column or row.
///
/// # Errors
/// When the width or height is 0.
pub fn crop(image: &Image, x: usize, y: usize, width: usize, height: usize) -> Result<Image, PixelError> {
    let (x, y) = (x.min(image.width() - 1), y.min(image.height() - 1));
    let (w, h) = (width.min(image.width() - x), height.min(image.height() - y));
    let c = image.channels();
    let mut out = Image::zeros(image.batch(), h, w, c)?;
    let (stride, len) = (image.width() * c, image.frame_len());
    for (frame, result) in image.data().chunks_exact(len).zip(out.data_mut().chunks_exact_mut(h * w * c)) {
        for (row, target) in frame.chunks_exact(stride).skip(y).zip(result.chunks_exact_mut(w * c)) {
            target.copy_from_slice(&row[x * c..(x + w) * c]);
        }
    }
    Ok(out)
}

/// The middle `width` x `height` pixels, at most the whole picture.
///
/// # Errors
/// When the width or height is 0.
pub fn crop_center(image: &Image, width: usize, height: usize) -> Result<Image, PixelError> {
    let x = image.width().saturating_sub(width) / 2;
    let y = image.height().saturating_sub(height) / 2;
    crop(image, x, y, width, height)
}

/// The largest middle part whose sides are as `across` to `down`.
///
/// # Errors
/// When a number is not above zero.
pub fn crop_aspect(image: &Image, across: f64, down: f64) -> Result<Image, PixelError> {
    let shape = across / down;
    if !(across > 0.0 && down > 0.0 && shape > 0.0 && shape.is_finite()) {
        return Err(PixelError::parameter("aspect", "two numbers above 0"));
    }
    let (w, h) = (image.width(), image.height());
    let width = round_size(h as f64 * shape).clamp(1, w);
    let height = round_size(w as f64 / shape).clamp(1, h);
    crop_center(image, width, height)
}

/// The picture `columns` times side by side and `rows` times one above the other.
///
/// # Errors
/// When a count is 0 or the result is too large.
pub fn tile(image: &Image, columns: usize, rows: usize) -> Result<Image, PixelError> {
    let (w, h, c) = (image.width(), image.height(), image.channels());
    let mut out = Image::zeros(image.batch(), h.saturating_mul(rows), w.saturating_mul(columns), c)?;
    let (stride, len) = (w * c, image.frame_len());
    let (wide, tall) = (stride * columns, len * columns * rows);
    for (frame, result) in image.data().chunks_exact(len).zip(out.data_mut().chunks_exact_mut(tall)) {
        for (row, target) in frame.chunks_exact(stride).cycle().zip(result.chunks_exact_mut(wide)) {
            target.chunks_exact_mut(stride).for_each(|t| t.copy_from_slice(row));
        }
    }
    Ok(out)
}
