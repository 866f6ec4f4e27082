//! One weight of an ONNX file.

use std::sync::Arc;

use super::Fault;
use super::wire::{Message, Value};
use crate::dtype::{Dtype, byte_count, count};
use crate::error::quoted;
use crate::map::{Mapping, Span};
use crate::stored::Stored;

/// No tensor has more sides.
const MOST_SIDES: usize = 32;

/// No tensor's numbers come in more stretches: writers use one.
const MOST_STRETCHES: usize = 4096;

/// The formats by their numbers in the file; the rest by their names, for messages.
fn format(number: u64) -> Result<Dtype, String> {
    Err(match number {
        1 => return Ok(Dtype::F32),
        2 => return Ok(Dtype::U8),
        3 => return Ok(Dtype::I8),
        5 => return Ok(Dtype::I16),
        6 => return Ok(Dtype::I32),
        7 => return Ok(Dtype::I64),
        9 => return Ok(Dtype::Bool),
        10 => return Ok(Dtype::F16),
        11 => return Ok(Dtype::F64),
        16 => return Ok(Dtype::BF16),
        17 => return Ok(Dtype::F8E4M3),
        19 => return Ok(Dtype::F8E5M2),
        8 => "texts".into(),
        21 | 22 => "4-bit integers".into(),
        4 | 12 | 13 => "unsigned integers".into(),
        14 | 15 => "complex numbers".into(),
        other => format!("numbers of the kind {other}"),
    })
}

/// Where a tensor's numbers were found.
#[derive(Default)]
struct Found<'a> {
    /// Bytes as they are in memory.
    raw: Option<Message<'a>>,
    /// Numbers of four or eight bytes (fields 4 and 10), in one or more stretches.
    fixed: Vec<Message<'a>>,
    /// Numbers of varying length (fields 5 and 7), in one or more stretches.
    varied: Vec<Message<'a>>,
    /// Numbers that came one by one.
    single: Vec<u8>,
    /// The same, of varying length.
    single_varied: Vec<u64>,
}

/// A tensor's name, and the tensor or why it cannot be read (the end of a sentence).
pub(super) fn read(
    mapping: &Arc<Mapping>,
    mut message: Message<'_>,
) -> Result<(String, Result<Stored, String>), Fault> {
    let (mut name, mut kind, mut shape, mut elsewhere) = (String::new(), 0, Vec::new(), None);
    let mut found = Found::default();
    while let Some((field, value)) = message.next()? {
        match (field, value) {
            (1, Value::Number(side)) => add_side(&mut shape, side)?,
            (1, Value::Bytes(mut row)) => {
                while !row.range().is_empty() {
                    add_side(&mut shape, row.number()?)?;
                }
            }
            (2, Value::Number(number)) => kind = number,
            (4 | 10, Value::Bytes(row)) => found.fixed.push(row),
            (5 | 7, Value::Bytes(row)) => found.varied.push(row),
            (4, Value::Four(number)) => found.single.extend(number),
            (10, Value::Eight(number)) => found.single.extend(number),
            (5 | 7, Value::Number(number)) => found.single_varied.push(number),
            (8, Value::Bytes(text)) => name = text.text()?,
            (9, Value::Bytes(raw)) => found.raw = Some(raw),
            (13, Value::Bytes(entry)) => {
                let (key, text) = super::entry(entry)?;
                if key == "location" || elsewhere.is_none() {
                    elsewhere = Some(text);
                }
            }
            (14, Value::Number(1)) => elsewhere = elsewhere.or(Some(String::new())),
            _ => {}
        }
        if found.fixed.len() + found.varied.len() > MOST_STRETCHES {
            return Err(Fault::TooMuch(format!(
                "the numbers of a weight come in more than {MOST_STRETCHES} stretches"
            )));
        }
    }
    if let Some(place) = elsewhere {
        return Err(Fault::Elsewhere(place));
    }
    let dtype = match format(kind) {
        Ok(dtype) => dtype,
        Err(what) => return Ok((name, Err(format!("holds {what}, which Kiln does not read")))),
    };
    let Some(wanted) = byte_count(dtype, &shape) else {
        return Err(Fault::Damaged(format!("the weight {} has impossible sides {shape:?}", quoted(&name))));
    };
    let span = numbers(mapping, &name, dtype, &shape, wanted, found)?;
    let stored = Stored::plain(&name, dtype, &shape, span, mapping.path());
    Ok((name, Ok(stored)))
}

