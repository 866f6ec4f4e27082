//! Tables: one item for each row. CSV, a JSON array of objects, or JSON lines.

use crate::fail::Fail;
use crate::sets;
use kiln_core::document::Graph;
use kiln_core::{Registry, lit, words};
use std::path::Path;
use std::sync::Arc;

/// The most rows of one table.
pub const MAX_ROWS: usize = 10_000_000;
/// No table is larger.
const MAX_BYTES: u64 = 4 << 30;
/// How many bad cells are told.
const SHOWN: usize = 20;

/// Rows, each with all its columns in the table's order.
pub type Rows = Arc<Vec<Vec<(String, String)>>>;

/// A table.
pub struct Table {
    /// The columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Rows,
    /// The line each row began at; empty when rows have no lines.
    lines: Vec<u64>,
    name: String,
}

/// Reads a table; its name says how it is written.
///
/// # Errors
/// When it cannot be read, or a row does not fit its columns: with the line.
pub fn read(path: &Path) -> Result<Table, Fail> {
    let name = path.display().to_string();
    let wrong = |what: String, hint: Option<&str>| Fail::wrong(format!("{name}: {what}"), hint);
    let meta = std::fs::metadata(path).map_err(|e| wrong(format!("the table cannot be read: {e}"), None))?;
    if meta.is_dir() {
        return Err(wrong("this is a folder".to_owned(), Some("name a .csv, .json or .jsonl file")));
    }
    if meta.len() > MAX_BYTES {
        return Err(wrong(format!("{} is too much for a table", words::bytes(meta.len())), Some("split it")));
    }
    let bytes = std::fs::read(path).map_err(|e| wrong(format!("the table cannot be read: {e}"), None))?;
    let text = String::from_utf8(bytes).map_err(|e| {
        wrong(
            format!("it is not UTF-8 text (byte {})", e.utf8_error().valid_up_to()),
            Some("save it as UTF-8"),
        )
    })?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    let read = match extension.as_str() {
        "csv" => from_csv(text),
        "json" | "jsonl" | "ndjson" => from_json(text),
        _ => return Err(wrong("rows come from .csv, .json or .jsonl".to_owned(), None)),
    };
    let (columns, rows, lines) = read.map_err(|(line, what)| match line {
        Some(line) => Fail::wrong(format!("{name}:{line}: {what}"), None),
        None => wrong(what, None),
    })?;
    if rows.is_empty() {
        return Err(wrong("there are no rows in it".to_owned(), None));
    }
    Ok(Table { columns, rows: Arc::new(rows), lines, name })
}

type Bad = (Option<u64>, String);
type Parts = (Vec<String>, Vec<Vec<(String, String)>>, Vec<u64>);

fn columns_of(names: impl Iterator<Item = String>) -> Result<Vec<String>, Bad> {
    let columns: Vec<String> = names.map(|n| n.trim().to_owned()).collect();
    if let Some(at) = columns.iter().position(String::is_empty) {
        return Err((Some(1), format!("column {} has no name; the first line names the columns", at + 1)));
    }
    let mut seen = std::collections::BTreeSet::new();
    match columns.iter().find(|c| !seen.insert(c.as_str())) {
        Some(twice) => Err((Some(1), format!("there are two columns {twice:?}"))),
        None => Ok(columns),
    }
}

fn too_many() -> Bad {
    (None, format!("there are more than {MAX_ROWS} rows; split the table"))
}

fn from_csv(text: &str) -> Result<Parts, Bad> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let place = |e: &csv::Error| (e.position().map(csv::Position::line), e.to_string());
    let columns = columns_of(reader.headers().map_err(|e| place(&e))?.iter().map(str::to_owned))?;
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(|e| place(&e))?;
        let line = record.position().map_or(0, |p| first_line(text, p));
        if record.len() != columns.len() {
            let what = format!(
                "{} cells, but {} columns; quote a cell with commas in it",
                record.len(),
                columns.len()
            );
            return Err((Some(line), what));
        }
        rows.push(columns.iter().cloned().zip(record.iter().map(str::to_owned)).collect());
        lines.push(line);
        if rows.len() > MAX_ROWS {
            return Err(too_many());
        }
    }
    Ok((columns, rows, lines))
}

