//! Folders of diffusers models, files that are something else, and files that change under the reader.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::collections::BTreeMap;

use common::Scratch;
use kiln_weights::{Stored, WeightFile, open_folder, write_stored};

/// A safetensors file with one number under each name.
fn with(tensors: &[(&str, f32)]) -> Vec<u8> {
    let made: Vec<Stored> =
        tensors.iter().map(|(name, value)| Stored::from_f32(name, &[1], vec![*value]).unwrap()).collect();
    let mut bytes = Vec::new();
    write_stored(&mut bytes, &made, &BTreeMap::new()).unwrap();
    bytes
}

fn index(map: &[(&str, &str)]) -> Vec<u8> {
    let map: BTreeMap<&str, &str> = map.iter().copied().collect();
    serde_json::json!({ "metadata": { "total_size": 8 }, "weight_map": map }).to_string().into_bytes()
}

#[test]
fn whole_files_are_found_in_order_of_preference() {
    let scratch = Scratch::new();
    let value = || open_folder(scratch.path()).unwrap().get("w").unwrap().to_f32()[0];
    let pickled = std::fs::read(common::reference().join("files/evil.pth")).unwrap();
    scratch.file("pytorch_model.bin", &pickled);
    assert_eq!(open_folder(scratch.path()).unwrap().get("weight").unwrap().to_f32(), [1.0, 1.0]);
    scratch.file("model.fp16.safetensors", &with(&[("w", 1.0)]));
    assert_eq!(value(), 1.0);
    scratch.file("diffusion_pytorch_model.fp16.safetensors", &with(&[("w", 2.0)]));
    assert_eq!(value(), 2.0);
    scratch.file("model.safetensors", &with(&[("w", 3.0)]));
    assert_eq!(value(), 3.0);
    scratch.file("diffusion_pytorch_model.safetensors", &with(&[("w", 4.0)]));
    assert_eq!(value(), 4.0);
}

#[test]
fn shards_are_one_file() {
    for name in [
        "diffusion_pytorch_model.safetensors.index.json",
        "model.safetensors.index.json",
        "model.safetensors.index.fp16.json",
        "model.fp16.safetensors.index.json",
    ] {
        let scratch = Scratch::new();
        scratch.file(name, &index(&[("a", "m-1.safetensors"), ("b", "m-2.safetensors")]));
        scratch.file("m-1.safetensors", &with(&[("a", 1.0), ("b", 9.0)]));
        let said = scratch.words(open_folder(scratch.path()));
        assert!(
            said.ends_with(
                "the shard \"m-2.safetensors\" is missing (2 are needed); download the folder again"
            ),
            "{said}"
        );
        scratch.file("m-2.safetensors", &with(&[("b", 2.0), ("a", 9.0)]));
        let file = open_folder(scratch.path()).unwrap();
        let read: Vec<(&str, Vec<f32>)> =
            file.iter().map(|tensor| (tensor.name(), tensor.to_f32())).collect();
        assert_eq!(read, [("a", vec![1.0]), ("b", vec![2.0])]);
        assert!(file.get("b").unwrap().file().ends_with("m-2.safetensors"));
        scratch.file("m-2.safetensors", &with(&[("c", 2.0)]));
        let said = scratch.words(open_folder(scratch.path()));
        assert!(
            said.contains("the index says that \"m-2.safetensors\" holds \"b\", but it does not"),
            "{said}"
        );
    }
}

#[test]
fn an_index_leads_nowhere_else() {
    for shard in [
        "../m.safetensors",
        "/etc/passwd",
        "",
        ".",
        "sub/m.safetensors",
        "..\\m.safetensors",
        "C:\\m.safetensors",
    ] {
        let scratch = Scratch::new();
        scratch.file("unet/model.safetensors.index.json", &index(&[("a", shard)]));
        scratch.file("m.safetensors", &with(&[("a", 1.0)]));
        scratch.file("unet/sub/m.safetensors", &with(&[("a", 1.0)]));
        let said = scratch.words(open_folder(&scratch.path().join("unet")));
        assert!(said.contains("is no name of a shard"), "{shard}: {said}");
    }
    let scratch = Scratch::new();
    scratch.file("model.safetensors.index.json", b"{\"weight_map\":[1]}");
    assert!(scratch.words(open_folder(scratch.path())).contains("it does not read"));
}

