//! The figure before it is drawn: where its parts are, for its kind and pose, with a little chance from the seed.
//!
//! A figure's own space has the ground under it at zero, up being negative; a bare one is about 90 units high.

use crate::color::{Rgb, Tones, accent, belly, body, dye, faded};
use crate::pen::At;
use crate::rng::Rng;
use crate::traits::{Accessory, Color, Eyes, Headgear, Kind, Look, Mood, Pose, Traits};

/// The width of outlines.
pub(crate) const EDGE: f32 = 1.5;

/// Where the parts of a figure are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anatomy {
    /// The middle of the head.
    pub(crate) head: At,
    /// Half the width of the head.
    pub(crate) rx: f32,
    /// Half the height of the head.
    pub(crate) ry: f32,
    /// Between the eyes.
    pub(crate) eyes: At,
    /// From there to each eye.
    pub(crate) gap: f32,
    /// How big the eyes are: 1 is usual.
    pub(crate) eye: f32,
    /// The middle of the mouth.
    pub(crate) mouth: At,
    /// The middle of the torso, half its width and height.
    pub(crate) torso: At,
    pub(crate) torso_rx: f32,
    pub(crate) torso_ry: f32,
    /// Where scarves sit, and half the width there.
    pub(crate) neck: At,
    pub(crate) neck_w: f32,
    /// Left and right shoulder.
    pub(crate) shoulders: [At; 2],
    /// Left and right hand.
    pub(crate) hands: [At; 2],
    /// The highest point of the figure without headgear.
    pub(crate) top: f32,
}

/// A character ready to be drawn.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) traits: Traits,
    pub(crate) look: Look,
    pub(crate) seed: u64,
    /// The tones of the body.
    pub(crate) tones: Tones,
    /// The light colour of bellies and snouts.
    pub(crate) belly: Rgb,
    /// The second colour of a pattern.
    pub(crate) accent: Rgb,
    /// The colour a gradient ends in.
    pub(crate) faded: Rgb,
    /// Lines of the face.
    pub(crate) ink: Rgb,
    /// Where the face looks: -1 left, 0 ahead, 1 right.
    pub(crate) turn: f32,
    /// The side on which things are held: -1 left, 1 right.
    pub(crate) hold: f32,
    pub(crate) sitting: bool,
    pub(crate) jumping: bool,
    pub(crate) at: Anatomy,
}

/// Left and right: the sign, and the place in a pair.
pub(crate) const SIDES: [(f32, usize); 2] = [(-1.0, 0), (1.0, 1)];

impl Figure {
    /// The figure of these traits; the seed decides what the traits leave open.
    pub(crate) fn new(traits: &Traits, look: Look, seed: u64) -> Self {
        let mut rng = Rng::of(seed, "figure");
        let turn = match traits.pose {
            Pose::Left => -1.0,
            Pose::Right => 1.0,
            _ => 0.0,
        };
        let hold = rng.side();
        let gold = look == Look::Gold;
        let base = if gold { Rgb::hex(0xE9_AE_35) } else { body(traits.color) };
        let dark = traits.color == Color::Black && !gold;
        let mut figure = Self {
            traits: *traits,
            look,
            seed,
            tones: Tones::of(base),
            belly: if gold { Rgb::hex(0xFF_EF_B8) } else { belly(traits.color) },
            accent: if gold { Rgb::hex(0xB4_72_12) } else { accent(traits.color) },
            faded: if gold { Rgb::hex(0xB8_62_14) } else { faded(traits.color) },
            ink: if dark { Rgb::hex(0xFF_F0_D8) } else { Rgb::hex(0x2A_20_33) },
            turn,
            hold,
            sitting: traits.pose == Pose::Sitting,
            jumping: traits.pose == Pose::Jumping,
            at: plain(traits.kind),
        };
        if traits.color == Color::White && !gold {
            // Snow has a blue shade and a soft line.
            figure.tones.shade = Rgb::hex(0xC9_D0_E6);
            figure.tones.line = Rgb::hex(0x5C_5E_7E);
        }
        figure.vary(&mut rng);
        figure.pose();
        figure
    }

