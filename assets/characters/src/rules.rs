//! What goes with what, and how often: drawing traits by chance.

use crate::rng::Rng;
use crate::traits::{
    Accessory, Background, Color, Eyes, Headgear, Kind, Mood, Mouth, Pattern, Pose, Tint, Traits,
};

/// The colours things are worn in; gold belongs to crowns and their like.
pub const DYES: [Tint; 9] = [
    Tint::Red,
    Tint::Orange,
    Tint::Yellow,
    Tint::Green,
    Tint::Blue,
    Tint::Purple,
    Tint::Pink,
    Tint::White,
    Tint::Black,
];

/// The mouths a mood can have.
fn mouths(mood: Mood) -> &'static [Mouth] {
    match mood {
        Mood::Happy => &[Mouth::Smile, Mouth::Open, Mouth::Tongue, Mouth::Cat, Mouth::Grin, Mouth::Fangs],
        Mood::Calm => &[Mouth::Smile, Mouth::Small, Mouth::Cat, Mouth::Fangs],
        Mood::Surprised => &[Mouth::Open, Mouth::Small, Mouth::Fangs],
        Mood::Grumpy => &[Mouth::Frown, Mouth::Grin, Mouth::Fangs, Mouth::Small],
        Mood::Shy => &[Mouth::Smile, Mouth::Small, Mouth::Cat, Mouth::Tongue],
    }
}

/// The eyes a mood can have.
fn eyes(mood: Mood) -> &'static [Eyes] {
    match mood {
        Mood::Happy => {
            &[Eyes::Round, Eyes::Dot, Eyes::Sparkling, Eyes::Closed, Eyes::Single, Eyes::Anime, Eyes::Wink]
        }
        Mood::Calm => {
            &[Eyes::Round, Eyes::Dot, Eyes::Sleepy, Eyes::Closed, Eyes::Single, Eyes::Anime, Eyes::Wink]
        }
        Mood::Surprised => &[Eyes::Round, Eyes::Dot, Eyes::Sparkling, Eyes::Single, Eyes::Anime],
        Mood::Grumpy => &[Eyes::Round, Eyes::Dot, Eyes::Sleepy, Eyes::Single, Eyes::Anime],
        Mood::Shy => {
            &[Eyes::Round, Eyes::Dot, Eyes::Sparkling, Eyes::Sleepy, Eyes::Closed, Eyes::Single, Eyes::Anime]
        }
    }
}

/// Whether a body of this colour would be lost in front of this background.
fn lost(color: Color, background: Background) -> bool {
    use Background as B;
    match color {
        Color::Red | Color::Brown => matches!(background, B::Sunset),
        Color::Orange => matches!(background, B::Sunset | B::Peach),
        Color::Yellow => matches!(background, B::Cream),
        Color::Green => matches!(background, B::Hills | B::Forest),
        Color::Teal => matches!(background, B::Sea | B::Mint),
        Color::Blue => matches!(background, B::Sea | B::Night),
        Color::Purple => matches!(background, B::Violet | B::Night),
        Color::Pink => matches!(background, B::Rose | B::Peach),
        Color::White => {
            matches!(background, B::White | B::Cream | B::Snow | B::Clouds | B::Checker | B::Confetti)
        }
        Color::Grey => matches!(background, B::Charcoal),
        Color::Black => matches!(background, B::Charcoal | B::Night),
    }
}

/// Whether black things are lost in front of it.
fn dark(background: Background) -> bool {
    matches!(background, Background::Charcoal | Background::Night)
}

/// The colours a thing on the head can have.
pub fn headgear_tints(headgear: Headgear) -> &'static [Tint] {
    match headgear {
        Headgear::None => &[Tint::None],
        Headgear::Crown | Headgear::Halo => &[Tint::Gold],
        _ => &DYES,
    }
}

/// The colours a thing worn or held can have.
pub fn accessory_tints(accessory: Accessory) -> &'static [Tint] {
    match accessory {
        Accessory::None => &[Tint::None],
        Accessory::Medal | Accessory::Wand => &[Tint::Gold],
        _ => &DYES,
    }
}

