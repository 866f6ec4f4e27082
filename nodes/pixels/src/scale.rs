//! Resizing by a rule instead of a size: a factor, a side, a number of pixels.

use kiln_types::Image;

use crate::PixelError;
use crate::resample::{Crop, Method, fit, resize};
use crate::samples::round_size;

/// Pixels in a megapixel, as the picture models count them.
const MEGAPIXEL: f64 = 1024.0 * 1024.0;

/// The sides of a picture of `from` where a side asked for as 0 follows from the other so that the
/// shape is kept; both 0 keep the size.
#[must_use]
pub fn size_keeping_shape(from: [usize; 2], width: usize, height: usize) -> [usize; 2] {
    let [w, h] = from.map(|v| v as f64);
    match (width, height) {
        (0, 0) => from,
        (0, _) => [round_size(w * height as f64 / h).max(1), height],
        (_, 0) => [width, round_size(h * width as f64 / w).max(1)],
        _ => [width, height],
    }
}

/// The picture at `width` x `height`; a side of 0 follows from the other, both 0 leave it as it is.
///
/// # Errors
/// When the size is too large.
pub fn scale(
    image: &Image,
    width: usize,
    height: usize,
    method: Method,
    crop: Crop,
) -> Result<Image, PixelError> {
    if width == 0 && height == 0 {
        return Ok(image.clone());
    }
    let [w, h] = size_keeping_shape([image.width(), image.height()], width, height);
    fit(image, w, h, method, crop)
}

/// The picture `factor` times as wide and high.
///
/// # Errors
/// When the factor is not above zero or the size becomes empty or too large.
pub fn scale_by(image: &Image, factor: f64, method: Method) -> Result<Image, PixelError> {
    if !(factor > 0.0 && factor.is_finite()) {
        return Err(PixelError::parameter("factor", "a number above 0"));
    }
    let [w, h] = [image.width(), image.height()].map(|v| round_size(v as f64 * factor));
    resize(image, w, h, method)
}

/// The picture with about `megapixels` x 1024 x 1024 pixels, its sides multiples of `multiple`.
///
/// # Errors
/// When a parameter is not above zero or the size becomes empty or too large.
pub fn scale_to_megapixels(
    image: &Image,
    megapixels: f64,
    multiple: usize,
    method: Method,
) -> Result<Image, PixelError> {
    if !(megapixels > 0.0 && megapixels.is_finite()) {
        return Err(PixelError::parameter("megapixels", "a number above 0"));
    }
    if multiple == 0 || multiple > 1 << 16 {
        return Err(PixelError::parameter("multiple", "within 1 to 65536"));
    }
    let [w, h] = [image.width() as f64, image.height() as f64];
    let factor = (megapixels * MEGAPIXEL / (w * h)).sqrt();
    let [w, h] = [w, h].map(|v| round_size(v * factor / multiple as f64).saturating_mul(multiple));
    resize(image, w, h, method)
}

/// The picture with its longer side `side` pixels long.
///
/// # Errors
/// When the size becomes empty or too large.
pub fn scale_longest(image: &Image, side: usize, method: Method) -> Result<Image, PixelError> {
    let (w, h) = (image.width() as f64, image.height() as f64);
    let [w, h] = if h > w {
        [round_size(w / h * side as f64), side]
    } else if w > h {
        [side, round_size(h / w * side as f64)]
    } else {
        [side, side]
    };
    resize(image, w, h, method)
}

/// The picture with its shorter side `side` pixels long.
///
/// # Errors
/// When the size becomes empty or too large.
pub fn scale_shortest(image: &Image, side: usize, method: Method) -> Result<Image, PixelError> {
    let (w, h) = (image.width() as f64, image.height() as f64);
    let [w, h] =
        if h < w { [round_size(w / h * side as f64), side] } else { [side, round_size(h / w * side as f64)] };
    resize(image, w, h, method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_give_the_sizes_they_name() {
        let image = Image::zeros(1, 96, 160, 3).unwrap();
        let size = |i: Result<Image, PixelError>| i.map(|i| [i.width(), i.height()]).ok();
        let m = Method::NearestExact;
        assert_eq!(size(scale(&image, 0, 48, m, Crop::Disabled)), Some([80, 48]));
        assert_eq!(size(scale(&image, 1, 0, m, Crop::Center)), Some([1, 1]));
        assert_eq!(size(scale(&image, 0, 0, m, Crop::Center)), Some([160, 96]));
        assert_eq!(size(scale_by(&image, 1.37, m)), Some([219, 132]));
        assert_eq!(size(scale_by(&image, f64::NAN, m)), None);
        assert_eq!(size(scale_by(&image, 1e300, m)), None);
        assert_eq!(size(scale_to_megapixels(&image, 0.05, 1, m)), Some([296, 177]));
        assert_eq!(size(scale_to_megapixels(&image, 0.05, 8, m)), Some([296, 176]));
        assert_eq!(size(scale_longest(&image, 64, m)), Some([64, 38]));
        assert_eq!(size(scale_shortest(&image, 48, m)), Some([80, 48]));
    }
}
