//! Whose value something is said of, and at which attempt: by which gates' questions and verdicts are filed.

use std::fmt;
use std::str::FromStr;

use crate::error::StoreError;
use crate::folder::{item_sql, unsigned};

/// Whose value it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// An item's.
    Item(u64),
    /// The run's itself: outside of a batch, or made of all items.
    Run,
    /// A window's: made of so many items.
    Window(u64),
}

impl Place {
    /// The item, if it is one's.
    #[must_use]
    pub fn item(self) -> Option<u64> {
        match self {
            Self::Item(item) => Some(item),
            _ => None,
        }
    }

    pub(crate) fn sql(self) -> Result<(i64, i64), StoreError> {
        Ok(match self {
            Self::Item(item) => (0, item_sql(item)?),
            Self::Run => (1, 0),
            Self::Window(window) => (2, item_sql(window)?),
        })
    }

    pub(crate) fn from_sql(scope: i64, number: i64) -> Self {
        match scope {
            0 => Self::Item(unsigned(number)),
            2 => Self::Window(unsigned(number)),
            _ => Self::Run,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Item(item) => write!(f, "{item}"),
            Self::Run => f.write_str("run"),
            Self::Window(window) => write!(f, "window {window}"),
        }
    }
}

impl FromStr for Place {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("run") {
            return Ok(Self::Run);
        }
        if let Some(window) = text.strip_prefix("window ") {
            return window.trim().parse().map(Self::Window).map_err(|_| ());
        }
        text.parse().map(Self::Item).map_err(|_| ())
    }
}

/// Which attempt: how often the gate's own seed was drawn, counted from 1, and before it how often those of
/// the regions around it were. `2.1` is the first attempt within the second of the region around.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(pub Vec<u32>);

impl Attempt {
    /// The first one.
    #[must_use]
    pub fn first() -> Self {
        Self(vec![1])
    }

    /// The gate's own number, from 1.
    #[must_use]
    pub fn own(&self) -> u32 {
        self.0.last().copied().unwrap_or(1)
    }

    /// As the database has it.
    pub(crate) fn read(text: &str) -> Self {
        text.parse().unwrap_or_else(|()| Self::first())
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, n) in self.0.iter().enumerate() {
            write!(f, "{}{n}", if at == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}

impl FromStr for Attempt {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        // A spreadsheet makes `1` to `1.0` at times; no region has an attempt 0.
        let text = text.trim();
        let text = text.strip_suffix(".0").unwrap_or(text);
        let parts: Vec<u32> = text
            .split('.')
            .map(str::parse)
            .collect::<Result<_, std::num::ParseIntError>>()
            .map_err(|_| ())?;
        if parts.is_empty() || parts.len() > 32 || parts.contains(&0) { Err(()) } else { Ok(Self(parts)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_attempts_come_back() {
        for place in [Place::Item(0), Place::Item(u64::MAX >> 1), Place::Run, Place::Window(3)] {
            assert_eq!(place.to_string().parse(), Ok(place));
            let (scope, number) = place.sql().unwrap();
            assert_eq!(Place::from_sql(scope, number), place);
        }
        for odd in ["", "x", "-1", "window", "window -2", "99999999999999999999999"] {
            assert_eq!(odd.parse::<Place>(), Err(()), "{odd}");
        }
        for attempt in [Attempt(vec![1]), Attempt(vec![2, 13])] {
            assert_eq!(attempt.to_string().parse(), Ok(attempt));
        }
        assert_eq!(" 3.0".parse(), Ok(Attempt(vec![3])));
        for odd in ["", "0", "1.", "1.x", "4294967296", &"1.".repeat(99)] {
            assert_eq!(odd.parse::<Attempt>(), Err(()), "{odd}");
        }
        assert!(Attempt(vec![2]) < Attempt(vec![10]));
    }
}
