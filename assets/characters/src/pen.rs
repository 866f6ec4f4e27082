//! The pen: shapes and fills over tiny-skia, in the drawing's own units (the picture is 128 of them wide).

use crate::color::Rgb;
use tiny_skia::{
    BlendMode, Color as SkColor, FillRule, GradientStop, LineCap, LineJoin, LinearGradient, Mask, Paint,
    Path, PathBuilder, Pixmap, Point, RadialGradient, Rect, Shader, SpreadMode, Stroke, Transform,
};

/// The width and height of every picture, in units.
pub(crate) const UNITS: f32 = 128.0;

/// A place, in units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct At(pub(crate) f32, pub(crate) f32);

impl At {
    /// Moved by this much.
    pub(crate) fn by(self, x: f32, y: f32) -> Self {
        Self(self.0 + x, self.1 + y)
    }

    /// Part of the way to another place.
    pub(crate) fn toward(self, other: Self, part: f32) -> Self {
        Self(self.0 + (other.0 - self.0) * part, self.1 + (other.1 - self.1) * part)
    }

    fn sk(self) -> Point {
        Point::from_xy(self.0, self.1)
    }
}

/// A colour with how much it covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ink(pub(crate) Rgb, pub(crate) f32);

impl From<Rgb> for Ink {
    fn from(color: Rgb) -> Self {
        Self(color, 1.0)
    }
}

impl Ink {
    fn sk(self) -> SkColor {
        let Self(Rgb(r, g, b), alpha) = self;
        let alpha = (alpha.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
        SkColor::from_rgba8(r, g, b, alpha)
    }
}

/// What a shape is filled with.
#[derive(Clone, Debug)]
pub(crate) enum Fill {
    /// One colour.
    Flat(Ink),
    /// Along a line.
    Linear(At, At, Vec<(f32, Ink)>),
    /// From a centre outward, up to a radius.
    Radial(At, f32, Vec<(f32, Ink)>),
}

impl From<Rgb> for Fill {
    fn from(color: Rgb) -> Self {
        Self::Flat(color.into())
    }
}

impl From<Ink> for Fill {
    fn from(ink: Ink) -> Self {
        Self::Flat(ink)
    }
}

impl Fill {
    /// From the first place to the second, through these colours at even steps.
    pub(crate) fn along(from: At, to: At, colors: &[Rgb]) -> Self {
        Self::Linear(from, to, even(colors))
    }

    /// Outward through these colours at even steps.
    pub(crate) fn outward(centre: At, radius: f32, colors: &[Rgb]) -> Self {
        Self::Radial(centre, radius, even(colors))
    }

    /// A soft spot: full in the middle, nothing at the rim.
    pub(crate) fn glow(centre: At, radius: f32, color: Rgb, strength: f32) -> Self {
        Self::Radial(centre, radius, vec![(0.0, Ink(color, strength)), (1.0, Ink(color, 0.0))])
    }

    fn shader(&self) -> Shader<'static> {
        let stops = |stops: &[(f32, Ink)]| {
            stops.iter().map(|&(at, ink)| GradientStop::new(at, ink.sk())).collect::<Vec<_>>()
        };
        let first = |list: &[(f32, Ink)]| {
            Shader::SolidColor(list.first().map_or(SkColor::TRANSPARENT, |(_, ink)| ink.sk()))
        };
        match self {
            Self::Flat(ink) => Shader::SolidColor(ink.sk()),
            Self::Linear(from, to, list) => {
                LinearGradient::new(from.sk(), to.sk(), stops(list), SpreadMode::Pad, Transform::identity())
                    .unwrap_or_else(|| first(list))
            }
            Self::Radial(centre, radius, list) => RadialGradient::new(
                centre.sk(),
                centre.sk(),
                radius.max(0.01),
                stops(list),
                SpreadMode::Pad,
                Transform::identity(),
            )
            .unwrap_or_else(|| first(list)),
        }
    }
}

