//! Shapes and words on a picture.

use ab_glyph::{Font, FontRef, OutlineCurve};
use kiln_codec::{Format, SaveOptions, encode};
use kiln_types::Image;
use tiny_skia::{FillRule, Paint, Path, PathBuilder, Pixmap, Transform};

/// Why there is no chart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the chart cannot be drawn: {0}")]
pub struct ChartError(pub(super) String);

/// A colour, red, green and blue.
pub(super) type Ink = [u8; 3];

pub(super) const PAPER: Ink = [251, 250, 247];
pub(super) const TEXT: Ink = [33, 31, 28];
pub(super) const QUIET: Ink = [122, 117, 109];
pub(super) const LINE: Ink = [226, 222, 214];
pub(super) const BAR: Ink = [44, 95, 122];
pub(super) const FAINT: Ink = [178, 186, 190];
pub(super) const MARK: Ink = [192, 73, 43];

/// Colours of tiers, the rarest first; more tiers than these begin again.
pub(super) const TIERS: [Ink; 6] =
    [[192, 73, 43], [214, 148, 40], [122, 82, 150], [44, 95, 122], [72, 133, 96], [150, 120, 96]];

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Middle,
    Right,
}

pub(super) struct Canvas {
    map: Pixmap,
    font: FontRef<'static>,
    spare: FontRef<'static>,
}

fn wrong(what: impl std::fmt::Display) -> ChartError {
    ChartError(what.to_string())
}

fn paint(ink: Ink) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(ink[0], ink[1], ink[2], 255);
    paint.anti_alias = true;
    paint
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32) -> Result<Self, ChartError> {
        let mut map =
            Pixmap::new(width, height).ok_or_else(|| wrong(format!("{width}x{height} is no size")))?;
        map.fill(tiny_skia::Color::from_rgba8(PAPER[0], PAPER[1], PAPER[2], 255));
        let font = |bytes| FontRef::try_from_slice(bytes).map_err(wrong);
        Ok(Self {
            map,
            font: font(epaint_default_fonts::UBUNTU_LIGHT)?,
            spare: font(epaint_default_fonts::HACK_REGULAR)?,
        })
    }

    /// A filled rectangle; edges between pixels are shared out exactly.
    pub(super) fn rect(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        let (wide, high) = (self.map.width() as usize, self.map.height() as usize);
        let (right, low) = ((x + width).min(wide as f32), (y + height).min(high as f32));
        let (x, y) = (x.max(0.0), y.max(0.0));
        let share =
            |at: usize, from: f32, to: f32| (to.min(at as f32 + 1.0) - from.max(at as f32)).clamp(0.0, 1.0);
        let data = self.map.data_mut();
        for row in (y as usize)..(low.max(0.0).ceil() as usize).min(high) {
            for column in (x as usize)..(right.max(0.0).ceil() as usize).min(wide) {
                let cover = share(row, y, low) * share(column, x, right);
                let at = (row * wide + column) * 4;
                for (old, new) in data[at..at + 3].iter_mut().zip(ink) {
                    *old = (f32::from(*old) * (1.0 - cover) + f32::from(new) * cover + 0.5) as u8;
                }
            }
        }
    }

    fn glyph(&self, letter: char) -> (&FontRef<'static>, ab_glyph::GlyphId) {
        let id = self.font.glyph_id(letter);
        if id.0 != 0 { (&self.font, id) } else { (&self.spare, self.spare.glyph_id(letter)) }
    }

    /// How wide a text is.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        text.chars()
            .map(|letter| {
                let (font, id) = self.glyph(spaced(letter));
                font.h_advance_unscaled(id) * size / font.units_per_em().unwrap_or(1000.0)
            })
            .sum()
    }

    /// As much of a text as fits, with an ellipsis where it is cut.
    pub(super) fn fitting(&self, text: &str, size: f32, width: f32) -> String {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
        if self.width(&text, size) <= width {
            return text;
        }
        let mut kept: Vec<char> = text.chars().collect();
        while kept.pop().is_some() {
            let shorter: String = kept.iter().collect::<String>().trim_end().to_owned() + "…";
            if self.width(&shorter, size) <= width {
                return shorter;
            }
        }
        String::new()
    }

    /// A text on a base line.
    pub(super) fn text(&mut self, x: f32, base: f32, size: f32, ink: Ink, side: Side, text: &str) {
        let width = self.width(text, size);
        let mut at = match side {
            Side::Left => x,
            Side::Middle => x - width / 2.0,
            Side::Right => x - width,
        };
        let mut shapes = PathBuilder::new();
        for letter in text.chars() {
            let (font, id) = self.glyph(spaced(letter));
            let scale = size / font.units_per_em().unwrap_or(1000.0);
            if let Some(outline) = font.outline(id) {
                add(&mut shapes, &outline.curves, at, base, scale);
            }
            at += font.h_advance_unscaled(id) * scale;
        }
        if let Some(path) = shapes.finish() {
            self.fill(&path, ink);
        }
    }

    fn fill(&mut self, path: &Path, ink: Ink) {
        self.map.fill_path(path, &paint(ink), FillRule::Winding, Transform::identity(), None);
    }

    /// The picture as a PNG file.
    pub(super) fn png(&self) -> Result<Vec<u8>, ChartError> {
        let (w, h) = (self.map.width() as usize, self.map.height() as usize);
        // Nothing is see-through: the paper is whole.
        let samples = self
            .map
            .pixels()
            .iter()
            .flat_map(|p| [p.red(), p.green(), p.blue()])
            .map(|v| f32::from(v) / 255.0);
        let image = Image::new(1, h, w, 3, samples.collect::<Vec<f32>>()).map_err(wrong)?;
        encode(&image, 0, &SaveOptions::new(Format::Png)).map_err(wrong)
    }
}

/// The font has no narrow spaces.
fn spaced(letter: char) -> char {
    if matches!(letter, '\u{202f}' | '\u{2009}' | '\u{a0}') { ' ' } else { letter }
}

/// Adds a letter's outline; fonts have y upwards.
fn add(shapes: &mut PathBuilder, curves: &[OutlineCurve], x: f32, base: f32, scale: f32) {
    let place = |p: ab_glyph::Point| (x + p.x * scale, base - p.y * scale);
    let mut last = None;
    for curve in curves {
        let (from, to) = match curve {
            OutlineCurve::Line(a, b) => (*a, *b),
            OutlineCurve::Quad(a, _, b) => (*a, *b),
            OutlineCurve::Cubic(a, _, _, b) => (*a, *b),
        };
        if last != Some((from.x.to_bits(), from.y.to_bits())) {
            if last.is_some() {
                shapes.close();
            }
            let (x, y) = place(from);
            shapes.move_to(x, y);
        }
        let (tx, ty) = place(to);
        match curve {
            OutlineCurve::Line(..) => shapes.line_to(tx, ty),
            OutlineCurve::Quad(_, c, _) => {
                let (cx, cy) = place(*c);
                shapes.quad_to(cx, cy, tx, ty);
            }
            OutlineCurve::Cubic(_, c, d, _) => {
                let ((cx, cy), (dx, dy)) = (place(*c), place(*d));
                shapes.cubic_to(cx, cy, dx, dy, tx, ty);
            }
        }
        last = Some((to.x.to_bits(), to.y.to_bits()));
    }
    if last.is_some() {
        shapes.close();
    }
}
