//! ONNX files: every kind of number as the package onnx says it, the graph, and files that mean harm.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;
#[path = "common/memory.rs"]
mod memory;

use std::collections::BTreeMap;
use std::path::PathBuf;

use common::{Row, Scratch, reference};
use kiln_weights::{Attribute, Dtype, WeightFile};
use memory::{Dice, measured};

fn fixture(name: &str) -> PathBuf {
    reference().join("onnx").join(name)
}

fn number(n: u64) -> Vec<u8> {
    let mut n = n;
    let mut out = Vec::new();
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out
}

/// A field of bytes.
fn bytes(field: u64, inner: impl AsRef<[u8]>) -> Vec<u8> {
    let inner = inner.as_ref();
    [number(field << 3 | 2), number(inner.len() as u64), inner.to_vec()].concat()
}

/// A field of a number.
fn int(field: u64, n: u64) -> Vec<u8> {
    [number(field << 3), number(n)].concat()
}

/// A model around a graph of these fields.
fn model(graph: &[Vec<u8>]) -> Vec<u8> {
    [int(1, 8), bytes(2, "test"), bytes(7, graph.concat())].concat()
}

/// A weight "w" of this kind and these sides; `rest` are its other fields.
fn weight(kind: u64, sides: &[i64], rest: &[Vec<u8>]) -> Vec<u8> {
    let sides: Vec<u8> = sides.iter().flat_map(|side| int(1, side.cast_unsigned())).collect();
    bytes(5, [sides, int(2, kind), bytes(8, "w"), rest.concat()].concat())
}

fn complaint(file: &[u8]) -> String {
    Scratch::new().complaint("m.onnx", file)
}

#[test]
fn every_number_is_what_the_package_onnx_says() {
    let values: BTreeMap<String, Row> =
        serde_json::from_slice(&std::fs::read(fixture("values.json")).unwrap()).unwrap();
    let file = WeightFile::open(&fixture("every.onnx")).unwrap();
    assert_eq!(file.names().collect::<Vec<_>>(), values.keys().collect::<Vec<_>>());
    for (name, row) in values {
        let tensor = file.require(&name).unwrap();
        assert_eq!(
            (tensor.dtype().name(), tensor.shape()),
            (row.dtype.as_str(), row.shape.as_slice()),
            "{name}"
        );
        let wanted: Vec<f32> = row.values.iter().map(|v| v.as_f64().unwrap() as f32).collect();
        assert_eq!(tensor.to_f32(), wanted, "{name}");
    }
    assert_eq!(file.metadata()["made"], "here");
    let reasons: Vec<String> = file.unreadable().iter().map(|(name, why)| format!("{name} {why}")).collect();
    assert_eq!(
        reasons,
        [
            "text holds texts, which Kiln does not read",
            "wide holds unsigned integers, which Kiln does not read"
        ]
    );
}

#[test]
fn numbers_in_a_row_stay_in_the_file() {
    let file = WeightFile::open(&fixture("every.onnx")).unwrap();
    let whole = std::fs::read(fixture("every.onnx")).unwrap();
    let first = file.get("typed.F64").unwrap();
    // The file begins at this address, if these numbers lie in it.
    let place = whole.windows(48).position(|w| w == first.bytes()).unwrap();
    let start = first.bytes().as_ptr() as usize - place;
    let inside = |name: &str| {
        let numbers = file.get(name).unwrap().bytes();
        let at = (numbers.as_ptr() as usize).wrapping_sub(start);
        whole.get(at..).is_some_and(|from| from.starts_with(numbers))
    };
    for name in ["raw.F64", "raw.F32", "raw.F16", "raw.F8_E5M2", "raw.I64", "typed.F32", "w", "one"] {
        assert!(inside(name), "{name}");
    }
    for name in ["typed.F16", "typed.I64", "typed.I8"] {
        assert!(!inside(name), "{name}");
    }
}

#[test]
fn the_graph_comes_along() {
    let file = WeightFile::open(&fixture("every.onnx")).unwrap();
    let graph = file.graph().unwrap();
    let ops: Vec<&str> = graph.nodes().iter().map(|n| n.op.as_str()).collect();
    assert_eq!(ops, ["Identity", "Cast", "Constant", "Conv", "LeakyRelu", "Resize"]);
    assert_eq!((graph.inputs(), graph.outputs()), (&["x".to_owned()][..], &["out".to_owned()][..]));
    let conv = &graph.nodes()[3];
    assert_eq!((conv.name.as_str(), conv.inputs.len(), conv.outputs[0].as_str()), ("conv", 3, "y"));
    assert_eq!(conv.sizes("dilations", [1, 1]), [2, 3]);
    assert_eq!(conv.sizes("pads", [0; 4]), [1; 4]);
    assert_eq!(conv.sizes("strides", [7, 7]), [7, 7], "not set");
    assert_eq!(conv.sizes("pads", [9; 2]), [9; 2], "of another length");
    assert_eq!((conv.int("group", 3), conv.int("auto", 3)), (1, 3));
    assert!(matches!(graph.nodes()[4].attributes["alpha"], Attribute::Float(a) if a == 0.25));
    assert!(matches!(&graph.nodes()[5].attributes["mode"], Attribute::Text(mode) if mode == "linear"));
    assert_eq!(graph.nodes()[5].inputs[1], "", "left out");
    // A weight through nodes that pass it on, and a constant.
    assert_eq!(file.constant("half").unwrap().name(), "w");
    assert_eq!(file.constant("bias").unwrap().to_f32(), [2.5]);
    assert!(file.constant("y").is_none());
    assert!(file.get("half").is_none() && file.get("bias").is_none());
}