fn even(colors: &[Rgb]) -> Vec<(f32, Ink)> {
    let last = colors.len().saturating_sub(1).max(1) as f32;
    colors.iter().enumerate().map(|(index, &color)| (index as f32 / last, color.into())).collect()
}

/// A shape: an outline to fill or follow. Nothing, where its numbers made no sense.
#[derive(Clone, Debug)]
pub(crate) struct Shape(Option<Path>);

/// Builds a shape step by step.
pub(crate) struct Outline(PathBuilder);

impl Outline {
    /// Begins at a place.
    pub(crate) fn from(start: At) -> Self {
        let mut builder = PathBuilder::new();
        builder.move_to(start.0, start.1);
        Self(builder)
    }

    /// A straight line.
    pub(crate) fn to(mut self, end: At) -> Self {
        self.0.line_to(end.0, end.1);
        self
    }

    /// A bend by one control point.
    pub(crate) fn bend(mut self, control: At, end: At) -> Self {
        self.0.quad_to(control.0, control.1, end.0, end.1);
        self
    }

    /// A curve by two control points.
    pub(crate) fn curve(mut self, first: At, second: At, end: At) -> Self {
        self.0.cubic_to(first.0, first.1, second.0, second.1, end.0, end.1);
        self
    }

    /// Ends where it began.
    pub(crate) fn closed(mut self) -> Shape {
        self.0.close();
        Shape(self.0.finish())
    }

    /// Ends here: a line to follow.
    pub(crate) fn open(self) -> Shape {
        Shape(self.0.finish())
    }
}

/// How far control points stand from the corner of a quarter circle.
const ROUND: f32 = 0.552_284_8;

impl Shape {
    /// An oval.
    pub(crate) fn oval(centre: At, rx: f32, ry: f32) -> Self {
        Self::egg(centre, rx, ry, ry)
    }

    /// A circle.
    pub(crate) fn circle(centre: At, radius: f32) -> Self {
        Self::oval(centre, radius, radius)
    }

    /// An oval with another height above its centre than below.
    pub(crate) fn egg(At(x, y): At, rx: f32, above: f32, below: f32) -> Self {
        let k = ROUND;
        Outline::from(At(x - rx, y))
            .curve(At(x - rx, y - above * k), At(x - rx * k, y - above), At(x, y - above))
            .curve(At(x + rx * k, y - above), At(x + rx, y - above * k), At(x + rx, y))
            .curve(At(x + rx, y + below * k), At(x + rx * k, y + below), At(x, y + below))
            .curve(At(x - rx * k, y + below), At(x - rx, y + below * k), At(x - rx, y))
            .closed()
    }

    /// A box with round corners.
    pub(crate) fn block(At(x, y): At, half_w: f32, half_h: f32, corner: f32) -> Self {
        let c = corner.min(half_w).min(half_h);
        let k = c * (1.0 - ROUND);
        let (l, r, t, b) = (x - half_w, x + half_w, y - half_h, y + half_h);
        Outline::from(At(l + c, t))
            .to(At(r - c, t))
            .curve(At(r - k, t), At(r, t + k), At(r, t + c))
            .to(At(r, b - c))
            .curve(At(r, b - k), At(r - k, b), At(r - c, b))
            .to(At(l + c, b))
            .curve(At(l + k, b), At(l, b - k), At(l, b - c))
            .to(At(l, t + c))
            .curve(At(l, t + k), At(l + k, t), At(l + c, t))
            .closed()
    }

    /// Straight lines between places.
    pub(crate) fn polygon(places: &[At]) -> Self {
        let Some((&first, rest)) = places.split_first() else { return Self(None) };
        rest.iter().fold(Outline::from(first), |outline, &place| outline.to(place)).closed()
    }

