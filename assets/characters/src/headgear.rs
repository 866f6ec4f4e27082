//! Hats and other things on heads.

use crate::color::{Rgb, Tones};
use crate::figure::{EDGE, Figure, SIDES};
use crate::pen::{At, Fill, Ink, Outline, Pen, Shape, turned};
use crate::traits::{Headgear, Kind, Tint};

const WHITE: Rgb = Rgb(255, 255, 255);

/// Lit from the left, shaded to the right.
fn across(tones: &Tones, left: f32, right: f32) -> Fill {
    Fill::along(At(left, 0.0), At(right, 0.0), &[tones.light, tones.base, tones.base, tones.shade])
}

/// A curved base from `-w` to `w` at height `y`, bulging downward by `dip`, under a roof.
fn cone(w: f32, y: f32, dip: f32, tip: At) -> Shape {
    Outline::from(At(-w, y)).to(tip).to(At(w, y)).bend(At(0.0, y + dip * 2.0), At(-w, y)).closed()
}

impl Figure {
    /// A second colour that goes with a hat's own.
    fn trim(&self) -> Rgb {
        Rgb::hex(match self.traits.headgear_color {
            Tint::White => 0xF2_6B_8A,
            Tint::Yellow | Tint::Gold => 0xF0_6A_4A,
            Tint::Black => 0xE0_3C_48,
            Tint::Red => 0xFF_F3_E0,
            Tint::Pink => 0xFF_F5_FA,
            _ => 0xFF_DE_6B,
        })
    }

    /// What is worn on the head.
    pub(crate) fn headgear(&self, pen: &mut Pen) {
        let mut rng = self.rng("headgear");
        let crown = self.crown();
        let tilt = rng.around(0.0, 7.0) + self.turn * 3.0;
        let size = self.hat_size() * rng.around(1.0, 0.04);
        let tones = self.headgear_tones();
        // Hats sit at the crown, turned and sized as one.
        let seat = |pen: &mut Pen, at: At, tilt: f32, size: f32, draw: &dyn Fn(&mut Pen)| {
            pen.placed(tiny_skia::Transform::from_translate(at.0, at.1), |pen| {
                pen.placed(turned(At(0.0, 0.0), tilt), |pen| {
                    pen.placed(tiny_skia::Transform::from_scale(size, size), draw);
                });
            });
        };
        let shift = crown.by(self.turn * 1.5, if self.traits.kind == Kind::Frog { -3.5 } else { 0.0 });
        self.hat_shadow(pen);
        match self.traits.headgear {
            Headgear::None => {}
            Headgear::PartyHat => {
                seat(pen, shift.by(0.0, 4.0), tilt, size, &|pen| self.party_hat(pen, &tones));
            }
            Headgear::Crown => {
                seat(pen, shift.by(0.0, 5.0), tilt * 0.7, size, &|pen| self.gold_crown(pen, &tones));
            }
            Headgear::TopHat => seat(pen, shift.by(0.0, 4.5), tilt, size, &|pen| self.top_hat(pen, &tones)),
            Headgear::WizardHat => {
                seat(pen, shift.by(0.0, 5.5), tilt * 0.7, size, &|pen| self.wizard_hat(pen, &tones));
            }
            Headgear::Beanie => self.beanie(pen, &tones),
            Headgear::Cap => self.cap(pen, &tones),
            Headgear::Headphones => self.headphones(pen, &tones),
            Headgear::Halo => seat(
                pen,
                crown.by(0.0, if self.traits.kind == Kind::Frog { -17.0 } else { -7.5 }),
                tilt,
                size,
                &|pen| halo(pen, &tones),
            ),
            Headgear::Flower => {
                let at = self.beside(0.62);
                seat(pen, at, tilt * 2.0, 1.0, &|pen| self.flower(pen, &tones));
            }
            Headgear::Bow => {
                let at = self.beside(0.5);
                seat(pen, at, self.hold * 16.0 + tilt, 1.0, &|pen| bow_knot(pen, &tones));
            }
        }
    }

