//! One picture of a batch to a file's bytes.

#[cfg(feature = "avif")]
mod avif;

use image::{ExtendedColorType, ImageEncoder};
use kiln_types::{Color, Image};

use crate::{
    error::CodecError,
    format::Format,
    quantise::{Rounding, to_u8, to_u16},
};

/// Bits of each sample in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// 8 bits.
    #[default]
    Eight,
    /// 16 bits; PNG only.
    Sixteen,
}

/// How JPEG stores colour: at the full size of the picture, or coarser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chroma {
    /// Full size, 4:4:4.
    Full,
    /// Half the width, 4:2:2.
    Half,
    /// Half the width and height, 4:2:0, as cameras and Pillow do.
    #[default]
    Quarter,
}

/// How to write a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct SaveOptions {
    /// The file format.
    pub format: Format,
    /// Bits of each sample.
    pub depth: Depth,
    /// Effort of PNG's compression, 0 (none) to 9 (smallest).
    pub compression: u8,
    /// Quality of JPEG and AVIF, 1 to 100.
    pub quality: u8,
    /// Whether to keep every sample; WebP is written no other way.
    pub lossless: bool,
    /// Colour resolution of JPEG.
    pub chroma: Chroma,
    /// What shows through where a picture with alpha goes into a format without (JPEG).
    pub background: Color,
    /// Speed of AVIF, 1 (slow, small) to 10.
    pub speed: u8,
    /// How samples become whole numbers.
    pub rounding: Rounding,
}

impl SaveOptions {
    /// The usual options for a format.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            depth: Depth::Eight,
            compression: 4,
            quality: 90,
            lossless: true,
            chroma: Chroma::Quarter,
            background: Color::WHITE,
            speed: 6,
            rounding: Rounding::Round,
        }
    }

    fn check(&self) -> Result<(), CodecError> {
        if self.compression > 9 {
            return Err(CodecError::option("compression", format!("0 to 9, not {}", self.compression)));
        }
        if !(1..=100).contains(&self.quality) {
            return Err(CodecError::option("quality", format!("1 to 100, not {}", self.quality)));
        }
        if !(1..=10).contains(&self.speed) {
            return Err(CodecError::option("speed", format!("1 to 10, not {}", self.speed)));
        }
        if self.depth == Depth::Sixteen && self.format != Format::Png {
            return Err(CodecError::option(
                "depth",
                format!("8 for {}; only PNG holds 16 bits", self.format),
            ));
        }
        let Color { r, g, b, .. } = self.background;
        if ![r, g, b].iter().all(|v| (0.0..=1.0).contains(v)) {
            return Err(CodecError::option("background", "a colour with parts between 0 and 1"));
        }
        Ok(())
    }
}

/// Picture `frame_index` of the batch as the bytes of a file; the same picture gives the same bytes.
///
/// # Errors
/// When an option is out of range, the picture is not in the batch, or the format cannot hold it.
pub fn encode(image: &Image, frame_index: usize, options: &SaveOptions) -> Result<Vec<u8>, CodecError> {
    options.check()?;
    if frame_index >= image.batch() {
        let what = format!("below {}, the pictures in the batch, not {frame_index}", image.batch());
        return Err(CodecError::option("frame", what));
    }
    match options.format {
        Format::Png => png(image, frame_index, options),
        Format::Jpeg => jpeg(image, frame_index, options),
        Format::WebP => webp(image, frame_index, options),
        #[cfg(feature = "avif")]
        Format::Avif => avif::encode(image, frame_index, options),
        #[cfg(not(feature = "avif"))]
        Format::Avif => Err(CodecError::CannotWrite {
            format: Format::Avif,
            remedy: "this build leaves AVIF out; build it with the feature \"avif\", or save as WebP"
                .to_owned(),
        }),
        format => {
            Err(CodecError::CannotWrite { format, remedy: "save as PNG, JPEG, WebP or AVIF".to_owned() })
        }
    }
}

