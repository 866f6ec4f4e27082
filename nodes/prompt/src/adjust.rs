//! An editor's help: the weight of what is selected, up or down a step (Ctrl and an arrow key).

use std::ops::Range;

use crate::weights::{parenthesis, weight_of};

/// One step of the keys.
pub const WEIGHT_STEP: f64 = 0.05;

/// Changes the weight of the selection (bytes of the text) by `delta`, and returns the new text and
/// the new selection: the words without their parentheses, ready for the next step.
///
/// With nothing selected, the group around the cursor is changed, or the word there. What is in no
/// group of its own gets parentheses with a weight; parentheses that no longer change anything
/// go. A selection that would tear a pair of parentheses apart changes nothing.
#[must_use]
pub fn adjust_weight(text: &str, selection: Range<usize>, delta: f64) -> (String, Range<usize>) {
    let start = text.floor_char_boundary(selection.start.min(selection.end));
    let end = text.ceil_char_boundary(selection.start.max(selection.end).min(text.len()));
    let unchanged = || (text.to_owned(), start..end);
    let groups = groups(text);
    let Some(target) = target(text, &groups, start..end) else { return unchanged() };
    let around = around(text, &groups, &target.whole);
    let before = match target.group {
        true => weight_of(text, &target.whole, around).1,
        false => around,
    };
    let after = rounded(before + delta);
    if !after.is_finite() {
        return unchanged();
    }
    let words = text.get(target.words.clone()).unwrap_or_default();
    // Written without parentheses it would count this much.
    #[allow(clippy::float_cmp, reason = "both are rounded to the same places")]
    let needless = after == rounded(around);
    let (open, close) = if needless { ("", String::new()) } else { ("(", format!(":{after})")) };
    let head = text.get(..target.whole.start).unwrap_or_default();
    let tail = text.get(target.whole.end..).unwrap_or_default();
    let from = head.len() + open.len();
    (format!("{head}{open}{words}{close}{tail}"), from..from + words.len())
}

/// What a step changes.
struct Target {
    /// All of it: with its parentheses and weight, if it has some.
    whole: Range<usize>,
    /// Its words alone.
    words: Range<usize>,
    /// Whether it is a group already.
    group: bool,
}

impl Target {
    fn group(text: &str, whole: &Range<usize>) -> Self {
        Self { whole: whole.clone(), words: weight_of(text, whole, 1.0).0, group: true }
    }
}

fn target(text: &str, groups: &[Range<usize>], selection: Range<usize>) -> Option<Target> {
    let found = if selection.is_empty() {
        at_cursor(text, groups, selection.start)?
    } else {
        selected(text, groups, selection)?
    };
    (!found.words.is_empty()).then_some(found)
}

/// The innermost group that the cursor is in, the word at the cursor, or the group it touches.
fn at_cursor(text: &str, groups: &[Range<usize>], cursor: usize) -> Option<Target> {
    let shortest = |is_it: &dyn Fn(&Range<usize>) -> bool| {
        groups.iter().filter(|group| is_it(group)).min_by_key(|group| group.len())
    };
    if let Some(group) = shortest(&|group| group.start < cursor && cursor < group.end) {
        return Some(Target::group(text, group));
    }
    let (before, after) = text.split_at_checked(cursor)?;
    let start = before.rfind(ends_word).map_or(0, |at| at + before.get(at..).map_or(1, first_length));
    let end = cursor + after.find(ends_word).unwrap_or(after.len());
    if start < end {
        return selected(text, groups, start..end);
    }
    let group = shortest(&|group| group.start == cursor || group.end == cursor)?;
    Some(Target::group(text, group))
}

fn first_length(text: &str) -> usize {
    text.chars().next().map_or(1, char::len_utf8)
}

/// Whether a character stands between words. Hyphens, underscores and apostrophes are in them.
fn ends_word(letter: char) -> bool {
    letter.is_whitespace() || ".,;:!?()[]{}<>|\\/\"*+=~^%，。、；：！？（）「」".contains(letter)
}

