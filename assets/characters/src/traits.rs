//! What a character can be: one enum per trait, with the words captions use.

use crate::rng::Rng;

/// Makes an enum of a trait: its values, and their words.
macro_rules! values {
    ($(#[$doc:meta])* $name:ident, $label:literal, { $($value:ident $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = $word] $value,)* }

        impl $name {
            /// The name of the trait.
            pub const NAME: &'static str = $label;
            /// Every value, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$value,)*];
            /// The words of every value, in the same order.
            pub const WORDS: &'static [&'static str] = &[$($word,)*];

            /// The word for this value: also what the command line takes.
            pub fn word(self) -> &'static str {
                Self::WORDS[self as usize]
            }

            /// The number of this value.
            pub fn index(self) -> u8 {
                self as u8
            }

            /// The value of a word.
            pub fn of(word: &str) -> Option<Self> {
                let word = word.trim().to_lowercase().replace(['-', '_'], " ");
                Self::ALL.iter().copied().find(|value| value.word() == word)
            }
        }
    };
}

values!(
    /// What kind of creature it is.
    Kind, "kind", {
    Blob "blob", Cat "cat", Bear "bear", Bunny "bunny", Robot "robot", Ghost "ghost", Bird "bird", Frog "frog",
    Dragon "dragon", Octopus "octopus",
});

values!(
    /// The colour of the body.
    Color, "color", {
    Red "red", Orange "orange", Yellow "yellow", Green "green", Teal "teal", Blue "blue", Purple "purple",
    Pink "pink", Brown "brown", White "white", Grey "grey", Black "black",
});

values!(
    /// What is drawn on the body.
    Pattern, "pattern", {
    Plain "plain", Spots "spots", Stripes "stripes", Belly "belly patch", Gradient "gradient", Stars "stars",
    Hearts "hearts", Patches "patches",
});

values!(
    /// The eyes.
    Eyes, "eyes", {
    Round "round", Dot "dot", Sparkling "sparkling", Sleepy "sleepy", Closed "closed", Single "single",
    Anime "anime", Wink "wink",
});

values!(
    /// The mouth. A bird has a beak, and only a bird.
    Mouth, "mouth", {
    Smile "smile", Open "open", Tongue "tongue", Fangs "fangs", Small "small", Cat "cat", Grin "grin",
    Frown "frown", Beak "beak",
});

values!(
    /// What it wears on its head.
    Headgear, "headgear", {
    None "none", PartyHat "party hat", Crown "crown", Beanie "beanie", TopHat "top hat", Flower "flower",
    Headphones "headphones", Bow "bow", Halo "halo", WizardHat "wizard hat", Cap "cap",
});

values!(
    /// The colour of something worn: none where nothing is worn.
    Tint, "tint", {
    None "none", Red "red", Orange "orange", Yellow "yellow", Green "green", Blue "blue", Purple "purple",
    Pink "pink", White "white", Black "black", Gold "golden",
});

values!(
    /// What else it wears or holds.
    Accessory, "accessory", {
    None "none", Scarf "scarf", BowTie "bow tie", Glasses "glasses", Balloon "balloon", Cape "cape",
    Medal "medal", Wand "wand", Heart "heart",
});

values!(
    /// Where it stands.
    Background, "background", {
    Cream "cream", SkyBlue "sky blue", Rose "pink", Mint "mint", Lavender "lavender", White "white",
    Charcoal "charcoal", Peach "peach gradient", Violet "violet gradient", Hills "hills", Night "starry night",
    Clouds "clouds", Confetti "confetti", Sea "sea", Sunset "sunset", Checker "checker", Snow "snow",
    Forest "forest",
});

values!(
    /// How it feels.
    Mood, "mood", {
    Happy "happy", Calm "calm", Surprised "surprised", Grumpy "grumpy", Shy "shy",
});

values!(
    /// How it stands.
    Pose, "pose", {
    Front "front", Leaning "leaning", Waving "waving", Sitting "sitting", Jumping "jumping",
    Left "turned left", Right "turned right",
});

