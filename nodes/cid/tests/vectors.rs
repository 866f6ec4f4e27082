//! Names that other programs give to the same bytes: `cids.md` beside this file says which.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_cid::{Cid, FileBuilder, Made, Memory, Profile, Tree, Walk, add_bytes, folder};
use kiln_cid::{Entry, Sink};

const VECTORS: &str = include_str!("cids.md");

/// The file of `len` bytes that count to 250 and begin again.
fn counted(profile: Profile, len: usize, sink: &mut dyn Sink) -> Made {
    let part: Vec<u8> = (0..251 * 1000).map(|i| (i % 251) as u8).collect();
    let mut file = FileBuilder::new(profile);
    let mut left = len;
    while left > 0 {
        let now = left.min(part.len());
        file.push(&part[..now], sink).unwrap();
        left -= now;
    }
    file.finish(sink).unwrap()
}

fn tokens(profile: Profile, numbers: std::ops::Range<u32>, sink: &mut dyn Sink) -> Made {
    let entry = |i: u32, sink: &mut dyn Sink| {
        let content = format!("{{\"name\":\"Token #{i}\"}}\n");
        Entry { name: format!("{i}.json"), made: add_bytes(profile, content.as_bytes(), sink).unwrap() }
    };
    let entries = numbers.map(|i| entry(i, sink)).collect();
    folder(profile, entries, sink).unwrap()
}

/// Files `x` named by their number in so many digits; `last` more with one name of another length.
fn named(profile: Profile, count: usize, digits: usize, last: Option<usize>, sink: &mut dyn Sink) -> Made {
    let made = add_bytes(profile, b"x", sink).unwrap();
    let digits = |at: usize| if at == count { last.unwrap_or(digits) } else { digits };
    let all = count + usize::from(last.is_some());
    let entries = (0..all).map(|i| Entry { name: format!("{i:0w$}", w = digits(i)), made }).collect();
    folder(profile, entries, sink).unwrap()
}

fn made(profile: Profile, name: &str, sink: &mut dyn Sink) -> Made {
    match name {
        "hello world" => add_bytes(profile, b"hello world", sink).unwrap(),
        "empty" => add_bytes(profile, b"", sink).unwrap(),
        "one" => add_bytes(profile, &[0], sink).unwrap(),
        "256k" => counted(profile, 262_144, sink),
        "256k1" => counted(profile, 262_145, sink),
        "1m" => counted(profile, 1_048_576, sink),
        "1m1" => counted(profile, 1_048_577, sink),
        "5mb" => counted(profile, 5_000_000, sink),
        "46mb" => counted(profile, 46_000_000, sink),
        "dir3" => tokens(profile, 1..4, sink),
        "dir10k" => tokens(profile, 0..10_000, sink),
        "at-threshold 4096 files x name30 content \"x\"" => named(profile, 4096, 30, None, sink),
        "over-threshold 4033 files x name31 content \"x\"" => named(profile, 4033, 31, None, sink),
        "at-threshold 4765 x name11 + 1 x name21 content \"x\"" => named(profile, 4765, 11, Some(21), sink),
        "over-threshold 4765 x name11 + 1 x name22 content \"x\"" => named(profile, 4765, 11, Some(22), sink),
        "nested a/b.txt + c.txt" => nested(profile, sink),
        dir => tokens(profile, 0..dir.strip_prefix("dir").unwrap().parse().unwrap(), sink),
    }
}

/// Their content is their letter; `cids.md` does not say so.
fn nested(profile: Profile, sink: &mut dyn Sink) -> Made {
    let mut tree = Tree::default();
    tree.insert("c.txt", add_bytes(profile, b"c", sink).unwrap()).unwrap();
    tree.insert("a/b.txt", add_bytes(profile, b"b", sink).unwrap()).unwrap();
    tree.build(profile, sink).unwrap()
}

#[test]
fn all_names_are_as_others_give_them() {
    let mut profile = None;
    let (mut checked, mut wrong) = (0, Vec::new());
    for line in VECTORS.lines() {
        if let Some(name) = line.strip_prefix("### ") {
            profile = Some(Profile::named(name).unwrap());
            continue;
        }
        let Some(line) = line.strip_prefix("- `") else { continue };
        let (name, line) = line.split_once("` -> `").unwrap();
        let said = line.strip_suffix('`').unwrap();
        let mut words = said.split(' ');
        let cid = words.next().unwrap();
        let mut memory = Memory::default();
        let profile = profile.unwrap();
        let made = made(profile, name, &mut memory);
        checked += 1;
        if made.cid.to_string() != cid {
            wrong.push(format!("{} {name}: {} instead of {cid}", profile.name(), made.cid));
        }
        assert_eq!(cid.parse::<Cid>().unwrap().to_string(), cid);
        let mut walk = Walk::new(&memory, made.cid, 100_000);
        let first = walk.step().unwrap().unwrap();
        while walk.step().unwrap().is_some() {}
        if let Some(blocks) = words.find_map(|w| w.strip_prefix("blocks=")) {
            assert_eq!(walk.seen().len().to_string(), blocks, "{name}");
            let divided = first.1.ends_with(&[0x28, 0x22, 0x30, 0x80, 0x02]);
            assert_eq!(divided, said.contains("hamt"), "{name}");
        }
        assert_eq!(walk.seen().len(), memory.blocks.len(), "every block is below the root");
    }
    assert_eq!(checked, 38);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
