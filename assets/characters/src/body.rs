//! Bodies: tails, legs, torsos, arms and heads of every kind.

use crate::color::{Rgb, Tones};
use crate::figure::{EDGE, Figure, SIDES};
use crate::pen::{At, Outline, Pen, Shape, turned};
use crate::skin::Area;
use crate::traits::{Color, Headgear, Kind, Pattern};

/// A limb that bends between two places, `bow` units off the straight line.
pub(crate) fn bow(from: At, to: At, bow: f32) -> Shape {
    let middle = from.toward(to, 0.5);
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = (dx * dx + dy * dy).sqrt().max(0.1);
    Outline::from(from).bend(middle.by(-dy / length * bow, dx / length * bow), to).open()
}

/// Degrees from upright down to the way from one place to another.
fn angle(from: At, to: At) -> f32 {
    libm::atan2f(to.1 - from.1, to.0 - from.0) * 180.0 / core::f32::consts::PI
}

impl Figure {
    /// What is behind everything: tails and wings.
    pub(crate) fn back(&self, pen: &mut Pen) {
        let side = if self.turn == 0.0 { -self.hold } else { -self.turn };
        let at = &self.at;
        let low = At(at.torso.0, at.torso.1 + at.torso_ry * 0.45);
        let mut rng = self.rng("back");
        match self.traits.kind {
            Kind::Cat => {
                let tip = low.by(side * rng.around(30.0, 3.0), -26.0 + rng.around(0.0, 4.0));
                let tail = Outline::from(low.by(side * 6.0, 4.0))
                    .curve(low.by(side * 27.0, 12.0), low.by(side * 33.0, -6.0), tip)
                    .open();
                pen.limb(&tail, 7.0, self.lit(low.by(side * 18.0, 0.0), 20.0, 20.0), self.tones.line, EDGE);
                pen.line(&bow(tip.by(side * 0.6, 5.0), tip, 0.0), 7.0, self.tip_tone());
            }
            Kind::Bunny => {
                let tail = low.by(side * 17.0, 4.0);
                pen.part(&Shape::circle(tail, 6.5), self.belly, self.tones.line, EDGE);
            }
            Kind::Bear => {
                let tail = low.by(side * 18.0, 3.0);
                self.bit(pen, &Shape::circle(tail, 5.0), tail, 5.0, 5.0);
            }
            Kind::Dragon => {
                for (wing, _) in SIDES {
                    self.dragon_wing(pen, wing);
                }
                let tip = low.by(side * 33.0, -8.0 + rng.around(0.0, 3.0));
                let tail = Outline::from(low.by(0.0, 5.0))
                    .curve(low.by(side * 20.0, 13.0), low.by(side * 33.0, 8.0), tip)
                    .open();
                pen.limb(&tail, 8.0, self.lit(low.by(side * 18.0, 0.0), 20.0, 16.0), self.tones.line, EDGE);
                let spade = Shape::polygon(&[
                    tip.by(0.0, -9.0),
                    tip.by(7.0, 2.5),
                    tip.by(0.0, 1.0),
                    tip.by(-7.0, 2.5),
                ])
                .moved(turned(tip, side * 12.0));
                pen.part(&spade, self.accent, self.tones.line, EDGE);
            }
            Kind::Bird => {
                let root = At(side * 20.0, -16.0);
                for (turn, length) in [(-18.0, 17.0), (4.0, 19.0), (26.0, 16.0)] {
                    let feather = Shape::oval(root.by(side * length * 0.6, 0.0), length * 0.62, 4.6)
                        .moved(turned(root, -side * turn));
                    self.bit(pen, &feather, root.by(side * 10.0, 0.0), 12.0, 8.0);
                }
            }
            Kind::Octopus => {
                for (x, end) in [(-9.0, -14.0), (9.0, 14.0)] {
                    self.tentacle(pen, At(x, -32.0), At(end, -5.0), 0.0);
                }
            }
            Kind::Blob | Kind::Robot | Kind::Ghost | Kind::Frog => {}
        }
    }

    /// The tone of a tail's tip.
    fn tip_tone(&self) -> Rgb {
        if self.traits.color == Color::White { self.accent } else { self.belly }
    }

