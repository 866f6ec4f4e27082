//! JSON as these files are written: a tree that remembers where everything stood.
//!
//! It differs from a general reader in what it keeps. Seeds reach 2^64 - 1 and stay exact; `NaN` and `Infinity`,
//! which Python writes, are read so that a message can name the input they stand at; a name that is there twice is
//! kept twice; every value knows its place. And it is bounded: in bytes, depth and number of values.

/// No workflow is larger.
const MAX_BYTES: usize = 64 << 20;
/// Nor nested deeper.
const MAX_DEPTH: usize = 64;
/// Nor has more values.
const MAX_VALUES: usize = 4_000_000;

/// A value, and at which byte of the text it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Json {
    /// Byte offset in the text.
    pub at: u32,
    /// What it says.
    pub value: Value,
}

/// What a value says.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A whole number, exactly.
    Int(i128),
    /// Any other number, also what is no number: `NaN`, `Infinity`.
    Float(f64),
    /// `"text"`
    Text(String),
    /// `[1, 2]`
    List(Vec<Json>),
    /// `{"a": 1}`, in the order of the text, names that are there twice included.
    Map(Vec<Entry>),
}

/// A name and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// The value.
    pub value: Json,
}

impl Json {
    /// The entries of a map.
    pub fn map(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// What a map has under a name; the last of several.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.map()?.iter().rev().find(|e| e.name == name).map(|e| &e.value)
    }

    /// The text.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What kind of value this is, in words.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "an object",
        }
    }
}

/// Why a text is no JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slip {
    /// Byte offset in the text.
    pub at: u32,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: &'static str,
}

const AGAIN: &str = "export the workflow again, or copy the whole file";
const MEND: &str = "if it was edited by hand, mend it here; else export the workflow again";

/// Reads a text.
pub fn parse(text: &str) -> Result<Json, Slip> {
    if text.len() > MAX_BYTES {
        let what = format!("the text is larger than {} MiB: too much for a workflow", MAX_BYTES >> 20);
        return Err(Slip { at: 0, what, hint: "name the workflow's file" });
    }
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut parser = Parser { text, at: start, values: 0 };
    let json = parser.value(0)?;
    parser.blanks();
    if parser.at < text.len() {
        return Err(parser.slip("there is more after the end of the workflow", MEND));
    }
    Ok(json)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    values: usize,
}

