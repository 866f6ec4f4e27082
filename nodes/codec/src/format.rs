//! File formats, known by their content and not by their name.

use std::fmt;

use crate::error::CodecError;

/// A picture file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Portable Network Graphics (and animated APNG).
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    WebP,
    /// AV1 image file.
    Avif,
    /// GIF.
    Gif,
    /// TIFF.
    Tiff,
    /// Windows bitmap.
    Bmp,
    /// Truevision TGA.
    Tga,
    /// Windows icon.
    Ico,
    /// PBM, PGM, PPM, PAM.
    Pnm,
    /// Quite OK Image.
    Qoi,
    /// Radiance HDR.
    Hdr,
    /// `OpenEXR`.
    Exr,
    /// `DirectDraw` surface.
    Dds,
    /// Farbfeld.
    Farbfeld,
}

/// Format, name, extensions (the first is the one written), media type.
type Row = (Format, &'static str, &'static [&'static str], &'static str);

const TABLE: [Row; 15] = [
    (Format::Png, "PNG", &["png", "apng"], "image/png"),
    (Format::Jpeg, "JPEG", &["jpg", "jpeg", "jpe", "jfif"], "image/jpeg"),
    (Format::WebP, "WebP", &["webp"], "image/webp"),
    (Format::Avif, "AVIF", &["avif"], "image/avif"),
    (Format::Gif, "GIF", &["gif"], "image/gif"),
    (Format::Tiff, "TIFF", &["tiff", "tif"], "image/tiff"),
    (Format::Bmp, "BMP", &["bmp", "dib"], "image/bmp"),
    (Format::Tga, "TGA", &["tga"], "image/x-targa"),
    (Format::Ico, "ICO", &["ico"], "image/x-icon"),
    (Format::Pnm, "PNM", &["ppm", "pgm", "pbm", "pnm", "pam"], "image/x-portable-anymap"),
    (Format::Qoi, "QOI", &["qoi"], "image/qoi"),
    (Format::Hdr, "Radiance HDR", &["hdr"], "image/vnd.radiance"),
    (Format::Exr, "OpenEXR", &["exr"], "image/x-exr"),
    (Format::Dds, "DDS", &["dds"], "image/vnd-ms.dds"),
    (Format::Farbfeld, "farbfeld", &["ff"], "image/x-farbfeld"),
];

impl Format {
    /// Every format.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    fn row(self) -> &'static Row {
        TABLE.iter().find(|row| row.0 == self).unwrap_or(&TABLE[0])
    }

    /// The name people use.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }
    /// The usual file name ending, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        self.row().2[0]
    }
    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        self.row().3
    }
    /// The format a file name ending stands for, with or without the dot, in any case.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        let wanted = extension.trim_start_matches('.').to_ascii_lowercase();
        TABLE.iter().find(|row| row.2.contains(&wanted.as_str())).map(|row| row.0)
    }
    /// Whether this build writes it.
    #[must_use]
    pub fn can_write(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::WebP) || (self == Self::Avif && cfg!(feature = "avif"))
    }
    /// Whether this build reads it.
    #[must_use]
    pub fn can_read(self) -> bool {
        self.library().is_some() || (self == Self::Avif && cfg!(feature = "avif"))
    }

    /// The image library's name for it; `None` where it cannot read it.
    pub(crate) fn library(self) -> Option<image::ImageFormat> {
        use image::ImageFormat as F;
        Some(match self {
            Self::Png => F::Png,
            Self::Jpeg => F::Jpeg,
            Self::WebP => F::WebP,
            Self::Avif => return None,
            Self::Gif => F::Gif,
            Self::Tiff => F::Tiff,
            Self::Bmp => F::Bmp,
            Self::Tga => F::Tga,
            Self::Ico => F::Ico,
            Self::Pnm => F::Pnm,
            Self::Qoi => F::Qoi,
            Self::Hdr => F::Hdr,
            Self::Exr => F::OpenExr,
            Self::Dds => F::Dds,
            Self::Farbfeld => F::Farbfeld,
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The format of a file, by its first bytes.
///
/// # Errors
/// When nothing fits.
pub fn sniff(bytes: &[u8]) -> Result<Format, CodecError> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let found = if starts(b"\x89PNG\r\n\x1a\n") {
        Some(Format::Png)
    } else if starts(b"\xff\xd8\xff") {
        Some(Format::Jpeg)
    } else if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(Format::WebP)
    } else if bytes.get(4..8) == Some(b"ftyp") && is_avif(bytes) {
        Some(Format::Avif)
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        Some(Format::Gif)
    } else if starts(b"II*\0") || starts(b"MM\0*") || starts(b"II+\0") || starts(b"MM\0+") {
        Some(Format::Tiff)
    } else if starts(b"BM") && bytes.len() > 14 {
        Some(Format::Bmp)
    } else if starts(b"qoif") {
        Some(Format::Qoi)
    } else if starts(b"#?RADIANCE") || starts(b"#?RGBE") {
        Some(Format::Hdr)
    } else if starts(b"\x76\x2f\x31\x01") {
        Some(Format::Exr)
    } else if starts(b"DDS ") {
        Some(Format::Dds)
    } else if starts(b"farbfeld") {
        Some(Format::Farbfeld)
    } else if starts(&[0, 0, 1, 0]) && bytes.get(4..6).is_some_and(|n| n != [0, 0]) {
        Some(Format::Ico)
    } else if is_pnm(bytes) {
        Some(Format::Pnm)
    } else if is_tga(bytes) {
        Some(Format::Tga)
    } else {
        None
    };
    found.ok_or_else(|| {
        let start = match bytes {
            [] => "nothing: the file is empty".to_owned(),
            _ => format!("{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(12)])),
        };
        CodecError::Unknown { start }
    })
}

/// Whether one of the brands in the leading `ftyp` box is AVIF's.
fn is_avif(bytes: &[u8]) -> bool {
    let len = bytes.get(..4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes) as usize;
    let brands = bytes.get(8..len.min(bytes.len())).unwrap_or(&[]);
    brands.chunks_exact(4).any(|b| b == b"avif" || b == b"avis")
}

fn is_pnm(bytes: &[u8]) -> bool {
    matches!(bytes, [b'P', b'1'..=b'7', after, ..] if after.is_ascii_whitespace())
}

/// TGA has no signature at its start; a header where every field is one of the few that occur is taken for one.
fn is_tga(bytes: &[u8]) -> bool {
    let Some(head) = bytes.get(..18) else { return false };
    let sized = (head[12] | head[13]) != 0 && (head[14] | head[15]) != 0;
    let mapped = matches!(head[1..3], [1, 1 | 9]) && matches!(head[7], 15 | 16 | 24 | 32) && head[16] == 8;
    let plain = matches!(head[1..3], [0, 2 | 10]) && matches!(head[16], 15 | 16 | 24 | 32);
    let grey = matches!(head[1..3], [0, 3 | 11]) && matches!(head[16], 8 | 16);
    sized && (mapped || plain || grey) && head[17] & 0xc0 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for format in Format::all() {
            assert_eq!(Format::from_extension(format.extension()), Some(format));
        }
        assert_eq!(Format::from_extension(".JPEG"), Some(Format::Jpeg));
        assert_eq!(Format::from_extension("txt"), None);
    }

    #[test]
    fn text_is_not_a_picture() {
        for bytes in [&b""[..], b"hello", b"P1", b"BM", &[0, 0, 1, 0, 0, 0]] {
            assert!(matches!(sniff(bytes), Err(CodecError::Unknown { .. })), "{bytes:?}");
        }
    }
}
