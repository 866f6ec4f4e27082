//! A line between two programs that does harm: it flips bytes, drops answers, or says "too much".

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is done to one connection.
#[derive(Clone, Debug)]
pub enum Harm {
    /// Nothing.
    None,
    /// The first of these bytes on the way there becomes another.
    FlipThere(Vec<u8>),
    /// The first of these bytes on the way back becomes another.
    FlipBack(Vec<u8>),
    /// The question arrives; its answer is lost.
    LoseAnswer,
    /// The question is answered with 429.
    TooMuch,
}

/// A line to `to` (host:port); `harm` says what is done to the n-th connection, given its first line.
pub struct Proxy {
    pub url: String,
    pub count: Arc<AtomicU64>,
}

impl Proxy {
    pub fn new(to: &str, harm: impl Fn(u64, &str) -> Harm + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (to, harm, count) = (to.to_owned(), Arc::new(harm), Arc::new(AtomicU64::new(0)));
        let counted = count.clone();
        std::thread::spawn(move || {
            for here in listener.incoming().flatten() {
                let (to, harm) = (to.clone(), harm.clone());
                let nth = counted.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    let _ = carry(here, &to, nth, &*harm);
                });
            }
        });
        Self { url, count }
    }
}

fn carry(mut here: TcpStream, to: &str, nth: u64, harm: &dyn Fn(u64, &str) -> Harm) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if here.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let harm = harm(nth, text.lines().next().unwrap_or_default());
    if matches!(harm, Harm::TooMuch) {
        here.write_all(
            b"HTTP/1.1 429 Slow\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        )?;
        // The rest of the question is read, so that the answer is not lost with the line.
        here.shutdown(Shutdown::Write)?;
        let _ = std::io::copy(&mut here, &mut std::io::sink());
        return Ok(());
    }
    let mut there = TcpStream::connect(to)?;
    // One question a line: nothing comes after the answer that would go unharmed.
    let head = text.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    there.write_all(head.as_bytes())?;
    let (mut from, mut onward) = (here.try_clone()?, there.try_clone()?);
    let needle = if let Harm::FlipThere(n) = &harm { n.clone() } else { Vec::new() };
    std::thread::spawn(move || pump(&mut from, &mut onward, &needle));
    let needle = if let Harm::FlipBack(n) = &harm { n.clone() } else { Vec::new() };
    if matches!(harm, Harm::LoseAnswer) {
        let _ = std::io::copy(&mut there, &mut std::io::sink());
    } else {
        let _ = pump(&mut there, &mut here, &needle);
    }
    here.shutdown(Shutdown::Both)
}

/// Carries bytes; the first place that reads like `needle` has its first bit flipped.
fn pump(from: &mut TcpStream, to: &mut TcpStream, needle: &[u8]) -> std::io::Result<()> {
    let mut part = vec![0; 64 << 10];
    let mut flipped = needle.is_empty();
    let mut held: Vec<u8> = Vec::new();
    loop {
        let n = from.read(&mut part)?;
        held.extend(&part[..n]);
        if !flipped && let Some(at) = held.windows(needle.len()).position(|w| w == needle) {
            held[at] ^= 1;
            flipped = true;
        }
        // What may be the needle's beginning waits for its end.
        let keep = if flipped || n == 0 { 0 } else { (needle.len() - 1).min(held.len()) };
        let ready = held.len() - keep;
        to.write_all(&held[..ready])?;
        held.drain(..ready);
        if n == 0 {
            return to.shutdown(Shutdown::Write);
        }
    }
}
