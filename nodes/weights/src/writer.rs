//! Writing safetensors, tensor after tensor, without ever holding the model.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::dtype::{Dtype, byte_count};
use crate::error::{WeightError, quoted};
use crate::safetensors::LONGEST_HEADER;
use crate::stored::Stored;

/// What a tensor will be, said before its numbers are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorPlan {
    /// Its name.
    pub name: String,
    /// How its numbers are stored.
    pub dtype: Dtype,
    /// Its sides, outermost first.
    pub shape: Vec<usize>,
}

/// Writes a safetensors file: the header, then each tensor as `fill` gives it.
///
/// `fill` is called once per plan, in the order the tensors have in the file (wide formats first, then by
/// name, as the reference implementation writes them, so that every tensor is aligned), and writes exactly
/// the bytes its plan promises: little-endian, C order.
///
/// # Errors
/// If a name comes twice or is `__metadata__`, the header would be too long, `fill` gives another number
/// of bytes than promised, or writing fails.
pub fn write_safetensors(
    out: &mut dyn Write,
    plans: &[TensorPlan],
    metadata: &BTreeMap<String, String>,
    mut fill: impl FnMut(&TensorPlan, &mut dyn Write) -> io::Result<()>,
) -> Result<(), WeightError> {
    let mut order: Vec<(&TensorPlan, u64)> = Vec::with_capacity(plans.len());
    let mut names = BTreeSet::new();
    for plan in plans {
        if plan.name == "__metadata__" || !names.insert(&plan.name) {
            return Err(WeightError::made(&plan.name, "cannot be written under this name: it is taken"));
        }
        let length = byte_count(plan.dtype, &plan.shape)
            .ok_or_else(|| WeightError::made(&plan.name, "would be larger than memory can be"))?;
        order.push((plan, length as u64));
    }
    order.sort_by(|(a, _), (b, _)| b.dtype.size().cmp(&a.dtype.size()).then_with(|| a.name.cmp(&b.name)));

    out.write_all(&header(&order, metadata)?)?;
    for (plan, length) in order {
        let mut sink = Counted { out: &mut *out, left: length };
        fill(plan, &mut sink)?;
        if sink.left != 0 {
            let why = format!("was given {} of its {length} bytes", length - sink.left);
            return Err(WeightError::made(&plan.name, why));
        }
    }
    out.flush()?;
    Ok(())
}

/// Writes tensors that lie in files or in memory.
///
/// # Errors
/// As [`write_safetensors`].
pub fn write_stored<'a>(
    out: &mut dyn Write,
    tensors: impl IntoIterator<Item = &'a Stored>,
    metadata: &BTreeMap<String, String>,
) -> Result<(), WeightError> {
    let by_name: BTreeMap<&str, &Stored> =
        tensors.into_iter().map(|tensor| (tensor.name(), tensor)).collect();
    let plans: Vec<TensorPlan> = by_name
        .values()
        .map(|tensor| TensorPlan {
            name: tensor.name().to_owned(),
            dtype: tensor.dtype(),
            shape: tensor.shape().to_vec(),
        })
        .collect();
    write_safetensors(out, &plans, metadata, |plan, sink| {
        by_name.get(plan.name.as_str()).map_or(Ok(()), |tensor| sink.write_all(tensor.bytes()))
    })
}

/// Length and JSON, filled up with spaces to a multiple of eight.
fn header(order: &[(&TensorPlan, u64)], metadata: &BTreeMap<String, String>) -> Result<Vec<u8>, WeightError> {
    let mut map = Map::new();
    if !metadata.is_empty() {
        map.insert("__metadata__".to_owned(), json!(metadata));
    }
    let mut start = 0_u64;
    for (plan, length) in order {
        let end = start
            .checked_add(*length)
            .ok_or_else(|| WeightError::made(&plan.name, "would end beyond what a file can hold"))?;
        let dtype = plan.dtype.name();
        map.insert(
            plan.name.clone(),
            json!({ "dtype": dtype, "shape": plan.shape, "data_offsets": [start, end] }),
        );
        start = end;
    }
    let text = Value::Object(map).to_string();
    let length = text.len().next_multiple_of(8);
    if length as u64 > LONGEST_HEADER {
        let first = order.first().map_or("", |(plan, _)| &plan.name);
        return Err(WeightError::made(
            first,
            format!("and its companions {} need a header longer than {LONGEST_HEADER} bytes", quoted("...")),
        ));
    }
    let mut header = (length as u64).to_le_bytes().to_vec();
    header.extend_from_slice(text.as_bytes());
    header.resize(8 + length, b' ');
    Ok(header)
}

/// Lets through as many bytes as a tensor was promised to have.
struct Counted<'a> {
    out: &'a mut dyn Write,
    left: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "more bytes than the tensor's shape holds",
            ));
        }
        let written = self.out.write(bytes)?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
