//! Choices and comments: what an editor resolves in a prompt before it is sent.
//!
//! `{red|green|blue}` becomes one of the three, choices may hold choices, `\{`, `\|` and `\}` are
//! plain characters. `// to the line's end` and `/* from here to there */` go. A brace that is
//! never closed ends with the text. The tokenizer does none of this: to it, braces are text.

use std::ops::Range;

/// The prompt with its comments gone and its choices made.
///
/// The same text and seed always give the same prompt. A choice depends on the seed and on its
/// place (the third choice of the text, the first inside that option), not on what the others hold.
#[must_use]
pub fn dynamic(text: &str, seed: u64) -> String {
    let text = without_comments(text);
    let blocks = Blocks::of(&text);
    let bytes = text.as_bytes();
    let mut made = String::with_capacity(text.len());
    // Ranges still to be written, the next one last, each with the state that numbers its choices.
    let mut waiting = vec![(0..bytes.len(), Numbers { key: mix(seed), met: 0 })];
    while let Some((range, mut numbers)) = waiting.pop() {
        let mut at = range.start;
        while at < range.end {
            let stop = |byte: &u8| matches!(byte, b'\\' | b'{');
            let plain = bytes.get(at..range.end).and_then(|rest| rest.iter().position(stop));
            let end = plain.map_or(range.end, |plain| at + plain);
            made.push_str(text.get(at..end).unwrap_or_default());
            if end == range.end {
                break;
            }
            if bytes.get(end) == Some(&b'\\') {
                let resolved = end + 1 < range.end && matches!(bytes.get(end + 1), Some(b'{' | b'|' | b'}'));
                let shown =
                    if resolved { end + 1..end + 2 } else { end..after_escape(bytes, end).min(range.end) };
                at = after_escape(bytes, end);
                made.push_str(text.get(shown).unwrap_or_default());
                continue;
            }
            let key = numbers.next();
            let Some(block) = blocks.starting_at(end) else { break };
            if block.end < range.end {
                waiting.push((block.end + 1..range.end, numbers));
            }
            waiting.push((block.option(key), Numbers { key: mix(key), met: 0 }));
            break;
        }
    }
    made
}

/// Where the text goes on after a backslash: the character after it stands for itself.
/// A character of several bytes needs no skipping, as none of its bytes has a meaning here.
fn after_escape(bytes: &[u8], backslash: usize) -> usize {
    match bytes.get(backslash + 1) {
        Some(byte) if byte.is_ascii() => backslash + 2,
        _ => backslash + 1,
    }
}

/// Numbers the choices of one option, or of the whole text.
struct Numbers {
    key: u64,
    met: u64,
}

impl Numbers {
    fn next(&mut self) -> u64 {
        self.met += 1;
        mix(self.key.wrapping_add(self.met))
    }
}

/// SplitMix64: spreads neighbouring numbers over all of them.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// All the choices of a text, found in one pass.
struct Blocks {
    /// In the order in which they start.
    blocks: Vec<Block>,
}

struct Block {
    start: usize,
    /// Where the options begin and, last, where the closing brace or the text's end is, plus one.
    cuts: Vec<usize>,
    end: usize,
}

impl Block {
    fn option(&self, key: u64) -> Range<usize> {
        let options = self.cuts.len() as u64;
        // The high half of the product: every option as likely as the others.
        let chosen = usize::try_from((u128::from(key) * u128::from(options)) >> 64).unwrap_or(0);
        let start = self.cuts.get(chosen).copied().unwrap_or(self.end);
        // The next option starts behind the bar that ends this one.
        let end = self.cuts.get(chosen + 1).map_or(self.end, |next| next - 1);
        start..end
    }
}

impl Blocks {
    fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut blocks: Vec<Block> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\\' => {
                    at = after_escape(bytes, at);
                    continue;
                }
                b'{' => {
                    open.push(blocks.len());
                    blocks.push(Block { start: at, cuts: vec![at + 1], end: bytes.len() });
                }
                b'|' => {
                    if let Some(block) = open.last().and_then(|&index| blocks.get_mut(index)) {
                        block.cuts.push(at + 1);
                    }
                }
                b'}' => {
                    if let Some(block) = open.pop().and_then(|index| blocks.get_mut(index)) {
                        block.end = at;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        Self { blocks }
    }

    fn starting_at(&self, at: usize) -> Option<&Block> {
        let index = self.blocks.binary_search_by_key(&at, |block| block.start).ok()?;
        self.blocks.get(index)
    }
}