    /// The soft shadow of a hat on the forehead.
    fn hat_shadow(&self, pen: &mut Pen) {
        let (wide, below) = match self.traits.headgear {
            Headgear::PartyHat => (13.5, 5.0),
            Headgear::Crown => (16.0, 6.0),
            Headgear::TopHat => (19.0, 5.0),
            Headgear::WizardHat => (22.0, 6.5),
            Headgear::Beanie => (self.chord(8.6) + 1.0, 13.0),
            Headgear::Cap => (self.chord(8.0) + 1.0, 10.0),
            _ => return,
        };
        if self.traits.kind == Kind::Frog {
            return;
        }
        let at = &self.at;
        let head = if self.traits.kind == Kind::Robot {
            Shape::block(at.head, at.rx, at.ry, 9.0)
        } else {
            Shape::oval(at.head, at.rx, at.ry)
        };
        let middle = self.crown().by(self.turn * 1.5 + 1.0, below);
        pen.inside(&head, |pen| pen.fill(&Shape::oval(middle, wide, 5.4), Ink(self.tones.shade, 0.6)));
    }

    /// How large hats are on this head.
    fn hat_size(&self) -> f32 {
        match self.traits.kind {
            Kind::Bunny => 0.94,
            Kind::Frog => 0.9,
            Kind::Blob => 1.0,
            _ => 1.0,
        }
    }

    /// A place on the upper side of the head, so far across.
    fn beside(&self, across: f32) -> At {
        let at = &self.at;
        if self.traits.kind == Kind::Robot {
            return at.head.by(self.hold * at.rx * 0.62, -at.ry + 1.0);
        }
        if self.traits.kind == Kind::Frog {
            // On one of its eyes.
            return self.eye_at(self.hold).by(self.hold * 2.0, -9.5);
        }
        let rise = (1.0 - across * across).sqrt();
        at.head.by(self.hold * at.rx * across, -at.ry * rise + 2.0)
    }

    /// Half the width of the head so far below its crown.
    fn chord(&self, below: f32) -> f32 {
        let at = &self.at;
        if self.traits.kind == Kind::Robot {
            return at.rx;
        }
        if self.traits.kind == Kind::Blob {
            let part = (below / at.ry).clamp(0.0, 1.0);
            return at.rx * (1.0 - (1.0 - part) * (1.0 - part) * 1.02).max(0.0).sqrt();
        }
        let up = (1.0 - below / at.ry).clamp(-1.0, 1.0);
        at.rx * (1.0 - up * up).max(0.0).sqrt()
    }

    fn party_hat(&self, pen: &mut Pen, tones: &Tones) {
        let tip = At(0.0, -27.0);
        let hat = cone(12.5, 0.0, 3.0, tip);
        pen.part(&hat, across(tones, -12.0, 12.0), tones.line, EDGE);
        let trim = self.trim();
        let mut rng = self.rng("party");
        let dots = rng.chance(0.5);
        pen.inside(&hat, |pen| {
            if dots {
                for (x, y) in
                    [(-6.0, -3.0), (3.5, -1.0), (-1.5, -9.5), (4.0, -12.0), (-1.0, -18.0), (9.5, -5.0)]
                {
                    pen.fill(&Shape::circle(At(x, y), 1.9), trim);
                }
            } else {
                for y in [-1.5_f32, -9.5, -17.5] {
                    let band = Outline::from(At(-15.0, y)).bend(At(2.0, y + 5.5), At(15.0, y - 3.5)).open();
                    pen.line(&band, 3.0, trim);
                }
            }
        });
        pen.part(&Shape::circle(tip.by(0.0, -0.5), 4.2), trim, tones.line, EDGE);
        pen.fill(&Shape::circle(tip.by(-1.3, -1.8), 1.2), Ink(WHITE, 0.8));
    }