    fn dragon_wing(&self, pen: &mut Pen, side: f32) {
        let at = &self.at;
        let root = At(at.torso.0 + side * 9.0, at.torso.1 - 8.0);
        let up = if self.jumping { -9.0 } else { 0.0 };
        let wing = Outline::from(root)
            .bend(root.by(side * 10.0, -16.0 + up), root.by(side * 27.0, -19.0 + up))
            .bend(root.by(side * 24.0, -8.0 + up), root.by(side * 27.0, -1.0 + up * 0.6))
            .bend(root.by(side * 19.0, -3.0), root.by(side * 17.0, 5.0))
            .bend(root.by(side * 11.0, 1.0), root.by(side * 2.0, 8.0))
            .closed();
        pen.part(&wing, self.accent, self.tones.line, EDGE);
        pen.inside(&wing, |pen| {
            for end in [root.by(side * 27.0, -1.0 + up * 0.6), root.by(side * 17.0, 5.0)] {
                pen.line(&bow(root.by(side * 6.0, -8.0), end, 0.0), 1.1, self.tones.line);
            }
        });
    }

    /// One tentacle with a curled end.
    fn tentacle(&self, pen: &mut Pen, root: At, tip: At, curl: f32) {
        let side = if tip.0 < root.0 { -1.0 } else { 1.0 };
        let path = Outline::from(root)
            .curve(root.by(0.0, 14.0), At(tip.0 - side * 2.0, tip.1 + 2.0), tip)
            .bend(tip.by(side * 4.5, -1.5), tip.by(side * 4.0, -4.5 - curl))
            .open();
        pen.limb(&path, 8.6, self.lit(root.toward(tip, 0.6), 14.0, 16.0), self.tones.line, EDGE);
    }

    /// Legs and feet: behind the torso when standing, before it when sitting.
    pub(crate) fn legs(&self, pen: &mut Pen) {
        let kind = self.traits.kind;
        let at = &self.at;
        let x = at.torso.0;
        let apart = match kind {
            Kind::Blob => 14.0,
            Kind::Bird => 9.5,
            Kind::Robot => 9.0,
            _ => 9.5,
        };
        match kind {
            Kind::Ghost => return,
            Kind::Octopus => {
                let spread = if self.jumping { 5.0 } else { 0.0 };
                for (side, _) in SIDES {
                    self.tentacle(
                        pen,
                        At(side * 15.0, -32.0),
                        At(side * (25.0 + spread), -7.0),
                        spread * 0.4,
                    );
                }
                return;
            }
            _ => {}
        }
        for (side, _) in SIDES {
            if kind == Kind::Bird {
                self.bird_foot(pen, side);
                continue;
            }
            if self.sitting {
                let foot = At(x + side * (apart + 4.5), -6.5);
                let sole = Shape::oval(foot, 8.0, 7.2).moved(turned(foot, side * 8.0));
                self.bit(pen, &sole, foot, 8.0, 7.2);
                if kind == Kind::Robot {
                    pen.line(&Shape::circle(foot, 3.6), 1.2, self.tones.line);
                } else {
                    pen.fill(&Shape::oval(foot.by(0.0, 1.6), 3.7, 3.1), self.pad());
                    for toe in [-3.4, 0.0, 3.4] {
                        let lift = if toe == 0.0 { -3.9 } else { -2.9 };
                        pen.fill(&Shape::circle(foot.by(toe, lift), 1.25), self.pad());
                    }
                }
                continue;
            }
            let (dx, dy, tilt) = if self.jumping { (3.0, 1.0, side * 24.0) } else { (0.0, 0.0, 0.0) };
            let foot = At(x + side * (apart + dx) + self.turn * 2.0, -4.6 + dy);
            let shape = match kind {
                Kind::Robot => Shape::block(foot, 7.0, 4.6, 3.4),
                Kind::Frog => Shape::oval(foot.by(side * 1.5, 0.4), 10.0, 4.4),
                Kind::Bunny => Shape::oval(foot, 8.2, 5.0),
                _ => Shape::oval(foot, 7.6, 5.2),
            }
            .moved(turned(foot, tilt));
            if kind == Kind::Robot {
                let leg = Shape::block(foot.by(-side * 0.5, -6.0), 3.2, 6.0, 1.5);
                pen.part(&leg, self.tones.shade, self.tones.line, EDGE);
            }
            self.bit(pen, &shape, foot, 8.0, 5.0);
        }
    }

    /// The colour of paw pads.
    fn pad(&self) -> Rgb {
        match self.traits.kind {
            Kind::Frog | Kind::Dragon | Kind::Blob => self.belly,
            _ => Rgb::hex(0xFF_B3_BE),
        }
    }

