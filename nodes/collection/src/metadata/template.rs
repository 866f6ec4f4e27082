//! Names and descriptions with places to fill: `{name} #{number}`, `a fox in a {trait:Coat|plain fur}`.

use crate::words;

/// A text with places to fill.
///
/// - `{name}` the collection's name, `{number}` the token's number, `{number:4}` with at least four digits, `{total}` how
///   many there are, `{tier}` the tier's name;
/// - `{trait:Hat}` the value of a group, `{trait:Hat|no hat}` with words for those that have none;
/// - `{{` and `}}` are braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Name,
    Number(usize),
    Total,
    Tier(Option<String>),
    Other { name: String, digits: usize, otherwise: Option<String> },
    Trait { group: String, otherwise: Option<String> },
}

/// What a template is filled with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// The collection's name.
    pub name: &'a str,
    /// The token's number.
    pub number: u64,
    /// How many tokens there are.
    pub total: u64,
    /// The tier's name.
    pub tier: Option<&'a str>,
    /// The traits: group and value.
    pub traits: &'a [(&'a str, &'a str)],
    /// Further places by name, those that [`Template::parse_with`] allows.
    pub others: &'a [(&'a str, &'a str)],
}

/// The places every template has.
pub const PLACES: [&str; 5] = ["name", "number", "total", "tier", "trait"];

/// Why a template cannot be read or filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace that is not closed, or not opened.
    #[error("character {at}: a `{brace}` without its other half; write `{brace}{brace}` for a brace")]
    Brace {
        /// Where, in characters from 1.
        at: usize,
        /// Which.
        brace: char,
    },
    /// A place that nothing fills.
    #[error("character {at}: `{{{place}}}` is no place to fill{hint}")]
    Place {
        /// Where, in characters from 1.
        at: usize,
        /// What stands there.
        place: String,
        /// What could be meant.
        hint: String,
    },
    /// A trait the token does not have.
    #[error("the token has no `{group}`; write `{{trait:{group}|other words}}` for those without{hint}")]
    NoTrait {
        /// Which group.
        group: String,
        /// What could be meant.
        hint: String,
    },
    /// A tier the token does not have.
    #[error("the token belongs to no tier; write `{{tier|other words}}` for those")]
    NoTier,
    /// A further place that has no words here.
    #[error("`{{{place}}}` has no value here; write `{{{place}|other words}}`, or link what gives it")]
    NoValue {
        /// Which place.
        place: String,
    },
    /// Digits without end.
    #[error("character {at}: `{{number:…}}` takes 1 to 20 digits")]
    Digits {
        /// Where, in characters from 1.
        at: usize,
    },
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// A brace without its other half, or a place that nothing fills.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::parse_with(text, &[])
    }

    /// Reads a template that has further places, by name; `{rank:4}` has digits too.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub fn parse_with(text: &str, others: &[&str]) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut letters = text.chars().enumerate().peekable();
        while let Some((at, letter)) = letters.next() {
            let doubled = letters.peek().is_some_and(|(_, next)| *next == letter);
            match letter {
                '{' | '}' if doubled => {
                    letters.next();
                    plain.push(letter);
                }
                '{' => {
                    let mut place = String::new();
                    loop {
                        match letters.next() {
                            Some((_, '}')) => break,
                            Some((_, '{')) | None => {
                                return Err(TemplateError::Brace { at: at + 1, brace: '{' });
                            }
                            Some((_, letter)) => place.push(letter),
                        }
                    }
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    parts.push(read_place(&place, at + 1, others)?);
                }
                '}' => return Err(TemplateError::Brace { at: at + 1, brace: '}' }),
                other => plain.push(other),
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self(parts))
    }

    /// The groups whose values it names.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Trait { group, .. } => Some(group.as_str()),
            _ => None,
        })
    }

    /// Fills it.
    ///
    /// # Errors
    /// The token lacks a trait or tier, and the template has no other words.
    pub fn fill(&self, with: &Context<'_>) -> Result<String, TemplateError> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Name => text.push_str(with.name),
                Part::Number(digits) => text.push_str(&format!("{:0digits$}", with.number)),
                Part::Total => text.push_str(&with.total.to_string()),
                Part::Tier(otherwise) => {
                    text.push_str(with.tier.or(otherwise.as_deref()).ok_or(TemplateError::NoTier)?);
                }
                Part::Other { name, digits, otherwise } => {
                    let own = with.others.iter().find(|(known, _)| known == name).map(|(_, words)| *words);
                    let own = own.filter(|words| !words.is_empty());
                    let Some(words) = own.or(otherwise.as_deref()) else {
                        return Err(TemplateError::NoValue { place: name.clone() });
                    };
                    match words.parse::<u64>() {
                        Ok(number) if *digits > 0 => text.push_str(&format!("{number:0digits$}")),
                        _ => text.push_str(words),
                    }
                }
                Part::Trait { group, otherwise } => {
                    let own = with.traits.iter().find(|(name, _)| name == group).map(|(_, value)| *value);
                    let Some(words) = own.or(otherwise.as_deref()) else {
                        let hint = words::did_you_mean(group, with.traits.iter().map(|(name, _)| *name));
                        return Err(TemplateError::NoTrait { group: group.clone(), hint });
                    };
                    text.push_str(words);
                }
            }
        }
        Ok(text)
    }
}

