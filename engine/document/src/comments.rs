//! Comments, kept beside the graph and keyed by the path of the entry they belong to.
//!
//! A comment belongs to the entry it stands before, or to the one whose line it ends; what stands at the end of
//! a map belongs to the map. A blank line before a node is kept too, since people group nodes that way.

use std::collections::BTreeMap;

/// The comments of one graph.
///
/// Each is kept with its `//` or `/* */`; an empty one is a blank line. Blank lines do not count for equality.
#[derive(Clone, Debug, Default)]
pub struct Comments(BTreeMap<String, Notes>);

/// The comments of one entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// On the lines before the entry.
    pub before: Vec<String>,
    /// At the end of the entry's line.
    pub after: Vec<String>,
    /// At the end of the entry's value, before its closing bracket.
    pub inside: Vec<String>,
}

impl Notes {
    /// Whether there is no comment in it, not even a blank line.
    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty() && self.inside.is_empty()
    }

    /// Puts a comment at the end of the line, or before the entry if the line is ended by one already.
    pub(crate) fn push_after(&mut self, comment: String) {
        if self.after.last().is_some_and(|last| last.starts_with("//")) {
            self.before.push(comment);
        } else {
            self.after.push(comment);
        }
    }

    fn says(&self) -> impl Iterator<Item = (u8, &String)> {
        let tag = |tag: u8| move |comment| (tag, comment);
        let all = self.before.iter().map(tag(0)).chain(self.after.iter().map(tag(1)));
        all.chain(self.inside.iter().map(tag(2))).filter(|(_, comment)| !comment.is_empty())
    }
}

impl Comments {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The comments of the entry at a path; the graph's own are at the empty path.
    pub fn get(&self, path: &str) -> Option<&Notes> {
        self.0.get(path)
    }

    /// The comments at and below a path, by path.
    pub fn under<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a Notes)> + 'a {
        let from = self.0.range::<str, _>((std::ops::Bound::Included(path), std::ops::Bound::Unbounded));
        from.take_while(move |(key, _)| key.starts_with(path))
            .filter(move |(key, _)| is_within(key, path))
            .map(|(key, notes)| (key.as_str(), notes))
    }

    /// Sets the comments of an entry; empty ones remove them. Lines without `//` are given it when written.
    pub fn set(&mut self, path: impl Into<String>, notes: Notes) {
        let path = path.into();
        if notes.is_empty() {
            self.0.remove(&path);
        } else {
            self.0.insert(path, notes);
        }
    }

    /// Adds to the comments of an entry.
    pub(crate) fn add(&mut self, path: String, notes: Notes) {
        let all = self.0.entry(path).or_default();
        all.before.extend(notes.before);
        all.after.extend(notes.after);
        all.inside.extend(notes.inside);
    }

    /// Whether the value at `path` cannot stand on one line, because there is a comment within it.
    pub(crate) fn any_below(&self, path: &str) -> bool {
        let from = self.0.range::<str, _>((std::ops::Bound::Included(path), std::ops::Bound::Unbounded));
        from.take_while(|(key, _)| key.starts_with(path)).any(|(key, notes)| {
            is_within(key, path)
                && if key == path { !notes.inside.is_empty() } else { notes.says().next().is_some() }
        })
    }

    /// Moves all comments at and below `old` to `new`.
    pub(crate) fn rename(&mut self, old: &str, new: &str) {
        let moved: Vec<String> = self.0.keys().filter(|key| is_within(key, old)).cloned().collect();
        for key in moved {
            if let Some(notes) = self.0.remove(&key) {
                self.0.insert(format!("{new}{}", &key[old.len()..]), notes);
            }
        }
    }

    /// Drops all comments at and below `path`.
    pub(crate) fn remove(&mut self, path: &str) {
        self.0.retain(|key, _| !is_within(key, path));
    }
}

fn is_within(key: &str, path: &str) -> bool {
    key.strip_prefix(path).is_some_and(|rest| {
        rest.is_empty() || path.is_empty() || rest.starts_with('.') || rest.starts_with('[')
    })
}

impl PartialEq for Comments {
    fn eq(&self, other: &Self) -> bool {
        let said = |comments: &Self| -> Vec<(String, u8, String)> {
            let all = comments.0.iter();
            all.flat_map(|(path, notes)| notes.says().map(|(tag, text)| (path.clone(), tag, text.clone())))
                .collect()
        };
        (self.is_empty() && other.is_empty()) || said(self) == said(other)
    }
}

/// A comment as it can safely be written: itself if it is one, else with `//` before each of its lines.
pub(crate) fn clean(comment: &str) -> std::borrow::Cow<'_, str> {
    let one_line = !comment.contains(['\n', '\r']);
    if (comment.starts_with("//") && one_line) || comment.is_empty() || is_block(comment) {
        return comment.into();
    }
    let lines: Vec<String> = comment.lines().map(|line| format!("// {}", line.replace('\r', " "))).collect();
    lines.join("\n").into()
}

/// Whether the text is one block comment, nested ones closed, and nothing else.
fn is_block(comment: &str) -> bool {
    crate::syntax::block_comment_len(comment) == Some(comment.len()) && !comment.contains('\r')
}
