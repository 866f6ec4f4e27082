//! Faces: snouts, eyes, brows, cheeks and mouths.

use crate::color::Rgb;
use crate::figure::{EDGE, Figure, SIDES};
use crate::pen::{At, Fill, Ink, Outline, Pen, Shape, turned};
use crate::traits::{Color, Eyes, Kind, Look, Mood, Pattern};

pub(crate) const WHITE: Rgb = Rgb(255, 255, 255);

/// Pupils and dark eyes: warmer than black.
pub(crate) const DARK: Rgb = Rgb(0x2A, 0x20, 0x33);

/// A short curve from one place to another, sagging by so much in the middle.
pub(crate) fn arc(from: At, to: At, sag: f32) -> Shape {
    Outline::from(from).bend(from.toward(to, 0.5).by(0.0, sag * 2.0), to).open()
}

impl Figure {
    /// The whole face.
    pub(crate) fn face(&self, pen: &mut Pen) {
        self.snout(pen);
        self.cheeks(pen);
        self.eyes(pen);
        if self.look != Look::Pixel {
            self.brows(pen);
            self.mouth(pen);
        }
    }

    /// The place of an eye.
    pub(crate) fn eye_at(&self, side: f32) -> At {
        let at = &self.at;
        // Turned away, the far eye comes closer to the middle.
        let far = if self.turn != 0.0 && side == self.turn { 0.82 } else { 1.0 };
        at.eyes.by(side * at.gap * far, 0.0)
    }

    fn snout(&self, pen: &mut Pen) {
        let at = &self.at;
        let mouth = at.mouth;
        match self.traits.kind {
            Kind::Bear => {
                let patch = Shape::oval(mouth.by(0.0, -1.5), 11.5, 8.6);
                pen.fill(&patch, self.belly);
                let nose = mouth.by(self.turn * 0.8, -6.6);
                pen.fill(&Shape::egg(nose, 3.9, 2.4, 2.9), DARK);
                pen.fill(&Shape::oval(nose.by(-1.2, -0.9), 1.2, 0.7), Ink(WHITE, 0.75));
            }
            Kind::Cat => {
                let nose = mouth.by(self.turn * 0.5, -5.6);
                let shape = Outline::from(nose.by(-2.7, -1.5))
                    .bend(nose.by(0.0, -2.4), nose.by(2.7, -1.5))
                    .bend(nose.by(1.6, 1.4), nose.by(0.0, 1.9))
                    .bend(nose.by(-1.6, 1.4), nose.by(-2.7, -1.5))
                    .closed();
                pen.fill(&shape, self.nose());
                for (side, _) in SIDES {
                    let root = At(at.head.0 + side * (at.rx * 0.8) + self.turn * 2.5, mouth.1 - 4.0);
                    for (rise, reach) in [(-2.2, 11.0), (2.4, 10.0)] {
                        let line = arc(root.by(0.0, rise * 0.5), root.by(side * reach, rise * 1.2), 0.7);
                        pen.line(&line, 1.0, self.tones.line);
                    }
                }
            }
            Kind::Bunny => {
                let nose = mouth.by(self.turn * 0.5, -5.4);
                pen.fill(&Shape::egg(nose, 2.6, 1.5, 2.1), self.nose());
            }
            Kind::Dragon => {
                let patch = Shape::oval(mouth.by(0.0, -0.5), 14.5, 9.6);
                pen.fill(&patch, self.tones.base.toward(self.belly, 0.6));
                for (side, _) in SIDES {
                    let hole = mouth.by(side * 4.4, -5.6);
                    pen.fill(&Shape::oval(hole, 1.2, 1.5).moved(turned(hole, side * 20.0)), self.tones.line);
                }
            }
            Kind::Frog => {
                for (side, _) in SIDES {
                    pen.fill(&Shape::circle(mouth.by(side * 2.2, -6.2), 0.85), self.tones.line);
                }
            }
            Kind::Octopus => {
                for (dx, dy, r) in [(-15.5, -27.0, 2.0), (-11.5, -31.0, 1.3), (15.0, -28.0, 1.6)] {
                    let spot = mouth.by(dx, dy + 8.0);
                    if self.traits.pattern == Pattern::Plain {
                        pen.fill(&Shape::circle(spot, r), Ink(self.accent, 0.55));
                    }
                }
            }
            Kind::Blob | Kind::Robot | Kind::Ghost | Kind::Bird => {}
        }
    }

    /// The colour of small noses.
    fn nose(&self) -> Rgb {
        match self.traits.color {
            Color::Pink | Color::Red => Rgb::hex(0xA8_2C_50),
            Color::Black => Rgb::hex(0xFF_A6_B8),
            _ => Rgb::hex(0xE8_5C_7C),
        }
    }