    fn gold_crown(&self, pen: &mut Pen, tones: &Tones) {
        let w = 14.5;
        let hat = Outline::from(At(-w, 0.0))
            .to(At(-w - 1.5, -14.0))
            .to(At(-w * 0.48, -7.0))
            .to(At(0.0, -17.0))
            .to(At(w * 0.48, -7.0))
            .to(At(w + 1.5, -14.0))
            .to(At(w, 0.0))
            .bend(At(0.0, 6.0), At(-w, 0.0))
            .closed();
        let fill = Fill::along(
            At(-w, -8.0),
            At(w, 0.0),
            &[Rgb::hex(0xFF_EC_9E), tones.base, Rgb::hex(0xFF_E0_7A), tones.base, Rgb::hex(0xD8_91_28)],
        );
        pen.part(&hat, fill, tones.line, EDGE);
        let band = Outline::from(At(-w, -3.2)).bend(At(0.0, 2.6), At(w, -3.2)).open();
        pen.line(&band, 1.1, Rgb::hex(0xC8_7E_1E));
        for (x, y) in [(-w - 1.5, -14.5), (0.0, -17.5), (w + 1.5, -14.5)] {
            pen.part(&Shape::circle(At(x, y), 2.3), Rgb::hex(0xFF_F0_B8), tones.line, EDGE * 0.8);
        }
        for (x, y, color) in [(-8.0, -2.6, 0x4C_9A_F0), (0.0, -1.6, 0xEA_3F_5C), (8.0, -2.6, 0x4C_9A_F0)] {
            pen.part(&Shape::oval(At(x, y - 1.6), 2.1, 2.4), Rgb::hex(color), tones.line, 0.7);
            pen.fill(&Shape::circle(At(x - 0.6, y - 2.3), 0.7), Ink(WHITE, 0.85));
        }
    }

    fn top_hat(&self, pen: &mut Pen, tones: &Tones) {
        let brim = Shape::oval(At(0.0, -0.5), 20.0, 4.6);
        pen.part(&brim, across(tones, -20.0, 20.0), tones.line, EDGE);
        let hat = Outline::from(At(-12.0, -1.5))
            .to(At(-13.2, -20.0))
            .bend(At(0.0, -24.0), At(13.2, -20.0))
            .to(At(12.0, -1.5))
            .bend(At(0.0, 3.0), At(-12.0, -1.5))
            .closed();
        pen.part(&hat, across(tones, -12.0, 13.0), tones.line, EDGE);
        pen.inside(&hat, |pen| {
            let band = Outline::from(At(-13.0, -4.4)).bend(At(0.0, 0.2), At(13.0, -4.4)).open();
            pen.line(&band, 4.8, self.trim());
            pen.fill(&Shape::block(At(-8.0, -13.5), 1.3, 4.6, 1.3), Ink(WHITE, 0.35));
        });
        let lid = Outline::from(At(-13.2, -20.0)).bend(At(0.0, -16.6), At(13.2, -20.0)).open();
        pen.line(&lid, 0.9, Ink(tones.line, 0.7));
    }

