//! A small world for the tests: a web server with faults, a node that speaks Kubo's RPC, a door to the network.

use kiln_cid::{Memory, Source, What, car, find, look, read_file};
use kiln_core::document::Graph;
use kiln_core::doors::{Answer, Clock, Content, Exchange, Net, OutFolder, Request, Response, Sandbox};
use kiln_core::store::{Folder, Millis, RealDisk};
use kiln_core::{Engine, Node as Node_, NodeError, Registry};
use kiln_storage::{BlockStore, Keeping, Patience, Wire};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it came.
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// What is answered.
pub enum Reply {
    Full {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// Closes the line without a word.
    Nothing,
    /// Answers without end.
    Endless,
}

pub fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply::Full { status, headers: Vec::new(), body: body.into() }
}

type Handler = dyn Fn(&Asked) -> Reply + Send + Sync;

/// A web server on this machine, until the test ends.
pub struct Web {
    pub url: String,
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl Web {
    pub fn new(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (handler, asked): (Arc<Handler>, _) = (Arc::new(handler), Arc::new(Mutex::new(Vec::new())));
        let log = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (handler, log) = (handler.clone(), log.clone());
                std::thread::spawn(move || {
                    let _ = serve(&stream, &*handler, &log);
                });
            }
        });
        Self { url, asked }
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// How many requests had this in their line.
    pub fn count(&self, what: &str) -> usize {
        self.asked().iter().filter(|a| a.contains(what)).count()
    }
}

fn serve(stream: &TcpStream, handler: &Handler, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap_or("").to_owned(), words.next().unwrap_or("").to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim().split_once(':') {
            Some((name, value)) => {
                headers.insert(name.to_lowercase(), value.trim().to_owned());
            }
            None => break,
        }
    }
    let mut body = Vec::new();
    if headers.get("transfer-encoding").is_some_and(|t| t == "chunked") {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size)?;
            let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
            let mut part = vec![0; size];
            reader.read_exact(&mut part)?;
            reader.read_line(&mut String::new())?;
            body.extend(part);
            if size == 0 {
                break;
            }
        }
    } else {
        let size = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
        body = vec![0; size];
        reader.read_exact(&mut body)?;
    }
    log.lock().unwrap().push(format!("{method} {path}"));
    let mut stream = stream;
    match handler(&Asked { method, path, headers, body }) {
        Reply::Nothing => Ok(()),
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&[b'x'; 65536])?;
            }
        }
        Reply::Full { status, headers, body } => {
            let more: String = headers.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect();
            let head = format!(
                "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n{more}\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes())?;
            stream.write_all(&body)
        }
    }
}

/// A node that speaks Kubo's RPC, and a gateway on the same port.
#[derive(Default)]
pub struct Node {
    pub blocks: Mutex<Memory>,
    pub pins: Mutex<Vec<String>>,
}

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b == b'%' {
            let hex: String = bytes.by_ref().take(2).map(char::from).collect();
            out.push(u8::from_str_radix(&hex, 16).unwrap());
        } else {
            out.push(b);
        }
    }
    String::from_utf8(out).unwrap()
}

impl Node {
    /// The bytes of `root/path`.
    fn cat(&self, path: &str) -> Option<Vec<u8>> {
        let path = decoded(path);
        let (root, rest) = path.split_once('/').unwrap_or((&path, ""));
        let blocks = self.blocks.lock().unwrap();
        let cid = find(&*blocks as &dyn Source, &root.parse().ok()?, rest).ok()??;
        if look(&*blocks, &cid).ok()?.what != What::File {
            return None;
        }
        let mut out = Vec::new();
        read_file(&*blocks, &cid, u64::MAX, &mut out).ok()?;
        Some(out)
    }