fn read_place(place: &str, at: usize, others: &[&str]) -> Result<Part, TemplateError> {
    let (what, otherwise) = match place.split_once('|') {
        Some((what, otherwise)) => (what, Some(otherwise.to_owned())),
        None => (place, None),
    };
    let (what, detail) = match what.split_once(':') {
        Some((what, detail)) => (what.trim(), Some(detail.trim())),
        None => (what.trim(), None),
    };
    match (what, detail, otherwise) {
        ("name", None, None) => Ok(Part::Name),
        ("total", None, None) => Ok(Part::Total),
        ("number", None, None) => Ok(Part::Number(0)),
        ("number", Some(digits), None) => match digits.parse() {
            Ok(digits @ 1..=20) => Ok(Part::Number(digits)),
            _ => Err(TemplateError::Digits { at }),
        },
        ("tier", None, otherwise) => Ok(Part::Tier(otherwise)),
        ("trait", Some(group), otherwise) if !group.is_empty() => {
            Ok(Part::Trait { group: group.to_owned(), otherwise })
        }
        (name, digits, otherwise) if others.contains(&name) => {
            let digits = match digits.map(str::parse) {
                None => 0,
                Some(Ok(digits @ 1..=20)) => digits,
                Some(_) => return Err(TemplateError::Digits { at }),
            };
            Ok(Part::Other { name: name.to_owned(), digits, otherwise })
        }
        _ => {
            let near = words::did_you_mean(what, PLACES.iter().chain(others).copied());
            let hint = match what {
                "trait" => "; name the group: `{trait:Hat}`".to_owned(),
                _ if near.is_empty() => {
                    "; there are {name}, {number}, {number:4}, {total}, {tier} and {trait:Group}".to_owned()
                }
                _ => near,
            };
            Err(TemplateError::Place { at, place: place.to_owned(), hint })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> Result<String, TemplateError> {
        let traits = [("Hat", "Crown"), ("Eyes", "Green")];
        let with = Context { name: "Foxes", number: 7, total: 2000, traits: &traits, ..Context::default() };
        Template::parse(text)?.fill(&with)
    }

    #[test]
    fn places_are_filled() {
        assert_eq!(fill("{name} #{number}").unwrap(), "Foxes #7");
        assert_eq!(fill("{number:4}/{total}").unwrap(), "0007/2000");
        assert_eq!(fill("{trait:Hat}, {trait: Coat | bare}").unwrap(), "Crown,  bare");
        assert_eq!(fill("{{{trait:Eyes}}} {tier|common}").unwrap(), "{Green} common");
        assert_eq!(fill("").unwrap(), "");
        let template = Template::parse("{trait:Hat} {trait:Coat}").unwrap();
        assert_eq!(template.groups().collect::<Vec<_>>(), ["Hat", "Coat"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let told = |text: &str| fill(text).unwrap_err().to_string();
        assert_eq!(told("{nmae}"), "character 1: `{nmae}` is no place to fill; did you mean `name`?");
        assert!(told("a {").starts_with("character 3: a `{` without its other half"));
        assert!(told("a } b").starts_with("character 3: a `}` without"));
        assert!(told("{a{b}}").starts_with("character 1"));
        assert!(told("{trait}").contains("name the group"));
        assert!(told("{number:99}").contains("1 to 20 digits"));
        assert_eq!(
            told("{trait:Hatt}"),
            "the token has no `Hatt`; write `{trait:Hatt|other words}` for those without; did you mean `Hat`?"
        );
        assert!(told("{tier}").contains("no tier"));
        assert!(told("{zzz}").contains("there are {name}"));
    }
}
