//! A picture cut to its subject, with room around it and in the shape asked for.

use kiln_types::{Color, Image, Mask};

use crate::PixelError;
use crate::mask::bounds;
use crate::pad::{Fill, Margins, pad};

/// What surrounds the subject.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Framing {
    /// What is above this in the mask belongs to the subject.
    pub threshold: f32,
    /// Pixels to keep on every side.
    pub margin: usize,
    /// Room to keep besides, as a share of the longer side of the subject's box, 0..8.
    pub share: f64,
    /// Width divided by height that the part must have: it is widened or heightened evenly on both sides.
    /// As the box is when there is none.
    pub aspect: Option<f64>,
    /// Whether the part may reach beyond the picture, which is then filled up. If not, it moves or ends at
    /// the picture's border, and an `aspect` is met as nearly as the picture has room for.
    pub pad: bool,
}

/// A part of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Framed {
    /// The part.
    pub image: Image,
    /// The same part of the mask.
    pub mask: Mask,
    /// Its left, top, width and height in the picture; it may begin before it.
    pub frame: [isize; 4],
}

/// One axis of the part: where it begins and ends, wanted `length` long around `from..to`, inside `0..n` unless
/// it may be padded.
fn span(from: isize, to: isize, length: isize, n: isize, padded: bool) -> (isize, isize) {
    let start = from - (length - (to - from)).div_euclid(2);
    if padded {
        return (start, start + length);
    }
    let length = length.min(n);
    let start = start.clamp(0, n - length);
    (start, start + length)
}

/// Where the part of a picture of `w` x `h` lies around the box of left, top, width and height.
fn part([x, y, w, h]: [usize; 4], how: &Framing, size: [isize; 2]) -> [isize; 4] {
    let margin = how.margin.min(1 << 17) as isize + (how.share * w.max(h) as f64).round_ties_even() as isize;
    let (left, top) = (x as isize - margin, y as isize - margin);
    let (right, bottom) = ((x + w) as isize + margin, (y + h) as isize + margin);
    let (mut left, mut top, mut right, mut bottom) = (left, top, right, bottom);
    if !how.pad {
        (left, top, right, bottom) = (left.max(0), top.max(0), right.min(size[0]), bottom.min(size[1]));
    }
    let (mut wide, mut tall) = (right - left, bottom - top);
    if let Some(aspect) = how.aspect {
        let up = |v: f64| v.round_ties_even().min(1e6) as isize;
        wide = wide.max(up(tall as f64 * aspect));
        tall = tall.max(up(wide as f64 / aspect));
        if !how.pad && (wide > size[0] || tall > size[1]) {
            (wide, tall) = (wide.min(size[0]), tall.min(size[1]));
        }
    }
    let (left, right) = span(left, right, wide, size[0], how.pad);
    let (top, bottom) = span(top, bottom, tall, size[1], how.pad);
    [left, top, right - left, bottom - top]
}

/// `padded` of a picture's or mask's channels, then cut out, as one step.
fn taken(image: &Image, frame: [isize; 4], fill: Color) -> Result<Image, PixelError> {
    let [left, top, wide, tall] = frame;
    let past = |v: isize| usize::try_from(v).unwrap_or(0);
    let (w, h) = (image.width() as isize, image.height() as isize);
    let inner = crate::geometry::crop(
        image,
        past(left),
        past(top),
        past((left + wide).min(w) - left.max(0)),
        past((top + tall).min(h) - top.max(0)),
    )?;
    let margins = Margins {
        left: past(-left),
        top: past(-top),
        right: past(left + wide - w),
        bottom: past(top + tall - h),
    };
    pad(&inner, margins, Fill::Color(fill))
}

/// The picture and the mask cut to what the mask selects in any picture of the batch, none if it selects
/// nothing. The mask has the picture's size. `fill` is what lies beyond the picture.
///
/// # Errors
/// When a parameter is out of range, the sizes differ, or the part is too large.
pub fn frame_subject(
    image: &Image,
    mask: &Mask,
    how: &Framing,
    fill: Color,
) -> Result<Option<Framed>, PixelError> {
    crate::mask::check_size(mask, [image.width(), image.height()])?;
    if !(0.0..=8.0).contains(&how.share) {
        return Err(PixelError::parameter("margin_percent", "within 0 to 800"));
    }
    if how.aspect.is_some_and(|a| !(1e-3..=1e3).contains(&a)) {
        return Err(PixelError::parameter("aspect", "within 1:1000 and 1000:1"));
    }
    let Some(found) = bounds(mask, how.threshold) else { return Ok(None) };
    let frame = part(found, how, [image.width() as isize, image.height() as isize]);
    let part = taken(image, frame, fill)?;
    let clear = Color { r: 0.0, g: 0.0, b: 0.0, a: 0.0 };
    // A mask is cut like a picture: its samples go through the red channel.
    let selected = taken(&crate::mask::to_image(mask)?, frame, clear)?;
    let selected = crate::mask::from_channel(&selected, crate::mask::Channel::Red)?;
    Ok(Some(Framed { image: part, mask: selected, frame }))
}
