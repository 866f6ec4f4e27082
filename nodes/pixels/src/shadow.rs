//! What a subject throws behind it and on the ground, and lines around it.

use kiln_types::{Image, Mask};

use crate::PixelError;
use crate::antialias::{Filter, resize_mask};
use crate::blur::{bell, convolve};
use crate::distance::offset_frame;
use crate::layer::{Layered, Paint, Patch, Place, cut_out, lay};
use crate::named::named;
use crate::samples::within;

/// The largest deviation of a blur, in pixels.
const MAX_BLUR: f64 = 256.0;
/// Deviations after which a blur ends: what would follow is a third of a percent.
const REACH: f64 = 3.0;
/// Samples below this are not there: half a step of a byte.
const FAINT: f32 = 1.0 / 510.0;

fn check_blur(sigma: f64) -> Result<(), PixelError> {
    if (0.0..=MAX_BLUR).contains(&sigma) {
        return Ok(());
    }
    Err(PixelError::parameter("blur", "within 0 to 256"))
}

/// Left, top, right and bottom of all samples of a frame for which `holds` is true.
fn bounds(frame: &[f32], w: usize, holds: impl Fn(f32) -> bool) -> Option<[usize; 4]> {
    let mut found: Option<[usize; 4]> = None;
    for (y, row) in frame.chunks_exact(w).enumerate() {
        let Some(first) = row.iter().position(|v| holds(*v)) else { continue };
        let last = row.iter().rposition(|v| holds(*v)).unwrap_or(first);
        let [l, t, r, _] = found.unwrap_or([first, y, last + 1, y + 1]);
        found = Some([l.min(first), t, r.max(last + 1), y + 1]);
    }
    found
}

/// The part of a frame that is not empty, with `room` around it.
fn patch(frame: &[f32], w: usize, room: usize) -> Result<Option<Patch>, PixelError> {
    let Some([l, t, r, b]) = bounds(frame, w, |v| v >= FAINT) else { return Ok(None) };
    let (wide, tall) = (r - l + 2 * room, b - t + 2 * room);
    let mut data = Mask::filled(1, tall, wide, 0.0)?.into_data();
    for (target, row) in data.chunks_exact_mut(wide).skip(room).zip(frame.chunks_exact(w).skip(t).take(b - t))
    {
        target[room..room + r - l].copy_from_slice(&row[l..r]);
    }
    Ok(Some(Patch { x: l as isize - room as isize, y: t as isize - room as isize, w: wide, data }))
}

/// How many pixels a blur reaches.
fn reach(sigma: f64) -> usize {
    (sigma * REACH).ceil() as usize
}

/// A frame blurred; room for the blur has to be there already.
fn blurred(data: Vec<f32>, w: usize, sigma: f64) -> Vec<f32> {
    if sigma <= 1e-3 {
        return data;
    }
    convolve(&data, [w, data.len() / w, 1], &bell(reach(sigma), sigma))
}

/// A shadow behind the subject.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drop {
    /// How far right and down it lies, in pixels.
    pub offset: [isize; 2],
    /// The deviation of its blur in pixels, 0..256.
    pub blur: f64,
    /// By how many pixels it is larger than the subject, smaller for a negative number; -1024..1024.
    pub spread: f32,
}

/// The subject of a picture (its alpha, or `mask`) with a shadow behind it.
///
/// # Errors
/// When a parameter is out of range or the result is too large.
pub fn drop_shadow(
    image: &Image,
    mask: Option<&Mask>,
    drop: &Drop,
    paint: &Paint,
) -> Result<Layered, PixelError> {
    check_blur(drop.blur)?;
    paint.check()?;
    if !within(drop.spread, -1024.0, 1024.0) {
        return Err(PixelError::parameter("spread", "within -1024 to 1024"));
    }
    let (subject, alpha) = cut_out(image, mask)?;
    let grown = drop.spread.max(0.0).ceil() as usize;
    let w = alpha.width();
    let shape = |frame: &[f32]| -> Result<Option<Patch>, PixelError> {
        let Some(mut p) = patch(frame, w, grown + 1 + reach(drop.blur))? else {
            return Ok(None);
        };
        p.data = blurred(offset_frame(&p.data, p.w, drop.spread), p.w, drop.blur);
        Ok(Some(p.moved(drop.offset[0], drop.offset[1])))
    };
    let patches: Vec<_> =
        alpha.data().chunks_exact(alpha.frame_len()).map(shape).collect::<Result<_, _>>()?;
    lay(&subject, &patches, paint, Place::Below)
}

