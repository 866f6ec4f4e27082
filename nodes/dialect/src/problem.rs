//! What a person reads of a translation: what stopped it, and what is worth knowing.

use std::fmt;

/// One thing that keeps a workflow from becoming a graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DialectProblem {
    /// The file.
    pub file: String,
    /// Line and column in it, from 1.
    pub place: Option<(usize, usize)>,
    /// The node's id in the workflow.
    pub node: Option<String>,
    /// The node's class.
    pub class: Option<String>,
    /// The input, as the workflow calls it.
    pub input: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for DialectProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        f.write_str(": error")?;
        if let Some(node) = &self.node {
            write!(f, " in {node}")?;
            if let Some(input) = &self.input {
                write!(f, ".{input}")?;
            }
            if let Some(class) = &self.class {
                write!(f, " ({class})")?;
            }
        }
        write!(f, ": {}", self.what)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n    {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for DialectProblem {}

/// Something worth knowing of a translation: what was left out, or is not quite the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The node's name in the graph; none when it concerns the whole workflow.
    pub node: Option<String>,
    /// What there is to know.
    pub what: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => write!(f, "{node}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// A stranger's word, short enough for a message.
pub(crate) fn short(word: &str) -> String {
    const LONGEST: usize = 60;
    let line = word.replace(['\n', '\r'], " ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// The lines of a text, to find the place of a byte in it or at its end.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<u32>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at as u32 + 1);
        Self { text, starts: std::iter::once(0).chain(breaks).collect() }
    }

    /// Line and column, in characters, from 1.
    pub(crate) fn place(&self, at: u32) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0) as usize;
        let column = self.text.get(start..at as usize).map_or(0, |before| before.chars().count());
        (line, column + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters() {
        let lines = Lines::new("ab\nüx\n");
        assert_eq!(lines.place(0), (1, 1));
        assert_eq!(lines.place(2), (1, 3));
        assert_eq!(lines.place(5), (2, 2));
        assert_eq!(lines.place(7), (3, 1));
    }

    #[test]
    fn a_problem_says_where() {
        let problem = DialectProblem {
            file: "x.json".into(),
            place: Some((3, 4)),
            node: Some("57:8".into()),
            class: Some("KSampler".into()),
            input: Some("steps".into()),
            what: "it is wrong".into(),
            hint: Some("mend it".into()),
        };
        assert_eq!(
            problem.to_string(),
            "x.json:3:4: error in 57:8.steps (KSampler): it is wrong\n    mend it"
        );
    }
}
