//! The network door: HTTP to the hosts named on the command line, and to no others.

use crate::fail::Fail;
use kiln_core::NodeError;
use kiln_core::doors::{Answer, Content, Exchange, Net, Request, Response};
use std::time::Duration;
use ureq::AsSendBody;

/// No answer is longer.
const MAX_BODY: u64 = 4 << 20;
/// No answer takes longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A host, and the one port that may be asked, if only one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    name: String,
    port: Option<u16>,
}

/// The network, restricted to some hosts.
pub struct Allowed {
    hosts: Vec<Host>,
    agent: ureq::Agent,
}

impl Allowed {
    /// Hosts as `--allow-net` names them: `host`, `host:port`, `[::1]:port`.
    ///
    /// # Errors
    /// When one is no host.
    pub fn new(hosts: &[String]) -> Result<Self, Fail> {
        let parse = |h: &String| {
            host(h).ok_or_else(|| {
                Fail::wrong(
                    format!("--allow-net {h}: this is no host"),
                    Some("write it like api.example.org or localhost:5001"),
                )
            })
        };
        let hosts = hosts.iter().map(parse).collect::<Result<_, _>>()?;
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(None)
            .user_agent(concat!("kiln/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { hosts, agent: config.into() })
    }

    fn allows(&self, name: &str, port: u16) -> bool {
        self.hosts.iter().any(|h| h.name == name && h.port.is_none_or(|p| p == port))
    }
}

/// `host` or `host:port`.
fn host(text: &str) -> Option<Host> {
    let text = text.trim().to_ascii_lowercase();
    let (name, port) = match text.strip_prefix('[') {
        Some(six) => {
            let (name, rest) = six.split_once(']')?;
            (format!("[{name}]"), rest.strip_prefix(':'))
        }
        None => match text.split_once(':') {
            Some((name, port)) => (name.to_owned(), Some(port)),
            None => (text.clone(), None),
        },
    };
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if name.is_empty() || !name.chars().all(good) {
        return None;
    }
    let port = match port {
        Some(p) => Some(p.parse().ok().filter(|p| *p != 0)?),
        None => None,
    };
    Some(Host { name, port })
}

/// The host and the port that an address names.
fn target(url: &str) -> Result<(String, u16), NodeError> {
    let bad = |why: &str| NodeError::new(format!("{url:?} is no address that can be asked: {why}"));
    let uri: ureq::http::Uri = url.parse().map_err(|e: ureq::http::uri::InvalidUri| bad(&e.to_string()))?;
    let standard = match uri.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return Err(bad("it begins with http:// or https://")),
    };
    let authority = uri.authority().ok_or_else(|| bad("it names no host"))?;
    if authority.as_str().contains('@') {
        return Err(bad("a name and password have no place in it"));
    }
    Ok((authority.host().to_ascii_lowercase(), authority.port_u16().unwrap_or(standard)))
}

/// How the name of every variable begins that may hold a token: a graph cannot ask for other secrets.
const TOKENS: &str = "KILN_TOKEN";

/// The token of a name, from the environment.
fn token(name: &str, url: &str) -> Result<String, NodeError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.starts_with(TOKENS) || !name.chars().all(plain) {
        return Err(NodeError::new(format!("{name:?} is not the name of a variable that may hold a token"))
            .hint(format!("put the token into a variable whose name begins with {TOKENS}")));
    }
    let (host, _) = target(url)?;
    let here = ["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str());
    if !here && !url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://")) {
        return Err(NodeError::new(format!("a token is not sent to {host} in the clear"))
            .hint("use an address that begins with https://"));
    }
    // Whatever is wrong with it, its text is not told.
    match std::env::var(name) {
        Ok(token) if !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()) => Ok(token),
        Ok(token) if token.is_empty() => Err(NodeError::new(format!("the variable {name} is empty"))
            .hint(format!("put the token of {host} into it"))),
        Ok(_) => Err(NodeError::new(format!("the variable {name} holds no token: it has odd characters"))
            .hint("a token is one word")),
        Err(_) => Err(NodeError::new(format!("there is no token in the variable {name}"))
            .hint(format!("put the token of {host} into it"))),
    }
}

