//! What people decided about tokens: `decisions.csv`, as the report's page exports it or a spreadsheet saves it.

use std::collections::BTreeMap;

/// The columns, as they are written.
pub const COLUMNS: [&str; 5] = ["token", "decision", "file", "note", "who"];
/// A longer file is no list of decisions, in bytes.
pub const LONGEST: u64 = 64 << 20;
/// What is wrong with a list is told line by line up to here.
const TOLD: usize = 50;
/// No note and no name is longer.
const LONG: usize = 1000;

/// What is to become of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// It stays as it is, and somebody said so.
    Approve,
    /// It is taken out of the collection.
    Reject,
    /// Its picture is made once more, with the next seeds.
    Redo,
    /// A picture made by hand takes the place of its own.
    Replace,
}

impl Word {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Approve, Self::Reject, Self::Redo, Self::Replace];

    /// The word itself.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Redo => "redo",
            Self::Replace => "replace",
        }
    }

    /// What a cell says; `None` for an empty one.
    fn read(said: &str) -> Result<Option<Self>, String> {
        Ok(Some(match said.to_lowercase().trim_matches(['"', '\'', '.', '!']) {
            "" | "-" => return Ok(None),
            "approve" | "approved" | "accept" | "accepted" | "yes" | "ok" | "a" => Self::Approve,
            "reject" | "rejected" | "drop" | "no" | "r" => Self::Reject,
            "redo" | "again" | "retry" | "d" => Self::Redo,
            "replace" | "replaced" | "p" => Self::Replace,
            _ => {
                return Err(format!(
                    "{:?} is no decision: write approve, reject, redo or replace",
                    cut(said, 40)
                ));
            }
        }))
    }
}

/// A decision about a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The token's number.
    pub token: u64,
    /// What is to become of it.
    pub word: Word,
    /// The picture that takes its place.
    pub file: Option<String>,
    /// Why.
    pub note: String,
    /// Who decided.
    pub who: String,
    /// Where it stands, from 1.
    pub line: u64,
}

/// A list that cannot be followed: everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct DecisionsError(pub Vec<String>);

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// A cell without what spreadsheets put before texts that look like formulas.
fn clean(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@'])).unwrap_or(text);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONG).collect()
}

/// The text of a file as people's programs save it.
fn decode(bytes: &[u8]) -> Option<String> {
    let wide = |from: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].as_chunks::<2>().0.iter().map(|b| from(*b)).collect();
        String::from_utf16(&units).ok()
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

