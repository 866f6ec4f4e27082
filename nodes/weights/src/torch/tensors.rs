//! From a checkpoint's values to tensors in the file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::value::{Kind, Pickle, Storage, Tensor, Value};
use super::zip::Archive;
use super::{pickle, state};
use crate::dtype::{byte_count, count};
use crate::error::{WeightError, quoted};
use crate::file::Contents;
use crate::map::{Mapping, Span};
use crate::stored::Stored;

/// Where a storage's bytes are.
pub(super) enum Found {
    Here(Span),
    /// Not in the file: why, as the end of a sentence about the tensor.
    Not(String),
    /// Beyond the end of the file, at this byte.
    Beyond(u64),
}

/// Reads the zip archive that `torch.save` has written since torch 1.6.
pub(crate) fn read_zip(mapping: &Arc<Mapping>) -> Result<Contents, WeightError> {
    let file = mapping.path();
    let mut archive = Archive::open(mapping)?;
    let Some(prefix) = archive.torch_prefix() else {
        let what = if archive.has_ending(".npy") {
            "a NumPy archive"
        } else {
            "a zip archive without a torch checkpoint inside"
        };
        return Err(WeightError::not_weights(file, what, "unpack it, and choose the weight file inside"));
    };
    if let Some(order) = archive.read(&format!("{prefix}byteorder"))?
        && order.bytes().trim_ascii() == b"big"
    {
        let remedy = "load it with torch on a common computer and save it again";
        return Err(WeightError::not_weights(file, "a checkpoint of a big-endian computer", remedy));
    }
    let program = archive
        .read(&format!("{prefix}data.pkl"))?
        .ok_or_else(|| WeightError::damaged(file, "its data.pkl is gone"))?;
    let pickle = pickle::read(program.bytes()).map_err(|fault| fault.of(file))?;
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    collect(file, mapping.bytes().len(), &pickle, |storage| {
        if let Some(span) = seen.get(storage.key) {
            return Ok(Found::Here(span.clone()));
        }
        let entry = format!("{prefix}data/{}", storage.key);
        Ok(match archive.read(&entry)? {
            Some(span) => {
                seen.insert(storage.key.to_owned(), span.clone());
                Found::Here(span)
            }
            None => Found::Not(format!("lies in {}, which is not in the archive", quoted(&entry))),
        })
    })
}

/// The state dict's tensors, each in its storage.
pub(super) fn collect(
    file: &Arc<Path>,
    file_length: usize,
    pickle: &Pickle<'_>,
    mut find: impl FnMut(&Storage<'_>) -> Result<Found, WeightError>,
) -> Result<Contents, WeightError> {
    let mut contents = Contents { warnings: pickle.warnings().collect(), ..Contents::default() };
    let (names, more) = state::find(pickle);
    if more {
        contents
            .warnings
            .push("the file holds more values than a checkpoint should; some were left out".into());
    }
    // Views with strides are copied when asked for: never more, all together, than four times the file.
    let mut to_gather = file_length.saturating_mul(4).saturating_add(64 << 20);
    for (name, id) in names {
        let outcome = match pickle.value(id) {
            Value::Tensor(tensor) => match pickle.value(tensor.storage) {
                Value::Storage(storage) => match find(storage)? {
                    Found::Here(span) => place(&name, tensor, storage, &span, file, &mut to_gather),
                    Found::Not(why) => Err(why),
                    Found::Beyond(end) => {
                        let what = format!(
                            "the tensor {} ends at byte {end} but the file has {file_length}",
                            quoted(&name)
                        );
                        return Err(WeightError::cut_short(file, what));
                    }
                },
                _ => Err("does not lie in a storage that can be read".to_owned()),
            },
            Value::Unreadable(why) => Err(why.to_string()),
            _ => continue,
        };
        // Where a key comes twice, the last one counts, as in Python.
        match outcome {
            Ok(tensor) => {
                contents.unreadable.remove(&name);
                contents.tensors.insert(name, tensor);
            }
            Err(why) => {
                contents.tensors.remove(&name);
                contents.unreadable.insert(name, why);
            }
        }
    }
    Ok(contents)
}

/// Checks that every number of the view lies inside its storage.
fn place(
    name: &str,
    tensor: &Tensor,
    storage: &Storage<'_>,
    span: &Span,
    file: &Arc<Path>,
    to_gather: &mut usize,
) -> Result<Stored, String> {
    let dtype = match (tensor.dtype, storage.kind) {
        (Some(dtype), _) | (None, Kind::Typed(dtype)) => dtype,
        (None, Kind::Untyped) => return Err("does not say how its numbers are stored".to_owned()),
        (None, Kind::Other(class)) => {
            return Err(format!(
                "lies in a storage of the class {}, which Kiln does not read",
                quoted(class)
            ));
        }
    };
    let beyond = || format!("reaches beyond its storage {}", quoted(storage.key));
    let size = dtype.size();
    let shape = &tensor.shape;
    let numbers = count(shape).ok_or_else(beyond)?;
    let bytes = byte_count(dtype, shape).ok_or_else(beyond)?;
    let begin = storage.begins.checked_add(tensor.offset).and_then(|at| usize::try_from(at).ok());
    let begin = begin.ok_or_else(beyond)?;
    if numbers == 0 {
        let empty = span.within(0..0).ok_or_else(beyond)?;
        return Ok(Stored::plain(name, dtype, shape, empty, file));
    }
    let last = shape.iter().zip(&tensor.strides).try_fold(begin, |at, (&side, &stride)| {
        (side - 1).checked_mul(stride).and_then(|reach| at.checked_add(reach))
    });
    let end = last.and_then(|last| last.checked_add(1)?.checked_mul(size)).ok_or_else(beyond)?;
    if end > span.len() {
        return Err(beyond());
    }
    if in_order(shape, &tensor.strides) {
        let here = span.within(begin * size..begin * size + bytes).ok_or_else(beyond)?;
        return Ok(Stored::plain(name, dtype, shape, here, file));
    }
    *to_gather = to_gather
        .checked_sub(bytes)
        .ok_or_else(|| format!("would grow to {bytes} bytes, far more than the file holds"))?;
    Ok(Stored::strided(name, dtype, shape, (span.clone(), begin, tensor.strides.clone()), file))
}

/// Whether walking the view in C order walks the storage number by number.
fn in_order(shape: &[usize], strides: &[usize]) -> bool {
    let mut wanted = 1_usize;
    shape.iter().zip(strides).rev().all(|(&side, &stride)| {
        let fits = side == 1 || stride == wanted;
        wanted = wanted.saturating_mul(side);
        fits
    })
}
