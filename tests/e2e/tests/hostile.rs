//! Every reader gets damaged input: an error, never a panic, a hang, or more than 512 MB.
//!
//! Files of the corpus are changed at random (bytes, words, cuts, repeats, joins of two files) and read as
//! what they pretend to be: 10,000 cases here, 100,000 with `KILN_FULL=1`. The seed is printed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on stops")]
mod support;

use kiln_core::document::Graph;
use kiln_core::doors::Sandbox;
use kiln_core::{Engine, Wish};
use std::alloc::{GlobalAlloc, Layout, System};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use support::Dice;

/// Counts what is allocated, and the most that ever was.
struct Counting;
static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code, reason = "an allocator is unsafe by its nature; this one passes everything on")]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const LIMIT: usize = 512 << 20;
const WORDS: &[&str] = &[
    "nodes",
    "type",
    "from",
    "with",
    "Graph(",
    "kiln: 1",
    "\"",
    "((",
    "[[[[",
    "{",
    "}",
    ")",
    "99999999999999999999",
    "-1",
    "1e308",
    "NaN",
    "..",
    "/",
    "\\",
    "\0",
    "$.x",
    "#2",
    "LUT_3D_SIZE 256",
    "DOMAIN_MAX",
    ",,,,",
    "\r\n",
    "\u{feff}",
    "r#\"",
    "/*",
    "//",
    "null",
    "true",
    "\"retry\": \"a.b\"",
    "(16384, 16384)",
    "Subgraph",
    "graphs",
    "\u{1F600}",
];

fn corpus() -> Vec<PathBuf> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut found = Vec::new();
    for folder in
        ["tests/fixtures/document/corpus", "tests/fixtures/codec", "tests/fixtures/hostile", "graphs"]
    {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        found.extend(entries.map(|e| e.unwrap().path()).filter(|p| p.is_file()));
    }
    found.sort();
    assert!(found.len() > 60, "the corpus is missing");
    found
}

fn change(mut bytes: Vec<u8>, other: &[u8], dice: &mut Dice) -> Vec<u8> {
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() as u64 + 1) as usize;
        match dice.below(8) {
            0 => bytes.truncate(at),
            1 | 2 if at < bytes.len() => bytes[at] = dice.below(256) as u8,
            3 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            4 => {
                let word = WORDS[dice.below(WORDS.len() as u64) as usize].as_bytes();
                bytes.splice(at..at, word.iter().copied());
            }
            5 => {
                let end = (at + dice.below(64) as usize).min(bytes.len());
                let part = bytes[at..end].to_vec();
                for _ in 0..dice.below(20) {
                    bytes.splice(at..at, part.iter().copied());
                }
            }
            6 => {
                let from = dice.below(other.len() as u64 + 1) as usize;
                bytes.splice(at.., other[from..].iter().copied());
            }
            _ => {
                let end = (at + dice.below(16) as usize).min(bytes.len());
                bytes.drain(at..end);
            }
        }
        bytes.truncate(1 << 20);
    }
    bytes
}

/// Reads the bytes as everything that such a file could be taken for.
fn read(engine: &Engine, name: &str, bytes: &[u8], dir: &Path) {
    match name.rsplit('.').next().unwrap_or_default() {
        "ron" => {
            if let Ok(graph) = Graph::parse_bytes(bytes) {
                for batch in [false, true] {
                    let wish = Wish { batch, ..Wish::default() };
                    let (plan, _) = engine.check(&graph, &Sandbox::new(dir), &wish);
                    if let Some(plan) = plan {
                        let _ = engine.keys(&plan, &kiln_core::Setup::new("k", dir), None);
                    }
                }
                let again = Graph::parse(&graph.to_text());
                assert!(again.is_ok_and(|g| g.to_text() == graph.to_text()), "the canonical form reads back");
            }
        }
        ending @ ("csv" | "json") => {
            let path = dir.join(format!("rows.{ending}"));
            std::fs::write(&path, bytes).unwrap();
            let _ = graph_run::rows::read(&path);
        }
        "cube" => {
            if let Ok(text) = std::str::from_utf8(bytes) {
                let _ = kiln_pixels::lut::Lut::parse(text);
            }
        }
        _ => {
            let limits = kiln_codec::Limits { max_pixels: 1 << 22, max_bytes: 256 << 20, max_frames: 50 };
            let _ = kiln_codec::decode(bytes, &limits);
            let _ = kiln_codec::read_text(bytes, "kiln");
        }
    }
}

#[test]
fn damaged_files_are_errors() {
    let cases = if std::env::var_os("KILN_FULL").is_some() { 100_000 } else { 10_000 };
    // The quick form is the same every time; the full one explores, and prints its seed.
    let full = std::env::var_os("KILN_FULL").is_some() || std::env::var_os("KILN_SEED").is_some();
    let mut dice = if full { Dice::new() } else { Dice(20_261_120) };
    let engine = Engine::new(kiln_nodes::registry()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let files: Vec<(String, Vec<u8>)> = corpus()
        .into_iter()
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&p).unwrap()))
        .filter(|(_, b)| b.len() < 200_000)
        .collect();
    let (mut slowest, mut slow_name) = (0.0, String::new());
    for (name, bytes) in files.iter().filter(|(n, _)| n.starts_with("huge_") || n.starts_with("tall")) {
        read(&engine, name, bytes, dir.path());
    }
    for case in 0..cases {
        let (name, bytes) = &files[dice.below(files.len() as u64) as usize];
        let other = &files[dice.below(files.len() as u64) as usize].1;
        let changed = change(bytes.clone(), other, &mut dice);
        let begun = Instant::now();
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            read(&engine, name, &changed, dir.path());
        }));
        let most = MOST.load(Ordering::Relaxed);
        if done.is_err() || most >= LIMIT {
            let keep = std::env::temp_dir().join(format!("kiln-hostile-{case}-{name}"));
            std::fs::write(&keep, &changed).unwrap();
            let what = if done.is_err() { "broke a reader".to_owned() } else { format!("took {most} bytes") };
            panic!("case {case} of {name} {what}; the input is kept in {}", keep.display());
        }
        let took = begun.elapsed().as_secs_f64();
        if took > slowest {
            (slowest, slow_name) = (took, format!("case {case} of {name}"));
        }
    }
    println!(
        "{cases} cases; most memory {} MB; the slowest, {slow_name}, took {slowest:.2} s",
        MOST.load(Ordering::Relaxed) >> 20
    );
    assert!(slowest < 60.0, "{slow_name} took {slowest} s");
}
