//! The language of Ethereum's nodes: JSON-RPC, one question at a time, over whatever door is given.

use serde_json::Value;
use std::fmt;

/// Why there is no answer, or not the wanted one.
#[derive(Clone, Debug, PartialEq)]
pub enum RpcError {
    /// No answer came: a time-out, a broken line, too many requests. Whether the node acted is not known.
    NoAnswer(String),
    /// The network is not allowed, or the address is wrong: asking again does not help.
    Closed(String),
    /// The node says no.
    Refused {
        /// Its number for it.
        code: i64,
        /// Its words.
        message: String,
        /// What a contract said, `0x…`.
        data: Option<String>,
    },
    /// An answer that makes no sense.
    Nonsense(String),
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer(why) => write!(f, "the node did not answer: {why}"),
            Self::Closed(why) => f.write_str(why),
            Self::Refused { message, .. } => write!(f, "the node says: {message}"),
            Self::Nonsense(why) => write!(f, "the node's answer makes no sense: {why}"),
        }
    }
}

impl std::error::Error for RpcError {}

/// A node that can be asked.
pub trait Rpc {
    /// Asks.
    ///
    /// # Errors
    /// When no answer came, or it is a no.
    fn ask(&self, method: &str, params: Value) -> Result<Value, RpcError>;
}

impl<R: Rpc + ?Sized> Rpc for &R {
    fn ask(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        (**self).ask(method, params)
    }
}

impl<R: Rpc + ?Sized> Rpc for std::sync::Arc<R> {
    fn ask(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        (**self).ask(method, params)
    }
}

impl<R: Rpc + ?Sized> Rpc for Box<R> {
    fn ask(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        (**self).ask(method, params)
    }
}

/// What came back from an address: status and body, or why nothing did.
pub type Posted = Result<(u16, Vec<u8>), RpcError>;

/// A node behind a web address; `post` is the engine's door.
pub struct Web<F> {
    post: F,
}

impl<F: Fn(&[u8]) -> Posted> Web<F> {
    /// `post` sends a body to the node and waits for the answer, not for ever.
    pub fn new(post: F) -> Self {
        Self { post }
    }
}

impl<F: Fn(&[u8]) -> Posted> Rpc for Web<F> {
    fn ask(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        let body = serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let (status, body) = (self.post)(body.to_string().as_bytes())?;
        read(status, &body)
    }
}

/// Reads an answer.
///
/// # Errors
/// When it is none, or a no.
pub fn read(status: u16, body: &[u8]) -> Result<Value, RpcError> {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let error = parsed.as_ref().and_then(|v| v.get("error")).filter(|e| !e.is_null());
    if let Some(error) = error {
        let message = error.get("message").and_then(Value::as_str).unwrap_or("an error without words");
        let code = error.get("code").and_then(Value::as_i64).unwrap_or(0);
        let data = error.get("data").and_then(|d| match d {
            Value::String(text) => Some(text.clone()),
            Value::Object(map) => map.get("data").and_then(Value::as_str).map(str::to_owned),
            _ => None,
        });
        let busy = code == 429 || code == -32005 || message.to_lowercase().contains("rate limit");
        if busy || status == 429 {
            return Err(RpcError::NoAnswer(format!("too many requests: {}", short(message))));
        }
        return Err(RpcError::Refused { code, message: short(message), data });
    }
    match (status, parsed) {
        (200..=299, Some(Value::Object(mut map))) => {
            map.remove("result").ok_or_else(|| RpcError::Nonsense("it has neither result nor error".into()))
        }
        (429, _) => Err(RpcError::NoAnswer("too many requests".into())),
        (408 | 500..=599, _) => Err(RpcError::NoAnswer(format!("status {status}"))),
        (401 | 403 | 404, _) => {
            Err(RpcError::Closed(format!("the node's address answers {status}: it is wrong, or its key is")))
        }
        (200..=299, _) => Err(RpcError::Nonsense("it is not JSON".into())),
        (status, _) => Err(RpcError::Nonsense(format!("status {status}"))),
    }
}

/// The beginning of a text, without anything that could disturb a terminal.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let ok = |body: &str| read(200, body.as_bytes());
        assert_eq!(ok(r#"{"id":1,"result":"0x1"}"#), Ok("0x1".into()));
        assert_eq!(ok(r#"{"id":1,"result":null,"error":null}"#), Ok(Value::Null));
        assert!(matches!(ok("{}"), Err(RpcError::Nonsense(_))));
        assert!(matches!(ok("<html>"), Err(RpcError::Nonsense(_))));
        assert!(matches!(read(429, b"slow down"), Err(RpcError::NoAnswer(_))));
        assert!(matches!(read(502, b""), Err(RpcError::NoAnswer(_))));
        assert!(matches!(read(401, b""), Err(RpcError::Closed(_))));
        let busy = r#"{"error":{"code":-32005,"message":"limit"}}"#;
        assert!(matches!(ok(busy), Err(RpcError::NoAnswer(_))));
        let no = r#"{"error":{"code":3,"message":"execution reverted","data":"0x12"}}"#;
        let wanted =
            RpcError::Refused { code: 3, message: "execution reverted".into(), data: Some("0x12".into()) };
        assert_eq!(read(400, no.as_bytes()), Err(wanted));
    }
}
