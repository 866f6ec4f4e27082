//! Evolving tokens: what a token has become, and the version before.

use kiln_collection::metadata::read_token;
use kiln_core::{Cx, Node, NodeError, Param, words};
use kiln_types::{Value, names};
use serde_json::Value as Json;

/// No state is longer.
const MOST: u64 = 4 << 20;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![token_state(), previous_token()]
}

fn text_of(cx: &Cx<'_>, param: &str) -> Result<String, NodeError> {
    let file = cx.file(param)?;
    let name = file.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if std::fs::metadata(&file.path).map(|m| m.len()).unwrap_or(0) > MOST {
        return Err(NodeError::new(format!("{name} has more than 4 MiB")).at(param.to_owned()));
    }
    let bytes = cx.read(&file)?;
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes));
    text.map(str::to_owned)
        .map_err(|_| NodeError::new(format!("{name} is not UTF-8 text")).at(param.to_owned()))
}

/// The part of a document that a path names; `None` where it ends before.
fn part<'a>(document: &'a Json, path: &str) -> Option<&'a Json> {
    let mut at = document;
    for name in path.split(['/', '.']).filter(|p| !p.is_empty()) {
        at = match at {
            Json::Object(map) => map.get(name)?,
            Json::Array(list) => list.get(name.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(at)
}

fn token_state() -> Node {
    Node::pure("TokenState", 1, |cx| {
        let text = if cx.has("state") {
            cx.text("state")?.to_string()
        } else if cx.has("file") {
            text_of(cx, "file")?
        } else {
            String::new()
        };
        let path = cx.text("path")?;
        let document: Json = match text.trim() {
            "" => Json::Null,
            text => serde_json::from_str(text).map_err(|e| {
                NodeError::new(format!("the state is not JSON: {e}")).at(if cx.has("state") { "state" } else { "file" })
            })?,
        };
        let found = part(&document, &path).filter(|v| !v.is_null());
        if found.is_none() && cx.bool("required")? {
            let error = NodeError::new(format!("the state has no {path:?}")).at("path");
            let names: Vec<&String> = document.as_object().into_iter().flat_map(serde_json::Map::keys).take(12).collect();
            return Err(match words::nearest(&path, names.iter()) {
                Some(near) => error.hint(format!("did you mean {near:?}?")),
                None if names.is_empty() => error.hint("the state is empty"),
                None => error.hint(format!("it has {}", words::list(&names))),
            });
        }
        let (number, text) = match found {
            None => (cx.float("otherwise_number")?, cx.text("otherwise_text")?.to_string()),
            Some(Json::String(text)) => (text.trim().parse().unwrap_or(0.0), text.clone()),
            Some(Json::Number(n)) => (n.as_f64().unwrap_or(0.0), n.to_string()),
            Some(Json::Bool(yes)) => (f64::from(u8::from(*yes)), yes.to_string()),
            Some(other) => (0.0, other.to_string()),
        };
        let number = if number.is_finite() { number } else { 0.0 };
        let yes = match found {
            Some(Json::Bool(yes)) => *yes,
            Some(Json::String(text)) => !matches!(text.as_str(), "" | "0" | "false" | "no"),
            Some(Json::Number(n)) => n.as_f64().is_some_and(|n| n.abs() > 0.0),
            Some(Json::Array(list)) => !list.is_empty(),
            Some(Json::Object(map)) => !map.is_empty(),
            _ => false,
        };
        cx.set("has", found.is_some());
        cx.set("number", number);
        cx.set("whole", number.round_ties_even() as i64);
        cx.set("text", text.as_str());
        cx.set("yes", yes);
        let whole = if document.is_null() { String::new() } else { kiln_collection::canonical::canonical(&document) };
        cx.set("state", whole.as_str());
        Ok(())
    })
    .title("Token state")
    .category("collection/evolving")
    .doc(
        "A part of what an evolving token has become (game or market data as JSON), as a number, a text, and a yes or no \
         for switches. What is made of it is made again only when this part changes.",
    )
    .optional("state", names::TEXT, "The state as JSON text.")
    .param(Param::file("file").default(Value::None).doc("The state's file (.json), where it is not linked."))
    .param(Param::text("path", "").doc("Which part: names and places with . or / between, such as level or skills/0/name."))
    .param(Param::bool("required", false).doc("Fail where the state has no such part."))
    .param(Param::float("otherwise_number", 0.0, -1e15..=1e15).doc("The number where the state has no such part."))
    .param(Param::text("otherwise_text", "").doc("The text where the state has no such part."))
    .output("number", names::FLOAT, "The part as a number; 0 where it is none.")
    .output("whole", names::INT, "The nearest whole number.")
    .output("text", names::TEXT, "The part as text; a list or an object as JSON.")
    .output("yes", names::BOOL, "Whether it is true, not 0 and not empty.")
    .output("has", names::BOOL, "Whether the state has such a part.")
    .output("state", names::TEXT, "The whole state as JSON in one form, for TokenMetadata.")
    .by_value()
}

fn previous_token() -> Node {
    Node::pure("PreviousToken", 1, |cx| {
        let text = if cx.has("file") { text_of(cx, "file")? } else { String::new() };
        let empty = text.trim().is_empty();
        let number = cx.count("number")? as u64;
        let token = match empty {
            true => None,
            false => Some(read_token(number, text.as_bytes()).map_err(|e| NodeError::new(e).at("file"))?),
        };
        let generation = token.as_ref().and_then(|t| t.properties.as_ref()?.generation.as_ref());
        let seed = generation.and_then(|g| g.seed.as_ref()?.parse().ok());
        let version = token.as_ref().map_or(0, |t| {
            let other = t.properties.as_ref().map(|p| &p.other);
            other.and_then(|o| o.get("version")?.as_i64()).unwrap_or(1)
        });
        let words = |t: Option<&String>| t.cloned().unwrap_or_default();
        cx.set("seed", Value::Seed(seed.unwrap_or(0)));
        cx.set("prompt", words(generation.and_then(|g| g.prompt.as_ref())).as_str());
        cx.set("negative", words(generation.and_then(|g| g.negative.as_ref())).as_str());
        cx.set("version", version);
        cx.set("has", !empty);
        cx.set("token", if empty { "" } else { text.as_str() });
        Ok(())
    })
    .title("Previous token")
    .category("collection/evolving")
    .doc(
        "The version of an evolving token before this one, from its document: its seed and prompts, to go on from, and \
         the whole document, so that TokenMetadata links back to it. Without a file this is the first version.",
    )
    .param(Param::file("file").default(Value::None).doc("The document (.json) of the version before."))
    .param(Param::int("number", 0, 0..=i64::MAX).doc("The token's number, for messages."))
    .output("token", names::TEXT, "The document, for TokenMetadata.previous; empty for the first version.")
    .output("seed", names::SEED, "The seed its picture was made with; 0 where none is told.")
    .output("prompt", names::TEXT, "The prompt its picture was made with.")
    .output("negative", names::TEXT, "The negative prompt.")
    .output("version", names::INT, "Its version; 0 where there is none before.")
    .output("has", names::BOOL, "Whether there is a version before.")
    .by_value()
}
