//! Making room around a picture.

use kiln_types::{Color, Image, Mask};

use crate::PixelError;
use crate::samples::reflect;

/// What the new pixels around a picture are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fill {
    /// One colour; its alpha counts where the picture has alpha.
    Color(Color),
    /// The nearest pixel of the border.
    Edge,
    /// The picture mirrored at its border pixels.
    Reflect,
}

/// Pixels to add on each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Margins {
    /// Columns on the left.
    pub left: usize,
    /// Rows on top.
    pub top: usize,
    /// Columns on the right.
    pub right: usize,
    /// Rows at the bottom.
    pub bottom: usize,
}

impl Margins {
    fn width(self, inner: usize) -> usize {
        inner.saturating_add(self.left).saturating_add(self.right)
    }

    fn height(self, inner: usize) -> usize {
        inner.saturating_add(self.top).saturating_add(self.bottom)
    }
}

/// The place in the picture that a place of the padded picture shows, or none where it shows a colour.
fn place(at: usize, before: usize, n: usize, fill: Fill) -> Option<usize> {
    // A side never exceeds 65536 once the padded picture exists, so these fit.
    let i = at as isize - before as isize;
    match fill {
        Fill::Color(_) => (0..n as isize).contains(&i).then_some(i as usize),
        Fill::Edge => Some(i.clamp(0, n as isize - 1) as usize),
        Fill::Reflect => Some(reflect(i, n)),
    }
}

/// The picture with `margins` of new pixels around it.
///
/// # Errors
/// When the result is too large.
pub fn pad(image: &Image, margins: Margins, fill: Fill) -> Result<Image, PixelError> {
    let (w, h, c) = (image.width(), image.height(), image.channels());
    let (wide, tall) = (margins.width(w), margins.height(h));
    let mut out = Image::zeros(image.batch(), tall, wide, c)?;
    let blank = match fill {
        Fill::Color(color) => [color.r, color.g, color.b, color.a],
        Fill::Edge | Fill::Reflect => [0.0; 4],
    };
    let columns: Vec<Option<usize>> = (0..wide).map(|x| place(x, margins.left, w, fill)).collect();
    let len = image.frame_len();
    for (frame, result) in
        image.data().chunks_exact(len).zip(out.data_mut().chunks_exact_mut(wide * tall * c))
    {
        for (y, target) in result.chunks_exact_mut(wide * c).enumerate() {
            let row = place(y, margins.top, h, fill).map(|y| &frame[y * w * c..(y + 1) * w * c]);
            for (pixel, x) in target.chunks_exact_mut(c).zip(&columns) {
                match (row, x) {
                    (Some(row), Some(x)) => pixel.copy_from_slice(&row[x * c..(x + 1) * c]),
                    _ => pixel.copy_from_slice(&blank[..c]),
                }
            }
        }
    }
    Ok(out)
}

/// The picture with grey margins to be painted, and a mask that selects them; the mask reaches
/// `feathering` pixels into the picture, fading with the square of the distance, from the sides that grow.
///
/// # Errors
/// When the result is too large.
pub fn pad_for_outpaint(
    image: &Image,
    margins: Margins,
    feathering: usize,
) -> Result<(Image, Mask), PixelError> {
    let (w, h) = (image.width(), image.height());
    let gray = Color { r: 0.5, g: 0.5, b: 0.5, a: 0.5 };
    let out = pad(image, margins, Fill::Color(gray))?;
    let mut mask = Mask::filled(1, out.height(), out.width(), 1.0)?;
    let wide = out.width();
    let fades = feathering > 0 && feathering < w.div_ceil(2) && feathering < h.div_ceil(2);
    let rows = mask.data_mut().chunks_exact_mut(wide).skip(margins.top).take(h);
    for (y, row) in rows.enumerate() {
        for (x, m) in row.iter_mut().skip(margins.left).take(w).enumerate() {
            let far = |grows: usize, distance: usize, size: usize| if grows == 0 { size } else { distance };
            let d = far(margins.top, y, h)
                .min(far(margins.bottom, h - y, h))
                .min(far(margins.left, x, w))
                .min(far(margins.right, w - x, w));
            *m = if fades && d < feathering {
                let v = (feathering - d) as f64 / feathering as f64;
                (v * v) as f32
            } else {
                0.0
            };
        }
    }
    Ok((out, mask))
}