    fn wizard_hat(&self, pen: &mut Pen, tones: &Tones) {
        let side = self.hold;
        let tip = At(side * 11.0, -35.0);
        let brim = Shape::oval(At(0.0, -0.5), 24.0, 5.6);
        pen.part(&brim, across(tones, -24.0, 24.0), tones.line, EDGE);
        let hat = Outline::from(At(-14.5, -2.0))
            .curve(At(-10.0, -12.0), At(-6.0 + side * 2.0, -24.0), At(side * 3.0, -30.0))
            .bend(At(side * 6.0, -34.5), tip)
            .bend(At(side * 9.0, -31.0), At(side * 8.0, -26.0))
            .curve(At(8.0 + side * 1.0, -20.0), At(11.0, -11.0), At(14.5, -2.0))
            .bend(At(0.0, 3.6), At(-14.5, -2.0))
            .closed();
        let hat = if side > 0.0 {
            hat
        } else {
            // The mirror image of the other way of bending.
            Outline::from(At(14.5, -2.0))
                .curve(At(10.0, -12.0), At(4.0, -24.0), At(-3.0, -30.0))
                .bend(At(-6.0, -34.5), tip)
                .bend(At(-9.0, -31.0), At(-8.0, -26.0))
                .curve(At(-9.0, -20.0), At(-11.0, -11.0), At(-14.5, -2.0))
                .bend(At(0.0, 3.6), At(14.5, -2.0))
                .closed()
        };
        pen.part(&hat, across(tones, -13.0, 14.0), tones.line, EDGE);
        let gold = if matches!(self.traits.headgear_color, Tint::Yellow | Tint::White | Tint::Orange) {
            Rgb::hex(0x6A_52_C8)
        } else {
            Rgb::hex(0xFF_DE_6B)
        };
        pen.inside(&hat, |pen| {
            let band = Outline::from(At(-15.0, -4.2)).bend(At(0.0, 1.2), At(15.0, -4.2)).open();
            pen.line(&band, 3.6, gold);
            for (x, y, r) in [(-4.5, -12.0, 3.0), (4.5, -9.8, 2.2), (1.5, -19.0, 2.6)] {
                pen.fill(&Shape::star(At(x + side, y), 5, r, r * 0.45, 0.3), gold);
            }
        });
    }

    fn beanie(&self, pen: &mut Pen, tones: &Tones) {
        let crown = self.crown();
        let x = crown.0;
        // A frog's sits behind its eyes and stands above them.
        let (y, w, top) = if self.traits.kind == Kind::Frog {
            (crown.1 - 1.5, 18.5, crown.1 - 19.0)
        } else {
            (crown.1 + 8.6, self.chord(8.6) + 1.4, crown.1 - 6.5)
        };
        let dome = Outline::from(At(x - w, y))
            .curve(At(x - w * 1.02, y - (y - top) * 0.8), At(x - w * 0.55, top), At(x, top))
            .curve(At(x + w * 0.55, top), At(x + w * 1.02, y - (y - top) * 0.8), At(x + w, y))
            .closed();
        pen.part(&dome, across(tones, x - w, x + w), tones.line, EDGE);
        pen.inside(&dome, |pen| {
            for part in [-0.62_f32, -0.22, 0.22, 0.62] {
                let rib = Outline::from(At(x + part * w * 1.15, y))
                    .bend(At(x + part * w, top + 2.0), At(x, top - 3.0))
                    .open();
                pen.line(&rib, 1.0, Ink(tones.shade, 0.9));
            }
        });
        let trim = tones.light.toward(WHITE, 0.45);
        let band = Outline::from(At(x - w, y)).bend(At(x, y + 5.0), At(x + w, y)).open();
        pen.limb(&band, 6.6, trim, tones.line, EDGE);
        let pom = At(x, top - 3.0);
        pen.part(&Shape::circle(pom, 5.4), trim, tones.line, EDGE);
        for (dx, dy) in [(-2.0, 1.0), (1.4, 2.0), (1.8, -1.6), (-1.2, -2.2)] {
            pen.line(
                &Outline::from(pom.by(dx, dy)).to(pom.by(dx * 1.25, dy * 1.25)).open(),
                0.9,
                Ink(tones.shade, 0.6),
            );
        }
    }