named! {
    /// On which side of the subject's edge a line runs.
    pub enum Side {
        /// Outside: the subject keeps its size within it.
        Outside = "outside",
        /// Half outside, half inside.
        Middle = "middle",
        /// Inside: it covers the subject's rim.
        Inside = "inside",
    }
}

/// A line around the subject.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Its width in pixels, 0..1024; 0 draws none.
    pub width: f32,
    /// Where it runs.
    pub side: Side,
    /// The deviation of its blur in pixels, 0..256: a blurred line is a glow.
    pub blur: f64,
    /// How opaque the subject is where its edge lies, 0.01..0.99: below one half, the line runs around fine hair
    /// instead of through it.
    pub threshold: f32,
}

/// The subject of a picture (its alpha, or `mask`) with a line around it.
///
/// # Errors
/// When a parameter is out of range or the result is too large.
pub fn outline(
    image: &Image,
    mask: Option<&Mask>,
    line: &Line,
    paint: &Paint,
) -> Result<Layered, PixelError> {
    let &Line { width, side, blur, threshold } = line;
    check_blur(blur)?;
    paint.check()?;
    if !within(width, 0.0, 1024.0) {
        return Err(PixelError::parameter("width", "within 0 to 1024"));
    }
    if !within(threshold, 0.01, 0.99) {
        return Err(PixelError::parameter("threshold", "within 0.01 to 0.99"));
    }
    let (subject, alpha) = cut_out(image, mask)?;
    let (out, inner) = match side {
        Side::Outside => (width, 0.0),
        Side::Middle => (width * 0.5, width * 0.5),
        Side::Inside => (0.0, width),
    };
    let w = alpha.width();
    let shape = |frame: &[f32]| -> Result<Option<Patch>, PixelError> {
        let room = if width > 0.0 { out.ceil() as usize + 1 + reach(blur) } else { 0 };
        let Some(mut p) = patch(frame, w, room)? else { return Ok(None) };
        if width <= 0.0 {
            return Ok(None);
        }
        // A line below the subject reaches a little under its soft rim, so that no gap shines through.
        let under = if side == Side::Outside { 1.5 } else { inner };
        // The threshold becomes the one half where an edge is looked for.
        let found: Vec<f32> = p.data.iter().map(|v| (v * 0.5 / threshold).min(1.0)).collect();
        let outer = offset_frame(&found, p.w, out);
        let core = offset_frame(&p.data, p.w, -under);
        let ring: Vec<f32> = outer.iter().zip(&core).map(|(o, c)| o.min(1.0 - c)).collect();
        let mut line = blurred(ring, p.w, blur);
        if side == Side::Inside {
            // It must not leave the subject.
            line.iter_mut().zip(&p.data).for_each(|(l, a)| *l = l.min(*a));
        }
        p.data = line;
        Ok(Some(p))
    };
    let patches: Vec<_> =
        alpha.data().chunks_exact(alpha.frame_len()).map(shape).collect::<Result<_, _>>()?;
    let place = match side {
        Side::Outside => Place::Below,
        Side::Middle => Place::Above,
        Side::Inside => Place::Within,
    };
    lay(&subject, &patches, paint, place)
}

fn mix(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}

