//! Telling other programs over the web.
//!
//! What is posted twice can do harm, so there are two nodes: one for services that drop what comes twice under
//! one `Idempotency-Key`, and one for services that can be asked whether something arrived.

use crate::places::{INPUTS, Places, needs_item, with_inputs};
use crate::values;
use kiln_core::doors::{Request, Response};
use kiln_core::{Cx, Doubt, Effect, Kind, Node, NodeError, Param};
use kiln_types::{Value, names};

pub(crate) fn nodes() -> Vec<Node> {
    vec![webhook(), webhook_ask()]
}

/// So much of an answer is kept.
const KEPT: usize = 4096;

struct Post {
    asks: bool,
}

/// A text of JSON whose texts may have places.
fn body(cx: &Cx<'_>, places: &Places) -> Result<Vec<u8>, NodeError> {
    let text = cx.text("body")?;
    let template: serde_json::Value = serde_json::from_str(&text).map_err(|e| {
        NodeError::new(format!("the body is not JSON: {e}"))
            .at("body")
            .hint("write it like {\"title\": \"{a}\"}")
    })?;
    Ok(filled(&template, places)?.to_string().into_bytes())
}

fn filled(template: &serde_json::Value, places: &Places) -> Result<serde_json::Value, NodeError> {
    Ok(match template {
        serde_json::Value::String(text) => match places.lone(text) {
            Some(value) => values::json(value).map_err(|e| e.at("body"))?,
            None => places.fill(text).map_err(|e| e.at("body"))?.into(),
        },
        serde_json::Value::Array(list) => {
            serde_json::Value::Array(list.iter().map(|v| filled(v, places)).collect::<Result<_, _>>()?)
        }
        serde_json::Value::Object(map) => serde_json::Value::Object(
            map.iter().map(|(k, v)| Ok((k.clone(), filled(v, places)?))).collect::<Result<_, NodeError>>()?,
        ),
        other => other.clone(),
    })
}

/// What is put into an address must not change where it leads.
fn encoded(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    word.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn address(cx: &Cx<'_>, param: &str, places: &Places) -> Result<String, NodeError> {
    let url = places.fill_with(cx.text(param)?.trim(), &encoded).map_err(|e| e.at(param.to_owned()))?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !url.contains(|c: char| c.is_whitespace() || c.is_control()) => {
            Ok(url)
        }
        _ => Err(NodeError::new(format!("{url:?} is not a web address"))
            .at(param.to_owned())
            .hint("write it like https://example.org/hook")),
    }
}

fn headers(cx: &Cx<'_>) -> Result<Vec<(String, String)>, NodeError> {
    let mut found = Vec::new();
    for line in cx.list("headers")?.iter() {
        let Value::Text(line) = line else { return Err(values::unfit("headers", "texts", line)) };
        let bad = || {
            let shown: String = line.chars().take(40).collect();
            NodeError::new(format!("{shown:?} is not a header"))
                .at("headers")
                .hint("write it like \"X-Name: value\"")
        };
        let (name, value) = line.split_once(':').ok_or_else(bad)?;
        let name = name.trim();
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(token) || value.chars().any(char::is_control) {
            return Err(bad());
        }
        let own = ["idempotency-key", "content-type", "content-length", "host", "transfer-encoding"];
        if own.contains(&name.to_lowercase().as_str()) {
            return Err(NodeError::new(format!("the header {name} is set by the node")).at("headers"));
        }
        found.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(found)
}

/// The beginning of an answer, whole characters only.
fn start(body: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(most + 4)]).into_owned();
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[..end].to_owned()
}

fn outcome(answer: &Response) -> Vec<u8> {
    // Characters that are escaped may make it longer than what it stands for, but never without bounds.
    serde_json::json!({ "status": answer.status, "body": start(&answer.body, KEPT) }).to_string().into_bytes()
}

