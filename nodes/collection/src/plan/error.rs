//! What can be wrong with a plan, in words for the person who wrote it.

/// Why a plan cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The text is not a plan.
    #[error("line {line}, column {column}: {what}\n    {excerpt}")]
    Text {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong there.
        what: String,
        /// The line itself.
        excerpt: String,
    },
    /// A table cannot be read.
    #[error("the table, line {line}: {what}")]
    Table {
        /// The line, from 1.
        line: u64,
        /// What is wrong there.
        what: String,
    },
    /// What is written makes no sense.
    #[error("{}{field}: {what}", line.map_or_else(String::new, |line| format!("line {line}, ")))]
    Wrong {
        /// The line, where it is known.
        line: Option<usize>,
        /// Which field, in the plan's own words.
        field: String,
        /// What is wrong with it, and what to do.
        what: String,
    },
    /// More than this program takes on.
    #[error("the plan has {found} {what}, and at most {most} are taken")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: u64,
        /// How many are taken.
        most: u64,
    },
}

impl PlanError {
    /// A trait or rule that is wrong, without a line.
    pub(crate) fn wrong(field: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Wrong { line: None, field: field.into(), what: what.into() }
    }

    /// The line, where one is known.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Text { line, .. } => Some(*line),
            Self::Table { line, .. } => usize::try_from(*line).ok(),
            Self::Wrong { line, .. } => *line,
            Self::TooMany { .. } => None,
        }
    }
}
