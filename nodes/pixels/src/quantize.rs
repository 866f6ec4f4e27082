//! Pictures reduced to few colours, with or without dithering, on 8-bit samples.

use kiln_types::Image;

use crate::PixelError;
use crate::median_cut;
use crate::named::named;
use crate::samples::{from_byte, to_byte};

named! {
    /// How the colours between those of the palette are imitated.
    pub enum Dither {
        /// Not at all.
        None = "none",
        /// What a pixel misses is handed to those after it.
        FloydSteinberg = "floyd-steinberg",
        /// A regular pattern of 2 x 2 pixels.
        Bayer2 = "bayer-2",
        /// A regular pattern of 4 x 4 pixels.
        Bayer4 = "bayer-4",
        /// A regular pattern of 8 x 8 pixels.
        Bayer8 = "bayer-8",
        /// A regular pattern of 16 x 16 pixels.
        Bayer16 = "bayer-16",
    }
}

type Rgb = [u8; 3];

/// Finds palette colours. Colours are told apart by their upper six bits a channel, and what was
/// found once is remembered.
struct Finder<'a> {
    palette: &'a [Rgb],
    /// One entry for each of 64 x 64 x 64 colours; 256 is not yet looked for.
    found: Vec<u16>,
}

impl<'a> Finder<'a> {
    fn new(palette: &'a [Rgb]) -> Self {
        Self { palette, found: vec![256; 1 << 18] }
    }

    fn nearest(&mut self, color: Rgb) -> Rgb {
        let [r, g, b] = color.map(|v| usize::from(v >> 2));
        let slot = (r << 12) | (g << 6) | b;
        if self.found[slot] == 256 {
            let wanted = color.map(|v| i32::from(v & 0xfc));
            let distance = |c: &Rgb| -> i32 {
                c.iter().zip(wanted).map(|(c, w)| (i32::from(*c) - w) * (i32::from(*c) - w)).sum()
            };
            // The first of equals, as `min_by_key` gives it.
            let best = self.palette.iter().enumerate().min_by_key(|(_, c)| distance(c)).map_or(0, |(i, _)| i);
            self.found[slot] = best as u16;
        }
        self.palette.get(usize::from(self.found[slot])).copied().unwrap_or_default()
    }
}

/// What pixels missed, carried on in whole numbers: sixteenths go 7 right, 3, 5 and 1 below.
fn floyd_steinberg(pixels: &mut [Rgb], width: usize, finder: &mut Finder<'_>) {
    // Entry x + 1 is what the row above leaves for pixel x.
    let mut errors = vec![[0_i32; 3]; width + 1];
    for row in pixels.chunks_exact_mut(width) {
        let (mut right, mut below_left, mut below) = ([0_i32; 3], [0_i32; 3], [0_i32; 3]);
        for (x, pixel) in row.iter_mut().enumerate() {
            let mut wanted = [0_i32; 3];
            for k in 0..3 {
                wanted[k] = (i32::from(pixel[k]) + (right[k] + errors[x + 1][k]) / 16).clamp(0, 255);
            }
            let color = finder.nearest(wanted.map(|v| v as u8));
            for k in 0..3 {
                let missed = wanted[k] - i32::from(color[k]);
                errors[x][k] = below_left[k] + 3 * missed;
                below_left[k] = below[k] + 5 * missed;
                below[k] = missed;
                right[k] = 7 * missed;
            }
            *pixel = color;
        }
        // Beyond the last pixel every channel carries what blue missed: the 8-bit tools whose dithered
        // pictures these must equal do so.
        errors[width] = [below_left[2], below[2], below[2]];
    }
}

/// The pattern of side `2^order` with thresholds spread evenly around 0, within half a unit.
fn bayer(order: u32) -> Vec<Vec<f32>> {
    let mut pattern = vec![vec![0.0_f32]];
    let mut q = 1.0_f32;
    for _ in 0..order {
        q *= 4.0;
        let n = pattern.len();
        let mut next = vec![vec![0.0; 2 * n]; 2 * n];
        for (y, row) in next.iter_mut().enumerate() {
            for (x, v) in row.iter_mut().enumerate() {
                let offset = match (y / n, x / n) {
                    (0, 0) => -1.5,
                    (0, _) => 0.5,
                    (_, 0) => 1.5,
                    _ => -0.5,
                };
                *v = (q * pattern[y % n][x % n] + offset) / q;
            }
        }
        pattern = next;
    }
    pattern
}

fn ordered(pixels: &mut [Rgb], width: usize, order: u32, finder: &mut Finder<'_>) {
    let spread = 2.0 * 256.0 / finder.palette.len() as f32;
    let pattern = bayer(order);
    let side = pattern.len();
    for (y, row) in pixels.chunks_exact_mut(width).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let shift = spread * pattern[y % side][x % side] + 0.5;
            *pixel = finder.nearest(pixel.map(|v| (f32::from(v) + shift).clamp(0.0, 255.0) as u8));
        }
    }
}

/// Each picture with at most `colors` (1 to 256) colours, chosen by median cut. Alpha stays as it is.
///
/// # Errors
/// When the number of colours is out of range.
pub fn quantize(image: &Image, colors: usize, dither: Dither) -> Result<Image, PixelError> {
    if colors == 0 || colors > 256 {
        return Err(PixelError::parameter("colors", "within 1 to 256"));
    }
    let mut out = image.clone();
    let (w, c, len) = (image.width(), image.channels(), image.frame_len());
    for frame in out.data_mut().chunks_exact_mut(len) {
        let mut pixels: Vec<Rgb> =
            frame.chunks_exact(c).map(|p| [to_byte(p[0]), to_byte(p[1]), to_byte(p[2])]).collect();
        let palette = median_cut::palette(&pixels, colors);
        let mut finder = Finder::new(&palette);
        match dither {
            Dither::None => pixels.iter_mut().for_each(|p| *p = finder.nearest(*p)),
            Dither::FloydSteinberg => floyd_steinberg(&mut pixels, w, &mut finder),
            Dither::Bayer2 => ordered(&mut pixels, w, 1, &mut finder),
            Dither::Bayer4 => ordered(&mut pixels, w, 2, &mut finder),
            Dither::Bayer8 => ordered(&mut pixels, w, 3, &mut finder),
            Dither::Bayer16 => ordered(&mut pixels, w, 4, &mut finder),
        }
        for (target, pixel) in frame.chunks_exact_mut(c).zip(pixels) {
            target[..3].copy_from_slice(&pixel.map(from_byte));
        }
    }
    Ok(out)
}
