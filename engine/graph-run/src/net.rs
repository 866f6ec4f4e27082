//! The network door: HTTP to the hosts named on the command line, and to no others.

use crate::fail::Fail;
use kiln_core::NodeError;
use kiln_core::doors::{Net, Request, Response};
use std::time::Duration;

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

impl Net for Allowed {
    fn send(&self, request: &Request) -> Result<Response, NodeError> {
        let (name, port) = target(&request.url)?;
        if !self.allows(&name, port) {
            return Err(NodeError::new(format!("{name}:{port} is no host this run may reach"))
                .hint(format!("allow it with --allow-net {name}:{port}")));
        }
        let broken = |e: &dyn std::fmt::Display| NodeError::new(format!("{name}:{port} did not answer: {e}"));
        let mut building = ureq::http::Request::builder().method(request.method.as_str()).uri(&request.url);
        for (key, value) in &request.headers {
            building = building.header(key, value);
        }
        let asked = building.body(request.body.as_slice()).map_err(|e| broken(&e))?;
        let mut answer = self.agent.run(asked).map_err(|e| broken(&e))?;
        let status = answer.status().as_u16();
        if answer.status().is_redirection() {
            let to = answer.headers().get("location").and_then(|v| v.to_str().ok()).unwrap_or("elsewhere");
            return Err(NodeError::new(format!("{name}:{port} sends on to {to}, which is not followed"))
                .hint("put the last address into the graph"));
        }
        let body = answer.body_mut().with_config().limit(MAX_BODY).read_to_vec();
        Ok(Response { status, body: body.map_err(|e| broken(&e))? })
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

    /// Answers one request with these bytes.
    fn serve(answer: Vec<u8>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked).unwrap();
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
