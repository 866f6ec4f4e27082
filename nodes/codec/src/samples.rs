//! From the image library's buffers to f32 samples with 3 or 4 channels.

use image::DynamicImage;
use kiln_types::Image;

use crate::error::CodecError;

/// The largest value a linear-light sample may bring along (the largest half float).
const LARGEST: f32 = 65504.0;

/// One picture's samples: grey becomes three equal channels, whole numbers are divided by their largest.
pub(crate) fn to_image(picture: DynamicImage, linear: bool) -> Result<Image, CodecError> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (channels, mut data) = match picture {
        DynamicImage::ImageLuma8(p) => grey(p.as_raw(), 1, unit8),
        DynamicImage::ImageLumaA8(p) => grey(p.as_raw(), 2, unit8),
        DynamicImage::ImageRgb8(p) => (3, p.as_raw().iter().map(|v| unit8(*v)).collect()),
        DynamicImage::ImageRgba8(p) => (4, p.as_raw().iter().map(|v| unit8(*v)).collect()),
        DynamicImage::ImageLuma16(p) => grey(p.as_raw(), 1, unit16),
        DynamicImage::ImageLumaA16(p) => grey(p.as_raw(), 2, unit16),
        DynamicImage::ImageRgb16(p) => (3, p.as_raw().iter().map(|v| unit16(*v)).collect()),
        DynamicImage::ImageRgba16(p) => (4, p.as_raw().iter().map(|v| unit16(*v)).collect()),
        DynamicImage::ImageRgb32F(p) => (3, p.into_raw()),
        DynamicImage::ImageRgba32F(p) => (4, p.into_raw()),
        other if other.color().has_alpha() => (4, other.into_rgba32f().into_raw()),
        other => (3, other.into_rgb32f().into_raw()),
    };
    // Files may carry NaN and infinities; one of them would spread through every blur.
    for v in &mut data {
        *v = if v.is_nan() { 0.0 } else { v.clamp(-LARGEST, LARGEST) };
    }
    if linear {
        for pixel in data.chunks_exact_mut(channels) {
            for v in &mut pixel[..3] {
                *v = srgb_from_linear(*v);
            }
        }
    }
    Ok(Image::new(1, height, width, channels, data)?)
}

fn unit8(v: u8) -> f32 {
    f32::from(v) / 255.0
}

fn unit16(v: u16) -> f32 {
    f32::from(v) / 65535.0
}

fn grey<T: Copy>(raw: &[T], channels: usize, unit: fn(T) -> f32) -> (usize, Vec<f32>) {
    let out = raw
        .chunks_exact(channels)
        .flat_map(|p| {
            let v = unit(p[0]);
            [v, v, v].into_iter().chain(p.get(1).map(|a| unit(*a)))
        })
        .collect();
    (channels + 2, out)
}

/// The sRGB code of a linear-light value, continued past 1 and mirrored below 0.
fn srgb_from_linear(v: f32) -> f32 {
    let x = f64::from(v.abs());
    let coded = if x <= 0.003_130_8 { 12.92 * x } else { 1.055 * libm::pow(x, 1.0 / 2.4) - 0.055 };
    (coded as f32).copysign(v)
}