    fn bird_foot(&self, pen: &mut Pen, side: f32) {
        let beak = self.beak_tones();
        let foot = if self.sitting {
            At(side * 13.0, -5.0)
        } else {
            At(side * 9.5 + self.turn * 2.0, -3.2 + if self.jumping { 2.0 } else { 0.0 })
        };
        for toe in [-1.0_f32, 0.0, 1.0] {
            let end = if self.sitting { foot.by(toe * 4.2, -6.0) } else { foot.by(toe * 5.0, 1.8) };
            pen.limb(&bow(foot.by(0.0, -2.0), end, 0.0), 3.4, beak.base, beak.line, EDGE * 0.9);
        }
        pen.line(&bow(foot.by(0.0, -3.5), foot, 0.0), 3.4, beak.base);
        for toe in [-1.0_f32, 0.0, 1.0] {
            let end = if self.sitting { foot.by(toe * 4.2, -6.0) } else { foot.by(toe * 5.0, 1.8) };
            pen.line(&bow(foot.by(0.0, -2.0), end, 0.0), 3.4, beak.base);
        }
    }

    /// The colour of beaks and birds' feet.
    pub(crate) fn beak_tones(&self) -> Tones {
        Tones::of(match self.traits.color {
            Color::Orange | Color::Yellow | Color::Brown => Rgb::hex(0xE8_5A_3A),
            _ => Rgb::hex(0xFF_AE_34),
        })
    }

    /// The torso; of a one-piece kind, all of it.
    pub(crate) fn torso(&self, pen: &mut Pen) {
        let at = &self.at;
        let At(x, y) = at.torso;
        let (rx, ry) = (at.torso_rx, at.torso_ry);
        let area = Area { centre: at.torso, rx, ry, face: self.one_piece() };
        match self.traits.kind {
            Kind::Robot => {
                let box_ = Shape::block(at.torso, rx, ry, 6.0);
                self.skin(pen, &box_, area);
                let panel = Shape::block(At(x + self.turn * 3.0, y + 2.0), rx * 0.52, ry * 0.42, 2.5);
                pen.part(&panel, self.belly, self.tones.line, EDGE * 0.7);
                for (dot, color) in [(-4.2, 0xF2_5C_5C), (0.0, 0xFF_D2_4D), (4.2, 0x63_C9_74)] {
                    let lamp = At(x + self.turn * 3.0 + dot, y + 2.0);
                    pen.fill(&Shape::circle(lamp, 1.6), Rgb::hex(color));
                }
            }
            Kind::Blob => {
                let low = -3.5;
                let top = at.head.1 - at.ry;
                let w = at.rx;
                let mid = low + (top - low) * 0.42;
                let shape = Outline::from(At(x, low))
                    .curve(At(x - w * 0.72, low), At(x - w, low - 3.0), At(x - w, mid + 5.0))
                    .curve(At(x - w, mid - 14.0), At(x - w * 0.62, top), At(x, top))
                    .curve(At(x + w * 0.62, top), At(x + w, mid - 14.0), At(x + w, mid + 5.0))
                    .curve(At(x + w, low - 3.0), At(x + w * 0.72, low), At(x, low))
                    .closed();
                self.skin(pen, &shape, area);
                self.shine(pen, At(x, y), rx, ry, 0.55);
            }
            Kind::Ghost => {
                let shape = self.ghost_shape();
                self.skin(pen, &shape, area);
                self.shine(pen, at.head, at.rx, at.ry, 0.5);
            }
            Kind::Bird => {
                self.crest(pen);
                let shape = Shape::egg(at.head.by(0.0, 6.0), at.rx, at.ry + 6.0, 34.0);
                self.skin(pen, &shape, area);
                self.shine(pen, at.head, at.rx, at.ry, 0.4);
            }
            Kind::Octopus => {
                let shape = Outline::from(At(x - at.rx * 0.78, -29.0))
                    .curve(
                        At(x - at.rx * 1.25, at.head.1 - 4.0),
                        At(x - at.rx, at.head.1 - at.ry),
                        At(x, at.head.1 - at.ry),
                    )
                    .curve(
                        At(x + at.rx, at.head.1 - at.ry),
                        At(x + at.rx * 1.25, at.head.1 - 4.0),
                        At(x + at.rx * 0.78, -29.0),
                    )
                    .bend(At(x, -22.0), At(x - at.rx * 0.78, -29.0))
                    .closed();
                self.skin(pen, &shape, area);
                self.shine(pen, at.head, at.rx, at.ry, 0.5);
            }
            kind => {
                let top = y - ry;
                let low = if self.sitting { -2.5 } else { -4.0 };
                let wide = if self.sitting { rx * 1.08 } else { rx };
                let shoulder = rx * 0.72;
                let shape = Outline::from(At(x - shoulder, top + 4.0))
                    .bend(At(x, top - 4.0), At(x + shoulder, top + 4.0))
                    .curve(At(x + wide * 0.98, y - 4.0), At(x + wide * 1.2, low), At(x + wide * 0.45, low))
                    .to(At(x - wide * 0.45, low))
                    .curve(At(x - wide * 1.2, low), At(x - wide * 0.98, y - 4.0), At(x - shoulder, top + 4.0))
                    .closed();
                self.skin(pen, &shape, area);
                if kind == Kind::Dragon && self.traits.pattern == Pattern::Belly {
                    self.belly_plates(pen, &shape);
                }
                // The head's shadow on the chest.
                pen.inside(&shape, |pen| {
                    let shadow = Shape::oval(At(x, top + 2.0), rx * 1.1, 6.5);
                    pen.fill(&shadow, crate::pen::Ink(self.tones.shade, 0.75));
                });
            }
        }
    }

