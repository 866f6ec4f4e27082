//! Colours weighted by their alpha, and back.

use kiln_types::Image;

use crate::PixelError;
use crate::samples::like;

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