/// The line a row begins at; empty lines before it are no part of it.
fn first_line(text: &str, at: &csv::Position) -> u64 {
    let rest = usize::try_from(at.byte()).ok().and_then(|b| text.as_bytes().get(b..)).unwrap_or_default();
    let blank = rest.iter().take_while(|b| matches!(b, b'\n' | b'\r'));
    at.line() + blank.filter(|b| **b == b'\n').count() as u64
}

fn from_json(text: &str) -> Result<Parts, Bad> {
    use serde_json::{Map, Value};
    type Object = Map<String, Value>;
    let mut objects: Vec<(u64, Object)> = Vec::new();
    if text.trim_start().starts_with('[') {
        let all: Vec<Value> =
            serde_json::from_str(text).map_err(|e| (Some(e.line() as u64), e.to_string()))?;
        for (at, value) in all.into_iter().enumerate() {
            match value {
                Value::Object(o) => objects.push((0, o)),
                _ => {
                    return Err((None, format!("row {at} is no object; write [{{\"name\": \"value\"}}, …]")));
                }
            }
        }
    } else {
        for (at, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
            let at = at as u64 + 1;
            let object =
                serde_json::from_str(line).map_err(|e| (Some(at), format!("no JSON object: {e}")))?;
            objects.push((at, object));
            if objects.len() > MAX_ROWS {
                return Err(too_many());
            }
        }
    }
    if objects.len() > MAX_ROWS {
        return Err(too_many());
    }
    let Some((_, first)) = objects.first() else { return Ok((Vec::new(), Vec::new(), Vec::new())) };
    let columns = columns_of(first.keys().cloned())?;
    let (mut rows, mut lines) = (Vec::with_capacity(objects.len()), Vec::with_capacity(objects.len()));
    for (at, (line, mut object)) in objects.into_iter().enumerate() {
        let place = (line > 0).then_some(line);
        let mut row = Vec::with_capacity(columns.len());
        for column in &columns {
            let cell = object
                .shift_remove(column)
                .ok_or_else(|| (place, format!("row {at} has no {column:?}, which the first row has")))?;
            let word = match cell {
                Value::String(s) => s,
                Value::Null => String::new(),
                other => other.to_string(),
            };
            row.push((column.clone(), word));
        }
        if let Some(extra) = object.keys().next() {
            return Err((place, format!("row {at} has {extra:?}, which the first row has not")));
        }
        rows.push(row);
        lines.push(line);
    }
    Ok((columns, rows, lines))
}

impl Table {
    /// Checks the columns and every cell that sets a parameter, so that a slip in row 9,000 shows before row 0
    /// is made.
    ///
    /// # Errors
    /// With the first of what is wrong.
    pub fn check(&self, graph: &Graph, registry: &Registry, range: (u64, u64)) -> Result<(), Fail> {
        let mut wrong: Vec<String> = Vec::new();
        let mut more = 0;
        let (from, to) = (range.0 as usize, (range.1 as usize).min(self.rows.len()));
        for (at, column) in self.columns.iter().enumerate() {
            let exposed = graph.expose.contains_key(column);
            if !exposed && !column.contains('.') {
                continue;
            }
            let Ok(targets) = sets::targets(graph, column) else { continue };
            for target in targets {
                let place = match sets::locate(graph, registry, &target) {
                    Ok(place) => place,
                    Err((what, hint)) => {
                        wrong.push(format!(
                            "{}: column {column:?}: {what}{}",
                            self.name,
                            hint.map_or(String::new(), |h| format!("\n    {h}"))
                        ));
                        continue;
                    }
                };
                let Some(kind) = place.kind else { continue };
                for (index, row) in self.rows.iter().enumerate().take(to).skip(from) {
                    let Err(e) = lit::from_word(&kind, &row[at].1) else { continue };
                    if wrong.len() < SHOWN {
                        let line = self.lines.get(index).filter(|l| **l > 0);
                        let place = line
                            .map_or(format!("{}: row {index}", self.name), |l| format!("{}:{l}", self.name));
                        wrong.push(format!("{place}: column {column:?}: {e}"));
                    } else {
                        more += 1;
                    }
                }
            }
        }
        if more > 0 {
            wrong.push(format!("… and {more} more"));
        }
        if wrong.is_empty() { Ok(()) } else { Err(Fail::Wrong(wrong.join("\n"))) }
    }

