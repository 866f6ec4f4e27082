//! From a rule to a text.

use super::english;
use super::{Alternative, Condition, Form, Grammar, GrammarError, Part};
use crate::chance::Chance;
use std::collections::BTreeSet;

/// How deep rules may lead to each other.
pub const MOST_DEPTH: usize = 100;
/// From here on the shortest way to an end is taken.
const TURN_BACK: usize = 24;
/// The longest text.
const MOST_LETTERS: usize = 100_000;
/// How often a new text is looked for.
const TRIES: u64 = 1000;

impl Grammar {
    /// The text of a number: a rule's expansion for an item with these traits.
    ///
    /// # Errors
    /// There is no such rule, nothing fits the item, or the text has no end.
    pub fn text(
        &self,
        rule: &str,
        seed: u64,
        number: u64,
        traits: &[(&str, &str)],
    ) -> Result<String, GrammarError> {
        self.attempt(rule, seed, number, 0, traits)
    }

    fn attempt(
        &self,
        rule: &str,
        seed: u64,
        number: u64,
        attempt: u64,
        traits: &[(&str, &str)],
    ) -> Result<String, GrammarError> {
        let label =
            if attempt == 0 { format!("grammar {rule}") } else { format!("grammar {rule} try {attempt}") };
        let mut run = Run {
            grammar: self,
            traits,
            chance: Chance::indexed(seed, &label, number),
            path: Vec::new(),
            parts: 0,
        };
        run.rule(rule)
    }
}

struct Run<'a> {
    grammar: &'a Grammar,
    traits: &'a [(&'a str, &'a str)],
    chance: Chance,
    path: Vec<String>,
    /// Parts put together so far; bounds texts that grow without growing longer.
    parts: usize,
}

impl Run<'_> {
    fn rule(&mut self, name: &str) -> Result<String, GrammarError> {
        if self.path.len() >= MOST_DEPTH {
            let last: Vec<String> =
                self.path.iter().rev().take(4).rev().map(|rule| format!("`{rule}`")).collect();
            return Err(GrammarError::TooDeep { path: last.join(" → ") });
        }
        let Some(alternatives) = self.grammar.rules.get(name) else {
            let near = crate::words::did_you_mean(name, self.grammar.rules());
            return Err(GrammarError::Rule {
                rule: name.to_owned(),
                what: format!("there is none of this name{near}"),
            });
        };
        let chosen = self.choose(name, alternatives)?;
        self.path.push(name.to_owned());
        let mut text = String::new();
        for part in &chosen.parts {
            self.parts += 1;
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Rule { name, forms } => text.push_str(&formed(self.rule(name)?, forms)),
                Part::Trait { group, otherwise, forms } => {
                    let own = self.traits.iter().find(|(known, _)| known == group).map(|(_, value)| *value);
                    let Some(words) = own.or(otherwise.as_deref()) else {
                        return Err(GrammarError::NoTrait { rule: name.to_owned(), group: group.clone() });
                    };
                    text.push_str(&formed(words.to_owned(), forms));
                }
            }
            if text.len() > MOST_LETTERS || self.parts > MOST_LETTERS {
                return Err(GrammarError::TooLong { rule: name.to_owned(), most: MOST_LETTERS });
            }
        }
        self.path.pop();
        Ok(text)
    }

    /// One of the alternatives that fit, by weight.
    fn choose<'b>(&mut self, rule: &str, all: &'b [Alternative]) -> Result<&'b Alternative, GrammarError> {
        let traits = self.traits;
        let fits = |alternative: &&Alternative| {
            alternative.weight > 0.0
                && alternative.when.iter().all(|condition| condition.holds(traits))
                && !alternative.unless.iter().any(|condition| condition.holds(traits))
        };
        let mut open: Vec<&Alternative> = all.iter().filter(fits).collect();
        if self.path.len() >= TURN_BACK {
            let least = open.iter().map(|alternative| alternative.depth).min();
            open.retain(|alternative| Some(alternative.depth) == least);
        }
        // Scaled, so that no sum overflows.
        let largest = open.iter().fold(0.0f64, |most, alternative| most.max(alternative.weight));
        let total: f64 = open.iter().map(|alternative| alternative.weight / largest).sum();
        let mut at = self.chance.unit() * total;
        for alternative in &open {
            at -= alternative.weight / largest;
            if at < 0.0 {
                return Ok(alternative);
            }
        }
        open.last().copied().ok_or_else(|| GrammarError::NothingFits { rule: rule.to_owned() })
    }
}

impl Condition {
    fn holds(&self, traits: &[(&str, &str)]) -> bool {
        let own = traits.iter().find(|(group, _)| *group == self.group).map(|(_, value)| *value);
        self.values.iter().any(|wanted| match wanted.as_str() {
            "*" => own.is_some(),
            "none" => own.is_none(),
            wanted => own == Some(wanted),
        })
    }
}

/// The form that stands next to the text is put on first: `{cap:a:animal}` is "An otter".
fn formed(text: String, forms: &[Form]) -> String {
    forms.iter().rev().fold(text, |text, form| match form {
        Form::Article => english::with_article(&text),
        Form::Capital => english::capitalised(&text),
        Form::Title => english::title_cased(&text),
        Form::Lower => text.to_lowercase(),
        Form::Upper => text.to_uppercase(),
    })
}

/// Texts of which no two are alike, capitals aside.
///
/// Text number n is the n-th *new* one: where the grammar gives one that was there already, it is asked again with
/// another number of tries. So the list depends on its order, and is the same whenever it is made in the same order.
#[derive(Debug, Clone)]
pub struct Names<'a> {
    grammar: &'a Grammar,
    rule: String,
    seed: u64,
    seen: BTreeSet<String>,
}

impl<'a> Names<'a> {
    /// Begins a list.
    #[must_use]
    pub fn new(grammar: &'a Grammar, rule: &str, seed: u64) -> Self {
        Self { grammar, rule: rule.to_owned(), seed, seen: BTreeSet::new() }
    }

    /// Keeps a text from coming up: a name that is taken.
    pub fn reserve(&mut self, text: &str) {
        self.seen.insert(text.to_lowercase());
    }

    /// The next text, for an item with these traits.
    ///
    /// # Errors
    /// The grammar gives none, or nothing new.
    pub fn next(&mut self, number: u64, traits: &[(&str, &str)]) -> Result<String, GrammarError> {
        for attempt in 0..TRIES {
            let text = self.grammar.attempt(&self.rule, self.seed, number, attempt, traits)?;
            if self.seen.insert(text.to_lowercase()) {
                return Ok(text);
            }
        }
        Err(GrammarError::NothingNew { number: self.seen.len() + 1, tries: TRIES })
    }

    /// The first `count` distinct texts of a rule, for items without traits.
    ///
    /// # Errors
    /// The grammar does not give so many.
    pub fn first(
        grammar: &'a Grammar,
        rule: &str,
        seed: u64,
        count: u64,
    ) -> Result<Vec<String>, GrammarError> {
        let mut names = Self::new(grammar, rule, seed);
        (0..count).map(|number| names.next(number, &[])).collect()
    }
}
