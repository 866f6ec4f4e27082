//! Making and shaping text.

use crate::places::{INPUTS, Places, needs_item, with_inputs};
use kiln_core::{Node, NodeError, Param};
use kiln_types::{Value, names};

/// No text of this family grows beyond this many bytes.
pub(crate) const MAX_TEXT: usize = 16 << 20;

pub(crate) fn nodes() -> Vec<Node> {
    vec![template(), join(), case(), trim(), cut(), length()]
}

/// Fails when a text would grow without bounds.
pub(crate) fn bounded(text: String) -> Result<String, NodeError> {
    if text.len() > MAX_TEXT { Err(NodeError::new("the text would be larger than 16 MiB")) } else { Ok(text) }
}

/// Text with places.
fn template() -> Node {
    let node = Node::pure("TextTemplate", 1, |cx| {
        let text = Places::of(cx, &INPUTS)?.fill(&cx.text("template")?)?;
        cx.set("text", bounded(text)?.as_str());
        Ok(())
    })
    .title("Text template")
    .category("text")
    .doc(
        "Text with places to fill: {a} to {f} are the inputs, {item} is the item's number, {index} the place in a \
         list, and any other name is a column of the item's row. {item:03} writes zeros before a number, {a:.2} \
         two decimals, and {{ a brace.",
    );
    with_inputs(node)
        .param(Param::multiline("template", "{a}").doc("The text with its places."))
        .output("text", names::TEXT, "The text with its places filled.")
        .uses_item(|given| needs_item(given, "template", &INPUTS))
}

/// Several texts in a row.
fn join() -> Node {
    Node::pure("JoinText", 1, |cx| {
        let skip = cx.bool("skip_empty")?;
        let separator = unescaped(&cx.text("separator")?);
        let mut words = Vec::new();
        let mut size = 0;
        for value in cx.list("texts")?.iter() {
            let word = crate::values::words(value)?;
            if !(skip && word.is_empty()) {
                size += word.len() + separator.len();
                if size > MAX_TEXT {
                    return Err(NodeError::new("the text would be larger than 16 MiB"));
                }
                words.push(word);
            }
        }
        cx.set("text", words.join(&separator).as_str());
        Ok(())
    })
    .title("Join text")
    .category("text")
    .doc("Puts several texts, or the texts of a list, behind each other.")
    .many("texts", names::ANY, "The texts, in order.")
    .param(Param::text("separator", ", ").doc("What stands between them; \\n is a line's end, \\t a tab."))
    .param(Param::bool("skip_empty", true).doc("Leave empty texts out."))
    .output("text", names::TEXT, "All of them in one.")
}

/// `\n` and `\t` as people type them into one line.
pub(crate) fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some(next @ ('n' | 't' | '\\'))) => {
                chars.next();
                out.push(match next {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                });
            }
            _ => out.push(c),
        }
    }
    out
}

/// Small and capital letters.
fn case() -> Node {
    Node::pure("TextCase", 1, |cx| {
        let text = cx.text("text")?;
        let made = match &*cx.text("to")? {
            "UPPER" => text.to_uppercase(),
            "Title" => capitals(&text, true),
            "Sentence" => capitals(&text, false),
            "snake_case" => joined(&text, "_"),
            "kebab-case" => joined(&text, "-"),
            _ => text.to_lowercase(),
        };
        cx.set("text", made.as_str());
        Ok(())
    })
    .title("Letter case")
    .category("text")
    .doc("Changes small and capital letters; the last two also join the words, for names of files.")
    .input("text", names::TEXT, "The text.")
    .param(
        Param::choice("to", &["lower", "UPPER", "Title", "Sentence", "snake_case", "kebab-case"])
            .doc("How to write it."),
    )
    .output("text", names::TEXT, "The changed text.")
}

/// A capital at the beginning, of every word or of the text alone.
fn capitals(text: &str, words: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut fresh = true;
    for c in text.chars() {
        if c.is_alphanumeric() || c == '\'' {
            if fresh {
                out.extend(c.to_uppercase());
            } else {
                out.extend(c.to_lowercase());
            }
            fresh = false;
        } else {
            out.push(c);
            fresh = words || (fresh || ".!?\n".contains(c));
        }
    }
    out
}

fn joined(text: &str, with: &str) -> String {
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(with)
}

/// Without the blanks around it.
fn trim() -> Node {
    Node::pure("TrimText", 1, |cx| {
        let text = cx.text("text")?;
        let made = match &*cx.text("where")? {
            "start" => text.trim_start().to_owned(),
            "end" => text.trim_end().to_owned(),
            "everywhere" => text.split_whitespace().collect::<Vec<_>>().join(" "),
            _ => text.trim().to_owned(),
        };
        cx.set("text", made.as_str());
        Ok(())
    })
    .title("Trim text")
    .category("text")
    .doc("Takes blanks and empty lines away.")
    .input("text", names::TEXT, "The text.")
    .param(
        Param::choice("where", &["both ends", "start", "end", "everywhere"])
            .doc("Where; \"everywhere\" leaves one blank between words."),
    )
    .output("text", names::TEXT, "The trimmed text.")
}

/// Not longer than so many characters.
fn cut() -> Node {
    Node::pure("CutText", 1, |cx| {
        let text = cx.text("text")?;
        let longest = cx.count("longest")?;
        let made = match text.char_indices().nth(longest) {
            None => text.to_string(),
            Some((end, _)) => {
                let mark = cx.text("mark")?;
                let keep = longest.saturating_sub(mark.chars().count());
                let at = text.char_indices().nth(keep).map_or(end, |(at, _)| at);
                let mut kept = &text[..at];
                if cx.bool("words")?
                    && let Some(blank) = kept.rfind(char::is_whitespace)
                    && !text[at..].starts_with(char::is_whitespace)
                {
                    kept = kept[..blank].trim_end();
                }
                let mark: String = mark.chars().take(longest).collect();
                format!("{kept}{mark}")
            }
        };
        cx.set("text", made.as_str());
        Ok(())
    })
    .title("Cut text")
    .category("text")
    .doc("Shortens a text that is too long.")
    .input("text", names::TEXT, "The text.")
    .param(Param::int("longest", 80, 0..=1_000_000).unit("characters").doc("How long it may be."))
    .param(Param::bool("words", true).doc("Cut between words where possible."))
    .param(Param::text("mark", "…").doc("What shows that something is missing; counted as well."))
    .output("text", names::TEXT, "The shortened text.")
}

/// How long a text is.
fn length() -> Node {
    Node::pure("TextLength", 1, |cx| {
        let text = cx.text("text")?;
        let int = |n: usize| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
        cx.set("characters", int(text.chars().count()));
        cx.set("words", int(text.split_whitespace().count()));
        cx.set("lines", int(text.lines().count()));
        Ok(())
    })
    .title("Length of text")
    .category("text")
    .doc("Counts the characters, words and lines of a text.")
    .input("text", names::TEXT, "The text.")
    .output("characters", names::INT, "How many characters.")
    .output("words", names::INT, "How many words.")
    .output("lines", names::INT, "How many lines.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_change_as_promised() {
        assert_eq!(capitals("hello big WORLD. it's ok", true), "Hello Big World. It's Ok");
        assert_eq!(capitals("hello big WORLD. it's ok", false), "Hello big world. It's ok");
        assert_eq!(joined("Größe: A4, quer!", "-"), "größe-a4-quer");
        assert_eq!(unescaped(r"a\nb\tc\\n\x"), "a\nb\tc\\n\\x");
    }
}