    fn cheeks(&self, pen: &mut Pen) {
        let strength = match self.traits.mood {
            Mood::Shy => 0.95,
            Mood::Happy => 0.62,
            Mood::Calm | Mood::Surprised => 0.36,
            Mood::Grumpy => 0.0,
        };
        if strength <= 0.0 {
            return;
        }
        let color = match self.traits.color {
            Color::Pink => Rgb::hex(0xF2_4B_7E),
            Color::Red => Rgb::hex(0xB0_1E_3A),
            Color::Orange => Rgb::hex(0xF0_55_3C),
            Color::Brown => Rgb::hex(0xE8_71_5C),
            Color::Black => Rgb::hex(0xE0_6C_8E),
            _ => Rgb::hex(0xFF_7D_96),
        };
        let at = &self.at;
        let y = if self.traits.kind == Kind::Frog { at.mouth.1 - 2.5 } else { at.mouth.1 - 4.5 };
        for (side, _) in SIDES {
            let far = if self.turn != 0.0 && side == self.turn { 0.78 } else { 1.0 };
            let out = if self.traits.kind == Kind::Frog { 19.5 } else { at.gap + 6.3 };
            let cheek = At(at.eyes.0 + side * out * far, y);
            let spot = Shape::oval(cheek, 5.2, 3.4);
            pen.fill(&spot, Fill::glow(cheek, 5.4, color, strength));
            if self.traits.mood == Mood::Shy {
                for dx in [-2.0_f32, 0.4, 2.8] {
                    let line = Outline::from(cheek.by(dx + 0.6, -1.5)).to(cheek.by(dx - 0.8, 1.5)).open();
                    pen.line(&line, 0.75, Ink(color.lighter(-0.12), 0.9));
                }
            }
        }
    }

    /// Where pupils look.
    fn gaze(&self) -> At {
        let shy = if self.traits.mood == Mood::Shy { At(-self.hold * 1.5, 1.1) } else { At(0.0, 0.0) };
        shy.by(self.turn * 1.7, 0.0)
    }

    /// The colour of an iris: it stands out from the body.
    pub(crate) fn iris(&self) -> Rgb {
        if self.look == Look::Gold {
            return Rgb::hex(0xB0_20_3A);
        }
        let choices = [0x3D_7F_E0, 0x3F_A8_58, 0x9A_5A_D8, 0xB8_6A_2C, 0xE0_5C_8A, 0x22_A6_A6];
        let mut rng = self.rng("iris");
        let color = rng.pick(&choices).copied().unwrap_or(0x3D_7F_E0);
        Rgb::hex(color)
    }

    fn eyes(&self, pen: &mut Pen) {
        if self.traits.kind == Kind::Frog {
            for (side, _) in SIDES {
                let eye = self.eye_at(side);
                let bump = eye.by(0.0, 0.5);
                let r = 10.4 * self.at.eye.min(1.05);
                // Lit as the head is, so that both are one.
                let circle = Shape::circle(bump, r);
                let head = Shape::oval(self.at.head, self.at.rx, self.at.ry);
                pen.outside(&head, |pen| pen.line(&circle, EDGE * 2.0, self.tones.line));
                pen.fill(&circle, self.lit(self.at.head, self.at.rx, self.at.ry));
            }
        }
        if self.look == Look::Pixel {
            // Set square by square later on.
            return;
        }
        if self.traits.eyes == Eyes::Single {
            let eye = self.at.eyes.by(0.0, -0.5);
            return self.big_eye(pen, eye, 11.2 * self.at.eye.min(1.08));
        }
        for (side, _) in SIDES {
            let eye = self.eye_at(side);
            let s = self.at.eye * if self.turn != 0.0 && side == self.turn { 0.93 } else { 1.0 };
            match self.traits.eyes {
                Eyes::Round | Eyes::Single => self.round_eye(pen, eye, s, 0.0),
                Eyes::Dot => self.dot_eye(pen, eye, s),
                Eyes::Sparkling => self.sparkling_eye(pen, eye, s),
                Eyes::Sleepy => self.round_eye(pen, eye, s, 0.52),
                Eyes::Closed => self.closed_eye(pen, eye, s),
                Eyes::Anime => self.anime_eye(pen, eye, s, side),
                Eyes::Wink if side == self.hold => self.wink(pen, eye, s, side),
                Eyes::Wink => self.round_eye(pen, eye, s, 0.0),
            }
        }
    }

