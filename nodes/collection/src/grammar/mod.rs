//! Names and lore from a grammar: weighted alternatives, traits as context, a seed.
//!
//! ```ron
//! (
//!     start: "name",
//!     rules: {
//!         "name": [
//!             "{cap:adjective} {noun}",
//!             (text: "{title:noun} of the {place}", weight: 0.5),
//!             (text: "Their Majesty {title:noun}", when: ["Hat: Crown"]),
//!         ],
//!         "adjective": ["salty", "windy", "quiet"],
//!         "noun": ["{trait:Fur} fox", "mariner"],
//!         "place": ["harbour", "{a:adjective} sea"],
//!     },
//! )
//! ```
//!
//! - `{rule}` is one of a rule's alternatives; a plain text weighs 1.
//! - `{trait:Hat}` is the item's value of a group, `{trait:Hat|other words}` with words for items without.
//! - `{a:…}` puts "a" or "an" before, `{cap:…}` begins with a capital, `{title:…}` with one for each word, `{lower:…}`
//!   and `{upper:…}` do what they say; they can follow each other: `{cap:a:adjective}`.
//! - `when` names traits that an item has to have (all of them), `unless` traits it may not have (any of them), written
//!   as in a plan's rules. `{{` and `}}` are braces.
//!
//! The same grammar, seed, number and traits give the same text for ever. A grammar in which a rule can never come to
//! an end is refused when it is read; one that can go on for long is led to its shortest end.

mod english;
mod expand;
mod read;

pub use english::{capitalised, title_cased, with_article};
pub use expand::{MOST_DEPTH, Names};

use indexmap::IndexMap;

/// A grammar that can be asked for texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Grammar {
    start: String,
    rules: IndexMap<String, Vec<Alternative>>,
}

/// One of a rule's texts.
#[derive(Debug, Clone, PartialEq)]
struct Alternative {
    parts: Vec<Part>,
    weight: f64,
    when: Vec<Condition>,
    unless: Vec<Condition>,
    /// How deep the shortest expansion is.
    depth: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Rule { name: String, forms: Vec<Form> },
    Trait { group: String, otherwise: Option<String>, forms: Vec<Form> },
}

/// What is done to a text before it is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Article,
    Capital,
    Title,
    Lower,
    Upper,
}

/// A trait as a condition names it.
#[derive(Debug, Clone, PartialEq)]
struct Condition {
    group: String,
    values: Vec<String>,
}

/// Why a grammar cannot be read or gives no text.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GrammarError {
    /// The text is no grammar.
    #[error(transparent)]
    Text(#[from] crate::plan::PlanError),
    /// An alternative is written wrongly.
    #[error("rule `{rule}`, alternative {}: {what}", alternative + 1)]
    Alternative {
        /// Which rule.
        rule: String,
        /// Which of its alternatives, from 0.
        alternative: usize,
        /// What is wrong.
        what: String,
    },
    /// A rule without alternatives, or one that does not exist.
    #[error("rule `{rule}`: {what}")]
    Rule {
        /// Which rule.
        rule: String,
        /// What is wrong.
        what: String,
    },
    /// No alternative's conditions fit.
    #[error(
        "rule `{rule}`: none of its alternatives fits this item; give it one without `when` and `unless`"
    )]
    NothingFits {
        /// Which rule.
        rule: String,
    },
    /// A trait the item does not have.
    #[error(
        "rule `{rule}`: the item has no `{group}`; write `{{trait:{group}|other words}}`, or ask with `when: [\"{group}: *\"]`"
    )]
    NoTrait {
        /// Which rule.
        rule: String,
        /// Which group.
        group: String,
    },
    /// Rules within rules without end.
    #[error(
        "rules lead to each other more than {MOST_DEPTH} deep: {path}; give one of them an alternative that ends"
    )]
    TooDeep {
        /// The last rules on the way.
        path: String,
    },
    /// More text than anybody wants.
    #[error("rule `{rule}`: the text grows beyond {most} letters")]
    TooLong {
        /// Which rule.
        rule: String,
        /// The most letters.
        most: usize,
    },
    /// No new text was found.
    #[error(
        "text {number}: {tries} tries gave nothing that was not there before; the grammar has too few alternatives for so \
         many distinct texts"
    )]
    NothingNew {
        /// Which text, from 1.
        number: usize,
        /// How often it was tried.
        tries: u64,
    },
}

impl Grammar {
    /// Reads a grammar.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn from_ron(text: &str) -> Result<Self, GrammarError> {
        read::read(text)
    }

    /// The rule that texts begin with, where none is named.
    #[must_use]
    pub fn start(&self) -> &str {
        &self.start
    }

    /// The names of its rules.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.rules.keys().map(String::as_str)
    }

    /// The groups whose traits it names, so that they can be held against a plan.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.rules.values().flatten().flat_map(|alternative| {
            let named = alternative.parts.iter().filter_map(|part| match part {
                Part::Trait { group, .. } => Some(group.as_str()),
                _ => None,
            });
            named.chain(alternative.when.iter().chain(&alternative.unless).map(|c| c.group.as_str()))
        })
    }
}
