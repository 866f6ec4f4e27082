//! What holds for every file and folder: they come back, however they were cut up, and a CAR file carries them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_cid::{
    Cid, Discard, Entry, FileBuilder, Made, Memory, Profile, Tree, Walk, What, add_bytes, add_path,
    add_reader, car, find, folder, list, look, read_file,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::Read;

fn bytes(len: usize, seed: u8) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn back(memory: &Memory, made: &Made) -> Vec<u8> {
    let mut out = Vec::new();
    let written = read_file(memory, &made.cid, u64::MAX, &mut out).unwrap();
    assert_eq!((written, made.size), (out.len() as u64, out.len() as u64));
    out
}

#[test]
fn files_around_the_edges_of_blocks_come_back() {
    for profile in Profile::ALL {
        let chunk = if profile == Profile::V1 { 1 << 20 } else { 1 << 18 };
        for len in [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk - 1, 2 * chunk, 2 * chunk + 1] {
            let content = bytes(len, 7);
            let mut memory = Memory::default();
            let made = add_bytes(profile, &content, &mut memory).unwrap();
            assert_eq!(back(&memory, &made), content, "{len}");
            assert_eq!(look(&memory, &made.cid).unwrap().what, What::File);
            assert_eq!(look(&memory, &made.cid).unwrap().size, len as u64);
            if len > 0 {
                let most = len as u64 - 1;
                assert!(read_file(&memory, &made.cid, most, &mut Vec::new()).is_err(), "a bound holds");
            }
        }
    }
}

#[test]
fn a_file_at_the_edge_of_a_node_is_a_higher_tree() {
    // 174 blocks fit under one node of version 0.
    for (blocks, below) in [(174usize, 174), (175, 177)] {
        let mut memory = Memory::default();
        let content: Vec<u8> = (0..blocks).flat_map(|b| std::iter::repeat_n(b as u8, 1 << 18)).collect();
        let made = add_bytes(Profile::V0, &content, &mut memory).unwrap();
        assert_eq!(memory.blocks.len(), below + 1, "{blocks}");
        assert!(back(&memory, &made) == content);
    }
}

#[test]
fn a_long_file_needs_little_memory() {
    /// Gives zeros, and holds nothing.
    struct Zeros(u64);
    impl Read for Zeros {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            let part = to.len().min(usize::try_from(self.0).unwrap_or(usize::MAX));
            to[..part].fill(0);
            self.0 -= part as u64;
            Ok(part)
        }
    }
    // Blocks that come again are kept once, so the sink stays small as well.
    let mut memory = Memory::default();
    let made = add_reader(Profile::V1, &mut Zeros(300 << 20), &mut memory).unwrap();
    assert_eq!((made.size, memory.blocks.len()), (300 << 20, 2));
}

#[test]
fn ten_thousand_names_come_back() {
    for profile in Profile::ALL {
        let mut memory = Memory::default();
        let mut entries = Vec::new();
        for i in 0..10_000u32 {
            let made = add_bytes(profile, &i.to_le_bytes(), &mut memory).unwrap();
            entries.push(Entry { name: format!("{i}.json"), made });
        }
        let wanted: BTreeMap<String, Cid> = entries.iter().map(|e| (e.name.clone(), e.made.cid)).collect();
        let made = folder(profile, entries, &mut memory).unwrap();
        let mut found = BTreeMap::new();
        let mut each = |name: &str, cid: &Cid| {
            found.insert(name.to_owned(), *cid);
            Ok(())
        };
        assert_eq!(list(&memory, &made.cid, 10_000, &mut each).unwrap(), 10_000);
        assert!(found == wanted);
        assert!(list(&memory, &made.cid, 9_999, &mut |_, _| Ok(())).is_err(), "a bound holds");
        for i in (0..10_000).step_by(97) {
            let name = format!("{i}.json");
            assert_eq!(find(&memory, &made.cid, &name).unwrap(), Some(wanted[&name]));
        }
        assert_eq!(find(&memory, &made.cid, "10000.json").unwrap(), None);
        assert_eq!(find(&memory, &made.cid, "").unwrap(), Some(made.cid));
        assert!(find(&memory, &made.cid, "1.json/x").is_err());
    }
}