    /// White, a pupil, a light; a lid that covers part of it from above.
    fn round_eye(&self, pen: &mut Pen, eye: At, s: f32, lid: f32) {
        let (rx, ry) = (6.6 * s, 7.1 * s);
        let ball = Shape::oval(eye, rx, ry);
        pen.part(&ball, WHITE, self.tones.line, 1.1);
        let small = if self.traits.mood == Mood::Surprised { 0.72 } else { 1.0 };
        let gaze = self.gaze();
        let pupil = eye.by(gaze.0, gaze.1 + 0.5 + lid * 3.0);
        pen.inside(&ball, |pen| {
            pen.fill(&Shape::oval(pupil, 4.3 * s * small, 4.8 * s * small), DARK);
            pen.fill(&Shape::circle(pupil.by(-1.5 * s * small, -1.9 * s * small), 1.55 * s), WHITE);
            pen.fill(&Shape::circle(pupil.by(1.5 * s * small, 1.9 * s * small), 0.75 * s), Ink(WHITE, 0.8));
            if lid > 0.0 {
                let edge = eye.1 - ry + 2.0 * ry * lid;
                let cover = Outline::from(At(eye.0 - rx - 2.0, eye.1 - ry - 2.0))
                    .to(At(eye.0 + rx + 2.0, eye.1 - ry - 2.0))
                    .to(At(eye.0 + rx + 2.0, edge))
                    .bend(At(eye.0, edge + 1.6), At(eye.0 - rx - 2.0, edge))
                    .closed();
                pen.fill(&cover, self.tones.base.toward(self.tones.shade, 0.6));
                let line = arc(At(eye.0 - rx - 1.0, edge), At(eye.0 + rx + 1.0, edge), 0.8);
                pen.line(&line, 1.5, self.tones.line);
            }
        });
    }

    fn dot_eye(&self, pen: &mut Pen, eye: At, s: f32) {
        let gaze = self.gaze();
        let eye = eye.by(gaze.0 * 0.5, gaze.1 * 0.5);
        let color = self.ink;
        pen.fill(&Shape::oval(eye, 3.2 * s, 4.1 * s), color);
        if self.ink == DARK || self.traits.color != Color::Black {
            pen.fill(&Shape::circle(eye.by(-0.9 * s, -1.5 * s), 1.15 * s), WHITE);
        }
    }

    fn sparkling_eye(&self, pen: &mut Pen, eye: At, s: f32) {
        let (rx, ry) = (6.5 * s, 7.6 * s);
        let ball = Shape::oval(eye, rx, ry);
        let iris = self.iris();
        let rim = if self.traits.color == Color::Black { WHITE } else { DARK };
        let fill = Fill::along(
            eye.by(0.0, -ry),
            eye.by(0.0, ry),
            &[DARK, DARK, iris.lighter(-0.12), iris.lighter(0.1)],
        );
        pen.part(&ball, fill, rim, 0.9);
        let gaze = self.gaze();
        let light = eye.by(gaze.0 * 0.5, gaze.1 * 0.5);
        pen.fill(&Shape::twinkle(light.by(-1.5 * s, -2.1 * s), 4.1 * s), WHITE);
        pen.fill(&Shape::twinkle(light.by(2.3 * s, 2.9 * s), 2.4 * s), WHITE);
        pen.fill(&Shape::circle(light.by(2.8 * s, -2.9 * s), 0.8 * s), WHITE);
    }

    fn closed_eye(&self, pen: &mut Pen, eye: At, s: f32) {
        let w = 5.6 * s;
        pen.line(&arc(eye.by(-w, 1.8), eye.by(w, 1.8), -2.9 * s), 2.3, self.ink);
    }

    fn wink(&self, pen: &mut Pen, eye: At, s: f32, side: f32) {
        let w = 4.6 * s;
        let path = Outline::from(eye.by(side * w, -3.6 * s))
            .to(eye.by(-side * w, 0.4))
            .to(eye.by(side * w, 4.2 * s))
            .open();
        pen.line(&path, 2.2, self.ink);
    }

