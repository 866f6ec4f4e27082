//! Scarves, capes, medals and glasses; balloons, wands and hearts in hands.

use crate::color::Rgb;
use crate::figure::{EDGE, Figure, SIDES};
use crate::headgear::bow_knot;
use crate::pen::{At, Fill, Ink, Outline, Pen, Shape, turned};
use crate::traits::{Accessory, Kind};

const WHITE: Rgb = Rgb(255, 255, 255);

impl Figure {
    /// What is worn behind the body: a cape.
    pub(crate) fn behind(&self, pen: &mut Pen) {
        if self.traits.accessory != Accessory::Cape {
            return;
        }
        let tones = self.accessory_tones();
        let at = &self.at;
        let mut rng = self.rng("cape");
        let blow = rng.around(0.0, 4.0) - self.turn * 5.0 + if self.jumping { -self.hold * 3.0 } else { 0.0 };
        let top = at.neck.1 - 3.0;
        let half = if self.one_piece() { at.neck_w * 0.94 } else { at.neck_w + 2.0 };
        let reach = if self.one_piece() { at.torso_rx + 15.0 } else { at.torso_rx + 16.0 };
        let low = if self.jumping { -12.0 } else { -3.5 };
        let mut outline = Outline::from(At(-half, top)).curve(
            At(-half - 7.0, top + 8.0),
            At(-reach + blow + 3.0, low - 16.0),
            At(-reach + blow, low - 2.0),
        );
        let step = reach * 2.0 / 4.0;
        for fold in 0..4 {
            let left = At(-reach + blow + step * fold as f32, low - 2.0);
            outline = outline.bend(left.by(step * 0.5, 6.5), left.by(step, 0.0));
        }
        let cape = outline
            .curve(At(reach + blow - 3.0, low - 16.0), At(half + 7.0, top + 8.0), At(half, top))
            .closed();
        let fill = Fill::along(At(-reach, 0.0), At(reach, 0.0), &[tones.base, tones.shade, tones.base]);
        pen.part(&cape, fill, tones.line, EDGE);
        pen.inside(&cape, |pen| {
            for part in [-0.78_f32, 0.78] {
                let fold = Outline::from(At(half * part * 1.05, top + 6.0))
                    .bend(At(half * part * 1.3, -18.0), At(reach * part * 0.86 + blow, low + 2.0))
                    .open();
                pen.line(&fold, 1.3, Ink(tones.line, 0.4));
            }
        });
    }

    /// What is worn around the neck, over the torso and under the chin.
    pub(crate) fn neckwear(&self, pen: &mut Pen) {
        let at = &self.at;
        let tones = self.accessory_tones();
        let neck = at.neck;
        let w = at.neck_w;
        let one = self.one_piece();
        let dip = if one { 6.0 } else { 3.2 };
        let front = neck.by(self.turn * if one { 6.0 } else { 4.0 }, dip + 0.5);
        match self.traits.accessory {
            Accessory::Scarf => {
                let side = -self.hold;
                let root = front.by(side * w * 0.42, -1.0);
                let sway = self.rng("scarf").around(3.0, 2.0) * side;
                let end = root.by(sway, if one { 13.0 } else { 17.0 });
                let tail = Outline::from(root.by(-4.0, 0.0))
                    .bend(root.by(-4.0 + sway * 0.3, 8.0), end.by(-4.2, 0.0))
                    .to(end.by(4.2, 0.6))
                    .bend(root.by(4.4 + sway * 0.3, 8.0), root.by(4.0, 0.0))
                    .closed();
                pen.part(&tail, tones.base, tones.line, EDGE);
                pen.inside(&tail, |pen| {
                    for up in [3.0_f32, 7.0] {
                        let band = Outline::from(end.by(-7.0, -up)).to(end.by(7.0, -up + 0.6)).open();
                        pen.line(&band, 1.7, tones.light.toward(WHITE, 0.5));
                    }
                });
                for x in [-3.0_f32, 0.0, 3.0] {
                    pen.line(&Outline::from(end.by(x, 1.0)).to(end.by(x, 3.0)).open(), 1.3, tones.line);
                }
                let wrap = Outline::from(neck.by(-w + 1.0, -1.0))
                    .curve(
                        neck.by(-w * 0.6, dip * 1.35),
                        neck.by(w * 0.6, dip * 1.35),
                        neck.by(w - 1.0, -1.0),
                    )
                    .open();
                let fill = Fill::along(
                    neck.by(-w, 0.0),
                    neck.by(w, 0.0),
                    &[tones.light, tones.base, tones.base, tones.shade],
                );
                pen.limb(&wrap, 7.6, fill, tones.line, EDGE);
                let fold = Outline::from(neck.by(-w * 0.75, 0.8))
                    .curve(
                        neck.by(-w * 0.4, dip * 1.2 + 0.6),
                        neck.by(w * 0.1, dip * 1.3),
                        neck.by(w * 0.35, dip * 0.9),
                    )
                    .open();
                pen.line(&fold, 1.0, Ink(tones.line, 0.45));
                let knot = Shape::block(root, 5.0, 4.7, 3.4).moved(turned(root, side * 10.0));
                pen.part(&knot, tones.base, tones.line, EDGE);
            }
            Accessory::BowTie => {
                let at = front.by(0.0, if one { -1.0 } else { 1.0 });
                let size = if one { 0.95 } else { 0.82 };
                pen.placed(tiny_skia::Transform::from_translate(at.0, at.1), |pen| {
                    pen.placed(tiny_skia::Transform::from_scale(size, size * 0.92), |pen| {
                        bow_knot(pen, &tones);
                    });
                });
            }
            Accessory::Cape => {
                let band = Outline::from(neck.by(-w + 1.0, -1.0))
                    .curve(neck.by(-w * 0.6, dip * 1.3), neck.by(w * 0.6, dip * 1.3), neck.by(w - 1.0, -1.0))
                    .open();
                pen.limb(&band, 4.8, tones.base, tones.line, EDGE);
                let clasp = front.by(0.0, 0.0);
                let gold = Rgb::hex(0xFF_D0_4A);
                pen.part(&Shape::circle(clasp, 3.4), gold, tones.line, EDGE * 0.9);
                pen.fill(&Shape::circle(clasp.by(-1.0, -1.0), 1.0), Ink(WHITE, 0.8));
            }
            Accessory::Medal => self.medal(pen, front, w, one),
            _ => {}
        }
    }

