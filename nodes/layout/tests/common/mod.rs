//! Whole models without their numbers: names and shapes from the fixtures, in files that take no room.
#![allow(dead_code, reason = "each test uses a part of this")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use kiln_weights::WeightFile;

pub type Shapes = BTreeMap<String, Vec<usize>>;

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The names and shapes of a fixture (the format is told in `reference/names.py`).
pub fn shapes(name: &str) -> Shapes {
    tree(name, ".")
}

/// The same of a LoRA file, whose pieces keep their dots and underscores.
pub fn lora_shapes(name: &str) -> Shapes {
    tree(name, "")
}

fn tree(name: &str, joint: &str) -> Shapes {
    let text = std::fs::read_to_string(fixture(&format!("names/{name}.txt"))).unwrap();
    let lines: BTreeMap<&str, &str> = text.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let root = text.lines().last().unwrap().split_once(' ').unwrap().0;
    let mut all = Shapes::new();
    grow(&lines, root, "", joint, &mut all);
    all
}

fn grow(lines: &BTreeMap<&str, &str>, node: &str, name: &str, joint: &str, all: &mut Shapes) {
    if !node.starts_with('#') {
        let shape =
            if node == "-" { Vec::new() } else { node.split('x').map(|n| n.parse().unwrap()).collect() };
        assert!(all.insert(name.to_owned(), shape).is_none(), "{name} twice");
        return;
    }
    for part in lines[node].split(' ') {
        let (children, what) = part.split_once('=').unwrap();
        let children: Vec<String> = match children.split_once("..") {
            Some((from, to)) => {
                (from.parse::<usize>().unwrap()..=to.parse().unwrap()).map(|n| n.to_string()).collect()
            }
            None => vec![children.to_owned()],
        };
        for child in children {
            let name = if name.is_empty() { child } else { format!("{name}{joint}{child}") };
            grow(lines, what, &name, joint, all);
        }
    }
}

pub fn below(prefix: &str, shapes: &Shapes) -> Shapes {
    shapes.iter().filter_map(|(n, s)| Some((n.strip_prefix(prefix)?.to_owned(), s.clone()))).collect()
}

pub fn under(prefix: &str, shapes: &Shapes) -> Shapes {
    shapes.iter().map(|(n, s)| (format!("{prefix}{n}"), s.clone())).collect()
}

/// A safetensors file of these shapes whose numbers are all zero, stored as a hole.
pub fn hollow(path: &Path, shapes: &Shapes) -> WeightFile {
    hollow_with(path, shapes, &[], &BTreeMap::new())
}

/// The same with some numbers, and with metadata.
pub fn hollow_with(
    path: &Path,
    shapes: &Shapes,
    filled: &[(&str, Vec<f32>)],
    metadata: &BTreeMap<String, String>,
) -> WeightFile {
    let mut header = serde_json::Map::new();
    if !metadata.is_empty() {
        header.insert("__metadata__".into(), serde_json::to_value(metadata).unwrap());
    }
    let mut at = 0_u64;
    let mut places = BTreeMap::new();
    for (name, shape) in shapes {
        let whole = name.ends_with("position_ids");
        let (dtype, size) = if whole { ("I64", 8) } else { ("F32", 4) };
        let bytes = shape.iter().product::<usize>() as u64 * size;
        places.insert(name.as_str(), at);
        header.insert(
            name.clone(),
            serde_json::json!({"dtype": dtype, "shape": shape, "data_offsets": [at, at + bytes]}),
        );
        at += bytes;
    }
    let text = serde_json::to_vec(&header).unwrap();
    let mut file = File::create(path).unwrap();
    file.write_all(&(text.len() as u64).to_le_bytes()).unwrap();
    file.write_all(&text).unwrap();
    file.set_len(8 + text.len() as u64 + at).unwrap();
    for (name, values) in filled {
        use std::io::{Seek, SeekFrom};
        file.seek(SeekFrom::Start(8 + text.len() as u64 + places[name])).unwrap();
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        file.write_all(&bytes).unwrap();
    }
    drop(file);
    WeightFile::open(path).unwrap()
}

/// The names and shapes of a part.
pub fn shapes_of(weights: &kiln_tensor::WeightMap) -> Shapes {
    weights.iter().map(|(name, weight)| (name.clone(), weight.shape().to_vec())).collect()
}