/// A shadow on the ground below the subject. Shares are of the subject's box (samples of at least one half),
/// whose lower side is the ground.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ground {
    /// A soft ellipse under what stands on the ground, as from light above.
    Ellipse {
        /// Its width, as a share of the box's width, 0.01..4.
        width: f32,
        /// Its height, as a share of its width, 0.01..1.
        flat: f32,
        /// How much of its radius fades out, 0 (hard) to 1 (from the middle on).
        soft: f32,
    },
    /// The silhouette laid on the ground, as from a lamp.
    Cast {
        /// Its length, as a share of the box's height, -4..4: above 0 it falls away from the viewer, upwards in
        /// the picture; below 0 towards the viewer.
        length: f32,
        /// How far its tip leans to the right, as a share of the box's height, -4..4.
        lean: f32,
        /// How much of it is gone at its tip, 0..1.
        fade: f32,
        /// The deviation of its blur at the tip, in pixels, 0..256; at the ground it is an eighth of that.
        blur: f64,
    },
}

impl Ground {
    fn check(&self) -> Result<(), PixelError> {
        let bad = |name, what| Err(PixelError::parameter(name, what));
        match *self {
            Self::Ellipse { width, .. } if !within(width, 0.01, 4.0) => bad("width", "within 0.01 to 4"),
            Self::Ellipse { flat, .. } if !within(flat, 0.01, 1.0) => bad("flat", "within 0.01 to 1"),
            Self::Ellipse { soft, .. } if !within(soft, 0.0, 1.0) => bad("soft", "within 0 to 1"),
            Self::Cast { length, .. } if !within(length, -4.0, 4.0) => bad("length", "within -4 to 4"),
            Self::Cast { lean, .. } if !within(lean, -4.0, 4.0) => bad("lean", "within -4 to 4"),
            Self::Cast { fade, .. } if !within(fade, 0.0, 1.0) => bad("fade", "within 0 to 1"),
            Self::Cast { blur, .. } => check_blur(blur),
            Self::Ellipse { .. } => Ok(()),
        }
    }
}

/// The middle of what stands on the ground: the lowest twelfth of the box.
fn foot(frame: &[f32], w: usize, [l, t, r, b]: [usize; 4]) -> f32 {
    let low = b - ((b - t) / 12).max(1);
    let feet = bounds(&frame[low * w..b * w], w, |v| v >= 0.5).unwrap_or([l, 0, r, 1]);
    (feet[0] + feet[2]) as f32 * 0.5
}

fn ellipse(frame: &[f32], w: usize, [width, flat, soft]: [f32; 3]) -> Result<Option<Patch>, PixelError> {
    let Some(found) = bounds(frame, w, |v| v >= 0.5) else { return Ok(None) };
    let [l, _, r, b] = found;
    let across = ((r - l) as f32 * width * 0.5).max(0.5);
    let down = (across * flat).max(0.5);
    // What stands on the ground stands on the middle of it.
    let (x, y) = (foot(frame, w, found), b as f32 - down * 0.25);
    let (left, top) = ((x - across).floor() - 1.0, (y - down).floor() - 1.0);
    let wide = (x + across).ceil() as isize + 1 - left as isize;
    let tall = (y + down).ceil() as isize + 1 - top as isize;
    let (wide, tall) = (wide.unsigned_abs(), tall.unsigned_abs());
    let mut data = Mask::filled(1, tall, wide, 0.0)?.into_data();
    for (i, v) in data.iter_mut().enumerate() {
        let (px, py) = ((i % wide) as f32 + 0.5 + left, (i / wide) as f32 + 0.5 + top);
        let (dx, dy) = ((px - x) / across, (py - y) / down);
        // At least a pixel of softness, so that a hard one has no steps.
        let fade = soft.max(1.0 / down);
        let t = ((1.0 - (dx * dx + dy * dy).sqrt()) / fade).clamp(0.0, 1.0);
        *v = t * t * (3.0 - 2.0 * t);
    }
    Ok(Some(Patch { x: left as isize, y: top as isize, w: wide, data }))
}

