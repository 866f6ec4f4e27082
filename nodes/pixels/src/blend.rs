//! Two pictures mixed by a blend mode.

use kiln_types::Image;

use crate::PixelError;
use crate::batch::{together, with_channels};
use crate::blend_hsl::{self, Rgb};
use crate::named::named;
use crate::resample::{Crop, Method, fit};
use crate::samples::cycled;

named! {
    /// How the second picture acts on the first: the W3C compositing formulas, but for
    /// [`BlendMode::Difference`], which keeps its sign as node graphs expect it.
    pub enum BlendMode {
        /// The second picture.
        Normal = "normal",
        /// Product.
        Multiply = "multiply",
        /// Product of the negatives.
        Screen = "screen",
        /// Multiply or screen, by the first picture.
        Overlay = "overlay",
        /// A gentle dodge or burn, by the second picture.
        SoftLight = "soft_light",
        /// First less second; what falls below black is black.
        Difference = "difference",
        /// Distance of first and second.
        AbsoluteDifference = "absolute_difference",
        /// The darker sample.
        Darken = "darken",
        /// The lighter sample.
        Lighten = "lighten",
        /// Sum.
        Add = "add",
        /// First less second, cut off at black before it is mixed in.
        Subtract = "subtract",
        /// First by second.
        Divide = "divide",
        /// The first picture brightened by the second.
        ColorDodge = "color_dodge",
        /// The first picture darkened by the second.
        ColorBurn = "color_burn",
        /// Multiply or screen, by the second picture.
        HardLight = "hard_light",
        /// Like a difference, with less contrast.
        Exclusion = "exclusion",
        /// The second's hue in the first.
        Hue = "hue",
        /// The second's saturation in the first.
        Saturation = "saturation",
        /// The second's hue and saturation in the first.
        Color = "color",
        /// The second's lightness in the first.
        Luminosity = "luminosity",
    }
}

fn overlay(base: f32, top: f32) -> f32 {
    if base <= 0.5 { 2.0 * base * top } else { 1.0 - 2.0 * (1.0 - base) * (1.0 - top) }
}

fn soft_light(base: f32, top: f32) -> f32 {
    if top <= 0.5 {
        base - (1.0 - 2.0 * top) * base * (1.0 - base)
    } else {
        let curve =
            if base <= 0.25 { ((16.0 * base - 12.0) * base + 4.0) * base } else { base.max(0.0).sqrt() };
        base + (2.0 * top - 1.0) * (curve - base)
    }
}

fn color_dodge(base: f32, top: f32) -> f32 {
    if base <= 0.0 {
        0.0
    } else if top >= 1.0 {
        1.0
    } else {
        (base / (1.0 - top)).min(1.0)
    }
}

fn color_burn(base: f32, top: f32) -> f32 {
    if base >= 1.0 {
        1.0
    } else if top <= 0.0 {
        0.0
    } else {
        1.0 - ((1.0 - base) / top).min(1.0)
    }
}

fn divide(base: f32, top: f32) -> f32 {
    if top > 0.0 {
        (base / top).min(1.0)
    } else if base > 0.0 {
        1.0
    } else {
        0.0
    }
}

/// The shares of the first picture and of the blend, each rounded once.
fn shares(factor: f64) -> (f32, f32) {
    ((1.0 - factor) as f32, factor as f32)
}

/// Blends sample by sample and mixes the result into the first picture.
fn each(base: &[f32], top: &[f32], factor: f64, out: &mut [f32], mode: impl Fn(f32, f32) -> f32) {
    let (keep, factor) = shares(factor);
    for ((o, b), t) in out.iter_mut().zip(base).zip(top) {
        *o = (b * keep + mode(*b, *t) * factor).clamp(0.0, 1.0);
    }
}

/// Blends pixel by pixel, alpha as in [`BlendMode::Normal`].
fn pixels(base: &[f32], top: &[f32], c: usize, factor: f64, out: &mut [f32], mode: impl Fn(Rgb, Rgb) -> Rgb) {
    let (keep, factor) = shares(factor);
    let pairs = base.chunks_exact(c).zip(top.chunks_exact(c));
    for (o, (b, t)) in out.chunks_exact_mut(c).zip(pairs) {
        let mixed = mode([b[0], b[1], b[2]], [t[0], t[1], t[2]]);
        for k in 0..c {
            let to = if k < 3 { mixed[k] } else { t[k] };
            o[k] = (b[k] * keep + to * factor).clamp(0.0, 1.0);
        }
    }
}

fn frame(base: &[f32], top: &[f32], c: usize, factor: f64, mode: BlendMode, out: &mut [f32]) {
    use BlendMode as B;
    // One loop per mode, so that each is compiled for itself.
    match mode {
        B::Normal => each(base, top, factor, out, |_, t| t),
        B::Multiply => each(base, top, factor, out, |b, t| b * t),
        B::Screen => each(base, top, factor, out, |b, t| 1.0 - (1.0 - b) * (1.0 - t)),
        B::Overlay => each(base, top, factor, out, overlay),
        B::SoftLight => each(base, top, factor, out, soft_light),
        B::Difference => each(base, top, factor, out, |b, t| b - t),
        B::AbsoluteDifference => each(base, top, factor, out, |b, t| (b - t).abs()),
        B::Darken => each(base, top, factor, out, f32::min),
        B::Lighten => each(base, top, factor, out, f32::max),
        B::Add => each(base, top, factor, out, |b, t| (b + t).min(1.0)),
        B::Subtract => each(base, top, factor, out, |b, t| (b - t).max(0.0)),
        B::Divide => each(base, top, factor, out, divide),
        B::ColorDodge => each(base, top, factor, out, color_dodge),
        B::ColorBurn => each(base, top, factor, out, color_burn),
        B::HardLight => each(base, top, factor, out, |b, t| overlay(t, b)),
        B::Exclusion => each(base, top, factor, out, |b, t| b + t - 2.0 * b * t),
        B::Hue => pixels(base, top, c, factor, out, blend_hsl::hue),
        B::Saturation => pixels(base, top, c, factor, out, blend_hsl::saturation),
        B::Color => pixels(base, top, c, factor, out, blend_hsl::color),
        B::Luminosity => pixels(base, top, c, factor, out, blend_hsl::luminosity),
    }
}

/// `second` blended onto `first` with strength `factor`, 0 to 1. The second picture takes the first's size
/// (its middle cut out, bicubic) and channels; all channels are blended alike, also alpha.
///
/// # Errors
/// When the factor is out of range or the batches do not go together.
pub fn blend(first: &Image, second: &Image, factor: f64, mode: BlendMode) -> Result<Image, PixelError> {
    if !(0.0..=1.0).contains(&factor) {
        return Err(PixelError::parameter("factor", "within 0 to 1"));
    }
    let frames = together(first.batch(), second.batch())?;
    let c = first.channels();
    let mut out = Image::zeros(frames, first.height(), first.width(), c)?;
    let mut top = with_channels(second, c)?;
    if (top.width(), top.height()) != (first.width(), first.height()) {
        top = fit(&top, first.width(), first.height(), Method::Bicubic, Crop::Center)?;
    }
    let len = first.frame_len();
    for (i, result) in out.data_mut().chunks_exact_mut(len).enumerate() {
        frame(cycled(first, i), cycled(&top, i), c, factor, mode, result);
    }
    Ok(out)
}
