//! Checkpoints from before torch 1.6, and of `_use_new_zipfile_serialization=False`: a magic number, a
//! version, facts about the machine, the object, the storages' keys (a pickle each), then the storages'
//! numbers one after the other, each after its count.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pickle;
use super::tensors::{Found, collect};
use super::value::{Kind, Pickle, Value};
use crate::error::{WeightError, quoted};
use crate::file::Contents;
use crate::map::{Mapping, Span};

/// The pickle of the number 0x1950a86a20f9469cfc6c, without its protocol.
const MAGIC: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// Reads the row of pickles; the numbers stay where they are.
pub(crate) fn read(mapping: &Arc<Mapping>) -> Result<Contents, WeightError> {
    let (file, bytes) = (mapping.path(), mapping.bytes());
    let mut at = 0;
    let first = next(mapping, &mut at)?;
    // Of protocol 4 and later the magic number may come in a frame.
    if !bytes.get(..at).is_some_and(|head| head.ends_with(MAGIC)) {
        let whole =
            collect(file, bytes.len(), &first, |_| Ok(Found::Not("lies outside the file".to_owned())))?;
        let mut what = "a Python pickle, but not a checkpoint that torch saved".to_owned();
        if let Some(warning) = whole.warnings.first() {
            what = format!("{what} ({warning})");
        }
        return Err(WeightError::not_weights(file, what, "get the model as safetensors"));
    }
    let version = next(mapping, &mut at)?;
    if !matches!(version.value(version.root), Value::Int(1001)) {
        return Err(WeightError::damaged(
            file,
            "it is of no version of the old torch format (1001 is known)",
        ));
    }
    next(mapping, &mut at)?;
    let object = next(mapping, &mut at)?;
    let keys = next(mapping, &mut at)?;

    let storages = lay_out(mapping, &object, &keys, at)?;
    collect(file, bytes.len(), &object, |storage| {
        Ok(match storages.get(storage.key) {
            Some(Place::At(span)) => Found::Here(span.clone()),
            Some(Place::Beyond(end)) => Found::Beyond(*end),
            None => {
                Found::Not(format!("lies in the storage {}, which is not in the file", quoted(storage.key)))
            }
        })
    })
}

fn next<'a>(mapping: &'a Mapping, at: &mut usize) -> Result<Pickle<'a>, WeightError> {
    let rest = mapping.bytes().get(*at..).unwrap_or_default();
    let pickle = pickle::read(rest).map_err(|fault| fault.of(mapping.path()))?;
    *at += pickle.length;
    Ok(pickle)
}

enum Place {
    At(Span),
    Beyond(u64),
}

/// Where each storage lies: in the order of the keys, its count of numbers and then the numbers.
fn lay_out<'a>(
    mapping: &Arc<Mapping>,
    object: &Pickle<'a>,
    keys: &Pickle<'_>,
    data_start: usize,
) -> Result<BTreeMap<&'a str, Place>, WeightError> {
    let (file, bytes) = (mapping.path(), mapping.bytes());
    // How wide a storage's numbers are, only the object knows.
    let mut widths: BTreeMap<&str, Option<u64>> = BTreeMap::new();
    for value in &object.values {
        if let Value::Storage(storage) = value {
            let width = match storage.kind {
                Kind::Typed(dtype) => Some(dtype.size() as u64),
                Kind::Untyped => Some(1),
                Kind::Other("ComplexFloatStorage") => Some(8),
                Kind::Other("ComplexDoubleStorage") => Some(16),
                Kind::Other(_) => None,
            };
            widths.insert(storage.key, width);
        }
    }
    let Value::List(keys_in_order) = keys.value(keys.root) else {
        return Err(WeightError::damaged(file, "its list of storages is no list"));
    };
    let mut places = BTreeMap::new();
    let mut at = data_start as u64;
    for &key in keys_in_order {
        let key = keys.text(key).unwrap_or_default();
        let Some((&key, &width)) = widths.get_key_value(key) else {
            return Err(WeightError::damaged(file, format!("nothing lies in its storage {}", quoted(key))));
        };
        let Some(width) = width else {
            let what = format!("its storage {} is of a class Kiln does not read", quoted(key));
            return Err(WeightError::not_weights(file, what, "save it again as safetensors"));
        };
        let count = usize::try_from(at).ok().and_then(|at| bytes.get(at..)?.first_chunk::<8>());
        let count = count.map_or(0, |count| u64::from_le_bytes(*count));
        let start = at.saturating_add(8);
        let Some(end) = count.checked_mul(width).and_then(|length| start.checked_add(length)) else {
            return Err(WeightError::damaged(file, format!("its storage {} has no end", quoted(key))));
        };
        let span = usize::try_from(end).ok().and_then(|end| Span::mapped(mapping, start as usize..end));
        places.insert(key, span.map_or(Place::Beyond(end), Place::At));
        at = end;
    }
    Ok(places)
}
