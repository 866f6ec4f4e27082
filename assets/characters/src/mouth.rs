//! Mouths and beaks.

use crate::color::{Rgb, Tones};
use crate::face::{DARK, WHITE, arc};
use crate::figure::{Figure, SIDES};
use crate::pen::{Fill, Outline, Pen, Shape, turned};
use crate::traits::{Kind, Mood, Mouth};

impl Figure {
    /// The mouth, or the beak.
    pub(crate) fn mouth(&self, pen: &mut Pen) {
        let m = self.at.mouth;
        let ink = self.mouth_ink();
        let wide = match self.traits.kind {
            Kind::Frog => 1.75,
            Kind::Bear => 0.94,
            Kind::Dragon => 1.1,
            _ => 1.0,
        } * if self.turn == 0.0 { 1.0 } else { 0.9 };
        let w = 5.4 * wide;
        let pink = Rgb::hex(0xF5_78_86);
        match self.traits.mouth {
            Mouth::Smile => pen.line(&arc(m.by(-w, -1.2), m.by(w, -1.2), 2.6), 1.9, ink),
            Mouth::Frown => pen.line(&arc(m.by(-w, 2.0), m.by(w, 2.0), -2.2), 2.0, ink),
            Mouth::Small => {
                let (rx, ry) = if self.traits.mood == Mood::Surprised { (3.0, 3.7) } else { (2.1, 2.3) };
                let hole = Shape::oval(m.by(0.0, 0.8), rx, ry);
                pen.part(&hole, Rgb::hex(0x7C_22_38), ink, 0.9);
            }
            Mouth::Open => {
                let (w, deep) =
                    if self.traits.mood == Mood::Surprised { (4.4 * wide, 8.2) } else { (6.6 * wide, 7.2) };
                let hole = Outline::from(m.by(-w, -2.0))
                    .bend(m.by(0.0, -0.6), m.by(w, -2.0))
                    .curve(m.by(w * 0.98, deep * 0.72), m.by(w * 0.5, deep), m.by(0.0, deep))
                    .curve(m.by(-w * 0.5, deep), m.by(-w * 0.98, deep * 0.72), m.by(-w, -2.0))
                    .closed();
                pen.part(&hole, Rgb::hex(0x84_1F_38), ink, 1.0);
                pen.inside(&hole, |pen| {
                    pen.fill(&Shape::oval(m.by(0.0, deep * 0.95), w * 0.66, deep * 0.46), pink);
                });
            }
            Mouth::Tongue => {
                let tongue = Outline::from(m.by(-2.9, 0.6))
                    .curve(m.by(-3.2, 7.4), m.by(3.2, 7.4), m.by(2.9, 0.6))
                    .closed()
                    .moved(turned(m, -self.hold * 8.0));
                pen.part(&tongue, pink, Rgb::hex(0x9C_2E_4C), 0.9);
                pen.line(&arc(m.by(0.0, 2.0), m.by(0.2, 3.8), 0.0), 0.9, Rgb::hex(0xD8_4E_68));
                pen.line(&arc(m.by(-w, -1.4), m.by(w, -1.4), 2.4), 1.9, ink);
            }
            Mouth::Fangs => {
                let sag = if self.traits.mood == Mood::Grumpy { -1.2 } else { 1.9 };
                let w = w * 1.12;
                for (side, _) in SIDES {
                    let x = side * w * 0.5;
                    let y = if sag > 0.0 { 0.2 } else { -0.5 };
                    let fang = Shape::polygon(&[m.by(x - 1.9, y), m.by(x + 1.9, y), m.by(x, y + 5.2)]);
                    pen.part(&fang, WHITE, if self.ink == DARK { DARK } else { self.tones.line }, 0.7);
                }
                pen.line(&arc(m.by(-w, -0.6), m.by(w, -0.6), sag), 1.9, ink);
            }
            Mouth::Cat => {
                let path = Outline::from(m.by(-w, -0.8))
                    .bend(m.by(-w * 0.55, 5.6), m.by(0.0, -1.0))
                    .bend(m.by(w * 0.55, 5.6), m.by(w, -0.8))
                    .open();
                pen.line(&path, 1.9, ink);
            }
            Mouth::Grin => {
                let w = w * 1.15;
                let shape = Outline::from(m.by(-w, -1.8))
                    .bend(m.by(0.0, -0.4), m.by(w, -1.8))
                    .curve(m.by(w * 0.9, 4.6), m.by(w * 0.45, 5.2), m.by(0.0, 5.2))
                    .curve(m.by(-w * 0.45, 5.2), m.by(-w * 0.9, 4.6), m.by(-w, -1.8))
                    .closed();
                pen.part(&shape, WHITE, self.teeth_line(), 1.1);
                pen.inside(&shape, |pen| {
                    let line = self.teeth_line();
                    pen.line(&arc(m.by(-w, 1.4), m.by(w, 1.4), 0.5), 0.8, line);
                    for x in [-0.5, 0.0, 0.5] {
                        pen.line(&arc(m.by(w * x, -3.0), m.by(w * x, 6.0), 0.0), 0.8, line);
                    }
                });
            }
            Mouth::Beak => self.beak(pen),
        }
        if self.traits.kind == Kind::Bunny && matches!(self.traits.mouth, Mouth::Smile | Mouth::Cat) {
            let tooth = Shape::block(m.by(0.0, 2.7), 2.3, 2.2, 0.8);
            pen.part(&tooth, WHITE, self.teeth_line(), 0.7);
            pen.line(&arc(m.by(0.0, 1.0), m.by(0.0, 4.4), 0.0), 0.6, self.teeth_line());
        }
    }

