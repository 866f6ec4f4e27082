//! The list that a person fills in: `decisions.csv`, a line for each picture.
//!
//! It is read as people and their spreadsheets leave it: any case, `a` or `yes` for accept, semicolons or
//! tabs for commas, other encodings, columns moved about. What cannot be understood is named by its line and
//! kept where it is; a file that is none of ours is put aside, never overwritten.

use kiln_core::store::{Attempt, Place, Word};
use std::path::{Path, PathBuf};

/// The columns, as they are written.
pub const COLUMNS: [&str; 7] = ["item", "attempt", "picture", "note", "decision", "reason", "shown"];
/// A longer file is no list of ours: so many bytes, and so many for each question.
const LONGEST: u64 = 32 << 20;
const EACH: u64 = 16 << 10;
/// Complaints that are told one by one.
const TOLD: usize = 20;

/// A line that a person may have filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it stands in the file, from 1.
    pub number: u64,
    /// Whose picture.
    pub place: Place,
    /// Which attempt; none when the cell is empty.
    pub attempt: Option<Attempt>,
    /// The decision as it is written.
    pub said: String,
    /// Why, as it is written.
    pub reason: String,
    /// The beginning of the key of what was shown.
    pub shown: String,
    /// All cells, in the order of [`COLUMNS`].
    pub cells: [String; 7],
}

/// What is wrong with a line, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wrong {
    /// Where, from 1; 0 for the whole file.
    pub line: u64,
    /// What, and the remedy.
    pub what: String,
}

/// A list as it was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Lines about something.
    pub lines: Vec<Line>,
    /// What cannot be understood.
    pub wrong: Vec<Wrong>,
    /// Lines that are about nothing; they are kept as they are.
    pub rest: Vec<[String; 7]>,
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// How its cells are kept apart.
    pub style: Style,
    /// Why it is no list at all; then it is to be put aside.
    pub unreadable: Option<String>,
}

/// How a file is written, so that it stays as the person's program likes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    comma: u8,
    mark: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { comma: b',', mark: false }
    }
}

/// What a decision says, if it says something.
pub fn word(said: &str) -> Option<Word> {
    let said = said.trim().trim_matches(['"', '\'', '.', '!']).to_lowercase();
    Some(match said.as_str() {
        "accept" | "accepted" | "a" | "yes" | "y" | "ok" | "okay" | "pass" | "good" => Word::Accept,
        "reject" | "rejected" | "r" | "no" | "n" | "bad" => Word::Reject,
        "redo" | "again" | "retry" | "d" => Word::Redo,
        _ => return None,
    })
}

/// The text of a file, however it is encoded. None when it is none.
fn decode(bytes: &[u8]) -> Option<(String, bool)> {
    let wide = |from: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].as_chunks::<2>().0.iter().map(|b| from(*b)).collect();
        String::from_utf16(&units).ok()
    };
    let (text, mark) = match bytes {
        [0xff, 0xfe, ..] => (wide(u16::from_le_bytes)?, true),
        [0xfe, 0xff, ..] => (wide(u16::from_be_bytes)?, true),
        [0xef, 0xbb, 0xbf, rest @ ..] => (String::from_utf8(rest.to_vec()).ok()?, true),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), false),
            // What Windows wrote before there was Unicode.
            Err(_) => (bytes.iter().map(|b| char::from(*b)).collect(), false),
        },
    };
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.chars().any(odd) { None } else { Some((text, mark)) }
}

/// Reads a list of so many questions. A file that is not there is an empty one.
pub fn read(path: &Path, questions: usize) -> Found {
    let longest = LONGEST + EACH * questions as u64;
    let unreadable = |why: String| Found { unreadable: Some(why), ..Found::default() };
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Found::default(),
        Err(e) => return unreadable(e.to_string()),
    };
    if !meta.is_file() {
        return unreadable("it is no file".to_owned());
    }
    if meta.len() > longest {
        let size = kiln_core::words::bytes(meta.len());
        return unreadable(format!(
            "it has {size}, and a list of decisions has at most {}",
            kiln_core::words::bytes(longest)
        ));
    }
    match std::fs::read(path) {
        Ok(bytes) => parse(bytes),
        Err(e) => unreadable(e.to_string()),
    }
}