impl Parser<'_> {
    fn slip(&self, what: impl Into<String>, hint: &'static str) -> Slip {
        Slip { at: self.at as u32, what: what.into(), hint }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expected(&self, what: &str) -> Slip {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            None => self.slip("the file ends in the middle of the workflow", AGAIN),
            Some(c) => self.slip(format!("{what} is expected here, not {c:?}"), MEND),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json, Slip> {
        self.blanks();
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(
                self.slip(format!("there are more than {MAX_VALUES} values in it"), "split the workflow")
            );
        }
        if depth > MAX_DEPTH {
            let what = format!("values are nested more than {MAX_DEPTH} deep");
            return Err(self.slip(what, "no workflow is: export it again"));
        }
        let at = self.at as u32;
        let value = match self.peek() {
            Some(b'{') => self.entries(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'a'..=b'z' | b'A'..=b'Z') => self.word()?,
            _ => return Err(self.expected("a value")),
        };
        Ok(Json { at, value })
    }

    fn entries(&mut self, depth: usize) -> Result<Value, Slip> {
        let mut entries = Vec::new();
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Map(entries));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(self.expected("a name in quotes"));
            }
            let name = self.string()?;
            self.blanks();
            if self.peek() != Some(b':') {
                return Err(self.expected("`:`"));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            entries.push(Entry { name, value });
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Map(entries));
                }
                _ => return Err(self.expected("`,` or `}`")),
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Slip> {
        let mut items = Vec::new();
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::List(items));
                }
                _ => return Err(self.expected("`,` or `]`")),
            }
        }
    }

    fn word(&mut self) -> Result<Value, Slip> {
        let rest = &self.text[self.at..];
        let word = &rest[..rest.bytes().take_while(u8::is_ascii_alphabetic).count()];
        let value = match word {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "NaN" => Value::Float(f64::NAN),
            "Infinity" => Value::Float(f64::INFINITY),
            _ if word.len() == rest.len() => return Err(Slip { at: self.text.len() as u32, ..self.cut() }),
            _ => return Err(self.expected("a value")),
        };
        self.at += word.len();
        Ok(value)
    }

    fn cut(&self) -> Slip {
        self.slip("the file ends in the middle of the workflow", AGAIN)
    }

    fn digits(&mut self) -> usize {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - from
    }

    fn number(&mut self) -> Result<Value, Slip> {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.text[self.at..].starts_with("Infinity") {
            self.at += "Infinity".len();
            return Ok(Value::Float(f64::NEG_INFINITY));
        }
        let zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 {
            return Err(self.expected("a digit"));
        }
        if zero && whole > 1 {
            self.at = from;
            return Err(self.slip("a number does not begin with 0", MEND));
        }
        let mut is_whole = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            is_whole = false;
            if self.digits() == 0 {
                return Err(self.expected("a digit"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            is_whole = false;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.expected("a digit"));
            }
        }
        let text = &self.text[from..self.at];
        if is_whole && let Ok(int) = text.parse::<i128>() {
            return Ok(Value::Int(int));
        }
        // Too long for a whole number, or with decimals; what is larger than every f64 becomes infinite, and is
        // told where it is used.
        Ok(Value::Float(text.parse().unwrap_or(f64::INFINITY)))
    }

    fn string(&mut self) -> Result<String, Slip> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let from = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            out.push_str(&self.text[from..self.at]);
            match self.peek() {
                None => return Err(self.cut()),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => {
                    return Err(self.slip(
                        "a line break in a text is written \\n, and other control characters as well",
                        MEND,
                    ));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Slip> {
        self.at += 1;
        let Some(byte) = self.peek() else { return Err(self.cut()) };
        let plain = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.slip("a backslash in a text is written \\\\", MEND)),
        };
        self.at += 1;
        Ok(plain)
    }

    fn unicode(&mut self) -> Result<char, Slip> {
        let first = self.hex()?;
        if !(0xD800..0xE000).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        // Half of a pair; alone it is no character, and becomes the sign for that.
        let pair = first < 0xDC00 && self.text[self.at..].starts_with("\\u");
        if pair {
            let back = self.at;
            self.at += 2;
            let second = self.hex()?;
            if (0xDC00..0xE000).contains(&second) {
                let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Result<u32, Slip> {
        let Some(digits) = self.text.as_bytes().get(self.at..self.at + 4) else { return Err(self.cut()) };
        let mut code = 0;
        for digit in digits {
            match char::from(*digit).to_digit(16) {
                Some(value) => code = code * 16 + value,
                None => return Err(self.slip("\\u is followed by four hexadecimal digits", MEND)),
            }
        }
        self.at += 4;
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(ours: &Json, theirs: &serde_json::Value) -> bool {
        use serde_json::Value as V;
        match (&ours.value, theirs) {
            (Value::Null, V::Null) => true,
            (Value::Bool(a), V::Bool(b)) => a == b,
            (Value::Int(a), V::Number(b)) => {
                b.as_i128().map_or_else(|| b.as_f64() == Some(*a as f64), |b| b == *a)
            }
            (Value::Float(a), V::Number(b)) => b.as_f64() == Some(*a),
            (Value::Text(a), V::String(b)) => a == b,
            (Value::List(a), V::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
            (Value::Map(a), V::Object(b)) => {
                b.iter().all(|(name, b)| ours.get(name).is_some_and(|a| same(a, b)))
                    && a.iter().all(|e| b.contains_key(&e.name))
            }
            _ => false,
        }
    }

    #[test]
    fn what_serde_reads_is_read_alike() {
        for text in [
            "{}",
            " [ ] ",
            r#"{"a": [1, -2.5, 1e3, true, null, "x\n\u00e9\ud83d\ude00\/"], "b": {"c": 18446744073709551615}}"#,
            "-0",
            "0.5e-3",
            "340282366920938463463374607431768211456",
            "\"\"",
        ] {
            let theirs: serde_json::Value = serde_json::from_str(text).unwrap();
            assert!(same(&parse(text).unwrap(), &theirs), "{text}");
        }
    }

    #[test]
    fn python_s_numbers_are_read() {
        assert!(matches!(parse("NaN").unwrap().value, Value::Float(v) if v.is_nan()));
        assert_eq!(parse("-Infinity").unwrap().value, Value::Float(f64::NEG_INFINITY));
        assert_eq!(parse("1e999").unwrap().value, Value::Float(f64::INFINITY));
        assert_eq!(parse("\"\\ud800x\"").unwrap().value, Value::Text("\u{fffd}x".to_owned()));
    }

    #[test]
    fn slips_have_their_place() {
        let cases = [
            ("", 0, "ends in the middle"),
            ("{\"a\": 1", 7, "ends in the middle"),
            ("{\"a\": tr", 8, "ends in the middle"),
            ("\"abc", 4, "ends in the middle"),
            ("\"\\u12", 3, "ends in the middle"),
            ("{} x", 3, "more after the end"),
            ("{'a': 1}", 1, "a name in quotes"),
            ("[1,]", 3, "a value is expected here, not ']'"),
            ("[01]", 1, "begin with 0"),
            ("{\"a\" 1}", 5, "`:`"),
            ("\"a\nb\"", 2, "line break"),
            ("nope ", 0, "a value is expected"),
            ("é", 0, "not 'é'"),
        ];
        for (text, at, what) in cases {
            let slip = parse(text).unwrap_err();
            assert_eq!(slip.at, at, "{text}: {slip:?}");
            assert!(slip.what.contains(what), "{text}: {slip:?}");
        }
    }

    #[test]
    fn nothing_is_too_deep_or_too_large_for_it() {
        for open in ["[", "{\"a\":"] {
            let slip = parse(&open.repeat(1_000_000)).unwrap_err();
            assert!(slip.what.contains("nested"), "{slip:?}");
        }
        assert!(parse(&" ".repeat(MAX_BYTES + 1)).unwrap_err().what.contains("64 MiB"));
        let many = format!("[{}1]", "1,".repeat(MAX_VALUES));
        assert!(parse(&many).unwrap_err().what.contains("values"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\",:\\\\u0-9a-eINt.é \\-]{0,60}") {
            let ours = parse(&text);
            if let Ok(theirs) = serde_json::from_str::<serde_json::Value>(&text) {
                proptest::prop_assert!(ours.is_ok_and(|o| same(&o, &theirs)), "{}", text);
            }
        }
    }
}
