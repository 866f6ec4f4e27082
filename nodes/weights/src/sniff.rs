//! What a file is, by its first bytes. Most files that fail to open are another thing under a familiar
//! name, so the common ones are named together with what to do.

use crate::error::WeightError;
use crate::map::Mapping;
use crate::safetensors::LONGEST_HEADER;

/// A format with a reader.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Safetensors,
    Zip,
    Pickle,
    Onnx,
}

/// The reader for this file, or what it is instead.
pub(crate) fn sniff(mapping: &Mapping) -> Result<Kind, WeightError> {
    let (file, bytes) = (mapping.path(), mapping.bytes());
    // First, because a header of 640 bytes begins like a pickle.
    let header_follows = bytes.get(8) == Some(&b'{');
    if header_follows
        && bytes.first_chunk().is_some_and(|length| u64::from_le_bytes(*length) <= LONGEST_HEADER)
    {
        return Ok(Kind::Safetensors);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Ok(Kind::Zip);
    }
    if let [0x80, 1..=5, ..] = bytes {
        return Ok(Kind::Pickle);
    }
    if let Some((what, remedy)) = named(bytes, &ending(file)) {
        return Err(WeightError::not_weights(file, what, remedy));
    }
    if is_onnx(bytes, &ending(file)) {
        return Ok(Kind::Onnx);
    }
    if header_follows || ending(file) == "safetensors" {
        return Ok(Kind::Safetensors);
    }
    Err(WeightError::not_weights(
        file,
        "no weight file Kiln knows",
        "safetensors files, torch checkpoints (.pth, .pt, .ckpt, .bin) and ONNX models can be read",
    ))
}

/// A protobuf message that begins as ONNX models do: with a small version number, then the name of the program that
/// wrote it, or another of a model's fields. Those are all a file has that tell it, so its ending counts as well.
fn is_onnx(bytes: &[u8], ending: &str) -> bool {
    ending == "onnx" || matches!(bytes, [0x08, 1..=32, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42, ..])
}

fn ending(file: &std::path::Path) -> String {
    file.extension().map(|end| end.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

const CONVERT: &str = "convert it to safetensors, or get the safetensors version of the model";

/// What other thing this is, and what to do about it.
fn named(bytes: &[u8], ending: &str) -> Option<(&'static str, &'static str)> {
    let magics: [(&[u8], &str, &str); 13] = [
        (
            b"version https://git-lfs",
            "a Git LFS pointer, not the weights",
            "run `git lfs pull` in its folder, or download the file itself",
        ),
        (b"GGUF", "a GGUF file", CONVERT),
        (b"ggjt", "a GGML file", CONVERT),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras or TensorFlow weights)", CONVERT),
        (b"\x93NUMPY", "a NumPy array", CONVERT),
        (b"\x1f\x8b", "a gzip archive", "unpack it first"),
        (b"BZh", "a bzip2 archive", "unpack it first"),
        (b"\xfd7zXZ\0", "an xz archive", "unpack it first"),
        (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it first"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it first"),
        (b"Rar!", "a RAR archive", "unpack it first"),
        (b"\x89PNG", "a picture", "choose the model file"),
        (b"\xff\xd8\xff", "a picture", "choose the model file"),
    ];
    if let Some((_, what, remedy)) = magics.into_iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        return Some((what, remedy));
    }
    if bytes.get(4..8) == Some(b"TFL3") {
        return Some(("a TensorFlow Lite model", CONVERT));
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Some((
            "a tar archive",
            "unpack it first; for a torch checkpoint of before 2017, save it again",
        ));
    }
    // The last eight bytes of the index beside a TensorFlow checkpoint.
    if bytes.ends_with(&[0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]) {
        return Some(("the index of a TensorFlow checkpoint", CONVERT));
    }
    // A protobuf message that begins with a small version number is ONNX, or a TensorFlow graph.
    if let [0x08, version @ 1..=32, 0x12, ..] = bytes
        && ending != "onnx"
        && (ending == "pb" || *version == 1)
    {
        return Some(("a TensorFlow model", CONVERT));
    }
    let text = bytes.get(..512).unwrap_or(bytes).trim_ascii_start();
    let begins = |with: &[u8]| text.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    if begins(b"<!doctype") || begins(b"<html") || begins(b"<?xml") || begins(b"<head") {
        return Some((
            "a web page, not the weights",
            "the download gave a page instead of the file (a login or a licence to accept?); download it again",
        ));
    }
    if begins(b"{") || begins(b"[") {
        return Some((
            "JSON text, not the weights",
            "choose the model file; an index of shards is opened through its folder",
        ));
    }
    None
}
