//! The surface of bodies: light and shade, and the patterns on them.

use crate::color::Rgb;
use crate::figure::{EDGE, Figure};
use crate::pen::{At, Fill, Ink, Pen, Shape, turned};
use crate::traits::{Look, Pattern};

/// A part of the body, as patterns see it.
#[derive(Clone, Copy)]
pub(crate) struct Area {
    /// Its middle.
    pub(crate) centre: At,
    /// Half its width.
    pub(crate) rx: f32,
    /// Half its height.
    pub(crate) ry: f32,
    /// Whether there is a face on it, which patterns leave free.
    pub(crate) face: bool,
}

impl Figure {
    /// How a round part of the body is lit: from the upper left.
    pub(crate) fn lit(&self, centre: At, rx: f32, ry: f32) -> Fill {
        let tones = &self.tones;
        if self.look == Look::Gold {
            return Fill::Linear(
                centre.by(-rx * 0.5, -ry),
                centre.by(rx * 0.5, ry),
                vec![
                    (0.0, Rgb::hex(0xFF_F3_C4).into()),
                    (0.28, Rgb::hex(0xF7_C9_4C).into()),
                    (0.5, Rgb::hex(0xD8_94_22).into()),
                    (0.62, Rgb::hex(0xF8_D0_5E).into()),
                    (0.8, Rgb::hex(0xC6_82_1C).into()),
                    (1.0, Rgb::hex(0x8F_55_10).into()),
                ],
            );
        }
        if self.traits.pattern == Pattern::Gradient {
            let head = self.at.head;
            let from = head.by(-4.0, self.at.ry * 0.15);
            return Fill::Linear(
                from,
                At(4.0, -4.0),
                vec![(0.0, tones.base.into()), (0.15, tones.base.into()), (1.0, self.faded.into())],
            );
        }
        let big = rx.max(ry);
        Fill::Radial(
            centre.by(-rx * 0.38, -ry * 0.48),
            big * 1.75,
            vec![
                (0.0, tones.light.into()),
                (0.36, tones.base.into()),
                (0.6, tones.base.into()),
                (1.0, tones.shade.into()),
            ],
        )
    }

    /// A part of the body: outline, light, pattern, and the soft shade at its rim.
    pub(crate) fn skin(&self, pen: &mut Pen, shape: &Shape, area: Area) {
        let Area { centre, rx, ry, .. } = area;
        pen.part(shape, self.lit(centre, rx, ry), self.tones.line, EDGE);
        pen.inside(shape, |pen| {
            self.pattern(pen, area);
            let big = rx.max(ry);
            // Shade gathers at the lower right rim.
            pen.fill(
                shape,
                Fill::Radial(
                    centre.by(-rx * 0.22, -ry * 0.28),
                    big * 1.42,
                    vec![
                        (0.0, Ink(self.tones.shade, 0.0)),
                        (0.66, Ink(self.tones.shade, 0.0)),
                        (1.0, Ink(self.tones.shade, 0.85)),
                    ],
                ),
            );
        });
    }

    /// A small part of the body, without pattern.
    pub(crate) fn bit(&self, pen: &mut Pen, shape: &Shape, centre: At, rx: f32, ry: f32) {
        pen.part(shape, self.lit(centre, rx, ry), self.tones.line, EDGE);
    }

    /// A soft shine on a round part.
    pub(crate) fn shine(&self, pen: &mut Pen, centre: At, rx: f32, ry: f32, strength: f32) {
        let spot = centre.by(-rx * 0.5, -ry * 0.62);
        let oval = Shape::oval(spot, rx * 0.2, ry * 0.1).moved(turned(spot, -28.0));
        pen.fill(&oval, Ink(Rgb(255, 255, 255), strength));
        pen.fill(
            &Shape::circle(centre.by(-rx * 0.71, -ry * 0.36), rx.min(ry) * 0.06),
            Ink(Rgb(255, 255, 255), strength),
        );
    }