/// The text without `//` to the line's end and without `/* */`, which may go over lines. A comment
/// that is never closed is none.
fn without_comments(text: &str) -> String {
    let mut left = String::with_capacity(text.len());
    let mut rest = text;
    let mut may_close = true;
    while let Some(slash) = rest.find('/') {
        let (before, from) = rest.split_at(slash);
        left.push_str(before);
        if let Some(body) = from.strip_prefix("//") {
            let line_end = body.find(['\n', '\r', '\u{2028}', '\u{2029}']);
            rest = body.get(line_end.unwrap_or(body.len())..).unwrap_or_default();
            continue;
        }
        if may_close && let Some(body) = from.strip_prefix("/*") {
            if let Some((_, after)) = body.split_once("*/") {
                rest = after;
                continue;
            }
            // Nothing closes from here on: not looked for again.
            may_close = false;
        }
        left.push('/');
        rest = from.get(1..).unwrap_or_default();
    }
    left.push_str(rest);
    left
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn text_without_choices_stays() {
        for text in [
            "",
            "a cat",
            "a (b:1.2)",
            r"\(a\)",
            "a|b",
            "}",
            "a } b | c",
            "1/2",
            r"back\slash",
            "\\",
            "猫\\猫",
        ] {
            assert_eq!(dynamic(text, 3), text);
        }
    }

    #[test]
    fn every_option_comes_about_equally_often() {
        let mut counts = BTreeMap::new();
        for seed in 0..3000 {
            *counts.entry(dynamic("a {red|green|} cat", seed)).or_insert(0) += 1;
        }
        let names: Vec<_> = counts.keys().map(String::as_str).collect();
        assert_eq!(names, ["a  cat", "a green cat", "a red cat"]);
        assert!(counts.values().all(|count| (900..1100).contains(count)), "{counts:?}");
    }

    #[test]
    fn choices_hold_choices() {
        let found: std::collections::BTreeSet<_> =
            (0..200).map(|seed| dynamic("{a{1|2}|b|{c}}!", seed)).collect();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a1!", "a2!", "b!", "c!"]);
    }

    #[test]
    fn two_choices_are_two() {
        let found: std::collections::BTreeSet<_> = (0..200).map(|seed| dynamic("{a|b}{a|b}", seed)).collect();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["aa", "ab", "ba", "bb"]);
    }

    #[test]
    fn a_choice_does_not_depend_on_what_others_hold() {
        for seed in 0..100 {
            let short = dynamic("{a|b} {x|y}", seed);
            let long = dynamic("{a{1|2}{3|4}|b{5|6}} {x|y}", seed);
            assert_eq!(short.chars().last(), long.chars().last());
            assert_eq!(short.chars().next(), long.chars().next());
        }
    }

    #[test]
    fn the_rule_stays_the_same() {
        let made: Vec<_> = (0..8).map(|seed| dynamic("{0|1|2|3|4|5|6|7|8|9}", seed)).collect();
        assert_eq!(made.concat(), "15877821");
    }

    #[test]
    fn escaped_braces_and_bars_are_plain() {
        assert_eq!(dynamic(r"\{a|b\}", 0), "{a|b}");
        assert_eq!(dynamic(r"{a\|b}", 0), "a|b");
        assert_eq!(dynamic(r"{\}}", 0), "}");
        assert_eq!(dynamic(r"{a\}", 0), "a}");
        assert_eq!(dynamic(r"{a\", 0), "a\\");
        assert_eq!(dynamic(r"{\é}", 0), r"\é");
        assert_eq!(dynamic(r"{\(a\)}", 0), r"\(a\)");
    }

    #[test]
    fn braces_that_do_not_match() {
        assert_eq!(dynamic("a {b", 0), "a b");
        assert_eq!(dynamic("a {b {c", 0), "a b c");
        assert_eq!(dynamic("{}", 0), "");
        assert_eq!(dynamic("{a}}", 0), "a}");
        assert_eq!(dynamic("{", 0), "");
    }

    #[test]
    fn comments_go() {
        assert_eq!(dynamic("a // b\nc", 0), "a \nc");
        assert_eq!(dynamic("a /* b\n */ c", 0), "a  c");
        assert_eq!(dynamic("a /* b", 0), "a /* b");
        assert_eq!(dynamic("a /*/ b */ c", 0), "a  c");
        assert_eq!(dynamic("a // {b|c", 0), "a ");
        assert_eq!(dynamic("/* a */ /* b // c", 0), " /* b ");
        assert_eq!(dynamic("{a/*|b*/}", 7), "a");
    }

    #[test]
    fn a_megabyte_ends() {
        for part in ["{", "}", "{}", "|", "{|", "{a|b}", "\\", "\\{", "/", "/*", "*/", "//\n", "/**/", "{猫|"]
        {
            let text = part.repeat((1 << 20) / part.len());
            assert!(dynamic(&text, 1).len() <= text.len());
        }
        let nested = format!("{}a{}", "{".repeat(1 << 19), "}".repeat(1 << 19));
        assert_eq!(dynamic(&nested, 1), "a");
    }
}
