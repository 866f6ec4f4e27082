//! Made surfaces: gradients and checkers.

use kiln_types::{Color, Image};

use crate::PixelError;
use crate::samples::within;

/// No gradient has more stops.
const MAX_STOPS: usize = 256;

/// A colour at a place of a gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stop {
    /// From 0, the start, to 1, the end.
    pub at: f32,
    /// The colour there.
    pub color: Color,
}

/// Stops that have been looked at, as premultiplied colours.
struct Ramp {
    stops: Vec<(f32, [f32; 4])>,
    channels: usize,
}

impl Ramp {
    fn new(stops: &[Stop]) -> Result<Self, PixelError> {
        if !(1..=MAX_STOPS).contains(&stops.len()) {
            return Err(PixelError::parameter("stops", "1 to 256 stops"));
        }
        if stops.iter().any(|s| !within(s.at, 0.0, 1.0)) || stops.windows(2).any(|w| w[0].at > w[1].at) {
            return Err(PixelError::parameter("stops", "between 0 and 1, in growing order"));
        }
        for stop in stops {
            check(stop.color)?;
        }
        // Weighted by alpha, so that a clear stop's colour does not show between.
        let weigh = |c: Color| [c.r * c.a, c.g * c.a, c.b * c.a, c.a];
        let channels = if stops.iter().all(|s| s.color.a >= 1.0) { 3 } else { 4 };
        Ok(Self { stops: stops.iter().map(|s| (s.at, weigh(s.color))).collect(), channels })
    }

    fn at(&self, t: f32) -> [f32; 4] {
        let after = self.stops.partition_point(|s| s.0 <= t);
        let [r, g, b, a] = if after == 0 {
            self.stops[0].1
        } else if after == self.stops.len() {
            self.stops[after - 1].1
        } else {
            let ((p, low), (q, high)) = (self.stops[after - 1], self.stops[after]);
            let f = (t - p) / (q - p);
            [0, 1, 2, 3].map(|c| low[c] + (high[c] - low[c]) * f)
        };
        if a <= 0.0 || a >= 1.0 { [r, g, b, a] } else { [r / a, g / a, b / a, a] }
    }
}

fn check(color: Color) -> Result<(), PixelError> {
    if [color.r, color.g, color.b, color.a].iter().all(|v| within(*v, 0.0, 1.0)) {
        return Ok(());
    }
    Err(PixelError::parameter("color", "a colour with parts between 0 and 1"))
}

fn fill(
    width: usize,
    height: usize,
    channels: usize,
    color: impl Fn(usize, usize) -> [f32; 4],
) -> Result<Image, PixelError> {
    let mut out = Image::zeros(1, height, width, channels)?;
    for (y, row) in out.data_mut().chunks_exact_mut(width * channels).enumerate() {
        for (x, pixel) in row.chunks_exact_mut(channels).enumerate() {
            pixel.copy_from_slice(&color(x, y)[..channels]);
        }
    }
    Ok(out)
}

/// A gradient along a line through the middle: 0 degrees runs left to right, 90 top to bottom. It reaches
/// exactly from corner to corner. With a stop that is not opaque the picture has alpha.
///
/// # Errors
/// When the size, the stops or the angle (-360..360) are out of range.
pub fn gradient_linear(
    width: usize,
    height: usize,
    stops: &[Stop],
    degrees: f32,
) -> Result<Image, PixelError> {
    let ramp = Ramp::new(stops)?;
    if !within(degrees, -360.0, 360.0) {
        return Err(PixelError::parameter("degrees", "between -360 and 360"));
    }
    let angle = f64::from(degrees).to_radians();
    let (dx, dy) = (libm::cos(angle) as f32, libm::sin(angle) as f32);
    // The far corner's place along the line, in pixels from the middle.
    let (half_w, half_h) = (width as f32 * 0.5, height as f32 * 0.5);
    let reach = (half_w * dx).abs() + (half_h * dy).abs();
    fill(width, height, ramp.channels, |x, y| {
        let along = (x as f32 + 0.5 - half_w) * dx + (y as f32 + 0.5 - half_h) * dy;
        ramp.at(((along / reach + 1.0) * 0.5).clamp(0.0, 1.0))
    })
}

/// A gradient outwards from `center` (0..1 of width and height); `radius` 1 reaches half the diagonal.
///
/// # Errors
/// When the size, the stops, the centre (-10..10) or the radius (0.001..100) are out of range.
pub fn gradient_radial(
    width: usize,
    height: usize,
    stops: &[Stop],
    center: [f32; 2],
    radius: f32,
) -> Result<Image, PixelError> {
    let ramp = Ramp::new(stops)?;
    if !center.iter().all(|v| within(*v, -10.0, 10.0)) {
        return Err(PixelError::parameter("center", "between -10 and 10"));
    }
    if !within(radius, 0.001, 100.0) {
        return Err(PixelError::parameter("radius", "between 0.001 and 100"));
    }
    let (w, h) = (width as f32, height as f32);
    let reach = (w * w + h * h).sqrt() * 0.5 * radius;
    fill(width, height, ramp.channels, |x, y| {
        let (dx, dy) = (x as f32 + 0.5 - center[0] * w, y as f32 + 0.5 - center[1] * h);
        ramp.at(((dx * dx + dy * dy).sqrt() / reach).clamp(0.0, 1.0))
    })
}

/// Squares of `cell` pixels in two colours, the first at the top left.
///
/// # Errors
/// When the size is empty or too large, `cell` is 0, or a colour is out of range.
pub fn checker(
    width: usize,
    height: usize,
    cell: usize,
    first: Color,
    second: Color,
) -> Result<Image, PixelError> {
    if cell == 0 {
        return Err(PixelError::parameter("cell", "at least 1"));
    }
    check(first)?;
    check(second)?;
    let channels = if first.a >= 1.0 && second.a >= 1.0 { 3 } else { 4 };
    let [first, second] = [first, second].map(|c| [c.r, c.g, c.b, c.a]);
    fill(width, height, channels, |x, y| if (x / cell + y / cell).is_multiple_of(2) { first } else { second })
}