#[test]
fn a_folder_without_weights_says_so() {
    let scratch = Scratch::new();
    assert!(scratch.words(open_folder(scratch.path())).contains("no weights here: looked for"));
    let gone = scratch.path().join("gone");
    assert!(scratch.words(open_folder(&gone)).ends_with("gone: there is no such folder"));
    scratch.file("model_index.json", b"{}");
    assert!(scratch.words(open_folder(scratch.path())).contains("open one of its parts"));
    assert!(scratch.words(WeightFile::open(scratch.path())).contains("a folder: choose the file inside it"));
}

#[test]
fn other_things_are_called_by_their_name() {
    let scratch = Scratch::new();
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    let mut checkpoint_index = vec![0; 64];
    checkpoint_index.extend([0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]);
    let cases: [(&str, &[u8], &str); 17] = [
        (
            "a.safetensors",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
            "is a Git LFS pointer, not the weights: run `git lfs pull`",
        ),
        ("a.safetensors", b"\n<!DOCTYPE html><html>", "is a web page, not the weights"),
        ("a.ckpt", b"<HTML lang=\"en\">", "is a web page, not the weights"),
        ("a.safetensors", b"{\"error\":\"not found\"}", "is JSON text, not the weights"),
        ("a.gguf", b"GGUF\x03\0\0\0", "is a GGUF file: convert it"),
        ("a.safetensors", b"GGUF\x03\0\0\0{", "is a GGUF file: convert it"),
        ("a.onnx", b"\x08\x07\x12\x07pytorch\x1a\x05", "is cut short: 5 bytes should follow"),
        ("a.bin", b"\x08\x08\x12\x07pytorch", "is damaged: as an ONNX file it should hold a graph"),
        ("a.pb", b"\x08\x01\x12\xff\xff\x03", "is a TensorFlow model"),
        ("a.tflite", b"\x1c\0\0\0TFL3\0\0", "is a TensorFlow Lite model"),
        ("a.index", &checkpoint_index, "is the index of a TensorFlow checkpoint"),
        ("a.h5", b"\x89HDF\r\n\x1a\n\0", "is an HDF5 file"),
        ("a.pth", &tar, "is a tar archive"),
        ("a.ckpt", b"\x1f\x8b\x08\0", "is a gzip archive: unpack it first"),
        ("a.npy", b"\x93NUMPY\x01\0", "is a NumPy array"),
        ("a.bin", b"\0\0\0\0\0\0\0\0\0\0", "is no weight file Kiln knows"),
        ("a.safetensors", b"\xff\xff\xff\xff\xff\0\0\0??", "as a safetensors file its header would be"),
    ];
    for (name, bytes, words) in cases {
        let said = scratch.complaint(name, bytes);
        assert!(said.starts_with(&format!("{name} is ")) && said.contains(words), "{name}: {said}");
    }
    let said = scratch.words(WeightFile::open(&scratch.path().join("none.pth")));
    assert!(said.starts_with("none.pth: "), "{said}");
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_not_waited_for() {
    let scratch = Scratch::new();
    let said = scratch.words(WeightFile::open(std::path::Path::new("/dev/zero")));
    assert!(said.contains("not a plain file"), "{said}");
    let pipe = scratch.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success());
    if made {
        assert!(scratch.words(WeightFile::open(&pipe)).contains("not a plain file"));
    }
}

#[test]
fn a_file_that_changed_its_length_is_noticed() {
    let scratch = Scratch::new();
    let path = scratch.file("m.safetensors", &with(&[("w", 1.0)]));
    let file = WeightFile::open(&path).unwrap();
    let tensor = file.get("w").unwrap();
    assert!(tensor.check_intact().is_ok());
    // Replaced beside and renamed, as savers do: the old bytes stay.
    let other = scratch.file("new.safetensors", &with(&[("w", 2.0), ("x", 3.0)]));
    std::fs::rename(&other, &path).unwrap();
    assert!(tensor.check_intact().is_ok());
    assert_eq!(tensor.to_f32(), [1.0]);

    let file = WeightFile::open(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, [whole, vec![0; 5]].concat()).unwrap();
    let said = file.get("w").unwrap().check_intact().unwrap_err().to_string();
    assert!(said.contains("bytes when it was opened and has"), "{said}");
}