    /// What is drawn on a part of the body.
    fn pattern(&self, pen: &mut Pen, area: Area) {
        let accent = self.accent;
        match self.traits.pattern {
            Pattern::Plain | Pattern::Gradient => {}
            Pattern::Belly => self.belly_patch(pen, area),
            Pattern::Spots => self.scatter(pen, area, |pen, at, r, turn| {
                let oval = Shape::oval(at, r, r * 0.86).moved(turned(at, turn));
                pen.fill(&oval, accent);
            }),
            Pattern::Stars => self.scatter(pen, area, |pen, at, r, turn| {
                pen.fill(&Shape::star(at, 5, r * 1.3, r * 0.6, turn * 0.01), accent);
            }),
            Pattern::Hearts => self.scatter(pen, area, |pen, at, r, turn| {
                pen.fill(&Shape::heart(at, r * 1.12).moved(turned(at, turn * 0.4)), accent);
            }),
            Pattern::Stripes => self.stripes(pen, area),
            Pattern::Patches => self.patches(pen, area),
        }
    }

    /// The light patch on the belly: on the torso, or low on a one-piece body.
    fn belly_patch(&self, pen: &mut Pen, area: Area) {
        if area.face && !self.one_piece() {
            return;
        }
        let Area { centre, rx, ry, face } = area;
        let patch = if self.traits.kind == crate::traits::Kind::Octopus {
            Shape::oval(At(self.at.mouth.0, self.at.mouth.1 + 6.5), rx * 0.6, 12.0)
        } else if face {
            Shape::oval(At(centre.0 + self.turn * 5.0, -10.0), rx * 0.66, (-self.at.mouth.1 - 16.0).max(12.0))
        } else {
            Shape::oval(centre.by(self.turn * 4.0, ry * 0.2), rx * 0.64, ry * 0.74)
        };
        pen.fill(&patch, self.belly);
    }

    /// Whether a place on the head belongs to the face.
    fn on_face(&self, At(x, y): At, room: f32) -> bool {
        let at = &self.at;
        if self.traits.kind == crate::traits::Kind::Frog {
            let (dx, dy) = ((x - at.mouth.0) / (13.0 + room), (y - at.mouth.1) / (7.5 + room));
            return dx * dx + dy * dy < 1.0;
        }
        let middle = at.eyes.toward(at.mouth, 0.45);
        let dx = (x - middle.0) / (at.gap + 8.5 + room);
        let dy = (y - middle.1) / ((at.mouth.1 - at.eyes.1).abs() * 0.5 + 9.0 + room);
        dx * dx + dy * dy < 1.0
    }

    /// Small things spread evenly, none on the face.
    fn scatter(&self, pen: &mut Pen, area: Area, draw: impl Fn(&mut Pen, At, f32, f32)) {
        let mut rng = self.rng(if area.face { "scatter head" } else { "scatter body" });
        let Area { centre, rx, ry, face } = area;
        let step = if rx > 20.0 { 13.5 } else { 11.0 };
        let size = if rx > 20.0 { 3.7 } else { 3.2 };
        let offset = At(rng.between(0.0, step), rng.between(0.0, step));
        let rows = (ry * 2.0 / step) as i32 + 3;
        let columns = (rx * 2.0 / step) as i32 + 3;
        for row in 0..rows {
            for column in 0..columns {
                let odd = if row % 2 == 0 { 0.0 } else { step * 0.5 };
                let at = At(
                    centre.0 - rx - step + offset.0 + odd + column as f32 * step + rng.around(0.0, 1.6),
                    centre.1 - ry - step + offset.1 + row as f32 * step * 0.9 + rng.around(0.0, 1.6),
                );
                let (r, turn) = (size * rng.around(1.0, 0.25), rng.around(0.0, 40.0));
                if !(face && self.on_face(at, 2.5)) {
                    draw(pen, at, r, turn);
                }
            }
        }
    }

