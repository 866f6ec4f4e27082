//! Named embeddings: vectors from a file that stand in a window like tokens.

use std::sync::Arc;

/// The vectors of one named embedding, for one text encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    /// The name it was asked for by.
    pub name: String,
    /// How many vectors it has; each takes one slot of a window.
    pub rows: usize,
    /// How wide a vector is: 768 for `clip_l`, 1280 for `clip_g`.
    pub dim: usize,
    /// The vectors, one after another: `rows` times `dim` numbers.
    pub values: Vec<f32>,
}

impl Embedding {
    /// One of the vectors, if there is such a row.
    #[must_use]
    pub fn row(&self, row: usize) -> Option<&[f32]> {
        let start = row.checked_mul(self.dim)?;
        self.values.get(start..start.checked_add(self.dim)?)
    }
}

/// Where embeddings come from. The caller chooses the vectors that fit the tokenizer's key and
/// width: a file for SDXL holds one set for each encoder.
pub trait Embeddings {
    /// The embedding of that name, or nothing: then the prompt goes on without it.
    fn find(&self, name: &str) -> Option<Arc<Embedding>>;
}

/// No embeddings at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEmbeddings;

impl Embeddings for NoEmbeddings {
    fn find(&self, _name: &str) -> Option<Arc<Embedding>> {
        None
    }
}

/// One piece of a weighted segment: text for the vocabulary, or the words after `embedding:`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    /// Everything after `embedding:` up to the next one: the name, then whatever follows it.
    Named(&'a str),
}

const MARK: &str = "embedding:";

/// Cuts a segment where `embedding:` stands at its start or after whitespace; that one whitespace
/// character goes with the cut. A mark without a name is text.
pub(crate) fn pieces(segment: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = segment;
    loop {
        let body = rest.strip_prefix(MARK);
        let skipped = rest.len() - body.unwrap_or(rest).len();
        let (end, after) = next_mark(rest, skipped).unwrap_or((rest.len(), rest.len()));
        let text = rest.get(..end).unwrap_or_default();
        match text.strip_prefix(MARK) {
            Some(named) if !named.trim().is_empty() => found.push(Piece::Named(named)),
            _ if !text.is_empty() => found.push(Piece::Text(text)),
            _ => {}
        }
        if after == rest.len() {
            return found;
        }
        rest = rest.get(after..).unwrap_or_default();
    }
}

/// The next mark that has whitespace before it, searched from `from` on: where the whitespace
/// starts and where the mark starts.
fn next_mark(text: &str, from: usize) -> Option<(usize, usize)> {
    text.get(from..)?.match_indices(MARK).find_map(|(at, _)| {
        let mark = from + at;
        let before = text.get(..mark)?.chars().next_back()?;
        before.is_whitespace().then(|| (mark - before.len_utf8(), mark))
    })
}

/// The words after `embedding:` as a name and the text that follows it, words joined by a space.
pub(crate) fn name_and_rest(named: &str) -> (&str, String) {
    let mut words = named.split_whitespace();
    let name = words.next().unwrap_or_default();
    (name, words.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_embedding_is_named_at_the_start_or_after_whitespace() {
        assert_eq!(pieces(""), []);
        assert_eq!(pieces("a cat"), [Piece::Text("a cat")]);
        assert_eq!(pieces("embedding:x"), [Piece::Named("x")]);
        assert_eq!(pieces("a embedding:x b"), [Piece::Text("a"), Piece::Named("x b")]);
        assert_eq!(
            pieces("embedding:x\nembedding:y\tembedding:z,"),
            [Piece::Named("x"), Piece::Named("y"), Piece::Named("z,")]
        );
        assert_eq!(pieces("aembedding:x"), [Piece::Text("aembedding:x")]);
        assert_eq!(pieces("embedding:embedding:x"), [Piece::Named("embedding:x")]);
        assert_eq!(pieces(" embedding:x"), [Piece::Named("x")]);
        assert_eq!(pieces("猫\u{3000}embedding:x"), [Piece::Text("猫"), Piece::Named("x")]);
    }

    #[test]
    fn a_mark_without_a_name_is_text() {
        assert_eq!(pieces("embedding:"), [Piece::Text("embedding:")]);
        assert_eq!(pieces("a embedding: "), [Piece::Text("a"), Piece::Text("embedding: ")]);
        assert_eq!(pieces("embedding: embedding:x"), [Piece::Text("embedding:"), Piece::Named("x")]);
    }

    #[test]
    fn the_first_word_is_the_name() {
        assert_eq!(name_and_rest("x, a  cat"), ("x,", "a cat".to_owned()));
        assert_eq!(name_and_rest(" x"), ("x", String::new()));
    }

    #[test]
    fn rows_are_cut_from_the_values() {
        let two = Embedding { name: "x".into(), rows: 2, dim: 2, values: vec![1.0, 2.0, 3.0, 4.0] };
        assert_eq!(two.row(1), Some(&[3.0, 4.0][..]));
        assert_eq!(two.row(2), None);
        assert_eq!(two.row(usize::MAX), None);
    }
}
