//! A layered collection, small: everything is there, as a plain loop draws it, and however many work on it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod layered;

use kiln_collection::seal::{self, Known};
use kiln_report::disk::DiskFiles;
use std::path::Path;

const ITEMS: u64 = 40;
const SIDE: u32 = 48;

fn rgba(path: &Path) -> image::RgbaImage {
    image::open(path).unwrap().into_rgba8()
}

#[test]
fn a_layered_collection_is_whole_whoever_makes_it() {
    let base = tempfile::tempdir().unwrap();
    layered::layers(&base.path().join("layers"), SIDE);
    let lists = layered::lists(base.path(), ITEMS);
    let names: std::collections::BTreeSet<_> = lists.iter().collect();
    assert_eq!(names.len() as u64, ITEMS, "two items have the same layers");
    let plain = tempfile::tempdir().unwrap();
    layered::plain(&lists, plain.path(), SIDE, 2, 1);
    let folders: Vec<_> = [1, 6]
        .map(|workers| {
            let out = tempfile::tempdir().unwrap();
            layered::collection(base.path(), out.path(), ITEMS, workers, 1);
            out
        })
        .into();
    for item in 0..ITEMS {
        let ours = rgba(&folders[0].path().join(format!("images/{item}.png")));
        let theirs = rgba(&plain.path().join(format!("{item}.png")));
        let most = ours.iter().zip(theirs.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(most <= 2, "item {item} differs by {most} of 255");
        for file in [format!("images/{item}.png"), format!("metadata/{item}.json")] {
            let read = |at: usize| std::fs::read(folders[at].path().join(&file)).unwrap();
            assert_eq!(read(0), read(1), "{file} depends on how many work at once");
        }
    }
    for out in &folders {
        let audit = seal::audit(&DiskFiles::new(out.path()), &Known::default());
        assert!(audit.holds(), "{:?}", audit.breaks);
        assert_eq!(audit.manifest.unwrap().items.len() as u64, ITEMS);
        for file in ["collection.json", "report/index.html"] {
            assert!(out.path().join(file).is_file(), "{file}");
        }
    }
}
