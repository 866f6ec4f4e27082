//! Plans as `.ron` text: reading with lines and hints, and writing.

use super::valid::{self, Lines, MOST_TEXT, Part};
use super::{Plan, PlanError};
use crate::words;
use ::ron::extensions::Extensions;
use ::ron::{Error as RonError, Options};
use serde::{Deserialize, Deserializer, de};

/// How plans are written: `chance: 0.5` rather than `chance: Some(0.5)`, and no deeper than a plan can be.
fn options() -> Options {
    Options::default().with_default_extension(Extensions::IMPLICIT_SOME).with_recursion_limit(32)
}

/// Reads any of this crate's `.ron` files.
pub(crate) fn parse<T: de::DeserializeOwned>(text: &str) -> Result<T, PlanError> {
    if text.len() > MOST_TEXT {
        return Err(PlanError::TooMany {
            what: "bytes of text",
            found: text.len() as u64,
            most: MOST_TEXT as u64,
        });
    }
    options().from_str(text).map_err(|error| {
        let (line, column) = (error.span.start.line, error.span.start.col);
        PlanError::Text { line, column, what: explain(&error.code), excerpt: excerpt(text, line) }
    })
}

pub(super) fn read(text: &str) -> Result<Plan, PlanError> {
    let plan: Plan = parse(text)?;
    valid::check(&plan, &Text(text))?;
    Ok(plan)
}

pub(super) fn write(plan: &Plan) -> String {
    let pretty = ::ron::ser::PrettyConfig::new().depth_limit(4);
    // Every field of a plan can be written; an empty text would be a bug that the tests of this file find.
    let mut text = options().to_string_pretty(plan, pretty).unwrap_or_default();
    text.push('\n');
    text
}

/// The words of ron's errors that people meet, with what to do.
fn explain(error: &RonError) -> String {
    match error {
        RonError::NoSuchStructField { expected, found, .. } => {
            let near = words::did_you_mean(found, expected.iter().copied());
            format!("there is no field `{found}` here{near}{}", known("; the fields are ", expected, &near))
        }
        RonError::NoSuchEnumVariant { expected, found, .. } => {
            let near = words::did_you_mean(found, expected.iter().copied());
            format!("there is no rule `{found}`{near}{}", known("; there are ", expected, &near))
        }
        RonError::MissingStructField { field, .. } => format!("the field `{field}` is missing"),
        RonError::DuplicateStructField { field, .. } => format!("the field `{field}` stands here twice"),
        RonError::ExceededRecursionLimit => "brackets are nested deeper than a plan ever is".to_owned(),
        RonError::ExpectedString => "a text in \"quotes\" is expected".to_owned(),
        RonError::ExpectedInteger | RonError::InvalidIntegerDigit { .. } => {
            "a whole number is expected".to_owned()
        }
        RonError::IntegerOutOfBounds => "the number is too large, or negative where none can be".to_owned(),
        RonError::ExpectedFloat => "a number is expected".to_owned(),
        RonError::Message(what) => what.clone(),
        other => {
            let text = other.to_string();
            let mut letters = text.chars();
            letters
                .next()
                .map_or_else(String::new, |first| format!("{}{}", first.to_lowercase(), letters.as_str()))
        }
    }
}

fn known(lead: &str, names: &[&str], near: &str) -> String {
    if near.is_empty() { format!("{lead}{}", words::list(names)) } else { String::new() }
}

fn excerpt(text: &str, line: usize) -> String {
    text.lines()
        .nth(line.saturating_sub(1))
        .map_or_else(String::new, |l| l.trim().chars().take(120).collect())
}

/// Finds lines by looking for names in the text.
struct Text<'a>(&'a str);

impl Text<'_> {
    /// Where `"name"` stands, from a place on.
    fn quoted(&self, name: &str, from: usize) -> Option<usize> {
        let needle = format!("\"{name}\"");
        self.0.get(from..)?.find(&needle).map(|at| from + at)
    }

    fn group(&self, plan: &Plan, group: usize) -> Option<usize> {
        // Each name is looked for behind the one before it, so that values of the same name do not mislead.
        let mut at = self.0.find("groups")?;
        for known in plan.groups.iter().take(group + 1) {
            at = self.quoted(&known.name, at + 1)?;
        }
        Some(at)
    }
}

impl Lines for Text<'_> {
    fn line(&self, plan: &Plan, part: Part, detail: &str) -> Option<usize> {
        let at = match part {
            Part::Group(group) => self.group(plan, group)?,
            Part::Value(group, value) => {
                let mut at = self.group(plan, group)?;
                let values = &plan.groups[group].values;
                // A name that stands twice is found at its second place.
                for known in values.iter().take(value).filter(|known| known.name == values[value].name) {
                    at = self.quoted(&known.name, at + 1)?;
                }
                self.quoted(&values[value].name, at + 1)?
            }
            Part::Rule(_) | Part::Tier => {
                let start = if matches!(part, Part::Rule(_)) { "rules" } else { "tiers" };
                let from = self.0.find(start)?;
                if detail.is_empty() { from } else { from + self.0.get(from..)?.find(detail)? }
            }
        };
        Some(self.0.get(..at)?.matches('\n').count() + 1)
    }
}

/// A weight: checked while reading, so that the error knows its line.
pub(super) fn weight<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    within(from, "weight", 0.0..=f64::MAX, "is a number of at least 0")
}

/// A share of a hundred.
pub(super) fn percent<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    within(from, "percent", 0.0..=100.0, "lies between 0 and 100")
}

/// How strongly something shows.
pub(super) fn opacity<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    within(from, "opacity", 0.0..=1.0, "lies between 0 and 1")
}

/// A share of one.
pub(super) fn share<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    within(from, "chance", 0.0..=1.0, "lies between 0 and 1")
}

/// Any number that is one.
pub(super) fn finite<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let n = f64::deserialize(from)?;
    if n.is_finite() {
        Ok(n)
    } else {
        Err(de::Error::custom("`strength` is a number, neither NaN nor infinite"))
    }
}

fn within<'de, D: Deserializer<'de>>(
    from: D,
    field: &str,
    range: std::ops::RangeInclusive<f64>,
    what: &str,
) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(from)? {
        Some(n) if !range.contains(&n) => Err(de::Error::custom(format!("`{field}` {what}, not {n}"))),
        other => Ok(other),
    }
}