/// Reads a list: all of it or nothing, so that nobody's slip is half obeyed. Lines without a decision are passed over.
///
/// # Errors
/// Everything that is wrong with it, line by line.
pub fn read(bytes: &[u8]) -> Result<Vec<Decision>, DecisionsError> {
    let whole = |what: &str| DecisionsError(vec![what.to_owned()]);
    if bytes.len() as u64 > LONGEST {
        return Err(whole("the list is too long to be one of decisions"));
    }
    let text = decode(bytes).ok_or_else(|| whole("the list is no text: save it as CSV, UTF-8"))?;
    let head = text.lines().next().unwrap_or_default();
    let comma = [b',', b';', b'\t'].into_iter().max_by_key(|c| {
        let count = head.bytes().filter(|b| b == c).count();
        (count, *c == b',')
    });
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .delimiter(comma.unwrap_or(b','))
        .from_reader(text.as_bytes());
    let names: Vec<String> = reader
        .headers()
        .map_err(|e| whole(&format!("the list cannot be read: {e}")))?
        .iter()
        .map(|name| name.trim().to_lowercase())
        .collect();
    let column = |name: &str| names.iter().position(|n| n == name);
    let (Some(token), Some(decision)) = (column("token"), column("decision")) else {
        let shown = cut(head, 80);
        return Err(whole(&format!(
            "the first line names no columns token and decision: {shown:?}; write {}",
            COLUMNS.join(",")
        )));
    };
    let (file, note, who) = (column("file"), column("note"), column("who"));
    let mut wrong = Vec::new();
    let mut all: BTreeMap<u64, Decision> = BTreeMap::new();
    for record in reader.records() {
        if wrong.len() >= TOLD {
            wrong.push("and so on".to_owned());
            break;
        }
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                wrong.push(format!("the list cannot be read: {error}"));
                break;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |at: Option<usize>| clean(at.and_then(|at| record.get(at)).unwrap_or_default());
        let word = match Word::read(&cell(Some(decision))) {
            Ok(Some(word)) => word,
            Ok(None) => continue,
            Err(what) => {
                wrong.push(format!("line {line}: {what}"));
                continue;
            }
        };
        let number = cell(Some(token));
        // A spreadsheet writes 3 as 3.0 at times, and people write #3.
        let digits = number.trim_start_matches('#');
        let Ok(token) = digits.strip_suffix(".0").unwrap_or(digits).parse::<u64>() else {
            wrong.push(format!("line {line}: {:?} is no token's number", cut(&number, 40)));
            continue;
        };
        let file = Some(cell(file)).filter(|f| !f.is_empty());
        match (word, &file) {
            (Word::Replace, None) => {
                wrong.push(format!("line {line}: token {token} is to be replaced, and no file is named"));
                continue;
            }
            (Word::Replace, Some(_)) | (_, None) => {}
            (_, Some(_)) => {
                wrong.push(format!(
                    "line {line}: token {token} has a file but is not to be replaced: write replace"
                ));
                continue;
            }
        }
        let one = Decision { token, word, file, note: cell(note), who: cell(who), line };
        if let Some(before) = all.get(&token).filter(|b| (b.word, &b.file) != (one.word, &one.file)) {
            wrong.push(format!(
                "line {line}: token {token} is decided twice: {} in line {}, and {} here",
                before.word.name(),
                before.line,
                word.name()
            ));
            continue;
        }
        all.insert(token, one);
    }
    if wrong.is_empty() { Ok(all.into_values().collect()) } else { Err(DecisionsError(wrong)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
    use super::*;

    #[test]
    fn lists_are_read_as_people_save_them() {
        let plain = "token,decision,file,note,who\n3,approve,,\"fine, really\",Ada\n4,Redo,,'=dark,\n5,,,,\n#6,replace,hat.png,,Bob\n";
        let all = read(plain.as_bytes()).unwrap();
        let short: Vec<(u64, Word)> = all.iter().map(|d| (d.token, d.word)).collect();
        assert_eq!(short, [(3, Word::Approve), (4, Word::Redo), (6, Word::Replace)]);
        assert_eq!((all[0].note.as_str(), all[0].who.as_str(), all[0].line), ("fine, really", "Ada", 2));
        assert_eq!(all[1].note, "=dark");
        assert_eq!(all[2].file.as_deref(), Some("hat.png"));
        let other = plain.replace(',', ";").replace("\"fine; really\"", "fine");
        assert_eq!(read(other.as_bytes()).unwrap().len(), 3);
        let marked = [b"\xef\xbb\xbf", plain.as_bytes()].concat();
        assert_eq!(read(&marked).unwrap(), all);
        let wide: Vec<u8> =
            std::iter::once(0xfeff).chain(plain.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&wide).unwrap(), all);
        let moved = "Who,Decision,Token\nAda,R,3.0\nAda,r,3\n";
        assert_eq!(read(moved.as_bytes()).unwrap()[0].word, Word::Reject);
    }

    #[test]
    fn a_list_with_a_slip_is_not_followed_at_all() {
        let error = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        assert!(error("").contains("token and decision"));
        assert!(error("a,b\n1,2\n").contains("token and decision"));
        assert!(error("token,decision\n1,maybe\nx,redo\n").contains("line 2"));
        assert!(error("token,decision\n1,maybe\nx,redo\n").contains("line 3"));
        assert!(error("token,decision\n-1,redo\n").contains("no token's number"));
        assert!(error("token,decision\n1,redo\n1,reject\n").contains("decided twice: redo in line 2"));
        assert!(error("token,decision,file\n1,replace,\n").contains("no file"));
        assert!(error("token,decision,file\n1,redo,a.png\n").contains("not to be replaced"));
        assert!(read(b"\xff\xfe\x00\xd8").is_err());
        assert!(read(&[0xc3, 0x28]).is_err());
        let many: String = (0..1000).map(|n| format!("{n},what\n")).collect();
        assert_eq!(read(format!("token,decision\n{many}").as_bytes()).unwrap_err().0.len(), TOLD + 1);
    }
}
