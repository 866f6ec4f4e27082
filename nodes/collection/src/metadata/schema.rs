//! The part of JSON Schema (2020-12) that the schemas in `schema/` use.
//!
//! Small enough to read in a minute, and it fetches nothing. A word that is not known here is refused when the schema
//! is read, so that no demand is passed over in silence; the tests hold every verdict against a full implementation.

use super::validate::Fault;
use crate::words;
use regex::Regex;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A schema that can be asked.
#[derive(Debug)]
pub(super) struct Schema {
    root: Value,
    patterns: BTreeMap<String, Regex>,
}

/// A schema that somebody else wrote, for answers of programs that are asked to keep to it.
#[derive(Debug)]
pub struct JsonSchema(Schema);

impl JsonSchema {
    /// Reads a schema.
    ///
    /// # Errors
    /// It is not JSON, or uses words beyond those understood here.
    pub fn parse(text: &str) -> Result<Self, String> {
        Schema::new(text).map(Self)
    }

    /// Everything that is wrong with a document; at most a hundred faults.
    #[must_use]
    pub fn check(&self, document: &Value) -> Vec<Fault> {
        let mut faults = self.0.check(document);
        faults.truncate(100);
        faults
    }
}

/// Words that say something to people only.
const TOLD: [&str; 5] = ["$schema", "$id", "title", "description", "$defs"];
/// Words that are understood.
const KNOWN: [&str; 16] = [
    "$ref",
    "type",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "items",
    "required",
    "properties",
    "additionalProperties",
    "if",
    "then",
    "const",
    "minItems",
];

