//! Safetensors files: read, written, damaged on purpose.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use kiln_weights::{Dtype, Stored, TensorPlan, WeightError, WeightFile, write_safetensors, write_stored};

struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
    fn open(&self, bytes: &[u8]) -> Result<WeightFile, WeightError> {
        WeightFile::open(&self.file("sd.safetensors", bytes))
    }
    /// The message, without the folder.
    fn complaint(&self, bytes: &[u8]) -> String {
        let text = self.open(bytes).err().map(|error| error.to_string()).unwrap_or_default();
        text.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

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

    let file = scratch.open(&bytes).unwrap();
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