/// Understands the bytes of a list.
pub fn parse(bytes: Vec<u8>) -> Found {
    let Some((text, mark)) = decode(&bytes) else {
        return Found { unreadable: Some("it is no text".to_owned()), bytes, ..Found::default() };
    };
    if text.trim().is_empty() {
        return Found { bytes, ..Found::default() };
    }
    let head = text.lines().next().unwrap_or_default();
    let count = |c: char| head.matches(c).count();
    let comma = [',', ';', '\t'].into_iter().max_by_key(|c| (count(*c), *c == ',')).unwrap_or(',');
    let style = Style { comma: u8::try_from(comma).unwrap_or(b','), mark };
    let (records, torn) = records(&text, style.comma);
    let mut found = Found { bytes, style, ..Found::default() };
    if torn {
        let what = "a quotation mark is not closed: each line is read by itself; close it, or take it out";
        found.wrong.push(Wrong { line: 0, what: what.to_owned() });
    }
    let Some(place) = columns(&records) else {
        found.unreadable = Some(format!(
            "its first line names no columns item and decision: {:?}",
            head.chars().take(80).collect::<String>()
        ));
        return found;
    };
    let skip = usize::from(place.named);
    for (number, record) in records.into_iter().skip(skip) {
        let cell = |at: Option<usize>| at.and_then(|a| record.get(a)).cloned().unwrap_or_default();
        let cells: [String; 7] = std::array::from_fn(|at| cell(place.at[at]));
        if record.iter().all(|c| c.trim().is_empty()) {
            continue;
        }
        let attempt = cells[1].trim();
        let parsed = if attempt.is_empty() { Some(None) } else { attempt.parse().ok().map(Some) };
        // A spreadsheet writes 3 as 3.0 at times.
        let item = cells[0].trim();
        let item = item.strip_suffix(".0").unwrap_or(item);
        match (item.parse::<Place>(), parsed) {
            (Ok(place), Some(attempt)) => found.lines.push(Line {
                number,
                place,
                attempt,
                said: cells[4].trim().to_owned(),
                reason: cells[5].trim().to_owned(),
                shown: cells[6].trim().to_lowercase(),
                cells,
            }),
            (item, _) => {
                let (name, is) = if item.is_err() { ("item", &cells[0]) } else { ("attempt", &cells[1]) };
                let is: String = is.chars().take(40).collect();
                let what = format!("{name} is {is:?}, no number: copy the number from the picture's name");
                found.wrong.push(Wrong { line: number, what });
                found.rest.push(cells);
            }
        }
    }
    found
}

/// The cells of a text, line by line. Whether a quotation mark stayed open, and each line was read alone.
fn records(text: &str, comma: u8) -> (Vec<(u64, Vec<String>)>, bool) {
    let read = |text: &str, first: u64| -> Vec<(u64, Vec<String>)> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(comma)
            .from_reader(text.as_bytes());
        let mut all = Vec::new();
        for record in reader.records().map_while(Result::ok) {
            let line = record.position().map_or(first, |p| first + p.line() - 1);
            all.push((line, record.iter().map(str::to_owned).collect()));
        }
        all
    };
    let whole = read(text, 1);
    // A mark that is never closed swallows what follows.
    let swallowed = |cells: &[String]| {
        cells
            .iter()
            .any(|c| c.matches('\n').count() > 20 || c.lines().skip(1).any(|l| begins_a_line(l, comma)))
    };
    if whole.iter().any(|(_, cells)| swallowed(cells)) {
        let lines = text.lines().zip(1..).flat_map(|(line, number)| {
            let one = read(line, number);
            one.into_iter().next()
        });
        return (lines.collect(), true);
    }
    (whole, false)
}