#[test]
fn names_that_go_round_in_circles_end() {
    let pass = |from: &str, to: &str| bytes(1, [bytes(1, from), bytes(2, to), bytes(4, "Identity")].concat());
    let file = model(&[pass("a", "b"), pass("b", "a"), pass("c", "c")]);
    let file = WeightFile::open(&Scratch::new().file("m.onnx", &file)).unwrap();
    assert!(file.constant("a").is_none() && file.constant("c").is_none());
}

#[test]
fn weights_in_another_file_are_refused() {
    let error = WeightFile::open(&fixture("outside.onnx")).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "is an ONNX model whose weights lie in another file (\"outside.data\"): save it as one file, with its weights inside"
        ),
        "{error}"
    );
    let said = complaint(&model(&[weight(1, &[1], &[int(14, 1)])]));
    assert!(said.contains("lie in another file (\"\")"), "{said}");
}

#[test]
fn numbers_one_by_one_and_in_pieces() {
    let four = |n: f32| [number(4 << 3 | 5), n.to_le_bytes().to_vec()].concat();
    let row: Vec<u8> = [3.0_f32, 4.0].iter().flat_map(|n| n.to_le_bytes()).collect();
    let read = |file: Vec<u8>| {
        let scratch = Scratch::new();
        WeightFile::open(&scratch.file("m.bin", &file)).unwrap().get("w").unwrap().to_f32()
    };
    assert_eq!(read(model(&[weight(1, &[2], &[four(1.0), four(2.0)])])), [1.0, 2.0]);
    assert_eq!(read(model(&[weight(1, &[4], &[bytes(4, &row), bytes(4, &row)])])), [3.0, 4.0, 3.0, 4.0]);
    assert_eq!(
        read(model(&[weight(
            7,
            &[3],
            &[int(7, 5), bytes(7, [number(6), number((-1_i64).cast_unsigned())].concat())]
        )])),
        [6.0, -1.0, 5.0]
    );
    assert_eq!(read(model(&[weight(3, &[1], &[int(5, (-128_i64).cast_unsigned())])])), [-128.0]);
}

#[test]
fn what_contradicts_itself_is_damaged() {
    let raw = |n: usize| bytes(9, vec![0; n]);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (model(&[weight(1, &[2, -1], &[raw(8)])]), "one of its weights has a negative side"),
        (model(&[weight(1, &[i64::MAX, 8], &[raw(8)])]), "has impossible sides"),
        (model(&[weight(1, &[1 << 40, 1 << 40], &[raw(8)])]), "has impossible sides"),
        (model(&[weight(1, &[1; 33], &[raw(4)])]), "more than 32 sides"),
        (model(&[weight(1, &[3], &[raw(8)])]), "the weight \"w\" of F32 [3] has 8 bytes"),
        (model(&[weight(1, &[3], &[])]), "the weight \"w\" of F32 [3] has 0 bytes"),
        (model(&[weight(1, &[1 << 40], &[raw(8)])]), "has 8 bytes"),
        (model(&[weight(7, &[1 << 40], &[int(7, 1)])]), "has at most 1 numbers"),
        (model(&[weight(7, &[2], &[bytes(7, [0x80, 0x01])])]), "has 1 numbers"),
        (model(&[weight(7, &[1], &[int(7, 1), int(7, 1)])]), "has more numbers"),
        (model(&[weight(10, &[1], &[int(5, 65536)])]), "has the number 65536"),
        (model(&[weight(3, &[1], &[int(5, 200)])]), "has the number 200"),
        (model(&[weight(1, &[1], &[int(5, 7)])]), "has 0 bytes"),
        (model(&[weight(1, &[1], &[raw(4)]), weight(1, &[1], &[raw(4)])]), "the weight \"w\" is there twice"),
        (model(&[bytes(5, [int(1, 1), int(2, 1), raw(4)].concat())]), "one of its weights has no name"),
        (model(&[bytes(5, bytes(8, [0xff, 0xfe]))]), "a name is no text"),
        ([model(&[]), bytes(7, "")].concat(), "it holds two graphs"),
        (int(1, 8), "it should hold a graph"),
        // A number that never ends, one that is too large, and one that the end of its message cuts off.
        (
            [int(1, 8), bytes(7, bytes(5, [vec![0x08], vec![0xff; 11]].concat()))].concat(),
            "a number does not fit 64 bits",
        ),
        (
            [int(1, 8), vec![0x38, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]].concat(),
            "a number does not fit 64 bits",
        ),
        ([int(1, 8), bytes(7, [0x2a, 0x80]), int(1, 8)].concat(), "1 bytes are to follow where 0 are left"),
        // A message longer than the one around it.
        ([int(1, 8), bytes(7, [0x2a, 0x05]), vec![0; 9]].concat(), "5 bytes are to follow where 0 are left"),
        // Groups, kinds that do not exist, and field 0.
        ([int(1, 8), vec![0x1b]].concat(), "a field of kind 3"),
        ([int(1, 8), vec![0x3f]].concat(), "a field of kind 7"),
        ([int(1, 8), vec![0x02, 0x00]].concat(), "0 is no field's number"),
        ([int(1, 8), number(1 << 33)].concat(), "is no field's number"),
    ];
    for (file, words) in cases {
        let said = complaint(&file);
        assert!(said.starts_with("m.onnx is ") && said.contains(words), "{words}: {said:?}");
        assert!(!said.contains("cut short"), "{said}");
    }
}

