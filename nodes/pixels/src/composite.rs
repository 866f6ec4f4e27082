//! A picture laid over another: through a mask at a place, or by the Porter-Duff rules.

use kiln_types::{Image, Mask};

use crate::PixelError;
use crate::batch::with_channels;
use crate::named::named;
use crate::resample::{Crop, Method, fit, fit_mask, resize, resize_mask};
use crate::samples::{cycled, cycled_mask};

/// `source` laid onto `destination` with its corner at `x`, `y`, where `mask` (of the source; everywhere
/// when there is none) says. What does not fit is cut off. The source takes the destination's channels,
/// and with `resize_source` its size; the mask takes the source's size. Batches shorter than the
/// destination's start again.
///
/// # Errors
/// Never for valid pictures.
pub fn composite(
    destination: &Image,
    source: &Image,
    x: isize,
    y: isize,
    resize_source: bool,
    mask: Option<&Mask>,
) -> Result<Image, PixelError> {
    let (w, h, c) = (destination.width(), destination.height(), destination.channels());
    let mut source = with_channels(source, c)?;
    if resize_source {
        source = resize(&source, w, h, Method::Bilinear)?;
    }
    let (sw, sh) = (source.width(), source.height());
    let mask = match mask {
        Some(mask) if (mask.width(), mask.height()) == (sw, sh) => Some(mask.clone()),
        Some(mask) => Some(resize_mask(mask, sw, sh, Method::Bilinear)?),
        None => None,
    };
    let mut out = destination.clone();
    let Some((columns, skip_x)) = overlap(x, sw, w) else { return Ok(out) };
    let Some((rows, skip_y)) = overlap(y, sh, h) else { return Ok(out) };
    let len = destination.frame_len();
    for (i, result) in out.data_mut().chunks_exact_mut(len).enumerate() {
        let top = cycled(&source, i);
        for (k, row) in rows.clone().enumerate() {
            let from = (k + skip_y) * sw + skip_x;
            let target = &mut result[(row * w + columns.start) * c..(row * w + columns.end) * c];
            let span = &top[from * c..(from + columns.len()) * c];
            let Some(mask) = &mask else {
                target.copy_from_slice(span);
                continue;
            };
            let weights = &cycled_mask(mask, i)[from..from + columns.len()];
            for ((t, s), m) in target.chunks_exact_mut(c).zip(span.chunks_exact(c)).zip(weights) {
                t.iter_mut().zip(s).for_each(|(t, s)| *t = m * s + (1.0 - m) * *t);
            }
        }
    }
    Ok(out)
}

/// Where a span of `n` that begins at `at` lies within `0..size`, and how much of it lies before 0.
pub(crate) fn overlap(at: isize, n: usize, size: usize) -> Option<(std::ops::Range<usize>, usize)> {
    let start = usize::try_from(at).unwrap_or(0);
    let skip = if at < 0 { at.unsigned_abs() } else { 0 };
    let end = start.saturating_add(n.checked_sub(skip)?).min(size);
    (start < end).then_some((start..end, skip))
}

named! {
    /// A Porter-Duff rule, or a blend mode of that family.
    pub enum PorterDuff {
        /// Both summed.
        Add = "ADD",
        /// Nothing.
        Clear = "CLEAR",
        /// The darker.
        Darken = "DARKEN",
        /// Destination only.
        Dst = "DST",
        /// Destination where the source is, source elsewhere.
        DstAtop = "DST_ATOP",
        /// Destination where the source is.
        DstIn = "DST_IN",
        /// Destination where the source is not.
        DstOut = "DST_OUT",
        /// Destination over source.
        DstOver = "DST_OVER",
        /// The lighter.
        Lighten = "LIGHTEN",
        /// Product.
        Multiply = "MULTIPLY",
        /// Multiply or screen, by the destination.
        Overlay = "OVERLAY",
        /// Product of the negatives.
        Screen = "SCREEN",
        /// Source only.
        Src = "SRC",
        /// Source where the destination is, destination elsewhere.
        SrcAtop = "SRC_ATOP",
        /// Source where the destination is.
        SrcIn = "SRC_IN",
        /// Source where the destination is not.
        SrcOut = "SRC_OUT",
        /// Source over destination.
        SrcOver = "SRC_OVER",
        /// Where only one of them is.
        Xor = "XOR",
    }
}

