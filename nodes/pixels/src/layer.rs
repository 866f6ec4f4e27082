//! Layers: a picture with alpha over another, on a canvas that grows when something stands over.

use kiln_types::{Color, Image, Mask};

use crate::PixelError;
use crate::alpha::with_mask;
use crate::light::{from_linear, to_linear};
use crate::pad::{Fill, Margins, pad};

/// `top` over `bottom` (Porter-Duff SRC_OVER, straight alpha); with `linear` their light is mixed instead of
/// their sRGB codes. Where one of them shows alone it stays bit for bit.
pub(crate) fn over(top: [f32; 4], bottom: [f32; 4], linear: bool) -> [f32; 4] {
    let (a, b) = (top[3], bottom[3] * (1.0 - top[3]));
    if b <= 0.0 {
        return top;
    }
    if a <= 0.0 {
        return bottom;
    }
    let alpha = a + b;
    let mix = |c: usize| {
        if linear {
            from_linear((to_linear(top[c]) * a + to_linear(bottom[c]) * b) / alpha)
        } else {
            (top[c] * a + bottom[c] * b) / alpha
        }
    };
    [mix(0), mix(1), mix(2), alpha]
}

/// A patch of a mask, its corner at a place of some picture.
pub(crate) struct Patch {
    pub(crate) x: isize,
    pub(crate) y: isize,
    pub(crate) w: usize,
    pub(crate) data: Vec<f32>,
}

impl Patch {
    fn height(&self) -> usize {
        self.data.len() / self.w
    }

    /// The patch with its corner elsewhere.
    pub(crate) fn moved(mut self, dx: isize, dy: isize) -> Self {
        self.x = self.x.saturating_add(dx);
        self.y = self.y.saturating_add(dy);
        self
    }
}

/// What a subject stands on or in.
#[derive(Clone, Debug, PartialEq)]
pub struct Layered {
    /// The subject with its layer.
    pub image: Image,
    /// The layer alone, with alpha, as large as `image`.
    pub layer: Image,
    /// By how much the canvas grew on the left and on top: where the old corner now is.
    pub corner: [usize; 2],
}

/// How a layer is laid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paint {
    /// Its colour; the alpha counts.
    pub color: Color,
    /// How opaque it is, 0..1, times the colour's alpha.
    pub opacity: f32,
    /// Whether the canvas grows where the layer stands over the picture.
    pub grow: bool,
}

impl Paint {
    pub(crate) fn check(&self) -> Result<(), PixelError> {
        let Color { r, g, b, a } = self.color;
        if ![r, g, b, a].iter().all(|v| (0.0..=1.0).contains(v)) {
            return Err(PixelError::parameter("color", "a colour with parts between 0 and 1"));
        }
        if !(0.0..=1.0).contains(&self.opacity) {
            return Err(PixelError::parameter("opacity", "within 0 to 1"));
        }
        Ok(())
    }
}

/// Where a layer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the subject.
    Below,
    /// On it, and beside it.
    Above,
    /// On it alone: its alpha stays.
    Within,
}

impl Place {
    fn join(self, subject: [f32; 4], layer: [f32; 4]) -> [f32; 4] {
        match self {
            Self::Below => over(subject, layer, false),
            Self::Above => over(layer, subject, false),
            Self::Within if subject[3] <= 0.0 => subject,
            Self::Within => {
                let share = (layer[3] / subject[3]).min(1.0);
                let mix = |c: usize| subject[c] + (layer[c] - subject[c]) * share;
                [mix(0), mix(1), mix(2), subject[3]]
            }
        }
    }
}

/// How far the patches stand over a picture of `w` x `h` on each side.
fn standing_over(patches: &[Option<Patch>], [w, h]: [usize; 2]) -> Margins {
    let mut m = Margins::default();
    let past = |v: isize| usize::try_from(v).unwrap_or(0);
    let beyond = |at: isize, n: usize, size: usize| past(at.saturating_add(n as isize - size as isize));
    for p in patches.iter().flatten() {
        m.left = m.left.max(past(p.x.saturating_neg()));
        m.top = m.top.max(past(p.y.saturating_neg()));
        m.right = m.right.max(beyond(p.x, p.w, w));
        m.bottom = m.bottom.max(beyond(p.y, p.height(), h));
    }
    m
}

/// The subject of a picture with a layer in one colour, one patch for each picture of the batch.
pub(crate) fn lay(
    subject: &Image,
    patches: &[Option<Patch>],
    paint: &Paint,
    place: Place,
) -> Result<Layered, PixelError> {
    let size = [subject.width(), subject.height()];
    let m = if paint.grow { standing_over(patches, size) } else { Margins::default() };
    let clear = Color { r: 0.0, g: 0.0, b: 0.0, a: 0.0 };
    let mut image = pad(subject, m, Fill::Color(clear))?;
    let (w, h) = (image.width(), image.height());
    let mut layer = Image::zeros(image.batch(), h, w, 4)?;
    let color = paint.color;
    for (i, frame) in layer.data_mut().chunks_exact_mut(w * h * 4).enumerate() {
        let pixels = frame.as_chunks_mut::<4>().0;
        pixels.fill([color.r, color.g, color.b, 0.0]);
        let Some(patch) = patches.get(i).and_then(Option::as_ref) else { continue };
        let (x, y) = (patch.x.saturating_add(m.left as isize), patch.y.saturating_add(m.top as isize));
        let columns = crate::composite::overlap(x, patch.w, w);
        let rows = crate::composite::overlap(y, patch.height(), h);
        let (Some((columns, skip_x)), Some((rows, skip_y))) = (columns, rows) else { continue };
        for (k, row) in rows.enumerate() {
            let from = (k + skip_y) * patch.w + skip_x;
            let target = &mut pixels[row * w + columns.start..row * w + columns.end];
            for (p, v) in target.iter_mut().zip(&patch.data[from..]) {
                p[3] = v * paint.opacity * color.a;
            }
        }
    }
    for (p, l) in image.data_mut().as_chunks_mut::<4>().0.iter_mut().zip(layer.data().as_chunks::<4>().0) {
        *p = place.join(*p, *l);
    }
    Ok(Layered { image, layer, corner: [m.left, m.top] })
}

/// The picture with `mask` (or its own alpha) as its alpha, and that alpha frame by frame.
pub(crate) fn cut_out(image: &Image, mask: Option<&Mask>) -> Result<(Image, Mask), PixelError> {
    let alpha = crate::alpha::subject_mask(image, mask)?;
    let image = with_mask(image, &alpha)?;
    let alpha = if alpha.batch() == image.batch() {
        alpha
    } else {
        let frames = (0..image.batch()).flat_map(|i| crate::samples::cycled_mask(&alpha, i).to_vec());
        Mask::new(image.batch(), image.height(), image.width(), frames.collect())?
    };
    Ok((image, alpha))
}
