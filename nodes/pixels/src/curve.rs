//! Tone curves through points, and levels.

use kiln_types::Image;

use crate::PixelError;
use crate::grade::map_colors;
use crate::samples::within;

/// No curve has more points.
const MAX_POINTS: usize = 256;

/// A smooth curve through points: between two of them it never leaves their range (monotone cubic
/// with the slopes of Fritsch and Butland, as SciPy's `PchipInterpolator`); outside it stays level.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    x: Vec<f32>,
    y: Vec<f32>,
    slope: Vec<f32>,
}

impl Curve {
    /// The curve through `points`, each the input and the output.
    ///
    /// # Errors
    /// When there are fewer than two points or more than 256, a number is not within 0..1, or the
    /// inputs do not grow.
    pub fn new(points: &[[f32; 2]]) -> Result<Self, PixelError> {
        if !(2..=MAX_POINTS).contains(&points.len()) {
            return Err(PixelError::parameter("points", "2 to 256 points"));
        }
        if !points.iter().flatten().all(|v| within(*v, 0.0, 1.0)) {
            return Err(PixelError::parameter("points", "numbers between 0 and 1"));
        }
        if points.windows(2).any(|w| w[1][0] - w[0][0] < 1e-5) {
            return Err(PixelError::parameter("points", "in growing order of their inputs"));
        }
        let (x, y): (Vec<f32>, Vec<f32>) = points.iter().map(|p| (p[0], p[1])).unzip();
        let slope = slopes(&x, &y);
        Ok(Self { x, y, slope })
    }

    /// The output for an input.
    #[must_use]
    pub fn at(&self, v: f32) -> f32 {
        let last = self.x.len() - 1;
        if v.is_nan() || v <= self.x[0] {
            return self.y[0];
        }
        if v >= self.x[last] {
            return self.y[last];
        }
        let i = self.x.partition_point(|x| *x <= v).clamp(1, last) - 1;
        let h = self.x[i + 1] - self.x[i];
        let t = (v - self.x[i]) / h;
        let (a, b) = (self.y[i], self.y[i + 1]);
        let (m, n) = (self.slope[i] * h, self.slope[i + 1] * h);
        // Hermite, written so that t = 0 gives a without rounding.
        let d = b - a;
        a + t * (m + t * ((3.0 * d - 2.0 * m - n) + t * (m + n - 2.0 * d)))
    }
}

fn slopes(x: &[f32], y: &[f32]) -> Vec<f32> {
    let n = x.len();
    let h: Vec<f32> = x.windows(2).map(|w| w[1] - w[0]).collect();
    let d: Vec<f32> = y.windows(2).zip(&h).map(|(w, h)| (w[1] - w[0]) / h).collect();
    if n == 2 {
        return vec![d[0]; 2];
    }
    let mut out = vec![end_slope(h[0], h[1], d[0], d[1])];
    for i in 1..n - 1 {
        let (a, b) = (d[i - 1], d[i]);
        out.push(if a * b <= 0.0 {
            0.0
        } else {
            let (v, w) = (2.0 * h[i] + h[i - 1], h[i] + 2.0 * h[i - 1]);
            (v + w) / (v / a + w / b)
        });
    }
    out.push(end_slope(h[n - 2], h[n - 3], d[n - 2], d[n - 3]));
    out
}

/// The slope at an end from three points, cut back where it would overshoot.
fn end_slope(h0: f32, h1: f32, d0: f32, d1: f32) -> f32 {
    let m = ((2.0 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);
    if m * d0 <= 0.0 {
        0.0
    } else if d0 * d1 <= 0.0 && m.abs() > 3.0 * d0.abs() {
        3.0 * d0
    } else {
        m
    }
}

/// Curves for a picture: first each channel's own, then the one for all three.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    /// For all three channels.
    pub rgb: Option<Curve>,
    /// For red alone.
    pub red: Option<Curve>,
    /// For green alone.
    pub green: Option<Curve>,
    /// For blue alone.
    pub blue: Option<Curve>,
}

/// The picture through `curves`.
///
/// # Errors
/// Only as [`Image::new`].
pub fn curves(image: &Image, curves: &Curves) -> Result<Image, PixelError> {
    let through = |curve: &Option<Curve>, v: f32| curve.as_ref().map_or(v, |c| c.at(v));
    map_colors(image, |[r, g, b]| {
        [(&curves.red, r), (&curves.green, g), (&curves.blue, b)]
            .map(|(own, v)| through(&curves.rgb, through(own, v)))
    })
}

/// What goes in and what comes out at the dark and the bright end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// This input becomes the darkest output.
    pub in_black: f32,
    /// This input becomes the brightest output.
    pub in_white: f32,
    /// Above 1 the middle gets lighter.
    pub gamma: f32,
    /// The darkest output.
    pub out_black: f32,
    /// The brightest output; below the darkest, the picture is inverted.
    pub out_white: f32,
}

impl Default for Levels {
    fn default() -> Self {
        Self { in_black: 0.0, in_white: 1.0, gamma: 1.0, out_black: 0.0, out_white: 1.0 }
    }
}

impl Levels {
    fn check(&self) -> Result<(), PixelError> {
        for (name, v) in [
            ("in_black", self.in_black),
            ("in_white", self.in_white),
            ("out_black", self.out_black),
            ("out_white", self.out_white),
        ] {
            if !within(v, 0.0, 1.0) {
                return Err(PixelError::parameter(name, "between 0 and 1"));
            }
        }
        if self.in_white - self.in_black < 1e-5 {
            return Err(PixelError::parameter("in_white", "above in_black"));
        }
        if !within(self.gamma, 0.01, 100.0) {
            return Err(PixelError::parameter("gamma", "between 0.01 and 100"));
        }
        Ok(())
    }

    fn at(&self, v: f32) -> f32 {
        let t = ((v - self.in_black) / (self.in_white - self.in_black)).clamp(0.0, 1.0);
        let t = libm::powf(t, 1.0 / self.gamma);
        self.out_black + (self.out_white - self.out_black) * t
    }
}

/// Levels for red, green and blue; give the same three times for the usual kind.
///
/// # Errors
/// When a number is out of its range, or the input's white is not above its black.
pub fn levels(image: &Image, levels: [Levels; 3]) -> Result<Image, PixelError> {
    levels.iter().try_for_each(Levels::check)?;
    map_colors(image, |p| [levels[0].at(p[0]), levels[1].at(p[1]), levels[2].at(p[2])])
}