fn selected(text: &str, groups: &[Range<usize>], selection: Range<usize>) -> Option<Target> {
    let words = trimmed(text, selection);
    if let Some(group) = groups.iter().find(|&group| *group == words) {
        return Some(Target::group(text, group));
    }
    let inside = groups.iter().find(|group| trimmed(text, weight_of(text, group, 1.0).0) == words);
    if let Some(group) = inside {
        return Some(Target::group(text, group));
    }
    let words = with_backslashes(text.as_bytes(), words);
    let torn = |group: &Range<usize>| {
        let starts = words.contains(&group.start);
        let ends = words.contains(&(group.end - 1));
        let around = !starts && group.start < words.start && words.end <= group.end;
        let into_weight = around && words.end > weight_of(text, group, 1.0).0.end;
        starts != ends || into_weight
    };
    // Parentheses without a partner are none of the groups.
    let loose = (words.clone()).filter(|&at| parenthesis(text.as_bytes(), at).is_some()).count();
    let whole = groups.iter().filter(|group| words.contains(&group.start)).count();
    if groups.iter().any(torn) || loose != 2 * whole {
        return None;
    }
    Some(Target { whole: words.clone(), words, group: false })
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = text.get(range.clone()).unwrap_or_default();
    let start = range.start + (part.len() - part.trim_start().len());
    start..start + part.trim().len()
}

/// Takes in backslashes that a parenthesis put there would be escaped by, and the escaped
/// parenthesis whose backslash is selected.
fn with_backslashes(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let Range { mut start, mut end } = range;
    while start > 0 && bytes.get(start - 1) == Some(&b'\\') {
        start -= 1;
    }
    if start < end && bytes.get(end - 1) == Some(&b'\\') && matches!(bytes.get(end), Some(b'(' | b')')) {
        end += 1;
    }
    start..end
}

/// All pairs of parentheses, in the order in which they close.
fn groups(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut open = Vec::new();
    let mut found = Vec::new();
    for at in 0..bytes.len() {
        match parenthesis(bytes, at) {
            Some(b'(') => open.push(at),
            Some(_) => found.extend(open.pop().map(|start| start..at + 1)),
            None => {}
        }
    }
    found
}

/// What a text counts at that place, by the groups around it.
fn around(text: &str, groups: &[Range<usize>], place: &Range<usize>) -> f64 {
    // Those that close later lie further out.
    let outer = groups
        .iter()
        .rev()
        .filter(|&group| *group != *place && group.start <= place.start && place.end <= group.end);
    outer.fold(1.0, |weight, group| weight_of(text, group, weight).1)
}