    fn teeth_line(&self) -> Rgb {
        if self.ink == DARK { DARK } else { Rgb::hex(0x22_1C_2A) }
    }

    /// Mouth lines: dark on a light snout even where the body is dark.
    fn mouth_ink(&self) -> Rgb {
        match self.traits.kind {
            Kind::Bear | Kind::Dragon | Kind::Robot => DARK,
            _ => self.ink,
        }
    }

    fn beak(&self, pen: &mut Pen) {
        let m = self.at.mouth;
        let tones: Tones = self.beak_tones();
        let open = matches!(self.traits.mood, Mood::Happy | Mood::Surprised);
        let w = 7.0;
        if open {
            let deep = if self.traits.mood == Mood::Surprised { 8.0 } else { 6.6 };
            let lower = Outline::from(m.by(-w * 0.72, 0.4))
                .bend(m.by(-w * 0.4, deep), m.by(0.0, deep))
                .bend(m.by(w * 0.4, deep), m.by(w * 0.72, 0.4))
                .closed();
            pen.part(&lower, tones.shade, tones.line, 1.1);
            pen.fill(&Shape::oval(m.by(0.0, 2.6), w * 0.42, deep * 0.36), Rgb::hex(0x8C_2A_3C));
        }
        let tip = if open { 3.4 } else { 6.2 };
        let sag = if self.traits.mood == Mood::Grumpy { 1.8 } else { 0.0 };
        let upper = Outline::from(m.by(-w, 0.2 + sag))
            .curve(m.by(-w * 0.6, -4.6), m.by(w * 0.6, -4.6), m.by(w, 0.2 + sag))
            .bend(m.by(w * 0.35, tip * 0.5), m.by(self.turn * 2.0, tip))
            .bend(m.by(-w * 0.35, tip * 0.5), m.by(-w, 0.2 + sag))
            .closed();
        let fill = Fill::along(m.by(0.0, -4.0), m.by(0.0, 6.0), &[tones.light, tones.base, tones.shade]);
        pen.part(&upper, fill, tones.line, 1.2);
        for (side, _) in SIDES {
            pen.fill(&Shape::oval(m.by(side * 1.9, -1.5), 0.6, 0.8), tones.line);
        }
    }
}
