//! Over all items, or windows of them: sheets of text and statistics.

use crate::text::MAX_TEXT;
use crate::values;
use kiln_core::{Node, NodeError, Param};
use kiln_types::{Value, names};

pub(crate) fn nodes() -> Vec<Node> {
    vec![text_sheet(), statistics(), collect()]
}

fn window() -> Param {
    Param::int("window", 0, 0..=1_000_000)
        .doc("Collect so many items at a time, in their order; 0: all of them.")
}

/// Texts of all items as one.
fn text_sheet() -> Node {
    Node::pure("TextSheet", 1, |cx| {
        let lines = cx.items("lines")?;
        let format = cx.text("format")?;
        let mut out = String::new();
        if &*format == "csv" {
            out.push_str("item,text\n");
        }
        for at in 0..lines.len() {
            cx.pause()?;
            let value = lines.get(at)?;
            let item = lines.item(at).unwrap_or(at as u64);
            match &*format {
                "csv" => out.push_str(&format!("{item},{}\n", quoted(&values::words(&value)?))),
                "json lines" => {
                    let line = serde_json::json!({ "item": item, "value": values::json(&value)? });
                    out.push_str(&line.to_string());
                    out.push('\n');
                }
                "json" => {
                    out.push_str(if at == 0 { "[\n  " } else { ",\n  " });
                    out.push_str(&values::json(&value)?.to_string());
                }
                _ => {
                    out.push_str(&values::words(&value)?);
                    out.push('\n');
                }
            }
            if out.len() > MAX_TEXT {
                return Err(NodeError::new("the sheet would be larger than 16 MiB")
                    .at("lines")
                    .hint("set a window"));
            }
        }
        if &*format == "json" {
            out.push_str(if lines.is_empty() { "[]\n" } else { "\n]\n" });
        }
        cx.set("count", i64::try_from(lines.len()).unwrap_or(i64::MAX));
        cx.set("text", out.as_str());
        Ok(())
    })
    .title("Text sheet")
    .category("collect")
    .doc("Writes the texts of all items into one, in item order: as lines, CSV or JSON.")
    .gather("lines", names::ANY, "A text, number or other plain value of each item.")
    .param(Param::choice("format", &["lines", "csv", "json lines", "json"]).doc("How to write them."))
    .param(window())
    .output("text", names::TEXT, "All of them in one text.")
    .output("count", names::INT, "How many there are.")
}

/// A field of a CSV table; what a spreadsheet would take for a formula is kept as text.
fn quoted(text: &str) -> String {
    let formula = text.starts_with(['=', '@', '\t', '\r'])
        || (text.starts_with(['+', '-']) && values::parse_number(text).is_none());
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) || text.trim() != text {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// Numbers of all items summed up.
fn statistics() -> Node {
    Node::pure("Statistics", 1, |cx| {
        let items = cx.items("values")?;
        if items.is_empty() {
            return Err(NodeError::new("there are no numbers").at("values"));
        }
        let mut numbers = Vec::with_capacity(items.len());
        for at in 0..items.len() {
            let value = items.get(at)?;
            let v = values::number(&value).ok_or_else(|| values::unfit("values", "numbers", &value))?;
            if !v.is_finite() {
                let item = items.item(at).unwrap_or(at as u64);
                return Err(NodeError::new(format!("the number of item {item} is {v}")).at("values"));
            }
            numbers.push(v);
        }
        let n = numbers.len() as f64;
        let sum = neumaier(numbers.iter().copied());
        let mean = sum / n;
        let spread = libm::sqrt(neumaier(numbers.iter().map(|v| (v - mean) * (v - mean))) / n);
        numbers.sort_by(f64::total_cmp);
        let middle = numbers.len() / 2;
        let median = if numbers.len() % 2 == 1 {
            numbers[middle]
        } else {
            f64::midpoint(numbers[middle - 1], numbers[middle])
        };
        cx.set("count", i64::try_from(numbers.len()).unwrap_or(i64::MAX));
        for (name, v) in [
            ("min", numbers[0]),
            ("max", numbers[numbers.len() - 1]),
            ("mean", mean),
            ("median", median),
            ("sum", sum),
            ("deviation", spread),
        ] {
            cx.set(name, v);
        }
        Ok(())
    })
    .title("Statistics")
    .category("collect")
    .doc("Sums up a number over all items.")
    .gather("values", names::FLOAT, "A number of each item.")
    .param(window())
    .output("count", names::INT, "How many numbers.")
    .output("min", names::FLOAT, "The smallest.")
    .output("max", names::FLOAT, "The largest.")
    .output("mean", names::FLOAT, "The average.")
    .output("median", names::FLOAT, "The one in the middle.")
    .output("sum", names::FLOAT, "All of them added.")
    .output("deviation", names::FLOAT, "The standard deviation: how far they lie from the average.")
}

/// A sum that keeps what rounding drops (Neumaier 1974).
fn neumaier(numbers: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0f64, 0.0f64);
    for v in numbers {
        let next = sum + v;
        lost += if sum.abs() >= v.abs() { (sum - next) + v } else { (v - next) + sum };
        sum = next;
    }
    sum + lost
}

/// The values of all items as a list.
fn collect() -> Node {
    Node::pure("Collect", 1, |cx| {
        let items = cx.items("values")?;
        let mut list = Vec::with_capacity(items.len());
        for at in 0..items.len() {
            match items.get(at)? {
                Value::List(many) => list.extend(many.iter().cloned()),
                one => list.push(one),
            }
        }
        cx.set("count", i64::try_from(list.len()).unwrap_or(i64::MAX));
        cx.set("list", Value::list(list));
        Ok(())
    })
    .title("Collect")
    .category("collect")
    .doc("The values of all items as one list, in item order. They are in memory all at once.")
    .gather("values", names::ANY, "A value of each item.")
    .param(window())
    .output_like("list", "values", "All of them.")
    .output("count", names::INT, "How many there are.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_have_to_be() {
        for (text, wanted) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "'=1+1"),
            ("-5", "-5"),
            ("-a", "'-a"),
            (" a", "\" a\""),
        ] {
            assert_eq!(quoted(text), wanted);
        }
    }

    #[test]
    fn sums_lose_nothing() {
        assert_eq!(neumaier([1.0, 1e100, 1.0, -1e100].into_iter()), 2.0);
    }
}
