//! Files that torch and safetensors wrote, number by number against what torch reads.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::path::Path;

use common::{reference, values};
use kiln_weights::{Dtype, WeightFile};

fn open(name: &str) -> WeightFile {
    WeightFile::open(&reference().join("files").join(name)).unwrap()
}

fn torch_name(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::F64 => "float64",
        Dtype::F32 => "float32",
        Dtype::F16 => "float16",
        Dtype::BF16 => "bfloat16",
        Dtype::F8E4M3 => "float8_e4m3fn",
        Dtype::F8E5M2 => "float8_e5m2",
        Dtype::I64 => "int64",
        Dtype::I32 => "int32",
        Dtype::I16 => "int16",
        Dtype::I8 => "int8",
        Dtype::U8 => "uint8",
        Dtype::Bool => "bool",
    }
}

#[test]
fn every_number_of_every_file_is_what_torch_says() {
    let mut compared = 0;
    for (file, rows) in values() {
        let weights = open(&file);
        let names: Vec<&str> = weights.names().collect();
        assert_eq!(names, rows.keys().collect::<Vec<_>>(), "{file}");
        for (name, row) in rows {
            let tensor = weights.require(&name).unwrap();
            assert_eq!(torch_name(tensor.dtype()), row.dtype, "{file} {name}");
            assert_eq!(tensor.shape(), row.shape, "{file} {name}");
            let numbers = tensor.to_f32();
            assert_eq!(numbers.len(), row.values.len(), "{file} {name}");
            let mut first_bad = None;
            for (at, (ours, theirs)) in numbers.iter().zip(&row.values).enumerate() {
                let theirs = match theirs.as_str() {
                    Some("nan") => f32::NAN,
                    Some("inf") => f32::INFINITY,
                    Some("-inf") => f32::NEG_INFINITY,
                    _ => theirs.as_f64().unwrap() as f32,
                };
                let same = ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan());
                assert!(same, "{file} {name} [{at}]: {ours} instead of {theirs}");
                if !theirs.is_finite() && tensor.is_float() {
                    first_bad = first_bad.or(Some(at));
                }
                compared += 1;
            }
            // 64-bit floats can be finite where 32 bits are not; the files have none of those.
            assert_eq!(tensor.first_not_finite(), first_bad, "{file} {name}");
        }
    }
    assert!(compared > 1500, "{compared} numbers were compared");
}

#[test]
fn formats_that_are_not_read_spoil_only_their_own_tensor() {
    let file = open("every.safetensors");
    assert_eq!(file.metadata().get("made.by").map(String::as_str), Some("make.py"));
    let names: Vec<&String> = file.unreadable().keys().collect();
    assert_eq!(names, ["odd.complex64", "odd.uint16"]);
    let error = file.require("odd.uint16").unwrap_err().to_string();
    assert!(
        error.ends_with(
            "every.safetensors: the tensor \"odd.uint16\" is stored as \"U16\", which Kiln does not read"
        ),
        "{error}"
    );
    assert!(file.require("nothing").unwrap_err().to_string().ends_with("has no tensor \"nothing\""));

    let file = open("odd.pth");
    let reasons: Vec<String> = file.unreadable().iter().map(|(name, why)| format!("{name} {why}")).collect();
    assert_eq!(
        reasons,
        [
            "odd.complex lies in a storage of the class \"ComplexFloatStorage\", which Kiln does not read",
            "odd.sparse is saved through torch._utils._rebuild_sparse_tensor, which Kiln does not read",
            "odd.uint16 is stored as uint16, which Kiln does not read",
        ]
    );
    assert_eq!(file.get("fine").unwrap().to_f32(), [1.0, 1.0]);
}

#[test]
fn stored_tensors_lie_in_the_mapping_and_shared_ones_lie_together() {
    for name in ["views.pth", "views-legacy.pth", "views-deflated.pth"] {
        let file = open(name);
        let whole = file.get("whole").unwrap().bytes().as_ptr() as usize;
        let part = file.get("part").unwrap().bytes().as_ptr() as usize;
        assert_eq!(part - whole, 6 * 4, "{name}");
        // Gathered once, and the clone sees the same bytes.
        let turned = file.get("turned").unwrap();
        assert_eq!(turned.bytes().as_ptr(), turned.clone().bytes().as_ptr());
    }
}

#[test]
fn what_a_file_wants_to_run_is_told_and_not_run() {
    let marker = Path::new("kiln-was-here");
    for name in ["evil.pth", "evil-legacy.pth"] {
        let file = open(name);
        assert_eq!(file.get("weight").unwrap().to_f32(), [1.0, 1.0]);
        let told = file.warnings().join("\n");
        // Python on Unix calls os.system posix.system.
        assert!(told.contains("wants to run posix.system"), "{told}");
        assert!(told.contains("wants to run __builtin__.eval"), "{told}");
        assert_eq!(file.warnings().len(), 2, "{told}");
    }
    let error = WeightFile::open(&reference().join("files/evil.pkl")).unwrap_err().to_string();
    assert!(error.contains("a Python pickle, but not a checkpoint"), "{error}");
    assert!(error.contains("posix.system"), "{error}");
    assert!(!marker.exists() && !reference().join("files/kiln-was-here").exists());
}

#[test]
fn what_trainings_leave_behind_is_no_reason_for_a_warning() {
    for name in [
        "lightning-legacy.ckpt",
        "inversion-parameters.pt",
        "ema.pth",
        "fp8.pth",
        "every-protocol5.pth",
        "odd.pth",
    ] {
        assert_eq!(open(name).warnings(), [] as [String; 0], "{name}");
    }
}
