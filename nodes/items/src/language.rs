//! A language model, asked over the web: for names and lore that no grammar gives.
//!
//! It changes the world (it costs money, and answers differently each time), so it is an effect: asked once for each
//! item and prompt, the answer kept in the output folder's journal. The key to the service comes from the environment
//! and goes into the request's header, and nowhere else.

use crate::values::{Traits, names as own, take};
use kiln_collection::metadata::{Context, JsonSchema, Template};
use kiln_core::doors::Request;
use kiln_core::{Cx, Doubt, Effect, Node, NodeError, Param};
use kiln_types::{Value, names};
use serde_json::{Value as Json, json};
use std::time::Duration;

/// No answer that is kept is longer.
const MOST_ANSWER: usize = 64 << 10;
/// The longest prompt.
const MOST_PROMPT: usize = 256 << 10;
/// The inputs that a prompt can name.
const INPUTS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const PLACES: [&str; 7] = ["item", "a", "b", "c", "d", "e", "f"];

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![language_model()]
}

struct Ask;

/// The key to the service, from the environment.
fn secret(cx: &Cx<'_>) -> Result<Option<String>, NodeError> {
    let name = cx.text("key_from")?;
    let name = name.trim();
    if name.is_empty() {
        return Ok(None);
    }
    match std::env::var(name) {
        Ok(key) if !key.trim().is_empty() => Ok(Some(key.trim().to_owned())),
        _ => Err(NodeError::new(format!("the environment has no {name}"))
            .at("key_from")
            .hint("set it to the service's key before the run; it is written down nowhere")),
    }
}

/// A text without the key, should a service repeat it.
fn without(text: &str, secret: Option<&String>) -> String {
    match secret {
        Some(key) => text.replace(key.as_str(), "(the key)"),
        None => text.to_owned(),
    }
}

fn words(value: &Value) -> Result<String, NodeError> {
    Ok(match value {
        Value::Text(v) => v.to_string(),
        Value::Int(v) => v.to_string(),
        Value::Float(v) => v.to_string(),
        Value::Bool(v) => v.to_string(),
        Value::Color(v) => v.to_string(),
        Value::Seed(v) => v.to_string(),
        Value::None => String::new(),
        other => return Err(NodeError::new(format!("a value of type {} has no words", other.ty()))),
    })
}

/// A parameter's text with its places filled.
fn filled(cx: &Cx<'_>, param: &str) -> Result<String, NodeError> {
    let traits = if cx.has("traits") { Some(take::<Traits>(cx, "traits")?) } else { None };
    let pairs = traits.as_ref().map(|t| t.pairs()).unwrap_or_default();
    let item = cx.item().map_or(0, |i| i.item);
    let mut others = vec![("item", item.to_string())];
    for name in INPUTS.into_iter().filter(|n| cx.has(n)) {
        others.push((name, words(&cx.value(name)?).map_err(|e| e.at(name))?));
    }
    let others: Vec<(&str, &str)> = others.iter().map(|(n, w)| (*n, w.as_str())).collect();
    let tier = traits.as_ref().and_then(|t| t.tier.as_deref());
    let with = Context { number: item, tier, traits: &pairs, others: &others, ..Context::default() };
    let template = Template::parse_with(&cx.text(param)?, &PLACES);
    template.and_then(|t| t.fill(&with)).map_err(|e| NodeError::new(e).at(param.to_owned()))
}

/// The schema an answer keeps to, if there is one.
fn schema(cx: &Cx<'_>) -> Result<Option<(Json, JsonSchema)>, NodeError> {
    let text = cx.text("schema")?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let bad =
        |e: &dyn std::fmt::Display| NodeError::new(format!("the schema cannot be read: {e}")).at("schema");
    let document: Json = serde_json::from_str(&text).map_err(|e| bad(&e))?;
    let schema = JsonSchema::parse(&text).map_err(|e| bad(&e))?;
    Ok(Some((document, schema)))
}

