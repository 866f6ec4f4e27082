//! Safetensors files: written, read back, and wrong in every way a header can be.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::collections::BTreeMap;

use common::{Scratch, with_header};
use kiln_weights::{Dtype, Stored, TensorPlan, WeightFile, write_safetensors, write_stored};

#[test]
fn what_is_written_is_read_back() {
    let scratch = Scratch::new();
    let made = [
        Stored::from_f32("b.weight", &[2, 3], (0..6_u8).map(f32::from).collect()).unwrap(),
        Stored::from_bytes("a.half", Dtype::F16, &[1, 3], vec![0, 0x3c, 0, 0xc0, 1, 0]).unwrap(),
        Stored::from_bytes("a.mask", Dtype::Bool, &[3], vec![1, 0, 1]).unwrap(),
        Stored::from_bytes("ids", Dtype::I64, &[1], 7_i64.to_le_bytes().to_vec()).unwrap(),
        Stored::from_f32("decay", &[], vec![0.5]).unwrap(),
        Stored::from_f32("empty", &[0, 4], Vec::new()).unwrap(),
    ];
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    let mut bytes = Vec::new();
    write_stored(&mut bytes, &made, &metadata).unwrap();
    assert_eq!(u64::from_le_bytes(*bytes.first_chunk().unwrap()) % 8, 0);

    let file = WeightFile::open(&scratch.file("a.safetensors", &bytes)).unwrap();
    assert_eq!(file.metadata(), &metadata);
    let names: Vec<&str> = file.names().collect();
    assert_eq!(names, ["a.half", "a.mask", "b.weight", "decay", "empty", "ids"]);
    for tensor in &made {
        let read = file.require(tensor.name()).unwrap();
        assert_eq!((read.dtype(), read.shape()), (tensor.dtype(), tensor.shape()));
        assert_eq!(read.bytes(), tensor.bytes());
        // Aligned, because wide formats come first.
        if !read.is_empty() {
            assert_eq!(read.bytes().as_ptr() as usize % read.dtype().size(), 0, "{}", read.name());
        }
    }
    assert_eq!(file.get("a.half").unwrap().to_f32(), [1.0, -2.0, 5.960_464_5e-8]);
    assert_eq!(file.bytes(), 24 + 6 + 3 + 8 + 4);
    // A tensor outlives the file's list, and survives its pages being let go.
    let kept = file.get("b.weight").unwrap().clone();
    drop(file);
    kept.prefetch();
    kept.release();
    assert_eq!(kept.to_f32(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
}

#[test]
fn the_writer_holds_its_callers_to_their_plan() {
    let plan = |name: &str, shape: &[usize]| TensorPlan {
        name: name.to_owned(),
        dtype: Dtype::F32,
        shape: shape.to_vec(),
    };
    let write = |plans: &[TensorPlan], given: usize| {
        let mut out = Vec::new();
        write_safetensors(&mut out, plans, &BTreeMap::new(), |_, sink| sink.write_all(&vec![0; given]))
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    assert_eq!(write(&[plan("a", &[2]), plan("b", &[2])], 8), "");
    assert_eq!(write(&[], 0), "");
    assert_eq!(write(&[plan("a", &[2])], 4), "the tensor \"a\" was given 4 of its 8 bytes");
    assert!(write(&[plan("a", &[2])], 9).contains("more bytes than the tensor's shape holds"));
    let taken = "cannot be written under this name: it is taken";
    assert_eq!(write(&[plan("a", &[2]), plan("a", &[2])], 8), format!("the tensor \"a\" {taken}"));
    assert_eq!(write(&[plan("__metadata__", &[2])], 8), format!("the tensor \"__metadata__\" {taken}"));
    assert!(write(&[plan("a", &[usize::MAX, 3])], 8).contains("larger than memory"));
}

#[test]
fn numbers_at_odd_places_are_read() {
    let header = r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[],"data_offsets":[1,5]}}"#;
    let mut data = vec![9];
    data.extend(1.25_f32.to_le_bytes());
    let scratch = Scratch::new();
    let file = WeightFile::open(&scratch.file("odd.safetensors", &with_header(header, &data))).unwrap();
    assert_eq!(file.get("b").unwrap().to_f32(), [1.25]);
    // Nothing inside, and metadata that is null, are files too.
    assert_eq!(scratch.complaint("none.safetensors", &with_header("{}", &[])), "");
    assert_eq!(scratch.complaint("null.safetensors", &with_header(r#"{"__metadata__":null}"#, &[])), "");
}

#[test]
fn a_wrong_header_is_told_with_what_is_wrong() {
    let one = |dtype: &str, shape: &str, start: u64, end: u64| {
        format!(r#"{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{start},{end}]}}"#)
    };
    let f32_at = |start, end| one("F32", "[2]", start, end);
    let deep = format!("{{\"a\":{}", "[".repeat(5000));
    let cases: Vec<(String, usize, &str)> = vec![
        (
            format!(r#"{{"model.x":{}}}"#, f32_at(0, 8)),
            4,
            r#"is cut short: the tensor "model.x" ends at byte 76 but the file has 72; download it again"#,
        ),
        (format!(r#"{{"a":{}}}"#, f32_at(0, 8)), 9, "is damaged: 1 bytes follow the last tensor"),
        (
            format!(r#"{{"a":{}}}"#, f32_at(4, 12)),
            12,
            r#""a" lies at 4 to 12, where 0 was the next free byte"#,
        ),
        (format!(r#"{{"a":{},"b":{}}}"#, f32_at(0, 8), f32_at(4, 12)), 12, r#""b" lies at 4 to 12, where 8"#),
        (format!(r#"{{"a":{},"b":{}}}"#, f32_at(0, 8), f32_at(0, 8)), 8, r#""b" lies at 0 to 8, where 8"#),
        (format!(r#"{{"a":{}}}"#, f32_at(8, 0)), 8, "lies at 8 to 0"),
        (format!(r#"{{"a":{}}}"#, one("F32", "[3]", 0, 8)), 8, r#""a" is F32 [3] and has 8 bytes"#),
        (format!(r#"{{"a":{}}}"#, one("U16", "[3]", 0, 8)), 8, r#""a" is U16 [3] and has 8 bytes"#),
        (format!(r#"{{"a":{}}}"#, one("F4", "[3]", 0, 1)), 1, r#""a" is F4 [3] and has 1 bytes"#),
        (
            format!(r#"{{"a":{}}}"#, one("F32", "[4294967296,4294967296,4]", 0, 0)),
            0,
            "[4294967296, 4294967296, 4] and has 0 bytes",
        ),
        (format!(r#"{{"a":{}}}"#, one("F32", "[-1]", 0, 8)), 8, "does not read"),
        (format!(r#"{{"a":{}}}"#, one("F32", "[18446744073709551616]", 0, 8)), 8, "does not read"),
        (format!(r#"{{"a":{}}}"#, f32_at(0, u64::MAX)), 8, r#""a" ends at byte 18446744073709551615"#),
        (format!(r#"{{"a":{},"a":{}}}"#, f32_at(0, 8), f32_at(8, 16)), 16, r#"a\" is there twice"#),
        (r#"{"__metadata__":{},"__metadata__":{}}"#.to_owned(), 0, "is there twice"),
        (r#"{"__metadata__":{"a":1}}"#.to_owned(), 0, "does not read"),
        (r#"{"__metadata__":[]}"#.to_owned(), 0, "does not read"),
        (r#"{"a":null}"#.to_owned(), 0, "does not read"),
        (r#"{"a":{"dtype":"F32"}}"#.to_owned(), 0, "missing field"),
        ("{".to_owned(), 0, "does not read"),
        (deep, 0, "does not read"),
    ];
    let scratch = Scratch::new();
    for (header, data, words) in cases {
        let said = scratch.complaint("sd.safetensors", &with_header(&header, &vec![0; data]));
        assert!(said.starts_with("sd.safetensors is ") && said.contains(words), "{header:.99}: {said}");
        assert!(said.len() < 400, "{said}");
    }
}

#[test]
fn a_wrong_length_is_not_believed() {
    let scratch = Scratch::new();
    let mut bytes = with_header("{}", &[]);
    bytes[..8].copy_from_slice(&100_000_000_000_u64.to_le_bytes());
    let said = scratch.complaint("sd.safetensors", &bytes);
    assert!(said.contains("header would be 100000000000 bytes long, and 100000000 is the most"), "{said}");
    bytes[..8].copy_from_slice(&50_u64.to_le_bytes());
    let said = scratch.complaint("sd.safetensors", &bytes);
    assert!(said.contains("cut short: its header is 50 bytes long but the file has 10"), "{said}");
    let said = scratch.complaint("sd.safetensors", &[1, 2, 3]);
    assert!(said.contains("it has 3 bytes, not even a header"), "{said}");
    let mut bytes = with_header("{\"a\":..}", &[]);
    bytes[13] = 0xff;
    let said = scratch.complaint("sd.safetensors", &bytes);
    assert!(said.contains("its header is not text (byte 13)"), "{said}");
    let said = scratch.complaint("sd.safetensors", &[]);
    assert_eq!(said, "sd.safetensors is an empty file: download it again");
}

#[test]
fn a_name_cannot_steer_a_terminal() {
    let scratch = Scratch::new();
    let name = "x\\u001b[2J\\n".repeat(200);
    let header = format!(r#"{{"{name}":{{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}}}"#);
    let said = scratch.complaint("sd.safetensors", &with_header(&header, &[]));
    assert!(said.contains("ends at byte") && !said.contains('\u{1b}') && !said.contains('\n'), "{said}");
    assert!(said.len() < 900, "{} bytes", said.len());
}
