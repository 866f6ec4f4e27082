//! What grows on heads: ears, horns, and a robot's bolts and antenna.

use crate::body::bow;
use crate::color::{Rgb, Tones};
use crate::figure::{EDGE, Figure, SIDES};
use crate::pen::{Outline, Pen, Shape, stretched, turned};
use crate::traits::{Color, Headgear};

impl Figure {
    pub(crate) fn cat_ears(&self, pen: &mut Pen) {
        let at = &self.at;
        let size = self.rng("ears").around(1.0, 0.12);
        for (side, _) in SIDES {
            let root = at.head.by(side * at.rx * 0.62 + self.turn * 1.5, -at.ry * 0.62);
            let ear = |s: f32, drop: f32| {
                Outline::from(root.by(-side * 9.5 * s, 2.0 + drop))
                    .curve(
                        root.by(-side * 5.0 * s, -9.0 * s + drop),
                        root.by(side * 2.0 * s, -17.5 * s + drop),
                        root.by(side * 6.0 * s, -18.5 * s + drop),
                    )
                    .curve(
                        root.by(side * 10.0 * s, -16.0 * s + drop),
                        root.by(side * 11.5 * s, -4.0 * s + drop),
                        root.by(side * 10.5 * s, 6.0 + drop),
                    )
                    .closed()
            };
            self.bit(pen, &ear(size, 0.0), root.by(0.0, -6.0), 10.0, 12.0);
            pen.fill(&ear(size * 0.62, -1.6).moved(stretched(root, 1.0, 0.95)), self.inner_ear());
        }
    }

    fn inner_ear(&self) -> Rgb {
        match self.traits.color {
            Color::Red | Color::Pink | Color::Orange | Color::Yellow | Color::Brown => self.belly,
            Color::White => Rgb::hex(0xFF_C2_CB),
            _ => self.belly.toward(Rgb::hex(0xFF_A9_BC), 0.45),
        }
    }

    pub(crate) fn bear_ears(&self, pen: &mut Pen) {
        let at = &self.at;
        let size = self.rng("ears").around(8.8, 0.9);
        for (side, _) in SIDES {
            let ear = at.head.by(side * at.rx * 0.72 + self.turn * 1.5, -at.ry * 0.8);
            self.bit(pen, &Shape::circle(ear, size), ear, size, size);
            pen.fill(&Shape::circle(ear.by(-side * 0.6, 1.0), size * 0.56), self.inner_ear());
        }
    }

    pub(crate) fn bunny_ears(&self, pen: &mut Pen) {
        let at = &self.at;
        let mut rng = self.rng("ears");
        let flop = rng.chance(0.25);
        for (side, _) in SIDES {
            let root = at.head.by(side * 11.0 + self.turn * 1.0, -at.ry * 0.82);
            let tilt = side * rng.around(11.0, 5.0) + self.turn * 4.0;
            let folded = flop && side == self.hold;
            let length = if folded { 17.0 } else { 27.0 + rng.around(0.0, 2.0) };
            let ear = Shape::egg(root.by(0.0, -length * 0.45), 7.4, length * 0.52, length * 0.62)
                .moved(turned(root, tilt));
            self.bit(pen, &ear, root.by(0.0, -length * 0.5), 8.0, length * 0.5);
            let inner = Shape::egg(root.by(0.0, -length * 0.45), 4.0, length * 0.38, length * 0.5)
                .moved(turned(root, tilt));
            pen.fill(&inner, self.inner_ear());
            if folded {
                // The upper half hangs over.
                let knee = root.by(side * 6.0, -length + 3.0);
                let lobe =
                    Shape::egg(knee.by(side * 3.0, 6.0), 6.6, 8.0, 9.5).moved(turned(knee, -side * 24.0));
                self.bit(pen, &lobe, knee.by(side * 3.0, 5.0), 7.0, 10.0);
            }
        }
    }

    pub(crate) fn horns(&self, pen: &mut Pen) {
        let at = &self.at;
        let cream = Tones::of(Rgb::hex(0xFF_EB_C4));
        for (side, _) in SIDES {
            let root = at.head.by(side * 15.0 + self.turn * 1.5, -at.ry * 0.78);
            let horn = Outline::from(root.by(-side * 4.5, 2.0))
                .bend(root.by(-side * 2.0, -8.0), root.by(side * 5.5, -13.5))
                .bend(root.by(side * 7.0, -5.0), root.by(side * 5.0, 4.0))
                .closed();
            pen.part(&horn, cream.base, self.tones.line, EDGE);
            // A frill at each cheek.
            let ear = at.head.by(side * at.rx * 0.93, -at.ry * 0.16);
            let frill = Outline::from(ear.by(0.0, -6.0))
                .bend(ear.by(side * 9.0, -10.0), ear.by(side * 11.0, -8.0))
                .bend(ear.by(side * 7.5, -3.5), ear.by(side * 10.0, 1.0))
                .bend(ear.by(side * 5.0, 1.0), ear.by(0.0, 6.0))
                .closed();
            pen.part(&frill, self.accent, self.tones.line, EDGE);
        }
        if !matches!(
            self.traits.headgear,
            Headgear::PartyHat
                | Headgear::TopHat
                | Headgear::WizardHat
                | Headgear::Crown
                | Headgear::Beanie
                | Headgear::Cap
        ) {
            let root = self.crown();
            let spike = Outline::from(root.by(-5.0, 4.0))
                .bend(root.by(-2.0, -5.0), root.by(0.0, -7.0))
                .bend(root.by(2.0, -5.0), root.by(5.0, 4.0))
                .closed();
            pen.part(&spike, self.accent, self.tones.line, EDGE);
        }
    }

    pub(crate) fn bolts(&self, pen: &mut Pen) {
        let at = &self.at;
        let steel = Tones::of(Rgb::hex(0xC9_CF_D8));
        for (side, _) in SIDES {
            let ear = at.head.by(side * (at.rx + 2.0), 1.0);
            pen.part(&Shape::block(ear, 3.6, 6.5, 2.2), steel.base, self.tones.line, EDGE);
        }
        if matches!(
            self.traits.headgear,
            Headgear::None | Headgear::Bow | Headgear::Flower | Headgear::Headphones
        ) {
            let root = self.crown();
            let lean = self.rng("antenna").around(0.0, 3.0);
            let tip = root.by(lean, -8.5);
            pen.limb(&bow(root, tip, 0.0), 2.2, steel.base, self.tones.line, EDGE * 0.8);
            pen.part(&Shape::circle(tip, 3.3), self.accent, self.tones.line, EDGE);
        }
    }
}