    /// Is this the kind whose head and body are one piece?
    pub(crate) fn one_piece(&self) -> bool {
        matches!(self.traits.kind, Kind::Blob | Kind::Ghost | Kind::Bird | Kind::Octopus)
    }

    /// The tones of what is worn on the head.
    pub(crate) fn headgear_tones(&self) -> Tones {
        self.worn(Tones::of(dye(self.traits.headgear_color)))
    }

    /// The tones of what else is worn or held.
    pub(crate) fn accessory_tones(&self) -> Tones {
        self.worn(Tones::of(dye(self.traits.accessory_color)))
    }

    /// White things have a bluish shade, as white bodies do.
    fn worn(&self, tones: Tones) -> Tones {
        let Rgb(r, g, b) = tones.base;
        if r.min(g).min(b) > 0xF0 {
            Tones { shade: Rgb::hex(0xCF_D4_E6), line: Rgb::hex(0x74_76_92), ..tones }
        } else {
            tones
        }
    }

    /// Where the head ends above the given place across, for what sits on it.
    pub(crate) fn crown(&self) -> At {
        At(self.at.head.0, self.at.head.1 - self.at.ry)
    }

    /// A stream of chance for one part of the drawing.
    pub(crate) fn rng(&self, purpose: &str) -> Rng {
        Rng::of(self.seed, purpose)
    }

    /// Makes this one a little different from its kin.
    fn vary(&mut self, rng: &mut Rng) {
        let wide = rng.around(1.0, 0.06);
        let high = rng.around(1.0, 0.05);
        let at = &mut self.at;
        let below = at.head.1 + at.ry;
        at.rx *= wide;
        at.ry *= high;
        if !matches!(self.traits.kind, Kind::Blob | Kind::Ghost | Kind::Bird | Kind::Octopus) {
            at.head.1 = below - at.ry;
        }
        at.torso_rx *= rng.around(1.0, 0.08);
        at.neck_w *= wide;
        at.gap *= rng.around(1.0, 0.09);
        at.eye *= rng.around(1.0, 0.1);
        at.eyes.1 += rng.around(0.0, 1.6);
        at.mouth.1 += rng.around(0.0, 1.0);
        if self.traits.mood == Mood::Surprised {
            at.eye *= 1.1;
        }
        if self.traits.eyes == Eyes::Single {
            at.eyes.1 -= 1.0;
        }
    }

    /// Moves what the pose moves.
    fn pose(&mut self) {
        let kind = self.traits.kind;
        let turn = self.turn;
        let hold = if self.hold < 0.0 { 0 } else { 1 };
        let one_piece = self.one_piece();
        let in_hand = matches!(self.traits.accessory, Accessory::Balloon | Accessory::Wand);
        let at = &mut self.at;
        at.eyes.0 += turn * 6.0;
        at.mouth.0 += turn * 7.5;
        if turn != 0.0 {
            at.gap *= 0.9;
        }
        let reach = if one_piece { 1.0 } else { 0.0 };
        if in_hand {
            let side = self.hold;
            let shoulder = at.shoulders[hold];
            at.hands[hold] = shoulder.by(side * (12.5 + reach), -1.5);
        }
        match self.traits.pose {
            Pose::Waving => {
                let other = 1 - hold;
                let shoulder = at.shoulders[other];
                at.hands[other] = shoulder.by(-self.hold * (14.0 + reach), -13.0);
            }
            Pose::Jumping => {
                for (side, index) in SIDES {
                    at.hands[index] = at.shoulders[index].by(side * (13.0 + reach), -8.5);
                }
            }
            Pose::Sitting => {
                let down = if kind == Kind::Blob { 2.0 } else { 5.0 };
                for place in [&mut at.head, &mut at.eyes, &mut at.mouth, &mut at.neck, &mut at.torso] {
                    place.1 += down;
                }
                for (_, index) in SIDES {
                    at.shoulders[index].1 += down;
                    at.hands[index].1 += down * 0.6;
                }
                at.top += down;
            }
            _ => {}
        }
        if self.traits.accessory == Accessory::Heart {
            let centre = self.heart_at();
            for (side, index) in SIDES {
                self.at.hands[index] = centre.by(side * 12.0, 2.5);
            }
        }
    }