    /// Bands around the torso; on the head, tiger marks at the top and sides.
    fn stripes(&self, pen: &mut Pen, area: Area) {
        let Area { centre, rx, ry, face } = area;
        let mut rng = self.rng("stripes");
        let accent = self.accent;
        let width = rng.around(4.2, 0.5);
        let band = |pen: &mut Pen, y: f32, from: f32, to: f32, width: f32| {
            // Follows the roundness of the body.
            let bend = |x: f32| centre.1 + y + (1.0 - (x / rx) * (x / rx)) * ry * 0.16;
            let mid = (from + to) * 0.5;
            let control = 2.0 * bend(mid) - 0.5 * (bend(from) + bend(to));
            let path = crate::pen::Outline::from(At(centre.0 + from, bend(from)))
                .bend(At(centre.0 + mid, control), At(centre.0 + to, bend(to)))
                .open();
            pen.line(&path, width, accent);
        };
        if face {
            let turn = self.turn * 4.0;
            for (x, length) in [(-7.5, 0.26), (0.0, 0.36), (7.5, 0.26)] {
                let x = x * rx / 27.0 + turn;
                let top = centre.by(x, -ry - 2.0);
                let end = centre.by(x * 0.9, -ry + ry * length * 1.3);
                pen.line(&crate::pen::Outline::from(top).to(end).open(), width * 0.95, accent);
            }
            let middle = (self.at.eyes.1 + self.at.mouth.1) * 0.5 - centre.1;
            for (side, _) in crate::figure::SIDES {
                for (row, reach) in [(-1.5, 0.8), (6.5, 0.82)] {
                    band(pen, middle + row, side * rx * 1.1, side * rx * reach, width * 0.9);
                }
            }
            if self.one_piece() {
                let mut y = self.at.mouth.1 + 12.0 - centre.1;
                while y < ry + 8.0 {
                    band(pen, y, -rx * 1.1, rx * 1.1, width);
                    y += width * 2.1;
                }
            }
        } else {
            let mut y = -ry * 0.62;
            while y < ry {
                band(pen, y, -rx * 1.1, rx * 1.1, width);
                y += width * 2.1;
            }
        }
    }

    /// A few large soft patches, one of them around an eye.
    fn patches(&self, pen: &mut Pen, area: Area) {
        let mut rng = self.rng(if area.face { "patches head" } else { "patches body" });
        let Area { centre, rx, ry, face } = area;
        let accent = self.accent;
        let side = if self.hold > 0.0 { -1.0 } else { 1.0 };
        let mut patch = |pen: &mut Pen, at: At, r: f32| {
            let places: Vec<At> = (0..7)
                .map(|i| {
                    let angle = i as f32 * core::f32::consts::TAU / 7.0;
                    let reach = r * rng.between(0.82, 1.16);
                    at.by(libm::cosf(angle) * reach, libm::sinf(angle) * reach)
                })
                .collect();
            pen.fill(&Shape::smooth(&places), accent);
        };
        if face {
            let eye = At(self.at.eyes.0 + side * self.at.gap, self.at.eyes.1);
            if self.traits.kind == crate::traits::Kind::Frog {
                patch(pen, centre.by(side * rx * 0.75, ry * 0.2), 11.0);
                patch(pen, centre.by(-side * rx * 0.45, -ry * 0.85), 9.0);
                return;
            }
            patch(pen, eye.by(side * 2.5, -2.0), 13.0);
            patch(pen, centre.by(-side * rx * 0.72, -ry * 0.8), 12.5);
            patch(pen, centre.by(-side * rx * 0.95, ry * 0.45), 7.0);
            if self.one_piece() {
                patch(pen, At(centre.0 - side * rx * 0.55, -14.0), 12.0);
                patch(pen, At(centre.0 + side * rx * 0.85, -18.0), 10.0);
            }
        } else {
            patch(pen, centre.by(-side * rx * 0.5, ry * 0.45), 10.5);
            patch(pen, centre.by(side * rx * 0.8, -ry * 0.35), 8.5);
        }
    }
}
