//! Finding, replacing and cutting text apart.

use crate::text::{MAX_TEXT, unescaped};
use kiln_core::{Cx, Given, Node, NodeError, Param};
use kiln_types::{Value, names};
use regex::{Regex, RegexBuilder};

pub(crate) fn nodes() -> Vec<Node> {
    vec![replace(), split(), find()]
}

/// A search pattern, with limits on what it may cost.
///
/// # Errors
/// When the pattern cannot be read or is too large.
pub(crate) fn pattern(text: &str, ignore_case: bool) -> Result<Regex, NodeError> {
    if text.len() > 4096 {
        return Err(NodeError::new("the pattern is longer than 4096 bytes").at("pattern"));
    }
    RegexBuilder::new(text)
        .case_insensitive(ignore_case)
        .size_limit(1 << 20)
        .dfa_size_limit(4 << 20)
        .nest_limit(64)
        .build()
        .map_err(|e| {
            let why = e.to_string();
            let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            NodeError::new(format!("the pattern {text:?} cannot be read: {last}"))
                .at("pattern")
                .hint("to search for the characters as they stand, choose mode \"text\"")
        })
}

/// A pattern as the parameters `mode`, `pattern` and `ignore_case` say.
fn of_params(cx: &Cx<'_>, param: &str) -> Result<Regex, NodeError> {
    let text = cx.text(param)?;
    let source =
        if &*cx.text("mode")? == "pattern" { text.to_string() } else { regex::escape(&unescaped(&text)) };
    pattern(&source, cx.bool("ignore_case")?)
}

/// A pattern that is known beforehand is checked beforehand.
pub(crate) fn check(given: &Given<'_>) -> Vec<NodeError> {
    match (given.text("mode").as_deref(), given.text("pattern")) {
        (Some("pattern" | "matches"), Some(text)) => pattern(&text, false).err().into_iter().collect(),
        _ => Vec::new(),
    }
}

fn mode() -> Param {
    Param::choice("mode", &["text", "pattern"])
        .doc("Search for the characters as they stand, or for a regular expression.")
}

fn ignore_case() -> Param {
    Param::bool("ignore_case", false).doc("Small and capital letters count as the same.")
}

/// Something instead of something else.
fn replace() -> Node {
    Node::pure("ReplaceText", 1, |cx| {
        let text = cx.text("text")?;
        let search = of_params(cx, "pattern")?;
        let with = unescaped(&cx.text("with")?);
        let expands = &*cx.text("mode")? == "pattern";
        let limit = if cx.bool("all")? { usize::MAX } else { 1 };
        let mut out = String::with_capacity(text.len());
        let (mut end, mut count) = (0, 0i64);
        if !search.as_str().is_empty() {
            for found in search.captures_iter(&text).take(limit) {
                let Some(whole) = found.get(0) else { continue };
                out.push_str(&text[end..whole.start()]);
                if expands {
                    found.expand(&with, &mut out);
                } else {
                    out.push_str(&with);
                }
                if out.len() > MAX_TEXT {
                    return Err(NodeError::new("the text would be larger than 16 MiB"));
                }
                (end, count) = (whole.end(), count + 1);
            }
        }
        out.push_str(&text[end..]);
        cx.set("text", out.as_str());
        cx.set("count", count);
        Ok(())
    })
    .title("Replace text")
    .category("text")
    .doc("Replaces what is found in a text. In mode \"pattern\", $1 or ${name} stands for a group that was found.")
    .input("text", names::TEXT, "The text.")
    .param(Param::text("pattern", "").doc("What to look for."))
    .param(Param::text("with", "").doc("What to put there; \\n is a line's end, \\t a tab."))
    .param(mode())
    .param(ignore_case())
    .param(Param::bool("all", true).doc("Every one, or the first only."))
    .output("text", names::TEXT, "The changed text.")
    .output("count", names::INT, "How many were replaced.")
    .check(check)
}