    fn anime_eye(&self, pen: &mut Pen, eye: At, s: f32, side: f32) {
        let eye = eye.by(0.0, -0.4);
        let (rx, ry) = (6.4 * s, 8.6 * s);
        let ball = Shape::egg(eye, rx, ry, ry * 0.92);
        pen.part(&ball, WHITE, self.tones.line, 0.7);
        let iris = self.iris();
        let gaze = self.gaze();
        let small = if self.traits.mood == Mood::Surprised { 0.8 } else { 1.0 };
        let centre = eye.by(gaze.0, gaze.1 + 0.8);
        pen.inside(&ball, |pen| {
            let (ix, iy) = (5.0 * s * small, 6.9 * s * small);
            let fill = Fill::along(
                centre.by(0.0, -iy),
                centre.by(0.0, iy),
                &[iris.lighter(-0.3), iris.lighter(-0.06), iris.lighter(0.16)],
            );
            pen.fill(&Shape::oval(centre, ix, iy), fill);
            pen.fill(&Shape::oval(centre.by(0.0, -0.4), 2.3 * s * small, 3.4 * s * small), DARK);
            pen.fill(&Shape::oval(centre.by(-1.7 * s, -3.0 * s), 1.9 * s, 2.3 * s), WHITE);
            pen.fill(&Shape::circle(centre.by(1.9 * s, 2.9 * s), 1.1 * s), Ink(WHITE, 0.9));
        });
        // The upper lashes.
        let (left, right) = (eye.by(-rx - 0.6, -ry * 0.35), eye.by(rx + 0.6, -ry * 0.35));
        let lash = Outline::from(left)
            .curve(left.by(1.6 * s, -ry * 0.86), right.by(-1.6 * s, -ry * 0.86), right)
            .open();
        let color = if self.traits.color == Color::Black { Rgb::hex(0x15_10_1C) } else { DARK };
        pen.line(&lash, 2.1, color);
        let end = if side < 0.0 { left } else { right };
        pen.line(&Outline::from(end).to(end.by(side * 2.0, -1.8)).open(), 1.4, color);
    }

    /// The one eye of a cyclops.
    fn big_eye(&self, pen: &mut Pen, eye: At, r: f32) {
        let ball = Shape::oval(eye, r, r * 0.97);
        pen.part(&ball, WHITE, self.tones.line, 1.3);
        let iris = self.iris();
        let gaze = self.gaze();
        let small = if self.traits.mood == Mood::Surprised { 0.76 } else { 1.0 };
        let centre = eye.by(gaze.0 * 1.5, gaze.1 + 0.6);
        pen.inside(&ball, |pen| {
            let fill = Fill::along(
                centre.by(0.0, -r * 0.7),
                centre.by(0.0, r * 0.7),
                &[iris.lighter(-0.2), iris, iris.lighter(0.16)],
            );
            pen.fill(&Shape::circle(centre, r * 0.66 * small), fill);
            pen.fill(&Shape::circle(centre, r * 0.36 * small), DARK);
            pen.fill(&Shape::circle(centre.by(-r * 0.26, -r * 0.3), r * 0.2), WHITE);
            pen.fill(&Shape::circle(centre.by(r * 0.28, r * 0.3), r * 0.1), Ink(WHITE, 0.85));
            if self.traits.mood == Mood::Grumpy {
                let edge = eye.1 - r * 0.34;
                let cover = Outline::from(At(eye.0 - r - 2.0, eye.1 - r - 2.0))
                    .to(At(eye.0 + r + 2.0, eye.1 - r - 2.0))
                    .to(At(eye.0 + r + 2.0, edge - 1.0))
                    .bend(At(eye.0, edge + 3.0), At(eye.0 - r - 2.0, edge - 1.0))
                    .closed();
                pen.fill(&cover, self.tones.base.toward(self.tones.shade, 0.6));
                pen.line(
                    &arc(At(eye.0 - r - 1.0, edge - 0.7), At(eye.0 + r + 1.0, edge - 0.7), 1.8),
                    1.6,
                    self.tones.line,
                );
            }
        });
    }

    fn brows(&self, pen: &mut Pen) {
        let s = self.at.eye;
        let lift = match self.traits.eyes {
            Eyes::Dot | Eyes::Closed => 6.6,
            Eyes::Anime => 10.6,
            _ => 9.2,
        } * s;
        let frog = if self.traits.kind == Kind::Frog { 4.0 } else { 0.0 };
        let single = self.traits.eyes == Eyes::Single;
        for (side, _) in SIDES {
            let eye = if single { self.at.eyes.by(side * 5.6, -4.2) } else { self.eye_at(side) };
            let brow = eye.by(0.0, -lift + frog);
            let (inner, outer, sag, width) = match self.traits.mood {
                Mood::Grumpy => (3.2, -1.6, 0.0, 2.5),
                Mood::Surprised => (-1.4, -1.0, -1.5, 1.6),
                Mood::Shy => (-2.2, 1.0, -0.3, 1.6),
                Mood::Happy | Mood::Calm => continue,
            };
            let reach = if self.traits.mood == Mood::Grumpy { 5.4 } else { 3.8 };
            let path = arc(brow.by(-side * reach, inner), brow.by(side * reach, outer), sag);
            if self.traits.mood == Mood::Grumpy && self.ink != DARK {
                pen.line(&path, width + 1.6, self.tones.line);
            }
            pen.line(&path, width, self.ink);
        }
    }
}
