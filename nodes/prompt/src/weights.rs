//! Parentheses and weights: which words of a prompt count more, and which less.
//!
//! `(fox)` counts 1.1 times what stands around it, `(fox:1.3)` exactly 1.3 whatever stands around
//! it. `\(` and `\)` are plain parentheses. What is not well formed stays in the text as written.

use std::ops::Range;

/// A piece of the prompt and what it counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighted {
    /// The text, escapes resolved.
    pub text: String,
    /// What it counts; 1 is the usual.
    pub weight: f64,
}

/// Parentheses deeper than this stay in the text: nobody writes them, and 1.1 to that power is far
/// beyond any use.
pub const MOST_NESTING: usize = 64;

/// What one pair of parentheses without a number multiplies by.
const ONE_PAIR: f64 = 1.1;

/// Cuts a prompt into pieces of one weight each. Nothing is an error: see the module.
#[must_use]
pub fn parse_weights(prompt: &str) -> Vec<Weighted> {
    let bytes = prompt.as_bytes();
    let mut found = Vec::new();
    let mut waiting = vec![Step { range: 0..bytes.len(), weight: 1.0, depth: 0, inside: true }];
    while let Some(step) = waiting.pop() {
        if !step.inside {
            found.push(Weighted {
                text: unescape(prompt.get(step.range).unwrap_or_default()),
                weight: step.weight,
            });
            continue;
        }
        let first = waiting.len();
        for range in groups(bytes, step.range) {
            let plain = Step { range: range.clone(), inside: false, ..step };
            waiting.push(if step.depth < MOST_NESTING && is_group(bytes, &range) {
                let (range, weight) = weight_of(prompt, &range, step.weight);
                Step { range, weight, depth: step.depth + 1, inside: true }
            } else {
                plain
            });
        }
        // The next to be taken is the last of the list: the first group has to lie there.
        if let Some(new) = waiting.get_mut(first..) {
            new.reverse();
        }
    }
    found
}

/// A range still to be looked at.
struct Step {
    range: Range<usize>,
    weight: f64,
    depth: usize,
    /// Whether there may be groups in it; if not, it is a finished piece.
    inside: bool,
}

/// Whether the byte there is an opening or closing parenthesis that no backslash escapes.
/// A backslash right before it always does, even if that has a backslash before it too.
pub(crate) fn parenthesis(bytes: &[u8], at: usize) -> Option<u8> {
    let byte = *bytes.get(at)?;
    let escaped = at > 0 && bytes.get(at - 1) == Some(&b'\\');
    (matches!(byte, b'(' | b')') && !escaped).then_some(byte)
}

fn is_group(bytes: &[u8], range: &Range<usize>) -> bool {
    range.len() >= 2
        && parenthesis(bytes, range.start) == Some(b'(')
        && parenthesis(bytes, range.end - 1) == Some(b')')
}

/// Cuts a range into groups and the text between them, by counting parentheses: a group starts at
/// an opening one met at level 0 and ends where the level is 0 again. A closing one too many takes
/// the level below 0, and the next opening one only makes up for it. That is ComfyUI's way with
/// text that is not well formed; the rest after the last group may start with an open parenthesis.
fn groups(bytes: &[u8], range: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut level = 0_i64;
    let mut start = range.start;
    for at in range.clone() {
        match parenthesis(bytes, at) {
            Some(b'(') => {
                if level == 0 {
                    if start < at {
                        found.push(start..at);
                    }
                    start = at;
                }
                level += 1;
            }
            Some(_) => {
                level -= 1;
                if level == 0 {
                    found.push(start..at + 1);
                    start = at + 1;
                }
            }
            None => {}
        }
    }
    if start < range.end {
        found.push(start..range.end);
    }
    found
}

