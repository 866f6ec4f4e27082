//! One picture from a file's bytes.

use std::{
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

use image::{DynamicImage, ImageDecoder, ImageReader};
use kiln_types::Image;

use crate::{
    error::CodecError,
    format::{Format, sniff},
    samples::to_image,
};

/// How much a file may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pixels of one picture.
    pub max_pixels: u64,
    /// Bytes of memory, for the decoder's work and for the samples that come out.
    pub max_bytes: u64,
    /// Pictures taken from an animation.
    pub max_frames: usize,
}

impl Default for Limits {
    /// 256 million pixels, 6 GiB, 1000 pictures.
    fn default() -> Self {
        Self { max_pixels: 1 << 28, max_bytes: 6 << 30, max_frames: 1000 }
    }
}

impl Limits {
    /// An error when a picture of this size in f32 is not allowed.
    pub(crate) fn check(
        &self,
        format: Format,
        width: u32,
        height: u32,
        frames: u64,
    ) -> Result<(), CodecError> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.max_pixels {
            let what = format!("{width}x{height} are {pixels} pixels, {} are allowed", self.max_pixels);
            return Err(CodecError::TooLarge { format, what });
        }
        let bytes = pixels.saturating_mul(frames).saturating_mul(16);
        if bytes > self.max_bytes {
            let what =
                format!("{frames} of {width}x{height} take {bytes} bytes, {} are allowed", self.max_bytes);
            return Err(CodecError::TooLarge { format, what });
        }
        Ok(())
    }

    /// The same in the image library's words.
    pub(crate) fn library(&self) -> image::Limits {
        let mut limits = image::Limits::default();
        limits.max_alloc = Some(self.max_bytes);
        limits.max_image_width = Some(1 << 16);
        limits.max_image_height = Some(1 << 16);
        limits
    }
}

/// A picture and what the file said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The picture, upright, a batch of one.
    pub image: Image,
    /// The file's format.
    pub format: Format,
    /// Whether the file has an alpha channel; then the picture has four channels.
    pub had_alpha: bool,
    /// Bits of each sample in the file: 8, 16 or 32 (float).
    pub bits: u8,
    /// The EXIF orientation, 1 to 8, that has been applied.
    pub orientation: u8,
    /// Whether the samples were linear light (HDR, EXR) and have been coded as sRGB.
    pub was_linear: bool,
    /// Whether a colour profile came along; it is not applied.
    pub has_profile: bool,
}

/// The picture in `bytes`, of whatever format they are; of an animation, the first.
///
/// # Errors
/// When the bytes are no picture, are damaged, or ask for more than `limits` allow.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, CodecError> {
    let format = sniff(bytes)?;
    guarded(format, || match format {
        #[cfg(feature = "avif")]
        Format::Avif => crate::avif::decode(bytes, limits),
        _ => decode_as(bytes, format, limits),
    })
}

/// Runs a decoder so that a bug of it, met by a hostile file, ends as an error and not as the end of a run.
pub(crate) fn guarded<T>(
    format: Format,
    work: impl FnOnce() -> Result<T, CodecError>,
) -> Result<T, CodecError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(CodecError::damaged(format, "its decoder gave up on it")))
}

/// The image library's name, or why there is none.
pub(crate) fn readable(format: Format) -> Result<image::ImageFormat, CodecError> {
    format.library().ok_or_else(|| CodecError::CannotRead {
        format,
        remedy: format!(
            "{format} files can be written here, not read; convert the file to PNG or WebP first"
        ),
    })
}

fn decode_as(bytes: &[u8], format: Format, limits: &Limits) -> Result<Decoded, CodecError> {
    let library = readable(format)?;
    if format == Format::Jpeg {
        jpeg_is_whole(bytes)?;
    }
    if format == Format::Exr {
        crate::exr::header_fits(bytes, limits)?;
    }
    if format == Format::WebP {
        crate::text::riff::is_whole(bytes)?;
    }
    let fail = |e: image::ImageError| CodecError::from_library(format, &e);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), library);
    reader.limits(limits.library());
    let mut decoder = reader.into_decoder().map_err(fail)?;
    let (width, height) = decoder.dimensions();
    limits.check(format, width, height, 1)?;
    // A damaged orientation or profile is no reason to refuse the picture.
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let has_profile = matches!(decoder.icc_profile(), Ok(Some(_)));
    let mut picture = DynamicImage::from_decoder(decoder).map_err(fail)?;
    picture.apply_orientation(orientation);
    // GIF has no alpha channel, only a colour that stands for "nothing"; the library always adds one.
    if format == Format::Gif && picture.as_rgba8().is_some_and(|p| p.pixels().all(|p| p.0[3] == 255)) {
        picture = DynamicImage::ImageRgb8(picture.into_rgb8());
    }
    let color = picture.color();
    let was_linear = matches!(format, Format::Hdr | Format::Exr);
    let had_alpha = color.has_alpha();
    let bits = u8::try_from(color.bits_per_pixel() / u16::from(color.channel_count())).unwrap_or(8);
    let image = to_image(picture, was_linear)?;
    let orientation = orientation.to_exif();
    Ok(Decoded { image, format, had_alpha, bits, orientation, was_linear, has_profile })
}

/// A JPEG cut short decodes to a picture that is grey below; the missing end mark tells.
fn jpeg_is_whole(bytes: &[u8]) -> Result<(), CodecError> {
    let cut = || CodecError::damaged(Format::Jpeg, "it is cut short");
    let mut at = 2;
    // Thumbnails inside segments have end marks of their own, so segments are walked up to the scan.
    loop {
        match bytes.get(at..at + 2).ok_or_else(cut)? {
            [0xff, 0xff] => at += 1,
            [0xff, 0xda] => break,
            [0xff, 0x01 | 0xd0..=0xd8] => at += 2,
            [0xff, _] => {
                let len = bytes.get(at + 2..at + 4).ok_or_else(cut)?;
                at += 2 + usize::from(u16::from_be_bytes([len[0], len[1]])).max(2);
            }
            _ => return Err(CodecError::damaged(Format::Jpeg, "a segment does not start where it should")),
        }
    }
    if bytes[at..].windows(2).any(|w| w == [0xff, 0xd9]) { Ok(()) } else { Err(cut()) }
}
