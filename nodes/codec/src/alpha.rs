//! The mask a picture's alpha stands for.

use kiln_types::{Image, Mask};

use crate::error::CodecError;

/// 1 - alpha, as `ComfyUI`'s LoadImage gives it: 1 where the picture is transparent; `None` without alpha.
///
/// # Errors
/// Only when the sizes do not make a mask, which a picture's always do.
pub fn alpha_mask(image: &Image) -> Result<Option<Mask>, CodecError> {
    if !image.has_alpha() {
        return Ok(None);
    }
    let data = image.data().chunks_exact(4).map(|p| 1.0 - p[3]).collect();
    Ok(Some(Mask::new(image.batch(), image.height(), image.width(), data)?))
}