    fn medal(&self, pen: &mut Pen, front: At, w: f32, one: bool) {
        let tones = self.accessory_tones();
        let neck = self.at.neck;
        let ribbon = crate::color::Tones::of(if self.traits.color == crate::traits::Color::Red {
            Rgb::hex(0x3A_78_E0)
        } else {
            Rgb::hex(0xE0_42_48)
        });
        let disc = front.by(0.0, if one { 7.0 } else { 11.5 });
        for (side, _) in SIDES {
            // On a wide body the ribbon is pinned to the chest.
            let from = if one { front.by(side * 7.5, -4.0) } else { neck.by(side * (w - 1.5) * 0.8, -1.0) };
            let band = Outline::from(from)
                .bend(from.toward(disc, 0.55).by(side * 1.6, 2.0), disc.by(side * 1.2, -5.0))
                .open();
            pen.limb(&band, 3.6, ribbon.base, ribbon.line, EDGE);
        }
        let fill = Fill::along(
            disc.by(-6.0, -6.0),
            disc.by(6.0, 6.0),
            &[Rgb::hex(0xFF_F0_A8), tones.base, Rgb::hex(0xDD_95_26)],
        );
        pen.part(&Shape::circle(disc, 6.4), fill, tones.line, EDGE);
        pen.line(&Shape::circle(disc, 4.9), 0.8, Rgb::hex(0xC5_84_20));
        pen.fill(&Shape::star(disc, 5, 3.9, 1.8, 0.0), Rgb::hex(0xFF_F8_D2));
    }

    /// Glasses, over the face.
    pub(crate) fn glasses(&self, pen: &mut Pen) {
        if self.traits.accessory != Accessory::Glasses {
            return;
        }
        let tones = self.accessory_tones();
        let round = self.rng("glasses").chance(0.6);
        let r = (8.9 * self.at.eye).min(self.at.gap * 0.86).max(8.0);
        let (left, right) = (self.eye_at(-1.0), self.eye_at(1.0));
        let lens = |eye: At| {
            if round { Shape::circle(eye, r) } else { Shape::block(eye, r, r * 0.9, 4.6) }
        };
        let frames = |pen: &mut Pen, width: f32, color: Rgb| {
            for eye in [left, right] {
                pen.line(&lens(eye), width, color);
            }
            let bridge = Outline::from(left.by(r, -0.8))
                .bend(left.toward(right, 0.5).by(0.0, -3.4), right.by(-r, -0.8))
                .open();
            pen.line(&bridge, width, color);
            for (side, eye) in [(-1.0, left), (1.0, right)] {
                let temple = Outline::from(eye.by(side * r, -1.5)).to(eye.by(side * (r + 3.4), -2.6)).open();
                pen.line(&temple, width, color);
            }
        };
        for eye in [left, right] {
            pen.fill(&lens(eye), Ink(Rgb::hex(0xDF_F2_FF), 0.2));
        }
        frames(pen, 4.3, tones.line);
        frames(pen, 2.3, tones.base);
        for eye in [left, right] {
            let glint = Outline::from(eye.by(-r * 0.62, -r * 0.16)).to(eye.by(-r * 0.24, -r * 0.6)).open();
            pen.line(&glint, 1.2, Ink(WHITE, 0.85));
        }
    }