impl PorterDuff {
    /// Alpha of the result, from those of source and destination.
    fn alpha(self, s: f32, d: f32) -> f32 {
        match self {
            Self::Add => (s + d).clamp(0.0, 1.0),
            Self::Clear => 0.0,
            Self::Darken | Self::Lighten | Self::Overlay | Self::Screen => s + d - s * d,
            Self::Dst | Self::SrcAtop => d,
            Self::Src | Self::DstAtop => s,
            Self::DstIn | Self::SrcIn | Self::Multiply => s * d,
            Self::DstOut => (1.0 - s) * d,
            Self::SrcOut => (1.0 - d) * s,
            Self::DstOver => d + (1.0 - d) * s,
            Self::SrcOver => s + (1.0 - s) * d,
            Self::Xor => (1.0 - d) * s + (1.0 - s) * d,
        }
    }

    /// A sample of the result, from samples `s` and `d` weighted by their alphas `sa` and `da`.
    fn sample(self, s: f32, d: f32, sa: f32, da: f32) -> f32 {
        match self {
            Self::Add => (s + d).clamp(0.0, 1.0),
            Self::Clear => 0.0,
            Self::Darken => (1.0 - da) * s + (1.0 - sa) * d + s.min(d),
            Self::Lighten => (1.0 - da) * s + (1.0 - sa) * d + s.max(d),
            Self::Dst => d,
            Self::DstAtop => sa * d + (1.0 - da) * s,
            Self::DstIn => d * sa,
            Self::DstOut => (1.0 - sa) * d,
            Self::DstOver => d + (1.0 - da) * s,
            Self::Multiply => s * d,
            Self::Overlay if 2.0 * d < da => 2.0 * s * d,
            Self::Overlay => sa * da - 2.0 * (da - s) * (sa - d),
            Self::Screen => s + d - s * d,
            Self::Src => s,
            Self::SrcAtop => da * s + (1.0 - sa) * d,
            Self::SrcIn => s * da,
            Self::SrcOut => (1.0 - da) * s,
            Self::SrcOver => s + (1.0 - sa) * d,
            Self::Xor => (1.0 - da) * s + (1.0 - sa) * d,
        }
    }
}

/// `source` and `destination` composited by the rule `mode`: the colours and the mask of what is left
/// transparent. Both masks select what is *transparent*. Everything takes the size of the destination (its
/// middle cut out, bicubic). A single picture or mask goes with every one of the others; otherwise as
/// many pictures come out as the shortest batch has.
///
/// # Errors
/// When one picture has alpha and the other has not.
pub fn porter_duff(
    source: &Image,
    source_mask: &Mask,
    destination: &Image,
    destination_mask: &Mask,
    mode: PorterDuff,
) -> Result<(Image, Mask), PixelError> {
    let (w, h, c) = (destination.width(), destination.height(), destination.channels());
    if source.channels() != c {
        return Err(PixelError::Mismatch(format!(
            "the source has {} channels and the destination {c}: both must have alpha or neither",
            source.channels()
        )));
    }
    let batches = [source.batch(), source_mask.batch(), destination.batch(), destination_mask.batch()];
    let frames = batches.into_iter().filter(|n| *n > 1).min().unwrap_or(1);
    let top = same_size(source, w, h)?;
    let top_mask = same_size_mask(source_mask, w, h)?;
    let base_mask = same_size_mask(destination_mask, w, h)?;
    let mut out = Image::zeros(frames, h, w, c)?;
    let mut left = Mask::filled(frames, h, w, 0.0)?;
    let results = out.data_mut().chunks_exact_mut(h * w * c).zip(left.data_mut().chunks_exact_mut(h * w));
    for (i, (result, result_mask)) in results.enumerate() {
        let sources = cycled(&top, i).chunks_exact(c).zip(cycled_mask(&top_mask, i));
        let bases = cycled(destination, i).chunks_exact(c).zip(cycled_mask(&base_mask, i));
        let targets = result.chunks_exact_mut(c).zip(result_mask);
        for ((target, hole), ((s, sm), (d, dm))) in targets.zip(sources.zip(bases)) {
            let (sa, da) = (1.0 - sm, 1.0 - dm);
            let alpha = mode.alpha(sa, da);
            for ((t, s), d) in target.iter_mut().zip(s).zip(d) {
                let v = mode.sample(s * sa, d * da, sa, da);
                *t = if alpha > 1e-5 { (v / alpha).clamp(0.0, 1.0) } else { 0.0 };
            }
            *hole = 1.0 - alpha;
        }
    }
    Ok((out, left))
}

fn same_size(image: &Image, w: usize, h: usize) -> Result<Image, PixelError> {
    if (image.width(), image.height()) == (w, h) {
        return Ok(image.clone());
    }
    fit(image, w, h, Method::Bicubic, Crop::Center)
}

fn same_size_mask(mask: &Mask, w: usize, h: usize) -> Result<Mask, PixelError> {
    if (mask.width(), mask.height()) == (w, h) {
        return Ok(mask.clone());
    }
    fit_mask(mask, w, h, Method::Bicubic, Crop::Center)
}
