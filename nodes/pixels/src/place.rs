//! A cut-out put in its place on a background.

use kiln_types::{Color, Image, Mask};

use crate::PixelError;
use crate::antialias::{self, Filter};
use crate::batch::with_channels;
use crate::composite::overlap;
use crate::geometry::{Flip, crop, flip};
use crate::layer::over;
use crate::named::named;
use crate::samples::{cycled, round_size};

named! {
    /// How a picture fills a canvas of another shape.
    pub enum Cover {
        /// It fills all of it; what stands over is cut off.
        Cover = "cover",
        /// All of it shows; the rest is left to what lies behind.
        Contain = "contain",
        /// It is distorted to the canvas's shape.
        Stretch = "stretch",
        /// It is repeated at its own size from the upper left corner on.
        Tile = "tile",
    }
}

named! {
    /// A corner, a side or the middle of a canvas.
    pub enum Anchor {
        /// In the middle.
        Center = "center",
        /// At the upper side.
        Top = "top",
        /// At the lower side.
        Bottom = "bottom",
        /// At the left side.
        Left = "left",
        /// At the right side.
        Right = "right",
        /// In the upper left corner.
        TopLeft = "top left",
        /// In the upper right corner.
        TopRight = "top right",
        /// In the lower left corner.
        BottomLeft = "bottom left",
        /// In the lower right corner.
        BottomRight = "bottom right",
    }
}

impl Anchor {
    /// The corner of something of `size` that stands here on a canvas.
    fn corner(self, canvas: [usize; 2], size: [usize; 2]) -> [isize; 2] {
        let name = self.name();
        let at = |first: &str, last: &str, k: usize| {
            let room = canvas[k] as isize - size[k] as isize;
            if name.contains(first) {
                0
            } else if name.contains(last) {
                room
            } else {
                room.div_euclid(2)
            }
        };
        [at("left", "right", 0), at("top", "bottom", 1)]
    }
}

/// How a cut-out is put on a canvas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Where it stands.
    pub anchor: Anchor,
    /// How far right and down of there, in pixels.
    pub offset: [isize; 2],
    /// Its size: as large as fits into this share of the canvas, 0..16; 0 leaves it as it is.
    pub scale: f64,
    /// Whether it is mirrored first.
    pub flip: Option<Flip>,
    /// Whether light is mixed at its edge instead of sRGB codes.
    pub linear: bool,
}

/// A cut-out on a canvas.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The picture.
    pub image: Image,
    /// Where the cut-out is in it.
    pub mask: Mask,
    /// Left, top, width and height of the cut-out on the canvas; it may stand over.
    pub frame: [isize; 4],
}

/// One colour of `w` x `h` pixels, with alpha if it is see-through.
///
/// # Errors
/// When the size is empty or too large.
pub fn plain(w: usize, h: usize, color: Color) -> Result<Image, PixelError> {
    let channels = if color.a < 1.0 { 4 } else { 3 };
    let mut image = Image::zeros(1, h, w, channels)?;
    let pixel = [color.r, color.g, color.b, color.a];
    image.data_mut().chunks_exact_mut(channels).for_each(|p| p.copy_from_slice(&pixel[..channels]));
    Ok(image)
}

/// The samples within 0..1, where a filter overshot.
fn cut(mut image: Image) -> Image {
    image.data_mut().iter_mut().for_each(|v| *v = v.clamp(0.0, 1.0));
    image
}

/// The picture at another size, as it is if it has that already.
fn sized(image: &Image, w: usize, h: usize) -> Result<Image, PixelError> {
    if (image.width(), image.height()) == (w, h) {
        return Ok(image.clone());
    }
    Ok(cut(antialias::resize(image, w, h, Filter::CatmullRom)?))
}

/// The sides of a picture of `from`, scaled to fit into `into`, at least one pixel.
fn within(from: [usize; 2], into: [f64; 2], cover: bool) -> [usize; 2] {
    let [across, down] = [0, 1].map(|k| into[k] / from[k] as f64);
    let factor = if cover { across.max(down) } else { across.min(down) };
    from.map(|v| round_size(v as f64 * factor).max(1))
}

