//! Torch's zip archives as somebody else might have packed them, or broken them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::Scratch;
use kiln_weights::WeightFile;

/// How one entry is packed, and what the archive's list says about it.
#[derive(Clone)]
struct Entry {
    name: &'static str,
    data: Vec<u8>,
    method: u16,
    flags: u16,
    /// What the list says the unpacked length is, if not the truth.
    claimed: Option<u32>,
    crc: u32,
}

fn entry(name: &'static str, data: &[u8]) -> Entry {
    Entry { name, data: data.to_vec(), method: 0, flags: 0, claimed: None, crc: 0 }
}

/// A zip archive of these entries; `wide` writes every number as zip64 does.
fn archive(entries: &[Entry], wide: bool) -> Vec<u8> {
    let (mut out, mut list) = (Vec::new(), Vec::new());
    for entry in entries {
        let at = out.len() as u64;
        let (name, length) = (entry.name.as_bytes(), entry.data.len() as u64);
        out.extend(b"PK\x03\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        out.extend((name.len() as u16).to_le_bytes());
        out.extend(3_u16.to_le_bytes());
        out.extend(name);
        out.extend(b"pad");
        out.extend(&entry.data);

        list.extend(b"PK\x01\x02\0\0\0\0");
        list.extend(entry.flags.to_le_bytes());
        list.extend(entry.method.to_le_bytes());
        list.extend([0; 4]);
        list.extend(entry.crc.to_le_bytes());
        let short = |number: u64| if wide { u32::MAX } else { number as u32 }.to_le_bytes();
        list.extend(short(length));
        list.extend(entry.claimed.map_or(short(length), u32::to_le_bytes));
        list.extend((name.len() as u16).to_le_bytes());
        list.extend(if wide { 28_u16 } else { 0 }.to_le_bytes());
        list.extend([0; 10]);
        list.extend(short(at));
        list.extend(name);
        if wide {
            list.extend([1, 0, 24, 0]);
            list.extend([length, length, at].map(u64::to_le_bytes).as_flattened());
        }
    }
    let (start, size, count) = (out.len() as u64, list.len() as u64, entries.len() as u64);
    out.extend(list);
    if wide {
        let record = out.len() as u64;
        out.extend(b"PK\x06\x06");
        out.extend(44_u64.to_le_bytes());
        out.extend([0; 12]);
        out.extend([count, count, size, start].map(u64::to_le_bytes).as_flattened());
        out.extend(b"PK\x06\x07\0\0\0\0");
        out.extend(record.to_le_bytes());
        out.extend(1_u32.to_le_bytes());
    }
    out.extend(b"PK\x05\x06\0\0\0\0");
    let (count, size, start) =
        if wide { (u16::MAX, u32::MAX, u32::MAX) } else { (count as u16, size as u32, start as u32) };
    out.extend([count, count].map(u16::to_le_bytes).as_flattened());
    out.extend([size, start].map(u32::to_le_bytes).as_flattened());
    out.extend(9_u16.to_le_bytes());
    out.extend(b"a comment");
    out
}

/// `{"w": two floats of storage "0"}`.
const PROGRAM: &[u8] = b"\x80\x02}U\x01wctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x02tQK\x00K\x02\x85K\x01\x85\x89}tRs.";

fn two_floats() -> Vec<u8> {
    [1.5_f32, -2.0].map(f32::to_le_bytes).concat()
}

fn model() -> Vec<Entry> {
    vec![entry("m/data.pkl", PROGRAM), entry("m/byteorder", b"little"), entry("m/data/0", &two_floats())]
}

fn numbers(scratch: &Scratch, bytes: &[u8]) -> Vec<f32> {
    let file = WeightFile::open(&scratch.file("m.pth", bytes)).unwrap();
    file.require("w").unwrap().to_f32()
}

#[test]
fn wide_and_narrow_archives_read_alike() {
    let scratch = Scratch::new();
    assert_eq!(numbers(&scratch, &archive(&model(), false)), [1.5, -2.0]);
    assert_eq!(numbers(&scratch, &archive(&model(), true)), [1.5, -2.0]);
    // The outermost data.pkl is the checkpoint's.
    let mut entries = model();
    entries.insert(0, entry("m/inner/data.pkl", b"\x80\x02N."));
    assert_eq!(numbers(&scratch, &archive(&entries, false)), [1.5, -2.0]);
}

#[test]
fn a_broken_archive_says_what_is_broken() {
    let scratch = Scratch::new();
    let say = |change: &dyn Fn(&mut Vec<Entry>)| {
        let mut entries = model();
        change(&mut entries);
        scratch.complaint("m.pth", &archive(&entries, false))
    };
    assert_eq!(
        say(&|entries| entries[1].data = b"big".to_vec()),
        "m.pth is a checkpoint of a big-endian computer: load it with torch on a common computer and save it again"
    );
    assert!(say(&|entries| entries[2] = entries[0].clone()).contains("its archive has \"m/data.pkl\" twice"));
    assert!(say(&|entries| entries[2].flags = 1).contains("an encrypted archive: unpack it first"));
    assert!(say(&|entries| entries[2].method = 14).contains("packed by a method that is not read (14)"));
    assert!(say(&|entries| entries[2].claimed = Some(9)).contains("has two lengths"));
    assert!(say(&|entries| entries[0].name = "m/other").contains("a zip archive without a torch checkpoint"));
    assert!(say(&|entries| entries[0].name = "m.npy").contains("a NumPy archive"));
    let file =
        WeightFile::open(&scratch.file("m.pth", &archive(&[entry("data.pkl", PROGRAM)], false))).unwrap();
    let error = file.require("w").unwrap_err().to_string();
    assert!(error.ends_with("\"w\" lies in \"data/0\", which is not in the archive"), "{error}");
}

#[test]
fn what_unpacks_to_too_much_is_refused_before_it_is_unpacked() {
    let scratch = Scratch::new();
    let packed = |data: &[u8]| {
        let mut encoder = flate2::read::DeflateEncoder::new(data, flate2::Compression::best());
        let mut out = Vec::new();
        std::io::Read::read_to_end(&mut encoder, &mut out).unwrap();
        let mut crc = flate2::Crc::new();
        crc.update(data);
        (out, crc.sum())
    };
    let with = |packed: &[u8], crc: u32, claimed: u32| {
        let mut entries = model();
        entries[2] =
            Entry { data: packed.to_vec(), method: 8, claimed: Some(claimed), crc, ..entries[2].clone() };
        archive(&entries, false)
    };
    let (honest, crc) = packed(&two_floats());
    assert_eq!(numbers(&scratch, &with(&honest, crc, 8)), [1.5, -2.0]);
    let (bomb, bomb_crc) = packed(&vec![0; 10 << 20]);
    let cases = [
        (with(&honest, crc ^ 1, 8), "does not unpack to what the list says"),
        (with(&honest, crc, 7), "does not unpack to what the list says"),
        (with(&honest, crc, 9), "does not unpack to what the list says"),
        (with(&honest[..2], crc, 8), "does not unpack to what the list says"),
        (with(&bomb, bomb_crc, 8), "does not unpack to what the list says"),
        (
            with(&bomb, bomb_crc, 4_000_000_000),
            "is refused: \"m/data/0\" in its archive would unpack to 4000000000",
        ),
    ];
    for (bytes, words) in cases {
        let said = scratch.complaint("m.pth", &bytes);
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn lists_that_point_anywhere_are_not_followed() {
    let scratch = Scratch::new();
    for wide in [false, true] {
        let whole = archive(&model(), wide);
        // Every place where a number of the list or the records could be, set to the worst.
        let worst = [[0xff; 4], [0; 4], [0xfe, 0xff, 0xff, 0x7f]];
        for at in 0..whole.len() - 4 {
            let mut bytes = whole.clone();
            bytes[at..at + 4].copy_from_slice(&worst[at % 3]);
            if let Ok(file) = WeightFile::open(&scratch.file("m.pth", &bytes)) {
                for tensor in file.iter() {
                    assert_eq!(tensor.bytes().len(), tensor.byte_len());
                }
            }
        }
    }
}
