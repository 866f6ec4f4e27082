//! Values from tables and JSON files.

use crate::files::text_of;
use kiln_core::{Node, NodeError, Param, words};
use kiln_types::{Value, names};

pub(crate) fn nodes() -> Vec<Node> {
    vec![read_csv(), read_json(), pick_json()]
}

/// A column of a table.
fn read_csv() -> Node {
    Node::pure("ReadCsv", 1, |cx| {
        let text = text_of(cx, "file")?;
        let separator = match &*cx.text("separator")? {
            "tab" => b'\t',
            ";" => b';',
            _ => b',',
        };
        let header = cx.bool("header")?;
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(header)
            .delimiter(separator)
            .flexible(false)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let bad = |e: csv::Error| NodeError::new(format!("the table cannot be read: {e}")).at("file");
        let wanted = cx.text("column")?;
        let at = column(&wanted, if header { Some(reader.headers().map_err(bad)?) } else { None })?;
        let mut texts = Vec::new();
        for row in reader.records() {
            let row = row.map_err(bad)?;
            let word = row.get(at).ok_or_else(|| {
                NodeError::new(format!("the table has {} columns, none of number {}", row.len(), at + 1))
                    .at("column")
            })?;
            texts.push(Value::from(word));
        }
        cx.set("count", i64::try_from(texts.len()).unwrap_or(i64::MAX));
        cx.set("texts", Value::list(texts));
        Ok(())
    })
    .title("Read a CSV column")
    .category("file")
    .doc("A column of a CSV table, as a list of texts: a node that takes one text runs once for each row.")
    .param(Param::file("file").doc("The table, relative to the graph."))
    .param(Param::text("column", "1").doc("The column's name, or its number from 1."))
    .param(Param::choice("separator", &[",", ";", "tab"]).doc("What stands between the columns."))
    .param(Param::bool("header", true).doc("The first line holds the names of the columns."))
    .output_list("texts", names::TEXT, "What the column holds, row by row.")
    .output("count", names::INT, "How many rows there are.")
}

fn column(wanted: &str, header: Option<&csv::StringRecord>) -> Result<usize, NodeError> {
    if let Some(at) = header.and_then(|h| h.iter().position(|n| n == wanted)) {
        return Ok(at);
    }
    if let Some(at) = wanted.trim().parse::<usize>().ok().and_then(|n| n.checked_sub(1)) {
        return Ok(at);
    }
    let error = NodeError::new(format!("the table has no column {wanted:?}")).at("column");
    Err(match header {
        None => error.hint("without names, write the column's number, from 1"),
        Some(h) => match words::nearest(wanted, h.iter()) {
            Some(near) => error.hint(format!("did you mean {near:?}?")),
            None => error.hint(format!("it has {}", words::list(&h.iter().collect::<Vec<_>>()))),
        },
    })
}

/// Picks from a JSON document what a path names.
fn picked(text: &str, pointer: &str) -> Result<serde_json::Value, NodeError> {
    let doc: serde_json::Value =
        serde_json::from_str(text).map_err(|e| NodeError::new(format!("this is not JSON: {e}")))?;
    let pointer = pointer.trim();
    // RFC 6901 begins with a slash; people leave it out.
    let pointer = match pointer {
        "" | "/" => String::new(),
        p if p.starts_with('/') => p.to_owned(),
        p => format!("/{p}"),
    };
    if let Some(found) = doc.pointer(&pointer) {
        return Ok(found.clone());
    }
    // How far does it lead?
    let known = (0..pointer.len())
        .rev()
        .filter(|at| pointer.as_bytes()[*at] == b'/')
        .find_map(|at| doc.pointer(&pointer[..at]).map(|v| (&pointer[..at], v)));
    let error = NodeError::new(format!("there is no {pointer:?}")).at("path");
    Err(match known {
        Some((start, serde_json::Value::Object(map))) => {
            let names: Vec<&str> = map.keys().take(12).map(String::as_str).collect();
            let place = if start.is_empty() { "at the top".to_owned() } else { format!("in {start:?}") };
            error.hint(format!("{place} there are {}", words::list(&names)))
        }
        Some((start, serde_json::Value::Array(list))) => {
            error.hint(format!("{start:?} is a list of {}", list.len()))
        }
        Some((start, _)) => error.hint(format!("{start:?} is a single value")),
        None => error,
    })
}

fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(s) => s.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn json_node(name: &'static str, source: fn(&kiln_core::Cx<'_>) -> Result<String, NodeError>) -> Node {
    Node::pure(name, 1, move |cx| {
        let found = picked(&source(cx)?, &cx.text("path")?)?;
        let items: Vec<Value> = match &found {
            serde_json::Value::Array(list) => list.iter().map(|v| Value::from(plain(v).as_str())).collect(),
            serde_json::Value::Object(map) => map.values().map(|v| Value::from(plain(v).as_str())).collect(),
            one => vec![Value::from(plain(one).as_str())],
        };
        cx.set("text", plain(&found).as_str());
        cx.set("texts", Value::list(items));
        Ok(())
    })
    .category("file")
}

fn with_path(node: Node) -> Node {
    node.param(
        Param::text("path", "")
            .doc("Which part: names and places with / between, such as traits/0/value; empty: all."),
    )
    .output("text", names::TEXT, "The part as text; a list or an object as JSON.")
    .output_list("texts", names::TEXT, "The values of a list or an object, each as text.")
}

/// Part of a JSON file.
fn read_json() -> Node {
    let node = json_node("ReadJson", |cx| text_of(cx, "file"))
        .title("Read JSON")
        .doc("A part of a JSON file.")
        .param(Param::file("file").doc("The file, relative to the graph."));
    with_path(node)
}

/// Part of a JSON text.
fn pick_json() -> Node {
    let node = json_node("PickJson", |cx| Ok(cx.text("json")?.to_string()))
        .title("Pick from JSON")
        .category("text")
        .doc("A part of a JSON text, such as a web service answers.")
        .input("json", names::TEXT, "The JSON text.");
    with_path(node)
}