    /// Where a held heart is.
    pub(crate) fn heart_at(&self) -> At {
        let at = &self.at;
        if self.one_piece() {
            At(at.torso.0 + self.turn * 5.0, at.neck.1 + 8.0)
        } else {
            At(at.torso.0 + self.turn * 4.0, at.torso.1 - 1.0)
        }
    }

    /// How high the whole figure is, with what it wears and holds.
    pub(crate) fn height(&self) -> f32 {
        let crown = -self.crown().1;
        let above = match self.traits.headgear {
            Headgear::None | Headgear::Flower | Headgear::Headphones => 3.0,
            Headgear::Bow => 6.0,
            Headgear::Cap => 6.0,
            Headgear::Beanie => 15.0,
            Headgear::Halo => 15.0,
            Headgear::Crown => 15.0,
            Headgear::PartyHat => 27.0,
            Headgear::TopHat => 23.0,
            Headgear::WizardHat => 33.0,
        };
        let above = above
            + match (self.traits.kind, self.traits.headgear) {
                (Kind::Frog, Headgear::Beanie | Headgear::Cap | Headgear::Headphones | Headgear::Halo) => {
                    13.0
                }
                (Kind::Frog, Headgear::Bow | Headgear::Flower) => 20.0,
                (Kind::Frog, _) => 5.0,
                _ => 0.0,
            };
        let held = match self.traits.accessory {
            Accessory::Balloon => 100.0,
            _ => 0.0,
        };
        (crown + above).max(-self.at.top).max(held)
    }
}

impl Figure {
    /// How far the figure reaches to the left (below 0) and right, with what it wears and holds.
    pub(crate) fn width(&self) -> [f32; 2] {
        let at = &self.at;
        let arm = if self.traits.kind == Kind::Bird { 8.0 } else { 7.0 };
        let mut reach = [0, 1].map(|index| {
            let mut reach = at.hands[index].0.abs() + arm;
            if self.traits.accessory == Accessory::Cape {
                reach = reach.max(at.torso_rx + 19.0);
            }
            match self.traits.kind {
                Kind::Dragon => reach.max(37.0),
                Kind::Cat => reach.max(36.0),
                _ => reach.max(at.rx + 3.0),
            }
        });
        let hold = if self.hold < 0.0 { 0 } else { 1 };
        match self.traits.accessory {
            Accessory::Balloon => reach[hold] = reach[hold].max(57.0),
            Accessory::Wand => reach[hold] = reach[hold].max(at.hands[hold].0.abs() + 22.5),
            _ => {}
        }
        // Tails stand out on one side only.
        let tail = if self.turn == 0.0 { -self.hold } else { -self.turn };
        let tail = if tail < 0.0 { 0 } else { 1 };
        match self.traits.kind {
            Kind::Cat | Kind::Dragon => reach[tail] = reach[tail].max(42.0),
            Kind::Bird => reach[tail] = reach[tail].max(44.0),
            _ => {}
        }
        [-reach[0], reach[1]]
    }
}

