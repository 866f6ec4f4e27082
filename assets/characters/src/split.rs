//! Which characters a model never sees in training, so that new combinations can be asked of it.

use crate::rng::{Rng, mix};
use crate::traits::{Color, Headgear, Kind, Traits};

/// Whole pairs that training never shows: a model that draws one of these has put it together itself.
pub const UNSEEN_COLOR_HEADGEAR: [(Color, Headgear); 3] = [
    (Color::Green, Headgear::Crown),
    (Color::Purple, Headgear::PartyHat),
    (Color::Orange, Headgear::Headphones),
];

/// More such pairs.
pub const UNSEEN_KIND_HEADGEAR: [(Kind, Headgear); 2] =
    [(Kind::Robot, Headgear::WizardHat), (Kind::Octopus, Headgear::TopHat)];

/// More such pairs.
pub const UNSEEN_KIND_COLOR: [(Kind, Color); 2] = [(Kind::Frog, Color::Pink), (Kind::Ghost, Color::Teal)];

/// Which part of all characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Those a model learns from.
    Train,
    /// Those kept from it.
    HeldOut,
    /// Both.
    All,
}

impl Split {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::HeldOut => "held-out",
            Self::All => "all",
        }
    }
}

impl Traits {
    /// Whether training never shows this combination of kind, colour, headgear and accessory: one in twenty, and
    /// every character of the unseen pairs.
    pub fn held_out(&self) -> bool {
        let combination =
            [self.kind.index(), self.color.index(), self.headgear.index(), self.accessory.index()];
        UNSEEN_COLOR_HEADGEAR.contains(&(self.color, self.headgear))
            || UNSEEN_KIND_HEADGEAR.contains(&(self.kind, self.headgear))
            || UNSEEN_KIND_COLOR.contains(&(self.kind, self.color))
            || combination.iter().fold(0x4B69_6C6E, |hash, &part| mix(hash ^ u64::from(part))) % 20 == 0
    }

    /// The character of a seed within a part: the first one of the seed's own stream that belongs to it.
    pub fn of_seed_in(seed: u64, split: Split) -> Self {
        let mut rng = Rng::of(seed, "traits");
        loop {
            let traits = Self::draw(&mut rng);
            // One draw in ten is held out, so this ends soon whatever is asked for.
            if split == Split::All || traits.held_out() == (split == Split::HeldOut) {
                return traits;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_kept_apart_and_of_the_promised_size() {
        let held = (0..20_000).filter(|&seed| Traits::of_seed(seed).held_out()).count();
        assert!((1600..3000).contains(&held), "{held} of 20000");
        for seed in 0..500 {
            assert!(!Traits::of_seed_in(seed, Split::Train).held_out());
            assert!(Traits::of_seed_in(seed, Split::HeldOut).held_out());
            assert_eq!(Traits::of_seed_in(seed, Split::All), Traits::of_seed(seed));
        }
    }
}
