//! Masks: made from numbers or pictures, turned into pictures, changed sample by sample.

use kiln_types::{Color, Image, Mask};

use crate::PixelError;
use crate::named::named;
use crate::resample::{Method, resize_mask};
use crate::samples::{cycled, cycled_mask, like_mask, within};

named! {
    /// A channel of a picture.
    pub enum Channel {
        /// Red.
        Red = "red",
        /// Green.
        Green = "green",
        /// Blue.
        Blue = "blue",
        /// Alpha.
        Alpha = "alpha",
    }
}

/// Whether the mask is of this size, as the picture that goes with it.
pub(crate) fn check_size(mask: &Mask, [w, h]: [usize; 2]) -> Result<(), PixelError> {
    if (mask.width(), mask.height()) == (w, h) {
        return Ok(());
    }
    let (wide, tall) = (mask.width(), mask.height());
    Err(PixelError::Mismatch(format!("the mask of {wide}x{tall} is not of the size of the picture, {w}x{h}")))
}

/// A mask with one value everywhere.
///
/// # Errors
/// When the size is empty or too large.
pub fn solid(value: f32, width: usize, height: usize) -> Result<Mask, PixelError> {
    Ok(Mask::filled(1, height, width, value)?)
}

/// A mask of the picture's size with `value` of each pixel.
fn map_pixels(image: &Image, value: impl Fn(&[f32]) -> f32) -> Result<Mask, PixelError> {
    let mut out = Mask::filled(image.batch(), image.height(), image.width(), 0.0)?;
    let pixels = image.data().chunks_exact(image.channels());
    out.data_mut().iter_mut().zip(pixels).for_each(|(m, p)| *m = value(p));
    Ok(out)
}

/// One channel as a mask.
///
/// # Errors
/// When alpha is asked of a picture without.
pub fn from_channel(image: &Image, channel: Channel) -> Result<Mask, PixelError> {
    let k = channel as usize;
    if k >= image.channels() {
        return Err(PixelError::Mismatch("the picture has no alpha channel".into()));
    }
    map_pixels(image, |p| p[k])
}

/// The picture's brightness (Rec. 709 weights on the coded samples) as a mask.
///
/// # Errors
/// Never for a valid picture.
pub fn from_luminance(image: &Image) -> Result<Mask, PixelError> {
    map_pixels(image, |p| 0.2126 * p[0] + 0.7152 * p[1] + 0.0722 * p[2])
}

/// The pixels that are exactly this colour once rounded to bytes.
///
/// # Errors
/// Never for a valid picture.
pub fn from_color(image: &Image, rgb: [u8; 3]) -> Result<Mask, PixelError> {
    let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round_ties_even() as u8;
    map_pixels(image, |p| f32::from(u8::from(rgb.iter().zip(p).all(|(c, v)| byte(*v) == *c))))
}

