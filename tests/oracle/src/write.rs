//! Writing safetensors files, tensor by tensor.

use rayon::prelude::*;
use std::io::{self, Write};

/// How numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// Half precision.
    F16,
    /// Single precision.
    F32,
    /// 64-bit integers.
    I64,
}

impl Store {
    fn size(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 => 4,
            Self::I64 => 8,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::F16 => "F16",
            Self::F32 => "F32",
            Self::I64 => "I64",
        }
    }
}

/// Makes a tensor's numbers.
pub type Make = Box<dyn Fn() -> Vec<f32> + Send + Sync>;

/// A tensor to be written.
pub struct Item {
    /// Its name.
    pub name: String,
    /// How it is stored.
    pub store: Store,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Makes its numbers.
    pub make: Make,
}

/// Writes a file: the widest format first, then by name, the header filled up to 8 bytes.
pub fn write(out: &mut impl Write, mut items: Vec<Item>, metadata: &[(&str, &str)]) -> io::Result<()> {
    items.sort_by(|a, b| b.store.size().cmp(&a.store.size()).then_with(|| a.name.cmp(&b.name)));
    let mut header = serde_json::Map::new();
    if !metadata.is_empty() {
        let pairs = metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect();
        header.insert("__metadata__".into(), serde_json::Value::Object(pairs));
    }
    let mut at = 0;
    for item in &items {
        let bytes = item.store.size() * item.shape.iter().product::<usize>();
        let entry = serde_json::json!({ "dtype": item.store.name(), "shape": item.shape, "data_offsets": [at, at + bytes] });
        header.insert(item.name.clone(), entry);
        at += bytes;
    }
    let mut text = serde_json::Value::Object(header).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    out.write_all(&(text.len() as u64).to_le_bytes())?;
    out.write_all(&text)?;
    for some in items.chunks(8) {
        let made: Vec<Vec<u8>> = some.par_iter().map(bytes).collect();
        for bytes in made {
            out.write_all(&bytes)?;
        }
    }
    out.flush()
}

fn bytes(item: &Item) -> Vec<u8> {
    let values = (item.make)();
    match item.store {
        Store::F16 => values.iter().flat_map(|v| half::f16::from_f32(*v).to_le_bytes()).collect(),
        Store::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Store::I64 => values.iter().flat_map(|v| (*v as i64).to_le_bytes()).collect(),
    }
}