fn rounded(weight: f64) -> f64 {
    let places = 1e4;
    (weight * places).round() / places
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with `[` and `]` around the selection, or one `|` for a cursor.
    fn step(marked: &str, delta: f64) -> String {
        let start = marked.find(['[', '|']).unwrap();
        let end = marked.find(']').map_or(start, |at| at - 1);
        let text = marked.replace(['[', ']', '|'], "");
        let (text, selection) = adjust_weight(&text, start..end, delta);
        format!("{}[{}]{}", &text[..selection.start], &text[selection.clone()], &text[selection.end..])
    }

    #[test]
    fn a_selection_gets_a_weight() {
        assert_eq!(step("a [red fox] runs", 0.05), "a ([red fox]:1.05) runs");
        assert_eq!(step("a [red fox ]runs", -0.05), "a ([red fox]:0.95) runs");
        assert_eq!(step("[猫]", 0.05), "([猫]:1.05)");
        assert_eq!(step("[a (b:2) c]", 0.05), "([a (b:2) c]:1.05)");
    }

    #[test]
    fn a_weight_goes_up_and_down_and_away() {
        assert_eq!(step("a ([fox]:1.05)", 0.05), "a ([fox]:1.1)");
        assert_eq!(step("a ([fox]:1.1)", 0.05), "a ([fox]:1.15)");
        assert_eq!(step("a ([fox]:1.05)", -0.05), "a [fox]");
        assert_eq!(step("a [(fox:0.95)]", 0.05), "a [fox]");
        assert_eq!(step("a [(fox)]", 0.05), "a ([fox]:1.15)");
        assert_eq!(step("([fox]:0.05)", -0.05), "([fox]:0)");
        assert_eq!(step("([fox]:0)", -0.05), "([fox]:-0.05)");
        assert_eq!(step("([fox]:1.333)", 0.05), "([fox]:1.383)");
    }

    #[test]
    fn every_way_up_leads_back_down() {
        let (mut text, mut selection) = ("a fox runs".to_owned(), 2..5);
        for _ in 0..100 {
            (text, selection) = adjust_weight(&text, selection, WEIGHT_STEP);
        }
        assert_eq!(text, "a (fox:6) runs");
        for _ in 0..100 {
            (text, selection) = adjust_weight(&text, selection, -WEIGHT_STEP);
        }
        assert_eq!((text.as_str(), selection), ("a fox runs", 2..5));
    }

    #[test]
    fn a_cursor_means_the_group_or_the_word() {
        assert_eq!(step("a r|ed fox", 0.05), "a ([red]:1.05) fox");
        assert_eq!(step("a red| fox", 0.05), "a ([red]:1.05) fox");
        assert_eq!(step("close-u|p, fox", 0.05), "([close-up]:1.05), fox");
        assert_eq!(step("(a r|ed fox:1.2)", 0.05), "([a red fox]:1.25)");
        assert_eq!(step("(a (r|ed) fox:1.2)", 0.05), "(a ([red]:1.37) fox:1.2)");
        assert_eq!(step("(red)|", 0.05), "([red]:1.15)");
        assert_eq!(step("|(red)", 0.05), "([red]:1.15)");
        assert_eq!(step("赤い，白|い猫。", 0.05), "赤い，([白い猫]:1.05)。");
        assert_eq!(step("a , | b", 0.05), "a , [] b");
        assert_eq!(step("|", 0.05), "[]");
        assert_eq!(step("(|)", 0.05), "([])");
    }

    #[test]
    fn inside_a_group_steps_start_from_its_weight() {
        assert_eq!(step("(a [red] fox:1.3)", 0.05), "(a ([red]:1.35) fox:1.3)");
        assert_eq!(step("(a ([red]:1.35) fox:1.3)", -0.05), "(a [red] fox:1.3)");
        assert_eq!(step("(a ([red]:1.05) fox:1.3)", -0.05), "(a ([red]:1) fox:1.3)");
        assert_eq!(step("(([red]))", 0.05), "(([red]:1.26))");
    }

    #[test]
    fn pairs_are_not_torn_apart() {
        for marked in [
            "[a (b] c)",
            "(a [b) c]",
            "a [(b]",
            "[b)] c",
            "([a:1].3)",
            "(a b:[1.3])",
            "(a [b:1.3])",
            "a [(] b",
        ] {
            assert_eq!(step(marked, 0.05), marked);
        }
    }

    #[test]
    fn escapes_are_kept_whole() {
        assert_eq!(step(r"a [\(b\)] c", 0.05), r"a ([\(b\)]:1.05) c");
        assert_eq!(step(r"a \[(b\)] c", 0.05), r"a ([\(b\)]:1.05) c");
        assert_eq!(step(r"a [\(b\]) c", 0.05), r"a ([\(b\)]:1.05) c");
        assert_eq!(step(r"a \b|c", 0.05), r"a ([\bc]:1.05)");
    }

    #[test]
    fn any_selection_is_taken() {
        let text = r"é(猫:1.2) \(🔥\) (a (b)) ) ((c";
        for start in 0..text.len() + 3 {
            for end in 0..text.len() + 3 {
                for delta in [0.05, -0.2, f64::NAN, f64::INFINITY, 1e308] {
                    let (new, selection) = adjust_weight(text, start..end, delta);
                    assert!(new.get(selection).is_some(), "{start}..{end}");
                }
            }
        }
        assert_eq!(adjust_weight("a", usize::MAX..usize::MAX, 0.05).0, "(a:1.05)");
    }

    #[test]
    fn a_megabyte_ends() {
        for part in ["(", ")", "()", "(a", "a ", "\\"] {
            let text = part.repeat((1 << 20) / part.len());
            let _ = adjust_weight(&text, 0..text.len(), 0.05);
            let _ = adjust_weight(&text, text.len() / 2..text.len() / 2, 0.05);
        }
        let nested = format!("{}a{}", "(".repeat(1 << 19), ")".repeat(1 << 19));
        let _ = adjust_weight(&nested, (1 << 19)..(1 << 19) + 1, 0.05);
    }
}