/// 1 up to `tolerance`, falling to 0 over the next `softness`.
fn fall(distance: f32, tolerance: f32, softness: f32) -> f32 {
    if distance <= tolerance {
        1.0
    } else if softness > 0.0 {
        (1.0 - (distance - tolerance) / softness).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

fn check_key(tolerance: f32, softness: f32) -> Result<(), PixelError> {
    if !within(tolerance, 0.0, 2.0) {
        return Err(PixelError::parameter("tolerance", "within 0 to 2"));
    }
    if !within(softness, 0.0, 2.0) {
        return Err(PixelError::parameter("softness", "within 0 to 2"));
    }
    Ok(())
}

/// The pixels near this colour: those within `tolerance` of it (root mean square over red, green and
/// blue) are selected, the selection fades out over the next `softness`.
///
/// # Errors
/// When a parameter is out of range.
pub fn from_color_near(
    image: &Image,
    color: Color,
    tolerance: f32,
    softness: f32,
) -> Result<Mask, PixelError> {
    check_key(tolerance, softness)?;
    let key = [color.r, color.g, color.b];
    map_pixels(image, |p| {
        let sum: f32 = key.iter().zip(p).map(|(c, v)| (c - v) * (c - v)).sum();
        fall((sum / 3.0).sqrt(), tolerance, softness)
    })
}

/// Blue and red difference of a pixel (Rec. 601), -0.5..0.5.
fn chroma(p: &[f32]) -> [f32; 2] {
    let y = 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
    [(p[2] - y) / 1.772, (p[0] - y) / 1.402]
}

/// The pixels whose chroma is near this colour's, however bright they are: a green screen with its
/// shadows. `tolerance` and `softness` are distances in the chroma plane, where a pure colour lies about
/// 0.5 from grey.
///
/// # Errors
/// When a parameter is out of range.
pub fn from_chroma(image: &Image, color: Color, tolerance: f32, softness: f32) -> Result<Mask, PixelError> {
    check_key(tolerance, softness)?;
    let key = chroma(&[color.r, color.g, color.b]);
    map_pixels(image, |p| {
        let [b, r] = chroma(p);
        let (b, r) = (b - key[0], r - key[1]);
        fall((b * b + r * r).sqrt(), tolerance, softness)
    })
}

/// The mask as a grey picture.
///
/// # Errors
/// When the picture would be too large.
pub fn to_image(mask: &Mask) -> Result<Image, PixelError> {
    let mut out = Image::zeros(mask.batch(), mask.height(), mask.width(), 3)?;
    out.data_mut().as_chunks_mut::<3>().0.iter_mut().zip(mask.data()).for_each(|(p, m)| *p = [*m; 3]);
    Ok(out)
}

fn map(mask: &Mask, value: impl Fn(f32) -> f32) -> Result<Mask, PixelError> {
    like_mask(mask, mask.data().iter().map(|m| value(*m)).collect())
}

/// What the mask does not select.
///
/// # Errors
/// Never for a valid mask.
pub fn invert(mask: &Mask) -> Result<Mask, PixelError> {
    map(mask, |m| 1.0 - m)
}

/// Selected fully where the mask is above `value`, not at all elsewhere.
///
/// # Errors
/// When the value is not a number.
pub fn threshold(mask: &Mask, value: f32) -> Result<Mask, PixelError> {
    if value.is_nan() {
        return Err(PixelError::parameter("value", "a number"));
    }
    map(mask, |m| f32::from(u8::from(m > value)))
}

/// The picture with the mask as its alpha: transparent where the mask selects. The mask takes the
/// picture's size; the shorter batch starts again.
///
/// # Errors
/// When the result is too large.
pub fn join_alpha(image: &Image, mask: &Mask) -> Result<Image, PixelError> {
    let (w, h, c) = (image.width(), image.height(), image.channels());
    let mut out = Image::zeros(image.batch().max(mask.batch()), h, w, 4)?;
    let sized = if (mask.width(), mask.height()) == (w, h) {
        mask.clone()
    } else {
        resize_mask(mask, w, h, Method::Bilinear)?
    };
    for (i, result) in out.data_mut().chunks_exact_mut(w * h * 4).enumerate() {
        let pixels = cycled(image, i).chunks_exact(c).zip(cycled_mask(&sized, i));
        for (target, (p, m)) in result.as_chunks_mut::<4>().0.iter_mut().zip(pixels) {
            *target = [p[0], p[1], p[2], 1.0 - m];
        }
    }
    Ok(out)
}

/// The picture without alpha, and a mask that selects what is transparent.
///
/// # Errors
/// Never for a valid picture.
pub fn split_alpha(image: &Image) -> Result<(Image, Mask), PixelError> {
    let mask = map_pixels(image, |p| p.get(3).map_or(0.0, |a| 1.0 - a))?;
    Ok((crate::batch::with_channels(image, 3)?, mask))
}

/// The part `x..x + width`, `y..y + height` of the mask, as far as the mask reaches; a corner past the
/// mask moves to its last column or row.
///
/// # Errors
/// When the width or height is 0.
pub fn crop(mask: &Mask, x: usize, y: usize, width: usize, height: usize) -> Result<Mask, PixelError> {
    let (x, y) = (x.min(mask.width() - 1), y.min(mask.height() - 1));
    let (w, h) = (width.min(mask.width() - x), height.min(mask.height() - y));
    let mut out = Mask::filled(mask.batch(), h, w, 0.0)?;
    let frames = mask.data().chunks_exact(mask.frame_len());
    for (frame, result) in frames.zip(out.data_mut().chunks_exact_mut(h * w)) {
        for (row, target) in frame.chunks_exact(mask.width()).skip(y).zip(result.chunks_exact_mut(w)) {
            target.copy_from_slice(&row[x..x + w]);
        }
    }
    Ok(out)
}

/// Left, top, width and height of the smallest box around everything above `threshold` in any mask of the
/// batch; none when nothing is.
#[must_use]
pub fn bounds(mask: &Mask, threshold: f32) -> Option<[usize; 4]> {
    let (w, h) = (mask.width(), mask.height());
    let (mut left, mut top, mut right, mut bottom) = (w, h, 0, 0);
    for (i, row) in mask.data().chunks_exact(w).enumerate() {
        let Some(first) = row.iter().position(|m| *m > threshold) else { continue };
        let last = row.iter().rposition(|m| *m > threshold).unwrap_or(first);
        let y = i % h;
        (left, right) = (left.min(first), right.max(last + 1));
        (top, bottom) = (top.min(y), bottom.max(y + 1));
    }
    (right > left).then(|| [left, top, right - left, bottom - top])
}