values!(
    /// A manner of drawing, for teaching a model something it has not seen.
    Look, "look", {
    Usual "usual", Gold "legendary gold", Night "night", Pixel "pixel art",
});

/// How many numbers describe a character.
pub const TRAITS: usize = 12;

/// The name of each number in [`Traits::indices`], with the words of its values.
pub const FIELDS: [(&str, &[&str]); TRAITS] = [
    ("kind", Kind::WORDS),
    ("color", Color::WORDS),
    ("pattern", Pattern::WORDS),
    ("eyes", Eyes::WORDS),
    ("mouth", Mouth::WORDS),
    ("headgear", Headgear::WORDS),
    ("headgear-color", Tint::WORDS),
    ("accessory", Accessory::WORDS),
    ("accessory-color", Tint::WORDS),
    ("background", Background::WORDS),
    ("mood", Mood::WORDS),
    ("pose", Pose::WORDS),
];

/// A character, described.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Traits {
    /// What kind of creature it is.
    pub kind: Kind,
    /// The colour of its body.
    pub color: Color,
    /// What is drawn on its body.
    pub pattern: Pattern,
    /// Its eyes.
    pub eyes: Eyes,
    /// Its mouth.
    pub mouth: Mouth,
    /// What it wears on its head.
    pub headgear: Headgear,
    /// The colour of that.
    pub headgear_color: Tint,
    /// What else it wears or holds.
    pub accessory: Accessory,
    /// The colour of that.
    pub accessory_color: Tint,
    /// Where it stands.
    pub background: Background,
    /// How it feels.
    pub mood: Mood,
    /// How it stands.
    pub pose: Pose,
}

impl Traits {
    /// The numbers of the values, in the order of [`FIELDS`].
    pub fn indices(&self) -> [u8; TRAITS] {
        [
            self.kind.index(),
            self.color.index(),
            self.pattern.index(),
            self.eyes.index(),
            self.mouth.index(),
            self.headgear.index(),
            self.headgear_color.index(),
            self.accessory.index(),
            self.accessory_color.index(),
            self.background.index(),
            self.mood.index(),
            self.pose.index(),
        ]
    }

    /// The character of these numbers, if every one stands for a value.
    pub fn of_indices(indices: [u8; TRAITS]) -> Option<Self> {
        let at = |field: usize| usize::from(indices[field]);
        Some(Self {
            kind: *Kind::ALL.get(at(0))?,
            color: *Color::ALL.get(at(1))?,
            pattern: *Pattern::ALL.get(at(2))?,
            eyes: *Eyes::ALL.get(at(3))?,
            mouth: *Mouth::ALL.get(at(4))?,
            headgear: *Headgear::ALL.get(at(5))?,
            headgear_color: *Tint::ALL.get(at(6))?,
            accessory: *Accessory::ALL.get(at(7))?,
            accessory_color: *Tint::ALL.get(at(8))?,
            background: *Background::ALL.get(at(9))?,
            mood: *Mood::ALL.get(at(10))?,
            pose: *Pose::ALL.get(at(11))?,
        })
    }

    /// A character that follows from a seed: any that the rules allow.
    pub fn of_seed(seed: u64) -> Self {
        Self::draw(&mut Rng::of(seed, "traits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back() {
        for seed in 0..200 {
            let traits = Traits::of_seed(seed);
            assert_eq!(Traits::of_indices(traits.indices()), Some(traits));
        }
        assert_eq!(Traits::of_indices([99; TRAITS]), None);
    }

    #[test]
    fn words_lead_back() {
        for &pattern in Pattern::ALL {
            assert_eq!(Pattern::of(pattern.word()), Some(pattern));
        }
        assert_eq!(Headgear::of("Party-Hat"), Some(Headgear::PartyHat));
        assert_eq!(Kind::of("submarine"), None);
    }
}