fn cast(
    frame: &[f32],
    w: usize,
    [length, lean, fade]: [f32; 3],
    blur: f64,
) -> Result<Option<Patch>, PixelError> {
    let Some([l, t, r, b]) = bounds(frame, w, |v| v >= 0.5) else { return Ok(None) };
    let (bw, bh) = (r - l, b - t);
    let tall = ((bh as f32 * length.abs()).round() as usize).max(1);
    let cut: Vec<f32> =
        frame.chunks_exact(w).skip(t).take(bh).flat_map(|row| row[l..r].iter().copied()).collect();
    let flat = resize_mask(&Mask::new(1, bh, bw, cut)?, bw, tall, Filter::Triangle)?;
    let aside = lean * bh as f32;
    let room = reach(blur);
    let (before, after) =
        ((-aside).max(0.0).ceil() as usize + 1 + room, aside.max(0.0).ceil() as usize + 2 + room);
    let wide = before + bw + after;
    let mut data = Mask::filled(1, tall + 2 * room, wide, 0.0)?.into_data();
    // From the ground to the tip; rows of the picture run the other way when it falls away from the viewer.
    let away = length >= 0.0;
    let along = |row: usize| (row as f32 + 0.5) / tall as f32;
    let row_of = |k: usize| room + if away { tall - 1 - k } else { k };
    for k in 0..tall {
        let shift = aside * along(k);
        let (whole, part) = (shift.floor(), shift - shift.floor());
        let start = (before as isize + whole as isize).unsigned_abs();
        let strength = 1.0 - fade * along(k);
        let target = &mut data[row_of(k) * wide + start..][..bw + 1];
        for (x, v) in flat.data()[(tall - 1 - k) * bw..][..bw].iter().enumerate() {
            target[x] += v * (1.0 - part) * strength;
            target[x + 1] += v * part * strength;
        }
    }
    let sharp = blurred(data.clone(), wide, blur * 0.125);
    let soft = blurred(data, wide, blur);
    let rows = sharp.chunks_exact(wide).zip(soft.chunks_exact(wide)).enumerate();
    let data = rows.flat_map(|(y, (a, b))| {
        let from_ground =
            if away { room as isize + tall as isize - 1 - y as isize } else { y as isize - room as isize };
        let share = ((from_ground as f32 + 0.5) / tall as f32).clamp(0.0, 1.0);
        a.iter().zip(b).map(move |(a, b)| mix(*a, *b, share)).collect::<Vec<f32>>()
    });
    let data: Vec<f32> = data.collect();
    let ground = b as isize;
    let y = if away { ground - tall as isize } else { ground } - room as isize;
    Ok(Some(Patch { x: l as isize - before as isize, y, w: wide, data }))
}

/// The subject of a picture (its alpha, or `mask`) with its shadow on the ground, moved by `offset` pixels
/// right and down. A picture without a subject gets none.
///
/// # Errors
/// When a parameter is out of range or the result is too large.
pub fn ground_shadow(
    image: &Image,
    mask: Option<&Mask>,
    ground: &Ground,
    offset: [isize; 2],
    paint: &Paint,
) -> Result<Layered, PixelError> {
    ground.check()?;
    paint.check()?;
    let (subject, alpha) = cut_out(image, mask)?;
    let w = alpha.width();
    let shape = |frame: &[f32]| -> Result<Option<Patch>, PixelError> {
        let found = match *ground {
            Ground::Ellipse { width, flat, soft } => ellipse(frame, w, [width, flat, soft])?,
            Ground::Cast { length, lean, fade, blur } => cast(frame, w, [length, lean, fade], blur)?,
        };
        Ok(found.map(|p| p.moved(offset[0], offset[1])))
    };
    let patches: Vec<_> =
        alpha.data().chunks_exact(alpha.frame_len()).map(shape).collect::<Result<_, _>>()?;
    lay(&subject, &patches, paint, Place::Below)
}
