//! Where the fetched files are, and what happens when they are not there.
#![allow(
    clippy::panic,
    clippy::print_stderr,
    reason = "tools for tests: a test without its weights says so, or stops"
)]

use std::path::{Path, PathBuf};

use crate::convert::convert;

/// What should be there.
const FILES: &str = include_str!("../files.txt");

fn folder() -> PathBuf {
    let of_repository = std::env::var_os("KILN_REAL").map_or_else(|| "target/real".into(), PathBuf::from);
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(of_repository)
}

/// How many bytes the list says a file has.
fn listed(name: &str) -> Option<u64> {
    FILES.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (bytes, its_name) = match words.as_slice() {
            ["file", _, bytes, _, its_name] | ["chunks", _, bytes, _, _, its_name] => (bytes, *its_name),
            ["file", _, bytes, path] => (bytes, path.rsplit('/').next().unwrap_or(path)),
            _ => return None,
        };
        (its_name == name).then(|| bytes.parse().ok()).flatten()
    })
}

/// A fetched file. Where it is not there, `None`, and the reason on standard error: the test that asked has nothing to
/// do and returns.
///
/// # Panics
/// With `KILN_NEEDS_REAL` set, when the file is not there; always, when it is not of the length it should have, or the
/// list does not know it.
#[must_use]
pub fn fetched(name: &str) -> Option<PathBuf> {
    let Some(bytes) = listed(name) else { panic!("tests/real/files.txt has no {name}") };
    let path = folder().join(name);
    match std::fs::metadata(&path) {
        Ok(file) if file.len() == bytes => Some(path),
        Ok(file) => panic!("{} has {} bytes, not {bytes}; run tests/real/fetch", path.display(), file.len()),
        Err(error) => {
            let what = format!("{}: {error}; tests/real/fetch brings the real weights", path.display());
            assert!(std::env::var_os("KILN_NEEDS_REAL").is_none(), "{what}");
            eprintln!("left out: {what}");
            None
        }
    }
}

/// A fetched pair of ncnn files as safetensors; `None` as for [`fetched`].
///
/// # Panics
/// As [`fetched`], and when the pair cannot be converted.
#[must_use]
pub fn converted(name: &str) -> Option<PathBuf> {
    let (param, _) = (fetched(&format!("{name}.param"))?, fetched(&format!("{name}.bin"))?);
    let folder = folder().join("converted");
    let to = folder.join(format!("{name}.safetensors"));
    // Made again every time: it is quick, and a change of the conversion cannot be missed.
    match std::fs::create_dir_all(&folder)
        .map_err(|e| e.to_string())
        .and_then(|()| convert(&param, &to).map_err(|e| e.to_string()))
    {
        Ok(()) => Some(to),
        Err(what) => panic!("{what}"),
    }
}