/// One text into several.
fn split() -> Node {
    Node::pure("SplitText", 1, |cx| {
        let text = cx.text("text")?;
        let (trim, skip) = (cx.bool("trim")?, cx.bool("skip_empty")?);
        let mut parts: Vec<&str> = match &*cx.text("by")? {
            "line" => text.lines().collect(),
            "word" => text.split_whitespace().collect(),
            "paragraph" => paragraphs(&text),
            _ => {
                let separator = unescaped(&cx.text("separator")?);
                if separator.is_empty() {
                    return Err(NodeError::new("there is no separator")
                        .at("separator")
                        .hint("write one, such as \",\""));
                }
                return split_up(cx, text.split(separator.as_str()).collect(), trim, skip);
            }
        };
        parts.truncate(MAX_PARTS + 1);
        split_up(cx, parts, trim, skip)
    })
    .title("Split text")
    .category("text")
    .doc("Cuts a text into a list: a node that takes one text then runs once for each part.")
    .input("text", names::TEXT, "The text.")
    .param(Param::choice("by", &["line", "separator", "word", "paragraph"]).doc("Where to cut."))
    .param(Param::text("separator", ",").doc("What to cut at, when cut by a separator."))
    .param(Param::bool("trim", true).doc("Take blanks around each part away."))
    .param(Param::bool("skip_empty", true).doc("Leave empty parts out."))
    .output_list("texts", names::TEXT, "The parts.")
    .output("count", names::INT, "How many parts there are.")
}

const MAX_PARTS: usize = 1_000_000;

fn split_up(cx: &mut Cx<'_>, parts: Vec<&str>, trim: bool, skip: bool) -> Result<(), NodeError> {
    let parts: Vec<Value> = parts
        .into_iter()
        .map(|p| if trim { p.trim() } else { p })
        .filter(|p| !(skip && p.is_empty()))
        .map(Value::from)
        .collect();
    if parts.len() > MAX_PARTS {
        return Err(NodeError::new(format!("the text has more than {MAX_PARTS} parts")));
    }
    cx.set("count", i64::try_from(parts.len()).unwrap_or(i64::MAX));
    cx.set("texts", Value::list(parts));
    Ok(())
}

/// Texts between empty lines.
fn paragraphs(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut begin, mut at, mut blank) = (0, 0, true);
    for line in text.split_inclusive('\n') {
        let empty = line.trim().is_empty();
        if empty && !blank {
            found.push(text[begin..at].trim_end());
        }
        if !empty && blank {
            begin = at;
        }
        blank = empty;
        at += line.len();
    }
    if !blank {
        found.push(text[begin..].trim_end());
    }
    found
}

/// What a pattern finds.
fn find() -> Node {
    Node::pure("FindText", 1, |cx| {
        let text = cx.text("text")?;
        let search = of_params(cx, "pattern")?;
        let group = cx.count("group")?;
        let found: Vec<Value> = search
            .captures_iter(&text)
            .take(MAX_PARTS)
            .map(|c| Value::from(c.get(group).map_or("", |m| m.as_str())))
            .collect();
        if group >= search.captures_len() {
            let most = search.captures_len() - 1;
            return Err(NodeError::new(format!("the pattern has {most} groups, none of number {group}")).at("group"));
        }
        let first = match found.first() {
            Some(v) => v.clone(),
            None => Value::Text(cx.text("otherwise")?),
        };
        cx.set("found", !found.is_empty());
        cx.set("first", first);
        cx.set("count", i64::try_from(found.len()).unwrap_or(i64::MAX));
        cx.set("all", Value::list(found));
        Ok(())
    })
    .title("Find text")
    .category("text")
    .doc("Looks for something in a text. In mode \"pattern\" a group, written in round brackets, can be picked out.")
    .input("text", names::TEXT, "The text.")
    .param(Param::text("pattern", "").doc("What to look for."))
    .param(mode())
    .param(ignore_case())
    .param(Param::int("group", 0, 0..=100).doc("Which group to give; 0: all that was found."))
    .param(Param::text("otherwise", "").doc("What \"first\" gives when nothing is found."))
    .output("found", names::BOOL, "Whether something was found.")
    .output("first", names::TEXT, "The first that was found.")
    .output_list("all", names::TEXT, "Everything that was found.")
    .output("count", names::INT, "How often it was found.")
    .check(check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_lie_between_empty_lines() {
        assert_eq!(paragraphs("a\nb\n\n\n c\n \nd"), ["a\nb", " c", "d"]);
        assert_eq!(paragraphs("\n\na\n"), ["a"]);
        assert!(paragraphs(" \n").is_empty());
    }

    #[test]
    fn costly_patterns_are_refused() {
        assert!(pattern("a{1000}{1000}", false).is_err());
        assert!(pattern(&"(".repeat(5000), false).is_err());
        assert!(pattern("(", false).unwrap_err().what.contains("unclosed group"));
        assert!(pattern("(a+)+$", false).is_ok_and(|p| !p.is_match(&format!("{}b", "a".repeat(10_000)))));
    }
}