    pub fn answer(&self, asked: &Asked) -> Reply {
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        let arg = query.split('&').find_map(|q| q.strip_prefix("arg=")).unwrap_or_default();
        let error =
            |text: &str| reply(500, format!("{{\"Message\":\"{text}\",\"Code\":0,\"Type\":\"error\"}}"));
        match path {
            "/api/v0/dag/import" => {
                let start = asked.body.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
                let end = asked.body.windows(6).rposition(|w| w == b"\r\n--ki").unwrap();
                let Ok(mut reader) = car::Reader::new(&asked.body[start..end]) else {
                    return error("no CAR");
                };
                let root = reader.roots()[0];
                if let Err(e) = reader.import(&mut *self.blocks.lock().unwrap()) {
                    return error(&e.to_string().replace('"', "'"));
                }
                self.pins.lock().unwrap().push(root.to_string());
                reply(200, format!("{{\"Root\":{{\"Cid\":{{\"/\":\"{root}\"}},\"PinErrorMsg\":\"\"}}}}\n"))
            }
            "/api/v0/pin/ls" if self.pins.lock().unwrap().iter().any(|p| p == arg) => {
                reply(200, format!("{{\"Keys\":{{\"{arg}\":{{\"Type\":\"recursive\"}}}}}}\n"))
            }
            "/api/v0/pin/ls" => error(&format!("path '{arg}' is not pinned")),
            "/api/v0/pin/add" => {
                self.pins.lock().unwrap().push(arg.to_owned());
                reply(200, "{}")
            }
            "/api/v0/id" => reply(200, r#"{"ID":"x","Addresses":["/ip4/127.0.0.1/tcp/4001/p2p/x"]}"#),
            "/api/v0/swarm/connect" => reply(200, "{}"),
            "/api/v0/cat" => match self.cat(arg.strip_prefix("/ipfs/").unwrap_or(arg)) {
                Some(bytes) => reply(200, bytes),
                None => error("no such file"),
            },
            _ => match path.strip_prefix("/ipfs/").and_then(|p| self.cat(p)) {
                Some(bytes) => reply(200, bytes),
                None => reply(404, "not found"),
            },
        }
    }

    /// One that is well.
    pub fn serve() -> (Arc<Self>, Web) {
        Self::with(|_, _| None)
    }

    /// One whose answers `fault` may replace: it gets the request and its number.
    pub fn with(fault: impl Fn(&Asked, u64) -> Option<Reply> + Send + Sync + 'static) -> (Arc<Self>, Web) {
        let node = Arc::new(Self::default());
        let (inner, count) = (node.clone(), AtomicU64::new(0));
        let web = Web::new(move |asked| {
            let nth = count.fetch_add(1, Ordering::SeqCst);
            fault(asked, nth).unwrap_or_else(|| inner.answer(asked))
        });
        (node, web)
    }
}

/// The network for tests: everything on this machine, no redirects; tokens by name.
pub struct Door {
    agent: ureq::Agent,
    tokens: BTreeMap<String, String>,
}

impl Door {
    pub fn new(tokens: &[(&str, &str)]) -> Arc<Self> {
        let config =
            ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false).proxy(None).build();
        let tokens = tokens.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Arc::new(Self { agent: config.into(), tokens })
    }
}

impl Net for Door {
    fn send(&self, _: &Request) -> Result<Response, NodeError> {
        Err(NodeError::new("not used here").hint("-"))
    }
    fn exchange(&self, e: Exchange<'_>) -> Result<Answer, NodeError> {
        let broken = |e: ureq::Error| NodeError::new(format!("no answer: {e}"));
        let mut building = ureq::http::Request::builder().method(e.method).uri(e.url);
        for (name, value) in e.headers {
            building = building.header(*name, *value);
        }
        let mut secret = None;
        if let Some(name) = e.token {
            let none = || NodeError::new(format!("there is no token in the variable {name}")).hint("set it");
            let token = self.tokens.get(name).ok_or_else(none)?.clone();
            building = building.header("Authorization", format!("Bearer {token}"));
            secret = Some(token);
        }
        let limit = Some(e.timeout.min(Duration::from_secs(20)));
        macro_rules! go {
            ($body:expr) => {{
                let request = self.agent.configure_request(building.body($body).unwrap());
                self.agent.run(request.timeout_global(limit).build()).map_err(broken)?
            }};
        }
        let answer = match e.content {
            Content::None => go!(()),
            Content::Bytes(bytes) => go!(bytes),
            Content::Stream(stream) => go!(ureq::SendBody::from_reader(stream)),
        };
        if answer.status().is_redirection() {
            return Err(NodeError::new("it sends on to elsewhere, which is not followed")
                .hint("write the last address"));
        }
        let status = answer.status().as_u16();
        let headers = answer.headers().iter();
        let headers = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap_or("").to_owned())).collect();
        let body = answer.into_body().into_with_config().limit(e.most).reader();
        Ok(Answer::new(status, headers, Box::new(body), secret))
    }
}