#[test]
fn lengths_beyond_the_end_are_cut_short() {
    for length in [7_u64, 1 << 20, 1 << 32, u64::MAX] {
        for field in [0x3a, 0x12, 0x42] {
            let said = complaint(&[int(1, 8), vec![field], number(length), vec![0; 6]].concat());
            assert!(
                said.starts_with(&format!("m.onnx is cut short: {length} bytes should follow byte")),
                "{said}"
            );
        }
    }
    let whole = std::fs::read(fixture("every.onnx")).unwrap();
    let scratch = Scratch::new();
    // The graph ends before the operators' version and the notes: from there on a cut loses no weight.
    let graph_end = whole.windows(5).position(|w| w == b"\x42\x04\x0a\x00\x10").unwrap();
    for length in 0..graph_end {
        let (opened, most) = measured(&scratch.file("cut.onnx", &whole[..length]));
        assert!(!opened && most < 1 << 20, "{length} of {} bytes: {most} bytes of memory", whole.len());
    }
}

#[test]
fn damage_does_no_harm() {
    let scratch = Scratch::new();
    let whole = std::fs::read(fixture("every.onnx")).unwrap();
    let mut dice = Dice(7);
    let mut refused = 0;
    for round in 0..3000 {
        let (opened, most) = measured(&scratch.file("damaged.onnx", &dice.damage(&whole, round)));
        assert!(most < 1 << 20, "round {round}: {most} bytes of memory");
        refused += usize::from(!opened);
    }
    assert!((500..2900).contains(&refused), "{refused} of 3000");
}

#[test]
fn much_of_everything_takes_little() {
    let scratch = Scratch::new();
    let named = |n: usize| bytes(5, [int(2, 1), int(1, 0), bytes(8, n.to_string())].concat());
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nodes", model(&[bytes(1, "").repeat(1 << 19)])),
        ("names of a node", model(&[bytes(1, bytes(1, "").repeat(1 << 22))])),
        (
            "settings",
            model(&[bytes(
                1,
                (0..1 << 18).flat_map(|n| bytes(5, bytes(1, (n % 512).to_string()))).collect::<Vec<u8>>(),
            )]),
        ),
        (
            "numbers of a setting",
            model(&[bytes(1, bytes(5, [bytes(1, "n"), bytes(8, vec![1; 1 << 23])].concat()))]),
        ),
        ("weights", model(&[(0..300_000).flat_map(named).collect()])),
        ("stretches", model(&[weight(1, &[1], &[bytes(4, "").repeat(1 << 20)])])),
        ("numbers one by one", model(&[weight(7, &[1 << 21], &[int(7, 1).repeat(1 << 21)])])),
        ("numbers in a row", model(&[weight(7, &[1 << 22], &[bytes(7, vec![1; 1 << 22])])])),
        ("inputs", model(&[bytes(11, "").repeat(1 << 22)])),
        // Sides within sides: deep messages are walked one level at a time.
        (
            "graphs in graphs",
            model(&[(0..20_000).fold(Vec::new(), |inner, _| bytes(1, bytes(5, bytes(6, inner))))]),
        ),
    ];
    for (name, file) in cases {
        let path = scratch.file("m.onnx", &file);
        let (_, most) = measured(&path);
        assert!(most < 120 << 20, "{name}: {most} bytes of memory for {}", file.len());
    }
}

#[test]
fn a_weight_of_another_type_says_which() {
    let file = model(&[weight(14, &[1], &[])]);
    let file = WeightFile::open(&Scratch::new().file("m.onnx", &file)).unwrap();
    let error = file.require("w").unwrap_err().to_string();
    assert!(error.ends_with("the tensor \"w\" holds complex numbers, which Kiln does not read"), "{error}");
    assert_eq!(Dtype::ALL.len(), 12, "a new format wants a number in the ONNX reader");
}
