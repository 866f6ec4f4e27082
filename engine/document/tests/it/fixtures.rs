//! Files under `tests/fixtures/document/`.

use std::{fs, path::PathBuf};

pub(crate) fn dir(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/document").join(name)
}

/// Name and text of each `.ron` file in a folder, in order of names.
pub(crate) fn files(name: &str) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(dir(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "ron"))
        .map(|path| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// How many turns a long test takes: few while working, many with `KILN_FULL=1`.
pub(crate) fn turns(quick: u32, full: u32) -> u32 {
    if std::env::var("KILN_FULL").is_ok_and(|value| value == "1") { full } else { quick }
}
