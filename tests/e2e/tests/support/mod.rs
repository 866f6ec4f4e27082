//! Running the real programs in folders of their own.
#![allow(
    dead_code,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The program under test: built beside this test, or named by `KILN_GRAPH_RUN`.
pub fn graph_run() -> PathBuf {
    if let Some(path) = std::env::var_os("KILN_GRAPH_RUN") {
        return path.into();
    }
    let mut folder = std::env::current_exe().unwrap();
    folder.pop();
    if folder.ends_with("deps") {
        folder.pop();
    }
    let program = folder.join("graph-run");
    assert!(
        program.exists(),
        "build graph-run first: cargo build -p graph-run (looked at {})",
        program.display()
    );
    program
}

/// `graph-run` with a cache of its own.
pub fn command(dir: &Path) -> Command {
    let mut c = Command::new(graph_run());
    c.current_dir(dir).env("KILN_CACHE", dir.join("cache")).env_remove("KILN_MODELS").stdin(Stdio::null());
    c
}

/// Runs to the end; exit code, standard output, standard error.
pub fn run(command: &mut Command) -> (i32, String, String) {
    let out = command.output().unwrap();
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    (out.status.code().unwrap_or(-1), text(&out.stdout), text(&out.stderr))
}

/// Every file below a folder with its bytes, Kiln's own left out.
pub fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(dir: &Path, base: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        let Ok(entries) = std::fs::read_dir(dir) else { return };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(base).unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.ends_with(".kiln") {
                    walk(&path, base, found);
                }
            } else {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(dir, dir, &mut found);
    found
}

/// The small unkind world, on loopback; stopped by its process id.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    pub fn start(kind: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_counting-server"))
            .arg(kind)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().unwrap() }
    }

    /// Requests, requests left unanswered though done, and how often each (path, key) was done.
    pub fn report(&self) -> (u64, u64, BTreeMap<(String, String), u64>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(b"GET /report HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let body = text.split_once("\r\n\r\n").unwrap().1;
        let mut lines = body.lines();
        let (requests, unanswered) = lines.next().unwrap().split_once(' ').unwrap();
        let done = lines
            .map(|l| {
                let parts: Vec<&str> = l.split(' ').collect();
                ((parts[0].to_owned(), parts[1].to_owned()), parts[2].parse().unwrap())
            })
            .collect();
        (requests.parse().unwrap(), unanswered.parse().unwrap(), done)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A generator whose seed is printed, so that a failure can be run again.
pub struct Dice(pub u64);

impl Dice {
    pub fn new() -> Self {
        let seed = match std::env::var("KILN_SEED") {
            Ok(s) => s.parse().unwrap(),
            Err(_) => u64::from(std::process::id()) * 2_654_435_761 + 12_345,
        };
        println!("KILN_SEED={seed}");
        Self(seed | 1)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}