    /// A closed curve softly through these places.
    pub(crate) fn smooth(places: &[At]) -> Self {
        let n = places.len();
        if n < 3 {
            return Self(None);
        }
        let mut outline = Outline::from(places[0]);
        for i in 0..n {
            let (a, b, c, d) = (places[(i + n - 1) % n], places[i], places[(i + 1) % n], places[(i + 2) % n]);
            let first = b.by((c.0 - a.0) / 6.0, (c.1 - a.1) / 6.0);
            let second = c.by((b.0 - d.0) / 6.0, (b.1 - d.1) / 6.0);
            outline = outline.curve(first, second, c);
        }
        outline.closed()
    }

    /// A star with so many points.
    pub(crate) fn star(centre: At, points: usize, outer: f32, inner: f32, turn: f32) -> Self {
        let places: Vec<At> = (0..points * 2)
            .map(|i| {
                let radius = if i % 2 == 0 { outer } else { inner };
                let angle = turn + i as f32 * core::f32::consts::PI / points as f32;
                centre.by(libm::sinf(angle) * radius, -libm::cosf(angle) * radius)
            })
            .collect();
        Self::polygon(&places)
    }

    /// A four-pointed twinkle with hollow sides.
    pub(crate) fn twinkle(At(x, y): At, radius: f32) -> Self {
        let n = radius * 0.14;
        Outline::from(At(x, y - radius))
            .bend(At(x + n, y - n), At(x + radius, y))
            .bend(At(x + n, y + n), At(x, y + radius))
            .bend(At(x - n, y + n), At(x - radius, y))
            .bend(At(x - n, y - n), At(x, y - radius))
            .closed()
    }

    /// A heart around a centre, so many units from it to its rim.
    pub(crate) fn heart(At(x, y): At, r: f32) -> Self {
        Outline::from(At(x, y + r * 0.95))
            .curve(At(x - r * 1.5, y + r * 0.05), At(x - r * 1.05, y - r * 1.1), At(x, y - r * 0.38))
            .curve(At(x + r * 1.05, y - r * 1.1), At(x + r * 1.5, y + r * 0.05), At(x, y + r * 0.95))
            .closed()
    }

    /// The same shape, moved, turned or stretched.
    pub(crate) fn moved(self, by: Transform) -> Self {
        Self(self.0.and_then(|path| path.transform(by)))
    }

    /// This shape and another, as one.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(a), Some(b)) => {
                let mut builder = PathBuilder::new();
                builder.push_path(&a);
                builder.push_path(&b);
                Self(builder.finish())
            }
            (a, b) => Self(a.or(b)),
        }
    }
}

/// Turned about a place, by degrees (clockwise on the screen).
pub(crate) fn turned(about: At, degrees: f32) -> Transform {
    let angle = degrees * core::f32::consts::PI / 180.0;
    let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
    Transform::from_row(
        cos,
        sin,
        -sin,
        cos,
        about.0 - cos * about.0 + sin * about.1,
        about.1 - sin * about.0 - cos * about.1,
    )
}

/// Stretched about a place.
pub(crate) fn stretched(about: At, x: f32, y: f32) -> Transform {
    Transform::from_row(x, 0.0, 0.0, y, about.0 - x * about.0, about.1 - y * about.1)
}

/// Draws on a sheet.
pub(crate) struct Pen {
    sheet: Pixmap,
    placing: Transform,
    clip: Option<Mask>,
    blend: BlendMode,
}

impl Pen {
    /// A clear sheet so many pixels wide and high.
    pub(crate) fn new(size: u32) -> Option<Self> {
        let scale = size as f32 / UNITS;
        Some(Self {
            sheet: Pixmap::new(size, size)?,
            placing: Transform::from_scale(scale, scale),
            clip: None,
            blend: BlendMode::SourceOver,
        })
    }

    /// Goes on with premultiplied pixels.
    pub(crate) fn on(pixels: Vec<u8>, size: u32) -> Option<Self> {
        let scale = size as f32 / UNITS;
        Some(Self {
            sheet: Pixmap::from_vec(pixels, tiny_skia::IntSize::from_wh(size, size)?)?,
            placing: Transform::from_scale(scale, scale),
            clip: None,
            blend: BlendMode::SourceOver,
        })
    }

