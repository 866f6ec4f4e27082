//! Reading AVIF: the container's boxes, an AV1 decoder, and from luma and chroma to red, green and blue.

mod container;

use kiln_types::Image;
use re_rav1d::{Decoder, Error, Picture, PixelLayout, PlanarImageComponent, Settings, pixel::YUVRange};

use crate::{
    decode::{Decoded, Limits},
    error::CodecError,
    format::Format,
};

fn damaged(what: impl Into<String>) -> CodecError {
    CodecError::damaged(Format::Avif, what)
}

/// The picture in an AVIF file, turned and mirrored as the file says.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, CodecError> {
    let contents = container::read(bytes)?;
    if let Some([width, height]) = contents.size {
        limits.check(Format::Avif, width, height, 1)?;
    }
    let picture = av1(contents.color, limits)?;
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut rgb = colors(&picture, contents.matrix)?;
    let had_alpha = contents.alpha.is_some();
    let channels = if had_alpha { 4 } else { 3 };
    if let Some(data) = contents.alpha {
        let alpha = av1(data, limits)?;
        if (alpha.width(), alpha.height()) != (picture.width(), picture.height()) {
            return Err(damaged("its alpha is of another size"));
        }
        let plane = Plane::new(&alpha, PlanarImageComponent::Y, true)?;
        rgb = rgb
            .as_chunks::<3>()
            .0
            .iter()
            .enumerate()
            .flat_map(|(i, [r, g, b])| {
                let a = plane.at(i % width, i / width).clamp(0.0, 1.0);
                let weight = if contents.premultiplied && a > 0.0 { a } else { 1.0 };
                [(r / weight).min(1.0), (g / weight).min(1.0), (b / weight).min(1.0), a]
            })
            .collect();
    }
    let mut image = Image::new(1, height, width, channels, rgb)?;
    for _ in 0..contents.turns {
        image = remap(&image, image.height(), image.width(), |x, y| (image.width() - 1 - y, x))?;
    }
    match contents.mirror {
        Some(0) => image = remap(&image, image.width(), image.height(), |x, y| (x, image.height() - 1 - y))?,
        Some(_) => image = remap(&image, image.width(), image.height(), |x, y| (image.width() - 1 - x, y))?,
        None => {}
    }
    Ok(Decoded {
        image,
        format: Format::Avif,
        had_alpha,
        bits: if picture.bit_depth() > 8 { 16 } else { 8 },
        orientation: 1,
        was_linear: false,
        has_profile: contents.has_profile,
    })
}

/// The picture of another size whose pixel at x, y is the old one's at the place that `from` names.
fn remap(
    image: &Image,
    width: usize,
    height: usize,
    from: impl Fn(usize, usize) -> (usize, usize),
) -> Result<Image, CodecError> {
    let mut data = Vec::with_capacity(image.data().len());
    for y in 0..height {
        for x in 0..width {
            let (x, y) = from(x, y);
            data.extend_from_slice(image.pixel(0, y, x));
        }
    }
    Ok(Image::new(1, height, width, image.channels(), data)?)
}

fn av1(data: Vec<u8>, limits: &Limits) -> Result<Picture, CodecError> {
    let fail = |e: Error| match e {
        Error::NotEnoughMemory => {
            CodecError::TooLarge { format: Format::Avif, what: "its decoder ran out of memory".to_owned() }
        }
        other => damaged(format!("its decoder says: {other}")),
    };
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    // The decoder refuses larger frames before it takes memory for them.
    settings.set_frame_size_limit(u32::try_from(limits.max_pixels).unwrap_or(u32::MAX));
    let mut decoder = Decoder::with_settings(&settings).map_err(fail)?;
    if data.is_empty() {
        return Err(damaged("its picture is empty"));
    }
    match decoder.send_data(data, None, None, None) {
        Ok(()) | Err(Error::Again) => {}
        Err(e) => return Err(fail(e)),
    }
    let picture = decoder.get_picture().map_err(fail)?;
    limits.check(Format::Avif, picture.width(), picture.height(), 1)?;
    Ok(picture)
}

/// One plane of samples, brought to 0..1 (chroma: around 0).
struct Plane {
    bytes: re_rav1d::Plane,
    stride: usize,
    size: [usize; 2],
    wide: bool,
    scale: f32,
    offset: f32,
}