    fn belly_plates(&self, pen: &mut Pen, torso: &Shape) {
        let At(x, y) = self.at.torso;
        let rx = self.at.torso_rx * 0.58;
        let plate = Shape::oval(At(x + self.turn * 4.0, y + 4.0), rx, self.at.torso_ry * 0.86);
        pen.inside(torso, |pen| {
            pen.fill(&plate, self.belly);
            pen.inside(&plate, |pen| {
                for row in [-5.0_f32, 1.0, 7.0, 13.0] {
                    let left = At(x - rx + self.turn * 4.0, y + row);
                    pen.line(
                        &bow(left, left.by(rx * 2.0, 0.0), 1.6),
                        1.0,
                        self.tones.base.toward(self.belly, 0.35),
                    );
                }
            });
        });
    }

    fn ghost_shape(&self) -> Shape {
        let at = &self.at;
        let x = at.head.0;
        let (top, w, low) = (at.head.1 - at.ry, at.rx, -9.0);
        let sway = self.rng("hem").around(0.0, 2.0) - self.turn * 3.0;
        let mut outline = Outline::from(At(x - w, low - 6.0))
            .curve(At(x - w * 0.98, -30.0), At(x - w, top + 22.0), At(x - w * 0.9, at.head.1 - 4.0))
            .curve(At(x - w * 0.8, top + 6.0), At(x - w * 0.4, top), At(x, top))
            .curve(At(x + w * 0.4, top), At(x + w * 0.8, top + 6.0), At(x + w * 0.9, at.head.1 - 4.0))
            .curve(At(x + w, top + 22.0), At(x + w * 0.98, -30.0), At(x + w, low - 6.0));
        // Four round waves from right to left.
        let step = w * 2.0 / 4.0;
        let mut right = At(x + w, low - 6.0);
        for wave in 0..4 {
            let left = At(x + w - step * (wave as f32 + 1.0) + if wave < 3 { sway } else { 0.0 }, low - 6.0);
            let (a, b) = (right.toward(left, 0.12), right.toward(left, 0.88));
            outline = outline.curve(a.by(0.0, 13.0), b.by(0.0, 13.0), left.by(0.0, -1.5));
            if wave < 3 {
                outline = outline.to(left.by(0.0, -1.5));
            }
            right = left;
        }
        outline.closed()
    }

    /// The feathers on a bird's head, unless a hat is on them.
    fn crest(&self, pen: &mut Pen) {
        if matches!(
            self.traits.headgear,
            Headgear::None | Headgear::Flower | Headgear::Bow | Headgear::Halo | Headgear::Headphones
        ) {
            let root = self.crown().by(0.0, 2.0);
            for turn in [-30.0_f32, 28.0, 0.0] {
                let feather = Shape::oval(root.by(0.0, -5.0), 3.6, 7.0).moved(turned(root, turn));
                self.bit(pen, &feather, root.by(0.0, -5.0), 4.0, 7.0);
            }
        }
    }

    /// The arms: first those behind the body, then those before it.
    pub(crate) fn arms(&self, pen: &mut Pen, behind: bool) {
        for (side, index) in SIDES {
            if self.arm_behind(index) == behind {
                self.arm(pen, side, index);
            }
        }
    }

    /// Whether an arm grows from behind the body: raised ones, and all of those that stand out from a one-piece
    /// body.
    fn arm_behind(&self, index: usize) -> bool {
        let at = &self.at;
        let raised = at.hands[index].1 < at.shoulders[index].1 - 3.0;
        match self.traits.kind {
            Kind::Bird => raised,
            Kind::Blob | Kind::Ghost | Kind::Octopus => true,
            _ => raised,
        }
    }

