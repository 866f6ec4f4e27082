//! Words for a character: short and tag-like, or a sentence; some traits left out.

use crate::rng::Rng;
use crate::traits::{Accessory, Background, Eyes, Headgear, Look, Mood, Mouth, Pattern, Pose, Tint, Traits};

/// No caption is longer, in bytes.
pub const LONGEST: usize = 254;

/// A pattern, after a name: `spots`.
fn pattern(value: Pattern) -> Option<&'static str> {
    Some(match value {
        Pattern::Plain => return None,
        Pattern::Spots => "spots",
        Pattern::Stripes => "stripes",
        Pattern::Belly => "a belly patch",
        Pattern::Gradient => "a color gradient",
        Pattern::Stars => "stars",
        Pattern::Hearts => "hearts",
        Pattern::Patches => "patches",
    })
}

/// The eyes, after "with".
fn eyes(value: Eyes) -> &'static str {
    match value {
        Eyes::Round => "round eyes",
        Eyes::Dot => "dot eyes",
        Eyes::Sparkling => "sparkling eyes",
        Eyes::Sleepy => "sleepy eyes",
        Eyes::Closed => "closed eyes",
        Eyes::Single => "a single eye",
        Eyes::Anime => "anime eyes",
        Eyes::Wink => "a wink",
    }
}

/// The mouth, after "with".
fn mouth(value: Mouth) -> &'static str {
    match value {
        Mouth::Smile => "a smile",
        Mouth::Open => "an open mouth",
        Mouth::Tongue => "its tongue out",
        Mouth::Fangs => "fangs",
        Mouth::Small => "a small mouth",
        Mouth::Cat => "a cat mouth",
        Mouth::Grin => "a grin",
        Mouth::Frown => "a frown",
        Mouth::Beak => "a beak",
    }
}

/// The background, after the character.
fn background(value: Background) -> &'static str {
    match value {
        Background::Cream => "on a cream background",
        Background::SkyBlue => "on a sky blue background",
        Background::Rose => "on a pink background",
        Background::Mint => "on a mint background",
        Background::Lavender => "on a lavender background",
        Background::White => "on a white background",
        Background::Charcoal => "on a charcoal background",
        Background::Peach => "on a peach gradient background",
        Background::Violet => "on a violet gradient background",
        Background::Hills => "in front of green hills",
        Background::Night => "under a starry night sky",
        Background::Clouds => "in front of clouds",
        Background::Confetti => "among confetti",
        Background::Sea => "by the sea",
        Background::Sunset => "at sunset",
        Background::Checker => "on a checker background",
        Background::Snow => "in the snow",
        Background::Forest => "in a forest",
    }
}

/// The pose, as a word for what it does.
fn pose(value: Pose) -> Option<&'static str> {
    match value {
        Pose::Front => None,
        other => Some(other.word()),
    }
}

/// A thing with its colour: `red party hat`.
fn thing(tint: Tint, word: &str) -> String {
    if tint == Tint::None { word.to_owned() } else { format!("{} {word}", tint.word()) }
}

/// What is worn on the head, with its colour.
fn headgear(traits: &Traits) -> Option<String> {
    (traits.headgear != Headgear::None).then(|| thing(traits.headgear_color, traits.headgear.word()))
}

/// What is worn or held, with its colour.
fn accessory(traits: &Traits) -> Option<String> {
    let word = match traits.accessory {
        Accessory::None => return None,
        Accessory::Wand => "magic wand",
        other => other.word(),
    };
    Some(thing(traits.accessory_color, word))
}

/// `a`, or `an` before a vowel; nothing before something that comes in twos.
fn article(words: &str) -> String {
    if words.ends_with("headphones") || words.ends_with("glasses") {
        return words.to_owned();
    }
    let article = if words.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {words}")
}

/// Whether it is held in the hand rather than worn.
fn held(value: Accessory) -> bool {
    matches!(value, Accessory::Balloon | Accessory::Wand | Accessory::Heart)
}

/// "a, b and c".
fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Which traits a caption speaks of.
#[derive(Clone, Copy)]
struct Told {
    pattern: bool,
    eyes: bool,
    mouth: bool,
    headgear: bool,
    accessory: bool,
    background: bool,
    mood: bool,
    pose: bool,
}

impl Told {
    const ALL: Self = Self {
        pattern: true,
        eyes: true,
        mouth: true,
        headgear: true,
        accessory: true,
        background: true,
        mood: true,
        pose: true,
    };

    /// Most, by chance: one in four captions tells everything.
    fn some(rng: &mut Rng) -> Self {
        if rng.chance(0.25) {
            return Self::ALL;
        }
        Self {
            pattern: rng.chance(0.8),
            eyes: rng.chance(0.6),
            mouth: rng.chance(0.5),
            headgear: rng.chance(0.92),
            accessory: rng.chance(0.9),
            background: rng.chance(0.75),
            mood: rng.chance(0.7),
            pose: rng.chance(0.75),
        }
    }
}

/// Every trait, always in the same order: what a test asks a model for.
pub fn canonical(traits: &Traits) -> String {
    sentence(traits, Told::ALL, 0)
}

/// One of many ways to say it, chosen by the seed; about one in four says everything.
pub fn caption(traits: &Traits, seed: u64) -> String {
    let mut rng = Rng::of(seed, "caption");
    let told = Told::some(&mut rng);
    if rng.chance(0.35) { tags(traits, told, &mut rng) } else { sentence(traits, told, 1 + rng.below(4)) }
}