impl Allowed {
    /// The host and port of an address, as words, if they may be reached.
    fn reach(&self, url: &str) -> Result<String, NodeError> {
        let (name, port) = target(url)?;
        if !self.allows(&name, port) {
            return Err(NodeError::new(format!("{name}:{port} is no host this run may reach"))
                .hint(format!("allow it with --allow-net {name}:{port}")));
        }
        Ok(format!("{name}:{port}"))
    }

    fn ask<S: AsSendBody>(
        &self,
        host: &str,
        building: ureq::http::request::Builder,
        body: S,
        timeout: Duration,
    ) -> Result<ureq::http::Response<ureq::Body>, NodeError> {
        let broken = |e: &dyn std::fmt::Display| NodeError::new(format!("{host} did not answer: {e}"));
        let asked = building.body(body).map_err(|e| broken(&e))?;
        let asked = self.agent.configure_request(asked).timeout_global(Some(timeout)).build();
        let answer = self.agent.run(asked).map_err(|e| broken(&e))?;
        if answer.status().is_redirection() {
            let to = answer.headers().get("location").and_then(|v| v.to_str().ok()).unwrap_or("elsewhere");
            return Err(NodeError::new(format!("{host} sends on to {to}, which is not followed"))
                .hint("put the last address into the graph"));
        }
        Ok(answer)
    }
}

impl Net for Allowed {
    fn exchange(&self, exchange: Exchange<'_>) -> Result<Answer, NodeError> {
        let host = self.reach(exchange.url)?;
        let mut building = ureq::http::Request::builder().method(exchange.method).uri(exchange.url);
        for (key, value) in exchange.headers {
            building = building.header(*key, *value);
        }
        let secret = exchange.token.map(|name| token(name, exchange.url)).transpose()?;
        if let Some(secret) = &secret {
            building = building.header("Authorization", format!("Bearer {secret}"));
        }
        let timeout = exchange.timeout;
        let answer = match exchange.content {
            Content::None => self.ask(&host, building, (), timeout),
            Content::Bytes(bytes) => self.ask(&host, building, bytes, timeout),
            Content::Stream(stream) => {
                self.ask(&host, building, ureq::SendBody::from_reader(stream), timeout)
            }
        }?;
        let status = answer.status().as_u16();
        let text = |v: &ureq::http::HeaderValue| v.to_str().unwrap_or_default().to_owned();
        let headers = answer.headers().iter().map(|(n, v)| (n.as_str().to_owned(), text(v))).collect();
        let body = answer.into_body().into_with_config().limit(exchange.most).reader();
        Ok(Answer::new(status, headers, Box::new(body), secret))
    }

