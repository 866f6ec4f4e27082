//! Turning, scaling and moving a picture by any amount.

use kiln_types::{Color, Image};

use crate::PixelError;
use crate::alpha::{premultiply, unpremultiply};
use crate::pad::Fill;
use crate::samples::reflect;

/// What maps a place of the result to a place of the picture, in pixels from the middle of each:
/// `x' = a x + b y + c`, `y' = d x + e y + f`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// The factors `a`, `b` and `c`.
    pub x: [f64; 3],
    /// The factors `d`, `e` and `f`.
    pub y: [f64; 3],
}

/// No place is looked for further away than this: far outside of every picture.
const FAR: f64 = 1e6;

impl Affine {
    /// The map that turns the picture clockwise by `degrees`, then enlarges it `scale` times, then moves it
    /// by `dx` to the right and `dy` down.
    ///
    /// # Errors
    /// When a number is not finite or the scale is not above zero.
    pub fn turn_scale_move(degrees: f64, scale: f64, dx: f64, dy: f64) -> Result<Self, PixelError> {
        if !degrees.is_finite() {
            return Err(PixelError::parameter("degrees", "a number"));
        }
        if !(-FAR..=FAR).contains(&dx) || !(-FAR..=FAR).contains(&dy) {
            return Err(PixelError::parameter("offset", "within a million pixels"));
        }
        if !(1e-4..=1e4).contains(&scale) {
            return Err(PixelError::parameter("scale", "within 0.0001 to 10000"));
        }
        let (sin, cos) = sin_cos(degrees);
        let (sin, cos) = (sin / scale, cos / scale);
        Ok(Self { x: [cos, sin, -(cos * dx + sin * dy)], y: [-sin, cos, sin * dx - cos * dy] })
    }

    fn at(&self, x: f64, y: f64) -> [f64; 2] {
        [self.x, self.y].map(|[a, b, c]| (a * x + b * y + c).clamp(-FAR, FAR))
    }
}

/// Sine and cosine of an angle in degrees, exact for quarter turns.
fn sin_cos(degrees: f64) -> (f64, f64) {
    let quarters = (degrees / 90.0).round_ties_even();
    let (sin, cos) = libm::sincos((degrees - quarters * 90.0).to_radians());
    match quarters.rem_euclid(4.0) as u8 {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

/// Samples of one picture at any place.
struct Sampler<'a> {
    frame: &'a [f32],
    w: isize,
    h: isize,
    c: usize,
    fill: Fill,
    blank: [f32; 4],
}

impl Sampler<'_> {
    fn pixel(&self, x: isize, y: isize) -> &[f32] {
        let inside = (0..self.w).contains(&x) && (0..self.h).contains(&y);
        let (x, y) = match self.fill {
            _ if inside => (x, y),
            Fill::Color(_) => return &self.blank[..self.c],
            Fill::Edge => (x.clamp(0, self.w - 1), y.clamp(0, self.h - 1)),
            Fill::Reflect => (reflect(x, self.w as usize) as isize, reflect(y, self.h as usize) as isize),
        };
        let at = (y * self.w + x) as usize * self.c;
        &self.frame[at..at + self.c]
    }

    /// Mixed from the four pixels around a place.
    fn mixed(&self, x: f64, y: f64, out: &mut [f32]) {
        let (left, top) = (x.floor(), y.floor());
        let (tx, ty) = ((x - left) as f32, (y - top) as f32);
        let (u, v) = (left as isize, top as isize);
        let corners =
            [self.pixel(u, v), self.pixel(u + 1, v), self.pixel(u, v + 1), self.pixel(u + 1, v + 1)];
        for (k, o) in out.iter_mut().enumerate() {
            let [a, b, c, d] = corners.map(|p| p[k]);
            let (high, low) = (a + (b - a) * tx, c + (d - c) * tx);
            *o = high + (low - high) * ty;
        }
    }
}

/// A picture of `width` x `height` whose every pixel is looked up, bilinearly, where `map` points; `fill`
/// is what lies outside of the picture. Colours are weighted by alpha.
///
/// # Errors
/// When the size is empty or too large, or a factor of the map is not a number.
pub fn affine(
    image: &Image,
    map: Affine,
    width: usize,
    height: usize,
    fill: Fill,
) -> Result<Image, PixelError> {
    let (w, h, c) = (image.width(), image.height(), image.channels());
    if !map.x.iter().chain(&map.y).all(|v| v.is_finite()) {
        return Err(PixelError::parameter("map", "made of finite numbers"));
    }
    let mut out = Image::zeros(image.batch(), height, width, c)?;
    let blank = match fill {
        Fill::Color(Color { r, g, b, a }) if c == 4 => [r * a, g * a, b * a, a],
        Fill::Color(Color { r, g, b, a }) => [r, g, b, a],
        Fill::Edge | Fill::Reflect => [0.0; 4],
    };
    let source = premultiply(image)?;
    let middle = |n: usize| (n as f64 - 1.0) / 2.0;
    let frames = source.frames().zip(out.data_mut().chunks_exact_mut(width * height * c));
    for (frame, result) in frames {
        let sampler = Sampler { frame, w: w as isize, h: h as isize, c, fill, blank };
        for (y, row) in result.chunks_exact_mut(width * c).enumerate() {
            for (x, pixel) in row.chunks_exact_mut(c).enumerate() {
                let [u, v] = map.at(x as f64 - middle(width), y as f64 - middle(height));
                sampler.mixed(u + middle(w), v + middle(h), pixel);
            }
        }
    }
    unpremultiply(&mut out);
    Ok(out)
}

/// The picture turned clockwise by any angle; with `expand` the result is large enough for all of it.
///
/// # Errors
/// When the angle is not a number or the result is too large.
pub fn rotate_by(image: &Image, degrees: f64, expand: bool, fill: Fill) -> Result<Image, PixelError> {
    let map = Affine::turn_scale_move(degrees, 1.0, 0.0, 0.0)?;
    let (w, h) = (image.width() as f64, image.height() as f64);
    let [width, height] = if expand {
        let (sin, cos) = sin_cos(degrees);
        let (sin, cos) = (sin.abs(), cos.abs());
        // A little less than what rounding adds, so that quarter turns gain no pixel.
        [w * cos + h * sin, w * sin + h * cos].map(|v| (v - 1e-6).ceil().max(1.0) as usize)
    } else {
        [image.width(), image.height()]
    };
    affine(image, map, width, height, fill)
}