/// The words of a group and their weight: the number after its last colon, or 1.1 times what is around.
pub(crate) fn weight_of(prompt: &str, group: &Range<usize>, around: f64) -> (Range<usize>, f64) {
    let inside = group.start + 1..group.end - 1;
    let text = prompt.get(inside.clone()).unwrap_or_default();
    // Looked for from the end only as far as a number may reach: groups lie in groups.
    let number = text
        .rfind(|letter: char| !letter.is_whitespace() && !in_number(letter))
        .filter(|&colon| colon > 0 && text.as_bytes().get(colon) == Some(&b':'))
        .and_then(|colon| Some((colon, number(text.get(colon + 1..)?)?)));
    match number {
        Some((colon, weight)) => (inside.start..inside.start + colon, weight),
        None => (inside, around * ONE_PAIR),
    }
}

/// A weight as it may be written: what a float is in Python, whitespace around it allowed, but not
/// the words for infinity and not-a-number, nor a number too large for one.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    if text.len() > 400 || !text.chars().all(in_number) {
        return None;
    }
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    if text.match_indices('_').any(|(at, _)| !digit(at.checked_sub(1)) || !digit(Some(at + 1))) {
        return None;
    }
    let value = text.replace('_', "").parse::<f64>().ok()?;
    value.is_finite().then_some(value)
}

fn in_number(letter: char) -> bool {
    matches!(letter, '0'..='9' | '.' | '+' | '-' | 'e' | 'E' | '_')
}

fn unescape(text: &str) -> String {
    text.replace("\\(", "(").replace("\\)", ")")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(prompt: &str) -> Vec<(String, f64)> {
        parse_weights(prompt).into_iter().map(|piece| (piece.text, piece.weight)).collect()
    }

    fn plain(pieces: &[(&str, f64)]) -> Vec<(String, f64)> {
        pieces.iter().map(|&(text, weight)| (text.to_owned(), weight)).collect()
    }

    #[test]
    fn numbers_are_what_python_calls_a_float_and_finite() {
        for (text, value) in [
            ("1.3", 1.3),
            (" 0.5 ", 0.5),
            ("-1", -1.0),
            ("+2", 2.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e1", 10.0),
            ("1_0", 10.0),
            ("1_0.0_5", 10.05),
        ] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for text in [
            "", " ", "x", "1.2.3", "inf", "nan", "infinity", "1e999", "_1", "1_", "1__0", "1_.5", "1,5", "٢",
            "0x1",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_well_formed_stays() {
        assert_eq!(parsed(""), []);
        assert_eq!(parsed("()"), []);
        assert_eq!(parsed("(:1.5)"), plain(&[(":1.5", 1.1)]));
        assert_eq!(parsed("(a:inf)"), plain(&[("a:inf", 1.1)]));
        assert_eq!(parsed("a) (b) c"), plain(&[("a) (b) c", 1.0)]));
        assert_eq!(parsed("((a)"), plain(&[("(a", 1.1)]));
        assert_eq!(parsed("((a:2)"), plain(&[("(a", 2.0)]));
        assert_eq!(parsed("(a)) (b"), plain(&[("a", 1.1), (") (b", 1.0)]));
    }

    #[test]
    fn a_backslash_makes_a_parenthesis_plain() {
        assert_eq!(parsed(r"(a \(b\):1.3)"), plain(&[("a (b)", 1.3)]));
        assert_eq!(parsed(r"(a\)"), plain(&[("(a)", 1.0)]));
        assert_eq!(parsed(r"\\(a)"), plain(&[(r"\(a)", 1.0)]));
        assert_eq!(parsed(r"a\b"), plain(&[(r"a\b", 1.0)]));
    }

    #[test]
    fn pieces_keep_their_order_over_many_levels() {
        assert_eq!(
            parsed("a (b (c:2) d (e:0) f:0.5) g (h)"),
            plain(&[
                ("a ", 1.0),
                ("b ", 0.5),
                ("c", 2.0),
                (" d ", 0.5),
                ("e", 0.0),
                (" f", 0.5),
                (" g ", 1.0),
                ("h", 1.1),
            ])
        );
    }

    #[test]
    fn too_deep_a_nesting_stays_in_the_text() {
        let deep = MOST_NESTING + 3;
        let text = format!("{}a{}", "(".repeat(deep), ")".repeat(deep));
        let pieces = parse_weights(&text);
        assert_eq!(pieces.len(), 1);
        assert_eq!(pieces[0].text, "(((a)))");
        assert!(pieces[0].weight > 400.0);
    }
}