/// The anatomy of a kind, standing, looking ahead.
fn plain(kind: Kind) -> Anatomy {
    let furry = Anatomy {
        head: At(0.0, -58.0),
        rx: 27.0,
        ry: 23.0,
        eyes: At(0.0, -56.0),
        gap: 11.5,
        eye: 1.0,
        mouth: At(0.0, -46.0),
        torso: At(0.0, -21.0),
        torso_rx: 17.0,
        torso_ry: 18.0,
        neck: At(0.0, -36.5),
        neck_w: 14.5,
        shoulders: [At(-13.0, -31.0), At(13.0, -31.0)],
        hands: [At(-20.5, -18.0), At(20.5, -18.0)],
        top: -82.0,
    };
    match kind {
        Kind::Cat => Anatomy { rx: 27.5, ry: 22.0, head: At(0.0, -57.0), top: -91.0, ..furry },
        Kind::Bear => Anatomy { rx: 26.5, ry: 23.5, torso_rx: 19.0, top: -87.0, ..furry },
        Kind::Bunny => Anatomy {
            rx: 25.0,
            ry: 22.0,
            head: At(0.0, -57.0),
            torso_rx: 15.5,
            gap: 10.5,
            top: -105.0,
            ..furry
        },
        Kind::Robot => Anatomy {
            rx: 25.0,
            ry: 20.0,
            head: At(0.0, -58.0),
            eyes: At(0.0, -60.0),
            mouth: At(0.0, -49.0),
            gap: 10.0,
            eye: 0.92,
            torso_rx: 16.0,
            torso_ry: 15.0,
            torso: At(0.0, -23.0),
            neck: At(0.0, -36.0),
            neck_w: 12.5,
            shoulders: [At(-16.0, -31.0), At(16.0, -31.0)],
            hands: [At(-23.5, -17.0), At(23.5, -17.0)],
            top: -90.0,
        },
        Kind::Dragon => {
            Anatomy { rx: 25.5, ry: 22.5, eyes: At(0.0, -59.0), mouth: At(0.0, -45.5), top: -90.0, ..furry }
        }
        Kind::Frog => Anatomy {
            head: At(0.0, -52.0),
            rx: 29.0,
            ry: 19.0,
            eyes: At(0.0, -69.0),
            gap: 16.0,
            mouth: At(0.0, -46.0),
            eye: 0.98,
            neck: At(0.0, -35.5),
            top: -81.0,
            ..furry
        },
        Kind::Blob => Anatomy {
            head: At(0.0, -38.0),
            rx: 31.0,
            ry: 34.0,
            eyes: At(0.0, -43.0),
            gap: 12.5,
            eye: 1.1,
            mouth: At(0.0, -31.5),
            torso: At(0.0, -36.0),
            torso_rx: 31.0,
            torso_ry: 34.0,
            neck: At(0.0, -20.0),
            neck_w: 31.0,
            shoulders: [At(-26.0, -26.0), At(26.0, -26.0)],
            hands: [At(-33.5, -17.0), At(33.5, -17.0)],
            top: -73.0,
        },
        Kind::Ghost => Anatomy {
            head: At(0.0, -56.0),
            rx: 26.5,
            ry: 27.0,
            eyes: At(0.0, -57.0),
            gap: 11.0,
            eye: 1.05,
            mouth: At(0.0, -46.0),
            torso: At(0.0, -42.0),
            torso_rx: 26.5,
            torso_ry: 40.0,
            neck: At(0.0, -34.0),
            neck_w: 26.5,
            shoulders: [At(-24.0, -35.0), At(24.0, -35.0)],
            hands: [At(-32.0, -29.0), At(32.0, -29.0)],
            top: -84.0,
        },
        Kind::Bird => Anatomy {
            head: At(0.0, -44.0),
            rx: 28.0,
            ry: 32.0,
            eyes: At(0.0, -53.0),
            gap: 12.0,
            eye: 1.05,
            mouth: At(0.0, -44.5),
            torso: At(0.0, -38.0),
            torso_rx: 28.0,
            torso_ry: 34.0,
            neck: At(0.0, -31.0),
            neck_w: 28.0,
            shoulders: [At(-24.5, -36.0), At(24.5, -36.0)],
            hands: [At(-33.0, -22.0), At(33.0, -22.0)],
            top: -82.0,
        },
        Kind::Octopus => Anatomy {
            head: At(0.0, -52.0),
            rx: 28.5,
            ry: 29.0,
            eyes: At(0.0, -49.0),
            gap: 12.0,
            eye: 1.08,
            mouth: At(0.0, -38.0),
            torso: At(0.0, -46.0),
            torso_rx: 28.5,
            torso_ry: 30.0,
            neck: At(0.0, -29.5),
            neck_w: 23.0,
            shoulders: [At(-20.0, -30.0), At(20.0, -30.0)],
            hands: [At(-35.0, -23.0), At(35.0, -23.0)],
            top: -83.0,
        },
    }
}
