//! Damaged and hostile files: never a panic, never much memory, never anything run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;
#[path = "common/memory.rs"]
mod memory;

use std::path::Path;

use common::{Scratch, fixtures, with_header};
use kiln_weights::WeightFile;
use memory::{Dice, measured};

#[test]
fn flipped_and_cut_files_do_no_harm() {
    let scratch = Scratch::new();
    let mut dice = Dice(20_260_101);
    let (mut tried, mut refused) = (0, 0);
    for fixture in fixtures() {
        let whole = std::fs::read(&fixture).unwrap();
        for round in 0..200 {
            let bytes = dice.damage(&whole, round);
            let path = scratch.file("damaged", &bytes);
            let (opened, most) = measured(&path);
            assert!(most < 70 << 20, "{} round {round}: {most} bytes of memory", fixture.display());
            tried += 1;
            refused += usize::from(!opened);
        }
    }
    // Both outcomes are met, or the test tests nothing.
    assert!(tried > 4000 && refused > tried / 4 && refused < tried, "{refused} of {tried}");
}

#[test]
fn every_cut_of_every_file_is_refused() {
    let scratch = Scratch::new();
    for fixture in fixtures() {
        if fixture.ends_with("evil.pkl") {
            continue;
        }
        let whole = std::fs::read(&fixture).unwrap();
        for length in (0..whole.len()).step_by(17).chain([whole.len() - 1]) {
            let (opened, most) = measured(&scratch.file("cut", &whole[..length]));
            assert!(!opened, "{} cut to {length} bytes was opened", fixture.display());
            assert!(most < 1 << 20, "{} cut to {length}: {most} bytes of memory", fixture.display());
        }
    }
}

/// An old checkpoint around this object pickle and these storages' keys.
fn legacy(object: &[u8], keys: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec();
    bytes.extend(b"\x80\x02M\xe9\x03.\x80\x02}.");
    bytes.extend(object);
    bytes.extend(keys);
    bytes.extend(data);
    bytes
}

