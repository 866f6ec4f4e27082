//! Lists: made, measured, cut, turned and sorted.
//!
//! A node that takes one value and is given a list runs once for each; these nodes take the list whole.

use crate::rng::Rng;
use crate::values;
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_types::{Value, names};
use std::cmp::Ordering;

pub(crate) fn nodes() -> Vec<Node> {
    vec![make(), number_range(), length(), item(), slice(), reverse(), shuffle(), sort(), unique(), repeat()]
}

/// No list of this family grows beyond this many values.
pub(crate) const MAX_LENGTH: usize = 1_000_000;

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A node that turns a list into a list.
fn reshaped(
    name: &'static str,
    title: &'static str,
    doc: &'static str,
    run: impl Fn(&mut Cx<'_>, Vec<Value>) -> Result<Vec<Value>, NodeError> + Send + Sync + 'static,
) -> Node {
    Node::pure(name, 1, move |cx| {
        let list = cx.list("list")?.to_vec();
        let made = run(cx, list)?;
        cx.set("list", Value::list(made));
        Ok(())
    })
    .title(title)
    .category("list")
    .doc(doc)
    .input_list("list", names::ANY, "The list.")
    .output_like("list", "list", "The new list.")
}

/// Several values as one list.
fn make() -> Node {
    Node::pure("MakeList", 1, |cx| {
        let list = cx.list("values")?;
        cx.set("count", count(list.len()));
        cx.set("list", Value::List(list));
        Ok(())
    })
    .title("Make a list")
    .category("list")
    .doc("Several values as one list; lists among them are joined.")
    .many("values", names::ANY, "The values, in order.")
    .output_like("list", "values", "All of them in one list.")
    .output("count", names::INT, "How many there are.")
}

/// Numbers in even steps.
fn number_range() -> Node {
    Node::pure("CountUp", 1, |cx| {
        let (start, step, n) = (cx.float("start")?, cx.float("step")?, cx.count("count")?);
        let at = |i: usize| start + step * i as f64;
        let ints: Result<Vec<Value>, NodeError> =
            (0..n).map(|i| values::whole(libm::round(at(i))).map(Value::Int)).collect();
        cx.set("ints", Value::list(ints?));
        cx.set("floats", Value::list((0..n).map(|i| Value::Float(at(i))).collect::<Vec<_>>()));
        Ok(())
    })
    .title("Count up")
    .category("list")
    .doc("Numbers in even steps: 0, 1, 2 … A node that takes one number then runs once for each.")
    .param(Param::float("start", 0.0, -1e15..=1e15).doc("The first number."))
    .param(Param::float("step", 1.0, -1e9..=1e9).doc("From one to the next."))
    .param(Param::int("count", 10, 0..=100_000).doc("How many numbers."))
    .output_list("ints", names::INT, "The numbers, rounded to whole ones.")
    .output_list("floats", names::FLOAT, "The numbers.")
}

/// How long a list is.
fn length() -> Node {
    Node::pure("ListLength", 1, |cx| {
        let n = cx.list("list")?.len();
        cx.set("count", count(n));
        Ok(())
    })
    .title("Length of a list")
    .category("list")
    .doc("Counts the values of a list.")
    .input_list("list", names::ANY, "The list.")
    .output("count", names::INT, "How many values it has.")
}

/// The place an index points to; below 0 counts from the end.
pub(crate) fn place(index: i64, len: usize, beyond: &str) -> Result<usize, NodeError> {
    let n = count(len);
    if n == 0 {
        return Err(NodeError::new("the list is empty, so nothing can be chosen from it").at("list"));
    }
    let at = if index < 0 { index.saturating_add(n) } else { index };
    let at = match beyond {
        "wrap" => at.rem_euclid(n),
        "last" => at.clamp(0, n - 1),
        _ if (0..n).contains(&at) => at,
        _ => {
            return Err(NodeError::new(format!("there is no value {index} in a list of {n}"))
                .at("index")
                .hint("counting begins at 0; choose \"wrap\" or \"last\" for what lies beyond"));
        }
    };
    Ok(at as usize)
}

/// One value of a list.
fn item() -> Node {
    Node::pure("ListItem", 1, |cx| {
        let list = cx.list("list")?;
        let at = place(cx.int("index")?, list.len(), &cx.text("beyond")?)?;
        cx.set("value", list[at].clone());
        Ok(())
    })
    .title("Value of a list")
    .category("list")
    .doc("Picks one value of a list by its place.")
    .input_list("list", names::ANY, "The list.")
    .param(Param::int("index", 0, values::ANY_INT).doc("Its place, from 0; -1 is the last."))
    .param(
        Param::choice("beyond", &["fail", "wrap", "last"])
            .doc("Beyond the ends: fail, begin again from the other end, or take the nearest."),
    )
    .output("value", names::ANY, "The value.")
}

/// Some values in a row.
fn slice() -> Node {
    reshaped("ListSlice", "Part of a list", "Some values of a list, in a row.", |cx, list| {
        let n = count(list.len());
        let start = cx.int("start")?;
        let start = (if start < 0 { start.saturating_add(n) } else { start }).clamp(0, n);
        let wanted = cx.int("count")?;
        let end = if wanted < 0 { n } else { start.saturating_add(wanted).min(n) };
        Ok(list[start as usize..end as usize].to_vec())
    })
    .param(Param::int("start", 0, values::ANY_INT).doc("Where to begin, from 0; -3 are the last three."))
    .param(Param::int("count", -1, -1..=i64::MAX).doc("How many; -1: all that follow."))
}

/// The other way round.
fn reverse() -> Node {
    reshaped("ListReverse", "Reverse a list", "The list from its end to its beginning.", |_, mut list| {
        list.reverse();
        Ok(list)
    })
}

/// In another order.
fn shuffle() -> Node {
    let doc = "The list in an order that chance decides; the same seed gives the same order.";
    reshaped("ListShuffle", "Shuffle a list", doc, |cx, mut list| {
        Rng::new(cx.seed("seed")?, "ListShuffle").shuffle(&mut list);
        let n = cx.int("count")?;
        if let Ok(n) = usize::try_from(n) {
            list.truncate(n);
        }
        Ok(list)
    })
    .param(Param::seed("seed").doc("Decides the order."))
    .param(Param::int("count", -1, -1..=i64::MAX).doc("Keep so many of them; -1: all."))
}

/// In order.
fn sort() -> Node {
    let doc = "The list by size, or by the alphabet; values that count as equal keep their order.";
    reshaped("ListSort", "Sort a list", doc, |cx, list| {
        let mut keyed = Vec::with_capacity(list.len());
        let by = cx.text("by")?;
        for (at, value) in list.into_iter().enumerate() {
            keyed.push((Rank::of(&value, &by).map_err(|e| e.at(format!("list, value {at}")))?, value));
        }
        let down = cx.bool("descending")?;
        keyed.sort_by(|(a, _), (b, _)| if down { b.compare(a) } else { a.compare(b) });
        Ok(keyed.into_iter().map(|(_, v)| v).collect())
    })
    .param(
        Param::choice("by", &["value", "number in the text", "length of the text"])
            .doc("What to sort by; numbers in names are understood: cat2 comes before cat10."),
    )
    .param(Param::bool("descending", false).doc("The largest first."))
}

/// What a value is sorted by.
enum Rank {
    Number(f64),
    Text(String),
}

impl Rank {
    fn of(value: &Value, by: &str) -> Result<Self, NodeError> {
        if let Value::File(f) = value {
            return Ok(Self::Text(f.path.to_string_lossy().into_owned()));
        }
        match (by, values::number(value)) {
            ("value", Some(v)) => Ok(Self::Number(v)),
            ("value", None) => Ok(Self::Text(values::words(value)?)),
            ("length of the text", _) => Ok(Self::Number(values::words(value)?.chars().count() as f64)),
            (_, Some(v)) => Ok(Self::Number(v)),
            _ => {
                let text = values::words(value)?;
                let digits: String = text
                    .trim_start_matches(|c: char| !c.is_ascii_digit())
                    .chars()
                    .take_while(|c| c.is_ascii_digit() || *c == '.')
                    .collect();
                let signed =
                    text.find(|c: char| c.is_ascii_digit()).is_some_and(|at| text[..at].ends_with('-'));
                let v: f64 = digits.trim_end_matches('.').parse().unwrap_or(f64::INFINITY);
                Ok(Self::Number(if signed { -v } else { v }))
            }
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => natural(a, b),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

/// By the alphabet, but runs of digits by their size: cat2 before cat10.
pub(crate) fn natural(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (a, b);
    loop {
        let (Some(c), Some(d)) = (x.chars().next(), y.chars().next()) else {
            return x.len().cmp(&y.len()).then_with(|| a.cmp(b));
        };
        if c.is_ascii_digit() && d.is_ascii_digit() {
            let run = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
            let (m, n) = (run(x), run(y));
            let (p, q) = (x[..m].trim_start_matches('0'), y[..n].trim_start_matches('0'));
            let order = p.len().cmp(&q.len()).then_with(|| p.cmp(q));
            if order != Ordering::Equal {
                return order;
            }
            (x, y) = (&x[m..], &y[n..]);
        } else if c == d {
            (x, y) = (&x[c.len_utf8()..], &y[d.len_utf8()..]);
        } else {
            return c.cmp(&d);
        }
    }
}

/// Each value once.
fn unique() -> Node {
    let doc = "The list without values that were there before; the first of them stays.";
    reshaped("ListUnique", "Each value once", doc, |_, list| {
        let mut seen = std::collections::BTreeSet::new();
        let mut kept = Vec::new();
        for value in list {
            let name = match &value {
                Value::File(f) => f.hash.to_string(),
                other => values::words(other).map_err(|e| e.at("list"))?,
            };
            if seen.insert((value.ty(), name)) {
                kept.push(value);
            }
        }
        Ok(kept)
    })
}

/// Again and again.
fn repeat() -> Node {
    reshaped(
        "ListRepeat",
        "Repeat a list",
        "The list several times over, or each of its values.",
        |cx, list| {
            let times = cx.count("times")?;
            if list.len().saturating_mul(times) > MAX_LENGTH {
                return Err(
                    NodeError::new(format!("the list would have more than {MAX_LENGTH} values")).at("times")
                );
            }
            Ok(if cx.bool("each")? {
                list.iter().flat_map(|v| std::iter::repeat_n(v.clone(), times)).collect()
            } else {
                (0..times).flat_map(|_| list.iter().cloned()).collect()
            })
        },
    )
    .param(Param::int("times", 2, 0..=100_000).doc("How often."))
    .param(Param::bool("each", false).doc("a a b b instead of a b a b."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_understood() {
        let mut names = ["cat10", "cat2", "cat", "Cat1", "cat02", "cat2b", "ähre"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["Cat1", "cat", "cat02", "cat2", "cat2b", "cat10", "ähre"]);
    }

    #[test]
    fn places_count_from_both_ends() {
        assert_eq!(place(-1, 3, "fail").ok(), Some(2));
        assert_eq!(place(4, 3, "wrap").ok(), Some(1));
        assert_eq!(place(-7, 3, "wrap").ok(), Some(2));
        assert_eq!(place(9, 3, "last").ok(), Some(2));
        assert!(place(3, 3, "fail").is_err() && place(0, 0, "wrap").is_err());
        assert_eq!(place(i64::MIN, 3, "last").ok(), Some(0));
    }
}