/// What is asked.
fn question(cx: &Cx<'_>, schema: Option<&Json>) -> Result<Json, NodeError> {
    let prompt = filled(cx, "prompt")?;
    if prompt.trim().is_empty() {
        return Err(NodeError::new("there is nothing to ask").at("prompt"));
    }
    if prompt.len() > MOST_PROMPT {
        return Err(
            NodeError::new(format!("the prompt has {} bytes, more than 256 KiB", prompt.len())).at("prompt")
        );
    }
    let mut messages = Vec::new();
    let system = filled(cx, "system")?;
    if !system.trim().is_empty() {
        messages.push(json!({ "role": "system", "content": system }));
    }
    messages.push(json!({ "role": "user", "content": prompt }));
    let mut body = json!({
        "model": cx.text("model")?.trim(),
        "messages": messages,
        "temperature": cx.float("temperature")?,
        "max_tokens": cx.int("max_tokens")?,
    });
    let seed = cx.int("seed")?;
    if seed >= 0 {
        body["seed"] = seed.into();
    }
    match (&*cx.text("form")?, schema) {
        ("schema", Some(schema)) => {
            body["response_format"] = json!({
                "type": "json_schema",
                "json_schema": { "name": "answer", "strict": true, "schema": schema },
            });
        }
        ("object", Some(_)) => body["response_format"] = json!({ "type": "json_object" }),
        _ => {}
    }
    Ok(body)
}

/// What came of one try.
enum Try {
    Answer(String),
    /// Worth trying again, and why.
    Again(String),
}

fn once(cx: &Cx<'_>, url: &str, body: &Json, secret: Option<&String>) -> Result<Try, NodeError> {
    let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    if let Some(key) = secret {
        headers.push(("Authorization".to_owned(), format!("Bearer {key}")));
    }
    let request = Request {
        method: "POST".to_owned(),
        url: url.to_owned(),
        headers,
        body: body.to_string().into_bytes(),
    };
    let answer = cx.send(&request).map_err(|e| NodeError { what: without(&e.what, secret), ..e })?;
    let text = String::from_utf8_lossy(&answer.body);
    let said: String = without(&text, secret).chars().take(300).collect();
    match answer.status {
        200 => {}
        429 | 500..=599 => return Ok(Try::Again(format!("it answered {}: {said}", answer.status))),
        401 | 403 => {
            return Err(NodeError::new(format!("the service answered {}: {said}", answer.status))
                .at("key_from")
                .hint("is the key in the environment the right one?"));
        }
        404 => {
            return Err(NodeError::new(format!("the service answered 404: {said}"))
                .at("url")
                .hint("is the address right, and does the service have this model?"));
        }
        status => return Err(NodeError::new(format!("the service answered {status}: {said}")).at("url")),
    }
    let document: Json = match serde_json::from_slice(&answer.body) {
        Ok(document) => document,
        Err(e) => return Ok(Try::Again(format!("what it sent is not JSON: {e}"))),
    };
    let content = document.pointer("/choices/0/message/content").and_then(Json::as_str);
    match content.map(str::trim).filter(|t| !t.is_empty()) {
        Some(content) if content.len() <= MOST_ANSWER => Ok(Try::Answer(without(content, secret))),
        Some(content) => Ok(Try::Again(format!("its answer has {} bytes, more than 64 KiB", content.len()))),
        None => Ok(Try::Again(format!("there is no answer in what it sent: {said}"))),
    }
}

/// Models like to put JSON between fences.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let Some(inside) = text.strip_prefix("```").and_then(|t| t.strip_suffix("```")) else { return text };
    match inside.split_once('\n') {
        Some((word, rest)) if word.trim().chars().all(char::is_alphanumeric) => rest.trim(),
        _ => inside.trim(),
    }
}

impl Effect for Ask {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let schema = schema(cx)?;
        let secret = secret(cx)?;
        let mut url = cx.text("url")?.trim().trim_end_matches('/').to_owned();
        if !url.ends_with("/chat/completions") {
            url.push_str("/chat/completions");
        }
        let body = question(cx, schema.as_ref().map(|s| &s.0))?;
        let tries = cx.int("attempts")?.max(1);
        let mut why = String::new();
        for at in 0..tries {
            if at > 0 {
                // 1, 2, 4 … seconds, at most half a minute.
                cx.rest(Duration::from_secs(1 << (at - 1).clamp(0, 4)))?;
            }
            let answer = match once(cx, &url, &body, secret.as_ref())? {
                Try::Answer(answer) => answer,
                Try::Again(reason) => {
                    why = reason;
                    continue;
                }
            };
            let Some((_, schema)) = &schema else { return Ok(answer.into_bytes()) };
            match serde_json::from_str::<Json>(unfenced(&answer)) {
                Err(e) => why = format!("its answer is not JSON: {e}"),
                Ok(document) => {
                    let faults = schema.check(&document);
                    if faults.is_empty() {
                        return Ok(document.to_string().into_bytes());
                    }
                    let told: Vec<String> = faults.iter().take(5).map(ToString::to_string).collect();
                    why = format!("its answer does not keep to the schema: {}", told.join("; "));
                }
            }
        }
        Err(NodeError::new(format!("no answer after {tries} tries: {why}"))
            .hint("run again later, or ask another model; what was answered before is kept"))
    }

    fn outputs(&self, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        let text = std::str::from_utf8(outcome)
            .map_err(|_| NodeError::new("the journal's entry of this answer cannot be read"))?;
        Ok(vec![("text", Value::from(text))])
    }
}