/// Whether a line inside of a cell looks like one of the list.
fn begins_a_line(line: &str, comma: u8) -> bool {
    let mut parts = line.split(char::from(comma));
    let number = |p: Option<&str>| p.is_some_and(|p| p.trim().parse::<Place>().is_ok());
    number(parts.next()) && number(parts.next()) && parts.count() >= 3
}

struct Columns {
    at: [Option<usize>; 7],
    named: bool,
}

fn columns(records: &[(u64, Vec<String>)]) -> Option<Columns> {
    let (_, first) = records.first()?;
    let names: Vec<String> = first.iter().map(|c| c.trim().to_lowercase()).collect();
    let at: [Option<usize>; 7] = std::array::from_fn(|c| names.iter().position(|n| n == COLUMNS[c]));
    if at[0].is_some() && at[4].is_some() {
        return Some(Columns { at, named: true });
    }
    // Without its first line, but otherwise whole.
    let whole = first.len() >= 6 && names[0].parse::<Place>().is_ok() && names[1].parse::<Attempt>().is_ok();
    whole.then(|| Columns { at: std::array::from_fn(Some), named: false })
}

/// The bytes of a list.
pub fn write(rows: &[[String; 7]], style: Style) -> Vec<u8> {
    let mut out = Vec::new();
    if style.mark {
        out.extend([0xef, 0xbb, 0xbf]);
    }
    let mut writer = csv::WriterBuilder::new().delimiter(style.comma).from_writer(out);
    // Writing into memory does not fail.
    let _ = writer.write_record(COLUMNS);
    for row in rows {
        let _ = writer.write_record(row);
    }
    writer.into_inner().unwrap_or_default()
}

/// A text from a graph as a cell: a spreadsheet must not take it for a formula.
pub fn cell(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.starts_with(['=', '+', '-', '@']) { format!(" {text}") } else { text }
}

/// Where a list that is none is put: `decisions.unread-1.csv`.
pub fn aside(path: &Path) -> Option<PathBuf> {
    (1..1000).map(|n| path.with_extension(format!("unread-{n}.csv"))).find(|p| p.symlink_metadata().is_err())
}