    fn cap(&self, pen: &mut Pen, tones: &Tones) {
        let crown = self.crown();
        let side = if self.turn == 0.0 { self.hold } else { self.turn };
        let x = crown.0;
        let (y, w, top) = if self.traits.kind == Kind::Frog {
            (crown.1 - 3.0, 17.0, crown.1 - 17.0)
        } else {
            (crown.1 + 8.0, self.chord(8.0) + 1.2, crown.1 - 5.5)
        };
        let dome = Outline::from(At(x - w, y))
            .curve(At(x - w * 1.02, y - (y - top) * 0.85), At(x - w * 0.52, top), At(x, top))
            .curve(At(x + w * 0.52, top), At(x + w * 1.02, y - (y - top) * 0.85), At(x + w, y))
            .bend(At(x, y + 3.4), At(x - w, y))
            .closed();
        pen.part(&dome, across(tones, x - w, x + w), tones.line, EDGE);
        let trim = self.trim();
        pen.inside(&dome, |pen| {
            let seam = Outline::from(At(x + side * 5.0, y + 3.0))
                .bend(At(x + side * 5.5, top + 5.0), At(x, top))
                .open();
            pen.line(&seam, 0.9, Ink(tones.line, 0.55));
            let badge = At(x + side * w * 0.42, y - (y - top) * 0.4);
            pen.fill(&Shape::star(badge, 5, 3.7, 1.7, 0.0), trim);
        });
        // The peak, to one side.
        let root = At(x + side * w * 0.18, y + 1.6);
        let peak = Outline::from(root)
            .bend(At(x + side * w * 0.75, y - 1.8), At(x + side * (w - 0.5), y - 1.6))
            .curve(
                At(x + side * (w + 11.0), y - 1.0),
                At(x + side * (w + 13.0), y + 5.0),
                At(x + side * (w + 6.0), y + 5.6),
            )
            .bend(At(x + side * w * 0.7, y + 3.6), root)
            .closed();
        pen.part(&peak, tones.base.toward(tones.shade, 0.55), tones.line, EDGE);
        pen.part(&Shape::circle(At(x, top), 1.8), trim, tones.line, EDGE * 0.8);
    }

    fn headphones(&self, pen: &mut Pen, tones: &Tones) {
        let at = &self.at;
        let (x, y) = (at.head.0, at.eyes.1.max(at.head.1 - 4.0) + 1.0);
        let y = if self.traits.kind == Kind::Frog { at.head.1 + 1.0 } else { y };
        let out = match self.traits.kind {
            Kind::Blob => self.chord(y - self.crown().1) - 0.5,
            Kind::Dragon => at.rx,
            _ => self.chord((y - self.crown().1).min(at.ry)) + 0.5,
        };
        let top = self.crown().1 - if self.traits.kind == Kind::Frog { 17.0 } else { 4.0 };
        let band = Outline::from(At(x - out, y - 4.0))
            .curve(At(x - out * 1.06, top + 6.0), At(x - out * 0.6, top), At(x, top))
            .curve(At(x + out * 0.6, top), At(x + out * 1.06, top + 6.0), At(x + out, y - 4.0))
            .open();
        pen.limb(&band, 4.2, tones.base, tones.line, EDGE);
        let shine = Outline::from(At(x - out * 0.62, top + 3.6))
            .bend(At(x - out * 0.3, top + 0.2), At(x, top - 0.6))
            .open();
        pen.line(&shine, 1.0, Ink(WHITE, 0.6));
        for (side, _) in SIDES {
            let cup = At(x + side * (out + 1.5), y);
            pen.part(&Shape::block(cup.by(-side * 2.6, 0.0), 3.2, 7.2, 3.0), tones.shade, tones.line, EDGE);
            let fill =
                Fill::along(cup.by(0.0, -8.0), cup.by(0.0, 8.0), &[tones.light, tones.base, tones.shade]);
            pen.part(&Shape::block(cup.by(side * 1.2, 0.0), 4.0, 8.6, 3.8), fill, tones.line, EDGE);
            pen.fill(&Shape::block(cup.by(side * 1.2 - 1.4, -3.0), 0.8, 2.4, 0.8), Ink(WHITE, 0.65));
        }
    }