fn language_model() -> Node {
    let node = Node::effect("LanguageModel", 1, Doubt::IdempotentByKey, Ask)
        .title("Language model")
        .category("collection/words")
        .doc(
            "Asks a language model behind an OpenAI-compatible address, on this machine or elsewhere; off unless its \
             host is allowed with --allow-net. Each item's answer is asked for once and kept in the output folder; with \
             a JSON schema it is checked, and asked for again when it does not keep to it. The service's key is read \
             from the environment, and written down nowhere.",
        )
        .optional("traits", own::TRAITS, "The item's traits, for {trait:Hat} in the prompt.");
    INPUTS
        .iter()
        .fold(node, |n, name| n.optional(name, names::ANY, "A value for the place of this name in the prompt."))
        .param(
            Param::text("url", "http://localhost:11434/v1")
                .doc("The service's address, up to where /chat/completions follows."),
        )
        .param(Param::text("model", "").required().doc("The model's name at the service."))
        .param(Param::multiline("prompt", "").doc(
            "What is asked, with places: {trait:Hat}, {trait:Hat|no hat}, {tier|common}, {item}, {a} to {f}.",
        ))
        .param(Param::multiline("system", "").doc("What the model is told beforehand; may have places."))
        .param(
            Param::multiline("schema", "")
                .doc("A JSON schema that the answer keeps to; empty: the answer is plain text."),
        )
        .param(Param::choice("form", &["schema", "object", "plain"]).doc(
            "How the service is told of the schema: the schema itself, only that it is JSON, or not at all (then say it \
             in the prompt).",
        ))
        .param(
            Param::text("key_from", "")
                .doc("The environment variable that holds the service's key, such as OPENAI_API_KEY; empty: none is sent."),
        )
        .param(Param::float("temperature", 0.8, 0.0..=2.0).doc("How freely it answers."))
        .param(Param::int("max_tokens", 400, 1..=32_000).doc("The longest answer, in the model's tokens."))
        .param(Param::int("seed", -1, -1..=i64::MAX).doc("For services that take one; -1: none. Another number asks anew."))
        .param(Param::int("attempts", 4, 1..=5).doc("How often to try in all, when it is busy or answers wrongly."))
        .output("text", names::TEXT, "The answer; with a schema, the JSON document, for PickJson.")
        .uses_network()
        .by_value()
        .uses_item(|given| {
            ["prompt", "system"].iter().any(|param| {
                given.text(param).is_none_or(|text| kiln_core::template::places_or(&text).iter().any(|p| p == "item" || p.starts_with("number")))
            })
        })
        .check(|given| {
            let mut found = Vec::new();
            for param in ["prompt", "system"] {
                if let Some(text) = given.text(param)
                    && let Err(e) = Template::parse_with(&text, &PLACES)
                {
                    found.push(NodeError::new(e).at(param));
                }
            }
            if let Some(text) = given.text("schema").filter(|t| !t.trim().is_empty())
                && let Err(e) = JsonSchema::parse(&text)
            {
                found.push(NodeError::new(format!("the schema cannot be read: {e}")).at("schema"));
            }
            let key = given.text("key_from").unwrap_or_default();
            if !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') || key.to_lowercase().starts_with("sk_") {
                found.push(
                    NodeError::new("key_from names an environment variable, and this is no such name")
                        .at("key_from")
                        .hint("do not write the key itself into a graph: everybody who has the graph has it then"),
                );
            }
            found
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_are_taken_off_and_keys_hidden() {
        assert_eq!(unfenced("```json\n{\"a\": 1}\n```"), "{\"a\": 1}");
        assert_eq!(unfenced("{\"a\": 1}"), "{\"a\": 1}");
        assert_eq!(unfenced("```{}```"), "{}");
        let key = "sk-secret".to_owned();
        assert_eq!(without("bad key sk-secret!", Some(&key)), "bad key (the key)!");
    }
}