/// Complaints in words, the first few of them.
pub fn complaints(path: &Path, wrong: &[Wrong]) -> Vec<String> {
    let mut told: Vec<String> = wrong
        .iter()
        .take(TOLD)
        .map(|w| match w.line {
            0 => format!("{}: {}", path.display(), w.what),
            line => format!("{}, line {line}: {}", path.display(), w.what),
        })
        .collect();
    if wrong.len() > TOLD {
        told.push(format!("{}: … and {} more lines", path.display(), wrong.len() - TOLD));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Found {
        parse(text.as_bytes().to_vec())
    }

    fn said(found: &Found) -> Vec<(String, Option<Word>)> {
        found.lines.iter().map(|l| (l.place.to_string(), word(&l.said))).collect()
    }

    #[test]
    fn people_write_as_they_like() {
        for text in [
            "item,attempt,picture,note,decision,reason,shown\n3,1,p,n,Accept,,aa\n4,2,p,n, R ,too dark,bb\n",
            "item;attempt;picture;note;decision;reason;shown\r\n3;1;p;n;YES;;aa\r\n4;2;p;n;no;too dark;bb\r\n",
            "\u{feff}decision\titem\tattempt\treason\nok\t3.0\t1.0\t\nreject\t4\t2\ttoo dark\n",
            "3,1,p,n,a,,aa\n4,2,p,n,reject,too dark,bb\n\n,,,,,,\n",
        ] {
            let found = of(text);
            assert_eq!((found.unreadable.clone(), found.wrong.clone()), (None, vec![]), "{text}");
            let (yes, no) = (Some(Word::Accept), Some(Word::Reject));
            assert_eq!(said(&found), [("3".to_owned(), yes), ("4".to_owned(), no)], "{text}");
            assert_eq!(found.lines[1].reason, "too dark");
            assert_eq!(found.lines[1].attempt, Some(Attempt(vec![2])));
        }
        let utf16: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain("item,decision\n3,redo".encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert_eq!(said(&parse(utf16)), [("3".to_owned(), Some(Word::Redo))]);
        let latin = parse(b"item,attempt,decision,reason\n3,1,no,zu gr\xfcn\n".to_vec());
        assert_eq!(latin.lines[0].reason, "zu gr\u{fc}n");
        for (text, wanted) in
            [("maybe", None), ("", None), ("Redo!", Some(Word::Redo)), ("OK.", Some(Word::Accept))]
        {
            assert_eq!(word(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn broken_lines_are_named_and_kept() {
        let found = of(
            "item,attempt,picture,note,decision,reason,shown\nx,1,p,n,accept,,\n3,one,p,n,accept,,\n4,1,p,n,accept,,\nrun,1,p,n,no,,\nwindow 2,1.3,p,n,no,,\n",
        );
        let lines: Vec<u64> = found.wrong.iter().map(|w| w.line).collect();
        assert_eq!((lines, found.rest.len(), found.lines.len()), (vec![2, 3], 2, 3), "{found:?}");
        assert!(found.wrong[0].what.contains("\"x\"") && found.wrong[1].what.contains("\"one\""));
        assert_eq!(found.lines[2].attempt, Some(Attempt(vec![1, 3])));
        let path = Path::new("d.csv");
        assert!(complaints(path, &found.wrong)[0].starts_with("d.csv, line 2: item is"));
        // Cells may have lines of their own, as long as they are closed.
        let found = of(
            "item,attempt,picture,note,decision,reason,shown\n3,1,p,n,no,\"two\nlines\",\n4,1,p,n,accept,,\n",
        );
        assert_eq!((found.lines.len(), found.lines[0].reason.as_str()), (2, "two\nlines"));
        let found = of(
            "item,attempt,picture,note,decision,reason,shown\n3,1,p,n,no,\"open,\n4,1,p,n,accept,,\n5,1,p,n,accept,,\n",
        );
        assert_eq!(said(&found).len(), 3, "{found:?}");
        assert_eq!(found.wrong.len(), 1);
    }

    #[test]
    fn what_is_no_list_is_no_list() {
        for bytes in [
            b"\x89PNG\r\n\x1a\n\0\0\0".to_vec(),
            b"name,age\nx,3\n".to_vec(),
            vec![0; 1000],
            vec![0xff; 1000],
            b"{\"item\": 3}".to_vec(),
        ] {
            assert!(parse(bytes.clone()).unreadable.is_some(), "{bytes:?}");
        }
        assert!(parse(Vec::new()).unreadable.is_none());
        // A great deal of nonsense breaks nothing.
        let mut seed = 7u64;
        let start = b"item,attempt,picture,note,decision,reason,shown\n3,1,p,n,no,\"a,b\",\n4,1,p,n,ok,,\n";
        for _ in 0..3000 {
            let mut bytes = start.to_vec();
            for _ in 0..4 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = (seed >> 33) as usize % bytes.len();
                bytes[at] = (seed >> 25) as u8;
            }
            let found = parse(bytes);
            let rows: Vec<[String; 7]> = found.lines.iter().map(|l| l.cells.clone()).collect();
            assert!(parse(write(&rows, found.style)).lines.len() <= rows.len());
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let row = |a: &str, b: &str| [a, "1", "p", b, "accept", "so; \"that\", is", "aa"].map(str::to_owned);
        let rows = [row("3", "a, b"), row("run", "x\ny")];
        for comma in [b',', b';', b'\t'] {
            let style = Style { comma, mark: comma == b';' };
            let found = parse(write(&rows, style));
            assert_eq!(found.style, style);
            assert_eq!(found.lines.iter().map(|l| l.cells.clone()).collect::<Vec<_>>(), rows);
        }
        assert_eq!(cell("=1+2\n"), " =1+2 ");
    }
}
