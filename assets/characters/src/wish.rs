//! Traits asked for by name, the rest left to chance.

use crate::rng::Rng;
use crate::split::Split;
use crate::traits::{FIELDS, TRAITS, Traits};

/// The numbers asked for, by the order of [`FIELDS`]: none where chance decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish(pub [Option<u8>; TRAITS]);

/// What cannot be granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    /// No trait of that name.
    #[error("there is no trait `{0}`: there are {names}", names = names())]
    Trait(String),
    /// No value of that name.
    #[error("`{word}` is no value of `{name}`: it can be {words}", words = words(name))]
    Value {
        /// The trait.
        name: &'static str,
        /// What was asked.
        word: String,
    },
    /// The wish breaks a rule.
    #[error("no character is like that: {0}")]
    Never(&'static str),
}

fn names() -> String {
    FIELDS.map(|(name, _)| name).join(", ")
}

fn words(of: &str) -> String {
    FIELDS.iter().find(|(name, _)| *name == of).map_or(String::new(), |(_, words)| words.join(", "))
}

/// The place of a trait in [`FIELDS`].
pub fn field(name: &str) -> Result<usize, WishError> {
    let wanted = name.trim().to_lowercase().replace([' ', '_'], "-").replace("colour", "color");
    FIELDS.iter().position(|(name, _)| *name == wanted).ok_or_else(|| WishError::Trait(name.to_owned()))
}

impl Wish {
    /// Asks for a value, by the words for the trait and for it.
    pub fn ask(&mut self, name: &str, word: &str) -> Result<(), WishError> {
        let place = field(name)?;
        let (name, words) = FIELDS[place];
        let wanted = word.trim().to_lowercase().replace(['-', '_'], " ");
        let index = words
            .iter()
            .position(|word| *word == wanted)
            .ok_or_else(|| WishError::Value { name, word: word.to_owned() })?;
        self.0[place] = Some(index as u8);
        Ok(())
    }

    /// A character that has what was asked for, within a part of all characters.
    pub fn granted(&self, seed: u64, split: Split) -> Result<Traits, WishError> {
        if self.0.iter().all(Option::is_none) {
            return Ok(Traits::of_seed_in(seed, split));
        }
        let mut rng = Rng::of(seed, "traits");
        let mut why = "training keeps that combination out, or shows it always: ask for another part";
        // So many tries meet every rule where it can be met at all.
        for _ in 0..20_000 {
            let mut indices = Traits::draw(&mut rng).indices();
            for (index, asked) in indices.iter_mut().zip(self.0) {
                *index = asked.unwrap_or(*index);
            }
            let Some(traits) = Traits::of_indices(indices) else { continue };
            match traits.problem() {
                Some(problem) => why = problem,
                None if split == Split::All || traits.held_out() == (split == Split::HeldOut) => {
                    return Ok(traits);
                }
                None => {}
            }
        }
        Err(WishError::Never(why))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
mod tests {
    use super::*;
    use crate::traits::{Headgear, Kind};

    #[test]
    fn wishes_are_granted_or_refused_with_a_reason() {
        let mut wish = Wish::default();
        wish.ask("kind", "cat").unwrap();
        wish.ask("headgear", "wizard-hat").unwrap();
        for seed in 0..50 {
            let traits = wish.granted(seed, Split::All).unwrap();
            assert_eq!((traits.kind, traits.headgear), (Kind::Cat, Headgear::WizardHat));
            assert_eq!(traits.problem(), None);
        }
        assert!(wish.ask("kind", "boat").unwrap_err().to_string().contains("octopus"));
        assert!(wish.ask("wheels", "four").unwrap_err().to_string().contains("headgear-color"));
        let mut never = Wish::default();
        never.ask("kind", "ghost").unwrap();
        never.ask("pose", "sitting").unwrap();
        assert!(never.granted(1, Split::All).unwrap_err().to_string().contains("do not sit"));
    }
}