    /// A hash over all of it.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for row in self.rows.iter() {
            for (name, cell) in row {
                hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
                hasher.update(&(cell.len() as u64).to_le_bytes()).update(cell.as_bytes());
            }
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

/// Reads `A..B`, `A..=B`, `A..`, `..B` or `N`; `rows` is how many the table has.
///
/// # Errors
/// When it is none of these, is empty, or leaves the table.
pub fn range(text: &str, rows: Option<u64>) -> Result<(u64, u64), Fail> {
    let wrong = |what: &str| {
        Fail::wrong(
            format!("--items {text}: {what}"),
            Some("write it like 0..100, or 100 for the first hundred"),
        )
    };
    let number = |t: &str| t.trim().parse::<u64>().map_err(|_| wrong("this is no range of items"));
    let (from, to) = match text.split_once("..") {
        None => (0, number(text)?),
        Some((a, b)) => {
            let from = if a.trim().is_empty() { 0 } else { number(a)? };
            let to = match (b.strip_prefix('='), rows) {
                (Some(last), _) => {
                    number(last)?.checked_add(1).ok_or_else(|| wrong("the last item is too large"))?
                }
                (None, Some(rows)) if b.trim().is_empty() => rows,
                (None, _) => number(b)?,
            };
            (from, to)
        }
    };
    if from >= to {
        return Err(wrong("there is no item in it"));
    }
    if to - from > MAX_ROWS as u64 {
        return Err(wrong(&format!("at most {MAX_ROWS} items are made at once")));
    }
    match rows {
        Some(rows) if to > rows => Err(wrong(&format!("the table has {rows} rows, from 0 to {}", rows - 1))),
        _ => Ok((from, to)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!(range("5", None), Ok((0, 5)));
        assert_eq!(range("2..5", None), Ok((2, 5)));
        assert_eq!(range("2..=5", None), Ok((2, 6)));
        assert_eq!(range("..5", None), Ok((0, 5)));
        assert_eq!(range("2..", Some(9)), Ok((2, 9)));
        let bad = [
            "",
            "0",
            "5..5",
            "6..5",
            "..",
            "a",
            "-1",
            "1..2..3",
            "2..",
            "0..99999999",
            "0..=18446744073709551615",
        ];
        for text in bad {
            assert!(range(text, None).is_err(), "{text}");
        }
        assert!(range("0..10", Some(9)).is_err());
    }

    #[test]
    fn tables_are_read() {
        let (columns, rows, lines) =
            from_csv("name,size\n\"Ada, Countess\",\"10\"\n\n\"two\nlines\",20\n").unwrap();
        assert_eq!(columns, ["name", "size"]);
        assert_eq!(rows[0][0].1, "Ada, Countess");
        assert_eq!(rows[1][0].1, "two\nlines");
        assert_eq!(lines, [2, 4]);
        assert_eq!(from_csv("a,b\n1,2\n3\n").unwrap_err().0, Some(3));
        assert!(from_csv("a,a\n1,2\n").is_err());
        assert!(from_csv("a,\n1,2\n").is_err());
        let (columns, rows, _) =
            from_json("[{\"a\": 1, \"b\": [1, 2]}, {\"b\": null, \"a\": \"x\"}]").unwrap();
        assert_eq!(columns, ["a", "b"]);
        assert_eq!((rows[0][1].1.as_str(), rows[1][0].1.as_str(), rows[1][1].1.as_str()), ("[1,2]", "x", ""));
        assert_eq!(from_json("{\"a\": 1}\n{\"b\": 2}\n").unwrap_err().0, Some(2));
        assert_eq!(from_json("{\"a\": 1}\n{\"a\": 2, \"b\": 2}\n").unwrap_err().0, Some(2));
        assert_eq!(from_json("{\"a\": 1}\nx\n").unwrap_err().0, Some(2));
    }
}