impl Traits {
    /// What is wrong with this combination: nothing when it can be drawn well.
    pub fn problem(&self) -> Option<&'static str> {
        let clash = |tint: Tint| tint != Tint::None && tint.word() == self.color.word();
        let checks = [
            ((self.mouth == Mouth::Beak) != (self.kind == Kind::Bird), "birds, and only birds, have a beak"),
            (
                self.mouth != Mouth::Beak && !mouths(self.mood).contains(&self.mouth),
                "that mouth does not go with the mood",
            ),
            (!eyes(self.mood).contains(&self.eyes), "those eyes do not go with the mood"),
            (
                self.kind == Kind::Frog && self.eyes == Eyes::Single,
                "a frog's eyes stand on its head: it has two",
            ),
            (
                self.eyes == Eyes::Single && self.accessory == Accessory::Glasses,
                "glasses need two eyes behind them",
            ),
            (
                self.pose == Pose::Sitting && matches!(self.kind, Kind::Ghost | Kind::Octopus),
                "ghosts and octopuses do not sit",
            ),
            (
                self.accessory == Accessory::Heart && matches!(self.pose, Pose::Waving | Pose::Jumping),
                "a heart is held in both hands: none is left to wave",
            ),
            (
                !headgear_tints(self.headgear).contains(&self.headgear_color),
                "that headgear has another colour (`none` without headgear, `golden` for a crown or halo)",
            ),
            (
                !accessory_tints(self.accessory).contains(&self.accessory_color),
                "that accessory has another colour (`none` without one, `golden` for a medal or wand)",
            ),
            (clash(self.headgear_color), "headgear in the colour of the body cannot be seen"),
            (clash(self.accessory_color), "an accessory in the colour of the body cannot be seen"),
            (
                self.accessory_color == Tint::Black && dark(self.background),
                "a black accessory would be lost in front of that background",
            ),
            (lost(self.color, self.background), "the body would be lost in front of that background"),
        ];
        checks.into_iter().find(|(wrong, _)| *wrong).map(|(_, why)| why)
    }

    /// A character drawn by chance: any that the rules allow, plain things a little likelier.
    pub fn draw(rng: &mut Rng) -> Self {
        let one = |_| 1;
        let kind = rng.weighted(Kind::ALL, one_of, Kind::Blob);
        let color = rng.weighted(Color::ALL, one_of, Color::Blue);
        let pattern = rng.weighted(
            Pattern::ALL,
            |p| match p {
                Pattern::Plain => 5,
                Pattern::Belly => 3,
                _ => 2,
            },
            Pattern::Plain,
        );
        let mood = rng.weighted(
            Mood::ALL,
            |m| match m {
                Mood::Happy => 8,
                Mood::Calm => 5,
                _ => 4,
            },
            Mood::Happy,
        );
        let accessory =
            rng.weighted(Accessory::ALL, |a| if a == Accessory::None { 4 } else { 1 }, Accessory::None);
        let eyes = rng.weighted(
            eyes(mood),
            |e| match e {
                Eyes::Single if kind == Kind::Frog || accessory == Accessory::Glasses => 0,
                Eyes::Single => 1,
                _ => 2,
            },
            Eyes::Round,
        );
        let mouth =
            if kind == Kind::Bird { Mouth::Beak } else { rng.weighted(mouths(mood), one, Mouth::Small) };
        let headgear =
            rng.weighted(Headgear::ALL, |h| if h == Headgear::None { 3 } else { 1 }, Headgear::None);
        let seen = |tint: Tint| u32::from(tint.word() != color.word());
        let headgear_color = rng.weighted(headgear_tints(headgear), seen, Tint::None);
        let accessory_color = rng.weighted(accessory_tints(accessory), seen, Tint::None);
        let background = rng.weighted(
            Background::ALL,
            |b| u32::from(!(lost(color, b) || accessory_color == Tint::Black && dark(b))),
            Background::SkyBlue,
        );
        let pose = rng.weighted(
            Pose::ALL,
            |p| match p {
                Pose::Front => 3,
                Pose::Sitting if matches!(kind, Kind::Ghost | Kind::Octopus) => 0,
                Pose::Waving | Pose::Jumping if accessory == Accessory::Heart => 0,
                Pose::Left | Pose::Right => 1,
                _ => 2,
            },
            Pose::Front,
        );
        Self {
            kind,
            color,
            pattern,
            eyes,
            mouth,
            headgear,
            headgear_color,
            accessory,
            accessory_color,
            background,
            mood,
            pose,
        }
    }
}

/// Every value as likely as another.
fn one_of<T>(_: T) -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traits::FIELDS;

    #[test]
    fn what_chance_draws_keeps_the_rules_and_uses_every_value() {
        let mut seen = FIELDS.map(|(_, words)| vec![0u32; words.len()]);
        for seed in 0..20_000 {
            let traits = Traits::of_seed(seed);
            assert_eq!(traits.problem(), None, "seed {seed}: {traits:?}");
            for (counts, index) in seen.iter_mut().zip(traits.indices()) {
                counts[usize::from(index)] += 1;
            }
        }
        for ((name, words), counts) in FIELDS.iter().zip(&seen) {
            for (word, count) in words.iter().zip(counts) {
                assert!(*count > 100, "{name} {word}: {count} of 20000");
            }
        }
    }

    #[test]
    fn what_cannot_be_is_said() {
        let mut traits = Traits::of_seed(1);
        traits.kind = Kind::Bird;
        traits.mouth = Mouth::Tongue;
        assert!(traits.problem().is_some_and(|why| why.contains("beak")));
    }
}