/// The same door for calls without a run, whose clock only moves when somebody rests.
pub struct Line {
    pub door: Arc<Door>,
    pub slept: Mutex<Vec<u64>>,
}

impl Line {
    pub fn new(tokens: &[(&str, &str)]) -> Self {
        Self { door: Door::new(tokens), slept: Mutex::default() }
    }
}

impl Wire for Line {
    fn exchange(&self, exchange: Exchange<'_>) -> Result<Answer, NodeError> {
        self.door.exchange(exchange)
    }
    fn rest(&self, time: Duration) -> Result<(), NodeError> {
        self.slept.lock().unwrap().push(time.as_millis() as u64);
        Ok(())
    }
    fn now(&self) -> u64 {
        self.slept.lock().unwrap().iter().sum()
    }
    fn progress(&self, _: u64, _: u64) {}
}

pub fn patience() -> Patience {
    Patience { tries: 3, ..Patience::default() }
}

/// A clock that only moves when somebody rests.
#[derive(Default)]
pub struct Quick(AtomicU64);

impl Clock for Quick {
    fn now(&self) -> Millis {
        Millis(1 + self.0.load(Ordering::SeqCst))
    }
    fn pause(&self, time: Duration) {
        self.0.fetch_add(time.as_millis() as u64, Ordering::SeqCst);
    }
}

pub fn store(dir: &Path) -> BlockStore {
    BlockStore::open(dir, Arc::new(RealDisk)).unwrap()
}

/// A folder of `n` files in a store; its root and its bytes.
pub fn some_folder(store: &BlockStore, n: u32) -> (kiln_cid::Cid, u64) {
    let mut tree = kiln_cid::Tree::default();
    for i in 0..n {
        let content = format!("file {i}\n").repeat(i as usize + 1);
        let made =
            kiln_cid::add_bytes(kiln_cid::Profile::V1, content.as_bytes(), &mut Keeping(store)).unwrap();
        tree.insert(&format!("sub {}/ö{i}.txt", i % 2), made).unwrap();
    }
    let made = tree.build(kiln_cid::Profile::V1, &mut Keeping(store)).unwrap();
    store.pin(&made.cid, "some", made.size).unwrap();
    (made.cid, made.size)
}

pub fn engine() -> Engine {
    let mut registry = Registry::new();
    registry.add_all(kiln_basics::nodes());
    registry.add_all(kiln_storage::nodes(png));
    kiln_storage::add_codecs(&mut registry);
    // What a node that mints does first.
    registry.add(
        Node_::pure("Proved", 1, |cx| {
            let value = cx.value("pinned")?;
            let proof = kiln_storage::Pinned::of(&value).ok_or_else(|| NodeError::new("no proof"))?;
            let words = format!("{} {} {} {}", proof.uri(), proof.bytes(), proof.place(), proof.complete());
            cx.set("text", words.as_str());
            Ok(())
        })
        .title("Proved")
        .input("pinned", kiln_storage::PINNED, "The proof.")
        .output("text", kiln_core::types::names::TEXT, "What it says."),
    );
    Engine::new(registry).unwrap().with_clock(Arc::new(Quick::default()))
}

pub fn graph(nodes: &str) -> Graph {
    Graph::parse(&format!("Graph(kiln: 1, nodes: {{ {nodes} }})")).unwrap_or_else(|e| panic!("{e}\n{nodes}"))
}

pub fn out(dir: &Path) -> Arc<OutFolder> {
    let folder = Folder::open(dir, Millis(1)).unwrap();
    Arc::new(OutFolder::new(dir, folder, Arc::new(RealDisk)))
}

pub fn sandbox(dir: &Path) -> Sandbox {
    Sandbox::new(dir)
}

/// A picture's file.
pub fn png(image: &kiln_core::types::Image) -> Result<Vec<u8>, String> {
    let options = kiln_codec::SaveOptions::new(kiln_codec::Format::Png);
    kiln_codec::encode(image, 0, &options).map_err(|e| e.to_string())
}
