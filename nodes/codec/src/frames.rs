//! All pictures of an animation.

use std::io::Cursor;

use image::{
    AnimationDecoder, ImageDecoder,
    codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder},
};
use kiln_types::Image;

use crate::{
    decode::{Limits, decode, guarded},
    error::CodecError,
    format::{Format, sniff},
};

/// The pictures of an animation, or the one picture of a still.
#[derive(Clone, Debug, PartialEq)]
pub struct Frames {
    /// The pictures, as one batch.
    pub image: Image,
    /// How long each is shown, in milliseconds; 0 for a still.
    pub delays_ms: Vec<u32>,
    /// The file's format.
    pub format: Format,
    /// Whether the pictures have alpha.
    pub had_alpha: bool,
}

/// Every picture of the GIF, WebP or APNG in `bytes` as one batch; other files give a batch of one.
///
/// # Errors
/// As [`decode`]; also when there are more pictures than `limits` allow.
pub fn decode_frames(bytes: &[u8], limits: &Limits) -> Result<Frames, CodecError> {
    let format = sniff(bytes)?;
    let moving = guarded(format, || match format {
        Format::Gif => {
            let mut decoder = GifDecoder::new(Cursor::new(bytes)).map_err(|e| fail(format, &e))?;
            prepare(&mut decoder, format, limits)?;
            collect(decoder.into_frames(), format, limits).map(Some)
        }
        Format::WebP => {
            crate::text::riff::is_whole(bytes)?;
            let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|e| fail(format, &e))?;
            if !decoder.has_animation() {
                return Ok(None);
            }
            prepare(&mut decoder, format, limits)?;
            collect(decoder.into_frames(), format, limits).map(Some)
        }
        Format::Png => {
            let mut decoder = PngDecoder::with_limits(Cursor::new(bytes), limits.library())
                .map_err(|e| fail(format, &e))?;
            if !decoder.is_apng().map_err(|e| fail(format, &e))? {
                return Ok(None);
            }
            prepare(&mut decoder, format, limits)?;
            let frames = decoder.apng().map_err(|e| fail(format, &e))?.into_frames();
            collect(frames, format, limits).map(Some)
        }
        _ => Ok(None),
    })?;
    if let Some(frames) = moving {
        return Ok(frames);
    }
    let still = decode(bytes, limits)?;
    Ok(Frames { image: still.image, delays_ms: vec![0], format, had_alpha: still.had_alpha })
}

fn fail(format: Format, error: &image::ImageError) -> CodecError {
    CodecError::from_library(format, error)
}

fn prepare(decoder: &mut impl ImageDecoder, format: Format, limits: &Limits) -> Result<(), CodecError> {
    decoder.set_limits(limits.library()).map_err(|e| fail(format, &e))?;
    let (width, height) = decoder.dimensions();
    limits.check(format, width, height, 1)
}

fn collect(frames: image::Frames<'_>, format: Format, limits: &Limits) -> Result<Frames, CodecError> {
    let mut delays_ms = Vec::new();
    let mut bytes: Vec<u8> = Vec::new();
    let mut size = None;
    for frame in frames {
        let frame = frame.map_err(|e| fail(format, &e))?;
        let (numerator, denominator) = frame.delay().numer_denom_ms();
        let this = frame.buffer().dimensions();
        if delays_ms.len() == limits.max_frames {
            let what = format!("more than {} pictures in the animation", limits.max_frames);
            return Err(CodecError::TooLarge { format, what });
        }
        if *size.get_or_insert(this) != this {
            return Err(CodecError::damaged(format, "the animation's pictures differ in size"));
        }
        limits.check(format, this.0, this.1, delays_ms.len() as u64 + 1)?;
        bytes.extend_from_slice(frame.buffer().as_raw());
        delays_ms.push(numerator / denominator.max(1));
    }
    let (width, height) = size.ok_or_else(|| CodecError::damaged(format, "no picture in it"))?;
    let had_alpha = bytes.chunks_exact(4).any(|p| p[3] != 255);
    let channels = if had_alpha { 4 } else { 3 };
    let data =
        bytes.chunks_exact(4).flat_map(|p| p[..channels].iter().map(|v| f32::from(*v) / 255.0)).collect();
    let image = Image::new(delays_ms.len(), height as usize, width as usize, channels, data)?;
    Ok(Frames { image, delays_ms, format, had_alpha })
}