    fn send(&self, request: &Request) -> Result<Response, NodeError> {
        let host = self.reach(&request.url)?;
        let mut building = ureq::http::Request::builder().method(request.method.as_str()).uri(&request.url);
        for (key, value) in &request.headers {
            building = building.header(key, value);
        }
        let mut answer = self.ask(&host, building, request.body.as_slice(), TIMEOUT)?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(MAX_BODY).read_to_vec();
        let broken = |e: ureq::Error| NodeError::new(format!("{host} did not answer: {e}"));
        Ok(Response { status, body: body.map_err(broken)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    fn get(url: &str) -> Request {
        Request {
            method: "GET".into(),
            url: url.into(),
            headers: vec![("x-kiln".into(), "1".into())],
            body: Vec::new(),
        }
    }

    /// Whether these bytes are all of a request: hanging up on the rest of one would take its answer away.
    fn is_whole(asked: &[u8]) -> bool {
        let text = String::from_utf8_lossy(asked).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
        if head.contains("transfer-encoding: chunked") {
            return body.ends_with("0\r\n\r\n");
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        length.is_none_or(|length| body.len() >= length.parse().unwrap())
    }

    /// Answers one request with these bytes, once it was read to its end.
    fn serve(answer: Vec<u8>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut asked, mut piece) = (Vec::new(), [0; 4096]);
            while !is_whole(&asked) {
                let more = stream.read(&mut piece).unwrap();
                assert_ne!(more, 0, "the request ends too soon");
                asked.extend_from_slice(&piece[..more]);
            }
            let _ = stream.write_all(&answer);
        });
        port
    }

    #[test]
    fn hosts_are_read() {
        assert_eq!(host("Example.org"), Some(Host { name: "example.org".into(), port: None }));
        assert_eq!(host("[::1]:80"), Some(Host { name: "[::1]".into(), port: Some(80) }));
        for bad in ["", ":80", "a:b", "a:0", "a:99999", "http://a", "a/b", "a b"] {
            assert_eq!(host(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_named_hosts_are_asked() {
        let net = Allowed::new(&["a.org:81".into(), "b.org".into()]).unwrap();
        assert!(net.allows("a.org", 81) && net.allows("b.org", 443));
        assert!(!net.allows("a.org", 80) && !net.allows("c.a.org", 81) && !net.allows("xb.org", 443));
        let refused = net.send(&get("https://evil.org/a.org:81")).unwrap_err();
        assert_eq!(refused.hint.as_deref(), Some("allow it with --allow-net evil.org:443"));
        for bad in ["ftp://b.org/", "b.org", "http://b.org@evil.org/", "http:///x", "file:///etc/passwd", ""]
        {
            assert!(net.send(&get(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_goes_where_it_may_and_nowhere_else() {
        let net = Allowed::new(&["127.0.0.1".into(), "example.org".into()]).unwrap();
        let ask = |url: &str, token: &str| {
            net.exchange(Exchange { token: Some(token), ..Exchange::get(url) }).unwrap_err().to_string()
        };
        for bad in ["HOME", "PATH", "AWS_SECRET_ACCESS_KEY", "KILN_TOKEN X", "", "XKILN_TOKEN"] {
            assert!(ask("https://example.org/", bad).contains("begins with KILN_TOKEN"), "{bad}");
        }
        assert!(ask("http://example.org/", "KILN_TOKEN_X").contains("in the clear"));
        assert!(ask("https://evil.org/", "KILN_TOKEN_X").contains("--allow-net"));
        let none = ask("https://example.org/", "KILN_TOKEN_THAT_NOBODY_SET");
        assert!(none.contains("no token in the variable KILN_TOKEN_THAT_NOBODY_SET"), "{none}");
    }

    #[test]
    fn an_exchange_streams_and_has_its_limits() {
        let net = Allowed::new(&["127.0.0.1".into()]).unwrap();
        let port = serve(b"HTTP/1.1 429 Slow\r\nretry-after: 3\r\ncontent-length: 4\r\n\r\nwait".to_vec());
        let url = format!("http://127.0.0.1:{port}/x");
        let mut body = std::io::Cursor::new(vec![b'x'; 1000]);
        let asked = Exchange { method: "POST", content: Content::Stream(&mut body), ..Exchange::get(&url) };
        let mut answer = net.exchange(asked).unwrap();
        assert_eq!((answer.status, answer.header("Retry-After")), (429, Some("3")));
        assert_eq!(answer.bytes().unwrap(), b"wait");

        let port = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlong".to_vec());
        let url = format!("http://127.0.0.1:{port}/x");
        let mut long = net.exchange(Exchange { most: 3, ..Exchange::get(&url) }).unwrap();
        assert!(long.bytes().is_err());

        let port =
            serve(b"HTTP/1.1 301 Moved\r\nlocation: http://evil.org/\r\ncontent-length: 0\r\n\r\n".to_vec());
        let moved = net.exchange(Exchange::get(&format!("http://127.0.0.1:{port}/x"))).unwrap_err();
        assert!(moved.what.contains("evil.org"), "{moved}");
    }

    #[test]
    fn an_answer_comes_back_and_has_its_limits() {
        let port = serve(b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnope".to_vec());
        let net = Allowed::new(&["127.0.0.1".into()]).unwrap();
        let answer = net.send(&get(&format!("http://127.0.0.1:{port}/x"))).unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (404, &b"nope"[..]));

        let port =
            serve(b"HTTP/1.1 302 Found\r\nlocation: http://evil.org/\r\ncontent-length: 0\r\n\r\n".to_vec());
        let moved = net.send(&get(&format!("http://127.0.0.1:{port}/x"))).unwrap_err();
        assert!(moved.what.contains("evil.org"), "{moved}");

        let mut long = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
        long.resize(long.len() + 5_000_000, b'x');
        let port = serve(long);
        assert!(net.send(&get(&format!("http://127.0.0.1:{port}/x"))).is_err());
    }
}
