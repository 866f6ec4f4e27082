//! AVIF, through an AV1 encoder.

use kiln_types::Image;
use ravif::{BitDepth, Encoder, Img, RGB8, RGBA8};

use super::{SaveOptions, failed, size};
use crate::{error::CodecError, format::Format, quantise::to_u8};

/// The encoder cuts a picture into as many tiles as it has threads, and tiles show in the bytes:
/// the number is fixed, whatever the machine has.
const THREADS: usize = 4;

pub(crate) fn encode(image: &Image, index: usize, options: &SaveOptions) -> Result<Vec<u8>, CodecError> {
    size(image, Format::Avif, 1 << 16)?;
    let (width, height) = (image.width(), image.height());
    let quality = f32::from(options.quality);
    let encoder = Encoder::new()
        .with_quality(quality)
        .with_alpha_quality(quality)
        .with_speed(options.speed)
        .with_bit_depth(BitDepth::Eight)
        .with_num_threads(Some(THREADS));
    let bytes = to_u8(image.frame(index), options.rounding);
    let encoded = if image.has_alpha() {
        let pixels: Vec<RGBA8> =
            bytes.chunks_exact(4).map(|p| RGBA8 { r: p[0], g: p[1], b: p[2], a: p[3] }).collect();
        encoder.encode_rgba(Img::new(&pixels, width, height))
    } else {
        let pixels: Vec<RGB8> = bytes.chunks_exact(3).map(|p| RGB8 { r: p[0], g: p[1], b: p[2] }).collect();
        encoder.encode_rgb(Img::new(&pixels, width, height))
    };
    Ok(encoded.map_err(|e| failed(Format::Avif, e))?.avif_file)
}
