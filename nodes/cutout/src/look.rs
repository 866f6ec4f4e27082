//! What each network wants a picture to be like, and what becomes of its map: as rembg does it, and MODNet's authors.

use kiln_types::Mask;

use crate::cutout::{Depth, Kind};
use crate::error::CutoutError;
use crate::nets::modnet::GRAIN;
use crate::resample::{self, Filter};

/// MODNet's short side.
const SHORT: usize = 512;
/// MODNet's longest side: what is longer than this times the short one is squeezed.
const LONG: usize = 8 * SHORT;

/// A picture as a network takes it: planes of red, green and blue.
pub struct Seen {
    /// Red, then green, then blue.
    pub planes: Vec<f32>,
    /// Width and height.
    pub size: [usize; 2],
}

fn filter(kind: Kind) -> Filter {
    match kind {
        Kind::U2Net | Kind::IsNet => Filter::Lanczos,
        Kind::ModNet => Filter::Bilinear,
    }
}

/// The width and height a network sees a picture of this width and height at.
#[must_use]
pub fn size(kind: Kind, [w, h]: [usize; 2]) -> [usize; 2] {
    match kind {
        Kind::U2Net => [320; 2],
        Kind::IsNet => [1024; 2],
        Kind::ModNet => {
            let short = w.min(h).max(1);
            let side = |side: usize| (side * SHORT / short).min(LONG) / GRAIN * GRAIN;
            [side(w), side(h)]
        }
    }
}

/// A picture's colours (bytes, interleaved) as the network takes them.
#[must_use]
pub fn prepare(kind: Kind, colours: &[u8], from: [usize; 2]) -> Seen {
    let to = size(kind, from);
    let bytes = resample::bytes(filter(kind), colours, 3, from, to);
    // What a byte becomes: by the largest byte of the picture, not by 255.
    let most = f64::from(bytes.iter().copied().max().unwrap_or(0)).max(1e-6);
    let (mean, std) = match kind {
        Kind::U2Net => ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        Kind::IsNet => ([0.5; 3], [1.0; 3]),
        Kind::ModNet => ([127.5; 3], [127.5; 3]),
    };
    let scale = if kind == Kind::ModNet { 1.0 } else { most };
    let mut planes = Vec::with_capacity(bytes.len());
    for channel in 0..3 {
        let made: Vec<f32> =
            (0..=255_u8).map(|b| ((f64::from(b) / scale - mean[channel]) / std[channel]) as f32).collect();
        planes.extend(bytes.iter().skip(channel).step_by(3).map(|b| made[usize::from(*b)]));
    }
    Seen { planes, size: to }
}

/// The network's map as a matte of the picture's size.
///
/// # Errors
/// When the map is not made of numbers.
pub fn finish(
    kind: Kind,
    mut map: Vec<f32>,
    from: [usize; 2],
    to: [usize; 2],
    depth: Depth,
) -> Result<Mask, CutoutError> {
    if map.iter().any(|v| !v.is_finite()) {
        return Err(CutoutError::Picture(
            "the network's answer is not a number: the model's file may be damaged".into(),
        ));
    }
    if kind != Kind::ModNet {
        let (low, high) = map.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
        let range = high - low;
        // Without any difference nothing stands out.
        map.iter_mut().for_each(|v| *v = if range > 0.0 { (*v - low) / range } else { 0.0 });
    }
    let made = match depth {
        Depth::Bytes => {
            let bytes: Vec<u8> = map.iter().map(|v| (v.clamp(0.0, 1.0) * 255.0) as u8).collect();
            let bytes = resample::bytes(filter(kind), &bytes, 1, from, to);
            bytes.into_iter().map(kiln_pixels::samples::from_byte).collect()
        }
        Depth::Float => resample::floats(filter(kind), &map, from, to),
    };
    Ok(Mask::new(1, to[1], to[0], made)?)
}