fn add_side(shape: &mut Vec<usize>, side: u64) -> Result<(), Fault> {
    if shape.len() >= MOST_SIDES {
        return Err(Fault::TooMuch(format!("one of its weights has more than {MOST_SIDES} sides")));
    }
    // A negative side is a number with its top bit set.
    let side = usize::try_from(side).ok().filter(|side| isize::try_from(*side).is_ok());
    shape.push(side.ok_or_else(|| Fault::Damaged("one of its weights has a negative side".into()))?);
    Ok(())
}

/// The numbers where they lie, or else gathered: never more than eight bytes for one of the file's.
fn numbers(
    mapping: &Arc<Mapping>,
    name: &str,
    dtype: Dtype,
    shape: &[usize],
    wanted: usize,
    found: Found<'_>,
) -> Result<Span, Fault> {
    let wrong = |what: String| {
        Fault::Damaged(format!("the weight {} of {} {shape:?} has {what}", quoted(name), dtype.name()))
    };
    let lies = |message: &Message<'_>| {
        Span::mapped(mapping, message.range()).ok_or_else(|| wrong("no bytes".into()))
    };
    if let Some(raw) = &found.raw {
        let length = raw.range().len();
        return if length == wanted { lies(raw) } else { Err(wrong(format!("{length} bytes"))) };
    }
    if matches!(dtype, Dtype::F32 | Dtype::F64) {
        let length =
            found.fixed.iter().fold(found.single.len(), |sum, row| sum.saturating_add(row.range().len()));
        if length != wanted {
            return Err(wrong(format!("{length} bytes")));
        }
        if let ([row], []) = (found.fixed.as_slice(), found.single.as_slice()) {
            return lies(row);
        }
        let mut bytes = Vec::with_capacity(wanted);
        found.fixed.iter().for_each(|row| bytes.extend_from_slice(row.bytes()));
        bytes.extend(found.single);
        return Ok(Span::owned(bytes));
    }
    let total = count(shape).unwrap_or(0);
    let least =
        found.varied.iter().fold(found.single_varied.len(), |sum, row| sum.saturating_add(row.range().len()));
    if least < total {
        return Err(wrong(format!("at most {least} numbers")));
    }
    let mut bytes = Vec::with_capacity(wanted);
    let mut seen = 0_usize;
    let mut add = |number: u64| {
        seen += 1;
        if seen > total || !put(dtype, number, &mut bytes) {
            return Err(wrong(if seen > total {
                "more numbers".into()
            } else {
                format!("the number {number}")
            }));
        }
        Ok(())
    };
    for mut row in found.varied {
        while !row.range().is_empty() {
            add(row.number()?)?;
        }
    }
    for number in found.single_varied {
        add(number)?;
    }
    if seen == total { Ok(Span::owned(bytes)) } else { Err(wrong(format!("{seen} numbers"))) }
}

/// Writes a number as its format has it; floats of 16 and 8 bits come as the bits. Says whether it fits.
fn put(dtype: Dtype, number: u64, bytes: &mut Vec<u8>) -> bool {
    let signed = number.cast_signed();
    match dtype {
        Dtype::I64 => bytes.extend(number.to_le_bytes()),
        Dtype::I32 => return i32::try_from(signed).map(|n| bytes.extend(n.to_le_bytes())).is_ok(),
        Dtype::I16 => return i16::try_from(signed).map(|n| bytes.extend(n.to_le_bytes())).is_ok(),
        Dtype::I8 => return i8::try_from(signed).map(|n| bytes.extend(n.to_le_bytes())).is_ok(),
        Dtype::F16 | Dtype::BF16 => {
            return u16::try_from(number).map(|n| bytes.extend(n.to_le_bytes())).is_ok();
        }
        Dtype::U8 | Dtype::Bool | Dtype::F8E4M3 | Dtype::F8E5M2 => {
            return u8::try_from(number).map(|n| bytes.push(n)).is_ok();
        }
        Dtype::F32 | Dtype::F64 => return false,
    }
    true
}