    /// A pen that goes on with a sheet already drawn on, only where something is.
    pub(crate) fn atop(mut self) -> Self {
        self.blend = BlendMode::SourceAtop;
        self
    }

    /// What was drawn: premultiplied RGBA.
    pub(crate) fn done(self) -> Vec<u8> {
        self.sheet.take()
    }

    /// Where a place comes to lie, in pixels.
    pub(crate) fn pixel(&self, place: At) -> At {
        let mut point = place.sk();
        self.placing.map_point(&mut point);
        At(point.x, point.y)
    }

    /// Fills a shape.
    pub(crate) fn fill(&mut self, shape: &Shape, fill: impl Into<Fill>) {
        let Some(path) = &shape.0 else { return };
        let paint = Paint {
            shader: fill.into().shader(),
            blend_mode: self.blend,
            anti_alias: true,
            force_hq_pipeline: false,
        };
        self.sheet.fill_path(path, &paint, FillRule::Winding, self.placing, self.clip.as_ref());
    }

    /// Follows a shape with a round line.
    pub(crate) fn line(&mut self, shape: &Shape, width: f32, fill: impl Into<Fill>) {
        let Some(path) = &shape.0 else { return };
        let paint = Paint {
            shader: fill.into().shader(),
            blend_mode: self.blend,
            anti_alias: true,
            force_hq_pipeline: false,
        };
        let stroke =
            Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        self.sheet.stroke_path(path, &paint, &stroke, self.placing, self.clip.as_ref());
    }

    /// Fills a shape and gives it an outline outside of it.
    pub(crate) fn part(&mut self, shape: &Shape, fill: impl Into<Fill>, line: Rgb, width: f32) {
        self.line(shape, width * 2.0, line);
        self.fill(shape, fill);
    }

    /// A thick round line with an outline: an arm, a tail.
    pub(crate) fn limb(&mut self, path: &Shape, width: f32, fill: impl Into<Fill>, line: Rgb, edge: f32) {
        self.line(path, width + edge * 2.0, line);
        self.line(path, width, fill);
    }

    /// Covers the whole sheet.
    pub(crate) fn flood(&mut self, fill: impl Into<Fill>) {
        let Some(rect) = Rect::from_xywh(0.0, 0.0, UNITS, UNITS) else { return };
        self.fill(&Shape(Some(PathBuilder::from_rect(rect))), fill);
    }

    /// What `draw` draws shows only inside the shape.
    pub(crate) fn inside(&mut self, shape: &Shape, draw: impl FnOnce(&mut Self)) {
        let Some(path) = &shape.0 else { return };
        let before = self.clip.take();
        let mask = match &before {
            Some(mask) => {
                let mut mask = mask.clone();
                mask.intersect_path(path, FillRule::Winding, true, self.placing);
                Some(mask)
            }
            None => Mask::new(self.sheet.width(), self.sheet.height()).map(|mut mask| {
                mask.fill_path(path, FillRule::Winding, true, self.placing);
                mask
            }),
        };
        self.clip = mask;
        draw(self);
        self.clip = before;
    }

    /// What `draw` draws shows only outside the shape.
    pub(crate) fn outside(&mut self, shape: &Shape, draw: impl FnOnce(&mut Self)) {
        let Some(path) = &shape.0 else { return };
        let before = self.clip.take();
        self.clip = Mask::new(self.sheet.width(), self.sheet.height()).map(|mut mask| {
            mask.fill_path(path, FillRule::Winding, true, self.placing);
            mask.invert();
            mask
        });
        draw(self);
        self.clip = before;
    }

    /// What `draw` draws is moved, turned or stretched.
    pub(crate) fn placed(&mut self, by: Transform, draw: impl FnOnce(&mut Self)) {
        let before = self.placing;
        self.placing = before.pre_concat(by);
        draw(self);
        self.placing = before;
    }
}