impl Schema {
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let root: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let mut schema = Self { root: Value::Null, patterns: BTreeMap::new() };
        schema.learn(&root)?;
        schema.root = root;
        Ok(schema)
    }

    /// Looks at every part of the schema: words and patterns.
    fn learn(&mut self, part: &Value) -> Result<(), String> {
        let Some(map) = part.as_object() else {
            return if part.is_boolean() { Ok(()) } else { Err(format!("{part} is no schema")) };
        };
        for (word, value) in map {
            match word.as_str() {
                "properties" | "$defs" => {
                    for part in value.as_object().into_iter().flat_map(Map::values) {
                        self.learn(part)?;
                    }
                }
                "items" | "additionalProperties" | "if" | "then" => self.learn(value)?,
                "pattern" => {
                    let pattern = value.as_str().unwrap_or_default();
                    let regex = Regex::new(pattern).map_err(|e| e.to_string())?;
                    self.patterns.insert(pattern.to_owned(), regex);
                }
                word if KNOWN.contains(&word) || TOLD.contains(&word) => {}
                other => return Err(format!("the word `{other}` is not known")),
            }
        }
        Ok(())
    }

    /// Everything that is wrong with a value.
    pub(super) fn check(&self, value: &Value) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.part(&self.root, value, "", &mut faults);
        faults
    }

    fn follow<'a>(&'a self, part: &'a Value) -> &'a Value {
        let local = part.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#'));
        local.and_then(|pointer| self.root.pointer(pointer)).unwrap_or(&Value::Null)
    }

    fn part(&self, part: &Value, value: &Value, at: &str, faults: &mut Vec<Fault>) {
        let Some(words) = part.as_object() else {
            if part == &Value::Bool(false) {
                faults.push(Fault::new(at, "nothing may stand here"));
            }
            return;
        };
        if words.contains_key("$ref") {
            self.part(self.follow(part), value, at, faults);
        }
        if let Some(kind) = words.get("type")
            && !is_of(kind, value)
        {
            faults.push(Fault::new(at, format!("{} is expected, not {}", kinds(kind), told(value))));
            return;
        }
        if let Some(list) = words.get("enum").and_then(Value::as_array)
            && !list.contains(value)
        {
            let names: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            let near = words::did_you_mean(value.as_str().unwrap_or_default(), names.iter().copied());
            faults.push(Fault::new(
                at,
                format!("one of {} is expected, not {}{near}", words::list(&names), told(value)),
            ));
        }
        if words.get("const").is_some_and(|one| one != value) {
            faults.push(Fault::new(at, format!("{} is expected, not {}", words["const"], told(value))));
        }
        match value {
            Value::String(text) => self.string(words, text, at, faults),
            Value::Number(number) => {
                let number = number.as_f64().unwrap_or(f64::NAN);
                let bound = |word: &str| words.get(word).and_then(Value::as_f64);
                if let Some(least) = bound("minimum").filter(|least| number < *least) {
                    faults.push(Fault::new(at, format!("{number} is less than {least}")));
                }
                if let Some(most) = bound("maximum").filter(|most| number > *most) {
                    faults.push(Fault::new(at, format!("{number} is more than {most}")));
                }
            }
            Value::Array(list) => {
                if count(words, "minItems").is_some_and(|least| (list.len() as u64) < least) {
                    faults.push(Fault::new(at, "there are too few of them"));
                }
                if let Some(items) = words.get("items") {
                    for (number, one) in list.iter().enumerate() {
                        self.part(items, one, &format!("{at}[{number}]"), faults);
                    }
                }
            }
            Value::Object(map) => self.object(words, map, at, faults),
            Value::Null | Value::Bool(_) => {}
        }
        if let (Some(condition), Some(then)) = (words.get("if"), words.get("then")) {
            let mut silent = Vec::new();
            self.part(condition, value, at, &mut silent);
            if silent.is_empty() {
                self.part(then, value, at, faults);
            }
        }
    }

    fn string(&self, words: &Map<String, Value>, text: &str, at: &str, faults: &mut Vec<Fault>) {
        let letters = text.chars().count() as u64;
        if count(words, "minLength").is_some_and(|least| letters < least) {
            faults.push(Fault::new(at, "it is empty"));
        }
        if let Some(most) = count(words, "maxLength").filter(|most| letters > *most) {
            faults.push(Fault::new(at, format!("it has {letters} letters, and at most {most} are allowed")));
        }
        let pattern = words.get("pattern").and_then(Value::as_str).and_then(|p| self.patterns.get(p));
        if let Some(pattern) = pattern.filter(|pattern| !pattern.is_match(text)) {
            let shown: String = text.chars().take(60).collect();
            faults.push(Fault::new(at, format!("\"{shown}\" does not have the form {pattern}")));
        }
    }

    fn object(
        &self,
        words: &Map<String, Value>,
        map: &Map<String, Value>,
        at: &str,
        faults: &mut Vec<Fault>,
    ) {
        let place = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        for name in words.get("required").and_then(Value::as_array).into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            if !map.contains_key(name) {
                faults.push(Fault::new(&place(name), "it is missing"));
            }
        }
        let properties = words.get("properties").and_then(Value::as_object);
        for (name, one) in map {
            if let Some(part) = properties.and_then(|known| known.get(name)) {
                self.part(part, one, &place(name), faults);
                continue;
            }
            match words.get("additionalProperties") {
                Some(Value::Bool(false)) => {
                    let known = properties.into_iter().flat_map(Map::keys).map(String::as_str);
                    let near = words::did_you_mean(name, known);
                    faults.push(Fault::new(&place(name), format!("there is no such field{near}")));
                }
                Some(part) => self.part(part, one, &place(name), faults),
                None => {}
            }
        }
    }
}

fn count(words: &Map<String, Value>, word: &str) -> Option<u64> {
    words.get(word).and_then(Value::as_u64)
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind {
        Value::Array(kinds) => kinds.iter().any(|kind| is_of(kind, value)),
        kind => match kind.as_str().unwrap_or_default() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            // A number without a fraction, however it is written.
            "integer" => value.as_f64().is_some_and(|n| n.trunc() == n && n.is_finite()),
            _ => false,
        },
    }
}

fn kinds(kind: &Value) -> String {
    let name = |kind: &Value| match kind.as_str().unwrap_or_default() {
        "object" => "an object".to_owned(),
        "array" => "a list".to_owned(),
        "string" => "a text".to_owned(),
        "number" => "a number".to_owned(),
        "integer" => "a whole number".to_owned(),
        other => other.to_owned(),
    };
    match kind {
        Value::Array(list) => list.iter().map(name).collect::<Vec<_>>().join(" or "),
        kind => name(kind),
    }
}

/// A value in short.
fn told(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Null => "nothing (null)".to_owned(),
        Value::String(text) => format!("\"{}\"", text.chars().take(60).collect::<String>()),
        other => other.to_string(),
    }
}
