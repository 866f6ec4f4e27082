//! Gates: they pass their first input on, or reject it with a reason.

use crate::rng::Rng;
use crate::text_find::pattern;
use crate::values::ANY_NUMBER;
use kiln_core::{Cx, Node, NodeError, Param, Verdict};
use kiln_types::names;

pub(crate) fn nodes() -> Vec<Node> {
    vec![number_gate(), text_gate(), yes_gate(), random_gate(), distinct_gate()]
}

/// By a number.
fn number_gate() -> Node {
    Node::gate("NumberGate", 1, |cx| {
        let (v, (low, high)) = (cx.float("value")?, cx.range("range")?);
        let beyond = if v < low { low - v } else if v > high { v - high } else { 0.0 };
        let accept = (low..=high).contains(&v);
        let reason = if accept {
            format!("{v} is between {low} and {high}")
        } else {
            format!("{v} is not between {low} and {high}")
        };
        Ok(Verdict { accept, score: if v.is_nan() { f64::NEG_INFINITY } else { -beyond }, reason })
    })
    .title("Number gate")
    .category("gate")
    .doc("Passes its input on when a number lies in a range. The best attempt is the one nearest to the range.")
    .whole("input", names::ANY, "What is passed on.")
    .param(Param::float("value", 0.0, ANY_NUMBER).required().doc("The number to judge by; link it."))
    .param(Param::range("range", (0.0, 1.0), ANY_NUMBER).doc("The lowest and the highest number that pass."))
    .output_like("output", "input", "The input, when it passes.")
}

/// By its words.
fn text_gate() -> Node {
    Node::gate("TextGate", 1, |cx| {
        let text = cx.text("text")?;
        let (low, high) = cx.range("length")?;
        let n = text.chars().count() as f64;
        if n < low || n > high {
            let beyond = if n < low { low - n } else { n - high };
            let reason = format!("it has {n} characters, not {low} to {high}");
            return Ok(Verdict { accept: false, score: -1.0 - beyond, reason });
        }
        let wanted = cx.text("pattern")?;
        let ignore = cx.bool("ignore_case")?;
        let fold = |t: &str| if ignore { t.to_lowercase() } else { t.to_owned() };
        let (t, w) = (fold(&text), fold(&wanted));
        let mode = cx.text("mode")?;
        let holds = match &*mode {
            "equals" => t == w,
            "starts with" => t.starts_with(&w),
            "ends with" => t.ends_with(&w),
            "matches" => pattern(&wanted, ignore)?.is_match(&text),
            _ => t.contains(&w),
        };
        let invert = cx.bool("invert")?;
        let accept = holds != invert;
        let is = if holds { "the text" } else { "the text does not satisfy:" };
        Ok(Verdict {
            accept,
            score: f64::from(u8::from(accept)) - 1.0,
            reason: format!("{is} {mode} {:?}", &*wanted),
        })
    })
    .title("Text gate")
    .category("gate")
    .doc("Passes a text on when it contains something, fits a pattern, or has the right length.")
    .input("text", names::TEXT, "The text.")
    .param(
        Param::choice("mode", &["contains", "equals", "starts with", "ends with", "matches"])
            .doc("How to compare; \"matches\" takes a regular expression."),
    )
    .param(Param::text("pattern", "").doc("What to compare with."))
    .param(Param::bool("ignore_case", false).doc("Small and capital letters count as the same."))
    .param(Param::bool("invert", false).doc("Pass the texts that do not fit."))
    .param(
        Param::range("length", (0.0, 1e9), 0.0..=1e9)
            .unit("characters")
            .doc("The shortest and the longest that pass."),
    )
    .output_like("text", "text", "The text, when it passes.")
    .check(crate::text_find::check)
}

/// By yes or no.
fn yes_gate() -> Node {
    Node::gate("YesGate", 1, |cx| {
        let accept = cx.bool("pass")?;
        let reason = if accept { "it is yes" } else { "it is no" };
        Ok(Verdict { accept, score: f64::from(u8::from(accept)), reason: reason.to_owned() })
    })
    .title("Yes gate")
    .category("gate")
    .doc("Passes its input on when something is so.")
    .whole("input", names::ANY, "What is passed on.")
    .param(Param::bool("pass", true).doc("Whether it passes; link it."))
    .output_like("output", "input", "The input, when it passes.")
}

/// By chance.
fn random_gate() -> Node {
    Node::gate("RandomGate", 1, |cx| {
        let (drawn, chance) = (Rng::new(cx.seed("seed")?, "RandomGate").unit(), cx.float("chance")?);
        let accept = drawn < chance;
        let is = if accept { "below" } else { "not below" };
        Ok(Verdict { accept, score: chance - drawn, reason: format!("{drawn:.4} is {is} {chance}") })
    })
    .title("Random gate")
    .category("gate")
    .doc("Passes its input on by chance: to thin a collection out, or to try how a graph handles rejections.")
    .whole("input", names::ANY, "What is passed on.")
    .param(Param::seed("seed").doc("Decides what is drawn."))
    .param(Param::float("chance", 0.5, 0.0..=1.0).doc("How likely it passes; 1 is always."))
    .output_like("output", "input", "The input, when it passes.")
}

/// Not twice.
fn distinct_gate() -> Node {
    Node::ordered_gate("DistinctGate", 1, mark, |_, mark, accepted| {
        let twin = accepted.iter().find(|(_, other)| other.as_slice() == mark);
        Ok(match twin {
            Some((item, _)) => Verdict { accept: false, score: 0.0, reason: format!("item {item} has the same text") },
            None => Verdict { accept: true, score: 1.0, reason: "no earlier item has this text".to_owned() },
        })
    })
    .title("Distinct gate")
    .category("gate")
    .doc("Passes its input on when no earlier item was accepted with the same text. Items are decided in their order.")
    .whole("input", names::ANY, "What is passed on.")
    .param(Param::text("text", "").required().doc("The text that may not come twice; link it."))
    .param(Param::bool("loose", false).doc("Blanks, and small and capital letters, make no difference."))
    .output_like("output", "input", "The input, when it passes.")
}

/// The text itself when it is short, else its hash.
fn mark(cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
    let text = cx.text("text")?;
    let text = if cx.bool("loose")? {
        text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
    } else {
        text.to_string()
    };
    let bytes = text.as_bytes();
    Ok(if bytes.len() < 64 {
        [&[0], bytes].concat()
    } else {
        [&[1], blake3::hash(bytes).as_bytes().as_slice()].concat()
    })
}