    /// What is held, and the hands that hold it.
    pub(crate) fn held(&self, pen: &mut Pen) {
        let index = if self.hold < 0.0 { 0 } else { 1 };
        let hand = self.at.hands[index];
        match self.traits.accessory {
            Accessory::Balloon => {
                self.balloon(pen, hand);
                self.arm(pen, self.hold, index);
            }
            Accessory::Wand => {
                self.wand(pen, hand);
                self.arm(pen, self.hold, index);
            }
            Accessory::Heart => {
                for (side, index) in SIDES {
                    self.arm(pen, side, index);
                }
                let tones = self.accessory_tones();
                let at = self.heart_at();
                let shape = Shape::heart(at, 12.5).moved(turned(at, self.hold * 5.0));
                let fill = Fill::Radial(
                    at.by(-4.5, -6.0),
                    20.0,
                    vec![(0.0, tones.light.into()), (0.45, tones.base.into()), (1.0, tones.shade.into())],
                );
                pen.part(&shape, fill, tones.line, EDGE);
                let shine = at.by(-6.0, -4.6);
                pen.fill(&Shape::oval(shine, 2.7, 1.7).moved(turned(shine, -38.0)), Ink(WHITE, 0.75));
                // Hands at its sides.
                for (side, index) in SIDES {
                    let hand = self.at.hands[index].by(-side * 0.6, 0.4);
                    let paw = Shape::oval(hand, 4.6, 4.2).moved(turned(hand, side * 20.0));
                    self.bit(pen, &paw, hand, 5.0, 5.0);
                }
            }
            _ => {}
        }
    }

    fn balloon(&self, pen: &mut Pen, hand: At) {
        let tones = self.accessory_tones();
        let mut rng = self.rng("balloon");
        let side = self.hold;
        let out = match self.traits.kind {
            Kind::Blob | Kind::Octopus => 41.0,
            _ => 38.0,
        };
        let centre = At(side * (out + rng.around(0.0, 2.0)), -82.0 + rng.around(0.0, 3.0));
        let knot = centre.by(0.0, 14.5);
        let string =
            Outline::from(knot).curve(knot.by(side * 5.0, 10.0), hand.by(side * 5.0, -14.0), hand).open();
        pen.line(&string, 1.3, Rgb::hex(0x5A_50_68));
        let tip = Shape::polygon(&[knot.by(0.0, -2.4), knot.by(3.0, 2.0), knot.by(-3.0, 2.0)]);
        pen.part(&tip, tones.base, tones.line, EDGE * 0.8);
        let skin = Shape::egg(centre, 11.8, 13.0, 14.0);
        let fill = Fill::Radial(
            centre.by(-4.0, -5.5),
            21.0,
            vec![(0.0, tones.light.into()), (0.4, tones.base.into()), (1.0, tones.shade.into())],
        );
        pen.part(&skin, fill, tones.line, EDGE);
        let shine = centre.by(-5.2, -6.2);
        pen.fill(&Shape::oval(shine, 3.4, 1.9).moved(turned(shine, -48.0)), Ink(WHITE, 0.75));
        pen.fill(&Shape::circle(centre.by(-8.0, 0.0), 1.0), Ink(WHITE, 0.6));
    }

    fn wand(&self, pen: &mut Pen, hand: At) {
        let tones = self.accessory_tones();
        let side = self.hold;
        let tip = hand.by(side * 7.0, -23.0);
        let stick = Outline::from(hand.by(-side * 1.6, 6.0)).to(tip).open();
        pen.limb(&stick, 2.6, Rgb::hex(0xC9_8A_5A), Rgb::hex(0x5A_36_2C), EDGE);
        let star = Shape::star(tip, 5, 8.6, 4.2, side * 0.25);
        pen.line(&star, 1.4 + EDGE * 2.0, tones.line);
        pen.line(&star, 1.6, tones.base);
        pen.fill(&star, Fill::outward(tip.by(-2.0, -2.5), 9.0, &[Rgb::hex(0xFF_F6_C4), tones.base]));
        let mut rng = self.rng("wand");
        for (dx, dy) in [(9.0, -9.0), (11.5, 4.0), (-9.5, -8.0)] {
            let at = tip.by(side * dx, dy + rng.around(0.0, 1.5));
            let twinkle = Shape::twinkle(at, 3.2);
            pen.line(&twinkle, 1.2, tones.line);
            pen.fill(&twinkle, Rgb::hex(0xFF_EC_9A));
        }
    }
}