    /// One arm.
    pub(crate) fn arm(&self, pen: &mut Pen, side: f32, index: usize) {
        let at = &self.at;
        let (shoulder, hand) = (at.shoulders[index], at.hands[index]);
        let raised = hand.1 < shoulder.1 - 3.0;
        let fill = self.lit(shoulder.toward(hand, 0.6), 12.0, 12.0);
        match self.traits.kind {
            Kind::Bird => {
                let turn = angle(shoulder, hand);
                let (dx, dy) = (hand.0 - shoulder.0, hand.1 - shoulder.1);
                let length = (dx * dx + dy * dy).sqrt() + 7.0;
                let wing = Shape::egg(At(0.0, 0.0), 8.0, length * 0.45, length * 0.62)
                    .moved(tiny_skia::Transform::from_translate(shoulder.0, shoulder.1 + length * 0.4))
                    .moved(turned(shoulder, turn - 90.0));
                self.bit(pen, &wing, shoulder.toward(hand, 0.5), 9.0, 12.0);
            }
            Kind::Octopus => {
                let curve = if raised { -side * 5.0 } else { side * 5.0 };
                let path = Outline::from(shoulder)
                    .bend(shoulder.toward(hand, 0.5).by(0.0, 6.0), hand)
                    .bend(hand.by(side * 4.0, -3.0), hand.by(side * 1.0 + curve * 0.3, -7.0))
                    .open();
                pen.limb(&path, 8.2, fill, self.tones.line, EDGE);
            }
            Kind::Robot => {
                let bowed = if raised { side * 3.0 } else { -side * 3.0 };
                let path = bow(shoulder, hand, bowed);
                pen.limb(&path, 5.6, self.tones.shade, self.tones.line, EDGE);
                pen.part(&Shape::circle(hand, 5.0), fill, self.tones.line, EDGE);
            }
            _ => {
                let bowed = if raised { side * 2.5 } else { -side * 2.5 };
                let path = bow(shoulder, hand, bowed);
                let width = if self.one_piece() { 9.4 } else { 9.0 };
                pen.limb(&path, width, fill.clone(), self.tones.line, EDGE);
            }
        }
    }

    /// The head with its ears, for kinds that have one of its own.
    pub(crate) fn head(&self, pen: &mut Pen) {
        if self.one_piece() {
            return;
        }
        let at = &self.at;
        let area = Area { centre: at.head, rx: at.rx, ry: at.ry, face: true };
        match self.traits.kind {
            Kind::Cat => self.cat_ears(pen),
            Kind::Bear => self.bear_ears(pen),
            Kind::Bunny => self.bunny_ears(pen),
            Kind::Dragon => self.horns(pen),
            Kind::Robot => self.bolts(pen),
            _ => {}
        }
        let shape = match self.traits.kind {
            Kind::Robot => Shape::block(at.head, at.rx, at.ry, 9.0),
            Kind::Frog => Shape::egg(at.head, at.rx, at.ry, at.ry),
            Kind::Cat => self.cheeky(0.1),
            Kind::Dragon => self.cheeky(0.05),
            _ => Shape::egg(at.head, at.rx, at.ry, at.ry * 0.97),
        };
        self.skin(pen, &shape, area);
        match self.traits.kind {
            Kind::Robot => {
                let plate = Shape::block(at.head.by(self.turn * 3.0, 1.5), at.rx * 0.8, at.ry * 0.72, 6.5);
                pen.fill(&plate, self.tones.base.toward(self.belly, 0.4));
                pen.line(&plate, 1.0, self.tones.shade);
                self.shine(pen, at.head.by(-2.0, -1.0), at.rx * 1.1, at.ry * 1.28, 0.5);
            }
            Kind::Frog => {}
            _ => self.shine(pen, at.head, at.rx, at.ry, 0.42),
        }
    }

    /// A head a little wider at the cheeks.
    fn cheeky(&self, puff: f32) -> Shape {
        let at = &self.at;
        let At(x, y) = at.head;
        let (w, h) = (at.rx, at.ry);
        Outline::from(At(x, y - h))
            .curve(
                At(x + w * 0.62, y - h),
                At(x + w * 0.96, y - h * 0.5),
                At(x + w * (0.98 + puff * 0.3), y + h * 0.18),
            )
            .curve(At(x + w * (1.0 + puff), y + h * 0.75), At(x + w * 0.55, y + h), At(x, y + h))
            .curve(
                At(x - w * 0.55, y + h),
                At(x - w * (1.0 + puff), y + h * 0.75),
                At(x - w * (0.98 + puff * 0.3), y + h * 0.18),
            )
            .curve(At(x - w * 0.96, y - h * 0.5), At(x - w * 0.62, y - h), At(x, y - h))
            .closed()
    }
}