/// `picture` brought to a canvas of `w` x `h`; what it leaves free when contained shows `behind`.
///
/// # Errors
/// When the size is empty or too large.
pub fn backdrop(picture: &Image, w: usize, h: usize, how: Cover, behind: Color) -> Result<Image, PixelError> {
    let from = [picture.width(), picture.height()];
    let into = [w as f64, h as f64];
    match how {
        Cover::Stretch => sized(picture, w, h),
        Cover::Cover => {
            let [wide, tall] = within(from, into, true);
            let (wide, tall) = (wide.max(w), tall.max(h));
            let all = sized(picture, wide, tall)?;
            crop(&all, (wide - w) / 2, (tall - h) / 2, w, h)
        }
        Cover::Contain => {
            let [wide, tall] = within(from, into, false).map(|v| v.max(1));
            let all = sized(picture, wide.min(w), tall.min(h))?;
            let how =
                Placement { anchor: Anchor::Center, offset: [0, 0], scale: 0.0, flip: None, linear: false };
            Ok(place(&plain(w, h, behind)?, &with_channels(&all, 4)?, &how)?.image)
        }
        Cover::Tile => {
            let mut out = Image::zeros(picture.batch(), h, w, picture.channels())?;
            let c = picture.channels();
            for (frame, result) in picture.frames().zip(out.data_mut().chunks_exact_mut(w * h * c)) {
                for (y, row) in result.chunks_exact_mut(w * c).enumerate() {
                    let line = &frame[(y % from[1]) * from[0] * c..][..from[0] * c];
                    row.chunks_mut(line.len()).for_each(|part| part.copy_from_slice(&line[..part.len()]));
                }
            }
            Ok(out)
        }
    }
}

/// A cut-out (a picture with alpha; without, all of it) over a canvas. The result has alpha if the canvas has.
/// The shorter batch starts again.
///
/// # Errors
/// When the scale is out of range or the result is too large.
pub fn place(canvas: &Image, subject: &Image, how: &Placement) -> Result<Placed, PixelError> {
    if !(0.0..=16.0).contains(&how.scale) {
        return Err(PixelError::parameter("scale", "within 0 to 16"));
    }
    let (w, h, c) = (canvas.width(), canvas.height(), canvas.channels());
    let mut subject = with_channels(subject, 4)?;
    if let Some(way) = how.flip {
        subject = flip(&subject, way)?;
    }
    if how.scale > 0.0 {
        let room = [w, h].map(|v| v as f64 * how.scale);
        let [wide, tall] = within([subject.width(), subject.height()], room, false);
        subject = sized(&subject, wide, tall)?;
    }
    let (sw, sh) = (subject.width(), subject.height());
    let corner = how.anchor.corner([w, h], [sw, sh]);
    let [x, y] = [0, 1].map(|k| corner[k].saturating_add(how.offset[k]));
    let frames = canvas.batch().max(subject.batch());
    let mut image = Image::zeros(frames, h, w, c)?;
    let mut mask = Mask::filled(frames, h, w, 0.0)?;
    let shown = overlap(x, sw, w).zip(overlap(y, sh, h));
    let results = image.data_mut().chunks_exact_mut(w * h * c).zip(mask.data_mut().chunks_exact_mut(w * h));
    for (i, (result, selected)) in results.enumerate() {
        result.copy_from_slice(cycled(canvas, i));
        let Some(((columns, skip_x), (rows, skip_y))) = shown.clone() else { continue };
        let top = cycled(&subject, i).as_chunks::<4>().0;
        for (k, row) in rows.enumerate() {
            let line = &top[(k + skip_y) * sw + skip_x..];
            let at = row * w + columns.start..row * w + columns.end;
            let pixels = result[at.start * c..at.end * c].chunks_exact_mut(c);
            for ((pixel, m), over_it) in pixels.zip(&mut selected[at]).zip(line) {
                let alpha = over_it[3].clamp(0.0, 1.0);
                let top = [over_it[0], over_it[1], over_it[2], alpha];
                let below = [pixel[0], pixel[1], pixel[2], pixel.get(3).map_or(1.0, |a| a.clamp(0.0, 1.0))];
                pixel.copy_from_slice(&over(top, below, how.linear)[..c]);
                *m = alpha;
            }
        }
    }
    let frame = [x, y, sw as isize, sh as isize];
    Ok(Placed { image, mask, frame })
}