#[test]
fn folders_on_disk_are_the_same_as_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("a/deep")).unwrap();
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    std::fs::write(dir.path().join("a/deep/b.txt"), "b").unwrap();
    std::fs::write(dir.path().join("c.txt"), "c").unwrap();
    std::fs::write(dir.path().join(".hidden"), "h").unwrap();
    let mut tree = Tree::default();
    let file = |text: &str| add_bytes(Profile::V1, text.as_bytes(), &mut Discard).unwrap();
    tree.insert("a/deep/b.txt", file("b")).unwrap();
    tree.insert("c.txt", file("c")).unwrap();
    tree.insert("empty", folder(Profile::V1, Vec::new(), &mut Discard).unwrap()).unwrap();
    let wanted = tree.clone().build(Profile::V1, &mut Discard).unwrap();
    assert_eq!(add_path(Profile::V1, dir.path(), false, &mut Discard).unwrap(), wanted);
    assert_eq!(wanted.size, 2);
    tree.insert(".hidden", file("h")).unwrap();
    let wanted = tree.build(Profile::V1, &mut Discard).unwrap();
    assert_eq!(add_path(Profile::V1, dir.path(), true, &mut Discard).unwrap(), wanted);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("c.txt", dir.path().join("link")).unwrap();
        let said = add_path(Profile::V1, dir.path(), false, &mut Discard).unwrap_err().to_string();
        assert!(said.contains("link"), "{said}");
    }
    assert!(add_path(Profile::V1, &dir.path().join("none"), false, &mut Discard).is_err());
}

#[test]
fn names_that_cannot_be_are_refused() {
    let made = add_bytes(Profile::V1, b"x", &mut Discard).unwrap();
    let entry = |name: &str| Entry { name: name.to_owned(), made };
    for bad in ["", ".", "..", "a/b", "a\0", &"x".repeat(256)] {
        assert!(folder(Profile::V1, vec![entry(bad)], &mut Discard).is_err(), "{bad}");
    }
    assert!(folder(Profile::V1, vec![entry("a"), entry("b"), entry("a")], &mut Discard).is_err());
    let mut tree = Tree::default();
    tree.insert("a/b", made).unwrap();
    for bad in ["a/b", "a/b/c", "a", "/a", "a//b", "../a", "", &"a/".repeat(100)] {
        assert!(tree.insert(bad, made).is_err(), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn how_a_file_arrives_does_not_matter(
        len in 0usize..900_000, cuts in proptest::collection::vec(1usize..400_000, 1..6), seed: u8, old: bool,
    ) {
        let profile = if old { Profile::V0 } else { Profile::V1 };
        let content = bytes(len, seed);
        let mut memory = Memory::default();
        let mut file = FileBuilder::new(profile);
        let mut rest = content.as_slice();
        for cut in cuts {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            file.push(now, &mut memory).unwrap();
            rest = later;
        }
        file.push(rest, &mut memory).unwrap();
        let made = file.finish(&mut memory).unwrap();
        prop_assert_eq!(made, add_bytes(profile, &content, &mut Discard).unwrap());
        prop_assert!(back(&memory, &made) == content);
    }

    #[test]
    fn a_car_file_carries_a_folder(
        files in proptest::collection::btree_map("[a-zäß]{1,12}", 0usize..3_000, 0..40), old: bool,
        cut in 0usize..10_000, flip in 0usize..10_000,
    ) {
        let profile = if old { Profile::V0 } else { Profile::V1 };
        let mut memory = Memory::default();
        let entries = files.iter().map(|(name, len)| Entry {
            name: name.clone(),
            made: add_bytes(profile, &bytes(*len, name.len() as u8), &mut memory).unwrap(),
        }).collect();
        let made = folder(profile, entries, &mut memory).unwrap();
        let mut packed = Vec::new();
        let walk = || Walk::new(&memory, made.cid, 10_000);
        let (blocks, len) = car::write(&made.cid, walk(), &mut packed).unwrap();
        prop_assert_eq!((blocks, len), (memory.blocks.len() as u64, packed.len() as u64));
        let mut streamed = Vec::new();
        car::Stream::new(&made.cid, walk()).read_to_end(&mut streamed).unwrap();
        prop_assert!(streamed == packed);

        let mut other = Memory::default();
        let mut reader = car::Reader::new(packed.as_slice()).unwrap();
        prop_assert_eq!(reader.roots(), [made.cid]);
        prop_assert_eq!(reader.import(&mut other).unwrap(), blocks);
        prop_assert!(other.blocks == memory.blocks);

        // Whatever is damaged is noticed, or lies between whole blocks.
        let read = |bytes: &[u8]| car::Reader::new(bytes).and_then(|mut r| r.import(&mut Memory::default()));
        let cut = cut % packed.len();
        if let Ok(count) = read(&packed[..cut]) { prop_assert!(count < blocks) }
        let mut flipped = packed.clone();
        let at = flip % packed.len();
        flipped[at] ^= 0x10;
        if let Ok(mut reader) = car::Reader::new(flipped.as_slice()) {
            let changed = reader.roots() != [made.cid];
            prop_assert!(reader.import(&mut Memory::default()).is_err() || changed);
        }
    }
}