/// The pickle of `{"w": tensor}` over a float storage "0".
fn tensor(offset: i32, shape: &[i32], strides: &[i32]) -> Vec<u8> {
    let mut out = b"\x80\x02}U\x01wctorch._utils\n_rebuild_tensor_v2\n(".to_vec();
    out.extend(b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04tQJ");
    out.extend(offset.to_le_bytes());
    for sides in [shape, strides] {
        out.push(b'(');
        for side in sides {
            out.push(b'J');
            out.extend(side.to_le_bytes());
        }
        out.push(b't');
    }
    out.extend(b"\x89}tRs.");
    out
}

const ONE_KEY: &[u8] = b"\x80\x02]U\x010a.";

fn four_floats() -> Vec<u8> {
    let mut data = 4_u64.to_le_bytes().to_vec();
    for number in [1.0_f32, 2.0, 3.0, 4.0] {
        data.extend(number.to_le_bytes());
    }
    data
}

#[test]
fn a_view_stays_inside_its_storage() {
    let scratch = Scratch::new();
    let open = |offset, shape: &[i32], strides: &[i32]| {
        let bytes = legacy(&tensor(offset, shape, strides), ONE_KEY, &four_floats());
        let file = WeightFile::open(&scratch.file("v.pth", &bytes)).unwrap();
        match file.require("w") {
            Ok(tensor) => format!("{:?}", tensor.to_f32()),
            Err(error) => error.to_string().rsplit("\"w\" ").next().unwrap().to_owned(),
        }
    };
    assert_eq!(open(0, &[2, 2], &[2, 1]), "[1.0, 2.0, 3.0, 4.0]");
    assert_eq!(open(0, &[2, 2], &[1, 2]), "[1.0, 3.0, 2.0, 4.0]");
    assert_eq!(open(1, &[3], &[1]), "[2.0, 3.0, 4.0]");
    assert_eq!(open(3, &[], &[]), "[4.0]");
    assert_eq!(open(9, &[0, 3], &[3, 1]), "[]");
    let beyond = "reaches beyond its storage \"0\"";
    assert_eq!(open(1, &[4], &[1]), beyond);
    assert_eq!(open(0, &[5], &[1]), beyond);
    assert_eq!(open(0, &[2, 2], &[3, 1]), beyond);
    assert_eq!(open(0, &[i32::MAX, i32::MAX, i32::MAX], &[1, 1, 1]), beyond);
    assert_eq!(open(0, &[2], &[i32::MAX]), beyond);
    assert_eq!(open(-1, &[2], &[1]), "has a shape that cannot be");
    assert_eq!(open(0, &[2], &[-1]), "has a shape that cannot be");
    assert_eq!(open(0, &[2], &[1, 1]), "has a shape that cannot be");
    assert_eq!(open(0, &[1; 17], &[1; 17]), "has a shape that cannot be");
    // One number, repeated a thousand million times: a few bytes that would be gigabytes.
    let much = open(0, &[1_000_000_000], &[0]);
    assert_eq!(much, "would grow to 4000000000 bytes, far more than the file holds");
    let path = scratch.file("v.pth", &legacy(&tensor(0, &[1_000_000_000], &[0]), ONE_KEY, &four_floats()));
    assert!(measured(&path).1 < 1 << 20);
}

#[test]
fn a_storage_beyond_the_end_names_its_tensor() {
    let scratch = Scratch::new();
    let mut data = four_floats();
    data.truncate(20);
    let said = scratch.complaint("v.pth", &legacy(&tensor(0, &[4], &[1]), ONE_KEY, &data));
    assert!(said.starts_with("v.pth is cut short: the tensor \"w\" ends at byte "), "{said}");
    data[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let said = scratch.complaint("v.pth", &legacy(&tensor(0, &[4], &[1]), ONE_KEY, &data));
    assert_eq!(said, "v.pth is damaged: its storage \"0\" has no end; download it again");
}

#[test]
fn pickles_that_go_on_forever_are_bounded() {
    let scratch = Scratch::new();
    let many = |part: &[u8], times: usize| {
        let mut object = b"\x80\x02".to_vec();
        for _ in 0..times {
            object.extend(part);
        }
        object.extend(b".");
        legacy(&object, ONE_KEY, &four_floats())
    };
    // Deep lists, deep marks, endless stack, tuples around tuples, endless values.
    let deep_dicts = {
        let mut object = b"\x80\x02".to_vec();
        object.extend(b"}U\x01a".repeat(100_000));
        object.extend(b"}");
        object.extend(b"s".repeat(100_000));
        object.extend(b".");
        legacy(&object, ONE_KEY, &[])
    };
    // A dict that holds itself, and dicts that hold the last one twice (2^40 paths to the end).
    let cycle = legacy(b"\x80\x02}q\x00U\x01ah\x00sU\x01bh\x00s.", ONE_KEY, &[]);
    let mut laughs = b"\x80\x02}q\x00".to_vec();
    for at in 1..40_u8 {
        laughs.extend([b'}', b'q', at, b'U', 1, b'a', b'h', at - 1, b's', b'U', 1, b'b', b'h', at - 1, b's']);
    }
    laughs.extend(b".");
    // A long list, memoized, and an OrderedDict of it again and again.
    let mut copies = b"\x80\x02(K\x01K\x02\x86q\x02".to_vec();
    copies.extend(b"h\x02".repeat(100_000));
    copies.extend(b"lq\x00\x85q\x01ccollections\nOrderedDict\nq\x03");
    copies.extend(b"h\x03h\x01R".repeat(100_000));
    copies.extend(b".");
    // Four nested subclasses' calls and more.
    let wrapped = {
        let mut object = b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\nq\x00N\x85".to_vec();
        object.extend(b"q\x01h\x00Nh\x01\x87".repeat(1000));
        object.extend(b"q\x02h\x00h\x02R.");
        legacy(&object, ONE_KEY, &[])
    };
    let cases: [(&str, Vec<u8>); 14] = [
        ("lists in lists", many(b"]\x85", 1_500_000)),
        ("open marks", many(b"(", 3_000_000)),
        ("open stack", many(b"N", 3_000_000)),
        ("made and dropped", many(b")0", 3_000_000)),
        ("the same again", many(b"N2", 3_000_000)),
        ("dicts in dicts", deep_dicts),
        ("a cycle", cycle),
        ("laughs", legacy(&laughs, ONE_KEY, &[])),
        ("copies", legacy(&copies, ONE_KEY, &[])),
        ("wrapped", wrapped),
        ("a far memo", many(b"Nr\xff\xff\xff\xff", 1)),
        ("a far text", many(b"X\xff\xff\xff\xff", 1)),
        ("a far frame", many(b"\x95\xff\xff\xff\xff\xff\xff\xff\xff", 1)),
        ("far bytes", many(b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff", 1)),
    ];
    for (name, bytes) in cases {
        let path = scratch.file("p.pth", &bytes);
        let (_, most) = measured(&path);
        assert!(most < 400 << 20, "{name}: {most} bytes of memory");
    }
}

#[test]
fn a_bare_call_of_anything_becomes_nothing() {
    let scratch = Scratch::new();
    // As REDUCE, as INST, as OBJ, as a chain whose result is called again, and through STACK_GLOBAL.
    let calls: [&[u8]; 5] = [
        b"cos\nsystem\nU\x13touch kiln-was-here\x85R0",
        b"(U\x13touch kiln-was-hereios\nsystem\n0",
        b"(cos\nsystem\nU\x13touch kiln-was-hereo0",
        b"cos\nsystem\nU\x13touch kiln-was-here\x85RU\x01x\x85R0",
        b"U\x02osU\x06system\x93U\x13touch kiln-was-here\x85R0",
    ];
    for call in calls {
        let mut object = b"\x80\x04".to_vec();
        object.extend(call);
        object.extend(&tensor(0, &[4], &[1])[2..]);
        let path = scratch.file("e.pth", &legacy(&object, ONE_KEY, &four_floats()));
        let file = WeightFile::open(&path).unwrap();
        assert_eq!(file.get("w").unwrap().to_f32(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(file.warnings().len(), 1);
        assert!(file.warnings()[0].contains("wants to run os.system"), "{:?}", file.warnings());
    }
    // What a tensor needs must not come out of such a call.
    let mut object = b"\x80\x02}U\x01wctorch._utils\n_rebuild_tensor_v2\n(cos\nsystem\n)R".to_vec();
    object.extend(b"K\x00K\x04\x85K\x01\x85tRs.");
    let file = WeightFile::open(&scratch.file("e.pth", &legacy(&object, ONE_KEY, &four_floats())));
    assert!(file.is_err() || file.unwrap().require("w").is_err());
    assert!(!Path::new("kiln-was-here").exists());
}

#[test]
fn headers_that_claim_much_take_little() {
    let scratch = Scratch::new();
    for claimed in [100_000_000_u64, 100_000_001, 1 << 40, u64::MAX] {
        let mut bytes = with_header("{\"a\":1}", &[0; 64]);
        bytes[..8].copy_from_slice(&claimed.to_le_bytes());
        let (opened, most) = measured(&scratch.file("h.safetensors", &bytes));
        assert!(!opened && most < 1 << 20, "{claimed}: {most}");
    }
    // A header of ten megabytes of empty tensors: memory stays a small multiple of the file.
    let entries: Vec<String> = (0..150_000)
        .map(|at| format!(r#""{at}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#))
        .collect();
    let bytes = with_header(&format!("{{{}}}", entries.join(",")), &[]);
    let (opened, most) = measured(&scratch.file("h.safetensors", &bytes));
    assert!(opened && most < 12 * bytes.len() as isize, "{most} for {}", bytes.len());
}