impl Plane {
    fn new(picture: &Picture, component: PlanarImageComponent, full: bool) -> Result<Self, CodecError> {
        let bits = picture.bits_per_component().map_or(8, |b| b.0);
        let wide = picture.bit_depth() > 8;
        if !(8..=16).contains(&bits) {
            return Err(damaged("its samples have an odd size"));
        }
        let (w, h) = (picture.width() as usize, picture.height() as usize);
        let chroma = component != PlanarImageComponent::Y;
        let size = match picture.pixel_layout() {
            PixelLayout::I420 if chroma => [w.div_ceil(2), h.div_ceil(2)],
            PixelLayout::I422 if chroma => [w.div_ceil(2), h],
            _ => [w, h],
        };
        let unit = (1_u32 << (bits - 8)) as f32;
        let largest = ((1_u32 << bits) - 1) as f32;
        let (scale, offset) = match (full, chroma) {
            (true, false) => (1.0 / largest, 0.0),
            (true, true) => (1.0 / largest, 128.0 * unit),
            (false, false) => (1.0 / (219.0 * unit), 16.0 * unit),
            (false, true) => (1.0 / (224.0 * unit), 128.0 * unit),
        };
        let stride = picture.stride(component) as usize;
        let bytes = picture.plane(component);
        let row = size[0] * if wide { 2 } else { 1 };
        if stride < row || bytes.len() < stride * (size[1] - 1) + row {
            return Err(damaged("its planes are too small"));
        }
        Ok(Self { bytes, stride, size, wide, scale, offset })
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        let raw = if self.wide {
            let i = y * self.stride + 2 * x;
            u16::from_ne_bytes([self.bytes[i], self.bytes[i + 1]])
        } else {
            u16::from(self.bytes[y * self.stride + x])
        };
        (f32::from(raw) - self.offset) * self.scale
    }

    /// The value for a pixel of the whole picture; between the samples of a coarser plane.
    fn between(&self, x: usize, y: usize, whole: [usize; 2]) -> f32 {
        let axis = |v: usize, size: usize, whole: usize| {
            if size == whole {
                return (v, v, 1.0);
            }
            // Samples stand in the middle of the two pixels they are for.
            let near = v / 2;
            let far = if v.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(size - 1) };
            (near.min(size - 1), far, 0.75)
        };
        let (x0, x1, fx) = axis(x, self.size[0], whole[0]);
        let (y0, y1, fy) = axis(y, self.size[1], whole[1]);
        let row = |y: usize| self.at(x0, y) * fx + self.at(x1, y) * (1.0 - fx);
        row(y0) * fy + row(y1) * (1.0 - fy)
    }
}

/// Red, green and blue, 0..1.
fn colors(picture: &Picture, told: Option<(u8, bool)>) -> Result<Vec<f32>, CodecError> {
    use re_rav1d::pixel::{MatrixCoefficients as M, ToPrimitive};

    let own = picture.matrix_coefficients();
    let (matrix, full) = told
        .unwrap_or((own.to_u8().unwrap_or(M::Unspecified as u8), picture.color_range() == YUVRange::Full));
    let whole = [picture.width() as usize, picture.height() as usize];
    let luma = Plane::new(picture, PlanarImageComponent::Y, full)?;
    let places = || (0..whole[1]).flat_map(|y| (0..whole[0]).map(move |x| (x, y)));
    if picture.pixel_layout() == PixelLayout::I400 {
        return Ok(places().flat_map(|(x, y)| [luma.at(x, y).clamp(0.0, 1.0); 3]).collect());
    }
    // Weights of red and blue in luma.
    let (kr, kb) = match matrix {
        0 => {
            // Green, blue and red as they are, all of them ranged like luma.
            let identity = |component| -> Result<Plane, CodecError> {
                let plane = Plane::new(picture, component, full)?;
                Ok(Plane { scale: luma.scale, offset: luma.offset, ..plane })
            };
            let [b, r] = [identity(PlanarImageComponent::U)?, identity(PlanarImageComponent::V)?];
            return Ok(places()
                .flat_map(|(x, y)| [r.between(x, y, whole), luma.at(x, y), b.between(x, y, whole)])
                .map(|v| v.clamp(0.0, 1.0))
                .collect());
        }
        1 => (0.2126, 0.0722),
        2 | 5 | 6 => (0.299, 0.114),
        4 => (0.30, 0.11),
        7 => (0.212, 0.087),
        9 => (0.2627, 0.0593),
        _ => {
            let remedy =
                "its colours are coded in an unusual way; convert the file to PNG or WebP".to_owned();
            return Err(CodecError::CannotRead { format: Format::Avif, remedy });
        }
    };
    let kg = 1.0 - kr - kb;
    let [cb, cr] = [PlanarImageComponent::U, PlanarImageComponent::V].map(|c| Plane::new(picture, c, full));
    let (cb, cr) = (cb?, cr?);
    let color = |(x, y)| {
        let (l, u, v) = (luma.at(x, y), cb.between(x, y, whole), cr.between(x, y, whole));
        let (r, b) = (l + 2.0 * (1.0 - kr) * v, l + 2.0 * (1.0 - kb) * u);
        [r, (l - kr * r - kb * b) / kg, b].map(|v: f32| v.clamp(0.0, 1.0))
    };
    Ok(places().flat_map(color).collect())
}