/// A caption that begins with the words of a look.
pub fn caption_in(traits: &Traits, look: Look, seed: u64) -> String {
    let said = caption(traits, seed);
    let mut said = match look {
        Look::Usual => said,
        Look::Night => format!("night look, {said}"),
        other => format!("{} look, {said}", other.word()),
    };
    if said.len() > LONGEST {
        // Words are ASCII, and a comma or space is never far: cut at one.
        said.truncate(LONGEST);
        if let Some(end) = said.rfind(' ') {
            said.truncate(end);
        }
    }
    said
}

/// "blue cat, spots, red party hat, happy, waving, green hills".
fn tags(traits: &Traits, told: Told, rng: &mut Rng) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut add = |wanted: bool, part: Option<String>| {
        if wanted {
            parts.extend(part);
        }
    };
    add(told.pattern, pattern(traits.pattern).map(bare));
    add(told.eyes, Some(bare(eyes(traits.eyes))));
    add(told.mouth, Some(bare(mouth(traits.mouth))));
    add(told.headgear, headgear(traits));
    add(told.accessory, accessory(traits));
    add(told.mood, Some(traits.mood.word().to_owned()));
    add(told.pose, pose(traits.pose).map(str::to_owned));
    add(told.background, Some(bare(background(traits.background))));
    // Any order, the creature first.
    for last in (1..parts.len()).rev() {
        parts.swap(last, rng.below(last + 1));
    }
    parts.insert(0, format!("{} {}", traits.color.word(), traits.kind.word()));
    parts.join(", ")
}

/// Without the little words in front.
fn bare(words: &str) -> String {
    let mut left = words;
    for little in
        ["in front of ", "under ", "among ", "by the ", "at ", "in the ", "in ", "on ", "its ", "an ", "a "]
    {
        left = left.strip_prefix(little).unwrap_or(left);
    }
    left.to_owned()
}

/// "A happy blue cat with spots, wearing a red party hat, waving in front of green hills".
fn sentence(traits: &Traits, told: Told, form: usize) -> String {
    let mood = if told.mood { Some(traits.mood) } else { None };
    let place = told.background.then(|| background(traits.background));
    let doing = if told.pose { pose(traits.pose) } else { None };
    let name = format!("{} {}", traits.color.word(), traits.kind.word());
    let with: Vec<String> = [
        told.pattern.then(|| pattern(traits.pattern)).flatten().map(str::to_owned),
        told.eyes.then(|| eyes(traits.eyes).to_owned()),
        told.mouth.then(|| mouth(traits.mouth).to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let head = if told.headgear { headgear(traits).map(|words| article(&words)) } else { None };
    let other = if told.accessory { accessory(traits).map(|words| article(&words)) } else { None };
    let in_hand = held(traits.accessory);
    let mut worn: Vec<String> = head.into_iter().collect();
    let mut holding = None;
    match other {
        Some(words) if in_hand => holding = Some(words),
        Some(words) => worn.push(words),
        None => {}
    }
    let adjective = |mood: Option<Mood>| mood.map_or(String::new(), |mood| format!("{} ", mood.word()));
    match form {
        // A happy blue cat with spots and round eyes, wearing a hat, holding a balloon, waving, on a ...
        0 | 1 => {
            let mut said = article(&format!("{}{name}", adjective(mood)));
            if !with.is_empty() {
                said += &format!(" with {}", list(&with));
            }
            if !worn.is_empty() {
                said += &format!(", wearing {}", list(&worn));
            }
            if let Some(thing) = holding {
                said += &format!(", holding {thing}");
            }
            if let Some(doing) = doing {
                said += &format!(", {doing}");
            }
            if let Some(place) = place {
                said += &format!(", {place}");
            }
            said
        }
        // a blue cat in a red party hat, with spots; it looks happy
        2 => {
            let mut said = article(&name);
            if !worn.is_empty() {
                said += &format!(" in {}", list(&worn));
            }
            if let Some(doing) = doing {
                said += &format!(" {doing}");
            }
            if let Some(place) = place {
                said += &format!(" {place}");
            }
            if let Some(thing) = holding {
                said += &format!(", holding {thing}");
            }
            if !with.is_empty() {
                said += &format!(", with {}", list(&with));
            }
            if let Some(mood) = mood {
                said += &format!(", looking {}", mood.word());
            }
            said
        }
        // on a mint background, a waving happy blue cat with ...
        3 => {
            let mut said = place.map_or(String::new(), |place| format!("{place}, "));
            said += &article(&format!("{}{name}", adjective(mood)));
            if let Some(doing) = doing {
                said += &format!(" {doing}");
            }
            if let Some(thing) = holding {
                said += &format!(" holding {thing}");
            }
            let mut all = with;
            all.extend(worn);
            if !all.is_empty() {
                said += &format!(" with {}", list(&all));
            }
            said
        }
        // cute picture of a happy blue cat wearing ...
        _ => {
            let mut said = format!("a cute {name}");
            if let Some(mood) = mood {
                said += &format!(" feeling {}", mood.word());
            }
            if !worn.is_empty() {
                said += &format!(", wearing {}", list(&worn));
            }
            if !with.is_empty() {
                said += &format!(", with {}", list(&with));
            }
            if let Some(thing) = holding {
                said += &format!(", holding {thing}");
            }
            let end: Vec<&str> = [doing, place].into_iter().flatten().collect();
            if !end.is_empty() {
                said += &format!(", {}", end.join(" "));
            }
            said
        }
    }
}