impl Effect for Post {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let places = Places::of(cx, &INPUTS)?;
        let key = cx.key().to_string();
        if self.asks {
            // Found out before anything is sent, not after a crash.
            status_address(cx, &places)?;
        }
        let mut headers = headers(cx)?;
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        headers.push(("Idempotency-Key".to_owned(), key));
        let request = Request {
            method: cx.text("method")?.to_string(),
            url: address(cx, "url", &places)?,
            headers,
            body: body(cx, &places)?,
        };
        let answer = cx.send(&request)?;
        let said = start(&answer.body, 300);
        match answer.status {
            200..=299 => Ok(outcome(&answer)),
            300..=399 => Err(NodeError::new(format!("{} answered {}: it moved", request.url, answer.status))
                .at("url")
                .hint("write the new address")),
            status => {
                Err(NodeError::new(format!("{} answered {status}: {}", request.url, said.trim())).at("url"))
            }
        }
    }

    fn ask(&self, cx: &mut Cx<'_>) -> Result<Option<Vec<u8>>, NodeError> {
        let places = Places::of(cx, &INPUTS)?;
        let url = status_address(cx, &places)?;
        let request =
            Request { method: "GET".to_owned(), url: url.clone(), headers: headers(cx)?, body: Vec::new() };
        let answer = cx.send(&request)?;
        match answer.status {
            200 => Ok(Some(outcome(&answer))),
            404 => Ok(None),
            status => Err(NodeError::new(format!(
                "could not tell whether it was sent: {url} answered {status}: {}",
                start(&answer.body, 300).trim()
            ))
            .at("status_url")
            .hint("it is not sent again until the address answers 200 (it was) or 404 (it was not)")),
        }
    }

    fn outputs(&self, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        let bad = || NodeError::new("the journal's entry cannot be read");
        let outcome: serde_json::Value = serde_json::from_slice(outcome).map_err(|_| bad())?;
        let status = outcome.get("status").and_then(serde_json::Value::as_i64).ok_or_else(bad)?;
        let body = outcome.get("body").and_then(serde_json::Value::as_str).ok_or_else(bad)?;
        Ok(vec![("response", Value::from(body)), ("status", Value::Int(status))])
    }
}

fn status_address(cx: &Cx<'_>, places: &Places) -> Result<String, NodeError> {
    let url = address(cx, "status_url", places)?;
    let sign = if url.contains('?') { '&' } else { '?' };
    Ok(format!("{url}{sign}key={}", cx.key()))
}

fn common(node: Node) -> Node {
    with_inputs(node.category("network"))
        .param(
            Param::text("url", "")
                .required()
                .doc("Where to send it; {item}, {a} … are filled in, as parts of the address."),
        )
        .param(Param::choice("method", &["POST", "PUT"]).doc("How to send it."))
        .param(Param::multiline("body", "{}").doc(
            "What to send, as JSON; {a} to {f}, {item}, {index} and columns are filled in within its texts.",
        ))
        .param(Param::list("headers", Kind::Text { multiline: false }).doc(
            "More headers, \"Name: value\". Everybody who has the graph can read them: no secrets here.",
        ))
        .output("response", names::TEXT, "The beginning of the answer, up to 4 KiB.")
        .output("status", names::INT, "The status of the answer: 200 and the like.")
        .uses_network()
        .uses_item(|given| ["url", "body"].iter().any(|param| body_needs_item(given, param)))
        .check(|given| {
            let text = given.text("body").unwrap_or_else(|| "{}".to_owned());
            match serde_json::from_str::<serde_json::Value>(&text) {
                Ok(_) => Vec::new(),
                Err(e) => vec![
                    NodeError::new(format!("the body is not JSON: {e}"))
                        .at("body")
                        .hint("write it like {\"title\": \"{a}\"}"),
                ],
            }
        })
}

/// Whether a place of the address, or of a text in the body, needs the item.
fn body_needs_item(given: &kiln_core::Given<'_>, param: &str) -> bool {
    if param == "url" {
        return needs_item(given, "url", &INPUTS);
    }
    fn texts(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::String(text) => found.extend(kiln_core::template::places(text)),
            serde_json::Value::Array(list) => list.iter().for_each(|v| texts(v, found)),
            serde_json::Value::Object(map) => map.values().for_each(|v| texts(v, found)),
            _ => {}
        }
    }
    let Some(body) = given.text(param) else { return true };
    let mut found = Vec::new();
    if let Ok(body) = serde_json::from_str(&body) {
        texts(&body, &mut found);
    }
    found.iter().any(|p| !["index", "window"].contains(&p.as_str()) && !INPUTS.contains(&p.as_str()))
}

/// For services that drop what comes twice.
fn webhook() -> Node {
    common(
        Node::effect("Webhook", 1, Doubt::IdempotentByKey, Post { asks: false }).title("Webhook").doc(
            "Sends JSON to a web address. The header Idempotency-Key names what is sent: after a crash it may come \
             again under the same key, and the service should drop it then.",
        ),
    )
}

/// For services that can be asked.
fn webhook_ask() -> Node {
    common(Node::effect("WebhookAsk", 1, Doubt::AskTheWorld, Post { asks: true }).title("Webhook that asks").doc(
        "Sends JSON to a web address. After a crash it first asks another address whether it arrived, with ?key= \
         and the Idempotency-Key behind it: 200 means it did, 404 that it did not.",
    ))
    .param(
        Param::text("status_url", "")
            .required()
            .doc("Where to ask whether it arrived; ?key= and the key are put behind it."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_cut_between_characters() {
        assert_eq!(start("äöü".as_bytes(), 3), "ä");
        assert_eq!(start(&[0xff; 3], 3), "\u{fffd}");
        assert_eq!(start(b"abc", 10), "abc");
        assert_eq!(encoded("a/b ü?"), "a%2Fb%20%C3%BC%3F");
    }
}