/// Width and height, when the format holds pictures of that size.
fn size(image: &Image, format: Format, longest: u32) -> Result<(u32, u32), CodecError> {
    let side = |v: usize| u32::try_from(v).ok().filter(|v| *v <= longest);
    side(image.width()).zip(side(image.height())).ok_or_else(|| CodecError::CannotWrite {
        format,
        remedy: format!(
            "{}x{} pixels, and no side may be longer than {longest}; scale the picture down or save as PNG",
            image.width(),
            image.height()
        ),
    })
}

fn failed(format: Format, error: impl std::fmt::Display) -> CodecError {
    CodecError::CannotWrite { format, remedy: error.to_string() }
}

fn png(image: &Image, index: usize, options: &SaveOptions) -> Result<Vec<u8>, CodecError> {
    use image::codecs::png::{CompressionType, FilterType, PngEncoder};

    let (width, height) = size(image, Format::Png, 1 << 16)?;
    let (samples, color) = match (options.depth, image.has_alpha()) {
        (Depth::Eight, false) => (to_u8(image.frame(index), options.rounding), ExtendedColorType::Rgb8),
        (Depth::Eight, true) => (to_u8(image.frame(index), options.rounding), ExtendedColorType::Rgba8),
        (Depth::Sixteen, alpha) => {
            let words = to_u16(image.frame(index), options.rounding);
            // The library takes 16-bit samples in the machine's own order.
            let bytes = words.iter().flat_map(|v| v.to_ne_bytes()).collect();
            (bytes, if alpha { ExtendedColorType::Rgba16 } else { ExtendedColorType::Rgb16 })
        }
    };
    let effort = match options.compression {
        0 => CompressionType::Uncompressed,
        level => CompressionType::Level(level),
    };
    let mut out = Vec::new();
    PngEncoder::new_with_quality(&mut out, effort, FilterType::Adaptive)
        .write_image(&samples, width, height, color)
        .map_err(|e| failed(Format::Png, e))?;
    Ok(out)
}

fn webp(image: &Image, index: usize, options: &SaveOptions) -> Result<Vec<u8>, CodecError> {
    if !options.lossless {
        return Err(CodecError::CannotWrite {
            format: Format::WebP,
            remedy: "only lossless WebP is written; choose lossless, or JPEG or AVIF for small files"
                .to_owned(),
        });
    }
    let (width, height) = size(image, Format::WebP, 16383)?;
    let samples = to_u8(image.frame(index), options.rounding);
    let color = if image.has_alpha() { ExtendedColorType::Rgba8 } else { ExtendedColorType::Rgb8 };
    let mut out = Vec::new();
    image::codecs::webp::WebPEncoder::new_lossless(&mut out)
        .write_image(&samples, width, height, color)
        .map_err(|e| failed(Format::WebP, e))?;
    Ok(out)
}

fn jpeg(image: &Image, index: usize, options: &SaveOptions) -> Result<Vec<u8>, CodecError> {
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

    let (width, height) = size(image, Format::Jpeg, 65535)?;
    let (Ok(width), Ok(height)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(failed(Format::Jpeg, "a side is too long"));
    };
    let frame = image.frame(index);
    let flat;
    let samples = if image.has_alpha() {
        flat = over(frame, options.background);
        to_u8(&flat, options.rounding)
    } else {
        to_u8(frame, options.rounding)
    };
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, options.quality);
    encoder.set_sampling_factor(match options.chroma {
        Chroma::Full => SamplingFactor::F_1_1,
        Chroma::Half => SamplingFactor::F_2_1,
        Chroma::Quarter => SamplingFactor::F_2_2,
    });
    encoder.encode(&samples, width, height, ColorType::Rgb).map_err(|e| failed(Format::Jpeg, e))?;
    Ok(out)
}

/// A picture with alpha on a plain colour.
fn over(frame: &[f32], background: Color) -> Vec<f32> {
    let behind = [background.r, background.g, background.b];
    frame
        .chunks_exact(4)
        .flat_map(|p| {
            let alpha = p[3].clamp(0.0, 1.0);
            [0, 1, 2].map(|c| p[c] * alpha + behind[c] * (1.0 - alpha))
        })
        .collect()
}