    fn flower(&self, pen: &mut Pen, tones: &Tones) {
        let leaf = Tones::of(Rgb::hex(0x58_B4_4E));
        for turn in [115.0_f32, 205.0] {
            let shape = Outline::from(At(0.0, -4.0))
                .bend(At(6.0, -10.0), At(0.0, -14.5))
                .bend(At(-6.0, -10.0), At(0.0, -4.0))
                .closed()
                .moved(turned(At(0.0, 0.0), turn * if self.hold > 0.0 { -1.0 } else { 1.0 }));
            pen.part(&shape, leaf.base, leaf.line, EDGE * 0.8);
        }
        let petals = |grow: f32| {
            (0..5).map(move |i| {
                let turn = i as f32 * 72.0;
                Shape::egg(At(0.0, -6.3), 4.4 + grow, 4.2 + grow, 4.4 + grow)
                    .moved(turned(At(0.0, 0.0), turn))
            })
        };
        for petal in petals(EDGE) {
            pen.fill(&petal, tones.line);
        }
        for petal in petals(0.0) {
            pen.fill(&petal, Fill::outward(At(0.0, 0.0), 11.0, &[tones.shade, tones.base, tones.light]));
        }
        let heart = if matches!(self.traits.headgear_color, Tint::Yellow | Tint::Orange) {
            Rgb::hex(0x9A_5B_2C)
        } else {
            Rgb::hex(0xFF_D5_4A)
        };
        pen.part(&Shape::circle(At(0.0, 0.0), 3.5), heart, tones.line, 0.7);
        pen.fill(&Shape::circle(At(-1.0, -1.0), 1.0), Ink(WHITE, 0.6));
    }
}

fn halo(pen: &mut Pen, tones: &Tones) {
    let ring = Shape::oval(At(0.0, 0.0), 17.0, 5.0);
    pen.line(&ring, 4.2 + EDGE * 1.6, Rgb::hex(0xB9_7C_1E));
    let fill = Fill::along(
        At(-17.0, -4.0),
        At(17.0, 4.0),
        &[Rgb::hex(0xFF_F4_BE), tones.base, Rgb::hex(0xFF_EE_A6), tones.base],
    );
    pen.line(&ring, 4.2, fill);
    let shine = Outline::from(At(-15.6, 2.4)).bend(At(-8.0, 5.8), At(0.0, 5.2)).open();
    pen.line(&shine, 1.1, Ink(WHITE, 0.85));
}

/// A ribbon tied in a bow, around its knot: on heads and under chins.
pub(crate) fn bow_knot(pen: &mut Pen, tones: &Tones) {
    for (side, _) in SIDES {
        let loop_ = Outline::from(At(side * 1.5, -1.6))
            .curve(At(side * 5.0, -8.5), At(side * 13.5, -9.5), At(side * 13.5, -5.0))
            .bend(At(side * 12.4, 0.0), At(side * 13.5, 5.0))
            .curve(At(side * 13.5, 9.5), At(side * 5.0, 8.5), At(side * 1.5, 1.6))
            .closed();
        let fill =
            Fill::along(At(side * 13.0, -8.0), At(side * 2.0, 8.0), &[tones.light, tones.base, tones.shade]);
        pen.part(&loop_, fill, tones.line, EDGE);
        for bend in [-1.0_f32, 1.0] {
            let fold = Outline::from(At(side * 3.0, bend * 0.8))
                .bend(At(side * 5.0, bend * 1.2), At(side * 8.0, bend * 3.0))
                .open();
            pen.line(&fold, 1.0, Ink(tones.line, 0.55));
        }
    }
    let knot = Shape::block(At(0.0, 0.0), 3.5, 4.0, 2.8);
    pen.part(
        &knot,
        Fill::along(At(-3.0, -4.0), At(3.0, 4.0), &[tones.light, tones.base, tones.shade]),
        tones.line,
        EDGE,
    );
    pen.fill(&Shape::oval(At(-1.0, -1.6), 0.9, 1.2), Ink(WHITE, 0.6));
}
