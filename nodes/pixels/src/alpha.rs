//! Colours weighted by their alpha, and back.

use kiln_types::{Image, Mask};

use crate::PixelError;
use crate::resample::{Method, resize_mask};
use crate::samples::{clean, cycled, cycled_mask, like, like_mask};

/// Where a picture's subject is, 1 = subject, within 0..1: what `mask` selects, brought to the picture's size,
/// or else what the alpha shows; all of a picture without alpha.
///
/// # Errors
/// Never for a valid picture.
pub fn subject_mask(image: &Image, mask: Option<&Mask>) -> Result<Mask, PixelError> {
    let (w, h) = (image.width(), image.height());
    match mask {
        Some(mask) if (mask.width(), mask.height()) == (w, h) => {
            like_mask(mask, mask.data().iter().map(|v| clean(*v)).collect())
        }
        Some(mask) => subject_mask(image, Some(&resize_mask(mask, w, h, Method::Bilinear)?)),
        None => {
            let pixels = image.data().chunks_exact(image.channels());
            let alpha = pixels.map(|p| p.get(3).map_or(1.0, |a| clean(*a)));
            Ok(Mask::new(image.batch(), h, w, alpha.collect())?)
        }
    }
}

/// The picture's colours with the mask, of the same size, as alpha; the shorter batch starts again.
///
/// # Errors
/// When the sizes differ or the result is too large.
pub fn with_mask(image: &Image, mask: &Mask) -> Result<Image, PixelError> {
    let (w, h, c) = (image.width(), image.height(), image.channels());
    crate::mask::check_size(mask, [w, h])?;
    let mut out = Image::zeros(image.batch().max(mask.batch()), h, w, 4)?;
    for (i, result) in out.data_mut().chunks_exact_mut(w * h * 4).enumerate() {
        let pixels = cycled(image, i).chunks_exact(c).zip(cycled_mask(mask, i));
        for (target, (p, m)) in result.as_chunks_mut::<4>().0.iter_mut().zip(pixels) {
            *target = [p[0], p[1], p[2], clean(*m)];
        }
    }
    Ok(out)
}

/// Red, green and blue times alpha; a picture without alpha stays as it is.
///
/// # Errors
/// Never for a valid picture.
pub fn premultiply(image: &Image) -> Result<Image, PixelError> {
    if !image.has_alpha() {
        return Ok(image.clone());
    }
    let weighted = image.data().as_chunks::<4>().0.iter().flat_map(|&[r, g, b, a]| [r * a, g * a, b * a, a]);
    like(image, weighted.collect())
}

/// Red, green and blue divided by alpha, black where nothing is left of it.
pub fn unpremultiply(image: &mut Image) {
    if !image.has_alpha() {
        return;
    }
    for [r, g, b, a] in image.data_mut().as_chunks_mut::<4>().0 {
        let scale = if *a > 1e-5 { 1.0 / *a } else { 0.0 };
        (*r, *g, *b) = (*r * scale, *g * scale, *b * scale);
    }
}
