//! What goes over the network and is large, slow or secret: streamed both ways, with bounds, and with a token that the
//! node never sees.

use crate::node::NodeError;
use std::fmt;
use std::io::Read;
use std::time::Duration;

/// What is sent.
pub enum Content<'a> {
    /// Nothing.
    None,
    /// These bytes.
    Bytes(&'a [u8]),
    /// What is read while it is sent.
    Stream(&'a mut dyn Read),
}

/// A request whose answer is read piece by piece; see [`crate::Cx::exchange`].
pub struct Exchange<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// Where to.
    pub url: &'a str,
    /// Headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// What is sent.
    pub content: Content<'a>,
    /// The name of the token that goes along as `Authorization: Bearer …`, not the token: the door knows where it lies,
    /// and sends it over TLS or to this machine only.
    pub token: Option<&'a str>,
    /// No exchange takes longer, from the first byte sent to the last one read.
    pub timeout: Duration,
    /// No answer is longer, in bytes.
    pub most: u64,
}

impl<'a> Exchange<'a> {
    /// Asks for what lies at an address: at most 4 MiB, within 30 s.
    #[must_use]
    pub fn get(url: &'a str) -> Self {
        Self {
            method: "GET",
            url,
            headers: &[],
            content: Content::None,
            token: None,
            timeout: Duration::from_secs(30),
            most: 4 << 20,
        }
    }
}

/// An answer, to be read.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    headers: Vec<(String, String)>,
    body: Box<dyn Read + Send>,
    secret: Option<String>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({})", self.status)
    }
}

impl Answer {
    /// An answer; reading `body` ends in an error where it is longer than was asked for. The words of `secret` are not
    /// told to anybody.
    #[must_use]
    pub fn new(
        status: u16,
        headers: Vec<(String, String)>,
        body: Box<dyn Read + Send>,
        secret: Option<String>,
    ) -> Self {
        Self { status, headers, body, secret }
    }

    /// A header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The answer's bytes, piece by piece.
    pub fn reader(&mut self) -> &mut (dyn Read + Send) {
        &mut *self.body
    }

    /// All of the answer's bytes.
    ///
    /// # Errors
    /// When it breaks off, takes too long, or is longer than was asked for.
    pub fn bytes(&mut self) -> Result<Vec<u8>, NodeError> {
        let mut bytes = Vec::new();
        match self.body.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(e) => Err(NodeError::new(format!("the answer broke off: {e}"))),
        }
    }

    /// The beginning of the answer in words, for an error: one line, without the token, should it be in there.
    #[must_use]
    pub fn said(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = self.body.by_ref().take(4096).read_to_end(&mut bytes);
        self.words(&String::from_utf8_lossy(&bytes))
    }

    /// A text of the answer, for an error: one line of at most 300 letters, without the token.
    #[must_use]
    pub fn words(&self, text: &str) -> String {
        let text = match self.secret.as_deref() {
            Some(secret) if !secret.is_empty() => text.replace(secret, "***"),
            _ => text.to_owned(),
        };
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_told() {
        let body = "you sent\n\tthe token s3cret, s3cret".as_bytes();
        let mut answer =
            Answer::new(401, vec![("Retry-After".into(), "7".into())], Box::new(body), Some("s3cret".into()));
        assert_eq!(answer.header("retry-after"), Some("7"));
        assert_eq!(answer.said(), "you sent the token ***, ***");
        assert_eq!(format!("{answer:?}"), "Answer(401)");
    }
}
